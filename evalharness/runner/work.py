"""Cells at work, and the first pass of a run: every cell's summaries, model by model.

A model is loaded once for all cells that use it, and is gone before scoring begins; with workers,
each of them holds one, and the driver none. The second pass is in `tasks`.
"""

import copy
import gc
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from evalharness.config.cells import Cell, by_articles
from evalharness.errors import HarnessError
from evalharness.protocols import Pool, Progress
from evalharness.runner.articles import expected_articles, windows
from evalharness.store.store import Claim, Store, Summarizing, claim_all

# Cells that are scored together: each has three files open.
CELLS_AT_ONCE = 32


@dataclass
class Work:
    """A cell at work: its model behind the ledger, and what was computed for it."""

    cell: Cell
    path: Path
    summarizing: Summarizing
    summaries: dict[str, int] = field(default_factory=lambda: {"computed": 0, "stored": 0})
    computed: Counter[str] = field(default_factory=Counter)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    seconds: float = 0.0


def summarize(
    cell: Cell,
    path: Path,
    store: Store,
    progress: Progress,
    pool: Pool | None = None,
    claims: Callable[[int], Claim] = lambda window: claim_all,
    share: int = 1,
) -> Work:
    """Write all summaries of a cell to the store. Raises: HarnessError where that cannot be.

    claims: gives by a window's number what tells which of its articles are ours; about one of
        `share`.
    """
    began = time.perf_counter()
    work = at_work(cell, path, store, progress.advance)
    total = expected_articles(cell.loader, cell.run_config.limit)
    progress.start(cell.name, total and total // share)
    ours = ((w, claims(n)) for n, w in enumerate(windows(cell.loader, cell.run_config.limit)))
    work.summarizing.fill_all(ours, pool)
    progress.end()
    work.summarizing.rest()
    work.seconds = time.perf_counter() - began
    work.summaries = count_summaries(work.summarizing)
    return work


def work_with_same_summaries(cell: Cell, path: Path, works: Iterable[Work]) -> Work | None:
    """Return a cell at work with the summaries of another, where those are the same."""
    for work in works:
        if cell.has_summaries_of(work.cell):
            there = {"computed": 0, "stored": sum(count_summaries(work.summarizing).values())}
            return Work(cell, path, work.summarizing, there)
    return None


def at_work(
    cell: Cell, path: Path, store: Store, advance: Callable[[int], object] = lambda articles: None
) -> Work:
    """Return a cell ready to work, with a model of its own: what that loads goes when it rests."""
    model = copy.copy(cell.model)
    return Work(cell, path, Summarizing(cell.model_kind, model, store, advance))


def count_summaries(summarizing: Summarizing) -> dict[str, int]:
    """Return how many summaries were computed, and how many were there."""
    return {"computed": summarizing.computed, "stored": summarizing.stored}


def let_go() -> None:
    """Free what models that rest had loaded: a model and its tokenizers refer to each other."""
    gc.collect()


def passes(works: Sequence[Work]) -> Iterator[list[Work]]:
    """Yield the works in groups to be scored together: with the same articles, and not too many."""
    for group in by_articles(work.cell for work in works):
        members = [work for work in works if any(work.cell is cell for cell in group)]
        for start in range(0, len(members), CELLS_AT_ONCE):
            yield members[start : start + CELLS_AT_ONCE]


def reason(error: BaseException) -> str:
    """Return one line for what the user can mend, and the whole traceback for what is a bug."""
    if isinstance(error, HarnessError):
        return str(error)
    return "".join(traceback.format_exception(error)).rstrip()
