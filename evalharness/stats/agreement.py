"""How well scores agree with people: AUC, thresholds, correlations, spans. Arrays in, arrays out.

Scores and labels have shape (rows,); a label is 1 for consistent, 0 for not; higher scores mean
consistent. `weights` says how often each row counts, shape (..., rows), as the resamples of a
bootstrap have it; a figure then has shape (...). Without weights each row counts once and the
figure has shape (). A figure that is not defined, as an AUC of one class, is NaN.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from evalharness.records import Span
from evalharness.stats.intervals import Values

BoolValues = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.uint8]

# Spread below this share of the values' size is rounding, and has no correlation.
_ROUNDING = 1e-13
# Columns of the matrix of all pairs of rows that Kendall's tau holds at a time.
_PAIR_COLUMNS = 1024


def draw_counts(clusters: Sequence[str], seed: int, resamples: int) -> Counts:
    """Return how often each cluster is drawn in each resample, shape (resamples, clusters).

    The Poisson bootstrap: each count is drawn by itself, from a stream that only the seed and the
    cluster's name decide. So an article is drawn alike wherever it stands, in all sources that
    share it, and a source's interval does not depend on what else is measured. (Chamandy et al.
    2012, Estimating uncertainty for massive data streams.)

    >>> draw_counts(["a", "b"], seed=0, resamples=3).shape
    (3, 2)
    """
    counts = np.empty((resamples, len(clusters)), dtype=np.uint8)
    for column, name in enumerate(clusters):
        named = int.from_bytes(hashlib.sha256(name.encode(errors="surrogatepass")).digest()[:8])
        counts[:, column] = np.random.default_rng([seed, named]).poisson(1.0, resamples)
    return counts


def roc_auc(scores: Values, labels: BoolValues, weights: Values | None = None) -> Values:
    """Return the chance that a consistent row scores above an inconsistent one; ties are half.

    >>> float(roc_auc(np.array([0.1, 0.5, 0.5, 0.9]), np.array([False, False, True, True])))
    0.875
    """
    positive, negative = _by_score(scores, labels, weights)
    below = np.cumsum(negative, axis=-1) - negative
    wins = (positive * (below + negative / 2)).sum(axis=-1)
    return _ratio(wins, positive.sum(axis=-1) * negative.sum(axis=-1))


def average_precision(scores: Values, labels: BoolValues, weights: Values | None = None) -> Values:
    """Return the mean precision at each recall, for the rows labelled 1, from the highest score.

    Equal scores are taken together; nothing is interpolated, as in scikit-learn. For the
    inconsistent class, give `-scores` and `~labels`.

    >>> float(average_precision(np.array([0.2, 0.7, 0.9]), np.array([False, True, True])))
    1.0
    """
    positive, negative = (counts[..., ::-1] for counts in _by_score(scores, labels, weights))
    taken = np.cumsum(positive + negative, axis=-1)
    precision = np.cumsum(positive, axis=-1) / np.maximum(taken, 1)
    return _ratio((positive * precision).sum(axis=-1), positive.sum(axis=-1))


def balanced_accuracy(
    predicted: BoolValues, labels: BoolValues, weights: Values | None = None
) -> Values:
    """Return the mean of the shares of each class that are predicted right.

    >>> float(balanced_accuracy(np.array([True, True, False]), np.array([True, False, False])))
    0.75
    """
    counted = _weights(weights, len(labels))
    right = counted * (predicted == labels)
    shares = [
        _ratio(right[..., each].sum(axis=-1), counted[..., each].sum(axis=-1))
        for each in (labels, ~labels)
    ]
    half: Values = (shares[0] + shares[1]) / 2
    return half


def best_threshold(scores: Values, labels: BoolValues) -> tuple[float, float]:
    """Return the threshold of the best balanced accuracy, and that accuracy on these very rows.

    A row is taken for consistent from the threshold upwards. Thresholds lie midway between scores
    that occur; of those equally good, the middle of the widest interval is returned. Where all
    scores are equal it is that score, and the accuracy is one half. NaN where a class is missing.

    >>> best_threshold(np.array([0.1, 0.3, 0.5, 0.9]), np.array([False, False, True, True]))
    (0.4, 1.0)
    """
    positive, negative = _by_score(scores, labels, None)
    n_positive, n_negative = positive.sum(), negative.sum()
    if not n_positive or not n_negative:
        return float("nan"), float("nan")
    values = np.unique(scores)
    if len(values) == 1:
        return float(values[0]), 0.5
    # In whole numbers, so that equally good is equal: the consistent rows at or above each gap,
    # and the inconsistent ones below it, each times the other class.
    above = n_positive - np.cumsum(positive)[:-1]
    below = np.cumsum(negative)[:-1]
    goodness = above * n_negative + below * n_positive
    best = goodness.max()
    low, high = _widest_run(goodness == best, values)
    return midpoint_threshold(low, high), float(best / (2 * n_positive * n_negative))


def _widest_run(chosen: BoolValues, values: Values) -> tuple[float, float]:
    """Return the ends of the widest run of chosen gaps; gap i lies between values i and i + 1."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]])))
    runs = [(float(values[start]), float(values[end])) for start, end in edges.reshape(-1, 2)]
    return max(runs, key=lambda run: run[1] - run[0])


