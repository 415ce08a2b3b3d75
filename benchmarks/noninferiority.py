"""How often tests of "the loss is smaller than the margin" pass what they must not, and may.

    nice -n 10 python -m benchmarks.noninferiority [--trials 4000] [--held-out] [--tests NAME ...]
    python -m benchmarks.noninferiority --table FILE...

The first prints a line of JSON for each case, the second makes the table of docs/ci.md of them.
Draws paired differences of scores between 0 and 1 whose true mean is minus the margin (a pass is
false, and should come in 5 of 100), or a loss of nothing or of a quarter of the margin (a pass is
right: power). All trials of a case share each resample, so that one matrix product serves them.
Tests were chosen by the cases of `TUNING`; `HELD_OUT` are cases of other shapes.
"""

import argparse
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Passes = npt.NDArray[np.bool_]
SIZES = (30, 50, 100, 1000)
LEVEL = 0.05
RESAMPLES = 2000
# The whole margin is lost (a pass is false), a quarter of it, and nothing.
LOSSES = (1.0, 0.25, 0.0)


# Cases: differences of scores with a given true mean.


@dataclass(frozen=True)
class Case:
    """Differences whose true mean is minus a loss.

    draw: (generator, articles, trials, loss) to shape (articles, trials).
    baseline: mean score of the baseline, the most that an average article can lose.
    """

    name: str
    margin: float
    baseline: float
    draw: Callable[[np.random.Generator, int, int, float], Values]


Draw = Callable[[np.random.Generator, int, int, float], Values]


def falls(step: float = 1.0, churn: float = 0.0) -> Draw:
    """Scores that fall by a step on a share of the articles; `churn` rise, as many more fall."""

    def draw(rng: np.random.Generator, n: int, trials: int, loss: float) -> Values:
        u = rng.random((n, trials))
        down = loss / step + churn
        return step * ((u > 1 - churn).astype(float) - (u < down))

    return draw


def zero_inflated(share: float, spread: float) -> Draw:
    """Differences of which a share is not 0: normal, moved by what the loss asks for."""

    def draw(rng: np.random.Generator, n: int, trials: int, loss: float) -> Values:
        moved = rng.normal(-loss / share, spread, (n, trials))
        return np.where(rng.random((n, trials)) < share, moved, 0.0)

    return draw


def normal(spread: float) -> Draw:
    """Normal differences."""
    return lambda rng, n, trials, loss: rng.normal(-loss, spread, (n, trials))


def skewed(sigma: float, spread: float, sign: int) -> Draw:
    """Lognormal differences, of a given spread, centred; sign -1 has its tail on the losses."""

    def draw(rng: np.random.Generator, n: int, trials: int, loss: float) -> Values:
        mean = math.exp(sigma**2 / 2)
        deviation = mean * math.sqrt(math.exp(sigma**2) - 1)
        raw = (rng.lognormal(0, sigma, (n, trials)) - mean) / deviation
        return sign * spread * raw - loss

    return draw


def only_losses(sigma: float) -> Draw:
    """Every article loses, by lognormal sizes; where nothing is to be lost, nothing differs."""

    def draw(rng: np.random.Generator, n: int, trials: int, loss: float) -> Values:
        return -loss * rng.lognormal(-(sigma**2) / 2, sigma, (n, trials))

    return draw


def steps(of: int, share: float) -> Draw:
    """Differences in steps of 1/of, on a share of the articles; losses weigh what the loss asks."""

    def draw(rng: np.random.Generator, n: int, trials: int, loss: float) -> Values:
        sizes = rng.integers(1, of + 1, (n, trials)) / of
        mean = (of + 1) / 2 / of
        down = share / 2 + loss / mean / 2
        u = rng.random((n, trials))
        signs = (u < share / 2 - loss / mean / 2).astype(float) - (u > 1 - down)
        return sizes * signs

    return draw


