"""The check of dates against the article."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.checks.lexical.dates import Dates, StatedDates
from evalharness.records import Article, Score, Summary

PAGES = Path(__file__).parents[2] / "shared" / "data" / "pages"
_PIECES = """
    The mayor may march on Monday , tuesday 4 May 4th 31 June 2026 2014-15 1990s '80s 04/05/2026
    2026-02-31 last next week month year summer in of the Sept. sept second . “ ” - ! 1,900 🙂
"""
NEWS = st.lists(st.sampled_from(_PIECES.split()), max_size=30).map(" ".join)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60) | NEWS
quickly = settings(max_examples=100, deadline=None)


def _score(article: str, summary: str) -> Score:
    return Dates().score([(Article("a", article), Summary("a", summary))])[0]


def test_dates_sentence_scores_weighted_with_their_dates_make_the_score() -> None:
    article = "It opened on 4 May 2026. The mayor came on Friday."
    score = _score(article, "It opened on May 4. It rained. He came on Sunday or Friday.")
    first, second = score.sentences
    assert (first.value, second.value) == (1.0, 0.5)
    assert [span.of(article) for span in first.evidence] == ["4 May 2026"]
    assert score.value == 1 - 1 / 3


def test_dates_relative_to_publication_are_resolved() -> None:
    stated = StatedDates("The bridge opened on 3 May.", published=date(2026, 5, 4))
    assert stated.check("The bridge opened yesterday.").value == 1.0
    assert stated.check("The bridge opened in 2026.").value == 1.0
    assert stated.check("The bridge opened on Sunday.").value == 1.0
    (flag,) = stated.check("The bridge opened last month.").flags
    assert flag.span.of("The bridge opened last month.") == "last month"


MONDAY = date(2026, 5, 4)
TOLD = [
    # article, summary, what of the summary is wrong
    ("It burned yesterday.", "It burned on May 3, 2026.", []),
    ("It burned yesterday.", "It burned on Sunday.", []),
    ("It burned yesterday.", "It burned on Saturday.", ["Saturday"]),
    ("It burned on Sunday.", "It burned on May 3.", []),
    ("It burned on Sunday.", "It burned on May 2.", ["May 2"]),
    ("It burned on Sunday.", "It burned on May 10.", []),  # perhaps the next one
    ("It burned on Sunday.", "It burned on May 17.", ["May 17"]),
    ("It burned on Sunday.", "The house burned yesterday.", []),
    ("It burned on 29 April.", "It burned last week.", []),
    ("It burned on Wednesday.", "It burned last week.", []),
    ("The old house burned on 15 April.", "The old house burned last week.", ["last week"]),
    ("The old house burned on 2 May.", "The old house burned last weekend.", []),
    ("It opens on 9 May.", "It opens this weekend.", []),
    ("It burned in April.", "It burned last month.", []),
    ("The old house burned in March.", "The old house burned last month.", ["last month"]),
    ("It burned in December.", "It burned in December 2025.", []),
    ("It burned in 2025.", "It burned last year.", []),
    ("The house burned.", "The house burned today.", []),  # all that is reported is of today
    ("The house burned on 2 May.", "The house burned today.", []),
]


@pytest.mark.parametrize(("article", "summary", "wrong"), TOLD)
def test_dates_are_held_against_the_day_of_publication(
    article: str, summary: str, wrong: list[str]
) -> None:
    dated = Article("a", article, extra={"published": "2026-05-04"})
    (score,) = Dates().score([(dated, Summary("a", summary))])
    assert [flag.span.of(summary) for flag in score.flags] == wrong


def test_dates_of_an_article_without_a_day_of_publication_are_as_they_stand() -> None:
    known: list[dict[str, Any]] = [{}, {"published": ""}, {"published": "04/05/2026"}]
    for extra in known:
        article = Article("a", "It burned yesterday.", extra=extra)
        (score,) = Dates().score([(article, Summary("a", "It burned on 3 May 2026."))])
        assert score.value == 0.0


@quickly
@given(NEWS)
def test_dates_of_a_copied_text_is_never_flagged_whatever_the_day(article: str) -> None:
    stated = StatedDates(article, published=MONDAY)
    assert stated.check(article).value in (None, 1.0)


@quickly
@given(NEWS)
def test_dates_of_a_copied_text_is_never_flagged(article: str) -> None:
    score = _score(article, article)
    assert score.value in (None, 1.0)
    assert not score.flags


@quickly
@given(ANYTHING, ANYTHING)
def test_dates_of_any_text_is_a_score_or_a_note(article: str, summary: str) -> None:
    score = _score(article, summary)
    assert (score.value is None) == bool(score.note)
    assert all(0 <= f.span.start < f.span.end <= len(summary) for f in score.flags)
    assert all(e.end <= len(article) for f in score.flags for e in f.evidence)


def test_dates_of_a_megabyte_are_checked_in_linear_time() -> None:
    article = " ".join(f"It opened on {n % 28 + 1} May {1500 + n % 500}." for n in range(20_000))
    summary = " ".join(f"It opened on {n % 28 + 1} June {1500 + n % 500}." for n in range(20_000))
    assert _score(article, summary).value == 0.0


def test_dates_index_serves_several_summaries() -> None:
    stated = StatedDates("The bridge opened on 4 May 2026.")
    assert stated.check("It opened on May 4.").value == 1.0
    assert stated.check("It opened on May 5.").value == 0.0


def test_dates_flag_the_planted_date_of_the_pages_and_nothing_else() -> None:
    if not PAGES.is_dir():
        pytest.skip("the shared data is not here")
    for path in sorted(PAGES.glob("*.gold.json")):
        page = json.loads(path.read_text(encoding="utf-8"))
        summary = "\n".join(page["ai_summary"])
        flags = _score("\n\n".join(page["body"]), summary).flags
        planted = [
            each["summary_says"] for each in page["planted_errors"] if each["type"] == "date"
        ]
        assert len(flags) == len(planted)
        for flag, wrong in zip(flags, planted, strict=True):
            assert wrong in flag.span.of(summary)


@pytest.mark.parametrize(
    ("year", "known"), [(1897, True), (2028, True), (1961, True), (1999, False)]
)
def test_dates_have_the_years_that_spans_of_years_tell(year: int, known: bool) -> None:
    article = (
        "The museum returns a door, 134 years after a captain took it. The elders asked in 1961. "
        "A guard left three years ago."
    )
    stated = StatedDates(article, published=date(2031, 9, 11))
    assert stated.check(f"It happened in {year}.").value == float(known)


def test_a_word_for_a_season_may_be_another() -> None:
    article = "A bolt is held in place by a spring (14) of steel."
    assert not _score(article, "The bolt is held by spring (14).").flags
    assert _score("A bolt is held in place.", "It was held in spring.").flags


def test_a_known_month_amid_what_is_said_of_another_is_wrong() -> None:
    article = (
        "The chair proposed to raise the rent of a full plot to 40 pounds from October. "
        "The grant was deferred until the meeting in April."
    )
    summary = "The rent of a full plot will rise to 40 pounds from {}."
    (flag,) = _score(article, summary.format("April")).flags
    assert flag.message == "the article says 'October', in sentence 1"
    assert not _score(article, summary.format("October")).flags
    assert not _score(article, "The grant comes in April.").flags
