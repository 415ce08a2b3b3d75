"""What is never computed twice: append-only ledgers, named by the signature of what made them.

A ledger is a file of JSON lines. Its first line says the signature; every further line is one
record, with its key, its place in the batch that it was written with, and a checksum. A batch is
there as a whole or not at all: one that was torn by a crash is cut off before the next is written,
so that it is computed again as a whole. Lines damaged later are left out, and said.
"""

import bisect
import errno
import hashlib
import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from operator import itemgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol

from evalharness.errors import StoreError
from evalharness.files.temporary import OffsetIndex
from evalharness.records import canonical, digest, stored_text

if TYPE_CHECKING:
    from filelock import FileLock

LEDGER_FORMAT = 1
# Answers are those of judges: what scores are made of, question by question. Preferences are
# which of two summaries is better.
LedgerKind = Literal["summaries", "scores", "answers", "preferences"]


def _host_name() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename
    import socket

    return socket.gethostname()


HOST = "".join(c for c in _host_name() if c.isalnum() or c == "-")
# A writer holds the lock for one append; whoever waits longer than this waits for a dead machine.
LOCK_SECONDS = 600
_KEY = re.compile(r"([0-9a-f]{2})+")
_KEY_DIGITS = 32  # of a digest


_NONE: Mapping[str, bytes] = {}

# What gives the versions that a process computes with.
MadeWith = Callable[[], Mapping[str, Any]]


class Parts(Protocol):
    """What others have put of a ledger, at a URL (`store.parts`)."""

    def put(self, content: bytes | Path, versions: Mapping[str, Any] | None) -> str:
        """Put the bytes of a ledger, and return their name. Raises: StoreError."""
        ...

    def note(self, content: bytes) -> None:
        """Note that such bytes were put by somebody else, and need not be fetched."""
        ...

    def putter(
        self, head: bytes, keys: Sequence[str], versions: Mapping[str, Any] | None
    ) -> Callable[[Sequence[Any]], object]:
        """Return what puts the results of a batch, wherever that is called."""
        ...

    def new_parts(self) -> Iterator[tuple[Iterable[bytes], Any]]:
        """Yield the lines of what was put since, and the versions that made them."""
        ...


class ResultsAtUrl(Protocol):
    """Results that are at a URL as they are in a folder (`store.mirror`)."""

    def parts_of(self, ledger: Path) -> Parts:
        """Return what there is of a ledger."""
        ...

    def pull(self, path: Path) -> None:
        """Fetch a file, if it is there and not here."""
        ...

    def pull_experiment(self, folder: Path) -> None:
        """Fetch what says which runs an experiment has."""
        ...

    def pull_run(self, folder: Path) -> None:
        """Fetch the files of a run that are there and not here."""
        ...

    def put(self, path: Path) -> None:
        """Put a file where it belongs at the URL. Raises: StoreError."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file at the URL. Raises: StoreError."""
        ...


# The mirrors of this process, by their folders.
MIRRORS: dict[Path, ResultsAtUrl] = {}
# Folders of this machine that hold what is at a URL, and that URL.
ADDRESSES: dict[str, str] = {}


