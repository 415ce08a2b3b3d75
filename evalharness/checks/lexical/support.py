"""Does the article have what each sentence of the summary says, and which words does it lack?

A sentence is aligned with the article; what the alignment lacks makes its odds. Words of content
that the article does not have are novel. They are flagged in runs, with the few words between them;
or, in a sentence that is novel for the most part, with all words but those of copied fragments,
since what the article shares with such a sentence is chance. A run whose only novel words say
little by themselves (`launched`) is left out.
"""

import bisect
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import ClassVar

from evalharness.checks.lexical.alignment import (
    Aligned,
    Wording,
    WordRun,
    active_forms,
    align,
    close_pairs,
    evidence,
    is_novel,
    votes,
)
from evalharness.checks.lexical.passages import rapidfuzz
from evalharness.checks.lexical.scoring import ArticleIndex, LexicalCheck, in_order
from evalharness.checks.lexical.words import (
    AFTERTHOUGHTS,
    GENERAL_STEMS,
    NAMING_STEMS,
)
from evalharness.records import Flag, Score, SentenceScore, Span
from evalharness.text import Token
from evalharness.text.stems import VERB_OF

# What speaks against a sentence, as odds. By hand: halving or doubling one of them moves the
# agreement with human labels by .002 at most.
# For each unit of the path's cost by the root of its words; a novel word costs 4.
PATH = 4 / 30
CUT = 0.1  # where the sentence breaks off before a noun that its last words belong to
LACKING = 0.5  # for all that one of the three shares lacks
NAMING = 0.7  # for each novel word that names things: `county`, `championship`
REPEATED = 0.7  # for a word of content that no sentence of the article has so often
# Words of a sentence that are compared with its best passage.
LONGEST_COMPARED = 400
MOST_QUOTED = 60

# Words between two novel ones are flagged with them, unless there are more, or more of content.
# Whether they stand in the article side by side does not matter: people mark a phrase as a whole.
MOST_BRIDGED = 3
MOST_CONTENT_BRIDGED = 2
# A sentence with a greater share of novel words among its words of content, of which it must have
# some, is novel for the most part. On labelled news most of its other words are marked wrong, too.
MOSTLY_NOVEL = 0.45
LEAST_JUDGED = 3
STOPS = frozenset(".?!")
# So many words in a row, one of them of content, are a copied fragment.
LEAST_COPIED = 3


class SupportIndex(Wording):
    """An article whose words are held against the sentences of its summaries."""

    def compare(self, summary: str, wrong: Sequence[Span] = ()) -> Score:
        """Return how far the article supports each sentence of a summary, with evidence and flags.

        wrong: what is known to be wrong in the summary, in order; flags go over it.
        """
        scores: list[SentenceScore] = []
        flags: list[Flag] = []
        for span, clauses in itertools.groupby(self.aligned(summary), key=itemgetter(0)):
            against, places = 0.0, list[Span]()
            for _, aligned in clauses:
                tokens, voted = aligned.tokens, votes(self, aligned)
                found = evidence(self, aligned, voted)
                odds = odds_against(self, aligned, voted)
                for each in map(partial(align, self), active_forms(aligned)):
                    odds = min(odds, odds_against(self, each, votes(self, each)))
                against += odds
                places += found
                for first, last in unsupported_runs(self, aligned, wrong):
                    flagged = Span(tokens[first].start, tokens[last].end)
                    flags.append(_flag(self, flagged, summary, found))
            scores.append(SentenceScore(span, 1 / (1 + against), in_order(places)))
        if not scores:
            return Score(None, note="the summary has no words")
        values = [score.value for score in scores]
        parts = {"mean": sum(values) / len(values), "min": min(values)}
        return Score(odds_added(values), parts, tuple(scores), tuple(flags))


@dataclass(frozen=True)
class Support(LexicalCheck):
    """How far the article's own words make up each sentence of the summary.

    A sentence that is copied has 1, also without `the` and its kin. The score sinks with the cost
    of finding its words in the article one after the other, with the words that are not in the two
    sentences that fit best, or not in their order, with neighbouring words that the article does
    not have close together, with words that it does not have at all, where it breaks off before the
    noun that its last words belong to (`of fake crowd` for `of fake crowd noise`), and with a word
    that is said more often than in any of the article's sentences. Over the sentences the odds
    against support add up; so each further sentence can only lower the score. Their mean and
    minimum are in the parts.
    """

    version: ClassVar[int] = 12
    thresholds: ClassVar[Mapping[str, float]] = {
        "flagged": 0.0,
        "supported": 0.2,
        "sentence": 0.35,
    }
    finds_errors: ClassVar[bool] = False
    index: ClassVar[type[ArticleIndex]] = SupportIndex


