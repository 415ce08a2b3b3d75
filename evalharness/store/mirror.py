"""Results at a URL, as a folder of this machine: one that mirrors them, and copies to be read.

A run computes in a folder of its process, with locks, appends and renames as ever. What it computes
is put at the URL as parts (`parts`), batch by batch; the files of its runs are put there as soon as
they have their names here, so `run.json` last, and the mark of an unfinished run first. So the
folder may vanish at any time: whoever goes on begins with what is at the URL.

Whoever reads finished runs gets a copy of their files, kept from one command to the next. A file is
fetched again only where its SHA-256 is not the one that `run.json` tells; and where it is not that
one then either, the run is being written.
"""

import atexit
import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePosixPath

from evalharness.errors import DataError
from evalharness.files.remote import RemoteFolder
from evalharness.protocols import Url
from evalharness.records import digest
from evalharness.store.ledger import HOST, MIRRORS, is_alive
from evalharness.store.parts import LedgerParts, PartStore
from evalharness.store.samples import (
    RUN_FILE,
    STORE,
    SWEEP_FILE,
    UNFINISHED,
    digests_of,
    file_digest,
)

_PREFIX = f"evalharness-mirror-{HOST}-"


class Mirror:
    """A folder that mirrors results at a URL."""

    def __init__(self, url: str, folder: Path) -> None:
        """Take both. Raises: DataError where the package for the URL is missing."""
        self.url = url.rstrip("/")
        self.folder = folder
        self._remote = RemoteFolder(url)
        self._parts = PartStore(url)
        self._pulled: set[Path] = set()

    def parts_of(self, ledger: Path) -> LedgerParts:
        """Return the parts of a ledger; one that lies whole at the URL is fetched before."""
        for path in (ledger, ledger.with_suffix(".versions.json")):
            self.pull(path)
        return self._parts.of(ledger.parent.name, ledger.stem)

    def pull(self, path: Path) -> None:
        """Fetch a file, once, if it is there and not here. Raises: DataError."""
        if path in self._pulled or path.exists():
            return
        self._pulled.add(path)
        with suppress(FileNotFoundError):
            _fetch(self._remote, self._name(path), path)

    def pull_experiment(self, folder: Path) -> None:
        """Fetch what says which runs an experiment has, and which are unfinished."""
        for file in self._remote.sizes(self._name(folder)):
            last = PurePosixPath(file).name
            if last in (RUN_FILE, SWEEP_FILE) or last.startswith(UNFINISHED):
                self.pull(self.folder / file)

    def put(self, path: Path) -> None:
        """Put a file of the folder where it belongs at the URL. Raises: StoreError."""
        self._remote.put(self._name(path), path)

    def remove(self, path: Path) -> None:
        """Remove a file at the URL. Raises: StoreError."""
        self._remote.remove(self._name(path))

    def address(self, path: Path) -> str:
        """Return the URL of a file or folder."""
        return f"{self.url}/{self._name(path)}"

    def _name(self, path: Path) -> str:
        return path.absolute().relative_to(self.folder).as_posix()


@cache
def new_mirror(url: str) -> Mirror:
    """Return a mirror of results at a URL, the same for all that a process does with them.

    It lies where temporary files do, and goes with the process; what a killed one left behind is
    removed by the next. Raises: DataError where the package for the URL is missing.
    """
    _remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")).absolute()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    mirror = MIRRORS[folder] = Mirror(url, folder)
    return mirror


def _remove_leftovers() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = folder.name[len(_PREFIX) :].partition("-")[0]
        if pid.isdigit() and not is_alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _fetch(remote: RemoteFolder, name: str, path: Path) -> None:
    """Fetch a file whole or not at all. Raises: FileNotFoundError, DataError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{HOST}.{os.getpid()}.part")
    try:
        remote.fetch(name, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


# Copies of finished runs, to be read; one that is so new is not looked at again.

_FRESH_SECONDS = 5.0
_fetched: dict[Path, float] = {}


def local_runs(url: str) -> Path:
    """Return a folder with the runs at a URL: of a run, an experiment, or all results.

    Raises: DataError where nothing is there, or a run is being written.
    """
    remote = RemoteFolder(url)
    folder = copies_folder() / digest(remote.url)[:16] / (Url(remote.url).name or "results")
    if time.monotonic() - _fetched.get(folder, -_FRESH_SECONDS) < _FRESH_SECONDS:
        return folder
    names = [name for name in remote.sizes() if _is_read(name)]
    if not names:
        raise DataError(f"{url}: no runs are there")
    for name in names:
        last = PurePosixPath(name).name
        if last in (RUN_FILE, SWEEP_FILE) or last.startswith(UNFINISHED):
            _fetch(remote, name, folder / name)
    for name in names:
        _fetch_checked(remote, name, folder)
    _remove_others(folder, set(names))
    _fetched[folder] = time.monotonic()
    return folder


def copies_folder() -> Path:
    """Return where copies of runs are kept, which may be removed at any time."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "evalharness" / "runs"


def _is_read(name: str) -> bool:
    path = PurePosixPath(name)
    is_safe = ".." not in path.parts and "\\" not in name and not path.is_absolute()
    return is_safe and path.parts[0] != STORE and path.suffix not in (".html", ".part")


def _fetch_checked(remote: RemoteFolder, name: str, folder: Path) -> None:
    """Fetch a file of a run unless it is here, and see that it is the one of its `run.json`."""
    path = folder / name
    sealed = _sealed_digests(path.parent).get(path.name)
    if path.name in (RUN_FILE, SWEEP_FILE) or path.name.startswith(UNFINISHED):
        return
    if sealed is None or not path.exists() or file_digest(path) != sealed:
        _fetch(remote, name, path)
        if sealed is not None and file_digest(path) != sealed:
            raise DataError(
                f"{remote.url}/{name}: not the file that its run.json tells of: the run is being "
                "written, or was not written whole; try again, or run its config again"
            )


def _sealed_digests(folder: Path) -> dict[str, str]:
    try:
        return digests_of(json.loads((folder / RUN_FILE).read_bytes()))
    except (OSError, ValueError, RecursionError, AttributeError):
        return {}


def _remove_others(folder: Path, names: set[str]) -> None:
    """Remove what a copy has and the URL has no more: marks, runs of an earlier sweep."""
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in names:
            path.unlink(missing_ok=True)
