"""The combined check: all parts without weights as one score."""

import functools
import gc
import importlib
import itertools
import sys
import weakref
from collections.abc import Callable, Iterable, Sequence
from datetime import date

import clock
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evalharness import text
from evalharness.checks.lexical.lexical import ODDS, PARTS, Indexed, Lexical, merge_flags
from evalharness.checks.lexical.passages import LONGEST_IN_COMPANY, Passages
from evalharness.checks.lexical.scoring import ENOUGH_TOGETHER, LONGEST_TOGETHER
from evalharness.checks.lexical.support import Support, odds_added
from evalharness.records import Article, Flag, Score, Span, Summary, flag_kind
from evalharness.text import dates as date_readers
from evalharness.text.number_reader import read_numbers

number_readers = importlib.import_module("evalharness.text.numbers")  # `text.numbers` is a function

ARTICLE = (
    "The mayor, Jane Doe, spoke on Monday. The storm closed 14 schools in Springfield. "
    "Most roads were not flooded, she said."
)
WORDS = [
    *("the", "The", "mayor", "of", "storm", "closed", "14", "schools", "Jane", "Doe", "not."),
    *("It", "rained!", "5%", "Monday", "“no”", "é", "洪", "\ud800", "😀", "دفع", "in", "2015"),
]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)
quickly = settings(max_examples=60, deadline=None)


def _scores(article: str, *summaries: str) -> list[Score]:
    return Lexical().score([(Article("a", article), Summary("a", each)) for each in summaries])


def _value(article: str, summary: str) -> float:
    (score,) = _scores(article, summary)
    assert score.value is not None
    return score.value


def _flagged(summary: str, flags: Sequence[Flag]) -> list[tuple[str, str]]:
    return [(flag.kind, flag.span.of(summary)) for flag in flags]


def test_article_is_read_for_numbers_and_dates_only_when_a_summary_has_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []

    def count(kind: str, reader: Callable[..., Iterable[object]]) -> Callable[..., object]:
        def note_and_read(sentence: str, *words: object) -> object:
            read.append(f"{kind} of {sentence}")
            return reader(sentence, *words)

        return note_and_read

    monkeypatch.setattr(number_readers, "read_numbers", count("numbers", read_numbers))
    monkeypatch.setattr(date_readers, "_read", count("dates", date_readers._read))
    _scores(ARTICLE, "The storm closed schools in Springfield.", "The mayor, Jane Doe, spoke.")
    assert [line for line in read if "14 schools" in line or "Monday" in line] == []
    _scores(ARTICLE, *[f"It closed {n} schools on Monday." for n in (12, 13, 14)])
    assert read.count("numbers of The storm closed 14 schools in Springfield.") == 1
    assert read.count("dates of The mayor, Jane Doe, spoke on Monday.") == 1
    assert "numbers of The mayor, Jane Doe, spoke on Monday." not in read


@given(
    st.lists(
        st.sampled_from([*WORDS, "in May", "maY,", "1990s", "’90s.", "TEN", "½", "last week."]),
        max_size=20,
    ).map(" ".join)
)
@quickly
def test_sentences_that_are_not_read_have_no_number_and_no_date(words: str) -> None:
    whole = Passages(words)
    assert [*itertools.chain.from_iterable(whole.numbers)] == text.numbers(words)
    assert [*itertools.chain.from_iterable(whole.dates)] == date_readers.dates(words)


