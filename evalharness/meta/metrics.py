"""Metrics against people: within an article, over systems, pair by pair, and one against another.

Rows are summaries with a system, references, and what people said of each dimension
(`scores.relevance`). Within an article: does the metric put its summaries in the people's order?
Over systems: does it put systems in their order? Intervals are over articles, over systems, and
over both, by the Poisson bootstrap. Which score agrees best, and which ones do no worse, is said of
each dimension: which score to trust for which question.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evalharness import text
from evalharness.config.build import named_scorer
from evalharness.config.registry import whole_name
from evalharness.config.yaml import nearest
from evalharness.errors import DataError
from evalharness.meta.evaluation import Scored, score_checks
from evalharness.meta.figures import CONFIDENCE, ResampledFigure, Resampling
from evalharness.meta.labels import GRADE, Labelled, LabelSet, read_labels
from evalharness.protocols import Metric
from evalharness.records import Score
from evalharness.stats import agreement
from evalharness.stats.agreement import weighted_mean
from evalharness.stats.intervals import Values, none_for_nan
from evalharness.stats.raters import williams_test

Coefficient = Callable[..., Values]
WORD_COUNT = "length in words"
_COEFFICIENTS: Mapping[str, Coefficient] = {
    "pearson": agreement.pearson,
    "spearman": agreement.spearman,
    "kendall": agreement.kendall,
}
# Two grades, or two scores, that differ by no more than this differ by rounding only.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class MetricAgreement:
    """How metrics agree with people; `record()` is what `--json` prints.

    sources: by source and dimension: `n`, `articles`, `systems`; `by_metric`, by name `within`,
    `system` and `pairwise`; `trust`, which score agrees best (`rank_scores`); `williams`, of each
    two metrics whether one's correlation over systems is higher. rejected: rows that could not be
    used.
    """

    sources: Mapping[str, Mapping[str, Any]]
    signatures: Mapping[str, str]
    rejected: Sequence[Mapping[str, str]]
    resampling: Mapping[str, Any]

    def record(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return dict(vars(self))


def evaluate_metrics(
    paths: Sequence[str | Path],
    metrics: Sequence[str],
    human: Sequence[str] = (),
    given: Mapping[str, Metric] | None = None,
    limit_per_source: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
    format: str | None = None,
    articles: str | Path | None = None,
) -> MetricAgreement:
    """Measure how metrics, and checks, agree with what people said of summaries.

    metrics: names, of metrics and checks, also with a part (`rouge2.recall`); the length in words
        is measured beside them. human: dimensions, fields of `scores`; none for all there are.
    format, articles: as `read_labels` takes them.
    Raises: DataError for files without a usable row, or without a dimension that is named.
    """
    label_set = read_labels(
        paths, limit_per_source=limit_per_source, format=format, articles=articles
    )
    _dimensions_exist(human, label_set)
    scored = _scored(metrics, label_set.rows, given or {})
    resampling = Resampling(seed, resamples)
    sources: dict[str, dict[str, Any]] = {}
    for source, rows in label_set.rows.items():
        for dimension in _dimensions(rows, human):
            found = _figures(rows, dimension, scored, source, resampling)
            sources.setdefault(source, {})[dimension] = found
    return MetricAgreement(
        sources,
        {each.name: each.signature for each in scored},
        _rejected(label_set),
        {"level": CONFIDENCE, "resamples": resamples, "seed": seed},
    )


def _rejected(label_set: LabelSet) -> list[dict[str, str]]:
    return [{"where": bad.where, "reason": bad.reason} for bad in label_set.rejected]


def _scored(
    metrics: Sequence[str], rows: Mapping[str, Sequence[Labelled]], given: Mapping[str, Metric]
) -> list[Scored]:
    built = dict(given)
    for name in metrics:
        label = whole_name(name).partition(".")[0]
        if name not in built and label not in built:
            built[label] = named_scorer(label, "--metrics", with_references=True)
    if not any(row.references for of_source in rows.values() for row in of_source):
        lacking = [name for name, metric in built.items() if "references" in metric.needs]
        if lacking:
            names = ", ".join(lacking)
            raise DataError(f"--metrics {names}: no row has 'references', or a 'reference'")
    whole = [name if name in given else whole_name(name) for name in metrics]
    scored = score_checks(whole, rows, built) if metrics else []
    lengths = {
        source: [Score(float(len(text.words(row.summary)))) for row in of_source]
        for source, of_source in rows.items()
    }
    return [*scored, Scored(WORD_COUNT, "words", None, lengths, {})]


def _dimensions(rows: Sequence[Labelled], wanted: Sequence[str]) -> list[str]:
    known = list(dict.fromkeys(name for row in rows for name in row.dimensions))
    if not known and any(row.score is not None for row in rows):
        known = [GRADE]
    return [name for name in known if not wanted or name in wanted]


def _dimensions_exist(wanted: Sequence[str], label_set: LabelSet) -> None:
    every = (_dimensions(rows, ()) for rows in label_set.rows.values())
    known = sorted({name for names in every for name in names})
    if not known:
        raise DataError("no row has 'scores' by dimension, or a 'score'")
    for name in wanted:
        if name not in known:
            raise DataError(f"--human {name}: no row has this dimension{nearest(name, known)}")


@dataclass(frozen=True)
class Grid:
    """A metric's values and people's, shape (articles, systems); NaN where there is none."""

    values: Values
    grades: Values
    articles: Sequence[str]
    systems: Sequence[str]

    @property
    def known(self) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        """Where both are known."""
        return ~np.isnan(self.values) & ~np.isnan(self.grades)


def _grids(
    rows: Sequence[Labelled], dimension: str, columns: Sequence[Sequence[float | None]]
) -> list[Grid]:
    """Return a grid a metric. The second summary of a system of an article has a row of its own."""
    seen: Counter[tuple[str, str]] = Counter()
    articles: dict[str, int] = {}
    systems: dict[str, int] = {}
    cells: list[tuple[int, int]] = []
    for row in rows:
        key = row.article_id, row.system
        seen[key] += 1
        article, system = key
        if not system:
            system = f"summary {seen[key]}"
        elif seen[key] > 1:
            article = f"{article} ({seen[key]})"
        place = articles.setdefault(article, len(articles))
        cells.append((place, systems.setdefault(system, len(systems))))
    at = tuple(np.array(cells, dtype=np.intp).T)
    grades = _spread([_grade(row, dimension) for row in rows], at, (len(articles), len(systems)))
    return [
        Grid(_spread(column, at, grades.shape), grades, list(articles), list(systems))
        for column in columns
    ]


def _grade(row: Labelled, dimension: str) -> float | None:
    return row.score if dimension == GRADE else row.dimensions.get(dimension)


def _spread(column: Sequence[float | None], at: tuple[Any, ...], shape: tuple[int, ...]) -> Values:
    grid = np.full(shape, np.nan)
    grid[at] = [math.nan if value is None else value for value in column]
    return grid


def _figures(
    rows: Sequence[Labelled],
    dimension: str,
    scored: Sequence[Scored],
    source: str,
    resampling: Resampling,
) -> dict[str, Any]:
    columns = [[score.value for score in each.scores[source]] for each in scored]
    grids = _grids(rows, dimension, columns)
    names = [each.name for each in scored]
    named = any(row.system for row in rows)
    measured = {
        name: _measure(grid, resampling, over_systems=named)
        for name, grid in zip(names, grids, strict=True)
    }
    graded = ~np.isnan(grids[0].grades)
    return {
        "n": int(graded.sum()),
        "articles": int(graded.any(axis=1).sum()),
        "systems": int(graded.any(axis=0).sum()) if named else 0,
        "by_metric": {name: figures for name, (figures, _) in measured.items()},
        "trust": rank_scores({name: resampled for name, (_, resampled) in measured.items()}),
        "williams": _williams(dict(zip(names, grids, strict=True))) if named else [],
    }


def metric_figures(
    grid: Grid, resampling: Resampling, *, over_systems: bool = True
) -> dict[str, Any]:
    """Return a metric's correlations within articles and over systems, and its pairs in order."""
    return _measure(grid, resampling, over_systems=over_systems)[0]


