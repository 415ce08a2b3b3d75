"""Does the article have what each sentence of the summary says?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from evalharness.checks.lexical.alignment import (
    Aligned,
    Wording,
    align,
    by_sentence,
    close_pairs,
    common_subsequence,
    evidence,
    is_repeated,
    known_words,
)
from evalharness.checks.lexical.naming_words import NAMING_STEMS
from evalharness.checks.lexical.passages import passages, without_claims
from evalharness.checks.lexical.unsupported import unsupported_runs
from evalharness.protocols import Need, Pair
from evalharness.records import Flag, Score, SentenceScore, Span

# What speaks against a sentence, as odds. By hand: halving or doubling one of them moves the
# agreement with human labels by .002 at most.
PATH = 1 / 30  # for each unit of the path's cost; a novel word costs 4
LACKING = 0.5  # for all that one of the three shares lacks
NAMING = 0.7  # for each novel word that names things: `county`, `championship`
REPEATED = 0.7  # for a word of content that no sentence of the article has so often
MOST_QUOTED = 60


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
        indexed = cache(Wording)
        return [check_support(indexed(article.text), summary.text) for article, summary in pairs]


def check_support(article: Wording, summary: str, wrong: Sequence[Span] = ()) -> Score:
    """Return how far the article supports each sentence of a summary, with evidence and flags.

    wrong: what is known to be wrong in the summary, in order; flags go over it.
    """
    note = without_claims(article.text, summary)
    if note:
        return Score(None, note=note)
    scores: list[SentenceScore] = []
    flags: list[Flag] = []
    for span, tokens in by_sentence(passages(summary)):
        aligned = align(article, tokens)
        found = evidence(article, aligned)
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


def odds_against(article: Wording, aligned: Aligned) -> float:
    """Return what speaks against a sentence: 0 for a copy, and more the less the article has."""
    if aligned.cost == 0:
        return 0.0
    lacking = (
        (1 - common_subsequence(article, aligned))
        + (1 - close_pairs(article, aligned))
        + (1 - known_words(article, aligned))
    )
    n_naming = sum(key in NAMING_STEMS and key not in article for key in aligned.keys)
    repeated = REPEATED * is_repeated(article, aligned)
    return PATH * aligned.cost + LACKING * lacking + NAMING * n_naming + repeated


def _flag(article: Wording, span: Span, summary: str, found: tuple[Span, ...]) -> Flag:
    return Flag(span, "unsupported", _message(article, span.of(summary), found), found)


def _message(article: Wording, words: str, found: tuple[Span, ...]) -> str:
    quoted = words if len(words) <= MOST_QUOTED else f"{words[:MOST_QUOTED].rstrip()}…"
    if not found:
        return f"nothing in the article says '{quoted}'"
    place = article.passages.sentence_at(found[0].start) + 1
    return f"'{quoted}' is not in the article; the nearest is sentence {place}"
