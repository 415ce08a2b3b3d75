"""The plan of a run says what is there and what is left, and leaves everything as it was."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evalharness
from evalharness.cli.plan import plan_text
from evalharness.errors import DataError
from evalharness.runner.plan import plan

ROOT = Path(__file__).parents[1]
QUICKSTART = ROOT / "configs" / "quickstart"


def make_config(**more: Any) -> dict[str, Any]:
    return {
        "name": "t",
        "data": {"name": "files", "path": str(QUICKSTART / "articles.jsonl")},
        "models": ["lead", {"name": "random", "sentences": 1}],
        "metrics": ["rouge"],
        "checks": ["numbers"],
        **more,
    }


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_plan_of_a_fresh_config_leaves_everything_to_do_and_writes_nothing(tmp_path: Path) -> None:
    found = plan(make_config(), results=tmp_path / "r", limit=10)

    assert [cell.name for cell in found.cells] == ["lead", "random"]
    for cell in found.cells:
        assert (cell.articles, vars(cell.summaries)) == (10, {"stored": 0, "left": 10})
        assert {k: vars(v) for k, v in cell.scores.items()} == {
            "rouge": {"stored": 0, "left": 10},
            "numbers": {"stored": 0, "left": 10},
        }
    assert found.distinct == 20
    assert not (tmp_path / "r").exists()


def test_plan_counts_what_a_run_then_computes(tmp_path: Path) -> None:
    evalharness.run(make_config(), results=tmp_path / "r", limit=6)
    before = files_of(tmp_path / "r")
    more = make_config(checks=["numbers", "dates"])

    found = plan(more, results=tmp_path / "r", limit=10)

    assert files_of(tmp_path / "r") == before
    runs = evalharness.run(more, results=tmp_path / "r", limit=10)
    for cell, finished in zip(found.cells, runs, strict=True):
        timing = finished.record["timing"]
        assert cell.summaries.left == timing["summaries"]["computed"] == 4
        assert {label: count.left for label, count in cell.scores.items()} == {
            label: counts["computed"] for label, counts in timing["scores"].items()
        }
    after = plan(more, results=tmp_path / "r", limit=10)
    assert after.distinct == 0
    assert all(count.left == 0 for cell in after.cells for count in cell.scores.values())


def asks_server(served: str, variable: str) -> dict[str, Any]:
    return {"name": "endpoint", "url": "http://localhost:1/v1", "model": served, "key": variable}


def test_plan_names_variables_of_keys_that_are_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_THAT_IS_SET", "sk-1")
    monkeypatch.delenv("KEY_THAT_IS_NOT", raising=False)
    models = [asks_server("a", "KEY_THAT_IS_SET"), asks_server("b", "KEY_THAT_IS_NOT")]

    found = plan(make_config(models=models), results=tmp_path / "r", limit=2)

    why = "the environment variable KEY_THAT_IS_NOT is not set"
    assert found.problems == [f"{why}, and b at http://localhost:1/v1 needs it"]
    assert f"not available: {why}" in plan_text(found)
    assert found.record()["problems"] == found.problems


def test_summaries_that_cells_share_are_left_once(tmp_path: Path) -> None:
    swept = make_config(sweep={"grid": {"metrics.rouge.stemmer": [True, False]}})

    found = plan(swept, results=tmp_path / "r", limit=5)

    assert [cell.summaries.left for cell in found.cells] == [5] * 4
    assert found.distinct == 10


def test_detectable_difference_comes_from_stored_runs(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    runs = evalharness.run(make_config(), results=tmp_path / "r")
    first, second = (
        np.array(pq.read_table(finished.folder / "samples.parquet")["rouge.rouge1"])
        for finished in runs
    )

    (rouge1,) = [
        found
        for found in plan(make_config(), results=tmp_path / "r").detectable
        if found.metric == "rouge.rouge1"
    ]

    deviation = float(np.std(first - second, ddof=1))
    assert rouge1.deviation == pytest.approx(deviation, rel=1e-12)
    assert rouge1.difference is not None
    # (1.96 + 0.84) standard errors, and somewhat more: there are 24 articles only.
    assert 1 < rouge1.difference / (2.8016 * deviation / math.sqrt(24)) < 1.35


def test_detectable_difference_without_a_run_is_an_assumption_that_is_stated(
    tmp_path: Path,
) -> None:
    few, many = (
        {d.metric: d for d in plan(make_config(), results=tmp_path / "r", limit=n).detectable}
        for n in (2, 24)
    )

    assert many["rouge.rouge1"].basis == "no run yet: a standard deviation of 0.1 is assumed"
    assert many["numbers"].deviation == 0.23
    for metric, found in many.items():
        smaller, larger = found.difference, few[metric].difference
        assert smaller is not None
        assert larger is None or smaller < larger


def test_difference_beyond_the_scale_is_not_said_to_show(tmp_path: Path) -> None:
    from evalharness.cli.plan import plan_text

    made = plan(make_config(), results=tmp_path / "r", limit=2)
    found = {each.metric: each for each in made.detectable}
    assert all(each.difference is None or each.difference <= 1 for each in found.values())
    beyond = [each for each in found.values() if each.difference is None and each.deviation]
    text = plan_text(made)
    assert beyond
    assert f"{beyond[0].metric}: none on its scale with 2 articles" in text
    (more, *_) = plan(make_config(), results=tmp_path / "r", limit=5).detectable
    assert more.difference is not None


def test_detectable_difference_of_one_article_or_of_runs_that_agree_is_unknown(
    tmp_path: Path,
) -> None:
    same = make_config(models=["lead", {"name": "lead", "label": "again"}])
    evalharness.run(same, results=tmp_path / "r", limit=5)

    (agreeing, *_) = plan(same, results=tmp_path / "r", limit=5).detectable
    (alone, *_) = plan(make_config(), results=tmp_path / "none", limit=1).detectable

    assert (agreeing.difference, agreeing.basis) == (None, "the 2 stored runs do not differ")
    assert alone.difference is None
    assert "with 1 article (" in plan_text(plan(make_config(), results=tmp_path / "none", limit=1))


def test_weights_are_told_by_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    snapshot = tmp_path / "cache" / "models--a--cached"
    (snapshot / "snapshots" / ("c" * 40)).mkdir(parents=True)
    (snapshot / "snapshots" / ("c" * 40) / "model.safetensors").write_bytes(b"x" * 2_500_000)
    for file in ("config.json", "tokenizer.json"):
        (snapshot / "snapshots" / ("c" * 40) / file).write_text("{}")
    (snapshot / "refs").mkdir()
    (snapshot / "refs" / "main").write_text("c" * 40)
    models = [
        {"name": "seq2seq", "model": str(QUICKSTART / "lead1-bart")},
        {"name": "seq2seq", "model": "a/cached"},
        {"name": "seq2seq", "model": "a/elsewhere"},
    ]

    found = plan(make_config(models=models), results=tmp_path / "r", limit=3)

    assert [(w.where, w.size is None) for w in found.weights] == [
        ("folder", False), ("cache", False), ("hub", True),
    ]  # fmt: skip
    told = plan_text(found)
    assert "weights: a/cached: 2.5 MB, in the cache" in told
    assert "weights: a/elsewhere: to be downloaded, of unknown size" in told
    assert "not available: no folder 'a/elsewhere'" in told
    assert found.cells[2].summaries.left == 3


def test_plan_on_the_command_line_loads_no_torch_and_prints_json_or_lines(tmp_path: Path) -> None:
    config = ROOT / "configs" / "sweep.yaml"
    code = (
        "import sys; sys.argv = ['evalharness', 'plan', *sys.argv[1:]]\n"
        "from evalharness.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print([m for m in ('torch', 'transformers') if m in sys.modules], file=sys.stderr)"
    )
    outs = []
    for more in ([], ["--json"]):
        done = subprocess.run(
            [sys.executable, "-c", code, str(config), "--results", str(tmp_path / "r"), *more],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stderr == "[]\n"
        outs.append(done.stdout)

    assert "lead1-bart,short,num_beams=2          4          4 of 4" in outs[0]
    record = json.loads(outs[1])
    assert len(record["cells"]) == 9
    assert record["summaries_left"] == 36
    assert not (tmp_path / "r").exists()


def test_data_that_is_not_there_is_said_as_the_run_says_it(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "evalharness", "plan", str(ROOT / "configs" / "score.yaml"),
         "--set", f"data.path={tmp_path / 'a.jsonl'}"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_plan_of_data_without_a_usable_row_fails_as_the_run_does(tmp_path: Path) -> None:
    articles = {"path": str(QUICKSTART / "articles.jsonl"), "columns": {"article": "bodyy"}}
    config = make_config(data={"name": "files", **articles})

    with pytest.raises(
        DataError, match=r"no article to summarize; the first of 24: .*'bodyy'"
    ) as plans:
        plan(config, results=tmp_path / "r")
    with pytest.raises(DataError) as runs:
        evalharness.run(config, results=tmp_path / "r")
    assert str(plans.value) == str(runs.value)
