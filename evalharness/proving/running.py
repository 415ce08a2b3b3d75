"""The steps one after the other, each timed; one that fails stops none of the others."""

import os
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evalharness.errors import HarnessError
from evalharness.proving.steps import STEPS, Bench, Failed


@dataclass(frozen=True)
class Step:
    """One step: what it did, or why it failed and what that means."""

    name: str
    passed: bool
    seconds: float
    told: str = ""
    why: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class Proof:
    """What the machine has, and all steps."""

    facts: dict[str, Any]
    steps: tuple[Step, ...]

    @property
    def passed(self) -> bool:
        """Whether every step did."""
        return all(step.passed for step in self.steps)

    def record(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        seconds = round(sum(step.seconds for step in self.steps), 3)
        return {
            "passed": self.passed,
            "seconds": seconds,
            "machine": self.facts,
            "steps": [asdict(step) for step in self.steps],
        }


def prove(
    results: str | Path = "results", tell: Callable[[Step], object] = lambda step: None
) -> Proof:
    """Run all steps in a temporary folder, without network.

    results: where results are to lie later; there it is tried whether files can be written.
    tell: told of each step as it is done.
    """
    steps: list[Step] = []
    with (
        tempfile.TemporaryDirectory(prefix="evalharness-selftest-") as folder,
        _offline(),
    ):
        bench = Bench(Path(folder), Path(results))
        for name, step, meaning in STEPS:
            steps.append(_timed(name, step, meaning, bench))
            tell(steps[-1])
    return Proof(bench.facts, tuple(steps))


def _timed(name: str, step: Callable[[Bench], str], meaning: str, bench: Bench) -> Step:
    began = time.perf_counter()
    told = why = ""
    try:
        told = step(bench)
    except (Failed, HarnessError) as error:
        why = str(error)
    except Exception as error:  # of whatever library is broken here: the other steps still tell
        last = traceback.extract_tb(error.__traceback__)[-1]
        why = f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
    seconds = round(time.perf_counter() - began, 3)
    return Step(name, not why, seconds, told, " ".join(why.split()), meaning if why else "")


@contextmanager
def _offline() -> Iterator[None]:
    """Keep every library from asking the hub."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before
