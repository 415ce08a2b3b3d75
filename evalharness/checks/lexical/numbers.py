"""Does the article state the summary's numbers?"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import ClassVar, NamedTuple

from evalharness import text
from evalharness.checks.lexical import scoring
from evalharness.checks.lexical.passages import (
    LEAST_SHARED,
    MOST_CANDIDATES,
    MOST_EVIDENCE,
    passages,
)
from evalharness.records import Flag, Score, SentenceScore, Span

# A number belongs to a word close behind it: `14 of the miners`.
CHARACTERS_AFTER = 30
_TIME_UNIT = re.compile(
    r"[ \u00a0-](?:second|minute|hour|day|week|month|year)s?(?:[ -]olds?)?\b", re.IGNORECASE
)
# `The two teams`, `her first film`: a summary may count what the article lists.
ORDINALS_IN_CLAUSES = frozenset(["first", "second", "third"])
COUNTS = ORDINALS_IN_CLAUSES | {"two", "both", "half", "twice"}
# `Her second film`, `seven times`: a summary may count what the article lists.
MOST_COUNTED = 12
SMALL = COUNTS | {
    *("three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("dozens", "hundreds", "thousands", "millions"),
}


class StatedNumbers(scoring.ArticleIndex):
    """The numbers of an article, found once for all its summaries."""

    def __init__(self, article: str, published: date | None = None) -> None:
        super().__init__(article, published)
        self.numbers = text.numbers(article, self.passages.sentences)
        self._index = text.NumberIndex(self.numbers)

    def evidence(self, claimed: text.Number) -> list[Span]:
        """Return where the article states a number, at most five places; empty if it does not."""
        found = itertools.islice(self._index.agreeing_numbers(claimed), MOST_EVIDENCE)
        return [stated.span for stated in found]

    @cached_property
    def by_company(self) -> dict[tuple[str, str, str], list[text.Number]]:
        """The numbers by their kind, unit and a word behind them, or by kind and unit alone."""
        found: dict[tuple[str, str, str], list[text.Number]] = {}
        for stated in self.numbers:
            for company in _company(self.text, stated) if stated.sure else ():
                found.setdefault(company, []).append(stated)
        return found

    def instead(
        self, claimed: text.Number, summary: str, wanted: frozenset[str]
    ) -> text.Number | None:
        """Return the number that the article has in place of a wrong one, if that can be told.

        It has the same unit, stands before the same word, or is of the same kind in a sentence
        that is much alike. Of several, the one counts whose sentence has most of the wanted words,
        which are those of the summary's sentence.
        """
        near: list[tuple[int, text.Number]] = []
        for company in _company(summary, claimed):
            for stated in self.by_company.get(company, [])[:MOST_CANDIDATES]:
                shared = len(
                    wanted & self.passages.content[self.passages.sentence_at(stated.span.start)]
                )
                if shared >= LEAST_SHARED or company[2] or (company[1] and shared):
                    near.append((shared, stated))
        return max(near, key=lambda pair: pair[0])[1] if near else None

    def compare(self, summary: str, dated: Sequence[Span] = ()) -> Score:
        """Return the share of the summary's numbers that the article states, with flags.

        dated: dates in the summary that are right although their numbers may not be in the article.
        """
        return scoring.share_of_claims(_judge_sentences(self, summary, dated), "numbers")


@dataclass(frozen=True)
class Numbers(scoring.BySentences, scoring.LexicalCheck):
    """Share of the summary's numbers that the article states.

    Equal values count in any dress (`a quarter`, `25%`) if their kinds can be the same, and a
    summary may round. A small count (`the two teams`) that the article has no other number in
    place of is no claim: the article may list what is counted. A sentence with numbers has the
    share of its own; weighted with their count, these make up the score. A summary without numbers
    has none.
    """

    version: ClassVar[int] = 3
    index: ClassVar[type[scoring.ArticleIndex]] = StatedNumbers


def _judge_sentences(
    article: StatedNumbers, summary: str, dated: Sequence[Span]
) -> Iterator[scoring.SentenceClaims]:
    own = passages(summary)
    for sentence, wanted in zip(own.sentences, own.content, strict=True):
        claims = [
            claim
            for number in text.numbers(summary, [sentence])
            if number.sure and not any(d.start <= number.span.start < d.end for d in dated)
            if (claim := _claim(article, number, summary, wanted)) is not None
        ]
        if not claims:
            continue
        wrong = [claim for claim in claims if not claim.evidence]
        stated = scoring.in_order([span for claim in claims for span in claim.evidence])
        score = SentenceScore(sentence, 1 - len(wrong) / len(claims), stated)
        flags = [_flag(article, claim, summary) for claim in wrong]
        yield scoring.SentenceClaims(score, len(claims), len(wrong), flags)


class _Claim(NamedTuple):
    """A number of a summary, where the article states it, and what it has instead."""

    number: text.Number
    evidence: list[Span]
    rival: text.Number | None


def _claim(
    article: StatedNumbers, number: text.Number, summary: str, wanted: frozenset[str]
) -> _Claim | None:
    """Hold a number against the article; None for a count of what the article may list."""
    evidence = article.evidence(number)
    if evidence:
        return _Claim(number, evidence, None)
    rival = article.instead(number, summary, wanted)
    if rival is None and number.span.of(summary).lower() in COUNTS:
        return None
    return _Claim(number, [], rival)


def _flag(article: StatedNumbers, claim: _Claim, summary: str) -> Flag:
    stated = claim.rival
    span = _with_time_unit(claim.number.span, summary)
    kind = "count" if _may_be_counted(article, claim, summary) else "number"
    if stated is None:
        return Flag(span, kind, f"{span.of(summary)} is not in the article")
    found = _with_time_unit(stated.span, article.text)
    number = article.passages.sentence_at(found.start) + 1
    message = f"the article says {found.of(article.text)}, in sentence {number}"
    return Flag(span, kind, message, (found,))


def _may_be_counted(article: StatedNumbers, claim: _Claim, summary: str) -> bool:
    """Tell whether a number is a small count or a place in a row, and of nothing that has another.

    `Three topics`, `the fourth title`: who reads the article can count. Where the article has
    another count of the very thing (`five miners`, `four miners`), it is no such number.
    """
    number = claim.number
    if number.unit or (number.kind != "ordinal" and number.span.of(summary).lower() not in SMALL):
        return False
    rival = claim.rival
    return (
        rival is None
        or rival.value > MOST_COUNTED
        or _head(summary, number) != _head(article.text, rival)
    )


def _head(where: str, number: text.Number) -> str:
    """Return what a number counts: the word of content behind it; empty if there is none."""
    return next((word for _, _, word in _company(where, number)), "")


def _with_time_unit(span: Span, where: str) -> Span:
    """Return a number with the unit of time behind it, as people mark it: `12 years`."""
    unit = _TIME_UNIT.match(where, span.end)
    return Span(span.start, unit.end()) if unit else span


def _company(where: str, number: text.Number) -> list[tuple[str, str, str]]:
    """Return what a number can be recognised by: its kind and unit, and two words behind it."""
    after = where[number.span.end : number.span.end + CHARACTERS_AFTER]
    if len(after) == CHARACTERS_AFTER:
        after = after[: after.rfind(" ") + 1]  # the last word may be cut
    words = [word.removesuffix("s") for word in text.content_words(after)[:2]]
    if number.unit or number.kind not in ("", "ordinal"):
        words.append("")
    return [(number.kind, number.unit, word) for word in words]
