"""How well annotators agree: percent, kappas, Krippendorff's alpha; and Williams' test.

Answers lie in an array of shape (questions, annotators), numbers, NaN where an annotator was not
asked. Numbers stand for categories; their order and distance count for ordinal and interval
measures alone. A figure that is not defined is NaN.
"""

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from evalharness.stats.intervals import Values
from evalharness.stats.paired import t_quantile

Level = Literal["nominal", "ordinal", "interval"]
Weighting = Literal["", "linear", "quadratic"]
AgreementStatistic = Callable[[Values], float]

CONFIDENCE = 0.95
# Annotators are a sample of all whom one might have asked only where there are so many.
LEAST_ANNOTATORS = 3


def percent_agreement(answers: Values) -> float:
    """Return the share of pairs of answers to one question that are the same, over all pairs.

    >>> percent_agreement(np.array([[1.0, 1.0], [1.0, 0.0]]))
    0.5
    """
    counts = _category_counts(answers)
    same = (counts * (counts - 1)).sum()
    n = counts.sum(axis=1)
    pairs = (n * (n - 1)).sum()
    return float(same / pairs) if pairs else float("nan")


def _category_counts(answers: Values) -> Values:
    """Return how often each category was the answer, shape (questions, categories), ascending."""
    categories = np.unique(answers[~np.isnan(answers)])
    counts: Values = (answers[:, :, np.newaxis] == categories).sum(axis=1).astype(np.float64)
    return counts


def cohen_kappa(one: Values, other: Values, weighting: Weighting = "") -> float:
    """Return Cohen's kappa of two annotators, on the questions that both have answered.

    weighting: how much a disagreement counts, by the distance of the two categories in their order.

    >>> one, other = np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0, 0.0])
    >>> cohen_kappa(one, other)
    0.5
    """
    both = ~np.isnan(one) & ~np.isnan(other)
    if not both.any():
        return float("nan")
    categories, places = np.unique(np.stack([one[both], other[both]]), return_inverse=True)
    first, second = places.reshape(2, -1)
    k = len(categories)
    table = np.zeros((k, k))
    np.add.at(table, (first, second), 1.0)
    distance = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    cost = {"": (distance > 0).astype(np.float64), "linear": distance, "quadratic": distance**2}
    weights = cost[weighting]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    chance = (weights * expected).sum()
    return float(1 - (weights * table).sum() / chance) if chance else float("nan")


def mean_cohen_kappa(answers: Values, weighting: Weighting = "") -> float:
    """Return the mean of Cohen's kappa over all pairs of annotators for which it is defined."""
    pairs = itertools.combinations(range(answers.shape[1]), 2)
    kappas = [cohen_kappa(answers[:, i], answers[:, j], weighting) for i, j in pairs]
    known = [kappa for kappa in kappas if not np.isnan(kappa)]
    return float(np.mean(known)) if known else float("nan")


def fleiss_kappa(answers: Values) -> float:
    """Return Fleiss' kappa; questions with fewer than two answers are left out.

    Where all questions have as many answers it is Fleiss (1971); else each question's agreement
    counts once, and each answer counts once for chance.

    >>> round(fleiss_kappa(np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])), 4)
    0.3333
    """
    counts = _category_counts(answers)
    counts = counts[counts.sum(axis=1) > 1]
    if not len(counts):
        return float("nan")
    n = counts.sum(axis=1)
    observed = ((counts * (counts - 1)).sum(axis=1) / (n * (n - 1))).mean()
    chance = ((counts.sum(axis=0) / counts.sum()) ** 2).sum()
    return float((observed - chance) / (1 - chance)) if chance < 1 else float("nan")


