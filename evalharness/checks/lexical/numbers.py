"""Does the article state the summary's numbers?"""

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, NamedTuple

from evalharness import text
from evalharness.checks.lexical import scoring
from evalharness.checks.lexical.derivation import evidence_by_wording
from evalharness.checks.lexical.number_forms import OtherForms
from evalharness.checks.lexical.passages import (
    LEAST_SHARED,
    MOST_CANDIDATES,
    MOST_EVIDENCE,
    Passages,
    on_demand,
    passages_of_summary,
)
from evalharness.records import Flag, Score, Span
from evalharness.text.dates import day_of
from evalharness.text.foreign_numbers import VOCABULARIES
from evalharness.text.number_words import EXACT
from evalharness.text.words import word_set

# A number belongs to a word close behind it: `14 of the miners`.
CHARACTERS_AFTER = 30
_TIME_UNIT = re.compile(
    r"[ \u00a0-](?:second|minute|hour|day|week|month|year)s?(?:[ -]olds?)?\b", re.IGNORECASE
)
# Between a number and its unit: 27 consecutive days.
_IN_SERIES = ("consecutive", "successive", "straight")
_SERIES_STEMS = frozenset(map(text.stem_of, _IN_SERIES))
_OF_SERIES = re.compile(
    rf" (?:{'|'.join(_IN_SERIES)}) (second|minute|hour|day|week|month|year)s?\b",
    re.IGNORECASE,
)
# `The two teams`, `her first film`: a summary may count what the article lists.
ORDINALS_IN_CLAUSES = frozenset(["first", "second", "third"])
# `3-1`, `10 to 12`: two numbers that are one claim.
_PAIR = re.compile(r"(?<![\w.,-])(\d{1,3})(?: ?[-–] ?| to )(\d{1,3})(?![\w,%-]|\.\d)")
_OLD = re.compile(r"[ \u00a0-]{0,3}years?[ -]{0,3}olds?\b", re.IGNORECASE)
COUNTS = ORDINALS_IN_CLAUSES | {"two", "both", "half", "twice"}
# `Her second film`, `seven times`: a summary may count what the article lists.
MOST_COUNTED = 12
MOST_SMALL = 10
# What says nothing of whom a number counts.
ANYBODY = frozenset(["people", "others", "persons"])
# A number belongs to a word that stands so near; without one, the places tell of the same thing if
# such a share of the words around is the same.
REACH_OF_COUNTED, REACH_OF_HEAD, REACH_OF_QUESTION = 6, 8, 12
SHARE_AROUND = 0.34
# A clause says what a summary's clause says if it has so many of its words, and such a share; not
# if it has no more than so few.
LEAST_IN_CLAUSE, CLAUSE_SHARE, MOST_IN_OWN_CLAUSE = 3, 0.5, 1
# One unit in another, and how nearly a number must come to it, of its own size.
_UNITS_OF = {
    ("foot", "metre"): 0.3048,
    ("mile", "km"): 1.609,
    ("mph", "kph"): 1.609,
    ("yard", "metre"): 0.9144,
    ("inch", "cm"): 2.54,
    ("inch", "mm"): 25.4,
    ("acre", "hectare"): 0.4047,
    ("lb", "kg"): 0.4536,
    ("stone", "kg"): 6.35,
    ("stone", "lb"): 14.0,
    ("gallon", "litre"): 4.546,
    ("km", "metre"): 1000.0,
    ("metre", "cm"): 100.0,
    ("kg", "gram"): 1000.0,
    ("tonne", "kg"): 1000.0,
    ("week", "day"): 7.0,
    ("year", "month"): 12.0,
    ("hour", "minute"): 60.0,
    ("minute", "second"): 60.0,
    ("day", "hour"): 24.0,
}
# `198m` may be metres, or millions.
_UNITS_OF |= {
    (low, "million|metre"): f * 1e6 for (low, high), f in _UNITS_OF.items() if high == "metre"
}
_PARTNERS: dict[str, list[tuple[str, float]]] = {}
for (_low, _high), _factor in _UNITS_OF.items():
    _PARTNERS.setdefault(_high, []).append((_low, _factor))
    _PARTNERS.setdefault(_low, []).append((_high, 1 / _factor))
