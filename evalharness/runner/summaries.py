"""The first half of `fill`: the summaries that the store lacks, each content once, ever.

A model is loaded once for all cells that use it, and is gone before another is; with workers, each
of them holds one, and the driver none.
"""

import copy
import dataclasses
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from typing import Any, ClassVar, Literal

from evalharness.config.cells import Cell
from evalharness.config.signature import signature_parts
from evalharness.errors import ModelError
from evalharness.protocols import (
    Batching,
    GenerationQuery,
    Gradual,
    MemoryBound,
    Pool,
    Progress,
    Prompted,
    Sent,
    Summarizer,
    Task,
)
from evalharness.records import (
    Article,
    Begun,
    Defect,
    PartAnswers,
    Summary,
    digest,
    summary_of,
    summary_record,
)
from evalharness.runner.articles import Claim, Unit, claim_all, expected_articles, units, windows
from evalharness.store.ledger import Ledger
from evalharness.store.store import KEPT_KEYS, Store, check_length, content_key

Batch = Sequence[tuple[str, Article]]


@dataclass
class TimeLeft:
    """What is known of the summaries to come, and what those that came have cost.

    An article costs a number of seconds, for what is written of it, and so many a character, for
    what is read of it: the long articles come first. Both are fitted to the batches so far; until
    these tell them from each other, each is held to be half of what an average article costs.

    ahead: how many articles are to come that no window has shown yet; None where nobody knows.
    lengths: by key, characters of the articles that are missing, as far as windows have shown them.
    most: characters that the model reads of an article, once it has cut one.
    steps: of each batch that came: articles, characters, seconds.
    """

    ahead: int | None
    lengths: dict[str, int] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)
    most: int | None = None
    steps: list[tuple[int, int, float]] = field(default_factory=list)
    _last: float = 0.0

    def start(self) -> None:
        """Begin to measure."""
        self._last = time.monotonic()

    def expect(self, articles: int, lengths: Mapping[str, int]) -> None:
        """Take a window: how many articles it has, and how long those are that are missing."""
        if self.ahead is not None:
            self.ahead = max(0, self.ahead - articles)
        self.lengths |= lengths
        self.shown = dict(lengths) or self.shown

    def drop(self, keys: Iterable[str]) -> None:
        """Take that another process has written these."""
        for key in keys:
            self.lengths.pop(key, None)

    def record(
        self, read: Mapping[str, int | None], in_parts: Mapping[str, int] | None = None
    ) -> None:
        """Take a batch that came just now: by key, how much of each article was read.

        in_parts: likewise, of articles that are not done with that.
        """
        now = time.monotonic()
        parts = {key: min(n, self.lengths.get(key, 0)) for key, n in (in_parts or {}).items()}
        self.lengths |= {key: self.lengths.get(key, 0) - n for key, n in parts.items()}
        lengths = {key: self.lengths.pop(key, 0) for key in read}
        cut = [n for key, n in read.items() if n is not None and 0 < n < lengths[key]]
        self.most = max(cut, default=self.most)
        characters = self._characters(lengths.values()) + sum(parts.values())
        self.steps.append((len(read), characters, now - self._last))
        self._last = now

    def seconds(self) -> float | None:
        """Return how long the rest will take; None while nothing has come."""
        if not self.steps or self.ahead is None:
            return None
        of_article, of_character = self._costs()
        n, characters = len(self.lengths), self._characters(self.lengths.values())
        if self.ahead and self.shown:
            mean = self._characters(self.shown.values()) / len(self.shown)
            n, characters = n + self.ahead, round(characters + self.ahead * mean)
        return max(0.0, of_article * n + of_character * characters)

    def _characters(self, lengths: Iterable[int]) -> int:
        return sum(n if self.most is None else min(n, self.most) for n in lengths)

    def _costs(self) -> tuple[float, float]:
        """Return seconds an article and seconds a character: a ridge regression on the steps."""
        # The first batch also loads the model, unless it is all there is to go by.
        steps = self.steps[1:] or self.steps
        known = [*self.shown.values()] or [1]
        mean = max(1.0, self._characters(known) / len(known))
        rows = [(n, characters / mean, seconds) for n, characters, seconds in steps]
        if not any(n for n, *_ in rows):  # parts only, which say nothing of what an article costs
            return 0.0, sum(t for *_, t in rows) / max(1e-9, sum(c for _, c, _ in rows)) / mean
        level = sum(t for *_, t in rows) / max(1e-9, sum(n + c for n, c, _ in rows))
        # Halves count as a tenth of a batch would.
        weight = 0.1 * sum(n * n for n, *_ in rows) / len(rows)
        nn, nc, cc = (sum(r[i] * r[j] for r in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
        tn, tc = (sum(r[i] * r[2] for r in rows) + weight * level for i in (0, 1))
        nn, cc = nn + weight, cc + weight
        determinant = nn * cc - nc * nc
        a, b = (tn * cc - tc * nc) / determinant, (tc * nn - tn * nc) / determinant
        if a < 0 or b < 0:  # one of the two costs nothing that can be seen
            a, b = (0.0, tc / cc) if a < 0 else (tn / nn, 0.0)
        return a, b / mean


class BehindLedger:
    """A component behind its ledger in the store."""

    ledger_name: ClassVar[Literal["summaries", "scores"]]
    store: Store
    signature: dict[str, Any]

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, opened when it is first asked for."""
        return self.store.ledger(self.ledger_name, self.signature)

    def rest(self) -> None:
        """Let go of the ledger, which is opened again if need be."""
        self.__dict__.pop("ledger", None)


class Summarizing(BehindLedger):
    """A model behind its ledger.

    computed, stored: how many summaries were written in this run, and how many were there.
    failed: by key, what has no summary in this run; the ledger does not keep that.
    generation: how summaries were written, if any were by a model that can say so.
    advance: is told how many more summaries there are, of how many tokens, and how many seconds
        the rest will take.
    time_left: knows the last of these.
    """

    ledger_name = "summaries"

    def __init__(self, kind: str, model: Summarizer, store: Store) -> None:
        """Take a model, which is not made to load anything. Raises: ModelError."""
        self.kind = kind
        self.model = model
        self.store = store
        self.signature = signature_parts(kind, model)
        self.instructions = model.instructions() if isinstance(model, Prompted) else ()
        self.advance: Callable[[int, int, float | None], object] = lambda *told: None
        self.time_left = TimeLeft(None)
        self.computed = self.stored = 0
        self.failed: dict[str, Summary] = {}
        self.generation: Mapping[str, Any] | None = None
        self._in_work: set[str] = set()  # keys of what a worker is to summarize
        self._keyed: dict[int, tuple[Article, str]] = {}  # by id, articles of late, with their keys
        self._written: dict[str, Summary] = {}  # by key, what was stored of late
        self._begun: dict[str, _Answered] = {}  # by key, of articles that are not done
        self._working: Summarizer | None = None  # a copy: what it loads goes with it
        self.is_whole = False  # whether all windows were filled
        self._pace = store.pace_file(self.signature)

    def end(self) -> None:
        """Let go of the model: all windows were filled."""
        self.is_whole, self._working = True, None
        self._keyed.clear()
        self._written.clear()

    def begin_again(self) -> None:
        """Be ready for the first window once more: what was computed is met there, and counted."""
        if not self.is_whole:
            self.stored = -self.computed
            self._in_work.clear()

    def fill(self, windows: Iterable[tuple[Sequence[Article], Claim]], pool: Pool) -> None:
        """Write the summaries that the ledger lacks, in batches of one window after the other.

        windows: each with what tells, by a batch's number and an article's key, whether it is ours.
        Raises: ModelError, StoreError, ExecutorError.
        """
        missing = (
            (window, batch)
            for window, claim in windows
            for batch in self.missing_batches(window, claim)
        )
        if (first := next(missing, None)) is None:
            return
        self._working = self._working or copy.copy(self.model)
        limits = self._pace.read() if isinstance(self.model, MemoryBound) else {}
        sent = Sent(self.kind, self._working, limits)
        lots = _Lots(batch for _, batch in chain([first], missing))
        self.time_left.start()
        with closing(pool.map([sent], map(self._task, lots))) as results:
            for task, (summaries, *queries) in results:
                for device, cells, self.generation in queries:
                    if cells is not None:
                        self._pace.add(device, cells)
                lots.add(self.record(task.ticket, summaries))

    def missing_batches(
        self, articles: Sequence[Article], claim: Claim = claim_all
    ) -> Iterator[Batch]:
        """Yield what the ledger lacks of each batch that is ours, and count what it has.

        A batch that a crash cut short is run again with the same articles: the ledger holds whole
        batches only, so what is missing now was missing then. A model that is Gradual writes what
        is missing of its batch as it would have without the crash, and is given what it answered of
        articles in parts, which the ledger keeps under keys of their own. What has failed in this
        run, or is with a worker, is not missing: batches are the same however many are at work.
        """
        batches = [
            [(key, article) for key, article in batch if claim(n, key)]
            for n, batch in enumerate(self.batches(articles))
        ]
        self.time_left.expect(
            sum(map(len, batches)),
            {key: len(a.text) for batch in batches for key, a in batch if not self._has(key)},
        )
        for ours in filter(None, batches):
            self.ledger.refresh()
            missing = [(key, article) for key, article in ours if not self._has(key)]
            if there := len(ours) - len(missing):
                self.stored += there
                self.time_left.drop(key for key, _ in ours if self._has(key))
                self.advance(there, 0, self.time_left.seconds())
            if missing:
                self._in_work.update(key for key, _ in missing)
                yield missing

    def _has(self, key: str) -> bool:
        return key in self.ledger or key in self._in_work or key in self.failed

    def batches(self, articles: Sequence[Article]) -> list[list[tuple[str, Article]]]:
        """Return the batches that the model wants of a window, each article with its key."""
        if len(self._keyed) >= KEPT_KEYS:
            self._keyed.clear()
        self._keyed |= {id(article): (article, self.key(article)) for article in articles}
        keyed = list({self.key(article): article for article in articles}.items())
        if not isinstance(self.model, Batching):
            return [keyed]
        planned = self.model.batches([article for _, article in keyed])
        return [[keyed[at] for at in batch] for batch in planned]

    def record(self, batch: Batch, results: Sequence[Summary | PartAnswers]) -> Batch:
        """Write the summaries of a batch that was missing, and what was answered of other articles.

        Return what is missing still. Raises: ModelError, StoreError.
        """
        check_length(self.signature["name"], len(results), len(batch))
        made = [(key, result) for (key, _), result in zip(batch, results, strict=True)]
        pairs = [(key, result) for key, result in made if isinstance(result, Summary)]
        answers = {key: new for key, new in made if not isinstance(new, Summary) and new}
        if not pairs and not answers:
            raise ModelError(f"{self.signature['name']}: a bug of the component: no summary came")
        failed = {key: summary for key, summary in pairs if summary.finish == "error"}
        stored = [(key, summary_record(s)) for key, s in pairs if key not in failed]
        begun = {key: self._answers(key).with_more(new) for key, new in answers.items()}
        lines = [line for key, one in begun.items() for line in one.new_lines(key)]
        new = self.ledger.append([*lines, *stored], is_put=not isinstance(self.model, Gradual))
        if len(self._written) >= KEPT_KEYS:
            self._written.clear()
        self._written |= {key: summary for key, summary in pairs if key in new}
        self._begun |= begun
        self.failed |= failed
        self._in_work.difference_update(key for key, _ in pairs)
        self.computed += len(pairs)
        self._tell_progress(dict(pairs), answers)
        missing = {key for key, result in made if not isinstance(result, Summary)}
        return [(key, article) for key, article in batch if key in missing]

    def _answers(self, key: str) -> "_Answered":
        """Return what was answered of an article that is not done, in this run or before."""
        if key not in self._begun:
            answered = _Answered()
            while (line := digest(key, answered.lines)) in self.ledger:
                (record,) = self.ledger.get([line])
                answered = answered.with_more(record["answers"])
            self._begun[key] = answered
        return self._begun[key]

    def _tell_progress(
        self, summaries: Mapping[str, Summary], answers: Mapping[str, PartAnswers]
    ) -> None:
        read = {
            key: sum(answer.get("read", 0) for answer in new.values())
            for key, new in answers.items()
        }
        self.time_left.record({key: summary.read for key, summary in summaries.items()}, read)
        tokens = sum(map(_tokens, answers.values()))
        for key, summary in summaries.items():  # of which what came before was told
            known = self._begun.pop(key, _Answered())
            tokens += (summary.tokens_out or summary.tokens or 0) - _tokens(known.answers)
        self.advance(len(summaries), max(0, tokens), self.time_left.seconds())

    def count_begun(self) -> int:
        """Count the articles of which parts are stored, and no summary."""
        return sum(answered.lines > 0 for answered in self._begun.values())

    def read(self, articles: Sequence[Article]) -> list[Summary]:
        """Return what was written for each article, or how it failed. Raises: StoreError."""
        keys = [self.key(article) for article in articles]
        failed = {key for key in keys if key in self.failed and key not in self.ledger}
        known = {key: self._written[key] for key in keys if key in self._written}
        known |= {key: self.failed[key] for key in failed}
        records = iter(self.ledger.get([key for key in keys if key not in known]))
        self.ledger.note_own(known.keys() - failed)
        return [
            _of_article(known[key], article.id)
            if key in known
            else summary_of(article.id, next(records))
            for key, article in zip(keys, articles, strict=True)
        ]

    def stored_summaries(self, articles: Sequence[Article]) -> list[Summary | None]:
        """Return the summary of each article, or None where there is none yet."""
        there = [(key := self.key(a)) in self.ledger or key in self.failed for a in articles]
        own = iter(self.read([a for a, has in zip(articles, there, strict=True) if has]))
        return [next(own) if has else None for has in there]

    def key(self, article: Article) -> str:
        """Return the key of an article in the ledger."""
        known, key = self._keyed.get(id(article), (None, ""))
        return key if known is article else content_key(article, self.model.needs)

    def known_defects(self, articles: Sequence[Article]) -> Sequence[Sequence[Defect]] | None:
        """Return what came out wrong of the summary of each where that is known; else None."""
        return None

    def _task(self, batch: Batch) -> Task:
        """Return a batch for a worker; one that is MemoryBound says then how it wrote it."""
        articles: list[Article] | list[Begun] = [article for _, article in batch]
        keep = [self.ledger.putter([key for key, _ in batch])]
        if isinstance(self.model, Gradual):
            articles = [Begun(article, self._answers(key).answers) for key, article in batch]
            keep = []  # lines of parts have keys that are known when the answers are there
        queries = [(0, GenerationQuery())] if isinstance(self.model, MemoryBound) else []
        return Task([(0, articles), *queries], batch, _batch_name(batch), keep)


@dataclass(frozen=True)
class _Answered:
    """What was answered of an article; the ledger has it in so many lines, under their own keys.

    new: what the last of them holds. An answer that is an error is kept for this run only.
    """

    lines: int = 0
    answers: PartAnswers = field(default_factory=dict)
    new: PartAnswers = field(default_factory=dict)

    def with_more(self, answers: PartAnswers) -> "_Answered":
        """Return it with further answers, and a line for those that are no errors."""
        new = {name: answer for name, answer in answers.items() if "error" not in answer}
        return _Answered(self.lines + bool(new), {**self.answers, **answers}, new)

    def new_lines(self, key: str) -> list[tuple[str, Any]]:
        """Return the key and record of the last line, if it is to be written."""
        return [(digest(key, self.lines - 1), {"answers": self.new})] if self.new else []


def _tokens(answers: PartAnswers) -> int:
    return sum(answer.get("tokens", 0) for answer in answers.values())


def _of_article(summary: Summary, article_id: str) -> Summary:
    """Return a summary as one of another article with the same content, if it is that."""
    same = summary.article_id == article_id
    return summary if same else dataclasses.replace(summary, article_id=article_id)


class _Lots(Iterator[Batch]):
    """What a model is given, one after the other: first what is left of a batch, then the next."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self.batches = batches
        self.left: deque[Batch] = deque()

    def __next__(self) -> Batch:
        return self.left.popleft() if self.left else next(self.batches)

    def add(self, batch: Batch) -> None:
        """Take what is left of a batch, if anything, also where all others were given out."""
        if batch:
            self.left.append(batch)


def _batch_name(batch: Batch) -> str:
    first, last = batch[0][1].id, batch[-1][1].id
    return f"article {first!r}" if len(batch) == 1 else f"articles {first!r} to {last!r}"


@dataclass
class FilledCell:
    """A cell, the model behind its ledger, and what was computed for the cell in this run.

    job: a number that cells with the same summaries have in common; the first of them computes.
    scores: how many were computed, by label.
    """

    cell: Cell
    summarizing: Summarizing
    job: int
    is_first: bool = True
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    seconds: float = 0.0
    scores: Counter[str] = field(default_factory=Counter)

    @property
    def summaries(self) -> dict[str, int]:
        """How many summaries were computed for the cell, and how many were stored."""
        computed, stored = self.summarizing.computed, self.summarizing.stored
        if self.is_first:
            return {"computed": computed, "stored": stored}
        return {"computed": 0, "stored": computed + stored}


class Share:
    """Which part of a run is ours: all of it here, a shard's in `shards`.

    of: ours is about one of so many.
    """

    of = 1

    def claim(self, job: int, window: int) -> Claim:
        """Return what tells which articles of a window are ours to summarize."""
        return claim_all

    def units(
        self, cells: Sequence[FilledCell], windows: Iterable[Sequence[Article]], network: int | None
    ) -> Iterator[Unit]:
        """Yield what is ours to score of windows of cells with the same articles.

        network: the number of a network, whose units are dealt out whole; None for other scorers.
        """
        for window in windows:
            yield from units(window, [cell.summarizing.read(window) for cell in cells])


def fill_summaries(of_cell: FilledCell, pool: Pool, share: Share, progress: Progress) -> None:
    """Write the summaries of a cell that are ours and that the store lacks, in a pass of its own.

    Raises: HarnessError, and what a model raises.
    """
    began = time.perf_counter()
    cell, summarizing = of_cell.cell, of_cell.summarizing
    total = expected_articles(cell.loader, cell.run_config.limit)
    total = total and total // share.of
    progress.start(cell.name, total)
    summarizing.advance, summarizing.time_left = progress.advance, TimeLeft(total)
    numbered = enumerate(windows(cell.loader, cell.run_config.limit))
    try:
        summarizing.fill(((window, share.claim(of_cell.job, n)) for n, window in numbered), pool)
    except KeyboardInterrupt as interrupt:
        kept = summarizing.computed - len(summarizing.failed)
        parts = summarizing.count_begun()
        also = f", and parts of {parts} more" if parts else ""
        interrupt.add_note(f"{kept} summaries of {cell.name} were written and are stored{also}")
        raise
    progress.end()
    summarizing.end()
    summarizing.rest()
    of_cell.seconds = time.perf_counter() - began
