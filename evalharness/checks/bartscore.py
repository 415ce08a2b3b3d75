"""BARTScore from the article to the summary: how likely is the summary, given the article?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from evalharness.metrics.bartscore import BartScoring
from evalharness.neural.reading import PairScoring, TokenLikelihoods, score_comparable
from evalharness.protocols import Checkpoint, Need, Pair
from evalharness.records import Score, SentenceScore


@dataclass(frozen=True)
class BartScore(BartScoring):
    """The mean log-probability of the summary's tokens, given the article (Yuan et al., 2021).

    Faithfulness, `s -> h`, in the paper's words. A sentence has the mean of its own tokens; the
    score is that of all tokens, the marks at start and end included, as the authors have it.
    """

    model: Checkpoint = "facebook/bart-large-cnn"

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (float("-inf"), 0.0)
    version: ClassVar[int] = 2
    by_sentences: ClassVar[bool] = True

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary and its sentences."""
        return score_comparable(pairs, self._score_texts)

    def _score_texts(self, texts: Sequence[tuple[str, str]]) -> list[Score]:
        found = self.likely(texts)
        return [self._score(*pair, found[pair]) for pair in texts]

    def _score(self, article: str, summary: str, likely: TokenLikelihoods) -> Score:
        spans = self.split(summary)
        numbers = likely.numbers(spans)
        sentences = [
            SentenceScore(span, float(likely.logs[numbers == number].mean()))
            for number, span in enumerate(spans)
            if (numbers == number).any()
        ]
        reading = PairScoring(
            article,
            lost=max(0, len(article.rstrip()) - likely.source_read),
            cut=int(likely.target_read < len(summary.rstrip())),
        )
        return reading.score(likely.mean, sentences)
