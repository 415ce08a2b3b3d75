"""The check of negations, opposites and hedges against the article."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.checks.lexical.polarity import Polarity, StatedPolarity
from evalharness.records import Article, Score, Summary

PAGES = Path(__file__).parents[2] / "shared" / "data" / "pages"
_PIECES = """
    The mayor did not sign never n't refused to may might alleged expected to will increase fell
    won lost before after more fewer no one supports opposes the contract , . “ ” - ! Doe 14 🙂
"""
NEWS = st.lists(st.sampled_from(_PIECES.split()), max_size=30).map(" ".join)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60) | NEWS
quickly = settings(max_examples=100, deadline=None)


def _score(article: str, summary: str) -> Score:
    return Polarity().score([(Article("a", article), Summary("a", summary))])[0]


def test_polarity_sentence_scores_point_to_the_sentences_they_were_compared_with() -> None:
    article = "It rained. The council approved the new bridge. The mayor left the room early."
    score = _score(article, "The council has not approved the new bridge.")
    (sentence,) = score.sentences
    assert sentence.value == 0.0
    assert [span.of(article) for span in sentence.evidence] == [
        "The council approved the new bridge."
    ]


@quickly
@given(NEWS)
def test_polarity_of_a_copied_text_is_never_flagged(article: str) -> None:
    score = _score(article, article)
    assert score.value in (None, 1.0)
    assert not score.flags


@quickly
@given(ANYTHING, ANYTHING)
def test_polarity_of_any_text_is_a_score_or_a_note(article: str, summary: str) -> None:
    score = _score(article, summary)
    assert (score.value is None) == bool(score.note)
    assert all(0 <= f.span.start < f.span.end <= len(summary) for f in score.flags)
    assert all(e.end <= len(article) for f in score.flags for e in f.evidence)


def test_polarity_of_a_megabyte_is_checked_in_linear_time() -> None:
    article = " ".join(f"Mayor m{n} did not sign contract c{n} today." for n in range(25_000))
    summary = " ".join(f"Mayor m{n} did sign contract c{n}." for n in range(25_000))
    assert _score(article, summary).value is not None


def test_polarity_index_serves_several_summaries() -> None:
    stated = StatedPolarity("The council approved the new bridge over the river.")
    good = stated.check("The council approved the bridge over the river.")
    bad = stated.check("The council rejected the bridge over the river.")
    assert (good.value, bad.value) == (1.0, 0.0)


def test_polarity_flags_the_planted_errors_of_the_pages_and_nothing_else() -> None:
    if not PAGES.is_dir():
        pytest.skip("the shared data is not here")
    kinds = {"negation": "negation", "stance-flip": "antonym"}
    for path in sorted(PAGES.glob("*.gold.json")):
        page = json.loads(path.read_text(encoding="utf-8"))
        summary = "\n".join(page["ai_summary"])
        flags = _score("\n\n".join(page["body"]), summary).flags
        planted = [each for each in page["planted_errors"] if each["type"] in kinds]
        assert bool(flags) == bool(planted)
        for flag in flags:
            assert flag.kind in (kinds[planted[0]["type"]], "contrast")
            assert flag.span.of(summary) in planted[0]["summary_says"]


def test_a_headline_that_only_links_states_nothing() -> None:
    article = (
        "A study of 1,200 commuters suggests that people who take night trains may sleep better "
        "than those who fly early, but its authors warn that the link could be due to chance."
    )
    summary = "Night trains improve sleep, a study of 1,200 commuters found"
    linking = "Study links night trains to better sleep, with caveats"
    stating = "Night trains bring better sleep to 1,200 commuters, study shows"
    for headline, kinds in (("", ["hedge"]), (linking, ["hedge"]), (stating, [])):
        flags = StatedPolarity(f"{headline}\n\n{article}").check(summary).flags
        assert [flag.kind for flag in flags] == kinds, headline


def test_what_is_due_to_a_cause_is_no_plan() -> None:
    article = "Roe missed the whole campaign due to leg injuries. The court is due to open in May."
    flags = (
        Polarity()
        .score(
            [(Article("a", article), Summary("a", "Roe missed the campaign with leg injuries."))]
        )[0]
        .flags
    )
    assert not flags
    (flag,) = (
        Polarity()
        .score([(Article("a", article), Summary("a", "The court opened in May."))])[0]
        .flags
    )
    assert flag.kind == "hedge"


@pytest.mark.parametrize(
    ("article", "summary", "kinds"),
    [
        (
            "A man fell from a balcony in Brighton before midnight on Monday, police said.",
            "A man was in hospital after falling from a balcony in Brighton on Monday.",
            [],
        ),
        (
            "The bill will be passed by the town council in Leeds next year.",
            "The bill was passed by the town council in Leeds last year.",
            ["hedge", "antonym"],
        ),
        (
            "Ipswich rose to third in the league with goals from Vaughan and Wells.",
            "Ipswich fell behind in the league with goals from Vaughan and Wells.",
            [],
        ),
        (
            "The men who smuggled drugs over the wall in Leeds could be jailed, police said.",
            "The men smuggled drugs over the wall into the jail in Leeds, police said.",
            [],
        ),
    ],
)
def test_opposites_are_said_of_the_same_thing(article: str, summary: str, kinds: list[str]) -> None:
    assert [flag.kind for flag in _score(article, summary).flags] == kinds


def test_a_denial_of_another_word_points_to_the_sentence() -> None:
    article = "The council in Leeds told the mayor about the new bridge over the river on Monday."
    (flag,) = _score(article, "The council in Leeds did not warn the mayor about the bridge.").flags
    assert flag.message == "the summary denies what the article says, in sentence 1"
    assert [span.of(article) for span in flag.evidence] == [article]


def test_what_the_article_denies_in_a_sentence_far_away_is_no_added_denial() -> None:
    article = (
        "The council in Leeds told the mayor about the new bridge over the river on Monday. "
        "It had sent a letter. “They did not warn the mayor,” a neighbour said."
    )
    assert not _score(
        article, "The council in Leeds did not warn the mayor about the bridge."
    ).flags


@pytest.mark.parametrize(
    ("summary", "kinds"),
    [
        ("Atletico hope that will give them leverage over the player.", ["hedge"]),
        ("Atletico hope that may give them leverage over the player.", []),
        ("Atletico hope it will give them leverage over the player.", []),
    ],
)
def test_will_in_the_very_place_of_may_is_a_hedge_dropped(summary: str, kinds: list[str]) -> None:
    article = "Atletico hope that may give them leverage, but the player said he was happy."
    flags = _score(article, summary).flags
    assert [flag.kind for flag in flags] == kinds
    assert all(flag.message == "the article says 'may give', in sentence 1" for flag in flags)


_HURT = "A lorry hit a bus in Leeds on Monday. {} Police closed the road."


@pytest.mark.parametrize(
    ("told", "summary", "marked"),
    [
        ("Two people were hurt.", "Nobody was hurt.", "Nobody was hurt"),
        ("Two people were hurt.", "No one was injured, police said.", "No one was injured"),
        ("Three were injured.", "There were no injuries.", "no injuries"),
        ("Two women were killed.", "No-one was hurt.", "No-one was hurt"),
        ("Two women were killed.", "There were no deaths in the accident.", "no deaths"),
        ("Two suffered minor injuries.", "No one was hurt.", "No one was hurt"),
        ("The driver was hurt. Nobody else was.", "Nobody was hurt.", "Nobody was hurt"),
        ("Both drivers were hurt.", "Neither driver was hurt.", "Neither driver was hurt"),
        ("Two men were arrested.", "Nobody was arrested.", "Nobody was arrested"),
        ("A bag was stolen.", "Nothing was stolen.", "Nothing was stolen"),
        ("Nobody was hurt.", "Two people were hurt.", "hurt"),
        ("No one was injured.", "A child was killed.", "killed"),
        ("There were no injuries.", "Three were injured in Leeds.", "injured"),
        ("No passengers were hurt.", "Two passengers were hurt.", "hurt"),
        ("Nothing was stolen.", "A bag was stolen.", "stolen"),
    ],
)
def test_a_denial_of_everybody_clashes_with_what_befell_somebody(
    told: str, summary: str, marked: str
) -> None:
    (flag,) = _score(_HURT.format(told), summary).flags
    assert (flag.kind, flag.span.of(summary)) == ("negation", marked)


@pytest.mark.parametrize(
    ("told", "summary"),
    [
        ("Two people were hurt.", "Nobody else was hurt."),
        ("Two people suffered minor injuries.", "No one was seriously hurt."),
        ("Two people were hurt.", "There were no serious injuries."),
        ("Two people were hurt.", "Nobody was killed."),
        ("Two people were hurt.", "None of the passengers was hurt."),
        ("The passenger was hurt.", "Neither driver was hurt."),
        ("Two people may have been hurt.", "Nobody was hurt."),
        ("Police fear two people were killed.", "Nobody was killed."),
        (
            "Two were hurt in a first crash. A second damaged cars.",
            "Nobody was hurt in the second.",
        ),
        ("Nobody was hurt.", "There were no casualties."),
        ("Nobody was hurt.", "People could be hurt on such a road."),
        ("No passengers were hurt.", "The driver was hurt."),
        ("Nobody else was hurt. The driver was injured.", "The driver was injured."),
        ("No one was seriously hurt.", "Two people were hurt."),
        ("No arrests were made.", "Nobody was arrested."),
    ],
)
def test_a_denial_of_some_or_of_something_else_is_no_clash(told: str, summary: str) -> None:
    assert not [
        flag for flag in _score(_HURT.format(told), summary).flags if flag.kind == "negation"
    ]


def test_a_denial_shows_whom_the_article_speaks_of() -> None:
    (flag,) = _score(_HURT.format("Two people were hurt."), "Nobody was hurt.").flags
    assert (
        flag.message
        == "the summary denies what the article says: 'people were hurt', in sentence 2"
    )


def test_what_is_only_supposed_is_no_clash_for_sure() -> None:
    article = "Roe was caught by police in Leeds on Monday before the attack on the market hall."
    stated = "Roe was not caught by police in Leeds before the attack on the market hall."
    supposed = "Many would be dead if Roe was not caught by police in Leeds before the attack."
    assert [flag.kind for flag in _score(article, stated).flags] == ["negation"]
    assert [flag.kind for flag in _score(article, supposed).flags] == ["contrast"]


@pytest.mark.parametrize(
    ("article", "kinds"),
    [
        ("The council could close three schools in Leeds.", ["hedge"]),
        ("Could the council close three schools in Leeds?", []),
        ("The council closed what I consider to be three schools in Leeds.", []),
        ("The council is considering to close three schools in Leeds.", ["hedge"]),
    ],
)
def test_a_question_and_an_opinion_hedge_nothing(article: str, kinds: list[str]) -> None:
    summary = "The council closes three schools in Leeds."
    assert [flag.kind for flag in _score(article, summary).flags] == kinds


@pytest.mark.parametrize(
    ("summary", "kind", "wrong"),
    [
        ("No schools will be closed on Friday because of the storm.", "negation", "No schools"),
        ("Two people were killed when a tree fell on a bus.", "antonym", "killed"),
        ("Two people were hurt when a tree fell on a bus.", "", ""),
        ("All 63 schools will be closed on Friday.", "", ""),
    ],
)
def test_a_denial_and_a_worse_fate_amid_the_articles_words_is_a_likely_error(
    summary: str, kind: str, wrong: str
) -> None:
    article = (
        "All 63 schools will be closed on Friday because of the storm. Two people were injured "
        "when a tree fell on a bus near Alden. Police searched a house."
    )
    flags = _score(article, summary).flags
    assert [(flag.kind, flag.span.of(summary)) for flag in flags] == (
        [(kind, wrong)] if kind else []
    )


def test_what_is_left_as_it_was_stays() -> None:
    article = "The bank left its main rate unchanged at 5.25% on Monday."
    assert not _score(article, "The main rate of the bank stayed at 5.25%.").flags
    article = "The striker left the club in Leeds on Monday for 5.25m euros."
    flags = _score(article, "The striker stayed at the club in Leeds on Monday.").flags
    assert [flag.kind for flag in flags] == ["antonym"]


def test_each_of_a_row_of_plans_is_planned() -> None:
    article = "The chain announced plans to close 14 shops in Leeds and to cut 900 office jobs."
    assert not _score(article, "The chain plans to cut 900 office jobs and close 14 shops.").flags


def test_what_the_article_has_only_denied_is_no_added_denial() -> None:
    article = "Motions are not binding in this country. MPs backed the limit on smog by six votes."
    assert not _score(article, "MPs backed the limit on smog, which does not bind anybody.").flags


def test_who_asks_whether_he_could_offers_it_and_may_well_do_it() -> None:
    asked = "Tom: I could take the train and join you in the evening?"
    summary = "He will take the train and join her in the evening."
    assert not _score(asked, summary).flags
    assert _score(asked.replace("?", "."), summary).flags


@pytest.mark.parametrize(
    ("article", "summary", "kinds"),
    [
        (
            "Nitrate in the soil was 12 mg without a cover crop and 8 mg with one.",
            "A cover crop lowered nitrate in the soil.",
            [],
        ),
        (
            "I advised against aspirin and against ibuprofen in the third trimester.",
            "There should be no ibuprofen in the third trimester.",
            [],
        ),
        (
            "The cake freezes well for up to three months. Do not refrigerate.",
            "It freezes well for up to three months but should not be kept in the fridge.",
            [],
        ),
        (
            "The cake freezes well for up to three months.",
            "It freezes well for up to three months but should not be kept in the fridge.",
            ["negation"],
        ),
        ("The boy began to cry on the pier.", "In the end the boy cries on the pier.", []),
        (
            "A dealer must not pay for scrap metal in cash.",
            "A dealer may pay for scrap metal in cash.",
            ["negation"],
        ),
    ],
)
def test_a_denial_may_be_told_in_other_words(article: str, summary: str, kinds: list[str]) -> None:
    flags = _score(article, summary).flags
    assert [flag.kind for flag in flags if flag.kind != "contrast"] == kinds


def test_what_somebody_planned_to_do_then_he_need_not_have_done() -> None:
    stated = "Doe {} to leave Springfield at nine on Saturday."
    summary = "Doe could not leave Springfield at nine on Saturday."
    kinds = [_score(stated.format(word), summary).flags[0].kind for word in ("planned", "went")]
    assert kinds == ["contrast", "negation"]


@pytest.mark.parametrize(
    ("article", "summary", "wrong"),
    [
        (
            "The X-ray showed right lower lobe consolidation and no effusion.",
            "He had pneumonia of the left lower lobe.",
            "left",
        ),
        (
            "The X-ray showed right lower lobe consolidation, and the left lower lobe was clear.",
            "The left lower lobe was clear.",
            "",
        ),
        (
            "The clause was an unreasonable restraint of trade, the judge held.",
            "The clause was a reasonable restraint of trade, the judge held.",
            "reasonable",
        ),
        (
            "We show a direct link between attention and accuracy in the human brain.",
            "They show an indirect link between attention and accuracy in the human brain.",
            "indirect",
        ),
        (
            "The clause was an unreasonable restraint of trade. Its reason was a reasonable fear.",
            "The reasonable fear was of trade.",
            "",
        ),
        (
            "It has many parts. A dealer must not pay for scrap metal in cash at any time.",
            "Section fourteen of the law says that a dealer may pay for scrap metal in cash.",
            "pay",
        ),
    ],
)
def test_an_opposite_between_the_very_words_is_a_likely_error(
    article: str, summary: str, wrong: str
) -> None:
    flags = [flag for flag in _score(article, summary).flags if flag.kind != "contrast"]
    assert [flag.span.of(summary) for flag in flags] == ([wrong] if wrong else [])


@pytest.mark.parametrize(
    ("article", "summary", "kinds"),
    [
        (
            "He left Cologne without a degree.",
            "He left Cologne with a degree.",
            ["antonym", "negation"],
        ),
        ("He left with a friend, without a degree.", "He left with a friend.", []),
        (
            f"Leaders urge them to accept it. {'It rained all day. ' * 5}Pilots rejected 18%.",
            "Leaders urge them to reject it.",
            ["antonym"],
        ),
        (
            "The lawyer will decide in May whether to appeal against the fine.",
            "The lawyer will appeal against the fine.",
            ["hedge"],
        ),
        (
            "The statue will be handed over at a feast in Abuja.",
            "The statue was handed over at a feast in Abuja.",
            ["hedge"],
        ),
        (
            "The statue will be handed over at a feast in Abuja, once it was handed over in Lagos.",
            "The statue was handed over in Lagos.",
            [],
        ),
        (
            "Sales of sofas slipped 6% in Germany.",
            "Sales of sofas rose 6% in Germany.",
            ["antonym"],
        ),
    ],
)
def test_what_the_article_says_otherwise_in_its_place_is_a_likely_error(
    article: str, summary: str, kinds: list[str]
) -> None:
    assert [flag.kind for flag in _score(article, summary).flags] == kinds


def test_of_neither_of_two_the_article_may_tell_it_one_by_one() -> None:
    article = "Greta is at work on Tuesday. Can Sam be at home on Tuesday? Sam has an appointment."
    summary = "Neither Greta nor Sam can be at home on Tuesday."
    assert not [flag for flag in _score(article, summary).flags if flag.kind == "negation"]
