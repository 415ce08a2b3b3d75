"""The files of a run: one line an article as it comes, the aggregates at the end, and seals.

A seal names the bytes of files beside what they hold, so that a change can be seen later:
`run.json` has under `timing.sealed` the SHA-256 of every file of its folder, and of itself without
that one line; `sweep.json` has its own under `seal`, and a page on its last line. A digest is no
signature: whoever changes a file on purpose can make another. `evalharness verify` therefore
computes numbers again, too.

A folder whose newest run has not come to its end bears a mark: a file `unfinished-…`, there before
anything is computed, gone when the new `run.json` is there. What lies beside it is no result of
that run, whatever an earlier one left. The mark says which process is at work and how far it is,
for whoever looks on; nothing else depends on that.
"""

import hashlib
import io
import json
import os
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, Self
from uuid import uuid4

from evalharness.errors import DataError, StoreError
from evalharness.files.untrusted import Bounds, read_whole, section_of
from evalharness.records import Rejected
from evalharness.store.aggregates import SampleBlock, Tally
from evalharness.store.aggregates import line_of as line_of
from evalharness.store.ledger import AGAIN as AGAIN
from evalharness.store.ledger import HOST, RunFolder, is_alive
from evalharness.store.ledger import file_digest as file_digest
from evalharness.store.table import ARTICLES as ARTICLES
from evalharness.store.table import RECORDS as RECORDS
from evalharness.store.table import TABLE_FILE as TABLE_FILE
from evalharness.store.table import TableRows, is_sample, write_table

if TYPE_CHECKING:
    from evalharness.stats.intervals import Interval
    from evalharness.store.columns import ColumnFiles


SAMPLES = "samples.jsonl"
# Of a large run, `RECORDS` and `ARTICLES` have what `SAMPLES` has of a small one.
TEXT_FILES = (SAMPLES, RECORDS, ARTICLES)
# So many articles make a run large.
COLUMNS_FROM = 10_000
# The `format` of a `run.json`: its samples are in lines, or in columns.
IN_LINES, IN_COLUMNS = 1, 2
RUN_FILE = "run.json"
# The folder of the ledgers in a folder of results.
STORE = "store"
SWEEP_FILE = "sweep.json"
CONFIG = "config.yaml"
PAGE_FILE = "report.html"
REJECTED = "rejected.jsonl"
# What does not grow with the articles' text.
SMALL_FILES = (CONFIG, RUN_FILE, TABLE_FILE, REJECTED)
SEALED = "sealed"  # the key of `run.json` under which the digests stand
UNFINISHED = "unfinished-"  # what the names of marks begin with
_PAGE_SEAL = "<!-- sha256 "


# A process of another machine that has said nothing for so many seconds is held to be gone.
_SILENT_SECONDS = 600
# Of what marks say, a number and a point in time: marks of others may say anything.
_Count = Annotated[int, Bounds(ge=0, le=10**15)]
_Moment = Annotated[float, Bounds(ge=0, le=253_402_300_799)]  # to the year 9999


@dataclass(frozen=True)
class WorkSigns:
    """What a mark says of the process at work on a run, or of the one that was.

    host, pid: of the process. began, seen: when the mark was made, and when the process last said
    something, in seconds since 1970. work: what it is at, with so many articles done of a total,
    and tokens written; seconds: since it is at that; left: seconds that the rest will take. failed:
    articles without a summary. ledger: the file below `store/summaries` that summaries go to.
    ended: why it has ended without a result, where it could still say so.
    """

    host: str = HOST
    pid: _Count = field(default_factory=os.getpid)
    began: _Moment = field(default_factory=time.time)
    seen: _Moment = field(default_factory=time.time)
    work: str = ""
    total: _Count | None = None
    done: _Count = 0
    tokens: _Count = 0
    seconds: _Moment = 0.0
    left: _Moment | None = None
    failed: _Count = 0
    ledger: str = ""
    ended: str = ""

    @property
    def is_at_work(self) -> bool:
        """Whether the process is there, as far as can be seen from this machine."""
        if self.ended:
            return False
        return is_alive(self.pid) if self.host == HOST else self.silence < _SILENT_SECONDS

    @property
    def silence(self) -> float:
        """How many seconds ago the process last said something."""
        return max(0.0, time.time() - self.seen)

    def text(self) -> str:
        """Return what the mark holds: a line for people, and one for `evalharness view`."""
        began = datetime.fromtimestamp(self.began, UTC).isoformat(timespec="seconds")
        line = f"A run into this folder began at {began} and has not ended."
        return f"{line}\n{json.dumps(asdict(self))}\n"


