"""What tests of executors share: runs that are started and killed, and a faulty component."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from evalharness.errors import ModelError
from evalharness.protocols import Need
from evalharness.records import Article, Summary


@dataclass(frozen=True)
class Faulty:
    """Says who wrote it; what an article begins with is done.

    `die` kills the worker, `once` does so the first time, as a file in `folder` remembers.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    version: ClassVar[int] = 1

    folder: str = ""

    def batches(self, articles: Sequence[Article]) -> list[list[int]]:
        """Return batches of three."""
        return [[*range(len(articles))][n : n + 3] for n in range(0, len(articles), 3)]

    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        """Do as the articles say."""
        for article in articles:
            mark = Path(self.folder) / article.id
            dies = article.text.startswith("die")
            if dies or (article.text.startswith("once") and not mark.exists()):
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if article.text.startswith("refuse"):
                raise ModelError("this model refuses")
            if article.text.startswith("bug"):
                raise ZeroDivisionError("a bug of ours")
            if article.text.startswith("print"):
                print("a line of a package")
        return [Summary(a.id, f"{a.text} of {len(articles)}", tokens=os.getpid()) for a in articles]


@dataclass(frozen=True)
class Limited(Faulty):
    """Has too little memory for `large`, once met; a line in `folder`/log tells of it."""

    @property
    def limit(self) -> int | None:
        """What was learnt; of this copy, and no option."""
        known: int | None = self.__dict__.get("_limit")
        return known

    def keep_within(self, limits: Mapping[str, int]) -> None:
        """Know it from the start."""
        self.__dict__["_limit"] = limits.get("here")

    def device_and_limit(self) -> tuple[str, int | None]:
        """Return what was learnt, for a device of no name."""
        return "here", self.limit

    def generation_record(self) -> Mapping[str, Any]:
        """Return the same."""
        return {"device": "here", "memory": self.limit}

    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        """Say who wrote it, and learn how much memory there is."""
        if any(a.text.startswith("large") for a in articles) and self.limit is None:
            logged(Path(self.folder), "memory")
            self.keep_within({"here": 50})
        return [Summary(a.id, f"{a.text} by us") for a in articles]


def logged(folder: Path, event: str) -> int:
    """Add a line of an event; return how many there are of it."""
    with (folder / "log").open("a") as file:
        file.write(f"{event}\n")
    return (folder / "log").read_text().splitlines().count(event)


ROOT = Path(__file__).parents[1]
QUICKSTART = ROOT / "configs" / "quickstart"
ROWS = [json.loads(line) for line in (QUICKSTART / "articles.jsonl").read_text().splitlines()]


def written(folder: Path, n: int, **more: Any) -> Path:
    """Write a config over n articles, the last two of which are the first two again."""
    rows = []
    for i in range(n):
        row = ROWS[i % (n - 2) % len(ROWS)]
        article = f"Story {i % (n - 2)}. {row['article'][:300]}"
        rows.append({**row, "id": str(i), "article": article})
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config: dict[str, Any] = {
        "name": "t",
        "data": {"name": "files", "path": "a.jsonl"},
        "models": ["lead", {"name": "random", "sentences": 2}],
        "metrics": ["rouge"],
        "checks": ["numbers"],
    }
    path = folder / "c.yaml"
    path.write_text(json.dumps(config | more))
    return path


GENERATING: dict[str, Any] = {
    "models": [
        {"name": "seq2seq", "model": str(QUICKSTART / "lead1-bart"), "batch_size": 2},
        {"name": "causal", "model": str(QUICKSTART / "lead1-llama"), "batch_size": 3},
    ],
    "generation": {"max_new_tokens": 24},
}


def bytes_of(results: Path) -> dict[str, bytes]:
    """Return all files of all runs, but for the page, which tells the time that they took; of
    `run.json`, all but provenance and timing.
    """
    found = {}
    for path in sorted((results / "t").glob("**/*.*")):
        if path.name == "report.html":
            continue
        content = path.read_bytes()
        if path.name == "run.json":
            record = json.loads(content)
            del record["timing"], record["provenance"]
            content = json.dumps(record).encode()
        found[str(path.relative_to(results))] = content
    return found


def children(pid: int) -> list[int]:
    """Return the living processes below one; zombies are none."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = stat.read_text().rpartition(") ")
        except OSError:
            continue
        state, parent, *_ = rest.split()
        if state != "Z":
            parents[int(stat.parent.name)] = int(parent)
    found = [child for child, parent in parents.items() if parent == pid]
    return found + [deep for child in found for deep in children(child)]


def workers_of(pid: int) -> list[int]:
    """Return the children of a run, without the one that draws the figures of its page."""

    def draws(child: int) -> bool:
        return b"import vl_convert" in Path(f"/proc/{child}/cmdline").read_bytes()

    return [child for child in children(pid) if not draws(child)]


def command(path: Path, results: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "evalharness", "run", str(path), "--results", str(results), *more]


def started(
    path: Path, results: Path, until: Callable[[Path], bool], *more: str
) -> "subprocess.Popen[str]":
    """Start a run, and return it when it has come so far."""
    process = subprocess.Popen(
        command(path, results, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    began = time.monotonic()
    while process.poll() is None and not until(results) and time.monotonic() - began < 300:
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()
    return process


def check_interrupted(err: str, name: str) -> None:
    """Hold what an interrupted run said against what it is to say, of the system it was at.

    Before it stand lines of how far the run is, one every few seconds: more on a busy machine.
    """
    *progress, last = err.splitlines()
    assert all(" articles, " in line for line in progress), err
    said = rf"evalharness: interrupted; \d+ summaries of {name} were written and are stored"
    assert re.fullmatch(rf"{said}; the same command goes on", last), err


@contextlib.contextmanager
def killed_at_end(process: "subprocess.Popen[str]") -> Iterator[None]:
    """Leave no process behind where a test fails: a later test would be blamed for it."""
    with process:
        try:
            yield
        finally:
            process.kill()


def stored_bytes(results: Path) -> int:
    """Return how many bytes the ledgers of a results folder hold."""
    return sum(path.stat().st_size for path in (results / "store").rglob("*.jsonl"))


def kill_run(words: Sequence[str], results: Path, n_bytes: float) -> None:
    """Start a run, and kill it once its store has grown so far.

    A run that is over before it is looked at again is begun anew, from nothing.
    """
    while True:
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and stored_bytes(results) < n_bytes:
            time.sleep(0.003)  # to look takes a fraction of that from what is looked at
        process.kill()
        if process.wait() == -signal.SIGKILL:
            return
        assert process.returncode == 0
        shutil.rmtree(results)


def some_summaries(results: Path) -> bool:
    """Tell whether some batches are stored, of the first model."""
    ledgers = list((results / "store" / "summaries").glob("*.jsonl"))
    return bool(ledgers) and sum(p.read_bytes().count(b"\n") for p in ledgers) > 4


def gone(pids: Sequence[int], seconds: float = 30) -> bool:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        alive = [p for p in pids if is_alive(p)]
        if not alive:
            return True
        time.sleep(0.05)
    return False


def is_alive(pid: int) -> bool:
    try:
        _, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")
    except OSError:
        return False
    return not rest.startswith("Z")
