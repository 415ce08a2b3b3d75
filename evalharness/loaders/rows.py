"""From the row of a file or a dataset to an article, or the reason why it is none.

A row is judged alike wherever it comes from. What makes it no article is listed, and never ends a
run unless `bad_rows: fail` asks for that: no article column, or one that is not text; an article,
an id or a reference that cannot be used; an id that came before. Refused too is text with a NUL
character, which comes of binary or UTF-16 files, and text with half of a surrogate pair, which
neither a tokenizer nor UTF-8 can hold.
"""

import ast
import dataclasses
import difflib
import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar, Literal
from uuid import UUID

from evalharness.errors import DataError
from evalharness.files.temporary import OffsetIndex
from evalharness.records import Article, Rejected

Row = Mapping[str, object]
Raw = tuple[int, Row | str]
"""The number of a row, and its fields or why it cannot be read."""

BadRows = Literal["list", "fail"]
Defaults = Mapping[str, tuple[str, ...]]

# What is tried where the config names no column, in this order.
FILE_COLUMNS: Defaults = MappingProxyType(
    {
        "id": ("id",),
        "article": ("article", "document", "text", "dialogue"),
        "reference": ("references", "reference", "highlights", "target"),
        "summary": ("summary",),
        "title": ("title",),
        "source": ("source",),
        "system": ("system",),
    }
)
# On the hub, `summary` is what people wrote: XSum, SAMSum, Multi-News, GovReport.
HUB_COLUMNS: Defaults = MappingProxyType(
    {
        **FILE_COLUMNS,
        "reference": (*FILE_COLUMNS["reference"], "summary", "abstract"),
        "summary": (),
    }
)
NAMES_SHOWN = 8


@dataclass(frozen=True)
class ColumnOptions:
    """Which column holds what. One that is named here must be in every row (null: there is none).

    id: names the article; text or whole numbers. Default `id`, else the file and the line.
    article: the text to summarize. Default the first of `article`, `document`, `text`, `dialogue`.
    reference: what people wrote, in one column or several; text or a list of texts, also one that
        JSON or pandas wrote into a cell; blank ones are left out. Default the first of
        `references`, `reference`, `highlights`, `target` that has any; on the hub also `summary`,
        `abstract`.
    summary: a summary that exists already. Default `summary`; on the hub none.
    system: what wrote it. Default `system`.
    title: the headline. Default `title`.
    source: where the article is from. Default `source`.
    extra: more columns to keep with the article, such as human labels; a row may lack them.
    """

    # pydantic reads this: a misspelt key is an error, not ignored.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    id: str | None = None
    article: str | None = None
    reference: str | tuple[str, ...] | None = None
    summary: str | None = None
    system: str | None = None
    title: str | None = None
    source: str | None = None
    extra: tuple[str, ...] = ()

    def over(self, preset: "ColumnOptions") -> "ColumnOptions":
        """Return these columns, with those of `preset` where none is named."""
        chosen = {name: getattr(self, name) or getattr(preset, name) for name in _USES}
        return ColumnOptions(**chosen)

    def by_use(self) -> list[tuple[str, str]]:
        """Return each use for which a column is named, with that column; not those of `extra`."""
        uses = {use: _tuple(getattr(self, use)) for use in _USES if use != "extra"}
        return [(use, name) for use, names in uses.items() for name in names]


USUAL_COLUMNS = ColumnOptions()
_USES = tuple(column.name for column in dataclasses.fields(ColumnOptions))


class _Defect(Exception):
    """The row is no article; the message says why."""


