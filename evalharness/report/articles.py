"""The articles of a report: those of all runs, their texts on disk, and which of them a page has.

A page that cannot hold all has the worst, the best, those with the most flags, and others at
random. The rule is a function of the runs alone: nothing of it depends on a clock or on chance.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from evalharness.errors import DataError
from evalharness.report.gathered import Gathered, ScoreColumn, article_link
from evalharness.stats.intervals import Values
from evalharness.store.runs import AGAIN, Run


@dataclass(frozen=True)
class Articles:
    """All articles of some runs: those with the same id, text and references are one.

    ids: in the order of the first run, then of the others. rows: shape (articles, systems), the row
    in each run, -1 in one without it.
    """

    ids: list[str]
    rows: "np.ndarray[Any, np.dtype[np.intp]]" = field(repr=False)

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.ids)

    @cached_property
    def shared_count(self) -> int:
        """How many all systems have."""
        return int((self.rows >= 0).all(axis=1).sum())


def articles_of(gathered: Gathered) -> Articles:
    """Return the articles of all runs."""
    runs = gathered.runs
    if len({run.fingerprint for run in runs}) == 1:
        ids = runs[0].table(["id"]).column(0).to_pylist()
        return Articles(ids, np.repeat(np.arange(runs[0].n)[:, None], len(runs), axis=1))
    places: dict[tuple[str, str, str, int], list[int]] = {}
    for at, run in enumerate(runs):
        for row, key in enumerate(_keys(run)):
            places.setdefault(key, [-1] * len(runs))[at] = row
    return Articles([key[0] for key in places], np.array(list(places.values()), dtype=np.intp))


def _keys(run: Run) -> Iterator[tuple[str, str, str, int]]:
    """Yield id and content of each article, and how often it stood before."""
    table = run.table(["id", "article", "references"])
    seen: dict[tuple[str, str, str], int] = {}
    for key in zip(*(table.column(n).to_pylist() for n in range(3)), strict=True):
        again = seen.get(key, 0)
        seen[key] = again + 1
        yield (*key, again)


# What each system made of an article, None where it does not have it.
ArticleSamples = Sequence[Mapping[str, Any] | None]


class Texts:
    """The samples of all runs, by the number of the article."""

    def __init__(self, gathered: Gathered, articles: Articles) -> None:
        """Find where the lines of all runs begin. Raises: DataError where they are not there."""
        self.articles = articles
        with ExitStack() as opening:
            self._files = [opening.enter_context(run.sample_reader()) for run in gathered.runs]
            self._open = opening.pop_all()

    def __enter__(self) -> "Texts":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __getitem__(self, article: int) -> ArticleSamples:
        """Return each system's sample of an article, None of one that does not have it."""
        rows = self.articles.rows[article].tolist()
        return [None if row < 0 else file[row] for file, row in zip(self._files, rows, strict=True)]

    def where(self, article: int, system: int) -> str:
        """Return file and line of one system's sample of an article."""
        return self._files[system].where(int(self.articles.rows[article, system]))

    def of(self, article: int, system: int) -> Mapping[str, Any]:
        """Return one system's sample of an article that it has."""
        return self._files[system][int(self.articles.rows[article, system])]


# What a sample gives whose values are not those that evalharness writes.
UNLIKE_A_SAMPLE = (KeyError, TypeError, ValueError, AttributeError)


def broken_sample(where: str, error: Exception) -> DataError:
    """Return what to raise of a sample that is not as evalharness writes it."""
    return DataError(f"{where}: not a sample as evalharness writes it ({error!r}); {AGAIN}")


def article_scores(
    gathered: Gathered, articles: Articles, columns: Sequence[ScoreColumn]
) -> Values:
    """Return the scores, NaN for a missing one, shape (articles, columns, systems)."""
    scores = np.full((articles.n, len(columns), len(gathered.runs)), np.nan)
    for system, run in enumerate(gathered.runs):
        rows = articles.rows[:, system]
        for n, column in enumerate(columns):
            if column.measure.column in run.columns:
                known = run.values([column.measure.column])[:, 0]
                scores[rows >= 0, n, system] = known[rows[rows >= 0]]
    return scores


def flag_counts(gathered: Gathered, articles: Articles) -> Values:
    """Return how many flags the summaries of each article have, over all systems and checks."""
    totals = np.zeros(articles.n)
    for system, run in enumerate(gathered.runs):
        rows = articles.rows[:, system]
        for metric in run.figures:
            if f"{metric}.flags" in run.columns:
                counts = run.values([f"{metric}.flags"])[:, 0]
                totals[rows >= 0] += np.nan_to_num(counts[rows[rows >= 0]], nan=0.0)
    return totals


SEED = 0
# Numbers of articles, in less memory than a list of them.
ArticleOrder = npt.NDArray[np.intp]


