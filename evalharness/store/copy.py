"""Results to and from other places through fsspec: a run's folder, an experiment's, or all.

What a run has written into a folder can be copied anywhere, and back. Of results that were computed
at a URL, the parts there (`parts`) become ledgers of a folder.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from evalharness.errors import DataError, HarnessError, StoreError
from evalharness.files.remote import explain_error, file_system
from evalharness.protocols import Url, is_url
from evalharness.store.columns import link_same_content
from evalharness.store.ledger import Ledger, RunFolder, SystemsFile, ledger_path, signature_of
from evalharness.store.parts import PARTS, PartStore, merged_ledger, split_by_versions
from evalharness.store.samples import ARTICLES, RUN_FILE, SWEEP_FILE, UNFINISHED
from evalharness.store.store import STORE

# Written last, as it is by a run: a folder without one is not whole.
LAST = (RUN_FILE, SWEEP_FILE)
BUFFER = 2**20


@dataclass(frozen=True)
class CopyCounts:
    """How many files of a folder were copied, with how many bytes; and how many were there."""

    files: int
    bytes: int
    there: int


def copy(source: str, target: str, tell: Callable[[str], object] = lambda line: None) -> CopyCounts:
    """Copy a folder of results to or from a URL; one of source and target may be on this machine.

    A ledger of the target that has the same records, or these and more, is left as it is; one that
    has others keeps them, and gets those of the source. All other files are written again,
    `run.json` last. Nothing is removed but marks of runs that have come to their end since. Locks,
    half-written files and links to folders stay behind. What parts at a URL have is added to the
    ledgers of a folder.

    tell: told of each file before it is copied.
    Raises: DataError for a source that is no folder of results; StoreError for a target that cannot
        be written.
    """
    there, here = _Place(source), _Place(target)
    files = sorted(there.files(), key=lambda name: (PurePosixPath(name).name in LAST, name))
    if not files:
        raise DataError(f"{source}: no folder with results: no files")
    if not any(PurePosixPath(name).name in LAST or _is_ledger(name) for name in files):
        raise DataError(f"{source}: no folder with results: no {RUN_FILE} in it or below it")
    parts = set(filter(_is_part, files)) if there.remote and not here.remote else set[str]()
    ways = {name: _way(there, here, name) for name in files if _is_ledger(name)}
    n = size = kept = 0
    for name in files:
        way = ways.get(_ledger_of(name), "copy")
        if name in parts or (way in ("keep", "join") and name not in ways):
            continue  # what stands beside a ledger goes with it
        if name in ways and way in ("keep", "same"):
            kept += 1
            continue
        tell(name)
        size += (_join_ledgers if way == "join" else _copy_file)(there, here, name)
        n += 1
        if PurePosixPath(name).name == RUN_FILE:
            here.remove_marks(name.rpartition("/")[0], files)
    if parts:  # to what lies whole at the URL, which is here by now
        tell(PARTS)
        merged = _merge_parts(source, Path(target))
        n, size = n + merged[0], size + merged[1]
    return CopyCounts(n, size, kept)


def _is_part(name: str) -> bool:
    return name.startswith(f"{PARTS}/")


def _merge_parts(source: str, target: Path) -> tuple[int, int]:
    """Add what parts have to the ledgers of a folder; return how many, and their bytes."""
    store = PartStore(source)
    merged = [merged_ledger(store.of(*name.split("/")), target / STORE) for name in store.names()]
    paths = [ledger.path for ledger in merged if ledger is not None]
    for path in paths:  # it does not name the systems in these parts
        SystemsFile(path).path.unlink(missing_ok=True)
    return len(paths), sum(path.stat().st_size for path in paths)


def _is_ledger(name: str) -> bool:
    return f"/{STORE}/" in f"/{name}" and name.endswith(".jsonl")


def _ledger_of(name: str) -> str:
    """Return the name of the ledger beside which a file would stand, or its own."""
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition('.')[0]}.jsonl"


def _is_copied(name: str) -> bool:
    last = PurePosixPath(name).name
    half = last.startswith(".") and last.endswith(".part")
    return not (half or last.endswith(".lock"))


class _Place:
    """A folder, wherever it is: names of files in it are relative, with slashes."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.remote = is_url(folder)
        where = folder if self.remote else f"local://{Path(folder).absolute()}"
        self.fs, root = file_system(Url(where))
        self.root = root.rstrip("/")

    def files(self) -> Iterator[str]:
        try:
            found = self.fs.find(self.root) if self.fs.isdir(self.root) else []
        except Exception as error:
            raise explain_error(self.folder, error) from error
        for path in found:
            name = str(path)[len(self.root) :].lstrip("/")
            if ".." in PurePosixPath(name).parts or "\\" in name:
                raise DataError(f"{self.folder}: {name!r} leads out of the folder")
            if _is_copied(name) and (self.remote or Path(path).is_file()):
                yield name

    def size(self, name: str) -> int | None:
        try:
            size: int | None = self.fs.info(self.path(name)).get("size")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except Exception as error:
            raise explain_error(self.folder, error) from error
        return size

    def remove_marks(self, folder: str, kept: Sequence[str]) -> None:
        """Remove what marks a run's folder as unfinished, but for names to be kept."""
        try:
            for path in self.fs.ls(self.path(folder).rstrip("/"), detail=False):
                name = str(path)[len(self.root) :].lstrip("/")
                if PurePosixPath(name).name.startswith(UNFINISHED) and name not in kept:
                    self.fs.rm_file(path)
        except Exception as error:
            raise StoreError(f"{self.folder}: {folder}: {error}") from error

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def url(self, name: str) -> str:
        return f"{self.folder.rstrip('/')}/{name}".rstrip("/")


