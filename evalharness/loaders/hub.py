"""Articles from data sets on the Hugging Face hub, from its cache, or from a folder.

None of the presets was reached from where this was written: names, configs and columns are those
that public code of 2025 and 2026 loads with `datasets` 4 and later, which run no scripts.

`datasets` keeps what it has prepared under the commit it was made from, and the hub's own cache
keeps the files of a commit as a snapshot. Either will do where the hub cannot be reached. Left to
itself, `datasets` would then take the latest that was prepared, of whatever commit.
"""

import functools
import itertools
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from evalharness.errors import DataError
from evalharness.files import content_hash
from evalharness.loaders import rows
from evalharness.loaders.formats import BATCH_ROWS, batch_rows
from evalharness.protocols import HUB, Checkpoint, Url
from evalharness.records import Article, Rejected

DEFAULT_SPLIT = "test"
TIMEOUT = 20.0  # seconds to wait for the hub's answer about a revision
COMMIT = re.compile(r"[0-9a-f]{40}")
SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})(\..*)")


@dataclass(frozen=True)
class Preset:
    """A data set whose columns are known; `remark` is for the reader of the documentation."""

    dataset: str
    config: str | None
    columns: rows.ColumnOptions
    remark: str


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "cnn_dailymail": Preset(
            "abisee/cnn_dailymail",
            "3.0.0",
            rows.ColumnOptions(id="id", article="article", reference="highlights"),
            "news; a reference is a few bullets, one a line; 11,490 articles in test",
        ),
        "xsum": Preset(
            "EdinburghNLP/xsum",
            None,
            rows.ColumnOptions(id="id", article="document", reference="summary"),
            "BBC news; a reference is one sentence; 11,334 articles in test",
        ),
        "samsum": Preset(
            "knkarthick/samsum",
            None,
            rows.ColumnOptions(id="id", article="dialogue", reference="summary"),
            "chats; 819 in test; CC BY-NC-ND 4.0; a copy, as Samsung/samsum is a script",
        ),
        "multi_news": Preset(
            "Awesome075/multi_news_parquet",
            None,
            rows.ColumnOptions(article="document", reference="summary"),
            "several news articles parted by |||||; a copy, as alexfabbri/multi_news is a script",
        ),
        "gov_report": Preset(
            "ccdv/govreport-summarization",
            "document",
            rows.ColumnOptions(article="report", reference="summary"),
            "long reports; a copy, as launch/gov_report is a script",
        ),
        "arxiv": Preset(
            "ccdv/arxiv-summarization",
            "document",
            rows.ColumnOptions(article="article", reference="abstract"),
            "long papers; the config `section` has them cut into sections",
        ),
    }
)


@dataclass(frozen=True)
class HubSplit:
    """One split of a data set: `name` is a folder or a name on the hub."""

    name: str
    config: str | None
    split: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{self.name!r}, config {self.config or 'default'}, split {self.split}"


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
    columns: rows.ColumnOptions = rows.USUAL_COLUMNS
    streaming: bool = field(default=False, compare=False)
    bad_rows: rows.BadRows = "list"

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
        reading = rows.RowReader.of(self._columns, rows.HUB_COLUMNS)
        raws = split_rows(open_split(source, self.streaming), reading)
        return _some(rows.RowJudge(reading, self.bad_rows).read(raws, place, stem), str(source))

    def identity(self) -> Mapping[str, str]:
        """Return the commit of the data set, or a hash of the folder's files, with its split.

        Raises: DataError where the commit can be found neither on the hub nor in the cache.
        """
        source = self.source
        if Path(source.name).is_dir():
            found = {"files": content_hash(Path(source.name), "[!.]*")}
        else:
            sha = commit(source.name, source.revision).sha
            found = {"dataset": source.name, "revision": sha}
        return {**found, "config": source.config or "", "split": source.split}

    @property
    def source(self) -> HubSplit:
        """What is read, with what the preset says."""
        preset = PRESETS.get(self.dataset)
        name, config = (preset.dataset, preset.config) if preset else (self.dataset, None)
        return HubSplit(name, self.config or config, self.split or DEFAULT_SPLIT, self.revision)

    @property
    def _columns(self) -> rows.ColumnOptions:
        preset = PRESETS.get(self.dataset)
        return self.columns.over(preset.columns) if preset else self.columns


