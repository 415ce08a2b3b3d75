"""Studies for Label Studio and Potato, and what people answered there as the page would write it.

What a row of answers holds beside the texts goes along packed, in one field `evalharness`, so that
it comes back as it was and the systems are not in sight. Both tools count offsets in their own
ways; the words that were marked, which both keep, tell which.
"""

import base64
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

from evalharness.errors import DataError
from evalharness.files.untrusted import read_whole, visible
from evalharness.store.ledger import RunFolder

ExchangeTool = Literal["label-studio", "potato"]
# The files of a folder for each of the tools.
LABELING_CONFIG, TASKS = "config.xml", "tasks.json"
POTATO_CONFIG, POTATO_ITEMS, POTATO_ANSWERS = "config.yaml", "items.jsonl", "annotation_output"
_STATE = "user_state.json"
_OWN = "evalharness"
_PREFERRED: Mapping[str, str] = {
    "a": "The first is better",
    "tie": "Neither is better",
    "b": "The second is better",
}
_TRUE: Mapping[int | None, str] = {1: "Yes", 0: "No", None: "Not sure"}
_VERDICTS: Mapping[str, str] = {
    "error": "An error",
    "fine": "Nothing wrong",
    "unsure": "Not sure",
}
_CLEAN = "Nothing is wrong"
_IS_TRUE = "Is the summary as a whole true to the article?"
_WHICH = "Which summary is better?"
_Row = dict[str, Any]
_Answer = Mapping[str, Any]


@dataclass(frozen=True)
class StudyForm:
    """What is asked: title and instructions, rated dimensions with questions, kinds of errors.

    overlap: how many people should answer each item; 0 for all.
    """

    protocol: str
    title: str = ""
    instructions: Sequence[str] = ()
    dimensions: Mapping[str, str] = field(default_factory=dict[str, str])
    kinds: Sequence[str] = ()
    overlap: int = 0


def write_exchange(
    tool: ExchangeTool, rows: Sequence[_Row], form: StudyForm, folder: str | Path
) -> list[Path]:
    """Write a study, and the answers that its rows have, as a tool reads them; return the files.

    rows: as the page writes them, a row an item and annotator; without `answer` where nobody has
    answered. `flags`: what is asked about, of the protocol of that name.
    """
    if not rows:
        raise DataError("no item to write")
    if len({row["study"] for row in rows}) > 1:
        raise DataError("answers to several studies; give those to one at a time")
    named = [flag["kind"] for of_item in _by_item(rows).values() for flag in _all_flags(of_item)]
    whole = replace(form, kinds=list(dict.fromkeys([*form.kinds, *named])))
    return _WRITERS[tool](rows, whole, RunFolder(Path(folder)))


def _by_item(rows: Sequence[_Row]) -> dict[str, list[_Row]]:
    items: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        items[row["item"]].append(row)
    return items


_OF_ANSWERS = ("annotator", "complete", "seconds", "at", "answer")
_IN_SIGHT = ("article", "summaries")


def _pack(row: _Row) -> str:
    own = {key: value for key, value in row.items() if key not in (*_OF_ANSWERS, *_IN_SIGHT)}
    return base64.b64encode(json.dumps(own).encode()).decode()


def _unpack(data: Mapping[str, Any]) -> _Row:
    own: _Row = json.loads(base64.b64decode(data[_OWN], validate=True))
    names = ("summary",) if "summary" in data else ("summary_a", "summary_b")
    return own | {"article": data["article"], "summaries": [data[name] for name in names]}


def _data(row: _Row) -> dict[str, Any]:
    texts = row["summaries"]
    names = ("summary",) if len(texts) == 1 else ("summary_a", "summary_b")
    return {"article": row["article"], **dict(zip(names, texts, strict=True)), _OWN: _pack(row)}


