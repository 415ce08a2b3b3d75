"""Redundancy: pairs of words, phrases and facts that a summary has said already."""

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.checks.redundancy import Redundancy
from evalharness.records import Article, Score, Summary, count_likely_errors, score_record
from evalharness.runner.check import check

TEXTS = st.text(st.sampled_from("ab Aé1.,\n不は\"'"), max_size=150)
FACT = "The mayor of Orrin closed the old bridge on Monday."


def scored(summary: str) -> Score:
    pair = Article("a", "It rained."), Summary("a", summary)
    [score] = Redundancy().score([pair])
    assert score.flaw(*pair) == ""
    return score


def flagged(summary: str) -> list[str]:
    return [flag.span.of(summary) for flag in scored(summary).flags]


def test_share_of_distinct_pairs_by_hand() -> None:
    score = scored("no no no yes")  # no no, no no, no yes
    assert score.value == pytest.approx(2 / 3)
    assert score.parts == pytest.approx(
        {"distinct_1": 0.5, "distinct_2": 2 / 3, "distinct_3": 1.0, "new_sentences": 1.0}
    )


def test_nothing_said_twice_is_1_without_flags() -> None:
    score = scored(f"{FACT} A ferry takes over.")
    assert (score.value, score.flags) == (1.0, ())


def test_a_fact_that_comes_again_in_other_words_is_flagged() -> None:
    again = "On Monday the old bridge was closed by Orrin's mayor."
    assert flagged(f"{FACT} Cracks were found. {again}") == [again]
    score = scored(f"{FACT} Cracks were found. {again}")
    assert score.flags[0].message == f"sentence 1 says it already: {FACT}"
    assert [sentence.value for sentence in score.sentences] == [1.0, 1.0, 0.0]
    assert score.parts["new_sentences"] == pytest.approx(2 / 3)


def test_a_phrase_that_comes_again_is_flagged_where_it_does() -> None:
    text = (
        "Engineers found cracks in the old iron bridge in May. A ferry run by two firms takes over "
        "while cracks in the old iron bridge are mended by divers, welders and painters."
    )
    assert flagged(text) == ["cracks in the old iron bridge"]


def test_more_of_the_same_is_always_worse() -> None:
    values = [scored(" ".join([FACT] * n)).value or 0 for n in range(1, 6)]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 5


@given(TEXTS)
@settings(deadline=None)
def test_any_text_has_a_score_or_a_reason(summary: str) -> None:
    score = scored(summary)
    assert score.note or 0 < (score.value or 0) <= 1
    assert count_likely_errors(score_record(score)) == 0
    assert score == next(
        islice(iter(Redundancy().score([(Article("b", ""), Summary("b", summary))])), 1)
    )


@pytest.mark.parametrize(
    ("summary", "value"), [("", None), ("...", None), ("word", 1.0), ("不", 1.0)]
)
def test_short_ones(summary: str, value: float | None) -> None:
    assert scored(summary).value == value


def test_it_gives_no_verdict() -> None:
    verdict = check("It rained.", f"{FACT} {FACT}", check="redundancy")
    assert (verdict.verdict, len(verdict.flags)) == ("no_verdict", 1)
