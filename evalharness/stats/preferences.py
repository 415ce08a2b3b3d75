"""Which of two is preferred: win rates, Bradley-Terry strengths, biases, and what to ask next.

Outcomes lie in an array of shape (articles, pairs): 1 where the first system of a pair is preferred
on an article, 0 where the second is, one half for a tie, NaN where nobody was asked. Pairs are
those of `system_pairs`. Whether a judge or people preferred is of no concern here.

A tie is half a win for each: in win rates, in strengths, and in tests, where it is a difference of
0. All intervals are over articles.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evalharness.stats import paired
from evalharness.stats.intervals import Values, Z

Places = npt.NDArray[np.intp]
_Connections = npt.NDArray[np.bool_]

TIE = 0.5

# Newton's steps are no longer than this, so that none leads astray, and end at a smaller one.
_LONGEST_STEP, _LAST_STEP, _MOST_STEPS = 2.0, 1e-12, 200
# The spread of the normal prior of what a regression estimates: a thing that all answers have in
# common is then large, and not infinite.
_PRIOR = 10.0
# That of strengths, where it is only to be chosen what to ask next.
_PRIOR_OF_CHOICE = 2.0


@dataclass(frozen=True)
class PairAnswers:
    """Answers to "which of the two?", arrays of shape (answers,).

    article, one, other: numbers from 0, `one` below `other`. outcome: 1 where `one` is preferred, 0
    where `other` is, one half for a tie. order: 1 where `one` was shown first, -1 where `other`
    was, 0 where nobody knows.
    """

    article: Places
    one: Places
    other: Places
    outcome: Values
    order: Places

    def __len__(self) -> int:
        return len(self.article)

    @classmethod
    def of_rows(cls, rows: Sequence[tuple[int, int, int, float, int]]) -> "PairAnswers":
        """Return rows of article, one, other, outcome and order as arrays."""
        columns = np.array(rows, dtype=np.float64).reshape(-1, 5).T
        article, one, other, order = columns[[0, 1, 2, 4]].astype(np.intp)
        return cls(article, one, other, columns[3], order)

    def where(self, chosen: _Connections) -> "PairAnswers":
        """Return the answers for which a mask of shape (answers,) is true."""
        places = (self.article[chosen], self.one[chosen], self.other[chosen])
        return PairAnswers(*places, self.outcome[chosen], self.order[chosen])


def system_pairs(n: int) -> list[tuple[int, int]]:
    """Return every pair of n systems, by their numbers.

    >>> system_pairs(3)
    [(0, 1), (0, 2), (1, 2)]
    """
    return list(itertools.combinations(range(n), 2))


class BothOrders(NamedTuple):
    """What answers in both orders come to, arrays of shape (articles, pairs).

    outcomes: a tie where the orders disagree, NaN where one of both is missing. disagree: whether
    they do, NaN likewise.
    """

    outcomes: Values
    disagree: Values


def combine_orders(answers: PairAnswers, n_articles: int, n_systems: int) -> BothOrders:
    """Return the outcome of each pair that was asked about in both orders.

    >>> numbers = [np.array(each) for each in ([0, 0, 1, 1], [0] * 4, [1] * 4)]
    >>> answers = PairAnswers(*numbers, np.array([1.0, 1.0, 1.0, 0.0]), np.array([1, -1, 1, -1]))
    >>> combine_orders(answers, 2, 2).outcomes.tolist()
    [[1.0], [0.5]]
    """
    pairs = system_pairs(n_systems)
    number = np.zeros((n_systems, n_systems), dtype=np.intp)
    number[tuple(np.array(pairs, dtype=np.intp).reshape(-1, 2).T)] = range(len(pairs))
    shown = np.full((2, n_articles, len(pairs)), np.nan)
    at = (answers.order < 0).astype(np.intp), answers.article, number[answers.one, answers.other]
    shown[at] = answers.outcome
    disagree = np.where(np.isnan(shown).any(axis=0), np.nan, shown[0] != shown[1])
    outcomes = np.where(disagree == 1, TIE, shown[0] + 0 * shown[1])
    return BothOrders(outcomes, disagree)


def combine_votes(answers: PairAnswers, n_articles: int, n_systems: int) -> BothOrders:
    """Return the majority of several votes on each pair, a tie where both have as many.

    disagree: whether the votes are not all alike, NaN where there are fewer than two.

    >>> numbers = [np.array(each) for each in ([0, 0, 0, 1], [0] * 4, [1] * 4)]
    >>> answers = PairAnswers(*numbers, np.array([1.0, 1.0, 0.0, 0.5]), np.array([1, -1, 1, -1]))
    >>> combine_votes(answers, 2, 2).outcomes.tolist()
    [[1.0], [0.5]]
    """
    pairs = system_pairs(n_systems)
    number = {pair: n for n, pair in enumerate(pairs)}
    at = zip(answers.one.tolist(), answers.other.tolist(), strict=True)
    columns = np.array([number[pair] for pair in at], dtype=np.intp)
    # How many votes are for the first, for neither and for the second of each pair.
    counts = np.zeros((n_articles, len(pairs), 3))
    np.add.at(counts, (answers.article, columns, (2 * answers.outcome).astype(np.intp)), 1.0)
    n, lead = counts.sum(axis=2), counts[..., 2] - counts[..., 0]
    outcomes: Values = np.where(n > 0, (1 + np.sign(lead)) / 2, np.nan)
    disagree: Values = np.where(n > 1, counts.max(axis=2) < n, np.nan)
    return BothOrders(outcomes, disagree)


def win_matrix(wins: Values, asked: Values, n_systems: int) -> Values:
    """Return how often each system was preferred to each other, shape (..., systems, systems).

    wins, asked: of the first of each pair, shape (..., pairs).

    >>> win_matrix(np.array([2.5]), np.array([4.0]), 2).tolist()
    [[0.0, 2.5], [1.5, 0.0]]
    """
    matrix = np.zeros((*wins.shape[:-1], n_systems, n_systems))
    for n, (i, j) in enumerate(system_pairs(n_systems)):
        matrix[..., i, j] = wins[..., n]
        matrix[..., j, i] = asked[..., n] - wins[..., n]
    return matrix


def win_rates(wins: Values) -> Values:
    """Return each system's mean rate of wins against the others, shape (..., systems).

    Each opponent counts alike, however often it was asked about; NaN where there is none.

    >>> win_rates(np.array([[0.0, 3.0], [1.0, 0.0]])).tolist()
    [0.75, 0.25]
    """
    asked = wins + np.swapaxes(wins, -1, -2)
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = np.where(asked > 0, wins / asked, 0.0).sum(axis=-1) / (asked > 0).sum(axis=-1)
    return np.asarray(rates, dtype=np.float64)


# Bradley and Terry's model.


def strengths(wins: Values) -> Values:
    """Return the log-strengths of Bradley and Terry (1952), mean 0, shape (..., systems).

    The chance that i is preferred to j is 1 / (1 + exp(strength of j - strength of i)). wins: as
    `win_matrix` has them, ties as half a win for each. NaN where no finite strengths fit best:
    systems that were never compared, be it through others, or that won all of it or nothing (Ford
    1957, Solution of a ranking problem from binary comparisons).

    >>> strengths(np.array([[0.0, 3.0], [1.0, 0.0]])).round(4).tolist()
    [0.5493, -0.5493]
    """
    fitting = np.asarray(_reach(wins > 0).all(axis=(-1, -2)))
    solvable = np.where(fitting[..., np.newaxis, np.newaxis], wins, 1.0)
    return np.where(fitting[..., np.newaxis], _fit_strengths(solvable), np.nan)


def _fit_strengths(wins: Values, precision: float = 0.0) -> Values:
    """Climb to the likeliest strengths by Newton's steps; all matrices at a time.

    precision: of a normal prior around 0.
    """
    asked = wins + np.swapaxes(wins, -1, -2)
    k = wins.shape[-1]
    found = np.zeros(wins.shape[:-1])
    for _ in range(_MOST_STEPS):
        chance = _logistic(found[..., :, np.newaxis] - found[..., np.newaxis, :])
        slope = (wins - asked * chance).sum(axis=-1) - precision * found
        # The mean of the strengths is free: held at 0 by what is added to each entry.
        bend = _information(asked * chance * (1 - chance)) + 1 / k + precision * np.eye(k)
        step = np.linalg.solve(bend, slope[..., np.newaxis])[..., 0]
        longest = np.abs(step).max(axis=-1, keepdims=True, initial=0.0)
        found += step * np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, _LAST_STEP))
        if longest.max(initial=0.0) < _LAST_STEP:
            break
    return found


def _information(weights: Values) -> Values:
    """Return the Laplacian of the pairs' weights, shape (..., systems, systems)."""
    return np.asarray(weights.sum(axis=-1)[..., np.newaxis] * np.eye(weights.shape[-1]) - weights)


