"""Whole commands: what all cores gain, what the driver and the report take, and how soon `gate` is.

Each figure is a ratio within one round; the clock's where cores are compared, which wants a machine
that has nothing else to do, and else the processor's.
"""

import json
import os
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalharness.text import sentences

from . import scale, scoring, table
from .table import Row

GROUP = "Whole commands"
COMMAND = str(Path(__file__).parent / "peers" / "command.py")
PROCESS = str(Path(__file__).parent / "peers" / "process.py")
ARTICLES, FEW = 2_000, 20
# How often the gate is run in a round: it takes a tenth of a second or two.
TIMES = "5"
SYSTEMS = [{"name": "given"}, {"name": "lead", "label": "lead-3", "sentences": 3}]
# Sentences of a summary and of a reference of a news article, as in CNN/DailyMail.
SENTENCES = 3
Told = Mapping[str, Mapping[str, Any]]


def rows(texts: Sequence[str], folder: Path, rounds: int, share: float) -> list[Row]:
    """Measure runs, the report and the gate. texts: news articles of the usual length."""
    n = max(FEW, round(ARTICLES * share))
    short, few, usual = (folder / f"{name}.jsonl" for name in ("short", "few", "usual"))
    scale.write_articles(short, n)
    scale.write_articles(few, FEW)
    words = _write_usual(usual, texts, n)
    of_two = "{} × 2 systems, ROUGE and `lexical`"
    large = of_two.format(f"run of {n:,} articles")
    found = _cores(_sheet(short), large, rounds)
    found += _cores(_sheet(few), of_two.format(f"run of {FEW} articles"), rounds, large=False)
    of_words = f"run of {n:,} articles of {words:.0f} words"
    found += _cores(_sheet(usual), of_two.format(of_words), rounds)
    results = folder / "results"
    run = [table.OURS, "-m", "evalharness", "run", str(_sheet(short)), "--results", str(results)]
    try:
        table.process([table.OURS, PROCESS, "-", *run])
    except table.Failed as error:
        return [*found, Row(GROUP, "gate", "python -c pass", not_measured=str(error))]
    return [*found, *_gate(results / "running", n, rounds)]


def _write_usual(path: Path, texts: Sequence[str], n: int) -> float:
    """Write n articles made of these, no two alike, and return how many words one has.

    Each has a summary and a reference. Of more articles than there are texts, each further one is
    the first half of a text and the second half of another.
    """
    rng = random.Random(11)  # noqa: S311  which sentences go together
    split = [[" ".join(span.of(text).split()) for span in sentences(text)] for text in texts]
    n_words = 0
    with path.open("w", encoding="utf-8") as file:
        for number in range(n):
            lines = split[number % len(split)]
            if number >= len(split):
                other = rng.choice(split)
                lines = [*lines[: len(lines) // 2], *other[len(other) // 2 :]]
            lines = [*lines, f"The count was {rng.randrange(10**6)} in case {number}."]
            sides = [rng.sample(lines, min(SENTENCES, len(lines))) for _ in range(2)]
            row = {
                "id": f"article-{number}",
                "article": " ".join(lines),
                "summary": " ".join(scoring.with_gaps(sides[0], rng)),
                "reference": " ".join(sides[1]),
            }
            n_words += len(row["article"].split())
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return n_words / n


def _sheet(data: Path) -> Path:
    sheet = {
        "name": "running",
        "data": {"name": "files", "path": str(data)},
        "models": SYSTEMS,
        "metrics": ["rouge"],
        "checks": ["lexical"],
    }
    path = data.with_suffix(".json")
    path.write_text(json.dumps(sheet), encoding="utf-8")
    return path


def _cores(sheet: Path, what: str, rounds: int, *, large: bool = True) -> list[Row]:
    """Compare a run as it is by default with that of one process, and with its report."""
    ways: dict[str, list[str]] = {
        "auto": [],
        "one": ["--workers", "1"],
        "bare": ["--workers", "1", "--no-report"],
    }
    commands = {
        name: [table.OURS, COMMAND, "run", str(sheet), "--results", "RESULTS", *options]
        for name, options in ways.items()
        if large or name != "bare"
    }
    return _compared(commands, rounds, _comparisons(what, large))


Ratio = Callable[[Told], float]


def _comparisons(what: str, large: bool) -> list[tuple[Row, Ratio]]:
    cores = os.cpu_count() or 1
    auto, one = f"as it is by default, {cores} cores", "`--workers 1`"
    clock = Row(GROUP, f"{what}, by the clock", one, auto)
    found: list[tuple[Row, Ratio]] = [(clock, lambda of: of["one"]["wall"] / of["auto"]["wall"])]
    if not large:
        return found
    return [
        *found,
        (
            Row(GROUP, f"{what}, processor", one, auto, less=True),
            lambda of: of["auto"]["seconds"] / of["one"]["seconds"],
        ),
        (
            Row(GROUP, f"{what}: the driver", "the whole run", "the driver's share", less=True),
            lambda of: of["auto"]["driver"] / of["auto"]["seconds"],
        ),
        (
            Row(GROUP, f"{what}: the report", "the whole run", "the report's share", less=True),
            lambda of: 1 - of["bare"]["seconds"] / of["one"]["seconds"],
        ),
    ]


def _gate(runs: Path, n: int, rounds: int) -> list[Row]:
    """Compare the gate, and importing it, with a Python that does nothing."""
    commands = {
        "gate": ["-m", "evalharness", "gate", str(runs / "given"), str(runs / "lead-3")],
        "import": ["-c", "from evalharness import gate; gate"],
        "pass": ["-c", "pass"],
    }
    commands = {
        name: [table.OURS, PROCESS, "-", "--may-fail", "--times", TIMES, table.OURS, *options]
        for name, options in commands.items()
    }
    nothing = "`python -c pass`"
    gate = Row(GROUP, f"two runs of {n:,} articles", nothing, "`gate`", less=True)
    imported = Row(GROUP, "importing it", nothing, "`import gate`", less=True)
    return _compared(
        commands,
        rounds,
        [
            (gate, lambda of: of["gate"]["seconds"] / of["pass"]["seconds"]),
            (imported, lambda of: of["import"]["seconds"] / of["pass"]["seconds"]),
        ],
    )


def _compared(
    commands: Mapping[str, Sequence[str]], rounds: int, compared: Sequence[tuple[Row, Ratio]]
) -> list[Row]:
    """Run commands in turns; return the rows with their ratios."""
    ratios: list[list[float]] = [[] for _ in compared]
    try:
        for number in range(rounds):
            told = table.taken_in_turns(commands, number)
            for of_row, (_, ratio) in zip(ratios, compared, strict=True):
                of_row.append(ratio(told))
    except table.Failed as error:
        return [table.changed(row, not_measured=str(error)) for row, _ in compared]
    found = [
        table.changed(row, ratios=tuple(of_row))
        for (row, _), of_row in zip(compared, ratios, strict=True)
    ]
    for row in found:
        print(f"{row.what}: {row.who} beside {row.peer}: {row.shown()}", flush=True)
    return found
