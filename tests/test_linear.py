"""No pattern backtracks without end: time grows with the length of a line, whatever it says."""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from functools import cache

import pytest

import evalharness

# What patterns of text trip over: runs of one kind, and beginnings that never end.
PIECES = (
    *(
        "a",
        "A",
        "1",
        " ",
        "\n",
        "\t",
        ".",
        ",",
        "-",
        "'",
        '"',
        "“",
        "(",
        "<",
        "&",
        "é",
        "\u00a0",
        "_",
    ),
    *("a ", "A ", "1,", "1 ", ". ", "' ", '" ', "( ", "a.", "A.", "1.", "1-", "a-", "A. ", "a, "),
    *("Aa ", "Aa Bb ", "aA", "1a", "$1 ", "1% ", "1/2 ", "May 1 ", "1 May ", "10:30 ", "2024-"),
    *("one ", "two hundred ", "no. 1 ", "Mr. ", "U.S. ", "said ", "not ", "`` '' ", "By A B "),
    *("<a ", "<!--", "<p>", "a=b ", "a='", "http://a.", "a@b", "\r\n", "\n\n", " \n", "* ", "– "),
)


def lines(n: int) -> Iterator[str]:
    for piece in PIECES:
        whole = piece * (n // len(piece))
        yield f"a{whole}\x01"  # so that what wants an end has to go back
        yield whole


@cache
def patterns() -> dict[str, re.Pattern[str]]:
    """Return every compiled pattern of every module of ours, by module and name."""
    found: dict[str, re.Pattern[str]] = {}
    for module in pkgutil.walk_packages(evalharness.__path__, "evalharness."):
        if module.name.endswith("__main__") or ".trackers" in module.name:
            continue
        home = importlib.import_module(module.name)
        for name, value in vars(home).items():
            values = value if isinstance(value, tuple | list) else [value]
            for n, each in enumerate(values):
                if isinstance(each, re.Pattern) and isinstance(each.pattern, str):
                    found.setdefault(f"{module.name}.{name}.{n}", each)
    return found


def slowest(n: int) -> dict[str, float]:
    """Return for each pattern the longest time that a line of n characters takes it, in seconds."""
    found: dict[str, float] = {}
    for name, pattern in patterns().items():
        for line in lines(n):
            began = time.process_time()
            for way in (pattern.match, pattern.fullmatch):
                way(line)
            for _ in pattern.finditer(line):
                pass
            took = time.process_time() - began
            found[name] = max(found.get(name, 0.0), took)
            if took > 2:
                print(name, repr(line[:30]), took)
                break
    return found


def test_every_pattern_is_linear_on_hostile_lines() -> None:
    assert len(patterns()) > 100
    slow = {name: took for name, took in slowest(4000).items() if took > 0.1}
    assert slow == {}


@pytest.mark.slow
def test_every_pattern_takes_a_line_of_a_megabyte() -> None:
    slow = {name: took for name, took in slowest(2**20).items() if took > 2}
    assert slow == {}
