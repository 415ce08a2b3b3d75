"""Studies for Label Studio: a labeling config and tasks, and what its export says was answered."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from evalharness.errors import DataError
from evalharness.files.untrusted import read_whole, visible
from evalharness.meta.study_form import (
    LABEL_CHOICES,
    NOTHING_WRONG,
    PACKED_FIELD,
    PREFERENCE_CHOICES,
    TRUE_QUESTION,
    VERDICT_CHOICES,
    WHICH_QUESTION,
    NotInText,
    StudyAnswer,
    StudyForm,
    StudyRow,
    data_of_item,
    flags_of_item,
    key_of_choice,
    label_of_spans,
    row_of_answer,
    rows_by_item,
    span_of_marked_words,
    summary_headings,
    unpack_row,
)
from evalharness.store.ledger import RunFolder

# The files of a folder for it.
LABELING_CONFIG, TASKS = "config.xml", "tasks.json"


def write_label_studio(rows: Sequence[StudyRow], form: StudyForm, folder: RunFolder) -> list[Path]:
    """Write config and tasks, with the answers that rows have; return the files."""
    tasks = [_task(n, of_item, form) for n, of_item in enumerate(rows_by_item(rows).values(), 1)]
    folder.write(LABELING_CONFIG, labeling_config(form))
    folder.write(TASKS, json.dumps(tasks, indent=1) + "\n")
    return [folder.path / LABELING_CONFIG, folder.path / TASKS]


def labeling_config(form: StudyForm) -> str:
    """Return what Label Studio asks, in its XML."""
    view = ElementTree.Element("View")
    _tag(view, "Style", ".htx-text { white-space: pre-wrap; }")
    for part in form.instructions:
        _tag(view, "Header", value=part, size="5")
    _tag(view, "Header", value="Article")
    _tag(view, "Text", name="article", value="$article")
    for name, shown in summary_headings(form.protocol):
        _tag(view, "Header", value=shown)
        _tag(view, "Text", name=name, value=f"${name}")
    _FORMS[form.protocol](view, form)
    _tag(view, "TextArea", name="annotator", toName="article", maxSubmissions="1", visible="false")
    ElementTree.indent(view, " ")
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _tag(parent: ElementTree.Element, tag: str, text: str = "", **options: str) -> Any:
    child = ElementTree.SubElement(parent, tag, {k: _plain(v) for k, v in options.items()})
    child.text = text or None
    return child


def _plain(text: str) -> str:
    """Return a text without what XML cannot hold."""
    return visible(text).encode("utf-8", "backslashreplace").decode()


def _choices(
    view: ElementTree.Element, name: str, to: str, values: Iterable[str], **options: str
) -> None:
    choices = _tag(view, "Choices", name=name, toName=to, choice="single-radio", **options)
    for value in values:
        _tag(choices, "Choice", value=value)


def _ask_pairs(view: ElementTree.Element, _: StudyForm) -> None:
    _tag(view, "Header", value=WHICH_QUESTION)
    _choices(view, "preferred", "summary_a", PREFERENCE_CHOICES.values(), required="true")
    _tag(view, "Header", value="Why?")
    _tag(view, "TextArea", name="reason", toName="summary_a", maxSubmissions="1")


def _ask_ratings(view: ElementTree.Element, form: StudyForm) -> None:
    for n, (name, question) in enumerate(form.dimensions.items()):
        _tag(view, "Header", value=f"{name}: {question}" if question else name)
        _tag(view, "Rating", name=f"rating_{n}", toName="summary", maxRating="5", required="true")
    _ask_note(view)


def _ask_spans(view: ElementTree.Element, form: StudyForm) -> None:
    labels = _tag(view, "Labels", name="spans", toName="summary")
    for kind in form.kinds:
        _tag(labels, "Label", value=kind)
    _choices(
        view, "severity", "summary", ("minor", "major"),
        perRegion="true", whenTagName="spans", required="true",
    )  # fmt: skip
    _tag(view, "Header", value="The article's sentence that shows it, linked to the error")
    evidence = _tag(view, "Labels", name="evidence", toName="article")
    _tag(evidence, "Label", value="evidence")
    _choices(view, "clean", "summary", (NOTHING_WRONG,))
    _ask_note(view)


def _ask_flags(view: ElementTree.Element, form: StudyForm) -> None:
    labels = _tag(view, "Labels", name="flags", toName="summary")
    for kind in form.kinds:
        _tag(labels, "Label", value=kind)
    _choices(
        view, "verdict", "summary", VERDICT_CHOICES.values(),
        perRegion="true", whenTagName="flags", required="true",
    )  # fmt: skip
    _tag(view, "Header", value=TRUE_QUESTION)
    _choices(view, "label", "summary", LABEL_CHOICES.values(), required="true")
    _ask_note(view)


def _ask_note(view: ElementTree.Element) -> None:
    _tag(view, "TextArea", name="note", toName="summary", maxSubmissions="1", placeholder="Note")


_FORMS: Mapping[str, Callable[[ElementTree.Element, StudyForm], None]] = {
    "flags": _ask_flags,
    "spans": _ask_spans,
    "ratings": _ask_ratings,
    "pairs": _ask_pairs,
}


# Tasks, with what is marked before and what is answered.


def _task(number: int, rows: Sequence[StudyRow], form: StudyForm) -> StudyRow:
    flags = flags_of_item(rows)
    first = {**rows[0], "dimensions": list(form.dimensions)}
    if form.protocol == "flags":
        first["flags"] = flags
    task: StudyRow = {"id": number, "data": data_of_item(first)}
    answered = [row for row in rows if "answer" in row]
    if answered:
        task["annotations"] = [_annotation(row, form) for row in answered]
    elif flags:
        text = first["summaries"][0]
        regions = [_flag_region(n, flag, text) for n, flag in enumerate(flags)]
        task["predictions"] = [{"model_version": PACKED_FIELD, "result": regions}]
    return task


def _annotation(row: StudyRow, form: StudyForm) -> StudyRow:
    result = [
        *_RESULTS[form.protocol](row, form),
        *_text_result("annotator", "article", row["annotator"]),
        *_text_result("note", "summary", row["answer"].get("note", "")),
    ]
    return {
        "result": result,
        "was_cancelled": False,
        "ground_truth": False,
        "lead_time": row["seconds"],
    }


def _result(
    name: str, to: str, type_: str, value: Mapping[str, Any], id_: str = "", **more: Any
) -> StudyRow:
    id_ = id_ or f"{name}-1"
    return {"id": id_, "from_name": name, "to_name": to, "type": type_, "value": {**value}, **more}


def _text_result(name: str, to: str, text: str) -> list[StudyRow]:
    return [_result(name, to, "textarea", {"text": [text]})] if text else []


def _region(
    name: str, to: str, id_: str, span: Mapping[str, Any], text: str, label: str
) -> StudyRow:
    start, end = span["start"], span["end"]
    value = {"start": start, "end": end, "text": text[start:end], "labels": [label]}
    return _result(name, to, "labels", value, id_)


def _region_choice(name: str, region: StudyRow, choice: str) -> StudyRow:
    """Return a choice that belongs to a region: of its id, with its offsets."""
    value = {key: region["value"][key] for key in ("start", "end", "text")}
    return _result(name, "summary", "choices", {**value, "choices": [choice]}, region["id"])


def _flag_region(n: int, flag: StudyRow, text: str) -> StudyRow:
    region = _region("flags", "summary", f"flag-{n}", flag, text, flag["kind"])
    return region | ({"meta": {"text": [flag["message"]]}} if flag.get("message") else {})


def _flags_results(row: StudyRow, _: StudyForm) -> Iterator[StudyRow]:
    for n, flag in enumerate(row["answer"]["verdicts"]):
        region = _flag_region(n, flag, row["summaries"][0])
        yield region
        yield _region_choice("verdict", region, VERDICT_CHOICES[flag["verdict"]])
    yield _result(
        "label", "summary", "choices", {"choices": [LABEL_CHOICES[row["answer"]["label"]]]}
    )


def _spans_results(row: StudyRow, _: StudyForm) -> Iterator[StudyRow]:
    for n, mark in enumerate(row["answer"]["spans"]):
        region = _region("spans", "summary", f"span-{n}", mark, row["summaries"][0], mark["type"])
        yield region
        yield _region_choice("severity", region, mark["severity"])
        for k, span in enumerate(mark.get("evidence", ())):
            id_ = f"evidence-{n}-{k}"
            yield _region("evidence", "article", id_, span, row["article"], "evidence")
            yield {"type": "relation", "from_id": region["id"], "to_id": id_, "direction": "right"}
    if row["answer"].get("label") == 1:
        yield _result("clean", "summary", "choices", {"choices": [NOTHING_WRONG]})


def _ratings_results(row: StudyRow, form: StudyForm) -> Iterator[StudyRow]:
    for n, name in enumerate(form.dimensions):
        if name in row["answer"]["ratings"]:
            value = {"rating": row["answer"]["ratings"][name]}
            yield _result(f"rating_{n}", "summary", "rating", value)


def _pairs_results(row: StudyRow, _: StudyForm) -> Iterator[StudyRow]:
    answer = row["answer"]
    choice = PREFERENCE_CHOICES[answer["preferred"]]
    yield _result("preferred", "summary_a", "choices", {"choices": [choice]})
    yield from _text_result("reason", "summary_a", answer.get("reason", ""))


_RESULTS: Mapping[str, Callable[[StudyRow, StudyForm], Iterable[StudyRow]]] = {
    "flags": _flags_results,
    "spans": _spans_results,
    "ratings": _ratings_results,
    "pairs": _pairs_results,
}


# From an export to rows.


def label_studio_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the rows in what Label Studio exports as JSON, with where each stands.

    A row that cannot be read is the reason in its place.
    """
    try:
        tasks = json.loads(read_whole(path))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: not the JSON that Label Studio exports: {error}") from None
    for task in tasks:
        where = f"{path}: task {task.get('id', '?') if isinstance(task, dict) else '?'}"
        try:
            own = unpack_row(task.get("data"))
            given = task.get("annotations") or ()
        except (KeyError, TypeError, ValueError, AttributeError):
            yield where, "no task of a study: 'data' has no field 'evalharness' as it was written"
            continue
        for n, annotation in enumerate(given, 1):
            yield f"{where}, annotation {n}", _row_of_annotation(own, annotation)


