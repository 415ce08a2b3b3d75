"""Planted errors, against the pairs that ship with the project and against texts of no sense."""

import json
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import clock
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness import text
from evalharness.errors import ConfigError, DataError, UnknownComponent
from evalharness.meta.planted import measure as planted_pairs
from evalharness.meta.planted.lexicon import (
    INVENTED_ACRONYMS,
    INVENTED_ORGANISATIONS,
    INVENTED_PLACES,
    INVENTED_SURNAMES,
    INVENTED_TEAMS,
    OPPOSITE_WORDS,
    OTHER_COUNTRIES,
    OTHER_NATIONALITIES,
    PAST_AND_PARTICIPLE,
)
from evalharness.meta.planted.measure import (
    ALL_KINDS,
    KINDS,
    LONGEST_SUMMARY,
    ErrorKind,
    Planted,
    SupportedPair,
    measure,
    outcome,
    plant,
)
from evalharness.protocols import Need, Pair
from evalharness.records import Article, Flag, Score, Span
from evalharness.stats.intervals import wilson

ROOT = Path(__file__).parents[1]
SHARED = Path(__file__).parents[2] / "shared" / "data"

ARTICLE = (
    "The council in Leeds approved 14 new homes on Monday, said Mary Hopkins, its leader. "
    "The homes stand 300 metres from the river and may cost £3.2 million. “We are proud of this,” "
    "Ms Hopkins said. The homes were not opposed by John Grady, 52, a farmer. Tom Brill, who lives "
    "in York, criticised Mr Grady in March 2015 after prices rose by 12 percent. "
    "Anna Tully, a nurse, spoke last."
)
SUMMARIES: dict[ErrorKind, str] = {
    "number": "The council approved 14 new homes.",
    "unit": "The homes stand 300 metres from the river.",
    "date": "The homes were approved on Monday.",
    "entity_swap": "The homes were backed by Mary Hopkins.",
    "novel_entity": "The council in Leeds approved new homes.",
    "negation": "The homes were approved by the council.",
    "antonym": "Prices rose by 12 percent.",
    "role_swap": "Tom Brill criticised John Grady in 2015.",
    "misattributed_quote": "“We are proud of this,” said Mary Hopkins.",
    "hedge_dropped": "The homes may cost £3.2 million.",
    "invented_sentence": "The council approved new homes.",
}


@cache
def supported() -> tuple[SupportedPair, ...]:
    return tuple(planted_pairs.supported_pairs([planted_pairs.QUICKSTART_ARTICLES]))


@cache
def planted(kind: ErrorKind, seed: int = 0) -> tuple[tuple[SupportedPair, Planted], ...]:
    made = ((pair, plant(pair.article.text, pair.summary, kind, seed)) for pair in supported())
    return tuple((pair, error) for pair, error in made if error is not None)


def folded(article: str) -> str:
    return f" {' '.join(text.fold(word.of(article)) for word in text.words(article))} "


def has(article: str, phrase: str) -> bool:
    return f" {folded(phrase).strip()} " in folded(article)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_planted_where_it_applies(kind: ErrorKind) -> None:
    error = plant(ARTICLE, SUMMARIES[kind], kind)

    assert error is not None
    assert error.kind == kind
    assert error.summary != SUMMARIES[kind]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_span_holds_what_was_planted_and_the_rest_is_untouched(kind: ErrorKind, seed: int) -> None:
    for pair, error in planted(kind, seed):
        new, span = error.span.of(error.summary), error.span

        assert new
        assert new == new.strip()
        assert new != error.stood
        assert pair.summary.startswith(error.summary[: span.start].rstrip(" .") or "")
        assert pair.summary.endswith(error.summary[span.end :])
        rest = error.summary[: span.start] + error.stood + error.summary[span.end :]
        assert re.sub(r"[\s.]", "", rest) == re.sub(r"[\s.]", "", pair.summary)


@pytest.mark.parametrize("kind", KINDS)
def test_planting_is_determined_by_its_seed(kind: ErrorKind) -> None:
    for pair, error in planted(kind):
        assert plant(pair.article.text, pair.summary, kind, 0) == error
    if len(planted(kind)) > 10:
        assert any(
            plant(pair.article.text, pair.summary, kind, seed) != error
            for pair, error in planted(kind)
            for seed in (1, 2, 3)
        )


