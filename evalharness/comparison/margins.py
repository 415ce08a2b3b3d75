"""Is a metric's mean tolerably near to the baseline's? Tests on paired scores; no files.

Two one-sided questions for each metric. Is the loss shown to be smaller than the margin? Then the
metric passes. If not: is there a loss beyond chance? Then it is a regression. Neither is shown:
inconclusive. (Reading of intervals after Piaggio et al. 2012, Reporting of noninferiority trials:
CONSORT, JAMA 308:2594, where a loss beyond chance that may lie within the margin is left open; a
gate stops it.)

The first question is answered by `paired.worst_case_means`, a bound that counts one article more
than were seen, on which the candidate lost a whole average score: where n articles are equal, only
losses of more than about 3 in n are ruled out. Tests that trust the sample to be symmetric, or to
hold what is rare, pass rare losses too often (docs/ci.md has figures). The second is a paired
randomization test.

All metrics must pass for the gate to pass, so each is tested at the whole level: the test of a
union of hypotheses needs no correction (Berger 1982, Technometrics 24:295). Any one regression
stops the gate, so these p-values are adjusted after Holm, over all metrics, slices and systems
together: if nothing got worse, the chance of any regression is at most the level.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evalharness.comparison.rules import GateResult
from evalharness.stats import blockwise, paired
from evalharness.stats.intervals import Values, quantiles
from evalharness.stats.resampling import column_means

_Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Margin:
    """How much lower a mean may be: absolute, or as a share of the baseline's mean."""

    size: float
    relative: bool = False


@dataclass(frozen=True)
class Tested:
    """One metric of one pair of systems, tested; Holm's adjustment comes later, over all.

    groups: what chance draws: articles with both scores, or clusters that have such. needed: about
    how many articles like these would show that the loss is tolerable; None where no number would.
    """

    n: int
    groups: int
    baseline: float
    candidate: float
    margin: float
    difference: float
    low: float
    high: float
    error: float
    p_worse: float
    p_tolerable: float
    needed: int | None


def paired_tests(
    baseline: Values,
    candidate: Values,
    margins: Sequence[Margin],
    level: float,
    resamples: int,
    seed: int,
    clusters: paired.Clusters | None = None,
) -> list[Tested]:
    """Test each column against its margin.

    baseline, candidate: shape (articles, columns), NaN without a score; an article counts where
    both have one. clusters: the number of each article's, from 0, drawn and exchanged whole.
    """
    known = ~np.isnan(baseline) & ~np.isnan(candidate)
    ours, theirs = np.where(known, candidate, np.nan), np.where(known, baseline, np.nan)
    differences, means = paired.subtract(ours, theirs), column_means(theirs)
    tolerated = _tolerated_losses(margins, theirs, means)
    moved = differences + tolerated
    margin_means = np.nan_to_num(column_means(np.where(known, tolerated, np.nan)))
    unseen = np.nan_to_num(_least_score(ours, theirs) - means)
    totals, counts = paired.cluster_totals(differences, clusters)
    lower = paired.worst_case_means(
        np.concatenate([differences, moved], axis=1),
        np.concatenate([unseen, unseen + margin_means]), seed, resamples, clusters,
    )  # fmt: skip
    k, n = len(margins), known.sum(axis=0)
    drawn = paired.bootstrap_differences(differences, seed, resamples, clusters=clusters)
    found = column_means(differences)
    columns = {
        "n": n,
        "groups": (counts > 0).sum(axis=0),
        "baseline": means,
        "candidate": column_means(ours),
        "margin": margin_means,
        "difference": found,
        "low": quantiles(lower[:, :k], [level])[0],
        "high": paired.percentile_interval(drawn, 2 * level)[1],
        "error": paired.standard_error(differences, found, clusters),
        "p_worse": paired.sign_flips(totals, seed, resamples).below(),
        "p_tolerable": np.where(n > 0, _share_below(lower[:, k:]), 1.0),
    }
    needed = _articles_needed(moved, -(unseen + margin_means), level, clusters)
    return _rows(columns, needed)


def _rows(columns: Mapping[str, Any], needed: Sequence[int | None]) -> list[Tested]:
    names = columns.keys()
    rows = zip(*(columns[name].tolist() for name in names), strict=True)
    tested = (dict(zip(names, row, strict=True)) for row in rows)
    return [Tested(**row, needed=n) for row, n in zip(tested, needed, strict=True)]


Pairs = Callable[[], Iterator[tuple[Values, Values]]]
"""Gives the next articles' scores of baseline and candidate, from the first, at each call."""


