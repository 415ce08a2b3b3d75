"""What a sweep found: a line for one thing that varies, a heat map for two."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalharness.report.gathered import ScoreColumn
from evalharness.report.plots import drawing
from evalharness.report.plots.drawing import ChartRow, Plot, Spec
from evalharness.report.plots.material import (
    OVERLAID,
    Material,
    PlottedMean,
    axis_title,
    cut_note,
    label,
)
from evalharness.report.plots.scatters import series

GROUP = "The sweep"
_MAPS = 12  # heat maps of one score
_TITLE = 60  # columns of a map's name
_SIDE = 20  # values of one thing that varies
_CASE = "case"

SweepSettings = Mapping[str, Any]


def plot_sweeps(material: Material) -> Iterator[Plot]:
    """Yield the main scores over what a sweep varied."""
    keys = varied_keys(material.settings)
    if not keys:
        return
    for column in material.main:
        systems = [
            n for n, _ in material.best_first(column) if set(keys) <= {*material.settings[n]}
        ]
        if len(keys) == 1:
            yield from _line(material, column, sorted(systems), keys[0])
        else:
            yield from _maps(material, column, sorted(systems), keys)


def varied_keys(settings: Sequence[SweepSettings]) -> list[str]:
    """Return the keys that take several values, but those that follow from another.

    A case says what its settings are, and of keys that go together the first says the others.

    >>> short = {"case": "short", "max": 9, "beams": 1}
    >>> long = {"case": "long", "max": 99, "beams": 4}
    >>> varied_keys([short, long, {**long, "beams": 1}])
    ['case', 'beams']
    """
    keys = sorted(dict.fromkeys(key for setting in settings for key in setting), key=_CASE.__ne__)
    kept: list[str] = []
    for key in keys:
        values = {_value(setting[key]) for setting in settings if key in setting}
        if len(values) > 1 and not any(_follows(settings, key, other) for other in kept):
            kept.append(key)
    return kept


def _follows(settings: Sequence[SweepSettings], key: str, other: str) -> bool:
    """Tell whether one value of `other` never goes with two of `key`."""
    values_with: dict[str, set[str]] = {}
    for setting in settings:
        values_with.setdefault(_value(setting.get(other)), set()).add(_value(setting.get(key)))
    return all(len(values) == 1 for values in values_with.values())


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _model(material: Material, system: int) -> str:
    """Return the model's label: a cell's name begins with it."""
    return material.runs[system].name.partition(",")[0]


def _sorted_texts(values: Sequence[Any]) -> list[str]:
    """Return different values as text, numbers by size and others as they come."""
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    return list(dict.fromkeys(map(_value, sorted(values) if numeric else values)))


def _name(key: str) -> str:
    return drawing.short_plot_names([key.rpartition(".")[2]])[0]


def _line(
    material: Material, column: ScoreColumn, systems: Sequence[int], key: str
) -> Iterator[Plot]:
    models = list(dict.fromkeys(_model(material, n) for n in systems))
    shown = models[:OVERLAID]
    names = dict(zip(shown, drawing.short_plot_names(shown), strict=True))
    rows: list[ChartRow] = []
    for n in systems:
        estimate, model = material.estimate(n, column), _model(material, n)
        if estimate is not None and model in names:
            rows.append(
                {"place": shown.index(model), "system": names[model],
                 "x": _value(material.settings[n][key]), "n": estimate.n,
                 "y": estimate.mean, "y_low": estimate.low, "y_high": estimate.high}
            )  # fmt: skip
    values = _sorted_texts([material.settings[n][key] for n in systems])
    if len(values) < 2 or not rows:
        return
    yield drawing.draw(
        f"sweep-{column.key}",
        _line_spec(rows, values, _name(key), axis_title(column)),
        title=f"{label(column)} by {_name(key)}",
        caption=(
            f"Mean {label(column)} for each {_name(key)}; upright lines are bootstrap intervals."
            + cut_note(len(shown), len(models))
        ),
        group=GROUP,
        n=max(row["n"] for row in rows),
    )


def _line_spec(rows: list[ChartRow], values: list[str], x_title: str, y_title: str) -> Spec:
    colour, shape = series(rows)
    short = dict(zip(values, drawing.short_plot_names(values, 14), strict=True))
    rows = [{**row, "x": short[row["x"]]} for row in rows]
    x = {"field": "x", "type": "ordinal", "sort": None, "title": x_title,
         "scale": {"domain": list(short.values())},
         "axis": {"labelAngle": 0 if len(values) <= 6 else -40, "grid": False}}  # fmt: skip
    aside = {"field": "system", "type": "nominal", "sort": None}
    uprights, points = drawing.mean_layers(y_title, shape, 50)
    line = drawing.layer("line", {"y": points["encoding"]["y"]}, opacity=0.5)
    return {
        "width": max(240, 40 * len(values)),
        "height": 210,
        "data": {"values": rows},
        "encoding": {"x": x, "xOffset": aside, "color": colour},
        "layer": [line, uprights, points],
    }


def _maps(
    material: Material, column: ScoreColumn, systems: Sequence[int], keys: Sequence[str]
) -> Iterator[Plot]:
    """Yield a heat map of the first two keys for each model and each value of the other keys."""
    down, across, *others = keys

    def which(system: int) -> tuple[str, ...]:
        settings = material.settings[system]
        rest = (f"{_name(key)}={_value(settings[key])}" for key in others)
        return (_model(material, system), *rest)

    means_of = {
        n: estimate for n in systems if (estimate := material.estimate(n, column)) is not None
    }
    groups = {
        name: list(members)
        for name, members in itertools.groupby(sorted(means_of, key=which), key=which)
    }
    order = sorted(groups, key=lambda name: min(groups[name]))
    means = [estimate.mean for estimate in means_of.values()]
    for name in order[:_MAPS]:
        cells = {n: means_of[n] for n in groups[name]}
        if len(cells) > 1:
            title = drawing.short_plot_names([", ".join(name)], _TITLE)[0]
            yield _map(material, column, title, cells, (down, across), means)


def _map(
    material: Material,
    column: ScoreColumn,
    name: str,
    cells: Mapping[int, PlottedMean],
    keys: tuple[str, str],
    means: Sequence[float],
) -> Plot:
    settings = {n: material.settings[n] for n in cells}
    values = [_sorted_texts([settings[n][key] for n in sorted(cells)])[:_SIDE] for key in keys]
    labels = [dict(zip(v, drawing.short_plot_names(v, 18), strict=True)) for v in values]
    least, greatest = min(means), max(means)
    rows = [
        {
            "down": labels[0][_value(settings[n][keys[0]])],
            "across": labels[1][_value(settings[n][keys[1]])],
            "said": f"{estimate.mean:.1f}",
            "shade": 0.06 + 0.5 * (estimate.mean - least) / ((greatest - least) or 1),
        }
        for n, estimate in cells.items()
        if _value(settings[n][keys[0]]) in labels[0] and _value(settings[n][keys[1]]) in labels[1]
    ]
    spec = _map_spec(rows, [[*names.values()] for names in labels], [_name(key) for key in keys])
    return drawing.draw(
        f"sweep-{column.key}-{name}",
        {"title": drawing.short_plot_names([name])[0], **spec},
        title=f"{label(column)} of {name} by {_name(keys[0])} and {_name(keys[1])}",
        caption=(
            f"Mean {label(column)}: the stronger the shade, the higher, on one scale for all maps "
            "of this score. A gap was not run."
        ),
        group=GROUP,
        n=max(estimate.n for estimate in cells.values()),
    )


def _map_spec(rows: list[ChartRow], domains: list[list[str]], titles: list[str]) -> Spec:
    axis = {"ticks": False, "domain": False, "grid": False}
    y = {"field": "down", "type": "ordinal", "sort": None, "title": titles[0],
         "scale": {"domain": domains[0]}, "axis": axis}  # fmt: skip
    x = {"field": "across", "type": "ordinal", "sort": None, "title": titles[1],
         "scale": {"domain": domains[1]},
         "axis": {**axis, "labelAngle": 0 if max(map(len, domains[1])) <= 7 else -40}}  # fmt: skip
    return {
        "width": {"step": 52},
        "height": {"step": 26},
        "data": {"values": rows},
        "encoding": {"x": x, "y": y},
        "layer": [
            drawing.SHADED_CELLS,
            drawing.layer("text", {"text": {"field": "said"}}, color=drawing.FG),
        ],
    }