def hub_of(address: Url) -> Hub:
    """Return the loader of `hub:NAME[:CONFIG[:SPLIT]][@REVISION]`; NAME as in `dataset`.

    Raises: DataError for what is no such address.

    >>> hub_of(Url("hub:owner/set::dev@v1")).source
    HubSplit(name='owner/set', config=None, split='dev', revision='v1')
    """
    parts = re.fullmatch(rf"{HUB}([^:@]+)(?::([^:@]*))?(?::([^:@]*))?(?:@([^:@]+))?", address)
    if parts is None:
        raise DataError(f"{address}: should be {HUB}NAME, {HUB}NAME:CONFIG:SPLIT or {HUB}NAME@TAG")
    name, config, split, revision = parts.groups()
    try:
        return Hub(name, config or None, split or None, revision)
    except ValueError as error:
        raise DataError(f"{address}: {error}") from None


def _some(read: Iterator[Article | Rejected], what: str) -> Iterator[Article | Rejected]:
    first = next(read, None)
    if first is None:
        raise DataError(f"{what}: there are no rows")
    return itertools.chain([first], read)


# --- Which commit a revision means


@dataclass(frozen=True)
class Commit:
    """The commit that a revision means; `online` where the hub itself said so."""

    sha: str
    online: bool


@functools.cache
def commit(name: str, revision: str | None) -> Commit:
    """Return the commit of a data set that a revision means, the same for the whole process.

    Raises: DataError where the hub does not know it, or does not answer and the cache has none.
    """
    from huggingface_hub import HfApi, errors

    try:
        found = HfApi().dataset_info(name, revision=revision, timeout=TIMEOUT).sha
    except errors.RevisionNotFoundError as error:
        raise DataError(f"the data set {name!r} has no revision {revision!r}") from error
    except errors.RepositoryNotFoundError as error:
        message = f"there is no data set {name!r} on the hub, or it needs a login (hf auth login)"
        raise DataError(message) from error
    except errors.HFValidationError as error:
        raise DataError(f"{name!r} is no folder here, and no name on the hub") from error
    except (OSError, errors.HTTPError) as error:  # type: ignore[attr-defined]
        return Commit(_cached_commit(name, revision, error), online=False)
    return Commit(str(found), online=True)


def _cached_commit(name: str, revision: str | None, error: Exception) -> str:
    """Return the commit that the cache has for a revision: where none is asked for, the one it has.

    Raises: DataError
    """
    folder = _hub_cache(name)
    reference = folder / "refs" / (revision or "main")
    if reference.is_file():
        return reference.read_text(encoding="utf-8").strip()
    folders = [*(folder / "snapshots").glob("*"), *_prepared_folders(name)]
    held = {
        sha
        for sha in (path.name for path in folders)
        if COMMIT.fullmatch(sha) and sha.startswith(revision or "")
    }
    if len(held) == 1:
        return held.pop()
    if held:
        choice = ", ".join(sorted(held))
        raise DataError(f"the cache has several commits of {name!r}; set revision to one: {choice}")
    at = f" --revision {revision}" if revision else ""
    raise DataError(
        f"cannot load {name!r}: the hub cannot be reached ({_brief(error)}) and it is not in the "
        f"cache ({folder.parent}); download it once where there is a network with: "
        f"hf download {name} --repo-type dataset{at}"
    ) from error


def _hub_cache(name: str) -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE, "datasets--" + name.replace("/", "--"))


def _prepared_folders(name: str, config: str = "*", sha: str = "*") -> list[Path]:
    """Return the folders where `datasets` has prepared a data set: `config/version/commit`."""
    from datasets import config as settings
    from datasets import naming

    *owner, own = name.split("/")
    own = naming.camelcase_to_snakecase(own)
    folder = Path(settings.HF_DATASETS_CACHE, "___".join([*owner, own]))
    found = folder.glob(f"{config}/*/{sha}/dataset_info.json")
    return [path.parent for path in found]


# --- A split and its rows, from the network or the cache


