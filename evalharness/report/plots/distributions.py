"""How the scores of articles lie: histograms of each system, and means by the article's length.

And from where in its articles a system takes what it says.
"""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from evalharness.comparison.shared import Shared
from evalharness.report.gathered import ScoreColumn
from evalharness.report.plots import drawing
from evalharness.report.plots.drawing import ChartRow, Plot, Spec
from evalharness.report.plots.material import OVERLAID, Material, axis_title, cut_note, label
from evalharness.report.plots.scatters import series
from evalharness.stats import intervals
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
    return drawing.draw(
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
    edge = {"color": drawing.ACCENT, "strokeWidth": 1}
    area = drawing.layer(
        "area", bars, interpolate="step-after", color=drawing.ACCENT, fillOpacity=0.55, line=edge
    )
    means = {"x": {"field": "mean", **x}, "y": {"field": "row", **y}, "y2": {"field": "above"}}
    named = {"x": {"value": 0}, "y": {"field": "row", **y}, "text": {"field": "system"}}
    names = drawing.layer("text", named, align="right", baseline="bottom", dx=-8)
    return {
        "width": 250,
        "height": 32 * len(marks) if len(marks) > 1 else 90,
        "layer": [
            {"data": {"values": outlines}, **area},
            {
                "data": {"values": marks},
                **drawing.layer("rule", means, color=drawing.FG, strokeWidth=1.5),
            },
            {"data": {"values": marks}, **names},
        ],
    }


BY_LENGTH = "By length of the article"
_LENGTH_BINS = 5
_LEAST_IN_BIN = 8  # articles in a bin
_MOST = 50_000  # articles resampled, evenly chosen: more would take longer than all else together


def plot_lengths(material: Material) -> Iterator[Plot]:
    """Yield the main scores by length, of the articles that all runs have."""
    shared = material.shared_articles
    if shared is None or shared.n < 2 * _LEAST_IN_BIN:
        return
    every = -(-shared.n // _MOST)
    words = _words(shared)[::every]
    edges = _edges(words)
    if len(edges) < 3:
        return
    for column in material.main:
        ordered = material.best_first(column)
        systems = [system for system, _ in ordered[:OVERLAID]]
        rows = list(_rows(material, column, systems, words, edges, every))
        if len({row["words"] for row in rows}) > 1:
            yield _figure(material, column, rows, len(ordered), every)


def _words(shared: Shared) -> Values:
    table = shared.runs[0].table(["article_words"])
    return np.array(table.column(0).to_pylist(), dtype=float)[shared.rows[0]]


def _edges(words: Values) -> list[float]:
    """Return the ends of bins with about as many articles in each."""
    bins = min(_LENGTH_BINS, len(words) // _LEAST_IN_BIN)
    shares = np.linspace(0, 1, bins + 1).tolist()
    return sorted(set(intervals.quantiles(words[:, np.newaxis], shares)[:, 0].tolist()))


def _rows(
    material: Material,
    column: ScoreColumn,
    systems: Sequence[int],
    words: Values,
    edges: list[float],
    every: int,
) -> Iterator[ChartRow]:
    """Yield each system's mean and interval in each bin, where it has two scores or more."""
    scores = np.stack([material.shared_scores(n, column)[::every] for n in systems], axis=1)
    first = material.runs[systems[0]]
    bins = np.digitize(words, edges[1:-1], right=True)
    for n in range(len(edges) - 1):
        within = scores[bins == n]
        low, high = intervals.interval(
            within, first.seed, first.interval.resamples, first.interval.level
        )
        for at, system in enumerate(systems):
            mean = intervals.mean(within[:, at].tolist())
            if mean is not None and np.count_nonzero(~np.isnan(within[:, at])) > 1:
                yield {
                    "place": system, "system": material.names[system], "bin": n,
                    "words": f"{_from(edges, n)}–{edges[n + 1]:,.0f}", "y": mean,
                    "y_low": float(low[at]), "y_high": float(high[at]), "n": len(within),
                }  # fmt: skip


def _from(edges: list[float], n: int) -> str:
    return f"{edges[n] + (1 if n else 0):,.0f}"


def _figure(
    material: Material, column: ScoreColumn, rows: list[ChartRow], systems: int, every: int
) -> Plot:
    shown = len({row["system"] for row in rows})
    sizes = {row["bin"]: row["n"] for row in rows}
    chosen = f" Every {every}th article is counted." if every > 1 else ""
    return drawing.draw(
        f"length-{column.key}",
        _length_spec(rows, axis_title(column)),
        title=f"{label(column)} by length of the article",
        caption=(
            f"Mean {label(column)} of short articles on the left, of long ones on the right, "
            f"{_range(sizes.values())} articles in each bin; upright lines "
            f"are bootstrap intervals." + chosen + cut_note(shown, systems)
        ),
        group=BY_LENGTH,
        n=sum(sizes.values()),
    )


def _range(sizes: Collection[int]) -> str:
    """Say how many, or from how many to how many."""
    least, most = min(sizes), max(sizes)
    return str(least) if least == most else f"{least} to {most}"


ORIGINS = "Where in the article the content comes from"


def plot_origins(material: Material) -> Iterator[Plot]:
    """Yield for each check that knows it which parts of the article systems take content from."""
    for column in material.columns:
        parts = column.profile
        rows = list(_origin_rows(material, column, parts)) if parts else []
        if rows:
            yield _origin_figure(material, column, rows, len(parts))


def _origin_rows(
    material: Material, column: ScoreColumn, parts: Sequence[str]
) -> Iterator[ChartRow]:
    for system, _ in material.best_first(column)[:OVERLAID]:
        for bin, part in enumerate(parts):
            figure = material.runs[system].figure(column.measure.metric, part)
            if figure is not None and figure.mean is not None:
                yield {
                    "place": system, "system": material.names[system], "bin": bin,
                    "words": str(bin + 1), "y": 100 * figure.mean, "y_low": 100 * (figure.low or 0),
                    "y_high": 100 * (figure.high or 0), "n": figure.n,
                }  # fmt: skip


def _origin_figure(
    material: Material, column: ScoreColumn, rows: list[ChartRow], parts: int
) -> Plot:
    shown = list(dict.fromkeys(row["system"] for row in rows))
    first = max((row for row in rows if row["bin"] == 0), key=lambda row: row["y"], default=None)
    most = f"Most from the beginning: {first['system']}, {first['y']:.0f} %. " if first else ""
    return drawing.draw(
        f"origins-{column.key}",
        _length_spec(rows, "share of the content (%)", f"part of the article, of {parts}"),
        title="Where in the article the content of summaries comes from",
        caption=(
            f"{most}Shares of what each system's summaries say by the part of the article that "
            f"says it, its beginning on the left; {100 / parts:.0f} % in each would be even. High "
            f"on the left is lead bias, low in the middle are lost middles. Upright lines are "
            f"bootstrap intervals." + cut_note(len(shown), len(material.best_first(column)))
        ),
        group=ORIGINS,
        n=max(row["n"] for row in rows),
    )


def _length_spec(rows: list[ChartRow], title: str, below: str = "words of the article") -> Spec:
    colour, shape = series(rows)
    bins = list(dict.fromkeys(row["words"] for row in sorted(rows, key=lambda row: row["bin"])))
    x = {"field": "words", "type": "ordinal", "sort": None, "title": below,
         "scale": {"domain": bins}, "axis": {"labelAngle": 0, "grid": False}}  # fmt: skip
    aside = {"field": "system", "type": "nominal", "sort": None, "scale": {"paddingOuter": 0.3}}
    return {
        "width": max(300, 62 * len(bins)),
        "height": 210,
        "data": {"values": rows},
        "encoding": {"x": x, "xOffset": aside, "color": colour},
        "layer": drawing.mean_layers(title, shape, 42),
    }
