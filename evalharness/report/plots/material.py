"""What plots are drawn from: runs, the scores they have, and the articles they share."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from evalharness.comparison.comparison import Comparison
from evalharness.comparison.shared import Incomparable, Shared, share
from evalharness.errors import DataError
from evalharness.report.gathered import ScoreColumn
from evalharness.report.plots import drawing
from evalharness.stats.intervals import Values
from evalharness.store.runs import Run, unique_names

SYSTEMS_SHOWN = 40  # systems in one plot, at the most: what a page can hold and an eye compare
_LABEL = 36  # columns of a score's name
OVERLAID = 8  # systems drawn over each other: as many as there are colours


@dataclass(frozen=True)
class PlottedMean:
    """A mean with its interval, as `run.json` has it, and of how many articles."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Material:
    """Runs to draw, and the scores to draw of them. `comparison` is theirs, where there is one.

    settings: what a sweep set in each run; empty without a sweep. every: whether each score gets
    each plot; otherwise those plots that a page has room for once are of the `main` ones.
    """

    runs: tuple[Run, ...]
    columns: Sequence[ScoreColumn]
    comparison: Comparison | None = None
    settings: Sequence[Mapping[str, Any]] = ()
    every: bool = False

    @cached_property
    def names(self) -> list[str]:
        """The systems, each with a name of its own that fits beside a plot."""
        return drawing.short_plot_names(unique_names(self.runs))

    @cached_property
    def key(self) -> str:
        """What short names abbreviate, in words; empty if nothing."""
        keys = drawing.abbreviations(unique_names(self.runs)).items()
        meanings = ", ".join(f"{short} is {drawing.one_line_name(key)}" for key, short in keys)
        return f" In names, {meanings}." if meanings else ""

    @cached_property
    def shared_articles(self) -> Shared | None:
        """The articles that all runs have; None where their data are not the same."""
        try:
            return share(self.runs)
        except Incomparable:
            return None

    @cached_property
    def main(self) -> list[ScoreColumn]:
        """The first score of references and the first check by which systems differ, or all."""
        telling = [column for column in self.columns if self.is_worth_showing(column)]
        if self.every:
            return telling
        return [next(of) for _, of in itertools.groupby(telling, lambda column: column.kind)]

    def is_worth_showing(self, column: ScoreColumn) -> bool:
        """Tell whether a score has anything to show: a single run's, or means that differ."""
        means = {estimate.mean for _, estimate in self.best_first(column)}
        return len(means) >= min(2, len(self.runs))

    def of(self, kind: str) -> list[ScoreColumn]:
        """Return the scores of a kind: `metric`, of references, or `check`."""
        return [column for column in self.columns if column.kind == kind]

    def runs_with_score(self, column: ScoreColumn) -> list[int]:
        """Return the systems that have a score, made alike, by the numbers of their runs."""
        measure = column.measure
        having = [n for n, run in enumerate(self.runs) if measure.column in run.columns]
        made = [self.runs[n].signatures.metrics.get(measure.metric) for n in having]
        return [n for n, signature in zip(having, made, strict=True) if signature == made[0]]

    def estimate(self, system: int, column: ScoreColumn) -> PlottedMean | None:
        """Return a run's mean of a score, as tables have it (shares times 100)."""
        figure = column.of(self.runs[system])
        if figure is None or figure.mean is None or figure.low is None or figure.high is None:
            return None
        times = scale(column)
        return PlottedMean(figure.mean * times, figure.low * times, figure.high * times, figure.n)

    def best_first(self, column: ScoreColumn) -> list[tuple[int, PlottedMean]]:
        """Return the runs that have a score with their means, the highest first."""
        means = [(n, self.estimate(n, column)) for n in self.runs_with_score(column)]
        known = [(n, estimate) for n, estimate in means if estimate is not None]
        return sorted(known, key=lambda pair: (-pair[1].mean, pair[0]))

    def own_scores(self, system: int, column: ScoreColumn) -> Values:
        """Return a run's scores, as tables have them, NaN for a missing one."""
        values: Values = self.runs[system].values([column.measure.column])[:, 0] * scale(column)
        return values

    def shared_scores(self, system: int, column: ScoreColumn) -> Values:
        """Return the scores of the articles that all runs have."""
        if self.shared_articles is None:
            raise DataError("these runs share no articles")
        return self.own_scores(system, column)[self.shared_articles.rows[system]]


def scale(column: ScoreColumn) -> int:
    """Return the factor that tables show a score with: 100 for shares."""
    return 100 if column.percent else 1


def label(column: ScoreColumn) -> str:
    """Return a score's name as a plot has room for it."""
    return drawing.short_plot_names([column.label], _LABEL)[0]


def axis_title(column: ScoreColumn) -> str:
    """Return the name of a score for an axis, with the factor of its figures."""
    return f"{label(column)} (times 100)" if column.percent else label(column)


def spread(values: Values) -> float:
    """Return how far known values lie apart; 0 where there are none."""
    known = values[~np.isnan(values)]
    return float(known.max() - known.min()) if len(known) else 0.0


def colour_and_shape(system: int) -> tuple[str, str]:
    """Return the colour and the shape of a system: no two of the first 64 have both alike."""
    turn, at = divmod(system, len(drawing.SERIES))
    return drawing.SERIES[at], drawing.SHAPES[(at + turn) % len(drawing.SHAPES)]


def cut_note(shown: int, of: int) -> str:
    """Say that not all systems are shown; empty if they are."""
    return f" Shown are the best {shown} of {of} systems." if shown < of else ""
