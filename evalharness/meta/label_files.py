"""Files of human labels, ours or of a known data set, made into the rows of `meta.labels`.

Every row of a file is used, or comes back as the reason why it is not. Where a data set has parts
of a summary in several files, they are joined; where it comes without its articles, they are looked
up in a file that the user names.
"""

import itertools
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalharness.config.yaml import nearest
from evalharness.errors import DataError
from evalharness.loaders import formats
from evalharness.loaders.files import ENDINGS, DataFile, open_outputs
from evalharness.loaders.rows import ALL_COLUMNS
from evalharness.meta.label_formats import (
    LABEL_FORMATS,
    Fields,
    LabelFormat,
    UnusableRow,
    number_from_text,
    without_tags,
)
from evalharness.protocols import Url, is_url

OWN_FORMAT = "labels"


@dataclass(frozen=True)
class LabelRow:
    """A summary with what people said of it, as `meta.labels` checks it, or why it is none.

    file: where it was read. stem: the file's name without ending, for rows that name no source.
    key: of a data set whose files each say a part, what names the summary. article_ids: where the
        row has no article, what it may be called in a file of articles.
    """

    where: str
    file: str
    stem: str
    fields: Fields | str
    key: tuple[str, ...] = ()
    article_ids: tuple[str, ...] = ()


def read_label_rows(
    paths: Sequence[str | Path], format: str | None = None, articles: str | Path | None = None
) -> Iterator[LabelRow]:
    """Yield the rows of files, folders, patterns, URLs and `hub:NAME` as summaries with labels.

    format: a name of `LABEL_FORMATS`, or `labels` for our own; by default each file's first row
        tells it. articles: a file or folder with the articles of rows that have none.
    Raises: DataError for a file that cannot be read, or whose format is not clear.
    """
    if format not in (None, OWN_FORMAT, *LABEL_FORMATS):
        known = [OWN_FORMAT, *LABEL_FORMATS]
        raise DataError(f"--format {format}: no such format{nearest(str(format), known)}")
    rows = (row for file in _label_files(paths) for row in _rows_of_file(file, format))
    return _with_articles(_join_parts(rows), articles)


# --- Files


def _label_files(paths: Sequence[str | Path]) -> Iterator[Url | Path]:
    for path in paths:
        if isinstance(path, str) and is_url(path):
            yield Url(path)
            continue
        for found in formats.matching_paths(Path(path)):
            yield from _files_in(found) if found.is_dir() else [found]


def _files_in(folder: Path) -> list[Path]:
    """Return the label files of a folder: JSON Lines, and where it has none, all that is known."""
    lines = sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")])
    if lines:
        return lines
    endings = (*ENDINGS, ".json", ".pkl")
    others = [path for path in folder.iterdir() if _ending(path) in endings]
    if not others:
        raise DataError(f"{folder}: no .jsonl, .json, .csv, .tsv, .parquet or .pkl in this folder")
    return sorted(others)


def _ending(path: Url | Path) -> str:
    return formats.without_gz(Path(path.name)).suffix.lower()


def _rows_of_file(path: Url | Path, format: str | None) -> Iterator[LabelRow]:
    file = None if _ending(path) == ".pkl" else open_outputs(path)
    raws = _raw_rows(path, file)
    begun: list[tuple[str, Fields | str]] = []
    name = format
    for raw in itertools.islice(raws, 0 if format else _ROWS_LOOKED_AT):
        begun.append(raw)
        if name := _format_of(path, raw[1]):
            break
    name = name or OWN_FORMAT
    for where, fields in itertools.chain(begun, raws):
        row = LabelRow(where, str(path), _stem(path), fields)
        if name != OWN_FORMAT:
            yield from _summaries_of(row, name)
        elif file and file.format == "csv" and isinstance(fields, Mapping):
            yield replace(row, fields=_cells(fields))
        else:
            yield row


def _stem(path: Url | Path) -> str:
    """Return a name for what is in a file; of a data set of the hub also its part."""
    if isinstance(path, Url) and path.is_hub:
        return path.partition("@")[0].rpartition("/")[2].replace(":", "-")
    return formats.without_gz(Path(path.name)).with_suffix("").name


