"""What a study asks outside its page, and how a row of answers travels with an item there.

What a row holds beside the texts goes along packed, in one field `evalharness`, so that it comes
back as it was and the systems are not in sight. Tools count offsets in their own ways; the words
that were marked, which they keep, tell which.
"""

import base64
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PACKED_FIELD = "evalharness"
PREFERENCE_CHOICES: Mapping[str, str] = {
    "a": "The first is better",
    "tie": "Neither is better",
    "b": "The second is better",
}
LABEL_CHOICES: Mapping[int | None, str] = {1: "Yes", 0: "No", None: "Not sure"}
VERDICT_CHOICES: Mapping[str, str] = {
    "error": "An error",
    "fine": "Nothing wrong",
    "unsure": "Not sure",
}
NOTHING_WRONG = "Nothing is wrong"
TRUE_QUESTION = "Is the summary as a whole true to the article?"
WHICH_QUESTION = "Which summary is better?"
_OF_ANSWERS = ("annotator", "complete", "seconds", "at", "answer")
_IN_SIGHT = ("article", "summaries")
StudyRow = dict[str, Any]
StudyAnswer = Mapping[str, Any]


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


def rows_by_item(rows: Sequence[StudyRow]) -> dict[str, list[StudyRow]]:
    """Return the rows of each item, a row an annotator."""
    items: dict[str, list[StudyRow]] = defaultdict(list)
    for row in rows:
        items[row["item"]].append(row)
    return items


def flags_of_item(rows: Sequence[StudyRow]) -> list[StudyRow]:
    """Return the flags of an item: those that are asked about, and all that have a verdict."""
    every = [flag for row in rows for flag in row.get("flags", ())]
    every += [flag for row in rows for flag in row.get("answer", {}).get("verdicts", ())]
    bare = [{key: flag[key] for key in flag if key != "verdict"} for flag in every]
    return list({json.dumps(flag, sort_keys=True): flag for flag in bare}.values())


def summary_headings(protocol: str) -> list[tuple[str, str]]:
    """Return the fields that hold an item's summaries, each with its heading."""
    if protocol == "pairs":
        return [("summary_a", "First summary"), ("summary_b", "Second summary")]
    return [("summary", "Summary")]


# An item on its way out, and back.


def data_of_item(row: StudyRow) -> dict[str, Any]:
    """Return what a tool is given of an item: the texts that it shows, and all else packed."""
    texts = row["summaries"]
    names = ("summary",) if len(texts) == 1 else ("summary_a", "summary_b")
    return {
        "article": row["article"],
        **dict(zip(names, texts, strict=True)),
        PACKED_FIELD: _pack_row(row),
    }


def _pack_row(row: StudyRow) -> str:
    own = {key: value for key, value in row.items() if key not in (*_OF_ANSWERS, *_IN_SIGHT)}
    return base64.b64encode(json.dumps(own).encode()).decode()


def unpack_row(data: Mapping[str, Any]) -> StudyRow:
    """Return the row that an item was made of. Raises: KeyError, ValueError for another item."""
    own: StudyRow = json.loads(base64.b64decode(data[PACKED_FIELD], validate=True))
    names = ("summary",) if "summary" in data else ("summary_a", "summary_b")
    return own | {"article": data["article"], "summaries": [data[name] for name in names]}


def row_of_answer(own: StudyRow, annotator: str, seconds: float, answer: StudyAnswer) -> StudyRow:
    """Return a row as the page writes it, of an item's own row and an answer."""
    row = {key: own[key] for key in own if key not in ("flags", "dimensions")}
    complete = _is_complete(own, answer)
    return row | {
        "annotator": annotator, "complete": complete, "seconds": seconds, "answer": answer,
    }  # fmt: skip


def _is_complete(own: StudyRow, answer: StudyAnswer) -> bool:
    """Tell whether all was answered that the page would ask."""
    protocol = own["protocol"]
    if protocol == "flags":
        return "label" in answer and len(answer["verdicts"]) == len(own.get("flags", ()))
    if protocol == "ratings":
        return set(answer["ratings"]) == set(own["dimensions"])
    return answer["label" if protocol == "spans" else "preferred"] is not None


def label_of_spans(spans: Sequence[Any], is_clean: bool) -> int | None:
    """Return 0 with an error marked, 1 where it was said that nothing is wrong, else None."""
    return 0 if spans else 1 if is_clean else None


def key_of_choice(choices: Mapping[Any, str], shown: str) -> Any:
    """Return what a choice means, by its words. Raises: StopIteration for words of none."""
    return next(key for key, value in choices.items() if value == shown)


# Words that were marked.


class NotInText(ValueError):
    """Words that were marked and are not in the text."""


def span_of_marked_words(text: str, start: Any, end: Any, marked: str | None) -> dict[str, int]:
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
        raise NotInText(f"the words {marked!r:.60} that were marked are not in the text")
    nearest = min(at, key=lambda n: abs(n - units[0]))
    return {"start": nearest, "end": nearest + len(marked)}


def _characters(text: str, units: int) -> int:
    """Return how many characters so many units of UTF-16 are.

    >>> _characters("a😀b", 3)
    2
    """
    encoded = text.encode("utf-16-le", "surrogatepass")[: 2 * max(0, units)]
    return len(encoded.decode("utf-16-le", "replace"))
