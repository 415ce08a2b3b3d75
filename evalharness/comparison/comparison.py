"""Runs compared on the articles they share: means, differences, what chance explains, letters."""

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evalharness.comparison.shared import (
    Chosen,
    Incomparable,
    Measure,
    Shared,
    System,
    choose_measures,
    share,
    systems_of,
)
from evalharness.config import registry
from evalharness.config.registry import scaled_figure
from evalharness.display import Cell, data_frame, figure_cell, html_block, html_table, html_text
from evalharness.errors import HarnessError
from evalharness.records import Vote
from evalharness.stats import blockwise, multiplicity, paired
from evalharness.stats.intervals import Blocks, Values, none_for_nan, quantiles
from evalharness.store.runs import (
    NOT_SWEPT,
    Run,
    left_behind,
    preference_ledgers,
    runs_in,
    unique_names,
)

if TYPE_CHECKING:
    from evalharness.comparison.preferences import JudgeAgreement, Preferences
    from evalharness.protocols import Progress

_Counts = npt.NDArray[np.int64]

# The stream of draws that joined runs add, apart from those of the articles.
_JOINED = (2007,)


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

    letters: no significant difference between systems that share one (Holm, all pairs of it).
    rank: the mean of its ranks over the articles; 1 is best, ties share theirs.
    low, high: the interval of the mean over articles and joined runs; None where nothing is joined,
    as a run's own interval stands in its `run.json`.
    """

    metric: str
    system: str
    n: int
    not_scored: int
    mean: float | None
    rank: float | None
    letters: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Runs on the articles they share; the first is the baseline of all differences.

    join: the settings over which runs are joined; joined: the runs of each system that has several.
    incomplete: how many articles were answered by each run that did not answer all; it has no
    letters. Where two complete runs, the first among them, are left, it is not compared at all.
    not_swept: runs in a sweep's folder that the newest sweep has not, and so left out.
    likely_errors: by check and system, how many of its summaries have a likely error, and of how
    many that were checked: all of them, also where others lack the article.
    preferences: what people prefer who voted, and each judge that was asked which of two is better.
    agreement: how well each judge agrees with people. baselines: systems that are baselines or
    upper bounds.
    """

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
    join: tuple[str, ...] = ()
    joined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    incomplete: Mapping[str, str] = field(default_factory=dict)
    not_swept: tuple[str, ...] = ()
    likely_errors: Mapping[str, Mapping[str, tuple[int, int]]] = field(default_factory=dict)
    preferences: tuple["Preferences", ...] = ()
    agreement: tuple["JudgeAgreement", ...] = ()
    baselines: tuple[str, ...] = ()

    def bold_systems(self, metric: str) -> list[str]:
        """Return the systems that are best by a metric: the highest, and what is not shown lower.

        Baselines and upper bounds do not compete, unless there is nothing else. None is best of
        one, or where no system is shown to be lower than the highest.
        """
        ranked = [name for name in self.systems if name not in self.incomplete]
        rivals = [name for name in ranked if name not in self.baselines] or ranked
        known = [s for s in map(partial(self.standing, metric), rivals) if s.mean is not None]
        if not known:
            return []
        highest = max(known, key=lambda s: s.mean or 0.0)
        best = [s.system for s in known if set(s.letters) & set(highest.letters)]
        return best if len(best) < len(known) else []

    def equal_systems(self) -> list[str]:
        """Return the systems that have the first one's score on each article, by every score."""
        alike = {each.system: True for each in self.differences}
        for each in self.differences:
            alike[each.system] &= 0 < each.n == each.ties
        return [system for system, is_alike in alike.items() if is_alike]

    def equal_note(self) -> str:
        """Return which systems do not differ at all, as they do not by accident; else nothing."""
        if not (equal := self.equal_systems()):
            return ""
        names = ", ".join(equal)
        return (
            f"Every score of {names} equals that of {self.systems[0]} on every article: "
            "are these the same summaries?"
        )

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        return asdict(self)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return self.record()

    def __repr__(self) -> str:
        proven = [d for d in self.differences if d.p_holm < self.level and d.difference]
        lines = [
            f"{d.system} {scaled_figure(d.difference, d.metric, '+', 1)} {d.metric}"
            for d in proven[:3]
        ]
        more = f" and {len(proven) - 3} more" if len(proven) > 3 else ""
        said = f"{', '.join(lines)}{more}" if lines else "no significant difference"
        return (
            f"Comparison({self.systems[0]} with {', '.join(self.systems[1:])} on "
            f"{self.articles} articles: {said})"
        )

    def to_pandas(self) -> Any:
        """Return a pandas frame: a row a score and system, with its difference to the baseline.

        Columns: those of `Standing`, then `difference`, its ends and p-values, as `Difference` has
        them; empty for the baseline.
        """
        by_pair = {(d.metric, d.system): asdict(d) for d in self.differences}
        wanted = ("baseline", "difference", "low", "high", "p", "p_holm", "p_bh", "effect")
        names = {"low": "difference_low", "high": "difference_high"}
        rows = []
        for standing in self.standings:
            found = by_pair.get((standing.metric, standing.system), {})
            own = {names.get(key, key): found.get(key) for key in wanted}
            rows.append({**asdict(standing), **own})
        return data_frame(rows)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: means with letters, and differences with intervals."""
        rows: list[list[Cell | str]] = [
            [name, *(self._mean_cell(m, name) for m in self.metrics)] for name in self.systems
        ]
        differences: list[list[Cell | str]] = [
            [
                f"{d.system} − {d.baseline}",
                d.metric,
                figure_cell(
                    scaled_figure(d.difference, d.metric, "+", 1),
                    f"{scaled_figure(d.low, d.metric, '+', 1)} to "
                    f"{scaled_figure(d.high, d.metric, '+', 1)}",
                ),
                "<0.001" if d.p_holm < 0.001 else f"{d.p_holm:.3f}",
            ]
            for d in self.differences
        ]
        note = (
            f"{self.articles} articles; times 100; systems that share a letter do not differ "
            f"significantly. p is adjusted over all differences (Holm); {1 - self.level:.0%} "
            f"intervals, {self.resamples} resamples, seed {self.seed}."
        )
        return html_block(
            html_table(["system", *self.metrics], rows),
            html_table(["difference", "score", "mean", "p"], differences, words=2),
            html_text(note, style="notes"),
        )

    def _mean_cell(self, metric: str, system: str) -> Cell:
        standing = self.standing(metric, system)
        return figure_cell(scaled_figure(standing.mean, metric, digits=1), mark=standing.letters)

    def standing(self, metric: str, system: str) -> Standing:
        """Return a system's place by one metric."""
        return next(s for s in self.standings if (s.metric, s.system) == (metric, system))


