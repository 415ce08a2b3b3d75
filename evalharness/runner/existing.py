"""`score`: a run over summaries that exist, in rows of our own kind or logs of other harnesses."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from evalharness.config.build import build_component
from evalharness.config.run_config import read_run_config
from evalharness.config.yaml import nearest
from evalharness.errors import ConfigError, DataError, HarnessError
from evalharness.loaders.formats import matching_paths
from evalharness.loaders.logs.files import open_log
from evalharness.loaders.logs.formats import HARNESS_FORMATS
from evalharness.loaders.logs.loader import Logs
from evalharness.records import digest
from evalharness.runner.run import Progress, Unfinished, run
from evalharness.store import samples as results_files
from evalharness.store.runs import Run

ROWS_FORMAT = "rows"
FORMAT_NAMES = ("auto", ROWS_FORMAT, *HARNESS_FORMATS)
REASONS_SHOWN = 5


@dataclass(frozen=True)
class _Source:
    """What one run reads: the `data` of its config, its label, and which fields are taken of it."""

    data: Mapping[str, Any]
    label: str
    fields: str = ""


def score(
    files: Sequence[str],
    metrics: Sequence[str] = ("rouge",),
    checks: Sequence[str] = ("lexical",),
    overrides: Sequence[str] = (),
    *,
    format: str = "auto",
    systems: Sequence[str] = (),
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
    executor, workers, space: as of `run`.
    tell: told, a line each, which fields of a log were taken, and what of it was left out.

    Raises: HarnessError for what cannot be read; Unfinished where one of several runs failed.
    """
    if format not in FORMAT_NAMES:
        raise ConfigError(f"--format {format}: known are {', '.join(FORMAT_NAMES)}")
    config = {"name": "score", "model": "given", "metrics": [*metrics], "checks": [*checks]}
    sources = _sources_of_systems(list(_sources(files, format, config, overrides)), systems)
    run_config = partial(
        run,
        overrides=overrides,
        results=results,
        limit=limit,
        progress=progress,
        executor=executor,
        workers=workers,
        space=space,
    )
    return _run_each(sources, config, run_config, tell)


def _run_each(
    sources: Sequence[_Source],
    config: Mapping[str, Any],
    run_config: Callable[[Mapping[str, Any]], list[Run]],
    tell: Callable[[str], object],
) -> list[Run]:
    """Return a run for each source. Raises: Unfinished where one of several failed."""
    runs: list[Run] = []
    failures: dict[str, str] = {}
    for source in sources:
        if source.fields:
            tell(source.fields)
        model = {"name": "given", "label": source.label}
        try:
            runs += run_config({**config, "data": source.data, "model": model})
        except HarnessError as error:
            if len(sources) == 1:
                raise
            failures[source.label] = str(error)
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
    folders: set[str] = set()
    for path in [path for file in files for path in _files_of_argument(file)]:
        if not path.is_file() or format_ == ROWS_FORMAT or open_log(path, format_) is None:
            rows.append(str(path))
            continue
        data = {"name": "logs", "path": str(path), "format": format_}
        logs = _logs({**config, "data": data}, overrides)
        fields = "\n".join(mapped.describe() for mapped in logs.open_logs())
        for system in logs.systems() or [path.stem]:
            label = _unused_label(system, path.stem, folders)
            yield _Source({**data, "system": system}, label, fields)
            fields = ""  # once for a file
    if rows:
        label = Path(rows[0]).name.partition(".")[0]
        yield _Source({"name": "files", "path": rows if len(rows) > 1 else rows[0]}, label)


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


def _unused_label(system: str, stem: str, folders: set[str]) -> str:
    """Return a label for a system's run whose folder is no other's, and put it into `folders`.

    >>> used = set()
    >>> [_unused_label(*names, used) for names in (("a/b", "x"), ("a/b", "y"), ("A-b", "y"))]
    ['a/b', 'a/b-y', '57ca8066-A-b']
    """
    spare = f"{digest(system, stem)[:8]}-{system}"
    for label in (system, f"{system}-{stem}", spare):
        folder = re.sub(r"\W+", "-", unicodedata.normalize("NFC", label).lower()).strip("-")
        key = folder.encode(errors="replace")[:100].decode(errors="replace")
        if key not in folders:
            break
    folders.add(key)
    return label


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
