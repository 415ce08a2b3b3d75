"""The day on which a page appeared, from what stands on it: `Posted: May 4, 2026, 10:32 AM`."""

import re
from collections.abc import Sequence
from datetime import date

from evalharness.text.dates import Date, dates, day_of

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
