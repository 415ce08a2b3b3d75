"""The table that a terminal shows at the end of a run, and which columns tables of runs have."""

from collections.abc import Mapping, Sequence
from typing import IO, Any

from evalharness.config.registry import is_share, scorer_row
from evalharness.report.text_table import (
    NONE,
    TextRow,
    number_text,
    percent_text,
    show_table,
    table_lines,
    terminal_width,
    text_width,
)

NOTICE = "AI generated summaries may have errors. For context, always refer to the full article."


def show_runs(records: Sequence[Mapping[str, Any]], out: IO[str]) -> None:
    """Print a table of runs, given as their `run.json` hold them, and what to know of it."""
    rows = _run_rows(records, spread=True)
    width = terminal_width(out)
    if width and text_width(table_lines(rows)[1]) > width:
        rows = _run_rows(records, spread=False)  # a narrow terminal: the means matter more
    show_table(rows, out, notes=_notes(records))


def _run_rows(records: Sequence[Mapping[str, Any]], spread: bool) -> list[TextRow]:
    columns = columns_of(records)
    rows: list[TextRow] = [["system", "n", "answered", "words", *headings(columns, spread)]]
    for record in records:
        outputs = record["outputs"]
        figures = (_figure(record, label, part, spread) for label, part in columns)
        rows.append(
            [
                record["cell"],
                str(record["counts"]["summarized"]),
                percent_text(outputs["answer_rate"]),
                number_text(outputs["mean_words"], 0),
                *figures,
            ]
        )
    return rows


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
    figure = metric and (metric["parts"].get(part) if part else metric)
    if not figure or figure["mean"] is None:
        return NONE
    if not part and "corpus" in figure:
        return number_text(figure["corpus"], 1)
    half = max(figure["high"] - figure["mean"], figure["mean"] - figure["low"])
    mean = scaled_figure(figure["mean"], part, digits=1)
    return f"{mean} ±{scaled_figure(half, part, digits=1)}" if spread and figure["n"] > 1 else mean


def scaled_figure(value: float | None, metric: str, sign: str = "", digits: int = 2) -> str:
    """Return a figure as tables have it: shares times 100. metric: its name, or its part's."""
    scale = 100 if is_share(metric.rpartition(".")[2]) else 1
    return number_text(None if value is None else value * scale, digits, sign)


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
        rows = "1 row is" if counts["rejected"] == 1 else f"{counts['rejected']} rows are"
        remarks.append(f"{rows} no article; see rejected.jsonl in its folder")
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
