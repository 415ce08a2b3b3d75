"""A run in parts: each writes its share of summaries and scores to the store that all share.

Batches are dealt out whole, by a rule that needs no word between the parts: what each part computes
is what a run in one piece would have computed in the same batches. So the parts may run at once, in
any order, on any machine that sees the store; the run without `--shard` then finds everything there
and writes its files.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from evalharness.config.cells import Cell, by_weights, executor_of, prepare
from evalharness.config.run_config import read_run_config
from evalharness.errors import ConfigError, DataError, StoreError
from evalharness.files.temporary import OffsetIndex
from evalharness.protocols import Pool, Progress, Silence
from evalharness.records import Article, Summary
from evalharness.runner.articles import windows
from evalharness.runner.tasks import (
    Task,
    Unit,
    is_network,
    portions,
    score_ahead,
    score_window,
    tasks_of,
)
from evalharness.runner.work import (
    Work,
    count_summaries,
    let_go,
    passes,
    reason,
    summarize,
    work_with_same_summaries,
)
from evalharness.store.ledger import results_folder
from evalharness.store.store import Store


@dataclass(frozen=True)
class Shard:
    """One part of so many, counted from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass
class ShardResult:
    """What a shard did, and what the others have yet to do.

    failed: articles that got no summary. missing: how many summaries each shard still lacks.
    waiting: articles of ours that a network could not score yet, as not all that are scored
        together have their summaries. failures: why a cell could not be worked on.
    """

    shard: Shard
    summaries: Counter[str] = field(default_factory=Counter)
    scores: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    waiting: int = 0
    missing: dict[int, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "shard": str(self.shard),
            "summaries": dict(self.summaries),
            "scores": dict(self.scores),
            "failed": self.failed,
            "waiting": self.waiting,
            "missing": {f"{number}/{self.shard.of}": n for number, n in self.missing.items()},
            "failures": self.failures,
        }


def shard_of(text: str) -> Shard:
    """Read `2/4`. Raises: ConfigError for anything else.

    >>> shard_of("2/4")
    Shard(number=2, of=4)
    """
    number, slash, of = text.strip().partition("/")
    if slash and not number:
        why = "is set in jobs of an array only (sbatch --array=1-N)"
        raise ConfigError(f"--shard {text}: no number; $SLURM_ARRAY_TASK_ID {why}")
    if not all(re.fullmatch(r"[0-9]{1,6}", part) for part in (number, of)) or not int(of):
        raise ConfigError(f"--shard {text}: should be I/N, such as 2/4, with I from 1 to N")
    if not 1 <= int(number) <= int(of):
        zero = "; " if int(number) else "; an array that counts from 0 would leave one out: "
        array = f"{zero}submit the array with --array=1-{int(of)}"
        raise ConfigError(f"--shard {text}: should be I/N, with I from 1 to {int(of)}{array}")
    return Shard(int(number), int(of))


def run_shard(
    config: str | Path | Mapping[str, Any],
    shard: str | Shard,
    overrides: Sequence[str] = (),
    *,
    results: str | Path = "results",
    limit: int | None = None,
    progress: Progress | None = None,
    executor: str | None = None,
    workers: int | None = None,
) -> ShardResult:
    """Compute one part of a config's summaries and scores; `run` without a shard writes the runs.

    executor, workers: as of `run`.

    Raises: HarnessError for what the user can mend; what keeps one cell from its part is in the
        part's failures.
    """
    which = shard_of(shard) if isinstance(shard, str) else shard
    folder = results_folder(results)
    run_config = read_run_config(config, overrides, limit, executor, workers)
    cells = prepare(run_config)
    with executor_of(run_config, cells).pool() as pool:
        return _Sharing(cells, which, folder, progress or Silence(), pool).part_done()


class _Dealt:
    """Which shard each article of a job belongs to: a model, and the articles that it reads.

    Batches go round in turn, and each window and each job begins with the next shard, so that the
    long articles, which come first, and the last, short round do not all go to one.
    """

    def __init__(self, job: int, shard: Shard) -> None:
        self.job = job
        self.shard = shard
        self.owners = OffsetIndex()  # of every article so far

    def claims(self, window: int) -> Callable[[int, str], bool]:
        """Return what tells which articles of a window's batches are ours to compute.

        An article that an earlier window had, too, is computed there and nowhere else.
        """

        def ours(batch: int, key: str) -> bool:
            turn = (self.job + window + batch) % self.shard.of + 1
            known = len(self.owners)
            self.owners.setdefault(bytes.fromhex(key), turn)
            return len(self.owners) > known and turn == self.shard.number

        return ours

    def is_ours(self, key: str) -> bool:
        return self.owners.get(bytes.fromhex(key)) == self.shard.number


