"""What a check makes of edits that change nothing, and of what is put in to please it.

A benign edit should cost nothing, and raise no alarm; gaming should bring nothing. What an edit
costs is said as a share of what there is to win: the mean score of consistent summaries less that
of inconsistent ones, over the sources that have both. Without labels, planted errors stand in for
the inconsistent ones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evalharness.config.calibration import own_thresholds
from evalharness.meta.figures import ResampledFigure, Resampling, estimate
from evalharness.meta.planted.edits import BenignKind, GamingKind, edit
from evalharness.protocols import Metric
from evalharness.records import Article, Score, Summary
from evalharness.runner.check import VerdictWord, likely_errors, verdict_of_score
from evalharness.stats.intervals import Values, wilson

# A score is lower or higher if it is so by more than rounding.
_ROUNDING = 1e-9
# Sources with fewer summaries of either label say little of what lies between the two.
FEWEST_OF_A_LABEL = 15
FEWEST_EDITS = 10
_BATCH = 64
ShareOfCases = dict[str, float | int | None]


@dataclass(frozen=True, slots=True)
class WrittenSummary:
    """A written summary that is known to be consistent with its article, or not to be."""

    article: Article
    text: str
    group: str
    consistent: bool


@dataclass(frozen=True, slots=True)
class CheckedSummary:
    """What a check says of a summary."""

    value: float
    verdict: VerdictWord
    errors: int


@dataclass(frozen=True, slots=True)
class EditOutcome:
    """What a check says of a summary before an edit and after it."""

    kind: BenignKind | GamingKind
    group: str
    article_id: str
    before: CheckedSummary
    after: CheckedSummary


@dataclass
class EditCosts:
    """All outcomes of edits, and how the untouched summaries were read."""

    outcomes: list[EditOutcome] = field(default_factory=list[EditOutcome])
    untouched: list[tuple[WrittenSummary, CheckedSummary]] = field(
        default_factory=list[tuple[WrittenSummary, CheckedSummary]]
    )
    not_applicable: dict[str, int] = field(default_factory=dict[str, int])

    def record(self, kinds: Sequence[str], gaming: Sequence[str], seed: int = 0) -> dict[str, Any]:
        """Return the figures by kind, and of untouched consistent summaries by group."""
        resampling = Resampling(seed)
        return {
            "gap": _gap_record(self.untouched),
            "benign": {kind: self._benign(kind, resampling) for kind in kinds},
            "gaming": {kind: self._gaming(kind, resampling) for kind in gaming},
            "faithful": self.faithful(),
        }

    def _of_kind(self, kind: str) -> list[EditOutcome]:
        return [outcome for outcome in self.outcomes if outcome.kind == kind]

    def _benign(self, kind: str, resampling: Resampling) -> dict[str, Any]:
        """Return what a kind of edit costs, and how often it makes an error, or unsure, of none."""
        outcomes = self._of_kind(kind)
        clean = [one for one in outcomes if not one.before.errors]
        supported = [one for one in outcomes if one.before.verdict == "supported"]
        return {
            "n": len(outcomes),
            "not_applicable": self.not_applicable.get(kind, 0),
            **self._share_of_gap("cost", outcomes, resampling, -1),
            "new_likely_errors": rate(sum(one.after.errors > 0 for one in clean), len(clean)),
            "no_longer_supported": rate(
                sum(one.after.verdict != "supported" for one in supported), len(supported)
            ),
        }

    def _gaming(self, kind: str, resampling: Resampling) -> dict[str, Any]:
        """Return how often gaming raises the score of a bad summary, and clears it of errors."""
        outcomes = self._of_kind(kind)
        wrong = [one for one in outcomes if one.before.errors]
        raised = sum(one.after.value > one.before.value + _ROUNDING for one in outcomes)
        return {
            "n": len(outcomes),
            "raised": rate(raised, len(outcomes)),
            **self._share_of_gap("gain", outcomes, resampling, 1),
            "errors_gone": rate(sum(not one.after.errors for one in wrong), len(wrong)),
        }

    def _share_of_gap(
        self, name: str, outcomes: Sequence[EditOutcome], resampling: Resampling, sign: int
    ) -> dict[str, Any]:
        """Return the mean change of the score as a share of the gap, with its interval."""
        gaps = _gaps(self.untouched)
        shares = [_share(outcomes, self.untouched, group, resampling, sign) for group in gaps]
        known = [share for share in shares if share is not None]
        if not known:
            return {name: None, f"{name}_low": None, f"{name}_high": None}
        change = np.sum([one.resampled for one, _ in known], axis=0)
        gap = np.sum([other.resampled for _, other in known], axis=0)
        total = sum(one.value for one, _ in known) / sum(other.value for _, other in known)
        return ResampledFigure(total, change / gap).flat(name)

    def faithful(self) -> dict[str, dict[str, ShareOfCases]]:
        """Return of the untouched consistent summaries, by group, how many have which verdict."""
        groups: dict[str, list[CheckedSummary]] = {}
        for summary, reading in self.untouched:
            if summary.consistent:
                for group in _groups_of(summary):
                    groups.setdefault(group, []).append(reading)
        return {
            group: {
                "likely_error": rate(sum(one.errors > 0 for one in readings), len(readings)),
                "supported": rate(
                    sum(one.verdict == "supported" for one in readings), len(readings)
                ),
            }
            for group, readings in sorted(groups.items())
        }


def rate(hits: int, n: int) -> ShareOfCases:
    """Return a share with its count of cases and its interval; None where there are no cases."""
    if not n:
        return {"n": 0, "rate": None, "low": None, "high": None}
    low, high = wilson(hits, n)
    return {"n": n, "rate": hits / n, "low": low, "high": high}


# What wrote a summary that people made, or made sure of: such ones are a group of their own, too.
_BY_PEOPLE = {"seed": "seeds", "Gold": "references"}


def _groups_of(summary: WrittenSummary) -> Iterator[str]:
    yield summary.group
    if by := _BY_PEOPLE.get(str(summary.article.extra.get("system"))):
        yield f"{summary.group} {by}"


_Untouched = Sequence[tuple[WrittenSummary, CheckedSummary]]


def _gaps(untouched: _Untouched) -> dict[str, float]:
    """Return by how much consistent summaries score higher, of each source that has both."""
    values: dict[str, tuple[list[float], list[float]]] = {}
    for summary, reading in untouched:
        values.setdefault(summary.group, ([], []))[summary.consistent].append(reading.value)
    return {
        group: float(np.mean(good) - np.mean(bad))
        for group, (bad, good) in values.items()
        if min(len(good), len(bad)) >= FEWEST_OF_A_LABEL
    }


def _gap_record(untouched: _Untouched) -> dict[str, Any]:
    gaps = _gaps(untouched)
    return {"mean": float(np.mean([*gaps.values()])) if gaps else None, "sources": gaps}


def _share(
    outcomes: Sequence[EditOutcome],
    untouched: _Untouched,
    group: str,
    resampling: Resampling,
    sign: int,
) -> tuple[ResampledFigure, ResampledFigure] | None:
    """Return the mean change by an edit in a source, and the source's gap, by resample."""
    edited = [one for one in outcomes if one.group == group]
    if len(edited) < FEWEST_EDITS:
        return None
    changes = np.array([sign * (one.after.value - one.before.value) for one in edited])
    counts = resampling.counts([one.article_id for one in edited])
    rows = [(summary, reading) for summary, reading in untouched if summary.group == group]
    values = np.array([reading.value for _, reading in rows])
    good = np.array([summary.consistent for summary, _ in rows])
    of_rows = resampling.counts([_article_id(summary) for summary, _ in rows])
    gap = estimate(_difference_of_means(values, good), of_rows)
    return estimate(_mean_of(changes), counts), gap


