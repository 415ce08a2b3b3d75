"""The parts of a news page saved as HTML; needs the extra `html`.

Every block of text becomes a line, with a hint of what its tag and the classes around it say; then
the page is taken apart as a text page is. The summary box is found on the tree and leaves the body
for good: extractors leave it in when it is marked up as a plain `div`, and an article that contains
its own summary makes every consistency check look perfect.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from typing import Any

from evalharness.errors import MissingExtra
from evalharness.loaders.pages import labels
from evalharness.loaders.pages.blocks import Outline, outline
from evalharness.loaders.pages.draft import Line, split_line
from evalharness.loaders.pages.edges import opens_article
from evalharness.loaders.pages.parts import Page, assemble

LONGEST_BOX = 3000  # characters; what is longer holds the article too
# A box has at most this share of the page's prose, unless it is shorter than this.
SHARE_OF_BOX = 0.4
SHORT_BOX = 250  # characters
MOST_ANCHORS = 20  # looked at


def require() -> None:
    """Make sure that HTML can be read.

    Raises: MissingExtra
    """
    try:
        import trafilatura  # noqa: F401
    except ImportError as error:
        raise MissingExtra("reading HTML pages", "html") from error


def parse_html(page: bytes | str) -> Page:
    """Return the parts of an HTML page; an empty body where it has no article."""
    import trafilatura

    tree: Any = trafilatura.load_html(page)
    if tree is None:
        return Page()
    found = outline(tree)
    first, last = _Boxes(found).find()
    lines = [
        replace(each, hint="box") if first <= k < last else each
        for k, each in enumerate(found.lines)
    ]
    return assemble([part for each in lines for part in _parts(each)])


def _parts(each: Line) -> Iterator[Line]:
    yield from [each] if each.hint in ("title", "frame", "furniture") else split_line(each)


class _Boxes:
    """Looks for the element that holds the summary box and nothing of the article."""

    def __init__(self, found: Outline) -> None:
        self.found, self.lines = found, found.lines
        self.size = _sums(len(each.raw) for each in self.lines)
        self.prose = _sums(len(each.raw) if each.ended else 0 for each in self.lines)
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
        yield from (k for k, text in enumerate(said) if labels.is_disclaimer(text))
        yield from (k for k in headings if labels.names_machine(said[k]))
        yield from (k for k, boxed in enumerate(self.found.boxed[:]) if boxed)
        yield from (k for k in headings if self._heads_list(k))

    def _heads_list(self, k: int) -> bool:
        """Return whether bullets follow a plain heading."""
        return k + 2 < len(self.lines) and all(each.bullet for each in self.lines[k + 1 : k + 3])

    def _around(self, element: Any) -> Iterator[tuple[int, int]]:
        """Yield the ranges of the elements around a line, as long as they can be a box."""
        while element is not None and element.tag not in ("body", "html"):
            first, last = self.found.ranges[element]
            if not self._may_be_box(first, last):
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
        return prose <= max(SHORT_BOX, SHARE_OF_BOX * self.prose[-1])


def _sums(numbers: Iterator[int]) -> list[int]:
    """Return the sums of the first 0, 1, 2, … numbers."""
    return list(accumulate(numbers, initial=0))


def _says(each: Line) -> bool:
    """Return whether a line in a box is part of what it says, and no label."""
    said = each.text
    if labels.is_disclaimer(said) or labels.is_box_heading(said) or labels.is_caution(said):
        return False
    if each.hint in ("title", "heading", "caption", "byline", "time") or labels.is_credit(said):
        return False
    return len(said.split()) >= 4 and not labels.is_byline(said)
