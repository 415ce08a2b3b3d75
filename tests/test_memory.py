"""Memory does not grow with the articles: what compares runs, by the peak of a process of its own.

Runs are of made scores: `run.json` and the table as a run writes them, without texts.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

MakeRun = Callable[..., Path]
SCORERS = ("m1", "m2", "m3", "m4", "m5")
# Rows of a row group, as runs write them.
ROWS = 1000

_PEAK = """
import sys
{program}
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) / 1024)
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peaks are read in /proc"
)


def peak_megabytes(program: str, *arguments: str) -> float:
    """Return the most memory that a program had in a process of its own."""
    command = [sys.executable, "-c", _PEAK.format(program=program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def least_peaks(
    program: str, few: Sequence[str], many: Sequence[str], most: float
) -> tuple[float, float]:
    """Return the least peaks for few articles and many, of up to three tries each.

    most: the ratio asked for. A busy machine adds to a peak, as what is read ahead waits longer,
    and takes nothing from it: where the ratio is missed, both are measured again.
    """
    small = large = float("inf")
    for _ in range(3):
        small = min(small, peak_megabytes(program, *few))
        large = min(large, peak_megabytes(program, *many))
        if large < most * small:
            break
    return small, large


def grow(run: Path, n: int, seed: int) -> Path:
    """Give a small run so many articles, with scores that are drawn; return its folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    schema = pq.read_schema(run / "samples.parquet")
    with pq.ParquetWriter(run / "samples.parquet", schema, compression="zstd") as writer:
        for start in range(0, n, ROWS):
            rows = min(ROWS, n - start)
            columns = [column(field, start, rows, rng) for field in schema]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
    record = json.loads((run / "run.json").read_text())
    record["counts"] |= dict.fromkeys(("rows", "articles", "summarized"), n)
    (run / "run.json").write_text(json.dumps(record))
    return run


def column(field: Any, start: int, rows: int, rng: np.random.Generator) -> Any:
    """Return some rows of a column; the scores of an article are alike in all runs."""
    import pyarrow as pa

    if pa.types.is_float64(field.type):
        alike = np.random.default_rng(start).random(rows)
        return pa.array(alike + rng.normal(0, 0.1, rows), field.type)
    if field.name in ("id", "article", "references"):
        return pa.array([f"{i:032x}" for i in range(start, start + rows)], field.type)
    if field.name == "source":
        return pa.array([f"s{i % 50}" for i in range(start, start + rows)], field.type)
    plain = {"finish": "stop", "truncated": False, "defects": []}
    text = "" if pa.types.is_string(field.type) else 20
    return pa.array([plain.get(field.name, text)] * rows, field.type)


def made_runs(make_run: MakeRun, n: int) -> Sequence[str]:
    """Return the folders of two runs of so many articles."""
    scores = {name: [0.5] for name in SCORERS}
    runs = (grow(make_run(f"{name}{n}", scores), n, seed) for seed, name in enumerate("ab"))
    return [str(run) for run in runs]


GATE = """
from evalharness import gate
gate(*sys.argv[1:], {"resamples": 1000, "metrics": dict.fromkeys("m1 m2 m3 m4 m5".split(), 0.01)})
"""


def test_gate_of_100000_articles_takes_the_memory_of_20000(make_run: MakeRun) -> None:
    few, many = (made_runs(make_run, n) for n in (20_000, 100_000))
    small, large = least_peaks(GATE, few, many, 1.25)
    assert large < 1.25 * small


@pytest.mark.slow
def test_gate_of_a_million_articles_takes_less_than_twice_the_memory_of_20000(
    make_run: MakeRun,
) -> None:
    few, many = (made_runs(make_run, n) for n in (20_000, 1_000_000))
    small, large = least_peaks(GATE, few, many, 2)
    assert large < 2 * small


COMPARE = """
from evalharness import compare
compare(*sys.argv[1:], resamples=1000)
"""


def test_comparison_of_100000_articles_takes_the_memory_of_20000(make_run: MakeRun) -> None:
    few, many = (made_runs(make_run, n) for n in (20_000, 100_000))
    small, large = least_peaks(COMPARE, few, many, 1.25)
    assert large < 1.25 * small


VERIFY = """
from evalharness import verify
assert verify(sys.argv[1]).findings.done["lines of samples"] == int(sys.argv[2])
"""


def test_verification_of_40000_articles_takes_the_memory_of_4000(make_run: MakeRun) -> None:
    few, many = ((str(make_run(f"v{n}", {"m": [0.5] * n})), str(n)) for n in (4000, 40_000))
    small, large = least_peaks(VERIFY, few, many, 1.25)
    assert large < 1.25 * small


CLUSTERED = GATE.replace('{"resamples"', '{"cluster": "source", "resamples"')


def test_gate_of_100000_articles_in_clusters_takes_the_memory_of_20000(make_run: MakeRun) -> None:
    few, many = (made_runs(make_run, n) for n in (20_000, 100_000))
    small, large = least_peaks(CLUSTERED, few, many, 1.25)
    assert large < 1.25 * small


def test_gate_joins_100000_articles_of_other_data_in_little_memory(make_run: MakeRun) -> None:
    """Runs whose fingerprints differ are joined on their ids: one has an article more."""
    few, many = (
        (made_runs(make_run, n)[0], made_runs(make_run, n + 1)[1]) for n in (20_000, 100_000)
    )
    small, large = least_peaks(GATE, few, many, 1.6)
    assert large < 1.6 * small
