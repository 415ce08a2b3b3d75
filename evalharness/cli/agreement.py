"""The tables that a terminal shows of checks measured against people, and of a calibration."""

from collections.abc import Mapping, Sequence
from typing import IO, Any

from evalharness.config.calibration import Calibrated, Calibration
from evalharness.files.untrusted import visible

# Wide enough for any table where the output is no terminal.
_FILE_WIDTH = 200
_MOST_REJECTED = 20

# Heading, key of the figure, and whether its interval is shown; a column without a figure is not.
_COLUMNS = (
    ("AUC", "auc", True),
    ("AUC all", "auc_all", False),
    ("AP incons.", "ap_inconsistent", False),
    ("bal. acc.", "balanced_accuracy", False),
    ("threshold", "threshold", False),
    ("Pearson", "pearson", False),
    ("Spearman", "spearman", False),
    ("Kendall", "kendall", False),
    ("partial", "partial_pearson", False),
    ("pairs", "pairwise_accuracy", False),
    ("sent. AUC", "sentence_auc", False),
)
_LEGEND = (
    "AUC: 95 % interval over articles beside it; rows without a score left out. AUC all: such rows "
    "count as ones with nothing wrong. AP incons.: average precision of the inconsistent. bal. "
    "acc.: with the threshold from other articles. partial: Pearson less the systems' means."
)


def show_agreement(record: Mapping[str, Any], out: IO[str]) -> None:
    """Print what `Agreement.record` holds: a table a check, then spans and differences."""
    console = _console(out)
    for name, found in record["checks"].items():
        console.print(f"{name}  ({found['signature']})", markup=False, soft_wrap=True)
        console.print(_figures(found))
        for line in _without(found):
            console.print(visible(line), markup=False, soft_wrap=True)
    if record["span_baselines"]:
        console.print(_spans(record))
    if record["differences"]:
        console.print(_differences(record["differences"]))
    for line in _notes(record):
        console.print(visible(line), markup=False, soft_wrap=True)


def show_calibration(found: Calibration, out: IO[str]) -> None:
    """Print the thresholds of a calibration, a row a source."""
    headings = (
        "source", "n", "consistent", "AUC", "bal. acc.", "threshold", "flag below", "flagged",
        "precision", "support from", "supported", "recall", "Brier",
    )  # fmt: skip
    table = _table(headings)
    for name, entry in [*found.sources.items(), ("pooled", found.pooled)]:
        table.add_row(_text(name), *_calibration_row(entry))
    console = _console(out)
    console.print(f"{found.check}  ({found.signature})", markup=False, soft_wrap=True)
    console.print(table)
    for name, entry in found.sources.items():
        if entry.reason:
            console.print(f"{name}: {entry.reason}", markup=False, soft_wrap=True)


def _calibration_row(entry: Calibrated) -> list[str]:
    rate = entry.positive / entry.n if entry.n else None
    return [
        str(entry.n),
        _percent(rate),
        _figure(entry.auc),
        _figure(entry.balanced_accuracy),
        _figure(entry.threshold),
        _figure(entry.flag_below),
        _percent(entry.flagged),
        _percent(entry.flagged_precision),
        _figure(entry.support_from),
        _percent(entry.supported),
        _percent(entry.supported_recall),
        _figure(entry.brier),
    ]


def rejected_lines(rejected: Sequence[Mapping[str, str]]) -> list[str]:
    """Return `file:line: reason` of the first rows that could not be used, and their number."""
    lines = [f"{each['where']}: {each['reason']}" for each in rejected[:_MOST_REJECTED]]
    return [*lines, f"{len(rejected)} rows could not be used"] if rejected else []


def _console(out: IO[str]) -> Any:
    from rich.console import Console

    console = Console(file=out, highlight=False)
    if console.is_terminal:
        return console
    return Console(file=out, highlight=False, width=_FILE_WIDTH, no_color=True)