def paired_tests_of_blocks(
    pairs: Pairs, margins: Sequence[Margin], level: float, resamples: int, seed: int
) -> list[Tested]:
    """Test what `paired_tests` does, of scores that come in blocks of articles.

    Memory does not grow with the articles. Draws are those of `paired`'s blocks, so that figures
    agree with those of `paired_tests` as two seeds do.
    """
    k = len(margins)
    ours, theirs, whole = _sums(pairs, k)
    means, found = theirs.mean, whole.mean
    tolerated = np.nan_to_num(_mean_tolerated(margins, means))
    unseen = _least_unseen(ours, theirs)
    boot = blockwise.BlockDraws(k, seed, resamples)
    flips = blockwise.BlockFlips(k, seed, resamples)
    weights = blockwise.BlockWeights(2 * k, seed, resamples)
    spread, spread_moved = (blockwise.BlockSums(k) for _ in range(2))
    for _, their_scores, differences in _differences(pairs):
        moved = differences + _tolerated_losses(margins, their_scores, means)
        boot.add(differences)
        flips.add(differences)
        weights.add(np.concatenate([differences, moved], axis=1))
        spread.add((differences - found) ** 2)
        spread_moved.add((moved - (found + tolerated)) ** 2)
    lower = weights.means(np.concatenate([unseen, unseen + tolerated]))
    n, error = whole.n, blockwise.error_of_squares(spread, whole.farthest)
    lead = found + tolerated
    columns = {
        "n": n,
        "groups": n,
        "baseline": means,
        "candidate": ours.mean,
        "margin": tolerated,
        "difference": found,
        "low": quantiles(lower[:, :k], [level])[0],
        "high": paired.percentile_interval(boot.means(), 2 * level)[1],
        "error": error,
        "p_worse": flips.flips().below(),
        "p_tolerable": np.where(n > 0, _share_below(lower[:, k:]), 1.0),
    }
    farthest = np.maximum(whole.farthest, np.abs(lead))
    errors = blockwise.error_of_squares(spread_moved, farthest)
    return _rows(columns, _all_needed(lead, errors, -(unseen + tolerated), n, n, level))


def paired_tests_of_clusters(
    pairs: Pairs,
    margins: Sequence[Margin],
    level: float,
    resamples: int,
    seed: int,
    clusters: paired.Clusters,
) -> list[Tested]:
    """Test what `paired_tests` does, of scores that come in blocks and articles in clusters.

    Memory grows with the clusters, and hardly with the articles.
    """
    k = len(margins)
    ours, theirs, whole = _sums(pairs, k)
    means, found = theirs.mean, whole.mean
    tolerated = np.nan_to_num(_mean_tolerated(margins, means))
    unseen = _least_unseen(ours, theirs)
    sums, centred = (blockwise.ClusterSums(2 * k, clusters) for _ in range(2))
    far = blockwise.BlockSums(2 * k)
    both = np.concatenate([found, found + tolerated])
    for _, their_scores, differences in _differences(pairs):
        moved = differences + _tolerated_losses(margins, their_scores, means)
        values = np.concatenate([differences, moved], axis=1)
        sums.add(values)
        centred.add(values - both)
        far.add(values - both)
    greatest = np.concatenate([whole.farthest, np.maximum(whole.farthest, np.abs(both[k:]))])
    n, groups = whole.n, sums.groups[:k]
    errors = centred.error(far.n, far.farthest, greatest)
    worst = np.concatenate([unseen, unseen + tolerated])
    lower = paired.worst_case_of_totals(sums.totals, sums.counts, worst, seed, resamples)
    totals, present = sums.totals[:, :k], sums.counts[:, :k]
    drawn = paired.bootstrap_of_totals(totals, present, found, seed, resamples)
    columns = {
        "n": n,
        "groups": groups,
        "baseline": means,
        "candidate": ours.mean,
        "margin": tolerated,
        "difference": found,
        "low": quantiles(lower[:, :k], [level])[0],
        "high": paired.percentile_interval(drawn, 2 * level)[1],
        "error": errors[:k],
        "p_worse": paired.sign_flips(totals, seed, resamples).below(),
        "p_tolerable": np.where(n > 0, _share_below(lower[:, k:]), 1.0),
    }
    return _rows(columns, _all_needed(both[k:], errors[k:], -worst[k:], n, groups, level))


def _sums(
    pairs: Pairs, columns: int
) -> tuple[blockwise.BlockSums, blockwise.BlockSums, blockwise.BlockSums]:
    """Return the sums of the candidate's scores, of the baseline's, and of their differences."""
    sums = blockwise.BlockSums(columns), blockwise.BlockSums(columns), blockwise.BlockSums(columns)
    for block in _differences(pairs):
        for each, values in zip(sums, block, strict=True):
            each.add(values)
    return sums


def _least_unseen(ours: blockwise.BlockSums, theirs: blockwise.BlockSums) -> Values:
    """Return how far below the baseline's mean a score that was not seen may lie."""
    least = np.minimum(0.0, np.minimum(ours.least, theirs.least))
    unseen: Values = np.nan_to_num(least - theirs.mean)
    return unseen


def _differences(pairs: Pairs) -> Iterator[tuple[Values, Values, Values]]:
    """Yield candidate's and baseline's scores where both have one, and their differences."""
    for baseline, candidate in pairs():
        known = ~np.isnan(baseline) & ~np.isnan(candidate)
        ours, theirs = np.where(known, candidate, np.nan), np.where(known, baseline, np.nan)
        yield ours, theirs, paired.subtract(ours, theirs)


