"""The second half of `fill`: the scores that the store lacks, of cells with the same articles.

What metrics make of an article (its words, its index, its embeddings) thus serves all its
summaries. A score of the same texts is never computed again.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice

from evalharness.config.signature import signature_parts, wanted_checkpoints
from evalharness.errors import ModelError
from evalharness.executors.local import must_stay
from evalharness.protocols import Costly, Metric, Pair, Pool, Progress, Sent, Task
from evalharness.records import (
    Article,
    Score,
    ScoreText,
    Summary,
    canonical,
    digest,
    score_record,
    stored_text,
)
from evalharness.runner.articles import Unit, expected_articles, windows
from evalharness.runner.summaries import BehindLedger, FilledCell, Share
from evalharness.store.store import Store, check_length, content_key

# Articles whose pairs a worker is given at once by metrics that look at each pair by itself: few,
# so that all workers end at about the same time.
ARTICLES_A_PIECE = 32


@dataclass(frozen=True)
class MissingScore:
    """A score that the ledger lacks: its key and texts, and the first cell that asks for it."""

    key: str
    article: Article
    summary: Summary
    cell: int
    label: str


# The number of a scoring, and what it is to score at once.
_Batch = tuple[int, list[MissingScore]]


@dataclass
class _Work:
    """Batches that are scored in pieces, and stored whole when the last piece is done.

    batches: each with the number of its scoring. pieces: by their number, what came of a piece.
    """

    batches: list[_Batch]
    n_pieces: int = 0
    pieces: dict[int, list[tuple[int, list[ScoreText]]]] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Whether all pieces are there."""
        return len(self.pieces) == self.n_pieces

    def scores(self) -> Iterator[tuple[int, list[MissingScore], list[ScoreText]]]:
        """Yield number of scoring, batch and scores of each batch."""
        by_scoring: dict[int, list[ScoreText]] = {}
        for at in range(self.n_pieces):
            for n, scores in self.pieces[at]:
                by_scoring.setdefault(n, []).extend(scores)
        for n, batch in self.batches:
            yield n, batch, by_scoring[n]


@dataclass
class Scoring(BehindLedger):
    """A metric behind its ledger, and the cells that ask for it: their numbers, with its label.

    passing: by key, the text of what has no score today; the ledger does not keep that.
    """

    ledger_name = "scores"

    kind: str
    metric: Metric
    store: Store
    asking: list[tuple[int, str]] = field(default_factory=list)
    passing: dict[str, bytes] = field(default_factory=dict)
    _in_work: set[str] = field(default_factory=set)  # keys of what a worker is to score

    def __post_init__(self) -> None:
        """Make the signature. Raises: ModelError."""
        self.signature = signature_parts(self.kind, self.metric)

    @property
    def is_network(self) -> bool:
        """Whether the metric loads weights, and so has pairs beside each other in batches."""
        return bool(wanted_checkpoints(self.metric))

    def missing_batches(self, unit: Unit) -> list[list[MissingScore]]:
        """Return the batches that the ledger lacks and no worker has.

        A metric sees the summaries of all cells at once, those of one article side by side.
        """
        missing: dict[str, MissingScore] = {}
        for (cell, label, article, summary), key in self._keyed(unit):
            if key and not self._has(key):
                missing.setdefault(key, MissingScore(key, article, summary, cell, label))
        self._in_work.update(missing)
        wanted = list(missing.values())
        n = self.metric.together if isinstance(self.metric, Costly) else max(1, len(wanted))
        return [wanted[start : start + n] for start in range(0, len(wanted), n)]

    def _has(self, key: str) -> bool:
        return key in self.ledger or key in self._in_work or key in self.passing

    def record(self, batch: Sequence[MissingScore], scores: Sequence[ScoreText]) -> None:
        """Write the scores of a batch that was missing. Raises: ModelError, StoreError."""
        check_length(self.signature["name"], len(scores), len(batch))
        for score, missing in zip(scores, batch, strict=True):
            self._check(score, missing)
        keys = [missing.key for missing in batch]
        keyed = list(zip(keys, scores, strict=True))
        self.ledger.append_texts([(key, score.text) for key, score in keyed if not score.passing])
        self.passing |= {key: score.text.encode() for key, score in keyed if score.passing}
        self._in_work.difference_update(keys)

    def texts(self, unit: Unit) -> Iterator[tuple[int, str, bytes]]:
        """Yield number of cell, label and score of what a unit has, article by article.

        A score is the JSON of its record. Raises: StoreError where the ledger lacks one.
        """
        asked = list(self._keyed(unit))
        stored = [key for _, key in asked if key and key not in self.passing]
        records = iter(self.ledger.texts(stored))
        for (cell, label, _, summary), key in asked:
            if not key:
                none = Score(None, note=f"no summary: {summary.note}")
                yield cell, label, stored_text(score_record(none)).encode()
            else:
                yield cell, label, self.passing[key] if key in self.passing else next(records)

    def _keyed(self, unit: Unit) -> Iterator[tuple[tuple[int, str, Article, Summary], str]]:
        """Yield what the cells ask for, with its key; empty where there is no summary to score."""
        articles, summaries = unit
        for n, article in enumerate(articles):
            content = ""
            for cell, label in self.asking:
                if (summary := summaries[cell][n]) is None:
                    continue
                key = ""
                if summary.finish != "error":
                    content = content or content_key(article, self.metric.needs)
                    key = digest(summary.text, content)
                yield (cell, label, article, summary), key

    def _check(self, score: ScoreText, missing: MissingScore) -> None:
        """Refuse what would poison the ledger. Raises: ModelError that names the component."""
        if score.flaw:
            message = f"a bug of the component: {score.flaw}, for article {missing.article.id!r}"
            raise ModelError(f"{self.signature['name']}: {message}")


