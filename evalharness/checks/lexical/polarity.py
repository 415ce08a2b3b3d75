"""Does the summary deny what the article affirms, say the opposite, or state what was a maybe?

First which words of a text are denied, and which are only said to be possible; then the check.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from evalharness.checks.lexical.blanket import (
    Blanket,
    befell,
    blanket_denials,
    denied_with,
    spoken_against,
)
from evalharness.checks.lexical.passages import (
    LEAST_SHARED,
    MOST_PLACES,
    REACH_IN_ARTICLE,
    Alignment,
    Passages,
    on_demand,
)
from evalharness.checks.lexical.scoring import ArticleIndex, LexicalCheck, SummaryClaims
from evalharness.checks.lexical.words import (
    ALIKE,
    ANTONYMS,
    BE,
    GENERAL_STEMS,
    KEPT,
    LEAVING,
    LOSING,
    OF_DEATH,
    OF_HARM,
    OF_HAVING,
    OF_MOTION,
    OF_PEOPLE,
    OF_TIME,
    OF_TWO_SIDES,
    WINNING,
    WITH_MOTION,
)
from evalharness.records import Flag, Score, Span
from evalharness.text import Token
from evalharness.text.stems import VERB_OF
from evalharness.text.words import FUNCTION_WORDS, OfWords, stem_of, word_set

# --- Words that are denied, and words that are only possible


# Adverbs and determiners that deny what follows them.
_DENIALS = word_set(
    "not never no nobody none neither nor nothing without cannot hardly n't nowhere"
)
# Before these they deny nothing.
_NOT_DENIED = word_set("only just least surprisingly necessarily")
# Verbs that deny what follows them, as stems.
_DENYING = word_set("deni denial refus refut rule fail reject declin disput")
# Those that a summary uses for what an article says with `not`.
_PLAIN_DENYING = word_set("deni refus fail")
# Verbs that do with the word behind them.
_DENYING_PAIRS = frozenset([("turn", "down"), ("vote", "down"), ("rule", "out"), ("call", "off")])
# Other words that say that something is not so; where one stands near, nothing is sure.
_HINTS = _DENYING | word_set(
    "unabl lack avoid prevent stop miss absent absenc unlik imposs rare seldom few unclear stead "
    "instead unless only least halt withdraw cancel ban block scrap drop quit lose loss end "
    "abandon wait yet doubt fals untru unknown unsuccess unawar"
)
# How many words of content a cue reaches over.
_SCOPE = 3
_ADVERB = re.compile(
    r"(?!(?:un)?likely|early|daily|only|family|supply|reply|july|ally|elderly).{2,}ly|yet|also|immediately|even|ever|been|being|any|all|only"
)

_POSSIBLE = word_set(
    "may might could alleg allegedli possibl possibli perhap suspect rumour rumor purport "
    "potenti mayb"
)
# These hedge what follows them and `to`.
_FUTURE = word_set("expect plan intend due hope aim forecast predict want consid")
_HEDGES = _POSSIBLE | _FUTURE | {"whether"}
_CUE_STEMS = _DENYING.union(_HEDGES, map(stem_of, _DENIALS))
_BASES = frozenset(VERB_OF.values())
# A claim with one of these before it is not put as a fact.
_GUARDED = (
    _POSSIBLE
    | _FUTURE
    | word_set(
        "would should will can if whether accus charg claim believ think fear unlik appear seem "
        "report suggest warn seek question trial plead threat threaten risk call urg set about "
        "chanc speculat link prepar investig probe"
    )
)
DETERMINERS = word_set("the a an his her its their this that these those")
PROMISES = frozenset(["will", "would"])
_MAYBE = frozenset(["may", "might", "could"])
# Behind `could` they ask, if it begins the sentence: could the government see it?
_SUBJECTS = DETERMINERS | word_set("he she it they we you i")
MOST_ASKING = 2
# A promise is surer than these.
_LESS_THAN_PROMISED = word_set("may might could consid want hope potenti possibl whether")
_HEDGE_SCOPE = 3
_EXPECTING = word_set("expect forecast predict estim anticip")
REACH_OF_THAN = 5
_BEFORE_MONTH = word_set("in on of since by until last next early late mid")


class Cues:
    """The negations and hedges of a text, found once; words and cues as places in its tokens.

    denied: each denied word with what denies it. heads: the first denied word of each cue.
    hedged: each word that is only possible or planned, with what says so. hedged_heads: the first
    hedged word of each hedge.
    """

    def __init__(self, passages: Passages) -> None:
        self._passages, self._words = passages, passages.columns
        self.denied: dict[int, int] = {}
        self.hedged: dict[int, int] = {}
        self.heads: set[int] = set()
        self.hedged_heads: set[int] = set()
        end = 0
        for at in _find_cues(passages.stems):
            if at >= end:  # the first cue of its sentence: no word before it is denied or hedged
                first, end = passages.bounds(at)
                self._read_negations(at, end)
                self._read_hedges(at, first, end)

    def _read_negations(self, start: int, end: int) -> None:
        """Note which words are denied up to the end of their sentence, by which word."""
        cue, left = -1, 0
        stems, after_mark = self._words.stems, self._words.after_mark
        for at, word in enumerate(self._words.words[start:end], start):
            if left and (after_mark[at] or word in ("but", "because", "who", "which")):
                cue, left = -1, 0
            if word == "that" and 0 <= cue < at - 1 and stems[cue] in _DENYING:
                cue, left = -1, 0  # rejects a plan that would have saved a million
            if _denies(word, stems[at]) and not self._is_only(at, end):
                cue, left = at, _SCOPE
            elif left and self._words.content[at] and not _ADVERB.fullmatch(word):
                self.denied[at] = cue
                if left == _SCOPE:
                    self.heads.add(at)
                left -= 1

    def _is_only(self, at: int, end: int) -> bool:
        """Tell whether a cue denies nothing: `not only`, `no longer`, `rule` without `out`."""
        near = self._words.words[at + 1 : min(at + 4, end)]
        following = near[0] if near else ""
        if self._words.stems[at] == "rule":
            return "out" not in near
        if self._words.words[at] == "no":
            return following in ("doubt", "matter", "sooner") or following.isdecimal()
        return "enough" in near or following in _NOT_DENIED

    def _read_hedges(self, start: int, first: int, end: int) -> None:
        """Note which words from a start to their sentence's end are hedged, by which word."""
        cue, left = -1, 0
        stems, after_mark, content = (
            self._words.stems,
            self._words.after_mark,
            self._words.content,
        )
        for at in range(start, end):
            if after_mark[at]:
                cue, left = -1, 0
            if stems[at] in _HEDGES and self._is_hedge(at, first, end):
                cue, left = at, _HEDGE_SCOPE
            elif left and content[at]:
                self.hedged[at] = cue
                if left == _HEDGE_SCOPE:
                    self.hedged_heads.add(at)
                left -= 1

    def _is_hedge(self, at: int, first: int, end: int) -> bool:
        """Tell whether a word says that what follows is no fact (yet)."""
        words, stem = self._words.words, self._words.stems[at]
        if words[at] == "considering":
            return True
        if words[at] == "whether":
            return words[at + 1 : at + 2] == ["to"]
        if words[at] == "due":
            return self._is_planned(at, first, end)
        if stem in _FUTURE:
            behind = words[at + 1 : min(at + 3, end)]
            return "to" in behind and not (stem == "consid" and behind == ["to", "be"])
        if self._asks(at, first, end):
            return False
        if words[at] != "may":
            return stem in _POSSIBLE
        written = self._words.written[at]
        is_name = at > first and written[0].isupper()
        before = words[at - 1] if at > first else ""
        after = words[at + 1] if at + 1 < end else ""
        is_month = before in _BEFORE_MONTH or before[-1:].isdecimal() or after[:1].isdecimal()
        return len(written) == len("may") and not is_name and not is_month

    def _asks(self, at: int, first: int, end: int) -> bool:
        """Tell whether a word is `could` of a question: what could the government see?

        Whoever asks `I could take the train?` offers it; what came of it the answer tells.
        """
        if self._words.words[at] not in _MAYBE:
            return False
        is_open = at < end - 1 and self._words.words[at + 1] in _SUBJECTS
        return (is_open and at <= first + MOST_ASKING) or self._passages.is_question(at)

    def _is_planned(self, at: int, first: int, end: int) -> bool:
        """Tell whether something is `due to be` or `is due to open`; not `late due to rain`."""
        words = self._words.words[max(first, at - 1) : min(at + 3, end)]
        before = words.pop(0) if at > first else ""
        if words[1:2] != ["to"] or len(words) < 3:
            return False
        is_verb = words[2] in ("be", "have") or words[2] in _BASES
        return is_verb or (before in BE and words[2] not in FUNCTION_WORDS)


