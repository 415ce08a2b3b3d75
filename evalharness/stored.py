"""Components behind their ledgers: what was computed once is never computed again."""

import copy
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any, Literal
from weakref import WeakValueDictionary

from evalharness import registry
from evalharness.errors import ModelError
from evalharness.executors.jobs import done, stays
from evalharness.protocols import (
    Batching,
    Costly,
    Crew,
    Job,
    Metric,
    Need,
    Paced,
    Pair,
    Prompted,
    Sent,
    Summarizer,
    Trial,
)
from evalharness.records import (
    Article,
    Flag,
    Score,
    SentenceScore,
    Span,
    Summary,
    digest,
    score_record,
    summary_of,
    summary_record,
)
from evalharness.store import Findings, Ledger, ledger_path

Signature = Mapping[str, Any]
ScoreRecord = Mapping[str, Any]


Claim = Callable[[int, str], bool]
Batch = Sequence[tuple[str, Article]]


def everything(batch: int, key: str) -> bool:
    """Claim every article of every batch, as a run without shards does."""
    return True


class Store:
    """The ledgers of a results folder; whoever asks for one that is in use gets the same."""

    def __init__(self, folder: Path) -> None:
        """Take the folder of all ledgers, `results/store`."""
        self.folder = folder
        self._ledgers: WeakValueDictionary[Path, Ledger] = WeakValueDictionary()

    def ledger(self, kind: Literal["summaries", "scores"], signature: Signature) -> Ledger:
        """Return the ledger of what a signature made, on disk from now on."""
        path = ledger_path(self.folder / kind, signature)
        ledger = self._ledgers.get(path)
        if ledger is None:
            self._ledgers[path] = ledger = Ledger(self.folder / kind, signature)
        return ledger

    def findings(self, signature: Signature) -> Findings:
        """Return what was found out about the model of a signature."""
        return Findings(self.folder / "pace", signature)

    def look(self, kind: Literal["summaries", "scores"], signature: Signature) -> Ledger | None:
        """Return a ledger if there is one, and write nothing."""
        path = ledger_path(self.folder / kind, signature)
        return self.ledger(kind, signature) if path.is_file() else None


