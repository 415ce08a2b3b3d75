"""A run on a SLURM cluster: an array of jobs, a shard each, and then a job that writes the runs.

Jobs share the results folder and nothing else. One that was killed is submitted again and goes on
where it was, as does the whole after a driver that is gone; what is out of time or preempted is put
back into the queue by submitit. The driver computes nothing: no model is loaded on a login node.
"""

import logging
import pickle
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from evalharness.errors import (
    ExecutorError,
    HarnessError,
    MissingExtra,
    StoreError,
    WorkerDied,
)
from evalharness.executors.jobs import Failure, failure
from evalharness.executors.slurm import Slurm
from evalharness.shards import Part, Shard, run_shard
from evalharness.work import Progress

# Seconds between two looks at the queue, and for a result to be seen through a shared folder after
# its job has left the queue.
LOOK = 2.0
SETTLE = 30.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Call:
    """What a job does; its result is what the function returns, or a Failure."""

    function: Callable[..., Any]
    given: Sequence[Any]
    named: Mapping[str, Any]

    def __call__(self) -> Any:
        """Do it, in the job."""
        try:
            return self.function(*self.given, **self.named)
        except HarnessError as error:
            return failure(error)

    def checkpoint(self) -> Any:
        """Return what submitit puts back into the queue for a job that is out of time."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


@dataclass
class Launch:
    """The jobs of one run: submitted, watched, and cancelled where the driver is interrupted."""

    slurm: Slurm
    folder: Path
    look: float = LOOK
    settle: float = SETTLE
    queued: list[Any] = field(default_factory=list)

    def all(self, name: str, calls: Mapping[str, Call], done: Callable[[], object]) -> list[Any]:
        """Return the results of all calls in order; each is tried anew where its job died.

        done: told of each that has ended. Raises: what a call raised; WorkerDied.
        """
        results: dict[str, Any] = {}
        for _ in range(self.slurm.tries):
            left = {told: call for told, call in calls.items() if told not in results}
            if not left:
                break
            jobs = dict(zip(left, self.submit(name, list(left.values())), strict=True))
            for told, result in self.ended(jobs):
                done()
                results[told] = result
        missing = [told for told in calls if told not in results]
        if missing:
            raise WorkerDied(
                f"slurm: {', '.join(missing)}: {self.slurm.tries} jobs died; what they wrote is in "
                f"{self.folder}"
            )
        return [results[told] for told in calls]

    def submit(self, name: str, calls: Sequence[Call]) -> list[Any]:
        """Submit an array of jobs. Raises: ExecutorError."""
        submitit = imported()
        executor = submitit.SlurmExecutor(self.folder, max_num_timeout=1000)
        executor.update_parameters(**parameters(self.slurm, name))
        try:
            with executor.batch():
                jobs = [executor.submit(call) for call in calls]
        except _refusals(submitit) as error:
            raise ExecutorError(f"slurm: the array was not taken: {_told(error)}") from error
        self.queued += jobs
        return jobs

    def ended(self, jobs: Mapping[str, Any]) -> Any:
        """Yield name and result of each job that has one; the others have died. Raises: its error.

        Accounting need not be there: what is neither queued nor has a result is dead.
        """
        waiting = dict(jobs)
        unseen: dict[str, float] = {}
        while waiting:
            queue = in_queue([job.job_id for job in waiting.values()])
            for told, job in list(waiting.items()):
                path = job.paths.result_pickle
                if path.exists():
                    del waiting[told]
                    yield told, received(told, path)
                elif job.job_id in queue:
                    unseen.pop(told, None)
                elif time.monotonic() - unseen.setdefault(told, time.monotonic()) > self.settle:
                    del waiting[told]
            if waiting:
                time.sleep(self.look)

    def cancel(self) -> None:
        """Take all that is still queued out of the queue."""
        ids = sorted({job.job_id for job in self.queued})
        if ids:
            subprocess.run(["scancel", *ids], check=False, capture_output=True)  # noqa: S603, S607


@contextmanager
def launching(slurm: Slurm, results: Path) -> Any:
    """Give a launch with a folder of its own, which is removed where all went well.

    Raises: MissingExtra, ExecutorError where this is no machine that submits jobs.
    """
    imported()
    if shutil.which("sbatch") is None:
        raise ExecutorError(
            "slurm: there is no sbatch on this machine; submit from a login node, or use "
            "--executor processes"
        )
    folder = results.absolute() / "store" / "jobs" / uuid.uuid4().hex[:12]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)  # pickles lie there, which nobody else may put there
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror or error}") from error
    launch = Launch(slurm, folder)
    try:
        yield launch
    except BaseException:
        launch.cancel()
        if not launch.queued:  # there is no log to keep
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def run_array(
    slurm: Slurm,
    config: str | Path | Mapping[str, Any],
    overrides: Sequence[str],
    results: Path,
    limit: int | None,
    progress: Progress,
    articles: int | None,
    merge: Callable[..., Result],
) -> Result:
    """Compute a config by an array of jobs; return what `merge` returns in a job after them.

    articles: how many summaries there are to be, for the progress; None where that is not known.
    Raises: HarnessError; WorkerDied for jobs that did not come through.
    """
    named = {"results": results.absolute(), "limit": limit, "executor": "local"}
    shards = [Shard(n + 1, slurm.workers) for n in range(slurm.workers)]
    calls = {f"shard {s}": Call(run_shard, (config, s, overrides), named) for s in shards}
    with launching(slurm, results) as launch:
        parts: list[Part] = _round(launch, calls, progress, articles)
        if any(part.waiting for part in parts):  # scores by networks, now that all is summarized
            _round(launch, calls, progress, articles)
        progress.start("the runs, in a job", None)
        (merged,) = launch.all(
            "merge", {"the job that writes the runs": Call(merge, (config, overrides), named)}, _no
        )
        progress.end()
    found: Result = merged
    return found


def _round(
    launch: Launch, calls: Mapping[str, Call], progress: Progress, articles: int | None
) -> list[Any]:
    progress.start(f"an array of {len(calls)} jobs", articles)
    share = (articles or 0) // len(calls)
    results = launch.all("shards", calls, lambda: progress.advance(share))
    progress.end()
    return results


def _no() -> None:
    """Tell nobody."""


def parameters(slurm: Slurm, name: str) -> dict[str, Any]:
    """Return the options of an array as submitit calls them."""
    more = {option.replace("_", "-"): value for option, value in slurm.options.items()}
    if slurm.gpus is not None:
        more["gpus-per-node"] = slurm.gpus
    given = {
        "job_name": f"evalharness-{name}",
        "partition": slurm.partition,
        "time": slurm.time,
        "cpus_per_task": slurm.cpus,
        "mem": slurm.memory,
        "setup": list(slurm.setup) or None,
        "array_parallelism": slurm.at_once or slurm.workers,
        "additional_parameters": more,
    }
    return {key: value for key, value in given.items() if value is not None}


def in_queue(ids: Sequence[str]) -> set[str]:
    """Return those of some jobs that are queued or run; all of them where nobody can tell."""
    arrays = sorted({job.partition("_")[0] for job in ids})
    asked = subprocess.run(  # noqa: S603
        ["squeue", "--noheader", "--array", "--format=%i", "--jobs", ",".join(arrays)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode and "Invalid job id" not in asked.stderr:
        return set(ids)  # the controller is busy
    return set(asked.stdout.split())


def received(told: str, path: Path) -> Any:
    """Return what a job returned. Raises: what it raised."""
    for _ in range(3):
        with suppress(EOFError, pickle.UnpicklingError):  # not all of it is seen yet
            outcome, result = pickle.loads(path.read_bytes())  # noqa: S301  of our own job
            break
        time.sleep(LOOK)
    else:
        raise WorkerDied(f"slurm: {told}: the result cannot be read: {path}")
    if outcome == "error":
        raise RuntimeError(f"in {told}:\n{result}")
    if isinstance(result, Failure):
        raise result.error()
    return result


def imported() -> Any:
    """Return submitit, quiet. Raises: MissingExtra."""
    try:
        import submitit
    except ImportError as error:
        raise MissingExtra("the executor slurm", "slurm") from error
    logging.getLogger("submitit").setLevel(logging.ERROR)
    return submitit


def _refusals(submitit: Any) -> tuple[type[Exception], ...]:
    utils = submitit.core.utils
    return (OSError, ValueError, utils.FailedJobError, utils.FailedSubmissionError)


def _told(error: Exception) -> str:
    """Return the line of sbatch that says why."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1 if "error:" in str(error) else 0]
