"""Fluency: defects of how a summary reads, each with its span, and what is none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.checks.fluency import DEFECT_KINDS, Fluency
from evalharness.records import Article, Score, Summary, count_likely_errors, score_record
from evalharness.runner.check import check

ARTICLE = (
    "The mayor of Orrin closed the old bridge on Monday. She said that it was not safe any more."
)
TEXTS = st.text(st.sampled_from("ab A.,\n\"'“”()<>&;*`[]不é"), max_size=120)


def scored(summary: str, article: str = ARTICLE) -> Score:
    pair = Article("a", article), Summary("a", summary)
    [score] = Fluency().score([pair])
    assert score.flaw(*pair) == ""
    return score


def flagged(summary: str, article: str = ARTICLE) -> list[tuple[str, str]]:
    return [(flag.kind, flag.span.of(summary)) for flag in scored(summary, article).flags]


@pytest.mark.parametrize(
    ("summary", "found"),
    [
        ("The bridge is shut. The mayor said that the", [("cut", "The mayor said that the")]),
        ("The bridge is shut. It will reopen in", [("cut", "It will reopen in")]),
        ("The mayor closed the", [("cut", "The mayor closed the")]),
        ("She closed the bridge.", [("dangling", "She")]),
        ("Their bridge is closed.", [("dangling", "Their")]),
        ('The mayor said "no. It is shut.', [("unbalanced", '"')]),
        ("The mayor (who was there said no.", [("unbalanced", "(")]),
        ("The mayor said no” on Monday.", [("unbalanced", "”")]),
        ("The bridge is <b>closed</b>.", [("markup", "<b>"), ("markup", "</b>")]),
        ("Cars &amp; buses stop.", [("markup", "&amp;")]),
        ("The bridge is **shut** now.", [("markup", "**"), ("markup", "**")]),
        ("The bridge is shut.</s>", [("markup", "</s>")]),
        ("The <unk> is shut.", [("markup", "<unk>")]),
        ("Le maire de la ville a dit que le pont ne serait pas ouvert.", [("language", "")]),
        ("Мэр города сказал в понедельник, что мост закрыт.", [("language", "")]),
        (" ".join(["The bridge is shut for cars."] * 5), [("looping", "")]),
    ],
)
def test_defects_are_flagged_where_they_stand(summary: str, found: list[tuple[str, str]]) -> None:
    """An empty span in the case is the whole summary."""
    assert flagged(summary) == [(kind, words or summary) for kind, words in found]


@pytest.mark.parametrize(
    "summary",
    [
        "The bridge is shut.",
        "Mayor closes bridge",
        "Bridge shut\nMayor speaks\nFerry takes over",
        "It rained in Orrin. This is why the bridge is shut.",
        'The mayor said "no". She said “never” (on Monday).',
        "The mayor said 'no' and it's the engineers' view.",
        "1) The bridge is shut. 2) A ferry takes over.",
        "Prices rose 3 < 4 & 5 > 2 in Orrin.",
        "- The bridge is shut.\n- A ferry takes over.",
        "市長は月曜日に橋を閉鎖した。",
    ],
)
def test_what_people_write_has_no_defect(summary: str) -> None:
    article = summary if "市" in summary else ARTICLE
    score = scored(summary, article)
    assert (score.value, score.flags) == (1.0, ())


def test_what_the_article_writes_so_is_no_markup() -> None:
    assert flagged("The tag <b> makes text bold.", "Use <b> for bold text.") == []


def test_value_is_the_share_of_sentences_without_a_defect() -> None:
    score = scored("She closed it. The bridge is shut. A ferry takes over. It is &amp; free.")
    assert score.value == 0.5
    assert [sentence.value for sentence in score.sentences] == [0.0, 1.0, 1.0, 0.0]
    assert {kind: score.parts[kind] for kind in DEFECT_KINDS if score.parts[kind]} == {
        "dangling": 1.0,
        "markup": 1.0,
    }


@given(TEXTS, TEXTS)
@settings(deadline=None)
def test_any_texts_have_a_score_or_a_reason(article: str, summary: str) -> None:
    score = scored(summary, article)
    assert score.note or 0 <= (score.value or 0) <= 1
    assert (score.value == 1.0) == (not score.flags and not score.note)
    assert count_likely_errors(score_record(score)) == 0


def test_thousands_of_marks_are_some_flags() -> None:
    assert len(scored("(" * 50_000).flags) == 100


def test_it_gives_no_verdict() -> None:
    verdict = check(ARTICLE, "She closed the", check="fluency")
    assert (verdict.verdict, verdict.record()["likely_errors"]) == ("no_verdict", 0)
    assert {flag.kind for flag in verdict.flags} == {"cut", "dangling"}
