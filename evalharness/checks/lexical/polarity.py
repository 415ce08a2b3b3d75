"""Does the summary deny what the article affirms, say the opposite, or state what was a maybe?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import ClassVar, NamedTuple

from evalharness.checks.lexical.cues import (
    DENYING,
    GUARDED,
    HINTS,
    LESS_THAN_PROMISED,
    PLAIN_DENYING,
    PROMISES,
    Cues,
    is_denial,
)
from evalharness.checks.lexical.passages import (
    LEAST_SHARED,
    MOST_PLACES,
    REACH_IN_ARTICLE,
    Alignment,
    Passages,
    passages,
    share_without_clash,
    without_claims,
)
from evalharness.checks.lexical.words import ALIKE, ANTONYMS
from evalharness.protocols import Need, Pair
from evalharness.records import Flag, Score

# Such a share of the words around a claim, and LEAST_SHARED of them, must stand around the place in
# the article: else the two may speak of different things. Set by hand on labelled news summaries.
NEGATED_SHARE = 0.4
OPPOSITE_SHARE = 0.4
HEDGED_SHARE = 0.5
UNDENIED_SHARE = 0.3
# A word such as `refused` or `instead` so near says that the texts may mean the same.
HINT_REACH = 5
GUARD_REACH = 6
# So much alike, only a word of denial tells that.
_SURE_SHARE = 0.75
NOVEL_SHARE = 0.3


@dataclass(frozen=True)
class Polarity:
    """Share of the summary's comparable sentences that keep what the article affirms and denies.

    A sentence is comparable if the article has one of its words, or the opposite, amid the same
    words of content. It scores 0 where one of them is denied on one side only (`did not ignore`),
    is the opposite (`opposes` for `supports`), or was hedged in the article (`may`, `alleged`,
    `expected`) and is a fact in the summary; else 1. English. A summary without such sentences has
    no score.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 2

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Flag every word of the wrong polarity, and point to what the article says."""
        stated_in = cache(StatedPolarity)
        return [check_polarity(stated_in(article.text), summary.text) for article, summary in pairs]


class _Clash(NamedTuple):
    """Tokens of the summary that clash with tokens of the article."""

    first: int
    last: int
    kind: str
    stated: tuple[int, int]


class StatedPolarity:
    """The negations and hedges of an article, found once for all its summaries."""

    def __init__(self, article: str) -> None:
        self.text = article
        self.passages = passages(article)

    @cached_property
    def cues(self) -> Cues:
        """What the article denies and what it hedges."""
        return Cues(self.passages)

    @cached_property
    def denial_verbs(self) -> frozenset[str]:
        """The verbs of denial that the article uses at all."""
        return frozenset(token.stem for token in self.passages.tokens) & DENYING

    def places(self, stems: Iterable[str]) -> list[int]:
        """Return where the article has one of some stems; empty if that is too often to tell."""
        found = [at for stem in stems for at in self.passages.places.get(stem, ())]
        return found if len(found) <= MOST_PLACES else []

    def has_hint(self, at: int, reach: int, hints: frozenset[str] = HINTS) -> bool:
        """Tell whether something near a token in its sentence says that anything is not so."""
        low, high = self.passages.bounds(at)
        near = self.passages.tokens[max(low, at - reach) : min(high, at + reach + 1)]
        return any(is_denial(token) or token.stem in hints for token in near)


def check_polarity(article: StatedPolarity, summary: str) -> Score:
    """Return the share of the comparable sentences without a clash, with flags."""
    if note := without_claims(article.text, summary):
        return Score(None, note=note)
    claims = _Claims(article, passages(summary))
    return share_without_clash(claims.stated, claims.own, claims.read, claims.flag)


class _Claims:
    """The words of a summary, held against an article."""

    def __init__(self, article: StatedPolarity, own: Passages) -> None:
        self.article = article
        self.stated = article.passages
        self.own = own
        self.own_cues = Cues(own)

    def read(self, number: int) -> tuple[list[int], list[_Clash]]:
        """Return which sentences of the article one was compared with, and what clashes."""
        first, end = self.own.first[number], self.own.first[number + 1]
        copied = self.stated.sentence_of(self.own.sentences[number].of(self.own.text))
        if copied is not None:
            return [copied], []
        compared: set[int] = set()
        clashes: list[_Clash] = []
        past = -1
        for at in range(first, end):
            places = [*self._comparable(at)]
            compared.update(self.stated.tokens[place.at].sentence for place in places[:2])
            clash = self._clash(at, places) if at > past else None
            if clash is not None:
                clashes.append(clash)
                past = max(clash.last, at)
                compared.add(self.stated.tokens[clash.stated[1]].sentence)
        return sorted(compared), clashes

    def _comparable(self, at: int) -> list[Alignment]:
        """Return the article's places of a word that are amid the same words, best first."""
        token = self.own.tokens[at]
        if not token.content or len(token.word) < 3 or token.word.isdecimal():
            return []
        return self._alignments(at, self.article.places([token.stem]), NEGATED_SHARE)

    def _alignments(self, at: int, places: Iterable[int], share: float) -> list[Alignment]:
        found = [*places]
        if not found:
            return []
        aligned = self.stated.alignments(self.own.around(at), found)
        return [
            each
            for each in aligned
            if each.shared >= min(LEAST_SHARED, len(self.own.around(at))) and each.share >= share
        ]

    def _clash(self, at: int, places: list[Alignment]) -> _Clash | None:
        return (
            self._negation(at, places)
            or self._opposite(at)
            or self._hedge(at, places)
            or self._added_denial(at, places)
        )

    def _negation(self, at: int, places: list[Alignment]) -> _Clash | None:
        """Return a clash where a word is denied on one side only."""
        cue = self.own_cues.denied.get(at)
        denied = self.article.cues.denied
        if not places or any((place.at in denied) == (cue is not None) for place in places):
            return None
        best = places[0].at
        if cue is not None:
            hints = HINTS if places[0].share < _SURE_SHARE else DENYING
            if self._is_reported(cue) or at not in self.own_cues.heads:
                return None
            if self.article.has_hint(best, HINT_REACH, hints):
                return None
            return _Clash(min(cue, at), at, "negation", (best, best))
        if best not in self.article.cues.heads or self._has_hint(at):
            return None
        return _Clash(at, at, "negation", (denied[best], best))

    def _added_denial(self, at: int, places: list[Alignment]) -> _Clash | None:
        """Return a clash where the summary denies something amid words that deny nothing."""
        cue = self.own_cues.denied.get(at)
        if places or cue is None or at not in self.own_cues.heads:
            return None
        if self.own.tokens[cue].stem in DENYING:
            return None
        wanted = self.own.around(at)
        found = self.stated.alignments(wanted, self.article.places(wanted))
        if not found or found[0].shared < LEAST_SHARED or found[0].share < UNDENIED_SHARE:
            return None
        near = [place.at for place in found if place.shared >= found[0].shared - 1]
        if any(self.article.has_hint(each, REACH_IN_ARTICLE) for each in near):
            return None
        return _Clash(cue, at, "negation", (found[0].at, found[0].at))

    def _is_reported(self, cue: int) -> bool:
        """Tell whether a denial is a verb that the article may put in other words."""
        stem = self.own.tokens[cue].stem
        return stem in DENYING and (stem in self.article.denial_verbs or stem not in PLAIN_DENYING)

    def _has_hint(self, at: int) -> bool:
        """Tell whether something near a token of the summary says that anything is not so."""
        low, high = self.own.bounds(at)
        near = self.own.tokens[max(low, at - HINT_REACH) : min(high, at + HINT_REACH + 1)]
        return any(is_denial(token) or token.stem in HINTS for token in near)

    def _opposite(self, at: int) -> _Clash | None:
        """Return a clash where the article has the opposite of a word in its place."""
        stem = self.own.tokens[at].stem
        against = ANTONYMS.get(stem)
        if against is None or self._in_name(self.own, at) or self._has_both(at, against):
            return None
        opposed, known = self.article.places(against), self._all_places(ALIKE[stem])
        if not opposed or len(known) > MOST_PLACES:
            return None
        alike = self.stated.alignments(self.own.around(at), known)
        share = OPPOSITE_SHARE if alike else NOVEL_SHARE
        beside = self.own.beside(at) - against
        found = [
            place
            for place in self._alignments(at, opposed, share)
            if not self._in_name(self.stated, place.at)
            and (place.share >= 0.5 > len(alike) or self.stated.near(place.at, beside))
        ]
        if not found or self._is_supported(alike, found[0]):
            return None
        place = found[0].at
        if (at in self.own_cues.denied) != (place in self.article.cues.denied):
            return None
        return _Clash(at, at, "antonym", (place, place))

    def _is_supported(self, alike: list[Alignment], against: Alignment) -> bool:
        """Tell whether the article has the word itself, in the same sentence or amid as much."""
        sentence = self.stated.tokens[against.at].sentence
        return any(
            place.shared >= against.shared
            or (place.shared >= LEAST_SHARED and self.stated.tokens[place.at].sentence == sentence)
            for place in alike
        )

    def _has_both(self, at: int, against: frozenset[str]) -> bool:
        """Tell whether a word's sentence has an opposite of it, too: `men and women`."""
        low, high = self.own.bounds(at)
        return any(token.stem in against for token in self.own.tokens[low:high])

    def _in_name(self, where: Passages, at: int) -> bool:
        """Tell whether a word has a capital inside a sentence."""
        first = where.first[where.tokens[at].sentence]
        return at > first and where.text[where.tokens[at].start].isupper()

    def _all_places(self, stems: Iterable[str]) -> list[int]:
        return [at for stem in stems for at in self.stated.places.get(stem, ())]

    def _hedge(self, at: int, places: list[Alignment]) -> _Clash | None:
        """Return a clash where each place of a word is hedged, and the summary's is not."""
        hedged, heads = self.article.cues.hedged, self.article.cues.hedged_heads
        if not places or places[0].share < HEDGED_SHARE or places[0].at not in heads:
            return None
        if at in self.own_cues.denied or not all(place.at in hedged for place in places):
            return None
        best = places[0].at
        before = self.own.tokens[max(self.own.bounds(at)[0], at - GUARD_REACH) : at]
        promises = [each for each, token in enumerate(before[-2:]) if token.word in PROMISES]
        cue = self.stated.tokens[hedged[best]].stem
        if self._in_name(self.stated, best) or (promises and cue not in LESS_THAN_PROMISED):
            return None
        guards = GUARDED - PROMISES - {"if"} if promises else GUARDED
        if any(token.stem in guards for token in before) or (before and before[-1].word == "to"):
            return None
        first = at - len(before[-2:]) + promises[0] if promises else at
        return _Clash(first, at, "hedge", (hedged[best], best))

    def flag(self, clash: _Clash) -> Flag:
        """Return what a reader is told of a clash, with the article's words."""
        first, last = clash.stated
        said = self.stated.words(first, last)
        number = self.stated.tokens[last].sentence + 1
        message = f"the article says '{said}', in sentence {number}"
        if clash.kind == "negation" and first == last:
            message = f"the article does not deny it: '{said}', in sentence {number}"
        span = self.own.span(clash.first, clash.last)
        return Flag(span, clash.kind, message, (self.stated.span(first, last),))
