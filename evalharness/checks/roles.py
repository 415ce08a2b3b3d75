"""Does each one do in the summary what it does in the article, and to whom?"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import ClassVar, NamedTuple

from evalharness import text
from evalharness.checks.cues import PROMISES
from evalharness.checks.passages import (
    MOST_PLACES,
    MOST_WORDS,
    Passages,
    in_order,
    passages,
    stemmed,
    without_claims,
)
from evalharness.protocols import Need, Pair
from evalharness.records import Flag, Score, SentenceScore, Span

# How far from a verb, in words, its parties stand in the article.
REACH_BEFORE = 12
REACH_AFTER = 9
# A summary's name stands in the place of another if so many of the words around it stand around
# that other, and such a share of them; set by hand on labelled news summaries.
SLOT_REACH = 7
LEAST_IN_SLOT = 3
SLOT_SHARE = 0.6
# What was said so many sentences before may be meant by `he` or `the firm`.
SENTENCES_BEFORE = 2
_BE = frozenset("is are was were be been being get got gets".split())
# Who does these and to whom may change places.
_MUTUAL = frozenset(
    map(
        stemmed,
        "meet marry divorce play face draw join fight talk agree share compete differ debate "
        "speak say tell be have include follow and become call name know base compare mean "
        "make take see come go get give year old new live near include set".split(),
    )
)


@dataclass(frozen=True)
class Roles:
    """Share of the summary's comparable sentences in which everyone has the article's role.

    A sentence is comparable if the article has one of its verbs with both parties, or one of its
    names, amid the same words. It scores 0 where the parties of a verb changed places (`A beat B`
    for `B beat A`, also in the passive), or where a name that the article has elsewhere stands in
    the place of another (`Governor Doe said` for `Governor Roe said`); else 1. English. A summary
    without such sentences has no score.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 1

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Flag every party in the wrong role, and point to what the article says."""
        stated_in = cache(StatedRoles)
        return [check_roles(stated_in(article.text), summary.text) for article, summary in pairs]


class _Parties(NamedTuple):
    """The stems before and after a verb, who does it first; and where they stand."""

    doer: frozenset[str]
    target: frozenset[str]
    first: int
    last: int


class _Clash(NamedTuple):
    """Words of the summary in the wrong role, and those of the article that have it."""

    span: Span
    stated: Span
    at: int
    swapped: bool


@lru_cache(maxsize=4)
def _named(article: str) -> tuple[list[text.Name], text.Casing]:
    return text.names_and_casing(article, passages(article).sentences)


class StatedRoles:
    """The names and words of an article, found once for all its summaries."""

    def __init__(self, article: str) -> None:
        self.text = article
        self.passages = passages(article)

    @cached_property
    def casing(self) -> text.Casing:
        """How the article writes its words."""
        return _named(self.text)[1]

    @cached_property
    def name_at(self) -> dict[int, text.Name]:
        """The name that a token is part of."""
        return _by_token(self.passages, _named(self.text)[0])

    @cached_property
    def words_of(self) -> list[frozenset[str]]:
        """All words of each sentence, folded."""
        first = self.passages.first
        return [
            frozenset(token.word for token in self.passages.tokens[first[n] : first[n + 1]])
            for n in range(len(self.passages.sentences))
        ]

    def mentions(self, words: Sequence[str], sentence: int) -> bool:
        """Tell whether a name is in a sentence or close enough to be meant there."""
        near = self.words_of[max(0, sentence - SENTENCES_BEFORE) : sentence + 2]
        return any(word in known for known in near for word in words)


def _by_token(where: Passages, names: Sequence[text.Name]) -> dict[int, text.Name]:
    """Return the name that each token is part of."""
    starts = {token.start: at for at, token in enumerate(where.tokens)}
    found = ((starts.get(part.start), name) for name in names for part in name.parts)
    return {at: name for at, name in found if at is not None}


def check_roles(article: StatedRoles, summary: str) -> Score:
    """Return the share of the comparable sentences without a swap, with flags."""
    if note := without_claims(article.text, summary):
        return Score(None, note=note)
    claims = _Claims(article, passages(summary))
    flags: list[Flag] = []
    scores: list[SentenceScore] = []
    for number, sentence in enumerate(claims.own.sentences):
        if claims.own.first[number] >= MOST_WORDS:
            break
        compared, clashes = claims.read(number)
        if compared:
            flags += [claims.flag(clash) for clash in clashes]
            evidence = in_order([article.passages.sentences[each] for each in compared])
            scores.append(SentenceScore(sentence, float(not clashes), evidence[:5]))
    if not scores:
        return Score(None, note="no sentence can be compared with one of the article")
    value = sum(score.value for score in scores) / len(scores)
    return Score(value, sentences=tuple(scores), flags=tuple(flags))


class _Claims:
    """The names and words of a summary, held against an article."""

    def __init__(self, article: StatedRoles, own: Passages) -> None:
        self.article = article
        self.stated = article.passages
        self.own = own
        self.name_at = _by_token(own, text.names(own.text, article.casing, own.sentences))

    def read(self, number: int) -> tuple[list[int], list[_Clash]]:
        """Return which sentences of the article one was compared with, and what clashes."""
        copied = self.stated.sentence_of(self.own.sentences[number].of(self.own.text))
        if copied is not None:
            return [copied], []
        compared: set[int] = set()
        clashes: list[_Clash] = []
        for at in range(self.own.first[number], self.own.first[number + 1]):
            if clashes and self.own.tokens[at].start < clashes[-1].span.end:
                continue
            places, clash = self._swap(at)
            if clash is None:
                more, clash = self._slot(at)
                places += more
            compared.update(self.stated.tokens[place].sentence for place in places[:3])
            if clash is not None:
                clashes.append(clash)
        return sorted(compared), clashes

    def _swap(self, at: int) -> tuple[list[int], _Clash | None]:
        """Return the article's places of a verb, and a clash where its parties changed places."""
        token = self.own.tokens[at]
        if not token.content or token.stem in _MUTUAL or at in self.name_at:
            return [], None
        places = self.stated.places.get(token.stem, [])
        own = self._parties(at)
        if not places or len(places) > MOST_PLACES or own is None:
            return [], None
        compared: list[int] = []
        crossed_at = -1
        for place in places:
            before, after = self._sides(place)
            if own.doer & before or own.target & after:
                return [place], None
            if own.doer & after and own.target & before:
                crossed_at = place if crossed_at < 0 else crossed_at
                compared.append(place)
        if crossed_at < 0:
            return [], None
        span = self.own.span(own.first, own.last)
        return compared, _Clash(span, self._around(crossed_at, own), crossed_at, True)

    def _parties(self, at: int) -> _Parties | None:
        """Return who does something and to whom, from the words right beside a verb."""
        low, high = self.own.bounds(at)
        before = self._party(range(at - 1, low - 1, -1), at)
        after = self._party(range(at + 1, high), at)
        if not before or not after:
            return None
        sides = [frozenset(self.own.tokens[each].stem for each in side) for side in (before, after)]
        if sides[0] & sides[1]:
            return None
        if _is_passive(self.own, at):
            sides.reverse()
        return _Parties(sides[0], sides[1], min(before), max(after))

    def _party(self, positions: range, verb: int) -> list[int]:
        """Return the nearest name, or the nearest one or two words of content, up to a comma."""
        found: list[int] = []
        for at in positions:
            token = self.own.tokens[at]
            mark = self.own.tokens[max(at, verb) if at > verb else at + 1].after_mark
            if mark or (found and not token.content) or len(found) == 2 or abs(at - verb) > 6:
                break
            if at in self.name_at:
                return [*found, *self._whole_name(at)]
            if token.content and not token.word.isdecimal() and not token.word.endswith("ly"):
                found.append(at)
        return found

    def _whole_name(self, at: int) -> list[int]:
        name = self.name_at[at]
        return [each for each in range(at - 8, at + 9) if self.name_at.get(each) is name]

    def _sides(self, place: int) -> tuple[frozenset[str], frozenset[str]]:
        """Return the stems before and after a verb of the article, who does it first."""
        low, high = self.stated.bounds(place)
        tokens = self.stated.tokens
        before = frozenset(t.stem for t in tokens[max(low, place - REACH_BEFORE) : place])
        after = frozenset(t.stem for t in tokens[place + 1 : min(high, place + REACH_AFTER + 1)])
        return (after, before) if _is_passive(self.stated, place) else (before, after)

    def _around(self, place: int, own: _Parties) -> Span:
        """Return the article's words from one party to the other."""
        low, high = self.stated.bounds(place)
        wanted = own.doer | own.target
        near = range(max(low, place - REACH_BEFORE), min(high, place + REACH_AFTER + 1))
        hits = [each for each in near if self.stated.tokens[each].stem in wanted]
        return self.stated.span(min([*hits, place]), max([*hits, place]))

    def _slot(self, at: int) -> tuple[list[int], _Clash | None]:
        """Return where the article has what stands around a name, and a clash if it has another."""
        name = self.name_at.get(at)
        if name is None or self.name_at.get(at - 1) is name:
            return [], None
        if not any(word in self.article.casing for word in name.words):
            return [], None
        members = self._whole_name(at)
        wanted = self._slot_words(members)
        if len(wanted) < LEAST_IN_SLOT:
            return [], None
        best = self._best_slot(wanted, members)
        if best is None:
            return [], None
        place, other = best
        sentence = self.stated.tokens[place].sentence
        if other is None or self.article.mentions(name.words, sentence):
            return [place], None
        return [place], _Clash(name.span, other.span, place, False)

    def _slot_words(self, members: list[int]) -> frozenset[str]:
        low, high = self.own.bounds(members[0])
        near = range(max(low, members[0] - SLOT_REACH), min(high, members[-1] + SLOT_REACH + 1))
        return frozenset(
            self.own.tokens[each].stem
            for each in near
            if each not in members and self.own.tokens[each].content
        )

    def _best_slot(
        self, wanted: frozenset[str], members: list[int]
    ) -> tuple[int, text.Name | None] | None:
        """Return the place most like a name's, with the name that the article has in it."""
        beside = (self.own.beside(members[0]) | self.own.beside(members[-1])) - {
            self.own.tokens[each].stem for each in members
        }
        positions = [
            each for stem in sorted(wanted) for each in self.stated.places.get(stem, ())[:MOST_PLACES]
        ]
        found = self.stated.aligned(wanted, positions, 10)
        if not found or found[0].shared < LEAST_IN_SLOT or found[0].share < SLOT_SHARE:
            return None
        best = found[0].at
        own_words = {token.word for token in self.own.tokens}
        low, high = self.stated.bounds(best)
        for at in range(max(low, best - 12), min(high, best + 13)):
            other = self.article.name_at.get(at)
            if other is None or own_words.intersection(other.words):
                continue
            if self.stated.near(at, beside, 3):
                return best, other
        return best, None

    def flag(self, clash: _Clash) -> Flag:
        """Return what a reader is told of a clash, with the article's words."""
        said = clash.stated.of(self.article.text)
        number = self.stated.tokens[clash.at].sentence + 1
        message = f"the article says '{said}', in sentence {number}"
        if not clash.swapped:
            message = f"the article has '{said}' in this place, in sentence {number}"
        return Flag(clash.span, "roles", message, (clash.stated,))


def _is_passive(where: Passages, at: int) -> bool:
    """Tell whether a verb is in the passive: `was beaten by`."""
    low, high = where.bounds(at)
    before = [token.word for token in where.tokens[max(low, at - 3) : at]]
    after = [token.word for token in where.tokens[at + 1 : min(high, at + 4)]]
    return "by" in after and (not _BE.isdisjoint(before) or not PROMISES.isdisjoint(before))
