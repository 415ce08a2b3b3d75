"""Two systems on the same articles: resampled differences, randomization, effect sizes, power.

Differences lie in an array of shape (articles, columns), one column a metric, with NaN where one of
both has no score. One resample of the articles, and one flip of the signs, serves all columns. All
sums are sums of whole numbers that the arithmetic holds exactly, so that no order of summation,
number of threads or linear algebra library changes a bit. At the end stands what many such tests at
once need: adjusted p-values, and letters for systems that do not differ significantly.
"""

import itertools
import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evalharness.stats.intervals import Values, quantiles

Clusters = npt.NDArray[np.intp]
_Wholes = Values | npt.NDArray[np.float32]

RESAMPLES = 10_000
ALPHA = 0.05
POWER = 0.8

# Numbers that one block of resamples holds, for each so many columns that they are multiplied with:
# small enough for a processor's cache, and more where the product outweighs the drawing.
BLOCK = 2**18
_BLOCK_COLUMNS = 8
# Products of numbers in a small product of matrices, and the fewest rows that are worth one.
_SMALL_PRODUCT, _FEWEST_ROWS = 900_000, 8
# Whole numbers that single and double precision hold.
_SINGLE_BITS, _DOUBLE_BITS = 24, 53
# Figures that differ by a smaller share of their size are equal: floats add so much of their own,
# scores mean nothing so small.
_NOISE = 2.0**-32
# An article is drawn 15 times at the most: in 2**53 resamples, less than once more often.
_DRAWN_BITS = 4
# Up to so many articles one part is fine enough: its steps are below a sixteenth of the values'
# root mean square, and rounding to them adds less than 0.04 % to the variance.
_ONE_PART = 2**16
# Bits that the rounding of each number and of the sum of the sizes may need.
_SPARE = 2
# An exponential weight is below 16 (2**16 draws), and known to a 4,096th.
_WEIGHT_BITS = 16
# How often an article is drawn follows Poisson's law; its table has an entry for each 16-bit draw.
_TABLE = 2**16


def subtract(scores: Values, others: Values) -> Values:
    """Return the differences of paired scores: 0 where they are equal up to the floats' noise.

    >>> subtract(np.array([0.1 + 0.2, 0.5]), np.array([0.3, 0.25])).tolist()
    [0.0, 0.25]
    """
    differences: Values = scores - others
    noise = _NOISE * np.maximum(np.abs(scores), np.abs(others))
    return np.where(np.abs(differences) <= noise, 0.0, differences)


def cluster_totals(differences: Values, clusters: Clusters | None) -> tuple[Values, Values]:
    """Return sums of the known differences of each cluster, and how many these are.

    clusters: the number of each article's cluster, from 0; None where each is its own.

    >>> cluster_totals(np.array([[1.0], [2.0], [np.nan]]), np.array([0, 0, 1]))[0].tolist()
    [[3.0], [0.0]]
    """
    present = ~np.isnan(differences)
    known, counts = np.where(present, differences, 0.0), present.astype(np.float64)
    if clusters is None or not differences.size:
        return known, counts
    return _sums_by_cluster(known, clusters), _sums_by_cluster(counts, clusters)


def _sums_by_cluster(values: Values, clusters: Clusters) -> Values:
    sums = [np.bincount(clusters, weights=column).astype(np.float64) for column in values.T]
    return np.stack(sums, axis=1)


def bootstrap_differences(
    differences: Values,
    seed: int,
    resamples: int = RESAMPLES,
    means: Values | None = None,
    clusters: Clusters | None = None,
) -> Values:
    """Draw as many articles as there are, with replacement, again and again; return the means.

    differences: shape (articles, columns), NaN for a missing one. means: what `column_means` says
    of them, where that is known already. clusters: as `cluster_totals` has them; whole clusters
    are drawn (Davison & Hinkley 1997, section 3.8). Returns (resamples, columns), NaN where a
    resample has none of a column.

    >>> bootstrap_differences(np.array([[0.1], [0.1]]), seed=0, resamples=3).tolist()
    [[0.1], [0.1], [0.1]]
    """
    totals, present = cluster_totals(differences, clusters)
    exact = column_means(differences) if means is None else means
    return bootstrap_of_totals(totals, present, exact, seed, resamples)


