"""Dotted paths into the records of a log, such as `doc.article` or `references.*.text`."""

from collections.abc import Mapping
from typing import Any


def follow(value: Any, path: str) -> Any:
    """Return what a path leads to; None where it leads nowhere.

    A number is a place in a list, `*` every place; a key may hold dots itself.

    >>> follow({"doc": {"article": "It rained."}}, "doc.article")
    'It rained.'
    >>> follow({"refs": [{"text": "A."}, {"text": "B."}]}, "refs.*.text")
    ['A.', 'B.']
    >>> follow({"resps": [["A."]]}, "resps.0.1")
    """
    if not path:
        return value
    if isinstance(value, Mapping):
        if path in value:
            return value[path]
        key, _, rest = path.partition(".")
        return follow(value.get(key), rest) if key in value else None
    if not isinstance(value, list):
        return None
    key, _, rest = path.partition(".")
    if key == "*":
        return [follow(each, rest) for each in value]
    if not (key.isascii() and key.isdecimal() and len(key) < 10 and int(key) < len(value)):
        return None
    return follow(value[int(key)], rest)


def join_sentences(value: Any) -> Any:
    """Return a text that is given as a list of its sentences as one text, a line each."""
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return "\n".join(value)
    return value
