"""Coverage: what of an article a summary says, what it leaves out, and where it is from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import clock
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness import text
from evalharness.checks.coverage import PROFILE, Coverage
from evalharness.records import Article, Score, Summary, score_of, score_record
from evalharness.runner.check import check
from evalharness.text.languages import content_units, language_of, small_words

Command = Callable[..., Any]

ARTICLE = (
    "The mayor of Orrin closed the old bridge on Monday. "
    "Engineers had found cracks in the bridge that carries 4,000 cars a day. "
    "Repairs will cost 30 million and take two years, the mayor said. "
    "A ferry takes over until the bridge opens again. "
    "Shopkeepers on the north bank fear for their customers. "
    "It rained."
)
LEAD = "The mayor of Orrin closed the old bridge on Monday."
TEXTS = st.text(st.sampled_from("ab Aé1.,\n不は\"'"), max_size=120)


def scored(article: str, summary: str) -> Score:
    pair = Article("a", article), Summary("a", summary)
    [score] = Coverage().score([pair])
    assert score.flaw(*pair) == ""
    return score


def value(article: str, summary: str) -> float:
    found = scored(article, summary).value
    assert found is not None
    return found


def left_out(article: str, summary: str) -> list[str]:
    return [span.of(article) for span in scored(article, summary).left_out]


# the value


def test_figures_of_a_small_pair_by_hand() -> None:
    score = scored("Dogs bark. Dogs run 12 miles.", "Dogs bark loudly.")
    # Weights: dog 2 ** 1.25 * 2 ** .5, bark 3 ** .5, run 2 ** .5, 12 twice 1, mile 3 ** .5
    dog, bark, run, number, mile = 2**1.75, 3**0.5, 2**0.5, 2.0, 3**0.5
    recall = (dog + bark) / (dog + bark + run + number + mile)
    assert score.value == pytest.approx(recall)
    assert score.parts["recall"] == pytest.approx(recall)
    assert score.parts["coverage"] == score.value
    assert (score.parts["covered"], score.parts["words"]) == (0.5, 3.0)


def test_whole_article_covers_all_of_it_and_leaves_nothing_out() -> None:
    score = scored(ARTICLE, ARTICLE)
    assert (score.value, score.parts["covered"], score.left_out) == (1.0, 1.0, ())


def test_an_omission_is_seen() -> None:
    whole = f"{LEAD} Repairs will cost 30 million."
    assert value(ARTICLE, LEAD) < value(ARTICLE, whole) < 1


def test_names_and_numbers_left_out_cost_more_than_small_words() -> None:
    assert value(ARTICLE, "bridge 4,000") > value(ARTICLE, "bridge again")
    assert value(ARTICLE, f"{LEAD} It was so.") == value(ARTICLE, LEAD)


def test_what_a_summary_repeats_counts_against_it() -> None:
    twice = scored(ARTICLE, f"{LEAD} {LEAD}")
    assert twice.parts["recall"] == scored(ARTICLE, LEAD).parts["recall"]
    assert twice.value is not None
    assert twice.value < 0.7 * value(ARTICLE, LEAD)


@given(TEXTS, TEXTS, TEXTS)
@settings(deadline=None)
def test_recall_never_falls_when_more_is_said(article: str, summary: str, more: str) -> None:
    """In whole sentences: words that grow together are others."""
    before, after = scored(article, summary), scored(article, f"{summary}\n\n{more}")
    if before.value is not None and after.value is not None:
        assert after.parts["recall"] >= before.parts["recall"] - 1e-12


@given(TEXTS, TEXTS)
@settings(deadline=None)
def test_any_texts_have_a_score_or_a_reason(article: str, summary: str) -> None:
    score = scored(article, summary)
    assert score.note or 0 <= (score.value or 0) <= 1
    assert score == scored(article, summary)
    assert score_of(json.loads(json.dumps(score_record(score)))) == score


def test_order_and_case_of_sentences_do_not_matter() -> None:
    sentences = [span.of(ARTICLE) for span in text.sentences(ARTICLE)][:3]
    forwards, backwards = " ".join(sentences), " ".join(reversed(sentences))
    assert scored(ARTICLE, forwards).parts["recall"] == scored(ARTICLE, backwards).parts["recall"]
    assert value(ARTICLE, LEAD) == value(ARTICLE, LEAD.upper())


def test_harmless_words_cost_nothing_of_the_recall() -> None:
    framed = f"According to the article, {LEAD}"
    assert scored(ARTICLE, framed).parts["recall"] >= scored(ARTICLE, LEAD).parts["recall"]


# attacks


@pytest.mark.parametrize(
    ("article", "summary", "note"),
    [
        ("", LEAD, "the article is empty"),
        (" \n", LEAD, "the article is empty"),
        (ARTICLE, "", "the summary is empty"),
        (ARTICLE, " \n\t", "the summary is empty"),
        ("It is what it is.", LEAD, "the article has no words of content"),
        ("... !!! ---", LEAD, "the article has no words of content"),
    ],
)
def test_without_anything_to_cover_there_is_no_score(article: str, summary: str, note: str) -> None:
    score = scored(article, summary)
    assert (score.value, score.note) == (None, note)


@pytest.mark.parametrize(
    "summary", ["It is what it is.", "...", "x", "Zebras", "\ud800", "👍" * 50]
)
def test_a_summary_that_says_nothing_of_the_article_covers_nothing(summary: str) -> None:
    score = scored(ARTICLE, summary)
    assert score.value == 0.0
    assert len(score.left_out) == 3
    assert not set(PROFILE) & score.parts.keys()


def test_one_word_covers_what_it_weighs() -> None:
    assert 0 < value(ARTICLE, "bridge") < 0.2


def test_stuffing_with_one_word_gains_nothing() -> None:
    assert value(ARTICLE, "bridge " * 500) < value(ARTICLE, "bridge") / 100


def test_a_megabyte_takes_seconds() -> None:
    article = " ".join(f"Word{n} and word{n % 977} met in town {n % 89}." for n in range(20_000))
    found: list[Score] = []
    assert clock.seconds(lambda: found.append(scored(article, article[:200_000])), 20) < 20
    assert found[0].value is not None
    assert scored(article[:100], article[:60]).value is not None


# what is left out


def test_the_weightiest_sentences_that_nothing_covers_are_left_out() -> None:
    assert left_out(ARTICLE, LEAD) == [
        "Engineers had found cracks in the bridge that carries 4,000 cars a day.",
        "Repairs will cost 30 million and take two years, the mayor said.",
        "Shopkeepers on the north bank fear for their customers.",
    ]


def test_a_sentence_that_another_says_again_is_named_once() -> None:
    again = "Repairs will cost 30 million and will take two years, said the mayor."
    named = left_out(f"{ARTICLE} {again}", LEAD)
    assert len(named) == 3
    assert named.count(again) == 0
    assert sum("Repairs" in sentence for sentence in named) == 1


TOLD = "The council met on Monday to vote on its schools."
STRAY = "It was a cold, grey and rather quiet day."
FOUND = "A report had found 900 empty places in classrooms and a debt of 30 million."
CLOSED = "Twelve schools will close by September and 340 teachers lose posts, said Mayor Hill."
MARCH = "Parents and teachers marched to the hall on Tuesday with Mayor Hill's effigy."


def test_a_stray_sentence_is_not_named_before_one_that_matters_twice_as_much() -> None:
    assert left_out(f"{TOLD} {STRAY} {CLOSED} {MARCH}", TOLD) == [CLOSED, STRAY]


def test_the_first_is_named_first_where_no_other_matters_twice_as_much() -> None:
    assert left_out(f"{TOLD} {FOUND} {CLOSED} {MARCH}", TOLD) == [FOUND, CLOSED]


@pytest.mark.parametrize("mark", ["'", '"', "“", "‘", "«", "„", "「", "``"])
def test_what_begins_with_a_quotation_mark_matters_less(mark: str) -> None:
    said = left_out(f"{TOLD} {mark}{FOUND} {CLOSED} {MARCH}", TOLD)
    assert said[0].startswith(CLOSED)


def test_sentences_of_three_words_are_not_named() -> None:
    assert left_out("It rained hard. The mayor of Orrin closed the old bridge.", "Zebras") == [
        "The mayor of Orrin closed the old bridge."
    ]


def test_a_long_sentence_cut_to_its_main_clause_is_not_left_out() -> None:
    long = (
        "The mayor of Orrin closed the old bridge on Monday after engineers, called by worried "
        "drivers during last winter's floods, discovered deep cracks below both northern pillars."
    )
    other = "Repairs will cost 30 million and take two years."
    assert left_out(f"{long} {other}", "The mayor of Orrin closed the bridge.") == [other]
    assert left_out(f"{long} {other}", "Orrin floods.") == [long, other]


# where it comes from


def test_the_profile_says_from_which_fifth_the_content_is() -> None:
    sentences = [f"Alpha{n} beta{n} gamma{n} delta{n}." for n in range(10)]
    article = " ".join(sentences)
    of_lead, of_end = scored(article, sentences[0]), scored(article, sentences[9])
    assert [of_lead.parts[name] for name in PROFILE] == pytest.approx([1, 0, 0, 0, 0], abs=0.02)
    assert [of_end.parts[name] for name in PROFILE] == pytest.approx([0, 0, 0, 0, 1], abs=0.02)
    whole = scored(article, article).parts
    assert [whole[name] for name in PROFILE] == pytest.approx([0.2] * 5, abs=0.03)


def test_sentences_point_at_what_they_come_from() -> None:
    [first, second] = scored(ARTICLE, f"{LEAD} Zebras sing.").sentences
    assert first.evidence[0].of(ARTICLE) == LEAD
    assert (second.value, second.evidence) == (0.0, ())


# languages


@pytest.mark.parametrize(
    ("language", "article", "small"),
    [
        ("de", "Der Bürgermeister sagte am Montag, dass die Brücke nicht mehr sicher ist.", "dass"),
        ("fr", "Le maire de la ville a dit lundi que le pont ne serait pas fermé.", "que"),
        ("es", "El alcalde de la ciudad dijo el lunes que el puente no se cerraría.", "que"),
        ("nl", "De burgemeester zei maandag dat de brug niet wordt gesloten.", "dat"),
        ("ru", "Мэр города сказал в понедельник, что мост не будет закрыт для всех.", "что"),
        ("id", "Wali kota itu mengatakan bahwa jembatan tidak akan ditutup hari ini.", "bahwa"),
        ("en", "The mayor of the town said that the bridge would not be closed.", "that"),
    ],
)
def test_small_words_of_the_articles_language_do_not_count(
    language: str, article: str, small: str
) -> None:
    tokens = text.sentence_tokens(article, text.sentences(article))
    assert language_of([token.word for token in tokens]) == language
    assert small in small_words(language)
    assert value(article, small) == 0.0
    assert value(article, article) == 1.0


@pytest.mark.parametrize(
    "article",
    [
        "市長は月曜日に古い橋を閉鎖すると述べた。技術者が橋に亀裂を見つけた。",
        "市长星期一关闭了旧桥。工程师在桥上发现了裂缝。",
        "นายกเทศมนตรีปิดสะพานเก่าเมื่อวันจันทร์ วิศวกรพบรอยร้าว",
        "أغلق رئيس البلدية الجسر القديم يوم الاثنين. وجد المهندسون شقوقا في الجسر.",
        "महापौर ने सोमवार को पुराना पुल बंद कर दिया। इंजीनियरों को पुल में दरारें मिलीं।",
    ],
)
def test_other_scripts_are_covered(article: str) -> None:
    half = text.sentences(article)[0].of(article)
    assert value(article, article) == 1.0
    assert 0 < value(article, half[: len(half) // 2]) < 1
    assert value(article, "zebra") == 0.0


def test_letters_without_spaces_count_in_pairs() -> None:
    tokens = text.sentence_tokens("東京都の橋", [text.sentences("東京都の橋")[0]])
    assert content_units(tokens, "ja") == ["東京", "京都", "都の", "の橋", "橋"]


# no verdict


def test_a_check_of_content_gives_no_verdict() -> None:
    for summary in (LEAD, "Zebras", ARTICLE):
        verdict = check(ARTICLE, summary, check="coverage")
        assert (verdict.verdict, verdict.flags) == ("no_verdict", ())
        assert {sentence.band for sentence in verdict.sentences} == {None}
        assert verdict.record()["likely_errors"] == 0
    assert [each["sentence"] for each in verdict_left_out()] == [2, 3, 5]


def verdict_left_out() -> list[dict[str, Any]]:
    record = check(ARTICLE, LEAD, check="coverage").record()
    found: list[dict[str, Any]] = record["left_out"]
    return found


def test_check_and_show_name_what_is_left_out(tmp_path: Path, command: Command) -> None:
    done = command(
        "check", "--article-text", ARTICLE, "--summary-text", LEAD, "--check", "coverage"
    )
    assert done.returncode == 0, done.stderr
    assert "NO VERDICT" in done.stdout
    for word in ("SUPPORTED", "supported", "flagged", "FLAGGED", "unsure"):
        assert word not in done.stdout
    assert "Left out of the summary, what matters most first:" in done.stdout

    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"id": "x", "article": ARTICLE, "summary": LEAD}) + "\n")
    scored_run = command("score", rows, "--checks", "coverage", "--results", tmp_path / "results")
    assert scored_run.returncode == 0, scored_run.stderr
    shown = command("show", tmp_path / "results" / "score", "x").stdout
    assert "  coverage: " in shown
    assert "Article, sentence 2: Engineers had found cracks" in shown
    assert "supported" not in shown
    [summary] = json.loads(command("show", tmp_path / "results" / "score", "x", "--json").stdout)[
        "summaries"
    ]
    assert [each["sentence"] for each in summary["scores"]["coverage"]["left_out"]] == [2, 3, 5]
    page = next((tmp_path / "results").rglob("report.html")).read_text()
    assert "Left out, what matters most first" in page
