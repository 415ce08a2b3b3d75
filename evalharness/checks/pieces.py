"""A text in pieces that an NLI model reads, as SummaC cuts it."""

from collections.abc import Iterator, Sequence
from typing import Literal

from evalharness.neural.reading import Splitter
from evalharness.records import Span

Granularity = Literal["sentence", "paragraph", "document"]

# Pieces of no more characters are left out.
SHORTEST = 10


def pieces(text: str, granularity: Granularity, split: Splitter) -> list[Span]:
    """Return the pieces of a text that are long enough; a document is one piece, however short.

    >>> from evalharness.text import sentences
    >>> [span.of("Yes. He said so again.") for span in pieces("Yes. He said so again.",
    ...     "sentence", sentences)]
    ['He said so again.']
    """
    if granularity == "document":
        return [Span(0, len(text))]
    found: Sequence[Span] = split(text) if granularity == "sentence" else list(_paragraphs(text))
    return [span for span in found if span.end - span.start > SHORTEST]


def _paragraphs(text: str) -> Iterator[Span]:
    """Yield what stands between empty lines, or between lines where there are no empty ones."""
    gap = "\n\n" if "\n\n" in text else "\n"
    at = 0
    for block in text.split(gap):
        bare = block.strip()
        start = at + len(block) - len(block.lstrip())
        yield Span(start, start + len(bare))
        at += len(block) + len(gap)
