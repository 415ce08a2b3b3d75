"""How an article begins and ends: the dateline before its first words, the source after its"
" last."""

import re

from evalharness.loaders.pages.labels import is_ended

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
