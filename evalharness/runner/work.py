"""Cells at work, and the first pass of a run: every cell's summaries, model by model.

A model is loaded once for all cells that use it, and is gone before scoring begins; with workers,
each of them holds one, and the driver none. The second pass is in `tasks`.
"""

import copy
import dataclasses
import gc
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from evalharness.config.cells import Cell
from evalharness.errors import HarnessError
from evalharness.hf import weights as hf_weights
from evalharness.protocols import Identified, Pool
from evalharness.runner.articles import expected_articles, windows
from evalharness.store.store import Claim, Store, Summarizing, claim_all

# Cells that are scored together: each has three files open.
CELLS_AT_ONCE = 32


class Progress(Protocol):
    """Who is told how a run goes on."""

    def start(self, work: str, total: int | None) -> None:
        """A piece of work begins: so many articles are to come, where that is known."""
        ...

    def advance(self, articles: int) -> None:
        """So many more articles are done."""
        ...

    def end(self) -> None:
        """The piece of work is done."""
        ...


class Silence:
    """Tells nobody."""

    def start(self, work: str, total: int | None) -> None:
        """Say nothing."""

    def advance(self, articles: int) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""


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


def neighbours(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells with those beside each other that use the same weights, else in order."""
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(weights(cell), []).append(cell)
    return [cell for group in groups.values() for cell in group]


def weights(cell: Cell) -> tuple[Any, ...]:
    """Return what names the weights that a cell's model loads; empty if it loads none we know of.

    Decoding, prompts and limits are no part of it.
    """
    if not isinstance(getattr(cell.model, "model", None), str):
        return ()
    names = ["model", *(f.name for f in dataclasses.fields(hf_weights.Request))]
    return (cell.model_kind, *(getattr(cell.model, name, None) for name in names))


def with_same_articles(cells: Iterable[Cell]) -> list[list[Cell]]:
    """Return the cells in groups that read the same articles."""
    groups: list[list[Cell]] = []
    for cell in cells:
        for group in groups:
            if same_articles(cell, group[0]):
                group.append(cell)
                break
        else:
            groups.append([cell])
    return groups


def same_articles(one: Cell, other: Cell) -> bool:
    """Tell whether two cells read the same articles."""
    return one.run_config.limit == other.run_config.limit and bool(one.loader == other.loader)


def same_summaries(one: Cell, other: Cell) -> bool:
    """Tell whether two cells have the same model and articles, and differ in what scores them."""
    same_model = one.model_kind == other.model_kind and bool(one.model == other.model)
    return same_model and same_articles(one, other)


def summarize(
    cell: Cell,
    path: Path,
    store: Store,
    progress: Progress,
    crew: Pool | None = None,
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
    work.summarizing.fill_all(ours, crew)
    progress.end()
    work.summarizing.rest()
    work.seconds = time.perf_counter() - began
    work.summaries = count_summaries(work.summarizing)
    return work


def work_with_same_summaries(cell: Cell, path: Path, works: Iterable[Work]) -> Work | None:
    """Return a cell at work with the summaries of another, where those are the same."""
    for work in works:
        if same_summaries(work.cell, cell):
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
    for group in with_same_articles(work.cell for work in works):
        members = [work for work in works if any(work.cell is cell for cell in group)]
        for start in range(0, len(members), CELLS_AT_ONCE):
            yield members[start : start + CELLS_AT_ONCE]


def data_identity(cell: Cell) -> dict[str, Any]:
    """Return the commit of data that has one; of any data the fingerprint says what was read."""
    return dict(cell.loader.identity()) if isinstance(cell.loader, Identified) else {}


def reason(error: BaseException) -> str:
    """Return one line for what the user can mend, and the whole traceback for what is a bug."""
    if isinstance(error, HarnessError):
        return str(error)
    return "".join(traceback.format_exception(error)).rstrip()
