"""The files of a run and of its store, read and held against each other.

First the ledgers, every line and batch of them; then scores and summaries made again; then one pass
over the samples, each by itself, with its row of the table, and with the store.
"""

import json
import math
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, get_args

from evalharness import records
from evalharness.config import registry
from evalharness.config.signature import signature_text
from evalharness.errors import DataError, HarnessError, StoreError
from evalharness.metrics.rouge import Rouge
from evalharness.protocols import Pair, Prompted
from evalharness.records import Article, Score, Summary
from evalharness.store import ledger as store_ledger
from evalharness.store import samples, table
from evalharness.store.aggregates import BLOCK_ROWS, Tally
from evalharness.store.ledger import Ledger, LedgerKind, VersionsFile
from evalharness.store.runs import Run
from evalharness.store.store import content_key
from evalharness.text import defects, sentences
from evalharness.trust.components import CALIBRATED, Components, neural
from evalharness.trust.findings import Findings, short_text, unlike


class Shelf:
    """The ledgers of a store by what made them, as signatures are quoted; each is read once."""

    def __init__(self, folder: Path, findings: Findings) -> None:
        """Read the first line of every ledger."""
        self.findings = findings
        self.paths: dict[tuple[str, str], tuple[Path, Mapping[str, Any]]] = {}
        self.opened: dict[Path, Ledger | None] = {}
        for kind in get_args(LedgerKind):
            for path in sorted((folder / kind).glob("*.jsonl")):
                if signature := _header(path, findings):
                    self.paths[kind, signature_text(signature)] = (path, signature)

    def ledger(self, kind: str, signature: str) -> Ledger | None:
        """Return the ledger of a signature, all its lines checked; None where there is none."""
        if (kind, signature) not in self.paths:
            return None
        path, parts = self.paths[kind, signature]
        if path not in self.opened:
            self.opened[path] = self._read(path, parts)
        return self.opened[path]

    def check_all(self) -> None:
        """Check every ledger, also those of no run at hand."""
        for kind, signature in self.paths:
            self.ledger(kind, signature)

    def _read(self, path: Path, signature: Mapping[str, Any]) -> Ledger | None:
        kept = check_ledger(path, self.findings)
        versions = VersionsFile(path.with_suffix(".versions.json"))
        if versions.is_damaged:
            self.findings.differs(versions.path, 1, "", "was changed: it says what made the ledger")
        try:
            ledger = Ledger(path.parent, signature)
        except StoreError as error:
            self.findings.differs(path, 1, "", str(error).partition(": ")[2])
            return None
        if ledger.path != path:
            self.findings.differs(path, 1, "", f"its signature belongs to {ledger.path.name}")
            return None
        if kept > len(ledger):
            _name_repeated(path, self.findings)
        return ledger


def _header(path: Path, findings: Findings) -> Mapping[str, Any] | None:
    """Return the signature in the first line, or None where that was damaged or never written."""
    with path.open("rb") as file:
        line = file.readline()
    if not line:
        return None
    signature = store_ledger.signature_of(line)
    if signature is None:
        findings.differs(path, 1, "", "the line that names the signature was changed")
    return signature


def check_ledger(path: Path, findings: Findings) -> int:
    """Name every line that was changed, torn or is out of its batch; return how many are whole."""
    whole, expected = 0, (1, 0)  # the place in a batch that comes next, and its length if known
    with path.open("rb") as file:
        next(file, b"")
        for number, line in enumerate(file, 2):
            findings.done["lines of ledgers"] += 1
            entry = store_ledger.record_of(line)
            if entry is None:
                what = "was changed" if line.endswith(b"\n") else "is torn: a write was cut short"
                findings.differs(path, number, "", f"the line {what}")
                expected = (0, 0)
                continue
            n, of = entry["batch"]
            if expected[0] and (n != expected[0] or expected[1] not in (0, of)):
                findings.differs(path, number, "batch", f"{n} of {of} is out of its place")
            expected = (1, 0) if n == of else (n + 1, of)
            whole += 1
    if expected[1]:
        findings.differs(path, 0, "", "its last batch is not complete: a write was cut short")
    return whole


def _name_repeated(path: Path, findings: Findings) -> None:
    first: dict[bytes, int] = {}
    with path.open("rb") as file:
        next(file, b"")
        for number, line in enumerate(file, 2):
            if entry := store_ledger.record_of(line):
                key = bytes.fromhex(entry["key"])
                if key in first:
                    findings.differs(path, number, "key", f"stands on line {first[key]} already")
                first.setdefault(key, number)


def records_of(ledger: Ledger | None, keys: Sequence[str]) -> list[Any]:
    """Return the record of each key, None where the ledger has none, or it cannot be read."""
    if ledger is None:
        return [None] * len(keys)
    there = [key for key in keys if key and key in ledger]
    try:
        kept = iter(ledger.get(there))
    except (StoreError, json.JSONDecodeError):
        return [None] * len(keys)  # the line was named as the ledger was read
    return [next(kept) if key and key in ledger else None for key in keys]


