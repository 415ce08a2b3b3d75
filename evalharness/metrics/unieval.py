"""UniEval's relevance: a T5 is asked whether the summary is relevant to its reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import ClassVar, Literal

from evalharness.neural.unieval import UniEvalQuestion, UniEvaluating, YesAnswer
from evalharness.protocols import Checkpoint, Need, Pair
from evalharness.records import Score


@dataclass(frozen=True)
class UniEval(UniEvaluating):
    """The probability of yes to UniEval's question about the reference (Zhong et al., 2022).

    references: of several, the best or the mean; the authors have one.
    """

    model: Checkpoint = "MingZhong/unieval-sum"
    references: Literal["max", "mean"] = "max"

    needs: ClassVar[frozenset[Need]] = frozenset({"references"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 1

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary against its references."""
        asked = [
            [UniEvalQuestion("relevance", summary.text, r) for r in article.references if r.strip()]
            if summary.text.strip()
            else []
            for article, summary in pairs
        ]
        answers = self.answers([question for some in asked for question in some])
        return [
            self._score([answers[question] for question in some])
            if some
            else Score(None, note=_why_unscored(summary.text))
            for (_, summary), some in zip(pairs, asked, strict=True)
        ]

    def _score(self, answers: Sequence[YesAnswer]) -> Score:
        combine = max if self.references == "max" else fmean
        value = combine([answer.value for answer in answers])
        cut = any(answer.cut or answer.lost for answer in answers)
        return Score(value, {"relevance": value}, note="a text was cut" if cut else "")


def _why_unscored(summary: str) -> str:
    return "the article has no reference" if summary.strip() else "the summary is empty"
