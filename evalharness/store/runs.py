"""A finished run as it lies on disk: what `run.json` says, typed, and columns of `samples.parquet`.

Nobody else asks a `run.json` by its keys, but for `trust.verify`, which judges damaged ones.
"""

import json
import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from evalharness.config.registry import scaled_figure, scorer_row
from evalharness.config.yaml import nearest
from evalharness.display import (
    Cell,
    data_frame,
    figure_cell,
    html_block,
    html_table,
    html_text,
    marked_text,
)
from evalharness.errors import DataError, Exit
from evalharness.files import nearest_path
from evalharness.files.untrusted import AT, Bounds, WrongKey, read_whole, section_of
from evalharness.records import digest, score_of
from evalharness.stats.intervals import Interval, Values
from evalharness.store import samples
from evalharness.store.ledger import RunFolder, SystemsFile
from evalharness.store.samples import AGAIN as AGAIN
from evalharness.store.samples import SampleReader, marks_of, seal_again, text_of

if TYPE_CHECKING:
    import pyarrow as pa

RUN_FORMATS = (samples.IN_LINES, samples.IN_COLUMNS)
# What each row of the table must have, beside scores.
NEEDED = ("id", "source", "finish", "words", "article", "references", "article_words", "truncated")
# Of a run that an earlier sweep wrote.
NOT_SWEPT = "left out: not of the newest sweep (sweep.json); its own folder, given alone, is taken"
NO_FIGURE = "–"


class UnfinishedRun(DataError):
    """The newest run into a folder has not come to its end; what an earlier one left is no result.

    Either it failed, or it was killed, or it is still at work.
    """

    exit_code = Exit.INCOMPLETE

    def __init__(self, *folders: Path) -> None:
        old = (folders[0] / samples.RUN_FILE).exists()
        back = f", or remove its {samples.UNFINISHED}* to take back an older result" if old else ""
        more = f" (and {len(folders) - 1} more)" if len(folders) > 1 else ""
        why = "no result: its newest run did not finish"
        super().__init__(f"{folders[0]}{more}: {why}; {AGAIN}{back}")


_Counted = Mapping[str, int]


# The parts of `run.json`; what it holds beside is of no concern here.


