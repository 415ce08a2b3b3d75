"""Programs of others are checked against our types, outside of this tree: mypy, pyright, strict."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """\
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

import evalharness as eh


def texts() -> Iterator[str]:
    yield "It rained."


summaries: list[str] = ["It rained."]
references: list[list[str]] = [["Rain fell."]]
scores: eh.Scores = eh.score(
    summaries, references=references, articles=texts(), metrics=["rouge"], checks=["lexical"]
)
column: npt.NDArray[np.float64] = scores["rouge1"]
means: dict[str, float | None] = scores.mean()
ends: tuple[float, float] | None = scores.interval("rouge1")
messages: list[str] = [flag.message for flag in scores.flags()]
signature: str = scores.signature["rouge"]

systems: eh.Systems = eh.score({"bart": summaries, "pegasus": summaries}, references=["Rain."])
comparison: eh.Comparison = systems.compare(resamples=200)
rank: float | None = comparison.standings[0].rank
of_bart: eh.Scores = systems["bart"]
run: eh.Run = of_bart.run
files: list[eh.Run] = eh.score_files(["a.jsonl"], results=Path("results"))
verdict: eh.Verdict = eh.check("It rained.", "It snowed.")
gate: eh.Gate = eh.gate("results/a", "results/b")
pair: dict[str, float] = eh.rouge("It rained.", ["Rain.", "Rain fell."], stemmer=False)
compute = eh.compute_metrics(object(), metrics=["rouge", {"name": "chrf"}])
logged: dict[str, float] = compute(object())
plain: dict[str, object] = {**comparison.to_dict(), **gate.to_dict(), **verdict.to_dict()}
"""
# What must not pass: else the types say nothing.
WRONG = """\
import evalharness as eh

systems: eh.Systems = eh.score(["It rained."], references=["Rain."])
scores: eh.Scores = eh.score({"bart": ["It rained."]}, references=["Rain."])
eh.score([1, 2], references=["Rain.", "Snow."])
mean: float = eh.score(["a"], references=["a"]).mean()["rouge1"]
"""


def test_mypy_strict_accepts_a_program_and_refuses_wrong_ones(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "wrong.py").write_text(WRONG)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", ".", "program.py", "wrong.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    errors = [line.split(":") for line in done.stdout.splitlines() if ": error:" in line]

    assert {(name, int(line)) for name, line, *_ in errors} == {
        ("wrong.py", line) for line in (3, 4, 5, 6)
    }, done.stdout + done.stderr


def test_pyright_strict_accepts_a_program(tmp_path: Path) -> None:
    pyright = shutil.which("pyright", path=str(Path(sys.executable).parent))
    if pyright is None or subprocess.run([pyright, "--version"], check=False).returncode:
        pytest.skip("pyright cannot be had here: it needs node, and fetches itself from npm")
    (tmp_path / "program.py").write_text(PROGRAM)
    strict = {"typeCheckingMode": "strict", "include": ["program.py"]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(strict))
    done = subprocess.run(
        [pyright, "--pythonpath", sys.executable], cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
