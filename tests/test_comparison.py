"""Runs compared on what they share; what differs in data or metric is refused."""

import csv
import io
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalharness import compare
from evalharness.cli.compare import comparison_markdown, comparison_notes
from evalharness.comparison.leaderboard import leaderboard
from evalharness.comparison.shared import Incomparable
from evalharness.errors import DataError, HarnessError
from evalharness.records import Summary
from evalharness.report.gathered import gather
from evalharness.report.ranking import standings
from evalharness.report.table import columns_of
from evalharness.stats import blockwise
from evalharness.store.runs import length_note, read_run

MakeRun = Callable[..., Path]
Command = Callable[..., Any]
RNG = np.random.default_rng(4)
BASE = RNG.beta(4, 4, 60).round(6).tolist()
BETTER = [
    min(1.0, value + 0.05 + noise)
    for value, noise in zip(BASE, RNG.normal(0, 0.05, 60), strict=True)
]

# figures


def test_difference_has_the_mean_the_wins_and_an_interval_around(make_run: MakeRun) -> None:
    found = compare(make_run("a", {"m": BASE}), make_run("b", {"m": BETTER}))

    [difference] = found.differences
    expected = np.mean(np.array(BETTER) - BASE)
    assert difference.difference == pytest.approx(expected, rel=1e-12)
    assert difference.low is not None
    assert difference.high is not None
    assert difference.low < expected < difference.high
    assert difference.wins == sum(b > a for a, b in zip(BASE, BETTER, strict=True))
    assert difference.wins + difference.ties + difference.losses == difference.n == 60
    assert difference.p == difference.p_holm == difference.p_bh < 0.001
    spread = np.std(np.array(BETTER) - BASE, ddof=1)
    assert difference.effect == pytest.approx(expected / spread, rel=1e-9)


def test_wilcoxon_of_scipy_comes_to_the_same_conclusion(make_run: MakeRun) -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    found = compare(make_run("a", {"m": BASE}), make_run("b", {"m": BETTER}))
    assert (scipy_stats.wilcoxon(BETTER, BASE).pvalue < 0.01) == (found.differences[0].p < 0.01)


def test_family_is_every_metric_and_system_of_the_table(make_run: MakeRun) -> None:
    runs = [make_run(name, {"m": BASE, "k": BETTER}) for name in ("a", "b", "c")]
    runs.append(make_run("d", {"m": BETTER, "k": BASE}))
    found = compare(*runs)

    assert len(found.differences) == 2 * 3
    worst = [d for d in found.differences if d.system == "d"]
    assert all(d.p_holm == pytest.approx(min(1, 6 * d.p)) for d in worst[:1])
    assert {d.p for d in found.differences if d.system != "d"} == {1.0}


def test_systems_that_are_alike_share_a_letter(make_run: MakeRun) -> None:
    runs = [make_run("a", {"m": BASE}), make_run("b", {"m": BETTER}), make_run("c", {"m": BASE})]
    found = compare(*runs)
    assert [found.standing("m", name).letters for name in "abc"] == ["b", "a", "b"]
    assert found.standing("m", "b").rank < found.standing("m", "a").rank  # type: ignore[operator]


def test_pairs_without_the_baseline_have_their_own_p_value(make_run: MakeRun) -> None:
    a, b, c = (make_run(n, {"m": v}) for n, v in (("a", BASE), ("b", BETTER), ("c", BASE[::-1])))
    pairs = {(p["one"], p["other"]): p["p"] for p in compare(a, b, c).pairs}
    direct = compare(b, c).differences[0].p
    assert pairs["b", "c"] == pytest.approx(direct, abs=0.01)


def test_two_systems_that_differ_on_one_article_share_a_letter(make_run: MakeRun) -> None:
    third = [1 / 3] * 100
    a, b, c = (
        make_run(name, {"m": scores})
        for name, scores in (("a", [0.0] * 100), ("b", third), ("c", [*third[1:], 1.0]))
    )
    found = compare(a, b, c)
    assert [pair["p"] for pair in found.pairs][2] == compare(b, c).differences[0].p == 1.0
    assert found.standing("m", "b").letters == found.standing("m", "c").letters == "a"


def test_equal_differences_have_no_effect_size_and_nothing_detectable(make_run: MakeRun) -> None:
    runs = make_run("a", {"m": BASE}), make_run("b", {"m": [score + 0.1 for score in BASE]})
    [difference] = compare(*runs).differences
    assert difference.difference == pytest.approx(0.1)
    assert (difference.effect, difference.detectable) == (None, None)


