"""The parts of a news page saved as HTML.

Every block of text becomes a line, with a hint of what its tag and the classes around it say; then
the page is taken apart as a text page is. The summary box is found on the tree and leaves the body
for good: extractors leave it in when it is marked up as a plain `div`, and an article that contains
its own summary makes every consistency check look perfect.
"""

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from itertools import accumulate, groupby, islice, pairwise
from typing import Any, NamedTuple

from evalharness.loaders.pages import labels
from evalharness.loaders.pages.evidence import Statement
from evalharness.loaders.pages.lines import (
    MOST_READ,
    Hint,
    Line,
    fold_spaces,
    is_control,
    opens_article,
    split_lines,
)
from evalharness.loaders.pages.parts import NO_GUIDE, Page, assemble
from evalharness.loaders.pages.sites import Guide
from evalharness.text.words import word_set

# --- What tags, classes and roles of elements say of the text in them

_FRAME_TAGS = ("nav", "footer", "menu", "aside", "header")
_FURNITURE_TAGS = ("form", "button", "dialog", "table")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_FRAME_ROLES = ("navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar")


def _one_of(words: str) -> re.Pattern[str]:
    """Match one of the words of a class or id, where `-` and `_` part words, too."""
    return re.compile(rf"(?<![^\s_-])({'|'.join(words.split())})(?![^\s_-])", re.IGNORECASE)


# What frames every page of a site, and links to its other pages.
_FRAME = _one_of(
    "nav navbar navigation menu breadcrumbs? footer foot bottom masthead site-?header topbar logo "
    "sidebar related recommend(ed|ations?)? trending popular most-?read "
    "more-?(stories|news|from) outbrain also-?(on|in|read) read-?(more|next|also) taboola "
    "copyright skip(-?links?)? you-may-like"
)
# What stands around an article for its readers to do, and what is put between its paragraphs.
_FURNITURE = _one_of(
    "share sharing social comments? disqus newsletter subscri(be|ption) sign-?up promo(tion)? "
    "ads? advert(isement|ising)? sponsor(ed)? cookies? consent gdpr banner popup modal overlay "
    "toolbar tools tags? topics embed tweet twitter(-tweet)? instagram(-media)? pull-?quotes? "
    "author-?(bio|box|info) bio about-?author mood reactions? app paywall kicker eyebrow "
    "section-?label deck dek standfirst excerpt chapo chapeau desc rating poll donate "
    "inline-?links? "
    "story-?links? factbox"
)
# These are never the article, however much of the page they are.
_NEVER_ARTICLE = _one_of(
    "comments? disqus related recommend(ed|ations?)? trending popular most-?read"
)
_BYLINE = _one_of(
    "by by-?line authors? author-?name writer contributors? vcard autore autor auteur firma "
    "verfasser penulis skribent"
)
_TIME = _one_of(
    "date fecha datum tanggal time timestamp published updated pub-?date post-?date posted(-on)? "
    "dateline"
)
_CAPTION = _one_of("caption credits? photo-?credit wp-caption-text image-?credit")
_KICKER = _one_of("kicker eyebrow overline vinjett surtitre antetitulo dachzeile hat topic")
_SITE_NAME = re.compile(r"logo|site-?(title|name)|brand|masthead", re.IGNORECASE)
_BOX = re.compile(
    r"\bai[-_ ]?(generated[-_ ]?)?summar|summary[-_ ]?(ai|box|block|card|panel)|auto[-_ ]?summar"
    r"|key[-_ ]?(points|takeaways|facts)|takeaways|tl-?dr|bullet[-_ ]?summar"
    r"|\bhighlights|\b(ai|ki|ia)[-_ ]?(box|brief|overview|digest|note|text|panel|card|resum"
    r"|zusammenfassung)|resum(en?|o)[-_ ](ia|ai)|--?(ai|ki|ia)\b(?=[-_])",
    re.IGNORECASE,
)
# An element with more than this share of the page's text is the article's, whatever it is called.
SHARE_OF_ARTICLE = 0.5
NEAR_TITLE = 2  # elements around the title in which its author and time may stand
LONGEST_LABEL = 160  # characters of a byline or time


