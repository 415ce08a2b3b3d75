"""An array of jobs on a SLURM cluster: its options. `evalharness.arrays` submits it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

_TIME = re.compile(r"(\d+-)?\d+(:\d{1,2}){0,2}")


@dataclass(frozen=True)
class Slurm:
    """An array of jobs on a SLURM cluster, a shard each; then one that writes the runs.

    Needs the extra `slurm`, and a results folder that all nodes see.

    workers: jobs of the array.
    at_once: the most of them that run at one time; None leaves it to the cluster.
    partition: where; None is the cluster's default.
    time: the most time of a job, as sbatch reads it: minutes, or 1-12:00:00.
    cpus: processors of a job.
    gpus: GPUs of a job, a number or with their type (`a100:1`).
    memory: of a job, as sbatch reads it: `16G`.
    tries: how often a shard is submitted that did not end well.
    setup: shell lines that each job runs first (`module load cuda`).
    options: any other options of sbatch by their long names (`account: nlp`).
    """

    version: ClassVar[int] = 1

    workers: int
    at_once: int | None = None
    partition: str | None = None
    time: str | int | None = None
    cpus: int = 1
    gpus: int | str | None = None
    memory: str | None = None
    tries: int = 3
    setup: tuple[str, ...] = ()
    options: Mapping[str, str | int | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the options. Raises: ValueError."""
        for name in ("workers", "at_once", "cpus", "tries"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}: {value} is below 1")
        if self.time is not None and not _TIME.fullmatch(str(self.time)):
            raise ValueError(f"time: {self.time!r} is no time such as 90 or 1-12:00:00")
        for name in self.options:
            if name.replace("_", "-") in ("array", "output", "error", "job-name", "wait"):
                raise ValueError(f"options: {name} is set by us")

    @contextmanager
    def crew(self) -> Iterator[None]:
        """Give no workers: inside a job of the array all is done in its own process."""
        yield None

    def refuses(self, component: Any) -> str:
        """Refuse nothing."""
        return ""
