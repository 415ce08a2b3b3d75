"""The process that draws.

The library that draws runs a browser's script engine, which ends its process where address space is
limited (`ulimit -v`), where a thread cannot be had, or by a bug of its own. So a process of its own
draws: started before there is a figure, since the engine takes a while, it draws one after the
other, while we go on with the next; and it is gone when there is nothing more to draw, or with us.
"""

import atexit
import marshal
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from importlib.util import find_spec
from threading import Timer
from typing import Any, Self

from evalharness.errors import HarnessError

# One figure takes some 20 ms; to start the engine some 400, from version 2 on some 100.
SECONDS = 120

_CHILD = """
import marshal, os, sys
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)  # whatever else is said is no answer
import vl_convert
no_network = {"allowed_base_urls": []}
if hasattr(vl_convert, "configure"):  # from version 2 on
    vl_convert.configure(**no_network)
    no_network = {}
vl_convert.vegalite_to_svg({"data": {"values": [{}]}, "mark": "point"}, **no_network)
def made(kind, given):
    if kind == "svg":
        return vl_convert.vegalite_to_svg(given, **no_network)
    return vl_convert.svg_to_png(given[0], scale=given[1])
while True:
    try:
        request = marshal.load(sys.stdin.buffer)
    except EOFError:
        os._exit(0)  # to take the engine down takes a while, too
    try:
        answer = made(*request), None
    except BaseException as error:
        answer = None, f"{type(error).__name__}: {error}"
    marshal.dump(answer, answers)
    answers.flush()
"""


def can_draw() -> bool:
    """Tell whether the library that draws is there."""
    return find_spec("vl_convert") is not None


class NotDrawn(HarnessError):
    """Plots cannot be drawn here."""


class Drawer:
    """The process that draws, started where there is none."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._queue: ThreadPoolExecutor | None = None
        self._ended: NotDrawn | None = None

    def __enter__(self) -> Self:
        """Start the process; at the end, whatever is still to be drawn is not."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(at_once=True)

    def start(self) -> None:
        """Start the process before there is anything to draw, where the library is there."""
        with suppress(NotDrawn):  # which is said when something is to be drawn
            if can_draw():
                self._start_process()

    def begin(self, draw_svg: Callable[[], str]) -> Future[str]:
        """Have figures drawn one after the other, while the caller goes on."""
        if self._queue is None:
            self._queue = ThreadPoolExecutor(1)
        return self._queue.submit(draw_svg)

    def svg(self, spec: dict[str, Any]) -> str:
        """Return a Vega-Lite specification as SVG. Raises: NotDrawn."""
        return str(self._request("svg", spec))

    def png(self, svg: str, scale: float) -> bytes:
        """Return an SVG as PNG. Raises: NotDrawn."""
        return bytes(self._request("png", [svg, scale]))

    def stop(self, *, at_once: bool = False) -> None:
        """End the process, if there is one; at_once: whatever is still to be drawn."""
        if at_once and (process := self._process) is not None:
            process.kill()
        if self._queue is not None:
            self._queue.shutdown(cancel_futures=at_once)
            self._queue = None
        if self._process is not None:
            self._process.communicate()
            self._process = None
        self._ended = None

    def _request(self, kind: str, given: Any) -> Any:
        """Return what the process makes of something. Of one that ended, nothing until `stop`."""
        if self._ended is not None:
            raise self._ended
        process = self._start_process()
        assert process.stdin is not None
        assert process.stdout is not None
        limit = Timer(SECONDS, process.kill)
        limit.start()
        try:
            # Numbers stay what they are to the last bit, and the process imports nothing for it.
            process.stdin.write(marshal.dumps((kind, given)))
            process.stdin.flush()
            made, error = marshal.load(process.stdout)  # noqa: S302  of our own process
        except (OSError, EOFError):
            raise self._end_process(process) from None
        finally:
            limit.cancel()
        if error is not None:
            raise NotDrawn(f"plots could not be drawn: {error}")
        return made

    def _start_process(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            try:
                self._process = subprocess.Popen(  # noqa: S603  of this very installation
                    [sys.executable, "-P", "-c", _CHILD],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            except OSError as error:
                raise NotDrawn(f"plots could not be drawn: {error.strerror or error}") from error
        return self._process

    def _end_process(self, process: "subprocess.Popen[bytes]") -> NotDrawn:
        """Close a process that no longer answers, and return how it ended as an error."""
        self._process = None
        with suppress(OSError), process:  # closes both pipes, of which one may be broken
            process.kill() if process.poll() is None else None
        code = process.returncode
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        self._ended = NotDrawn(
            f"plots could not be drawn: the library that draws ended ({how}); it needs some "
            "gigabytes of address space, which `ulimit -v` may limit"
        )
        return self._ended


DRAWER = Drawer()
atexit.register(DRAWER.stop, at_once=True)
