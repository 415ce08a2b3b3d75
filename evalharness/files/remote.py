"""Files that are not on this machine, read through fsspec: `s3://`, `gs://`, `https://`, `memory://`.

A file is read as a stream. Where the connection breaks, it is opened again and read on from the
same byte, unless it is another file by now.
"""

import io
import random
import time
from importlib.util import find_spec
from typing import Any, BinaryIO, cast

from evalharness.errors import DataError, HarnessError, install_command
from evalharness.protocols import Url

# A read that fails is tried so often; the pauses before it grow from FIRST_PAUSE seconds.
TRIES_PER_READ = 5
FIRST_PAUSE = 0.5
BUFFER = 2**20
# What comes back the same however often one asks.
_PERMANENT = (FileNotFoundError, PermissionError, IsADirectoryError, NotImplementedError)
# The packages behind the protocols that extras of ours bring.
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}


def list_urls(url: Url) -> list[Url]:
    """Return the files that a URL or pattern names, sorted. Raises: DataError where there is none.

    Credentials are those that the file system's own package finds (environment, profile).
    """
    fs, path = file_system(url)
    protocol = url[: url.index("://") + 3]
    try:
        if not any(character in path for character in "*?["):
            # In this order: a web server is asked for the whole file by `isdir`.
            if not fs.isfile(path) and fs.isdir(path):
                raise DataError(f"{url}: this is a folder; name its files, as in {url}/*.jsonl")
            return [url]
        paths = sorted(each for each in fs.glob(path) if not fs.isdir(each))
    except Exception as error:
        raise explain_error(url, error) from error
    if not paths:
        raise DataError(f"{url}: no file matches this pattern")
    return [Url(each if "://" in each else protocol + each.lstrip("/")) for each in paths]


def open_url(url: Url) -> BinaryIO:
    """Return a file to be read, buffered, from any place in it. Raises: DataError."""
    return cast(BinaryIO, io.BufferedReader(_Resuming(url), BUFFER))


def size(url: Url) -> int | None:
    """Return how many bytes a file has, where that can be known. Raises: DataError."""
    fs, path = file_system(url)
    try:
        return cast("int | None", fs.info(path).get("size"))
    except Exception as error:
        raise explain_error(url, error) from error


def file_system(url: Url) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it.

    Raises: DataError for a protocol that nobody knows or whose package is missing.
    """
    if url.is_hub:
        name = url.partition(":")[2]
        raise DataError(
            f"{url}: no files, but a data set of the hub: data: {{name: hub, dataset: {name}}}"
        )
    try:
        from fsspec.core import url_to_fs

        fs, path = url_to_fs(str(url))
    except ImportError as error:
        extra = _EXTRAS.get(url.partition("://")[0].rpartition("::")[2])
        if extra is None and find_spec("fsspec") is None:
            extra = "https"
        cure = install_command(extra) if extra else str(error)
        raise DataError(f"{url}: the package for this kind of place is missing: {cure}") from error
    except Exception as error:
        raise explain_error(url, error) from error
    return fs, path


def explain_error(url: str, error: Exception) -> HarnessError:
    """Return what a file system raised as one line with the URL in it."""
    if isinstance(error, HarnessError):
        return error
    if isinstance(error, FileNotFoundError):
        return DataError(f"{url}: no such file")
    if isinstance(error, PermissionError):
        return DataError(f"{url}: not allowed: {_first_line(error)}")
    return DataError(f"{url}: cannot be read: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0][:300]


class _Resuming(io.RawIOBase):
    """A remote file that is opened again where reading fails."""

    def __init__(self, url: Url) -> None:
        self.url = url
        self._at = 0
        self._fs, self._path = file_system(url)
        try:
            self._state = self._file_version()
            self._file = self._fs.open(self._path, "rb")
        except Exception as error:
            raise explain_error(url, error) from error

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END and self._state[0] is None:
            raise DataError(f"{self.url}: its size is not known; copy it to this machine first")
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at}.get(whence, self._state[0])
        self._at = int(start or 0) + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        for attempt in range(TRIES_PER_READ):
            try:
                if attempt:
                    self._open_again()
                if self._file.tell() != self._at:
                    self._file.seek(self._at)
                got = self._file.read(len(buffer))
                if not got and self._state[0] is not None and self._at < self._state[0]:
                    raise OSError(f"it ended at byte {self._at} of {self._state[0]}")
            except HarnessError:
                raise
            except Exception as error:
                if attempt == TRIES_PER_READ - 1 or isinstance(error, _PERMANENT):
                    raise explain_error(self.url, error) from error
                time.sleep(FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1))  # noqa: S311
                continue
            buffer[: len(got)] = got
            self._at += len(got)
            return len(got)
        raise AssertionError("the last attempt returns or raises")

    def _open_again(self) -> None:
        self._fs.invalidate_cache()
        if self._file_version() != self._state:
            raise DataError(f"{self.url}: was changed while it was read; run it again")
        self._file = self._fs.open(self._path, "rb")

    def _file_version(self) -> tuple[Any, ...]:
        info = self._fs.info(self._path)
        names = ("size", "ETag", "etag", "mtime", "LastModified", "updated", "created")
        return tuple(str(info[n]) if n in info and n != "size" else info.get(n) for n in names)

    def close(self) -> None:
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
        super().close()
