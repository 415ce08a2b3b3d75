"""From a config to runs: load, summarize, score; what the store has is not computed again."""

import platform
import time
import traceback
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from evalharness import config as configs
from evalharness import defects, registry
from evalharness import results as results_files
from evalharness.cells import Calibrating, Cell, prepare
from evalharness.errors import DataError, HarnessError, StoreError
from evalharness.protocols import Counted, Identified, Loader
from evalharness.provenance import provenance
from evalharness.records import Article, Rejected
from evalharness.stored import Scoring, Summarizing

# Articles that are loaded, batched by length and scored together. Part of the batch plan.
WINDOW = 512


class Progress(Protocol):
    """Who is told how a run goes on."""

    def start(self, cell: str, total: int | None) -> None:
        """A cell begins; `total` articles are to come, where that is known."""
        ...

    def advance(self, articles: int) -> None:
        """So many more articles have their summary."""
        ...

    def end(self, run: "Run") -> None:
        """A cell is done."""
        ...


class Silence:
    """Tells nobody."""

    def start(self, cell: str, total: int | None) -> None:
        """Say nothing."""

    def advance(self, articles: int) -> None:
        """Say nothing."""

    def end(self, run: "Run") -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, and what its `run.json` holds."""

    folder: Path
    record: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """The cell's name."""
        return str(self.record["cell"])

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Mean, interval, n, not_scored and parts by metric."""
        found: Mapping[str, Any] = self.record["metrics"]
        return found

    def samples(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of `samples.jsonl`: article, summary, scores, sentences, flags."""
        return results_files.read_samples(self.folder / results_files.SAMPLES)


class Unfinished(HarnessError):
    """Some cells could not be run; those that could are on disk."""

    exit_code = 4

    def __init__(self, runs: list[Run], failures: Mapping[str, str]) -> None:
        self.runs = runs
        self.failures = failures
        super().__init__("\n".join(f"{cell}: {why}" for cell, why in failures.items()))


def run(
    config: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    results: str | Path = "results",
    limit: int | None = None,
    progress: Progress | None = None,
) -> list[Run]:
    """Run a config (a YAML file, or a mapping of its shape) and return a run for each model.

    overrides: `key=value` with dots in the key, as for `--set`; over the file, over the defaults.
    results: the folder for runs and for the store of all that was ever computed in it.

    Raises: HarnessError for what the user can mend; Unfinished, with the runs that did end, where
        a cell of several failed.
    """
    waiting = deque(prepare(configs.read(config, overrides, limit)))
    alone = len(waiting) == 1
    told = progress or Silence()
    runs: list[Run] = []
    failures: dict[str, str] = {}
    while waiting:
        cell = waiting.popleft()  # and with it, when the next one comes, the model it loaded
        total = runs[-1].record["counts"]["articles"] if runs else None
        try:
            runs.append(run_cell(cell, Path(results), told, total))
        except (DataError, StoreError):  # data and store are all cells'
            raise
        except Exception as error:
            if alone:
                raise
            failures[cell.name] = _why(error)
    if failures:
        raise Unfinished(runs, failures)
    return runs


def _why(error: Exception) -> str:
    """Return one line for what the user can mend, and the whole traceback for what is a bug."""
    if isinstance(error, HarnessError):
        return str(error)
    return "".join(traceback.format_exception(error)).rstrip()


def run_cell(cell: Cell, folder: Path, progress: Progress, total: int | None = None) -> Run:
    """Run one cell into `folder` and return it. Raises: HarnessError where it cannot be done."""
    began = time.perf_counter()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    path = folder / cell.experiment / cell.name
    progress.start(cell.name, total or _expected(cell))
    try:
        summarizing = Summarizing(
            cell.model_kind, cell.model, folder / "store" / "summaries", progress.advance
        )
        scoring = [
            Scoring(label, cell.metric_kinds[label], metric, folder / "store" / "scores")
            for label, metric in cell.metrics.items()
        ]
        with results_files.Writer(
            path, cell.metrics, cell.sheet.interval, cell.sheet.seed
        ) as writer:
            for window in _windows(cell, writer):
                _one_window(window, summarizing, scoring, cell.calibrations, writer)
            _some_articles(writer)
            timing = _timing(started, time.perf_counter() - began, summarizing, scoring, writer)
            record = writer.finish(
                _head(cell),
                {
                    "signatures": _signatures(summarizing, scoring, cell.calibrations),
                    "provenance": provenance(),
                    "timing": timing,
                },
                cell.config(path),
            )
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror or error}") from error
    finished = Run(path, record)
    progress.end(finished)
    return finished


