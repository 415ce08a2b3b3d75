"""What a network is given of article and summary, and the score that is made of its answers."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evalharness.protocols import Pair
from evalharness.records import Score, SentenceScore, Span
from evalharness.text.defects import unscorable


def numbers_of(ends: npt.NDArray[np.int64], spans: Sequence[Span]) -> npt.NDArray[np.int64]:
    """Return which span each token is counted to, by where it ends: the first not before that.

    What stands between two spans thus counts to the later one, and what is behind all to the last.

    >>> numbers_of(np.array([2, 5, 6, 9]), [Span(0, 5), Span(6, 8)]).tolist()
    [0, 0, 1, 1]
    """
    found = np.searchsorted([span.end for span in spans], ends)
    return np.minimum(found, len(spans) - 1)


Splitter = Callable[[str], Sequence[Span]]

# Places at which a sentence is looked for in an article.
_MOST_PLACES = 1000
_BLANKS = re.compile(r"\s+")


class CopiedSentences:
    """Finds sentences that stand in an article as they are, white space and case aside.

    A part of a sentence is no copy: `the mayor resigned` is not what `he denies that the mayor
    resigned` says.

    >>> from evalharness import text
    >>> article = "It  rained. The mayor\\nresigned. He denies that the mayor resigned."
    >>> copied = CopiedSentences(article, text.sentences(article))
    >>> copied.place("the mayor resigned."), copied.place("mayor resigned.")
    (Span(start=12, end=31), None)
    """

    def __init__(self, article: str, sentences: Sequence[Span]) -> None:
        self._article = article
        self._sentences = sentences

    @cached_property
    def _folded_sentences(self) -> tuple[str, list[int], list[int]]:
        """Return the sentences, folded and with a space between, and where each starts and ends."""
        starts: list[int] = []
        ends: list[int] = []
        pieces: list[str] = []
        at = 0
        for span in self._sentences:
            pieces.append(_fold(span.of(self._article)))
            starts.append(at)
            at += len(pieces[-1])
            ends.append(at)
            at += 1
        return " ".join(pieces), starts, ends

    def place(self, sentence: str) -> Span | None:
        """Return where the article has a sentence, or several of them in a row; None: nowhere."""
        whole, starts, ends = self._folded_sentences
        wanted = _fold(sentence)
        at = whole.find(wanted) if wanted else -1
        for _ in range(_MOST_PLACES):
            if at < 0:
                return None
            first = bisect_right(starts, at) - 1
            last = bisect_right(ends, at + len(wanted)) - 1
            if starts[first] == at and last >= 0 and ends[last] == at + len(wanted):
                return Span(self._sentences[first].start, self._sentences[last].end)
            at = whole.find(wanted, at + 1)
        return None


def _fold(words: str) -> str:
    return _BLANKS.sub(" ", words).strip().casefold()


def score_comparable(
    pairs: Sequence[Pair], score: Callable[[list[tuple[str, str]]], Iterable[Score]]
) -> list[Score]:
    """Return the scores of pairs; where a text is empty, none, and a note that says so.

    score: returns those of the other pairs, in order, from the texts of article and summary.
    """
    notes = [unscorable(article.text, summary.text) for article, summary in pairs]
    texts = [(article.text, summary.text) for article, summary in pairs]
    scores = iter(score([pair for pair, note in zip(texts, notes, strict=True) if not note]))
    return [Score(None, note=note) if note else next(scores) for note in notes]


@dataclass
class PairScoring:
    """Collects what the network was given of one pair, and makes the score.

    lost: characters of the article that no input held. cut: sentences of the summary (or the
    summary) that did not fit whole. copied: sentences that stand in the article, where the cascade
    looked for them.
    """

    article: str
    lost: int = 0
    cut: int = 0
    copied: int | None = None
    notes: list[str] = field(default_factory=list)

    def score(
        self,
        value: float,
        sentences: Sequence[SentenceScore] = (),
        parts: Mapping[str, float] | None = None,
    ) -> Score:
        """Return the score: parts `mean` and `min` of the sentences, `read` and `copied`.

        `read` is the share of the article that the network was given; below 1 the note says so.
        """
        found = dict(parts or {})
        if sentences:
            values = [sentence.value for sentence in sentences]
            found |= {"mean": sum(values) / len(values), "min": min(values)}
        found["read"] = 1 - self.lost / max(1, len(self.article))
        if self.copied is not None:
            found["copied"] = self.copied / max(1, len(sentences))
        return Score(value, found, tuple(sentences), note="; ".join(self._remarks(found["read"])))

    def _remarks(self, read: float) -> list[str]:
        remarks = list(self.notes)
        if self.lost > 0:
            remarks.append(f"{read:.0%} of the article was read")
        if self.cut:
            remarks.append(
                f"{self.cut} {'piece' if self.cut == 1 else 'pieces'} of the summary cut"
            )
        return remarks


class TokenLikelihoods(NamedTuple):
    """How likely the tokens of a target are, given a source.

    logs: log-probabilities, shape (tokens,), those around the text included. ends: the characters
    of the target at which tokens end. content: which tokens are no special ones around it.
    source_read, target_read: characters that the network was given.
    """

    logs: npt.NDArray[np.float32]
    ends: npt.NDArray[np.int64]
    content: npt.NDArray[np.bool_]
    source_read: int
    target_read: int
    cut: bool

    def numbers(self, spans: Sequence[Span]) -> npt.NDArray[np.int64]:
        """Return in which span of the target each token stands; -1 for special tokens."""
        return np.where(self.content, numbers_of(self.ends, spans), -1)

    @property
    def mean(self) -> float:
        """Return the mean over all tokens, as the authors have it."""
        return float(self.logs.sum() / len(self.logs))
