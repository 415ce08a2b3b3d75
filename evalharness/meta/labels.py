"""Summaries with human labels, from JSON Lines: what people said of each, checked row by row.

A row has `article`, `summary`, and of these what it has: `label` (1 consistent, 0 not, null not
labelled), `score` (a grade), `source` (the data set), `article_id` (one for an article and its near
copies), `system`, `pair_id`, `sentences` with `sentence_labels`, `spans` (`start`, `end`, `type`:
what is wrong in the summary), `published` (metric values by name), `references` (or one
`reference`), `scores` (grades by dimension).
"""

import contextlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from evalharness.config.yaml import nearest
from evalharness.errors import DataError
from evalharness.meta.label_files import read_label_rows
from evalharness.meta.label_formats import UnusableRow
from evalharness.records import Rejected, Span, digest
from evalharness.store.runs import run_folders

LABEL = "label"
GRADE = "score"


@dataclass(frozen=True, slots=True)
class TypedSpan:
    """A span that people marked as wrong, and what they called it."""

    span: Span
    type: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """A summary of an article, with what people said of it; None where they did not say."""

    article: str
    summary: str
    source: str
    article_id: str
    label: bool | None = None
    score: float | None = None
    system: str = ""
    pair_id: str | None = None
    sentences: tuple[str, ...] = ()
    sentence_labels: tuple[bool | None, ...] = ()
    spans: tuple[TypedSpan, ...] | None = None
    published: Mapping[str, float] = field(default_factory=dict[str, float])
    references: tuple[str, ...] = ()
    dimensions: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class LabelFields:
    """Which field holds the label: one for all sources, others for some."""

    usual: str = LABEL
    by_source: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, options: Sequence[str], usual: str = LABEL) -> "LabelFields":
        """Return what options say: `NAME` for all sources, `SOURCE=NAME` for one.

        >>> LabelFields.of(["label_strict", "polytope=label_inaccuracy"])
        LabelFields(usual='label_strict', by_source={'polytope': 'label_inaccuracy'})
        """
        pairs = [option.rpartition("=") for option in options]
        usual = [usual, *(name for source, _, name in pairs if not source)][-1]
        by_source = {source: name for source, _, name in pairs if source}
        return cls(usual, by_source)

    def of_source(self, source: str) -> str:
        """Return the field that holds a source's labels."""
        return self.by_source.get(source, self.usual)


@dataclass(frozen=True)
class LabelSet:
    """The rows by source, in the order of the files, and the rows that cannot be used.

    fields, grades: the field that held each source's label, and its grade.
    """

    rows: Mapping[str, Sequence[Labelled]]
    rejected: tuple[Rejected, ...]
    fields: Mapping[str, str]
    grades: Mapping[str, str]


@dataclass(frozen=True)
class _Fields:
    """Which fields hold label and grade."""

    label: LabelFields
    grade: LabelFields


def read_labels(
    paths: Sequence[str | Path],
    labels: Sequence[str] = (),
    limit_per_source: int | None = None,
    grades: Sequence[str] = (),
    format: str | None = None,
    articles: str | Path | None = None,
) -> LabelSet:
    """Read label files, our own or those of a known data set; a folder stands for those in it.

    labels: which field holds the label, as `LabelFields.of` reads it.
    limit_per_source: usable rows of each source at the most, from the first.
    grades: which field holds the grade, likewise; `scores.relevance` is a field within a field.
    format: how the data set is distributed, a name of `label_formats.LABEL_FORMATS`; by default
        the rows tell it. articles: a file with the articles, where the rows have none.
    Raises: DataError for a file that cannot be read, where no row can be used, and for a label
    field or source that no row has.
    """
    for path in map(Path, paths):
        if path.is_dir() and run_folders(path, "", "*/"):
            raise DataError(
                f"{path}: holds runs; here rows are read that people labelled, each with article, "
                "summary and label (docs/labels.md)"
            )
    fields = _Fields(LabelFields.of(labels), LabelFields.of(grades, GRADE))
    rows: dict[str, list[Labelled]] = {}
    rejected: list[Rejected] = []
    known_fields: dict[str, set[str]] = {}
    for row in read_label_rows(paths, format, articles):
        read = _read(row.fields, row.stem, fields)
        if isinstance(read, str):
            rejected.append(Rejected(row.where, read))
            continue
        of_source = rows.setdefault(read.source, [])
        known_fields.setdefault(read.source, set()).update(cast(Mapping[str, Any], row.fields))
        if limit_per_source is None or len(of_source) < limit_per_source:
            of_source.append(read)
    if not rows:
        raise DataError(_nothing_usable(paths, rejected))
    _fields_exist(fields.label, known_fields, "label")
    _fields_exist(fields.grade, known_fields, "grade")
    used, grade = (
        {source: each.of_source(source) for source in rows} for each in (fields.label, fields.grade)
    )
    return LabelSet(rows, tuple(rejected), used, grade)


def _nothing_usable(paths: Sequence[str | Path], rejected: Sequence[Rejected]) -> str:
    lines = [f"{bad.where}: {bad.reason}" for bad in rejected[:10]]
    names = ", ".join(map(str, paths))
    if not rejected:
        return f"{names}: there are no rows"
    end = "; docs/labels.md has the fields of the data sets that are known"
    return "\n".join([*lines, f"{names}: none of {len(rejected)} rows can be used{end}"])


