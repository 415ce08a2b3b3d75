"""Plots of runs: SVG for the page, SVG and PNG for papers."""

from evalharness.report.plots.drawer import NotDrawn
from evalharness.report.plots.drawing import NO_PLOTS, Figure, can_draw
from evalharness.report.plots.plotting import figures, write_figures, write_plots

__all__ = ["NO_PLOTS", "Figure", "NotDrawn", "can_draw", "figures", "write_figures", "write_plots"]
