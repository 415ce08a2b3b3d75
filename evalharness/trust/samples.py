"""One pass over the samples of a run: each line by itself, with the table, with the store."""

import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from evalharness.records import NO_ANSWER, Article, Score, Summary, digest, score_record, summary_of
from evalharness.store import samples, table
from evalharness.store.aggregates import BLOCK_ROWS, Tally
from evalharness.store.runs import Run
from evalharness.store.store import content_key
from evalharness.trust.components import CALIBRATED, Components
from evalharness.trust.findings import Findings, short_text, unlike
from evalharness.trust.ledgers import Shelf, records_of
from evalharness.trust.rescoring import Rescoring, with_band, without_calibration

# Samples that are in memory at once.
_WINDOW_LINES = 256

MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)

Read = tuple[int, dict[str, Any], Article, Summary]


class VerifiedSamples:
    """The samples of a run, read once."""

    def __init__(
        self,
        run: Run,
        made: Components,
        shelf: Shelf | None,
        findings: Findings,
    ) -> None:
        """Take a run, what made it, and its store, if there is one."""
        self.run = run
        self.path = run.folder / samples.SAMPLES
        self.table = Table(run.folder / samples.TABLE_FILE, findings)
        self.made = made
        self.shelf = shelf
        self.findings = findings
        metrics = {label: made.metrics.get(label, object()) for label in run.figures}
        self.tally = Tally(metrics, run.interval, run.seed)
        self.rescore = Rescoring(self.path, made, findings)
        self.whole = True
        self.absent: Counter[str] = Counter()  # from the store, by what it is

    def check(self, sample: int | None, seed: int) -> None:
        """Go through all lines; score `sample` of them again, all if None."""
        window: list[Read] = []
        chosen: list[Read] = []
        again = self._sampled_lines(sample, seed)
        for read in self._read():
            window.append(read)
            if again is None or read[0] in again:
                chosen.append(read)
            if len(window) >= _WINDOW_LINES:
                self._with_store(window)
                window = []
            if len(chosen) >= _WINDOW_LINES:
                self.rescore(chosen)
                chosen = []
        if window:
            self._with_store(window)
        if chosen:
            self.rescore(chosen)
        self.table.end(self.tally if self.whole else None)
        for what, n in self.absent.items():
            self.findings.note(f"{self.path}: {n} {what} are not in the store: not held against it")

    def _sampled_lines(self, sample: int | None, seed: int) -> set[int] | None:
        """Return the numbers of the lines that are to be scored again; None for all."""
        n = self.run.n
        if sample is None or sample >= n:
            return None
        return set(Random(seed).sample(range(1, n + 1), sample))  # noqa: S311  no secret

    def _read(self) -> Iterator[Read]:
        """Yield the lines that are samples, each compared with its row of the table."""
        for number, line in enumerate(samples.read_lines(self.path), 1):
            self.findings.done["lines of samples"] += 1
            row = self.table.next()
            if row is not None and row.get("line") not in (None, zlib.crc32(line)):
                self._differs(number, "", f"not the line that {self.table.path.name} tells of")
            try:
                read = self._parse_line(number, line)
                sample, article, summary = read[1:]
                wanted = table.row_of(sample, line)
                self.tally.count(article, summary, sample["defects"], sample["scores"])
            except MALFORMED as error:
                self.whole = False
                self._differs(number, "", f"no sample as evalharness writes it: {_why(error)}")
                continue
            if row is not None:
                self._compare(number, row, wanted | _score_columns(sample))
            yield read

    def _parse_line(self, number: int, line: bytes) -> Read:
        sample = json.loads(line)
        _check_types(sample)
        if samples.line_of(sample).encode() != line:
            self._differs(number, "", "not as evalharness writes it")
        article = Article(
            sample["id"],
            sample["article"],
            tuple(sample["references"]),
            sample["source"],
            sample["extra"],
        )
        if list(sample["scores"]) != list(self.run.figures):
            raise ValueError(f"scores of {list(sample['scores'])}")
        return number, sample, article, summary_of(article.id, sample["summary"])

    def _differs(self, line: int, place: str, message: str) -> None:
        self.findings.differs(self.path, line, place, message)

    def _compare(self, line: int, row: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        for name, value in row.items():
            if name != "line" and value != wanted.get(name):
                here, there = short_text(wanted.get(name)), short_text(value)
                self._differs(line, name, f"{here} here, {there} in {self.table.path.name}")

    def _with_store(self, window: Sequence[Read]) -> None:
        if self.shelf is None:
            return
        self._summaries_with_store(window)
        for label in self.run.figures:
            if label in self.made.needs:
                self._scores_with_store(label, self.made.needs[label], window)

    def _summaries_with_store(self, window: Sequence[Read]) -> None:
        assert self.shelf is not None
        ledger = self.shelf.ledger("summaries", self.run.signatures.model)
        needs = self.made.model_needs
        if needs is None:
            return
        keys = [content_key(a, needs) if s.finish != "error" else "" for _, _, a, s in window]
        kept = records_of(ledger, keys)
        for (line, sample, *_), key, record in zip(window, keys, kept, strict=True):
            if key and record is None:
                self.absent["summaries"] += 1
            elif key:
                self.findings.done["summaries held against the store"] += 1
                self._as_stored(line, "summary", sample["summary"], record)

    def _scores_with_store(self, label: str, needs: frozenset[Any], window: Sequence[Read]) -> None:
        assert self.shelf is not None
        told = self.run.signatures.metrics.get(label, "")
        signature = told.partition(CALIBRATED)[0]
        ledger = self.shelf.ledger("scores", signature)
        keys = [
            digest(s.text, content_key(a, needs)) if s.finish != "error" else ""
            for _, _, a, s in window
        ]
        kept = records_of(ledger, keys)
        for (line, sample, article, summary), record in zip(window, kept, strict=True):
            found = sample["scores"][label]
            if summary.finish == "error":
                record = score_record(Score(None, note=f"no summary: {summary.note}"))
            if found.get("note", "").startswith(NO_ANSWER):
                continue
            if record is None:
                self.absent[f"scores by {label}"] += 1
                continue
            self.findings.done["scores held against the store"] += 1
            wanted = with_band(self.made, label, record, article)
            if label not in self.made.calibrations:
                found, wanted = without_calibration(found), without_calibration(wanted)
            self._as_stored(line, f"scores.{label}", found, wanted)

    def _as_stored(self, line: int, place: str, found: Any, wanted: Any) -> None:
        self.findings.differ(self.path, line, place, unlike(found, wanted), "in the store")


def _check_types(sample: Any) -> None:
    """Raise TypeError where a field of a sample is no text, or no list or mapping, as it should."""
    texts = [sample["id"], sample["article"], sample["source"], sample["summary"]["text"]]
    texts += [*sample["references"], *sample["defects"]]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a field that should be text is none")
    lists, mappings = ("references", "defects"), ("extra", "summary", "scores")
    odd = [name for name in lists if not isinstance(sample[name], list)]
    odd += [name for name in mappings if not isinstance(sample[name], dict)]
    odd += [label for label, score in sample["scores"].items() if not isinstance(score, dict)]
    if odd:
        raise TypeError(f"{odd[0]} is of another type")


def _score_columns(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the table says of a sample's scores; what is not in it is null there."""
    found: dict[str, Any] = {}
    for label, score in sample["scores"].items():
        numbers = {"value": score["value"], **score.get("parts", {})}
        found |= {f"{label}.{part}": value for part, value in numbers.items()}
        found[f"{label}.band"] = score.get("band")
        found[f"{label}.flags"] = len(score.get("flags", ()))
        found[f"{label}.counts"] = score.get("counts")
    return found


def _why(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else short_text(error)


class Table:
    """The rows of a `samples.parquet`, one after the other; none any more where one is broken."""

    def __init__(self, path: Path, findings: Findings) -> None:
        """Open the table; one that cannot be read is a difference."""
        self.path = path
        self.findings = findings
        self.n = 0
        self.schema: Any = None
        self._rows = self._read() if path.is_file() else iter(())

    @property
    def tells_lines(self) -> bool:
        """Whether it has the checksums of the lines, as tables of older versions have not."""
        return self.schema is not None and "line" in self.schema.names

    def next(self) -> Mapping[str, Any] | None:
        """Return the next row; None where there is none."""
        row = next(self._rows, None)
        self.n += row is not None
        return row

    def end(self, tally: Tally | None) -> None:
        """Compare columns and number of rows with those that the samples make."""
        if self.schema is None:
            return
        while self.next() is not None:
            pass
        if tally is None:
            return
        if self.n != tally.articles:
            message = f"{self.n} rows, and {tally.articles} lines in {samples.SAMPLES}"
            self.findings.differs(self.path, 0, "", message)
        wanted = {f.name: f.type for f in table.table_schema(tally.columns)}
        found = {f.name: f.type for f in self.schema}
        if "line" not in found:  # of an older version
            wanted.pop("line")
        if found != wanted:
            odd = [k for k in dict.fromkeys([*found, *wanted]) if found.get(k) != wanted.get(k)]
            message = f"its columns are not those of {samples.SAMPLES}: {', '.join(odd)}"
            self.findings.differs(self.path, 0, "", message)

    def _read(self) -> Iterator[Mapping[str, Any]]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        broken = (pa.ArrowException, OSError, *MALFORMED, MemoryError)
        try:
            file = pq.ParquetFile(self.path)
            self.schema = file.schema_arrow
            for batch in file.iter_batches(batch_size=BLOCK_ROWS):
                yield from batch.to_pylist()
        except broken as error:
            self.schema = None
            self.findings.differs(self.path, 0, "", f"cannot be read: {short_text(error)}")