class Ledger:
    """Records by key, on disk. Reads in one pass, and keeps where each is, not the records."""

    def __init__(
        self,
        folder: Path,
        signature: Mapping[str, Any],
        made_with: MadeWith | None = None,
        parts: Parts | None = None,
    ) -> None:
        """Open the ledger of a signature in a folder, making both if need be.

        made_with: gives the versions that make what is appended; without it nothing says them.
        parts: of the same ledger at a URL: what they have is taken in, and what is appended put.
        """
        self.path = ledger_path(folder, signature)
        self.versions = VersionsFile(self.path.with_suffix(".versions.json"))
        self._read_made_with: dict[str, Mapping[str, Any] | None] = {}
        self._made_with = made_with
        self._parts = parts
        self.damaged: list[int] = []  # numbers of lines that could not be read
        self.signature = signature
        self._offsets = OffsetIndex()
        self._end = 0  # all before it has been read and is whole
        self._line = 0
        self._lock = _lock_beside(self.path)
        _make_folder(folder)
        self.refresh()

    def __contains__(self, key: str) -> bool:
        return self._offsets.get(bytes.fromhex(key)) is not None

    def __len__(self) -> int:
        return len(self._offsets)

    def get(self, keys: Sequence[str]) -> list[Any]:
        """Return the records of keys that are in the ledger, in the order of the keys.

        Raises: StoreError where the file was changed behind our back.
        """
        try:
            return [json.loads(text) for text in self.texts(keys)]
        except (ValueError, RecursionError):
            raise self._changed() from None

    def texts(self, keys: Sequence[str], known: Mapping[str, bytes] = _NONE) -> list[bytes]:
        """Return the same records as they stand: the JSON of each. Raises: StoreError.

        known: those that this process appended, which need not be read.
        """
        records = {key: known[key] for key in keys if key in known}
        offsets = self._offsets_of(key for key in keys if key not in known)
        # One of ours is enough to note what made them: this process made all.
        self._note_read({**offsets, **self._offsets_of([*records][:1])})
        if offsets:
            with self._reading() as file:
                for key, offset in sorted(offsets.items(), key=itemgetter(1)):  # forward only
                    file.seek(offset)
                    records[key] = self._record_text(file.readline(), key)
        return [records[key] for key in keys]

    def note_own(self, keys: Iterable[str]) -> None:
        """Note that records are used that this process appended, as if they were read."""
        self._note_read(self._offsets_of([*keys][:1]))

    def _offsets_of(self, keys: Iterable[str]) -> dict[str, int]:
        return {key: self._offset(key) for key in keys}

    def _note_read(self, offsets: Mapping[str, int]) -> None:
        made_with = self.versions.made(offsets.values()) if offsets else []
        self._read_made_with |= {canonical(versions): versions for versions in made_with}

    def _record_text(self, line: bytes, key: str) -> bytes:
        """Return the JSON of the record in a line. Raises: StoreError where that is another's."""
        written = _KEY_AND_BATCH.match(line, 18)
        if written and written[1] == key.encode() and _is_whole(line):
            return line[written.end() : -2]
        entry = entry_of(line)  # of a line in other words
        if entry is None or entry.get("key") != key:
            raise self._changed()
        return stored_text(entry["record"]).encode()

    def versions_read(self) -> list[Mapping[str, Any] | None]:
        """Return the versions that made what was read from here, each once; None: nobody knows."""
        return list(self._read_made_with.values())

    def _offset(self, key: str) -> int:
        offset = self._offsets.get(bytes.fromhex(key))
        if offset is None:
            raise self._changed()
        return offset

    def _changed(self) -> StoreError:
        message = "was changed or removed while the run was at work; run it again"
        return StoreError(f"{self.path}: {message}")

    @contextmanager
    def _reading(self) -> Iterator[IO[bytes]]:
        try:
            with self.path.open("rb") as file:
                yield file
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror or error}") from error

    def refresh(self) -> None:
        """Take in what other processes have written since; forget what was removed."""
        self._read_on()
        for lines, versions in self._parts.new_parts() if self._parts else ():
            self.add_lines(lines, versions)

    def _read_on(self) -> None:
        if not self.path.exists() or self.path.stat().st_size < self._end:
            self._offsets.clear()
            self._end = self._line = 0
        if self.path.exists():
            with self._reading() as file:
                for offset, key in self._whole_batches(file):
                    self._offsets.setdefault(key, offset)

    def append(self, records: Sequence[tuple[str, Any]], *, is_put: bool = False) -> dict[str, str]:
        """Write a batch of keys and records, and wait until it is on the disk.

        Return what was written, as `append_texts`; is_put: likewise.
        Raises: StoreError where the disk is full or the folder may not be written.
        """
        texts = [(key, stored_text(record)) for key, record in records]
        return self.append_texts(texts, is_put=is_put)

    def append_texts(
        self, records: Sequence[tuple[str, str]], *, is_put: bool = False
    ) -> dict[str, str]:
        """Write a batch of keys and records that are `stored_text`s already. Raises: StoreError.

        Return those that were written: of a key that is there already, another record may be.

        is_put: whether who computed it has put it already, where the ledger is at a URL (`putter`).
        """
        with self._while_locked():
            return self._append(records, is_put)

    @property
    def is_at_url(self) -> bool:
        """Whether what is computed is put at a URL, too."""
        return self._parts is not None

    def putter(self, keys: Sequence[str]) -> Callable[[Sequence[Any]], object] | None:
        """Return what puts the results of a batch at the URL of this ledger; None where none is.

        It may be sent to another process, or machine.
        """
        if self._parts is None:
            return None
        return self._parts.putter(self._head(), keys, self._made_with and self._made_with())

    @contextmanager
    def _while_locked(self) -> Iterator[None]:
        from filelock import Timeout

        try:
            with self._lock:
                yield
        except Timeout as error:
            raise StoreError(f"{self.path}.lock: held for over {LOCK_SECONDS} s") from error
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror or error}; nothing is lost") from error

    def _append(self, records: Sequence[tuple[str, str]], is_put: bool) -> dict[str, str]:
        with self.path.open("ab+") as file:
            self._read_on()
            file.truncate(self._end)  # a torn batch, if any: nobody writes now but us
            fresh = [(key, text) for key, text in records if key not in self]
            if fresh and self._made_with is not None:
                self.versions.note(self._end, self._made_with())
            lines = batch_lines(fresh)
            head = [] if self._end else [self._head()]
            file.write(b"".join([*head, *lines]))
            file.flush()
            os.fsync(file.fileno())
        if lines and self._parts is not None:
            part = self._head() + b"".join(lines)
            if is_put:
                self._parts.note(part)
            else:
                self._parts.put(part, self._made_with and self._made_with())
        self._end += sum(map(len, head))
        for (key, _), line in zip(fresh, lines, strict=True):
            self._offsets.setdefault(bytes.fromhex(key), self._end)
            self._end += len(line)
        self._line += len(head) + len(lines)
        return dict(fresh)

    def _head(self) -> bytes:
        return _line({"ledger": LEDGER_FORMAT, "signature": self.signature})

    def add_lines(self, lines: Iterable[bytes], versions: Mapping[str, Any] | None) -> None:
        """Add the lines of another ledger of this signature, but for batches that are here.

        versions: what made them. Raises: StoreError.
        """
        with self._while_locked(), self.path.open("ab+") as file:
            self._read_on()
            file.truncate(self._end)
            if versions is not None:
                self.versions.note(self._end, versions)
            file.write(b"" if self._end else self._head())
            for batch in _batches_in(lines):
                file.writelines(self._lines_not_here(batch))
        self._read_on()

    def _lines_not_here(self, batch: Mapping[bytes, bytes]) -> Iterable[bytes]:
        """Return the lines of a batch whose keys are not here, as a batch."""
        fresh = [line for key, line in batch.items() if key not in self._offsets]
        if len(fresh) == len(batch):
            return fresh
        entries = [record_of(line) or {} for line in fresh]
        return [_line({**e, "batch": [n, len(fresh)]}) for n, e in enumerate(entries, 1)]

    def _whole_batches(self, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
        """Yield offset and key of the records past `_end`, moving `_end` by whole batches."""
        file.seek(self._end)
        offset, line_number = self._end, self._line
        pending: list[tuple[int, bytes]] = []
        for line in file:
            if not line.endswith(b"\n"):
                return
            line_number += 1
            if line_number == 1:
                self._check_header(entry_of(line))
                last = True
            elif (told := _key_and_batch(line)) is None:
                self.damaged.append(line_number)
                last = True
            else:
                key, n, of = told
                pending.append((offset, key))
                last = n == of
            offset += len(line)
            if last:
                yield from pending
                pending = []
                self._end, self._line = offset, line_number

    def _check_header(self, entry: Any) -> None:
        if not isinstance(entry, dict) or entry.get("ledger") != LEDGER_FORMAT:
            raise StoreError(f"{self.path}:1: no ledger of format {LEDGER_FORMAT}; move it away")
        if canonical(entry.get("signature")) != canonical(self.signature):
            raise StoreError(f"{self.path}:1: holds another signature; move it away")


class VersionsFile:
    """A small file beside a ledger: which versions made its batches, from which byte on.

    Lines of the ledger hold none, so that their bytes are the same whatever made them.
    """

    def __init__(self, path: Path) -> None:
        """Take its path, whether there is one or not: earlier versions wrote none."""
        self.path = path

    def read(self) -> list[tuple[int, dict[str, Any]]]:
        """Return from which byte of the ledger on which versions made it, in order.

        Empty where there is no file, or one that is damaged: nobody can say then.
        """
        return self._stretches() or []

    @property
    def is_damaged(self) -> bool:
        """Whether there is a file, and a byte of it is not as it was written."""
        return self.path.exists() and self._stretches() is None

    def _stretches(self) -> list[tuple[int, dict[str, Any]]] | None:
        try:
            line = self.path.read_bytes()
            if not (_is_whole(line) and _is_framed(line)):
                return None
            entries = json.loads(line)["stretches"]
            return [(int(entry["from"]), dict(entry["versions"])) for entry in entries]
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            return None

    def note(self, end: int, versions: Mapping[str, Any]) -> None:
        """Note what makes all that is written from a byte on; the ledger's lock is held."""
        known = self.read()
        stretches: list[tuple[int, Mapping[str, Any]]] = []
        stretches += (stretch for stretch in known if stretch[0] < end)  # a torn batch is no more
        if not stretches or canonical(stretches[-1][1]) != canonical(versions):
            stretches.append((end, versions))
        if stretches != known:
            entries = [{"from": start, "versions": made} for start, made in stretches]
            _replace_file(self.path, _line({"stretches": entries}).decode())

    def made(self, offsets: Iterable[int]) -> list[Mapping[str, Any] | None]:
        """Return the versions that made the lines at some bytes, each once; None: nobody knows."""
        stretches = self.read()
        starts = [start for start, _ in stretches]
        numbers = {bisect.bisect_right(starts, offset) - 1 for offset in offsets}
        return [stretches[n][1] if n >= 0 else None for n in sorted(numbers)]


class PaceFile:
    """A small file beside the ledgers: how large batches may be, for all who share the work."""

    def __init__(
        self, folder: Path, signature: Mapping[str, Any], mirror: ResultsAtUrl | None = None
    ) -> None:
        """Take the folder of such files, and the signature of the model whose batches they are.

        mirror: of a folder that mirrors results at a URL: there it is read and put, too.
        """
        self.path = ledger_path(folder, signature).with_suffix(".json")
        self._mirror = mirror
        if mirror is not None:
            mirror.pull(self.path)
        self._lock = _lock_beside(self.path)

    def read(self) -> dict[str, int]:
        """Return the limit of each device; nothing where there is no file. Raises: StoreError."""
        try:
            records = json.loads(self.path.read_bytes())
            # Records of earlier versions may have no limit, and what a trial of sizes found.
            limits = {d: record["memory"] for d, record in records.items() if "memory" in record}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror or error}") from error
        except (ValueError, RecursionError, AttributeError, TypeError) as error:
            raise self._damaged_error() from error
        if not all(type(limit) is int and limit > 0 for limit in limits.values()):
            raise self._damaged_error()
        return limits

    def _damaged_error(self) -> StoreError:
        return StoreError(f"{self.path}: is damaged; remove it, to find it out again")

    def add(self, device: str, memory: int) -> None:
        """Keep a device's limit, unless a lesser one is there. Raises: StoreError."""
        if self.read().get(device, memory + 1) <= memory:
            return
        _make_folder(self.path.parent)
        from filelock import Timeout

        try:
            with self._lock:
                limits = self.read()
                limits[device] = min(memory, limits.get(device, memory))
                records = {name: {"memory": limit} for name, limit in limits.items()}
                _replace_file(self.path, json.dumps(records, indent=1) + "\n")
            if self._mirror is not None:
                self._mirror.put(self.path)
        except Timeout as error:
            raise StoreError(f"{self.path}.lock: held for over {LOCK_SECONDS} s") from error
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror or error}") from error


