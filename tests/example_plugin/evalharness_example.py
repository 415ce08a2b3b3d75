"""An example of a plug-in: the last sentences as a summary, a check of its length, a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from evalharness.protocols import Need, Pair, Tracked
from evalharness.records import Article, Score, Summary
from evalharness.text import sentences


@dataclass(frozen=True)
class Last:
    """The last sentences of the article.

    sentences: how many.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    version: ClassVar[int] = 1

    sentences: int = 1

    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        """Return the last sentences, one a line."""
        return [
            Summary(
                article.id,
                "\n".join(s.of(article.text) for s in sentences(article.text)[-self.sentences :]),
                read=len(article.text),
            )
            for article in articles
        ]


@dataclass(frozen=True)
class Brevity:
    """1 for a summary of no more than so many words, less for a longer one.

    words: the length that is brief enough.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 1

    words: int = 30

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Return words allowed over words used, at most 1."""
        return [self._score(summary.text) for _, summary in pairs]

    def _score(self, summary: str) -> Score:
        n = len(summary.split())
        if n == 0:
            return Score(None, note="the summary is empty")
        return Score(min(1.0, self.words / n), parts={"words": float(n)})


@dataclass(frozen=True)
class Notebook:
    """A line for each run in a Markdown file.

    file: below the results.
    required: whether a run that it could not be told of ends the command with 4.
    """

    version: ClassVar[int] = 1

    file: str = "notebook.md"
    required: bool = True

    def ready(self) -> None:
        """Do nothing: it needs nothing."""

    def track(self, tracked: Tracked) -> str:
        """Write the run's name, what a sweep set in it, and its means into the file."""
        path = tracked.results / self.file
        means = [f"{label} {metric['mean']}" for label, metric in tracked.record["metrics"].items()]
        with path.open("a", encoding="utf-8") as file:
            file.write(f"* {tracked.name} {dict(tracked.settings)}: {', '.join(means)}\n")
        return str(path)
