"""Reads untrusted files up to a limit, and shows untrusted text without control characters."""

import errno
import re
import stat
from pathlib import Path

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
