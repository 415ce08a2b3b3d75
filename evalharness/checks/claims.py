"""Claims of a summary against passages of its article: what `nli` and the `grounding` checks share.

A claim is a sentence of the summary, or all of it; a passage is a piece of the article that a
network reads. Each claim is asked about against every passage, and each question once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Generic, Protocol, TypeVar

from evalharness.neural.reading import PairScoring
from evalharness.neural.weights import NetworkOptions
from evalharness.protocols import Pair
from evalharness.records import Score, SentenceScore, Span
from evalharness.text.defects import unscorable

# Pairs whose passages and claims are in memory at a time.
_TOGETHER = 64


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of an article: the text that the network reads, and where it stands.

    span: None where it stands at no one place.
    """

    text: str
    span: Span | None


Question = tuple[str, str]  # a passage's text, and a claim
CutArticle = Callable[[str], Sequence[Passage]]


class PassageAnswer(Protocol):
    """What a passage says of a claim, as far as it counts here."""

    @property
    def lost(self) -> int:
        """Characters of the passage that were cut."""
        ...

    @property
    def cut(self) -> bool:
        """Whether the claim was cut."""
        ...


_Answer = TypeVar("_Answer", bound=PassageAnswer)


@dataclass(frozen=True)
class ClaimsOfPair:
    """What is to be asked about one pair.

    note: why there is nothing to score, else empty. claims: with their places in the summary.
    copies: of claims that stand in the article as they are, where; None where nobody looked.
    lost: characters of the article that stand in no passage.
    """

    article: str
    note: str = ""
    passages: Sequence[Passage] = ()
    claims: Sequence[tuple[Span, str]] = ()
    copies: Mapping[Span, Span] | None = None
    lost: int = 0

    @property
    def questions(self) -> Iterator[Question]:
        """What the network is asked: every passage with every claim that is no copy."""
        for span, claim in self.claims:
            if self.copied_from(span) is None:
                yield from ((passage.text, claim) for passage in self.passages)

    def copied_from(self, span: Span) -> Span | None:
        """Return where the article has a claim as it is; None if nowhere, or if nobody looked."""
        return None if self.copies is None else self.copies.get(span)

    def score_claims(
        self,
        columns: Sequence[Sequence[_Answer]],
        value: Callable[[Sequence[_Answer]], float],
        evidence: Callable[[Sequence[_Answer]], tuple[Span, ...]],
    ) -> list[SentenceScore]:
        """Return the score of each claim from its column; a copy has 1, and the copied place."""
        scores: list[SentenceScore] = []
        for (span, _), column in zip(self.claims, columns, strict=True):
            copied = self.copied_from(span)
            scores.append(
                SentenceScore(span, value(column), evidence(column))
                if copied is None
                else SentenceScore(span, 1.0, (copied,))
            )
        return scores


class ClaimScoring(NetworkOptions, Generic[_Answer]):
    """A check that asks about claims; its subclasses say what is asked and what answers come to."""

    def passages(self, article: str) -> Sequence[Passage]:
        """Return the article in the passages that the network reads."""
        raise NotImplementedError

    def claims_of_pair(self, article: str, summary: str, cut: CutArticle) -> ClaimsOfPair:
        """Return what is to be asked about a pair; `cut` is `passages`, once an article.

        Neither text is empty.
        """
        raise NotImplementedError

    def answer(self, questions: Sequence[Question]) -> Sequence[_Answer]:
        """Return the network's answers, in order."""
        raise NotImplementedError

    def combine(
        self, pair: ClaimsOfPair, columns: Sequence[Sequence[_Answer]], reading: PairScoring
    ) -> Score:
        """Return the score; columns: by claim, what all passages say; nothing for copies."""
        raise NotImplementedError

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each claim by what the passages say of it; those that decide are its evidence."""
        scores: list[Score] = []
        for start in range(0, len(pairs), _TOGETHER):
            cut = cache(self.passages)
            some = [
                ClaimsOfPair(article.text, note)
                if (note := unscorable(article.text, summary.text))
                else self.claims_of_pair(article.text, summary.text, cut)
                for article, summary in pairs[start : start + _TOGETHER]
            ]
            asked = list(dict.fromkeys(question for pair in some for question in pair.questions))
            answers = dict(zip(asked, self.answer(asked), strict=True)) if asked else {}
            scores += [self._score(pair, answers) for pair in some]
        return scores

    def _score(self, pair: ClaimsOfPair, answers: Mapping[Question, _Answer]) -> Score:
        if pair.note:
            return Score(None, note=pair.note)
        reading = PairScoring(
            pair.article, copied=None if pair.copies is None else len(pair.copies)
        )
        lost = [0] * len(pair.passages)
        columns: list[list[_Answer]] = []
        for span, claim in pair.claims:
            if pair.copied_from(span) is not None:
                columns.append([])
                continue
            column = [answers[passage.text, claim] for passage in pair.passages]
            lost = [max(one, answer.lost) for one, answer in zip(lost, column, strict=True)]
            reading.cut += any(answer.cut for answer in column)
            columns.append(column)
        reading.lost = pair.lost + sum(lost)
        return self.combine(pair, columns, reading)