def _row_of_annotation(own: StudyRow, annotation: Any) -> StudyRow | str:
    try:
        if annotation.get("was_cancelled"):
            return "skipped by the annotator"
        results = _Results(annotation["result"])
        answer = _ANSWERS[own["protocol"]](own, results)
        name = results.text("annotator") or _completed_by(annotation.get("completed_by"))
        note = {"note": text} if (text := results.text("note")) else {}
        return row_of_answer(own, name, float(annotation.get("lead_time") or 0), {**answer, **note})
    except NotInText as error:
        return str(error)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, StopIteration):
        return "not an annotation as Label Studio exports it"


def _completed_by(who: Any) -> str:
    if isinstance(who, dict):
        return str(who.get("email") or who.get("id") or "")
    return "" if who is None else str(who)


class _Results:
    """The results of an annotation, by the name of what asked for them."""

    def __init__(self, results: Sequence[StudyRow]) -> None:
        self.of: dict[str, list[StudyRow]] = defaultdict(list)
        self.relations = [each for each in results if each.get("type") == "relation"]
        for each in results:
            if each.get("type") != "relation":
                self.of[each["from_name"]].append(each)

    def text(self, name: str) -> str:
        """Return what was typed."""
        return "\n".join(str(t) for each in self.of[name] for t in each["value"]["text"])

    def choice(self, name: str, region: str = "") -> str:
        """Return what was chosen, of a region or of the whole; empty where nothing was."""
        chosen = [each for each in self.of[name] if not region or each["id"] == region]
        return str(chosen[-1]["value"]["choices"][0]) if chosen else ""


