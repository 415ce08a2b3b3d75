"""Which words of a summary's sentence does nothing in the article support?

Words of content that the article does not have are novel. They are flagged in runs, with the few
words between them that hang together with nothing else; or, in a sentence that is novel for the
most part, with all words but those of copied fragments, since what the article shares with such a
sentence is chance. A run whose only novel words say little by themselves (`launched`) is left out.
"""

import bisect
import itertools
from collections.abc import Iterator, Sequence

from evalharness.checks.lexical.alignment import Aligned, Wording
from evalharness.checks.lexical.general_words import GENERAL_STEMS
from evalharness.records import Span
from evalharness.text import Token

# A word that is spelled so nearly like one of the article's is not novel: `organise`.
KNOWN_SPELLING = 0.6
# Words between two novel ones are flagged with them, unless there are more or the article has two
# neighbouring ones of them as neighbours.
MOST_BRIDGED = 3
# A sentence with a greater share of novel words among its words of content, of which it must have
# some, is novel for the most part. On labelled news most of its other words are marked wrong, too.
MOSTLY_NOVEL = 0.48
LEAST_JUDGED = 3
# So many words in a row, one of them of content, are a copied fragment.
LEAST_COPIED = 3

WordRun = tuple[int, int]


def unsupported_runs(article: Wording, aligned: Aligned, wrong: Sequence[Span]) -> list[WordRun]:
    """Return the first and the last word of each run that nothing supports, in order.

    wrong: what is known to be wrong in the summary, in order; its words count as novel.
    """
    words = list(zip(aligned.tokens, aligned.keys, strict=True))
    known_wrong = [_overlaps(wrong, token) for token in aligned.tokens]
    unknown = [token.content and _is_novel(article, key) for token, key in words]
    novel = [one or other for one, other in zip(unknown, known_wrong, strict=True)]
    if _is_mostly_novel(aligned, novel):
        return [run for run in _between_copies(aligned) if any(novel[run[0] : run[1] + 1])]
    telling = [
        is_wrong or (is_unknown and token.stem not in GENERAL_STEMS)
        for token, is_unknown, is_wrong in zip(aligned.tokens, unknown, known_wrong, strict=True)
    ]
    return [run for run in _bridge_gaps(aligned, novel) if any(telling[run[0] : run[1] + 1])]


def _is_novel(article: Wording, key: str) -> bool:
    """Tell whether the article lacks a word; numbers, which have many forms, are not judged."""
    if key in article or key[:1].isdigit():
        return False
    return article.similar(key)[0] < KNOWN_SPELLING


def _overlaps(wrong: Sequence[Span], token: Token) -> bool:
    at = bisect.bisect_right(wrong, token.start, key=lambda span: span.end)
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
    """Yield the runs of novel words, small gaps bridged."""
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
    """Tell whether the words between two novel ones are few, and hardly copied."""
    if end - start > MOST_BRIDGED:
        return False
    return not any(
        one is not None and other == one + 1
        for one, other in itertools.pairwise(aligned.places[start:end])
    )