def test_the_noise_of_floats_is_no_win(make_run: MakeRun) -> None:
    runs = make_run("a", {"m": BASE}), make_run("b", {"m": [score + 1e-16 for score in BASE]})
    found = compare(*runs)
    [difference] = found.differences
    assert (difference.wins, difference.ties, difference.losses, difference.p) == (0, 60, 0, 1.0)
    assert [standing.rank for standing in found.standings] == [1.5, 1.5]


def test_missing_scores_are_left_out_for_all_and_counted(make_run: MakeRun) -> None:
    holes = [None, *BETTER[1:]]
    found = compare(make_run("a", {"m": BASE}), make_run("b", {"m": holes}))
    assert found.differences[0].n == 59
    assert found.standing("m", "b").not_scored == 1
    assert found.standing("m", "a").mean == pytest.approx(np.mean(BASE[1:]))
    assert "b: m: 1 of 60 articles have no score" in list(comparison_notes(found))


def test_metric_without_any_score_is_shown_as_such(make_run: MakeRun) -> None:
    empty = [None] * 5
    found = compare(make_run("a", {"m": empty}), make_run("b", {"m": empty}))
    [difference] = found.differences
    assert (difference.n, difference.difference, difference.low, difference.p) == (0, None, None, 1)
    assert "–" in comparison_markdown(found)


def test_the_same_arguments_give_the_same_bytes(make_run: MakeRun) -> None:
    runs = make_run("a", {"m": BASE}), make_run("b", {"m": BETTER})
    assert json.dumps(compare(*runs).record()) == json.dumps(compare(*runs).record())
    assert compare(*runs, seed=1).record() != compare(*runs).record()


def test_a_folder_of_runs_stands_for_all_of_them(make_run: MakeRun, tmp_path: Path) -> None:
    for name in "ba":
        make_run(name, {"m": BASE}, folder=tmp_path / "many")
    assert compare(tmp_path / "many").systems == ("a", "b")


def test_runs_of_one_name_are_told_apart(make_run: MakeRun, tmp_path: Path) -> None:
    one, other = (make_run("a", {"m": BASE}, folder=tmp_path / where) for where in "xy")
    assert compare(one, other).systems == (str(one), str(other))


# several runs of one system


@pytest.fixture
def make_sweep(make_run: MakeRun, tmp_path: Path) -> Callable[..., list[Path]]:
    """Write runs and the `sweep.json` beside them: `make_sweep({"a,seed=1": ({...}, scores)})`."""

    def make(
        cells: dict[str, tuple[dict[str, Any], list[float]]], experiment: str = "x"
    ) -> list[Path]:
        folder = tmp_path / experiment
        runs = [make_run(name, {"m": scores}, folder=folder) for name, (_, scores) in cells.items()]
        entries = [
            {"cell": name, "folder": name, "model": "given", "settings": settings}
            for name, (settings, _) in cells.items()
        ]
        record = {"format": 1, "experiment": experiment, "cells": entries}
        (folder / "sweep.json").write_text(json.dumps(record))
        return runs

    return make


def _seeds(name: str, means: list[float], key: str = "seed") -> dict[str, Any]:
    """Runs whose seeds move their mean, with noise of each summary."""
    rng = np.random.default_rng(len(name))
    return {
        f"{name},{key.rpartition('.')[2]}={seed}": (
            {key: seed, "generation.num_beams": 2},
            (np.array(BASE) + mean + rng.normal(0, 0.02, 60)).tolist(),
        )
        for seed, mean in enumerate(means)
    }


LUCKY, USUAL = [0.06, -0.02, 0.05, -0.01, 0.02], [0.01, -0.03, 0.0, -0.05, 0.02]


def test_seeds_that_are_joined_count_in_tests_and_intervals(
    make_sweep: Callable[..., list[Path]],
) -> None:
    # The seeds' means differ by .03 with a standard error of .02; among articles it is .003.
    runs = make_sweep(_seeds("a", USUAL) | _seeds("bb", LUCKY))
    first = compare(runs[0], runs[5]).differences[0]
    assert first.p < 0.001  # what one seed of each says: chance is that of the articles

    found = compare(runs[0].parent, join="seed")
    [difference] = found.differences
    assert (found.systems, difference.n) == (("a", "bb"), 60)
    assert difference.difference == pytest.approx(np.mean(LUCKY) - np.mean(USUAL), abs=0.01)
    assert difference.p > 0.05
    assert difference.low is not None
    assert difference.high is not None
    assert difference.low < 0 < difference.high
    assert first.detectable is not None
    assert difference.detectable is not None
    assert difference.detectable > 3 * first.detectable
    assert [standing.letters for standing in found.standings] == ["a", "a"]


