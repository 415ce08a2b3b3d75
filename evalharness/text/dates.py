"""Dates of a text, however they are written: `4 May 2026`, `May 4th`, `Tuesday`, `last week`.

And the day on which a page appeared, from what stands on it: `Posted: May 4, 2026, 10:32 AM`.
"""

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from re import Match
from typing import NamedTuple

from evalharness.records import Span
from evalharness.text.sentences import sentences
from evalharness.text.words import OfWords

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH_OF = {name: number for number, name in enumerate(_MONTHS, 1)}
_MONTH_OF |= {name[:3]: number for name, number in _MONTH_OF.items()} | {"sept": 9}
# These are words or names, too: a month only behind a word such as `in`.
_AMBIGUOUS = frozenset(["march", "april", "may", "june", "august"])

_MONTH = rf"(?P<month>{'|'.join(_MONTHS)}|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?)"
_WEEKDAY = rf"(?P<weekday>{'|'.join(_WEEKDAYS)})"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_TO_DAY = r"(?:(?:\s?[-–]\s?|\s(?:to|and|or|until)\s)(?P<to>\d{1,2})(?:st|nd|rd|th)?)?"
_YEAR = r"(?P<year>1[5-9]\d\d|20\d\d)"
_END = r"(?![\w%]|[.,]\d)"
_BEFORE_MONTH = (
    r"(?:in|by|since|until|till|from|of|early|late|mid|last|next|this|during|between|before|after|"
    r"through|every|each|previous|following)[\s-]"
)
_PREFIX = rf"(?:{_WEEKDAY}(?:\s?,)?\s(?:the\s)?)?"
_IN_DIGITS = (
    re.compile(rf"\b(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d){_END}"),
    re.compile(
        rf"\b(?P<first>\d{{1,2}})(?P<mark>[/.])(?P<second>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}){_END}"
    ),
)
_WITH_MONTH = tuple(
    re.compile(pattern + _END, re.IGNORECASE)
    for pattern in (
        rf"\b{_PREFIX}{_DAY}{_TO_DAY}\s(?:of\s)?{_MONTH}(?:(?:\s?,)?\s{_YEAR})?",
        rf"\b{_PREFIX}{_MONTH}\s{_DAY}{_TO_DAY}(?:(?:\s?,)?\s{_YEAR})?",
        rf"\b{_MONTH}(?:\s?,)?\s(?:of\s)?{_YEAR}",
    )
)
_MONTH_ALONE = re.compile(rf"\b{_MONTH}{_END}", re.IGNORECASE)
_SMALL_MONTH = re.compile(rf"\b{_MONTH}{_END}")
_ENDS_BEFORE_MONTH = re.compile(rf"\b{_BEFORE_MONTH}\Z", re.IGNORECASE)
_LONGEST_BEFORE_MONTH = len(" following ")
_WEEKDAY_ALONE = re.compile(rf"\b{_WEEKDAY}{_END}", re.IGNORECASE)
_DECADE = re.compile(
    r"(?:\b(?P<century>1[5-9]|20)|(?<!\w)['’]\s?|(?<=\d0s\sand\s))(?P<decade>\d0)'?s\b",
    re.IGNORECASE,
)
_BEFORE_YEAR = re.compile(
    r"\b(?:in|since|until|till|by|from|during|of|before|after|early|late|mid|year|season|"
    r"spring|summer|autumn|winter|between)\s\Z",
    re.IGNORECASE,
)
_LONGEST_BEFORE_YEAR = len(" between ")
_YEAR_ALONE = re.compile(
    # What stands before a year is asked behind its first digits, where it is asked most seldom.
    r"(?P<year>(?:1[5-9]|20)(?<![\w,.£$€#/:-]..)\d\d)"
    r"(?:\s?[-–/]\s?(?P<to>(?:19|20)?\d\d))?(?![\w%]|[.,:]\d)"
    r"(?P<counted>[\s-](?:\w+-)?[a-z]+s\b|[\s-](?:people|men|women|metres?|feet|km|miles?)\b)?",
    re.IGNORECASE,
)
_SEASON = re.compile(
    r"\b(?P<which>last|next|this|early|late|in|the|during|previous|following|since|by)\s"
    r"(?:the\s)?(?P<season>spring|summer|autumn|winter)\b",
    re.IGNORECASE,
)
_RELATIVE = re.compile(
    r"\b(?:(?P<word>yesterday|today|tonight|tomorrow)|(?P<which>last|this|next|previous|following)"
    r"\s(?P<unit>week|weekend|month|year))\b",
    re.IGNORECASE,
)
# A month without a year is the one within so many days of the publication.
NEAR = 150
_OFFSETS = {"last": -1, "previous": -1, "this": 0, "next": 1, "following": 1}
_DAYS_OFF = {"yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1}
_SEASON_MONTHS = {
    "spring": frozenset([3, 4, 5]),
    "summer": frozenset([6, 7, 8]),
    "autumn": frozenset([9, 10, 11]),
    "winter": frozenset([12, 1, 2]),
}


class Date(NamedTuple):
    """A date in a text, with what is said of it; what is not said is None or empty.

    years, days: two for a range (`2014-15`, `18 to 20 March`). months: two where 04/05/2026 may be
    either; then `days` holds both likewise. weekday: 0 is Monday. decade: its first year.
    relative: a unit (`day`, `week`, `weekend`, `month`, `year`) and how many of them from now.
    """

    span: Span
    years: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    days: tuple[int, ...] = ()
    weekday: int | None = None
    decade: int | None = None
    season: str = ""
    relative: tuple[str, int] | None = None


def dates(text: str, within: Sequence[Span] | None = None) -> list[Date]:
    """Return the dates of a text in order. within: its sentences, where they are known already.

    `may`, `march` and `second` are dates only where what stands around them says so.

    >>> text = "It may march on Tuesday, 4 May 2026, as in the 1990s or last week."
    >>> [found.span.of(text) for found in dates(text)]
    ['Tuesday, 4 May 2026', '1990s', 'last week']
    """
    found: list[Date] = []
    for sentence in sentences(text) if within is None else within:
        here: list[Date] = []
        for each in _read(sentence.of(text)):
            # In order and apart, so that only those beside it can overlap.
            at = bisect(here, each.span, key=_span)
            before, after = here[at - 1 : at], here[at : at + 1]
            if all(
                one.span.end <= other.span.start for one, other in pairwise((*before, each, *after))
            ):
                here.insert(at, each)
        found += [_move_date(each, sentence.start) for each in here]
    return found


def _span(found: Date) -> Span:
    return found.span


def _move_date(found: Date, by: int) -> Date:
    span = Span(found.span.start + by, found.span.end + by)
    rest = found.years, found.months, found.days, found.weekday, found.decade
    return Date(span, *rest, found.season, found.relative)


# What a sentence with a date of a form has, as plain strings, which are looked for quickest.
_MONTH_INSIDE = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_UNIT_INSIDE = ("day", "week", "month", "year", "tonight", "tomorrow")
_SEASON_INSIDE = ("spring", "summer", "autumn", "winter")
# And as patterns, where such a string is often part of another word.
_WHOLE_MONTH = re.compile(
    r"(?:j(?:an(?:uary)?|une?|uly?)|feb(?:ruary)?|ma(?:r|rch|y)|a(?:pr(?:il)?|ug(?:ust)?)"
    r"|sept?(?:ember)?|oct(?:ober)?|(?:nov|dec)(?:ember)?)(?!\w)"
)
_WHOLE_WEEKDAY = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)day")
_WHOLE_RELATIVE = re.compile(
    r"yesterday|to(?:day|night|morrow)|(?:last|this|next|previous|following)\s(?:week|month|year)"
)
_DIGIT = re.compile(r"\d")
_FOUR_DIGITS = re.compile(r"\d\d\d\d")
_DECADE_INSIDE = re.compile(r"\d0'?s")


