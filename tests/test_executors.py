"""Executors: whoever computes it, the same bytes; a death is made good; nobody is left over."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from at_work import (
    GENERATING,
    QUICKSTART,
    Faulty,
    bytes_of,
    check_interrupted,
    children,
    command,
    gone,
    some_summaries,
    started,
    workers_of,
    written,
)

import evalharness
from evalharness.checks.judge.judge import Judge
from evalharness.config import cells
from evalharness.config.run_config import read_run_config
from evalharness.endpoint import Server
from evalharness.errors import ConfigError, ExecutorError, MissingExtra, ModelError, WorkerDied
from evalharness.executors import auto, processes
from evalharness.executors.auto import free_memory
from evalharness.executors.local import Local, must_stay
from evalharness.executors.pool import TRIES_PER_TASK, Died, WorkerPool
from evalharness.executors.processes import Processes, visible_gpus
from evalharness.executors.ray import Ray, _room
from evalharness.executors.tasks import (
    WorkerBench,
    WorkerError,
    pack_components,
    pack_order,
    unpack_results,
)
from evalharness.models.endpoint import Endpoint
from evalharness.models.extractive import Lead
from evalharness.models.given import FileOutputs, Given
from evalharness.protocols import Sent, Task
from evalharness.records import Article
from evalharness.runner import articles, run, shards
from evalharness.runner.articles import claim_all
from evalharness.runner.summaries import Summarizing
from evalharness.runner.write import write
from evalharness.store import aggregates
from evalharness.store.ledger import Ledger
from evalharness.store.samples import Writer
from evalharness.store.store import Store

pytestmark = pytest.mark.usefixtures("own_drawer")  # the processes that are left are counted


def timing(run: Any) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    return run.record["timing"]["summaries"], run.record["timing"]["scores"]


def test_processes_give_the_bytes_of_one_process(tmp_path: Path) -> None:
    path = written(tmp_path, 522)  # two windows, with an article in both
    alone = evalharness.run(path, results=tmp_path / "alone")

    runs = evalharness.run(path, results=tmp_path / "r", executor="processes", workers=2)

    assert bytes_of(tmp_path / "r") == bytes_of(tmp_path / "alone")
    assert [timing(run) for run in runs] == [timing(run) for run in alone]
    assert children(os.getpid()) == []


@pytest.mark.parametrize(("workers", "at_once", "rows"), [(2, 7, 4), (4, 5, 1000)])
def test_lines_are_the_same_whoever_makes_them_and_however_many_at_once(
    workers: int, at_once: int, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, 61, checks=["numbers", "lexical"], metrics=["rouge", "bleu"])
    monkeypatch.setattr(aggregates, "BLOCK_ROWS", rows)
    evalharness.run(path, results=tmp_path / "alone")
    monkeypatch.setattr(articles, "ARTICLES_AT_ONCE", at_once)

    evalharness.run(path, results=tmp_path / "r", executor="processes", workers=workers)

    assert bytes_of(tmp_path / "r") == bytes_of(tmp_path / "alone")


def test_worker_that_dies_before_files_are_written_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_after_a_death(*given: Any) -> Any:
        os.kill(children(os.getpid())[0], signal.SIGKILL)
        return write(*given)

    path = written(tmp_path, 200)
    evalharness.run(path, results=tmp_path / "alone")
    monkeypatch.setattr(run, "write", write_after_a_death)

    evalharness.run(path, results=tmp_path / "r", executor="processes", workers=2)

    assert bytes_of(tmp_path / "r") == bytes_of(tmp_path / "alone")
    assert children(os.getpid()) == []


def test_interrupt_while_files_are_written_ends_workers_and_leaves_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    path = written(tmp_path, 200)
    with monkeypatch.context() as patch:
        patch.setattr(Writer, "extend", interrupt)
        with pytest.raises(KeyboardInterrupt):
            evalharness.run(path, results=tmp_path / "r", executor="processes", workers=2)
    assert children(os.getpid()) == []

    runs = evalharness.run(path, results=tmp_path / "r")

    assert {n for run in runs for n in run.record["timing"]["scores"]["rouge"].values()} == {0, 200}
    evalharness.run(path, results=tmp_path / "alone")
    assert bytes_of(tmp_path / "r") == bytes_of(tmp_path / "alone")


class Counting(Processes):
    """Processes that say how many they are, each time that some are started."""

    pools: ClassVar[list[int]] = []

    @contextmanager
    def pool(self, **how: bool) -> Iterator[Any]:
        self.pools.append(self.workers or 0)
        with super().pool(**how) as pool:
            yield pool


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many workers were started each time, on a machine of two processors."""
    monkeypatch.setattr(auto, "processors", lambda: 2)
    monkeypatch.setattr(processes, "Processes", Counting)
    monkeypatch.setattr(Counting, "pools", [])
    return Counting.pools