def _find_cues(stems: Sequence[str]) -> Iterator[int]:
    """Yield where words stand that may deny or hedge; most sentences have none."""
    if "n't" in " ".join(stems):
        return (at for at, stem in enumerate(stems) if stem in _CUE_STEMS or stem.endswith("n't"))
    return itertools.compress(itertools.count(), map(_CUE_STEMS.__contains__, stems))


def _denies(word: str, stem: str) -> bool:
    return word in _DENIALS or stem in _DENYING or word.endswith("n't")


def _has_denial(where: Passages, start: int, end: int) -> bool:
    return any(map(_denies, where.columns.words[start:end], where.stems[start:end]))


def is_denial(token: Token) -> bool:
    """Tell whether a word denies what follows it."""
    return _denies(token.word, token.stem)


# --- The check


# Such a share of the words around a claim, and LEAST_SHARED of them, must stand around the place in
# the article: else the two may speak of different things. Set by hand on labelled news summaries.
NEGATED_SHARE = 0.4
OPPOSITE_SHARE = 0.4
HEDGED_SHARE = 0.4
UNDENIED_SHARE = 0.3
# A word such as `refused` or `instead` so near says that the texts may mean the same.
HINT_REACH = 5
GUARD_REACH = 6
# They may stand between a denial and its verb.
HELPING = word_set("be been being have had to get got yet ever even")
# A denial amid so many of a claim's words may be the same in other words, and so may a sentence of
# so few words beside: `It freezes well. Do not refrigerate.`
LEAST_DENIED_AMID, REACH_OF_DENIED, LONGEST_BESIDE = 2, 4, 8
# So much alike, only a word of denial tells that, and a negation on one side is a likely error.
_SURE_SHARE = 0.75
# So much alike, an opposite is a likely error; less alike, both may be true.
SURE_OPPOSITE = 0.5
NOVEL_SHARE = 0.3
# An opposite amid so many of the summary's words, and such a share of them, is in their place,
# where none of them is around the word itself.
LEAST_IN_PLACE, IN_PLACE = 3, 0.85
# So many words before one that is denied help a reader to see what is said.
MOST_QUOTED_BEFORE = 2
REACH_OF_IF = 6
# So far behind `will` stands what will be; and so much of what is around it is the summary's, too.
REACH_OF_PROMISE, DONE_SHARE = 3, 0.6
_WAS = word_set("was were been has have had")
# Behind these nothing has been done yet.
_UNTIL = word_set("after before until once when")
# So near stands who wins or loses.
BESIDE = 4


