"""BERTScore against the article: does each word of the summary have one like it there?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from evalharness.metrics.bertscore import BertScoring
from evalharness.neural.reading import PairScoring, score_comparable
from evalharness.protocols import Checkpoint, Need, Pair
from evalharness.records import Score, SentenceScore, Span
from evalharness.text import SENTENCES_VERSION

if TYPE_CHECKING:
    from evalharness.neural.embedding import Match

_Sentences = Callable[[str], Sequence[Span]]


@dataclass(frozen=True)
class BertScore(BertScoring):
    """Precision of BERTScore with the article as the reference, by sentence of the summary.

    A sentence has the mean cosine of its tokens with the nearest of the article's; the score is the
    mean over all tokens, as bert-score has it. Recall and F1 are in the parts. Evidence is the
    article's sentence that most of the nearest tokens stand in.
    """

    model: Checkpoint = "roberta-large"

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    version: ClassVar[int] = 2

    def identity(self) -> Mapping[str, str]:
        """Return what names the weights, the layer and the sentence splitter."""
        return {**super().identity(), "sentences": str(SENTENCES_VERSION)}

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each sentence of each summary against the article."""
        return score_comparable(pairs, self._score_texts)

    def _score_texts(self, texts: Sequence[tuple[str, str]]) -> list[Score]:
        sentences = cache(self.split)
        found = self.compare_pairs(
            texts, lambda article, summary, match: self._score(article, summary, match, sentences)
        )
        return [found[pair] for pair in texts]

    def _score(self, article: str, summary: str, match: "Match", sentences: _Sentences) -> Score:
        if not match.comparable:
            return Score(None, note="nothing to compare: no token that weighs something")
        of_article = sentences(article)
        places = match.reference.numbers(of_article)[match.place]
        spans = self.split(summary)
        numbers = match.hypothesis.numbers(spans)
        scores: list[SentenceScore] = []
        for number, span in enumerate(spans):
            which = numbers == number
            weights = match.weights[which]
            if weights.sum() > 0:
                evidence = _evidence(places[which], weights, of_article)
                scores.append(SentenceScore(span, self.precision_of(match, which), evidence))
        names = ("precision", "recall", "f1")
        parts = dict(zip(names, self.figures(match), strict=True))
        reading = PairScoring(
            article,
            lost=max(0, len(article.rstrip()) - match.reference.read),
            cut=int(match.hypothesis.read < len(summary.rstrip())),
        )
        return reading.score(parts["precision"], scores, parts)


def _evidence(
    places: npt.NDArray[np.int64], weights: npt.NDArray[np.float32], of_article: Sequence[Span]
) -> tuple[Span, ...]:
    """Return the sentence of the article in which most of the nearest tokens stand."""
    inside = places >= 0
    if not inside.any():
        return ()
    return (of_article[int(np.bincount(places[inside], weights[inside]).argmax())],)
