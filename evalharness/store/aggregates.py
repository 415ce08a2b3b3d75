"""What a run says of its articles, counted as they come: numbers in columns, outputs, totals."""

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalharness.files.temporary import Spool
from evalharness.records import Article, Defect, ScoreRecord, Summary, count_likely_errors, digest
from evalharness.stats import intervals

if TYPE_CHECKING:
    from evalharness.stats.intervals import Interval

# Of a calibrated score.
BANDS = ("flagged", "unsure", "supported")

# Rows of a parquet row group, of the windows in which `samples.jsonl` is read back, and of the
# blocks in which scores wait in a file.
BLOCK_ROWS = 1000


# Parts of a score that say what was asked for it; of a panel's further judges with their number.
_USAGE = re.compile(r"(?:requests|tokens_(?:in|out)(?:_\d+)?)\Z")


class ScoreColumns:
    """One metric's value and parts over the articles, as numbers in columns.

    A missing value is NaN here and nowhere else. Of more than a block of articles, all but the last
    block are in a file.
    """

    def __init__(self, spool: Spool) -> None:
        """Start with no article."""
        self.n = 0
        self.notes: Counter[str] = Counter()
        self.flags: Counter[str] = Counter()
        self.n_with_errors = 0
        self.bands: dict[str, Counter[str]] = {}
        self.counts: list[float] = []
        self.usage: Counter[str] = Counter()  # requests and tokens, of what asks a model for words
        self._values: dict[str, array[float]] = {}  # of the last block
        self._spool = spool
        self._spooled: list[tuple[int, int]] = []  # where a block is, and how many parts it has

    @property
    def parts(self) -> list[str]:
        """The value and all parts, in the order in which they came."""
        return list(self._values)

    def add(self, score: ScoreRecord, source: str = "") -> None:
        """Take in the score of the next article."""
        numbers = {"value": score["value"], **score.get("parts", {})}
        for part, value in numbers.items():
            if part not in self._values:
                self._values[part] = array("d", [np.nan]) * (self.n % BLOCK_ROWS)
            self._values[part].append(np.nan if value is None else value)
        for part in self._values.keys() - numbers.keys():
            self._values[part].append(np.nan)
        self.n += 1
        if self.n % BLOCK_ROWS == 0:
            self._spooled.append((self._spool.write(self._last_block()), len(self._values)))
            self._values = {part: array("d") for part in self._values}
        if score["value"] is None:
            self.notes[score["note"]] += 1
        if "requests" in numbers:
            self.usage.update({p: int(n) for p, n in numbers.items() if _USAGE.match(p)})
        self.flags.update(flag["kind"] for flag in score.get("flags", ()))
        self.n_with_errors += count_likely_errors(score) > 0
        if "band" in score:
            self.bands.setdefault(source, Counter())[score["band"]] += 1
        if counts := score.get("counts"):
            self.counts = [
                a + b for a, b in zip(self.counts or [0.0] * len(counts), counts, strict=True)
            ]

    def blocks(self) -> Iterator[intervals.Values]:
        """Yield the values of `BLOCK_ROWS` articles after the other: shape (articles, parts)."""
        for at, n_parts in self._spooled:
            known = self._spool.read(at, (n_parts, BLOCK_ROWS)).T
            later = np.full((BLOCK_ROWS, len(self._values) - n_parts), np.nan)
            yield np.hstack([known, later])
        if self.n % BLOCK_ROWS:
            yield self._last_block().T

    def _last_block(self) -> intervals.Values:
        return np.array([np.frombuffer(column) for column in self._values.values()])

    def aggregates(self, metric: Any, interval: "Interval", seed: int) -> dict[str, Any]:
        """Return mean, interval, n and not_scored of the value, and the same of each part."""
        from evalharness.protocols import CorpusMetric, FindsErrors

        low, high = intervals.interval_of(self.blocks, seed, interval.resamples, interval.level)
        figures = {
            part: _figures((block[:, n] for block in self.blocks()), low[n], high[n])
            for n, part in enumerate(self._values)
        }
        whole = figures.pop("value")
        whole["not_scored"] = self.n - whole["n"]
        if isinstance(metric, CorpusMetric):
            whole["corpus"] = metric.corpus(self.counts) if self.counts else None
        whole["parts"] = figures
        whole["flags"] = dict(sorted(self.flags.items()))
        if self.n_with_errors or (isinstance(metric, FindsErrors) and metric.finds_errors):
            whole["likely_errors"] = self._likely_errors(whole["not_scored"])
        whole["notes"] = dict(sorted(self.notes.items()))
        if self.bands:
            whole["bands"] = {b: sum(n[b] for n in self.bands.values()) for b in BANDS}
            whole["bands_by_source"] = {
                source: {band: n[band] for band in BANDS}
                for source, n in sorted(self.bands.items())
            }
        return whole

    def _likely_errors(self, not_scored: int) -> dict[str, Any]:
        """Return how many of the scored summaries have a likely error, with Wilson's interval."""
        n = self.n - not_scored
        low, high = intervals.wilson(self.n_with_errors, n)
        share = self.n_with_errors / n if n else None
        return {"summaries": self.n_with_errors, "of": n, "share": share, "low": low, "high": high}


