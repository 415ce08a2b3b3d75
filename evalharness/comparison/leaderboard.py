"""All runs in a results folder, best first: from `run.json` alone.

Ranked are runs that answered every article. What answers a few easy ones may have the highest mean
of all, so that others stand below, by how much they answered.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from evalharness.config.registry import scorer_row
from evalharness.config.yaml import nearest
from evalharness.errors import DataError
from evalharness.store import samples
from evalharness.store.runs import Figure, Run, UnfinishedRun, read_run_file, run_folders

_Ends = tuple[float | None, float | None, float | None]  # a mean with its interval


@dataclass(frozen=True)
class LeaderboardRow:
    """A run: how much it answered and how long, and each figure's mean with its interval.

    rank: among the complete runs on the same articles; None where it is not one of them.
    """

    run: str
    articles: int
    answered: float | None
    words: float | None
    truncated: float
    figures: Mapping[str, _Ends]
    rank: int | None = None


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
    """A board for each set of articles, the one with the most runs first.

    unreadable, unfinished: a line for each folder whose run is damaged, or did not come to its end.
    """

    boards: tuple[Board, ...]
    sorted_by: str
    unreadable: tuple[str, ...]
    unfinished: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def leaderboard(
    folder: str | Path = "results", by: str = "", *, incomplete: bool = False
) -> Leaderboard:
    """Return all finished runs in a folder, grouped by their articles, best first.

    by: the figure to sort by (`rouge.rougeLsum`); otherwise the first. incomplete: whether to rank
    runs that did not answer every article, too; else they stand below. A `run.json` that cannot be
    read is told of in `unreadable`, a folder whose newest run did not finish in `unfinished`.

    Raises: DataError where there is no run, or no such figure.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"{root}: there is no such folder")
    runs: dict[str, Run] = {}
    unreadable, unfinished = [], []
    for inner in run_folders(root, "", "*/", "*/*/", "*/*/*/"):
        try:
            runs[inner.relative_to(root).as_posix()] = read_run_file(inner / samples.RUN_FILE)
        except UnfinishedRun as error:
            unfinished.append(error)
        except DataError as error:
            unreadable.append(str(error))
    if unfinished and not (runs or unreadable):
        raise unfinished[0]
    if not runs:
        raise DataError("\n".join([*unreadable, f"{root}: no finished run"]))
    groups: dict[str, dict[str, Run]] = {}
    for name, run in runs.items():
        groups.setdefault(run.fingerprint, {})[name] = run
    boards = [_board(fingerprint, group, by, incomplete) for fingerprint, group in groups.items()]
    if by and not any(by in board.headings for board in boards):
        known = sorted({heading for board in boards for heading in board.headings})
        raise DataError(f"no figure {by!r}{nearest(by, known)}")
    boards.sort(key=lambda board: -len(board.rows))
    return Leaderboard(tuple(boards), by, tuple(unreadable), tuple(map(str, unfinished)))


def _board(fingerprint: str, group: Mapping[str, Run], by: str, incomplete: bool) -> Board:
    signatures: dict[str, str] = {}
    rows = [_row(name, run, signatures) for name, run in group.items()]
    headings = list(dict.fromkeys(heading for row in rows for heading in row.figures))
    first = by if by in headings else next(iter(headings), "")
    rows.sort(key=lambda row: (-_mean(row, first), row.run))
    ranked = [row for row in rows if incomplete or group[row.run].is_complete]
    others = [row for row in rows if row not in ranked]
    others.sort(key=lambda row: -(row.answered or 0.0))
    numbered = [replace(row, rank=rank) for rank, row in enumerate(ranked, 1)]
    return Board(fingerprint, tuple(headings), signatures, (*numbered, *others))


def _mean(row: LeaderboardRow, heading: str) -> float:
    mean = row.figures.get(heading, (None,))[0]
    return float("-inf") if mean is None else mean


def _row(name: str, run: Run, signatures: dict[str, str]) -> LeaderboardRow:
    return LeaderboardRow(
        run=name,
        articles=run.n,
        answered=run.outputs.answer_rate,
        words=run.outputs.mean_words,
        truncated=run.outputs.truncated / run.n if run.n else 0.0,
        figures=dict(_figures(run, signatures)),
    )


def _figures(run: Run, signatures: dict[str, str]) -> Iterator[tuple[str, _Ends]]:
    for label, figures in run.figures.items():
        name = _number_label(label, run.signatures.metrics.get(label, label), signatures)
        shown = scorer_row(run.kind(label)).shown
        parts = [part for part in shown if part in figures.parts]
        for part in parts:
            yield f"{name}.{part}", _ends(figures.parts[part])
        if figures.corpus is not None:
            yield f"{name}.corpus", (figures.corpus, None, None)
        elif not parts:
            yield name, _ends(figures)


def _ends(figure: Figure) -> _Ends:
    return figure.mean, figure.low, figure.high


def _number_label(label: str, signature: str, signatures: dict[str, str]) -> str:
    """Return the label, with a number from the second signature on that goes by it."""
    n, called = 1, label
    while signatures.setdefault(called, signature) != signature:
        n += 1
        called = f"{label} ({n})"
    return called
