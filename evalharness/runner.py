"""From a config to runs: load, summarize, score; what the store has is not computed again."""

import dataclasses
import platform
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from evalharness import config as configs
from evalharness import defects, registry
from evalharness import results as results_files
from evalharness.cells import Cell, prepare
from evalharness.errors import DataError, HarnessError, MissingExtra, ModelError, StoreError
from evalharness.protocols import Batching, Counted, Identified, Loader, Metric, Need, Prompted
from evalharness.provenance import provenance
from evalharness.records import (
    Article,
    Rejected,
    Score,
    Summary,
    digest,
    score_record,
    summary_of,
    summary_record,
)
from evalharness.store import Ledger

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

    def __init__(self, runs: list[Run], failures: Mapping[str, HarnessError]) -> None:
        self.runs = runs
        self.failures = failures
        super().__init__("\n".join(f"{cell}: {error}" for cell, error in failures.items()))


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
    failures: dict[str, HarnessError] = {}
    while waiting:
        cell = waiting.popleft()  # and with it, when the next one comes, the model it loaded
        total = runs[-1].record["counts"]["articles"] if runs else None
        try:
            runs.append(run_cell(cell, Path(results), told, total))
        except (ModelError, MissingExtra) as error:  # this cell's own; data are all cells'
            if alone:
                raise
            failures[cell.name] = error.with_traceback(None)
    if failures:
        raise Unfinished(runs, failures)
    return runs