NEARLY_CONVERTED = 0.03
# Over half an hour may be 35 minutes.
_CONVERTED = {"over": (-NEARLY_CONVERTED, 0.5), "under": (-0.33, NEARLY_CONVERTED)}
# Words for as many, or for a place in a row, as stems.
_AS_MANY = {
    ("", Decimal(2)): ("brace", "duo"),
    ("", Decimal(3)): ("trick", "trio", "trebl", "tripl", "triplet"),
    ("", Decimal(4)): ("quartet", "quadrupl"),
    ("", Decimal(5)): ("quintet",),
    ("ordinal", Decimal(1)): ("maiden", "inaugur", "debut"),
}
_AGED = re.compile(r"\b(?:aged|age of|turn(?:s|ed|ing)) $", re.IGNORECASE)
_OF_SEX = re.compile(r" ?[MF]\b")  # as in the notes of doctors: 29 F
_BORN = re.compile(r"\bborn\b[^.]*$", re.IGNORECASE)
REACH_OF_BIRTH = 60
# So many numbers of one sentence are added up in pairs.
# What says that a number is how far two others are apart.
_DIFFERING = word_set(
    "by more fewer less higher lower rose fell increase increased decrease decreased drop dropped "
    "rise gap difference margin lead ahead behind left remaining remain up down another"
)
MOST_ADDED, MOST_WITH_SEVERAL = 8, 200
# How many days a unit of time has, and how much less or more two days may be apart. Of more days
# than these some two are apart as far as anything.
_DAYS_IN = {"day": (1.0, 1.0), "week": (7.0, 2.0), "month": (30.4, 8.0)}
MOST_DAYS = 5
NEARLY_PERCENT = 0.51
_SHARES = frozenset(["percent", "fraction"])
# So large a number, or an amount of money, is no sum of two others by chance: what stands around
# need not be alike.
LEAST_NO_CHANCE = 1_000
# `11 of the 43` leaves 32; `71 passengers and six crew` are 77 people; `six others` make seven.
_OF_ALL = re.compile(r" of (?:the |its |their |his |her |those |these |all )?(?:[a-z]+ )?")
_ALL = re.compile(r"\ball (?:of )?(?:the |its |their |his |her )?$", re.IGNORECASE)
LONGEST_ALL = 16
_AND = re.compile(r" [a-z]+ (?:[a-z]+ )?and (?:an? |some |about |at least )?")
_OTHERS = re.compile(r" (?:other|others)\b")
_GROUPS = frozenset(["crew", "staff", "people", "men", "women", "children", "police", "personnel"])
# What compares two numbers of a summary: 17 more than allowed, of 77.
_COMPARED = re.compile(
    r"(?: [a-z]+)? (?:(?:more|fewer|less|higher|lower) than|above|below|short of|over)\b"
)
_CENTURY = re.compile(r"[ -]century\b", re.IGNORECASE)
# Several sorts of which a summary gives the sum: three boys and two girls.
_OF_SORT = {
    **dict.fromkeys(map(text.stem_of, ("boys", "girls")), text.stem_of("children")),
    **dict.fromkeys(map(text.stem_of, ("men", "women", "children")), text.stem_of("people")),
}
_UNDER = re.compile(r"\b(?:under|u) ?[-–] ?$", re.IGNORECASE)
_UNDER_AGE = re.compile(r"\b(?:under|u) ?[-–] ?(\d+)", re.IGNORECASE)
# What a number behind it names: Formula 1 is no count.
_NAMED_BY_NUMBER = re.compile(r"\bformula[ -]$", re.IGNORECASE)
LONGEST_NAMED = 10
# How long something takes; what else a number may say of time; and how far the word stands.
_TIME_UNITS = frozenset(["second", "minute", "hour", "day", "week", "month", "year"])
_TIME_STEMS = frozenset(map(text.stem_of, _TIME_UNITS))
_ONE_OF_UNIT = re.compile(
    rf"\b(?:an?|one|single|per|each|every|full|whole|1)[ -]({'|'.join(sorted(_TIME_UNITS))})\b",
    re.IGNORECASE,
)
_NO_MEASURE = frozenset(["day", "year", "ordinal"])
REACH_OF_UNIT = 3
_RECENT_YEARS = range(1990, 2041)
# A number that is so many times another is one of something else.
MOST_TIMES_AS_MANY = 50
_SLASHED = re.compile(r"/\d")
# Within what of a claim a number lies, where the words of another language bound it.
_LOOSE = {
    "about": (Decimal("0.8"), Decimal("1.2")),
    "under": (Decimal("0.5"), Decimal(1)),
    "over": (Decimal(1), Decimal(2)),
}
SMALL = COUNTS | {
    *("three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("dozens", "hundreds", "thousands", "millions"),
}


class StatedNumbers(scoring.ArticleIndex):
    """The numbers of an article, found once for all its summaries."""

    @on_demand
    def numbers(self) -> list[text.Number]:
        """The numbers of the article in order; they are not read before a summary has one."""
        return [*itertools.chain.from_iterable(self.passages.numbers)]

    @on_demand
    def _index(self) -> text.NumberIndex:
        return text.NumberIndex(self.numbers)

    def evidence(self, claimed: text.Number) -> list[Span]:
        """Return where the article states a number, at most five places; empty if it does not."""
        n_shown = MOST_EVIDENCE if self.wants_evidence else 1
        return [stated.span for stated in self._numbers_like(claimed)[:n_shown]]

    @on_demand
    def _numbers_by_claim(self) -> dict[tuple[object, ...], list[text.Number]]:
        return {}

    def _numbers_like(self, claimed: text.Number) -> Sequence[text.Number]:
        """Return the numbers of the article that agree with a claimed one; not all, of too many."""
        said = (str(claimed.value), *claimed[2:])
        found = self._numbers_by_claim.get(said)
        if found is None:
            agreeing = self._index.agreeing_numbers(claimed)
            found = self._numbers_by_claim[said] = [*itertools.islice(agreeing, MOST_CANDIDATES)]
        return found

    def numbers_in_bound(self, claimed: text.Number) -> list[Span]:
        """Return the numbers for which a claim in a language other than English is loose but true.

        More than a dozen may be 18: how far `mehr als` reaches was not measured, as it was for
        `more than`.
        """
        if not claimed.hedge or self.passages.language not in VOCABULARIES:
            return []
        low, high = _LOOSE[claimed.hedge]
        near = (EXACT.multiply(claimed.value, low), EXACT.multiply(claimed.value, high))
        found = (n for n in self.numbers if (n.kind, n.unit) == (claimed.kind, claimed.unit))
        return [n.span for n in found if near[0] <= n.value <= near[1]][:MOST_EVIDENCE]

    def tells_by_time(self, claimed: text.Number, own: Passages) -> bool:
        """Tell whether a late place in a row may be told by years or by the end of a match.

        A 20th anniversary is, where 1997 is named, and the 87th minute, by three before the end.
        """
        head = own.word_behind(claimed.span)
        if head != "anniversary":
            return head == "minute"
        years, _ = self._years_and_births
        return any(year.value + claimed.value in _RECENT_YEARS for year in years)

    @on_demand
    def named_once(self) -> frozenset[str]:
        """The units of time of which the article says that it is one: `a year`, `per day`."""
        return frozenset(map(str.lower, _ONE_OF_UNIT.findall(self.text)))

    @on_demand
    def age_groups(self) -> frozenset[str]:
        """The groups that the article names by an age: the 21 of the Under-21s."""
        return frozenset(_UNDER_AGE.findall(self.text))

    def has_in_unit(self, claimed: text.Number) -> bool:
        """Tell whether the article has a number of a claimed unit, or what may be of any.

        Three games are no three years, and the 23rd of May is nobody's age.
        """
        return any(
            stated.unit or not (stated.kind in _NO_MEASURE or self._counts_something(stated))
            for stated in self._numbers_like(claimed)
        )

    def _counts_something(self, stated: text.Number) -> bool:
        """Tell whether a number without a unit stands right before what it counts: three games."""
        start, end = stated.span.start, stated.span.end
        if _AGED.search(self.text[max(0, start - 12) : start]) or _OF_SEX.match(self.text, end):
            return False
        behind = self.passages.tokens_behind(end, REACH_OF_UNIT)
        is_bound = bool(behind) and behind[0].content and not behind[0].after_mark
        return is_bound and not any(token.stem in _TIME_STEMS for token in behind)

    @on_demand
    def pairs(self) -> dict[frozenset[int], Span]:
        """The scores and ranges, `3-1`, in either order."""
        found = ((_both(match), Span(*match.span())) for match in _PAIR.finditer(self.text))
        return dict(reversed([*found]))

    def place_of_pair(self, pair: frozenset[int]) -> Span | None:
        """Return where the article has two numbers as a pair, or in one sentence."""
        if pair in self.pairs:
            return self.pairs[pair]
        inside = [*self.pairs.values()]
        one, other = (
            {
                self.passages.sentence_at(stated.span.start): stated.span
                for stated in self.numbers
                if stated.value == value and stated.kind in ("", "year")
                if not any(each.start <= stated.span.start < each.end for each in inside)
            }
            for value in (min(pair), max(pair))
        )
        both = one.keys() & other.keys()
        return one[min(both)] if both else None

    def other_pair(self, pair: frozenset[int]) -> Span | None:
        """Return the pair that the article has in place of one, with one of its numbers."""
        return next((where for other, where in self.pairs.items() if other & pair), None)

    def bound_elsewhere(self, claimed: text.Number, own: Passages) -> text.Number | None:
        """Return the number that the article has of what a known number counts in a summary.

        None where the number stands in the article beside one of the same words.
        Ages, sums and ranks are too loosely bound to tell.
        """
        if (other := self._other_part(claimed, own)) is not None:
            return other
        if claimed.kind[:5] == "money":
            stated = self._numbers_like(claimed)
            return self._in_clause_of_another(claimed, stated, own)
        if claimed.kind not in ("", "percent") or _OLD.match(own.text, claimed.span.end):
            return None
        heads = [word for _, _, word in _company(own.text, claimed) if word]
        same_head = self.by_company.get((claimed.kind, claimed.unit, heads[0]), ()) if heads else ()
        rivals = itertools.islice(same_head, MOST_CANDIDATES)
        others = [rival for rival in rivals if _may_be_instead(rival, claimed)]
        stated = self._numbers_like(claimed)
        if (choice := own.choice_before(claimed.span)) and any(
            self.passages.choice_before(each.span) == choice for each in stated
        ):
            return None
        found = self._beside_another(claimed, stated, others, own) if others else None
        if found is None and others and not self._has_head(claimed, stated, heads, own):
            return others[0]
        return found or self._in_clause_of_another(claimed, stated, own)

    def _other_part(self, claimed: text.Number, own: Passages) -> text.Number | None:
        """Return what the article has otherwise of a whole and its part.

        `All 43`, where it says 11 of the 43, and `11 of the 50`.
        """
        if claimed.kind or claimed.unit or not self._some:
            return None
        of_same = [(some, all_) for some, all_ in self._some if all_.value == claimed.value]
        if _ALL.search(own.text, max(0, claimed.span.start - LONGEST_ALL), claimed.span.start):
            n_stated = sum(number.value == claimed.value for number in self._counts)
            return of_same[0][0] if of_same and len(of_same) == n_stated else None
        return self._other_whole(claimed, own, [some.value for some, _ in of_same])

    def _other_whole(
        self, claimed: text.Number, own: Passages, parts: Sequence[Decimal]
    ) -> text.Number | None:
        """Return of how many the article has the part that a summary has of a claimed number.

        parts: those that the article has of that number.
        """
        start = claimed.span.start
        if " of " not in own.text[max(0, start - LONGEST_ALL) : start]:
            return None
        beside = own.numbers_in(self.passages.language)[own.sentence_at(start)]
        for some, all_ in _some_of_all(beside, own.text):
            if all_ == claimed and some.value not in parts:
                return next((whole for one, whole in self._some if one.value == some.value), None)
        return None

    def _in_clause_of_another(
        self, claimed: text.Number, stated: Sequence[text.Number], own: Passages
    ) -> text.Number | None:
        """Return the number that the article has in the clause in which a summary has another.

        The article says 58% in a clause that has next to nothing of the summary's.
        """
        if claimed.hedge or not (claimed.kind or claimed.unit):
            return None
        head = own.word_behind(claimed.span) if claimed.kind == "percent" else ""
        if head and any(self.passages.word_behind(each.span) == head for each in stated):
            return None  # 84 percent of pupils, in whatever clause
        wanted = own.clause_around(claimed.span)
        clause = self.passages.clause_around
        if len(wanted) < LEAST_IN_CLAUSE or any(
            len(wanted & clause(each.span)) > MOST_IN_OWN_CLAUSE for each in stated
        ):
            return None
        rivals = self.by_company.get((claimed.kind, claimed.unit, ""), [])[:MOST_CANDIDATES]
        alike = [
            (len(wanted & clause(rival.span)), -rival.span.start, rival)
            for rival in rivals
            if _may_be_instead(rival, claimed)
        ]
        most, _, rival = max(alike, default=(0, 0, claimed))
        return rival if most >= max(LEAST_IN_CLAUSE, CLAUSE_SHARE * len(wanted)) else None

    def _has_head(
        self,
        claimed: text.Number,
        stated: Sequence[text.Number],
        heads: Sequence[str],
        own: Passages,
    ) -> bool:
        """Tell whether the article has a number near what it counts in a summary, or amid as much.

        `Six injured`, where six were killed and fourteen injured, is not the article's six.
        """
        head = own.word_behind(claimed.span)
        if not head or head in ANYBODY or text.country(head):  # 600 British nationals
            return True
        wanted = own.around_span(claimed.span, REACH_OF_COUNTED)
        of_heads = frozenset(map(text.stem_of, heads))
        around = (self._words_around(each.span) for each in stated)
        return any(
            not of_heads.isdisjoint(near) or len(wanted & near) >= SHARE_AROUND * len(wanted)
            for near in around
        )

    def in_frame(self, claimed: text.Number, own: Passages) -> text.Number | None:
        """Return another number that the article has between the very words of a known one.

        `With her first child`, where it is `with her second child`.
        """
        mine = own.words_beside(claimed.span)
        if mine is None or not self.passages.places.get(mine[2]):
            return None
        agreeing = self._numbers_like(claimed)
        if any((self.passages.words_beside(each.span) or mine)[2] == mine[2] for each in agreeing):
            return None
        places = self.passages.places[mine[2]][:MOST_CANDIDATES]
        others = (number for number in map(self._number_before, places) if number is not None)
        alike = (n for n in others if (n.kind, n.unit) == (claimed.kind, claimed.unit))
        return next((n for n in alike if self.passages.words_beside(n.span) == mine), None)

    def _number_before(self, at: int) -> text.Number | None:
        """Return the number that ends right before a token."""
        end = self.passages.columns.starts[at] - 1
        found = self.passages.numbers[self.passages.columns.sentences[at]]
        return next((number for number in found if number.span.end == end), None)

    def _words_around(self, span: Span) -> frozenset[str]:
        """Return the words of content around a number; for an answer, those before it, too.

        `How many hives have you got? - About 140, at nine places.`
        """
        around = self.passages.around_span(span, REACH_OF_HEAD)
        at = self.passages.first[self.passages.sentence_at(span.start)]
        if not at or self.passages.word_behind(span):
            return around
        if not (self.speakers.begins_turn(at) or self.passages.is_question(at - 1)):
            return around
        last = self.passages.stems[at - 1]
        return around | self.passages.around(at - 1, REACH_OF_QUESTION) | {last}

    def other_unit(self, claimed: text.Number, own: Passages) -> Span | None:
        """Return the article's word behind a number where a summary has another one there.

        Only where the words around both are the same: `umabot sa 3 metro ang tubig`.
        """
        is_plain = not (claimed.unit or claimed.kind) and claimed.span.of(own.text).isdigit()
        mine = own.frame(claimed.span) if is_plain else None
        if mine is None or mine[1].after_mark or not mine[1].content:
            return None
        if mine[1].stem in self.passages.places:
            return None
        for stated in self._numbers_like(claimed):
            its = self.passages.frame(stated.span)
            if its is not None and its[0] == mine[0] and its[1].stem != mine[1].stem:
                return Span(stated.span.start, its[1].end)
        return None

    def _beside_another(
        self,
        claimed: text.Number,
        stated: Sequence[text.Number],
        others: Sequence[text.Number],
        own: Passages,
    ) -> text.Number | None:
        """Return the number of the article that has both neighbours of a summary's.

        `Killed 14 people`, where six were killed and 14 hurt.
        """
        beside = own.beside_span(claimed.span)
        beside -= {text.stem_of(claimed.unit), text.stem_of(f"{claimed.unit}s")}
        if len(beside) < 2:
            return None
        if any(beside & self.passages.beside_span(each.span) for each in stated):
            return None
        both = (rival for rival in others if beside <= self.passages.beside_span(rival.span))
        return next(both, None)

    @on_demand
    def by_company(self) -> dict[tuple[str, str, str], list[text.Number]]:
        """The numbers by their kind, unit and a word behind them, or by kind and unit alone."""
        found: dict[tuple[str, str, str], list[text.Number]] = {}
        for stated in self.numbers:
            for company in _company(self.text, stated) if stated.sure else ():
                found.setdefault(company, []).append(stated)
        return found

    def instead(
        self, claimed: text.Number, summary: str, wanted: frozenset[str]
    ) -> text.Number | None:
        """Return the number that the article has in place of a wrong one, if that can be told.

        It stands before the same word, or has the same unit or kind in a sentence that is much
        alike: 19 days are not told wrong by four days a week. Of several, the one counts whose
        sentence has most of the wanted words, which are those of the summary's sentence.
        """
        near: list[tuple[int, text.Number]] = []
        is_age = bool(_OLD.match(summary, claimed.span.end))
        for company in _company(summary, claimed):
            for stated in self.by_company.get(company, [])[:MOST_CANDIDATES]:
                if is_age != bool(_OLD.match(self.text, stated.span.end)):
                    continue  # five years, and an eight-year-old
                shared = len(wanted & self._content_at(stated))
                if shared >= LEAST_SHARED or company[2] not in ("", claimed.unit):
                    near.append((shared, stated))
        return max(near, key=lambda pair: pair[0])[1] if near else None

    def follows_from(
        self, claimed: text.Number, own: Passages, wanted: frozenset[str]
    ) -> list[Span]:
        """Return the numbers of the article from which one follows that it does not have.

        It is one of them in another unit, or the age of who was born then, or their sum,
        difference or share where the article has them together, amid the wanted words.
        Empty where it follows from none.
        """
        return (
            self._in_another_unit(claimed, own)
            or self._in_one_word(claimed, wanted)
            or self._as_age(claimed, own.text, wanted)
            or self._as_century(claimed, own.text)
            or self._in_another_form(claimed, own)
            or self._between_days(claimed)
            or self._from_two(claimed, own, wanted)
            or self._with_all_others(claimed, own, wanted)
            or self._from_own(claimed, own)
            or evidence_by_wording(self.passages, self.numbers, self.pairs, claimed, own)
        )

    def _as_century(self, claimed: text.Number, summary: str) -> list[Span]:
        """Return a year of the century that is claimed: 1865, of the 19th."""
        if claimed.kind != "ordinal" or not _CENTURY.match(summary, claimed.span.end):
            return []
        dated = (number for number in self.numbers if number.kind in ("year", "decade"))
        inside = (number for number in dated if (int(number.value) - 1) // 100 + 1 == claimed.value)
        return [number.span for number in itertools.islice(inside, 1)]

    def _in_another_form(self, claimed: text.Number, own: Passages) -> list[Span]:
        beside = own.numbers_in(self.passages.language)[own.sentence_at(claimed.span.start)]
        return self._forms.places(claimed, beside, own.text)

    @on_demand
    def _forms(self) -> OtherForms:
        return OtherForms(self.numbers, self.text)

    def _with_all_others(
        self, claimed: text.Number, own: Passages, wanted: frozenset[str]
    ) -> list[Span]:
        """Return what leaves a number of people or things, or makes it up with somebody else.

        32, where 11 of 43 were found; 77 people, where there were 71 passengers and six crew; and
        seven, where there were somebody and six others.
        """
        if claimed.kind or claimed.unit or _OTHERS.match(own.text, claimed.span.end):
            return []
        if some := self._left_over.get(claimed.value):
            counted = {word for _, _, word in _company(self.text, some[1])}
            if any(word.removesuffix("s") in counted for word in wanted):
                return [number.span for number in some]
        of_people = own.word_behind(claimed.span) in ANYBODY
        return self._people_added.get(claimed.value, []) if of_people else []

    @on_demand
    def _left_over(self) -> dict[Decimal, tuple[text.Number, text.Number]]:
        """What is left where the article has some of several: 32, of 11 of the 43."""
        return {EXACT.subtract(all_.value, some.value): (some, all_) for some, all_ in self._some}

    @on_demand
    def _some(self) -> list[tuple[text.Number, text.Number]]:
        """The numbers that are some of several, each with these: 11 of the 43."""
        return [*_some_of_all(self._counts, self.text)]

    @on_demand
    def _people_added(self) -> dict[Decimal, list[Span]]:
        """The sums of two sorts of people in a row; and of others and the one before them."""
        found: dict[Decimal, list[Span]] = {}
        for number in self._counts:
            if _OTHERS.match(self.text, number.span.end):
                found[EXACT.add(number.value, Decimal(1))] = [number.span]
        for one, other in itertools.pairwise(self._counts):
            is_row = _AND.fullmatch(self.text, one.span.end, other.span.start)
            if is_row and all(map(self._is_of_things, (one, other))):
                found[EXACT.add(one.value, other.value)] = [one.span, other.span]
        return found

    @on_demand
    def _counts(self) -> list[text.Number]:
        return [number for number in self.numbers if not (number.kind or number.unit)]

    def _is_of_things(self, number: text.Number) -> bool:
        """Tell whether a number counts what a noun names: not `six killed`."""
        head = self.passages.word_behind(number.span)
        return head.endswith("s") or head in _GROUPS

    def _from_own(self, claimed: text.Number, own: Passages) -> list[Span]:
        """Return what the article has where a summary says by how much its own number differs.

        77 were on board, 17 more than allowed, where 60 were.
        """
        if not _COMPARED.match(own.text, claimed.span.end):
            return []
        beside = own.numbers_in(self.passages.language)[own.sentence_at(claimed.span.start)]
        for other in beside:
            if (other.kind, other.unit) == (claimed.kind, claimed.unit) and other != claimed:
                for work in (EXACT.subtract, EXACT.add):
                    known = other._replace(value=work(other.value, claimed.value), hedge="")
                    if stated := self.evidence(known):
                        return stated
        return []

    def _in_another_unit(self, claimed: text.Number, own: Passages) -> list[Span]:
        """Return the article's number that one is in another unit: 650ft for 198m."""
        if claimed.kind[:5] == "money" and own.text[: claimed.span.start].endswith("("):
            numbers = own.numbers_in(self.passages.language)
            before = numbers[own.sentence_at(claimed.span.start)]
            ahead = [n for n in before if 0 < claimed.span.start - n.span.end <= len(" (")]
            is_other = ahead and ahead[0].kind[:5] == "money" and ahead[0].kind != claimed.kind
            return self.evidence(ahead[0]) if is_other else []
        value = float(claimed.value)
        for unit, factor in _PARTNERS.get(claimed.unit, ()):
            for stated in self.by_company.get(("", unit, ""), ())[:MOST_CANDIDATES]:
                low, high = _CONVERTED.get(claimed.hedge, (-NEARLY_CONVERTED, NEARLY_CONVERTED))
                if low * value <= float(stated.value) * factor - value <= high * value:
                    return [stated.span]
        return []

    def _in_one_word(self, claimed: text.Number, wanted: frozenset[str]) -> list[Span]:
        """Return where the article has a word for it: a hat-trick, for three; maiden, for first."""
        words = () if claimed.unit else _AS_MANY.get((claimed.kind, claimed.value), ())
        places = [at for word in words for at in self.passages.places.get(word, ())]
        alike = (at for at in places if self._is_of(self.passages.columns.sentences[at], wanted))
        return [self.passages.span(at, at) for at in itertools.islice(alike, 1)]

    def listed(self, claimed: text.Number, wanted: frozenset[str]) -> list[Span]:
        """Return the sentence about the same in which as many things stand in a row."""
        if claimed.kind or claimed.unit or not MOST_COUNTED >= claimed.value > 2:
            return []
        about = (at for at in range(len(self.passages.sentences)) if self._is_of(at, wanted))
        rows = (at for at in about if claimed.value in _lengths_of_rows(self._sentence(at)))
        return [self.passages.sentences[at] for at in itertools.islice(rows, 1)]

    def _sentence(self, number: int) -> str:
        return self.passages.sentences[number].of(self.text)

    def _content_at(self, stated: text.Number) -> frozenset[str]:
        return self.passages.content[self.passages.sentence_at(stated.span.start)]

    def _is_of(self, number: int, wanted: frozenset[str]) -> bool:
        """Tell whether a sentence has enough of the wanted words to speak of the same thing."""
        return len(wanted & self.passages.content[number]) >= LEAST_SHARED

    def _as_age(self, claimed: text.Number, summary: str, wanted: frozenset[str]) -> list[Span]:
        """Return the years of a birth and of an event between which somebody grew so old."""
        aged = _AGED.search(summary[max(0, claimed.span.start - 12) : claimed.span.start])
        if claimed.kind or not (aged or _OLD.match(summary, claimed.span.end)):
            return []
        years, born = self._years_and_births
        then = [y for y in years if wanted & self._content_at(y)] if born else []
        pairs = [(b, y) for b in born for y in then if 0 <= y.value - b.value - claimed.value <= 1]
        return [pairs[0][0].span, pairs[0][1].span] if pairs else []

    def _between_days(self, claimed: text.Number) -> list[Span]:
        """Return two days of the article that lie as far apart as is claimed: 4 and 10 May."""
        if claimed.kind or claimed.unit not in _DAYS_IN:
            return []
        length, margin = _DAYS_IN[claimed.unit]
        wanted = float(claimed.value) * length
        pairs = itertools.combinations(self._days, 2)
        return next(
            (
                [one[1], other[1]]
                for one, other in pairs
                if abs(abs(one[0] - other[0]) - wanted) <= margin
            ),
            [],
        )

    @on_demand
    def _days(self) -> list[tuple[int, Span]]:
        """The days that the article names by month and day, counted in some year; none of many."""
        named = itertools.chain.from_iterable(self.passages.dates)
        dated = [found for found in named if found.months and found.days]
        days = [(day_of(found._replace(years=found.years or (2000,))), found) for found in dated]
        known = [(day.toordinal(), found.span) for day, found in days if day is not None]
        return known if len(known) <= MOST_DAYS else []

    @on_demand
    def _years_and_births(self) -> tuple[list[text.Number], list[text.Number]]:
        """The first years of the article, and those of them in which somebody was born."""
        dated = (number for number in self.numbers if number.kind == "year")
        years = [*itertools.islice(dated, MOST_CANDIDATES)]
        starts = ((year, max(0, year.span.start - REACH_OF_BIRTH)) for year in years)
        return years, [y for y, start in starts if _BORN.search(self.text[start : y.span.start])]

    @on_demand
    def _added_up(self) -> list[tuple[int, list[text.Number]]]:
        """The sentences of the article with several numbers, and those; not all, of too many."""
        several = ((at, found) for at, found in enumerate(self.passages.numbers) if len(found) > 1)
        return [*itertools.islice(several, MOST_WITH_SEVERAL)]

    def _from_two(self, claimed: text.Number, own: Passages, wanted: frozenset[str]) -> list[Span]:
        """Return two numbers of one sentence of which one is the sum, difference or share."""
        is_sort = claimed.kind in ("", "percent", "fraction") or claimed.kind[:5] == "money"
        if not is_sort or _OLD.match(own.text, claimed.span.end):
            return []
        head = own.word_behind(claimed.span)
        low, before, behind, high = own.parted_by(claimed.span)
        words = own.columns.words
        near = (*words[max(low, before - 3) : before], *words[behind : min(high, behind + 4)])
        differs = not _DIFFERING.isdisjoint(near)
        is_telling = claimed.kind[:5] == "money" or claimed.value >= LEAST_NO_CHANCE
        for number, stated in self._added_up:
            if not (is_telling or self._is_of(number, wanted)):
                continue
            for one, other in itertools.combinations(stated[:MOST_ADDED], 2):
                if self._are_of_one_kind(one, other, head, claimed) and _comes_to(
                    claimed, one, other, differs
                ):
                    return [one.span, other.span]
        return []

    def _are_of_one_kind(
        self, one: text.Number, other: text.Number, head: str, claimed: text.Number
    ) -> bool:
        """Tell whether two numbers count the same, and what a claimed one counts."""
        if not (one.sure and other.sure):
            return False
        kinds = [(number.kind, number.unit) for number in (one, other)]
        if kinds[0] != kinds[1]:
            n_shares = (one.kind in _SHARES) + (other.kind in _SHARES)
            return n_shares == 1 and (claimed.kind, claimed.unit) in kinds
        if claimed.kind in _SHARES and one.kind != "percent":
            return one.kind == "" or one.kind[:5] == "money"
        if (claimed.kind, claimed.unit) != (one.kind, one.unit):
            return False
        if claimed.kind or claimed.unit:
            return True
        return self._count_same(one, other, text.stem_of(head))

    def _count_same(self, one: text.Number, other: text.Number, head: str) -> bool:
        """Tell whether two numbers count what a stem says, or sorts of it: boys, of children."""
        heads = {self.passages.word_behind(number.span) for number in (one, other)}
        stems = {_OF_SORT.get(text.stem_of(word), text.stem_of(word)) for word in heads if word}
        return bool(head and stems) and stems <= {head, _OF_SORT.get(head, head)}

    def compare(self, summary: str, dated: Sequence[Span] = ()) -> Score:
        """Return the share of the summary's numbers that the article states, with flags.

        dated: dates in the summary that are right although their numbers may not be in the article.
        """
        return self.share_of_claims(_judge_sentences(self, summary, dated), "numbers")


@dataclass(frozen=True)
class Numbers(scoring.BySentences, scoring.LexicalCheck):
    """Share of the summary's numbers that the article states.

    Equal values count in any dress (`a quarter`, `25%`) if their kinds can be the same, and a
    summary may round. A number that the article has of something else (`killed 14`, where six were
    killed and 14 hurt) is wrong, and so is a score (`3-1`) that the article has otherwise; one of
    which it has nothing may be added up. What follows from its numbers is right: their sum,
    difference or share where they stand in one sentence about the same, an age between two years,
    a length in feet for metres, three goals for a hat-trick. A small count (`the two teams`) that
    the article has no other number in place of is no claim: the article may list what is counted;
    a larger one, up to twelve, is right where it lists as many in one sentence about the same.
    A sentence with numbers has the share of its own; weighted with their count, these make up the
    score. A summary without numbers has none.
    """

    version: ClassVar[int] = 14
    index: ClassVar[type[scoring.ArticleIndex]] = StatedNumbers


def _judge_sentences(
    article: StatedNumbers, summary: str, dated: Sequence[Span]
) -> Iterator[scoring.SentenceClaims]:
    own = passages_of_summary(summary)
    for at, numbers in enumerate(own.numbers_in(article.passages.language)):
        if not numbers:
            continue
        wanted = own.content[at]
        claims = [
            claim
            for number in _without_second_of_pairs(numbers, summary)
            if number.sure and not any(d.start <= number.span.start < d.end for d in dated)
            if (claim := _claim(article, number, own, wanted)) is not None
        ]
        if not claims:
            continue
        wrong = [claim for claim in claims if not claim.evidence]
        flags = [_flag(article, claim, summary) for claim in wrong]
        stated = [span for claim in claims for span in claim.evidence]
        share = 1 - len(wrong) / len(claims)
        yield scoring.SentenceClaims(
            own.sentences[at], share, len(claims), len(wrong), flags, stated
        )


def _may_be_instead(rival: text.Number, claimed: text.Number) -> bool:
    """Tell whether two numbers may be of the same thing: 71 speeding drivers are not 13,000."""
    low, high = sorted((rival.value, claimed.value))
    return low != high and high <= MOST_TIMES_AS_MANY * max(low, Decimal(1))


def _comes_to(claimed: text.Number, one: text.Number, other: text.Number, differs: bool) -> bool:
    """Tell whether a number is the sum of two, their difference, or one's share of the other."""
    low, high = sorted((one.value, other.value))
    if one.kind != other.kind:
        return text.agree(claimed, _share_of(one, other))
    if claimed.kind in _SHARES and one.kind != "percent":
        if not float(low) or math.isinf(float(high)) or not float(low) / float(high):
            return False
        claim = float(claimed.value) * (1 if claimed.kind == "percent" else 100)
        low_share = 100 * float(low) / float(high)
        changes = (low_share, 100 - low_share, 1e4 / low_share - 100)
        return any(abs(claim - change) <= NEARLY_PERCENT for change in changes)
    difference = one._replace(value=EXACT.subtract(high, low), hedge="")
    exact = (
        claimed if (claimed.hedge, claimed.kind) == ("about", "") else claimed._replace(hedge="")
    )
    is_difference = differs and text.agree(exact, difference)
    return is_difference or claimed.value == EXACT.add(low, high)


def _some_of_all(
    counts: Iterable[text.Number], where: str
) -> Iterator[tuple[text.Number, text.Number]]:
    """Yield the numbers in a row of which one is a part of the other: 11 of the 43."""
    for some, all_ in itertools.pairwise(counts):
        is_less = not (some.kind or all_.kind) and 1 < some.value < all_.value
        if is_less and _OF_ALL.fullmatch(where, some.span.end, all_.span.start):
            yield some, all_


def _share_of(one: text.Number, other: text.Number) -> text.Number:
    """Return a share of a number as that share says it: half of $1.2m."""
    share, whole = (one, other) if one.kind in _SHARES else (other, one)
    part = share.value.scaleb(-2, EXACT) if share.kind == "percent" else share.value
    return whole._replace(value=EXACT.multiply(whole.value, part), hedge="")


class _Claim(NamedTuple):
    """A number of a summary, where the article states it, and what it has instead."""

    number: text.Number
    evidence: list[Span]
    rival: text.Number | None
    may_be_counted: bool = False


# `Jane Doe, Richard Roe and Ann Poe`; their ages are none of them.
_ROW = re.compile(r"(?:[^,;:.!?\n]{1,60}, )+?[^,;:.!?\n]{1,60}?,? (?:and|or) (?=\S)")
_IN_ROW = re.compile(r", (?!and |or )")
_AGES = re.compile(r", (?:aged )?\d{1,3}(?=,)")


def _lengths_of_rows(sentence: str) -> list[int]:
    """Return how many things stand in each row of a sentence: `one, another and a third`."""
    rows = _ROW.finditer(_AGES.sub("", sentence))
    return [len(_IN_ROW.findall(row[0])) + 2 for row in rows]


def _both(match: re.Match[str]) -> frozenset[int]:
    return frozenset([int(match[1]), int(match[2])])


def _without_second_of_pairs(numbers: Sequence[text.Number], summary: str) -> Iterator[text.Number]:
    """Yield the numbers, those of a pair such as `3-1` as one whose span is that of both."""
    end = 0
    for number in numbers:
        pair = _PAIR.match(summary, number.span.start) if not number.kind else None
        if number.span.start >= end:
            yield number._replace(span=Span(*pair.span())) if pair else number
        end = pair.end() if pair else end


def _claim(
    article: StatedNumbers, number: text.Number, own: Passages, wanted: frozenset[str]
) -> _Claim | None:
    """Hold a number against the article; None for a count of what the article may list."""
    pair = _PAIR.fullmatch(number.span.of(own.text))
    if pair:
        return _claim_of_pair(article, number, _both(pair))
    start = number.span.start
    is_bare = not (number.kind or number.unit)
    series = _OF_SERIES.match(own.text, number.span.end) if is_bare else None
    if series and _SERIES_STEMS.isdisjoint(article.passages.places):  # else: a seventh year
        number = number._replace(span=Span(start, series.end()), unit=series[1].lower())
    if _NAMED_BY_NUMBER.search(own.text, max(0, start - LONGEST_NAMED), start):
        return None
    if number.value == 1 and number.unit and number.unit in article.named_once:
        return None
    evidence = article.evidence(number) or article.numbers_in_bound(number)
    if evidence and number.unit in _TIME_UNITS and not number.kind:
        evidence = evidence if article.has_in_unit(number) else []
    if evidence:
        if unit := article.other_unit(number, own):
            return _Claim(number, [], number._replace(span=unit))
        bound = article.bound_elsewhere(number, own) or article.in_frame(number, own)
        return _Claim(number, [] if bound else evidence, bound)
    if _is_label(number, own.text, article):
        return None
    if derived := article.follows_from(number, own, wanted):
        return _Claim(number, derived, None)
    rival = article.instead(number, own.text, wanted)
    if rival is None and _is_counted(number, own.text):
        return None
    is_of_same = rival is not None and _head(own.text, number) == _head(article.text, rival)
    if not is_of_same and (row := article.listed(number, wanted)):
        return _Claim(number, row, None)
    return _Claim(number, [], rival, _may_be_counted(article, number, own, rival))


def _is_label(number: text.Number, summary: str, article: StatedNumbers) -> bool:
    """Tell whether a number is part of what something is called: 9/11, or the Under-21s.

    The article may have an age group otherwise; then it is none.
    """
    start, end = number.span.start, number.span.end
    if _UNDER.search(summary[max(0, start - 8) : start]):
        return not article.age_groups or str(number.value) in article.age_groups
    return bool(_SLASHED.match(summary, end)) or summary[:start].endswith("/")


def _claim_of_pair(article: StatedNumbers, number: text.Number, pair: frozenset[int]) -> _Claim:
    """Hold a score against those of the article; where it has none like it, it may be added up."""
    if where := article.place_of_pair(pair):
        return _Claim(number, [where], None)
    other = article.other_pair(pair)
    rival = number._replace(span=other) if other else None
    return _Claim(number, [], rival, rival is None)


def _flag(article: StatedNumbers, claim: _Claim, summary: str) -> Flag:
    stated = claim.rival
    span = _with_time_unit(claim.number.span, summary)
    kind = "count" if claim.may_be_counted else "number"
    if stated is None:
        return Flag(span, kind, f"{span.of(summary)} is not in the article")
    found = _with_time_unit(stated.span, article.text)
    number = article.passages.sentence_at(found.start) + 1
    message = f"the article says {found.of(article.text)}, in sentence {number}"
    return Flag(span, kind, message, (found,))


def _may_be_counted(
    article: StatedNumbers, number: text.Number, own: Passages, rival: text.Number | None
) -> bool:
    """Tell whether a number is a small count or a place in a row, and of nothing that has another.

    `Three topics`, `the fourth title`: who reads the article can count. Where the article has
    another count of the very thing (`five miners`, `four miners`), it is no such number.
    """
    written = number.span.of(own.text).lower()
    is_plain = written.isalpha() or _PLAIN_DIGITS.fullmatch(  # `drei` of other languages
        own.text, *_with_neighbours(number.span)
    )
    is_small = written in SMALL or bool(
        is_plain and not number.kind and 1 <= number.value <= MOST_SMALL
    )
    if number.unit or (number.kind != "ordinal" and not is_small):
        return False
    if number.kind == "ordinal" and number.value > MOST_COUNTED:  # nobody counts 800 years
        return article.tells_by_time(number, own)
    return (
        rival is None
        or rival.value > MOST_COUNTED
        or _head(own.text, number) != _head(article.text, rival)
        or (written == "first" and own.word_behind(number.span) == "time")
    )


# Not the 9 of `9/11`, nor a version: `3.0`.
_PLAIN_DIGITS = re.compile(r"[^\w/.:-]?\d\d?[^\w/.:-]?")


def _with_neighbours(span: Span) -> tuple[int, int]:
    return max(0, span.start - 1), span.end + 1


def _is_counted(number: text.Number, where: str) -> bool:
    """Tell whether a number is what a summary may count by itself: `two`, `2`, `the 1st`."""
    if number.span.of(where).lower() in COUNTS:
        return not number.unit  # a two-year deal is counted by nobody
    counted = {"": (1, 2), "ordinal": (1, 2, 3)}.get(number.kind, ())
    return not number.unit and number.value in counted


def _head(where: str, number: text.Number) -> str:
    """Return what a number counts: the word of content behind it; empty if there is none."""
    return next((word for _, _, word in _company(where, number)), "")


def _with_time_unit(span: Span, where: str) -> Span:
    """Return a number with the unit of time behind it, as people mark it: `12 years`."""
    unit = _TIME_UNIT.match(where, span.end)
    return Span(span.start, unit.end()) if unit else span


_NEXT_SENTENCE = re.compile(r"[.!?…][\"'”’)\]]*\s|\n")


def _company(where: str, number: text.Number) -> list[tuple[str, str, str]]:
    """Return what a number can be recognised by: its kind and unit, and two words behind it."""
    after = where[number.span.end : number.span.end + CHARACTERS_AFTER]
    if len(after) == CHARACTERS_AFTER:
        after = after[: after.rfind(" ") + 1]  # the last word may be cut
    after = _NEXT_SENTENCE.split(after, maxsplit=1)[0]
    words = [word.removesuffix("s") for word in text.content_words(after, 2)]
    if number.unit or number.kind not in ("", "ordinal"):
        words.append("")
    return [(number.kind, number.unit, word) for word in words]
