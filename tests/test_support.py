"""The check of each sentence against the article's own words."""

import itertools

import clock
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness import text
from evalharness.checks.lexical.alignment import Wording, align, are_close, by_sentence
from evalharness.checks.lexical.miscopies import foreign_circumstances, miscopied
from evalharness.checks.lexical.passages import Passages, passages
from evalharness.checks.lexical.support import Support, is_repeated, odds_added, unsupported_runs
from evalharness.records import Article, Score, Span, Summary, flag_kind

WORDS = [
    *("the", "mayor", "of", "storm", "closed", "14", "schools", "Jane", "Doe", "said", "and."),
    *("It", "rained!", "“no”", "é", "洪", "\ud800", "😀", "دفع"),
]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)
quickly = settings(max_examples=60, deadline=None)


def _score(article: str, summary: str) -> Score:
    return Support().score([(Article("a", article), Summary("a", summary))])[0]


def test_support_adds_the_odds_of_its_sentences() -> None:
    score = _score(
        "The storm closed all schools. It rained in the valley.",
        "The storm closed all roads. It snowed in the valley. It rained in the valley.",
    )
    values = [sentence.value for sentence in score.sentences]
    assert values[2] == 1.0
    assert score.value == odds_added(values)
    assert score.parts == {"mean": sum(values) / 3, "min": min(values)}


def test_support_of_a_message_is_cut_where_it_is_long() -> None:
    summary = " ".join(f"gibberish{chr(97 + n)}" for n in range(20))
    (flag,) = _score("The storm closed all schools.", summary).flags
    assert flag.message.endswith("…'")
    assert len(flag.message) < 120


def test_support_prefers_words_in_the_order_of_the_article() -> None:
    article = "The dog bit the angry man in the park near the river."
    straight = _score(article, "The dog bit the man near the river today.")
    swapped = _score(article, "The man bit the dog near the river today.")
    assert straight.value is not None
    assert swapped.value is not None
    assert swapped.value < straight.value


def test_alignment_finds_each_word_of_a_path_in_the_article() -> None:
    article = Wording("The storm closed all schools. It rained in the valley.")
    ((_, tokens),) = by_sentence(Passages("In the valley the storm closed roads."))
    aligned = align(article, tokens)
    assert [None if p is None else article.passages.tokens[p].word for p in aligned.places] == [
        "in", "the", "valley", "the", "storm", "closed", None,
    ]  # fmt: skip


def test_places_are_close_up_to_ten_words() -> None:
    assert are_close([5, 100], [90])
    assert not are_close([5, 101], [90])
    assert not are_close([], [1])


@quickly
@given(article=TEXTS)
def test_a_copied_sentence_is_wholly_supported(article: str) -> None:
    for span in text.sentences(article):
        score = _score(article, span.of(article))
        assert score.value in (None, 1.0)
        assert not score.flags


@quickly
@given(article=TEXTS, summary=TEXTS, foreign=st.sampled_from(["987654321", "Zyxgorod", "xqzv"]))
def test_a_foreign_sentence_never_raises_support(article: str, summary: str, foreign: str) -> None:
    before = _score(article, summary)
    after = _score(article, f"{summary}\n\n{foreign}.")
    if after.value is not None:
        assert after.value < 1.0
        assert before.value is None or after.value <= before.value


@quickly
@given(article=TEXTS, summary=TEXTS)
def test_support_spans_slice_back_and_keep_their_order(article: str, summary: str) -> None:
    score = _score(article, summary)
    assert (score.value is None) == bool(score.note)
    for spans in ([flag.span for flag in score.flags], [s.span for s in score.sentences]):
        assert all(span.of(summary).strip() == span.of(summary) != "" for span in spans)
        assert all(one.end <= other.start for one, other in itertools.pairwise(spans))
    evidence = [span for sentence in score.sentences for span in sentence.evidence]
    assert {span.of(article) for span in evidence} <= {
        s.of(article) for s in text.sentences(article)
    }


@pytest.mark.parametrize(
    ("article", "summary"),
    [
        ("The storm closed 14 schools in the valley. " * 23_000, "The valley closed the storm."),
        ("the " * 250_000, "the the the mayor of the the."),
        ("x" * 1_000_000, "y" * 1_000_000),
        ("The mayor left.", " ".join(f"Word{n} closed the mayor." for n in range(5_000))),
    ],
    ids=["a repeated sentence", "one word", "one endless word", "a long summary"],
)
def test_support_of_a_huge_text_takes_seconds_at_most(article: str, summary: str) -> None:
    found: list[Score] = []
    assert clock.seconds(lambda: found.append(_score(article, summary)), 6) < 6
    assert found[0].value is not None


