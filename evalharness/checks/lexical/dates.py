"""Does the article name the summary's dates?"""

import bisect
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from evalharness.checks.lexical import scoring
from evalharness.checks.lexical.passages import (
    LEAST_SHARED,
    MOST_CANDIDATES,
    MOST_EVIDENCE,
    MOST_FLAGS_EXPLAINED,
    Passages,
    on_demand,
    passages_of_summary,
)
from evalharness.protocols import Need
from evalharness.records import Flag, Score, Span
from evalharness.text import dates as found_dates
from evalharness.text.dates import Date

# Longer spans of years are of geology.
MOST_YEARS = 1_000
# So far from a date stands what it is the date of, and so much of it must be the same.
REACH_OF_BOUND, LEAST_BOUND = 10, 3


class StatedDates(scoring.ArticleIndex):
    """The dates of an article, found once for all its summaries.

    published: the day on which it appeared, where that is known: `yesterday` is then a date.
    """

    @on_demand
    def dates(self) -> list[Date]:
        """The dates of the article in order; they are not read before a summary has one."""
        return [self.resolve(each) for numbered in self.passages.dates for each in numbered]

    @on_demand
    def exact(self) -> frozenset[tuple[object, ...]]:
        """What each date says."""
        return frozenset(map(_date_fields, self.dates))

    def resolve(self, found: Date) -> Date:
        """Return a date with what the day of publication tells of it."""
        return found_dates.resolve_date(found, self.published) if self.published else found

    @on_demand
    def by_part(self) -> dict[tuple[str, object], list[Date]]:
        """The dates by each of their parts: a year, a month, a weekday, …"""
        found: dict[tuple[str, object], list[Date]] = {}
        for stated in self.dates:
            for part in _parts(stated):
                found.setdefault(part, []).append(stated)
        return found

    @on_demand
    def by_form(self) -> dict[str, list[Date]]:
        """The first dates of each form: those with a month, a weekday, …"""
        found: dict[str, list[Date]] = {}
        for stated in self.dates:
            for name in _form(stated):
                if len(found.setdefault(name, [])) < MOST_CANDIDATES:
                    found[name].append(stated)
        return found

    @on_demand
    def years(self) -> frozenset[int]:
        """All years of the article, also those that stand in no date."""
        words = self.passages.columns.words
        of_tokens = [word for word in words if len(word) == 4 and word.isdecimal()]
        named = [year for stated in self.dates for year in stated.years]
        known = [self.published.year] if self.published else []
        return frozenset([*map(int, of_tokens), *named, *known])

    @on_demand
    def computed_years(self) -> dict[int, Span]:
        """The years that `three years ago` and its kin tell, each with where it is said.

        Counted from the year of the publication, or of the same sentence (`134 years after 1897`).
        """
        found: dict[int, Span] = {}
        for number in itertools.chain.from_iterable(self.passages.numbers):
            if number.unit != "year" or not 1 <= number.value <= MOST_YEARS:
                continue
            counts = _COUNTED_FROM.match(self.text, number.span.end)
            for base in self._years_near(number.span.start) if counts else ():
                found.setdefault(base - int(number.value), number.span)
                found.setdefault(base + int(number.value), number.span)
        return found

    def _years_near(self, start: int) -> list[int]:
        """Return the years from which a sentence may count: its own, and that of publication."""
        sentence = self.passages.sentences[self.passages.sentence_at(start)]
        low = bisect.bisect_left(self.dates, sentence.start, key=lambda each: each.span.start)
        high = bisect.bisect_left(self.dates, sentence.end, key=lambda each: each.span.start)
        named = [year for stated in self.dates[low:high] for year in stated.years]
        return [*named, *([self.published.year] if self.published else [])]

    @on_demand
    def weekdays(self) -> frozenset[int]:
        """All days of the week that the article names, or that its full dates have."""
        named = (found_dates.weekday_of(stated) for stated in self.dates)
        return frozenset(weekday for weekday in named if weekday is not None)

    @on_demand
    def months(self) -> frozenset[int]:
        """All months of the article."""
        return frozenset(month for stated in self.dates for month in stated.months)

    def supporting_dates(self, claimed: Date) -> list[Date]:
        """Return the dates of the article that say what a claimed one says."""
        if claimed.season:
            months = found_dates.months_of(claimed.season)
            by_month = [each for m in sorted(months) for each in self._with("month", m)]
            return self._with("season", claimed.season) + by_month
        if claimed.relative and not claimed.years:
            return self._with("relative", claimed.relative) + self._in_week(claimed)
        if claimed.decade is not None:
            decade = range(claimed.decade, claimed.decade + 10)
            in_decade = [each for year in decade for each in self._with("year", year)]
            return self._with("decade", claimed.decade) + in_decade
        candidates = [each for part in _parts(claimed) for each in self._with(*part)]
        return [each for each in candidates if self._covers(claimed, each)] + self._near(claimed)

    def _with(self, part: str, value: object) -> list[Date]:
        return self.by_part.get((part, value), [])[:MOST_CANDIDATES]

    @on_demand
    def _days(self) -> list[tuple[date, Date]]:
        """The dates that are one day, in order of time; a weekday alone is the last one."""
        found = [(self._day(stated), stated) for stated in self.dates]
        known = [(day, stated) for day, stated in found if day is not None]
        return sorted(known, key=lambda each: (each[0], each[1].span))

    def _day(self, stated: Date) -> date | None:
        if self.published and stated.weekday is not None and _is_weekday(stated):
            return self.published - timedelta(days=(self.published.weekday() - stated.weekday) % 7)
        return found_dates.day_of(stated)

    def _in_week(self, claimed: Date) -> list[Date]:
        """Return the days of the article that are in a week relative to the publication."""
        week = found_dates.days_of_week(claimed, self.published) if self.published else None
        if week is None:
            return []
        low = bisect.bisect_left(self._days, week[0], key=lambda each: each[0])
        high = bisect.bisect_right(self._days, week[1], key=lambda each: each[0])
        return [stated for _, stated in self._days[low:high][:MOST_CANDIDATES]]

    def _near(self, claimed: Date) -> list[Date]:
        """Return the weekdays of the article that a day of the same week or the next may be."""
        day = found_dates.day_of(claimed)
        if not self.published or day is None or abs((day - self.published).days) > 7:
            return []
        return [each for each in self._with("weekday", day.weekday()) if _is_weekday(each)]

    def _covers(self, claimed: Date, stated: Date) -> bool:
        """Tell whether a date says a claimed one, its year or weekday perhaps elsewhere."""
        if found_dates.contradict(claimed, stated):
            return False
        if (claimed.months and not stated.months) or (claimed.days and not stated.days):
            return False
        if claimed.years and not stated.years and not set(claimed.years) & self.years:
            return False
        weekday = claimed.weekday
        said = found_dates.weekday_of(stated) is not None or weekday in self.weekdays
        return weekday is None or said

    def is_supported(self, claimed: Date) -> bool:
        """Tell whether the article names a date."""
        if _date_fields(claimed) in self.exact or self.supporting_dates(claimed):
            return True
        if claimed.season in self.passages.places:  # a spring may be of steel
            return True
        return _is_year(claimed) and all(
            year in self.years or year in self.computed_years for year in claimed.years
        )

    def confirmed_by_publication(self, summary: str) -> list[Span]:
        """Return the dates of a summary that follow from the article, or from its publication."""
        own = passages_of_summary(summary)
        claims = map(self.resolve, itertools.chain.from_iterable(own.dates))
        is_known = self.is_supported if self.published else self._is_computed
        return [claimed.span for claimed in claims if is_known(claimed)]

    def _is_computed(self, claimed: Date) -> bool:
        """Tell whether a year is none of the article's, but counted from one: five years later."""
        return _is_year(claimed) and all(
            year not in self.years and year in self.computed_years for year in claimed.years
        )

    def bound_elsewhere(self, claimed: Date, own: Passages) -> Date | None:
        """Return the date that the article has amid what a summary says of another known date.

        The rent rises `from October`, and the committee meets in April.
        """
        if claimed.years or claimed.relative or not (claimed.months or claimed.weekday is not None):
            return None
        wanted = own.around_span(claimed.span, REACH_OF_BOUND)
        if len(wanted) < LEAST_BOUND:
            return None
        stated = self.supporting_dates(claimed)
        around = (self.passages.around_span(each.span, REACH_OF_BOUND) for each in stated)
        if not stated or any(not wanted.isdisjoint(near) for near in around):
            return None
        form = _form(claimed)
        others = (each for each in self.dates if each not in stated and _form(each) == form)
        rivals = (
            (len(wanted & self.passages.around_span(each.span, REACH_OF_BOUND)), each)
            for each in itertools.islice(others, MOST_CANDIDATES)
        )
        most, rival = max(rivals, key=lambda pair: pair[0], default=(0, None))
        return rival if most >= LEAST_BOUND else None

    def can_judge(self, claimed: Date, wanted: frozenset[str]) -> bool:
        """Tell whether the article would say a date: always, but for one relative to today.

        `last month` is wrong only if a sentence with LEAST_SHARED of the words names another time.
        """
        if not claimed.relative:
            return True
        is_day = claimed.relative[0] == "day" and not claimed.years
        if is_day or claimed.relative[1] == 0:
            return False  # `today`, `this year`: what is not said, or said of all
        return any(
            self._count_shared_stems(each, wanted) >= LEAST_SHARED for each in self.dates[:200]
        )

    def _count_shared_stems(self, stated: Date, wanted: frozenset[str]) -> int:
        number = self.passages.sentence_at(stated.span.start)
        first, end = self.passages.first[number], self.passages.first[number + 1]
        return len(wanted.intersection(self.passages.stems[first:end]))

    def instead(self, claimed: Date, wanted: frozenset[str]) -> Date | None:
        """Return the date that the article has in place of a wrong one, if that can be told.

        Of those of the same form, the one whose sentence has most of the wanted words.
        """
        alike = [each for name in sorted(_form(claimed)) for each in self.by_form.get(name, ())]
        best = max(
            alike,
            key=lambda each: (
                len(_parts_set(each) & _parts_set(claimed)),
                self._count_shared_stems(each, wanted),
            ),
            default=None,
        )
        if best is None or _parts_set(best) & _parts_set(claimed):
            return best
        return best if self._count_shared_stems(best, wanted) >= LEAST_SHARED else None

    def compare(self, summary: str) -> Score:
        """Return the share of the summary's dates that the article names, with flags."""
        return self.share_of_claims(_judge_sentences(self, summary), "dates")