def _all_flags(rows: Sequence[_Row]) -> list[_Row]:
    """Return the flags of an item: those that are asked about, and all that have a verdict."""
    every = [flag for row in rows for flag in row.get("flags", ())]
    every += [flag for row in rows for flag in row.get("answer", {}).get("verdicts", ())]
    bare = [{key: flag[key] for key in flag if key != "verdict"} for flag in every]
    return list({json.dumps(flag, sort_keys=True): flag for flag in bare}.values())


# --- Label Studio: a labeling config, and tasks with what is marked before and what is answered


def _write_label_studio(rows: Sequence[_Row], form: StudyForm, folder: RunFolder) -> list[Path]:
    tasks = [_task(n, of_item, form) for n, of_item in enumerate(_by_item(rows).values(), 1)]
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
    for name, shown in _shown_summaries(form.protocol):
        _tag(view, "Header", value=shown)
        _tag(view, "Text", name=name, value=f"${name}")
    _FORMS[form.protocol](view, form)
    _tag(view, "TextArea", name="annotator", toName="article", maxSubmissions="1", visible="false")
    ElementTree.indent(view, " ")
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _shown_summaries(protocol: str) -> list[tuple[str, str]]:
    if protocol == "pairs":
        return [("summary_a", "First summary"), ("summary_b", "Second summary")]
    return [("summary", "Summary")]


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
    _tag(view, "Header", value=_WHICH)
    _choices(view, "preferred", "summary_a", _PREFERRED.values(), required="true")
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
    _choices(view, "clean", "summary", (_CLEAN,))
    _ask_note(view)


def _ask_flags(view: ElementTree.Element, form: StudyForm) -> None:
    labels = _tag(view, "Labels", name="flags", toName="summary")
    for kind in form.kinds:
        _tag(labels, "Label", value=kind)
    _choices(
        view, "verdict", "summary", _VERDICTS.values(),
        perRegion="true", whenTagName="flags", required="true",
    )  # fmt: skip
    _tag(view, "Header", value=_IS_TRUE)
    _choices(view, "label", "summary", _TRUE.values(), required="true")
    _ask_note(view)


def _ask_note(view: ElementTree.Element) -> None:
    _tag(view, "TextArea", name="note", toName="summary", maxSubmissions="1", placeholder="Note")


_FORMS: Mapping[str, Callable[[ElementTree.Element, StudyForm], None]] = {
    "flags": _ask_flags,
    "spans": _ask_spans,
    "ratings": _ask_ratings,
    "pairs": _ask_pairs,
}


def _task(number: int, rows: Sequence[_Row], form: StudyForm) -> _Row:
    flags = _all_flags(rows)
    first = {**rows[0], "dimensions": list(form.dimensions)}
    if form.protocol == "flags":
        first["flags"] = flags
    task: _Row = {"id": number, "data": _data(first)}
    answered = [row for row in rows if "answer" in row]
    if answered:
        task["annotations"] = [_annotation(row, form) for row in answered]
    elif flags:
        text = first["summaries"][0]
        regions = [_flag_region(n, flag, text) for n, flag in enumerate(flags)]
        task["predictions"] = [{"model_version": _OWN, "result": regions}]
    return task


def _annotation(row: _Row, form: StudyForm) -> _Row:
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
) -> _Row:
    id_ = id_ or f"{name}-1"
    return {"id": id_, "from_name": name, "to_name": to, "type": type_, "value": {**value}, **more}


def _text_result(name: str, to: str, text: str) -> list[_Row]:
    return [_result(name, to, "textarea", {"text": [text]})] if text else []


def _region(name: str, to: str, id_: str, span: Mapping[str, Any], text: str, label: str) -> _Row:
    start, end = span["start"], span["end"]
    value = {"start": start, "end": end, "text": text[start:end], "labels": [label]}
    return _result(name, to, "labels", value, id_)


def _region_choice(name: str, region: _Row, choice: str) -> _Row:
    """Return a choice that belongs to a region: of its id, with its offsets."""
    value = {key: region["value"][key] for key in ("start", "end", "text")}
    return _result(name, "summary", "choices", {**value, "choices": [choice]}, region["id"])


