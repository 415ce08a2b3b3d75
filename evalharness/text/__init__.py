"""Sentences, words, numbers and names of a text, with character offsets.

Everything is a pure function from text to spans that slice back to it, in linear time, and takes
whatever string comes: other scripts, lone surrogates, megabytes without a stop.
"""

from evalharness.text.boundaries import SENTENCES_VERSION, sentences
from evalharness.text.capitals import Casing, Name, casing, country, names, names_and_casing
from evalharness.text.quantities import Number, NumberIndex, agree, numbers
from evalharness.text.tokenizing import Token, stemmed, tokenized
from evalharness.text.tokens import content_words, fold, words

__all__ = [
    "SENTENCES_VERSION",
    "Casing",
    "Name",
    "Number",
    "NumberIndex",
    "Token",
    "agree",
    "casing",
    "content_words",
    "country",
    "fold",
    "names",
    "names_and_casing",
    "numbers",
    "sentences",
    "stemmed",
    "tokenized",
    "words",
]
