"""The parts of a news page saved as HTML; needs the extra `html`.

The summary box is found by its disclaimer and taken out before the article's text is extracted: an
extractor leaves it in when it is marked up as a plain `div`, and an article that contains its own
summary makes every consistency check look perfect.
"""

from typing import Any

from evalharness.errors import MissingExtra
from evalharness.loaders.page_text import Page, body, box, is_disclaimer, paragraphs

BLOCKS = ("p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "div", "section", "aside")
NO_TEXT = ("script", "style", "noscript", "template")
LONGEST_BOX = 3000  # characters; what is longer holds the article too


def require() -> None:
    """Make sure that HTML can be read.

    Raises: MissingExtra
    """
    try:
        import trafilatura  # noqa: F401
    except ImportError as error:
        raise MissingExtra("reading HTML pages", "html") from error


def parse(page: bytes) -> Page:
    """Return the parts of an HTML page; an empty body where it has no article."""
    import trafilatura

    tree: Any = trafilatura.load_html(page)
    if tree is None:
        return Page("", "", (), ())
    for element in list(tree.iter(*NO_TEXT)):
        element.drop_tree()
    title = _title(tree)
    disclaimer, summary = _take_box(tree, title)
    found: Any = trafilatura.bare_extraction(
        tree, favor_precision=True, include_comments=False, with_metadata=True
    )
    if found is None:
        return Page(title, disclaimer, summary, ())
    lines = [line for line in paragraphs(found.text or "") if line != title]
    return Page(title or found.title or "", disclaimer, summary, body(lines))


def _title(tree: Any) -> str:
    headings = [_said(heading) for heading in tree.iter("h1")]
    return next((heading for heading in headings if heading), "")


def _take_box(tree: Any, title: str) -> tuple[str, tuple[str, ...]]:
    """Remove the summary box from the tree; return its disclaimer and what it says."""
    marks = [element for element in tree.iter() if is_disclaimer(_said(element))]
    if not marks:
        return "", ()
    mark = marks[-1]  # the innermost, as elements come before what they contain
    disclaimer = _said(mark)
    whole = _box_around(mark)
    parts = [whole] if whole is not None else [mark, *_box_after(mark)]
    lines = [line for part in parts for line in _lines(part)]
    for part in parts:
        part.drop_tree()
    return disclaimer, box([line for line in lines if line != disclaimer], title)


def _box_around(mark: Any) -> Any:
    """Return the smallest element around the disclaimer that says more, if that is a box."""
    around = mark.getparent()
    while around is not None and _said(around) == _said(mark):
        around = around.getparent()
    if around is None or around.tag in ("body", "html", "article", "main"):
        return None
    return around if len(_said(around)) <= LONGEST_BOX and not list(around.iter("h1")) else None


def _box_after(mark: Any) -> list[Any]:
    """Return the list, or else the one paragraph, that follows a disclaimer without a box."""
    after = [element for element in mark.itersiblings() if isinstance(element.tag, str)]
    return after[:1]


def _lines(element: Any) -> list[str]:
    """Return the text of the innermost blocks of an element, in order."""
    inner = [block for block in element.iter(*BLOCKS) if not list(block.iterdescendants(*BLOCKS))]
    return [said for said in map(_said, inner or [element]) if said]


def _said(element: Any) -> str:
    """Return the text of an element with single spaces; nothing for a comment."""
    return " ".join(element.text_content().split()) if isinstance(element.tag, str) else ""
