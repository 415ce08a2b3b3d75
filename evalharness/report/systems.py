"""The table of systems: likely errors and scores with their intervals, sorted by one of them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evalharness.comparison.shared import is_of_older_version
from evalharness.report.gathered import Gathered, ScoreColumn, SystemRole
from evalharness.report.glossary import GLOSSARY
from evalharness.report.provenance import TrustCard
from evalharness.report.ranking import Mark, Standings, competitors, copying_systems
from evalharness.report.table import error_finders, join_names, number_text, percent_text
from evalharness.store.runs import Run, ScorerFigures
from evalharness.store.table import LIKELY_ERRORS


@dataclass(frozen=True)
class Bar:
    """A bar in a cell, all in hundredths of its width: from where to where, and its interval.

    lines: where the best baseline and the upper bound lie. whole: where the scale ends, whatever
    the other bars of the column are; 0 where it ends with the farthest of them.
    """

    start: float
    end: float
    low: float
    high: float
    lines: tuple[tuple[str, float], ...] = ()
    whole: float = 0


@dataclass(frozen=True)
class TableFigure:
    """One cell of the table: a mean with its interval, and its place beside the best.

    text: the figure; small: its interval. value: what the column is sorted by. top: whether no
    system that competes is shown to be better.
    """

    text: str
    small: str = ""
    value: float | None = None
    mark: Mark = ""
    top: bool = False
    bar: Bar | None = None


_OLD_SCORES = TableFigure("", small="scored by an older version")


# Why a column is folded: all systems have the same, none is better, or it is no judgement.
Fold = Literal["", "same", "alike", "no judgement"]


@dataclass(frozen=True)
class TableColumn:
    """A column of the table: likely errors by a check, or a score.

    term: of the glossary, where it has one. less: whether less is better. folded: why it is shown
    on request only, as it tells no system from another; empty where it is always shown.
    """

    key: str
    label: str
    term: str = ""
    by: str = ""
    card: TrustCard | None = None
    judged: bool = True
    less: bool = False
    folded: Fold = ""


@dataclass(frozen=True)
class Badge:
    """What a system is beside the others, in a word or two, and how that looks."""

    text: str
    look: Literal["best", "tie", "lower", "copied", "role"]


@dataclass(frozen=True)
class SystemRow:
    """A system with its figures, one for each column, and with what came out of it."""

    name: str
    role: SystemRole
    badge: Badge | None
    articles: int
    failed: int
    rejected: int
    answered: str
    words: str
    truncated: str
    defects: str
    figures: tuple[TableFigure | None, ...]

    @property
    def stands_apart(self) -> bool:
        """Whether it is no competitor: a baseline beside others, an upper bound, or incomplete."""
        return self.badge is not None and self.badge.look == "role"


def table_columns(
    gathered: Gathered, standings: Standings, trust: Mapping[str, TrustCard]
) -> Iterator[TableColumn]:
    """Yield the columns: likely errors by each check that names some, then the scores."""
    finders = error_finders(gathered.runs)
    for label in finders:
        by = f"by {label}"
        yield TableColumn(f"{label}{LIKELY_ERRORS}", "likely errors", "likely error", by, less=True)
    first_of = {c.measure.metric: c.key for c in reversed(gathered.columns)}
    for column in gathered.columns:
        first = first_of[column.measure.metric] == column.key
        yield TableColumn(
            column.key,
            column.label,
            term=_term_of(column, gathered),
            card=trust.get(column.measure.metric),
            judged=column.judged,
            folded="" if first else _fold_of(column, gathered, standings),
        )


def _term_of(column: ScoreColumn, gathered: Gathered) -> str:
    kind = gathered.made_by(column.measure.metric)
    names = (column.label, f"{kind} {column.label}", kind)
    return next((name for name in names if name in GLOSSARY), "")


def _fold_of(column: ScoreColumn, gathered: Gathered, standings: Standings) -> Fold:
    """Say why a further part of a metric need not be seen at first."""
    if len(gathered.runs) < 2:
        return ""
    if not column.judged:
        return "no judgement"
    ranking = standings.rankings.get(column.key)
    running = competitors(gathered)
    if ranking is None or len(running) < 2:
        return ""
    marks = {ranking.marks.get(name) for name in running}
    return "alike" if marks <= {"best", "tie", "copied"} else ""


def fold_columns(
    columns: Sequence[TableColumn], rows: Sequence[SystemRow]
) -> tuple[list[TableColumn], str]:
    """Return the columns, those folded in which all have the same, and what to sort by: its key.

    One that is judged is left as it is, whatever stands in it.
    """
    shown = []
    for n, column in enumerate(columns):
        values = {cell.value for row in rows if (cell := row.figures[n])}
        same = len(rows) > 2 and len(values) == 1
        shown.append(replace(column, folded="same") if same else column)
    open_ones = [each for each in shown if each.judged and not each.folded]
    if not open_ones:
        shown = list(columns)
    by = next((each for each in (*open_ones, *shown) if each.judged), None)
    return shown, by.key if by else ""


def fold_sentences(columns: Sequence[TableColumn]) -> Iterator[str]:
    """Yield what the folded columns say."""
    said = {"same": "The same for all:", "alike": "No significant difference by"}
    for why, words in {**said, "no judgement": "Descriptive, not a score:"}.items():
        labels = [" ".join(filter(None, (c.label, c.by))) for c in columns if c.folded == why]
        if labels:
            yield f"{words} {join_names(labels)}."


def system_rows(gathered: Gathered, standings: Standings) -> Iterator[SystemRow]:
    """Yield the systems in the order of the runs, each with its figures."""
    for n, (run, name) in enumerate(zip(gathered.runs, gathered.names, strict=True)):
        yield SystemRow(
            name=name,
            role=gathered.roles[n],
            badge=_badge(name, gathered.roles[n], gathered, standings),
            articles=run.n,
            failed=run.counts.failed,
            rejected=run.counts.rejected,
            answered=percent_text(run.outputs.answer_rate),
            words=number_text(run.outputs.mean_words, 0),
            truncated=_share(run.outputs.truncated, run.n),
            defects=", ".join(f"{k} {what}" for what, k in run.outputs.defects.items()),
            figures=tuple(_cells(n, gathered, standings)),
        )


def _cells(n: int, gathered: Gathered, standings: Standings) -> Iterator[TableFigure | None]:
    """Yield a system's figures, one for each column."""
    run, name = gathered.runs[n], gathered.names[n]
    for label in error_finders(gathered.runs):
        yield _error_cell(label, run, standings, name)
    for column in gathered.columns:
        old = is_of_older_version(run, column.measure.metric, gathered.runs)
        yield _OLD_SCORES if old else _score_cell(column, run, standings.mark(column, name))


