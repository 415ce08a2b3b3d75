"""Articles as a run goes through them: a window at a time, so that memory does not grow with them.

A window is what is batched by length, and so a part of the batch plan: it must not depend on the
machine, on the metrics, or on what is stored. Scorers are given a part of a window, a unit.
"""

from collections.abc import Callable, Iterator, Sequence

from evalharness.errors import DataError
from evalharness.protocols import Counted, Loader
from evalharness.records import Article, Rejected, Summary

WINDOW = 512
# Pairs of article and summary that a metric is given at once: how much of it is in memory.
PAIRS_AT_ONCE = 4096
# Articles whose summaries a metric is given at once. What a network makes of a text may differ in
# its last digits with the texts beside it: so this is the same on every executor, and small enough
# for some workers to share a run of some hundred articles.
ARTICLES_AT_ONCE = 128

# Tells by a batch's number in its window and an article's key whether it is ours.
Claim = Callable[[int, str], bool]
# Articles that are scored together, and of each cell their summaries; None is not ours to score.
Unit = tuple[Sequence[Article], Sequence[Sequence[Summary | None]]]


def claim_all(batch: int, key: str) -> bool:
    """Claim every article of every batch, as a run without shards does."""
    return True


def windows(
    loader: Loader, limit: int | None, reject: Callable[[Rejected], object] = lambda row: None
) -> Iterator[list[Article]]:
    """Yield the articles up to the limit in windows; `reject` is told of every row that is none."""
    window: list[Article] = []
    n = 0
    for row in loader.load():
        if isinstance(row, Rejected):
            reject(row)
            continue
        window.append(row)
        n += 1
        if len(window) == WINDOW or n == limit:
            yield window
            window = []
        if n == limit:
            return
    if window:
        yield window


def units(
    window: Sequence[Article], summaries: Sequence[Sequence[Summary | None]]
) -> Iterator[Unit]:
    """Yield the articles of a window with their summaries by cell, a bounded number at once."""
    size = max(1, min(ARTICLES_AT_ONCE, PAIRS_AT_ONCE // len(summaries)))
    for start in range(0, len(window), size):
        yield window[start : start + size], [of_cell[start : start + size] for of_cell in summaries]


def no_article(rejected: int, first: Rejected | None) -> DataError:
    """Return the error of data in which every row was rejected."""
    why = f"; the first of {rejected}: {first.where}: {first.reason}" if first else ""
    return DataError(f"data: no article to summarize{why}")


def expected_articles(loader: Loader, limit: int | None) -> int | None:
    """Return how many articles are to come, as far as the loader can tell."""
    if not isinstance(loader, Counted):
        return limit
    n = loader.count()
    return n if limit is None else min(n, limit)
