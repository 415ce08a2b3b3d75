"""Runs compared on the articles they share: means, differences, what chance explains, letters."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evalharness.comparison.shared import (
    Chosen,
    Incomparable,
    Measure,
    Shared,
    choose_measures,
    share,
)
from evalharness.errors import HarnessError
from evalharness.stats import paired
from evalharness.stats.intervals import Values, none_for_nan
from evalharness.store.runs import Run, runs_in


@dataclass(frozen=True)
class Difference:
    """How much higher a system scores than the baseline, on articles where all have a score.

    low, high: the paired bootstrap interval. p: two-sided, by paired randomization; p_holm and p_bh
    are adjusted over the family. effect: the mean difference in standard deviations of it (Cohen's
    d for pairs). detectable: the smallest true difference that so many articles show with a chance
    of 80 %, at the level shared out among the family. None where it is not defined.
    """

    metric: str
    baseline: str
    system: str
    n: int
    difference: float | None
    low: float | None
    high: float | None
    p: float
    p_holm: float
    p_bh: float
    effect: float | None
    wins: int
    ties: int
    losses: int
    detectable: float | None


@dataclass(frozen=True)
class Standing:
    """A system's place by one metric, on articles where all systems have a score.

    letters: systems that share one are not told apart (Holm over all pairs of this metric).
    rank: the mean of its ranks over the articles; 1 is best, ties share theirs.
    """

    metric: str
    system: str
    n: int
    not_scored: int
    mean: float | None
    rank: float | None
    letters: str


@dataclass(frozen=True)
class Comparison:
    """Runs on the articles they share; the first is the baseline of all differences."""

    systems: tuple[str, ...]
    folders: tuple[str, ...]
    articles: int
    left_out: Mapping[str, int]
    metrics: tuple[str, ...]
    metrics_left_out: Mapping[str, str]
    signatures: Mapping[str, str]
    standings: tuple[Standing, ...]
    differences: tuple[Difference, ...]
    pairs: tuple[Mapping[str, Any], ...]
    resamples: int
    seed: int
    level: float
    cluster: str = ""

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        return asdict(self)

    def standing(self, metric: str, system: str) -> Standing:
        """Return a system's place by one metric."""
        return next(s for s in self.standings if (s.metric, s.system) == (metric, system))


def compare(
    *runs: str | Path | Run,
    metrics: Sequence[str] = (),
    resamples: int = paired.RESAMPLES,
    seed: int = 0,
    level: float = paired.ALPHA,
    cluster: str = "",
) -> Comparison:
    """Compare runs, given by their folders; a folder of runs stands for all of them.

    metrics: names, or names of parts (`rouge.rouge1`); otherwise what tables show. All systems and
    metrics share each resample. cluster: `source`, or an extra field of the articles: those that
    are alike in it are drawn, and change sides, together. The same arguments give the same numbers
    on any machine.

    Raises: Incomparable where the data or the metrics are not the same; DataError for what is no
        run.
    """
    if not 0 < level < 1:
        raise HarnessError(f"level: should lie between 0 and 1, not {level}")
    if resamples < 100:
        raise HarnessError(f"resamples: should be at least 100, not {resamples}")
    read = [inner for run in runs for inner in runs_in(run)]
    if len(read) < 2:
        raise Incomparable("give at least two runs to compare")
    chosen = choose_measures(read, [metrics] if isinstance(metrics, str) else metrics)
    return compare_shared(share(read), chosen, resamples, seed, level, cluster)


def compare_shared(
    shared: Shared,
    chosen: Chosen,
    resamples: int = paired.RESAMPLES,
    seed: int = 0,
    level: float = paired.ALPHA,
    cluster: str = "",
) -> Comparison:
    """Compare runs by chosen measures on the articles they share."""
    chosen = _with_values(shared, chosen)
    measures, clusters = chosen.measures, shared.clusters(cluster)
    scores = shared.values(measures)
    whole = ~np.isnan(scores).any(axis=2, keepdims=True)
    known = np.where(whole, scores, np.nan)
    # Less the first system's: all other differences are differences of these.
    n, _, k = known.shape
    differences = paired.subtract(known[:, :, 1:], known[:, :, :1]).reshape(n, -1)
    flips = paired.sign_flips(paired.cluster_totals(differences, clusters)[0], seed, resamples)
    # Exact means are slow: each is made once.
    means = paired.column_means(known.reshape(n, -1)).reshape(-1, k)
    spread = _spread(differences, clusters, resamples, seed, level)
    found = _differences(shared.names, measures, differences, flips, spread, level)
    pairs = [
        _pairs(shared.names, measure, means[i], _of(flips, i, k), level)
        for i, measure in enumerate(measures)
    ]
    signatures = shared.runs[0].signatures.metrics
    return Comparison(
        systems=tuple(shared.names),
        folders=tuple(str(run.folder) for run in shared.runs),
        articles=shared.n,
        left_out=shared.left_out,
        metrics=tuple(measure.name for measure in measures),
        metrics_left_out=chosen.left_out,
        signatures={m.metric: signatures.get(m.metric, m.metric) for m in measures},
        standings=tuple(
            standing
            for i, measure in enumerate(measures)
            for standing in _standings(
                shared.names, measure, scores[:, i], known[:, i], means[i], pairs[i]
            )
        ),
        differences=tuple(found),
        pairs=tuple(pair for each in pairs for pair in each),
        resamples=resamples,
        seed=seed,
        level=level,
        cluster=cluster,
    )


