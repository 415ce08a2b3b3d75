"""How large batches may be, found out by workers: once for all, and for whoever goes on."""

import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from at_work import Paced, bytes_of
from test_pace import make_config

from evalharness import run
from evalharness.errors import StoreError
from evalharness.executors.local import Local
from evalharness.executors.processes import Processes
from evalharness.executors.ray import Ray
from evalharness.executors.tasks import WorkerBench, pack_components, pack_order, unpack_results
from evalharness.models.causal import Causal
from evalharness.models.pace import LEAST_FOR_TRIAL
from evalharness.models.seq2seq import Seq2Seq
from evalharness.protocols import Sent, Task, Trial
from evalharness.records import Article
from evalharness.runner.articles import Claim, claim_all
from evalharness.runner.shards import run_shard
from evalharness.runner.summaries import Summarizing
from evalharness.store.ledger import PaceFile
from evalharness.store.store import Store

TEXTS = list("abcdefg")


def written(
    folder: Path, texts: Sequence[str], claims: Claim = claim_all, workers: int = 2, **options: Any
) -> tuple[Summarizing, list[str]]:
    """Have workers, or else this process, summarize texts in batches of three."""
    articles = [Article(f"a{n}", text) for n, text in enumerate(texts)]
    summarizing = Summarizing("paced", Paced(str(folder), **options), Store(folder / "store"))
    with (Processes(workers) if workers else Local()).pool() as pool:
        summarizing.fill([(articles, claims)], pool)
    return summarizing, [s.text for s in summarizing.stored_summaries(articles) if s is not None]


def log(folder: Path) -> list[str]:
    path = folder / "log"
    return path.read_text().splitlines() if path.exists() else []


def kept(folder: Path) -> Any:
    (path,) = (folder / "store" / "pace").glob("*.json")
    return json.loads(path.read_text())


def test_one_worker_tries_and_all_keep_to_what_it_found(tmp_path: Path) -> None:
    summarizing, texts = written(tmp_path, TEXTS)

    assert log(tmp_path) == ["trial"]
    assert texts == [f"{text} by 7" for text in TEXTS]
    assert kept(tmp_path) == {"here": {"articles": 7, "tokens": None, "tried": {"1": 1.0}}}
    assert summarizing.generation == {"device": "here", "batch": kept(tmp_path)["here"]}


@pytest.mark.parametrize("workers", [0, 2])
def test_whoever_goes_on_keeps_to_it(tmp_path: Path, workers: int) -> None:
    written(tmp_path, TEXTS, workers=2 - workers)
    more = [2 * text for text in TEXTS + TEXTS]

    _, shard = written(tmp_path, more, lambda batch, key: batch != 1, workers)
    summarizing, texts = written(tmp_path, more, workers=workers)

    assert log(tmp_path) == ["trial"]
    assert len(shard) < len(more)
    assert texts == [f"{text} by 7" for text in more]
    assert summarizing.generation == {"device": "here", "batch": kept(tmp_path)["here"]}


def test_trial_is_of_all_that_is_lacking_whoever_is_to_write_it(tmp_path: Path) -> None:
    written(tmp_path, TEXTS, lambda batch, key: batch == 1)

    assert kept(tmp_path)["here"]["articles"] == 7


def test_worker_that_dies_in_a_trial_leaves_it_to_another(tmp_path: Path) -> None:
    _, texts = written(tmp_path, TEXTS, deaths=1)

    assert log(tmp_path) == ["trial", "trial"]
    assert texts[0] == "a by 7"


def test_trial_that_no_worker_survives_ends_no_run(tmp_path: Path) -> None:
    summarizing, texts = written(tmp_path, TEXTS, deaths=99)

    assert log(tmp_path) == ["trial"] * 3
    assert texts == [f"{text} by None" for text in TEXTS]
    assert summarizing.generation == {"device": "here", "batch": {}}
    assert not (tmp_path / "store" / "pace").exists()


def test_trial_that_finds_nothing_leaves_nothing(tmp_path: Path) -> None:
    summarizing, texts = written(tmp_path, TEXTS, answers=False)

    assert log(tmp_path) == ["trial"]
    assert texts == [f"{text} by None" for text in TEXTS]
    assert summarizing.generation == {"device": "here", "batch": {}}
    assert not (tmp_path / "store" / "pace").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_memory_that_ended_is_told_to_whoever_goes_on(tmp_path: Path, workers: int) -> None:
    summarizing, _ = written(tmp_path, ["a", "b", "large c"], workers=workers)
    assert kept(tmp_path) == {"here": {"memory": 50}}
    assert summarizing.generation == {"device": "here", "batch": {"memory": 50}}

    written(tmp_path, ["large d"])

    assert log(tmp_path) == ["memory"]


