"""How a long run tells that it goes on: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from evalharness.protocols import Progress
from evalharness.report.table import left_text, rate_text

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
    )
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Bar(*columns, console=Console(file=out)) as bar:
        yield _Bar(bar)


class _Bar:
    def __init__(self, bar: "Bar") -> None:
        self.bar = bar
        self.task: TaskID | None = None
        self.tokens = 0

    def start(self, work: str, total: int | None) -> None:
        self.task = self.bar.add_task(work, total=total, rate="", left="")
        self.tokens = 0

    def advance(self, articles: int, tokens: int = 0, left: float | None = None) -> None:
        if self.task is None:
            return
        self.bar.advance(self.task, articles)
        self.tokens += tokens
        task = self.bar.tasks[-1]
        rate = rate_text(task.completed, self.tokens, task.elapsed or 0.0)
        seconds = task.time_remaining if left is None else left
        self.bar.update(self.task, rate=rate, left=left_text(seconds))

    def end(self) -> None:
        if self.task is not None:
            n = self.bar.tasks[-1].completed
            self.bar.update(self.task, total=n, completed=n, left="")


class _Lines:
    def __init__(self, out: IO[str]) -> None:
        self.out = out
        self.work = ""
        self.total: int | None = None
        self.done = self.tokens = 0
        self.began = self.said = time.monotonic()

    def start(self, work: str, total: int | None) -> None:
        self.work, self.total, self.done, self.tokens = work, total, 0, 0
        self.began = self.said = time.monotonic()

    def advance(self, articles: int, tokens: int = 0, left: float | None = None) -> None:
        self.done += articles
        self.tokens += tokens
        now = time.monotonic()
        if now - self.said < LOG_EVERY:
            return
        self.said = now
        seconds = now - self.began
        if left is None and self.total and self.done:
            left = (self.total - self.done) * seconds / self.done
        of = f" of {self.total}" if self.total else ""
        rate = rate_text(self.done, self.tokens, seconds)
        said = filter(None, [f"{self.done}{of} articles", rate, left_text(left)])
        print(f"{self.work}: {', '.join(said)}", file=self.out)

    def end(self) -> None:
        """Say nothing: the table at the end does."""
