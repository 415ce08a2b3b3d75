"""One article of some runs, found by its id; or which articles to look at first."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from evalharness import text
from evalharness.config import registry, yaml
from evalharness.config.calibration import Thresholds, own_thresholds
from evalharness.errors import DataError, HarnessError
from evalharness.records import Span, score_of
from evalharness.report.gathered import Gathered, ScoreColumn
from evalharness.runner.check import NumberedSentences, Verdict, verdict_of_score
from evalharness.store.runs import Run, kind_of, preference_ledgers

if TYPE_CHECKING:
    from evalharness.comparison.preferences import ArticlePreference

_NAMED = 5  # ids that a message names
_NEAR = 20_000  # ids among which a near one is looked for; more take seconds


@dataclass(frozen=True)
class ShownSummary:
    """A system's summary of an article, as `samples.jsonl` has it.

    checks: the labels of metrics that hold a summary against its article. signatures: what made the
    scores of each label.
    """

    system: str
    sample: Mapping[str, Any]
    checks: frozenset[str]
    signatures: Mapping[str, str]

    @property
    def summary(self) -> Mapping[str, Any]:
        """The summary: text, how it ended, tokens, how much of the article was read."""
        found: Mapping[str, Any] = self.sample["summary"]
        return found

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """What each check says, sentence by sentence; empty where there is no summary."""
        if not self.summary["text"].strip():
            return {}
        return {
            label: self._verdict(label, record)
            for label, record in self.sample["scores"].items()
            if label in self.checks or record.get("flags") or record.get("sentences")
        }

    def _verdict(self, label: str, record: Mapping[str, Any]) -> Verdict:
        limits = _limits(self.signatures.get(label, label))
        article, summary = self.sample["article"], self.summary["text"]
        verdict = verdict_of_score(score_of(record), article, summary, label, limits)
        band = verdict.verdict if limits is None else record.get("band", verdict.verdict)
        return replace(
            verdict, verdict=band, probability=record.get("parts", {}).get("probability")
        )


def _limits(signature: str) -> Thresholds | None:
    if not registry.tells_truth(signature):
        return None
    try:
        return own_thresholds(registry.load_class("checks", kind_of(signature)))
    except (HarnessError, ImportError):  # a plug-in that is not installed here
        return Thresholds()


@dataclass(frozen=True)
class ShownArticle:
    """One article with what systems wrote of it. missing: systems that do not have it.

    preferences: which of two summaries judges prefer.
    """

    written: tuple[ShownSummary, ...]
    missing: tuple[str, ...] = ()
    preferences: tuple["ArticlePreference", ...] = ()

    @property
    def sample(self) -> Mapping[str, Any]:
        """The article, as each system's sample has it."""
        return self.written[0].sample

    @property
    def title(self) -> str:
        """The article's title, if it has one."""
        return str(self.sample.get("extra", {}).get("title") or "")

    @cached_property
    def sentences(self) -> list[Span]:
        """The sentences of the article."""
        return text.sentences(self.sample["article"])

    @cached_property
    def evidence(self) -> dict[int, list[str]]:
        """The systems for or against which a sentence bears evidence, by its place."""
        numbered = NumberedSentences(self.sample["article"])
        systems_of: dict[int, list[str]] = {}
        for written in self.written:
            for n in sorted({n for n in _cited_sentences(written, numbered) if n is not None}):
                systems_of.setdefault(n - 1, []).append(written.system)
        return systems_of

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        article = self.sample["article"]
        return {
            "id": self.sample["id"],
            "title": self.title or None,
            "source": self.sample["source"],
            "article": article,
            "references": self.sample["references"],
            "sentences": [
                {"sentence": n + 1, "start": span.start, "end": span.end, "text": span.of(article),
                 "evidence_for": self.evidence.get(n, [])}
                for n, span in enumerate(self.sentences)
            ],
            "summaries": [_summary_record(written) for written in self.written],
            "missing": list(self.missing),
            **({"preferences": [*map(asdict, self.preferences)]} if self.preferences else {}),
        }  # fmt: skip


def _cited_sentences(written: ShownSummary, places: NumberedSentences) -> Iterator[int | None]:
    for verdict in written.verdicts.values():
        for flag in verdict.flags:
            yield from map(places.number, flag.evidence)
        for sentence in verdict.sentences:
            yield from map(places.number, sentence.evidence)


def _summary_record(written: ShownSummary) -> dict[str, Any]:
    scores: dict[str, Any] = {}
    for label, score in written.sample["scores"].items():
        shown = {k: score[k] for k in ("value", "parts", "note", "band") if k in score}
        verdict = written.verdicts.get(label)
        scores[label] = shown
        if verdict is not None:
            whole = verdict.record()
            scores[label] |= {k: whole[k] for k in ("verdict", "sentences", "flags", "left_out")}
    return {
        "system": written.system,
        **written.summary,
        "defects": written.sample["defects"],
        "scores": scores,
    }


