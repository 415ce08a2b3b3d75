"""Vega-Lite to SVG that a page with a strict Content-Security-Policy can hold, and to files.

A figure is drawn once, in colours that stand for roles; the page gets CSS variables for them, so
that light and dark are the page's affair, and a file gets the colours of print.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from xml.etree import ElementTree as ET

from evalharness.files.untrusted import printable
from evalharness.records import digest
from evalharness.report.drawer import DRAWER

_KEY = re.compile(r"(?<=,)([\w.]+)=")
_WORDS = re.compile(r"[_.]+")
NAME_COLUMNS = 28


def one_line_name(text: str) -> str:
    r"""Return a text on one line, without characters that steer what shows it.

    >>> one_line_name("a\u202e\x1b[31m\nb")
    'a [31m b'
    """
    return " ".join(printable(text).split())


def short_plot_names(names: Sequence[str], columns: int = NAME_COLUMNS) -> list[str]:
    """Return names that fit beside a plot, cut in the middle of their first part.

    >>> short_plot_names(["facebook/bart-large-cnn,num_beams=1", "lead"])
    ['facebook/bart-large-cnn,nb=1', 'lead']
    """
    written = [one_line_name(name) or "–" for name in names]
    keys = abbreviations(names, columns)
    if keys:
        written = [_KEY.sub(lambda key: f"{keys.get(key[1], key[1])}=", name) for name in written]
    short_names: list[str] = []
    for name in written:
        short, times = _shorten_name(name, columns), 1
        while short in short_names:
            times += 1
            mark = f" ({times})"
            short = _shorten_name(name, columns - len(mark)) + mark
        short_names.append(short)
    return short_names


def abbreviations(names: Sequence[str], columns: int = NAME_COLUMNS) -> Mapping[str, str]:
    """Return what stands for the keys of settings in names, where some name is too long.

    >>> abbreviations(["facebook/bart-large-cnn,num_beams=1,length_penalty=2.0"])
    {'num_beams': 'nb', 'length_penalty': 'lp'}
    """
    if max(map(_width, names), default=0) <= columns:
        return {}
    keys = dict.fromkeys(key for name in names for key in _KEY.findall(one_line_name(name)))
    short = {key: "".join(word[0] for word in _WORDS.split(key) if word) for key in keys}
    unlike = len(set(short.values())) == len(short)
    return {
        key: letters for key, letters in short.items() if unlike and 1 < len(letters) < len(key)
    }


def _shorten_name(name: str, columns: int) -> str:
    if _width(name) <= columns:
        return name
    first, comma, rest = name.partition(",")
    room = columns - _width(rest) - 1
    if comma and room >= columns // 3:
        return f"{_cut(first, room)},{rest}"
    return _cut(name, columns)


def _cut(name: str, columns: int) -> str:
    if _width(name) <= columns:
        return name
    head = "".join(_fitting_characters(name, columns // 2))
    tail = "".join(_fitting_characters(name[::-1], columns - columns // 2 - 1))[::-1]
    return f"{head}…{tail}"


def _width(text: str) -> int:
    return sum(map(_columns, text))


def _fitting_characters(name: str, columns: int) -> Iterator[str]:
    for character in name:
        columns -= _columns(character)
        if columns < 0:
            return
        yield character


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


Spec = dict[str, Any]
# A row of the data of a plot.
ChartRow = dict[str, Any]

# Colours that nothing else uses, by the CSS variable that they stand for, with those for paper.
_ROLES: Mapping[str, tuple[str, str]] = {
    "fg": ("#0a0b01", "#1a1a1a"),
    "muted": ("#0a0b02", "#555555"),
    "line": ("#0a0b03", "#d4d4d4"),
    "card": ("#0a0b04", "#ffffff"),
    "accent": ("#0a0b05", "#1f5fa8"),
    # Told apart by the colour-blind: Okabe & Ito 2008, darkened for lines on white.
    "s0": ("#0a0b10", "#0072b2"),
    "s1": ("#0a0b11", "#c04f00"),
    "s2": ("#0a0b12", "#00805e"),
    "s3": ("#0a0b13", "#b0508a"),
    "s4": ("#0a0b14", "#8a6d00"),
    "s5": ("#0a0b15", "#2f8fc4"),
    "s6": ("#0a0b16", "#6b4fb3"),
    "s7": ("#0a0b17", "#666666"),
}
FG, MUTED, LINE, ACCENT = (_ROLES[r][0] for r in ("fg", "muted", "line", "accent"))
SERIES = tuple(sentinel for role, (sentinel, _) in _ROLES.items() if role[0] == "s")
_X = "M-1,-.6L-.6,-1L0,-.4L.6,-1L1,-.6L.4,0L1,.6L.6,1L0,.4L-.6,1L-1,.6L-.4,0Z"
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", _X,
          "triangle-right")  # fmt: skip

_LONGEST = 80  # characters of a figure's name
FONT = "sans-serif"
# As wide as what the library measures texts by; it brings the first along.
_FONTS = "Liberation Sans, Arial, Helvetica, sans-serif"
SIZE = 12
NO_PLOTS = "Plots need a package that is not here: pip install vl-convert-python"
_SVG = "http://www.w3.org/2000/svg"
_DROPPED = ("class", "role", "pointer-events")
# What a figure may consist of; whatever else a version of the library may come to write is no
# thing to carry into a page.
_ELEMENTS = frozenset({"svg", "g", "path", "line", "rect", "text", "title", "desc"})
_FORBIDDEN = frozenset({"style", "href", "id"})

_CONFIG: Spec = {
    "aria": False,
    "background": None,
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": FG,
        "labelFontSize": SIZE,
        "labelLimit": 0,
        "titleColor": MUTED,
        "titleFontSize": SIZE,
        "titleFontWeight": "normal",
        "titleLimit": 0,
        "titlePadding": 8,
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
    },
    "legend": {"labelColor": FG, "labelFontSize": SIZE, "labelLimit": 0, "titleColor": MUTED,
               "titleFontSize": SIZE, "titleFontWeight": "normal", "titleLimit": 0},
    "title": {"color": FG, "fontSize": SIZE, "fontWeight": "normal", "anchor": "start",
              "frame": "group", "limit": 0, "offset": 6},
    "text": {"color": FG, "fontSize": SIZE},
    "rule": {"color": FG},
}  # fmt: skip


@dataclass(frozen=True)
class Plot:
    """A plot: its name in files and links, what it is, what is to be seen, and of how many.

    how: how to read it, where all plots of a `group` are read alike. drawing: SVG in the colours of
    roles, once it is there; `svg` and `file_svg` give it those of the page and of print.
    """

    id: str
    title: str
    caption: str
    group: str
    n: int
    drawing: Future[str] = field(repr=False)
    how: str = ""

    @property
    def role_svg(self) -> str:
        """The SVG, which is waited for. Raises: NotDrawn."""
        return self.drawing.result()

    @cached_property
    def svg(self) -> str:
        """The SVG for the page: colours are CSS variables, and nothing in it has an id or style."""
        return _colour_svg(self.role_svg, {role: f"var(--{role})" for role in _ROLES})

    @property
    def file_svg(self) -> str:
        """The SVG for a file: on white, in colours of print."""
        paper = {role: colour for role, (_, colour) in _ROLES.items()}
        root = ET.fromstring(_colour_svg(self.role_svg, paper))  # noqa: S314 (our own)
        _, _, width, height = root.attrib["viewBox"].split()
        ground = ET.Element("rect", {"width": width, "height": height, "fill": "#ffffff"})
        root.insert(1, ground)
        root.set("xmlns", _SVG)
        return _svg_text(root) + "\n"


def png(figure: Plot, scale: float = 3) -> bytes:
    """Return a figure as PNG, three dots for one of the page. Raises: NotDrawn."""
    return DRAWER.png(figure.file_svg, scale)


def draw(
    id: str, spec: Spec, *, title: str, caption: str, group: str, n: int, how: str = ""
) -> Plot:
    """Begin to draw a Vega-Lite specification, whose data are all within it."""
    whole = _printable_spec({"config": _CONFIG, "padding": 4, **spec})
    title, caption = one_line_name(title), one_line_name(caption)

    def draw_svg() -> str:
        return _clean_svg(DRAWER.svg(whole), title, f"{caption} {how}".strip())

    return Plot(_name(id), title, caption, group, n, DRAWER.begin(draw_svg), how)


def layer(mark: str, encoding: Spec, **looks: Any) -> Spec:
    """Return a layer of a plot: a mark and how it looks, and what of the data it shows."""
    return {"mark": {"type": mark, **looks}, "encoding": encoding}


# The cells of a heat map: the higher the `shade` of a row of data, the stronger.
SHADED_CELLS = layer(
    "rect", {"fillOpacity": {"field": "shade", "type": "quantitative", "scale": None}}, color=ACCENT
)


def mean_layers(title: str, shape: Spec, size: int) -> tuple[Spec, Spec]:
    """Return two layers: upright lines from `y_low` to `y_high`, and points at `y`."""
    y = {"type": "quantitative", "title": title, "scale": {"zero": False, "nice": True},
         "axis": {"tickCount": 5}}  # fmt: skip
    points = {"y": {"field": "y", **y}, "shape": shape}
    return (
        layer("rule", {"y": {"field": "y_low", **y}, "y2": {"field": "y_high"}}),
        layer("point", points, filled=True, size=size, opacity=1),
    )


def _printable_spec(spec: Any) -> Any:
    if isinstance(spec, dict):
        return {_printable_spec(key): _printable_spec(value) for key, value in spec.items()}
    if isinstance(spec, list):
        return [_printable_spec(value) for value in spec]
    return printable(spec) if isinstance(spec, str) else spec


def _name(id: str) -> str:
    """Return a figure's name as files and links can have it, still its own."""
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", id)
    return slug if slug == id and len(id) <= _LONGEST else f"{slug[:_LONGEST]}-{digest(id)[:6]}"


