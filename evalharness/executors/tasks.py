"""What passes between a driver and its workers: components and batches there, results back."""

import dataclasses
import gc
import pickle
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import evalharness
from evalharness.config.signature import signature_parts
from evalharness.errors import ConfigError, ExecutorError, HarnessError, NoMemory
from evalharness.executors.local import must_stay, run_batch
from evalharness.protocols import Sent, Task
from evalharness.records import digest


@dataclass(frozen=True)
class Order:
    """What a worker is sent: a round of components, pickled, and a task for some of them.

    Components go along with each order, as they are small while they have loaded nothing; a worker
    takes them in when the round is a new one. So a worker that is new needs to be told no more.
    """

    round: int
    components: bytes
    task: Task


@dataclass(frozen=True)
class Failure:
    """An exception of a worker, in words: classes of other packages need not be picklable."""

    kind: type[HarnessError] | None
    message: str
    told: str

    def error(self) -> Exception:
        """Return the exception to raise in the driver."""
        if self.kind is None:
            return WorkerError(self.told)
        error = self.kind.__new__(self.kind)
        error.args = (self.message,)
        return error


class WorkerError(Exception):
    """A bug of a component, met by a worker; says where with the worker's own traceback."""


def numbered_device(component: Any) -> str:
    """Say why a component cannot have a GPU by number where each worker has its own; else empty."""
    device = str(getattr(component, "device", ""))
    if not device.startswith("cuda:") or must_stay(component):
        return ""
    return f"device: {device}, but a worker sees its own GPUs only; leave device at auto"


def pack_components(components: Sequence[Sent]) -> bytes:
    """Return components as bytes, with what names them. Raises: ConfigError for one that cannot."""
    try:
        packs = [(_pack(sent), sent.limits) for sent in components]
        return pickle.dumps((evalharness.__version__, packs))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        kinds = ", ".join(sent.kind for sent in components)
        raise ConfigError(f"{kinds}: cannot be sent to a worker: {error}") from error


def _pack(sent: Sent) -> bytes:
    fresh = dataclasses.replace(sent.component)  # without what this one has loaded
    return pickle.dumps((sent.kind, fresh, digest(signature_parts(sent.kind, sent.component))))


def pack_order(round_number: int, components: bytes, job: Task) -> bytes:
    """Return the bytes that a worker is sent for a job."""
    return pickle.dumps(Order(round_number, components, dataclasses.replace(job, ticket=None)))


def unpack_results(answer: bytes) -> list[list[Any]]:
    """Return the results by batch that a worker sent. Raises: what was raised in the worker."""
    found = pickle.loads(answer)  # noqa: S301  of a process that we started
    if isinstance(found, Failure):
        raise found.error()
    results: list[list[Any]] = found
    return results


@dataclass
class WorkerBench:
    """What a worker has at hand: the components of one round, which keep what they loaded.

    One that the round before had, too, is the same, so that its model is there already.
    """

    round: int = -1
    components: list[Any] = field(default_factory=list)
    _known: dict[bytes, Any] = field(default_factory=dict)  # by the bytes in which they came

    def answer(self, order: bytes) -> bytes:
        """Do what was ordered; return results by batch, or a Failure, as bytes."""
        try:
            wanted = pickle.loads(order)  # noqa: S301  of the driver that started us
            if wanted.round != self.round:
                self._take(wanted)
            kept = zip_longest(wanted.task.batches, wanted.task.keep)
            return pickle.dumps(
                [run_batch(self.components[n], batch, keep) for (n, batch), keep in kept]
            )
        except Exception as error:
            return pickle.dumps(failure(error))

    def _take(self, wanted: Order) -> None:
        self.round, self.components = -1, []
        version, packs = pickle.loads(wanted.components)  # noqa: S301
        self._known = {pack: self._known[pack] for pack, _ in packs if pack in self._known}
        gc.collect()  # a model and its tokenizers refer to each other
        if version != evalharness.__version__:
            ours = f"the worker has evalharness {evalharness.__version__}"
            raise ExecutorError(f"{ours}, the driver {version}; install the same on all machines")
        for pack, limits in packs:
            if pack not in self._known:
                self._known[pack] = _unpack_component(pack)
            if limits:
                self._known[pack].keep_within(limits)
        self.components = [self._known[pack] for pack, _ in packs]
        self.round = wanted.round


def _unpack_component(pack: bytes) -> Any:
    kind, component, signature = pickle.loads(pack)  # noqa: S301
    if digest(signature_parts(kind, component)) != signature:
        message = "other files or weights than the driver; put the same on all machines"
        raise ExecutorError(f"{kind}: the worker has {message}")
    return component


def failure(error: Exception) -> Failure:
    """Return an exception in words."""
    error = NoMemory() if isinstance(error, MemoryError) else error
    kind = type(error) if isinstance(error, HarnessError) else None
    told = "".join(traceback.format_exception(error)).rstrip()
    return Failure(kind, str(error), f"in a worker:\n{told}")
