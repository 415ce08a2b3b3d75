"""The words of a text in order, each with what is known of it: found once for all readers."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from evalharness.records import Span
from evalharness.text.common_words import FUNCTION_WORDS
from evalharness.text.irregular import VERB_OF
from evalharness.text.porter import stem
from evalharness.text.tokens import WORD, fold

# A longer word has no endings.
LONGEST_STEMMED = 30

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
def stemmed(word: str) -> str:
    """Return a folded word without its ending; `won` is `win`, and `before` stays whole."""
    if word in FUNCTION_WORDS:
        return word
    return stem(VERB_OF.get(word, word)) if len(word) <= LONGEST_STEMMED else word


@lru_cache(maxsize=32_768)
def _known(written: str) -> tuple[str, str, bool]:
    """Return a word folded and without its ending, and whether it is of content."""
    word = fold(written)
    return word, stemmed(word), word not in FUNCTION_WORDS


def tokens(text: str, within: Sequence[Span]) -> list[Token]:
    """Return the words of the sentences of a text in order.

    >>> [token.stem for token in tokens("The dogs barked.", [Span(0, 16)])]
    ['the', 'dog', 'bark']
    """
    return [
        token for number, span in enumerate(within) for token in _of_sentence(text, number, span)
    ]


def _of_sentence(text: str, number: int, span: Span) -> Iterator[Token]:
    sentence, offset, position = span.of(text), span.start, 0
    for match in WORD.finditer(sentence):
        start, end = match.span()
        mark = opens = False
        gap = sentence[position:start]
        if position == 0:
            mark, opens = bool(gap) and _CLAUSE_END.search(gap) is not None, True
        elif gap not in ("", " "):
            mark, opens = _CLAUSE_END.search(gap) is not None, not _OPENING.isdisjoint(gap)
        position = end
        written = match[0]
        word, stem_of_it, content = _known(written)
        yield Token(
            start + offset, end + offset, written, word, stem_of_it, number, content, mark, opens
        )
