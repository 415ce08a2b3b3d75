"""Which words English has: in a text without capitals, what is none of them is most likely a name.

`english_words.txt.gz` holds the stems of all words that WordNet 3.0 writes in lower case (names it
writes with capitals), also those inside its compounds. Its licence is in `WORDNET_LICENSE.txt`. To
make the file again: python -m evalharness.text.english_words FOLDER, with WordNet's `data.noun`,
`data.verb`, `data.adj` and `data.adv` in the folder.
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
# WordNet has nouns, verbs, adjectives and adverbs only; marks of tokenizers look like words, too.
_WITHOUT_SENSES = FUNCTION_WORDS | {
    *("wherein", "whereby", "versus", "vs", "etc", "hydro", "cos", "til"),
    *("unk", "lrb", "rrb", "lsb", "rsb"),
}


@cache
def _stems() -> frozenset[str]:
    packed = (files("evalharness.text") / _FILE).read_bytes()
    return frozenset(gzip.decompress(packed).decode().split())


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


def _lower_case_words(folder: Path) -> Iterator[str]:
    """Yield the words of WordNet's lemmas that begin with a small letter, as they are compared."""
    for kind in ("noun", "verb", "adj", "adv"):
        for line in (folder / f"data.{kind}").read_text(encoding="latin-1").splitlines():
            if line.startswith("  "):  # the licence, at the top
                continue
            fields = line.split(" ")
            for lemma in fields[4 : 4 + 2 * int(fields[3], 16) : 2]:
                parts = re.split(r"[-_]", lemma.partition("(")[0])
                yield from (fold(part) for part in parts if part.isalpha() and part[0].islower())


def main(folder: str) -> None:
    """Write the list from WordNet's files in a folder."""
    stems = sorted({stem_of(word) for word in _lower_case_words(Path(folder))})
    packed = gzip.compress("\n".join(stems).encode(), mtime=0)
    (Path(__file__).parent / _FILE).write_bytes(packed)
    sys.stdout.write(f"{len(stems)} stems, {len(packed)} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1])
