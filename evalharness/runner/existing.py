"""`score`: a run over summaries that exist, in rows of our own kind or logs of other harnesses.

A run is named by its file, and by the folders above it where another file of that name was scored
before. A run that is there already is replaced by one of the same content only, if not asked to.
"""

import json
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evalharness.config import yaml
from evalharness.config.build import build_component
from evalharness.config.cells import Cell, prepare, scorers_of
from evalharness.config.run_config import RunConfig, read_run_config
from evalharness.config.yaml import nearest
from evalharness.errors import ConfigError, DataError, HarnessError
from evalharness.executors.local import LocalPool
from evalharness.files.temporary import OffsetIndex
from evalharness.loaders.formats import matching_paths
from evalharness.loaders.logs.files import open_log
from evalharness.loaders.logs.formats import HARNESS_FORMATS
from evalharness.loaders.logs.loader import Logs
from evalharness.models.given import Given
from evalharness.protocols import Silence
from evalharness.records import Article, Defect, Rejected, Summary, digest, summary_of
from evalharness.runner.articles import windows
from evalharness.runner.fill import Filled, FilledGroup
from evalharness.runner.run import Progress, Unfinished, folder_errors_named, run
from evalharness.runner.scores import fill_scores
from evalharness.runner.summaries import FilledCell, Share, Summarizing
from evalharness.runner.write import write
from evalharness.store import samples as results_files
from evalharness.store.ledger import Ledger, results_folder
from evalharness.store.runs import Run, runs_in
from evalharness.store.samples import mark_unfinished
from evalharness.store.store import STORE, Claims, Store

ROWS_FORMAT = "rows"
FORMAT_NAMES = ("auto", ROWS_FORMAT, *HARNESS_FORMATS)
REASONS_SHOWN = 5
_AT_WORK = "scoring it now; run this again when that has ended, or --set name=NAME keeps both"


@dataclass(frozen=True)
class _Source:
    """What one run reads: the `data` of its config, and which fields are taken of it.

    labels: those that its run may have, the first one that is no other's.
    """

    data: Mapping[str, Any]
    labels: tuple[str, ...]
    fields: str = ""


def score_files(
    files: Sequence[str],
    metrics: Sequence[str] = ("rouge",),
    checks: Sequence[str] = ("lexical",),
    overrides: Sequence[str] = (),
    *,
    format: str = "auto",
    systems: Sequence[str] = (),
    overwrite: bool = False,
    results: str | Path = "results",
    limit: int | None = None,
    progress: Progress | None = None,
    tell: Callable[[str], object] = lambda line: None,
    executor: str | None = None,
    workers: int | None = None,
    space: bool = True,
) -> list[Run]:
    """Score the summaries in some files and return a run for each system.

    Rows with `article`, `summary` and, for metrics, `reference` make one run together; a log of
    another harness makes one for each system whose summaries it holds.

    format: `auto` knows a log by its content; `rows`, or the name of a harness, says what they are.
    systems: of those in logs, the ones to score; all if empty.
    overwrite: whether to replace a run of the same file with other rows, metrics or options.
    executor, workers, space: as of `run`.
    tell: told, a line each, which fields of a log were taken, and what of it was left out.

    Raises: HarnessError for what cannot be read, and for a run that would be replaced; Unfinished
        where one of several runs failed.
    """
    if format not in FORMAT_NAMES:
        raise ConfigError(f"--format {format}: known are {', '.join(FORMAT_NAMES)}")
    config = {"name": "score", "model": "given", "metrics": [*metrics], "checks": [*checks]}
    sources = _sources_of_systems(list(_sources(files, format, config, overrides)), systems)
    options: dict[str, Any] = {"overrides": overrides, "limit": limit}
    options |= {"executor": executor, "workers": workers}
    folder = results_folder(results)
    with Claims(folder) as claims:
        naming = _Naming(folder, partial(read_run_config, **options), overwrite, claims)
        named = [naming.config(source, config) for source in sources]
        run_config = partial(run, **options, results=results, progress=progress, space=space)
        return _run_each(list(zip(sources, named, strict=True)), run_config, tell)


def _run_each(
    sources: Sequence[tuple[_Source, Mapping[str, Any]]],
    run_config: Callable[[Mapping[str, Any]], list[Run]],
    tell: Callable[[str], object],
) -> list[Run]:
    """Return a run for each source, with its config. Raises: Unfinished where one failed."""
    runs: list[Run] = []
    failures: dict[str, str] = {}
    for source, config in sources:
        if source.fields:
            tell(source.fields)
        try:
            runs += run_config(config)
        except HarnessError as error:
            if len(sources) == 1:
                raise
            failures[config["model"]["label"]] = str(error)
            continue
        if source.data["name"] == "logs":
            for line in _left_out(runs[-1]):
                tell(line)
    if failures:
        raise Unfinished(runs, failures)
    return runs