@dataclass(frozen=True, kw_only=True)
class ArticleCounts:
    """How many rows the data had, and what became of them."""

    articles: Annotated[int, Bounds(ge=0)]
    rows: int = 0
    rejected: int = 0
    summarized: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class OutputFigures:
    """What came out of the summarizer, over all articles; None where nothing did."""

    answer_rate: float | None = None
    mean_words: float | None = None
    truncated: int
    defects: _Counted
    errors: _Counted
    in_parts: _Counted = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A mean over articles with the ends of its interval; None where none has a score."""

    mean: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def half_width(self) -> float:
        """How far the farther end of the interval is from the mean; 0 without a mean."""
        if self.mean is None or self.low is None or self.high is None:
            return 0.0
        return max(self.high - self.mean, self.mean - self.low)


@dataclass(frozen=True, kw_only=True)
class LikelyErrors:
    """How many of the scored summaries have a likely error: a share with its interval."""

    summaries: int
    of: int
    share: float | None
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class ScorerFigures(Figure):
    """What a metric or check came to: the figures of its value, those of its parts, and counts.

    corpus: the figure of the whole corpus, of a scorer that has one (`corpus` was given then, be it
    None). notes: why articles have no score. bands: of a calibrated score. likely_errors: of a
    check whose flags name some; older versions did not write it.
    """

    not_scored: int = 0
    corpus: float | None = None
    parts: Mapping[str, Figure]
    flags: _Counted = field(default_factory=dict)
    likely_errors: LikelyErrors | None = None
    notes: _Counted
    bands: _Counted = field(default_factory=dict)
    record: Mapping[str, Any] = field(repr=False, metadata={AT: ()})

    @property
    def is_corpus(self) -> bool:
        """Whether the scorer has a figure of the whole corpus, which is no mean over articles."""
        return "corpus" in self.record

    def part(self, name: str) -> Figure | None:
        """Return the figures of a part, or of the value itself; None where there is no such."""
        return self if name in ("", "value") else self.parts.get(name)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """How many requests something took, with their tokens, and USD where prices are known."""

    requests: int
    tokens_in: int
    tokens_out: int
    usd: float | None = None

    def __str__(self) -> str:
        cost = "" if self.usd is None else f", {self.usd:.4g} USD"
        return (
            f"{self.tokens_in:,} tokens of prompts and {self.tokens_out:,} of answers in "
            f"{self.requests:,} request{'' if self.requests == 1 else 's'}{cost}"
        )


@dataclass(frozen=True, kw_only=True)
class Signatures:
    """What made the numbers, a line each to quote: the summarizer, and each scorer by its label."""

    model: str
    metrics: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What differs between two runs of one config. damaged: lines of the store that were left out.

    seconds: None where nobody said. summaries, scores: how many were computed, and how many stored
    already; scores by label.
    """

    started: str = ""
    seconds: float | None = None
    damaged: Sequence[str] = ()
    summaries: _Counted = field(default_factory=dict)
    scores: Mapping[str, _Counted] = field(default_factory=dict)
    trackers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished run: what its `run.json` says, and its scores by column.

    record: what `run.json` holds, as JSON has it, to be passed on as a whole. name: the cell's.
    fingerprint: what names all its articles, in order. figures: what each metric and check came to,
    by its label. usage: what servers and judges were asked for, by summaries, label and in total,
    where any was. provenance: the versions and the machine that it was made with, by name.
    """

    folder: Path
    record: Mapping[str, Any] = field(repr=False, metadata={AT: ()})
    format: int = samples.IN_LINES
    experiment: str
    name: str = field(metadata={AT: ("cell",)})
    seed: int
    interval: Interval
    fingerprint: str = field(metadata={AT: ("data", "fingerprint")})
    counts: ArticleCounts
    outputs: OutputFigures
    figures: Mapping[str, ScorerFigures] = field(metadata={AT: ("metrics",)})
    signatures: Signatures
    provenance: Mapping[str, Any] = field(default_factory=dict)
    timing: Timing = field(default_factory=Timing)
    usage: Mapping[str, Usage] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """How many articles it has."""
        return self.counts.articles

    @property
    def is_complete(self) -> bool:
        """Whether it answered every article: no summary is missing, empty, or a refusal."""
        return self.outputs.answer_rate in (1, None)

    @property
    def seconds_per_article(self) -> float:
        """The time of an article; NaN where a summary or a score was stored before the run."""
        counted = [self.timing.summaries, *self.timing.scores.values()]
        fresh = all(each.get("computed") == self.n for each in counted)
        seconds = self.timing.seconds
        return math.nan if seconds is None or not fresh else seconds / max(1, self.n)

    @property
    def has_articles_in_parts(self) -> bool:
        """Whether some articles took several prompts each, so that the table lacks tokens."""
        return bool(self.outputs.in_parts)

    @property
    def usage_text(self) -> str:
        """What servers and judges were asked for, in words; empty where none was."""
        if "total" not in self.usage:
            return ""
        rows = [(name, usage) for name, usage in self.usage.items() if name != "total"]
        parts = [f"{name} {u.tokens_in:,} + {u.tokens_out:,}" for name, u in rows]
        return str(self.usage["total"]) + (f" ({', '.join(parts)})" if len(rows) > 1 else "")

    @property
    def answer_share(self) -> str:
        """How many of the articles it answered, in words."""
        rate = self.outputs.answer_rate
        return f"{round(self.n if rate is None else rate * self.n)} of {self.n} articles"

    @property
    def data(self) -> Mapping[str, Any]:
        """What its articles were loaded from, and their fingerprint."""
        data: Mapping[str, Any] = self.record["data"]
        return data

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Mean, interval, n, not_scored and parts by metric, as JSON has them."""
        metrics: Mapping[str, Any] = self.record["metrics"]
        return metrics

    @property
    def model_kind(self) -> str:
        """The name of the component that wrote the summaries, as a config has it."""
        return kind_of(self.signatures.model)

    def figure(self, label: str, part: str = "") -> Figure | None:
        """Return the figure of a scorer's value or of a part; None where there is no such."""
        scorer = self.figures.get(label)
        return None if scorer is None else scorer.part(part)

    @cached_property
    def shown(self) -> Mapping[str, tuple[str, str]]:
        """Label and part of each figure that tables show, by its name: `rouge1`, `numbers`.

        A part that two scorers have goes by its label, too: `rouge-unicode.rouge1`.
        """
        pairs = [
            (label, part)
            for label, figures in self.figures.items()
            for part in self._shown_parts(label, figures) or [""]
        ]
        parts = [part for _, part in pairs]
        return {
            (part if parts.count(part) == 1 else f"{label}.{part}") if part else label: (
                label,
                part,
            )
            for label, part in pairs
        }

    def _shown_parts(self, label: str, figures: ScorerFigures) -> list[str]:
        return [part for part in scorer_row(self.kind(label)).shown if part in figures.parts]

    def resolve(self, name: str) -> tuple[str, str]:
        """Return label and part ("" for the value) of a name: `rouge1`, `rouge.rouge1`, `numbers`.

        The name of a scorer with parts that tables show means the first of them: `rouge` is
        `rouge1`, never another kind of ROUGE; `rouge.value` is what is stored as the value.

        Raises: DataError for a name that none has.
        """
        if name in self.shown:
            return self.shown[name]
        label = max(
            (m for m in self.figures if f"{name}.".startswith(f"{m}.")), key=len, default=""
        )
        part = name[len(label) + 1 :]
        if label == name:
            part = next(iter(self._shown_parts(label, self.figures[label])), "")
        if label and self.figure(label, part) is not None:
            return label, "" if part == "value" else part
        having = [label for label, figures in self.figures.items() if name in figures.parts]
        if len(having) == 1:
            return having[0], name
        raise DataError(f"no score {name!r}{nearest(name, list(self.shown))}")

    def mean(self, name: str) -> float | None:
        """Return the mean of a score, or the figure of the whole corpus of one that has such."""
        label, part = self.resolve(name)
        figure = self.figure(label, part)
        if isinstance(figure, ScorerFigures) and figure.is_corpus:
            return figure.corpus
        return None if figure is None else figure.mean

    def kind(self, label: str) -> str:
        """Return the name of the metric or check that has a label here; the label if none says."""
        return kind_of(self.signatures.metrics.get(label, label))

    def tracker_failures(self, *, required: bool) -> list[str]:
        """Return a line for each tracker that could not be told of the run; it is on disk anyway.

        required: of the trackers that a run must tell to count as done, or of the others.
        """
        return [
            f"{label} was not told of the run, which is on disk: {answer['error']}"
            for label, answer in self.timing.trackers.items()
            if "error" in answer and answer["required"] is required
        ]

    @property
    def samples_file(self) -> Path:
        """Where its `samples.jsonl` is; of a large run, its `records.parquet`."""
        return self.folder / (samples.RECORDS if self.is_in_columns else samples.SAMPLES)

    @property
    def articles_file(self) -> Path:
        """Where its articles are: in `samples.jsonl`, or in a file of their own."""
        return self.folder / (samples.ARTICLES if self.is_in_columns else samples.SAMPLES)

    @property
    def is_in_columns(self) -> bool:
        """Whether its texts are in columns, as those of a large run are."""
        return self.format == samples.IN_COLUMNS

    def text_files(self) -> tuple[Path, ...]:
        """Return those of its files that hold articles, summaries and what was said of them."""
        named = (self.folder / name for name in samples.TEXT_FILES)
        return tuple(path for path in named if path.is_file())

    def small_files(self) -> tuple[Path, ...]:
        """Return those of its files that do not grow with the articles' text."""
        named = (self.folder / name for name in samples.SMALL_FILES)
        return tuple(path for path in named if path.is_file())

    def whole_files(self) -> tuple[Path, ...]:
        """Return all files that a folder needs to be this run elsewhere."""
        files = (*self.text_files(), *self.small_files())
        return tuple(sorted(files, key=lambda path: path.name == samples.RUN_FILE))

    def samples(self) -> Iterator[dict[str, Any]]:
        """Yield what the lines of `samples.jsonl` hold, or would: article, summary, scores."""
        yield from samples.samples_in(self.folder)  # whoever reads on keeps the run

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of `samples.jsonl`, or as they would be of texts in columns."""
        yield from samples.lines_in(self.folder)

    def sample_reader(self) -> SampleReader:
        """Return the lines of its samples by number. Raises: DataError where they are not all."""
        return samples.open_samples(self.folder, self.n)

    def __repr__(self) -> str:
        return f"Run({self.experiment}/{self.name}: {self.n} articles{means_in_words(self)})"

    def __str__(self) -> str:
        return repr(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: means with intervals, and the first flagged summaries."""
        return html_of_runs({self.name: self})

    def to_dict(self) -> dict[str, Any]:
        """Return what `run.json` holds."""
        return dict(self.record)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield texts and scores side by side: article, references, summary, scores, flags."""
        for sample in self.samples():
            texts = {key: sample[key] for key in ("id", "source", "article", "references")}
            yield texts | {"summary": sample["summary"]["text"]} | self._row(sample["scores"])

    def _row(self, scores: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Return what a sample's scores are in a row: those that tables show, bands, flags."""
        row = {
            name: scores[label].get("parts", {}).get(part) if part else scores[label]["value"]
            for name, (label, part) in self.shown.items()
        }
        row |= {f"{label}.band": s["band"] for label, s in scores.items() if "band" in s}
        flags = [flag["message"] for s in scores.values() for flag in s.get("flags", ())]
        return row | {"flags": flags}

    def to_pandas(self) -> Any:
        """Return a pandas frame: a row an article, with its texts beside their scores.

        Columns: `id`, `source`, `article`, `references`, `summary`, the scores that tables show,
        and `flags`, what the checks object to. Raises: MissingExtra without pandas.
        """
        return data_frame(list(self.rows()))

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """What a sweep set in it, by dotted key, as `sweep.json` beside it says; else nothing."""
        folder = self.folder.resolve()
        try:
            cells = json.loads(read_whole(folder.parent / samples.SWEEP_FILE))["cells"]
            settings = [cell["settings"] for cell in cells if cell["folder"] == folder.name]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return {}
        return settings[0] if settings and isinstance(settings[0], dict) else {}

    @cached_property
    def columns(self) -> frozenset[str]:
        """The names of the table's columns."""
        return frozenset(self._file.schema_arrow.names)

    @cached_property
    def _file(self) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.folder / samples.TABLE_FILE
        try:
            file = pq.ParquetFile(path)  # mapped pages would count as memory
            names = file.schema_arrow.names  # which need not be UTF-8
        except FileNotFoundError:
            raise DataError(f"{path}: there is no such file; {AGAIN}") from None
        except (pa.ArrowException, OSError, ValueError) as error:
            raise DataError(
                f"{path}: not Parquet that can be read ({_line(error)}); {AGAIN}"
            ) from None
        missing = [name for name in NEEDED if name not in names]
        if missing:
            raise DataError(f"{path}: no column {missing[0]!r}; {AGAIN}")
        if file.metadata.num_rows != self.n:
            rows = f"{file.metadata.num_rows} rows, and run.json has {self.n} articles"
            raise DataError(f"{path}: {rows}; {AGAIN}")
        return file

    def table(self, columns: Sequence[str]) -> "pa.Table":
        """Return some columns of the table."""
        import pyarrow as pa

        path = self.folder / samples.TABLE_FILE
        try:
            table: pa.Table = self._file.read(columns=list(columns))
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path}: cannot be read ({_line(error)}); {AGAIN}") from None
        return table

    def blocks(self, columns: Sequence[str], rows: int) -> "Iterator[pa.Table]":
        """Yield so many rows of some columns after the other; the last may be fewer."""
        import pyarrow as pa

        held: list[Any] = []
        for part in self._parts(list(columns), rows):
            held += part.to_batches()
            while sum(map(len, held)) >= rows:
                whole = pa.Table.from_batches(held)
                yield whole.slice(0, rows)
                held = whole.slice(rows).to_batches()
        if sum(map(len, held)):
            yield pa.Table.from_batches(held)

    def _parts(self, columns: list[str], rows: int) -> "Iterator[pa.Table]":
        """Yield row groups of the table, as many at once as have about so many rows.

        Read in one go, all of them would leave something in memory.
        """
        import pyarrow as pa

        path, groups = self.folder / samples.TABLE_FILE, self._file.num_row_groups
        at_once = max(1, rows * groups // max(1, self.n))
        try:
            for start in range(0, groups, at_once):
                some = list(range(start, min(start + at_once, groups)))
                yield self._file.read_row_groups(some, columns=columns, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path}: cannot be read ({_line(error)}); {AGAIN}") from None

    def value_blocks(self, columns: Sequence[str], rows: int) -> Iterator[Values]:
        """Yield what `values` returns, so many articles after the other."""
        for block in self.blocks(list(dict.fromkeys(columns)), rows):
            yield np.stack([_floats(block.column(name)) for name in columns], axis=1)

    @cached_property
    def outline(self) -> str:
        """A digest by which the summaries of a run are known again, without reading their texts.

        Of what made them, of the articles' ids, and of the length of each.
        """
        table = self.table(["id", "words"])
        columns = [table.column(name).to_pylist() for name in ("id", "words")]
        return digest([self.signatures.model, *columns])

    def values(self, columns: Sequence[str]) -> Values:
        """Return columns of numbers, NaN for a missing one, shape (articles, columns)."""
        table = self.table(columns)
        found = [_floats(table.column(name)) for name in columns]
        return np.stack(found, axis=1) if found else np.empty((self.n, 0))


# In a notebook.

FLAGGED_SHOWN = 3


def html_of_runs(systems: Mapping[str, Run]) -> str:
    """Return what a notebook shows of runs by name: means with intervals, flagged summaries."""
    first = next(iter(systems.values()))
    columns = list(dict.fromkeys(name for run in systems.values() for name in run.shown))
    rows: list[list[Cell | str]] = [
        [name, str(run.n), *(_cell(run, column) for column in columns)]
        for name, run in systems.items()
    ]
    flagged = [html for name, run in systems.items() for html in _html_of_flagged(name, run)]
    note = f"Means over the articles, times 100; below them {_interval_in_words(first)}."
    table = html_table(["system", "n", *columns], rows)
    return html_block(table, html_text(note, style="notes"), *flagged[:FLAGGED_SHOWN])


def _interval_in_words(run: Run) -> str:
    made = run.interval
    return f"the {made.level:.0%} interval ({made.resamples} resamples, seed {run.seed})"


def _cell(run: Run, name: str) -> Cell:
    if name not in run.shown:
        return figure_cell(NO_FIGURE)
    label, part = run.shown[name]
    figure = run.figure(label, part)
    if isinstance(figure, ScorerFigures) and figure.is_corpus:
        return figure_cell(NO_FIGURE if figure.corpus is None else f"{figure.corpus:.1f}")
    if figure is None or figure.low is None or figure.high is None:
        return figure_cell(NO_FIGURE)
    mean, low, high = (
        scaled_figure(v, part, digits=1) for v in (figure.mean, figure.low, figure.high)
    )
    return figure_cell(mean, f"{low} to {high}")


def means_in_words(run: Run) -> str:
    """Return the first means as a table would have them: `: rouge1 28.2 ±2.9`."""
    shown = []
    for name, (label, part) in list(run.shown.items())[:6]:
        figure = run.figure(label, part)
        half = figure and figure.half_width
        spread = f" ±{scaled_figure(half, part, digits=1)}" if half else ""
        shown.append(f"{name} {_cell(run, name)[0]}{spread}")
    return "".join(f", {words}" for words in shown) + (", …" if len(run.shown) > 6 else "")


def _html_of_flagged(name: str, run: Run) -> Iterator[str]:
    """Yield the first summaries with flags, marked."""
    if not any(figures.flags for figures in run.figures.values()):
        return
    for sample in run.samples():
        flags = [f for record in sample["scores"].values() for f in score_of(record).flags]
        if flags:
            marked = marked_text(sample["summary"]["text"], flags, sample["article"])
            yield html_text(f"{name}, {sample['id']}", "h4") + marked


def _floats(column: "pa.ChunkedArray") -> Values:
    """Return numbers, NaN for null: from Arrow's buffers, since its own ways import much more."""
    whole = column.combine_chunks()
    known, numbers = whole.buffers()
    kind = np.dtype(str(whole.type).replace("double", "float64"))
    start = kind.itemsize * whole.offset
    values: Values = np.frombuffer(numbers, kind, len(whole), start).astype(np.float64)
    if whole.null_count:
        bits = np.unpackbits(np.frombuffer(known, np.uint8), bitorder="little")
        values[bits[whole.offset : whole.offset + len(whole)] == 0] = np.nan
    return values


def folder_of(run: "str | Path | Run", *, ledgers: bool = False) -> Path:
    """Return the folder of a run or of runs; of those at a URL, one with a copy of their files.

    ledgers: copy the store, too.
    Raises: DataError where nothing is at the URL, or a run there is being written.
    """
    if isinstance(run, Run):
        return run.folder
    if "://" not in str(run):
        return Path(run)
    from evalharness.store.mirror import local_runs

    return local_runs(str(run), ledgers=ledgers)


def read_run(path: str | Path) -> Run:
    """Return the run in a folder (or whose `run.json` this is), or at a URL.

    Raises: DataError, one line, where it is none, is not finished, or cannot be read.
    """
    given = folder_of(path)
    folder = (
        given.parent
        if given.name in (samples.RUN_FILE, samples.TABLE_FILE, *samples.TEXT_FILES)
        else given
    )
    if not folder.exists():
        raise DataError(f"{given}: there is no such folder{nearest_path(folder)}")
    if not folder.is_dir():
        raise DataError(f"{given}: not the folder of a run")
    run = read_run_file(folder / samples.RUN_FILE)
    _ = run.columns  # a table that cannot be read is found now
    return run


def runs_in(path: str | Path | Run) -> list[Run]:
    """Return the run in a folder, or the runs in the folders within, by name.

    Of a sweep that is those that its `sweep.json` tells of: `left_behind` names the others.
    """
    folder = folder_of(path)
    if not folder.is_dir() or run_folders(folder):
        return [read_run(folder)]
    others = left_behind(folder)
    inner = [each for each in run_folders(folder, "*/") if each.name not in others]
    if unfinished := [each for each in inner if marks_of(each)]:
        raise UnfinishedRun(*unfinished)
    return [read_run(each) for each in inner] or [read_run(folder)]


def left_behind(path: str | Path | Run) -> list[str]:
    """Return which runs of a sweep's folder the newest sweep has not: an earlier one wrote them."""
    folder = folder_of(path)
    cells = swept_cells(folder)
    return [each.name for each in run_folders(folder, "*/") if each.name not in cells and cells]


def swept_cells(folder: Path) -> list[str]:
    """Return the cells that an experiment's `sweep.json` tells of; none where it is a run, or none.

    Raises: DataError for a `sweep.json` that cannot be read.
    """
    sweep = folder / samples.SWEEP_FILE
    if run_folders(folder) or not sweep.exists():
        return []
    try:
        names = [cell["folder"] for cell in json.loads(sweep.read_bytes())["cells"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{sweep}: cannot be read as evalharness writes it ({error})") from None
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or name in ("", ".", ".."):
            raise DataError(f"{sweep}: {name!r} is no folder beside it")
    return names


def is_finished(folder: Path) -> bool:
    """Tell whether a folder has the result of its newest run."""
    return (folder / samples.RUN_FILE).is_file() and not marks_of(folder)


def run_folders(root: Path, *depths: str) -> list[Path]:
    """Return the folders of runs, finished or not: root itself, or so deep below it (`*/`)."""
    patterns = [
        d + n for d in depths or ("",) for n in (samples.RUN_FILE, f"{samples.UNFINISHED}*")
    ]
    return sorted({file.parent for p in patterns for file in root.glob(p) if file.is_file()})


def read_run_file(path: Path) -> Run:
    """Return the run whose `run.json` this is; its table is opened when it is asked for.

    Raises: DataError where it is none, UnfinishedRun where it is not that of the newest run.
    """
    if marks_of(path.parent):
        raise UnfinishedRun(path.parent)
    try:
        text = read_whole(path)
    except FileNotFoundError:
        raise DataError(f"{path.parent}: no finished run: there is no {path.name}") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    if not text.strip():
        raise DataError(f"{path}: is empty; {AGAIN}")
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON ({_line(error)}); {AGAIN}") from None
    return checked_run(path.parent, record)


def checked_run(folder: Path, record: Any) -> Run:
    """Return the run in a folder from what its `run.json` holds.

    Raises: DataError where that is not as it should be.
    """
    path = folder / samples.RUN_FILE
    if not isinstance(record, dict) or "format" not in record or "cell" not in record:
        raise DataError(f"{path}: not written by evalharness")
    if record["format"] not in RUN_FORMATS:
        known = " and ".join(map(str, RUN_FORMATS))
        raise DataError(f"{path}: of format {record['format']!r}; this version reads {known}")
    try:
        run = section_of(Run, record, folder=folder)
    except WrongKey as error:
        raise DataError(f"{path}: no {str(error)!r} as evalharness writes it; {AGAIN}") from None
    for name in (run.experiment, run.name, *run.figures):
        if not name.isprintable():
            raise DataError(f"{path}: no name that evalharness gives: {name!r:.80}; {AGAIN}")
    return run


def add_trackers(run: Run, answers: Mapping[str, Mapping[str, Any]]) -> Run:
    """Write into a run's `run.json` what its trackers answered; return the run with it."""
    record = {**run.record, "timing": {**run.record["timing"], "trackers": answers}}
    record = seal_again(record)
    RunFolder(run.folder).write(samples.RUN_FILE, text_of(record))
    return checked_run(run.folder, record)


# The longest mean length is more than so many times the shortest: tables then say more.
UNEQUAL = 1.2


def unequal_lengths(runs: Iterable[Run]) -> tuple[float, float] | None:
    """Return the least and the greatest mean length, in words, where they differ; else None."""
    words = [run.outputs.mean_words for run in runs if run.outputs.mean_words]
    if not words or max(words) <= UNEQUAL * min(words):
        return None
    return min(words), max(words)


def length_note(runs: Collection[Run]) -> str:
    """Say that systems' mean lengths differ by over a fifth, where a score is moved by that."""
    moved = [
        label
        for label in dict.fromkeys(label for run in runs for label in run.figures)
        if any(label in run.figures and scorer_row(run.kind(label)).beside for run in runs)
    ]
    lengths = unequal_lengths(runs)
    if not moved or lengths is None:
        return ""
    return (
        f"Mean lengths differ by over {UNEQUAL - 1:.0%} ({lengths[0]:.0f} to {lengths[1]:.0f} "
        f"words): a longer summary has more recall and less precision by {' and '.join(moved)}, "
        "so both stand beside the F-measure."
    )


def kind_of(signature: str) -> str:
    """Return the name of the component that has a signature, as it is quoted.

    >>> kind_of("lead|sentences:3|version:1")
    'lead'
    """
    return signature.partition("|")[0]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def preferences_folder(run: Run) -> Path:
    """Return where judges' preferences are stored beside a run, if there are any."""
    return run.folder.resolve().parent.parent / "store" / "preferences"


def preference_ledgers(runs: Sequence[Run]) -> list[Path]:
    """Return the ledgers of judges that were asked about two of some runs, or may have been.

    No text is read for it.
    """
    folders = dict.fromkeys(preferences_folder(run) for run in runs)
    found = (path for folder in folders for path in sorted(folder.glob("*.jsonl")))
    return [path for path in found if _may_concern(SystemsFile(path).read(), runs)]


def _may_concern(known: frozenset[str] | None, runs: Sequence[Run]) -> bool:
    return known is None or sum(run.outline in known for run in runs) > 1


def unique_names(runs: Sequence[Run]) -> list[str]:
    """Return a name for each run: its cell, and as much before it as tells them apart."""
    full = [os.path.normpath(run.folder) for run in runs]
    for names in (
        [run.name for run in runs],
        [f"{run.experiment}/{run.name}" for run in runs],
        full,
    ):
        if len(set(names)) == len(names):
            return names
    return [f"{name} ({n})" for n, name in enumerate(full, 1)]
