"""`evalharness demo`: the quickstart from stored summaries, and what to try next."""

from functools import partial
from pathlib import Path

import typer

from evalharness.cli import options
from evalharness.cli.run import show_run
from evalharness.files import shipped_path
from evalharness.runner.run import run as run_cells

# By the name of the folder that results go to.
NEXT = (
    "evalharness show {results}/demo harbour-ferry",
    "evalharness compare {results}/demo/smollm2-greedy {results}/demo/smollm2-drawn",
    "evalharness examples && evalharness check configs/pages/harvest.txt",
)


def demo_command(results: options.Results = "results") -> None:
    """Show what evalharness does: a small model's summaries, scored, with their errors.

    24 articles, without a network and without torch, in less than a minute.
    """
    config = shipped_path("demo.yaml")
    show_run(partial(run_cells, config, (), results=results), as_json=False, report=True)
    typer.echo("\nTry next:")
    for line in NEXT:
        typer.echo(f"  {line.format(results=Path(results).as_posix())}")
