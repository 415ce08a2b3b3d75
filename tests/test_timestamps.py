"""The day on which a page appeared, from its time stamps."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.text.dates import publication_day

MAY_4 = date(2026, 5, 4)


@pytest.mark.parametrize(
    "stamp",
    [
        "May 4, 2026",
        "Posted: May 4, 2026, 10:32 AM",
        "Published Monday, May 4, 2026 | 10:32 p.m. PHT",
        "4 May 2026 at 23:50 BST",
        "4th May 2026",
        "4-May-2026 10:30",
        "MAY 4, 2026 11:59 PM EDT",
        "2026-05-04",
        "2026/05/04 08:00",
        "2026.5.4",
        "2026-05-04T23:10:00+08:00",
        "2026-05-04T09:10:00Z",
        "2026-05-04 14:59 UTC",
        "May 4, 2026, 11:30 a.m. UTC",
        "04 May 2026 23:50 GMT",
        "2026年5月4日 10:00",
        "Published 4 May 2026 | Updated 6 May 2026",
        "Updated: May 6, 2026. First published: May 4, 2026",
        "Last updated May 4, 2026 10:00 AM",
        "May 4, 2026, 10:32 AM (2 hours ago)",
    ],
)
def test_time_stamp_tells_its_day(stamp: str) -> None:
    assert publication_day([stamp]) == MAY_4


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "3 hours ago",
        "10:32 AM",
        "May 4",
        "May 2026",
        "04/05/2026",
        "2026-05-04T23:30:00Z",
        "2026-05-04T03:30:00+00:00",
        "May 4, 2026, 11:30 p.m. UTC",
        "31 February 2026",
        "2026-13-04",
        "Tuesday, May 4, 2026",  # it was a Monday
        "May 4, 2026 / May 5, 2026",
        "Updated May 4, 2026, updated May 5, 2026",
        "20260504",
        "Article 1202605042",
    ],
)
def test_time_stamp_that_leaves_a_doubt_tells_nothing(stamp: str) -> None:
    assert publication_day([stamp]) is None


def test_day_above_twelve_tells_which_number_is_the_month() -> None:
    assert (
        publication_day(["25/05/2026 10:00"])
        == publication_day(["05/25/2026"])
        == date(2026, 5, 25)
    )


def test_update_does_not_count_beside_the_first_publication() -> None:
    assert publication_day(["Updated May 6, 2026 3:00 PM", "May 4, 2026 9:00 AM"]) == MAY_4
    assert publication_day(["Updated May 4, 2026 3:00 PM", "2 min read"]) == MAY_4
    assert publication_day(["May 4, 2026 9:00 AM", "4 May 2026"]) == MAY_4
    assert publication_day(["May 4, 2026", "May 5, 2026"]) is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=60), max_size=3))
def test_any_text_tells_a_day_or_nothing(stamps: list[str]) -> None:
    assert publication_day(stamps) is None or isinstance(publication_day(stamps), date)


@settings(max_examples=100, deadline=None)
@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_every_day_is_told_from_the_usual_forms(day: date) -> None:
    forms = [day.isoformat(), f"{day:%B} {day.day}, {day.year}", f"{day.day} {day:%b} {day.year}"]
    assert [publication_day([form]) for form in forms] == [day] * 3