def _sources(
    files: Sequence[str], format_: str, config: Mapping[str, Any], overrides: Sequence[str]
) -> Iterator[_Source]:
    rows: list[str] = []
    for path in [path for file in files for path in _files_of_argument(file)]:
        if not path.is_file() or format_ == ROWS_FORMAT or open_log(path, format_) is None:
            rows.append(str(path))
            continue
        data = {"name": "logs", "path": str(path), "format": format_}
        logs = _logs({**config, "data": data}, overrides)
        fields = "\n".join(mapped.describe() for mapped in logs.open_logs())
        for system in logs.systems() or [path.stem]:
            labels = (system, *_labels(path, f"{system}-{path.stem}"))
            yield _Source({**data, "system": system}, labels, fields)
            fields = ""  # once for a file
    if rows:
        labels = _labels(Path(rows[0]), Path(rows[0]).name.partition(".")[0])
        yield _Source({"name": "files", "path": rows if len(rows) > 1 else rows[0]}, labels)


def _logs(config: Mapping[str, Any], overrides: Sequence[str]) -> Logs:
    """Return the loader as the run will have it, with what the overrides make of its columns."""
    run_config = read_run_config(config, overrides)
    loader = build_component("loaders", ("data",), run_config.data, run_config.document)
    if not isinstance(loader, Logs):
        raise ConfigError("--set data.name: the loader of a log is `logs`; or give --format rows")
    return loader


def _sources_of_systems(sources: list[_Source], systems: Sequence[str]) -> list[_Source]:
    """Return the sources with the systems that were asked for, and those that have none."""
    known = list(dict.fromkeys(str(s.data["system"]) for s in sources if "system" in s.data))
    for system in systems:
        if system not in known:
            raise DataError(f"no summaries of {system!r}{nearest(system, known)}")
    return [s for s in sources if not systems or s.data.get("system") in (None, *systems)]


def _labels(path: Path, name: str) -> tuple[str, ...]:
    """Return labels for a file's run: its name, then with one more folder each, then a digest.

    >>> _labels(Path("/v1/beam/out.jsonl"), "out")
    ('out', 'beam-out', 'v1-beam-out', '3f16c69c-out')
    """
    labels = [name]
    for folder in path.absolute().parents:
        labels += [f"{folder.name}-{labels[-1]}"] if folder.name else []
    return (*labels, f"{digest(str(path.absolute()))[:8]}-{name}")


