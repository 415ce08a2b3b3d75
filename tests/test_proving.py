"""The self-test passes on a good installation, and names what is broken in a bad one."""

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalharness import shipped
from evalharness.models.extractive import Oracle
from evalharness.proving import Proof, Step, machine, prove, steps
from evalharness.proving.steps import STEPS, Bench
from evalharness.records import Article, Summary

ROOT = Path(__file__).parents[1]
NAMES = [name for name, _, _ in STEPS]


def failed(proof: Proof) -> dict[str, Step]:
    return {step.name: step for step in proof.steps if not step.passed}


def only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Leave all other steps out, for speed."""
    few = [each for each in STEPS if each[0] in names]
    monkeypatch.setattr("evalharness.proving.running.STEPS", few)


def test_every_step_passes_in_under_a_minute(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))

    began = time.thread_time()  # processor time, which a busy machine does not take
    done = command("selftest", "--json", "--results", tmp_path / "results")
    took = time.thread_time() - began

    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout)
    assert found["passed"] is True
    assert [step["name"] for step in found["steps"]] == NAMES
    assert found["machine"]["packages"]["torch"]
    assert found["machine"]["devices"]["cpu_threads"] >= 1
    assert all(free > 0 for free in found["machine"]["free_bytes"].values())
    assert took < 60
    assert list((tmp_path / "temporary").glob("evalharness*")) == []
    assert list(tmp_path.iterdir()) == [tmp_path / "temporary"]  # nothing where results will lie


def test_a_line_a_step_and_what_the_machine_has(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, "machine", "load", "page")

    done = command("selftest", "--results", tmp_path)

    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert [line.split()[2] for line in lines[:3]] == ["machine", "load", "page"]
    assert "3 of 3 steps passed" in lines[-1]
    assert any(line.startswith("computes on: ") for line in lines)
    assert any(line.startswith("free: ") for line in lines)


def broken_rouge(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalharness.metrics import rouge, rouge_engine

    monkeypatch.setattr(rouge.Rouge, "_compiled", lambda self: None)
    monkeypatch.setattr(rouge, "rouge_l", lambda theirs, ours: rouge_engine.PRF(0.5, 0.5, 0.5))


def broken_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    def summarize(self: Oracle, articles: Sequence[Article]) -> list[Summary]:
        return [Summary(a.id, a.text[:20]) for a in articles]

    monkeypatch.setattr(Oracle, "summarize", summarize)


def broken_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalharness.checks.lexical import Lexical
    from evalharness.records import Score

    monkeypatch.setattr(Lexical, "score", lambda self, pairs: [Score(1.0) for _ in pairs])


def broken_sealing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalharness.verifying.records.sealing.file_digest", lambda content: "0")


def broken_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalharness import stats

    honest = stats._draw_counts
    monkeypatch.setattr(stats, "_draw_counts", lambda n, seed, r: honest(n, seed + 1, r))


def broken_data(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalharness.loaders.files import Files

    honest = Files.load
    monkeypatch.setattr(Files, "load", lambda self: list(honest(self))[1:])


def broken_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalharness.gating import outcomes

    monkeypatch.setattr("evalharness.gating.judging.worst_of", lambda verdicts: "pass")
    assert outcomes.EXIT_CODES["pass"] == 0


@pytest.mark.parametrize(
    ("how", "found"),
    [
        (broken_rouge, "rouge"),
        (broken_oracle, "extractive"),
        (broken_numbers, "checks"),
        (broken_sealing, "verify"),
        (broken_statistics, "intervals"),
        (broken_data, "load"),
        (broken_gate, "gate"),
    ],
)
def test_what_is_broken_is_named_with_what_it_means(
    how: Callable[[pytest.MonkeyPatch], None],
    found: str,
    tmp_path: Path,
    command: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    only(monkeypatch, "extractive", found)
    how(monkeypatch)

    done = command("selftest", "--results", tmp_path)

    assert done.returncode == 4
    assert f"{found:<10}  FAILED: " in done.stdout
    meaning = next(m for name, _, m in STEPS if name == found)
    assert f"which means: {meaning}" in done.stdout
    assert done.stderr == "evalharness: this installation should not be trusted: see above\n"


def test_wrong_padding_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A batch in which the encoder sees its padding gives other summaries than one article does."""
    from evalharness.models.seq2seq import Seq2Seq

    honest = Seq2Seq.summarize

    def summarize(self: Seq2Seq, articles: Sequence[Article]) -> list[Summary]:
        made = honest(self, articles)
        if len(articles) == 1:
            return made
        return [Summary(s.article_id, s.text + " x", s.read, s.finish, s.tokens) for s in made]

    monkeypatch.setattr(Seq2Seq, "summarize", summarize)
    only(monkeypatch, "seq2seq")

    found = failed(prove(tmp_path))

    assert "the summary of" in found["seq2seq"].why
    assert "encoder-decoder" in found["seq2seq"].meaning


def test_a_bug_in_a_step_stops_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def burst(bench: Bench) -> str:
        raise ZeroDivisionError("oops")

    page = next(each for each in STEPS if each[0] == "page")
    monkeypatch.setattr("evalharness.proving.running.STEPS", [("odd", burst, "nothing"), page])

    proof = prove(tmp_path)

    assert [step.passed for step in proof.steps] == [False, True]
    assert proof.steps[0].why.startswith("ZeroDivisionError: oops (test_proving.py:")


def test_results_that_cannot_be_written_fail_the_first_step(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bench = Bench(tmp_path, tmp_path / "file")

    with pytest.raises(OSError, match=r"/proc|denied|directory|No such"):
        machine.try_writing(Path("/proc/1/nothing"))
    assert steps.look(bench) == ""  # the folder above a file can be written


def test_a_card_that_torch_does_not_use_is_a_warning() -> None:
    facts = {
        "hardware": {"gpus": ["NVIDIA H100"]},
        "devices": {"cuda": [], "cuda_version": None},
        "free_bytes": {"/": 10**9},
    }

    assert machine.warnings(facts) == [
        "there are 1 NVIDIA cards, and torch uses none of them: it is built without CUDA",
        "only 1.0 GB are free in /",
    ]


def test_options_of_the_checks_need_checks(command: Callable[..., Any]) -> None:
    done = command("selftest", "--check", "numbers")

    assert done.returncode == 2
    assert "is for --checks" in done.stderr


@pytest.mark.slow
def test_a_wheel_brings_all_that_selftest_and_reproduce_read(tmp_path: Path) -> None:
    build = f"from hatchling.build import build_wheel; print(build_wheel({str(tmp_path)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=ROOT, capture_output=True, text=True, check=True
    )
    wheel = tmp_path / done.stdout.split()[-1]
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    assert wheel.stat().st_size < 3_000_000
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    for arguments in (["selftest"], ["reproduce"], ["selftest", "--checks", "--kinds", "number"]):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "evalharness", *arguments],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    where = "import evalharness.shipped as s; print(s.shipped('quickstart/articles.jsonl'))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", where],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip().startswith(str(tmp_path / "site"))


def test_shipped_files_are_there() -> None:
    for name in ("quickstart/lead1-bart/model.safetensors", "reproduce/published.yaml"):
        assert shipped.shipped(name).is_file()
