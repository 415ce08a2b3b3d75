"""What `paired` does, of more articles than can be at hand at once: block after block."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from evalharness.stats.intervals import Values
from evalharness.stats.paired import RESAMPLES, Clusters, Flips, cluster_totals, sign_flips
from evalharness.stats.resampling import (
    DOUBLE_BITS,
    DRAWN_BITS,
    NOISE,
    SINGLE_BITS,
    Wholes,
    coins,
    column_sums,
    exponential_weights,
    places_of_sum,
    poisson_weights,
    products,
    split_in_parts,
    whole_numbers,
)

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
        self._sums.append(column_sums(np.where(known, values, 0.0)))

    @property
    def total(self) -> Values:
        """The sum of each column."""
        return column_sums(np.array(self._sums)) if self._sums else np.zeros(len(self.n))

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
            spread = column_sums(self.totals**2) / (groups - 1) / groups
            error: Values = np.sqrt(spread) * (groups / n)
        alike = farthest <= NOISE * greatest
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
        parts = split_in_parts(totals, SINGLE_BITS - DRAWN_BITS)
        stream = _block_stream(self._seed, _DRAWN, self._blocks)
        draws = poisson_weights(parts.n, stream, self._resamples, totals.shape[1])
        summands = [*parts.wholes, present.astype(np.float32)]
        found = products(draws, summands, self._resamples)
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
        parts = split_in_parts(np.nan_to_num(differences, nan=0.0), DOUBLE_BITS)
        stream = _block_stream(self._seed, _FLIPPED, self._blocks)
        throws = len(self._halves[0])
        kept = products(coins(n, stream, throws, columns), parts.wholes, throws)
        self._halves[self._blocks % 2] += parts.signed_sums(kept)
        self._observed += parts.whole_total()
        self._sizes += parts.whole_sizes()
        self._n += n
        self._blocks += 1

    def flips(self) -> Flips:
        """Return the sum that was observed, and those under flipped signs."""
        one, other = self._halves
        flipped = np.stack([one + other, one - other], axis=1).reshape(-1, one.shape[1])
        tolerance = (NOISE + self._n * 2.0 ** (4 - DOUBLE_BITS)) * self._sizes
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
        summands: list[Wholes] = [whole_numbers(totals), counts[:, :1] if alike else counts]
        weights = self._weights(self._blocks, len(totals), 2 * columns)
        weighted, weight = products(weights, summands, self._resamples)
        self._weighted += np.ldexp(weighted, -places_of_sum(totals))
        self._weight += weight
        self._blocks += 1

    def _weights(self, block: int, n: int, columns: int) -> Iterator[Values]:
        stream = _block_stream(self._seed, _WEIGHTED, block)
        return exponential_weights(n, stream, self._resamples, columns)

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


def error_of_squares(squares: BlockSums, farthest: Values) -> Values:
    """Return the standard error of each mean, as `standard_error` does, of articles in blocks.

    squares: of how far each value lies from the mean; farthest: the greatest size of a value.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        error: Values = np.sqrt(squares.total / (squares.n - 1) / squares.n)
    alike = np.sqrt(squares.farthest) <= NOISE * farthest
    return np.where(squares.n > 1, np.where(alike, 0.0, error), np.nan)
