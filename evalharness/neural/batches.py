"""Which items go through a network together, and which results are kept."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

FloatValues = npt.NDArray[np.float32]

# Bytes of results that are remembered over calls, for pairs that several systems share.
MOST_REMEMBERED = 256 * 2**20
_ENTRY = 200  # what a result takes beside its numbers


@dataclass(frozen=True, slots=True)
class Encoded:
    """The tokens of one text or pair, compact (four bytes a token) and hashable.

    types: token types, where the tokenizer makes them.
    target: the tokens that an encoder-decoder is to score, where there are any.
    kept: of the text, and of its pair, the characters from the start that the tokens hold; None
        where nothing was cut.
    """

    ids: bytes
    types: bytes = b""
    target: bytes = b""
    kept: tuple[int, int] | None = field(default=None, compare=False)

    @property
    def tokens(self) -> npt.NDArray[np.int32]:
        """Return the token ids."""
        return np.frombuffer(self.ids, np.int32)

    def __len__(self) -> int:
        """Return how many tokens there are, without those of the target."""
        return len(self.ids) // 4

    @property
    def n_all(self) -> int:
        """Return how many tokens there are, with those of the target."""
        return (len(self.ids) + len(self.target)) // 4


def pack_ids(ids: Sequence[int]) -> bytes:
    """Return token ids as `Encoded` holds them."""
    return np.asarray(ids, np.int32).tobytes()


def pad_rows(
    rows: Sequence[bytes], pad: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return rows of tokens as one matrix, padded on the right, and the mask of what is no padding.

    >>> pad_rows([pack_ids([5, 6]), pack_ids([7])], 0)[0]
    array([[5, 6], [7, 0]])
    """
    longest = max(len(row) for row in rows) // 4
    ids = np.full((len(rows), longest), pad, np.int64)
    mask = np.zeros((len(rows), longest), np.int64)
    for number, row in enumerate(rows):
        n = len(row) // 4
        ids[number, :n] = np.frombuffer(row, np.int32)
        mask[number, :n] = 1
    return ids, mask


def plan_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Return positions in batches, the longest first; padded, none is above the budget.

    An item that is above it by itself is a batch by itself.

    >>> plan_batches([3, 9, 4, 3], budget=8)
    [[1], [2, 0], [3]]
    """
    order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
    batches: list[list[int]] = []
    start = 0
    while start < len(order):
        n = max(1, budget // max(1, lengths[order[start]]))
        batches.append(order[start : start + n])
        start += n
    return batches


_epoch = 0


def forget() -> None:
    """Have all memories forget what they remember.

    What is remembered leaves its place in a batch to others, whose last digits may differ then: so
    that scores of some pairs do not depend on what was scored before, this goes before them.
    """
    global _epoch
    _epoch += 1


class Memory:
    """Results by what they are of; the oldest go when there are too many."""

    def __init__(self, most_bytes: int = MOST_REMEMBERED) -> None:
        self.most_bytes = most_bytes
        self._epoch = _epoch
        self._results: OrderedDict[bytes, FloatValues] = OrderedDict()
        self._bytes = 0

    @staticmethod
    def key(name: str, item: Encoded) -> bytes:
        """Return what names the result of a computation on an item."""
        whole = hashlib.blake2b(name.encode(), digest_size=16)
        for part in (item.ids, item.types, item.target):
            whole.update(len(part).to_bytes(8, "big") + part)
        return whole.digest()

    def get(self, key: bytes) -> FloatValues | None:
        """Return a result that is still remembered."""
        if self._epoch != _epoch:
            self._epoch, self._bytes = _epoch, 0
            self._results.clear()
        found = self._results.get(key)
        if found is not None:
            self._results.move_to_end(key)
        return found

    def put(self, key: bytes, result: FloatValues) -> None:
        """Remember a result, if it is not too large by itself."""
        if key in self._results or result.nbytes + _ENTRY > self.most_bytes:
            return
        self._results[key] = result
        self._bytes += result.nbytes + _ENTRY
        while self._bytes > self.most_bytes:
            _, oldest = self._results.popitem(last=False)
            self._bytes -= oldest.nbytes + _ENTRY
