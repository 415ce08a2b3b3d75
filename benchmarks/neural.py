"""Neural checks beside their authors' batching, on random weights."""

from pathlib import Path

from . import bertscore, nli
from .table import Row


def rows(peers: str, folder: Path, rounds: int, share: float) -> list[Row]:
    """Measure `nli` and `bertscore`."""
    few = min(rounds, 3)  # each takes a minute
    found = nli.rows(max(2, round(12 * share)), few)
    return found + bertscore.rows(peers, folder, max(8, round(128 * share)), few)
