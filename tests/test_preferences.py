"""Preferences: strengths agree with others' packages, biases are found, chance stays chance."""

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.stats import multiplicity, paired
from evalharness.stats import preferences as stats
from evalharness.stats.preferences import PairAnswers

Values = npt.NDArray[np.float64]


def random_wins(rng: np.random.Generator, k: int, games: int) -> Values:
    """Return wins of k systems that all play each other so often; a third of the games are ties."""
    strength = rng.normal(0, 1, k)
    wins = np.zeros((k, k))
    for i, j in stats.system_pairs(k):
        chance = 1 / (1 + math.exp(strength[j] - strength[i]))
        ties = rng.binomial(games, 1 / 3)
        won = rng.binomial(games - ties, chance)
        wins[i, j] = won + ties / 2
        wins[j, i] = games - wins[i, j]
    return wins


def fit_by_scipy(wins: Values) -> Values:
    """Maximize the likelihood as it is written in Bradley & Terry 1952, term by term."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    def loss(theta: Values) -> float:
        whole = 0.0
        for i, row in enumerate(wins):
            for j, won in enumerate(row):
                whole -= won * (theta[i] - np.logaddexp(theta[i], theta[j])) if i != j else 0.0
        return whole + 0.5 * float(theta.sum()) ** 2

    found = minimize(loss, np.zeros(len(wins)), method="BFGS", options={"gtol": 1e-9})
    return np.asarray(found.x - found.x.mean())


@pytest.mark.parametrize("seed", range(10))
def test_strengths_are_those_of_an_independent_fit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wins = random_wins(rng, int(rng.integers(2, 9)), 40)
    np.testing.assert_allclose(stats.strengths(wins), fit_by_scipy(wins), atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_strengths_are_those_of_choix(seed: int) -> None:
    choix = pytest.importorskip("choix")
    wins = random_wins(np.random.default_rng(100 + seed), 6, 30)
    k = len(wins)
    # Half wins as whole ones: choix counts each pair of winner and loser, and so all twice.
    games = [(i, j) for i in range(k) for j in range(k) for _ in range(round(2 * wins[i, j]))]
    theirs = choix.ilsr_pairwise(k, games, alpha=0.0, max_iter=1000, tol=1e-12)
    np.testing.assert_allclose(stats.strengths(wins), theirs - theirs.mean(), atol=1e-6)


def test_many_matrices_are_solved_as_each_alone() -> None:
    rng = np.random.default_rng(3)
    wins = np.stack([random_wins(rng, 4, 20) for _ in range(5)])
    together = stats.strengths(wins)
    np.testing.assert_allclose(together, [stats.strengths(each) for each in wins], atol=1e-9)


def test_equal_systems_have_no_strength_over_each_other() -> None:
    wins = stats.win_matrix(np.array([5.0, 5.0, 5.0]), np.array([10.0, 10.0, 10.0]), 3)
    assert stats.strengths(wins) == pytest.approx([0, 0, 0], abs=1e-12)
    assert stats.win_rates(wins).tolist() == [0.5, 0.5, 0.5]


def test_one_system_has_nothing_to_win() -> None:
    assert stats.system_pairs(1) == []
    assert stats.strengths(np.zeros((1, 1))).tolist() == [0.0]
    assert np.isnan(stats.win_rates(np.zeros((1, 1)))).all()
    assert stats.pair_tests(np.zeros((3, 0)), 0).tolist() == []


def test_systems_that_were_never_compared_have_no_strengths() -> None:
    wins = np.zeros((4, 4))
    wins[0, 1] = wins[1, 0] = wins[2, 3] = wins[3, 2] = 3
    assert np.isnan(stats.strengths(wins)).all()
    assert stats.compared_groups(wins) == [[0, 1], [2, 3]]


def test_who_wins_everything_has_no_finite_strength() -> None:
    wins = np.array([[0.0, 4, 4], [0, 0, 2], [0, 2, 0]])
    assert np.isnan(stats.strengths(wins)).all()
    assert stats.compared_groups(wins) == [[0, 1, 2]]
    assert stats.never_beaten(wins) == [[0], [1, 2]]


def test_a_tie_is_half_a_win_for_each() -> None:
    tied = np.full((10, 1), 0.5)
    resampled = stats.resample_wins(tied, 2, seed=0, resamples=100)
    assert (resampled.strengths() == 0).all()
    assert stats.pair_tests(tied, 0).tolist() == [1.0]


def test_resamples_in_which_one_wins_all_lean_its_way() -> None:
    outcomes = np.array([[1.0]] * 19 + [[0.0]])
    drawn = stats.resample_wins(outcomes, 2, seed=0, resamples=500).strengths()
    assert np.isfinite(drawn).all()
    assert drawn[:, 0].max() > math.log(39) / 2 - 1e-9
    assert np.quantile(drawn[:, 0], 0.025) > 0


def test_the_interval_of_a_strength_holds_the_true_one_in_about_95_of_100_samples() -> None:
    k, n, true = 3, 80, np.array([0.5, 0.0, -0.5])
    held = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        chances = [1 / (1 + math.exp(true[j] - true[i])) for i, j in stats.system_pairs(k)]
        outcomes = (rng.random((n, 3)) < chances).astype(float)
        drawn = stats.resample_wins(outcomes, k, seed, 400).strengths()
        low, high = paired.percentile_interval(drawn)
        held.append((low <= true) & (true <= high))
    assert 0.90 <= np.mean(held) <= 0.98


def judge_answers(
    rng: np.random.Generator,
    lengths: Values,
    quality: Values,
    position: float,
    length: float,
) -> PairAnswers:
    """Return answers in both orders of a judge with planted biases, in log-odds."""
    rows = []
    for article in range(len(lengths)):
        for i, j in stats.system_pairs(lengths.shape[1]):
            pull = (
                quality[i]
                - quality[j]
                + length * math.log2(lengths[article, i] / lengths[article, j])
            )
            for order in (1, -1):
                chance = 1 / (1 + math.exp(-(pull + position * order)))
                rows.append((article, i, j, float(rng.random() < chance), order))
    return PairAnswers.of_rows(rows)


@pytest.mark.parametrize(
    ("position", "length"), [(0.0, 0.0), (0.8, 0.0), (0.0, 1.0), (-0.5, 0.7), (1.5, -0.4)]
)
def test_planted_biases_are_found_at_their_size(position: float, length: float) -> None:
    held, estimates = [], []
    quality = np.array([0.4, 0.0, -0.6])
    for seed in range(40):
        rng = np.random.default_rng(seed)
        # The better system writes more, so that length and quality must be kept apart.
        lengths = np.rint(np.exp(rng.normal([4.2, 4.0, 3.6], 0.35, (60, 3))))
        answers = judge_answers(rng, lengths, quality, position, length)
        found = stats.fit_biases(answers, lengths)
        assert found.position is not None
        assert found.length is not None
        estimates.append([found.position.estimate, found.length.estimate])
        held.append(
            [
                found.position.low <= position <= found.position.high,
                found.length.low <= length <= found.length.high,
            ]
        )
    assert np.mean(estimates, axis=0) == pytest.approx([position, length], abs=0.12)
    assert (np.mean(held, axis=0) >= 0.85).all()


def test_strengths_at_equal_length_are_without_the_bias() -> None:
    rng = np.random.default_rng(0)
    lengths = np.rint(np.exp(rng.normal([4.6, 4.0], 0.3, (400, 2))))
    answers = judge_answers(rng, lengths, np.zeros(2), 0.0, 1.2)
    found = stats.fit_biases(answers, lengths)
    assert found.strengths is not None
    outcomes = stats.combine_orders(answers, 400, 2).outcomes
    assert outcomes.mean() > 0.6
    assert stats.rates_of(found.strengths)[0] == pytest.approx(0.5, abs=0.06)


def test_biases_are_not_estimated_where_nothing_varies() -> None:
    ones, others = np.array([0, 0]), np.array([1, 1])
    answers = PairAnswers(ones, ones, others, np.array([1.0, 0.0]), np.array([1, -1]))
    assert stats.fit_biases(answers, np.full((1, 2), 9.0)).position is None
    unknown = PairAnswers(np.array([0, 1]), ones, others, np.ones(2), ones)
    assert stats.fit_biases(unknown, np.full((2, 2), 9.0)) == stats.Biases(None, None, None)


def test_a_judge_that_always_takes_the_longer_has_a_large_and_finite_bias() -> None:
    lengths = np.array([[10.0, 20.0], [40.0, 20.0]] * 10)
    answers = judge_answers(np.random.default_rng(0), lengths, np.zeros(2), 0.0, 99.0)
    found = stats.fit_biases(answers, lengths).length
    assert found is not None
    assert 3 < found.estimate < 99


def test_only_pairs_asked_in_both_orders_have_an_outcome() -> None:
    answers = PairAnswers(
        np.array([0, 0, 1, 2, 2]), np.zeros(5, dtype=int), np.ones(5, dtype=int),
        np.array([1.0, 0.5, 1.0, 0.5, 0.5]), np.array([1, -1, 1, -1, 1]),
    )  # fmt: skip
    both = stats.combine_orders(answers, 3, 2)
    assert both.outcomes[:, 0].tolist() == pytest.approx([0.5, math.nan, 0.5], nan_ok=True)
    assert both.disagree[:, 0].tolist() == pytest.approx([1, math.nan, 0], nan_ok=True)


def test_a_judge_of_no_skill_is_significant_in_about_5_of_100_runs() -> None:
    rng = np.random.default_rng(18)
    hits = 0
    for seed in range(1000):
        outcomes = rng.choice([0.0, 0.5, 1.0], p=[0.3, 0.4, 0.3], size=(200, 1))
        hits += bool(stats.pair_tests(outcomes, seed, 500)[0] <= 0.05)
    assert 30 <= hits <= 70


def adaptive_run(truth: Values, k: int, budget: int, seed: int) -> Values:
    """Return the outcomes that are asked for, 24 pairs at a time, articles in a seeded order."""
    order = np.random.default_rng(seed).permutation(len(truth))
    outcomes = np.full(truth.shape, np.nan)
    while (spent := int((~np.isnan(outcomes)).sum())) < budget:
        known = ~np.isnan(outcomes)
        wins = stats.win_matrix(np.where(known, outcomes, 0.0).sum(0), known.sum(0) * 1.0, k)
        done = known.sum(axis=0).tolist()
        left = [len(truth) - n for n in done]
        for pair, n in enumerate(stats.next_pairs(wins, left, min(24, budget - spent))):
            rows = order[done[pair] : done[pair] + n]
            outcomes[rows, pair] = truth[rows, pair]
    return outcomes


@pytest.mark.slow
def test_what_to_ask_next_makes_no_judge_of_no_skill_significant() -> None:
    hits = 0
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        truth = rng.choice([0.0, 0.5, 1.0], p=[0.3, 0.4, 0.3], size=(100, 3))
        p_values = stats.pair_tests(adaptive_run(truth, 3, 150, seed), seed, 500)
        hits += min(multiplicity.holm(p_values.tolist())) <= 0.05
    assert hits <= 65


def test_what_to_ask_next_is_where_the_order_is_open() -> None:
    rng = np.random.default_rng(0)
    chances = [1 / (1 + math.exp(-d)) for d in (3.0, 3.0, 0.0)]  # one far ahead of two equal ones
    truth = (rng.random((200, 3)) < chances).astype(float)
    outcomes = adaptive_run(truth, 3, 240, seed=1)
    asked = (~np.isnan(outcomes)).sum(axis=0).tolist()
    assert sum(asked) == 240
    assert asked[2] > 2 * max(asked[:2])
    again = adaptive_run(truth, 3, 240, seed=1)
    assert np.array_equal(outcomes, again, equal_nan=True)


def test_what_to_ask_next_stops_where_nothing_is_left() -> None:
    assert stats.next_pairs(np.zeros((3, 3)), [0, 2, 1], 10) == [0, 2, 1]


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=2, max_size=12))
def test_win_rates_of_two_add_up_to_one(outcomes: list[float]) -> None:
    wins = stats.win_matrix(np.array([sum(outcomes)]), np.array([1.0 * len(outcomes)]), 2)
    assert stats.win_rates(wins).sum() == pytest.approx(1)
    found = stats.strengths(wins)
    if np.isfinite(found).all():
        assert stats.rates_of(found.tolist()) == pytest.approx(stats.win_rates(wins))


def test_a_stronger_system_wins_more_than_a_weaker_one_where_all_are_asked_alike() -> None:
    wins = random_wins(np.random.default_rng(5), 6, 50)
    order = np.argsort(-stats.win_rates(wins))
    found = stats.strengths(wins)[order]
    assert all(one >= other for one, other in pairwise(found))


def test_a_share_has_an_interval_over_articles() -> None:
    rng = np.random.default_rng(0)
    articles = np.repeat(np.arange(50), 4)
    by_article = np.repeat(rng.integers(0, 2, 50), 4).astype(float)  # alike within an article
    clustered = stats.share_of(by_article, articles, 0)
    alone = stats.share_of(by_article, np.arange(200), 0)
    assert clustered.share == alone.share
    widths = [(each.high or 0) - (each.low or 0) for each in (clustered, alone)]
    assert widths[0] > 1.7 * widths[1] > 0
    nothing = stats.share_of(np.array([math.nan]), np.array([0]), 0)
    assert nothing == stats.ShareFigure(None, None, None, 0)
