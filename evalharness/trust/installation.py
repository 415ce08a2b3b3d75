"""The self-test of an installation: the quickstart and planted errors, with known answers."""

import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from evalharness.config import yaml
from evalharness.config.registry import is_installed, model_row
from evalharness.errors import HarnessError, install_command
from evalharness.files import shipped_path
from evalharness.hf.hub import readable
from evalharness.meta.planted.measure import ErrorKind, selftest
from evalharness.runner import run as runner_run
from evalharness.runner.provenance import provenance
from evalharness.runner.run import Unfinished
from evalharness.store.ledger import RunFolder
from evalharness.store.runs import Run

# Of the quickstart's. The figures below are means over them, and known to all digits: a system
# writes the same texts anywhere (two have them stored, two copy), and all else is arithmetic.
ARTICLES = 4
FINGERPRINT = "b46acce3c42a5a4ac101caf56f84f02f"
# Articles of different length together: where padding is seen, other texts are written.
IN_A_BATCH = tuple(f"models.{name}.batch_size={ARTICLES}" for name in ("seq2seq", "causal"))
ROUGE = ("rouge1", "rouge2", "rougeL", "rougeLsum")
FIGURES = {
    "smollm2-greedy": (0.265424, 0.042205, 0.18174, 0.225695),
    "smollm2-drawn": (0.273925, 0.061173, 0.166277, 0.234037),
    "lead-3": (0.279694, 0.05868, 0.168359, 0.240038),
    "random-3": (0.197912, 0.030543, 0.139367, 0.172408),
    "textrank": (0.305448, 0.066994, 0.198149, 0.267085),
    "lexrank": (0.283972, 0.063791, 0.173733, 0.231118),
    "oracle": (0.425205, 0.148854, 0.26818, 0.366664),
    "lead1-bart": (0.252508, 0.057007, 0.150992, 0.177992),
    "lead1-llama": (0.252508, 0.057007, 0.150992, 0.177992),
}
# Systems that write their own words; by this check nothing is wrong with those of the others.
WRITERS = ("smollm2-greedy", "smollm2-drawn")
COPIED_BY = "lexical"
# By check: a kind of error, how many are planted in the quickstart's supported summaries, how many
# are found, and how many of the 48 untouched ones that a person wrote are flagged.
PLANTED: Mapping[str, tuple[ErrorKind, int, int, int]] = {
    "numbers": ("number", 92, 91, 8),
    "entities": ("novel_entity", 61, 57, 0),
}

CURE = "install the versions of constraints.txt into a fresh environment, and try again"
CURES = {
    "machine": f"name a folder that you may write to (--results), or {CURE}",
    "lead1-bart": f"use no encoder-decoder model here; {CURE}, also with CUDA_VISIBLE_DEVICES=''",
    "lead1-llama": f"use no decoder-only model here; {CURE}, also with CUDA_VISIBLE_DEVICES=''",
}


class Unexpected(Exception):
    """A value is not the one known beforehand: which, in one line."""


@dataclass(frozen=True)
class Step:
    """One step: what it gave, or why it failed and what to do."""

    name: str
    passed: bool
    seconds: float
    result: str = ""
    why: str = ""
    cure: str = ""


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
        steps = [asdict(step) for step in self.steps]
        return {"passed": self.passed, "seconds": seconds, "machine": self.facts, "steps": steps}


def prove(
    results: str | Path = "results", tell: Callable[[Step], object] = lambda step: None
) -> Proof:
    """Run all steps in a temporary folder, without network; one that fails stops no other.

    results: where results are to lie later; there it is tried whether files can be written.
    tell: told of each step as it is done.
    """
    facts: dict[str, Any] = {}
    steps: list[Step] = []
    with tempfile.TemporaryDirectory(prefix="evalharness-selftest-") as folder, _offline():
        for step in _steps(Path(results), Path(folder), facts):
            steps.append(step)
            tell(step)
    return Proof(facts, tuple(steps))


def _steps(results: Path, folder: Path, facts: dict[str, Any]) -> Iterator[Step]:
    yield _run_step("machine", partial(look_at_machine, results, facts))
    yield from _quickstart(folder)
    for check in PLANTED:
        yield _run_step(check, partial(_find_planted, check))


def _quickstart(folder: Path) -> Iterator[Step]:
    """Run all systems over a few articles; yield a step for each, or one where none can run."""
    began = time.perf_counter()
    failures: Mapping[str, str] = {}
    try:
        config = shipped_path("quickstart.yaml")
        overrides = IN_A_BATCH if is_installed("hf") else _without_networks(config)
        runs = runner_run.run(config, overrides, results=folder, limit=ARTICLES)
    except Unfinished as error:
        runs, failures = error.runs, error.failures
    except Exception as error:  # of whatever library is broken here
        runs, failures = [], {"quickstart": _reason(error)}
    seconds = time.perf_counter() - began - sum(run.timing.seconds or 0.0 for run in runs)
    for run in runs:
        yield _run_step(run.name, partial(_compare, run), run.timing.seconds or 0.0)
    for name, why in failures.items():
        yield _failed(name, round(seconds / len(failures), 3), why)


def _without_networks(config: Path) -> tuple[str]:
    """Return the override that leaves the models out whose packages are not installed."""
    models = yaml.read_yaml(config).tree["models"]
    kept = [model for model in models if not model_row(model["name"]).extra]
    for model in kept:  # what overrides name is looked for in the working directory
        model.update({k: str(config.parent / v) for k, v in model.items() if k == "path"})
    return (f"models={json.dumps(kept)}",)


