"""Studies for Potato: a project to start, whose answers are in it, a folder a person."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalharness.errors import DataError
from evalharness.meta.study_form import (
    LABEL_CHOICES,
    NOTHING_WRONG,
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

# The files of a project.
POTATO_CONFIG, POTATO_ITEMS, POTATO_ANSWERS = "config.yaml", "items.jsonl", "annotation_output"
_STATE = "user_state.json"


def write_potato(rows: Sequence[StudyRow], form: StudyForm, folder: RunFolder) -> list[Path]:
    """Write a project, with the answers that rows have; return the files.

    Raises: DataError for a folder in which people have answered.
    """
    import yaml

    items = rows_by_item(rows)
    if any((folder.path / POTATO_ANSWERS).glob(f"*/{_STATE}")):
        raise DataError(f"{folder.path}: has answers of Potato already; write to another folder")
    lines = [json.dumps(_item_of(of_item, form)) for of_item in items.values()]
    most = max(len(flags_of_item(of_item)) for of_item in items.values())
    config = yaml.safe_dump(potato_config(form, most), sort_keys=False, allow_unicode=True)
    folder.write(POTATO_ITEMS, "".join(f"{line}\n" for line in lines))
    folder.write(POTATO_CONFIG, config)
    states = _states_of([row for row in rows if "answer" in row], items, form)
    answers = [_write_state(folder, n, state) for n, state in enumerate(states, 1)]
    return [folder.path / POTATO_CONFIG, folder.path / POTATO_ITEMS, *answers]


def _write_state(folder: RunFolder, number: int, state: StudyRow) -> Path:
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
    texts = [("article", "Article"), *summary_headings(form.protocol)]
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


def _radio(name: str, question: str, labels: Iterable[str], *, required: bool = True) -> StudyRow:
    return {
        "annotation_type": "radio",
        "name": name,
        "description": question,
        "labels": list(labels),
        **({"label_requirement": {"required": True}} if required else {}),
    }


def _text_scheme(name: str, question: str) -> StudyRow:
    return {"annotation_type": "text", "name": name, "description": question}


def _pairs_schemes(_: StudyForm, __: int) -> Iterator[StudyRow]:
    yield _radio("preferred", WHICH_QUESTION, PREFERENCE_CHOICES.values())
    yield _text_scheme("reason", "Why?")


def _ratings_schemes(form: StudyForm, _: int) -> Iterator[StudyRow]:
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


def _spans_schemes(form: StudyForm, _: int) -> Iterator[StudyRow]:
    yield {
        "annotation_type": "error_span",
        "name": "spans",
        "description": "Mark what is wrong in the summary",
        "source_field": "summary",
        "error_types": [{"name": kind} for kind in form.kinds],
        "severities": [{"name": "minor", "weight": -1}, {"name": "major", "weight": -5}],
        "show_score": False,
    }
    yield _radio("clean", "Or", [NOTHING_WRONG], required=False)
    yield _text_scheme("note", "Note")


def _flags_schemes(_: StudyForm, flags: int) -> Iterator[StudyRow]:
    for n in range(flags):
        question = f"Marked words {n + 1}, if there are so many"
        yield _radio(f"flag_{n}", question, VERDICT_CHOICES.values(), required=False)
    yield _radio("label", TRUE_QUESTION, LABEL_CHOICES.values())
    yield _text_scheme("note", "Note")


_SCHEMES: Mapping[str, Callable[[StudyForm, int], Iterator[StudyRow]]] = {
    "flags": _flags_schemes,
    "spans": _spans_schemes,
    "ratings": _ratings_schemes,
    "pairs": _pairs_schemes,
}


# Items, and what Potato keeps of answers.


def _item_of(rows: Sequence[StudyRow], form: StudyForm) -> StudyRow:
    first = {**rows[0], "dimensions": list(form.dimensions)}
    if form.protocol != "flags":
        return {"id": first["item"], **data_of_item(first)}
    flags = flags_of_item(rows)
    text = first["summaries"][0]
    shown = [
        f"{n}. “{text[flag['start'] : flag['end']]}” ({flag['kind']}): {flag.get('message', '')}"
        for n, flag in enumerate(flags, 1)
    ]
    return {
        "id": first["item"],
        **data_of_item({**first, "flags": flags}),
        "flags": "\n".join(shown),
    }


def _states_of(
    rows: Sequence[StudyRow], items: Mapping[str, Sequence[StudyRow]], form: StudyForm
) -> list[StudyRow]:
    """Return what Potato keeps of each annotator, of answers that there are."""
    states: dict[str, StudyRow] = {}
    for row in rows:
        new = {"user_id": row["annotator"], "instance_id_ordering": []}
        new |= {"instance_id_to_behavioral_data": {}, "instance_id_to_label_to_value": {}}
        state = states.setdefault(row["annotator"], new)
        labels = list(_labels_of(row, flags_of_item(items[row["item"]]), form))
        time = {"instance_id": row["item"], "total_time_ms": round(1000 * row["seconds"])}
        state["instance_id_ordering"].append(row["item"])
        state["instance_id_to_behavioral_data"][row["item"]] = time
        state["instance_id_to_label_to_value"][row["item"]] = [
            [{"schema": scheme, "name": name}, value] for scheme, name, value in labels
        ]
    return list(states.values())


def _labels_of(
    row: StudyRow, flags: Sequence[StudyRow], form: StudyForm
) -> Iterator[tuple[str, str, str]]:
    """Yield scheme, label and value of each thing that was answered."""
    answer = row["answer"]
    chosen: dict[str, str] = {}
    if row["protocol"] == "pairs":
        chosen["preferred"] = PREFERENCE_CHOICES[answer["preferred"]]
    elif row["protocol"] == "ratings":
        rated = ((n, answer["ratings"].get(name)) for n, name in enumerate(form.dimensions))
        chosen |= {f"rating_{n}": str(rating) for n, rating in rated if rating is not None}
    elif row["protocol"] == "spans":
        errors = [_error_of(mark, row["summaries"][0]) for mark in answer["spans"]]
        yield "spans", "spans", json.dumps({"errors": errors})
        chosen |= {"clean": NOTHING_WRONG} if answer.get("label") == 1 else {}
    else:
        chosen |= _verdicts_of(answer, flags) | {"label": LABEL_CHOICES[answer["label"]]}
    for scheme, label in chosen.items():
        yield scheme, label, label
    for scheme in ("reason", "note"):
        if text := answer.get(scheme):
            yield scheme, "text_box", text


def _error_of(mark: StudyRow, text: str) -> StudyRow:
    ends = {end: _units(text[: mark[end]]) for end in ("start", "end")}
    return {**mark, **ends, "text": text[mark["start"] : mark["end"]], "subtype": ""}


def _units(text: str) -> int:
    """Return how long a text is as browsers count: in units of UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _verdicts_of(answer: StudyAnswer, flags: Sequence[StudyRow]) -> dict[str, str]:
    bare = [{key: each[key] for key in each if key != "verdict"} for each in answer["verdicts"]]
    return {
        f"flag_{flags.index(flag)}": VERDICT_CHOICES[each["verdict"]]
        for flag, each in zip(bare, answer["verdicts"], strict=True)
    }


