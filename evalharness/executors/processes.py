"""Worker processes on this machine."""

import gc
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
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

from evalharness.errors import ExecutorError
from evalharness.executors.local import processors
from evalharness.executors.pool import Died, WorkerPool
from evalharness.executors.tasks import numbered_device
from evalharness.executors.worker import read_frame, work, write_frame

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
    def pool(self, *, may_fork: bool = False) -> Iterator[WorkerPool["_Process"]]:
        """Give workers, which are gone afterwards.

        may_fork: whether they may be copies of this process, which are there at once, where that is
            safe; else each is a new one, which imports what it needs.
        """
        gpus = visible_gpus()
        n = self.workers or len(gpus) or processors()
        workers = _Processes(n, gpus)
        if may_fork:
            workers.fork()
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


class _Forked:
    """A copy of this process that works: it has imported all that this one has."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status: int | None = None
        self._waiting = threading.Lock()

    def kill(self) -> None:
        if self._status is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        with self._waiting:
            if self._status is None:
                self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._status


@dataclass(eq=False)
class _Process:
    process: "subprocess.Popen[bytes] | _Forked"
    inbox: BinaryIO = field(repr=False)
    outbox: BinaryIO = field(repr=False)


class _Processes:
    """Processes that are spoken to by pipes, each with a thread here that waits for its answers."""

    def __init__(self, n: int, gpus: Sequence[str]) -> None:
        self.n = n
        self.threads = max(1, processors() // n)
        self.gpus = gpus
        self.started = 0
        self.copies: list[_Process] = []  # that are not listened to yet
        self.living: list[_Process] = []
        self.answers: queue.SimpleQueue[tuple[_Process, bytes | Died]] = queue.SimpleQueue()

    def fork(self) -> None:
        """Make copies of this process the first workers, where it is Linux and has one thread.

        A lock that another thread holds would stay locked in a copy for ever. So all are made
        before there is a thread that listens to one; who comes later starts anew.
        """
        with suppress(OSError):  # no such system, no standard streams, or no room for a process
            for stream in range(3):
                os.fstat(stream)
            while len(self.copies) < self.n and _count_threads() == 1:
                self.copies.append(_fork_worker(self.threads))

    def start(self) -> _Process:
        worker = self.copies.pop() if self.copies else self._start_anew()
        self.living.append(worker)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        return worker

    def _start_anew(self) -> _Process:
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
        return _Process(process, cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout))

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
        self.living += self.copies
        self.copies.clear()
        for worker in self.living:
            self.end(worker)
        for worker in self.living:
            worker.process.wait()
            self._close_pipes(worker)
        self.living.clear()

    def _close_pipes(self, worker: _Process) -> None:
        with suppress(OSError):  # what a dead one did not read
            worker.inbox.close()


def _count_threads() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())


def _fork_worker(threads: int) -> _Process:
    """Return a copy of this process that works until this one is gone."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()  # or a copy would say it once more
    (inbox, to_worker), (from_worker, answers) = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        try:
            _be_worker(inbox, answers, threads)
        finally:
            os._exit(1)  # and nothing of what the driver would do next
    os.close(inbox)
    os.close(answers)
    return _Process(_Forked(pid), os.fdopen(to_worker, "wb"), os.fdopen(from_worker, "rb"))


def _be_worker(inbox: int, answers: int, threads: int) -> None:
    """Let go of all that is the driver's, its files and what it does at signals, and work."""
    os.setsid()  # Ctrl-C is for the driver, which ends its workers
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    gc.freeze()
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # whatever a package prints must not get among the answers
    files = {int(path.name) for path in Path("/proc/self/fd").iterdir()}
    for file in files - {0, 1, 2, inbox, answers}:
        with suppress(OSError):  # that of the list itself
            os.close(file)
    work(os.fdopen(inbox, "rb"), os.fdopen(answers, "wb"))


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