def bootstrap_of_totals(
    totals: Values, present: Values, means: Values, seed: int, resamples: int = RESAMPLES
) -> Values:
    """Return what `bootstrap_differences` does, of what `cluster_totals` returns, and means."""
    n, columns = totals.shape
    if not n or not columns:
        return np.full((resamples, columns), np.nan)
    parts = _parts(totals, _SINGLE_BITS - _DRAWN_BITS)
    whole = bool((present == 1).all())
    summands = parts.wholes if whole else [*parts.wholes, present.astype(np.float32)]
    found = _products(_draw_resamples(n, seed, resamples, columns), summands, resamples)
    drawn = float(n) if whole else found[-1]
    with np.errstate(invalid="ignore"):  # 0 / 0: none of the column was drawn
        drawn_means = parts.total(found[: len(parts.wholes)]) / drawn
    # The parts are rounded; what the rounding moved is the same in every resample, and taken back.
    rounded = parts.whole_total() / np.maximum(present.sum(axis=0), 1)
    centred: Values = drawn_means - (rounded - means)
    return centred


def worst_case_means(
    values: Values,
    worst: Values,
    seed: int,
    resamples: int = RESAMPLES,
    clusters: Clusters | None = None,
) -> Values:
    """Return means under random weights, of the values and of one more that was not seen.

    Shape (resamples, columns). A low quantile is a lower bound of the true mean: the bound of
    Learned-Miller & Thomas (2019, A new confidence interval for the mean of a bounded random
    variable, arXiv 1905.06208; Phan et al. 2021, ICML, arXiv 2106.03163), whose spacings of uniform
    order statistics are what exponential weights over their sum are. Of scores of 0 and 1 it is
    Clopper and Pearson's bound; of n equal ones it is the rule of three.

    values: shape (articles, columns), NaN for a missing one. worst: what the unseen article has,
    shape (columns,); as little as any in the sample, if that is less. clusters: as `cluster_totals`
    has them; each has one weight, and unseen is a cluster of their average size.

    >>> means = worst_case_means(np.zeros((100, 1)), np.array([-1.0]), seed=0)
    >>> round(float(np.quantile(means, 0.05)), 3)  # 3 / 100, nearly
    -0.03
    """
    return worst_case_of_totals(*cluster_totals(values, clusters), worst, seed, resamples)


def worst_case_of_totals(
    totals: Values, counts: Values, worst: Values, seed: int, resamples: int = RESAMPLES
) -> Values:
    """Return what `worst_case_means` does, of what `cluster_totals` returns."""
    held = counts > 0
    own = np.divide(totals, counts, out=np.full_like(totals, np.inf), where=held)
    lowest = np.minimum(worst, own.min(axis=0, initial=np.inf))
    size = np.rint(counts.sum(axis=0) / np.maximum(held.sum(axis=0), 1))
    summands = np.concatenate([totals, [lowest * size]]), np.concatenate([counts, [size]])
    whole = _whole_numbers(summands[0])
    columns = whole.shape[1]
    # Where all columns have scores of the same articles, their weights are the same, too.
    alike = bool((summands[1] == summands[1][:, :1]).all())
    sums = np.concatenate([whole, summands[1][:, :1] if alike else summands[1]], axis=1)
    found = np.empty((resamples, sums.shape[1]))
    start = 0
    stream = np.random.SeedSequence(seed)
    for weights in _exponential_weights(len(sums), stream, resamples, 2 * columns):
        _multiply(weights, sums, found[start : start + len(weights)])
        start += len(weights)
    weighted, weight = np.split(found, [columns], axis=1)
    with np.errstate(invalid="ignore"):  # 0 / 0: none is known
        means: Values = np.ldexp(weighted, -_places_of_sum(summands[0])) / weight
    return means


def _whole_numbers(values: Values) -> Values:
    """Return values in units of a power of two, rounded: the sum of their sizes is whole."""
    rounded: Values = np.rint(np.ldexp(values, _places_of_sum(values)))
    return rounded


def _places_of_sum(values: Values) -> npt.NDArray[np.int64]:
    """Return by how many binary places to move columns, to be summed exactly with their weights."""
    _, exponents = np.frexp(np.abs(values).sum(axis=0))
    places: npt.NDArray[np.int64] = 52 - _WEIGHT_BITS - exponents.astype(np.int64)
    return places


