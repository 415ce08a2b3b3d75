"""The samples of a large run in columns: `articles.parquet` and `records.parquet`.

Together with the numbers in `samples.parquet` they hold what the lines of a `samples.jsonl` hold,
each text once: a reader makes the same lines of them, to the byte.

`articles.parquet` is the same file in all runs of an experiment that read the same articles: a link
to one content (`link`), so that a disk holds it once, and whoever copies one run's folder copies it
with it. Where the file system has no such links, each run has its own copy.

`records.parquet` has, of each summary, what was written and what each scorer says, its numbers
aside: where the table has a number, an empty list stands for it, which no score is.
"""

import json
import os
import shutil
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from evalharness.errors import DataError
from evalharness.store.aggregates import LIKELY_ERRORS, encodable
from evalharness.store.ledger import AGAIN, RunFolder, file_digest
from evalharness.store.table import ARTICLES, RECORDS, TABLE_FILE, arrow_array, is_sample

if TYPE_CHECKING:
    import pyarrow as pa

# Of zstd: a third smaller than at its default of 1, and still 50 MB a second.
COMPRESSION = 9
# Rows that are compressed, and read, together: one sample is read in milliseconds.
GROUP_ROWS = 1000
# Characters after which they are written, however few rows they are.
_MOST_TEXT = 2**25
# Stands for a number that the table has.
_IN_TABLE: list[Any] = []
# Endings of columns of the table that are no parts of a score.
_OTHER_COLUMNS = frozenset(["band", "flags", "counts", LIKELY_ERRORS.removeprefix(".")])
_ARTICLE = ("id", "article", "references", "source", "extra")
_SCORES = "scores."
# What stands in a line, as a code in ASCII, for each half of a character that UTF-8 has not alone.
_SURROGATE = b"\\ud"


class ColumnFiles:
    """The two files of a run while they are written."""

    names = (RECORDS, ARTICLES)

    def __init__(self, folder: RunFolder, labels: Sequence[str], same: Path | None = None) -> None:
        """Begin the files of a run with some scorers.

        same: the folder of a run, written just before this one, that has the same articles.
        """
        self._folder, self._same = folder, same
        self._in_table = frozenset(label for label in labels if _is_alone(label, labels))
        texts, lists = ("id", "summary", "outcome"), ("defects",)
        columns = (*texts, *lists, *(f"{_SCORES}{label}" for label in labels), "json")
        self._records = _Part(folder.writing(RECORDS), columns, lists, GROUP_ROWS)
        self._articles = (
            _Part(folder.writing(ARTICLES), (*_ARTICLE, "json"), ("references",), GROUP_ROWS)
            if same is None
            else None
        )

    def extend(self, lines: Sequence[bytes]) -> None:
        """Write the next samples; lines: as they would stand in a `samples.jsonl`."""
        for line in lines:
            self._add(json.loads(line), _SURROGATE not in line)

    def _add(self, sample: Mapping[str, Any], is_utf8: bool) -> None:
        if self._articles is not None:
            article = {name: sample[name] for name in _ARTICLE}
            whole = None if is_utf8 else _if_not_utf8(article)
            row = {**article, "extra": _json(sample["extra"]), "json": whole}
            self._articles.add(row, is_utf8)
        summary, scores = sample["summary"], sample["scores"]
        bare = {name: self._without_numbers(name, score) for name, score in scores.items()}
        outcome, defects = {**summary, "text": ""}, sample["defects"]
        rest = {"summary": summary, "defects": defects, "scores": bare}
        self._records.add(
            {
                "id": sample["id"],
                "summary": summary["text"],
                "outcome": _json(outcome),
                "defects": defects,
                **{f"{_SCORES}{name}": _json(score) for name, score in bare.items()},
                "json": None if is_utf8 else _if_not_utf8(rest),
            },
            is_utf8,
        )

    def _without_numbers(self, label: str, score: Mapping[str, Any]) -> Mapping[str, Any]:
        if label not in self._in_table:
            return score
        bare = {**score, "value": _bare(score["value"])}
        if "parts" in score:
            parts = score["parts"].items()
            bare["parts"] = {n: v if n in _OTHER_COLUMNS else _bare(v) for n, v in parts}
        return bare

    def end(self) -> dict[str, str]:
        """Write what is left; return the digests of the files, whole beside their names."""
        self._records.end()
        if self._articles is not None:
            self._articles.end()
            link_same_content(self._folder)
        elif self._same is not None:
            self._take_articles(self._same / ARTICLES)
        return {name: file_digest(self._folder.writing(name)) for name in self.names}

    def _take_articles(self, there: Path) -> None:
        here = self._folder.writing(ARTICLES)
        try:
            _link(there, self._folder, here)
        except OSError:  # no such links on this file system
            shutil.copyfile(there, here)

    def close(self) -> None:
        """Let go of the files, whole or not."""
        for part in (self._records, self._articles):
            if part is not None:
                part.close()