def failures(size: float, rate: float, spread: float) -> Draw:
    """Normal differences, and rare failures that lose a lot; the rest is moved to give the loss."""

    def draw(rng: np.random.Generator, n: int, trials: int, loss: float) -> Values:
        rest = (rate * size - loss) / (1 - rate)
        usual = rng.normal(rest, spread, (n, trials)) if spread else np.full((n, trials), rest)
        return np.where(rng.random((n, trials)) < rate, -size, usual)

    return draw


def only_failures(size: float, spread: float) -> Draw:
    """Normal differences around 0, and failures that lose a lot, as many as give the loss."""

    def draw(rng: np.random.Generator, n: int, trials: int, loss: float) -> Values:
        usual = rng.normal(0, spread, (n, trials))
        return np.where(rng.random((n, trials)) < loss / size, -size, usual)

    return draw


def exponential(spread: float, sign: int) -> Draw:
    """Differences skewed like exponential ones, centred."""
    return lambda rng, n, trials, loss: sign * spread * (rng.exponential(1, (n, trials)) - 1) - loss


def student(spread: float) -> Draw:
    """Heavy tails on both sides: Student's t of 3 degrees of freedom."""
    return lambda rng, n, trials, loss: (
        rng.standard_t(3, (n, trials)) * spread / math.sqrt(3) - loss
    )


def betas(a: float, b: float) -> Draw:
    """Differences of two independent beta scores."""
    return lambda rng, n, trials, loss: (
        rng.beta(a, b, (n, trials)) - rng.beta(a, b, (n, trials)) - loss
    )


TUNING = (
    Case("binary, 1 % fall 1→0", 0.01, 0.95, falls()),
    Case("binary, 2 % fall 1→0", 0.02, 0.95, falls()),
    Case("binary, 5 % fall 1→0", 0.05, 0.95, falls()),
    Case("zero-inflated, 10 % normal .1", 0.01, 0.95, zero_inflated(0.1, 0.1)),
    Case("zero-inflated, 10 % normal .1", 0.02, 0.95, zero_inflated(0.1, 0.1)),
    Case("lognormal(1) losses only", 0.02, 0.4, only_losses(1.0)),
    Case("lognormal(1) sd .05, tail of losses", 0.02, 0.4, skewed(1.0, 0.05, -1)),
    Case("lognormal(1) sd .05, tail of gains", 0.02, 0.4, skewed(1.0, 0.05, 1)),
    Case("thirds on 20 %", 0.05, 0.9, steps(3, 0.2)),
    Case("normal sd .05", 0.01, 0.4, normal(0.05)),
    Case("normal sd .05", 0.02, 0.4, normal(0.05)),
    Case("normal sd .1", 0.05, 0.4, normal(0.1)),
)
HELD_OUT = (
    Case("binary, 3 % fall 1→0", 0.03, 0.95, falls()),
    Case("binary, falls and 2 % rises", 0.02, 0.9, falls(1.0, 0.02)),
    Case("halves, 4 % fall", 0.02, 0.95, falls(0.5)),
    Case("zero-inflated, 3 % normal .2", 0.02, 0.95, zero_inflated(0.03, 0.2)),
    Case("zero-inflated, 50 % normal .05", 0.02, 0.4, zero_inflated(0.5, 0.05)),
    Case("97 % slightly better, 3 % lose .49", 0.01, 0.9, failures(0.49, 0.03, 0.0)),
    Case("normal sd .02, 4 % lose .5", 0.02, 0.5, only_failures(0.5, 0.02)),
    Case("normal sd .02, 5 % lose .4", 0.02, 0.4, only_failures(0.4, 0.02)),
    Case("lognormal(1.5) losses only", 0.02, 0.4, only_losses(1.5)),
    Case("lognormal(1.5) sd .05, tail of losses", 0.02, 0.4, skewed(1.5, 0.05, -1)),
    Case("exponential sd .05, tail of losses", 0.02, 0.4, exponential(0.05, -1)),
    Case("exponential sd .05, tail of gains", 0.02, 0.4, exponential(0.05, 1)),
    Case("t(3) sd .05", 0.02, 0.4, student(0.05)),
    Case("fifths on 30 %", 0.05, 0.9, steps(5, 0.3)),
    Case("beta(5,5) differences", 0.05, 0.5, betas(5, 5)),
)