def scorings_of(cells: Sequence[FilledCell], store: Store) -> list[Scoring]:
    """Return each metric once, whatever the cells call it."""
    scorings: dict[str, Scoring] = {}
    for number, filled in enumerate(cells):
        for label, metric in filled.cell.metrics.items():
            kind = filled.cell.metric_kinds[label]
            name = canonical(signature_parts(kind, metric))
            if name not in scorings:
                scorings[name] = Scoring(kind, metric, store)
            scorings[name].asking.append((number, label))
    return list(scorings.values())


def fill_scores(
    cells: Sequence[FilledCell], store: Store, pool: Pool, share: Share, progress: Progress
) -> list[Scoring]:
    """Write the scores that are ours and that the store lacks, of cells with the same articles.

    Summaries that had no pass of their own are written on the way. Raises: HarnessError, and what
    components raise.
    """
    scorings = scorings_of(cells, store)
    for some, own_windows, network in _passes(cells, scorings, pool, share, progress):
        units_to_score = share.units(cells, own_windows, network)
        tasks = _tasks(units_to_score, some, len(cells), progress)
        components = [Sent(scoring.kind, scoring.metric) for scoring in some]
        with closing(pool.map(components, tasks)) as results:
            for task, of_piece in results:
                work, piece = task.ticket
                numbers = [n for n, _ in task.batches]
                work.pieces[piece] = list(zip(numbers, of_piece, strict=True))
                for n, batch, scores in work.scores() if work.is_done else ():
                    some[n].record(batch, scores)
                    for missing in batch:
                        cells[missing.cell].scores[missing.label] += 1
    return scorings


# What is scored at a time: metrics, the windows, and the number of a network.
_Pass = tuple[list[Scoring], Iterable[Sequence[Article]], int | None]


def _passes(
    cells: Sequence[FilledCell],
    scorings: Sequence[Scoring],
    pool: Pool,
    share: Share,
    progress: Progress,
) -> Iterator[_Pass]:
    """Yield what is scored in one go over articles.

    Metrics without a network share a pass, in which a worker keeps what they make of an article; a
    network has one of its own, as a worker holds one at a time, and so has what the driver asks of
    a server.
    """
    first = cells[0].cell
    total = expected_articles(first.loader, first.run_config.limit)
    networks = [s for s in scorings if s.is_network]
    light = [s for s in scorings if not (s.is_network or must_stay(s.metric))]
    asking = [s for s in scorings if must_stay(s.metric) and not s.is_network]
    unfilled = {c.job: c.summarizing for c in cells if not c.summarizing.is_whole}
    if light or unfilled:
        progress.start(_name_of_pass(light, cells), total and total * len(cells))
        numbered = enumerate(windows(first.loader, first.run_config.limit))
        # As many windows at a time as can be summarized at once.
        while unfilled and (stretch := list(islice(numbered, pool.size))):
            for job, summarizing in unfilled.items():
                summarizing.fill(((window, share.claim(job, n)) for n, window in stretch), pool)
            yield light, [window for _, window in stretch], None
        for summarizing in unfilled.values():
            summarizing.end()
        yield light, (window for _, window in numbered), None
        progress.end()
    for scoring, network in [(s, None) for s in asking] + [(s, n) for n, s in enumerate(networks)]:
        progress.start(_name_of_pass([scoring], cells), total and total * len(cells))
        yield [scoring], windows(first.loader, first.run_config.limit), network
        progress.end()


def _name_of_pass(scorings: Sequence[Scoring], cells: Sequence[FilledCell]) -> str:
    kinds = scorings[0].kind if len(scorings) == 1 else "scores"
    return f"{kinds} of {cells[0].cell.name if len(cells) == 1 else f'{len(cells)} systems'}"


def _tasks(
    own_units: Iterator[Unit], scorings: Sequence[Scoring], n_cells: int, progress: Progress
) -> Iterator[Task]:
    """Yield what the store lacks: a unit in pieces, but for networks whole, and costly batches."""
    for unit in own_units:
        articles, _ = unit
        name = f"the summaries of articles {articles[0].id!r} to {articles[-1].id!r}"
        together = []
        for n, scoring in enumerate(scorings):
            for batch in scoring.missing_batches(unit):
                if isinstance(scoring.metric, Costly):
                    yield from _pieces([(n, batch)], articles, len(articles), name)
                else:
                    together.append((n, batch))
        if together:
            is_light = not any(s.is_network or must_stay(s.metric) for s in scorings)
            most = ARTICLES_A_PIECE if is_light else len(articles)
            yield from _pieces(together, articles, most, name)
        progress.advance(len(articles) * n_cells)


def _pieces(
    batches: list[_Batch], articles: Sequence[Article], most: int, name: str
) -> Iterator[Task]:
    """Yield batches in tasks of so many articles; an article's summaries stay side by side."""
    number = {id(article): n // most for n, article in enumerate(articles)}
    pieces: dict[int, dict[int, list[Pair]]] = {}
    for n, batch in batches:
        for missing in batch:
            of_piece = pieces.setdefault(number[id(missing.article)], {})
            of_piece.setdefault(n, []).append((missing.article, missing.summary))
    work = _Work(batches, len(pieces))
    for at, piece in enumerate(pieces[key] for key in sorted(pieces)):
        yield Task(list(piece.items()), (work, at), name)
