"""Temporary files for what grows with the number of articles, so that memory does not.

The files have no name and are gone with the process, however it ends. They lie where temporary
files do (`TMPDIR`). What is small stays in memory and makes no file.
"""

import math
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evalharness.errors import StoreError

if TYPE_CHECKING:  # what only reads runs makes no such file
    import sqlite3

# Keys that are in memory before they go to a table on disk: 1.5 MB.
HELD = 8_192
# What of that table SQLite may keep in memory, in KiB.
CACHE = 2_048
# Bytes of numbers that are in memory before they go to a file.
SPOOLED = 2**20


class OffsetIndex:
    """Whole numbers by key, for any number of keys; what a key was given first stays.

    Not to be used on both sides of a fork.
    """

    def __init__(self) -> None:
        """Start with no key."""
        self._held: dict[bytes, int] = {}
        self._table: sqlite3.Connection | None = None
        self._in_table = 0
        self._process = os.getpid()

    def __len__(self) -> int:
        return len(self._held) + self._in_table

    def __contains__(self, key: bytes) -> bool:
        return self.get(key) is not None

    def get(self, key: bytes) -> int | None:
        """Return the number of a key, or None. Raises: StoreError where the disk fails."""
        found = self._held.get(key)
        if found is not None or self._table is None:
            return found
        with self._disk() as table:
            row = table.execute("SELECT number FROM places WHERE key = ?", (key,)).fetchone()
        return None if row is None else int(row[0])

    def setdefault(self, key: bytes, number: int) -> int:
        """Return the number of a key; of a new one, the number given. Raises: StoreError."""
        found = self.get(key)
        if found is not None:
            return found
        self._held[key] = number
        if len(self._held) >= HELD:
            self._to_disk()
        return number

    def items(self) -> Iterator[tuple[bytes, int]]:
        """Yield each key with its number; none may come or go meanwhile. Raises: StoreError."""
        yield from self._held.items()
        if self._table is not None:
            with self._disk() as table:
                yield from table.execute("SELECT key, number FROM places")

    def clear(self) -> None:
        """Forget all keys."""
        self._held.clear()
        if self._table is not None:
            self._closing()
            self._table, self._in_table = None, 0

    def _to_disk(self) -> None:
        with self._disk() as table:
            # In order, so that neighbours in the table are written one after the other.
            table.executemany("INSERT INTO places VALUES (?, ?)", sorted(self._held.items()))
        self._in_table += len(self._held)
        self._held.clear()

    @contextmanager
    def _disk(self) -> "Iterator[sqlite3.Connection]":
        import sqlite3

        if self._process != os.getpid():
            raise RuntimeError("keys on disk were opened by the process that this one came from")
        try:
            if self._table is None:
                self._table = _new_table()
                self._closing = weakref.finalize(self, self._table.close)
            yield self._table
        except sqlite3.Error as error:
            raise _no_room(error) from error


def _new_table() -> "sqlite3.Connection":
    import sqlite3

    # An empty name is a table of this connection's own, which SQLite puts on disk as it grows.
    table = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    for setting in (f"cache_size = -{CACHE}", "journal_mode = OFF", "synchronous = OFF"):
        table.execute(f"PRAGMA {setting}")
    table.execute("CREATE TABLE places (key BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID")
    return table


class Spool:
    """Numbers and bytes in a temporary file: one piece after the other, and read back anywhere."""

    def __init__(self) -> None:
        """Start with no number, and no file yet."""
        import tempfile

        self._file = tempfile.SpooledTemporaryFile(SPOOLED)  # noqa: SIM115  closed in `close`
        self._closing = weakref.finalize(self, self._file.close)
        self._end = 0

    def write(self, numbers: npt.NDArray[np.float64]) -> int:
        """Write an array, and return where it is. Raises: StoreError where the disk is full."""
        return self.write_bytes(numbers.tobytes())

    def write_bytes(self, content: bytes) -> int:
        """Write bytes, and return where they are. Raises: StoreError where the disk is full."""
        at = self._end
        try:
            self._file.seek(at)
            self._file.write(content)
        except OSError as error:
            raise _no_room(error) from error
        self._end += len(content)
        return at

    def read(self, at: int, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Return the array of a shape that was written there. Raises: StoreError."""
        return np.frombuffer(self.read_bytes(at, 8 * math.prod(shape))).reshape(shape)

    def read_bytes(self, at: int, size: int) -> bytes:
        """Return so many bytes that were written there. Raises: StoreError."""
        try:
            self._file.seek(at)
            return self._file.read(size)
        except OSError as error:
            raise _no_room(error) from error

    def close(self) -> None:
        """Remove the file, which goes with the spool in any case."""
        self._closing()


def _no_room(error: Exception) -> StoreError:
    import tempfile

    reason = getattr(error, "strerror", None) or error
    return StoreError(
        f"{tempfile.gettempdir()}: a temporary file could not be used ({reason}); make room there, "
        "or set TMPDIR to a folder that has some"
    )
