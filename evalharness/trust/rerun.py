"""A run made again from its own config, from scratch, and held against what it left."""

import dataclasses
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from evalharness.config import cells
from evalharness.config.cells import Cell
from evalharness.config.run_config import read_run_config
from evalharness.errors import ConfigError, DataError
from evalharness.protocols import Silence
from evalharness.records import Article
from evalharness.runner.articles import windows
from evalharness.runner.run import Progress, run_cell
from evalharness.store import samples
from evalharness.store.runs import Run, folder_of, read_run_file
from evalharness.store.samples import file_digest
from evalharness.store.store import STORE
from evalharness.trust.components import note_environment
from evalharness.trust.findings import Findings, short_text, unlike

# What is not the same in two runs of one config; `run.json` has its own times and versions.
VOLATILE = ("provenance", "timing")


@dataclass
class Apart:
    """A field of samples that differs: in how many, where first, and how far at the most.

    example: the two values of the first; furthest: None for what is no number.
    """

    n: int
    line: int
    example: tuple[Any, Any]
    furthest: float | None = None


@dataclass(frozen=True)
class Rerun:
    """What differs between a run and the same run made again.

    figures: dotted fields of `run.json` with both values. fields: of samples, by dotted name.
    files: those whose bytes differ. changed: what made the run and is another version now.
    """

    run: Path
    articles: int
    figures: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    fields: Mapping[str, Apart] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether all bytes are the same, but for provenance and timing."""
        return not (self.figures or self.fields or self.files)

    @property
    def verdict(self) -> str:
        """`same`; `differs`, with the same versions; `other versions`, which may be why."""
        if self.same:
            return "same"
        return "other versions" if self.changed else "differs"

    def record(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "run": str(self.run),
            "articles": self.articles,
            "verdict": self.verdict,
            "files": list(self.files),
            "figures": {k: {"then": a, "now": b} for k, (a, b) in self.figures.items()},
            "fields": {
                name: {
                    "articles": apart.n,
                    "first_line": apart.line,
                    "then": apart.example[0],
                    "now": apart.example[1],
                    "furthest": apart.furthest,
                }
                for name, apart in self.fields.items()
            },
            "changed": list(self.changed),
        }


def rerun(
    path: str | Path, *, into: str | Path | None = None, progress: Progress | None = None
) -> Rerun:
    """Run the config in a run's folder again, computing everything, and compare.

    into: a folder for what is made, kept then; without it a temporary one.
    Raises: DataError where there is no run, or its data are others now; HarnessError as a run does.
    """
    then = read_run_file(folder_of(path) / samples.RUN_FILE)
    cell = _cell(then)
    _same_data(then, cell)
    with ExitStack() as stack:
        if into is None:
            made = stack.enter_context(tempfile.TemporaryDirectory(prefix="evalharness-rerun-"))
        else:
            made = str(into)
            if Path(made, STORE).exists():
                raise ConfigError(f"--results {made}: holds stored results; name an empty folder")
        again = run_cell(cell, Path(made), progress or Silence())
        return _compare_runs(then, again, cell)


def _cell(run: Run) -> Cell:
    (cell, *_) = cells.prepare(read_run_config(run.folder / samples.CONFIG))
    return dataclasses.replace(cell, experiment=run.experiment, name=run.name)


def _same_data(run: Run, cell: Cell) -> None:
    """Compare the articles of the data with those of the run, before any work."""
    path = run.samples_file
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; nothing to compare with")
    now = (article for window in windows(cell.loader, cell.run_config.limit) for article in window)
    then = run.samples()
    for number, (sample, article) in enumerate(zip_longest(then, now), 1):
        odd = _unlike_article(sample, article)
        if odd:
            raise DataError(
                f"{path}:{number}: the data have changed since the run: {odd}; "
                f"they are named under `data` in {run.folder / samples.CONFIG}"
            )


def _unlike_article(sample: Mapping[str, Any] | None, article: Article | None) -> str:
    if sample is None or article is None:
        return "it has more articles" if article is None else "there are more articles"
    if sample["id"] != article.id:
        return f"article {sample['id']!r} was there, {article.id!r} is"
    pairs = {
        "text": (sample["article"], article.text),
        "references": (sample["references"], list(article.references)),
        "source": (sample["source"], article.source),
    }
    odd = [name for name, (then, now) in pairs.items() if then != now]
    return f"{odd[0]} of article {article.id!r}" if odd else ""


def _compare_runs(then: Run, now: Run, cell: Cell) -> Rerun:
    changed = note_environment(then, then.folder, Findings())
    changed += _other_signatures(then, now)
    files = [
        name
        for name in (*samples.TEXT_FILES, samples.TABLE_FILE)
        if _digest(then.folder / name) != _digest(now.folder / name)
    ]
    if _rejected_rows(then.folder) != _rejected_rows(now.folder):
        files.append(samples.REJECTED)
    config = (then.folder / samples.CONFIG).read_text(encoding="utf-8")
    if config not in (cell.config(then.folder), cell.config(None)):  # the latter at a URL
        files.append(samples.CONFIG)
    odd = unlike(_lasting(then), _lasting(now))
    return Rerun(
        run=then.folder,
        articles=now.n,
        figures={".".join(map(str, key)): (before, after) for key, before, after in odd},
        fields=_fields_apart(then, now),
        files=tuple(files),
        changed=tuple(changed),
    )


def _lasting(run: Run) -> dict[str, Any]:
    """Return what `run.json` holds but for what differs in any two runs."""
    return {key: value for key, value in run.record.items() if key not in VOLATILE}


def _other_signatures(then: Run, now: Run) -> list[str]:
    odd = unlike(dataclasses.asdict(then.signatures), dataclasses.asdict(now.signatures))
    return [f"{key[-1]}: {was} then, {there} now" for key, was, there in odd]


def _digest(path: Path) -> str:
    return file_digest(path) if path.is_file() else ""


def _rejected_rows(folder: Path) -> list[tuple[str, str]]:
    """Return the rejected rows; where they stand without the folder, which may have moved."""
    path = folder / samples.REJECTED
    rows = samples.read_rows(path) if path.is_file() else iter(())
    return [(Path(row["where"]).name, row["reason"]) for row in rows]


def _fields_apart(then: Run, now: Run) -> dict[str, Apart]:
    found: dict[str, Apart] = {}
    pairs = zip_longest(then.lines(), now.lines(), fillvalue=b"null")
    for number, (one, other) in enumerate(pairs, 1):
        if one != other:
            for name, a, b in _apart(one, other):
                apart = found.setdefault(name, Apart(0, number, (_short(a), _short(b))))
                apart.n += 1
                if isinstance(a, int | float) and isinstance(b, int | float):
                    apart.furthest = max(apart.furthest or 0.0, abs(a - b))
    return found


def _apart(one: bytes, other: bytes) -> Iterator[tuple[str, Any, Any]]:
    try:
        odd: Sequence[Any] = list(unlike(json.loads(one), json.loads(other)))
    except ValueError:
        odd = []
    if not odd:
        yield "line", one.decode(errors="replace"), other.decode(errors="replace")
    for key, a, b in odd:
        yield ".".join(map(str, key)) or "line", a, b


def _short(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float) else short_text(value)
