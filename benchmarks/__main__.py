"""Measures us beside others, and writes the table that the docs show.

    python -m venv .peers && .peers/bin/pip install -r benchmarks/requirements.txt
    python -m benchmarks --peers .peers/bin/python

Each comparison is taken in turns, in processes of their own that know nothing yet, one thread each;
the figures are ratios of the processor's time, which other programs disturb less than the clock.
What is not installed is listed as not measured. `--only rouge` measures a part again and keeps the
rest: all that was measured is in `measured.json` beside this file, and the page is made of it.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import generating, harness, neural, real, rouge, scale, scoring, table
from .table import REPOSITORY, Row

MEASURED = Path(__file__).parent / "measured.json"
PAGE = REPOSITORY / "docs" / "benchmarks.md"
ARTICLES = REPOSITORY / "configs" / "quickstart" / "articles.jsonl"

HEAD = """\
# Benchmarks

How quick we are beside others. `python -m benchmarks` measures all of it again and writes this
page; how to install the others stands at the head of `benchmarks/__main__.py`.

A figure says how many times the processor's time the other one takes: the median of {rounds}
rounds taken in turns, and in brackets the least and the greatest. Every measurement is a process of
its own that has scored nothing before (a cold pass), on one thread. Times of importing and loading
are left out, but for whole runs. A figure below 1 is a comparison that we lose.

The others run in an environment of their own, under transformers 4.46, since bert-score reads no
tokenizer of transformers 5: where a network runs, some of a ratio is between these two.
"""


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    peers: str
    articles: list[str]
    folder: Path
    rounds: int
    share: float
    sizes: list[int]


def _rouge(asked: Asked) -> list[Row]:
    return rouge.rows(asked.articles, asked.peers, asked.folder, asked.rounds, asked.share)


def _scoring(asked: Asked) -> list[Row]:
    return scoring.rows(asked.articles, asked.peers, asked.folder, asked.rounds, asked.share)


def _neural(asked: Asked) -> list[Row]:
    return neural.rows(asked.peers, asked.folder, asked.rounds, asked.share)


def _harness(asked: Asked) -> list[Row]:
    return harness.rows(asked.peers, asked.folder, asked.rounds)


def _generation(asked: Asked) -> list[Row]:
    return generating.rows(asked.folder, min(asked.rounds, 3), asked.share)


def _real(asked: Asked) -> list[Row]:
    return real.rows(asked.folder, min(asked.rounds, 3))


PARTS: Mapping[str, Callable[[Asked], list[Row]]] = {
    "rouge": _rouge,
    "scoring": _scoring,
    "neural": _neural,
    "harness": _harness,
    "generation": _generation,
    "real": _real,
}


def texts_of(path: Path) -> list[str]:
    """Return the articles of a JSON Lines file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["article"] for line in lines if line.strip()]


def measure(part: str, asked: Asked) -> dict[str, Any]:
    """Measure a part and return what is kept of it."""
    folder = asked.folder / part
    folder.mkdir()
    here = Asked(asked.peers, asked.articles, folder, asked.rounds, asked.share, asked.sizes)
    if part == "scale":
        taken = scale.measured(asked.sizes, ["rouge", "lexical"], folder)
        return {"machine": table.machine(), "taken": [each.record() for each in taken]}
    rows = PARTS[part](here)
    return {"machine": table.machine(), "rounds": asked.rounds, "rows": table.records(rows)}


def page(measured: Mapping[str, Any]) -> str:
    """Return the page of all that was measured."""
    parts = [measured[part] for part in PARTS if part in measured]
    rounds = sorted({part["rounds"] for part in parts})
    told = " or ".join(map(str, rounds)) if rounds else "some"
    lines = [HEAD.format(rounds=told)]
    machines = dict.fromkeys(part["machine"] for part in measured.values())
    lines += [f"Measured on {machine}." for machine in machines]
    notes = dict.fromkeys(part.get("note", "") for part in measured.values())
    lines += [note for note in notes if note]
    lines.append(table.markdown([row for part in parts for row in table.rows_of(part["rows"])]))
    if "scale" in measured:
        lines.append(scale.markdown([scale.Taken(**each) for each in measured["scale"]["taken"]]))
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Measure what is asked for, keep it, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peers", default=sys.executable, help="the Python that has the others")
    parser.add_argument("--data", type=Path, default=ARTICLES, help="JSON Lines with `article`")
    parser.add_argument("--only", nargs="+", choices=[*PARTS, "scale"], default=[*PARTS, "scale"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--share", type=float, default=1.0, help="of the pairs, for a quick look")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(scale.SIZES))
    parser.add_argument("--note", default="", help="a sentence for the page: what data, how busy")
    parser.add_argument("--page", action="store_true", help="only write the page again")
    given = parser.parse_args()
    measured = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.is_file() else {}
    with tempfile.TemporaryDirectory() as folder:
        asked = Asked(
            given.peers, texts_of(given.data), Path(folder), given.rounds, given.share, given.sizes
        )
        for part in [] if given.page else given.only:
            measured[part] = measure(part, asked) | {"note": given.note}
            text = json.dumps(measured, indent=1, ensure_ascii=False)
            MEASURED.write_text(text + "\n", encoding="utf-8")
    PAGE.write_text(page(measured), encoding="utf-8")
    print(f"written: {PAGE.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