def midpoint_threshold(low: float, high: float) -> float:
    """Return a threshold that parts two scores: midway, above the lower one in any case."""
    middle = low + (high - low) / 2
    return middle if middle > low else high  # neighbours among floats have nothing between them


def pearson(x: Values, y: Values, weights: Values | None = None) -> Values:
    """Return Pearson's correlation; x and y may have a row of values for each resample.

    >>> round(float(pearson(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))), 4)
    0.982
    """
    counted = _weights(weights, x.shape[-1])
    dx, flat_x = _subtract_means(x, counted)
    dy, flat_y = _subtract_means(y, counted)
    spread = np.sqrt((counted * dx * dx).sum(axis=-1) * (counted * dy * dy).sum(axis=-1))
    spread = np.where(flat_x | flat_y, 0.0, spread)
    return _ratio((counted * dx * dy).sum(axis=-1), spread)


def _subtract_means(values: Values, counted: Values) -> tuple[Values, BoolValues]:
    """Return values less their mean, and where they do not differ at all."""
    total = np.maximum(counted.sum(axis=-1), 1)
    centred = values - ((counted * values).sum(axis=-1) / total)[..., np.newaxis]
    size = np.abs(values).max(axis=-1, initial=0.0)
    spread = (counted * centred * centred).sum(axis=-1)
    return centred, spread <= total * (_ROUNDING * size) ** 2


def spearman(x: Values, y: Values, weights: Values | None = None) -> Values:
    """Return Spearman's correlation: Pearson's of the ranks, those of ties being their mean.

    >>> round(float(spearman(np.array([1.0, 2.0, 30.0]), np.array([1.0, 2.0, 4.0]))), 4)
    1.0
    """
    return pearson(mean_ranks(x, weights), mean_ranks(y, weights), weights)


def mean_ranks(values: Values, weights: Values | None = None) -> Values:
    """Return the mean rank of each row, counted with the weights; off by a constant."""
    counted = _weights(weights, len(values))
    if not len(values):
        return counted
    distinct, place = np.unique(values, return_inverse=True)
    sums = _sums(counted, place, len(distinct))
    ranks: Values = (np.cumsum(sums, axis=-1) - sums / 2)[..., place]
    return ranks


