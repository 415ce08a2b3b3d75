"""`evalharness leaderboard`: all runs in a folder, best first; also as Markdown and CSV."""

from typing import IO, Annotated, Any, Literal

import typer

from evalharness.cli import fail
from evalharness.cli.files import Files, runs_of, takes_files
from evalharness.cli.options import AsJson, Texts, print_as
from evalharness.comparison.leaderboard import Board, Leaderboard, LeaderboardRow
from evalharness.comparison.leaderboard import leaderboard as list_runs
from evalharness.config.registry import scaled_figure
from evalharness.errors import Exit
from evalharness.report import table

_HEAD = ("rank", "run", "articles", "answered", "words", "truncated")


@takes_files()
def leaderboard_command(
    folders: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FOLDER_OR_FILE...]",
            help="A folder of results, or files of summaries, to score. [default: results]",
        ),
    ] = None,
    by: Annotated[
        str, typer.Option(metavar="METRIC", help="The score to sort by. Default: the first.")
    ] = "",
    incomplete: Annotated[
        bool,
        typer.Option("--incomplete", help="Also rank runs that did not answer every article."),
    ] = False,
    output: Annotated[
        Literal["table", "markdown", "csv", "json"], typer.Option("--format")
    ] = "table",
    as_json: AsJson = False,
    *,
    files: Files,
) -> None:
    """List all runs in a folder, best first, a table for each set of articles."""
    found = list_runs(*runs_of(folders or ["results"], files).runs, by=by, incomplete=incomplete)
    print_as(output, found, show_leaderboard, FORMATS, as_json)
    lines = "\n".join([*found.unreadable, *found.unfinished])
    if lines:
        fail(lines, Exit.INCOMPLETE if found.unfinished else Exit.MENDABLE)


def show_leaderboard(found: Leaderboard, out: IO[str]) -> None:
    """Print a table for each set of articles."""
    for board in found.boards:
        notes = [
            f"Articles {board.fingerprint[:12]}, means times 100, best first by {_by(found, board)}"
        ]
        if any(row.rank is None for row in board.rows):
            notes.append(
                "Without a rank: did not answer every article, or lacks the score to rank by"
            )
        notes += board.old
        notes += [f"{name}: {signature}" for name, signature in board.signatures.items()]
        table.show_table(_rows(board), out, "ll", notes)


def _by(found: Leaderboard, board: Board) -> str:
    sorted_by = found.sorted_by in board.headings
    return found.sorted_by if sorted_by else next(iter(board.headings), "name")


def _rows(board: Board) -> list[list[str]]:
    return [[*_HEAD, *board.headings], *(_row(board, row) for row in board.rows)]


def _row(board: Board, row: LeaderboardRow) -> list[str]:
    return [
        "–" if row.rank is None else str(row.rank),
        row.run,
        str(row.articles),
        table.percent_text(row.answered),
        table.number_text(row.words, 0),
        table.percent_text(row.truncated),
        *(_figure(row, heading) for heading in board.headings),
    ]


def _figure(row: LeaderboardRow, heading: str) -> str:
    mean, low, high = row.figures.get(heading, (None, None, None))
    if mean is None or low is None or high is None:
        return table.number_text(mean, 1)  # of a whole corpus, on the metric's own scale
    half = scaled_figure(max(high - mean, mean - low), heading)
    return f"{scaled_figure(mean, heading)} ±{half}"


def leaderboard_markdown(found: Leaderboard) -> str:
    """Return a table for each set of articles."""
    return "\n".join(table.markdown_table(_rows(board)) for board in found.boards)


def leaderboard_csv(found: Leaderboard) -> str:
    """Return a row for each run and figure, numbers in full."""
    rows: list[list[Any]] = [["data", *_HEAD[1:], "rank", "figure", "mean", "low", "high"]]
    for board in found.boards:
        for row in board.rows:
            head = [board.fingerprint, row.run, row.articles, row.answered, row.words]
            rows += [
                [*head, row.truncated, row.rank, name, *row.figures[name]] for name in row.figures
            ]
    return table.csv_table(rows)


FORMATS: Texts = {"markdown": leaderboard_markdown, "csv": leaderboard_csv}
