"""The check of who did what to whom against the article."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.checks.lexical.roles import Roles, StatedRoles
from evalharness.records import Article, Score, Summary

PAGES = Path(__file__).parents[2] / "shared" / "data" / "pages"
_PIECES = """
    The mayor Jane Doe Mr Roe Springfield US was beaten by beat lost to defeat of win over said
    police arrested sued Acme Globex in . , “ ” 's and he - ! 14 🙂
"""
NEWS = st.lists(st.sampled_from(_PIECES.split()), max_size=30).map(" ".join)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60) | NEWS
quickly = settings(max_examples=100, deadline=None)


def _score(article: str, summary: str) -> Score:
    return Roles().score([(Article("a", article), Summary("a", summary))])[0]


def test_roles_sentence_scores_point_to_the_sentences_they_were_compared_with() -> None:
    article = "It rained. Acme sued Globex in March. Nobody spoke."
    score = _score(article, "Globex sued Acme in March.")
    (sentence,) = score.sentences
    assert sentence.value == 0.0
    assert [span.of(article) for span in sentence.evidence] == ["Acme sued Globex in March."]


@quickly
@given(NEWS)
def test_roles_of_a_copied_text_is_never_flagged(article: str) -> None:
    score = _score(article, article)
    assert score.value in (None, 1.0)
    assert not score.flags


@quickly
@given(ANYTHING, ANYTHING)
def test_roles_of_any_text_is_a_score_or_a_note(article: str, summary: str) -> None:
    score = _score(article, summary)
    assert (score.value is None) == bool(score.note)
    assert all(0 <= f.span.start < f.span.end <= len(summary) for f in score.flags)
    assert all(e.end <= len(article) for f in score.flags for e in f.evidence)


def test_roles_of_a_megabyte_are_checked_in_linear_time() -> None:
    article = " ".join(f"Alistair M{n} sued Globex G{n} today." for n in range(25_000))
    summary = " ".join(f"Globex G{n} sued Alistair M{n} then." for n in range(25_000))
    score = _score(article, summary)
    assert (score.value is None) == bool(score.note)


@pytest.mark.parametrize(
    ("article", "summary", "swapped"),
    [
        (
            "Laura Smith left in August. For promotion next season David Jones has strikers.",
            "For promotion next season Laura Smith has strikers.",
            ["Laura Smith"],
        ),
        (
            "The Premier League begins in August. Fans of the Seagulls hope to win promotion next "
            "season.",
            "Fans hope to win promotion to the Premier League next season.",
            [],
        ),
    ],
)
def test_a_name_stands_in_the_place_of_one_of_its_sort_only(
    article: str, summary: str, swapped: list[str]
) -> None:
    assert [flag.span.of(summary) for flag in _score(article, summary).flags] == swapped


def test_roles_index_serves_several_summaries() -> None:
    stated = StatedRoles("Acme sued Globex in March.")
    good = stated.check("Globex was sued by Acme.")
    bad = stated.check("Globex sued Acme.")
    assert (good.value, bad.value) == (1.0, 0.0)


def test_roles_flag_the_planted_swap_of_the_pages_and_nothing_else() -> None:
    if not PAGES.is_dir():
        pytest.skip("the shared data is not here")
    for path in sorted(PAGES.glob("*.gold.json")):
        page = json.loads(path.read_text(encoding="utf-8"))
        summary = "\n".join(page["ai_summary"])
        flags = _score("\n\n".join(page["body"]), summary).flags
        swaps = [e["summary_says"] for e in page["planted_errors"] if e["type"] == "swapped-roles"]
        assert [flag.span.of(summary) for flag in flags] == swaps


@pytest.mark.parametrize(
    ("article", "summary", "wrong"),
    [
        (
            "The bus ran from Oxford to Didcot on Monday.",
            "A replacement bus from Didcot to Oxford was hit.",
            "Didcot to Oxford",
        ),
        (
            "Mr Brill told CNN on Monday that nobody had the right to kill.",
            "In his first comments, CNN told Mr Brill that nobody had the right.",
            "CNN told Mr Brill",
        ),
        (
            "Rangers moved up with a comfortable 4-0 win over Raith Rovers. The win means Rangers "
            "stay level with Hibs.",
            "Raith Rovers beat Rangers at Ibrox.",
            "Raith Rovers beat Rangers",
        ),
        (
            "Mr Batts has been criticised by the city police union over the riots.",
            "The city police union has been criticized by Mr Batts over them.",
            "police union has been criticized by Mr Batts",
        ),
        (
            "Mayor Jane Roe said she was replacing Commissioner Tom Batts this week.",
            "Tom Batts has replaced Jane Roe as head of the town.",
            "Tom Batts has replaced Jane Roe",
        ),
    ],
)
def test_two_who_changed_places_are_found_in_other_words(
    article: str, summary: str, wrong: str
) -> None:
    (flag,) = _score(article, summary).flags
    assert (flag.kind, flag.span.of(summary)) == ("roles", wrong)
    assert flag.message.startswith("the article says '")
    assert flag.evidence


COUNCIL = (
    "The council voted 14 to 9 on Thursday to sell the depot. The firm plans 118 flats, 24 of "
    "them at reduced rent. Councillor Priya Nanda, who leads the Liberals, proposed the sale. "
    "Councillor Edwin Strake, the Green spokesman, opposed it. The mayor, Lucy Abner, did not "
    "vote. Her deputy, Tomasz Wilk, chaired the debate. The depot closed in 1961 and served as a "
    "hall from 1994. Ms Dunn was released on bail and Mr Smith was remanded in custody. Sales "
    "rose 12 % in Germany and fell 4 % in France. It was shut in 2010 and 2012 under Bea Moor."
)


@pytest.mark.parametrize(
    ("summary", "kind", "wrong"),
    [
        ("Mr Smith was released on bail and Ms Dunn was remanded.", "roles", ["Smith", "Dunn"]),
        ("Sales rose 12 % in France and fell 4 % in Germany.", "roles", ["France", "Germany"]),
        (
            "Edwin Strake proposed the sale and Priya Nanda opposed it.",
            "roles",
            ["Edwin Strake", "Priya Nanda"],
        ),
        ("Lucy Abner chaired the debate. Tomasz Wilk did not vote.", "roles", ["Tomasz Wilk"]),
        ("The council voted 9 to 14 on Thursday to sell the depot.", "number", ["9", "14"]),
        ("The firm plans 24 flats, 118 of them at reduced rent.", "number", ["24", "118"]),
        ("The depot closed in 1994 and served as a hall from 1961.", "number", ["1994", "1961"]),
    ],
)
def test_two_in_each_others_place_are_likely_errors(
    summary: str, kind: str, wrong: list[str]
) -> None:
    flags = [flag for flag in _score(COUNCIL, summary).flags if flag.kind == kind]
    assert [flag.span.of(summary) for flag in flags] == wrong
    assert all(flag.message.startswith("the article has '") for flag in flags)
    assert all("' the other way round, in sentence " in flag.message for flag in flags)


@pytest.mark.parametrize(
    "summary",
    [
        "Ms Dunn was released on bail; Mr Smith was remanded in custody.",
        "Mr Smith was remanded in custody and Ms Dunn was released on bail.",
        "Sales fell 4 % in France and rose 12 % in Germany.",
        "Lucy Abner did not vote and Tomasz Wilk chaired the debate.",
        "The sale was proposed by Priya Nanda and opposed by Edwin Strake.",
        "Of 118 flats, 24 are at reduced rent.",
        "From 1994 the depot, closed in 1961, served as a hall.",
        "Nine voted against, 14 for the sale.",
        "It was shut in 2012 and 2010 under Bea Moor.",
    ],
)
def test_two_told_in_another_order_are_no_errors(summary: str) -> None:
    assert not _score(COUNCIL, summary).flags


@pytest.mark.parametrize(
    "summary",
    [
        "The bus from Oxford to Didcot was hit.",
        "Didcot and Oxford have buses.",
        "Didcot to Oxford is a long way.",
    ],
)
def test_two_who_stand_either_way_are_not_flagged(summary: str) -> None:
    article = "The bus ran from Oxford to Didcot, and Oxford and Didcot have more."
    assert not _score(article, summary).flags


@pytest.mark.parametrize(
    ("summary", "wrong"),
    [
        (
            "Italy came from behind to beat Italy in the final.",
            ["Italy came from behind to beat Italy"],
        ),
        ("Italy claimed a late victory over Italy.", ["Italy claimed a late victory over Italy"]),
        ("Italy said Italy had not played well.", []),
        ("Italy won the final of Italy.", []),
        ("Italy, who lost to Spain, beat Italy B.", []),
    ],
)
def test_nobody_does_something_to_himself(summary: str, wrong: list[str]) -> None:
    article = (
        "Italy came from behind to beat Spain in the final in Rome. Italy had not played well."
    )
    flags = [flag for flag in _score(article, summary).flags if flag.kind == "doubled"]
    assert [flag.span.of(summary) for flag in flags] == wrong


def test_what_somebody_is_said_to_be_stands_near_him_in_the_article() -> None:
    talk = (
        "The talks went on for many hours in the old hall, and nobody there would say a word " * 2
    )
    article = f"Jane Sturgeon spoke first. {talk}. The prime minister left."
    (flag,) = _score(article, "Jane Sturgeon is a prime minister.").flags
    assert (flag.kind, flag.span.of("Jane Sturgeon is a prime minister.")) == (
        "spliced",
        "Sturgeon is a prime minister",
    )
    assert flag.message == (
        "the article has 'Sturgeon' in sentence 1, and far from it 'minister', in sentence 3"
    )
    near = "Jane Sturgeon spoke first. The prime minister then left."
    assert not _score(near, "Jane Sturgeon is a prime minister.").flags


def test_a_part_of_something_is_nobody_who_is_beaten() -> None:
    article = "Jane Doe won the hardest stage. Nobody will beat Doe, her rivals on the Tour said."
    assert not _score(article, "Jane Doe won the hardest stage of the Tour.").flags


def test_name_is_no_other_where_the_article_names_it_beside() -> None:
    keane, rain = "The defender Keane played for the club in Cork.", "Rain fell on the coast. " * 3
    said = "A midfielder signed a new contract worth millions at the club until June, said Brown."
    summary = "Keane signed a new contract worth millions at the club until June."
    (other,) = _score(f"{keane} {rain}{said}", summary).flags
    assert other.message == "the article has 'Brown' in this place, in sentence 5"
    assert not _score(f"{rain}{keane} {said}", summary).flags


def test_by_how_much_something_rose_did_not_raise_it() -> None:
    assert not _score(
        "Rents in Berlin rose by 18.3% last year.", "Berlin rose 18.3% last year."
    ).flags


TALK = """Anna: Are you coming on Saturday?
Tom: Yes! And I passed my exam with 82%.
Anna: Great. Bring the blue speaker.
Tom: I lent it to Kasia. I will call her.
Anna: {}
"""


@pytest.mark.parametrize(
    ("last", "summary", "wrong"),
    [
        ("Fine.", "Anna lent the speaker to Kasia.", "Anna"),
        ("Fine.", "Tom lent the speaker to Kasia.", ""),
        ("Fine.", "Anna and Tom lent the speaker to Kasia.", ""),
        ("Fine.", "Tom says that Anna passed the exam with 82%.", "Anna"),
        ("Fine.", "The speaker was lent by Anna to Kasia.", ""),
        ("Fine.", "Anna asks Tom to call Kasia.", ""),
        ("Fine. I lent mine to Max.", "Anna lent a speaker to somebody.", ""),
        ("Me too.", "Anna lent the speaker to Kasia.", ""),
    ],
)
def test_what_one_speaker_says_of_himself_another_has_not_done(
    last: str, summary: str, wrong: str
) -> None:
    flags = [flag for flag in _score(TALK.format(last), summary).flags if flag.kind == "roles"]
    assert [flag.span.of(summary) for flag in flags] == ([wrong] if wrong else [])


def test_who_says_it_is_told() -> None:
    (flag,) = _score(TALK.format("Fine."), "Anna lent the speaker to Kasia.").flags
    assert flag.message == "another speaker says 'I lent', in sentence 6"


def test_fields_of_a_form_are_no_speakers() -> None:
    form = "From: Anna\nTo: Tom\nSubject: Trip\nDear Tom,\nI lent the speaker to Kasia.\nAnna"
    assert not StatedRoles(form).speakers.known


def test_another_name_in_a_row_of_the_very_words_is_a_likely_error() -> None:
    article = (
        "Activists dumped paint on the road in front of the Russian embassy in London. Rome ate."
    )
    summary = "Activists dumped paint on the road in front of the Rome embassy in London."
    (flag,) = _score(article, summary).flags
    assert (flag.kind, flag.span.of(summary)) == ("roles", "Rome")


OFFICES = (
    "The finance minister, Rodrigo Alvar, conceded. Mariana Quispe, a former mayor of Cuenca, won. "
    "Nobody had expected that from a lawyer who led the strike in the mines, said Jorge Villa. "
    "The last bus left at noon. Thandi Mokena, a teacher who led the march in May, was glad. "
    "His first wife, the singer Birgit Ahl, died early. He married Leena Koski in Turku."
)


@pytest.mark.parametrize(
    ("summary", "wrong"),
    [
        ("The finance minister, Mariana Quispe, was glad.", ["finance minister, Mariana Quispe"]),
        ("Jorge Villa, the former mayor of Cuenca, was glad.", ["Jorge Villa, the former mayor"]),
        ("Jorge Villa, who led the march in May, was glad.", ["Jorge Villa"]),
        ("His first wife, Leena Koski, died early.", ["first wife, Leena Koski"]),
        ("The finance minister, Rodrigo Alvar, was sad.", []),
        ("Quispe, the former mayor of Cuenca, was glad.", []),
        ("Jorge Villa, the first of them, was glad.", []),
        ("Thandi Mokena, who led the march in May, was glad.", []),
    ],
)
def test_nobody_is_what_the_article_says_of_another(summary: str, wrong: list[str]) -> None:
    flags = [flag for flag in _score(OFFICES, summary).flags if flag.kind == "roles"]
    assert [flag.span.of(summary) for flag in flags] == wrong
