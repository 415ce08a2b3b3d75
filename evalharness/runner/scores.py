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
from evalharness.runner.articles import KeptUnits, Unit, expected_articles, windows
from evalharness.runner.summaries import BehindLedger, FilledCell, Share
from evalharness.store.store import Store, check_length, content_key

# Articles whose pairs a worker is given at once by metrics that look at each pair by itself: few,
# so that all workers end at about the same time.
ARTICLES_A_PIECE = 32
# Windows that are summarized, by models that have no pass of their own, before they are scored.
WINDOWS_AT_ONCE = 4


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


@dataclass(eq=False)
class Scoring(BehindLedger):
    """A metric behind its ledger, and the cells that ask for it: their numbers, with its label.

    kept: takes what was computed and stored, too, for whoever reads it soon.
    passing: by key, the text of what has no score today; the ledger does not keep that.
    """

    ledger_name = "scores"

    kind: str
    metric: Metric
    store: Store
    kept: KeptUnits
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
        for (cell, label, article, summary), key in zip(
            self._asked(unit), self._keys(unit), strict=True
        ):
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
        stored = [(key, score.text) for key, score in keyed if not score.passing]
        self.kept.add_texts(self, self.ledger.append_texts(stored, is_put=True))
        self.passing |= {key: score.text.encode() for key, score in keyed if score.passing}
        self._in_work.difference_update(keys)

    def texts(self, unit: Unit) -> Iterator[tuple[int, str, bytes]]:
        """Yield number of cell, label and score of what a unit has, article by article.

        A score is the JSON of its record. Raises: StoreError where the ledger lacks one.
        """
        keys = self._keys(unit)
        stored = [key for key in keys if key and key not in self.passing]
        records = iter(self.ledger.texts(stored, self.kept.texts.get(self, {})))
        for (cell, label, _, summary), key in zip(self._asked(unit), keys, strict=True):
            if not key:
                none = Score(None, note=f"no summary: {summary.note}")
                yield cell, label, stored_text(score_record(none)).encode()
            else:
                yield cell, label, self.passing[key] if key in self.passing else next(records)

    def _asked(self, unit: Unit) -> Iterator[tuple[int, str, Article, Summary]]:
        """Yield what the cells ask for: number of cell, label, article and summary."""
        of_cells = [(cell, label, unit.summaries[cell]) for cell, label in self.asking]
        for n, article in enumerate(unit.articles):
            for cell, label, summaries in of_cells:
                if (summary := summaries[n]) is not None:
                    yield cell, label, article, summary

    def _keys(self, unit: Unit) -> Sequence[str]:
        """Return the key of each that is asked for; empty where there is no summary to score."""
        if (known := unit.keys.get(self)) is None:
            known = unit.keys[self] = [*self._new_keys(unit)]
        return known

    def _new_keys(self, unit: Unit) -> Iterator[str]:
        last, content = None, ""
        for _, _, article, summary in self._asked(unit):
            if summary.finish == "error":
                yield ""
                continue
            if article is not last:
                last, content = article, content_key(article, self.metric.needs)
            yield digest(summary.text, content)

    def _check(self, score: ScoreText, missing: MissingScore) -> None:
        """Refuse what would poison the ledger. Raises: ModelError that names the component."""
        if score.flaw:
            message = f"a bug of the component: {score.flaw}, for article {missing.article.id!r}"
            raise ModelError(f"{self.signature['name']}: {message}")


def scorings_of(cells: Sequence[FilledCell], store: Store, kept: KeptUnits) -> list[Scoring]:
    """Return each metric once, whatever the cells call it; kept: as of each."""
    scorings: dict[str, Scoring] = {}
    for number, filled in enumerate(cells):
        for label, metric in filled.cell.metrics.items():
            kind = filled.cell.metric_kinds[label]
            name = canonical(signature_parts(kind, metric))
            if name not in scorings:
                scorings[name] = Scoring(kind, metric, store, kept)
            scorings[name].asking.append((number, label))
    return list(scorings.values())


