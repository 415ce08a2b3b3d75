"""Measures us beside others, and writes the table that the docs show.

    python -m venv .peers && .peers/bin/pip install -r benchmarks/requirements.txt
    python -m benchmarks --peers .peers/bin/python

Each comparison is taken in turns, in processes of their own that know nothing yet, one thread each;
the figures are ratios of the processor's time, which other programs disturb less than the clock.
What is not installed is listed as not measured. `python -m benchmarks rouge` measures a part again
and keeps the rest: all that was measured is in `measured.json` beside this file, and the page is
made of it. `--quick` measures four parts, in about five minutes on two cores that are free, mostly
in one round; it writes nothing, and prints which figures are more than a fifth below the page's:
advice, which fails nothing.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import generating, harness, neural, real, rouge, running, scale, scoring, table
from .table import REPOSITORY, Row

MEASURED = Path(__file__).parent / "measured.json"
PAGE = REPOSITORY / "docs" / "benchmarks.md"
ARTICLES = REPOSITORY / "configs" / "quickstart" / "articles.jsonl"

HEAD = """\
# Benchmarks

How fast evalharness is, compared with other packages. `python -m benchmarks` measures everything
again and writes this page. The head of `benchmarks/__main__.py` says how to install the others.

**How to read a figure.** 11.4× means: the package in the column "beside" needs 11.4 times the
processor time of the one in the column "who" for the same work. Above 1 the package in "who" is
faster, below 1 it is slower. The figure is the median of {rounds} rounds; in brackets are the
smallest and the largest. A figure without × is a share or a cost: smaller is better. A figure that
is not bold compares different work, as its note says.

**How it was measured.** Each measurement is a new process with one thread, and nothing is cached.
The packages take turns. Time to import and to load is left out, except in "A whole run" and "A real
model". The other packages have an environment of their own with transformers 4.46, because
bert-score cannot read the tokenizers of transformers 5. Where a network runs, part of a ratio comes
from that difference.
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
    return generating.rows(asked.folder, asked.rounds, asked.share)


def _running(asked: Asked) -> list[Row]:
    return running.rows(asked.articles, asked.folder, asked.rounds, asked.share)


def _real(asked: Asked) -> list[Row]:
    return real.rows(asked.folder, min(asked.rounds, 3))


PARTS: Mapping[str, Callable[[Asked], list[Row]]] = {
    "rouge": _rouge,
    "scoring": _scoring,
    "neural": _neural,
    "harness": _harness,
    "running": _running,
    "generation": _generation,
    "real": _real,
}

EVERY = (*PARTS, "scale")
# What `--quick` measures: of each part so many rounds and such a share. Of fewer pairs or articles
# most figures would be others: what a process does once would count for more.
QUICK: Mapping[str, tuple[int, float]] = {
    "rouge": (1, 1.0),
    "scoring": (1, 1.0),
    "running": (1, 1.0),
    "generation": (2, 0.1),
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
    lines += [f"* {line}" for line in _machines(measured)] + [""]
    notes = dict.fromkeys(part.get("note", "") for part in measured.values())
    lines += [note for note in notes if note]
    lines.append(table.markdown([row for part in parts for row in table.rows_of(part["rows"])]))
    if "scale" in measured:
        lines.append(scale.markdown([scale.Taken(**each) for each in measured["scale"]["taken"]]))
    return "\n".join(lines).rstrip() + "\n"


def _machines(measured: Mapping[str, Any]) -> Iterator[str]:
    """Yield each machine once, after the tables that were measured on it."""
    tables: dict[str, list[str]] = {}
    for name in EVERY:
        if name in measured:
            groups = [row["group"] for row in measured[name].get("rows", [])] or ["Growth"]
            tables.setdefault(measured[name]["machine"], []).extend(dict.fromkeys(groups))
    for machine, names in tables.items():
        yield f"{', '.join(names)}: {machine}."


def short_falls(rows: Iterable[Row], kept: Iterable[Row]) -> list[str]:
    """Return a line for each figure that is over a fifth worse than the one that was kept of it.

    Rows are of the same thing where they differ in numbers and versions alone, and come in the same
    order.
    """
    there = dict(_named(kept))
    return [
        f"{row.what}: {row.who} beside {row.peer}: {row.shown()}, on the page {there[name].shown()}"
        for name, row in _named(rows)
        if name in there and row.falls_short_of(there[name])
    ]


def _named(rows: Iterable[Row]) -> Iterator[tuple[tuple[str, int], Row]]:
    """Yield rows with what names them whatever their numbers are."""
    seen: Counter[str] = Counter()
    for row in rows:
        if row.ratios:
            name = re.sub(r"[\d.,]+", "", f"{row.group}|{row.what}|{row.who}|{row.peer}")
            seen[name] += 1
            yield (name, seen[name]), row


def advise(asked: Asked, measured: Mapping[str, Any]) -> None:
    """Measure a little, and print what is slower than the page has it."""
    lines: list[str] = []
    for part, (rounds, share) in QUICK.items():
        kept = table.rows_of(measured.get(part, {}).get("rows", []))
        began = time.perf_counter()
        now = table.rows_of(measure(part, replace(asked, rounds=rounds, share=share))["rows"])
        print(f"{part}: {len(now)} figures in {time.perf_counter() - began:.0f} s", flush=True)
        lines += short_falls(now, kept)
    print("\nMore than a fifth below docs/benchmarks.md:" if lines else "\nNothing is slower.")
    print("".join(f"  {line}\n" for line in lines), end="")


def main() -> None:
    """Measure what is asked for, keep it, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peers", default=sys.executable, help="the Python that has the others")
    parser.add_argument("--data", type=Path, default=ARTICLES, help="JSON Lines with `article`")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(EVERY)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--share", type=float, default=1.0, help="of the pairs, for a quick look")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(scale.SIZES))
    parser.add_argument("--note", default="", help="a sentence for the page: what data, how busy")
    parser.add_argument("--quick", action="store_true", help="a little of it, as advice")
    parser.add_argument("--page", action="store_true", help="only write the page again")
    given = parser.parse_args()
    if unknown := sorted(set(given.parts) - set(EVERY)):
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(EVERY)}")
    measured = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.is_file() else {}
    with tempfile.TemporaryDirectory() as folder:
        asked = Asked(
            given.peers, texts_of(given.data), Path(folder), given.rounds, given.share, given.sizes
        )
        if given.quick:
            advise(asked, measured)
            return
        for part in [] if given.page else given.parts or EVERY:
            measured[part] = measure(part, asked) | {"note": given.note}
            text = json.dumps(measured, indent=1, ensure_ascii=False)
            MEASURED.write_text(text + "\n", encoding="utf-8")
    PAGE.write_text(page(measured), encoding="utf-8")
    print(f"written: {PAGE.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
