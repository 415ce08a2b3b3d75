"""Does the article have what each sentence of the summary says, and which words does it lack?

A sentence is aligned with the article; what the alignment lacks makes its odds. Words of content
that the article does not have are novel. They are flagged in runs, with the few words between them
that hang together with nothing else; or, in a sentence that is novel for the most part, with all
words but those of copied fragments, since what the article shares with such a sentence is chance. A
run whose only novel words say little by themselves (`launched`) is left out.
"""

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from evalharness.checks.lexical import alignment
from evalharness.checks.lexical.passages import passages, without_claims
from evalharness.checks.lexical.words import GENERAL_STEMS, NAMING_STEMS
from evalharness.protocols import Need, Pair
from evalharness.records import Flag, Score, SentenceScore, Span
from evalharness.text import Token

# What speaks against a sentence, as odds. By hand: halving or doubling one of them moves the
# agreement with human labels by .002 at most.
PATH = 1 / 30  # for each unit of the path's cost; a novel word costs 4
LACKING = 0.5  # for all that one of the three shares lacks
NAMING = 0.7  # for each novel word that names things: `county`, `championship`
REPEATED = 0.7  # for a word of content that no sentence of the article has so often
MOST_QUOTED = 60

# A word that is spelled so nearly like one of the article's is not novel: `organise`.
KNOWN_SPELLING = 0.6
# Words between two novel ones are flagged with them, unless there are more or the article has two
# neighbouring ones of them as neighbours.
MOST_BRIDGED = 3
# A sentence with a greater share of novel words among its words of content, of which it must have
# some, is novel for the most part. On labelled news most of its other words are marked wrong, too.
MOSTLY_NOVEL = 0.48
LEAST_JUDGED = 3
# So many words in a row, one of them of content, are a copied fragment.
LEAST_COPIED = 3

WordRun = tuple[int, int]


@dataclass(frozen=True)
class Support:
    """How far the article's own words make up each sentence of the summary.

    A sentence that is copied has 1. The score sinks with the cost of finding its words in the
    article one after the other, with the words that are not in the two sentences that fit best, or
    not in their order, with neighbouring words that the article does not have close together, with
    words that it does not have at all, and with a word that is said more often than in any of the
    article's sentences. Over the sentences the odds against support add up; so
    each further sentence can only lower the score. Their mean and minimum are in the parts.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 2

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Point to the best evidence of each sentence; flag the words that have none."""
        indexed = cache(alignment.Wording)
        return [check_support(indexed(article.text), summary.text) for article, summary in pairs]


def check_support(article: alignment.Wording, summary: str, wrong: Sequence[Span] = ()) -> Score:
    """Return how far the article supports each sentence of a summary, with evidence and flags.

    wrong: what is known to be wrong in the summary, in order; flags go over it.
    """
    note = without_claims(article.text, summary)
    if note:
        return Score(None, note=note)
    scores: list[SentenceScore] = []
    flags: list[Flag] = []
    for span, tokens in alignment.by_sentence(passages(summary)):
        aligned = alignment.align(article, tokens)
        found = alignment.evidence(article, aligned)
        scores.append(SentenceScore(span, 1 / (1 + odds_against(article, aligned)), found))
        for first, last in unsupported_runs(article, aligned, wrong):
            flagged = Span(tokens[first].start, tokens[last].end)
            flags.append(_flag(article, flagged, summary, found))
    if not scores:
        return Score(None, note="the summary has no words")
    values = [score.value for score in scores]
    parts = {"mean": sum(values) / len(values), "min": min(values)}
    return Score(odds_added(values), parts, tuple(scores), tuple(flags))


def odds_added(values: Iterable[float]) -> float:
    """Return the value whose odds against, `1 / value - 1`, are the sum of those of the values.

    >>> odds_added([0.5, 1.0]), odds_added([0.5, 0.5]), odds_added([0.5, 0.0])
    (0.5, 0.3333333333333333, 0.0)
    """
    against = 0.0
    for value in values:
        if value <= 0:
            return 0.0
        against += 1 / value - 1
    return 1 / (1 + against)


