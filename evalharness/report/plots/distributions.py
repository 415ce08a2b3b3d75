"""How the scores of articles lie: a histogram for each system, one below the other."""

from collections.abc import Iterator, Sequence

import numpy as np

from evalharness.report.gathered import ScoreColumn
from evalharness.report.plots.drawing import ACCENT, FG, ChartRow, Plot, Spec, draw, layer
from evalharness.report.plots.material import Material, axis_title, cut_note, label
from evalharness.stats.intervals import Values

GROUP = "Scores of the articles"
_BINS = 30
_ROWS = 16  # systems in one plot
_HEIGHT = 0.9  # of the highest bar, in rows
_LEAST = 10  # articles: of fewer, a histogram says less than the articles themselves


def plot_distributions(material: Material) -> Iterator[Plot]:
    """Yield histograms of the main scores."""
    for column in material.main:
        systems = [system for system, _ in material.best_first(column)[:_ROWS]]
        ends, n = _ends(material, column, systems)
        if n >= _LEAST and ends[0] < ends[1]:
            yield _histograms(material, column, systems, ends, n)


def _ends(
    material: Material, column: ScoreColumn, systems: Sequence[int]
) -> tuple[tuple[float, float], int]:
    """Return the least and the greatest score of all, and the most articles scored in one run."""
    low, high, n = np.inf, -np.inf, 0
    for system in systems:  # one at a time: a run may have a million articles
        scores = material.own_scores(system, column)
        known = scores[~np.isnan(scores)]
        if len(known):
            low, high = min(low, float(known.min())), max(high, float(known.max()))
            n = max(n, len(known))
    return (low, high), n


def _histograms(
    material: Material,
    column: ScoreColumn,
    systems: Sequence[int],
    ends: tuple[float, float],
    n: int,
) -> Plot:
    edges = np.linspace(*ends, _BINS + 1)
    shares = {system: _shares(material.own_scores(system, column), edges) for system in systems}
    unit = max(float(bins.max()) for bins in shares.values()) / _HEIGHT
    outlines, marks = [], []
    for row, (system, bins) in enumerate(shares.items()):
        name, estimate = material.names[system], material.estimate(system, column)
        for edge, share in zip(edges, [*bins, bins[-1]], strict=True):
            top = -row + float(share) / unit
            outlines.append({"system": name, "x": float(edge), "top": top, "ground": -row})
        if estimate is not None:
            marks.append({"system": name, "mean": estimate.mean, "row": -row, "above": -row + 0.9})
    return draw(
        f"distribution-{column.key}",
        _spec(outlines, marks, axis_title(column)),
        title=f"{label(column)} of the articles, by system",
        caption=(
            "The higher the area, the more of a system's articles have about this score, on one "
            "scale for all systems; the stroke is the mean. Articles without a score are not "
            "counted." + cut_note(len(systems), len(material.best_first(column)))
        ),
        group=GROUP,
        n=n,
    )


def _shares(scores: Values, edges: Values) -> Values:
    """Return which share of the articles scored lies in each bin."""
    counts, _ = np.histogram(scores[~np.isnan(scores)], edges)
    shares: Values = counts / max(1, counts.sum())
    return shares


def _spec(outlines: list[ChartRow], marks: list[ChartRow], title: str) -> Spec:
    x = {"type": "quantitative", "title": title, "scale": {"zero": False, "nice": True},
         "axis": {"tickCount": 6, "grid": False}}  # fmt: skip
    y = {"type": "quantitative", "axis": None,
         "scale": {"domain": [0.9 - len(marks), 1], "nice": False, "zero": False}}  # fmt: skip
    bars = {"x": {"field": "x", **x}, "y": {"field": "top", **y}, "y2": {"field": "ground"},
            "detail": {"field": "system"}}  # fmt: skip
    edge = {"color": ACCENT, "strokeWidth": 1}
    area = layer("area", bars, interpolate="step-after", color=ACCENT, fillOpacity=0.55, line=edge)
    means = {"x": {"field": "mean", **x}, "y": {"field": "row", **y}, "y2": {"field": "above"}}
    named = {"x": {"value": 0}, "y": {"field": "row", **y}, "text": {"field": "system"}}
    names = layer("text", named, align="right", baseline="bottom", dx=-8)
    return {
        "width": 250,
        "height": 32 * len(marks) if len(marks) > 1 else 90,
        "layer": [
            {"data": {"values": outlines}, **area},
            {"data": {"values": marks}, **layer("rule", means, color=FG, strokeWidth=1.5)},
            {"data": {"values": marks}, **names},
        ],
    }