def read_signs(mark: Path) -> WorkSigns | None:
    """Return what a mark says; None where it says nothing that can be read."""
    try:
        return section_of(WorkSigns, json.loads(read_whole(mark).splitlines()[1]))
    except (OSError, ValueError, IndexError, RecursionError):
        return None


def write_signs(mark: Path, signs: WorkSigns) -> None:
    """Say in a mark how far its run is. None is made where it is gone, and no error is raised."""
    with suppress(OSError, ValueError), mark.open("rb+", buffering=0) as file:
        file.write(signs.text().encode())
        file.truncate()


def marks_of(folder: Path) -> list[Path]:
    """Return the marks in a folder: none where its newest run has come to its end."""
    return sorted(path for path in folder.glob(f"{UNFINISHED}*") if path.is_file())


def mark_unfinished(folder: Path) -> list[Path]:
    """Mark a run's folder, making it if need be; return the marks that the end of the run removes.

    Where there is no room for a mark, the `run.json` of an earlier run is removed instead.
    """
    files = RunFolder(folder)
    earlier = marks_of(folder)
    mark = f"{UNFINISHED}{uuid4().hex[:12]}"
    try:
        files.write(mark, WorkSigns().text())
    except StoreError:
        files.remove(RUN_FILE)
        raise
    return [*earlier, folder / mark]


class LineFile:
    """The `samples.jsonl` of a run while it is written."""

    names = (SAMPLES,)

    def __init__(self, folder: RunFolder) -> None:
        """Begin the file."""
        self._file = folder.writing(SAMPLES).open("wb")
        self._sha256 = hashlib.sha256()

    def extend(self, lines: Sequence[bytes]) -> None:
        """Write the next samples."""
        text = b"".join(lines)
        self._file.write(text)
        self._sha256.update(text)

    def end(self) -> dict[str, str]:
        """Write what is left; return the digest of the file, which is whole beside its name."""
        self._file.close()
        return {SAMPLES: self._sha256.hexdigest()}

    def close(self) -> None:
        """Let go of the file, whole or not."""
        with suppress(OSError):  # what ended the run has been raised already
            self._file.close()


