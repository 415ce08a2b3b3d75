"""Agreement of checks with people: figures with intervals, trust cards, calibration."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from evalharness.meta.cards import cards, known_cards, write_cards

if TYPE_CHECKING:
    from evalharness.config.calibration import Calibration, load_calibration
    from evalharness.meta.evaluation import Agreement, evaluate
    from evalharness.meta.thresholds import calibrate

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

# What measures reads labels and runs checks; a report that shows a card does neither.
_HOME = {
    "Agreement": "evalharness.meta.evaluation",
    "Calibration": "evalharness.config.calibration",
    "calibrate": "evalharness.meta.thresholds",
    "evaluate": "evalharness.meta.evaluation",
    "load_calibration": "evalharness.config.calibration",
}


def __getattr__(name: str) -> Any:
    """Import what measures when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