def _clean_svg(svg: str, title: str, caption: str) -> str:
    """Return an SVG with what the page needs of it: half as long, and named for who cannot see."""
    root = ET.fromstring(svg)  # noqa: S314 (of our own making, with all text escaped)
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        for name in list(element.attrib):
            if name in _DROPPED or name.startswith("aria-") or _idle(name, element.attrib[name]):
                del element.attrib[name]
        if element.tag not in _ELEMENTS or _FORBIDDEN & {n.split("}")[-1] for n in element.attrib}:
            raise ValueError(f"a figure with a {element.tag} {sorted(element.attrib)}")
    _prune(root)
    root.attrib |= {"role": "img", "aria-label": title, "font-family": _FONTS}
    root.attrib.pop("version", None)
    described = ET.Element("desc")
    described.text = caption
    root.insert(0, described)
    return _svg_text(root)


def _idle(name: str, value: str) -> bool:
    """Tell whether an attribute only says what is the default."""
    return (name, value) in (
        ("font-family", FONT), ("opacity", "1"), ("transform", "translate(0,0)"),
        ("stroke-miterlimit", "10"), ("font-weight", "normal"),
    )  # fmt: skip


def _prune(parent: ET.Element) -> None:
    """Leave out what shows nothing: empty groups, shapes without ink, groups without attributes."""
    kept: list[ET.Element] = []
    for child in parent:
        _prune(child)
        if child.tag == "g" and not child.attrib:
            kept += list(child)
        elif not (child.tag == "g" and not len(child)) and not _inkless(child):
            kept.append(child)
    parent[:] = kept


def _inkless(element: ET.Element) -> bool:
    if element.attrib.get("display") == "none":
        return True
    if element.tag == "text":
        return not element.text
    shape = element.attrib.get("d", "")
    return element.tag == "path" and (
        not shape or shape.startswith("M0,0h0v0") or not {"fill", "stroke"} & set(element.attrib)
    )


def _svg_text(root: ET.Element) -> str:
    return ET.tostring(root, encoding="unicode")


# In a tag: texts have their `>` escaped, and so have attributes.
_ROLE = re.compile(r'( (?:fill|stroke)=")(#0a0b\d\d)(?="[^<>]*>)')


def _colour_svg(drawn: str, colours: Mapping[str, str]) -> str:
    of = {sentinel: colours[role] for role, (sentinel, _) in _ROLES.items()}
    return _ROLE.sub(lambda found: found[1] + of.get(found[2], found[2]), drawn)
