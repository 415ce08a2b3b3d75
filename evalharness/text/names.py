"""Names of a text: runs of capitalised words, with the capitals of another text where need be.

A word is part of a name if

* it has a capital inside a sentence, or
* it opens a sentence, a quotation or a line in capitals, and the other text has it with a capital
  inside sentences more often than without; or neither text tells, and it is a known name or stands
  before a word that is part of a name; or
* most sentences of its text have no capitals but the first, nor has its own, and the other text
  writes it with one more often than not, or the other text does not have it and it is a known name
  or no English word. Sentences that are copied from the other text do not count: they have its
  capitals, not those of who wrote this one.

Calendar words are no names, titles (`Mr`, `President`) are left out at the edges, and an
owner's `'s` is not part of the name.
"""

import bisect
import itertools
import operator
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
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
from evalharness.text.words import FUNCTION_WORDS, OfWords, WordColumns, fold, word_columns

# Left out where a name begins or ends.
AT_EDGES = PERSON_TITLES | CONNECTORS
# A run of capitals longer than this is a list or a headline; it is cut into names.
MOST_NAME_WORDS = 8
# So many small words stand between two words of a name.
MOST_CONNECTORS = 3
# What has a smaller share of English function words is taken for another language's.
LEAST_ENGLISH = 0.1


class Name(NamedTuple):
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
    text: str,
    casing_of: str | Casing | None = None,
    within: WordColumns | None = None,
    copied: Collection[int] | None = None,
) -> list[Name]:
    """Return the names of a text in order.

    casing_of: the text, or its casing, that tells names from other words where this text does not;
        itself if None. within: the words of the text, where they are known already. copied: the
        numbers of the sentences that the other text has, too.

    >>> summary = "officials said jane doe of the bank of england left"
    >>> for name in names(summary, casing_of="In May Jane Doe joined the Bank of England."):
    ...     print(name.span.of(summary), name.words)
    jane doe ('jane', 'doe')
    bank of england ('bank', 'england')
    """
    if casing_of is None:
        return names_and_casing(text, within)[0]
    known = casing(casing_of) if isinstance(casing_of, str) else casing_of
    return _names(_LookedAt(text, within), known, copied)


def casing(text: str, within: WordColumns | None = None) -> Casing:
    """Count the capitals of a text.

    >>> casing("Apple grew. An apple fell near Apple House.").is_name("apple")
    False
    """
    return _casing(_LookedAt(text, within))


def names_and_casing(text: str, within: WordColumns | None = None) -> tuple[list[Name], Casing]:
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
    """What the letters of a word with a capital tell.

    folded: as names are compared. never: that it is part of no name; never_opening: that it is of
    none where it opens a sentence. shows_case: that a sentence with it has its capitals; `the end
    More follows` may have lost them.
    """

    folded: str
    never: bool
    never_opening: bool
    shows_case: bool


@OfWords
def _look(written: str) -> _Look:
    folded, first = _comparison_form(written), written[0]
    is_function_word = folded in FUNCTION_WORDS
    is_acronym = len(written) > 1 and written.isupper()
    never = folded in CALENDAR or folded in ORDINARY_CAPITALS or not first.isalpha()
    never = never or (is_function_word and not is_acronym)
    never = never or (not folded.isalpha() and _MONEY.fullmatch(folded) is not None)
    shows_case = is_acronym or not (is_function_word or folded in ORDINARY_OPENERS)
    return _Look(folded, never, never or is_function_word, shows_case)


class _LookedAt:
    """The words of a text and what their letters tell.

    folded: the words as names are compared. small, capital: how each begins; neither in a script
    without. capitals: which tokens begin with a capital; looks: what each of these tells. silent:
    which of them stand first in a sentence or quotation, or in a headline: a capital tells nothing
    there. bounds: of the sentences.
    """

    def __init__(self, text: str, within: WordColumns | None) -> None:
        self.text = text
        self.words = word_columns(text, sentences(text))[0] if within is None else within
        written = self.words.written
        letters = [word[0] for word in written]
        self.small = [*map(str.islower, letters)]
        self.capital = [*map(str.isupper, letters)]
        self.folded = _comparison_forms(self.words)
        self.capitals = [*itertools.compress(itertools.count(), self.capital)]
        with_capital = itertools.compress(written, self.capital)
        self.looks = dict(zip(self.capitals, map(_look.__getitem__, with_capital), strict=True))
        self.bounds = [*_bounds(self.words.sentences)]
        opens, starts, ends = self.words.opens, self.words.starts, self.words.ends
        self.silent = {
            at
            for at in self.capitals
            if opens[at]
            or (
                text[ends[at - 1]] == "\n"
                if starts[at] - ends[at - 1] == 1  # as most
                else self._follows_mark(at)
            )
        }
        for start, end in self.bounds:
            if self._is_headline(start, end):
                self.silent.update(at for at in range(start, end) if self.capital[at])

    def _is_headline(self, start: int, end: int) -> bool:
        """Tell whether a sentence has a capital at every word of content."""
        if end - start < 4:
            return False
        small = itertools.compress(self.folded[start:end], self.small[start:end])
        return all(map(FUNCTION_WORDS.__contains__, small))

    def _follows_mark(self, at: int) -> bool:
        """Tell whether a word stands behind a number of a list, `2. Key points`, or a new line."""
        words, before = self.words, at - 1
        start, end = words.ends[before], words.starts[at]
        gap, is_mark = (
            self.text[start:end],
            self.text[start] in (".", ")") if start < end else False,
        )
        return "\n" in gap or (words.opens[before] and words.words[before].isdecimal() and is_mark)