def test_interval_of_a_joined_mean_is_that_of_student_where_articles_hardly_vary(
    make_sweep: Callable[..., list[Path]],
) -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    cells = {f"a,seed={i}": ({"seed": i}, [0.5 + mean] * 60) for i, mean in enumerate(USUAL)}
    runs = make_sweep(cells | {"b": ({}, [0.5] * 60)})
    standing = compare(*runs, join=["seed"]).standing("m", "a")
    half = scipy_stats.t.ppf(0.975, 4) * np.std(USUAL, ddof=1) / np.sqrt(5)
    assert standing.low is not None
    assert standing.high is not None
    assert standing.mean == pytest.approx(0.49)
    assert standing.high - standing.low == pytest.approx(2 * half, rel=0.03)


def test_what_is_easy_in_one_prompt_for_both_is_no_difference(
    make_sweep: Callable[..., list[Path]],
) -> None:
    # Prompts move both systems alike by .1; b is better by .02 with each.
    prompts = [0.1, -0.1, 0.05, 0.0, -0.05]
    better = [mean + 0.02 for mean in prompts]
    key = "models.0.user"
    together = make_sweep(_seeds("a", prompts, key) | _seeds("bb", better, key), "same")
    assert compare(*together, join=["user"]).differences[0].p < 0.01
    apart = _seeds("bb", better, key)
    apart = {name: ({key: 9 + i}, scores) for i, (name, (_, scores)) in enumerate(apart.items())}
    others = make_sweep(_seeds("a", prompts, key) | apart, "other")
    assert compare(*others, join=["user"]).differences[0].p > 0.1


def test_a_system_of_one_run_or_of_equal_runs_has_the_chance_of_the_articles_only(
    make_sweep: Callable[..., list[Path]],
) -> None:
    runs = make_sweep(
        {"a": ({}, BASE), "b": ({}, BETTER)} | {f"c,seed={i}": ({"seed": i}, BASE) for i in (1, 2)}
    )
    alone, joined = compare(*runs[:3]), compare(*runs, join=["seed"])
    assert [d.p for d in joined.differences] == [d.p for d in alone.differences]
    assert joined.differences[0].low == alone.differences[0].low
    assert joined.systems == ("a", "b", "c")
    assert dict(joined.joined) == {"c": ("c,seed=1", "c,seed=2")}


def test_cases_are_joined_and_other_settings_stay_apart(
    make_sweep: Callable[..., list[Path]],
) -> None:
    runs = make_sweep(
        {
            f"llama,{case},num_beams={beams}": (
                {"case": case, "model.user": case, "generation.num_beams": beams},
                BASE,
            )
            for case in ("terse", "kind")
            for beams in (1, 2)
        }
    )
    found = compare(*runs, join=["case", "user"])
    assert found.systems == ("llama,num_beams=1", "llama,num_beams=2")
    assert [len(names) for names in found.joined.values()] == [2, 2]


def test_case_is_joined_with_the_settings_that_it_sets(
    make_sweep: Callable[..., list[Path]],
) -> None:
    """A setting that one case alone has goes with it; one that varies within a case does not."""
    sets: dict[str, dict[str, Any]] = {
        "greedy": {"model.do_sample": False},
        "drawn": {"model.do_sample": True, "model.temperature": 0.7},
    }
    runs = make_sweep(
        {
            f"llama,{case},num_beams={beams}": (
                {"case": case, "seed": 3, **settings, "generation.num_beams": beams},
                BASE,
            )
            for case, settings in sets.items()
            for beams in (1, 2)
        }
    )
    found = compare(*runs, join=["case"])
    assert found.systems == ("llama,num_beams=1", "llama,num_beams=2")
    assert found.joined["llama,num_beams=1"] == (
        "llama,greedy,num_beams=1",
        "llama,drawn,num_beams=1",
    )


@pytest.mark.parametrize(
    ("join", "said"),
    [
        (["sede"], "sede: no sweep sets it in these runs; did you mean seed?"),
        (["num_beams"], "no two of these runs differ in num_beams alone"),
        (["seed"], "joined over seed, these runs are one system; give two"),
    ],
)
def test_what_cannot_be_joined_is_refused_with_the_reason(
    join: list[str], said: str, make_sweep: Callable[..., list[Path]]
) -> None:
    runs = make_sweep(_seeds("a", USUAL))
    with pytest.raises(Incomparable) as error:
        compare(*runs, join=join)
    assert said in str(error.value)


def test_runs_of_no_sweep_have_nothing_to_join(make_run: MakeRun) -> None:
    with pytest.raises(Incomparable, match="seed: no sweep sets it in these runs; they are of"):
        compare(make_run("a", {"m": BASE}), make_run("b", {"m": BASE}), join=["seed"])