def open_split(source: HubSplit, streaming: bool) -> Any:
    """Return the split, as `datasets` gives it.

    Raises: DataError, with what to do about it.
    """
    import datasets

    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    if Path(source.name).is_dir():
        return _from_folder(Path(source.name), source, streaming)
    found = commit(source.name, source.revision)
    if found.online:
        return _load(source.name, source, streaming=streaming, revision=found.sha)
    return _from_cache(source, found.sha)


def _from_folder(folder: Path, source: HubSplit, streaming: bool) -> Any:
    from datasets import load_from_disk

    saved = (folder / "dataset_dict.json").exists()  # by DatasetDict.save_to_disk
    if not saved:
        return _load(str(folder), source, streaming=streaming)
    splits = load_from_disk(str(folder))
    if source.split not in splits:
        raise DataError(f"{folder}: no split {source.split!r}; there are: {', '.join(splits)}")
    return splits[source.split]


def _from_cache(source: HubSplit, sha: str) -> Any:
    """Return the split as it was prepared from this very commit, or prepare it from the snapshot.

    `load_dataset` with the name would do the former only after half a minute of tries, and with
    whichever commit was prepared last.
    """
    prepared = _prepared_split(source, sha)
    if prepared is not None:
        return prepared
    snapshot = _hub_cache(source.name) / "snapshots" / sha
    if missing := _missing_shards(snapshot):
        raise DataError(
            f"cannot load {source}: the hub cannot be reached, and the cache has only a part: "
            f"{missing} is not in {snapshot}"
        )
    return _load(str(snapshot), source)


def _prepared_split(source: HubSplit, sha: str) -> Any:
    from datasets import Dataset, concatenate_datasets

    folders = _prepared_folders(source.name, source.config or "*", sha)
    if len(folders) != 1:
        return None
    one, several = f"*-{source.split}.arrow", f"*-{source.split}-*-of-*.arrow"
    files = sorted(folders[0].glob(one)) or sorted(folders[0].glob(several))
    if not files:
        return None
    return concatenate_datasets([Dataset.from_file(str(file)) for file in files])


def _missing_shards(folder: Path) -> str:
    """Return the first file that is missing of a series like `test-00000-of-00003.parquet`."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*-of-*")}
    for name in sorted(found):
        if shard := SHARD.fullmatch(name):
            stem, _, n, ending = shard.groups()
            for k in range(int(n)):
                if (other := f"{stem}-{k:05}-of-{n}{ending}") not in found:
                    return other
    return ""


def _load(path: str, source: HubSplit, **options: Any) -> Any:
    from datasets import exceptions, load_dataset
    from huggingface_hub import errors

    try:
        return load_dataset(path, source.config, split=source.split, **options)
    except RuntimeError as error:
        if "scripts are no longer supported" not in str(error):
            raise
        raise DataError(
            f"cannot load {source}: it is made by a script of its own, which is not run; "
            f"try the copy that the hub keeps of many: revision: refs/convert/parquet"
        ) from error
    except (OSError, ValueError, exceptions.DatasetsError, errors.HTTPError) as error:  # type: ignore[attr-defined]
        raise DataError(f"cannot load {source}: {_brief(error)}") from error


def split_rows(split: Any, reading: rows.RowReader) -> Iterator[rows.Raw]:
    """Yield the rows of a split, counted from 0 as in `split[17]`.

    Raises: DataError where reading breaks off.
    """
    from datasets import exceptions
    from huggingface_hub import errors
    from pyarrow import ArrowException

    broken = (OSError, ArrowException, exceptions.DatasetsError, errors.HTTPError)  # type: ignore[attr-defined]
    if split.column_names:
        split = split.select_columns(reading.columns_to_read(split.column_names))
    number = 0
    try:
        for table in split.with_format("arrow").iter(BATCH_ROWS):
            for batch in table.to_batches():
                yield from enumerate(batch_rows(batch), number)
                number += batch.num_rows
    except broken as error:
        raise DataError(f"reading broke off after {number} rows: {_brief(error)}") from error


def _brief(error: Exception) -> str:
    """Return the first line of a message: those of the hub go on for many."""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    return text if len(text) <= 200 else text[:199] + "…"