def kendall(x: Values, y: Values, weights: Values | None = None) -> Values:
    """Return Kendall's tau-b: agreeing less opposed pairs of rows, corrected for ties.

    Takes time in the square of the rows.

    >>> round(float(kendall(np.array([1.0, 2.0, 2.0]), np.array([1.0, 2.0, 3.0]))), 4)
    0.8165
    """
    counted = _weights(weights, len(x))
    agreeing = np.zeros(counted.shape[:-1])
    for start in range(0, len(x), _PAIR_COLUMNS):
        some = slice(start, start + _PAIR_COLUMNS)
        signs = np.sign(x[:, np.newaxis] - x[some]) * np.sign(y[:, np.newaxis] - y[some])
        agreeing += ((counted @ signs) * counted[..., some]).sum(axis=-1)
    return _ratio(
        agreeing,
        np.sqrt(_count_untied_pairs(x, counted)) * np.sqrt(_count_untied_pairs(y, counted)),
    )


def _count_untied_pairs(values: Values, counted: Values) -> Values:
    """Return how many ordered pairs of rows differ in a value."""
    distinct, place = np.unique(values, return_inverse=True)
    sums = _sums(counted, place, len(distinct))
    pairs: Values = counted.sum(axis=-1) ** 2 - (sums * sums).sum(axis=-1)
    return pairs


def partial_pearson(
    x: Values, y: Values, groups: Sequence[str], weights: Values | None = None
) -> Values:
    """Return Pearson's correlation with the means of the groups (systems) taken out of both.

    That is the correlation of what a regression on one-hot groups leaves: the protocol of FRANK's
    `evaluate.py` (Pagnoni et al. 2021).
    """
    return pearson(residuals(x, groups, weights), residuals(y, groups, weights), weights)


def partial_spearman(x: Values, y: Values, groups: Sequence[str]) -> Values:
    """Return Spearman's correlation of what is left of both without the means of the groups.

    What differs only by rounding is taken for equal: the means would part what was tied.
    """
    return spearman(_without_rounding(x, groups), _without_rounding(y, groups))


def _without_rounding(values: Values, groups: Sequence[str]) -> Values:
    grain = 10 * _ROUNDING * max(np.abs(values).max(initial=0.0), np.finfo(float).tiny)
    steps: Values = np.rint(residuals(values, groups) / grain)
    return steps


def within_groups(
    x: Values, y: Values, groups: Sequence[str], without: Values | None = None
) -> dict[str, float]:
    """Return Spearman's correlation of each group by itself, where both differ within it.

    without: what is taken out of both first, as a partial correlation of ranks has it (a length).

    >>> x, y = np.array([1.0, 2.0, 3.0, 9.0]), np.array([1.0, 2.0, 4.0, 9.0])
    >>> {name: round(each, 4) for name, each in within_groups(x, y, ["a", "a", "a", "b"]).items()}
    {'a': 1.0}
    """
    names = np.asarray(groups, dtype=object)
    found: dict[str, float] = {}
    for name in dict.fromkeys(groups):
        rows = names == name
        figure = float(spearman(x[rows], y[rows]))
        if without is not None:
            figure = _without(
                figure,
                float(spearman(x[rows], without[rows])),
                float(spearman(y[rows], without[rows])),
            )
        if not np.isnan(figure):
            found[name] = figure
    return found


def _without(both: float, first: float, second: float) -> float:
    """Return the partial correlation from those of two values, and of each with a third."""
    left = (1 - first**2) * (1 - second**2)
    return float((both - first * second) / np.sqrt(left)) if left > _ROUNDING else float("nan")


def kendall_of_means(
    x: Values, y: Values, groups: Sequence[str], weights: Values | None = None
) -> Values:
    """Return Kendall's tau of the means of the groups (systems); NaN where one counts nothing."""
    counted = _weights(weights, len(x))
    distinct, place = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    total = _sums(counted, place, len(distinct))
    means = [_ratio(_sums(counted * each, place, len(distinct)), total) for each in (x, y)]
    flat = (each.reshape(-1, len(distinct)) for each in means)
    taus = [
        float("nan") if np.isnan(one + other).any() else float(kendall(one, other))
        for one, other in zip(*flat, strict=True)
    ]
    return np.array(taus).reshape(counted.shape[:-1])


