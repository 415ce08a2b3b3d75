"""Wrong weekdays, months, days, years and `last week` for `last month`."""

import re
from collections.abc import Iterator
from random import Random

from evalharness import text
from evalharness.meta.planted.facts import Facts, PlannedChange, SummaryClaims, pattern_matches
from evalharness.meta.planted.numbers import DATES, is_foreign, number_variants

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LONG_MONTHS = ("January", "March", "May", "July", "August", "October", "December")
_MONTHS = (*_LONG_MONTHS, "February", "April", "June", "September", "November")
_WEEKDAY = re.compile(rf"\b(?:{'|'.join(_WEEKDAYS)})\b", re.IGNORECASE)
_MONTH = re.compile(rf"\b(?:{'|'.join(_MONTHS)}|Jan|Feb|Aug|Sept|Oct|Nov|Dec)\b", re.IGNORECASE)
_SHORT = {"Jan": "January", "Feb": "February", "Aug": "August", "Sept": "September"}
_SHORT |= {"Oct": "October", "Nov": "November", "Dec": "December"}
_BEFORE_MONTH = re.compile(
    r"(?:\d(?:st|nd|rd|th)?|\b(?:in|by|since|until|till|from|of|late|early|mid|last|next|this|"
    r"during|between|to))[ -]$",
    re.IGNORECASE,
)
_RELATIVE = re.compile(
    r"\b(last|next) (week|month|year|weekend|spring|summer|autumn|winter)\b", re.IGNORECASE
)
_SPANS = ("week", "month", "year")
_SEASONS = ("spring", "summer", "autumn", "winter")
_SHORT_MONTH_DAYS = 28
# A news article seldom speaks of a later year than its own.
_YEARS_OFF = (-9, -8, -7, -6, -5, -4, -3, -2, -1)


def change_dates(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    """Yield changes of a weekday, month, day, year or season to one the article does not name."""
    drafts = [
        *_weekdays(claims, facts),
        *_months(claims, facts),
        *_relative(claims, facts),
        *_days_and_years(claims, facts, rng),
    ]
    places = sorted({draft.start for draft in drafts})
    for place in rng.sample(places, len(places)):
        here = [draft for draft in drafts if draft.start == place]
        yield from rng.sample(here, len(here))


def _weekdays(claims: SummaryClaims, facts: Facts) -> Iterator[PlannedChange]:
    for match in pattern_matches(_WEEKDAY, claims):
        for new in _WEEKDAYS:
            if not (facts.says(new) or facts.says(new[:3])) and not _has(claims, new):
                yield PlannedChange(match.start(), match.end(), new)


def _months(claims: SummaryClaims, facts: Facts) -> Iterator[PlannedChange]:
    for match in pattern_matches(_MONTH, claims):
        before = claims.text[max(0, match.start() - 10) : match.start()]
        followed = re.match(r"\.? \d", claims.text[match.end() : match.end() + 4])
        if not (followed or _BEFORE_MONTH.search(before)):
            continue
        around = claims.text[max(0, match.start() - 6) : match.end() + 5]
        late = any(int(day) > _SHORT_MONTH_DAYS for day in re.findall(r"(?<!\d)\d\d(?!\d)", around))
        is_short = match[0].capitalize() in _SHORT
        for new in _LONG_MONTHS if late else _MONTHS:
            short = next((s for s, whole in _SHORT.items() if whole == new), new[:3])
            if facts.says(new) or facts.says(short) or _has(claims, new):
                continue
            if is_short and new not in _SHORT.values():
                continue
            yield PlannedChange(match.start(), match.end(), short if is_short else new)


def _relative(claims: SummaryClaims, facts: Facts) -> Iterator[PlannedChange]:
    for match in pattern_matches(_RELATIVE, claims):
        row = _SEASONS if match[2].lower() in _SEASONS else _SPANS
        for new in row:
            phrase = f"{match[1]} {new}"
            if new != match[2].lower() and not facts.says(phrase):
                yield PlannedChange(match.start(2), match.end(2), new)


def _days_and_years(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    for number in claims.numbers:
        span = number.span
        loose = not re.match(r"[-–/]\d", claims.text[span.end : span.end + 2])
        attached = re.search(r"[-–/]$", claims.text[: span.start][-1:])
        if number.kind not in DATES or attached or not loose:
            continue
        if claims.is_named(span.start, span.end) or claims.is_quoted(span.start, span.end):
            continue
        for new in _other_dates(number, span.of(claims.text), rng):
            draft = PlannedChange(span.start, span.end, new)
            if not facts.says(new) and is_foreign(claims, facts, number, draft):
                yield draft


def _other_dates(number: text.Number, written: str, rng: Random) -> Iterator[str]:
    value = int(number.value)
    if number.kind == "year" and written.isdigit():
        yield from (str(value + step) for step in _YEARS_OFF)
    elif number.kind == "decade" and written[:-1].isdigit():
        yield from (f"{value + step}s" for step in (-30, -20, -10))
    elif number.kind == "day":
        days = [
            new for new in number_variants(written, number, rng) if _day(new) <= _SHORT_MONTH_DAYS
        ]
        yield from days


def _day(written: str) -> int:
    digits = "".join(each for each in written if each.isdecimal())
    return int(digits) if digits else 1


def _has(claims: SummaryClaims, word: str) -> bool:
    return re.search(rf"\b{word}\b", claims.text, re.IGNORECASE) is not None
