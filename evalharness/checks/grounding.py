"""What `minicheck`, `factcg` and `hhem` share: claims against chunks, of which the best counts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from evalharness.checks.claims import ClaimScoring, ClaimsOfPair, CutArticle, Passage, Question
from evalharness.neural.reading import PairScoring, Splitter
from evalharness.protocols import Need
from evalharness.records import Score, Span

if TYPE_CHECKING:
    from evalharness.neural.batches import Encoded, FloatValues
    from evalharness.neural.network import Network


class ChunkPrompt(NamedTuple):
    """The text that the network reads, and where in it the chunk and the claim end.

    lost: characters of the chunk that were cut before. marks: where special tokens are meant.
    """

    text: str
    chunk_end: int
    claim_end: int
    lost: int = 0
    marks: tuple[int, ...] = ()


class ChunkSupport(NamedTuple):
    """How far a chunk supports a claim; characters of the chunk that were cut; if the claim was."""

    value: float
    lost: int
    cut: bool


@dataclass(frozen=True)
class Grounding(ClaimScoring[ChunkSupport]):
    """How likely it is that the article supports the claims of the summary.

    claims: sentences, each for itself, or the whole summary as one claim.
    aggregate: how sentences become the score: the least, or the mean.
    cascade: take sentences that stand in the article as they are for supported, and do not ask the
        network about them.
    chunk_size: the most words or tokens of a chunk; None is what the authors use.
    max_tokens: the most tokens the network reads at once, likewise.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    by_sentences: ClassVar[bool] = True
    least_values: ClassVar[Mapping[str, int]] = {"chunk_size": 1, "max_tokens": 1}
    thresholds: ClassVar[Mapping[str, float]] = {"flagged": 0.5, "supported": 0.5}

    _: KW_ONLY
    claims: Literal["sentences", "summary"] = "sentences"
    aggregate: Literal["min", "mean"] = "min"
    cascade: bool = False
    chunk_size: int | None = None
    max_tokens: int | None = None

    def prompt(self, chunk: str, claim: str) -> ChunkPrompt:
        """Return what the network reads."""
        raise NotImplementedError

    def support_probabilities(self, items: Sequence["Encoded"]) -> "FloatValues":
        """Return the probability of support, shape (items,)."""
        raise NotImplementedError

    @cached_property
    def loaded_network(self) -> "Network":
        """The network, loaded when it is first asked."""
        raise NotImplementedError

    @property
    def most_tokens(self) -> int | None:
        """The most tokens that the network reads at once."""
        raise NotImplementedError

    def claims_of_pair(self, article: str, summary: str, cut: CutArticle) -> ClaimsOfPair:
        """Return the chunks of the article, and the sentences of the summary or all of it."""
        whole = [Span(0, len(summary))]
        spans = list(self.split(summary)) if self.claims == "sentences" else whole
        copies = self.find_copies(article, summary, spans) if self.cascade else None
        claims = [(span, span.of(summary)) for span in spans]
        return ClaimsOfPair(article, "", cut(article), claims, copies)

    def answer(self, questions: Sequence[Question]) -> list[ChunkSupport]:
        """Return how far each chunk supports its claim."""
        prompts = [self.prompt(chunk, claim) for chunk, claim in questions]
        items = self.loaded_network.encode(
            [p.text for p in prompts],
            max_tokens=self.most_tokens,
            meant=[p.marks for p in prompts],
        )
        values = self.support_probabilities(items)
        return [
            _support(float(value), prompt, item)
            for value, prompt, item in zip(values, prompts, items, strict=True)
        ]

    def combine(
        self, pair: ClaimsOfPair, columns: Sequence[Sequence[ChunkSupport]], reading: PairScoring
    ) -> Score:
        """Return the least or the mean of the claims; the chunk that supports best is evidence."""

        def best_value(column: Sequence[ChunkSupport]) -> float:
            return max(support.value for support in column)

        def best_chunk(column: Sequence[ChunkSupport]) -> tuple[Span, ...]:
            best = max(range(len(column)), key=lambda number: column[number].value)
            span = pair.passages[best].span
            return (span,) if span else ()

        sentences = pair.score_claims(columns, best_value, best_chunk)
        values = [sentence.value for sentence in sentences]
        value = min(values) if self.aggregate == "min" else sum(values) / len(values)
        return reading.score(value, sentences)


def _support(value: float, prompt: ChunkPrompt, item: "Encoded") -> ChunkSupport:
    kept = len(prompt.text) if item.kept is None else item.kept[0]
    lost = prompt.lost + max(0, prompt.chunk_end - kept)
    return ChunkSupport(value, lost, kept < prompt.claim_end)


# An article in chunks, as the authors of MiniCheck and FactCG cut it.

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


def packed_lines(units: Sequence[_Unit], sizes: Sequence[int], most: int) -> list[Passage]:
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


def _join_units(units: Sequence[_Unit]) -> Passage:
    text = " ".join(unit for unit, _ in units).replace(" \n ", "\n").strip()
    return Passage(text, _around([span for unit, span in units if unit.strip()]))


def _around(spans: Sequence[Span]) -> Span | None:
    return Span(spans[0].start, spans[-1].end) if spans else None


def packed_sentences(
    article: str, split: Splitter, count: Callable[[str], int], most: int
) -> list[Passage]:
    """Return chunks of at most so many words, a sentence a line (FactCG).

    As in the authors' code a first sentence that is larger follows an empty chunk.
    """
    spans = list(split(article))
    sizes = [count(span.of(article)) for span in spans]
    chunks: list[Passage] = []
    slices = list(_pack_slices(sizes, most))
    for number, some in enumerate(slices):
        text = "\n".join(span.of(article) for span in spans[some]).strip("\n")
        if number == len(slices) - 1:
            if sum(sizes[some]) == 0:
                break
            text = text.replace(" \n ", "\n").strip("\n").strip()
        chunks.append(Passage(text, _around(spans[some])))
    return chunks
