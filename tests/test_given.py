"""Summaries that came with the data are passed on as they are."""

from typing import Any

import pytest

from evalharness.models.given import Given
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
