"""Means and bootstrap intervals of scores: arrays in, arrays out.

Scores lie in an array of shape (articles, columns), one column a metric or one of its parts, with
NaN where a metric does not apply. One resample of the articles serves all columns, so what columns
have in common stays.
"""

import math
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

# The draws, their positions and their counts of one block of resamples: what bounds the memory.
BLOCK_BYTES = 48 * 2**20
_BYTES_A_DRAW = 3 * 8


def mean(values: Iterable[float | None]) -> float | None:
    """Return the exact mean, rounded once, of the values that are neither None nor NaN.

    None where no value is left.

    >>> mean([0.1] * 10)
    0.1
    >>> mean([0.25, None, 0.75, float("nan")])
    0.5
    """
    known = [value for value in values if value is not None and not math.isnan(value)]
    return math.fsum(known) / len(known) if known else None


def bootstrap_means(values: Values, seed: int, resamples: int = 1000) -> Values:
    """Draw as many articles as there are, with replacement, again and again; return each mean.

    values: finite scores or NaN for a missing one, shape (articles, columns). The mean is that of
    the scores drawn; where a resample holds none of a column, it is NaN.
    Returns shape (resamples, columns): the same bits on any machine with the same numpy.

    >>> bootstrap_means(np.array([[1.0, 5.0], [1.0, np.nan]]), seed=0, resamples=3)
    array([[ 1., nan],
           [ 1.,  5.],
           [ 1.,  5.]])
    """
    n_articles, n_columns = values.shape
    if not n_articles:
        return np.full((resamples, n_columns), np.nan)
    present = ~np.isnan(values)
    coarse, fine = _exact_parts(np.where(present, values, 0.0))
    summands = np.concatenate([coarse, fine, present.astype(np.float64)], axis=1)
    blocks = [counts @ summands for counts in _draw_counts(n_articles, seed, resamples)]
    sums, rests, drawn = np.split(np.concatenate(blocks), 3, axis=1)
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN of a column of which none was drawn
        means: Values = (sums + rests) / drawn
    return means


def interval(
    values: Values, seed: int, resamples: int = 1000, level: float = 0.95
) -> tuple[Values, Values]:
    """Return the low and the high end of each column's mean, by the percentile bootstrap.

    values: as in `bootstrap_means`. Each end has shape (columns,), NaN where a column has no score;
    one article alone gives its score as both ends. (Efron & Tibshirani 1993, chapter 13.)

    >>> interval(np.arange(100.0)[:, np.newaxis], seed=0)
    (array([43.81925]), array([54.9505]))
    """
    tail = (1 - level) / 2
    low_high = np.full((2, values.shape[1]), np.nan)
    scored = ~np.isnan(values).all(axis=0)
    if scored.any():
        means = bootstrap_means(values, seed, resamples)[:, scored]
        low_high[:, scored] = np.nanquantile(means, [tail, 1 - tail], axis=0)
    low, high = low_high
    return low, high


def _draw_counts(n_articles: int, seed: int, resamples: int) -> Iterator[Values]:
    """Yield how often each article is drawn, in blocks of shape (some resamples, articles).

    The draws follow one stream, whatever the size of the blocks.
    """
    rng = np.random.default_rng(seed)
    block = max(1, BLOCK_BYTES // (_BYTES_A_DRAW * n_articles))
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        # 64-bit draws: narrower ones would throw away a rest of random bits after each block.
        drawn = rng.integers(n_articles, size=(rows, n_articles))
        drawn += np.arange(rows)[:, np.newaxis] * n_articles
        counts = np.bincount(drawn.ravel(), minlength=rows * n_articles)
        yield counts.reshape(rows, n_articles).astype(np.float64)


def _exact_parts(values: Values) -> tuple[Values, Values]:
    """Split each value in two parts that add up to it and that a matrix product sums exactly.

    Each part is a whole number times a power of two of its column, of so few bits that the sum of
    as many as there are rows stays below 2**53. So no order of summation, number of threads or
    linear algebra library changes a bit. What is lost lies below 2**-60 of the column's greatest.
    """
    bits = 52 - len(values).bit_length()
    _, exponents = np.frexp(np.abs(values).max(axis=0))
    coarse = _rounded(values, bits - exponents)
    return coarse, _rounded(values - coarse, 2 * bits - exponents)


def _rounded(values: Values, binary_places: npt.NDArray[np.int32]) -> Values:
    rounded: Values = np.ldexp(np.rint(np.ldexp(values, binary_places)), -binary_places)
    return rounded