# What a word has without which a sentence has no date: a year, a decade (the word may end before
# its `'s`), a month, or a word of the other forms, of which `day` stands for all weekdays.
_DATE_INSIDE = re.compile(
    rf"\d\d\d\d|\d0(?:s|\Z)|{_WHOLE_MONTH.pattern}|" + "|".join((*_SEASON_INSIDE, *_UNIT_INSIDE))
)

# Which of the words of plain letters may: they stand in dates as they are here, folded.
DATE_WORDS = frozenset(
    [*_MONTH_OF, *_WEEKDAYS, *_SEASON_INSIDE, *_DAYS_OFF, "week", "weekend", "month", "year"]
)


@OfWords
def may_be_date(written: str) -> bool:
    """Tell whether a word of a text may make some words a date; kept for each word.

    Where no word of a sentence may, `_read` finds nothing in it: `4` is a day beside a month only.
    """
    return _DATE_INSIDE.search(written.lower()) is not None


def _read(sentence: str) -> Iterator[Date]:
    """Yield the dates of a sentence, the fuller forms first; later ones may overlap them.

    Whether a form can be there at all is asked first, since most sentences have none.
    """
    lower = sentence.lower()
    has_year = _FOUR_DIGITS.search(lower) is not None
    has_month = _has_any(lower, _MONTH_INSIDE) and _WHOLE_MONTH.search(lower) is not None
    with_month = _WITH_MONTH if has_month and _DIGIT.search(lower) else ()
    for pattern in (
        *(_IN_DIGITS if has_year else ()),
        *(with_month if has_year else with_month[:2]),
    ):
        for match in pattern.finditer(sentence):
            full = _numeric(match) if "first" in match.groupdict() else _full(match)
            if full is not None:
                yield full
    if has_month:
        yield from _months_alone(sentence, lower)
    if "day" in lower and _WHOLE_WEEKDAY.search(lower):
        for match in _WEEKDAY_ALONE.finditer(sentence):
            weekday = _WEEKDAYS.index(match["weekday"].lower())
            yield Date(Span(*match.span()), weekday=weekday)
    if _DECADE_INSIDE.search(lower):
        yield from _decades(sentence)
    if has_year:
        yield from _years(sentence)
    if _has_any(lower, _SEASON_INSIDE):
        for match in _SEASON.finditer(sentence):
            yield Date(Span(*match.span("season")), season=match["season"].lower())
    if _has_any(lower, _UNIT_INSIDE) and _WHOLE_RELATIVE.search(lower):
        yield from _relatives(sentence)


