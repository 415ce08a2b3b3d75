"""How much of a summary is copied from its article: coverage, density, compression, novelty."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from evalharness.metrics.fragments import fragments
from evalharness.metrics.tokens import KEPT_CHARACTERS, KEPT_TEXTS, TokenTexts, tokenize
from evalharness.protocols import Need, Pair
from evalharness.records import Score
from evalharness.text import SENTENCES_VERSION, sentences

# The n-grams whose novelty is reported, as in See et al., 2017, and the papers after it.
_NOVEL_ORDERS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Extractiveness:
    """How a summary takes its words from the article (Grusky et al., 2018, Newsroom).

    It describes a summary and does not judge it. Words are case-folded runs of letters, marks and
    digits, not stemmed; in scripts without spaces each letter is a word. Punctuation is left out,
    which the paper's own code (spaCy) counts as words.

    `value` is the coverage: the share of the summary's words that stand in fragments, the longest
    runs of words that the article has too. `parts`: `coverage`; `density`, for a word of the
    summary the mean length of its fragment, in words; `compression`, words of the article for each
    word of the summary; `novel_1` to `novel_4`, the share of the summary's distinct n-grams that
    the article does not have, left out where the summary is shorter; its `words` and `sentences`.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 1

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
    coverage = sum(lengths) / len(ours)
    parts = {
        "coverage": coverage,
        "density": sum(length * length for length in lengths) / len(ours),
        "compression": len(theirs) / len(ours),
        **{f"novel_{n}": _novelty(theirs, ours, n) for n in _NOVEL_ORDERS if n <= len(ours)},
        "words": float(len(ours)),
        "sentences": float(len(sentences(summary))),
    }
    return Score(coverage, parts)


def _words(text: str) -> TokenTexts:
    return tokenize(text, stemmer=False, tokenizer="unicode")


_words_once = lru_cache(KEPT_TEXTS)(_words)


def _novelty(article: TokenTexts, summary: TokenTexts, n: int) -> float:
    """Return the share of the summary's distinct n-grams that the article does not have."""
    ours = set(_ngrams(summary, n))
    return len(ours.difference(_ngrams(article, n))) / len(ours)


def _ngrams(words: TokenTexts, n: int) -> Iterator[TokenTexts]:
    return zip(*(words[start:] for start in range(n)), strict=False)
