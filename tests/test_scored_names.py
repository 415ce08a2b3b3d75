"""`score` never replaces a run of other content unasked; names tell files of one name apart."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor as in_thread
from pathlib import Path
from typing import Any

import pytest
from conftest import Done

from evalharness import run, score_files
from evalharness.errors import ConfigError, Exit
from evalharness.runner import existing
from evalharness.store.runs import Run, read_run, runs_in
from evalharness.store.samples import mark_unfinished

Command = Callable[..., Done]
SCORED = Path("results/score")
LOG = Path(__file__).parent / "cases" / "logs" / "promptfoo" / "results.json"


def write_rows(path: str, summary: str, n: int = 3) -> str:
    rows = [
        {"id": str(i), "article": f"{i} people spoke. It rained.", "summary": summary,
         "reference": f"{i} people spoke."}
        for i in range(n)
    ]  # fmt: skip
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_rows("v1/out.jsonl", "It rained.")
    write_rows("v2/out.jsonl", "Nobody spoke.")
    return tmp_path


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_two_files_of_one_name_have_runs_of_their_own(here: Path) -> None:
    (first,) = score_files(["v1/out.jsonl"])
    before = content(first.folder)
    (second,) = score_files(["v2/out.jsonl"])

    assert (first.name, second.name) == ("out", "v2-out")
    assert content(first.folder) == before
    assert [sample["summary"]["text"] for sample in second.samples()] == ["Nobody spoke."] * 3


def test_the_same_file_again_has_the_same_name_and_is_computed_once(here: Path) -> None:
    for _ in range(2):
        runs = [score_files([f"v{n}/out.jsonl"])[0] for n in (1, 2)]

    assert [finished.name for finished in runs] == ["out", "v2-out"]
    assert [finished.timing.summaries["computed"] for finished in runs] == [0, 0]


def test_files_alike_in_name_and_folder_have_longer_names(here: Path) -> None:
    names = []
    for top in ("a", "b", "c"):
        write_rows(f"{top}/v1/out.jsonl", top)
        names += [finished.name for finished in score_files([f"{top}/v1/out.jsonl"])]

    assert names == ["out", "v1-out", "c-v1-out"]


def test_file_whose_name_another_run_has_is_told_its_own(here: Path, command: Command) -> None:
    first, second = (
        command("score", f"v{n}/out.jsonl", "--metrics", "rouge1", "--no-report") for n in (1, 2)
    )

    said = "v2/out.jsonl: its run is named v2-out, because the run out is of another file"
    assert said not in first.stderr
    assert said in second.stderr


def test_one_file_with_other_metrics_has_an_experiment_named_by_content(
    here: Path, command: Command
) -> None:
    before = content(score_files(["v1/out.jsonl"])[0].folder)
    words = ("score", "v1/out.jsonl", "--metrics", "chrf", "--no-report")
    named = [command(*words) for _ in range(2)]
    after = content(SCORED / "out")
    beside = command(*words, "--set", "name=chrf")
    replaced = command(*words, "--overwrite")

    (folder,) = Path("results").glob("score-*")
    for done in named:
        assert done.returncode == Exit.GOOD
        assert f"results/score/out has other content and was kept; these runs are in {folder}" in (
            done.stderr
        )
    assert after == before
    assert list(read_run(folder / "out").figures) == ["chrf", "lexical"]
    assert beside.returncode == replaced.returncode == Exit.GOOD
    assert list(read_run("results/chrf/out").figures) == ["chrf", "lexical"]
    assert list(read_run(SCORED / "out").figures) == ["chrf", "lexical"]


@pytest.mark.parametrize("summary", ["It snowed.", ""])
def test_one_file_with_other_summaries_replaces_none(summary: str, here: Path) -> None:
    score_files(["v1/out.jsonl"])
    before = content(SCORED / "out")
    write_rows("v1/out.jsonl", summary)
    (beside,) = score_files(["v1/out.jsonl"])

    assert beside.folder.parent != SCORED
    assert content(SCORED / "out") == before
    (replaced,) = score_files(["v1/out.jsonl"], overwrite=True)

    assert [sample["summary"]["text"] for sample in replaced.samples()] == [summary] * 3


@pytest.mark.parametrize("n", [2, 4])
def test_one_file_with_more_or_fewer_rows_replaces_none(n: int, here: Path) -> None:
    score_files(["v1/out.jsonl"])
    write_rows("v1/out.jsonl", "It rained.", n)
    (beside,) = score_files(["v1/out.jsonl"])

    assert (read_run(SCORED / "out").n, beside.n) == (3, n)


def test_one_file_with_another_limit_replaces_none(here: Path) -> None:
    score_files(["v1/out.jsonl"], limit=2)
    (beside,) = score_files(["v1/out.jsonl"])

    assert (read_run(SCORED / "out").n, beside.n) == (2, 3)


def test_overwriting_one_of_two_files_of_one_name_leaves_the_other(here: Path) -> None:
    (first,) = score_files(["v1/out.jsonl"])
    score_files(["v2/out.jsonl"])
    before = content(first.folder)
    (again,) = score_files(["v2/out.jsonl"], metrics=["chrf"], overwrite=True)

    assert again.name == "v2-out"
    assert content(first.folder) == before


def test_systems_of_logs_of_one_name_have_runs_of_their_own(here: Path) -> None:
    for folder in ("one", "two"):
        Path(folder).mkdir()
        shutil.copy(LOG, folder)
    names = [
        [run.name for run in score_files([f"{folder}/results.json"])] for folder in ("one", "two")
    ]

    assert names == [["echo", "echo-again"], ["echo-results", "echo-again-results"]]
    assert names == [
        [run.name for run in score_files([f"{f}/results.json"])] for f in ("one", "two")
    ]


def test_all_of_a_call_go_together_where_one_would_be_replaced(here: Path) -> None:
    score_files([str(LOG)], systems=["echo-again"], metrics=["chrf"])
    runs = score_files([str(LOG)])

    assert [run.name for run in runs] == ["echo", "echo-again"]
    assert len({run.folder.parent for run in runs} | {SCORED}) == 2
    assert list(read_run(SCORED / "echo-again").figures) == ["chrf", "lexical"]


def test_killed_score_goes_on_under_its_name(here: Path) -> None:
    score_files(["v1/out.jsonl"])
    mark_unfinished(SCORED / "out")

    assert [run.name for run in score_files(["v1/out.jsonl"])] == ["out"]
    assert read_run(SCORED / "out").n == 3


@pytest.mark.parametrize("name", ["samples.jsonl", "samples.parquet"])
def test_damaged_run_of_the_same_file_is_mended(name: str, here: Path) -> None:
    score_files(["v1/out.jsonl"])
    (SCORED / "out" / name).write_bytes(b"{torn")

    assert [run.name for run in score_files(["v1/out.jsonl"])] == ["out"]
    assert len(list(read_run(SCORED / "out").samples())) == 3


def test_two_commands_at_once_on_one_name_lose_and_mix_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one is at work, another file of the name has a run beside it."""
    beside: list[Run] = []

    def run_first(*arguments: Any, **how: Any) -> list[Run]:
        monkeypatch.setattr(existing, "run", run)
        with in_thread() as thread:
            beside.extend(thread.submit(score_files, ["v2/out.jsonl"]).result())
        return run(*arguments, **how)

    monkeypatch.setattr(existing, "run", run_first)
    runs = [*score_files(["v1/out.jsonl"]), *beside]

    assert [finished.name for finished in runs] == ["out", "v2-out"]
    texts = [{sample["summary"]["text"] for sample in each.samples()} for each in runs]
    assert texts == [{"It rained."}, {"Nobody spoke."}]


