"""The process that draws: a library that ends in an abort must not take the runs with it.

It runs a browser's script engine, which ends its process where address space is limited
(`ulimit -v`), where a thread cannot be had, or by a bug of its own. It is started for the first
figure, draws one after the other, and is gone when there is nothing more to draw, or with us.
"""

import atexit
import base64
import json
import signal
import subprocess
import sys
from threading import Timer
from typing import Any

from evalharness.errors import HarnessError

# One figure takes some 20 ms; the first, which starts the engine, some 400.
SECONDS = 120

_CHILD = """
import base64, json, os, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever else is said is no answer
import vl_convert
def made(kind, given):
    if kind == "svg":
        return vl_convert.vegalite_to_svg(given, allowed_base_urls=[])
    return base64.b64encode(vl_convert.svg_to_png(given[0], scale=given[1])).decode()
for line in sys.stdin.buffer:
    try:
        answer = {"made": made(*json.loads(line))}
    except BaseException as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), file=answers, flush=True)
"""


class NotDrawn(HarnessError):
    """Plots cannot be drawn here."""


class Drawer:
    """Asks the process, and starts it where there is none."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def svg(self, spec: dict[str, Any]) -> str:
        """Return a Vega-Lite specification as SVG. Raises: NotDrawn."""
        return self._request("svg", spec)

    def png(self, svg: str, scale: float) -> bytes:
        """Return an SVG as PNG. Raises: NotDrawn."""
        return base64.b64decode(self._request("png", [svg, scale]))

    def rest(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def _request(self, kind: str, given: Any) -> str:
        process = self._start_process()
        assert process.stdin is not None
        assert process.stdout is not None
        limit = Timer(SECONDS, process.kill)
        limit.start()
        try:
            process.stdin.write(json.dumps([kind, given]).encode() + b"\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:
            answer = b""
        finally:
            limit.cancel()
        if not answer:
            raise self._end_process(process)
        found = json.loads(answer)
        if "error" in found:
            raise NotDrawn(f"plots could not be drawn: {found['error']}")
        return str(found["made"])

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
        """Take leave of a process that answers no more, and say how it ended."""
        self._process = None
        with process:  # closes both pipes, of which one may be broken
            process.kill() if process.poll() is None else None
        code = process.returncode
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return NotDrawn(
            f"plots could not be drawn: the library that draws ended ({how}); it needs some "
            "gigabytes of address space, which `ulimit -v` may limit"
        )


DRAWER = Drawer()
atexit.register(DRAWER.rest)
