"""The ledgers of a store: every line, every batch; and what they say of a run's articles."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evalharness.config.signature import signature_text
from evalharness.errors import StoreError
from evalharness.store import ledger as store_ledger
from evalharness.store.ledger import Ledger
from evalharness.trust.findings import Findings


class Shelf:
    """The ledgers of a store by what made them, as signatures are quoted; each is read once."""

    def __init__(self, folder: Path, findings: Findings) -> None:
        """Read the first line of every ledger."""
        self.findings = findings
        self.paths: dict[tuple[str, str], tuple[Path, Mapping[str, Any]]] = {}
        self.opened: dict[Path, Ledger | None] = {}
        for kind in ("summaries", "scores"):
            for path in sorted((folder / kind).glob("*.jsonl")):
                if signature := _header(path, findings):
                    self.paths[kind, signature_text(signature)] = (path, signature)

    def ledger(self, kind: str, signature: str) -> Ledger | None:
        """Return the ledger of a signature, all its lines checked; None where there is none."""
        if (kind, signature) not in self.paths:
            return None
        path, parts = self.paths[kind, signature]
        if path not in self.opened:
            self.opened[path] = self._read(path, parts)
        return self.opened[path]

    def check_all(self) -> None:
        """Check every ledger, also those of no run at hand."""
        for kind, signature in self.paths:
            self.ledger(kind, signature)

    def _read(self, path: Path, signature: Mapping[str, Any]) -> Ledger | None:
        kept = check_ledger(path, self.findings)
        try:
            ledger = Ledger(path.parent, signature)
        except StoreError as error:
            self.findings.differs(path, 1, "", str(error).partition(": ")[2])
            return None
        if ledger.path != path:
            self.findings.differs(path, 1, "", f"its signature belongs to {ledger.path.name}")
            return None
        if kept > len(ledger):
            _name_repeated(path, self.findings)
        return ledger


def _header(path: Path, findings: Findings) -> Mapping[str, Any] | None:
    """Return the signature in the first line, or None where that was damaged or never written."""
    with path.open("rb") as file:
        line = file.readline()
    if not line:
        return None
    signature = store_ledger.signature_of(line)
    if signature is None:
        findings.differs(path, 1, "", "the line that names the signature was changed")
    return signature


def check_ledger(path: Path, findings: Findings) -> int:
    """Name every line that was changed, torn or is out of its batch; return how many are whole."""
    whole, expected = 0, (1, 0)  # the place in a batch that comes next, and its length if known
    with path.open("rb") as file:
        next(file, b"")
        for number, line in enumerate(file, 2):
            findings.done["lines of ledgers"] += 1
            entry = store_ledger.record_of(line)
            if entry is None:
                what = "was changed" if line.endswith(b"\n") else "is torn: a write was cut short"
                findings.differs(path, number, "", f"the line {what}")
                expected = (0, 0)
                continue
            n, of = entry["batch"]
            if expected[0] and (n != expected[0] or expected[1] not in (0, of)):
                findings.differs(path, number, "batch", f"{n} of {of} is out of its place")
            expected = (1, 0) if n == of else (n + 1, of)
            whole += 1
    if expected[1]:
        findings.differs(path, 0, "", "its last batch is not complete: a write was cut short")
    return whole


def _name_repeated(path: Path, findings: Findings) -> None:
    first: dict[bytes, int] = {}
    with path.open("rb") as file:
        next(file, b"")
        for number, line in enumerate(file, 2):
            if entry := store_ledger.record_of(line):
                key = bytes.fromhex(entry["key"])
                if key in first:
                    findings.differs(path, number, "key", f"stands on line {first[key]} already")
                first.setdefault(key, number)


def records_of(ledger: Ledger | None, keys: Sequence[str]) -> list[Any]:
    """Return the record of each key, None where the ledger has none, or it cannot be read."""
    if ledger is None:
        return [None] * len(keys)
    there = [key for key in keys if key and key in ledger]
    try:
        kept = iter(ledger.get(there))
    except (StoreError, json.JSONDecodeError):
        return [None] * len(keys)  # the line was named as the ledger was read
    return [next(kept) if key and key in ledger else None for key in keys]
