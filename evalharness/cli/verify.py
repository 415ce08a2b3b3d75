"""Commands that say whether what is there can be trusted: `verify`, `rerun` and `reproduce`."""

import json
import sys
from typing import Annotated

import typer

from evalharness.cli.options import AsJson, Limit, Overrides, Results
from evalharness.errors import Exit

app = typer.Typer(rich_markup_mode=None)

_CODES = {
    "same": Exit.GOOD,
    "differs": Exit.FINDING,
    "other versions": Exit.INCONCLUSIVE,
    "reproduced": Exit.GOOD,
    "not reproduced": Exit.FINDING,
    "indicative": Exit.INCONCLUSIVE,
}


@app.command()
def verify(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="A run's folder, an experiment's, or all results."),
    ],
    store: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="The ledgers; default: store beside the experiment."),
    ] = None,
    sample: Annotated[
        int, typer.Option(min=0, help="Articles of each run to score again, drawn at random.")
    ] = 20,
    everything: Annotated[bool, typer.Option("--all", help="Score all articles again.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Draws the sample.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Check runs on disk: digests, figures, ledgers, a sample scored again. 0 good, 1 differs."""
    from evalharness.cli.trust import verified_text
    from evalharness.trust.verify import verify as verify_runs

    found = verify_runs(*runs, store=store, sample=None if everything else sample, seed=seed)
    typer.echo(json.dumps(found.record(), indent=1) if as_json else verified_text(found))
    raise typer.Exit(Exit.GOOD if found.good else Exit.FINDING)


@app.command()
def rerun(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    into: Annotated[
        str | None,
        typer.Option("--results", metavar="FOLDER", help="Keep what is made here; else it goes."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a run's config again from scratch. 0 same bytes, 1 they differ, 3 so do versions."""
    from evalharness.cli.progress import show_progress
    from evalharness.cli.trust import rerun_text
    from evalharness.trust.rerun import rerun as run_again

    with show_progress(sys.stderr) as progress:
        found = run_again(run, into=into, progress=progress)
    typer.echo(json.dumps(found.record(), indent=1) if as_json else rerun_text(found))
    raise typer.Exit(_CODES[found.verdict])


@app.command()
def reproduce(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Which; without it, all are listed.")
    ] = "",
    overrides: Overrides = None,
    limit: Limit = None,
    results: Results = "results",
    as_json: AsJson = False,
) -> None:
    """List published figures, or make one of them again. 0 made, 1 not, 3 only part was run."""
    from evalharness.cli import trust
    from evalharness.cli.progress import show_progress
    from evalharness.trust import reproduce

    if not name:
        rows = reproduce.published_results()
        found = [row.record() for row in rows.values()]
        typer.echo(json.dumps(found, indent=1) if as_json else trust.rows_text(rows))
        return
    row = reproduce.published_result(name)
    with show_progress(sys.stderr) as progress:
        made = reproduce.reproduce(
            row, overrides or [], results=results, limit=limit, progress=progress
        )
    typer.echo(json.dumps(made.record(), indent=1) if as_json else trust.reproduction_text(made))
    raise typer.Exit(_CODES[made.verdict])
