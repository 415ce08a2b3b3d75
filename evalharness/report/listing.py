"""All runs below a folder of results, whatever their state: what `evalharness view` lists.

A run is listed from its `run.json` and its marks alone, without a text, and is read again only when
one of these has changed. Nothing is ever written.
"""

import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from evalharness.config.registry import scaled_figure
from evalharness.errors import DataError
from evalharness.report.table import error_finders, number_text
from evalharness.store import samples
from evalharness.store.ledger import entry_of
from evalharness.store.runs import LikelyErrors, Run, ScorerFigures, read_run_file
from evalharness.store.samples import WorkSigns, marks_of, read_signs
from evalharness.store.store import STORE

RunState = Literal["finished", "at work", "stopped", "damaged"]

# How deep below the folder runs lie, as for `leaderboard`.
_DEEPEST = 3
# Scores in a list of runs: the first figure of so many scorers.
MOST_SCORES = 5
# Of a ledger that grows, so many bytes from its end are looked at, for so many summaries.
_TAIL_BYTES, _LATEST = 256 * 1024, 5
_LEDGER_NAME = re.compile(r"[\w.-]+\.jsonl", re.ASCII)


@dataclass(frozen=True)
class ListedFigure:
    """A score of a run: its mean as it sorts, and mean and interval in words."""

    mean: float
    text: str
    interval: str = ""


@dataclass(frozen=True)
class ListedRun:
    """A folder of a run, and what is known of it without its texts.

    path: below the results, with slashes. why: what is wrong with a damaged one, or why one
    stopped. signs: of the process that is or was at work. changed: when the folder's state last
    changed, in seconds since 1970. stamp: of the files that this was read from. finder: the first
    check that names likely errors. figures: by the name of the score.
    """

    path: str
    folder: Path
    state: RunState
    stamp: tuple[object, ...] = ()
    why: str = ""
    signs: WorkSigns | None = None
    changed: float = 0.0
    experiment: str = ""
    name: str = ""
    started: str = ""
    n: int = 0
    fingerprint: str = ""
    model: str = ""
    metrics: Mapping[str, str] = field(default_factory=dict)
    finder: str = ""
    likely_errors: LikelyErrors | None = None
    figures: Mapping[str, ListedFigure] = field(default_factory=dict)

    @property
    def when(self) -> str:
        """When it was begun, to the minute, in UTC."""
        if self.started:
            return self.started[:16].replace("T", " ")
        began = self.signs.began if self.signs else self.changed
        return time.strftime("%Y-%m-%d %H:%M", time.gmtime(began))

    @property
    def system(self) -> str:
        """The name of the system; of a run that is not finished, its folder's."""
        return self.name or self.path.rpartition("/")[2]

    @property
    def group(self) -> str:
        """The experiment; of a run that is not finished, the folder above."""
        return self.experiment or self.path.rpartition("/")[0]

    @property
    def share(self) -> float | None:
        """How much of the work is done; None where nobody knows."""
        signs = self.signs
        return min(1.0, signs.done / signs.total) if signs and signs.total else None

    def matches(self, words: str) -> bool:
        """Tell whether all words stand somewhere in what the list says of it."""
        said = f"{self.path} {self.system} {self.state} {self.when} {self.model} {self.fingerprint}"
        return all(word in said.casefold() for word in words.casefold().split())


