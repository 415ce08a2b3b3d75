"""Is a known number said by the same time, in the same unit, and does it go the same way?

`Four a week` for `four a month`, `9 g/kg` for `9 mg/kg`, `rose to 36` for `36, compared with 44`.
"""

import itertools
import re
from collections.abc import Iterator, Sequence

from evalharness import text
from evalharness.checks.lexical.passages import MOST_CANDIDATES, Passages
from evalharness.records import Flag, Span
from evalharness.text.words import word_set

_TIMES = "second|minute|hour|day|night|week|fortnight|month|quarter|year"
# Behind a number: `four a week`, `£38 a head per day`, `2 g daily`, `three times every month`.
_RATE = re.compile(
    rf"(?P<between>(?:[ -][\w%/°µ]+){{0,3}}?) "
    rf"(?:(?:an?|per|each|every) (?P<unit>{_TIMES})|(?P<adverb>daily|weekly|monthly|yearly))\b"
)
_UNIT_OF = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}
# Units as they stand behind digits, perhaps per another: case tells `mg` from `Mg`.
_SYMBOL = (
    r"(?:[kmµun]?g|mcg|[mµcd]?[lL]|[mµn]?mol|IU|kcal|cal|kJ|MJ|[cmµnk]m|[kMG]?Wh?|kV|[kMG]?Hz"
    r"|[kMGT]B|mmHg|bpm|ppm|°[CF]|dB)"
)
_MEASURED = re.compile(
    rf"(?<![\w.,])(?P<digits>\d+(?:[.,]\d+)*)[ \u00a0]?"
    rf"(?P<symbol>{_SYMBOL}(?:/{_SYMBOL})?)(?![\w/])"
)
_UP = word_set("rise increas grow climb jump soar surg rose grew")
_DOWN = word_set("fall drop declin decreas shrink plung slump slid slide fell")
# Between a number and the one that it was before: `36 million (2021: 44 million)`.
_WAS = re.compile(
    r"[ ,(]*(?:(?:up|down) from|compared (?:with|to)|as against|against|versus|vs\.?"
    r"|(?:in )?(?:19|20)\d\d:)[ ]"
)
_WORD_BEFORE = re.compile(r"\b([^\W\d_]{4,}) \Z")
REACH_OF_CHANGE, LONGEST_BETWEEN, REACH_OF_AMOUNT = 6, 30, 40


def misread_measures(article: Passages, own: Passages) -> Iterator[Flag]:
    """Yield numbers that the article has per another time or in another unit, and wrong changes."""
    numbers = [*itertools.chain.from_iterable(own.numbers_in(article.language))]
    if not numbers:
        return
    yield from _other_units(article, own)
    index = None
    for number in numbers:
        rate = _RATE.match(own.text, number.span.end)
        change = _change_before(own, number)
        if rate is None and change is None:
            continue
        index = index or text.NumberIndex([*itertools.chain.from_iterable(article.numbers)])
        stated = [*itertools.islice(index.agreeing_numbers(number), MOST_CANDIDATES)]
        yield from _other_rate(article, number, rate, stated) if rate else ()
        yield from _other_way(article, own, change, stated) if change else ()


def _unit(rate: re.Match[str]) -> str:
    return rate["unit"] or _UNIT_OF[rate["adverb"]]


def _other_rate(
    article: Passages, number: text.Number, rate: re.Match[str], stated: Sequence[text.Number]
) -> Iterator[Flag]:
    """Yield the flag of a number that the article has per another time only."""
    rates = [(each, _RATE.match(article.text, each.span.end)) for each in stated]
    told = [(each, match) for each, match in rates if match is not None]
    if any(_unit(match) == _unit(rate) for _, match in told):
        return
    alike = (each for each in told if each[1]["between"] == rate["between"])
    for instead, match in itertools.islice(alike, 1):
        span = Span(number.span.start, rate.end())
        yield _flag(article, span, "number", instead, match.end())


def _flag(article: Passages, span: Span, kind: str, stated: text.Number, end: int) -> Flag:
    where = Span(stated.span.start, end)
    sentence = article.sentence_at(where.start) + 1
    said = f"the article says '{where.of(article.text)}', in sentence {sentence}"
    return Flag(span, kind, said, (where,))


