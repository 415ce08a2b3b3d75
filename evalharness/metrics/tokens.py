"""The words that ROUGE and extractiveness count, and their stems.

`default` is rouge_score's rule: lower-case, and every run of a-z and 0-9 is a word. It cuts
accented words into pieces and finds nothing in other scripts. `unicode` knows every script:
case-folded NFKC, and every run of letters, marks and digits is a word, so that a vowel sign stays
with its letter; in scripts without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) every
letter is a word, with its marks. On ASCII text the two agree. NFKC and not NFC, since news in East
Asian scripts mixes full-width and plain digits and letters, and PDFs bring ligatures: they should
match.
"""

import re
import unicodedata
from typing import Literal

from evalharness.text.stems import stem
from evalharness.text.words import MARKS, UNSPACED

Tokenizer = Literal["default", "unicode"]
TokenTexts = tuple[str, ...]

# Words up to this length are not stemmed, as in rouge_score.
_SHORTEST_STEMMED = 3

# Bounds on what is kept: words with their stems, and texts with their words.
KEPT_STEMS = 1 << 16
KEPT_TEXTS = 512
KEPT_CHARACTERS = 10_000

_DEFAULT_WORD = re.compile(r"[a-z0-9]+")
_UNICODE_WORD = re.compile(
    rf"[{UNSPACED}][{MARKS}]*+|[^\W_{UNSPACED}][{MARKS}]*+(?>(?:[^\W_{UNSPACED}]++[{MARKS}]*+)*)"
)
# Soft hyphens, joiners, direction marks and their kin: inside a word and not seen.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200c-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]+"
)


class _Stems(dict[str, str]):
    """Words to stems: each is stemmed once, and equal stems are one string."""

    def __missing__(self, word: str) -> str:
        if len(self) >= KEPT_STEMS:
            self.clear()
        found = stem(word) if len(word) > _SHORTEST_STEMMED and word.isascii() else word
        self[word] = found
        return found


_stem = _Stems().__getitem__


def tokenize(text: str, stemmer: bool = True, tokenizer: Tokenizer = "default") -> TokenTexts:
    """Return the words of a text, in order, stemmed if asked; only ASCII words have stems.

    >>> tokenize("The ministers' déjà-vu")
    ('the', 'minist', 'd', 'j', 'vu')
    >>> tokenize("The ministers' déjà-vu", tokenizer="unicode")
    ('the', 'minist', 'déjà', 'vu')
    """
    words = _default_words(text) if tokenizer == "default" else _unicode_words(text)
    return tuple(map(_stem, words)) if stemmer else tuple(words)


def _default_words(text: str) -> list[str]:
    return _DEFAULT_WORD.findall(text.lower())


def _unicode_words(text: str) -> list[str]:
    if text.isascii():
        return _default_words(text)
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    # Folding case can leave a letter and its accent apart again.
    return _UNICODE_WORD.findall(unicodedata.normalize("NFKC", visible.casefold()))
