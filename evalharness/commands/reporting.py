"""The command that makes a page for people: `report`."""

from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode=None)

Runs = Annotated[
    list[str],
    typer.Argument(metavar="RUN...", help="Folders of runs; a folder of runs stands for all."),
]


@app.callback()
def _several() -> None:
    """Keep `report` a command of its own, though it is alone here."""


@app.command()
def report(
    runs: Runs,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to write the page.")
    ] = "report.html",
) -> None:
    """Write one HTML page: what is better, how sure that is, and where each summary goes wrong."""
    from evalharness.report.page import write_report

    typer.echo(f"Report: {write_report(*runs, to=output)}")
