"""Studies for Label Studio and Potato: held against the tools where they are installed.

What people answered comes back as it was; the samples of each tool's own files were made by hand
from what it documents, Potato's after one that Potato 2.12.1 wrote.
"""

import importlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from test_annotations import Row, flags, ratings, row, spans, verdict

from evalharness.errors import DataError
from evalharness.meta.annotations import (
    AnnotationSet,
    answer_rows,
    flag_rows,
    label_rows,
    preference_rows,
    read_annotations,
    rows_as_text,
    study_agreement,
)
from evalharness.meta.exchange import ExchangeTool, write_exchange
from evalharness.meta.label_studio import labeling_config
from evalharness.meta.potato import potato_config
from evalharness.meta.study_form import StudyForm
from evalharness.report.study import form_of_answers

TOOLS: tuple[ExchangeTool, ...] = ("label-studio", "potato")
SUMMARY = "😀 The mayor said 13 boats\n\n sank <b>& more</b>."
SHOWN: Row = {
    "summaries": [SUMMARY],
    "article": "😀 Nobody was hurt. The mayor said 12 boats sank.",
}


def mark(words: str, **more: Any) -> Row:
    start = SUMMARY.index(words)
    return {"start": start, "end": start + len(words), **more}


def marked(*words: str) -> Row:
    found = [
        mark(each, type="number", severity="minor", evidence=[{"start": 2, "end": 19}])
        for each in words
    ]
    return {"label": int(not found), "spans": found, "note": "a\nnote"}


def judged(label: int | None, *verdicts: str) -> Row:
    places = (mark("13"), mark("mayor"), mark("more"))
    return {
        "label": label,
        "verdicts": [
            {**verdict(said), **place} for said, place in zip(verdicts, places, strict=False)
        ],
    }


ANSWERS: dict[str, list[Row]] = {
    "flags": [
        row("ann", judged(0, "error", "fine", "fine"), item="i1", **SHOWN),
        row("ben", judged(None, "unsure", "fine", "error"), item="i1", **SHOWN),
        row("ben", flags(1), item="i2"),
        row("../x", flags(0, "error"), item="i3", expected="wrong"),
    ],
    "spans": [
        row("ann", marked("13 boats\n\n sank", "😀"), "spans", item="i1", **SHOWN),
        row("ben", marked(), "spans", item="i1", **SHOWN),
        row("ann", spans((15, 17, "number", "major")), "spans", item="i2"),
    ],
    "ratings": [
        row("ann", ratings(relevance=4, coherence=1), "ratings", item="i1", **SHOWN),
        row("ben", {**ratings(relevance=5, coherence=2), "note": "so"}, "ratings", item="i1",
            **SHOWN),
    ],
    "pairs": [
        row("ann", {"preferred": "a", "reason": ""}, "pairs", item="i1"),
        row("ben", {"preferred": "tie", "reason": "équal"}, "pairs", item="i1"),
        row("ben", {"preferred": "b", "reason": ""}, "pairs", item="i2", expected="a"),
    ],
}  # fmt: skip
PROTOCOLS = tuple(ANSWERS)


def read(tmp_path: Path, rows: Sequence[Row]) -> AnnotationSet:
    path = tmp_path / "labels-page.jsonl"
    path.write_text("".join(f"{json.dumps(each)}\n" for each in rows), encoding="utf-8")
    return read_annotations([path])


def source_of(tool: ExchangeTool, folder: Path) -> Path:
    return folder / "tasks.json" if tool == "label-studio" else folder


