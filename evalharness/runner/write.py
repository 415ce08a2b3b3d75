"""`write`: once over the articles and what the store has of them, all files of a run are made.

The second of the two verbs of a run: it computes nothing, and may be called again. What `fill` read
and computed just before is taken from memory, if there was room for it. `run.json` is published
last. Outside tools are told of a run when all its files are on disk; one that fails loses
nothing.
"""

import json
import platform
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evalharness.config.cells import Cell
from evalharness.config.run_config import RunConfig
from evalharness.config.signature import signature_text
from evalharness.errors import DataError, StoreError
from evalharness.executors.local import LocalPool
from evalharness.files.credentials import without_credentials
from evalharness.protocols import Delegating, Pool, Progress, Sent, Silence, Task, Tracked, Tracker
from evalharness.records import Rejected, canonical
from evalharness.runner.articles import Unit, expected_articles, no_article, units, windows
from evalharness.runner.fill import Filled, FilledGroup, SignedProgress
from evalharness.runner.scores import Scoring
from evalharness.runner.summaries import FilledCell
from evalharness.store.aggregates import (
    SampleBlock,
    SampleMaker,
    SamplesOfCell,
    StoredSamples,
    Tally,
)
from evalharness.store.ledger import Ledger, mirror_of
from evalharness.store.runs import Figure, Run, add_trackers, checked_run
from evalharness.store.samples import COLUMNS_FROM, Writer

# Of what a tracker's error says, in characters.
LONGEST_ERROR = 300


def write(
    filled: Filled, results: Path, progress: Progress | None = None, pool: Pool | None = None
) -> list[Run]:
    """Write the runs of filled cells below a folder and return them; note those that fail.

    pool: whose workers make the lines of samples, if any are there; else that is done here.
    Raises: StoreError; DataError that all cells have in common; what keeps an only cell from being
        a run.
    """
    with SignedProgress(filled, progress or Silence()) as signed:
        runs = _write_groups(filled, results, signed, pool or LocalPool())
    if len(filled.cells) == 1:
        for why in filled.failures.values():
            raise why
    return [runs[cell.name] for cell in filled.cells if cell.name in runs]


def _write_groups(filled: Filled, results: Path, progress: Progress, pool: Pool) -> dict[str, Run]:
    runs: dict[str, Run] = {}
    made_with = filled.made_with()
    waiting = deque(filled.groups)
    while waiting:
        group = waiting.popleft()
        cells = [of_cell.cell for of_cell in group.cells if of_cell.cell.name not in runs]
        filled.at_work = group.cells
        try:
            writing = _write_group(group, results, made_with, progress, filled, pool)
            for run in writing:
                runs[run.name] = run
        except OSError:  # the results folder's
            raise
        except Exception as error:
            if len(group.cells) > 1 and not isinstance(error, DataError | StoreError):
                rest = [alone for alone in group.alone() if alone.cells[0].cell.name not in runs]
                waiting.extendleft(reversed(rest))
            else:
                filled.note_failure(cells, error)
        group.rest()
    return runs


def _write_group(
    group: FilledGroup,
    results: Path,
    made_with: Mapping[str, Any],
    progress: Progress,
    filled: Filled,
    pool: Pool,
) -> Iterator[Run]:
    """Write runs with the same articles, and yield each when its files are on disk."""
    began, n = time.perf_counter(), len(group.cells)
    cell = group.cells[0].cell
    with ExitStack() as stack:
        writers: list[Writer] = []
        for each in group.cells:
            same = writers[0] if writers else None
            writer = _writer(each.cell, results, filled.marks, same)
            writers.append(stack.enter_context(writer))

        def reject(row: Rejected) -> None:
            for writer in writers:
                writer.reject(row)

        total = expected_articles(cell.loader, cell.run_config.limit)
        name = cell.name if n == 1 else f"{n} systems"
        progress.start(f"files of {name}", total and total * n)
        tasks = _tasks(_units(group, reject), group)
        with closing(pool.map([_sample_maker(group)], tasks)) as made:
            for blocks in _in_order(made):
                for writer, block in zip(writers, blocks, strict=True):
                    writer.extend(block)
                progress.advance(len(blocks[0].lines) * n)
        progress.end()
        if not writers[0].articles:
            raise no_article(writers[0].rejected, writers[0].first_rejected)
        seconds = (time.perf_counter() - began) / n
        for number, (of_cell, writer) in enumerate(zip(group.cells, writers, strict=True)):
            of_cell.seconds += seconds
            spent = {} if filled.account is None else {"spent": filled.account.record()}
            yield _finished_run(number, group, writer, results, made_with, spent)


