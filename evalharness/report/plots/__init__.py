"""All plots of some runs: SVG for the page, SVG and PNG in files for papers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from evalharness.comparison.comparison import Comparison, incomplete_runs
from evalharness.errors import DataError, HarnessError, StoreError
from evalharness.report.drawer import DRAWER, NotDrawn, can_draw
from evalharness.report.gathered import Gathered, gather
from evalharness.report.plots.distributions import plot_distributions, plot_lengths, plot_origins
from evalharness.report.plots.drawing import NO_PLOTS, Plot, png
from evalharness.report.plots.material import Material
from evalharness.report.plots.ranks import plot_intervals, plot_preferences, plot_ranks
from evalharness.report.plots.scatters import plot_consistency, plot_cost
from evalharness.report.plots.sweeps import plot_sweeps
from evalharness.report.ranking import standings
from evalharness.store.ledger import RunFolder
from evalharness.store.runs import Run
from evalharness.store.store import output_path

__all__ = ["NO_PLOTS", "NotDrawn", "Plot", "can_draw", "write_plots"]

# In the order of the page: what is best, how sure that is, and then why.
_KINDS = (
    plot_intervals,
    plot_ranks,
    plot_preferences,
    plot_sweeps,
    plot_consistency,
    plot_cost,
    plot_origins,
    plot_lengths,
    plot_distributions,
)
_OF_COMPARISON = (plot_ranks, plot_preferences)
# Plots that are being drawn, by their kind.
BegunPlots = Mapping[Callable[[Material], Iterator[Plot]], Sequence[Plot]]


@dataclass(frozen=True)
class PlotsSection:
    """The plots of the page by their groups, or why there are none.

    left_out: systems that did not answer every article, and how many they did.
    """

    groups: Sequence[tuple[str, Sequence[Plot]]] = ()
    reason: str = ""
    left_out: Sequence[tuple[str, str]] = ()


def plots_section(gathered: Gathered, begun: Sequence[Plot]) -> PlotsSection | None:
    """Return the plots for the page once they are drawn; None where there is nothing to draw."""
    if not can_draw():
        return PlotsSection(reason=NO_PLOTS)
    try:
        drawn = wait_for(begun)
    except NotDrawn as error:
        return PlotsSection(reason=str(error))
    groups = [(group, list(plots)) for group, plots in groupby(drawn, lambda plot: plot.group)]
    left_out = [] if drawn_runs(gathered) is gathered else incomplete_of(gathered)
    return PlotsSection(groups, left_out=left_out) if groups else None


def incomplete_of(gathered: Gathered) -> list[tuple[str, str]]:
    """Return the systems that did not answer every article, and how many they did."""
    return list(incomplete_runs(gathered.runs, gathered.names).items())


def drawn_runs(gathered: Gathered) -> Gathered:
    """Return the runs that plots show: those that answered every article, where any did."""
    complete = tuple(run for run in gathered.runs if run.is_complete)
    partial = complete and len(complete) < len(gathered.runs)
    return replace(gathered, runs=complete) if partial else gathered


def begin_plots(
    gathered: Gathered,
    comparison: Comparison | None = None,
    *,
    every: bool = False,
    begun: BegunPlots | None = None,
) -> list[Plot]:
    """Begin to draw the plots that make sense for some runs, in the order in which to show them.

    Runs that did not answer every article are not among those drawn, where others did. comparison:
    of those drawn, in their order; without it nothing is said of who is better than whom. every:
    each kind of plot for each score, not for the main ones only. begun: what `begin_plots_alone`
    returned, if it was called.
    """
    begun = begin_plots_alone(gathered, every=every) if begun is None else begun
    gathered = drawn_runs(gathered)
    if comparison is not None and len(comparison.systems) != len(gathered.runs):
        comparison = None
    material = _material(gathered, comparison, every=every)
    plots: BegunPlots = {**begun, **{kind: list(kind(material)) for kind in _OF_COMPARISON}}
    return [figure for kind in _KINDS for figure in plots[kind]]


def begin_plots_alone(gathered: Gathered, *, every: bool = False) -> BegunPlots:
    """Begin to draw the plots that need no comparison, which takes a while to make."""
    material = _material(drawn_runs(gathered), None, every=every)
    return {kind: list(kind(material)) for kind in _KINDS if kind not in _OF_COMPARISON}


def _material(gathered: Gathered, comparison: Comparison | None, *, every: bool) -> Material:
    settings = [run.settings for run in gathered.runs]
    return Material(gathered.runs, gathered.columns, comparison, settings, every)


def wait_for(plots: Sequence[Plot]) -> Sequence[Plot]:
    """Return plots when all are drawn. Raises: NotDrawn."""
    for figure in plots:
        figure.drawing.result()
    return plots


def write_plots(*runs: str | Path | Run, to: str | Path) -> list[Path]:
    """Write every plot of finished runs as SVG and PNG, on white, and return their paths.

    Raises: DataError for what is no finished run, or has nothing to draw; HarnessError where
        nothing can be drawn; StoreError where a file cannot be written.
    """
    if not can_draw():
        raise HarnessError(NO_PLOTS)
    gathered, target = gather(runs), output_path(to)
    with DRAWER:
        drawn = wait_for(begin_plots(gathered, standings(gathered).plotted, every=True))
        if not drawn:
            raise DataError("these runs have no scores that a plot would show")
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{target}: {error.strerror or error}") from error
        return list(_write_plots_to(drawn, target))


def _write_plots_to(drawn: Sequence[Plot], folder: Path) -> Iterator[Path]:
    files = RunFolder(folder)
    for figure in drawn:
        for ending, content in (("svg", figure.file_svg.encode()), ("png", png(figure))):
            path = folder / f"{figure.id}.{ending}"
            try:
                files.writing(path.name).write_bytes(content)
            except OSError as error:
                raise StoreError(f"{path}: {error.strerror or error}") from error
            files.publish(path.name)
            yield path