def _has_any(lower: str, words: Sequence[str]) -> bool:
    return any(map(lower.__contains__, words))


def _months_alone(sentence: str, lower: str) -> Iterator[Date]:
    is_plain = sentence.isascii()  # then the small letters stand where the others do
    pattern, searched = (_SMALL_MONTH, lower) if is_plain else (_MONTH_ALONE, sentence)
    for match in pattern.finditer(searched):
        name = match["month"].lower()
        whole = len(name) > 4 or name in ("june", "july", "may")
        if whole and (name not in _AMBIGUOUS or _has_month_before(sentence, match)):
            yield Date(Span(*match.span("month")), months=(_month(name),))


def _has_month_before(sentence: str, match: Match[str]) -> bool:
    """Tell whether what stands before a month says that it is one: `in`, or another month.

    So does what stands around it in brackets: `four in May (April: seven)`.
    """
    start = match.start("month")
    if sentence.startswith((":", ")"), match.end("month")) and sentence.endswith("(", 0, start):
        return True
    before = sentence[max(0, start - _LONGEST_BEFORE_MONTH) : start]
    return _ENDS_BEFORE_MONTH.search(before) is not None or _ends_range(sentence, match)


def _decades(sentence: str) -> Iterator[Date]:
    for match in _DECADE.finditer(sentence):
        yield Date(Span(*match.span()), decade=int(f"{match['century'] or '19'}{match['decade']}"))


def _ends_range(sentence: str, match: Match[str]) -> bool:
    """Tell whether a word is the second month of two: `between March and May`."""
    before = sentence[max(0, match.start("month") - 14) : match.start("month")].lower()
    return before.endswith((" and ", " to ", "-", "–")) and any(each in before for each in _MONTHS)


def _month(name: str) -> int:
    name = name.lower().removesuffix(".")
    return int(name) if name.isdecimal() else _MONTH_OF[name]


def _full(match: Match[str]) -> Date | None:
    parts = match.groupdict()
    month = _month(parts["month"])
    days = [int(parts[name]) for name in ("day", "to") if parts.get(name)]
    if not 1 <= month <= 12 or any(not 1 <= day <= 31 for day in days):
        return None
    weekday = _WEEKDAYS.index(parts["weekday"].lower()) if parts.get("weekday") else None
    years = (int(parts["year"]),) if parts.get("year") else ()
    return Date(Span(*match.span()), years, (month,), tuple(days), weekday)


def _numeric(match: Match[str]) -> Date | None:
    """Return 04/05/2026, which may be in April or in May."""
    first, second = int(match["first"]), int(match["second"])
    months = tuple(sorted({each for each in (first, second) if 1 <= each <= 12}))
    days = tuple(sorted({each for each in (first, second) if 1 <= each <= 31}))
    if not months or len(days) + (first == second) < 2:
        return None
    if len(months) == 1 and first != second:
        days = tuple(day for day in days if day not in months)
    return Date(Span(*match.span()), (int(match["year"]),), months, days)