@pytest.mark.parametrize(
    ("kind", "summary"),
    [
        ("number", "The council approved new homes."),
        ("number", "It happened in 2015."),
        ("unit", "There are 14 homes."),
        ("date", "The council approved 14 homes."),
        ("entity_swap", "The council approved the homes."),
        ("entity_swap", "Leeds and York approved the homes."),
        ("novel_entity", "The homes stand near the river."),
        ("negation", "New homes near the river"),
        ("antonym", "The council approves of homes near the river."),
        ("role_swap", "It criticised the plan."),
        ("misattributed_quote", "Mary Hopkins said she was proud."),
        ("hedge_dropped", "The homes cost a lot."),
        ("invented_sentence", ""),
    ],
)
def test_kind_that_does_not_apply_gives_none(kind: ErrorKind, summary: str) -> None:
    assert plant(ARTICLE, summary, kind) is None


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_wrong_number_is_not_the_articles(seed: int) -> None:
    assert len(planted("number", seed)) > 80
    for pair, error in planted("number", seed):
        assert not has(pair.article.text, error.span.of(error.summary))
        assert bool(re.search(r"\d", error.stood)) == bool(
            re.search(r"\d", error.span.of(error.summary))
        )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_wrong_unit_keeps_the_value(seed: int) -> None:
    for pair, error in planted("unit", seed):
        new = error.span.of(error.summary)

        assert re.findall(r"\d+", new) == re.findall(r"\d+", error.stood)
        assert not has(pair.article.text, new)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_wrong_date_is_not_named_in_the_article(seed: int) -> None:
    for pair, error in planted("date", seed):
        new = error.span.of(error.summary)
        before = error.summary[: error.span.start].split()[-1]

        relative = before.lower() in ("last", "next")
        assert not has(pair.article.text, f"{before} {new}" if relative else new)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_swapped_name_is_in_the_article_and_not_in_the_sentence(seed: int) -> None:
    assert len(planted("entity_swap", seed)) > 30
    for pair, error in planted("entity_swap", seed):
        new = error.span.of(error.summary)

        assert has(pair.article.text, new)
        assert not has(pair.article.text, error.summary)
        assert not set(folded(new).split()) & set(folded(error.stood).split())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_novel_name_has_no_word_of_the_article(seed: int) -> None:
    assert len(planted("novel_entity", seed)) > 40
    for pair, error in planted("novel_entity", seed):
        for word in text.words(new := error.span.of(error.summary)):
            assert not has(pair.article.text, word.of(new))


def test_invented_names_are_not_names_of_the_shipped_articles() -> None:
    names = (
        *(*INVENTED_ACRONYMS, *INVENTED_ORGANISATIONS, *INVENTED_PLACES, *INVENTED_SURNAMES),
        *(*INVENTED_TEAMS, *OTHER_COUNTRIES, *OTHER_NATIONALITIES),
    )

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", ["antonym", "negation", "role_swap", "hedge_dropped"])
def test_changed_sentence_is_no_sentence_of_the_article(kind: ErrorKind) -> None:
    for pair, error in planted(kind):
        for sentence in text.sentences(error.summary):
            if sentence.start <= error.span.start < sentence.end:
                assert not has(pair.article.text, sentence.of(error.summary))


def test_antonym_is_an_opposite_of_the_word_that_stood_there() -> None:
    for _, error in planted("antonym"):
        assert error.span.of(error.summary).lower() in OPPOSITE_WORDS[error.stood.lower()]


def test_negation_puts_a_not_in_or_takes_a_denial_out() -> None:
    denials = re.compile(r"\b(?:not|never|no longer|cannot|failed|refuse[sd]|unable)\b|n[’']t")
    for _, error in planted("negation"):
        was, now = denials.search(error.stood), denials.search(error.span.of(error.summary))
        assert bool(was) != bool(now)


def test_role_swap_exchanges_the_two_and_keeps_the_verb() -> None:
    error = plant(ARTICLE, SUMMARIES["role_swap"], "role_swap")

    assert error is not None
    assert error.summary == "John Grady criticised Tom Brill in 2015."
    assert error.stood == "Tom Brill criticised John Grady"