def _flag_region(n: int, flag: _Row, text: str) -> _Row:
    region = _region("flags", "summary", f"flag-{n}", flag, text, flag["kind"])
    return region | ({"meta": {"text": [flag["message"]]}} if flag.get("message") else {})


def _flags_results(row: _Row, _: StudyForm) -> Iterator[_Row]:
    for n, flag in enumerate(row["answer"]["verdicts"]):
        region = _flag_region(n, flag, row["summaries"][0])
        yield region
        yield _region_choice("verdict", region, _VERDICTS[flag["verdict"]])
    yield _result("label", "summary", "choices", {"choices": [_TRUE[row["answer"]["label"]]]})


def _spans_results(row: _Row, _: StudyForm) -> Iterator[_Row]:
    for n, mark in enumerate(row["answer"]["spans"]):
        region = _region("spans", "summary", f"span-{n}", mark, row["summaries"][0], mark["type"])
        yield region
        yield _region_choice("severity", region, mark["severity"])
        for k, span in enumerate(mark.get("evidence", ())):
            id_ = f"evidence-{n}-{k}"
            yield _region("evidence", "article", id_, span, row["article"], "evidence")
            yield {"type": "relation", "from_id": region["id"], "to_id": id_, "direction": "right"}
    if row["answer"].get("label") == 1:
        yield _result("clean", "summary", "choices", {"choices": [_CLEAN]})


def _ratings_results(row: _Row, form: StudyForm) -> Iterator[_Row]:
    for n, name in enumerate(form.dimensions):
        if name in row["answer"]["ratings"]:
            value = {"rating": row["answer"]["ratings"][name]}
            yield _result(f"rating_{n}", "summary", "rating", value)


def _pairs_results(row: _Row, _: StudyForm) -> Iterator[_Row]:
    answer = row["answer"]
    choice = _PREFERRED[answer["preferred"]]
    yield _result("preferred", "summary_a", "choices", {"choices": [choice]})
    yield from _text_result("reason", "summary_a", answer.get("reason", ""))


_RESULTS: Mapping[str, Callable[[_Row, StudyForm], Iterable[_Row]]] = {
    "flags": _flags_results,
    "spans": _spans_results,
    "ratings": _ratings_results,
    "pairs": _pairs_results,
}


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
            own = _unpack(task.get("data"))
            given = task.get("annotations") or ()
        except (KeyError, TypeError, ValueError, AttributeError):
            yield where, "no task of a study: 'data' has no field 'evalharness' as it was written"
            continue
        for n, annotation in enumerate(given, 1):
            yield f"{where}, annotation {n}", _row_of_annotation(own, annotation)


def _row_of_annotation(own: _Row, annotation: Any) -> _Row | str:
    try:
        if annotation.get("was_cancelled"):
            return "skipped by the annotator"
        results = _Results(annotation["result"])
        answer = _ANSWERS[own["protocol"]](own, results)
        name = results.text("annotator") or _completed_by(annotation.get("completed_by"))
        note = {"note": text} if (text := results.text("note")) else {}
        return _whole_row(own, name, float(annotation.get("lead_time") or 0), {**answer, **note})
    except _NotInText as error:
        return str(error)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, StopIteration):
        return "not an annotation as Label Studio exports it"


def _whole_row(own: _Row, annotator: str, seconds: float, answer: _Answer) -> _Row:
    row = {key: own[key] for key in own if key not in ("flags", "dimensions")}
    complete = _is_complete(own, answer)
    return row | {
        "annotator": annotator, "complete": complete, "seconds": seconds, "answer": answer,
    }  # fmt: skip


def _is_complete(own: _Row, answer: _Answer) -> bool:
    """Tell whether all was answered that the page would ask."""
    protocol = own["protocol"]
    if protocol == "flags":
        return "label" in answer and len(answer["verdicts"]) == len(own.get("flags", ()))
    if protocol == "ratings":
        return set(answer["ratings"]) == set(own["dimensions"])
    return answer["label" if protocol == "spans" else "preferred"] is not None