# Tests: what passes, shape (trials,).


class Sample:
    """Differences of many trials, with the sums that tests share."""

    def __init__(self, differences: Values, case: Case, seed: int) -> None:
        """Hold the differences, shape (articles, trials), less what is tolerated."""
        self.n, self.trials = differences.shape
        self.margin, self.baseline = case.margin, case.baseline
        self.differences = differences
        self.moved = differences + case.margin
        self.rng = np.random.default_rng(seed)
        self.mean = self.moved.mean(axis=0)
        self.deviation = self.moved.std(axis=0, ddof=1)
        centred = self.moved - self.mean
        with np.errstate(invalid="ignore", divide="ignore"):
            self.skewness = (centred**3).mean(axis=0) / centred.std(axis=0) ** 3
            self.t = self.mean / (self.deviation / math.sqrt(self.n))
        self._drawn: tuple[Values, Values] | None = None

    @property
    def drawn(self) -> tuple[Values, Values]:
        """Means and deviations of bootstrap resamples, shape (resamples, trials)."""
        if self._drawn is None:
            n = self.n
            counts = self.rng.multinomial(n, np.full(n, 1 / n), RESAMPLES).astype(float)
            means = counts @ self.moved / n
            squares = counts @ self.moved**2 / n
            self._drawn = means, np.sqrt(np.maximum(squares - means**2, 0) * n / (n - 1))
        return self._drawn

    def weighted(self, worst: Values) -> Values:
        """Return the share of exponential weightings, one article more, of a mean of 0 or less."""
        weights = self.rng.standard_exponential((RESAMPLES, self.n + 1))
        sums = weights[:, :-1] @ self.moved + weights[:, -1:] * (worst + self.margin)
        return (sums <= 0).mean(axis=0)


def t_quantile(n: int) -> float:
    """Return the quantile of Student's t, near enough for these n."""
    from evalharness.stats.paired import t_quantile as quantile

    return quantile(1 - LEVEL, n - 1)


def sign_flip(sample: Sample) -> Passes:
    """Sign flips of difference + margin: the gate's test until now."""
    signs = 2.0 * sample.rng.integers(0, 2, (RESAMPLES, sample.n)) - 1
    sums = signs @ sample.moved
    return ((sums >= sample.moved.sum(axis=0) - 1e-12).sum(axis=0) + 1) / (RESAMPLES + 1) <= LEVEL


def student_t(sample: Sample) -> Passes:
    """Student's t."""
    return np.where(sample.deviation > 1e-12, sample.t > t_quantile(sample.n), sample.mean > 0)


def johnson(sample: Sample) -> Passes:
    """Johnson's (1978) t, corrected for skewness."""
    third = sample.skewness * sample.deviation**3
    with np.errstate(invalid="ignore", divide="ignore"):
        added = third / (6 * sample.deviation**2 * sample.n) + third * sample.mean**2 / (
            3 * sample.deviation**4
        )
        t = (sample.mean + added) / (sample.deviation / math.sqrt(sample.n))
    return np.where(sample.deviation > 1e-12, t > t_quantile(sample.n), sample.mean > 0)


def hall(sample: Sample) -> Passes:
    """Hall's (1992) transformation, which is monotone, against a normal quantile."""
    n, g = sample.n, sample.skewness
    with np.errstate(invalid="ignore", divide="ignore"):
        s = sample.mean / sample.deviation
        t = math.sqrt(n) * (s + g * s**2 / 3 + g**2 * s**3 / 27 + g / (6 * n))
    return np.where(sample.deviation > 1e-12, t > t_quantile(n), sample.mean > 0)


