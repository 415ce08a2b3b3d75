"""Paired statistics: in agreement with scipy, closed forms and laws."""

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.stats import blockwise, paired, resampling
from evalharness.stats.intervals import Values
from evalharness.stats.resampling import column_means, split_in_parts

Z = NormalDist().inv_cdf


@pytest.fixture
def scipy_stats() -> Any:
    return pytest.importorskip("scipy.stats")


def _differences(n: int, columns: int = 3, shift: float = 0.0, seed: int = 7) -> Values:
    return np.random.default_rng(seed).normal(shift, 0.1, size=(n, columns))


# the bootstrap


@pytest.mark.parametrize("n", [1, 2, 3, 7, 64, 65, 500])
def test_each_resample_draws_as_many_articles_as_there_are(n: int) -> None:
    means = paired.bootstrap_differences(np.eye(n), seed=0, resamples=300)
    counts = means * n
    assert counts == pytest.approx(counts.round(), abs=1e-3)
    assert counts.sum(axis=1) == pytest.approx(np.full(300, n), abs=1e-2)


def test_draws_are_those_of_n_throws_of_a_fair_die() -> None:
    # Multinomial: each count has mean 1 and variance 1 - 1/n, two counts covariance -1/n.
    n, resamples = 40, 40_000
    counts = paired.bootstrap_differences(np.eye(n), seed=3, resamples=resamples) * n
    covariance = np.cov(counts, rowvar=False)
    assert counts.mean(axis=0) == pytest.approx(np.ones(n), abs=5 / math.sqrt(resamples))
    assert np.diag(covariance) == pytest.approx(np.full(n, 1 - 1 / n), abs=0.05)
    off = covariance[~np.eye(n, dtype=bool)]
    assert off.mean() == pytest.approx(-1 / n, abs=0.001)
    assert np.abs(off + 1 / n).max() < 6 / math.sqrt(resamples)


def test_counts_of_an_article_are_binomial(scipy_stats: Any) -> None:
    n, resamples = 12, 50_000
    counts = (paired.bootstrap_differences(np.eye(n), 1, resamples)[:, 0] * n).round()
    seen = np.bincount(counts.astype(int), minlength=n + 1)[:6]
    expected = scipy_stats.binom.pmf(np.arange(6), n, 1 / n) * resamples
    assert np.abs(seen - expected).max() < 5 * math.sqrt(resamples) / 2


def test_bootstrap_agrees_with_scipy_within_the_resampling_error(scipy_stats: Any) -> None:
    differences = np.random.default_rng(0).gamma(1, 0.1, size=(400, 3)) - 0.1
    resampled = paired.bootstrap_differences(differences, seed=0, resamples=20_000)
    low, high = paired.percentile_interval(resampled, 0.05)
    theirs = scipy_stats.bootstrap(
        (differences,), np.mean, axis=0, n_resamples=20_000, method="percentile",
        rng=np.random.default_rng(1),
    )  # fmt: skip
    width = (high - low).min()
    assert np.abs(low - theirs.confidence_interval.low).max() < 0.03 * width
    assert np.abs(high - theirs.confidence_interval.high).max() < 0.03 * width
    # A standard deviation of 20,000 resamples is known to 0.5 %; 2 % is four of these.
    assert resampled.std(axis=0) == pytest.approx(theirs.standard_error, rel=0.02)


def test_bootstrap_has_the_spread_of_the_closed_form() -> None:
    differences = _differences(2000)
    spread = paired.bootstrap_differences(differences, 0, 20_000).std(axis=0)
    assert spread == pytest.approx(differences.std(axis=0) / math.sqrt(2000), rel=0.02)


def test_bootstrap_of_equal_differences_is_their_value() -> None:
    drawn = paired.bootstrap_differences(np.full((777, 1), 0.1), seed=0, resamples=500)
    assert np.unique(drawn).tolist() == [0.1]


