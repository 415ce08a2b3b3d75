"""The benchmarks: ratios with their spread, what is missing said, and a page that is up to date."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)


def module(name: str) -> Any:
    return importlib.import_module(f"benchmarks.{name}")


def test_row_shows_median_least_and_greatest() -> None:
    row = module("table").Row
    assert row("g", "w", "p", ratios=(3.0, 1.0, 2.5)).shown() == "**2.50×** (1.00 to 3.00)"
    assert row("g", "w", "p", ratios=(123.4,)).shown() == "**123×**"
    assert row("g", "w", "p", ratios=(0.13,), unlike=True).shown() == "0.13×"
    assert row("g", "w", "p", not_measured="No module").shown() == "not measured: No module"


def speaking(seconds: float, version: str = "") -> list[str]:
    told = json.dumps({"seconds": seconds, "version": version})
    return [sys.executable, "-c", f"print('noise'); print({told!r})"]


def test_peer_is_measured_in_every_round_and_what_fails_is_said() -> None:
    table = module("table")
    broken = [sys.executable, "-c", "raise ImportError('no such thing')"]
    commands = {"quick": speaking(0.5), "missing": broken}

    quick, missing = table.beside("g", "what", commands, ("peer", speaking(2.0, "1.2")), 2)

    assert quick.ratios == (4.0, 4.0)
    assert quick.peer == "peer 1.2"
    assert missing.shown() == "not measured: ImportError: no such thing"
    without = table.beside("g", "what", {"quick": speaking(0.5)}, ("peer", broken), 2)
    assert without[0].shown() == "not measured: ImportError: no such thing"


def test_rouge_is_measured_beside_rouge_score_with_equal_figures(tmp_path: Path) -> None:
    rouge = module("rouge")
    articles = [f"One. Two {n} words. Three of them here. Then four more words." for n in range(4)]
    path = rouge._written(tmp_path / "p.jsonl", list(rouge.pairs(articles, 2, 5, seed=0)))

    ours, own_sentences, *_ = rouge._exact("few", path, ["--stemmer"], sys.executable, 1)

    assert ours.note == "same sum of scores"
    assert len(ours.ratios) == len(own_sentences.ratios) == 1


def test_compiled_engine_has_rows_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("rouge_score_rs")
    rouge = module("rouge")
    path = rouge._written(tmp_path / "p.jsonl", [["The cat sat.", "A cat sat.", ""]] * 3)

    compiled = [
        row for row in rouge._exact("few", path, [], sys.executable, 1) if "comp" in row.who
    ]

    assert len(compiled) == 2
    assert all(row.ratios and row.note == "same sum of scores" for row in compiled)


def test_what_is_a_share_or_a_cost_is_better_when_less() -> None:
    row = module("table").Row
    share = row("g", "w", "p", ratios=(0.12, 0.1, 0.13), less=True)
    assert share.shown() == "**0.12** (0.10 to 0.13)"
    assert row("g", "w", "p", ratios=(0.15,), less=True).falls_short_of(share)
    assert not row("g", "w", "p", ratios=(0.09,), less=True).falls_short_of(share)


def test_quick_look_says_what_is_a_fifth_below_the_page_whatever_its_numbers_are() -> None:
    row, falls = module("table").Row, module("__main__").short_falls
    kept = [
        row("g", "3,000 pairs", "peer 1.2", ratios=(10.0,)),
        row("g", "300 pairs", "peer 1.2", ratios=(5.0,)),
        row("g", "shares", "peer", not_measured="not here"),
    ]
    now = [
        row("g", "200 pairs", "peer 1.3", ratios=(8.1,)),
        row("g", "20 pairs", "peer 1.3", ratios=(3.9,)),
        row("g", "shares", "peer", ratios=(1.0,)),
    ]
    assert falls(now, kept) == [
        "20 pairs: evalharness beside peer 1.3: **3.90×**, on the page **5.00×**"
    ]
    assert falls(kept, kept) == []


def test_quick_look_writes_nothing(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    main = module("__main__")
    kept = [record for part in json.loads(main.MEASURED.read_text()).values() for record in [part]]
    worse = [dict(row, ratios=[r / 2 for r in row["ratios"]]) for row in kept[0]["rows"]]
    monkeypatch.setattr(main, "QUICK", {"rouge": (1, 1.0)})
    monkeypatch.setattr(main, "measure", lambda part, asked: {"rows": worse})
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick"])
    before = main.MEASURED.read_bytes(), main.PAGE.read_bytes()

    main.main()

    assert (main.MEASURED.read_bytes(), main.PAGE.read_bytes()) == before
    assert "More than a fifth below docs/benchmarks.md:" in capsys.readouterr().out


def test_several_summaries_of_an_article_follow_each_other(tmp_path: Path) -> None:
    scoring = module("scoring")
    made = [[f"r{n}", f"s{n}", f"article {n}"] for n in range(10)]
    lines = scoring._several(made, tmp_path / "p.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [text for _, _, text in rows] == ["article 0"] * 5 + ["article 1"] * 5
    assert len({summary for _, summary, _ in rows}) == 10


def test_interval_is_that_of_the_mean_of_the_rounds() -> None:
    low, mean, high = module("generation").interval([1.0, 1.02, 1.04])
    assert mean == pytest.approx(1.02)
    assert high - mean == pytest.approx(mean - low) == pytest.approx(4.30 * 0.02 / 3**0.5)


def test_generation_takes_turns_with_the_loop_and_says_where_a_run_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "rows.json"
    sizes = {"--articles": 5, "--words": 20, "--rounds": 2, "--new-tokens": 2, "--width": 32}
    asked = [word for name, value in sizes.items() for word in (name, str(value))]
    asked += ["--shapes", "t5", "--beams", "1", "--only-overhead", "--json", str(written)]
    asked += ["--real", str(ROOT / "configs" / "quickstart" / "lead1-llama")]
    monkeypatch.setattr(sys, "argv", ["generation", *asked])

    module("generation").main()

    rows = json.loads(written.read_text())
    assert [(row["ratio of"], row["differ"]) for row in rows] == [("overhead", 0), ("overhead", 0)]
    assert len(rows[0]["ratios"]) == 2
    assert rows[0]["mean"][0] <= rows[0]["mean"][1] <= rows[0]["mean"][2]
    assert "generate " in rows[0]["goes to"]
    row = module("generating")._row(rows[0])
    assert row.ratios[0] == pytest.approx(1 / rows[0]["ratios"][0])


@pytest.mark.slow
def test_whole_commands_are_measured_in_small(tmp_path: Path) -> None:
    texts = [f"It was {n} metres. Then the mayor of Leeds left. Nobody saw it." for n in range(9)]
    rows = module("running").rows(texts, tmp_path, 1, 0.01)
    assert len(rows) == 11
    assert all(row.ratios for row in rows)


def test_slope_of_linear_cost_is_1() -> None:
    scale = module("scale")
    taken = [scale.Taken(n, n / 250, n / 250, 100.0, 1.0) for n in (1_000, 10_000, 30_000)]
    assert scale.slope(taken) == pytest.approx(1.0)
    twice = [scale.Taken(n, (n / 250) ** 2, 1.0, 100.0, 1.0) for n in (1_000, 10_000)]
    assert scale.slope(twice) == pytest.approx(2.0)


def test_page_is_what_was_measured() -> None:
    measured = json.loads((ROOT / "benchmarks" / "measured.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert page == module("__main__").page(measured)


def test_real_model_that_is_not_there_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALHARNESS_REAL", str(tmp_path))
    (row,) = module("real").rows(tmp_path, 1)
    assert row.shown() == "not measured: PYTHONPATH=tests python -m real downloads it"


def test_real_model_s_row_has_both_do_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a tiny chat model in its place."""
    chat = tmp_path / "smollm2-135m-instruct"
    chat.symlink_to(ROOT / "configs" / "quickstart" / "lead1-llama")
    monkeypatch.setenv("EVALHARNESS_REAL", str(tmp_path))
    (row,) = module("real").rows(tmp_path, 1)
    assert row.note == "same texts"
    assert len(row.ratios) == 1


@pytest.mark.slow
def test_gpu_benchmark_runs_small_on_a_processor(tmp_path: Path) -> None:
    written = tmp_path / "gpu.json"
    asked = ["--small", "--device", "cpu", "--rounds", "1", "--shapes", "t5"]
    rows = module("gpu").main([*asked, "--json", str(written)])

    measured = {(row.of, row.way): row for row in rows if row.seconds}
    assert len(measured) == 15
    assert measured["t5", "ours, float32"].beside == "loop"
    assert measured["t5", "ours, bfloat16, batches of 6"].differ == 0
    (last,) = [row for row in rows if not row.seconds]
    assert last.line().endswith("not measured: no GPU")
    assert len(json.loads(written.read_text())["rows"]) == len(rows)


def test_gpu_benchmark_without_a_gpu_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("a GPU is here")
    with pytest.raises(SystemExit):
        module("gpu").main([])
    assert "no GPU is seen" in capsys.readouterr().err


@pytest.mark.slow
def test_memory_of_a_run_does_not_grow_with_its_articles(tmp_path: Path) -> None:
    scale = module("scale")
    few, many = scale.measured([6_000, 36_000], ["rouge"], tmp_path)
    assert many.memory < 1.2 * few.memory
