"""What SmolLM2 writes of the quickstart's 24 articles: two prompts, each greedy and drawn.

`PYTHONPATH=tests python -m real.summaries SYSTEM... > configs/quickstart/smollm2.jsonl` makes them
again; what they are, and under which licence, stands in `configs/quickstart/smollm2.md`.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import evalharness
from real import get

QUICKSTART = Path(__file__).parents[2] / "configs" / "quickstart"
_DRAWN = {"do_sample": True, "temperature": 0.7, "top_p": 0.9}
_BEFORE = {"user": "Summarize this news story in two sentences.\n\n{article}"}
SYSTEMS: dict[str, dict[str, Any]] = {
    "after-greedy": {},
    "after-drawn": _DRAWN,
    "before-greedy": _BEFORE,
    "before-drawn": _BEFORE | _DRAWN,
}


def written(
    model: Path, systems: Sequence[str], limit: int | None = None, results: Path | None = None
) -> Iterator[dict[str, Any]]:
    """Yield what each system writes of each article."""
    named = [
        {"name": "causal", "label": system, "model": str(model), **SYSTEMS[system]}
        for system in systems
    ]
    config = {
        "name": "smollm2",
        "data": {"name": "files", "path": str(QUICKSTART / "articles.jsonl")},
        "models": named,
        "generation": {"max_new_tokens": 96, "dtype": "float32", "batch_size": 8},
        "metrics": ["rouge"],
        "seed": 13,
    }
    with tempfile.TemporaryDirectory() as folder:
        runs = evalharness.run(config, results=results or folder, limit=limit)
        for system, run in zip(systems, runs, strict=True):
            for line in (run.folder / "samples.jsonl").read_text().splitlines():
                sample = json.loads(line)
                summary = sample["summary"]
                told = {name: summary[name] for name in ("text", "finish", "tokens")}
                yield {"id": sample["id"], "system": system, **told}


if __name__ == "__main__":
    for row in written(get().chat, sys.argv[1:] or list(SYSTEMS)):
        print(json.dumps(row, ensure_ascii=False))
