"""Worker processes on this machine."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar, cast

from evalharness.errors import ExecutorError
from evalharness.executors.local import processors
from evalharness.executors.pool import Died, WorkerPool
from evalharness.executors.tasks import numbered_device
from evalharness.executors.worker import read_frame, write_frame

# The driver's own path comes first, so that a worker finds what the driver found.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); "
    "from evalharness.executors.worker import main; main()"
)


@dataclass(frozen=True)
class Processes:
    """Worker processes on this machine, each with a model of its own.

    workers: how many; None is one a GPU, or else one a processor. GPUs go round in turn.
    """

    version: ClassVar[int] = 1

    workers: int | None = None

    def __post_init__(self) -> None:
        """Check the options. Raises: ValueError."""
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"workers: {self.workers} is below 1")

    @contextmanager
    def pool(self) -> Iterator[WorkerPool["_Process"]]:
        """Give workers, which are gone afterwards."""
        gpus = visible_gpus()
        n = self.workers or len(gpus) or processors()
        workers = _Processes(n, gpus)
        try:
            yield WorkerPool(workers, n)
        finally:
            workers.close()

    def refuses(self, component: Any) -> str:
        """Refuse what asks for a GPU by its number, or for several."""
        if getattr(component, "device_map", None) is not None and self.workers != 1:
            return (
                "device_map: spreads a model over GPUs, and a worker of `processes` has one; use "
                "the executor local, or ray with gpus: 2 and more"
            )
        return numbered_device(component)


def visible_gpus() -> list[str]:
    """Return what names each CUDA device that this process may use, without a look by torch."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip() not in ("", "-1")]
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        listed = subprocess.run(  # noqa: S603
            [tool, "-L"], capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [str(n) for n, _ in enumerate(listed.stdout.splitlines()) if listed.returncode == 0]


@dataclass(eq=False)
class _Process:
    process: "subprocess.Popen[bytes]"
    inbox: BinaryIO = field(repr=False)
    outbox: BinaryIO = field(repr=False)


class _Processes:
    """Processes that are spoken to by pipes, each with a thread here that waits for its answers."""

    def __init__(self, n: int, gpus: Sequence[str]) -> None:
        self.n = n
        self.threads = max(1, processors() // n)
        self.gpus = gpus
        self.started = 0
        self.living: list[_Process] = []
        self.answers: queue.SimpleQueue[tuple[_Process, bytes | Died]] = queue.SimpleQueue()

    def start(self) -> _Process:
        env = {"OMP_NUM_THREADS": str(self.threads), **os.environ}
        if self.gpus and self.n > 1:
            env["CUDA_VISIBLE_DEVICES"] = self.gpus[self.started % len(self.gpus)]
        self.started += 1
        command = [sys.executable, "-c", _START, json.dumps(sys.path)]
        try:
            process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=env,
                start_new_session=True,  # Ctrl-C is for the driver, which ends its workers
            )
        except OSError as error:
            raise ExecutorError(f"no worker process could be started: {error}") from error
        worker = _Process(process, cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout))
        self.living.append(worker)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        return worker

    def _listen(self, worker: _Process) -> None:
        with suppress(OSError, ValueError):
            while (answer := read_frame(worker.outbox)) is not None:
                self.answers.put((worker, answer))
        worker.outbox.close()
        self.answers.put((worker, Died(_describe_end(worker.process.wait()))))

    def give(self, worker: _Process, order: bytes) -> None:
        if worker not in self.living:  # it died while it had nothing to do
            self.answers.put((worker, Died(_describe_end(worker.process.wait()))))
            return
        with suppress(OSError):  # its end is told by its thread
            write_frame(worker.inbox, order)

    def wait(self, workers: Sequence[_Process]) -> list[tuple[_Process, bytes | Died]]:
        while True:
            worker, answer = self.answers.get()
            if isinstance(answer, Died) and worker in self.living:
                self.living.remove(worker)
                self._close_pipes(worker)
            if worker in workers:  # and no idle one that died, or one that was ended
                return [(worker, answer)]

    def end(self, worker: _Process) -> None:
        worker.process.kill()

    def close(self) -> None:
        for worker in self.living:
            self.end(worker)
        for worker in self.living:
            worker.process.wait()
            self._close_pipes(worker)
        self.living.clear()

    def _close_pipes(self, worker: _Process) -> None:
        with suppress(OSError):  # what a dead one did not read
            worker.inbox.close()


def _describe_end(status: int) -> str:
    """Say how a process ended, as its status tells.

    >>> _describe_end(-9)
    'killed by SIGKILL (out of memory?)'
    >>> _describe_end(1)
    'ended with status 1'
    """
    if status >= 0:
        return f"ended with status {status}"
    name = signal.Signals(-status).name
    return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
