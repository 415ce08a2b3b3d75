"""The readings of the real outputs: complete, word for word, and as much agreed as the docs say."""

import json
import re
from pathlib import Path

from real.readings import KINDS, answers, readings, rows, texts

from evalharness.meta.annotations import read_annotations, study_agreement

QUICKSTART = Path(__file__).parents[1] / "configs" / "quickstart"


def test_each_summary_was_read_twice_and_each_mark_stands_in_it() -> None:
    both = readings()  # raises where words are not in the text
    assert [*both] == ["first", "second"]
    assert all(reading.keys() == texts().keys() for reading in both.values())
    assert {kind for row in rows("smollm2.readings.jsonl") for kind, _ in row["errors"]} <= {*KINDS}


def test_agreement_is_what_the_page_says(tmp_path: Path) -> None:
    paths = []
    for name, reading in readings().items():
        lines = [json.dumps(row) for row in answers(name, reading)]
        paths.append(tmp_path / f"{name}.jsonl")
        paths[-1].write_text("\n".join(lines) + "\n")
    told = study_agreement(read_annotations(paths)).questions
    page = (QUICKSTART / "smollm2.md").read_text()
    found = re.search(r"κ (\.\d\d) .*?\sF1 (\.\d\d)", page, re.DOTALL)
    assert found
    kappa = told["label"]["cohen_kappa"]
    f1 = told["spans"]["f1"]
    assert (f"{kappa:.2f}"[1:], f"{f1:.2f}"[1:]) == found.groups()
