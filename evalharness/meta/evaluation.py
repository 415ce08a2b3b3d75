"""Checks against people: figures for each check and source, macro averages, paired differences."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalharness.config.yaml import nearest
from evalharness.errors import DataError
from evalharness.meta import figures
from evalharness.meta.figures import CONFIDENCE, ResampledFigure, Resampling, flat, mean_of
from evalharness.meta.labels import Labelled, LabelSet, read_labels
from evalharness.meta.scoring import Scored, read_published, score_checks
from evalharness.protocols import Metric

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
    rejected: Sequence[Mapping[str, str]]
    interval: Mapping[str, Any]

    def record(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        names = (
            "checks", "differences", "span_baselines", "not_labelled", "labels", "rejected",
            "interval",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


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
    labels: Sequence[str] = (),
    kinds: Sequence[str] = (),
    ignored_spans: Sequence[str] = (),
    without: Sequence[str] = (),
    limit_per_source: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Agreement:
    """Measure how checks agree with the human labels of some files.

    checks: names (`numbers`, or a part: `extractiveness.density`), or components by name.
    given: components with options of their own, by the names that `checks` may use.
    published: metric values that the files bring, to be measured like a check.
    labels: the field that holds the label, `label_strict`, for one source `cao22=label_strict`.
    kinds: the kinds of flags that count at the level of spans; none for all.
    ignored_spans: types of marked spans that are nothing wrong (`Benign`).
    without: sources to leave out of a second macro average, beside that of all.
    Raises: DataError for files without a usable row, UnknownComponent for a name that is none.
    """
    label_set = read_labels(paths, labels, limit_per_source)
    scored = score_checks(checks, label_set.rows, given) if checks else []
    scored += [read_published(name, label_set.rows) for name in published]
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
    """Return what is to be known of the labels themselves."""
    return {
        "not_labelled": _not_labelled(label_set),
        "labels": label_set.fields,
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
