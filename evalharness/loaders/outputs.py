"""The summaries of one system, with articles and references from its own file or from others."""

import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from evalharness.config.yaml import nearest
from evalharness.errors import DataError
from evalharness.loaders import rows
from evalharness.loaders.columns import (
    ROWS_LOOKED_AT,
    ColumnMap,
    FileRole,
    column_of_place,
    columns_of_row,
    nearest_column,
    recognize_columns,
)
from evalharness.loaders.files import DataFile, open_outputs
from evalharness.loaders.formats import HOW_TO_SAVE_AS_UTF_8, LINE, NOT_UTF_8, paths
from evalharness.protocols import DataSource, Url
from evalharness.records import Article, Rejected

JoinKey = Literal["id", "article", "line"]
OutputFormat = Literal["auto", "jsonl", "json", "csv", "parquet", "text"]
# Where the key of a row is put beside its columns; no column is called that.
_KEY = "\0key"


@dataclass(frozen=True)
class Outputs:
    """Summaries of one system, from its own file; articles and references there or in other files.

    Take `model: given` to score them. Columns are recognized by their names, else by their texts,
    where `columns` does not name them. What a row of the file has no article for is listed, and an
    article without a row counts as not summarized. Summaries are held in memory, articles are not.
    In place of a file `hub:NAME`, `hub:NAME:CONFIG:SPLIT`, `hub:NAME@TAG` is a data set of the hub.

    path: the system's file: JSON Lines, JSON, CSV, TSV, Parquet, or text, a line a summary.
    format: `auto` goes by the ending and by how the file begins.
    system: take the rows that this system wrote, where the file has those of several.
    articles: a file of articles, with references or without.
    references: a file of references, or several.
    beside: another system's file: of articles and references that this one lacks; a row that has
        another article or other references there, by its id, is listed.
    join: what rows of several files are joined on: their `id`, the text of the `article`, or the
        `line`, the first with the first. By `article`, ids are made of the text.
    columns: which column holds what, where it is not recognized; in whichever file has it.
    bad_rows: `list` counts and lists rows that cannot be used, `fail` ends the run at the first.
    """

    version: ClassVar[int] = 1

    path: DataSource
    format: OutputFormat = "auto"
    system: str | None = None
    articles: DataSource | None = None
    references: DataSource | tuple[DataSource, ...] = ()
    beside: DataSource | None = None
    join: JoinKey = "id"
    columns: rows.ColumnOptions = rows.USUAL_COLUMNS
    bad_rows: rows.BadRows = "list"

    def load(self) -> Iterator[Article | Rejected]:
        """Yield every row of the system's file, and every article that it has no row for.

        Raises: DataError for a file that is missing, damaged or empty, has no column of summaries,
            or has no lines to join; for a column that is named and in none of the files.
        """
        own = self.own_file
        own.column_of_summaries()
        if self.columns.by_use():
            check_named_columns(self.files(), self.columns)
        source = self._file_of_articles()
        references = self._known_references(source or own)
        if source is None:
            return self._alone(own, references)
        return self._joined(own, source, references)

    def identity(self) -> Mapping[str, str]:
        """Return which columns of the files are read for what, and of the hub which commits."""
        files = self.files()
        urls = [file.data.path for file in files if isinstance(file.data.path, Url)]
        revisions = {f"revision of {url}": _revision_of(url) for url in urls if url.is_hub}
        return {"fields": "\n".join(file.describe() for file in files), **revisions}

    def files(self) -> "list[OutputFile]":
        """Return the files, the system's own first."""
        others = [self._other(self.articles, "articles"), *self._reference_files]
        others.append(self._other(self.beside, "system"))
        return [self.own_file, *(file for file in others if file is not None)]

    @cached_property
    def own_file(self) -> "OutputFile":
        """The system's file."""
        return OutputFile.open(self.path, self.columns, "system", self.format)

    @cached_property
    def _reference_files(self) -> "list[OutputFile]":
        columns = replace(self.columns, summary=None)
        return [OutputFile.open(path, columns, "references") for path in paths(self.references)]

    def _other(self, path: Url | Path | None, role: FileRole) -> "OutputFile | None":
        if path is None:
            return None
        columns = replace(self.columns, summary=None) if role != "system" else self.columns
        return OutputFile.open(path, columns, role)

    @cached_property
    def _articles_elsewhere(self) -> bool:
        """Whether the articles are in another file than the summaries."""
        return self.articles is not None or (
            self.beside is not None and not self.own_file.map.article
        )

    def _file_of_articles(self) -> "OutputFile | None":
        """Return the file that the articles are in, if that is another than the system's own."""
        if not self._articles_elsewhere:
            return None
        if self.articles is not None:
            return self._other(self.articles, "articles")
        return self._other(self.beside, "system")

    # What is taken from the other files, by key.

    def _known_references(self, source: "OutputFile") -> dict[str, tuple[str, ...]]:
        """Return the references that stand in files of their own, by key or by line.

        source: where the articles are, whose rows the lines of a text go with.
        """
        known: dict[str, tuple[str, ...]] = {}
        for file in self._reference_files:
            count = 0
            for keys, row in self._keyed(file, "fail"):
                count += 1
                key = keys.by_line if file.has_lines or self.join == "line" else keys.key
                if isinstance(row, Article):
                    known[key] = (*known.get(key, ()), *row.references)
            if file.has_lines or self.join == "line":
                system = self.system if source is self.own_file else None
                _check_lines(source, sum(1 for _ in source.rows(system)), file, count)
        return known

    def _beside(self) -> dict[str, tuple[str, tuple[str, ...], str]]:
        """Return digests of articles, and references, of the file beside, and where they stand."""
        file = self._other(self.beside, "system")
        known: dict[str, tuple[str, tuple[str, ...], str]] = {}
        if file is None or not self.own_file.map.article:
            return known
        for keys, row in self._keyed(file, "list"):
            if isinstance(row, Article):
                known.setdefault(
                    keys.key, (article_digest(row.text), row.references, file.data.name)
                )
        return known

    # Rows with their keys.

    def _keyed(
        self, file: "OutputFile", bad_rows: rows.BadRows
    ) -> "Iterator[tuple[_KeyedRows, Article | Rejected]]":
        """Yield the rows of a file as articles, each with what has its key."""
        is_own = file is self.own_file
        reader = _KeyedRows(
            file,
            self.join,
            self.system if is_own else None,
            names_articles=file.role != "references" and not (is_own and self._articles_elsewhere),
            ids_of_text=self.join == "article" and not self._articles_elsewhere,
            once=bool(file.map.system) and not is_own,
        )
        judge = rows.RowJudge(reader.reading(), bad_rows)
        for row in judge.read(reader, file.data.place, file.data.stem):
            yield reader, reader.without_made_ids(row)

    def _alone(
        self, own: "OutputFile", references: Mapping[str, tuple[str, ...]]
    ) -> Iterator[Article | Rejected]:
        beside = self._beside()
        empty = True
        for keys, row in self._keyed(own, self.bad_rows):
            empty = False
            if isinstance(row, Rejected):
                yield row
                continue
            held = beside.get(keys.key)
            if held and (what := _unlike(row, *held[:2])):
                yield self._reject(row.extra[_WHERE], f"the id {row.id!r} has {what} in {held[2]}")
                continue
            found = row.references or (held[1] if held else ())
            found = keys.look_up(references) or found
            extra = {k: v for k, v in row.extra.items() if k != _WHERE}
            yield replace(row, references=found, extra=extra)
        if empty:
            raise DataError(f"{own.data.path}: the file has no rows")

    def _reject(self, where: str, reason: str) -> Rejected:
        if self.bad_rows == "fail":
            raise DataError(f"{where}: {reason}")
        return Rejected(where, reason)

    def _joined(
        self, own: "OutputFile", source: "OutputFile", references: Mapping[str, tuple[str, ...]]
    ) -> Iterator[Article | Rejected]:
        written: dict[str, Article] = {}
        listed: list[Rejected] = []
        for keys, row in self._keyed(own, self.bad_rows):
            if isinstance(row, Rejected):
                listed.append(row)
            else:
                written[keys.key] = row
        if self.join == "line":
            n = sum(1 for _ in source.rows(None))
            _check_lines(own, len(written) + len(listed), source, n)
        return self._with_articles(own, source, references, written, listed)

    def _with_articles(
        self,
        own: "OutputFile",
        source: "OutputFile",
        references: Mapping[str, tuple[str, ...]],
        written: dict[str, Article],
        listed: Sequence[Rejected],
    ) -> Iterator[Article | Rejected]:
        """Yield the articles in their order with what was written of each; then what is left."""
        for keys, row in self._keyed(source, self.bad_rows):
            if isinstance(row, Rejected):
                yield row
                continue
            extra = {k: v for k, v in row.extra.items() if k not in _OF_SYSTEMS}
            theirs = written.pop(keys.key, None)
            if theirs is None:
                extra["no_summary"] = f"{own.data.name} has no row for it"
            else:
                extra |= {k: v for k, v in theirs.extra.items() if k != _WHERE}
            held = keys.look_up(references) or row.references
            held = held or (theirs.references if theirs else ())
            yield replace(row, references=held, extra=extra)
        for key, row in written.items():
            what = {"id": f"id {key!r}", "line": f"line {key}"}.get(self.join, "such text")
            yield self._reject(
                row.extra[_WHERE], f"no article with the {what} in {source.data.name}"
            )
        yield from listed


