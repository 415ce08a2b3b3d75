"""Runs side by side, on the articles that they share."""

from evalharness.comparison.comparing import Comparison, Difference, compare, compare_shared
from evalharness.comparison.shared import Incomparable
from evalharness.store.runs import ScoredRun, read_run, runs_in

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
