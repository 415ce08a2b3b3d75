"""Means with their intervals, system by system: one forest plot for each score."""

from collections.abc import Iterator

from evalharness.report.gathered import ScoreColumn
from evalharness.report.plots.drawing import ACCENT, FG, Plot, Spec, draw
from evalharness.report.plots.material import SYSTEMS_SHOWN, Material, axis_title, cut_note, label

GROUP = "Means with intervals"
_ROW = 20
_WIDTH = 210


def plot_intervals(material: Material) -> Iterator[Plot]:
    """Yield a forest plot for each score, but where all systems have the same mean."""
    for column in material.columns:
        if material.is_worth_showing(column):
            yield _forest(material, column)


def _forest(material: Material, column: ScoreColumn) -> Plot:
    ordered = material.best_first(column)
    rows = [
        {
            "system": material.names[n],
            "mean": estimate.mean,
            "low": estimate.low,
            "high": estimate.high,
            "said": _mean_text(
                estimate.mean,
                max(estimate.high - estimate.mean, estimate.mean - estimate.low),
                estimate.n,
            ),
        }
        for n, estimate in ordered[:SYSTEMS_SHOWN]
    ]
    level = material.runs[0].interval.level
    best = f"Highest: {rows[0]['system']}, {rows[0]['said']}." if len(rows) > 1 else ""
    return draw(
        f"interval-{column.key}",
        _spec(rows, axis_title(column)),
        title=f"Mean {label(column)} of each system",
        caption=best + cut_note(len(rows), len(ordered)),
        how=(
            f"Points are means over the articles, lines the {level:.0%} bootstrap interval of each "
            "system by itself: lines that overlap do not say that two cannot be told apart."
            + material.key
        ),
        group=GROUP,
        n=max(estimate.n for _, estimate in ordered),
    )


def _mean_text(mean: float, half: float, n: int) -> str:
    return f"{mean:.1f} ±{half:.1f}" if n > 1 else f"{mean:.1f}"


def system_axis() -> Spec:
    """Return the encoding of systems one below the other, in the order of the data."""
    axis = {"title": None, "ticks": False, "domain": False, "labelPadding": 6}
    return {"field": "system", "type": "nominal", "sort": None, "axis": axis}


def _spec(rows: list[dict[str, object]], title: str) -> Spec:
    scores = {
        "type": "quantitative",
        "title": title,
        "scale": {"zero": False, "nice": True},
        "axis": {"tickCount": 5},
    }
    return {
        "width": _WIDTH,
        "height": {"step": _ROW},
        "data": {"values": rows},
        "encoding": {"y": system_axis()},
        "layer": [
            {
                "mark": {"type": "rule", "color": ACCENT, "strokeWidth": 1.5},
                "encoding": {"x": {"field": "low", **scores}, "x2": {"field": "high"}},
            },
            {
                "mark": {"type": "circle", "color": ACCENT, "size": 52, "opacity": 1},
                "encoding": {"x": {"field": "mean", **scores}},
            },
            {
                "mark": {"type": "text", "align": "left", "color": FG, "dx": 8},
                "encoding": {"x": {"value": _WIDTH}, "text": {"field": "said"}},
            },
        ],
    }
