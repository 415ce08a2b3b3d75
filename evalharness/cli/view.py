"""`evalharness view`: all runs of a results folder in the browser."""

import os
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from evalharness.cli import Terminated
from evalharness.errors import ConfigError
from evalharness.protocols import is_url
from evalharness.report.view import ViewServer


def view_command(
    results: Annotated[
        str, typer.Argument(metavar="[RESULTS]", help="A folder of results. [default: results]")
    ] = "results",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the browser.")
    ] = True,
) -> None:
    """Show all runs of a results folder in the browser, on this machine only, until Ctrl-C.

    All runs, with a filter; each run's page, any of them compared, a system over time; runs at work
    with their progress. Nothing is written, and the address holds a token: who lacks it sees
    nothing.
    """
    if is_url(results):
        raise ConfigError(
            f"{results}: `view` shows folders of this machine; copy the runs, evalharness copy "
            f"{results} FOLDER, or write a page: evalharness report {results}"
        )
    server = ViewServer(Path(results), port)
    typer.echo(f"{results}: {server.address} (Ctrl-C stops)")
    sys.stdout.flush()
    if browser and _has_screen():
        threading.Thread(target=webbrowser.open, args=[server.address], daemon=True).start()
    try:
        server.serve()
    except Terminated:
        raise
    except KeyboardInterrupt:
        pass
    typer.echo("Stopped.")


def _has_screen() -> bool:
    """Tell whether a browser would open in a window, not in this terminal."""
    desktop = sys.platform in ("darwin", "win32")
    return desktop or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