@pytest.mark.parametrize(("longer_by", "n_together"), [(0, ENOUGH_TOGETHER), (LONGEST_TOGETHER, 1)])
def test_batch_keeps_few_articles_at_a_time(
    longer_by: int, n_together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = weakref.WeakSet[Indexed]()
    most = 0

    class Counted(Indexed):
        def __init__(self, article: str, published: date | None = None) -> None:
            nonlocal most
            super().__init__(article, published)
            alive.add(self)
            gc.collect()
            most = max(most, len(alive))

    monkeypatch.setattr(Lexical, "index", Counted)
    texts = [f"{ARTICLE} {n}{' ' * longer_by}" for n in range(ENOUGH_TOGETHER + 3)]
    articles = [Article(str(n), article) for n, article in enumerate(texts)]
    pairs = [(each, Summary(each.id, "It closed 14 schools.")) for each in articles]
    pairs += [(each, Summary(each.id, "It closed 15 schools.")) for each in articles[-2:]]
    together = Lexical().score(pairs)
    assert most == n_together
    assert together == [score for pair in pairs for score in Lexical().score([pair])]


def test_long_summaries_are_read_one_by_one() -> None:
    texts = [f"It closed {n} schools. " * 300 for n in (14, 15)] + ["It closed 16 schools."]
    pairs = [(Article("a", ARTICLE), Summary("a", summary)) for summary in texts]
    assert len(texts[0]) > LONGEST_IN_COMPANY
    assert Lexical().score(pairs) == [Lexical().score([pair])[0] for pair in pairs]


def test_lexical_flags_what_each_part_finds_once() -> None:
    summary = "Jane Roe said the storm closed 40 schools in Springfield."
    (score,) = _scores(ARTICLE, summary)
    assert _flagged(summary, score.flags) == [("entity", "Roe"), ("number", "40")]
    assert score.value is not None
    assert score.value < 0.1
    assert score.flags[1].message == "the article says 14, in sentence 2"


def test_lexical_value_is_made_of_its_sentences_alone() -> None:
    summary = "The storm closed 40 schools. Jane Doe spoke on Monday. Rivers rose."
    (score,) = _scores(ARTICLE, summary)
    values = [sentence.value for sentence in score.sentences]
    assert len(values) == 3
    assert score.value == odds_added(values)
    assert score.parts["mean"] == sum(values) / 3
    assert score.parts["min"] == min(values)


def test_lexical_adds_the_odds_of_flags_to_those_of_support() -> None:
    summary = "The storm closed 40 schools in Springfield."
    (score,) = _scores(ARTICLE, summary)
    support = score.parts["support"]
    assert score.value == pytest.approx(1 / (1 / support + ODDS["number"]))


def test_lexical_has_the_parts_that_apply() -> None:
    (score,) = _scores(ARTICLE, "Schools closed.")
    assert "numbers" not in score.parts
    assert {"support", "mean", "min"} <= score.parts.keys()
    (score,) = _scores(ARTICLE, "The storm closed 14 schools.")
    assert score.parts["numbers"] == 1.0


def test_lexical_hardly_minds_a_count_of_what_the_article_lists() -> None:
    article = "Doe, Roe and Noone were hurt."
    counted = _value(article, "Three were hurt.")
    (score,) = _scores(article, "Three were hurt.")
    assert [flag.kind for flag in score.flags] == ["count"]
    assert counted > 2 * _value(article, "Some 1,300 were hurt.")


def test_no_value_of_lexical_flags_by_itself() -> None:
    assert Lexical.thresholds["flagged"] == 0
    assert 0 < Lexical.thresholds["supported"] < Lexical.thresholds["sentence"] < 1
    assert _value(ARTICLE, "The storm closed 14 schools.") >= Lexical.thresholds["supported"]


@pytest.mark.parametrize(
    ("article", "summary", "note"),
    [
        ("", "It rained.", "the article is empty"),
        ("It rained.", " \n", "the summary is empty"),
        ("It rained.", "…", "the summary has no words"),
    ],
)
def test_lexical_without_words_has_a_note(article: str, summary: str, note: str) -> None:
    (score,) = _scores(article, summary)
    assert score == Score(None, note=note)


def test_lexical_says_what_it_did_not_check_in_another_language() -> None:
    article = "Der Sturm schloss am Montag 14 Schulen und Bahnhöfe, teilte Jana Müller mit. " * 3
    (score,) = _scores(article, "Ein Sturm schloss 40 Schulen.")
    assert ("number", "40") in _flagged("Ein Sturm schloss 40 Schulen.", score.flags)
    skipped = [name for name, part in PARTS.items() if part.english]
    assert skipped == ["dates", "polarity", "roles"]
    assert score.note == (
        "the article is not English, so these were not checked: most dates, most negations, roles"
    )
    assert not score.parts.keys() & set(skipped)


def test_merged_flags_do_not_overlap_and_the_earlier_check_wins() -> None:
    summary = "Rivers near New Roeville rose 40 feet."
    number = Flag(Span(summary.index("40"), summary.index(" feet")), "number", "n")
    entity = Flag(Span(12, 24), "entity", "e")
    loser = Flag(Span(0, 24), "role", "r")
    whole = Flag(Span(0, len(summary)), "unsupported", "u")
    assert _flagged(summary, merge_flags(summary, [[number], [entity], [loser], [whole]])) == [
        ("unsupported", "Rivers near "),
        ("entity", "New Roeville"),
        ("unsupported", " rose "),
        ("number", "40"),
        ("unsupported", " feet."),
    ]


@quickly
@example(article="the The not. mayor")
@given(article=TEXTS)
def test_a_copied_sentence_has_no_flags(article: str) -> None:
    sentences = [span.of(article) for span in text.sentences(article)]
    for score in _scores(article, *sentences):
        assert score.value in (None, 1.0)
        assert not score.flags


@quickly
@example(article="the", summary="دفع the دفع")  # words without case in a sentence without capitals
@given(article=TEXTS, summary=TEXTS)
def test_a_foreign_number_name_or_word_never_raises_the_score(article: str, summary: str) -> None:
    before, *after = _scores(
        article,
        summary,
        *(f"{summary}\n\nThen {each} came." for each in ("987,654,321", "Zyxgorod", "xqzv")),
    )
    for score in after:
        if score.value is not None:
            assert score.value < 1.0
            assert before.value is None or score.value <= before.value


@quickly
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=4))
def test_lexical_of_a_batch_is_that_of_its_parts(pairs: list[tuple[str, str]]) -> None:
    batch = Lexical().score([(Article("a", one), Summary("a", other)) for one, other in pairs])
    assert batch == [_scores(one, other)[0] for one, other in pairs]


