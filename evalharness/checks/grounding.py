"""What `minicheck`, `factcg` and `hhem` share: claims against chunks, of which the best counts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from evalharness.neural.reading import CopiedSentences, PairScoring, Splitter, unscorable
from evalharness.neural.weights import NetworkOptions
from evalharness.protocols import Need, Pair
from evalharness.records import Score, SentenceScore, Span
from evalharness.text import SENTENCES_VERSION

if TYPE_CHECKING:
    from evalharness.neural.batches import Encoded, FloatValues
    from evalharness.neural.network import Network


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some sentences of an article: the text that the checker reads, and where they stand.

    span: None for a chunk without text.
    """

    text: str
    span: Span | None


_Chunks = Callable[[str], Sequence[Chunk]]

# Pairs whose chunks and claims are in memory at a time.
_TOGETHER = 64


class ChunkPrompt(NamedTuple):
    """The text that the network reads, and where in it the chunk and the claim end.

    lost: characters of the chunk that were cut before.
    """

    text: str
    chunk_end: int
    claim_end: int
    lost: int = 0


class ChunkSupport(NamedTuple):
    """How far a chunk supports a claim; characters of the chunk that were cut; if the claim was."""

    value: float
    lost: int
    cut: bool


@dataclass(frozen=True)
class _Asked:
    """One pair: the chunks of its article, its claims, and where the article has them as they are.

    note: why there is nothing to score, else empty.
    """

    article: str
    note: str
    chunks: Sequence[Chunk] = ()
    claims: Sequence[tuple[Span, str]] = ()
    copies: Mapping[Span, Span] | None = None

    @property
    def open(self) -> list[tuple[str, str]]:
        """Return what the network is asked, chunk and claim."""
        settled = self.copies or {}
        return [(c.text, s) for span, s in self.claims if span not in settled for c in self.chunks]


@dataclass(frozen=True)
class Grounding(NetworkOptions):
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
    thresholds: ClassVar[Mapping[str, float]] = {"flagged": 0.5, "supported": 0.5}

    _: KW_ONLY
    claims: Literal["sentences", "summary"] = "sentences"
    aggregate: Literal["min", "mean"] = "min"
    cascade: bool = False
    chunk_size: int | None = None
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        """Check the options. Raises: ValueError."""
        super().__post_init__()
        for name in ("chunk_size", "max_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}: {value} is below 1")

    def identity(self) -> Mapping[str, str]:
        """Return what names the weights, and which sentence splitter."""
        return {**super().identity(), "sentences": str(SENTENCES_VERSION)}

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each claim with the chunk that supports it best, which is its evidence."""
        scores: list[Score] = []
        for start in range(0, len(pairs), _TOGETHER):
            chunks = cache(self.chunks)
            some = [
                self._questions_of_pair(a.text, s.text, chunks)
                for a, s in pairs[start:][:_TOGETHER]
            ]
            answers = self._answers([question for asked in some for question in asked.open])
            scores += [self._score(asked, answers) for asked in some]
        return scores

    def chunks(self, article: str) -> list[Chunk]:
        """Return an article in chunks."""
        raise NotImplementedError

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

    def _questions_of_pair(self, article: str, summary: str, chunks: "_Chunks") -> _Asked:
        note = unscorable(article, summary)
        if note:
            return _Asked(article, note)
        spans = list(self.split(summary)) if self.claims == "sentences" else [_whole(summary)]
        copies = None
        if self.cascade:
            copied = CopiedSentences(article, self.split(article))
            found = {span: copied.place(span.of(summary)) for span in spans}
            copies = {span: place for span, place in found.items() if place is not None}
        claims = [(span, span.of(summary)) for span in spans]
        return _Asked(article, "", chunks(article), claims, copies)

    def _answers(self, questions: Sequence[tuple[str, str]]) -> dict[tuple[str, str], ChunkSupport]:
        once = list(dict.fromkeys(questions))
        if not once:
            return {}
        prompts = [self.prompt(chunk, claim) for chunk, claim in once]
        items = self.loaded_network.encode([p.text for p in prompts], max_tokens=self.most_tokens)
        values = self.support_probabilities(items)
        return {
            question: _answer(float(value), prompt, item)
            for question, value, prompt, item in zip(once, values, prompts, items, strict=True)
        }

    def _score(self, asked: _Asked, answers: Mapping[tuple[str, str], ChunkSupport]) -> Score:
        if asked.note:
            return Score(None, note=asked.note)
        copies = asked.copies or {}
        reading = PairScoring(asked.article, copied=len(copies) if self.cascade else None)
        lost = [0] * len(asked.chunks)
        sentences: list[SentenceScore] = []
        for span, claim in asked.claims:
            if span in copies:
                sentences.append(SentenceScore(span, 1.0, (copies[span],)))
                continue
            found = [answers[chunk.text, claim] for chunk in asked.chunks]
            best = max(range(len(found)), key=lambda place: found[place].value)
            evidence = asked.chunks[best].span
            value = found[best].value
            sentences.append(SentenceScore(span, value, (evidence,) if evidence else ()))
            lost = [max(one, answer.lost) for one, answer in zip(lost, found, strict=True)]
            reading.cut += any(answer.cut for answer in found)
        reading.lost = sum(lost)
        values = [sentence.value for sentence in sentences]
        value = min(values) if self.aggregate == "min" else sum(values) / len(values)
        return reading.score(value, sentences)


def _whole(summary: str) -> Span:
    return Span(0, len(summary))


def _answer(value: float, prompt: ChunkPrompt, item: "Encoded") -> ChunkSupport:
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
