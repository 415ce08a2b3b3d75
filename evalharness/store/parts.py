"""A ledger at a URL: parts that never change, each put whole and under a name of its own.

Object stores know no lock, no append and no rename; so nothing of that is needed here. Whoever has
computed a batch, be it a worker on another machine, puts it as one file below

    store/parts/scores/rouge-3f…/1764355555123-4096-<digest>-<versions>.jsonl

that is in the folder of the ledger, which the signature names, under its time, its length, a digest
of its bytes, and the name of the versions that made it (`store/parts/versions/<versions>.json`).
A part has the bytes that a ledger of these batches would have. Whoever reads takes the union of all
parts, in the order of their names:

* A torn part is known by its length and digest, and left out; what it had is computed again.
* A record that two parts have, as two processes computed it, or one put it twice, counts once.
* A part that a listing does not show yet was not there: what it has may be computed twice.

`compact` puts one part in place of many, and removes those only that the new one was seen beside.
It may be ended at any moment, and run by several at once or while others compute.
"""

import hashlib
import json
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from evalharness.errors import DataError, StoreError
from evalharness.files.remote import RemoteFolder
from evalharness.records import ScoreText, Summary, canonical, stored_text, summary_record
from evalharness.store.ledger import Ledger, batch_lines, signature_of

# Of all parts, in the folder of results; below it one of each kind of ledger, and the versions.
PARTS = "store/parts"
VERSIONS = "versions"
# Another look at the list of parts is taken after so many seconds.
LOOK_SECONDS = 20.0
# Parts of up to so many bytes are asked for so many at once.
_SMALL, _TOGETHER = 2**20, 64
# How long `compact` waits to see a part of its own in the list, and how old a torn part must be so
# that nobody can be about to finish it.
SEEN_SECONDS, TORN_SECONDS = 60.0, 3600.0
SEEN_PAUSE = 1.0


@dataclass(frozen=True, order=True)
class PartName:
    """What the name of a part says. milliseconds: since 1970, by the clock of who put it."""

    milliseconds: int
    size: int
    digest: str
    versions: str

    def __str__(self) -> str:
        return f"{self.milliseconds:013d}-{self.size}-{self.digest}-{self.versions}.jsonl"


_NAME = re.compile(r"([0-9]{13})-([0-9]{1,15})-([0-9a-f]{32})-([0-9a-f]{16})\.jsonl")


def part_name_of(text: str) -> PartName | None:
    """Return what a file's name says; None where it is no part's."""
    parsed = _NAME.fullmatch(text)
    if parsed is None:
        return None
    milliseconds, size, digest, versions = parsed.groups()
    return PartName(int(milliseconds), int(size), digest, versions)


class PartStore:
    """All parts in a folder of results at a URL."""

    def __init__(self, url: str) -> None:
        """Take the URL of the results. Raises: DataError where its package is missing."""
        self.results = RemoteFolder(url.rstrip("/"))
        self._folder = self.results.below(PARTS)
        self._ledgers: dict[str, LedgerParts] = {}
        self._versions: dict[str, Mapping[str, Any] | None] = {}

    def of(self, kind: str, stem: str) -> "LedgerParts":
        """Return the parts of a ledger, by its kind and the name of its file."""
        name = f"{kind}/{stem}"
        if name not in self._ledgers:
            self._ledgers[name] = LedgerParts(self, name)
        return self._ledgers[name]

    def names(self) -> list[str]:
        """Return kind and name of each ledger that has parts."""
        folders = {name.rpartition("/")[0] for name in self._folder.sizes()}
        return sorted(name for name in folders if name.count("/") == 1)

    def versions_named(self, name: str) -> Mapping[str, Any] | None:
        """Return the versions of a name; None where nobody can say."""
        if name not in self._versions:
            try:
                content = json.loads(self._folder.read(f"{VERSIONS}/{name}.json"))
                self._versions[name] = content if isinstance(content, dict) else None
            except (FileNotFoundError, ValueError, RecursionError):
                return None
        return self._versions[name]

    def note_versions(self, versions: Mapping[str, Any] | None) -> str:
        """Return the name of versions, and put them where parts may refer to it."""
        text = canonical(versions).encode()
        name = hashlib.sha256(text).hexdigest()[:16]
        if name not in self._versions:
            self._folder.put(f"{VERSIONS}/{name}.json", text)
            self._versions[name] = versions
        return name


