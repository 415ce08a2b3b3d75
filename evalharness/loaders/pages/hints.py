"""What the tags, classes and roles of HTML elements say of the text in them."""

import re
from typing import Any

from evalharness.loaders.pages.draft import Hint

_FRAME_TAGS = ("nav", "footer", "menu", "aside", "header")
_FURNITURE_TAGS = ("form", "button", "dialog", "table")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_FRAME_ROLES = ("navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar")


def _one_of(words: str) -> re.Pattern[str]:
    """Match one of the words of a class or id, where `-` and `_` part words, too."""
    return re.compile(rf"(?<![^\s_-])({'|'.join(words.split())})(?![^\s_-])", re.IGNORECASE)


# What frames every page of a site, and links to its other pages.
_FRAME = _one_of(
    "nav navbar navigation menu breadcrumbs? footer bottom masthead site-?header topbar logo"
    " sidebar"
    " related recommend(ed|ations?)? trending popular most-?read more-?(stories|news|from) outbrain"
    " also-?(on|in|read) read-?(more|next|also) taboola copyright skip(-?links?)? you-may-like"
)
# What stands around an article for its readers to do, and what is put between its paragraphs.
_FURNITURE = _one_of(
    "share sharing social comments? disqus newsletter subscri(be|ption) sign-?up promo(tion)? ads?"
    " advert(isement"
    "|ising)? sponsor(ed)? cookies? consent gdpr banner popup modal overlay toolbar tools"
    " tags? topics embed tweet twitter(-tweet)? instagram(-media)? pull-?quotes? author-?(bio|box"
    "|info)"
    " bio about-?author mood reactions? app paywall kicker eyebrow section-?label deck dek"
    " standfirst"
    " sub-?title rating poll donate inline-?links? story-?links? factbox"
)
# These are never the article, however much of the page they are.
_NEVER_ARTICLE = _one_of(
    "comments? disqus related recommend(ed|ations?)? trending popular most-?read"
)
_BYLINE = _one_of("by-?line authors? author-?name writer contributors? vcard")
_TIME = _one_of("date time timestamp published updated pub-?date post-?date posted(-on)? dateline")
_CAPTION = _one_of("caption credits? photo-?credit wp-caption-text image-?credit")
_SITE_NAME = re.compile(r"logo|site-?(title|name)|brand|masthead", re.IGNORECASE)
_BOX = re.compile(
    r"\bai[-_ ]?(generated[-_ ]?)?summar|summary[-_ ]?(ai|box|block|card|panel)|auto[-_ ]?summar"
    r"|key[-_ ]?(points|takeaways|facts)|takeaways|tl-?dr|bullet[-_ ]?summar"
    r"|(article|story)[-_ ]?highlights",
    re.IGNORECASE,
)
# An element with more than this share of the page's text is the article's, whatever it is called.
SHARE_OF_ARTICLE = 0.5
LONGEST_LABEL = 160  # characters of a byline or time


def special(element: Any) -> Hint:
    """Return what an inline element is by itself: byline, time or credit."""
    named = _names(element)
    if element.tag == "time" or _TIME.search(named):
        return "time"
    if _CAPTION.search(named):
        return "caption"
    return "byline" if _BYLINE.search(named) or element.get("rel") == "author" else ""


class Hints:
    """What is known of each element of a page, from itself and the elements around it."""

    def __init__(self, tree: Any) -> None:
        """Measure the elements: the length of their text, and which hold the title."""
        self.sizes = _sizes(tree)
        self.total = self.sizes.get(tree, 0) or 1
        self.title = _title(tree)
        self.holds_title = set() if self.title is None else {*self.title.iterancestors()}
        self.known: dict[Any, tuple[Hint, bool]] = {}

    def of(self, element: Any) -> tuple[Hint, bool]:
        """Return the hint for text in an element, and whether it stands in what a class calls a"
        " box."""
        chain = []
        while element is not None and element not in self.known:
            chain.append(element)
            element = element.getparent()
        hint, boxed = self.known[element] if element is not None else ("", False)
        for each in reversed(chain):
            own = self._own(each)
            if not hint or (hint == "byline" and own == "time") or own == "title":
                hint = own
            boxed = boxed or (
                each not in self.holds_title and _BOX.search(_names(each)) is not None
            )
            self.known[each] = hint, boxed
        return hint, boxed

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
        if tag in ("figcaption", "figure") or _CAPTION.search(named):
            return "caption"
        if self.sizes[element] > LONGEST_LABEL:
            return ""
        return special(element)

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
    """Return the length of the text of each element."""
    sizes: dict[Any, int] = {}
    for element in reversed(list(tree.iter())):
        inner = sum(sizes.get(child, 0) + len((child.tail or "").strip()) for child in element)
        own = len((element.text or "").strip()) if isinstance(element.tag, str) else 0
        sizes[element] = own + inner
    return sizes


def _title(tree: Any) -> Any:
    """Return the element of the headline: the first `h1` that is not the site's name."""
    found = [h for h in tree.iter("h1") if "".join(h.itertext()).strip()]
    stories = [h for h in found if not _is_site_name(h)]
    return (stories or found or [None])[0]


def _is_site_name(heading: Any) -> bool:
    near = [heading, heading.getparent()]
    if any(each is not None and _SITE_NAME.search(_names(each)) for each in near):
        return True
    return any(each.tag in ("nav", "footer") for each in heading.iterancestors())
