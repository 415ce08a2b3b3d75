"""Tables of every command can be read at 80 and at 60 columns: no figure is cut or missing."""

import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Done

from evalharness.config.registry import scaled_figure
from evalharness.report.table import show_runs
from evalharness.store.runs import runs_in

Command = Callable[..., Done]
METRICS = [f"a-metric-with-a-long-label-{n}" for n in range(9)] + ["rouge", "m", "numbers"]
SYSTEMS = [
    "facebook-bart-large-cnn_beam8_length-penalty-2.0_seed13",
    "google/pegasus-cnn_dailymail-with-everything-in-its-name".replace("/", "_"),
    "b",
]
WIDTHS = (80, 60)


@pytest.fixture
def runs(make_run: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with three systems of long names, scored by twelve metrics."""
    monkeypatch.chdir(tmp_path)
    rng = random.Random(13)
    for system in SYSTEMS:
        scores: dict[str, Any] = {m: [rng.random() for _ in range(40)] for m in METRICS}
        make_run(system, scores, folder=tmp_path / "all")
    return tmp_path / "all"


def table_rows(text: str) -> Iterator[str]:
    """Yield the lines of tables: those below a rule, to the next empty line."""
    inside = False
    for line in text.splitlines():
        if line and set(line) <= {"─"}:
            inside = True
        elif not line:
            inside = False
        elif inside:
            yield line


def figures_in(text: str) -> set[str]:
    """Return every whole figure of the tables, as words with blanks around them."""
    return {word for row in table_rows(text) for word in row.split()}


def check_lines(done: Done, width: int) -> None:
    assert done.returncode in (0, 1, 3), done.stderr
    for line in done.stdout.splitlines():
        words = line.split()
        assert len(line) <= width or max(map(len, words)) > width // 2, line  # a signature, a path
        assert not re.search(r"\d…|…\d", line), line


@pytest.mark.parametrize("width", WIDTHS)
def test_compare_shows_every_mean_and_difference(
    width: int, runs: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = json.loads(command("compare", runs, "--json").stdout)
    monkeypatch.setenv("COLUMNS", str(width))
    done = command("compare", runs)

    check_lines(done, width)
    for row in table_rows(done.stdout):
        assert len(row) <= width
    shown = figures_in(done.stdout)
    for standing in found["standings"]:
        assert scaled_figure(standing["mean"], standing["metric"]) in shown
    for difference in found["differences"]:
        for key in ("difference", "low", "high"):
            assert scaled_figure(difference[key], difference["metric"], "+") in shown
        assert f"{difference['wins']}/{difference['ties']}/{difference['losses']}" in shown


@pytest.mark.parametrize("width", WIDTHS)
def test_leaderboard_shows_every_mean_with_its_interval(
    width: int, runs: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (board,) = json.loads(command("leaderboard", runs, "--json").stdout)["boards"]
    monkeypatch.setenv("COLUMNS", str(width))
    done = command("leaderboard", runs)

    check_lines(done, width)
    shown = figures_in(done.stdout)
    for row in board["rows"]:
        for name, (mean, low, high) in row["figures"].items():
            assert scaled_figure(mean, name) in shown
            assert f"±{scaled_figure(max(high - mean, mean - low), name)}" in shown


@pytest.mark.parametrize("width", WIDTHS)
def test_a_runs_table_shows_every_mean(
    width: int, runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    held = runs_in(runs)
    show_runs(held, sys.stdout)
    text = capsys.readouterr().out

    check_lines(Done(0, text, ""), width)
    for run in held:
        for label, figure in run.figures.items():
            assert scaled_figure(figure.mean, label, digits=1) in figures_in(text)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["gate", "gate-files", "verify", "show", "plan", "list"])
def test_other_commands_keep_to_the_width(
    name: str, width: int, runs: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    arguments = {
        "gate": ("gate", runs / SYSTEMS[0], runs / SYSTEMS[1]),
        "gate-files": ("gate", runs / SYSTEMS[0], runs / SYSTEMS[2]),
        "verify": ("verify", runs / SYSTEMS[0]),
        "show": ("show", runs),
        "plan": ("plan", Path(__file__).parents[1] / "configs" / "quickstart.yaml"),
        "list": ("list", "--help"),
    }[name]
    check_lines(command(*arguments), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_gate_shows_every_mean_and_loss(
    width: int, runs: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = runs / SYSTEMS[0], runs / SYSTEMS[1]
    found = json.loads(command("gate", one, other, "--json").stdout)
    monkeypatch.setenv("COLUMNS", str(width))
    text = " ".join(command("gate", one, other).stdout.split())

    for outcome in found["outcomes"]:
        assert " ".join(outcome["message"].split()) in text


def test_nothing_says_the_width_and_tables_have_80_columns(runs: Path, command: Command) -> None:
    for name in ("compare", "leaderboard"):
        check_lines(command(name, runs), 80)