# What other batches move a score of a neural check by, and what other machines do.
NEURAL_TOLERANCE = 1e-4


class Rescoring:
    """Scores some samples again, those with the same articles for all metrics together."""

    def __init__(self, path: Path, made: Components, findings: Findings) -> None:
        """Take the file of samples, for its name, and what made the run."""
        self.path = path
        self.made = made
        self.findings = findings
        self.scorable = made.scorable()
        self.lacking: set[str] = set()  # labels that turned out not to be
        self.instructions = made.model.instructions() if isinstance(made.model, Prompted) else ()

    def __call__(self, chosen: Sequence[tuple[int, Mapping[str, Any], Article, Summary]]) -> None:
        """Compare samples, each with its line, article and summary, with what is made now."""
        self.findings.done["articles scored again"] += len(chosen)
        written = [each for each in chosen if each[3].finish != "error"]
        if self.made.model is not None:
            self._summaries(written)
            self._flaws(chosen)
        for label, metric in self.scorable.items():
            if label not in self.lacking and written:
                self._score(label, metric, written)

    def _score(self, label: str, metric: Any, written: Sequence[Any]) -> None:
        pairs: list[Pair] = [(article, summary) for *_, article, summary in written]
        try:
            scores = metric.score(pairs)
        except HarnessError as error:
            self.lacking.add(label)
            self.findings.note(f"{self.path}: {label}: not scored again: {error}")
            return
        for (line, sample, article, summary), score in zip(written, scores, strict=True):
            found = sample["scores"][label]
            wanted = with_band(self.made, label, _plain(records.score_record(score)), article)
            self._compare(line, label, found, wanted, neural(metric))
            if isinstance(metric, Rouge):
                self._reference(line, label, found, metric, article, summary)

    def _compare(self, line: int, label: str, found: Any, wanted: Any, rounded: bool) -> None:
        if label not in self.made.calibrations:
            found, wanted = without_calibration(found), without_calibration(wanted)
        if rounded:
            found, wanted = _numbers(found), _numbers(wanted)
        odd = [each for each in unlike(found, wanted) if not (rounded and _close(*each[1:]))]
        self.findings.differ(self.path, line, f"scores.{label}", odd, "scored again")

    def _reference(
        self, line: int, label: str, found: Any, metric: Rouge, article: Article, summary: Summary
    ) -> None:
        """Compare ROUGE with what the package `rouge_score` says."""
        parts = found.get("parts", {})
        reference = reference_rouge(metric, article, summary)
        odd = [((k,), parts.get(k), value) for k, value in reference if parts.get(k) != value]
        self.findings.differ(self.path, line, f"scores.{label}.parts", odd, "by rouge_score")

    def _flaws(self, chosen: Sequence[Any]) -> None:
        for line, sample, article, summary in chosen:
            title = str(article.extra.get("title") or "")
            found = list(defects.find_defects(article.text, summary, self.instructions, title))
            if found != sample["defects"]:
                message = f"{sample['defects']} here, {found} found again"
                self.findings.differs(self.path, line, "defects", message)

    def _summaries(self, written: Sequence[Any]) -> None:
        """Compare the summaries of what needs no weights and no server; `rerun` does all others."""
        kind = self.made.model_kind
        built_in = kind in registry.BUILT_IN["models"] and not hasattr(self.made.model, "endpoint")
        if not built_in or neural(self.made.model) or not written:
            return
        self.findings.done["summaries written again"] += len(written)
        again = self.made.model.summarize([article for *_, article, _ in written])
        for (line, sample, *_), summary in zip(written, again, strict=True):
            odd = unlike(sample["summary"], records.summary_record(summary))
            self.findings.differ(self.path, line, "summary", odd, "written again")


def with_band(
    made: Components, label: str, record: Mapping[str, Any], article: Article
) -> Mapping[str, Any]:
    """Return a stored score as samples show it: with probability and band, where calibrated."""
    calibration = made.calibrations.get(label)
    return record if calibration is None else _plain(calibration.with_band(record, article.source))