def test_command_joins_and_says_so(make_sweep: Callable[..., list[Path]], command: Command) -> None:
    folder = make_sweep(_seeds("a", USUAL[:3]) | _seeds("bb", LUCKY[:3]))[0].parent
    done = command("compare", folder, "--join", "seed")
    assert done.returncode == 0, done.stderr
    assert "Runs that differ in seed alone are one system" in done.stdout
    assert "a: 3 runs: a,seed=0; a,seed=1; a,seed=2" in done.stdout
    assert "fewer than 5 runs hardly tell how seed moves a mean" in done.stdout
    record = json.loads(command("compare", folder, "--join", "seed", "--json").stdout)
    assert record["join"] == ["seed"]
    rows = csv.DictReader(
        io.StringIO(command("compare", folder, "--join", "seed", "--format", "csv").stdout)
    )
    assert [float(row["mean_low"]) for row in rows] == [s["low"] for s in record["standings"]]


def test_two_joined_runs_have_no_interval_to_show(
    make_sweep: Callable[..., list[Path]], command: Command
) -> None:
    """By one degree of freedom it would be wider than the scores' whole range."""
    folder = make_sweep(_seeds("a", USUAL[:2]) | _seeds("bb", LUCKY[:2]))[0].parent
    said = " ".join(command("compare", folder, "--join", "seed").stdout.split())
    assert "2 runs cannot tell how seed moves a mean, so no interval is shown for a and bb" in said
    assert " to +" not in said
    record = json.loads(command("compare", folder, "--join", "seed", "--json").stdout)
    assert record["differences"][0]["low"] is not None


def test_one_shared_article_has_no_interval(make_run: MakeRun) -> None:
    [difference] = compare(make_run("a", {"m": [0.1]}), make_run("b", {"m": [0.9]})).differences
    assert (difference.n, difference.low, difference.high) == (1, None, None)


# data


def test_order_of_the_articles_does_not_matter(make_run: MakeRun) -> None:
    ids = [f"a{i}" for i in range(60)]
    straight = compare(make_run("a", {"m": BASE}), make_run("b", {"m": BETTER}))
    turned = make_run("b2", {"m": BETTER[::-1]}, ids=ids[::-1])
    found = compare(make_run("a", {"m": BASE}), turned)
    assert found.differences[0].difference == straight.differences[0].difference
    assert found.differences[0].p == straight.differences[0].p


def test_articles_that_not_all_have_are_left_out_and_counted(make_run: MakeRun) -> None:
    fewer = make_run("b", {"m": BETTER[10:]}, ids=[f"a{i}" for i in range(10, 60)])
    found = compare(make_run("a", {"m": BASE}), fewer)
    assert found.articles == 50
    assert found.left_out == {"a": 10}
    assert "a: 10 articles left out, as they are not in all" in list(comparison_notes(found))


def _texts(**changed: str) -> list[str]:
    return [changed.get(f"a{i}", f"Article a{i} says this and no more.") for i in range(60)]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"texts": _texts(a3="Other.")}, "the id 'a3' has another article in the second;"),
        (
            {"texts": _texts(a3="Other.", a4="X.")},
            "the id 'a3' has another article in the second (2",
        ),
        ({"references": [["No."]] * 60}, "the id 'a0' has other references in the second (60"),
        ({"ids": [f"b{i}" for i in range(60)]}, "no article stands in both"),
        ({"ids": ["a0", *(f"a{i}" for i in range(59))]}, "the id 'a0' stands twice"),
        (
            {"signature": "|version:2"},
            "m: scores of two versions are not compared: 'm|version:1' in",
        ),
    ],
)
def test_runs_that_do_not_match_are_refused_with_the_reason(
    options: dict[str, Any], reason: str, make_run: MakeRun
) -> None:
    ours, theirs = make_run("a", {"m": BASE}), make_run("b", {"m": BETTER}, **options)
    with pytest.raises(Incomparable) as error:
        compare(ours, theirs)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_metric_that_one_run_lacks_is_left_out_and_said(make_run: MakeRun) -> None:
    found = compare(make_run("a", {"m": BASE, "k": BASE}), make_run("b", {"m": BASE}))
    assert found.metrics == ("m",)
    assert list(found.metrics_left_out) == ["k"]


def test_unknown_metric_is_refused_with_the_nearest(make_run: MakeRun) -> None:
    runs = make_run("a", {"numbers": BASE}), make_run("b", {"numbers": BASE})
    with pytest.raises(Incomparable, match="no metric 'nubmers'; did you mean numbers"):
        compare(*runs, metrics=["nubmers"])


def test_runs_without_a_metric_in_common_are_refused(make_run: MakeRun) -> None:
    with pytest.raises(Incomparable, match="no metric stands in both"):
        compare(make_run("a", {"m": BASE}), make_run("b", {"k": BASE}))


