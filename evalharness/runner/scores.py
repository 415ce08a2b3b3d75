"""Metrics behind their ledgers: a score of the same texts is never computed again."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalharness.config.signature import signature_parts
from evalharness.errors import ModelError
from evalharness.executors.tasks import run_batch
from evalharness.protocols import Costly, Metric, Pair
from evalharness.records import (
    Article,
    Flag,
    Score,
    ScoreRecord,
    SentenceScore,
    Span,
    Summary,
    digest,
    score_record,
)
from evalharness.store.store import Store, content_key, same_length


class Scoring:
    """A metric behind its ledger, for all summaries that it is to score."""

    def __init__(self, kind: str, metric: Metric, store: Store) -> None:
        """Open the ledger of a metric."""
        self.kind = kind
        self.metric = metric
        self.signature = signature_parts(kind, metric)
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
            failed |= self._write_scores(batch, run_batch(self.metric, [pair for _, pair in batch]))
        kept = iter(self.ledger.get([key for key in keys if key and key not in failed]))
        return [
            (failed.get(key) or next(kept), fresh.pop(key, None) is not None)
            if key
            else (_record_without_summary(summary), False)
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
        self._passing |= self._write_scores(batch, scores)
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
        contents = {n: content_key(a, needs) for n, a in {id(a): a for a in articles}.items()}
        return [
            "" if summary.finish == "error" else digest(summary.text, contents[id(article)])
            for article, summary in zip(articles, summaries, strict=True)
        ]

    def _write_scores(
        self, batch: Sequence[tuple[str, Pair]], scores: Sequence[Score]
    ) -> dict[str, dict[str, Any]]:
        """Write scores; return the records that the ledger does not keep: no score today."""
        same_length(self.signature["name"], len(scores), len(batch))
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


def _record_without_summary(summary: Summary) -> dict[str, Any]:
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