def _exponential_weights(
    n: int, stream: np.random.SeedSequence, resamples: int, columns: int
) -> Iterator[Values]:
    """Yield whole numbers that are distributed like exponential ones, (some resamples, n)."""
    quantiles = -np.log1p(-(np.arange(_TABLE) + 0.5) / _TABLE)
    table = np.rint(np.ldexp(quantiles, _WEIGHT_BITS - 4))
    draws = _TableDraws(table, np.random.PCG64(stream))
    words = -(-n // 4)
    for rows in _blocks(words * 4, resamples, columns):
        yield draws.draw(rows, words)[:, :n]


def column_means(values: Values) -> Values:
    """Return the exact mean of each column's finite values, NaN where it has none."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):  # 0 / 0: none is known
        means: Values = _column_sums(np.where(known, values, 0.0)) / known.sum(axis=0)
    return means


def _column_sums(values: Values) -> Values:
    """Return exact sums, rounded once: the same in whatever order a machine would add."""
    return np.array([math.fsum(column.tolist()) for column in values.T])


@dataclass(frozen=True)
class Flips:
    """Sums of differences, and what they are under flipped signs.

    observed: shape (columns,). flipped: shape (resamples, columns). tolerance: sums that are no
    further apart are equal, shape (columns,); so many ties are lost to rounding otherwise that
    p-values of thirds and fifths come out too small.
    """

    observed: Values
    flipped: Values
    tolerance: Values

    def __getitem__(self, column: int) -> "Flips":
        """Return one column."""
        return Flips(self.observed[[column]], self.flipped[:, [column]], self.tolerance[[column]])

    def __sub__(self, other: "Flips") -> "Flips":
        """Return the sums of the differences between two differences."""
        return Flips(
            self.observed - other.observed,
            self.flipped - other.flipped,
            self.tolerance + other.tolerance,
        )

    def move(self, sums: Values) -> "Flips":
        """Return the flips with what else moves the sums by chance, shape (resamples, columns)."""
        return Flips(self.observed, self.flipped + sums, self.tolerance)

    def two_sided(self) -> Values:
        """Return the p-value of "both come from the same place", shape (columns,).

        The flips and what was observed count alike, so no p-value is 0. (Phipson & Smyth 2010.)
        """
        return self._share(np.abs(self.flipped) >= np.abs(self.observed) - self.tolerance)

    def below(self) -> Values:
        """Return the p-value of a sum so low, or lower: small where the differences are below 0."""
        return self._share(self.flipped <= self.observed + self.tolerance)

    def above(self) -> Values:
        """Return the p-value of a sum so high, or higher."""
        return self._share(self.flipped >= self.observed - self.tolerance)

    def _share(self, extreme: npt.NDArray[np.bool_]) -> Values:
        share: Values = (extreme.sum(axis=0) + 1) / (len(extreme) + 1)
        return share


def sign_flips(differences: Values, seed: int, resamples: int = RESAMPLES) -> Flips:
    """Exchange the two systems on a random half of the articles, again and again.

    differences: shape (articles, columns); a missing one counts as 0. The approximate randomization
    test (Noreen 1989) of paired scores: under exchange a difference changes its sign. A sum as far
    from 0 as the one observed is as extreme, whatever the rounding made of either.

    >>> sign_flips(np.array([[1.0], [2.0]]), seed=0, resamples=4).flipped.ravel().tolist()
    [3.0, -1.0, 3.0, -1.0]
    """
    n, columns = differences.shape
    if not n or not columns:
        return Flips(np.zeros(columns), np.zeros((resamples, columns)), np.zeros(columns))
    parts = _parts(np.nan_to_num(differences, nan=0.0), _DOUBLE_BITS)
    # Each throw of the coins serves twice: with the second half as thrown, and turned over. Both
    # are fair throws, and as good as independent where the halves spread alike.
    throws = -(-resamples // 2)
    streams = np.random.SeedSequence(seed).spawn(2)
    one, other = (
        half.signed_sums(_products(_coins(half.n, stream, throws, columns), half.wholes, throws))
        for half, stream in zip(parts.halves(), streams, strict=True)
    )
    flipped = np.stack([one + other, one - other], axis=1).reshape(-1, columns)
    # What rounding may move a sum by, and that which is observed, is n / 2**49 of all sizes.
    tolerance = (_NOISE + n * 2.0 ** (4 - _DOUBLE_BITS)) * parts.whole_sizes()
    return Flips(parts.whole_total(), flipped[:resamples], tolerance)


def _multiply(block: _Wholes, summands: _Wholes, found: Values) -> None:
    """Put the product of whole numbers into `found`, a few rows at a time.

    OpenBLAS first packs what it multiplies, unless that is small: then it takes half the time.
    """
    at_once = _SMALL_PRODUCT // max(1, summands.size)
    if at_once < _FEWEST_ROWS:
        at_once = max(1, len(block))
    for start in range(0, len(block), at_once):
        found[start : start + at_once] = block[start : start + at_once] @ summands


def _products(
    blocks: Iterator[_Wholes],
    summands: list[_Wholes],
    resamples: int,
) -> list[Values]:
    """Return the product of all rows of the blocks with each summand, (resamples, columns)."""
    columns = summands[0].shape[1]
    whole = np.concatenate(summands, axis=1)
    padded = np.concatenate([whole, np.zeros((-len(whole) % 64, whole.shape[1]), whole.dtype)])
    found = np.empty((resamples, whole.shape[1]))
    start = 0
    for block in blocks:
        _multiply(block, padded[: block.shape[1]], found[start : start + len(block)])
        start += len(block)
    return [found[:, at : at + columns] for at in range(0, whole.shape[1], columns)]


@dataclass(frozen=True)
class _Parts:
    """Values as sums of whole numbers times powers of two of their column.

    The sizes of a column's whole numbers add up to at most 2**bits: their precision sums them
    exactly, in whatever order.
    """

    wholes: list[_Wholes]
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

    def halves(self) -> "tuple[_Parts, _Parts]":
        """Return the first and the second half of the rows."""
        cut = self.n // 2
        first = _Parts([whole[:cut] for whole in self.wholes], self.places)
        return first, _Parts([whole[cut:] for whole in self.wholes], self.places)

    def signed_sums(self, kept: list[Values]) -> Values:
        """Return sums with signs, from the sums of those whose sign stays."""
        return 2 * self.total(kept) - self.whole_total()

    def whole_total(self) -> Values:
        """Return the sum of all values, as rounded."""
        return self.total([whole.astype(np.float64).sum(axis=0) for whole in self.wholes])

    def whole_sizes(self) -> Values:
        """Return the sum of all sizes, as rounded."""
        return self.total([np.abs(whole).astype(np.float64).sum(axis=0) for whole in self.wholes])


def _parts(values: Values, bits: int) -> _Parts:
    """Split values in parts, the first of which is nearly all of them.

    In double precision, all that matters is in one part.
    """
    wholes: list[_Wholes] = []
    places, left = [], values
    double = bits > _SINGLE_BITS
    for _ in range(1 if double or len(values) <= _ONE_PART else 2):
        at = _places(left, bits - _SPARE)
        whole = np.rint(np.ldexp(left, at))
        wholes.append(whole if double else whole.astype(np.float32))
        places.append(at)
        left = left - np.ldexp(whole, -at)
    return _Parts(wholes, places)


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


def _coins(n: int, seed: np.random.SeedSequence, resamples: int, columns: int) -> Iterator[Values]:
    """Yield 1 for heads and 0 for tails, shape (some resamples, articles and a few more)."""
    words = -(-n // 64)
    bits = np.random.PCG64(seed)
    room: Values | None = None
    for rows in _blocks(words * 64, resamples, columns):
        thrown = bits.random_raw(rows * words).astype("<u8", copy=False).view(np.uint8)
        # One room for all blocks: the system would clear new memory before each.
        room = np.empty((rows, words * 64)) if room is None else room[:rows]
        np.copyto(room, np.unpackbits(thrown).reshape(rows, words * 64))
        yield room


def _draw_resamples(
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
    for rows in _blocks(words * 4, resamples, columns):
        counts = draws.draw(rows, words)
        counts[:, n:] = 0
        missing = n - (counts @ ones).astype(np.int64)
        for row in np.flatnonzero(missing < 0):
            counts[row, :n] = np.bincount(redrawing.integers(n, size=n), minlength=n)
        places = np.repeat(np.arange(rows) * words * 4, np.maximum(missing, 0))
        places += filling.integers(n, size=len(places))
        np.add.at(counts.reshape(-1), places, np.float32(1))
        yield counts


class _TableDraws:
    """Entries of a table, one for each 16 bits of a stream.

    All blocks share one room: new memory, which the system clears, takes longer than the draws.
    """

    def __init__(self, table: _Wholes, bits: np.random.PCG64) -> None:
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


def _blocks(width: int, resamples: int, columns: int) -> Iterator[int]:
    rows = max(1, BLOCK * max(1, columns // _BLOCK_COLUMNS) // max(1, width))
    for start in range(0, resamples, rows):
        yield min(rows, resamples - start)


# Of more articles than can be at hand at once: block after block.

# Up to so many articles, all are at hand. From there on each block of articles has its own draws,
# and both numbers are part of what they are: with others the resamples would be others.
AT_ONCE = 50_000
BLOCK_ARTICLES = 2**13
# The streams of the blocks' draws, apart from all others of a seed.
_OF_BLOCKS = 2006
_DRAWN, _FLIPPED, _WEIGHTED = range(3)


class BlockSums:
    """Counts, sums and extremes of columns whose rows come in blocks, NaN for a missing value.

    Each block is summed exactly, and so are the sums of the blocks: where rows are cut is fixed, so
    that nothing depends on a machine.
    """

    def __init__(self, columns: int) -> None:
        """Start without a row."""
        self.n = np.zeros(columns, np.int64)
        self.least = np.full(columns, np.inf)
        self.farthest = np.zeros(columns)  # from 0
        self._sums: list[Values] = []

    def add(self, values: Values) -> None:
        """Take in the next rows, shape (rows, columns)."""
        known = ~np.isnan(values)
        self.n += known.sum(axis=0)
        self.least = np.minimum(self.least, values.min(axis=0, initial=np.inf, where=known))
        sizes = np.abs(values).max(axis=0, initial=0.0, where=known)
        self.farthest = np.maximum(self.farthest, sizes)
        self._sums.append(_column_sums(np.where(known, values, 0.0)))

    @property
    def total(self) -> Values:
        """The sum of each column."""
        return _column_sums(np.array(self._sums)) if self._sums else np.zeros(len(self.n))

    @property
    def mean(self) -> Values:
        """The mean of each column, NaN where it has no value."""
        with np.errstate(invalid="ignore"):
            means: Values = self.total / self.n
        return means


class ClusterSums:
    """What `cluster_totals` returns, of values that come in blocks."""

    def __init__(self, columns: int, clusters: Clusters) -> None:
        """Start without an article; clusters: the number of each article's, from 0."""
        self._clusters, self._start = clusters, 0
        self.totals, self.counts = np.zeros((2, int(clusters.max(initial=-1)) + 1, columns))

    def add(self, values: Values) -> None:
        """Take in the next articles, shape (articles, columns), NaN for a missing value."""
        end = self._start + len(values)
        clusters, known = self._clusters[self._start : end], ~np.isnan(values)
        np.add.at(self.totals, clusters, np.where(known, values, 0.0))
        np.add.at(self.counts, clusters, known)
        self._start = end

    @property
    def groups(self) -> npt.NDArray[np.int64]:
        """How many clusters have a value of a column."""
        groups: npt.NDArray[np.int64] = (self.counts > 0).sum(axis=0)
        return groups

    def error(self, n: npt.NDArray[np.int64], farthest: Values, greatest: Values) -> Values:
        """Return the standard error of means, of sums of how far each value lies from its mean.

        n: values; farthest: the greatest of these distances; greatest: the greatest size of a
        value.
        """
        groups = self.groups
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = _column_sums(self.totals**2) / (groups - 1) / groups
            error: Values = np.sqrt(spread) * (groups / n)
        alike = farthest <= _NOISE * greatest
        return np.where(groups > 1, np.where(alike, 0.0, error), np.nan)


class BlockDraws:
    """What `bootstrap_differences` does, of differences that come in blocks.

    How often an article is drawn follows Poisson's law with a mean of one, without regard to the
    others, where draws of n from n articles make a multinomial; the mean of a resample is the sum
    of what was drawn over its number. (Hanley & MacGibbon 2006, Creating non-parametric bootstrap
    samples using Poisson frequencies, Comput. Methods Programs Biomed. 83:57; Chamandy et al. 2012,
    Estimating uncertainty for massive data streams, Google.) Of thousands of articles and more, the
    two are as good as the same.
    """

    def __init__(self, columns: int, seed: int, resamples: int = RESAMPLES) -> None:
        """Start without an article."""
        self._seed, self._resamples, self._blocks = seed, resamples, 0
        self._sums, self._drawn = np.zeros((2, resamples, columns))
        self._rounded = np.zeros(columns)
        self._known = BlockSums(columns)

    def add(self, differences: Values) -> None:
        """Take in the next articles, shape (articles, columns), NaN for a missing difference."""
        totals, present = cluster_totals(differences, None)
        parts = _parts(totals, _SINGLE_BITS - _DRAWN_BITS)
        stream = _block_stream(self._seed, _DRAWN, self._blocks)
        draws = _poisson_weights(parts.n, stream, self._resamples, totals.shape[1])
        summands = [*parts.wholes, present.astype(np.float32)]
        found = _products(draws, summands, self._resamples)
        self._sums += parts.total(found[:-1])
        self._drawn += found[-1]
        self._rounded += parts.whole_total()
        self._known.add(differences)
        self._blocks += 1

    def means(self) -> Values:
        """Return the means of the resamples, shape (resamples, columns)."""
        known = np.maximum(self._known.n, 1)
        with np.errstate(invalid="ignore"):  # 0 / 0: none of the column was drawn
            drawn_means: Values = self._sums / self._drawn
        return drawn_means - (self._rounded - self._known.total) / known


class BlockFlips:
    """What `sign_flips` does, of differences that come in blocks: of each block its own coins.

    The halves of which a throw serves twice are the blocks of even number, and of odd.
    """

    def __init__(self, columns: int, seed: int, resamples: int = RESAMPLES) -> None:
        """Start without an article."""
        self._seed, self._resamples, self._blocks = seed, resamples, 0
        self._n = 0
        self._halves = np.zeros((2, -(-resamples // 2), columns))
        self._observed, self._sizes = np.zeros((2, columns))

    def add(self, differences: Values) -> None:
        """Take in the next articles, shape (articles, columns); a missing difference counts 0."""
        n, columns = differences.shape
        parts = _parts(np.nan_to_num(differences, nan=0.0), _DOUBLE_BITS)
        stream = _block_stream(self._seed, _FLIPPED, self._blocks)
        throws = len(self._halves[0])
        kept = _products(_coins(n, stream, throws, columns), parts.wholes, throws)
        self._halves[self._blocks % 2] += parts.signed_sums(kept)
        self._observed += parts.whole_total()
        self._sizes += parts.whole_sizes()
        self._n += n
        self._blocks += 1

    def flips(self) -> Flips:
        """Return the sum that was observed, and those under flipped signs."""
        one, other = self._halves
        flipped = np.stack([one + other, one - other], axis=1).reshape(-1, one.shape[1])
        tolerance = (_NOISE + self._n * 2.0 ** (4 - _DOUBLE_BITS)) * self._sizes
        return Flips(self._observed, flipped[: self._resamples], tolerance)


def sign_flips_of_any(differences: Values, seed: int, resamples: int = RESAMPLES) -> Flips:
    """Return `sign_flips`, or those of blocks where there are many articles: in little memory."""
    if len(differences) <= AT_ONCE:
        return sign_flips(differences, seed, resamples)
    flips = BlockFlips(differences.shape[1], seed, resamples)
    for start in range(0, len(differences), BLOCK_ARTICLES):
        flips.add(differences[start : start + BLOCK_ARTICLES])
    return flips.flips()


class BlockWeights:
    """What `worst_case_means` does, of values that come in blocks: each has its own weights."""

    def __init__(self, columns: int, seed: int, resamples: int = RESAMPLES) -> None:
        """Start without an article."""
        self._seed, self._resamples, self._blocks = seed, resamples, 0
        self._weighted, self._weight = np.zeros((2, resamples, columns))
        self._least = np.full(columns, np.inf)

    def add(self, values: Values) -> None:
        """Take in the next articles, shape (articles, columns), NaN for a missing value."""
        totals, counts = cluster_totals(values, None)
        least = np.where(counts > 0, totals, np.inf).min(axis=0, initial=np.inf)
        self._least = np.minimum(self._least, least)
        columns = totals.shape[1]
        # Where all columns have values of the same articles, their weights are the same, too.
        alike = bool((counts == counts[:, :1]).all())
        summands: list[_Wholes] = [_whole_numbers(totals), counts[:, :1] if alike else counts]
        weights = self._weights(self._blocks, len(totals), 2 * columns)
        weighted, weight = _products(weights, summands, self._resamples)
        self._weighted += np.ldexp(weighted, -_places_of_sum(totals))
        self._weight += weight
        self._blocks += 1

    def _weights(self, block: int, n: int, columns: int) -> Iterator[Values]:
        stream = _block_stream(self._seed, _WEIGHTED, block)
        return _exponential_weights(n, stream, self._resamples, columns)

    def means(self, worst: Values) -> Values:
        """Return the means with one article more, that was not seen: worst, or the least seen."""
        drawn = self._weights(self._blocks, 1, 1)
        unseen = np.concatenate([some.copy() for some in drawn])
        least = np.minimum(worst, self._least)
        with np.errstate(invalid="ignore"):  # inf - inf: none is known
            means: Values = (self._weighted + unseen * least) / (self._weight + unseen)
        return means


def _block_stream(seed: int, purpose: int, block: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(_OF_BLOCKS, purpose, block))


def _poisson_weights(
    n: int, stream: np.random.SeedSequence, resamples: int, columns: int
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield how often each article is drawn, each by itself: (some resamples, articles and 0s)."""
    draws = _TableDraws(_poisson_table(1.0), np.random.PCG64(stream))
    words = -(-n // 4)
    for rows in _blocks(words * 4, resamples, columns):
        counts = draws.draw(rows, words)
        counts[:, n:] = 0
        yield counts


def draw_replicates(
    means: Values, seed: np.random.SeedSequence, resamples: int = RESAMPLES
) -> Values:
    """Draw how far the mean of a few replicates may lie from that of all that there could be.

    means: shape (replicates, columns); a row is one seed or prompt, and columns that had the same
    ones may move together. Returns shape (resamples, columns).

    The second factor of a bootstrap of two, articles and replicates, each drawn by itself and added
    up (Owen 2007, The pigeonhole bootstrap, Ann. Appl. Stat. 1:386; the noise of single summaries
    counts in both, so that intervals are rather too wide, as they are there). Five seeds that are
    drawn with replacement would vary by a fifth too little and know nothing of the tails, so the
    draws are Student's t with the replicates' spread (Fisher 1935, The fiducial argument).

    >>> draw_replicates(np.ones((3, 1)), np.random.SeedSequence(0), resamples=2).tolist()
    [[0.0], [0.0]]
    """
    replicates, columns = means.shape
    rng = np.random.default_rng(seed)
    moved: Values = np.zeros((resamples, columns))
    # Term by term, as products of matrices are not the same to the last bit on all machines.
    for row in means - column_means(means):
        moved += rng.standard_normal(resamples)[:, np.newaxis] * row
    squares = np.zeros(resamples)
    for _ in range(replicates - 1):
        squares += rng.standard_normal(resamples) ** 2
    moved /= np.sqrt(squares * replicates)[:, np.newaxis]
    return moved


def percentile_interval(resampled: Values, level: float = ALPHA) -> tuple[Values, Values]:
    """Return the ends that hold all but a share `level` of the resamples of each column.

    NaN where more than a tenth of the resamples have no mean.
    """
    low_high = np.full((2, resampled.shape[1]), np.nan)
    known = np.isnan(resampled).mean(axis=0) <= 0.1
    if known.any():
        tails = [level / 2, 1 - level / 2]
        low_high[:, known] = quantiles(resampled[:, known], tails)
    return low_high[0], low_high[1]


def standard_error(
    differences: Values, means: Values | None = None, clusters: Clusters | None = None
) -> Values:
    """Return the standard error of each column's mean, NaN where fewer than two are known.

    0 where all differences are equal up to the floats' noise. clusters: as `cluster_totals` has
    them; then it is the error of a mean over clusters.
    """
    known = ~np.isnan(differences)
    centred = differences - (column_means(differences) if means is None else means)
    totals, counts = cluster_totals(np.where(known, centred, np.nan), clusters)
    n, groups = known.sum(axis=0), (counts > 0).sum(axis=0)
    greatest = np.abs(differences).max(axis=0, initial=0.0, where=known)
    farthest = np.abs(centred).max(axis=0, initial=0.0, where=known)
    with np.errstate(invalid="ignore", divide="ignore"):
        error: Values = np.sqrt(_column_sums(totals**2) / (groups - 1) / groups) * (groups / n)
    alike = farthest <= _NOISE * greatest
    return np.where(groups > 1, np.where(alike, 0.0, error), np.nan)


def error_of_squares(squares: BlockSums, farthest: Values) -> Values:
    """Return the standard error of each mean, as `standard_error` does, of articles in blocks.

    squares: of how far each value lies from the mean; farthest: the greatest size of a value.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        error: Values = np.sqrt(squares.total / (squares.n - 1) / squares.n)
    alike = np.sqrt(squares.farthest) <= _NOISE * farthest
    return np.where(squares.n > 1, np.where(alike, 0.0, error), np.nan)


def smallest_detectable(error: float, n: int, level: float, power: float = POWER) -> float:
    """Return the smallest true difference that a one-sided test finds with the chance `power`.

    error: the standard error of the mean difference, which is itself known only so well: it is
    taken for larger by its own standard error. For a two-sided test, give half the level.

    >>> round(smallest_detectable(error=0.01, n=1000, level=0.025), 5)
    0.02867
    """
    return (t_quantile(1 - level, n - 1) + t_quantile(power, n - 1)) * cautious(error, n)


def cautious(error: float, n: int) -> float:
    """Return a standard error that is larger by its own standard error (of normal scores)."""
    return error * (1 + 1 / math.sqrt(2 * (n - 1)))


def t_quantile(share: float, freedom: int) -> float:
    """Return the quantile of Student's t, by the expansion in Abramowitz & Stegun 26.7.5.

    Good to 1 % from 5 degrees of freedom on (shares of 0.001 to 0.999); infinite without any.

    >>> round(t_quantile(0.975, 30), 4)
    2.0423
    """
    if freedom < 1:
        return math.inf if share > 0.5 else -math.inf
    from statistics import NormalDist

    z = NormalDist().inv_cdf(share)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / float(freedom) ** k for k, term in enumerate(terms, 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted so that the chance of one false finding stays below the level.

    Step-down after Holm (1979): valid however the tests depend on each other.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    n, adjusted, greatest = len(p_values), [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(n), key=lambda each: p_values[each])):
        greatest = max(greatest, min(1.0, (n - rank) * p_values[place]))
        adjusted[place] = greatest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted so that the expected share of false findings stays below the level.

    Step-up after Benjamini & Hochberg (1995), for tests that are independent or rise together.

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    [0.03, 0.04, 0.04]
    """
    n, adjusted, least = len(p_values), [0.0] * len(p_values), 1.0
    order = sorted(range(n), key=lambda each: p_values[each], reverse=True)
    for behind, place in enumerate(order):
        least = min(least, p_values[place] * n / (n - behind))
        adjusted[place] = least
    return adjusted


def letters(n: int, different: Collection[tuple[int, int]]) -> list[str]:
    """Return a compact letter display: systems that differ share no letter.

    n: systems, best first. different: pairs of places that a test tells apart. Each letter goes to
    as many systems as it can, and some pair shares no other. (Piepho 2004, An algorithm for a
    letter-based representation. The fewest letters of all may take exponential time: Gramm et al.
    2007, Algorithms for compact letter displays.)

    >>> letters(3, {(0, 2)})
    ['a', 'ab', 'b']
    """
    alike = [set(range(n)) - {i} for i in range(n)]
    for one, other in different:
        alike[one].discard(other)
        alike[other].discard(one)
    groups = sorted(_needed_groups(_groups(alike)), key=sorted)
    return ["".join(_letter(k) for k, group in enumerate(groups) if i in group) for i in range(n)]


def _groups(alike: Sequence[Set[int]]) -> list[frozenset[int]]:
    """Return groups of systems that are all alike: every pair, and every system, is in one."""
    groups: list[frozenset[int]] = []
    # What each system shares no letter with as yet.
    missing = [set(others) for others in alike]
    for one, others in enumerate(alike):
        if not others:
            groups.append(frozenset({one}))
        while missing[one]:
            group, fitting = {one}, set(others)
            while fitting:
                best = max(fitting, key=lambda i: (len(missing[i] & group), -i))
                group.add(best)
                fitting &= alike[best]
            for member in group:
                missing[member] -= group
            groups.append(frozenset(group))
    return groups


def _needed_groups(groups: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    """Return the groups without those whose pairs all stand together in others."""
    shared = Counter(pair for group in groups for pair in _pairs_within(group))
    needed = []
    for group in groups:
        pairs = list(_pairs_within(group))
        if all(shared[pair] > 1 for pair in pairs):
            shared.subtract(pairs)
        else:
            needed.append(group)
    return needed


def _pairs_within(group: Collection[int]) -> Iterator[tuple[int, int]]:
    """Yield every pair of a group, and each member with itself."""
    return itertools.combinations_with_replacement(sorted(group), 2)


def _letter(number: int) -> str:
    """Return a to z, then aʹ to zʹ, and so on."""
    return chr(ord("a") + number % 26) + "′" * (number // 26)