CLAIMS = st.sampled_from(
    [
        *(
            "did",
            "not",
            "may",
            "never",
            "close",
            "opened",
            "beat",
            "Springfield",
            "Roe",
            "was",
            "by",
        ),
        *("schools,", "more", "fewer", "than", "15", "last", "week.", "rose", "fell.", "“storm"),
    ]
)
NEWS = st.lists(st.sampled_from(WORDS) | CLAIMS, max_size=30).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(article=NEWS, summary=NEWS)
def test_a_part_that_shows_no_evidence_has_the_same_value_and_flags(
    article: str, summary: str
) -> None:
    for part in PARTS.values():
        index, brief = part.index(article, date(2015, 3, 4)), part.index(article, date(2015, 3, 4))
        brief.wants_evidence = False
        whole, score = index.check(summary), brief.check(summary)
        assert (score.value, score.flags, score.note) == (whole.value, whole.flags, whole.note)


@quickly
@given(article=TEXTS, summary=TEXTS)
def test_lexical_never_exceeds_support_and_its_spans_keep_order(article: str, summary: str) -> None:
    (score,) = _scores(article, summary)
    (support,) = Support().score([(Article("a", article), Summary("a", summary))])
    assert (score.value is None) == (support.value is None)
    if score.value is not None and support.value is not None:
        assert 0 < score.value <= support.value + 1e-12
    spans = [flag.span for flag in score.flags]
    assert all(any(map(str.isalnum, span.of(summary))) for span in spans)
    assert all(one.end <= other.start for one, other in itertools.pairwise(spans))
    evidence = [span for flag in score.flags for span in flag.evidence]
    assert all(0 <= span.start < span.end <= len(article) for span in evidence)


