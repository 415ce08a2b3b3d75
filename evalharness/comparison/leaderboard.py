"""All runs in a results folder, best first: from `run.json` alone.

Ranked are runs that answered every article. What answers a few easy ones may have the highest mean
of all, so that others stand below, by how much they answered.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from evalharness.comparison.shared import again_command, copies, older_version, versions_of
from evalharness.config.registry import scorer_kind, scorer_row, tells_truth
from evalharness.config.yaml import nearest
from evalharness.errors import DataError
from evalharness.files import nearest_path
from evalharness.store import samples
from evalharness.store.runs import (
    Figure,
    Run,
    UnfinishedRun,
    folder_of,
    length_note,
    read_run_file,
    run_folders,
    unequal_lengths,
)

_Ends = tuple[float | None, float | None, float | None]  # a mean with its interval


@dataclass(frozen=True)
class LeaderboardRow:
    """A run: how much it answered and how long, and each figure's mean with its interval.

    rank: among the complete runs on the same articles; None where it is not one of them, and by a
        check where its summaries are copied from their articles.
    """

    run: str
    articles: int
    answered: float | None
    words: float | None
    truncated: float
    figures: Mapping[str, _Ends]
    rank: int | None = None


@dataclass(frozen=True)
class Board:
    """Runs on the same articles, best first.

    signatures: what made the figures, by their heading; a metric that runs made with other settings
    has a heading of its own for each. old: lines on runs with scores of an older version, on
    those that a check does not rank, and on lengths that differ.
    """

    fingerprint: str
    headings: tuple[str, ...]
    signatures: Mapping[str, str]
    rows: tuple[LeaderboardRow, ...]
    old: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leaderboard:
    """A board for each set of articles, the one with the most runs first.

    unreadable, unfinished: a line for each folder whose run is damaged, or did not come to its end.
    """

    boards: tuple[Board, ...]
    sorted_by: str
    unreadable: tuple[str, ...]
    unfinished: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def leaderboard(*folders: str | Path | Run, by: str = "", incomplete: bool = False) -> Leaderboard:
    """Return all finished runs in folders, or some runs, grouped by their articles, best first.

    folders: default `results`. by: the figure to sort by (`rouge.rougeLsum`, or `rougeLsum`);
    otherwise the first. incomplete: whether to rank runs that did not answer every article, too;
    else they stand below. A `run.json` that cannot be read is told of in `unreadable`, a folder
    whose newest run did not finish in `unfinished`.

    Raises: DataError where there is no run, or no such figure.
    """
    given = folders or ("results",)
    read = _Folders()
    for folder in given:
        read.add(folder, several=len(given) > 1)
    runs = read.runs
    if read.unfinished and not (runs or read.unreadable):
        raise read.unfinished[0]
    if not runs:
        raise DataError("\n".join([*read.unreadable, f"{given[0]}: no finished run"]))
    groups: dict[str, dict[str, Run]] = {}
    for name, run in runs.items():
        groups.setdefault(run.fingerprint, {})[name] = run
    by = _figure_named(by, runs)
    boards = [_board(fingerprint, group, by, incomplete) for fingerprint, group in groups.items()]
    boards.sort(key=lambda board: -len(board.rows))
    unfinished = tuple(map(str, read.unfinished))
    return Leaderboard(tuple(boards), by, tuple(read.unreadable), unfinished)


class _Folders:
    """The runs of folders, by their names, and those that cannot be read or did not finish."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.unreadable: list[str] = []
        self.unfinished: list[UnfinishedRun] = []

    def add(self, folder: str | Path | Run, *, several: bool) -> None:
        """Add a run, or those in a folder, which is part of their names if there are several."""
        if isinstance(folder, Run):
            name = folder.name if folder.name not in self.runs else str(folder.folder)
            self.runs[name] = folder
            return
        root = folder_of(folder)
        if not root.is_dir():
            raise DataError(f"{root}: there is no such folder{nearest_path(root)}")
        for inner in run_folders(root, "", "*/", "*/*/", "*/*/*/"):
            name = (inner if several else inner.relative_to(root)).as_posix()
            try:
                self.runs[name] = read_run_file(inner / samples.RUN_FILE)
            except UnfinishedRun as error:
                self.unfinished.append(error)
            except DataError as error:
                self.unreadable.append(str(error))


def _figure_named(by: str, runs: Mapping[str, Run]) -> str:
    """Return the heading of a figure that has this name, or is this part of the one metric.

    The name of a metric with several means the first of them: `rouge` is `rouge.rouge1`.

    Raises: DataError where there is none.
    """
    signatures: dict[str, str] = {}
    first = [name for run in runs.values() for name, _ in _figures(run, signatures)]
    known = sorted({*first})
    parts = [name for name in known if name.partition(".")[2] == by]
    parts = parts or [name for name in first if name.startswith(f"{by}.")][:1]
    if by and by not in known and len(parts) != 1:
        raise DataError(f"no figure {by!r}{nearest(by, known)}")
    return by if by in known or not by else parts[0]


