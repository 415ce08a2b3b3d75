"""Which words English has, and which of them mean the same.

In a text without capitals, what is no English word is most likely a name. `english_words.txt.gz`
holds the stems of all words that WordNet 3.0 writes in lower case (names it writes with capitals),
also those inside its compounds; `english_synonyms.txt.gz` a line for each sense that is among the
first three of several single words, with their stems. WordNet's licence is in
`WORDNET_LICENSE.txt`. To make the files again: python -m evalharness.text.english_words FOLDER,
with WordNet's `data.noun`, `index.noun` and those of `verb`, `adj` and `adv` in the folder.
"""

import gzip
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

from evalharness.text.words import FUNCTION_WORDS, fold, stem_of

_FILE = "english_words.txt.gz"
_SYNONYMS_FILE = "english_synonyms.txt.gz"
_KINDS = ("noun", "verb", "adj", "adv")
# Further senses of a word are rare in news.
_MOST_SENSES = 3
# WordNet has nouns, verbs, adjectives and adverbs only; marks of tokenizers look like words, too.
_WITHOUT_SENSES = FUNCTION_WORDS | {
    *("wherein", "whereby", "versus", "vs", "etc", "hydro", "cos", "til"),
    *("unk", "lrb", "rrb", "lsb", "rsb"),
}


def _unpack(file: str) -> str:
    return gzip.decompress((files("evalharness.text") / file).read_bytes()).decode()


@cache
def _stems() -> frozenset[str]:
    return frozenset(_unpack(_FILE).split())


@cache
def _senses() -> dict[str, list[str]]:
    """Return the senses of each stem that has synonyms: lines of stems."""
    found = dict[str, list[str]]()
    for line in _unpack(_SYNONYMS_FILE).splitlines():
        for stem in line.split():
            found.setdefault(stem, []).append(line)
    return found


def synonyms(stem: str) -> list[str]:
    """Return the stems of the words that may mean the same as one of a stem, in no sense apart.

    >>> synonyms("movi")
    ['film', 'flick', 'pic']
    """
    senses = _senses().get(stem, ())
    return sorted({other for line in senses for other in line.split()} - {stem})


def is_english_word(word: str) -> bool:
    """Tell whether a folded word, in any of its forms, is one of English and no name.

    >>> [is_english_word(word) for word in ("mayor", "said", "biggest", "women", "torquay")]
    [True, True, True, True, False]
    """
    known = _stems()
    return word in _WITHOUT_SENSES or any(stem_of(form) in known for form in _forms(word))


def _forms(word: str) -> Iterator[str]:
    yield word
    if word.endswith("men"):
        yield f"{word[:-3]}man"
    if word.endswith(("er", "est")):
        base = word.removesuffix("er").removesuffix("est")
        yield base
        yield f"{base}e"
        yield base[:-1]  # big-g-er
        yield f"{base[:-1]}y"  # easi-er
    if word.endswith(("ers", "ors", "or", "ability")):  # gam-ers, protest-ors, customiz-ability
        base = re.sub(r"(?:[eo]rs|or|ability)$", "", word)
        yield from (base, f"{base}e")
    for prefix in ("up", "with", "over", "out", "under", "re", "un"):
        if word.startswith(prefix) and len(word) > len(prefix) + 3:
            yield word[len(prefix) :]


def _rows(folder: Path, file: str) -> Iterator[list[str]]:
    """Yield the fields of WordNet's lines, without the licence at the top."""
    for line in (folder / file).read_text(encoding="latin-1").splitlines():
        if not line.startswith("  "):
            yield line.split()


def _lemmas(fields: list[str]) -> list[str]:
    """Return the words of a sense that begin with a small letter, compounds with `_`."""
    found = (lemma.partition("(")[0] for lemma in fields[4 : 4 + 2 * int(fields[3], 16) : 2])
    return [lemma for lemma in found if lemma[:1].islower()]


def _lower_case_words(folder: Path) -> Iterator[str]:
    """Yield the words of WordNet's lemmas that begin with a small letter, as they are compared."""
    for kind in _KINDS:
        for fields in _rows(folder, f"data.{kind}"):
            for lemma in fields[4 : 4 + 2 * int(fields[3], 16) : 2]:
                parts = re.split(r"[-_]", lemma.partition("(")[0])
                yield from (fold(part) for part in parts if part.isalpha() and part[0].islower())


def _synonym_lines(folder: Path) -> Iterator[str]:
    """Yield the stems of the single words that have a sense among their first ones."""
    for kind in _KINDS:
        first: set[tuple[str, str]] = set()
        for fields in _rows(folder, f"index.{kind}"):
            offsets = fields[-int(fields[2]) :][:_MOST_SENSES]
            first.update((fields[0], offset) for offset in offsets)
        for fields in _rows(folder, f"data.{kind}"):
            known = {
                stem_of(fold(lemma))
                for lemma in _lemmas(fields)
                if lemma.isalpha() and (lemma.lower(), fields[0]) in first
            }
            if len(known) > 1:
                yield " ".join(sorted(known))


def _write(file: str, lines: Iterator[str]) -> None:
    found = sorted(set(lines))
    packed = gzip.compress("\n".join(found).encode(), mtime=0)
    (Path(__file__).parent / file).write_bytes(packed)
    sys.stdout.write(f"{file}: {len(found)} lines, {len(packed)} bytes\n")


def main(folder: str) -> None:
    """Write the lists from WordNet's files in a folder."""
    _write(_FILE, (stem_of(word) for word in _lower_case_words(Path(folder))))
    _write(_SYNONYMS_FILE, _synonym_lines(Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1])
