"""The data in the page: an index of all articles with their figures, and their texts in chunks.

It is JSON, gzipped, in base64. Offsets are in UTF-16 code units, as the browser counts.
"""

import base64
import gzip
import json
import math
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from pydantic_core import to_json

from evalharness.comparison.new_errors import error_names
from evalharness.errors import DataError
from evalharness.records import Span, flag_kind, unread_spans
from evalharness.report.articles import (
    UNLIKE_A_SAMPLE,
    ArticleChoice,
    Articles,
    ArticleSamples,
    Texts,
    broken_sample,
)
from evalharness.report.gathered import Gathered
from evalharness.store.aggregates import is_truncated
from evalharness.text import sentences

PAGE_FORMAT = 1
# Of JSON: small enough to be unpacked while a reader waits, large enough to compress well.
CHUNK_BYTES = 400_000
# Chunks that are compressed at a time, and those that wait for it, or to be taken.
_COMPRESSED_AT_ONCE, _PACKED_AT_ONCE = 2, 3
# Of gzip: 9 takes twice the time of 5 for a page that is a hundredth smaller.
_LEVEL = 5
# Articles that tell how large all will be.
TRIED = 60
# Characters that stand for a title.
_OPENING = 80

Spans = list[list[int]]


class Units:
    """Turns offsets in Python's characters into JavaScript's: UTF-16 code units.

    >>> Units("a😀b").at(2)
    3
    """

    def __init__(self, text: str) -> None:
        """Take the text that the offsets are of."""
        units = len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
        wide = units > len(text)
        self._wide = [i for i, c in enumerate(text) if c > "\uffff"] if wide else []

    def at(self, offset: int) -> int:
        """Return one offset in UTF-16 code units."""
        return offset + bisect_left(self._wide, offset) if self._wide else offset

    def span(self, start: int, end: int) -> list[int]:
        """Return the two offsets of a span."""
        return [self.at(start), self.at(end)] if self._wide else [start, end]

    def spans(self, spans: Sequence[Span]) -> Spans:
        """Return the offsets of spans."""
        return [self.span(*span) for span in spans] if self._wide else [list(s) for s in spans]

    def of(self, span: Mapping[str, Any]) -> list[int]:
        """Return the offsets of a stored span."""
        start, end = span["start"], span["end"]
        return [self.at(start), self.at(end)] if self._wide else [start, end]