def compare(
    *runs: str | Path | Run,
    metrics: Sequence[str] = (),
    resamples: int = paired.RESAMPLES,
    seed: int = 0,
    level: float = paired.ALPHA,
    incomplete: bool = False,
    join: Sequence[str] = (),
    cluster: str = "",
    judge: str | Path | Mapping[str, Any] | None = None,
    votes: Sequence[Vote] = (),
    progress: "Progress | None" = None,
) -> Comparison:
    """Compare runs, given by their folders; a folder of runs stands for all of them.

    metrics: names, or names of parts (`rouge.rouge1`); otherwise what tables show. All systems and
    metrics share each resample. The same arguments give the same numbers on any machine.
    incomplete: whether to rank runs that did not answer every article as the others. join: settings
    of a sweep (`seed`); runs that differ in these alone are one system, and intervals and tests
    carry their chance beside that of the articles. cluster: `source`, or an extra field of the
    articles: those that are alike in it are drawn, and change sides, together. judge: a YAML file
    that says which judge to ask, of each two summaries, which is better; or a mapping of its shape.
    What judges said before is counted, whether or not one is asked now; of joined runs nothing is.
    votes: of people (`read_votes`), who then stand beside the judges.

    Raises: Incomparable where the data or the metrics are not the same; DataError for what is no
        run.
    """
    _check_test(level, resamples)
    read = [inner for run in runs for inner in runs_in(run)]
    not_swept = tuple(name for run in runs for name in left_behind(run))
    if len(read) < 2:
        others = f"; {', '.join(not_swept)}: {NOT_SWEPT}" if not_swept else ""
        raise Incomparable(f"give at least two runs to compare{others}")
    names = unique_names(read)
    partial = {} if incomplete else incomplete_runs(read, names)
    kept = _places_to_compare(names, partial)
    compared = [read[n] for n in kept]
    chosen = choose_measures(compared, [metrics] if isinstance(metrics, str) else metrics)
    shared = replace(share(compared), given_names=tuple(names[n] for n in kept))
    keys = [join] if isinstance(join, str) else join
    if judge is not None:
        from evalharness.comparison.preferences import ask_about

        ask_about(shared, judge, seed, progress)
    found = compare_shared(shared, chosen, resamples, seed, level, keys, cluster, votes)
    without = {*partial, *(name for name, of in found.joined.items() if partial.keys() & {*of})}
    if without:
        found = replace(found, standings=tuple(_with_letters_of_ranked(found, without)))
    errors = _likely_errors(found, dict(zip(shared.given_names, compared, strict=True)))
    return replace(found, incomplete=partial, not_swept=not_swept, likely_errors=errors)


