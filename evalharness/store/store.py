"""The store of a results folder: a ledger for each signature, and what its keys are."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any, Self
from weakref import WeakValueDictionary

from filelock import FileLock, Timeout

from evalharness.errors import ConfigError, ModelError
from evalharness.protocols import Need, is_url
from evalharness.records import Article, digest
from evalharness.store.ledger import (
    Ledger,
    LedgerKind,
    MadeWith,
    PaceFile,
    cannot_write,
    ledger_path,
    mirror_of,
    signature_of,
)
from evalharness.store.samples import STORE as STORE

Signature = Mapping[str, Any]


class Store:
    """The ledgers of a results folder; whoever asks for one that is in use gets the same."""

    def __init__(self, folder: Path, made_with: MadeWith | None = None) -> None:
        """Take the folder of all ledgers, and what gives the versions that make what is added."""
        self.folder = folder
        self.made_with = made_with
        self._mirror = mirror_of(folder.parent)
        self._ledgers: WeakValueDictionary[Path, Ledger] = WeakValueDictionary()

    def ledger(self, kind: LedgerKind, signature: Signature) -> Ledger:
        """Return the ledger of what a signature made, on disk from now on."""
        path = ledger_path(self.folder / kind, signature)
        ledger = self._ledgers.get(path)
        if ledger is None:
            parts = None if self._mirror is None else self._mirror.parts_of(path)
            ledger = Ledger(self.folder / kind, signature, self.made_with, parts)
            self._ledgers[path] = ledger
        return ledger

    def pace_file(self, signature: Signature) -> PaceFile:
        """Return what was found out about the model of a signature."""
        return PaceFile(self.folder / "pace", signature, self._mirror)

    def look(self, kind: LedgerKind, signature: Signature) -> Ledger | None:
        """Return a ledger if there is one, and write nothing."""
        path = ledger_path(self.folder / kind, signature)
        ledger = self.ledger(kind, signature) if self._mirror or path.is_file() else None
        return ledger if ledger is not None and path.is_file() else None

    def ledgers(
        self, kind: LedgerKind, among: Collection[Path] | None = None
    ) -> Iterator[tuple[Signature, Ledger]]:
        """Yield every ledger of a kind with its signature, in the order of their names.

        among: the paths of those to open; None opens all.
        """
        for path in sorted((self.folder / kind).glob("*.jsonl")):
            if among is not None and path not in among:
                continue
            with path.open("rb") as file:
                signature = signature_of(file.readline())
            if signature is not None and ledger_path(path.parent, signature) == path:
                yield signature, self.ledger(kind, signature)


def working_folder(results: str | Path) -> Path:
    """Return the folder to compute in: of results at a URL, one of this process that mirrors them.

    Raises: ConfigError for what is no such URL; DataError where its package is missing.
    """
    text = str(results)
    if slip := re.match(r"([A-Za-z][A-Za-z0-9]+):/(?!/)", text):
        raise ConfigError(f"{text}: did you mean {slip[1]}://{text[slip.end() :]}?")
    if not is_url(text):
        return Path(results)
    if wild := re.search(r"[*?\[]", text):  # file systems would look for a pattern
        raise ConfigError(f"{text}: the URL of results may have no {wild[0]}")
    from evalharness.store.mirror import new_mirror

    return new_mirror(text).folder


def output_path(to: str | Path) -> Path:
    """Return where to write a file or folder: for a URL in a folder that mirrors what is there.

    Raises: ConfigError for a URL without a bucket; DataError where its package is missing.
    """
    if not is_url(str(to)):
        return Path(to)
    url = str(to).rstrip("/")
    above, _, name = url.rpartition("/")
    if not name or above.endswith(("/", ":")):
        raise ConfigError(f"{to}: name a file there, as in {url}/report.html")
    return working_folder(above) / name


class Claims:
    """What a command has for itself while it is at work: locks, which end with its process."""

    def __init__(self, results: Path) -> None:
        """Take the folder of all results, whose store has the locks."""
        self._folder = results / STORE / "locks"
        self._held = ExitStack()
        self._names: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def take(self, *what: object) -> bool:
        """Claim a thing, such as a folder, and tell whether no other command has it."""
        name = f"{digest(list(what))[:32]}.lock"
        if name in self._names:
            return True
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._held.enter_context(FileLock(self._folder / name, timeout=0))
        except Timeout:
            return False
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        self._names.add(name)
        return True


def content_key(article: Article, needs: frozenset[Need]) -> str:
    """Return the key of what a component looks at in an article."""
    looked_at = {need: _LOOKED_AT[need](article) for need in needs}
    if looked_at.keys() <= _TEXTS and len(article.text) <= LONGEST_KEPT:
        return _key_of_texts(*looked_at.items())
    return digest(looked_at)


# A run asks for the keys of its window of articles again and again, for each model and scorer.
KEPT_KEYS = 2048
# Characters of an article whose key is kept, since its text is kept with it.
LONGEST_KEPT = 20_000
_TEXTS = frozenset({"article", "references"})


@lru_cache(KEPT_KEYS)
def _key_of_texts(*looked_at: tuple[Need, Any]) -> str:
    return digest(dict(looked_at))


_LOOKED_AT: Mapping[Need, Callable[[Article], Any]] = {
    "article": lambda article: article.text,
    "references": lambda article: tuple(article.references),
    "title": lambda article: article.extra.get("title"),
    "summary": lambda article: article.extra.get("summary"),
    "published": lambda article: article.extra.get("published"),
    "id": lambda article: article.id,
}


def preference_key(article: str, first: str, second: str) -> str:
    """Return the key of what a judge says of two summaries, from digests of the texts it sees."""
    return digest([article, first, second])


def check_length(name: str, got: int, wanted: int) -> None:
    """Raise ModelError where a component gave not one result for each article."""
    if got != wanted:
        raise ModelError(
            f"{name}: gave {got} results for {wanted} articles; a bug of the component"
        )