def _writer(
    cell: Cell, results: Path, marks: Mapping[str, Sequence[Path]], same: Writer | None
) -> Writer:
    run_config, own = cell.run_config, marks.get(cell.name, ())
    return Writer(
        cell.folder(results),
        cell.metrics,
        run_config.interval,
        run_config.seed,
        own,
        columns_from(run_config),
        same,
    )


def columns_from(run_config: RunConfig) -> int | None:
    """Return from how many articles on texts are written in columns; None: in lines always."""
    if run_config.samples is not None:
        return 1 if run_config.samples == "columns" else None
    is_scored_file = run_config.data.name == "outputs"  # of `score`: whoever gave rows reads rows
    return None if is_scored_file else COLUMNS_FROM


def _sample_maker(group: FilledGroup) -> Sent:
    """Return what makes the samples of a group's cells, wherever that is done."""
    cells = [
        SamplesOfCell(
            tuple(of_cell.cell.metrics),
            of_cell.summarizing.instructions,
            {label: named.calibration for label, named in of_cell.cell.calibrations.items()},
        )
        for of_cell in group.cells
    ]
    return Sent("samples", SampleMaker(tuple(cells)))


def _units(group: FilledGroup, reject: Callable[[Rejected], object]) -> Iterator[Unit]:
    """Yield the articles of a group with their summaries; `reject` is told of rows without one."""
    if group.kept.is_whole:
        for row in group.kept.rejected:
            reject(row)
        yield from group.kept.units
        return
    cell = group.cells[0].cell
    for window in windows(cell.loader, cell.run_config.limit, reject):
        yield from units(window, [of_cell.summarizing.read(window) for of_cell in group.cells])


def _tasks(read: Iterable[Unit], group: FilledGroup) -> Iterator[Task]:
    """Yield what the store has of articles, a unit a task, numbered."""
    for number, unit in enumerate(read):
        name = f"the lines of articles {unit.articles[0].id!r} to {unit.articles[-1].id!r}"
        yield Task([(0, (unit.articles, _stored_samples(unit, group)))], number, name)


def _stored_samples(unit: Unit, group: FilledGroup) -> list[StoredSamples]:
    scores: list[dict[str, list[bytes]]] = [{} for _ in group.cells]
    for scoring in group.scorings:
        for cell, label, text in scoring.texts(unit):
            scores[cell].setdefault(label, []).append(text)
    stored = []
    for of_cell, summaries, texts in zip(group.cells, unit.summaries, scores, strict=True):
        own = [summary for summary in summaries if summary is not None]  # all are ours
        known = of_cell.summarizing.known_defects(unit.articles)
        in_order = {label: texts[label] for label in of_cell.cell.metrics}
        stored.append(StoredSamples(own, known, in_order))
    return stored


def _in_order(
    made: Iterable[tuple[Task, list[list[SampleBlock]]]],
) -> Iterator[list[SampleBlock]]:
    """Yield what came of tasks in the order of their numbers, whoever was done first."""
    waiting: dict[int, list[SampleBlock]] = {}
    following = 0
    for task, (blocks,) in made:
        waiting[task.ticket] = blocks
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def _finished_run(
    number: int,
    group: FilledGroup,
    writer: Writer,
    results: Path,
    made_with: Mapping[str, Any],
    spent: Mapping[str, Any],
) -> Run:
    """Write the files of a run that has all its articles, and tell its trackers.

    spent: what this call of the command spent on servers, for all its runs.
    """
    of_cell = group.cells[number]
    cell, folder = of_cell.cell, of_cell.cell.folder(results)
    scorings = {
        label: scoring
        for label in cell.metrics
        for scoring in group.scorings
        if (number, label) in scoring.asking
    }
    ledgers = [of_cell.summarizing.ledger, *(scoring.ledger for scoring in scorings.values())]
    tail = {
        **usage_record(cell, writer),
        "signatures": _signatures(of_cell, scorings),
        "provenance": {**_all_versions(ledgers, made_with), **_engines(cell)},
        "timing": {**_timing(of_cell, scorings, group.together, writer.articles), **spent},
    }
    config = cell.config(None if mirror_of(results) else folder)
    run = checked_run(folder, writer.finish(_head(cell), tail, config))
    return tell_trackers(cell.trackers, run, results, cell.settings) if cell.trackers else run


