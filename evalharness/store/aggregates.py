"""What a run says of its articles, counted as they come: numbers in columns, outputs, totals.

Samples come in blocks: workers make the lines of the files and count what is in them, and the
driver adds up, in the articles' order. A worker imports this, and numpy is not worth its time.
"""

import hashlib
import json
import math
import re
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from evalharness.records import (
    Article,
    Defect,
    ScoreRecord,
    Summary,
    canonical,
    count_likely_errors,
    digest,
    summary_record,
)

if TYPE_CHECKING:
    from evalharness.files.temporary import Spool
    from evalharness.stats import intervals
    from evalharness.stats.intervals import Interval

# Of a calibrated score.
BANDS = ("flagged", "unsure", "supported")

# Rows of a parquet row group, of the windows in which `samples.jsonl` is read back, and of the
# blocks in which scores wait in a file.
BLOCK_ROWS = 1000


# How many flags of a scorer name a likely error; older runs have no such columns either.
LIKELY_ERRORS = ".likely_errors"

# Parts of a score that say what was asked for it; of a panel's further judges with their number.
_USAGE = re.compile(r"(?:requests|tokens_(?:in|out)(?:_\d+)?)\Z")


class ScoreColumns:
    """One metric's value and parts over the articles, as numbers in columns.

    A missing value is NaN here and nowhere else. Of more than a block of articles, all but the last
    block are in a file, if there is a spool.
    """

    def __init__(self, spool: "Spool | None" = None) -> None:
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
                self._values[part] = _nans(self._in_last_block)
            self._values[part].append(math.nan if value is None else value)
        for part in self._values.keys() - numbers.keys():
            self._values[part].append(math.nan)
        self.n += 1
        self._spool_full_block()
        if score["value"] is None:
            self.notes[score["note"]] += 1
        if "requests" in numbers:
            self.usage.update({p: int(n) for p, n in numbers.items() if _USAGE.match(p)})
        self.flags.update(flag["kind"] for flag in score.get("flags", ()))
        self.n_with_errors += count_likely_errors(score) > 0
        if "band" in score:
            self.bands.setdefault(source, Counter())[score["band"]] += 1
        self._add_counts(score.get("counts"))

    def extend(self, later: "ScoreColumns", counts: Iterable[Sequence[float] | None]) -> None:
        """Take in further articles, which were counted elsewhere.

        counts: those of each of them, which are added one by one, as sums of floats have an order.
        """
        at = 0
        while at < later.n:
            n = min(later.n - at, BLOCK_ROWS - self._in_last_block)
            for part in later._values:  # in the order in which they came
                if part not in self._values:
                    self._values[part] = _nans(self._in_last_block)
            for part, values in self._values.items():
                known = later._values.get(part)
                values.extend(_nans(n) if known is None else known[at : at + n])
            self.n += n
            at += n
            self._spool_full_block()
        for ours, theirs in (
            (self.notes, later.notes), (self.flags, later.flags), (self.usage, later.usage)
        ):  # fmt: skip
            ours.update(theirs)
        self.n_with_errors += later.n_with_errors
        for source, bands in later.bands.items():
            self.bands.setdefault(source, Counter()).update(bands)
        for of_article in counts:
            self._add_counts(of_article)

    def _add_counts(self, counts: Sequence[float] | None) -> None:
        if counts:
            before = self.counts or [0.0] * len(counts)
            self.counts = [a + b for a, b in zip(before, counts, strict=True)]

    @property
    def _in_last_block(self) -> int:
        return self.n % BLOCK_ROWS if self._spool else self.n

    def _spool_full_block(self) -> None:
        if self._spool and self._in_last_block == 0:
            self._spooled.append((self._spool.write(self._last_block()), len(self._values)))
            self._values = {part: array("d") for part in self._values}

    def blocks(self) -> "Iterator[intervals.Values]":
        """Yield the values of `BLOCK_ROWS` articles after the other: shape (articles, parts)."""
        import numpy as np

        for at, n_parts in self._spooled:
            assert self._spool is not None
            known = self._spool.read(at, (n_parts, BLOCK_ROWS)).T
            later = np.full((BLOCK_ROWS, len(self._values) - n_parts), np.nan)
            yield np.hstack([known, later])
        if self._in_last_block:
            yield self._last_block().T

    def _last_block(self) -> "intervals.Values":
        import numpy as np

        return np.array([np.frombuffer(column) for column in self._values.values()])

    def aggregates(
        self, metric: Any, low: Sequence[float], high: Sequence[float]
    ) -> dict[str, Any]:
        """Return mean, interval, n and not_scored of the value, and the same of each part.

        low, high: the ends of the intervals of all parts.
        """
        from evalharness.protocols import CorpusMetric, FindsErrors

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
        from evalharness.stats import intervals

        n = self.n - not_scored
        low, high = intervals.wilson(self.n_with_errors, n)
        share = self.n_with_errors / n if n else None
        return {"summaries": self.n_with_errors, "of": n, "share": share, "low": low, "high": high}


