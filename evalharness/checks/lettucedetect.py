"""LettuceDetect: which words of the summary does the article not support, token by token?"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from evalharness.neural.reading import PairScoring, numbers_of
from evalharness.neural.weights import NetworkOptions
from evalharness.protocols import Checkpoint, Need, Pair
from evalharness.records import Flag, Score, SentenceScore, Span
from evalharness.text.defects import unscorable

if TYPE_CHECKING:
    import torch

    from evalharness.neural.network import Network, TokenOffsets

# As the authors trained with, for an article that is one passage.
BEFORE = "Summarize the following text:\npassage 1: "
AFTER = "\noutput:"

_MARGIN = 8  # tokens that sentences may have more together than each for itself
_TOGETHER = 64  # pairs that are tokens at a time
_MOST_QUOTED = 60

Probabilities = npt.NDArray[np.float32]


class _ChunksToRead(NamedTuple):
    """One pair: pieces of the article, the summary's tokens, and why there is nothing to score."""

    chunks: Sequence[Span]
    tokens: "TokenOffsets"
    note: str = ""


@dataclass(frozen=True)
class LettuceDetect(NetworkOptions):
    """The least supported word of the summary, with the runs of unsupported ones as flags.

    A token classifier says of each token of the summary how likely it is made up (Kovács and Recski
    2025); a run of those above 0.5 is flagged. A sentence is as supported as its least supported
    token, and so is the score. The share of tokens above 0.5 is the part `unsupported`.

    long: an article that does not fit: `chunks`, in pieces of whole sentences, of which one that
        supports a token suffices (ours); `cut`, its beginning, as one passage is for the authors.
        Their own way with several passages wants every one of them to support every token.
    max_tokens: the most tokens of article and summary together, as many as the authors use.
    """

    model: Checkpoint = "KRLabsOrg/lettucedect-base-modernbert-en-v1"
    long: Literal["chunks", "cut"] = "chunks"
    max_tokens: int = 4096

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    thresholds: ClassVar[Mapping[str, float]] = {"flagged": 0.5, "supported": 0.5}
    version: ClassVar[int] = 2
    by_sentences: ClassVar[bool] = True
    least_values: ClassVar[Mapping[str, int]] = {"max_tokens": 1}

    @cached_property
    def loaded_network(self) -> "Network":
        """The classifier, loaded when it is first asked."""
        name = "AutoModelForTokenClassification"
        return self.network_of_two_labels(name, "LettuceDetect's have")

    @cached_property
    def _limit(self) -> int:
        from evalharness.neural.tokens import most_tokens

        return min(self.max_tokens, most_tokens(self.loaded_network) or self.max_tokens)

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary, and flag what the article does not support."""
        return [
            score
            for start in range(0, len(pairs), _TOGETHER)
            for score in self._scores_of_pairs(
                [(a.text, s.text) for a, s in pairs[start:][:_TOGETHER]]
            )
        ]

    def _scores_of_pairs(self, pairs: Sequence[tuple[str, str]]) -> Iterator[Score]:
        once = {pair: self._chunks_to_read(*pair) for pair in dict.fromkeys(pairs)}
        questions = [
            (chunk.of(article), summary)
            for (article, summary), asked in once.items()
            for chunk in asked.chunks
        ]
        answers = self._answers(questions)
        made = {pair: self._score(*pair, asked, answers) for pair, asked in once.items()}
        yield from (made[pair] for pair in pairs)

    def _chunks_to_read(self, article: str, summary: str) -> _ChunksToRead:
        from evalharness.neural.tokens import tokenize_text

        found = tokenize_text(self.loaded_network, summary)
        note = unscorable(article, summary)
        room = self._room(found)
        if not note and room < 1:
            note = f"the summary has {len(found.ids)} tokens, and the model reads {self._limit}"
        if not note and not len(found.ids):
            note = "the summary has no tokens"
        if note:
            return _ChunksToRead((), found, note)
        whole = Span(0, len(article))
        return _ChunksToRead((whole,) if self.long == "cut" else self._chunks(article, room), found)

    def _room(self, summary: "TokenOffsets") -> int:
        """Return how many tokens of the article fit beside a summary."""
        special = int(self.loaded_network.tokenizer.num_special_tokens_to_add(pair=True))
        around = len(self.loaded_network.encode([BEFORE + AFTER], special_tokens=False)[0])
        return self._limit - len(summary.ids) - special - around

    def _chunks(self, article: str, room: int) -> list[Span]:
        """Return the article in pieces of whole sentences that fit; in one if it fits."""
        if len(self.loaded_network.encode([article], special_tokens=False)[0]) <= room:
            return [Span(0, len(article))]
        sentences = self.split(article)
        encoded = self.loaded_network.encode(
            [s.of(article) for s in sentences], special_tokens=False
        )
        chunks: list[Span] = []
        start, total = 0, 0
        for number, (span, item) in enumerate(zip(sentences, encoded, strict=True)):
            if number and total + len(item) + 1 > room - _MARGIN:
                chunks.append(Span(start, sentences[number - 1].end))
                start, total = span.start, 0
            total += len(item) + 1
        return [*chunks, Span(start, len(article))]

    def _answers(
        self, questions: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], tuple[Probabilities, int]]:
        """Return for a chunk and a summary how likely each token is made up; what was not read."""
        once = list(dict.fromkeys(questions))
        items = self.loaded_network.encode(
            [BEFORE + chunk + AFTER for chunk, _ in once],
            [summary for _, summary in once],
            max_tokens=self._limit,
            truncation="only_first",
        )
        rows = (
            self.loaded_network.run(items, self._made_up, "made up", per_token=True)
            if items
            else []
        )
        found: dict[tuple[str, str], tuple[Probabilities, int]] = {}
        for (chunk, summary), item, row in zip(once, items, rows, strict=True):
            kept = len(BEFORE + chunk) if item.kept is None else item.kept[0]
            found[chunk, summary] = row[:-1], max(0, len(BEFORE + chunk.rstrip()) - kept)
        return found

    def _made_up(self, inputs: "Mapping[str, torch.Tensor]") -> "torch.Tensor":
        probabilities: torch.Tensor = self.loaded_network.model(**inputs).logits.float().softmax(-1)
        return probabilities[..., 1]

    def _score(
        self,
        article: str,
        summary: str,
        asked: _ChunksToRead,
        answers: Mapping[tuple[str, str], tuple[Probabilities, int]],
    ) -> Score:
        if asked.note:
            return Score(None, note=asked.note)
        found = [answers[chunk.of(article), summary] for chunk in asked.chunks]
        by_chunk = np.stack([row[-len(asked.tokens.ids) :] for row, _ in found])
        made_up = by_chunk.min(axis=0)
        spans = self.split(summary)
        numbers = numbers_of(asked.tokens.offsets[:, 1], spans)
        sentences = [
            SentenceScore(span, *_support(by_chunk[:, numbers == number], asked.chunks))
            for number, span in enumerate(spans)
            if (numbers == number).any()
        ]
        reading = PairScoring(article, lost=sum(lost for _, lost in found))
        parts = {"unsupported": float((made_up > 0.5).mean())}
        score = reading.score(min(each.value for each in sentences), sentences, parts)
        flags = tuple(_flags(summary, asked.tokens.offsets, made_up))
        return Score(score.value, score.parts, score.sentences, flags, score.note)


def _support(made_up: Probabilities, chunks: Sequence[Span]) -> tuple[float, tuple[Span, ...]]:
    """Return how supported the least supported token is; the chunk that supports all tokens best.

    made_up: shape (chunks, tokens of a sentence).
    """
    value = 1 - float(made_up.min(axis=0).max())
    if len(chunks) == 1:
        return value, ()
    return value, (chunks[int(made_up.max(axis=1).argmin())],)


def _flags(summary: str, offsets: npt.NDArray[np.int64], made_up: Probabilities) -> Iterator[Flag]:
    """Yield a flag for each run of tokens that are more likely made up than not."""
    visible = [
        (int(start), int(end), float(p))
        for (start, end), p in zip(offsets, made_up, strict=True)
        if start < end
    ]
    for wrong, run in itertools.groupby(visible, key=lambda token: token[2] > 0.5):
        if wrong:
            tokens = list(run)
            span = _strip_span(summary, tokens[0][0], tokens[-1][1])
            if span.start < span.end:
                yield Flag(span, "unsupported", _message(span.of(summary), tokens))


def _strip_span(summary: str, start: int, end: int) -> Span:
    words = summary[start:end]
    return Span(start + len(words) - len(words.lstrip()), start + len(words.rstrip()))


def _message(words: str, tokens: Sequence[tuple[int, int, float]]) -> str:
    quoted = words if len(words) <= _MOST_QUOTED else f"{words[:_MOST_QUOTED].rstrip()}…"
    likely = max(p for _, _, p in tokens)
    return f"'{quoted}' is not supported by the article, by {likely:.2f} of 1"