@dataclass(frozen=True)
class ArticleChoice:
    """The articles that a page carries, by their numbers, and the rule in words."""

    chosen: Sequence[int]
    of: int
    rule: str = "all articles"

    @property
    def all(self) -> bool:
        """Whether none is left out."""
        return len(self.chosen) == self.of

    def record(self) -> Mapping[str, Any]:
        """Return what the page says of it."""
        return {"shown": len(self.chosen), "of": self.of, "rule": self.rule}


def choose_all(articles: Articles) -> ArticleChoice:
    """Choose all articles."""
    return ArticleChoice(range(articles.n), articles.n)


def choose_articles(
    orders: Sequence[ArticleOrder], articles: Articles, most: int, first: Sequence[int] = ()
) -> ArticleChoice:
    """Choose at most so many articles; in the runs' order.

    orders: what `telling_orders` yields. first: those that the page speaks of anyway. Then come in
    turn one at random and one of an order.
    """
    if most >= articles.n:
        return choose_all(articles)
    kept = dict.fromkeys(itertools.islice(first, most))
    lists = [map(int, order) for order in orders]
    at_random = iter(np.random.default_rng(SEED).permutation(articles.n).tolist())
    sources = [source for order in lists for source in (order, at_random)] or [at_random]
    for source in itertools.cycle(sources):
        if len(kept) >= most:
            break
        new = next((article for article in source if article not in kept), None)
        if new is not None:
            kept[new] = None
    rule = (
        f"{len(kept):,} of {articles.n:,} articles: half at random (seed {SEED}), half in turn the "
        "lowest and the highest by each score and those with the most flags"
    )
    return ArticleChoice(sorted(kept), articles.n, rule)


def telling_orders(gathered: Gathered, articles: Articles) -> Iterator[ArticleOrder]:
    """Yield articles, the most telling first, by one view after the other.

    The lowest by each score, the highest by each score, those with the most flags.
    """
    columns = [column for column in gathered.columns if column.judged]
    scores = article_scores(gathered, articles, columns)
    lowest = np.fmin.reduce(scores, axis=2) if len(columns) else np.empty((articles.n, 0))
    highest = np.fmax.reduce(scores, axis=2) if len(columns) else np.empty((articles.n, 0))
    for n in range(len(columns)):
        yield _order(np.nan_to_num(lowest[:, n], nan=np.inf))
        yield _order(-np.nan_to_num(highest[:, n], nan=-np.inf))
    flags = flag_counts(gathered, articles)
    if flags.any():
        yield _order(-flags)


def _order(keys: "np.ndarray[Any, Any]") -> ArticleOrder:
    return np.argsort(keys, kind="stable")


# What summaries leave out: of each system so many articles, and of each so many sentences.
_MOST_LACKING, _MOST_LEFT_OUT, _LONGEST_LEFT_OUT = 6, 3, 400
# Samples that tell whether a scorer says what is left out.
_LOOKED_AT = 20


@dataclass(frozen=True)
class LeftOut:
    """What matters in an article and a summary does not say: sentences, the weightiest first."""

    id: str
    link: str
    value: str
    sentences: tuple[str, ...]


def left_out_section(
    gathered: Gathered, texts: Texts
) -> list[tuple[str, str, list[LeftOut]]] | None:
    """Return by system and scorer the articles of which the least is covered; None without any."""
    found = [
        (name, column.label, list(_lacking_articles(gathered, texts, system, column)))
        for system, name in enumerate(gathered.names)
        for column in gathered.columns
        if column.kind == "check" and _tells_left_out(texts, system, column)
    ]
    return [each for each in found if each[2]] or None


def _tells_left_out(texts: Texts, system: int, column: ScoreColumn) -> bool:
    articles = np.flatnonzero(texts.articles.rows[:, system] >= 0)[:_LOOKED_AT].tolist()
    return any(_spans_left_out(texts.of(article, system), column) for article in articles)


def _spans_left_out(sample: Mapping[str, Any], column: ScoreColumn) -> Sequence[Mapping[str, Any]]:
    score = sample.get("scores", {}).get(column.measure.metric) or {}
    spans: Sequence[Mapping[str, Any]] = score.get("left_out") or ()
    return spans


def _lacking_articles(
    gathered: Gathered, texts: Texts, system: int, column: ScoreColumn
) -> Iterator[LeftOut]:
    """Yield the articles of which a system's summaries say the least."""
    values = article_scores(gathered, texts.articles, [column])[:, 0, system]
    for article in _order(np.nan_to_num(values, nan=np.inf))[:_MOST_LACKING].tolist():
        if np.isnan(values[article]):
            continue
        sample = texts.of(article, system)
        try:
            said = tuple(
                " ".join(sample["article"][span["start"] : span["end"]].split())[:_LONGEST_LEFT_OUT]
                for span in _spans_left_out(sample, column)[:_MOST_LEFT_OUT]
            )
        except UNLIKE_A_SAMPLE as error:
            raise broken_sample(texts.where(article, system), error) from None
        if said:
            link = article_link(sample["id"], gathered.names[system])
            yield LeftOut(sample["id"], link, column.text(float(values[article])), said)