def residuals(values: Values, groups: Sequence[str], weights: Values | None = None) -> Values:
    """Return values less the mean of their group, shape (..., rows).

    >>> residuals(np.array([1.0, 3.0, 5.0]), ["a", "a", "b"])
    array([-1.,  1.,  0.])
    """
    counted = _weights(weights, len(values))
    distinct, place = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    sums = _sums(counted * values, place, len(distinct))
    means = sums / np.maximum(_sums(counted, place, len(distinct)), 1)
    left: Values = values - means[..., place]
    return left


def pair_wins(
    scores: Values, labels: BoolValues, pair_ids: Sequence[str | None]
) -> tuple[npt.NDArray[np.intp], Values]:
    """Return for each pair of a right and a wrong summary whether the right one scores higher.

    Two arrays of shape (pairs,): the row of the right one, and 1, 0, or one half for a tie. Rows
    belong together by their pair's id; one that is None belongs to no pair.
    """
    members: dict[str, tuple[list[int], list[int]]] = {}
    for row, pair in enumerate(pair_ids):
        if pair is not None:
            members.setdefault(pair, ([], []))[int(labels[row])].append(row)
    found = [(r, w) for wrong, right in members.values() for r in right for w in wrong]
    rows = np.array([right for right, _ in found], dtype=np.intp)
    others = np.array([wrong for _, wrong in found], dtype=np.intp)
    return rows, (1 + np.sign(scores[rows] - scores[others])) / 2


def weighted_mean(values: Values, weights: Values | None = None) -> Values:
    """Return the mean of values that count as often as their weights say."""
    counted = _weights(weights, len(values))
    return _ratio((counted * values).sum(axis=-1), counted.sum(axis=-1))


def character_counts(found: Iterable[Span], true: Iterable[Span]) -> tuple[int, int, int]:
    """Return how many characters are in both, in what was found, and in what is true.

    >>> character_counts([Span(0, 4), Span(2, 6)], [Span(5, 9)])
    (1, 6, 4)
    """
    ours = {place for span in found for place in range(span.start, span.end)}
    theirs = {place for span in true for place in range(span.start, span.end)}
    return len(ours & theirs), len(ours), len(theirs)


def precision_recall_f1(counts: Values, weights: Values | None = None) -> Values:
    """Return precision, recall and F1 over all rows together (micro), shape (..., 3).

    counts: what `character_counts` returns, a row each, shape (rows, 3).

    >>> precision_recall_f1(np.array([[1.0, 6.0, 4.0], [2.0, 2.0, 2.0]])).round(3)
    array([0.375, 0.5  , 0.429])
    """
    both, found, true = np.moveaxis(_weights(weights, len(counts)) @ counts, -1, 0)
    figures = [_ratio(both, found), _ratio(both, true), _ratio(2 * both, found + true)]
    return np.stack(figures, axis=-1)


def _weights(weights: Values | None, rows: int) -> Values:
    return np.ones(rows) if weights is None else weights


def _by_score(scores: Values, labels: BoolValues, weights: Values | None) -> tuple[Values, Values]:
    """Return the counts of both classes at each score that occurs, ascending: (..., scores)."""
    distinct, place = np.unique(scores, return_inverse=True)
    counted = _weights(weights, len(scores))
    positive = _sums(counted * labels, place, len(distinct))
    return positive, _sums(counted * ~labels, place, len(distinct))


def _sums(values: Values, place: npt.NDArray[np.intp], n: int) -> Values:
    """Return the sums of the values at each place, shape (..., n); every place occurs."""
    if not n:
        return np.zeros((*values.shape[:-1], 0))
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(n))
    sums: Values = np.add.reduceat(values[..., order], starts, axis=-1)
    return sums


def _ratio(above: Values, below: Values) -> Values:
    """Return a quotient, NaN where nothing can be divided by."""
    defined = below > 0
    quotient: Values = np.where(defined, above / np.where(defined, below, 1), np.nan)
    return quotient
