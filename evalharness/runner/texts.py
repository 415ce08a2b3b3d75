"""Summaries that are in memory, as lists and columns have them: made into articles, then into runs.

A run of them is computed and written as any other, in a folder that goes when the run is forgotten:
there is one way to a score, and its numbers are those of the command line.
"""

import dataclasses
import math
import shutil
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from evalharness.config import yaml
from evalharness.config.cells import Cell, scorers_of
from evalharness.config.registry import OWN_COMPONENT
from evalharness.config.run_config import RunConfig, read_run_config
from evalharness.errors import ConfigError, DataError
from evalharness.executors.local import LocalPool
from evalharness.loaders.columns import (
    OTHER_TEXTS,
    ROWS_LOOKED_AT,
    ColumnMap,
    plain_name,
    recognize_columns,
)
from evalharness.loaders.rows import USUAL_COLUMNS
from evalharness.models.given import Given
from evalharness.protocols import Metric, Need, Silence
from evalharness.records import Article
from evalharness.runner.fill import fill
from evalharness.runner.provenance import provenance
from evalharness.runner.run import folder_errors_named
from evalharness.runner.write import write
from evalharness.store.runs import Run
from evalharness.store.store import STORE, Store

Texts = Iterable[str | None]
"""Texts in order, None where there is none: a list, an array, a column, a generator."""
References = Iterable[str | Iterable[str] | None]
"""What people wrote for each article: a text, several, or None."""
Scorers = str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]
"""Metrics or checks as a config has them: by name, or a mapping of name and options; or a list."""

# What the only system is called that nobody gave a name.
UNNAMED = "summaries"
# Longer names are none of a file; nor are texts of several lines.
_LONGEST_PATH = 1000


@dataclass(frozen=True)
class InMemory:
    """Articles that are there already, each with its summary."""

    articles: tuple[Article, ...] = field(repr=False)

    def load(self) -> Iterator[Article]:
        """Yield every article."""
        yield from self.articles

    def count(self) -> int:
        """Return how many there are."""
        return len(self.articles)


@dataclass(frozen=True)
class _CellInMemory(Cell):
    """A cell whose config names no data: they were in memory."""

    def folder(self, results: Path) -> Path:
        """Return a folder whose name needs no letter of the system's."""
        return results / "score" / "run"

    def config(self, folder: Path | None) -> str:
        """Return the YAML of the scorers; its data are the texts beside it, once they are saved."""
        without_texts = dataclasses.replace(self, loader=InMemory(()))
        text = Cell.config(without_texts, folder)
        tree = yaml.parse_yaml(text, "config", folder or Path()).tree
        return yaml.dump({**tree, "data": {"name": "files", "path": "./texts.jsonl"}})


def articles_of(
    summaries: Texts,
    references: References | None = None,
    articles: Texts | None = None,
    ids: Iterable[object] | None = None,
    sources: Texts | None = None,
) -> list[Article]:
    """Return the articles of texts in order, each with its summary; their ids count from 0.

    Raises: DataError for what is no text, for columns of unlike length, and for names of files.
    """
    columns = {
        "summaries": _column("summaries", summaries),
        "references": _column("references", references),
        "articles": _column("articles", articles),
        "ids": _column("ids", ids),
        "sources": _column("sources", sources),
    }
    n = len(columns["summaries"] or ())
    if not n:
        raise DataError("summaries: there are none to score")
    for name, column in columns.items():
        if column is not None and len(column) != n:
            raise DataError(f"{name}: {len(column)} of them, and {n} summaries; give one for each")
    _refuse_paths(columns["summaries"] or ())
    found = [_article(at, {k: v[at] for k, v in columns.items() if v}) for at in range(n)]
    if len({article.id for article in found}) < n:
        raise DataError("ids: one of them stands twice; ids must be different")
    return found


