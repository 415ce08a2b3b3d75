"""The words that ROUGE and extractiveness count."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.metrics import tokens
from evalharness.metrics.tokens import tokenize


def unicode_words(text: str) -> list[str]:
    return list(tokenize(text, stemmer=False, tokenizer="unicode"))


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_both_tokenizers_agree_on_ascii_text(text: str) -> None:
    for stemmer in (False, True):
        assert tokenize(text, stemmer, "default") == tokenize(text, stemmer, "unicode")


@given(st.text(), st.booleans(), st.sampled_from(["default", "unicode"]))
def test_words_of_two_lines_are_the_words_of_each(
    text: str, stemmer: bool, tokenizer: tokens.Tokenizer
) -> None:
    lines = [tokenize(line, stemmer, tokenizer) for line in text.split("\n")]
    assert sum(lines, ()) == tokenize(text, stemmer, tokenizer)


@given(st.text())
def test_unicode_words_are_their_own_words(text: str) -> None:
    words = unicode_words(text)
    assert unicode_words(" ".join(words)) == words


@given(st.text())
def test_unicode_words_do_not_depend_on_composition_or_case(text: str) -> None:
    words = unicode_words(text)
    assert unicode_words(unicodedata.normalize("NFD", text)) == words
    assert unicode_words(text.casefold()) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("été à Évry, São", ["été", "à", "évry", "são"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("น้ำ", ["น้\u0e4d", "า"]),  # NFKC takes the vowel am apart
        ("ที่นี่", ["ที่", "นี่"]),
        ("東京タワー", list("東京タワー")),
        ("２０１９年にＮＨＫが", ["2019", "年", "に", "nhk", "が"]),
        ("ｶﾞﾝ", ["ガ", "ン"]),
        ("서울 시장", ["서울", "시장"]),
        ("Мэр сказал: «нет»", ["мэр", "сказал", "нет"]),
        ("قال العمدة", ["قال", "العمدة"]),
        ("می\u200cخواهم", ["میخواهم"]),
        ("exam\u00adple \ufeffpage", ["example", "page"]),
        ("ﬁre_works x²", ["fire", "works", "x2"]),
        ("កម្ពុជា", ["ក", "ម្", "ពុ", "ជា"]),
        ("\ud800 lone \udfff", ["lone"]),
        ("\u0301 ❤\ufe0f —", []),
    ],
)
def test_unicode_words_of_many_scripts(text: str, words: list[str]) -> None:
    assert unicode_words(text) == words


def test_stems_are_for_ascii_words_only() -> None:
    found = tokenize("Ministers mêlées министры", stemmer=True, tokenizer="unicode")
    assert found == ("minist", "mêlées", "министры")


def test_words_of_up_to_three_letters_are_not_stemmed() -> None:
    assert tokenize("his gas goes") == ("his", "gas", "goe")


def test_stems_are_found_again_after_the_memory_for_them_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens, "KEPT_STEMS", 3)
    text = "one ministers two elections three councils four "
    assert tokenize(text * 3) == tokenize(text) * 3