def test_bootstrap_leaves_missing_scores_out() -> None:
    values = np.array([[0.25, 1.0], [np.nan, 1.0], [0.25, 1.0]])
    drawn = paired.bootstrap_differences(values, seed=0, resamples=300)
    known = drawn[~np.isnan(drawn[:, 0])]
    assert 0 < len(drawn) - len(known) < 60  # 1 resample in 27 holds the middle one only
    assert known == pytest.approx(np.tile([0.25, 1.0], (len(known), 1)), abs=1e-12)


def test_one_resample_serves_all_columns() -> None:
    values = _differences(50, 1)
    drawn = paired.bootstrap_differences(np.hstack([values, -values]), 0, 200)
    assert drawn[:, 0] == pytest.approx(-drawn[:, 1], abs=1e-15)


# sign flips


def test_flips_are_all_sums_of_signed_differences() -> None:
    values = np.array([[1.0], [2.0], [4.0]])
    flipped = paired.sign_flips(values, seed=0, resamples=1000).flipped[:, 0]
    assert sorted(set(flipped.tolist())) == [-7.0, -5.0, -3.0, -1.0, 1.0, 3.0, 5.0, 7.0]
    assert np.bincount(((flipped + 7) / 2).astype(int)).min() > 80  # of 125


@pytest.mark.parametrize("shift", [0.0, 0.004, 0.01])
def test_p_values_agree_with_scipy_within_the_resampling_error(
    shift: float, scipy_stats: Any
) -> None:
    differences = _differences(300, 4, shift)
    flips = paired.sign_flips(differences, seed=0, resamples=20_000)
    for found, alternative in (
        (flips.two_sided(), "two-sided"), (flips.below(), "less"), (flips.above(), "greater"),
    ):  # fmt: skip
        theirs = scipy_stats.permutation_test(
            (differences,), lambda x, axis: x.sum(axis=axis), permutation_type="samples",
            n_resamples=5_000, vectorized=True, alternative=alternative, axis=0, batch=500,
            rng=np.random.default_rng(5),
        ).pvalue  # fmt: skip
        error = np.sqrt(theirs * (1 - theirs) * (1 / 20_000 + 1 / 5_000)) + 1e-4
        assert (np.abs(found - theirs) < 5 * error).all()


def test_p_values_agree_with_all_flips_of_few_articles() -> None:
    values = np.random.default_rng(3).normal(0.3, 1, size=10)
    signs = 1 - 2 * ((np.arange(1024)[:, np.newaxis] >> np.arange(10)) & 1)
    exact = (np.abs(signs @ values) >= abs(values.sum()) - 1e-12).mean()
    found = paired.sign_flips(values[:, np.newaxis], 0, 50_000).two_sided()[0]
    assert found == pytest.approx(exact, abs=5 * math.sqrt(exact * (1 - exact) / 50_000))


def _scores(kind: str, n: int, rng: np.random.Generator) -> Values:
    """Scores of three systems, shape (n, 3), of a kind that has gone wrong or may."""
    if kind in ("thirds", "fifths"):
        steps = 3 if kind == "thirds" else 5
        return rng.integers(0, steps + 1, (n, 3)) / steps
    scores = np.repeat(rng.beta(2, 5, (n, 1)), 3, axis=1)
    if kind == "near-identical":  # two alike but for a few articles
        scores[:, 0] = rng.beta(2, 5, n)
        changed = rng.choice(n, min(n, 3), replace=False)
        scores[changed, 2] += rng.uniform(-0.4, 0.4, len(changed))
    else:  # tied: whole steps up and down, and by the noise of floats
        scores += rng.integers(-1, 2, (n, 3)) * 0.1 + rng.integers(-1, 2, (n, 3)) * 1e-17
    return scores