def bootstrap_t(sample: Sample) -> Passes:
    """Bootstrap-t: a resample without spread counts as the most extreme."""
    means, deviations = sample.drawn
    with np.errstate(invalid="ignore", divide="ignore"):
        pivots = (means - sample.mean) / (deviations / math.sqrt(sample.n))
    still = deviations <= 1e-9
    pivots = np.where(still, np.where(means > sample.mean, np.inf, -np.inf), pivots)
    above = np.where(still & (np.abs(means - sample.mean) < 1e-12), 0, pivots) >= sample.t
    return np.where(sample.deviation > 1e-12, above.mean(axis=0) <= LEVEL, sample.mean > 0)


def percentile(sample: Sample) -> Passes:
    """The percentile bootstrap."""
    return (sample.drawn[0] <= 0).mean(axis=0) <= LEVEL


def bca(sample: Sample) -> Passes:
    """BCa (Efron 1987)."""
    law = NormalDist()
    means = sample.drawn[0]
    below = ((means < sample.mean).mean(axis=0) + (means <= sample.mean).mean(axis=0)) / 2
    z0 = np.array([law.inv_cdf(min(max(x, 1e-4), 1 - 1e-4)) for x in below])
    a = np.nan_to_num(sample.skewness) / (6 * math.sqrt(sample.n))
    z = z0 + law.inv_cdf(LEVEL)
    shares = np.array([law.cdf(x) for x in z0 + z / (1 - a * z)])
    low = np.array([np.quantile(m, s) for m, s in zip(means.T, shares, strict=True)])
    return low > 0


def with_rule_of_three(test: Callable[[Sample], Passes]) -> Callable[[Sample], Passes]:
    """Return a test that must also rule out unseen losses: of the average score, none seen in n."""

    def both(sample: Sample) -> Passes:
        worst = np.minimum(sample.differences.min(axis=0), -sample.baseline)
        rate = sample.mean / (sample.mean - sample.margin - worst)
        unseen = np.where(sample.mean > 0, (1 - np.clip(rate, 0, 1)) ** sample.n, 1)
        return test(sample) & (unseen <= LEVEL)

    return both


def largest_of(*tests: Callable[[Sample], Passes]) -> Callable[[Sample], Passes]:
    """Return the test by the greatest p-value of several."""
    return lambda sample: np.all([test(sample) for test in tests], axis=0)


def bayes_range(sample: Sample) -> Passes:
    """One article more that falls from 1 to 0 (Learned-Miller & Thomas 2020)."""
    return sample.weighted(np.full(sample.trials, -1.0)) <= LEVEL


def bayes_average(sample: Sample) -> Passes:
    """One article more, that loses the average score, or as much as any (same paper)."""
    return sample.weighted(np.minimum(sample.differences.min(axis=0), -sample.baseline)) <= LEVEL


def bayes_seen(sample: Sample) -> Passes:
    """One article more, that moves as far as any does."""
    return sample.weighted(-np.abs(sample.differences).max(axis=0)) <= LEVEL


def bayes_ties(sample: Sample) -> Passes:
    """The average score is lost in the share of articles that are equal, else the largest move."""
    zeros = (sample.differences == 0).mean(axis=0)
    seen = np.abs(sample.differences).max(axis=0)
    worst = np.where(zeros > 0.3, np.maximum(seen, sample.baseline), seen)
    return sample.weighted(-worst) <= LEVEL