def krippendorff_alpha(answers: Values, level: Level = "nominal") -> float:
    """Return Krippendorff's alpha (2011, Computing Krippendorff's alpha-reliability).

    NaN where nobody disagrees because there is one category only.

    >>> round(krippendorff_alpha(np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])), 4)
    0.4444
    """
    values = np.unique(answers[~np.isnan(answers)])
    counts = _category_counts(answers)
    counts = counts[counts.sum(axis=1) > 1]
    if not len(counts):
        return float("nan")
    n = counts.sum(axis=1)
    together = (counts / (n - 1)[:, np.newaxis]).T @ counts
    together -= np.diag((counts / (n - 1)[:, np.newaxis]).sum(axis=0))
    totals = counts.sum(axis=0)
    distance = _distances(values, totals, level)
    by_chance = np.outer(totals, totals) - np.diag(totals)
    chance = (distance * by_chance).sum()
    if not chance:
        return float("nan")
    return float(1 - (totals.sum() - 1) * (distance * together).sum() / chance)


def _distances(values: Values, totals: Values, level: Level) -> Values:
    """Return the squared distance of each two categories, shape (categories, categories)."""
    if level == "nominal":
        nominal: Values = 1 - np.eye(len(values))
        return nominal
    # An ordinal distance is how many answers lie between the middles of two categories.
    scale = np.cumsum(totals) - totals / 2 if level == "ordinal" else values
    squared: Values = np.subtract.outer(scale, scale) ** 2
    return squared


def annotator_bias(answers: Values, annotator: int) -> float:
    """Return how much higher an annotator answers than the others do to the same questions."""
    difference = _less_the_others(answers, annotator)
    known = difference[~np.isnan(difference)]
    return float(known.mean()) if len(known) else float("nan")


def _less_the_others(answers: Values, annotator: int) -> Values:
    others = np.delete(answers, annotator, axis=1)
    n = (~np.isnan(others)).sum(axis=1)
    mean = np.nan_to_num(others).sum(axis=1) / np.where(n > 0, n, 1)
    difference: Values = np.where(n > 0, answers[:, annotator] - mean, np.nan)
    return difference


def span_f1(counts: Values) -> float:
    """Return the F1 of characters that both of two annotators marked.

    counts: characters in both, in the one's, in the other's, a row a summary, shape (rows, 3).

    >>> round(span_f1(np.array([[1.0, 6.0, 4.0], [2.0, 2.0, 2.0]])), 3)
    0.429
    """
    both, one, other = counts.sum(axis=0)
    return float(2 * both / (one + other)) if one + other else float("nan")


# A span that somebody marked: start, end, what it was called.
MarkedSpan = tuple[float, float, str]
# What a span costs that the other has not (Mathet et al.: delta empty); and how often one
# annotator's spans are moved along to see what chance gives.
_UNPAIRED = 1.0
GAMMA_SHIFTS = 64


def span_disorder(one: Sequence[MarkedSpan], other: Sequence[MarkedSpan]) -> float:
    """Return how far two annotators' spans are from each other, aligned as well as can be.

    The disorder of the best alignment of gamma (Mathet, Widlocher & Metivier 2015), summed over its
    unitary alignments: of two spans the square of how far starts and ends lie apart over their
    lengths, and one more if they are called otherwise; of a span that is left alone, one.

    >>> round(span_disorder([(2, 8, "x"), (20, 31, "y")], [(3, 8, "x")]), 4)
    1.0083
    """
    saved = _worthwhile_pairs(one, other)
    total = _UNPAIRED * (len(one) + len(other))
    return total - sum(_best_matching(saved, rows) for rows in _components(saved))


def _worthwhile_pairs(
    one: Sequence[MarkedSpan], other: Sequence[MarkedSpan]
) -> dict[int, dict[int, float]]:
    """Return what is saved by aligning two spans, by both their numbers, where anything is."""
    order = sorted(range(len(other)), key=lambda n: other[n][0])
    starts = [other[n][0] for n in order]
    longest = max((end - start for start, end, _ in other), default=0.0)
    saved: dict[int, dict[int, float]] = {}
    for i, (start, end, name) in enumerate(one):
        reach = 1.5 * (end - start + longest)
        for n in order[bisect_left(starts, start - reach) : bisect_right(starts, start + reach)]:
            from_, to, called = other[n]
            apart = (abs(start - from_) + abs(end - to)) / (end - start + to - from_)
            gain = 2 * _UNPAIRED - apart**2 - (called != name)
            if gain > 0:
                saved.setdefault(i, {})[n] = gain
    return saved