def _board(fingerprint: str, group: Mapping[str, Run], by: str, incomplete: bool) -> Board:
    signatures = _newest_signatures(group)
    unequal = unequal_lengths(group.values()) is not None
    rows = [_row(name, run, signatures, unequal) for name, run in group.items()]
    old = dict(_old_versions(group))
    rows.sort(key=lambda row: row.run in old)
    headings = list(dict.fromkeys(heading for row in rows for heading in row.figures))
    first = by if by in headings else next(iter(headings), "")
    rows.sort(key=lambda row: (-_mean(row, first), row.run))
    ranked = [row for row in rows if incomplete or group[row.run].is_complete]
    by_check = _is_verdict(first, signatures)
    ranked = [row for row in ranked if not (by_check and copies(group[row.run]))]
    ranked = [row for row in ranked if not first or first in row.figures]
    others = [row for row in rows if row not in ranked]
    others.sort(key=lambda row: -(row.answered or 0.0))
    numbered = [replace(row, rank=rank) for rank, row in enumerate(ranked, 1)]
    copied = _copied_lines(rows, group) if by_check else ()
    lines = (*old.values(), *copied, *filter(None, [length_note(group.values())]))
    return Board(fingerprint, tuple(headings), signatures, (*numbered, *others), lines)


def _is_verdict(heading: str, signatures: Mapping[str, str]) -> bool:
    """Tell whether a figure is of a check that says whether a summary is true to its article."""
    scorer = heading.partition(".")[0].partition(" ")[0]
    is_check = scorer_kind(scorer, otherwise="metrics") == "checks"
    return is_check and tells_truth(signatures.get(scorer, scorer))


def _copied_lines(rows: Sequence[LeaderboardRow], group: Mapping[str, Run]) -> Iterator[str]:
    for row in rows:
        if copies(group[row.run]):
            yield f"{row.run}: not ranked: a check finds nothing wrong with what is copied"


def _newest_signatures(group: Mapping[str, Run]) -> dict[str, str]:
    """Return the signature that goes by a metric's own label: of its newest version."""
    newest: dict[str, str] = {}
    for run in group.values():
        for label, signature in run.signatures.metrics.items():
            known = newest.setdefault(label, signature)
            if versions_of(signature) > versions_of(known):
                newest[label] = signature
    return newest


def _old_versions(group: Mapping[str, Run]) -> Iterator[tuple[str, str]]:
    """Yield name and a line for each run with scores of an older version than another's."""
    for name, run in group.items():
        others = [other for other in group.values() if other is not run]
        labels = [
            label
            for label in run.figures
            if any(label in o.figures and older_version(run, o, label) is run for o in others)
        ]
        if labels:
            line = f"{name}: {', '.join(labels)}: of an older version; {again_command(run)}"
            yield name, line


def _mean(row: LeaderboardRow, heading: str) -> float:
    mean = row.figures.get(heading, (None,))[0]
    return float("-inf") if mean is None else mean


def _row(name: str, run: Run, signatures: dict[str, str], unequal: bool) -> LeaderboardRow:
    return LeaderboardRow(
        run=name,
        articles=run.n,
        answered=run.outputs.answer_rate,
        words=run.outputs.mean_words,
        truncated=run.outputs.truncated / run.n if run.n else 0.0,
        figures=dict(_figures(run, signatures, unequal)),
    )


def _figures(
    run: Run, signatures: dict[str, str], unequal: bool = True
) -> Iterator[tuple[str, _Ends]]:
    """Yield the figures by name; unequal: also those that stand beside where lengths differ."""
    for label, figures in run.figures.items():
        name = _number_label(label, run.signatures.metrics.get(label, label), signatures)
        row = scorer_row(run.kind(label))
        shown = (*row.shown, *row.beside) if unequal else row.shown
        parts = [part for part in shown if part in figures.parts]
        for part in parts:
            yield f"{name}.{part}", _ends(figures.parts[part])
        if figures.corpus is not None:
            yield f"{name}.corpus", (figures.corpus, None, None)
        elif not parts:
            yield name, _ends(figures)


def _ends(figure: Figure) -> _Ends:
    return figure.mean, figure.low, figure.high


def _number_label(label: str, signature: str, signatures: dict[str, str]) -> str:
    """Return the label, with a number from the second signature on that goes by it."""
    n, called = 1, label
    while signatures.setdefault(called, signature) != signature:
        n += 1
        called = f"{label} ({n})"
    return called