def usage_record(cell: Cell, tally: Tally) -> dict[str, Any]:
    """Return how many requests and tokens a run rests on, and what they cost at today's prices.

    Nothing of a run that asked no server and no judge. What is stored counts as what was computed.
    """
    usage = {label: column.usage for label, column in tally.columns.items() if column.usage}
    if getattr(cell.model, "asks_server", False) or usage:
        usage = {"summaries": tally.outputs.usage, **usage} if tally.outputs.usage else usage
    if not usage:
        return {}
    rows: dict[str, dict[str, float]] = {}
    for name, counts in usage.items():
        component = cell.model if name == "summaries" else cell.metrics[name]
        cost = _cost(component, counts)
        rows[name] = {key: counts[key] for key in ("requests", "tokens_in", "tokens_out")}
        rows[name] |= {} if cost is None else {"usd": cost}
    total: Counter[str] = Counter()
    for row in rows.values():
        total.update(row)
    return {"usage": {**rows, "total": dict(total)}}


def _cost(component: Any, counts: Mapping[str, int]) -> float | None:
    """Return what tokens cost in USD; None where a price is not known.

    Of a panel, each judge has its own price; what a checkpoint computes costs nothing.
    """
    judges = [getattr(component, "endpoint", None) or component]
    judges += getattr(component, "panel", None) or ()
    n_in, n_out = counts["tokens_in"], counts["tokens_out"]
    used = []
    for number in range(2, len(judges) + 1):
        used.append((counts[f"tokens_in_{number}"], counts[f"tokens_out_{number}"]))
        n_in, n_out = n_in - used[-1][0], n_out - used[-1][1]
    asked = zip(judges, [(n_in, n_out), *used], strict=True)
    costs = [judge.cost(*of) for judge, of in asked if getattr(judge, "asks_server", False)]
    known = [cost for cost in costs if cost is not None]
    return round(sum(known), 9) if costs and len(known) == len(costs) else None


