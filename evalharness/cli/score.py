"""`evalharness score`: scores of summaries that exist."""

from functools import partial
from typing import Annotated, Any

import typer

from evalharness.cli import options
from evalharness.cli.options import split_names
from evalharness.cli.run import show_run
from evalharness.runner.existing import FORMAT_NAMES, score_again, score_files
from evalharness.runner.run import Progress
from evalharness.store.runs import Run

SummaryFiles = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...", help="JSONL, CSV or Parquet, also gzipped; logs of other harnesses."
    ),
]
InputFormat = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=f"What the files are: {', '.join(FORMAT_NAMES[1:])}; {FORMAT_NAMES[0]} finds out.",
    ),
]
Systems = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A system of a log, if not all; repeatable."),
]
Again = Annotated[
    bool, typer.Option("--again", help="The files are folders of runs: score them as of today.")
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace a run of this file with other rows or options."),
]


def score_command(
    files: SummaryFiles,
    metrics: Annotated[
        str, typer.Option(metavar="A,B", help="Metrics against the references.")
    ] = "rouge",
    checks: Annotated[
        str, typer.Option(metavar="A,B", help="Checks against the article.")
    ] = "lexical",
    format: InputFormat = "auto",
    system: Systems = None,
    again: Again = False,
    overwrite: Overwrite = False,
    overrides: options.Overrides = None,
    limit: options.Limit = None,
    results: options.Results = "results",
    executor: options.ExecutorName = None,
    workers: options.WorkersOption = None,
    report: options.ReportOption = True,
    no_space_check: options.NoSpaceCheck = False,
    as_json: options.AsJson = False,
) -> None:
    """Score summaries that exist: rows with article, summary and, for metrics, reference; or logs.

    A log is read for each system in it; which fields are taken goes to stderr.
    """
    if again:
        show_run(partial(_score_each_again, files), as_json=as_json, report=report)
        return
    how: dict[str, Any] = {"limit": limit, "results": results}
    how |= {"executor": executor, "workers": workers}
    compute = partial(
        score_files,
        files,
        split_names(metrics),
        split_names(checks),
        overrides or (),
        format=format,
        systems=system or (),
        overwrite=overwrite,
        **how,
        space=not no_space_check,
        tell=lambda line: typer.echo(f"evalharness: {line}", err=True),
    )
    show_run(compute, as_json=as_json, report=report)


def _score_each_again(folders: list[str], progress: Progress) -> list[Run]:
    return [run for folder in folders for run in score_again(folder, progress=progress)]