class Summarizing:
    """A model behind its ledger: every article with the same content is summarized once, ever."""

    def __init__(
        self,
        kind: str,
        model: Summarizer,
        store: Store,
        advance: Callable[[int], object] = lambda articles: None,
    ) -> None:
        """Take a model; `advance` is told how many more summaries there are."""
        self.model: Summarizer | None = model
        self._as_configured = copy.copy(model)  # without what the other loads
        self._kind = kind
        self.needs = model.needs
        self.signature = registry.signature(kind, model)
        self.instructions = model.instructions() if isinstance(model, Prompted) else ()
        self.advance = advance
        self.computed = self.stored = 0
        self._store = store
        self._ledger: Ledger | None = None
        self.failed: dict[str, Summary] = {}
        self._with_workers: set[str] = set()  # keys of what is being computed
        self.generation: Mapping[str, Any] | None = None  # how summaries were written, if any were
        self._found: Mapping[str, Any] = {}

    @property
    def ledger(self) -> Ledger:
        """The ledger, opened when it is first asked for."""
        if self._ledger is None:
            self._ledger = self._store.ledger("summaries", self.signature)
        return self._ledger

    def __call__(self, articles: Sequence[Article]) -> list[Summary]:
        """Return the summary of each article, in order. Raises: ModelError, StoreError."""
        self.failed.clear()
        self.fill(articles)
        return self.read(articles)

    def fill(self, articles: Sequence[Article], claims: Claim = everything) -> None:
        """Write the summaries that the ledger lacks; remember those that fail, which it keeps not.

        claims: tells by a batch's number and an article's key whether it is ours to write.
        Raises: ModelError, StoreError.
        """
        is_settled = False
        for batch in self.lacking(articles, claims):
            model = self._at_work()
            if isinstance(model, Paced) and not is_settled:
                unwritten = self._unwritten(articles)
                model.settle(self._store.findings(self.signature).read(), unwritten)
                self._keep(model, unwritten)
                is_settled = True
            summaries = model.summarize([article for _, article in batch])
            if isinstance(model, Paced):
                self._keep(model)
            self.take(batch, summaries)

    def fill_all(
        self, windows: Iterable[tuple[Sequence[Article], Claim]], crew: Crew | None = None
    ) -> None:
        """Fill window after window; with a crew, batches of several windows at once.

        Raises: ModelError, StoreError, ExecutorError.
        """
        if crew is None or stays(self._as_configured):
            for window, claims in windows:
                self.fill(window, claims)
            return
        lacking = ((w, batch) for w, claims in windows for batch in self.lacking(w, claims))
        for window, first in lacking:
            sent = self._sent(window, crew)
            batches = chain([first], (batch for _, batch in lacking))
            jobs = (Job([(0, [a for _, a in batch])], batch, _named(batch)) for batch in batches)
            with closing(crew.map([sent], jobs)) as results:
                for job, (summaries,) in results:
                    self.take(job.ticket, summaries)

    def _sent(self, window: Sequence[Article], crew: Crew) -> Sent:
        """Return the model for workers, with what they keep to; that, a first one may find out."""
        model = self._as_configured
        if not isinstance(model, Paced):
            return Sent(self._kind, model)
        findings = self._store.findings(self.signature)
        kept, unwritten = findings.read(), self._unwritten(window)
        if not kept and len(unwritten) >= model.least:
            job = Job([(0, Trial(unwritten))], name="a trial of batches")
            for _, ((place, found, told),) in crew.map([Sent(self._kind, model)], [job]):
                self.generation = told
                kept = findings.add(place, found) if found else kept
        return Sent(self._kind, model, kept)

    def _unwritten(self, articles: Sequence[Article]) -> list[Article]:
        """Return what the ledger lacks, each content once, whoever is to write it."""
        keyed = {self.key(article): article for article in articles}
        return [article for key, article in keyed.items() if key not in self.ledger]

    def _keep(self, model: Paced, articles: Sequence[Article] = ()) -> None:
        """Store what a model has found out since; where others were first, it keeps to theirs."""
        place, found = model.found()
        if found and found != self._found:
            kept = self._store.findings(self.signature).add(place, found)
            model.settle(kept, articles)
            _, self._found = model.found()
        self.generation = model.told()

    def lacking(self, articles: Sequence[Article], claims: Claim = everything) -> Iterator[Batch]:
        """Yield what the ledger lacks of each batch that is ours, and count what it has.

        A batch that a crash cut short is run again with the same articles: the ledger holds whole
        batches only, so what is missing now was missing then. What has failed in this run, or is
        with a worker, is not lacking: batches are the same however many are at work.
        """
        for n, batch in enumerate(self.batches(articles)):
            if not (ours := [(key, article) for key, article in batch if claims(n, key)]):
                continue
            self.ledger.refresh()
            missing = [(key, article) for key, article in ours if not self._has(key)]
            if there := len(ours) - len(missing):
                self.stored += there
                self.advance(there)
            if missing:
                self._with_workers.update(key for key, _ in missing)
                yield missing

    def _has(self, key: str) -> bool:
        return key in self.ledger or key in self._with_workers or key in self.failed

    def take(self, batch: Batch, summaries: Sequence[Summary]) -> None:
        """Write the summaries of a batch that was lacking. Raises: ModelError, StoreError."""
        _same_length(self.signature["name"], len(summaries), len(batch))
        pairs = list(zip([key for key, _ in batch], summaries, strict=True))
        failed = {key: summary for key, summary in pairs if summary.finish == "error"}
        self.ledger.append([(key, summary_record(s)) for key, s in pairs if key not in failed])
        self.failed |= failed
        self._with_workers.difference_update(key for key, _ in pairs)
        self.computed += len(batch)
        self.advance(len(batch))

    def batches(self, articles: Sequence[Article]) -> list[list[tuple[str, Article]]]:
        """Return the batches that the model wants of a window, each article with its key."""
        keyed = list({self.key(article): article for article in articles}.items())
        if not isinstance(self._as_configured, Batching):
            return [keyed]
        planned = self._as_configured.batches([article for _, article in keyed])
        return [[keyed[at] for at in batch] for batch in planned]

    def read(self, articles: Sequence[Article]) -> list[Summary]:
        """Return what was written for each article, or how it failed. Raises: StoreError."""
        keys = [self.key(article) for article in articles]
        failed = {key for key in keys if key in self.failed and key not in self.ledger}
        kept = iter(self.ledger.get([key for key in keys if key not in failed]))
        return [
            dataclasses.replace(self.failed[key], article_id=article.id)
            if key in failed
            else summary_of(article.id, next(kept))
            for key, article in zip(keys, articles, strict=True)
        ]

    def known(self, articles: Sequence[Article]) -> list[Summary | None]:
        """Return the summary of each article, or None where there is none yet."""
        there = [(key := self.key(a)) in self.ledger or key in self.failed for a in articles]
        found = iter(self.read([a for a, known in zip(articles, there, strict=True) if known]))
        return [next(found) if known else None for known in there]

    def key(self, article: Article) -> str:
        """Return the key of an article in the ledger."""
        return content(article, self.needs)

    def rest(self) -> None:
        """Let go of the model and the ledger; what was written can still be read."""
        self.model = self._ledger = None

    def _at_work(self) -> Summarizer:
        if self.model is None:
            raise RuntimeError("this model's work is done")
        return self.model


