"""Summaries that exist already: those of another harness, of a page, of people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from evalharness.protocols import Need
from evalharness.records import Article, Summary


@dataclass(frozen=True)
class Given:
    """The summary that came with the article, scored as it is.

    field: what of the row is the summary: `summary`; `title`; or `reference`, the first of its
        references, which shows how people score against the other references or the article.
    """

    # All that `field` may name. The stored summaries are keyed by what these hold, so it is safe to
    # name too much here, never too little.
    needs: ClassVar[frozenset[Need]] = frozenset({"summary", "title", "references"})
    version: ClassVar[int] = 1

    field: Literal["summary", "title", "reference"] = "summary"

    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        """Return each row's own summary; finish `error` where a row has none."""
        return [self._summarize(article) for article in articles]

    def _summarize(self, article: Article) -> Summary:
        written: object = article.extra.get(self.field)
        if self.field == "reference":
            written = article.references[0] if article.references else None
        if written is None:
            note = str(article.extra.get("no_summary") or f"the row has no {self.field}")
            return Summary(article.id, "", finish="error", note=note)
        if not isinstance(written, str):
            note = f"the row's {self.field} is not a string but {type(written).__name__}"
            return Summary(article.id, "", finish="error", note=note)
        return Summary(article.id, written, finish="stop" if written.strip() else "empty")