def _with_values(shared: Shared, chosen: Chosen) -> Chosen:
    """Return what has a value of every system on some article; the rest is said to be left out.

    Where nothing has, all stays: rows without figures say so.
    """
    known = ~np.isnan(shared.values(chosen.measures))
    compared = set(np.flatnonzero(known.all(axis=2).any(axis=0)).tolist())
    kept = [measure for i, measure in enumerate(chosen.measures) if i in compared]
    if not kept:
        return chosen
    why = {
        measure.name: "not measured: no article has a value of all systems"
        for measure in chosen.measures
        if measure not in kept
    }
    return Chosen(tuple(kept), {**chosen.left_out, **why})


@dataclass(frozen=True)
class _Spread:
    """Mean differences, and how sure they are, by column: interval, standard errors, number.

    error: of articles; cluster_error: of clusters, or of articles where these are drawn. drawn: how
    many clusters, or articles, have a difference.
    """

    mean: Values
    low: Values
    high: Values
    error: Values
    cluster_error: Values
    drawn: npt.NDArray[np.intp]


def _spread(
    differences: Values,
    clusters: paired.Clusters | None,
    resamples: int,
    seed: int,
    level: float,
) -> _Spread:
    means = paired.column_means(differences)
    _, counts = paired.cluster_totals(differences, clusters)
    drawn = paired.bootstrap_differences(differences, seed, resamples, means, clusters)
    return _Spread(
        means,
        *paired.percentile_interval(drawn, level),
        paired.standard_error(differences, means),
        paired.standard_error(differences, means, clusters),
        (counts > 0).sum(axis=0),
    )


def _of(flips: paired.Flips, measure: int, k: int) -> paired.Flips:
    """Return one measure's columns, before them the baseline's: it differs from itself by 0."""
    columns = slice(measure * (k - 1), (measure + 1) * (k - 1))
    return paired.Flips(
        np.concatenate([[0.0], flips.observed[columns]]),
        np.concatenate([np.zeros((len(flips.flipped), 1)), flips.flipped[:, columns]], axis=1),
        np.concatenate([[0.0], flips.tolerance[columns]]),
    )


def _differences(
    names: Sequence[str],
    measures: Sequence[Measure],
    differences: Values,
    flips: paired.Flips,
    spread: _Spread,
    level: float,
) -> Iterator[Difference]:
    """Yield the difference of each system to the first, by metric; the family is all of these."""
    p_values = flips.two_sided().tolist()
    p_holm, p_bh = paired.holm(p_values), paired.benjamini_hochberg(p_values)
    family = len(p_values)
    for at, (measure, system) in enumerate(itertools.product(measures, names[1:])):
        column = differences[:, at]
        n = int((~np.isnan(column)).sum())
        yield Difference(
            metric=measure.name,
            baseline=names[0],
            system=system,
            n=n,
            difference=none_for_nan(spread.mean[at]),
            low=none_for_nan(spread.low[at]),
            high=none_for_nan(spread.high[at]),
            p=p_values[at],
            p_holm=p_holm[at],
            p_bh=p_bh[at],
            effect=_effect(spread.mean[at], spread.error[at], n),
            wins=int((column > 0).sum()),
            ties=int((column == 0).sum()),
            losses=int((column < 0).sum()),
            detectable=_detectable(
                float(spread.cluster_error[at]), int(spread.drawn[at]), level / 2 / family
            ),
        )


def _effect(mean: float, error: float, n: int) -> float | None:
    """Return the mean in standard deviations: None where all differences are alike."""
    return float(mean / (error * np.sqrt(n))) if n > 1 and error > 0 else None


def _detectable(error: float, n: int, level: float) -> float | None:
    """Return the smallest difference that shows; None where nothing says how articles differ."""
    return paired.smallest_detectable(error, n, level) if n > 1 and error > 0 else None


def _pairs(
    names: Sequence[str], measure: Measure, means: Values, flips: paired.Flips, level: float
) -> list[dict[str, Any]]:
    """Return every pair of systems with its p-value, adjusted over all pairs of this metric."""
    places = list(itertools.combinations(range(len(names)), 2))
    p_values = [float((flips[i] - flips[j]).two_sided()[0]) for i, j in places]
    return [
        {
            "metric": measure.name,
            "one": names[i],
            "other": names[j],
            "difference": none_for_nan(means[j] - means[i]),
            "p": p,
            "p_holm": p_holm,
            "different": p_holm <= level,
        }
        for (i, j), p, p_holm in zip(places, p_values, paired.holm(p_values), strict=True)
    ]


def _standings(
    names: Sequence[str],
    measure: Measure,
    scores: Values,
    known: Values,
    means: Values,
    pairs: Sequence[Mapping[str, Any]],
) -> Iterator[Standing]:
    order = sorted(range(len(names)), key=lambda i: (-np.nan_to_num(means[i], nan=-np.inf), i))
    place = {names[i]: rank for rank, i in enumerate(order)}
    different = {
        tuple(sorted((place[pair["one"]], place[pair["other"]])))
        for pair in pairs
        if pair["different"]
    }
    letters = paired.letters(len(names), {(a, b) for a, b in different})
    ranks = _mean_ranks(known)
    for i, name in enumerate(names):
        yield Standing(
            metric=measure.name,
            system=name,
            n=int((~np.isnan(known[:, i])).sum()),
            not_scored=int(np.isnan(scores[:, i]).sum()),
            mean=none_for_nan(means[i]),
            rank=none_for_nan(ranks[i]),
            letters=letters[place[name]],
        )


def _mean_ranks(known: Values) -> Values:
    """Return each system's mean rank over the articles, 1 for the best; ties share their ranks."""
    scored = known[~np.isnan(known).any(axis=1)]
    if not len(scored):
        return np.full(known.shape[1], np.nan)
    leads = (paired.subtract(scored, own[:, np.newaxis]) for own in scored.T)
    return np.array(
        [(1 + (lead > 0).sum(axis=1) + ((lead == 0).sum(axis=1) - 1) / 2).mean() for lead in leads]
    )
