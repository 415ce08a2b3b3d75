"""Floors and ceiling: sentences of the article, chosen as the papers say."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness import text
from evalharness.models.extractive import (
    Lead,
    LexRank,
    Oracle,
    RandomSentences,
    TextRank,
    Title,
    WholeArticle,
)
from evalharness.records import Article, Summary

DATA = Path(__file__).parents[2] / "shared" / "data" / "articles"

STORY = (
    "The council voted to close the old bridge on Monday. Engineers had found cracks in the "
    "bridge last week.\nShops near the river fear for their trade. The mayor said that the council "
    "would build a new bridge within two years.\n\nA ferry will cross the river until then. "
    "It was raining."
)
RANKED = [TextRank(), LexRank(), LexRank(continuous=True)]
CHOOSERS = [Lead(), RandomSentences(), *RANKED, Oracle()]


def _summary(model: Any, body: str, *references: str, **extra: Any) -> Summary:
    (summary,) = model.summarize([Article("a", body, references or ("The bridge.",), extra=extra)])
    assert isinstance(summary, Summary)
    return summary


def _sentences(body: str) -> list[str]:
    return [" ".join(span.of(body).split()) for span in text.sentences(body)]


# What all have in common


@pytest.mark.parametrize("model", CHOOSERS)
@given(
    body=st.lists(st.sampled_from([*_sentences(STORY), "Yes.", "***", "一。", "\ud800"])).map(
        "\n".join
    )
)
def test_every_choice_is_of_the_articles_sentences_in_their_order(model: Any, body: str) -> None:
    rest = iter(_sentences(body))
    chosen = _summary(model, body).text.split("\n")
    assert all(line in rest for line in chosen) or not _sentences(body)


@pytest.mark.parametrize("model", CHOOSERS)
@pytest.mark.parametrize("body", ["", "  \n\n "])
def test_every_choice_from_a_blank_article_is_empty(model: Any, body: str) -> None:
    summary = _summary(model, body)
    assert (summary.text, summary.finish, summary.read) == ("", "empty", len(body))


@pytest.mark.parametrize("model", CHOOSERS)
def test_every_choice_from_one_sentence_is_that_sentence(model: Any) -> None:
    assert _summary(model, "The bridge is closed.").text == "The bridge is closed."


@pytest.mark.parametrize("model", CHOOSERS)
def test_every_choice_puts_one_sentence_on_a_line(model: Any) -> None:
    wrapped = "The council voted on\nMonday to close the bridge, and\nnobody spoke against it."
    assert "\n" not in _summary(model, wrapped).text


@pytest.mark.parametrize(
    "model", [m(sentences=2) for m in (Lead, RandomSentences, TextRank, LexRank)]
)
def test_every_floor_chooses_as_many_sentences_as_asked(model: Any) -> None:
    assert len(_summary(model, STORY).text.split("\n")) == 2


@pytest.mark.parametrize("model", [*CHOOSERS, Title(), WholeArticle()])
def test_every_batch_gives_what_its_articles_give_alone(model: Any) -> None:
    bodies = [STORY, "", "One sentence only.", STORY[::-1]]
    articles = [Article(str(i), b, ("A bridge.",)) for i, b in enumerate(bodies)]
    alone = [model.summarize([article])[0] for article in articles]
    assert model.summarize(articles) == alone
    assert [summary.article_id for summary in alone] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("component", [Lead, RandomSentences, TextRank, LexRank, Oracle])
def test_every_choice_refuses_fewer_than_one_sentence(component: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="sentences: must be 1 or more"):
        component(sentences=0)


@pytest.mark.parametrize("model", CHOOSERS)
def test_every_choice_names_the_splitter_in_its_identity(model: Any) -> None:
    assert model.identity() == {"splitter": f"v{text.SENTENCES_VERSION}"}


def test_extractive_module_imports_without_numpy() -> None:
    code = "import sys, evalharness.models.extractive; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# lead, random, title, article


def test_lead_is_the_first_sentences_and_reads_to_their_end() -> None:
    summary = _summary(Lead(sentences=2), STORY)
    assert summary.text == (
        "The council voted to close the old bridge on Monday.\n"
        "Engineers had found cracks in the bridge last week."
    )
    assert STORY[: summary.read].endswith("last week.")


def test_lead_of_a_short_article_has_read_all_of_it() -> None:
    body = "One sentence. \n"
    assert _summary(Lead(), body).read == len(body)


def test_random_depends_on_seed_and_text_only() -> None:
    model = RandomSentences(sentences=2)
    (one,) = model.summarize([Article("x", STORY, source="elsewhere")])
    assert _summary(model, STORY).text == one.text
    drawn = {_summary(RandomSentences(sentences=2, seed=seed), STORY).text for seed in range(40)}
    assert len(drawn) > 5


def test_random_draws_each_sentence_equally_often() -> None:
    lines = [f"This is sentence number {i}." for i in range(6)]
    times = dict.fromkeys(lines, 0)
    for seed in range(600):
        for line in _summary(RandomSentences(seed=seed), "\n\n".join(lines)).text.split("\n"):
            times[line] += 1
    # 300 expected each; four standard deviations of a draw of 600 at 1/2 are 49.
    assert all(250 < count < 350 for count in times.values())


def test_title_is_the_articles_title_on_one_line() -> None:
    summary = _summary(Title(), STORY, title=" Bridge\nto close ")
    assert (summary.text, summary.finish, summary.read) == ("Bridge to close", "stop", None)


@pytest.mark.parametrize("extra", [{}, {"title": None}, {"title": " "}])
def test_title_says_when_there_is_none(extra: dict[str, Any]) -> None:
    summary = _summary(Title(), STORY, **extra)
    assert (summary.text, summary.finish) == ("", "error")
    assert summary.note == "the article has no title"


def test_whole_article_is_the_article() -> None:
    assert _summary(WholeArticle(), STORY) == Summary("a", STORY, read=len(STORY))
    assert _summary(WholeArticle(), " ").finish == "empty"


# The oracle


def test_oracle_finds_the_sentences_that_the_reference_was_made_of() -> None:
    reference = "A ferry will cross the river until then. Shops near the river fear for trade."
    assert _summary(Oracle(), STORY, reference).text == (
        "Shops near the river fear for their trade.\nA ferry will cross the river until then."
    )


def test_oracle_stops_when_no_sentence_helps() -> None:
    assert _summary(Oracle(sentences=6), STORY, "It was raining.").text == "It was raining."


def test_oracle_takes_the_best_single_sentence_even_if_nothing_is_shared() -> None:
    assert _summary(Oracle(), STORY, "Zebras!").text == _sentences(STORY)[0]


def test_oracle_takes_the_reference_that_gives_most() -> None:
    summary = _summary(Oracle(sentences=1), STORY, "Zebras graze.", "It was raining.")
    assert summary.text == "It was raining."


@pytest.mark.parametrize("references", [(), ("",), (" \n", "")])
def test_oracle_says_when_there_is_no_reference(references: tuple[str, ...]) -> None:
    (summary,) = Oracle().summarize([Article("a", STORY, references)])
    assert (summary.text, summary.finish, summary.read) == ("", "error", None)
    assert summary.note == "the article has no reference"


def _words(sentence: str) -> list[str]:
    return [word.of(sentence).lower() for word in text.words(sentence)]


def _plain_rouge(lines: Sequence[str], reference: str) -> float:
    """ROUGE-1 F + ROUGE-2 F from scratch, the summary's pairs of words within sentences."""
    total = 0.0
    for n in (1, 2):
        wanted = _grams([reference], n)
        written = _grams(lines, n)
        left = list(wanted)
        for gram in written:
            if gram in left:
                left.remove(gram)
        if written or wanted:
            total += 2 * (len(wanted) - len(left)) / (len(written) + len(wanted))
    return total


