"""All runs in a results folder, best first: from `run.json` alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evalharness.config.registry import scorer_row
from evalharness.config.yaml import nearest
from evalharness.errors import DataError
from evalharness.store import samples
from evalharness.store.runs import read_record


@dataclass(frozen=True)
class LeaderboardRow:
    """A run: how much it answered and how long, and each figure's mean with its interval."""

    run: str
    articles: int
    answered: float | None
    words: float | None
    truncated: float
    figures: Mapping[str, tuple[float | None, float | None, float | None]]


@dataclass(frozen=True)
class Board:
    """Runs on the same articles, best first.

    signatures: what made the figures, by their heading; a metric that runs made with other settings
    has a heading of its own for each.
    """

    fingerprint: str
    headings: tuple[str, ...]
    signatures: Mapping[str, str]
    rows: tuple[LeaderboardRow, ...]


@dataclass(frozen=True)
class Leaderboard:
    """A board for each set of articles, the one with the most runs first."""

    boards: tuple[Board, ...]
    sorted_by: str
    unreadable: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def leaderboard(folder: str | Path = "results", by: str = "") -> Leaderboard:
    """Return all finished runs in a folder, grouped by their articles, best first.

    by: the figure to sort by (`rouge.rougeLsum`); otherwise the first. A `run.json` that cannot be
    read is told of in `unreadable`.

    Raises: DataError where there is no run, or no such figure.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"{root}: there is no such folder")
    found: dict[str, Mapping[str, Any]] = {}
    unreadable = []
    for path in _run_files(root):
        try:
            found[path.parent.relative_to(root).as_posix()] = read_record(path)
        except DataError as error:
            unreadable.append(str(error))
    if not found:
        raise DataError("\n".join([*unreadable, f"{root}: no finished run"]))
    groups: dict[str, dict[str, Mapping[str, Any]]] = {}
    for name, record in found.items():
        groups.setdefault(record["data"]["fingerprint"], {})[name] = record
    boards = [_board(fingerprint, group, by) for fingerprint, group in groups.items()]
    if by and not any(by in board.headings for board in boards):
        known = sorted({heading for board in boards for heading in board.headings})
        raise DataError(f"no figure {by!r}{nearest(by, known)}")
    boards.sort(key=lambda board: -len(board.rows))
    return Leaderboard(tuple(boards), by, tuple(unreadable))


def _run_files(root: Path) -> list[Path]:
    """Return every `run.json` of a run, of an experiment or of a folder of experiments."""
    depths = ("", "*/", "*/*/", "*/*/*/")
    return sorted(path for depth in depths for path in root.glob(f"{depth}{samples.RUN_FILE}"))


def _board(fingerprint: str, group: Mapping[str, Mapping[str, Any]], by: str) -> Board:
    signatures: dict[str, str] = {}
    rows = [_row(name, record, signatures) for name, record in group.items()]
    headings = list(dict.fromkeys(heading for row in rows for heading in row.figures))
    first = by if by in headings else next(iter(headings), "")
    rows.sort(key=lambda row: (-_mean(row, first), row.run))
    return Board(fingerprint, tuple(headings), signatures, tuple(rows))


def _mean(row: LeaderboardRow, heading: str) -> float:
    mean = row.figures.get(heading, (None,))[0]
    return float("-inf") if mean is None else mean


def _row(name: str, record: Mapping[str, Any], signatures: dict[str, str]) -> LeaderboardRow:
    outputs, n = record["outputs"], record["counts"]["articles"]
    return LeaderboardRow(
        run=name,
        articles=n,
        answered=outputs.get("answer_rate"),
        words=outputs.get("mean_words"),
        truncated=outputs.get("truncated", 0) / n if n else 0.0,
        figures=dict(_figures(record, signatures)),
    )


def _figures(
    record: Mapping[str, Any], signatures: dict[str, str]
) -> Iterator[tuple[str, tuple[float | None, float | None, float | None]]]:
    for label, metric in record["metrics"].items():
        signature = str(record["signatures"]["metrics"].get(label, label))
        called = _number_label(label, signature, signatures)
        kind = signature.partition("|")[0]
        parts: Sequence[str] = [p for p in scorer_row(kind).shown if p in metric["parts"]]
        for part in parts:
            figure = metric["parts"][part]
            yield f"{called}.{part}", (figure["mean"], figure["low"], figure["high"])
        if metric.get("corpus") is not None:
            yield f"{called}.corpus", (metric["corpus"], None, None)
        elif not parts:
            yield called, (metric["mean"], metric["low"], metric["high"])


def _number_label(label: str, signature: str, signatures: dict[str, str]) -> str:
    """Return the label, with a number from the second signature on that goes by it."""
    n, called = 1, label
    while signatures.setdefault(called, signature) != signature:
        n += 1
        called = f"{label} ({n})"
    return called
