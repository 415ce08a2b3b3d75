"""A run in parts: each writes its share of summaries and scores to the store that all share.

Batches are dealt out whole, by a rule that needs no word between the parts: what each part computes
is what a run in one piece would have computed in the same batches. So the parts may run at once, in
any order, on any machine that sees the store; the run without `--shard` then finds everything there
and writes its files.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from evalharness.config.cells import executor_of
from evalharness.errors import ConfigError
from evalharness.files.temporary import OffsetIndex
from evalharness.protocols import Progress
from evalharness.records import Article, Summary
from evalharness.runner.articles import Claim, Unit, units
from evalharness.runner.fill import Filled, fill
from evalharness.runner.provenance import provenance
from evalharness.runner.run import prepare_marked, read_marked
from evalharness.runner.summaries import FilledCell, Share, Summarizing
from evalharness.store.store import STORE, Store, working_folder


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
        missing = {f"{number}/{self.shard.of}": n for number, n in self.missing.items()}
        return {**vars(self), "shard": str(self.shard), "missing": missing}


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
    folder = working_folder(results)
    run_config = read_marked(folder, config, overrides, limit, executor, workers)
    cells = prepare_marked(run_config, folder)
    dealing = _Dealing(which)
    with executor_of(run_config, cells).pool() as pool:
        filled = fill(cells, Store(folder / STORE, cache(provenance)), pool, dealing, progress)
    filled.sign_off(f"shard {which} is done")
    return _result(filled, dealing)


class _Dealt:
    """Which shard each article of a job belongs to: a model, and the articles that it reads.

    Batches go round in turn, and each window and each job begins with the next shard, so that the
    long articles, which come first, and the last, short round do not all go to one.
    """

    def __init__(self, job: int, shard: Shard) -> None:
        self.job = job
        self.shard = shard
        self.owners = OffsetIndex()  # of every article so far

    def claims(self, window: int) -> Claim:
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


class _Dealing(Share):
    """The share of a shard: whole batches, and of networks whole units."""

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.of = shard.of
        self.dealt: dict[int, _Dealt] = {}  # by job
        self.waiting = 0

    def claim(self, job: int, window: int) -> Claim:
        """Return what tells which articles of a window are ours to summarize."""
        if window == 0:
            self.dealt[job] = _Dealt(job, self.shard)
        return self.dealt[job].claims(window)

    def units(
        self, cells: Sequence[FilledCell], windows: Iterable[Sequence[Article]], network: int | None
    ) -> Iterator[Unit]:
        """Yield our own summaries; for a network, our share of the units whose summaries are all
        there, as it would make other digits of texts in other company.
        """
        if network is not None:
            yield from self._whole_units(cells, windows, network)
            return
        for window in windows:
            yield from units(window, [self._own_summaries(of_cell, window) for of_cell in cells])

    def _whole_units(
        self, cells: Sequence[FilledCell], windows: Iterable[Sequence[Article]], network: int
    ) -> Iterator[Unit]:
        """Yield our share of all units; those that lack a summary are counted as waiting."""
        turn = network
        for window in windows:
            for of_cell in cells:
                of_cell.summarizing.ledger.refresh()
            stored = [of_cell.summarizing.stored_summaries(window) for of_cell in cells]
            for unit in units(window, stored):
                turn += 1
                if turn % self.of != self.shard.number % self.of:
                    continue
                if any(summary is None for of_cell in unit.summaries for summary in of_cell):
                    self.waiting += len(unit.articles)
                else:
                    yield unit

    def _own_summaries(
        self, of_cell: FilledCell, window: Sequence[Article]
    ) -> list[Summary | None]:
        """Return the summaries of the articles that are ours to score; None for all others."""
        summarizing, dealt = of_cell.summarizing, self.dealt[of_cell.job]
        ours = [n for n, article in enumerate(window) if dealt.is_ours(summarizing.key(article))]
        own: list[Summary | None] = [None] * len(window)
        for n, summary in zip(ours, summarizing.read([window[n] for n in ours]), strict=True):
            own[n] = summary
        return own


def _result(filled: Filled, dealing: _Dealing) -> ShardResult:
    """Return what a shard did; what others have yet to do is looked up once a job."""
    jobs = {of_cell.job: of_cell.summarizing for of_cell in filled.summarized}
    scores: Counter[str] = Counter()
    for of_cell in filled.summarized:
        scores.update(of_cell.scores)
    return ShardResult(
        dealing.shard,
        Counter(
            computed=sum(summarizing.computed for summarizing in jobs.values()),
            stored=sum(summarizing.stored for summarizing in jobs.values()),
        ),
        scores,
        failed=sum(len(summarizing.failed) for summarizing in jobs.values()),
        waiting=dealing.waiting,
        missing=_missing(jobs, dealing),
        failures=filled.reasons(),
    )


def _missing(jobs: Mapping[int, Summarizing], dealing: _Dealing) -> dict[int, int]:
    """Return how many summaries of the other shards are not there yet."""
    missing: Counter[int] = Counter()
    for job, dealt in dealing.dealt.items():
        if (summarizing := jobs.get(job)) is None:  # could not be loaded
            continue
        summarizing.ledger.refresh()
        for key, owner in dealt.owners.items():
            if owner != dealing.shard.number and key.hex() not in summarizing.ledger:
                missing[owner] += 1
    return dict(sorted(missing.items()))


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
