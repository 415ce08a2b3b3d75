"""The files of a run: one line an article as it comes, and the aggregates at the end."""

import json
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalharness import stats
from evalharness.config import Interval
from evalharness.defects import Defect
from evalharness.protocols import CorpusMetric
from evalharness.records import Article, Rejected, Summary, digest, summary_record
from evalharness.sealing import file_digest, sealed, text_of
from evalharness.spill import Spool
from evalharness.store import RunFolder

if TYPE_CHECKING:
    import pyarrow as pa

ScoreRecord = Mapping[str, Any]

SAMPLES = "samples.jsonl"
TABLE = "samples.parquet"
RUN = "run.json"
CONFIG = "config.yaml"
PAGE = "report.html"
REJECTED = "rejected.jsonl"

# Of a calibrated score.
BANDS = ("flagged", "unsure", "supported")

# Of a metric with many parts, by kind: those that papers print.
SHOWN_PARTS = {
    "rouge": ("rouge1", "rouge2", "rougeL", "rougeLsum"),
    "extractiveness": ("coverage", "density", "novel_2"),
}

# Rows of a parquet row group, of the windows in which `samples.jsonl` is read back, and of the
# blocks in which scores wait in a file.
ROWS = 1000


class Columns:
    """One metric's value and parts over the articles, as numbers in columns.

    A missing value is NaN here and nowhere else. Of more than a block of articles, all but the last
    block are in a file.
    """

    def __init__(self, spool: Spool) -> None:
        """Start with no article."""
        self.n = 0
        self.notes: Counter[str] = Counter()
        self.flags: Counter[str] = Counter()
        self.bands: dict[str, Counter[str]] = {}
        self.counts: list[float] = []
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
                self._values[part] = array("d", [np.nan]) * (self.n % ROWS)
            self._values[part].append(np.nan if value is None else value)
        for part in self._values.keys() - numbers.keys():
            self._values[part].append(np.nan)
        self.n += 1
        if self.n % ROWS == 0:
            self._spooled.append((self._spool.write(self._last_block()), len(self._values)))
            self._values = {part: array("d") for part in self._values}
        if score["value"] is None:
            self.notes[score["note"]] += 1
        self.flags.update(flag["kind"] for flag in score.get("flags", ()))
        if "band" in score:
            self.bands.setdefault(source, Counter())[score["band"]] += 1
        if counts := score.get("counts"):
            self.counts = [
                a + b for a, b in zip(self.counts or [0.0] * len(counts), counts, strict=True)
            ]

    def blocks(self) -> Iterator[stats.Values]:
        """Yield the values of `ROWS` articles after the other: shape (articles, parts)."""
        for at, n_parts in self._spooled:
            known = self._spool.read(at, (n_parts, ROWS)).T
            later = np.full((ROWS, len(self._values) - n_parts), np.nan)
            yield np.hstack([known, later])
        if self.n % ROWS:
            yield self._last_block().T

    def _last_block(self) -> stats.Values:
        return np.array([np.frombuffer(column) for column in self._values.values()])

    def aggregates(self, metric: Any, interval: Interval, seed: int) -> dict[str, Any]:
        """Return mean, interval, n and not_scored of the value, and the same of each part."""
        low, high = stats.interval_of(self.blocks, seed, interval.resamples, interval.level)
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
        whole["notes"] = dict(sorted(self.notes.items()))
        if self.bands:
            whole["bands"] = {b: sum(n[b] for n in self.bands.values()) for b in BANDS}
            whole["bands_by_source"] = {
                source: {band: n[band] for band in BANDS}
                for source, n in sorted(self.bands.items())
            }
        return whole


def _figures(column: Iterable[stats.Values], low: float, high: float) -> dict[str, Any]:
    """Return the figures of a column that comes in blocks."""
    n = 0

    def known() -> Iterator[float]:
        nonlocal n
        for block in column:
            numbers = block[~np.isnan(block)].tolist()
            n += len(numbers)
            yield from numbers

    mean = stats.mean(known())
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

    def add(self, article: Article, summary: Summary, defects: Sequence[Defect]) -> None:
        """Take in the next summary."""
        self.finish[summary.finish] += 1
        self.defects.update(defects)
        self.words += len(summary.text.split())
        self.tokens += summary.tokens or 0
        self.truncated += cut(article.text, summary.read, summary.tokens_in)
        if summary.calls:
            self.many_calls["articles"] += 1
            for count in ("calls", "tokens_in", "tokens_out"):
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