def test_parts_can_be_named(make_run: MakeRun) -> None:
    scores = [{"value": v, "parts": {"left": v / 2, "a.b": v}} for v in BASE]
    runs = make_run("a", {"m.x": scores}), make_run("b", {"m.x": scores})
    assert compare(*runs, metrics=["m.x.left", "m.x", "m.x.a.b"]).metrics == (
        "m.x.left", "m.x", "m.x.a.b",
    )  # fmt: skip
    with pytest.raises(Incomparable, match=r"m\.x has no part 'lef'; did you mean left"):
        compare(*runs, metrics=["m.x.lef"])


def test_corpus_figures_are_not_compared_and_that_is_said(make_run: MakeRun) -> None:
    runs = make_run("a", {"m": BASE}), make_run("b", {"m": BASE})
    for run in runs:
        record = json.loads((run / "run.json").read_text())
        record["metrics"]["m"]["corpus"] = 31.0
        (run / "run.json").write_text(json.dumps(record))
    assert "m of the whole corpus" in compare(*runs).metrics_left_out


def test_one_run_is_nothing_to_compare(make_run: MakeRun) -> None:
    with pytest.raises(Incomparable, match="at least two runs"):
        compare(make_run("a", {"m": BASE}))


@pytest.mark.parametrize("options", [{"level": 0.0}, {"level": 1.0}, {"resamples": 5}])
def test_options_out_of_range_are_refused(options: dict[str, Any], make_run: MakeRun) -> None:
    with pytest.raises(HarnessError):
        compare(make_run("a", {"m": BASE}), make_run("b", {"m": BASE}), **options)


# what is no run


def _break(run: Path, name: str, content: bytes | None) -> None:
    if content is None:
        (run / name).unlink()
    else:
        (run / name).write_bytes(content)


def _half(run: Path, name: str) -> bytes:
    whole = (run / name).read_bytes()
    return whole[: len(whole) // 2]


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "no folder": (lambda run: shutil.rmtree(run), "there is no such folder"),
    "not finished": (lambda run: _break(run, "run.json", None), "no finished run"),
    "empty run.json": (lambda run: _break(run, "run.json", b""), "run.json: is empty"),
    "torn run.json": (lambda run: _break(run, "run.json", _half(run, "run.json")), "not JSON"),
    "binary run.json": (lambda run: _break(run, "run.json", b"\xff\xfe\x00"), "not JSON"),
    "a list": (lambda run: _break(run, "run.json", b"[1]"), "not written by evalharness"),
    "another harness's": (
        lambda run: _break(run, "run.json", b'{"results": {"cnn": {}}, "n-samples": {}}'),
        "not written by evalharness",
    ),
    "a later format": (
        lambda run: _break(run, "run.json", b'{"format": 99, "cell": "a"}'), "of format 99",
    ),
    "fields missing": (
        lambda run: _break(run, "run.json", b'{"format": 1, "cell": "a"}'), "no 'experiment'",
    ),
    "no table": (lambda run: _break(run, "samples.parquet", None), "there is no such file"),
    "empty table": (lambda run: _break(run, "samples.parquet", b""), "not Parquet"),
    "torn table": (
        lambda run: _break(run, "samples.parquet", _half(run, "samples.parquet")), "not Parquet",
    ),
    "foreign table": (lambda run: _break(run, "samples.parquet", b'{"a": 1}\n' * 9), "not Parquet"),
}  # fmt: skip


@pytest.mark.parametrize("how", BROKEN)
def test_broken_run_is_one_clear_line(how: str, make_run: MakeRun) -> None:
    from evalharness import gate

    good, bad = make_run("good", {"m": BASE}), make_run("bad", {"m": BASE})
    damage, reason = BROKEN[how]
    damage(bad)

    with pytest.raises(DataError) as error:
        compare(good, bad)
    assert reason in str(error.value)
    assert str(bad) in str(error.value)
    assert "\n" not in str(error.value)
    for pair in ((good, bad), (bad, good)):
        found = gate(*pair)
        assert found.verdict == "could-not-run"
        assert found.exit_code == 4
        assert reason in found.reason


def test_foreign_parquet_and_one_of_another_run_are_refused(make_run: MakeRun) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    good, bad = make_run("good", {"m": BASE}), make_run("bad", {"m": BASE})
    pq.write_table(pa.table({"id": ["x"], "score": [1.0]}), bad / "samples.parquet")
    with pytest.raises(DataError, match="no column 'source'"):
        compare(good, bad)
    shutil.copy(make_run("short", {"m": BASE[:5]}) / "samples.parquet", bad)
    with pytest.raises(DataError, match=r"5 rows, and run\.json has 60"):
        compare(good, bad)


