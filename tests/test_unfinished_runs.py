"""A folder whose newest run failed or was killed holds no result, whatever an older run left."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import Done

from evalharness import compare, gate, run
from evalharness.errors import ConfigError, DataError, Exit, HarnessError
from evalharness.runner.run import Unfinished
from evalharness.runner.shards import run_shard
from evalharness.store.copy import copy
from evalharness.store.runs import UnfinishedRun, read_run, runs_in
from evalharness.store.samples import UNFINISHED, marks_of

Command = Callable[..., Done]
N = 40
RULES = {"metrics": {"rouge.rouge1": 0.01}}


def write_articles(folder: Path) -> None:
    rows = [
        {
            "id": str(n),
            "article": f"The mayor of town {n} spoke. It rained on {n} days. Nobody left.",
            "reference": f"The mayor of town {n} spoke as it rained.",
        }
        for n in range(N)
    ]
    (folder / "articles.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def config(sentences: int, name: str = "ci", **more: Any) -> dict[str, Any]:
    """Return a config whose runs lie in `name/cand`; other sentences make another candidate."""
    model = {"name": "lead", "label": "cand", "sentences": sentences}
    return {
        "name": name,
        "data": {"name": "files", "path": "articles.jsonl"},
        "model": model,
        "checks": [],
        "interval": {"resamples": 100},
        **more,
    }


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder with articles, a baseline, and a candidate like it."""
    monkeypatch.chdir(tmp_path)
    write_articles(tmp_path)
    run(config(2, "base"))
    run(config(2))
    return tmp_path


CANDIDATE = Path("results/ci/cand")
BASELINE = Path("results/base/cand")
BROKEN = {"name": "seq2seq", "label": "cand", "model": "./checkpoint"}


def break_checkpoint(files: Mapping[str, str]) -> None:
    Path("checkpoint").mkdir()
    for name, text in files.items():
        (Path("checkpoint") / name).write_text(text)


@pytest.mark.parametrize("files", [None, {}, {"config.json": "{"}], ids=["gone", "empty", "torn"])
def test_gate_of_a_candidate_whose_run_failed_could_not_run(
    files: Mapping[str, str] | None, here: Path
) -> None:
    before = gate(BASELINE, CANDIDATE, RULES)
    if files is not None:
        break_checkpoint(files)
    with pytest.raises(HarnessError):
        run(config(2, model=BROKEN))
    found = gate(BASELINE, CANDIDATE, RULES)

    assert before.exit_code == Exit.GOOD
    assert (found.verdict, found.exit_code) == ("could-not-run", Exit.INCOMPLETE)
    assert "its newest run did not finish" in found.reason


@pytest.mark.parametrize(
    "arguments",
    [
        ("gate", BASELINE, CANDIDATE),
        ("gate", CANDIDATE, BASELINE),
        ("compare", BASELINE, CANDIDATE),
        ("compare", "results/ci"),
        ("report", CANDIDATE, "-o", "page.html"),
        ("report", "results/ci", "-o", "page.html"),
        ("show", CANDIDATE),
        ("leaderboard",),
        ("leaderboard", CANDIDATE),
        ("verify", CANDIDATE),
        ("verify", "results"),
        ("rerun", CANDIDATE),
    ],
    ids=str,
)
def test_every_command_says_that_the_newest_run_did_not_finish(
    arguments: tuple[object, ...], here: Path, command: Command
) -> None:
    with pytest.raises(HarnessError):
        run(config(2, model=BROKEN))
    done = command(*arguments)

    assert done.returncode == Exit.INCOMPLETE
    said = done.stdout + done.stderr
    assert "results/ci/cand" in said
    assert "newest run did not finish" in said


def test_leaderboard_and_verify_go_on_with_the_finished_runs(here: Path, command: Command) -> None:
    with pytest.raises(HarnessError):
        run(config(2, model=BROKEN))
    board = command("leaderboard", "--json")
    verified = command("verify", "results", "--json")

    (rows,) = [b["rows"] for b in json.loads(board.stdout)["boards"]]
    assert [row["run"] for row in rows] == ["base/cand"]
    record = json.loads(verified.stdout)
    assert (record["runs"], record["unfinished"]) == (["results/base/cand"], ["results/ci/cand"])


def test_run_again_ends_what_had_failed(here: Path) -> None:
    with pytest.raises(HarnessError):
        run(config(2, model=BROKEN))
    (again,) = run(config(2))

    assert again.timing.summaries == {"computed": 0, "stored": N}
    assert marks_of(CANDIDATE) == []
    assert gate(BASELINE, CANDIDATE, RULES).exit_code == Exit.GOOD


