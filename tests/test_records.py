"""What records say of themselves."""

import copy
import dataclasses
import hashlib
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from evalharness.files.untrusted import AT, Bounds, WrongKey, section_of
from evalharness.records import Article, Span, Summary, canonical, digest, unread_spans


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


@dataclass(frozen=True, kw_only=True)
class _Part:
    share: Annotated[float, Bounds(ge=0, lt=1)]


@dataclass(frozen=True, kw_only=True)
class _Whole:
    n: Annotated[int, Bounds(ge=1)]
    name: str = field(metadata={AT: ("data", "name")})
    means: Mapping[str, float | None] = field(default_factory=dict)
    parts: Sequence[_Part] = ()
    record: Mapping[str, Any] = field(metadata={AT: ()})


_RECORD: dict[str, Any] = {
    "n": 3,
    "data": {"name": "news", "odd": 1},
    "means": {"a": 1, "b": None},
    "parts": [{"share": 0}],
}


def test_record_of_json_is_a_dataclass_with_what_stands_in_it() -> None:
    whole = section_of(_Whole, _RECORD)
    assert (whole.n, whole.name, whole.parts) == (3, "news", [_Part(share=0.0)])
    assert whole.means == {"a": 1.0, "b": None}
    assert isinstance(whole.means["a"], float)
    assert whole.record == _RECORD
    assert section_of(_Whole, {"n": 1, "data": {"name": ""}}).parts == ()


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("n", {"n": True}),
        ("n", {"n": 0}),
        ("n", {"n": 3.0}),
        ("data.name", {"data": "news"}),
        ("data.name", {"data": {"name": 5}}),
        ("means.a", {"means": {"a": float("nan")}}),
        ("means.a", {"means": {"a": 10**400}}),
        ("means.a", {"means": {"a": "1"}}),
        ("means", {"means": None}),
        ("parts.1.share", {"parts": [{"share": 0}, {"share": 1}]}),
        ("parts.0", {"parts": [0]}),
        ("parts", {"parts": "x"}),
    ],
)
def test_record_of_json_names_the_key_that_is_wrong(key: str, change: dict[str, Any]) -> None:
    with pytest.raises(WrongKey) as caught:
        section_of(_Whole, _RECORD | change)
    assert str(caught.value) == key


def test_bounds_hold_for_pydantic_too() -> None:
    reader = TypeAdapter(_Part)
    assert reader.validate_python({"share": 0.5}) == _Part(share=0.5)
    with pytest.raises(ValidationError, match="less than 1"):
        reader.validate_python({"share": 1})


@pytest.mark.parametrize(
    "values",
    [
        (),
        ("a", "é\ud800"),
        ({"article": "It rained."},),
        ({"references": ("Rain.", "Wet.")}, "a"),
        ({"b": {"a": "x"}}, {"b": "x", "a": None}, {}),
        ({1: "x"}, {True: "x"}, {None: 1.5}, ["x", {"y": "é"}], None),
    ],
)
def test_digest_is_that_of_the_canonical_json(values: tuple[object, ...]) -> None:
    whole = hashlib.sha256(canonical(values).encode()).hexdigest()
    assert digest(*values) == whole[:32]
