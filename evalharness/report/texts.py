"""Texts for a browser: offsets in its units, and JSON packed into the page."""

import base64
import gzip
import json
from bisect import bisect_left
from typing import Any


class Units:
    """Turns offsets in Python's characters into JavaScript's: UTF-16 code units.

    >>> Units("a😀b").at(2)
    3
    """

    def __init__(self, text: str) -> None:
        """Take the text that the offsets are of."""
        ascii_or_near = text.isascii() or max(text, default="") <= "\uffff"
        self._wide = [] if ascii_or_near else [i for i, c in enumerate(text) if c > "\uffff"]

    def at(self, offset: int) -> int:
        """Return one offset in UTF-16 code units."""
        return offset + bisect_left(self._wide, offset) if self._wide else offset


def pack_json(value: Any) -> str:
    """Return a JSON value gzipped, in base64: the same for the same value, on any machine.

    Lone surrogates, which UTF-8 cannot hold, make the JSON ASCII throughout.
    """
    return base64.b64encode(gzip.compress(json_bytes(value), 9, mtime=0)).decode()


def json_bytes(value: Any) -> bytes:
    """Return compact JSON, with `null` for what is no number."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