def test_all_pairs_of_1000_triples_have_the_p_value_of_all_flips() -> None:
    # On whole numbers, which all flips add up exactly; a resample's p-value is off by its error.
    resamples, rng, deviations = 4000, np.random.default_rng(14), []
    for t in range(1000):
        kind = ("thirds", "fifths", "near-identical", "tied")[t % 4]
        n = int(rng.integers(2, 13))
        scores = _scores(kind, n, rng)
        flips = paired.sign_flips(paired.subtract(scores[:, 1:], scores[:, :1]), t, resamples)
        signs = 1 - 2 * ((np.arange(2**n)[:, np.newaxis] >> np.arange(n)) & 1)
        for found, one, other in ((flips[0], 0, 1), (flips[1], 0, 2), (flips[1] - flips[0], 1, 2)):
            whole = np.rint((scores[:, other] - scores[:, one]) * 15e9).astype(np.int64)
            sums = signs @ whole
            observed, slack = sums[0], n  # what rounding to whole numbers may move a sum by
            for p, exact in (
                (found.two_sided()[0], (np.abs(sums) >= abs(observed) - slack).mean()),
                (found.below()[0], (sums <= observed + slack).mean()),
                (found.above()[0], (sums >= observed - slack).mean()),
            ):
                error = math.sqrt(exact * (1 - exact) / resamples) + 1 / resamples
                deviations.append(abs(p - exact) / error)
    assert len(deviations) == 9000
    assert max(deviations) < 5


def test_systems_that_differ_on_one_article_are_not_told_apart() -> None:
    # 100 thirds, and the same with one article better: each on a grid of its own, 100 roundings
    # in one direction were a difference.
    other = np.append(np.full(99, 1 / 3), 1.0)
    flips = paired.sign_flips(np.stack([np.full(100, 1 / 3), other], axis=1), 0)
    assert (flips[1] - flips[0]).two_sided().tolist() == [1.0]


@pytest.mark.parametrize("steps", [3, 5, 6, 7])
def test_ties_of_thirds_and_fifths_are_those_of_whole_numbers(steps: int) -> None:
    whole = np.random.default_rng(steps).choice([0, 0, 0, 1, 1, 2, -1, -1, -2], (50, 200))
    flips, exact = paired.sign_flips(whole / steps, 0), paired.sign_flips(whole.astype(float), 0)
    assert np.array_equal(flips.two_sided(), exact.two_sided())
    assert np.array_equal(flips.below(), exact.below())
    assert np.array_equal(flips.above(), exact.above())


def test_p_values_of_many_articles_are_those_of_whole_numbers() -> None:
    whole = np.random.default_rng(1).integers(-2, 3, (70_000, 3))
    found = paired.sign_flips(whole / 3, 0, 400).two_sided()
    assert np.array_equal(found, paired.sign_flips(whole.astype(float), 0, 400).two_sided())


def test_p_values_are_near_those_of_a_t_test(scipy_stats: Any) -> None:
    differences = _differences(500, 5, 0.006)
    theirs = scipy_stats.ttest_1samp(differences, 0).pvalue
    found = paired.sign_flips(differences, 0, 20_000).two_sided()
    assert np.abs(found - theirs).max() < 0.015


def test_scores_equal_but_for_noise_do_not_differ() -> None:
    ours, theirs = np.array([0.1 + 0.2, 1e-6, np.nan, 3e9]), np.array([0.3, 0.0, 1.0, 3e9 + 1])
    assert paired.subtract(ours, theirs)[[0, 1]].tolist() == [0.0, 1e-6]
    assert np.isnan(paired.subtract(ours, theirs)[2])
    assert paired.subtract(ours, theirs)[3] == -1


def test_flips_of_no_difference_have_the_p_value_1() -> None:
    flips = paired.sign_flips(np.zeros((30, 2)), 0, 100)
    assert flips.two_sided().tolist() == flips.below().tolist() == [1.0, 1.0]


def test_no_p_value_is_0() -> None:
    assert paired.sign_flips(np.ones((200, 1)), 0, 999).above()[0] == 1 / 1000


def test_ties_count_as_extreme() -> None:
    # Of one article, both signs are as extreme as what was seen.
    assert paired.sign_flips(np.array([[0.3]]), 0, 500).two_sided()[0] == 1.0


