"""Opens a log of another harness: JSON Lines, one JSON document, Parquet, or inspect's archive.

What a file says of itself is not trusted: sizes are bounded, names in archives lead nowhere, and
what is torn, foreign or too large is refused in one line. An inspect `.eval` is a zip with a header
and a JSON file for each sample, zstd or deflate.
"""

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast

from evalharness.errors import DataError
from evalharness.loaders.formats import (
    GZIP_MAGIC,
    LARGEST_DOCUMENT,
    PARQUET_MAGIC,
    batch_rows,
    first_bytes,
    json_lines,
    without_gz,
)
from evalharness.loaders.logs import formats
from evalharness.loaders.logs.formats import HARNESS_FORMATS, LogFormat, follow
from evalharness.loaders.rows import Raw

# No sample is as long; a longer one is a bomb, or holds what no summary needs.
LARGEST_SAMPLE = 64 * 2**20
# Logs shrink some twentyfold; zeros do a thousandfold by deflate, and far more by zstd.
SHRUNK_AT_MOST = 500
MOST_SAMPLES = 1_000_000
ZSTANDARD = 93  # what Python 3.14's zipfile reads by itself
_KNOWN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, ZSTANDARD)
_ENCRYPTED = 0x1


class UnknownDocument(DataError):
    """A JSON document that no harness that is known writes: perhaps rows in one list."""


class _Unreadable(Exception):
    """A file of the archive cannot be read; the message says why."""


@dataclass(frozen=True)
class Archive:
    """An inspect log as an archive."""

    path: Path
    head_name: str
    entries: tuple[zipfile.ZipInfo, ...]

    @classmethod
    def open(cls, path: Path) -> "Archive | None":
        """Return the archive; None where it is a zip of something else.

        Raises: DataError for one that is damaged or would burst.
        """
        try:
            with zipfile.ZipFile(path) as file:
                entries = file.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise DataError(f"{path}: the zip archive is cut short or damaged ({error})") from error
        names = {entry.filename for entry in entries}
        head = next((n for n in ("header.json", "_journal/start.json") if n in names), "")
        if not head:
            return None
        samples = [e for e in entries if e.filename.startswith("samples/") and not e.is_dir()]
        whole = sum(entry.file_size for entry in samples)
        if whole > SHRUNK_AT_MOST * path.stat().st_size or len(samples) > MOST_SAMPLES:
            raise DataError(f"{path}: would unpack to {whole} bytes, as a zip bomb does; not read")
        wanted = [entry for entry in entries if entry.filename == head]
        return cls(path, head, (wanted[-1], *samples))

    @property
    def n(self) -> int:
        """How many samples there are."""
        return len(self.entries) - 1

    def head(self) -> dict[str, Any]:
        """Return what the log says of the whole run.

        Raises: DataError where it cannot be read.
        """
        with self.path.open("rb") as stream:
            try:
                return _json(stream, self.entries[0])
            except _Unreadable as error:
                raise DataError(f"{self.path}: {self.head_name}: {error}") from None

    def samples(self) -> Iterator[Raw]:
        """Yield the samples in the order of the data, first epochs first.

        They lie in the archive in the order in which they were finished.
        """
        ids = follow(self.head(), "eval.dataset.sample_ids")
        order = {f"{name}": n for n, name in enumerate(ids if isinstance(ids, list) else [])}

        def place(entry: zipfile.ZipInfo) -> tuple[int, int, str]:
            name, _, epoch = Path(entry.filename).stem.rpartition("_epoch_")
            return (int(epoch) if epoch.isdecimal() else 0, order.get(name, len(order)), name)

        with self.path.open("rb") as stream:
            for number, entry in enumerate(sorted(self.entries[1:], key=place), 1):
                try:
                    yield number, _json(stream, entry)
                except _Unreadable as error:
                    yield number, str(error)


