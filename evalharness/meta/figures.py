"""How one check agrees with people on one source: every figure, with its interval."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalharness.meta.labels import Labelled
from evalharness.meta.resampling import (
    ResampledFigure,
    Resampling,
    estimate,
    flat,
    held_apart,
    none_for_nan,
)
from evalharness.records import Score, Span
from evalharness.stats import agreement
from evalharness.stats.agreement import BoolValues, Values

# Notes of checks that are listed with their counts; the rest is summed up.
MOST_NOTES = 10
# Kendall's tau takes time in the square of the rows, for each resample; beyond so many it is not
# given.
MOST_FOR_KENDALL = 5000

Statistic = Callable[[Values], Values]
Estimates = dict[str, ResampledFigure]


@dataclass(frozen=True)
class LabelledValues:
    """Rows of a source with a check's value and something that people said; arrays by row.

    places: where the rows stand among all of the source.
    """

    places: Sequence[int]
    values: Values
    labels: BoolValues
    grades: Values
    article_ids: Sequence[str]
    systems: Sequence[str]
    pair_ids: Sequence[str | None]

    @property
    def classes(self) -> int:
        """How many of the two labels occur."""
        return len(np.unique(self.labels))


def labelled_values(
    rows: Sequence[Labelled],
    values: Sequence[float | None],
    wanted: Callable[[Labelled], bool | float | None],
) -> LabelledValues:
    """Return the rows that have a value and of which something is wanted that people did say."""
    pairs = zip(rows, values, strict=True)
    places = [n for n, (row, v) in enumerate(pairs) if v is not None and wanted(row) is not None]
    chosen = [rows[place] for place in places]
    return LabelledValues(
        places,
        np.array([values[place] for place in places], dtype=np.float64),
        np.array([bool(row.label) for row in chosen], dtype=bool),
        np.array([np.nan if row.score is None else row.score for row in chosen], dtype=np.float64),
        [row.article_id for row in chosen],
        [row.system for row in chosen],
        [row.pair_id for row in chosen],
    )


def by_label(rows: Sequence[Labelled], values: Sequence[float | None]) -> LabelledValues:
    """Return the rows that have a value and a label."""
    return labelled_values(rows, values, lambda row: row.label)


def count_rows(
    rows: Sequence[Labelled], scores: Sequence[Score], seconds: float | None
) -> dict[str, Any]:
    """Return how many rows there are, how many the check has no value for and why, and its time.

    `n` rows have a label and a value: those that all figures of labels are made from.
    """
    labelled = [row.label is not None for row in rows]
    known = by_label(rows, [score.value for score in scores])
    nulls = Counter(score.note or "no value" for score in scores if score.value is None)
    listed = dict(nulls.most_common(MOST_NOTES))
    rest = nulls.total() - sum(listed.values())
    return {
        "n": len(known.places),
        "positive": int(known.labels.sum()),
        "positive_rate": float(known.labels.mean()) if len(known.places) else None,
        "articles": len(set(known.article_ids)),
        "rows": len(rows),
        "labelled": sum(labelled),
        "null_rate": nulls.total() / len(rows) if rows else None,
        "notes": listed | ({"other notes": rest} if rest else {}),
        "ms_per_pair": None if seconds is None or not rows else 1000 * seconds / len(rows),
    }


def no_classes(known: LabelledValues, labelled: int) -> str:
    """Return why there is no AUC: the rows are of one class, or there are none; "" if there is."""
    if known.classes == 2:
        return ""
    if not labelled:
        return "no row has a label"
    if not len(known.labels):
        return f"none of the {labelled} labelled rows has a value"
    label = int(known.labels[0])
    return f"all {len(known.labels)} labelled rows with a value have the label {label}: no AUC"


def of_labels(known: LabelledValues, resampling: Resampling) -> tuple[Estimates, float | None]:
    """Return AUC, average precision and balanced accuracy, and the best threshold of all rows.

    Balanced accuracy is that of held-apart articles: each fold's rows are judged by the threshold
    of the others. Its interval resamples the judged rows, with the thresholds as they are.
    """
    if known.classes < 2:
        return {}, None
    scores, labels = known.values, known.labels
    statistics: dict[str, Statistic] = {
        "auc": lambda weights: agreement.roc_auc(scores, labels, weights),
        "ap_inconsistent": lambda weights: agreement.average_precision(-scores, ~labels, weights),
    }
    predicted = held_apart(scores, labels, known.article_ids)
    if predicted is not None:
        statistics["balanced_accuracy"] = lambda weights: agreement.balanced_accuracy(
            predicted, labels, weights
        )
    threshold, _ = agreement.best_threshold(scores, labels)
    return _estimates(statistics, resampling.counts(known.article_ids)), none_for_nan(threshold)


def auc(known: LabelledValues, resampling: Resampling) -> ResampledFigure | None:
    """Return the AUC of rows with a value and a label; None where they are of one class."""
    if known.classes < 2:
        return None
    return estimate(
        lambda weights: agreement.roc_auc(known.values, known.labels, weights),
        resampling.counts(known.article_ids),
    )


def auc_of_all(
    rows: Sequence[Labelled], scores: Sequence[Score], top: float, resampling: Resampling
) -> ResampledFigure | None:
    """Return the AUC where a row without a value counts as one with nothing wrong in it."""
    filled = [top if score.value is None else score.value for score in scores]
    return auc(by_label(rows, filled), resampling)


def of_grades(
    rows: Sequence[Labelled], values: Sequence[float | None], resampling: Resampling
) -> dict[str, Any]:
    """Return the correlations with the grades; those with the systems' means removed where known.

    Nothing where fewer than three rows are graded or all have the same grade.
    """
    known = labelled_values(rows, values, lambda row: row.score)
    if len(known.places) < 3 or len(np.unique(known.grades)) < 2:
        return {}
    x, y, systems = known.values, known.grades, known.systems
    statistics: dict[str, Statistic] = {
        "pearson": lambda weights: agreement.pearson(x, y, weights),
        "spearman": lambda weights: agreement.spearman(x, y, weights),
    }
    if len(x) <= MOST_FOR_KENDALL:
        statistics["kendall"] = lambda weights: agreement.kendall(x, y, weights)
    found: dict[str, Any] = {"graded": len(known.places)}
    if len(set(systems)) > 1 and all(systems):
        statistics["partial_pearson"] = lambda weights: agreement.partial_pearson(
            x, y, systems, weights
        )
        spearman = float(agreement.partial_spearman(x, y, systems))
        found["partial_spearman"] = none_for_nan(spearman)
    return found | flat(_estimates(statistics, resampling.counts(known.article_ids)))


def of_pairs(known: LabelledValues, resampling: Resampling) -> dict[str, Any]:
    """Return the share of pairs whose right summary scores higher than its wrong one."""
    rows, wins = agreement.pair_wins(known.values, known.labels, known.pair_ids)
    if not len(rows):
        return {}
    statistics: dict[str, Statistic] = {
        "pairwise_accuracy": lambda weights: agreement.weighted_mean(wins, weights)
    }
    counts = resampling.counts([known.article_ids[row] for row in rows])
    return {"pairs": len(rows), **flat(_estimates(statistics, counts))}


def of_sentences(
    rows: Sequence[Labelled], scores: Sequence[Score], resampling: Resampling
) -> dict[str, Any]:
    """Return the AUC of sentence scores, aligned with the sentences that people labelled."""
    found = [
        (value, label, row.article_id)
        for row, score in zip(rows, scores, strict=True)
        for value, label in aligned_sentences(row, score)
    ]
    known = [(value, label, article) for value, label, article in found if value is not None]
    if not known:
        return {}
    values = np.array([value for value, _, _ in known], dtype=np.float64)
    labels = np.array([label for _, label, _ in known], dtype=bool)
    figures: dict[str, Any] = {
        "sentence_n": len(known),
        "sentence_null_rate": 1 - len(known) / len(found),
    }
    if len(np.unique(labels)) < 2:
        return figures
    statistics: dict[str, Statistic] = {
        "sentence_auc": lambda weights: agreement.roc_auc(values, labels, weights)
    }
    counts = resampling.counts([article for _, _, article in known])
    return figures | flat(_estimates(statistics, counts))


def aligned_sentences(row: Labelled, score: Score) -> Iterator[tuple[float | None, bool]]:
    """Yield for each labelled sentence its score and label.

    The score is the mean of those of the check's own sentences that lie over it, by the characters
    that they share; None where none does, or where the summary does not have the sentence.
    """
    end = 0
    for sentence, label in zip(row.sentences, row.sentence_labels, strict=True):
        start = row.summary.find(sentence.strip(), end)
        if start < 0:
            if label is not None:
                yield None, label
            continue
        end = start + len(sentence.strip())
        if label is not None:
            yield _mean_of_overlap(Span(start, end), score), label


def _mean_of_overlap(span: Span, score: Score) -> float | None:
    shared = [
        (min(span.end, each.span.end) - max(span.start, each.span.start), each.value)
        for each in score.sentences
    ]
    shared = [(characters, value) for characters, value in shared if characters > 0]
    if not shared:
        return None
    total = sum(characters for characters, _ in shared)
    return sum(characters * value for characters, value in shared) / total


def _estimates(statistics: dict[str, Statistic], counts: agreement.Counts) -> Estimates:
    return {name: estimate(statistic, counts) for name, statistic in statistics.items()}
