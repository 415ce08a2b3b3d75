"""The table of a run: what Arrow itself would make of it, without pandas."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa  # noqa: TID253  what the tests are of
import pytest

from evalharness.store.table import arrow_array

KINDS: dict[str, tuple[Any, list[Any]]] = {
    "texts": (pa.string(), ["", None, "an 'é' and 𝄞", "b" * 99, "a\nb\0"]),
    "whole": (pa.int64(), [0, None, -(2**62), 2**62]),
    "sums": (pa.uint32(), [0, 2**32 - 1, None]),
    "numbers": (pa.float64(), [0.1, None, -0.0, 1e300, float("nan"), 3]),
    "truths": (pa.bool_(), [True, False, None] * 7),
    "lists": (pa.list_(pa.string()), [[], ["a", None, "bc"], None, ["d"]]),
    "counts": (pa.list_(pa.float64()), [None, [1.5, 2.0], [], [3.0]]),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("times", [0, 1, 300])
def testarrow_array_is_that_of_arrow(name: str, times: int) -> None:
    kind, values = KINDS[name]
    many = values * times

    ours, theirs = arrow_array(many, kind), pa.array(many, kind)

    ours.validate(full=True)
    assert ours.type == kind
    assert ours.null_count == theirs.null_count
    assert repr(ours.to_pylist()) == repr(theirs.to_pylist())


def test_table_of_a_run_is_made_without_pandas(tmp_path: Path) -> None:
    code = """
import json, sys, pathlib
from evalharness.files.temporary import Spool
from evalharness.store.table import TableRows, write_table
from evalharness.store.aggregates import ScoreColumns
spool = Spool()
columns, rows = ScoreColumns(spool), TableRows(spool)
score = {"value": 0.5, "flags": [{"kind": "k"}], "counts": [1.0]}
columns.add(score)
sample = {"id": "a", "source": "s", "article": "It rained.", "references": [], "defects": ["short"],
          "summary": {"text": "Rain.", "finish": "stop"}, "scores": {"m": score}}
rows.add(sample, json.dumps(sample).encode())
path = pathlib.Path(sys.argv[1])
write_table(rows, path, {"m": columns})
print(path.stat().st_size > 0, "pandas" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "t.parquet")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "False"]