def score_in_memory(
    systems: Mapping[str, Sequence[Article]],
    metrics: Scorers | None = None,
    checks: Scorers | None = None,
    seed: int = 0,
) -> list[Run]:
    """Return a run for each system's articles, by the scorers of a config.

    metrics, checks: by default `rouge` where an article has a reference, `lexical` where one has a
    text; what is named must have what it needs.
    Raises: ConfigError, and whatever a run may raise.
    """
    every = [article for articles in systems.values() for article in articles]
    known: set[Need] = {"summary", "title", "published"}
    known |= {"references"} if any(article.references for article in every) else set()
    known |= {"article"} if any(article.text.strip() for article in every) else set()
    tree = {
        "name": "score",
        "data": {"name": "files", "path": "texts.jsonl"},
        "model": "given",
        "metrics": _named("metrics", metrics, "rouge", "references" in known),
        "checks": _named("checks", checks, "lexical", "article" in known),
        "seed": seed,
    }
    run_config = read_run_config(tree, called="score")
    scorers, calibrations = scorers_of(run_config)
    if not scorers:
        raise ConfigError("nothing to score against: give references=, articles=, or both")
    for label, (_, scorer) in scorers.items():
        _check_needs(label, scorer, known)
    return [
        _run(_cell(name, articles, run_config, scorers, calibrations))
        for name, articles in systems.items()
    ]


def _cell(
    name: str,
    articles: Sequence[Article],
    run_config: RunConfig,
    scorers: Mapping[str, tuple[str, Metric]],
    calibrations: Mapping[str, Any],
) -> Cell:
    return _CellInMemory(
        experiment="score",
        name=name,
        run_config=run_config,
        loader=InMemory(tuple(articles)),
        model=Given(),
        model_kind="given",
        metrics={label: scorer for label, (_, scorer) in scorers.items()},
        metric_kinds={label: kind for label, (kind, _) in scorers.items()},
        calibrations=calibrations,
    )


def _run(cell: Cell) -> Run:
    """Run a cell in a folder of its own, which is removed when the run is forgotten."""
    results = Path(mkdtemp(prefix="evalharness-score-"))
    try:
        with folder_errors_named(results):
            store = Store(results / STORE, cache(provenance))
            filled = fill([cell], store, LocalPool(), progress=Silence())
            (run,) = write(filled, results, Silence())
    except BaseException:
        shutil.rmtree(results, ignore_errors=True)
        raise
    shutil.rmtree(results / STORE, ignore_errors=True)
    weakref.finalize(run, shutil.rmtree, results, ignore_errors=True)
    return run


def _named(argument: str, scorers: Any, usual: str, has_what_it_needs: bool) -> list[Any]:
    if scorers is None:
        return [usual] if has_what_it_needs else []
    several = scorers if isinstance(scorers, Iterable) else [scorers]
    several = [scorers] if isinstance(scorers, str | Mapping) else several
    for scorer in several:
        if not isinstance(scorer, str | Mapping):
            named = getattr(scorer, "__name__", type(scorer).__name__)
            raise ConfigError(f"{argument}: {named} is code, and no name{OWN_COMPONENT}")
    return list({str(scorer): scorer for scorer in several}.values())


def _check_needs(label: str, scorer: Metric, known: set[Need]) -> None:
    for need, argument in (("references", "references="), ("article", "articles=")):
        if need in scorer.needs and need not in known:
            raise ConfigError(f"{label}: needs {argument}, and no summary has one")


# From columns to articles.


def _column(name: str, values: Any) -> list[Any] | None:
    """Return the values of a column, or of a generator. Raises: DataError for what is none."""
    if values is None:
        return None
    if isinstance(values, str | bytes | Path):
        raise DataError(f"{name}: one text, not a list of them{_file_hint(values)}")
    if names := _names_of_table(values):
        listed = ", ".join(map(repr, names[:8]))
        raise DataError(f"{name}: a whole table; name its column, as in table[{name!r}]: {listed}")
    try:
        return values.to_pylist() if hasattr(values, "to_pylist") else [*values]
    except TypeError:
        kind = type(values).__name__
        raise DataError(f"{name}: a {kind}, not a list or a column of texts") from None


