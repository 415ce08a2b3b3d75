"""The steps of the self-test: each does a piece of the pipeline and compares it with its answer."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalharness import results, runner
from evalharness.proving import answers, machine
from evalharness.records import Article, Summary, digest
from evalharness.runner import Run
from evalharness.shipped import shipped
from evalharness.work import Silence

QUICKSTART = "quickstart"
# Characters of an article that the two checkpoints read; the first, a long one, is cut by them.
SHORT = 400


class Failed(Exception):
    """A step did not give its answer: which, in one line."""


@dataclass
class Bench:
    """A folder to work in, and the runs made so far, by name."""

    folder: Path
    results: Path
    facts: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)

    def run(
        self, name: str, model: Mapping[str, Any], where: str = "a", data: Path | None = None
    ) -> Run:
        """Run a model over articles, those of the quickstart if no other; `where` is the folder."""
        sheet = self.sheet(name, model, data or articles_file())
        (made,) = runner.run(sheet, results=self.folder / where)
        self.runs[name if where == "a" else f"{where}/{name}"] = made
        return made

    def sheet(self, name: str, model: Mapping[str, Any], data: Path) -> dict[str, Any]:
        """Return a config of one model."""
        return {
            "name": "selftest",
            "data": {"name": "files", "path": str(data)},
            "model": {**model, "label": name},
            "metrics": ["rouge"],
            "checks": ["numbers"],
        }

    def few(self) -> Path:
        """Return a file with a few articles whose first sentences are short: quick to copy."""
        path = self.folder / "few.jsonl"
        if not path.exists():
            rows = results.read_samples(articles_file())
            written: list[str] = []
            for lead, row in zip(answers.LEADS, rows, strict=False):
                text = row["article"][:SHORT] if written else row["article"]
                written.append(json.dumps({**row, "article": f"{lead} {text}"}))
            path.write_text("\n".join(written) + "\n", encoding="utf-8")
        return path


def articles_file() -> Path:
    """Return the articles of the quickstart."""
    return shipped(f"{QUICKSTART}/articles.jsonl")


def checkpoint(name: str) -> str:
    """Return the folder of a checkpoint that copies the first sentence."""
    return str(shipped(f"{QUICKSTART}/{name}"))


def expect(found: Any, wanted: Any, what: str) -> None:
    """Raise Failed where a value is not the one known beforehand."""
    if found != wanted:
        raise Failed(f"{what} is {_short(found)}, should be {_short(wanted)}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 90 else f"{text[:87]}…"


def look(bench: Bench) -> str:
    """Look at versions, devices and disk, and write where results will lie."""
    bench.facts = machine.machine(bench.results)
    machine.try_writing(bench.results)
    return ""


def load(bench: Bench) -> str:
    """Read the articles of the quickstart."""
    from evalharness.loaders.files import Files

    rows = [row for row in Files(articles_file()).load() if isinstance(row, Article)]
    expect(len(rows), answers.ARTICLES, "the number of articles")
    found = digest("articles")
    for row in rows:
        found = digest(found, row.id, row.text, row.references, row.source)
    expect(found, answers.FINGERPRINT, "the fingerprint of the articles")
    return f"{len(rows)} articles"


BART: Mapping[str, Any] = {"name": "seq2seq", "max_new_tokens": 100, "num_beams": 1}
LLAMA: Mapping[str, Any] = {
    "name": "causal",
    "max_new_tokens": 100,
    "num_beams": 1,
    "user": "{article}\n\nSummarize this article.",
}


def seq2seq(bench: Bench) -> str:
    """Summarize with an encoder-decoder checkpoint that copies the first sentence."""
    return _copying(bench, "bart", {**BART, "model": checkpoint("lead1-bart")})


def causal(bench: Bench) -> str:
    """Summarize with a chat checkpoint that copies the first sentence."""
    return _copying(bench, "llama", {**LLAMA, "model": checkpoint("lead1-llama")})


def _copying(bench: Bench, name: str, model: Mapping[str, Any]) -> str:
    made = bench.run(name, model, data=bench.few())
    for sample, lead in zip(made.samples(), answers.LEADS, strict=True):
        expect(sample["summary"]["text"], lead, f"the summary of {sample['id']}")
    alone = bench.run(name, {**model, "batch_size": 1}, "alone", bench.few())
    _same_files(made, alone, "summaries alone and in a batch")
    return f"{len(answers.LEADS)} summaries, alone and in a batch"


def extractive(bench: Bench) -> str:
    """Summarize with what needs no weights: the first sentences, and the best for the reference."""
    from evalharness.models.extractive import Lead, Oracle

    first, second, third = answers.SENTENCES
    article = Article("a", " ".join(answers.SENTENCES), (third,))
    (lead,), (oracle,) = (
        Lead(sentences=2).summarize([article]),
        Oracle(sentences=1).summarize([article]),
    )
    expect(lead.text.split(), f"{first} {second}".split(), "lead-2")
    expect(oracle.text, third, "the oracle's sentence")
    for name in ("lead", "random", "oracle"):
        bench.run(name, {"name": name, "sentences": 2})
    return ""


def rouge(bench: Bench) -> str:
    """Score what was worked out by hand, and what rouge_score says of every summary so far."""
    from evalharness.metrics.rouge import Rouge
    from evalharness.verifying.rescoring import reference_rouge

    metric = Rouge()
    article, summary = Article("a", "", (answers.REFERENCE,)), Summary("a", answers.SUMMARY)
    parts = metric.score([(article, summary)])[0].parts
    for name, wanted in answers.ROUGE.items():
        expect(round(parts[name], 12), round(wanted, 12), name)
    n = 0
    for run in bench.runs.values():
        for sample in run.samples():
            pair = _pair(sample)
            for name, wanted in reference_rouge(metric, *pair):
                found = sample["scores"]["rouge"]["parts"][name]
                expect(found, wanted, f"{name} of {sample['id']} by {run.name}")
            n += 1
    return f"{n} summaries as rouge_score has them"


def _pair(sample: Mapping[str, Any]) -> tuple[Article, Summary]:
    article = Article(sample["id"], sample["article"], tuple(sample["references"]))
    return article, Summary(article.id, sample["summary"]["text"])


def intervals(bench: Bench) -> str:
    """Make an interval whose ends are known, by a seeded bootstrap."""
    import numpy as np

    from evalharness import stats

    low, high = stats.interval(np.arange(100.0)[:, np.newaxis], seed=0)
    found = (round(float(low[0]), 6), round(float(high[0]), 6))
    expect(found, answers.INTERVAL, "the interval of 0 to 99")
    return ""


def checks(bench: Bench) -> str:
    """Find errors planted in a summary, and none in the summary without them."""
    from evalharness.checking import check

    verdict = check(answers.ARTICLE, answers.SUPPORTED)
    expect(verdict.verdict, "supported", "the verdict on a true summary")
    for summary, kinds in answers.ERRORS.items():
        found = {flag.kind for flag in check(answers.ARTICLE, summary).flags}
        expect(found & kinds, kinds, f"what is flagged in {summary!r}")
    return f"{len(answers.ERRORS)} planted errors"


class _Interrupting(Silence):
    """Stops a run once some summaries are stored."""

    def advance(self, articles: int) -> None:
        if articles:  # none, where a window has none that was stored before
            raise KeyboardInterrupt


def resume(bench: Bench) -> str:
    """Stop a run after its first batch, tear the last line of its store, and run it again."""
    where = bench.folder / "resumed"
    model = {**BART, "model": checkpoint("lead1-bart"), "batch_size": 2}
    with suppress(KeyboardInterrupt):
        sheet = bench.sheet("bart", model, bench.few())
        runner.run(sheet, results=where, progress=_Interrupting())
        raise Failed("the run was not stopped")
    (ledger,) = (where / "store" / "summaries").glob("*.jsonl")
    with ledger.open("ab") as file:
        file.write(b'{"crc":"00000000","key":"torn')
    made = bench.run("bart", model, "resumed", bench.few())
    told = made.record["timing"]["summaries"]
    expect(
        told,
        {"computed": len(answers.LEADS) - 2, "stored": 2},
        "what was computed and what was stored",
    )
    _same_files(
        bench.runs["bart"], made, "a run that was stopped and resumed, and one that was not"
    )
    return "same bytes as undisturbed"


def _same_files(one: Run, other: Run, what: str) -> None:
    for name in (results.SAMPLES, results.TABLE):
        same = (one.folder / name).read_bytes() == (other.folder / name).read_bytes()
        expect(same, True, f"{what}: that {name} has the same bytes")


def compare(bench: Bench) -> str:
    """Compare runs of which it is known which is better."""
    from evalharness.comparison import compare as compare_runs

    found = compare_runs(
        bench.runs["lead"], bench.runs["oracle"], metrics=["rouge.rouge1"], resamples=1000
    )
    (difference,) = found.differences
    if not (difference.low or 0) > 0:
        raise Failed(f"the oracle is not above lead: {difference.low} to {difference.high}")
    return f"the oracle is {difference.difference:.3f} above lead"


def gate(bench: Bench) -> str:
    """Gate a run against itself, which passes, and a worse one, which must not."""
    from evalharness.gating import gate as judge

    rules = {"metrics": {"rouge.rouge1": 0.02}, "minimum_n": 20}
    same = judge(bench.runs["oracle"], bench.runs["oracle"], rules)
    expect((same.verdict, same.exit_code), ("pass", 0), f"the gate's verdict ({same.reason})")
    worse = judge(bench.runs["oracle"], bench.runs["random"], rules)
    expect((worse.verdict, worse.exit_code), ("regression", 1), f"the verdict ({worse.reason})")
    return "passes the same, catches the worse"


def page(bench: Bench) -> str:
    """Read a page: title, byline, body, summary box; and find the number that is wrong in it."""
    from evalharness.checking import check
    from evalharness.loaders.pages import read

    found = read(answers.PAGE.encode())
    expect(found.title, answers.PAGE_TITLE, "the title of the page")
    expect(found.byline, (answers.PAGE_BYLINE,), "the byline")
    expect(len(found.body), answers.PAGE_PARAGRAPHS, "the number of paragraphs")
    verdict = check(found)
    expect(verdict.verdict, "flagged", "the verdict on its summary")
    expect([flag.kind for flag in verdict.flags], ["number"], "what is flagged in it")
    return ""


def verify(bench: Bench) -> str:
    """Verify all runs so far; then flip one bit, which must be named."""
    from evalharness.verifying import verify as verify_runs

    found = verify_runs(bench.folder / "a", sample=3)
    expect(found.findings.lines(), [], "what verify finds in runs just made")
    path = bench.runs["lead"].folder / results.SAMPLES
    whole = path.read_bytes()
    at = len(whole) // 2
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    line = whole.count(b"\n", 0, at) + 1
    changed = verify_runs(bench.runs["lead"].folder, sample=0).findings.differences
    path.write_bytes(whole)
    expect(
        line in {d.line for d in changed if d.file == path}, True, f"that {path}:{line} is named"
    )
    return f"{len(found.runs)} runs, and a flipped bit"


# What is done, and what it means where it fails.
STEPS: Sequence[tuple[str, Callable[[Bench], str], str]] = (
    ("machine", look, "a package is missing or broken, or the results folder cannot be written"),
    ("load", load, "files are read differently here: they or a library were changed"),
    ("seq2seq", seq2seq, "summaries of encoder-decoder models cannot be trusted on this device"),
    ("causal", causal, "summaries of decoder-only models cannot be trusted on this device"),
    ("extractive", extractive, "the floors and the ceiling of every table are wrong"),
    ("rouge", rouge, "ROUGE figures are not those of rouge_score"),
    ("intervals", intervals, "numpy draws or sums differently: intervals are not comparable"),
    ("checks", checks, "checks against the article do not find what they should"),
    ("resume", resume, "a run that was killed would not give the figures of one that was not"),
    ("compare", compare, "differences between systems cannot be trusted"),
    ("gate", gate, "a gate would pass what is worse, or stop what is not"),
    ("page", page, "saved news pages are read wrongly"),
    ("verify", verify, "changes to results would not be seen"),
)