def fill_scores(
    cells: Sequence[FilledCell],
    store: Store,
    pool: Pool,
    share: Share,
    progress: Progress,
    kept: KeptUnits,
) -> list[Scoring]:
    """Write the scores that are ours and that the store lacks, of cells with the same articles.

    Summaries that had no pass of their own are written on the way.

    kept: takes what is read and computed, while it has room.
    Raises: HarnessError, and what components raise.
    """
    scorings = scorings_of(cells, store, kept)
    for some, units_to_score in _passes(cells, scorings, pool, share, progress, kept):
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


def _passes(
    cells: Sequence[FilledCell],
    scorings: Sequence[Scoring],
    pool: Pool,
    share: Share,
    progress: Progress,
    kept: KeptUnits,
) -> Iterator[tuple[list[Scoring], Iterable[Unit]]]:
    """Yield what is scored in one go over articles: metrics, and the units.

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
        numbered = enumerate(windows(first.loader, first.run_config.limit, kept.reject))
        # As many windows at a time as can be summarized at once, and some more: after each stretch
        # all workers wait for the last scores of it.
        at_once = max(pool.size, WINDOWS_AT_ONCE)
        while unfilled and (stretch := list(islice(numbered, at_once))):
            for job, summarizing in unfilled.items():
                summarizing.fill(((window, share.claim(job, n)) for n, window in stretch), pool)
            yield light, kept.pass_on(share.units(cells, [w for _, w in stretch], None))
        for summarizing in unfilled.values():
            summarizing.end()
        yield light, kept.pass_on(share.units(cells, (w for _, w in numbered), None))
        kept.end()
        progress.end()
    for scoring, network in [(s, None) for s in asking] + [(s, n) for n, s in enumerate(networks)]:
        progress.start(_name_of_pass([scoring], cells), total and total * len(cells))
        read = windows(first.loader, first.run_config.limit)
        yield [scoring], kept.units if kept.is_whole else share.units(cells, read, network)
        progress.end()


def _name_of_pass(scorings: Sequence[Scoring], cells: Sequence[FilledCell]) -> str:
    kinds = scorings[0].kind if len(scorings) == 1 else "scores"
    return f"{kinds} of {cells[0].cell.name if len(cells) == 1 else f'{len(cells)} systems'}"


def _tasks(
    own_units: Iterable[Unit], scorings: Sequence[Scoring], n_cells: int, progress: Progress
) -> Iterator[Task]:
    """Yield what the store lacks: a unit in pieces, but for networks whole, and costly batches."""
    for unit in own_units:
        articles = unit.articles
        name = f"the summaries of articles {articles[0].id!r} to {articles[-1].id!r}"
        together = []
        for n, scoring in enumerate(scorings):
            for batch in scoring.missing_batches(unit):
                if isinstance(scoring.metric, Costly):
                    yield from _pieces([(n, batch)], articles, len(articles), name, scorings)
                else:
                    together.append((n, batch))
        if together:
            is_light = not any(s.is_network or must_stay(s.metric) for s in scorings)
            # Who scores for a ledger at a URL puts what is stored there: a batch, and no piece.
            is_whole = not is_light or any(scorings[n].ledger.is_at_url for n, _ in together)
            most = len(articles) if is_whole else ARTICLES_A_PIECE
            yield from _pieces(together, articles, most, name, scorings)
        progress.advance(len(articles) * n_cells)


def _pieces(
    batches: list[_Batch],
    articles: Sequence[Article],
    most: int,
    name: str,
    scorings: Sequence[Scoring],
) -> Iterator[Task]:
    """Yield batches in tasks of so many articles; an article's summaries stay side by side."""
    number = {id(article): n // most for n, article in enumerate(articles)}
    pieces: dict[int, dict[int, list[Pair]]] = {}
    for n, batch in batches:
        for missing in batch:
            of_piece = pieces.setdefault(number[id(missing.article)], {})
            of_piece.setdefault(n, []).append((missing.article, missing.summary))
    work = _Work(batches, len(pieces))
    keys = {n: [missing.key for missing in batch] for n, batch in batches}
    for at, piece in enumerate(pieces[key] for key in sorted(pieces)):
        keep = [scorings[n].ledger.putter(keys[n]) for n in piece]
        yield Task(list(piece.items()), (work, at), name, keep)
