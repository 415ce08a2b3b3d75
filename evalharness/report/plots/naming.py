"""Names of systems as plots have room for them, all different."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from evalharness.files.untrusted import printable

_KEY = re.compile(r"(?<=,)([\w.]+)=")
_WORDS = re.compile(r"[_.]+")
NAME_COLUMNS = 28


def one_line_name(text: str) -> str:
    r"""Return a text on one line, without characters that steer what shows it.

    >>> one_line_name("a\u202e\x1b[31m\nb")
    'a [31m b'
    """
    return " ".join(printable(text).split())


def short_plot_names(names: Sequence[str], columns: int = NAME_COLUMNS) -> list[str]:
    """Return names that fit beside a plot, cut in the middle of their first part.

    >>> short_plot_names(["facebook/bart-large-cnn,num_beams=1", "lead"])
    ['facebook/bart-large-cnn,nb=1', 'lead']
    """
    written = [one_line_name(name) or "–" for name in names]
    keys = abbreviations(names, columns)
    if keys:
        written = [_KEY.sub(lambda key: f"{keys.get(key[1], key[1])}=", name) for name in written]
    short_names: list[str] = []
    for name in written:
        short, times = _shorten_name(name, columns), 1
        while short in short_names:
            times += 1
            mark = f" ({times})"
            short = _shorten_name(name, columns - len(mark)) + mark
        short_names.append(short)
    return short_names


def abbreviations(names: Sequence[str], columns: int = NAME_COLUMNS) -> Mapping[str, str]:
    """Return what stands for the keys of settings in names, where some name is too long.

    >>> abbreviations(["facebook/bart-large-cnn,num_beams=1,length_penalty=2.0"])
    {'num_beams': 'nb', 'length_penalty': 'lp'}
    """
    if max(map(_width, names), default=0) <= columns:
        return {}
    keys = dict.fromkeys(key for name in names for key in _KEY.findall(one_line_name(name)))
    short = {key: "".join(word[0] for word in _WORDS.split(key) if word) for key in keys}
    unlike = len(set(short.values())) == len(short)
    return {
        key: letters for key, letters in short.items() if unlike and 1 < len(letters) < len(key)
    }


def _shorten_name(name: str, columns: int) -> str:
    if _width(name) <= columns:
        return name
    first, comma, rest = name.partition(",")
    room = columns - _width(rest) - 1
    if comma and room >= columns // 3:
        return f"{_cut(first, room)},{rest}"
    return _cut(name, columns)


def _cut(name: str, columns: int) -> str:
    if _width(name) <= columns:
        return name
    head = "".join(_fitting_characters(name, columns // 2))
    tail = "".join(_fitting_characters(name[::-1], columns - columns // 2 - 1))[::-1]
    return f"{head}…{tail}"


def _width(text: str) -> int:
    return sum(map(_columns, text))


def _fitting_characters(name: str, columns: int) -> Iterator[str]:
    for character in name:
        columns -= _columns(character)
        if columns < 0:
            return
        yield character


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
