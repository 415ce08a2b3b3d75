"""Inside the process that is run: counts what it does to the results folder, and lets it fail."""

import builtins
import datetime
import errno
import functools
import io
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Of these, "mid", "full" and "full-once" leave half of what was to be written.
KINDS = (
    "kill-before",
    "kill-after",
    "kill-mid",
    "full",
    "full-once",
    "stale",
    "stale-after",
    "slow-rename",
    "read-only",
    "interrupt",
    "terminate",
    "memory",
    "clock",
    "clock-stands",
)
# Of which a run may end well: they change nothing that it needs.
HARMLESS = ("slow-rename", "clock", "clock-stands")


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and at which operation, counted from 1."""

    kind: str
    at: int


class Injector:
    """Counts operations, and strikes."""

    def __init__(self, root: Path, fault: Fault | None) -> None:
        self.root = str(root)
        self.fault = fault
        self.n = 0
        self.struck = False

    def within(self, path: object) -> bool:
        return str(path).startswith(self.root)

    def do(self, what: str, act: Callable[[], Any], half: Callable[[], Any] = lambda: None) -> Any:
        """Do an operation, or what the fault makes of it."""
        self.n += 1
        fault = self.fault
        if fault is None or not self._due(what, fault):
            return act()
        first, self.struck = not self.struck, True
        return self._strike(fault.kind, what, act, half) if first or _lasts(fault.kind) else act()

    def _due(self, what: str, fault: Fault) -> bool:
        if self.n < fault.at:
            return False
        if fault.kind == "memory":
            return what == "call"
        if fault.kind in ("stale", "stale-after", "slow-rename"):
            return what == "move"
        return what != "call" or not fault.kind.startswith(("full", "read-only"))

    def _strike(self, kind: str, what: str, act: Callable[[], Any], half: Callable[[], Any]) -> Any:
        if kind.startswith("kill"):
            if kind == "kill-after":
                act()
            elif kind == "kill-mid":
                half()
            os.kill(os.getpid(), signal.SIGKILL)
        if kind.startswith("full"):
            if what in ("write", "flush"):
                half()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return act()
        if kind == "read-only":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        if kind == "stale":
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        if kind == "stale-after":
            act()
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        if kind == "memory":
            raise MemoryError
        if kind == "slow-rename":
            time.sleep(0.05)
        elif kind in ("interrupt", "terminate"):
            os.kill(os.getpid(), signal.SIGINT if kind == "interrupt" else signal.SIGTERM)
        elif kind.startswith("clock"):
            _turn_clocks(stands=kind == "clock-stands", by=(self.n * 7919 % 200 - 100) * 86400.0)
        return act()


def _lasts(kind: str) -> bool:
    return kind in ("full", "read-only")


def _turn_clocks(stands: bool, by: float) -> None:
    """Move the clocks by seconds, or let them stand; the monotonic ones only go forward."""
    for name, shift in (("time", by), ("perf_counter", abs(by)), ("monotonic", abs(by))):
        genuine = getattr(time, name)
        setattr(time, name, _moved(genuine, None if stands else shift))

    class Moved(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return super().now(tz) + datetime.timedelta(seconds=by)

    from evalharness.runner import summaries

    summaries.datetime = Moved  # type: ignore[attr-defined]


def _moved(genuine: Callable[[], float], shift: float | None) -> Callable[[], float]:
    now = genuine()
    return lambda: now if shift is None else genuine() + shift


class _Raw(io.FileIO):
    """A file whose every write to the system is counted."""

    injector: Injector

    def write(self, data: Any) -> int:
        whole = bytes(data)
        genuine = super().write

        def half() -> None:
            genuine(whole[: len(whole) // 2])

        return int(self.injector.do("write", lambda: genuine(whole), half))

    def truncate(self, size: int | None = None) -> int:
        genuine = super().truncate
        return int(self.injector.do("cut", lambda: genuine(size)))


def install(injector: Injector) -> None:
    """Stand between this process and the system, for what is below the injector's root."""
    _Raw.injector = injector
    _files(injector)
    _moves(injector)
    _tables()
    _calls(injector)


def _files(injector: Injector) -> None:
    genuine: Any = io.open

    def opened(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **more: Any) -> Any:
        if not set(mode) & set("wax+") or not injector.within(file):
            return genuine(file, mode, buffering, *rest, **more)
        bare = mode.replace("b", "").replace("t", "")
        raw = injector.do("open", lambda: _Raw(os.fspath(file), bare))
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return buffered
        names = ("encoding", "errors", "newline")
        text = dict(zip(names, rest, strict=False)) | {n: more[n] for n in names if n in more}
        return io.TextIOWrapper(buffered, **text)

    io.open = builtins.open = opened


def _moves(injector: Injector) -> None:
    for name, what in (("replace", "move"), ("rename", "move"), ("unlink", "remove"),
                       ("mkdir", "make"), ("fsync", "flush")):  # fmt: skip
        setattr(os, name, _counted(injector, what, getattr(os, name)))


def _counted(injector: Injector, what: str, genuine: Any) -> Any:
    @functools.wraps(genuine)
    def counted(path: Any, *rest: Any, **more: Any) -> Any:
        if what != "flush" and not injector.within(path):
            return genuine(path, *rest, **more)
        return injector.do(what, lambda: genuine(path, *rest, **more))

    return counted


def _tables() -> None:
    """Let Arrow write through Python's files."""
    import pyarrow.parquet as pq

    class Writer(pq.ParquetWriter):  # type: ignore[misc]
        def __init__(self, where: Any, *rest: Any, **more: Any) -> None:
            self._ours = Path(where).open("wb") if isinstance(where, str | Path) else None  # noqa: SIM115
            super().__init__(self._ours or where, *rest, **more)

        def close(self) -> None:
            super().close()
            if self._ours is not None:
                self._ours.close()

    pq.ParquetWriter = Writer


def _calls(injector: Injector) -> None:
    """Count the calls of models and metrics, in which memory runs out."""
    from evalharness.checks.lexical.lexical import Lexical
    from evalharness.metrics.rouge import Rouge
    from evalharness.models.extractive import Lead, RandomSentences, TextRank

    calls: list[tuple[Any, str]] = [
        *((model, "summarize") for model in (Lead, RandomSentences, TextRank)),
        *((metric, "score") for metric in (Rouge, Lexical)),
    ]
    if "torch" in sys.modules:
        from evalharness.models.engine import Engine

        calls.append((Engine, "_generate"))
    for owner, name in calls:
        genuine: Any = getattr(owner, name)

        def called(self: Any, *given: Any, genuine: Any = genuine) -> Any:
            return injector.do("call", lambda: genuine(self, *given))

        setattr(owner, name, called)
