"""Runs that did not answer every article are not ranked: a few easy ones make the highest mean."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Done

from evalharness import compare
from evalharness.comparison.leaderboard import leaderboard
from evalharness.records import Summary
from evalharness.report.articles import Texts, articles_of
from evalharness.report.drawer import DRAWER
from evalharness.report.gathered import gather
from evalharness.report.overview import overview
from evalharness.report.pair import pair_section
from evalharness.report.plots import begin_plots, plots_section
from evalharness.report.ranking import standings

MakeRun = Callable[..., Path]
Command = Callable[..., Done]
N = 60


@pytest.fixture
def runs(make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Make two runs that answered all articles, and one that answered 3 of them perfectly."""
    monkeypatch.chdir(tmp_path)
    folder = Path("results/exp")
    scores = [0.4 + 0.01 * (n % 7) for n in range(N)]
    few = [Summary(f"a{n}", "", finish="error", note="no") for n in range(3, N)]
    lucky = [*(Summary(f"a{n}", "It says this.") for n in range(3)), *few]
    return [
        make_run("good", {"m": scores}, folder=folder),
        make_run("poor", {"m": [score / 2 for score in scores]}, folder=folder),
        make_run("lucky", {"m": [1.0] * 3 + [None] * (N - 3)}, folder=folder, summaries=lucky),
    ]


def test_leaderboard_ranks_complete_runs_and_shows_the_others_below(
    runs: list[Path], command: Command
) -> None:
    (board,) = leaderboard("results").boards
    shown = command("leaderboard").stdout

    assert [(row.run, row.rank) for row in board.rows] == [
        ("exp/good", 1), ("exp/poor", 2), ("exp/lucky", None),
    ]  # fmt: skip
    assert board.rows[-1].answered == 0.05
    lines = [line for line in shown.splitlines() if "exp/" in line]
    assert ["good" in lines[0], "poor" in lines[1], "lucky" in lines[2]] == [True] * 3
    assert "5%" in lines[2]
    assert "Without a rank: did not answer every article" in shown


def test_leaderboard_ranks_all_where_it_is_asked_to(runs: list[Path], command: Command) -> None:
    found = json.loads(command("leaderboard", "--incomplete", "--json").stdout)

    assert [row["run"] for row in found["boards"][0]["rows"]] == [
        "exp/lucky", "exp/good", "exp/poor",
    ]  # fmt: skip


def test_compare_leaves_out_the_incomplete_and_says_its_share(
    runs: list[Path], command: Command
) -> None:
    found = compare(*runs)
    shown = command("compare", *runs).stdout

    assert found.systems == ("good", "poor")
    assert found.incomplete == {"lucky": "3 of 60 articles"}
    assert [standing.n for standing in found.standings] == [N, N]
    assert "lucky: not ranked: answered 3 of 60 articles" in " ".join(shown.split())


def test_compare_of_one_complete_run_gives_the_other_no_letter(
    runs: list[Path], command: Command
) -> None:
    good, _, lucky = runs
    for pair in ((good, lucky), (lucky, good)):
        found = compare(*pair)
        letters = {s.system: bool(s.letters) for s in found.standings}

        assert letters == {"good": True, "lucky": False}
        assert {s.n for s in found.standings} == {3}
        latex = command("compare", *pair, "--format", "latex").stdout
        assert r"\textbf{100" not in latex
    shown = command("compare", lucky, good).stdout
    assert shown.index("good") < shown.index("lucky")


def test_compare_ranks_all_where_it_is_asked_to(runs: list[Path]) -> None:
    found = compare(*runs, incomplete=True)

    assert found.systems == ("good", "poor", "lucky")
    assert all(standing.letters for standing in found.standings)


def test_headline_of_the_report_ranks_complete_systems(runs: list[Path]) -> None:
    gathered = gather(runs)
    ranked = standings(gathered)
    found = overview(gathered, articles_of(gathered), ranked)

    assert (ranked.rankings["m"].best, ranked.rankings["m"].n) == ("good", N)
    assert found.top.sentence == "good is best by m, beyond chance."
    assert found.top.remarks == ("Not ranked: lucky (answered 3 of 60 articles).",)
    assert [row.name for row in found.rows] == ["good", "poor", "lucky"]
    assert [row.figures[0].mark for row in found.rows if row.figures[0]] == ["best", "lower", ""]


def test_headline_of_one_complete_system_names_no_best(runs: list[Path]) -> None:
    gathered = gather([runs[2], runs[0]])
    found = overview(gathered, articles_of(gathered), standings(gathered))

    assert found.top.sentence == ""
    assert found.top.remarks == ("Not ranked: lucky (answered 3 of 60 articles).",)
    assert [row.name for row in found.rows] == ["good", "lucky"]


def test_changes_are_of_complete_runs_and_the_others_are_listed(runs: list[Path]) -> None:
    gathered = gather(runs)
    ranked = standings(gathered)
    with Texts(gathered, articles_of(gathered)) as texts:
        found = pair_section(gathered, texts, ranked, [])

    assert found is not None
    assert [(row.system, row.n) for row in found.changed] == [("poor", N)]
    assert (found.incomplete, found.left_out) == ((("lucky", "3 of 60 articles"),), True)


def test_changes_of_two_runs_of_which_one_is_incomplete_say_its_share(runs: list[Path]) -> None:
    gathered = gather([runs[0], runs[2]])
    with Texts(gathered, articles_of(gathered)) as texts:
        found = pair_section(gathered, texts, standings(gathered), [])

    assert found is not None
    assert [(row.system, row.n) for row in found.changed] == [("lucky", 3)]
    assert (found.incomplete, found.left_out) == ((("lucky", "3 of 60 articles"),), False)


def test_plots_show_complete_runs_and_the_others_are_listed(runs: list[Path]) -> None:
    pytest.importorskip("vl_convert")
    gathered = gather(runs)
    with DRAWER:
        section = plots_section(gathered, begin_plots(gathered, standings(gathered).plotted))

    assert section is not None
    assert section.left_out == [("lucky", "3 of 60 articles")]
    drawn = "".join(plot.svg for _, plots in section.groups for plot in plots)
    assert "poor" in drawn
    assert "lucky" not in drawn
