"""Denials that hold of everybody: `nobody was hurt`, `none of them left`, `there were no injuries`.

They need no words in common with what they speak against: `two people were hurt`.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from evalharness.checks.lexical.passages import MOST_PLACES, Passages
from evalharness.text.stems import VERB_OF
from evalharness.text.words import stem_of, word_set

# Who or what is denied of all: alone, and before a noun or before `of` and one.
_NOBODY = word_set("nobody noone nothing")
_BEFORE_NOUN = word_set("no none neither without")
DENIALS_OF_ALL = _NOBODY | _BEFORE_NOUN
_ANYBODY = word_set("one body people person persons them us these those")
_HELPING = word_set("be am is are was were been being has have had to get got gets")
_PASSIVE = word_set("be is are was were been being get got gets")
_HARMED = frozenset(["hurt", "injur", "wound"])
_DEAD = frozenset(["kill", "die", "perish"])
# What a denied verb or noun denies, as stems; another verb denies itself alone.
_DENIED_WITH = {
    **dict.fromkeys((*_HARMED, "injuri", "casualti"), _HARMED | _DEAD | {"injuri"}),
    **dict.fromkeys((*_DEAD, "death", "fatal"), _DEAD | {"death"}),
}
# A noun that is what befell somebody: there were no injuries.
_BEFALLEN = word_set("injury injuries casualty casualties death deaths fatality fatalities")
_BEFELL = _HARMED | _DEAD
_INTRANSITIVE = frozenset(["die", "perish", "surviv"])
# A denial with one of these is of some only.
_LIMITS = word_set(
    "else other others another further more serious seriously badly severely critically life "
    "except until yet before apart besides again"
)
# They add nothing to a denial behind it.
_REPORTED = frozenset(map(stem_of, ("reported", "said", "confirmed", "police", "officials")))
_CLAUSE_ENDS = word_set("but and although though while which who because")
_NOT_SURE = word_set(
    "if whether could might may would will can should feared fear fears believed thought how"
)
MOST_IN_SUBJECT, MOST_LIMITING = 4, 8


class Blanket(NamedTuple):
    """A denial of all: its tokens, what it denies, of whom, and where or when, as stems."""

    cue: int
    at: int
    denied: frozenset[str]
    subject: frozenset[str]
    limits: frozenset[str]


def blanket_denials(passages: Passages, denied: Mapping[int, int]) -> Iterator[Blanket]:
    """Yield the denials of a text that hold of everybody, by its denied words and their cues."""
    words = passages.columns.words
    cues = {cue for cue in denied.values() if words[cue] in DENIALS_OF_ALL}
    for cue in sorted(cues):
        end = _end_of_clause(passages, cue)
        if _LIMITS.isdisjoint(words[cue:end]) and (read := _read(passages, cue, end)):
            subject, at = read
            yield Blanket(cue, at, denied_with(passages.stems[at]), subject, _limits(passages, at))


def denied_with(stem: str) -> frozenset[str]:
    """Return the stems that a denied one denies: `hurt` denies `injured` and `killed`, too."""
    return _DENIED_WITH.get(stem, frozenset([stem]))


def _end_of_clause(passages: Passages, at: int) -> int:
    """Return the token behind a clause: after a mark, or a word that begins another."""
    columns, high = passages.columns, passages.bounds(at)[1]
    behind = range(at + 1, high)
    ends = (i for i in behind if columns.after_mark[i] or columns.words[i] in _CLAUSE_ENDS)
    return next(ends, high)


def _read(passages: Passages, cue: int, end: int) -> tuple[frozenset[str], int] | None:
    """Return whom a denial is of, empty for all, and the token of what is denied."""
    words = passages.columns.words
    at, subject = cue + 1, set[str]()
    if words[cue] in _BEFORE_NOUN:
        while at < end and words[at] not in _HELPING and at <= cue + MOST_IN_SUBJECT:
            if words[at] in _BEFALLEN:
                return (frozenset(), at) if at == cue + 1 else None
            if passages.stems[at] in _INTRANSITIVE:
                break
            if passages.columns.content[at] and words[at] not in _ANYBODY:
                subject.add(passages.stems[at])
            at += 1
    if words[cue] in ("no", "without") and at == cue + 1:
        return None
    helping = [*itertools.takewhile(_HELPING.__contains__, words[at:end])]
    at += len(helping)
    if at >= end or not passages.columns.content[at]:
        return None
    is_verb = passages.stems[at] in _INTRANSITIVE or (
        not _PASSIVE.isdisjoint(helping) and is_participle(words[at], passages.stems[at])
    )
    return (frozenset(subject), at) if is_verb else None


def is_participle(word: str, stem: str) -> bool:
    """Tell whether a word may be what is done to somebody: `hurt`, `arrested`, `stolen`."""
    return stem in _BEFELL or word.endswith("ed") or VERB_OF.get(word, word) != word


def _limits(passages: Passages, at: int) -> frozenset[str]:
    """Return the words of content behind a denial that say of what it is: `in the first race`."""
    end = min(passages.bounds(at)[1], at + 1 + MOST_LIMITING)
    content = passages.columns.content[at + 1 : end]
    stems = itertools.compress(passages.stems[at + 1 : end], content)
    return frozenset(stems) - _REPORTED - _BEFELL


def befell(passages: Passages, at: int) -> bool:
    """Tell whether a word says as a fact that something was done to somebody, or befell them."""
    columns, (low, high) = passages.columns, passages.bounds(at)
    if passages.text[columns.ends[high - 1] :][:1] == "?":
        return False
    before = columns.words[max(low, at - MOST_IN_SUBJECT) : at]
    if not _NOT_SURE.isdisjoint(before):
        return False
    stem = passages.stems[at]
    if stem == "injuri":
        return any(word.startswith(("suffer", "sustain", "treat")) for word in before)
    if stem in _BEFELL:
        return stem != "wound" or columns.words[at] == "wounded"
    is_passive = not _PASSIVE.isdisjoint(before[-3:])
    return is_passive and is_participle(columns.words[at], stem)


def spoken_against(blanket: Blanket, stated: Passages) -> Iterator[int]:
    """Yield the places of a text that affirm what a denial of another text denies of all.

    What the denial is of and what limits it must stand there, but for words that this text has
    nowhere: a fire may be a blaze.
    """
    places = [stated.places.get(stem, []) for stem in sorted(blanket.denied)]
    near = [*itertools.chain.from_iterable(places)]
    if len(near) > MOST_PLACES:
        return
    limits = {stem for stem in blanket.limits if stem in stated.places}
    for at in sorted(near):
        low, high = stated.bounds(at)
        number = stated.columns.sentences[at]
        around = stated.stems[stated.first[max(0, number - 1)] : high]
        if (
            blanket.subject.issubset(stated.stems[low:at])
            and limits.issubset(around)
            and befell(stated, at)
        ):
            yield at
