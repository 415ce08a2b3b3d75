"""Is somebody in the summary what the article says that another is?

`The mayor, Jane Doe`, where the mayor is Richard Roe, and `Doe, who led the study`, which Roe led.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from evalharness import text
from evalharness.checks.lexical.name_places import NamePlaces, short_forms, tokens_of_name
from evalharness.checks.lexical.passages import MOST_PLACES, Passages
from evalharness.checks.lexical.subjects import is_verb
from evalharness.checks.lexical.words import SAYING, sort_of_name
from evalharness.text.words import word_set

# So many words a description has, before a name or behind its comma; so far from a name stands
# what somebody is, where other words are between: `the director of the city's museums, Jane Doe`.
LONGEST_OFFICE = 4
REACH_OF_OFFICE = 8
# So near a description stands whom it may be of, where it stands beside somebody, or beside nobody.
REACH_BESIDE_HOLDER, REACH_OF_HOLDER = 8, 14
_DEFINITE = word_set("the his her its their s whose")
_BEFORE_OFFICE = _DEFINITE | {"a", "an"}
_BEHIND_OFFICE = word_set("of at for in")
# These are no part of what somebody is, and the last of it is none of these.
_ONCE = frozenset(map(text.stem_of, ("former", "current", "new", "late", "acting", "outgoing")))
_NO_OFFICE = frozenset(
    map(text.stem_of, ("first", "last", "second", "third", "next", "only", "other"))
)
# So many words in a row from `who` on must be the same.
LEAST_CLAUSE, LONGEST_CLAUSE = 4, 7


class Holder(NamedTuple):
    """A name of the article that holds what a summary says of another.

    at: the first token of the name. first, last: the tokens of the summary that say so.
    """

    name: text.Name
    at: int
    first: int = 0
    last: int = 0


class Holders:
    """What names of a summary are said to be, held against an article."""

    def __init__(
        self, article: NamePlaces, own: Passages, name_at: Mapping[int, text.Name]
    ) -> None:
        self.article, self.stated, self.own, self.name_at = article, article.passages, own, name_at

    def find(self, at: int) -> Holder | None:
        """Return who is in the article what a name of the summary is said to be, if another is."""
        name = self.name_at[at]
        members = tokens_of_name(self.name_at, at)
        if not self._may_be_person(name, self.own, members[0]):
            return None
        first, last = members[0], members[-1]
        for start, end in self._offices(first, last):
            if (other := self._other_holder(name, self.own.stems[start:end])) is not None:
                return other._replace(first=min(first, start), last=max(last, end - 1))
        other = self._other_who(name, last + 1)
        return other and other._replace(first=first, last=last)

    def _may_be_person(self, name: text.Name, where: Passages, first: int) -> bool:
        """Tell whether a name may be somebody's: it has a capital, and names no place or body."""
        is_written = where.columns.written[first][:1].isupper()
        return is_written and sort_of_name(name.words) in ("", "person")

    def _offices(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield where the summary says what a name is: before it, and between commas behind it."""
        low, high = self.own.bounds(first)
        words, marks = self.own.columns.words, self.own.columns.after_mark
        start = self._start_of_office(first, low)
        is_definite = start > low and words[start - 1] in _DEFINITE
        if start < first and (is_definite or (first - start > 1 and not marks[first])):
            yield start, first
        if last + 2 < high and marks[last + 1] and words[last + 1] in _DEFINITE:
            end = last + 2
            while end < high and not marks[end] and self._is_of_office(end):
                end += 1
            closes = end >= high or marks[end] or words[end] in _BEHIND_OFFICE
            if closes and 0 < end - last - 2 <= LONGEST_OFFICE:
                yield last + 2, end

    def _start_of_office(self, first: int, low: int) -> int:
        """Return the first word of what stands right before a name, up to a mark."""
        start, marks = first, self.own.columns.after_mark
        while start > low and first - start < LONGEST_OFFICE and self._is_of_office(start - 1):
            start -= 1
            if marks[start]:
                break
        return start

    def _is_of_office(self, at: int) -> bool:
        columns = self.own.columns
        word = columns.words[at]
        is_plain = columns.content[at] and at not in self.name_at and not word.isdecimal()
        return is_plain and not is_verb(word) and columns.stems[at] not in SAYING

    def _other_holder(self, name: text.Name, office: list[str]) -> Holder | None:
        """Return who else has an office in the article; None where a name may have it, too."""
        places = self.stated.places.get(office[-1], ())
        if len(places) > MOST_PLACES or office[-1] in _NO_OFFICE:
            return None
        others: list[Holder] = []
        for place in places:
            near = self.stated.stems[max(0, place - LONGEST_OFFICE) : place]
            if _ONCE.union(near).issuperset(office[:-1]):
                holder = self._holder_behind(place) or self._holder_before(place)
                reach = REACH_BESIDE_HOLDER if holder else REACH_OF_HOLDER
                if self._is_near(name, place, reach):
                    return None
                others += [holder] if holder else []
        return next(iter(others), None)

    def _is_near(self, name: text.Name, place: int, reach: int) -> bool:
        """Tell whether the article has a name, or part of it, near a place in its sentence."""
        low, high = self.stated.bounds(place)
        low, high = max(low, place - reach), min(high, place + reach)
        near = short_forms(self.stated.columns.words[low:high])
        return not near.isdisjoint(short_forms(name.words))

    def _holder_behind(self, place: int) -> Holder | None:
        """Return who stands behind an office: `the mayor of Leeds, the lawyer Jane Doe`."""
        high, named = self.stated.bounds(place)[1], self.article.name_at
        words, marks = self.stated.columns.words, self.stated.columns.after_mark
        at = place + 1
        if at < high and words[at] in _BEHIND_OFFICE and not marks[at]:
            near = range(at, min(high, place + REACH_OF_OFFICE))
            at = next((each for each in near if marks[each]), high)
        if at < high and marks[at] and words[at] in _BEFORE_OFFICE:
            near = range(at, min(high, at + LONGEST_OFFICE))
            at = next((each for each in near if each in named), at)
        if at < high and at in named and self._may_be_person(named[at], self.stated, at):
            return Holder(named[at], at)
        return None

    def _holder_before(self, place: int) -> Holder | None:
        """Return who stands before an office that is between commas: `Jane Doe, the mayor`."""
        low, named = self.stated.bounds(place)[0], self.article.name_at
        marks = self.stated.columns.after_mark
        near = range(place, max(low, place - REACH_OF_OFFICE), -1)
        start = next((at for at in near if marks[at]), low)
        is_behind_name = start > low and start - 1 in named
        if is_behind_name and self.stated.columns.words[start] in _BEFORE_OFFICE:
            return Holder(named[start - 1], start - 1)
        return None

    def _other_who(self, name: text.Name, behind: int) -> Holder | None:
        """Return of whom the article says what the summary says of a name behind `who`."""
        if behind >= len(self.own.columns.words) or self.own.columns.words[behind] != "who":
            return None
        others: list[Holder] = []
        for place in self.stated.places.get("who", ())[:MOST_PLACES]:
            n_same = self.own.same_run(behind + 1, self.stated, place + 1, 1, LONGEST_CLAUSE)
            if n_same + 1 >= LEAST_CLAUSE:
                if self._is_near(name, place, REACH_OF_HOLDER):
                    return None
                low = max(self.stated.bounds(place)[0], place - REACH_OF_OFFICE)
                before = (at for at in range(place - 1, low - 1, -1) if at in self.article.name_at)
                others += [Holder(self.article.name_at[at], at) for at in before][:1]
        return next(iter(others), None)