def test_hedge_becomes_a_fact() -> None:
    error = plant(ARTICLE, SUMMARIES["hedge_dropped"], "hedge_dropped")

    assert error is not None
    assert error.summary == "The homes will cost £3.2 million."


def test_a_number_the_article_states_in_words_is_not_planted() -> None:
    article = "Two, three, four, five, six, seven, eight, nine, ten, eleven or twelve dogs ran."

    assert plant(article, "Two dogs ran.", "number") is None


def test_a_hedged_number_is_changed_to_the_false_side() -> None:
    article = "In all 120 people came."
    made = [plant(article, "More than 100 people came.", "number", seed) for seed in range(20)]

    values = [int(error.span.of(error.summary)) for error in made if error]
    assert values
    assert min(values) > 120


def test_an_age_is_not_counted_in_months() -> None:
    assert plant("A man, 47, fell.", "A 47-year-old man fell.", "unit") is None


def test_words_inside_a_quotation_are_changed_only_as_a_quotation() -> None:
    summary = "She said: “We won 14 games on Monday and prices rose by 12 percent.”"
    article = f"Mary Hopkins spoke. {summary} Tom Brill did not."

    for kind in KINDS:
        if kind not in ("misattributed_quote", "invented_sentence"):
            assert plant(article, summary, kind) is None, kind


def test_lower_cased_summary_stays_so() -> None:
    summary = "mary hopkins of leeds approved the homes . tom brill from york did not ."
    for seed in range(5):
        for kind in KINDS:
            error = plant(ARTICLE, summary, kind, seed)
            if error is not None and kind != "invented_sentence":
                assert error.summary == error.summary.lower(), kind


def test_invented_sentence_stands_behind_a_sentence() -> None:
    for pair, error in planted("invented_sentence"):
        spans = text.sentences(error.summary)

        assert error.span in spans
        assert error.stood == ""
        assert len(spans) == len(text.sentences(pair.summary)) + 1


def test_verb_forms_are_three_different_sorts_of_words() -> None:
    assert all(
        base.isalpha() and past and done for base, (past, done) in PAST_AND_PARTICIPLE.items()
    )
    assert PAST_AND_PARTICIPLE["carry"] == ("carried", "carried")
    assert PAST_AND_PARTICIPLE["approve"] == ("approved", "approved")


HOSTILE = (
    *("", " ", "\n\n", ".", "“", "\"'“”‘’``''", "\ud800 Leeds 14 \udfff said “no”", "\0\0"),
    *("🎉 14 🎉 Monday", "לא היו 14 בתים ביום שני", "市议会批准了14套住房。“好”", "A" * 5000),
    *("14 " * 3000, "Mr Grady said “no”. " * 500, "Leeds York " * 800, "(" * 2000, "not " * 2000),
    *("1e999 9" * 50, "9" * 4000, "٤٥ ½ ⅔ Ⅳ 1/0", "from Leeds to York " * 400, "“a" * 2000),
)


@pytest.mark.parametrize("summary", HOSTILE)
def test_hostile_summary_never_raises(summary: str) -> None:
    def plant_all() -> None:
        for article in (ARTICLE, "", summary):
            for kind in KINDS:
                error = plant(article, summary, kind)
                assert error is None or error.span.of(error.summary)

    assert clock.seconds(plant_all, 20) < 20


def test_megabyte_is_no_summary_and_may_be_an_article() -> None:
    huge = f"{ARTICLE} " * (2**20 // len(ARTICLE))

    assert len(huge) > LONGEST_SUMMARY
    assert all(plant(ARTICLE, huge, kind) is None for kind in KINDS)
    assert plant(huge, SUMMARIES["number"], "number") is not None


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200), st.integers(0, 3))
def test_any_text_gives_an_error_in_place_or_none(article: str, summary: str, seed: int) -> None:
    for kind in KINDS:
        error = plant(article, summary, kind, seed)
        if error is not None:
            rest = error.summary[: error.span.start] + error.stood + error.summary[error.span.end :]
            assert re.sub(r"[\s.]", "", rest) == re.sub(r"[\s.]", "", summary)


@dataclass(frozen=True)
class Everything:
    """Flags all of a summary that has more than 60 words, and gives it 0."""

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 1

    kind: str = "number"
    most_words: int = 0

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        return [self._score(summary.text) for _, summary in pairs]

    def _score(self, summary: str) -> Score:
        if len(summary.split()) <= self.most_words:
            return Score(None, note="not checked")
        return Score(0.0, flags=(Flag(Span(0, len(summary)), self.kind, "all of it"),))


