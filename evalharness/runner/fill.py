"""`fill`: what the store lacks of some cells is computed: summaries model by model, then scores.

The first of the two verbs of a run; `write` is the other. A run in one piece, a shard, worker
processes and Ray differ in the pool and in the share that they give.
"""

import dataclasses
import gc
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalharness.config.cells import Cell, by_articles, by_weights
from evalharness.errors import ConfigError, DataError, HarnessError, NoMemory, StoreError, reason
from evalharness.files.credentials import without_credentials
from evalharness.files.untrusted import one_line
from evalharness.protocols import Charging, Pool, Progress, Silence
from evalharness.runner.articles import KeptUnits
from evalharness.runner.provenance import provenance
from evalharness.runner.scores import Scoring, fill_scores
from evalharness.runner.summaries import FilledCell, Share, Summarizing, fill_summaries
from evalharness.store.ledger import MadeWith, ledger_path, mirror_of
from evalharness.store.samples import WorkSigns, mark_unfinished, write_signs
from evalharness.store.store import Store

if TYPE_CHECKING:
    from evalharness.endpoint import Account, Server

# Cells that are scored and written together: each has three files open.
CELLS_AT_ONCE = 32
# Of what a mark says of an error, in characters.
_LONGEST_REASON = 500


@dataclass
class FilledGroup:
    """Cells with the same articles that were scored together, and all that scores them.

    kept: what was read of the articles, and need not be read again.
    """

    cells: list[FilledCell]
    scorings: list[Scoring]
    together: int
    kept: KeptUnits = field(default_factory=KeptUnits)

    def rest(self) -> None:
        """Let go of the ledgers and of what was kept, which are read again if need be."""
        self.kept.drop()
        for filled in self.cells:
            filled.summarizing.rest()
        for scoring in self.scorings:
            scoring.rest()

    def alone(self) -> Iterator["FilledGroup"]:
        """Yield each cell in a group of its own."""
        for number, filled in enumerate(self.cells):
            labels = [
                (scoring, [(0, label) for cell, label in scoring.asking if cell == number])
                for scoring in self.scorings
            ]
            own = [
                dataclasses.replace(scoring, asking=asking) for scoring, asking in labels if asking
            ]
            yield FilledGroup([filled], own, self.together)


@dataclass
class Filled:
    """What came of filling cells: all that `write` needs and that the store does not keep.

    summarized: cells whose summaries are there, or have failed in this run. groups: those of them
    that were scored, too. account: what was spent on servers, if any is asked. failures: by cell's
    name, what kept it from being a run. marks: by cell's name, those in its folder that go when its
    run is written, the last of them ours. at_work: the cells that something is being done for.
    made_with: gives the versions that write its files.
    """

    cells: Sequence[Cell]
    summarized: list[FilledCell] = field(default_factory=list)
    account: "Account | None" = None
    groups: list[FilledGroup] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)
    marks: dict[str, list[Path]] = field(default_factory=dict)
    at_work: Sequence[FilledCell] = ()
    made_with: MadeWith = provenance
    _signs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note_failure(self, cells: Sequence[Cell], error: Exception) -> None:
        """Note what kept cells from being runs. Raises: what is no cell's own fault."""
        if isinstance(error, MemoryError):
            error = NoMemory()
        one_data = len(by_articles(self.cells)) == 1
        if isinstance(error, StoreError) or (one_data and isinstance(error, DataError)):
            raise error
        self.failures |= {cell.name: error for cell in cells}
        for cell in cells:
            self.sign(cell, ended=_one_line(error))

    def sign(self, cell: Cell, **signs: Any) -> None:
        """Say in a cell's mark how far its run is, for whoever looks on."""
        self._signs[cell.name] = {**self._signs.get(cell.name, {}), **signs}
        if marks := self.marks.get(cell.name):
            write_signs(marks[-1], WorkSigns(**self._signs[cell.name]))

    def sign_off(self, why: str) -> None:
        """Say in the marks of all cells that are no runs yet that no more is done for them."""
        for cell in self.cells:
            if cell.name not in self.failures:
                self.sign(cell, ended=why)

    def reasons(self) -> dict[str, str]:
        """Return in words why cells are no runs, in the config's order."""
        failures = self.failures
        return {c.name: reason(failures[c.name]) for c in self.cells if c.name in failures}


