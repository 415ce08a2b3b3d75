"""Summaries that came with the data are passed on as they are."""

import json
from pathlib import Path
from typing import Any

import pytest

import evalharness
from evalharness.errors import DataError
from evalharness.models.given import FileOutputs, Given
from evalharness.records import Article, Summary


def _article(**fields: Any) -> Article:
    return Article("a", "The mayor said no.", **fields)


def _only(model: Given, article: Article) -> Summary:
    (summary,) = model.summarize([article])
    return summary


def test_given_passes_on_the_summary_of_the_row() -> None:
    summary = _only(Given(), _article(extra={"summary": "  No, said\nthe mayor. "}))
    assert summary == Summary("a", "  No, said\nthe mayor. ", read=None, finish="stop")


def test_given_passes_on_the_title() -> None:
    article = _article(extra={"title": "Mayor says no", "summary": "x"})
    assert _only(Given(field="title"), article).text == "Mayor says no"


def test_given_passes_on_the_first_reference() -> None:
    article = _article(references=("The first.", "The second."), extra={"reference": "no"})
    assert _only(Given(field="reference"), article).text == "The first."


@pytest.mark.parametrize("model", [Given(), Given("title"), Given("reference")])
def test_given_says_what_a_row_lacks(model: Given) -> None:
    summary = _only(model, _article())
    assert (summary.text, summary.finish) == ("", "error")
    assert summary.note == f"the row has no {model.field}"


@pytest.mark.parametrize("blank", ["", " \n\t"])
def test_given_calls_a_blank_summary_empty(blank: str) -> None:
    summary = _only(Given(), _article(extra={"summary": blank}))
    assert (summary.text, summary.finish, summary.note) == (blank, "empty", "")


def test_given_refuses_a_summary_that_is_no_text() -> None:
    summary = _only(Given(), _article(extra={"summary": ["one", "two"]}))
    assert summary.finish == "error"
    assert summary.note == "the row's summary is not a string but list"


def test_given_returns_one_summary_for_each_article_in_order() -> None:
    articles = [Article(str(i), "x", extra={"summary": f"s{i}"} if i % 2 else {}) for i in range(5)]
    summaries = Given().summarize(articles)
    assert [summary.article_id for summary in summaries] == ["0", "1", "2", "3", "4"]
    assert [summary.finish for summary in summaries] == ["error", "stop"] * 2 + ["error"]


def test_given_needs_every_part_that_it_may_pass_on() -> None:
    # Two rows that differ in one of them must not share a stored summary.
    assert Given.needs == {"summary", "title", "references"}


ROWS = [
    {"id": "a", "system": "x", "text": "One.", "finish": "length", "tokens": 3},
    {"id": "b", "system": "x", "summary": " "},
    {"id": "a", "system": "y", "text": "Other."},
]


def _file(folder: Path, rows: list[Any]) -> Path:
    path = folder / "outputs.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    return path


def test_outputs_of_a_file_are_joined_by_id(tmp_path: Path) -> None:
    articles = [Article(id_, "The mayor said no.") for id_ in ("b", "a", "c")]

    found = FileOutputs(_file(tmp_path, ROWS), "x").summarize(articles)

    assert found == [
        Summary("b", " ", finish="empty"),
        Summary("a", "One.", finish="length", tokens=3),
        Summary("c", "", finish="error", note="no row of outputs.jsonl has its id"),
    ]


@pytest.mark.parametrize(
    ("rows", "system", "says"),
    [
        (ROWS, "z", "nothing of the system 'z': x, y"),
        (ROWS, None, "outputs.jsonl:3: the id 'a' comes twice"),
        ([{"id": "a"}], None, "outputs.jsonl:1: needs an id, and a summary or text"),
        (["text"], None, "outputs.jsonl:1: not a JSON object"),
        ([], None, "no rows"),
    ],
)
def test_outputs_that_cannot_be_used_are_refused(
    rows: list[Any], system: str | None, says: str, tmp_path: Path
) -> None:
    model = FileOutputs(_file(tmp_path, rows), system)
    with pytest.raises(DataError, match=says):
        model.summarize([_article()])


def test_outputs_of_a_file_that_is_not_there_or_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.jsonl: cannot be read"):
        FileOutputs(tmp_path / "none.jsonl").summarize([_article()])
    path = tmp_path / "broken.jsonl"
    path.write_text("{")
    with pytest.raises(DataError, match=r"broken\.jsonl:1: no line of JSON"):
        FileOutputs(path).summarize([_article()])


def test_articles_alike_in_text_keep_their_own_outputs(tmp_path: Path) -> None:
    rows = [{"id": id_, "article": "The mayor said no."} for id_ in ("a", "b")]
    (tmp_path / "articles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    outputs = _file(tmp_path, [{"id": "a", "text": "No."}, {"id": "b", "text": "Yes."}])
    config = {
        "name": "two",
        "data": {"name": "files", "path": str(tmp_path / "articles.jsonl")},
        "model": {"name": "outputs", "path": str(outputs)},
        "metrics": [],
    }

    (run,) = evalharness.run(config, results=tmp_path / "results")

    assert [sample["summary"]["text"] for sample in run.samples()] == ["No.", "Yes."]