def _all_versions(ledgers: Sequence[Ledger], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run was made with: what computed it first, and `also` what else took part.

    ledgers: of the summaries, then of the scores, all read. now: what wrote the run's own files.
    `unrecorded` counts the ledgers with records of which nobody knows what made them.
    """
    known = [versions for ledger in ledgers for versions in ledger.versions_read()]
    distinct = list({canonical(v): v for v in [*known, now] if v is not None}.values())
    also = {"also": distinct[1:]} if len(distinct) > 1 else {}
    unrecorded = sum(None in ledger.versions_read() for ledger in ledgers)
    return {**distinct[0], **also, **({"unrecorded": unrecorded} if unrecorded else {})}


def _head(cell: Cell) -> dict[str, Any]:
    return {
        "experiment": cell.experiment,
        "cell": cell.name,
        "seed": cell.run_config.seed,
        "interval": asdict(cell.run_config.interval),
        "data": {"loader": cell.run_config.data.name, **cell.data_identity},
    }


def _signatures(of_cell: FilledCell, scorings: Mapping[str, Scoring]) -> dict[str, Any]:
    """Return what made each number, as one line to quote."""
    calibrations = of_cell.cell.calibrations
    quoted = {label: {"calibration": named.quote()} for label, named in calibrations.items()}
    return {
        "model": signature_text(of_cell.summarizing.signature),
        "metrics": {
            label: signature_text(scoring.signature | quoted.get(label, {}))
            for label, scoring in scorings.items()
        },
    }


def _engines(cell: Cell) -> dict[str, Any]:
    """Return which packages count for metrics of ours, where one does."""
    engines = {
        label: by
        for label, metric in cell.metrics.items()
        if isinstance(metric, Delegating) and (by := metric.counted_by())
    }
    return {"engines": engines} if engines else {}


def _timing(
    of_cell: FilledCell, scorings: Mapping[str, Scoring], together: int, n: int
) -> dict[str, Any]:
    """Return all that differs between two runs of the same config.

    seconds: of the cell's summaries, and its share of what was done for it and others together.
    """
    seconds, generation = of_cell.seconds, of_cell.summarizing.generation
    ledgers = [of_cell.summarizing.ledger, *(scoring.ledger for scoring in scorings.values())]
    return {
        "started": of_cell.started,
        "seconds": round(seconds, 3),
        "articles_per_second": round(n / seconds, 3) if seconds > 0 else None,
        "scored_together": together,
        "host": platform.node(),
        "damaged": [f"{ledger.path}:{line}" for ledger in ledgers for line in ledger.damaged],
        "summaries": of_cell.summaries,
        **({"generation": generation} if generation else {}),
        "scores": {
            label: {"computed": of_cell.scores[label], "stored": n - of_cell.scores[label]}
            for label in scorings
        },
    }


def tell_trackers(
    trackers: Mapping[str, Tracker], run: Run, results: Path, settings: Mapping[str, Any]
) -> Run:
    """Tell each tracker of a run, and return the run with what came of it in its `run.json`.

    results: the folder of all runs. settings: what a sweep set in this one. This is the one case
    in which `run.json` is written again: a tracker uploads it with the other files, so that it must
    be there before anything can have come of that.
    """
    told = to_be_tracked(run, results, settings)
    return add_trackers(run, {key: _track_run(tracker, told) for key, tracker in trackers.items()})


def to_be_tracked(run: Run, results: Path, settings: Mapping[str, Any]) -> Tracked:
    """Return a run as trackers are told of it."""
    return Tracked(
        experiment=run.experiment,
        name=run.name,
        results=results,
        folder=run.folder,
        files=run.small_files(),
        samples=run.samples_file,
        texts=run.text_files(),
        read=run.samples,
        settings=settings,
        record=run.record,
        started=run.timing.started,
        scorers=tuple(run.figures),
        parameters=_parameters(run, settings),
        figures=_figures(run),
    )


def _parameters(run: Run, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return what made the run: signatures, data, seed, settings of the sweep, versions."""
    parameters = {
        "experiment": run.experiment,
        "cell": run.name,
        "seed": run.seed,
        **{f"data.{key}": value for key, value in run.data.items()},
        **{f"sweep.{key}": value for key, value in settings.items()},
        "signature.model": run.signatures.model,
        **{f"signature.{label}": made for label, made in run.signatures.metrics.items()},
        "evalharness": run.provenance.get("evalharness"),
        "git": run.provenance.get("git"),
    }
    return {key: _as_text(value) for key, value in parameters.items() if value is not None}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _figures(run: Run) -> dict[str, float]:
    """Return means with their intervals by name, and counts; what has no value is left out.

    `rouge.rouge1` is a mean, `rouge.rouge1.low` and `.high` the ends of its interval.
    """
    outputs = run.outputs
    figures: dict[str, float | None] = {
        **{f"articles.{key}": n for key, n in asdict(run.counts).items()},
        "outputs.answer_rate": outputs.answer_rate,
        "outputs.mean_words": outputs.mean_words,
        "outputs.truncated": outputs.truncated,
    }
    for label, scorer in run.figures.items():
        figures |= _ends(label, scorer) | {f"{label}.not_scored": scorer.not_scored}
        figures |= {f"{label}.corpus": scorer.corpus}
        figures |= {f"{label}.flags.{kind}": n for kind, n in scorer.flags.items()}
        for part, figure in scorer.parts.items():
            figures |= _ends(f"{label}.{part}", figure)
    return {name: float(value) for name, value in figures.items() if value is not None}


def _ends(name: str, figure: Figure) -> dict[str, float | None]:
    ends = {f"{name}.low": figure.low, f"{name}.high": figure.high, f"{name}.n": figure.n}
    return {name: figure.mean, **ends}


def _track_run(tracker: Tracker, tracked: Tracked) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        came: dict[str, Any] = {"where": tracker.track(tracked)}
    except Exception as error:  # of a tool that is not ours, which may raise what it likes
        came = {"error": _one_line(error), "required": tracker.required}
    return {**came, "seconds": round(time.perf_counter() - began, 3)}


def _one_line(error: Exception) -> str:
    """Return what an error says in one line, with its kind, and without passwords."""
    line = " ".join(f"{type(error).__name__}: {error}".split())
    line = re.sub(r"(?<=://)[^/@\s]*@", "", without_credentials(line))
    return line if len(line) <= LONGEST_ERROR else f"{line[: LONGEST_ERROR - 1]}…"
