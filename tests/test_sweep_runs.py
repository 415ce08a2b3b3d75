"""Sweeps at work: as many runs as cells, each as if it had run alone, and a model loaded once."""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from at_work import kill_run, stored_bytes

import evalharness
from evalharness.config import cells
from evalharness.config.run_config import read_run_config
from evalharness.hf import weights
from evalharness.runner.run import Unfinished

ROOT = Path(__file__).parents[1]
QUICKSTART = ROOT / "configs" / "quickstart"
ARTICLES = [json.loads(line) for line in (QUICKSTART / "articles.jsonl").read_text().splitlines()]
# Two checkpoints x three beams x two length penalties x two data files.
WHOLE = """
name: whole
data: {name: files, path: a.jsonl}
models:
  - {name: seq2seq, model: BART}
  - {name: causal, model: LLAMA, user: "{article}\\n\\nSummarize this article."}
generation: {max_new_tokens: 24}
metrics: [rouge, chrf]
checks: [numbers]
sweep:
  grid:
    data.path: [a.jsonl, b.jsonl]
    generation.num_beams: [2, 3, 4]
    generation.length_penalty: [0.6, 1.6]
"""


def written(folder: Path, text: str, n: int) -> Path:
    """Write a config and its two data files of n articles each; three articles are in both."""
    for name, first in (("a", 0), ("b", max(0, n - 3))):
        rows = [{**row, "article": row["article"][:400]} for row in ARTICLES[first : first + n]]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = folder / "sweep.yaml"
    for name in ("bart", "llama"):
        text = text.replace(name.upper(), json.dumps(str(QUICKSTART / f"lead1-{name}")))
    path.write_text(text)
    return path


def small(folder: Path) -> Path:
    text = WHOLE.replace("[2, 3, 4]", "[1, 2]").replace("[a.jsonl, b.jsonl]", "[a.jsonl]")
    text = text.replace("    generation.length_penalty: [0.6, 1.6]\n", "")
    return written(folder, text.replace("max_new_tokens: 24", "max_new_tokens: 9"), 2)


def bytes_of(results: Path) -> dict[str, bytes]:
    """Return all files of all runs; of `run.json`, all but provenance and timing."""
    found = {}
    for path in sorted((results / "whole").glob("*/*")):
        content = path.read_bytes()
        if path.name == "run.json":
            record = json.loads(content)
            del record["timing"], record["provenance"]
            content = json.dumps(record).encode()
        found[str(path.relative_to(results))] = content
    return found


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count how often weights are loaded, by the checkpoint's name."""
    counted: Counter[str] = Counter()
    genuine = weights._load

    def counting(request: weights.Request, content: str) -> weights.Loaded:
        counted[Path(request.checkpoint).name] += 1
        return genuine(request, content)

    weights._latest.clear()
    monkeypatch.setattr(weights, "_load", counting)
    yield counted
    weights._latest.clear()


def run_alone(path: Path, results: Path) -> None:
    """Run every cell of a sweep by itself, from its own config, in a store of its own."""
    for cell in cells.prepare(read_run_config(path)):
        place = path.parent / "alone" / cell.name
        place.mkdir(parents=True)
        (place / "config.yaml").write_text(cell.config(place))
        evalharness.run(place / "config.yaml", results=results / cell.name)


def bytes_alone(results: Path) -> dict[str, bytes]:
    return {
        name: content
        for folder in sorted(results.iterdir())
        for name, content in bytes_of(folder).items()
        if not name.endswith("config.yaml")  # its relative paths start one folder lower
    }


def test_sweep_loads_each_model_once_and_equals_its_cells_alone(
    tmp_path: Path, loads: Counter[str]
) -> None:
    path = small(tmp_path)

    runs = evalharness.run(path, results=tmp_path / "r")

    assert loads == {"lead1-bart": 1, "lead1-llama": 1}
    assert [finished.name for finished in runs] == [
        "lead1-bart,data=a,num_beams=1",
        "lead1-bart,data=a,num_beams=2",
        "lead1-llama,data=a,num_beams=1",
        "lead1-llama,data=a,num_beams=2",
    ]
    together = bytes_of(tmp_path / "r")
    run_alone(path, tmp_path / "each")
    alone = bytes_alone(tmp_path / "each")
    assert {name: together[name] for name in alone} == alone
    assert len(alone) == 12

    loads.clear()
    again = evalharness.run(path, results=tmp_path / "r")
    assert loads == {}
    assert [finished.record["timing"]["summaries"]["computed"] for finished in again] == [0] * 4
    assert bytes_of(tmp_path / "r") == together


def test_checkpoints_that_take_turns_in_the_config_are_loaded_once_each(
    tmp_path: Path, loads: Counter[str]
) -> None:
    text = WHOLE[: WHOLE.index("sweep:")].replace(
        "generation:",
        "  - {name: seq2seq, model: BART, label: third, num_beams: 2}\n"
        '  - {name: causal, model: LLAMA, label: fourth, user: "{article}"}\ngeneration:',
    )

    runs = evalharness.run(written(tmp_path, text, 3), results=tmp_path / "r", limit=2)

    assert loads == {"lead1-bart": 1, "lead1-llama": 1}
    assert [finished.name for finished in runs] == ["lead1-bart", "lead1-llama", "third", "fourth"]


EXTRACTIVE = """
name: whole
data: {name: files, path: a.jsonl}
models: [lead, {name: random, sentences: 1}]
metrics: [rouge, chrf]
checks: [lexical]
sweep: {grid: {data.path: [a.jsonl, b.jsonl], metrics.rouge.stemmer: [true, false]}}
"""


