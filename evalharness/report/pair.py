"""Runs against a baseline: what got better, what got worse, and on which articles the most."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalharness.comparison.comparison import Difference, incomplete_runs
from evalharness.config.registry import detectable_figure, scaled_figure
from evalharness.report.articles import Articles, Texts, article_scores
from evalharness.report.gate import GATE_WORDS, Change, gate_notes, word_diff
from evalharness.report.gathered import Gathered, ScoreColumn, article_link
from evalharness.report.ranking import Standings, copying_systems, without_folders
from evalharness.report.table import p_value
from evalharness.stats.intervals import Values

if TYPE_CHECKING:
    from evalharness.comparison.gate import Gate

WORST_SHOWN = 20
_ALIKE = 0.5  # characters in both, for each that only the one or the other has
_LONGEST = 2_000  # characters of words that stand together
WordChanges = tuple[tuple[Change, str], ...]


@dataclass(frozen=True)
class Fall:
    """The articles on which a system's score fell the most, the furthest first.

    values: the first system's and this one's, shape (articles, 2).
    """

    system: int
    column: ScoreColumn
    articles: tuple[int, ...]
    values: Values


@dataclass(frozen=True)
class ScoreChange:
    """How one score differs between a system and the baseline.

    verdict: `better`, `worse`, or that no difference is shown; `copied` for a higher score by a
    check of what is copied, `lower than a copy` where that is the baseline.
    """

    system: str
    label: str
    verdict: str
    n: int
    difference: str
    low: str
    high: str
    p: str
    record: str
    detectable: str


@dataclass(frozen=True)
class FallenArticle:
    """An article on which a score fell.

    link: where the page shows it. words: the two summaries, what only one has marked.
    """

    id: str
    link: str
    baseline: str
    candidate: str
    difference: str
    words: WordChanges = ()

    @property
    def alike(self) -> bool:
        """Whether a good part of the words stands in both."""
        lengths = {"same": 0, "removed": 0, "added": 0}
        for kind, words in self.words:
            lengths[kind] += len(words)
        return lengths["same"] > _ALIKE * max(lengths["removed"], lengths["added"])


@dataclass(frozen=True)
class WorstArticles:
    """The articles on which a system's score fell the most."""

    system: str
    label: str
    fallen: tuple[FallenArticle, ...]


@dataclass(frozen=True)
class GateSummary:
    """What the gate says: the verdict, a line for each rule, and how it came about."""

    verdict: str
    words: str
    reason: str
    outcomes: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PairSection:
    """All that the section shows.

    incomplete: systems that did not answer every article, and how many they did. left_out: whether
    they are not compared, as complete ones are there.
    """

    baseline: str
    systems: tuple[str, ...]
    changed: tuple[ScoreChange, ...]
    level: str
    worst: tuple[WorstArticles, ...] = ()
    gate: GateSummary | None = None
    incomplete: tuple[tuple[str, str], ...] = ()
    left_out: bool = False


def pair_section(
    gathered: Gathered,
    texts: Texts,
    standings: Standings,
    fallen: Sequence[Fall],
    gate: "Gate | None" = None,
) -> PairSection | None:
    """Return what changed from the first system to the others; None where nothing compares."""
    comparison = standings.compared
    if comparison is None:
        return None
    partial = incomplete_runs(gathered.runs, gathered.names)
    copying = copying_systems(gathered)
    judged = {column.key: column for column in gathered.columns if column.judged}
    return PairSection(
        baseline=comparison.systems[0],
        systems=comparison.systems[1:],
        changed=tuple(
            _change_row(difference, judged[difference.metric], comparison.level, copying)
            for difference in comparison.differences
            if difference.metric in judged
        ),
        level=f"{1 - comparison.level:.0%}",
        worst=tuple(
            each for each in _worst(gathered, texts, fallen) if each.system in comparison.systems
        ),
        gate=None if gate is None else _verdict(gate, gathered),
        incomplete=tuple(partial.items()),
        left_out=comparison is standings.complete,
    )


def _change_row(
    change: Difference, column: ScoreColumn, level: float, copying: Sequence[str]
) -> ScoreChange:
    low, high = (scaled_figure(end, change.metric, "+") for end in (change.low, change.high))
    verdict = "no difference shown"
    if change.p_holm <= level and change.difference:
        verdict = "better" if change.difference > 0 else "worse"
        if column.kind == "check" and column.verdict:
            verdict = _word_of_copy(change, verdict, copying)
    return ScoreChange(
        system=change.system,
        label=column.label,
        verdict=verdict,
        n=change.n,
        difference=scaled_figure(change.difference, change.metric, "+"),
        low=low,
        high=high,
        p=p_value(change.p_holm),
        record=f"{change.wins} / {change.ties} / {change.losses}",
        detectable=detectable_figure(change.detectable, change.metric),
    )


def _word_of_copy(change: Difference, verdict: str, copying: Sequence[str]) -> str:
    """Return the verdict by a check, which finds nothing wrong with what is copied."""
    if verdict == "better" and change.system in copying:
        return "copied"
    if verdict == "worse" and change.baseline in copying and change.system not in copying:
        return "lower than a copy"
    return verdict


def falls(gathered: Gathered, articles: Articles) -> list[Fall]:
    """Return the articles on which scores fell from the first system to each other, if any did."""
    columns = [column for column in gathered.columns if column.judged]
    scores = article_scores(gathered, articles, columns)
    all_falls = []
    for system in range(1, len(gathered.runs)):
        for n, column in enumerate(columns):
            both = scores[:, n, [0, system]]
            change = np.nan_to_num(both[:, 1] - both[:, 0], nan=0.0)
            order = np.argsort(change, kind="stable")[:WORST_SHOWN].tolist()
            if fallen := tuple(article for article in order if change[article] < 0):
                all_falls.append(Fall(system, column, fallen, both))
    return all_falls


def _worst(gathered: Gathered, texts: Texts, fallen: Sequence[Fall]) -> Iterator[WorstArticles]:
    """Yield the worst articles; of two systems, with their words side by side."""
    with_words = len(gathered.runs) == 2
    fallen_articles = {article for fall in fallen for article in fall.articles}
    words = {n: _words(texts, n) if with_words else () for n in fallen_articles}
    for fall in fallen:
        entries = (
            _fallen_row(texts.articles.ids[n], fall.values[n].tolist(), fall.column.key, words[n])
            for n in fall.articles
        )
        yield WorstArticles(gathered.names[fall.system], fall.column.label, tuple(entries))


def _words(texts: Texts, article: int) -> WordChanges:
    before, after = (texts.of(article, system)["summary"]["text"] for system in (0, 1))
    return tuple((kind, words[:_LONGEST]) for kind, words in word_diff(before, after))


def _fallen_row(id: str, values: Sequence[float], metric: str, words: WordChanges) -> FallenArticle:
    one, other = values
    return FallenArticle(
        id=id,
        link=article_link(id),
        baseline=scaled_figure(one, metric),
        candidate=scaled_figure(other, metric),
        difference=scaled_figure(other - one, metric, "+"),
        words=words,
    )


def _verdict(gate: "Gate", gathered: Gathered) -> GateSummary:
    return GateSummary(
        verdict=gate.verdict,
        words=GATE_WORDS[gate.verdict],
        reason=without_folders(gate.reason, gathered),
        outcomes=tuple(
            (outcome.verdict, outcome.name, outcome.message) for outcome in gate.outcomes
        ),
        notes=tuple(gate_notes(gate)),
    )
