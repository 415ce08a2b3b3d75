"""Commands that compute: `run`, `plan` and `score`."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from evalharness.commands.exits import COULD_NOT_COMPLETE, fail
from evalharness.commands.options import AsJson, Limit, Overrides, Results, names
from evalharness.records import NO_ANSWER

app = typer.Typer(rich_markup_mode=None)


@app.command()
def run(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file.")],
    overrides: Overrides = None,
    limit: Limit = None,
    results: Results = "results",
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Compute part I of N; without it, all, and the runs."),
    ] = None,
    no_space_check: Annotated[
        bool,
        typer.Option("--no-space-check", help="Begin even if the disk seems too small."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a config: load articles, summarize, score, and show a table."""
    from evalharness.runner import run as run_config

    if shard is not None:
        _run_shard(config, shard, overrides or [], limit, results, as_json)
        return
    which = {"space": not no_space_check}
    _run(run_config, (config, overrides or []), which, limit, results, as_json)


@app.command()
def plan(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file.")],
    overrides: Overrides = None,
    limit: Limit = None,
    results: Results = "results",
    as_json: AsJson = False,
) -> None:
    """Show what a run would do: cells, what is stored, what is left, what could be told apart."""
    from evalharness.plan import plan as planned
    from evalharness.report.planned import text

    found = planned(config, overrides or [], results=results, limit=limit)
    typer.echo(json.dumps(found.record(), indent=1) if as_json else text(found))


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
            help="What the files are: rows, lm-eval, inspect, lighteval, sacrerouge, summeval, "
            "promptfoo, helm; auto finds out.",
        ),
    ] = "auto",
    system: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A system of a log, if not all; repeatable."),
    ] = None,
    overrides: Overrides = None,
    limit: Limit = None,
    results: Results = "results",
    as_json: AsJson = False,
) -> None:
    """Score summaries that exist: rows with article, summary and, for metrics, reference; or logs.

    A log is read for each system in it; which fields are taken goes to stderr.
    """
    from evalharness.scoring import score as score_files

    given = (names(metrics), names(checks), overrides or [])
    which: dict[str, Any] = {"format": format, "systems": system or []}
    which["tell"] = lambda line: typer.echo(f"evalharness: {line}", err=True)
    _run(score_files, (files, *given), which, limit, results, as_json)


def _run(
    make: Callable[..., Any],
    given: Sequence[Any],
    named: Mapping[str, Any],
    limit: int | None,
    results: str,
    as_json: bool,
) -> None:
    from evalharness.report.progress import reporting
    from evalharness.runner import Unfinished

    try:
        with reporting(sys.stderr) as progress:
            runs = make(*given, **named, results=results, limit=limit, progress=progress)
    except Unfinished as error:
        _show_runs(error.runs, as_json)
        _tell_of_trackers(error.runs)
        raise
    _show_runs(runs, as_json)
    _tell_of_trackers(runs)
    if any(finished.record["counts"]["failed"] for finished in runs):
        fail("some articles have no summary: see the lines 'not summarized'", COULD_NOT_COMPLETE)
    notes = [note for run in runs for metric in run.metrics.values() for note in metric["notes"]]
    if any(note.startswith(NO_ANSWER) for note in notes):
        why = f"some scores are lacking for now ('{NO_ANSWER}'); the same command asks again"
        fail(why, COULD_NOT_COMPLETE)


def _run_shard(
    config: str,
    shard: str,
    overrides: Sequence[str],
    limit: int | None,
    results: str,
    as_json: bool,
) -> None:
    from evalharness import shards
    from evalharness.report.progress import reporting

    which = shards.shard_of(shard)
    with reporting(sys.stderr) as progress:
        part = shards.run_shard(
            config, which, overrides, results=results, limit=limit, progress=progress
        )
    typer.echo(json.dumps(part.record(), indent=1) if as_json else shards.text(part))
    if part.failures or part.failed:
        fail("the shard could not be completed: see above", COULD_NOT_COMPLETE)


def _tell_of_trackers(runs: Sequence[Any]) -> None:
    from evalharness.tracking import failures

    for finished in runs:
        for line in failures(finished.record, required=False):
            typer.echo(f"evalharness: {finished.name}: {line}", err=True)


def _show_runs(runs: Sequence[Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([finished.record for finished in runs], indent=1))
        return
    if not runs:
        return
    from evalharness.report.terminal import show_runs

    show_runs([finished.record for finished in runs], sys.stdout)
    folder = runs[0].folder
    where = str(folder) if len(runs) == 1 else f"{folder.parent}, a folder for each system"
    typer.echo(f"Results: {where}")
