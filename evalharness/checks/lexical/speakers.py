"""Who says `I` in a dialogue: what one speaker does is not what another does.

`Tom: I lent it to Kasia.` is no loan of Anna's.
"""

import bisect
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from evalharness import text
from evalharness.checks.lexical.passages import MOST_PLACES, Passages
from evalharness.text.words import WORD, word_set

# A line of a dialogue: who speaks, perhaps after a time, and a colon.
_TURN = re.compile(
    r"^[ \t]*(?:[\[(][^\])\n]{1,20}[\])][ \t]*)?(?P<name>[A-Z][^\n:?!]{0,40}?)[ \t]?:[ \t]",
    re.MULTILINE,
)
# Fewer lines are a form with its fields: `From:`, `Subject:`.
LEAST_TURNS, LEAST_OF_SPEAKER = 4, 2
# What stands between `I` and its verb.
_BEFORE_DEED = word_set("have had ve ll d will would also just already am was still only even m")
_TOO = word_set("too same neither either also both yes yeah yep sure ok okay")
# So far behind a verb it is said what is done.
REACH_OF_DEED = 6


class Deed(NamedTuple):
    """What a speaker says to do: the token of the verb, that of `I`, and the words of the name."""

    verb: int
    subject: int
    speaker: frozenset[str]


class Speakers:
    """The turns of a dialogue, and whose each is; of another text there are none."""

    def __init__(self, passages: Passages) -> None:
        self._passages = passages
        may_be = passages.text.count(":") >= LEAST_TURNS
        found = [*_TURN.finditer(passages.text)] if may_be else []
        names = [frozenset(map(text.fold, WORD.findall(turn["name"]))) for turn in found]
        n_turns = Counter(names)
        is_dialogue = len(found) >= LEAST_TURNS and len(n_turns) > 1
        is_dialogue = is_dialogue and sorted(n_turns.values())[-2] >= LEAST_OF_SPEAKER
        self._starts = [turn.start() for turn in found] if is_dialogue else []
        self._names: Sequence[frozenset[str]] = names if is_dialogue else []
        self.known: frozenset[str] = frozenset().union(*self._names)

    def deeds(self, stem: str) -> Iterator[Deed | None]:
        """Yield who says to do something; None where it is not told of whoever speaks."""
        words = self._passages.columns.words
        for at in self._passages.places.get(stem, ())[:MOST_PLACES]:
            low = self._passages.bounds(at)[0]
            first = at - 1
            while first >= low and words[first] in _BEFORE_DEED:
                first -= 1
            turn = self._turn(at)
            is_own = first >= low and (words[first] == "i" or words[first].startswith("i'"))
            yield Deed(at, first, self._names[turn]) if is_own and turn >= 0 else None

    def _turn(self, at: int) -> int:
        return bisect.bisect_right(self._starts, self._passages.columns.starts[at]) - 1

    def begins_turn(self, at: int) -> bool:
        """Tell whether a token is the first of what somebody says; the first turn is no reply."""
        return at > 0 and self._turn(at) != self._turn(at - 1)

    def said_with(self, deed: Deed) -> frozenset[str]:
        """Return the stems of what stands around a deed in its turn, and in the one before it."""
        turn, columns = self._turn(deed.verb), self._passages.columns
        starts = [*self._starts, len(self._passages.text)]
        first = bisect.bisect_left(columns.starts, starts[max(0, turn - 1)])
        end = bisect.bisect_left(columns.starts, starts[turn + 1])
        return frozenset(itertools.compress(columns.stems[first:end], columns.content[first:end]))

    def agrees(self, words: frozenset[str], deed: Deed) -> bool:
        """Tell whether somebody else may say the same in a next turn: `me too`."""
        turn, columns = self._turn(deed.verb), self._passages.columns
        starts = [*self._starts, len(self._passages.text)]
        for number in range(turn + 1, min(turn + 3, len(self._names))):
            if not words.isdisjoint(self._names[number]):
                first = bisect.bisect_left(columns.starts, starts[number])
                end = bisect.bisect_left(columns.starts, starts[number + 1])
                return not _TOO.isdisjoint(columns.words[first:end])
        return False
