"""What every tracker is told of a run: parameters, metrics, a table of samples, files."""

import contextlib
import importlib
import importlib.util
import io
import json
import logging
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from evalharness.errors import MissingExtra
from evalharness.protocols import Tracked

FilesSent = Literal["small", "all", "none"]

# Characters of a text in a table of samples: tools hold tables in memory, and so do browsers.
LONGEST_TEXT = 2000
# The files that do not grow with the articles' text.
_SMALL = ("config.yaml", "run.json", "samples.parquet", "rejected.jsonl")
_ALL = (*_SMALL, "samples.jsonl")


def run_parameters(tracked: Tracked) -> dict[str, str]:
    """Return what made the run: signatures, data, seed, settings of the sweep, versions."""
    record = tracked.record
    found = {
        "experiment": record["experiment"],
        "cell": record["cell"],
        "seed": record["seed"],
        **{f"data.{key}": value for key, value in record["data"].items()},
        **{f"sweep.{key}": value for key, value in tracked.settings.items()},
        "signature.model": record["signatures"]["model"],
        **{f"signature.{k}": v for k, v in record["signatures"]["metrics"].items()},
        "evalharness": record["provenance"]["evalharness"],
        "git": record["provenance"]["git"],
    }
    return {key: _as_text(value) for key, value in found.items() if value is not None}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def metrics(tracked: Tracked) -> dict[str, float]:
    """Return means with their intervals by name, and counts; what has no value is left out.

    `rouge.rouge1` is a mean, `rouge.rouge1.low` and `.high` the ends of its interval.
    """
    record = tracked.record
    found: dict[str, float | None] = {
        **{f"articles.{key}": value for key, value in record["counts"].items()},
        "outputs.answer_rate": record["outputs"]["answer_rate"],
        "outputs.mean_words": record["outputs"]["mean_words"],
        "outputs.truncated": record["outputs"]["truncated"],
    }
    for label, whole in record["metrics"].items():
        found |= _figures(label, whole) | {f"{label}.not_scored": whole["not_scored"]}
        found |= {f"{label}.corpus": whole.get("corpus")}
        found |= {f"{label}.flags.{kind}": n for kind, n in whole["flags"].items()}
        for part, figures in whole["parts"].items():
            found |= _figures(f"{label}.{part}", figures)
    return {name: float(value) for name, value in found.items() if value is not None}


def _figures(name: str, figures: Mapping[str, Any]) -> dict[str, float | None]:
    ends = {f"{name}.{key}": figures[key] for key in ("low", "high", "n")}
    return {name: figures["mean"], **ends}


def sample_table(tracked: Tracked, n: int) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and rows of the first `n` samples: texts, scores, and what was flagged."""
    labels = list(tracked.record["metrics"])
    columns = ["id", "article", "reference", "summary", "finish", *labels, "flags"]
    with (tracked.folder / "samples.jsonl").open(encoding="utf-8") as lines:
        return columns, [_row(json.loads(line), labels) for line in islice(lines, n)]


def _row(sample: Mapping[str, Any], labels: list[str]) -> list[Any]:
    summary, scores = sample["summary"], sample["scores"]
    messages = [
        f"{summary['text'][flag['start'] : flag['end']]}: {flag['message']}"
        for label in labels
        for flag in scores[label].get("flags", ())
    ]
    texts = [sample["article"], "\n\n".join(sample["references"]), summary["text"]]
    shown = [clip_text(text) for text in texts]
    values = [scores[label]["value"] for label in labels]
    return [clean(sample["id"]), *shown, summary["finish"], *values, clip_text("\n".join(messages))]


def clip_text(text: str) -> str:
    """Return a text that is not too long for a table, and that UTF-8 can hold."""
    return clean(text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…")


def clean(text: str) -> str:
    """Return a text with halves of surrogate pairs and NUL shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def files(tracked: Tracked, which: FilesSent) -> list[Path]:
    """Return the files of the run that are there and wanted."""
    wanted = {"none": (), "small": _SMALL, "all": _ALL}[which]
    return [path for name in wanted if (path := tracked.folder / name).is_file()]


def require_extra(extra: str, *modules: str) -> None:
    """Do nothing where the modules are there. Raises: MissingExtra."""
    if any(importlib.util.find_spec(module) is None for module in modules):
        raise MissingExtra(f"the tracker {extra}", extra)


def folder(option: str | None, tracked: Tracked, name: str) -> Path:
    """Return the folder of a tool, below the results if the config names none; made if missing."""
    path = Path(option).expanduser() if option else tracked.results / "trackers" / name
    path.mkdir(parents=True, exist_ok=True)
    return path.absolute()


@contextlib.contextmanager
def quiet_tool(*loggers: str, **environment: str | None) -> Iterator[None]:
    """Keep a tool from printing, and set environment variables for it (None: not set)."""
    before = {name: os.environ.get(name) for name in environment}
    levels = {name: logging.getLogger(name).level for name in loggers}
    _set(environment)
    for name in loggers:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        _set(before)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _set(environment: Mapping[str, str | None]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
