"""Fuzz every parser, check and metric, and count honestly."""

import argparse
import faulthandler
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.mutate import Mutator
from fuzz.targets import TARGETS, Target

LONGEST = 1.0  # seconds of this process's time


class Hang(BaseException):
    """A case took longer than it may."""


@dataclass
class Found:
    """What a target made of its cases: refused are those that ended in an error of ours."""

    cases: int = 0
    refused: int = 0
    slowest: float = 0.0
    failures: dict[str, bytes] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)


def fuzz(target: Target, n: int, seed: int, folder: Path) -> Found:
    """Give a target so many cases."""
    found, mutator = Found(), Mutator(target.seeds(), random.Random(f"{target.name} {seed}"))
    for _ in range(n):
        case = target.make(mutator)
        (folder / "case").write_bytes(case)  # there, should this process die of it
        found.cases += 1
        if wrong := trial(target, case, folder, found):
            found.times[wrong] += 1
            found.failures.setdefault(wrong, case)
    return found


def trial(target: Target, case: bytes, folder: Path, found: Found) -> str:
    """Return what is wrong with how a target takes a case; empty if nothing is."""
    from evalharness.errors import HarnessError

    began = time.process_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST)
    try:
        target.read(case, folder)
    except HarnessError as error:
        found.refused += 1
        if str(error).count("\n") >= target.lines:
            return f"more than a line: {type(error).__name__} {_where(error)}"
        if not str(error):
            return f"no word: {type(error).__name__}"
    except Hang as error:
        return f"hang: {_where(error)}"
    except Exception as error:
        return f"{type(error).__name__} {_where(error)}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        found.slowest = max(found.slowest, time.process_time() - began)
    return "hang in C" if time.process_time() - began > LONGEST else ""


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/evalharness/" in f.filename] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="of all targets together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", action="append", help="only these (their names); repeatable")
    parser.add_argument("--keep", type=Path, help="a folder for the first case of each failure")
    given = parser.parse_args()

    def ring(*_: object) -> None:
        raise Hang

    os.environ["HF_HUB_OFFLINE"] = "1"
    signal.signal(signal.SIGVTALRM, ring)
    faulthandler.enable()
    chosen = [t for t in TARGETS if not given.target or t.name in given.target]
    shares = sum(target.share for target in chosen)
    failed = total = 0
    with tempfile.TemporaryDirectory(
        dir="/dev/shm" if Path("/dev/shm").is_dir() else None
    ) as scratch:
        for target in chosen:
            folder, began = Path(scratch) / target.name, time.monotonic()
            folder.mkdir()
            found = fuzz(target, round(given.cases * target.share / shares), given.seed, folder)
            total += found.cases
            failed += len(found.failures)
            line = {"target": target.name, "cases": found.cases, "refused": found.refused,
                    "slowest": round(found.slowest, 3),
                    "seconds": round(time.monotonic() - began, 1),
                    "failures": dict(found.times)}  # fmt: skip
            print(json.dumps(line), flush=True)
            for n, (what, case) in enumerate(found.failures.items()):
                if given.keep:
                    given.keep.mkdir(parents=True, exist_ok=True)
                    (given.keep / f"{target.name}-{given.seed}-{n}").write_bytes(case)
                    (given.keep / f"{target.name}-{given.seed}-{n}.why").write_text(what + "\n")
    print(json.dumps({"cases": total, "failures": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
