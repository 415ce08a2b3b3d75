"""Files that are not on this machine, through fsspec: `s3://`, `gs://`, `https://`, `memory://`.

Data is read as a stream. Where the connection breaks, it is opened again and read on from the same
byte, unless it is another file by now. Results are files that are put and read whole.
"""

import io
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, cast

from evalharness.errors import DataError, HarnessError, StoreError, install_command
from evalharness.protocols import Url, is_url

# A read that fails is tried so often; the pauses before it grow from FIRST_PAUSE seconds.
TRIES_PER_READ = 5
FIRST_PAUSE = 0.5
# As often is a request for a whole file or a list tried: one in 20 that fails is no trouble then.
TRIES_PER_REQUEST = 6
BUFFER = 2**20
# What comes back the same however often one asks.
_PERMANENT = (FileNotFoundError, PermissionError, IsADirectoryError, NotImplementedError)
# Classes of botocore, which this machine need not have.
_NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError")
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


def _is_permanent(error: Exception) -> bool:
    return isinstance(error, _PERMANENT) or type(error).__name__ in _NO_CREDENTIALS


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
        if info.get("type") == "directory":
            raise DataError(f"{self.url}: this is a folder; name a file in it")
        names = ("size", "ETag", "etag", "mtime", "LastModified", "updated", "created")
        return tuple(str(info[n]) if n in info and n != "size" else info.get(n) for n in names)

    def close(self) -> None:
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
        super().close()


class RemoteFolder:
    """A folder at a URL: files are put, read and removed whole, and again where that fails."""

    def __init__(self, url: str) -> None:
        """Take the URL; nothing is asked yet. Raises: DataError where its package is missing."""
        self.url = url.rstrip("/")
        if not is_url(self.url):
            raise DataError(f"{url}: names no bucket or folder; put it behind the slashes")
        self._fs, root = file_system(Url(self.url))
        self._root = root.rstrip("/")
        protocol = self._fs.protocol
        names = (protocol,) if isinstance(protocol, str) else protocol
        self._has_folders = bool({"file", "local"} & set(names))  # to be made before a file

    def below(self, name: str) -> "RemoteFolder":
        """Return a folder in it, which need not be there."""
        return RemoteFolder(f"{self.url}/{name}")

    def put(self, name: str, content: bytes | Path) -> None:
        """Write a file whole, from bytes or from a file of this machine. Raises: StoreError."""
        path = f"{self._root}/{name}"

        def write() -> None:
            if self._has_folders:
                self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            if isinstance(content, bytes):
                self._fs.pipe_file(path, content)
                return
            self._fs.put_file(str(content), path)
            self._fs.invalidate_cache()
            if (size := self._fs.info(path)["size"]) != content.stat().st_size:
                raise OSError(f"{size} bytes came, of {content.stat().st_size}")

        try:
            self._try(name, write, writes=True)
        except FileNotFoundError as error:  # of the bucket
            raise self._explain(name, error, writes=True) from error

    def read(self, name: str) -> bytes:
        """Return what a file holds. Raises: DataError, FileNotFoundError."""
        return cast(bytes, self._try(name, lambda: self._fs.cat_file(f"{self._root}/{name}")))

    def read_some(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return what some small files hold, asked for together; those that are gone are left out.

        Raises: DataError.
        """
        paths = {f"{self._root}/{name}": name for name in names}
        try:
            answers = self._fs.cat(list(paths), on_error="return") if len(paths) > 1 else {}
        except Exception:  # each is asked for again, by itself
            answers = {}
        contents = {}
        for path, name in paths.items():
            content = answers.get(path)
            if not isinstance(content, bytes):
                try:
                    content = self.read(name)
                except FileNotFoundError:
                    continue
            contents[name] = content
        return contents

    def fetch(self, name: str, to: Path) -> None:
        """Write a file to one of this machine. Raises: DataError, FileNotFoundError."""
        self._try(name, lambda: self._fs.get_file(f"{self._root}/{name}", str(to)))

    def sizes(self, below: str = "") -> dict[str, int]:
        """Return the files in the folder, or in one below it, and deeper: names and sizes.

        Raises: DataError.
        """
        root = f"{self._root}/{below}".rstrip("/")

        def find() -> Any:
            self._fs.invalidate_cache()
            return self._fs.find(root, detail=True)

        try:
            listed = self._try(below, find)
        except FileNotFoundError:
            return {}
        start = len(self._root.lstrip("/")) + 1
        return {
            str(path).lstrip("/")[start:]: int(info.get("size") or 0)
            for path, info in sorted(listed.items())
        }

    def remove(self, name: str) -> None:
        """Remove a file, if it is there. Raises: StoreError."""
        with suppress(FileNotFoundError):
            self._try(name, lambda: self._fs.rm_file(f"{self._root}/{name}"), writes=True)

    def _try(self, name: str, call: Callable[[], Any], *, writes: bool = False) -> Any:
        """Return what a call returns, tried again where it fails for now."""
        for attempt in range(TRIES_PER_REQUEST):
            try:
                return call()
            except Exception as error:
                if isinstance(error, FileNotFoundError):
                    raise
                if attempt == TRIES_PER_REQUEST - 1 or _is_permanent(error):
                    raise self._explain(name, error, writes) from error
                time.sleep(FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1))  # noqa: S311
        raise AssertionError("the last attempt returns or raises")

    def _explain(self, name: str, error: Exception, writes: bool) -> HarnessError:
        url = f"{self.url}/{name}".rstrip("/")
        if isinstance(error, HarnessError) or not writes:
            return explain_error(url, error)
        why = _first_line(error)
        if isinstance(error, FileNotFoundError):
            why = f"there is no such bucket or folder ({why})"
        return StoreError(f"{url}: cannot be written: {why}")
