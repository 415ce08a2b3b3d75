"""Agreement with people, beside scipy and scikit-learn."""

import math
from typing import Any

import numpy as np
import pytest

from evalharness.records import Span
from evalharness.stats import agreement

TOLERANCE = 1e-9


@pytest.fixture(params=range(12))
def drawn(request: pytest.FixtureRequest) -> tuple[Any, Any, Any]:
    """Scores, labels and grades; every second time with many ties."""
    rng = np.random.default_rng(request.param)
    n = int(rng.integers(5, 300))
    scores, grades = rng.normal(size=n), rng.normal(size=n)
    if request.param % 2:
        scores, grades = scores.round(0), grades.round(0)
    labels = rng.random(n) < 0.3
    labels[:2] = [True, False]
    return scores, labels, grades


def test_auc_average_precision_and_balanced_accuracy_are_those_of_scikit_learn(drawn: Any) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores, labels, _ = drawn

    assert agreement.roc_auc(scores, labels) == pytest.approx(
        metrics.roc_auc_score(labels, scores), abs=TOLERANCE
    )
    assert agreement.average_precision(-scores, ~labels) == pytest.approx(
        metrics.average_precision_score(~labels, -scores), abs=TOLERANCE
    )
    assert agreement.balanced_accuracy(scores > 0, labels) == pytest.approx(
        metrics.balanced_accuracy_score(labels, scores > 0), abs=TOLERANCE
    )


def test_correlations_are_those_of_scipy(drawn: Any) -> None:
    stats = pytest.importorskip("scipy.stats")
    scores, _, grades = drawn

    for ours, theirs in (
        (agreement.pearson, stats.pearsonr),
        (agreement.spearman, stats.spearmanr),
        (agreement.kendall, stats.kendalltau),
    ):
        expected = theirs(scores, grades).statistic
        assert ours(scores, grades) == pytest.approx(expected, abs=TOLERANCE)


def test_partial_correlations_are_those_of_what_a_regression_on_systems_leaves(drawn: Any) -> None:
    stats = pytest.importorskip("scipy.stats")
    linear_model = pytest.importorskip("sklearn.linear_model")
    scores, _, grades = drawn
    systems = np.arange(len(scores)) % 3
    one_hot = np.eye(3)[systems]
    left = [
        values - linear_model.LinearRegression().fit(one_hot, values).predict(one_hot)
        for values in (scores, grades)
    ]

    names = [f"system {number}" for number in systems]
    assert agreement.partial_pearson(scores, grades, names) == pytest.approx(
        stats.pearsonr(*left).statistic, abs=TOLERANCE
    )
    # A regression's rounding parts what is equal; ranks need it back together.
    assert agreement.partial_spearman(scores, grades, names) == pytest.approx(
        stats.spearmanr(*(values.round(10) for values in left)).statistic, abs=TOLERANCE
    )


@pytest.mark.parametrize(
    "figure", ["roc_auc", "average_precision", "pearson", "spearman", "kendall", "partial_pearson"]
)
def test_weights_count_a_row_as_often_as_if_it_stood_there_so_often(figure: str) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=40).round(1), rng.normal(size=40).round(1)
    weights = rng.poisson(1.0, size=(5, 40)).astype(float)
    second = y > 0 if figure in ("roc_auc", "average_precision") else y
    groups = np.array(["a", "b"] * 20)
    function = getattr(agreement, figure)
    extra = (groups,) if figure == "partial_pearson" else ()

    weighted = function(x, second, *extra, weights=weights)

    assert weighted.shape == (5,)
    for row, counts in zip(weighted, weights.astype(int), strict=True):
        repeated = [np.repeat(each, counts) for each in (x, second, *extra)]
        assert row == pytest.approx(function(*repeated), abs=1e-12)


@pytest.mark.parametrize(
    ("scores", "labels", "auc"),
    [
        ([0.5, 0.5, 0.5], [True, False, True], 0.5),
        ([0.1, 0.9], [True, False], 0.0),
        ([0.1, 0.9], [True, True], math.nan),
        ([], [], math.nan),
    ],
)
def test_auc_of_ties_is_half_and_of_one_class_is_not_defined(
    scores: list[float], labels: list[bool], auc: float
) -> None:
    found = agreement.roc_auc(np.array(scores), np.array(labels, dtype=bool))

    assert float(found) == pytest.approx(auc, nan_ok=True)