def test_many_pairs_go_to_all_processors_by_themselves(tmp_path: Path, pools: list[int]) -> None:
    path = written(tmp_path, 260)  # of two systems
    alone = evalharness.run(path, results=tmp_path / "alone")

    runs = evalharness.run(path, results=tmp_path / "r", executor="auto")

    assert pools == [2]
    assert bytes_of(tmp_path / "r") == bytes_of(tmp_path / "alone")
    assert [timing(run) for run in runs] == [timing(run) for run in alone]
    assert children(os.getpid()) == []


@pytest.mark.parametrize(
    ("n", "free"), [(190, None), (260, 2 * auto.BYTES_A_WORKER - 1), (260, 0)],
    ids=["few pairs", "memory for one", "no memory"],
)  # fmt: skip
def test_few_pairs_and_a_small_memory_stay_in_this_process(
    n: int, free: int | None, tmp_path: Path, pools: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto, "free_memory", lambda: free)

    (first, _) = evalharness.run(written(tmp_path, n), results=tmp_path / "r", executor="auto")

    assert first.n == n
    assert pools == []


def test_what_is_stored_is_no_work_for_others(tmp_path: Path, pools: list[int]) -> None:
    path = written(tmp_path, 260)
    evalharness.run(path, results=tmp_path / "r")

    evalharness.run(path, results=tmp_path / "r", executor="auto")

    assert pools == []


def test_auto_lies_below_the_executor_of_a_config(tmp_path: Path) -> None:
    def name(**how: Any) -> str:
        return read_run_config(path, **how).executor.name

    path = written(tmp_path, 4)
    assert name() == "local"
    assert name(executor="auto") == "auto"
    assert name(executor="auto", workers=3) == "processes"
    path = written(tmp_path, 4, executor={"name": "processes", "workers": 5})
    assert name(executor="auto") == "processes"
    assert name(executor="local") == "local"


def test_command_line_asks_for_auto_and_python_does_not(
    tmp_path: Path, pools: list[int], command: Callable[..., Any]
) -> None:
    path = written(tmp_path, 260)
    evalharness.run(path, results=tmp_path / "python")
    assert pools == []

    done = command("run", path, "--results", tmp_path / "r", "--no-report")

    assert done.returncode == 0, done.stderr
    assert pools == [2]