def test_lack_of_memory_does_not_stand_in_the_way_of_a_trial(tmp_path: Path) -> None:
    written(tmp_path, ["large a"])

    _, texts = written(tmp_path, TEXTS)

    assert log(tmp_path) == ["memory", "trial"]
    assert kept(tmp_path)["here"] == {
        "articles": 7, "tokens": None, "memory": 50, "tried": {"1": 1.0}
    }  # fmt: skip
    assert texts[0] == "a by 7"


def test_model_that_a_worker_has_is_there_in_the_next_round() -> None:
    bench = WorkerBench()

    def answer(number: int, *sent: Sent) -> Any:
        return unpack_results(
            bench.answer(pack_order(number, pack_components(sent), Task([(0, Trial())])))
        )

    answer(1, Sent("paced", Paced("x")))
    (first,) = bench.components
    answer(2, Sent("paced", Paced("x"), {"here": {"memory": 9}}))
    assert bench.components[0] is first
    assert first.limits == {"memory": 9}
    answer(3, Sent("paced", Paced("y")))
    answer(4, Sent("paced", Paced("x")))
    assert bench.components[0] is not first
    assert bench.components[0].limits == {}


def test_trial_is_worth_it_for_many_articles_of_which_nothing_is_known() -> None:
    known = {"cpu": {"articles": 4, "tried": {"1": 1.0}}}
    model = Seq2Seq("m")

    assert model.worth_trial({}, LEAST_FOR_TRIAL)
    assert model.worth_trial({"cpu": {"memory": 9}}, LEAST_FOR_TRIAL)
    assert not model.worth_trial({}, LEAST_FOR_TRIAL - 1)
    assert not model.worth_trial(known, LEAST_FOR_TRIAL)
    assert not Seq2Seq("m", batch_size=8).worth_trial({}, LEAST_FOR_TRIAL)
    assert not Causal("m", batching="continuous").worth_trial({}, LEAST_FOR_TRIAL)
    assert Causal("m").worth_trial({}, LEAST_FOR_TRIAL)


@pytest.mark.parametrize(
    "wrong",
    [
        "[]",
        '{"cpu": 3}',
        '{"cpu": {"memory": "9"}}',
        '{"cpu": {"memory": null}}',
        '{"cpu": {"articles": -4}}',
        '{"cpu": {"tried": {"1": 1.0}}}',
        '{"cpu": {"articles": 4, "tried": {"x": 1.0}}}',
        '{"cpu": {"articles": 4, "tried": {"1": "quick"}}}',
        "[" * 100_000,
    ],
)
def test_findings_of_another_shape_are_damaged(tmp_path: Path, wrong: str) -> None:
    findings = PaceFile(tmp_path, {"name": "m"})
    findings.path.write_text(wrong)

    with pytest.raises(StoreError, match="is damaged; remove it, to find it out again"):
        findings.read()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="no ray")
def test_workers_of_ray_keep_to_what_one_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    articles = [Article(f"a{n}", text) for n, text in enumerate(["large a", *TEXTS])]
    summarizing = Summarizing("paced", Paced(str(tmp_path)), Store(tmp_path / "store"))
    with Ray(2).pool() as pool:
        summarizing.fill([(articles, claim_all)], pool)

    assert log(tmp_path).count("trial") == 1
    assert {s.text[-1] for s in summarizing.read(articles)} == {"8"}
    assert kept(tmp_path)["here"].keys() == {"articles", "tokens", "tried", "memory"}


@pytest.mark.slow
def test_real_trial_by_a_worker_gives_the_bytes_of_one_process(tmp_path: Path) -> None:
    config = make_config(tmp_path, LEAST_FOR_TRIAL + 44)
    run(config, results=tmp_path / "alone")

    (done,) = run(config, results=tmp_path / "r", executor="processes", workers=2)
    told = done.record["timing"]["generation"]
    part = run_shard(config | {"seed": 2}, "1/2", results=tmp_path / "r", executor="processes")

    assert bytes_of(tmp_path / "r") == bytes_of(tmp_path / "alone")
    assert told["device"] == "cpu"
    assert told["batch"]["tried"] == kept(tmp_path / "r")["cpu"]["tried"]
    assert part.summaries["computed"] == 0
