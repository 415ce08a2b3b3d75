"""What tests share: golden files, finished runs, the command line, Ctrl-C."""

import contextlib
import gc
import io
import json
import os
import re
import signal
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# How long a busy machine takes for an example says nothing of it.
hypothesis.settings.register_profile("evalharness", deadline=None)
hypothesis.settings.load_profile("evalharness")

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden"

# pytest-xdist: its workers share the processors. Threads beyond these spin as they wait for each
# other, which doubles what a network takes. torch reads it as it is imported, here and in what is
# started from here.
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
if _WORKERS:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // _WORKERS)))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden; then read the diff"
    )
    parser.addoption(
        "--quick", action="store_true", help="leave out files that take long: networks, whole runs"
    )


# The files that `--quick` leaves out: they load networks, open a browser, or start whole runs.
_LONG = """
    alignscore attacks bartscore batches benchmarks bertscore calibrated_runs causal centrality
    checkpoints cli clusters columns config configs copying docs endpoint endpoint_model executors
    extractive factcg faults files frozen_bytes fuzz gate gate_outputs generation hf hhem house hub
    installation judge laws lettucedetect linear logs long memory meta minicheck named
    narrow_tables neural neural_laws nli notebook old_results pace pace_workers packaging page_laws
    pages paired pairwise parts plan planting plots prompts quantized quickstart ray_nodes readme
    real reference remote report report_browser report_hostile report_table reproduce rerun rouge
    runner scored_names scores seq2seq settings shards show space spending store study_browser
    sweep sweep_runs table_of_runs tables temporary to_fetch trackers trainer types unfinished_runs
    unieval verify versions_of_scores view ways_in
"""


# Of the others, the tests that read a megabyte, load a network or install a package: seconds each.
_LONG_TESTS = re.compile(
    "megabyte|huge_text|hostile_page|keeps_one_article_at_a_time|network_beside|test_checkpoint_"
    "|plugin_is_found|plugin_that_does_not_load|votes.*page_show_people|all_words_of_real_articles"
)
# What imports torch at its top, which takes 5 s, for the few examples of its docstrings.
_TORCH = re.compile(
    r"^(?:import|from) (?:torch|transformers)\b|^from evalharness\.neural(?:\.network)? import",
    re.MULTILINE,
)


def pytest_configure(config: pytest.Config) -> None:
    """Leave out what imports torch where only the quick ones are asked for."""
    if config.getoption("--quick"):
        modules = (ROOT / "evalharness").rglob("*.py")
        heavy = [str(path) for path in modules if _TORCH.search(path.read_text(encoding="utf-8"))]
        config.option.ignore = [*(config.option.ignore or ()), *heavy]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the long files where only the quick ones are asked for."""
    is_long = collection_path.stem.removeprefix("test_") in _LONG.split()
    return True if is_long and config.getoption("--quick") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long tests where only the quick ones are asked for; give slow ones an hour.

    The limit of all others says that a test hangs. On a busy machine some slow ones take it whole.
    """
    if config.getoption("--quick"):
        items[:] = [item for item in items if not _LONG_TESTS.search(item.nodeid)]
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(3600))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let the collector rest meanwhile, and never look through what was imported and collected.

    Half a million objects, which stay to the end: a quarter of the time that collection took.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compute on the CPU; take Ctrl-C, also where a shell script started the tests; have no width.

    What is compared to a digit is compared on the CPU, also where there is a GPU: a batch of eight
    takes other kernels there than one article. `pytest -m gpu` leaves it in sight.

    Such a shell has them ignore it, and with them every process that a test starts and interrupts.
    pytest-xdist tells its workers the width of its own terminal, and messages would fold there.
    """
    if not re.search(r"(?<!not )\bgpu\b", session.config.option.markexpr):
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    os.environ.pop("COLUMNS", None)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def stop_drawer() -> Iterator[Callable[..., None]]:
    """Keep the process that draws from report to report; give what ends it.

    To start its engine takes 0.6 s of processor time, and hundreds of tests write a report. How it
    starts, fails and ends is tested with `own_drawer`, and by the commands that are started.
    """
    from evalharness.report.drawer import DRAWER, Drawer

    stop = Drawer.stop

    def keep(self: Drawer, *, at_once: bool = False) -> None:
        if self._ended or self._process is None or self._process.poll() is not None:
            stop(self, at_once=at_once)
        elif self._queue is not None:
            self._queue.shutdown(cancel_futures=at_once)
            self._queue = None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Drawer, "stop", keep)
        yield stop
    DRAWER.stop(at_once=True)


@pytest.fixture
def own_drawer(stop_drawer: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have no process that draws before the test nor after it, and end each as always."""
    from evalharness.report.drawer import DRAWER, Drawer

    stop_drawer(DRAWER, at_once=True)
    monkeypatch.setattr(Drawer, "stop", stop_drawer)
    yield
    stop_drawer(DRAWER, at_once=True)


