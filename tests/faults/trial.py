"""One trial: a run that is struck, perhaps twice, is looked at, and is run again undisturbed."""

import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalharness.store.samples import page_is_whole
from faults.inject import HARMLESS, KINDS, Fault, Injector, install

# What befalls the ledgers between two runs, and what it takes two processes for.
BETWEEN = ("torn", "twice", "flipped")
TOGETHER = ("two-writers", "two-and-a-kill", "shards-and-a-kill")
# Signals sent from outside at any moment, not at an operation; -15: before Python hears of it.
SENT = {
    "sent-int": (signal.SIGINT, (0, 130, -signal.SIGINT)),
    "sent-term": (signal.SIGTERM, (0, 143, -signal.SIGTERM)),
    "sent-kill": (signal.SIGKILL, (0, -signal.SIGKILL)),
}
ALL_KINDS = (*KINDS, *BETWEEN, *TOGETHER, *SENT)
SIGNALS = {"interrupt": 130, "terminate": 143}


@dataclass
class Ended:
    """How a process ended. struck: whether its fault did strike."""

    code: int
    stderr: str
    operations: int
    struck: bool


@dataclass
class Tally:
    """What was found, in all trials."""

    trials: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Bench:
    """A config, the bytes of its undisturbed run, and how many operations that took."""

    def __init__(self, folder: Path, config: Path, window: int = 7) -> None:
        from evalharness.runner import articles

        articles.WINDOW = window  # several batches, though the data is small
        self.folder, self.config = folder, config
        began = time.monotonic()
        ended = self.run(folder / "whole" / "results")
        self.seconds = time.monotonic() - began
        assert ended.code == 0, ended.stderr
        self.expected = files_of(folder / "whole" / "results")
        self.records = records_of(folder / "whole" / "results")
        self.operations = ended.operations

    def start(self, results: Path, fault: Fault | None = None, *more: str) -> tuple[int, Path]:
        """Start a run of the config in a process of its own."""
        told = Path(tempfile.mkdtemp(dir=self.folder))
        sys.stdout.flush()
        # Signals wait until the child is as a command is from its first moment.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        pid = os.fork()
        if pid == 0:
            _child(self.config, results, fault, told, more)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pid, told

    def end(self, started: tuple[int, Path]) -> Ended:
        pid, told = started
        _, status = os.waitpid(pid, 0)
        counted = told / "counted"
        n, struck = json.loads(counted.read_text()) if counted.exists() else (0, True)
        stderr = (told / "stderr").read_text()
        shutil.rmtree(told)
        return Ended(os.waitstatus_to_exitcode(status), stderr, n, struck)

    def run(self, results: Path, fault: Fault | None = None, *more: str) -> Ended:
        return self.end(self.start(results, fault, *more))

    def trial(self, kind: str, rng: random.Random, tally: Tally) -> None:
        """Let one fault strike, or two, then run undisturbed and compare."""
        results = Path(tempfile.mkdtemp(dir=self.folder)) / "results"
        before = len(tally.wrong)
        if kind in TOGETHER:
            self._together(kind, results, rng, tally)
        elif kind in SENT:
            self._sent(kind, results, rng, tally)
        else:
            first = rng.choice(KINDS) if kind in BETWEEN or rng.random() < 0.3 else kind
            self._struck(first, results, rng, tally)
            if kind in BETWEEN:
                tally.struck[kind] += damage(kind, results, rng)
            elif first != kind:
                self._struck(kind, results, rng, tally)
        self._undisturbed(results, tally)
        tally.trials += 1
        tally.wrong[before:] = [f"{kind}: {what}" for what in tally.wrong[before:]]
        shutil.rmtree(results.parent)

    def _struck(self, kind: str, results: Path, rng: random.Random, tally: Tally) -> None:
        fault = Fault(kind, rng.randint(1, self.operations))
        ended = self.run(results, fault)
        tally.struck[kind] += ended.struck
        tally.codes[f"{kind} -> {ended.code}"] += 1
        tally.wrong += [f"{fault}: {wrong}" for wrong in self.judged(ended, fault, results)]

    def judged(self, ended: Ended, fault: Fault, results: Path) -> Iterator[str]:
        """Yield what is wrong with how a struck run ended, and with what it left."""
        yield from self.left(results)
        if "Traceback" in ended.stderr:
            yield f"a traceback: {ended.stderr[-2000:]}"
        if ended.code == 0:
            if files_of(results) != self.expected:
                yield "exit code 0, and the results are not right"
            return
        if fault.kind in HARMLESS or not ended.struck:
            yield f"exit code {ended.code} where nothing was wrong: {ended.stderr}"
        wanted = SIGNALS.get(fault.kind, -signal.SIGKILL if "kill" in fault.kind else 4)
        if ended.code != wanted:
            yield f"exit code {ended.code}, not {wanted}: {ended.stderr}"
        if wanted > 0 and not 1 <= len(ended.stderr.strip().splitlines()) <= 4:
            yield f"not a line or a few on stderr: {ended.stderr!r}"
        if fault.kind in SIGNALS and "the same command goes on" not in ended.stderr:
            yield f"does not say how to go on: {ended.stderr!r}"

    def left(self, results: Path) -> Iterator[str]:
        """Yield what is wrong with what lies there after a fault, and before the next run."""
        for run in results.glob("*/*/run.json"):  # a run that is there is whole
            own = str(run.parent.relative_to(results))
            for where in (name for name in self.expected if str(Path(name).parent) == own):
                if content(results / where) != self.expected[where]:
                    yield f"{where} is there and not right"
        for where, records in records_of(results).items():
            if wrong := [key for key, text in records if (key, text) not in self.known(where)]:
                yield f"{where}: a record that is not right: {wrong[0]}"

    def known(self, where: str) -> set[tuple[str, str]]:
        return set(self.records.get(where, ()))

    def _together(self, kind: str, results: Path, rng: random.Random, tally: Tally) -> None:
        fault = Fault("kill-mid", rng.randint(1, self.operations)) if "kill" in kind else None
        shards = (("--shard", "1/2"), ("--shard", "2/2")) if "shards" in kind else ((), ())
        both = [self.start(results, fault, *shards[0]), self.start(results, None, *shards[1])]
        one, other = (self.end(started) for started in both)
        tally.struck[kind] += 1
        tally.codes[f"{kind} -> {one.code} {other.code}"] += 1
        tally.wrong += list(self.left(results))
        # What was killed had taken a run back to write it anew: the other has no page, and says so.
        no_page = fault is not None and other.code == 4 and "no run.json" in other.stderr
        if (other.code != 0 and not no_page) or (fault is None and one.code != 0):
            tally.wrong.append(f"exit codes {one.code} {other.code}: {one.stderr}{other.stderr}")
        elif fault is None and files_of(results) != self.expected:
            tally.wrong.append("exit code 0, and the results are not right")

    def _sent(self, kind: str, results: Path, rng: random.Random, tally: Tally) -> None:
        number, codes = SENT[kind]
        started = self.start(results)
        time.sleep(rng.uniform(0, self.seconds))
        os.kill(started[0], number)
        ended = self.end(started)
        tally.struck[kind] += ended.code != 0
        tally.codes[f"{kind} -> {ended.code}"] += 1
        tally.wrong += list(self.left(results))
        if ended.code not in codes or "Traceback" in ended.stderr:
            tally.wrong.append(f"exit code {ended.code}: {ended.stderr}")
        if ended.code == 0 and files_of(results) != self.expected:
            tally.wrong.append("exit code 0, and the results are not right")

    def _undisturbed(self, results: Path, tally: Tally) -> None:
        ended = self.run(results)
        if ended.code != 0:
            tally.wrong.append(f"run again, exit code {ended.code}: {ended.stderr}")
            return
        found = files_of(results)
        for name in sorted(found.keys() | self.expected.keys()):
            if found.get(name) != self.expected.get(name):
                tally.wrong.append(f"run again: {name} is not as it should be")
        for where, records in self.records.items():
            there = records_of(results).get(where, [])
            if set(records) != set(there):
                tally.wrong.append(f"run again: {where}: lost or wrong records")
        if left := [path.name for path in results.rglob("*.part")]:
            tally.wrong.append(f"run again: left behind: {left}")


