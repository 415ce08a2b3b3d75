"""From the lines of a news page to its parts.

In this order: the title; the first paragraph of the body, by its dateline if it has one; the
summary box (`box`); what the short lines around title and body are; where the body ends, and
which lines inside it are no paragraphs. Whatever is left is furniture, so that every
line of the page ends up in one part; only the title said again above the box is left out.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from evalharness.loaders.pages import labels
from evalharness.loaders.pages.box import find_box
from evalharness.loaders.pages.lines import (
    Line,
    PageDraft,
    dateline,
    is_bare_signature,
    is_source_line,
    opens_article,
    opens_comments,
    opens_list,
    points_elsewhere,
    source,
)

_AUTHORS = re.compile(r"\b[Bb]y |\band\b|,|&|\|")
_BIO = re.compile(
    r",? (is (an?|the|our|based)|was (an?|the)|covers|writes|reports|has (covered|written|been"
    r"|reported)|joined|works|can be reached|contributed)\b"
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


MOST_TITLE_WORDS = 40
# A title of this many words is more than a label above it.
TITLE_WORDS = 4


@dataclass(frozen=True)
class Page:
    """The parts of a news page, as they stand on it, with single plain spaces.

    byline, timestamps: a line each. disclaimer: what says that a machine wrote the summary and may
    have erred; None if nothing does. summary: the bullets or paragraphs of the box, without bullet
    signs. dateline: the place, and what else stands before the dash. body: the paragraphs, the
    first with its dateline, the last without `source`. source: the article's source as it is
    named at the end, with its dash. furniture: every other line; of an HTML page, first what
    belongs to this article (comment box, buttons) and then what frames every page of the site.
    """

    title: str = ""
    byline: tuple[str, ...] = ()
    timestamps: tuple[str, ...] = ()
    disclaimer: str | None = None
    photo_credit: str | None = None
    summary: tuple[str, ...] = ()
    dateline: str | None = None
    body: tuple[str, ...] = ()
    subheads: tuple[str, ...] = ()
    source_tag: str | None = None
    furniture: tuple[str, ...] = ()


def assemble(lines: Sequence[Line]) -> Page:
    """Return the parts of the page that has these lines."""
    draft = PageDraft(list(lines))
    title = _title(draft)
    if title is not None:
        draft.put("title", [title])
        _say_again(draft, title)
    after = 0 if title is None else title + 1
    opening = next((i for i in range(after, len(draft)) if _opens(draft, i)), None)
    find_box(draft, title, opening)
    start = start_of_body(draft, title) if opening is None else opening
    _take_labels(draft, title, start)
    tag = take_body(draft, start)
    _take_labels_below(draft)
    draft.put("furniture", [i for i in range(len(draft)) if draft.free(i)])
    return _page(draft, tag)


def _page(draft: PageDraft, tag: str) -> Page:
    def texts_of_roles(*roles: str) -> tuple[str, ...]:
        return tuple(e.raw for e, r in zip(draft.lines, draft.roles, strict=True) if r in roles)

    body = list(texts_of_roles("body"))
    if tag and body and (parted := source(body[-1])):
        body[-1] = parted[0]
    skipped = [draft.lines[i] for i in draft.of("furniture")]
    skipped.sort(key=lambda each: each.hint == "frame")
    credits = texts_of_roles("credit")
    return Page(
        title=" ".join(texts_of_roles("title")),
        byline=texts_of_roles("byline"),
        timestamps=texts_of_roles("time"),
        disclaimer=" ".join(texts_of_roles("disclaimer")) or None,
        photo_credit=credits[0] if credits else None,
        summary=tuple(draft.lines[i].text for i in draft.of("summary")),
        dateline=dateline(body[0]) or None if body else None,
        body=tuple(body),
        subheads=texts_of_roles("subhead"),
        source_tag=tag or " ".join(texts_of_roles("source")) or None,
        furniture=tuple(each.raw for each in skipped),
    )


def _opens(draft: PageDraft, i: int) -> bool:
    each = draft.lines[i]
    if not draft.free(i) or each.bullet or each.hint not in ("", "heading"):
        return False
    return opens_article(each.raw)


def _title(draft: PageDraft) -> int | None:
    """Return where the title stands: what HTML says, what is said twice, or the first headline."""
    marked = [i for i, each in enumerate(draft.lines) if each.hint == "title"]
    if marked:
        return marked[0]
    _free_first_line(draft)
    head: list[int] = []
    for i in range(len(draft)):
        if _opens(draft, i) or len(head) >= 10:
            break
        if draft.free(i):
            head.append(i)
    candidates = [i for i in head if _may_be_title(draft, i)]
    first: dict[str, int] = {}
    for i in candidates:
        k = first.setdefault(_folded_line(draft, i), i)
        if k != i and len(draft.lines[k].raw.split()) > 1:
            return k
    return _headline(draft, candidates)


def _free_first_line(draft: PageDraft) -> None:
    """Take the first line for no link to another story (`EXPLAINER: …`) if it heads this one."""
    if (
        len(draft) < 2
        or draft.free(0)
        or draft.lines[0].hint
        or not points_elsewhere(draft.lines[0].raw)
    ):
        return
    below = draft.lines[1].raw
    heads = draft.is_label(1) or labels.is_name(below) or labels.is_disclaimer(below)
    if heads or any(_folded_line(draft, i) == _folded_line(draft, 0) for i in range(1, len(draft))):
        draft.put("", [0])


def _may_be_title(draft: PageDraft, i: int) -> bool:
    each = draft.lines[i]
    if each.bullet or draft.is_label(i) or len(each.raw.split()) > MOST_TITLE_WORDS:
        return False
    return not labels.is_disclaimer(each.raw) and not labels.is_box_heading(each.raw)


def _headline(draft: PageDraft, candidates: Sequence[int]) -> int | None:
    """Return the first candidate, or the one below it where the first is only a label."""
    if not candidates:
        return None
    first = candidates[0]
    label = draft.lines[first].raw
    if labels.is_name(label) and len(label.split()) <= TITLE_WORDS:  # the paper's name
        for i in candidates[1:]:
            if _is_headline(draft, i) and (
                _is_signed(draft, i + 1) or (i + 1 in candidates and _is_signed(draft, i + 2))
            ):
                return i
    for i in candidates[1:] if len(label.split()) < TITLE_WORDS else ():  # above a menu
        menu = any(draft.roles[k] == "furniture" for k in range(first, i))
        if menu and _is_headline(draft, i) and _is_signed(draft, i + 1):
            return i
    if len(label.split()) > (TITLE_WORDS if label.isupper() else 1):
        return first
    for i in candidates[1:3]:
        if not set(range(first, i)) <= set(candidates):
            break
        if len(draft.lines[i].raw.split()) >= TITLE_WORDS:
            return i
    return first


def _is_headline(draft: PageDraft, i: int) -> bool:
    return len(draft.lines[i].raw.split()) >= TITLE_WORDS and not draft.lines[i].ends_sentence


def _is_signed(draft: PageDraft, i: int) -> bool:
    """Return whether a line is what stands below a headline: an author or a time."""
    said = draft.lines[i].raw if i < len(draft) else ""
    return labels.is_byline(said) or labels.is_timestamp(said) or labels.is_name(said)


def _say_again(draft: PageDraft, title: int) -> None:
    """Mark the title where it stands once more: above the summary box, or in a menu."""
    said = _folded_line(draft, title)
    shown = [i for i in range(len(draft)) if draft.lines[i].hint not in ("furniture", "frame")]
    again = [i for i in shown if i != title and _folded_line(draft, i) == said]
    draft.put("again", again)


def _folded_line(draft: PageDraft, i: int) -> str:
    return draft.lines[i].raw.casefold().strip(" .")


def _take_labels(draft: PageDraft, title: int | None, start: int) -> None:
    """Give byline, time stamps and credit above the body their roles."""
    credits, times = 0, []
    for i in range(start):
        if not draft.free(i):
            continue
        said, hint = draft.lines[i].raw, draft.lines[i].hint
        if labels.is_timestamp(said) or (hint == "time" and any(c.isdigit() for c in said)):
            times.append(i)
        elif labels.is_byline(said) or (hint == "byline" and len(said.split()) > 1):
            draft.put("byline", [i])
        elif labels.is_credit(said) or (hint == "caption" and labels.is_name(said)):
            draft.put("furniture" if credits else "credit", [i])
            credits += 1
    above = -1 if title is None else title
    dated = any(i > above for i in times)
    for i in times:  # above the title it is today's date
        draft.put("furniture" if dated and i < above else "time", [i])
    _take_names(draft, above, start)


def _take_names(draft: PageDraft, title: int, start: int) -> None:
    """Tell authors from photographers among bare names: by capitals, and by the box between."""
    names = [i for i in range(title + 1, start) if draft.free(i) and _names(draft, i)]
    box = min([*draft.of("summary"), *draft.of("disclaimer"), *draft.of("again"), start])
    mixed = [i for i in names if not draft.lines[i].raw.isupper()]
    above = [i for i in mixed if i < box]
    signed = bool(draft.of("byline"))
    authors = [] if signed else (above or mixed or [i for i in names if i < box])
    draft.put("byline", authors)
    if not draft.of("byline"):
        above_box = [i for i in range(title + 1, start) if draft.roles[i] in ("", "furniture")]
        signed_by_role = [i for i in above_box if labels.is_byline_by_role(draft.lines[i].raw)]
        draft.put("byline", signed_by_role[:1])
    others = (i for i in names if draft.free(i) and (draft.lines[i].raw.isupper() or i > box))
    if not draft.of("credit"):
        draft.put("credit", list(others)[:1])


def _names(draft: PageDraft, i: int) -> bool:
    said = draft.lines[i].raw
    return draft.lines[i].hint not in ("heading", "caption") and (
        labels.is_name(said) or (said.isupper() and labels.is_name(said.title()))
    )


def _take_labels_below(draft: PageDraft) -> None:
    """Give labels their roles that stand below the article, where none stands above it."""
    open_lines = [i for i in range(len(draft)) if draft.free(i)]
    draft.put("time", [i for i in open_lines if labels.is_dated(draft.lines[i].raw)])
    if not draft.of("byline"):
        draft.put("byline", [i for i in open_lines if labels.is_byline(draft.lines[i].raw)][:1])
    if not draft.of("credit"):
        draft.put("credit", [i for i in open_lines if labels.is_credit(draft.lines[i].raw)][:1])
