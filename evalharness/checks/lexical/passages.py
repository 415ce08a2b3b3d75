"""A text as words in a row, to compare a summary with an article.

A claim is a word of a summary with the words of content around it in its sentence. The article's
places where that word, or another in its stead, stands amid the same words are where the article
speaks of the same thing.
"""

import bisect
import itertools
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator
from functools import cache, lru_cache
from typing import Any, Generic, NamedTuple, Self, TypeVar, overload
from weakref import WeakValueDictionary

from evalharness import text
from evalharness.records import Span
from evalharness.text import Token
from evalharness.text.dates import DATE_WORDS, Date, dates, may_be_date
from evalharness.text.foreign_numbers import VOCABULARIES
from evalharness.text.languages import (
    ENGLISH,
    SHORTEST_KNOWN,
    language_of,
    language_of_alphabet,
    small_words,
)
from evalharness.text.number_reader import may_be_number
from evalharness.text.number_words import NUMBER_WORDS
from evalharness.text.words import word_set

# How far the words around a word reach, in words: in a summary's sentence, and in the article,
# where more stands between them.
REACH = 10
REACH_IN_ARTICLE = 16
REACH_BESIDE = 5
# A summary's words after these are not looked at, nor a word that an article has more often: both
# keep the work on odd texts linear.
MOST_SUMMARY_WORDS = 5_000
# So many summaries at most are read together, each part of a check all of them in turn, if none is
# longer, in characters.
MOST_TOGETHER, LONGEST_IN_COMPANY = 40, 5_000
MOST_PLACES = 40
# More places of the article than these help no reader, and keep the work on odd texts linear.
MOST_EVIDENCE = 5
MOST_CANDIDATES = 50
MOST_FLAGS_EXPLAINED = 100
# A text with such a share of English function words is no other language's: German has a tenth.
SURELY_ENGLISH = 0.25
# A clause goes up to one of these, or to a mark.
PARTING = word_set("and but or while whilst although though whereas which who when because where")
# Stands for the stem of a word without content; no stem is a line break.
NO_CONTENT = "\n"
# Another place of the article tells of the same thing only if so many words around are the same.
LEAST_SHARED = 2
# A sentence is the same without them.
_STOP = ". "


@cache
def rapidfuzz() -> Any:
    """Return the package that tells how alike spellings are.

    Its import takes a while, and a line that imports from it takes microseconds each time.
    """
    import rapidfuzz.distance
    import rapidfuzz.fuzz
    import rapidfuzz.process

    return rapidfuzz


Asked = TypeVar("Asked")


class on_demand(Generic[Asked]):  # noqa: N801, read as the decorator that it is
    """What of a text is worked out when it is first asked for, and kept from then on.

    As `cached_property`, without the lock that it takes in Python 3.11: at some twenty of them a
    summary that was a fiftieth of the time of `lexical`.
    """

    def __init__(self, work_out: Callable[[Any], Asked]) -> None:
        self.work_out, self.name, self.__doc__ = work_out, work_out.__name__, work_out.__doc__

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> Asked: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> Self | Asked:
        """Return what is asked for; Python does not ask again, since the instance has it now."""
        if instance is None:
            return self
        known = instance.__dict__[self.name] = self.work_out(instance)
        return known


class Alignment(NamedTuple):
    """A place of the article that may say what a claim says.

    at: the token there. shared: how many words around it are the claim's too; share: of how many.
    """

    at: int
    shared: int
    share: float