def _nans(n: int) -> "array[float]":
    return array("d", [math.nan]) * n


def _figures(column: "Iterable[intervals.Values]", low: float, high: float) -> dict[str, Any]:
    """Return the figures of a column that comes in blocks."""
    import numpy as np

    n = 0

    def known() -> Iterator[list[float]]:
        nonlocal n
        for block in column:
            numbers: list[float] = block[~np.isnan(block)].tolist()
            n += len(numbers)
            yield numbers

    total = math.fsum(chain.from_iterable(known()))  # exact, and rounded once
    if not n:
        return {"mean": None, "low": None, "high": None, "n": 0}
    return {"mean": total / n, "low": float(low), "high": float(high), "n": n}


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

    def extend(self, later: "Outputs") -> None:
        """Take in further summaries, which were counted elsewhere."""
        for name, count in vars(later).items():
            ours = getattr(self, name)
            if isinstance(ours, Counter):
                ours.update(count)
            else:
                setattr(self, name, ours + count)

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
        from evalharness.files.temporary import Spool

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
        self._add_fingerprint(fingerprint_text(article))

    def extend(self, block: "SampleBlock") -> None:
        """Take in a block of articles after the others."""
        self.articles += len(block.lines)
        self.outputs.extend(block.outputs)
        for name, column in self.columns.items():
            column.extend(block.columns[name], block.rows.get(f"{name}.counts", ()))
        for text in block.fingerprints:
            self._add_fingerprint(text)

    def _add_fingerprint(self, text: bytes) -> None:
        """Go on with the fingerprint of all articles so far: the `digest` of it and the next."""
        whole = b'["%b",%b]' % (self.fingerprint.encode(), text)
        self.fingerprint = hashlib.sha256(whole).hexdigest()[:32]

    def record(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return counts, data with the articles' fingerprint, outputs and metrics."""
        n = self.articles
        failed = self.outputs.finish["error"]
        ends = self._intervals()
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
                name: self.columns[name].aggregates(metric, *ends[name])
                for name, metric in self.metrics.items()
            },
        }

    def _intervals(self) -> dict[str, tuple[Sequence[float], Sequence[float]]]:
        """Return by metric the low and the high ends of its parts' intervals.

        Those of as many articles are resampled together, as each by itself would draw the same.
        """
        alike: dict[int, list[str]] = {}
        for name, column in self.columns.items():
            alike.setdefault(column.n, []).append(name)
        ends = {}
        for names in alike.values():
            low, high = self._intervals_of([self.columns[name] for name in names])
            start = 0
            for name in names:
                end = start + len(self.columns[name].parts)
                ends[name] = low[start:end], high[start:end]
                start = end
        return ends

    def _intervals_of(self, columns: Sequence[ScoreColumns]) -> tuple[Any, Any]:
        import numpy as np

        from evalharness.stats import intervals

        def blocks() -> "Iterator[intervals.Values]":
            for beside in zip(*(column.blocks() for column in columns), strict=True):
                yield np.hstack(beside)

        how = self.interval
        return intervals.interval_of(blocks, self.seed, how.resamples, how.level)


def fingerprint_text(article: Article) -> bytes:
    """Return what of an article goes into the fingerprint of a run's articles: JSON in brackets."""
    return _fingerprint_text(article.id, article.text, tuple(article.references), article.source)


# The articles of one batch of samples come again for each system.
_KEPT_ARTICLES = 128


@lru_cache(_KEPT_ARTICLES)
def _fingerprint_text(*of_article: Any) -> bytes:
    return canonical(of_article).encode()[1:-1]


class StoredSamples(NamedTuple):
    """What the store has of some articles and one system, in their order.

    defects: those of each summary, where they are known. scores: by label, the JSON of each record.
    """

    summaries: Sequence[Summary]
    defects: Sequence[Sequence[Defect]] | None
    scores: Mapping[str, Sequence[bytes]]