def _other_units(article: Passages, own: Passages) -> Iterator[Flag]:
    """Yield the numbers that the article has, but each time in another unit."""
    claims = [*_MEASURED.finditer(own.text)]
    if not claims:
        return
    stated: dict[str, list[re.Match[str]]] = {}
    for measured in _MEASURED.finditer(article.text):
        stated.setdefault(measured["digits"], []).append(measured)
    for claim in claims:
        same = stated.get(claim["digits"], [])
        if any(_is_one_unit(claim["symbol"], each["symbol"]) for each in same):
            yield from _other_amount(article, own, claim)
            continue
        bare = rf"(?<![\w.,]){re.escape(claim['digits'])}(?![\w]|[.,]\d)"
        if same and len(re.findall(bare, article.text)) <= len(same):
            yield _measure_flag(article, claim, Span(*same[0].span()))


def _other_amount(article: Passages, own: Passages, claim: re.Match[str]) -> Iterator[Flag]:
    """Yield a known amount right behind a word behind which the article has another: of a drug."""
    word = _WORD_BEFORE.search(own.text[max(0, claim.start() - LONGEST_BETWEEN) : claim.start()])
    if word is None:
        return
    named = re.compile(rf"\b{re.escape(word[1])} ", re.IGNORECASE)
    instead = None
    for found in named.finditer(article.text):
        near = article.text[found.end() : found.end() + REACH_OF_AMOUNT]
        if claim["digits"] in near.split(". ")[0]:
            return
        instead = instead or _MEASURED.match(article.text, found.end())
    if instead is not None:
        yield _measure_flag(article, claim, Span(*instead.span()))


def _measure_flag(article: Passages, claim: re.Match[str], where: Span) -> Flag:
    sentence = article.sentence_at(where.start) + 1
    said = f"the article says '{where.of(article.text)}', in sentence {sentence}"
    return Flag(Span(*claim.span()), "number", said, (where,))


def _is_one_unit(one: str, other: str) -> bool:
    """Tell whether two units are the same; what they are per may be left out."""
    ones, others = one.split("/"), other.split("/")
    return all(
        _plain_symbol(mine) == _plain_symbol(its) for mine, its in zip(ones, others, strict=False)
    )


def _plain_symbol(symbol: str) -> str:
    return symbol.replace("u", "µ").replace("mcg", "µg").replace("L", "l")


def _change_before(own: Passages, number: text.Number) -> tuple[int, bool] | None:
    """Return the word before `to` and a number that says that it went up, or down."""
    if not own.text.startswith(" to ", number.span.start - len(" to ")):
        return None
    _, before, _, _ = own.parted_by(number.span)
    low, words = own.bounds(before - 1)[0], own.columns
    for at in range(before - 2, max(low, before - 2 - REACH_OF_CHANGE) - 1, -1):
        if words.after_mark[at + 1] and not words.words[at].isdecimal():
            return None
        if words.stems[at] in _UP or words.stems[at] in _DOWN:
            return at, words.stems[at] in _UP
    return None


def _other_way(
    article: Passages, own: Passages, change: tuple[int, bool], stated: Sequence[text.Number]
) -> Iterator[Flag]:
    """Yield the flag of a rise that was a fall by what the number had been before."""
    at, is_up = change
    befores = [(each, _before(article, each)) for each in stated]
    known = [(each, before) for each, before in befores if before is not None]
    if known and not any((each.value > before.value) == is_up for each, before in known):
        instead, before = known[0]
        yield _flag(article, own.span(at, at), "antonym", instead, before.span.end)


def _before(article: Passages, stated: text.Number) -> text.Number | None:
    """Return what a number of the article had been before, if it says so right behind it."""
    found = article.numbers[article.sentence_at(stated.span.start)]
    later = (each for each in found if each.span.start > stated.span.start)
    alike = (each for each in later if (each.kind, each.unit) == (stated.kind, stated.unit))
    other = next(alike, None)
    if other is None or other.span.start - stated.span.end > LONGEST_BETWEEN:
        return None
    between = article.text[stated.span.end : other.span.start]
    return other if _WAS.fullmatch(between) and other.value != stated.value else None
