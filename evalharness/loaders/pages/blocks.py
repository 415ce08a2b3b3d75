"""HTML to lines of text, each with what its tag and the classes around it say of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from evalharness.loaders.pages import labels
from evalharness.loaders.pages.draft import Line
from evalharness.loaders.pages.hints import Hints, special
from evalharness.loaders.pages.text import fold_spaces

NO_TEXT = (
    "script", "style", "noscript", "template", "svg", "iframe", "object", "head", "math", "canvas",
    "audio", "video", "input", "textarea", "select", "map",
)  # fmt: skip
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "img",
        "ins",
        "kbd",
        "mark",
        "q",
        "ruby",
        "rp",
        "rt",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
        "var",
        "wbr",
        "nobr",
        "picture",
        "source",
        "link",
    ]
)
_BOLD = ("b", "strong")
_CELLS = ("td", "th", "button", "option", "label", "legend", "dt")
_BREAK = "\v"  # `br`: two of them part paragraphs
_BREAKS = re.compile(r"\v\s*\v[\v\s]*")
_BETWEEN = re.compile(r"[\s|•·,;/–—\v-]*")
HEADING_WORDS = 12  # of a paragraph that is bold throughout
CELL_WORDS = 8  # of a cell or button; what is longer and ends as a sentence is a paragraph


@dataclass
class Outline:
    """The lines of a page, and for each element the range of those that stand in it."""

    lines: list[Line] = field(default_factory=list[Line])
    elements: list[Any] = field(default_factory=list[Any])
    boxed: list[bool] = field(default_factory=list[bool])
    ranges: dict[Any, tuple[int, int]] = field(default_factory=dict[Any, tuple[int, int]])


@dataclass(frozen=True)
class _Piece:
    """Text of a block; `top` is the outermost inline element around it."""

    text: str
    top: Any = None
    link: bool = False
    bold: bool = False


def outline(tree: Any) -> Outline:
    """Return the lines of a page in order. `tree` loses what holds no text for readers."""
    from lxml import etree

    etree.strip_elements(tree, *NO_TEXT, etree.Comment, etree.PI, with_tail=False)
    return _Reader(tree).read(etree)


class _Reader:
    def __init__(self, tree: Any) -> None:
        self.tree, self.hints, self.found = tree, Hints(tree), Outline()
        self.pieces: list[_Piece] = []
        self.blocks: list[Any] = []
        self.inline: list[Any] = []

    def read(self, etree: Any) -> Outline:
        for event, element in etree.iterwalk(self.tree, events=("start", "end")):
            if not isinstance(element.tag, str):
                continue
            if event == "start":
                self._open(element)
            else:
                self._close(element)
        return self.found

    def _open(self, element: Any) -> None:
        if element.tag == "br":
            self._add(_BREAK)
        elif element.tag in _INLINE:
            self.inline.append(element)
        else:
            self._flush()
            self.blocks.append(element)
            self.found.ranges[element] = (len(self.found.lines), 0)
        self._add(element.text)

    def _close(self, element: Any) -> None:
        if element.tag in _INLINE:
            self.inline.pop()
        elif element.tag != "br":
            self._flush()
            self.blocks.pop()
            first, _ = self.found.ranges[element]
            self.found.ranges[element] = (first, len(self.found.lines))
        if element is not self.tree:
            self._add(element.tail)

    def _add(self, text: str | None) -> None:
        if not text:
            return
        tags = {each.tag for each in self.inline}
        top = self.inline[0] if self.inline else None
        said = text if text == _BREAK else text.replace(_BREAK, " ")
        self.pieces.append(_Piece(said, top, "a" in tags, not tags.isdisjoint(_BOLD)))

    def _flush(self) -> None:
        pieces, self.pieces = self.pieces, []
        if not self.blocks or not any(each.text.strip() for each in pieces):
            return
        hint, _ = self.hints.of(self.blocks[-1])
        for part in _apart(pieces, hint in ("frame", "furniture")):
            self._put(part)

    def _put(self, pieces: list[_Piece]) -> None:
        element = self.blocks[-1]
        hint, boxed = self.hints.of(element)
        tops = {each.top for each in pieces if each.text.strip()}
        if len(tops) == 1 and (top := tops.pop()) is not None:
            hint = special(top) or hint if hint not in ("frame", "furniture") else hint
        for said in _paragraphs("".join(each.text for each in pieces)):
            if line := self._line(fold_spaces(said), hint, pieces):
                self.found.lines.append(line)
                self.found.elements.append(element)
                self.found.boxed.append(boxed)

    def _line(self, said: str, hint: Any, pieces: list[_Piece]) -> Line | None:
        if not said:
            return None
        element = self.blocks[-1]
        loose = [each for each in pieces if not _BETWEEN.fullmatch(each.text)]
        words = len(said.split())
        if (not hint and all(each.link for each in loose) and not labels.is_ended(said)) or (
            not hint
            and element.tag in _CELLS
            and not (words >= CELL_WORDS and labels.is_ended(said))
        ):
            hint = "furniture"
        elif not hint and all(each.bold for each in loose) and words <= HEADING_WORDS:
            hint = "" if labels.is_ended(said) else "heading"
        listed = element.tag == "li" or self._opens_item(element)
        bare = labels.without_bullet(said)
        return Line(said, bare, hint, listed or bare != said, gap=True, html=True)

    def _opens_item(self, element: Any) -> bool:
        parent = element.getparent()
        return parent is not None and parent.tag == "li" and element.tag in ("p", "div")


def _paragraphs(said: str) -> Iterator[str]:
    """Yield the paragraphs that two line breaks part, or one after a heading."""
    for part in _BREAKS.split(said):
        heading, found, rest = part.partition(_BREAK)
        if found and labels.is_box_heading(fold_spaces(heading)):
            yield heading
            part = rest
        yield part


def _apart(pieces: list[_Piece], skipped: bool) -> Iterator[list[_Piece]]:
    """Yield the pieces of a block by line; links, names or times side by side are several."""
    said = [each for each in pieces if not _BETWEEN.fullmatch(each.text)]
    tops = {each.top for each in said}
    loose = None in tops
    alone = {top for top in tops if top is not None and _stands_alone(top, loose)}
    if len(tops) > 1 and not loose and (alone or skipped or all(each.link for each in said)):
        alone = tops
    if not alone or len(tops) == 1:
        yield pieces
        return
    for top, group in groupby(pieces, key=lambda each: each.top if each.top in alone else None):
        part = list(group)
        if top is not None or not all(_BETWEEN.fullmatch(each.text) for each in part):
            yield part


def _stands_alone(top: Any, loose: bool) -> bool:
    """Return whether an inline element is a line of its own: a time, a credit, an author."""
    kind = special(top)
    return kind in ("time", "caption") or (kind == "byline" and not loose)
