"""Sentences, words, numbers and names of a text, with character offsets.

Everything is a pure function from text to spans that slice back to it, in linear time, and takes
whatever string comes: other scripts, lone surrogates, megabytes without a stop.
"""

from evalharness.text.names import Casing, Name, casing, country, names, names_and_casing
from evalharness.text.numbers import Number, NumberIndex, agree, numbers
from evalharness.text.sentences import SENTENCES_VERSION, sentences
from evalharness.text.words import (
    Token,
    WordColumns,
    content_words,
    fold,
    sentence_tokens,
    stem_of,
    word_columns,
    words,
)

__all__ = [
    "SENTENCES_VERSION",
    "Casing",
    "Name",
    "Number",
    "NumberIndex",
    "Token",
    "WordColumns",
    "agree",
    "casing",
    "content_words",
    "country",
    "fold",
    "names",
    "names_and_casing",
    "numbers",
    "sentence_tokens",
    "sentences",
    "stem_of",
    "word_columns",
    "words",
]