@dataclass(frozen=True)
class Dates(scoring.LexicalCheck):
    """Share of the summary's dates that the article names.

    A date is supported if one of the article says the same, in any form and perhaps more exactly,
    and nothing else. Relative dates (`last month`) count where the article can tell; where the day
    on which it appeared is known (`published`), they are days like others. A sentence with dates
    has the share of its own; weighted with their count of dates, these make up the score. A
    summary without dates has none.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article", "published"})
    version: ClassVar[int] = 4
    index: ClassVar[type[scoring.ArticleIndex]] = StatedDates
    english: ClassVar[bool] = True


def _judge_sentences(article: StatedDates, summary: str) -> Iterator[scoring.SentenceClaims]:
    own = passages_of_summary(summary)
    n_flags = 0
    for number, dates in enumerate(own.dates):
        if not dates:
            continue
        claims = [article.resolve(claim) for claim in dates]
        wanted = _stems(own, number)
        known = [
            claim
            for claim in claims
            if article.is_supported(claim) and not article.bound_elsewhere(claim, own)
        ]
        right = set(known)
        wrong = [c for c in claims if c not in right and article.can_judge(c, wanted)]
        if not known and not wrong:
            continue
        flags: list[Flag] = []
        for claim in wrong:
            explained = n_flags + len(flags) < MOST_FLAGS_EXPLAINED
            bound = article.bound_elsewhere(claim, own) if article.is_supported(claim) else None
            instead = bound or (article.instead(claim, wanted) if explained else None)
            flags.append(_flag(article, claim, instead, summary))
        n_flags += len(flags)
        shown = known if article.wants_evidence else []
        evidence = [
            stated.span for claim in shown for stated in article.supporting_dates(claim)[:2]
        ]
        n_claims = len(known) + len(wrong)
        yield scoring.SentenceClaims(
            own.sentences[number],
            len(known) / n_claims,
            n_claims,
            len(wrong),
            flags,
            scoring.in_order(evidence)[:MOST_EVIDENCE],
        )


def _stems(own: Passages, number: int) -> frozenset[str]:
    tokens = own.tokens[own.first[number] : own.first[number + 1]]
    return frozenset(token.stem for token in tokens if token.content)


def _flag(article: StatedDates, claimed: Date, stated: Date | None, summary: str) -> Flag:
    if stated is None:
        return Flag(claimed.span, "date", f"'{claimed.span.of(summary)}' is not in the article")
    number = article.passages.sentence_at(stated.span.start) + 1
    without = " and".join(f" without a {part}" for part in _added_parts(claimed, stated))
    said = f"'{stated.span.of(article.text)}'{without}"
    message = f"the article says {said}, in sentence {number}"
    return Flag(claimed.span, "date", message, (stated.span,))


def _added_parts(claimed: Date, stated: Date) -> list[str]:
    """Return what a date says beside another of which it says all: the year of `June 2018`."""
    if not _parts_set(stated) < _parts_set(claimed):
        return []
    parts = {"day": (claimed.days, stated.days), "year": (claimed.years, stated.years)}
    return [name for name, (own, other) in parts.items() if own and not other]


# What stands behind a span of years that is counted from some year.
_COUNTED_FROM = re.compile(
    r"[\s-]*years?\s*(?:ago|earlier|before|after|later|since)\b", re.IGNORECASE
)


def _date_fields(found: Date) -> tuple[object, ...]:
    """Return all that a date says, but where it stands."""
    return (
        *(found.years, found.months, found.days),
        *(found.weekday, found.decade, found.season, found.relative),
    )


def _parts(found: Date) -> list[tuple[str, object]]:
    parts: list[tuple[str, object]] = [("year", each) for each in found.years]
    parts += [("month", each) for each in found.months]
    weekday = found_dates.weekday_of(found)
    rest = (("weekday", weekday), ("decade", found.decade), ("relative", found.relative))
    parts += [(name, value) for name, value in rest if value is not None]
    return parts + ([("season", found.season)] if found.season else [])


def _parts_set(found: Date) -> set[tuple[str, object]]:
    return set(_parts(found)) | {("day", each) for each in found.days}


def _form(found: Date) -> set[str]:
    names = {name for name, _ in _parts(found)} | ({"day"} if found.days else set())
    return names - {"year"} or names


def _is_weekday(found: Date) -> bool:
    return found.weekday is not None and not (found.months or found.days)


def _is_year(found: Date) -> bool:
    return bool(found.years) and not (found.months or found.relative)