class Writer(Tally):
    """Writes a run's folder: samples while they come, the rest when all are there."""

    def __init__(
        self,
        path: Path,
        metrics: Mapping[str, Any],
        interval: "Interval",
        seed: int,
        marks: Sequence[Path] = (),
        columns_from: int | None = COLUMNS_FROM,
        same: "Writer | None" = None,
    ) -> None:
        """Open the folder of a run with the components that score, by label.

        marks: of the run, and of earlier ones that did not end; removed when it has.
        columns_from: with so many articles, texts are written in columns; None: in lines always.
        same: of a run with the same articles, which is written and finished before this one.
        """
        super().__init__(metrics, interval, seed)
        self.folder = RunFolder(path)
        self._marks, self._columns_from, self._same = marks, columns_from, same
        self.first_rejected: Rejected | None = None
        self._rows = TableRows(self._spool)
        self._texts: LineFile | ColumnFiles = LineFile(self.folder)
        self._rejections = self.folder.writing(REJECTED).open("w", encoding="utf-8", newline="\n")

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._texts.close()
        with suppress(OSError):  # what ended the run has been raised already
            self._rejections.close()
        self._spool.close()
        for name in (*TEXT_FILES, REJECTED, TABLE_FILE):
            self.folder.writing(name).unlink(missing_ok=True)

    def reject(self, row: Rejected) -> None:
        """List a row that is no article."""
        self.rejected += 1
        self.first_rejected = self.first_rejected or row
        self._rejections.write(line_of({"where": row.where, "reason": row.reason}))

    def extend(self, block: SampleBlock) -> None:
        """Write a block of samples."""
        super().extend(block)
        is_large = self._columns_from is not None and self.articles >= self._columns_from
        if is_large and isinstance(self._texts, LineFile):
            self._texts = self._in_columns(self._texts)
        self._texts.extend(block.lines)
        self._rows.extend(block.rows)

    def _in_columns(self, texts: LineFile) -> "ColumnFiles":
        """Return the files in columns of a run that turns out to be large, with all till now."""
        from evalharness.store.columns import ColumnFiles

        texts.end()
        has_same = self._same is not None and ARTICLES in self._same._texts.names
        same = self._same.folder.path if self._same is not None and has_same else None
        columns = ColumnFiles(self.folder, list(self.columns), same)
        lines = self.folder.writing(SAMPLES)
        with lines.open("rb") as file:
            for line in file:
                columns.extend([line])
        lines.unlink()
        return columns

    def finish(
        self, head: Mapping[str, Any], tail: Mapping[str, Any], config: str
    ) -> dict[str, Any]:
        """Write all files of the run, `run.json` last, and return what it holds.

        head, tail: what the runner knows, put before and after counts and aggregates.
        """
        digests = self._texts.end()
        self._rejections.close()
        write_table(self._rows, self.folder.writing(TABLE_FILE), self.columns)
        head = {"format": IN_LINES if SAMPLES in digests else IN_COLUMNS, **head}
        digests |= self._digests(config)
        record = seal({**head, **self.record(head["data"]), **tail}, digests)
        self._publish(record, config)
        return record

    def _digests(self, config: str) -> dict[str, str]:
        """Return what names the bytes of each file beside `run.json` and the texts."""
        names = [TABLE_FILE, *((REJECTED,) if self.rejected else ())]
        others = {name: file_digest(self.folder.writing(name)) for name in names}
        return {**others, CONFIG: file_digest(config)}

    def _publish(self, record: Mapping[str, Any], config: str) -> None:
        """Move all files to their names; while `run.json` is not there, the run is not whole."""
        self.folder.remove(RUN_FILE)
        if self.rejected:
            self.folder.publish(REJECTED)
        else:
            self.folder.remove(REJECTED)
        self.folder.publish(TABLE_FILE)
        for name in TEXT_FILES:
            if name in self._texts.names:
                self.folder.publish(name)
            else:
                self.folder.remove(name)
        self.folder.write(CONFIG, config)
        self.folder.write(RUN_FILE, text_of(record))
        for mark in self._marks:
            self.folder.remove(mark.name)


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what the lines of a file hold: of a `samples.jsonl`, of what was rejected."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def in_columns(folder: Path) -> bool:
    """Tell whether the texts of a run are in columns: one of their files is there, or both."""
    some = any((folder / name).is_file() for name in (RECORDS, ARTICLES))
    return some and not (folder / SAMPLES).is_file()


class SampleReader(Protocol):
    """The samples of a run by their number, in whatever form they are: see `open_samples`."""

    @property
    def n(self) -> int:
        """How many there are."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def __getitem__(self, row: int) -> dict[str, Any]:
        """Return one sample. Raises: DataError where what stands there is none."""
        ...

    def __iter__(self) -> Iterator[dict[str, Any]]: ...

    def where(self, row: int) -> str:
        """Return file and line of a sample."""
        ...


def open_samples(folder: Path, n: int | None = None) -> SampleReader:
    """Return the samples of a run by number. Raises: DataError where they are not n."""
    if in_columns(folder):
        from evalharness.store.columns import ColumnReader

        return ColumnReader(folder, n)
    return LineReader(folder, n)


def samples_in(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the samples of a run in order: article, summary, scores."""
    if in_columns(folder):
        with open_samples(folder) as samples:
            yield from samples
    else:
        yield from read_rows(folder / SAMPLES)


def lines_in(folder: Path) -> Iterator[bytes]:
    """Yield the lines of a `samples.jsonl` as they are, or as they would be of texts in columns."""
    if in_columns(folder):
        yield from (line_of(sample).encode() for sample in samples_in(folder))
    else:
        yield from read_lines(folder / SAMPLES)


_ID = '{"id": '


