"""Drawing tokens so that an article's summary depends on its seed alone, not on its batch.

transformers draws a whole batch from one global stream, so that batch size and order change every
sample. Here each step of each article has one uniform number, a hash of (seed, article, step), and
the token is where that number falls in the cumulative distribution. To fit into `generate`, the
draw is a logits processor at the end of greedy search: it leaves one token possible. The warpers
(temperature, top-k, …) must come before it, so they are here too, in transformers' order.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from transformers import (
    EpsilonLogitsWarper,
    EtaLogitsWarper,
    LogitsProcessor,
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopHLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

# The warpers with the value that leaves everything as it is; in the order of transformers.
_WARPERS: Mapping[str, tuple[Callable[[Any], LogitsProcessor], float | None]] = {
    "temperature": (TemperatureLogitsWarper, 1.0),
    "top_h": (TopHLogitsWarper, None),
    "top_k": (TopKLogitsWarper, 0),
    "top_p": (TopPLogitsWarper, 1.0),
    "min_p": (MinPLogitsWarper, None),
    "typical_p": (TypicalLogitsWarper, 1.0),
    "epsilon_cutoff": (EpsilonLogitsWarper, 0.0),
    "eta_cutoff": (EtaLogitsWarper, 0.0),
}
SETTINGS = tuple(_WARPERS)

# What `generate` takes for top_k where neither checkpoint nor user says: "the model card's" result.
_TOP_K = 50


def article_seed(seed: int, text: str) -> bytes:
    """Return the key of an article's own stream of random numbers."""
    return hashlib.sha256(f"{seed}\0".encode() + text.encode("utf-8", "surrogatepass")).digest()


def uniform(key: bytes, step: int) -> float:
    """Return the uniform number in [0, 1) of a step: 53 bits of a hash, so no state to keep.

    >>> 0 <= uniform(article_seed(0, "text"), 0) < 1
    True
    """
    block = hashlib.sha256(key + step.to_bytes(8, "big")).digest()
    return (int.from_bytes(block[:8], "big") >> 11) / 2**53


def warpers(settings: Mapping[str, Any]) -> LogitsProcessorList:
    """Return the processors that shape the distribution, as those of `generate` would."""
    chosen = LogitsProcessorList()
    for name, (make, neutral) in _WARPERS.items():
        value = settings.get(name, _TOP_K if name == "top_k" else None)
        if value is not None and value != neutral:
            chosen.append(make(value))
    return chosen


class Draw(LogitsProcessor):
    """Leaves in each row one token: the one that the row's next uniform number falls on."""

    def __init__(self, keys: Sequence[bytes], start: int) -> None:
        """Take a key for each row, and the length that the sequences have before the first draw."""
        self.keys = keys
        self.start = start

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return scores of 0 for the drawn tokens, shape (rows,), and minus infinity elsewhere."""
        step = input_ids.shape[1] - self.start
        # Sums over a whole vocabulary need double precision, which the device `mps` does not have.
        exact = scores.cpu() if scores.device.type == "mps" else scores
        cumulative = torch.softmax(exact.double(), dim=-1).cumsum(dim=-1)
        numbers = [[uniform(key, step)] for key in self.keys]
        total = cumulative[:, -1:].contiguous()  # 1, but for rounding
        mark = total * torch.tensor(numbers, dtype=torch.float64, device=total.device)
        drawn = torch.searchsorted(cumulative, mark, right=True)
        # Rounding may put a mark on the very end, behind the last token that is possible.
        drawn = torch.minimum(drawn, torch.searchsorted(cumulative, total))
        left = torch.full_like(scores, -torch.inf)
        return left.scatter(1, drawn.to(scores.device), 0.0)


def sampling_processors(
    settings: Mapping[str, Any], keys: Sequence[bytes], start: int
) -> LogitsProcessorList:
    """Return the processors that make greedy search draw: warpers, then one draw a row."""
    return LogitsProcessorList([*warpers(settings), Draw(keys, start)])