def _likely_errors(
    found: Comparison, runs: Mapping[str, Run]
) -> dict[str, dict[str, tuple[int, int]]]:
    """Return by check and system how many summaries have a likely error, of how many."""
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for system in found.systems:
        own = [runs[name] for name in found.joined.get(system, (system,))]
        for label in dict.fromkeys(metric.partition(".")[0] for metric in found.metrics):
            known = [run.figures[label].likely_errors for run in own if label in run.figures]
            errors = [each for each in known if each and each.of]
            if errors:
                count = sum(each.summaries for each in errors), sum(each.of for each in errors)
                counts.setdefault(label, {})[system] = count
    return counts


def _check_test(level: float, resamples: int) -> None:
    if not 0 < level < 1:
        raise HarnessError(f"level: should lie between 0 and 1, not {level}")
    if resamples < 100:
        raise HarnessError(f"resamples: should be at least 100, not {resamples}")


def _places_to_compare(names: Sequence[str], partial: Mapping[str, Any]) -> list[int]:
    """Return which runs are ranked: the complete ones; all, where the first or all but one is not.

    >>> _places_to_compare(["a", "b", "c"], {"b": 1}), _places_to_compare(["a", "b"], {"a": 1})
    ([0, 2], [0, 1])
    """
    kept = [n for n, name in enumerate(names) if name not in partial]
    return kept if len(kept) > 1 and kept[0] == 0 else list(range(len(names)))


def _preferences(
    shared: Shared,
    resamples: int,
    seed: int,
    level: float,
    cluster: str,
    votes: Sequence[Vote],
) -> dict[str, Any]:
    """Return what judges said of these runs, and people; nothing is imported where none was asked.

    Raises: DataError where no vote is of these runs.
    """
    if not votes and not preference_ledgers(shared.runs):
        return {}
    from evalharness.comparison import preferences

    how = (resamples, seed, level, cluster)
    judges = preferences.preferences_of(shared, *how)
    if not votes:
        return {"preferences": tuple(judges)}
    people = preferences.people_preferences(shared, votes, *how)
    agreement = preferences.agreement_with_people(shared, votes, seed, resamples)
    return {"preferences": (people, *judges), "agreement": tuple(agreement)}


def _is_baseline(runs: Sequence[Run], system: System) -> bool:
    row = registry.model_row(runs[system.positions[0]].model_kind)
    return row.role in ("baseline", "upper bound")


def incomplete_runs(runs: Sequence[Run], names: Sequence[str]) -> dict[str, str]:
    """Return by name how many articles were answered by each run that did not answer all."""
    named = zip(names, runs, strict=True)
    return {name: run.answer_share for name, run in named if not run.is_complete}


