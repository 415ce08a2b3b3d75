"""Files as systems: which systems some files hold, and how their rows are joined.

A file is the summaries of one system, or of several: in a column each, or in rows that name their
system. What one file lacks, articles or references, is taken from another. Rows are joined on ids;
where files have none, or share none, on the articles' texts; lines of text by their number. What
cannot be joined is refused before anything is scored.
"""

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from evalharness.config.build import build_component
from evalharness.config.run_config import read_run_config
from evalharness.config.yaml import nearest
from evalharness.errors import ConfigError, DataError
from evalharness.files import STDIN, split_name
from evalharness.loaders.formats import matching_paths, without_gz
from evalharness.loaders.logs.files import UnknownDocument, open_log
from evalharness.loaders.logs.formats import FORMAT_NAMES, ROWS_FORMAT
from evalharness.loaders.logs.loader import Logs
from evalharness.loaders.outputs import (
    JoinKey,
    OutputFile,
    Outputs,
    article_digest,
    check_named_columns,
    system_name,
)
from evalharness.protocols import HUB, Url, is_url
from evalharness.records import digest
from evalharness.store.ledger import RunFolder, address_of
from evalharness.store.runs import Run

# A folder with more files than that holds no systems: a text file an article, perhaps.
MOST_FILES = 100


@dataclass(frozen=True)
class FileOptions:
    """What a user says of files of summaries.

    columns: `use=column` for what is not recognized. summaries: columns that are a system each.
    articles, references: files that hold these. join: what rows are joined on, `auto` by what they
    have. format: what the files are. systems: of those in the files, the ones to take; all if none.
    """

    columns: tuple[str, ...] = ()
    summaries: tuple[str, ...] = ()
    articles: str = ""
    references: tuple[str, ...] = ()
    join: Literal["auto", "id", "article", "line"] = "auto"
    format: str = "auto"
    systems: tuple[str, ...] = ()

    def column_options(self) -> dict[str, Any]:
        """Return the columns by use. Raises: ConfigError for what is no such pair."""
        known = ("id", "article", "summary", "reference", "system", "title", "source")
        found: dict[str, Any] = {}
        for pair in self.columns:
            use, equals, column = pair.partition("=")
            if not (equals and column and use.strip() in known):
                hint = nearest(use.strip(), known)
                raise ConfigError(f"--columns {pair}: should be USE=COLUMN{hint}")
            found.setdefault(use.strip(), []).append(column.strip())
        return {
            use: columns if use == "reference" and len(columns) > 1 else columns[-1]
            for use, columns in found.items()
        }


@dataclass(frozen=True)
class Source:
    """What one run reads: the `data` of its config, and what is said of it.

    labels: those that its run may have, the first one that is no other's. has_articles,
    has_references: whether it can be checked, and scored by metrics.
    """

    data: Mapping[str, Any]
    labels: tuple[str, ...]
    fields: str = ""
    has_articles: bool = True
    has_references: bool = True


def sources_of(
    arguments: Sequence[str],
    options: FileOptions,
    config: Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    results: Path = Path("results"),
    runs: Sequence[Run] = (),
) -> list[Source]:
    """Return what is to be scored of some files, `NAME=FILE`, folders of files, or stdin (`-`).

    config, overrides: what the runs have beside their data. runs: finished ones that the files are
    compared with: what the files lack is taken from the first.

    Raises: HarnessError for what cannot be read, is not recognized, or cannot be joined.
    """
    if options.format not in FORMAT_NAMES:
        raise ConfigError(f"--format {options.format}: known are {', '.join(FORMAT_NAMES)}")
    found: list[Source] = []
    files: list[_SystemFile] = []
    columns = options.column_options()
    named = list(_named_paths(arguments, results))
    _check_repeated(named)
    for name, path in named:
        if isinstance(path, Path) and _is_log(path, options.format):
            found += _sources_of_log(path, name, options.format, config, overrides)
            continue
        files.append(_open_system_file(name, path, columns, options, config, overrides))
    if files:
        found += _Join(files, options, runs).sources()
    return _sources_of_systems(found, options.systems)


def _is_log(path: Path, format_: str) -> bool:
    if format_ == ROWS_FORMAT or not path.is_file():
        return False
    try:
        return open_log(path, format_) is not None
    except UnknownDocument:
        if format_ == "auto":
            return False
        raise


# From arguments to files.


