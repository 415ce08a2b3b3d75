"""The ranking by each score: which system is best, and which differ from it significantly."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from evalharness.comparison.comparison import Comparison, compare_shared, incomplete_runs
from evalharness.comparison.shared import (
    Chosen,
    Incomparable,
    Measure,
    Shared,
    copies,
    older_version,
    share,
)
from evalharness.report.gathered import Gathered, ScoreColumn
from evalharness.report.table import error_finders
from evalharness.stats import blockwise, multiplicity
from evalharness.stats.intervals import Values
from evalharness.stats.resampling import column_means
from evalharness.store.runs import Run
from evalharness.store.table import LIKELY_ERRORS

# Systems whose pairs are all tested: 1,770 for each score.
MOST_SYSTEMS = 60
# Of a system beside the best one: no significant difference, below it or above it.
# `copied`: it is not lower, by copying, with which a check finds nothing wrong.
Mark = Literal["best", "tie", "lower", "higher", "copied", ""]


@dataclass(frozen=True)
class Ranking:
    """The systems by one score, on articles where all have one.

    best: its name, among the complete systems that are no baseline and no upper bound, or else no
    upper bound; empty where none has a score. By a check, one that copies is never the best. It
    bears no mark where it has no competitor. Systems that did not answer every article have no mean
    here. p: against the best, by paired randomization, Holm-adjusted over all pairs of systems.
    """

    column: ScoreColumn
    best: str
    n: int
    means: Mapping[str, float | None]
    marks: Mapping[str, Mark]
    p: Mapping[str, float]


@dataclass(frozen=True)
class Standings:
    """What could be compared, and why the rest could not.

    reason: why nothing could. left_out: by label, why a score could not. complete: the comparison
    of the systems that answered every article; None of fewer than two. errors: by check, who has
    the fewest summaries with a likely error; `means` are shares there, and less is better.
    """

    comparison: Comparison | None = None
    shared: Shared | None = field(default=None, repr=False)
    rankings: Mapping[str, Ranking] = field(default_factory=dict[str, Ranking])
    reason: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict[str, str])
    complete: Comparison | None = None
    errors: Mapping[str, Ranking] = field(default_factory=dict[str, Ranking])

    @property
    def every(self) -> list[Ranking]:
        """The rankings in which some system is best, those by likely errors first."""
        both = (*self.errors.values(), *self.rankings.values())
        return [ranking for ranking in both if ranking.best]

    @property
    def compared(self) -> Comparison | None:
        """The comparison to the first system: of the complete ones, where it is one of them."""
        own, every = self.complete, self.comparison
        return own if own and every and own.systems[0] == every.systems[0] else every

    @property
    def plotted(self) -> Comparison | None:
        """The comparison of the systems that plots show: the complete ones, if there are any."""
        return self.complete or self.comparison

    def mark(self, column: ScoreColumn, system: str) -> Mark:
        """Return what a system is beside the best by a score."""
        ranking = self.rankings.get(column.key)
        return "" if ranking is None else ranking.marks.get(system, "")


def standings(gathered: Gathered) -> Standings:
    """Compare all systems by every score that was made alike in all of them."""
    if len(gathered.runs) < 2:
        return Standings(reason="there is one system")
    if len(gathered.runs) > MOST_SYSTEMS:
        return Standings(
            reason=f"these are more than {MOST_SYSTEMS} systems; give fewer to compare them"
        )
    columns, left_out = _comparable(gathered)
    if not columns:
        return Standings(reason="the systems have no score in common", left_out=left_out)
    try:
        shared = share(gathered.runs)
    except Incomparable as error:
        return Standings(reason=without_folders(str(error), gathered))
    chosen = Chosen(tuple(column.measure for column in columns), {})
    comparison = compare_shared(shared, chosen, votes=gathered.votes)
    ranked = _compare_complete(gathered, chosen, comparison)
    return Standings(
        comparison,
        shared,
        {c.key: _ranking(c, ranked, gathered) for c in columns if c.judged and ranked},
        left_out=left_out,
        complete=ranked,
        errors=dict(_error_rankings(gathered, ranked)) if ranked else {},
    )


def _error_rankings(gathered: Gathered, ranked: Comparison) -> Iterator[tuple[str, Ranking]]:
    """Yield by check a ranking of the complete systems by the share with a likely error.

    By paired randomization, Holm-adjusted over all pairs of systems, as scores are. There is none
    where a system was not checked, or where all have as many.
    """
    named = dict(zip(gathered.names, gathered.runs, strict=True))
    runs = [named[name] for name in ranked.systems]
    finders = error_finders(runs)
    for label in finders:
        if any(f"{label}.value" not in run.columns for run in runs):
            continue
        rows = zip(runs, share(runs).rows, strict=True)
        counts = np.stack([likely_error_counts(run, label)[at] for run, at in rows], axis=1)
        found = np.where(np.isnan(counts).any(axis=1, keepdims=True), np.nan, counts > 0)
        shares = dict(zip(ranked.systems, column_means(found).tolist(), strict=True))
        if len(set(shares.values())) > 1:
            measure = Measure(label, LIKELY_ERRORS.removeprefix("."))
            by = f" by {label}" if finders[1:] else ""
            column = ScoreColumn(measure, f"likely errors{by}", "check", percent=True)
            yield label, _error_ranking(column, found, shares, gathered, ranked.level)


def likely_error_counts(run: Run, label: str) -> Values:
    """Return by article how many likely errors a check named, NaN where it has no score."""
    column, scored = f"{label}{LIKELY_ERRORS}", run.values([f"{label}.value"])[:, 0]
    if column not in run.columns:  # as it has none
        return np.where(np.isnan(scored), np.nan, 0.0)
    return run.values([column])[:, 0]


def _error_ranking(
    column: ScoreColumn,
    found: Values,
    shares: Mapping[str, float],
    gathered: Gathered,
    level: float,
) -> Ranking:
    """Return the ranking by the share of summaries in which something was found."""
    names, n = list(shares), int((~np.isnan(found[:, 0])).sum())
    copying = copying_systems(gathered)
    running = [name for name in competitors(gathered) if name in shares and name not in copying]
    best = min(running, key=lambda name: shares[name], default="")
    marks: dict[str, Mark] = {name: "copied" for name in names if name in copying}
    if not best:
        return Ranking(column, "", n, shares, marks, {})
    p = dict(_p_beside(found, names, best))
    marks[best] = "best" if len(running) > 1 else ""
    for name in p:
        mark = _mark(p[name] <= level, -shares[name], -shares[best])
        if name in running and shares[name] == shares[best]:
            mark = "best"
        marks[name] = "copied" if name in copying and mark != "lower" else mark
    return Ranking(column, best, n, shares, marks, p)


def _p_beside(found: Values, names: Sequence[str], best: str) -> Iterator[tuple[str, float]]:
    """Yield for each other system its p-value beside the best one, over all pairs of systems."""
    flips = blockwise.sign_flips_of_any(found - found[:, :1], seed=0)
    places = list(itertools.combinations(range(len(names)), 2))
    p_values = multiplicity.holm([float((flips[i] - flips[j]).two_sided()[0]) for i, j in places])
    for (i, j), p in zip(places, p_values, strict=True):
        if best in (names[i], names[j]):
            yield names[j] if names[i] == best else names[i], p


def _compare_complete(
    gathered: Gathered, chosen: Chosen, comparison: Comparison
) -> Comparison | None:
    """Return the comparison of the systems that answered every article; None of fewer than two."""
    pairs = list(zip(gathered.names, gathered.runs, strict=True))
    complete = [(name, run) for name, run in pairs if run.is_complete]
    if len(complete) == len(pairs):
        return comparison
    if len(complete) < 2:
        return None
    names, runs = zip(*complete, strict=True)
    return compare_shared(replace(share(runs), given_names=names), chosen)


def without_folders(message: str, gathered: Gathered) -> str:
    """Return a message that names systems and not where they lie."""
    for run, name in zip(gathered.runs, gathered.names, strict=True):
        message = message.replace(str(run.folder), name)
    return message


def _comparable(gathered: Gathered) -> tuple[list[ScoreColumn], dict[str, str]]:
    columns, left_out = [], {}
    for column in gathered.columns:
        if column.beside:
            continue
        why = _obstacle(column.measure, gathered.runs, gathered.names)
        if why:
            left_out[column.label] = why
        else:
            columns.append(column)
    return columns, left_out


def _obstacle(measure: Measure, runs: Sequence[Run], names: Sequence[str]) -> str:
    """Say why a score cannot be compared; empty if it can."""
    first = runs[0].signatures.metrics.get(measure.metric)
    for run, name in zip(runs, names, strict=True):
        if measure.column not in run.columns:
            return f"{name} has none"
        if old := older_version(runs[0], run, measure.metric):
            older, newer = (name, names[0]) if old is run else (names[0], name)
            return (
                f"{older} has scores of an older version than {newer}; "
                "evalharness score --again, with its folder, scores it as of today"
            )
        if run.signatures.metrics.get(measure.metric) != first:
            return f"made with other settings in {name} than in {names[0]}"
    return ""


def _ranking(column: ScoreColumn, comparison: Comparison, gathered: Gathered) -> Ranking:
    standing = {s.system: s for s in comparison.standings if s.metric == column.key}
    if not standing:  # no article has a value of all systems
        return Ranking(column, "", 0, dict.fromkeys(comparison.systems), {}, {})
    means = {name: standing[name].mean for name in comparison.systems}
    n = next(iter(standing.values())).n
    copying = copying_systems(gathered) if column.kind == "check" and column.verdict else []
    running = [name for name in competitors(gathered) if name not in copying]
    known = {name: mean for name in running if (mean := means[name]) is not None}
    best = max(known, key=lambda name: known[name], default="")
    if not best:
        copied: dict[str, Mark] = {name: "copied" for name in means if name in copying}
        return Ranking(column, "", n, means, copied, {})
    marks: dict[str, Mark] = {best: "best" if len(running) > 1 else ""}
    p: dict[str, float] = {}
    for other, pair in _pairs(comparison, column.key, best):
        p[other] = pair["p_holm"]
        marks[other] = _mark(pair["different"], means[other], means[best])
        if other in running and means[other] == means[best]:
            marks[other] = "best"
        if other in copying and marks[other] != "lower":
            marks[other] = "copied"
    return Ranking(column, best, n, means, marks, p)


def competitors(gathered: Gathered) -> list[str]:
    """Return the complete systems that compete: no baseline, unless there is nothing else."""
    partial = incomplete_runs(gathered.runs, gathered.names)
    named = zip(gathered.names, gathered.roles, strict=True)
    pairs = [(name, role) for name, role in named if name not in partial]
    models = [name for name, role in pairs if not role]
    return models or [name for name, role in pairs if role != "upper bound"]


def systems_of_interest(gathered: Gathered) -> list[str]:
    """Return the systems whose errors matter, ranked or not: the models, else what there is."""
    named = zip(gathered.names, gathered.roles, strict=True)
    return [n for n, role in named if not role] or competitors(gathered) or list(gathered.names)


def copying_systems(gathered: Gathered) -> list[str]:
    """Return the systems whose summaries are copied from their articles, as far as is known."""
    return [n for n, run in zip(gathered.names, gathered.runs, strict=True) if copies(run)]


def _pairs(
    comparison: Comparison, metric: str, best: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for pair in comparison.pairs:
        if pair["metric"] == metric and best in (pair["one"], pair["other"]):
            yield pair["other"] if pair["one"] == best else pair["one"], pair


def _mark(different: bool, mean: float | None, best: float | None) -> Mark:
    if mean is None or best is None:
        return ""
    if not different:
        return "tie"
    return "higher" if mean > best else "lower"