def compare_shared(
    shared: Shared,
    chosen: Chosen,
    resamples: int = paired.RESAMPLES,
    seed: int = 0,
    level: float = paired.ALPHA,
    join: Sequence[str] = (),
    cluster: str = "",
    votes: Sequence[Vote] = (),
) -> Comparison:
    """Compare runs by chosen measures on the articles they share."""
    chosen, clusters = _with_values(shared, chosen), shared.clusters(cluster)
    measures, systems = chosen.measures, systems_of(shared, join)
    names = [system.name for system in systems]
    k = len(systems)
    scores = _Scores(shared, measures, systems, seed, resamples, clusters)
    reading = scores.read_once()
    means = reading.known.mean.reshape(-1, k)
    moves = _draw_moves(reading.of_runs.mean.reshape(len(measures), -1), systems, seed, resamples)
    resampled = _resample(scores, reading, moves)
    ends = _ends_of_means(scores, means, moves, level)
    pairs = [
        _pairs(names, measure, means[i], _of(resampled.flips, i, k), level)
        for i, measure in enumerate(measures)
    ]
    signatures = shared.runs[0].signatures.metrics
    return Comparison(
        systems=tuple(names),
        folders=tuple(str(run.folder) for run in shared.runs),
        articles=shared.n,
        left_out=shared.left_out,
        metrics=tuple(measure.name for measure in measures),
        metrics_left_out=chosen.left_out,
        signatures={m.metric: signatures.get(m.metric, m.metric) for m in measures},
        standings=tuple(_all_standings(names, measures, reading, means, pairs, ends)),
        differences=tuple(_differences(names, measures, reading, resampled, level)),
        pairs=tuple(pair for each in pairs for pair in each),
        resamples=resamples,
        seed=seed,
        level=level,
        cluster=cluster,
        join=tuple(join),
        baselines=tuple(each.name for each in systems if _is_baseline(shared.runs, each)),
        joined={each.name: each.names_in(shared) for each in systems if len(each.positions) > 1},
        **({} if join else _preferences(shared, resamples, seed, level, cluster, votes)),
    )


def _with_values(shared: Shared, chosen: Chosen) -> Chosen:
    """Return what has a value of every system on some article; the rest is said to be left out.

    Where nothing has, all stays: rows without figures say so.
    """
    blocks = shared.value_blocks(chosen.measures, blockwise.BLOCK_ARTICLES)
    compared = {i for each in blocks for i in _measures_of_all(each)}
    kept = [measure for i, measure in enumerate(chosen.measures) if i in compared]
    if not kept:
        return chosen
    why = {
        measure.name: "not measured: no article has a value of all systems"
        for measure in chosen.measures
        if measure not in kept
    }
    return Chosen(tuple(kept), {**chosen.left_out, **why})


def _measures_of_all(of_runs: Values) -> list[int]:
    """Return the places of measures of which all runs have a value on some article of a block."""
    known = ~np.isnan(of_runs)
    places: list[int] = np.flatnonzero(known.all(axis=2).any(axis=0)).tolist()
    return places


