"""Edits that leave the meaning as it is, what gaming puts in, and what a check makes of both."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from evalharness.cli.selftest import planted_text, selftest_command
from evalharness.errors import ConfigError
from evalharness.meta.cards import add_selftest, known_cards, markdown, write_cards
from evalharness.meta.evaluation import evaluate
from evalharness.meta.planted import measure
from evalharness.meta.planted.costs import WrittenSummary, measure_edits
from evalharness.meta.planted.edits import (
    BENIGN_KINDS,
    GAMING_KINDS,
    BenignKind,
    GamingKind,
    edit,
)
from evalharness.protocols import Need, Pair
from evalharness.records import Article, Flag, Score, Span

ARTICLE = (
    "The council in Leeds approved 14 new homes on Monday, said Mary Hopkins, its leader. "
    "The homes stand 300 metres from the river and may cost £3.2 million. “We are proud of this,” "
    "Ms Hopkins said. The homes were not opposed by John Grady, 52, a farmer. Tom Brill, who lives "
    "in York, criticised Mr Grady in March 2015 after prices rose by 12 percent. "
    "Anna Tully, a nurse, spoke last."
)


@pytest.mark.parametrize(
    ("kind", "summary", "edited"),
    [
        ("frame", "The council met.", None),  # no statement of four words
        (
            "frame",
            "The council approved homes.",
            "According to the article, the council approved homes.",
        ),
        (
            "synonym",
            "Prices rose by 12 percent after residents began to build many shops.",
            "Prices increased by 12 percent after inhabitants started to build many stores.",
        ),
        ("synonym", "Play is due to start.", None),
        ("synonym", "He found a lawyer.", None),  # an attorney
        (
            "reordering",
            "The council approved 14 new homes. Anna Tully spoke last of all.",
            "Anna Tully spoke last of all. The council approved 14 new homes.",
        ),
        ("reordering", "The council approved 14 new homes. She spoke last of all.", None),
        (
            "reordering",
            "The council has approved the homes on Monday.",
            "On Monday, the council has approved the homes.",
        ),
        ("reordering", "He said the council has approved the homes on Monday.", None),
        (
            "voice",
            "Tom Brill criticised John Grady in March 2015.",
            "John Grady was criticised by Tom Brill in March 2015.",
        ),
        ("voice", "The homes were opposed by Tom Brill.", "Tom Brill opposed the homes."),
        (
            "voice",
            "The council will approve the plan of the mayor.",
            "The plan of the mayor will be approved by the council.",
        ),
        ("voice", "He criticised John Grady.", None),
        (
            "number_format",
            "The council approved 12 new homes, and three shops.",
            "The council approved twelve new homes, and 3 shops.",
        ),
        ("number_format", "Leeds won 3-2 on 5 March.", "Leeds won 3-2 on March 5."),
        ("number_format", "It cost £3m.", "It cost £3 million."),
        ("number_format", "Prices rose by 8% and 1,400 left.", "Prices rose by 8% and 1400 left."),
        (
            "abbreviation",
            "The homes were not opposed by the Prime Minister.",
            "The homes weren't opposed by the PM.",
        ),
        ("abbreviation", "They told us so.", None),  # no US
        (
            "joined",
            "The council approved 14 new homes. The homes were not opposed by farmers.",
            "The council approved 14 new homes, and the homes were not opposed by farmers.",
        ),
        ("joined", "The council approved 14 new homes. However, farmers opposed them.", None),
        (
            "split",
            "The council approved 14 new homes on Monday, but the homes were not cheap.",
            "The council approved 14 new homes on Monday. But the homes were not cheap.",
        ),
        ("split", "She said the council approved new homes, but the homes were dear.", None),
        ("coreference", "Mary Hopkins said she was proud.", "Hopkins said she was proud."),
        ("coreference", "Hopkins said she was proud.", "Mary Hopkins said she was proud."),
        ("coreference", "Brill lives in York.", "Tom Brill lives in York."),
        (
            "copied_lead",
            "It is good.",
            "The council in Leeds approved 14 new homes on Monday, said Mary Hopkins, its leader. "
            "It is good.",
        ),
    ],
)
def test_edit_says_the_same_in_other_words(
    kind: BenignKind | GamingKind, summary: str, edited: str | None
) -> None:
    assert edit(ARTICLE, summary, kind) == edited


@pytest.mark.parametrize("kind", [*BENIGN_KINDS, *GAMING_KINDS])
def test_edit_is_determined_by_its_seed_and_changes_something(
    kind: BenignKind | GamingKind,
) -> None:
    for pair in measure.supported_pairs([measure.QUICKSTART_ARTICLES]):
        new = edit(pair.article.text, pair.summary, kind, seed=3)
        assert new == edit(pair.article.text, pair.summary, kind, seed=3)
        assert new is None or new.split() != pair.summary.split()


@pytest.mark.parametrize("kind", [*BENIGN_KINDS, *GAMING_KINDS])
def test_any_text_can_be_edited_or_is_left(kind: BenignKind | GamingKind) -> None:
    for summary in ("", " ", "…", "a", "\ud800 . .", "1 2 3.", "The the the the."):
        edit("", summary, kind)
        edit(ARTICLE, summary, kind)


# What a check makes of them.


@dataclass(frozen=True)
class ByLength:
    """A check that likes short summaries: 1 less a hundredth for each word; `wrong` is an error."""

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 1

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score by the number of words."""
        return [_by_length(summary.text) for _, summary in pairs]