def run_cell(cell: Cell, folder: Path, progress: Progress, total: int | None = None) -> Run:
    """Run one cell into `folder` and return it. Raises: HarnessError where it cannot be done."""
    began = time.perf_counter()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    path = folder / cell.experiment / cell.name
    summarizing = _Summarizing(cell, folder / "store" / "summaries", progress)
    scoring = [
        _Scoring(label, cell.metric_kinds[label], metric, folder / "store" / "scores")
        for label, metric in cell.metrics.items()
    ]
    progress.start(cell.name, total or _expected(cell))
    try:
        with results_files.Writer(
            path, cell.metrics, cell.sheet.interval, cell.sheet.seed
        ) as writer:
            for window in _windows(cell, writer):
                _one_window(window, summarizing, scoring, writer)
            _some_articles(writer)
            timing = _timing(started, time.perf_counter() - began, summarizing, scoring, writer)
            record = writer.finish(
                _head(cell),
                {
                    "signatures": _signatures(summarizing, scoring),
                    "provenance": provenance(Path.cwd()),
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
    summarizing: "_Summarizing",
    scoring: "Sequence[_Scoring]",
    writer: results_files.Writer,
) -> None:
    summaries = summarizing(window)
    scores = {metric.label: metric(window, summaries) for metric in scoring}
    for n, (article, summary) in enumerate(zip(window, summaries, strict=True)):
        found = defects.find(article.text, summary, summarizing.instructions)
        writer.add(article, summary, found, {label: s[n] for label, s in scores.items()})


class _Summarizing:
    """A model behind its ledger: every article with the same content is summarized once, ever."""

    def __init__(self, cell: Cell, folder: Path, progress: Progress) -> None:
        self.model = cell.model
        self.signature = registry.signature(cell.model_kind, cell.model)
        self.ledger = Ledger(folder, self.signature)
        self.progress = progress
        self.computed = self.stored = 0
        prompted = isinstance(cell.model, Prompted)
        self.instructions = cell.model.instructions() if prompted else ()  # type: ignore[attr-defined]

    def __call__(self, articles: Sequence[Article]) -> list[Summary]:
        keys = [_content(article, self.model.needs) for article in articles]
        keyed = list(dict(zip(keys, articles, strict=True)).items())
        failed: dict[str, Summary] = {}
        for batch in self._batches([article for _, article in keyed]):
            failed |= self._write([keyed[n] for n in batch])
        kept = iter(self.ledger.get([key for key in keys if key not in failed]))
        return [
            dataclasses.replace(failed[key], article_id=article.id)
            if key in failed
            else summary_of(article.id, next(kept))
            for key, article in zip(keys, articles, strict=True)
        ]

    def _batches(self, articles: Sequence[Article]) -> list[list[int]]:
        if isinstance(self.model, Batching):
            return self.model.batches(articles)
        return [list(range(len(articles)))]

    def _write(self, batch: Sequence[tuple[str, Article]]) -> dict[str, Summary]:
        """Summarize what the ledger lacks of a batch; return those that failed, which it keeps not.

        A batch that a crash cut short is run again with the same articles: the ledger holds whole
        batches only, so what is missing now was missing then.
        """
        self.ledger.refresh()
        missing = [(key, article) for key, article in batch if key not in self.ledger]
        self.stored += len(batch) - len(missing)
        failed: dict[str, Summary] = {}
        if missing:
            summaries = self.model.summarize([article for _, article in missing])
            _same_length(self.signature["name"], len(summaries), len(missing))
            pairs = list(zip([key for key, _ in missing], summaries, strict=True))
            failed = {key: summary for key, summary in pairs if summary.finish == "error"}
            written = [(key, summary_record(s)) for key, s in pairs if key not in failed]
            self.ledger.append(written)
            self.computed += len(missing)
        self.progress.advance(len(batch))
        return failed


class _Scoring:
    """A metric behind its ledger."""

    def __init__(self, label: str, kind: str, metric: Metric, folder: Path) -> None:
        self.label = label
        self.metric = metric
        self.signature = registry.signature(kind, metric)
        self.ledger = Ledger(folder, self.signature)
        self.computed = self.stored = 0

    def __call__(
        self, articles: Sequence[Article], summaries: Sequence[Summary]
    ) -> list[dict[str, Any]]:
        """Return the record of a score for each article."""
        keys = [self._key(a, s) for a, s in zip(articles, summaries, strict=True)]
        fresh = {
            key: (article, summary)
            for key, article, summary in zip(keys, articles, summaries, strict=True)
            if key and key not in self.ledger
        }
        if fresh:
            scores = self.metric.score(list(fresh.values()))
            _same_length(self.signature["name"], len(scores), len(fresh))
            records = [score_record(score) for score in scores]
            self.ledger.append(list(zip(fresh, records, strict=True)))
        self.computed += len(fresh)
        self.stored += len(articles) - len(fresh)
        kept = iter(self.ledger.get([key for key in keys if key]))
        return [
            next(kept) if key else score_record(Score(None, note=f"no summary: {summary.note}"))
            for key, summary in zip(keys, summaries, strict=True)
        ]

    def _key(self, article: Article, summary: Summary) -> str:
        if summary.finish == "error":
            return ""
        return digest(summary.text, _content(article, self.metric.needs))


def _content(article: Article, needs: frozenset[Need]) -> str:
    """Return the key of what a component looks at in an article."""
    looked_at: dict[Need, Any] = {
        "article": article.text,
        "references": article.references,
        "title": article.extra.get("title"),
        "summary": article.extra.get("summary"),
    }
    return digest({need: looked_at[need] for need in needs})


def _same_length(name: str, got: int, wanted: int) -> None:
    if got != wanted:
        raise ModelError(
            f"{name}: gave {got} results for {wanted} articles; a bug of the component"
        )


def _signatures(summarizing: _Summarizing, scoring: Sequence[_Scoring]) -> dict[str, Any]:
    """Return what made each number, as one line to quote."""
    return {
        "model": registry.signature_text(summarizing.signature),
        "metrics": {metric.label: registry.signature_text(metric.signature) for metric in scoring},
    }


def _timing(
    started: str,
    seconds: float,
    summarizing: _Summarizing,
    scoring: Sequence[_Scoring],
    writer: results_files.Writer,
) -> dict[str, Any]:
    """Return all that differs between two runs of the same config."""
    return {
        "started": started,
        "seconds": round(seconds, 3),
        "articles_per_second": round(writer.articles / seconds, 3),
        "host": platform.node(),
        "summaries": {"computed": summarizing.computed, "stored": summarizing.stored},
        "scores": {m.label: {"computed": m.computed, "stored": m.stored} for m in scoring},
    }
