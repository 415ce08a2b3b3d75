"""How many prompts go through a model at once: a table, and half of what failed. Needs no torch."""

from collections.abc import Sequence
from dataclasses import dataclass

# By device: the most articles and rows (articles x beams) of a batch, and padded prompt tokens.
# On a CPU what batching gains is soon lost again to padding and to caches that overflow, and beams
# are a batch by themselves. A GPU decodes at the pace at which it reads the weights, so that more
# rows are nearly free until its memory ends.
_LARGEST = {"cpu": (8, 8, 8_192), "mps": (16, 32, 32_768), "cuda": (64, 128, 131_072)}
# The least share of a batch of `auto` that is no padding. On a CPU padding takes as long as text.
_FILLED = {"cpu": 0.8, "mps": 0.6, "cuda": 0.5}


@dataclass
class Pace:
    """Limits of a batch: articles; padded prompt tokens; and what memory was too small for.

    memory: the most cells (rows x tokens, read and written) since a batch of twice as many did not
        fit; None while all fit.
    filled: the least share of a batch that is no padding.
    has_written: whether a batch has come out at all.
    """

    articles: int
    tokens: int | None = None
    memory: int | None = None
    filled: float = 0.0
    has_written: bool = False

    def prompts_that_fit(self, lengths: Sequence[int], beams: int, cap: int) -> int:
        """Return how many of some prompts go together, by their lengths in falling order."""
        n = min(self.size(lengths[0], beams, cap), len(lengths))
        while sum(lengths[:n]) < self.filled * n * lengths[0]:
            n -= 1
        return n

    def size(self, longest: int, beams: int, cap: int) -> int:
        """Return how many articles go together, the longest prompt having so many tokens."""
        n = self.articles
        if self.tokens is not None:
            n = min(n, self.tokens // max(1, longest))
        if self.memory is not None:
            n = min(n, self.memory // (beams * (longest + cap)))
        return max(1, n)

    def keep_within(self, cells: int) -> None:
        """Let no batch have more cells than so many, or than before if those were fewer."""
        self.memory = cells if self.memory is None else min(cells, self.memory)

    def limits(self) -> dict[str, int | None]:
        """Return the limits as `run.json` has them."""
        memory = {} if self.memory is None else {"memory": self.memory}
        return {"articles": self.articles, "tokens": self.tokens} | memory


def usual(device: str, beams: int) -> Pace:
    """Return the limits on a device on which no batch has failed."""
    articles, rows, tokens = _LARGEST.get(device, _LARGEST["cpu"])
    filled = _FILLED.get(device, _FILLED["cpu"])
    return Pace(max(1, min(articles, rows // beams)), tokens, filled=filled)