def _by_length(summary: str) -> Score:
    at = summary.find("wrong")
    flags = (Flag(Span(at, at + 5), "number", "wrong"),) if at >= 0 else ()
    return Score(1 - len(summary.split()) / 100 - 0.2 * bool(flags), flags=flags)


def written(n: int, text: str, consistent: bool) -> list[WrittenSummary]:
    return [
        WrittenSummary(Article(f"a{i}", ARTICLE), text.format(i), "mine", consistent)
        for i in range(n)
    ]


def test_costs_are_shares_of_what_parts_good_from_bad() -> None:
    good = written(20, "The council approved {} homes.", True)
    bad = written(20, "The wrong approved {} homes.", False)
    costs = measure_edits([*good, *bad], ByLength(), ["voice", "frame"], ["appended_sentence"])
    record = costs.record(["voice", "frame"], ["appended_sentence"])

    assert math.isclose(record["gap"]["mean"], 0.2)
    frame = record["benign"]["frame"]
    assert frame["n"] == 20
    # Frames have two to six words, a hundredth each, of a gap of 0.2.
    assert 0.02 / 0.2 <= frame["cost_low"] <= frame["cost"] <= frame["cost_high"] <= 0.06 / 0.2
    assert frame["new_likely_errors"]["rate"] == 0
    game = record["gaming"]["appended_sentence"]
    assert (game["n"], game["raised"]["rate"], game["errors_gone"]["rate"]) == (20, 0, 0)
    assert game["gain"] < 0
    assert record["benign"]["voice"]["n"] + record["benign"]["voice"]["not_applicable"] == 20
    assert record["faithful"]["mine"]["likely_error"]["rate"] == 0
    assert record["faithful"]["mine"]["supported"]["rate"] == 1


def test_gaming_that_works_is_seen() -> None:
    class Fooled(ByLength):
        def score(self, pairs: Sequence[Pair]) -> list[Score]:
            return [Score(min(1.0, len(summary.text) / 1000)) for _, summary in pairs]

    bad = written(20, "The wrong approved {} homes.", False)
    costs = measure_edits(bad, Fooled(), [], GAMING_KINDS)
    record = costs.record([], GAMING_KINDS)

    assert all(record["gaming"][kind]["raised"]["rate"] == 1 for kind in GAMING_KINDS)
    assert record["gap"]["mean"] is None
    assert record["gaming"]["vague_text"]["gain"] is None