class LedgerParts:
    """The parts of one ledger: puts new ones, and gives those that it has not given before.

    torn: the names of those that are not whole.
    """

    def __init__(self, store: PartStore, name: str) -> None:
        """Take all parts, and kind and name of the ledger."""
        self.name = name
        self.torn: set[str] = set()
        self.known: set[str] = set()
        self._noted: set[tuple[int, str]] = set()
        self._store = store
        self._folder = store.results.below(f"{PARTS}/{name}")
        self._looked = -LOOK_SECONDS
        self._last = 0

    def put(self, content: bytes | Path, versions: Mapping[str, Any] | None, at: float = 0) -> str:
        """Put the bytes of a ledger, or its file, as a part, and return its name.

        at: when the first of it was computed, in seconds since 1970; 0 for now. Raises: StoreError.
        """
        size, digest = _measure(content)
        self._last = max(int((at or time.time()) * 1000), self._last + 1)  # in the order of putting
        name = str(PartName(self._last, size, digest, self._store.note_versions(versions)))
        self.known.add(name)
        self._folder.put(name, content)
        return name

    def holds(self, content: bytes | Path) -> bool:
        """Tell whether a part with such bytes is listed."""
        measure = _measure(content)
        named = filter(None, map(part_name_of, self.list_names()))
        return any((part.size, part.digest) == measure for part in named)

    def note(self, content: bytes) -> None:
        """Note that such bytes were put by somebody else, and need not be fetched."""
        self._noted.add(_measure(content))

    def putter(
        self, head: bytes, keys: Sequence[str], versions: Mapping[str, Any] | None
    ) -> "BatchPutter":
        """Return what puts the results of a batch, from any process and machine."""
        return BatchPutter(self._store.results.url, self.name, head, tuple(keys), versions)

    def remove(self, name: str) -> None:
        """Remove a part, if it is there. Raises: StoreError."""
        self._folder.remove(name)

    def list_names(self) -> list[str]:
        """Return the names of all parts that are listed now, in order."""
        return sorted(name for name in self._folder.sizes() if part_name_of(name))

    def new_parts(self, *, now: bool = False) -> Iterator[tuple[Iterable[bytes], Any]]:
        """Yield the lines of each part that is new here, and the versions that made them.

        now: look though one has looked a moment ago.
        """
        if not now and time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        fresh = [name for name in self.list_names() if not self._is_known(name)]
        for start in range(0, len(fresh), _TOGETHER):
            yield from self._read(fresh[start : start + _TOGETHER])

    def _is_known(self, name: str) -> bool:
        part = part_name_of(name)
        if part is not None and (part.size, part.digest) in self._noted:
            self.known.add(name)
        return name in self.known

    def _read(self, names: list[str]) -> Iterator[tuple[Iterable[bytes], Any]]:
        parts = {name: part for name in names if (part := part_name_of(name))}
        small = self._folder.read_some([n for n, part in parts.items() if part.size <= _SMALL])
        for name, part in parts.items():
            with tempfile.TemporaryDirectory() as made:
                content = small.get(name, b"") if part.size <= _SMALL else self._fetch(name, made)
                if _measure(content) == (part.size, part.digest):
                    versions = self._store.versions_named(part.versions)
                    yield _lines_of(content), versions
                    self.known.add(name)
                    self.torn.discard(name)
                else:
                    self.torn.add(name)

    def _fetch(self, name: str, folder: str) -> Path:
        path = Path(folder) / "part"
        try:
            self._folder.fetch(name, path)
        except FileNotFoundError:  # compacted since: what it had is in a part that is listed later
            path.write_bytes(b"")
        return path


@cache
def part_store(url: str) -> PartStore:
    """Return the parts at a URL, the same for all that a process does with them."""
    return PartStore(url)


@dataclass(frozen=True)
class BatchPutter:
    """Puts the results of a batch as a part; whoever computes them has it, wherever that is.

    name: kind and name of the ledger. head: its first line. What failed, or has no score for now,
    is in no ledger, and in no part.
    """

    url: str
    name: str
    head: bytes
    keys: tuple[str, ...]
    versions: Mapping[str, Any] | None

    def __call__(self, results: Sequence[Any]) -> None:
        """Put them; of results that the driver will refuse nothing. Raises: StoreError."""
        texts = [_stored_text(result) for result in results]
        if len(texts) != len(self.keys) or any(getattr(result, "flaw", "") for result in results):
            return
        records = [(key, text) for key, text in zip(self.keys, texts, strict=True) if text]
        if records:
            parts = part_store(self.url).of(*self.name.split("/"))
            parts.put(self.head + b"".join(batch_lines(records)), self.versions)


def _stored_text(result: Summary | ScoreText) -> str:
    """Return what a ledger holds of a result; empty where it holds nothing."""
    if isinstance(result, ScoreText):
        return "" if result.passing else result.text
    return "" if result.finish == "error" else stored_text(summary_record(result))


