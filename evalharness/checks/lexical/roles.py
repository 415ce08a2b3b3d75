"""Does each one do in the summary what it does in the article, and to whom?"""

import bisect
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from evalharness import text
from evalharness.checks.lexical.exchange import Exchange, WrongPlace
from evalharness.checks.lexical.holders import Holders
from evalharness.checks.lexical.name_places import (
    REACH_OF_COMPANY,
    NamePlaces,
    names_by_token,
    short_forms,
    stems_beside,
    tokens_of_name,
)
from evalharness.checks.lexical.passages import MOST_PLACES
from evalharness.checks.lexical.scoring import ArticleIndex, LexicalCheck, SummaryClaims
from evalharness.checks.lexical.subjects import (
    BEFORE_CLAUSE,
    BEFORE_NAME,
    BEFORE_VERB,
    DEFEATS,
    is_reversed,
    is_verb,
    subject_of,
)
from evalharness.checks.lexical.words import (
    APART,
    BE,
    GENERAL_STEMS,
    LOSING,
    MUTUAL,
    MUTUAL_ONLY,
    NAMING_STEMS,
    OF_RESULTS,
    WINNING,
    sort_of_name,
)
from evalharness.records import Flag, Score, Span
from evalharness.text.words import FUNCTION_WORDS, Token

# How far from a verb, in words, its parties stand in the article.
REACH_BEFORE = 12
REACH_AFTER = 9
# And in the summary: a name, or other words.
REACH_TO_PARTY = 6
REACH_OF_WORDS = 3
# A summary's name stands in the place of another if so many of the words around it stand around
# that other, and such a share of them; set by hand on labelled news summaries.
SLOT_REACH = 7
LEAST_IN_SLOT = 2
SLOT_SHARE = 0.4
# A name stands in another's very place if so many words right beside both are the same, of which so
# many are of content, and it stands in no place of its own with as many. Each side counts so far.
LEAST_FRAMED, SURELY_FRAMED = 4, 7
LEAST_FRAMED_CONTENT = 2
REACH_OF_FRAME = 6
LEAST_IN_COMPANY = 2
RIVAL_SHARE = 0.4
ONE_PLACE_SHARE = 0.6
OWN_SHARE = 0.34
_RESULTS = WINNING | LOSING
_SORTED_RESULTS = sorted(_RESULTS)
# These are won over somebody; the others are done to somebody.
_WITHOUT_OBJECT = frozenset(map(text.stem_of, ("win", "victory", "triumph")))
# What may link a result to a party; a win `of` something is a stage of the Tour.
_LINKS = dict.fromkeys(_RESULTS, OF_RESULTS) | dict.fromkeys(_WITHOUT_OBJECT, OF_RESULTS - {"of"})
_BEFORE_BEATEN = frozenset(["over", "against", "of"])
# So many words may stand between two names that changed places, and none of these: both ways round
# are as true.
WIDEST_PAIR = 6
_EITHER_WAY = MUTUAL_ONLY | frozenset(
    ["and", "or", "with", "against", "v", "vs", "versus", "between", "beside", "alongside", "near"]
)
_BEFORE_BASE = frozenset(["to", "will", "would", "could", "can", "should", "may", "might", "must"])
_ARTICLES = frozenset(["a", "an", "the"])
_IS = frozenset(["is", "was", "are", "were"])
# The article says nowhere that one is the other if so many words are between the two everywhere.
# A name is said again where a noun becomes `it`.
FAR_APART, FURTHER_APART = 25, 60
# These part two clauses; and these are done to others.
_PARTING = frozenset(
    ["that", "when", "while", "because", "but", "as", "if", "before", "after", "since", "until"]
) | {"who", "which", "says", "said"}
_TO_OTHERS = WINNING | frozenset(
    map(text.stem_of, ("over", "against", "sign", "appoint", "succeed"))
)
# Of so many words behind a verb, such a share, and two of content, are the article's behind it.
REACH_OF_PREDICATE = 6
PREDICATE_SHARE = 0.75
# So much alike, no pronoun stands for the summary's name.
_SURE_SHARE = 0.7
REACH_IN_SLOT = 10


class _Parties(NamedTuple):
    """The stems before and after a verb, who does it first; and where they stand."""

    doer: frozenset[str]
    target: frozenset[str]
    first: int
    last: int


class _Clash(NamedTuple):
    """Words of the summary in the wrong role, and those of the article that have it.

    kind: `roles`; `swap` where the words around a name are not enough to be sure.
    """

    span: Span
    stated: Span
    at: int
    kind: str = "roles"
    message: str = "the article says {}"


class StatedRoles(NamePlaces):
    """The names and words of an article, found once for all its summaries."""

    def compare(self, summary: str) -> Score:
        """Return the share of the comparable sentences without a swap, with flags."""
        return _Claims(self, summary).share_without_clash()