def _mean_tolerated(margins: Sequence[Margin], means: Values) -> Values:
    """Return the mean of what `_tolerated_losses` has, by the baseline's means."""
    pairs = zip(margins, means, strict=True)
    return np.array([abs(mean) * m.size if m.relative else m.size for m, mean in pairs])


def _tolerated_losses(margins: Sequence[Margin], theirs: Values, means: Values) -> Values:
    """Return by how much each article may lose, shape (articles, columns).

    A relative margin moves with each article: what is tested is the mean of candidate - (1 - r) x
    baseline, in which the baseline's own chance is taken into account.
    """
    columns = [
        np.sign(mean) * each.size * column if each.relative else np.full(len(column), each.size)
        for each, mean, column in zip(margins, means, theirs.T, strict=True)
    ]
    return np.stack(columns, axis=1)


def _share_below(means: Values) -> Values:
    """Return the p-value of means that are truly 0 or less; what was observed counts alike."""
    share: Values = ((means <= 0).sum(axis=0) + 1) / (len(means) + 1)
    return share


def _articles_needed(
    moved: Values,
    unseen: Values,
    level: float,
    clusters: paired.Clusters | None,
) -> list[int | None]:
    _, counts = paired.cluster_totals(moved, clusters)
    n, groups = counts.sum(axis=0).astype(int), (counts > 0).sum(axis=0)
    means = column_means(moved)
    errors = paired.standard_error(moved, means, clusters)
    return _all_needed(means, errors, unseen, n, groups, level)


def _all_needed(
    means: Values, errors: Values, unseen: Values, n: _Counts, groups: _Counts, level: float
) -> list[int | None]:
    rows = zip(*(column.tolist() for column in (means, errors, unseen, n, groups)), strict=True)
    return [
        articles_needed(lead, error, far, articles, drawn, level)
        for lead, error, far, articles, drawn in rows
    ]


def _least_score(ours: Values, theirs: Values) -> Values:
    """Return the least that a column's scores can be: 0, or what either side has lower."""
    scores = np.concatenate([ours, theirs])
    least: Values = np.where(np.isnan(scores), np.inf, scores).min(axis=0, initial=0.0)
    return least


# More articles than that are as good as none.
_MOST_ARTICLES = 10**8


def articles_needed(
    lead: float, error: float, unseen: float, n: int, groups: int, level: float
) -> int | None:
    """Return about how many articles with this mean and spread would pass; None if none would.

    lead: how far the mean difference lies above minus the margin; error: its standard error of n
    articles in so many groups. unseen: how far below minus the margin the article lies that was not
    seen. The weighted sum is nearly normal, less an exponential one.

    >>> articles_needed(0.01, 0.0, 0.94, 50, 50, 0.05)  # all equal: the rule of three
    284
    """
    if groups < 2 or not lead > 0 or not math.isfinite(error):
        return None
    size = n / groups
    spread = math.sqrt((error * math.sqrt(groups)) ** 2 + lead**2)
    low, high = 1, 2
    while _chance_below(lead, spread, unseen, high) > level:
        low, high = high, high * 2
        if high > _MOST_ARTICLES:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (middle, high) if _chance_below(lead, spread, unseen, middle) > level else (low, middle)
        )
    return math.ceil(high * size)


def _chance_below(lead: float, spread: float, unseen: float, groups: int) -> float:
    """Return the chance that a normal sum less an exponential one is below 0."""
    from statistics import NormalDist

    normal = NormalDist()
    mean, deviation = groups * lead, math.sqrt(groups) * spread
    seen = normal.cdf(-mean / deviation)
    if unseen <= 0:
        return seen
    exponent = (deviation / unseen) ** 2 / 2 - mean / unseen
    tail = normal.cdf(mean / deviation - deviation / unseen)
    # Where the one is huge, the other is as good as nothing: the exponential one hardly counts.
    return seen + (math.exp(exponent) * tail if exponent < 500 else 0.0)


def test_outcome(each: Tested, p_worse_holm: float, level: float, minimum_n: int) -> GateResult:
    """Return what a test says; too few articles never pass, and may well show a loss."""
    if each.n >= minimum_n and each.p_tolerable <= level:
        return "pass"
    return "regression" if p_worse_holm <= level else "inconclusive"


def detectable(each: Tested, level: float, tests: int) -> float | None:
    """Return the smallest true loss that is called a regression in 80 of 100 such samples.

    The loss seen must be beyond chance (at the level's share of one of so many tests, Holm's first
    and strictest step) and not be shown to lie within the margin, by as much as the lower bound of
    the test lies below what was seen. None where nothing is known of how articles differ.
    """
    if each.groups < 2 or not each.error > 0:
        return None
    n = each.groups
    error = paired.cautious(each.error, n)
    beyond_chance = paired.t_quantile(1 - level / tests, n - 1) * error
    not_tolerable = each.margin - (each.difference - each.low)
    return max(beyond_chance, not_tolerable) + paired.t_quantile(paired.POWER, n - 1) * error
