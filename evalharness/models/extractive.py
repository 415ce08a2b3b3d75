"""Summaries made of the article's own sentences: the floors and the ceiling of every table.

A model that does not beat `lead` on news has learnt little; one that beats `oracle` writes what no
choice of sentences can give. None of them needs weights. Chosen sentences stand in the article's
order, one a line, which is how ROUGE-Lsum tells them apart.
"""

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from evalharness.protocols import Need
from evalharness.records import Article, Summary, digest
from evalharness.text import SENTENCES_VERSION, sentences, words

# TextRank and LexRank compare every sentence with every other: 2,000 take 32 MB a matrix and about
# a second. Longer articles are ranked by their first 2,000 sentences, and `read` says so.
MAX_RANKED = 2000


@dataclass(frozen=True)
class _Extract:
    """A choice of sentences; what each kind of choice shares."""

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    version: ClassVar[int] = 1

    sentences: int = 3

    def __post_init__(self) -> None:
        if self.sentences < 1:
            raise ValueError("sentences: must be 1 or more")

    def identity(self) -> Mapping[str, str]:
        """Return the version of the sentence splitter, which a choice of sentences depends on."""
        return {"splitter": f"v{SENTENCES_VERSION}"}

    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        """Return the chosen sentences of each article, one a line."""
        return [self._summarize(article) for article in articles]

    def _summarize(self, article: Article) -> Summary:
        most = self._most_seen()
        spans = sentences(article.text, most and most + 1)  # one more tells whether that is all
        if not spans:
            return Summary(article.id, "", len(article.text), "empty")
        seen = spans[:most]
        read = len(article.text) if len(seen) == len(spans) else seen[-1].end
        lines = [_line(span.of(article.text)) for span in seen]
        chosen = sorted(self._choose(article, lines))
        return Summary(article.id, "\n".join(lines[position] for position in chosen), read)

    def _most_seen(self) -> int | None:
        """Return how many sentences it looks at; None for all."""
        return None

    def _choose(self, article: Article, lines: Sequence[str]) -> Iterable[int]:
        """Return the positions of the chosen sentences; there is at least one to choose from."""
        raise NotImplementedError


@dataclass(frozen=True)
class Lead(_Extract):
    """The first sentences of the article: the usual baseline for news, and hard to beat.

    sentences: how many.
    """

    def _most_seen(self) -> int:
        return self.sentences

    def _choose(self, article: Article, lines: Sequence[str]) -> Iterable[int]:
        return range(len(lines))


@dataclass(frozen=True)
class RandomSentences(_Extract):
    """Sentences drawn at random, each choice as likely as any other: the lowest baseline.

    What is drawn depends on the seed and the article's text alone, not on other articles.

    sentences: how many.
    seed: another seed draws other sentences.
    """

    seed: int = 0

    def _choose(self, article: Article, lines: Sequence[str]) -> Iterable[int]:
        key = digest(self.seed, article.text)

        def draw(position: int) -> str:
            return hashlib.sha256(f"{key}:{position}".encode()).hexdigest()

        return sorted(range(len(lines)), key=draw)[: self.sentences]


@dataclass(frozen=True)
class TextRank(_Extract):
    """The sentences that share most words with sentences that do so too (Mihalcea & Tarau 2004).

    Two sentences are alike by the number of distinct words they share, over the sum of the
    logarithms of their lengths. Words are lower-cased; none is stemmed or left out.

    sentences: how many.
    damping: weight of the links between sentences against an equal share for each, 0 up to 1.
    """

    damping: float = 0.85

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _check_damping(self.damping)

    def _most_seen(self) -> int:
        return MAX_RANKED

    def _choose(self, article: Article, lines: Sequence[str]) -> Iterable[int]:
        # Imported late: it brings numpy, and a config is checked without it.
        from evalharness.models.centrality import most_central, shared_words

        likeness = shared_words([_words(line) for line in lines])
        return most_central(likeness, self.damping, self.sentences)


@dataclass(frozen=True)
class LexRank(_Extract):
    """The sentences most like the others by tf-idf cosine (Erkan & Radev 2004).

    The idf of a word is the logarithm of the article's sentences over those that have the word:
    the article stands in for the paper's corpus. Words are lower-cased; none is stemmed.

    sentences: how many.
    threshold: a cosine above this links two sentences; not used where `continuous`.
    continuous: weigh the links by the cosine itself ("continuous LexRank").
    damping: weight of the links against an equal share for each, 0 up to 1; 1 - d in the paper.
    """

    threshold: float = 0.1
    continuous: bool = False
    damping: float = 0.85

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _check_damping(self.damping)
        if not 0 <= self.threshold < 1:
            raise ValueError("threshold: must be at least 0 and below 1")

    def _most_seen(self) -> int:
        return MAX_RANKED

    def _choose(self, article: Article, lines: Sequence[str]) -> Iterable[int]:
        from evalharness.models.centrality import cosines, most_central

        likeness = cosines([_words(line) for line in lines])
        if not self.continuous:
            likeness = (likeness > self.threshold).astype(float)
        return most_central(likeness, self.damping, self.sentences)


