"""The parts of a news page that was saved as plain text, a line a paragraph.

The layout is that of pages as scrapers leave them: title, byline, the box with a summary written by
a machine (its disclaimer, the title once more, bullets or a paragraph), the body from its dateline
on, and furniture: buttons, comment counts, links to other stories.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# A disclaimer says who wrote (a machine), what it did, and that it may be wrong, in whatever words.
_MACHINE = re.compile(
    r"\bA\.?I\b|artificial intelligence|\bautomatic|\bmachine|\balgorithm|language model"
    r"|\bchat ?bot|\bGPT|\bcomputer",
    re.IGNORECASE,
)
_WROTE = re.compile(r"generat|summar|creat|produc|writ|compil|made by", re.IGNORECASE)
_CAUTION = re.compile(
    r"\berrors?\b|mistake|inaccura|incorrect|imperfect|accurate|\bwrong|verif|\bcheck"
    r"|(refer to|read|see|consult) the (full|whole|original)|not (been )?review",
    re.IGNORECASE,
)
LONGEST_DISCLAIMER = 300  # characters; a longer paragraph tells a story about machines

# SAN CERILLO, Verlandia – Public schools …     ORO CITY (AP) -- The …
_DATELINE = re.compile(r"[A-Z][A-Z.'’ -]{2,}(,? [\w.,'’() -]{1,40})? ?(–|—|--| - ) ?\S")
_TIMESTAMP = re.compile(
    r"((first )?(published|updated|posted|last (updated|modified))\b.*\d"
    r"|\w{3,9}\.? \d{1,2},? \d{4}\b|\d{1,2} \w{3,9}\.? \d{4}\b|\d{4}-\d\d-\d\d\b).{0,30}$",
    re.IGNORECASE,
)
_CREDIT = re.compile(
    r"(photo|image|picture|credit|courtesy)s?( (by|from|courtesy)\b|\W*[:/])", re.IGNORECASE
)
_BYLINE = re.compile(r"[Bb]y [A-Z][\w.'’-]+( (and )?[A-Z][\w.'’-]+){0,5}(,.*)?$")
_BULLET = re.compile(r"[•▪●◦‣·] ?(?=\S)|[*–-] (?=\S)")
_BOX_HEADING = re.compile(
    r"(ai |quick |article |auto)?[ -]?(generated )?(summary|highlights|key (points|takeaways)"
    r"|tl;?dr|in (brief|short)|at a glance)\W*$",
    re.IGNORECASE,
)
# The lines around an article that readers skip. Whole lines, but for an open end.
_FURNITURE = re.compile(
    r"add a comment|sort by|there are no comments yet.*|\d+ comments?|be the first to comment.*"
    r"|summari[sz]e this article( with ai)?|how does this make you feel\??|loading\W*"
    r"|download (the )?.{1,40} app!?|also (on|in) [^.!?]{0,40}|related (stories|articles|topics)\W*"
    r"|(read|see) (more|also|next)\b[^.!?]*|recommended( for you)?|trending( now)?"
    r"|most (read|popular)|advertisements?|sponsored( content)?|story continues below.*"
    r"|share( this)?( (story|article))?|(log|sign) (in|up)|subscribe( now| to [^.!?]*)?"
    r"|sign up for [^.!?]*|follow us[^.!?]*|print|copy link|skip to (main )?content"
    r"|home|news|sports|opinion|back to top|©.*|.*all rights reserved\.?",
    re.IGNORECASE,
)
# … no budget yet. – Harbor Ledger
_SOURCE_TAG = re.compile(r"(?<=[.!?”\"’)]) ?(–|—|--) ?(?P<tag>[^–—.!?]{2,60}(\.[a-z]{2,8})?)$")
_ENDED = re.compile(r"[.!?…:][”\"’')]*$")


@dataclass(frozen=True)
class Page:
    """The parts of a news page that matter here; paragraphs without line ends.

    disclaimer: the sentence that says that a machine wrote the summary; empty if there is none.
    summary: the bullets or paragraphs of the summary box; empty if there is none.
    body: the article's paragraphs, without title, furniture and the source's name at the end.
    """

    title: str
    disclaimer: str
    summary: tuple[str, ...]
    body: tuple[str, ...]


def parse(text: str) -> Page:
    """Return the parts of a page saved as plain text."""
    lines = [line for line in paragraphs(text) if not is_furniture(line)]
    if not lines:
        return Page("", "", (), ())
    title = lines[0]
    dateline = next((k for k, line in enumerate(lines) if k and _DATELINE.match(line)), None)
    mark = next((k for k, line in enumerate(lines[:dateline]) if is_disclaimer(line)), None)
    start = _box_start(lines[:dateline], mark)
    if start is None:
        after = dateline or _first_of_body(lines, 1)
        return Page(title, "", (), body(lines[after:]))
    end = _box_end(lines, start) if dateline is None else dateline
    summary = box(lines[start:end], title)
    if not summary and mark is not None:  # the disclaimer closes the box
        summary = box(lines[1:mark], title)
    return Page(title, lines[mark] if mark is not None else "", summary, body(lines[end:]))


def paragraphs(text: str) -> list[str]:
    """Return the lines that are not blank, with single plain spaces."""
    lines = (" ".join(line.split()) for line in re.split(r"[\r\n\u2028\u2029]+", text))
    return [line for line in lines if line]


def is_furniture(line: str) -> bool:
    """Return whether a line belongs to the page and not to the article."""
    return _FURNITURE.fullmatch(line) is not None


def is_disclaimer(line: str) -> bool:
    """Return whether a line says that a machine wrote the summary, and may have erred.

    >>> is_disclaimer("This summary was created automatically and can contain mistakes.")
    True
    >>> is_disclaimer("Summarize this article with AI")
    False
    """
    says = (_MACHINE, _WROTE, _CAUTION)
    return len(line) <= LONGEST_DISCLAIMER and all(part.search(line) for part in says)


def box(lines: Sequence[str], title: str) -> tuple[str, ...]:
    """Return what a summary box says, without its title, heading, credits and bullet signs."""
    said = [line for line in lines if not is_disclaimer(line) and not _is_label(line, title)]
    return tuple(_BULLET.sub("", line, count=1) if _BULLET.match(line) else line for line in said)


def body(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the paragraphs up to the one that ends with the source's name, without that name.

    >>> body(["One.", "Two. – Harbor Ledger", "More from us"])
    ('One.', 'Two.')
    """
    kept = [line for line in lines if not is_furniture(line) and not is_disclaimer(line)]
    for k in reversed(range(len(kept))):
        if tag := _SOURCE_TAG.search(kept[k]):
            return (*kept[:k], kept[k][: tag.start()].rstrip())
    return tuple(kept)