class RunList:
    """The runs below a folder; asked again, it reads only what has changed."""

    def __init__(self, root: Path) -> None:
        """Take the folder of results. Raises: DataError where it is none."""
        self.root = root.resolve()
        if not self.root.is_dir():
            raise DataError(f"{root}: there is no such folder; evalharness demo makes a first run")
        self._known: dict[Path, ListedRun] = {}
        self._lock = threading.Lock()

    def runs(self) -> list[ListedRun]:
        """Return all runs, the newest first. Raises: DataError where the folder is gone."""
        if not self.root.is_dir():
            raise DataError(f"{self.root}: the folder is gone; runs into it will show again")
        with self._lock:
            listed = [self._read(folder) for folder in _run_folders(self.root, _DEEPEST)]
            self._known = {run.folder: run for run in listed}
        return sorted(listed, key=lambda run: (run.when, run.path), reverse=True)

    def find(self, path: str) -> ListedRun:
        """Return the run that the list has under a path. Raises: DataError where there is none."""
        for run in self.runs():
            if run.path == path:
                return run
        raise DataError(f"{path[:200]}: no such run below {self.root}")

    def latest_summaries(self, run: ListedRun) -> list[str]:
        """Return the newest summaries in the ledger that a run at work writes to, newest first."""
        name = run.signs.ledger if run.signs else ""
        ledger = run.folder.parent.parent / STORE / "summaries" / name
        if not _LEDGER_NAME.fullmatch(name) or not _is_within(ledger, self.root):
            return []
        try:
            with ledger.open("rb") as file:
                file.seek(max(0, ledger.stat().st_size - _TAIL_BYTES))
                lines = file.read(_TAIL_BYTES).splitlines(keepends=True)
        except OSError:
            return []
        records = (entry.get("record") for entry in map(entry_of, reversed(lines)) if entry)
        texts = (record.get("text") for record in records if isinstance(record, dict))
        return [text for text in texts if isinstance(text, str)][:_LATEST]

    def _read(self, folder: Path) -> ListedRun:
        stamp = _stamp(folder)
        known = self._known.get(folder)
        if known is not None and known.stamp == stamp and known.state != "at work":
            return known
        path = folder.relative_to(self.root).as_posix()
        changed = max((part[1] for part in stamp), default=0) / 1e9
        run = ListedRun(path, folder, "damaged", stamp, changed=changed)
        return _with_state(run, self.root)


def list_stamp(runs: Sequence[ListedRun]) -> str:
    """Return a word that is another when the list is: a run ended, came, went or stopped."""
    rows = [
        (run.path, run.state, run.stamp if run.state == "finished" else run.why) for run in runs
    ]
    return f"{hash(tuple(rows)) & 0xFFFFFFFFFFFF:012x}"


