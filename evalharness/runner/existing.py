"""`score`: a run over summaries that exist, in rows of our own kind or logs of other harnesses.

A run is named by its system's file, and by the folders above it where another file of that name was
scored before. A run that is there already is replaced by one of the same content only, if not asked
to: one of other content is named by its content.
"""

import hashlib
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evalharness.config import yaml
from evalharness.config.cells import Cell, prepare, scorers_of
from evalharness.config.run_config import RunConfig, read_run_config
from evalharness.errors import ConfigError, DataError, HarnessError
from evalharness.executors.local import LocalPool
from evalharness.files.temporary import OffsetIndex
from evalharness.loaders.logs.formats import is_meant_to_be_skipped
from evalharness.models.given import Given
from evalharness.protocols import Silence, is_url
from evalharness.records import Article, Defect, Rejected, Summary, digest, summary_of
from evalharness.runner.articles import windows
from evalharness.runner.fill import Filled, FilledGroup
from evalharness.runner.run import Progress, Tell, Unfinished, folder_errors_named, run
from evalharness.runner.scores import fill_scores
from evalharness.runner.summaries import FilledCell, Share, Summarizing
from evalharness.runner.systems import FileOptions, Source, sources_of
from evalharness.runner.write import write
from evalharness.store import samples as results_files
from evalharness.store.ledger import Ledger, address_of, mirror_of
from evalharness.store.runs import Run, runs_in
from evalharness.store.samples import mark_unfinished
from evalharness.store.store import STORE, Claims, Store, working_folder

DEFAULT_METRICS = ("rouge",)
DEFAULT_CHECKS = ("lexical",)
REASONS_SHOWN = 5
_AT_WORK = "scoring it now; run this again when that has ended, or --set name=NAME keeps both"


def score_files(
    files: Sequence[str],
    metrics: Sequence[str] | None = None,
    checks: Sequence[str] | None = None,
    overrides: Sequence[str] = (),
    *,
    options: FileOptions | None = None,
    format: str = "auto",
    systems: Sequence[str] = (),
    beside: Sequence[Run] = (),
    overwrite: bool = False,
    results: str | Path = "results",
    limit: int | None = None,
    progress: Progress | None = None,
    tell: Tell = lambda line: None,
    executor: str | None = None,
    workers: int | None = None,
    space: bool = True,
) -> list[Run]:
    """Score the summaries in some files and return a run for each system.

    A file is a system, or several: a column each, or rows that name theirs, or a log's; `NAME=FILE`
    names it. No run is replaced by one of other content.

    metrics, checks: default `rouge` where there are references, `lexical` where there are articles;
        beside finished runs, those that these have.
    options: columns, other files, what rows are joined on; `format` and `systems` are as in these.
    beside: finished runs that the files are compared with; of the first is what the files lack.
    overwrite: whether to replace a run of the same file with other rows, metrics or options.
    tell: told, a line each, what is read from which column, and what was left out.

    Raises: HarnessError for what cannot be read, recognized or joined; Unfinished where one of
        several runs failed.
    """
    how = _with_options(options or FileOptions(), format, systems)
    config: dict[str, Any] = {"name": "score", "model": "given", "metrics": [], "checks": []}
    folder = working_folder(results)
    _check_names(metrics or (), checks or ())
    sources = sources_of(files, how, config, overrides, results=folder, runs=beside)
    config |= _scorers_of(sources, metrics, checks, beside, tell)
    settings: dict[str, Any] = {"limit": limit, "executor": executor, "workers": workers}
    with Claims(folder) as claims:
        read_config = partial(read_run_config, **settings, called="score")
        naming = _Naming(folder, read_config, overrides, overwrite, claims, tell)
        named = naming.configs(sources, config)
        settings["overrides"] = naming.overrides
        run_config = partial(run, **settings, results=results, progress=progress, space=space)
        return _run_each(list(zip(sources, named, strict=True)), run_config, tell)


def _with_options(options: FileOptions, format: str, systems: Sequence[str]) -> FileOptions:
    """Return options with a format, where one is named, and further systems."""
    options = replace(options, systems=(*options.systems, *systems))
    return replace(options, format=format) if format != "auto" else options


