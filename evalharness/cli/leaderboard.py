"""A leaderboard as a table: for the terminal, Markdown, CSV."""

import csv
import io
from collections.abc import Callable, Mapping
from typing import IO

from evalharness.comparison.leaderboard import Board, Leaderboard, LeaderboardRow
from evalharness.report.comparison import markdown_table, print_table, safe_cell, scaled_figure

_HEAD = ("run", "articles", "answered", "words", "truncated")


def show_leaderboard(found: Leaderboard, out: IO[str]) -> None:
    """Print a table for each set of articles."""
    for board in found.boards:
        notes = [
            f"Articles {board.fingerprint[:12]}, means times 100, best first by {_by(found, board)}"
        ]
        notes += [f"{name}: {signature}" for name, signature in board.signatures.items()]
        print_table(_rows(board), 1, notes, out)


def _by(found: Leaderboard, board: Board) -> str:
    sorted_by = found.sorted_by in board.headings
    return found.sorted_by if sorted_by else next(iter(board.headings), "name")


def _rows(board: Board) -> list[list[str]]:
    return [[*_HEAD, *board.headings], *(_row(board, row) for row in board.rows)]


def _row(board: Board, row: LeaderboardRow) -> list[str]:
    return [
        row.run,
        str(row.articles),
        "–" if row.answered is None else f"{row.answered:.0%}",
        "–" if row.words is None else f"{row.words:.0f}",
        f"{row.truncated:.0%}",
        *(_figure(row, heading) for heading in board.headings),
    ]


def _figure(row: LeaderboardRow, heading: str) -> str:
    mean, low, high = row.figures.get(heading, (None, None, None))
    if mean is None:
        return "–"
    if low is None or high is None:
        return f"{mean:.1f}"  # of a whole corpus, on the metric's own scale
    return f"{scaled_figure(mean, heading)} ±{scaled_figure(max(high - mean, mean - low), heading)}"


def markdown(found: Leaderboard) -> str:
    """Return a table for each set of articles."""
    return "\n".join(markdown_table(_rows(board), 1) for board in found.boards)


def as_csv(found: Leaderboard) -> str:
    """Return a row for each run and figure, numbers in full."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["data", *_HEAD, "figure", "mean", "low", "high"])
    for board in found.boards:
        for row in board.rows:
            head = [board.fingerprint, safe_cell(row.run), row.articles, row.answered, row.words]
            for heading, figures in row.figures.items():
                cells = [*head, row.truncated, safe_cell(heading), *figures]
                writer.writerow(["" if cell is None else cell for cell in cells])
    return out.getvalue()


FORMATS: Mapping[str, Callable[[Leaderboard], str]] = {"markdown": markdown, "csv": as_csv}
