"""Commands that set runs side by side: `compare`, `gate` and `leaderboard`."""

import json
import sys
from typing import Annotated

import typer

from evalharness.cli import fail
from evalharness.cli.options import AsJson, Seed, split_names
from evalharness.errors import Exit

app = typer.Typer(rich_markup_mode=None)

RunArguments = Annotated[
    list[str],
    typer.Argument(metavar="RUN...", help="Folders of runs; a folder of runs stands for all."),
]
MetricNames = Annotated[
    str, typer.Option(metavar="A,B", help="Metrics or parts (rouge.rouge1). Default: those shown.")
]
PairedResamples = Annotated[
    int, typer.Option(min=100, max=1_000_000, help="Resamples of the articles.")
]


@app.command()
def compare(
    runs: RunArguments,
    metrics: MetricNames = "",
    resamples: PairedResamples = 10_000,
    seed: Seed = 0,
    level: Annotated[float, typer.Option(min=0, max=1, help="Of the tests.")] = 0.05,
    output: Annotated[
        str, typer.Option("--format", metavar="F", help="table, markdown, latex, csv or json.")
    ] = "table",
    as_json: AsJson = False,
) -> None:
    """Compare runs on the articles they share; the first is the baseline of the differences."""
    from evalharness.report import comparison as tables

    formats = ["table", "json", *tables.FORMATS]
    if output not in formats:
        raise typer.BadParameter(f"{output!r}: should be one of {', '.join(formats)}")
    from evalharness.comparison.comparison import compare as compare_runs

    found = compare_runs(
        *runs, metrics=split_names(metrics), resamples=resamples, seed=seed, level=level
    )
    if as_json or output == "json":
        typer.echo(json.dumps(found.record(), indent=1))
    elif output == "table":
        tables.show_comparison(found, sys.stdout)
    else:
        typer.echo(tables.FORMATS[output](found), nl=False)


@app.command()
def gate(
    baseline: Annotated[str, typer.Argument(metavar="BASELINE", help="Folder of a run, or runs.")],
    candidate: Annotated[str, typer.Argument(metavar="CANDIDATE", help="Likewise.")],
    rules: Annotated[
        str | None, typer.Option(metavar="FILE", help="YAML; without it no metric may fall by 0.01")
    ] = None,
    junit: Annotated[str, typer.Option(metavar="FILE", help="Write JUnit XML.")] = "",
    markdown: Annotated[
        str, typer.Option(metavar="FILE", help="Write a comment with the worst articles.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Is a candidate worse than it may be? 0 no, 1 yes, 3 too few articles to tell, 4 not run."""
    from evalharness.cli.gate import report_gate
    from evalharness.comparison.gate import gate as judge

    found = judge(baseline, candidate, rules)
    report_gate(found, sys.stdout, junit=junit, markdown=markdown, as_json=as_json)
    raise typer.Exit(found.exit_code)


@app.command()
def leaderboard(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Of results.")] = "results",
    by: Annotated[str, typer.Option(metavar="METRIC", help="Sort by it; default: the first.")] = "",
    output: Annotated[
        str, typer.Option("--format", metavar="F", help="table, markdown, csv or json.")
    ] = "table",
    as_json: AsJson = False,
) -> None:
    """List all runs in a folder, best first, a table for each set of articles."""
    from evalharness.cli import leaderboard as tables
    from evalharness.comparison.leaderboard import leaderboard as list_runs

    if output not in ("table", "json", *tables.FORMATS):
        choices = ", ".join(["table", *tables.FORMATS, "json"])
        raise typer.BadParameter(f"{output!r}: should be one of {choices}")
    found = list_runs(folder, by)
    if as_json or output == "json":
        typer.echo(json.dumps(found.record(), indent=1))
    elif output == "table":
        tables.show_leaderboard(found, sys.stdout)
    else:
        typer.echo(tables.FORMATS[output](found), nl=False)
    if found.unreadable:
        fail("\n".join(found.unreadable), Exit.MENDABLE)
