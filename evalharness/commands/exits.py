"""How a command ends that did not do all it was asked for: a line on stderr, an exit code."""

from typing import NoReturn

import typer

COULD_NOT_COMPLETE = 4
INTERRUPTED = 130


def fail(message: str, code: int) -> NoReturn:
    """Say why on stderr, and end with the exit code."""
    typer.echo(f"evalharness: {message}", err=True)
    raise typer.Exit(code)