def test_check_that_flags_everything_detects_all_and_points_at_nothing() -> None:
    record = measure(supported(), Everything()).record()

    assert record["pairs"] == len(supported()) == 96
    for kind in KINDS:
        found = record["planted"][kind]
        assert found["detected"]["rate"] == 1
        assert found["already_flagged"]["rate"] == (kind != "invented_sentence")
        assert found["n"] + found["not_applicable"] == 96
        assert found["recall"] == 1
        assert found["score_dropped"]["rate"] == 0
    assert record["planted"]["number"]["right_kind"]["rate"] == 1
    assert record["planted"]["novel_entity"]["right_kind"]["rate"] == 0
    assert record["planted"]["number"]["precision"] < 0.1
    assert record["false_alarms"]["all copied"]["rate"] == 1


def test_check_that_says_nothing_detects_nothing() -> None:
    record = measure(supported(), Everything(most_words=10**6)).record()

    assert all(record["planted"][kind]["detected"]["rate"] == 0 for kind in KINDS)
    assert all(record["planted"][kind]["precision"] is None for kind in KINDS)
    assert all(found["rate"] == 0 for found in record["false_alarms"].values())


def test_figures_of_written_and_copied_summaries_add_up() -> None:
    record = measure(supported(), Everything()).record()

    for kind in KINDS:
        apart = [record[part][kind]["n"] for part in ("planted_in_written", "planted_in_copied")]
        assert sum(apart) == record["planted"][kind]["n"]
    assert record["false_alarms"]["all written"]["n"] == 48


def test_numbers_check_finds_the_numbers_and_flags_no_copy() -> None:
    found = planted_pairs.selftest(["numbers"])["numbers"]

    assert found["planted"]["number"]["detected"]["rate"] > 0.95
    assert found["planted"]["number"]["right_kind"]["rate"] > 0.95
    assert found["planted"]["entity_swap"]["detected"]["rate"] == 0
    assert found["false_alarms"]["all copied"]["rate"] == 0


PAIR = SupportedPair(Article("a", ARTICLE), "The council approved 14 homes.", "written")
ERROR = Planted("number", "The council approved 1,900 homes.", Span(21, 26), "14")


@pytest.mark.parametrize(
    ("span", "detected", "pointed", "both"),
    [
        (Span(21, 26), True, True, 5),
        (Span(0, 33), True, False, 5),
        (Span(21, 23), True, False, 2),
        (Span(18, 26), True, True, 5),
        (Span(26, 30), False, False, 0),
        (Span(0, 21), False, False, 0),
    ],
)
def test_outcome_tells_how_well_a_flag_points(
    span: Span, detected: bool, pointed: bool, both: int
) -> None:
    after = Score(0.5, flags=(Flag(span, "number", ""),))
    made = outcome(PAIR, ERROR, Score(1.0), after)

    assert (made.detected, made.pointed, made.n_both) == (detected, pointed, both)
    assert made.right_kind == detected
    assert made.n_wrong == 5
    assert made.n_flagged == span.end - span.start


def test_outcome_counts_a_flag_that_was_there_before() -> None:
    flag = Flag(Span(21, 23), "number", "")
    made = outcome(PAIR, ERROR, Score(0.5, flags=(flag,)), Score(0.5, flags=(flag,)))

    assert made.already
    assert not made.score_dropped


def test_outcome_takes_a_score_that_did_not_apply_for_full() -> None:
    assert outcome(PAIR, ERROR, Score(None), Score(0.9)).score_dropped
    assert not outcome(PAIR, ERROR, Score(None), Score(None)).score_dropped
    assert not outcome(PAIR, ERROR, Score(0.9), Score(None)).score_dropped


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (7, 48), (1, 1), (0, 1), (480, 1000)])
def test_wilson_equals_scipy(hits: int, n: int) -> None:
    stats = pytest.importorskip("scipy.stats")

    low, high = wilson(hits, n)
    expected = stats.binomtest(hits, n).proportion_ci(method="wilson")

    assert math.isclose(low, expected.low, abs_tol=1e-12)
    assert math.isclose(high, expected.high, abs_tol=1e-12)


