"""Components behind their ledgers: what was computed once is never computed again."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalharness import registry
from evalharness.errors import ModelError
from evalharness.protocols import Batching, Costly, Metric, Need, Pair, Prompted, Summarizer
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
from evalharness.store import Ledger


class Summarizing:
    """A model behind its ledger: every article with the same content is summarized once, ever."""

    def __init__(
        self, kind: str, model: Summarizer, folder: Path, advance: Callable[[int], None]
    ) -> None:
        """Open the ledger of a model; `advance` is told how many more summaries there are."""
        self.model = model
        self.signature = registry.signature(kind, model)
        self.ledger = Ledger(folder, self.signature)
        self.advance = advance
        self.computed = self.stored = 0
        self.instructions = model.instructions() if isinstance(model, Prompted) else ()

    def __call__(self, articles: Sequence[Article]) -> list[Summary]:
        """Return the summary of each article, in order. Raises: ModelError, StoreError."""
        keys = [_content(article, self.model.needs) for article in articles]
        keyed = list(dict(zip(keys, articles, strict=True)).items())
        failed: dict[str, Summary] = {}
        for batch in self._batches([article for _, article in keyed]):
            failed |= self._write([keyed[n] for n in batch])
        kept = iter(self.ledger.get([key for key in keys if key not in failed]))
        return [
            dataclasses.replace(failed[key], article_id=article.id)
            if key in failed
            else summary_of(article.id, next(kept))
            for key, article in zip(keys, articles, strict=True)
        ]

    def _batches(self, articles: Sequence[Article]) -> list[list[int]]:
        if isinstance(self.model, Batching):
            return self.model.batches(articles)
        return [list(range(len(articles)))]

    def _write(self, batch: Sequence[tuple[str, Article]]) -> dict[str, Summary]:
        """Summarize what the ledger lacks of a batch; return those that failed, which it keeps not.

        A batch that a crash cut short is run again with the same articles: the ledger holds whole
        batches only, so what is missing now was missing then.
        """
        self.ledger.refresh()
        missing = [(key, article) for key, article in batch if key not in self.ledger]
        self.stored += len(batch) - len(missing)
        failed: dict[str, Summary] = {}
        if missing:
            summaries = self.model.summarize([article for _, article in missing])
            _same_length(self.signature["name"], len(summaries), len(missing))
            pairs = list(zip([key for key, _ in missing], summaries, strict=True))
            failed = {key: summary for key, summary in pairs if summary.finish == "error"}
            written = [(key, summary_record(s)) for key, s in pairs if key not in failed]
            self.ledger.append(written)
            self.computed += len(missing)
        self.advance(len(batch))
        return failed


class Scoring:
    """A metric behind its ledger."""

    def __init__(self, label: str, kind: str, metric: Metric, folder: Path) -> None:
        """Open the ledger of a metric."""
        self.label = label
        self.metric = metric
        self.signature = registry.signature(kind, metric)
        self.ledger = Ledger(folder, self.signature)
        self.computed = self.stored = 0

    def __call__(
        self, articles: Sequence[Article], summaries: Sequence[Summary]
    ) -> list[dict[str, Any]]:
        """Return the record of a score for each article."""
        keys = [self._key(a, s) for a, s in zip(articles, summaries, strict=True)]
        fresh = {
            key: (article, summary)
            for key, article, summary in zip(keys, articles, summaries, strict=True)
            if key and key not in self.ledger
        }
        failed = self._score(fresh) if fresh else {}
        self.computed += len(fresh)
        self.stored += len(articles) - len(fresh)
        kept = iter(self.ledger.get([key for key in keys if key and key not in failed]))
        return [
            failed.get(key) or (next(kept) if key else _unsummarized(summary))
            for key, summary in zip(keys, summaries, strict=True)
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

    def _key(self, article: Article, summary: Summary) -> str:
        if summary.finish == "error":
            return ""
        return digest(summary.text, _content(article, self.metric.needs))


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


def _content(article: Article, needs: frozenset[Need]) -> str:
    """Return the key of what a component looks at in an article."""
    looked_at: dict[Need, Any] = {
        "article": article.text,
        "references": article.references,
        "title": article.extra.get("title"),
        "summary": article.extra.get("summary"),
    }
    return digest({need: looked_at[need] for need in needs})


def _same_length(name: str, got: int, wanted: int) -> None:
    if got != wanted:
        raise ModelError(
            f"{name}: gave {got} results for {wanted} articles; a bug of the component"
        )
