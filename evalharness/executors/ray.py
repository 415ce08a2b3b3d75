"""Workers on a Ray cluster, or on one that is started here for the run."""

import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

from evalharness.errors import ExecutorError, MissingExtra
from evalharness.executors.pool import Died, NoRoom, WorkerPool
from evalharness.executors.tasks import numbered_device

# Ray's own switches: no word to its makers, and no lines about itself among ours.
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
}
# Seconds between two looks at workers that have not come yet.
_LOOK = 5.0


@dataclass(frozen=True)
class Ray:
    """Workers on a Ray cluster, each with a model of its own; needs the extra `ray`.

    workers: how many; None is as many as there is room for.
    cpus: processors that each worker has to itself.
    gpus: GPUs likewise, also a share of one; None is 1 where the cluster has any.
    address: of a cluster that runs (`auto`, or `ray://…`); None is that in RAY_ADDRESS, or else one
        on this machine for as long as the run takes.
    patience: seconds to wait for the first worker, where others use the cluster.
    """

    version: ClassVar[int] = 1

    workers: int | None = None
    cpus: float = 1.0
    gpus: float | None = None
    address: str | None = None
    patience: float = 300.0

    def __post_init__(self) -> None:
        """Check the options. Raises: ValueError."""
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"workers: {self.workers} is below 1")
        for name in ("cpus", "gpus"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name}: {value} is below 0")
            if value is not None and value > 1 and value != int(value):
                raise ValueError(f"{name}: {value} is no whole number; a share must be below 1")
        if not self.cpus and not self.gpus:
            raise ValueError("cpus: a worker needs some processor or GPU to itself")

    @contextmanager
    def pool(self) -> Iterator[WorkerPool["_Actor"]]:
        """Give workers, who are gone afterwards. Raises: ExecutorError, MissingExtra."""
        ray = _import_ray()
        ours = not ray.is_initialized()
        if ours:
            self._connect(ray)
        try:
            gpus, room = _room(ray, self.cpus, self.gpus)
            n = self.workers or room
            if n > room:
                raise ExecutorError(
                    f"ray: {n} workers were asked for, and the cluster has room for {room} "
                    f"({_describe_resources(self.cpus, gpus)} each): {_has(ray)}"
                )
            workers = _Actors(ray, self.cpus, gpus, self.patience)
            try:
                yield WorkerPool(workers, n)
            finally:
                workers.close()
        finally:
            if ours:
                ray.shutdown()

    def refuses(self, component: Any) -> str:
        """Refuse what asks for a GPU by its number."""
        return numbered_device(component)

    def _connect(self, ray: Any) -> None:
        address = self.address or os.environ.get("RAY_ADDRESS")
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if address:
            options["address"] = address
        else:
            options |= {"address": "local", "include_dashboard": False}
        try:
            with warnings.catch_warnings(), _own_handlers():
                warnings.simplefilter("ignore")
                ray.init(**options)
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            where = f"the cluster at {address}" if address else "a cluster on this machine"
            why = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ExecutorError(f"ray: {where} cannot be used: {why}") from error


@contextmanager
def _own_handlers() -> Iterator[None]:
    """Keep what is to be done at SIGTERM: Ray would end the process with a code of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _import_ray() -> Any:
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import ray
    except ImportError as error:
        raise MissingExtra("the executor ray", "ray") from error
    return ray


def _room(ray: Any, cpus: float, gpus: float | None) -> tuple[float, int]:
    """Return how many GPUs a worker gets, and how many such workers the cluster could hold.

    A worker is on one node whole. Raises: ExecutorError where not even one would ever start: Ray
    itself would wait for such a node, and say nothing.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if gpus is None:
        gpus = 1.0 if any(node.get("GPU", 0) >= 1 for node in nodes) else 0.0
    room = sum(_fits(node, cpus, gpus) for node in nodes)
    if not room:
        wanted = _describe_resources(cpus, gpus)
        message = f"ray: a worker needs {wanted}, and no node has that: {_has(ray)}"
        raise ExecutorError(message)
    return gpus, room


def _fits(node: dict[str, float], cpus: float, gpus: float) -> int:
    """Return how many workers fit on a node.

    >>> _fits({"CPU": 8.0, "GPU": 4.0}, 1, 1), _fits({"CPU": 8.0}, 1, 1)
    (4, 0)
    >>> _fits({"CPU": 2.0}, 0.5, 0)
    4
    """
    wanted = (("CPU", cpus), ("GPU", gpus))
    return min(int(node.get(name, 0.0) / each + 1e-9) for name, each in wanted if each)


