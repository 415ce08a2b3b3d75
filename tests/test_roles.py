"""The check of who did what to whom against the article."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.checks.lexical.roles import Roles, StatedRoles
from evalharness.records import Article, Score, Summary

PAGES = Path(__file__).parents[2] / "shared" / "data" / "pages"
_PIECES = """
    The mayor Jane Doe Mr Roe Springfield US was beaten by beat lost to defeat of win over said
    police arrested sued Acme Globex in . , “ ” 's and he - ! 14 🙂
"""
NEWS = st.lists(st.sampled_from(_PIECES.split()), max_size=30).map(" ".join)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60) | NEWS
quickly = settings(max_examples=100, deadline=None)


def _score(article: str, summary: str) -> Score:
    return Roles().score([(Article("a", article), Summary("a", summary))])[0]


def test_roles_sentence_scores_point_to_the_sentences_they_were_compared_with() -> None:
    article = "It rained. Acme sued Globex in March. Nobody spoke."
    score = _score(article, "Globex sued Acme in March.")
    (sentence,) = score.sentences
    assert sentence.value == 0.0
    assert [span.of(article) for span in sentence.evidence] == ["Acme sued Globex in March."]


@quickly
@given(NEWS)
def test_roles_of_a_copied_text_is_never_flagged(article: str) -> None:
    score = _score(article, article)
    assert score.value in (None, 1.0)
    assert not score.flags


@quickly
@given(ANYTHING, ANYTHING)
def test_roles_of_any_text_is_a_score_or_a_note(article: str, summary: str) -> None:
    score = _score(article, summary)
    assert (score.value is None) == bool(score.note)
    assert all(0 <= f.span.start < f.span.end <= len(summary) for f in score.flags)
    assert all(e.end <= len(article) for f in score.flags for e in f.evidence)


def test_roles_of_a_megabyte_are_checked_in_linear_time() -> None:
    article = " ".join(f"Alistair M{n} sued Globex G{n} today." for n in range(25_000))
    summary = " ".join(f"Globex G{n} sued Alistair M{n} then." for n in range(25_000))
    score = _score(article, summary)
    assert (score.value is None) == bool(score.note)


def test_roles_index_serves_several_summaries() -> None:
    stated = StatedRoles("Acme sued Globex in March.")
    good = stated.check("Globex was sued by Acme.")
    bad = stated.check("Globex sued Acme.")
    assert (good.value, bad.value) == (1.0, 0.0)


def test_roles_flag_the_planted_swap_of_the_pages_and_nothing_else() -> None:
    if not PAGES.is_dir():
        pytest.skip("the shared data is not here")
    for path in sorted(PAGES.glob("*.gold.json")):
        page = json.loads(path.read_text(encoding="utf-8"))
        summary = "\n".join(page["ai_summary"])
        flags = _score("\n\n".join(page["body"]), summary).flags
        swaps = [e["summary_says"] for e in page["planted_errors"] if e["type"] == "swapped-roles"]
        assert [flag.span.of(summary) for flag in flags] == swaps
