"""What was read in the real outputs: errors of fact, marked word for word, in two readings.

`PYTHONPATH=tests python -m real.readings FOLDER` writes a file for each reading as the page of a
study would, for `evalharness annotate --read FOLDER/*.jsonl`, and prints how often what `lexical`
flags was marked, and what it missed. What the readings are stands in
`configs/quickstart/smollm2.md`.
"""

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalharness.checks.lexical.lexical import Lexical
from evalharness.records import FLAG_KINDS, Article, Span, Summary
from real.summaries import QUICKSTART

READINGS = QUICKSTART / "smollm2.readings.jsonl"
KINDS = ("number", "entity", "date", "roles", "negation", "hedge", "invented")


@dataclass(frozen=True)
class Mark:
    """Words of a summary that are wrong, wherever they stand in it."""

    spans: tuple[Span, ...]
    kind: str


Key = tuple[str, str]  # article, system
Reading = Mapping[Key, Sequence[Mark]]


def rows(name: str) -> list[dict[str, Any]]:
    """Return the rows of a file of the quickstart."""
    lines = (QUICKSTART / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def texts() -> dict[Key, Summary]:
    """Return the summaries, by article and system."""
    return {
        (row["id"], row["system"]): Summary(row["id"], row["text"], finish=row["finish"])
        for row in rows("smollm2.jsonl")
    }


def readings() -> Mapping[str, Reading]:
    """Return what each reading marked. Raises: ValueError for words that are not in the text."""
    summaries = texts()
    marked: dict[str, dict[Key, list[Mark]]] = defaultdict(dict)
    for row in rows(READINGS.name):
        key = row["id"], row["system"]
        marks = marked[row["reading"]].setdefault(key, [])
        for kind, words in row["errors"]:
            found = re.finditer(re.escape(words), summaries[key].text)
            spans = tuple(Span(*match.span()) for match in found)
            if not spans:
                raise ValueError(f"{key}: {words!r} is not in the summary")
            marks.append(Mark(spans, kind))
    return marked


def answers(name: str, reading: Reading) -> list[dict[str, Any]]:
    """Return a reading as rows of the page of a study."""
    articles = {row["id"]: row["article"] for row in rows("articles.jsonl")}
    summaries = texts()
    return [
        {
            "study": "smollm2", "protocol": "spans", "item": "/".join(key), "annotator": name,
            "article_id": key[0], "article": articles[key[0]], "source": "quickstart",
            "systems": [key[1]], "summaries": [summaries[key].text], "complete": True,
            "seconds": 0,
            "answer": {
                "label": int(not marks),
                "spans": [
                    {"start": span.start, "end": span.end, "type": m.kind, "severity": "major"}
                    for m in marks
                    for span in m.spans
                ],
            },
        }
        for key, marks in reading.items()
    ]  # fmt: skip


def touches(some: Sequence[Span], others: Sequence[Span]) -> bool:
    """Tell whether some spans share a character with others."""
    return any(a.start < b.end and b.start < a.end for a in some for b in others)


def table_of_flags(keys: Sequence[Key], reading: Reading) -> tuple[Counter[str], Counter[str]]:
    """Return of each kind of flag how many there are, and how many touch words that were marked."""
    articles = {row["id"]: Article(row["id"], row["article"]) for row in rows("articles.jsonl")}
    summaries = texts()
    scores = Lexical().score([(articles[key[0]], summaries[key]) for key in keys])
    flags, right = Counter[str](), Counter[str]()
    for key, score in zip(keys, scores, strict=True):
        wrong = [span for mark in reading[key] for span in mark.spans]
        for flag in score.flags:
            flags[flag.kind] += 1
            right[flag.kind] += touches([flag.span], wrong)
    return flags, right


def table_of_errors(
    keys: Sequence[Key], reading: Reading
) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Return of each kind of error how many were marked; likely errors touch; any flags touch."""
    articles = {row["id"]: Article(row["id"], row["article"]) for row in rows("articles.jsonl")}
    summaries = texts()
    scores = Lexical().score([(articles[key[0]], summaries[key]) for key in keys])
    errors, likely, flagged = Counter[str](), Counter[str](), Counter[str]()
    for key, score in zip(keys, scores, strict=True):
        every = [flag.span for flag in score.flags]
        hard = [flag.span for flag in score.flags if FLAG_KINDS[flag.kind].hard]
        for mark in reading[key]:
            errors[mark.kind] += 1
            likely[mark.kind] += touches(mark.spans, hard)
            flagged[mark.kind] += touches(mark.spans, every)
    return errors, likely, flagged


def main(folder: Path) -> None:
    """Write the readings for `annotate --read`, and print both tables."""
    folder.mkdir(parents=True, exist_ok=True)
    every = readings()
    for name, reading in every.items():
        lines = [json.dumps(row, ensure_ascii=False) for row in answers(name, reading)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, reading in every.items():
        keys = [*reading]
        flags, right = table_of_flags(keys, reading)
        print(f"{name}: {len(keys)} summaries, {sum(map(bool, reading.values()))} with an error")
        for kind, n in flags.most_common():
            hard = "likely error" if FLAG_KINDS[kind].hard else ""
            print(f"  flag {kind}: {right[kind]} of {n} {hard}")
        errors, likely, flagged = table_of_errors(keys, reading)
        for kind, n in errors.most_common():
            print(f"  error {kind}: {likely[kind]} of {n} likely errors, {flagged[kind]} flagged")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