def _named_paths(arguments: Sequence[str], results: Path) -> Iterator[tuple[str, Url | Path]]:
    """Yield the files of arguments, each with the name that a user gave it, or none."""
    for argument in arguments:
        name, path = split_name(argument)
        if path == STDIN:
            yield name or "stdin", _file_of_stdin(results)
        elif is_url(path):
            yield name, Url(path)
        elif Path(path).is_dir():
            for file in _files_of_folder(Path(path)):
                yield (f"{name}-{file.stem}" if name else ""), file
        else:
            matched = _matching_paths(path)
            for file in matched:
                yield (name if len(matched) == 1 else ""), file


def _check_repeated(named: Sequence[tuple[str, Url | Path]]) -> None:
    """Raise DataError for a file that is given twice, and would count as two systems."""
    seen: set[tuple[str, Url | Path]] = set()
    for name, path in named:
        system = name, path if isinstance(path, Url) else path.resolve()
        if system in seen:
            raise DataError(
                f"{path}: given twice; give it once, or under two names to compare it with itself: "
                f"A={path} B={path}"
            )
        seen.add(system)


def _matching_paths(path: str) -> Sequence[Path]:
    try:
        return matching_paths(Path(path))
    except DataError as error:
        raise DataError(f"{error}{_hub_hint(path)}") from None


def _hub_hint(path: str) -> str:
    """Return how a data set of the hub is named, where a path looks like the name of one."""
    from evalharness.loaders.hub import PRESETS

    is_name = re.fullmatch(r"[\w-]+/[\w.-]+", path) and not Path(path).parent.is_dir()
    is_name = is_name or path in PRESETS
    return f"; a data set of the hub is named {HUB}{path}" if is_name else ""


def _files_of_folder(folder: Path) -> list[Path]:
    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    if not files:
        raise DataError(f"{folder}: neither a run nor files of summaries")
    if len(files) > MOST_FILES:
        raise DataError(
            f"{folder}: {len(files)} files, and each would be a system; name them: {folder}/*.jsonl"
        )
    return files


def _file_of_stdin(results: Path) -> Url | Path:
    """Return a file with what stdin holds, by its content, so that it can be read again."""
    content = sys.stdin.buffer.read()
    if not content.strip():
        raise DataError("stdin: is empty; pipe summaries into it, or name files")
    path = results / "inputs" / f"stdin-{hashlib.sha256(content).hexdigest()[:12]}"
    folder = RunFolder(path.parent)
    if not path.exists():
        folder.writing(path.name).write_bytes(content)
        folder.publish(path.name)
    address = address_of(path)
    return Url(address) if is_url(address) else path


def _sources_of_log(
    path: Path, name: str, format_: str, config: Mapping[str, Any], overrides: Sequence[str]
) -> Iterator[Source]:
    data = {"name": "logs", "path": str(path), "format": format_}
    logs = _build_loader({**config, "data": data}, overrides)
    if not isinstance(logs, Logs):
        raise ConfigError("--set data.name: the loader of a log is `logs`; or give --format rows")
    fields = "\n".join(mapped.describe() for mapped in logs.open_logs())
    systems = logs.systems() or [path.stem]
    for system in systems:
        called = name if name and len(systems) == 1 else f"{name}-{system}" if name else system
        labels = (called, *labels_of(path, f"{called}-{path.stem}"))
        yield Source({**data, "system": system}, labels, fields)
        fields = ""  # once for a file


def _build_loader(config: Mapping[str, Any], overrides: Sequence[str]) -> Any:
    """Return the loader as the run will have it, with what the overrides make of its options."""
    of_data = [each for each in overrides if re.match(r"\s*data\s*[.=]", each)]
    run_config = read_run_config(config, of_data, called="score")
    return build_component("loaders", ("data",), run_config.data, run_config.document)


def _sources_of_systems(sources: list[Source], systems: Sequence[str]) -> list[Source]:
    """Return the sources with the systems that were asked for, and those that have none."""
    known = list(dict.fromkeys(str(s.data["system"]) for s in sources if "system" in s.data))
    known += [s.labels[0] for s in sources if "system" not in s.data]
    for system in systems:
        if system not in known:
            raise DataError(f"no summaries of {system!r}{nearest(system, known)}")
    return [s for s in sources if not systems or s.data.get("system", s.labels[0]) in systems]


def labels_of(path: Url | Path, name: str) -> tuple[str, ...]:
    """Return labels for a file's run: its name, then with one more folder each, then a digest.

    >>> labels_of(Path("/v1/beam/out.jsonl"), "out")
    ('out', 'beam-out', 'v1-beam-out', '3f16c69c-out')
    """
    labels = [name]
    if isinstance(path, Url):
        return (name, f"{digest(str(path))[:8]}-{name}")
    for folder in path.absolute().parents:
        labels += [f"{folder.name}-{labels[-1]}"] if folder.name else []
    return (*labels, f"{digest(str(path.absolute()))[:8]}-{name}")


