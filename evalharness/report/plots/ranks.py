"""Which system is better: means with intervals, mean ranks with groups, and all pairs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from evalharness.comparison.comparison import Comparison, Standing
from evalharness.report.gathered import ScoreColumn
from evalharness.report.plots.drawing import (
    ACCENT,
    FG,
    MUTED,
    SHADED_CELLS,
    ChartRow,
    Plot,
    Spec,
    draw,
    layer,
    short_plot_names,
)
from evalharness.report.plots.material import (
    SYSTEMS_SHOWN,
    Material,
    PlottedMean,
    axis_title,
    cut_note,
    label,
    scale,
)
from evalharness.store.runs import unique_names

if TYPE_CHECKING:
    from evalharness.comparison.preferences import Preferences, PreferredPair, PreferredSystem

INTERVALS = "Means with intervals"
_ROW = 20
_FOREST_WIDTH = 210


def plot_intervals(material: Material) -> Iterator[Plot]:
    """Yield a forest plot for each score, but where all systems have the same mean."""
    for column in material.columns:
        if material.is_worth_showing(column):
            yield _forest(material, column)


def _forest(material: Material, column: ScoreColumn) -> Plot:
    ordered = material.best_first(column)
    rows = [
        {"system": material.names[n], "mean": estimate.mean, "low": estimate.low,
         "high": estimate.high, "said": _mean_text(estimate)}
        for n, estimate in ordered[:SYSTEMS_SHOWN]
    ]  # fmt: skip
    level = material.runs[0].interval.level
    best = f"Highest: {rows[0]['system']}, {rows[0]['said']}." if len(rows) > 1 else ""
    return draw(
        f"interval-{column.key}",
        _forest_spec(rows, axis_title(column)),
        title=f"Mean {label(column)} of each system",
        caption=best + cut_note(len(rows), len(ordered)),
        how=(
            f"Points are means over the articles, lines the {level:.0%} bootstrap interval of each "
            "system by itself: two systems whose lines overlap may still differ significantly."
            + material.key
        ),
        group=INTERVALS,
        n=max(estimate.n for _, estimate in ordered),
    )


def _mean_text(estimate: PlottedMean) -> str:
    mean, half = estimate.mean, max(estimate.high - estimate.mean, estimate.mean - estimate.low)
    return f"{mean:.1f} ±{half:.1f}" if estimate.n > 1 else f"{mean:.1f}"


def system_axis() -> Spec:
    """Return the encoding of systems one below the other, in the order of the data."""
    axis = {"title": None, "ticks": False, "domain": False, "labelPadding": 6}
    return {"field": "system", "type": "nominal", "sort": None, "axis": axis}


def _forest_spec(rows: list[dict[str, object]], title: str) -> Spec:
    scores = {"type": "quantitative", "title": title, "scale": {"zero": False, "nice": True},
              "axis": {"tickCount": 5}}  # fmt: skip
    ends = {"x": {"field": "low", **scores}, "x2": {"field": "high"}}
    said = {"x": {"value": _FOREST_WIDTH}, "text": {"field": "said"}}
    return {
        "width": _FOREST_WIDTH,
        "height": {"step": _ROW},
        "data": {"values": rows},
        "encoding": {"y": system_axis()},
        "layer": [
            layer("rule", ends, color=ACCENT, strokeWidth=1.5),
            layer("circle", {"x": {"field": "mean", **scores}}, color=ACCENT, size=52, opacity=1),
            layer("text", said, align="left", color=FG, dx=8),
        ],
    }


GROUP = "Who is better than whom"
_RANKED = 40  # systems in a plot of ranks
_PAIRED = 14  # systems in a plot of pairs
_WIDTH = 190
_LETTERS = 12  # groups of systems without a significant difference, at the most


def plot_ranks(material: Material) -> Iterator[Plot]:
    """Yield mean ranks of three systems or more, and the differences of all pairs."""
    comparison = material.comparison
    if comparison is None:
        return
    names = dict(zip(unique_names(material.runs), material.names, strict=True))
    if not set(comparison.systems) <= set(names):
        return
    for column in material.main:
        standings = [
            s for s in comparison.standings if s.metric == column.key and s.rank is not None
        ]
        if not standings or standings[0].n < 2:
            continue
        if 3 <= len(standings) <= _RANKED:
            yield _rank_plot(column, standings, names, comparison)
        if 2 <= len(standings) <= _PAIRED:
            yield _pair_plot(column, standings, names, comparison)


def _rank_plot(
    column: ScoreColumn,
    standings: Sequence[Standing],
    names: dict[str, str],
    comparison: Comparison,
) -> Plot:
    ordered = sorted(standings, key=lambda s: (s.rank or 0, s.system))
    rows = [{"system": names[s.system], "rank": s.rank, "said": f"{s.rank:.2f}"} for s in ordered]
    letters = sorted({letter for s in ordered for letter in _split(s.letters)})
    groups = [
        [names[s.system] for s in ordered if letter in _split(s.letters)] for letter in letters
    ]
    joined = [group for group in groups if len(group) > 1][:_LETTERS]
    return draw(
        f"ranks-{column.key}",
        _rank_spec(rows, joined, label(column)),
        title=f"Mean ranks by {label(column)}, and which systems do not differ significantly",
        caption=(
            f"Each article ranks the systems by {label(column)}; 1 is best. Dots that a line joins "
            f"on the right belong to systems that do not differ significantly (paired "
            f"randomization of their means, Holm over all pairs, level {comparison.level:g})."
        ),
        group=GROUP,
        n=ordered[0].n,
    )


def _split(letters: str) -> list[str]:
    """Return letters one by one, each with its primes."""
    names: list[str] = []
    for character in letters:
        if character == "′" and names:
            names[-1] += character
        else:
            names.append(character)
    return names


def _rank_spec(rows: list[ChartRow], groups: list[list[str]], label: str) -> Spec:
    systems = [row["system"] for row in rows]
    y = {**system_axis(), "scale": {"domain": systems}}
    marks = list(range(1, len(rows) + 1, -(-len(rows) // 10)))
    x = {"field": "rank", "type": "quantitative", "title": f"mean rank by {label} (1 is best)",
         "scale": {"domain": [1, len(rows)], "nice": False},
         "axis": {"values": marks, "format": "d"}}  # fmt: skip
    said = {"x": {"value": _WIDTH}, "y": y, "text": {"field": "said"}}
    layers = [
        layer("rule", {"x": x, "x2": {"datum": 1}, "y": y}, color=ACCENT, opacity=0.35),
        layer("circle", {"x": x, "y": y}, color=ACCENT, size=52, opacity=1),
        layer("text", said, align="left", color=MUTED, dx=8),
    ]
    for at, group in enumerate(groups):
        px = {"value": _WIDTH + 46 + 11 * at}
        ends = {"values": [{"system": group[0], "last": group[-1]}]}
        line = layer("rule", {"x": px, "y": y, "y2": {"field": "last"}}, color=FG, strokeWidth=2)
        members = {"values": [{"system": name} for name in group]}
        dots = layer("circle", {"x": px, "y": y}, color=FG, size=34, opacity=1)
        layers += [{"data": ends, **line}, {"data": members, **dots}]
    return {"width": _WIDTH, "height": {"step": 19}, "data": {"values": rows}, "layer": layers}


def _pair_plot(
    column: ScoreColumn,
    standings: Sequence[Standing],
    names: dict[str, str],
    comparison: Comparison,
) -> Plot:
    ordered = sorted(standings, key=lambda s: (-(s.mean or 0), s.system))
    position = {s.system: n for n, s in enumerate(ordered)}
    greatest = max(abs(pair["difference"] or 0) for pair in _of(column, comparison)) or 1.0
    rows: list[ChartRow] = []
    for pair in _of(column, comparison):
        better, worse = sorted((pair["one"], pair["other"]), key=lambda system: position[system])
        size = abs(pair["difference"] or 0)
        rows.append(
            {
                "row": f"{position[better] + 1}  {names[better]}",
                "column": str(position[worse] + 1),
                "said": f"{size * scale(column):.1f}",
                "told": bool(pair["different"]),
                "shade": 0.12 + 0.38 * size / greatest if pair["different"] else 0,
            }
        )
    labels = [f"{n + 1}  {names[s.system]}" for n, s in enumerate(ordered)]
    apart = sum(row["told"] for row in rows)
    return draw(
        f"pairs-{column.key}",
        _pair_spec(rows, labels),
        title=f"By how much {label(column)} differs, pair by pair",
        caption=(
            f"How much higher the mean {label(column)} of the row's system is than that of the "
            f"column's, which has the row's number. Bold on a shade: a significant difference "
            f"({apart} of {len(rows)} pairs; paired randomization, Holm over all pairs, level "
            f"{comparison.level:g}); pale: none."
        ),
        group=GROUP,
        n=ordered[0].n,
    )


def _of(column: ScoreColumn, comparison: Comparison) -> list[Any]:
    return [pair for pair in comparison.pairs if pair["metric"] == column.key]


PREFERENCES = "Which a judge prefers"


def plot_preferences(material: Material) -> Iterator[Plot]:
    """Yield how often each system wins with a judge, and against whom; a plot a judge each."""
    comparison = material.comparison
    if comparison is None:
        return
    names = dict(zip(unique_names(material.runs), material.names, strict=True))
    for n, found in enumerate(comparison.preferences):
        known = [s for s in found.standings if s.rate is not None]
        ranked = sorted(known, key=lambda s: (-(s.rate or 0), s.system))
        if not ranked or not set(found.systems) <= set(names):
            continue
        number = f"-{n + 1}" if len(comparison.preferences) > 1 else ""
        yield _win_plot(f"wins{number}", ranked[:SYSTEMS_SHOWN], names, found)
        if 3 <= len(ranked) <= _PAIRED:
            yield _win_pairs_plot(f"win-pairs{number}", ranked, names, found)


def _win_plot(
    id: str, ranked: Sequence["PreferredSystem"], names: dict[str, str], found: "Preferences"
) -> Plot:
    rows: list[ChartRow] = [
        {"system": names[s.system], "mean": 100 * (s.rate or 0), "low": 100 * (s.low or 0),
         "high": 100 * (s.high or 0), "said": f"{100 * (s.rate or 0):.1f} {s.letters}"}
        for s in ranked
    ]  # fmt: skip
    return draw(
        id,
        _forest_spec(rows, "wins in 100 comparisons"),
        title=f"How often {short_plot_names([found.judge])[0]} prefers each system",
        caption=(
            f"Points are wins against the other systems, a tie as half, lines the "
            f"{1 - found.level:.0%} bootstrap interval over articles. Systems that share a letter "
            "do not differ significantly (paired randomization, Holm over all pairs)."
        ),
        group=PREFERENCES,
        n=found.articles,
    )


def _win_pairs_plot(
    id: str, ranked: Sequence["PreferredSystem"], names: dict[str, str], found: "Preferences"
) -> Plot:
    place = {s.system: n for n, s in enumerate(ranked)}
    rows = [_win_pair(pair, place, names) for pair in found.pairs]
    return draw(
        id,
        _pair_spec(rows, [f"{n + 1}  {names[s.system]}" for n, s in enumerate(ranked)]),
        title=f"Wins with {short_plot_names([found.judge])[0]}, pair by pair",
        caption=(
            "Wins of the row's system in 100 comparisons with the column's, which has the row's "
            "number; a tie counts as half. Bold on a shade: a significant difference (paired "
            f"randomization, Holm over all pairs, level {found.level:g})."
        ),
        group=PREFERENCES,
        n=found.articles,
    )


def _win_pair(pair: "PreferredPair", place: dict[str, int], names: dict[str, str]) -> ChartRow:
    better, worse = sorted((pair.one, pair.other), key=lambda system: place[system])
    rate = (pair.rate or 0) if pair.one == better else 1 - (pair.rate or 0)
    return {
        "row": f"{place[better] + 1}  {names[better]}",
        "column": str(place[worse] + 1),
        "said": "–" if pair.rate is None else f"{100 * rate:.0f}",
        "told": pair.different,
        "shade": 0.12 + 0.76 * abs(rate - 0.5) if pair.different else 0,
    }


def _pair_spec(rows: list[ChartRow], labels: list[str]) -> Spec:
    numbers = [str(n + 1) for n in range(len(labels))]
    axis = {"title": None, "ticks": False, "domain": False}
    y = {"field": "row", "type": "nominal", "sort": None, "scale": {"domain": labels},
         "axis": {**axis, "labelPadding": 6}}  # fmt: skip
    x = {"field": "column", "type": "nominal", "sort": None, "scale": {"domain": numbers},
         "axis": {**axis, "orient": "top", "labelAngle": 0}}  # fmt: skip
    said = {"text": {"field": "said"}}
    bold, pale = layer("text", said, color=FG, fontWeight="bold"), layer("text", said, color=MUTED)
    return {
        "width": {"step": 36},
        "height": {"step": 22},
        "data": {"values": rows},
        "encoding": {"x": x, "y": y},
        "layer": [
            SHADED_CELLS,
            {"transform": [{"filter": "datum.told"}], **bold},
            {"transform": [{"filter": "!datum.told"}], **pale},
        ],
    }