class SampleBlock:
    """Some samples of a run as its files have them, with what they count: all but the numbers.

    lines: of `samples.jsonl`. rows: of the table, by column. fingerprints: of the articles.
    """

    def __init__(self, labels: Iterable[str]) -> None:
        """Start with no sample; labels: of all scores."""
        self.lines: list[bytes] = []
        self.rows: dict[str, list[Any]] = {}
        self.fingerprints: list[bytes] = []
        self.outputs = Outputs()
        self.columns = {label: ScoreColumns() for label in labels}

    def add(
        self,
        article: Article,
        summary: Summary,
        defects: Sequence[Defect],
        scores: Mapping[str, ScoreRecord],
    ) -> None:
        """Take in the next article with its summary and what each metric says of it."""
        sample = {
            "id": article.id,
            "article": article.text,
            "references": list(article.references),
            "source": article.source,
            "extra": dict(article.extra),
            "summary": summary_record(summary),
            "defects": list(defects),
            "scores": scores,
        }
        line = line_of(sample).encode()
        self.lines.append(line)
        for name, value in (row_of(sample, line) | row_of_scores(scores)).items():
            self.rows.setdefault(name, []).append(value)
        self.outputs.add(article, summary, defects)
        for label, score in scores.items():
            self.columns[label].add(score, article.source)
        self.fingerprints.append(fingerprint_text(article))


class SamplesOfCell(NamedTuple):
    """What makes the samples of a system: its scores' labels, instructions, and calibrations."""

    labels: tuple[str, ...]
    instructions: Sequence[str] = ()
    calibrations: Mapping[str, Any] = {}


@dataclass(frozen=True)
class SampleMaker:
    """Makes the samples of systems with the same articles of what the store has of them."""

    version: ClassVar[int] = 1

    cells: tuple[SamplesOfCell, ...] = field(compare=False)

    def make_samples(
        self, stored: tuple[Sequence[Article], Sequence[StoredSamples]]
    ) -> list[SampleBlock]:
        """Return a block for each system, of articles and what the store has of each system."""
        articles, of_systems = stored
        return [
            _block_of(cell, articles, samples)
            for cell, samples in zip(self.cells, of_systems, strict=True)
        ]


def _block_of(
    cell: SamplesOfCell, articles: Sequence[Article], stored: StoredSamples
) -> SampleBlock:
    from evalharness.text import defects  # which is nothing for `gate` to import

    block = SampleBlock(cell.labels)
    for n, (article, summary) in enumerate(zip(articles, stored.summaries, strict=True)):
        title = str(article.extra.get("title") or "")
        found = (
            defects.find_defects(article.text, summary, cell.instructions, title)
            if stored.defects is None
            else stored.defects[n]
        )
        texts = {label: of_label[n] for label, of_label in stored.scores.items()}
        block.add(article, summary, found, _scores_of(cell, article, texts))
    return block


def _scores_of(
    cell: SamplesOfCell, article: Article, texts: Mapping[str, bytes]
) -> dict[str, ScoreRecord]:
    """Return the scores of a sample from their texts, calibrated ones with their bands."""
    scores = {label: json.loads(text) for label, text in texts.items()}
    for label, calibration in cell.calibrations.items():
        if label in scores:
            scores[label] = calibration.with_band(scores[label], article.source)
    return scores


def line_of(record: Mapping[str, Any]) -> str:
    """Return one JSON line; lone surrogates, which UTF-8 cannot hold, make it ASCII throughout."""
    text = _LINE.encode(record)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = _LINE_IN_ASCII.encode(record)
    return text + "\n"


_LINE, _LINE_IN_ASCII = (
    json.JSONEncoder(ensure_ascii=ascii, separators=(", ", ": "), default=str)
    for ascii in (False, True)
)


def encodable(text: str) -> str:
    """Return a text that Parquet can hold: lone surrogates, which UTF-8 lacks, as their codes."""
    return text.encode("utf-8", errors="backslashreplace").decode()


@lru_cache(_KEPT_ARTICLES)
def _digest_and_words(article: str) -> tuple[str, int]:
    return digest(article), len(article.split())


def row_of(sample: Mapping[str, Any], line: bytes) -> dict[str, Any]:
    """Return what the table says of a sample beside its scores; line: the sample as it stands."""
    summary = sample["summary"]
    article, article_words = _digest_and_words(sample["article"])
    return {
        "id": encodable(sample["id"]),
        "source": encodable(sample["source"]),
        "finish": summary["finish"],
        "read": summary.get("read"),
        "tokens": summary.get("tokens"),
        "tokens_in": summary.get("tokens_in"),
        "words": len(summary["text"].split()),
        "article": article,
        "references": digest(sample["references"]),
        "article_words": article_words,
        "truncated": is_truncated(sample["article"], summary.get("read"), summary.get("tokens_in")),
        "defects": sample["defects"],
        "line": zlib.crc32(line),
    }


def row_of_scores(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the table says of a sample's scores beside their numbers."""
    row: dict[str, Any] = {}
    for name, score in scores.items():
        row[f"{name}.band"] = score.get("band")
        row[f"{name}.flags"] = len(score.get("flags", ()))
        row[f"{name}{LIKELY_ERRORS}"] = count_likely_errors(score)
        row[f"{name}.counts"] = score.get("counts")
    return row
