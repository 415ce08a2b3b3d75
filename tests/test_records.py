"""What records say of themselves."""

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from evalharness.records import Article, Span, Summary, unread_spans


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


@pytest.mark.parametrize(
    "record",
    [
        Article("a", "It rained.", ("Rain.",), "BBC", {"title": "Wet"}),
        Summary("a", "Rain.", 3, "length", 4, 5, "why", (Span(0, 3),), 2, 6, 1),
    ],
    ids=["article", "summary"],
)
def test_records_that_go_to_workers_come_back_whole(record: Any) -> None:
    assert all(getattr(record, field.name) for field in dataclasses.fields(record))
    assert pickle.loads(pickle.dumps(record)) == record
    assert copy.deepcopy(record) == record
