"""Two systems on the same articles: resampled differences, randomization, effect sizes, power.

Differences lie in an array of shape (articles, columns), one column a metric, with NaN where one of
both has no score. One resample of the articles, and one flip of the signs, serves all columns. Each
sum is exact (`stats.resampling`). `stats.blockwise` does the same of articles that come in blocks.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalharness.stats.intervals import Values, quantiles
from evalharness.stats.resampling import (
    DOUBLE_BITS,
    DRAWN_BITS,
    NOISE,
    SINGLE_BITS,
    coins,
    column_means,
    column_sums,
    exponential_weights,
    multiply,
    places_of_sum,
    products,
    resample_counts,
    split_in_parts,
    whole_numbers,
)

Clusters = npt.NDArray[np.intp]

RESAMPLES = 10_000
ALPHA = 0.05
POWER = 0.8


def subtract(scores: Values, others: Values) -> Values:
    """Return the differences of paired scores: 0 where they are equal up to the floats' noise.

    >>> subtract(np.array([0.1 + 0.2, 0.5]), np.array([0.3, 0.25])).tolist()
    [0.0, 0.25]
    """
    differences: Values = scores - others
    noise = NOISE * np.maximum(np.abs(scores), np.abs(others))
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
    parts = split_in_parts(totals, SINGLE_BITS - DRAWN_BITS)
    whole = bool((present == 1).all())
    summands = parts.wholes if whole else [*parts.wholes, present.astype(np.float32)]
    found = products(resample_counts(n, seed, resamples, columns), summands, resamples)
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
    whole = whole_numbers(summands[0])
    columns = whole.shape[1]
    # Where all columns have scores of the same articles, their weights are the same, too.
    alike = bool((summands[1] == summands[1][:, :1]).all())
    sums = np.concatenate([whole, summands[1][:, :1] if alike else summands[1]], axis=1)
    found = np.empty((resamples, sums.shape[1]))
    start = 0
    stream = np.random.SeedSequence(seed)
    for weights in exponential_weights(len(sums), stream, resamples, 2 * columns):
        multiply(weights, sums, found[start : start + len(weights)])
        start += len(weights)
    weighted, weight = np.split(found, [columns], axis=1)
    with np.errstate(invalid="ignore"):  # 0 / 0: none is known
        means: Values = np.ldexp(weighted, -places_of_sum(summands[0])) / weight
    return means


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
    parts = split_in_parts(np.nan_to_num(differences, nan=0.0), DOUBLE_BITS)
    # Each throw of the coins serves twice: with the second half as thrown, and turned over. Both
    # are fair throws, and as good as independent where the halves spread alike.
    throws = -(-resamples // 2)
    streams = np.random.SeedSequence(seed).spawn(2)
    one, other = (
        half.signed_sums(products(coins(half.n, stream, throws, columns), half.wholes, throws))
        for half, stream in zip(parts.halves(), streams, strict=True)
    )
    flipped = np.stack([one + other, one - other], axis=1).reshape(-1, columns)
    # What rounding may move a sum by, and that which is observed, is n / 2**49 of all sizes.
    tolerance = (NOISE + n * 2.0 ** (4 - DOUBLE_BITS)) * parts.whole_sizes()
    return Flips(parts.whole_total(), flipped[:resamples], tolerance)


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
        error: Values = np.sqrt(column_sums(totals**2) / (groups - 1) / groups) * (groups / n)
    alike = farthest <= NOISE * greatest
    return np.where(groups > 1, np.where(alike, 0.0, error), np.nan)


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
