"""The parts of a news page that was saved as plain text, a line a paragraph."""

import re
from collections.abc import Iterator

from evalharness.loaders.pages.draft import Line, line, split_line
from evalharness.loaders.pages.parts import Page, assemble

_BREAK = re.compile(r"\r\n|[\n\r\u2028\u2029\x0b\x0c\x85]")


def parse_text(text: str) -> Page:
    """Return the parts of a page saved as plain text."""
    return assemble([part for whole in _lines(text) for part in split_line(whole)])


def _lines(text: str) -> Iterator[Line]:
    """Yield the lines that are not blank, with single plain spaces."""
    gap = True
    for raw in _BREAK.split(text):
        said = fold_spaces(raw)
        if said:
            yield line(said, gap=gap)
        gap = not said


def fold_spaces(text: str) -> str:
    """Return text with single plain spaces, and without marks that no one sees.

    >>> fold_spaces("  a\\u00a0b\\u200b \\t c")
    'a b c'
    """
    return " ".join(text.translate(_UNSEEN).split())


# Zero-width space, joiners of words, byte order mark, soft hyphen. Joiners of letters stay.
_UNSEEN = {0x200B: None, 0x2060: None, 0xFEFF: None, 0xAD: None}
