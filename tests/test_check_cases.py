"""The cases of `cases/checks`: an article, a summary, and what its check says of the two.

A case has `check`, `label`, `comment`, `article`, `summary` and `expect`: `value`, or what it is
`above` and `below`; `note`; `flags`, by their text or as `text`, `kind`, `message`, `evidence`; and
`evidence`, that of each sentence. What is not said is not looked at, but without `flags` there is
none where the value is given. Cases in `known_failures` are yet to come true; the day one does, it
moves.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from evalharness.config import registry
from evalharness.records import Article, Flag, Score, Summary

CASES = Path(__file__).parent / "cases" / "checks"
FAILING = "known_failures"
# What a check flags where a case does not say it.
KINDS = {"numbers": "number", "entities": "entity", "dates": "date", "support": "unsupported"}


def _cases(*, failing: bool) -> list[Any]:
    files = [path for path in sorted(CASES.glob("*.jsonl")) if (path.stem == FAILING) == failing]
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    cases = map(json.loads, lines)
    return [pytest.param(case, id=f"{case['check']}: {case['label']}") for case in cases]


def _score(case: dict[str, Any]) -> Score:
    check = registry.load_class("checks", case["check"])()
    (score,) = check.score([(Article("a", case["article"]), Summary("a", case["summary"]))])
    assert isinstance(score, Score)
    return score


def _assert_value(score: Score, expect: dict[str, Any]) -> None:
    assert score.note == expect.get("note", "")
    assert (score.value is None) == ("note" in expect)
    if score.value is not None:
        assert score.value == expect.get("value", score.value)
        assert expect.get("above", -1) < score.value < expect.get("below", 2)


def _assert_flag(flag: Flag, expected: dict[str, Any], case: dict[str, Any]) -> None:
    assert flag.kind == expected.get("kind", KINDS.get(case["check"], flag.kind))
    assert flag.message == expected.get("message", flag.message)
    evidence = [span.of(case["article"]) for span in flag.evidence]
    assert evidence == expected.get("evidence", evidence)


@pytest.mark.parametrize("case", _cases(failing=False))
def test_case_is_scored_flagged_and_pointed_to_as_expected(case: dict[str, Any]) -> None:
    score, expect = _score(case), case["expect"]
    _assert_value(score, expect)
    flags = [{"text": each} if isinstance(each, str) else each for each in expect.get("flags", ())]
    if "flags" in expect or "value" in expect:
        flagged = [flag.span.of(case["summary"]) for flag in score.flags]
        assert flagged == [each["text"] for each in flags]
        for flag, expected in zip(score.flags, flags, strict=True):
            _assert_flag(flag, expected, case)
    messages = [flag.message for flag in score.flags]
    assert messages == expect.get("messages", messages)
    evidence = [[span.of(case["article"]) for span in each.evidence] for each in score.sentences]
    assert evidence == expect.get("evidence", evidence)


@pytest.mark.xfail(strict=True, raises=AssertionError)
@pytest.mark.parametrize("case", _cases(failing=True))
def test_known_failure_still_fails(case: dict[str, Any]) -> None:
    assert _score(case).value == case["expect"]["value"]


def test_no_two_cases_have_one_label() -> None:
    labels = [each.id for failing in (True, False) for each in _cases(failing=failing)]
    assert len(labels) == len(set(labels)) > 150