def _years(sentence: str) -> Iterator[Date]:
    for match in _YEAR_ALONE.finditer(sentence):
        start = match.start()
        if match["counted"] and not _BEFORE_YEAR.search(
            sentence[max(0, start - _LONGEST_BEFORE_YEAR) : start]
        ):
            continue
        first = int(match["year"])
        years: tuple[int, ...] = (first,)
        if match["to"]:
            last = int(match["to"]) + (0 if len(match["to"]) == 4 else first // 100 * 100)
            years = (first, last) if last > first else years
        end = match.end("to") if len(years) == 2 else match.end("year")
        yield Date(Span(match.start("year"), end), years)


def _relatives(sentence: str) -> Iterator[Date]:
    for match in _RELATIVE.finditer(sentence):
        span = Span(*match.span())
        if match["word"]:
            yield Date(span, relative=("day", _DAYS_OFF[match["word"].lower()]))
        else:
            offset = _OFFSETS[match["which"].lower()]
            yield Date(span, relative=(match["unit"].lower(), offset))


def resolve_date(found: Date, published: date) -> Date:
    """Return a date with what the day of publication tells: the year, or what `last week` means.

    `yesterday` becomes a full date, `last month` a month. A month without a year has the year that
    brings it near to the day of publication, and none if that is half a year away.

    >>> resolve_date(dates("yesterday")[0], date(2026, 5, 4)).days
    (3,)
    >>> resolve_date(dates("in December")[0], date(2026, 1, 7)).years
    (2025,)
    """
    if found.relative is None:
        return _with_year(found, published) if found.months and not found.years else found
    unit, offset = found.relative
    if unit == "day":
        day = published + timedelta(days=offset)
        return found._replace(years=(day.year,), months=(day.month,), days=(day.day,))
    if unit == "month":
        month = published.month - 1 + offset
        return found._replace(years=(published.year + month // 12,), months=(month % 12 + 1,))
    return found._replace(years=(published.year + offset,)) if unit == "year" else found


def _with_year(found: Date, published: date) -> Date:
    around = (published.year - 1, published.year, published.year + 1)
    middle = found.days[0] if len(found.days) == 1 else 15
    days = [date(year, found.months[0], min(middle, 28)) for year in around]
    near = tuple(day.year for day in days if abs((day - published).days) <= NEAR)
    return found._replace(years=near) if len(near) == 1 and len(found.months) == 1 else found


def day_of(found: Date) -> date | None:
    """Return the one day that a date is, if it says year, month and day."""
    if not len(found.years) == len(found.months) == len(found.days) == 1:
        return None
    try:
        return date(found.years[0], found.months[0], found.days[0])
    except ValueError:
        return None


def days_of_week(found: Date, published: date) -> tuple[date, date] | None:
    """Return the first and the last day of `last week`, `next weekend`; None for other dates.

    A week may begin with its Sunday or its Monday, so it has eight days.
    """
    unit, offset = found.relative or ("", 0)
    monday = published - timedelta(days=published.weekday()) + timedelta(weeks=offset)
    if unit == "week":
        return monday - timedelta(days=1), monday + timedelta(days=6)
    if unit == "weekend":
        saturday = monday + timedelta(days=5)
        return saturday - timedelta(days=7 if offset > 0 else 0), saturday + timedelta(days=1)
    return None


def weekday_of(found: Date) -> int | None:
    """Return the day of the week that is said, or that the full date has."""
    if found.weekday is not None:
        return found.weekday
    day = day_of(found)
    return None if day is None else day.weekday()


def contradict(one: Date, other: Date) -> bool:
    """Tell whether two dates cannot be the same: a part that both have differs.

    >>> first, second, third = dates("On May 4, on 4 May 2026 and on 5 May")
    >>> contradict(first, second), contradict(first, third)
    (False, True)
    """
    either = len(one.months) == 2 or len(other.months) == 2  # 04/05/2026
    for mine, its in ((one.years, other.years), (one.months, other.months), (one.days, other.days)):
        if mine and its and not (set(mine) & set(its) if either else _meet(mine, its)):
            return True
    weekdays = (weekday_of(one), weekday_of(other))
    return None not in weekdays and weekdays[0] != weekdays[1]


def _meet(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Tell whether two ranges are the same, or a day or year is in a range."""
    if len(one) == len(other):
        return one == other
    longer, (single,) = sorted((one, other), key=len, reverse=True)
    return min(longer) <= single <= max(longer)


def months_of(season: str) -> frozenset[int]:
    """Return the months of a season in the north and in the south."""
    months = _SEASON_MONTHS[season]
    return months | frozenset((month + 5) % 12 + 1 for month in months)


# 2026-05-04T10:32, 2026/05/04, 2026.5.4, 2026年5月4日: year first, so nothing else can be meant.
_YEAR_FIRST = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?:(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})"
    r"|\s?年\s?(?P<tsuki>\d{1,2})\s?月\s?(?P<nichi>\d{1,2})\s?日)(?!\d)"
)
_IN_ONE_WORD = re.compile(r"(?<=\d)-(?=[A-Za-z]{3,9}-\d{4})|(?<=[A-Za-z])-(?=\d{4})")
_TIME = re.compile(
    r"(?P<hour>\d{1,2}):\d\d(?::\d\d(?:\.\d+)?)?\s?(?P<half>[ap]\.?m)?", re.IGNORECASE
)
# Machines write this, whatever the clock of the newsroom says; GMT is written by people.
_UNIVERSAL = re.compile(r"\d(?:\.\d+)?Z\b|\bUTC\b|[+-]00:?00\b")
# At these hours of UTC it is the same day from Los Angeles (8 hours behind) to Tokyo (9 ahead).
_SAME_DAY = range(8, 15)
_UPDATED = re.compile(
    r"updat|modif|edited|correct|revis|amend|actuali[sz]|aktuali|mis à jour|更新", re.IGNORECASE
)


# Characters; what is longer is no time stamp, and its days would take long to sort out.
_LONGEST_STAMP = 1000


def publication_day(stamps: Sequence[str]) -> date | None:
    """Return the day on which a page appeared, by its time stamps; None if that cannot be told.

    A day that is said to be of an update counts only if no other is there. Two days, a date such as
    04/05/2026, and an hour of UTC at which it is another day elsewhere tell nothing.

    >>> publication_day(["Posted: May 4, 2026, 10:32 AM | Updated: 5 May 2026"])
    datetime.date(2026, 5, 4)
    >>> publication_day(["2026-05-04T23:30:00Z"]), publication_day(["04/05/2026"])
    (None, None)
    """
    first: set[date | None] = set()
    updated: set[date | None] = set()
    for stamp in stamps:
        if len(stamp) > _LONGEST_STAMP:
            continue
        position = 0
        for start, end, day in _days(stamp):
            is_update = _UPDATED.search(stamp, position, start) is not None
            (updated if is_update else first).add(day)
            position = end
    told = first or updated
    return next(iter(told)) if len(told) == 1 else None


def _days(stamp: str) -> list[tuple[int, int, date | None]]:
    """Return the dates of a time stamp in order, where each stands; None for which day it is."""
    found = [
        (*match.span(), _year_first(match.groupdict())) for match in _YEAR_FIRST.finditer(stamp)
    ]
    taken = [range(start, end) for start, end, _ in found]
    plain = _IN_ONE_WORD.sub(" ", stamp)
    for each in dates(plain):
        start, end = each.span.start, each.span.end
        if not any(start in span or end - 1 in span for span in taken) and _is_full(each):
            found.append((start, end, _one_day(each)))
    found.sort(key=lambda each: each[0])
    return [(start, end, _if_sure(day, stamp[end:])) for start, end, day in found]


def _year_first(parts: dict[str, str | None]) -> date | None:
    month, day = parts["month"] or parts["tsuki"], parts["day"] or parts["nichi"]
    try:
        return date(int(parts["year"] or 0), int(month or 0), int(day or 0))
    except ValueError:
        return None


def _is_full(found: Date) -> bool:
    return bool(found.years and found.months and found.days)


def _one_day(found: Date) -> date | None:
    """Return the day of a date, unless its day of the week is another."""
    day = day_of(found)
    return None if day is None or found.weekday not in (None, day.weekday()) else day


def _if_sure(day: date | None, after: str) -> date | None:
    """Return the day, unless the time behind it is one at which it is another day elsewhere."""
    time = _TIME.search(after)
    if time is None or not _UNIVERSAL.search(after):
        return day
    hour = int(time["hour"]) % 24
    if time["half"]:
        hour = hour % 12 + (12 if time["half"][0] in "pP" else 0)
    return day if hour in _SAME_DAY else None
