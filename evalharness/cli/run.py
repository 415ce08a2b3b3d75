"""`evalharness run`: a config is run, its runs are shown. `score` shows its own as `run` does."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from evalharness.cli import fail, options
from evalharness.cli.options import print_headline, print_json, print_result, tell
from evalharness.cli.progress import show_progress
from evalharness.errors import Exit
from evalharness.records import NO_ANSWER
from evalharness.report.table import has_votes, show_runs
from evalharness.runner.run import Unfinished
from evalharness.runner.run import run as run_cells
from evalharness.store.ledger import address_of
from evalharness.store.runs import Run
from evalharness.store.samples import PAGE_FILE


def run_command(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file.")],
    overrides: options.Overrides = None,
    limit: options.Limit = None,
    results: options.ResultsOfRun = "results",
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Compute only part I (1 to N) of N. Without --shard, the runs are written.",
        ),
    ] = None,
    executor: options.ExecutorName = None,
    workers: options.WorkersOption = None,
    report: options.ReportOption = True,
    no_space_check: options.NoSpaceCheck = False,
    as_json: options.AsJson = False,
) -> None:
    """Run a config: load articles, summarize, score, and show a table."""
    how: dict[str, Any] = {"results": results, "limit": limit}
    # Shards share a machine as often as not: each keeps to the processor that it was given.
    usual = "auto" if shard is None else None
    how |= {"executor": executor or usual, "workers": workers}
    if shard is not None:
        _run_shard(shard, config, overrides or (), how, as_json)
        return
    how |= {"space": not no_space_check, "tell": tell}
    compute = partial(run_cells, config, overrides or (), **how)
    show_run(compute, as_json=as_json, report=report)


def show_run(compute: Callable[..., list[Run]], *, as_json: bool, report: bool) -> list[Run]:
    """Compute runs, show them as JSON or a table, and a page if asked for; and return them.

    Ends with `Exit.INCOMPLETE` where anything is missing, also the page.
    """
    show = partial(_show, as_json=as_json, report=report)
    try:
        with show_progress(sys.stderr) as progress:
            runs = compute(progress=progress)
    except Unfinished as error:
        show(error.runs, of=len(error.runs) + len(error.failures))
        raise
    is_whole = show(runs, of=len(runs))
    if any(finished.counts.failed for finished in runs):
        fail("some articles have no summary: see the lines 'not summarized'", Exit.INCOMPLETE)
    notes = [note for run in runs for figures in run.figures.values() for note in figures.notes]
    if any(note.startswith(NO_ANSWER) for note in notes):
        why = f"some scores are missing for now ('{NO_ANSWER}'); the same command asks again"
        fail(why, Exit.INCOMPLETE)
    if not is_whole:
        raise typer.Exit(Exit.INCOMPLETE)
    return runs


def _run_shard(
    shard: str, config: str, overrides: Sequence[str], how: Mapping[str, Any], as_json: bool
) -> None:
    from evalharness.runner.shards import run_shard, shard_of, shard_text

    which = shard_of(shard)
    with show_progress(sys.stderr) as progress:
        part = run_shard(config, which, overrides, progress=progress, **how)
    print_result(part.record(), shard_text(part), as_json)
    if part.failures or part.failed:
        fail("the shard could not be completed: see above", Exit.INCOMPLETE)


def _show(runs: Sequence[Run], *, of: int, as_json: bool, report: bool) -> bool:
    """Show runs, of so many that were to be, and write their page; return whether that is there."""
    _show_runs(runs, as_json, headed=report)
    _tell_of_trackers(runs)
    if not (runs and report):
        return True
    folder = runs[0].folder if of == 1 else runs[0].folder.parent
    return _write_report(runs, folder, quiet=as_json)


def _write_report(runs: Sequence[Run], folder: Path, *, quiet: bool) -> bool:
    """Write the page of runs; what goes wrong is said, and takes nothing from the runs."""
    from evalharness.errors import reason
    from evalharness.report.page import write_headed_report

    try:
        path, headline = write_headed_report(*runs, to=folder / PAGE_FILE)
    except Exception as error:
        typer.echo(
            f"evalharness: the report was not written, the results are complete: {reason(error)}",
            err=True,
        )
        return False
    if not quiet:
        print_headline(headline)
        typer.echo(f"Report: {address_of(path)}")
    return True


def _tell_of_trackers(runs: Sequence[Run]) -> None:
    for finished in runs:
        for line in finished.tracker_failures(required=False):
            typer.echo(f"evalharness: {finished.name}: {line}", err=True)


def _show_runs(runs: Sequence[Run], as_json: bool, *, headed: bool) -> None:
    if as_json:
        print_json([finished.record for finished in runs])
        return
    if not runs:
        return
    show_runs(runs, sys.stdout, headed=headed)
    if has_votes(runs):
        from evalharness.report.panel import show_panel

        show_panel(runs, sys.stdout)
    folder = runs[0].folder
    where = address_of(folder if len(runs) == 1 else folder.parent)
    where += "" if len(runs) == 1 else ", a folder for each system"
    typer.echo(f"Results: {where}")