def test_bold_are_the_best_and_all_that_do_not_differ_from_it(make_run: MakeRun) -> None:
    """Of equal figures none is singled out, and a baseline does not compete."""
    runs = [
        make_run(name, {"m": values, "n": BASE})
        for name, values in {"one": BETTER, "two": BETTER, "low": BASE}.items()
    ]
    lead = make_run("lead", {"m": [1.0] * len(BASE), "n": [1.0] * len(BASE)})
    found = compare(*runs, lead)

    assert found.baselines == ("lead",)
    assert found.bold_systems("m") == ["one", "two"]
    assert found.bold_systems("n") == []  # all are alike


# the command line


def test_command_prints_each_format(make_run: MakeRun, command: Command) -> None:
    runs = make_run("a_1", {"m": BASE}), make_run("b&2", {"m": BETTER})

    table = command("compare", *runs)
    assert table.returncode == 0, table.stderr
    assert "a_1" in table.stdout
    assert "m: m|version:1" in table.stdout
    *_, verdict, page = table.stdout.splitlines()
    assert verdict == "b&2 is best by m, beyond chance."
    assert page.startswith("To see where each goes wrong: evalharness report ")
    stricter = command("compare", *runs, "--level", "0.01")
    assert "is best" not in stricter.stdout  # a page's headline is of the usual level
    latex = command("compare", *runs, "--format", "latex").stdout
    assert r"\toprule" in latex
    assert r"b\&2 & \textbf{" in latex
    assert r"a\_1" in latex
    assert latex.count(r"\begin") == latex.count(r"\end") == 1
    assert "% In bold: the highest, and what does not differ significantly" in latex
    markdown = command("compare", *runs, "--format", "markdown").stdout
    assert "| b&2 |" in markdown
    assert "a\\_1" in markdown
    rows = list(csv.DictReader(io.StringIO(command("compare", *runs, "--format", "csv").stdout)))
    record = json.loads(command("compare", *runs, "--json").stdout)
    assert [row["system"] for row in rows] == ["a_1", "b&2"]
    assert float(rows[1]["difference"]) == record["differences"][0]["difference"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--metrics", "k"], "no metric 'k'"),
        (["--format", "pdf"], "is not one of"),
        (["--resamples", "3"], "--resamples"),
        (["--level", "1"], "level: should lie between 0 and 1"),
    ],
)
def test_command_ends_with_2_and_says_what_is_wrong(
    arguments: list[str], said: str, make_run: MakeRun, command: Command
) -> None:
    done = command("compare", make_run("a", {"m": BASE}), make_run("b", {"m": BASE}), *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_compare_and_gate_import_nothing_heavy(make_run: MakeRun) -> None:
    code = (
        "import sys; from evalharness import compare, gate; "
        f"runs = {[str(make_run('a', {'m': BASE})), str(make_run('b', {'m': BETTER}))]!r}; "
        "compare(*runs); gate(*runs); "
        "print([m for m in ('torch', 'transformers', 'datasets', 'pandas', 'scipy', 'nltk') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# the leaderboard


def test_leaderboard_by_a_check_ranks_no_copies(make_run: MakeRun) -> None:
    folder = make_run("writer", {"lexical": [0.5, 0.6, 0.7]}).parent
    make_run("copier", {"lexical": [1.0, 1.0, 1.0], "m": [0.1, 0.1, 0.1]})
    make_run("other", {"lexical": [0.2, 0.3, 0.4]})

    [board] = leaderboard(folder, by="lexical").boards

    assert [(row.run, row.rank) for row in board.rows] == [
        ("writer", 1), ("other", 2), ("copier", None),
    ]  # fmt: skip
    assert board.old == ("copier: not ranked: a check finds nothing wrong with what is copied",)
    [board] = leaderboard(folder, by="m").boards
    assert board.rows[0].run == "copier"


def test_leaderboard_lists_runs_best_first_by_the_metric_asked_for(
    make_run: MakeRun, tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    make_run("low", {"m": BASE, "k": BETTER}, folder=folder / "x")
    make_run("high", {"m": BETTER, "k": BASE}, folder=folder / "y")

    [board] = leaderboard(folder).boards
    assert [row.run for row in board.rows] == ["y/high", "x/low"]
    [board] = leaderboard(folder, by="k").boards
    assert [row.run for row in board.rows] == ["x/low", "y/high"]
    with pytest.raises(DataError, match="no figure 'kk'; did you mean k"):
        leaderboard(folder, by="kk")


def test_leaderboard_keeps_other_articles_and_other_settings_apart(
    make_run: MakeRun, tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    make_run("a", {"m": BASE}, folder=folder)
    make_run("b", {"m": BASE}, folder=folder, signature="|version:2")
    make_run("c", {"m": BASE[:9]}, folder=folder)

    boards = leaderboard(folder).boards
    assert [len(board.rows) for board in boards] == [2, 1]
    assert boards[0].headings == ("m", "m (2)")
    assert boards[0].signatures == {"m": "m|version:2", "m (2)": "m|version:1"}


def test_leaderboard_tells_of_what_it_cannot_read_and_ends_with_2(
    make_run: MakeRun, tmp_path: Path, command: Command
) -> None:
    folder = tmp_path / "results"
    make_run("good", {"m": BASE}, folder=folder)
    (make_run("bad", {"m": BASE}, folder=folder) / "run.json").write_text("{")

    done = command("leaderboard", folder)
    assert done.returncode == 2
    assert "good" in done.stdout
    assert "not JSON" in done.stderr
    assert command("leaderboard", tmp_path / "none").returncode == 2
    (folder / "bad" / "run.json").unlink()
    done = command("leaderboard", folder, "--format", "csv")
    assert done.returncode == 0
    assert next(row["run"] for row in csv.DictReader(done.stdout.splitlines())) == "good"


def test_measure_without_values_is_left_out_and_no_test(make_run: MakeRun) -> None:
    values = np.random.default_rng(3).beta(5, 5, 40)
    first = make_run("a", {"m": values.tolist(), "none": [None] * 40})
    second = make_run("b", {"m": (values + 0.02).tolist(), "none": [None] * 40})
    found = compare(first, second)
    assert found.metrics == ("m",)
    assert found.metrics_left_out["none"] == "not measured: no article has a value of all systems"
    assert found.differences[0].p == found.differences[0].p_holm  # a family of one
    assert [each.metric for each in compare(first, second, metrics="none").differences] == ["none"]


def test_articles_of_one_cluster_change_sides_together(make_run: MakeRun) -> None:
    groups = [{"day": f"d{i // 10}"} for i in range(60)]
    shifts = np.array([-0.1, 0.02, -0.05, 0.03, -0.06, -0.04])
    values = np.random.default_rng(3).beta(5, 5, 60)
    first = make_run("a", {"m": values.tolist()}, extra=groups)
    second = make_run("b", {"m": (values + np.repeat(shifts, 10)).tolist()}, extra=groups)
    [alone] = compare(first, second).differences
    [together] = compare(first, second, cluster="day").differences
    signs = 1 - 2.0 * np.indices((2,) * 6).reshape(6, -1)
    exact = np.mean(np.abs(shifts @ signs) >= abs(shifts.sum()) - 1e-12)
    assert alone.p < 0.01
    assert together.p == pytest.approx(exact, abs=0.02)
    assert together.difference == alone.difference
    assert (together.n, together.effect) == (alone.n, alone.effect)
    # Whole clusters are drawn: the interval is that of six numbers.
    [six] = compare(
        make_run("c", {"m": [0.5] * 6}), make_run("d", {"m": (0.5 + shifts).tolist()})
    ).differences
    for ours, theirs in ((together.low, six.low), (together.high, six.high)):
        assert ours == pytest.approx(theirs, abs=0.004)
    assert together.detectable == pytest.approx(six.detectable)


def test_cluster_that_no_article_has_is_refused(make_run: MakeRun) -> None:
    runs = make_run("a", {"m": [0.1, 0.2]}), make_run("b", {"m": [0.1, 0.3]})
    with pytest.raises(Incomparable, match="no article has a field 'day'"):
        compare(*runs, cluster="day")


def _of_words(n: int) -> list[Summary]:
    return [Summary(f"a{i}", " ".join(["word"] * n)) for i in range(4)]


ROUGE_SCORE: dict[str, Any] = {
    "value": 0.3,
    "parts": {
        "rouge1": 0.4, "rouge1.precision": 0.5, "rouge1.recall": 0.6, "rouge2": 0.2, "rougeL": 0.3,
    },
}  # fmt: skip


def test_rouge_alone_is_rouge1_in_rankings(make_run: MakeRun, tmp_path: Path) -> None:
    better = {"value": 0.1, "parts": {"rouge1": 0.5, "rougeL": 0.1}}
    make_run("a", {"rouge": [ROUGE_SCORE] * 4}, folder=tmp_path / "all")
    make_run("b", {"rouge": [better] * 4}, folder=tmp_path / "all")
    [board] = leaderboard(tmp_path / "all", by="rouge").boards
    assert [row.run for row in board.rows] == ["b", "a"]
    [board] = leaderboard(tmp_path / "all", by="rougeL").boards
    assert [row.run for row in board.rows] == ["a", "b"]
    run = read_run(tmp_path / "all" / "a")
    assert (run.mean("rouge"), run.mean("rougeL"), run.mean("rouge.value")) == (0.4, 0.3, 0.3)


@pytest.mark.parametrize(("words", "shown"), [((10, 12), False), ((10, 13), True)])
def test_recall_and_precision_stand_beside_where_lengths_differ(
    words: tuple[int, int], shown: bool, make_run: MakeRun, tmp_path: Path
) -> None:
    runs = [
        make_run(f"s{n}", {"rouge": [ROUGE_SCORE] * 4}, summaries=_of_words(n), folder=tmp_path)
        for n in words
    ]
    beside = ("rouge", "rouge1.recall") in columns_of([read_run(run) for run in runs])
    assert beside is shown
    note = length_note([read_run(run) for run in runs])
    assert ("Mean lengths differ by over 20% (10 to 13 words)" in note) is shown
    [board] = leaderboard(tmp_path).boards
    assert ("rouge.rouge1.recall" in board.headings) is shown
    assert (note in board.old) is shown
    gathered = gather(runs)
    assert any(column.beside for column in gathered.columns) is shown
    compared = standings(gathered).comparison
    assert compared is not None
    assert {each.metric for each in compared.differences} == {
        "rouge.rouge1", "rouge.rouge2", "rouge.rougeL",
    }  # fmt: skip


def test_lengths_are_nothing_to_scores_that_they_do_not_move(make_run: MakeRun) -> None:
    runs = [read_run(make_run(f"s{n}", {"m": [0.1] * 4}, summaries=_of_words(n))) for n in (5, 50)]
    assert length_note(runs) == ""
    assert columns_of(runs) == [("m", "")]


# more articles than are at hand at once


@pytest.mark.parametrize("order", ["same", "other"])
def test_comparison_of_blocks_is_that_of_all_at_once(
    order: str, make_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but what is drawn: intervals and p-values are near, and the rest is the same."""
    rng = np.random.default_rng(4)
    ids = [f"a{i}" for i in range(300)]
    base = rng.random(300)
    runs = []
    for n, by in enumerate((0.0, 0.02, 0.2)):
        scores: list[float | None] = (base + rng.normal(by, 0.1, 300)).round(2).tolist()
        scores[n * 70] = None
        kept = ids[::-1] if order == "other" and n == 1 else ids
        moved = [scores[ids.index(each)] for each in kept]
        runs.append(make_run(f"{order}{n}", {"m": moved, "none": [None] * 300}, ids=kept))
    at_once = compare(*runs).record()
    monkeypatch.setattr(blockwise, "AT_ONCE", 50)
    monkeypatch.setattr(blockwise, "BLOCK_ARTICLES", 64)
    in_blocks = compare(*runs).record()
    drawn = {"low": 0.01, "high": 0.01, "p": 0.03, "p_holm": 0.06, "p_bh": 0.06}
    for part in ("standings", "differences", "pairs"):
        for ours, theirs in zip(in_blocks.pop(part), at_once.pop(part), strict=True):
            for key, value in theirs.items():
                near = pytest.approx(value, abs=drawn.get(key, 1e-12))
                assert ours[key] == (near if isinstance(value, float) else value), (part, key)
    assert in_blocks == at_once


def write_rows(path: Path, *summaries: str) -> Path:
    article = (
        "The bridge opened in 1932 and closed on Monday. The mayor of Rome spoke to 40 people."
    )
    rows = [{"id": str(n), "article": article, "summary": s} for n, s in enumerate(summaries)]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_table_of_systems_counts_summaries_with_a_likely_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    good, bad = "The bridge opened in 1932.", "The bridge opened in 1923."
    write_rows(tmp_path / "a.jsonl", good, good, good)
    write_rows(tmp_path / "b.jsonl", good, bad, bad)

    shown = command("compare", "a.jsonl", "b.jsonl", "--no-report").stdout
    found = compare(*sorted((tmp_path / "results/score").glob("*/")))

    assert found.likely_errors == {"lexical": {"a": (0, 3), "b": (2, 3)}}
    assert re.search(r"system +likely errors +lexical", shown)
    assert re.search(r"^b +2 of 3 ", shown, re.MULTILINE)
    assert "Likely errors: how many of a system's summaries" in shown


def test_many_differences_are_listed_once_and_columns_without_room_are_named(
    make_run: MakeRun, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(3)
    names = [f"system-{n}" for n in range(14)]
    runs = [make_run(n, {m: [rng.random() for _ in range(9)] for m in "mk"}) for n in names]
    monkeypatch.setenv("COLUMNS", "70")
    narrow = command("compare", *runs).stdout
    monkeypatch.setenv("COLUMNS", "160")
    wide = command("compare", *runs).stdout

    left_out = "BH, effect, win/tie/loss and detectable: --format csv, or a wider window"
    assert f"No room beside these columns for {left_out}" in " ".join(narrow.split())
    assert "No room" not in wide
    for shown in (narrow, wide):
        assert len(re.findall(r"^m +system-13 ", shown, re.MULTILINE)) == 1