def _error_cell(label: str, run: Run, standings: Standings, name: str) -> TableFigure | None:
    errors = run.figures[label].likely_errors if label in run.figures else None
    if errors is None or not errors.of:
        return None
    share = errors.summaries / errors.of
    ranking = standings.errors.get(label)
    mark = "" if ranking is None else ranking.marks.get(name, "")
    return TableFigure(
        f"{errors.summaries} of {errors.of}",
        f"{100 * errors.low:.0f} – {errors.high:.0%}",
        share,
        mark,
        top=mark in ("best", "tie"),
        bar=Bar(0, 100 * share, 100 * errors.low, 100 * errors.high, whole=100),
    )


def _score_cell(column: ScoreColumn, run: Run, mark: Mark) -> TableFigure | None:
    figure = column.of(run)
    if figure is None or figure.mean is None:
        return None
    if isinstance(figure, ScorerFigures) and figure.corpus is not None:
        return TableFigure(f"{figure.corpus:.1f}", value=figure.corpus)
    mean, low, high = (column.text(x) for x in (figure.mean, figure.low, figure.high))
    between = figure.low is not None and figure.high is not None
    return TableFigure(
        mean,
        f"{low} – {high}" if between else "",
        figure.mean,
        mark,
        top=mark in ("best", "tie"),
        bar=Bar(0, figure.mean, figure.low or figure.mean, figure.high or figure.mean),
    )