HARBOUR = (
    "The harbour bridge closed on Monday after engineers found cracks in two of its piers. "
    "The council will pay for the repairs, which take a month."
)


def _flagged_words(summary: str, wrong: tuple[Span, ...] = ()) -> list[str]:
    article = Wording(HARBOUR)
    found = []
    for _, tokens in by_sentence(passages(summary)):
        for first, last in unsupported_runs(article, align(article, tokens), wrong):
            found.append(summary[tokens[first].start : tokens[last].end])
    return found


def test_a_copy_has_no_unsupported_words() -> None:
    assert _flagged_words(HARBOUR) == []


def test_novel_words_are_flagged_with_the_few_words_between() -> None:
    assert _flagged_words("The harbour bridge closed on Monday after a ferry on fire hit it.") == [
        "ferry on fire hit"
    ]


def test_novel_words_are_flagged_with_what_is_copied_between_them_unless_that_is_long() -> None:
    said = "The harbour bridge closed on Monday after engineers found {} there."
    assert _flagged_words(said.format("rust in two of its cables")) == ["rust", "cables"]
    assert _flagged_words(said.format("rust in two cables")) == ["rust in two cables"]
    assert _flagged_words(said.format("rust harbour bridge closed cables")) == ["rust", "cables"]


def test_a_vague_word_alone_is_not_flagged() -> None:
    assert _flagged_words("Engineers reported cracks in two of its piers on Monday.") == []


def test_a_mostly_novel_sentence_is_flagged_but_for_what_it_copies() -> None:
    summary = "A surgeon praised volunteers because engineers found cracks in two of its piers."
    (flagged,) = _flagged_words("A surgeon praised the jolly volunteers of the harbour choir.")
    assert flagged == "A surgeon praised the jolly volunteers of the harbour choir"
    assert all("found cracks" not in each for each in _flagged_words(summary))


def test_what_belongs_to_the_number_of_an_age_is_no_new_word() -> None:
    article = "Jane Doe, 34, has joined Strand Athletic from Hexley Rovers."
    assert not _score(article, "The 34 - year - old has joined Strand Athletic.").flags
    (flag,) = _score(article, "The old has joined Strand Athletic.").flags
    assert flag.span.of("The old has joined Strand Athletic.") == "old"


def test_what_is_known_to_be_wrong_counts_as_novel() -> None:
    summary = "The harbour bridge closed on Friday in Rome."
    wrong = (Span(summary.index("Friday"), summary.index(" in Rome")),)
    assert _flagged_words(summary, wrong) == ["Friday in Rome"]


def test_a_word_said_more_often_than_in_any_sentence_of_the_article_is_repeated() -> None:
    article = Wording(HARBOUR)

    def repeated(summary: str) -> bool:
        ((_, tokens),) = by_sentence(passages(summary))
        return is_repeated(article, align(article, tokens))

    assert repeated("The bridge, a bridge and the bridge closed.")
    assert not repeated("The bridge closed after cracks in its piers.")
    assert not repeated("It was 5 to 5 on Monday.")


def _flags(article: str, summary: str) -> list[tuple[str, str]]:
    return [(flag.kind, flag.span.of(summary)) for flag in miscopied(Wording(article), summary)]


def test_a_word_said_twice_in_a_copy_is_doubled() -> None:
    article = (
        "Anderlecht are keen on the boy. Manchester City want to sign the Anderlecht teenager."
    )
    summary = "Anderlecht want to sign the Anderlecht teenager."
    assert _flags(article, summary) == [("doubled", "Anderlecht")]
    (flag,) = miscopied(Wording(article), summary)
    assert flag.message == "'Anderlecht' is said twice here, and once in sentence 2 of the article"
    assert _flags(article, "The Anderlecht teenager, Anderlecht said, left.") == []


_PLAY = (
    "The school board voted on Monday to cancel the fall play, saying the roof was not safe. "
    "Students would stage it anyway, in a barn outside of town."
)


