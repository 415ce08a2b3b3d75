"""Components behind their ledgers: what was computed once is never computed again."""

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from weakref import WeakValueDictionary

from evalharness import registry
from evalharness.errors import ModelError
from evalharness.protocols import Batching, Costly, Metric, Need, Paced, Pair, Prompted, Summarizer
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
        self.needs = model.needs
        self.signature = registry.signature(kind, model)
        self.instructions = model.instructions() if isinstance(model, Prompted) else ()
        self.advance = advance
        self.computed = self.stored = 0
        self._store = store
        self._ledger: Ledger | None = None
        self.failed: dict[str, Summary] = {}
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
        batches = self.batches(articles)
        is_settled = False
        for n, batch in enumerate(batches):
            if ours := [(key, article) for key, article in batch if claims(n, key)]:
                if not is_settled and self._lacks(ours):
                    self._settle(batches)
                    is_settled = True
                self._write(ours)

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

    def _lacks(self, batch: Sequence[tuple[str, Article]]) -> list[tuple[str, Article]]:
        """Return what the ledger lacks of a batch, whoever else may write it."""
        self.ledger.refresh()
        return [(key, article) for key, article in batch if key not in self.ledger]

    def _settle(self, batches: Sequence[Sequence[tuple[str, Article]]]) -> None:
        """Before a window's first summary: have the model keep to what was found, or find it."""
        if isinstance(model := self._at_work(), Paced):
            missing = [article for batch in batches for _, article in self._lacks(batch)]
            model.settle(self._store.findings(self.signature).read(), missing)
            self._keep(model, missing)

    def _keep(self, model: Paced, articles: Sequence[Article] = ()) -> None:
        """Store what a model has found out since; where others were first, it keeps to theirs."""
        place, found = model.found()
        if found and found != self._found:
            kept = self._store.findings(self.signature).add(place, found)
            model.settle(kept, articles)
            _, self._found = model.found()
        self.generation = model.told()

    def _write(self, batch: Sequence[tuple[str, Article]]) -> None:
        """Summarize what the ledger lacks of a batch.

        A batch that a crash cut short is run again with the same articles: the ledger holds whole
        batches only, so what is missing now was missing then.
        """
        missing = self._lacks(batch)
        self.stored += len(batch) - len(missing)
        if missing:
            model = self._at_work()
            summaries = model.summarize([article for _, article in missing])
            if isinstance(model, Paced):
                self._keep(model)
            _same_length(self.signature["name"], len(summaries), len(missing))
            pairs = list(zip([key for key, _ in missing], summaries, strict=True))
            failed = {key: summary for key, summary in pairs if summary.finish == "error"}
            written = [(key, summary_record(s)) for key, s in pairs if key not in failed]
            self.ledger.append(written)
            self.failed |= failed
            self.computed += len(missing)
        self.advance(len(batch))


class Scoring:
    """A metric behind its ledger, for all summaries that it is to score."""

    def __init__(self, kind: str, metric: Metric, store: Store) -> None:
        """Open the ledger of a metric."""
        self.metric = metric
        self.signature = registry.signature(kind, metric)
        self.ledger = store.ledger("scores", self.signature)

    def __call__(
        self, articles: Sequence[Article], summaries: Sequence[Summary]
    ) -> list[tuple[ScoreRecord, bool]]:
        """Return the record of each score, and whether it was computed now."""
        keys = self.keys(articles, summaries)
        fresh = {
            key: (article, summary)
            for key, article, summary in zip(keys, articles, summaries, strict=True)
            if key and key not in self.ledger
        }
        failed = self._score(fresh) if fresh else {}
        kept = iter(self.ledger.get([key for key in keys if key and key not in failed]))
        return [
            (failed.get(key) or next(kept), fresh.pop(key, None) is not None)
            if key
            else (_unsummarized(summary), False)
            for key, summary in zip(keys, summaries, strict=True)
        ]

    def keys(self, articles: Sequence[Article], summaries: Sequence[Summary]) -> list[str]:
        """Return the keys of scores in the ledger; empty where there is no summary to score."""
        needs = self.metric.needs
        contents = {n: content(a, needs) for n, a in {id(a): a for a in articles}.items()}
        return [
            "" if summary.finish == "error" else digest(summary.text, contents[id(article)])
            for article, summary in zip(articles, summaries, strict=True)
        ]

    def _score(self, fresh: Mapping[str, Pair]) -> dict[str, dict[str, Any]]:
        """Score what the ledger lacks; return the records that it does not keep: no score today."""
        failed: dict[str, dict[str, Any]] = {}
        keyed = list(fresh.items())
        n = self.metric.together if isinstance(self.metric, Costly) else len(keyed)
        for start in range(0, len(keyed), n):
            keys, pairs = zip(*keyed[start : start + n], strict=True)
            scores = self.metric.score(pairs)
            _same_length(self.signature["name"], len(scores), len(pairs))
            for score, pair in zip(scores, pairs, strict=True):
                self._check(score, pair)
            records = [(k, score_record(s), s.passing) for k, s in zip(keys, scores, strict=True)]
            self.ledger.append([(key, record) for key, record, passing in records if not passing])
            failed |= {key: record for key, record, passing in records if passing}
        return failed

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


def _same_length(name: str, got: int, wanted: int) -> None:
    if got != wanted:
        raise ModelError(
            f"{name}: gave {got} results for {wanted} articles; a bug of the component"
        )
