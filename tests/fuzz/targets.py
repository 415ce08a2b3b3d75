"""What is fuzzed: each target reads one case to its end, as a command would."""

import io
import json
import math
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fuzz.mutate import Mutator

ROOT = Path(__file__).parents[2]
CASES, CONFIGS = ROOT / "tests" / "cases", ROOT / "configs"
LOGS = CASES / "logs"


@dataclass(frozen=True)
class Target:
    """read: takes a case and a folder to put files in. share: of all cases, by what one costs."""

    name: str
    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes, Path], object]
    make: Callable[[Mutator], bytes] = Mutator.raw
    share: float = 1.0
    lines: int = 1  # that an error may have: one for each row or file that cannot be read


def _all(*patterns: str, root: Path = ROOT) -> Callable[[], list[bytes]]:
    return lambda: [p.read_bytes() for pattern in patterns for p in sorted(root.glob(pattern))]


def _half_trees(mutator: Mutator) -> bytes:
    return mutator.tree() if mutator.rng.random() < 0.6 else mutator.raw()


def _drain(rows: Iterator[Any]) -> int:
    return sum(1 for _ in rows)


# Configs and other YAML


def _config(case: bytes, folder: Path) -> object:
    from evalharness import config

    path = folder / "fuzzed.yaml"
    path.write_bytes(case)
    experiment = config.read(path)
    return [variant.sheet for _, variant in zip(range(20), experiment.variants(), strict=False)]


SHEETS = (
    """name: a
data: {name: files, path: a.jsonl, format: jsonl, columns: {id: id, reference: [r, s], extra: [x]}, bad_rows: fail}
models: [lead, {name: random, sentences: 2, label: two}, {name: textrank, sentences: 1}]
metrics: [rouge, {name: rouge, label: stemmed, stemmer: true, types: [rouge1, rougeL]}, chrf]
checks: [lexical, numbers, {name: dates, label: days}]
seed: 7
limit: 100
interval: {level: 0.9, resamples: 500}
trackers: []
""",
    """data: {name: pages, path: [a.txt, b.txt]}
model: {name: seq2seq, model: org/name, revision: v1, num_beams: 4, max_new_tokens: 60, length_penalty: 1.5}
generation: {do_sample: true, temperature: 0.7, top_p: 0.9, seed: 3}
metrics: []
sweep:
  grid: {generation.top_k: [10, 20], generation.length_penalty: {from: 0.8, to: 1.2, step: 0.2}}
  zip: {seed: [1, 2], limit: [5, 6]}
  cases: {short: {generation.max_new_tokens: 40}, as-is: {}}
  exclude: [{seed: 1, case: short}]
""",
    """data: {name: files, path: a.csv}
model: {name: endpoint, model: m, url: "http://127.0.0.1:1/v1", max_new_tokens: 5, timeout: 3}
checks: [{name: judge, model: org/judge}, {name: nli, model: org/nli}]
""",
)


def _sheets() -> list[bytes]:
    return [sheet.encode() for sheet in SHEETS]


def _cells(case: bytes, folder: Path) -> object:
    from evalharness import cells, config

    path = folder / "fuzzed.yaml"
    path.write_bytes(case)
    for name in ("a.jsonl", "a.csv", "a.txt", "b.txt"):
        (folder / name).touch()
    experiment = config.read(path)
    if math.prod(map(len, experiment.axes.axes)) > 64:
        return None
    return [cell.config(folder) for cell in cells.prepare(experiment)]


def _override(case: bytes, folder: Path) -> object:
    from evalharness import config

    sheet = {"data": {"name": "files", "path": "x.jsonl"}, "model": "lead"}
    return config.read(sheet, [case.decode("utf-8", "surrogateescape")])


def _rules(case: bytes, folder: Path) -> object:
    from evalharness.gating.rules import read_rules

    path = folder / "rules.yaml"
    path.write_bytes(case)
    return read_rules(path)


# Data


def _rows(name: str) -> Callable[[bytes, Path], object]:
    def read(case: bytes, folder: Path) -> object:
        from evalharness.loaders.files import Files

        path = folder / name
        path.write_bytes(case)
        return _drain(Files(path).load())

    return read


