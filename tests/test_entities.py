"""The check of names against the article."""

import json
from pathlib import Path
from typing import Any

import pytest

from evalharness.checks.entities import Entities
from evalharness.records import Article, Score, Summary

CASES = Path(__file__).parent / "cases" / "checks"


def _cases(name: str) -> list[Any]:
    lines = (CASES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [case for case in map(json.loads, lines) if case["check"] == "entities"]
    return [pytest.param(case, id=case["label"]) for case in cases]


def _score(article: str, summary: str) -> Score:
    return Entities().score([(Article("a", article), Summary("a", summary))])[0]


def _assert_as_expected(case: dict[str, Any]) -> None:
    article, summary, expect = case["article"], case["summary"], case["expect"]
    score = _score(article, summary)
    assert score.value == expect["value"]
    assert score.note == expect.get("note", "")
    assert len(score.flags) == len(expect.get("flags", ()))
    for flag, expected in zip(score.flags, expect.get("flags", ()), strict=True):
        assert flag.span.of(summary) == expected["text"]
        assert flag.kind == "entity"
        assert flag.message == expected.get("message", flag.message)
        evidence = [span.of(article) for span in flag.evidence]
        assert evidence == expected.get("evidence", evidence)


@pytest.mark.parametrize("case", _cases("supported"))
def test_supported_entities_score_one_without_a_flag(case: dict[str, Any]) -> None:
    _assert_as_expected(case)


@pytest.mark.parametrize("case", _cases("unsupported"))
def test_unsupported_entities_are_flagged_where_they_stand(case: dict[str, Any]) -> None:
    _assert_as_expected(case)


@pytest.mark.xfail(strict=True, raises=AssertionError)
@pytest.mark.parametrize("case", _cases("known_failures"))
def test_known_failures_of_entities_still_fail(case: dict[str, Any]) -> None:
    assert _score(case["article"], case["summary"]).value == case["expect"]["value"]


def test_entities_sentence_scores_weighted_with_their_names_make_the_score() -> None:
    article = "The mayor, Jane Doe, met Richard Roe in Camberwell."
    summary = "Mr Roe saw Jane Doe in Camden. It rained. They left Camberwell."
    score = _score(article, summary)
    first, second = score.sentences
    assert first.value == 1 - 1 / 3
    assert [span.of(article) for span in first.evidence] == ["Jane Doe", "Richard Roe"]
    assert (second.span.of(summary), second.value) == ("They left Camberwell.", 1.0)
    assert score.value == 0.75


def test_entities_mark_only_the_words_that_the_article_lacks() -> None:
    summary = "The prize went to Bishop John Alistair Doe."
    (flag,) = _score("The bishop, John Doe, was glad.", summary).flags
    assert flag.span.of(summary) == "Alistair"
    assert flag.message == "the article has 'John Doe', in sentence 1"


def test_entities_of_a_megabyte_are_checked_in_linear_time() -> None:
    article = " ".join(f"Then Alistair Doe{chr(97 + n % 26)} met Mr Roe." for n in range(8_000))
    summary = " ".join(f"Then Zoe Noone{chr(97 + n % 26)} met Mr Poe." for n in range(8_000))
    score = _score(article, summary)
    assert score.value == 0.0
    assert len(score.flags) == 16_000
