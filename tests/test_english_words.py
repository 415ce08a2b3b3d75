"""English words: the list is whole, knows forms, and leaves names out."""

import gzip
from importlib.resources import files
from pathlib import Path

import pytest

from evalharness import text
from evalharness.text.english_words import (
    is_english_word,
    main,
    relatives,
    same_grade,
    synonyms,
)


def test_the_list_is_sorted_stems_each_once() -> None:
    packed = (files("evalharness.text") / "english_words.txt.gz").read_bytes()
    stems = gzip.decompress(packed).decode().split()
    assert stems == sorted(set(stems))
    assert len(stems) > 50_000


@pytest.mark.parametrize("word", ["mayor", "said", "biggest", "easier", "women", "upheld", "vs"])
def test_forms_of_ordinary_words_are_english(word: str) -> None:
    assert is_english_word(word)


@pytest.mark.parametrize("word", ["torquay", "salmond", "valtteri", "zyxgorod", "djokovic"])
def test_names_are_no_english_words(word: str) -> None:
    assert not is_english_word(word)


def test_in_another_language_no_word_is_taken_for_a_name() -> None:
    welsh = "mae arbenigwyr canser yn gobeithio y bydd cynllun newydd yn lleihau amser"
    assert text.names(welsh, casing_of="Experts on cancer hope for a new plan.") == []


def test_a_word_of_the_article_is_no_name_however_it_is_spelled() -> None:
    article = "The zyxgorodder was sold on the market."
    assert text.names("a zyxgorodder was sold in the town", casing_of=article) == []


def test_words_of_one_of_the_first_senses_mean_the_same() -> None:
    assert "film" in synonyms("movi")
    assert "movi" in synonyms("film")
    assert synonyms("zyxgorod") == []


def test_a_common_word_is_related_to_a_more_general_one() -> None:
    assert "worker" in relatives("employe")
    assert "employe" in relatives("worker")
    assert relatives("zyxgorod") == []


@pytest.mark.parametrize(
    ("word", "other"), [("largest", "biggest"), ("bigger", "larger"), ("happier", "gladder")]
)
def test_words_of_the_same_grade_mean_the_same(word: str, other: str) -> None:
    assert text.stem_of(other) in same_grade(word)
    assert same_grade("mayor") == []


def test_the_lists_are_made_from_lower_case_lemmas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path
    lines = (
        "  1 licence\n"
        "00001740 03 n 02 river_bank 0 Danube 1 000 | a gloss\n"
        "00001741 03 n 03 film 0 movie 0 Bond 1 001 @ 00001742 n 0000 | a gloss\n"
        "00001742 03 n 01 show 0 001 + 00001741 n 0000 | a gloss\n"
    )
    index = "".join(f"{word} n 1 0 1 1 00001741\n" for word in ("film", "movie", "bond"))
    index += "show n 1 0 1 1 00001742\n"
    for kind in ("noun", "verb", "adj", "adv"):
        (folder / f"data.{kind}").write_text(lines, encoding="latin-1")
        (folder / f"index.{kind}").write_text(f"  1 licence\n{index}", encoding="latin-1")
    monkeypatch.setattr("evalharness.text.english_words.__file__", str(folder / "made.py"))
    main(str(folder))
    made = gzip.decompress((folder / "english_words.txt.gz").read_bytes()).decode().split()
    assert made == ["bank", "film", "movi", "river", "show"]
    packed = (folder / "english_synonyms.txt.gz").read_bytes()
    assert gzip.decompress(packed).decode().splitlines() == ["film movi"]
    packed = (folder / "english_related.txt.gz").read_bytes()
    assert gzip.decompress(packed).decode().splitlines() == ["film show", "movi show"]