# Two words of content behind two opposites say that both are of one thing.
LEAST_IN_FRAME, LEAST_COPIED_BEHIND, REACH_OF_FRAME = 2, 3, 6
_PREFIXES = ("un", "in", "im", "ir", "dis")
_OPEN_PREFIXES = frozenset(prefix[:2] for prefix in _PREFIXES)
SHORTEST_BARE, SHORTEST_WITH_PREFIX = 4, 6
_OF_BOTH = WINNING | LOSING | OF_TIME


@OfWords
def _bare(stem: str) -> str:
    """Return a stem without a prefix that denies it, `reason` of `unreason`; empty without one."""
    if not stem.startswith(_PREFIXES):  # as most
        return ""
    bare = (stem.removeprefix(each) for each in _PREFIXES if stem.startswith(each))
    return next((each for each in bare if len(each) >= SHORTEST_BARE), "")


class _Clash(NamedTuple):
    """Tokens of the summary that clash with tokens of the article."""

    first: int
    last: int
    kind: str
    stated: tuple[int, int]


class StatedPolarity(ArticleIndex):
    """The negations and hedges of an article, found once for all its summaries."""

    @on_demand
    def cues(self) -> Cues:
        """What the article denies and what it hedges."""
        return Cues(self.passages)

    def denies(self, own: Passages, at: int) -> bool:
        """Tell whether the article denies a word of a summary, too: before the same or amid it.

        Or wherever it has that word.
        """
        amid, following = own.around(at), own.stems[at + 1 : at + 2]
        places = self.passages.places.get(own.stems[at], ())
        denied = [place for place in places if place in self.cues.heads]
        return bool(denied) and (
            len(denied) == len(places)
            or any(
                self.passages.stems[place + 1 : place + 2] == following
                or not amid.isdisjoint(self.passages.around(place))
                for place in denied
            )
        )

    def denies_amid(self, wanted: frozenset[str]) -> bool:
        """Tell whether the article denies something else amid some words: `can't log in`."""
        return any(
            len(wanted & self.passages.around(at, REACH_OF_DENIED)) >= LEAST_DENIED_AMID
            for at in self.cues.heads
        )

    def denies_beside(self, at: int) -> bool:
        """Tell whether the next sentence on the line of a word, or the one before, is a denial.

        Only short ones are; what another speaker answers stands on a line of its own.
        """
        number, first, sentences = (
            self.passages.columns.sentences[at],
            self.passages.first,
            self.passages.sentences,
        )
        for low in (number - 1, number):
            if not 0 <= low < len(sentences) - 1:
                continue
            gap = Span(sentences[low].end, sentences[low + 1].start).of(self.text)
            start, end = self.passages.bounds(first[low + 1 if low == number else low])
            is_short = end - start <= LONGEST_BESIDE and "\n" not in gap
            if is_short and _has_denial(self.passages, start, end):
                return True
        return False

    @on_demand
    def disputed_stems(self) -> frozenset[str]:
        """The stems that the article denies somewhere, or hedges first of all behind a cue."""
        stems = self.passages.stems
        return frozenset(stems[at] for at in self.cues.denied.keys() | self.cues.hedged_heads)

    @on_demand
    def blankets(self) -> dict[str, Blanket]:
        """The first denial of each stem that holds of everybody: `nobody was hurt`."""
        found = [*blanket_denials(self.passages, self.cues.denied)]
        return {stem: blanket for blanket in reversed(found) for stem in blanket.denied}

    @on_demand
    def promises(self) -> dict[str, list[int]]:
        """Where the article says what will be: the first word of content behind `will`."""
        found: dict[str, list[int]] = {}
        columns = self.passages.columns
        for cue in self.places(["will"]):
            end = min(cue + 1 + REACH_OF_PROMISE, self.passages.bounds(cue)[1])
            heads = (at for at in range(cue + 1, end) if columns.content[at])
            for at in itertools.islice(heads, 1):
                found.setdefault(columns.stems[at], []).append(at)
        return found

    @on_demand
    def telling_stems(self) -> frozenset[str]:
        """The stems that are disputed in the article, denied of everybody, or by a prefix."""
        return self.disputed_stems.union(self.blankets, self.bare, self.promises)

    @on_demand
    def bare(self) -> dict[str, list[str]]:
        """The stems with a prefix that denies them, by what they are without it."""
        found: dict[str, list[str]] = {}
        for stem in self.passages.places:
            if stem[:2] in _OPEN_PREFIXES and (bare := _bare[stem]):
                found.setdefault(bare, []).append(stem)
        return found

    def affirms(self, at: int) -> bool:
        """Tell whether the article neither denies nor hedges a word at a place."""
        return at not in self.cues.denied and at not in self.cues.hedged

    @on_demand
    def denial_verbs(self) -> frozenset[str]:
        """The verbs of denial that the article uses at all."""
        return _DENYING.intersection(self.passages.stems)

    def places(self, stems: Iterable[str]) -> list[int]:
        """Return where the article has one of some stems; empty if that is too often to tell."""
        found: list[int] = []
        places = self.passages.places
        for stem in filter(places.__contains__, stems):
            found += places[stem][: MOST_PLACES + 1]
            if len(found) > MOST_PLACES:
                return []
        return found

    def has_hint(self, at: int, reach: int, hints: frozenset[str] = _HINTS) -> bool:
        """Tell whether something near a token in its sentence says that anything is not so."""
        low, high = self.passages.bounds(at)
        start, end = max(low, at - reach), min(high, at + reach + 1)
        if not hints.isdisjoint(self.passages.stems[start:end]):
            return True
        return _has_denial(self.passages, start, end)

    def compares(self, cue: int) -> bool:
        """Tell whether a denial is one side of a comparison: 12 mg without, 8 with a crop."""
        words = self.passages.columns.words
        low, high = self.passages.bounds(cue)
        return words[cue] == "without" and "with" in words[low:high]

    def was_planned(self, at: int) -> bool:
        """Tell whether a deed was only planned then: who planned to leave need not have left."""
        cue = self.cues.hedged.get(at)
        return cue is not None and self.passages.columns.words[cue].endswith("ed")

    def is_opposed(self, at: int) -> bool:
        """Tell whether somebody speaks against what a word names, or has run out of it."""
        first = self.passages.bounds(at)[0]
        near = self.passages.columns.words[max(first, at - MOST_QUOTED_BEFORE) : at]
        if "against" in near or near[-2:] == ["out", "of"]:
            return True
        before = self.passages.stems[max(first, at - HINT_REACH) : at]
        return not _DENYING_PAIRS.isdisjoint(itertools.pairwise(before))

    def is_guarded(self, at: int) -> bool:
        """Tell whether what stands before a token says that it is put as no fact: `links to`."""
        before = self.passages.stems[max(self.passages.bounds(at)[0], at - GUARD_REACH) : at]
        return not _GUARDED.isdisjoint(before)

    def compare(self, summary: str) -> Score:
        """Return the share of the comparable sentences without a clash, with flags."""
        return _Claims(self, summary).share_without_clash()