def _way(source: _Place, target: _Place, name: str) -> Literal["copy", "same", "keep", "join"]:
    """Return what is to be done with a ledger, which grows at its end alone.

    One that is the same may lack what stands beside it, where a copy was ended between the two.
    """
    new, known = source.size(name), target.size(name)
    if new is None or known is None:
        return "copy"
    if not _begin_alike(source, target, name, min(new, known)):
        return "join"
    if new == known:
        return "same"
    return "copy" if new > known else "keep"


def _begin_alike(source: _Place, target: _Place, name: str, size: int) -> bool:
    try:
        with (
            source.fs.open(source.path(name), "rb") as one,
            target.fs.open(target.path(name), "rb") as other,
        ):
            for start in range(0, size, BUFFER):
                n = min(BUFFER, size - start)
                if one.read(n) != other.read(n):
                    return False
    except Exception as error:
        raise explain_error(target.folder, error) from error
    return True


def _join_ledgers(source: _Place, target: _Place, name: str) -> int:
    """Add to a ledger what another of its name has, and return the bytes of that one.

    At a URL, where no file is appended to, it is put beside the ledger, as parts.
    """
    root, _, _ = name.rpartition(f"{STORE}/")
    with tempfile.TemporaryDirectory(prefix="evalharness-") as made:
        ledger, size = _fetched_ledger(source, name, _Place(made))
        if target.remote:
            parts = PartStore(target.url(root)).of(ledger.path.parent.name, ledger.path.stem)
            for path, made_with in split_by_versions(ledger):
                if not parts.holds(path):
                    parts.put(path, made_with)
            return size
        joined = Ledger(Path(target.path(name)).parent, ledger.signature)
        for path, made_with in split_by_versions(ledger):
            with path.open("rb") as lines:
                lines.readline()
                joined.add_lines(lines, made_with)
        SystemsFile(joined.path).path.unlink(missing_ok=True)  # it names its own systems alone
    return size


def _fetched_ledger(source: _Place, name: str, folder: _Place) -> tuple[Ledger, int]:
    """Return a ledger as it is in a folder of this machine, and its bytes."""
    size = _copy_file(source, folder, name)
    versions = f"{name.removesuffix('.jsonl')}.versions.json"
    if source.size(versions) is not None:
        _copy_file(source, folder, versions)
    path = Path(folder.path(name))
    with path.open("rb") as file:
        signature = signature_of(file.readline())
    if signature is None or ledger_path(path.parent, signature) != path:
        raise StoreError(f"{source.folder}: {name}: its first line is not that of such a ledger")
    return Ledger(path.parent, signature), size


def _copy_file(source: _Place, target: _Place, name: str) -> int:
    """Copy a file whole or not at all, and return its size."""
    path = target.path(name)
    part = path if target.remote else f"{path}.part"  # object stores show a file when it is whole
    try:
        target.fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        with source.fs.open(source.path(name), "rb") as read, target.fs.open(part, "wb") as write:
            shutil.copyfileobj(read, write, BUFFER)
        if not target.remote:
            Path(part).replace(path)
            if Path(path).name == ARTICLES:
                link_same_content(RunFolder(Path(path).parent), Path(path))
    except Exception as error:
        if isinstance(error, HarnessError):
            raise
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise StoreError(f"{source.folder} to {target.folder}: {name}: {lines[0]}") from error
    copied, original = target.size(name), source.size(name)
    if original is not None and copied != original:
        raise StoreError(f"{target.folder}: {name} has {copied} bytes, not {original}; copy again")
    return original or 0
