"""Is the summary consistent with the article? All checks without weights, as one."""

import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property
from typing import Any, ClassVar

from evalharness.checks.lexical.dates import StatedDates, check_dates, published_on
from evalharness.checks.lexical.entities import StatedNames, check_entities
from evalharness.checks.lexical.numbers import ORDINALS_IN_CLAUSES, StatedNumbers, check_numbers
from evalharness.checks.lexical.passages import BySentences, passages, without_claims
from evalharness.checks.lexical.polarity import StatedPolarity, check_polarity
from evalharness.checks.lexical.quotes import StatedQuotes, check_quotes
from evalharness.checks.lexical.roles import StatedRoles, check_roles
from evalharness.checks.lexical.support import Wording, check_support, odds_added
from evalharness.protocols import Need, Pair
from evalharness.records import Flag, Score, SentenceScore, Span
from evalharness.text.names import LEAST_ENGLISH


@dataclass(frozen=True)
class LexicalPart:
    """A check that is part of `lexical`.

    index: makes of an article what the check needs of it. check: scores a summary against that.
    english: it reads English only. dated: it also asks for the day on which the article appeared.
    """

    name: str
    index: Callable[..., Any]
    check: Callable[[Any, str], Score]
    english: bool = False
    dated: bool = False


# In the order in which their flags win over each other where they overlap.
PARTS = (
    LexicalPart("dates", StatedDates, check_dates, english=True, dated=True),
    LexicalPart("numbers", StatedNumbers, check_numbers),
    LexicalPart("entities", StatedNames, check_entities),
    LexicalPart("polarity", StatedPolarity, check_polarity, english=True),
    LexicalPart("quotes", StatedQuotes, check_quotes),
    LexicalPart("roles", StatedRoles, check_roles, english=True),
)
# What a flag adds to the odds against its sentence, by its kind: set by hand, after how often such
# a flag is right on labelled summaries. `unsupported` is in the value of `support` already.
ODDS = {
    "number": 8.0,
    "entity": 6.0,
    "date": 8.0,
    "negation": 2.0,
    "antonym": 1.0,
    "hedge": 0.3,
    "quote": 1.0,
    "attribution": 0.3,
    "roles": 0.3,
    "swap": 0.1,
    "unsupported": 0.0,
}
OTHER_ODDS = 1.0
FOREIGN = frozenset(["number", "entity", "date"])
# `Her second film`, `seven times`: a summary may count what the article lists.
SMALL = {
    *("three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("dozens", "hundreds", "thousands", "millions"),
}
COUNT_ODDS = 0.2


@dataclass(frozen=True)
class Lexical(BySentences):
    """How consistent the summary is with the article, by its words: no weights, milliseconds.

    What speaks against a sentence adds up as odds, `1 / value - 1`: those of its `support`, and
    some for each flag of the other parts, by its kind. Over the sentences they add up again, so
    each further sentence can only lower the score; the mean and the minimum of the sentences are in
    the parts. A part that does not apply counts as nothing wrong. A summary or sentence below the
    threshold `flagged` is flagged, from `supported` on it is supported, and else unsure.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article", "published"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 2
    thresholds: ClassVar[Mapping[str, float]] = {"flagged": 0.15, "supported": 0.5}

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Flag what is wrong, point to where the article shows it, and score each sentence."""
        indexed = cache(Indexed)
        return [
            check_lexical(indexed(article.text, published_on(article)), summary.text)
            for article, summary in pairs
        ]


class Indexed:
    """An article as each part needs it, for all its summaries."""

    def __init__(self, article: str, published: date | None = None) -> None:
        self.text = article
        self.passages = passages(article)
        self.wording = Wording(article)
        self.parts = {
            part.name: part.index(article, published) if part.dated else part.index(article)
            for part in PARTS
        }

    @cached_property
    def is_english(self) -> bool:
        """Whether the article has as many function words as English has; short texts count so."""
        tokens = self.passages.tokens
        n_function = sum(not token.content for token in tokens)
        return len(tokens) < 20 or n_function >= LEAST_ENGLISH * len(tokens)


def check_lexical(article: Indexed, summary: str) -> Score:
    """Return the combined score of a summary with the flags of all parts."""
    note = without_claims(article.text, summary)
    if note:
        return Score(None, note=note)
    applied = [part for part in PARTS if article.is_english or not part.english]
    results = {part.name: part.check(article.parts[part.name], summary) for part in applied}
    if dated := article.parts["dates"].confirmed_by_publication(summary):
        results["numbers"] = check_numbers(article.parts["numbers"], summary, dated)
    telling = merge_flags(summary, [score.flags for score in results.values()])
    support = check_support(article.wording, summary, _foreign(telling))
    if support.value is None:
        return support
    sentences = _sentences(support.sentences, telling, summary)
    values = [sentence.value for sentence in sentences]
    known = {name: score.value for name, score in results.items() if score.value is not None}
    of_all = {"support": support.value, "mean": sum(values) / len(values), "min": min(values)}
    skipped = ", ".join(part.name for part in PARTS if part not in applied)
    return Score(
        odds_added(values),
        known | of_all,
        sentences,
        merge_flags(summary, [telling, support.flags]),
        f"the article is not English, so these were not checked: {skipped}" if skipped else "",
    )


def _foreign(flags: Sequence[Flag]) -> list[Span]:
    """Return what the article does not have at all, of what is flagged."""
    return [flag.span for flag in flags if flag.kind in FOREIGN]


def _sentences(
    supported: Sequence[SentenceScore], flags: Sequence[Flag], summary: str
) -> tuple[SentenceScore, ...]:
    """Add to the odds against each sentence what its flags add."""
    odds = [1 / sentence.value - 1 for sentence in supported]
    ends = [sentence.span.end for sentence in supported]
    for flag in flags:
        at = bisect.bisect_right(ends, flag.span.start)
        odds[min(at, len(odds) - 1)] += _odds(flag, summary)
    return tuple(
        SentenceScore(sentence.span, 1 / (1 + against), sentence.evidence)
        for sentence, against in zip(supported, odds, strict=True)
    )


def _odds(flag: Flag, summary: str) -> float:
    word = flag.span.of(summary).lower()
    if flag.kind == "number" and (
        word in ORDINALS_IN_CLAUSES or (word in SMALL and not flag.evidence)
    ):
        return COUNT_ODDS
    return ODDS.get(flag.kind, OTHER_ODDS)


def merge_flags(summary: str, flags: Sequence[Sequence[Flag]]) -> tuple[Flag, ...]:
    """Return the flags of several checks in order, without overlaps.

    Those of an earlier check win. Of a flag `unsupported` what they leave free is kept where it has
    a letter or digit, up to the very flag that wins; of others nothing.
    """
    kept: list[Flag] = []
    for some in flags:
        before = sorted(flag.span for flag in kept)
        for flag in some:
            free = _free(flag.span, before)
            if free == [flag.span]:
                kept.append(flag)
            elif flag.kind == "unsupported":
                pieces = (span for span in free if any(map(str.isalnum, span.of(summary))))
                kept += (replace(flag, span=piece) for piece in pieces)
    return tuple(sorted(kept, key=lambda flag: flag.span))


def _free(span: Span, taken: Sequence[Span]) -> list[Span]:
    """Return the pieces of a span that no taken span covers; those are in order and apart."""
    free: list[Span] = []
    start = span.start
    at = bisect.bisect_right(taken, span.start, key=lambda other: other.end)
    while at < len(taken) and taken[at].start < span.end:
        free.append(Span(start, max(start, taken[at].start)))
        start = taken[at].end
        at += 1
    free.append(Span(start, span.end))
    return [piece for piece in free if piece.start < piece.end]