# By which coefficient scores are ranked at each level, and over which resamples.
RANKED_BY: Mapping[str, tuple[str, str]] = {
    "within": ("spearman", "articles"),
    "system": ("kendall", "both"),
}
_Resampled = Mapping[str, ResampledFigure]


def _measure(
    grid: Grid, resampling: Resampling, *, over_systems: bool
) -> tuple[dict[str, Any], _Resampled]:
    """Return all figures of a metric, and those that it is ranked by with their resamples."""
    by_article = resampling.counts(grid.articles).astype(np.float64)
    by_system = resampling.counts(grid.systems).astype(np.float64)
    levels = {"within": {name: _within(coefficient, grid, by_article, by_system)
                         for name, coefficient in _COEFFICIENTS.items()}}  # fmt: skip
    if over_systems and grid.known.any(axis=0).sum() > 2:
        levels["system"] = {
            name: _over_systems(coefficient, grid, by_article, by_system)
            for name, coefficient in _OF_ROWS.items()
        }
    figures: dict[str, Any] = {"n": int(grid.known.sum())}
    for level, found in levels.items():
        figures[level] = {name: each.flat() for name, each in found.items()}
    figures["pairwise"] = _pairwise(grid, by_article)
    if "system" in levels:
        figures["system_pairs"] = _system_pairs(grid, by_article)
    ranked: dict[str, ResampledFigure] = {}
    for level, (coefficient, over) in RANKED_BY.items():
        if level in levels and not math.isnan(levels[level][coefficient].value):
            each = levels[level][coefficient]
            ranked[level] = ResampledFigure(each.value, each.resampled[over])
    return figures, ranked