class Passages:
    """The words of a text in order, found once."""

    def __init__(self, whole: str, sentences: list[Span] | None = None) -> None:
        """Read a text, whose sentences may be known.

        language: as ISO 639-1 has it; empty where it is not clear. columns: the words, a row for
        each field of a token. first: the first token of each sentence, and behind the last the
        number of tokens. stems: the stem of each token.
        """
        self.text = whole
        self.sentences = text.sentences(whole) if sentences is None else sentences
        self.columns, self.first = text.word_columns(whole, self.sentences)
        self.language = self._find_language()
        self.stems = self.columns.stems
        self._around: dict[tuple[int, int], frozenset[str]] = {}
        self._named_as: tuple[text.Casing, list[text.Name]] | None = None
        self._numbers_in: tuple[str, list[list[text.Number]]] | None = None

    @on_demand
    def tokens(self) -> list[Token]:
        """The words of the text in order."""
        return self.columns.tokens()

    def token(self, at: int) -> Token:
        """Return one word; of an article, few are asked for."""
        return Token._make([column[at] for column in self.columns])

    def _find_language(self) -> str:
        """Return the language of the text; of another than English, small words lose content."""
        columns = self.columns
        n_words, n_content = len(columns.content), sum(columns.content)
        if n_words - n_content >= SURELY_ENGLISH * n_words:  # which is not looked into further
            return ENGLISH
        if n_words < SHORTEST_KNOWN:
            return ""
        language = language_of(columns.words) or language_of_alphabet(self.text)
        if language not in (ENGLISH, ""):
            small = small_words(language)
            told = zip(columns.words, columns.content, strict=True)
            content = [has_content and word not in small for word, has_content in told]
            self.columns = columns._replace(content=content)
        return language

    @on_demand
    def with_marks(self) -> list[int]:
        """The words that are not of letters alone: digits, apostrophes, points."""
        of_letters = map(str.isalpha, self.columns.words)
        return [*itertools.compress(itertools.count(), map(operator.not_, of_letters))]

    def at_words(self, words: Container[str]) -> Iterator[int]:
        """Yield where some folded words stand."""
        return itertools.compress(itertools.count(), map(words.__contains__, self.columns.words))

    @on_demand
    def places(self) -> dict[str, list[int]]:
        """Where each stem stands: positions in `tokens`, in order."""
        found = defaultdict[str, list[int]](list)
        for at, stem in enumerate(self.stems):
            found[stem].append(at)
        return dict(found)

    @on_demand
    def _content_stems(self) -> list[str]:
        """The stem of each token with content, and NO_CONTENT for the others."""
        each = zip(self.stems, self.columns.content, strict=True)
        return [stem if content else NO_CONTENT for stem, content in each]

    @on_demand
    def _copies(self) -> dict[str, int]:
        whole = self.text
        if not _LOWER_CASE_FOLLOWS.search(whole):  # then each sentence is its only part
            spans = enumerate(self.sentences)
            return {span.of(whole).rstrip(_STOP): number for number, span in spans}
        return {
            part.of(whole).rstrip(_STOP): number
            for number, span in enumerate(self.sentences)
            for part in (span, *_parts(whole, span))
        }

    @on_demand
    def content(self) -> list[frozenset[str]]:
        """The words of content of each sentence, folded."""
        words, content = self.columns.words, self.columns.content
        return [
            frozenset(itertools.compress(words[start:end], content[start:end]))
            for start, end in itertools.pairwise(self.first)
        ]

    @on_demand
    def numbers(self) -> list[list[text.Number]]:
        """The numbers of each sentence; one without a word that may be a number is not read."""
        return self.numbers_in(self.language)

    def numbers_in(self, language: str) -> list[list[text.Number]]:
        """Return the numbers of each sentence, as a language writes them; the last are kept."""
        if self._numbers_in is None or self._numbers_in[0] != language:
            self._numbers_in = language, self._read_numbers(language)
        return self._numbers_in[1]

    def _read_numbers(self, language: str) -> list[list[text.Number]]:
        if language in VOCABULARIES:
            return [text.numbers(self.text, [span], (), language) for span in self.sentences]
        columns = self.columns
        words: dict[int, list[tuple[int, int]]] = {}
        for at in sorted([*self.with_marks, *self.at_words(NUMBER_WORDS)]):
            if may_be_number[columns.written[at]]:
                known = words.setdefault(columns.sentences[at], [])
                known.append((columns.starts[at], columns.ends[at]))
        return [
            text.numbers(self.text, [span], words[number]) if number in words else []
            for number, span in enumerate(self.sentences)
        ]

    @on_demand
    def dates(self) -> list[list[Date]]:
        """The dates of each sentence; one without a word that may be a date is not read."""
        written, numbers = self.columns.written, self.columns.sentences
        worth = {numbers[at] for at in self.with_marks if may_be_date[written[at]]}
        worth.update(map(numbers.__getitem__, self.at_words(DATE_WORDS)))
        return [
            dates(self.text, [span]) if number in worth else []
            for number, span in enumerate(self.sentences)
        ]

    @on_demand
    def names_and_casing(self) -> tuple[list[text.Name], text.Casing]:
        """The names of the text by its own casing, and that casing."""
        return text.names_and_casing(self.text, self.columns)

    def named_as(self, article: "Passages") -> list[text.Name]:
        """Return the names of the text by the casing of an article; the last ones are kept."""
        casing = article.names_and_casing[1]
        if self._named_as is None or self._named_as[0] is not casing:
            copied = [
                number
                for number, sentence in enumerate(self.sentences)
                if article.sentence_of(sentence.of(self.text)) is not None
            ]
            self._named_as = casing, text.names(self.text, casing, self.columns, copied)
        return self._named_as[1]

    def sentence_of(self, words: str) -> int | None:
        """Return which sentence is this very one, but for its stop; None if none is."""
        return self._copies.get(words.rstrip(_STOP))

    def bounds(self, at: int) -> tuple[int, int]:
        """Return the first token of the sentence of a token, and the one after its last."""
        number, first = self.columns.sentences[at], self.first
        return first[number], first[number + 1]

    def is_question(self, at: int) -> bool:
        """Tell whether the sentence of a token ends with a question mark."""
        span = self.sentences[self.columns.sentences[at]]
        return span.of(self.text).rstrip("\"'”’)] ").endswith(("?", "？", "؟"))

    def around(self, at: int, reach: int = REACH) -> frozenset[str]:
        """Return the stems of the words of content around a token in its sentence."""
        around = self._around.get((at, reach))
        if around is None:
            low, high = self.bounds(at)
            near = self._content_stems[max(low, at - reach) : min(high, at + reach + 1)]
            around = frozenset(near) - {self.stems[at], NO_CONTENT}
            self._around[at, reach] = around
        return around

    def beside(self, at: int) -> frozenset[str]:
        """Return the stems of the last word of content before a token and of the first after it."""
        low, high = self.bounds(at)
        return self._nearest_content(range(at - 1, low - 1, -1), range(at + 1, high))

    def _nearest_content(self, *sides: Iterable[int]) -> frozenset[str]:
        """Return the stem of the first word of content of each of some rows of tokens."""
        near = self._content_stems
        stems = (next((near[at] for at in side if near[at] != NO_CONTENT), "") for side in sides)
        return frozenset(stems) - {""}

    def near(self, at: int, stems: frozenset[str], reach: int = REACH_BESIDE) -> int:
        """Count which of some stems stand close to a token."""
        return len(stems.intersection(self.stems[max(0, at - reach) : at + reach + 1]))

    def beside_span(self, span: Span) -> frozenset[str]:
        """Return the stems of the word of content before some characters and of the one behind."""
        low, before, behind, high = self.parted_by(span)
        return self._nearest_content(range(before - 1, low - 1, -1), range(behind, high))

    def around_span(self, span: Span, reach: int) -> frozenset[str]:
        """Return the stems of the words of content around some characters in their sentence."""
        low, before, behind, high = self.parted_by(span)
        near = self._content_stems[max(low, before - reach) : before]
        near += self._content_stems[behind : min(high, behind + reach)]
        return frozenset(near) - {NO_CONTENT}

    def clause_around(self, span: Span) -> frozenset[str]:
        """Return the stems of the words of content of the clause in which some characters stand."""
        low, first, behind, high = self.parted_by(span)
        words, after_mark = self.columns.words, self.columns.after_mark
        before, last = first, behind
        while first > low and not after_mark[first] and words[first - 1] not in PARTING:
            first -= 1
        while last < high and not after_mark[last] and words[last] not in PARTING:
            last += 1
        near = self._content_stems[first:before]
        near += self._content_stems[behind:last]
        return frozenset(near) - {NO_CONTENT}

    def word_behind(self, span: Span) -> str:
        """Return the first word of content behind some characters; empty where a mark is between.

        `Of the`, `more` and other words that hold sentences together are passed over.
        """
        _, _, behind, high = self.parted_by(span)
        words = self.columns
        for at in range(behind, high):
            if words.after_mark[at] or words.content[at]:
                return "" if words.after_mark[at] else words.words[at]
        return ""

    def parted_by(self, span: Span) -> tuple[int, int, int, int]:
        """Return the bounds of the tokens before some characters in their sentence, and behind."""
        number = self.sentence_at(span.start)
        low, high = self.first[number], self.first[number + 1]
        before = bisect.bisect_right(self.columns.ends, span.start, low, high)
        behind = bisect.bisect_left(self.columns.starts, span.end, low, high)
        return low, before, behind, high

    def tokens_behind(self, end: int, most: int) -> list[Token]:
        """Return the next words behind a character, of its sentence."""
        _, _, behind, high = self.parted_by(Span(max(0, end - 1), end))
        return [*map(self.token, range(behind, min(high, behind + most)))]

    def choice_before(self, span: Span) -> tuple[str, ...]:
        """Return the words before some characters with which they are a choice: `two or`."""
        low, before, _, _ = self.parted_by(span)
        words = self.columns.words[max(low, before - 2) : before]
        return tuple(words) if words[1:] == ["or"] else ()

    def frame(self, span: Span) -> tuple[tuple[str, ...], Token] | None:
        """Return the two words before some characters and the two after the next, and the next.

        None where one of them is lacking in their sentence.
        """
        low, before, behind, high = self.parted_by(span)
        if before - low < 2 or high - behind < 3:
            return None
        around = (*self.tokens[before - 2 : before], *self.tokens[behind + 1 : behind + 3])
        return tuple(token.stem for token in around), self.tokens[behind]

    def words_beside(self, span: Span) -> tuple[str, str, str] | None:
        """Return the stems of the two words before some characters and of the one behind.

        None where one of them is lacking, or that behind has no content.
        """
        low, before, behind, high = self.parted_by(span)
        if before - low < 2 or behind >= high or self.columns.after_mark[behind]:
            return None
        stems, content = self.stems, self.columns.content
        return (stems[before - 2], stems[before - 1], stems[behind]) if content[behind] else None

    def alignments(
        self,
        wanted: frozenset[str],
        at: Iterable[int],
        reach: int = REACH_IN_ARTICLE,
        least: tuple[int, float] = (0, 0.0),
    ) -> list[Alignment]:
        """Return places with what they share with the wanted stems, the most alike first.

        least: how many of the stems a place must share, and which share of them.
        """
        n_wanted = len(wanted) or 1
        stems = self.stems
        counted = [
            (-len(wanted.intersection(stems[max(0, place - reach) : place + reach + 1])), place)
            for place in at
        ]
        return [
            Alignment(place, -shared, -shared / n_wanted)
            for shared, place in sorted(counted)
            if -shared >= least[0] and -shared / n_wanted >= least[1]
        ]

    def densest(self, wanted: frozenset[str], reach: int, least: int = 1) -> tuple[int, int]:
        """Return the first place of wanted stems with the most of them around, and how many.

        The first MOST_PLACES of each stem are looked at; of fewer than `least` there are 0 around
        place 0.
        """
        per_stem = [self.places[stem] for stem in wanted if stem in self.places]
        late = {at for places in per_stem for at in places[MOST_PLACES:]}
        near = sorted(itertools.chain.from_iterable(per_stem))
        best, most, low, high = 0, least - 1, 0, 0
        for at in near:
            while near[low] < at - reach:
                low += 1
            while high < len(near) and near[high] <= at + reach:
                high += 1
            if high - low > most and at not in late:  # else no more can be around
                around = self.stems[at - reach if at > reach else 0 : at + reach + 1]
                shared = len(wanted.intersection(around))
                if shared > most:
                    best, most = at, shared
        return (best, most) if most >= least else (0, 0)

    def same_run(self, mine: int, other: "Passages", its: int, step: int, most: int) -> int:
        """Return how many words in a row are those of another text, from two places on.

        They end with either sentence, that of the word one step back. step: 1 behind, -1 before.
        """
        own, stated = self.stems, other.stems
        low, high = self.bounds(mine - step)
        bottom, top = other.bounds(its - step)
        n = 0
        while n < most and low <= mine < high and bottom <= its < top:
            if own[mine] != stated[its]:
                break
            n, mine, its = n + 1, mine + step, its + step
        return n

    def span(self, first: int, last: int) -> Span:
        """Return the characters from one token to another, both included."""
        return Span(self.columns.starts[first], self.columns.ends[last])

    def words(self, first: int, last: int) -> str:
        """Return the text from one token to another, both included."""
        return self.text[self.columns.starts[first] : self.columns.ends[last]]

    def sentence_at(self, start: int) -> int:
        """Return which sentence a character stands in, from 0."""
        return bisect.bisect_right(self.sentences, start, key=lambda each: each.start) - 1