def _revision_of(url: Url) -> str:
    """Return which commit of a data set is read; of a folder, a hash of its files."""
    from evalharness.loaders.hub import hub_of

    identity = hub_of(url).identity()
    return identity.get("revision") or identity["files"]


# Kept with a row until it is known to be an article: where it stands.
_WHERE = "\0where"
# An id that nobody gave, in what is said of a row.
_ID_OF_TEXT = re.compile(r"the id 'text-[0-9a-f]{12}'")
_OF_SYSTEMS = (_WHERE, "summary", "system", "no_summary")


def _unlike(row: Article, digest: str, references: tuple[str, ...]) -> str:
    """Return what of a row is another in the file beside it; nothing where all is the same."""
    if digest != article_digest(row.text):
        return "another article"
    both = row.references and references
    return "other references" if both and row.references != references else ""


def _check_lines(own: "OutputFile", n: int, other: "OutputFile", of_other: int) -> None:
    """Raise DataError where two files that are joined by line have not as many."""
    if n != of_other:
        raise DataError(
            f"{own.data.name} has {n} lines or rows and {other.data.name} has {of_other}, so the "
            "first cannot go with the first; a summary with a line end of its own takes two lines: "
            "write it as JSON Lines, with ids"
        )


def article_digest(text: str) -> str:
    """Return what names an article's text, whatever its blanks and line ends are."""
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class OutputFile:
    """A file that is open, and what its columns hold."""

    data: DataFile
    role: FileRole
    map: ColumnMap
    columns: rows.ColumnOptions
    first: tuple[rows.Row, ...]

    @classmethod
    def open(
        cls,
        path: Url | Path,
        columns: rows.ColumnOptions,
        role: FileRole,
        format_: OutputFormat = "auto",
        summaries: Sequence[str] = (),
    ) -> "OutputFile":
        """Open a file and look at its first rows. Raises: DataError."""
        data = open_outputs(path, format_)
        raws = itertools.islice(data.rows(rows.ALL_COLUMNS), ROWS_LOOKED_AT)
        looked_at = list(raws)
        first = tuple(flat(fields) for _, fields in looked_at if isinstance(fields, Mapping))
        if looked_at and not first:
            number, why = looked_at[0]
            is_other = NOT_UTF_8 in str(why)
            cure = f"; save the file as UTF-8 ({HOW_TO_SAVE_AS_UTF_8})" if is_other else ""
            raise DataError(f"{path}: no row can be read; {data.place}{number}: {why}{cure}")
        first = (*first, *_rows_with(columns, first, data))
        if first and all(set(row) == {LINE} for row in first):
            return cls(data, role, _map_of_lines(role), columns, first)
        try:
            found = recognize_columns(first, columns, summaries, role)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        return cls(data, role, found, columns, first)

    @property
    def has_lines(self) -> bool:
        """Whether its rows are texts without any column."""
        return bool(self.first) and set(self.first[0]) == {LINE}

    def describe(self) -> str:
        """Return in a line what is read from which column."""
        said = f"{self.role.removesuffix('s')} ← each line" if self.has_lines else ""
        said = said.replace("system", "summary")
        return f"{self.data.name}: {said or self.map.describe()}"

    @property
    def names(self) -> list[str]:
        """The columns that rows have, some perhaps only a few of them."""
        return list(dict.fromkeys(str(name) for row in self.first for name in row))

    def has_column(self, name: str) -> bool:
        """Tell whether a row has a column, or a list of which it is a place."""
        return name in self.names or bool(column_of_place(name, self.names))

    def column_of_summaries(self) -> None:
        """Raise DataError where no column holds summaries, or not the one that a user named."""
        told = None if self.has_lines else self.columns.summary
        if not self.map.summaries or (told and not self.has_column(told)):
            raise DataError(f"{self.data.path}: {self.missing('summary')}")

    def missing(self, use: str, told: str = "") -> str:
        """Return what to say of a use that no column was recognized for.

        told: the column that is named for it and not there. Default what the options name.
        """
        told = told or next((name for each, name in self.columns.by_use() if each == use), "")
        names = [str(name) for row in self.first[:1] for name in row]
        if told:
            return f"no column {told!r}; {columns_of_row(self.first)}{nearest(told, names)}"
        wide = ", or --summaries A,B: a column for each system" if use == "summary" else ""
        return (
            f"no column is known to hold the {use}; {columns_of_row(self.first)}"
            f"{nearest_column(use, names) or ';'} name it: --columns {use}=COLUMN{wide}"
        )

    def rows(self, system: str | None) -> Iterator[rows.Raw]:
        """Yield the rows, where a system is named those that it wrote, and those of nobody."""
        for number, fields in self.data.rows(rows.ALL_COLUMNS):
            if isinstance(fields, str):
                yield number, fields
                continue
            fields = flat(fields)
            if system is None:
                yield number, fields
                continue
            name = system_name(fields.get(self.map.system))
            if name == system:
                yield number, fields
            elif not name:
                yield number, f"no system in {self.map.system!r}, which says what wrote the summary"