def _scorers_of(
    sources: Sequence[Source],
    metrics: Sequence[str] | None,
    checks: Sequence[str] | None,
    beside: Sequence[Run],
    tell: Tell,
) -> dict[str, Any]:
    """Return the metrics and checks of a config: those that are named, else what can be scored.

    Raises: DataError where there is nothing to score against.
    """
    if beside and metrics is None and checks is None:
        theirs = _parse_config(
            (beside[0].folder / results_files.CONFIG).read_text(encoding="utf-8"), beside[0].folder
        )
        return {"metrics": theirs.get("metrics", []), "checks": theirs.get("checks", [])}
    has_references = any(source.has_references for source in sources)
    has_articles = any(source.has_articles for source in sources)
    if not (has_references or has_articles):
        raise DataError(
            "the files have neither articles nor references, so there is nothing to score against "
            f"({sources[0].fields.splitlines()[0]}); name columns or files that have them: "
            "--columns article=COLUMN, --articles FILE, --references FILE"
        )
    if metrics is None and not has_references:
        tell(f"no references: not scored by {', '.join(DEFAULT_METRICS)} (--references FILE)")
    if checks is None and not has_articles:
        tell(f"no articles: not checked by {', '.join(DEFAULT_CHECKS)} (--articles FILE)")
    if checks and not has_articles:
        raise DataError(f"no articles for {', '.join(checks)} to read; --articles FILE names them")
    default_metrics = DEFAULT_METRICS if has_references else ()
    default_checks = DEFAULT_CHECKS if has_articles else ()
    return {
        "metrics": list(dict.fromkeys(default_metrics if metrics is None else metrics)),
        "checks": list(dict.fromkeys(default_checks if checks is None else checks)),
    }


def _check_names(metrics: Sequence[str], checks: Sequence[str]) -> None:
    """Raise ConfigError for a metric or check that there is none of, before any file is read."""
    named = {"metrics": list(dict.fromkeys(metrics)), "checks": list(dict.fromkeys(checks))}
    data = {"name": "outputs", "path": "."}
    tree = {"name": "score", "model": "given", "data": data, **named}
    scorers_of(read_run_config(tree, called="score"))


def _run_each(
    sources: Sequence[tuple[Source, Mapping[str, Any]]],
    run_config: Callable[[Mapping[str, Any]], list[Run]],
    tell: Tell,
) -> list[Run]:
    """Return a run for each source, with its config. Raises: Unfinished where one failed."""
    runs: list[Run] = []
    failures: dict[str, str] = {}
    for source, config in sources:
        for line in source.fields.splitlines():
            tell(line)
        try:
            runs += run_config(config)
        except HarnessError as error:
            if len(sources) == 1:
                raise
            failures[config["model"]["label"]] = str(error)
            continue
        for line in _left_out(runs[-1]):
            tell(line)
    if failures:
        raise Unfinished(runs, failures)
    return runs


