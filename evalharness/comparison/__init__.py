"""Runs side by side, on the articles that they share."""

from evalharness.comparison.comparing import Comparison, Difference, compare
from evalharness.comparison.scored import ScoredRun, read_run, runs_in
from evalharness.comparison.shared import Incomparable

__all__ = [
    "Comparison",
    "Difference",
    "Incomparable",
    "ScoredRun",
    "compare",
    "read_run",
    "runs_in",
]
