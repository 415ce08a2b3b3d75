"""Paired statistics, `gate` and `compare` beside what one would write or call otherwise.

    python -m benchmarks.comparing [--articles 11490] [--runs 20] [--rounds 3]

Prints ratios of processor time within this run, the lowest of some rounds, each round with both
sides one after the other; and peak memory. Nothing is downloaded: the scores are drawn, the texts
are sentences of drawn words, as long as news.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402 - the threads are set before

from evalharness.records import Article, Summary  # noqa: E402
from evalharness.stats import paired  # noqa: E402
from evalharness.stats.intervals import Interval, Values  # noqa: E402
from evalharness.store import samples  # noqa: E402

METRICS = 10
RESAMPLES = 10_000
# Of the naive loops only so many resamples are run, and their time is multiplied.
SAMPLED = 200


def main() -> None:
    """Run all of it and print a line for each."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--articles", type=int, default=11_490)
    options.add_argument("--runs", type=int, default=20)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    print(f"{given.articles} articles, {METRICS} metrics, {RESAMPLES} resamples, one thread")
    statistics(given.articles, given.rounds)
    with tempfile.TemporaryDirectory() as folder:
        runs = write_runs(Path(folder), given.articles, given.runs)
        commands(runs, given.rounds)


def statistics(articles: int, rounds: int) -> None:
    """Compare the resampling with loops over resamples and metrics in numpy."""
    differences = np.random.default_rng(0).normal(0, 0.1, size=(articles, METRICS))
    factor = RESAMPLES / SAMPLED
    for name, ours, naive in (
        ("paired bootstrap", paired.bootstrap_differences, naive_bootstrap),
        ("sign flips", paired.sign_flips, naive_flips),
    ):
        times = [
            (cpu(lambda f=ours: f(differences, 0, RESAMPLES)), cpu(lambda f=naive: f(differences)))
            for _ in range(rounds)
        ]
        quick, slow = (min(column) for column in zip(*times, strict=True))
        print(f"{name}: {slow * factor / quick:.1f}x a numpy loop ({quick:.2f} s)")
    code = (
        "import numpy as np; from evalharness.stats import paired; "
        f"d = np.random.default_rng(0).normal(0, 0.1, size=({articles}, {METRICS})); "
        f"paired.bootstrap_differences(d, 0, {RESAMPLES}); paired.sign_flips(d, 0, {RESAMPLES})"
    )
    _, memory = process([sys.executable, "-c", code])
    print(f"both in a process: {memory:.0f} MB at the peak")


def naive_bootstrap(differences: Values) -> None:
    """Resample each metric by itself, as one writes it down."""
    rng = np.random.default_rng(0)
    n = len(differences)
    for column in np.ascontiguousarray(differences.T):
        for _ in range(SAMPLED):
            column[rng.integers(n, size=n)].mean()


def naive_flips(differences: Values) -> None:
    """Flip the signs of each metric by itself."""
    rng = np.random.default_rng(0)
    n = len(differences)
    for column in np.ascontiguousarray(differences.T):
        for _ in range(SAMPLED):
            (rng.choice([-1.0, 1.0], size=n) * column).mean()


def commands(runs: list[Path], rounds: int) -> None:
    """Compare whole processes: what the commands do beside only reading the same runs."""
    first, second = (run / samples.SAMPLES for run in runs[:2])
    pandas = (
        f"import pandas; [pandas.read_json(p, lines=True) for p in {[str(first), str(second)]}]"
    )
    gate = "import sys; sys.argv[0] = 'evalharness'; from evalharness.cli import main; main()"
    beside(
        "gate of two runs", [sys.executable, "-c", gate, "gate", *map(str, runs[:2])],
        "pandas.read_json of both", [sys.executable, "-c", pandas], rounds,
    )  # fmt: skip
    read = (
        "import json, sys\n"
        "for path in sys.argv[1:]:\n"
        "    rows = [json.loads(line) for line in open(path, encoding='utf-8')]"
    )
    every = [str(run / samples.SAMPLES) for run in runs]
    beside(
        f"compare of {len(runs)} runs", [sys.executable, "-c", gate, "compare", *map(str, runs)],
        "reading their JSON Lines with json", [sys.executable, "-c", read, *every], 1,
    )  # fmt: skip
    code = (
        "import sys; from evalharness import gate; gate(*sys.argv[1:]); "
        "print([m for m in ('torch', 'transformers', 'datasets', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", code, *map(str, runs[:2])],
        capture_output=True,
        text=True,
        check=True,
    )
    print(f"heavy modules that gate imports: {done.stdout.strip()}")


