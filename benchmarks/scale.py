"""How time and memory of a run grow with the number of its articles.

    python -m benchmarks.scale [--articles 3000 10000 30000 100000] [--metrics rouge lexical]

Each run is a process of its own: given summaries and lead-3, scored, from a file of short articles
to `run.json`. Prints for each the processor's seconds, the greatest memory of the process, the size
of what it wrote, and the slope of time against articles on logarithmic scales: 1 is linear. The
articles are made of the sentences of the quickstart's, each with numbers of its own.
"""

import argparse
import json
import math
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evalharness.text import sentences

ARTICLES = Path(__file__).parents[1] / "configs" / "quickstart" / "articles.jsonl"
SIZES = (3_000, 10_000, 30_000, 100_000)
SENTENCES = 4
# Articles from which on all buffers are full, and memory should stay.
ENOUGH = 10_000


@dataclass(frozen=True)
class Taken:
    """What a run took: processor and clock in seconds, memory and disk in MB."""

    articles: int
    processor: float
    clock: float
    memory: float
    disk: float
    metrics: str = "rouge, lexical"

    def record(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def write_articles(path: Path, n: int) -> None:
    """Write n articles of a few sentences, each with a summary and a reference."""
    rng = random.Random(7)  # noqa: S311  which sentences go together
    rows = [json.loads(line) for line in ARTICLES.read_text(encoding="utf-8").splitlines()]
    pool = [
        text
        for row in rows
        for span in sentences(row["article"])
        if 40 < len(text := " ".join(span.of(row["article"]).split())) < 160
    ]
    with path.open("w", encoding="utf-8") as file:
        for number in range(n):
            chosen = rng.sample(pool, SENTENCES)
            chosen[0] += f" The count was {rng.randrange(10**6)} in case {number}."
            words = rng.choice(chosen).split()
            del words[rng.randrange(len(words))]
            row = {
                "id": f"article-{number}",
                "article": " ".join(chosen),
                "summary": " ".join(words),
                "reference": f"{rng.choice(chosen)} {rng.choice(pool)}",
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def run(articles: Path, folder: Path, metrics: list[str]) -> Taken:
    """Run the config in a process of its own and return what it took."""
    sheet = {
        "name": "scale",
        "data": {"name": "files", "path": str(articles)},
        "models": [{"name": "given"}, {"name": "lead", "label": "lead-3", "sentences": 3}],
        "metrics": [name for name in metrics if name == "rouge"],
        "checks": [name for name in metrics if name != "rouge"],
    }
    code = (
        "import json, sys; from evalharness import run; "
        "print([r.record['counts']['articles'] for r in run(json.loads(sys.argv[1]), "
        "results=sys.argv[2])])"
    )
    began = time.perf_counter()
    child = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-c", code, json.dumps(sheet), str(folder)], stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"the run of {articles} ended with {child.returncode}")
    with articles.open("rb") as lines:
        n = sum(1 for _ in lines)
    return Taken(
        n,
        round(used.ru_utime + used.ru_stime, 2),
        round(time.perf_counter() - began, 2),
        round(used.ru_maxrss / 1024, 1),
        round(sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 2**20, 1),
        ", ".join(metrics),
    )


def slope(taken: list[Taken]) -> float:
    """Return the least-squares slope of time against articles, both as logarithms."""
    x = [math.log(each.articles) for each in taken]
    y = [math.log(each.processor) for each in taken]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    rises = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True))
    return rises / sum((a - middle_x) ** 2 for a in x)


def measured(sizes: list[int], metrics: list[str], folder: Path) -> list[Taken]:
    """Return what runs of these sizes took, the smallest first."""
    found = []
    for n in sorted(sizes):
        articles, results = folder / f"{n}.jsonl", folder / f"results-{n}"
        write_articles(articles, n)
        found.append(run(articles, results, metrics))
        articles.unlink()
        shutil.rmtree(results)
        print(json.dumps(found[-1].record()), flush=True)
    return found


def markdown(taken: list[Taken]) -> str:
    """Return the table of what runs took."""
    lines = [
        "\n## Growth\n",
        "A run of two systems (given summaries and lead-3) from a file of short articles to both "
        "`run.json`, in one process on one core.\n",
        "| articles | scored with | processor, s | an article, ms | memory, MB | written, MB |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.articles:,} | {each.metrics} | {each.processor:,.0f} | "
        f"{1000 * each.processor / each.articles:.2f} | {each.memory:.0f} | {each.disk:,.0f} |"
        for each in taken
    ]
    for metrics in dict.fromkeys(each.metrics for each in taken):
        same = [each for each in taken if each.metrics == metrics]
        if len(same) > 2:
            first = next((each for each in same if each.articles >= ENOUGH), same[0])
            lines.append(
                f"\nWith {metrics}, time grows as articles to the power {slope(same):.2f}; memory "
                f"at {same[-1].articles:,} is {same[-1].memory / first.memory:.2f} times that at "
                f"{first.articles:,}."
            )
    return "\n".join(lines)


def main() -> None:
    """Measure runs of growing size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--metrics", nargs="+", default=["rouge", "lexical"])
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder else")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        taken = measured(asked.articles, asked.metrics, Path(folder))
    if len(taken) > 1:
        print(f"slope {slope(taken):.3f}; memory {taken[-1].memory / taken[0].memory:.2f} times")
    print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
