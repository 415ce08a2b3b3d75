"""How much of a summary is copied from its article: share, density, compression, novelty."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from evalharness.metrics.tokens import KEPT_CHARACTERS, KEPT_TEXTS, TokenTexts, tokenize
from evalharness.protocols import Need, Pair
from evalharness.records import Score
from evalharness.text import SENTENCES_VERSION, sentences


@dataclass(frozen=True)
class Extractiveness:
    """How a summary takes its words from the article (Grusky et al., 2018, Newsroom).

    It describes a summary and does not judge it. Words are case-folded runs of letters, marks and
    digits, not stemmed; in scripts without spaces each letter is a word. Punctuation is left out,
    which the paper's own code (spaCy) counts as words.

    `value` is the share of the summary's words that stand in fragments, the longest runs of words
    that the article has too: the paper's coverage. `parts`: `copied`, the same; `density`, for a
    word of the summary the mean length of its fragment, in words; `compression`, words of the
    article for each word of the summary; `novel_1` to `novel_4`, the share of the summary's
    distinct n-grams that the article does not have, left out where the summary is shorter; its
    `words` and `sentences`.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 2

    def identity(self) -> Mapping[str, str]:
        """Return the version of the sentence splitter."""
        return {"sentences": str(SENTENCES_VERSION)}

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary against its article."""
        return [_score(article.text, summary.text) for article, summary in pairs]


def _score(article: str, summary: str) -> Score:
    read = _words_once if len(article) <= KEPT_CHARACTERS else _words
    theirs, ours = read(article), _words(summary)
    if not theirs:
        return Score(None, note="the article has no words")
    if not ours:
        return Score(None, note="the summary has no words")
    lengths = fragments(theirs, ours)
    copied = sum(lengths) / len(ours)
    parts = {
        "copied": copied,
        "density": sum(length * length for length in lengths) / len(ours),
        "compression": len(theirs) / len(ours),
        **{f"novel_{n}": _novelty(theirs, ours, n) for n in _NOVEL_ORDERS if n <= len(ours)},
        "words": float(len(ours)),
        "sentences": float(len(sentences(summary))),
    }
    return Score(copied, parts)


def _words(text: str) -> TokenTexts:
    return tokenize(text, stemmer=False, tokenizer="unicode")


_words_once = lru_cache(KEPT_TEXTS)(_words)


def _novelty(article: TokenTexts, summary: TokenTexts, n: int) -> float:
    """Return the share of the summary's distinct n-grams that the article does not have."""
    ours = set(_ngrams(summary, n))
    return len(ours.difference(_ngrams(article, n))) / len(ours)


def _ngrams(words: TokenTexts, n: int) -> Iterator[TokenTexts]:
    return zip(*(words[start:] for start in range(n)), strict=False)


# Fragments: the runs of words that a summary shares with its article (Grusky, Naaman and Artzi,
# "Newsroom: A Dataset of 1.3 Million Summaries with Diverse Extractive Strategies", NAACL 2018):
# read the summary from left to right; where a run of words that starts here stands anywhere in the
# article, take the longest and go on behind it; else pass a word.
#
# The paper's pseudo-code compares each word with every place in the article, and after a match goes
# on behind it in the article too, so that it can miss the longest run where the article repeats
# itself (`a a b` in `a a a b`); here the longest is found always. To be linear on any text, the
# summary becomes a suffix automaton (Blumer et al., 1985) and the article is read through it once;
# each state then knows how long a run of its words the article has.


def fragments(article: Iterable[str], summary: Sequence[str]) -> list[int]:
    """Return the length in words of each fragment of the summary, in order.

    >>> fragments("the mayor of the town said no".split(), "the town has said no".split())
    [2, 2]
    """
    runs = _Runs(summary)
    shared = runs.shared_with(article)
    lengths: list[int] = []
    start = 0
    while start < len(summary):
        length = runs.longest(summary, start, shared)
        if length:
            lengths.append(length)
        start += max(length, 1)
    return lengths


class _Runs:
    """The suffix automaton of some words: all their runs; a state holds runs that end alike.

    steps: where the next word leads, for each state; the first is the state of the empty run.
    lengths: of the longest run of each state.
    links: the state of the longest ending that those runs have and that ends elsewhere too.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.steps: list[dict[str, int]] = [{}]
        self.lengths = [0]
        self.links = [-1]
        last = 0
        for word in words:
            last = self._append(last, word)

    def shared_with(self, article: Iterable[str]) -> list[int]:
        """Return for each state the length of its longest run that the article has."""
        shared = [0] * len(self.steps)
        state = length = 0
        for word in article:
            while state and word not in self.steps[state]:
                state = self.links[state]
                length = self.lengths[state]
            if word in self.steps[state]:
                state = self.steps[state][word]
                length += 1
                shared[state] = max(shared[state], length)
        # The article has every ending of a run that it has: hand that on, longest runs first.
        for state in sorted(range(1, len(shared)), key=self.lengths.__getitem__, reverse=True):
            ending = self.links[state]
            if shared[state] and ending:
                shared[ending] = self.lengths[ending]
        return shared

    def longest(self, words: Sequence[str], start: int, shared: Sequence[int]) -> int:
        """Return how many of our own words from `start` on make one run of the article."""
        state = length = 0
        while start + length < len(words):
            state = self.steps[state][words[start + length]]
            if shared[state] <= length:
                break
            length += 1
        return length

    def _append(self, last: int, word: str) -> int:
        """Extend the runs that end in state `last`, and their endings, by a word."""
        new = self._add(self.lengths[last] + 1, {}, link=0)
        while last >= 0 and word not in self.steps[last]:
            self.steps[last][word] = new
            last = self.links[last]
        if last >= 0:
            self.links[new] = self._ending(last, word)
        return new

    def _ending(self, state: int, word: str) -> int:
        """Return the state of the longest run of `state` and then `word`, made if need be."""
        found = self.steps[state][word]
        if self.lengths[found] == self.lengths[state] + 1:
            return found
        # `found` holds longer runs too, which do not end here: the shorter ones get a state.
        shorter = self._add(self.lengths[state] + 1, dict(self.steps[found]), self.links[found])
        self.links[found] = shorter
        while state >= 0 and self.steps[state].get(word) == found:
            self.steps[state][word] = shorter
            state = self.links[state]
        return shorter

    def _add(self, length: int, steps: dict[str, int], link: int) -> int:
        self.lengths.append(length)
        self.steps.append(steps)
        self.links.append(link)
        return len(self.steps) - 1


# The n-grams whose novelty is reported, as in See et al., 2017, and the papers after it.
_NOVEL_ORDERS = (1, 2, 3, 4)
