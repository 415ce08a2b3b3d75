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
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import get_args

from evalharness.errors import ConfigError, DataError
from evalharness.files.remote import RemoteFolder
from evalharness.protocols import Url
from evalharness.records import digest
from evalharness.store.ledger import ADDRESSES, HOST, MIRRORS, LedgerKind, is_alive
from evalharness.store.parts import PARTS, LedgerParts, PartStore, merged_ledger, part_store
from evalharness.store.samples import (
    RUN_FILE,
    STORE,
    SWEEP_FILE,
    TABLE_FILE,
    UNFINISHED,
    digests_of,
    file_digest,
)

# A page is made again from the runs, and never read.
PAGE_SUFFIX, LEDGER_SUFFIX = ".html", ".jsonl"
_PREFIX = f"evalharness-mirror-{HOST}-"


class Mirror:
    """A folder that mirrors results at a URL."""

    def __init__(self, url: str, folder: Path) -> None:
        """Take both. Raises: DataError where the package for the URL is missing."""
        self.url = url.rstrip("/")
        self.folder = folder
        self._remote = RemoteFolder(url)
        self._parts = part_store(self.url)
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
            if _is_head(file):
                self.pull(self.folder / file)

    def pull_run(self, folder: Path) -> None:
        """Fetch the files of a run that are there and not here."""
        for file in self._remote.sizes(self._name(folder)):
            if PurePosixPath(file).suffix != PAGE_SUFFIX:
                self.pull(self.folder / file)

    def put(self, path: Path) -> None:
        """Put a file of the folder where it belongs at the URL. Raises: StoreError."""
        self._remote.put(self._name(path), path)

    def remove(self, path: Path) -> None:
        """Remove a file at the URL. Raises: StoreError."""
        self._remote.remove(self._name(path))

    def _name(self, path: Path) -> str:
        return path.absolute().relative_to(self.folder).as_posix()


@cache
def new_mirror(url: str) -> Mirror:
    """Return a mirror of results at a URL, the same for all that a process does with them.

    It lies where temporary files do, and goes with the process; what a killed one left behind is
    removed by the next. Raises: DataError where the package for the URL is missing.
    """
    _remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    mirror = MIRRORS[folder] = Mirror(url, folder)
    ADDRESSES[str(folder)] = mirror.url
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
_fetched: dict[tuple[str, bool], tuple[float, Path]] = {}
# What judges say of two runs stands in the store, not in the runs; whoever reads these wants it.
_READ_LEDGERS = ("preferences",)


def local_runs(url: str, *, ledgers: bool = False) -> Path:
    """Return a folder with the runs at a URL: of a run, an experiment, or all results.

    It lies in a copy of the results that they belong to, beside what judges said of them.

    ledgers: have all ledgers there. Raises: DataError where no run is there, or one is being
        written.
    """
    is_file = Url(url).name in (RUN_FILE, TABLE_FILE)
    remote = RemoteFolder(url.rpartition("/")[0] if is_file else url)
    known = _fetched.get((remote.url, ledgers))
    if known and time.monotonic() - known[0] < _FRESH_SECONDS:
        return known[1]
    names = _names_of_runs(remote)
    results, root, folder = _copy_of(remote.url, _depth(names))
    for name in filter(_is_head, names):
        _fetch(remote, name, folder / name)
    for name in names:
        _fetch_checked(remote, name, folder)
    _remove_others(folder, set(names))
    if results:
        for kind in get_args(LedgerKind) if ledgers else _READ_LEDGERS:
            _copy_ledgers(RemoteFolder(results), kind, root / STORE, anew=ledgers)
    _fetched[remote.url, ledgers] = time.monotonic(), folder
    return folder


def mirrored_runs(url: str) -> Path:
    """Return a folder with the runs at a URL that mirrors them: what is written there is put.

    Raises: DataError where no run is there; ConfigError where the folder of all results cannot be
        known.
    """
    remote = RemoteFolder(url)
    depth = _depth(_names_of_runs(remote))
    results, below = _results_above(remote.url, 2 - depth)
    if not results:
        raise ConfigError(
            f"{url}: runs can be written again in RESULTS/EXPERIMENT/RUN only, and this is higher "
            "up; copy them: evalharness copy URL FOLDER"
        )
    mirror = new_mirror(results)
    mirror.pull_run(mirror.folder / below)
    return mirror.folder / below