def odds_against(article: alignment.Wording, aligned: alignment.Aligned) -> float:
    """Return what speaks against a sentence: 0 for a copy, and more the less the article has."""
    if aligned.cost == 0:
        return 0.0
    lacking = (
        (1 - alignment.common_subsequence(article, aligned))
        + (1 - alignment.close_pairs(article, aligned))
        + (1 - alignment.known_words(article, aligned))
    )
    n_naming = sum(key in NAMING_STEMS and key not in article for key in aligned.keys)
    repeated = REPEATED * alignment.is_repeated(article, aligned)
    return PATH * aligned.cost + LACKING * lacking + NAMING * n_naming + repeated


def _flag(article: alignment.Wording, span: Span, summary: str, found: tuple[Span, ...]) -> Flag:
    return Flag(span, "unsupported", _message(article, span.of(summary), found), found)


def _message(article: alignment.Wording, words: str, found: tuple[Span, ...]) -> str:
    quoted = words if len(words) <= MOST_QUOTED else f"{words[:MOST_QUOTED].rstrip()}…"
    if not found:
        return f"nothing in the article says '{quoted}'"
    place = article.passages.sentence_at(found[0].start) + 1
    return f"'{quoted}' is not in the article; the nearest is sentence {place}"


def unsupported_runs(
    article: alignment.Wording, aligned: alignment.Aligned, wrong: Sequence[Span]
) -> list[WordRun]:
    """Return the first and the last word of each run that nothing supports, in order.

    wrong: what is known to be wrong in the summary, in order; its words count as novel.
    """
    words = list(zip(aligned.tokens, aligned.keys, strict=True))
    known_wrong = [_overlaps(wrong, token) for token in aligned.tokens]
    unknown = [token.content and _is_novel(article, key) for token, key in words]
    novel = [one or other for one, other in zip(unknown, known_wrong, strict=True)]
    if _is_mostly_novel(aligned, novel):
        return [run for run in _between_copies(aligned) if any(novel[run[0] : run[1] + 1])]
    telling = [
        is_wrong or (is_unknown and token.stem not in GENERAL_STEMS)
        for token, is_unknown, is_wrong in zip(aligned.tokens, unknown, known_wrong, strict=True)
    ]
    return [run for run in _bridge_gaps(aligned, novel) if any(telling[run[0] : run[1] + 1])]


def _is_novel(article: alignment.Wording, key: str) -> bool:
    """Tell whether the article lacks a word; numbers, which have many forms, are not judged."""
    if key in article or key[:1].isdigit():
        return False
    return article.similar(key)[0] < KNOWN_SPELLING


def _overlaps(wrong: Sequence[Span], token: Token) -> bool:
    at = bisect.bisect_right(wrong, token.start, key=lambda span: span.end)
    return at < len(wrong) and wrong[at].start < token.end


def _is_mostly_novel(aligned: alignment.Aligned, novel: Sequence[bool]) -> bool:
    judged = [one for one, token in zip(novel, aligned.tokens, strict=True) if token.content]
    return len(judged) >= LEAST_JUDGED and sum(judged) > MOSTLY_NOVEL * len(judged)


def _between_copies(aligned: alignment.Aligned) -> Iterator[WordRun]:
    """Yield the stretches of a sentence that are no part of a copied fragment."""
    start = 0
    for first, last in _fragments(aligned):
        is_copy = last - first + 1 >= LEAST_COPIED
        if is_copy and any(token.content for token in aligned.tokens[first : last + 1]):
            if start < first:
                yield start, first - 1
            start = last + 1
    if start < len(aligned.tokens):
        yield start, len(aligned.tokens) - 1


def _fragments(aligned: alignment.Aligned) -> Iterator[WordRun]:
    """Yield the runs of words, also of one, that stand in the article one after the other."""
    first = 0
    for number, (place, following) in enumerate(itertools.pairwise([*aligned.places, None])):
        if place is None or following != place + 1:
            yield first, number
            first = number + 1


def _bridge_gaps(aligned: alignment.Aligned, novel: Sequence[bool]) -> Iterator[WordRun]:
    """Yield the runs of novel words, small gaps bridged."""
    first = last = -1
    for number in itertools.compress(itertools.count(), novel):
        if first >= 0 and not _is_gap(aligned, last + 1, number):
            yield first, last
            first = number
        first = number if first < 0 else first
        last = number
    if first >= 0:
        yield first, last


def _is_gap(aligned: alignment.Aligned, start: int, end: int) -> bool:
    """Tell whether the words between two novel ones are few, and hardly copied."""
    if end - start > MOST_BRIDGED:
        return False
    return not any(
        one is not None and other == one + 1
        for one, other in itertools.pairwise(aligned.places[start:end])
    )
