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
