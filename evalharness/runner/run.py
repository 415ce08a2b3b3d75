"""From a config to runs: load, summarize, score; what the store has is not computed again."""

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evalharness.config.cells import Cell, by_articles, by_weights, executor_of, prepare
from evalharness.config.run_config import read_run_config
from evalharness.config.signature import signature_text
from evalharness.errors import DataError, Exit, HarnessError, NoMemory, StoreError
from evalharness.protocols import Delegating, Pool, Silence, Tracked
from evalharness.protocols import Progress as Progress
from evalharness.runner import tracking
from evalharness.runner.provenance import provenance
from evalharness.runner.space import check_space
from evalharness.runner.tasks import Ready, fill_scores
from evalharness.runner.work import (
    Work,
    at_work,
    let_go,
    passes,
    reason,
    summarize,
    work_with_same_summaries,
)
from evalharness.store.ledger import RunFolder, cannot_write, results_folder
from evalharness.store.runs import Run
from evalharness.store.samples import SWEEP_FILE
from evalharness.store.seal import sealed_alone, text_alone
from evalharness.store.store import Store


class Unfinished(HarnessError):
    """Some cells could not be run; those that could are on disk."""

    exit_code = Exit.INCOMPLETE

    def __init__(self, runs: list[Run], failures: Mapping[str, str]) -> None:
        self.runs = runs
        self.failures = failures
        super().__init__("\n".join(f"{cell}: {why}" for cell, why in failures.items()))


def run(
    config: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    results: str | Path = "results",
    limit: int | None = None,
    progress: Progress | None = None,
    executor: str | None = None,
    workers: int | None = None,
    space: bool = True,
) -> list[Run]:
    """Run a config (a YAML file, or a mapping of its shape) and return a run for each cell.

    overrides: `key=value` with dots in the key, as for `--set`; over the file, over the defaults.
    results: the folder for runs and for the store of all that was ever computed in it.
    executor, workers: where it is computed (`local`, `processes`, `ray`), and by how many;
        over the config's `executor`. They change no result.
    space: whether to make sure first that the results will fit on its disk.

    Raises: HarnessError for what the user can mend; Unfinished, with the runs that did end, where
        a cell of several failed.
    """
    folder = results_folder(results)
    run_config = read_run_config(config, overrides, limit, executor, workers)
    cells = prepare(run_config)
    if space:
        check_space(cells, folder)
    built_executor = executor_of(run_config, cells)
    if len(cells) > 1:
        write_sweep(cells, folder)
    for tracker in {id(t): t for cell in cells for t in cell.trackers.values()}.values():
        tracker.ready()
    with built_executor.pool() as pool:
        runs, failures = run_cells(cells, folder, progress or Silence(), pool)
    for finished in runs:
        if untold := finished.tracker_failures(required=True):
            failures[finished.name] = f"\n{finished.name}: ".join(untold)  # a line for each
    if failures:
        raise Unfinished(runs, failures)
    return runs


def write_sweep(cells: Sequence[Cell], folder: Path) -> None:
    """Write which cells an experiment has, where they are, and what the sweep set in each."""
    entries = [
        {
            "cell": cell.name,
            "folder": cell.name,
            "model": cell.model_kind,
            "settings": cell.settings,
        }
        for cell in cells
    ]
    record = {"format": 1, "experiment": cells[0].experiment, "cells": entries}
    RunFolder(folder / cells[0].experiment).write(SWEEP_FILE, text_alone(sealed_alone(record)))


def run_cell(cell: Cell, folder: Path, progress: Progress) -> Run:
    """Run one cell into `folder` and return it. Raises: what kept it from being done."""
    ((finished,), _) = run_cells([cell], folder, progress)
    return finished


def run_cells(
    cells: Sequence[Cell], folder: Path, progress: Progress, pool: Pool | None = None
) -> tuple[list[Run], dict[str, str]]:
    """Run cells into `folder`; return the runs, and by cell's name why the others could not be.

    Raises: DataError, StoreError that all cells have in common; anything, for a cell alone.
    """
    runner = _Runner(cells, folder, progress, pool)
    try:
        runner.run()
    except OSError as error:
        raise cannot_write(error.filename or folder, error) from error
    in_order = [cell.name for cell in cells]
    runs = [runner.runs[name] for name in in_order if name in runner.runs]
    return runs, {name: runner.failures[name] for name in in_order if name in runner.failures}