def without_place(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda each: (bool(each["expected"]), each["item"], each["annotator"]))


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_answers_come_back_as_they_were(protocol: str, tool: ExchangeTool, tmp_path: Path) -> None:
    before = read(tmp_path, ANSWERS[protocol])
    rows = answer_rows(before)
    write_exchange(tool, rows, form_of_answers(rows), tmp_path / tool)
    after = read_annotations([source_of(tool, tmp_path / tool)])
    assert not after.rejected
    assert without_place(answer_rows(after)) == without_place(rows)
    assert study_agreement(after).questions == study_agreement(before).questions


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_labels_are_the_same_to_the_byte(
    protocol: str, tool: ExchangeTool, tmp_path: Path, command: Callable[..., Any]
) -> None:
    page = tmp_path / "labels-page.jsonl"
    ordered = sorted(ANSWERS[protocol], key=lambda each: (each["annotator"], each["item"]))
    page.write_text("".join(f"{json.dumps(each)}\n" for each in ordered), encoding="utf-8")
    done = command("annotate", "--read", page, "--to", tool, "-o", tmp_path / tool)
    assert done.returncode == 0, done.stderr
    for source, name in ((page, "before"), (source_of(tool, tmp_path / tool), "after")):
        done = command("annotate", "--read", source, "-o", tmp_path / name / "labels.jsonl")
        assert done.returncode == 0, done.stderr
    written = [
        {p.name: sorted(p.read_text().splitlines()) for p in (tmp_path / name).iterdir()}
        for name in ("before", "after")
    ]
    assert written[0]
    assert written[0] == written[1]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_label_studio_takes_config_tasks_and_answers(protocol: str, tmp_path: Path) -> None:
    interface = pytest.importorskip("label_studio_sdk.label_interface").LabelInterface
    rows = answer_rows(read(tmp_path, ANSWERS[protocol]))
    bare = [{key: each[key] for key in each if key != "answer"} for each in rows]
    for given, name in ((rows, "answered"), (bare, "bare")):
        write_exchange("label-studio", given, form_of_answers(rows), tmp_path / name)
        config = interface((tmp_path / name / "config.xml").read_text())
        config.validate()
        for task in json.loads((tmp_path / name / "tasks.json").read_text()):
            config.validate_task({"data": task["data"]})
            for each in (*task.get("annotations", ()), *task.get("predictions", ())):
                assert config._validate_object(each, True) == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_potato_takes_its_config_and_answers(protocol: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("potato") is None:
        pytest.skip("potato-annotation is not installed")
    rows = answer_rows(read(tmp_path, ANSWERS[protocol]))
    write_exchange("potato", rows, form_of_answers(rows), tmp_path / "p")
    done = subprocess.run(
        [sys.executable, "-m", "potato.validate_cli", str(tmp_path / "p" / "config.yaml"),
         "--strict"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    states = importlib.import_module("potato.user_state_management").InMemoryUserState
    for state in (tmp_path / "p" / "annotation_output").glob("*/user_state.json"):
        states.load(str(state.parent)).save(str(state.parent))
    after = read_annotations([tmp_path / "p"])
    assert without_place(answer_rows(after)) == without_place(rows)


def form(protocol: str, **more: Any) -> StudyForm:
    return StudyForm(protocol, "T", ["Read."], kinds=["number", "entity"], **more)


def test_names_of_systems_are_not_in_sight(tmp_path: Path) -> None:
    for tool in TOOLS:
        for path in write_exchange(tool, ANSWERS["pairs"], form("pairs"), tmp_path / tool):
            assert "bart" not in path.read_text()
            assert "lead" not in path.read_text().replace("lead_time", "")


def test_texts_of_a_form_are_escaped() -> None:
    hostile = '</View><Text name="x" value="$y"/>"\x00\ud800'
    config = labeling_config(StudyForm("ratings", "T", [hostile], {hostile: hostile}, ["number"]))
    assert config.count("<Text ") == 2
    assert "\x00" not in config
    config.encode()


def test_overlap_is_potatos(tmp_path: Path) -> None:
    assert potato_config(form("pairs", overlap=2))["num_annotators_per_item"] == 2
    assert "num_annotators_per_item" not in potato_config(form("pairs"))


def test_project_with_answers_is_not_overwritten(tmp_path: Path) -> None:
    write_exchange("potato", ANSWERS["pairs"], form("pairs"), tmp_path)
    with pytest.raises(DataError, match="has answers of Potato already"):
        write_exchange("potato", ANSWERS["pairs"], form("pairs"), tmp_path)


# --- What the tools write themselves


def label_studio_export(tmp_path: Path, protocol: str, *annotations: Row) -> Path:
    """Return the file that Label Studio exports of one item with annotations."""
    bare = [{key: each[key] for key in each if key != "answer"} for each in ANSWERS[protocol][:1]]
    dimensions = {"relevance": "", "coherence": ""} if protocol == "ratings" else {}
    if protocol == "flags":
        bare = [{**bare[0], "flags": [{**verdict(), **mark("13")}]}]
        bare[0]["flags"][0].pop("verdict")
    write_exchange("label-studio", bare, form(protocol, dimensions=dimensions), tmp_path)
    (task,) = json.loads((tmp_path / "tasks.json").read_text())
    whole = {
        **task,
        "annotations": list(annotations),
        "predictions": [],
        "project": 3,
        "drafts": [],
    }
    path = tmp_path / "project-3-at-2026.json"
    path.write_text(json.dumps([whole]))
    return path


def result(name: str, to: str, type_: str, value: Row, id_: str = "Dx_aB91ISN") -> Row:
    return {"id": id_, "from_name": name, "to_name": to, "type": type_, "value": value,
            "origin": "manual"}  # fmt: skip


def annotation(*results: Row, **more: Any) -> Row:
    return {
        "id": 1001, "completed_by": {"id": 7, "email": "ann@example.org"}, "result": list(results),
        "was_cancelled": False, "ground_truth": False, "lead_time": 4.288, **more,
    }  # fmt: skip


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("count", [len, units], ids=["characters", "utf-16"])
def test_marks_of_label_studio_are_where_the_words_are(
    count: Callable[[str], int], tmp_path: Path
) -> None:
    start = count(SUMMARY[: SUMMARY.index("13 boats")])
    value = {"start": start, "end": start + 8, "text": "13 boats"}
    path = label_studio_export(
        tmp_path,
        "spans",
        annotation(
            result("spans", "summary", "labels", {**value, "labels": ["number"]}, "r1"),
            result("severity", "summary", "choices", {**value, "choices": ["major"]}, "r1"),
            result("evidence", "article", "labels",
                   {"start": count("😀 "), "end": count("😀 ") + 6, "text": "Nobody",
                    "labels": ["evidence"]}, "r2"),
            {"type": "relation", "from_id": "r2", "to_id": "r1", "direction": "right"},
        ),
    )  # fmt: skip
    (answer,) = read_annotations([path]).answers
    place = SUMMARY.index("13 boats")
    assert answer.answer == {
        "label": 0,
        "spans": [
            {"start": place, "end": place + 8, "type": "number", "severity": "major",
             "evidence": [{"start": 2, "end": 8}]},
        ],
    }  # fmt: skip
    assert (answer.annotator, answer.seconds) == ("ann@example.org", 4.288)


def test_what_is_not_answered_in_label_studio_is_listed(tmp_path: Path) -> None:
    rating = result("rating_0", "summary", "rating", {"rating": 4})
    other = result("rating_1", "summary", "rating", {"rating": 2})
    path = label_studio_export(
        tmp_path,
        "ratings",
        annotation(rating, other),
        annotation(rating, completed_by=8),
        annotation(rating, other, was_cancelled=True),
        annotation({"id": "x", "from_name": "rating_0"}, completed_by=9),
        annotation(rating, other, completed_by=None),
    )
    found = read_annotations([path])
    assert [each.answer for each in found.answers] == [ratings(relevance=4, coherence=2)]
    assert [(bad.where.rpartition(", ")[2], bad.reason) for bad in found.rejected] == [
        ("annotation 2", "not answered to the end"),
        ("annotation 3", "skipped by the annotator"),
        ("annotation 4", "not an annotation as Label Studio exports it"),
        ("annotation 5", "nobody is named who answered"),
    ]
    assert found.n == 5


def test_verdicts_of_label_studio_are_of_the_flags_that_were_shown(tmp_path: Path) -> None:
    place = mark("13")
    value = {**place, "text": "13"}
    path = label_studio_export(
        tmp_path,
        "flags",
        annotation(
            result("flags", "summary", "labels", {**value, "labels": ["number"]}, "flag-0"),
            result("verdict", "summary", "choices", {**value, "choices": ["An error"]}, "flag-0"),
            result("label", "summary", "choices", {"choices": ["No"]}),
        ),
    )
    (row_,) = flag_rows(read_annotations([path]))
    assert (row_["kind"], row_["words"], row_["verdict"]) == ("number", "13", "error")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2]", "none of 2 rows"), ("[", "not the JSON that Label Studio exports"),
        ('[{"id": 3, "data": {"text": "x"}}]', "no task of a study"),
        ('[{"id": 3, "data": {"evalharness": "%%%"}}]', "no task of a study"),
    ],
)  # fmt: skip
def test_other_json_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        read_annotations([path])


def potato_state(tmp_path: Path, protocol: str, *labels: tuple[str, str, str]) -> Path:
    """Return a project in which `ann` has answered the first item, as Potato keeps that."""
    bare = [{key: each[key] for key in each if key != "answer"} for each in ANSWERS[protocol][:1]]
    dimensions = {"relevance": "", "coherence": ""} if protocol == "ratings" else {}
    write_exchange("potato", bare, form(protocol, dimensions=dimensions), tmp_path / "project")
    state = {
        "user_id": "ann",
        "instance_id_ordering": ["i1", "i2"],
        "instance_id_to_behavioral_data": {"i1": {"instance_id": "i1", "total_time_ms": 2500}},
        "instance_id_to_label_to_value": {
            "i1": [[{"schema": scheme, "name": name}, value] for scheme, name, value in labels]
        },
        "instance_id_to_span_to_value": {},
    }
    folder = tmp_path / "project" / "annotation_output" / "ann"
    folder.mkdir(parents=True)
    (folder / "user_state.json").write_text(json.dumps(state, indent=2))
    return tmp_path / "project"


def test_marks_of_potato_are_where_the_words_are(tmp_path: Path) -> None:
    start = units(SUMMARY[: SUMMARY.index("13")])
    error = {"start": start, "end": start + 2, "text": "13", "type": "number", "subtype": "",
             "severity": "major"}  # fmt: skip
    value = json.dumps({"errors": [error], "score": 95})
    project = potato_state(tmp_path, "spans", ("spans", "spans", value), ("note", "text_box", "x"))
    (answer,) = read_annotations([project]).answers
    assert answer.answer == {
        "label": 0,
        "spans": [{**mark("13"), "type": "number", "severity": "major", "evidence": []}],
        "note": "x",
    }  # fmt: skip
    assert answer.seconds == 2.5


def test_words_that_potato_trimmed_are_found_again(tmp_path: Path) -> None:
    # It counts the start with the space before the words, and keeps the words without it.
    start = units(SUMMARY[: SUMMARY.index(" 13 boats")])
    error = {"start": start, "end": start + 8, "text": "13 boats", "type": "number",
             "severity": "minor"}  # fmt: skip
    value = json.dumps({"errors": [error]})
    (answer,) = read_annotations(
        [potato_state(tmp_path, "spans", ("spans", "spans", value))]
    ).answers
    assert SUMMARY[answer.spans[0].start : answer.spans[0].end] == "13 boats"


def test_words_that_are_not_in_the_text_are_listed(tmp_path: Path) -> None:
    error = {"start": 1, "end": 3, "text": "99", "type": "number", "severity": "minor"}
    value = json.dumps({"errors": [error]})
    with pytest.raises(DataError, match="'99' that were marked are not in the text"):
        read_annotations([potato_state(tmp_path, "spans", ("spans", "spans", value))])


def test_ratings_and_choices_of_potato_are_read(tmp_path: Path) -> None:
    rated = potato_state(tmp_path / "r", "ratings", ("rating_0", "4", "4"), ("rating_1", "2", "2"))
    (answer,) = read_annotations([rated]).answers
    assert answer.answer == ratings(relevance=4, coherence=2)
    chosen = potato_state(
        tmp_path / "p", "pairs", ("preferred", "Neither is better", "Neither is better")
    )
    (vote,) = preference_rows(read_annotations([chosen]))
    assert (vote["outcome"], vote["system_a"]) == (0.5, "bart")


def test_part_of_an_answer_in_potato_is_listed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not answered to the end"):
        read_annotations([potato_state(tmp_path, "ratings", ("rating_0", "4", "4"))])


def test_project_without_answers_says_so(tmp_path: Path) -> None:
    write_exchange("potato", [{**ANSWERS["pairs"][0], "answer": {}}][:0] or [
        {key: v for key, v in ANSWERS["pairs"][0].items() if key != "answer"}
    ], form("pairs"), tmp_path / "p")  # fmt: skip
    with pytest.raises(DataError, match="nobody has answered"):
        read_annotations([tmp_path / "p"])
    with pytest.raises(DataError, match="not a Potato project"):
        read_annotations([tmp_path])


def test_rows_of_a_page_are_rows_again(tmp_path: Path) -> None:
    every = [each for rows in ANSWERS.values() for each in rows]
    found = read(tmp_path, every)
    assert {len(label_rows(found)) > 0, len(rows_as_text(answer_rows(found))) > 0} == {True}
    with pytest.raises(DataError, match="give those of one protocol"):
        form_of_answers(answer_rows(found))