def without_calibration(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a score of samples without what a calibration, which is not there, would say."""
    bare = {key: value for key, value in record.items() if key not in ("band", "parts")}
    parts = {k: v for k, v in record.get("parts", {}).items() if k != "probability"}
    return bare | ({"parts": parts} if parts else {})


def _plain(record: Any) -> Any:
    return json.loads(json.dumps(record))


def _numbers(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": record["value"], "parts": record.get("parts", {})}


def _close(one: Any, other: Any) -> bool:
    known = isinstance(one, int | float) and isinstance(other, int | float)
    return known and math.isclose(one, other, rel_tol=NEURAL_TOLERANCE, abs_tol=NEURAL_TOLERANCE)


def reference_rouge(
    metric: Rouge, article: Article, summary: Summary
) -> Iterator[tuple[str, float]]:
    """Yield each part of ROUGE as the package `rouge_score` has it, where it can say it.

    It knows no words of other scripts, and how several references are combined is ours: the one
    with the best F-measure.
    """
    references = [r for r in article.references if r.strip()]
    if metric.tokenizer != "default" or metric.references != "max" or not summary.text.strip():
        return
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import DefaultTokenizer

    worded = DefaultTokenizer(use_stemmer=metric.stemmer).tokenize
    known = [_in_lines(metric, r) for r in references if worded(r)]
    if not known:
        return
    scorer = RougeScorer(list(metric.types), use_stemmer=metric.stemmer)
    scores = [scorer.score(reference, _in_lines(metric, summary.text)) for reference in known]
    for name in metric.types:
        best = max((score[name] for score in scores), key=lambda figures: figures.fmeasure)
        yield name, best.fmeasure
        yield f"{name}.precision", best.precision
        yield f"{name}.recall", best.recall


def _in_lines(metric: Rouge, text: str) -> str:
    if metric.split == "newline":
        return text
    return "\n".join(span.of(line) for line in text.split("\n") for span in sentences(line))


# Samples that are in memory at once.
_WINDOW_LINES = 256

MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)

Read = tuple[int, dict[str, Any], Article, Summary]


class VerifiedSamples:
    """The samples of a run, read once."""

    def __init__(self, run: Run, made: Components, shelf: Shelf | None, findings: Findings) -> None:
        """Take a run, what made it, and its store, if there is one."""
        self.run = run
        self.path = run.samples_file
        self.table = Table(run.folder / samples.TABLE_FILE, self.path, findings)
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
        for number, line in enumerate(self._lines(), 1):
            self.findings.done["lines of samples"] += 1
            row = self.table.next()
            if row is not None and row.get("line") not in (None, zlib.crc32(line)):
                self._differs(number, "", f"not the line that {self.table.path.name} describes")
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

    def _lines(self) -> Iterator[bytes]:
        try:
            yield from self.run.lines()
        except DataError as error:
            self.whole = False
            self._differs(0, "", str(error).removeprefix(f"{self.path}: ").partition("; ")[0])

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
        return number, sample, article, records.summary_of(article.id, sample["summary"])

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
            records.digest(s.text, content_key(a, needs)) if s.finish != "error" else ""
            for _, _, a, s in window
        ]
        kept = records_of(ledger, keys)
        for (line, sample, article, summary), record in zip(window, kept, strict=True):
            found = sample["scores"][label]
            if summary.finish == "error":
                record = records.score_record(Score(None, note=f"no summary: {summary.note}"))
            if found.get("note", "").startswith(records.NO_ANSWER):
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
    found = table.row_of_scores(sample["scores"])
    for label, score in sample["scores"].items():
        numbers = {"value": score["value"], **score.get("parts", {})}
        found |= {f"{label}.{part}": value for part, value in numbers.items()}
    return found


def _why(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else short_text(error)


class Table:
    """The rows of a `samples.parquet`, one after the other; none any more where one is broken."""

    def __init__(self, path: Path, texts: Path, findings: Findings) -> None:
        """Open the table of some texts; one that cannot be read is a difference."""
        self.path, self.texts = path, texts.name
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
            message = f"{self.n} rows, and {tally.articles} samples in {self.texts}"
            self.findings.differs(self.path, 0, "", message)
        found = {f.name: f.type for f in self.schema}
        columns = table.table_schema(tally.columns)
        added = {f.name for f in columns if f.name.endswith(table.LIKELY_ERRORS)}
        lacking = (added | table.ADDED_COLUMNS.keys()) - found.keys()
        wanted = {f.name: f.type for f in columns if f.name not in lacking}
        if found != wanted:
            odd = [k for k in dict.fromkeys([*found, *wanted]) if found.get(k) != wanted.get(k)]
            message = f"its columns are not those of {self.texts}: {', '.join(odd)}"
            self.findings.differs(self.path, 0, "", message)

    def _read(self) -> Iterator[Mapping[str, Any]]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        broken = (pa.ArrowException, OSError, *MALFORMED, MemoryError)
        try:
            file = pq.ParquetFile(self.path)
            self.schema = file.schema_arrow
            for group in range(file.num_row_groups):  # in one go, memory would grow with them
                for batch in file.iter_batches(BLOCK_ROWS, [group]):
                    yield from batch.to_pylist()
        except broken as error:
            self.schema = None
            self.findings.differs(self.path, 0, "", f"cannot be read: {short_text(error)}")