# From a project to rows.


def potato_rows(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield the rows that people answered in a Potato project, with where each stands.

    A row that cannot be read is the reason in its place.
    """
    items = dict(_read_items(folder / POTATO_ITEMS))
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


def _read_items(path: Path) -> Iterator[tuple[str, StudyRow | str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: not a Potato project that `annotate --to` wrote: {error}"
        ) from None
    for line in lines:
        try:
            item = json.loads(line)
            yield str(item["id"]), unpack_row(item)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise DataError(
                f"{path}: has been changed: an item without what it was asked"
            ) from None


def _row_of_state(own: StudyRow | str, name: str, labels: Any, time: Any) -> StudyRow | str:
    if isinstance(own, str):
        return own
    try:
        given = {label["schema"]: (label["name"], value) for label, value in labels}
        answer = _ANSWERS[own["protocol"]](own, given)
        note = {"note": given["note"][1]} if "note" in given and given["note"][1] else {}
        seconds = float((time or {}).get("total_time_ms") or 0) / 1000
        return row_of_answer(own, name, seconds, {**answer, **note})
    except NotInText as error:
        return str(error)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration):
        return "not an answer as Potato keeps it"


_Given = Mapping[str, tuple[str, Any]]


def _choice_of(choices: Mapping[Any, str], given: _Given, scheme: str) -> Any:
    return key_of_choice(choices, given[scheme][0]) if scheme in given else None


def _flags_answer(own: StudyRow, given: _Given) -> StudyAnswer:
    verdicts = [
        {**flag, "verdict": _choice_of(VERDICT_CHOICES, given, f"flag_{n}")}
        for n, flag in enumerate(own["flags"])
        if f"flag_{n}" in given
    ]
    label = {"label": _choice_of(LABEL_CHOICES, given, "label")} if "label" in given else {}
    return {**label, "verdicts": verdicts}


def _spans_answer(own: StudyRow, given: _Given) -> StudyAnswer:
    written = given["spans"][1] if "spans" in given else ""
    text = own["summaries"][0]
    spans = [
        {
            **span_of_marked_words(text, error["start"], error["end"], error["text"]),
            "type": error["type"],
            "severity": error["severity"],
            "evidence": error.get("evidence", []),
        }
        for error in (json.loads(written)["errors"] if written else ())
    ]
    return {"label": label_of_spans(spans, "clean" in given), "spans": spans}


def _ratings_answer(own: StudyRow, given: _Given) -> StudyAnswer:
    rated = [(name, f"rating_{n}") for n, name in enumerate(own["dimensions"])]
    return {"ratings": {name: int(given[s][0]) for name, s in rated if s in given}}


def _pairs_answer(_: StudyRow, given: _Given) -> StudyAnswer:
    reason = given["reason"][1] if "reason" in given else ""
    return {"preferred": _choice_of(PREFERENCE_CHOICES, given, "preferred"), "reason": reason}


_ANSWERS: Mapping[str, Callable[[StudyRow, _Given], StudyAnswer]] = {
    "flags": _flags_answer,
    "spans": _spans_answer,
    "ratings": _ratings_answer,
    "pairs": _pairs_answer,
}