def _mean_of(values: Values) -> Callable[[Values], Values]:
    return lambda weights: _weighted(values, weights)


def _difference_of_means(values: Values, good: Any) -> Callable[[Values], Values]:
    return lambda weights: _weighted(values, weights * good) - _weighted(values, weights * ~good)


def _weighted(values: Values, weights: Values) -> Values:
    total = weights.sum(axis=-1)
    means: Values = np.divide(
        (weights * values).sum(axis=-1), total, out=np.full_like(total, np.nan), where=total > 0
    )
    return means


def _article_id(summary: WrittenSummary) -> str:
    return str(summary.article.extra.get("article_id") or summary.article.id)


# --- Editing and scoring


def measure_edits(
    summaries: Sequence[WrittenSummary],
    check: Metric,
    kinds: Sequence[BenignKind],
    gaming: Sequence[GamingKind],
    seed: int = 0,
) -> EditCosts:
    """Edit the consistent summaries, game with the others, and score them before and after."""
    costs = EditCosts()
    for start in range(0, len(summaries), _BATCH):
        batch = summaries[start : start + _BATCH]
        edited = [*_edits(batch, kinds, gaming, seed, costs)]
        texts = [(summary.article, summary.text) for summary in batch]
        texts += [(summary.article, new) for summary, _, new in edited]
        readings = _read(check, texts)
        before = dict(zip(map(id, batch), readings, strict=False))
        costs.untouched += [(summary, before[id(summary)]) for summary in batch]
        costs.outcomes += [
            EditOutcome(kind, summary.group, _article_id(summary), before[id(summary)], after)
            for (summary, kind, _), after in zip(edited, readings[len(batch) :], strict=True)
        ]
    return costs


