"""Summaries that exist already: those of another harness, of a page, of people."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from evalharness.errors import DataError
from evalharness.files.untrusted import read_whole
from evalharness.protocols import Need
from evalharness.records import Article, Finish, Summary


@dataclass(frozen=True)
class Given:
    """The summary that came with the article, scored as it is.

    field: what of the row is the summary: `summary`; `title`; or `reference`, the first of its
        references, which shows how people score against the other references or the article.
    """

    # All that `field` may name. The stored summaries are keyed by what these hold, so it is safe to
    # name too much here, never too little.
    needs: ClassVar[frozenset[Need]] = frozenset({"summary", "title", "references"})
    version: ClassVar[int] = 1
    gives_what_exists: ClassVar[bool] = True

    field: Literal["summary", "title", "reference"] = "summary"

    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        """Return each row's own summary; finish `error` where a row has none."""
        return [self._summarize(article) for article in articles]

    def _summarize(self, article: Article) -> Summary:
        written: object = article.extra.get(self.field)
        if self.field == "reference":
            written = article.references[0] if article.references else None
        if written is None:
            note = str(article.extra.get("no_summary") or f"the row has no {self.field}")
            return Summary(article.id, "", finish="error", note=note)
        if not isinstance(written, str):
            note = f"the row's {self.field} is not a string but {type(written).__name__}"
            return Summary(article.id, "", finish="error", note=note)
        return Summary(article.id, written, finish="stop" if written.strip() else "empty")


@dataclass(frozen=True)
class FileOutputs:
    """What a system wrote of the same articles earlier, from a file, beside models that write now.

    The file has a JSON line for each summary: `id`, its article's; `summary` or `text`; where it
    holds the outputs of several systems, `system`. `finish` and `tokens` are kept if they are
    there. To score files alone, the loader `outputs` takes more formats than this.

    path: the file; also the `samples.jsonl` of a run, or the `records.parquet` of a large one.
    system: whose rows of the file these are; None: all of them.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article", "id"})
    version: ClassVar[int] = 1
    gives_what_exists: ClassVar[bool] = True

    path: Path
    system: str | None = None

    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        """Return what the file has of each article; finish `error` where it has nothing.

        Raises: DataError for a file that cannot be read, a line that is no JSON object with an id
            and a text, an id that comes twice, and a system that the file does not have.
        """
        return [
            self._written.get(article.id)
            or Summary(
                article.id, "", finish="error", note=f"no row of {self.path.name} has its id"
            )
            for article in articles
        ]

    @cached_property
    def _written(self) -> dict[str, Summary]:
        """What the system wrote, by the id of its article."""
        written: dict[str, Summary] = {}
        systems = set()
        for number, row in self._records() if self.path.suffix == ".parquet" else self._rows():
            systems.add(row.get("system"))
            if self.system not in (None, row.get("system")):
                continue
            summary = self._summary(row, number)
            if summary.article_id in written:
                raise DataError(f"{self.path}:{number}: the id {summary.article_id!r} comes twice")
            written[summary.article_id] = summary
        if not written:
            names = ", ".join(sorted(str(name) for name in systems)) or "no rows"
            raise DataError(f"{self.path}: has nothing of the system {self.system!r}: {names}")
        return written

    def _records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the rows of a `records.parquet` with their numbers, as those of lines would be."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(self.path, columns=["id", "summary", "outcome", "json"])
            for number, row in enumerate(table.to_pylist(), 1):
                summary = json.loads(row["outcome"]) | {"text": row["summary"]}
                if row["json"]:
                    summary = json.loads(row["json"])["summary"]
                yield number, {"id": row["id"], "summary": summary}
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            why = " ".join(str(error).split())[:120]
            raise DataError(f"{self.path}: not the records.parquet of a run ({why})") from None

    def _rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the rows of a file of lines with their numbers."""
        try:
            content = read_whole(self.path)
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read: {error.strerror}") from error
        for number, line in enumerate(content.splitlines(), 1):
            if line.strip():
                yield number, self._row(line, number)

    def _row(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{self.path}:{number}: no line of JSON: {error}") from error
        if not isinstance(row, dict):
            raise DataError(f"{self.path}:{number}: not a JSON object")
        return row

    def _summary(self, row: Mapping[str, Any], number: int) -> Summary:
        if isinstance(row.get("summary"), dict):  # a line of a run's samples
            row = {"id": row.get("id"), **row["summary"]}
        id_, text = row.get("id"), row.get("summary", row.get("text"))
        if not isinstance(id_, str | int) or not isinstance(text, str):
            raise DataError(f"{self.path}:{number}: needs an id, and a summary or text")
        finish, tokens = row.get("finish"), row.get("tokens")
        ended: Finish = "length" if finish == "length" else "stop" if text.strip() else "empty"
        return Summary(
            str(id_), text, finish=ended, tokens=tokens if isinstance(tokens, int) else None
        )
