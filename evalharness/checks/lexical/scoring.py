"""What the checks without weights share: an article is read once, and its summaries are scored.

The score is that of `share_of_claims` (how many of the summary's numbers, names, … are right) or of
`SummaryClaims.share_without_clash` (in how many of its sentences the article says nothing else).
"""

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache
from typing import ClassVar, Generic, NamedTuple, Self, TypeVar

from evalharness import text
from evalharness.checks.lexical.passages import (
    LONGEST_IN_COMPANY,
    MOST_EVIDENCE,
    MOST_SUMMARY_WORDS,
    MOST_TOGETHER,
    on_demand,
    passages,
    passages_of_summary,
)
from evalharness.checks.lexical.speakers import Speakers
from evalharness.protocols import Need, Pair
from evalharness.records import Article, Flag, Score, SentenceScore, Span
from evalharness.text.dates import publication_day
from evalharness.text.defects import unscorable, without_cut_word

# Articles are read together up to so many summaries, or characters: memory is theirs at a time.
ENOUGH_TOGETHER, LONGEST_TOGETHER = 20, 50_000
# Which pairs have which article, published on which day.
_Summaries = dict[tuple[str, date | None], list[int]]


class BySentences:
    """What the checks share whose scores depend on where sentences end."""

    def identity(self) -> Mapping[str, str]:
        """Return the version of the sentence splitter, which a score depends on."""
        return {"sentences": str(text.SENTENCES_VERSION)}


