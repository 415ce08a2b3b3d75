"""Articles as a run goes through them: a window at a time, so that memory does not grow with them.

A window is what is batched by length, and so a part of the batch plan: it must not depend on the
machine, on the metrics, or on what is stored.
"""

from collections.abc import Callable, Iterator

from evalharness.errors import DataError
from evalharness.protocols import Counted, Loader
from evalharness.records import Article, Rejected

WINDOW = 512


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
