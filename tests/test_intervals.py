"""Means and bootstrap intervals: exact, seeded, and in agreement with scipy."""

import math
from fractions import Fraction

import clock
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.stats import intervals

SCORES = st.floats(min_value=-1e6, max_value=1e6)


@given(st.lists(SCORES, min_size=1))
def test_mean_is_the_exact_mean_rounded_twice_at_most(values: list[float]) -> None:
    exact = sum(map(Fraction, values)) / len(values)
    assert intervals.mean(values) == pytest.approx(float(exact), rel=1e-15, abs=1e-300)


def test_mean_does_not_depend_on_the_order_of_the_articles() -> None:
    values = list(np.random.default_rng(0).random(1000))
    assert intervals.mean(values) == intervals.mean(values[::-1]) == intervals.mean(sorted(values))


def test_mean_leaves_out_what_was_not_scored() -> None:
    assert intervals.mean([None, 1.0, math.nan, 2.0]) == 1.5


@pytest.mark.parametrize("values", [[], [None], [math.nan, None]])
def test_mean_of_nothing_is_none(values: list[float | None]) -> None:
    assert intervals.mean(values) is None


def _scores(n_articles: int, n_columns: int, missing: float = 0.0) -> intervals.Values:
    rng = np.random.default_rng(7)
    values = rng.beta(2, 5, size=(n_articles, n_columns))
    values[rng.random(values.shape) < missing] = np.nan
    return values


def bootstrap_means(values: intervals.Values, seed: int, resamples: int = 1000) -> intervals.Values:
    survey = intervals._survey([values])
    return intervals._bootstrap_means(lambda: iter([values]), survey, seed, resamples)


def test_bootstrap_means_are_means_of_drawn_articles() -> None:
    # With as many draws as articles, each mean is a whole number of n-ths.
    n = 7
    means = bootstrap_means(np.eye(n), seed=0, resamples=50)
    counts = means * n
    assert np.array_equal(counts, counts.round())
    assert np.array_equal(counts.sum(axis=1), np.full(50, n))


def test_bootstrap_means_share_a_resample_between_columns() -> None:
    values = _scores(50, 1)
    means = bootstrap_means(np.hstack([values, 2 * values, -values]), seed=3, resamples=100)
    assert np.array_equal(means[:, 1], 2 * means[:, 0])
    assert np.array_equal(means[:, 2], -means[:, 0])


