"""Laws that hold for every text, tried on many (hypothesis)."""

from collections.abc import Sequence
from typing import Protocol

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from evalharness import text
from evalharness.checks.lexical.dates import Dates
from evalharness.checks.lexical.entities import Entities
from evalharness.checks.lexical.lexical import Lexical
from evalharness.checks.lexical.numbers import Numbers
from evalharness.checks.lexical.polarity import Polarity
from evalharness.checks.lexical.quotes import Quotes
from evalharness.checks.lexical.roles import Roles
from evalharness.checks.lexical.support import Support
from evalharness.protocols import Pair
from evalharness.records import Article, Score, Span, Summary

FOREIGN_NUMBER = "987,654,321"
FOREIGN_NAME = "Zyxgorod"
# What news, its tokenised forms and other scripts are made of.
_NEWS_PIECES = """
    the The mayor Mayor resigned said of and in May us US U.S. U.K. a.m. Inc. No. Mr. Mr J. J K.
    Jane Doe Roe's jane doe Springfield springfield Britain British IMF International Monetary
    Fund McDonald's O’Neil al-Doe Yahoo! iPhone www.example.com ab Cd é É Łódź I A.
    5 14 3.5 1,200 2015 1990s 5th 10:30 7pm 25-year-old half quarter third second two twenty five
    hundred million dozens nearly about £5m $3 5% per cent km years ½ 1/2 ٣ १२ １２
    ſix ſome a ſixth uſ$5 sİx 1000000000000000000000000000000s 1,000's %
    . ! ? ... … . . . , ; : - – " '' `` ” “ ( ) ' -rrb- • 1. * 。 ！ と 他 。」 「 । मैं ؟ ف ． 😀
"""
PIECES = [*_NEWS_PIECES.split(), "E\u0301", "\ud800"]
SPACES = ("", " ", " ", " ", "\u00a0", "\t", "\n", "\n\n", "\r\n", "\u2028")


def _joined(pieces: Sequence[tuple[str, str]]) -> str:
    return "".join(piece + space for piece, space in pieces)


def _newslike(spaces: Sequence[str] = SPACES) -> st.SearchStrategy[str]:
    piece = st.tuples(st.sampled_from(PIECES), st.sampled_from(spaces))
    return st.lists(piece, max_size=25).map(_joined)


# exclude_categories=(): lone surrogates too.
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60) | _newslike()
NEWS = _newslike(spaces=(" ", " ", " ", "\n", "\n\n"))
quickly = settings(max_examples=100, deadline=None)


class Check(Protocol):
    def score(self, pairs: Sequence[Pair]) -> list[Score]: ...


def _each(*checks: Check) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("check", checks, ids=[type(each).__name__ for each in checks])


every = _each(
    *(Dates(), Entities(), Lexical(), Numbers(), Polarity(), Quotes(), Roles(), Support()),
)
# What these say can only get worse by what the article does not have.
against_foreign = _each(Entities(), Lexical(), Numbers(), Support())


def _pair(article: str, summary: str) -> Pair:
    return Article("a", article), Summary("a", summary)


def _score(check: Check, article: str, summary: str) -> Score:
    (score,) = check.score([_pair(article, summary)])
    return score


def _assert_in_order(spans: Sequence[Span], whole: str) -> None:
    position = 0
    for span in spans:
        assert position <= span.start < span.end <= len(whole)
        position = span.end


@quickly
@given(ANYTHING)
def test_sentences_hold_every_visible_character_once_and_in_order(whole: str) -> None:
    spans = text.sentences(whole)
    _assert_in_order(spans, whole)
    assert all(span.of(whole) == span.of(whole).strip() for span in spans)
    visible = "".join(span.of(whole) for span in spans)
    assert "".join(visible.split()) == "".join(whole.split())


@quickly
@given(ANYTHING, st.integers(1, 5))
def test_first_sentences_are_those_of_the_whole_text(whole: str, most: int) -> None:
    assert text.sentences(whole, most) == text.sentences(whole)[:most]


@quickly
@given(ANYTHING)
def test_a_sentence_alone_is_one_sentence(whole: str) -> None:
    lines = whole.splitlines()
    assume(len(lines) < 3 or max(map(len, lines)) < 30)  # hard-wrapped: the one exception
    for span in text.sentences(whole):
        alone = span.of(whole)
        assert text.sentences(alone) == [Span(0, len(alone))]


