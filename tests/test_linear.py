"""No line takes its time: what a component needs grows with its length, whatever it says."""

import functools
from collections.abc import Callable

import clock
import pytest

from evalharness import text
from evalharness.config import registry
from evalharness.loaders.pages import loader
from evalharness.records import Article, Summary
from evalharness.text import dates

# What patterns of text trip over: runs of one kind, and beginnings that never end.
PIECES = (
    *("a", "A", "1", " ", ".", ",", "-", "'", '"', "(", "<", "é", "\u00a0", "_", "a ", "A ", "1,"),
    *("1 ", ". ", "' ", "a.", "A.", "1.", "1-", "A. ", "Aa Bb ", "$1 ", "1/2 ", "May 1 ", "10:30 "),
    *("one ", "two hundred ", "no. 1 ", "Mr. ", "U.S. ", "said ", "not ", "`` '' ", "By A B "),
    *("<!--", "a='", "http://a.", "\r\n", " \n", "* ", "– ", "A, ", "a’s ", "• "),
)


def _page(line: str) -> object:
    return loader.parse_page(f"{line}\n\nA title\n\nIt rained in Orrin. {line}\n".encode(), False)


def _component(kind: registry.Kind, name: str) -> Callable[[str], object]:
    def read(line: str) -> object:
        article = Article("a", f"It rained in Orrin. {line}", (line,))
        return registry.load_class(kind, name)().score(
            [(article, Summary("a", line[: len(line) // 2]))]
        )

    return read


READERS: dict[str, Callable[[str], object]] = {
    "sentences": text.sentences,
    "words": text.words,
    "numbers": text.numbers,
    "timestamps": lambda line: dates.publication_day((line,)),
    "page": _page,
    "lexical": _component("checks", "lexical"),
    **{name: _component("checks", name) for name in ("coverage", "redundancy", "fluency")},
    "rouge": _component("metrics", "rouge"),
    "extractiveness": _component("metrics", "extractiveness"),
}


def _slow(name: str, n: int, most: float) -> dict[str, float]:
    """Return the pieces of which a line of n characters takes longer than it may, in seconds."""
    found: dict[str, float] = {}
    for piece in PIECES:
        line = f"a{piece * (n // len(piece))}\x01"
        if (took := clock.seconds(functools.partial(READERS[name], line), most)) > most:
            found[piece] = took
    return found


@pytest.mark.parametrize("name", READERS)
def test_hostile_lines_are_read_in_time(name: str) -> None:
    assert _slow(name, 3000, 2.0) == {}  # what backtracks takes minutes


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_hostile_lines_of_a_megabyte_are_read_in_time(name: str) -> None:
    assert _slow(name, 2**20, 60.0) == {}
