"""The words by which pages say what their lines are, a data file a language.

A file has lists of phrases by what they show: a machine, a summary, … A phrase is looked for as
whole words, whatever its case; `*` at its end stands for any ending. To add a language, copy a file
under its two letters and say the same phrases in it.
"""

import re
import tomllib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "languages"


@cache
def tables() -> dict[str, dict[str, list[str]]]:
    """Return the phrases of each language by their key."""
    files = sorted(FOLDER.glob("*.toml"))
    return {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in files}


def _phrase(words: str, ending: str) -> str:
    bare, star, _ = words.partition("*")
    after = r"(?!\w)" if _is_spaced(bare) and not star and bare[-1].isalnum() else ""
    return re.escape(bare).replace(r"\ ", r"\s") + (ending if star else "") + after


def _is_spaced(words: str) -> bool:
    """Return whether words are of a script that puts spaces between them."""
    return all(ord(c) < 0x2E80 for c in words)


@cache
def pattern(key: str, language: str = "", ending: str = r"\w*") -> re.Pattern[str] | None:
    """Return what matches any phrase of a key, in one language or in all; None if there is none."""
    phrases = [
        words
        for name, table in tables().items()
        if language in ("", name)
        for words in table.get(key, ())
    ]
    phrases.sort(key=len, reverse=True)  # the longest first: `photo by` before `photo`
    starts = [_is_spaced(words) and words[0].isalnum() for words in phrases]
    said = [_phrase(words, ending) for words in phrases]
    # Where a word begins is asked once, and not for every phrase: that is most of the time.
    inner = [p for p, starts_word in zip(said, starts, strict=True) if starts_word]
    other = [p for p, starts_word in zip(said, starts, strict=True) if not starts_word]
    parts = [rf"(?<!\w)(?:{'|'.join(inner)})"] if inner else []
    return re.compile("|".join(parts + other), re.IGNORECASE) if phrases else None


def says(key: str, line: str, language: str = "") -> bool:
    """Return whether a line has a phrase of a key."""
    found = pattern(key, language)
    return found is not None and found.search(line) is not None


def says_both(one: str, other: str, line: str) -> bool:
    """Return whether a line has a phrase of each of two keys in one language."""
    return any(says(one, line, name) and says(other, line, name) for name in tables())


def begins(key: str, line: str) -> bool:
    """Return whether a line begins with a phrase of a key."""
    found = pattern(key)
    return found is not None and found.match(line) is not None


def is_whole(key: str, line: str) -> bool:
    """Return whether a line is a phrase of a key and nothing more, but for marks around it."""
    found = pattern(key, ending=".*")
    bare = line.strip(" \t:.!…–—-|»›>()[]•*")
    return found is not None and found.fullmatch(bare) is not None


def rest_of(key: str, line: str) -> str:
    """Return what follows the phrase that a line begins with; the line if it has none."""
    found = pattern(key)
    match = found.match(line) if found is not None else None
    return line[match.end() :].strip(" :") if match else line