def find_article(gathered: Gathered, wanted: str) -> ShownArticle:
    """Return the article with an id, or the only one whose id begins so.

    Raises: DataError, with the ids that it may have been, where there is none or several.
    """
    ids = [run.table(["id"]).column(0).to_pylist() for run in gathered.runs]
    name = _resolve_id(wanted, ids, gathered)
    checks = frozenset(c.measure.metric for c in gathered.columns if c.kind == "check")
    written, missing = [], []
    for system, run, own in zip(gathered.names, gathered.runs, ids, strict=True):
        if name in own:
            with run.sample_reader() as samples:
                sample = samples[own.index(name)]
            written.append(ShownSummary(system, sample, checks, run.signatures.metrics))
        else:
            missing.append(system)
    texts = {summary.sample["article"] for summary in written}
    if len(texts) > 1:
        raise DataError(f"the id {name!r} has another article in some of these runs; show one run")
    return ShownArticle(tuple(written), tuple(missing), tuple(_preferences(written, gathered)))


def _preferences(
    written: Sequence[ShownSummary], gathered: Gathered
) -> "Sequence[ArticlePreference]":
    if not preference_ledgers(gathered.runs):
        return ()
    from evalharness.comparison.preferences import preferences_on

    return preferences_on({one.system: one.sample for one in written}, gathered.runs)


def _resolve_id(wanted: str, ids: Sequence[Sequence[str]], gathered: Gathered) -> str:
    known = dict.fromkeys(name for own in ids for name in own)
    if wanted in known:
        return wanted
    begun = [name for name in known if wanted and name.startswith(wanted)]
    if len(begun) == 1:
        return begun[0]
    where = ", ".join(str(run.folder) for run in gathered.runs[:1])
    more = " and others" if len(gathered.runs) > 1 else ""
    if begun:
        named = ", ".join(begun[:_NAMED]) + (" …" if len(begun) > _NAMED else "")
        raise DataError(f"{where}{more}: {len(begun)} ids begin with {wanted!r}: {named}")
    hint = _near(wanted, list(known))
    raise DataError(f"{where}{more}: no article {wanted!r}{hint}; without an ID, some are listed")


def _near(wanted: str, known: list[str]) -> str:
    inside = [name for name in known if wanted and wanted.lower() in name.lower()]
    if inside:
        return f"; did you mean {', '.join(inside[:_NAMED])}?"
    hint = yaml.nearest(wanted, known) if len(known) <= _NEAR else ""
    return hint if "did you mean" in hint else ""


@dataclass(frozen=True)
class Suspect:
    """An article that deserves a look, and why.

    score: by the first check, or without one by the first metric; None where there is none. flags:
    how many of each kind.
    """

    id: str
    system: str
    score: float | None
    flags: Mapping[str, int]
    finish: str
    summary: str

    def record(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def ordering_column(gathered: Gathered) -> ScoreColumn | None:
    """Return the score by which articles are put in order: the first check's, else the first."""
    columns = gathered.columns
    checks = [column for column in columns if column.kind == "check"]
    return next(iter(checks or columns), None)


def worst_articles(gathered: Gathered, n: int) -> list[Suspect]:
    """Return the articles to look at first: not summarized, then the lowest scores, most flagged.

    Where runs share articles, each system's summary is an article of its own.
    """
    by = ordering_column(gathered)
    suspects: list[tuple[tuple[bool, float, float], int, int]] = []
    for system, run in enumerate(gathered.runs):
        suspects += [(key, system, row) for key, row in _lowest(run, by, n)]
    chosen = sorted(suspects)[:n]
    with ExitStack() as opened:
        samples = {
            system: opened.enter_context(gathered.runs[system].sample_reader())
            for system in {system for _, system, _ in chosen}
        }
        return [
            _suspect(gathered.names[system], samples[system][row], by) for _, system, row in chosen
        ]


def _lowest(
    run: Run, by: ScoreColumn | None, n: int
) -> list[tuple[tuple[bool, float, float], int]]:
    """Return the rows of the worst articles of a run, each after the key that orders them."""
    there = by is not None and by.measure.column in run.columns
    scores = run.values([by.measure.column])[:, 0] if by and there else np.full(run.n, np.nan)
    flagged = [name for name in sorted(run.columns) if name.endswith(".flags")]
    flags = np.nan_to_num(run.values(flagged)).sum(axis=1) if flagged else np.zeros(run.n)
    failed = np.array([e == "error" for e in run.table(["finish"]).column(0).to_pylist()], bool)
    values = np.where(np.isnan(scores), np.inf, scores)
    order = np.lexsort((-flags, values, ~failed))[:n]
    return [((not failed[r], float(values[r]), -float(flags[r])), int(r)) for r in order]


def _suspect(system: str, sample: Mapping[str, Any], by: ScoreColumn | None) -> Suspect:
    flags = Counter(
        flag["kind"] for score in sample["scores"].values() for flag in score.get("flags", ())
    )
    return Suspect(
        id=sample["id"],
        system=system,
        score=None if by is None else by.value_in(sample["scores"]),
        flags=dict(flags),
        finish=sample["summary"]["finish"],
        summary=" ".join(sample["summary"]["text"].split()),
    )