def _completed_by(who: Any) -> str:
    if isinstance(who, dict):
        return str(who.get("email") or who.get("id") or "")
    return "" if who is None else str(who)


class _Results:
    """The results of an annotation, by the name of what asked for them."""

    def __init__(self, results: Sequence[_Row]) -> None:
        self.of: dict[str, list[_Row]] = defaultdict(list)
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


class _NotInText(ValueError):
    """Words that were marked and are not in the text."""


def _span_in(text: str, start: Any, end: Any, marked: str | None) -> dict[str, int]:
    """Return a span by characters, of offsets by characters or by UTF-16, as browsers count.

    Where neither has the words that were marked, it is where these stand nearest.
    """
    start, end = int(start), int(end)
    if marked is None or text[start:end] == marked:
        return {"start": start, "end": end}
    units = _characters(text, start), _characters(text, end)
    if text[slice(*units)] == marked:
        return {"start": units[0], "end": units[1]}
    at = [n for n in range(len(text)) if text.startswith(marked, n)] if marked else []
    if not at:
        raise _NotInText(f"the words {marked!r:.60} that were marked are not in the text")
    nearest = min(at, key=lambda n: abs(n - units[0]))
    return {"start": nearest, "end": nearest + len(marked)}


def _characters(text: str, units: int) -> int:
    """Return how many characters so many units of UTF-16 are.

    >>> _characters("a😀b", 3)
    2
    """
    encoded = text.encode("utf-16-le", "surrogatepass")[: 2 * max(0, units)]
    return len(encoded.decode("utf-16-le", "replace"))


def _span_of(result: _Row, text: str) -> dict[str, int]:
    value = result["value"]
    return _span_in(text, value["start"], value["end"], value.get("text"))


def _key_of(choices: Mapping[Any, str], shown: str) -> Any:
    return next(key for key, value in choices.items() if value == shown)


def _flags_answer(own: _Row, results: _Results) -> _Answer:
    text = own["summaries"][0]
    verdicts = []
    for region in results.of["flags"]:
        if not (shown := results.choice("verdict", region["id"])):
            continue
        span, kind = _span_of(region, text), region["value"]["labels"][0]
        same = [f for f in own["flags"] if f["kind"] == kind and span.items() <= f.items()]
        flag = same[0] if same else {**span, "kind": kind, "message": "", "evidence": []}
        verdicts.append({**flag, "verdict": _key_of(_VERDICTS, shown)})
    shown = results.choice("label")
    label = {"label": _key_of(_TRUE, shown)} if shown else {}
    return {**label, "verdicts": verdicts}


def _spans_answer(own: _Row, results: _Results) -> _Answer:
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
    return {"label": _label_of_spans(spans, bool(results.choice("clean"))), "spans": spans}


def _label_of_spans(spans: Sequence[Any], is_clean: bool) -> int | None:
    return 0 if spans else 1 if is_clean else None


def _ratings_answer(own: _Row, results: _Results) -> _Answer:
    given = {name: results.of[f"rating_{n}"] for n, name in enumerate(own["dimensions"])}
    return {"ratings": {name: r[-1]["value"]["rating"] for name, r in given.items() if r}}


def _pairs_answer(_: _Row, results: _Results) -> _Answer:
    shown = results.choice("preferred")
    preferred = _key_of(_PREFERRED, shown) if shown else None
    return {"preferred": preferred, "reason": results.text("reason")}


_ANSWERS: Mapping[str, Callable[[_Row, _Results], _Answer]] = {
    "flags": _flags_answer,
    "spans": _spans_answer,
    "ratings": _ratings_answer,
    "pairs": _pairs_answer,
}


# --- Potato: a project to start, whose answers lie in it, a folder a person