def _parquet_seeds() -> list[bytes]:
    import pyarrow as pa
    from pyarrow import parquet

    rows = [{"id": f"{n}", "article": "The mayor said no.", "summary": "No."} for n in range(3)]
    rows_of_lists = [{"id": n, "article": "It rained.", "references": ["R."]} for n in range(2)]
    seeds = []
    for some in (rows, rows_of_lists):
        for options in ({}, {"compression": "none", "use_dictionary": False}):
            stream = io.BytesIO()
            parquet.write_table(pa.Table.from_pylist(some), stream, **options)
            seeds.append(stream.getvalue())
    return seeds


def _page(html: bool | None) -> Callable[[bytes, Path], object]:
    def read(case: bytes, folder: Path) -> object:
        from evalharness.loaders import pages

        page = pages.read(case, html)
        return pages.article_text(page), pages.extra(page)

    return read


def _labels(case: bytes, folder: Path) -> object:
    from evalharness.meta.labels import read_labels

    path = folder / "labels.jsonl"
    path.write_bytes(case)
    return read_labels([path])


def _label_seeds() -> list[bytes]:
    row = {
        "id": "a", "source": "s", "article": "It rained.", "summary": "Rain fell.", "label": 1,
        "consistency": 0.5, "sentences": ["Rain fell."], "sentence_labels": [1],
        "spans": [{"start": 0, "end": 4, "type": "x"}],
    }  # fmt: skip
    return [json.dumps(row).encode() + b"\n" + json.dumps(row | {"label": 0}).encode() + b"\n"]


# Logs of others


def _log(name: str) -> Callable[[bytes, Path], object]:
    def read(case: bytes, folder: Path) -> object:
        from evalharness.loaders.logs import Logs

        path = folder / name
        path.write_bytes(case)
        systems = Logs(path).systems()
        return [_drain(Logs(path, system=system).load()) for system in systems[:2]]

    return read


def _small(*names: str) -> Callable[[], list[bytes]]:
    """Return seeds with long texts cut, so that a case is quick."""

    def seeds() -> list[bytes]:
        found = []
        for raw in _all(*names, root=LOGS)():
            lines = raw.splitlines() if b"}\n{" in raw else [raw]
            trees = [_cut(json.loads(line)) for line in lines[:2]]
            found.append(b"".join(json.dumps(tree).encode() + b"\n" for tree in trees))
        return found

    return seeds


def _cut(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _cut(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_cut(each) for each in tree[:3]]
    return tree[:60] if isinstance(tree, str) else tree


def _zipped(mutator: Mutator) -> bytes:
    """Return an archive: changed as a whole, or with its files changed and packed again."""
    if mutator.rng.random() < 0.6:
        return mutator.raw(200_000)
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(mutator.seeds[0])) as old, zipfile.ZipFile(stream, "w") as new:
        for entry in old.infolist():
            inner = _members(mutator.seeds[0])[entry.filename]
            if mutator.rng.random() < 0.3:
                inner = _half_trees(Mutator([inner], mutator.rng))
            new.writestr(entry.filename, inner)
    return stream.getvalue()


@cache
def _members(archive: bytes) -> Mapping[str, bytes]:
    from evalharness.loaders import log_archive

    stream = io.BytesIO(archive)
    with zipfile.ZipFile(stream) as file:
        return {e.filename: log_archive._content(stream, e) for e in file.infolist()}


# What lies in a results folder


def _run_record(case: bytes, folder: Path) -> None:
    from evalharness.comparison.board import leaderboard
    from evalharness.report.leaderboard import show_leaderboard

    run = folder / "runs" / "one"
    run.mkdir(parents=True, exist_ok=True)
    (run / "run.json").write_bytes(case)
    show_leaderboard(leaderboard(folder / "runs"), io.StringIO())


def _two_runs(name: str) -> Callable[[bytes, Path], object]:
    """Compare and gate the committed run with one of which one file is the case."""

    def read(case: bytes, folder: Path) -> object:
        from evalharness.comparison import compare
        from evalharness.gating import gate

        whole, run = ROOT / "results" / "baseline" / "lead1-bart", folder / "pair"
        run.mkdir(exist_ok=True)
        for other in ("run.json", "samples.parquet"):
            (run / other).write_bytes(case if other == name else _bytes(whole / other))
        compare(whole, run, resamples=100)
        return gate(whole, run)

    return read


@cache
def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _ledger(case: bytes, folder: Path) -> object:
    from evalharness.store import Ledger, ledger_path

    signature = {"name": "lead", "version": 1}
    ledger_path(folder, signature).write_bytes(case)
    ledger = Ledger(folder, signature)
    written = [key.decode() for key in re.findall(rb'"key":"((?:[0-9a-f]{2})+)"', case)]
    return ledger.get([key for key in written if key in ledger])


