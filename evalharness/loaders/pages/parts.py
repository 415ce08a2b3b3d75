"""From the lines of a news page to its parts.

In this order: the title; the first paragraph of the body, by its dateline if it has one; the
summary box (`box`); what the short lines around title and body are; where the body ends, and
which lines inside it are no paragraphs (`body`). Whatever is left is furniture, so that every
line of the page ends up in one part; only the title said again above the box is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from evalharness.loaders.pages import labels
from evalharness.loaders.pages.body import start_of_body, take_body
from evalharness.loaders.pages.box import find_box
from evalharness.loaders.pages.furniture import points_elsewhere
from evalharness.loaders.pages.lines import Line, PageDraft, dateline, opens_article, source

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