def cut(article: str, read: int | None, tokens_in: int | None) -> bool:
    """Tell whether a model's limit, and not its nature, kept it from the article's end."""
    if read is None or tokens_in is None:
        return False
    return read < len(article.rstrip())


class Tally:
    """What `run.json` says of a run's articles, counted as they come."""

    def __init__(self, metrics: Mapping[str, Any], interval: Interval, seed: int) -> None:
        """Begin with no article; metrics: the components that score, by label."""
        self.interval = interval
        self.seed = seed
        self.metrics = metrics
        self._spool = Spool()
        self.columns = {name: Columns(self._spool) for name in metrics}
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


class Writer(Tally):
    """Writes a run's folder: samples while they come, the rest when all are there."""

    def __init__(
        self, path: Path, metrics: Mapping[str, Any], interval: Interval, seed: int
    ) -> None:
        """Open the folder of a run with the components that score, by label."""
        super().__init__(metrics, interval, seed)
        self.folder = RunFolder(path)
        self.first_rejected: Rejected | None = None
        self._samples = self.folder.writing(SAMPLES).open("w", encoding="utf-8", newline="\n")
        self._rejections = self.folder.writing(REJECTED).open("w", encoding="utf-8", newline="\n")

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        for file in (self._samples, self._rejections):
            with suppress(OSError):  # what ended the run has been raised already
                file.close()
        self._spool.close()
        for name in (SAMPLES, REJECTED, TABLE):
            self.folder.writing(name).unlink(missing_ok=True)

    def reject(self, row: Rejected) -> None:
        """List a row that is no article."""
        self.rejected += 1
        self.first_rejected = self.first_rejected or row
        self._rejections.write(line_of({"where": row.where, "reason": row.reason}))

    def add(
        self,
        article: Article,
        summary: Summary,
        defects: Sequence[Defect],
        scores: Mapping[str, ScoreRecord],
    ) -> None:
        """Write one article with its summary and what each metric says of it."""
        self.count(article, summary, defects, scores)
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
        self._samples.write(line_of(sample))

    def finish(
        self, head: Mapping[str, Any], tail: Mapping[str, Any], config: str
    ) -> dict[str, Any]:
        """Write all files of the run, `run.json` last, and return what it holds.

        head, tail: what the runner knows, put before and after counts and aggregates.
        """
        self._samples.close()
        self._rejections.close()
        write_table(self.folder.writing(SAMPLES), self.folder.writing(TABLE), self.columns)
        record = sealed({**head, **self.record(head["data"]), **tail}, self._digests(config))
        self._publish(record, config)
        return record

    def _digests(self, config: str) -> dict[str, str]:
        """Return what names the bytes of each file beside `run.json`."""
        names = [SAMPLES, TABLE, *((REJECTED,) if self.rejected else ())]
        found = {name: file_digest(self.folder.writing(name)) for name in names}
        return found | {CONFIG: file_digest(config)}

    def _publish(self, record: Mapping[str, Any], config: str) -> None:
        """Move all files to their names; while `run.json` is not there, the run is not whole."""
        self.folder.remove(RUN)
        if self.rejected:
            self.folder.publish(REJECTED)
        else:
            self.folder.remove(REJECTED)
        self.folder.publish(TABLE)
        self.folder.publish(SAMPLES)
        self.folder.write(CONFIG, config)
        self.folder.write(RUN, text_of(record))


def line_of(record: Mapping[str, Any]) -> str:
    """Return one JSON line; lone surrogates, which UTF-8 cannot hold, make it ASCII throughout."""
    text = json.dumps(record, ensure_ascii=False, separators=(", ", ": "), default=str)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(record, separators=(", ", ": "), default=str)
    return text + "\n"