class _Naming:
    """Finds for each run a name that is no other's, also of commands that are at work now.

    overrides: of the configs, with the name of the experiment where that is another than theirs.
    """

    def __init__(
        self,
        results: Path,
        read: Callable[..., RunConfig],
        overrides: Sequence[str],
        overwrite: bool,
        claims: Claims,
        tell: Tell,
    ) -> None:
        self.results, self.read, self.overwrite, self.tell = results, read, overwrite, tell
        self.overrides, self.claims = tuple(overrides), claims
        self._mirror = mirror_of(results)

    def configs(
        self, sources: Sequence[Source], config: Mapping[str, Any]
    ) -> list[Mapping[str, Any]]:
        """Return the config of each source's run, with its label.

        Where a run of the same file has other content, all go to an experiment that is named by
        theirs: so nothing is replaced, and the same call finds them again.
        Raises: ConfigError where two systems of one call would have one name, or another command
        scores them now.
        """
        named = self._named(sources, config)
        cells = [cell for each in named for cell in self._cells(each)]
        held = [] if self.overwrite else [c for c in cells if self._holds_other_content(c)]
        if not held:
            self._tell_other_names(sources, named)
            return named
        content = hashlib.sha256()
        for cell in cells:
            content.update(self._config_of(cell, self.results / "any").encode())
            for row in _rows_of(cell, lambda row: None):
                content.update(results_files.line_of(row).encode())
        name = f"{held[0].experiment}-{content.hexdigest()[:8]}"
        self.tell(
            f"{address_of(held[0].folder(self.results))} has other content and was kept; these "
            f"runs are in {address_of(self.results / name)}"
        )
        self.overrides = (*self.overrides, f"name={name}")
        return self._named(sources, config)

    def _cells(self, config: Mapping[str, Any]) -> list[Cell]:
        return prepare(self.read(config, self.overrides))

    def _named(
        self, sources: Sequence[Source], config: Mapping[str, Any]
    ) -> list[Mapping[str, Any]]:
        named: list[Mapping[str, Any]] = []
        folders_named: set[str] = set()  # as a system without case has them
        for source in sources:
            for label in source.labels:
                whole = {**config, "data": source.data, "model": {"name": "given", "label": label}}
                cells = self._cells(whole)
                folders = {str(cell.folder(self.results)).lower() for cell in cells}
                if folders & folders_named or any(map(self._is_of_another_file, cells)):
                    continue
                # Once it is claimed, what another command left there just before is seen.
                if self._claim(cells, source) and not any(map(self._is_of_another_file, cells)):
                    break
            if folders & folders_named:
                why = "two systems would have this name; score one alone"
                raise ConfigError(f"{cells[0].name}: {why}")
            if not self._claim(cells, source):
                folder = address_of(cells[0].folder(self.results))
                raise ConfigError(f"{folder}: another command is {_AT_WORK}")
            folders_named |= folders
            named.append(whole)
        return named

    def _tell_other_names(
        self, sources: Sequence[Source], named: Sequence[Mapping[str, Any]]
    ) -> None:
        """Tell of each run that has not its file's name, as the run of another file has it."""
        labels = [each["model"]["label"] for each in named]
        for source, label in zip(sources, labels, strict=True):
            usual = source.labels[0]
            if label != usual and usual not in labels:
                self.tell(
                    f"{source.data['path']}: its run is named {label}, because the run {usual} is "
                    "of another file"
                )

    def _claim(self, cells: Sequence[Cell], source: Source) -> bool:
        """Claim a source and its cells' folders; tell whether no other command has these.

        Raises: ConfigError where another command scores this very source now.
        """
        experiment = cells[0].experiment
        read = self._configs(cells[0])[0]
        if not self.claims.take("source", experiment, *_file_of(read)):
            into = address_of(self.results / experiment)
            raise ConfigError(f"{source.data['path']}: another command, into {into}, is {_AT_WORK}")
        return all(self.claims.take("run", experiment, cell.name.lower()) for cell in cells)

    def _is_of_another_file(self, cell: Cell) -> bool:
        ours, theirs = self._configs(cell)
        return theirs is not None and _file_of(ours) != _file_of(theirs)

    def _configs(self, cell: Cell) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return a cell's config and that of the run in its folder; None where there is none."""
        folder = cell.folder(self.results)
        if self._mirror is not None:
            self._mirror.pull_run(folder)
        ours = _parse_config(self._config_of(cell, folder), folder)
        if not (folder / results_files.RUN_FILE).exists():
            return ours, None
        try:
            text = (folder / results_files.CONFIG).read_text(encoding="utf-8")
            return ours, _parse_config(text, folder)
        except (OSError, ValueError, HarnessError):
            return ours, {}  # damaged: of another file, as far as one can tell

    def _config_of(self, cell: Cell, folder: Path) -> str:
        """Return the config as it stands in a folder, or at the URL of that."""
        return cell.config(folder if self._mirror is None else None)

    def _holds_other_content(self, cell: Cell) -> bool:
        """Tell whether a cell's folder has a run with another config or other rows."""
        ours, theirs = self._configs(cell)
        if theirs is None:
            return False
        unlike = any(ours.get(key) != theirs.get(key) for key in ours | theirs)
        return unlike or not _has_rows_of(cell, cell.folder(self.results))


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
    rows = _rows_of(cell, rejected.append)
    try:
        samples = results_files.samples_in(folder)
        for row, sample in zip_longest(rows, samples):
            if row is None or sample is None:
                return False
            if results_files.line_of(row) != results_files.line_of({k: sample[k] for k in row}):
                return False
        listed = folder / results_files.REJECTED
        n = sum(1 for _ in results_files.read_lines(listed)) if listed.exists() else 0
        return n == len(rejected)
    except (OSError, ValueError, KeyError, TypeError):
        return True


def _rows_of(cell: Cell, reject: Callable[[Rejected], object]) -> Iterator[dict[str, Any]]:
    """Yield what a sample holds of each article that a cell reads."""
    for window in windows(cell.loader, cell.run_config.limit, reject):
        for article in window:
            yield {
                "id": article.id,
                "article": article.text,
                "references": list(article.references),
                "source": article.source,
                "extra": dict(article.extra),
            }