# What is in a file.


@dataclass(frozen=True)
class _SystemFile:
    """A file of summaries: its systems, each with its name and the options that take it.

    is_named: whether the user named it.
    """

    file: OutputFile
    name: str
    is_named: bool
    systems: Mapping[str, Mapping[str, Any]]
    data: Mapping[str, Any]
    rows: "_Keys" = field(compare=False)

    @property
    def is_long(self) -> bool:
        return any("system" in options for options in self.systems.values())

    @property
    def where(self) -> str:
        return str(self.file.data.path)


@dataclass(frozen=True)
class _Keys:
    """What a file's rows can be joined on.

    articles: by id, what names the text of the article and the references. texts: what names the
    texts; order: what names all of them, row by row. systems: those that wrote the summaries, as
    rows say.
    """

    articles: Mapping[str, tuple[str, str]]
    texts: frozenset[str]
    systems: tuple[str, ...]
    n: int
    order: str

    @classmethod
    def of(cls, file: OutputFile) -> "_Keys":
        """Read a whole file."""
        articles: dict[str, tuple[str, str]] = {}
        texts: set[str] = set()
        systems: dict[str, None] = {}
        n, order = 0, hashlib.sha256()
        for _, fields in file.rows(None):
            n += 1
            if isinstance(fields, str):
                continue
            text = fields.get(file.map.article) if file.map.article else None
            mark = article_digest(text) if isinstance(text, str) else ""
            texts |= {mark} if mark else set()
            order.update(mark.encode())
            if file.map.id:
                references = repr([fields.get(name) for name in file.map.references])
                articles.setdefault(
                    str(fields.get(file.map.id)), (mark, article_digest(references))
                )
            if file.map.system and (name := system_name(fields.get(file.map.system))):
                systems[name] = None
        return cls(articles, frozenset(texts), tuple(systems), n, order.hexdigest())


def _check_suffix(path: Path) -> None:
    """Raise DataError for a file that another command reads."""
    suffix = path.suffix.lower()
    if suffix in (".yaml", ".yml"):
        raise DataError(
            f"{path}: a config, not summaries; `evalharness run {path}` computes its runs"
        )
    if suffix in (".html", ".htm"):
        raise DataError(
            f"{path}: a page, not rows of summaries; `evalharness check {path}` reads a saved page"
        )


def _open_system_file(
    name: str,
    path: Url | Path,
    columns: Mapping[str, Any],
    options: FileOptions,
    config: Mapping[str, Any],
    overrides: Sequence[str],
) -> _SystemFile:
    data: dict[str, Any] = {"name": "outputs", "path": str(path)}
    data |= {"columns": dict(columns)} if columns else {}
    loader = _build_loader({**config, "data": data}, overrides)
    if not isinstance(loader, Outputs):
        raise ConfigError("--set data.name: the loader of files of summaries is `outputs`")
    is_named = options.format != "auto" or loader.format != "auto"
    if isinstance(path, Path) and not is_named:
        _check_suffix(path)
    file = OutputFile.open(path, loader.columns, "system", loader.format, options.summaries)
    file.column_of_summaries()
    keys = _Keys.of(file)
    is_hub = isinstance(path, Url) and path.is_hub
    stem = name or (path.name if is_hub else without_gz(Path(path.name)).name.partition(".")[0])
    systems: dict[str, dict[str, Any]] = {}
    wide = {system: column for system, column in file.map.summaries.items() if system}
    for system, column in wide.items():
        called = f"{name}-{system}" if name else system
        systems[called] = {"columns": {**columns, "summary": column}}
    if not wide and (len(keys.systems) > 1 or (options.systems and keys.systems)):
        for system in keys.systems:
            systems[f"{name}-{system}" if name else system] = {"system": system}
    return _SystemFile(file, stem, bool(name), systems or {stem: {}}, data, keys)


# How files are joined.


