"""BARTScore from the article to the summary: how likely is the summary, given the article?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from evalharness.metrics.bartscore import BartScoring
from evalharness.neural.reading import PairScoring, TokenLikelihoods
from evalharness.protocols import Checkpoint, Need, Pair
from evalharness.records import Score, SentenceScore
from evalharness.text import SENTENCES_VERSION
from evalharness.text.defects import unscorable


@dataclass(frozen=True)
class BartScore(BartScoring):
    """The mean log-probability of the summary's tokens, given the article (Yuan et al., 2021).

    Faithfulness, `s -> h`, in the paper's words. A sentence has the mean of its own tokens; the
    score is that of all tokens, the marks at start and end included, as the authors have it.
    """

    model: Checkpoint = "facebook/bart-large-cnn"

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (float("-inf"), 0.0)
    version: ClassVar[int] = 1

    def identity(self) -> Mapping[str, str]:
        """Return what names the weights and the sentence splitter."""
        return {**super().identity(), "sentences": str(SENTENCES_VERSION)}

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary and its sentences."""
        notes = [unscorable(article.text, summary.text) for article, summary in pairs]
        texts = [(article.text, summary.text) for article, summary in pairs]
        found = self.likely([pair for pair, note in zip(texts, notes, strict=True) if not note])
        return [
            Score(None, note=note) if note else self._score(*pair, found[pair])
            for pair, note in zip(texts, notes, strict=True)
        ]

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