def rank_scores(measured: Mapping[str, _Resampled]) -> list[dict[str, Any]]:
    """Return within articles and over systems which score agrees best with people.

    measured: by score, its figure of each level. Scores are in order, the best first. alike: those
        whose difference to the best has an interval that holds 0; lower: the others. The intervals
        are not adjusted for their number.
    """
    ranking = []
    for level, (coefficient, over) in RANKED_BY.items():
        known = {name: each[level] for name, each in measured.items() if level in each}
        known = dict(sorted(known.items(), key=lambda named: -named[1].value))
        if not known:
            continue
        best = next(iter(known))
        lows = {name: known[best].minus(each).flat("d")["d_low"] for name, each in known.items()}
        lower = [name for name, low in lows.items() if low is not None and low > 0]
        entry = {"level": level, "coefficient": coefficient, "over": over, "best": best}
        others = [name for name in known if name not in (best, *lower)]
        scores = {name: each.flat("value") for name, each in known.items()}
        ranking.append(entry | {"alike": others, "lower": lower, "scores": scores})
    return ranking


@dataclass(frozen=True)
class _Correlation:
    """A coefficient, and what resamples over articles, systems or both make of it."""

    value: float
    resampled: Mapping[str, Values]
    articles_used: int | None = None

    def flat(self) -> dict[str, Any]:
        """Return the figure and the ends of its intervals by what was resampled."""
        used = {} if self.articles_used is None else {"articles_used": self.articles_used}
        return _with_intervals(self.value, self.resampled) | used


def _within(
    coefficient: Coefficient, grid: Grid, by_article: Values, by_system: Values
) -> _Correlation:
    """Return the mean over articles of a coefficient over the summaries of each."""
    points, resampled, places = [], [], []
    for article, known in enumerate(grid.known):
        x, y = grid.values[article, known], grid.grades[article, known]
        point = float(coefficient(x, y)) if len(x) > 1 else math.nan
        if not math.isnan(point):
            points.append(point)
            resampled.append(coefficient(x, y, by_system[:, known]))
            places.append(article)
    if not points:
        return _Correlation(math.nan, {}, 0)
    of_systems, weights = np.array(resampled).T, by_article[:, places]
    defined = ~np.isnan(of_systems)
    filled = np.where(defined, of_systems, 0.0)
    return _Correlation(
        float(np.mean(points)),
        {
            "articles": weighted_mean(np.array(points), weights),
            "systems": _mean_of_defined(filled, defined.astype(np.float64)),
            "both": _mean_of_defined(filled, defined * weights),
        },
        len(points),
    )


def _mean_of_defined(values: Values, weights: Values) -> Values:
    total = weights.sum(axis=1)
    mean: Values = np.where(
        total > 0, (values * weights).sum(axis=1) / np.where(total > 0, total, 1), np.nan
    )
    return mean


