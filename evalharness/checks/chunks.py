"""An article in chunks that a checker can read, as the checkers' authors cut them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from evalharness.neural.reading import Splitter
from evalharness.records import Span


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some sentences of an article: the text that the checker reads, and where they stand.

    span: None for a chunk without text.
    """

    text: str
    span: Span | None


_Unit = tuple[str, Span]


def sentences_and_breaks(article: str, split: Splitter) -> list[_Unit]:
    """Return the sentences of each line, and the line breaks between the lines.

    >>> from evalharness.text import sentences
    >>> [unit for unit, _ in sentences_and_breaks("One. Two.\\nThree.", sentences)]
    ['One.', 'Two.', '\\n', 'Three.']
    """
    units: list[_Unit] = []
    at = 0
    for line in article.split("\n"):
        if at:
            units.append(("\n", Span(at - 1, at)))
        found = split(line)
        units += [(span.of(line), Span(span.start + at, span.end + at)) for span in found]
        at += len(line) + 1
    return units


def packed_lines(units: Sequence[_Unit], sizes: Sequence[int], most: int) -> list[Chunk]:
    """Return chunks of at most so many words or tokens, with the article's line breaks (MiniCheck).

    A unit that is larger is a chunk by itself.
    """
    chunks = [_join_units(units[some]) for some in _pack_slices(sizes, most)]
    return [chunk for chunk in chunks if chunk.text]


def _pack_slices(sizes: Sequence[int], most: int) -> Iterator[slice]:
    start = total = 0
    for place, size in enumerate(sizes):
        if total + size > most:
            yield slice(start, place)
            start, total = place, 0
        total += size
    yield slice(start, len(sizes))


def _join_units(units: Sequence[_Unit]) -> Chunk:
    text = " ".join(unit for unit, _ in units).replace(" \n ", "\n").strip()
    return Chunk(text, _around([span for unit, span in units if unit.strip()]))


def _around(spans: Sequence[Span]) -> Span | None:
    return Span(spans[0].start, spans[-1].end) if spans else None


def packed_sentences(
    article: str, split: Splitter, count: Callable[[str], int], most: int
) -> list[Chunk]:
    """Return chunks of at most so many words, a sentence a line (FactCG).

    As in the authors' code a first sentence that is larger follows an empty chunk.
    """
    spans = list(split(article))
    sizes = [count(span.of(article)) for span in spans]
    chunks: list[Chunk] = []
    slices = list(_pack_slices(sizes, most))
    for number, some in enumerate(slices):
        text = "\n".join(span.of(article) for span in spans[some]).strip("\n")
        if number == len(slices) - 1:
            if sum(sizes[some]) == 0:
                break
            text = text.replace(" \n ", "\n").strip("\n").strip()
        chunks.append(Chunk(text, _around(spans[some])))
    return chunks
