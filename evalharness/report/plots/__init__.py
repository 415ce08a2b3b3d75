"""Plots of runs: SVG for the page, SVG and PNG for papers."""
