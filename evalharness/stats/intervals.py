"""Means and bootstrap intervals of scores: arrays in, arrays out.

Scores lie in an array of shape (articles, columns), one column a metric or one of its parts, with
NaN where a metric does not apply. One resample of the articles serves all columns, so what columns
have in common stays. What is too large for one array comes in blocks of articles; how it is cut
changes no bit.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalharness.files.untrusted import Bounds

Values = npt.NDArray[np.float64]
_Drawn = npt.NDArray[np.uint8]

Blocks = Callable[[], Iterator[Values]]
"""Gives the scores of the next articles, again and again from the first, each time it is called."""

# Of the standard normal distribution: 95 % lie within as many deviations.
Z = 1.959963984540054
# How often each article is drawn in some resamples: what bounds the memory.
BLOCK_BYTES = 12 * 2**20
# What is drawn for so few articles is kept, and so often: systems and scores have them in common.
_KEPT_BYTES, _KEPT = 2**21, 6
_DRAWN_AT_ONCE = 2**15
# Articles of which so many resamples are summed at once.
_PRODUCT_BYTES = 8 * 2**20


@dataclass(frozen=True)
class Interval:
    """How the interval beside each mean is made: a percentile bootstrap over the articles."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"strict": True, "extra": "forbid"}

    level: Annotated[
        float, Bounds(gt=0, lt=1, description="share of resampled means that it holds")
    ] = 0.95
    resamples: Annotated[int, Bounds(ge=100, le=100_000, description="how many resamples")] = 1000


def none_for_nan(value: float) -> float | None:
    """Return a figure as JSON can hold it."""
    return None if np.isnan(value) else float(value)


def mean(values: Iterable[float | None]) -> float | None:
    """Return the exact mean, rounded once, of the values that are neither None nor NaN.

    None where no value is left.

    >>> mean([0.1] * 10)
    0.1
    >>> mean([0.25, None, 0.75, float("nan")])
    0.5
    """
    n = 0

    def known_values() -> Iterator[float]:
        nonlocal n
        for value in values:
            if value is not None and not math.isnan(value):
                n += 1
                yield value

    total = math.fsum(known_values())
    return total / n if n else None


def quantiles(values: Values, shares: Sequence[float]) -> Values:
    """Return quantiles of each column's values that are not NaN, shape (shares, columns).

    To the bit what `numpy.nanquantile` has, which imports masked arrays: as long as a small gate
    takes to draw its resamples. NaN where a column has no value.

    >>> quantiles(np.array([[1.0], [2.0], [4.0], [np.nan]]), [0.25, 0.5])[:, 0].tolist()
    [1.5, 2.0]
    """
    found = np.full((len(shares), values.shape[1]), np.nan)
    for number, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        if len(known):
            found[:, number] = _quantiles_of(known, shares)
    return found


