"""`evalharness report`: one HTML page of runs."""

from typing import Annotated

import typer

from evalharness.cli import fail
from evalharness.cli.files import Files, RunOrFile, runs_of, takes_files
from evalharness.cli.options import Votes
from evalharness.comparison.preferences import read_votes
from evalharness.errors import Exit
from evalharness.report.gathered import gather
from evalharness.report.page import write_report
from evalharness.store.ledger import address_of
from evalharness.store.samples import PAGE_FILE

FOLDER = "report"


_Rules = Annotated[
    str | None, typer.Option(metavar="FILE", help="The gate's rules (YAML), for two runs.")
]
_Plots = Annotated[
    str, typer.Option(metavar="FOLDER", help="Also write every plot as SVG and PNG on white.")
]


@takes_files()
def report_command(
    runs: RunOrFile,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to write the page; with --all, the folder. "
            f"[default: {PAGE_FILE}, {FOLDER}]",
        ),
    ] = "",
    baseline: Annotated[
        str,
        typer.Option(metavar="SYSTEM", help="Compare with this. Default: of two runs, the first."),
    ] = "",
    rules: _Rules = None,
    cards: Annotated[
        str | None, typer.Option(metavar="FILE", help="Trust cards that `meta --card` wrote.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--all", help="Write a folder, with the texts of all articles.")
    ] = False,
    plots: _Plots = "",
    votes: Votes = None,
    *,
    files: Files,
) -> None:
    """Write one HTML page: what is better, how sure that is, and where each summary goes wrong."""
    to = output or (FOLDER if whole else PAGE_FILE)
    given = runs_of(runs, files).runs
    path = write_report(
        *given,
        to=to,
        baseline=baseline,
        rules=rules,
        cards=cards,
        whole=whole,
        votes=read_votes(votes or ()),
    )
    typer.echo(f"Report: {address_of(path)}")
    if plots:
        from evalharness.report.plots import write_plots

        typer.echo(f"Plots: {len(write_plots(*given, to=plots))} files in {plots}")
    if unfinished := gather(given).unfinished:
        why = "their newest run did not finish"
        fail(f"not on the page: {', '.join(unfinished)}: {why}", Exit.INCOMPLETE)
