"""Generation beside a plain loop over `generate`: what `generation.py` measures, as rows."""

import json
import subprocess
from pathlib import Path
from typing import Any

from . import real, table
from .table import REPOSITORY, Row

SCRIPT = Path(__file__).parent / "generation.py"
GROUP = "Generation"
# What the script compares with a run, and whether its ratio is of our time to the other's.
BESIDE = {
    "overhead": ("a loop over the same batches", True),
    "batch 1": ("a loop of single articles", False),
    "data order": ("a loop of batches in the order of the data", False),
}


def rows(folder: Path, rounds: int, share: float) -> list[Row]:
    """Return what the script measures of small random models of three shapes."""
    found = folder / "generation.json"
    asked = ["--json", str(found), "--rounds", str(rounds)]
    if share < 1:
        asked += ["--articles", str(max(16, round(256 * share))), "--shapes", "t5", "llama"]
        asked += ["--beams", "1", "--only-overhead", "--new-tokens", "16"]
    elif (chat := real.folder_of_weights()).is_dir():
        asked += ["--real", str(chat)]
    command = [table.OURS, str(SCRIPT), *asked]
    done = subprocess.run(  # noqa: S603 - our own command
        command, capture_output=True, text=True, check=False, cwd=REPOSITORY
    )
    if done.returncode:
        said = (done.stderr.strip() or "ended without a word").splitlines()[-1][:120]
        return [Row(GROUP, "small random models", "a plain loop", not_measured=said)]
    measured = [_row(each) for each in json.loads(found.read_text(encoding="utf-8"))]
    for row in measured:
        print(f"{row.what}: {row.who} beside {row.peer}: {row.shown()} {row.note}", flush=True)
    return measured


def _row(told: dict[str, Any]) -> Row:
    name, _, size = told["ratio of"].partition(", ")
    peer, ours_first = BESIDE[name]
    ratios = [1 / ratio if ours_first else ratio for ratio in told["ratios"]]
    beams = "greedy" if told["beams"] == 1 else f"{told['beams']} beams"
    what = f"{told['shape']}, {beams}, {told['articles']} articles"
    peer = f"{peer}, {size} each" if size else peer
    note = f"{told['differ']} texts differ" if told["differ"] else "same texts"
    if "mean" in told:
        low, mean, high = told["mean"]
        note += f"; {mean:.3f} times the loop's (95 %: {low:.3f} to {high:.3f}): {told['goes to']}"
    return Row(GROUP, what, peer, ratios=tuple(ratios), note=note)
