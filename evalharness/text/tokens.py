"""The words of a text in order, each with what is known of it: found once for all readers."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from evalharness.records import Span
from evalharness.text.stems import VERB_OF, stem
from evalharness.text.words import FUNCTION_WORDS, WORD, fold

# A longer word has no endings.
LONGEST_STEMMED = 30

# A Token of its fields, without the call of Python code that `Token(...)` makes: a quarter quicker.
_token = tuple.__new__
_CLAUSE_END = re.compile(r"[,;:()\[\]\"“”–—]|--| - |``|''")
_OPENING = frozenset('"“‘«„:`•|')


class Token(NamedTuple):
    """A word: where it stands, how it is written and compared, and what is known of it.

    sentence: which sentence it stands in, from 0. content: False for a word such as `of`.
    after_mark: True where a comma or another mark that ends a clause stands before it.
    opens: True where it is the first of a sentence or a quotation.
    """

    start: int
    end: int
    written: str
    word: str
    stem: str
    sentence: int
    content: bool
    after_mark: bool
    opens: bool


@lru_cache(maxsize=32_768)
def stem_of(word: str) -> str:
    """Return a folded word without its ending; `won` is `win`, and `before` stays whole."""
    if word in FUNCTION_WORDS:
        return word
    return stem(VERB_OF.get(word, word)) if len(word) <= LONGEST_STEMMED else word


@lru_cache(maxsize=32_768)
def _word_forms(written: str) -> tuple[str, str, bool]:
    """Return a word folded and without its ending, and whether it is of content."""
    word = fold(written)
    return word, stem_of(word), word not in FUNCTION_WORDS


def sentence_tokens(text: str, within: Sequence[Span]) -> list[Token]:
    """Return the words of the sentences of a text in order.

    >>> [token.stem for token in sentence_tokens("The dogs barked.", [Span(0, 16)])]
    ['the', 'dog', 'bark']
    """
    found: list[Token] = []
    for number, span in enumerate(within):
        _read(text[span.start : span.end], span.start, number, found)
    return found


def _read(sentence: str, offset: int, number: int, found: list[Token]) -> None:
    """Add the words of a sentence that starts at an offset to those found before."""
    position, first = 0, True
    for match in WORD.finditer(sentence):
        start, end = match.span()
        gap = sentence[position:start]
        mark, opens = False, first
        if gap not in ("", " "):
            mark = _CLAUSE_END.search(gap) is not None
            opens = first or not _OPENING.isdisjoint(gap)
        position, first = end, False
        written = match[0]
        word, ending_less, content = _word_forms(written)
        here = start + offset, end + offset
        fields = (*here, written, word, ending_less, number, content, mark, opens)
        found.append(_token(Token, fields))