def _describe_resources(cpus: float, gpus: float) -> str:
    """Say what a worker needs.

    >>> _describe_resources(1.0, 0.5)
    '1 CPU and 0.5 GPU'
    """
    return f"{cpus:g} CPU" + (f" and {gpus:g} GPU" if gpus else "")


def _has(ray: Any) -> str:
    have = ray.cluster_resources()
    n = sum(1 for node in ray.nodes() if node["Alive"])
    return (
        f"{n} node{'s' * (n != 1)} with {have.get('CPU', 0):g} CPU and {have.get('GPU', 0):g} GPU"
    )


@dataclass(eq=False)
class _Actor:
    handle: Any = field(repr=False)
    ready: Any = field(repr=False)
    answer: Any = field(default=None, repr=False)
    started: float = field(default_factory=time.monotonic)


class _Worker:
    """What an actor is: a bench, imported where the actor is."""

    def __init__(self) -> None:
        from evalharness.executors.tasks import WorkerBench

        self.bench = WorkerBench()

    def answer(self, order: bytes) -> bytes:
        """Do what was ordered."""
        return self.bench.answer(order)


class _Actors:
    """Actors, which Ray is not to bring back by itself: their work is given to others."""

    def __init__(self, ray: Any, cpus: float, gpus: float, patience: float) -> None:
        self.ray = ray
        self.kind = ray.remote(_Worker).options(
            num_cpus=cpus, num_gpus=gpus, max_restarts=0, max_task_retries=0
        )
        self.cpus, self.gpus = cpus, gpus
        self.patience = patience
        self.somebody_came = False
        self.living: list[_Actor] = []

    def start(self) -> _Actor:
        handle = self.kind.remote()
        actor = _Actor(handle, handle.__ray_ready__.remote())
        self.living.append(actor)
        return actor

    def give(self, worker: _Actor, order: bytes) -> None:
        worker.answer = worker.handle.answer.remote(order)

    def wait(self, workers: Sequence[_Actor]) -> list[tuple[_Actor, bytes | Died | NoRoom]]:
        by_answer = {worker.answer: worker for worker in workers}
        began = time.monotonic()
        while True:
            done, _ = self.ray.wait(list(by_answer), num_returns=1, timeout=_LOOK)
            if done:
                self.somebody_came = True
                return [
                    (by_answer[answer], self._take_answer(by_answer[answer])) for answer in done
                ]
            if stuck := self._without_room(workers):
                self.end(stuck)
                return [(stuck, NoRoom())]
            if not self.somebody_came and time.monotonic() - began > self.patience:
                self._look_for_anyone()

    def _without_room(self, workers: Sequence[_Actor]) -> _Actor | None:
        """Return a worker that has not started, where nodes have gone and no other has room."""
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        room = sum(_fits(node, self.cpus, self.gpus) for node in nodes)
        if len(self.living) <= room or not self.somebody_came:
            return None
        for worker in workers:
            started, _ = self.ray.wait([worker.ready], timeout=0)
            if not started:
                return worker
        return None

    def _look_for_anyone(self) -> None:
        """Raise where nobody has started: long work may take its time, a place may not."""
        started = [actor.handle.__ray_ready__.remote() for actor in self.living]
        done, _ = self.ray.wait(started, num_returns=1, timeout=_LOOK)
        self.somebody_came = bool(done)
        if not done:
            free = self.ray.available_resources()
            raise ExecutorError(
                f"ray: no worker could start in {self.patience:g} s; free are "
                f"{free.get('CPU', 0):g} CPU and {free.get('GPU', 0):g} GPU: others use the cluster"
            )

    def _take_answer(self, worker: _Actor) -> bytes | Died:
        from ray.exceptions import RayError

        try:
            answer: bytes = self.ray.get(worker.answer)
        except RayError as error:
            self.end(worker)
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            return Died("; ".join(lines[:1] + [x for x in lines if "exit" in x.lower()][:1])[:400])
        return answer

    def end(self, worker: _Actor) -> None:
        if worker in self.living:
            self.living.remove(worker)
        with suppress(Exception):  # it is dead already, or the cluster is
            self.ray.kill(worker.handle)

    def close(self) -> None:
        for worker in list(self.living):
            self.end(worker)
