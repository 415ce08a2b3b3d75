"""Plots of runs: SVG for the page, SVG and PNG for papers."""

from evalharness.report.plots.drawing import Figure
from evalharness.report.plots.plotting import figures, write_figures

__all__ = ["Figure", "figures", "write_figures"]