class _Runner:
    """Takes cells through both passes; one that fails leaves the others."""

    def __init__(
        self, cells: Sequence[Cell], folder: Path, progress: Progress, pool: Pool | None
    ) -> None:
        self.cells = cells
        self.folder = folder
        self.progress = progress
        self.pool = pool
        self.store = Store(folder / "store")
        self.runs: dict[str, Run] = {}
        self.failures: dict[str, str] = {}
        self.one_data = len(by_articles(cells)) == 1
        self.provenance: dict[str, Any] = {}

    def run(self) -> None:
        works = self.summarized()
        order = [cell.name for cell in self.cells]
        works.sort(key=lambda work: order.index(work.cell.name))
        for group in passes(works):
            self.scored(group)

    def summarized(self) -> list[Work]:
        """Return the cells at work whose summaries are all there, or can be had on the way."""
        if len(self.cells) == 1 and not self.cells[0].weights and self.pool is None:
            cell = self.cells[0]  # in one pass over the articles
            return [at_work(cell, self.path(cell), self.store, self.progress.advance)]
        works: list[Work] = []
        latest = None
        for cell in (cell for group in by_weights(self.cells) for cell in group):
            if latest is not None and cell.weights != latest:
                let_go()
            latest = cell.weights
            path = self.path(cell)
            try:
                works.append(
                    work_with_same_summaries(cell, path, works)
                    or summarize(cell, path, self.store, self.progress, self.pool)
                )
            except Exception as error:
                self.failed([cell], error)
        let_go()
        return works

    def scored(self, works: Sequence[Work]) -> None:
        """Score works together; where that fails, each alone, to find out which it was."""
        try:
            fill_scores(works, self.store, self.progress, self.finish, self.pool)
        except OSError:  # the results folder's
            raise
        except Exception as error:
            if len(works) == 1 or isinstance(error, DataError | StoreError):
                self.failed([work.cell for work in works], error)
                return
            for work in works:
                if work.cell.name not in self.runs:
                    work.computed.clear()
                    self.scored([work])

    def path(self, cell: Cell) -> Path:
        return self.folder / cell.experiment / cell.name

    def failed(self, cells: Sequence[Cell], error: Exception) -> None:
        """Note why cells have no run. Raises: what is no cell's own fault, or the only one's."""
        if isinstance(error, MemoryError):
            error = NoMemory()
        common = isinstance(error, StoreError) or (self.one_data and isinstance(error, DataError))
        if common or len(self.cells) == 1:
            raise error
        self.failures |= {cell.name: reason(error) for cell in cells}

    def finish(self, ready: Ready) -> None:
        """Write the files of a run."""
        cell = ready.work.cell
        self.provenance = self.provenance or provenance()
        tail = {
            "signatures": _signatures(ready),
            "provenance": self.provenance | _engines(cell),
            "timing": _timing(ready),
        }
        path = ready.work.path
        record = ready.writer.finish(_head(cell), tail, cell.config(path))
        if cell.trackers:
            told = Tracked(cell.experiment, cell.name, self.folder, path, cell.settings, record)
            record = tracking.tell(cell.trackers, told)
        self.runs[cell.name] = Run(path, record)


def _head(cell: Cell) -> dict[str, Any]:
    return {
        "format": 1,
        "experiment": cell.experiment,
        "cell": cell.name,
        "seed": cell.run_config.seed,
        "interval": cell.run_config.interval.model_dump(),
        "data": {"loader": cell.run_config.data.name, **cell.data_identity},
    }


def _signatures(ready: Ready) -> dict[str, Any]:
    """Return what made each number, as one line to quote."""
    calibrations = ready.work.cell.calibrations
    quoted = {label: {"calibration": named.quote()} for label, named in calibrations.items()}
    return {
        "model": signature_text(ready.work.summarizing.signature),
        "metrics": {
            label: signature_text(scoring.signature | quoted.get(label, {}))
            for label, scoring in ready.scorings.items()
        },
    }


def _engines(cell: Cell) -> dict[str, Any]:
    """Return which packages count for metrics of ours, where one does."""
    found = {
        label: by
        for label, metric in cell.metrics.items()
        if isinstance(metric, Delegating) and (by := metric.counted_by())
    }
    return {"engines": found} if found else {}


def _timing(ready: Ready) -> dict[str, Any]:
    """Return all that differs between two runs of the same config.

    seconds: of the cell's summaries, and its share of the pass that scored it with others.
    """
    work, n = ready.work, ready.writer.articles
    generation = work.summarizing.generation
    ledgers = [work.summarizing.ledger, *(s.ledger for s in ready.scorings.values())]
    return {
        "started": work.started,
        "seconds": round(work.seconds, 3),
        "articles_per_second": round(n / work.seconds, 3) if work.seconds > 0 else None,
        "scored_together": ready.together,
        "host": platform.node(),
        "damaged": [f"{ledger.path}:{line}" for ledger in ledgers for line in ledger.damaged],
        "summaries": work.summaries,
        **({"generation": generation} if generation else {}),
        "scores": {
            label: {"computed": work.computed[label], "stored": n - work.computed[label]}
            for label in ready.scorings
        },
    }