def _child(
    config: Path, results: Path, fault: Fault | None, told: Path, more: Sequence[str]
) -> None:
    code, injector = 4, Injector(results, fault)
    signals = (signal.SIGINT, signal.SIGTERM)
    try:
        for name, number in (("stdout", 1), ("stderr", 2)):
            os.dup2(os.open(told / name, os.O_WRONLY | os.O_CREAT), number)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        install(injector)
        sys.argv = ["evalharness", "run", str(config), "--results", str(results), *more]
        from evalharness.__main__ import main

        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
            (told / "counted").write_text(json.dumps([injector.n, injector.struck]))
        os._exit(code)


def content(path: Path) -> bytes:
    """Return what a file holds; of `run.json`, all but what may differ from run to run."""
    if not path.exists():
        return b""
    if path.name == "report.html":
        return str(page_is_whole(path)).encode()
    if path.name != "run.json":
        return path.read_bytes()
    record = json.loads(path.read_bytes())
    del record["timing"], record["provenance"]
    return json.dumps(record).encode()


def files_of(results: Path) -> dict[str, bytes]:
    """Return the files of all runs and sweeps, without the store; of a page, which tells how long
    its runs took, whether it is whole.
    """
    found = [path for path in results.rglob("*") if path.is_file()]
    names = {str(path.relative_to(results)): path for path in sorted(found)}
    return {
        name: content(path)
        for name, path in names.items()
        if not name.startswith("store") and not name.endswith((".part", ".lock"))
    }


def records_of(results: Path) -> dict[str, list[tuple[str, str]]]:
    """Return the keys and records of the whole lines of all ledgers, by ledger."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(results.glob("store/*/*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)[1:]
        entries = [entry_of(line) for line in lines if line.endswith(b"\n")]
        known = [entry for entry in entries if entry and "record" in entry]
        found[str(path.relative_to(results))] = [
            (entry["key"], json.dumps(entry["record"])) for entry in known
        ]
    return found


def entry_of(line: bytes) -> Any:
    from evalharness.store import ledger

    return ledger.entry_of(line)


def damage(kind: str, results: Path, rng: random.Random) -> bool:
    """Damage a ledger as crashes, copies and disks do; tell whether there was one."""
    ledgers = sorted(results.glob("store/*/*.jsonl"))
    if not ledgers:
        return False
    path = rng.choice(ledgers)
    raw = path.read_bytes()
    lines = raw.splitlines(keepends=True)
    if not raw:
        return False
    at = rng.randrange(len(raw))
    if kind == "torn":
        raw = raw[:at]
    elif kind == "flipped" and len(lines) > 1:
        at = rng.randrange(len(lines[0]), len(raw))
        raw = raw[:at] + bytes([raw[at] ^ 1 << rng.randrange(8)]) + raw[at + 1 :]
    elif kind == "twice":
        line = rng.choice(lines)
        lines.insert(rng.randint(1, len(lines)), line)
        raw = b"".join(lines)
    path.write_bytes(raw)
    return True