@dataclass(frozen=True)
class Oracle(_Extract):
    """The article's sentences that match the reference best: an upper bound for copying.

    Sentences are added greedily as long as ROUGE-1 F + ROUGE-2 F rises (Nallapati et al. 2017, as
    Liu & Lapata 2019 train on it); the best single one is always taken. Of several references, the
    one that gives most counts, afresh at each step. ROUGE here is plain: clipped counts of
    lower-cased words, unstemmed; pairs of words do not run from one sentence to the next.

    sentences: at most how many.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article", "references"})

    def _summarize(self, article: Article) -> Summary:
        if not any(reference.strip() for reference in article.references):
            return Summary(article.id, "", finish="error", note="the article has no reference")
        return super()._summarize(article)

    def _choose(self, article: Article, lines: Sequence[str]) -> Iterable[int]:
        candidates = [_grams(_words(line)) for line in lines]
        overlaps = [_Overlap(_words(reference)) for reference in article.references]
        chosen: list[int] = []
        best = -1.0
        while len(chosen) < min(self.sentences, len(lines)):
            gains = [
                max(overlap.with_sentence(candidate) for overlap in overlaps)
                for candidate in candidates
            ]
            position = max(set(range(len(lines))) - set(chosen), key=lambda i: (gains[i], -i))
            if gains[position] <= best:
                break
            best = gains[position]
            chosen.append(position)
            for overlap in overlaps:
                overlap.add(candidates[position])
        return chosen


@dataclass(frozen=True)
class Title:
    """The title of the article, if its row has one, as a summary of one line."""

    needs: ClassVar[frozenset[Need]] = frozenset({"title"})
    version: ClassVar[int] = 1

    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        """Return each title; finish `error` where the row has none."""
        return [self._summarize(article) for article in articles]

    def _summarize(self, article: Article) -> Summary:
        title = article.extra.get("title")
        if not isinstance(title, str) or not title.strip():
            return Summary(article.id, "", finish="error", note="the article has no title")
        return Summary(article.id, _line(title))


@dataclass(frozen=True)
class WholeArticle:
    """The whole article as its own summary: to test checks, which must find no error in it."""

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    version: ClassVar[int] = 1

    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        """Return each article as it is."""
        return [
            Summary(
                article.id,
                article.text,
                read=len(article.text),
                finish="stop" if article.text.strip() else "empty",
            )
            for article in articles
        ]


def _line(sentence: str) -> str:
    return " ".join(sentence.split())


def _words(line: str) -> list[str]:
    return [word.of(line).lower() for word in words(line)]


def _check_damping(damping: float) -> None:
    if not 0 <= damping < 1:
        raise ValueError("damping: must be at least 0 and below 1")


# The oracle's ROUGE

Grams = tuple[Counter[tuple[str, ...]], ...]


def _grams(words: Sequence[str]) -> Grams:
    """Return how often each word and each pair of neighbours occurs."""
    return Counter(zip(words, strict=False)), Counter(itertools.pairwise(words))


class _Overlap:
    """What chosen sentences and one reference have in common, kept as sentences are added."""

    def __init__(self, reference: Sequence[str]) -> None:
        self.left = list(_grams(reference))  # what of the reference no chosen sentence has yet
        self.sizes = [grams.total() for grams in self.left]  # of the reference and what is chosen
        self.matches = [0, 0]

    def with_sentence(self, sentence: Grams) -> float:
        """Return ROUGE-1 F + ROUGE-2 F if the sentence were chosen too.

        F, of precision m / written and recall m / wanted, is 2 m / (written + wanted).
        """
        total = 0.0
        for n, grams in enumerate(sentence):
            if size := self.sizes[n] + grams.total():
                total += 2 * (self.matches[n] + self._gain(n, grams)) / size
        return total

    def add(self, sentence: Grams) -> None:
        """Count the sentence as chosen."""
        for n, grams in enumerate(sentence):
            self.matches[n] += self._gain(n, grams)
            self.sizes[n] += grams.total()
            self.left[n] -= grams

    def _gain(self, n: int, grams: Counter[tuple[str, ...]]) -> int:
        left = self.left[n]
        return sum(min(count, left[gram]) for gram, count in grams.items() if gram in left)
