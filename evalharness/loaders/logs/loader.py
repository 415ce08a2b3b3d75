"""Summaries in the logs of other harnesses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from evalharness.errors import DataError
from evalharness.loaders import rows
from evalharness.loaders.formats import matching_paths, paths
from evalharness.loaders.logs.files import Log, open_log
from evalharness.loaders.logs.formats import follow, join_sentences
from evalharness.records import Article, Rejected

LogFormatName = Literal["auto", "lm-eval", "inspect", "lighteval", "promptfoo", "helm"]
_USES = ("id", "article", "summary", "reference", "system", "title", "source")
# What is said of every log; of the others where a field is read for them.
_ALWAYS_DESCRIBED = _USES[:5]
# Systems that a message lists.
_SYSTEMS_SHOWN = 6


@dataclass(frozen=True)
class MappedLog:
    """A log, and for each use the path of the field that is read for it.

    named: the uses for which the config names a path, which must be in every record.
    extra: paths to what is kept with the article.
    """

    log: Log
    fields: Mapping[str, str]
    named: frozenset[str]
    extra: tuple[str, ...]

    def describe(self) -> str:
        """Return in a line which harness wrote the log, and which fields are read."""
        named = [
            f"{use} = {self._describe_field(use)}"
            for use in _USES
            if use in _ALWAYS_DESCRIBED or use in self.fields
        ]
        remark = f"; note: {self.log.remark}" if self.log.remark else ""
        return f"{self.log.path.name}: {self.log.format.title}; {', '.join(named)}{remark}"

    def _describe_field(self, use: str) -> str:
        path = self.fields.get(use)
        if use == "system" and path is None:
            return self.log.system
        if path in self.log.format.prompts:
            return f"{path} (the prompt, with its instructions)"
        return path or {"id": "the record's number"}.get(use, "none")


@dataclass(frozen=True)
class Logs:
    """Articles and summaries from logs of lm-eval, inspect, lighteval, HELM and promptfoo.

    Take `model: given` to score the summaries. A log of several systems is read for one of them. A
    sample that failed is an article without a summary, and counts as not summarized.

    path: a log or a list of logs; `*`, `?`, `[…]` and `**` match names.
    format: `auto` knows a log by its content; or `lm-eval` (samples), `inspect` (.json, .eval),
        `lighteval` (details), `promptfoo` (.json, .jsonl), `helm` (scenario_state or
        display_predictions).
    system: whose summaries are read, where the log has those of several.
    columns: dotted paths to what holds what, as in `article: doc.body`; default, the usual ones.
    bad_rows: `list` counts and lists records that are no article, `fail` ends the run at the first.
    """

    version: ClassVar[int] = 1

    path: Path | tuple[Path, ...]
    format: LogFormatName = "auto"
    system: str | None = None
    columns: rows.ColumnOptions = rows.USUAL_COLUMNS
    bad_rows: rows.BadRows = "list"

    def __post_init__(self) -> None:
        if not paths(self.path):
            raise ValueError("path: names no file")
        if isinstance(self.columns.reference, tuple) and len(self.columns.reference) > 1:
            raise ValueError("columns: name one path for reference; `*` is all of a list: refs.*")

    def load(self) -> Iterator[Article | Rejected]:
        """Yield every record of every log, once every log is known to be one.

        Raises: DataError for a log that is missing, damaged or unknown, or has several systems.
        """
        return self._read(self.open_logs())

    def open_logs(self) -> list[MappedLog]:
        """Return the logs, each with the fields that are read. Raises: DataError."""
        found = dict.fromkeys(file for path in paths(self.path) for file in matching_paths(path))
        return [self._open_one(path) for path in found]

    def identity(self) -> Mapping[str, str]:
        """Return which fields of the logs are read for what."""
        return {"fields": "\n".join(mapped.describe() for mapped in self.open_logs())}

    def systems(self) -> list[str]:
        """Return the systems whose summaries are read, in the order of their coming."""
        if self.system is not None:
            return [self.system]
        return list(self._system_names())

    def _system_names(self) -> dict[str, None]:
        found: dict[str, None] = {}
        for mapped in self.open_logs():
            for _, fields in _rows(mapped):
                if not isinstance(fields, str):
                    found[str(fields["system"])] = None
        return found

    def _open_one(self, path: Path) -> MappedLog:
        log = open_log(path, self.format)
        if log is None:
            raise DataError(f"{path}: no log that is known here; read rows with `name: files`")
        named = {use: getattr(self.columns, use, None) for use in _USES}
        first = next((row for _, row in log.records() if not isinstance(row, str)), {})
        fields = {use: _field(log, use, named[use], first) for use in _USES}
        needed = frozenset(use for use in _USES if named[use])
        given = {use: where for use, where in fields.items() if where}
        return MappedLog(log, given, needed, self.columns.extra)

    def _read(self, logs: list[MappedLog]) -> Iterator[Article | Rejected]:
        reading = rows.RowReader.of(
            rows.ColumnOptions(extra=("no_summary", *self.columns.extra)), rows.FILE_COLUMNS
        )
        judge = rows.RowJudge(replace(reading, needs_article=False), self.bad_rows)
        some = False
        for mapped in logs:
            for row in judge.read(
                self._rows_of_system(mapped), mapped.log.place, mapped.log.path.stem
            ):
                some = some or isinstance(row, Article)
                yield row
        if (
            self.system is not None
            and not some
            and self.system not in (met := self._system_names())
            and met
        ):
            raise DataError(
                f"{logs[0].log.path}: no summaries of {self.system!r}; {_list_systems(met)}"
            )

    def _rows_of_system(self, mapped: MappedLog) -> Iterator[rows.Raw]:
        met = self.system
        for number, fields in _rows(mapped):
            if isinstance(fields, str):
                yield number, fields
                continue
            met = str(fields["system"]) if met is None else met
            if fields["system"] == met:
                yield number, fields
            elif self.system is None:
                raise DataError(
                    f"{mapped.log.path}: has several systems; {_list_systems(self._system_names())}"
                )


def _list_systems(systems: Mapping[str, None]) -> str:
    names = list(systems)
    more = f" and {len(names) - _SYSTEMS_SHOWN} more" if len(names) > _SYSTEMS_SHOWN else ""
    return f"`system` is one of {', '.join(names[:_SYSTEMS_SHOWN])}{more}"


def _field(log: Log, use: str, named: Any, first: rows.Row) -> str | None:
    """Return the path that is read for a use: the named one, else the first that leads to text."""
    if named:
        return str(named if isinstance(named, str) else named[0])
    if use == "system" and log.system:
        return None
    for path in log.format.fields.get(use, ()):
        if _holds(use, _value(use, first, path)):
            return path
    return log.format.fields["summary"][0] if use == "summary" else None


def _holds(use: str, value: Any) -> bool:
    if use == "reference":
        return isinstance(value, str) or (isinstance(value, list) and bool(value))
    if use in ("id", "system"):
        return isinstance(value, str | int) and not isinstance(value, bool) and value != ""
    return isinstance(value, str)


def _value(use: str, record: rows.Row, path: str) -> Any:
    value = follow(record, path)
    if use == "reference" and isinstance(value, list):
        return [join_sentences(each) for each in value if each is not None]
    # A text may stand as a list of its sentences, or in several documents.
    return (
        join_sentences([join_sentences(each) for each in value])
        if isinstance(value, list)
        else value
    )


def _rows(mapped: MappedLog) -> Iterator[rows.Raw]:
    """Yield the records of a log as rows with the usual names, or why one is none."""
    for number, record in mapped.log.records():
        yield number, record if isinstance(record, str) else _row(mapped, record)


def _row(mapped: MappedLog, record: rows.Row) -> rows.Row | str:
    if reason := mapped.log.format.skipped(record):
        return reason
    found = {use: _value(use, record, path) for use, path in mapped.fields.items()}
    row = {use: value for use, value in found.items() if value is not None}
    for path in mapped.extra:
        row.setdefault(path, follow(record, path))
    if failure := mapped.log.format.failed(record):
        row["no_summary"] = failure
        row.pop("summary", None)
        found["summary"] = ""
    for use in mapped.named | {"article"}:
        if found.get(use, "") is None:
            return f"no field {mapped.fields[use]!r}"
    row["system"] = _system(row.get("system"), mapped.log)
    return row


def _system(named: Any, log: Log) -> str:
    """Return a name for a system that a config and a folder can hold."""
    name = str(named) if named not in (None, "") else log.system or log.path.stem
    return name.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
