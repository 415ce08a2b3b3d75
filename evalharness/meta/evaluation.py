"""Checks against people: scores of labelled summaries, figures, means over sources, differences."""

import dataclasses
import itertools
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evalharness.config.build import named_scorer
from evalharness.config.registry import whole_name
from evalharness.config.signature import signature_parts, signature_text
from evalharness.config.yaml import nearest
from evalharness.errors import DataError, UnknownComponent
from evalharness.meta import figures
from evalharness.meta.figures import CONFIDENCE, ResampledFigure, Resampling, flat, mean_of
from evalharness.meta.labels import Labelled, LabelSet, read_labels
from evalharness.protocols import Metric
from evalharness.records import Article, Score, Summary
from evalharness.stats.agreement import mean_ranks

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
    if name in given:
        return _Asked(name, name, "")
    whole = whole_name(name)
    check, _, part = whole.partition(".")
    return _Asked(whole, check, part)


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
    return Article(row.article_id, row.article, row.references), Summary(
        row.article_id, row.summary
    )


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
        source: [
            Score(row.published.get(name), note="" if name in row.published else NOT_PUBLISHED)
            for row in of_source
        ]
        for source, of_source in rows.items()
    }
    return Scored(name, f"{name}|published:yes", None, scores, {})


def join_ranks(name: str, scored: Mapping[str, Scored]) -> Scored:
    """Return the mean rank by several checks in place of a score, `lexical+minicheck`.

    Ranks are those among the rows of a source that all of them have a value for, from 0 to 1; the
    other rows have none. Raises: DataError for a name that is not measured.
    """
    names = [part.strip() for part in name.split("+")]
    for part in names:
        if part not in scored:
            near = nearest(part, sorted(scored))
            raise DataError(f"--join {name}: {part!r} is not measured here{near}")
    parts = [scored[part] for part in names]
    signature = " + ".join(part.signature for part in parts)
    sources = {source: _mean_ranks(parts, source) for source in parts[0].scores}
    return Scored(name, f"ranks of {signature}", None, sources, {})


def _mean_ranks(parts: Sequence[Scored], source: str) -> list[Score]:
    columns = [[score.value for score in part.scores[source]] for part in parts]
    known = [n for n, values in enumerate(zip(*columns, strict=True)) if None not in values]
    of_known = [np.array([column[n] for n in known], dtype=np.float64) for column in columns]
    ranks = [mean_ranks(values) / max(1, len(known)) for values in of_known]
    means = dict(zip(known, np.mean(ranks, axis=0).tolist(), strict=True))
    note = "not all of them have a value"
    return [
        Score(means[n]) if n in means else Score(None, note=note) for n in range(len(columns[0]))
    ]


# What is averaged over the sources; every other figure stays with its source.
MACRO = ("auc", "auc_all", "balanced_accuracy", "ap_inconsistent")