def _json(stream: BinaryIO, entry: zipfile.ZipInfo) -> dict[str, Any]:
    try:
        found = json.loads(_content(stream, entry))
    except RecursionError:
        raise _Unreadable("nested too deeply") from None
    except ValueError as error:
        raise _Unreadable(f"not JSON: {str(error)[:100]}") from None
    if not isinstance(found, dict):
        raise _Unreadable("not an object")
    return found


def _content(stream: BinaryIO, entry: zipfile.ZipInfo) -> bytes:
    """Return a file of the archive, never more of it than it says and than is allowed."""
    if entry.flag_bits & _ENCRYPTED:
        raise _Unreadable("encrypted")
    if entry.compress_type not in _KNOWN:
        raise _Unreadable(f"compressed in a way that is not known here ({entry.compress_type})")
    if entry.file_size > LARGEST_SAMPLE:
        raise _Unreadable(f"larger than {LARGEST_SAMPLE // 2**20} MiB")
    content = _decompress_entry(_raw(stream, entry), entry)
    if len(content) != entry.file_size or zlib.crc32(content) != entry.CRC:
        raise _Unreadable("damaged: not what its checksum says")
    return content


def _raw(stream: BinaryIO, entry: zipfile.ZipInfo) -> bytes:
    """Return the compressed bytes: behind a local header, which may differ from the central one."""
    size = stream.seek(0, io.SEEK_END)
    if not (0 <= entry.header_offset < size and entry.compress_size < size):
        raise _Unreadable("damaged: it is said to lie outside the archive")
    stream.seek(entry.header_offset)
    header = stream.read(30)
    if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
        raise _Unreadable("damaged: no header where one should be")
    lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    stream.seek(lengths, io.SEEK_CUR)
    return stream.read(entry.compress_size)


def _decompress_entry(raw: bytes, entry: zipfile.ZipInfo) -> bytes:
    limit = entry.file_size + 1
    if entry.compress_type == zipfile.ZIP_STORED:
        return raw
    try:
        if entry.compress_type == zipfile.ZIP_DEFLATED:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, limit)
        import pyarrow as pa

        with pa.CompressedInputStream(pa.BufferReader(raw), "zstd") as unpacking:
            return bytes(unpacking.read(limit))
    except (zlib.error, OSError) as error:
        raise _Unreadable(f"damaged: {error}") from None


# Files beside a log that say which model it is of.
LARGEST_NEIGHBOUR = 64 * 2**20
_ZIP = b"PK"
_BATCH_ROWS = 64

KNOWN = ", ".join(HARNESS_FORMATS)


@dataclass(frozen=True)
class Log:
    """A log that can be read.

    place: what stands before a record's number in messages.
    system: what wrote its summaries; empty where each record says so.
    remark: what of the log itself should not be missed, such as that its run failed.
    records: yields each record with its number, or why it cannot be read.
    """

    path: Path
    format: LogFormat
    place: str
    system: str
    remark: str
    records: Callable[[], Iterator[Raw]]


def open_log(path: Path, wanted: str = "auto") -> Log | None:
    """Return a log, known by its content or read as `wanted`; None for rows of our own kind.

    Raises: DataError for a file that is missing, empty, damaged, or of no known format.
    """
    start = first_bytes(path)
    if start.startswith(_ZIP):
        return _archive(path, wanted)
    if start.startswith(PARQUET_MAGIC):
        return _parquet(path, wanted)
    if _is_json(path) and formats.format_of_document(document := _document(path)[0]):
        return _document_log(path, document, wanted)
    with _text(path) as stream:
        first = _first(path, stream)
    found = None if isinstance(first, str) else formats.format_of_line(first)
    if found and wanted in ("auto", found.name):
        return Log(path, found, f"{path.name}:", _line_system(path, found), "", _lines(path, found))
    document = _document_of(path, first)
    if document is None:
        _no_log(path, wanted)
        return None
    return _document_log(path, document, wanted)


def _no_log(path: Path, wanted: str) -> None:
    """Refuse a file that was said to be a log; others may be rows of our own kind."""
    if wanted != "auto":
        raise DataError(
            f"{path}: no {HARNESS_FORMATS[wanted].title}; leave the format out to have it found"
        )


