"""Untrusted files and text: read up to a limit, checked, shown without control characters."""

import dataclasses
import errno
import math
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

# Nothing that is read whole is as long: configs, pages, calibrations, `run.json`.
LARGEST = 64 * 2**20

# Control characters but for tab and line feed, and what turns the direction of writing.
_COMMANDING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""Return a text with codes for what would command a terminal instead of standing in it.

    >>> visible("It rained.\x1b[2J\n")
    'It rained.\\x1b[2J\n'
    """
    return _COMMANDING.sub(lambda found: ascii(found[0])[1:-1], text)


def one_line(text: str) -> str:
    r"""Return a text as `visible` does, and in one line.

    >>> one_line("a\nb")
    'a\\nb'
    """
    return text if text.isprintable() else "".join(map(_escape_character, visible(text)))


def _escape_character(character: str) -> str:
    return ascii(character)[1:-1] if character in "\t\n\u2028\u2029\x85" else character


# Joiners of letters and of pictures: words of Persian, Hindi and others need them.
_JOINERS = "\u200c\u200d"


def printable(said: str) -> str:
    r"""Return a text in which all that steers what shows it is blank, each character in its place.

    >>> printable("a\u202e\x1b[31m\nb")
    'a  [31m b'
    """
    return "".join(c if c.isprintable() or c in _JOINERS else " " for c in said)


def read_whole(path: Path, most: int = LARGEST) -> bytes:
    """Return what a file holds. Raises: OSError, also for one that is too long, or is a pipe.

    Pipes that the shell makes, `/dev/stdin` and `/dev/fd/63`, are read.
    """
    if stat.S_ISFIFO(path.stat().st_mode) and not str(path).startswith("/dev/"):
        raise OSError(errno.EINVAL, "not a file", str(path))
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"larger than {most // 2**20} MiB", str(path))
    return content


# What is given by mistake where text is read: how it begins, what it is, and what to do.
_TO_TEXT = "save it as plain text or HTML"
BINARY_KINDS = {
    b"%PDF-": "a PDF; save its text (pdftotext FILE.pdf FILE.txt), and give that",
    b"{\\rtf": f"an RTF document; {_TO_TEXT}",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": f"an old Office document; {_TO_TEXT}",
    b"\x89PNG": "a picture (PNG); give its text",
    b"\xff\xd8\xff": "a picture (JPEG); give its text",
    b"GIF8": "a picture (GIF); give its text",
    b"\x28\xb5\x2f\xfd": "zstd compressed; unpack it",
    b"BZh": "bzip2 compressed; unpack it",
    b"\xfd7zXZ": "xz compressed; unpack it",
}
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_ZIPPED = {
    b"word/": f"a Word document; {_TO_TEXT}",
    b"xl/": "a spreadsheet; save it as CSV",
    b"ppt/": f"a presentation; {_TO_TEXT}",
    b"epub+zip": "an EPUB; unpack it (it is a zip archive), and give its HTML",
    b"opendocument": f"an OpenDocument file; {_TO_TEXT}",
}
_HEAD = 4096  # bytes in which a zip archive names its first files


def binary_kind(content: bytes) -> str:
    """Return what a file is that holds no text, and what to do; empty for what may be text.

    >>> binary_kind(b"%PDF-1.7 ...")
    'a PDF; save its text (pdftotext FILE.pdf FILE.txt), and give that'
    """
    if content.startswith(_ZIP):
        head = content[:_HEAD] + content[-_HEAD:]
        kinds = (what for name, what in _ZIPPED.items() if name in head)
        return next(kinds, "a zip archive; unpack it")
    if content.startswith(_GZIP):
        return "gzip compressed; unpack it (gunzip)"
    return next((what for magic, what in BINARY_KINDS.items() if content.startswith(magic)), "")


# Records that JSON holds. pydantic could check them, too, but takes longer to import than a run's
# figures take to compare.

_Section = TypeVar("_Section")
# The key of a field's metadata under which stands where its value is in the mapping; by default,
# that is under its name. () is the whole mapping.
AT = "at"


class WrongKey(ValueError):
    """What JSON has under a key is not what a record says of it, or is missing."""

    def __init__(self, key: tuple[str, ...]) -> None:
        super().__init__(".".join(key))


@dataclass(frozen=True)
class Bounds:
    """What bounds a number: `Annotated[int, Bounds(ge=0)]`, in words that pydantic reads, too."""

    ge: float = -math.inf
    gt: float = -math.inf
    le: float = math.inf
    lt: float = math.inf
    description: str = ""

    def hold(self, value: float) -> bool:
        """Tell whether a number lies within."""
        return self.ge <= value <= self.le and self.gt < value < self.lt

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Say the bounds to pydantic."""
        named = {name: getattr(self, name) for name in ("ge", "gt", "le", "lt")}
        return handler(source) | {k: v for k, v in named.items() if math.isfinite(v)}

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> Any:
        """Say to a JSON Schema what the number is."""
        return handler(core) | {"description": self.description}


def section_of(
    kind: type[_Section], value: Any, key: tuple[str, ...] = (), **given: Any
) -> _Section:
    """Return the dataclass of a mapping that JSON had; what else stands there is of no concern.

    given: fields that no JSON has. Raises: WrongKey for the first that is missing or is of another
    type: numbers are finite, and no text or truth value is a number.
    """
    if not isinstance(value, Mapping):
        raise WrongKey(key)
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        at = field.metadata.get(AT, (field.name,))
        has_default = (field.default, field.default_factory) != (dataclasses.MISSING,) * 2
        if field.name not in given and not (has_default and at[0] not in value):
            given[field.name] = _value_of_kind(field.type, _value_at(value, at, key), (*key, *at))
    return kind(**given)


def _value_at(value: Any, at: tuple[str, ...], key: tuple[str, ...]) -> Any:
    for name in at:
        if not isinstance(value, Mapping) or name not in value:
            raise WrongKey((*key, *at))
        value = value[name]
    return value


def _value_of_kind(kind: Any, value: Any, key: tuple[str, ...]) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        checked = _value_of_kind(inner[0], value, key)
        if not all(bounds.hold(checked) for bounds in inner[1:]):
            raise WrongKey(key)
        return checked
    if origin in (Union, UnionType):  # or None
        return None if value is None else _value_of_kind(inner[0], value, key)
    if origin is Mapping and isinstance(value, Mapping):
        return {name: _value_of_kind(inner[1], each, (*key, name)) for name, each in value.items()}
    if origin is Sequence and isinstance(value, list | tuple):
        return [_value_of_kind(inner[0], each, (*key, str(n))) for n, each in enumerate(value)]
    if dataclasses.is_dataclass(kind):
        return section_of(kind, value, key)  # type: ignore[arg-type]
    if kind is Any:
        return value
    return _leaf_of_kind(kind, value, key)


def _leaf_of_kind(kind: Any, value: Any, key: tuple[str, ...]) -> Any:
    wanted: Any = (int, float) if kind is float else kind if isinstance(kind, type) else ()
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise WrongKey(key)
    if kind is not float:
        return value
    try:
        number = float(value)
    except OverflowError:
        raise WrongKey(key) from None
    if not math.isfinite(number):
        raise WrongKey(key)
    return number