def odds_added(values: Iterable[float]) -> float:
    """Return the value whose odds against, `1 / value - 1`, are the sum of those of the values.

    >>> odds_added([0.5, 1.0]), odds_added([0.5, 0.5]), odds_added([0.5, 0.0])
    (0.5, 0.3333333333333333, 0.0)
    """
    against = 0.0
    for value in values:
        if value <= 0:
            return 0.0
        against += 1 / value - 1
    return 1 / (1 + against)


def odds_against(article: Wording, aligned: Aligned, voted: Mapping[int, int]) -> float:
    """Return what speaks against a sentence: 0 for a copy, and more the less the article has.

    voted: its `votes`.
    """
    cut = CUT * (cut_before(article, aligned) is not None)
    if aligned.cost == 0:
        return cut
    lacking = (
        (1 - common_subsequence(article, aligned, voted))
        + (1 - close_pairs(article, aligned))
        + (1 - aligned.known)
    )
    naming = filter(NAMING_STEMS.__contains__, aligned.keys)
    n_naming = sum([key not in article for key in naming])
    repeated = REPEATED * is_repeated(article, aligned)
    path = PATH * aligned.cost / math.sqrt(len(aligned.tokens))
    return path + LACKING * lacking + NAMING * n_naming + repeated + cut


def common_subsequence(article: Wording, aligned: Aligned, voted: Mapping[int, int]) -> float:
    """Return the longest common subsequence with the best two sentences, as a share of words."""
    if not voted:
        return 0.0
    similarity = rapidfuzz().distance.LCSseq.similarity
    most = max(voted.values())
    best = min([number for number, n in voted.items() if n == most])
    keys = aligned.keys[:LONGEST_COMPARED]
    first = article.passages.first
    windows = {(max(best - 1, 0), best + 1), (best, min(best + 2, len(first) - 1))}
    longest: int = max(
        [similarity(keys, article.keys[first[start] : first[end]]) for start, end in windows]
    )
    return longest / len(keys)


def is_repeated(article: Wording, aligned: Aligned) -> bool:
    """Tell whether a sentence has a word of content more often than any of the article has it.

    Summarizers that lose the thread say things twice (`a sheep, a sheep and a sheep`).
    """
    words = zip(aligned.tokens, aligned.keys, strict=True)
    keys = [key for token, key in words if token.content and not key[:1].isdigit()]
    if len(keys) == len({*keys}):  # as nearly always: none is there twice
        return False
    counted = Counter(keys)
    return any(n > 1 and n > article.most_in_sentence(key) for key, n in counted.items())


def cut_before(article: Wording, aligned: Aligned) -> int | None:
    """Return which word of the article a sentence breaks off before, although it belongs to it.

    `Of fake crowd` for `of fake crowd noise`: a noun behind the last copied words, or `of`.
    """
    last = aligned.places[-1]
    n_last = LEAST_COPIED
    run = aligned.places[-n_last:]
    if last is None or list(run) != list(range(last - n_last + 1, last + 1)):
        return None
    if last + 1 >= article.passages.bounds(last)[1]:
        return None
    following = article.passages.token(last + 1)
    between = article.text[article.passages.columns.ends[last] : following.start]
    if following.after_mark or following.written[0].isupper() or not STOPS.isdisjoint(between):
        return None
    return last + 1 if following.word == "of" or _is_head(following) else None


def _is_head(token: Token) -> bool:
    """Tell whether a word may be the noun that the words before it belong to."""
    if not token.content or token.word in AFTERTHOUGHTS or token.word in VERB_OF:
        return False
    return not token.word.endswith(("ed", "ing", "ly"))


def _flag(article: Wording, span: Span, summary: str, found: tuple[Span, ...]) -> Flag:
    return Flag(span, "unsupported", _message(article, span.of(summary), found), found)


