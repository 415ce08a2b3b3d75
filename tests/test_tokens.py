"""Words with all that is known of them."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness import text
from evalharness.text.words import PLAIN, WORD

SLOW = re.compile(WORD.pattern.removeprefix(PLAIN))
PIECES = [*"aZ9é不ा.,'’-_ \n\u00a0\u0301\u200d\ud800", "U.S.", "1,200", "don't", "ab", "3.5", ". "]
WRITTEN = st.lists(st.sampled_from(PIECES), max_size=20).map("".join) | st.text(max_size=30)


@settings(max_examples=500, deadline=None)
@given(WRITTEN)
def test_the_quick_branch_for_plain_words_changes_no_word(whole: str) -> None:
    assert WORD.findall(whole) == SLOW.findall(whole)


@settings(max_examples=200, deadline=None)
@given(WRITTEN)
def test_tokens_are_the_words_of_each_sentence_alone(whole: str) -> None:
    sentences = text.sentences(whole)
    tokens = text.sentence_tokens(whole, sentences)
    assert all(whole[token.start : token.end] == token.written for token in tokens)
    alone = [
        (number, word.of(span.of(whole)))
        for number, span in enumerate(sentences)
        for word in text.words(span.of(whole))
    ]
    assert [(token.sentence, token.written) for token in tokens] == alone


def test_tokens_know_their_stem_their_content_and_what_stands_before_them() -> None:
    whole = 'The mayors, she said, "won nothing".'
    tokens = text.sentence_tokens(whole, text.sentences(whole))
    assert [token.stem for token in tokens] == ["the", "mayor", "she", "say", "win", "nothing"]
    assert [token.word for token in tokens if token.content] == ["mayors", "said", "won"]
    assert [token.word for token in tokens if token.after_mark] == ["she", "won"]
    assert [token.word for token in tokens if token.opens] == ["the", "won"]
