"""Who does what: the name before a verb, and whether it is done to it."""

from collections.abc import Mapping

from evalharness import text
from evalharness.checks.lexical.passages import Passages
from evalharness.checks.lexical.polarity import PROMISES
from evalharness.checks.lexical.words import APART, BE, LOSING, LOST_TO
from evalharness.text.name_words import PERSON_TITLES
from evalharness.text.stems import VERB_OF
from evalharness.text.words import FUNCTION_WORDS

# What stands between a subject and its verb: `he has also been named`.
BEFORE_VERB = (
    BE
    | PROMISES
    | frozenset(
        ["has", "have", "had", "also", "not", "to", "now", "then", "later", "could", "would", "may"]
    )
)
BEFORE_NAME = PERSON_TITLES | {"the", "a", "an"}
# A clause begins after these, so the name behind them is its subject.
BEFORE_CLAUSE = frozenset(
    [
        "that",
        "when",
        "while",
        "because",
        "and",
        "but",
        "as",
        "if",
        "before",
        "after",
        "since",
        "until",
    ]
)
DEFEATS = frozenset(["defeat", "defeats"])
_OWN = frozenset(["his", "her", "its", "their"])
_HELPING = BE | PROMISES


def subject_of(
    where: Passages, name_at: Mapping[int, text.Name], verb: int, *, appositive: bool = False
) -> text.Name | None:
    """Return the name that is the subject of a verb; None where it is another word.

    It stands right before it, but for words such as `has been`, or for what is between commas.
    appositive: a name may itself stand between them: `the mayor, Jane Doe, left`.
    """
    low, words, after_mark = where.bounds(verb)[0], where.columns.words, where.columns.after_mark
    at = verb - 1
    while at >= low and words[at] in BEFORE_VERB and not after_mark[at + 1]:
        at -= 1
    if at >= low and after_mark[at + 1]:  # Jane Doe, 40, left
        if appositive and at in name_at and after_mark[first_of_name(name_at, at)]:
            return name_at[at]
        marks = (each for each in range(at, max(low, at - 8), -1) if after_mark[each])
        at = next(marks, low) - 1
    if at < low or at not in name_at:
        return None
    before = word_before(where, name_at, at)
    is_object = (before in APART and before not in BEFORE_CLAUSE) or before == "to"
    return None if is_object else name_at[at]


def first_of_name(name_at: Mapping[int, text.Name], at: int) -> int:
    """Return the first token of the name that a token is of."""
    first = at
    while name_at.get(first - 1) is name_at[at]:
        first -= 1
    return first


def word_before(where: Passages, name_at: Mapping[int, text.Name], at: int) -> str:
    """Return the word before the name that a token is of; empty at the head of a sentence."""
    first = first_of_name(name_at, at)
    return where.columns.words[first - 1] if first > where.bounds(at)[0] else ""


def is_verb(word: str) -> bool:
    """Tell whether a word may be a verb that has happened, or happens to somebody."""
    return word.endswith("ed") or word in VERB_OF


def is_reversed(where: Passages, at: int) -> bool:
    """Tell whether it is done to what stands before: `was beaten by`, `lost to`, `defeat by`."""
    low, high = where.bounds(at)
    words = where.columns.words
    before, is_defeat = words[max(low, at - 3) : at], words[at] in DEFEATS
    after = words[at + 1 : min(high, at + (6 if is_defeat else 4))]
    by = after.index("by") + 1 if "by" in after else 0
    if by and after[by : by + 1] and after[by][0].isdecimal():  # `rose by 18%`
        by = 0
    is_bare = by == 1 and is_verb(words[at])  # `a film directed by`
    passive = is_bare or (by > 0 and not _HELPING.isdisjoint(before))
    if is_defeat and before and (before[-1] in FUNCTION_WORDS or not _OWN.isdisjoint(before)):
        return True  # `their third defeat`
    if where.stems[at] in LOSING or is_defeat:
        return not LOST_TO.isdisjoint(after)
    return passive