@dataclass
class PageIndex:
    """What the page knows of all its articles before any text is unpacked."""

    gathered: Gathered
    places: Articles
    choice: ArticleChoice
    articles: dict[str, list[Any]] = field(
        default_factory=lambda: {
            key: [] for key in ("id", "source", "words", "title", "opening", "chunk", "at")
        }
    )
    sources: list[str] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        systems = range(len(self.gathered.runs))
        self._counted = {name: self._counts(name) for name in ("article_words", "words")}
        self.values: dict[str, list[list[float | None]]] = {
            column.key: [[] for _ in systems] for column in self.gathered.columns
        }
        metrics = dict.fromkeys(metric for run in self.gathered.runs for metric in run.figures)
        self.finish: list[list[str | None]] = [[] for _ in systems]
        self.words: list[list[int | None]] = [[] for _ in systems]
        self.truncated: list[list[bool | None]] = [[] for _ in systems]
        self.bands: dict[str, list[list[str | None]]] = {m: [[] for _ in systems] for m in metrics}
        self.flags: dict[str, list[list[dict[str, int] | None]]] = {
            m: [[] for _ in systems] for m in metrics
        }
        # Of two systems: how many likely errors of the first the second lacks, and new ones.
        self.gone: list[int] = []
        self.new: list[int] = []

    def _counts(self, column: str) -> list[list[int]]:
        """Return what the run of each system has counted of the chosen articles, in their order.

        Of an article that a run does not have, it is any number.
        """
        counts = []
        rows = self.places.rows[list(self.choice.chosen)].T.tolist()
        for run, of_run in zip(self.gathered.runs, rows, strict=True):
            values = run.table([column]).column(0).to_pylist()  # `to_numpy` would import pandas
            counts.append([values[row] for row in of_run])
        return counts

    def add(self, article: "PageArticle", chunk: int, at: int) -> None:
        """Take in the next of the chosen articles, with what each system made of it."""
        number, has_it = len(self.articles["id"]), [one is not None for one in article.outcomes]
        if article.source not in self.sources:
            self.sources.append(article.source)
        entry = {
            "id": article.id,
            "source": self.sources.index(article.source),
            "words": self._counted["article_words"][has_it.index(True)][number],
            "title": article.title,
            "opening": article.opening,
            "chunk": chunk,
            "at": at,
        }
        for key, value in entry.items():
            self.articles[key].append(value)
        for system, outcome in enumerate(article.outcomes):
            self._add_outcome(
                system, outcome or _NO_OUTCOME, self._counted["words"][system][number]
            )
        if len(article.outcomes) == 2:
            gone, new = article.changes
            self.gone.append(gone)
            self.new.append(new)

    def _add_outcome(self, system: int, outcome: "_Outcome", words: int) -> None:
        self.finish[system].append(outcome.finish)
        self.words[system].append(None if outcome is _NO_OUTCOME else words)
        self.truncated[system].append(outcome.truncated)
        for column, values in self.values.items():
            values[system].append(outcome.values.get(column))
        for metric in self.bands:
            flags = outcome.flags.get(metric)
            self.bands[metric][system].append(outcome.bands.get(metric))
            self.flags[metric][system].append(flags)
            self.kinds |= (flags or {}).keys()

    def record(self) -> dict[str, Any]:
        """Return it as the page has it."""
        kinds = sorted(self.kinds)
        return {
            "format": PAGE_FORMAT,
            "systems": list(self.gathered.names),
            "scores": [
                {
                    "key": column.key,
                    "label": column.label,
                    "of": column.measure.metric,
                    "kind": column.kind,
                    "percent": column.percent,
                }
                for column in self.gathered.columns
            ],
            "kinds": kinds,
            "looks": [flag_kind(kind).look for kind in kinds],
            "soft": [kind for kind in kinds if not flag_kind(kind).hard],
            "sources": self.sources,
            "articles": self.articles,
            "values": self.values,
            "outcomes": {
                "finish": self.finish,
                "band": _without_empty(self.bands),
                "flags": _without_empty(self.flags),
                "words": self.words,
                "truncated": self.truncated,
                **({"changes": {"gone": self.gone, "new": self.new}} if self.new else {}),
            },
            "carried": self.choice.record(),
        }


def _without_empty(by_metric: Mapping[str, list[list[Any]]]) -> dict[str, list[list[Any]]]:
    return {
        metric: systems
        for metric, systems in by_metric.items()
        if any(value is not None for system in systems for value in system)
    }


def _title(sample: Mapping[str, Any]) -> str | None:
    title = sample.get("extra", {}).get("title")
    return title if isinstance(title, str) and title.strip() else None


def _opening(text: str) -> str:
    """Return the first words of an article, by which one without a title is told from others."""
    return " ".join(text[: 4 * _OPENING].split())[:_OPENING]


def _is_truncated(sample: Mapping[str, Any]) -> bool:
    summary = sample["summary"]
    return is_truncated(sample["article"], summary.get("read"), summary.get("tokens_in"))


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


class _Outcome(NamedTuple):
    """What the index has of a system's sample: its finish, and of each score what it says."""

    finish: str | None = None
    truncated: bool | None = None
    values: Mapping[str, float | None] = {}
    bands: Mapping[str, str | None] = {}
    flags: Mapping[str, dict[str, int]] = {}


_NO_OUTCOME = _Outcome()


