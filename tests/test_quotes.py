"""The check of quotations against the article."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.checks.lexical.quotes import Quotes, StatedQuotes
from evalharness.records import Article, Score, Summary

PAGES = Path(__file__).parents[2] / "shared" / "data" / "pages"
_PIECES = """
    The mayor Jane Doe Mr Roe said told “ ” " ‘ ’ ' ` `` '' we kept every tile don't n't 's [ ] ...
    good , . : - ! 14 🙂 « »
"""
NEWS = st.lists(st.sampled_from(_PIECES.split()), max_size=30).map(" ".join)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60) | NEWS
quickly = settings(max_examples=100, deadline=None)


def _score(article: str, summary: str) -> Score:
    return Quotes().score([(Article("a", article), Summary("a", summary))])[0]


def test_quotes_sentence_scores_weighted_with_their_quotations_make_the_score() -> None:
    article = "“We kept every tile,” Doe said. “It rained all day,” he said."
    score = _score(article, 'They "kept every tile" and "sold every door". It "rained all day".')
    first, second = score.sentences
    assert (first.value, second.value) == (0.5, 1.0)
    assert [span.of(article) for span in second.evidence] == ["rained all day"]
    assert score.value == 1 - 1 / 3


def test_quotes_flag_a_speaker_of_two_quotations_once() -> None:
    article = "“Rain is on the way,” Jane Doe said. “Stay at home tonight,” Bo Ek said. Ann Roe"
    summary = "“Rain is on the way,” Ann Roe said, “stay at home tonight.”"
    score = _score(article, summary)
    assert [flag.span.of(summary) for flag in score.flags] == ["Ann Roe"]


def test_quotes_of_a_copied_sentence_stand_although_another_has_said_them_before() -> None:
    article = "“Rain is on its way,” Jane Doe said. Ann Roe said: “Rain is on its way.”"
    assert _score(article, "Ann Roe said: “Rain is on its way.”").value == 1.0


@pytest.mark.parametrize(
    ("article", "summary", "evidence"),
    [
        ("“We kept every - tile,” Doe said.", "They “kept every tile”.", "kept every - tile"),
        (
            "“The act was very old indeed,” she said.",
            "“The acts was very old”",
            "The act was very old",
        ),
        ("We “kept it all day long”", "They “kept it , all day”.", "kept it all day"),
    ],
)
def test_evidence_of_a_quotation_is_its_words_and_no_blank(
    article: str, summary: str, evidence: str
) -> None:
    score = _score(article, summary)
    spans = [span for sentence in score.sentences for span in sentence.evidence]
    spans += [span for flag in score.flags for span in flag.evidence]
    assert [span.of(article) for span in spans] == [evidence]


@quickly
@given(NEWS)
def test_quotes_of_a_copied_text_is_never_flagged(article: str) -> None:
    score = _score(article, article)
    assert score.value in (None, 1.0)
    assert not score.flags


@quickly
@given(ANYTHING, ANYTHING)
def test_quotes_of_any_text_is_a_score_or_a_note(article: str, summary: str) -> None:
    score = _score(article, summary)
    assert (score.value is None) == bool(score.note)
    assert all(0 <= f.span.start < f.span.end <= len(summary) for f in score.flags)
    assert all(e.end <= len(article) for f in score.flags for e in f.evidence)


def test_quotes_of_a_megabyte_are_checked_in_linear_time() -> None:
    article = " ".join(f"“We kept tile {n} of it,” Doe said." for n in range(25_000))
    summary = " ".join(f"“We sold tile {n} of it,” Roe said." for n in range(25_000))
    assert _score(article, summary).value == 0.0


def test_quotes_index_serves_several_summaries() -> None:
    stated = StatedQuotes("“We kept every tile,” Doe said.")
    assert stated.check('They "kept every tile".').value == 1.0
    assert stated.check('They "sold every tile".').value == 0.0


def test_quotes_of_the_pages_are_not_flagged() -> None:
    if not PAGES.is_dir():
        pytest.skip("the shared data is not here")
    for path in sorted(PAGES.glob("*.gold.json")):
        page = json.loads(path.read_text(encoding="utf-8"))
        score = _score("\n\n".join(page["body"]), "\n".join(page["ai_summary"]))
        assert not score.flags


@pytest.mark.parametrize(
    ("summary", "kinds"),
    [
        ('The minister has said she is "appalled" by it.', ["quote"]),
        ('The minister called it a "disgrace".', ["quote"]),
        ('The minister opened the "appalling" bridge.', ["quoted_word"]),
        ('The minister said the bridge is "long".', []),
    ],
)
def test_a_word_that_somebody_says_of_something_is_a_quotation(
    summary: str, kinds: list[str]
) -> None:
    article = "The minister told reporters on Monday that the new bridge is long."
    assert [flag.kind for flag in _score(article, summary).flags] == kinds


@pytest.mark.parametrize(
    "summary",
    [
        'Chelsea manager Jose Mourinho said the Premier League is "not the best league there is".',
        'He will score The Hateful Eight, despite saying it was "not the best league there is".',
    ],
)
def test_what_is_spoken_of_is_no_speaker(summary: str) -> None:
    article = (
        '"It is not the best league there is," Mourinho said. The Hateful Eight and the Premier '
        "League were named elsewhere."
    )
    assert not _score(article, summary).flags


@pytest.mark.parametrize(
    ("quoted", "kind"),
    [
        ("the people's demands cannot be put aside", "quoted_word"),
        ("the people's demands can be put aside", "quote"),
        ("lack of desire", "quoted_word"),
        ("take part in ordinary activities", "quote"),
    ],
)
def test_words_of_a_quotation_in_another_order_are_no_likely_error(quoted: str, kind: str) -> None:
    article = (
        "He said: “You cannot put aside the people's demands.” The side was “lacking desire”, and "
        "the men “take part in seemingly ordinary activities”, he said."
    )
    (flag,) = _score(article, f"He said “{quoted}” on Monday.").flags
    assert flag.kind == kind
