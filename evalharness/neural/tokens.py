"""Where the tokens of a text stand, and how many of them a network reads."""

from collections.abc import Iterator, Sequence
from typing import Any

from evalharness.errors import ModelError
from evalharness.hf import weights
from evalharness.neural.network import Network, TokenOffsets

_NO_LIMIT = 10**6  # tokenizers without a limit say 10**30


def tokenize_text(network: Network, text: str) -> TokenOffsets:
    """Return the tokens of a text with their characters. Raises: ModelError without offsets."""
    if not network.tokenizer.is_fast:
        raise ModelError("the checkpoint's tokenizer does not say where its tokens stand")
    return network.tokens_of_text(text)


def most_tokens(network: Network) -> int | None:
    """Return how many tokens the network reads at once; None where nothing limits it."""
    limit = int(network.tokenizer.model_max_length)
    if limit < _NO_LIMIT:
        return limit
    config: Any = network.model.config.get_text_config()
    positions = getattr(config, "max_position_embeddings", None)
    if positions is None:
        return None
    # RoBERTa and its kin count positions from the padding token's number on.
    beyond = positions - (config.pad_token_id or 0) - 1
    return int(beyond) if "roberta" in str(config.model_type) else int(positions)


def slices(n: int, size: int) -> Iterator[slice]:
    """Yield slices that cover n things in order."""
    yield from (slice(start, start + size) for start in range(0, n, size))


def frame(network: Network) -> tuple[Sequence[int], Sequence[int]]:
    """Return the special tokens that the tokenizer puts before and after a text."""
    with weights.quiet():
        bare = network.tokenizer("a", add_special_tokens=False)["input_ids"]
        whole = network.tokenizer("a")["input_ids"]
    for start in range(len(whole) - len(bare) + 1):
        if whole[start : start + len(bare)] == bare:
            return whole[:start], whole[start + len(bare) :]
    raise ModelError("the checkpoint's tokenizer changes a text as it adds special tokens")