def hint_of_inline(element: Any) -> Hint:
    """Return what an inline element is by itself: byline, time or credit."""
    named = _names(element)
    if element.tag == "time" or _TIME.search(named):
        return "time"
    by = _BYLINE.search(named) or element.get("rel") == "author"
    if _CAPTION.search(named) and not by:
        return "caption"
    if by:
        return "byline"
    return "furniture" if _KICKER.search(named) else ""


class Hints:
    """What is known of each element of a page, from itself and the elements around it."""

    def __init__(self, tree: Any, headline: str = "") -> None:
        """Measure the elements: the length of their text, and which hold the title."""
        self.sizes = _sizes(tree)
        self.total = self.sizes.get(tree, 0) or 1
        self.title = _title(tree, headline)
        self.holds_title = set() if self.title is None else {*self.title.iterancestors()}
        near = [] if self.title is None else list(islice(self.title.iterancestors(), NEAR_TITLE))
        self.beside_title = {*near}
        self.known: dict[Any, tuple[Hint, bool]] = {}

    def of(self, element: Any) -> tuple[Hint, bool]:
        """Return the hint for text in an element, and whether a class around it says `box`."""
        chain = []
        while element is not None and element not in self.known:
            chain.append(element)
            element = element.getparent()
        hint, boxed = self.known[element] if element is not None else ("", False)
        for each in reversed(chain):
            own = self._own(each)
            by = hint == "caption" and own == "byline" and not self._is_in_figure(each)
            if not hint or (hint == "byline" and own == "time") or own == "title" or by:
                hint = own
            elif hint == "frame" and own in ("byline", "time") and each.tag != "nav":
                hint = own if self._is_story_part(each) else hint
            boxed = boxed or (
                each not in self.holds_title and _BOX.search(_names(each)) is not None
            )
            self.known[each] = hint, boxed
        return hint, boxed

    def _is_in_figure(self, element: Any) -> bool:
        return any(each.tag in ("figure", "figcaption") for each in element.iterancestors())

    def _is_story_part(self, element: Any) -> bool:
        """Return whether what frames an element stands beside the title, as its header does."""
        return any(each in self.beside_title for each in element.iterancestors())

    def _own(self, element: Any) -> Hint:
        if element is self.title:
            return "title"
        tag, named = element.tag, _names(element)
        if tag in ("html", "body") or element in self.holds_title:
            return ""
        if kind := self._skip_hint(element, tag, named):
            return kind
        if tag in _HEADINGS:
            return "heading"
        captioned = _CAPTION.search(named) and not _BYLINE.search(named)
        if tag in ("figcaption", "figure") or captioned:
            return "caption"
        if self.sizes[element] > LONGEST_LABEL:
            return ""
        return hint_of_inline(element)

    def _skip_hint(self, element: Any, tag: str, named: str) -> Hint:
        large = self.sizes[element] > SHARE_OF_ARTICLE * self.total
        if large and not _NEVER_ARTICLE.search(named) and tag not in ("nav", "footer"):
            return ""
        if tag in _FRAME_TAGS or element.get("role") in _FRAME_ROLES or _FRAME.search(named):
            return "frame"
        if tag == "table" and element.find(".//p") is not None:
            return ""  # laid out with tables
        return "furniture" if tag in _FURNITURE_TAGS or _FURNITURE.search(named) else ""


def _names(element: Any) -> str:
    return " ".join(
        filter(None, (element.get("class"), element.get("id"), element.get("itemprop")))
    )


def _sizes(tree: Any) -> dict[Any, int]:
    sizes: dict[Any, int] = {}
    for element in reversed(list(tree.iter())):
        text, tail = element.text, element.tail
        size = sizes.get(element, 0)
        if text and isinstance(element.tag, str):
            size += len(text.strip())
        sizes[element] = size
        if (around := element.getparent()) is not None:
            sizes[around] = sizes.get(around, 0) + size + (len(tail.strip()) if tail else 0)
    return sizes


