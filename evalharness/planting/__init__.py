"""Planted errors: a supported summary with exactly one thing wrong in it, and where.

Made by rules, so that a check can be tested on any article without a model and without annotators:
`plant` makes the error, `measure` counts which errors a check finds and what it flags where
nothing is wrong.
"""

from evalharness.planting.measure import SupportedPair, measure
from evalharness.planting.plant import KINDS, Kind, Planted, plant
from evalharness.planting.report import Report, wilson

__all__ = [
    "KINDS",
    "Kind",
    "Planted",
    "Report",
    "SupportedPair",
    "measure",
    "plant",
    "wilson",
]