class SignedProgress:
    """Passes on how a run goes on, and says it in the marks of the runs that it is done for.

    As a context: what ends the work before its time is said there, too.
    """

    _EVERY = 1.0  # seconds

    def __init__(self, filled: Filled, onward: Progress) -> None:
        """Take the cells with their marks, and who else is told."""
        self._filled = filled
        self._onward = onward
        self._began = self._said = 0.0
        self._signs: dict[str, Any] = {}

    def __enter__(self) -> "SignedProgress":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            interrupted = isinstance(error, KeyboardInterrupt)
            self._filled.sign_off("interrupted" if interrupted else _one_line(error))

    def start(self, work: str, total: int | None) -> None:
        """Begin a piece of work."""
        self._signs = {"work": work, "total": total, "done": 0, "tokens": 0, "left": None}
        self._began = time.monotonic()
        self._say()
        self._onward.start(work, total)

    def advance(self, articles: int, tokens: int = 0, left: float | None = None) -> None:
        """So many more articles are done; said at most every second."""
        self._signs["done"] += articles
        self._signs["tokens"] += tokens
        self._signs["left"] = left
        if time.monotonic() - self._said >= self._EVERY:
            self._say()
        self._onward.advance(articles, tokens, left)

    def end(self) -> None:
        """The piece of work is done."""
        self._say()
        self._onward.end()

    def _say(self) -> None:
        self._said = time.monotonic()
        seconds = self._said - self._began
        for of_cell in self._filled.at_work:
            summarizing = of_cell.summarizing
            failed, ledger = len(summarizing.failed), ledger_path(Path(), summarizing.signature)
            own = {"failed": failed, "ledger": ledger.name, "seconds": seconds}
            self._filled.sign(of_cell.cell, **self._signs, **own)


def _one_line(error: BaseException) -> str:
    """Return what ended work before its time, for whoever looks on."""
    said = str(error).strip() if isinstance(error, HarnessError) else ""
    line = said.partition("\n")[0] or f"{type(error).__name__}: {error}".partition("\n")[0]
    return one_line(without_credentials(line))[:_LONGEST_REASON]


def servers_of(components: Iterable[Any]) -> "Iterator[Server]":
    """Yield the servers that components ask."""
    for component in components:
        others = getattr(component, "panel", None) or ()
        named = (component, getattr(component, "endpoint", None), *others)
        yield from (server for server in named if getattr(server, "asks_server", False))


def open_account(
    cells: Sequence[Cell], store: Store, others: Sequence[object] = ()
) -> "Account | None":
    """Have all that asks servers ask for one account; None where nothing does.

    others: components beside those of the cells.

    Raises: ConfigError where prices are limited and not known.
    """
    components = [c for cell in cells for c in (cell.model, *cell.metrics.values())]
    charging = [each for each in (*components, *others) if isinstance(each, Charging)]
    if not charging:
        return None
    from evalharness.endpoint import Account

    limits = cells[0].run_config.budget.model_dump() if cells[0].run_config.budget else {}
    account = Account(**limits, answers=partial(store.ledger, "answers"))
    if any(server.batch for server in servers_of(charging)):
        if mirror_of(store.folder.parent):
            raise ConfigError(
                "batch: what a server is to answer later is kept in a folder of this machine; give "
                "--results a folder, and then: evalharness copy FOLDER URL"
            )
        from evalharness.endpoint.batches import BatchFiles

        account.batches = BatchFiles(store.folder / "batches")
    for component in charging:
        component.charge_to(account)
    return account


