"""How large batches may be, as workers learn it: for all of them, and for whoever goes on."""

import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from at_work import Limited, bytes_of
from test_pace import make_config

from evalharness import run
from evalharness.executors.local import Local
from evalharness.executors.processes import Processes
from evalharness.executors.ray import Ray
from evalharness.executors.tasks import WorkerBench, pack_components, pack_order, unpack_results
from evalharness.protocols import GenerationQuery, Sent, Task
from evalharness.records import Article
from evalharness.runner.articles import Claim, claim_all
from evalharness.runner.shards import run_shard
from evalharness.runner.summaries import Summarizing
from evalharness.store.store import Store

TEXTS = list("abcdefg")


def written(
    folder: Path, texts: Sequence[str], claims: Claim = claim_all, workers: int = 2
) -> tuple[Summarizing, list[str]]:
    """Have workers, or else this process, summarize texts in batches of three."""
    articles = [Article(f"a{n}", text) for n, text in enumerate(texts)]
    summarizing = Summarizing("limited", Limited(str(folder)), Store(folder / "store"))
    with (Processes(workers) if workers else Local()).pool() as pool:
        summarizing.fill([(articles, claims)], pool)
    return summarizing, [s.text for s in summarizing.stored_summaries(articles) if s is not None]


def log(folder: Path) -> list[str]:
    path = folder / "log"
    return path.read_text().splitlines() if path.exists() else []


def kept(folder: Path) -> Any:
    (path,) = (folder / "store" / "pace").glob("*.json")
    return json.loads(path.read_text())


@pytest.mark.parametrize("workers", [0, 1])
def test_memory_that_ended_is_told_to_whoever_goes_on(tmp_path: Path, workers: int) -> None:
    summarizing, _ = written(tmp_path, ["a", "b", "large c"], workers=workers)
    assert kept(tmp_path) == {"here": {"memory": 50}}
    assert summarizing.generation == {"device": "here", "memory": 50}

    written(tmp_path, ["large d"], lambda batch, key: batch != 1, workers)
    summarizing, _ = written(tmp_path, ["large e", *TEXTS], workers=1 - workers)

    assert log(tmp_path) == ["memory"]
    assert summarizing.generation == {"device": "here", "memory": 50}


def test_memory_that_sufficed_leaves_nothing(tmp_path: Path) -> None:
    summarizing, _ = written(tmp_path, TEXTS)

    assert summarizing.generation == {"device": "here", "memory": None}
    assert not (tmp_path / "store" / "pace").exists()


def test_model_that_a_worker_has_is_there_in_the_next_round() -> None:
    bench = WorkerBench()

    def answer(number: int, *sent: Sent) -> Any:
        return unpack_results(
            bench.answer(pack_order(number, pack_components(sent), Task([(0, GenerationQuery())])))
        )

    answer(1, Sent("limited", Limited("x")))
    (first,) = bench.components
    answer(2, Sent("limited", Limited("x"), {"here": 9}))
    assert bench.components[0] is first
    assert first.limit == 9
    answer(3, Sent("limited", Limited("y")))
    answer(4, Sent("limited", Limited("x")))
    assert bench.components[0] is not first
    assert bench.components[0].limit is None


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="no ray")
def test_workers_of_ray_keep_to_what_one_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    articles = [Article(f"a{n}", text) for n, text in enumerate(["large a", *TEXTS])]
    summarizing = Summarizing("limited", Limited(str(tmp_path)), Store(tmp_path / "store"))
    with Ray(2).pool() as pool:
        summarizing.fill([(articles, claim_all)], pool)

        summarizing.fill([([Article("later", "large b")], claim_all)], pool)

    assert log(tmp_path) == ["memory"]
    assert kept(tmp_path) == {"here": {"memory": 50}}


@pytest.mark.slow
def test_model_of_a_worker_writes_the_bytes_of_one_process(tmp_path: Path) -> None:
    config = make_config(tmp_path, 100)
    (alone,) = run(config, results=tmp_path / "alone")

    (done,) = run(config, results=tmp_path / "r", executor="processes", workers=2)
    generation = done.record["timing"]["generation"]
    part = run_shard(config | {"seed": 2}, "1/2", results=tmp_path / "r", executor="processes")

    assert bytes_of(tmp_path / "r") == bytes_of(tmp_path / "alone")
    assert generation["device"] == "cpu"
    assert generation["batch"] == alone.record["timing"]["generation"]["batch"]
    assert part.summaries["computed"] == 0