def _raw_rows(path: Url | Path, file: DataFile | None) -> Iterator[tuple[str, Fields | str]]:
    if file is None:
        rows: Iterable[tuple[int, Any]] = enumerate(_rows_of_pickle(Path(path)), 1)
    elif _ending(path) == ".tsv" and isinstance(path, Path) and _has_a_row_a_line(file):
        rows = _rows_of_tabs(file)
    else:
        rows = file.rows(ALL_COLUMNS)
    place = ":" if file and file.format in ("jsonl", "csv", "text") else " row "
    for number, row in rows:
        for n, inner in enumerate(inside := _rows_inside(row), 1):
            yield f"{path}{place}{number}" + (f", {n}" if len(inside) > 1 else ""), inner


def _has_a_row_a_line(file: DataFile) -> bool:
    """Tell whether each line of a table has as many tabs as the first: no quote holds one.

    A header that names a column twice is left to `csv_rows`.
    """
    n_tabs = {len(cells) for _, cells in _tab_lines(file) if not isinstance(cells, str)}
    _, header = next(_tab_lines(file), (1, ""))
    return len(n_tabs) == 1 and 1 not in n_tabs and len(set(header)) == len(header)


def _rows_of_tabs(file: DataFile) -> Iterator[tuple[int, Fields | str]]:
    """Yield rows that are split at tabs alone: a quote that opens a text need not close.

    Tables of tabs are written with quotes and without; a field all in quotes loses them.
    """
    lines = _tab_lines(file)
    _, names = next(lines)
    for number, cells in lines:
        if isinstance(cells, str):
            yield number, cells
        else:
            yield number, dict(zip(names, map(_without_quotes, cells), strict=True))


def _tab_lines(file: DataFile) -> Iterator[tuple[int, list[str] | str]]:
    """Yield the cells of each line that is not blank, or why the line cannot be read."""
    for number, row in replace(file, format="text").rows(ALL_COLUMNS):
        text = "" if isinstance(row, str) else str(row[formats.LINE])
        if isinstance(row, str) or text.strip():
            yield number, row if isinstance(row, str) else text.split("\t")


def _without_quotes(cell: str) -> str:
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and cell.count('"') % 2 == 0
    return cell[1:-1].replace('""', '"') if quoted else cell


def _rows_inside(row: Any) -> list[Any]:
    """Return the row, or those of an object of one list, as FaithBench is distributed.

    Written in several lines, such a document reads as a table of one column.
    """
    values = list(row.values()) if isinstance(row, Mapping) else []
    if len(values) == 1 and isinstance(values[0], Mapping):
        return values
    listed = values[0] if len(values) == 1 and isinstance(values[0], list) else []
    return listed if listed and all(isinstance(each, Mapping) for each in listed) else [row]


_ROWS_LOOKED_AT = 100


def _format_of(path: Url | Path, row: Fields | str) -> str | None:
    """Return the format that a row has the fields of; None where it has those of none.

    Raises: DataError where it has those of several.
    """
    if isinstance(row, str):
        return None
    fitting = [name for name, each in LABEL_FORMATS.items() if each.fits(row)]
    if {"article", "summary"} <= row.keys() and _OWN_FIELDS & row.keys():
        fitting.append(OWN_FORMAT)
    if len(fitting) > 1:
        choice = " or ".join(f"--format {name}" for name in fitting)
        raise DataError(f"{path}: the fields of its rows fit several formats; say {choice}")
    return fitting[0] if fitting else None


_OWN_FIELDS = {"label", "score", "scores", "spans", "sentence_labels", "published", "article_id"}
_TEXTS = ("article", "summary", "source", "system", "article_id", "pair_id", "reference")


def _cells(row: Fields) -> dict[str, Any]:
    """Return a row of CSV with its numbers as numbers, and nothing where a cell is blank."""
    return {
        name: value if name in _TEXTS else number_from_text(value)
        for name, value in row.items()
        if value != ""
    }