def _news(paragraphs: range) -> str:
    """Return news in which every paragraph has names, numbers, dates and quotations of its own."""
    return "\n\n".join(
        f"Councillor Jane Doe{n} of Spring{n}field said on {n % 28 + 1} May 2015 that {n * 7} "
        f"homes in the valley were not flooded. “We may lose {n} schools,” Mayor Roe{n} told "
        "the BBC. "
        f"The {n}th storm closed £{n}m of roads, up from {n}% last week, and beat River{n} United."
        for n in paragraphs
    )


def _calls_of_lexical(article: str, *summaries: str) -> int:
    """Return how many functions are called, which no other load of the machine changes."""
    before, calls = sys.getprofile(), 0

    def count(_frame: object, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        _scores(article, *summaries)
    finally:
        sys.setprofile(before)
    return calls


def test_lexical_takes_work_in_proportion_to_the_article() -> None:
    summary = "Jane Doe3 said 21 homes were flooded. Mayor Roe5 may lose 6 schools, not roads."
    _scores(_news(range(1000, 1180)), summary)  # words that were met before are remembered
    short, long = (_calls_of_lexical(_news(range(n)), summary) for n in (20, 160))
    assert 4 * short < long < 10 * short


def test_lexical_indexes_an_article_once_for_all_its_summaries() -> None:
    article = _news(range(120))
    summaries = [f"Jane Doe{n} said {n * 7} homes were flooded." for n in range(8)]
    alone = sum(_calls_of_lexical(article, each) for each in summaries)
    together = _calls_of_lexical(article, *summaries)
    assert together < alone / 4


PAGE = 6_000  # characters
HOSTILE = [
    *("1 000 ", "01/02/2020 ", "May 4, 2026 ", "last week ", "1990s and ", "9 ", "half a "),
    *("“x y z,” Doe said. ", "Roe beat Doe. ", "Jane Doe ", "A. ", "U.S.", "“", "``a'' ", "• a\n"),
    *("洪水", "a\u200d", "\ud800", "😀", "دفع ٥ "),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_lexical_of_a_hostile_page_takes_less_than_a_second(piece: str) -> None:
    page = (piece * PAGE)[:PAGE]
    for article, summary in ((page, ARTICLE), (ARTICLE, page), (page, f"{page[: PAGE // 2]} x")):
        assert clock.seconds(functools.partial(_scores, article, summary), 1) < 1
        (score,) = _scores(article, summary)
        assert (score.value is None) <= bool(score.note)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("article", "summary"),
    [
        ("The storm closed 14 schools in the valley. " * 23_000, "The valley closed 15 storms."),
        ("the " * 250_000, "the the the mayor of the the."),
        ("x" * 1_000_000, "y" * 1_000_000),
        ("دفع ٥ 7 " * 100_000, "😀 \ud800 دفع ٥"),
    ],
    ids=["a repeated sentence", "one word", "one endless word", "another script"],
)
def test_lexical_of_a_megabyte_takes_seconds(article: str, summary: str) -> None:
    found: list[Score] = []
    assert clock.seconds(lambda: found.extend(_scores(article, summary)), 30) < 30
    assert found[0].value is not None


@pytest.mark.parametrize(
    ("summary", "marked"),
    [
        ("The storm closed more than 30 schools in Springfield.", "more than 30"),
        ("The storm closed the last 30 schools.", "the last 30"),
        ("Jane Doe became mayor at the age of 30.", "the age of 30"),
        ("The mayor, a 30-year-old, spoke.", "30-year-old"),
        ("The mayor of the Hague spoke.", "the Hague"),
        ("The storm closed 30 schools; 40 were open.", "30"),
        ("The mayor told Bathe 30 things.", "30"),
    ],
)
def test_a_likely_error_is_marked_with_the_words_that_belong_to_it(
    summary: str, marked: str
) -> None:
    [score] = _scores(ARTICLE, summary)
    assert marked in [flag.span.of(summary) for flag in score.flags]


@quickly
@given(TEXTS, st.lists(st.sampled_from([*WORDS, "more than", "the age of", "year-old"])))
def test_wider_marks_do_not_overlap(article: str, words: list[str]) -> None:
    [score] = _scores(article, " ".join(words))
    spans = [flag.span for flag in score.flags]
    assert all(first.end <= second.start for first, second in itertools.pairwise(spans))


def test_mark_that_goes_on_behind_another_leaves_no_blank_between_them() -> None:
    unsupported = Flag(Span(0, 20), "unsupported", "is not in the article")
    number = Flag(Span(7, 12), "number", "is not in the article")
    summary = "record 34000 tonnes."
    merged = merge_flags(summary, [[number], [unsupported]])
    assert [flag.span.of(summary) for flag in merged] == ["record ", "34000", " tonnes."]


@pytest.mark.parametrize(
    ("article", "summary", "marked"),
    [
        (
            "Roe moved to Leeds on loan.",
            "Roe moved to Leeds until the end of the season.",
            "season",
        ),
        ("Roe moved to Leeds for this campaign.", "Roe moved to Leeds next season.", ""),
        (
            "The hall opened to the public.",
            "The hall was shown to the public for the first time.",
            "",
        ),
        ("The hall is shown to the public.", "The hall is shown for the first time.", "first"),
        ("The ship reached Leeds.", "The ship reached Leeds after more than a decade.", "decade"),
        ("The ship left in 2004.", "The ship has been away for more than a decade.", ""),
    ],
)
def test_a_time_of_which_the_article_says_nothing(article: str, summary: str, marked: str) -> None:
    flags = Lexical().score([(Article("a", article), Summary("a", summary))])[0].flags
    said = [flag.span.of(summary) for flag in flags if flag.kind == "circumstance"]
    assert [marked in words for words in said] == ([True] if marked else [])


@pytest.mark.parametrize(
    ("article", "summary", "marked"),
    [
        ("An airport was shut.", "He was held at Heathrow Airport.", "Heathrow Airport"),
        ("A university won.", "The University of Aberdeen won.", "The University of Aberdeen"),
        ("Minister Roe won.", "Prime Minister Rex Roe won.", "Rex"),
        ("Roe left in Kent.", "Roe left in Kent on Saturday night.", "Saturday night"),
        ("The 19th was hot.", "It is of the 17th century.", "the 17th century"),
    ],
)
def test_marks_cover_the_rest_of_a_name_and_of_a_time(
    article: str, summary: str, marked: str
) -> None:
    flags = Lexical().score([(Article("a", article), Summary("a", summary))])[0].flags
    assert marked in [flag.span.of(summary) for flag in flags]


def test_a_year_counted_from_one_of_the_article_is_no_wrong_number() -> None:
    article = "The probe missed Venus in 2010 but reached its orbit five years later."
    right, wrong = _scores(article, *(f"The probe reached Venus in {y}." for y in (2015, 2017)))
    assert [[flag.kind for flag in each.flags] for each in (right, wrong)] == [[], ["date"]]


@pytest.mark.parametrize(
    ("article", "summary", "wrong"),
    [
        (
            "Attacks come more than four a month.",
            "Attacks come more than four a week.",
            "more than four a week",
        ),
        ("Attacks come more than four a month.", "Attacks come four times a month.", ""),
        ("It costs £38 a head per day.", "It costs £38 per person per day.", ""),
        ("The soil had 7.9 mg/kg of nitrate.", "The soil had 7.9 g/kg.", "7.9 g/kg"),
        ("The soil had 7.9 mg/kg of nitrate.", "The soil had 7.9 mg of nitrate.", ""),
        (
            "He got amoxicillin 1 g three times a day. Metformin 500 mg was held.",
            "He got amoxicillin 500 mg three times a day.",
            "500 mg",
        ),
        (
            "He got amoxicillin 1 g three times a day. Metformin 500 mg was held.",
            "He got metformin 500 mg.",
            "",
        ),
        (
            "Profit was $36.1 million (2021: $44.8 million).",
            "Profit rose to $36.1 million.",
            "rose",
        ),
        ("Profit was $36.1 million (2021: $44.8 million).", "Profit fell to $36.1 million.", ""),
        ("Debt was $88m, compared with $61m in 2021.", "Debt fell to $88m.", "fell"),
    ],
)
def test_a_known_number_of_another_time_or_unit_or_way_is_a_likely_error(
    article: str, summary: str, wrong: str
) -> None:
    (score,) = _scores(article, summary)
    likely = [flag for flag in score.flags if flag_kind(flag.kind).hard]
    assert [flag.span.of(summary) for flag in likely] == ([wrong] if wrong else [])


_WORDS_OF_NOBODY = "Mary Jones of Leeds spoke at the fair on Monday. The family thanked the crowd."


@pytest.mark.parametrize(
    ("article", "summary"),
    [
        (_WORDS_OF_NOBODY, "The children rode on a rollercoaster."),
        (_WORDS_OF_NOBODY, "A selfie was posted with a hashtag."),
        (_WORDS_OF_NOBODY, "The question arose whether wolves and mice had misled the family."),
        ("Hruska won the 17th stage of the race on Friday.", "Hruska wins stage 17 of the race."),
        (
            "The rocket put nine satellites in orbit on its maiden flight. The second flight will "
            "be in December.",
            "The rocket put nine satellites in orbit on its first flight.",
        ),
        (
            "The court cut the sentence of the lawmaker from nine years to five.",
            "The court shortened the lawmaker's sentence by four years.",
        ),
        ("France trailed Wales 17-6 at half-time.", "France trailed by 11 points at half-time."),
        (
            "Quiroga is second, two minutes and 50 seconds behind.",
            "Quiroga, who is second, is almost three minutes behind.",
        ),
        (
            "The boat ran out of fuel on the third day and drifted. All were rescued.",
            "All were rescued from a boat that had no fuel left.",
        ),
        (
            "The bank raised its rate. Analysts had expected a smaller rise.",
            "The rise was bigger than analysts had expected.",
        ),
        (
            "South Korea will build four reactors by 2038, a ministry said.",
            "Seoul will build four reactors by 2038.",
        ),
    ],
)
def test_what_follows_from_the_article_is_no_likely_error(article: str, summary: str) -> None:
    (score,) = _scores(article, summary)
    assert not [flag for flag in score.flags if flag_kind(flag.kind).hard]


@pytest.mark.parametrize(
    ("article", "summary", "marked"),
    [
        ("MPs voted against the plan in July.", "MPs voted for the plan in July.", "voted for"),
        ("Hruska won the 17th stage of the race.", "Hruska wins stage 16 of the race.", "16"),
        (
            "The court cut the sentence of the lawmaker from nine years to five.",
            "The court cut the lawmaker's sentence by three years.",
            "three years",
        ),
        (
            "South Korea will build four reactors by 2038, a ministry said.",
            "South Korea will build four reactors in Seoul by 2038.",
            "Seoul",
        ),
        (
            "a fair was held on monday. the family thanked the crowd of anna jones.",
            "the family of kowalczyk thanked the crowd.",
            "kowalczyk",
        ),
    ],
)
def test_what_does_not_follow_is_a_likely_error(article: str, summary: str, marked: str) -> None:
    (score,) = _scores(article, summary)
    assert marked in [flag.span.of(summary) for flag in score.flags if flag_kind(flag.kind).hard]


def test_sides_of_two_people_are_both_right() -> None:
    article = "He argued for a ban on phones while she argued against the ban."
    for summary in ("She argued against the ban.", "He argued for a ban."):
        (score,) = _scores(article, summary)
        assert not [flag for flag in score.flags if flag.kind == "antonym"]
