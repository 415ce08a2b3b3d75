"""Plots of runs: SVG for the page, SVG and PNG for papers."""

from evalharness.report.plots.drawer import NotDrawn
from evalharness.report.plots.drawing import NO_PLOTS, Plot, can_draw
from evalharness.report.plots.plotting import make_plots, write_figures, write_plots

__all__ = ["NO_PLOTS", "NotDrawn", "Plot", "can_draw", "make_plots", "write_figures", "write_plots"]