@pytest.fixture
def float64() -> Iterator[None]:
    """Load and run networks in float64: no digit that is compared hangs on a processor."""
    from neural import double

    with double.arithmetic():
        yield


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Compute in one thread: small models lose more to a second than they gain."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, Any], None]:
    """Compare a value with a golden file; floats to 12 digits, all else exactly."""

    def compare(name: str, value: Any) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
        assert rounded(value) == rounded(json.loads(path.read_text()))

    return compare


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Done:
    """How a command ended, as `subprocess.CompletedProcess` says it."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run the command line in this process: `command("gate", a, b)`."""
    from evalharness.cli import main

    def run(*arguments: object) -> Done:
        monkeypatch.setattr("sys.argv", ["evalharness", *map(str, arguments)])
        out, err, code = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0
        return Done(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a finished run from scores: `make_run("a", {"m": [0.5, None]})` returns its folder."""
    from evalharness.records import Article, Summary
    from evalharness.stats.intervals import Interval
    from evalharness.store import samples
    from evalharness.store.aggregates import SampleBlock

    def make(
        name: str,
        scores: Mapping[str, Sequence[Any]],
        *,
        ids: Sequence[str] | None = None,
        texts: Sequence[str] | None = None,
        references: Sequence[Sequence[str]] | None = None,
        sources: Sequence[str] | None = None,
        extra: Sequence[Mapping[str, Any]] | None = None,
        summaries: Sequence[Summary] | None = None,
        defects: Mapping[str, Sequence[str]] | None = None,
        signature: str = "|version:1",
        folder: Path | None = None,
    ) -> Path:
        n = len(next(iter(scores.values())))
        ids = [f"a{i}" for i in range(n)] if ids is None else ids
        path = (folder or tmp_path) / name
        metrics = dict.fromkeys(scores, object())
        with samples.Writer(path, metrics, Interval(resamples=100), 0) as writer:
            block = SampleBlock(metrics)
            for i, key in enumerate(ids):
                text = texts[i] if texts else f"Article {key} says this and no more."
                article = Article(
                    key, text, tuple(references[i]) if references else ("It says this.",),
                    sources[i] if sources else "", extra[i] if extra else {},
                )  # fmt: skip
                summary = (
                    summaries[i] if summaries else Summary(key, f"Summary of {key} by {name}.")
                )
                found: Any = (defects or {}).get(key, ())
                block.add(article, summary, found, {m: _score(v[i]) for m, v in scores.items()})
            writer.extend(block)
            writer.finish(
                {"experiment": "test", "cell": name, "seed": 0,
                 "interval": {"level": 0.95, "resamples": 100}, "data": {"loader": "files"}},
                {"signatures": {"model": name, "metrics": {m: m + signature for m in scores}},
                 "provenance": {}, "timing": {"damaged": []}},
                f"name: {name}\n",
            )  # fmt: skip
        return path

    return make


def _score(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    return {"value": value, "note": "nothing to score"} if value is None else {"value": value}