def _left_out(finished: Run) -> Iterator[str]:
    """Yield how many rows of a file were left out, and the most frequent reasons."""
    counts = finished.counts
    if not counts.rejected:
        return
    rejected = results_files.read_rows(finished.folder / results_files.REJECTED)
    reasons = Counter(str(row["reason"]) for row in rejected)
    shown = [f"{n} × {reason}" for reason, n in reasons.most_common(REASONS_SHOWN)]
    more = len(reasons) - len(shown)
    listed = "; ".join([*shown, f"{more} more reasons"] if more > 0 else shown)
    yield f"{finished.name}: left out {counts.rejected} of {counts.rows} rows: {listed}"


def reasons_of_rejected(finished: Run) -> list[str]:
    """Return why rows of a run were left out that should not be: of a log, not second epochs."""
    if not finished.counts.rejected:
        return []
    rejected = results_files.read_rows(finished.folder / results_files.REJECTED)
    reasons = [str(row["reason"]) for row in rejected]
    return [reason for reason in reasons if not is_meant_to_be_skipped(reason)]


def score_again(path: str | Path, *, progress: Progress | None = None) -> list[Run]:
    """Score the summaries of a run, or of the runs in a folder, by the scorers as they are today.

    Each run keeps its folder, articles, summaries and what wrote them; no model and no data are
    asked for. What the store has of the scores is not computed again.

    Raises: HarnessError for what is no finished run, or a scorer that cannot be had.
    """
    if is_url(str(path)):
        from evalharness.store.mirror import mirrored_runs

        path = mirrored_runs(str(path))
    return [_score_run_again(old, progress or Silence()) for old in runs_in(path)]


def _score_run_again(old: Run, progress: Progress) -> Run:
    run_config = read_run_config(old.folder / results_files.CONFIG)
    metrics, calibrations = scorers_of(run_config)
    cell = _StoredCell(
        experiment=old.folder.absolute().parent.name,
        name=old.folder.absolute().name,
        run_config=run_config,
        loader=_StoredArticles(old.folder),
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
            group = FilledGroup([of_cell], [], 1)
            group.scorings += fill_scores(
                group.cells, store, LocalPool(), Share(), progress, group.kept
            )
            filled.groups.append(group)
            (again,) = write(filled, results, progress)
    return again


@dataclass(frozen=True)
class _StoredArticles:
    """The articles of a finished run."""

    folder: Path

    def load(self) -> Iterator[Article | Rejected]:
        """Yield the articles, and then what was rejected beside them."""
        for sample in results_files.samples_in(self.folder):
            yield Article(
                sample["id"],
                sample["article"],
                tuple(sample["references"]),
                sample["source"],
                sample["extra"],
            )
        rejected = self.folder / results_files.REJECTED
        if rejected.exists():
            for row in results_files.read_rows(rejected):
                yield Rejected(row["where"], row["reason"])


@dataclass(frozen=True, kw_only=True)
class _StoredCell(Cell):
    """A finished run as the cell that it was."""

    old: Run

    def config(self, folder: Path | None) -> str:
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
        self._samples = _SamplesOfArticles(old)
        self.stored, self.is_whole = old.n, True
        self._made_with = old.provenance

    @cached_property
    def ledger(self) -> Ledger:
        """An empty ledger that knows what made the summaries, which come from the samples."""
        return _MadeThen(self.store.folder, self._made_with)

    def read(self, articles: Sequence[Article]) -> list[Summary]:
        """Return what was written for each article, or how it failed."""
        return [summary_of(a.id, self._samples[a]["summary"]) for a in articles]

    def known_defects(self, articles: Sequence[Article]) -> Sequence[Sequence[Defect]]:
        """Return what was found then: only the model knows its instructions."""
        return [self._samples[article]["defects"] for article in articles]


class _SamplesOfArticles:
    """The samples of a run by their articles: in memory is only where each begins."""

    def __init__(self, run: Run) -> None:
        self._samples = run.sample_reader()
        self._closing = weakref.finalize(self, self._samples.__exit__)
        self._rows = OffsetIndex()
        for row, sample in enumerate(self._samples):
            self._rows.setdefault(_key_of(sample["id"], sample["article"]), row)

    def __getitem__(self, article: Article) -> dict[str, Any]:
        row = self._rows.get(_key_of(article.id, article.text))
        if row is None:
            raise KeyError(article.id)
        return self._samples[row]


def _key_of(name: str, text: str) -> bytes:
    return bytes.fromhex(digest([name, text]))