def _with_intervals(value: float, resampled: Mapping[str, Values]) -> dict[str, Any]:
    """Return a figure and the ends of its intervals by what was resampled."""
    found: dict[str, Any] = {"value": none_for_nan(value)}
    for over, values in resampled.items():
        flat = ResampledFigure(value, values).flat("v")
        found[over] = [flat["v_low"], flat["v_high"]]
    return found


def _over_systems(
    coefficient: Coefficient, grid: Grid, by_article: Values, by_system: Values
) -> _Correlation:
    """Return a coefficient of the systems' means over articles."""
    ones = np.ones((1, len(grid.articles)))
    means, resampled = _system_means(grid, ones), _system_means(grid, by_article)
    every = np.ones_like(by_system)
    repeated = means[0].repeat(len(every), 0), means[1].repeat(len(every), 0)
    return _Correlation(
        float(_of_means(coefficient, *means, np.ones((1, len(grid.systems))))[0]),
        {
            "articles": _of_means(coefficient, *resampled, every),
            "systems": _of_means(coefficient, *repeated, by_system),
            "both": _of_means(coefficient, *resampled, by_system),
        },
    )


def _system_means(grid: Grid, weights: Values) -> tuple[Values, Values]:
    """Return the means of values and of grades by system, shape (resamples, systems).

    Rounded, so that systems whose grades have one sum are tied however it was added up.
    """
    known = grid.known.astype(np.float64)
    total = weights @ known
    safe = np.where(total > 0, total, 1)
    means = [
        np.where(total > 0, np.round(weights @ np.where(grid.known, each, 0.0) / safe, 12), np.nan)
        for each in (grid.values, grid.grades)
    ]
    return means[0], means[1]


def _of_means(coefficient: Coefficient, x: Values, y: Values, weights: Values) -> Values:
    """Return a coefficient of each row of means, all of shape (resamples, systems)."""
    there = ~np.isnan(x)
    return coefficient(np.where(there, x, 0.0), np.where(there, y, 0.0), weights * there)


def row_spearman(x: Values, y: Values, weights: Values) -> Values:
    """Return Spearman's correlation of each row, as `agreement.spearman` of one."""
    ranks = [
        ((1 + signs) @ weights[:, :, np.newaxis])[..., 0] / 2 for signs in (_order(x), _order(y))
    ]
    return agreement.pearson(ranks[0], ranks[1], weights)


def row_kendall(x: Values, y: Values, weights: Values) -> Values:
    """Return Kendall's tau-b of each row, as `agreement.kendall` of one."""
    both = weights[:, :, np.newaxis] * weights[:, np.newaxis]
    ahead, better = _order(x), _order(y)
    agreeing = (both * ahead * better).sum(axis=(1, 2))
    untied = [(both * np.abs(signs)).sum(axis=(1, 2)) for signs in (ahead, better)]
    below = np.sqrt(untied[0]) * np.sqrt(untied[1])
    tau: Values = np.where(below > 0, agreeing / np.where(below > 0, below, 1), np.nan)
    return tau


def _order(values: Values) -> Values:
    """Return of each two columns which is higher, shape (rows, columns, columns)."""
    signs: Values = np.sign(values[:, :, np.newaxis] - values[:, np.newaxis])
    return signs


_OF_ROWS: Mapping[str, Coefficient] = {
    "pearson": agreement.pearson,
    "spearman": row_spearman,
    "kendall": row_kendall,
}


# --- Pairs


def _pairwise(grid: Grid, by_article: Values) -> dict[str, Any]:
    """Return the share of pairs of an article's summaries that are put in the people's order.

    With ties as Deutsch et al. (2023, Ties matter) have them: a pair that people find equal is
    right where the scores differ by no more than epsilon, which is chosen to be best on these very
    pairs.
    """
    pairs = [_signs(x[k], y[k]) for x, y, k in
             zip(grid.values, grid.grades, grid.known, strict=True)]  # fmt: skip
    metric = np.concatenate([each for each, _ in pairs])
    people = np.concatenate([each for _, each in pairs])
    if not len(metric):
        return _with_intervals(math.nan, {}) | {"pairs": 0, "epsilon": None}
    epsilon = best_epsilon(metric, people)
    rights = [pairs_right(one, other, epsilon) for one, other in pairs]
    hits = np.array([right.sum() for right in rights])
    sizes = np.array([len(right) for right in rights], dtype=np.float64)
    resampled = _mean_of_defined(
        np.broadcast_to(hits / np.maximum(sizes, 1), by_article.shape), by_article * sizes
    )
    value = float(hits.sum() / sizes.sum())
    return _with_intervals(value, {"articles": resampled}) | {
        "pairs": len(metric),
        "epsilon": epsilon,
        "ties": float((people == 0).mean()),
    }


