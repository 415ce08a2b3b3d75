"""From what a config names, a file or a pattern, to files that can be opened."""

import glob
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from evalharness.errors import DataError
from evalharness.protocols import Url

MEND_EMPTY = "write it again, or leave it out of the config"


Place = TypeVar("Place", Path, Url | Path)


def paths(option: Place | tuple[Place, ...]) -> tuple[Place, ...]:
    """Return the paths of an option that takes one or several."""
    return option if isinstance(option, tuple) else (option,)


def matching_paths(path: Path) -> list[Path]:
    """Return the files and folders that a path or pattern names, sorted.

    Raises: DataError where there is none.
    """
    if os.path.lexists(path):
        return [path]
    if not glob.has_magic(str(path)):
        raise DataError(f"{path}: no such file; paths in a config are relative to the config")
    # Path.glob takes no absolute pattern, and lets `*` match hidden files.
    found = glob.glob(str(path), recursive=True)  # noqa: PTH207
    if not found:
        raise DataError(f"{path}: no file matches this pattern")
    return sorted(Path(name) for name in found)


def first_bytes(path: Path, n: int = 8) -> bytes:
    """Return how a file begins.

    Raises: DataError for what is no file, cannot be opened, or is empty.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError(f"{path}: not a file")
        with path.open("rb") as file:
            start = file.read(n)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not start:
        raise DataError(f"{path}: the file is empty; {MEND_EMPTY}")
    return start


def short_file_names(files: Sequence[Url | Path]) -> list[str]:
    """Return names that tell the files apart: their own, or the path below their common folder.

    Files of several machines that have one name are called by their whole place.

    >>> short_file_names([Path("news/a.jsonl"), Path("news/b.jsonl")])
    ['a.jsonl', 'b.jsonl']
    >>> short_file_names([Path("news/dev/a.jsonl"), Path("news/test/a.jsonl")])
    ['dev/a.jsonl', 'test/a.jsonl']
    """
    if len({file.name for file in files}) == len(files):
        return [file.name for file in files]
    here = [file.absolute() for file in files if isinstance(file, Path)]
    if len(here) < len(files):
        return [str(file).partition("://")[2] or Path(file).as_posix() for file in files]
    folder = os.path.commonpath([file.parent for file in here])
    return [file.relative_to(folder).as_posix() for file in here]