def in_order(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return spans in order, each once."""
    return tuple(sorted(set(spans)))


class SentenceClaims(NamedTuple):
    """What a check says of the claims of one sentence: its numbers, its names, …

    evidence: where the article has what is right.
    """

    sentence: Span
    value: float
    n_claims: int
    n_wrong: int
    flags: Sequence[Flag]
    evidence: Sequence[Span]

    def score(self) -> SentenceScore:
        """Return the score of the sentence."""
        return SentenceScore(self.sentence, self.value, in_order(self.evidence))


@cache
def _score_without(named: str) -> Score:
    return Score(None, note=f"the summary has no {named}")


class ArticleIndex:
    """An article as a check needs it, made once for all its summaries.

    published: the day on which it appeared, where that is known. wants_evidence: whether a score
    names the sentences of the article that it rests on, and has those of the summary; a check of
    several parts shows one's only.
    """

    wants_evidence = True

    def __init__(self, article: str, published: date | None = None) -> None:
        self.text = article
        self.passages = passages(article)
        self.published = published

    @on_demand
    def names(self) -> list[text.Name]:
        """The names of the article."""
        return self.passages.names_and_casing[0]

    @on_demand
    def casing(self) -> text.Casing:
        """How the article writes its words."""
        return self.passages.names_and_casing[1]

    @on_demand
    def speakers(self) -> Speakers:
        """Who speaks where, in a dialogue."""
        return Speakers(self.passages)

    def check(self, summary: str) -> Score:
        """Return the score of a summary, with flags; none where a text is empty."""
        note = unscorable(self.text, summary)
        return Score(None, note=note) if note else self.compare(summary)

    @classmethod
    def compare_pairs(cls, pairs: Sequence[tuple[Self, str]]) -> list[Score]:
        """Return the scores of MOST_TOGETHER summaries at most, each with its article."""
        return [article.compare(summary) for article, summary in pairs]

    def compare(self, summary: str) -> Score:
        """Return the score of a summary, with flags; neither text is empty."""
        raise NotImplementedError

    def share_of_claims(self, sentences: Iterable[SentenceClaims], named: str) -> Score:
        """Return the share of a summary's claims that are right, with flags.

        named: what the claims are (`numbers`), for the note of a summary that has none.
        """
        judged = list(sentences)
        n_claims = sum([sentence.n_claims for sentence in judged])
        if not n_claims:
            return _score_without(named)
        return Score(
            1 - sum([sentence.n_wrong for sentence in judged]) / n_claims,
            sentences=tuple([each.score() for each in judged]) if self.wants_evidence else (),
            flags=tuple([flag for sentence in judged for flag in sentence.flags]),
        )


def published_on(article: Article) -> date | None:
    """Return the day on which an article appeared: `published`, which its loader may have kept."""
    known = article.extra.get("published")
    return publication_day([str(known)]) if known else None


@contextmanager
def _cycles_left() -> Iterator[None]:
    """Let no search for reference cycles begin, of which an index has none.

    It would go through all words of the article, several times: a seventh of the time of a check.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class LexicalCheck:
    """What the checks without weights share.

    index: makes of an article what the check needs of it. english: it reads English only.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    finds_errors: ClassVar[bool] = True
    index: ClassVar[type[ArticleIndex]]
    english: ClassVar[bool] = False

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Flag what is wrong in each summary, and point to what the article says.

        A last word that the cap on tokens may have cut is not read.
        """
        dated = "published" in self.needs
        scores: dict[int, Score] = {}
        summaries: _Summaries = {}
        for at, (article, _) in enumerate(pairs):
            key = article.text, published_on(article) if dated else None
            summaries.setdefault(key, []).append(at)
        for batch in _in_batches(summaries):
            with _cycles_left():  # of a few articles at a time
                scores |= self._score_batch(batch, pairs)
        return [scores[at] for at in range(len(pairs))]

    def _score_batch(self, batch: _Summaries, pairs: Sequence[Pair]) -> dict[int, Score]:
        """Return the scores of some articles' summaries; what was read of them is forgotten."""
        scores: dict[int, Score] = {}
        scorable: dict[int, tuple[ArticleIndex, str]] = {}
        for (article, published), places in batch.items():
            index = self.index(article, published)
            for at in places:
                summary = without_cut_word(pairs[at][1])
                if note := unscorable(article, summary):
                    scores[at] = Score(None, note=note)
                else:
                    scorable[at] = index, summary
        longest = max([len(summary) for _, summary in scorable.values()], default=0)
        n_together = MOST_TOGETHER if longest <= LONGEST_IN_COMPANY else 1
        for first in range(0, len(scorable), n_together):
            some = [*scorable][first : first + n_together]
            compared = self.index.compare_pairs([scorable[at] for at in some])
            scores |= zip(some, compared, strict=True)
            passages_of_summary.cache_clear()
        return scores


def _in_batches(summaries: _Summaries) -> Iterator[_Summaries]:
    """Yield a few articles at a time, with their summaries: what is worth reading together."""
    batch: _Summaries = {}
    n_summaries = n_characters = 0
    for key, places in summaries.items():
        batch[key] = places
        n_summaries += len(places)
        n_characters += len(key[0])
        if n_summaries >= ENOUGH_TOGETHER or n_characters >= LONGEST_TOGETHER:
            yield batch
            batch, n_summaries, n_characters = {}, 0, 0
    if batch:
        yield batch


Clash = TypeVar("Clash")
NOT_COMPARABLE = Score(None, note="no sentence can be compared with one of the article")

Index = TypeVar("Index", bound=ArticleIndex)


class SummaryClaims(Generic[Index, Clash]):
    """A summary's sentences, held against an article, which may clash with what it says."""

    def __init__(self, article: Index, summary: str) -> None:
        self.article = article
        self.stated = article.passages
        self.own = passages_of_summary(summary)

    @on_demand
    def shared_stems(self) -> frozenset[str]:
        """The stems of the summary that the article has."""
        return frozenset(filter(self.stated.places.__contains__, self.own.stems))

    def read(self, number: int) -> tuple[list[int], list[Clash]]:
        """Return which sentences of the article one was compared with, and what clashes.

        Where there are none, it cannot be compared.
        """
        raise NotImplementedError

    def flag(self, clash: Clash) -> Flag:
        """Return what a reader is told of a clash, with the article's words."""
        raise NotImplementedError

    def share_without_clash(self) -> Score:
        """Return the share of the comparable sentences without a clash, with flags."""
        flags: list[Flag] = []
        found: list[tuple[Span, float, Sequence[int]]] = []
        for number, sentence in enumerate(self.own.sentences):
            if self.own.first[number] >= MOST_SUMMARY_WORDS:
                break
            copied = self.stated.sentence_of(sentence.of(self.own.text))
            compared, clashes = self.read(number) if copied is None else ([copied], [])
            if compared:
                flags += map(self.flag, clashes)
                found.append((sentence, float(not clashes), compared))
        if not found:
            return NOT_COMPARABLE
        value = sum([value for _, value, _ in found]) / len(found)
        shown = tuple(map(self._with_evidence, found)) if self.article.wants_evidence else ()
        return Score(value, sentences=shown, flags=tuple(flags))

    def _with_evidence(self, found: tuple[Span, float, Sequence[int]]) -> SentenceScore:
        """Return what is found of a sentence, with those of the article it was compared with."""
        sentence, value, compared = found
        evidence = in_order([self.stated.sentences[each] for each in compared])
        return SentenceScore(sentence, value, evidence[:MOST_EVIDENCE])