def _message(article: Wording, words: str, found: tuple[Span, ...]) -> str:
    quoted = words if len(words) <= MOST_QUOTED else f"{words[:MOST_QUOTED].rstrip()}…"
    if not found:
        return f"nothing in the article says '{quoted}'"
    place = article.passages.sentence_at(found[0].start) + 1
    return f"'{quoted}' is not in the article; the nearest is sentence {place}"


def unsupported_runs(article: Wording, aligned: Aligned, wrong: Sequence[Span]) -> list[WordRun]:
    """Return the first and the last word of each run that nothing supports, in order.

    wrong: what is known to be wrong in the summary, in order; its words count as novel.
    """
    places = article.places
    novel = unknown = [
        token.content and key not in places and is_novel(article, key)
        for token, key in zip(aligned.tokens, aligned.own, strict=True)
    ]
    for at in _forms_of_age(aligned) if any(unknown) else ():
        unknown[at] = False
    known_wrong: Sequence[bool] = ()
    if wrong:
        ends = [span.end for span in wrong]
        known_wrong = [_overlaps(wrong, ends, token) for token in aligned.tokens]
        novel = [one or other for one, other in zip(unknown, known_wrong, strict=True)]
    if not any(novel):
        return []
    if _is_mostly_novel(aligned, novel):
        return [run for run in _between_copies(aligned) if any(novel[run[0] : run[1] + 1])]
    telling = [
        is_unknown and token.stem not in GENERAL_STEMS
        for token, is_unknown in zip(aligned.tokens, unknown, strict=True)
    ]
    if known_wrong:
        telling = [one or other for one, other in zip(telling, known_wrong, strict=True)]
    return [run for run in _bridge_gaps(aligned, novel) if any(telling[run[0] : run[1] + 1])]


def _forms_of_age(aligned: Aligned) -> Iterator[int]:
    """Yield which words are `year` and `old` in `34 - year - old`: only its number can be wrong."""
    words = [token.word for token in aligned.tokens]
    for at in range(2, len(words)) if "old" in words else ():
        is_age = words[at] == "old" and words[at - 1] in ("year", "years")
        if is_age and aligned.own[at - 2][:1].isdigit():
            yield from (at - 1, at)


def _overlaps(wrong: Sequence[Span], ends: Sequence[int], token: Token) -> bool:
    at = bisect.bisect_right(ends, token.start)
    return at < len(wrong) and wrong[at].start < token.end


def _is_mostly_novel(aligned: Aligned, novel: Sequence[bool]) -> bool:
    judged = [one for one, token in zip(novel, aligned.tokens, strict=True) if token.content]
    return len(judged) >= LEAST_JUDGED and sum(judged) > MOSTLY_NOVEL * len(judged)


def _between_copies(aligned: Aligned) -> Iterator[WordRun]:
    """Yield the stretches of a sentence that are no part of a copied fragment."""
    start = 0
    for first, last in _fragments(aligned):
        is_copy = last - first + 1 >= LEAST_COPIED
        if is_copy and any(token.content for token in aligned.tokens[first : last + 1]):
            if start < first:
                yield start, first - 1
            start = last + 1
    if start < len(aligned.tokens):
        yield start, len(aligned.tokens) - 1


def _fragments(aligned: Aligned) -> Iterator[WordRun]:
    """Yield the runs of words, also of one, that stand in the article one after the other."""
    first = 0
    for number, (place, following) in enumerate(itertools.pairwise([*aligned.places, None])):
        if place is None or following != place + 1:
            yield first, number
            first = number + 1


def _bridge_gaps(aligned: Aligned, novel: Sequence[bool]) -> Iterator[WordRun]:
    first = last = -1
    for number in itertools.compress(itertools.count(), novel):
        if first >= 0 and not _is_gap(aligned, last + 1, number):
            yield first, last
            first = number
        first = number if first < 0 else first
        last = number
    if first >= 0:
        yield first, last


def _is_gap(aligned: Aligned, start: int, end: int) -> bool:
    """Tell whether the words between two novel ones are few."""
    if end - start > MOST_BRIDGED:
        return False
    return sum([token.content for token in aligned.tokens[start:end]]) <= MOST_CONTENT_BRIDGED