@dataclass(frozen=True)
class Roles(LexicalCheck):
    """Share of the summary's comparable sentences in which everyone has the article's role.

    A sentence is comparable if the article has one of its verbs with both parties, or one of its
    names, amid the same words. It scores 0 where the parties of a verb changed places (`A beat B`
    for `B beat A`, also in the passive), or where a name that the article has elsewhere stands in
    the place of another (`Governor Doe said` for `Governor Roe said`) or before its verb; where two
    names changed places (`from Oxford to Didcot`), or two numbers (`24 flats, 118 of them cheap`),
    somebody does something to himself (`Italy beat Italy`), or is said to be what the article has
    only far from him; else 1.
    English. A summary without such sentences has no score.
    """

    version: ClassVar[int] = 13
    index: ClassVar[type[ArticleIndex]] = StatedRoles
    english: ClassVar[bool] = True


class _Claims(SummaryClaims[StatedRoles, _Clash]):
    """The names and words of a summary, held against an article."""

    def __init__(self, article: StatedRoles, summary: str) -> None:
        super().__init__(article, summary)
        self._last = -1, frozenset[str]()
        names = self.own.named_as(article.passages)
        self.name_at = names_by_token(self.own, names)
        self._has_name_twice = len({name.words for name in names}) < len(names)
        self._named_tokens = [*self.name_at]
        self._with_names = {self.own.columns.sentences[at] for at in self.name_at}
        self._wholes: dict[int, list[int]] = {}
        self._named: dict[int, frozenset[str]] = {}
        self._is_talk = bool(article.speakers.known)
        self._exchange = Exchange(article, self.own, self.name_at)
        self._holders = Holders(article, self.own, self.name_at)

    def read(self, number: int) -> tuple[list[int], list[_Clash]]:
        """Return which sentences of the article one was compared with, and what clashes."""
        compared: set[int] = set()
        clashes: list[_Clash] = []
        for at in self._words_to_read(number):
            if clashes and self.own.tokens[at].start < clashes[-1].span.end:
                continue
            places, clash = self._of_name(at) if at in self.name_at else self._of_word(at)
            if places:
                compared.update([self.stated.columns.sentences[place] for place in places[:3]])
            if clash is not None and not any(
                each.span == clash.span and each.kind in ("roles", clash.kind) for each in clashes
            ):
                clashes.append(clash)
                compared.add(self.stated.columns.sentences[clash.at])
        wrong = self._exchange.find(number)
        if wrong:
            clashes = [each for each in clashes if not _touches(each, wrong)]
            clashes += [_Clash(*each) for each in wrong]
            compared.update([self.stated.columns.sentences[each.at] for each in wrong])
        return sorted(compared), clashes

    def _words_to_read(self, number: int) -> list[int]:
        """Return which words of a sentence are looked at; without a name few are."""
        near, words = (
            range(self.own.first[number], self.own.first[number + 1]),
            self.own.columns.words,
        )
        if number not in self._with_names and not self._is_talk:
            return [at for at in near if words[at] in _IS]
        content, name_at = self.own.columns.content, self.name_at
        return [at for at in near if content[at] or at in name_at or words[at] in _IS]

    def _of_word(self, at: int) -> tuple[list[int], _Clash | None]:
        """Return where the article has a word that is of no name, and a clash with it."""
        if self.own.columns.words[at] in _IS:
            return [], self._said_to_be(at)
        if self.own.stems[at] in MUTUAL:
            return [], None
        places, clash = self._swap(at) if self._may_have_parties(at) else ([], None)
        return places, clash or (self._is_talk and self._first_person(at)) or self._subject(at)

    def _of_name(self, at: int) -> tuple[list[int], _Clash | None]:
        """Return where the article has what stands around a name, and a clash with it.

        Nothing for a word inside a name: each name is asked about once.
        """
        name = self.name_at[at]
        if self.name_at.get(at - 1) is name or not self._is_known(name):
            return [], None
        clash = (
            self._to_itself(at)
            or self._crossing(at)
            or self._frame_clash(at)
            or self._held_by_another(at)
            or self._company_clash(at)
        )
        return ([], clash) if clash else self._slot(at)

    def _held_by_another(self, at: int) -> _Clash | None:
        """Return a clash where a name is said to be what the article says of another."""
        holder = self._holders.find(at)
        if holder is None or self._is_same(self.name_at[at], holder.name):
            return None
        span = self.own.span(holder.first, holder.last)
        return _Clash(span, holder.name.span, holder.at, "roles", "the article says so of {}")

    def _may_have_parties(self, at: int) -> bool:
        """Tell whether names stand near enough to a word: one, if it is a verb, or else two."""
        named = self._named_tokens
        number = bisect.bisect_left(named, at)
        before = number > 0 and at - named[number - 1] <= REACH_TO_PARTY
        behind = number < len(named) and named[number] - at <= REACH_TO_PARTY
        return (before and behind) or ((before or behind) and is_verb(self.own.columns.words[at]))

    def _swap(self, at: int) -> tuple[list[int], _Clash | None]:
        """Return the article's places of a verb, and a clash where its parties changed places."""
        stem = self.own.stems[at]
        places = self._verb_places(stem)
        own = self._parties(at) if 0 < len(places) <= MOST_PLACES else None
        if own is None:
            return [], None
        crossed: list[int] = []
        for place in places:
            before, after = self._nearest(place, own)
            if before in own.doer and after in own.target:
                return [place], None
            if before in own.target and after in own.doer and self._is_done(place):
                crossed.append(place)
        both_named = own.first in self.name_at and own.last in self.name_at
        if not crossed and stem in _RESULTS and both_named:
            crossed = self._where_winner_loses(places, own)
        if not crossed:
            return [], None
        span = self.own.span(own.first, own.last)
        return crossed, _Clash(span, self._around(crossed[0], own), crossed[0])

    def _where_winner_loses(self, places: list[int], own: _Parties) -> list[int]:
        """Return where the article has the summary's winner beaten; none if the loser is, too."""
        crossed: list[int] = []
        for place in places:
            if self.stated.stems[place] in LOSING or is_reversed(self.stated, place):
                continue
            beaten = self._loser_at(place)
            if _is_meant(own.target, beaten):
                return []
            if _is_meant(own.doer, beaten):
                crossed.append(place)
        return crossed

    def _loser_at(self, place: int) -> frozenset[str]:
        """Return the stems of who is beaten, behind a win: `win over`, or right behind `beat`."""
        words, stems = self.stated.columns.words, self.stated.stems
        after = words[place + 1 : min(self.stated.bounds(place)[1], place + 6)]
        if not after:
            return frozenset()
        has_link = after[0] in _BEFORE_BEATEN
        has_link = has_link or (after[0] == "for" and words[place] in DEFEATS)
        is_noun = stems[place] in _WITHOUT_OBJECT
        if not has_link and (is_noun or after[0] in FUNCTION_WORDS):
            return frozenset()
        named = [*itertools.takewhile(lambda word: word not in APART, after[has_link:])]
        first = place + 1 + has_link
        return frozenset(stems[first : first + len(named)])

    def _is_done(self, place: int) -> bool:
        """Tell whether a word of the article is a verb, or a win or loss: not `their access`."""
        words = self.stated.columns.words
        before = words[place - 1] if place > self.stated.bounds(place)[0] else ""
        is_base = before in _BEFORE_BASE or (words[place].endswith("ing") and before in BE)
        return self.stated.stems[place] in _RESULTS or is_verb(words[place]) or is_base

    def _verb_places(self, stem: str) -> list[int]:
        """Return where the article has a verb, or one of the same result; not all, of too many."""
        found: list[int] = []
        for one in _SORTED_RESULTS if stem in _RESULTS else _spellings(stem):
            if one in self.stated.places:
                found += self.stated.places[one][: MOST_PLACES + 1]
        return found[: MOST_PLACES + 1]

    def _behind_result(self, place: int, after: range) -> range:
        """Return where the one beaten may stand: behind a `win`, only after `over` or the like."""
        if self.stated.stems[place] not in _WITHOUT_OBJECT:
            return after
        words, content = self.stated.columns.words, self.stated.columns.content
        first = next((each for each in after[:REACH_OF_WORDS] if content[each]), None)
        links = words[place + 1 : first] if first else ()
        return after[:0] if _BEFORE_BEATEN.isdisjoint(links) else after

    def _parties(self, at: int) -> _Parties | None:
        """Return who does something and to whom, from the words right beside a verb."""
        low, high = self.own.bounds(at)
        before = self._party(range(at - 1, low - 1, -1), at)
        after = self._party(range(at + 1, high), at) if before else []
        if not after:
            return None
        stems = self.own.stems
        sides = [frozenset([stems[each] for each in side]) for side in (before, after)]
        named = sum(any(each in self.name_at for each in side) for side in (before, after))
        if sides[0] & sides[1] or named < (1 if is_verb(self.own.tokens[at].word) else 2):
            return None
        if is_reversed(self.own, at):
            sides.reverse()
        return _Parties(sides[0], sides[1], min(before), max(after))

    def _party(self, positions: range, verb: int) -> list[int]:
        """Return the nearest name, or the nearest one or two words of content, up to a comma."""
        found: list[int] = []
        columns, links = self.own.columns, _LINKS.get(self.own.stems[verb], frozenset())
        for at in positions[:REACH_TO_PARTY]:
            word = columns.words[at]
            mark = columns.after_mark[at if at > verb else at + 1]
            mark = mark and not word.isdecimal()  # the 30-20 victory
            if mark or (word in APART and word not in links):
                break
            if at in self.name_at:
                return self._whole_name(at)
            if columns.content[at] and not word.isdecimal() and not word.endswith("ly"):
                found.append(at)
        near = [each for each in found[:2] if abs(each - found[0]) <= 1]
        return near if near and abs(near[0] - verb) <= REACH_OF_WORDS else []

    def _whole_name(self, at: int) -> list[int]:
        if at not in self._wholes:
            self._wholes[at] = tokens_of_name(self.name_at, at)
        return self._wholes[at]

    def _nearest(self, place: int, own: _Parties) -> tuple[str, str]:
        """Return which party's word stands nearest before a verb, and after; who does it first."""
        low, high = self.stated.bounds(place)
        wanted = own.doer | own.target
        before = range(place - 1, max(low, place - REACH_BEFORE) - 1, -1)
        after = range(place + 1, min(high, place + REACH_AFTER + 1))
        stems = self.stated.stems
        first, second = (
            next((stems[each] for each in side if stems[each] in wanted), "")
            for side in (before, self._behind_result(place, after))
        )
        return (second, first) if is_reversed(self.stated, place) else (first, second)

    def _around(self, place: int, own: _Parties) -> Span:
        """Return the article's words from one party to the other."""
        low, high = self.stated.bounds(place)
        wanted = own.doer | own.target
        near = range(max(low, place - REACH_BEFORE), min(high, place + REACH_AFTER + 1))
        hits = [each for each in near if self.stated.stems[each] in wanted]
        return self.stated.span(min([*hits, place]), max([*hits, place]))

    def _to_itself(self, at: int) -> _Clash | None:
        """Return a clash where somebody does something to himself: `Italy beat Italy`."""
        name = self.name_at[at]
        if not self._has_name_twice:
            return None
        low = max(self.own.bounds(at)[0], at - REACH_OF_COMPANY)
        before = next((e for e in range(at - 1, low - 1, -1) if self._is_named(e, name)), None)
        stated = self.article.by_words.get(name.words)
        if before is None or not stated or not self._is_done_to(before, at):
            return None
        where = self.article.name_at[stated[0]].span
        message = "the same on both sides, where another belongs; the article has {}"
        span = Span(self.name_at[before].span.start, name.span.end)
        return _Clash(span, where, stated[0], "doubled", message)

    def _is_done_to(self, before: int, at: int) -> bool:
        """Tell whether what stands between two names is done by the one to the other."""
        between = self.own.tokens[before + 1 : at]
        if any(token.word in _PARTING for token in between):
            return False
        if not between or any(t.after_mark for t in self.own.tokens[before + 1 : at + 1]):
            return False
        deed = next((t for t in reversed(between) if t.word not in BEFORE_NAME), between[0])
        joined = deed.word == "and" and deed is not between[-1]  # Acme and the Acme of old
        return not joined and self._takes_another(deed, self._whole_name(at)[-1])

    def _is_named(self, at: int, name: text.Name) -> bool:
        """Tell whether a token of the summary ends another name of the same words."""
        other = self.name_at.get(at)
        return other is not None and other is not name and other.words == name.words

    def _takes_another(self, deed: Token, last: int) -> bool:
        """Tell whether a word is followed by whom it is done to, and not by what is theirs."""
        if deed.stem in _TO_OTHERS:
            return True
        high = self.own.bounds(last)[1]
        if last + 1 < high and not self.own.tokens[last + 1].after_mark:
            following = self.own.tokens[last + 1]
            if following.content or following.word == "s" or last + 1 in self.name_at:
                return False
        return deed.word in ("by", "and") or (is_verb(deed.word) and deed.stem not in MUTUAL)

    def _said_to_be(self, at: int) -> _Clash | None:
        """Return a clash where somebody is said to be what the article never says near them.

        `Emery is a goalkeeper`, where the article has both, far from each other.
        """
        tokens, last = self.own.tokens, self._end_of_noun(at)
        if last is None or at == self.own.bounds(at)[0]:
            return None
        subject = tokens[at - 1]
        if not subject.content or tokens[at].after_mark:
            return None
        name = self.name_at.get(at - 1)
        ones = self.article.places_of(map(text.stem_of, name.words if name else [subject.word]))
        others = self.article.places_of([tokens[last].stem])
        is_rare = 0 < len(ones) <= MOST_PLACES and 0 < len(others) <= MOST_PLACES
        if not is_rare or _least_apart(ones, others) < (FAR_APART if name else FURTHER_APART):
            return None
        number = self.stated.columns.sentences[ones[0]] + 1
        message = f"the article has '{subject.written}' in sentence {number}, and far from it {{}}"
        where = self.stated.span(others[0], others[0])
        return _Clash(self.own.span(at - 1, last), where, others[0], "spliced", message)

    def _end_of_noun(self, at: int) -> int | None:
        """Return the last word of content in a row behind `is a`; None where there is none."""
        tokens, high = self.own.tokens, self.own.bounds(at)[1]
        if at + 2 >= high or tokens[at + 1].word not in _ARTICLES:
            return None
        near = range(at + 2, min(high, at + 2 + REACH_OF_PREDICATE))
        row = itertools.takewhile(lambda e: tokens[e].content and not tokens[e].after_mark, near)
        return max(row, default=None)

    def _crossing(self, at: int) -> _Clash | None:
        """Return a clash where two names stand around some words the other way round.

        `From Oxford to Didcot`, where the article has only `from Didcot to Oxford`.
        """
        first, behind = at, self._whole_name(at)[-1] + 1
        second = self._next_name(behind)
        if second is None or not self._is_directed(first, behind, second):
            return None
        one, other = self.name_at[at], self.name_at[second]
        pairs = [*self._names_around(behind, second)]
        if any(_shares_word(pair[0], one) and _shares_word(pair[1], other) for pair in pairs):
            return None
        for before, after, place in pairs:
            if _shares_word(before, other) and _shares_word(after, one):
                stated = Span(before.span.start, after.span.end)
                return _Clash(Span(one.span.start, other.span.end), stated, place)
        return None

    def _names_around(self, first: int, end: int) -> Iterator[tuple[text.Name, text.Name, int]]:
        """Yield the names on both sides of the same words in the article, and where these are."""
        for low, high in self._same_words(first, end):
            before, after = self._name_before(low), self._name_behind(high)
            if before is not None and after is not None:
                yield before, after, low

    def _name_before(self, end: int) -> text.Name | None:
        """Return the name of the article before a token, perhaps before a word or two."""
        near = range(end - 1, max(-1, end - 1 - REACH_OF_WORDS), -1)
        return next((self.article.name_at[at] for at in near if at in self.article.name_at), None)

    def _name_behind(self, start: int) -> text.Name | None:
        """Return the name of the article at a token, or behind its title."""
        words = self.stated.columns.words[start : start + REACH_OF_WORDS]
        titles = itertools.takewhile(BEFORE_NAME.__contains__, words)
        return self.article.name_at.get(start + sum(1 for _ in titles))

    def _next_name(self, behind: int) -> int | None:
        """Return where the next name begins, if few words are between."""
        high = self.own.bounds(behind - 1)[1]
        near = range(behind + 1, min(high, behind + 1 + WIDEST_PAIR))
        return next((each for each in near if each in self.name_at), None)

    def _is_directed(self, first: int, behind: int, second: int) -> bool:
        """Tell whether two names cannot change places around some words: not around `and`."""
        between = self.own.tokens[behind:second]
        stems = {token.stem for token in between}
        if not stems.isdisjoint(_EITHER_WAY) and stems.isdisjoint(_RESULTS):
            return False
        if any(token.after_mark for token in between):
            return False
        low = max(self.own.bounds(first)[0], first - 3)
        is_way = stems == {"to"}
        return not is_way or "from" in {token.word for token in self.own.tokens[low:first]}

    def _same_words(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield where the article has the same words in a row, in one sentence."""
        words = self.own.tokens[first:end]
        while len(words) > 1 and words[-1].word in BEFORE_NAME:
            words = words[:-1]
        wanted = [token.stem for token in words]
        rarest = min(wanted, key=lambda stem: len(self.stated.places.get(stem, ())))
        step = wanted.index(rarest)
        for place in self.stated.places.get(rarest, ())[:MOST_PLACES]:
            low = place - step
            high = low + len(wanted)
            if low > 0 and self.stated.stems[low:high] == wanted:
                yield low, high

    def _frame_clash(self, at: int) -> _Clash | None:
        """Return a clash where a name stands between words that the article has around another."""
        name, members = self.name_at[at], self._whole_name(at)
        first, last = members[0], members[-1]
        low, high = self.own.bounds(first)
        before = self.own.stems[first - 1] if first > low else ""
        behind = self.own.stems[last + 1] if last + 1 < high else ""
        if before and behind:
            groups = self.article.names_between(before, behind)
        else:
            groups = self.article.names_beside(before or behind, 1 if before else -1)
        scored = [(self._same_around(first, last, *group), group) for group in groups]
        best = max(scored, default=(0, (0, 0)))
        if best[0] < LEAST_FRAMED:
            return None
        if any(
            n == best[0] and self._is_same(name, self.article.name_at[group[0]])
            for n, group in scored
        ):
            return None
        other = self.article.name_at[best[1][0]]
        if not self._words_of(self.own.tokens[first].sentence).isdisjoint(other.words):
            return None
        clash = self._for_another(name, other, best[1][0])
        is_sure = best[0] >= SURELY_FRAMED and before and behind
        return clash._replace(kind="roles") if clash and is_sure else clash

    def _company_clash(self, at: int) -> _Clash | None:
        """Return a clash where what is said around a name is said around another, not around it."""
        name = self.name_at[at]
        wanted = self._said_around(self._whole_name(at))
        if len(wanted) < LEAST_IN_COMPANY:
            return None
        companies = [*map(self.article.companions, wanted)]
        same = self.article.alike(name.words)
        n_own = len(companies) - sum(map(same.isdisjoint, companies))
        if n_own > OWN_SHARE * len(wanted):  # around no other is so much more
            return None
        enough = max(LEAST_IN_COMPANY, RIVAL_SHARE * len(wanted))
        if sum(map(bool, companies)) < enough:
            return None
        shared = Counter(itertools.chain.from_iterable(companies))
        rivals = {number: n for number, n in shared.items() if n >= enough}
        best = self._best_company(at, rivals, n_own) if rivals else ()
        if not best:
            return None
        places = self.article.by_words[best]
        near = [len(wanted & self.stated.around(each, REACH_OF_COMPANY)) for each in places]
        most = max(near)
        place = places[near.index(most)]
        if most < max(LEAST_IN_COMPANY, ONE_PLACE_SHARE * len(wanted)):
            return None
        if self._is_told_beside(name, place):
            return None
        return self._for_another(name, self.article.name_at[place], place)

    def _is_told_beside(self, name: text.Name, place: int) -> bool:
        """Tell whether the article has a name in the sentence of a place, or in the one before it.

        Then what is said at the place may be said of it, in other words: the sentence has `he`.
        """
        distinct, numbers = self.article.distinct, self.stated.columns.sentences
        return any(
            0 <= numbers[place] - numbers[at] <= 1
            for number in self.article.alike(name.words)
            for at in self.article.by_words[distinct[number]]
        )

    def _said_around(self, members: list[int]) -> frozenset[str]:
        """Return the stems of content around a name, without names, that the article has at all."""
        near = self.own.around(members[0], REACH_OF_COMPANY)
        if len(members) > 1:
            near |= self.own.around(members[-1], REACH_OF_COMPANY)
        named = self._named_stems(self.own.columns.sentences[members[0]])
        return (near & self.shared_stems) - named

    def _named_stems(self, number: int) -> frozenset[str]:
        """Return the stems of the names of a sentence of the summary; those of all are kept."""
        if number not in self._named:
            low, high = self.own.first[number], self.own.first[number + 1]
            stems = self.own.stems
            self._named[number] = frozenset(
                stems[each] for each in range(low, high) if each in self.name_at
            )
        return self._named[number]

    def _best_company(self, at: int, rivals: Mapping[int, int], n_own: int) -> tuple[str, ...]:
        """Return the other name around which most is as wanted; none if much is around the own.

        rivals: the names around which enough of the wanted stems stand, and how many; n_own: how
        many stand around the own. Whom the summary's sentence names is no other.
        """
        same = self.article.alike(self.name_at[at].words)
        here = self._words_of(self.own.columns.sentences[at])
        distinct = self.article.distinct
        others = [n for n in rivals if n not in same and here.isdisjoint(distinct[n])]
        if not others:
            return ()
        best = min(others, key=lambda number: (-rivals[number], number))
        if n_own > OWN_SHARE * rivals[best]:
            return ()
        known = any(self.article.company_of(distinct[number]) for number in same)
        return distinct[best] if known else ()

    def _is_known(self, name: text.Name) -> bool:
        return any(word in self.article.casing for word in name.words)

    def _is_same(self, name: text.Name, other: text.Name) -> bool:
        """Tell whether a name of the article may be a summary's, by a word or a country."""
        if not self.article.forms[other.words].isdisjoint(short_forms(name.words)):
            return True
        initials = "".join(word[0] for word in name.words), "".join(word[0] for word in other.words)
        if other.words[0] == initials[0] or name.words[0] == initials[1]:
            return True
        country = text.country(" ".join(name.words))
        return bool(country) and country == text.country(" ".join(other.words))

    def _same_around(self, first: int, last: int, start: int, end: int) -> int:
        """Return how many words in a row are the same before and behind two names; 0 if too few.

        Both sides must agree, or end; and the same words must have some of content.
        """
        before = self.own.same_run(first - 1, self.stated, start - 1, -1, REACH_OF_FRAME)
        behind = self.own.same_run(last + 1, self.stated, end + 1, 1, REACH_OF_FRAME)
        low, high = self.own.bounds(first)
        if (not before and first > low) or (not behind and last + 1 < high):
            return 0
        same = [*range(first - before, first), *range(last + 1, last + 1 + behind)]
        content = sum(self.own.tokens[each].content for each in same)
        return len(same) if content >= LEAST_FRAMED_CONTENT else 0

    def _subject(self, at: int) -> _Clash | None:
        """Return a clash where the article says of another what the summary says of a name."""
        words, first = self.own.columns.words, self.own.bounds(at)[0]
        before = words[at - 1] if at > first else ""
        if not (is_verb(words[at]) or before in BEFORE_VERB or at - 1 in self.name_at):
            return None
        subject = subject_of(self.own, self.name_at, at)
        if subject is None or not self._is_known(subject):
            return None
        places = [
            place
            for place in self.stated.places.get(self.own.stems[at], ())[:MOST_PLACES]
            if self._has_predicate(at, place)
        ]
        stated = [(subject_of(self.stated, self.article.name_at, each), each) for each in places]
        if not stated or any(one is None or self._is_near(subject, place) for one, place in stated):
            return None
        other, place = stated[0]
        return None if other is None else self._for_another(subject, other, place)

    def _first_person(self, at: int) -> _Clash | None:
        """Return a clash where one speaker does what another says in the first person."""
        speakers = self.article.speakers
        stem = self.own.stems[at]
        if stem not in self.stated.places or stem in GENERAL_STEMS:
            return None
        subject = self._speaker_before(at)
        if subject is None or is_reversed(self.own, at):
            return None
        words = frozenset([self.own.columns.words[subject]])
        behind = range(at + 1, min(self.own.bounds(at)[1], at + 1 + REACH_OF_PREDICATE))
        said = {self.own.stems[each] for each in behind if self.own.columns.content[each]}
        found = [*speakers.deeds(stem)]
        deeds = [deed for deed in found if deed is not None]
        if not said or not deeds or len(deeds) < len(found):
            return None
        if any(
            not words.isdisjoint(each.speaker) or speakers.agrees(words, each) for each in deeds
        ):
            return None
        deed = max(deeds, key=lambda each: len(said & speakers.said_with(each)))
        if said.isdisjoint(speakers.said_with(deed)):
            return None
        where = self.stated.span(deed.subject, deed.verb)
        span = self.own.span(subject, subject)
        return _Clash(span, where, deed.verb, "roles", "another speaker says {}")

    def _speaker_before(self, at: int) -> int | None:
        """Return the token before a verb that is a speaker's name, if he is its only subject.

        Not of `Anna and Tom agreed`; a line begins with it, so its capital does not show a name.
        """
        words, low = self.own.columns.words, self.own.bounds(at)[0]
        subject = at - 1
        while subject >= low and words[subject] in BEFORE_VERB:
            subject -= 1
        if subject < low or words[subject] not in self.article.speakers.known:
            return None
        if any(self.own.columns.after_mark[subject + 1 : at + 1]):
            return None
        before = words[max(low, subject - 3) : subject]
        is_object = before and before[-1] in APART and before[-1] not in BEFORE_CLAUSE
        joined = before[-1:] == ["and"] and (
            not self.own.columns.after_mark[subject - 1] and self._is_name(subject - 2)
        )
        return None if is_object or joined or not self._is_name(subject) else subject

    def _is_name(self, at: int) -> bool:
        return at >= 0 and self.own.columns.written[at][0].isupper()

    def _for_another(self, name: text.Name, other: text.Name, at: int) -> _Clash | None:
        """Return the clash of a name with another; None where that is the same: QPR, the US."""
        if self._is_same(name, other):
            return None
        return _Clash(name.span, other.span, at, "swap", "the article has {} in this place")

    def _is_near(self, subject: text.Name, place: int) -> bool:
        """Tell whether the article has a name before a verb in its sentence."""
        low = self.stated.bounds(place)[0]
        near = {*self.stated.columns.words[low:place]}
        if not short_forms(near).isdisjoint(short_forms(subject.words)):
            return True
        country = text.country(" ".join(subject.words))
        return bool(country) and any(text.country(word) == country for word in near)

    def _has_predicate(self, at: int, place: int) -> bool:
        """Tell whether the article's words behind a verb are those of the summary's."""
        own_end, end = self.own.bounds(at)[1], self.stated.bounds(place)[1]
        own = self.own.tokens[at + 1 : min(own_end, at + 1 + REACH_OF_PREDICATE)]
        mine = [token.stem for token in own if token.content]
        its = self.stated.stems[place + 1 : min(end, place + 3 + REACH_OF_PREDICATE)]
        shared = sum(stem in its for stem in mine)
        return shared >= LEAST_FRAMED_CONTENT and shared >= PREDICATE_SHARE * len(mine)

    def _slot(self, at: int) -> tuple[list[int], _Clash | None]:
        """Return where the article has what stands around a name, and a clash if it has another."""
        name, members = self.name_at[at], self._whole_name(at)
        wanted = self._slot_words(members)
        if len(wanted) < LEAST_IN_SLOT:
            return [], None
        best = self._best_slot(wanted, members)
        if best is None:
            return [], None
        place, other, share = best
        sentence = self.stated.columns.sentences[place]
        if other is None or not _are_of_one_sort(name, other):
            return [place], None
        if self.article.may_mean(name, sentence, share < _SURE_SHARE):
            return [place], None
        return [place], self._for_another(name, other, place)

    def _slot_words(self, members: list[int]) -> frozenset[str]:
        low, high = self.own.bounds(members[0])
        near = range(max(low, members[0] - SLOT_REACH), min(high, members[-1] + SLOT_REACH + 1))
        stems, content = self.own.stems, self.own.columns.content
        return frozenset([stems[each] for each in near if content[each] and each not in members])

    def _best_slot(
        self, wanted: frozenset[str], members: list[int]
    ) -> tuple[int, text.Name | None, float] | None:
        """Return the place most like a name's, with the name that the article has in it."""
        least = LEAST_IN_SLOT
        while least / len(wanted) < SLOT_SHARE:
            least += 1
        if len(wanted & self.shared_stems) < least:
            return None
        place, shared = self.stated.densest(wanted, REACH_IN_SLOT, least)
        if not shared:
            return None
        share, (low, high), name_at = (
            shared / len(wanted),
            self.stated.bounds(place),
            self.article.name_at,
        )
        own_words = self._words_of(self.own.columns.sentences[members[0]])
        for at in range(max(low, place - 12), min(high, place + 13)):
            if at not in name_at:
                continue
            other = name_at[at]
            is_foreign = own_words.isdisjoint([word.replace(".", "") for word in other.words])
            if is_foreign and self._fits(at, members):
                return place, other, share
        return place, None, share

    def _words_of(self, number: int) -> frozenset[str]:
        """Return the words of a sentence of the summary; those of the last one are kept."""
        if self._last[0] != number:
            first, end = self.own.first[number], self.own.first[number + 1]
            self._last = number, frozenset(self.own.columns.words[first:end])
        return self._last[1]

    def _fits(self, at: int, members: list[int]) -> bool:
        """Tell whether a name of the article has the neighbours of a name of the summary."""
        mine = stems_beside(self.own, members[0], members[-1])
        its = self.article.neighbours_of(at)
        if mine[0].isdisjoint(its[0]) and mine[1].isdisjoint(its[1]):
            return False
        beside = self.own.beside(members[0]) | self.own.beside(members[-1])
        beside -= {self.own.stems[each] for each in members}
        return self.stated.near(at, beside, 4) > 0

    def flag(self, clash: _Clash) -> Flag:
        """Return what a reader is told of a clash, with the article's words."""
        said = clash.stated.of(self.article.text)
        number = self.stated.columns.sentences[clash.at] + 1
        message = clash.message.format(f"'{said}'") + f", in sentence {number}"
        return Flag(clash.span, clash.kind, message, (clash.stated,))


def _least_apart(ones: Sequence[int], others: Sequence[int]) -> int:
    """Return how many words are between the nearest two of two rows of places, each in order."""
    at = (bisect.bisect_left(others, one) for one in ones)
    near = (
        (one, others[max(0, place - 1) : place + 1]) for one, place in zip(ones, at, strict=True)
    )
    return min(abs(one - other) for one, beside in near for other in beside)


def _are_of_one_sort(one: text.Name, other: text.Name) -> bool:
    """Tell whether both are people, or both places, …; not where their words do not tell.

    What stands around the Premier League stands around a club, too: neither is in its place.
    """
    sort = sort_of_name(one.words)
    return bool(sort) and sort == sort_of_name(other.words)


def _touches(clash: _Clash, wrong: Sequence[WrongPlace]) -> bool:
    span = clash.span
    return any(span.start < other.span.end and other.span.start < span.end for other in wrong)


def _shares_word(one: text.Name, other: text.Name) -> bool:
    return not frozenset(one.words).isdisjoint(other.words)


def _spellings(stem: str) -> list[str]:
    """Return a stem as it is and as it is spelled elsewhere: of `criticised` and `criticized`."""
    return [stem, stem.removesuffix("is") if stem.endswith("is") else f"{stem}is"]


def _is_meant(party: frozenset[str], words: frozenset[str]) -> bool:
    """Tell whether some words name a party: two of its words, or the only one of its own."""
    shared = party & words
    return len(shared) >= min(2, len(party)) or bool(shared - NAMING_STEMS)
