"""Agreement of checks with people: figures with intervals, trust cards, calibration."""

from evalharness.config.calibration import Calibration, load_calibration
from evalharness.meta.calibrate import calibrate
from evalharness.meta.cards import cards, known_cards, write_cards
from evalharness.meta.evaluation import Agreement, evaluate

__all__ = [
    "Agreement",
    "Calibration",
    "calibrate",
    "cards",
    "evaluate",
    "known_cards",
    "load_calibration",
    "write_cards",
]
