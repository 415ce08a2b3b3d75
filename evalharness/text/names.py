"""Names of a text: runs of capitalised words, with the capitals of another text where need be.

A word is part of a name if

* it has a capital inside a sentence, or
* it opens a sentence, a quotation or a line in capitals, and the other text has it with a capital
  inside sentences more often than without; or neither text tells, and it is a known name or stands
  before a word that is part of a name; or
* most sentences of its text have no capitals but the first, nor has its own, and the other text
  writes it with one more often than not, or the other text does not have it and it is a known name
  or no English word.

Calendar words are no names, titles (`Mr`, `President`) are left out at the edges, and an
owner's `'s` is not part of the name.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from evalharness.records import Span
from evalharness.text.english_words import is_english_word
from evalharness.text.name_words import (
    CALENDAR,
    CONNECTORS,
    COUNTRY_OF,
    HEADS_OF_NAMES,
    KNOWN_NAMES,
    ORDINARY_CAPITALS,
    ORDINARY_ENDINGS,
    ORDINARY_OPENERS,
    PERSON_TITLES,
)
from evalharness.text.number_words import CURRENCY_LETTERS
from evalharness.text.sentences import sentences
from evalharness.text.words import FUNCTION_WORDS, Token, fold, sentence_tokens

# Left out where a name begins or ends.
AT_EDGES = PERSON_TITLES | CONNECTORS
# A run of capitals longer than this is a list or a headline; it is cut into names.
MOST_NAME_WORDS = 8
# What has a smaller share of English function words is taken for another language's.
LEAST_ENGLISH = 0.1


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
    text: str, casing_of: str | Casing | None = None, within: Sequence[Token] | None = None
) -> list[Name]:
    """Return the names of a text in order.

    casing_of: the text, or its casing, that tells names from other words where this text does not;
        itself if None. within: the tokens of the text, where they are known already.

    >>> summary = "officials said jane doe of the bank of england left"
    >>> for name in names(summary, casing_of="In May Jane Doe joined the Bank of England."):
    ...     print(name.span.of(summary), name.words)
    jane doe ('jane', 'doe')
    bank of england ('bank', 'england')
    """
    if casing_of is None:
        return names_and_casing(text, within)[0]
    known = casing(casing_of) if isinstance(casing_of, str) else casing_of
    return _names(_LookedAt(text, within), known)


def casing(text: str, within: Sequence[Token] | None = None) -> Casing:
    """Count the capitals of a text.

    >>> casing("Apple grew. An apple fell near Apple House.").is_name("apple")
    False
    """
    return _casing(_LookedAt(text, within))


def names_and_casing(text: str, within: Sequence[Token] | None = None) -> tuple[list[Name], Casing]:
    """Return the names of a text by its own casing, and that casing, for its summaries."""
    looked_at = _LookedAt(text, within)
    counted = _casing(looked_at)
    return _names(looked_at, counted), counted


def country(words: str) -> str:
    """Return the country that folded words name or are the adjective of; empty if none.

    >>> country("british"), country("united kingdom"), country("mayor")
    ('britain', 'britain', '')
    """
    return COUNTRY_OF.get(words, "")


class _Look(NamedTuple):
    """What the letters of a word tell.

    folded: as names are compared. small, capital: how it begins; neither in a script without.
    never: that it is part of no name; opening: that it is of none where it opens a sentence.
    """

    folded: str
    small: bool
    capital: bool
    never: bool
    never_opening: bool


@lru_cache(maxsize=32_768)
def _look(written: str) -> _Look:
    folded, first = _comparison_form(written), written[0]
    is_function_word = folded in FUNCTION_WORDS
    is_acronym = len(written) > 1 and written.isupper()
    never = folded in CALENDAR or folded in ORDINARY_CAPITALS or not first.isalpha()
    never = never or (is_function_word and not is_acronym) or _MONEY.fullmatch(folded) is not None
    return _Look(folded, first.islower(), first.isupper(), never, never or is_function_word)


class _LookedAt:
    """The tokens of a text and what their letters tell.

    capitals: which of them begin with a capital. silent: which of these stand first in a sentence
    or quotation, or in a headline: a capital tells nothing there. bounds: of the sentences.
    """

    def __init__(self, text: str, within: Sequence[Token] | None) -> None:
        self.text = text
        self.tokens = sentence_tokens(text, sentences(text)) if within is None else within
        self.looks = [_look(token.written) for token in self.tokens]
        self.capitals = [at for at, look in enumerate(self.looks) if look.capital]
        self.bounds = list(_bounds(self.tokens))
        self.silent = {
            at for at in self.capitals if self.tokens[at].opens or self._follows_mark(at)
        }
        for start, end in self.bounds:
            if _is_headline(self.looks[start:end]):
                self.silent.update(at for at in range(start, end) if self.looks[at].capital)

    def _follows_mark(self, at: int) -> bool:
        """Tell whether a word stands behind a number of a list, `2. Key points`, or a new line."""
        if at == 0:
            return True
        before, token = self.tokens[at - 1], self.tokens[at]
        if token.start - before.end == 1:
            return self.text[before.end] == "\n"
        gap = self.text[before.end : token.start]
        return "\n" in gap or (before.opens and before.word.isdecimal() and gap[:1] in (".", ")"))


def _bounds(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Yield the first token of each sentence and the one after its last."""
    start, number = 0, 0
    for at, token in enumerate(tokens):
        if token.sentence != number:
            if at > start:
                yield start, at
            start, number = at, token.sentence
    if tokens:
        yield start, len(tokens)


