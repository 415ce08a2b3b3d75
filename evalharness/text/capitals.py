"""Names of a text: runs of capitalised words, with the capitals of another text where need be.

A word is part of a name if

* it has a capital inside a sentence, or
* it opens a sentence, a quotation or a line in capitals, and the other text has it with a capital
  inside sentences more often than without; or neither text tells, and it is a known name or stands
  before a word that is part of a name; or
* its sentence has no capitals but the first, and the other text writes it with one more often than
  not, or the other text does not have it and it is a known name.

Calendar words are no names, titles (`Mr`, `President`) are left out at the edges, and an
owner's `'s` is not part of the name.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from evalharness.records import Span
from evalharness.text.boundaries import sentences
from evalharness.text.common_words import FUNCTION_WORDS
from evalharness.text.name_words import (
    CALENDAR,
    CONNECTORS,
    COUNTRY_OF,
    HEADS_OF_NAMES,
    KNOWN_NAMES,
    ORDINARY_CAPITALS,
    ORDINARY_ENDINGS,
    ORDINARY_OPENERS,
    TITLES,
)
from evalharness.text.number_words import CURRENCY_LETTERS
from evalharness.text.tokens import WORD, fold

# A run of capitals longer than this is a list or a headline; it is cut into names.
MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a text.

    words: as they are compared: folded, without titles at the edges and without `of` and its kin;
        the USA are `u.s`, which tells them from `us`.
    parts: where each of the words stands.
    """

    span: Span
    words: tuple[str, ...]
    parts: tuple[Span, ...]


class _Token(NamedTuple):
    start: int
    end: int
    word: str
    folded: str
    first: bool  # in its sentence
    opens: bool  # first in a sentence or quotation, or in a headline: a capital tells nothing


@dataclass(frozen=True, slots=True)
class Casing:
    """How often a text writes its words with a capital inside sentences, and how often without."""

    capitals: dict[str, int] = field(default_factory=dict[str, int])
    smalls: dict[str, int] = field(default_factory=dict[str, int])
    openings: set[str] = field(default_factory=set[str])

    def __contains__(self, word: str) -> bool:
        return word in self.smalls or word in self.capitals or word in self.openings

    def words(self) -> set[str]:
        """Return all words of the text, folded."""
        return self.openings.union(self.smalls, self.capitals)

    def is_name(self, word: str) -> bool | None:
        """Tell whether the text writes a folded word as a name; None: it does not show."""
        capitals, smalls = self.capitals.get(word, 0), self.smalls.get(word, 0)
        return None if capitals == smalls == 0 else capitals > smalls


def names(
    text: str, casing_of: str | Casing | None = None, within: Sequence[Span] | None = None
) -> list[Name]:
    """Return the names of a text in order.

    casing_of: the text, or its casing, that tells names from other words where this text does not;
        itself if None. within: the sentences of the text, where they are known already.

    >>> summary = "officials said jane doe of the bank of england left"
    >>> for name in names(summary, casing_of="In May Jane Doe joined the Bank of England."):
    ...     print(name.span.of(summary), name.words)
    jane doe ('jane', 'doe')
    bank of england ('bank', 'england')
    """
    if casing_of is None:
        return names_and_casing(text, within)[0]
    known = casing(casing_of) if isinstance(casing_of, str) else casing_of
    return _names(text, _tokens(text, within), known)


def casing(text: str, within: Sequence[Span] | None = None) -> Casing:
    """Count the capitals of a text.

    >>> casing("Apple grew. An apple fell near Apple House.").is_name("apple")
    False
    """
    return _casing(_tokens(text, within))


def names_and_casing(text: str, within: Sequence[Span] | None = None) -> tuple[list[Name], Casing]:
    """Return the names of a text by its own casing, and that casing, for its summaries."""
    tokens = _tokens(text, within)
    counted = _casing(tokens)
    return _names(text, tokens, counted), counted


def country(words: str) -> str:
    """Return the country that folded words name or are the adjective of; empty if none.

    >>> country("british"), country("united kingdom"), country("mayor")
    ('britain', 'britain', '')
    """
    return COUNTRY_OF.get(words, "")


def _names(text: str, tokens: list[_Token], known: Casing) -> list[Name]:
    marks: list[bool | None] = []
    starts = [place for place, token in enumerate(tokens) if token.first]
    for start, end in itertools.pairwise([*starts, len(tokens)]):
        sentence = tokens[start:end]
        shows_case = any(token.word[0].isupper() for token in sentence if not token.opens)
        marks += [_is_name(token, known, shows_case) for token in sentence]
    return [
        name
        for run in _runs(text, tokens, _with_first_names(text, tokens, marks))
        if (name := _name(run)) is not None
    ]


def _tokens(text: str, within: Sequence[Span] | None) -> list[_Token]:
    tokens: list[_Token] = []
    for span in sentences(text) if within is None else within:
        sentence = span.of(text)
        end = 0
        found: list[_Token] = []
        for match in WORD.finditer(sentence):
            word, start = match[0], match.start()
            gap = sentence[end:start]
            end = match.end()
            first = not found
            opens = first or (gap != " " and not _OPENING.isdisjoint(gap))
            found.append(
                _Token(span.start + start, span.start + end, word, _compared(word), first, opens)
            )
        tokens += _headline(found) if _is_headline(found) else found
    return tokens