def _components(saved: dict[int, dict[int, float]]) -> Iterator[list[int]]:
    """Yield the spans of the one that compete for spans of the other, together."""
    rivals: dict[int, list[int]] = {}
    for i, columns in saved.items():
        for n in columns:
            rivals.setdefault(n, []).append(i)
    left = dict.fromkeys(saved)
    while left:
        group = [left.popitem()[0]]
        for i in group:
            near = {k for n in saved[i] for k in rivals[n] if k in left}
            for k in sorted(near):
                del left[k]
                group.append(k)
        yield group


def _best_matching(saved: dict[int, dict[int, float]], rows: Sequence[int]) -> float:
    """Return the most that a matching of some spans saves (the Hungarian method)."""
    columns = sorted({n for i in rows for n in saved[i]})
    if len(rows) == 1:
        return max(saved[rows[0]].values())
    # A column more for each row, which saves nothing: a span may stay alone.
    cost = [[-saved[i].get(n, 0.0) for n in columns] + [0.0] * len(rows) for i in rows]
    n, m = len(rows), len(columns) + len(rows)
    of_row, of_column, owner = [0.0] * (n + 1), [0.0] * (m + 1), [0] * (m + 1)
    for i in range(1, n + 1):
        owner[0], at = i, 0
        least, came, used = [math.inf] * (m + 1), [0] * (m + 1), [False] * (m + 1)
        while owner[at]:
            used[at] = True
            free = [j for j in range(1, m + 1) if not used[j]]
            row = owner[at]
            for j in free:
                reduced = cost[row - 1][j - 1] - of_row[row] - of_column[j]
                if reduced < least[j]:
                    least[j], came[j] = reduced, at
            nearest = min(free, key=least.__getitem__)
            step = least[nearest]
            for j in range(m + 1):
                if used[j]:
                    of_row[owner[j]] += step
                    of_column[j] -= step
                else:
                    least[j] -= step
            at = nearest
        while at:
            owner[at], at = owner[came[at]], came[at]
    return -sum(cost[owner[j] - 1][j - 1] for j in range(1, m + 1) if owner[j])


def expected_disorder(
    one: Sequence[MarkedSpan],
    other: Sequence[MarkedSpan],
    length: float,
    shifts: int = GAMMA_SHIFTS,
) -> float:
    """Return the disorder that chance gives: the mean over shifts of the other's spans.

    As in the method of shuffling of Mathet et al., the spans of the other are moved along the text,
    which is closed to a ring, and keep their lengths and names; by equal steps, so that nothing is
    drawn. length: of the text.
    """
    disorders = []
    for k in range(shifts):
        by = length * (k + 0.5) / shifts
        starts = [((start + by) % length, end - start, name) for start, end, name in other]
        moved = [(start, start + size, name) for start, size, name in starts]
        disorders.append(span_disorder(one, moved))
    return math.fsum(disorders) / shifts


@dataclass(frozen=True)
class AgreementFigure:
    """A figure of agreement with two intervals; NaN where there is none.

    low, high: for these annotators, as articles are drawn anew. wide_low, wide_high: for annotators
    like them, too, who are drawn anew as well.
    """

    value: float
    low: float
    high: float
    wide_low: float
    wide_high: float


def with_intervals(
    statistic: AgreementStatistic,
    answers: Values,
    articles: Sequence[str],
    bounds: tuple[float, float],
) -> AgreementFigure:
    """Return a statistic of answers with its intervals, by leaving out one article at a time.

    The delete-one jackknife with Student's t (Efron & Stein 1981); for annotators like these, the
    variance over articles and that over annotators are added, with the degrees of freedom of
    Satterthwaite (1946).

    articles: the article of each question; those of one article are drawn together. bounds: what
    the statistic cannot lie beyond.
    """
    value = statistic(answers)
    over_articles = _jackknife(statistic, _without_an_article(answers, articles))
    low, high = _interval(value, [over_articles], bounds)
    wide = (float("nan"), float("nan"))
    if answers.shape[1] >= LEAST_ANNOTATORS:
        over_annotators = _jackknife(statistic, _without_an_annotator(answers))
        wide = _interval(value, [over_articles, over_annotators], bounds)
    return AgreementFigure(value, low, high, *wide)


