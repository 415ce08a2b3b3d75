"""BARTScore between the summary and its references, in either direction."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, ClassVar, Literal

from evalharness.neural.reading import TokenLikelihoods
from evalharness.neural.weights import NetworkOptions
from evalharness.protocols import Checkpoint, Need, Pair
from evalharness.records import Score

if TYPE_CHECKING:
    from evalharness.neural.likelihood import Likelihood


@dataclass(frozen=True)
class BartScoring(NetworkOptions):
    """Which model judges, and how much of a text it reads.

    max_tokens: the most tokens of the source, and of the target, as many as the authors use.
    """

    least_values: ClassVar[Mapping[str, int]] = {"max_tokens": 3}

    _: KW_ONLY
    max_tokens: int = 1024

    @cached_property
    def judge(self) -> "Likelihood":
        """The model, loaded when it is first asked."""
        from evalharness.neural.likelihood import Likelihood

        return Likelihood(self.network("AutoModelForSeq2SeqLM"), self.max_tokens)

    def likely(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], TokenLikelihoods]:
        """Return how likely each target is, given its source; each pair once."""
        once = list(dict.fromkeys(pairs))
        return dict(zip(once, self.judge.of(once), strict=True)) if once else {}


Variant = Literal["precision", "recall", "f"]

_VARIANTS: dict[Variant, tuple[str, ...]] = {
    "precision": ("precision",),
    "recall": ("recall",),
    "f": ("precision", "recall"),
}


@dataclass(frozen=True)
class BartScore(BartScoring):
    """The mean log-probability of one text's tokens, given the other (Yuan et al., 2021).

    In the paper's words: precision is `r -> h`, the summary given the reference; recall `h -> r`,
    the reference given the summary; f the mean of both.

    variant: which of them is the value; what it needs is in the parts.
    references: of several, the mean, or for each direction the best.
    """

    model: Checkpoint = "facebook/bart-large-cnn"
    variant: Variant = "f"
    references: Literal["mean", "max"] = "mean"

    needs: ClassVar[frozenset[Need]] = frozenset({"references"})
    range: ClassVar[tuple[float, float]] = (float("-inf"), 0.0)
    version: ClassVar[int] = 2

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary against its references."""
        known = [[text for text in article.references if text.strip()] for article, _ in pairs]
        wanted = [
            self._directions_to_score(summary.text, references)
            for (_, summary), references in zip(pairs, known, strict=True)
        ]
        found = self.likely([p for by in wanted for some in by.values() for p in some])
        scores: list[Score] = []
        for (_, summary), references, by in zip(pairs, known, wanted, strict=True):
            if not summary.text.strip():
                scores.append(Score(None, note="the summary is empty"))
            elif not references:
                scores.append(Score(None, note="the article has no reference"))
            else:
                scores.append(self._score({k: [found[p] for p in v] for k, v in by.items()}))
        return scores

    def _directions_to_score(
        self, summary: str, references: Sequence[str]
    ) -> dict[str, list[tuple[str, str]]]:
        """Return source and target for each direction and reference."""
        if not summary.strip():
            return {}
        directions = {
            "precision": [(reference, summary) for reference in references],
            "recall": [(summary, reference) for reference in references],
        }
        return {name: directions[name] for name in _VARIANTS[self.variant]}

    def _score(self, found: dict[str, list[TokenLikelihoods]]) -> Score:
        combine = fmean if self.references == "mean" else max
        parts = {k: combine([each.mean for each in some]) for k, some in found.items()}
        if self.variant == "f":
            parts["f"] = fmean(parts.values())
        cut = any(each.cut for some in found.values() for each in some)
        return Score(parts[self.variant], parts, note="a text was cut" if cut else "")