def read_samples(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a `samples.jsonl`."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


_ID = '{"id": '


def samples_of(path: Path, ids: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the samples of some articles, decoding no other line whole."""
    decoder = json.JSONDecoder()
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.startswith(_ID) and decoder.raw_decode(line, len(_ID))[0] in ids:
                yield json.loads(line)


def table_schema(columns: Mapping[str, Columns]) -> "pa.Schema":
    """Return the columns of the table, with their types."""
    import pyarrow as pa

    numbers = [f"{name}.{part}" for name, metric in columns.items() for part in metric.parts]
    return pa.schema(
        [
            ("id", pa.string()),
            ("source", pa.string()),
            ("finish", pa.string()),
            ("read", pa.int64()),
            ("tokens", pa.int64()),
            ("tokens_in", pa.int64()),
            ("words", pa.int64()),
            ("article", pa.string()),
            ("references", pa.string()),
            ("article_words", pa.int64()),
            ("truncated", pa.bool_()),
            ("defects", pa.list_(pa.string())),
            ("line", pa.uint32()),
            *((name, pa.float64()) for name in numbers),
            *((f"{name}.band", pa.string()) for name, metric in columns.items() if metric.bands),
            *((f"{name}.flags", pa.int64()) for name, metric in columns.items() if metric.flags),
            *(
                (f"{name}.counts", pa.list_(pa.float64()))
                for name, metric in columns.items()
                if metric.counts
            ),
        ]
    )


def write_table(samples: Path, table: Path, columns: Mapping[str, Columns]) -> None:
    """Write the parquet twin of a `samples.jsonl`: ids, outcome, and a column a metric and part.

    What names the content of article and references tells later whether two runs had the same;
    `line` is the CRC-32 of the line in `samples.jsonl`. A metric that flags, or that has counts for
    a whole corpus, has a column for these, too.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    banded = [name for name, metric in columns.items() if metric.bands]
    flagging = [name for name, metric in columns.items() if metric.flags]
    counting = [name for name, metric in columns.items() if metric.counts]
    schema = table_schema(columns)
    blocks = {name: metric.blocks() for name, metric in columns.items()}
    with pq.ParquetWriter(table, schema, compression="zstd") as writer:
        for lines in _windows(read_lines(samples)):
            window = [json.loads(line) for line in lines]
            told = [told_of(*both) for both in zip(window, lines, strict=True)]
            rows = {name: [row[name] for row in told] for name in told[0]}
            for name, metric in columns.items():
                block = next(blocks[name])
                for part, values in zip(metric.parts, block.T, strict=True):
                    rows[f"{name}.{part}"] = pa.array(values, from_pandas=True)
            for name in banded:
                rows[f"{name}.band"] = [sample["scores"][name].get("band") for sample in window]
            for name in flagging:
                rows[f"{name}.flags"] = [len(s["scores"][name].get("flags", ())) for s in window]
            for name in counting:
                rows[f"{name}.counts"] = [s["scores"][name].get("counts") for s in window]
            writer.write_table(pa.table(rows, schema=schema))


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file as they are."""
    with path.open("rb") as file:
        yield from file


def _windows(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    window: list[bytes] = []
    for line in lines:
        window.append(line)
        if len(window) == ROWS:
            yield window
            window = []
    if window:
        yield window


def encodable(text: str) -> str:
    """Return a text that Parquet can hold: lone surrogates, which UTF-8 lacks, as their codes."""
    return text.encode("utf-8", errors="backslashreplace").decode()


def told_of(sample: Mapping[str, Any], line: bytes) -> dict[str, Any]:
    """Return what the table says of a sample beside its scores; line: the sample as it stands."""
    summary = sample["summary"]
    return {
        "id": encodable(sample["id"]),
        "source": encodable(sample["source"]),
        "finish": summary["finish"],
        "read": summary.get("read"),
        "tokens": summary.get("tokens"),
        "tokens_in": summary.get("tokens_in"),
        "words": len(summary["text"].split()),
        "article": digest(sample["article"]),
        "references": digest(sample["references"]),
        "article_words": len(sample["article"].split()),
        "truncated": cut(sample["article"], summary.get("read"), summary.get("tokens_in")),
        "defects": sample["defects"],
        "line": zlib.crc32(line),
    }
