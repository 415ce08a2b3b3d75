"""The command line: parse, call, print, exit code.

Exit codes: 0 good; 2 something the user can mend (config, data); 4 the run could not be completed,
or some articles have no summary; 130 interrupted. What a command makes goes to stdout, progress
and errors to stderr.
"""

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

COULD_NOT_COMPLETE = 4
INTERRUPTED = 130

app = typer.Typer(
    name="evalharness",
    help="How good are these summaries, and where are they wrong?",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
)

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Lay a value over the config's; repeatable."),
]
Results = Annotated[
    str, typer.Option(metavar="FOLDER", help="Where runs and the store of all summaries lie.")
]
Limit = Annotated[int | None, typer.Option(min=1, help="Articles at the most, from the first.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")]


@app.callback(invoke_without_command=True)
def _top(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        import evalharness

        typer.echo(f"evalharness {evalharness.__version__}")
        raise typer.Exit


@app.command()
def run(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file.")],
    overrides: Overrides = None,
    limit: Limit = None,
    results: Results = "results",
    as_json: AsJson = False,
) -> None:
    """Run a config: load articles, summarize, score, and show a table."""
    _run(config, overrides or [], limit, results, as_json)


@app.command()
def score(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="JSONL, CSV or Parquet, also gzipped.")
    ],
    metrics: Annotated[
        str, typer.Option(metavar="A,B", help="Metrics against the references.")
    ] = "rouge",
    checks: Annotated[
        str, typer.Option(metavar="A,B", help="Checks against the article.")
    ] = "numbers,entities",
    overrides: Overrides = None,
    limit: Limit = None,
    results: Results = "results",
    as_json: AsJson = False,
) -> None:
    """Score summaries that exist: rows with article, summary and, for metrics, reference."""
    from pathlib import Path

    sheet = {
        "name": "score",
        "data": {"name": "files", "path": files if len(files) > 1 else files[0]},
        "model": {"name": "given", "label": Path(files[0]).name.partition(".")[0]},
        "metrics": [name for name in metrics.split(",") if name],
        "checks": [name for name in checks.split(",") if name],
    }
    _run(sheet, overrides or [], limit, results, as_json)


def _run(
    config: Any, overrides: Sequence[str], limit: int | None, results: str, as_json: bool
) -> None:
    from evalharness.report.progress import reporting
    from evalharness.runner import Unfinished
    from evalharness.runner import run as run_config

    try:
        with reporting(sys.stderr) as progress:
            runs = run_config(config, overrides, results=results, limit=limit, progress=progress)
    except Unfinished as error:
        _show_runs(error.runs, as_json)
        raise
    _show_runs(runs, as_json)
    if any(finished.record["counts"]["failed"] for finished in runs):
        _fail("some articles have no summary: see the lines 'not summarized'", COULD_NOT_COMPLETE)


def _show_runs(runs: Sequence[Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([finished.record for finished in runs], indent=1))
        return
    if not runs:
        return
    from evalharness.report.terminal import show_runs

    show_runs([finished.record for finished in runs], sys.stdout)
    typer.echo(f"Results: {', '.join(str(finished.folder) for finished in runs)}")


@app.command("list")
def list_components(
    kind: Annotated[
        str, typer.Argument(metavar="[KIND]", help="loaders, models, metrics or checks.")
    ] = "",
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Show the options of one.")] = "",
    as_json: AsJson = False,
) -> None:
    """List components, or the options of one."""
    from evalharness.report import listing

    found = listing.components(kind, name)
    typer.echo(json.dumps(found, indent=1) if as_json else listing.text(found))


@app.command()
def schema() -> None:
    """Print the JSON Schema of a config file, for editors."""
    from evalharness.schema import schema as config_schema

    typer.echo(json.dumps(config_schema(), indent=1))


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"evalharness: {message}", err=True)
    raise typer.Exit(code)


def main() -> None:
    """Run the command line; a HarnessError is one line on stderr and its exit code."""
    try:
        app()
    except KeyboardInterrupt:
        message = "evalharness: interrupted; what was computed is kept: the same command goes on"
        typer.echo(message, err=True)
        sys.exit(INTERRUPTED)
    except Exception as error:
        from evalharness.errors import HarnessError

        if not isinstance(error, HarnessError):
            raise
        for line in str(error).splitlines():
            typer.echo(f"evalharness: {line}", err=True)
        sys.exit(error.exit_code)
