"""Tables of every command can be read at 80 and at 60 columns: no figure is cut or missing."""

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import Done

from evalharness.cli.options import print_result
from evalharness.cli.reproduce import reproduction_text
from evalharness.config.registry import scaled_figure
from evalharness.errors import Exit
from evalharness.report.table import show_runs
from evalharness.store.runs import runs_in
from evalharness.trust.installation import Proof, Step
from evalharness.trust.reproduce import (
    PublishedFigure,
    ReproducedFigure,
    Reproduction,
    published_results,
)

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

    assert "The intervals (±) have no room: a window of" in " ".join(text.split())
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


# What measures checks and installations.

LONG = "a-source-of-human-labels-with-a-long-name"
FIGURE = re.compile(r"[(±+-]?\d[\d.,]*%?\)?")


def figures_of(text: str) -> Counter[str]:
    """Count the figures of a text, wherever they stand."""
    return Counter(word for word in text.split() if FIGURE.fullmatch(word))


def check_figures(
    command: Command, words: Sequence[object], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hold what a command shows at a width against what it shows where there is room for all."""
    monkeypatch.setenv("COLUMNS", "2000")
    wide = command(*words)
    monkeypatch.setenv("COLUMNS", str(width))
    narrow = command(*words)

    check_lines(narrow, width)
    missing = figures_of(wide.stdout) - figures_of(narrow.stdout)
    assert sum(figures_of(wide.stdout).values()) >= 12
    assert not missing


@pytest.fixture
def labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return rows of three sources of long names, with labels and twelve published values."""
    monkeypatch.chdir(tmp_path)
    rng = random.Random(15)
    rows = []
    for n in range(90):
        right = rng.random() < 0.5
        row = {"article": f"In {2000 + n} {n + 2} people spoke in Rome. It rained on them.",
               "summary": f"{n + 2 + (not right)} people spoke in Rome.", "label": int(right),
               "article_id": f"x{n}", "source": f"{LONG}-{n % 3}"}  # fmt: skip
        rows.append(row | {"published": {metric: rng.random() + right for metric in METRICS}})
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


@pytest.mark.parametrize("width", WIDTHS)
def test_meta_shows_every_figure_of_twelve_metrics(
    width: int, labels: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = [word for metric in METRICS for word in ("--published", metric)]
    words = ("meta", labels, "--resamples", 20, "--checks", "numbers", *published)
    monkeypatch.setattr("time.perf_counter", lambda: 0.0)  # milliseconds a pair, else of each call
    check_figures(command, words, width, monkeypatch)


@pytest.mark.parametrize("width", WIDTHS)
def test_calibrate_shows_every_figure(
    width: int, labels: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("calibrate", labels, "--check", "lexical", "--resamples", 20, "-o", "c.json")
    check_figures(command, words, width, monkeypatch)


@pytest.mark.parametrize("width", WIDTHS)
def test_selftest_of_checks_shows_every_figure(
    width: int, labels: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("selftest", "--checks", "--check", "numbers", "--check", "lexical", "--data", labels)
    check_figures(command, words, width, monkeypatch)


@pytest.mark.parametrize("width", WIDTHS)
def test_selftest_keeps_to_the_width_and_shows_every_step(
    width: int, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "12 of 24 summaries are others than they should be, by 0.123 at most, " * 3
    steps = (
        *(Step(f"step-{n}", True, n + 0.5, f"{n} of {n} are right, {long}") for n in range(9)),
        Step("sdpa", False, 1.25, why=long, cure="install torch 2.13.0 and try this again"),
    )

    def prove(results: str, tell: Callable[[Step], None]) -> Proof:
        for step in steps:
            tell(step)
        return Proof({}, steps)

    monkeypatch.setattr("evalharness.trust.installation.prove", prove)
    monkeypatch.setenv("COLUMNS", str(width))
    done = command("selftest")

    assert done.returncode == Exit.INCOMPLETE
    check_lines(Done(0, done.stdout, ""), width)
    for step in steps:
        assert {f"{step.seconds:.1f}", step.name} <= {*done.stdout.split()}
    assert "9 of 10 steps passed" in done.stdout
    assert done.stdout.count("0.123") == 30


@pytest.mark.parametrize("width", WIDTHS)
def test_reproduce_lists_every_published_figure(
    width: int, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    done = command("reproduce")

    check_lines(done, width)
    for row in published_results().values():
        for figure in row.figures:
            assert f"{figure.value:.2f}" in done.stdout.split() or (
                f"{figure.value:.2f}," in done.stdout.split()
            )


@pytest.mark.parametrize("width", WIDTHS)
def test_reproduce_shows_what_was_made_beside_what_was_published(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = next(iter(published_results().values()))
    made = tuple(
        ReproducedFigure(
            PublishedFigure(f"m.a-part-with-a-rather-long-name-{n}", 40.5 + n, 0.3), 40.25 + n,
            39.75 + n, 41.0 + n, "outside",
        )
        for n in range(12)
    )  # fmt: skip
    found = Reproduction(row, Path("results/reproduce"), 90, made, "not reproduced", "part of it")
    monkeypatch.setenv("COLUMNS", str(width))
    print_result(found.record(), reproduction_text(found), as_json=False)
    text = capsys.readouterr().out

    check_lines(Done(0, text, ""), width)
    for n in range(12):
        ends = {f"[{39.75 + n:.2f},", f"{41.0 + n:.2f}],"}
        assert {f"{40.25 + n:.2f}", f"{40.5 + n:.2f}", *ends} <= {*text.split()}