def _figures(column: Iterable[intervals.Values], low: float, high: float) -> dict[str, Any]:
    """Return the figures of a column that comes in blocks."""
    n = 0

    def known() -> Iterator[float]:
        nonlocal n
        for block in column:
            numbers = block[~np.isnan(block)].tolist()
            n += len(numbers)
            yield from numbers

    mean = intervals.mean(known())
    if mean is None:
        return {"mean": None, "low": None, "high": None, "n": 0}
    return {"mean": mean, "low": float(low), "high": float(high), "n": n}


class Outputs:
    """What came out of a summarizer, counted."""

    def __init__(self) -> None:
        """Start with no summary."""
        self.finish: Counter[str] = Counter()
        self.defects: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.words = self.tokens = self.answered = self.truncated = 0
        self.many_calls: Counter[str] = Counter()
        self.usage: Counter[str] = Counter()

    def add(self, article: Article, summary: Summary, defects: Sequence[Defect]) -> None:
        """Take in the next summary."""
        self.finish[summary.finish] += 1
        self.defects.update(defects)
        self.words += len(summary.text.split())
        self.tokens += summary.tokens or 0
        self.truncated += is_truncated(article.text, summary.read, summary.tokens_in)
        if summary.tokens_in is not None:
            written = summary.tokens if summary.tokens_out is None else summary.tokens_out
            self.usage["requests"] += summary.calls or 1
            self.usage["tokens_in"] += summary.tokens_in
            self.usage["tokens_out"] += written or 0
        if summary.calls:
            self.many_calls["articles"] += 1
            for count in ("calls", "tokens_in", "tokens_out", "parts_cut"):
                self.many_calls[count] += getattr(summary, count) or 0
        if summary.finish == "error":
            self.errors[summary.note] += 1
        elif not {"empty", "refusal"} & set(defects):
            self.answered += 1

    def record(self) -> dict[str, Any]:
        """Return the counts, and per article the share answered and the mean length."""
        n = sum(self.finish.values())
        written = n - self.finish["error"]
        # Of articles that were read in parts; a run in which all fit says nothing of it.
        in_parts = {"in_parts": dict(self.many_calls)} if self.many_calls else {}
        return {
            "answer_rate": self.answered / n if n else None,
            "mean_words": self.words / written if written else None,
            "mean_tokens": self.tokens / written if self.tokens else None,
            "truncated": self.truncated,
            **in_parts,
            "finish": dict(sorted(self.finish.items())),
            "defects": dict(sorted(self.defects.items())),
            "errors": dict(sorted(self.errors.items())),
        }


def is_truncated(article: str, read: int | None, tokens_in: int | None) -> bool:
    """Tell whether a model's limit, and not its nature, kept it from the article's end."""
    if read is None or tokens_in is None:
        return False
    return read < len(article.rstrip())


class Tally:
    """What `run.json` says of a run's articles, counted as they come."""

    def __init__(self, metrics: Mapping[str, Any], interval: "Interval", seed: int) -> None:
        """Begin with no article; metrics: the components that score, by label."""
        self.interval = interval
        self.seed = seed
        self.metrics = metrics
        self._spool = Spool()
        self.columns = {name: ScoreColumns(self._spool) for name in metrics}
        self.outputs = Outputs()
        self.articles = self.rejected = 0
        self.fingerprint = digest("articles")

    def count(
        self,
        article: Article,
        summary: Summary,
        defects: Sequence[Defect],
        scores: Mapping[str, ScoreRecord],
    ) -> None:
        """Take in one article with its summary and what each metric says of it."""
        self.articles += 1
        self.outputs.add(article, summary, defects)
        for name, score in scores.items():
            self.columns[name].add(score, article.source)
        self.fingerprint = digest(
            self.fingerprint, article.id, article.text, article.references, article.source
        )

    def record(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return counts, data with the articles' fingerprint, outputs and metrics."""
        n = self.articles
        failed = self.outputs.finish["error"]
        return {
            "counts": {
                "rows": n + self.rejected,
                "rejected": self.rejected,
                "articles": n,
                "summarized": n - failed,
                "failed": failed,
            },
            "data": {**data, "fingerprint": self.fingerprint},
            "outputs": self.outputs.record(),
            "metrics": {
                name: self.columns[name].aggregates(metric, self.interval, self.seed)
                for name, metric in self.metrics.items()
            },
        }
