"""The score of a summary whose sentences are each compared with sentences of the article."""

from collections.abc import Callable
from typing import TypeVar

from evalharness.checks.lexical.passages import MOST_SUMMARY_WORDS, Passages, in_order
from evalharness.records import Flag, Score, SentenceScore

MOST_EVIDENCE = 5
Clash = TypeVar("Clash")


def share_without_clash(
    stated: Passages,
    own: Passages,
    read: Callable[[int], tuple[list[int], list[Clash]]],
    flag: Callable[[Clash], Flag],
) -> Score:
    """Return the share of the comparable sentences of a summary without a clash, with flags.

    read: tells which sentences of the article one of the summary was compared with, by number, and
        what clashes; where there are none, it cannot be compared. flag: tells a reader of a clash.
    """
    flags: list[Flag] = []
    scores: list[SentenceScore] = []
    for number, sentence in enumerate(own.sentences):
        if own.first[number] >= MOST_SUMMARY_WORDS:
            break
        compared, clashes = read(number)
        if compared:
            flags += map(flag, clashes)
            evidence = in_order([stated.sentences[each] for each in compared])
            scores.append(SentenceScore(sentence, float(not clashes), evidence[:MOST_EVIDENCE]))
    if not scores:
        return Score(None, note="no sentence can be compared with one of the article")
    value = sum(score.value for score in scores) / len(scores)
    return Score(value, sentences=tuple(scores), flags=tuple(flags))