def test_wilson_without_cases_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def _lines(path: Path, rows: Sequence[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_labelled_rows_give_their_summary_if_the_label_is_one(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"id": str(i), "article": ARTICLE, "summary": f"Summary {i}.", "human": human}
        for i, human in enumerate([1, 0, None, True, "1"])
    ]
    path = _lines(tmp_path / "mine.jsonl", rows)

    pairs = planted_pairs.supported_pairs([path], label="human")
    written = [pair for pair in pairs if not pair.copied]

    assert [pair.summary for pair in written] == ["Summary 0.", "Summary 3.", "Summary 4."]
    assert {pair.group for pair in written} == {"mine"}
    assert sum(pair.copied for pair in pairs) == 2  # one article, copied twice


def test_rows_without_a_label_give_their_references(tmp_path: Path) -> None:
    path = _lines(tmp_path / "refs.jsonl", [{"article": ARTICLE, "references": ["One.", "Two."]}])

    written = [pair for pair in planted_pairs.supported_pairs([path]) if not pair.copied]

    assert [pair.summary for pair in written] == ["One.", "Two."]


def test_copied_summaries_are_the_articles_sentences() -> None:
    for pair in supported():
        if pair.copied:
            for sentence in text.sentences(pair.summary):
                assert has(pair.article.text, sentence.of(pair.summary))


def test_files_without_a_supported_pair_are_refused(tmp_path: Path) -> None:
    path = _lines(tmp_path / "bad.jsonl", [{"article": ARTICLE, "summary": "No.", "label": 0}])

    with pytest.raises(DataError, match=r"no row has label 1"):
        planted_pairs.supported_pairs([path])
    with pytest.raises(DataError, match="no such file"):
        planted_pairs.supported_pairs([tmp_path / "none.jsonl"])


def test_unknown_check_or_kind_is_refused() -> None:
    with pytest.raises(UnknownComponent, match="entities"):
        planted_pairs.selftest(["entitise"])
    with pytest.raises(ConfigError, match="no kind of error or edit 'typo'"):
        planted_pairs.kinds_of("number,typo")
    assert planted_pairs.kinds_of("") == ALL_KINDS
    assert planted_pairs.kinds_of("date,number") == ("number", "date")


def evalharness(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evalharness", "selftest", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_command_prints_a_table_of_each_check() -> None:
    done = evalharness(
        "--checks", "--check", "numbers", "--check", "entities", "--kinds", "number,date,role_swap"
    )

    assert done.returncode == 0, done.stderr
    assert "numbers: errors planted in 96 supported summaries" in done.stdout
    assert "entities: errors planted in 96 supported summaries" in done.stdout
    assert all(kind in done.stdout for kind in ("number", "date", "role_swap"))


def test_command_prints_json_of_the_kinds_that_are_asked_for() -> None:
    done = evalharness("--checks", "--check", "numbers", "--kinds", "number,date", "--json")

    record = json.loads(done.stdout)["numbers"]
    assert list(record["planted"]) == ["number", "date"]
    assert record == planted_pairs.selftest(["numbers"], kinds=("number", "date"))["numbers"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--check", "number"), "--checks"),
        (("--checks", "--check", "number"), "numbers"),
        (("--checks", "--data", "nowhere.jsonl"), "nowhere.jsonl"),
        (("--checks", "--kinds", "typo"), "typo"),
    ],
)
def test_command_refuses_what_it_cannot_do(arguments: tuple[str, ...], message: str) -> None:
    done = evalharness(*arguments)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared data")
def test_real_supported_pairs_take_errors_of_every_kind() -> None:
    consistency = SHARED / "consistency"
    pairs = [
        *planted_pairs.supported_pairs([SHARED / "articles" / "zhang23_writers.jsonl"]),
        *planted_pairs.supported_pairs([consistency / "cao22.jsonl.gz"], "label_strict"),
        *planted_pairs.supported_pairs([consistency / "cliff.jsonl.gz"]),
    ]
    record = measure(pairs, Everything()).record()

    assert sum(not pair.copied for pair in pairs) > 300
    least = {"role_swap": 20, "hedge_dropped": 50, "misattributed_quote": 100, "unit": 100}
    for kind in KINDS:
        assert record["planted"][kind]["n"] >= least.get(kind, 300), kind
