"""How well the judges of a panel agree, two by two: a table for the terminal and for the page."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import IO, Any, NamedTuple

import numpy as np

from evalharness.report.gathered import config_of, entries_of
from evalharness.report.table import (
    RUN_WIDTH,
    TextRow,
    has_votes,
    interval_text,
    number_text,
    show_table,
)
from evalharness.stats import raters
from evalharness.store.runs import Run

# A panel's votes on one aspect of a summary are parts of its score: judge after judge, and of each
# as many as it draws answers.
_VOTE = re.compile(r"(?:(?P<aspect>.+)\.)?vote_(?P<number>\d+)\Z")
# With more values than a scale has, votes are probabilities: what counts is the side of a half.
_MOST_VALUES = 11
_MOST_GROUPS = 200  # of articles, of which one after the other is left out for an interval
_HEADINGS = ("score", "judge", "other judge", "n", "same", "interval", "κ", "interval")


@dataclass(frozen=True)
class JudgePair:
    """How often two judges of a panel say the same of a summary, and Cohen's kappa.

    label: the check's, with the criterion where it has several. n: summaries that both judged. low,
    high: of the share, and of kappa, over articles; NaN where there is none.
    """

    label: str
    one: str
    other: str
    n: int
    same: raters.AgreementFigure
    kappa: raters.AgreementFigure


class _Votes(NamedTuple):
    """What two judges said, shape (summaries, 2), and the article of each summary."""

    values: list[Any]
    articles: list[str]


def judge_pairs(runs: Sequence[Run]) -> list[JudgePair]:
    """Return how well each two judges of a panel agree on the summaries of all runs."""
    found: dict[tuple[str, str, str], _Votes] = defaultdict(lambda: _Votes([], []))
    for run in runs:
        ids: list[str] = []
        for label, names in _panels(run):
            ids = ids or run.table(["id"]).column("id").to_pylist()
            for aspect, votes in _votes(run, label, len(names)):
                for one, other in combinations(range(len(names)), 2):
                    both = found[aspect, names[one], names[other]]
                    both.values.append(votes[:, [one, other]])
                    both.articles.extend(ids)
    pairs = (_pair(*key, votes) for key, votes in found.items())
    return [pair for pair in pairs if pair.n]


def _panels(run: Run) -> Iterator[tuple[str, list[str]]]:
    """Yield the label of each check with a panel, and the names of its judges, in their order."""
    config = config_of(run)
    for section in ("checks", "metrics"):
        for entry in entries_of(config.get(section)):
            label = str(entry.get("label") or entry.get("name"))
            members = entry.get("panel")
            if isinstance(members, list) and members and label in run.figures:
                yield label, _names([entry.get("endpoint") or entry, *members])


def _names(members: Sequence[Any]) -> list[str]:
    """Return a short name of each judge: the end of its model's, its number where two share that.

    >>> _names([{"model": "org/one"}, {"model": "b/two"}, {"model": "c/two"}, 3])
    ['one', 'two (2)', 'two (3)', 'judge (4)']
    """
    models = [each.get("model") if isinstance(each, Mapping) else None for each in members]
    short = [str(model or "judge").rstrip("/").rpartition("/")[2] for model in models]
    return [
        name if model and short.count(name) == 1 else f"{name} ({n})"
        for n, (name, model) in enumerate(zip(short, models, strict=True), 1)
    ]


def _votes(run: Run, label: str, judges: int) -> Iterator[tuple[str, Any]]:
    """Yield each aspect with the votes of all judges, shape (articles, judges); draws as a mean."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for part in run.figures[label].parts:
        if vote := _VOTE.fullmatch(part):
            numbers[vote["aspect"] or ""].append(int(vote["number"]))
    for aspect, drawn in numbers.items():
        draws = -(-max(drawn) // judges)
        name = f"{label}.{aspect}" if aspect else label
        votes = np.full((run.n, judges * draws), np.nan)
        places = [number - 1 for number in sorted(drawn)]
        votes[:, places] = run.values([f"{name}.vote_{place + 1}" for place in places])
        each = votes.reshape(run.n, judges, draws)
        n = (~np.isnan(each)).sum(axis=2)
        yield name, np.where(n, np.nansum(each, axis=2) / np.maximum(n, 1), np.nan)


def _pair(label: str, one: str, other: str, votes: _Votes) -> JudgePair:
    values = np.concatenate(votes.values)
    judged = ~np.isnan(values).any(axis=1)
    both = values[judged]
    if len(np.unique(both)) > _MOST_VALUES:
        both = (both >= 0.5).astype(np.float64)
    weighting: raters.Weighting = "quadratic" if len(np.unique(both)) > 2 else ""
    kappa = partial(raters.mean_cohen_kappa, weighting=weighting)
    number = {name: n % _MOST_GROUPS for n, name in enumerate(dict.fromkeys(votes.articles))}
    groups = [str(number[votes.articles[n]]) for n in np.flatnonzero(judged)]
    return JudgePair(
        label,
        one,
        other,
        len(both),
        raters.with_intervals(raters.percent_agreement, both, groups, (0.0, 1.0)),
        raters.with_intervals(kappa, both, groups, (-1.0, 1.0)),
    )


def panel_table(pairs: Sequence[JudgePair]) -> list[TextRow]:
    """Return the table of the pairs of judges, those that agree least first."""
    return [_HEADINGS, *map(_row, sorted(pairs, key=lambda pair: (pair.label, pair.same.value)))]


def _row(pair: JudgePair) -> list[str]:
    return [
        pair.label,
        pair.one,
        pair.other,
        str(pair.n),
        *_with_interval(pair.same, partial(number_text, digits=0), 100),
        *_with_interval(pair.kappa, partial(number_text, digits=2), 1),
    ]


def _with_interval(figure: raters.AgreementFigure, write: Any, times: int) -> tuple[str, str]:
    value, low, high = (
        None if np.isnan(each) else times * each for each in (figure.value, figure.low, figure.high)
    )
    if low == high:  # all articles say the same: nothing tells how another would move it
        low = high = None
    return write(value), interval_text(low, high, write)


def show_panel(runs: Sequence[Run], out: IO[str]) -> None:
    """Print the table of a panel's judges, and what to know of it; nothing where no panel was."""
    if pairs := judge_pairs(runs):
        print(file=out)
        show_table(panel_table(pairs), out, "lll", panel_notes(), RUN_WIDTH)


class PanelSection(NamedTuple):
    """The table, and what to know of it."""

    rows: Sequence[TextRow]
    notes: Sequence[str]


def panel_section(runs: Sequence[Run]) -> PanelSection | None:
    """Return the page's section; None where no panel was asked."""
    pairs = judge_pairs(runs) if has_votes(runs) else []
    return PanelSection(panel_table(pairs), panel_notes()) if pairs else None


def panel_notes() -> list[str]:
    """Return what the table does not say of itself."""
    return [
        "Same: of 100 summaries that both judges scored, how many got the same grade from both. Of "
        "probabilities: both over a half, or both under it.",
        "κ: Cohen's kappa, agreement beyond chance; 1 is perfect, 0 is chance. With more than two "
        "grades, a disagreement counts by its squared distance.",
        "95% intervals over articles (jackknife); – where all articles give the same figure.",
    ]