@quickly
@given(ANYTHING)
def test_words_numbers_and_names_slice_back_to_visible_text(whole: str) -> None:
    within = text.sentences(whole)
    words = text.words(whole)
    numbers = [number.span for number in text.numbers(whole)]
    names = [name.span for name in text.names(whole)]
    for spans in (words, numbers, names):
        _assert_in_order(spans, whole)
        for span in spans:
            assert span.of(whole) == span.of(whole).strip()
            assert any(one.start <= span.start and span.end <= one.end for one in within)
    for name in text.names(whole):
        assert len(name.words) == len(name.parts)
        assert all(name.span.start <= part.start < part.end for part in name.parts)


@quickly
@given(ANYTHING)
def test_numbers_agree_with_themselves_and_have_finite_values(whole: str) -> None:
    for number in text.numbers(whole):
        assert number.value.is_finite()
        assert text.agree(number, number)


@every
@quickly
@given(article=NEWS)
@example(article="1/2\n1/2 1/2 ")  # the second sentence stands over the end of the first, too
def test_a_copied_sentence_is_fully_supported(check: Check, article: str) -> None:
    sentences = [span.of(article) for span in text.sentences(article)]
    for score in check.score([_pair(article, sentence) for sentence in sentences]):
        assert score.value in (None, 1.0)
        assert not score.flags


@against_foreign
@quickly
@given(article=NEWS, summary=NEWS)
def test_something_foreign_never_raises_a_score(check: Check, article: str, summary: str) -> None:
    before = _score(check, article, summary).value
    after = _score(check, article, f"{summary}\n\nThen {FOREIGN_NUMBER} saw {FOREIGN_NAME}.")
    if after.note == "the article is empty":
        return
    assert after.value is not None
    assert after.value <= (1.0 if before is None else before)
    assert after.value < 1.0
    assert after.flags


@every
@quickly
@given(st.lists(st.tuples(NEWS, NEWS), max_size=4))
def test_a_batch_scores_like_its_parts(check: Check, pairs: list[tuple[str, str]]) -> None:
    shared = [*pairs, *((article, "Then 5 men saw Jane Doe.") for article, _ in pairs)]
    batch = check.score([_pair(*pair) for pair in shared])
    assert batch == [_score(check, *pair) for pair in shared]


@every
@quickly
@given(article=ANYTHING, summary=ANYTHING)
def test_any_text_gets_a_score_or_a_note(check: Check, article: str, summary: str) -> None:
    score = _score(check, article, summary)
    assert (score.value is None) == bool(score.note)
    assert score.value is None or 0 <= score.value <= 1
    _assert_in_order([flag.span for flag in score.flags], summary)
    _assert_in_order([sentence.span for sentence in score.sentences], summary)
    evidence = [span for flag in score.flags for span in flag.evidence]
    evidence += [span for sentence in score.sentences for span in sentence.evidence]
    assert all(0 <= span.start < span.end <= len(article) for span in evidence)
    spans = _marks_without_joints(score, summary) + [s.of(article) for s in evidence]
    assert [words for words in spans if words != words.strip()] == []


def _marks_without_joints(score: Score, summary: str) -> list[str]:
    """Return the flagged words, without blanks right beside another flag, which join the two."""
    starts = {flag.span.start for flag in score.flags}
    ends = {flag.span.end for flag in score.flags}
    words = [(flag.span, flag.span.of(summary)) for flag in score.flags]
    words = [(span, said.lstrip() if span.start in ends else said) for span, said in words]
    return [said.rstrip() if span.end in starts else said for span, said in words]


@every
@pytest.mark.parametrize("article", ["", "\n", "x" * 1_000_000, "😀 " * 1000, "\ud800", "دفع 5 ٣"])
@pytest.mark.parametrize("summary", ["", " ", "9" * 1_000_000, "A " * 9000, "\udfff 5", "دفع ٥ 7"])
def test_odd_texts_get_a_score_or_a_note(check: Check, article: str, summary: str) -> None:
    score = _score(check, article, summary)
    assert (score.value is None) == bool(score.note)
