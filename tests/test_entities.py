"""The check of names against the article."""

import itertools

import pytest

from evalharness.checks.lexical.entities import Entities, StatedNames
from evalharness.records import Article, Score, Summary


def _score(article: str, summary: str) -> Score:
    return Entities().score([(Article("a", article), Summary("a", summary))])[0]


def test_entities_sentence_scores_weighted_with_their_names_make_the_score() -> None:
    article = "The mayor, Jane Doe, met Richard Roe in Camberwell."
    summary = "Mr Roe saw Jane Doe in Camden. It rained. They left Camberwell."
    score = _score(article, summary)
    first, second = score.sentences
    assert first.value == 1 - 1 / 3
    assert [span.of(article) for span in first.evidence] == ["Jane Doe", "Richard Roe"]
    assert (second.span.of(summary), second.value) == ("They left Camberwell.", 1.0)
    assert score.value == 0.75


def test_entities_mark_only_the_words_that_the_article_lacks() -> None:
    summary = "The prize went to Bishop John Alistair Doe."
    (flag,) = _score("The bishop, John Doe, was glad.", summary).flags
    assert flag.span.of(summary) == "Alistair"
    assert flag.message == "the article has 'John Doe', in sentence 1"


def test_clubs_and_places_are_marked_whole_where_the_article_has_another_of_the_kind() -> None:
    summary = "Rovers lost to Camden United, said Sarah West."
    flags = _score("Leeds United beat Rovers. Mr West was glad.", summary).flags
    assert [flag.span.of(summary) for flag in flags] == ["Camden United", "Sarah"]


def test_entities_of_a_megabyte_are_checked_in_linear_time() -> None:
    article = " ".join(f"Then Alistair Doe{chr(97 + n % 26)} met Mr Roe." for n in range(8_000))
    summary = " ".join(f"Then Zoe Noone{chr(97 + n % 26)} met Mr Poe." for n in range(8_000))
    score = _score(article, summary)
    assert score.value == 0.0
    assert len(score.flags) == 16_000


def test_of_two_spellings_that_are_as_near_the_first_in_the_alphabet_is_named() -> None:
    for words in itertools.permutations(["Marzell", "Marbell", "Marwell"]):
        assert StatedNames(f"They met {', '.join(words)}.").other_spelling("marxell") == "marbell"


def test_what_somebody_is_called_in_common_words_is_no_likely_error() -> None:
    article = Article("a", "Fans of Manny Pacquiao cheered when he beat Rios in Macau on Sunday.")
    summary = "Fans cheered when the People's Champ beat Rios in Macau."
    flags = Entities().score([(article, Summary("a", summary))])[0].flags
    assert {flag.kind for flag in flags} <= {"background"}


def test_clubs_have_short_names() -> None:
    article = Article("a", "He left Manchester United for Manchester City in 2009.")
    assert (
        Entities().score([(article, Summary("a", "He left Man Utd for Man City."))])[0].value == 1
    )


@pytest.mark.parametrize(
    ("article", "summary"),
    [
        ("The Lib Dems lost a seat in Bath.", "The Liberal Democrats lost a seat in Bath."),
        ("The Liberal Democrats lost a seat.", "The Lib Dems lost a seat."),
        ("The Lib Dems lost a seat in Bath.", "A Lib Dem lost a seat in Bath."),
        ("Jane Doe tweeted from Bath.", "In Bath Jane Doe used Twitter."),
        ("England play T20 in Bath.", "England play Twenty20 in Bath."),
        ("Barca won in Bath.", "Barcelona won in Bath."),
        ("Rosie O'Donnell spoke in Bath.", "In Bath Rosie O 'Donnell spoke."),
    ],
)
def test_a_name_is_known_in_its_short_and_its_split_form(article: str, summary: str) -> None:
    assert _score(article, summary).value == 1
    assert _score(article, f"{summary} He met Liberal Roe and O'Poe.").flags


@pytest.mark.parametrize(
    "beside",
    [
        "{} The mayor, Jane Doe, met Richard Roe in Camberwell.",
        "The mayor, Jane Doe, met Richard Roe in Camberwell. {}",
        "{} the mayor met him. More information can be found in the article.",
        "{} Reuters reported this from Geneva.",
    ],
)
def test_a_name_in_lower_case_is_read_beside_sentences_with_capitals(beside: str) -> None:
    article = "The mayor, Jane Doe, met Richard Roe in Camberwell. It rained on the day."
    summary = beside.format("the mayor, jane doe, met alistair poe in camberwell.")
    names = [flag.span.of(summary) for flag in _score(article, summary).flags]
    assert "alistair poe" in names


def test_small_words_are_no_names_in_a_sentence_that_opens_with_a_capital() -> None:
    article = "The mayor, Jane Doe, met Richard Roe in Camberwell. It rained on the day."
    assert not _score(article, "Jane Doe met Richard Roe. A selfie was taken.").flags


def test_initials_count_the_small_words_of_a_name_too() -> None:
    article = "Speeds are too low, the IoD said on Monday, and it asked for a new target."
    score = _score(article, "Speeds are too low, said the Institute of Directors.")
    assert (score.value, score.flags) == (1.0, ())


def test_an_acronym_is_known_where_its_words_are_in_lower_case() -> None:
    article = "The firm spends more on artificial intelligence, and a member of parliament objects."
    assert not _score(article, "The firm spends more on AI; an MP objects.").flags
    assert _score(article, "The firm spends more on VR.").flags


@pytest.mark.parametrize(
    ("summary", "wrong"),
    [
        ("The IRR was 1.15.", []),
        ("The ABC was 1.15.", ["ABC"]),
        ("It is slower on a CPU.", []),
        ("It is slower in New Alden.", ["New Alden"]),
    ],
)
def test_letters_stand_for_words_in_a_row_and_for_several(summary: str, wrong: list[str]) -> None:
    article = "The incidence rate ratio was 1.15. It runs faster on CPUs. The news came late."
    flags = _score(article, summary).flags
    assert [flag.span.of(summary) for flag in flags] == wrong


def test_a_short_name_has_endings_in_polish() -> None:
    article = (
        "Sąd uznał w czwartek, że opóźnienie wynikło z braków we wniosku, a sędzia Ewa Kurek nie "
        "zgodziła się z tym, co mówiła spółka, i dlatego oddaliła powództwo przeciwko miastu."
    )
    assert not _score(article, "Zdaniem sędzi Ewy Kurek opóźnienie wynikło z braków.").flags
    assert _score(article, "Zdaniem sędzi Igi Kurek opóźnienie wynikło z braków.").flags