def _logistic(x: Values) -> Values:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


def _reach(steps: _Connections) -> _Connections:
    """Return which system leads to which by any number of steps."""
    k = steps.shape[-1]
    reach = (steps | np.eye(k, dtype=bool)).astype(np.float64)
    for _ in range(max(1, k).bit_length()):
        reach = np.minimum(reach @ reach, 1.0)
    return reach > 0


def compared_groups(wins: Values) -> list[list[int]]:
    """Return groups of systems that were compared with each other, be it through others.

    >>> compared_groups(np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    [[0, 1], [2]]
    """
    return _groups(_reach((wins + wins.T) > 0))


def never_beaten(wins: Values) -> list[list[int]]:
    """Return groups of systems, best first, of which none lost anything to a group that follows.

    One group where there are finite strengths.

    >>> never_beaten(np.array([[0.0, 2.0, 1.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]))
    [[0], [1, 2]]
    """
    reach = _reach(wins > 0)
    groups = _groups(reach & reach.T)
    return sorted(groups, key=lambda group: (-int(reach[group[0]].sum()), group))


def _groups(alike: _Connections) -> list[list[int]]:
    rows = (tuple(np.flatnonzero(row).tolist()) for row in alike)
    return [list(group) for group in dict.fromkeys(rows)]


# Chance.