def test_summaries_that_people_made_sure_of_are_a_group_of_their_own() -> None:
    seeds = [
        WrittenSummary(
            Article(str(i), ARTICLE, extra={"system": "seed"}), "Homes stand.", "mine", True
        )
        for i in range(3)
    ]
    record = measure_edits(seeds, ByLength(), [], []).record([], [])
    assert {group: each["supported"]["n"] for group, each in record["faithful"].items()} == {
        "mine": 3,
        "mine seeds": 3,
    }


# The command, and the cards.


@pytest.fixture(scope="module")
def figures() -> dict[str, dict[str, Any]]:
    return measure.selftest(["numbers"], kinds=measure.kinds_of("number,frame,vague_text"))


def test_selftest_has_three_arms(figures: dict[str, dict[str, Any]]) -> None:
    record = figures["numbers"]
    assert record["inconsistent_by"] == "planted errors"
    assert [*record["planted"]] == ["number"]
    shown = planted_text("numbers", record)
    for words in ("harmless edit", "frame", "gaming", "vague_text", "supported", "likely"):
        assert words in shown
    assert "synonym" not in shown


def test_arm_without_a_kind_is_left_out() -> None:
    record = measure.selftest(["numbers"], kinds=measure.kinds_of("number"))["numbers"]
    assert "benign" not in record
    assert "harmless edit" not in planted_text("numbers", record)


def test_inconsistent_summaries_of_the_files_are_gamed(tmp_path: Path) -> None:
    rows = [
        {"article": ARTICLE, "summary": f"Leeds approved {n} homes.", "human": int(n == 14)}
        for n in (14, 15, 16)
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    kinds = measure.kinds_of("copied_lead,frame")
    record = measure.selftest(["numbers"], [path], ["human"], kinds=kinds)["numbers"]
    assert record["inconsistent_by"] == "labels"
    assert record["gaming"]["copied_lead"]["n"] == 2
    assert record["benign"]["frame"]["n"] == 1


def test_card_takes_what_edits_cost(tmp_path: Path, figures: dict[str, dict[str, Any]]) -> None:
    path = tmp_path / "cards.json"
    path.write_text(json.dumps({"cards": {"numbers": known_cards()["numbers"]}}))
    add_selftest(figures, path)

    card = json.loads(path.read_bytes())["cards"]["numbers"]
    assert [*card["selftest"]["benign"]] == ["frame"]
    text = markdown({"numbers": card})
    assert "| frame | " in text
    assert "| faithful summaries |" in text

    with pytest.raises(ConfigError, match="no card of lexical"):
        add_selftest({"lexical": figures["numbers"]}, path)


def test_cards_written_anew_keep_what_edits_cost_the_same_check(
    tmp_path: Path, figures: dict[str, dict[str, Any]]
) -> None:
    rows = [
        {"article": ARTICLE, "summary": f"Leeds approved {n} homes.", "label": int(n == 14)}
        for n in (14, 15)
    ]
    labels, path = tmp_path / "labels.jsonl", tmp_path / "cards.json"
    labels.write_text("".join(json.dumps(row) + "\n" for row in rows))
    agreement = evaluate([labels], ["numbers"], resamples=10)
    write_cards(agreement, path)
    add_selftest(figures, path)
    write_cards(agreement, path)
    assert "selftest" in known_cards(path)["numbers"]

    made = json.loads(path.read_bytes())
    made["cards"]["numbers"]["signature"] = "numbers|version:0"
    path.write_text(json.dumps(made))
    write_cards(agreement, path)
    assert "selftest" not in known_cards(path)["numbers"]


def test_selftest_says_before_its_work_that_a_file_has_no_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(*_: object) -> None:
        raise AssertionError("it began to measure")

    monkeypatch.setattr(measure, "selftest", measured)
    path = tmp_path / "cards.json"
    path.write_text('{"cards": {}}')
    with pytest.raises(ConfigError, match="no card of lexical"):
        selftest_command(checks=True, check=["lexical"], card=str(path))
