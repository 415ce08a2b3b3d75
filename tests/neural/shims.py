"""What the authors' code needs so that it runs here: their splitter, and calls that are gone."""

import contextlib
import importlib.util
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neural import texts


@contextlib.contextmanager
def importable(path: Path) -> Iterator[None]:
    """Put a copy of a repository before all other packages."""
    sys.path.insert(0, str(path))
    try:
        yield
    finally:
        sys.path.remove(str(path))


def plain_sentences() -> None:
    """Have nltk split by `texts.split`; before the authors' modules are imported.

    Its own splitter needs data that must be downloaded. Words need no splitter of sentences here.
    """
    import nltk  # type: ignore[import-untyped]
    from nltk.tokenize.destructive import NLTKWordTokenizer  # type: ignore[import-untyped]

    untyped: Any = nltk
    for module in (untyped, untyped.tokenize):
        module.sent_tokenize = texts.split_texts
        module.word_tokenize = NLTKWordTokenizer().tokenize
    untyped.download = lambda *_, **__: True


def absent(*names: str) -> None:
    """Put empty modules in the place of packages that are imported and not used."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            sys.modules[name] = types.ModuleType(name)


def stand_ins(module: Any, folders: dict[str, Path]) -> None:
    """Have a module's `Auto…` classes load tiny checkpoints in the place of names on the hub."""

    class StandIn:
        def __init__(self, original: Any) -> None:
            self.original = original

        def from_pretrained(self, name: str, **options: Any) -> Any:
            for gone in ("device_map", "cache_dir", "revision", "token", "finetuning_task"):
                options.pop(gone, None)
            folder = next(folder for part, folder in folders.items() if part in name)
            return self.original.from_pretrained(str(folder), **options)

    for name in [name for name in vars(module) if name.startswith("Auto")]:
        setattr(module, name, StandIn(getattr(module, name)))
