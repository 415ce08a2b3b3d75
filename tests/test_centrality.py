"""TextRank and LexRank, against the papers' formulas written out."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import clock
import numpy as np
import pytest

from evalharness import text
from evalharness.models import centrality
from evalharness.models.extractive import MAX_RANKED, LexRank, TextRank
from evalharness.records import Article, Summary

DATA = Path(__file__).parents[2] / "shared" / "data" / "articles"

STORY = (
    "The council voted to close the old bridge on Monday. Engineers had found cracks in the "
    "bridge last week.\nShops near the river fear for their trade. The mayor said that the council "
    "would build a new bridge within two years.\n\nA ferry will cross the river until then. "
    "It was raining."
)
RANKED = [TextRank(), LexRank(), LexRank(continuous=True)]


def _summary(model: Any, body: str) -> Summary:
    (summary,) = model.summarize([Article("a", body)])
    assert isinstance(summary, Summary)
    return summary


def _sentences(body: str) -> list[str]:
    return [" ".join(span.of(body).split()) for span in text.sentences(body)]


def _iterate(likeness: Sequence[Sequence[float]], damping: float) -> list[float]:
    """Mihalcea & Tarau's equation 1 with weights, iterated from 1 until it stands still."""
    n = len(likeness)
    ranks = [1.0] * n
    for _ in range(150):
        ranks = [
            1
            - damping
            + damping
            * sum(
                likeness[j][i] / sum(likeness[j]) * ranks[j] for j in range(n) if likeness[j][i] > 0
            )
            for i in range(n)
        ]
    return ranks


def _best(ranks: Sequence[float], n: int) -> list[int]:
    return sorted(range(len(ranks)), key=lambda i: (-round(ranks[i], 9), i))[:n]


def _words(sentence: str) -> list[str]:
    return [word.of(sentence).lower() for word in text.words(sentence)]


def _textrank_likeness(sentences: Sequence[str]) -> list[list[float]]:
    split = [_words(sentence) for sentence in sentences]
    return [
        [
            0.0 if i == j else len(set(a) & set(b)) / (math.log(len(a)) + math.log(len(b)))
            for j, b in enumerate(split)
        ]
        for i, a in enumerate(split)
    ]


def _lexrank_likeness(sentences: Sequence[str]) -> list[list[float]]:
    split = [_words(sentence) for sentence in sentences]
    idf = {
        word: math.log(len(split) / sum(word in sentence for sentence in split))
        for sentence in split
        for word in sentence
    }

    def length(a: list[str]) -> float:
        return math.sqrt(sum((a.count(word) * idf[word]) ** 2 for word in set(a)))

    def cosine(a: list[str], b: list[str]) -> float:
        product = sum(a.count(w) * b.count(w) * idf[w] ** 2 for w in set(a) & set(b))
        return product / (length(a) * length(b))

    return [[cosine(a, b) for b in split] for a in split]


def _natural_articles() -> list[str]:
    path = DATA / "zhang23_writers.jsonl"
    if not path.exists():
        return [STORY]
    with path.open(encoding="utf-8") as lines:
        return [
            STORY,
            *(json.loads(line)["article"] for line, _ in zip(lines, range(2), strict=False)),
        ]


@pytest.mark.parametrize("body", _natural_articles(), ids=lambda body: body[:20])
def test_textrank_chooses_what_the_papers_formula_ranks_highest(body: str) -> None:
    sentences = [s for s in _sentences(body) if len(_words(s)) > 1]
    ranks = _iterate(_textrank_likeness(sentences), 0.85)
    expected = [sentences[i] for i in sorted(_best(ranks, 3))]
    assert _summary(TextRank(), "\n\n".join(sentences)).text.split("\n") == expected


@pytest.mark.parametrize("body", _natural_articles(), ids=lambda body: body[:20])
@pytest.mark.parametrize("continuous", [False, True])
def test_lexrank_chooses_what_the_papers_formula_ranks_highest(body: str, continuous: bool) -> None:
    sentences = [s for s in _sentences(body) if len(_words(s)) > 1]
    likeness = _lexrank_likeness(sentences)
    if not continuous:
        likeness = [[float(cosine > 0.1) for cosine in row] for row in likeness]
    expected = [sentences[i] for i in sorted(_best(_iterate(likeness, 0.85), 3))]
    model = LexRank(continuous=continuous)
    assert _summary(model, "\n\n".join(sentences)).text.split("\n") == expected


def test_cosines_lie_between_0_and_1_and_are_symmetric() -> None:
    likeness = centrality.cosines([_words(sentence) for sentence in _sentences(STORY)])
    assert np.allclose(likeness, likeness.T)
    assert likeness.min() >= 0
    assert likeness.max() <= 1 + 1e-12


@pytest.mark.parametrize("model", RANKED)
def test_every_rank_of_sentences_with_nothing_in_common_prefers_the_first(model: Any) -> None:
    body = "Ships sail.\n\nDogs bark.\n\nRain falls.\n\nGrass grows.\n\nBirds sing."
    assert _summary(model, body).text == "Ships sail.\nDogs bark.\nRain falls."


@pytest.mark.parametrize("model", RANKED)
def test_every_rank_of_equal_sentences_prefers_the_first(model: Any) -> None:
    body = "\n\n".join(["Ships sail the seas."] * 7)
    assert _summary(model, body).text == "\n".join(["Ships sail the seas."] * 3)


@pytest.mark.parametrize("model", RANKED)
def test_every_rank_takes_a_long_article_up_to_a_bound_and_says_so(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evalharness.models.extractive.MAX_RANKED", 4)
    summary = _summary(model, STORY)
    assert STORY[: summary.read].endswith("within two years.")
    assert "ferry" not in summary.text


def test_products_do_not_depend_on_how_many_words_go_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    split = [_words(sentence) for sentence in _sentences(STORY)]
    whole = centrality.cosines(split)
    monkeypatch.setattr(centrality, "WORDS_AT_ONCE", 2)
    assert np.allclose(centrality.cosines(split), whole, atol=1e-12)


@pytest.mark.parametrize("damping", [-0.1, 1.0, 2])
@pytest.mark.parametrize("component", [TextRank, LexRank])
def test_every_rank_refuses_a_damping_out_of_range(
    component: Callable[..., Any], damping: float
) -> None:
    with pytest.raises(ValueError, match="damping: must be at least 0 and below 1"):
        component(damping=damping)


def test_lexrank_refuses_a_threshold_out_of_range() -> None:
    with pytest.raises(ValueError, match="threshold: must be at least 0 and below 1"):
        LexRank(threshold=1.0)


@pytest.mark.slow
@pytest.mark.parametrize("model", RANKED)
def test_every_rank_of_the_longest_articles_takes_seconds(model: Any) -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(5, 40, size=MAX_RANKED)
    lines = [" ".join(f"w{w}" for w in rng.zipf(1.3, size=n) % 20_000) for n in sizes]
    article = "\n\n".join(f"{line}." for line in lines)
    assert clock.seconds(lambda: _summary(model, article), 15) < 15
