"""What a run would do, before it is run: cells, what is stored, what is left, what could be told.

Reads the articles and the store, writes nothing, loads no weights and no torch.
"""

import itertools
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evalharness.config.build import BuiltJudge, judges_of
from evalharness.config.cells import Cell, by_articles, prepare
from evalharness.config.registry import scorer_row
from evalharness.config.run_config import read_run_config
from evalharness.config.signature import signature_parts, wanted_checkpoints
from evalharness.errors import ModelError
from evalharness.files.temporary import OffsetIndex
from evalharness.hf import hub
from evalharness.protocols import Charging, Metric, Need, RequestEstimate
from evalharness.records import Article, Rejected, Summary, canonical, digest, summary_of
from evalharness.runner.articles import no_article, windows
from evalharness.runner.fill import servers_of
from evalharness.stats import paired
from evalharness.store.ledger import Ledger, address_of, mirror_of
from evalharness.store.samples import TABLE_FILE
from evalharness.store.store import STORE, Store, content_key, working_folder

# Standard deviation, over articles, of the difference between two systems, where no run tells it:
# the median over the 276 pairs of 24 systems on 54 articles of REALSumm (Bhandari et al. 2020) was
# 0.094 for ROUGE-1, 0.098 for ROUGE-2, 0.100 for ROUGE-L, and 0.228 for the check `lexical`.
ASSUMED = {"references": 0.10, "article": 0.23}
# Correlation of two systems' scores over articles, where there is only one run to go by.
ASSUMED_CORRELATION = 0.5
LEVEL = 0.05
# Runs whose differences are looked at for their spread.
_RUNS = 6


@dataclass
class StoredCount:
    """How much of something the store has, and how much it lacks."""

    stored: int = 0
    left: int = 0


@dataclass
class CellPlan:
    """A cell: what of it is stored. problem: why its model cannot be named, if it cannot.

    asked: about what is left to be asked of servers and judges, for `summaries` and by label.
    """

    name: str
    folder: Path
    settings: Mapping[str, Any]
    articles: int = 0
    summaries: StoredCount = field(default_factory=StoredCount)
    scores: dict[str, StoredCount] = field(default_factory=dict)
    problem: str = ""
    asked: dict[str, RequestEstimate] = field(default_factory=dict)

    def ask(self, name: str, component: Any, article: Article, summary: Summary | None) -> None:
        """Add what an article takes of a component that asks a server or a judge."""
        if isinstance(component, Charging):
            known = self.asked.get(name, RequestEstimate())
            self.asked[name] = known + component.estimate(article, summary)


@dataclass(frozen=True)
class PlannedCheckpoint:
    """A checkpoint that a config names. where: folder, cache, or hub (some of it to be downloaded).

    size: bytes of its weights, or of what is to be downloaded; None where that cannot be known.
    files: those to be downloaded. note: what is likely to go wrong. problem: why it cannot be had.
    """

    checkpoint: str
    where: str
    size: int | None
    files: tuple[str, ...] = ()
    note: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Detectable:
    """The smallest true difference between two systems that so many articles show.

    data: what the sweep set of the articles, if anything. basis: what the spread of differences,
    `deviation`, was taken from. difference: None if unknown, or if none on the scale is so large.
    """

    metric: str
    data: str
    articles: int
    difference: float | None
    deviation: float | None
    basis: str


@dataclass
class Plan:
    """What a config would do. distinct: summaries left, those that cells share counted once.

    compared: about what judges of pairs are asked at the most, whatever of it is stored.
    problems: why servers that are to be asked cannot be, such as a key that is not set.
    """

    experiment: str
    cells: list[CellPlan]
    distinct: int = 0
    weights: list[PlannedCheckpoint] = field(default_factory=list)
    detectable: list[Detectable] = field(default_factory=list)
    compared: dict[str, RequestEstimate] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def asked(self) -> dict[str, RequestEstimate]:
        """About what is left to be asked of servers and judges, of all cells."""
        whole = dict(self.compared)
        for cell in self.cells:
            for name, estimate in cell.asked.items():
                whole[name] = whole.get(name, RequestEstimate()) + estimate
        return whole

    def record(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "experiment": self.experiment,
            "cells": [
                {
                    "cell": cell.name,
                    "folder": address_of(cell.folder),
                    "settings": dict(cell.settings),
                    "articles": cell.articles,
                    "summaries": vars(cell.summaries),
                    "scores": {label: vars(count) for label, count in cell.scores.items()},
                    "problem": cell.problem or None,
                }
                for cell in self.cells
            ],
            "asked": {name: vars(estimate) for name, estimate in self.asked.items()},
            "summaries_left": self.distinct,
            "problems": self.problems,
            "weights": [vars(found) for found in self.weights],
            "detectable": [vars(found) for found in self.detectable],
        }


