"""MiniCheck (Tang, Laban and Durrett 2024): does some chunk of the article support a sentence?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from evalharness.checks.claims import Passage
from evalharness.checks.grounding import ChunkPrompt, Grounding, packed_lines, sentences_and_breaks
from evalharness.protocols import Checkpoint

if TYPE_CHECKING:
    import torch

    from evalharness.neural.batches import Encoded, FloatValues
    from evalharness.neural.network import Inputs, Network
    from evalharness.records import Span

# Token ids of Flan-T5's two answers; the second is support.
_ANSWERS = [3, 209]
_T5_WORDS, _TOKENS = 500, 400
_MOST_TOKENS = {"roberta": 512}


@dataclass(frozen=True)
class MiniCheck(Grounding):
    """How likely it is that the article supports each sentence; the score is the least of them.

    model: flan-t5-large, roberta-large or deberta-v3-large of the authors; or a checkpoint of one
        of these kinds.
    chunk_size: by default 500 words for Flan-T5, 400 tokens for the others.
    max_tokens: by default 512 for RoBERTa, 2,048 for the others.
    """

    version: ClassVar[int] = 2
    presets: ClassVar[Mapping[str, str]] = {
        "flan-t5-large": "lytang/MiniCheck-Flan-T5-Large",
        "roberta-large": "lytang/MiniCheck-RoBERTa-Large",
        "deberta-v3-large": "lytang/MiniCheck-DeBERTa-v3-Large",
    }

    model: Checkpoint = "flan-t5-large"

    @cached_property
    def loaded_network(self) -> "Network":
        """The network: an encoder-decoder that writes its answer, or a classifier."""
        if self._writes:
            return self.network("AutoModelForSeq2SeqLM")
        name = "AutoModelForSequenceClassification"
        return self.network_of_two_labels(name, "MiniCheck's have")

    @cached_property
    def _writes(self) -> bool:
        return bool(self.shape().get("model_type") in ("t5", "mt5"))

    @cached_property
    def most_tokens(self) -> int:
        """The most tokens that the network reads at once."""
        return self.max_tokens or _MOST_TOKENS.get(str(self.shape().get("model_type")), 2048)

    def passages(self, article: str) -> list[Passage]:
        """Return the article in chunks of whole sentences."""
        units = sentences_and_breaks(article, self.split)
        sizes = self._sizes(units)
        most = self.chunk_size or (_T5_WORDS if self._writes else _TOKENS)
        return packed_lines(units, sizes, most)

    def _sizes(self, units: Sequence[tuple[str, "Span"]]) -> list[int]:
        """Return how many words a unit has, or tokens, of which more than fit do not count."""
        texts = [unit for unit, _ in units]
        if self._writes:
            return [len(unit.split()) for unit in texts]
        most = self.most_tokens
        return [
            len(e) for e in self.loaded_network.encode(texts, max_tokens=most, special_tokens=False)
        ]

    def prompt(self, chunk: str, claim: str) -> ChunkPrompt:
        """Return chunk and claim as the one text that the authors trained with."""
        start = f"{'predict: ' if self._writes else ''}{chunk}"
        whole = f"{start}{self.loaded_network.tokenizer.eos_token}{claim}"
        return ChunkPrompt(whole, len(start), len(whole), marks=(len(start),))

    def support_probabilities(self, items: Sequence["Encoded"]) -> "FloatValues":
        """Return the probability of support."""
        if not self._writes:
            return self.loaded_network.classify(items)[:, 1]
        import numpy as np

        rows = self.loaded_network.run(items, self._first_step, "first step")
        return np.stack(rows)[:, 1]

    def _first_step(self, inputs: "Inputs") -> "torch.Tensor":
        ids = inputs["input_ids"]
        start = ids.new_zeros((ids.shape[0], 1))
        logits: torch.Tensor = self.loaded_network.model(**inputs, decoder_input_ids=start).logits
        return logits[:, 0, _ANSWERS].float().softmax(-1)