def _ledger_seeds() -> list[bytes]:
    from evalharness.store import FORMAT, _line

    lines = [_line({"ledger": FORMAT, "signature": {"name": "lead", "version": 1}})]
    for n in range(6):
        record = {"text": f"summary {n}", "finish": "stop"}
        lines.append(_line({"key": f"{n:032x}", "batch": [n % 3 + 1, 3], "record": record}))
    return [b"".join(lines)]


def _ledger_lines(mutator: Mutator) -> bytes:
    """Return a ledger whose checksums are right, whatever its lines say; or one that is torn."""
    from evalharness.store import _line

    if mutator.rng.random() < 0.4:
        return mutator.raw()
    lines = mutator.seeds[0].splitlines(keepends=True)
    for _ in range(mutator.rng.choice((1, 1, 2))):
        at = mutator.rng.randrange(len(lines))
        entry = json.loads(lines[at])
        entry.pop("crc", None)
        changed = mutator._changed(entry)
        try:
            lines[at] = _line(
                changed if isinstance(changed, dict) and changed else {"key": changed}
            )
        except ValueError:
            continue
        if mutator.rng.random() < 0.3:
            lines.insert(mutator.rng.randrange(len(lines)), lines[at])
    return b"".join(lines)


def _calibration(case: bytes, folder: Path) -> object:
    from evalharness.checking import load_thresholds

    path = folder / "calibration.json"
    path.write_bytes(case)
    thresholds = load_thresholds(path)
    return [thresholds.band(value) for value in (0.0, 0.5, 1.0)]


def _calibration_seeds() -> list[bytes]:
    entry = {
        "n": 10, "positive": 5, "articles": 4, "null_rate": 0.0, "auc": 0.8, "threshold": 0.5,
        "flag_below": 0.2, "support_from": 0.6,
        "probability": {"method": "isotonic", "scores": [0.1, 0.9], "probabilities": [0.2, 0.8]},
    }  # fmt: skip
    whole = {
        "schema": 1, "check": "lexical", "signature": "lexical|v1", "method": "isotonic",
        "targets": {"precision": 0.9}, "labels": {"s": "label"}, "pooled": entry,
        "sources": {"s": entry},
    }  # fmt: skip
    plain = {"thresholds": {"flagged": 0.2, "supported": 0.7}}
    return [json.dumps(whole).encode(), json.dumps(plain).encode()]


def _answer(case: bytes, folder: Path) -> object:
    from evalharness.endpoint.answers import TryAgain, answer_of, parsed

    try:
        return answer_of(parsed(case))
    except TryAgain:
        return None


def _answer_seeds() -> list[bytes]:
    said = {"token": "Yes", "logprob": -0.1, "top_logprobs": [{"token": "No", "logprob": -2}]}
    choice = {
        "message": {"content": "Rain."},
        "finish_reason": "stop",
        "logprobs": {"content": [said]},
    }
    usage = {"prompt_tokens": 3, "completion_tokens": 1}
    return [json.dumps({"choices": [choice], "usage": usage}).encode()]


# Texts


def _texts() -> list[bytes]:
    rows = [
        json.loads(line) for line in _bytes(CONFIGS / "quickstart" / "articles.jsonl").splitlines()
    ]
    found = [row["article"][:500].encode() for row in rows[:8]]
    for path in sorted((CASES / "checks").glob("*.jsonl")):
        for line in path.read_text().splitlines()[:12]:
            row = json.loads(line)
            found += [str(row[key])[:300].encode() for key in ("article", "summary") if key in row]
    return found


def _two_texts(mutator: Mutator) -> bytes:
    """Return an article and a summary of it, which are more alike than two texts are."""
    article = mutator.text(400)
    summary = mutator.text(160) if mutator.rng.random() < 0.5 else article[:160]
    if mutator.rng.random() < 0.7:
        own = Mutator([summary.encode("utf-8", "surrogatepass") or b"x"], mutator.rng)
        summary = own.text(160)
    return json.dumps([article, summary]).encode()


def _check(kind: str, name: str) -> Callable[[bytes, Path], object]:
    def read(case: bytes, folder: Path) -> object:
        from evalharness.records import Article, Summary
        from evalharness.stored import _flaw

        article, summary = json.loads(case)
        pair = (
            Article("a", article, (article[:200],), extra={"published": "2026-05-04"}),
            Summary("a", summary),
        )
        (score,) = _component(kind, name).score([pair])
        wrong = _flaw(score, *pair)
        assert not wrong, wrong
        return score

    return read