def plan(
    config: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    results: str | Path = "results",
    limit: int | None = None,
) -> Plan:
    """Return what running a config would do. Raises: HarnessError, as the run would."""
    run_config = read_run_config(config, overrides, limit)
    cells = prepare(run_config)
    judges = judges_of(run_config)
    folder = working_folder(results)
    if (mirror := mirror_of(folder)) is not None:
        for cell in cells:
            mirror.pull(cell.folder(folder) / TABLE_FILE)
    looking = _Looking(Store(folder / STORE), folder)
    plans = {id(cell): looking.cell(cell) for cell in cells}
    for group in by_articles(cells):
        looking.count([(cell, plans[id(cell)]) for cell in group])
    compared = {label: _estimate_pairs(judge, cells) for label, judge in judges.items()}
    asked: list[Any] = [
        cell.model if name == "summaries" else cell.metrics[name]
        for cell in cells
        for name in plans[id(cell)].asked
    ]
    asked += [judges[label].judge for label, estimate in compared.items() if estimate.requests]
    return Plan(
        experiment=cells[0].experiment,
        cells=list(plans.values()),
        distinct=sum(map(len, looking.missing.values())),
        weights=_all_weights(cells),
        detectable=[found for group in by_articles(cells) for found in _detectable(group, plans)],
        compared=compared,
        problems=_problems_of_servers(asked),
    )


def _problems_of_servers(asked: Iterable[Any]) -> list[str]:
    """Return why servers of components cannot be asked, as far as is known without asking."""
    lines = [
        f"{why}, and {server.model} at {server.url} needs it"
        for server in servers_of(asked)
        if (why := server.key_problem())
    ]
    return list(dict.fromkeys(lines))


def _estimate_pairs(judge: BuiltJudge, cells: Sequence[Cell]) -> RequestEstimate:
    """Return about what a judge is asked of the systems at the most: each pair twice."""
    whole = RequestEstimate()
    if not isinstance(judge.judge, Charging):
        return whole
    for group in by_articles(cells):
        n_pairs = len(group) * (len(group) - 1) // 2
        of_group, articles = RequestEstimate(), 0
        for window in windows(group[0].loader, group[0].run_config.limit):
            articles += len(window)
            of_group = sum((judge.judge.estimate(a, None) for a in window), of_group)
        asked = min(articles * n_pairs, judge.pairs or math.inf)
        whole += of_group.times(2 * asked / articles if articles else 0)
    return whole


class _Looking:
    """Looks cells up in the store; each ledger is read once."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.missing: dict[str, OffsetIndex] = {}  # keys by what is to summarize them
        self.signatures: dict[str, Mapping[str, Any]] = {}  # of models, by cell
        self.problems: dict[tuple[Any, ...], str] = {}

    def cell(self, cell: Cell) -> CellPlan:
        path = self.folder / cell.experiment / cell.name
        planned = CellPlan(cell.name, path, cell.settings)
        planned.scores = {label: StoredCount() for label in cell.metrics}
        planned.problem = self.problems.get(cell.weights, "")
        if not planned.problem:
            try:
                self.signatures[cell.name] = signature_parts(cell.model_kind, cell.model)
            except ModelError as error:
                planned.problem = str(error)
                self.problems[cell.weights] = planned.problem
        return planned

    def count(self, group: Sequence[tuple[Cell, CellPlan]]) -> None:
        """Count what is there of cells that have the same articles."""
        first = group[0][0]
        looked = [_Cell(cell, planned, self) for cell, planned in group]
        rejected = 0
        first_rejected: Rejected | None = None

        def reject(row: Rejected) -> None:
            nonlocal rejected, first_rejected
            rejected += 1
            first_rejected = first_rejected or row

        for window in windows(first.loader, first.run_config.limit, reject):
            contents = _Contents(window)
            for each in looked:
                each.count(window, contents)
        if not looked[0].planned.articles:
            raise no_article(rejected, first_rejected)


class _Contents:
    """Keys of what components look at in a window's articles, made once for all of them."""

    def __init__(self, window: Sequence[Article]) -> None:
        self.window = window
        self.known: dict[frozenset[Need], list[str]] = {}

    def of(self, needs: frozenset[Need]) -> list[str]:
        if needs not in self.known:
            self.known[needs] = [content_key(article, needs) for article in self.window]
        return self.known[needs]


