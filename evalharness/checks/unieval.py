"""UniEval: a T5 is asked whether the summary is consistent, coherent and fluent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import ClassVar, Literal, cast

from evalharness.metrics.unieval import (
    BY_SENTENCE,
    Dimension,
    UniEvalQuestion,
    UniEvaluating,
    YesAnswer,
)
from evalharness.neural.reading import PairScoring, score_comparable
from evalharness.protocols import Checkpoint, Need, Pair
from evalharness.records import Score, SentenceScore, Span

ArticleDimension = Literal["consistency", "coherence", "fluency"]


@dataclass(frozen=True)
class UniEval(UniEvaluating):
    """The probability of yes to UniEval's questions about a summary (Zhong et al., 2022).

    Consistency and fluency are asked of each sentence and averaged, coherence of the whole summary;
    the score is the mean of the dimensions, which are in the parts. Relevance, which looks at the
    references, is the metric of the same name.

    dimensions: what is asked. The sentences' scores are those of consistency, else of fluency.
    """

    model: Checkpoint = "MingZhong/unieval-sum"
    dimensions: tuple[ArticleDimension, ...] = ("consistency",)

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 2
    by_sentences: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the options. Raises: ValueError."""
        super().__post_init__()
        if not self.dimensions or len(set(self.dimensions)) < len(self.dimensions):
            raise ValueError("dimensions: name at least one, and each once")

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary in each dimension."""
        return score_comparable(pairs, self._score_texts)

    def _score_texts(self, texts: Sequence[tuple[str, str]]) -> list[Score]:
        asked = [self._questions(*pair) for pair in texts]
        answers = self.answers([q for by in asked for some in by.values() for _, q in some])
        return [
            self._score(article, by, answers) for (article, _), by in zip(texts, asked, strict=True)
        ]

    def _questions(
        self, article: str, summary: str
    ) -> dict[Dimension, list[tuple[Span, UniEvalQuestion]]]:
        """Return the questions of each dimension, with what of the summary they are about."""
        sentences = self.split(summary)
        whole = [Span(0, len(summary))]
        asked: dict[Dimension, list[tuple[Span, UniEvalQuestion]]] = {}
        for dimension in cast(tuple[Dimension, ...], self.dimensions):
            other = "" if dimension == "fluency" else article
            spans = sentences if dimension in BY_SENTENCE else whole
            asked[dimension] = [
                (s, UniEvalQuestion(dimension, s.of(summary), other)) for s in spans
            ]
        return asked

    def _score(
        self,
        article: str,
        asked: Mapping[Dimension, Sequence[tuple[Span, UniEvalQuestion]]],
        answers: Mapping[UniEvalQuestion, YesAnswer],
    ) -> Score:
        found = {name: [(s, answers[q]) for s, q in some] for name, some in asked.items()}
        parts: dict[str, float] = {
            name: fmean(a.value for _, a in some) for name, some in found.items()
        }
        by_sentence = next((found[name] for name in BY_SENTENCE if name in found), [])
        sentences = [SentenceScore(span, answer.value) for span, answer in by_sentence]
        every = [answer for some in found.values() for _, answer in some]
        against = [a for name, some in found.items() if name != "fluency" for _, a in some]
        reading = PairScoring(
            article,
            lost=min((answer.lost for answer in against), default=0),
            cut=sum(answer.cut for answer in every),
        )
        return reading.score(fmean(parts.values()), sentences, parts)
