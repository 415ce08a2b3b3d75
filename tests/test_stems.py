"""The stems are nltk's, which rouge_score uses."""

import gzip
import itertools
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from evalharness.text.stems import stem

DATA = Path(__file__).parents[2] / "shared" / "data"

# A word or two for each rule and its exceptions.
WORDS = """
    caresses ponies ties dies cats caress gas this flies feed agreed plastered bled motoring sing
    died lied tied spied tried conflated troubled sized hopping tanned falling hissing fizzed
    failing filing owing eating added ebbing aped happy sky spy by say enjoy enjoyment relational
    conditional rational valency hesitancy digitizer conformably radically differently vilely
    analogously vietnamization predication operator feudalism decisiveness hopefulness callousness
    formality sensitivity sensibility geology theology archaeologist hopefully fully wholly
    additionally conditionally nationally triplicate formative formalize electricity electrical
    hopeful goodness revival allowance inference airliner gyroscopic adjustable defensible irritant
    replacement adjustment dependent adoption homologous communism activate angularity effective
    bowdlerize million union opinion region probate rate cease controll roll dying lying tying news
    innings inning outings cannings howe proceed exceed succeed proceeding skies yyyy yelled syzygy
    crying 2010s 1970s 90s 3rds b2bing x0ed covid19 eing ings eeds yeds aeed
"""
SUFFIXES = """
    ational tional enci anci izer bli abli alli entli eli ousli ization ation ator alism iveness
    fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance
    ence er ic able ible ant ement ment ent sion tion ou ism ate iti ous ive ize ed ing eed ied ies
    sses s ss y e ll l at bl iz tt zz
"""


@pytest.fixture(scope="module")
def nltk_stem() -> Callable[[str], str]:
    from rouge_score import tokenizers

    stemmer = tokenizers.porter.PorterStemmer()
    return lambda word: str(stemmer.stem(word))


def made_up(n: int, seed: int) -> set[str]:
    """Return short beginnings with one or two suffixes: what decides about measure and shape."""
    rng = random.Random(seed)
    return {
        "".join(rng.choices("aeiouybcdlstzwx0", k=rng.randint(0, 5)))
        + "".join(rng.choices(SUFFIXES.split(), k=rng.randint(1, 2)))
        for _ in range(n)
    }


def differing(words: set[str], nltk_stem: Callable[[str], str]) -> list[str]:
    return sorted(word for word in words if stem(word) != nltk_stem(word))


def test_stems_of_chosen_words_are_those_of_nltk(nltk_stem: Callable[[str], str]) -> None:
    assert differing(set(WORDS.split()), nltk_stem) == []


def test_stems_of_every_short_word_of_some_letters_are_those_of_nltk(
    nltk_stem: Callable[[str], str],
) -> None:
    letters = itertools.chain.from_iterable(
        itertools.product("aeylsd", repeat=n) for n in range(1, 6)
    )
    assert differing({"".join(word) for word in letters}, nltk_stem) == []


def test_stems_of_words_with_many_suffixes_are_those_of_nltk(
    nltk_stem: Callable[[str], str],
) -> None:
    assert differing(made_up(40_000, seed=1), nltk_stem) == []


def test_stems_of_all_words_of_real_articles_are_those_of_nltk(
    nltk_stem: Callable[[str], str],
) -> None:
    files = sorted(DATA.glob("articles/*.jsonl")) + sorted(DATA.glob("*/*.jsonl.gz"))
    if not files:
        pytest.skip("the shared data is not here")
    words: set[str] = set()
    for file in files:
        raw = file.read_bytes()
        text = (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode()
        words.update(re.findall(r"[a-z0-9]+", text.lower()))
    assert len(words) > 40_000
    assert differing(words, nltk_stem) == []


def test_stem_is_never_empty_and_never_longer_than_a_letter_more() -> None:
    for word in made_up(5_000, seed=2):
        assert 0 < len(stem(word)) <= len(word) + 1


def test_stem_of_a_very_long_run_of_y_alternates_consonant_and_vowel() -> None:
    assert stem("y" * 100_000) == "y" * 99_999 + "i"
    assert stem("y" * 100_001) == "y" * 100_001
