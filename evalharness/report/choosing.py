"""Which articles a page carries that cannot carry all: the worst, the best, flagged ones, others.

The rule is a function of the runs alone: nothing of it depends on a clock or on chance.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalharness.report import articles as report_articles
from evalharness.report.articles import Articles
from evalharness.report.gathered import Gathered

SEED = 0


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
    gathered: Gathered, articles: Articles, most: int, first: Sequence[int] = ()
) -> ArticleChoice:
    """Choose at most so many articles; in the runs' order.

    first: those that the page speaks of anyway. Then come in turn one at random and one of a list:
    the lowest by each score, the highest by each score, those with the most flags.
    """
    if most >= articles.n:
        return choose_all(articles)
    kept = dict.fromkeys(itertools.islice(first, most))
    lists = [iter(order) for order in _lists(gathered, articles)]
    at_random = iter(np.random.default_rng(SEED).permutation(articles.n).tolist())
    sources = [source for order in lists for source in (order, at_random)] or [at_random]
    for source in itertools.cycle(sources):
        if len(kept) >= most:
            break
        new = next((each for each in source if each not in kept), None)
        if new is not None:
            kept[new] = None
    rule = (
        f"{len(kept):,} of {articles.n:,} articles: half at random (seed {SEED}), half in turn the "
        "lowest and the highest by each score and those with the most flags"
    )
    return ArticleChoice(sorted(kept), articles.n, rule)


def _lists(gathered: Gathered, articles: Articles) -> Iterator[list[int]]:
    """Yield articles, the most telling first, by one view after the other."""
    columns = [column for column in gathered.columns if column.judged]
    scores = report_articles.values(gathered, articles, columns)
    lowest = np.fmin.reduce(scores, axis=2) if len(columns) else np.empty((articles.n, 0))
    highest = np.fmax.reduce(scores, axis=2) if len(columns) else np.empty((articles.n, 0))
    for n in range(len(columns)):
        yield _order(np.nan_to_num(lowest[:, n], nan=np.inf))
        yield _order(-np.nan_to_num(highest[:, n], nan=-np.inf))
    flags = report_articles.flag_counts(gathered, articles)
    if flags.any():
        yield _order(-flags)


def _order(keys: "np.ndarray[Any, Any]") -> list[int]:
    order: list[int] = np.argsort(keys, kind="stable").tolist()
    return order
