"""Which planted errors a check finds, and what it flags where nothing is wrong."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evalharness.meta.planted.plant import KINDS, ErrorKind, Planted, plant
from evalharness.meta.planted.report import CheckReport, FalseAlarms, PlantedOutcome
from evalharness.protocols import Metric
from evalharness.records import Article, Flag, Score, Span, Summary, flag_kind

# Summaries that are scored at once, so that those of one article share what is read of it.
BATCH = 256
# A score is lower if it is so by more than rounding.
LOWER_BY = 1e-9


@dataclass(frozen=True, slots=True)
class SupportedPair:
    """A summary that its article supports; `group` says how that is known.

    copied: the summary consists of sentences of the article.
    """

    article: Article
    summary: str
    group: str
    copied: bool = False


def measure(
    pairs: Iterable[SupportedPair], check: Metric, kinds: Sequence[ErrorKind] = KINDS, seed: int = 0
) -> CheckReport:
    """Plant each kind of error in every pair where it applies, and score with and without it."""
    report = CheckReport()
    batch: list[SupportedPair] = []
    for pair in pairs:
        batch.append(pair)
        if len(batch) * (1 + len(kinds)) >= BATCH:
            _measure_batch(batch, check, kinds, seed, report)
            batch = []
    _measure_batch(batch, check, kinds, seed, report)
    return report


def _measure_batch(
    pairs: Sequence[SupportedPair],
    check: Metric,
    kinds: Sequence[ErrorKind],
    seed: int,
    report: CheckReport,
) -> None:
    planted: list[tuple[SupportedPair, Planted]] = []
    for pair in pairs:
        for kind in kinds:
            error = plant(pair.article.text, pair.summary, kind, seed)
            if error is None:
                report.not_applicable[kind] = report.not_applicable.get(kind, 0) + 1
            else:
                planted.append((pair, error))
    texts = [(pair.article, pair.summary) for pair in pairs]
    texts += [(pair.article, error.summary) for pair, error in planted]
    scores = check.score([(article, Summary(article.id, text)) for article, text in texts])
    untouched = dict(zip(map(id, pairs), scores, strict=False))
    for pair in pairs:
        report.alarms.append(FalseAlarms(pair.group, pair.copied, len(untouched[id(pair)].flags)))
    for (pair, error), score in zip(planted, scores[len(pairs) :], strict=True):
        report.outcomes.append(outcome(pair, error, untouched[id(pair)], score))


def outcome(pair: SupportedPair, planted: Planted, before: Score, after: Score) -> PlantedOutcome:
    """Return what a check made of a planted error.

    before, after: the scores of the untouched summary and of the one with the error. A score
    without a value (`the summary has no numbers`) counts as 1: nothing to complain of.
    """
    span = planted.span
    hits = [flag for flag in after.flags if overlap_length(flag.span, span)]
    old = Span(span.start, span.start + len(planted.stood))
    flagged = _covered_characters([flag.span for flag in after.flags], len(planted.summary))
    return PlantedOutcome(
        kind=planted.kind,
        group=pair.group,
        copied=pair.copied,
        detected=bool(hits),
        already=any(overlap_length(flag.span, old) for flag in before.flags),
        right_kind=any(_names(flag, planted.kind) for flag in hits),
        pointed=any(_points(flag, span) for flag in hits),
        score_dropped=_value(after) < _value(before) - LOWER_BY,
        n_wrong=span.end - span.start,
        n_flagged=len(flagged),
        n_both=sum(span.start <= place < span.end for place in flagged),
    )


def _names(flag: Flag, error: ErrorKind) -> bool:
    return flag.kind.startswith(error) or error in flag_kind(flag.kind).planted


def overlap_length(one: Span, other: Span) -> int:
    """Return how many characters two spans have in common."""
    return max(0, min(one.end, other.end) - max(one.start, other.start))


def _points(flag: Flag, span: Span) -> bool:
    """Tell whether a flag lies at least half in a span and covers at least half of it."""
    common = 2 * overlap_length(flag.span, span)
    return common >= max(flag.span.end - flag.span.start, span.end - span.start)


def _covered_characters(spans: Iterable[Span], length: int) -> set[int]:
    return {place for span in spans for place in range(max(0, span.start), min(span.end, length))}


def _value(score: Score) -> float:
    return 1.0 if score.value is None or math.isnan(score.value) else score.value