def _write_potato(rows: Sequence[_Row], form: StudyForm, folder: RunFolder) -> list[Path]:
    import yaml

    items = _by_item(rows)
    if any((folder.path / POTATO_ANSWERS).glob(f"*/{_STATE}")):
        raise DataError(f"{folder.path}: has answers of Potato already; write to another folder")
    lines = [json.dumps(_potato_item(of_item, form)) for of_item in items.values()]
    most = max(len(_all_flags(of_item)) for of_item in items.values())
    config = yaml.safe_dump(potato_config(form, most), sort_keys=False, allow_unicode=True)
    folder.write(POTATO_ITEMS, "".join(f"{line}\n" for line in lines))
    folder.write(POTATO_CONFIG, config)
    states = _potato_states([row for row in rows if "answer" in row], items, form)
    answers = [_write_state(folder, n, state) for n, state in enumerate(states, 1)]
    return [folder.path / POTATO_CONFIG, folder.path / POTATO_ITEMS, *answers]


def _write_state(folder: RunFolder, number: int, state: _Row) -> Path:
    own = RunFolder(folder.path / POTATO_ANSWERS / _folder_name(state["user_id"], number))
    own.write(_STATE, json.dumps(state, indent=1) + "\n")
    return own.path / _STATE


def _folder_name(annotator: str, number: int) -> str:
    """Return a folder for an annotator; the state in it has the name.

    >>> _folder_name("ann", 1), _folder_name("../x", 2)
    ('ann', 'annotator-2')
    """
    return annotator if annotator.isalnum() and annotator.isascii() else f"annotator-{number}"


def potato_config(form: StudyForm, flags: int = 0) -> dict[str, Any]:
    """Return the config of a Potato project; flags: the most that an item has."""
    texts = [("article", "Article"), *_shown_summaries(form.protocol)]
    if form.protocol == "flags":
        texts.append(("flags", "Marked words"))
    shown = {"type": "text", "display_options": {"preserve_whitespace": True}}
    return {
        "annotation_task_name": form.title or "Summaries",
        "task_dir": ".",
        "output_annotation_dir": POTATO_ANSWERS,
        "data_files": [POTATO_ITEMS],
        "item_properties": {"id_key": "id", "text_key": texts[1][0]},
        "user_config": {"allow_all_users": True, "users": []},
        "require_password": False,
        "assignment_strategy": "fixed_order",
        **({"num_annotators_per_item": form.overlap} if form.overlap else {}),
        "annotation_instructions": "\n\n".join(form.instructions),
        "instance_display": {
            "layout": {"direction": "vertical"},
            "fields": [{"key": key, "label": label, **shown} for key, label in texts],
        },
        "annotation_schemes": list(_SCHEMES[form.protocol](form, flags)),
    }


def _radio(name: str, question: str, labels: Iterable[str], *, required: bool = True) -> _Row:
    return {
        "annotation_type": "radio",
        "name": name,
        "description": question,
        "labels": list(labels),
        **({"label_requirement": {"required": True}} if required else {}),
    }


def _text_scheme(name: str, question: str) -> _Row:
    return {"annotation_type": "text", "name": name, "description": question}


def _pairs_schemes(_: StudyForm, __: int) -> Iterator[_Row]:
    yield _radio("preferred", _WHICH, _PREFERRED.values())
    yield _text_scheme("reason", "Why?")


def _ratings_schemes(form: StudyForm, _: int) -> Iterator[_Row]:
    for n, (name, question) in enumerate(form.dimensions.items()):
        yield {
            "annotation_type": "likert",
            "name": f"rating_{n}",
            "description": f"{name}: {question}" if question else name,
            "min_label": "very poor",
            "max_label": "very good",
            "size": 5,
            "label_requirement": {"required": True},
        }
    yield _text_scheme("note", "Note")


def _spans_schemes(form: StudyForm, _: int) -> Iterator[_Row]:
    yield {
        "annotation_type": "error_span",
        "name": "spans",
        "description": "Mark what is wrong in the summary",
        "source_field": "summary",
        "error_types": [{"name": kind} for kind in form.kinds],
        "severities": [{"name": "minor", "weight": -1}, {"name": "major", "weight": -5}],
        "show_score": False,
    }
    yield _radio("clean", "Or", [_CLEAN], required=False)
    yield _text_scheme("note", "Note")


