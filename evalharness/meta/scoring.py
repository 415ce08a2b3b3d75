"""The scores of each labelled summary: of a check, of one of its parts, or as published."""

import dataclasses
import itertools
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evalharness.config.build import named_scorer
from evalharness.config.signature import signature_parts, signature_text
from evalharness.config.yaml import nearest
from evalharness.errors import DataError, UnknownComponent
from evalharness.meta.labels import Labelled
from evalharness.protocols import Metric
from evalharness.records import Article, Score, Summary

# Pairs that a check is given at a time; one article's summaries are never parted.
BATCH_PAIRS = 64
NOT_PUBLISHED = "no published value"


@dataclass(frozen=True)
class Scored:
    """What one check says of all rows, by source, in the order of the rows.

    top: the value that a row counts as in `auc_all` of which the check has nothing to say: the best
        there is; None for published values, which are missing for other reasons.
    seconds: time spent in the check, by source; empty for published values.
    """

    name: str
    signature: str
    top: float | None
    scores: Mapping[str, Sequence[Score]]
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class _Asked:
    """A check's name, and the part that is asked for (`lexical.numbers`); "" for its value."""

    name: str
    check: str
    part: str


def score_checks(
    checks: Sequence[str] | Mapping[str, Metric],
    rows: Mapping[str, Sequence[Labelled]],
    given: Mapping[str, Metric] | None = None,
) -> list[Scored]:
    """Score every row with every check; a check of which several parts are asked runs once.

    checks: names, of checks and of metrics that need the article alone, also with a part
        (`extractiveness.density`); or components by the name they shall have.
    given: components with options of their own, which `checks` may name.
    Raises: UnknownComponent before anything is scored.
    """
    given = checks if isinstance(checks, Mapping) else given or {}
    asked = [_parse_name(name, given) for name in dict.fromkeys(checks)]
    built = {each.check: given.get(each.check) or named_scorer(each.check) for each in asked}
    scored = {name: _score(name, check, rows) for name, check in built.items()}
    return [_part(scored[each.check], each) for each in asked]


def _parse_name(name: str, given: Mapping[str, Metric]) -> _Asked:
    if name in given or "." not in name:
        return _Asked(name, name, "")
    check, _, part = name.partition(".")
    return _Asked(name, check, part)


def _score(name: str, check: Metric, rows: Mapping[str, Sequence[Labelled]]) -> Scored:
    first = next(iter(rows.values()))[:1]
    check.score([_pair(row) for row in first])  # what it loads at first is not timed
    scores: dict[str, list[Score]] = {}
    seconds: dict[str, float] = {}
    for source, of_source in rows.items():
        scores[source], seconds[source] = _score_source(check, of_source)
    signature = signature_text(signature_parts(name, check))
    return Scored(name, signature, check.range[1], scores, seconds)


def _score_source(check: Metric, rows: Sequence[Labelled]) -> tuple[list[Score], float]:
    scores: dict[int, Score] = {}
    seconds = 0.0
    for batch in _batches(rows):
        pairs = [_pair(rows[place]) for place in batch]
        started = time.perf_counter()
        found = check.score(pairs)
        seconds += time.perf_counter() - started
        scores.update(zip(batch, found, strict=True))
    return [scores[place] for place in range(len(rows))], seconds


def _batches(rows: Sequence[Labelled]) -> Iterator[list[int]]:
    """Yield the places of rows in batches, those of one article together."""
    by_article: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        by_article.setdefault(row.article, []).append(place)
    batch: list[int] = []
    for places in by_article.values():
        if batch and len(batch) + len(places) > BATCH_PAIRS:
            yield batch
            batch = []
        batch = [*batch, *places]
    if batch:
        yield batch


def _pair(row: Labelled) -> tuple[Article, Summary]:
    return Article(row.article_id, row.article), Summary(row.article_id, row.summary)


def _part(whole: Scored, asked: _Asked) -> Scored:
    if not asked.part:
        return whole
    known = {
        name
        for score in itertools.chain.from_iterable(whole.scores.values())
        for name in score.parts
    }
    if asked.part not in known:
        near = nearest(asked.part, sorted(known)) if known else "; it has no parts"
        raise UnknownComponent(f"--checks {asked.name}: no such part{near}")
    return dataclasses.replace(
        whole,
        name=asked.name,
        signature=f"{whole.signature}|part:{asked.part}",
        top=math.inf,
        scores={
            source: [_part_score(score, asked.part) for score in scores]
            for source, scores in whole.scores.items()
        },
    )


def _part_score(score: Score, part: str) -> Score:
    value = score.parts.get(part)
    return Score(value, note="" if value is not None else score.note or f"no part {part}")


def read_published(name: str, rows: Mapping[str, Sequence[Labelled]]) -> Scored:
    """Return a metric's published values in place of a check's scores.

    Raises: DataError where no row has a value of this name.
    """
    known = {known for of_source in rows.values() for row in of_source for known in row.published}
    if name not in known:
        near = nearest(name, sorted(known)) if known else "; the rows have none"
        raise DataError(f"--published {name}: no row has this value{near}")
    scores = {
        source: [_published_score(row.published.get(name)) for row in of_source]
        for source, of_source in rows.items()
    }
    return Scored(name, f"{name}|published:yes", None, scores, {})


def _published_score(value: float | None) -> Score:
    return Score(value, note=NOT_PUBLISHED if value is None else "")