def test_difference_of_two_flips_is_the_flip_of_the_difference() -> None:
    scores = _differences(200, 3)
    together = paired.sign_flips(scores, 0, 2000)
    other = paired.sign_flips(scores[:, [1]] - scores[:, [0]], 0, 2000)
    difference = together[1] - together[0]
    assert difference.two_sided() == pytest.approx(other.two_sided(), abs=0.002)


def test_p_values_of_exchangeable_systems_are_uniform() -> None:
    # 4,000 null comparisons at once: a share of 0.05 is known to 0.0034.
    flips = paired.sign_flips(_differences(80, 4000), 0, 1000)
    for p_values in (flips.two_sided(), flips.below(), flips.above()):
        assert (p_values <= 0.05).mean() == pytest.approx(0.05, abs=0.014)


# replicates


def test_draws_of_replicates_are_student_t_with_their_spread(scipy_stats: Any) -> None:
    means = np.array([0.1, 0.4, 0.2, 0.35, 0.3])
    both = np.stack([means, means - 0.7], axis=1)  # of the same replicates: they move together
    drawn = paired.draw_replicates(both, np.random.SeedSequence(3), 50_000)
    assert drawn[:, 0] == pytest.approx(drawn[:, 1], abs=1e-12)
    shares = [0.001, 0.025, 0.2, 0.5, 0.8, 0.975, 0.999]
    exact = scipy_stats.t.ppf(shares, 4) * scipy_stats.sem(means)
    assert np.quantile(drawn[:, 0], shares) == pytest.approx(exact, rel=0.08, abs=0.002)


def test_false_findings_keep_to_the_level_where_seeds_vary() -> None:
    # 5 seeds, 100 articles, two systems that are alike but for their seeds' luck. 400 tries know
    # a share of .05 to .011.
    rng, seeds, n, resamples = np.random.default_rng(21), 5, 100, 400
    false = {"articles": 0, "both": 0}
    for t in range(400):
        luck = rng.normal(0, 0.03, (2, seeds, 1))
        scores = luck + rng.normal(0, 0.07, (2, 1, n)) + rng.normal(0, 0.1, (2, seeds, n))
        means, (ours, theirs) = scores.mean(axis=2).T, scores.mean(axis=1)
        flips = paired.sign_flips((theirs - ours)[:, np.newaxis], t, resamples)
        moves = paired.draw_replicates(means, np.random.SeedSequence(t), resamples)
        moved = (moves[:, 1:] - moves[:, :1]) * n
        false["articles"] += int(flips.two_sided()[0] <= 0.05)
        false["both"] += int(flips.move(moved).two_sided()[0] <= 0.05)
    assert false["both"] <= 0.06 * 400
    assert false["articles"] > 0.2 * 400


# the same on any machine