@dataclass(frozen=True)
class ResampledWins:
    """Wins under resamples of the articles, shape (resamples, systems, systems)."""

    wins: Values

    def strengths(self) -> Values:
        """Return the strengths of each resample, shape (resamples, systems).

        A system that wins all of a resample, or nothing, has no finite strength there: half a win
        for each side of each pair stands for what was not drawn.
        """
        found = strengths(self.wins)
        lacking = np.isnan(found).any(axis=-1)
        wins = self.wins[lacking]
        found[lacking] = strengths(wins + 0.5 * ((wins + np.swapaxes(wins, -1, -2)) > 0))
        return found


def resample_wins(
    outcomes: Values,
    n_systems: int,
    seed: int,
    resamples: int = paired.RESAMPLES,
    clusters: paired.Clusters | None = None,
) -> ResampledWins:
    """Draw as many articles as there are, with replacement, and count the wins, again and again.

    clusters: as `paired.cluster_totals` has them; whole ones are drawn then.
    """
    known = ~np.isnan(outcomes)
    counted = np.concatenate([np.where(known, outcomes, 0.0), known.astype(np.float64)], axis=1)
    means = paired.bootstrap_differences(counted, seed, resamples, clusters=clusters)
    # Counts are wholes and halves: what the floats add to them is taken off again.
    drawn = np.rint(2 * np.nan_to_num(means) * len(outcomes)) / 2
    if clusters is not None:  # as many clusters are drawn, and not as many articles
        drawn = np.maximum(0.0, np.nan_to_num(means) * len(outcomes))
    wins, asked = np.split(drawn, 2, axis=1)
    return ResampledWins(win_matrix(np.minimum(wins, asked), asked, n_systems))


