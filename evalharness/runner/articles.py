"""Articles as a run goes through them: a window at a time, so that memory does not grow with them.

A window is what is batched by length, and so a part of the batch plan: it must not depend on the
machine, on the metrics, or on what is stored. Scorers are given a part of a window, a unit.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
# What is read of articles, and computed for them, is kept in memory up to so many bytes.
BYTES_OF_UNITS = 2**26
# Of an article or summary beside its texts, and of a score's key, roughly, in bytes.
_BYTES_OF_RECORD = 500


@dataclass(frozen=True)
class Unit:
    """Articles that are scored together, and of each cell their summaries; None: not ours to score.

    keys: by scorer, the keys of what it is asked for, once they are known.
    """

    articles: Sequence[Article]
    summaries: Sequence[Sequence[Summary | None]]
    keys: dict[object, Sequence[str]] = field(default_factory=dict)

    def size(self) -> int:
        """Return about how many bytes it takes in memory."""
        texts: list[object] = [s.text for of_cell in self.summaries for s in of_cell if s]
        n = len(self.articles) + len(texts)
        for article in self.articles:
            texts += (article.text, *article.references, *article.extra.values())
        nested = (repr(value) for value in texts if not isinstance(value, str))
        return sum(map(sys.getsizeof, texts)) + sum(map(len, nested)) + n * _BYTES_OF_RECORD


@dataclass
class KeptUnits:
    """What `fill` read of a group's articles and computed for them, to be read no more by `write`.

    All of it, or nothing where it is more than there is room for, so that memory does not grow with
    the articles.

    room: bytes that are left. units, rejected: as they came; of all articles, if it is whole.
    texts: by scorer, the scores that were computed and stored: their JSON by key.
    """

    room: int = field(default_factory=lambda: BYTES_OF_UNITS)
    units: list[Unit] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    texts: dict[object, dict[str, bytes]] = field(default_factory=dict)
    is_whole: bool = False

    def pass_on(self, units: Iterable[Unit]) -> Iterator[Unit]:
        """Yield units, and keep them."""
        for unit in units:
            if self._has_room_for(unit.size()):
                self.units.append(unit)
            yield unit

    def reject(self, row: Rejected) -> None:
        """Keep a row that is no article."""
        if self._has_room_for(_BYTES_OF_RECORD):
            self.rejected.append(row)

    def add_texts(self, scorer: object, texts: Mapping[str, str]) -> None:
        """Keep scores that were stored, by their keys."""
        if self._has_room_for(sum(map(len, texts.values())) + _BYTES_OF_RECORD * len(texts)):
            known = self.texts.setdefault(scorer, {})
            known |= {key: text.encode() for key, text in texts.items()}

    def end(self) -> None:
        """All articles have been read."""
        self.is_whole = self.room >= 0

    def _has_room_for(self, size: int) -> bool:
        """Take so many bytes; where there are not so many left, let go of all that was kept."""
        self.room -= size
        if self.room < 0:
            self.drop()
        return self.room >= 0

    def drop(self) -> None:
        """Let go of all: it is to be read again."""
        self.units, self.rejected, self.texts = [], [], {}
        self.room, self.is_whole = -1, False


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
        end = start + size
        yield Unit(window[start:end], [of_cell[start:end] for of_cell in summaries])


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