def _signs(x: Values, y: Values) -> tuple[Values, Values]:
    """Return of each two summaries the difference of scores, and the sign of that of grades."""
    one, other = np.triu_indices(len(x), 1)
    difference = y[one] - y[other]
    return x[one] - x[other], np.where(np.abs(difference) <= _ROUNDING, 0.0, np.sign(difference))


def pairs_right(metric: Values, people: Values, epsilon: float) -> Values:
    """Return which pairs are right, 1 or 0: equal to both, or in the same order by both.

    >>> pairs_right(np.array([0.3, 0.1, -0.5]), np.array([1.0, 0.0, 1.0]), 0.2)
    array([1., 1., 0.])
    """
    said = np.where(np.abs(metric) <= epsilon, 0.0, np.sign(metric))
    right: Values = (said == people).astype(np.float64)
    return right


def best_epsilon(metric: Values, people: Values) -> float:
    """Return the difference of scores up to which pairs had best be taken for equal; the least.

    >>> best_epsilon(np.array([0.3, 0.1, -0.5]), np.array([1.0, 0.0, -1.0]))
    0.1
    """
    size = np.abs(metric)
    order = np.argsort(size, kind="stable")
    # Up to each difference pairs of equal grades are right; beyond it, those in the same order.
    equal = np.concatenate([[0], np.cumsum(people[order] == 0)])
    in_order = (np.sign(metric) == people)[order] & (people[order] != 0)
    beyond = in_order.sum() - np.concatenate([[0], np.cumsum(in_order)])
    ends = np.concatenate([[0.0], size[order]])
    last = np.append(ends[1:] != ends[:-1], True)  # all pairs of one difference go together
    last[0] &= not (len(size) and size[order][0] == 0)
    right = np.where(last, equal + beyond, -1)
    return float(ends[int(np.argmax(right))])


def _system_pairs(grid: Grid, by_article: Values) -> dict[str, Any]:
    """Return the share of pairs of systems that are in the people's order (Kocmi et al. 2021)."""
    one, other = np.triu_indices(len(grid.systems), 1)

    def share(weights: Values) -> Values:
        x, y = _system_means(grid, weights)
        ahead, better = x[:, one] - x[:, other], y[:, one] - y[:, other]
        known = ~np.isnan(ahead) & (np.abs(better) > _ROUNDING)
        right: Values = (np.sign(ahead) == np.sign(better)) & known
        return _mean_of_defined(right.astype(np.float64), known.astype(np.float64))

    value = float(share(np.ones((1, len(grid.articles))))[0])
    return _with_intervals(value, {"articles": share(by_article)})


def _williams(grids: Mapping[str, Grid]) -> list[dict[str, Any]]:
    """Return of each two metrics whether the one's correlation over systems is higher."""
    pairs = itertools.combinations(grids.items(), 2)
    return [
        {"first": one, "second": other, **_williams_of(first, second)}
        for (one, first), (other, second) in pairs
    ]


def _williams_of(first: Grid, second: Grid) -> dict[str, Any]:
    both = first.known & second.known
    n = both.sum(axis=0)
    x, z, y = (
        (np.where(both, each, 0.0).sum(axis=0) / np.maximum(n, 1))[n > 0]
        for each in (first.values, second.values, first.grades)
    )
    r = [float(agreement.pearson(*pair)) for pair in ((y, x), (y, z), (x, z))]
    t, p = williams_test(r[0], r[1], r[2], len(y))
    figures = {"pearson_first": r[0], "pearson_second": r[1], "t": t, "p": p}
    return {"n": len(y)} | {name: none_for_nan(figure) for name, figure in figures.items()}