def copies_folder() -> Path:
    """Return where copies of runs are kept, which may be removed at any time."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(home) / "evalharness" / "runs").resolve()


def _is_head(name: str | PurePosixPath) -> bool:
    """Tell whether a file says which runs there are, and which of them are unfinished."""
    last = PurePosixPath(name).name
    return last in (RUN_FILE, SWEEP_FILE) or last.startswith(UNFINISHED)


def _names_of_runs(remote: RemoteFolder) -> list[str]:
    """Return the files of the runs at a URL, not those of anything else that is there.

    Raises: DataError where no run is there.
    """
    names = [name for name in remote.sizes() if _is_read(name)]
    folders = {PurePosixPath(name).parent for name in names if _is_head(name)}
    if not folders:
        raise DataError(f"{remote.url}: no runs are there")
    return [name for name in names if PurePosixPath(name).parent in folders]


def _is_read(name: str) -> bool:
    path = PurePosixPath(name)
    is_safe = ".." not in path.parts and "\\" not in name and not path.is_absolute()
    is_own = bool(path.parts) and path.parts[0] != STORE
    return is_safe and is_own and path.suffix not in (PAGE_SUFFIX, ".part")


def _depth(names: Iterable[str]) -> int:
    """Return how far below a URL its runs are: 0 for that of a run, 1 for that of an experiment."""
    heads = filter(_is_head, map(PurePosixPath, names))
    return min(len(path.parts) - (path.name != SWEEP_FILE) for path in heads)


def _copy_of(url: str, depth: int) -> tuple[str, Path, Path]:
    """Return the results that runs at a URL are of, the folder of their copy, and of the runs.

    No results where the URL has too few parts to have such.
    """
    results, below = _results_above(url, 2 - depth)
    top = results or url
    root = copies_folder() / digest(top)[:16] / (Url(top).name or "results")
    folder = root / below if results else root / "/".join(["runs"] * (2 - depth))
    ADDRESSES[str(root if results else folder)] = top
    if results:  # so that what a judge says of these runs is put beside them
        MIRRORS.setdefault(root, Mirror(results, root))
    return results, root, folder


def _results_above(url: str, levels: int) -> tuple[str, str]:
    """Return the URL so many levels up, and the way down again; no URL where there is none."""
    if levels <= 0:
        return url, ""
    results, *below = url.rsplit("/", levels)
    return ("" if results.endswith(("/", ":")) else results), "/".join(below)


def _fetch_checked(remote: RemoteFolder, name: str, folder: Path) -> None:
    """Fetch a file of a run unless it is here, and see that it is the one of its `run.json`."""
    path = folder / name
    sealed = _sealed_digests(path.parent).get(path.name)
    if _is_head(name):
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
        name = path.relative_to(folder)
        if name.parts[0] != STORE and path.is_file() and name.as_posix() not in names:
            path.unlink(missing_ok=True)


def _copy_ledgers(results: RemoteFolder, kind: str, store: Path, *, anew: bool) -> None:
    """Have the ledgers of a kind beside copies of runs, as far as one may look at the URL.

    A ledger is made again where what is listed of it has changed; anew: whatever is listed.
    """
    try:
        whole = results.sizes(f"{STORE}/{kind}")
        parts = results.sizes(f"{PARTS}/{kind}")
    except DataError as error:
        if isinstance(error.__cause__, PermissionError):  # who may read the runs only
            return
        raise
    listed: dict[str, list[str]] = {}
    for name, size in (whole | parts).items():
        path = PurePosixPath(name)
        if path.suffix == LEDGER_SUFFIX:
            stem = path.parent.name if name in parts else path.stem
            listed.setdefault(stem, []).append(f"{name} {size}")
    for stem, files in listed.items():
        state, ledger = store / kind / f".{stem}.{digest(files)[:16]}", store / kind / stem
        if anew or not state.exists():
            _copy_ledger(results, ledger)
            for old in state.parent.glob(f".{stem}.*"):
                old.unlink(missing_ok=True)
            state.touch()


def _copy_ledger(results: RemoteFolder, ledger: Path) -> None:
    """Make a ledger of what is at a URL of it, and move it to its name."""
    kind = ledger.parent.name
    ledger.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=copies_folder()) as made:
        names = [f"{ledger.name}{LEDGER_SUFFIX}", f"{ledger.name}.versions.json"]
        for name in names:
            with suppress(FileNotFoundError):
                _fetch(results, f"{STORE}/{kind}/{name}", Path(made) / kind / name)
        merged_ledger(PartStore(results.url).of(kind, ledger.name), Path(made))
        for name in names:
            new = Path(made) / kind / name
            if new.exists():
                new.replace(ledger.parent / name)
            else:  # no part is whole
                (ledger.parent / name).unlink(missing_ok=True)
