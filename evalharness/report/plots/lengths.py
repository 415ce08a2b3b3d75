"""Scores by the length of the article: are long articles summarized worse?"""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from evalharness.comparison.shared import Shared
from evalharness.report.gathered import ScoreColumn
from evalharness.report.plots.drawing import ChartRow, Plot, Spec, draw, mean_layers
from evalharness.report.plots.material import OVERLAID, Material, axis_title, cut_note, label
from evalharness.report.plots.scatters import series
from evalharness.stats import intervals
from evalharness.stats.intervals import Values

GROUP = "By length of the article"
_BINS = 5
_LEAST = 8  # articles in a bin
_MOST = 50_000  # articles resampled, evenly chosen: more would take longer than all else together


def plot_lengths(material: Material) -> Iterator[Plot]:
    """Yield the main scores by length, of the articles that all runs have."""
    shared = material.shared_articles
    if shared is None or shared.n < 2 * _LEAST:
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
    """Return the words of the articles that all runs have."""
    table = shared.runs[0].table(["article_words"])
    return np.array(table.column(0).to_pylist(), dtype=float)[shared.rows[0]]


def _edges(words: Values) -> list[float]:
    """Return the ends of bins with about as many articles in each."""
    bins = min(_BINS, len(words) // _LEAST)
    return [float(edge) for edge in np.unique(np.quantile(words, np.linspace(0, 1, bins + 1)))]


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
    return draw(
        f"length-{column.key}",
        _spec(rows, axis_title(column)),
        title=f"{label(column)} by length of the article",
        caption=(
            f"Mean {label(column)} of short articles on the left, of long ones on the right, "
            f"{_range(sizes.values())} articles in each bin; upright lines "
            f"are bootstrap intervals." + chosen + cut_note(shown, systems)
        ),
        group=GROUP,
        n=sum(sizes.values()),
    )


def _range(sizes: Collection[int]) -> str:
    """Say how many, or from how many to how many."""
    least, most = min(sizes), max(sizes)
    return str(least) if least == most else f"{least} to {most}"


def _spec(rows: list[ChartRow], title: str) -> Spec:
    colour, shape = series(rows)
    bins = list(dict.fromkeys(row["words"] for row in sorted(rows, key=lambda row: row["bin"])))
    x = {"field": "words", "type": "ordinal", "sort": None, "title": "words of the article",
         "scale": {"domain": bins}, "axis": {"labelAngle": 0, "grid": False}}  # fmt: skip
    aside = {"field": "system", "type": "nominal", "sort": None, "scale": {"paddingOuter": 0.3}}
    return {
        "width": max(300, 62 * len(bins)),
        "height": 210,
        "data": {"values": rows},
        "encoding": {"x": x, "xOffset": aside, "color": colour},
        "layer": mean_layers(title, shape, 42),
    }
