"""How many prompts go through a model at once, and how that is found out. Needs no torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

# By device: the most articles and rows (articles x beams) of a batch, and padded prompt tokens.
# On a CPU what batching gains is soon lost again to padding and to caches that overflow, and beams
# are a batch by themselves. A GPU decodes at the pace at which it reads the weights, so that more
# rows are nearly free until its memory ends.
_LARGEST = {"cpu": (8, 8, 8_192), "mps": (16, 32, 32_768), "cuda": (64, 128, 131_072)}
# The least share of a batch of `auto` that is no padding. On a CPU padding takes as long as text.
_FILLED = {"cpu": 0.8, "mps": 0.6, "cuda": 0.5}
# Sizes that are tried: 1, shares of the usual size, and a size of so many times the usual rows.
_MORE_ROWS = 4
_SHARES = {"cpu": (2, 1), "mps": (4, 2, 1), "cuda": (4, 2, 1)}
# A size is tried on so many articles at the least; single ones are slow on a GPU.
_TRIED_ON = {"cpu": 8, "mps": 4, "cuda": 2}
# A trial takes as long as 16 to 24 single articles: for fewer than so many it is not worth that.
LEAST_FOR_TRIAL = 256
# A larger batch must be so much quicker than a smaller one: memory and padding are not for nothing.
_WORTH = 1.05
# Prompts that are longer than those that were tried by more than this go in smaller batches.
_LONGER = 2


@dataclass(frozen=True)
class Pace:
    """Limits of a batch: articles; padded prompt tokens; and what memory was too small for.

    memory: the most cells (rows x tokens, read and written) since a batch of twice as many did not
        fit; None while all fit.
    tried: articles a second by size of batch, of a trial.
    length: tokens of the longest prompt in the trial.
    filled: the least share of a batch that is no padding.
    """

    articles: int
    tokens: int | None = None
    memory: int | None = None
    tried: Mapping[int, float] | None = None
    length: int | None = None
    filled: float = 0.0

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

    def after_failure(self, cells: int) -> "Pace":
        """Return the limits after a batch of so many cells did not fit into memory."""
        half = cells // 2
        return replace(self, memory=half if self.memory is None else min(half, self.memory))

    def record(self) -> dict[str, Any]:
        """Return what must be the same for whoever goes on; nothing where it follows by itself."""
        found: dict[str, Any] = {} if self.memory is None else {"memory": self.memory}
        if self.tried is not None:
            found |= {"articles": self.articles, "tokens": self.tokens, "length": self.length}
            found["tried"] = {str(size): round(pace, 4) for size, pace in self.tried.items()}
        return found

    def with_record(self, record: Mapping[str, Any]) -> "Pace":
        """Return the limits with what `record` returned before."""
        kept = {name: record[name] for name in ("articles", "tokens", "length") if name in record}
        if "tried" in record:
            kept["tried"] = {int(size): pace for size, pace in record["tried"].items()}
        least = [n for n in (self.memory, record.get("memory")) if n is not None]
        return replace(self, **kept, memory=min(least) if least else None)


def usual(device: str, beams: int) -> Pace:
    """Return the limits on a device where nothing was tried."""
    articles, rows, tokens = _LARGEST.get(device, _LARGEST["cpu"])
    filled = _FILLED.get(device, _FILLED["cpu"])
    return Pace(max(1, min(articles, rows // beams)), tokens, filled=filled)


def sizes(device: str, beams: int) -> list[int]:
    """Return the sizes of batch to try, ascending from 1."""
    articles, rows, _ = _LARGEST.get(device, _LARGEST["cpu"])
    known = usual(device, beams).articles
    shares = [known // share for share in _SHARES.get(device, _SHARES["cpu"])]
    most = min(articles, _MORE_ROWS * rows // beams)
    return sorted({1, *(max(1, size) for size in [*shares, most])})


def find_pace(
    lengths: Sequence[int], device: str, beams: int, time: Callable[[Sequence[int], int], float]
) -> Pace | None:
    """Return the limits that a trial finds; None where it would cost too much for so few prompts.

    lengths: of the prompts, in tokens. time: seconds that some prompts take in batches of a size.
    Neighbours in length are tried, from where half of all tokens are in longer prompts.
    """
    candidates = sizes(device, beams)
    least = _TRIED_ON.get(device, _TRIED_ON["cpu"])
    n = max(candidates[-1], least)
    if len(candidates) == 1 or len(lengths) < max(LEAST_FOR_TRIAL, n):
        return None
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    chosen = order[_middle([lengths[i] for i in order], n) :][:n]
    found: dict[int, float] = {}
    best = 1
    for size in candidates:
        some = chosen[: max(size, least)]
        found[size] = len(some) / time(some, size)
        if not found[1]:
            return None  # an article that fails tells nothing of time
        if found[size] >= _WORTH * found[best]:
            best = size
        elif found[size] * _WORTH < found[best]:
            break  # larger ones are slower still
    length = max(lengths[i] for i in chosen)
    tokens = _LONGER * best * length if best > 1 else None
    filled = usual(device, beams).filled
    return Pace(best, tokens, tried=found, length=length, filled=filled)


def _middle(lengths: Sequence[int], n: int) -> int:
    half, at = sum(lengths) / 2, 0
    while half > 0:
        half -= lengths[at]
        at += 1
    return max(0, min(at - n // 2, len(lengths) - n))