def _is_alone(label: str, labels: Sequence[str]) -> bool:
    """Tell whether no column of the table, `label.part`, may be of another scorer, too."""
    others = (other for other in labels if other != label)
    return not any(f"{a}.".startswith(f"{b}.") for o in others for a, b in ((o, label), (label, o)))


def _bare(value: Any) -> Any:
    """Return what stands for a number; itself where the table cannot give it back as it is."""
    return _IN_TABLE if isinstance(value, float) and value == value else value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _if_not_utf8(record: Mapping[str, Any]) -> str | None:
    """Return what a row holds where UTF-8 cannot hold it: lone surrogates are codes in ASCII."""
    try:
        _json(record).encode()
    except UnicodeEncodeError:
        return json.dumps(record, default=str)
    return None


class _Part:
    """A Parquet file of texts while it is written, some rows at a time."""

    def __init__(
        self, path: Path, columns: Sequence[str], lists: Collection[str], rows: int
    ) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = [
            (name, pa.list_(pa.string()) if name in lists else pa.string()) for name in columns
        ]
        self._schema, self._most = pa.schema(kinds), rows
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="zstd", compression_level=COMPRESSION
        )
        self._rows: list[Mapping[str, Any]] = []
        self._size = 0
        self._is_utf8 = True

    def add(self, row: Mapping[str, Any], is_utf8: bool) -> None:
        """Take in the next row. is_utf8: whether no text of it needs a look."""
        self._rows.append(row)
        self._is_utf8 = self._is_utf8 and is_utf8
        self._size += sum(map(len, filter(None, row.values())))
        if len(self._rows) == self._most or self._size > _MOST_TEXT:
            self._write()

    def _write(self) -> None:
        import pyarrow as pa

        columns = [[row[field.name] for row in self._rows] for field in self._schema]
        if not self._is_utf8:
            columns = [[*map(_utf8, column)] for column in columns]
        arrays = [
            arrow_array(column, field.type)
            for column, field in zip(columns, self._schema, strict=True)
        ]
        try:
            self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        except OSError:
            self._writer.is_open = False  # else its end would write once more
            raise
        self._rows, self._size, self._is_utf8 = [], 0, True

    def end(self) -> None:
        """Write the last rows, and the file's end."""
        if self._rows:
            self._write()
        self._writer.close()

    def close(self) -> None:
        """Let go of the file."""
        with suppress(OSError):  # what ended the run has been raised already
            self._writer.close()


def _utf8(value: Any) -> Any:
    """Return texts as Parquet can hold them."""
    if isinstance(value, str):
        return encodable(value)
    return value if value is None else [encodable(each) for each in value]


def link_same_content(folder: RunFolder, part: Path | None = None) -> None:
    """Where a run beside this one has the same articles, let its file be a link to theirs.

    part: the file; default is the one that is being written.
    """
    part = part or folder.writing(ARTICLES)
    size, digest = part.stat().st_size, ""
    seen: set[int] = set()
    for other in sorted(folder.path.absolute().parent.glob(f"*/{ARTICLES}")):
        with suppress(OSError):  # it went meanwhile: then the file is not shared
            there = other.lstat()
            if there.st_size != size or there.st_ino in seen or other.is_symlink():
                continue
            seen.add(there.st_ino)
            digest = digest or file_digest(part)
            if other.absolute() != part.absolute() and file_digest(other) == digest:
                _link(other, folder, part)
                break


def _link(there: Path, folder: RunFolder, here: Path) -> None:
    """Make a run's file of articles a link to the content of another's. Raises: OSError."""
    between = folder.writing(f"{ARTICLES}.link")
    between.unlink(missing_ok=True)
    os.link(there, between)
    between.replace(here)
    between.unlink(missing_ok=True)  # is there still where both were one file already