@dataclass(frozen=True)
class RowReader:
    """How rows become articles: for each use, the columns that may hold it.

    names: the columns to try, by use (`id`, `article`, `reference`, `summary`, …).
    named: the uses for which the config names a column.
    needs_article: whether a row without an article is none; else its text is empty, and only what
        needs no article can be scored.
    """

    names: Mapping[str, tuple[str, ...]]
    named: frozenset[str]
    extra: tuple[str, ...]
    needs_article: bool = True

    @classmethod
    def of(cls, columns: ColumnOptions, defaults: Defaults) -> "RowReader":
        """Take the columns that are named; for other uses the defaults that are not taken."""
        named = {use: _tuple(getattr(columns, use)) for use in _USES if use != "extra"}
        taken = {name for _, name in columns.by_use()}
        free = {use: tuple(n for n in names if n not in taken) for use, names in defaults.items()}
        return cls(
            {use: named.get(use) or free[use] for use in defaults},
            frozenset(use for use, names in named.items() if names),
            columns.extra,
        )

    def columns_to_read(self, available: Iterable[str]) -> list[str]:
        """Return the columns of `available` worth reading; all where one is missing."""
        available = list(available)
        if not set(self.names["article"]) & set(available):
            return available
        if any(not set(self.names[use]) <= set(available) for use in self.named):
            return available
        known = {name for names in self.names.values() for name in names} | set(self.extra)
        return [name for name in available if name in known]

    def article(self, fields: Row, spare_id: str) -> Article:
        """Return the article of a row; `spare_id` names it where the row has no id column."""
        return Article(
            id=self._id(fields, spare_id),
            text=self._text(fields),
            references=tuple(self._references(fields)),
            source=self._optional(fields, "source") or "",
            extra=self._extra(fields),
        )

    def _id(self, fields: Row, spare: str) -> str:
        name = self._column(fields, "id")
        if name is None:
            return _text(spare, "the file's name")
        value = fields[name]
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not (isinstance(value, str) and value.strip()):
            raise _Defect(f"the id is {_kind(value)}, not text or a whole number")
        return _text(value, "the id")

    def _text(self, fields: Row) -> str:
        name = self._column(fields, "article")
        if name is None and not self.needs_article:
            return ""
        if name is None:
            raise self._missing_field(fields, "article", self.names["article"][0])
        text = _text(fields[name], "the article")
        if _read_list(text):
            raise _Defect("the article is a list written as text; join it to one text")
        if not text.strip():
            raise _Defect("the article is empty")
        return text

    def _references(self, fields: Row) -> Iterator[str]:
        for name in self.names["reference"]:
            if name not in fields and "reference" in self.named:
                raise self._missing_field(fields, "reference", name)
            found = [text for text in _texts(fields.get(name), name) if text.strip()]
            yield from found
            if found and "reference" not in self.named:
                return

    def _optional(self, fields: Row, use: str) -> str | None:
        """Return the text of a column that a row need not have; None where it has none."""
        name = self._column(fields, use)
        value = fields[name] if name is not None else None
        if value is None or _is_nan(value):
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str) and use not in self.named:
            return None  # nobody said that this column is meant
        return _text(value, f"the {use}")

    def _extra(self, fields: Row) -> dict[str, Any]:
        found = {use: self._optional(fields, use) for use in ("title", "summary", "system")}
        extra: dict[str, Any] = {use: text for use, text in found.items() if text}
        if found["summary"] == "":  # a system that wrote nothing, and not a row without a summary
            extra["summary"] = ""
        if (name := self._column(fields, "summary")) and found["summary"] is None:
            value = fields[name]
            if value is not None and not _is_nan(value):  # no text, and nobody named the column
                extra["no_summary"] = f"the row's summary is {_kind(value)}, not text"
        for name in self.extra:
            value = fields.get(name)
            if value is not None and not _is_nan(value):
                extra[name] = _plain(value, name)
        return extra

    def _column(self, fields: Row, use: str) -> str | None:
        for name in self.names[use]:
            if name in fields:
                return name
            if use in self.named:
                raise self._missing_field(fields, use, name)
        return None

    def _missing_field(self, fields: Row, use: str, name: str) -> _Defect:
        return _Defect(
            f"no field {name!r}; the row has: {list_fields(fields)}{self._hint(fields, use)}"
        )

    def _hint(self, fields: Row, use: str) -> str:
        for name in self.names[use]:
            keys = [str(key) for key in fields if not _is_ours(key)]
            near = difflib.get_close_matches(name, keys, n=1)
            if near:
                return f" (did you mean columns.{use}: {_printable_name(near[0])}?)"
        return f" (name the right one with columns.{use})"


# Reads every column of a file, whatever the columns are called.
ALL_COLUMNS = RowReader({"article": ()}, frozenset(), ())


@dataclass
class RowJudge:
    """Judges the rows of one run; keeps a 128-bit hash and the place of every id."""

    reading: RowReader
    bad_rows: BadRows = "list"
    _met: OffsetIndex = field(default_factory=OffsetIndex)
    _places: list[str] = field(default_factory=list[str])

    def read(self, raws: Iterable[Raw], place: str, stem: str) -> Iterator[Article | Rejected]:
        """Yield every row of one file: an article, or why it is none.

        place: what `where` begins with; the row's number follows it (`articles.jsonl:` 17).
        stem: what the id of a row without an id column begins with (`articles` -17).
        """
        self._places.append(place)
        for number, fields in raws:
            try:
                yield self._article(fields, number, stem)
            except _Defect as defect:
                yield self._reject(f"{place}{number}", str(defect))

    def _reject(self, where: str, reason: str) -> Rejected:
        """Return the row as rejected, or end the run if `bad_rows` says so.

        Raises: DataError
        """
        if self.bad_rows == "fail":
            raise DataError(f"{where}: {reason}")
        return Rejected(where, reason)

    def _article(self, fields: Row | str, number: int, stem: str) -> Article:
        if isinstance(fields, str):
            raise _Defect(fields)
        try:
            article = self.reading.article(fields, f"{stem}-{number}")
        except RecursionError:
            raise _Defect("the row is nested too deeply") from None
        self._once(article.id, number)
        return article

    def _once(self, article_id: str, number: int) -> None:
        """Raise _Defect for an id that came before; remember in which file and row it stands."""
        key = hashlib.blake2b(article_id.encode(), digest_size=16).digest()
        here = number * 2**20 + len(self._places) - 1
        first = self._met.setdefault(key, here)
        if first != here:
            number, place = divmod(first, 2**20)
            where = f"{self._places[place]}{number}"
            raise _Defect(f"the id {_printable_name(article_id)!r} was used before, at {where}")


