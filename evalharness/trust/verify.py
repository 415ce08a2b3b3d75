"""Whether what a run left is as it was written, and as it follows from its samples.

Four questions, each of which sees what the others cannot: do the bytes have their digests; do
aggregates, table and samples follow from one another; does the store say the same; and do the
components, asked again, give the same scores. Only the last sees what was forged throughout.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalharness.errors import DataError
from evalharness.store import samples as store_samples
from evalharness.store.runs import Run, checked_run
from evalharness.store.seal import SEALED, digests_of
from evalharness.trust.components import Components, note_environment, run_components
from evalharness.trust.findings import Findings, short_text
from evalharness.trust.ledgers import Shelf
from evalharness.trust.records import (
    check_page,
    check_run_record,
    check_sweep,
    line_numbers,
    read_json,
    unlike,
)
from evalharness.trust.samples import MALFORMED, VerifiedSamples

SAMPLE = 20
STORE = "store"


@dataclass(frozen=True)
class Verified:
    """What was looked at, and what differs."""

    runs: tuple[Path, ...]
    findings: Findings

    @property
    def good(self) -> bool:
        """Whether nothing differs."""
        return not self.findings.n

    def record(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "runs": [str(run) for run in self.runs],
            "good": self.good,
            "n_differences": self.findings.n,
            "differences": [each.record() for each in self.findings.differences],
            "notes": self.findings.notes,
            "checked": dict(self.findings.done),
        }


def verify(
    *paths: str | Path,
    store: str | Path | None = None,
    sample: int | None = SAMPLE,
    seed: int = 0,
) -> Verified:
    """Check the runs in some folders: of a run, of an experiment, or of all results.

    store: the folder of the ledgers; default is `store` beside the experiment, if it is there.
    sample: how many articles of each run are scored again, drawn by `seed`; None for all.
    Raises: DataError where a folder holds no finished run.
    """
    findings = Findings()
    shelves: dict[Path, Shelf] = {}
    runs: list[Path] = []
    for path in map(Path, paths):
        found = _runs(path)
        for sweep in _beside(path, store_samples.SWEEP_FILE):
            check_sweep(sweep, findings)
        for page in _beside(path, store_samples.PAGE_FILE):
            check_page(page, findings)
        for folder in found:
            shelf = _shelf(folder, store, shelves, findings)
            _check_run(folder, shelf, sample, seed, findings)
        if (path / STORE).is_dir() and path / STORE in shelves:
            shelves[path / STORE].check_all()
        runs += found
    return Verified(tuple(runs), findings)


def _runs(path: Path) -> list[Path]:
    """Return the folders of finished runs in a folder, or one or two below it."""
    if not path.is_dir():
        raise DataError(f"{path}: there is no such folder")
    for depth in ("", "*/", "*/*/"):
        if found := sorted(path.glob(f"{depth}{store_samples.RUN_FILE}")):
            return [file.parent for file in found]
    raise DataError(f"{path}: no finished run: there is no {store_samples.RUN_FILE}")


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
    path = folder / store_samples.RUN_FILE
    record = read_json(path, findings)
    if record is None:
        return
    findings.done["runs"] += 1
    check_run_record(path, record, findings)
    try:
        run = checked_run(folder, record)
        made = run_components(run, findings)
        samples = VerifiedSamples(run, made, shelf, findings)
        changed = note_environment(run, path, findings)
    except DataError as error:
        findings.differs(path, 0, "", str(error).removeprefix(f"{path}: ").partition("; ")[0])
        return
    except MALFORMED as error:
        findings.differs(path, 0, "", f"not as evalharness writes it: {short_text(error)}")
        return
    if not samples.path.is_file():
        return  # named already, or of no use
    samples.check(sample, seed)
    if samples.table.tells_lines and not digests_of(record):
        message = "is not there; the version that wrote the table writes it"
        findings.differs(path, 0, f"timing.{SEALED}", message)
    _check_rejected(folder, samples, findings)
    if not samples.tally.articles:
        findings.differs(samples.path, 0, "", "has no sample")
    elif samples.whole:
        _check_aggregates(path, run, samples, made, changed, findings)


def _check_rejected(folder: Path, samples: VerifiedSamples, findings: Findings) -> None:
    path = folder / store_samples.REJECTED
    lines = store_samples.read_lines(path) if path.is_file() else iter(())
    for number, line in enumerate(lines, 1):
        samples.tally.rejected += 1
        if not _is_rejection(line):
            findings.differs(path, number, "", "not as evalharness writes it")


def _is_rejection(line: bytes) -> bool:
    try:
        row = json.loads(line)
        return list(row) == ["where", "reason"] and store_samples.line_of(row).encode() == line
    except MALFORMED:
        return False


def _check_aggregates(
    path: Path,
    run: Run,
    samples: VerifiedSamples,
    made: Components,
    changed: Sequence[str],
    findings: Findings,
) -> None:
    """Derive from the samples what `run.json` says of them, and compare to the last bit."""
    lines = line_numbers(run.record)
    data = {key: value for key, value in run.data.items() if key != "fingerprint"}
    try:
        wanted = samples.tally.record(data)
    except MALFORMED as error:  # a seed that is none
        findings.differs(path, 0, "", f"nothing can be derived with it: {short_text(error)}")
        return
    other_numpy = any(each.startswith("numpy ") for each in changed)
    for part, derived in wanted.items():
        findings.done["figures derived again"] += sum(1 for _ in _leaves(derived))
        for key, found, now in unlike(run.record.get(part), derived, (part,)):
            place = ".".join(map(str, key))
            if key[-1] == "corpus" and key[1] not in made.metrics:
                findings.note(f"{path}: {place}: not derived again")
            elif key[-1] in ("low", "high") and other_numpy:
                findings.note(f"{path}: {place}: {found} with numpy then, {now} with numpy now")
            else:
                near = next((lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in lines), 0)
                findings.differs(path, near, place, f"{found} here, {now} from the samples")


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    else:
        yield value