class SystemsFile:
    """A small file beside a ledger of preferences: the systems that its judge was asked about.

    Whoever looks for what a judge said of other systems need not read their texts.
    """

    def __init__(self, ledger: Path) -> None:
        """Take the path of the ledger, whether there is such a file or not."""
        self.path = ledger.with_suffix(".systems.json")
        self._lock = _lock_beside(self.path)

    def read(self) -> frozenset[str] | None:
        """Return the systems; None where nobody can say: earlier versions noted none."""
        try:
            systems = json.loads(self.path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        is_list = isinstance(systems, list) and all(isinstance(name, str) for name in systems)
        return frozenset(systems) if is_list else None

    def add(self, systems: Iterable[str], *, is_new: bool) -> None:
        """Note systems before their answers are; is_new: whether the ledger has none so far.

        A ledger that has answers, and no such file, gets none: of which systems, nobody can say.
        Raises: StoreError.
        """
        _make_folder(self.path.parent)
        from filelock import Timeout

        try:
            with self._lock:
                known = self.read()
                if known is None and (not is_new or self.path.exists()):
                    return
                every = sorted({*(known or ()), *systems})
                if known is None or set(every) != known:
                    _replace_file(self.path, json.dumps(every, indent=1) + "\n")
        except Timeout as error:
            raise StoreError(f"{self.path}.lock: held for over {LOCK_SECONDS} s") from error
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror or error}") from error