def _tuple(names: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else names


def _text(value: object, what: str) -> str:
    """Return the value if it is text that can be used; `what` names it in the message."""
    if not isinstance(value, str):
        raise _Defect(f"{what} is {_kind(value)}, not text")
    if (at := value.find("\0")) >= 0:
        raise _Defect(f"{what} has a NUL character (character {at})")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            half = f"half of a surrogate pair (character {error.start})"
            raise _Defect(f"{what} has {half}") from None
    return value


def _texts(value: object, name: str) -> list[str]:
    """Return the references in one column: a text, a list of texts, or nothing."""
    what = f"a reference in {_printable_name(name)!r}"
    if isinstance(value, str):
        value = value if (listed := _read_list(value)) is None else listed
    if isinstance(value, str) and _UNREADABLE_LIST.fullmatch(value):
        cure = """write it as JSON, as in ["one", "another"]"""
        raise _Defect(f"{what} looks like a list written as text that cannot be read; {cure}")
    values = value if isinstance(value, list | tuple) else [value]
    return [_text(each, what) for each in values if each is not None and not _is_nan(each)]


# A text, or nothing, as Python, numpy and pandas write it within a list.
_LISTED = re.compile(
    r"""\s*(?:('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|None|nan|NaN|<NA>)\s*""", re.DOTALL
)
_LIST_ENDS = {"[": "]", "(": ")"}


# Such as numpy writes, without commas: Python would join its texts to one.
_UNREADABLE_LIST = re.compile(r"""\s*\[\s*['"].*['"]\s*\]\s*""", re.DOTALL)


def _read_list(text: str) -> list[str | None] | None:
    """Return the list that a text is, as pandas or JSON wrote it into a cell; None if it is none.

    >>> _read_list("['Rain came.', None]"), _read_list('["It rained.", null]')
    (['Rain came.', None], ['It rained.', None])
    >>> _read_list("[Music] Rain came."), _read_list("('said')"), _read_list("[]")
    (None, None, [])
    """
    written = text.strip()
    begin, inner = written[:1], written[1:-1].strip()
    if len(written) < 2 or _LIST_ENDS.get(begin) != written[-1]:
        return None
    if not inner:
        return [] if begin == "[" else None
    if (listed := _read_json_list(written)) is None:
        listed = _read_python_list(inner)
    alone = begin == "(" and listed is not None and len(listed) == 1 and inner[-1] != ","
    return None if alone else listed


def _read_json_list(text: str) -> list[str | None] | None:
    """Return a list of texts and nulls that is JSON; None where it is none, or holds others."""
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(listed, list) or not any(isinstance(each, str) for each in listed):
        return None
    return listed if all(each is None or isinstance(each, str) for each in listed) else None


def _read_python_list(inner: str) -> list[str | None] | None:
    """Return what stands between the brackets of a list of texts; None where that is no list."""
    listed: list[str | None] = []
    at = 0
    while at < len(inner):
        match = _LISTED.match(inner, at)
        if match is None or inner[match.end() : match.end() + 1] not in (",", ""):
            return None
        try:
            listed.append(match[1] and ast.literal_eval(match[1].replace("\n", "\\n")))
        except (SyntaxError, ValueError):  # an escape that is none
            return None
        at = match.end() + 1
    return listed if any(each is not None for each in listed) else None


def _plain(value: object, name: str) -> object:
    """Return what JSON makes of a value: text, numbers, lists, objects; a date becomes text."""
    what = f"the column {_printable_name(name)!r}"
    if isinstance(value, str):
        return _text(value, what)
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, default=_as_text)
    except (TypeError, ValueError):
        raise _Defect(f"{what} holds what JSON cannot: NaN, bytes or the like") from None
    plain: object = json.loads(_text(text, what))
    return plain


def _as_text(value: object) -> str:
    if isinstance(value, date | time | Decimal | UUID):
        return str(value)
    raise TypeError


def _is_nan(value: object) -> bool:
    """Return whether this is how pandas writes that there is nothing."""
    return isinstance(value, float) and math.isnan(value)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value!r:.20}"
    if isinstance(value, str):
        return "text" if value.strip() else "blank"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bytes):
        return "bytes"
    return "an object" if isinstance(value, Mapping) else f"of type {type(value).__name__}"


def _printable_name(name: str) -> str:
    """Return a name from the data as a terminal can show it, not too long."""
    name = name if name.isprintable() else ascii(name)[1:-1]
    return name if len(name) <= 40 else name[:39] + "…"


def _is_ours(name: object) -> bool:
    """Tell whether a field was put beside those of the row, as no column of a file is called."""
    return str(name).startswith("\0")


def list_fields(fields: Row) -> str:
    """Return the names of a row's fields, as a message has them."""
    names = [_printable_name(str(name)) for name in fields if not _is_ours(name)]
    more = len(names) - NAMES_SHOWN
    listed = ", ".join(names[:NAMES_SHOWN]) or "nothing"
    return f"{listed} and {more} more" if more > 0 else listed