def test_two_commands_at_once_on_one_file_say_so_to_the_second(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_first(*arguments: Any, **how: Any) -> list[Run]:
        monkeypatch.setattr(existing, "run", run)
        with in_thread() as thread, pytest.raises(ConfigError, match=r"v1/out\.jsonl: another com"):
            thread.submit(score_files, ["v1/out.jsonl"], ["chrf"], overwrite=True).result()
        return run(*arguments, **how)

    monkeypatch.setattr(existing, "run", run_first)
    (first,) = score_files(["v1/out.jsonl"])

    assert list(first.figures) == ["rouge", "lexical"]
    (second,) = score_files(["v1/out.jsonl"], ["chrf"], overwrite=True)  # the first has ended
    assert list(second.figures) == ["chrf", "lexical"]


def test_processes_that_start_at_once_have_runs_of_their_own(here: Path) -> None:
    files = [write_rows(f"n{n}/out.jsonl", f"It is {n}.") for n in range(4)]
    words = [sys.executable, "-m", "evalharness", "score", "--no-report", "--checks", ""]
    started = [subprocess.Popen([*words, file]) for file in files]

    assert [process.wait() for process in started] == [0] * 4
    runs = runs_in(SCORED)
    texts = [{sample["summary"]["text"] for sample in each.samples()} for each in runs]
    assert sorted(map(sorted, texts)) == [[f"It is {n}."] for n in range(4)]


@pytest.fixture
def swept(here: Path) -> Path:
    """The folder of two runs, with the page, and what a sweep says of them."""
    score_files(["v1/out.jsonl", "v2/out.jsonl"])
    names = sorted(run.name for run in runs_in(SCORED))
    cells = [{"cell": name, "folder": name, "model": "given", "settings": {}} for name in names]
    (SCORED / "sweep.json").write_text(json.dumps({"format": 1, "cells": cells}))
    (SCORED / "report.html").write_text("<p>An earlier page.</p>")
    return SCORED


@pytest.mark.parametrize("asks", ["show", "compare", "report", "leaderboard"])
def test_what_stands_beside_runs_is_passed_over(swept: Path, command: Command, asks: str) -> None:
    every = sorted(swept.iterdir())
    alone = command(asks, *(folder for folder in every if folder.is_dir()))
    done = command(asks, *every)

    assert (done.returncode, alone.returncode) == (0, 0)
    assert done.stderr.splitlines()[:2] == [
        f"evalharness: {swept / name}: passed over, as it is neither a run nor a file of summaries"
        for name in ("report.html", "sweep.json")
    ]
    assert (
        done.stdout.replace(f"{swept / 'report.html'} ", "").splitlines()[:3]
        == (alone.stdout.splitlines()[:3])
    )
    assert sorted(swept.iterdir()) == every


def test_what_stands_beside_runs_is_refused_alone(swept: Path, command: Command) -> None:
    for name in ("sweep.json", "report.html", "out/config.yaml", "../store"):
        path = swept / name
        done = command("report", path)

        belongs = f"{path}: belongs to the runs in {path.parent}; give that folder instead"
        assert done.returncode == Exit.MENDABLE
        assert done.stderr == f"evalharness: {belongs}\n"


def test_files_named_like_those_beside_runs_are_read_elsewhere(
    here: Path, command: Command
) -> None:
    for name in ("sweep.json", "v1/config.yaml"):
        shutil.copy("v1/out.jsonl", name)
        assert command("score", name, "--no-report", "--input-format", "rows").returncode == 0
        assert command("show", name, "--input-format", "rows").returncode == 0
