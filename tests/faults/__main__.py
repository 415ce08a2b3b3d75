"""Let faults strike whole runs, and say what went wrong: nothing, it is hoped."""

import argparse
import importlib
import itertools
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from evalharness.report import drawer
from faults.trial import ALL_KINDS, Bench, Tally

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "configs" / "quickstart"
EXTRACTIVE = """
name: struck
data: {name: files, path: articles.jsonl}
models: [lead, {name: random, sentences: 2}, textrank]
metrics: [rouge]
checks: [lexical]
interval: {resamples: 100}
"""
NEURAL = """
name: struck
data: {name: files, path: articles.jsonl}
models: [{name: seq2seq, model: BART, batch_size: 2, max_new_tokens: 8}, lead]
metrics: [rouge]
checks: [lexical]
interval: {resamples: 100}
"""


def bench(folder: Path, text: str, articles: int) -> Bench:
    """Write a config and its data, and run it undisturbed."""
    folder.mkdir()
    lines = (QUICKSTART / "articles.jsonl").read_text().splitlines()
    rows = [json.loads(lines[n % len(lines)]) for n in range(articles)]
    for n, row in enumerate(rows):
        row["id"], row["article"] = f"a{n}", f"Story {n}. {row['article'][:600]}"
    (folder / "articles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = folder / "struck.yaml"
    config.write_text(text.replace("BART", json.dumps(str(QUICKSTART / "lead1-bart"))))
    return Bench(folder, config)


def _imported(more: list[str]) -> None:
    """Import once what every process would."""
    often = "cli cli.run cli.progress runner.run runner.shards report.table metrics.rouge "
    often += "checks.lexical.lexical models.extractive models.centrality loaders.files report.page"
    often += " comparison.comparison stats.paired stats.blockwise executors.auto"
    others = ["pyarrow.parquet", "yaml", "jinja2", "numpy.random", "numpy.ma"]
    for name in [*(f"evalharness.{name}" for name in often.split()), *others, *more]:
        importlib.import_module(name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200, help="trials, of one or two faults each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--neural", type=int, default=0, help="so many of them with a tiny BART")
    parser.add_argument("--columns", action="store_true", help="texts in columns, as of large runs")
    parser.add_argument("--no-plots", action="store_true", help="no figure is drawn: quicker")
    given = parser.parse_args()
    form = "samples: columns\n" if given.columns else ""
    _imported(
        ["torch", "transformers", "evalharness.models.seq2seq", "evalharness.models.engine"]
        if given.neural
        else []
    )
    importlib.import_module("evalharness.store.columns")
    if given.no_plots:
        vars(drawer)["find_spec"] = lambda *_: None  # as where the library is missing
    began, tally, rng = time.monotonic(), Tally(), random.Random(given.seed)
    told, memory = 0, Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as scratch:
        benches = [bench(Path(scratch) / "extractive", EXTRACTIVE + form, 20)] * (
            given.cases - given.neural
        )
        if given.neural:
            benches += [bench(Path(scratch) / "neural", NEURAL + form, 9)] * given.neural
        kinds = list(itertools.islice(itertools.cycle(ALL_KINDS), given.cases))
        rng.shuffle(kinds)
        for one, kind in zip(benches, kinds, strict=True):
            one.trial(kind, rng, tally)
            for wrong in tally.wrong[told:]:
                print(wrong, file=sys.stderr, flush=True)
            told = len(tally.wrong)
    report = {
        "trials": tally.trials,
        "struck": sum(tally.struck.values()),
        "by_kind": dict(sorted(tally.struck.items())),
        "codes": dict(sorted(tally.codes.items())),
        "seconds": round(time.monotonic() - began, 1),
        "wrong": tally.wrong,
    }
    print(json.dumps(report, indent=1))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
