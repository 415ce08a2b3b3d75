"""What is drawn of articles: how often each is, how much it weighs, which way its coin falls.

Each comes as rows, one a resample, some resamples at a time.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from evalharness.stats.intervals import Values
from evalharness.stats.sums import WEIGHT_BITS, Wholes

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