def _replace_file(path: Path, text: str) -> None:
    """Write a small file whole, or not at all; its lock is held, so that one writes at a time.

    What a killed process left half-way has the same name, and is written over.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def ledger_path(folder: Path, signature: Mapping[str, Any]) -> Path:
    """Return where the ledger of a signature lies, whether there is one or not."""
    name = "".join(c if c.isalnum() and c.isascii() else "-" for c in str(signature["name"]))
    return folder / f"{name}-{digest(signature)[:16]}.jsonl"


def batch_lines(records: Sequence[tuple[str, str]]) -> list[bytes]:
    """Return the lines of a batch, from keys and `stored_text`s."""
    return [
        _with_checksum(f'{{"key":"{key}","batch":[{n},{len(records)}],"record":{text}}}')
        for n, (key, text) in enumerate(records, 1)
    ]


def _line(entry: Mapping[str, Any]) -> bytes:
    return _with_checksum(stored_text(entry))


def _with_checksum(entry: str) -> bytes:
    content = entry.encode()
    return b'{"crc":"%08x",%b\n' % (zlib.crc32(content), content[1:])


def entry_of(line: bytes) -> Any:
    """Return what a line holds without its checksum, or None where it was damaged."""
    if not _is_whole(line):
        return None
    try:
        entry = json.loads(b"{" + line[18:-1])
    except (ValueError, RecursionError):
        return None
    return entry if "ledger" in entry or _is_record(entry) else None


def _is_whole(line: bytes) -> bool:
    crc = zlib.crc32(b"{" + line[18:-1])
    return line[:8] == b'{"crc":"' and line[8:16] == f"{crc:08x}".encode()


def _is_record(entry: Any) -> bool:
    """Tell whether a line has the shape of a record: its checksum can be had by anyone."""
    key, batch = entry.get("key"), entry.get("batch")
    return (
        "record" in entry
        and isinstance(key, str)
        and _KEY.fullmatch(key) is not None
        and isinstance(batch, list)
        and [type(n) for n in batch] == [int, int]
    )


def signature_of(line: bytes) -> Mapping[str, Any] | None:
    """Return the signature in the first line of a ledger; None where the line was changed."""
    entry = entry_of(line) if _is_framed(line) else None
    if entry is None or entry.get("ledger") != LEDGER_FORMAT:
        return None
    signature = entry.get("signature")
    return signature if isinstance(signature, dict) else None


def record_of(line: bytes) -> Mapping[str, Any] | None:
    """Return key, batch and record of a further line; None where a byte was changed or is missing.

    A reader of the ledger (`Ledger`) also takes lines with other keys than digests, and does not
    look at the two bytes between checksum and content.
    """
    entry = entry_of(line) if _is_framed(line) else None
    if entry is None or not _is_record(entry) or len(entry["key"]) != _KEY_DIGITS:
        return None
    found: dict[str, Any] = entry
    return found


def _is_framed(line: bytes) -> bool:
    """Tell whether the bytes that no checksum covers are there: before the content, and the end."""
    return line[16:18] == b'",' and line.endswith(b"\n")


_KEY_AND_BATCH = re.compile(rb'"key":"((?:[0-9a-f]{2})+)","batch":\[([0-9]+),([0-9]+)\],"record":')


def _key_and_batch(line: bytes) -> tuple[bytes, int, int] | None:
    """Return key, number and size of batch of a line, its record unread; None if damaged."""
    if not _is_whole(line):
        return None
    if written := _KEY_AND_BATCH.match(line, 18):
        return bytes.fromhex(written[1].decode()), int(written[2]), int(written[3])
    entry = entry_of(line)
    if entry is None or "ledger" in entry:
        return None
    return bytes.fromhex(entry["key"]), *entry["batch"]


def _batches_in(lines: Iterable[bytes]) -> Iterator[dict[bytes, bytes]]:
    """Yield the whole batches among lines, by key; what is damaged or cut short is left out."""
    pending: dict[bytes, bytes] = {}
    for line in lines:
        parsed = _key_and_batch(line) if line.endswith(b"\n") else None
        if parsed is None or parsed[1] == 1:
            pending = {}
        if parsed is not None:
            key, n, of = parsed
            pending[key] = line
            if n == of == len(pending):
                yield pending


def _lock_beside(path: Path) -> "FileLock":
    from filelock import FileLock  # what only reads runs takes no lock

    return FileLock(f"{path}.lock", timeout=LOCK_SECONDS)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def cannot_write(path: Path | str, error: OSError) -> StoreError:
    """Return the error of a file or folder of the results, with the cure where there is one."""
    refused = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
    cure = "; --results names a folder that you may write to" if refused else ""
    return StoreError(f"{path}: {error.strerror or error}{cure}")


# What a message says of a run's files that are not as they should be.
AGAIN = "run the config again, which computes nothing twice"


class RunFolder:
    """The files of one run. Each is written beside its name and then moved there, whole.

    Where the results are at a URL, it is then put there, too, and what is removed is removed there.
    """

    def __init__(self, path: Path) -> None:
        """Open a run's folder, making it if need be."""
        self.path = path
        self._mirror = mirror_above(path)
        _make_folder(path)
        self._remove_leftovers()

    def writing(self, name: str) -> Path:
        """Return where to write a file before `publish` moves it to its name."""
        return self.path / f".{name}.{HOST}.{os.getpid()}.part"

    def publish(self, name: str) -> None:
        """Move what was written to its name, after it is safely on the disk."""
        part = self.writing(name)
        try:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.replace(self.path / name)
        except OSError as error:
            raise StoreError(f"{self.path / name}: {error.strerror or error}") from error
        if self._mirror is not None:
            self._mirror.put(self.path / name)

    def write(self, name: str, text: str) -> None:
        """Write a small file whole."""
        try:
            self.writing(name).write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise StoreError(f"{self.path / name}: {error.strerror or error}") from error
        self.publish(name)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{self.path / name}: {error.strerror or error}") from error
        if self._mirror is not None:
            self._mirror.remove(self.path / name)

    def _remove_leftovers(self) -> None:
        """Remove the half-written files of processes of this machine that are no more."""
        for part in self.path.glob(f".*.{HOST}.*.part"):
            pid = part.name.split(".")[-2]
            if pid.isdigit() and int(pid) != os.getpid() and not is_alive(int(pid)):
                with suppress(OSError):  # it is in nobody's way
                    part.unlink()


def file_digest(content: Path | str) -> str:
    """Return the SHA-256 of a file, or of the file that would hold a text."""
    if isinstance(content, str):
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_alive(pid: int) -> bool:
    """Tell whether this machine has a process of this number, and not merely its remains."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # somebody else's process
    with suppress(OSError, IndexError):  # there is no such file but on Linux
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
        return state not in (b"Z", b"X")
    return True


def mirror_of(results: Path) -> ResultsAtUrl | None:
    """Return what a folder mirrors; None for a folder that stands for itself, as most do."""
    return MIRRORS.get(results)


def mirror_above(path: Path) -> ResultsAtUrl | None:
    """Return what mirrors a folder or one above it; None where it stands for itself."""
    whole = path.absolute()
    return next(filter(None, map(mirror_of, (whole, *whole.parents))), None) if MIRRORS else None


def address_of(path: Path) -> str:
    """Return where a file or folder of a run is, for people: at a URL, where it is put there."""
    return with_addresses(str(path))


def with_addresses(text: str) -> str:
    """Return a text that names what is at a URL by the URL, not by where it is on this machine."""
    for folder in sorted(ADDRESSES, key=len, reverse=True):
        text = text.replace(folder, ADDRESSES[folder])
    return text