def _expected(cell: Cell) -> int | None:
    """Return how many articles are to come, as far as the loader can tell."""
    limit = cell.sheet.limit
    if not isinstance(cell.loader, Counted):
        return limit
    n = cell.loader.count()
    return n if limit is None else min(n, limit)


def _windows(cell: Cell, writer: results_files.Writer) -> Iterator[list[Article]]:
    window: list[Article] = []
    n = 0
    for row in cell.loader.load():
        if isinstance(row, Rejected):
            writer.reject(row)
            continue
        window.append(row)
        n += 1
        if len(window) == WINDOW or n == cell.sheet.limit:
            yield window
            window = []
        if n == cell.sheet.limit:
            return
    if window:
        yield window


def _head(cell: Cell) -> dict[str, Any]:
    return {
        "format": 1,
        "experiment": cell.experiment,
        "cell": cell.name,
        "seed": cell.sheet.seed,
        "interval": cell.sheet.interval.model_dump(),
        "data": {"loader": cell.sheet.data.name, **_identity(cell.loader)},
    }


def _identity(loader: Loader) -> Mapping[str, str]:
    """Return the commit of data that has one; of any data the fingerprint says what was read."""
    return loader.identity() if isinstance(loader, Identified) else {}


def _some_articles(writer: results_files.Writer) -> None:
    if writer.articles:
        return
    first = writer.first_rejected
    why = f"; the first of {writer.rejected}: {first.where}: {first.reason}" if first else ""
    raise DataError(f"data: no article to summarize{why}")


def _one_window(
    window: Sequence[Article],
    summarizing: Summarizing,
    scoring: Sequence[Scoring],
    calibrations: Mapping[str, Calibrating],
    writer: results_files.Writer,
) -> None:
    summaries = summarizing(window)
    scores = {
        metric.label: _judged(metric(window, summaries), window, calibrations.get(metric.label))
        for metric in scoring
    }
    for n, (article, summary) in enumerate(zip(window, summaries, strict=True)):
        found = defects.find(article.text, summary, summarizing.instructions)
        writer.add(article, summary, found, {label: s[n] for label, s in scores.items()})


def _judged(
    records: Sequence[dict[str, Any]], articles: Sequence[Article], named: Calibrating | None
) -> Sequence[dict[str, Any]]:
    """Add probability and band to scores where the config names a calibration."""
    if named is None:
        return records
    pairs = zip(records, articles, strict=True)
    return [named.calibration.judged(record, article.source) for record, article in pairs]


def _signatures(
    summarizing: Summarizing, scoring: Sequence[Scoring], calibrations: Mapping[str, Calibrating]
) -> dict[str, Any]:
    """Return what made each number, as one line to quote."""
    quoted = {label: {"calibration": named.quoted()} for label, named in calibrations.items()}
    return {
        "model": registry.signature_text(summarizing.signature),
        "metrics": {
            metric.label: registry.signature_text(metric.signature | quoted.get(metric.label, {}))
            for metric in scoring
        },
    }


def _timing(
    started: str,
    seconds: float,
    summarizing: Summarizing,
    scoring: Sequence[Scoring],
    writer: results_files.Writer,
) -> dict[str, Any]:
    """Return all that differs between two runs of the same config."""
    return {
        "started": started,
        "seconds": round(seconds, 3),
        "articles_per_second": round(writer.articles / seconds, 3),
        "host": platform.node(),
        "damaged": [
            f"{ledger.path}:{line}"
            for ledger in (summarizing.ledger, *(metric.ledger for metric in scoring))
            for line in ledger.damaged
        ],
        "summaries": {"computed": summarizing.computed, "stored": summarizing.stored},
        "scores": {m.label: {"computed": m.computed, "stored": m.stored} for m in scoring},
    }