class Scoring:
    """A metric behind its ledger, for all summaries that it is to score."""

    def __init__(self, kind: str, metric: Metric, store: Store) -> None:
        """Open the ledger of a metric."""
        self.kind = kind
        self.metric = metric
        self.signature = registry.signature(kind, metric)
        self.ledger = store.ledger("scores", self.signature)
        self._with_workers: set[str] = set()  # keys of what is being computed
        self._passing: dict[str, dict[str, Any]] = {}  # of what workers have no score today

    def __call__(
        self, articles: Sequence[Article], summaries: Sequence[Summary]
    ) -> list[tuple[ScoreRecord, bool]]:
        """Return the record of each score, and whether it was computed now."""
        keys = self.keys(articles, summaries)
        fresh = self._fresh(keys, articles, summaries)
        failed = {key: self._passing[key] for key in keys if key in self._passing}
        for batch in self._batches(fresh):
            failed |= self._taken(batch, done(self.metric, [pair for _, pair in batch]))
        kept = iter(self.ledger.get([key for key in keys if key and key not in failed]))
        return [
            (failed.get(key) or next(kept), fresh.pop(key, None) is not None)
            if key
            else (_unsummarized(summary), False)
            for key, summary in zip(keys, summaries, strict=True)
        ]

    def lacking(
        self, articles: Sequence[Article], summaries: Sequence[Summary]
    ) -> list[list[tuple[str, Pair]]]:
        """Return the batches that the ledger lacks and no worker has, for a worker to score."""
        fresh = self._fresh(self.keys(articles, summaries), articles, summaries)
        self._with_workers.update(fresh)
        return self._batches(fresh)

    def take(self, batch: Sequence[tuple[str, Pair]], scores: Sequence[Score]) -> None:
        """Write the scores of a batch that was lacking. Raises: ModelError, StoreError."""
        self._passing |= self._taken(batch, scores)
        self._with_workers.difference_update(key for key, _ in batch)

    def _fresh(
        self, keys: Sequence[str], articles: Sequence[Article], summaries: Sequence[Summary]
    ) -> dict[str, Pair]:
        there = (self.ledger, self._with_workers, self._passing)
        return {
            key: (article, summary)
            for key, article, summary in zip(keys, articles, summaries, strict=True)
            if key and not any(key in each for each in there)
        }

    def _batches(self, fresh: Mapping[str, Pair]) -> list[list[tuple[str, Pair]]]:
        keyed = list(fresh.items())
        n = self.metric.together if isinstance(self.metric, Costly) else max(1, len(keyed))
        return [keyed[start : start + n] for start in range(0, len(keyed), n)]

    def keys(self, articles: Sequence[Article], summaries: Sequence[Summary]) -> list[str]:
        """Return the keys of scores in the ledger; empty where there is no summary to score."""
        needs = self.metric.needs
        contents = {n: content(a, needs) for n, a in {id(a): a for a in articles}.items()}
        return [
            "" if summary.finish == "error" else digest(summary.text, contents[id(article)])
            for article, summary in zip(articles, summaries, strict=True)
        ]

    def _taken(
        self, batch: Sequence[tuple[str, Pair]], scores: Sequence[Score]
    ) -> dict[str, dict[str, Any]]:
        """Write scores; return the records that the ledger does not keep: no score today."""
        _same_length(self.signature["name"], len(scores), len(batch))
        for score, (_, pair) in zip(scores, batch, strict=True):
            self._check(score, pair)
        keys = [key for key, _ in batch]
        records = [(k, score_record(s), s.passing) for k, s in zip(keys, scores, strict=True)]
        self.ledger.append([(key, record) for key, record, passing in records if not passing])
        return {key: record for key, record, passing in records if passing}

    def _check(self, score: Score, pair: Pair) -> None:
        """Refuse what would poison the ledger. Raises: ModelError that names the component."""
        wrong = _flaw(score, *pair)
        if wrong:
            message = f"a bug of the component: {wrong}, for article {pair[0].id!r}"
            raise ModelError(f"{self.signature['name']}: {message}")