def test_old_result_counts_again_when_the_mark_is_removed(here: Path) -> None:
    with pytest.raises(HarnessError):
        run(config(2, model=BROKEN))
    with pytest.raises(UnfinishedRun, match=f"remove its {re.escape(UNFINISHED)}"):
        read_run(CANDIDATE)
    for mark in marks_of(CANDIDATE):
        mark.unlink()

    assert read_run(CANDIDATE).n == N


def test_failed_run_leaves_other_runs_of_the_experiment_alone(here: Path) -> None:
    other = {"name": "lead", "label": "other", "sentences": 1}
    run(config(2, model=other))
    with pytest.raises(HarnessError):
        run(config(2, model=BROKEN))

    assert read_run("results/ci/other").n == N


def test_failed_cell_of_a_sweep_is_named_and_the_others_are_reported(
    here: Path, command: Command
) -> None:
    break_checkpoint({"config.json": '{"model_type": "t5"}'})
    models = [{"name": "lead", "label": "good"}, BROKEN]
    with pytest.raises(Unfinished):
        run(config(2, model=None, models=models))
    reported = command("report", "results/ci", "-o", "page.html")
    compared = command("compare", "results/ci")

    assert reported.returncode == compared.returncode == Exit.INCOMPLETE
    assert "cand: not finished" in (here / "page.html").read_text()
    assert "results/ci/cand" in compared.stderr
    assert read_run("results/ci/good").n == N


def test_shard_of_another_config_makes_the_old_result_none(here: Path) -> None:
    for number in (1, 2):
        run_shard(config(1), f"{number}/2")
        assert marks_of(CANDIDATE) != []
        with pytest.raises(UnfinishedRun):
            read_run(CANDIDATE)
    run(config(1))

    assert "sentences:1" in read_run(CANDIDATE).signatures.model
    assert marks_of(CANDIDATE) == []


def test_run_that_began_earlier_leaves_the_mark_of_a_later_one(here: Path) -> None:
    """Two runs into one folder, the later one killed: the earlier one's result is not its."""
    from evalharness.store.samples import mark_unfinished

    later: list[Path] = []

    class Begin:
        def start(self, *_: object) -> None:
            if not later:
                later.extend(mark_unfinished(CANDIDATE)[-1:])

        def advance(self, *_: object) -> None: ...
        def end(self) -> None: ...

    run(config(1), progress=Begin())

    assert marks_of(CANDIDATE) == later
    with pytest.raises(UnfinishedRun):
        read_run(CANDIDATE)


