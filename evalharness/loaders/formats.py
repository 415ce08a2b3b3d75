"""From what a config names, a file or a pattern, to rows: JSON Lines, CSV or Parquet.

First the files that are meant, then the rows of one, each with its number, read as a stream. JSON
Lines are read here and not by `datasets`, which infers ids as numbers, accepts rows of mixed
types and names no file in its errors.
"""

import codecs
import csv
import glob
import gzip
import io
import itertools
import json
import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from evalharness.errors import DataError
from evalharness.files import nearest_path
from evalharness.loaders.rows import Raw, Row, RowReader
from evalharness.protocols import Url

PARQUET_MAGIC = b"PAR1"
GZIP_MAGIC = b"\x1f\x8b"
MEND_EMPTY = "write it again, or leave it out"
# How the reason begins for which a row of another encoding is left out.
NOT_UTF_8 = "not UTF-8"
HOW_TO_SAVE_AS_UTF_8 = "a spreadsheet can; or: iconv -f latin1 -t utf-8 FILE > NEW_FILE"


AnyPath = TypeVar("AnyPath", Path, Url | Path)


def paths(option: AnyPath | tuple[AnyPath, ...]) -> tuple[AnyPath, ...]:
    """Return the paths of an option that takes one or several."""
    return option if isinstance(option, tuple) else (option,)


def matching_paths(path: Path) -> list[Path]:
    """Return the files and folders that a path or pattern names, sorted.

    Raises: DataError where there is none.
    """
    if os.path.lexists(path):
        return [path]
    if not glob.has_magic(str(path)):
        raise DataError(f"{path}: no such file or folder{nearest_path(path)}")
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


@contextmanager
def name_in_errors(path: Url | Path) -> Iterator[None]:
    """Put the file's name before what goes wrong while it is read."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        message = f"the gzip file is torn or damaged ({error}); copy or write it again"
        raise DataError(f"{path}: {message}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except DataError as error:
        told = str(error)
        raise DataError(told if told.startswith(f"{path}: ") else f"{path}: {told}") from error


def without_gz(path: Path) -> Path:
    """Return a path without the ending of a zipped file."""
    return path.with_suffix("") if path.suffix.lower() == ".gz" else path


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


# No article is as long: a longer line is a file without line ends, or a quote that never closes.
LONGEST_ROW = 64 * 2**20
BATCH_ROWS = 256


def json_lines(stream: BinaryIO) -> Iterator[Raw]:
    """Yield the objects of a JSON Lines file with their line numbers; blank lines are skipped."""
    for number, line in enumerate(_lines(stream), 1):
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if line.strip():
            yield number, _json_row(line)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines; of one longer than LONGEST_ROW only its beginning."""
    while line := stream.readline(LONGEST_ROW + 1):
        yield line
        rest = line
        while len(rest) > LONGEST_ROW and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_ROW + 1)


def _json_row(line: bytes) -> Row | str:
    if len(line) > LONGEST_ROW:
        return f"the line is longer than {LONGEST_ROW // 2**20} MiB"
    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError as error:
        return f"{NOT_UTF_8}: byte 0x{line[error.start]:02x} at position {error.start}"
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} (column {error.colno})"
    except ValueError:  # the only other one: an integer of thousands of digits
        return "not JSON that can be read: a number has too many digits"
    except RecursionError:
        return "the row is nested too deeply"
    return row if isinstance(row, dict) else "the row is not an object, like {…}"


# A JSON document is held in memory whole.
LARGEST_DOCUMENT = 512 * 2**20


def json_document(stream: BinaryIO) -> Iterator[Raw]:
    """Yield the rows of one JSON document, counted from 1.

    A list of objects, or of texts, which are summaries; an object of rows or summaries by id; one
    of columns, as pandas writes it; or an object whose one list is the rows.
    Raises: DataError for a document that is none of these.
    """
    content = stream.read(LARGEST_DOCUMENT + 1)
    if len(content) > LARGEST_DOCUMENT:
        raise DataError(f"larger than {LARGEST_DOCUMENT // 2**20} MiB; write one object a line")
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"{NOT_UTF_8}: byte {error.start}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {str(error)[:100]}") from None
    for number, row in enumerate(_rows_of_document(document), 1):
        if isinstance(row, str):
            yield number, {LINE: row}
        else:
            yield number, row if isinstance(row, dict) else "the row is not an object, like {…}"