def some_scores(results: Path) -> bool:
    return any(path.stat().st_size > 10_000 for path in results.glob("store/scores/*.jsonl"))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a config over many pairs, and what one process makes of it."""
    folder = tmp_path_factory.mktemp("many")
    path = written(folder, 1500, checks=["lexical"])
    evalharness.run(path, results=folder / "alone")
    return folder


@pytest.mark.skipif(auto.count_workers() < 2, reason="one processor")
@pytest.mark.skipif(sys.platform != "linux", reason="workers are new processes elsewhere")
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_copies_of_the_driver_work_and_end_with_it(many: Path, blow: signal.Signals) -> None:
    results = many / f"blow-{blow.name}"
    process = started(many / "c.yaml", results, some_scores, "--no-report")
    workers = children(process.pid)
    ours = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in workers] == [ours] * len(workers)
    assert len(workers) == auto.count_workers()
    os.kill(workers[0], signal.SIGKILL)  # who comes in its place is a new process
    process.send_signal(blow)
    process.communicate()

    assert gone(workers)
    done = subprocess.run(command(many / "c.yaml", results), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert bytes_of(results) == bytes_of(many / "alone")


def test_process_with_threads_makes_no_copies_of_itself() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with Processes(2).pool(may_fork=True) as pool:
            assert cast(Any, pool.workers).copies == []
            task = Task([(0, [Article("1", "It rained. It snowed.")])])
            ((_, ((summary,),)),) = pool.map([Sent("lead", Lead(1))], [task])
            assert summary.text == "It rained."
    finally:
        stop.set()
        thread.join()
    assert children(os.getpid()) == []


def test_shard_keeps_to_its_own_processor(
    tmp_path: Path, pools: list[int], command: Callable[..., Any]
) -> None:
    path = written(tmp_path, 600)

    done = command("run", path, "--results", tmp_path / "r", "--shard", "1/1")

    assert done.returncode == 0, done.stderr
    assert pools == []


@pytest.mark.parametrize(
    ("limit", "used", "free"),
    [(None, None, 4_096_000), ("max", "9", 4_096_000), ("3000000", "1000000", 2_000_000),
     ("10", "20", 0)],
)  # fmt: skip
def test_free_memory_is_that_of_the_container(
    limit: str | None, used: str | None, free: int, tmp_path: Path
) -> None:
    assert free_memory(tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    4000 kB\n")
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    for name, text in (("memory.max", limit), ("memory.current", used)):
        if text is not None:
            (group / name).write_text(f"{text}\n")
    assert free_memory(tmp_path) == free


@pytest.mark.slow
def test_processes_that_generate_give_the_bytes_of_one_process(tmp_path: Path) -> None:
    path = written(tmp_path, 20, **GENERATING)
    evalharness.run(path, results=tmp_path / "alone")

    evalharness.run(path, results=tmp_path / "r", executor="processes", workers=2)

    assert bytes_of(tmp_path / "r") == bytes_of(tmp_path / "alone")


def filled(folder: Path, texts: Sequence[str], n: int = 2) -> tuple[Summarizing, list[Any]]:
    """Have n processes summarize texts by a faulty model; return it, and the summaries."""
    articles = [Article(f"a{n}", text) for n, text in enumerate(texts)]
    summarizing = Summarizing("faulty", Faulty(str(folder)), Store(folder / "store"))
    with Processes(n).pool() as pool:
        summarizing.fill([(articles, claim_all)], pool)
    return summarizing, summarizing.read(articles)


def test_batch_of_a_dead_worker_is_given_whole_to_another(tmp_path: Path) -> None:
    texts = ["a", "once b", "c", "d", "print e", "f", "g"]

    summarizing, summaries = filled(tmp_path, texts)

    sizes = [3, 3, 3, 3, 3, 3, 1]
    assert [s.text for s in summaries] == [
        f"{text} of {size}" for text, size in zip(texts, sizes, strict=True)
    ]
    assert summarizing.computed == 7
    assert os.getpid() not in {s.tokens for s in summaries}


def test_batch_that_no_worker_survives_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerDied) as caught:
        filled(tmp_path, ["a", "b", "c", "d", "die e", "f"])

    assert str(caught.value) == (
        "faulty: 3 workers died over articles 'a3' to 'a5', the last one: "
        "killed by SIGKILL (out of memory?)"
    )
    assert caught.value.exit_code == 4
    assert children(os.getpid()) == []


def test_what_is_raised_in_a_worker_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"^this model refuses$"):
        filled(tmp_path, ["refuse"])
    with pytest.raises(WorkerError, match=r"(?s)in summarize.*ZeroDivisionError: a bug of ours"):
        filled(tmp_path, ["bug"])


class Scripted:
    """Workers that are plain numbers, and that answer or die as they are told."""

    def __init__(self, deaths: int = 0) -> None:
        self.deaths = deaths
        self.benches: dict[int, WorkerBench] = {}
        self.orders: dict[int, bytes] = {}
        self.ended: list[int] = []

    def start(self) -> int:
        self.benches[len(self.benches)] = WorkerBench()
        return len(self.benches) - 1

    def give(self, worker: int, order: bytes) -> None:
        self.orders[worker] = order

    def wait(self, workers: Sequence[int]) -> list[tuple[int, bytes | Died]]:
        worker = max(workers)  # the latest first: out of order
        if self.deaths:
            self.deaths -= 1
            return [(worker, Died("as told"))]
        return [(worker, self.benches[worker].answer(self.orders[worker]))]

    def end(self, worker: int) -> None:
        self.ended.append(worker)

    def close(self) -> None:
        pass


def tasks(n: int, taken: list[int]) -> Iterator[Task]:
    for number in range(n):
        taken.append(number)
        yield Task([(0, [Article(str(number), f"Number {number}. More.")])], number)


def test_jobs_are_taken_as_workers_are_free_and_no_sooner() -> None:
    taken: list[int] = []
    pool = WorkerPool(Scripted(), 3)
    done = 0

    for task, ((summary,),) in pool.map([Sent("lead", Lead(1))], tasks(20, taken)):
        assert summary.text == f"Number {task.ticket}."
        done += 1
        assert len(taken) <= done + 3

    assert done == 20


def test_worker_that_dies_costs_nothing_but_time() -> None:
    pool = WorkerPool(Scripted(deaths=TRIES_PER_TASK - 1), 2)

    found = [task.ticket for task, _ in pool.map([Sent("lead", Lead(1))], tasks(5, []))]

    assert sorted(found) == [0, 1, 2, 3, 4]


def test_busy_workers_are_ended_when_nobody_waits_for_them_any_more() -> None:
    workers = Scripted()
    pool = WorkerPool(workers, 3)
    results = pool.map([Sent("lead", Lead(1))], tasks(20, []))
    next(results)

    results.close()

    assert len(workers.ended) == 3


def test_worker_with_other_files_or_another_version_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = Task([(0, [Article("1", "It rained.")])])
    order = pack_order(1, pack_components([Sent("lead", Lead(1))]), task)
    monkeypatch.setattr(Lead, "version", 99)
    with pytest.raises(ExecutorError, match="lead: the worker has other files or weights"):
        unpack_results(WorkerBench().answer(order))

    monkeypatch.setattr(evalharness, "__version__", "99")
    with pytest.raises(ExecutorError, match=r"the worker has evalharness 99, the driver 0\.1"):
        unpack_results(WorkerBench().answer(order))


def test_what_asks_a_server_stays_with_the_driver() -> None:
    server = Server("http://localhost:1/v1", "m")

    assert must_stay(Endpoint("http://localhost:1/v1", "m"))
    assert must_stay(Judge(endpoint=server))
    assert not must_stay(Lead(1))


def test_what_exists_already_stays_with_the_driver(tmp_path: Path) -> None:
    assert must_stay(Given())
    assert must_stay(FileOutputs(tmp_path / "outputs.jsonl"))


def test_executor_is_part_of_no_signature_and_of_no_resolved_config(tmp_path: Path) -> None:
    path = written(tmp_path, 5)
    plain, other = (
        cells.prepare(read_run_config(path, executor=executor)) for executor in (None, "processes")
    )

    assert [cell.config(tmp_path) for cell in plain] == [cell.config(tmp_path) for cell in other]
    assert "executor" not in plain[0].config(tmp_path)


def executor(path: Path, *overrides: str, **options: Any) -> Any:
    return cells.executor_of(read_run_config(path, overrides, **options))


def test_executor_of_the_command_line_lies_over_the_config(tmp_path: Path) -> None:
    path = written(tmp_path, 5, executor={"name": "ray", "gpus": 2})

    assert executor(path) == Ray(gpus=2)
    assert executor(path, workers=3) == Ray(workers=3, gpus=2)
    assert executor(path, executor="ray") == Ray(gpus=2)
    assert executor(path, executor="processes", workers=3) == Processes(3)
    assert executor(written(tmp_path, 5), workers=3) == Processes(3)
    assert executor(written(tmp_path, 5), "executor.gpus=1", executor="ray") == Ray(gpus=1)
    assert executor(written(tmp_path, 5), "executor.gpus=1", executor="local") == Local()


@pytest.mark.parametrize(
    ("executor", "why"),
    [
        ("rai", "no executor 'rai'; did you mean ray?"),
        ({"name": "processes", "workers": 0}, "executor.workers: 0 is below 1"),
        ({"name": "local", "workers": 2}, "executor.workers: unknown key"),
        ({"name": "ray", "gpus": 1.5}, "executor.gpus: 1.5 is no whole number"),
        ({"name": "ray", "cpus": 0}, "executor.cpus: a worker needs some processor or GPU"),
    ],
)
def test_executor_that_cannot_be_is_one_line(tmp_path: Path, executor: Any, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        evalharness.run(written(tmp_path, 5, executor=executor), results=tmp_path / "r")

    assert why in str(caught.value)
    assert not (tmp_path / "r" / "store").exists()


def test_executor_cannot_be_swept(tmp_path: Path) -> None:
    path = written(tmp_path, 5, sweep={"grid": {"executor": ["local", "processes"]}})

    with pytest.raises(ConfigError, match="executor: changes no result"):
        evalharness.run(path, results=tmp_path / "r")


BART = {"name": "seq2seq", "model": str(QUICKSTART / "lead1-bart")}


@pytest.mark.parametrize(
    ("option", "where", "why"),
    [
        ({"device_map": "auto"}, "processes", "a worker of `processes` has one; use the executor"),
        (
            {"device": "cuda:1"},
            "processes",
            "its own GPUs only; leave device at auto",
        ),
        ({"device": "cuda:1"}, "ray", "its own GPUs only; leave device at auto"),
        ({"device_map": "auto", "device": "cuda:0"}, "local", "device: cuda:0 is one"),
        ({"device_map": "here"}, "local", "'here' is none of auto, balanced, balanced_low_0"),
    ],
)
def test_gpus_that_a_worker_does_not_have_are_refused_before_any_work(
    tmp_path: Path, option: dict[str, Any], where: str, why: str
) -> None:
    path = written(tmp_path, 5, models=[BART | option])

    with pytest.raises(ConfigError) as caught:
        evalharness.run(path, results=tmp_path / "r", executor=where)

    assert why in str(caught.value)
    assert not (tmp_path / "r" / "store").exists()


def test_device_map_goes_with_ray_and_with_one_process(tmp_path: Path) -> None:
    model = cells.prepare(
        read_run_config(written(tmp_path, 5, models=[BART | {"device_map": "auto"}]))
    )

    assert Ray(gpus=2).refuses(model[0].model) == ""
    assert Processes(1).refuses(model[0].model) == ""


class Cluster:
    """What Ray says of its nodes."""

    def __init__(self, *nodes: dict[str, float]) -> None:
        self._nodes = nodes

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": node} for node in self._nodes]

    def cluster_resources(self) -> dict[str, float]:
        return {key: sum(n.get(key, 0) for n in self._nodes) for key in ("CPU", "GPU")}


def test_gpu_that_no_node_has_is_an_error_at_once() -> None:
    with pytest.raises(ExecutorError) as caught:
        _room(Cluster({"CPU": 8.0, "GPU": 1.0}, {"CPU": 4.0, "GPU": 1.0}), 1, 2)

    assert str(caught.value) == (
        "ray: a worker needs 1 CPU and 2 GPU, and no node has that: 2 nodes with 12 CPU and 2 GPU"
    )


def test_room_for_workers_is_counted_node_by_node() -> None:
    nodes = Cluster({"CPU": 8.0, "GPU": 4.0}, {"CPU": 3.0})

    assert _room(nodes, 1, None) == (1.0, 4)
    assert _room(nodes, 2, 0) == (0, 5)
    assert _room(Cluster({"CPU": 3.0}), 1, None) == (0.0, 3)
    assert _room(nodes, 1, 0.5) == (0.5, 8)


def test_ray_that_is_not_installed_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(MissingExtra, match=r"executor ray needs: pip install .*ray"):
        evalharness.run(written(tmp_path, 5), results=tmp_path / "r", executor="ray")


def test_visible_gpus_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, GPU-ab")
    assert visible_gpus() == ["2", "GPU-ab"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a config, and its run in one process in `alone`."""
    folder = tmp_path_factory.mktemp("whole")
    path = written(folder, 60, **GENERATING)
    subprocess.run(command(path, folder / "alone"), check=True, capture_output=True)
    return folder