@dataclass(frozen=True)
class Agreement:
    """How checks agree with people; `record()` is what `--json` prints.

    checks: by name: `signature`; `sources`, the figures by source; `macro_auc` and its kin, plain
        means over the sources that have the figure (`macro_sources` have an AUC), with `_low` and
        `_high`; `without`, the same over fewer sources, where asked for.
        A row that a check has no value for is left out of its figures and counted in `null_rate`;
        `auc_all` counts it as one with nothing wrong in it.
    differences: of each two checks in AUC, on the rows that both have a value for (`auc_…`), and
        on all rows as for `auc_all`.
    span_baselines: by source, the figures of marking everything, novel words, novel bigrams.
    not_labelled: rows without a label, by source.
    rejected: rows that could not be used, `file:line` and why.
    """

    checks: Mapping[str, Any]
    differences: Sequence[Mapping[str, Any]]
    span_baselines: Mapping[str, Any]
    not_labelled: Mapping[str, int]
    labels: Mapping[str, str]
    grades: Mapping[str, str]
    rejected: Sequence[Mapping[str, str]]
    interval: Mapping[str, Any]

    def record(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return dict(vars(self))


_Column = list[float | None]


@dataclass(frozen=True)
class _Setting:
    resampling: Resampling
    kinds: frozenset[str]
    ignored_spans: frozenset[str]
    without: frozenset[str]


def evaluate(
    paths: Sequence[str | Path],
    checks: Sequence[str] | Mapping[str, Metric] = (),
    *,
    given: Mapping[str, Metric] | None = None,
    published: Sequence[str] = (),
    joined: Sequence[str] = (),
    labels: Sequence[str] = (),
    grades: Sequence[str] = (),
    kinds: Sequence[str] = (),
    ignored_spans: Sequence[str] = (),
    without: Sequence[str] = (),
    limit_per_source: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
    format: str | None = None,
    articles: str | Path | None = None,
) -> Agreement:
    """Measure how checks agree with the human labels of some files.

    checks: names (`numbers`, or a part: `extractiveness.density`), or components by name.
    given: components with options of their own, by the names that `checks` may use.
    published: metric values that the files bring, to be measured like a check.
    joined: two or more of those to be measured by their mean rank: `lexical+minicheck`.
    labels: the field that holds the label, `label_strict`, for one source `cao22=label_strict`.
    grades: the field that holds the grade, `scores.relevance`, for one source `summeval=…`.
    kinds: the kinds of flags that count at the level of spans; none for all.
    ignored_spans: types of marked spans that are nothing wrong (`Benign`).
    without: sources to leave out of a second macro average, beside that of all.
    format, articles: how a known data set is distributed, and where its articles are, as
        `read_labels` takes them.
    Raises: DataError for files without a usable row, UnknownComponent for a name that is none.
    """
    label_set = read_labels(paths, labels, limit_per_source, grades, format, articles)
    scored = score_checks(checks, label_set.rows, given) if checks else []
    scored += [read_published(name, label_set.rows) for name in published]
    by_name = {each.name: each for each in scored}
    scored += [join_ranks(name, by_name) for name in joined]
    if not scored:
        raise DataError("nothing to measure: name a check (--checks) or a published value")
    _are_sources(without, label_set)
    setting = _Setting(
        Resampling(seed, resamples), frozenset(kinds), frozenset(ignored_spans), frozenset(without)
    )
    measured: dict[str, Any] = {
        "checks": {each.name: _check(each, label_set, setting) for each in scored},
        "differences": [
            _difference(first, second, label_set, setting)
            for first, second in itertools.combinations(scored, 2)
        ],
        "span_baselines": _baselines(label_set, setting),
    }
    interval = {"level": CONFIDENCE, "resamples": resamples, "seed": seed, "over": "articles"}
    return Agreement(**measured, **_describe_labels(label_set), interval=interval)


def _describe_labels(label_set: LabelSet) -> dict[str, Any]:
    return {
        "not_labelled": _not_labelled(label_set),
        "labels": label_set.fields,
        "grades": label_set.grades,
        "rejected": [{"where": bad.where, "reason": bad.reason} for bad in label_set.rejected],
    }


def _check(scored: Scored, label_set: LabelSet, setting: _Setting) -> dict[str, Any]:
    flags = any(score.flags for scores in scored.scores.values() for score in scores)
    sources: dict[str, Any] = {}
    estimates: dict[str, Mapping[str, ResampledFigure]] = {}
    for source, rows in label_set.rows.items():
        sources[source], estimates[source] = _source(source, rows, scored, setting, flags)
    found = {"signature": scored.signature, "sources": sources, **_macro(estimates)}
    if setting.without:
        rest = {name: each for name, each in estimates.items() if name not in setting.without}
        found["without"] = {"sources": sorted(setting.without), **_macro(rest)}
    return found


def _macro(estimates: Mapping[str, Mapping[str, ResampledFigure]]) -> dict[str, Any]:
    """Return the means over the sources that have a figure, and the sources that have an AUC."""
    found: dict[str, Any] = {"macro_auc": None, "macro_auc_low": None, "macro_auc_high": None}
    for name in MACRO:
        known = [each[name] for each in estimates.values() if name in each]
        found |= mean_of(known).flat(f"macro_{name}") if known else {}
    return found | {"macro_sources": [source for source in estimates if "auc" in estimates[source]]}


def _are_sources(names: Sequence[str], label_set: LabelSet) -> None:
    for name in names:
        if name not in label_set.rows:
            near = nearest(name, sorted(label_set.rows))
            raise DataError(f"--without {name}: no such source{near}")


def _source(
    source: str, rows: Sequence[Labelled], scored: Scored, setting: _Setting, flags: bool
) -> tuple[dict[str, Any], dict[str, ResampledFigure]]:
    scores, resampling = scored.scores[source], setting.resampling
    values = [score.value for score in scores]
    found: dict[str, Any] = figures.count_rows(rows, scores, scored.seconds.get(source))
    known = figures.by_label(rows, values)
    estimates, threshold = figures.label_figures(known, resampling)
    if scored.top is not None:
        of_all = figures.auc_of_all(rows, scores, scored.top, resampling)
        estimates |= {"auc_all": of_all} if of_all else {}
    found |= {"auc": None, **flat(estimates), "threshold": threshold}
    reason = figures.no_classes(known, found["labelled"])
    found |= {"reason": reason} if reason else {}
    found |= figures.grade_figures(rows, values, resampling)
    found |= figures.pair_figures(known, resampling)
    found |= figures.sentence_figures(rows, scores, resampling)
    marked = figures.rows_with_spans(rows, setting.ignored_spans) if flags else None
    if marked:
        counts = resampling.counts([row.article_id for row in marked.rows])
        found["spans"] = figures.flag_figures(marked, scores, setting.kinds, counts)
    if kinds := figures.kind_figures(rows, scores, marked):
        found["kinds"] = kinds
    return found, estimates


def _difference(
    first: Scored, second: Scored, label_set: LabelSet, setting: _Setting
) -> dict[str, Any]:
    """Return by how much the first check's AUC is above the second's, paired by resample."""
    sources: dict[str, Any] = {}
    averaged: dict[str, list[ResampledFigure]] = {}
    for source, rows in label_set.rows.items():
        found: dict[str, Any] = {}
        for name, columns in _columns(first, second, source).items():
            both = [figures.by_label(rows, column) for column in columns]
            auc, other = (figures.auc(known, setting.resampling) for known in both)
            if auc is None or other is None:
                continue
            difference = auc.minus(other)
            averaged.setdefault(name, []).append(difference)
            found |= difference.flat(f"{name}_difference")
        if found:
            sources[source] = {"n": _scored_by_both(first, second, source, rows), **found}
    macros = {f"macro_{name}_difference": mean_of(each) for name, each in averaged.items()}
    return {"first": first.name, "second": second.name, "sources": sources, **flat(macros)}


def _scored_by_both(first: Scored, second: Scored, source: str, rows: Sequence[Labelled]) -> int:
    common, _ = _columns(first, second, source)["auc"]
    return len(figures.by_label(rows, common).places)


def _columns(first: Scored, second: Scored, source: str) -> dict[str, tuple[_Column, _Column]]:
    """Return the values to compare: where both have one; all, if their lack means no fault."""
    pairs = [
        (one.value, other.value)
        for one, other in zip(first.scores[source], second.scores[source], strict=True)
    ]
    common = [pair if None not in pair else (None, None) for pair in pairs]
    columns = {"auc": ([one for one, _ in common], [other for _, other in common])}
    if first.top is not None and second.top is not None:
        ours = [first.top if one is None else one for one, _ in pairs]
        theirs = [second.top if other is None else other for _, other in pairs]
        columns["auc_all"] = (list(ours), list(theirs))
    return columns


def _baselines(label_set: LabelSet, setting: _Setting) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for source, rows in label_set.rows.items():
        marked = figures.rows_with_spans(rows, setting.ignored_spans)
        if marked:
            counts = setting.resampling.counts([row.article_id for row in marked.rows])
            found[source] = figures.baseline_figures(marked, counts)
    return found


def _not_labelled(label_set: LabelSet) -> dict[str, int]:
    counts = {
        source: sum(row.label is None for row in rows) for source, rows in label_set.rows.items()
    }
    return {source: n for source, n in counts.items() if n}