def _measure(content: bytes | Path) -> tuple[int, str]:
    if isinstance(content, bytes):
        return len(content), hashlib.sha256(content).hexdigest()[:32]
    with content.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:32]
    return content.stat().st_size, digest


def _lines_of(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield from content.splitlines(keepends=True)
        return
    with content.open("rb") as file:
        yield from file


@dataclass
class CompactCounts:
    """What `compact` did: ledgers, parts before and after, their records and bytes afterwards.

    torn: parts that are not whole; what they had is computed again by the next run.
    """

    ledgers: int = 0
    before: int = 0
    after: int = 0
    records: int = 0
    bytes: int = 0
    torn: int = 0


def compact(url: str) -> CompactCounts:
    """Put one part in place of the many of each ledger in a folder of results at a URL.

    The part has the bytes of the ledger that one process would have written, batch after batch; of
    a ledger that several versions made, there is a part for each. Nothing is lost, whatever ends
    it, and whoever else works there; while others put parts, only their order may be another.

    Raises: DataError where there are no parts; StoreError.
    """
    store = PartStore(url)
    counts = CompactCounts()
    for name in store.names():
        with tempfile.TemporaryDirectory(prefix="evalharness-") as made:
            _compact_ledger(store, name, Path(made), counts)
    if not counts.before:
        raise DataError(
            f"{url}: no parts of results are there; give the URL that --results has, which is that "
            "of all results, not of one run"
        )
    return counts


def _compact_ledger(store: PartStore, name: str, folder: Path, counts: CompactCounts) -> None:
    parts = store.of(*name.split("/"))
    before = parts.list_names()
    ledger = merged_ledger(parts, folder)
    counts.torn += len(parts.torn)
    counts.before += len(before)
    whole = [part for part in before if part in parts.known]
    if ledger is not None and len(whole) > 1:
        first = int(whole[0][:13]) / 1000
        made = [parts.put(path, versions, first) for path, versions in split_by_versions(ledger)]
        if _are_seen(parts, made):
            for old in set(whole) - set(made):
                parts.remove(old)
    _remove_torn(parts)
    after = parts.list_names()
    counts.after += len(after)
    counts.bytes += sum(part.size for text in after if (part := part_name_of(text)))
    counts.ledgers += ledger is not None
    counts.records += 0 if ledger is None else len(ledger)


def merged_ledger(parts: LedgerParts, folder: Path) -> Ledger | None:
    """Return the ledger in a folder with all that parts have; None where no part is whole."""
    ledger = None
    for lines, versions in parts.new_parts(now=True):
        all_lines = iter(lines)
        head = next(all_lines, b"")
        signature = signature_of(head)
        if signature is None:
            raise StoreError(f"{parts.name}: a part does not begin as a ledger does")
        if ledger is None:
            ledger = Ledger(folder / parts.name.partition("/")[0], signature)
        ledger.add_lines(all_lines, versions)
    return ledger


def split_by_versions(ledger: Ledger) -> Iterator[tuple[Path, Mapping[str, Any] | None]]:
    """Yield a file for each of the versions that made a ledger, in the order of their first."""
    known = ledger.versions.read()
    stretches: list[tuple[int, Mapping[str, Any] | None]] = [*known] if known else [(0, None)]
    distinct = list({canonical(versions): versions for _, versions in stretches}.values())
    if len(distinct) == 1:
        yield ledger.path, distinct[0]
        return
    ends = [*(start for start, _ in stretches[1:]), ledger.path.stat().st_size]
    for number, versions in enumerate(distinct):
        own = ledger.path.with_suffix(f".{number}")
        with ledger.path.open("rb") as whole, own.open("wb") as file:
            head = whole.readline()
            file.write(head)
            for (start, made), end in zip(stretches, ends, strict=True):
                if made == versions:
                    whole.seek(max(start, len(head)))
                    file.write(whole.read(end - max(start, len(head))))
        yield own, versions


def _are_seen(parts: LedgerParts, names: list[str]) -> bool:
    """Wait until parts are listed; tell whether they are, else the others must stay."""
    began = time.monotonic()
    while not set(names) <= set(parts.list_names()):
        if time.monotonic() - began > SEEN_SECONDS:
            return False
        time.sleep(SEEN_PAUSE)
    return True


def _remove_torn(parts: LedgerParts) -> None:
    for name in parts.torn:
        part = part_name_of(name)
        if part and time.time() - part.milliseconds / 1000 > TORN_SECONDS:
            parts.remove(name)
