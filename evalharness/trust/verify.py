"""Whether what a run left is as it was written, and as it follows from its samples.

Four questions, each of which sees what the others cannot: do the bytes have their digests; do
aggregates, table and samples follow from one another; does the store say the same; and do the
components, asked again, give the same scores. Only the last sees what was forged throughout.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalharness.errors import DataError
from evalharness.files import nearest_path
from evalharness.store import samples
from evalharness.store.runs import Run, UnfinishedRun, checked_run, folder_of, run_folders
from evalharness.store.samples import marks_of
from evalharness.store.store import STORE
from evalharness.trust.components import Components, note_environment, run_components
from evalharness.trust.files import MALFORMED, Shelf, VerifiedSamples
from evalharness.trust.findings import Findings, Key, short_text, unlike

SAMPLE = 20
_UNSEALED = "written before files had digests: bytes cannot be checked"
_OF_A_RUN = (*samples.TEXT_FILES, samples.TABLE_FILE, samples.REJECTED, samples.CONFIG)
_OF_A_SWEEP = ("format", "experiment", "cells")


@dataclass(frozen=True)
class Verified:
    """What was looked at, and what differs. unfinished: folders whose newest run did not end."""

    runs: tuple[Path, ...]
    findings: Findings
    unfinished: tuple[Path, ...] = ()

    @property
    def good(self) -> bool:
        """Whether nothing differs."""
        return not self.findings.n

    def record(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "runs": [str(run) for run in self.runs],
            "unfinished": [str(run) for run in self.unfinished],
            "good": self.good,
            "n_differences": self.findings.n,
            "differences": [each.record() for each in self.findings.differences],
            "notes": self.findings.notes,
            "checked": dict(self.findings.done),
        }


def verify(
    *paths: str | Path, store: str | Path | None = None, sample: int | None = SAMPLE, seed: int = 0
) -> Verified:
    """Check the runs in some folders: of a run, of an experiment, or of all results.

    store: the folder of the ledgers; default is `store` beside the experiment, if it is there.
    sample: how many articles of each run are scored again, drawn by `seed`; None for all.
    Raises: DataError where a folder holds no run, UnfinishedRun where it holds no finished one.
    """
    findings = Findings()
    shelves: dict[Path, Shelf] = {}
    runs: list[Path] = []
    unfinished: list[Path] = []
    for path in (folder_of(path, ledgers=True) for path in paths):
        inner = _runs(path)
        found = [folder for folder in inner if not marks_of(folder)]
        unfinished += [folder for folder in inner if folder not in found]
        for sweep in _beside(path, samples.SWEEP_FILE):
            _check_sweep(sweep, findings)
        for page in _beside(path, samples.PAGE_FILE):
            _check_page(page, findings)
        for folder in found:
            shelf = _shelf(folder, store, shelves, findings)
            _check_run(folder, shelf, sample, seed, findings)
        if (path / STORE).is_dir() and path / STORE in shelves:
            shelves[path / STORE].check_all()
        runs += found
    if not runs:
        raise UnfinishedRun(*unfinished)
    return Verified(tuple(runs), findings, tuple(unfinished))


def _runs(path: Path) -> list[Path]:
    """Return the folders of runs in a folder, or one or two below it."""
    if not path.is_dir():
        raise DataError(f"{path}: there is no such folder{nearest_path(path)}")
    for depth in ("", "*/", "*/*/"):
        if found := run_folders(path, depth):
            return found
    raise DataError(f"{path}: no finished run: there is no {samples.RUN_FILE}")


def _beside(path: Path, name: str) -> list[Path]:
    """Return the files of a name in a folder, or one or two below it."""
    return [file for depth in ("", "*/", "*/*/") for file in sorted(path.glob(f"{depth}{name}"))]


def _shelf(
    folder: Path, store: str | Path | None, shelves: dict[Path, Shelf], findings: Findings
) -> Shelf | None:
    """Return the store of a run, read once; None where there is none."""
    path = Path(store) if store is not None else folder.parent.parent / STORE
    if store is None and not path.is_dir():
        path = folder.absolute().parent.parent / STORE  # `verify .` in a run's folder
    if not path.is_dir():
        if store is not None:
            raise DataError(f"{path}: there is no such folder")
        findings.note(f"{folder}: there is no store beside it: not held against the ledgers")
        return None
    if path not in shelves:
        shelves[path] = Shelf(path, findings)
    return shelves[path]


def _check_run(
    folder: Path, shelf: Shelf | None, sample: int | None, seed: int, findings: Findings
) -> None:
    path = folder / samples.RUN_FILE
    record = _read_json(path, findings)
    if record is None:
        return
    findings.done["runs"] += 1
    _check_run_record(path, record, findings)
    try:
        run = checked_run(folder, record)
        made = run_components(run, findings)
        verified = VerifiedSamples(run, made, shelf, findings)
        changed = note_environment(run, path, findings)
    except DataError as error:
        findings.differs(path, 0, "", str(error).removeprefix(f"{path}: ").partition("; ")[0])
        return
    except MALFORMED as error:
        findings.differs(path, 0, "", f"not as evalharness writes it: {short_text(error)}")
        return
    if not verified.path.is_file():
        return  # named already, or of no use
    verified.check(sample, seed)
    if verified.table.tells_lines and not samples.digests_of(record):
        message = "is not there; the version that wrote the table writes it"
        findings.differs(path, 0, f"timing.{samples.SEALED}", message)
    _check_rejected(folder, verified, findings)
    if not verified.tally.articles:
        findings.differs(verified.path, 0, "", "has no sample")
    elif verified.whole:
        _check_aggregates(path, run, verified, made, changed, findings)


def _check_rejected(folder: Path, verified: VerifiedSamples, findings: Findings) -> None:
    path = folder / samples.REJECTED
    lines = samples.read_lines(path) if path.is_file() else iter(())
    for number, line in enumerate(lines, 1):
        verified.tally.rejected += 1
        if not _is_rejection(line):
            findings.differs(path, number, "", "not as evalharness writes it")


def _is_rejection(line: bytes) -> bool:
    try:
        row = json.loads(line)
        return list(row) == ["where", "reason"] and samples.line_of(row).encode() == line
    except MALFORMED:
        return False


def _check_aggregates(
    path: Path,
    run: Run,
    verified: VerifiedSamples,
    made: Components,
    changed: Sequence[str],
    findings: Findings,
) -> None:
    """Derive from the samples what `run.json` says of them, and compare to the last bit."""
    lines = line_numbers(run.record)
    data = {key: value for key, value in run.data.items() if key != "fingerprint"}
    try:
        wanted = verified.tally.record(data)
    except MALFORMED as error:  # a seed that is none
        findings.differs(path, 0, "", f"nothing can be derived with it: {short_text(error)}")
        return
    other_numpy = any(each.startswith("numpy ") for each in changed)
    for part, derived in wanted.items():
        findings.done["figures derived again"] += sum(1 for _ in _leaves(derived))
        for key, found, now in unlike(run.record.get(part), derived, (part,)):
            place = ".".join(map(str, key))
            silent = key[-1] == "corpus" or _says_of_none(key, found)
            if silent and key[1] not in made.metrics:
                findings.note(f"{path}: {place}: not derived again")
            elif key[-1] == "likely_errors" and found is None:
                continue  # older versions did not count them
            elif key[-1] in ("low", "high") and other_numpy:
                findings.note(f"{path}: {place}: {found} with numpy then, {now} with numpy now")
            else:
                near = next((lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in lines), 0)
                findings.differs(path, near, place, f"{found} here, {now} from the samples")


def _says_of_none(key: Key, figure: Any) -> bool:
    """Tell whether a figure says that no summary has a likely error, as only some checks do."""
    return key[-1] == "likely_errors" and isinstance(figure, dict) and figure.get("summaries") == 0


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    else:
        yield value


def _read_json(path: Path, findings: Findings) -> dict[str, Any] | None:
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
            path, _line_at(content, error), "", f"not UTF-8 or JSON: {short_text(error)}"
        )
        return None
    if not isinstance(record, dict):
        findings.differs(path, 1, "", "not written by evalharness")
        return None
    return record


def _line_at(content: bytes, error: Exception) -> int:
    """Return the line of the byte that is no UTF-8; 0 for another error."""
    start = getattr(error, "start", None)
    return content.count(b"\n", 0, start) + 1 if isinstance(start, int) else 0


def _check_text(path: Path, written: str, findings: Findings) -> bool:
    """Tell whether a file has the one text of what it holds; name the first line that has not."""
    content = path.read_bytes().split(b"\n")
    wanted = written.encode("utf-8", "surrogatepass").split(b"\n")
    if content == wanted:
        return True
    pairs = enumerate(zip(content, wanted, strict=False), 1)
    line = next((n for n, (a, b) in pairs if a != b), min(len(content), len(wanted)))
    findings.differs(path, line, "", "not as evalharness writes it")
    return False


def _check_run_record(path: Path, record: Mapping[str, Any], findings: Findings) -> None:
    """Compare `run.json` with its own digest, and the files beside it with theirs."""
    try:
        text = samples.text_of(record)
    except ValueError:
        findings.differs(path, 0, "", "holds NaN or Infinity, which evalharness never writes")
        return
    _check_text(path, text, findings)
    digests = samples.digests_of(record)
    if not digests:
        findings.note(f"{path}: {_UNSEALED}")
        return
    findings.done["digests of files"] += len(digests)
    if samples.digests_of(samples.seal_again(record)) != digests:
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
        elif samples.file_digest(file) != digest:
            findings.differs(file, 0, "", "not the bytes that were written")
    for file in sorted(folder.iterdir()):
        if file.name not in (*digests, samples.PAGE_FILE) and not file.name.endswith(".part"):
            findings.note(f"{file}: no file that the run wrote; not checked")


def _check_sweep(path: Path, findings: Findings) -> None:
    """Compare a `sweep.json` with its digest, and with the runs that it tells of."""
    record = _read_json(path, findings)
    if record is None:
        return
    _check_text(path, samples.text_alone(record), findings)
    odd = [key for key in record if key not in (*_OF_A_SWEEP, samples.SEALED)]
    if odd:
        findings.differs(path, 0, short_text(odd[0]), "not a name that evalharness writes")
    elif samples.SEALED not in record and _sealed_runs(path.parent):
        findings.differs(path, 0, samples.SEALED, "is not there; the runs beside it have theirs")
    elif samples.SEALED not in record:
        findings.note(f"{path}: {_UNSEALED}")
    elif samples.sealed_alone(record) != record:
        findings.differs(path, 0, samples.SEALED, "its digest is another: it was changed")
    cells = record.get("cells")
    for n, cell in enumerate(cells if isinstance(cells, list) else ()):
        folder = path.parent / str(cell.get("folder")) if isinstance(cell, dict) else path
        if not (folder / samples.RUN_FILE).is_file() and not marks_of(folder):
            findings.differs(path, 0, f"cells.{n}", f"{folder}: no finished run is there")


def _check_page(path: Path, findings: Findings) -> None:
    """Compare a page with the digest on its last line."""
    findings.done["pages"] += 1
    if not samples.page_is_whole(path):
        findings.differs(path, 0, "", "not the bytes that were written; `report` makes it again")


def _sealed_runs(folder: Path) -> bool:
    runs = (_read_json(path, Findings()) for path in folder.glob(f"*/{samples.RUN_FILE}"))
    return any(samples.digests_of(run) for run in runs if run)


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
    inner = _items(value)
    for key, each in inner:
        line = _number(each, (*at, key), line + 1, found)
    return line + 1 if inner else line


def _items(value: Any) -> list[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []
