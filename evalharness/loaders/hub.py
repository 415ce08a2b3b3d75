"""Articles from data sets on the Hugging Face hub, from its cache, or from a folder.

None of the presets was reached from where this was written: names, configs and columns are those
that public code of 2025 and 2026 loads with `datasets` 4 and later, which run no scripts.
"""

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from evalharness.errors import DataError
from evalharness.loaders import hub_rows
from evalharness.loaders.hub_rows import HubSplit
from evalharness.loaders.rows import (
    HUB_COLUMNS,
    USUAL_COLUMNS,
    BadRows,
    ColumnOptions,
    RowJudge,
    RowReader,
)
from evalharness.protocols import Checkpoint
from evalharness.records import Article, Rejected

DEFAULT_SPLIT = "test"


@dataclass(frozen=True)
class Preset:
    """A data set whose columns are known; `remark` is for the reader of the documentation."""

    dataset: str
    config: str | None
    columns: ColumnOptions
    remark: str


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "cnn_dailymail": Preset(
            "abisee/cnn_dailymail",
            "3.0.0",
            ColumnOptions(id="id", article="article", reference="highlights"),
            "news; a reference is a few bullets, one a line; 11,490 articles in test",
        ),
        "xsum": Preset(
            "EdinburghNLP/xsum",
            None,
            ColumnOptions(id="id", article="document", reference="summary"),
            "BBC news; a reference is one sentence; 11,334 articles in test",
        ),
        "samsum": Preset(
            "knkarthick/samsum",
            None,
            ColumnOptions(id="id", article="dialogue", reference="summary"),
            "chats; 819 in test; CC BY-NC-ND 4.0; a copy, as Samsung/samsum is a script",
        ),
        "multi_news": Preset(
            "Awesome075/multi_news_parquet",
            None,
            ColumnOptions(article="document", reference="summary"),
            "several news articles parted by |||||; a copy, as alexfabbri/multi_news is a script",
        ),
        "gov_report": Preset(
            "ccdv/govreport-summarization",
            "document",
            ColumnOptions(article="report", reference="summary"),
            "long reports; a copy, as launch/gov_report is a script",
        ),
        "arxiv": Preset(
            "ccdv/arxiv-summarization",
            "document",
            ColumnOptions(article="article", reference="abstract"),
            "long papers; the config `section` has them cut into sections",
        ),
    }
)


@dataclass(frozen=True)
class Hub:
    """Articles from a data set on the Hugging Face hub, from its cache, or from a folder.

    Presets: `cnn_dailymail`, `xsum`, `samsum`, `multi_news`, `gov_report`, `arxiv`. Without a
    network, or with HF_HUB_OFFLINE=1, the cache is used. Code that comes with a data set is never
    run. A row without an id column is named by its place, counted from 0: `gov_report-test-17`.

    dataset: a preset, a folder with data files, or a name on the hub.
    config: which configuration of the data set; default the preset's, or the only one.
    split: which split; default `test`.
    revision: a commit, tag or branch; default the newest. Results are named by the commit.
    columns: which column holds what, where the preset or the usual names do not fit.
    streaming: read over the network as it goes instead of downloading first.
    bad_rows: `list` counts and lists rows that are no article, `fail` ends the run at the first.
    """

    version: ClassVar[int] = 1

    dataset: Checkpoint
    config: str | None = None
    split: str | None = None
    revision: str | None = None
    columns: ColumnOptions = USUAL_COLUMNS
    streaming: bool = field(default=False, compare=False)
    bad_rows: BadRows = "list"

    def __post_init__(self) -> None:
        if not self.dataset.strip():
            raise ValueError("dataset: names nothing")
        if self.revision and Path(self.source.name).is_dir():
            raise ValueError("revision: is for data sets on the hub; a folder has none")

    def load(self) -> Iterator[Article | Rejected]:
        """Yield every row of the split, in its order.

        Raises: DataError for a data set that is not there or cannot be read.
        """
        source = self.source
        place = f"{source.name} {source.split} row "
        stem = f"{Path(self.dataset).name}-{source.split}"
        reading = RowReader.of(self._columns, HUB_COLUMNS)
        raws = hub_rows.split_rows(hub_rows.open_split(source, self.streaming), reading)
        return _some(RowJudge(reading, self.bad_rows).read(raws, place, stem), str(source))

    def identity(self) -> Mapping[str, str]:
        """Return the commit of the data set, or a hash of the folder's files, with its split.

        Raises: DataError where the commit can be found neither on the hub nor in the cache.
        """
        source = self.source
        if Path(source.name).is_dir():
            found = {"files": _digest(Path(source.name))}
        else:
            sha = hub_rows.commit(source.name, source.revision).sha
            found = {"dataset": source.name, "revision": sha}
        return {**found, "config": source.config or "", "split": source.split}

    @property
    def source(self) -> HubSplit:
        """What is read, with what the preset says."""
        preset = PRESETS.get(self.dataset)
        name, config = (preset.dataset, preset.config) if preset else (self.dataset, None)
        return HubSplit(name, self.config or config, self.split or DEFAULT_SPLIT, self.revision)

    @property
    def _columns(self) -> ColumnOptions:
        preset = PRESETS.get(self.dataset)
        return self.columns.over(preset.columns) if preset else self.columns


def _some(rows: Iterator[Article | Rejected], what: str) -> Iterator[Article | Rejected]:
    first = next(rows, None)
    if first is None:
        raise DataError(f"{what}: there are no rows")
    return itertools.chain([first], rows)


def _digest(folder: Path) -> str:
    """Return a hash of the names and contents of the files in a folder, hidden ones apart."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("[!.]*")):
        if path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            total.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return total.hexdigest()
