"""Is a metric's mean tolerably near to the baseline's? Tests on paired scores; no files.

Two questions for each metric, each a one-sided paired randomization test. Is the loss shown to be
smaller than the margin? Then the metric passes. If not: is there a loss beyond chance? Then it is a
regression. Neither is shown: inconclusive. (Reading of intervals after Piaggio et al. 2012,
Reporting of noninferiority trials: CONSORT, JAMA 308:2594, where a loss beyond chance that may lie
within the margin is left open; a gate stops it.)

All metrics must pass for the gate to pass, so each is tested at the whole level: the test of a
union of hypotheses needs no correction (Berger 1982, Technometrics 24:295). Any one regression
stops the gate, so these p-values are adjusted after Holm, over all metrics, slices and systems
together: if nothing got worse, the chance of any regression is at most the level.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalharness.comparison.rules import GateResult
from evalharness.stats import paired
from evalharness.stats.intervals import Values


@dataclass(frozen=True)
class Margin:
    """How much lower a mean may be: absolute, or as a share of the baseline's mean."""

    size: float
    relative: bool = False


@dataclass(frozen=True)
class Tested:
    """One metric of one pair of systems, tested; Holm's adjustment comes later, over all."""

    n: int
    baseline: float
    candidate: float
    margin: float
    difference: float
    low: float
    high: float
    error: float
    p_worse: float
    p_tolerable: float


def paired_tests(
    baseline: Values,
    candidate: Values,
    margins: Sequence[Margin],
    level: float,
    resamples: int,
    seed: int,
) -> list[Tested]:
    """Test each column against its margin.

    baseline, candidate: shape (articles, columns), NaN where there is no score; an article counts
    where both have one.
    """
    known = ~np.isnan(baseline) & ~np.isnan(candidate)
    ours, theirs = np.where(known, candidate, np.nan), np.where(known, baseline, np.nan)
    differences = ours - theirs
    means = paired.column_means(theirs)
    # A relative margin moves with each article: what is tested is the mean of candidate - (1 - r)
    # x baseline, in which the baseline's own chance is taken into account.
    tolerated = np.stack(
        [
            np.sign(mean) * each.size * column if each.relative else np.full(len(column), each.size)
            for each, mean, column in zip(margins, means, theirs.T, strict=True)
        ],
        axis=1,
    )
    both = np.concatenate([differences, differences + tolerated], axis=1)
    flips = paired.sign_flips(both, seed, resamples)
    drawn = paired.bootstrap_differences(differences, seed, resamples)
    low, high = paired.percentile_interval(drawn, 2 * level)
    k = len(margins)
    worse, tolerable = flips.below()[:k], flips.above()[k:]
    found, errors = paired.column_means(differences), paired.standard_error(differences)
    margin_means = np.nan_to_num(paired.column_means(np.where(known, tolerated, np.nan)))
    candidates = paired.column_means(ours)
    return [
        Tested(
            n=int(known[:, i].sum()),
            baseline=float(means[i]),
            candidate=float(candidates[i]),
            margin=float(margin_means[i]),
            difference=float(found[i]),
            low=float(low[i]),
            high=float(high[i]),
            error=float(errors[i]),
            p_worse=float(worse[i]),
            p_tolerable=float(tolerable[i]),
        )
        for i in range(k)
    ]


def test_outcome(each: Tested, p_worse_holm: float, level: float, minimum_n: int) -> GateResult:
    """Return what a test says; too few articles never pass, and may well show a loss."""
    if each.n >= minimum_n and each.p_tolerable <= level:
        return "pass"
    return "regression" if p_worse_holm <= level else "inconclusive"


def detectable(each: Tested, level: float, tests: int) -> float | None:
    """Return the smallest true loss that is called a regression in 80 of 100 such samples.

    The loss seen must be beyond chance (at the level's share of one of so many tests, Holm's first
    and strictest step) and not be shown to lie within the margin. None where nothing is known of
    how articles differ.
    """
    if each.n < 2 or not each.error > 0:
        return None
    error = paired.cautious(each.error, each.n)
    beyond_chance = paired.t_quantile(1 - level / tests, each.n - 1) * error
    not_tolerable = each.margin - paired.t_quantile(1 - level, each.n - 1) * each.error
    return max(beyond_chance, not_tolerable) + paired.t_quantile(paired.POWER, each.n - 1) * error
