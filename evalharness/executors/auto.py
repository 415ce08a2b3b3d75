"""All processors of this machine for many pairs of texts, and this process for all else."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

from evalharness.config.signature import wanted_checkpoints
from evalharness.executors.local import LocalPool, must_stay, processors
from evalharness.protocols import MakesSamples, Pool, Sent, Task

# From so many pairs a processor on, workers are worth their start: a quarter of a second, if new.
PAIRS_A_PROCESSOR = 200
# What a worker with ROUGE and `lexical` is given room for; it was seen to take a third.
BYTES_A_WORKER = 400_000_000


@dataclass(frozen=True)
class Auto:
    """Worker processes for metrics and checks that use no network; all else in this process.

    There are as many workers as processors, if there are many pairs and memory allows it. This is
    the default of the command line.
    """

    version: ClassVar[int] = 1

    @contextmanager
    def pool(self) -> Iterator["AutoPool"]:
        """Give a pool that begins as this process; workers, if any, are gone afterwards."""
        with ExitStack() as workers:
            yield AutoPool(workers)

    def refuses(self, component: Any) -> str:
        """Refuse nothing: what has weights or asks a server stays in this process."""
        return ""


@dataclass
class AutoPool:
    """This process, and workers for many pairs; they are started when these are there."""

    _until: ExitStack
    size: int = 1
    _workers: Pool | None = field(default=None, repr=False)

    def map(
        self, components: Sequence[Sent], tasks: Iterable[Task]
    ) -> Generator[tuple[Task, list[list[Any]]]]:
        """Yield each task and its results by batch, as they come. Raises: as the pool in use."""
        pool, all_tasks = self._pool_for(components, iter(tasks))
        return pool.map(components, all_tasks)

    def _pool_for(
        self, components: Sequence[Sent], tasks: Iterator[Task]
    ) -> tuple[Pool, Iterable[Task]]:
        """Return who does some tasks, and these: a look at the first of them decides."""
        if self._workers and all(isinstance(sent.component, MakesSamples) for sent in components):
            return self._workers, tasks
        n = count_workers() if all(map(_can_share, components)) else 1
        looked_at, pairs = [], 0
        while n > 1 and pairs <= n * PAIRS_A_PROCESSOR and (task := next(tasks, None)):
            looked_at.append(task)
            pairs += max(len(batch) for _, batch in task.batches if isinstance(batch, Sequence))
        is_large = n > 1 and pairs > n * PAIRS_A_PROCESSOR
        return self._start(n) if is_large else LocalPool(), chain(looked_at, tasks)

    def _start(self, n: int) -> Pool:
        if self._workers is None:
            from evalharness.executors.processes import Processes

            self._workers = self._until.enter_context(Processes(n).pool(may_fork=True))
        return self._workers


def _can_share(sent: Sent) -> bool:
    """Tell whether a component scores without weights and without a server."""
    component = sent.component
    is_scorer = hasattr(component, "score")
    return is_scorer and not (must_stay(component) or wanted_checkpoints(component))


def count_workers() -> int:
    """Return how many workers there are processors and memory for."""
    free = free_memory()
    return min(processors(), processors() if free is None else free // BYTES_A_WORKER)


def free_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes of memory that this process may still take, as Linux tells; else None.

    root: where `proc` and `sys` are.
    """
    try:
        lines = (root / "proc/meminfo").read_text(encoding="utf-8").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvail"))
    except (OSError, StopIteration, ValueError):
        return None
    group = root / "sys/fs/cgroup"
    try:
        limit, used = (
            int((group / name).read_text(encoding="utf-8"))
            for name in ("memory.max", "memory.current")
        )
    except (OSError, ValueError):  # `max`: no limit of a container
        return free
    return min(free, max(0, limit - used))
