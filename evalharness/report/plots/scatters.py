"""One thing against another: ROUGE against consistency, quality against what it costs."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from evalharness.config.registry import model_row
from evalharness.report.gathered import ScoreColumn
from evalharness.report.plots.drawing import ACCENT, ChartRow, Plot, Spec, draw, layer
from evalharness.report.plots.material import (
    Material,
    PlottedMean,
    axis_title,
    colour_and_shape,
    cut_note,
    label,
    spread,
)

CONSISTENCY = "References against consistency"
COST = "Quality against cost"
POINTS = 16  # systems that a legend can tell apart
FEW = 3  # systems, up to which each one's articles are shown
_BINS = 14
_CHECKS = 3
# Times of which the greatest is so many times the least stand on a logarithmic axis.
_WIDE = 20


def plot_consistency(material: Material) -> Iterator[Plot]:
    """Yield each check against the first score of references: systems, or articles of a few."""
    for against in material.of("metric")[:1]:
        checks = [check for check in material.of("check") if check.verdict]
        for check in checks[:_CHECKS]:
            if len(material.runs) > FEW:
                yield from _systems(material, against, check)
            else:
                yield from _articles(material, against, check)


def _systems(material: Material, against: ScoreColumn, check: ScoreColumn) -> Iterator[Plot]:
    ordered = material.best_first(check)
    rows = []
    for system, y in ordered:
        x = material.estimate(system, against)
        if x is not None:
            rows.append(_row(material, system, x, y))
    if len(rows) > 1 and _apart(rows):
        yield draw(
            f"consistency-{against.key}-{check.key}",
            _spec(rows[:POINTS], axis_title(against), axis_title(check)),
            title=f"{label(check)} against {label(against)}, system by system",
            caption=(
                f"Right: nearer to the references ({label(against)}). Up: truer to the article by "
                f"{label(check)}. Systems on the lower right write what the references say and not "
                f"what the article says. Lines are intervals of the means."
                + cut_note(min(POINTS, len(rows)), len(rows))
            ),
            group=CONSISTENCY,
            n=max(estimate.n for _, estimate in ordered),
        )


def _row(material: Material, system: int, x: PlottedMean, y: PlottedMean) -> ChartRow:
    return {
        "place": system, "system": material.names[system], "x": x.mean, "x_low": x.low,
        "x_high": x.high, "y": y.mean, "y_low": y.low, "y_high": y.high,
    }  # fmt: skip


def _apart(rows: Sequence[ChartRow]) -> bool:
    """Tell whether points differ both ways: a line of points says less than a table."""
    return all(len({row[axis] for row in rows}) > 1 for axis in ("x", "y"))


def _articles(material: Material, against: ScoreColumn, check: ScoreColumn) -> Iterator[Plot]:
    """Yield a plot for each system, its articles counted in squares."""
    for system in set(material.runs_with_score(against)) & set(material.runs_with_score(check)):
        x, y = material.own_scores(system, against), material.own_scores(system, check)
        known = ~(np.isnan(x) | np.isnan(y))
        if spread(x[known]) == 0 or spread(y[known]) == 0:
            continue
        name, counts = material.names[system], _bin_counts(x[known], y[known])
        yield draw(
            f"consistency-{against.key}-{check.key}-{system + 1}",
            {"title": name, **_squares(counts, axis_title(against), axis_title(check))},
            title=f"{label(check)} against {label(against)}, article by article: {name}",
            caption=(
                f"Each dot stands for the articles of {name} with about these two scores; the "
                f"larger, the more. Lower right: much like the reference, and yet not in the "
                f"article by {label(check)}."
            ),
            group=CONSISTENCY,
            n=int(known.sum()),
        )


def _bin_counts(x: Any, y: Any) -> list[ChartRow]:
    counts, x_edges, y_edges = np.histogram2d(x, y, bins=_BINS)
    x_centers, y_centers = ((edges[:-1] + edges[1:]) / 2 for edges in (x_edges, y_edges))
    return [
        {"x": float(x_centers[i]), "y": float(y_centers[j]), "n": int(counts[i, j])}
        for i, j in zip(*np.nonzero(counts), strict=True)
    ]


def _squares(rows: Sequence[ChartRow], x_title: str, y_title: str) -> Spec:
    legend = {"symbolFillColor": ACCENT, "tickCount": 3, "format": "d"}
    size = {"field": "n", "type": "quantitative", "title": "articles", "legend": legend,
            "scale": {"range": [12, 260], "domainMin": 1}}  # fmt: skip
    axes = {"x": _axis("x", x_title), "y": _axis("y", y_title)}
    circles = layer("circle", {**axes, "size": size}, color=ACCENT, opacity=0.75)
    return {"width": 300, "height": 220, "data": {"values": list(rows)}, **circles}


def plot_cost(material: Material) -> Iterator[Plot]:
    """Yield quality against seconds an article, and against words."""
    seconds = {n: figure for n in range(len(material.runs)) if (figure := _seconds(material, n))}
    words = {n: figure for n in range(len(material.runs)) if (figure := _words(material, n))}
    for column in material.main:
        yield from _against(
            material, column, seconds, "seconds", "seconds an article",
            "what it took to write and score a summary, here and in this run only; systems whose "
            "summaries were stored already are left out",
        )  # fmt: skip
        yield from _against(
            material, column, words, "words", "words a summary",
            "the mean length of what was written; longer summaries say more and cost more to read",
        )  # fmt: skip


def _seconds(material: Material, system: int) -> float | None:
    """Return the seconds an article took; None where summaries came from the store or the data."""
    run = material.runs[system]
    seconds = run.timing.seconds
    if seconds is None or not run.n or run.timing.summaries.get("computed") != run.n:
        return None
    return None if model_row(run.model_kind).role == "given" else seconds / run.n


def _words(material: Material, system: int) -> float | None:
    return material.runs[system].outputs.mean_words


def _against(
    material: Material,
    column: ScoreColumn,
    costs: Mapping[int, float],
    kind: str,
    unit: str,
    means: str,
) -> Iterator[Plot]:
    rows = [
        {"place": n, "system": material.names[n], "x": costs[n], "y": estimate.mean,
         "y_low": estimate.low, "y_high": estimate.high}
        for n, estimate in material.best_first(column)
        if n in costs
    ]  # fmt: skip
    if len(rows) > 1 and _apart(rows):
        yield draw(
            f"cost-{kind}-{column.key}",
            _spec(rows[:POINTS], unit, axis_title(column), _decades([*costs.values()])),
            title=f"{label(column)} against {unit}",
            caption=(
                f"Up: a higher mean {label(column)}. Right: more {unit}, {means}."
                + cut_note(min(POINTS, len(rows)), len(rows))
            ),
            group=COST,
            n=max(run.n for run in material.runs),
        )


def _axis(field: str, title: str, decades: Sequence[float] = ()) -> Spec:
    """Return the encoding of numbers, with marks at `decades` if the axis is logarithmic."""
    kind: Spec = (
        {"type": "log", "domain": [decades[0], decades[-1]]} if decades else {"zero": False}
    )
    marks: Spec = {"values": list(decades), "format": "~g"} if decades else {"tickCount": 5}
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"nice": not decades, "padding": 6, **kind},
        "axis": marks,
    }


def _decades(values: Sequence[float]) -> list[float]:
    """Return 1, 2 and 5 times powers of ten around values that span more than an axis can show.

    >>> _decades([0.003, 0.4]), _decades([3, 4])
    ([0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5], [])
    """
    least, greatest = min(values), max(values)
    if least <= 0 or greatest <= _WIDE * least:
        return []
    powers = range(math.floor(math.log10(least)), math.ceil(math.log10(greatest)) + 1)
    marks = [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]
    first = max(n for n, mark in enumerate(marks) if mark <= least)
    last = min(n for n, mark in enumerate(marks) if mark >= greatest)
    return marks[first : last + 1]


def series(rows: Sequence[ChartRow]) -> tuple[Spec, Spec]:
    """Return the encodings of systems as colours and as shapes, with one legend below."""
    looks = {row["system"]: colour_and_shape(row["place"]) for row in rows}
    legend = {"orient": "bottom", "columns": 2, "title": None, "symbolOpacity": 1}
    common = {"field": "system", "type": "nominal", "sort": None, "legend": legend}
    colours = {"domain": list(looks), "range": [colour for colour, _ in looks.values()]}
    shapes = {"domain": list(looks), "range": [shape for _, shape in looks.values()]}
    return {**common, "scale": colours}, {**common, "scale": shapes}


def _spec(
    rows: Sequence[ChartRow], x_title: str, y_title: str, decades: Sequence[float] = ()
) -> Spec:
    colour, shape = series(rows)
    x, y = _axis("x", x_title, decades), _axis("y", y_title)
    upright = {"x": x, "y": {**y, "field": "y_low"}, "y2": {"field": "y_high"}, "color": colour}
    level = {"x": {**x, "field": "x_low"}, "x2": {"field": "x_high"}, "y": y, "color": colour}
    dots = {"x": x, "y": y, "color": colour, "shape": shape}
    layers = [layer("rule", upright, opacity=0.6)]
    layers += [layer("rule", level, opacity=0.6)] if "x_low" in rows[0] else []
    layers += [layer("point", dots, size=60, filled=True, opacity=1)]
    return {"width": 300, "height": 220, "data": {"values": list(rows)}, "layer": layers}