def _without_an_article(answers: Values, articles: Sequence[str]) -> Iterator[Values]:
    names = np.asarray(articles, dtype=object)
    for name in dict.fromkeys(articles):
        yield answers[names != name]


def _without_an_annotator(answers: Values) -> Iterator[Values]:
    for annotator in range(answers.shape[1]):
        yield np.delete(answers, annotator, axis=1)


def _jackknife(statistic: AgreementStatistic, parts: Iterator[Values]) -> tuple[float, int]:
    """Return the variance of a statistic and its degrees of freedom."""
    left = np.array([statistic(part) for part in parts])
    n = len(left)
    if n < 2 or np.isnan(left).any():
        return float("nan"), 0
    return float((n - 1) / n * ((left - left.mean()) ** 2).sum()), n - 1


def _interval(
    value: float, variances: Sequence[tuple[float, int]], bounds: tuple[float, float]
) -> tuple[float, float]:
    total = sum(variance for variance, _ in variances)
    if np.isnan(total) or np.isnan(value):
        return float("nan"), float("nan")
    weighted = sum(variance**2 / freedom for variance, freedom in variances)
    freedom = int(total**2 / weighted) if weighted else sum(n for _, n in variances)
    reach = t_quantile((1 + CONFIDENCE) / 2, max(1, freedom)) * float(np.sqrt(total))
    return max(bounds[0], value - reach), min(bounds[1], value + reach)


def answer_table(
    answers: Sequence[tuple[str, str, float]],
) -> tuple[Values, list[str], list[str]]:
    """Return answers as an array with the names of its rows and columns, in order of appearance.

    answers: question, annotator and number of each.

    >>> answer_table([("q1", "ann", 1.0), ("q1", "ben", 0.0)])[0].tolist()
    [[1.0, 0.0]]
    """
    questions = list(dict.fromkeys(question for question, _, _ in answers))
    annotators = sorted({annotator for _, annotator, _ in answers})
    row = {name: n for n, name in enumerate(questions)}
    column = {name: n for n, name in enumerate(annotators)}
    table: npt.NDArray[np.float64] = np.full((len(questions), len(annotators)), np.nan)
    for question, annotator, number in answers:
        table[row[question], column[annotator]] = number
    return table, questions, annotators


def williams_test(one: float, other: float, between: float, n: int) -> tuple[float, float]:
    """Return Williams' t and its two-sided p: do two correlations with one thing differ?

    Of correlations over the same n rows (Williams 1959; Graham & Baldwin 2014 for metrics). NaN
    where it is not defined: fewer than four rows, or two metrics that are one.

    one, other: the correlations of each metric with people; between: of both metrics.

    >>> [round(figure, 2) for figure in williams_test(0.4, 0.5, 0.1, 103)]
    [-0.89, 0.37]
    """
    if n < 4 or np.isnan([one, other, between]).any() or abs(between) > 1 - 1e-12:
        return float("nan"), float("nan")
    spread = 1 - one**2 - other**2 - between**2 + 2 * one * other * between
    below = 2 * spread * (n - 1) / (n - 3) + ((one + other) ** 2 / 4) * (1 - between) ** 3
    if below <= 0:
        return float("nan"), float("nan")
    t = (one - other) * math.sqrt((n - 1) * (1 + between) / below)
    return t, t_two_sided(t, n - 3)


def t_two_sided(t: float, freedom: int) -> float:
    """Return the two-sided p of Student's t, exactly (Abramowitz & Stegun 26.7.3 and 26.7.4).

    >>> round(t_two_sided(2.0, 10), 6)
    0.073388
    """
    angle = math.atan2(abs(t), math.sqrt(freedom))
    cosine = math.cos(angle)
    odd = freedom % 2
    term = total = cosine if odd else 1.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= cosine**2 * (k - 1) / k
        total += term
    if not odd:
        inside = math.sin(angle) * total
    else:
        inside = 2 / math.pi * (angle + (math.sin(angle) * total if freedom > 1 else 0.0))
    return max(0.0, 1 - inside)
