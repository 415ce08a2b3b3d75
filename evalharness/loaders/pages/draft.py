"""The lines of a page, and what each has been found to be so far."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from evalharness.loaders.pages import labels
from evalharness.loaders.pages.edges import source
from evalharness.loaders.pages.furniture import is_furniture

# What HTML says of a line: its tag, or the class of an element around it.
Hint = Literal["", "title", "heading", "byline", "time", "caption", "box", "furniture", "frame"]
LineRole = Literal[
    "", "title", "again", "byline", "time", "credit", "disclaimer", "summary",
    "body", "subhead", "source", "furniture",
]  # fmt: skip

_SEPARATOR = re.compile(r"\s+[|•·]\s+|\s+[–—-]\s+(?=\w{3,9}\.? \d|\d)")


@dataclass(frozen=True)
class Line:
    """One line of a page, with single plain spaces.

    raw: the line as it stands; text: without its bullet.
    gap: a blank line stands before it; always so in HTML.
    html: from HTML, where headings are marked and a short plain line is none.
    """

    raw: str
    text: str
    hint: Hint = ""
    bullet: bool = False
    gap: bool = True
    html: bool = False

    @property
    def ended(self) -> bool:
        """Whether it ends as a sentence does."""
        return labels.is_ended(self.raw)


def line(said: str, hint: Hint = "", *, gap: bool = True, html: bool = False) -> Line:
    """Return a line of text that has single plain spaces."""
    return Line(said, labels.without_bullet(said), hint, labels.has_bullet(said), gap, html)


def split_line(whole: Line) -> Iterator[Line]:
    """Yield the parts of a line that holds two: heading, text; caption, credit; name, time."""
    said, hint = whole.raw, whole.hint
    pair = labels.heading_and_text(whole.text)
    kinds: tuple[Hint, Hint] = (hint, hint)
    if pair is None and (pair := labels.caption_and_credit(said)):
        kinds = ("caption", "caption")
    if pair is None and (pair := _name_and_time(said)):
        kinds = (hint, hint)
    if pair is None:
        yield whole
        return
    yield line(pair[0], kinds[0], gap=whole.gap, html=whole.html)
    yield line(pair[1], kinds[1], gap=False, html=whole.html)


def _name_and_time(said: str) -> tuple[str, str] | None:
    if len(said) > labels.LONGEST_TIMESTAMP:
        return None
    for mark in _SEPARATOR.finditer(said):
        name, time = said[: mark.start()], said[mark.end() :]
        if labels.is_timestamp(time) and (labels.is_byline(name) or labels.is_name(name)):
            return name, time
    return None


@dataclass
class PageDraft:
    """Lines and their roles; `` for a line whose role is not known yet."""

    lines: list[Line]
    roles: list[LineRole] = field(default_factory=list[LineRole])

    def __post_init__(self) -> None:
        """Begin with what each line shows by itself: furniture or not."""
        self.roles = ["furniture" if _is_skipped(each) else "" for each in self.lines]

    def __len__(self) -> int:
        return len(self.lines)

    def free(self, i: int) -> bool:
        """Return whether the role of a line is still open."""
        return self.roles[i] == ""

    def put(self, role: LineRole, where: Iterable[int]) -> None:
        """Give lines a role."""
        for i in where:
            self.roles[i] = role

    def of(self, role: LineRole) -> list[int]:
        """Return where the lines of a role stand."""
        return [i for i, has in enumerate(self.roles) if has == role]

    def prose(self, i: int) -> bool:
        """Return whether a line of open role reads as a paragraph of text."""
        each = self.lines[i]
        if not self.free(i) or each.hint in ("heading", "byline", "time", "caption", "box"):
            return False
        if labels.is_timestamp(each.raw) or labels.is_credit(each.raw):
            return False
        return each.ended or source(each.raw) is not None

    def is_label(self, i: int) -> bool:
        """Return whether a line is a byline, a time or a credit by its looks."""
        each = self.lines[i]
        if each.hint in ("byline", "time", "caption"):
            return True
        said = each.raw
        return labels.is_timestamp(said) or labels.is_byline(said) or labels.is_credit(said)


def _is_skipped(each: Line) -> bool:
    if each.hint in ("furniture", "frame"):
        return True
    if each.hint in ("title", "box", "byline", "time") or labels.is_disclaimer(each.raw):
        return False
    if labels.is_timestamp(each.raw) or labels.is_owned_picture(each.raw):
        return False
    return is_furniture(each.raw)