def test_cells_are_told_in_sweep_json(tmp_path: Path) -> None:
    path = written(tmp_path, EXTRACTIVE, 4)

    runs = evalharness.run(path, results=tmp_path / "r")

    told = json.loads((tmp_path / "r" / "whole" / "sweep.json").read_text())
    assert [cell["cell"] for cell in told["cells"]] == [finished.name for finished in runs]
    assert told["cells"][1]["settings"] == {"data.path": "a.jsonl", "metrics.rouge.stemmer": False}
    for cell, finished in zip(told["cells"], runs, strict=True):
        assert tmp_path / "r" / "whole" / cell["folder"] == finished.folder


def computed(runs: list[Any]) -> Counter[str]:
    """Return how many scores were computed by metric, and how many summaries, over all runs."""
    found: Counter[str] = Counter()
    for finished in runs:
        timing = finished.record["timing"]
        found["summaries"] += timing["summaries"]["computed"]
        for label, counts in timing["scores"].items():
            assert sum(counts.values()) == finished.record["counts"]["articles"]
            found[label] += counts["computed"]
    return found


def test_cells_share_summaries_and_scores_that_are_the_same(tmp_path: Path) -> None:
    path = written(tmp_path, EXTRACTIVE, 4)

    found = computed(evalharness.run(path, results=tmp_path / "r"))

    # Eight cells of four articles: two models, five different articles, two ways to stem.
    assert found == {"summaries": 10, "lexical": 10, "chrf": 10, "rouge": 20}


def test_editing_an_option_of_one_metric_computes_only_that(tmp_path: Path) -> None:
    path = written(tmp_path, EXTRACTIVE, 4)
    evalharness.run(path, results=tmp_path / "r")

    found = computed(evalharness.run(path, ["metrics.chrf.word_order=2"], results=tmp_path / "r"))

    assert found == {"summaries": 0, "lexical": 0, "chrf": 10, "rouge": 0}


def test_cell_that_fails_is_told_and_tried_again_by_the_same_command(tmp_path: Path) -> None:
    text = EXTRACTIVE.replace(
        "models: [lead, {name: random, sentences: 1}]", "models: [lead, {name: seq2seq, model: X}]"
    )
    (tmp_path / "X").mkdir()
    path = written(tmp_path, text.replace("X", "./X"), 4)
    command = [sys.executable, "-m", "evalharness", "run", str(path), "--results", "r"]

    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert done.returncode == 4
    assert "X,data=a,stemmer=true: " in done.stderr
    assert "no config.json, so no checkpoint of transformers" in done.stderr
    assert "lead,data=b,stemmer=false" in done.stdout
    assert "Traceback" not in done.stderr

    for file in (QUICKSTART / "lead1-bart").iterdir():
        (tmp_path / "X" / file.name).write_bytes(file.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        found = evalharness.run(path, ["limit=1", "generation.max_new_tokens=9"], results="r")
    assert [f.record["timing"]["summaries"]["computed"] for f in found] == [0] * 4 + [1, 0, 1, 0]


def test_missing_articles_of_one_data_file_leave_the_cells_of_the_other(tmp_path: Path) -> None:
    path = written(tmp_path, EXTRACTIVE, 4)
    (tmp_path / "b.jsonl").write_text('{"id": 1}\n')

    with pytest.raises(Unfinished, match="data=b,stemmer=true: data: no article") as caught:
        evalharness.run(path, results=tmp_path / "r")

    assert len(caught.value.runs) == len(caught.value.failures) == 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the config of 24 cells, and each cell's run alone below `each`."""
    folder = tmp_path_factory.mktemp("whole")
    path = written(folder, WHOLE, 6)
    run_alone(path, folder / "each")
    return folder


@pytest.mark.slow
def test_sweep_of_24_cells_equals_24_single_runs(whole: Path, loads: Counter[str]) -> None:
    runs = evalharness.run(whole / "sweep.yaml", results=whole / "r")

    assert loads == {"lead1-bart": 1, "lead1-llama": 1}
    assert len(runs) == 24
    alone = bytes_alone(whole / "each")
    together = bytes_of(whole / "r")
    assert len(alone) == 72
    assert {name: together[name] for name in alone} == alone

    found = computed(
        evalharness.run(whole / "sweep.yaml", ["metrics.chrf.word_order=2"], results=whole / "r")
    )
    assert found.keys() - {"summaries"} == {"rouge", "chrf", "numbers"}
    assert [found[name] for name in ("summaries", "rouge", "numbers")] == [0, 0, 0]
    assert found["chrf"] > 0


@pytest.mark.slow
def test_sweep_of_24_cells_killed_at_random_moments_ends_as_if_it_was_not(whole: Path) -> None:
    command = [sys.executable, "-m", "evalharness", "run", str(whole / "sweep.yaml"), "--results"]
    subprocess.run([*command, str(whole / "one")], check=True, capture_output=True)
    rng, n_bytes = random.Random(5), stored_bytes(whole / "one")
    for moment in sorted(rng.uniform(0, n_bytes) for _ in range(6)):
        kill_run([*command, str(whole / "torn")], whole / "torn", moment)

    subprocess.run([*command, str(whole / "torn")], check=True, capture_output=True)

    alone = bytes_alone(whole / "each")
    torn = bytes_of(whole / "torn")
    assert {name: torn[name] for name in alone} == alone
