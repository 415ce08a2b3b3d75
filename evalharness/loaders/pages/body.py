"""Which lines are the article: its paragraphs, its subheads, and the source at its end."""

import re
from bisect import bisect_right
from itertools import accumulate

from evalharness.loaders.pages import labels
from evalharness.loaders.pages.furniture import is_bare_signature, opens_comments, opens_list
from evalharness.loaders.pages.lines import PageDraft, dateline, is_source_line, source

_AUTHORS = re.compile(r"\b[Bb]y |\band\b|,|&|\|")
_BIO = re.compile(
    r",? (is (an?|the|our|based)|was (an?|the)|covers|writes|reports|has (covered|written|been"
    r"|reported)"
    r"|joined|works|can be reached|contributed)\b"
)
# A line of so many words is a paragraph, also without a full stop.
PARAGRAPH_WORDS = 15
PARAGRAPH_LETTERS = 60  # for scripts without spaces
SUBHEAD_WORDS = 12
# After links to other stories, fewer lines with a full stop than this share: the article is over.
SHARE_OF_PROSE = 0.5
LONGEST_LIST = 20  # lines
PULLED_WORDS = 6  # of a pull quote without quotation marks
MOST_PULL_QUOTES = 50  # looked at as pull quotes
LONGEST_QUOTE = 250  # characters


def start_of_body(draft: PageDraft, title: int | None) -> int:
    """Return where the first paragraph stands on a page without a dateline; its end if nowhere."""
    begin = 0 if title is None else title + 1
    texts = [i for i in range(begin, len(draft)) if is_paragraph(draft, i)]
    if not texts:
        return len(draft)
    if len(texts) > 1:  # a standfirst, which the byline or the time follows
        between = range(texts[0] + 1, texts[1])
        if any(_is_header(draft, i) for i in between):
            return texts[1]
    return texts[0]


def _is_header(draft: PageDraft, i: int) -> bool:
    if draft.lines[i].hint in ("byline", "time"):
        return True
    said = draft.lines[i].raw
    return draft.free(i) and (labels.is_timestamp(said) or labels.is_byline(said))


def is_paragraph(draft: PageDraft, i: int) -> bool:
    """Return whether a line of open role is a paragraph by its looks."""
    if draft.prose(i):
        return True
    each = draft.lines[i]
    if not draft.free(i) or each.hint in ("heading", "caption", "byline", "time", "box"):
        return False
    long = len(each.raw.split()) >= PARAGRAPH_WORDS or _is_unspaced(each.raw)
    return long and not draft.is_label(i) and not labels.is_disclaimer(each.raw)


def _is_unspaced(said: str) -> bool:
    return len(said) >= PARAGRAPH_LETTERS and len(said) > 15 * len(said.split())


def take_body(draft: PageDraft, start: int) -> str:
    """Give the article's lines their roles; return the source at the end of its last paragraph."""
    end, tag = _end(draft, start)
    _skip_posts(draft, start, end)
    _skip_pull_quotes(draft, start, end)
    _skip_bio(draft, start, end)
    in_list = False
    for i in range(start, end):
        if draft.roles[i] == "furniture":
            in_list = opens_list(draft.lines[i].raw)
        if not draft.free(i):
            continue
        if is_paragraph(draft, i) and not _is_question(draft, i, start):
            draft.put("body", [i])
            in_list = False
        elif not in_list and _is_subhead(draft, i, end):
            draft.put("subhead", [i])
        elif labels.goes_on(draft.lines[i].raw) or _is_listed(draft, i, end):
            draft.put("body", [i])
    return tag


def _end(draft: PageDraft, start: int) -> tuple[int, str]:
    """Return where the body ends, and the source at the end of its last paragraph."""
    rest = [i for i in range(start, len(draft)) if draft.free(i)]
    comments = [
        i
        for i in range(start + 1, len(draft))
        if draft.roles[i] == "furniture" and opens_comments(draft.lines[i].raw)
    ]
    prose = [i for i in rest if draft.prose(i) and (not comments or i < comments[0])]
    for i in reversed([k for k in rest if not comments or k < comments[0]]):
        inline = source(draft.lines[i].raw)
        alone = i > start and is_source_line(draft.lines[i].raw)
        if not (inline or alone) or (inline and _is_quoted_by(draft, i)):
            continue
        after = len(prose) - bisect_right(prose, i)
        if after <= max(1, len(prose) - after - 1):
            if alone:
                draft.put("source", [i])
            return (i + 1, "") if alone or inline is None else (i + 1, inline[1])
    end = comments[0] if comments and prose else len(draft)
    return _before_links(draft, start, end), ""