def _span_of(result: StudyRow, text: str) -> dict[str, int]:
    value = result["value"]
    return span_of_marked_words(text, value["start"], value["end"], value.get("text"))


def _flags_answer(own: StudyRow, results: _Results) -> StudyAnswer:
    text = own["summaries"][0]
    verdicts = []
    for region in results.of["flags"]:
        if not (shown := results.choice("verdict", region["id"])):
            continue
        span, kind = _span_of(region, text), region["value"]["labels"][0]
        same = [f for f in own["flags"] if f["kind"] == kind and span.items() <= f.items()]
        flag = same[0] if same else {**span, "kind": kind, "message": "", "evidence": []}
        verdicts.append({**flag, "verdict": key_of_choice(VERDICT_CHOICES, shown)})
    shown = results.choice("label")
    label = {"label": key_of_choice(LABEL_CHOICES, shown)} if shown else {}
    return {**label, "verdicts": verdicts}


def _spans_answer(own: StudyRow, results: _Results) -> StudyAnswer:
    evidence = {each["id"]: _span_of(each, own["article"]) for each in results.of["evidence"]}
    linked = [(each["from_id"], each["to_id"]) for each in results.relations]
    linked += [(to, from_) for from_, to in linked]
    spans = [
        {
            **_span_of(region, own["summaries"][0]),
            "type": region["value"]["labels"][0],
            "severity": results.choice("severity", region["id"]) or "minor",
            "evidence": [evidence[to] for n, to in linked if n == region["id"] and to in evidence],
        }
        for region in results.of["spans"]
    ]
    return {"label": label_of_spans(spans, bool(results.choice("clean"))), "spans": spans}


def _ratings_answer(own: StudyRow, results: _Results) -> StudyAnswer:
    given = {name: results.of[f"rating_{n}"] for n, name in enumerate(own["dimensions"])}
    return {"ratings": {name: r[-1]["value"]["rating"] for name, r in given.items() if r}}


def _pairs_answer(_: StudyRow, results: _Results) -> StudyAnswer:
    shown = results.choice("preferred")
    preferred = key_of_choice(PREFERENCE_CHOICES, shown) if shown else None
    return {"preferred": preferred, "reason": results.text("reason")}


_ANSWERS: Mapping[str, Callable[[StudyRow, _Results], StudyAnswer]] = {
    "flags": _flags_answer,
    "spans": _spans_answer,
    "ratings": _ratings_answer,
    "pairs": _pairs_answer,
}