@dataclass(frozen=True)
class _Scores:
    """The scores of all systems, and how they are resampled: at once, or in blocks of articles.

    Of so many articles that they come in blocks, they are read again for each thing that is asked
    of them, so that memory does not grow.
    """

    shared: Shared
    measures: Sequence[Measure]
    systems: Sequence[System]
    seed: int
    resamples: int
    clusters: paired.Clusters | None

    @cached_property
    def is_at_once(self) -> bool:
        """Whether all are at hand: of not too many articles, or of clusters."""
        return self.shared.n <= blockwise.AT_ONCE or self.clusters is not None

    @cached_property
    def _whole(self) -> Values:
        return self.shared.values(self.measures)

    def _of_runs(self) -> Iterator[tuple[Values, Values]]:
        """Yield scores, (articles, measures, runs), and the same where all runs have one."""
        rows = blockwise.BLOCK_ARTICLES
        at_once = [self._whole] if self.is_at_once else None
        for of_runs in at_once or self.shared.value_blocks(self.measures, rows):
            whole = ~np.isnan(of_runs).any(axis=2, keepdims=True)
            yield of_runs, np.where(whole, of_runs, np.nan)

    def read_once(self) -> "_Reading":
        """Return what one reading tells."""
        k, s, runs = len(self.measures), len(self.systems), len(self.shared.runs)
        reading = _Reading(k, s, runs)
        for of_runs, whole in self._of_runs():
            reading.add(_join(of_runs, self.systems), _join(whole, self.systems), whole)
        return reading

    def known(self) -> Iterator[Values]:
        """Yield scores where all have one, a column for each measure and system."""
        for _, whole in self._of_runs():
            yield _join(whole, self.systems).reshape(len(whole), -1)

    def differences(self) -> Iterator[Values]:
        """Yield differences to the first system, a column for each measure and other system."""
        for _, whole in self._of_runs():
            yield _to_first(_join(whole, self.systems))

    def bootstrap(self, columns: Blocks, means: Values) -> Values:
        """Return means of resamples of the articles, shape (resamples, columns)."""
        if self.is_at_once:
            [whole] = columns()
            how = (self.seed, self.resamples, means, self.clusters)
            return paired.bootstrap_differences(whole, *how)
        draws = blockwise.BlockDraws(len(means), self.seed, self.resamples)
        for block in columns():
            draws.add(block)
        return draws.means()

    def flips(self, columns: Blocks, n: int) -> paired.Flips:
        """Return sums of columns, n of them, under flipped signs."""
        if self.is_at_once:
            [whole] = columns()
            totals, _ = paired.cluster_totals(whole, self.clusters)
            return paired.sign_flips(totals, self.seed, self.resamples)
        flips = blockwise.BlockFlips(n, self.seed, self.resamples)
        for block in columns():
            flips.add(block)
        return flips.flips()

    def errors(self, columns: Blocks, sums: blockwise.BlockSums) -> tuple[Values, Values, _Counts]:
        """Return standard errors of means, over articles and clusters, and how many these are."""
        if self.is_at_once:
            [whole] = columns()
            alone = paired.standard_error(whole, sums.mean)
            clustered = paired.standard_error(whole, sums.mean, self.clusters)
            groups = (
                (paired.cluster_totals(whole, self.clusters)[1] > 0).sum(axis=0).astype(np.int64)
            )
            return alone, clustered, groups
        squares, means = blockwise.BlockSums(len(sums.n)), sums.mean
        for block in columns():
            squares.add((block - means) ** 2)
        error = blockwise.error_of_squares(squares, sums.farthest)
        return error, error, sums.n


def _to_first(known: Values) -> Values:
    return paired.subtract(known[:, :, 1:], known[:, :, :1]).reshape(len(known), -1)


class _Reading:
    """What one reading of all scores tells: sums, and counts by measure and system.

    known, of_runs: of the scores where all have one, of systems and of runs. differences: to the
    first system. not_scored, ranks: (measures, systems), ranks summed over the articles. signs: how
    many differences are above 0, 0, and below.
    """

    def __init__(self, measures: int, systems: int, runs: int) -> None:
        """Start with no article."""
        self.known = blockwise.BlockSums(measures * systems)
        self.of_runs = blockwise.BlockSums(measures * runs)
        self.differences = blockwise.BlockSums(measures * (systems - 1))
        self.not_scored = np.zeros((measures, systems), np.int64)
        self.ranks = np.zeros((measures, systems))
        self.signs = np.zeros((3, measures * (systems - 1)), np.int64)

    def add(self, scores: Values, known: Values, of_runs: Values) -> None:
        """Take in the next articles, shape (articles, measures, systems or runs)."""
        rows, differences = len(known), _to_first(known)
        self.known.add(known.reshape(rows, -1))
        self.of_runs.add(of_runs.reshape(rows, -1))
        self.differences.add(differences)
        self.not_scored += np.isnan(scores).sum(axis=0)
        self.ranks += [_rank_sums(known[:, i]) for i in range(known.shape[1])]
        signs = (differences > 0, differences == 0, differences < 0)
        self.signs += [each.sum(axis=0) for each in signs]


@dataclass(frozen=True)
class _Resampled:
    """The differences to the first system, and what chance makes of them.

    A column for each measure and other system. drawn: means of resamples, shape (resamples,
    columns); joined: columns in whose chance that of joined runs is. errors: standard errors over
    articles; errors_drawn, groups: over what is drawn, clusters or articles, and how many.
    """

    means: Values
    flips: paired.Flips
    drawn: Values
    joined: npt.NDArray[np.bool_]
    errors: Values
    errors_drawn: Values
    groups: _Counts


