"""Work dealt out to workers: one task each at a time, and again where a worker died over it."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from evalharness.errors import WorkerDied
from evalharness.executors.local import LocalPool, must_stay
from evalharness.executors.tasks import pack_components, pack_order, unpack_results
from evalharness.protocols import MakesSamples, Sent, Task

# How often a task is tried: a machine may fail, and one that kills each worker must not go round
# for ever.
TRIES_PER_TASK = 3

Worker = TypeVar("Worker")


@dataclass(frozen=True)
class Died:
    """What a worker came to that will not answer any more."""

    why: str


@dataclass(frozen=True)
class NoRoom:
    """What is said of a worker that cannot start any more: the machine that it was for is gone."""


class WorkerKind(Protocol[Worker]):
    """How workers are had, spoken to, and ended."""

    def start(self) -> Worker:
        """Return a new worker, which need not be ready yet. Raises: ExecutorError."""
        ...

    def give(self, worker: Worker, order: bytes) -> None:
        """Send a worker its next order. A dead one is told of by `wait`, and not here."""
        ...

    def wait(self, workers: Sequence[Worker]) -> Sequence[tuple[Worker, bytes | Died | NoRoom]]:
        """Wait until at least one of some busy workers has answered, or never will."""
        ...

    def end(self, worker: Worker) -> None:
        """End a worker at once, whatever it does."""
        ...

    def close(self) -> None:
        """End what is left, and wait until it is gone."""
        ...


@dataclass
class Tried:
    """A task, and how often it was given to a worker."""

    task: Task
    times: int = 0


@dataclass
class WorkerPool(Generic[Worker]):
    """So many workers at the most. No more tasks are in flight than workers, and one is at hand:
    what else is to be done is not even planned, so that memory does not grow with it.
    """

    workers: WorkerKind[Worker]
    size: int
    _idle: list[Worker] = field(default_factory=list)
    _busy: list[tuple[Worker, Tried]] = field(default_factory=list)
    _round: int = 0

    def map(
        self, components: Sequence[Sent], tasks: Iterable[Task]
    ) -> Generator[tuple[Task, list[list[Any]]]]:
        """Yield each task and its results by batch, as they come.

        What must stay with the driver is done here.

        Raises: what a component raised; WorkerDied for a task that no worker survives.
        """
        if any(map(self._stays, components)):
            yield from LocalPool().map(components, tasks)
            return
        self._round += 1
        pack = pack_components(components)
        source = iter(tasks)
        at_hand: deque[Tried] = deque()
        try:
            while self._busy_with(source, at_hand, pack):
                if not at_hand:  # made while workers are busy: whoever is done first need not wait
                    at_hand.extend(map(Tried, islice(source, 1)))
                for worker, answer in self.workers.wait([worker for worker, _ in self._busy]):
                    tried = self._free(worker)
                    if isinstance(answer, Died):
                        at_hand.append(_once_more(tried, answer, components))
                        continue
                    if isinstance(answer, NoRoom):  # the others do its work
                        self.size = max(1, self.size - 1)
                        at_hand.append(Tried(tried.task, tried.times - 1))
                        continue
                    self._idle.append(worker)
                    results = unpack_results(answer)
                    self._busy_with(source, at_hand, pack)  # before the driver's own work
                    yield tried.task, results
        finally:
            for worker, _ in self._busy:  # whatever ended this: nobody waits for their answers
                self.workers.end(worker)
            self._busy.clear()

    def _stays(self, sent: Sent) -> bool:
        """Tell whether a component is for the driver, be it that no worker is there yet."""
        is_quick = isinstance(sent.component, MakesSamples)
        return must_stay(sent.component) or (is_quick and not self._idle)

    def _busy_with(self, source: Iterator[Task], at_hand: deque[Tried], pack: bytes) -> bool:
        """Give all workers something to do; tell whether any has."""
        while len(self._busy) < self.size:
            if at_hand:
                tried = at_hand.popleft()
            else:
                task = next(source, None)
                if task is None:
                    break
                tried = Tried(task)
            worker = self._idle.pop() if self._idle else self.workers.start()
            tried.times += 1
            self._busy.append((worker, tried))
            self.workers.give(worker, pack_order(self._round, pack, tried.task))
        return bool(self._busy)

    def _free(self, worker: Worker) -> Tried:
        at = next(n for n, (busy, _) in enumerate(self._busy) if busy is worker)
        return self._busy.pop(at)[1]


def _once_more(tried: Tried, died: Died, components: Sequence[Sent]) -> Tried:
    if tried.times < TRIES_PER_TASK:
        return tried
    kinds = ", ".join(dict.fromkeys(components[n].kind for n, _ in tried.task.batches))
    raise WorkerDied(
        f"{kinds}: {tried.times} workers died over {tried.task.name}, the last one: {died.why}"
    )