# `… before. it rained`: a sentence in lower case behind one with capitals.
_LOWER_CASE_BEGINS = re.compile(
    r"(?<![.\w])(?P<last>[^\W_]{2,})[\"”’')]*[.?!](?P<end>[\"”’')]*)\s+(?=[a-z])"
)
# What it has in any case; most sentences do not.
_LOWER_CASE_FOLLOWS = re.compile(r"[.?!][\"”’')]*+\s++[a-z]")
_ABBREVIATIONS = word_set(
    "mr mrs ms dr st no inc corp co ltd gov sen rep gen prof rev capt lt col maj sgt vs etc est "
    "approx jan feb mar apr jun jul aug sep sept oct nov dec jr sr op fig vol dept univ bros"
)


@lru_cache(maxsize=MOST_TOGETHER)
def passages_of_summary(summary: str) -> Passages:
    """Return the words of a summary, whose sentences may mix capitals and lower case.

    A sentence that a capital shows to have begun does not hide that the next one is in lower case.
    """
    whole = text.sentences(summary)
    return Passages(summary, [part for span in whole for part in _parts(summary, span)])


def _parts(whole: str, sentence: Span) -> Iterator[Span]:
    """Yield the sentences in lower case that one sentence holds; it alone where it holds none."""
    start = sentence.start
    if not _LOWER_CASE_FOLLOWS.search(whole, start, sentence.end):
        yield sentence
        return
    for stop in _LOWER_CASE_BEGINS.finditer(whole, sentence.start, sentence.end):
        if stop["last"].lower() not in _ABBREVIATIONS:
            yield Span(start, stop.end("end"))
            start = stop.end()
    yield Span(start, sentence.end)


# What indexes hold at this time; an article that was scored is forgotten.
_held: WeakValueDictionary[str, Passages] = WeakValueDictionary()


def passages(whole: str) -> Passages:
    """Return the words of a text; they are found once for all that hold them."""
    found = _held.get(whole)
    if found is None:
        found = _held[whole] = Passages(whole)
    return found
