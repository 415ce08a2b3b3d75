"""Whole commands: what all cores gain, what the driver and the report take, and how soon `gate` is.

Each figure is a ratio within one round; the clock's where cores are compared, which wants a machine
that has nothing else to do, and else the processor's.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import scale, table
from .table import Row

GROUP = "Whole commands"
COMMAND = str(Path(__file__).parent / "peers" / "command.py")
PROCESS = str(Path(__file__).parent / "peers" / "process.py")
ARTICLES, FEW = 2_000, 20
# How often the gate is run in a round: it takes a tenth of a second or two.
TIMES = "5"
SYSTEMS = [{"name": "given"}, {"name": "lead", "label": "lead-3", "sentences": 3}]
Told = Mapping[str, Mapping[str, Any]]


def rows(folder: Path, rounds: int, share: float) -> list[Row]:
    """Measure runs, the report and the gate."""
    n = max(FEW, round(ARTICLES * share))
    sheets = [_sheet(folder, count) for count in (n, FEW)]
    found = _cores(sheets, (n, FEW), rounds)
    results = folder / "results"
    run = [table.OURS, "-m", "evalharness", "run", str(sheets[0]), "--results", str(results)]
    try:
        table.process([table.OURS, PROCESS, "-", *run])
    except table.Failed as error:
        return [*found, Row(GROUP, "gate", "python -c pass", not_measured=str(error))]
    return [*found, *_gate(results / "running", n, rounds)]


def _sheet(folder: Path, articles: int) -> Path:
    data = folder / f"{articles}.jsonl"
    scale.write_articles(data, articles)
    sheet = {
        "name": "running",
        "data": {"name": "files", "path": str(data)},
        "models": SYSTEMS,
        "metrics": ["rouge"],
        "checks": ["lexical"],
    }
    path = folder / f"{articles}.json"
    path.write_text(json.dumps(sheet), encoding="utf-8")
    return path


def _cores(sheets: Sequence[Path], sizes: Sequence[int], rounds: int) -> list[Row]:
    """Compare runs as they are by default with those of one process, and with their reports."""
    what = "run of {:,} articles × 2 systems, ROUGE and `lexical`"
    found = []
    for sheet, n in zip(sheets, sizes, strict=True):
        ways: dict[str, list[str]] = {
            "auto": [],
            "one": ["--workers", "1"],
            "bare": ["--workers", "1", "--no-report"],
        }
        commands = {
            name: [table.OURS, COMMAND, "run", str(sheet), "--results", "RESULTS", *options]
            for name, options in ways.items()
        }
        found += _compared(commands, rounds, _comparisons(what.format(n), n == max(sizes)))
    return found


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