@dataclass(frozen=True)
class Polarity(LexicalCheck):
    """Share of the summary's comparable sentences that keep what the article affirms and denies.

    A sentence is comparable if the article has one of its words, or the opposite, amid the same
    words of content. It scores 0 where one of them is denied on one side only (`did not ignore`),
    is the opposite (`opposes` for `supports`), or was hedged in the article (`may`, `alleged`,
    `expected`) and is a fact in the summary; else 1. English. A summary without such sentences has
    no score.
    """

    version: ClassVar[int] = 14
    index: ClassVar[type[ArticleIndex]] = StatedPolarity
    english: ClassVar[bool] = True


class _Claims(SummaryClaims[StatedPolarity, _Clash]):
    """The words of a summary, held against an article."""

    def __init__(self, article: StatedPolarity, summary: str) -> None:
        super().__init__(article, summary)
        self.own_cues = Cues(self.own)
        denied = self.own_cues.denied
        blankets = blanket_denials(self.own, denied) if denied else ()
        self.own_blankets = {blanket.cue: blanket for blanket in blankets}

    def read(self, number: int) -> tuple[list[int], list[_Clash]]:
        """Return which sentences of the article one was compared with, and what clashes."""
        compared: set[int] = set()
        clashes: list[_Clash] = []
        past, disputed, denied = -1, self.article.disputed_stems, self.own_cues.denied
        telling, wants_evidence = self._telling_words(number), self.article.wants_evidence
        near = range(self.own.first[number], self.own.first[number + 1])
        for at in near if wants_evidence else telling:
            asked = at > past and (self.own.stems[at] in disputed or at in denied)
            places: list[Alignment] = []
            if asked or wants_evidence:
                places = self._comparable(at)
                compared.update([self.stated.columns.sentences[place.at] for place in places[:2]])
            if at <= past or at not in telling:
                continue
            clash = self._of_everybody(at)
            clash = clash or (self._disputed_clash(at, places) if asked else self._opposite(at))
            clash = clash or self._promise(at) or self._told_as_past(at)
            if clash is not None:
                if clash.kind in ("negation", "antonym") and self._is_supposed(at):
                    clash = clash._replace(kind="contrast")
                clashes.append(clash)
                past = max(clash.last, at)
                compared.add(self.stated.columns.sentences[clash.stated[1]])
        if not (compared or wants_evidence):
            compared = self._first_compared(near)
        return sorted(compared), clashes

    def _first_compared(self, near: Iterable[int]) -> set[int]:
        """Return a sentence of the article with which one can be compared, if any can be."""
        for at in near:
            place = self._comparable_place(at)
            if place is not None:
                return {self.stated.columns.sentences[place]}
        return set()

    def _telling_words(self, number: int) -> list[int]:
        """Return which words of a sentence are disputed or can clash at all; most are neither."""
        first, end = self.own.first[number], self.own.first[number + 1]
        words, denied = self.own.columns.words, self.own_cues.denied
        telling, places = self.article.telling_stems, self.stated.places
        others = denied.keys() | self.own_blankets.keys()
        return [
            at
            for at, stem in enumerate(self.own.stems[first:end], first)
            if stem in telling
            or stem in ANTONYMS
            or words[at] in PROMISES
            or (stem[:2] in _OPEN_PREFIXES and _bare[stem] in places)
            or at in others
        ]

    def _is_supposed(self, at: int) -> bool:
        """Tell whether a clause with `if` before a word puts it as no fact: if he had not left."""
        low = max(self.own.bounds(at)[0], at - REACH_OF_IF)
        clause = self.own.tokens[low : at + 1]
        for token in reversed(clause):
            if token.word in ("if", "unless"):
                return True
            if token.after_mark:
                return False
        return False

    def _comparable(self, at: int) -> list[Alignment]:
        """Return the article's places of a word that are amid the same words, best first."""
        if not self._may_be_compared(at):
            return []
        return self._alignments(at, self.article.places([self.own.stems[at]]), NEGATED_SHARE)

    def _may_be_compared(self, at: int) -> bool:
        word = self.own.columns.words[at]
        return self.own.columns.content[at] and len(word) > 2 and not word.isdecimal()

    def _comparable_place(self, at: int) -> int | None:
        """Return one of the places of `_comparable`, where it does not matter which."""
        places = self.stated.places.get(self.own.stems[at])
        if places is None or len(places) > MOST_PLACES or not self._may_be_compared(at):
            return None
        wanted, stems = self.own.around(at), self.stated.stems
        n_wanted = len(wanted)
        known = wanted & self.shared_stems
        least = max(1, min(LEAST_SHARED, n_wanted))
        if len(known) < least or len(known) / n_wanted < NEGATED_SHARE:
            return None
        for place in places:
            low = place - REACH_IN_ARTICLE if place > REACH_IN_ARTICLE else 0
            n_shared = len(known.intersection(stems[low : place + REACH_IN_ARTICLE + 1]))
            if n_shared >= least and n_shared / n_wanted >= NEGATED_SHARE:
                return place
        return None

    def _alignments(self, at: int, places: Iterable[int], share: float) -> list[Alignment]:
        wanted = self.own.around(at)
        return self.stated.alignments(wanted, places, least=(min(LEAST_SHARED, len(wanted)), share))

    def _disputed_clash(self, at: int, places: list[Alignment]) -> _Clash | None:
        if not places:
            return self._opposite(at) or self._added_denial(at)
        return self._negation(at, places) or self._opposite(at) or self._hedge(at, places)

    def _of_everybody(self, at: int) -> _Clash | None:
        """Return a clash where one text denies of everybody what the other says of somebody."""
        if blanket := self.own_blankets.get(at):
            also = self.article.blankets.get(self.own.stems[blanket.at])
            if also is not None and also.subject in (frozenset(), blanket.subject):
                return None
            against = spoken_against(blanket, self.stated)
            place = next(filter(self.article.affirms, against), None)
            return _Clash(at, blanket.at, "negation", (place, place)) if place is not None else None
        stated = self.article.blankets.get(self.own.stems[at])
        if stated is None or at in self.own_cues.denied or at in self.own_cues.hedged:
            return None
        before = self.own.stems[self.own.bounds(at)[0] : at]
        if not befell(self.own, at) or not stated.subject.issubset(before):
            return None
        places = self.article.places(stated.denied | denied_with(self.own.stems[at]))
        if any(self.article.affirms(place) and befell(self.stated, place) for place in places):
            return None
        return _Clash(at, at, "negation", (stated.cue, stated.at))

    def _negation(self, at: int, places: list[Alignment]) -> _Clash | None:
        """Return a clash where a word is denied on one side only."""
        cue = self.own_cues.denied.get(at)
        denied = self.article.cues.denied
        of_two = cue is not None and self.own.tokens[cue].word in ("neither", "nor")
        if of_two and self.own.columns.written[at][0].isupper():
            return None  # neither Jane nor Tom, of whom the article may say it one by one
        if cue is None and places[0].at not in denied:  # as nearly always
            return None
        if any((place.at in denied) == (cue is not None) for place in places):
            return None
        best = places[0].at
        if cue is not None:
            hints = _HINTS if places[0].share < _SURE_SHARE else _DENYING
            if self._is_reported(cue) or at not in self.own_cues.heads:
                return None
            if self.article.has_hint(best, HINT_REACH, hints) or self.article.is_opposed(best):
                return None
            is_sure = self._is_sure(cue, at, places[0]) and not self.article.was_planned(best)
            kind = _sure("negation", places[0]) if is_sure else "contrast"
            return _Clash(min(cue, at), at, kind, (best, best))
        if best not in self.article.cues.heads or self._has_hint(at, best):
            return None
        if self.article.compares(denied[best]):
            return None
        kind = _sure("negation", places[0])
        if kind == "contrast" and self._run_around(at, best) >= LEAST_COPIED_BEHIND:
            kind = "negation"
        return _Clash(at, at, kind, (denied[best], best))

    def _added_denial(self, at: int) -> _Clash | None:
        """Return a clash where the summary denies something amid words that deny nothing."""
        denied = self.own_cues.denied
        cue = denied.get(at)
        if cue is None or at not in self.own_cues.heads:
            return None
        if self.own.tokens[cue].stem in _DENYING:
            return None
        is_general = self.own.stems[at] in GENERAL_STEMS  # no gaming; not to play games
        near = range(at, at + HINT_REACH) if is_general else [at]
        same = (each for each in near if denied.get(each) == cue)
        if any(self.article.denies(self.own, each) for each in same):
            return None
        wanted = self.own.around(at)
        found = self.stated.alignments(wanted, self.article.places(wanted))
        if not found or found[0].shared < LEAST_SHARED or found[0].share < UNDENIED_SHARE:
            return None
        near = [place.at for place in found if place.shared >= found[0].shared - 1]
        if any(self.article.has_hint(each, REACH_IN_ARTICLE) for each in near):
            return None
        near_it = self.own.around(at, REACH_OF_DENIED)
        if self.article.denies_amid(near_it) or self.article.denies_beside(found[0].at):
            return None
        # An answer may deny in its own words: I'll think about it.
        is_alike = found[0].shared > LEAST_SHARED or not self.article.speakers.known
        kind = "negation" if is_alike and self._is_sure(cue, at, found[0]) else "contrast"
        return _Clash(cue, at, kind, (found[0].at, found[0].at))

    def _is_sure(self, cue: int, at: int, place: Alignment) -> bool:
        """Tell whether a deed is denied, or some thing amid the article's words: `no schools`."""
        is_of_thing = self.own.tokens[cue].word not in ("nobody", "nothing", "none")
        return self._is_of_verb(cue, at) or (is_of_thing and place.share >= _SURE_SHARE)

    def _is_of_verb(self, cue: int, at: int) -> bool:
        """Tell whether what is denied is what somebody does: `did not tell`, not `no avail`."""
        between = (self.own.tokens[each].word for each in range(cue + 1, at))
        is_plain = self.own.tokens[cue].word not in ("no", "none", "nobody", "nothing", "without")
        return is_plain and all(w in HELPING or _ADVERB.fullmatch(w) for w in between)

    def _is_reported(self, cue: int) -> bool:
        """Tell whether a denial is a verb that the article may put in other words."""
        stem = self.own.tokens[cue].stem
        return stem in _DENYING and (
            stem in self.article.denial_verbs or stem not in _PLAIN_DENYING
        )

    def _has_hint(self, at: int, place: int) -> bool:
        """Tell whether something near a word says that anything is not so, and there does not.

        Of scrap metal both texts speak.
        """
        low, high = self.own.bounds(at)
        near = self.own.tokens[max(low, at - HINT_REACH) : min(high, at + HINT_REACH + 1)]
        told = [token for token in near if is_denial(token) or token.stem in _HINTS]
        return bool(told) and not self.stated.around(place).issuperset(t.stem for t in told)

    def _opposite(self, at: int) -> _Clash | None:
        """Return a clash where the article has the opposite of a word in its place."""
        stem = self.own.tokens[at].stem
        against = ANTONYMS.get(stem) or self._without_prefix(at)
        if not against or self._in_name(self.own, at) or self._has_both(at, against):
            return None
        if stem in OF_DEATH and not against.isdisjoint(OF_HARM) and self.article.places(OF_DEATH):
            against -= OF_HARM
        opposed, known = self.article.places(against), self._all_places(ALIKE.get(stem, ()))
        if not opposed or len(known) > MOST_PLACES:
            return None
        if stem in OF_HAVING and (same := self._before_same(at, opposed)):
            opposed, known = same, self._before_same(at, known)
        if (behind := self._behind(self.own, at)) and any(
            self.stated.stems[each - 1 : each] == [behind] for each in known
        ):
            return None  # the lease ends: its end
        alike = self.stated.alignments(self.own.around(at), known)
        share = OPPOSITE_SHARE if alike else NOVEL_SHARE
        beside = self.own.beside(at) - against
        found = [
            place
            for place in self._alignments(at, opposed, share)
            if not self._in_name(self.stated, place.at)
            and self._may_oppose(at, place.at)
            and (
                place.share >= 0.5 > len(alike)
                or self.stated.near(place.at, beside)
                or (
                    place.shared >= LEAST_IN_PLACE
                    and place.share >= IN_PLACE
                    and not alike[0].shared
                )
            )
        ]
        if not found or self._is_supported(alike, found[0]):
            return self._opposite_in_frame(at, opposed, known)
        place = found[0].at
        is_denied = at in self.own_cues.denied or self._is_behind_denial(at)
        if is_denied != (place in self.article.cues.denied):
            return None
        is_sure = found[0].share >= SURE_OPPOSITE or not alike
        is_sure = is_sure and not self._may_both_be(at, stem, place, known)
        return _Clash(at, at, "antonym" if is_sure else "contrast", (place, place))

    def _is_behind_denial(self, at: int) -> bool:
        """Tell whether a word of no content is denied: whoever does not like it hates it."""
        words, stems = self.own.columns.words, self.own.stems
        return at > self.own.bounds(at)[0] and _denies(words[at - 1], stems[at - 1])

    def _without_prefix(self, at: int) -> frozenset[str]:
        """Return the opposite that the article has by a prefix, `unlawful`, but not the word."""
        word, stem = self.own.columns.words[at], self.own.stems[at]
        if not _bare[stem] and stem not in self.article.bare:  # as most
            return frozenset()
        against = [_bare[stem], *self.article.bare.get(stem, ())]
        places, words = self.stated.places, self.stated.columns.words
        if any(words[place] == word for place in places.get(stem, ())):
            return frozenset()
        return frozenset(
            other
            for other in against
            if any(_differ_by_prefix(word, words[place]) for place in places.get(other, ()))
        )

    def _opposite_in_frame(self, at: int, opposed: list[int], known: list[int]) -> _Clash | None:
        """Return a clash where the article has an opposite between the very words: left lung."""
        stems = self.stated.stems
        following = self.own.stems[at + 1 : at + 2]
        opposed = [place for place in opposed if stems[place + 1 : place + 2] == following]
        if not opposed or any(self._run_around(at, place) >= LEAST_IN_FRAME for place in known):
            return None
        # One wins four derbies, the other loses them; something else may be before and after.
        if self.own.stems[at] in _OF_BOTH:
            return None
        found = (place for place in opposed if self._is_opposite_in_frame(at, place))
        return next((_Clash(at, at, "antonym", (place, place)) for place in found), None)

    def _is_opposite_in_frame(self, at: int, place: int) -> bool:
        is_denied = place in self.article.cues.denied
        return (
            self._run_around(at, place) >= LEAST_IN_FRAME
            and (at in self.own_cues.denied) == is_denied
            and self._may_oppose(at, place)
            and not self._in_name(self.stated, place)
        )

    def _run_around(self, at: int, place: int) -> int:
        """Return how many telling words right behind one word are those behind another."""
        run = self.own.same_run(at + 1, self.stated, place + 1, 1, REACH_OF_FRAME)
        stems, content = self.own.stems, self.own.columns.content
        behind = range(at + 1, at + 1 + run)
        return sum(content[each] and stems[each] not in GENERAL_STEMS for each in behind)

    def _may_oppose(self, at: int, place: int) -> bool:
        """Tell whether two words can speak against each other where they stand.

        `After` and `before`, `last` and `next` do so of the same thing only; who fell behind did
        not rise, and a department is no departure.
        """
        own, stated = self.own.tokens[at], self.stated.token(place)
        if stated.word.startswith("department") or own.word.startswith("department"):
            return False
        if (stated.stem in LEAVING and self._is_kept(place)) or self._is_other_half(at, place):
            return False
        if own.stem in OF_TIME:
            return self._behind(self.own, at) == self._behind(self.stated, place)
        if own.word == "end" and self.own.columns.words[max(0, at - 2) : at] == ["in", "the"]:
            return False
        following = self.own.tokens[at + 1].word if at + 1 < self.own.bounds(at)[1] else ""
        return own.stem not in OF_MOTION or following not in WITH_MOTION

    def _before_same(self, at: int, places: list[int]) -> list[int]:
        """Return those places of the article behind which is what is behind a summary's word."""
        behind = self._behind(self.own, at)
        return [place for place in places if self._behind(self.stated, place) == behind]

    def _behind(self, where: Passages, at: int) -> str:
        """Return the stem of the word of content behind a word, up to a mark."""
        token = where.token(at)
        return stem_of(where.word_behind(Span(token.start, token.end)))

    def _is_other_half(self, at: int, place: int) -> bool:
        """Tell whether one compares what is with what was expected, and the other the reverse.

        A bigger rise than expected, where a smaller one was expected.
        """
        ends = self.own.bounds(at)[1], self.stated.bounds(place)[1]
        own = self.own.columns.words[at + 1 : min(ends[0], at + REACH_OF_THAN)]
        stated = self.stated.columns.words[place + 1 : min(ends[1], place + REACH_OF_THAN)]
        if ("than" in own) == ("than" in stated):
            return False
        near = self.stated.stems[self.stated.bounds(place)[0] : ends[1]]
        return not _EXPECTING.isdisjoint(near)

    def _is_kept(self, place: int) -> bool:
        """Tell whether the article leaves something as it was: `left the rate unchanged`."""
        return not KEPT.isdisjoint(self.stated.columns.words[place : self.stated.bounds(place)[1]])

    def _may_both_be(self, at: int, stem: str, place: int, known: list[int]) -> bool:
        """Tell whether two words that are opposites may both be so of one thing.

        One wins where the other loses; a mother has a husband; what is new to one is old to others.
        """
        if self.own.tokens[at].word.endswith(("ly", "ings")):
            return True
        if stem in WINNING | LOSING or self.stated.stems[place] in WINNING | LOSING:
            own, stated = self.own.around(at, BESIDE), self.stated.around(place, BESIDE)
            return len(own & stated) < LEAST_SHARED
        return stem in OF_TWO_SIDES or (stem in OF_PEOPLE and bool(known))

    def _is_supported(self, alike: list[Alignment], against: Alignment) -> bool:
        """Tell whether the article has the word itself, in the same sentence or amid as much."""
        sentence = self.stated.columns.sentences[against.at]
        return any(
            place.shared >= against.shared
            or (
                place.shared >= LEAST_SHARED and self.stated.columns.sentences[place.at] == sentence
            )
            for place in alike
        )

    def _has_both(self, at: int, against: frozenset[str]) -> bool:
        """Tell whether a word's sentence has an opposite of it, too: `men and women`."""
        low, high = self.own.bounds(at)
        return not against.isdisjoint(self.own.stems[low:high])

    def _in_name(self, where: Passages, at: int) -> bool:
        """Tell whether a word has a capital inside a sentence."""
        first = where.bounds(at)[0]
        return at > first and where.columns.written[at][0].isupper()

    def _all_places(self, stems: Iterable[str]) -> list[int]:
        places = self.stated.places
        return [at for stem in filter(places.__contains__, stems) for at in places[stem]]

    def _hedge(self, at: int, places: list[Alignment]) -> _Clash | None:
        """Return a clash where each place that states a word is hedged; the summary's is not."""
        hedged, heads = self.article.cues.hedged, self.article.cues.hedged_heads
        if not hedged or places[0].share < HEDGED_SHARE:
            return None
        places = [p for p in places if p.at in hedged or not self.article.is_guarded(p.at)]
        if not places or places[0].share < HEDGED_SHARE or places[0].at not in heads:
            return None
        if at in self.own_cues.denied or not all(place.at in hedged for place in places):
            return None
        best = places[0].at
        before = self._said_before(at)
        if before and before[-1].word in DETERMINERS:  # the jail, for `could be jailed`
            return None
        promises = [each for each, token in enumerate(before[-2:]) if token.word in PROMISES]
        cue = self.stated.stems[hedged[best]]
        if self._in_name(self.stated, best) or (promises and cue not in _LESS_THAN_PROMISED):
            return None
        guards = _GUARDED - PROMISES - {"if"} if promises else _GUARDED
        if any(token.stem in guards for token in before) or (before and before[-1].word == "to"):
            return None
        first = at - len(before[-2:]) + promises[0] if promises else at
        return _Clash(first, at, "hedge", (hedged[best], best))

    def _said_before(self, at: int) -> list[Token]:
        """Return the words before one that may guard it: near ones, or those of its whole row.

        `Plans to cut 900 jobs in two years and close 14 shops`: both are plans.
        """
        low = self.own.bounds(at)[0]
        is_in_row = at > low and self.own.columns.words[at - 1] in ("and", "or")
        return self.own.tokens[low if is_in_row else max(low, at - GUARD_REACH) : at]

    def _promise(self, at: int) -> _Clash | None:
        """Return a clash where `will` stands between two words that the article has `may` between.

        Nobody who reads both takes them for two statements, whatever hedges the rest.
        """
        if self.own.tokens[at].word not in PROMISES:
            return None
        low, high = self.own.bounds(at)
        if not low < at < high - 1:
            return None
        beside = self.own.tokens[at - 1].stem, self.own.tokens[at + 1].stem
        wanted = self.own.around(at)
        if any(self._is_between(each, beside) for each in self.article.places(PROMISES)):
            return None
        for place in self.article.places(_MAYBE):
            shared = len(wanted & self.stated.around(place))
            is_alike = shared >= HEDGED_SHARE * len(wanted) and self._is_between(place, beside)
            if is_alike and not self.stated.is_question(place):
                return _Clash(at, at + 1, "hedge", (place, place + 1))
        return None

    def _told_as_past(self, at: int) -> _Clash | None:
        """Return a clash where something was done that will be, wherever the article has it."""
        promises = self.article.promises.get(self.own.stems[at])
        if promises is None or at in self.own_cues.denied or at in self.own_cues.hedged:
            return None
        places = self._comparable(at) if self._is_past(at) else []
        if not places or places[0].share < DONE_SHARE:
            return None
        if any(place.at not in promises for place in places):
            return None
        best = places[0].at
        is_passive = self.own.columns.words[at - 1] not in ("has", "have", "had")
        if is_passive != (self.stated.columns.words[best - 1] == "be"):
            return None
        return _Clash(at, at, "hedge", (best - 1, best))

    def _is_past(self, at: int) -> bool:
        """Tell whether a word of the summary is what was or has been done, and no maybe."""
        words = self.own.columns.words
        before = words[max(self.own.bounds(at)[0], at - GUARD_REACH) : at]
        is_verb = words[at].endswith("ed") or words[at] in VERB_OF
        is_done = is_verb and bool(before) and before[-1] in _WAS
        return is_done and _GUARDED.isdisjoint(before) and _UNTIL.isdisjoint(before)

    def _is_between(self, place: int, beside: tuple[str, str]) -> bool:
        """Tell whether a token of the article stands between two words, in their sentence."""
        low, high = self.stated.bounds(place)
        stems = self.stated.stems
        return low < place < high - 1 and (stems[place - 1], stems[place + 1]) == beside

    def flag(self, clash: _Clash) -> Flag:
        """Return what a reader is told of a clash, with the article's words."""
        first, last = clash.stated
        said = self.stated.words(first, last)
        number = self.stated.columns.sentences[last] + 1
        message = f"the article says '{said}', in sentence {number}"
        if first == last and (clash.kind == "negation" or clash.first < clash.last):
            low = max(self.stated.bounds(last)[0], last - MOST_QUOTED_BEFORE)
            said = self.stated.words(low, last)
            message = f"the summary denies what the article says: '{said}', in sentence {number}"
            if self.stated.stems[last] not in denied_with(self.own.tokens[clash.last].stem):
                message = f"the summary denies what the article says, in sentence {number}"
                sentence = self.stated.sentences[number - 1]
                span = self.own.span(clash.first, clash.last)
                return Flag(span, clash.kind, message, (sentence,))
        span = self.own.span(clash.first, clash.last)
        return Flag(span, clash.kind, message, (self.stated.span(first, last),))


def _differ_by_prefix(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return len(short) >= SHORTEST_WITH_PREFIX and any(each + short == long for each in _PREFIXES)


def _sure(kind: str, place: Alignment) -> str:
    """Return the kind of a clash, or `contrast` where the texts are not enough alike to be sure."""
    return kind if place.share >= _SURE_SHARE else "contrast"