def pair_tests(
    outcomes: Values,
    seed: int,
    resamples: int = paired.RESAMPLES,
    clusters: paired.Clusters | None = None,
) -> Values:
    """Return the p-value of each pair, two-sided, by paired randomization, shape (pairs,).

    >>> pair_tests(np.array([[1.0, 0.5]] * 12), seed=0).round(2).tolist()
    [0.0, 1.0]
    """
    totals, _ = paired.cluster_totals(outcomes - TIE, clusters)
    return paired.sign_flips(totals, seed, resamples).two_sided()


@dataclass(frozen=True)
class ShareFigure:
    """A share with its interval over articles; None where nothing was counted."""

    share: float | None
    low: float | None
    high: float | None
    n: int


def share_of(
    values: Values, articles: Places, seed: int, resamples: int = paired.RESAMPLES
) -> ShareFigure:
    """Return the mean of values, NaN left out, with a bootstrap interval over their articles.

    >>> share_of(np.array([1.0, 1.0, 0.0, np.nan]), np.array([0, 1, 2, 2]), seed=0).share
    0.6666666666666666
    """
    known = ~np.isnan(values)
    n = int(known.sum())
    if not n:
        return ShareFigure(None, None, None, 0)
    _, clusters = np.unique(articles[known], return_inverse=True)
    column = values[known][:, np.newaxis]
    drawn = paired.bootstrap_differences(column, seed, resamples, clusters=clusters)
    low, high = paired.percentile_interval(drawn)
    return ShareFigure(math.fsum(values[known]) / n, float(low[0]), float(high[0]), n)


# Biases.


