"""Commands that compute: `run`, `plan` and `score`."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from evalharness.cli import fail
from evalharness.cli.options import (
    AsJson,
    ExecutorName,
    Limit,
    Overrides,
    Results,
    WorkersOption,
    split_names,
)
from evalharness.errors import Exit
from evalharness.records import NO_ANSWER

app = typer.Typer(rich_markup_mode=None)

NoSpaceCheck = Annotated[
    bool, typer.Option("--no-space-check", help="Begin even if the disk seems too small.")
]

ReportOption = Annotated[
    bool,
    typer.Option("--report/--no-report", help="Write report.html into the folder of the runs."),
]


@app.command()
def run(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file.")],
    overrides: Overrides = None,
    limit: Limit = None,
    results: Results = "results",
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Compute part I of N, from 1 (--array=1-N); without it, all, and the runs.",
        ),
    ] = None,
    executor: ExecutorName = None,
    workers: WorkersOption = None,
    report: ReportOption = True,
    no_space_check: NoSpaceCheck = False,
    as_json: AsJson = False,
) -> None:
    """Run a config: load articles, summarize, score, and show a table."""
    from evalharness.runner.run import run as run_config

    where = {"executor": executor, "workers": workers}
    if shard is not None:
        _run_shard(config, shard, overrides or [], where, limit, results, as_json)
        return
    showing = _Showing(as_json, report)
    which = {**where, "space": not no_space_check}
    _run(run_config, (config, overrides or []), which, limit, results, showing)


@app.command()
def plan(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file.")],
    overrides: Overrides = None,
    limit: Limit = None,
    results: Results = "results",
    as_json: AsJson = False,
) -> None:
    """Show what a run would do: cells, what is stored, what is left, what could be told apart."""
    from evalharness.cli.plan import plan_text
    from evalharness.runner.plan import plan as planned

    found = planned(config, overrides or [], results=results, limit=limit)
    typer.echo(json.dumps(found.record(), indent=1) if as_json else plan_text(found))


@app.command()
def score(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="JSONL, CSV or Parquet, also gzipped; logs of other harnesses."
        ),
    ],
    metrics: Annotated[
        str, typer.Option(metavar="A,B", help="Metrics against the references.")
    ] = "rouge",
    checks: Annotated[
        str, typer.Option(metavar="A,B", help="Checks against the article.")
    ] = "lexical",
    format: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What the files are: rows, lm-eval, inspect, lighteval, promptfoo, helm; "
            "auto finds out.",
        ),
    ] = "auto",
    system: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A system of a log, if not all; repeatable."),
    ] = None,
    overrides: Overrides = None,
    limit: Limit = None,
    results: Results = "results",
    executor: ExecutorName = None,
    workers: WorkersOption = None,
    report: ReportOption = True,
    no_space_check: NoSpaceCheck = False,
    as_json: AsJson = False,
) -> None:
    """Score summaries that exist: rows with article, summary and, for metrics, reference; or logs.

    A log is read for each system in it; which fields are taken goes to stderr.
    """
    from evalharness.runner.existing import score as score_files

    given = (split_names(metrics), split_names(checks), overrides or [])
    which: dict[str, Any] = {"format": format, "systems": system or []}
    which |= {"executor": executor, "workers": workers, "space": not no_space_check}
    which["tell"] = lambda line: typer.echo(f"evalharness: {line}", err=True)
    _run(score_files, (files, *given), which, limit, results, _Showing(as_json, report))


@dataclass(frozen=True)
class _Showing:
    """How runs are shown: their records as JSON or tables, and whether with a page."""

    as_json: bool
    report: bool


def _run(
    make: Callable[..., Any],
    given: Sequence[Any],
    named: Mapping[str, Any],
    limit: int | None,
    results: str,
    showing: _Showing,
) -> None:
    from evalharness.cli.progress import show_progress
    from evalharness.runner.run import Unfinished

    try:
        with show_progress(sys.stderr) as progress:
            runs = make(*given, **named, results=results, limit=limit, progress=progress)
    except Unfinished as error:
        _show(error.runs, showing, of=len(error.runs) + len(error.failures))
        raise
    whole = _show(runs, showing, of=len(runs))
    if any(finished.record["counts"]["failed"] for finished in runs):
        fail("some articles have no summary: see the lines 'not summarized'", Exit.INCOMPLETE)
    notes = [note for run in runs for metric in run.metrics.values() for note in metric["notes"]]
    if any(note.startswith(NO_ANSWER) for note in notes):
        why = f"some scores are lacking for now ('{NO_ANSWER}'); the same command asks again"
        fail(why, Exit.INCOMPLETE)
    if not whole:
        raise typer.Exit(Exit.INCOMPLETE)


def _run_shard(
    config: str,
    shard: str,
    overrides: Sequence[str],
    where: Mapping[str, Any],
    limit: int | None,
    results: str,
    as_json: bool,
) -> None:
    from evalharness.cli.progress import show_progress
    from evalharness.runner import shards

    which = shards.shard_of(shard)
    with show_progress(sys.stderr) as progress:
        part = shards.run_shard(
            config, which, overrides, results=results, limit=limit, progress=progress, **where
        )
    typer.echo(json.dumps(part.record(), indent=1) if as_json else shards.shard_text(part))
    if part.failures or part.failed:
        fail("the shard could not be completed: see above", Exit.INCOMPLETE)


def _show(runs: Sequence[Any], showing: _Showing, *, of: int) -> bool:
    """Show runs, of so many that were to be, and write their page; return whether that is there."""
    _show_runs(runs, showing.as_json)
    _tell_of_trackers(runs)
    if not (runs and showing.report):
        return True
    folder = runs[0].folder if of == 1 else runs[0].folder.parent
    return _write_report(runs, folder, quiet=showing.as_json)


def _write_report(runs: Sequence[Any], folder: Path, *, quiet: bool) -> bool:
    """Write the page of runs; what goes wrong is said, and takes nothing from the runs."""
    from evalharness.errors import reason
    from evalharness.report.page import REPORT, write_report

    try:
        path = write_report(*runs, to=folder / REPORT)
    except Exception as error:
        typer.echo(f"evalharness: no report, the results are whole: {reason(error)}", err=True)
        return False
    if not quiet:
        typer.echo(f"Report: {path}")
    return True


def _tell_of_trackers(runs: Sequence[Any]) -> None:
    for finished in runs:
        for line in finished.tracker_failures(required=False):
            typer.echo(f"evalharness: {finished.name}: {line}", err=True)


def _show_runs(runs: Sequence[Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([finished.record for finished in runs], indent=1))
        return
    if not runs:
        return
    from evalharness.report.table import show_runs

    show_runs([finished.record for finished in runs], sys.stdout)
    folder = runs[0].folder
    where = str(folder) if len(runs) == 1 else f"{folder.parent}, a folder for each system"
    typer.echo(f"Results: {where}")