def check_named_columns(files: Sequence[OutputFile], columns: rows.ColumnOptions) -> None:
    """Raise DataError for a column that a user named and none of some files has.

    Without that, what the column should hold would be missing, and the right one be taken for the
    summaries of a system.
    """
    files = [file for file in files if not file.has_lines]
    for use, name in columns.by_use() if files else ():
        if any(file.has_column(name) for file in files):
            continue
        if len(files) == 1:
            raise DataError(f"{files[0].data.path}: {files[0].missing(use, name)}")
        known = list(dict.fromkeys(each for file in files for each in file.names))
        where = ", ".join(dict.fromkeys(str(file.data.path) for file in files))
        raise DataError(f"{where}: none has a column {name!r}{nearest(name, known)}")


def _rows_with(
    columns: rows.ColumnOptions, first: Sequence[rows.Row], data: DataFile
) -> Iterator[rows.Row]:
    """Yield the first row of each named column that the rows looked at lack: it may be a rare one.

    All rows are read only for a column that no row has.
    """
    lacking = {name for _, name in columns.by_use()} - {str(name) for row in first for name in row}
    if not lacking or len(first) < ROWS_LOOKED_AT:
        return
    for _, fields in itertools.islice(data.rows(rows.ALL_COLUMNS), ROWS_LOOKED_AT, None):
        if isinstance(fields, Mapping) and lacking & (row := flat(fields)).keys():
            lacking -= row.keys()
            yield row
        if not lacking:
            return