class _Rows:
    """The rows of a Parquet file by their number; those of one row group are in memory."""

    def __init__(self, path: Path, is_wanted: Callable[["pa.Field"], bool]) -> None:
        import pyarrow.parquet as pq

        self._file = pq.ParquetFile(path, memory_map=True)
        fields = list(self._file.schema_arrow)
        self._wanted = [n for n, field in enumerate(fields) if is_wanted(field)]
        groups = range(self._file.metadata.num_row_groups)
        sizes = (self._file.metadata.row_group(n).num_rows for n in groups)
        self._starts = [0, *accumulate(sizes)]
        self._group, self._columns = -1, dict[str, list[Any]]()
        self.n = self._starts[-1]

    def __getitem__(self, row: int) -> dict[str, Any]:
        group = bisect_right(self._starts, row) - 1
        if group != self._group:
            table = self._file.read_row_group(group)
            names = table.column_names
            self._columns = {names[n]: table.column(n).to_pylist() for n in self._wanted}
            self._group = group
        at = row - self._starts[group]
        return {name: values[at] for name, values in self._columns.items()}

    def column(self, name: str) -> Iterator[Any]:
        """Yield the values of a column."""
        for group in range(self._file.metadata.num_row_groups):
            yield from self._file.read_row_group(group, columns=[name]).column(0).to_pylist()

    def close(self) -> None:
        self._file.close()


def _is_number(field: "pa.Field") -> bool:
    return str(field.type) == "double"


def _open_rows(
    opening: ExitStack,
    path: Path,
    n: int | None,
    is_wanted: Callable[["pa.Field"], bool] = lambda field: True,
) -> _Rows:
    """Return the rows of a file, to be closed with others. Raises: DataError."""
    import pyarrow as pa

    try:
        rows = _Rows(path, is_wanted)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file; {AGAIN}") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        why = " ".join(str(error).split())[:120]
        raise DataError(f"{path}: not Parquet that can be read ({why}); {AGAIN}") from None
    opening.callback(rows.close)
    if n not in (None, rows.n):
        raise DataError(f"{path}: {rows.n} rows, and there should be {n}; {AGAIN}")
    return rows


class ColumnReader:
    """The samples of a run whose texts are in columns, by their number."""

    def __init__(self, folder: Path, n: int | None = None) -> None:
        """Open the files of a run, with n articles where that is known.

        Raises: DataError where they cannot be read, or have not so many rows.
        """
        self.path = folder / RECORDS
        with ExitStack() as opening:
            self._records = _open_rows(opening, self.path, n)
            self.n = self._records.n
            self._articles = _open_rows(opening, folder / ARTICLES, self.n)
            self._numbers = _open_rows(opening, folder / TABLE_FILE, self.n, _is_number)
            self._opened = opening.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def rows_of(self, ids: Collection[str]) -> list[int]:
        """Return the rows of the articles with some ids."""
        names = {encodable(name) for name in ids}
        return [row for row, name in enumerate(self._records.column("id")) if name in names]

    def __getitem__(self, row: int) -> dict[str, Any]:
        """Return one sample. Raises: DataError where a row is none."""
        import pyarrow as pa

        try:
            article = _article_of(self._articles[row])
            sample = article | _record_of(self._records[row], self._numbers[row])
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, RecursionError):
            sample = {}
        if not is_sample(sample):
            raise DataError(f"{self.where(row)}: not a sample as evalharness writes it; {AGAIN}")
        return sample

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[row] for row in range(self.n))

    def where(self, row: int) -> str:
        """Return file and row of a sample."""
        return f"{self.path}:{row + 1}"


def _article_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a sample says of its article."""
    whole = row.pop("json")
    known: dict[str, Any] = json.loads(whole or row["extra"])
    return known if whole else {**row, "extra": known}


def _record_of(row: dict[str, Any], numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sample says of the summary; numbers: of its scores, by column of the table."""
    labels = [name.removeprefix(_SCORES) for name in row if name.startswith(_SCORES)]
    record: dict[str, Any]
    if row["json"]:
        record = json.loads(row["json"])
    else:
        record = {
            "summary": json.loads(row["outcome"]) | {"text": row["summary"]},
            "defects": row["defects"],
            "scores": {label: json.loads(row[f"{_SCORES}{label}"]) for label in labels},
        }
    for label, score in record["scores"].items():
        if score["value"] == _IN_TABLE:
            score["value"] = numbers[f"{label}.value"]
        for part, value in score.get("parts", {}).items():
            if value == _IN_TABLE:
                score["parts"][part] = numbers[f"{label}.{part}"]
    return record
