"""BARTScore's arithmetic: how likely a model finds one text to follow from another."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from evalharness.neural.placing import numbers_of
from evalharness.neural.weights import NetworkOptions
from evalharness.records import Span

if TYPE_CHECKING:
    from evalharness.neural.likelihood import Likelihood


class Likely(NamedTuple):
    """How likely the tokens of a target are, given a source.

    logs: log-probabilities, shape (tokens,), those around the text included. ends: the characters
    of the target at which tokens end. content: which tokens are no special ones around it.
    source_read, target_read: characters that the network was given.
    """

    logs: npt.NDArray[np.float32]
    ends: npt.NDArray[np.int64]
    content: npt.NDArray[np.bool_]
    source_read: int
    target_read: int
    cut: bool

    def numbers(self, spans: Sequence[Span]) -> npt.NDArray[np.int64]:
        """Return in which span of the target each token stands; -1 for special tokens."""
        return np.where(self.content, numbers_of(self.ends, spans), -1)

    @property
    def mean(self) -> float:
        """Return the mean over all tokens, as the authors have it."""
        return float(self.logs.sum() / len(self.logs))


@dataclass(frozen=True)
class BartScoring(NetworkOptions):
    """Which model judges, and how much of a text it reads.

    max_tokens: the most tokens of the source, and of the target, as many as the authors use.
    """

    _: KW_ONLY
    max_tokens: int = 1024

    def __post_init__(self) -> None:
        """Check the options. Raises: ValueError."""
        super().__post_init__()
        if self.max_tokens < 3:
            raise ValueError(f"max_tokens: {self.max_tokens} is below 3")

    @cached_property
    def judge(self) -> "Likelihood":
        """The model, loaded when it is first asked."""
        from evalharness.neural.likelihood import Likelihood

        return Likelihood(self.network("AutoModelForSeq2SeqLM"), self.max_tokens)

    def likely(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Likely]:
        """Return how likely each target is, given its source; each pair once."""
        once = list(dict.fromkeys(pairs))
        return dict(zip(once, self.judge.of(once), strict=True)) if once else {}
