"""`evalharness score`: scores of summaries that exist."""

from dataclasses import replace
from functools import partial
from typing import Annotated

import typer

from evalharness.cli import options
from evalharness.cli.files import Files, check_rejected, takes_files
from evalharness.cli.options import split_names, tell
from evalharness.cli.run import show_run
from evalharness.loaders.logs.formats import FORMAT_NAMES
from evalharness.runner.existing import score_again, score_files
from evalharness.runner.run import Progress
from evalharness.store.runs import Run

SummaryFiles = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="Each a system, NAME=FILE names it: JSONL, JSON, CSV, TSV, Parquet, also gzipped; "
        "text, a line a summary; logs of other harnesses; a folder of such files; hub:NAME, a data "
        "set of the hub (hub:NAME:CONFIG:SPLIT@TAG); - is stdin.",
    ),
]
InputFormat = Annotated[
    str,
    typer.Option(
        "--format",
        "--input-format",
        metavar="NAME",
        help=f"What the files are: {', '.join(FORMAT_NAMES[1:])}; {FORMAT_NAMES[0]} finds out.",
    ),
]
Again = Annotated[
    bool,
    typer.Option("--again", help="Give folders of runs: score their summaries again, as of today."),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace a run of this file with other rows or options."),
]


@takes_files("input_format")
def score_command(
    summaries_of: SummaryFiles,
    format: InputFormat = "auto",
    again: Again = False,
    overwrite: Overwrite = False,
    overrides: options.Overrides = None,
    limit: options.Limit = None,
    executor: options.ExecutorName = None,
    workers: options.WorkersOption = None,
    report: options.ReportOption = True,
    no_space_check: options.NoSpaceCheck = False,
    as_json: options.AsJson = False,
    *,
    files: Files,
) -> None:
    """Score summaries that exist: rows with article, summary and, for metrics, reference; or logs.

    stderr says which column was taken for what.
    """
    if again:
        show_run(partial(_score_each_again, summaries_of), as_json=as_json, report=report)
        return
    compute = partial(
        score_files,
        summaries_of,
        None if files.metrics is None else split_names(files.metrics),
        None if files.checks is None else split_names(files.checks),
        overrides or (),
        options=replace(files.options(), format=format),
        overwrite=overwrite,
        limit=limit,
        results=files.results,
        executor=executor or "auto",
        workers=workers,
        space=not no_space_check,
        tell=tell,
    )
    runs = show_run(compute, as_json=as_json, report=report)
    check_rejected(runs, files.allow_rejected)


def _score_each_again(folders: list[str], progress: Progress) -> list[Run]:
    return [run for folder in folders for run in score_again(folder, progress=progress)]
