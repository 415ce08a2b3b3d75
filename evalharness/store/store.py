"""Components behind their ledgers: what was computed once is never computed again."""

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path
from typing import Any, Literal
from weakref import WeakValueDictionary

from evalharness.config.signature import signature_parts
from evalharness.errors import ModelError, WorkerDied
from evalharness.executors.tasks import stays
from evalharness.protocols import (
    Batching,
    Need,
    Paced,
    Pool,
    Prompted,
    Sent,
    Summarizer,
    Task,
    Trial,
)
from evalharness.records import (
    Article,
    Summary,
    digest,
    summary_of,
    summary_record,
)
from evalharness.store.ledger import Ledger, PaceFile, ledger_path

Signature = Mapping[str, Any]


Claim = Callable[[int, str], bool]
Batch = Sequence[tuple[str, Article]]


def claim_all(batch: int, key: str) -> bool:
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

    def findings(self, signature: Signature) -> PaceFile:
        """Return what was found out about the model of a signature."""
        return PaceFile(self.folder / "pace", signature)

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
        self.signature = signature_parts(kind, model)
        self.instructions = model.instructions() if isinstance(model, Prompted) else ()
        self.advance = advance
        self.computed = self.stored = 0
        self._store = store
        self._ledger: Ledger | None = None
        self.failed: dict[str, Summary] = {}
        self._with_workers: set[str] = set()  # keys of what is being computed
        self.generation: Mapping[str, Any] | None = None  # how summaries were written, if any were
        self._findings = store.findings(self.signature)
        self._learnt: list[tuple[str, Mapping[str, Any]]] = []  # what findings were told of

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

    def fill(self, articles: Sequence[Article], claims: Claim = claim_all) -> None:
        """Write the summaries that the ledger lacks; remember those that fail, which it keeps not.

        claims: tells by a batch's number and an article's key whether it is ours to write.
        Raises: ModelError, StoreError.
        """
        model: Summarizer | None = None
        for batch in self.lacking(articles, claims):
            if model is None:
                model = self._at_work()
                if isinstance(model, Paced):
                    model.settle(self._findings.read(), self._missing_articles(articles))
                    self._keep(model)
            summaries = model.summarize([article for _, article in batch])
            if isinstance(model, Paced):
                self._keep(model)
            self.take(batch, summaries)

    def fill_all(
        self, windows: Iterable[tuple[Sequence[Article], Claim]], pool: Pool | None = None
    ) -> None:
        """Fill window after window; with a pool, batches of several windows at once.

        Raises: ModelError, StoreError, ExecutorError.
        """
        if pool is None or stays(self._as_configured):
            for window, claims in windows:
                self.fill(window, claims)
            return
        lacking = ((w, batch) for w, claims in windows for batch in self.lacking(w, claims))
        for window, first in lacking:
            sent = self._sent(window, pool)
            jobs = (self._job(batch) for batch in chain([first], (b for _, b in lacking)))
            with closing(pool.map([sent], jobs)) as results:
                for job, (summaries, *told) in results:
                    for place, found, generation in told:
                        self._learn(place, found)
                        self.generation = generation
                    self.take(job.ticket, summaries)

    def _job(self, batch: Batch) -> Task:
        """Return a batch for a worker; one that is Paced says then what it has found out."""
        articles = [article for _, article in batch]
        paced = [(0, Trial())] if isinstance(self._as_configured, Paced) else []
        return Task([(0, articles), *paced], batch, _batch_name(batch))

    def _sent(self, window: Sequence[Article], pool: Pool) -> Sent:
        """Return the model for workers, with what they keep to; that, a first one may find out."""
        model = self._as_configured
        if not isinstance(model, Paced):
            return Sent(self._kind, model)
        kept, unwritten = self._findings.read(), self._missing_articles(window)
        if model.worth_trial(kept, len(unwritten)):
            sent = Sent(self._kind, model, kept)
            job = Task([(0, Trial(unwritten))], name="a trial of batches")
            with suppress(WorkerDied), closing(pool.map([sent], [job])) as results:
                for _, ((place, found, _),) in results:
                    self._learn(place, found)
        return Sent(self._kind, model, self._findings.read())

    def _missing_articles(self, articles: Sequence[Article]) -> list[Article]:
        """Return what the ledger lacks, each content once, whoever is to write it."""
        keyed = {self.key(article): article for article in articles}
        return [article for key, article in keyed.items() if key not in self.ledger]

    def _keep(self, model: Paced) -> None:
        """Store what a model has found out since; where others were first, it keeps to theirs."""
        if kept := self._learn(*model.device_and_limits()):
            model.settle(kept, ())
        self.generation = model.generation_record()

    def _learn(self, place: str, found: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """Store what was found out on a device; return what holds now, where it was new."""
        if not found or (place, found) in self._learnt:
            return {}
        kept = self._findings.add(place, found)
        self._learnt += [(place, found), (place, kept[place])]
        return kept

    def lacking(self, articles: Sequence[Article], claims: Claim = claim_all) -> Iterator[Batch]:
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
        same_length(self.signature["name"], len(summaries), len(batch))
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
        return content_key(article, self.needs)

    def rest(self) -> None:
        """Let go of the model and the ledger; what was written can still be read."""
        self.model = self._ledger = None

    def _at_work(self) -> Summarizer:
        if self.model is None:
            raise RuntimeError("this model's work is done")
        return self.model


def content_key(article: Article, needs: frozenset[Need]) -> str:
    """Return the key of what a component looks at in an article."""
    looked_at: dict[Need, Any] = {
        "article": article.text,
        "references": article.references,
        "title": article.extra.get("title"),
        "summary": article.extra.get("summary"),
        "published": article.extra.get("published"),
    }
    return digest({need: looked_at[need] for need in needs})


def _batch_name(batch: Batch) -> str:
    first, last = batch[0][1].id, batch[-1][1].id
    return f"article {first!r}" if len(batch) == 1 else f"articles {first!r} to {last!r}"


def same_length(name: str, got: int, wanted: int) -> None:
    """Raise ModelError where a component gave not one result for each article."""
    if got != wanted:
        raise ModelError(
            f"{name}: gave {got} results for {wanted} articles; a bug of the component"
        )