class _Cell:
    """One cell as it is counted."""

    def __init__(self, cell: Cell, planned: CellPlan, looking: _Looking) -> None:
        self.cell = cell
        self.planned = planned
        known = looking.signatures.get(cell.name)
        signature = {"unnamed": cell.name} if known is None else known
        self.missing = looking.missing.setdefault(canonical(signature), OffsetIndex())
        self.ledger = None if known is None else looking.store.look("summaries", signature)
        self.scored: dict[str, Ledger | None] = {}
        for label, metric in cell.metrics.items():
            try:
                named = signature_parts(cell.metric_kinds[label], metric)
                self.scored[label] = looking.store.look("scores", named)
            except ModelError as error:
                self.scored[label] = None
                planned.problem = planned.problem or str(error)

    def count(self, window: Sequence[Article], contents: _Contents) -> None:
        self.planned.articles += len(window)
        summaries = list(self.summaries(window, contents))
        there = sum(summary is not None for summary in summaries)
        self.planned.summaries.stored += there
        self.planned.summaries.left += len(window) - there
        for label, metric in self.cell.metrics.items():
            ledger = self.scored[label]
            keys = contents.of(metric.needs)
            for article, summary, key in zip(window, summaries, keys, strict=True):
                text = None if summary is None else summary.text
                if text is not None and ledger is not None and digest(text, key) in ledger:
                    self.planned.scores[label].stored += 1
                    continue
                self.planned.scores[label].left += 1
                if isinstance(metric, Charging):
                    self.planned.ask(label, metric, article, summary or self._cheap(article))

    def _cheap(self, article: Article) -> Summary | None:
        """Return a summary that costs nothing to have, such as one that is given; else None."""
        if self.cell.weights or isinstance(self.cell.model, Charging):
            return None
        (summary,) = self.cell.model.summarize([article])
        return None if summary.finish == "error" else summary

    def summaries(self, window: Sequence[Article], contents: _Contents) -> Iterator[Summary | None]:
        """Yield the stored summary of each article, or None; note the key of what is missing."""
        keys = contents.of(self.cell.model.needs)
        ledger = self.ledger
        there = [key for key in keys if ledger is not None and key in ledger]
        records = iter(ledger.get(there) if ledger is not None else [])
        for article, key in zip(window, keys, strict=True):
            if ledger is not None and key in ledger:
                yield summary_of(article.id, next(records))
            else:
                n_known = len(self.missing)
                self.missing.setdefault(bytes.fromhex(key), 0)
                if len(self.missing) > n_known:
                    self.planned.ask("summaries", self.cell.model, article, None)
                yield None


def _all_weights(cells: Sequence[Cell]) -> list[PlannedCheckpoint]:
    """Return where the weights are of models, metrics and checks, each checkpoint once."""
    components = [each for cell in cells for each in (cell.model, *cell.metrics.values())]
    wanted = dict.fromkeys(each for found in components for each in wanted_checkpoints(found))
    return [weights_of(each) for each in wanted]