def _text(path: Path) -> BinaryIO:
    zipped = first_bytes(path).startswith(GZIP_MAGIC)
    return cast(BinaryIO, gzip.open(path)) if zipped else path.open("rb")


def _first(path: Path, stream: BinaryIO) -> Mapping[str, Any] | str:
    """Return the first row of a JSON Lines file, or how a file begins that is none."""
    try:
        _, row = next(json_lines(stream), (0, "the file is blank"))
    except (EOFError, OSError, ValueError) as error:
        raise DataError(f"{path}: the file is torn or damaged ({error})") from error
    return row


def _lines(path: Path, format_: LogFormat) -> Callable[[], Iterator[Raw]]:
    def records() -> Iterator[Raw]:
        with _text(path) as stream:
            rows = json_lines(stream)
            yield from formats.read_promptfoo_results(rows) if format_.name == "promptfoo" else rows

    return records


def _line_system(path: Path, format_: LogFormat) -> str:
    if format_ is formats.LM_EVAL:
        results = path.with_name(f"results_{without_gz(path).stem.rpartition('_')[2]}.json")
        named = follow(_neighbour(results), "model_name")
        return str(named) if named else without_gz(path).stem
    return ""


def _neighbour(path: Path) -> Any:
    """Return the JSON of a file beside a log; None where it is not there or is not right."""
    try:
        if path.stat().st_size > LARGEST_NEIGHBOUR:
            return None
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _document_of(path: Path, first: Mapping[str, Any] | str) -> Any:
    """Return the JSON document that a file is; None where it is JSON Lines, CSV or the like."""
    if not isinstance(first, str):
        return first if formats.format_of_document(first) else None
    with _text(path) as stream:
        start = stream.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not (_is_json(path) or start.startswith((b"{", b"["))):
        return None
    document, reason = _document(path)
    if reason and _is_json(path):
        raise DataError(f"{path}: {reason}; the file is cut short or damaged")
    return document


def _is_json(path: Path) -> bool:
    return without_gz(path).suffix.lower() == ".json"


def _document(path: Path) -> tuple[Any, str]:
    stat = path.stat()
    return _parse_document(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=1)
def _parse_document(path: Path, size: int, changed: int) -> tuple[Any, str]:
    """Return a JSON document or why it is none. The last is kept: a log may be read per system."""
    with _text(path) as stream:
        try:
            content = stream.read(LARGEST_DOCUMENT + 1)
        except (EOFError, OSError, ValueError) as error:
            return None, f"torn ({error})"
    if len(content) > LARGEST_DOCUMENT:
        limit = LARGEST_DOCUMENT // 2**20
        raise DataError(f"{path}: a JSON document of more than {limit} MiB; write it as JSON Lines")
    try:
        text = content.removeprefix(b"\xef\xbb\xbf")
        return json.loads(text, object_pairs_hook=formats.without_events), ""
    except UnicodeDecodeError as error:
        return None, f"not UTF-8: byte 0x{content[error.start]:02x} at position {error.start}"
    except json.JSONDecodeError as error:
        return None, f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
    except RecursionError:
        return None, "nested too deeply"
    except ValueError:  # the only other one: an integer of thousands of digits
        return None, "a number has too many digits"


def _document_log(path: Path, document: Any, wanted: str) -> Log:
    found = formats.format_of_document(document)
    if found is None:
        raise UnknownDocument(
            f"{path}: a JSON file, but no log that is known ({KNOWN}), nor JSON Lines"
        )
    if wanted not in ("auto", found.name):
        raise DataError(f"{path}: no {HARNESS_FORMATS[wanted].title}, but {found.title}")
    reader = {"inspect": _inspect_document, "promptfoo": _promptfoo, "helm": _helm}[found.name]
    records, system, remark = reader(path, document)
    if not records:
        raise DataError(
            f"{path}: the {found.title} holds no sample{f' ({remark})' if remark else ''}"
        )
    return Log(path, found, f"{path.name}:record ", system, remark, lambda: iter(records))


_Records = tuple[list[Raw], str, str]


