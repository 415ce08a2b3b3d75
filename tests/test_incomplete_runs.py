"""Runs that did not answer every article are not ranked: a few easy ones make the highest mean."""

import csv
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
from evalharness.report.headline import headline
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


def test_letters_are_those_of_ranked_systems_and_begin_with_a(make_run: MakeRun) -> None:
    half = N // 2
    summaries = [Summary(f"a{n}", "It says this.") for n in range(half)]
    summaries += [Summary(f"a{n}", "", finish="error", note="no") for n in range(half, N)]
    best = [0.9 + 0.001 * n for n in range(half)] + [None] * half
    found = compare(
        make_run("best", {"m": best}, summaries=summaries),
        make_run("good", {"m": [0.6 + 0.001 * n for n in range(N)]}),
        make_run("poor", {"m": [0.1 + 0.001 * (n % 7) for n in range(N)]}),
    )

    letters = {standing.system: standing.letters for standing in found.standings}
    assert letters == {"best": "", "good": "a", "poor": "b"}


def test_compare_of_one_complete_run_gives_no_letter(runs: list[Path], command: Command) -> None:
    good, _, lucky = runs
    for pair in ((good, lucky), (lucky, good)):
        found = compare(*pair)
        assert {s.letters for s in found.standings} == {""}
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

    assert found.top.sentence == (
        "On the 3 articles that both answered, no significant difference between lucky and good "
        "by any score; so few can show none."
    )
    assert found.top.remarks == ("Not ranked: lucky (answered 3 of 60 articles).",)
    assert [row.name for row in found.rows] == ["good", "lucky"]


TOWNS = ("Arden", "Belfort", "Corsby", "Dunmore", "Elling", "Farley", "Gorham", "Hexley", "Kelso")


@pytest.fixture
def news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a file of three systems: `wrong` opens every other library and has one empty cell."""
    monkeypatch.chdir(tmp_path)
    rows = [["id", "article", "reference", "right", "wrong", "same"]]
    for n, town in enumerate(TOWNS):
        article = f"The town of {town} will close {n + 3} libraries next year. A vote is planned."
        right = f"The town of {town} will close {n + 3} libraries."
        wrong = f"{town} will open {n + 3} libraries." if n % 2 else f"{town} closes libraries."
        reference = f"{town} closes {n + 3} libraries."
        rows.append([town.lower(), article, reference, right, "" if n == 4 else wrong, right])
    path = tmp_path / "news.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def without_column(path: Path, column: str) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    at = rows[0].index(column)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([[*row[:at], *row[at + 1 :]] for row in rows])


@pytest.mark.parametrize("verb", ["score", "compare"])
def test_errors_of_a_system_that_is_not_ranked_are_counted_and_shown(
    news: Path, command: Command, verb: str
) -> None:
    without_column(news, "same")
    said = " ".join(command(verb, news.name).stdout.split())
    (page,) = Path("results/score").glob("*.html")
    gathered = gather(["results/score/right", "results/score/wrong"])
    articles = articles_of(gathered)
    with Texts(gathered, articles) as texts:
        found = overview(gathered, articles, standings(gathered), texts=texts)

    counted = "4 of 8 summaries by wrong have a likely error."
    assert "On the 8 articles that both answered, " in said
    assert counted in said
    assert "No summary has" not in page.read_text("utf-8")
    assert "The clearest errors" in page.read_text("utf-8")
    assert {each.system for each in found.clearest} == {"wrong"}
    best, errors, enough = found.top.figures
    assert (best.figure, errors.figure) == ("not ranked", "4 of 8")
    assert best.text.startswith("Only right answered every article.")
    assert "share of wrong's summaries" in enough.text


def test_errors_of_a_system_that_is_not_ranked_are_counted_beside_ranked_ones(
    news: Path, command: Command
) -> None:
    said = " ".join(command("score", news.name).stdout.split())

    assert "No significant difference between right and same" in said
    assert "4 of 8 summaries by wrong have a likely error." in said


def test_next_step_names_the_rows_of_a_file_that_have_no_summary(
    news: Path, command: Command
) -> None:
    command("score", news.name)
    gathered = gather(["results/score"])
    step = overview(gathered, articles_of(gathered), standings(gathered)).top.next

    assert step is not None
    assert step.text == (
        "Row elling of news.csv has an empty summary by wrong: fill it in, and score again."
    )
    assert step.command == "evalharness score news.csv"
    news.write_text(news.read_text("utf-8").replace(",,", ",Elling closes libraries.,"), "utf-8")
    again = command(*step.command.split()[1:])
    assert "100%" in again.stdout
    assert "92%" not in again.stdout


def test_next_step_of_the_only_system_does_not_name_it(tmp_path: Path, command: Command) -> None:
    article = "The bridge opened in 1932."
    rows = [{"id": str(n), "article": article, "summary": article * (1 - n)} for n in range(2)]
    path = tmp_path / "summaries.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    command("score", path, "--results", tmp_path / "r", "--no-report")

    gathered = gather([tmp_path / "r/score"])
    step = overview(gathered, articles_of(gathered), standings(gathered)).top.next

    assert step is not None
    wanted = "Row 1 of summaries.jsonl has an empty summary: fill it in, and score again."
    assert step.text == wanted


def test_next_step_of_a_model_that_did_not_answer_is_its_run(runs: list[Path]) -> None:
    gathered = gather(runs)
    step = overview(gathered, articles_of(gathered), standings(gathered)).top.next

    assert step is not None
    assert step.command == "evalharness run results/test/lucky/config.yaml"


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


@pytest.mark.parametrize("n_missing", [0, 1])
def test_headline_of_thousands_of_articles_without_a_difference_is_made(
    make_run: MakeRun, n_missing: int
) -> None:
    n = 1_200
    scores = [0.4 + 0.01 * (k % 7) for k in range(n)]
    said = [Summary(f"a{k}", "It says this.") for k in range(n)]
    said[n - n_missing :] = [Summary(f"a{n - 1}", "", finish="error", note="no")] * n_missing
    other: list[float | None] = [*scores[1:], scores[0]]
    other[n - n_missing :] = [None] * n_missing
    found = gather([make_run("a", {"m": scores}), make_run("b", {"m": other}, summaries=said)])

    text = headline(found, standings(found)).sentence

    assert "o significant difference between a and b" in text
    assert "too few" not in text
    assert "so few" not in text
