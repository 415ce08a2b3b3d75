"""Articles from JSON Lines, CSV and Parquet files."""

import codecs
import gzip
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, ClassVar, Literal, cast

from evalharness.config.registry import check_extra
from evalharness.errors import DataError
from evalharness.files.untrusted import BINARY_KINDS
from evalharness.loaders import formats, rows
from evalharness.protocols import DataSource, Url
from evalharness.records import Article, Rejected

FileFormat = Literal["jsonl", "csv", "parquet", "json", "text"]

ENDINGS: dict[str, FileFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
# What a file that is not what its name says begins with, and what to do about it.
STRANGERS = {
    **BINARY_KINDS,
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
    b"PK\x03\x04": "a zip archive or a spreadsheet; unpack it, or export it as CSV",
    b"\x28\xb5\x2f\xfd": "zstd compressed; unpack it (gzip is read as it is)",
    b"BZh": "bzip2 compressed; unpack it (gzip is read as it is)",
    b"\xfd7zXZ": "xz compressed; unpack it (gzip is read as it is)",
}


@dataclass(frozen=True)
class DataFile:
    """A file to read: `name` stands in messages, `stem` begins the ids of rows without one."""

    path: Url | Path
    name: str
    stem: str
    format: FileFormat
    zipped: bool

    @property
    def place(self) -> str:
        """What stands before a row's number in messages."""
        return f"{self.name}:row " if self.format in ("parquet", "json") else f"{self.name}:"

    def rows(self, reading: rows.RowReader) -> Iterator[rows.Raw]:
        """Yield the rows with their numbers. Raises: DataError for a file that cannot be read."""
        with formats.name_in_errors(self.path), _open_file(self) as stream:
            if self.format == "parquet":
                yield from formats.parquet_rows(stream, reading)
            elif self.format == "jsonl":
                yield from formats.json_lines(stream)
            elif self.format == "json":
                yield from formats.json_document(stream)
            elif self.format == "text":
                yield from formats.text_lines(stream)
            else:
                tabs = formats.without_gz(Path(self.path.name)).suffix.lower() == ".tsv"
                yield from formats.csv_rows(stream, "\t" if tabs else ",")


@dataclass(frozen=True)
class _HubRows(DataFile):
    """A split of a data set of the hub, read in place of a file."""

    @classmethod
    def of(cls, address: Url) -> "_HubRows":
        """Take an address; nothing is read. Raises: DataError, MissingExtra."""
        from evalharness.loaders.hub import hub_of

        source = hub_of(address).source
        check_extra(f"{address}", "hf")
        stem = f"{address.name}-{source.split}"
        return cls(address, f"{source.name} {source.split}", stem, "parquet", zipped=False)

    @property
    def place(self) -> str:
        """What stands before a row's number in messages."""
        return f"{self.name} row "

    def rows(self, reading: rows.RowReader) -> Iterator[rows.Raw]:
        """Yield the rows with their numbers, from 0. Raises: DataError."""
        from evalharness.loaders.hub import hub_of, open_split, split_rows

        with formats.name_in_errors(self.path):
            split = open_split(hub_of(Url(self.path)).source, streaming=False)
            yield from split_rows(split, reading)


@dataclass(frozen=True)
class Files:
    """Articles from JSON Lines, CSV, TSV or Parquet files, gzipped or not.

    Files are read in the order given, those of one pattern sorted by name, a row at a time. A row
    without an id column is named by its file and line or row, counted from 1: `articles-17`. A
    column `summary` is taken for a summary to score, `system` for what wrote it.

    path: a file or a list of files; `*`, `?`, `[…]` and `**` match names. Also a URL that fsspec
        reads, as a stream (`s3://…`, `gs://…`, `https://…`).
    format: `auto` goes by the ending (`.jsonl`, `.ndjson`, `.csv`, `.tsv`, `.parquet`, `.gz`).
    columns: which column holds what, where the names are not the usual ones.
    bad_rows: `list` counts and lists rows that are no article, `fail` ends the run at the first.
    """

    version: ClassVar[int] = 1

    path: DataSource | tuple[DataSource, ...]
    format: Literal["auto", "jsonl", "csv", "parquet"] = "auto"
    columns: rows.ColumnOptions = rows.USUAL_COLUMNS
    bad_rows: rows.BadRows = "list"

    def __post_init__(self) -> None:
        if not formats.paths(self.path):
            raise ValueError("path: names no file")

    def load(self) -> Iterator[Article | Rejected]:
        """Yield every row of every file, once every file is known to be there.

        Raises: DataError for a file that is missing, empty, damaged or of unknown format.
        """
        files = self._files()
        judge = rows.RowJudge(rows.RowReader.of(self.columns, rows.FILE_COLUMNS), self.bad_rows)
        return (row for file in files for row in _read(file, judge))

    def count(self) -> int:
        """Return about how many rows there are: lines of text, or what Parquet says."""
        return sum(_count(file) for file in self._files())

    def _files(self) -> list[DataFile]:
        found = [file for path in formats.paths(self.path) for file in _data_files(path)]
        found = list(dict.fromkeys(found))
        names = formats.short_file_names(found)
        stems = [formats.without_gz(Path(name)).with_suffix("").as_posix() for name in names]
        if len(set(stems)) < len(stems):
            stems = names
        return [self._file(*file) for file in zip(found, names, stems, strict=True)]

    def _file(self, path: Url | Path, name: str, stem: str) -> DataFile:
        start = _known_start(path)
        format_ = _format(path) if self.format == "auto" else self.format
        if start.startswith(formats.PARQUET_MAGIC) and format_ != "parquet":
            raise DataError(f"{path}: this is Parquet; set format: parquet")
        return DataFile(path, name, stem, format_, start.startswith(formats.GZIP_MAGIC))


def open_outputs(path: Url | Path, format_: Literal["auto"] | FileFormat = "auto") -> DataFile:
    """Return a file of summaries, of articles or of references: rows, one JSON document, or text.

    What no ending tells is told by how the file begins; what is no JSON is text, a line each.
    A URL `hub:NAME` is a data set of the hub, in place of a file.
    Raises: DataError for what is missing, empty, no file, or of no such format.
    """
    if isinstance(path, Url) and path.is_hub:
        return _HubRows.of(path)
    start = _known_start(path)
    zipped = start.startswith(formats.GZIP_MAGIC)
    stem = formats.without_gz(Path(path.name)).with_suffix("").name
    file = DataFile(path, path.name, stem, "text", zipped)
    if format_ == "auto":
        format_ = _format_by_start(file)
    return replace(file, format=format_)


def _format_by_start(file: DataFile) -> FileFormat:
    """Return the format by the ending, and where that does not tell, by how the file begins."""
    ending = formats.without_gz(Path(file.path.name)).suffix.lower()
    with formats.name_in_errors(file.path), _open_file(file) as stream:
        start = stream.read(4096)
    if start.startswith(formats.PARQUET_MAGIC):
        return "parquet"
    if ending in ENDINGS and ending != ".jsonl":
        return ENDINGS[ending]
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if ending == ".json" and text.startswith(b"{"):
        return "jsonl" if _is_json(text.partition(b"\n")[0]) and b"\n" in text else "json"
    if text.startswith(b"["):
        return "json" if ending in (".json", ".jsonl") or _begins_list(text) else "text"
    if ending == ".jsonl":
        return "jsonl"
    if text.startswith(b'{"'):
        return "jsonl" if _is_json(text.partition(b"\n")[0]) else "json"
    return "text"


def _begins_list(text: bytes) -> bool:
    """Tell whether a text begins as a JSON list of objects or texts does; `[Music]` does not."""
    return text[1:].lstrip()[:1] in (b"{", b'"', b"]")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _known_start(path: Url | Path) -> bytes:
    """Return how a file begins. Raises: DataError for what no loader reads."""
    start = _start(path)
    for magic, what in STRANGERS.items():
        if start.startswith(magic):
            raise DataError(f"{path}: this is {what}")
    return start


def _data_files(path: Url | Path) -> Sequence[Url | Path]:
    if isinstance(path, Url):
        from evalharness.files.remote import list_urls

        return list_urls(path)
    if path.is_dir():
        raise DataError(f"{path}: this is a folder; name its files, as in {path / '*.jsonl'}")
    return [found for found in formats.matching_paths(path) if not found.is_dir()]


def _start(path: Url | Path) -> bytes:
    if isinstance(path, Path):
        return formats.first_bytes(path)
    from evalharness.files.remote import open_url

    with open_url(path) as file:
        start = file.read(8)
    if not start:
        raise DataError(f"{path}: the file is empty; {formats.MEND_EMPTY}")
    return start


def _format(path: Url | Path) -> FileFormat:
    ending = formats.without_gz(Path(path.name)).suffix.lower()
    if ending in ENDINGS:
        return ENDINGS[ending]
    if ending == ".json":
        hint = "write one object a line (.jsonl); if it is so already, set format: jsonl"
    else:
        hint = f"known are {', '.join(ENDINGS)}, also with .gz; or set format"
    raise DataError(f"{path}: unknown ending {ending or 'of a name without one'!r}; {hint}")


def _read(file: DataFile, judge: rows.RowJudge) -> Iterator[Article | Rejected]:
    empty = True
    for row in judge.read(file.rows(judge.reading), file.place, file.stem):
        empty = False
        yield row
    if empty:
        raise DataError(f"{file.path}: the file has no rows; {formats.MEND_EMPTY}")


def _open_file(file: DataFile) -> BinaryIO:
    if isinstance(file.path, Url):
        from evalharness.files.remote import open_url

        plain = open_url(file.path)
    else:
        plain = file.path.open("rb")
    if not file.zipped:
        return plain
    stream = cast(BinaryIO, _Unzipped(plain))
    return _on_disk(stream) if file.format == "parquet" else stream


class _Unzipped(gzip.GzipFile):
    """What a zipped file holds; closing it closes the file below, too."""

    def __init__(self, below: BinaryIO) -> None:
        super().__init__(fileobj=below)
        self.below = below

    def close(self) -> None:
        super().close()
        self.below.close()


def _on_disk(stream: BinaryIO) -> BinaryIO:
    """Return a copy that can be read from its end, as Parquet is; closing it removes it."""
    copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115
    with stream:
        shutil.copyfileobj(stream, copy)
    copy.seek(0)
    return copy


def _count(file: DataFile) -> int:
    with formats.name_in_errors(file.path), _open_file(file) as stream:
        if file.format == "parquet":
            return formats.parquet_count(stream)
        if isinstance(file.path, Url):
            return _about(file.path, stream.read(2**20))
        return sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(2**20), b""))


def _about(url: Url, start: bytes) -> int:
    """Return about how many lines a remote file has, by its size and how it begins."""
    from evalharness.files.remote import size as size_of

    lines, size = start.count(b"\n"), size_of(url)
    return lines if not size or size <= len(start) else lines * size // len(start)