class _Join:
    """Decides for some files what their rows are joined on, and what is taken from which."""

    def __init__(
        self, files: Sequence[_SystemFile], options: FileOptions, runs: Sequence[Run]
    ) -> None:
        self.files, self.options = files, options
        self.articles = self._other(options.articles, "articles") if options.articles else None
        self.references = [self._other(path, "references") for path in options.references]
        self.of_run: OutputFile | None = None
        if runs and self.articles is None:
            self.of_run = self._other(str(runs[0].articles_file), "articles")
        self.several = len(files) > 1 or files[0].is_long or bool(runs)
        for file in (self.articles, *self.references):
            if file is not None:
                self._check_role(file)

    def _other(self, path: str, role: Literal["articles", "references"]) -> OutputFile:
        where = Url(path) if is_url(path) else Path(path)
        if isinstance(where, Path) and not where.exists():
            raise DataError(f"--{role} {path}: no such file{_hub_hint(path)}")
        return OutputFile.open(where, replace(self.files[0].file.columns, summary=None), role)

    def _check_role(self, file: OutputFile) -> None:
        use = "article" if file.role == "articles" else "reference"
        if not (file.map.article if use == "article" else file.map.references):
            raise DataError(f"{file.data.path}: {file.missing(use)}")

    def sources(self) -> list[Source]:
        """Return a source for each system.

        Raises: DataError for what cannot be joined, and for a named column that no file has.
        """
        others = [file for file in (self.articles, self.of_run, *self.references) if file]
        own = [file.file for file in self.files]
        check_named_columns([*own, *others], own[0].columns)
        beside = self._file_beside()
        join = self._join_of_articles(beside)
        found = [source for file in self.files for source in self._sources(file, join, beside)]
        said = "\n".join(file.describe() for file in others)
        if said:
            found[0] = replace(found[0], fields=f"{found[0].fields}\n{said}")
        return found

    def _sources(
        self, file: _SystemFile, join: JoinKey, beside: _SystemFile | None
    ) -> Iterator[Source]:
        data = {**file.data, **self._joined_data(file, join, beside)}
        said = file.file.describe()
        references = bool(
            file.file.map.references
            or self.references
            or any(other and other.map.references for other in (self.articles, self.of_run))
            or ("beside" in data and beside and beside.file.map.references)
        )
        articles = bool(file.file.map.article or self.articles or self.of_run or "beside" in data)
        path = file.file.data.path
        for name, options in file.systems.items():
            is_own = len(file.systems) == 1 and not options
            labels = (
                (name,)
                if file.is_named and is_own
                else labels_of(path, name)
                if is_own
                else (name, *labels_of(path, f"{name}-{file.name}"))
            )
            whole = self._without_columns_of_others({**data, **options}, file, beside)
            yield Source(whole, labels, said, articles, references)
            said = ""

    def _without_columns_of_others(
        self, data: Mapping[str, Any], file: _SystemFile, beside: _SystemFile | None
    ) -> Mapping[str, Any]:
        """Return what a run reads, without the named columns that only other runs' files have."""
        if "columns" not in data:
            return data
        files = [file.file, *self.references]
        files += [each for each in (self.articles, self.of_run) if each and "articles" in data]
        files += [beside.file] if beside and "beside" in data else []
        columns: dict[str, Any] = {}
        for use, named in data["columns"].items():
            names = [named] if isinstance(named, str) else named
            names = [name for name in names if any(each.has_column(name) for each in files)]
            if names or file.file.has_lines:
                columns[use] = named if isinstance(named, str) else names
        return {**data, "columns": columns}

    def _joined_data(
        self, file: _SystemFile, join: JoinKey, beside: _SystemFile | None
    ) -> dict[str, Any]:
        """Return the options for where articles and references are, and how they are joined."""
        data: dict[str, Any] = {}
        if self.references:
            paths = [str(each.data.path) for each in self.references]
            data["references"] = paths if len(paths) > 1 else paths[0]
        base = self.articles or (self.of_run if self._needs(file) else None)
        if base is not None:
            data["articles"] = str(base.data.path)
            data["join"] = self._join_with(file, base)
        elif not file.file.map.article and beside is not None:
            data |= {"beside": beside.where, "join": self._join_with(file, beside.file)}
        else:
            data["join"] = self._line_or(join, file)
            if beside is not None and beside is not file and self._is_unlike(file, beside):
                data["beside"] = beside.where
        if data["join"] == "id":
            del data["join"]
        return data

    def _needs(self, file: _SystemFile) -> bool:
        """Tell whether a file lacks what the run beside it has: articles, references or ids."""
        map_ = file.file.map
        return not (map_.article and map_.references and map_.id)

    def _line_or(self, join: JoinKey, file: _SystemFile) -> JoinKey:
        is_text = file.file.has_lines or any(r.has_lines for r in self.references)
        return "line" if is_text and not file.file.map.article and not file.file.map.id else join

    def _join_with(self, file: _SystemFile, base: OutputFile) -> JoinKey:
        """Return what a file is joined with another on. Raises: DataError if there is nothing."""
        if self.options.join != "auto":
            return self.options.join
        own = file.file
        keys = _Keys.of(base)
        shared = file.rows.articles.keys() & keys.articles.keys()
        if shared:
            return "id"
        if own.map.article and base.map.article and file.rows.texts & keys.texts:
            return "article"
        if own.has_lines or base.has_lines:
            return "line"
        raise DataError(self._why_not(file, base, keys))

    def _why_not(self, file: _SystemFile, base: OutputFile, keys: _Keys) -> str:
        name, other = file.where, base.data.path
        same = file.rows.articles.keys() & keys.articles.keys()
        if same and file.file.map.id and base.map.id:
            example = next(key for key in file.rows.articles if key in same)
            return (
                f"{name} and {other} are of other articles: the id {example!r} has another article "
                f"in the second ({len(same)} such ids); take files of the same articles"
            )
        if file.file.map.id and base.map.id:
            ours, theirs = next(iter(file.rows.articles), "–"), next(iter(keys.articles), "–")
            return (
                f"{name} and {other} are of other articles: they share no id "
                f"({ours!r} and the like in the first, {theirs!r} in the second), and no text; "
                "write the ids alike, or say that the rows are in the same order (--join-on line)"
            )
        if file.file.map.article and base.map.article:
            return f"{name} and {other} are of other articles: they share no text, and have no ids"
        return (
            f"{name} cannot be joined with {other}: they have no ids in common and no texts of "
            "articles in both; name the ids (--columns id=COLUMN), or say that the rows are in "
            "the same order (--join-on line)"
        )

    # Files that have articles of their own.

    def _file_beside(self) -> _SystemFile | None:
        """Return the file that others take from what they lack: of references, else of articles."""
        whole = [file for file in self.files if file.file.map.article]
        with_references = [file for file in whole if file.file.map.references]
        first = [*with_references, *whole]
        return first[0] if first and self.articles is None else None

    def _is_unlike(self, file: _SystemFile, beside: _SystemFile) -> bool:
        """Tell whether a file lacks references that another has, or says another thing of an id."""
        if beside.file.map.references and not file.file.map.references and not self.references:
            return True
        theirs = beside.rows.articles
        return any(theirs.get(key, held) != held for key, held in file.rows.articles.items())

    def _join_of_articles(self, beside: _SystemFile | None) -> JoinKey:
        """Return what files with articles of their own are joined on, one for all.

        Raises: DataError where they are of other articles.
        """
        if self.options.join != "auto":
            return self.options.join
        if not self.several or self.articles is not None:
            return "id"
        whole = [file for file in self.files if file.file.map.article]
        if beside is None or (self.of_run and not whole):
            return self._join_without_articles()
        if all(self._shares_ids(file, beside) for file in whole):
            return "id"
        for file in whole:
            if not file.rows.texts & beside.rows.texts:
                raise DataError(self._why_not(beside, file.file, file.rows))
        repeated = any(len(file.rows.texts) < file.rows.n for file in whole)
        alike = {(file.rows.order, bool(file.file.map.id)) for file in self.files}
        return "line" if repeated and alike == {(beside.rows.order, False)} else "article"

    def _shares_ids(self, file: _SystemFile, beside: _SystemFile) -> bool:
        """Tell whether files share ids that mean the same article, one at least."""
        theirs = beside.rows.articles
        return any(theirs.get(key, ("",))[0] == held[0] for key, held in file.rows.articles.items())

    def _join_without_articles(self) -> JoinKey:
        """Return what files are joined on that have no articles anywhere."""
        first = self.files[0]
        if all(file.file.map.id for file in self.files):
            for file in self.files[1:]:
                if not first.rows.articles.keys() & file.rows.articles.keys():
                    raise DataError(self._why_not(first, file.file, file.rows))
            return "id"
        if all(file.file.has_lines for file in self.files):
            counts = {file.rows.n for file in self.files}
            if len(counts) > 1:
                told = ", ".join(f"{file.file.data.name} {file.rows.n}" for file in self.files)
                raise DataError(f"the files have not as many lines each: {told}")
            return "line"
        unlike = next(file for file in self.files if not file.file.map.id)
        others = [file for file in self.files if file is not unlike]
        if not others:
            raise DataError(
                f"{unlike.where} has neither ids nor articles, by which its rows are joined with "
                "those of the run; name the column (--columns id=COLUMN or article=COLUMN), or say "
                "that the rows are in the same order (--join-on line)"
            )
        raise DataError(self._why_not(unlike, others[0].file, others[0].rows))