def flat(fields: rows.Row) -> rows.Row:
    """Return a row without rows in it: what stands in one is a column of the row, `output.text`.

    >>> flat({"id": 1, "output": {"text": "It rained.", "tokens": 4}})
    {'id': 1, 'output.text': 'It rained.', 'output.tokens': 4}
    """
    if not any(isinstance(value, Mapping) and value for value in fields.values()):
        return fields
    row: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping) and value:
            row |= {f"{name}.{inner}": held for inner, held in flat(value).items()}
        else:
            row[name] = value
    return row


def system_name(value: object) -> str:
    """Return the name of a system as a row has it; empty for none."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _map_of_lines(role: FileRole) -> ColumnMap:
    if role == "articles":
        return ColumnMap(article=LINE)
    return (
        ColumnMap(references=(LINE,)) if role == "references" else ColumnMap(summaries={"": LINE})
    )


class _KeyedRows:
    """Rows of a file, one after the other, with the key of the last that was taken.

    names_articles: whether the articles have their ids from this file. ids_of_text: whether ids are
    made of the articles' texts, as several files have no others in common. once: whether an article
    that comes again, as one of another system, is passed over.
    """

    def __init__(
        self,
        file: OutputFile,
        join: JoinKey,
        system: str | None,
        *,
        names_articles: bool,
        ids_of_text: bool,
        once: bool,
    ) -> None:
        self.file, self.join, self.system, self.once = file, join, system, once
        self.names_articles, self.ids_of_text = names_articles, ids_of_text
        self.key, self.line = "", 0

    @property
    def by_line(self) -> str:
        """The key of what stands in the same line of a file of lines."""
        return f"\0{self.line}"

    def look_up(self, known: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
        """Return what is known for the row that was taken last: by its key, or by its line."""
        return known.get(self.key) or known.get(self.by_line) or ()

    def reading(self) -> rows.RowReader:
        """Return how the rows become articles."""
        map_, columns = self.file.map, self.file.columns
        names = {
            "id": self._id_column(),
            "article": map_.article,
            "summary": columns.summary or next(iter(map_.summaries.values()), ""),
            "title": map_.title,
            "source": map_.source,
            "system": map_.system,
        }
        listed: dict[str, tuple[str, ...]] = {u: (n,) if n else () for u, n in names.items()}
        listed["reference"] = map_.references
        extra = (*columns.extra, _WHERE)
        return rows.RowReader(listed, frozenset(), extra, needs_article=bool(map_.article))

    def without_made_ids(self, row: Article | Rejected) -> Article | Rejected:
        """Return a row; where it is left out for an id that nobody gave, for its article."""
        if isinstance(row, Article) or not self.ids_of_text:
            return row
        return replace(row, reason=_ID_OF_TEXT.sub("the article", row.reason))

    def _id_column(self) -> str:
        """Return the column that ids are from; none where file and row name an article."""
        if self.ids_of_text or (self.join != "id" and not self.names_articles):
            return _KEY
        if self.join == "line" and not self.file.map.id:
            return _KEY
        return self.file.map.id or (_KEY if self.file.has_lines else "")

    def __iter__(self) -> Iterator[rows.Raw]:
        met: dict[str, str] = {}
        place = self.file.data.place
        for n, (number, fields) in enumerate(self.file.rows(self.system), 1):
            self.key, self.line = f"{n}", n
            if isinstance(fields, str):
                yield number, fields
                continue
            text = fields.get(self.file.map.article) if self.file.map.article else None
            mark = article_digest(text) if isinstance(text, str) else ""
            if self.join == "article":
                self.key = f"text-{mark[:12]}" if mark else f"{self.file.data.stem}-{number}"
            elif self.join == "id" and not self.file.has_lines:
                held = fields.get(self.file.map.id)
                self.key = str(held) if self.file.map.id else f"{self.file.data.stem}-{number}"
            if self.once and self.key in met and met[self.key] == mark:
                continue
            met[self.key] = mark if self.once else ""
            yield number, self._with_places(fields) | {_WHERE: f"{place}{number}", _KEY: self.key}

    def _with_places(self, fields: rows.Row) -> dict[str, Any]:
        """Return a row, with the texts of a list each in a column of its own, `column.0`."""
        row = dict(fields)
        for name in self.file.map.summaries.values():
            column, _, place = name.rpartition(".")
            held = fields.get(column)
            if isinstance(held, list | tuple) and place.isdecimal() and int(place) < len(held):
                row[name] = held[int(place)]
        return row