def _compared(word: str) -> str:
    """Return a word as names are compared: folded, `U.K` as `uk`, `US` as `u.s` and not as `us`."""
    if word in ("US", "U.S"):
        return "u.s"
    folded = fold(word)
    return folded.replace(".", "") if "." in folded else folded


# P460 in `P460-million` is no name.
_MONEY = re.compile(rf"(?:{'|'.join(CURRENCY_LETTERS)})\d[\d.,]*")
_OPENING = frozenset('"“‘«„:`•|')


def _is_headline(tokens: list[_Token]) -> bool:
    """Tell whether a sentence has a capital at every word of content."""
    if len(tokens) < 4:
        return False
    return not any(
        token.word[0].islower() and token.folded not in FUNCTION_WORDS for token in tokens
    )


def _headline(tokens: list[_Token]) -> list[_Token]:
    return [token._replace(opens=True) for token in tokens]


def _casing(tokens: list[_Token]) -> Casing:
    counted = Casing()
    for token in tokens:
        first = token.word[0]
        if first.islower():
            counted.smalls[token.folded] = counted.smalls.get(token.folded, 0) + 1
        elif token.opens or not first.isupper():
            counted.openings.add(token.folded)
        else:
            counted.capitals[token.folded] = counted.capitals.get(token.folded, 0) + 1
    return counted


def _is_name(token: _Token, known: Casing, shows_case: bool) -> bool | None:
    """Tell whether a word is part of a name; None for an opening word of which nothing is known."""
    word, folded = token.word, token.folded
    is_acronym = len(word) > 1 and word.isupper() and not token.opens
    if folded in CALENDAR or folded in ORDINARY_CAPITALS or not word[0].isalpha():
        return False
    if (folded in FUNCTION_WORDS and not is_acronym) or _MONEY.fullmatch(folded):
        return False
    if not word[0].isupper():
        if shows_case or len(folded) == 1:
            return False
        told = known.is_name(folded)
        return folded in KNOWN_NAMES if told is None else told
    if not token.opens:
        return True
    told = known.is_name(folded)
    if told is not None or folded in KNOWN_NAMES:
        return told is not False
    return False if folded in ORDINARY_OPENERS or folded.endswith(ORDINARY_ENDINGS) else None


def _with_first_names(text: str, tokens: list[_Token], marks: list[bool | None]) -> list[bool]:
    """Settle the opening words of which nothing is known: a name follows (`Jane Doe said`)."""
    settled = [mark is True for mark in marks]
    for index in range(len(tokens) - 2, -1, -1):
        if marks[index] is None:
            following = tokens[index + 1]
            joined = text[tokens[index].end : following.start] in (" ", "-", ". ")
            settled[index] = joined and settled[index + 1] and following.word[0].isupper()
            settled[index] &= not following.first
    return settled


def _runs(text: str, tokens: list[_Token], marks: list[bool]) -> list[list[_Token]]:
    """Group the tokens of names that stand together, with small words such as `of` between."""
    runs: list[list[_Token]] = []
    run: list[_Token] = []
    waiting: list[_Token] = []
    for token, is_name in zip(tokens, marks, strict=True):
        joined = bool(run) and _joins(text, (waiting or run)[-1], token) and len(run) < MOST_WORDS
        if is_name and joined:
            run += [*waiting, token]
            waiting = []
        elif is_name:
            run, waiting = [token], []
            runs.append(run)
        elif joined and len(waiting) < 3 and _goes_inside(token, (waiting or run)[-1]):
            waiting.append(token)
        else:
            run, waiting = [], []
    return runs


def _joins(text: str, before: _Token, after: _Token) -> bool:
    if after.first or before.word.endswith(("'s", "’s")):
        return False
    gap = text[before.end : after.start]
    return gap in (" ", "-", " & ", "\u00a0") or (gap == ". " and before.word[0].isupper())


def _goes_inside(token: _Token, before: _Token) -> bool:
    """Tell whether a small word can stand inside a name: Bank of the West, Ludwig van Beethoven."""
    if token.folded == "of":
        return before.folded in HEADS_OF_NAMES
    return token.folded in CONNECTORS and (token.folded != "the" or before.folded == "of")


def _name(run: list[_Token]) -> Name | None:
    """Return the name that a run is without the titles at its edges; None if nothing is left."""
    while run and (run[0].folded in TITLES or run[0].folded in CONNECTORS):
        run = run[1:]
    while run and (run[-1].folded in TITLES or run[-1].folded in CONNECTORS):
        run = run[:-1]
    proper = [token for token in run if token.folded not in CONNECTORS]
    if not any(len(token.folded) > 1 for token in proper):
        return None
    return Name(
        Span(run[0].start, _part(run[-1]).end),
        tuple(token.folded for token in proper),
        tuple(_part(token) for token in proper),
    )


def _part(token: _Token) -> Span:
    return Span(token.start, token.end - 2 if token.word.endswith(("'s", "’s")) else token.end)