class _Naming:
    """Finds for each run a name that is no other's, also of commands that are at work now."""

    def __init__(
        self,
        results: Path,
        read: Callable[[Mapping[str, Any]], RunConfig],
        overwrite: bool,
        claims: Claims,
    ) -> None:
        self.results, self.read, self.overwrite = results, read, overwrite
        self.claims = claims
        self.named: set[str] = set()  # folders of this call, as a system without case has them

    def config(self, source: _Source, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the config of a source's run, with its label.

        Raises: ConfigError for a run that would be replaced by one of other content.
        """
        for label in source.labels:
            whole = {**config, "data": source.data, "model": {"name": "given", "label": label}}
            cells = prepare(self.read(whole))
            folders = {str(cell.folder(self.results)).lower() for cell in cells}
            if folders & self.named or any(map(self._is_of_another_file, cells)):
                continue
            # Once it is claimed, what another command left there just before is seen.
            if self._claim(cells, source) and not any(map(self._is_of_another_file, cells)):
                break
        if folders & self.named:
            raise ConfigError(f"{cells[0].name}: two systems would have this name; score one alone")
        if not self._claim(cells, source):
            raise ConfigError(f"{cells[0].folder(self.results)}: another command is {_AT_WORK}")
        if not self.overwrite:
            for cell in cells:
                self._check_content(cell)
        self.named |= folders
        return whole

    def _claim(self, cells: Sequence[Cell], source: _Source) -> bool:
        """Claim a source and its cells' folders; tell whether no other command has these.

        Raises: ConfigError where another command scores this very source now.
        """
        experiment = cells[0].experiment
        read = self._configs(cells[0])[0]
        if not self.claims.take("source", experiment, *_file_of(read)):
            into = self.results / experiment
            raise ConfigError(f"{source.data['path']}: another command, into {into}, is {_AT_WORK}")
        return all(self.claims.take("run", experiment, cell.name.lower()) for cell in cells)

    def _is_of_another_file(self, cell: Cell) -> bool:
        ours, theirs = self._configs(cell)
        return theirs is not None and _file_of(ours) != _file_of(theirs)

    def _configs(self, cell: Cell) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return a cell's config and that of the run in its folder; None where there is none."""
        folder = cell.folder(self.results)
        ours = _parse_config(cell.config(folder), folder)
        if not (folder / results_files.RUN_FILE).exists():
            return ours, None
        try:
            text = (folder / results_files.CONFIG).read_text(encoding="utf-8")
            return ours, _parse_config(text, folder)
        except (OSError, ValueError, HarnessError):
            return ours, {}  # damaged: of another file, as far as one can tell

    def _check_content(self, cell: Cell) -> None:
        """Compare the run in a cell's folder, if there is one, with what would replace it."""
        folder = cell.folder(self.results)
        ours, theirs = self._configs(cell)
        if theirs is None:
            return
        others = [k for k in ours | theirs if ours.get(k) != theirs.get(k)]
        if not others and not _has_rows_of(cell, folder):
            others = ["rows"]
        if others:
            raise ConfigError(
                f"{folder}: holds a run with other {', '.join(others)}; --overwrite replaces it, "
                "--set name=NAME keeps both"
            )


def _parse_config(text: str, folder: Path) -> dict[str, Any]:
    tree = yaml.parse_yaml(text, results_files.CONFIG, folder).tree
    return tree if isinstance(tree, dict) else {}


def _file_of(config: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return what tells whose summaries a run has: the file or files, and the system of a log."""
    data = config.get("data")
    return (data.get("path"), data.get("system")) if isinstance(data, dict) else (None, None)


def _has_rows_of(cell: Cell, folder: Path) -> bool:
    """Tell whether a run has the articles, references and summaries that a cell would read.

    What cannot be read of it is nothing to keep: the run again mends it.
    """
    rejected: list[Rejected] = []
    rows = (
        (article.id, article.text, list(article.references), article.source, dict(article.extra))
        for window in windows(cell.loader, cell.run_config.limit, rejected.append)
        for article in window
    )
    fields = ("id", "article", "references", "source", "extra")
    try:
        samples = results_files.read_samples(folder / results_files.SAMPLES)
        for row, sample in zip_longest(rows, samples):
            if row is None or sample is None:
                return False
            now = results_files.line_of(dict(zip(fields, row, strict=True)))
            if now != results_files.line_of({name: sample[name] for name in fields}):
                return False
        listed = folder / results_files.REJECTED
        n = sum(1 for _ in results_files.read_lines(listed)) if listed.exists() else 0
        return n == len(rejected)
    except (OSError, ValueError, KeyError, TypeError):
        return True


def _files_of_argument(file: str) -> list[Path]:
    try:
        return matching_paths(Path(file))
    except DataError:  # what is not there is for the loader of rows to say
        return [Path(file)]


def _left_out(finished: Run) -> Iterator[str]:
    """Yield how many records of a log were left out, and the most frequent reasons."""
    counts = finished.counts
    if not counts.rejected:
        return
    rejected = results_files.read_samples(finished.folder / results_files.REJECTED)
    reasons = Counter(str(row["reason"]) for row in rejected)
    shown = [f"{n} × {reason}" for reason, n in reasons.most_common(REASONS_SHOWN)]
    more = len(reasons) - len(shown)
    listed = "; ".join([*shown, f"{more} more reasons"] if more > 0 else shown)
    yield f"{finished.name}: left out {counts.rejected} of {counts.rows} records: {listed}"


def score_again(path: str | Path, *, progress: Progress | None = None) -> list[Run]:
    """Score the summaries of a run, or of the runs in a folder, by the scorers as they are today.

    Each run keeps its folder, articles, summaries and what wrote them; no model and no data are
    asked for. What the store has of the scores is not computed again.

    Raises: HarnessError for what is no finished run, or a scorer that cannot be had.
    """
    return [_score_run_again(old, progress or Silence()) for old in runs_in(path)]


def _score_run_again(old: Run, progress: Progress) -> Run:
    run_config = read_run_config(old.folder / results_files.CONFIG)
    metrics, calibrations = scorers_of(run_config)
    cell = _StoredCell(
        experiment=old.folder.absolute().parent.name,
        name=old.folder.absolute().name,
        run_config=run_config,
        loader=_StoredArticles(old.samples_file),
        model=Given(),
        model_kind=old.model_kind,
        metrics={label: metric for label, (_, metric) in metrics.items()},
        metric_kinds={label: kind for label, (kind, _) in metrics.items()},
        calibrations=calibrations,
        old=old,
    )
    results = old.folder.absolute().parent.parent
    with Claims(results) as claims:
        if not claims.take("run", cell.experiment, cell.name.lower()):
            raise ConfigError(f"{old.folder}: another command is scoring it now; wait for its end")
        filled = Filled([cell], marks={cell.name: mark_unfinished(old.folder)})
        with folder_errors_named(results), TemporaryDirectory(prefix="evalharness-again-") as made:
            store = Store(results / STORE if (results / STORE).is_dir() else Path(made))
            of_cell = FilledCell(cell, StoredSummaries(old, Store(Path(made))), 0)
            scorings = fill_scores([of_cell], store, LocalPool(), Share(), progress)
            filled.groups.append(FilledGroup([of_cell], scorings, 1))
            (again,) = write(filled, results, progress)
    return again


@dataclass(frozen=True)
class _StoredArticles:
    """The articles of a finished run."""

    samples: Path

    def load(self) -> Iterator[Article | Rejected]:
        """Yield the articles, and then what was rejected beside them."""
        for sample in results_files.read_samples(self.samples):
            yield Article(
                sample["id"],
                sample["article"],
                tuple(sample["references"]),
                sample["source"],
                sample["extra"],
            )
        rejected = self.samples.with_name(results_files.REJECTED)
        if rejected.exists():
            for row in results_files.read_samples(rejected):
                yield Rejected(row["where"], row["reason"])


@dataclass(frozen=True, kw_only=True)
class _StoredCell(Cell):
    """A finished run as the cell that it was."""

    old: Run

    def config(self, folder: Path) -> str:
        """Return the config of the run as it stands there."""
        return (self.old.folder / results_files.CONFIG).read_text(encoding="utf-8")

    @property
    def data_identity(self) -> dict[str, Any]:
        """What named the data then."""
        own = ("loader", "fingerprint")
        return {key: value for key, value in self.old.data.items() if key not in own}


class _MadeThen(Ledger):
    """A ledger without records, and the versions that a run says it was made with."""

    def __init__(self, folder: Path, provenance: Mapping[str, Any]) -> None:
        super().__init__(folder, {"name": "stored"})
        self._provenance = provenance

    def versions_read(self) -> list[Mapping[str, Any] | None]:
        """Return the versions that made the run, each once."""
        beside = ("also", "unrecorded", "engines")
        own = {key: made for key, made in self._provenance.items() if key not in beside}
        return [own or None, *self._provenance.get("also", ())]


class StoredSummaries(Summarizing):
    """The summaries of a finished run, by what stands in its samples, in order."""

    def __init__(self, old: Run, store: Store) -> None:
        """Take a run, and a store that nothing is kept in."""
        super().__init__("given", Given(), store)
        self.signature = {"name": old.signatures.model}  # quoted as it is: one line
        self._samples = _SamplesOfArticles(old.samples_file)
        self.stored, self.is_whole = old.n, True
        self._made_with = old.provenance

    @cached_property
    def ledger(self) -> Ledger:
        """An empty ledger that knows what made the summaries, which come from the samples."""
        return _MadeThen(self.store.folder, self._made_with)

    def read(self, articles: Sequence[Article]) -> list[Summary]:
        """Return what was written for each article, or how it failed."""
        return [summary_of(a.id, self._samples[a]["summary"]) for a in articles]

    def find_defects(self, article: Article, summary: Summary) -> Sequence[Defect]:
        """Return what was found then: only the model knows its instructions."""
        found: Sequence[Defect] = self._samples[article]["defects"]
        return found


class _SamplesOfArticles:
    """The lines of a `samples.jsonl` by their articles: in memory is only where each begins."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._closing = weakref.finalize(self, self._file.close)
        self._offsets = OffsetIndex()
        at = 0
        for line in self._file:
            sample = json.loads(line)
            self._offsets.setdefault(_key_of(sample["id"], sample["article"]), at)
            at += len(line)

    def __getitem__(self, article: Article) -> dict[str, Any]:
        at = self._offsets.get(_key_of(article.id, article.text))
        if at is None:
            raise KeyError(article.id)
        self._file.seek(at)
        sample: dict[str, Any] = json.loads(self._file.readline())
        return sample


def _key_of(name: str, text: str) -> bytes:
    return bytes.fromhex(digest([name, text]))