@dataclass(frozen=True)
class Effect:
    """By how much a trait moves the log-odds of being preferred, with its 95 % interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Biases:
    """What moves a preference beside the systems themselves; None where nothing can say.

    position: standing first. length: a summary twice as long. strengths: of the systems, were all
    summaries as long as each other, mean 0; None where that is not known.
    """

    position: Effect | None
    length: Effect | None
    strengths: tuple[float, ...] | None


def fit_biases(answers: PairAnswers, lengths: Values) -> Biases:
    """Estimate how position and length move the answers, the systems being as good as they are.

    A logistic regression of "one is preferred" on the order, on the binary logarithm of the ratio
    of lengths, and on the systems (as in Dubois et al. 2024, Length-controlled AlpacaEval), with
    intervals by the spread over articles (Liang & Zeger 1986). A weak normal prior keeps what all
    answers have in common finite.

    lengths: of each summary, shape (articles, systems); 0 for none.
    """
    one, other = (lengths[answers.article, each] for each in (answers.one, answers.other))
    usable = (one > 0) & (other > 0)
    ratio = np.log2(np.where(usable, one, 1.0) / np.where(usable, other, 1.0))
    traits = {"position": answers.order.astype(np.float64), "length": ratio}
    varying = {name: trait for name, trait in traits.items() if len(set(trait.tolist())) > 1}
    if len(set(answers.article.tolist())) < 2 or not varying:
        return Biases(None, None, None)
    k = lengths.shape[1]
    systems = np.eye(k)[answers.one] - np.eye(k)[answers.other]
    found, errors = _regress([*varying.values(), *systems.T], answers)
    effects = {
        name: Effect(float(b), float(b - Z * error), float(b + Z * error))
        for name, b, error in zip(varying, found, errors, strict=False)
    }
    left = found[len(varying) :]
    adjusted = tuple(float(s) for s in left - left.mean()) if "length" in varying else None
    return Biases(effects.get("position"), effects.get("length"), adjusted)


def _regress(columns: Sequence[Values], answers: PairAnswers) -> tuple[Values, Values]:
    """Return the coefficients and their standard errors over articles."""
    x, y = np.stack(columns, axis=1), answers.outcome
    prior = np.eye(x.shape[1]) / _PRIOR**2
    found = np.zeros(x.shape[1])
    for _ in range(_MOST_STEPS):
        chance = _logistic(x @ found)
        bend = (x * (chance * (1 - chance))[:, np.newaxis]).T @ x + prior
        step = np.linalg.solve(bend, x.T @ (y - chance) - prior @ found)
        found += step * min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), _LAST_STEP))
        if np.abs(step).max() < 1e-9:
            break
    return found, _clustered_errors(x, y - _logistic(x @ found), bend, answers.article)


def _clustered_errors(x: Values, residual: Values, bend: Values, articles: Places) -> Values:
    """Return standard errors that hold where answers of one article go together."""
    _, article = np.unique(articles, return_inverse=True)
    pulls = np.zeros((article.max() + 1, x.shape[1]))
    np.add.at(pulls, article, x * residual[:, np.newaxis])
    inverse = np.linalg.inv(bend)
    spread = inverse @ (pulls.T @ pulls) @ inverse * len(pulls) / (len(pulls) - 1)
    return np.asarray(np.sqrt(np.diagonal(spread)))


def rates_of(found: Sequence[float]) -> Values:
    """Return the win rates that strengths come to, against each other system alike.

    >>> rates_of([0.5, -0.5]).round(3).tolist()
    [0.731, 0.269]
    """
    strength = np.asarray(found, dtype=np.float64)
    chance = _logistic(strength[:, np.newaxis] - strength)
    return np.asarray((chance.sum(axis=1) - 0.5) / (len(strength) - 1))


# What to ask next.


def next_pairs(wins: Values, left: Sequence[int], n: int) -> list[int]:
    """Return how many articles to ask about each pair of systems, n in all or as many as are left.

    One by one, the pair with the most to gain: the chance that its order is wrong, as strengths and
    their spread are known, times what an answer says (p times 1 - p times the variance of the
    difference, which is what D-optimal designs choose by: Glickman & Jensen 2005, Adaptive paired
    comparison design). Of equal ones the first. wins: what is known, as `win_matrix` has it. left:
    articles that each pair has not been asked about.

    >>> next_pairs(np.array([[0, 9.0, 5], [1, 0, 0], [5, 0, 0]]), [9, 9, 9], 4)
    [0, 4, 0]
    """
    state = _Choice.after(wins)
    still = list(left)
    chosen = [0] * len(still)
    for _ in range(min(n, sum(still))):
        gains = [state.gain(m) if still[m] else -1.0 for m in range(len(still))]
        best = max(range(len(still)), key=lambda m: (gains[m], -m))
        chosen[best] += 1
        still[best] -= 1
        state.ask(best)
    return chosen


@dataclass
class _Choice:
    """Strengths as known so far, with their spread; weights: p times 1 - p of each pair."""

    strengths: Values
    weights: Values
    spread: Values

    @classmethod
    def after(cls, wins: Values) -> "_Choice":
        """Return what is known, with a normal prior that keeps strengths finite."""
        precision = 1 / _PRIOR_OF_CHOICE**2
        found = _fit_strengths(wins, precision)
        chance = _logistic(found[:, np.newaxis] - found)
        weights = chance * (1 - chance)
        known = _information((wins + wins.T) * weights) + precision * np.eye(len(wins))
        return cls(found, weights, np.asarray(np.linalg.inv(known), dtype=np.float64))

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """The pairs by their numbers."""
        return system_pairs(len(self.strengths))

    def gain(self, pair: int) -> float:
        """Return what an answer is worth; rounded, so that equal ones are equal."""
        i, j = self.pairs[pair]
        variance = self.spread[i, i] + self.spread[j, j] - 2 * self.spread[i, j]
        far = abs(self.strengths[i] - self.strengths[j]) / math.sqrt(2 * variance)
        return round(float(math.erfc(far) * self.weights[i, j] * variance), 9)

    def ask(self, pair: int) -> None:
        """Narrow the spread as another answer will."""
        i, j = self.pairs[pair]
        way = self.spread[:, i] - self.spread[:, j]
        weight = self.weights[i, j]
        self.spread -= np.outer(way, way) * weight / (1 + weight * (way[i] - way[j]))