def _unsummarized(summary: Summary) -> dict[str, Any]:
    return score_record(Score(None, note=f"no summary: {summary.note}"))


def _flaw(score: Score, article: Article, summary: Summary) -> str:
    """Say what of a score is not as `records.Score` promises; empty if nothing is."""
    if score.value is None and not score.note:
        return "no value, and no note that says why"
    for number in _numbers(score):
        if isinstance(number, bool) or not isinstance(number, int | float):
            return f"{number!r} is a {type(number).__name__}, not a float"
        if not math.isfinite(number):
            return f"{number} is no number"
    for span, text in _spans(score, article, summary):
        if not 0 <= span.start < span.end <= len(text):
            return f"{span} is not within its text of {len(text)} characters"
    return ""


def _numbers(score: Score) -> Iterator[object]:
    if score.value is not None:
        yield score.value
    yield from score.parts.values()
    yield from score.counts
    yield from (sentence.value for sentence in score.sentences)


def _spans(score: Score, article: Article, summary: Summary) -> Iterator[tuple[Span, str]]:
    entries: list[SentenceScore | Flag] = [*score.sentences, *score.flags]
    for entry in entries:
        yield entry.span, summary.text
        yield from ((span, article.text) for span in entry.evidence)


def content(article: Article, needs: frozenset[Need]) -> str:
    """Return the key of what a component looks at in an article."""
    looked_at: dict[Need, Any] = {
        "article": article.text,
        "references": article.references,
        "title": article.extra.get("title"),
        "summary": article.extra.get("summary"),
        "published": article.extra.get("published"),
    }
    return digest({need: looked_at[need] for need in needs})


def _named(batch: Batch) -> str:
    first, last = batch[0][1].id, batch[-1][1].id
    return f"article {first!r}" if len(batch) == 1 else f"articles {first!r} to {last!r}"


def _same_length(name: str, got: int, wanted: int) -> None:
    if got != wanted:
        raise ModelError(
            f"{name}: gave {got} results for {wanted} articles; a bug of the component"
        )