def _bounds(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first word of each sentence and the one after its last."""
    start = 0
    while start < len(numbers):
        end = bisect.bisect_right(numbers, numbers[start], start)
        yield start, end
        start = end


def _comparison_form(word: str) -> str:
    """Return a word as names are compared: folded, `U.K` as `uk`, `US` as `u.s` and not as `us`."""
    if word in ("US", "U.S"):
        return "u.s"
    folded = fold(word)
    return folded.replace(".", "") if "." in folded else folded


def _comparison_forms(columns: WordColumns) -> list[str]:
    """Return the words of a text as names are compared; but for a few they are as all are."""
    words, written = columns.words, columns.written
    others: list[int] = []
    if "." in "".join(words):
        others += [at for at, word in enumerate(words) if "." in word]
    if "US" in written:
        others += [at for at, word in enumerate(written) if word == "US"]
    if not others:
        return words
    folded = words.copy()
    for at in others:
        folded[at] = _comparison_form(written[at])
    return folded


# P460 in `P460-million` is no name.
_MONEY = re.compile(rf"(?:{'|'.join(CURRENCY_LETTERS)})\d[\d.,]*")


def _casing(text: _LookedAt) -> Casing:
    folded, silent = text.folded, text.silent
    telling = Counter([folded[at] for at in text.capitals if at not in silent])
    smalls = Counter(itertools.compress(folded, text.small))
    openings = {folded[at] for at in silent}
    if text.small.count(True) + len(text.capitals) < len(folded):  # words of a script without case
        openings.update(itertools.compress(folded, map(operator.eq, text.small, text.capital)))
    return Casing(telling, smalls, openings)


def _names(text: _LookedAt, known: Casing, copied: Collection[int] | None = None) -> list[Name]:
    marks: list[bool | None] = [False] * len(text.folded)
    for at, look in text.looks.items():
        marks[at] = _is_opening_name(look, known) if at in text.silent else not look.never
    with_capitals = _sentences_with_capitals(text, copied)
    if len(with_capitals) < len(text.bounds):
        _mark_small_names(text, known, with_capitals, marks)
    runs = _runs(text, _with_first_names(text, marks))
    found = (_name(text, first, last) for first, last in runs)
    return [name for name in found if name is not None]


def _sentences_with_capitals(text: _LookedAt, copied: Collection[int] | None) -> set[int]:
    """Return which sentences have capitals where English has them; their other words are no names.

    All, where half of them show it. Of a text whose capitals were another's, `copied` are not
    asked, and one that begins with a small letter has none.
    """
    numbers = text.words.sentences
    showing = {
        numbers[at] for at, look in text.looks.items() if look.shows_case and at not in text.silent
    }
    apart = copied or ()
    first_words = {numbers[start]: start for start, _ in text.bounds}
    own = first_words.keys() - set(apart)
    if 2 * len(showing.difference(apart)) < len(own):
        return showing
    without = () if copied is None else (each for each in own if text.small[first_words[each]])
    return first_words.keys() - set(without)


def _mark_small_names(
    text: _LookedAt, known: Casing, with_capitals: set[int], marks: list[bool | None]
) -> None:
    """Mark the names of the other sentences, by the casing that is known."""
    written, smalls, capitals = text.words.written, known.smalls, known.capitals
    for start, end in text.bounds:
        if text.words.sentences[start] not in with_capitals:
            folded = text.folded[start:end]
            is_english = _is_english(folded) and (
                text.small[start] or _has_small_names(folded, known)
            )
            for at, word in enumerate(folded, start):
                if (word in smalls and word not in capitals) or text.capital[at]:
                    continue  # as most words: the text writes it small
                if word in known or word in KNOWN_NAMES or (is_english and _is_foreign(word)):
                    marks[at] = _is_small_name(_look[written[at]], known, is_english)


def _has_small_names(words: Sequence[str], known: Casing) -> bool:
    """Tell whether words without a capital are known names: else an unknown word is none, either.

    Of a sentence that begins with a capital: `A selfie was posted with a hashtag.`
    """
    return any(word in KNOWN_NAMES or known.is_name(word) for word in words)


def _is_opening_name(look: _Look, known: Casing) -> bool | None:
    """Tell whether a word with a capital that opens is part of a name; None: it is not known."""
    if look.never or look.never_opening:
        return False
    folded = look.folded
    told = known.is_name(folded)
    if told is not None or folded in KNOWN_NAMES:
        return told is not False
    return False if folded in ORDINARY_OPENERS or folded.endswith(ORDINARY_ENDINGS) else None


def _is_english(words: Sequence[str]) -> bool:
    function_words = sum(map(FUNCTION_WORDS.__contains__, words))
    return function_words >= LEAST_ENGLISH * len(words)


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
    """Tell whether English has no such word; one of a script without case is no name for that."""
    return len(word) > 2 and word.isalpha() and word.islower() and not is_english_word(word)


def _with_first_names(text: _LookedAt, marks: list[bool | None]) -> list[bool | None]:
    """Settle the opening words of which nothing is known: a name follows (`Jane Doe said`)."""
    unknown = [at for at in text.capitals if marks[at] is None]
    words = text.words
    for at in reversed(unknown):
        marks[at] = (
            at + 1 < len(marks)
            and bool(marks[at + 1])
            and text.capital[at + 1]
            and text.text[words.ends[at] : words.starts[at + 1]] in (" ", "-", ". ")
            and words.sentences[at] == words.sentences[at + 1]
        )
    return marks


def _runs(text: _LookedAt, marks: list[bool | None]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last token of each name."""
    folded, n_words, last = text.folded, len(marks), -1
    for first in itertools.compress(itertools.count(), marks):
        if first > last:
            last, after = first, first + 1
            if after < n_words and (marks[after] or folded[after] in CONNECTORS):
                last = _last_of_run(text, marks, first)
            yield first, last


def _last_of_run(text: _LookedAt, marks: list[bool | None], first: int) -> int:
    """Return where a name ends: small words such as `of` may stand between its words."""
    folded, last, at = text.folded, first, first + 1
    while at < len(marks) and last - first + 1 < MOST_NAME_WORDS:
        if not (marks[at] or folded[at] in CONNECTORS) or not _joins(text, at):
            break
        if marks[at]:
            last = at
        elif at - last > MOST_CONNECTORS or not _goes_inside(folded[at], folded[at - 1]):
            break
        at += 1
    return last


def _joins(text: _LookedAt, at: int) -> bool:
    """Tell whether a word may go on with the name that the one before it is of."""
    words = text.words
    gap = text.text[words.ends[at - 1] : words.starts[at]]
    if gap not in _JOINING and not (gap == ". " and text.capital[at - 1]):
        return False
    before = words.written[at - 1]
    return words.sentences[at] == words.sentences[at - 1] and not before.endswith(_OF_OWNERS)


def _goes_inside(word: str, before: str) -> bool:
    """Tell whether a small word can stand inside a name: Bank of the West, Ludwig van Beethoven."""
    if word == "of":
        return before in HEADS_OF_NAMES
    return word in CONNECTORS and (word != "the" or before == "of")


def _name(text: _LookedAt, first: int, last: int) -> Name | None:
    """Return the name that a run is without the titles at its edges; None if nothing is left."""
    if first == last:
        return _short_name(text, first)
    words = text.folded[first : last + 1]
    if AT_EDGES.isdisjoint(words) and max(map(len, words)) > 1:  # as most
        parts = _parts(text, range(first, last + 1))
        return _new(Name, (_new(Span, (parts[0].start, parts[-1].end)), tuple(words), parts))
    while words and words[-1] in AT_EDGES:
        words = words[:-1]
    start = 0
    while start < len(words) and words[start] in AT_EDGES:
        start += 1
    proper = [at for at in range(start, len(words)) if words[at] not in CONNECTORS]
    if max(map(len, [words[at] for at in proper]), default=0) < 2:
        return None
    parts = _parts(text, [first + at for at in proper])
    span = parts[0] if len(parts) == 1 else Span(parts[0].start, parts[-1].end)
    return Name(span, tuple([words[at] for at in proper]), parts)


def _short_name(text: _LookedAt, at: int) -> Name | None:
    """Return the name that a word is by itself; None if it is none."""
    word = text.folded[at]
    if word in AT_EDGES or len(word) < 2:
        return None
    (part,) = parts = _parts(text, (at,))
    return _new(Name, (part, (word,), parts))


# A named tuple of its fields, without the call of Python code that `Span(...)` makes.
_new = tuple.__new__


def _parts(text: _LookedAt, places: Iterable[int]) -> tuple[Span, ...]:
    """Return where the words of a name stand, each without the `'s` of an owner."""
    starts, ends, written = text.words.starts, text.words.ends, text.words.written
    found: list[Span] = []
    for at in places:
        end = ends[at]
        if written[at].endswith(_OF_OWNERS):
            end -= 2
        found.append(_new(Span, (starts[at], end)))
    return tuple(found)


_OF_OWNERS = ("'s", "’s")
_JOINING = frozenset([" ", "-", " & ", "\u00a0"])