def betting(sample: Sample) -> Passes:
    """Betting (Waudby-Smith & Ramdas 2023), predictable plug-in, scores from -1 to 1."""
    x = (sample.differences + 1) / 2
    null = (1 - sample.margin) / 2
    capital = greatest = np.ones(sample.trials)
    total, squares = np.full(sample.trials, 0.5), np.full(sample.trials, 0.25)
    for at in range(sample.n):
        bet = np.sqrt(2 * math.log(1 / LEVEL) / (sample.n * squares / (at + 1)))
        capital = capital * (1 + np.minimum(bet, 0.75 / null) * (x[at] - null))
        greatest = np.maximum(greatest, capital)
        total = total + x[at]
        squares = squares + (x[at] - total / (at + 2)) ** 2
    return greatest >= 1 / LEVEL


def bernstein(sample: Sample) -> Passes:
    """The empirical Bernstein bound (Maurer & Pontil 2009), scores from -1 to 1."""
    log = math.log(2 / LEVEL)
    width = sample.deviation * math.sqrt(2 * log / sample.n) + 2 * 7 * log / (3 * (sample.n - 1))
    return sample.mean > width


TESTS: Mapping[str, Callable[[Sample], Passes]] = {
    "sign flips": sign_flip,
    "t": student_t,
    "Johnson": johnson,
    "Hall": hall,
    "bootstrap-t": bootstrap_t,
    "percentile": percentile,
    "BCa": bca,
    "t + rule of three": with_rule_of_three(student_t),
    "Johnson + rule of three": with_rule_of_three(johnson),
    "bootstrap-t + rule of three": with_rule_of_three(bootstrap_t),
    "max(bootstrap-t, flips) + rule of three": with_rule_of_three(
        largest_of(bootstrap_t, sign_flip)
    ),
    "weights, worst -1": bayes_range,
    "weights, worst average": bayes_average,
    "weights, worst seen": bayes_seen,
    "weights, worst by ties": bayes_ties,
    "max(weights average, Johnson)": largest_of(bayes_average, johnson),
    "max(weights average, bootstrap-t)": largest_of(bayes_average, bootstrap_t),
    "betting": betting,
    "empirical Bernstein": bernstein,
}


def measure(
    cases: tuple[Case, ...], names: list[str], trials: int, seed: int
) -> Iterator[tuple[Case, int, float, dict[str, int]]]:
    """Yield how many trials pass, by case, articles and true loss (in margins)."""
    for k, case in enumerate(cases):
        for n in SIZES:
            for loss in LOSSES:
                rng = np.random.default_rng([seed, k, n, int(100 * loss)])
                sample = Sample(case.draw(rng, n, trials, loss * case.margin), case, seed)
                yield case, n, loss, {name: int(TESTS[name](sample).sum()) for name in names}


# What the gate had before, and what it has.
SHOWN = ("sign flips", "weights, worst average")


def markdown(rows: list[dict[str, Any]], trials: int) -> Iterator[str]:
    """Yield the table: passes in percent, for each number of articles."""
    before, now = SHOWN
    yield f"| differences, margin | {before}: false | {now}: false | {now}: right |"
    yield "|---|---|---|---|"
    for case, margin in dict.fromkeys((row["case"], row["margin"]) for row in rows):
        own = [row for row in rows if (row["case"], row["margin"]) == (case, margin)]
        cells = [
            ", ".join(
                f"{100 * row['passes'][name] / trials:.{digits}f}"
                for row in own
                if row["loss"] == loss
            )
            for name, loss, digits in ((before, 1, 1), (now, 1, 1), (now, 0, 0))
        ]
        yield f"| {case}, {margin:g} | {' | '.join(cells)} |"


def main() -> None:
    """Print a line of JSON for each case, or the table of such lines."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--tests", nargs="*", default=list(TESTS))
    parser.add_argument("--table", nargs="*", default=())
    given = parser.parse_args()
    for file in given.table:
        rows = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
        print("\n".join(markdown(rows, given.trials)))
    if given.table:
        return
    cases = HELD_OUT if given.held_out else TUNING
    for case, n, loss, passes in measure(cases, given.tests, given.trials, given.seed):
        row = {"case": case.name, "margin": case.margin, "n": n, "loss": loss, "passes": passes}
        print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
