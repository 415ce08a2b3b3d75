"""Numbers that follow from how an article says others: `stage 17` from `the 17th stage`.

By how much something changed, from `from nine years to five`, or was ahead, at `17-6`; and `almost
three minutes`, from `two minutes and 50 seconds`.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from evalharness import text
from evalharness.checks.lexical.passages import Passages
from evalharness.records import Span
from evalharness.text.number_words import EXACT

_BY = re.compile(r"\bby (?:about |around |almost |nearly |some |more than |over )?\Z")
_FROM = re.compile(r"\bfrom (?:about |around |almost |nearly |some |more than |over )?\Z")
_TO = re.compile(r"(?: [^\W\d_]+){0,3} to (?:about |around |just |almost |nearly |some )?")
_WORD_BEFORE = re.compile(r"\b([^\W\d_]{3,}) \Z")
REACH_OF_WORD = 30
# How many of the smaller unit the larger has, and what stands between the two.
_PARTS = {("year", "month"): 12, ("hour", "minute"): 60, ("minute", "second"): 60}
_AND = re.compile(r",? (?:and )?")
# How far the whole may lie from what a claim says in the larger unit: almost three is 2.5 and more.
_NEARLY = {"": Decimal(0), "about": Decimal("0.5"), "under": Decimal("0.5"), "over": Decimal("0.5")}


def evidence_by_wording(
    article: Passages,
    stated: Sequence[text.Number],
    pairs: Mapping[frozenset[int], Span],
    claimed: text.Number,
    own: Passages,
) -> list[Span]:
    """Return the numbers of an article from whose wording a summary's number follows, or none.

    stated: all numbers of the article in order. pairs: its scores and ranges, `17-6`.
    """
    if found := _place_in_row(article, stated, claimed, own):
        return found
    start = claimed.span.start
    if _BY.search(own.text, max(0, start - REACH_OF_WORD), start):
        found = _lead(pairs, claimed) or _change(article, stated, claimed)
    return found or _of_two_units(article, stated, claimed)


def _place_in_row(
    article: Passages, stated: Sequence[text.Number], claimed: text.Number, own: Passages
) -> list[Span]:
    """Return the 17th stage, of stage 17."""
    before = _word_before(own.text, claimed.span) if not (claimed.kind or claimed.unit) else ""
    if not before:
        return []
    stem = text.stem_of(before)
    return [
        number.span
        for number in stated
        if (number.kind, number.value) == ("ordinal", claimed.value)
        and text.stem_of(article.word_behind(number.span)) == stem
    ][:1]


def _word_before(where: str, span: Span) -> str:
    found = _WORD_BEFORE.search(where, max(0, span.start - REACH_OF_WORD), span.start)
    return found[1].lower() if found else ""


def _lead(pairs: Mapping[frozenset[int], Span], claimed: text.Number) -> list[Span]:
    """Return the score, or the range, whose ends are as far apart as claimed: 11, of 17-6."""
    if claimed.kind or claimed.unit:
        return []
    return [span for pair, span in pairs.items() if max(pair) - min(pair) == claimed.value][:1]


def _change(article: Passages, stated: Sequence[text.Number], claimed: text.Number) -> list[Span]:
    """Return two numbers from one of which something went to the other, as far as claimed."""
    for one, other in _from_to(article, stated):
        unit, kind = one.unit or other.unit, one.kind or other.kind
        apart = EXACT.subtract(max(one.value, other.value), min(one.value, other.value))
        if (claimed.unit, claimed.kind) == (unit, kind) and apart == claimed.value:
            return [one.span, other.span]
    return []


def _from_to(
    article: Passages, stated: Sequence[text.Number]
) -> Iterator[tuple[text.Number, text.Number]]:
    for one, other in itertools.pairwise(stated):
        start = one.span.start
        is_from = _FROM.search(article.text, max(0, start - REACH_OF_WORD), start)
        if is_from and _TO.fullmatch(article.text, one.span.end, other.span.start):
            yield one, other


def _of_two_units(
    article: Passages, stated: Sequence[text.Number], claimed: text.Number
) -> list[Span]:
    """Return two numbers in a row that say in two units what is claimed in one of them."""
    if claimed.kind or not any(claimed.unit in units for units in _PARTS):
        return []
    for one, other in itertools.pairwise(stated):
        parts = _PARTS.get((one.unit, other.unit))
        if parts is None or not _stand_together(article.text, one, other):
            continue
        smaller = EXACT.add(EXACT.multiply(one.value, Decimal(parts)), other.value)
        is_larger = claimed.unit == one.unit
        whole = EXACT.divide(smaller, Decimal(parts)) if is_larger else smaller
        if _is_about(whole, claimed):
            return [one.span, other.span]
    return []


def _stand_together(where: str, one: text.Number, other: text.Number) -> bool:
    between = where[one.span.end : other.span.start]
    return bool(re.fullmatch(rf"[ -]{one.unit}s?{_AND.pattern}", between))


def _is_about(whole: Decimal, claimed: text.Number) -> bool:
    """Tell whether a claim is right of a whole: almost three, of 2.8."""
    apart = EXACT.subtract(claimed.value, whole)
    if abs(apart) > _NEARLY[claimed.hedge]:
        return False
    return apart >= 0 if claimed.hedge == "under" else apart <= 0 or claimed.hedge != "over"