@pytest.mark.parametrize(
    ("summary", "flagged"),
    [
        (
            "The play was canceled because parents complained about its language.",
            ["because parents complained about its language"],
        ),
        ("Due to rude language, the board canceled the play.", ["Due to rude language"]),
        (
            "Students would stage the play in an empty Boston warehouse.",
            ["in an empty Boston warehouse"],
        ),
        ("The play was canceled because the ceiling of the school was not safe.", []),
        ("Students would stage the play in a nearby warehouse.", []),
        ("A musical was scrapped because parents complained about its language.", []),
        (_PLAY, []),
    ],
)
def test_a_reason_that_the_article_has_no_word_of_is_a_likely_error(
    summary: str, flagged: list[str]
) -> None:
    flags = [*foreign_circumstances(Wording(_PLAY), summary)]
    assert [flag.span.of(summary) for flag in flags] == flagged
    assert all(flag_kind(flag.kind).hard and flag.evidence for flag in flags)
    assert [flag.message for flag in flags] == [
        f"nothing in the article says '{words}'" for words in flagged
    ]


def test_halves_of_two_sentences_are_spliced() -> None:
    article = (
        "Mr Yeaman was told to come back. It rained on the town for a week and nobody left. "
        "His neighbour Roe was granted conditional bail on Friday."
    )
    summary = f"Mr Yeaman was granted conditional bail. {article[:82]}"
    (flag,) = miscopied(Wording(article), summary)
    assert (flag.kind, flag.span.of(summary)) == ("spliced", "was granted")
    assert flag.message == (
        "the article has 'Mr Yeaman was' in sentence 1 "
        "and 'granted conditional bail' in sentence 3, apart"
    )


@pytest.mark.parametrize(
    ("article", "summary"),
    [
        ("The movie began on 5 May.", "The film began on 5 May."),
        ("He paid 2,500 euros, 5 per cent more.", "He paid 2500 euros, 5% more."),
        ("She was third in November.", "She was 3rd in Nov."),
        ("They left despite the rain.", "They left in spite of the rain."),
        ("It is the biggest bridge.", "It is the largest bridge."),
        ("Ten employees of the yard left.", "Ten workers of the yard left."),
        ("They left because of rain. Roe is due to snow late.", "They left due to rain."),
        ("It rained on almost all homes.", "It rained on nearly all homes."),
        ("Roe thinks homes are dear. People believe in it.", "Roe believes homes are dear."),
        ("The NHS has no beds.", "The National Health Service has no beds."),
        ("The National Health Service has no beds.", "The NHS has no beds."),
        ("Roe signed a deal.", "A deal was signed by Roe."),
        ("The dogs have not come home.", "The dogs haven't come home."),
        (
            "Bees sleep at night.",
            "The author reports that the article says that bees sleep at night.",
        ),
    ],
)
def test_other_words_for_the_same_cost_little(article: str, summary: str) -> None:
    value = _score(article, summary).value
    assert value is not None
    assert value > 0.8


def test_it_matters_little_where_a_statement_ends() -> None:
    article = "The storm closed all schools in the valley. The mayor told people to stay at home."
    two = _score(article, "The storm closed all schools. The mayor told people to stay at home.")
    one = _score(
        article, "The storm closed all schools, and the mayor told people to stay at home."
    )
    assert two.value == one.value


def test_a_sentence_in_lower_case_stands_by_itself_behind_one_with_capitals() -> None:
    score = _score("It rained. The mayor left.", "It rained all day. the mayor left in the rain.")
    assert len(score.sentences) == 2


HOMES = "The council of Leeds will build 14 new homes for families near the river"


@pytest.mark.parametrize(
    ("bad", "copied"),
    [
        ("the mayor of leeds has sold all homes beside a lake", f"{HOMES} {{}}"),
        ("The mayor has sold all homes beside a lake", f"{{}} {HOMES}"),
        ("The mayor has sold all homes beside a lake", f"{{}}; {HOMES}."),
    ],
)
def test_a_copied_sentence_beside_a_bad_one_raises_nothing(bad: str, copied: str) -> None:
    article = f"{HOMES}\n\nThe mayor spoke on Monday. Homes by a lake were sold by Roe."
    alone, beside = _score(article, bad).value, _score(article, copied.format(bad)).value
    assert alone is not None
    assert beside is not None
    assert beside <= alone


def test_halves_stay_spliced_beside_a_sentence_of_another_matter() -> None:
    article = Wording(
        "Mr Yeaman was told to come back. It rained on the town for a week and nobody left. "
        "His neighbour Roe was granted conditional bail on Friday."
    )
    summary = f"Mr Yeaman was granted conditional bail. {article.text[:82]}"
    for beside in ("More information can be found.", "Readers enjoyed similar stories elsewhere."):
        (flag,) = miscopied(article, f"{summary} {beside}")
        assert flag.span.of(summary) == "was granted"