def weights_of(wanted: hub.Wanted) -> PlannedCheckpoint:
    """Return where a checkpoint's weights are, and how much is to be downloaded; fetch nothing."""
    folder = Path(wanted.name).expanduser()
    if folder.is_dir():
        return PlannedCheckpoint(wanted.name, "folder", _size(folder, wanted))
    if folder.is_file():
        return PlannedCheckpoint(wanted.name, "folder", folder.stat().st_size)
    try:
        lacking = hub.to_fetch(wanted.name, wanted.revision, wanted.only)
    except ModelError as error:
        return PlannedCheckpoint(wanted.name, "hub", None, problem=str(error))
    if not lacking.files:
        size = _size(hub.snapshot(wanted.name, lacking.commit), wanted)
        return PlannedCheckpoint(wanted.name, "cache", size, note=lacking.note)
    known = None not in lacking.files.values()
    size = lacking.n_bytes if known else None
    return PlannedCheckpoint(wanted.name, "hub", size, tuple(lacking.files), lacking.note)


def _size(folder: Path, wanted: hub.Wanted) -> int | None:
    """Return the bytes of the weights, or of all files that are read, in a folder."""
    patterns = wanted.only or ("*.safetensors",)
    files = {file for pattern in patterns for file in folder.glob(pattern)}
    return sum(file.stat().st_size for file in files) or None


def _detectable(group: Sequence[Cell], plans: Mapping[int, CellPlan]) -> Iterator[Detectable]:
    """Yield for each metric of cells with the same articles what these can tell apart."""
    folders = [plans[id(cell)].folder for cell in group]
    n = plans[id(group[0])].articles
    swept = group[0].settings.items()
    data = ", ".join(
        f"{key}={value}" for key, value in swept if key.split(".")[0] in ("data", "limit")
    )
    cells = {label: cell for cell in reversed(group) for label in cell.metrics}
    for label in dict.fromkeys(label for cell in group for label in cell.metrics):
        metric, kind = cells[label].metrics[label], cells[label].metric_kinds[label]
        for part in scorer_row(kind).shown or ("value",):
            deviation, basis = _deviation(folders, f"{label}.{part}", metric)
            difference = None
            if deviation is not None and n > 1:
                error = deviation / math.sqrt(n)
                difference = paired.smallest_detectable(error, n, LEVEL / 2)
                if metric.range and difference > metric.range[1] - metric.range[0]:
                    difference = None
            name = label if part == "value" else f"{label}.{part}"
            yield Detectable(name, data, n, difference, deviation, basis)


def _deviation(folders: Sequence[Path], column: str, metric: Metric) -> tuple[float | None, str]:
    """Return the standard deviation of differences over articles, and what it was taken from."""
    runs = [found for folder in folders if (found := _column(folder / TABLE_FILE, column))][:_RUNS]
    spreads = [
        spread
        for one, other in itertools.combinations(runs, 2)
        if (spread := _spread_of_differences(one, other))
    ]
    if spreads:
        return statistics.median(spreads), f"the spread among {len(runs)} stored runs"
    if len(runs) > 1:
        return None, f"the {len(runs)} stored runs do not differ"
    if runs and (spread := _spread(list(runs[0].values()))):
        return (
            spread * math.sqrt(2 * (1 - ASSUMED_CORRELATION)),
            f"the spread of one stored run, two taken to correlate at {ASSUMED_CORRELATION}",
        )
    if metric.range == (0.0, 1.0):
        assumed = ASSUMED["references" if "references" in metric.needs else "article"]
        return assumed, f"no run yet: a standard deviation of {assumed} is assumed"
    return None, "no run yet"


def _spread_of_differences(one: Mapping[str, float], other: Mapping[str, float]) -> float | None:
    both = one.keys() & other.keys()
    ours, theirs = (np.array([scores[key] for key in both]) for scores in (one, other))
    return _spread(paired.subtract(ours, theirs))


def _spread(values: Iterable[float]) -> float | None:
    """Return the standard deviation, None where nothing is spread."""
    column = np.array([*values])[:, np.newaxis]
    error = float(paired.standard_error(column)[0])
    return error * math.sqrt(len(column)) if error > 0 else None


def _column(table: Path, column: str) -> dict[str, float] | None:
    """Return the scores of a stored run by article, or None where it has no such."""
    if not table.is_file():
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_table(table, columns=["id", column]).to_pydict()
    except (OSError, pa.ArrowException):
        return None
    if column not in found:
        return None
    pairs = zip(found["id"], found[column], strict=True)
    return {key: value for key, value in pairs if value is not None}