@pytest.mark.parametrize("figure", ["pearson", "spearman", "kendall"])
@pytest.mark.parametrize("constant", [0.1, 1e9, 0.0])
def test_correlation_with_a_constant_is_not_defined(figure: str, constant: float) -> None:
    grades = np.array([0.3, 0.1, 0.7])

    assert np.isnan(getattr(agreement, figure)(np.full(3, constant), grades))
    assert np.isnan(getattr(agreement, figure)(grades, np.full(3, constant)))


def test_best_threshold_is_the_best_of_all_that_could_be(drawn: Any) -> None:
    scores, labels, _ = drawn

    threshold, accuracy = agreement.best_threshold(scores, labels)

    reached = agreement.balanced_accuracy(scores >= threshold, labels)
    assert reached == pytest.approx(accuracy)
    for other in np.unique(scores)[1:]:
        assert agreement.balanced_accuracy(scores >= other, labels) <= accuracy + 1e-12


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        # Wrong up to 0.2, right from 0.8: the middle.
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], (0.5, 1.0)),
        # A gap above 1 and one above 3 are equally good; the second is wider.
        ([0, 1, 2, 3, 6], [0, 0, 1, 0, 1], (1.5, 5 / 6)),
        ([0.7, 0.7], [0, 1], (0.7, 0.5)),
        ([1.0, math.nextafter(1.0, 2)], [0, 1], (math.nextafter(1.0, 2), 1.0)),
    ],
)
def test_threshold_is_the_middle_of_the_widest_interval_of_the_best(
    scores: list[float], labels: list[int], expected: tuple[float, float]
) -> None:
    found = agreement.best_threshold(np.array(scores, dtype=float), np.array(labels, dtype=bool))

    assert found == pytest.approx(expected, abs=0)


def test_threshold_between_equally_good_neighbouring_gaps_is_in_their_middle() -> None:
    # One of each class at 2 and 2: taking both along or neither is equally good.
    scores = np.array([1.0, 2.0, 2.0, 3.0])
    labels = np.array([False, False, True, True])

    assert agreement.best_threshold(scores, labels) == (2.0, 0.75)


def test_pairs_win_lose_or_tie() -> None:
    scores = np.array([0.9, 0.1, 0.5, 0.5, 0.2, 0.7, 0.4])
    labels = np.array([True, False, True, False, True, False, True])
    pairs = ["a", "a", "b", "b", "c", "c", None]

    rows, wins = agreement.pair_wins(scores, labels, pairs)

    assert list(zip(rows, wins, strict=True)) == [(0, 1.0), (2, 0.5), (4, 0.0)]


def test_characters_found_twice_count_once_and_nothing_found_has_no_precision() -> None:
    assert agreement.character_counts([Span(0, 3), Span(1, 4)], [Span(2, 6)]) == (2, 4, 4)
    figures = agreement.precision_recall_f1(np.array([[0.0, 0.0, 5.0]]))
    assert np.isnan(figures[0])
    assert list(figures[1:]) == [0.0, 0.0]


def test_an_article_is_drawn_alike_whatever_else_is_drawn() -> None:
    alone = agreement.draw_counts(["b"], seed=1, resamples=50)
    among = agreement.draw_counts(["a", "b", "c"], seed=1, resamples=50)

    assert (among[:, 1] == alone[:, 0]).all()
    assert (among[:, 0] != among[:, 1]).any()
    assert (agreement.draw_counts(["b"], seed=2, resamples=50) != alone).any()


def test_an_interval_from_the_draws_is_that_of_the_plain_bootstrap() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=200)
    counts = agreement.draw_counts([str(each) for each in range(200)], 0, 4000).astype(float)
    plain = [values[rng.integers(200, size=200)].mean() for _ in range(4000)]

    ours = np.quantile(agreement.weighted_mean(values, counts), [0.025, 0.975])

    assert ours == pytest.approx(np.quantile(plain, [0.025, 0.975]), abs=0.02)