def beside(name: str, ours: list[str], other: str, theirs: list[str], rounds: int) -> None:
    """Print how many times quicker one process is than the other."""
    times = [(process(ours), process(theirs)) for _ in range(rounds)]
    quick, slow = (min(side[0] for side in column) for column in zip(*times, strict=True))
    memory = max(side[0][1] for side in times)
    print(f"{name}: {slow / quick:.1f}x as quick as {other} ({quick:.2f} s, {memory:.0f} MB)")


def process(command: list[str]) -> tuple[float, float]:
    """Return the processor seconds and the peak memory in MB of a process of its own."""
    code = (
        "import resource, subprocess, sys; r = subprocess.run(sys.argv[1:], stdout=-3); "
        "u = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(u.ru_utime + u.ru_stime, u.ru_maxrss / 1024, r.returncode)"
    )
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", code, *command], capture_output=True, text=True, check=True
    )
    seconds, memory, returned = done.stdout.split()
    if returned not in ("0", "1", "3"):
        raise SystemExit(f"{command}: ended with {returned}: {done.stderr}")
    return float(seconds), float(memory)


def cpu(call: Callable[[], object]) -> float:
    """Return the processor seconds of a call."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def write_runs(folder: Path, articles: int, n: int) -> list[Path]:
    """Write runs as a real one does, with texts as long as news."""
    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(5000)])
    texts = [" ".join(words[rng.integers(5000, size=350)]) for _ in range(articles)]
    worth = rng.beta(3, 5, size=(articles, 1))
    paths = []
    for run in range(n):
        scores = worth + rng.normal(run / 2000, 0.1, size=(articles, METRICS))
        paths.append(folder / f"run{run:02}")
        write_run(paths[-1], texts, scores)
    return paths


def write_run(path: Path, texts: list[str], scores: Values) -> None:
    """Write one run's folder, each line with what a run writes of ROUGE and of a check."""
    metrics: dict[str, object] = {"rouge": object(), "lexical": object()}
    with samples.Writer(path, metrics, Interval(resamples=100), 0, columns_from=None) as writer:
        for i, (text, row) in enumerate(zip(texts, scores.tolist(), strict=True)):
            article = Article(f"article-{i:06}", text, (text[:300],))
            summary = Summary(article.id, text[i % 50 : i % 50 + 350])
            writer.add(article, summary, (), {"rouge": rouge(row), "lexical": lexical(row)})
        signatures = {"model": path.name, "metrics": {"rouge": "rouge|", "lexical": "lexical|"}}
        writer.finish(
            {"experiment": "bench", "cell": path.name, "seed": 0,
             "interval": {"level": 0.95, "resamples": 100}, "data": {"loader": "files"}},
            {"signatures": signatures, "timing": {"damaged": []}},
            json.dumps({"name": path.name}),
        )  # fmt: skip


def rouge(row: list[float]) -> dict[str, Any]:
    """Return the record of ROUGE: four types with precision and recall."""
    types = dict(zip(("rouge1", "rouge2", "rougeL", "rougeLsum"), row, strict=False))
    sides = {f"{name}.{side}": v for name, v in types.items() for side in ("precision", "recall")}
    return {"value": row[2], "parts": types | sides}


def lexical(row: list[float]) -> dict[str, Any]:
    """Return the record of a check: six parts, three sentences with evidence."""
    sentences = [
        {"start": n * 100, "end": n * 100 + 90, "value": row[4 + n],
         "evidence": [{"start": n * 300, "end": n * 300 + 120}]}
        for n in range(3)
    ]  # fmt: skip
    return {
        "value": row[4],
        "parts": {f"part{n}": v for n, v in enumerate(row[4:])},
        "sentences": sentences,
    }


if __name__ == "__main__":
    main()
    print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