def _grams(lines: Sequence[str], n: int) -> list[tuple[str, ...]]:
    split = [_words(line) for line in lines]
    return [tuple(w[i : i + n]) for w in split for i in range(len(w) - n + 1)]


def _greedy(sentences: Sequence[str], reference: str, most: int) -> list[str]:
    chosen: list[int] = []
    best = -1.0
    while len(chosen) < most:
        rest = [i for i in range(len(sentences)) if i not in chosen]
        scores = {i: _plain_rouge([sentences[j] for j in [*chosen, i]], reference) for i in rest}
        if not scores or max(scores.values()) <= best:
            break
        best = max(scores.values())
        chosen.append(next(i for i in rest if scores[i] == best))
    return [sentences[i] for i in sorted(chosen)]


@given(
    lines=st.lists(
        st.lists(st.sampled_from("abcde"), min_size=1, max_size=6).map(" ".join), max_size=7
    ),
    reference=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=8).map(" ".join),
)
def test_oracle_is_the_greedy_choice_by_rouge_counted_from_scratch(
    lines: list[str], reference: str
) -> None:
    body = "\n\n".join(lines)
    chosen = _summary(Oracle(), body, reference).text
    assert chosen == "\n".join(_greedy(_sentences(body), reference, 3))


def _mean_rouge2(model: Any, articles: Sequence[Article]) -> float:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge2"], use_stemmer=True)
    return float(
        np.mean(
            [
                scorer.score_multi(article.references, summary.text)["rouge2"].fmeasure
                for article, summary in zip(articles, model.summarize(articles), strict=True)
            ]
        )
    )


@pytest.mark.parametrize("name", ["realsumm", "summeval", "zhang23_writers", "cao22"])
def test_oracle_scores_above_lead_and_lead_above_random(name: str) -> None:
    path = DATA / f"{name}.jsonl"
    if not path.exists():
        pytest.skip("the shared articles are not here")
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, range(25), strict=False)]
    articles = [
        Article(row["id"], row["article"], tuple(row.get("references") or [row["reference"]]))
        for row in rows
    ]
    oracle, lead = _mean_rouge2(Oracle(), articles), _mean_rouge2(Lead(), articles)
    randomly = float(
        np.mean([_mean_rouge2(RandomSentences(seed=seed), articles) for seed in range(3)])
    )
    if name == "cao22":  # XSum took the lead away to be the reference: Narayan et al. 2018, table 4
        assert oracle > 2 * max(lead, randomly)
    else:
        assert oracle > 1.3 * lead > 1.3 * randomly
