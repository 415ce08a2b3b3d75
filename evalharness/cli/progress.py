"""How a long run tells that it goes on: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from evalharness.protocols import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

# Seconds between two lines of a log; a run shorter than this says nothing.
LOG_EVERY = 30.0


@contextmanager
def show_progress(out: IO[str]) -> Iterator[Progress]:
    """Give a progress that writes to `out` in the way that suits it."""
    if not out.isatty():
        yield _Lines(out)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(file=out)) as bar:
        yield _Bar(bar)


class _Bar:
    def __init__(self, bar: "Bar") -> None:
        self.bar = bar
        self.task: TaskID | None = None

    def start(self, work: str, total: int | None) -> None:
        self.task = self.bar.add_task(work, total=total, rate="")

    def advance(self, articles: int) -> None:
        if self.task is None:
            return
        self.bar.advance(self.task, articles)
        speed = self.bar.tasks[-1].speed
        if speed:
            self.bar.update(self.task, rate=f"{speed:.1f} articles/s")

    def end(self) -> None:
        if self.task is not None:
            n = self.bar.tasks[-1].completed
            self.bar.update(self.task, total=n, completed=n)


class _Lines:
    def __init__(self, out: IO[str]) -> None:
        self.out = out
        self.work = ""
        self.total: int | None = None
        self.done = 0
        self.began = self.said = time.monotonic()

    def start(self, work: str, total: int | None) -> None:
        self.work, self.total, self.done = work, total, 0
        self.began = self.said = time.monotonic()

    def advance(self, articles: int) -> None:
        self.done += articles
        now = time.monotonic()
        if now - self.said < LOG_EVERY:
            return
        self.said = now
        rate = self.done / (now - self.began)
        left = f", {(self.total - self.done) / rate:.0f} s left" if self.total and rate else ""
        of = f" of {self.total}" if self.total else ""
        print(f"{self.work}: {self.done}{of} articles, {rate:.1f}/s{left}", file=self.out)

    def end(self) -> None:
        """Say nothing: the table at the end does."""
