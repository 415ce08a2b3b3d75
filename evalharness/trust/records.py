"""The small files of a run and of a sweep: as they were written, byte for byte."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalharness.errors import DataError
from evalharness.store import samples, seal
from evalharness.trust.findings import Findings, short_text

Key = tuple[str | int, ...]

_UNSEALED = "written before files had digests: bytes cannot be checked"
_OF_A_RUN = (samples.SAMPLES, samples.TABLE_FILE, samples.REJECTED, samples.CONFIG)
_OF_A_SWEEP = ("format", "experiment", "cells")


def read_json(path: Path, findings: Findings) -> dict[str, Any] | None:
    """Return what a small file holds; None, with a difference, where that cannot be read.

    Raises: DataError where the file cannot be opened.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    try:
        record = json.loads(content)
    except json.JSONDecodeError as error:
        findings.differs(path, error.lineno, "", f"not JSON: {error.msg}")
        return None
    except (ValueError, RecursionError) as error:
        findings.differs(
            path, line_at(content, error), "", f"not UTF-8 or JSON: {short_text(error)}"
        )
        return None
    if not isinstance(record, dict):
        findings.differs(path, 1, "", "not written by evalharness")
        return None
    return record


def line_at(content: bytes, error: Exception) -> int:
    """Return the line of the byte that is no UTF-8; 0 for another error."""
    start = getattr(error, "start", None)
    return content.count(b"\n", 0, start) + 1 if isinstance(start, int) else 0


def check_text(path: Path, written: str, findings: Findings) -> bool:
    """Tell whether a file has the one text of what it holds; name the first line that has not."""
    content = path.read_bytes().split(b"\n")
    wanted = written.encode("utf-8", "surrogatepass").split(b"\n")
    if content == wanted:
        return True
    pairs = enumerate(zip(content, wanted, strict=False), 1)
    line = next((n for n, (a, b) in pairs if a != b), min(len(content), len(wanted)))
    findings.differs(path, line, "", "not as evalharness writes it")
    return False


def check_run_record(path: Path, record: Mapping[str, Any], findings: Findings) -> None:
    """Compare `run.json` with its own digest, and the files beside it with theirs."""
    try:
        text = seal.text_of(record)
    except ValueError:
        findings.differs(path, 0, "", "holds NaN or Infinity, which evalharness never writes")
        return
    check_text(path, text, findings)
    digests = seal.digests_of(record)
    if not digests:
        findings.note(f"{path}: {_UNSEALED}")
        return
    findings.done["digests of files"] += len(digests)
    if seal.digests_of(seal.seal_again(record)) != digests:
        findings.differs(path, 0, "timing.sealed", "its own digest is another: it was changed")
    folder = path.parent
    for name, digest in digests.items():
        if name == samples.RUN_FILE:
            continue
        file = folder / name
        if name not in _OF_A_RUN:
            findings.differs(path, 0, f"timing.sealed.{short_text(name)}", "no file of a run")
        elif not file.is_file():
            findings.differs(file, 0, "", "is not there")
        elif seal.file_digest(file) != digest:
            findings.differs(file, 0, "", "not the bytes that were written")
    for file in sorted(folder.iterdir()):
        if file.name not in (*digests, samples.PAGE_FILE) and not file.name.endswith(".part"):
            findings.note(f"{file}: no file that the run wrote; not checked")


def check_sweep(path: Path, findings: Findings) -> None:
    """Compare a `sweep.json` with its digest, and with the runs that it tells of."""
    record = read_json(path, findings)
    if record is None:
        return
    check_text(path, seal.text_alone(record), findings)
    odd = [key for key in record if key not in (*_OF_A_SWEEP, seal.SEALED)]
    if odd:
        findings.differs(path, 0, short_text(odd[0]), "not a name that evalharness writes")
    elif seal.SEALED not in record and _sealed_runs(path.parent):
        findings.differs(path, 0, seal.SEALED, "is not there; the runs beside it have theirs")
    elif seal.SEALED not in record:
        findings.note(f"{path}: {_UNSEALED}")
    elif seal.sealed_alone(record) != record:
        findings.differs(path, 0, seal.SEALED, "its digest is another: it was changed")
    cells = record.get("cells")
    for n, cell in enumerate(cells if isinstance(cells, list) else ()):
        folder = path.parent / str(cell.get("folder")) if isinstance(cell, dict) else path
        if not (folder / samples.RUN_FILE).is_file():
            findings.differs(path, 0, f"cells.{n}", f"{folder}: no finished run is there")


def check_page(path: Path, findings: Findings) -> None:
    """Compare a page with the digest on its last line."""
    findings.done["pages"] += 1
    if not seal.page_is_whole(path):
        findings.differs(path, 0, "", "not the bytes that were written; `report` makes it again")


def _sealed_runs(folder: Path) -> bool:
    runs = (read_json(path, Findings()) for path in folder.glob(f"*/{samples.RUN_FILE}"))
    return any(seal.digests_of(run) for run in runs if run)


def line_numbers(value: Any) -> dict[Key, int]:
    """Return the line on which each value stands in the text of a `run.json`.

    >>> line_numbers({"a": {"b": 1, "c": []}, "d": 2})
    {(): 1, ('a',): 2, ('a', 'b'): 3, ('a', 'c'): 4, ('d',): 6}
    """
    found: dict[Key, int] = {}
    _number(value, (), 1, found)
    return found


def _number(value: Any, at: Key, line: int, found: dict[Key, int]) -> int:
    found[at] = line
    inner = items(value)
    for key, each in inner:
        line = _number(each, (*at, key), line + 1, found)
    return line + 1 if inner else line


def items(value: Any) -> list[tuple[str | int, Any]]:
    """Return what a mapping or list holds, by key or number."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


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