def _flags_schemes(_: StudyForm, flags: int) -> Iterator[_Row]:
    for n in range(flags):
        question = f"Marked words {n + 1}, if there are so many"
        yield _radio(f"flag_{n}", question, _VERDICTS.values(), required=False)
    yield _radio("label", _IS_TRUE, _TRUE.values())
    yield _text_scheme("note", "Note")


_SCHEMES: Mapping[str, Callable[[StudyForm, int], Iterator[_Row]]] = {
    "flags": _flags_schemes,
    "spans": _spans_schemes,
    "ratings": _ratings_schemes,
    "pairs": _pairs_schemes,
}


def _potato_item(rows: Sequence[_Row], form: StudyForm) -> _Row:
    first = {**rows[0], "dimensions": list(form.dimensions)}
    if form.protocol != "flags":
        return {"id": first["item"], **_data(first)}
    flags = _all_flags(rows)
    text = first["summaries"][0]
    shown = [
        f"{n}. “{text[flag['start'] : flag['end']]}” ({flag['kind']}): {flag.get('message', '')}"
        for n, flag in enumerate(flags, 1)
    ]
    return {"id": first["item"], **_data({**first, "flags": flags}), "flags": "\n".join(shown)}


def _potato_states(
    rows: Sequence[_Row], items: Mapping[str, Sequence[_Row]], form: StudyForm
) -> list[_Row]:
    """Return what Potato keeps of each annotator, of answers that there are."""
    states: dict[str, _Row] = {}
    for row in rows:
        new = {"user_id": row["annotator"], "instance_id_ordering": []}
        new |= {"instance_id_to_behavioral_data": {}, "instance_id_to_label_to_value": {}}
        state = states.setdefault(row["annotator"], new)
        labels = list(_potato_labels(row, _all_flags(items[row["item"]]), form))
        time = {"instance_id": row["item"], "total_time_ms": round(1000 * row["seconds"])}
        state["instance_id_ordering"].append(row["item"])
        state["instance_id_to_behavioral_data"][row["item"]] = time
        state["instance_id_to_label_to_value"][row["item"]] = [
            [{"schema": scheme, "name": name}, value] for scheme, name, value in labels
        ]
    return list(states.values())


def _potato_labels(
    row: _Row, flags: Sequence[_Row], form: StudyForm
) -> Iterator[tuple[str, str, str]]:
    """Yield scheme, label and value of each thing that was answered."""
    answer = row["answer"]
    chosen: dict[str, str] = {}
    if row["protocol"] == "pairs":
        chosen["preferred"] = _PREFERRED[answer["preferred"]]
    elif row["protocol"] == "ratings":
        rated = ((n, answer["ratings"].get(name)) for n, name in enumerate(form.dimensions))
        chosen |= {f"rating_{n}": str(rating) for n, rating in rated if rating is not None}
    elif row["protocol"] == "spans":
        errors = [_potato_error(mark, row["summaries"][0]) for mark in answer["spans"]]
        yield "spans", "spans", json.dumps({"errors": errors})
        chosen |= {"clean": _CLEAN} if answer.get("label") == 1 else {}
    else:
        chosen |= _potato_verdicts(answer, flags) | {"label": _TRUE[answer["label"]]}
    for scheme, label in chosen.items():
        yield scheme, label, label
    for scheme in ("reason", "note"):
        if text := answer.get(scheme):
            yield scheme, "text_box", text


def _potato_error(mark: _Row, text: str) -> _Row:
    ends = {end: _units(text[: mark[end]]) for end in ("start", "end")}
    return {**mark, **ends, "text": text[mark["start"] : mark["end"]], "subtype": ""}