def samples_of(folder: Path, ids: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the samples of some articles, decoding no other whole."""
    if in_columns(folder):
        from evalharness.store.columns import ColumnReader

        with ColumnReader(folder) as samples:
            yield from (samples[row] for row in samples.rows_of(ids))
        return
    decoder = json.JSONDecoder()
    with (folder / SAMPLES).open(encoding="utf-8") as file:
        for line in file:
            if line.startswith(_ID) and decoder.raw_decode(line, len(_ID))[0] in ids:
                yield json.loads(line)


_DECODER = json.JSONDecoder(parse_constant=lambda _: None)
# Bytes that are read at a time where all lines are only counted.
_COUNTED_AT_ONCE = 2**18


class LineReader:
    """The lines of a `samples.jsonl` by their number, read one at a time from where they stand."""

    def __init__(self, folder: Path, n: int | None = None) -> None:
        """Find where each of n lines begins. Raises: DataError where there are not so many."""
        self.path = folder / SAMPLES
        try:
            self._file = self.path.open("rb", buffering=0)
            buffered = io.BufferedReader(self._file, _COUNTED_AT_ONCE)
            starts = array("Q", [0, *accumulate(map(len, buffered))])
            buffered.detach()  # one line is read as it is, with nothing of what follows it
        except OSError as error:
            raise DataError(
                f"{self.path}: cannot be read: {error.strerror or error}; {AGAIN}"
            ) from None
        self.n = len(starts) - 1
        if n not in (None, self.n):
            self._file.close()
            lines = f"{self.n} lines, and run.json has {n} articles"
            raise DataError(f"{self.path}: {lines}; {AGAIN}")
        self._starts = starts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getitem__(self, row: int) -> dict[str, Any]:
        """Return one sample. Raises: DataError where the line is none."""
        start, end = self._starts[row : row + 2]
        self._file.seek(start)
        try:
            sample = _decode_line(self._file.read(end - start))
        except (ValueError, RecursionError):
            sample = None
        if not is_sample(sample):
            raise DataError(f"{self.where(row)}: not a sample as evalharness writes it; {AGAIN}")
        found: dict[str, Any] = sample
        return found

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[row] for row in range(self.n))

    def where(self, row: int) -> str:
        """Return file and line of a sample."""
        return f"{self.path}:{row + 1}"


def _decode_line(line: bytes) -> Any:
    """Return what a line of JSON holds, None for NaN in it. Raises: ValueError, RecursionError."""
    from pydantic_core import from_json

    try:
        return from_json(line, allow_inf_nan=False)  # in half the time
    except ValueError:  # NaN, half of a surrogate pair, or no JSON at all
        return _DECODER.decode(line.decode("utf-8", "surrogatepass"))


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file as they are."""
    with path.open("rb") as file:
        yield from file


def text_of(record: Mapping[str, Any]) -> str:
    """Return the one text of a `run.json`."""
    return json.dumps(record, indent=1, allow_nan=False) + "\n"


def seal(record: Mapping[str, Any], digests: Mapping[str, str]) -> dict[str, Any]:
    """Return what a `run.json` holds, with the digests of the other files and its own."""
    timing = {**record.get("timing", {}), SEALED: dict(digests)}
    whole = {**record, "timing": timing}
    timing[SEALED] = {**digests, RUN_FILE: file_digest(text_of(whole))}
    return whole


def digests_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests that a `run.json` tells, by file; none where it is of an older version."""
    timing = record.get("timing")
    told = timing.get(SEALED) if isinstance(timing, dict) else None
    return {str(k): str(v) for k, v in told.items()} if isinstance(told, dict) else {}


def seal_again(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a `run.json` holds with its own digest made again."""
    others = {name: found for name, found in digests_of(record).items() if name != RUN_FILE}
    return seal(record, others)


def sealed_alone(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file holds that stands for itself (`sweep.json`), with its own digest."""
    bare = {key: value for key, value in record.items() if key != SEALED}
    return {**bare, SEALED: file_digest(text_alone(bare))}


def text_alone(record: Mapping[str, Any]) -> str:
    """Return the one text of such a file."""
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def sealed_page(page: str) -> str:
    """Return a page with a last line that tells the digest of all above it."""
    return f"{page}{_PAGE_SEAL}{file_digest(page)} -->\n"


def page_is_whole(path: Path) -> bool:
    """Tell whether a page has the digest that its last line tells."""
    content = path.read_bytes()
    above, _, _ = content.rpartition(_PAGE_SEAL.encode())
    return content == above + f"{_PAGE_SEAL}{hashlib.sha256(above).hexdigest()} -->\n".encode()
