"""Runs side by side, on the articles that they share."""

from evalharness.comparison.comparing import Comparison, Difference, compare, compare_shared
from evalharness.comparison.scored import ScoredRun, read_run, runs_in
from evalharness.comparison.shared import Incomparable

__all__ = [
    "Comparison",
    "Difference",
    "Incomparable",
    "ScoredRun",
    "compare",
    "compare_shared",
    "read_run",
    "runs_in",
]