def _fields_exist(fields: LabelFields, known: Mapping[str, set[str]], option: str) -> None:
    for source, name in fields.by_source.items():
        if source not in known:
            raise DataError(f"--{option} {source}={name}: no such source{_near(source, known)}")
        if name.partition(".")[0] not in known[source]:
            near = _near(name, _label_like(known[source]))
            raise DataError(f"--{option} {source}={name}: no row of {source} has this field{near}")
    everywhere = set().union(*known.values())
    usual = fields.usual
    if usual not in (LABEL, GRADE) and usual.partition(".")[0] not in everywhere:
        near = _near(usual, _label_like(everywhere))
        raise DataError(f"--{option} {usual}: no row has this field{near}")


def _near(wrong: str, known: Mapping[str, Any] | set[str]) -> str:
    return nearest(wrong, sorted(known))


def _label_like(names: set[str]) -> set[str]:
    return {name for name in names if LABEL in name} or names


def _read(row: Mapping[str, Any] | str, stem: str, fields: _Fields) -> Labelled | str:
    if isinstance(row, str):
        return row
    try:
        return _parse_row(row, stem, fields)
    except UnusableRow as unusable:
        return str(unusable)


def _parse_row(row: Mapping[str, Any], stem: str, fields: _Fields) -> Labelled:
    article, summary = _text(row, "article"), _text(row, "summary")
    source = _name(row, "source") or stem
    label, grade = fields.label.of_source(source), fields.grade.of_source(source)
    sentences, sentence_labels = _sentences(row)
    return Labelled(
        article=article,
        summary=summary,
        source=source,
        article_id=_name(row, "article_id") or digest(article)[:16],
        label=_zero_or_one(row.get(label), label),
        score=_number(_inner_field(row, grade), grade),
        system=_name(row, "system"),
        pair_id=_name(row, "pair_id") or None,
        sentences=sentences,
        sentence_labels=sentence_labels,
        spans=_spans(row, len(summary)),
        published=_numbers_by_name(row, "published"),
        references=_references(row),
        dimensions=_numbers_by_name(row, "scores"),
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    text = row.get(name)
    if not isinstance(text, str):
        raise UnusableRow(f"no field {name!r}" if text is None else f"{name!r} is no text")
    if not text.strip():
        raise UnusableRow(f"{name!r} is blank")
    return text


def _name(row: Mapping[str, Any], field: str) -> str:
    value = row.get(field)
    if value is None:
        return ""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise UnusableRow(f"{field!r} should be a name, not {value!r}")
    return str(value)


def _zero_or_one(value: Any, field: str) -> bool | None:
    if value is None:
        return None
    if isinstance(value, bool | int | float) and value in (0, 1):
        return bool(value)
    raise UnusableRow(f"{field!r} should be 1 (consistent), 0 or null, not {value!r}")


def _inner_field(row: Mapping[str, Any], name: str) -> Any:
    """Return a field of a row, or a field of its field: `scores.relevance`."""
    if name in row:
        return row[name]
    outer, _, inner = name.partition(".")
    within = row.get(outer)
    return within.get(inner) if isinstance(within, dict) else None


def _number(value: Any, field: str) -> float | None:
    if value is None:
        return None
    number = _finite(value)
    if number is None:
        raise UnusableRow(f"{field!r} should be a number or null, not {str(value)[:40]!r}")
    return number


def _finite(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, bool | int | float) else math.nan
    except OverflowError:  # an integer beyond what a float holds
        return None
    return number if math.isfinite(number) else None


def _sentences(row: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[bool | None, ...]]:
    sentences, labels = row.get("sentences"), row.get("sentence_labels")
    if sentences is None or labels is None:
        return (), ()
    if not isinstance(sentences, list) or not all(isinstance(text, str) for text in sentences):
        raise UnusableRow("'sentences' should be a list of texts")
    if not isinstance(labels, list) or len(labels) != len(sentences):
        raise UnusableRow("'sentence_labels' should be a list as long as 'sentences'")
    return tuple(sentences), tuple(_zero_or_one(label, "sentence_labels") for label in labels)


def _spans(row: Mapping[str, Any], length: int) -> tuple[TypedSpan, ...] | None:
    spans = row.get("spans")
    if spans is None:
        return None
    if not isinstance(spans, list):
        raise UnusableRow("'spans' should be a list")
    return tuple(_span(span, length) for span in spans)


def _span(span: Any, length: int) -> TypedSpan:
    start, end = (span.get("start"), span.get("end")) if isinstance(span, dict) else (None, None)
    if not isinstance(start, int) or not isinstance(end, int):
        raise UnusableRow("'spans' should hold objects with whole numbers 'start' and 'end'")
    if not 0 <= start < end <= length:
        raise UnusableRow(f"the span {start}-{end} is not inside the summary (0-{length})")
    return TypedSpan(Span(start, end), str(span.get("type") or ""))


def _numbers_by_name(row: Mapping[str, Any], field: str) -> dict[str, float]:
    """Return the values of a field of fields that are numbers; others have none for this row."""
    by_name = row.get(field)
    if not isinstance(by_name, dict):
        return {}
    numbers = {str(name): _finite(value) for name, value in by_name.items()}
    return {name: number for name, number in numbers.items() if number is not None}


def _references(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the references: a list, JSON of a list, or one text."""
    found = row.get("references") or row.get("reference")
    if isinstance(found, str) and found.startswith("["):
        with contextlib.suppress(json.JSONDecodeError):
            found = json.loads(found)
    texts = found if isinstance(found, list) else [found]
    return tuple(text for text in texts if isinstance(text, str) and text.strip())