@cache
def _component(kind: Any, name: str) -> Any:
    from evalharness import registry

    return registry.load(kind, name)()


def _text(case: bytes, folder: Path) -> object:
    from evalharness import defects, text
    from evalharness.records import Summary
    from evalharness.text import timestamps

    whole = json.loads(case)[0]
    for span in text.sentences(whole):
        assert span.of(whole).strip()
    defects.find(whole, Summary("a", whole[:100]), ())
    return text.words(whole), text.numbers(whole), timestamps.published((whole[:80],))


CHECKS = ("numbers", "dates", "entities", "quotes", "polarity", "roles", "support", "lexical")
METRICS = ("rouge", "chrf", "bleu", "extractiveness")

TARGETS = (
    Target("config", lambda: _sheets() + _all("configs/*.yaml")(), _config, share=2),
    Target("cells", _sheets, _cells, share=0.15),
    Target("override", lambda: [b"model.name=lead", b"seed=3", b"metrics.rouge.stemmer=[1, {a: b}]"], _override, share=3),
    Target("rules", _all("configs/gate.yaml"), _rules, share=2),
    Target("jsonl", _all("configs/quickstart/articles.jsonl"), _rows("a.jsonl"), _half_trees, 2),
    Target("csv", lambda: [b'id,article,summary\n1,"It ""rained"".",R.\n2,"Two\nlines",S.\n'], _rows("a.csv"), share=6),
    Target("tsv", lambda: [b"id\tarticle\tsummary\n1\tIt rained.\tR.\n"], _rows("a.tsv"), share=3),
    Target("gzip", lambda: [_gzipped()], _rows("a.jsonl.gz"), share=3),
    Target("parquet", _parquet_seeds, _rows("a.parquet"), share=4),
    Target("page", _all("tests/cases/pages/*.txt", "configs/pages/*.txt"), _page(False), share=2),
    Target("html", _all("tests/cases/pages/*.html"), _page(True), share=0.4),
    Target("any-page", _all("tests/cases/pages/*.txt", "tests/cases/pages/*.html"), _page(None), share=0.6),
    Target("labels", _label_seeds, _labels, _half_trees, 4, lines=11),
    Target("log-lm-eval", _small("lm-eval/samples*"), _log("samples_x_1.jsonl"), _half_trees, 2),
    Target("log-inspect", _small("inspect/*.json"), _log("a.json"), _half_trees, 2),
    Target("log-eval", _all("inspect/*.eval", root=LOGS), _log("a.eval"), _zipped, 0.6),
    Target("log-lighteval", _all("lighteval/**/*.parquet", root=LOGS), _log("details_x.parquet"), lambda m: m.raw(200_000), 0.6),
    Target("log-sacrerouge", _small("sacrerouge/*"), _log("a.jsonl"), _half_trees, 2),
    Target("log-summeval", _small("summeval/*"), _log("a.jsonl"), _half_trees, 2),
    Target("log-promptfoo", _small("promptfoo/*"), _log("results.json"), _half_trees, 2),
    Target("log-helm", _small("helm/scenario_state.json"), _log("scenario_state.json"), _half_trees, 2),
    Target("run-json", _all("results/baseline/*/run.json"), _run_record, _half_trees, 0.8, lines=2),
    Target("two-runs", _all("results/baseline/*/run.json"), _two_runs("run.json"), _half_trees, 0.1),
    Target("samples-parquet", _all("results/baseline/*/samples.parquet"), _two_runs("samples.parquet"), lambda m: m.raw(200_000), 0.1),
    Target("ledger", _ledger_seeds, _ledger, _ledger_lines, 3),
    Target("calibration", _calibration_seeds, _calibration, _half_trees, 4),
    Target("answer", _answer_seeds, _answer, _half_trees, 8),
    Target("text", _texts, _text, _two_texts, 2),
    *(Target(f"check-{name}", _texts, _check("checks", name), _two_texts, 0.4 if name == "lexical" else 0.9) for name in CHECKS),
    *(Target(f"metric-{name}", _texts, _check("metrics", name), _two_texts, 1) for name in METRICS),
)  # fmt: skip


def _gzipped() -> bytes:
    import gzip

    return gzip.compress(b'{"id": "1", "article": "It rained."}\n' * 5, mtime=0)