def _title(tree: Any, headline: str) -> Any:
    """Return the element of the headline: the first `h1` that is not the site's name.

    Without one, the innermost heading, or part of one, that says the headline that the page states.
    """
    found = [h for h in tree.iter("h1") if "".join(h.itertext()).strip()]
    stories = [h for h in found if not _is_site_name(h)]
    if stories or not headline:
        return (stories or found or [None])[0]
    said = [
        part
        for heading in tree.iter(*_HEADINGS[1:4])
        for part in heading.iter()
        if fold_spaces("".join(part.itertext())) == headline
    ]
    return (found or said[-1:] or [None])[0]


def _is_site_name(heading: Any) -> bool:
    near = [heading, heading.getparent()]
    if any(each is not None and _SITE_NAME.search(_names(each)) for each in near):
        return True
    return any(each.tag in ("nav", "footer") for each in heading.iterancestors())


# --- Elements to lines

NO_TEXT = (
    "script", "style", "noscript", "template", "svg", "iframe", "object", "head", "math", "canvas",
    "audio", "video", "input", "textarea", "select", "map",
)  # fmt: skip
_INLINE = word_set(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd mark q ruby rp "
    "rt s samp small span strike strong sub sup time tt u var wbr nobr picture source link"
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


class _Piece(NamedTuple):
    """Text of a block; `top` is the outermost inline element around it."""

    text: str
    top: Any = None
    link: bool = False
    bold: bool = False


def outline(tree: Any, headline: str = "") -> Outline:
    """Return the lines of a page in order. `tree` loses what holds no text for readers.

    headline: as the page states it.
    """
    from lxml import etree

    etree.strip_elements(tree, *NO_TEXT, etree.Comment, etree.PI, with_tail=False)
    return _Reader(tree, headline).read(etree)


class _Reader:
    def __init__(self, tree: Any, headline: str) -> None:
        self.tree, self.hints, self.found = tree, Hints(tree, headline), Outline()
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
        if len(self.found.lines) >= MOST_READ:
            self.pieces.append(_Piece(text))
            return
        tags = {each.tag for each in self.inline}
        top = self.inline[0] if self.inline else None
        said = text if text == _BREAK else text.replace(_BREAK, " ")
        self.pieces.append(_Piece(said, top, "a" in tags, not tags.isdisjoint(_BOLD)))

    def _flush(self) -> None:
        pieces, self.pieces = self.pieces, []
        if not self.blocks or not any(each.text.strip() for each in pieces):
            return
        if len(self.found.lines) >= MOST_READ:
            self._keep("".join(each.text for each in pieces))
            return
        hint, _ = self.hints.of(self.blocks[-1])
        title = {each.top for each in pieces if each.top is not None and self._is_title(each.top)}
        for part in _apart(pieces, hint in ("frame", "furniture"), title):
            self._put(part)

    def _is_title(self, element: Any) -> bool:
        """Return whether an inline element is the title's, or around it."""
        title = self.hints.title
        return title is not None and (element is title or element in self.hints.holds_title)

    def _keep(self, text: str) -> None:
        """Add text that is not read, after all that is."""
        said = fold_spaces(text.replace(_BREAK, " "))
        self.found.lines.append(Line(said, said, html=True))

    def _put(self, pieces: list[_Piece]) -> None:
        element = self.blocks[-1]
        hint, boxed = self.hints.of(element)
        tops = {each.top for each in pieces if each.text.strip()}
        if len(tops) == 1 and (top := tops.pop()) is not None:
            kept = ("frame", "furniture", "caption")
            hint = hint_of_inline(top) or hint if hint not in kept else hint
            hint = "title" if self._is_title(top) else hint
        for said in _paragraphs("".join(each.text for each in pieces), boxed):
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


def _paragraphs(said: str, boxed: bool) -> Iterator[str]:
    """Yield the paragraphs that two line breaks part, or one in a box or after a heading."""
    if boxed:
        yield from said.split(_BREAK)
        return
    for part in _BREAKS.split(said):
        heading, found, rest = part.partition(_BREAK)
        if found and labels.is_box_heading(fold_spaces(heading)):
            yield heading
            part = rest
        yield part


def _apart(pieces: list[_Piece], skipped: bool, title: set[Any]) -> Iterator[list[_Piece]]:
    """Yield the pieces of a block by line; links, names or times side by side are several."""
    said = [each for each in pieces if not _BETWEEN.fullmatch(each.text)]
    tops = {each.top for each in said}
    loose = None in tops
    alone = {top for top in tops if top is not None and _stands_alone(top, loose)} | title
    glued = any(_is_glued(one, two) for one, two in pairwise(pieces))
    links = skipped or all(each.link for each in said)
    if len(tops) > 1 and not loose and (alone or links or glued):
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
    kind = hint_of_inline(top)
    return kind in ("time", "caption", "furniture") or (kind == "byline" and not loose)


def _is_glued(one: _Piece, two: _Piece) -> bool:
    """Return whether two elements stand side by side that nothing but their style parts."""
    if one.top is None or two.top is None or one.top is two.top:
        return False
    return (
        one.top.tag == two.top.tag == "span" and one.text[-1:].isalnum() and two.text[:1].isalnum()
    )


# --- The summary box, and the page

MOST_ANCHORS = 20  # lines that may stand in a box, looked at
LONGEST_BOX = 3000  # characters; what is longer holds the article too
# A box has at most this share of the page's prose, unless it is shorter than this.
SHARE_OF_BOX = 0.4
SHORT_BOX = 250  # characters


_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset=["']?([\w-]{3,20})""", re.IGNORECASE)
_DECLARED = re.compile(r"\A\s*<\?xml[^>]*>")  # lxml takes no text that names an encoding
_HEAD = 4096  # bytes in which a page says how it is encoded


def _tree(page: bytes | str) -> Any:
    """Return the elements of a page; None where it has none."""
    from lxml import etree

    text = _DECLARED.sub("", page if isinstance(page, str) else _decode(page)).replace("\0", "")
    try:
        return etree.fromstring(text, etree.HTMLParser(huge_tree=True))
    except (etree.XMLSyntaxError, ValueError):
        return None


def _decode(page: bytes) -> str:
    """Return the text of a page in UTF-8, or in the encoding that it names."""
    named = _CHARSET.search(page[:_HEAD])
    for encoding in ("utf-8-sig", named[1].decode() if named else "", "cp1252"):
        try:
            return page.decode(encoding) if encoding else page.decode()
        except (UnicodeDecodeError, LookupError):
            continue
    return page.decode("latin-1")


# --- What a page says of itself, for machines

_ARTICLE = re.compile(r"(\w*Article|\w*NewsArticle|BlogPosting|LiveBlogPosting)")
_ITEM = re.compile(r"\b(\w*Article|BlogPosting)$")
MOST_NESTED = 200  # objects of JSON-LD looked at
_PROPERTIES = ("headline", "author", "datePublished", "articleBody")


def stated(tree: Any) -> Statement:
    """Return what a page states of its article: JSON-LD first, then microdata, then `meta`.

    Only the first article counts: what follows are stories that the page links to.
    """
    found = [*_first(_linked_articles(tree)), *_first(_marked_articles(tree)), _meta_article(tree)]
    return Statement(
        title=next((title for each in found if (title := _text(each.get("headline")))), ""),
        authors=tuple(name for each in found for name in _names_of(each.get("author"))),
        times=tuple(time for each in found if (time := _text(each.get("datePublished")))),
        body=next((body for each in found if (body := _text(each.get("articleBody")))), ""),
        deck=next((deck for each in found if (deck := _text(each.get("description")))), ""),
        sites=tuple(name for each in found for name in _names_of(each.get("publisher")))
        + _title_sites(tree),
    )


_PARTS_OF_TITLE = re.compile(r"\s+[|–—-]\s+")


def _title_sites(tree: Any) -> tuple[str, ...]:
    """Return what follows the headline in the name of a page: the site's, in most cases."""
    return tuple(_PARTS_OF_TITLE.split(_text(tree.findtext(".//title")))[1:])


def _first(articles: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(islice(articles, 1))


def _meta_article(tree: Any) -> dict[str, Any]:
    """Return what OpenGraph and other `meta` elements state."""
    said: dict[str, str] = {}
    for element in tree.iter("meta"):
        for name in (element.get("property"), element.get("name")):
            if name and element.get("content"):
                said.setdefault(name, element.get("content"))
    return {
        "headline": said.get("og:title"),
        "author": [said.get("author"), said.get("article:author")],
        "description": said.get("og:description") or said.get("description"),
        "publisher": said.get("og:site_name"),
        "datePublished": said.get("article:published_time"),
    }


def _marked_articles(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield what microdata states of each article: elements with an `itemprop`."""
    for item in tree.xpath("//*[@itemtype]"):
        if _ITEM.search(item.get("itemtype")):
            said: dict[str, Any] = {}
            for element in item.iter():
                name = element.get("itemprop") if isinstance(element.tag, str) else None
                if name in _PROPERTIES:
                    said.setdefault(name, " ".join(element.itertext()))
            yield said


def _linked_articles(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of the page's JSON-LD that are articles, however deep they stand."""
    for script in tree.iter("script"):
        if script.get("type") == "application/ld+json":
            yield from _articles(script.text or "")


def _articles(script: str) -> Iterator[dict[str, Any]]:
    try:
        things: deque[Any] = deque([json.loads(script, strict=False)])
    except (ValueError, RecursionError):
        return
    for _ in range(MOST_NESTED):
        if not things:
            return
        thing = things.popleft()
        if isinstance(thing, list):
            things.extend(thing[:MOST_NESTED])
        elif isinstance(thing, dict):
            kinds = thing.get("@type")
            several = kinds if isinstance(kinds, list) else [kinds]
            if any(isinstance(kind, str) and _ARTICLE.fullmatch(kind) for kind in several):
                yield thing
            things.extend(each for each in thing.values() if isinstance(each, dict | list))


def _text(value: object) -> str:
    return fold_spaces(unescape(value)) if isinstance(value, str) else ""


def _names_of(authors: object) -> list[str]:
    """Return the names of one author or several, as text or objects with a name."""
    several = authors if isinstance(authors, list) else [authors]
    names = [each.get("name") if isinstance(each, dict) else each for each in several]
    return [name for name in map(_text, names) if name]


def parse_html(page: bytes | str, guide: Guide = NO_GUIDE) -> Page:
    """Return the parts of an HTML page; an empty body where it has no article."""
    tree = _tree(page)
    if tree is None:
        return Page()
    statement, names = stated(tree), _site_names(tree)
    found = outline(tree, statement.title)
    box, around = range(*_Boxes(found).find()), _Around()
    lines = [
        line._replace(hint=_hint(line, element, k in box), around=around.of(element))
        for k, (line, element) in enumerate(zip(found.lines, found.elements, strict=False))
    ]
    unread = found.lines[len(lines) :]
    return assemble([*split_lines(lines), *unread], statement, guide, names)


def _hint(each: Line, element: Any, in_box: bool) -> Hint:
    """Return a line's hint: in the box `box`, but for a control, such as a button or a question."""
    said = each.text
    if not in_box:
        return each.hint
    if labels.notice_kind(said) or labels.is_box_heading(said) or labels.is_caution(said):
        return "box"  # a button may open and close the box, and is its heading then
    pressed = any(up.tag == "button" for up in (element, *element.iterancestors()))
    is_cell = len(said.split()) < CELL_WORDS or not each.ends_sentence
    return "furniture" if (pressed and is_cell) or is_control(said) else "box"


_HOST = re.compile(r"https?://(?:www\.)?([^/:\s]+)", re.IGNORECASE)


def _site_names(tree: Any) -> list[str]:
    """Return the name of the site and the hosts that a page says it is from."""
    said = [
        element.get("content")
        for element in tree.iter("meta")
        if element.get("property") in ("og:site_name", "og:url")
    ]
    said += [link.get("href") for link in tree.iter("link") if link.get("rel") == "canonical"]
    hosts = {name: _HOST.match(name) for name in said if name}
    return [fold_spaces(host[1] if host else name) for name, host in hosts.items()]


MOST_AROUND = 40  # names of elements around a line


class _Around:
    """The elements around each, the nearest first: `.class`, `#id` and `tag`."""

    def __init__(self) -> None:
        self.known: dict[Any, tuple[str, ...]] = {}

    def of(self, element: Any) -> tuple[str, ...]:
        chain = []
        while element is not None and element not in self.known:
            chain.append(element)
            element = element.getparent()
        names = self.known[element] if element is not None else ()
        for each in reversed(chain):
            own = [f".{name}" for name in (each.get("class") or "").split()]
            own += [f"#{each.get('id')}"] if each.get("id") else []
            names = (*own, each.tag, *names)[:MOST_AROUND]
            self.known[each] = names
        return names


_SKIPPED: tuple[Hint, ...] = ("furniture", "frame", "caption")


class _Boxes:
    """Looks for the element that holds the summary box and nothing of the article."""

    def __init__(self, found: Outline) -> None:
        self.found, self.lines = found, found.lines[:MOST_READ]
        self.size = _sums(len(each.raw) for each in self.lines)
        self.prose = _sums(len(each.raw) if each.ends_sentence else 0 for each in self.lines)
        kept = [each.hint == "title" or opens_article(each.raw) for each in self.lines]
        self.article = _sums(int(each) for each in kept)

    def find(self) -> tuple[int, int]:
        """Return the range of lines in the box; an empty one where no element holds it alone."""
        for _, k in zip(range(MOST_ANCHORS), self._anchors(), strict=False):
            best = (0, 0)
            for first, last in self._around(self.found.elements[k]):
                if best == (0, 0) or all(self.found.boxed[first:last]):
                    says = any(_says(each) for each in self.lines[first:last])
                    best = (first, last) if says else best
            if best != (0, 0):
                return best
        return 0, 0

    def _anchors(self) -> Iterator[int]:
        """Yield lines that may stand in the box: disclaimers, then headings, then by class."""
        said = [each.text for each in self.lines]
        headings = [k for k, text in enumerate(said) if labels.is_box_heading(text)]
        yield from (k for k, text in enumerate(said) if labels.notice_kind(text))
        yield from (k for k in headings if labels.names_machine(said[k]))
        yield from (k for k, boxed in enumerate(self.found.boxed[: len(said)]) if boxed)
        yield from (k for k in headings if self._heads_list(k) or self._heads_element(k))

    def _heads_list(self, k: int) -> bool:
        """Return whether bullets follow a plain heading."""
        return k + 2 < len(self.lines) and all(each.bullet for each in self.lines[k + 1 : k + 3])

    def _heads_element(self, k: int) -> bool:
        """Return whether a plain heading is the first line of an element, above all paragraphs."""
        if labels.may_head_section(self.lines[k].text) or self.lines[k].hint in _SKIPPED:
            return False
        around = self.found.elements[k].getparent()
        above = (each for each in self.lines[:k] if each.hint not in _SKIPPED)
        return self.found.ranges.get(around, (0, 0))[0] == k and not any(
            each.ends_sentence for each in above
        )

    def _around(self, element: Any) -> Iterator[tuple[int, int]]:
        """Yield the ranges of the elements around a line, as long as they can be a box."""
        while element is not None and element.tag not in ("body", "html"):
            first, last = self.found.ranges[element]
            if last > len(self.lines) or not self._may_be_box(first, last):
                return
            yield first, last
            element = element.getparent()
            while element is not None and element not in self.found.ranges:
                element = element.getparent()

    def _may_be_box(self, first: int, last: int) -> bool:
        if self.article[last] > self.article[first]:
            return False
        if self.size[last] - self.size[first] > LONGEST_BOX:
            return False
        prose = self.prose[last] - self.prose[first]
        if prose == self.prose[-1] > 0:  # nothing is left for the article
            return False
        return prose <= max(SHORT_BOX, SHARE_OF_BOX * self.prose[-1])


def _sums(numbers: Iterator[int]) -> list[int]:
    """Return the sums of the first 0, 1, 2, … numbers."""
    return list(accumulate(numbers, initial=0))


def _says(each: Line) -> bool:
    """Return whether a line in a box is part of what it says, and no label."""
    said = each.text
    if labels.notice_kind(said) or labels.is_box_heading(said) or labels.is_caution(said):
        return False
    if each.hint in ("title", "heading", "caption", "byline", "time") or labels.is_credit(said):
        return False
    return labels.word_count(said) >= 4 and not labels.is_byline(said)
