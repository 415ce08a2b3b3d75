"""People's votes between two systems' summaries, as `annotate --read` writes them, a row a vote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalharness.errors import DataError
from evalharness.loaders import formats

_TEXTS = ("article_id", "source", "system_a", "system_b", "annotator")


@dataclass(frozen=True)
class Vote:
    """One person's vote on two summaries of an article.

    outcome: 1 where the summary of system_a is better, 0 where that of system_b is, 0.5 neither.
    order: 1 where system_a was shown first, -1 where it was second.
    """

    article_id: str
    source: str
    system_a: str
    system_b: str
    outcome: float
    order: int
    annotator: str
    reason: str = ""


def read_votes(paths: Sequence[str | Path]) -> list[Vote]:
    """Return the votes in files. Raises: DataError for a file or a row that is none."""
    votes: list[Vote] = []
    for path in map(Path, paths):
        formats.first_bytes(path)  # refuses what is no file, or empty
        with formats.name_in_errors(path), path.open("rb") as stream:
            votes += [_vote(f"{path}:{n}", row) for n, row in formats.json_lines(stream)]
    return votes


def _vote(where: str, row: Any) -> Vote:
    if not _is_vote(row):
        raise DataError(
            f"{where}: not a vote as `annotate --read` writes it: labels.pairs.jsonl has votes"
        )
    return Vote(
        **{name: row[name] for name in _TEXTS},
        outcome=float(row["outcome"]),
        order=int(row["order"]),
        reason=str(row.get("reason") or ""),
    )


def _is_vote(row: Any) -> bool:
    if not isinstance(row, Mapping) or not all(isinstance(row.get(name), str) for name in _TEXTS):
        return False
    numbers = (row.get("outcome"), row.get("order"))
    if any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
        return False
    known = numbers[0] in (0, 0.5, 1) and numbers[1] in (1, -1)
    return known and row["system_a"] != row["system_b"]