def _table(headings: Sequence[str], left: int = 1) -> Any:
    """Return an empty table; the first columns hold words, the others figures."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < left else "right", no_wrap=True)
    return table


def _text(name: str) -> Any:
    from rich.text import Text

    return Text(name)


def _figures(found: Mapping[str, Any]) -> Any:
    scored = {name: figures for name, figures in found["sources"].items() if figures["n"]}
    graded = {name: each for name, each in found["sources"].items() if "graded" in each}
    shown = scored | graded
    columns = [each for each in _COLUMNS if any(f.get(each[1]) is not None for f in shown.values())]
    table = _table(["source", "n", "consistent", *(c[0] for c in columns), "no score", "ms"])
    for name, figures in shown.items():
        table.add_row(
            _text(name),
            str(figures["n"]),
            _percent(figures["positive_rate"]),
            *(_cell(figures, key, interval) for _, key, interval in columns),
            _percent(figures["null_rate"]),
            _figure(figures["ms_per_pair"], 1),
        )
    cells = (_cell(found, f"macro_{key}", interval) for _, key, interval in columns)
    table.add_row(f"mean of {len(found['macro_sources'])}", "", "", *cells, "", "")
    if "without" in found:
        left_out = f"without {', '.join(found['without']['sources'])}"
        cells = (_cell(found["without"], f"macro_{key}", interval) for _, key, interval in columns)
        table.add_row(_text(left_out), "", "", *cells, "", "")
    return table


def _without(found: Mapping[str, Any]) -> list[str]:
    """Return the sources that have no AUC, with the reason; those with one reason together."""
    reasons: dict[str, list[str]] = {}
    for name, figures in found["sources"].items():
        if not figures["n"]:
            reasons.setdefault("no row has both a label and a value", []).append(name)
        elif "reason" in figures:
            reasons.setdefault(figures["reason"], []).append(name)
    return [f"no AUC: {', '.join(names)}: {reason}" for reason, names in reasons.items()]


def _spans(record: Mapping[str, Any]) -> Any:
    table = _table(["wrong characters", "found by", "precision", "recall", "F1"], left=2)
    for source, baselines in record["span_baselines"].items():
        rows = [(f"all: {name.replace('_', ' ')}", each) for name, each in baselines.items()]
        for name, found in record["checks"].items():
            spans = found["sources"][source].get("spans")
            rows += _span_rows(name, spans) if spans else []
        for place, (by, figures) in enumerate(rows):
            cells = (_cell(figures, key, key == "f1") for key in ("precision", "recall", "f1"))
            table.add_row(_text("" if place else source), _text(by), *cells)
    return table


def _span_rows(name: str, spans: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    rows: list[tuple[str, Mapping[str, Any]]] = [(name, spans)]
    if len(spans["by_kind"]) > 1:
        rows += [(f"{name}, {kind}", figures) for kind, figures in spans["by_kind"].items()]
    return rows


def _differences(differences: Sequence[Mapping[str, Any]]) -> Any:
    table = _table(["difference in AUC", "source", "n", "both scored", "all rows"], left=2)
    for each in differences:
        name = f"{each['first']} – {each['second']}"
        for source, figures in each["sources"].items():
            cells = (_cell(figures, f"{key}_difference", True) for key in ("auc", "auc_all"))
            table.add_row(_text(name), _text(source), str(figures["n"]), *cells)
            name = ""
        macro = (_cell(each, f"macro_{key}_difference", True) for key in ("auc", "auc_all"))
        table.add_row(_text(name), f"mean of {len(each['sources'])}", "", *macro)
    return table


def _notes(record: Mapping[str, Any]) -> list[str]:
    interval = record["interval"]
    lines = [_LEGEND, f"{interval['resamples']} resamples, seed {interval['seed']}."]
    fields = {name: key for name, key in record["labels"].items() if key != "label"}
    lines += [f"{source}: the label is {field!r}" for source, field in fields.items()]
    lines += [f"{source}: {n} rows not labelled" for source, n in record["not_labelled"].items()]
    return lines


def _cell(figures: Mapping[str, Any], key: str, interval: bool) -> str:
    low, high = figures.get(f"{key}_low"), figures.get(f"{key}_high")
    value = _figure(figures.get(key))
    if not interval or low is None or high is None:
        return value
    return f"{value} ({low:.2f}{'–' if low >= 0 else ' to '}{high:.2f})"


def _figure(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"
