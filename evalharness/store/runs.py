"""Finished runs as they lie on disk: `run.json`, and the columns of `samples.parquet`."""

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalharness.errors import DataError
from evalharness.files.untrusted import read_whole
from evalharness.stats.intervals import Values
from evalharness.store import samples

if TYPE_CHECKING:
    import pyarrow as pa

RUN_FORMAT = 1
# What each row of the table must have, beside scores.
NEEDED = ("id", "source", "finish", "words", "article", "references", "article_words", "truncated")


@dataclass(frozen=True)
class Run:
    """A finished run: what its `run.json` says, and its scores by column."""

    folder: Path
    record: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """The cell's name."""
        return str(self.record["cell"])

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Mean, interval, n, not_scored and parts by metric."""
        metrics: Mapping[str, Any] = self.record["metrics"]
        return metrics

    @property
    def n(self) -> int:
        """How many articles it has."""
        return int(self.record["counts"]["articles"])

    @property
    def fingerprint(self) -> str:
        """What names all its articles, in order."""
        return str(self.record["data"]["fingerprint"])

    @cached_property
    def columns(self) -> frozenset[str]:
        """The names of the table's columns."""
        return frozenset(self._file.schema_arrow.names)

    def tracker_failures(self, *, required: bool) -> list[str]:
        """Return a line for each tracker that could not be told of the run; it is on disk anyway.

        required: of the trackers that a run must tell to count as done, or of the others.
        """
        trackers = self.record["timing"].get("trackers", {})
        return [
            f"{label} was not told of the run, which is on disk: {answer['error']}"
            for label, answer in trackers.items()
            if "error" in answer and answer["required"] is required
        ]

    def samples(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of `samples.jsonl`: article, summary, scores, sentences, flags."""
        return samples.read_samples(self.folder / samples.SAMPLES)

    @cached_property
    def _file(self) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.folder / samples.TABLE_FILE
        try:
            file = pq.ParquetFile(path, memory_map=True)
            names = file.schema_arrow.names  # which need not be UTF-8
        except FileNotFoundError:
            raise DataError(f"{path}: there is no such file; {AGAIN}") from None
        except (pa.ArrowException, OSError, ValueError) as error:
            raise DataError(
                f"{path}: not Parquet that can be read ({_line(error)}); {AGAIN}"
            ) from None
        missing = [name for name in NEEDED if name not in names]
        if missing:
            raise DataError(f"{path}: no column {missing[0]!r}; {AGAIN}")
        if file.metadata.num_rows != self.n:
            rows = f"{file.metadata.num_rows} rows, and run.json tells of {self.n} articles"
            raise DataError(f"{path}: {rows}; {AGAIN}")
        return file

    def table(self, columns: Sequence[str]) -> "pa.Table":
        """Return some columns of the table."""
        import pyarrow as pa

        path = self.folder / samples.TABLE_FILE
        try:
            table: pa.Table = self._file.read(columns=list(columns))
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path}: cannot be read ({_line(error)}); {AGAIN}") from None
        return table

    def values(self, columns: Sequence[str]) -> Values:
        """Return columns of numbers, NaN for a missing one, shape (articles, columns)."""
        table = self.table(columns)
        found = [_floats(table.column(name)) for name in columns]
        return np.stack(found, axis=1) if found else np.empty((self.n, 0))


def _floats(column: "pa.ChunkedArray") -> Values:
    """Return numbers, NaN for null: from Arrow's buffers, since its own way imports pandas."""
    import pyarrow as pa

    whole = column.cast(pa.float64()).combine_chunks()
    known, numbers = whole.buffers()
    values: Values = np.frombuffer(numbers, np.float64, len(whole), 8 * whole.offset).copy()
    if whole.null_count:
        bits = np.unpackbits(np.frombuffer(known, np.uint8), bitorder="little")
        values[bits[whole.offset : whole.offset + len(whole)] == 0] = np.nan
    return values


AGAIN = "run the config again, which computes nothing twice"


def read_run(path: str | Path) -> Run:
    """Return the run in a folder (or whose `run.json` this is).

    Raises: DataError, one line, where it is none, is not finished, or cannot be read.
    """
    given = Path(path)
    folder = (
        given.parent
        if given.name in (samples.RUN_FILE, samples.TABLE_FILE, samples.SAMPLES)
        else given
    )
    if not folder.exists():
        raise DataError(f"{given}: there is no such folder")
    if not folder.is_dir():
        raise DataError(f"{given}: not the folder of a run")
    record = read_record(folder / samples.RUN_FILE)
    run = Run(folder, record)
    _ = run.columns  # a table that cannot be read is found now
    return run


def runs_in(path: str | Path) -> list[Run]:
    """Return the run in a folder, or the runs in the folders within, by name."""
    folder = Path(path)
    if not folder.is_dir() or (folder / samples.RUN_FILE).exists():
        return [read_run(folder)]
    inner = sorted(each.parent for each in folder.glob(f"*/{samples.RUN_FILE}"))
    return [read_run(each) for each in inner] or [read_run(folder)]


def read_record(path: Path) -> Mapping[str, Any]:
    """Return what a `run.json` holds. Raises: DataError where it is none."""
    try:
        text = read_whole(path)
    except FileNotFoundError:
        raise DataError(f"{path.parent}: no finished run: there is no {path.name}") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    if not text.strip():
        raise DataError(f"{path}: is empty; {AGAIN}")
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON ({_line(error)}); {AGAIN}") from None
    return checked_record(record, path)


# Where each thing stands that is read here, with its type.
_SHAPE: Mapping[tuple[str, ...], type] = {
    ("experiment",): str,
    ("cell",): str,
    ("data", "fingerprint"): str,
    ("counts", "articles"): int,
    ("outputs",): dict,
    ("metrics",): dict,
    ("signatures", "model"): str,
    ("signatures", "metrics"): dict,
}


def checked_record(record: Any, path: Path) -> Mapping[str, Any]:
    """Return what a `run.json` holds. Raises: DataError where it is not as it should be."""
    if not isinstance(record, dict) or "format" not in record or "cell" not in record:
        raise DataError(f"{path}: not written by evalharness")
    if record["format"] != RUN_FORMAT:
        raise DataError(f"{path}: of format {record['format']!r}; this version reads {RUN_FORMAT}")
    for key, kind in _SHAPE.items():
        found: Any = record
        for part in key:
            found = found.get(part) if isinstance(found, dict) else None
        if not isinstance(found, kind):
            raise DataError(f"{path}: no {'.'.join(key)!r} as evalharness writes it; {AGAIN}")
    for name in (record["experiment"], record["cell"], *record["metrics"]):
        if not name.isprintable():
            raise DataError(f"{path}: no name that evalharness gives: {name!r:.80}; {AGAIN}")
    if wrong := _first_unsound_figure(record):
        raise DataError(f"{path}: no {wrong!r} as evalharness writes it; {AGAIN}")
    return record


def _first_unsound_figure(record: Mapping[str, Any]) -> str:
    """Return what of a record is no figure where one should be; empty if nothing is."""
    outputs, n = record["outputs"], record["counts"]["articles"]
    if isinstance(n, bool) or n < 0:
        return "counts.articles"
    for name in ("answer_rate", "mean_words", "truncated"):
        if not _number_or_none(outputs.get(name, 0)):
            return f"outputs.{name}"
    for label, metric in record["metrics"].items():
        parts = metric.get("parts") if isinstance(metric, dict) else None
        if not (isinstance(parts, dict) and _number_or_none(metric.get("corpus"))):
            return f"metrics.{label}"
        for name, figures in [("", metric), *parts.items()]:
            if not (isinstance(figures, dict) and all(_has(figures, each) for each in _FIGURES)):
                return f"metrics.{label}.{name}".rstrip(".")
    return ""


_FIGURES = ("mean", "low", "high")


def _has(figures: Mapping[str, Any], name: str) -> bool:
    return name in figures and _number_or_none(figures[name])


def _number_or_none(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def unique_names(runs: Sequence[Run]) -> list[str]:
    """Return a name for each run: its cell, and as much before it as tells them apart."""
    full = [os.path.normpath(run.folder) for run in runs]
    for names in (
        [run.name for run in runs],
        [f"{run.record['experiment']}/{run.name}" for run in runs],
        full,
    ):
        if len(set(names)) == len(names):
            return names
    return [f"{name} ({n})" for n, name in enumerate(full, 1)]