def _quantiles_of(known: Values, shares: Sequence[float]) -> list[float]:
    """Return quantiles of numbers, between the two nearest of them; puts the numbers in order."""
    last = len(known) - 1
    at = [last * share for share in shares]
    below = [min(int(place), last) for place in at]
    above = [min(place + 1, last) for place in below]
    known.partition(sorted({0, last, *below, *above}))
    found = []
    for low, high, place in zip(known[below].tolist(), known[above].tolist(), at, strict=True):
        part, between = place - int(place), high - low
        found.append(low + between * part if part < 0.5 else high - between * (1 - part))
    return found


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, by Wilson's score method (1927); 0 to 1 without cases.

    >>> low, high = wilson(9, 10)
    >>> round(low, 3), round(high, 3)
    (0.596, 0.982)
    """
    if not n:
        return 0.0, 1.0
    share, width = hits / n, Z * Z / n
    middle = (share + width / 2) / (1 + width)
    half = Z * math.sqrt(share * (1 - share) / n + width / (4 * n)) / (1 + width)
    return max(0.0, middle - half), min(1.0, middle + half)


def interval(
    values: Values, seed: int, resamples: int = 1000, level: float = 0.95
) -> tuple[Values, Values]:
    """Return the low and the high end of each column's mean, by the percentile bootstrap.

    values: finite scores or NaN for a missing one, shape (articles, columns). Each end has shape
    (columns,), NaN where a column has no score; one article alone gives its score as both ends.
    (Efron & Tibshirani 1993, chapter 13.)

    >>> interval(np.arange(100.0)[:, np.newaxis], seed=0)
    (array([43.81925]), array([54.9505]))
    """
    return interval_of(lambda: iter([values]), seed, resamples, level)


def interval_of(
    blocks: Blocks, seed: int, resamples: int = 1000, level: float = 0.95
) -> tuple[Values, Values]:
    """Return what `interval` does, of scores that come in blocks, at least one."""
    tail = (1 - level) / 2
    survey = _survey(blocks())
    low_high = np.full((2, len(survey.scored)), np.nan)
    scored = survey.scored > 0
    if scored.any():
        means = _bootstrap_means(blocks, survey, seed, resamples)[:, scored]
        low_high[:, scored] = quantiles(means, [tail, 1 - tail])
    low, high = low_high
    return low, high


@dataclass(frozen=True)
class _Survey:
    """How many articles there are; by column, how many have a score, and the greatest size."""

    articles: int
    scored: npt.NDArray[np.int64]
    greatest: Values


def _survey(blocks: Iterable[Values]) -> _Survey:
    articles = 0
    scored = greatest = np.zeros(0)
    for block in blocks:
        known = ~np.isnan(block)
        sizes = np.abs(block).max(axis=0, initial=0.0, where=known)
        first = not articles
        articles += len(block)
        scored = known.sum(axis=0) if first else scored + known.sum(axis=0)
        greatest = sizes if first else np.maximum(greatest, sizes)
    return _Survey(articles, scored.astype(np.int64), greatest)


def _bootstrap_means(blocks: Blocks, survey: _Survey, seed: int, resamples: int) -> Values:
    """Draw as many articles as there are, with replacement, again and again; return each mean.

    The mean is that of the scores drawn; where a resample holds none of a column, it is NaN.
    Returns shape (resamples, columns): the same bits on any machine with the same numpy.
    """
    if not survey.articles:
        return np.full((resamples, len(survey.scored)), np.nan)
    sums = [
        _sums_over(drawn, blocks(), survey)
        for drawn in _draw_counts(survey.articles, seed, resamples)
    ]
    coarse, fine, n = np.split(np.concatenate(sums), 3, axis=1)
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN of a column of which none was drawn
        means: Values = (coarse + fine) / n
    return means


def _sums_over(drawn: _Drawn, blocks: Iterable[Values], survey: _Survey) -> Values:
    """Return the sums of both parts of the scores drawn, and how many these are.

    Shape (some resamples, 3 * columns).
    """
    sums = np.zeros((len(drawn), 3 * len(survey.scored)))
    rows = max(1, _PRODUCT_BYTES // (8 * len(drawn)))
    start = 0
    for block in blocks:
        for some in (block[at : at + rows] for at in range(0, len(block), rows)):
            counts = drawn[:, start : start + len(some)].astype(np.float64)
            sums += counts @ _summands(some, survey)
            start += len(some)
    return sums


def _draw_counts(n_articles: int, seed: int, resamples: int) -> Iterable[_Drawn]:
    """Return how often each article is drawn, in blocks; few of them are kept for who asks next."""
    if n_articles * resamples > _KEPT_BYTES:
        return _draw_blocks(n_articles, seed, resamples)
    return _kept_blocks(n_articles, seed, resamples)


@lru_cache(maxsize=_KEPT)
def _kept_blocks(n_articles: int, seed: int, resamples: int) -> Sequence[_Drawn]:
    return tuple(_draw_blocks(n_articles, seed, resamples))


def _draw_blocks(n_articles: int, seed: int, resamples: int) -> Iterator[_Drawn]:
    """Yield how often each article is drawn, in blocks of shape (some resamples, articles).

    The draws follow one stream, whatever the size of the blocks. A byte holds each count: the
    chance that one article of n is drawn 256 times in n draws is less than 1 / 256!.
    """
    rng = np.random.default_rng(seed)
    block, at_once = (max(1, size // n_articles) for size in (BLOCK_BYTES, _DRAWN_AT_ONCE))
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        counts = np.empty((rows, n_articles), np.uint8)
        for at in range(0, rows, at_once):
            some = counts[at : at + at_once]
            # 64-bit draws: narrower ones would throw away a rest of random bits after each call.
            drawn = rng.integers(n_articles, size=some.shape)
            drawn += n_articles * np.arange(len(some))[:, np.newaxis]
            some[:] = np.bincount(drawn.ravel(), minlength=some.size).reshape(some.shape)
        yield counts


def _summands(values: Values, survey: _Survey) -> Values:
    """Return each score as two parts that add up to it, and 1 where there is one, else 0s.

    A matrix product sums each part exactly: it is a whole number times a power of two of its
    column, of so few bits that the sum of as many as there are articles stays below 2**53. So no
    order of summation, number of threads or linear algebra library changes a bit. What is lost lies
    below 2**-60 of the column's greatest.
    """
    present = ~np.isnan(values)
    known = np.where(present, values, 0.0)
    bits = 52 - survey.articles.bit_length()
    _, exponents = np.frexp(survey.greatest)
    coarse = _round_binary(known, bits - exponents)
    fine = _round_binary(known - coarse, 2 * bits - exponents)
    return np.concatenate([coarse, fine, present.astype(np.float64)], axis=1)


def _round_binary(values: Values, binary_places: npt.NDArray[np.int32]) -> Values:
    rounded: Values = np.ldexp(np.rint(np.ldexp(values, binary_places)), -binary_places)
    return rounded