def _edits(
    summaries: Sequence[WrittenSummary],
    kinds: Sequence[BenignKind],
    gaming: Sequence[GamingKind],
    seed: int,
    costs: EditCosts,
) -> Iterator[tuple[WrittenSummary, BenignKind | GamingKind, str]]:
    """Yield the edited summaries; count those of which an edit makes nothing."""
    for summary in summaries:
        for kind in kinds if summary.consistent else gaming:
            new = edit(summary.article.text, summary.text, kind, seed)
            if new is None:
                costs.not_applicable[kind] = costs.not_applicable.get(kind, 0) + 1
            else:
                yield summary, kind, new


def _read(check: Metric, texts: Sequence[tuple[Article, str]]) -> list[CheckedSummary]:
    thresholds = own_thresholds(check)
    scores = check.score([(article, Summary(article.id, text)) for article, text in texts])
    verdicts = [
        verdict_of_score(score, article.text, text, "", thresholds).verdict
        for score, (article, text) in zip(scores, texts, strict=True)
    ]
    return [_reading(*both) for both in zip(scores, verdicts, strict=True)]


def _reading(score: Score, verdict: VerdictWord) -> CheckedSummary:
    # Without a value (`the summary has no numbers`) there is nothing to complain of.
    value = 1.0 if score.value is None else score.value
    return CheckedSummary(value, verdict, len(likely_errors(score.flags)))


def edit_lines(record: Mapping[str, Any]) -> list[str]:
    """Return what a trust card says of edits and of faithful summaries, as Markdown tables."""
    return [
        "| edit that changes no meaning | n | cost, of the gap (95 %) | new likely errors |",
        "|---|---:|---|---:|",
        *map(_benign_line, record["benign"].items()),
        "",
        "| gaming an inconsistent summary | n | raises its score | gain, of the gap (95 %) | "
        "likely errors gone |",
        "|---|---:|---:|---|---:|",
        *map(_gaming_line, record["gaming"].items()),
        "",
        "| faithful summaries | n | with a likely error (95 %) | supported |",
        "|---|---:|---|---:|",
        *map(_faithful_line, record["faithful"].items()),
        "",
    ]


_Named = tuple[str, Mapping[str, Any]]


def _benign_line(named: _Named) -> str:
    kind, each = named
    new = _percent(each["new_likely_errors"])
    return f"| {kind} | {each['n']} | {_with_ends(each, 'cost')} | {new} |"


def _gaming_line(named: _Named) -> str:
    kind, each = named
    raised, gone = _percent(each["raised"]), _percent(each["errors_gone"])
    return f"| {kind} | {each['n']} | {raised} | {_with_ends(each, 'gain')} | {gone} |"


def _faithful_line(named: _Named) -> str:
    group, each = named
    errors, supported = _percent(each["likely_error"], True), _percent(each["supported"])
    return f"| {group} | {each['supported']['n']} | {errors} | {supported} |"


def _percent(of: Mapping[str, Any], with_interval: bool = False) -> str:
    if of["rate"] is None:
        return "–"
    ends = f" ({of['low']:.0%}–{of['high']:.0%})" if with_interval else ""
    return f"{of['rate']:.1%}{ends}"


def _with_ends(of: Mapping[str, Any], name: str) -> str:
    if of[name] is None:
        return "–"
    ends = (
        "" if of[f"{name}_low"] is None else f" ({of[f'{name}_low']:.2f}–{of[f'{name}_high']:.2f})"
    )
    return f"{of[name]:.2f}{ends}"