def _units(text: str) -> int:
    """Return how long a text is as browsers count: in units of UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _potato_verdicts(answer: _Answer, flags: Sequence[_Row]) -> dict[str, str]:
    bare = [{key: each[key] for key in each if key != "verdict"} for each in answer["verdicts"]]
    return {
        f"flag_{flags.index(flag)}": _VERDICTS[each["verdict"]]
        for flag, each in zip(bare, answer["verdicts"], strict=True)
    }


def potato_rows(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield the rows that people answered in a Potato project, with where each stands.

    A row that cannot be read is the reason in its place.
    """
    items = dict(_potato_items(folder / POTATO_ITEMS))
    states = sorted((folder / POTATO_ANSWERS).glob(f"*/{_STATE}"))
    if not states:
        raise DataError(f"{folder}: nobody has answered: no {POTATO_ANSWERS}/*/{_STATE}")
    for path in states:
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            name, answered = str(state["user_id"]), state["instance_id_to_label_to_value"].items()
            times = state.get("instance_id_to_behavioral_data") or {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{path}: not what Potato keeps of a person: {error}") from None
        for item, labels in answered:
            own = items.get(item, f"no item {item!r:.60} in {POTATO_ITEMS}")
            yield f"{path}: {item}", _row_of_state(own, name, labels, times.get(item))


def _potato_items(path: Path) -> Iterator[tuple[str, _Row | str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: not a Potato project that `annotate --to` wrote: {error}"
        ) from None
    for line in lines:
        try:
            item = json.loads(line)
            yield str(item["id"]), _unpack(item)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise DataError(
                f"{path}: has been changed: an item without what it was asked"
            ) from None


def _row_of_state(own: _Row | str, name: str, labels: Any, time: Any) -> _Row | str:
    if isinstance(own, str):
        return own
    try:
        given = {label["schema"]: (label["name"], value) for label, value in labels}
        answer = _POTATO_ANSWERS[own["protocol"]](own, given)
        note = {"note": given["note"][1]} if "note" in given and given["note"][1] else {}
        seconds = float((time or {}).get("total_time_ms") or 0) / 1000
        return _whole_row(own, name, seconds, {**answer, **note})
    except _NotInText as error:
        return str(error)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration):
        return "not an answer as Potato keeps it"


_Given = Mapping[str, tuple[str, Any]]


def _potato_choice(choices: Mapping[Any, str], given: _Given, scheme: str) -> Any:
    return _key_of(choices, given[scheme][0]) if scheme in given else None


def _potato_flags(own: _Row, given: _Given) -> _Answer:
    verdicts = [
        {**flag, "verdict": _potato_choice(_VERDICTS, given, f"flag_{n}")}
        for n, flag in enumerate(own["flags"])
        if f"flag_{n}" in given
    ]
    label = {"label": _potato_choice(_TRUE, given, "label")} if "label" in given else {}
    return {**label, "verdicts": verdicts}


def _potato_spans(own: _Row, given: _Given) -> _Answer:
    written = given["spans"][1] if "spans" in given else ""
    text = own["summaries"][0]
    spans = [
        {
            **_span_in(text, error["start"], error["end"], error["text"]),
            "type": error["type"],
            "severity": error["severity"],
            "evidence": error.get("evidence", []),
        }
        for error in (json.loads(written)["errors"] if written else ())
    ]
    return {"label": _label_of_spans(spans, "clean" in given), "spans": spans}


def _potato_ratings(own: _Row, given: _Given) -> _Answer:
    rated = [(name, f"rating_{n}") for n, name in enumerate(own["dimensions"])]
    return {"ratings": {name: int(given[s][0]) for name, s in rated if s in given}}


def _potato_pairs(_: _Row, given: _Given) -> _Answer:
    reason = given["reason"][1] if "reason" in given else ""
    return {"preferred": _potato_choice(_PREFERRED, given, "preferred"), "reason": reason}


_POTATO_ANSWERS: Mapping[str, Callable[[_Row, _Given], _Answer]] = {
    "flags": _potato_flags,
    "spans": _potato_spans,
    "ratings": _potato_ratings,
    "pairs": _potato_pairs,
}
_WRITERS: Mapping[str, Callable[[Sequence[_Row], StudyForm, RunFolder], list[Path]]] = {
    "label-studio": _write_label_studio,
    "potato": _write_potato,
}
