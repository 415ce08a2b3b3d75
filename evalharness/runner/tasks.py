"""The second pass of a run: the scores of all cells, a window of articles at a time.

Cells with the same articles are scored together, so that what metrics make of an article (its
words, its index, its embeddings) serves all its summaries. With workers, these write all scores to
the store first; the pass over the articles then finds them there.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TypeVar

from evalharness.config.cells import Cell
from evalharness.config.signature import signature_parts, wanted_checkpoints
from evalharness.executors.tasks import stays
from evalharness.protocols import Pool, Progress, Sent
from evalharness.protocols import Task as Job
from evalharness.records import Article, Rejected, ScoreRecord, Summary, canonical
from evalharness.runner.articles import expected_articles, no_article, windows
from evalharness.runner.scores import Scoring
from evalharness.runner.work import Work, count_summaries
from evalharness.store.samples import Writer
from evalharness.store.store import Store
from evalharness.text import defects

# Pairs of article and summary that a metric is given at once: how much of it is in memory.
PAIRS_AT_ONCE = 4096
# Articles whose summaries a metric is given at once. What a network makes of a text may differ in
# its last digits with the texts beside it: so this is the same on every executor, and small enough
# for some workers to share a run of some hundred articles.
ARTICLES_AT_ONCE = 128


@dataclass(frozen=True)
class Ready:
    """A cell whose files are ready to be written, but for what only the runner knows."""

    work: Work
    writer: Writer
    scorings: dict[str, Scoring]
    together: int


@dataclass(frozen=True)
class Task:
    """A metric, and who asks for it: numbers of works, each with its own label."""

    scoring: Scoring
    asked: list[tuple[int, str]] = field(default_factory=list)


def fill_scores(
    works: Sequence[Work],
    store: Store,
    progress: Progress,
    finish: Callable[[Ready], None],
    pool: Pool | None = None,
) -> None:
    """Score works that have the same articles, and `finish` each when all its articles are in.

    A work whose model is not at rest is summarized on the way. Raises: HarnessError, and what
    metrics raise: then nothing of these works is finished.
    """
    began = time.perf_counter()
    tasks = tasks_of(works, store)
    if pool is not None:
        score_ahead(works, tasks, progress, pool)
    cell = works[0].cell
    with ExitStack() as stack:
        writers = [stack.enter_context(_writer(work)) for work in works]

        def reject(row: Rejected) -> None:
            for writer in writers:
                writer.reject(row)

        total = expected_articles(cell.loader, cell.run_config.limit)
        what = "scores" if pool is None else "files"
        name = cell.name if len(works) == 1 else f"{what} of {len(works)} systems"
        progress.start(name, total and total * len(works))
        for window in windows(cell.loader, cell.run_config.limit, reject):
            _score_window(window, works, tasks, writers)
            if works[0].summarizing.model is None:
                progress.advance(len(window) * len(works))
        progress.end()
        _some_articles(writers[0])
        share = (time.perf_counter() - began) / len(works)
        for number, (work, writer) in enumerate(zip(works, writers, strict=True)):
            work.seconds += share
            if work.summarizing.model is not None:
                work.summaries = count_summaries(work.summarizing)
            finish(Ready(work, writer, _scorings(number, work, tasks), len(works)))


def _scorings(number: int, work: Work, tasks: Sequence[Task]) -> dict[str, Scoring]:
    mine = {at: task.scoring for task in tasks for n, at in task.asked if n == number}
    return {label: mine[label] for label in work.cell.metrics}


def _writer(work: Work) -> Writer:
    run_config = work.cell.run_config
    return Writer(work.path, work.cell.metrics, run_config.interval, run_config.seed)


def tasks_of(works: Sequence[Work], store: Store) -> list[Task]:
    """Return each metric once, whatever the works call it."""
    tasks: dict[str, Task] = {}
    for number, work in enumerate(works):
        for label, metric in work.cell.metrics.items():
            kind = work.cell.metric_kinds[label]
            name = canonical(signature_parts(kind, metric))
            if name not in tasks:
                tasks[name] = Task(Scoring(kind, metric, store))
            tasks[name].asked.append((number, label))
    return list(tasks.values())


def _score_window(
    window: Sequence[Article],
    works: Sequence[Work],
    tasks: Sequence[Task],
    writers: Sequence[Writer],
) -> None:
    summaries = [
        work.summarizing.read(window)
        if work.summarizing.model is None
        else work.summarizing(window)
        for work in works
    ]
    for some, theirs in portions(window, summaries):
        scores: list[dict[str, list[ScoreRecord]]] = [{} for _ in works]
        for number, label, record in score_window(some, theirs, tasks, works):
            scores[number].setdefault(label, []).append(record)
        for work, writer, written, records in zip(works, writers, theirs, scores, strict=True):
            _write(some, work, written, records, writer)


Written = TypeVar("Written", Summary, Summary | None)
# Articles that are scored together, and the summaries of each work.
Unit = tuple[Sequence[Article], Sequence[Sequence[Summary | None]]]


def portions(
    window: Sequence[Article], summaries: Sequence[Sequence[Written]]
) -> Iterator[tuple[Sequence[Article], list[Sequence[Written]]]]:
    """Yield the articles of a window with their summaries by work, a bounded number at once."""
    size = max(1, min(ARTICLES_AT_ONCE, PAIRS_AT_ONCE // len(summaries)))
    for start in range(0, len(window), size):
        yield window[start : start + size], [each[start : start + size] for each in summaries]


def score_window(
    articles: Sequence[Article],
    summaries: Sequence[Sequence[Summary | None]],
    tasks: Sequence[Task],
    works: Sequence[Work],
) -> Iterator[tuple[int, str, ScoreRecord]]:
    """Yield number of work, label and score record, article by article.

    A metric sees the summaries of all works at once, those of one article side by side. Where a
    work has None for a summary, it is not scored.
    """
    for task in tasks:
        asked = _pairs_to_score(task, articles, summaries)
        records = task.scoring([a for _, _, a, _ in asked], [s for _, _, _, s in asked])
        for (number, label, _, _), (record, computed) in zip(asked, records, strict=True):
            works[number].computed[label] += computed
            yield number, label, record


def _pairs_to_score(
    task: Task, articles: Sequence[Article], summaries: Sequence[Sequence[Summary | None]]
) -> list[tuple[int, str, Article, Summary]]:
    """Return number of work, label, article and summary of what a metric is asked for."""
    return [
        (number, label, article, summary)
        for n, article in enumerate(articles)
        for number, label in task.asked
        if (summary := summaries[number][n]) is not None
    ]


def score_ahead(
    works: Sequence[Work],
    tasks: Sequence[Task],
    progress: Progress,
    pool: Pool,
    units: Callable[[Sequence[Work]], Iterator[Unit]] | None = None,
) -> None:
    """Have workers write to the store all scores that it lacks, in the batches of `score_window`.

    Metrics without a network share a pass, in which a worker keeps what they make of an article;
    each network has a pass of its own, as a worker holds one at a time.

    units: gives what is to be scored, if that is not all.
    """
    cell = works[0].cell
    total = expected_articles(cell.loader, cell.run_config.limit)
    sent = [task for task in tasks if not stays(task.scoring.metric)]
    light = [task for task in sent if not is_network(task)]
    for some in ([light] if light else []) + [[task] for task in sent if is_network(task)]:
        components = [Sent(task.scoring.kind, task.scoring.metric) for task in some]
        progress.start(_scores_of(some, works), total and total * len(works))
        jobs = _score_jobs((units or _all_units)(works), some, works, progress)
        with closing(pool.map(components, jobs)) as done:
            for job, results in done:
                taken, pairs = job.ticket
                for (task, batch), scores in zip(taken, results, strict=True):
                    task.scoring.take(batch, scores)
                progress.advance(pairs)
        progress.end()


def is_network(task: Task) -> bool:
    """Tell whether a metric loads weights, and so has its pairs beside each other in batches."""
    return bool(wanted_checkpoints(task.scoring.metric))


def _scores_of(tasks: Sequence[Task], works: Sequence[Work]) -> str:
    kinds = "scores" if len(tasks) > 1 else tasks[0].scoring.kind
    return f"{kinds} of {works[0].cell.name if len(works) == 1 else f'{len(works)} systems'}"


def _all_units(works: Sequence[Work]) -> Iterator[Unit]:
    for window in windows(works[0].cell.loader, works[0].cell.run_config.limit):
        yield from portions(window, [work.summarizing.read(window) for work in works])


def _score_jobs(
    units: Iterator[Unit], tasks: Sequence[Task], works: Sequence[Work], progress: Progress
) -> Iterator[Job]:
    """Yield what the store lacks of the scores by some metrics, a unit a job."""
    for articles, theirs in units:
        taken = []
        for n, task in enumerate(tasks):
            asked = _pairs_to_score(task, articles, theirs)
            batches = task.scoring.lacking([a for _, _, a, _ in asked], [s for *_, s in asked])
            _count(batches, asked, works)
            taken += [(n, task, batch) for batch in batches]
        n_pairs = len(articles) * len(works)
        if not taken:
            progress.advance(n_pairs)
            continue
        yield Job(
            [(n, [pair for _, pair in batch]) for n, _, batch in taken],
            ([(task, batch) for _, task, batch in taken], n_pairs),
            f"the summaries of articles {articles[0].id!r} to {articles[-1].id!r}",
        )


def _count(
    batches: Sequence[Sequence[tuple[str, tuple[Article, Summary]]]],
    asked: Sequence[tuple[int, str, Article, Summary]],
    works: Sequence[Work],
) -> None:
    """Count scores as computed for the first who asked for each, as `score_window` does."""
    first: dict[tuple[int, int], tuple[int, str]] = {}
    for number, label, article, summary in asked:
        first.setdefault((id(article), id(summary)), (number, label))
    for batch in batches:
        for _, (article, summary) in batch:
            number, label = first[id(article), id(summary)]
            works[number].computed[label] += 1


def _write(
    articles: Sequence[Article],
    work: Work,
    summaries: Sequence[Summary],
    scores: dict[str, list[ScoreRecord]],
    writer: Writer,
) -> None:
    for n, (article, summary) in enumerate(zip(articles, summaries, strict=True)):
        flaws = defects.find_defects(article.text, summary, work.summarizing.instructions)
        records = {
            label: _with_band(work.cell, label, scores[label][n], article)
            for label in work.cell.metrics
        }
        writer.add(article, summary, flaws, records)


def _with_band(cell: Cell, label: str, record: ScoreRecord, article: Article) -> ScoreRecord:
    """Add probability and band to a score where the config names a calibration."""
    named = cell.calibrations.get(label)
    return record if named is None else named.calibration.with_band(record, article.source)


def _some_articles(writer: Writer) -> None:
    if not writer.articles:
        raise no_article(writer.rejected, writer.first_rejected)
