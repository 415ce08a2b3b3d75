"""From a config to runs: two verbs, `fill` the store with what it lacks, `write` the runs."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalharness.config.build import BuiltJudge, judges_of
from evalharness.config.cells import (
    Cell,
    by_articles,
    executor_of,
    experiment_folder,
    folders_at_stake,
    folders_of_experiment,
    prepare,
)
from evalharness.config.run_config import RunConfig, experiment_named, read_run_config
from evalharness.errors import ConfigError, Exit, HarnessError
from evalharness.executors.local import LocalPool
from evalharness.files.untrusted import read_whole
from evalharness.protocols import Charging
from evalharness.protocols import Progress as Progress
from evalharness.runner.fill import fill, open_account
from evalharness.runner.provenance import provenance
from evalharness.runner.space import check_space
from evalharness.runner.write import write
from evalharness.store.ledger import RunFolder, address_of, cannot_write, mirror_of
from evalharness.store.runs import Run, swept_cells
from evalharness.store.samples import (
    CONFIG,
    RUN_FILE,
    SWEEP_FILE,
    mark_unfinished,
    sealed_alone,
    text_alone,
)
from evalharness.store.store import STORE, Store, working_folder

if TYPE_CHECKING:
    from evalharness.endpoint import Account


Tell = Callable[[str], object]
# Of the settings that differ from those of the runs that are replaced.
_CHANGES_SHOWN = 6


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
    tell: Tell = lambda line: None,
) -> list[Run]:
    """Run a config (a YAML file, or a mapping of its shape) and return a run for each cell.

    overrides: `key=value` with dots in the key, as for `--set`; over the file, over the defaults.
    results: the folder for runs and for the store of all that was ever computed in it; or a URL, as
        in `s3://bucket/results`, where both are put.
    executor, workers: where it is computed (an executor's name), and by how many;
        over the config's `executor`. They change no result.
    space: whether to make sure first that the results will fit on its disk.
    tell: told in a line where runs with other settings are replaced.

    Raises: HarnessError for what the user can mend; Unfinished, with the runs that did end, where
        a cell of several failed.
    """
    folder = working_folder(results)
    run_config = read_marked(folder, config, overrides, limit, executor, workers)
    cells = prepare_marked(run_config, folder)
    tell_replaced(cells, folder, tell)
    if space:
        check_space(cells, folder)
    built_executor = executor_of(run_config, cells)
    judges = judges_of(run_config)
    write_sweep(cells, folder)
    for tracker in {id(t): t for cell in cells for t in cell.trackers.values()}.values():
        tracker.ready()
    with folder_errors_named(folder), built_executor.pool() as pool:
        filled = fill(cells, Store(folder / STORE, cache(provenance)), pool, progress=progress)
        runs = write(filled, folder, progress, pool)
    failures = filled.reasons()
    for finished in runs:
        if untold := finished.tracker_failures(required=True):
            failures[finished.name] = f"\n{finished.name}: ".join(untold)  # a line for each
    if judges:
        failures |= _compare_cells(cells, judges, runs, folder, filled.account, progress)
    if failures:
        raise Unfinished(runs, failures)
    return runs


def _compare_cells(
    cells: Sequence[Cell],
    judges: Mapping[str, BuiltJudge],
    runs: Sequence[Run],
    folder: Path,
    account: "Account | None",
    progress: Progress | None,
) -> dict[str, str]:
    """Ask judges about the runs of the same articles; return, by label, why answers are missing."""
    import numpy as np

    from evalharness.runner.preferences import ask_judges

    failures: dict[str, str] = {}
    by_name = {run.name: run for run in runs}
    store, seed = Store(folder / STORE, cache(provenance)), cells[0].run_config.seed
    _charge(judges, cells, store, account)
    for group in by_articles(cells):
        own = [by_name[cell.name] for cell in group if cell.name in by_name]
        rows = [np.arange(run.n) for run in own]
        for label, built in judges.items() if len(own) > 1 else ():
            try:
                asked = ask_judges({label: built}, own, rows, store, seed, progress)[label]
                failures |= {label: asked.lacking} if asked.unanswered else {}
            except HarnessError as error:  # the runs are whole, and what was answered is stored
                failures[label] = str(error)
    return failures


def _charge(
    judges: Mapping[str, BuiltJudge], cells: Sequence[Cell], store: Store, account: "Account | None"
) -> None:
    """Have judges spend from the account of the run, or from one of their own."""
    asking = [built.judge for built in judges.values() if isinstance(built.judge, Charging)]
    if account is None:
        open_account(cells[:1], store, asking)
    for judge in asking if account else ():
        judge.charge_to(account)


def read_marked(
    results: Path,
    config: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    limit: int | None = None,
    executor: str | None = None,
    workers: int | None = None,
) -> RunConfig:
    """Read a config; of one that cannot be read the runs there are marked as unfinished.

    So no gate takes what an earlier config wrote for its result. Where such a config does not tell
    its experiment's name, nothing is marked. Raises: ConfigError.
    """
    try:
        run_config = read_run_config(config, overrides, limit, executor, workers)
        _pull_experiment(results, run_config.name)
    except ConfigError:
        name = experiment_named(config, overrides)
        _pull_experiment(results, name or "")
        for old in folders_of_experiment(name, results) if name else ():
            if (old / RUN_FILE).exists():
                mark_unfinished(old)
        raise
    return run_config


def _pull_experiment(results: Path, name: str) -> None:
    """Fetch which runs an experiment has, where the results are at a URL."""
    if name and (mirror := mirror_of(results)) is not None:
        mirror.pull_experiment(experiment_folder(name, results))


def prepare_marked(run_config: RunConfig, results: Path) -> list[Cell]:
    """Prepare the cells of a config; what its runs are to replace is marked before, as unfinished.

    So an old run passes for none of a config whose checkpoint is broken or gone.
    """
    at_stake = [f for f in folders_at_stake(run_config, results) if (f / RUN_FILE).exists()]
    marks = {folder: mark_unfinished(folder)[-1] for folder in at_stake}
    cells = prepare(run_config)
    for folder in marks.keys() - {cell.folder(results) for cell in cells}:
        RunFolder(folder).remove(marks[folder].name)
    return cells


def tell_replaced(cells: Sequence[Cell], results: Path, tell: Tell) -> None:
    """Tell in a line which finished runs are replaced, as they had other settings, and which."""
    changes = {cell.name: _changes_since_run(cell, results) for cell in cells}
    replaced = [name for name, changed in changes.items() if changed]
    if not replaced:
        return
    folder = cells[0].folder(results).parent
    which = f"{len(replaced)} runs in {address_of(folder)} are"
    which = which if len(replaced) > 1 else f"{address_of(folder / replaced[0])} is"
    tell(
        f"{which} replaced, because settings have changed ({_changes_text(changes, replaced)}). "
        "The store keeps all scores, so the earlier command brings the earlier results back; to "
        "keep both, add --set name=NAME to one of the two"
    )


def _changes_text(changes: Mapping[str, Sequence[str]], replaced: Sequence[str]) -> str:
    """Return each change once, with the runs that have it where not all do."""
    runs_of = {
        change: [name for name in replaced if change in changes[name]]
        for change in dict.fromkeys(each for name in replaced for each in changes[name])
    }
    shown = [
        change if len(names) == len(replaced) else f"{change} in {_names_text(names)}"
        for change, names in runs_of.items()
    ]
    if len(shown) > _CHANGES_SHOWN:
        shown[_CHANGES_SHOWN:] = [f"{len(shown) - _CHANGES_SHOWN} more"]
    return "; ".join(shown)


def _changes_since_run(cell: Cell, results: Path) -> list[str]:
    """Return how a cell's settings differ from those of the finished run in its folder, if any."""
    folder, mirror = cell.folder(results), mirror_of(results)
    if not (folder / RUN_FILE).exists():
        return []
    if mirror is not None:
        mirror.pull(folder / CONFIG)
    try:
        earlier = (folder / CONFIG).read_text(encoding="utf-8")
        return cell.changes_since(earlier, None if mirror else folder)
    except (OSError, ValueError, HarnessError):  # a damaged run is nothing to keep
        return []


def _names_text(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) < 4 else f"{len(names)} of these"


def write_sweep(cells: Sequence[Cell], folder: Path) -> None:
    """Write which cells an experiment has, where they are, and what the sweep set in each.

    A single cell is added to the sweep that is there; without one there is nothing to tell.
    """
    experiment = folder / cells[0].experiment
    entries = [
        {
            "cell": cell.name,
            "folder": cell.name,
            "model": cell.model_kind,
            "settings": cell.settings,
        }
        for cell in cells
    ]
    if len(cells) == 1:
        if not (experiment / SWEEP_FILE).exists() or cells[0].name in swept_cells(experiment):
            return
        entries = [*json.loads(read_whole(experiment / SWEEP_FILE))["cells"], *entries]
    record = {"format": 1, "experiment": cells[0].experiment, "cells": entries}
    RunFolder(experiment).write(SWEEP_FILE, text_alone(sealed_alone(record)))


def run_cell(cell: Cell, folder: Path, progress: Progress) -> Run:
    """Run one cell into `folder` and return it. Raises: what kept it from being done."""
    with folder_errors_named(folder):
        filled = fill(
            [cell], Store(folder / STORE, cache(provenance)), LocalPool(), progress=progress
        )
        (finished,) = write(filled, folder, progress)
    return finished


@contextmanager
def folder_errors_named(folder: Path) -> Iterator[None]:
    """Raise a StoreError with the name of what could not be written, for what Python raises."""
    try:
        yield
    except OSError as error:
        raise cannot_write(error.filename or folder, error) from error
