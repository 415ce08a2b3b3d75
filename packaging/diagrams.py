"""Draw the flowcharts of the docs as inline SVG, so that the site fetches no program to draw them.

They are written in a small part of Mermaid, which code hosts draw themselves: boxes, arrows from
top to bottom, labels on arrows. `svg_of` draws that part, and refuses any other.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

_BOX = re.compile(r'(\w+)(?:\[\("(.+?)"\)\]|\["(.+?)"\]|\[([^\]"]+)\])?')
_ARROW = re.compile(r"\s*(<?-->)(?:\|([^|]+)\|)?\s*")
_WIDTH_OF_LETTER, _HEIGHT, _GAP_X, _GAP_Y, _PAD = 7.9, 34, 72, 44, 14


@dataclass(frozen=True)
class Arrow:
    """A line from one box to another, with a head at the end, or at both."""

    start: str
    end: str
    label: str
    both_ways: bool


@dataclass(frozen=True)
class Chart:
    """The boxes of a flowchart by their names, and its arrows, in the order they are written."""

    labels: dict[str, str]
    arrows: tuple[Arrow, ...]


def read_chart(text: str) -> Chart:
    """Return the boxes and arrows of a flowchart. Raises ValueError where a line is neither."""
    head, *lines = text.strip().splitlines()
    if head.split() != ["flowchart", "TD"]:
        raise ValueError(f"not a flowchart from top to bottom: {head!r}")
    labels: dict[str, str] = {}
    arrows = []
    for line in lines:
        start, position = _read_box(line, len(line) - len(line.lstrip()), labels)
        arrow = _ARROW.match(line, position)
        if arrow is None:
            raise ValueError(f"no arrow: {line!r}")
        end, position = _read_box(line, arrow.end(), labels)
        if line[position:].strip():
            raise ValueError(f"more than one arrow: {line!r}")
        arrows.append(Arrow(start, end, arrow[2] or "", arrow[1].startswith("<")))
    return Chart(labels, tuple(arrows))


def _read_box(line: str, position: int, labels: dict[str, str]) -> tuple[str, int]:
    box = _BOX.match(line, position)
    if box is None:
        raise ValueError(f"no box: {line[position:]!r}")
    label = box[2] or box[3] or box[4]
    if label or box[1] not in labels:
        labels[box[1]] = label or box[1]
    return box[1], box.end()


def rows_of(chart: Chart) -> list[list[str]]:
    """Return the boxes row by row: each below all that have an arrow to it."""
    depth = dict.fromkeys(chart.labels, 0)
    for _ in chart.labels:
        for arrow in chart.arrows:
            depth[arrow.end] = max(depth[arrow.end], depth[arrow.start] + 1)
    rows: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    if len(rows) > len(chart.labels):
        raise ValueError("arrows that go round in a circle")
    for name, row in depth.items():
        rows[row].append(name)
    return rows


def svg_of(text: str, title: str) -> str:
    """Return a flowchart as SVG in the colours of the page, its text as the text of the page."""
    chart = read_chart(text)
    rows = rows_of(chart)
    sizes = {name: _width(label) for name, label in chart.labels.items()}
    total = max(_width_of_row(row, sizes) for row in rows) + 2 * _PAD
    centres = {
        name: (x, _PAD + n * (_HEIGHT + _GAP_Y) + _HEIGHT / 2)
        for n, row in enumerate(rows)
        for name, x in _across(row, sizes, total)
    }
    height = len(rows) * (_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _PAD
    parts = [
        f'<svg class="diagram" viewBox="0 0 {total:.0f} {height:.0f}" role="img" '
        f'width="{total:.0f}" aria-label="{escape(title)}">',
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" '
        'fill="currentColor"/></marker></defs>',
        *_lines(chart.arrows, centres),
        *(_box(*centres[name], sizes[name], label) for name, label in chart.labels.items()),
        "</svg>",
    ]
    return "".join(parts)


def _width(label: str) -> float:
    return len(label) * _WIDTH_OF_LETTER + 24


def _width_of_row(row: Sequence[str], sizes: dict[str, float]) -> float:
    return sum(sizes[name] for name in row) + _GAP_X * (len(row) - 1)


def _across(
    row: Sequence[str], sizes: dict[str, float], total: float
) -> Iterator[tuple[str, float]]:
    left = (total - _width_of_row(row, sizes)) / 2
    for name in row:
        yield name, left + sizes[name] / 2
        left += sizes[name] + _GAP_X


def _lines(arrows: Sequence[Arrow], centres: dict[str, tuple[float, float]]) -> Iterator[str]:
    for arrow in arrows:
        (x, top), (to, bottom) = centres[arrow.start], centres[arrow.end]
        y, end = top + _HEIGHT / 2, bottom - _HEIGHT / 2
        bend = (end - y) / 2
        start = ' marker-start="url(#head)"' if arrow.both_ways else ""
        yield (
            f'<path d="M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {to:.0f} {end - bend:.0f} '
            f'{to:.0f} {end:.0f}" fill="none" stroke="currentColor" opacity=".55" '
            f'marker-end="url(#head)"{start}/>'
        )
        if arrow.label:
            side = "start" if to <= x else "end"  # away from what crosses in the middle
            away = -8 if to <= x else 8
            if to == x:
                side, away = "start", 8
            yield _text(x + away, y + 14, arrow.label, anchor=side, size=12)


def _box(x: float, y: float, width: float, label: str) -> str:
    return (
        f'<rect x="{x - width / 2:.0f}" y="{y - _HEIGHT / 2:.0f}" width="{width:.0f}" '
        f'height="{_HEIGHT}" rx="6" fill="none" stroke="currentColor"/>'
        + _text(x, y + 4.5, label, anchor="middle", size=13)
    )


def _text(x: float, y: float, words: str, *, anchor: str, size: int) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="currentColor">{escape(words)}</text>'
    )
