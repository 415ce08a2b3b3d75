"""A run of a real model, killed at random moments and gone on with: what each kill lost.

`python -m real.killing CONFIG RESULTS KILLS` prints a JSON line for each kill: after how many
seconds, how many summaries the model had written by then, how many the run that went on found
stored, and whether its files are those of a run that nobody disturbed. The model is loaded once;
each run is a process of its own that has it by `fork`, so this computes on one thread.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch  # noqa: TID253  a script that needs it from the start

import evalharness
from evalharness.models.engine import Engine, GeneratedText
from evalharness.models.prompt import Prompt

_KEPT = ("samples.jsonl", "run.json")


def start(config: Path, results: Path, log: Path) -> int:
    """Run a config in a process of its own, which notes each batch that was written."""
    if pid := os.fork():
        return pid
    write = Engine._generate

    def noted(self: Engine, prompts: Sequence[Prompt], rows: Sequence[int]) -> list[GeneratedText]:
        batch = write(self, prompts, rows)
        with log.open("a") as file:
            file.write(f"{len(batch)}\n")
        return batch

    Engine._generate = noted  # type: ignore[method-assign]
    code = 1
    try:
        evalharness.run(config, results=results)
        code = 0
    finally:
        os._exit(code)


def files(results: Path) -> dict[str, Any]:
    """Return what a run has written, but for times and where it ran."""
    kept = {path.name: path.read_text() for path in results.glob("*/*/*") if path.name in _KEPT}
    record = json.loads(kept["run.json"])
    del record["timing"], record["provenance"]
    return kept | {"run.json": record}


def stored(results: Path) -> int:
    """Return how many summaries a run found stored."""
    (path,) = results.glob("*/*/run.json")
    return int(json.loads(path.read_text())["timing"]["summaries"]["stored"])


def finish(config: Path, results: Path, log: Path) -> None:
    """Run a config to its end."""
    _, status = os.waitpid(start(config, results, log), 0)
    assert status == 0


def kills(config: Path, folder: Path, number: int) -> Iterator[dict[str, Any]]:
    """Yield what came of each kill; a run that ended before its moment is no kill."""
    began = time.monotonic()
    finish(config, folder / "whole", folder / "whole.log")
    lasted = time.monotonic() - began
    whole, rng, done = files(folder / "whole"), random.Random(20), 0
    for trial in range(10 * number):
        moment = rng.uniform(0, lasted)
        results, log = folder / f"{trial}", folder / f"{trial}.log"
        pid = start(config, results, log)
        time.sleep(moment)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status):
            continue
        written = sum(map(int, log.read_text().split())) if log.exists() else 0
        finish(config, results, folder / f"{trial}.rest.log")
        done += 1
        yield {
            "seconds": round(moment, 2),
            "written": written,
            "stored": stored(results),
            "same": files(results) == whole,
        }
        if done == number:
            return


if __name__ == "__main__":
    torch.set_num_threads(1)
    config, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir()
    evalharness.run(config, results=folder / "loading", limit=1)  # the model stays loaded
    for line in kills(config, folder, int(sys.argv[3])):
        print(json.dumps(line), flush=True)
