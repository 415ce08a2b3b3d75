"""The table that a terminal shows at the end of a run."""

from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from evalharness.config.registry import is_share, scorer_row
from evalharness.files.untrusted import visible

if TYPE_CHECKING:
    from rich.table import Table

# Wide enough for any table where the output is no terminal.
_FILE_WIDTH = 200

NOTICE = "AI generated summaries may have errors. For context, always refer to the full article."


def show_runs(records: Sequence[Mapping[str, Any]], out: IO[str]) -> None:
    """Print a table of runs, given as their `run.json` hold them, and what to know of it."""
    from rich.console import Console

    console = Console(file=out, highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console = Console(file=out, highlight=False, width=_FILE_WIDTH, no_color=True)
    table = _table(records, spread=True)
    unbounded = console.options.update(max_width=10_000)
    if console.measure(table, options=unbounded).maximum > console.width:
        table = _table(records, spread=False)  # a narrow terminal: the means matter more
    console.print(table)
    for line in _notes(records):
        console.print(visible(line), markup=False, soft_wrap=True)


def _table(records: Sequence[Mapping[str, Any]], spread: bool) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=not spread)
    table.add_column("system", no_wrap=True)
    for heading in ("n", "answered", "words"):
        table.add_column(heading, justify="right", no_wrap=True)
    columns = columns_of(records)
    for heading in headings(columns, spread):
        table.add_column(Text(heading), justify="right", no_wrap=True)
    for record in records:
        outputs = record["outputs"]
        table.add_row(
            Text(record["cell"]),
            str(record["counts"]["summarized"]),
            _percent(outputs["answer_rate"]),
            _number(outputs["mean_words"], 0),
            *(_figure(record, label, part, spread) for label, part in columns),
        )
    return table


def columns_of(records: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return metric and part of each column: a metric's known parts, else its value."""
    metrics: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        for label, metric in record["metrics"].items():
            metrics.setdefault(label, []).append(metric)
    signatures: dict[str, str] = {}
    for record in reversed(records):
        signatures |= record["signatures"]["metrics"]
    columns = []
    for label, found in metrics.items():
        kind = signatures.get(label, label).partition("|")[0]
        shown = [p for p in scorer_row(kind).shown if any(p in m["parts"] for m in found)]
        columns += [(label, part) for part in shown or [""]]
    return columns


def headings(columns: Sequence[tuple[str, str]], spread: bool) -> list[str]:
    """Name columns by their part, and by their metric too where that alone would not tell."""
    parts = [part or label for label, part in columns]
    found = [
        f"{label} {part}" if part and parts.count(part) > 1 else part or label
        for label, part in columns
    ]
    return found if spread else [heading.replace("rouge", "R") for heading in found]


def _figure(record: Mapping[str, Any], label: str, part: str, spread: bool) -> str:
    """Return a mean, times 100 where it is a share, and how far its interval goes from it."""
    metric = record["metrics"].get(label)
    found = metric and (metric["parts"].get(part) if part else metric)
    if not found or found["mean"] is None:
        return "–"
    if not part and "corpus" in found:
        return _number(found["corpus"], 1)
    half = max(found["high"] - found["mean"], found["mean"] - found["low"])
    scale = 100 if is_share(part) else 1
    mean = f"{found['mean'] * scale:.1f}"
    return f"{mean} ±{half * scale:.1f}" if spread and found["n"] > 1 else mean


def _rows(n: int) -> str:
    return "1 row is" if n == 1 else f"{n} rows are"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _notes(records: Sequence[Mapping[str, Any]]) -> list[str]:
    first = records[0]
    level = first["interval"]["level"]
    lines = [
        f"Means over the articles, times 100; ± is the farther end of the {level:.0%} interval "
        f"({first['interval']['resamples']} bootstrap resamples, seed {first['seed']})."
    ]
    lines += signatures(records)
    for record in records:
        lines += [f"{record['cell']}: {line}" for line in _remarks(record)]
    return [*lines, NOTICE]


def signatures(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what made each column; where systems differ in it, the first of each kind is named."""
    systems: dict[str, dict[str, list[str]]] = {}
    whole = set()
    for record in records:
        for label, signature in record["signatures"]["metrics"].items():
            systems.setdefault(label, {}).setdefault(signature, []).append(record["cell"])
            whole |= {label} if "corpus" in record["metrics"][label] else set()
    lines = []
    for label, found in systems.items():
        for signature, cells in found.items():
            more = f" and {len(cells) - 1} more" if len(cells) > 1 else ""
            of = f" of {cells[0]}{more}" if len(found) > 1 else ""
            corpus = "of the whole corpus; " if label in whole else ""
            lines.append(f"{label}{of}: {corpus}{signature}")
    return lines


def _remarks(record: Mapping[str, Any]) -> list[str]:
    """Return what is not in the table and should not be missed."""
    remarks = []
    counts, outputs = record["counts"], record["outputs"]
    if counts["rejected"]:
        remarks.append(f"{_rows(counts['rejected'])} no article; see rejected.jsonl in its folder")
    remarks += [f"store: damaged and left out: {where}" for where in record["timing"]["damaged"]]
    remarks += [f"{n} not summarized: {why}" for why, n in outputs["errors"].items()]
    if outputs["truncated"]:
        remarks.append(f"{outputs['truncated']} articles were not read in full")
    found = ", ".join(f"{n} {defect}" for defect, n in outputs["defects"].items())
    if found:
        remarks.append(f"summaries with a defect: {found}")
    for label, metric in record["metrics"].items():
        if bands := metric.get("bands"):
            counted = ", ".join(f"{n} {band}" for band, n in bands.items())
            remarks.append(f"{label}: {counted}, by its calibration")
        notes = {why: n for why, n in metric["notes"].items() if not why.startswith("no summary")}
        remarks += [f"{label}: {n} not scored: {why}" for why, n in notes.items()]
    return remarks
