"""What every tracker needs: a table of samples, files, a folder of its own, and silence."""

import contextlib
import importlib
import importlib.util
import io
import logging
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

from evalharness.errors import MissingExtra
from evalharness.protocols import Tracked

FilesSent = Literal["small", "all", "none"]

# Characters of a text in a table of samples: tools hold tables in memory, and so do browsers.
LONGEST_TEXT = 2000


class Tool:
    """What a tracker tells; `modules` are those that it imports, the first named as its extra."""

    modules: ClassVar[tuple[str, ...]]

    def ready(self) -> None:
        """Do nothing where the tool is installed. Raises: MissingExtra."""
        if any(importlib.util.find_spec(module) is None for module in self.modules):
            raise MissingExtra(f"the tracker {self.modules[0]}", self.modules[0])


def sample_table(tracked: Tracked, n: int) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and rows of the first `n` samples: texts, scores, and what was flagged."""
    labels = list(tracked.scorers)
    columns = ["id", "article", "reference", "summary", "finish", *labels, "flags"]
    return columns, [_row(sample, labels) for sample in islice(tracked.read(), n)]


def _row(sample: Mapping[str, Any], labels: list[str]) -> list[Any]:
    summary, scores = sample["summary"], sample["scores"]
    messages = [
        f"{summary['text'][flag['start'] : flag['end']]}: {flag['message']}"
        for label in labels
        for flag in scores[label].get("flags", ())
    ]
    texts = [sample["article"], "\n\n".join(sample["references"]), summary["text"]]
    shown = [clip_text(text) for text in texts]
    values = [scores[label]["value"] for label in labels]
    return [clean(sample["id"]), *shown, summary["finish"], *values, clip_text("\n".join(messages))]


def clip_text(text: str) -> str:
    """Return a text that is not too long for a table, and that UTF-8 can hold."""
    return clean(text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…")


def clean(text: str) -> str:
    """Return a text with halves of surrogate pairs and NUL shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def files(tracked: Tracked, which: FilesSent) -> list[Path]:
    """Return the files of the run that are wanted."""
    wanted = {"none": (), "small": tracked.files, "all": (*tracked.files, *tracked.texts)}
    return list(wanted[which])


def folder(option: str | None, tracked: Tracked, name: str) -> Path:
    """Return the folder of a tool, below the results if the config names none; made if missing."""
    path = Path(option).expanduser() if option else tracked.results / "trackers" / name
    path.mkdir(parents=True, exist_ok=True)
    return path.absolute()


@contextlib.contextmanager
def quiet_tool(*loggers: str, **environment: str | None) -> Iterator[None]:
    """Keep a tool from printing, and set environment variables for it (None: not set)."""
    before = {name: os.environ.get(name) for name in environment}
    levels = {name: logging.getLogger(name).level for name in loggers}
    _set(environment)
    for name in loggers:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        _set(before)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _set(environment: Mapping[str, str | None]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