def texts_of_table(table: Any) -> dict[str, Any] | None:
    """Return what `score` takes of a whole table, by the names that columns of files have.

    None for what is no table. Raises: DataError for one without summaries, or in long form.
    """
    names = _names_of_table(table)
    if not names:
        return None
    columns = {name: _column(name, table[name]) or [] for name in names}
    first = [
        dict(zip(columns, row, strict=True))
        for row in islice(zip(*columns.values(), strict=True), ROWS_LOOKED_AT)
    ]
    found = recognize_columns(first, USUAL_COLUMNS)
    why = "no summaries" if not found.summaries else ""
    if left := _texts_without_use(found, first):
        why = f"columns that are read as nothing ({', '.join(left)})"
    if found.system:
        why = f"several systems in its column {found.system!r}"
    if why:
        raise DataError(
            f"summaries: a table with {why}; give columns, {{name: summaries}}: {', '.join(names)}"
        )
    summaries = {name or UNNAMED: columns[of] for name, of in found.summaries.items()}
    references = [*zip(*(columns[of] for of in found.references), strict=True)]
    if len(found.references) == 1:
        references = columns[found.references[0]]
    return {
        "summaries": summaries if len(summaries) > 1 else next(iter(summaries.values())),
        "references": references or None,
        "articles": columns.get(found.article),
        "ids": columns.get(found.id),
        "sources": columns.get(found.source),
    }


def _texts_without_use(found: ColumnMap, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the columns of texts that nothing is taken from: a system may be among them."""
    used = {found.id, found.article, found.title, found.source, found.system, *found.references}
    used |= {*found.summaries.values()}
    return [
        name
        for name in (rows[0] if rows else ())
        if name not in used
        and plain_name(name) not in OTHER_TEXTS
        and any(isinstance(row[name], str) for row in rows)
    ]


def _names_of_table(values: Any) -> list[str]:
    """Return the names of a table's columns; none of what is no table."""
    names = getattr(values, "column_names", None) or getattr(values, "columns", None)
    return [] if names is None or isinstance(values, Mapping) else [*map(str, names)]


def _file_hint(value: str | bytes | Path) -> str:
    if isinstance(value, Path) or (isinstance(value, str) and _is_file(value)):
        return f"; a file is scored by evalharness.score_files([{str(value)!r}])"
    if isinstance(value, str):
        return "; one pair is scored by evalharness.rouge(summary, reference)"
    return ""


def _refuse_paths(summaries: Sequence[Any]) -> None:
    """Raise DataError where all summaries are names of files that are there."""
    if all(
        isinstance(each, Path) or (isinstance(each, str) and _is_file(each)) for each in summaries
    ):
        named = ", ".join(repr(str(path)) for path in summaries[:3])
        more = ", …" if len(summaries) > 3 else ""
        raise DataError(
            "summaries: these are names of files, not texts; "
            f"score what is in them with evalharness.score_files([{named}{more}])"
        )


def _is_file(text: str) -> bool:
    if not text.strip() or "\n" in text or len(text) > _LONGEST_PATH:
        return False
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _article(at: int, row: Mapping[str, Any]) -> Article:
    summary = _text(f"summaries[{at}]", row["summaries"])
    extra = {} if summary is None else {"summary": summary}
    article_id = row.get("ids", at)
    return Article(
        str(at if _is_missing(article_id) else article_id),
        _text(f"articles[{at}]", row.get("articles")) or "",
        _references(at, row.get("references")),
        _text(f"sources[{at}]", row.get("sources")) or "",
        extra,
    )


def _references(at: int, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or _is_missing(value):
        several = [value]
    elif isinstance(value, Iterable) and not isinstance(value, bytes | Mapping):
        several = [*value]
    else:
        several = [value]
    texts = (_text(f"references[{at}]", each) for each in several)
    return tuple(text for text in texts if text is not None and text.strip())


def _text(name: str, value: Any) -> str | None:
    """Return a text; None where there is none. Raises: DataError for what is neither."""
    if isinstance(value, str):
        return str(value)
    if _is_missing(value):
        return None
    raise DataError(f"{name}: {type(value).__name__}, not a text")


def _is_missing(value: Any) -> bool:
    """Tell whether a value stands for none: None, NaN, pandas' NA and NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)