def _compare(run: Run) -> str:
    """Compare the figures of a run with those known. Raises: Unexpected."""
    expect(run.fingerprint, FINGERPRINT, "the fingerprint of the articles")
    means = [run.figures["rouge"].parts[part].mean or 0.0 for part in ROUGE]
    for part, mean, known in zip(ROUGE, means, FIGURES[run.name], strict=True):
        expect(round(mean, 6), known, part)
    if run.name not in WRITERS:  # what is copied cannot be wrong
        expect(run.figures[COPIED_BY].mean, 1.0, f"the mean of {COPIED_BY}")
    return ", ".join(f"{part} {100 * mean:.1f}" for part, mean in zip(ROUGE, means, strict=True))


def _find_planted(check: str) -> str:
    """Count the planted errors that a check finds, and its false alarms. Raises: Unexpected."""
    kind, n, known, known_alarms = PLANTED[check]
    figures = selftest([check], kinds=[kind])[check]
    detected, alarms = figures["planted"][kind]["detected"], figures["false_alarms"]["all written"]
    found, flagged = round(detected["rate"] * n), round(alarms["rate"] * alarms["n"])
    expect(detected["n"], n, f"the number of planted errors ({kind})")
    expect(found, known, f"the number of planted errors ({kind}) that are found")
    expect(flagged, known_alarms, "the number of untouched summaries that are flagged")
    return (
        f"finds {found} of {n} planted errors ({kind}), flags {flagged} of {alarms['n']} untouched"
    )


def expect(value: Any, known: Any, what: str) -> None:
    """Raise Unexpected where a value is not the one known beforehand."""
    if value != known:
        raise Unexpected(f"{what} is {value!r}, should be {known!r}")


def _run_step(name: str, step: Callable[[], str], seconds: float = 0.0) -> Step:
    """Return a step and how long it took, beside what it took before."""
    began = time.perf_counter()
    result = why = ""
    try:
        result = step()
    except Exception as error:  # of whatever library is broken here: the other steps still tell
        why = _reason(error)
    seconds = round(seconds + time.perf_counter() - began, 3)
    return _failed(name, seconds, why) if why else Step(name, True, seconds, result)


def _failed(name: str, seconds: float, why: str) -> Step:
    return Step(name, False, seconds, why=" ".join(why.split()), cure=CURES.get(name, CURE))


def _reason(error: Exception) -> str:
    if isinstance(error, Unexpected | HarnessError):
        return str(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"


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


# A run of a test set of 11,490 articles leaves 0.3 GB for a system.
LITTLE_SPACE = 2 * 10**9


def look_at_machine(results: Path, facts: dict[str, Any]) -> str:
    """Put versions, devices, free bytes and warnings into `facts`; try to write where results go.

    Raises: StoreError, OSError where that cannot be done.
    """
    there = next(f for f in (results.absolute(), *results.absolute().parents) if f.is_dir())
    folders = dict.fromkeys([there, Path(tempfile.gettempdir())])
    facts |= provenance() | {"devices": torch_devices()}
    facts["free_bytes"] = {str(folder): shutil.disk_usage(folder).free for folder in folders}
    facts["warnings"] = machine_warnings(facts)
    with tempfile.TemporaryDirectory(prefix=".evalharness-selftest-", dir=there) as made:
        RunFolder(Path(made)).write("a", "b\n")
    return f"results can be written in {there}"


def torch_devices() -> dict[str, Any]:
    """Return what torch can compute on, with names and memory in bytes; without it, the CPU."""
    if not is_installed("hf"):
        return {"cpu_threads": os.cpu_count(), "cuda": [], "cuda_version": None, "mps": False}
    import torch

    properties = map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    return {
        "cpu_threads": torch.get_num_threads(),
        "cuda": [{"name": card.name, "bytes": card.total_memory} for card in properties],
        "cuda_version": torch.version.cuda,
        "mps": torch.backends.mps.is_available(),
    }


def machine_warnings(facts: dict[str, Any]) -> list[str]:
    """Return what is no error, and may still cost a day."""
    lines = []
    cards, usable = facts["hardware"]["gpus"], facts["devices"]["cuda"]
    if "torch" not in facts["packages"]:
        lines.append(f"models and neural checks are not installed: {install_command('hf')}")
    elif cards and not usable:
        why = "is built without CUDA" if not facts["devices"]["cuda_version"] else "finds no driver"
        lines.append(f"there are {len(cards)} NVIDIA cards, and torch uses none of them: it {why}")
    free = facts["free_bytes"].items()
    lines += [f"only {readable(n)} are free in {f}" for f, n in free if n < LITTLE_SPACE]
    return lines


def machine_lines(facts: dict[str, Any]) -> list[str]:
    """Return the facts as lines to read."""
    packages, usable = facts["packages"], facts["devices"]
    shown = ("torch", "transformers", "datasets", "numpy", "pyarrow")
    gpus = ", ".join(f"{card['name']} ({readable(card['bytes'])})" for card in usable["cuda"])
    device = gpus or ("Apple GPU (mps)" if usable["mps"] else "no GPU: the CPU")
    space = ", ".join(f"{readable(n)} in {folder}" for folder, n in facts["free_bytes"].items())
    return [
        f"evalharness {facts['evalharness']}, Python {facts['python']} ({sys.executable})",
        ", ".join(f"{name} {packages[name]}" for name in shown if name in packages),
        f"computes on: {device}, {usable['cpu_threads']} threads",
        f"free: {space}",
        *(f"warning: {warning}" for warning in facts["warnings"]),
    ]
