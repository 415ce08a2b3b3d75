"""The lines of a page, and what each has been found to be so far.

Also what a line shows by itself of where the article begins and ends: the dateline before its first
words, the source after its last.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from evalharness.loaders.pages import labels
from evalharness.loaders.pages.furniture import is_furniture
from evalharness.loaders.pages.labels import is_ended

# What HTML says of a line: its tag, or the class of an element around it.
Hint = Literal["", "title", "heading", "byline", "time", "caption", "box", "furniture", "frame"]
LineRole = Literal[
    "", "title", "again", "byline", "time", "credit", "disclaimer", "summary",
    "body", "subhead", "source", "furniture",
]  # fmt: skip


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
    def ends_sentence(self) -> bool:
        """Whether it ends as a sentence does."""
        return labels.is_ended(self.raw)


def line(said: str, hint: Hint = "", *, gap: bool = True, html: bool = False) -> Line:
    """Return a line of text that has single plain spaces."""
    return Line(said, labels.without_bullet(said), hint, labels.has_bullet(said), gap, html)


# Zero-width space, joiners of words, byte order mark, soft hyphen. Joiners of letters stay.
_UNSEEN = {0x200B: None, 0x2060: None, 0xFEFF: None, 0xAD: None}


def fold_spaces(text: str) -> str:
    """Return text with single plain spaces, and without marks that no one sees.

    >>> fold_spaces("  a\\u00a0b\\u200b \\t c")
    'a b c'
    """
    return " ".join(text.translate(_UNSEEN).split())


# --- How an article begins and ends

_DASH = r"(?:–|—|―|--+| - |−|(?<=\)):|(?<=\w): (?=[A-Z]))"
_CITY = r"[^\W\d_a-zß-öø-ÿ][^\W\d_a-zß-öø-ÿ.'’\-]*(?:[ \-/][^\W\d_a-zß-öø-ÿ.'’\-&]+){0,4}"
_AREA = r"(?:,? [(\w][\w.'’ ]{1,30}\)?){0,3}"
# SAN CERILLO, Verlandia – Public schools …     LONDON, Oct 17 (Reuters) - The …
_CAPITALS = re.compile(rf"(?P<line>{_CITY}{_AREA}) ?(?:{_DASH}|\|) ?(?=[^\W_]|[\"“«‘'¿¡(])")
_NAME = r"[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,2}"
# Oro City, Verlandia — The …     Oro City (AP) — The …
_MIXED = re.compile(
    rf"(?P<line>{_NAME}(?:, {_NAME}(?:, \w+ \d{{1,2}})?|(?:, {_NAME})? \([A-Z][\w ./]+\))) ?(?:–|—"
    r"|--) ?"
    r"(?=[A-Z\"“])"
)
# DUNMORE, 10 October. A museum …
_DATED = re.compile(
    rf"(?P<line>{_CITY}(?:, {_NAME})?, "
    r"(?:\d{1,2} [A-Z][a-z]{2,8}|[A-Z][a-z]{2,8}\.? \d{1,2}))\. (?=[A-Z\"“])"
)
_AGENCY_ONLY = re.compile(r"(?P<line>\([A-Z][\w ]{1,20}\)) ?(?:–|—|--| - ) ?(?=\S)")
_NO_PLACE = re.compile(
    r"(UPDATED?|BREAKING|WATCH|LIVE|LOOK|READ|EXCLUSIVE|OPINION|ANALYSIS|EXPLAINER|FILE|FILE PHOTO"
    r"|PHOTOS?"
    r"|VIDEO|JUST IN|NEWS|CORRECTION|NOTE|EDITOR.S NOTE|DISCLAIMER|SUMMARY|TL;?DR|AI|FAST FACTS"
    r"|FIRST|Q|A)\b"
)
LONGEST_DATELINE = 70  # characters

_TAG_NAME = r"[^–—.!?\"“”()]{2,60}?(?:\.[a-z]{2,8}){0,2}"
# … no budget yet. – Harbor Ledger      … no budget yet. (AP)
_SOURCE = re.compile(
    rf"(?<=[.!?…”\"’'»)]) ?(?P<tag>(?:–|—|―|--| -) ?{_TAG_NAME}|\((?:[A-Z]{{2,6}}"
    rf"|[A-Z][\w./ &-]{{1,40}})\))"
    r"[.]?$"
)
_SOURCE_LINE = re.compile(
    rf"(?:–|—|―|--|-) ?{_TAG_NAME}|\((?:[A-Z]{{2,6}}|[A-Z][\w./ &-]{{1,40}})\)"
    r"|(?:–|—|--)? ?with (?:an? )?(?:additional )?(?:reports?|files|inputs?|reporting"
    r"|contributions?)"
    r" (?:from|by) .{2,60}|source: .{2,50}"
    r"|(?:Reuters|AFP|AP|EPA|dpa|DPA|ANSA|EFE|Xinhua|UPI|PA)",
    re.IGNORECASE,
)
LONGEST_TAG_LINE = 90  # characters


def dateline(paragraph: str) -> str:
    """Return where, and perhaps when, a paragraph says that it was written; empty if it does not.

    >>> dateline("ORO CITY, Verlandia – The court …"), dateline("NATO – what next?")
    ('ORO CITY, Verlandia', 'NATO')
    >>> dateline("LONDON, Oct 17 (Reuters) - Talks …"), dateline("The mayor – at last – left.")
    ('LONDON, Oct 17 (Reuters)', '')
    """
    head = paragraph[: LONGEST_DATELINE + 5]
    if _NO_PLACE.match(head):
        return ""
    for form in (_CAPITALS, _MIXED, _AGENCY_ONLY, _DATED):
        found = form.match(head)
        if found and len(found["line"]) > 1:
            return found["line"].strip()
    return ""


def opens_article(paragraph: str) -> bool:
    """Return whether a paragraph begins with a dateline and is long enough to be the first."""
    if len(paragraph.split()) < 5 or not dateline(paragraph):
        return False
    return is_ended(paragraph) or source(paragraph) is not None or len(paragraph.split()) >= 18


def source(paragraph: str) -> tuple[str, str] | None:
    """Return a paragraph without the source named at its end, and that name with its dash.

    >>> source("It has no budget yet. – Harbor Ledger")
    ('It has no budget yet.', '– Harbor Ledger')
    """
    tail = paragraph[-LONGEST_TAG_LINE:]
    found = _SOURCE.search(tail)
    if found is None or len(found["tag"].split()) > 10 or _is_aside(found["tag"]):
        return None
    text = paragraph[: len(paragraph) - len(tail) + found.start()].rstrip()
    return text, paragraph[len(paragraph) - len(tail) + found.start("tag") :].strip()


def is_source_line(line: str) -> bool:
    """Return whether a line by itself says where the article is from: `– Harbor Ledger`."""
    return len(line) <= LONGEST_TAG_LINE and _SOURCE_LINE.fullmatch(line) is not None


def _is_aside(tag: str) -> bool:
    """Return whether words after a dash go on with the sentence: they begin small."""
    words = tag.strip("–—―- ()").split()
    return bool(words) and words[0][0].islower() and words[0] not in ("with", "from", "via", "by")


# --- Lines that hold two

_SEPARATOR = re.compile(r"\s+[|•·]\s+|\s+[–—-]\s+(?=\w{3,9}\.? \d|\d)")


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


# --- The roles of a page's lines


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
        return each.ends_sentence or source(each.raw) is not None

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
