"""How a command ends that did not do all it was asked for: a line on stderr, an exit code."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from evalharness.files.untrusted import visible

COULD_NOT_COMPLETE = 4
INTERRUPTED = 130
TERMINATED = 143


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM, as batch systems and containers do."""


@contextmanager
def heeding_sigterm() -> Iterator[None]:
    """Let SIGTERM end the process as Ctrl-C does, so that what is open is closed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    process, before = os.getpid(), signal.getsignal(signal.SIGTERM)

    def end(number: int, _: object) -> None:
        if os.getpid() == process:
            raise Terminated
        signal.signal(number, signal.SIG_DFL)  # a forked worker ends at once
        os.kill(os.getpid(), number)

    if before == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def say_interrupted(error: KeyboardInterrupt, more: str = "") -> int:
    """Say on stderr that the user or the system ended the command; return the exit code."""
    typer.echo(f"evalharness: interrupted{more}", err=True)
    return TERMINATED if isinstance(error, Terminated) else INTERRUPTED


def fail(message: str, code: int) -> NoReturn:
    """Say why on stderr, and end with the exit code."""
    typer.echo(f"evalharness: {visible(message)}", err=True)
    raise typer.Exit(code)