def _rows_of_document(document: Any) -> Sequence[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or not document:
        raise DataError("no rows: neither a list nor an object of rows")
    values = list(document.values())
    if all(isinstance(value, str) for value in values):
        return [{"id": key, "summary": value} for key, value in document.items()]
    if all(isinstance(value, list) for value in values) and len({len(v) for v in values}) == 1:
        return [dict(zip(document, row, strict=True)) for row in zip(*values, strict=True)]
    if all(isinstance(value, dict) for value in values):
        return _rows_by_key(document)
    lists = [value for value in values if isinstance(value, list)]
    if len(lists) == 1 and all(isinstance(row, dict) for row in lists[0]):
        found: list[Any] = lists[0]
        return found
    raise DataError("no rows: neither a list of objects nor an object of rows, columns or texts")


def _rows_by_key(document: dict[str, dict[str, Any]]) -> list[Any]:
    """Return rows from an object of objects: columns by place, as in pandas, or rows by id."""
    keys = list(next(iter(document.values())))
    if keys and all(key.isdecimal() for key in keys):
        return [{name: column.get(key) for name, column in document.items()} for key in keys]
    return [{"id": key, **row} for key, row in document.items()]


# The one field of a row that is a line of text.
LINE = "line"


def text_lines(stream: BinaryIO) -> Iterator[Raw]:
    """Yield the lines of a text with their numbers, from 1, also blank ones: each is a text.

    Lines end as Python's text files have them, not at every character that Unicode calls a line
    end: those of a summary must not part it.
    """
    for number, line in enumerate(_lines(stream), 1):
        line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if len(line) > LONGEST_ROW:
            yield number, f"the line is longer than {LONGEST_ROW // 2**20} MiB"
            continue
        try:
            yield number, {LINE: line.decode().rstrip("\r\n")}
        except UnicodeDecodeError as error:
            at = f"byte 0x{line[error.start]:02x} at position {error.start}"
            yield number, f"{NOT_UTF_8}: {at}"


def csv_rows(stream: BinaryIO, delimiter: str) -> Iterator[Raw]:
    """Yield the rows below the header with the number of the line each begins on.

    Quoted as in RFC 4180; a quoted field may hold line ends. All values are text. A header without
    the delimiter tells another, as spreadsheets write it: a semicolon, a tab, a bar.
    Raises: DataError for a header that cannot be used.
    """
    csv.field_size_limit(LONGEST_ROW)  # of the whole process, and 128 KiB before
    with io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="") as text:
        first = text.readline()
        lines = itertools.chain([first] if first else [], text)
        rows = csv.reader(lines, delimiter=_delimiter(first, delimiter), strict=True)
        header = _header(rows)
        while True:
            number = rows.line_num + 1
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield number, f"not CSV: {_csv_message(error)}"
                continue
            if cells:
                yield number, _csv_row(header, cells)


def _delimiter(header: str, usual: str) -> str:
    """Return the usual delimiter, or where a header has it nowhere, one that it has."""
    others = (other for other in ";\t|," if other in header)
    return usual if usual in header else next(others, usual)


def _header(rows: Iterator[list[str]]) -> list[str]:
    try:
        header = [name.strip() for name in next(rows, [])]
    except csv.Error as error:
        raise DataError(f"the header is not CSV: {_csv_message(error)}") from error
    if not any(header):
        raise DataError("the first line is blank; it must name the columns")
    for name in header:
        if header.count(name) > 1 and name:
            raise DataError(f"the header names the column {name!r} twice")
    return header


def _csv_row(header: list[str], cells: list[str]) -> Row | str:
    if len(cells) != len(header):
        return f"the row has {len(cells)} fields, the header {len(header)}"
    try:
        "".join(cells).encode()
    except UnicodeEncodeError as error:  # what surrogateescape left of a byte that is not UTF-8
        return f"{NOT_UTF_8}: byte 0x{ord(error.object[error.start]) - 0xDC00:02x}"
    return dict(zip(header, cells, strict=True))


def _csv_message(error: csv.Error) -> str:
    if "unexpected end of data" in str(error):
        return "a quote that opens here never closes"
    return str(error)


def parquet_rows(stream: BinaryIO, reading: RowReader) -> Iterator[Raw]:
    """Yield the rows of a Parquet file, counted from 1, with the columns worth reading.

    Raises: DataError for a file that is no Parquet or is damaged.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        # Without these two, whole row groups are read ahead: 210 MB where 12 will do.
        with parquet.ParquetFile(stream, pre_buffer=False, buffer_size=2**20) as file:
            columns = reading.columns_to_read(file.schema_arrow.names)
            number = 1
            for batch in file.iter_batches(BATCH_ROWS, columns=columns):
                yield from enumerate(batch_rows(batch), number)
                number += batch.num_rows
    except (pyarrow.ArrowException, OSError, ValueError) as error:  # a damaged file can raise all
        raise DataError(f"not Parquet that can be read: {_first_line(error)}") from error


def parquet_count(stream: BinaryIO) -> int:
    """Return how many rows a Parquet file has; 0 where it is none, which `parquet_rows` says."""
    import pyarrow
    from pyarrow import parquet

    try:
        return int(parquet.read_metadata(stream).num_rows)
    except (pyarrow.ArrowException, OSError, ValueError):
        return 0


def batch_rows(batch: Any) -> Iterator[Row | str]:
    """Yield the rows of an Arrow batch; one that Python cannot hold does not cost the others."""
    try:
        yield from batch.to_pylist()
    except (ValueError, OverflowError):  # not UTF-8, a date outside the calendar
        for offset in range(batch.num_rows):
            yield _batch_row(batch.slice(offset, 1))


def _batch_row(batch: Any) -> Row | str:
    try:
        row: Row = batch.to_pylist()[0]
    except UnicodeDecodeError as error:
        return f"{NOT_UTF_8}: byte 0x{error.object[error.start]:02x} at position {error.start}"
    except (ValueError, OverflowError) as error:
        return f"a value cannot be read: {_first_line(error)}"
    return row


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
