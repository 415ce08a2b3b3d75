"""Resamples of articles: what is drawn, and sums of it that no machine changes.

What is drawn comes as rows, one a resample, some resamples at a time: how often each article is
taken, how much it weighs, which way its coin falls. Sums are of whole numbers that the arithmetic
holds exactly: no order of summation, number of threads or linear algebra library changes a bit.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evalharness.stats.intervals import Values

Wholes = Values | npt.NDArray[np.float32]

# Products of numbers in a small product of matrices, and the fewest rows that are worth one.
_SMALL_PRODUCT, _FEWEST_ROWS = 900_000, 8
# Whole numbers that single and double precision hold.
SINGLE_BITS, DOUBLE_BITS = 24, 53
# Figures that differ by a smaller share of their size are equal: floats add so much of their own,
# scores mean nothing so small.
NOISE = 2.0**-32
# Up to so many articles one part is fine enough: its steps are below a sixteenth of the values'
# root mean square, and rounding to them adds less than 0.04 % to the variance.
_ONE_PART = 2**16
# Bits that the rounding of each number and of the sum of the sizes may need.
_SPARE = 2
# An exponential weight is below 16 (2**16 draws), and known to a 4,096th.
WEIGHT_BITS = 16
# Numbers that one block of resamples holds, for each so many columns that they are multiplied with:
# small enough for a processor's cache, and more where the product outweighs the drawing.
BLOCK = 2**18
_BLOCK_COLUMNS = 8
# An article is drawn 15 times at the most: in 2**53 resamples, less than once more often.
DRAWN_BITS = 4
# How often an article is drawn follows Poisson's law; its table has an entry for each 16-bit draw.
_TABLE = 2**16


def resample_counts(
    n: int, seed: int, resamples: int, columns: int
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield how often each article is drawn: (some resamples, articles and up to 3 noughts).

    Counts from Poisson's law that add up to less than n are, with draws for the rest, the counts of
    n draws; for a few rows they add up to more, and those are drawn article by article.
    """
    poisson, rest, whole = np.random.SeedSequence(seed).spawn(3)
    filling, redrawing = np.random.default_rng(rest), np.random.default_rng(whole)
    table = _poisson_table(max(0.0, 1 - 2 / math.sqrt(n)))
    draws = _TableDraws(table, np.random.PCG64(poisson))
    words = -(-n // 4)
    ones = np.ones(words * 4, np.float32)
    for rows in _rows_at_once(words * 4, resamples, columns):
        counts = draws.draw(rows, words)
        counts[:, n:] = 0
        missing = n - (counts @ ones).astype(np.int64)
        for row in np.flatnonzero(missing < 0):
            counts[row, :n] = np.bincount(redrawing.integers(n, size=n), minlength=n)
        places = np.repeat(np.arange(rows) * words * 4, np.maximum(missing, 0))
        places += filling.integers(n, size=len(places))
        np.add.at(counts.reshape(-1), places, np.float32(1))
        yield counts


def poisson_weights(
    n: int, stream: np.random.SeedSequence, resamples: int, columns: int
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield how often each article is drawn, each by itself: (some resamples, articles and 0s)."""
    draws = _TableDraws(_poisson_table(1.0), np.random.PCG64(stream))
    words = -(-n // 4)
    for rows in _rows_at_once(words * 4, resamples, columns):
        counts = draws.draw(rows, words)
        counts[:, n:] = 0
        yield counts


def exponential_weights(
    n: int, stream: np.random.SeedSequence, resamples: int, columns: int
) -> Iterator[Values]:
    """Yield whole numbers that are distributed like exponential ones, (some resamples, n)."""
    quantiles = -np.log1p(-(np.arange(_TABLE) + 0.5) / _TABLE)
    table = np.rint(np.ldexp(quantiles, WEIGHT_BITS - 4))
    draws = _TableDraws(table, np.random.PCG64(stream))
    words = -(-n // 4)
    for rows in _rows_at_once(words * 4, resamples, columns):
        yield draws.draw(rows, words)[:, :n]


def coins(n: int, seed: np.random.SeedSequence, resamples: int, columns: int) -> Iterator[Values]:
    """Yield 1 for heads and 0 for tails, shape (some resamples, articles and a few more)."""
    words = -(-n // 64)
    bits = np.random.PCG64(seed)
    room: Values | None = None
    for rows in _rows_at_once(words * 64, resamples, columns):
        thrown = bits.random_raw(rows * words).astype("<u8", copy=False).view(np.uint8)
        # One room for all blocks: the system would clear new memory before each.
        room = np.empty((rows, words * 64)) if room is None else room[:rows]
        np.copyto(room, np.unpackbits(thrown).reshape(rows, words * 64))
        yield room


class _TableDraws:
    """Entries of a table, one for each 16 bits of a stream.

    All blocks share one room: new memory, which the system clears, takes longer than the draws.
    """

    def __init__(self, table: Wholes, bits: np.random.PCG64) -> None:
        self._table = table
        self._bits = bits
        self._places = np.empty(0, np.intp)
        self._entries: npt.NDArray[Any] = np.empty(0, table.dtype)

    def draw(self, rows: int, words: int) -> npt.NDArray[Any]:
        """Return rows of four entries a word; the next call writes over them."""
        n = rows * words * 4
        if n > len(self._places):
            self._places, self._entries = np.empty(n, np.intp), np.empty(n, self._table.dtype)
        drawn = self._bits.random_raw(rows * words).astype("<u8", copy=False).view("<u2")
        np.copyto(self._places[:n], drawn)
        # With a room given, numpy copies it for "raise"; no place lies outside of the table.
        self._table.take(self._places[:n], out=self._entries[:n], mode="clip")
        return self._entries[:n].reshape(rows, words * 4)


def _poisson_table(rate: float) -> npt.NDArray[np.float32]:
    """Return the count of each draw of 16 bits: Poisson's law to a 65,536th."""
    chances = [math.exp(-rate) * rate**k / math.factorial(k) for k in range(9)]
    draws = (np.arange(_TABLE) + 0.5) / _TABLE
    return np.searchsorted(np.cumsum(chances), draws).astype(np.float32)


def _rows_at_once(width: int, resamples: int, columns: int) -> Iterator[int]:
    rows = max(1, BLOCK * max(1, columns // _BLOCK_COLUMNS) // max(1, width))
    for start in range(0, resamples, rows):
        yield min(rows, resamples - start)


def column_means(values: Values) -> Values:
    """Return the exact mean of each column's finite values, NaN where it has none."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):  # 0 / 0: none is known
        means: Values = column_sums(np.where(known, values, 0.0)) / known.sum(axis=0)
    return means


def column_sums(values: Values) -> Values:
    """Return exact sums, rounded once: the same in whatever order a machine would add."""
    return np.array([math.fsum(column.tolist()) for column in values.T])


def whole_numbers(values: Values) -> Values:
    """Return values in units of a power of two, rounded: the sum of their sizes is whole."""
    rounded: Values = np.rint(np.ldexp(values, places_of_sum(values)))
    return rounded


def places_of_sum(values: Values) -> npt.NDArray[np.int64]:
    """Return by how many binary places to move columns, to be summed exactly with their weights."""
    _, exponents = np.frexp(np.abs(values).sum(axis=0))
    places: npt.NDArray[np.int64] = 52 - WEIGHT_BITS - exponents.astype(np.int64)
    return places


def products(
    blocks: Iterator[Wholes],
    summands: list[Wholes],
    resamples: int,
) -> list[Values]:
    """Return the product of all rows of the blocks with each summand, (resamples, columns)."""
    columns = summands[0].shape[1]
    whole = np.concatenate(summands, axis=1)
    padded = np.concatenate([whole, np.zeros((-len(whole) % 64, whole.shape[1]), whole.dtype)])
    found = np.empty((resamples, whole.shape[1]))
    start = 0
    for block in blocks:
        multiply(block, padded[: block.shape[1]], found[start : start + len(block)])
        start += len(block)
    return [found[:, at : at + columns] for at in range(0, whole.shape[1], columns)]


def multiply(block: Wholes, summands: Wholes, found: Values) -> None:
    """Put the product of whole numbers into `found`, a few rows at a time.

    OpenBLAS first packs what it multiplies, unless that is small: then it takes half the time.
    """
    at_once = _SMALL_PRODUCT // max(1, summands.size)
    if at_once < _FEWEST_ROWS:
        at_once = max(1, len(block))
    for start in range(0, len(block), at_once):
        found[start : start + at_once] = block[start : start + at_once] @ summands


@dataclass(frozen=True)
class ExactParts:
    """Values as sums of whole numbers times powers of two of their column.

    The sizes of a column's whole numbers add up to at most 2**bits: their precision sums them
    exactly, in whatever order.
    """

    wholes: list[Wholes]
    places: list[npt.NDArray[np.int64]]

    def total(self, sums: list[Values]) -> Values:
        """Return what sums of the whole numbers stand for."""
        terms = [np.ldexp(each, -at) for each, at in zip(sums, self.places, strict=True)]
        total: Values = np.sum(terms, axis=0)
        return total

    @property
    def n(self) -> int:
        """How many rows there are."""
        return len(self.wholes[0])

    def halves(self) -> "tuple[ExactParts, ExactParts]":
        """Return the first and the second half of the rows."""
        cut = self.n // 2
        first = ExactParts([whole[:cut] for whole in self.wholes], self.places)
        return first, ExactParts([whole[cut:] for whole in self.wholes], self.places)

    def signed_sums(self, kept: list[Values]) -> Values:
        """Return sums with signs, from the sums of those whose sign stays."""
        return 2 * self.total(kept) - self.whole_total()

    def whole_total(self) -> Values:
        """Return the sum of all values, as rounded."""
        return self.total([whole.astype(np.float64).sum(axis=0) for whole in self.wholes])

    def whole_sizes(self) -> Values:
        """Return the sum of all sizes, as rounded."""
        return self.total([np.abs(whole).astype(np.float64).sum(axis=0) for whole in self.wholes])


def split_in_parts(values: Values, bits: int) -> ExactParts:
    """Split values in parts, the first of which is nearly all of them.

    In double precision, all that matters is in one part.
    """
    wholes: list[Wholes] = []
    places, left = [], values
    double = bits > SINGLE_BITS
    for _ in range(1 if double or len(values) <= _ONE_PART else 2):
        at = _places(left, bits - _SPARE)
        whole = np.rint(np.ldexp(left, at))
        wholes.append(whole if double else whole.astype(np.float32))
        places.append(at)
        left = left - np.ldexp(whole, -at)
    return ExactParts(wholes, places)


def _places(values: Values, bits: int) -> npt.NDArray[np.int64]:
    """Return by how many binary places to move each column, for its sizes to add up to 2**bits."""
    sizes = np.abs(values)
    greatest = sizes.max(axis=0)
    _, exponents = np.frexp(greatest)
    # In units of the greatest, so that nothing overflows on the way.
    shares = np.divide(sizes, greatest, out=np.zeros_like(sizes), where=greatest > 0)
    _, more = np.frexp(shares.sum(axis=0))
    places: npt.NDArray[np.int64] = bits - exponents.astype(np.int64) - more
    return places