class PageArticle(NamedTuple):
    """What a page has of an article: its text and all summaries as JSON, and what is in the index.

    outcomes: of each system, None of one that lacks the article. changes: of two systems that have
    it, how many likely errors of the first the second lacks, and how many are new.
    """

    id: str
    source: str
    title: str | None
    opening: str | None
    outcomes: Sequence[_Outcome | None]
    changes: tuple[int, int]
    text: bytes


class PageArticles:
    """What a page has of each article, by its number; some can be made before, and are kept."""

    def __init__(self, gathered: Gathered, texts: Texts) -> None:
        """Take the runs and their texts."""
        self._gathered = gathered
        self._columns = {column.key: column for column in gathered.columns}
        self._texts = texts
        self._kept: dict[int, PageArticle] = {}

    @cached_property
    def bytes_each(self) -> float:
        """How much of a page an article takes, by some of them spread over all; there is one."""
        places = self._texts.articles
        tried = sorted({i * places.n // TRIED for i in range(TRIED)})
        index = PageIndex(self._gathered, places, ArticleChoice(tried, places.n))
        taken = sum(map(len, pack_each(payload_chunks(self, index))))
        return (taken + len(pack_json(index.record()))) / len(tried)

    def keep(self, numbers: Iterable[int]) -> None:
        """Make some articles before they are asked for; those that cannot be made are left."""
        for number in numbers:
            with suppress(DataError):
                self._kept[number] = self[number]

    def __getitem__(self, number: int) -> PageArticle:
        """Return an article. Raises: DataError where a run's samples cannot be read."""
        if number in self._kept:
            return self._kept[number]
        samples = self._texts[number]
        try:
            return self._article_of(samples)
        except UNLIKE_A_SAMPLE as error:
            where = self._texts.where(number, _first_broken_system(samples))
            raise broken_sample(where, error) from None

    def _article_of(self, samples: ArticleSamples) -> PageArticle:
        first = next(sample for sample in samples if sample is not None)
        title = _title(first)
        return PageArticle(
            first["id"],
            str(first.get("source", "")),
            title,
            None if title else _opening(first["article"]),
            [None if sample is None else self._outcome(sample) for sample in samples],
            _changes(samples),
            json_bytes(article_record(samples)),
        )

    def _outcome(self, sample: Mapping[str, Any]) -> _Outcome:
        scores = sample["scores"]
        said = {metric: score for metric, score in scores.items() if score}
        return _Outcome(
            sample["summary"]["finish"],
            _is_truncated(sample),
            {key: _finite(column.value_in(scores)) for key, column in self._columns.items()},
            {metric: band for metric, score in said.items() if (band := score.get("band"))},
            {metric: _count_kinds(flags) for metric, score in said.items()
             if (flags := score.get("flags"))},
        )  # fmt: skip


def _changes(samples: ArticleSamples) -> tuple[int, int]:
    """Return how many likely errors of the first of two systems the second lacks, and new ones."""
    if len(samples) != 2 or None in samples:
        return 0, 0
    one, other = (error_names(sample) for sample in samples if sample is not None)
    return len(one - other), len(other - one)


def _count_kinds(flags: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return dict(sorted(Counter(flag["kind"] for flag in flags).items()))


def payload_chunks(articles: PageArticles, index: PageIndex) -> Iterator[bytes]:
    """Yield the texts of the chosen articles, some at a time, and enter each into the index.

    A chunk is the JSON of a list. Raises: DataError where a run's samples cannot be read.
    """
    chunk: list[bytes] = []
    size = number = 0
    for chosen in index.choice.chosen:
        article = articles[chosen]
        index.add(article, number, len(chunk))
        chunk.append(article.text)
        size += len(article.text)
        if size >= CHUNK_BYTES:
            yield b"[%b]" % b",".join(chunk)
            chunk, size, number = [], 0, number + 1
    if chunk:
        yield b"[%b]" % b",".join(chunk)


def _first_broken_system(samples: ArticleSamples) -> int:
    there = [system for system, sample in enumerate(samples) if sample is not None]
    for system in there:
        try:
            article_record([samples[system]])
        except UNLIKE_A_SAMPLE:
            return system
    return there[0]


def article_record(samples: ArticleSamples) -> dict[str, Any]:
    """Return what the page has of one article: text, references, and each system's summary."""
    first = next(sample for sample in samples if sample is not None)
    units = Units(first["article"])
    return {
        "id": first["id"],
        "title": _title(first),
        "text": first["article"],
        "references": first.get("references", []),
        "sentences": units.spans(sentences(first["article"])),
        "summaries": [None if sample is None else _summary(sample, units) for sample in samples],
        **_page(first),
    }


def _page(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the page was read that an article comes from: role and text of each line."""
    extra = sample.get("extra", {})
    said = extra.get("as_read")
    if not isinstance(said, str) or not said:
        return {}
    lines = [line.partition("\t")[::2] for line in said.split("\n")]
    return {"page": lines, **({"profile": extra["profile"]} if extra.get("profile") else {})}


def _summary(sample: Mapping[str, Any], article: Units) -> dict[str, Any]:
    summary = sample["summary"]
    own = Units(summary["text"])
    record = {
        "text": summary["text"],
        "unread": article.spans(unread_spans(summary, sample["article"])),
        "finish": summary["finish"],
        "tokens": summary.get("tokens"),
        "defects": sample.get("defects", []),
        "note": summary.get("note", ""),
        "sentences": own.spans(sentences(summary["text"])),
        "scores": {},
    }
    for metric, score in sample["scores"].items():
        if said := _score_details(score, own, article):
            record["scores"][metric] = said
    return record


def _score_details(score: Mapping[str, Any], own: Units, article: Units) -> dict[str, Any]:
    """Return what a score says beside its numbers; empty where that is nothing."""
    details: dict[str, Any] = {}
    note, band, by_sentence, flags = map(score.get, ("note", "band", "sentences", "flags"))
    if note or band or by_sentence or flags:
        details["value"] = _finite(score.get("value"))
    if note:
        details["note"] = note
    if band:
        details["band"] = band
    if by_sentence:
        details["sentences"] = [
            [*own.of(sentence), _finite(sentence["value"]), _evidence(sentence, article)]
            for sentence in by_sentence
        ]
    if flags:
        details["flags"] = [
            [*own.of(flag), _text(flag["kind"]), flag["message"], _evidence(flag, article)]
            for flag in flags
        ]
    if score.get("left_out"):
        details["left_out"] = [article.of(span) for span in score["left_out"]]
    if score.get("reasons"):
        details["reasons"] = [_text(reason) for reason in score["reasons"]]
    return details


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _evidence(entry: Mapping[str, Any], article: Units) -> Spans:
    return [article.of(span) for span in entry.get("evidence", ())]


def pack_json(value: Any) -> str:
    """Return a JSON value gzipped, in base64: the same for the same value, on any machine.

    Lone surrogates, which UTF-8 cannot hold, make the JSON ASCII throughout.
    """
    return _pack(json_bytes(value))


def pack_each(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield chunks of JSON packed, in order; while some are compressed, the next is made."""
    with ThreadPoolExecutor(_COMPRESSED_AT_ONCE) as compressing:
        packed: deque[Future[str]] = deque()
        for chunk in chunks:
            packed.append(compressing.submit(_pack, chunk))
            if len(packed) > _PACKED_AT_ONCE:
                yield packed.popleft().result()
        while packed:
            yield packed.popleft().result()


def _pack(text: bytes) -> str:
    return base64.b64encode(gzip.compress(text, _LEVEL, mtime=0)).decode()


_COMPACT_ASCII = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def json_bytes(value: Any) -> bytes:
    """Return compact JSON, with `null` for what is no number."""
    try:
        return to_json(value, inf_nan_mode="null")  # in a quarter of the time
    except ValueError:  # half of a surrogate pair
        return _COMPACT_ASCII.encode(value).encode()