def fill(
    cells: Sequence[Cell],
    store: Store,
    pool: Pool,
    share: Share | None = None,
    progress: Progress | None = None,
) -> Filled:
    """Write to the store what it lacks of cells; one that fails leaves the others.

    Before that, the folders of their runs are marked as unfinished: what an earlier run left there
    is no result of this one, whatever ends it.

    share: what of it is ours; all if None.
    Raises: StoreError; DataError that all cells have in common.
    """
    share, progress = share or Share(), progress or Silence()
    made_with = store.made_with or provenance
    filled = Filled(cells, account=open_account(cells, store), made_with=made_with)
    filled.marks = {c.name: mark_unfinished(c.folder(store.folder.parent)) for c in cells}
    with SignedProgress(filled, progress) as signed:
        _fill_summaries_of_all(filled, store, pool, share, signed)
        waiting = deque(_groups(filled))
        while waiting:
            group = filled.at_work = waiting.popleft()
            began = time.perf_counter()
            # Nobody writes the files of a shard.
            kept = KeptUnits() if share.of == 1 else KeptUnits(room=0)
            try:
                scorings = fill_scores(group, store, pool, share, signed, kept)
            except OSError:  # the results folder's
                raise
            except Exception as error:
                waiting.extendleft(_groups_to_try_again(group, error, filled))
                continue
            for of_cell in group:
                of_cell.seconds += (time.perf_counter() - began) / len(group)
            filled.groups.append(FilledGroup(group, scorings, len(group), kept))
            if waiting:
                filled.groups[-1].rest()
    if filled.account is not None and filled.account.batches is not None:
        filled.account.batches.send()
    return filled


def _groups_to_try_again(
    group: Sequence[FilledCell], error: Exception, filled: Filled
) -> list[list[FilledCell]]:
    """Return the cells of a group that failed, each alone and the last first; else note failure.

    So it is found out which of them it was.
    """
    if len(group) > 1 and not isinstance(error, DataError | StoreError):
        for of_cell in group:
            of_cell.summarizing.begin_again()
        return [[alone] for alone in reversed(group)]
    filled.note_failure([of_cell.cell for of_cell in group], error)
    return []


def _fill_summaries_of_all(
    filled: Filled, store: Store, pool: Pool, share: Share, progress: Progress
) -> None:
    """Write the summaries that are lacking, model by model, and note which cells have theirs."""
    jobs = _jobs(filled.cells)
    for number, cells_of_weights in enumerate(by_weights(filled.cells)):
        if number:
            gc.collect()  # a model and its tokenizers refer to each other
        for cell in cells_of_weights:
            job = next(n for n, job in enumerate(jobs) if job.has_summaries_of(cell))
            same = next((other for other in filled.summarized if other.job == job), None)
            try:
                summarizing = (
                    same.summarizing if same else Summarizing(cell.model_kind, cell.model, store)
                )
                of_cell = FilledCell(cell, summarizing, job, is_first=same is None)
                filled.at_work = [of_cell]
                if cell.weights and not summarizing.is_whole:
                    fill_summaries(of_cell, pool, share, progress)
                filled.summarized.append(of_cell)
            except Exception as error:
                filled.note_failure([cell], error)


def _jobs(cells: Sequence[Cell]) -> list[Cell]:
    """Return the first cell of those with the same summaries."""
    jobs: list[Cell] = []
    for cell in cells:
        if not any(job.has_summaries_of(cell) for job in jobs):
            jobs.append(cell)
    return jobs


def _groups(filled: Filled) -> Iterator[list[FilledCell]]:
    """Yield summarized cells in groups: with the same articles, in order, and not too many."""
    by_name = {of_cell.cell.name: of_cell for of_cell in filled.summarized}
    in_order = [cell for cell in filled.cells if cell.name in by_name]
    for group in by_articles(in_order):
        members = [by_name[cell.name] for cell in group]
        for start in range(0, len(members), CELLS_AT_ONCE):
            yield members[start : start + CELLS_AT_ONCE]