def _resample(scores: _Scores, reading: _Reading, moves: Values) -> _Resampled:
    """Return the differences to the first system: all others are differences of these."""
    moved = (moves[:, :, 1:] - moves[:, :, :1]).reshape(len(moves), -1)
    means, counts = reading.differences.mean, reading.differences.n
    flips = scores.flips(scores.differences, len(means)).move(moved * counts)
    drawn = scores.bootstrap(scores.differences, means) + moved
    errors = scores.errors(scores.differences, reading.differences)
    return _Resampled(means, flips, drawn, (moved != 0).sum(axis=0) > 0, *errors)


def _join(scores: Values, systems: Sequence[System]) -> Values:
    """Return the mean of each system's runs, shape (articles, measures, systems)."""
    return np.stack(
        [scores[:, :, list(system.positions)].mean(axis=2) for system in systems], axis=-1
    )


def _draw_moves(means: Values, systems: Sequence[System], seed: int, resamples: int) -> Values:
    """Draw how the joined runs' chance moves each system's means; 0 where a system is one run.

    means: shape (measures, runs). Systems with runs for the same values, such as the same
    prompts, draw together: a prompt that is easy for one may be so for the other.
    Returns shape (resamples, measures, systems); one resample alone where nothing is joined.
    """
    k = len(means)
    alike: dict[tuple[str, ...], list[int]] = {}
    for place, system in enumerate(systems):
        if len(system.positions) > 1:
            alike.setdefault(tuple(sorted(system.values)), []).append(place)
    moves = np.zeros((resamples if alike else 1, k, len(systems)))
    streams = np.random.SeedSequence(seed, spawn_key=_JOINED).spawn(len(alike))
    for stream, places in zip(streams, alike.values(), strict=True):
        order = [[i for _, i in sorted(_run_by_value(systems[place]))] for place in places]
        replicates = np.nan_to_num(means[:, np.array(order)]).transpose(2, 0, 1)
        drawn = paired.draw_replicates(replicates.reshape(len(order[0]), -1), stream, resamples)
        moves[:, :, places] = drawn.reshape(resamples, k, len(places))
    return moves


def _run_by_value(system: System) -> Iterator[tuple[str, int]]:
    return zip(system.values, system.positions, strict=True)


def _ends_of_means(scores: _Scores, means: Values, moves: Values, level: float) -> Values:
    """Return the ends of the interval of each mean, shape (2, measures, systems).

    NaN where nothing is joined.
    """
    if len(moves) == 1:
        return np.full((2, *means.shape), np.nan)
    drawn = scores.bootstrap(scores.known, means.reshape(-1))
    ends = paired.percentile_interval(drawn + moves.reshape(scores.resamples, -1), level)
    return np.stack(ends).reshape(2, *means.shape)


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
    reading: _Reading,
    resampled: _Resampled,
    level: float,
) -> Iterator[Difference]:
    """Yield the difference of each system to the first, by metric; the family is all of these."""
    means, drawn, errors = resampled.means, resampled.drawn, resampled.errors
    p_values = resampled.flips.two_sided().tolist()
    p_holm, p_bh = multiplicity.holm(p_values), multiplicity.benjamini_hochberg(p_values)
    errors_drawn, groups = resampled.errors_drawn, resampled.groups.tolist()
    low, high = paired.percentile_interval(drawn, level)
    wins, ties, losses = reading.signs.tolist()
    family = len(p_values)
    for at, (measure, system) in enumerate(itertools.product(measures, names[1:])):
        n = int(reading.differences.n[at])
        yield Difference(
            metric=measure.name,
            baseline=names[0],
            system=system,
            n=n,
            difference=none_for_nan(means[at]),
            low=none_for_nan(low[at]) if n > 1 else None,
            high=none_for_nan(high[at]) if n > 1 else None,
            p=p_values[at],
            p_holm=p_holm[at],
            p_bh=p_bh[at],
            effect=_effect(means[at], errors[at], n),
            wins=wins[at],
            ties=ties[at],
            losses=losses[at],
            detectable=(
                _detectable_by_draws(drawn[:, at] - means[at], level / family)
                if resampled.joined[at]
                else _detectable(float(errors_drawn[at]), groups[at], level / 2 / family)
            ),
        )