@pytest.mark.parametrize("block_bytes", [1, 10_000, 123_456])
def test_bootstrap_means_do_not_depend_on_the_size_of_the_blocks(
    block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = _scores(101, 5, missing=0.2)
    whole = bootstrap_means(values, seed=1, resamples=203)
    monkeypatch.setattr(intervals, "BLOCK_BYTES", block_bytes)
    assert np.array_equal(bootstrap_means(values, seed=1, resamples=203), whole)


@pytest.mark.parametrize("size", [1, 7, 64, 101])
@pytest.mark.parametrize("product_bytes", [1, 2**23])
def test_interval_does_not_depend_on_how_the_articles_are_cut(
    size: int, product_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = _scores(101, 5, missing=0.2) * 10.0 ** np.arange(-3, 2)
    values[:40, 1] = np.nan
    whole = intervals.interval(values, seed=1, resamples=203)
    monkeypatch.setattr(intervals, "BLOCK_BYTES", 1_000)
    monkeypatch.setattr(intervals, "_PRODUCT_BYTES", product_bytes)
    cut = intervals.interval_of(
        lambda: (values[at : at + size] for at in range(0, 101, size)), seed=1, resamples=203
    )
    assert np.array_equal(cut, whole)


FROZEN = [
    "0x1.074a8b9f9d49bp-2",
    "0x1.0546331d40768p-2",
    "0x1.2d4650e1a4952p-2",
    "0x1.2de121d3cd5eap-2",
]


def test_interval_is_the_same_as_it_always_was() -> None:
    values = _scores(300, 2, missing=0.1)
    low, high = intervals.interval(values, seed=3)
    assert [number.hex() for number in (*low, *high)] == FROZEN


def test_bootstrap_means_do_not_depend_on_the_other_columns() -> None:
    values = _scores(300, 6, missing=0.1)
    together = bootstrap_means(values, seed=2, resamples=64)
    alone = [bootstrap_means(values[:, [i]], seed=2, resamples=64) for i in range(6)]
    assert np.array_equal(np.hstack(alone), together, equal_nan=True)


def test_bootstrap_means_are_the_correctly_rounded_sums_over_the_draws() -> None:
    values = _scores(40, 1) * 1e3
    n = len(values)
    drawn = np.random.default_rng(5).integers(n, size=(20, n))
    exact = [[math.fsum(values[row, 0]) / n] for row in drawn]
    assert np.array_equal(bootstrap_means(values, seed=5, resamples=20), np.array(exact))


def test_bootstrap_means_follow_the_seed() -> None:
    values = _scores(20, 2)
    first = bootstrap_means(values, seed=0)
    assert np.array_equal(first, bootstrap_means(values, seed=0))
    assert not np.array_equal(first, bootstrap_means(values, seed=1))


def test_bootstrap_means_of_missing_scores_average_those_that_are_there() -> None:
    values = np.array([[0.25], [np.nan], [0.25]])
    means = bootstrap_means(values, seed=0, resamples=200)
    # 1 resample in 27 draws the article without a score three times.
    assert 0 < np.isnan(means).sum() < 40
    assert (means[~np.isnan(means)] == 0.25).all()


def test_interval_agrees_with_scipy_within_sampling_error() -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    values = _scores(500, 3)
    low, high = intervals.interval(values, seed=0, resamples=20_000)
    theirs = scipy_stats.bootstrap(
        (values,),
        np.mean,
        axis=0,
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    width = high - low
    assert np.abs(low - theirs.low).max() < 0.03 * width.min()
    assert np.abs(high - theirs.high).max() < 0.03 * width.min()


def test_interval_has_the_width_that_theory_gives() -> None:
    # 2 * 1.96 standard errors of a mean of 2,000 (normal approximation).
    values = _scores(2000, 2)
    low, high = intervals.interval(values, seed=4, resamples=10_000)
    expected = 2 * 1.959964 * values.std(axis=0) / math.sqrt(2000)
    assert high - low == pytest.approx(expected, rel=0.05)


def test_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    values = rng.random((120, 400))  # 400 experiments of 120 articles; the true mean is 0.5
    low, high = intervals.interval(values, seed=0, resamples=500, level=0.9)
    covered = ((low <= 0.5) & (high >= 0.5)).mean()
    assert 0.85 < covered < 0.95


def test_interval_narrows_with_a_lower_level() -> None:
    values = _scores(200, 4)
    wide_low, wide_high = intervals.interval(values, seed=0, level=0.99)
    low, high = intervals.interval(values, seed=0, level=0.8)
    assert (wide_low < low).all()
    assert (high < wide_high).all()


def test_interval_holds_the_mean() -> None:
    values = _scores(300, 8, missing=0.3)
    low, high = intervals.interval(values, seed=0)
    means = np.nanmean(values, axis=0)
    assert (low < means).all()
    assert (means < high).all()


def test_interval_of_one_article_is_its_score() -> None:
    low, high = intervals.interval(np.array([[0.3, -17.25]]), seed=0)
    assert low.tolist() == high.tolist() == [0.3, -17.25]


def test_interval_of_equal_scores_is_their_mean() -> None:
    values = np.full((777, 1), 0.1)
    low, high = intervals.interval(values, seed=0)
    assert low[0] == high[0] == intervals.mean(values[:, 0])


def test_interval_of_a_column_without_scores_is_nan() -> None:
    low, high = intervals.interval(np.array([[1.0, np.nan], [2.0, np.nan]]), seed=0)
    assert np.isnan([low[1], high[1]]).all()
    assert low[0] == 1.0
    assert high[0] == 2.0


@pytest.mark.parametrize("shape", [(0, 2), (0, 0), (3, 0)])
def test_interval_of_no_articles_or_no_columns_is_empty_or_nan(shape: tuple[int, int]) -> None:
    low, high = intervals.interval(np.empty(shape), seed=0)
    assert low.shape == high.shape == (shape[1],)
    assert np.isnan(low).all()
    assert np.isnan(high).all()


def test_bootstrap_means_keep_scores_of_very_different_sizes() -> None:
    values = np.array([[1e300, 1e-300, -273.15], [1e300, 1e-300, -273.15]])
    means = bootstrap_means(values, seed=0, resamples=10)
    assert np.array_equal(means, np.tile(values[0], (10, 1)))


@pytest.mark.slow
def test_interval_of_a_whole_test_set_takes_about_a_second() -> None:
    values = _scores(11_490, 16, missing=0.1)
    # 0.1 to 0.3 s on one core; 2.5 s still tells it from a loop over resamples in Python.
    assert clock.seconds(lambda: intervals.interval(values, seed=0), 2.5) < 2.5


def test_quantiles_are_those_of_numpy_to_the_bit() -> None:
    rng = np.random.default_rng(0)
    shares = [0.0, 0.025, 0.05, 0.5, 0.975, 1.0]
    for n in (1, 2, 3, 40, 999, 1000):
        values = np.round(rng.standard_normal((n, 3)), 2)
        assert intervals.quantiles(values, shares).tobytes() == (
            np.quantile(values, shares, axis=0).tobytes()
        )
        values[rng.random((n, 3)) < 0.2] = np.nan
        values[0] = 1.0
        assert np.array_equal(
            intervals.quantiles(values, shares), np.nanquantile(values, shares, axis=0)
        )


def test_quantiles_of_a_column_without_values_are_none() -> None:
    found = intervals.quantiles(np.array([[np.nan, 1.0], [np.nan, 3.0]]), [0.5])
    assert np.isnan(found[0, 0])
    assert found[0, 1] == 2.0