PROCESSES = ("--executor", "processes", "--workers", "2")


@pytest.mark.slow
def test_worker_killed_while_it_generates_leaves_the_same_bytes(whole: Path) -> None:
    process = started(whole / "c.yaml", whole / "killed", some_summaries, *PROCESSES)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)

    _, err = process.communicate()
    assert process.returncode == 0, err
    assert bytes_of(whole / "killed") == bytes_of(whole / "alone")


@pytest.mark.slow
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_driver_killed_leaves_nobody_and_goes_on_to_the_same_bytes(
    whole: Path, blow: signal.Signals
) -> None:
    results = whole / f"driver-{blow.name}"
    process = started(whole / "c.yaml", results, some_summaries, *PROCESSES)
    below = children(process.pid)
    assert len(workers_of(process.pid)) == 2
    process.send_signal(blow)
    _, err = process.communicate()

    if blow == signal.SIGINT:
        assert process.returncode == 130
        check_interrupted(err, "lead1-bart")
    assert gone(below)
    again = subprocess.run(
        [*command(whole / "c.yaml", results, *PROCESSES), "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    stored = sum(run["timing"]["summaries"]["stored"] for run in json.loads(again.stdout))
    assert 0 < stored < 120
    assert bytes_of(results) == bytes_of(whole / "alone")


def test_ledger_holds_each_key_once_after_a_death(tmp_path: Path) -> None:
    summarizing, _ = filled(tmp_path, ["once a", "b", "c", "d"], n=1)
    ledger = Ledger(tmp_path / "store" / "summaries", summarizing.signature)

    assert len(ledger) == 4
    assert ledger.path.read_bytes().count(b'"key"') == 4


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")  # on some processors a second one changes the last digits
def test_network_scores_the_same_bytes_in_processes_and_in_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neural import official_summac

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    models = official_summac.models(tmp_path)
    nli = {"name": "nli", "model": str(models["mnli"]), "device": "cpu", "batch_tokens": 4096}
    path = written(tmp_path, 600, checks=["numbers", nli])
    evalharness.run(path, results=tmp_path / "alone")

    evalharness.run(path, results=tmp_path / "r", executor="processes", workers=2)
    parts = [
        shards.run_shard(path, f"{n}/3", results=tmp_path / "s")
        for _ in range(2)
        for n in (1, 2, 3)
    ]
    merged = evalharness.run(path, results=tmp_path / "s")

    assert bytes_of(tmp_path / "r") == bytes_of(tmp_path / "alone")
    assert bytes_of(tmp_path / "s") == bytes_of(tmp_path / "alone")
    assert [part.waiting > 0 for part in parts[:3]] == [True, True, False]
    assert [part.waiting for part in parts[3:]] == [0, 0, 0]
    assert sum(timing(run)[1]["nli"]["computed"] for run in merged) == 0