def _comparison_form(word: str) -> str:
    """Return a word as names are compared: folded, `U.K` as `uk`, `US` as `u.s` and not as `us`."""
    if word in ("US", "U.S"):
        return "u.s"
    folded = fold(word)
    return folded.replace(".", "") if "." in folded else folded


# P460 in `P460-million` is no name.
_MONEY = re.compile(rf"(?:{'|'.join(CURRENCY_LETTERS)})\d[\d.,]*")


def _is_headline(looks: list[_Look]) -> bool:
    """Tell whether a sentence has a capital at every word of content."""
    if len(looks) < 4:
        return False
    return not any(look.small and look.folded not in FUNCTION_WORDS for look in looks)


def _casing(text: _LookedAt) -> Casing:
    looks = text.looks
    smalls = Counter([look.folded for look in looks if look.small])
    telling = Counter([looks[at].folded for at in text.capitals if at not in text.silent])
    others = {look.folded for look in looks if not look.small and not look.capital}
    return Casing(telling, smalls, others.union([looks[at].folded for at in text.silent]))


def _names(text: _LookedAt, known: Casing) -> list[Name]:
    marks: list[bool | None] = [False] * len(text.tokens)
    for at in text.capitals:
        marks[at] = _is_name(text.looks[at], at in text.silent, known)
    showing = {text.tokens[at].sentence for at in text.capitals if at not in text.silent}
    has_case = 2 * len(showing) >= len(text.bounds)
    for start, end in text.bounds:
        if not has_case and text.tokens[start].sentence not in showing:
            is_english = _is_english(text.looks[start:end])
            for at in range(start, end):
                look = text.looks[at]
                small = not look.capital
                marks[at] = _is_small_name(look, known, is_english) if small else marks[at]
    found = (_name(run) for run in _runs(text, _with_first_names(text, marks)))
    return [name for name in found if name is not None]


def _is_name(look: _Look, opens: bool, known: Casing) -> bool | None:
    """Tell whether a word with a capital is part of a name; None: it opens, and is not known."""
    if look.never or (opens and look.never_opening):
        return False
    if not opens:
        return True
    folded = look.folded
    told = known.is_name(folded)
    if told is not None or folded in KNOWN_NAMES:
        return told is not False
    return False if folded in ORDINARY_OPENERS or folded.endswith(ORDINARY_ENDINGS) else None


def _is_english(looks: Sequence[_Look]) -> bool:
    function_words = sum(look.folded in FUNCTION_WORDS for look in looks)
    return function_words >= LEAST_ENGLISH * len(looks)


def _is_small_name(look: _Look, known: Casing, is_english: bool) -> bool:
    """Tell whether a word without a capital is part of a name, in a sentence that has none."""
    folded = look.folded
    if look.never or len(folded) == 1:
        return False
    told = known.is_name(folded)
    if told is not None or folded in known:
        return told is True or (told is None and folded in KNOWN_NAMES)
    return folded in KNOWN_NAMES or (is_english and _is_foreign(folded))


def _is_foreign(word: str) -> bool:
    return len(word) > 2 and word.isalpha() and not is_english_word(word)


def _with_first_names(text: _LookedAt, marks: list[bool | None]) -> list[bool]:
    """Settle the opening words of which nothing is known: a name follows (`Jane Doe said`)."""
    settled = [mark is True for mark in marks]
    unknown = [at for at, mark in enumerate(marks[:-1]) if mark is None]
    for at in reversed(unknown):
        token, following = text.tokens[at], text.tokens[at + 1]
        joined = text.text[token.end : following.start] in (" ", "-", ". ")
        named = settled[at + 1] and text.looks[at + 1].capital
        settled[at] = joined and named and following.sentence == token.sentence
    return settled


def _runs(text: _LookedAt, marks: list[bool]) -> list[list[Token]]:
    """Group the tokens of names that stand together, with small words such as `of` between."""
    runs: list[list[Token]] = []
    run: list[Token] = []
    waiting: list[Token] = []
    for token, is_name in zip(text.tokens, marks, strict=True):
        if not run and not is_name:
            continue
        joined = 0 < len(run) < MOST_NAME_WORDS and _joins(text.text, (waiting or run)[-1], token)
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


def _joins(text: str, before: Token, after: Token) -> bool:
    if after.sentence != before.sentence or before.written.endswith(("'s", "’s")):
        return False
    gap = text[before.end : after.start]
    return gap in (" ", "-", " & ", "\u00a0") or (gap == ". " and before.written[0].isupper())


def _goes_inside(token: Token, before: Token) -> bool:
    """Tell whether a small word can stand inside a name: Bank of the West, Ludwig van Beethoven."""
    folded, last = _look(token.written).folded, _look(before.written).folded
    if folded == "of":
        return last in HEADS_OF_NAMES
    return folded in CONNECTORS and (folded != "the" or last == "of")


def _name(run: list[Token]) -> Name | None:
    """Return the name that a run is without the titles at its edges; None if nothing is left."""
    words = [_look(token.written).folded for token in run]
    first, end = 0, len(run)
    while first < end and words[first] in AT_EDGES:
        first += 1
    while first < end and words[end - 1] in AT_EDGES:
        end -= 1
    proper = [at for at in range(first, end) if words[at] not in CONNECTORS]
    if not any(len(words[at]) > 1 for at in proper):
        return None
    return Name(
        Span(run[first].start, _part(run[end - 1]).end),
        tuple(words[at] for at in proper),
        tuple(_part(run[at]) for at in proper),
    )


def _part(token: Token) -> Span:
    return Span(token.start, token.end - 2 if token.written.endswith(("'s", "’s")) else token.end)