def _run_folders(root: Path, depth: int) -> Iterator[Path]:
    """Yield the folders of runs below a folder, and itself if it is one; no link is followed."""
    try:
        with os.scandir(root) as entries:
            inner = list(entries)
    except OSError:  # gone since, or not ours to read
        return
    if any(e.name == samples.RUN_FILE or e.name.startswith(samples.UNFINISHED) for e in inner):
        yield root
        return
    for entry in inner if depth else ():
        if entry.is_dir(follow_symlinks=False) and entry.name != STORE:
            yield from _run_folders(Path(entry.path), depth - 1)


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return names, times and sizes of the files that tell the state of a run."""
    stamp = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name == samples.RUN_FILE or entry.name.startswith(samples.UNFINISHED):
                    status = entry.stat(follow_symlinks=False)
                    stamp.append((entry.name, status.st_mtime_ns, status.st_size))
    except OSError:
        return ()
    return tuple(sorted(stamp))


def _is_within(path: Path, root: Path) -> bool:
    """Tell whether a path, and what it links to, lies below a folder."""
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # links in a circle
        return False


def _link_outside(folder: Path, root: Path) -> str:
    """Return the name of a file of a run that links to what lies elsewhere; empty without one."""
    with os.scandir(folder) as entries:
        links = [entry.name for entry in entries if entry.is_symlink()]
    return next((name for name in links if not _is_within(folder / name, root)), "")


def _with_state(run: ListedRun, root: Path) -> ListedRun:
    """Return a run with its state, and with what its files say."""
    try:
        if link := _link_outside(run.folder, root):
            raise DataError(f"{run.folder / link}: links to what is not in {root}; not read")
        if marks := marks_of(run.folder):
            return _unfinished_run(run, marks)
        return _finished_run(run, read_run_file(run.folder / samples.RUN_FILE))
    except (DataError, OSError) as error:
        return replace(run, why=str(error))


def _unfinished_run(run: ListedRun, marks: Sequence[Path]) -> ListedRun:
    """Return a run that is at work, or stopped; of several marks the latest sign counts."""
    signs = [found for mark in marks if (found := read_signs(mark)) is not None]
    working = [found for found in signs if found.is_at_work]
    latest = max(working or signs, key=lambda each: each.seen, default=None)
    if working:
        return replace(run, state="at work", signs=latest)
    why = latest.ended if latest and latest.ended else "killed, or its machine went down"
    return replace(run, state="stopped", signs=latest, why=why)


def _finished_run(run: ListedRun, of: Run) -> ListedRun:
    finders = error_finders([of])
    figures = {name: figure for name in first_scores(of) if (figure := _figure(of, name))}
    return replace(
        run,
        state="finished",
        experiment=of.experiment,
        name=of.name,
        started=of.timing.started,
        n=of.n,
        fingerprint=of.fingerprint,
        model=of.signatures.model,
        metrics=dict(of.signatures.metrics),
        finder=finders[0] if finders else "",
        likely_errors=of.figures[finders[0]].likely_errors if finders else None,
        figures=figures,
    )


def first_scores(run: Run) -> list[str]:
    """Return the name of the first figure of each scorer that tables show."""
    first: dict[str, str] = {}
    for name, (label, _) in run.shown.items():
        first.setdefault(label, name)
    return list(first.values())


def _figure(run: Run, name: str) -> ListedFigure | None:
    label, part = run.shown[name]
    figure = run.figure(label, part)
    if isinstance(figure, ScorerFigures) and figure.is_corpus:
        corpus = figure.corpus
        return None if corpus is None else ListedFigure(corpus, number_text(corpus, 1))
    if figure is None or figure.mean is None:
        return None
    mean, low, high = (
        scaled_figure(value, part, digits=1) for value in (figure.mean, figure.low, figure.high)
    )
    return ListedFigure(figure.mean, mean, f"{low} – {high}" if figure.low is not None else "")


def common_scores(runs: Sequence[ListedRun]) -> list[str]:
    """Return the scores that most of some runs have, in the order of the first run with them."""
    counts = Counter(name for run in runs for name in run.figures)
    most = {name for name, _ in counts.most_common(MOST_SCORES)}
    return [name for name in counts if name in most]


@dataclass(frozen=True)
class HistoryRow:
    """A run in the history of its system. before: the run before it; changes: what differs."""

    run: ListedRun
    before: ListedRun | None = None
    changes: tuple[str, ...] = ()


def history(runs: Sequence[ListedRun], system: str) -> list[list[HistoryRow]]:
    """Return the finished runs of a system over time, for each set of articles, newest first.

    The articles with the newest run come first.
    """
    groups: dict[str, list[ListedRun]] = {}
    for run in runs:
        if run.state == "finished" and run.system == system:
            groups.setdefault(run.fingerprint, []).append(run)
    return [_history_rows(group) for group in groups.values()]


def _history_rows(newest_first: Sequence[ListedRun]) -> list[HistoryRow]:
    before = [*newest_first[1:], None]
    return [
        HistoryRow(run, last, () if last is None else tuple(_changes(last, run)))
        for run, last in zip(newest_first, before, strict=True)
    ]


def _changes(before: ListedRun, after: ListedRun) -> Iterator[str]:
    """Yield what made the numbers of a run and did not make those of the run before it."""
    if before.model != after.model:
        yield f"model: {_parts_that_differ(before.model, after.model)}"
    for label, signature in after.metrics.items():
        if label not in before.metrics:
            yield f"{label}: new"
        elif before.metrics[label] != signature:
            yield f"{label}: {_parts_that_differ(before.metrics[label], signature)}"


def _parts_that_differ(before: str, after: str) -> str:
    """Return the options of a signature that another has not.

    >>> _parts_that_differ("lead|sentences:2|version:1", "lead|sentences:3|version:1")
    'sentences:3'
    """
    known = before.split("|")
    return ", ".join(part for part in after.split("|") if part not in known) or "less is set"
