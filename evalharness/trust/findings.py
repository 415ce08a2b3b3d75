"""What differs between two JSON values, and all the mismatches and notes of a verification."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Of each file; a file of another run would else differ in every line.
MOST_OF_FILE = 20
# Of one score or summary.
MOST_OF_ONE = 3

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Mismatch:
    """Something that is not as it was written, or not as it follows from the rest.

    line: counted from 1; 0 where the file has no lines, or the line is not known.
    field: with dots (`scores.rouge.parts.rouge1`); empty for a line or file as a whole.
    """

    file: Path
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.field + ': ' if self.field else ''}{self.message}"

    def record(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "file": str(self.file),
            "line": self.line or None,
            "field": self.field,
            "message": self.message,
        }


@dataclass
class Findings:
    """Differences, at most `MOST_OF_FILE` of a file, with how many there are; notes; what was done.

    notes: what is no difference, but should be known: a version that is another one now, a check
        that could not be made. done: how much of each kind was looked at.
    """

    differences: list[Mismatch] = field(default_factory=list)
    counted: Counter[Path] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def differs(self, file: Path, line: int, place: str, message: str) -> None:
        """Take in a difference."""
        self.counted[file] += 1
        if self.counted[file] <= MOST_OF_FILE:
            self.differences.append(Mismatch(file, line, place, message))

    def differ(
        self,
        file: Path,
        line: int,
        place: str,
        unlike: Iterable[tuple[tuple[str | int, ...], Any, Any]],
        source: str,
    ) -> None:
        """Take in where a value differs from that of another source: the first few places."""
        found = list(unlike)
        for key, here, there in found[:MOST_OF_ONE]:
            where = ".".join(map(str, (place, *key)))
            message = f"{short_text(repr(here))} here, {short_text(repr(there))} {source}"
            self.differs(file, line, where, message)
        if len(found) > MOST_OF_ONE:
            self.differs(file, line, place, f"{len(found) - MOST_OF_ONE} more such differences")

    def note(self, text: str) -> None:
        """Take in what is no difference, once."""
        if text not in self.notes:
            self.notes.append(text)

    @property
    def n(self) -> int:
        """How many differences there are, those included that are not shown."""
        return self.counted.total()

    def lines(self) -> list[str]:
        """Return a line for each difference, and one for those of a file that are not shown."""
        more = [
            f"{file}: {n - MOST_OF_FILE} more differences"
            for file, n in self.counted.items()
            if n > MOST_OF_FILE
        ]
        return [*map(str, self.differences), *more]


def short_text(value: object) -> str:
    """Return a value as one short line."""
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}…"


def unlike(found: Any, wanted: Any, at: Key = ()) -> Iterator[tuple[Key, Any, Any]]:
    """Yield where two JSON values differ: the key, and both values (None for one that lacks).

    >>> list(unlike({"a": {"b": 1}, "c": 2}, {"a": {"b": 1.5}, "c": 2}))
    [(('a', 'b'), 1, 1.5)]
    """
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in dict.fromkeys([*found, *wanted]):
            yield from unlike(found.get(key), wanted.get(key), (*at, key))
    elif json.dumps(found) != json.dumps(wanted):
        yield at, found, wanted