@pytest.mark.parametrize("block", [1, 1000, 54_321])
@pytest.mark.parametrize("n", [3, 101, 640])
def test_blocks_change_nothing(n: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = _differences(n)
    values[::5, 1] = np.nan
    drawn = paired.bootstrap_differences(values, 1, 203)
    flips = paired.sign_flips(values, 1, 203)
    monkeypatch.setattr(resampling, "BLOCK", block)
    assert np.array_equal(paired.bootstrap_differences(values, 1, 203), drawn, equal_nan=True)
    assert np.array_equal(paired.sign_flips(values, 1, 203).flipped, flips.flipped)


@pytest.mark.parametrize("n", [50, 70_000])
def test_sums_of_parts_are_exact(n: int) -> None:
    # Exact sums do not depend on the order of the articles that are added up.
    rng = np.random.default_rng(0)
    values = rng.normal(size=(n, 2)) * [1e-3, 1e6]
    counts = rng.integers(0, 8, size=(5, n)).astype(np.float32)
    order = rng.permutation(n)
    for bits in (20, 53):
        times = counts.clip(0, 1 if bits == 53 else 8)
        for part in split_in_parts(values, bits).wholes:
            sums = times @ part
            again = times[:, order] @ part[order]
            assert np.array_equal(sums, again)


@settings(deadline=None)
@given(
    st.lists(
        st.floats(-1e300, 1e300),
        min_size=2,
        max_size=40,
    )
)
def test_no_size_of_scores_breaks_the_sums(values: list[float]) -> None:
    column = np.array(values)[:, np.newaxis] / 2
    p_value = paired.sign_flips(column, 0, 100).two_sided()[0]
    assert 0 < p_value <= 1


def test_other_columns_change_nothing() -> None:
    values = _differences(300, 5)
    alone = [paired.bootstrap_differences(values[:, [i]], 2, 64) for i in range(5)]
    together = paired.bootstrap_differences(values, 2, 64)
    assert np.array_equal(np.hstack(alone), together)


@pytest.mark.parametrize("shape", [(0, 2), (3, 0), (0, 0)])
def test_nothing_in_gives_nothing_out(shape: tuple[int, int]) -> None:
    assert paired.bootstrap_differences(np.empty(shape), 0, 10).shape == (10, shape[1])
    assert paired.sign_flips(np.empty(shape), 0, 10).two_sided().tolist() == [1.0] * shape[1]


# power


@pytest.mark.parametrize("freedom", [5, 10, 30, 100, 10_000])
@pytest.mark.parametrize("share", [0.001, 0.2, 0.8, 0.95, 0.975, 0.9995])
def test_t_quantile_is_that_of_scipy(share: float, freedom: int, scipy_stats: Any) -> None:
    exact = scipy_stats.t.ppf(share, freedom)
    assert paired.t_quantile(share, freedom) == pytest.approx(
        exact, rel=0.03 if freedom < 9 else 2e-3
    )


def test_smallest_detectable_is_the_closed_form_for_many_articles() -> None:
    closed = (Z(0.975) + Z(0.8)) * 0.01
    assert paired.smallest_detectable(0.01, 10**6, 0.025) == pytest.approx(closed, rel=1e-3)


def test_standard_error_is_that_of_scipy(scipy_stats: Any) -> None:
    values = _differences(50)
    values[3, 1] = np.nan
    theirs = scipy_stats.sem(values, axis=0, nan_policy="omit")
    assert paired.standard_error(values) == pytest.approx(np.asarray(theirs), rel=1e-12)


def test_standard_error_of_differences_equal_but_for_noise_is_0() -> None:
    scores = np.random.default_rng(0).uniform(0, 0.9, (50, 1))
    assert paired.standard_error((scores + 0.1) - scores).tolist() == [0.0]
    assert paired.standard_error(np.zeros((50, 1))).tolist() == [0.0]
    assert paired.standard_error(np.append(np.zeros(49), 1e-6)[:, np.newaxis])[0] > 0


def test_standard_error_of_one_article_is_not_known() -> None:
    assert np.isnan(paired.standard_error(np.array([[0.3]]))).all()


# Blocks: of more articles than are at hand at once.


def in_blocks(values: Values) -> list[Values]:
    return [values[at : at + 64] for at in range(0, len(values), 64)]


def block_means(values: Values, seed: int, resamples: int) -> Values:
    draws = blockwise.BlockDraws(values.shape[1], seed, resamples)
    for block in in_blocks(values):
        draws.add(block)
    return draws.means()


def block_flips(values: Values, seed: int, resamples: int) -> paired.Flips:
    flips = blockwise.BlockFlips(values.shape[1], seed, resamples)
    for block in in_blocks(values):
        flips.add(block)
    return flips.flips()


def block_worst_means(values: Values, worst: Values, seed: int, resamples: int) -> Values:
    weights = blockwise.BlockWeights(values.shape[1], seed, resamples)
    for block in in_blocks(values):
        weights.add(block)
    return weights.means(worst)


def skewed_scores(seed: int, n: int, columns: int = 3) -> Values:
    """Return differences that are often 0, seldom large, and missing here and there."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0.01, 0.1, (n, columns)) * (rng.random((n, columns)) < 0.6)
    scores[rng.random((n, columns)) < 0.1] = np.nan
    return scores


def test_sums_of_blocks_are_those_of_all_at_once() -> None:
    scores = skewed_scores(0, 1000)
    sums = blockwise.BlockSums(3)
    for block in in_blocks(scores):
        sums.add(block)
    assert sums.mean == pytest.approx(column_means(scores), rel=1e-15)
    assert sums.n.tolist() == (~np.isnan(scores)).sum(axis=0).tolist()
    assert sums.least.tolist() == np.nanmin(scores, axis=0).tolist()


def test_spread_and_center_of_blocks_are_those_of_all_at_once() -> None:
    """Between any two seeds, quantiles differ by some hundredths of the deviation."""
    scores = skewed_scores(1, 2000)
    worst = np.full(3, -1.0)
    for whole, blocks in (
        (paired.bootstrap_differences(scores, 0), block_means(scores, 0, 10_000)),
        (
            paired.worst_case_means(scores, worst, 0),
            block_worst_means(scores, worst, 0, 10_000),
        ),
        (paired.sign_flips(scores, 0).flipped, block_flips(scores, 0, 10_000).flipped),
    ):
        deviation = whole.std(axis=0)
        tails = [0.025, 0.25, 0.5, 0.75, 0.975]
        apart = np.quantile(blocks, tails, axis=0) - np.quantile(whole, tails, axis=0)
        assert np.abs(apart / deviation).max() < 0.12
        assert blocks.std(axis=0) == pytest.approx(deviation, rel=0.04)


def test_intervals_of_blocks_hold_the_truth_as_often_as_those_of_all_at_once() -> None:
    """90 % intervals over 300 samples of 400 articles; both see the same samples."""
    truth, held = 0.01 * 0.6, np.zeros(2)
    for seed in range(100):
        scores = skewed_scores(seed, 400)
        for i, means in enumerate(
            (paired.bootstrap_differences(scores, seed, 1000), block_means(scores, seed, 1000))
        ):
            low, high = paired.percentile_interval(means, 0.1)
            held[i] += ((low <= truth) & (truth <= high)).sum()
    at_once, blocks = held / 300
    assert 0.85 < blocks < 0.95
    assert abs(at_once - blocks) < 0.02


def test_p_values_of_blocks_are_those_of_all_at_once_but_for_the_resampling_error() -> None:
    """Each is a share of 2,000 draws: their difference over its error has a deviation of one."""
    errors = []
    for seed in range(100):
        scores = skewed_scores(seed, 400)
        one = paired.sign_flips(scores, seed, 2000).two_sided()
        other = block_flips(scores, seed, 2000).two_sided()
        spread = np.sqrt(2 * one * (1 - one) / 2000)
        errors += ((one - other) / np.maximum(spread, 1e-3)).tolist()
    assert abs(np.mean(errors)) < 0.25
    assert 0.8 < np.std(errors) < 1.2
    assert np.abs(errors).max() < 5


def test_rare_losses_of_blocks_have_the_bound_of_three_in_n() -> None:
    means = block_worst_means(np.zeros((1000, 1)), np.array([-1.0]), 0, 10_000)
    assert np.quantile(means, 0.05) == pytest.approx(-3 / 1000, rel=0.05)


def test_blocks_without_a_score_change_nothing() -> None:
    scores = skewed_scores(3, 128)
    padded = np.concatenate([scores, np.full((64, 3), np.nan)])
    assert block_means(padded, 5, 500).tolist() == block_means(scores, 5, 500).tolist()
    ours, theirs = block_flips(padded, 5, 500), block_flips(scores, 5, 500)
    assert ours.flipped.tolist() == theirs.flipped.tolist()
    assert np.isnan(block_means(np.full((64, 3), np.nan), 5, 500)).all()