def _box_start(head: Sequence[str], mark: int | None) -> int | None:
    """Return where the box's text begins: after the disclaimer, and the title said again."""
    again = [k for k, line in enumerate(head) if k and line.casefold() == head[0].casefold()]
    ends = [k for k in (mark, *again[:1]) if k is not None]
    return max(ends) + 1 if ends else None


def _box_end(lines: Sequence[str], start: int) -> int:
    """Return where the box ends on a page without a dateline.

    After the bullets if there are any; else after the lines without a full stop, which mark the
    summaries of such boxes; else after one paragraph.
    """
    first = inside = _first_of_body(lines, start)
    bullets = first < len(lines) and _BULLET.match(lines[first]) is not None
    ends = _no_bullet if bullets else _ENDED.search
    while inside < len(lines) and not ends(lines[inside]):
        inside += 1
    return inside if inside > first else min(first + 1, len(lines))


def _no_bullet(line: str) -> bool:
    return _BULLET.match(line) is None


def _first_of_body(lines: Sequence[str], start: int) -> int:
    """Return the first line that is neither byline nor time stamp nor credit."""
    while start < len(lines) and _is_label(lines[start], lines[0]):
        start += 1
    return start


def _is_label(line: str, title: str) -> bool:
    """Return whether a line is no text: title again, byline, time stamp, credit, heading."""
    if line.casefold() == title.casefold() or _BOX_HEADING.match(line):
        return True
    if _TIMESTAMP.match(line) or _BYLINE.match(line) or _CREDIT.match(line):
        return True
    name = line.partition("/")[0]
    return len(line.split()) <= 6 and name.isupper()