def _badge(name: str, role: SystemRole, gathered: Gathered, standings: Standings) -> Badge | None:
    """Return the one word or two on a system that stand beside its name."""
    if len(gathered.runs) > 1 and not gathered.runs[gathered.names.index(name)].is_complete:
        return Badge("not ranked", "role")
    running = competitors(gathered)
    if role and name not in running:
        return Badge(role, "role")
    marks = {r.column.label: m for r in standings.every if (m := r.marks.get(name))}
    if len(running) < 2 or not marks:
        return Badge(role, "role") if role else None
    lower = [label for label, mark in marks.items() if mark == "lower"]
    if lower:
        return Badge(f"lower by {join_names(lower, 1)}", "lower")
    if name in copying_systems(gathered):
        return Badge("copies the article", "copied")
    others = [r.marks.get(each) for r in standings.every for each in running if each != name]
    if "tie" not in others and "lower" in others and set(marks.values()) == {"best"}:
        return Badge("best", "best")
    return Badge("no significant difference" if "lower" not in others else "among the best", "tie")


def with_bars(rows: Sequence[SystemRow]) -> list[SystemRow]:
    """Return the rows with their bars brought to one scale a column, from 0 to the farthest end.

    A share of summaries is on a scale from 0 to 100 %, as elsewhere on the page.
    """
    cells = list(zip(*(row.figures for row in rows), strict=True))
    scaled = [_scale_column(rows, column) for column in cells]
    figures = list(zip(*scaled, strict=True)) if scaled else [()] * len(rows)
    return [replace(row, figures=new) for row, new in zip(rows, figures, strict=True)]


def _scale_column(
    rows: Sequence[SystemRow], cells: Sequence[TableFigure | None]
) -> list[TableFigure | None]:
    bars = [cell.bar for cell in cells if cell and cell.bar]
    least = min((min(bar.low, bar.end, 0) for bar in bars), default=0)
    width = max((max(bar.high, bar.end, bar.whole) for bar in bars), default=0) - least or 1

    def place(value: float) -> float:
        return round(100 * (value - least) / width, 1)

    ends: dict[str, list[float]] = {}
    for row, cell in zip(rows, cells, strict=True):
        if row.role and cell and cell.bar:
            ends.setdefault(row.role, []).append(place(cell.bar.end))
    lines = tuple((role, max(found)) for role, found in ends.items())
    moved: list[TableFigure | None] = []
    for cell in cells:
        bar = cell.bar if cell else None
        if cell and bar:
            start, end, low, high = map(place, (0, bar.end, bar.low, bar.high))
            moved.append(replace(cell, bar=Bar(start, end, low, high, lines)))
        else:
            moved.append(cell)
    return moved


def sorted_rows(
    rows: Sequence[SystemRow], columns: Sequence[TableColumn], key: str
) -> list[SystemRow]:
    """Return the systems that compete, the best by a column first, and then the others likewise."""
    by = next((n for n, column in enumerate(columns) if column.key == key), None)

    def order(row: SystemRow) -> tuple[bool, bool, float]:
        cell = None if by is None else row.figures[by]
        value = cell.value if cell and cell.value is not None else math.inf
        less = by is not None and columns[by].less
        worse = value if less or value == math.inf else -value
        return row.stands_apart, row.role == "upper bound", worse

    return sorted(rows, key=order)


def _share(n: int, of: int) -> str:
    """Return a share in percent, and never 0 % or 100 % of what is not none or all."""
    if not of or n in (0, of):
        return f"{100 if of and n else 0}%"
    return f"{min(max(n / of, 0.01), 0.99):.0%}"