# --- Pickles


class _Opaque:
    """What stands for an object of any class that a pickle names."""

    def __new__(cls, *_: Any) -> "_Opaque":
        return super().__new__(cls)

    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...


class _PickledData(pickle._Unpickler):
    """Reads what a pickle holds of plain data; no class or function that it names is looked up.

    The one in Python, since a damaged file can make the one in C ask for all memory.
    """

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for whatever is named."""
        return _Opaque


_LARGEST_PICKLE = 64 * 2**20


def _rows_of_pickle(path: Path) -> list[Any]:
    """Return the values of the dictionary that a pickle holds, as REALSumm is distributed."""
    formats.first_bytes(path)
    if path.stat().st_size > _LARGEST_PICKLE:
        raise DataError(f"{path}: larger than {_LARGEST_PICKLE // 2**20} MiB; write it as JSON")
    with formats.name_in_errors(path), path.open("rb") as stream:
        try:
            found = _PickledData(stream).load()
        except Exception as error:
            # Whatever a damaged pickle makes of its stack: there is no list of what may come.
            raise DataError(f"no pickle of plain data: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: the pickle holds {type(found).__name__}, not a dictionary")
    return [row if isinstance(row, dict) else "the row is not an object" for row in found.values()]


# --- Rows of one format


def _summaries_of(row: LabelRow, name: str) -> Iterator[LabelRow]:
    """Yield the summaries of a row, each with what names it and its article."""
    format_ = LABEL_FORMATS[name]
    if isinstance(row.fields, str):
        yield row
        return
    try:
        if not format_.fits(row.fields):
            raise UnusableRow(_missing_fields(row.fields, format_))
        summaries = list(format_.convert(row.fields, row.stem))
    except UnusableRow as unusable:
        yield replace(row, fields=str(unusable))
        return
    except (AttributeError, IndexError, KeyError, TypeError):
        yield replace(row, fields=f"not a row as {name} has it; see docs/labels.md")
        return
    for n, fields in enumerate(summaries, 1):
        where = f"{row.where}, summary {n}" if len(summaries) > 1 else row.where
        if isinstance(fields, str):
            yield replace(row, where=where, fields=fields)
            continue
        key, ids = (tuple(map(str, fields.pop(name, ()))) for name in ("key", "article_ids"))
        said = {field: value for field, value in fields.items() if value is not None}
        yield replace(row, where=where, fields=said, key=key, article_ids=ids)


def _missing_fields(row: Fields, format_: LabelFormat) -> str:
    lacking = min((layout - row.keys() for layout in format_.layouts), key=len)
    return f"no field {', '.join(map(repr, sorted(lacking)))}"


def _join_parts(rows: Iterable[LabelRow]) -> Iterator[LabelRow]:
    """Yield rows; those that say parts of one summary as one, after all others."""
    whole: dict[tuple[str, ...], LabelRow] = {}
    met: dict[tuple[str, ...], str] = {}
    for row in rows:
        if not row.key or not isinstance(row.fields, Mapping):
            yield row
            continue
        if first := met.get((row.file, *row.key)):
            yield replace(row, fields=f"the same summary came before, at {first}")
            continue
        met[row.file, *row.key] = row.where
        before = whole.setdefault(row.key, row)
        if before is row or not isinstance(before.fields, Mapping):
            continue
        if other := _other_text(before.fields, row.fields):
            yield replace(row, fields=f"{other!r} is not that of {before.where}")
        else:
            whole[row.key] = replace(before, fields=_union(before.fields, row.fields))
    for row in whole.values():
        lacks_summary = isinstance(row.fields, Mapping) and "summary" not in row.fields
        why = "no text of this summary in these files; name all files of the data set"
        yield replace(row, fields=why) if lacks_summary else row


def _other_text(before: Fields, new: Fields) -> str:
    """Return the first text of a summary that two files do not agree on; "" where they do."""
    texts = ("article", "summary", "reference")
    return next((t for t in texts if t in before and t in new and before[t] != new[t]), "")


def _union(before: Fields, new: Fields) -> dict[str, Any]:
    """Return what two rows say of a summary; a label that comes with a grade goes first."""
    one, other = (before, new) if "score" in new else (new, before)
    inner = {
        name: {**one.get(name, {}), **other.get(name, {})}
        for name in ("scores", "published")
        if name in one or name in other
    }
    return {**one, **other, **inner}


# --- Articles that stand elsewhere

_ID_FIELDS = ("gem_id", "id", "article_id", "doc_id", "hash", "uid", "example_id")
_TEXT_FIELDS = ("article", "document", "text", "input_context", "doc", "source", "dialogue")


def _with_articles(rows: Iterable[LabelRow], articles: str | Path | None) -> Iterator[LabelRow]:
    """Yield rows with articles at once, and after them those whose article is looked up."""
    waiting: list[LabelRow] = []
    for row in rows:
        if isinstance(row.fields, str) or row.fields.get("article") or not row.article_ids:
            yield row
        elif articles is None:
            why = f"no article; name a file that has {row.article_ids[0]!r}: --articles FILE"
            yield replace(row, fields=why)
        else:
            waiting.append(row)
    if articles is None or not waiting:
        return
    known = _articles_by_id(articles, {name for row in waiting for name in row.article_ids})
    for row in waiting:
        text = next((known[name] for name in row.article_ids if name in known), None)
        why = f"no article {row.article_ids[0]!r} in {articles}"
        fields = dict(row.fields) | {"article": text} if isinstance(row.fields, Mapping) else {}
        yield replace(row, fields=why if text is None else fields)


def _articles_by_id(source: str | Path, wanted: set[str]) -> dict[str, str]:
    """Return the articles that are wanted, by id: of tables, of lines counted from 0, of stories.

    source: a file, a pattern, a folder with stories, a URL or `hub:NAME`.
    Raises: DataError for what cannot be read, and for a table without ids or texts.
    """
    if is_url(str(source)):
        return _articles_of_file(Url(source), wanted)
    known: dict[str, str] = {}
    for path in formats.matching_paths(Path(source)):
        of_path = _stories if path.is_dir() else _articles_of_file
        known = {**of_path(path, wanted), **known}
    return known


def _stories(folder: Path, wanted: set[str]) -> dict[str, str]:
    stories = {path.stem: path for path in sorted(folder.rglob("*.story"))}
    if not stories:
        raise DataError(f"{folder}: no .story file in this folder or one within it")
    return {name: _story(path) for name, path in stories.items() if name in wanted}


def _articles_of_file(path: Url | Path, wanted: set[str]) -> dict[str, str]:
    file = open_outputs(path)
    if file.format != "text":
        return _articles_of_table(file, wanted)
    lines = ((str(number - 1), row) for number, row in file.rows(ALL_COLUMNS))
    return {
        number: without_tags(row[formats.LINE])
        for number, row in lines
        if number in wanted and isinstance(row, Mapping)
    }


def _articles_of_table(file: DataFile, wanted: set[str]) -> dict[str, str]:
    known: dict[str, str] = {}
    for _, row in file.rows(ALL_COLUMNS):
        if isinstance(row, str):
            continue
        names = [name for name in _ID_FIELDS if name in row]
        texts = [name for name in _TEXT_FIELDS if name in row]
        if not names or not texts:
            has = ", ".join(sorted(map(str, row)))
            need = f"an id ({', '.join(_ID_FIELDS)}) and a text ({', '.join(_TEXT_FIELDS)})"
            raise DataError(f"{file.path}: a row of articles needs {need}; it has: {has}")
        text = row[texts[0]]
        for name in map(str, (row[name] for name in names)):
            if name in wanted and isinstance(text, str):
                known.setdefault(name, text)
    return known


def _story(path: Path) -> str:
    """Return the article of a story of CNN/DailyMail, as SummEval's `pair_data.py` reads it."""
    with formats.name_in_errors(path):
        text = path.read_text(encoding="utf-8", errors="replace").partition("@highlight")[0]
    return " ".join(filter(None, (line.strip() for line in text.split("\n"))))
