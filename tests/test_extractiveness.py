"""Fragments, the share that is copied, density, compression and novelty of a summary."""

import random
from collections.abc import Sequence

import clock
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.metrics.extractiveness import Extractiveness, fragments
from evalharness.records import Article, Score, Summary


def scored(article: str, summary: str) -> Score:
    (score,) = Extractiveness().score([(Article("1", article), Summary("1", summary))])
    return score


def plain_fragments(article: Sequence[str], summary: Sequence[str]) -> list[int]:
    """Return the lengths of the fragments, found by comparing everything with everything."""
    lengths: list[int] = []
    start = 0
    while start < len(summary):
        longest = 0
        for place in range(len(article)):
            length = 0
            for ours, theirs in zip(summary[start:], article[place:], strict=False):
                if ours != theirs:
                    break
                length += 1
            longest = max(longest, length)
        lengths += [longest] if longest else []
        start += max(longest, 1)
    return lengths


@pytest.mark.parametrize("letters", ["a", "ab", "abc", "abcdefgh"])
def test_fragments_are_those_of_the_plain_search(letters: str) -> None:
    rng = random.Random(1)
    for _ in range(400):
        article = rng.choices(letters, k=rng.randint(0, 25))
        summary = rng.choices(letters + "x", k=rng.randint(0, 15))
        assert fragments(article, summary) == plain_fragments(article, summary)


def test_fragment_is_the_longest_where_the_article_repeats_itself() -> None:
    assert fragments(list("aaab"), list("aab")) == [3]


@given(st.lists(st.sampled_from("ab"), max_size=20), st.lists(st.sampled_from("abx"), max_size=20))
def test_fragments_cover_exactly_the_words_that_the_article_has(
    article: list[str], summary: list[str]
) -> None:
    assert sum(fragments(article, summary)) == sum(word in article for word in summary)


DEGENERATE = {
    "one word": (["a"] * 100_000, ["a"] * 100_000),
    "half of the words": (["a"] * 100_000, ["a", "b"] * 50_000),
    "runs of two": (["a"] * 100_000, ["a", "a", "b"] * 33_000),
    "long runs": ((["a"] * 50 + ["b"]) * 2_000, (["a"] * 49 + ["b"]) * 2_000),
    "all words new": ([f"w{n}" for n in range(100_000)], [f"w{n}" for n in range(100_000)]),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_fragments_of_100_000_repetitive_words_take_linear_time(name: str) -> None:
    article, summary = DEGENERATE[name]
    found: list[list[int]] = []
    # Comparing everything would take hours.
    assert clock.seconds(lambda: found.append(fragments(article, summary)), 3) < 3
    assert sum(found[0]) == sum(map(set(article).__contains__, summary))


def test_figures_of_a_small_summary_by_hand() -> None:
    article = "The mayor of the town said no. The council agreed on Monday."
    parts = scored(article, "The mayor said no! Protesters agreed.").parts
    # Fragments: the mayor | said no | agreed; `protesters` is new.
    assert parts == {
        "copied": 5 / 6,
        "density": (4 + 4 + 1) / 6,
        "compression": 12 / 6,
        "novel_1": 1 / 6,
        "novel_2": 3 / 5,
        "novel_3": 1.0,
        "novel_4": 1.0,
        "words": 6.0,
        "sentences": 2.0,
    }


def test_value_is_the_share_of_words_that_are_copied() -> None:
    assert scored("a b c", "a x").value == 0.5


def test_copied_sentence_is_one_fragment_without_novelty() -> None:
    parts = scored("It rained. The mayor said no. It rained.", "The Mayor said no").parts
    assert (parts["copied"], parts["density"]) == (1.0, 4.0)
    assert [parts[f"novel_{n}"] for n in (1, 2, 3, 4)] == [0.0] * 4


def test_novel_n_grams_count_once_each() -> None:
    assert scored("a", "x x x a").parts["novel_1"] == 0.5


def test_novelty_of_n_grams_longer_than_the_summary_is_left_out() -> None:
    parts = scored("a b c", "a b").parts
    assert {name for name in parts if name.startswith("novel")} == {"novel_1", "novel_2"}


def test_case_and_accents_are_read_alike_in_every_script() -> None:
    assert scored("E\u0301te\u0301 À PARIS", "été à Paris").value == 1.0
    assert scored("市長は辞任しないと述べた。", "市長は辞任").parts["words"] == 5.0
    assert scored("Мэр сказал «нет».", "мэр сказал нет").value == 1.0


def test_words_are_not_stemmed() -> None:
    assert scored("the mayors resigned", "the mayor resigns").value == pytest.approx(1 / 3)


def test_text_without_words_has_no_score() -> None:
    assert scored("a b", "…") == Score(None, note="the summary has no words")
    assert scored("", "a b") == Score(None, note="the article has no words")


def test_identity_names_the_sentence_splitter() -> None:
    assert Extractiveness().identity().keys() == {"sentences"}


def test_a_batch_scores_like_its_parts() -> None:
    texts = [("a b c", "a b"), ("", "a"), ("a b c", "c d. E f.")]
    pairs = [(Article("1", article), Summary("1", summary)) for article, summary in texts]
    assert Extractiveness().score(pairs) == [scored(*pair) for pair in texts]
