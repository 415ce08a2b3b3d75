"""What records say of themselves."""

import pytest

from evalharness.records import Span, unread_spans


@pytest.mark.parametrize(
    ("summary", "gaps"),
    [
        ({}, []),
        ({"read": None}, []),
        ({"read": 10}, [(10, 20)]),
        ({"read": 20}, []),
        ({"read": 25}, []),
        ({"read": 0}, [(0, 20)]),
        ({"read": 8, "spans": [{"start": 0, "end": 4}, {"start": 16, "end": 22}]}, [(4, 16)]),
        ({"read": 20, "spans": [{"start": 8, "end": 20}, {"start": 0, "end": 9}]}, []),
        ({"read": 4, "spans": [{"start": 8, "end": 12}]}, [(0, 8), (12, 20)]),
        ({"read": 10, "spans": [{"start": 0, "end": 5}, {"start": 6, "end": 20}]}, []),
    ],
)
def test_what_was_not_read_is_the_rest(
    summary: dict[str, object], gaps: list[tuple[int, int]]
) -> None:
    article = "Aaaa. Bbb. Cccc. Ddd  \n"
    article = article[:5] + " " + article[6:]

    assert unread_spans(summary, article) == [Span(start, end) for start, end in gaps]
