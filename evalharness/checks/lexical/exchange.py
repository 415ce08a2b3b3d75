"""Have two names, or two numbers, of a summary changed places?

`Smith was bailed and Dunn was held` for `Dunn was bailed and Smith was held`: each stands amid the
words that the article has around the other, or does what the article says of the other. Both must
be wrong, which is no chance: among 5,586 labelled summaries none is of this kind, and none was
found.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from evalharness import text
from evalharness.checks.lexical.name_places import NamePlaces, tokens_of_name
from evalharness.checks.lexical.passages import MOST_PLACES, Passages
from evalharness.checks.lexical.subjects import (
    BEFORE_NAME,
    BEFORE_VERB,
    is_reversed,
    is_verb,
    subject_of,
)
from evalharness.checks.lexical.words import MUTUAL, MUTUAL_ONLY
from evalharness.records import Span
from evalharness.text.number_words import ONES
from evalharness.text.words import word_set

# A name stands in a place of the article if so many words in a row around both are the same, one of
# them of content. Each side counts so far.
LEAST_AROUND = 3
REACH_AROUND = 6
# Of what the summary says behind a verb, the article has a word so near behind it.
REACH_OF_DEED, REACH_OF_STATED_DEED = 6, 8
# So many deeds of a summary are held against each other.
MOST_DEEDS = 24
# Around these two names may stand either way round.
_EITHER_WAY = MUTUAL_ONLY | word_set("with against v vs versus between beside alongside near")
# In a list two numbers may stand either way round: `in 2012 and 2010`.
_IN_LIST = word_set("and or")

# Gives where the article has the second of two tokens amid the words of the first.
_Places = Callable[[int, int], Iterator[tuple[int, int]]]


class WrongPlace(NamedTuple):
    """One of two that changed places: where it stands, and what the article has in its place.

    span: of the summary. stated: words of the article. at: their first token. kind, message: of the
    flag.
    """

    span: Span
    stated: Span
    at: int
    kind: str
    message: str


class _Deed(NamedTuple):
    """A verb of the summary, and the name that is its subject."""

    verb: int
    doer: text.Name


class Exchange:
    """Names and numbers of a summary, held against those of an article, sentence by sentence."""

    def __init__(
        self,
        article: NamePlaces,
        own: Passages,
        name_at: Mapping[int, text.Name],
    ) -> None:
        """Take both texts; name_at: the name of each token of the summary."""
        self.article, self.stated, self.own = article, article.passages, own
        self.name_at = name_at
        self._has_two_names = len({name.words for name in name_at.values()}) > 1
        self._deeds: list[_Deed] = []
        self._places = self.stated.places
        self._known_doers: dict[int, list[tuple[text.Name, int] | None]] = {}

    def find(self, number: int) -> list[WrongPlace]:
        """Return what changed places in a sentence of the summary, perhaps with an earlier one."""
        of_names = (self._of_names(number) or self._of_doers(number)) if self._has_two_names else []
        return of_names or self._of_numbers(number)

    def _of_names(self, number: int) -> list[WrongPlace]:
        """Return two names in a row of which each stands amid the other's words."""
        name_at = self.name_at
        for first, second in itertools.pairwise(self._heads(number)):
            one, other = name_at[first], name_at[second]
            if one.words != other.words:
                found = self._where_crossed(first, second, self._places_of_name)
                if found and self._is_directed(tokens_of_name(name_at, first)[-1] + 1, second):
                    return self._both("roles", [one.span, other.span], found)
        return []

    def _heads(self, number: int) -> Iterator[int]:
        """Yield the first token of each name of a sentence."""
        name_at = self.name_at
        for at in self._tokens(number):
            if at in name_at and name_at.get(at - 1) is not name_at[at]:
                yield at

    def _of_numbers(self, number: int) -> list[WrongPlace]:
        """Return two numbers in a row of which each stands amid the other's words."""
        words = self.own.columns.words
        heads = [
            at
            for at in self._tokens(number)
            if words[at] in ONES or (not words[at].isalpha() and words[at][:1].isdecimal())
        ]
        for first, second in itertools.pairwise(heads):
            is_list = _IN_LIST.issuperset(words[first + 1 : second])
            if words[first] != words[second] and not is_list:
                found = self._where_crossed(first, second, self._places_of_number)
                if found:
                    return self._both(
                        "number", [self.own.span(at, at) for at in (first, second)], found
                    )
        return []

    def _where_crossed(self, first: int, second: int, places: _Places) -> list[int]:
        """Return where the article has either of two in the other's place; [] if not of both.

        places: gives where the article has one amid the words of another, and how many these are.
        """
        found = []
        for at, other in ((first, second), (second, first)):
            most, place = max(places(at, other), default=(0, 0))
            if most < LEAST_AROUND:
                return []
            found.append(place)
        if any(n >= LEAST_AROUND for at in (first, second) for n, _ in places(at, at)):
            return []
        return found

    def _of_doers(self, number: int) -> list[WrongPlace]:
        """Return two names of which each does what the article says of the other."""
        here = [*self._deeds_of(number)]
        self._deeds += here[: MOST_DEEDS - len(self._deeds)]
        start = self.own.columns.starts[self.own.first[number]] if here else 0
        for deed, other in itertools.product(here, self._deeds):
            one, two = sorted([deed, other])
            if one.doer.words != two.doer.words:
                places = self._where_done(one, two.doer), self._where_done(two, one.doer)
                if places[0] is not None and places[1] is not None:
                    spans = [one.doer.span, two.doer.span]
                    both = self._both("roles", spans, [places[0], places[1]])
                    return [each for each in both if each.span.start >= start]
        return []

    def _both(self, kind: str, spans: Sequence[Span], places: Sequence[int]) -> list[WrongPlace]:
        """Return both of two that changed places. places: where the article has the other."""
        one, other = (span.of(self.own.text) for span in spans)
        message = f"the article has '{one}' and '{other}' the other way round"
        return [
            WrongPlace(span, self.stated.span(at, at), at, kind, message)
            for span, at in zip(spans, places, strict=True)
        ]

    def _deeds_of(self, number: int) -> Iterator[_Deed]:
        """Yield what names of the article do in a sentence of the summary."""
        words, stems = self.own.columns.words, self.own.stems
        for at in self._tokens(number):
            if at in self.name_at or not is_verb(words[at]):
                continue
            if words[at] in BEFORE_VERB or stems[at] in MUTUAL or stems[at] not in self._places:
                continue
            doer = subject_of(self.own, self.name_at, at, appositive=True)
            if doer is not None and any(word in self.article.casing for word in doer.words):
                yield _Deed(at, doer)

    def _where_done(self, deed: _Deed, name: text.Name) -> int | None:
        """Return where the article says of a name alone what a deed is; None if it does not.

        All who do it there must be that name, and none the deed's doer.
        """
        doers = self._stated_doers(deed.verb)
        for doer, _ in doers:
            words = frozenset(doer.words)
            if words.isdisjoint(name.words) or not words.isdisjoint(deed.doer.words):
                return None
        return doers[0][1] if doers else None

    def _stated_doers(self, verb: int) -> list[tuple[text.Name, int]]:
        """Return who does in the article what a verb of the summary says; [] if also no name."""
        if verb not in self._known_doers:
            self._known_doers[verb] = [*self._find_doers(verb)]
        found = self._known_doers[verb]
        return [] if None in found else [each for each in found if each is not None]

    def _find_doers(self, verb: int) -> Iterator[tuple[text.Name, int] | None]:
        is_passive = is_reversed(self.own, verb)
        for at in self._places.get(self.own.stems[verb], ())[:MOST_PLACES]:
            if is_reversed(self.stated, at) != is_passive:
                yield None
            elif self._is_same_deed(verb, at):
                doer = subject_of(self.stated, self.article.name_at, at, appositive=True)
                yield None if doer is None else (doer, at)

    def _is_same_deed(self, verb: int, at: int) -> bool:
        """Tell whether a word that the summary has behind a verb is behind the article's, too."""
        behind = range(verb + 1, min(self.own.bounds(verb)[1], verb + 1 + REACH_OF_DEED))
        said = {self.own.stems[each] for each in behind if self.own.columns.content[each]}
        end = min(self.stated.bounds(at)[1], at + 1 + REACH_OF_STATED_DEED)
        return not said or not said.isdisjoint(self.stated.stems[at + 1 : end])

    def _tokens(self, number: int) -> range:
        return range(self.own.first[number], self.own.first[number + 1])

    def _is_directed(self, start: int, end: int) -> bool:
        """Tell whether it matters on which side of some words a name stands: not of `met`."""
        between = range(start, end)
        stems = {self.own.stems[at] for at in between}
        return any(self.own.columns.content[at] for at in between) and stems.isdisjoint(_EITHER_WAY)

    def _places_of_name(self, at: int, other: int) -> Iterator[tuple[int, int]]:
        """Yield where the article has a name amid the words of that at a token, how many first."""
        name = self.name_at[other]
        last = tokens_of_name(self.name_at, at)[-1]
        before, behind = self._beside(at, last)
        groups = self.article.names_beside(behind, -1) if behind else frozenset()
        groups |= self.article.names_beside(before, 1) if before else frozenset()
        for start, end in groups:
            if not frozenset(name.words).isdisjoint(self.article.name_at[start].words):
                yield self._same_around(at, last, start, end), start

    def _places_of_number(self, at: int, other: int) -> Iterator[tuple[int, int]]:
        """Yield where the article has a number amid the words of that at a token, like names."""
        word = self.own.columns.words[other]
        before, behind = self._beside(at, at)
        near = {place - 1 for place in self._places.get(behind, ())[:MOST_PLACES]}
        near |= {place + 1 for place in self._places.get(before, ())[:MOST_PLACES]}
        words = self.stated.columns.words
        for place in near:
            if 0 <= place < len(words) and words[place] == word:
                yield self._same_around(at, at, place, place), place

    def _beside(self, first: int, last: int) -> tuple[str, str]:
        """Return the stems before and behind some words in their sentence; empty at its ends."""
        low, high = self.own.bounds(first)
        first = _before_titles(self.own, first)
        stems = self.own.stems
        return stems[first - 1] if first > low else "", stems[last + 1] if last + 1 < high else ""

    def _same_around(self, first: int, last: int, start: int, end: int) -> int:
        """Return how many words in a row are the same around two; 0 without one of content."""
        first, start = _before_titles(self.own, first), _before_titles(self.stated, start)
        stated = self.stated
        before = self.own.same_run(first - 1, stated, start - 1, -1, REACH_AROUND)
        behind = self.own.same_run(last + 1, stated, end + 1, 1, REACH_AROUND)
        same = (*range(first - before, first), *range(last + 1, last + 1 + behind))
        content = self.own.columns.content
        return len(same) if any(content[at] for at in same) else 0


def _before_titles(where: Passages, at: int) -> int:
    """Return the first of the titles before a token, or itself: of `Mr` in `Mr Smith`."""
    low, words = where.bounds(at)[0], where.columns.words
    while at > low and words[at - 1] in BEFORE_NAME:
        at -= 1
    return at
