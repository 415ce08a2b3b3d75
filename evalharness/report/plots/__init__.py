"""Plots of runs: SVG for the page, SVG and PNG for papers."""

from evalharness.report.plots.drawing import Figure, no_plots
from evalharness.report.plots.plotting import figures, write_figures, write_plots

__all__ = ["Figure", "figures", "no_plots", "write_figures", "write_plots"]