class _Sharing:
    """Takes a shard through both passes of a run."""

    def __init__(
        self,
        cells: Sequence[Cell],
        shard: Shard,
        folder: Path,
        progress: Progress,
        pool: Pool | None = None,
    ) -> None:
        self.cells = cells
        self.shard = shard
        self.folder = folder
        self.progress = progress
        self.pool = pool
        self.store = Store(folder / "store")
        self.part = ShardResult(shard)
        self.dealt: dict[int, _Dealt] = {}  # by the identity of what summarizes

    def part_done(self) -> ShardResult:
        works = self.summarized()
        for group in passes(works):
            try:
                self.scored(group)
            except Exception as error:
                self.failed(group, error)
        for work in works:
            self.part.scores.update(work.computed)
        self.look_for_missing(works)
        return self.part

    def summarized(self) -> list[Work]:
        works: list[Work] = []
        jobs: list[Work] = []
        numbers = self.job_numbers()
        latest = None
        for cell in (cell for group in by_weights(self.cells) for cell in group):
            if cell.weights != latest:
                let_go()
            latest = cell.weights
            path = self.folder / cell.experiment / cell.name
            work = work_with_same_summaries(cell, path, works)
            try:
                if work is None:
                    work = self.summarize(cell, path, numbers[cell.name])
                    jobs.append(work)
                works.append(work)
            except (DataError, StoreError):
                raise
            except Exception as error:
                self.part.failures[cell.name] = reason(error)
        let_go()
        for work in jobs:
            self.part.summaries.update(count_summaries(work.summarizing))
            self.part.failed += len(work.summarizing.failed)
        return works

    def job_numbers(self) -> dict[str, int]:
        """Return a number for each cell, the same for cells with the same summaries."""
        jobs: list[Cell] = []
        numbers: dict[str, int] = {}
        for cell in self.cells:
            same = (n for n, job in enumerate(jobs) if job.has_summaries_of(cell))
            number = next(same, len(jobs))
            if number == len(jobs):
                jobs.append(cell)
            numbers[cell.name] = number
        return numbers

    def summarize(self, cell: Cell, path: Path, number: int) -> Work:
        dealt = _Dealt(number, self.shard)
        work = summarize(
            cell, path, self.store, self.progress, self.pool, dealt.claims, self.shard.of
        )
        self.dealt[id(work.summarizing)] = dealt
        return work

    def scored(self, works: Sequence[Work]) -> None:
        """Score our own summaries; with a network, our share of the units whose summaries are all
        there, as it would make other digits of texts in other company.
        """
        tasks = tasks_of(works, self.store)
        alone = [task for task in tasks if not is_network(task)]
        if alone:
            self.score(works, alone, self.own_units)
        for number, task in enumerate([task for task in tasks if is_network(task)]):
            self.score(works, [task], partial(self.whole_units, number))

    def score(
        self, works: Sequence[Work], tasks: Sequence[Task], units: Callable[..., Iterator[Unit]]
    ) -> None:
        if self.pool is not None:
            score_ahead(works, tasks, self.progress, self.pool, units)
        else:
            for articles, theirs in units(works):
                for _ in score_window(articles, theirs, tasks, works):
                    pass

    def own_units(self, works: Sequence[Work]) -> Iterator[Unit]:
        for window in windows(works[0].cell.loader, works[0].cell.run_config.limit):
            yield from portions(window, [self.own(work, window) for work in works])

    def whole_units(self, first: int, works: Sequence[Work]) -> Iterator[Unit]:
        """Yield our share of all units; those that lack a summary are counted as waiting."""
        turn = first
        for window in windows(works[0].cell.loader, works[0].cell.run_config.limit):
            for work in works:
                work.summarizing.ledger.refresh()
            for unit in portions(window, [work.summarizing.known(window) for work in works]):
                turn += 1
                if turn % self.shard.of != self.shard.number % self.shard.of:
                    continue
                if any(summary is None for theirs in unit[1] for summary in theirs):
                    self.part.waiting += len(unit[0])
                else:
                    yield unit

    def own(self, work: Work, window: Sequence[Article]) -> list[Summary | None]:
        """Return the summaries of the articles that are ours to score; None for all others."""
        summarizing = work.summarizing
        dealt = self.dealt[id(summarizing)]
        ours = [n for n, a in enumerate(window) if dealt.is_ours(summarizing.key(a))]
        written: list[Summary | None] = [None] * len(window)
        for n, summary in zip(ours, summarizing.read([window[n] for n in ours]), strict=True):
            written[n] = summary
        return written

    def failed(self, works: Sequence[Work], error: Exception) -> None:
        """Note why works were not scored: each alone, to find out which it was."""
        if isinstance(error, StoreError | OSError):
            raise error
        for work in works:
            try:
                self.scored([work])
            except Exception as own:
                self.part.failures[work.cell.name] = reason(own)

    def look_for_missing(self, works: Sequence[Work]) -> None:
        """Count what is not there yet of the other shards; a key is looked up once a job."""
        for summarizing in {id(w.summarizing): w.summarizing for w in works}.values():
            summarizing.ledger.refresh()
            for key, owner in self.dealt[id(summarizing)].owners.items():
                if owner != self.shard.number and key.hex() not in summarizing.ledger:
                    self.part.missing[owner] = self.part.missing.get(owner, 0) + 1
        self.part.missing = dict(sorted(self.part.missing.items()))


def shard_text(part: ShardResult) -> str:
    """Return what a shard did, and what is missing, as lines to read."""
    summaries, scores = part.summaries, sum(part.scores.values())
    lines = [
        f"shard {part.shard}: {summaries['computed']} summaries and {scores} scores computed, "
        f"{summaries['stored']} summaries there already"
    ]
    if part.failed:
        lines.append(f"{part.failed} articles got no summary; they are tried again")
    lines += [f"{cell}: {why}" for cell, why in part.failures.items()]
    if part.missing:
        told_missing = ", ".join(
            f"{n} of shard {number}/{part.shard.of}" for number, n in part.missing.items()
        )
        lines.append(f"not there yet (not run, or failed): {told_missing}")
    if part.waiting:
        lines.append(
            f"{part.waiting} articles are yet to be scored by a network, beside summaries of other "
            "shards: the same shard again scores them, or the run without --shard"
        )
    if not part.missing and not part.waiting:
        lines.append("no other shard is missing: the same command without --shard writes the runs")
    return "\n".join(lines)
