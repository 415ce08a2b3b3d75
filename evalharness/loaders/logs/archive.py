"""inspect's `.eval`: a zip with a header and a JSON file for each sample, zstd or deflate."""

import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from evalharness.errors import DataError
from evalharness.loaders.logs.formats import follow
from evalharness.loaders.rows import Raw

# No sample is as long; a longer one is a bomb, or holds what no summary needs.
LARGEST_SAMPLE = 64 * 2**20
# Logs shrink some twentyfold; zeros do a thousandfold by deflate, and far more by zstd.
SHRUNK_AT_MOST = 500
MOST_SAMPLES = 1_000_000
ZSTANDARD = 93  # what Python 3.14's zipfile reads by itself
_KNOWN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, ZSTANDARD)
_ENCRYPTED = 0x1


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