def _is_quoted_by(draft: PageDraft, i: int) -> bool:
    """Return whether a line is a quote with its speaker: “We will win.” – Ada Lind."""
    said = draft.lines[i].raw
    return (
        said[0] in '“"«‘'
        and len(said) <= LONGEST_QUOTE
        and said.count("–") + said.count("—") == 1
        and any(is_paragraph(draft, k) for k in range(i + 1, min(i + 3, len(draft))))
    )


def _before_links(draft: PageDraft, start: int, end: int) -> int:
    """Return the end of the body, before a list of links that no article follows."""
    free = list(accumulate((draft.free(k) for k in range(start, end)), initial=0))
    prose = list(accumulate((draft.prose(k) for k in range(start, end)), initial=0))
    for i in range(start + 1, end):
        if draft.roles[i] == "furniture" and opens_list(draft.lines[i].raw):
            at = i - start
            if prose[-1] - prose[at] <= SHARE_OF_PROSE * (free[-1] - free[at]):
                return i
    return end


def _skip_posts(draft: PageDraft, start: int, end: int) -> None:
    """Throw out embedded posts, whose signature stands on a line of its own."""
    for i in range(start + 1, end):
        if draft.roles[i] == "furniture" and is_bare_signature(draft.lines[i].raw):
            draft.put("furniture", [k for k in (i - 1,) if k > start and draft.free(k)])


def _skip_pull_quotes(draft: PageDraft, start: int, end: int) -> None:
    """Throw out short lines that another paragraph says, too."""
    inside = [i for i in range(start, end) if draft.free(i)]
    suspects = [i for i in inside if i > start and _may_be_pulled(draft, i)][:MOST_PULL_QUOTES]
    bare = {i: _bare(draft.lines[i].raw) for i in inside} if suspects else {}
    for i in suspects:
        said = bare[i]
        others = (other for k, other in bare.items() if k != i)
        if len(said.split()) >= 3 and any(said in other and said != other for other in others):
            draft.put("furniture", [i])
            speaker = i + 1
            if speaker < end and draft.free(speaker) and draft.lines[speaker].raw[0] in "–—-":
                draft.put("furniture", [speaker])


def _skip_bio(draft: PageDraft, start: int, end: int) -> None:
    """Throw out what the last lines say of the author."""
    bylines = " and ".join(draft.lines[i].raw for i in draft.of("byline"))
    authors = [name.strip() for name in _AUTHORS.split(bylines) if " " in name.strip()]
    inside = [i for i in range(start + 1, end) if draft.free(i)]
    for i in inside[-3:]:
        said = draft.lines[i].raw
        if any(said.startswith(name) and _BIO.match(said[len(name) :]) for name in authors):
            draft.put("furniture", [i])


def _may_be_pulled(draft: PageDraft, i: int) -> bool:
    said = draft.lines[i].raw
    if len(said) > LONGEST_QUOTE or draft.lines[i].hint == "heading" or said.isupper():
        return False
    return said[0] in '“"«„' or (not labels.is_ended(said) and len(said.split()) >= PULLED_WORDS)


def _bare(said: str) -> str:
    kept = (c for c in said.casefold() if c.isalnum() or c.isspace())
    return " ".join("".join(kept).split())


def _is_question(draft: PageDraft, i: int, start: int) -> bool:
    said = draft.lines[i].raw
    if (
        i == start
        or not said.endswith("?")
        or len(said.split()) > SUBHEAD_WORDS
        or draft.lines[i].html
    ):
        return False
    return said[0] not in '“"«‘' and said.count("?") == 1 and "." not in said


def _is_subhead(draft: PageDraft, i: int, end: int) -> bool:
    """Return whether a short line without a stop heads the paragraphs that follow it."""
    each = draft.lines[i]
    if each.hint not in ("", "heading") or (each.html and each.hint != "heading"):
        return False
    if each.bullet or len(each.raw.split()) > SUBHEAD_WORDS or labels.goes_on(each.raw):
        return False
    if each.raw[0] in "–—-(" or each.raw[0].islower() or draft.is_label(i):
        return False
    follows = next((k for k in range(i + 1, end) if draft.roles[k] != "furniture"), None)
    return follows is not None and is_paragraph(draft, follows) and not dateline(each.raw)


def _is_listed(draft: PageDraft, i: int, end: int) -> bool:
    """Return whether a line is a point of a list in the article, which goes on after it."""
    if not draft.lines[i].bullet:
        return False
    above = draft.lines[i - 1]
    if draft.roles[i - 1] == "body" and (above.bullet or labels.goes_on(above.raw)):
        return True
    return any(is_paragraph(draft, k) for k in range(i + 1, min(end, i + LONGEST_LIST)))