def _effect(mean: float, error: float, n: int) -> float | None:
    """Return the mean in standard deviations: None where all differences are alike."""
    return float(mean / (error * np.sqrt(n))) if n > 1 and error > 0 else None


def _detectable(error: float, n: int, level: float) -> float | None:
    """Return the smallest difference that shows; None where nothing says how articles differ."""
    return paired.smallest_detectable(error, n, level) if n > 1 and error > 0 else None


def _detectable_by_draws(deviations: Values, level: float) -> float:
    """Return how far beyond chance a difference lies that most draws show: of joined runs."""
    columns = np.stack([np.abs(deviations), deviations], axis=1)
    far, likely = quantiles(columns, [1 - level, paired.POWER]).diagonal().tolist()
    return float(far + likely)


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
        for (i, j), p, p_holm in zip(places, p_values, multiplicity.holm(p_values), strict=True)
    ]


def _all_standings(
    names: Sequence[str],
    measures: Sequence[Measure],
    reading: _Reading,
    means: Values,
    pairs: Sequence[Sequence[Mapping[str, Any]]],
    ends: Values,
) -> Iterator[Standing]:
    scored = reading.known.n.reshape(means.shape)
    with np.errstate(invalid="ignore"):  # 0 / 0: none is known
        ranks = reading.ranks / scored
    for i, measure in enumerate(measures):
        counts = (scored[i].tolist(), reading.not_scored[i].tolist())
        yield from _standings(names, measure, *counts, ranks[i], means[i], pairs[i], ends[:, i])


def _standings(
    names: Sequence[str],
    measure: Measure,
    scored: Sequence[int],
    not_scored: Sequence[int],
    ranks: Values,
    means: Values,
    pairs: Sequence[Mapping[str, Any]],
    ends: Values,
) -> Iterator[Standing]:
    order = sorted(range(len(names)), key=lambda i: (-np.nan_to_num(means[i], nan=-np.inf), i))
    letters = _letters([names[i] for i in order], pairs)
    for i, name in enumerate(names):
        yield Standing(
            metric=measure.name,
            system=name,
            n=scored[i],
            not_scored=not_scored[i],
            mean=none_for_nan(means[i]),
            rank=none_for_nan(ranks[i]),
            letters=letters[name],
            low=none_for_nan(ends[0, i]),
            high=none_for_nan(ends[1, i]),
        )


def _letters(best_first: Sequence[str], pairs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the letters of some systems by one metric, from all pairs that were tested by it."""
    place = {name: rank for rank, name in enumerate(best_first)}
    tested = [pair for pair in pairs if {pair["one"], pair["other"]} <= place.keys()]
    ranks = [(place[pair["one"]], place[pair["other"]]) for pair in tested if pair["different"]]
    different = {(min(two), max(two)) for two in ranks}
    return dict(zip(best_first, multiplicity.letters(len(place), different), strict=True))


def _with_letters_of_ranked(found: Comparison, unranked: Collection[str]) -> Iterator[Standing]:
    """Yield the standings with letters for the ranked systems alone, of which `a` is the best.

    One system alone has none: there is nothing that it could share them with.
    """
    ranked = [s for s in found.standings if s.system not in unranked]
    letters: dict[str, dict[str, str]] = {}
    for metric in found.metrics if len(found.systems) - len(unranked) > 1 else ():
        own = sorted(
            (s for s in ranked if s.metric == metric),
            key=lambda s: -math.inf if s.mean is None else s.mean,
            reverse=True,
        )
        pairs = [pair for pair in found.pairs if pair["metric"] == metric]
        letters[metric] = _letters([s.system for s in own], pairs)
    for s in found.standings:
        yield replace(s, letters=letters.get(s.metric, {}).get(s.system, ""))


def _rank_sums(known: Values) -> Values:
    """Return each system's ranks, summed over articles: 1 for the best; ties share theirs."""
    scored = known[~np.isnan(known).any(axis=1)]
    leads = (paired.subtract(scored, own[:, np.newaxis]) for own in scored.T)
    return np.array(
        [(1 + (lead > 0).sum(axis=1) + ((lead == 0).sum(axis=1) - 1) / 2).sum() for lead in leads]
    )