def test_full_disk_leaves_no_old_result(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_nothing(self: Path, *_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", write_nothing)
    with pytest.raises(HarnessError, match="No space left"):
        run(config(1))
    monkeypatch.undo()

    with pytest.raises(DataError):
        read_run(here / CANDIDATE)


def test_copy_takes_marks_along_and_away(here: Path) -> None:
    copy("results/ci", "copied")
    with pytest.raises(HarnessError):
        run(config(2, model=BROKEN))
    copy("results/ci", "copied")
    with pytest.raises(UnfinishedRun):
        runs_in("copied")
    run(config(2))
    copy("results/ci", "copied")

    assert [found.n for found in runs_in("copied")] == [N]


# Kills itself before the n-th time that it makes, opens for writing, moves or removes a file of
# the results, and prints how often it would have. Arguments: n, and those of the command line.
KILLED = """
import os, runpy, signal, sys

at = int(sys.argv.pop(1))
n = 0

def count(event, arguments):
    global n
    writes = event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if not (writes or event in ("os.rename", "os.remove", "os.mkdir", "os.truncate")):
        return
    if "results" not in str(arguments[0]):
        return
    n += 1
    if n == at:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
runpy.run_module("evalharness", run_name="__main__", alter_sys=True)
"""


def run_killed_at(moment: int, *arguments: str) -> int:
    """Run a command that is killed before it touches the results so often; return how it ended."""
    words = [sys.executable, "-c", KILLED, str(moment), *arguments]
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(words, env=environment, capture_output=True, check=False).returncode


def assert_no_old_result_passes() -> None:
    """See that the folder has no result, or that of the newer config."""
    try:
        found = read_run(CANDIDATE)
    except DataError:
        assert gate(BASELINE, CANDIDATE, RULES).exit_code == Exit.INCOMPLETE
    else:
        assert "sentences:1" in found.signatures.model


def kill_everywhere(here: Path, stride: int, *arguments: str) -> int:
    """Kill a command at moment after moment, the result before it whole each time."""
    deaths = 0
    for moment in range(1, 500, stride):
        run(config(2))
        assert "sentences:2" in read_run(CANDIDATE).signatures.model
        ended = run_killed_at(moment, *arguments)
        if ended == Exit.GOOD:
            break
        assert ended == -signal.SIGKILL
        deaths += 1
        if marks_of(CANDIDATE) or moment > FIRST_MOMENTS:  # else nothing had begun
            assert_no_old_result_passes()
    assert "sentences:1" in read_run(CANDIDATE).signatures.model
    return deaths


# Before the mark has its name, nothing has begun: it is opened, and moved there.
FIRST_MOMENTS = 4


def test_run_killed_at_some_moments_leaves_no_old_result(here: Path) -> None:
    Path("new.yaml").write_text(json.dumps(config(1)))

    assert kill_everywhere(here, 9, "run", "new.yaml", "--no-report") >= 3


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--workers", "2")], ids=["alone", "workers"])
def test_run_killed_at_any_moment_leaves_no_old_result(here: Path, more: tuple[str, ...]) -> None:
    Path("new.yaml").write_text(json.dumps(config(1)))

    assert kill_everywhere(here, 1, "run", "new.yaml", "--no-report", *more) >= 20


UNREADABLE = {
    "text": "name: ci\nmodel: {name: lead\n",
    "key": "name: ci\nmodels: [lead]\nmodle: lead\n",
    "quoted": 'name: "ci"  # as before\n\tmodel: lead\n',
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize(
    "how", [run, lambda config: run_shard(config, "1/2")], ids=["run", "shard"]
)
def test_config_that_cannot_be_read_leaves_no_old_result(
    text: str, how: Callable[[str], object], here: Path
) -> None:
    Path("broken.yaml").write_text(text)
    with pytest.raises(ConfigError):
        how("broken.yaml")
    found = gate(BASELINE, CANDIDATE, RULES)

    assert (found.verdict, found.exit_code) == ("could-not-run", Exit.INCOMPLETE)
    assert read_run(BASELINE).n == N
    run(config(2))
    assert gate(BASELINE, CANDIDATE, RULES).exit_code == Exit.GOOD


def test_config_without_a_name_is_its_files_and_one_of_an_override_goes_first(here: Path) -> None:
    Path("ci.yaml").write_text("model: {name: lead\n")
    with pytest.raises(ConfigError):
        run("ci.yaml", ["name=base"])
    assert (marks_of(BASELINE) != [], marks_of(CANDIDATE)) == (True, [])
    with pytest.raises(ConfigError):
        run("ci.yaml")
    assert marks_of(CANDIDATE) != []


@pytest.mark.parametrize("text", ["extends: gone.yaml\n", "name: {ci\n"])
def test_config_that_does_not_say_its_name_marks_nothing(text: str, here: Path) -> None:
    Path("ci.yaml").write_text(text)
    with pytest.raises(ConfigError):
        run("ci.yaml")
    assert marks_of(CANDIDATE) == marks_of(BASELINE) == []


@pytest.mark.parametrize("argument", ["results/ci", "results/ci/base", "elsewhere/ci.yaml"])
def test_what_is_no_config_marks_nothing(argument: str, here: Path) -> None:
    with pytest.raises(ConfigError, match=r"is a folder|no such file"):
        run(argument)
    assert marks_of(CANDIDATE) == marks_of(BASELINE) == []


def swept(values: list[int], **more: Any) -> dict[str, Any]:
    model = {"name": "lead", "label": "cand", "sentences": 2}
    return config(2, "swept", model=model, sweep={"grid": {"model.sentences": values}}, **more)


def test_cells_that_a_new_sweep_has_not_are_named_and_left_out(
    here: Path, command: Command
) -> None:
    run(swept([1, 2, 3]))
    old = Path("results/swept/cand,sentences=3")
    runs = run(swept([1, 2]))
    names = [finished.name for finished in runs]

    assert [found.name for found in runs_in("results/swept")] == sorted(names)
    compared = compare("results/swept", resamples=100)
    assert compared.not_swept == (old.name,)
    gated = gate("results/swept", "results/swept")
    assert {Path(each).name for each in gated.not_swept} == {old.name}
    for words in (("compare", "results/swept"), ("gate", "results/swept", "results/swept")):
        assert f"{old.name}: left out: not of the newest sweep" in command(*words).stdout
    assert [found.n for found in runs_in(old)] == [N]


def test_run_of_one_cell_joins_the_sweep_that_is_there(here: Path) -> None:
    run(swept([1, 2]))
    (alone,) = run(config(3, "swept"))

    assert alone.name in [found.name for found in runs_in("results/swept")]
    assert len(runs_in("results/swept")) == 3