def _number_records(records: Any) -> Iterator[Raw]:
    for number, record in enumerate(records if isinstance(records, list) else [], 1):
        yield number, record if isinstance(record, dict) else "the record is not an object"


def _inspect_document(path: Path, document: Mapping[str, Any]) -> _Records:
    samples = list(_number_records(document.get("samples")))
    rows = list(formats.read_inspect_log(document, samples)) if samples else []
    model = follow(document, "eval.model")
    return rows, _system(model, path), formats.inspect_remark(document, len(samples))


def _promptfoo(path: Path, document: Mapping[str, Any]) -> _Records:
    rows = formats.read_promptfoo_results(_number_records(follow(document, "results.results")))
    return list(rows), "", ""


def _helm(path: Path, document: Any) -> _Records:
    if isinstance(document, list):
        states = formats.join_helm_predictions(document, _beside(path, "instances.json"))
        model = follow(_neighbour(path.with_name("run_spec.json")), "adapter_spec.model")
    else:
        states = document.get("request_states")
        model = follow(document, "adapter_spec.model")
    rows: list[Raw] = [
        (n, row if isinstance(row, str) else formats.read_helm_request(row))
        for n, row in _number_records(states)
    ]
    return rows, _system(model, path), ""


def _beside(path: Path, name: str) -> list[Any]:
    found = _neighbour(path.with_name(name))
    if not isinstance(found, list):
        raise DataError(f"{path}: the articles of this log are in {name}, which must lie beside it")
    return found


def _system(model: Any, path: Path) -> str:
    return model if isinstance(model, str) and model else without_gz(path).stem


def _archive(path: Path, wanted: str) -> Log | None:
    archive = Archive.open(path)
    if archive is None:
        raise DataError(
            f"{path}: a zip archive (as .docx and .xlsx are), and no inspect log; unpack it, or "
            "export it as CSV"
        )
    if wanted not in ("auto", "inspect"):
        raise DataError(f"{path}: no {HARNESS_FORMATS[wanted].title}, but an inspect log")
    head = archive.head()

    def records() -> Iterator[Raw]:
        yield from formats.read_inspect_log(head, archive.samples())

    remark = formats.inspect_remark(head, archive.n)
    if not archive.n:
        raise DataError(
            f"{path}: the inspect log holds no sample{f' ({remark})' if remark else ''}"
        )
    system = _system(follow(head, "eval.model"), path)
    return Log(path, formats.INSPECT, f"{path.name}:sample ", system, remark, records)


def _parquet(path: Path, wanted: str) -> Log | None:
    import pyarrow
    from pyarrow import parquet

    try:
        names = parquet.read_schema(path).names
    except (pyarrow.ArrowException, OSError, ValueError, MemoryError) as error:
        raise _no_parquet(path, error) from error
    found = formats.format_of_columns(names)
    if found is None or wanted not in ("auto", found.name):
        _no_log(path, wanted)
        return None

    def records() -> Iterator[Raw]:
        number = 1
        try:
            with parquet.ParquetFile(path, pre_buffer=False, buffer_size=2**20) as file:
                columns = [name for name in names if name.strip("_") in ("doc", "model_response")]
                for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
                    for row in batch_rows(batch):
                        yield (
                            number,
                            row if isinstance(row, str) else formats.read_lighteval_row(row),
                        )
                        number += 1
        except (pyarrow.ArrowException, OSError, ValueError, MemoryError) as error:
            raise _no_parquet(path, error) from error

    return Log(path, found, f"{path.name}:row ", _lighteval_system(path), "", records)


def _no_parquet(path: Path, error: BaseException) -> DataError:
    message = str(error).partition("\n")[0]
    return DataError(f"{path}: not Parquet that can be read: {message}")


def _lighteval_system(path: Path) -> str:
    """Return the model from where the log lies: details/<model>/<time>/details_<task>.parquet."""
    folders = path.absolute().parts[:-2]
    if "details" not in folders:
        return path.stem
    after = len(folders) - folders[::-1].index("details")
    return "/".join(folders[after:]) or path.stem
