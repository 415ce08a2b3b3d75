"""HHEM-2.1-Open (Vectara): is the summary true, given the article?"""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from evalharness.checks.claims import Passage
from evalharness.checks.grounding import ChunkPrompt, Grounding
from evalharness.hf import weights as hf_weights
from evalharness.protocols import Checkpoint

if TYPE_CHECKING:
    import torch

    from evalharness.neural.batches import Encoded, FloatValues
    from evalharness.neural.network import Inputs, Network

_BEFORE = "<pad> Determine if the hypothesis is true given the premise?\n\nPremise: "
_BETWEEN = "\n\nHypothesis: "
# The authors set no limit; attention over this many tokens takes some 0.8 GB a layer.
_TOKENS = 4096


@dataclass(frozen=True)
class Hhem(Grounding):
    """How likely it is that the summary is true given the whole article, read at once.

    The authors' class is remote code; this is the same network in transformers' own class. It has
    not been checked against their weights.

    model: hhem-2.1-open of the authors; or a folder with its `model.safetensors`.
    backbone: whose config and tokenizer to use; of its weights nothing is read.
    claims: as the authors do, the whole summary is one claim; or each sentence is.
    chunk_size: has no effect, as the article is read whole.
    max_tokens: 4,096 by default; of a longer article the end is cut.
    """

    version: ClassVar[int] = 2
    presets: ClassVar[Mapping[str, str]] = {
        "hhem-2.1-open": "vectara/hallucination_evaluation_model"
    }

    model: Checkpoint = "hhem-2.1-open"
    _: KW_ONLY
    claims: Literal["sentences", "summary"] = "summary"
    backbone: Checkpoint = "google/flan-t5-base"

    def identity(self) -> Mapping[str, str]:
        """Return what names the weights, and the backbone's files."""
        backbone = "".join(hf_weights.checkpoint_identity(self.backbone).values())
        return {**super().identity(), "backbone_content": backbone}

    @cached_property
    def loaded_network(self) -> "Network":
        """The network, T5's encoder with two labels."""
        from evalharness.checks.hhem_network import WEIGHTS_FILE, load_hhem

        return self.network_on_backbone(load_hhem, WEIGHTS_FILE, self.backbone)

    @property
    def most_tokens(self) -> int:
        """The most tokens that the network reads at once."""
        return self.max_tokens or _TOKENS

    def passages(self, article: str) -> list[Passage]:
        """Return the article as it is; where in it the evidence stands nobody says."""
        return [Passage(article, None)]

    def prompt(self, chunk: str, claim: str) -> ChunkPrompt:
        """Return the question that the authors trained with, the article cut to fit."""
        after = f"{_BETWEEN}{claim}"
        (around,) = self.loaded_network.encode([_BEFORE + after], meant=[(0,)])
        room = self.most_tokens - len(around)
        (item,) = self.loaded_network.encode([chunk], max_tokens=max(2, room), special_tokens=False)
        read = chunk if item.kept is None else chunk[: item.kept[0]]
        start = f"{_BEFORE}{read}"
        whole, lost = start + after, len(chunk) - len(read)
        return ChunkPrompt(whole, len(start), len(whole), lost, marks=(0,))

    def support_probabilities(self, items: Sequence["Encoded"]) -> "FloatValues":
        """Return the probability of truth, which the first token's labels say."""
        import numpy as np

        return np.stack(self.loaded_network.run(items, self._first_token, "first token"))[:, 1]

    def _first_token(self, inputs: "Inputs") -> "torch.Tensor":
        logits: torch.Tensor = self.loaded_network.model(**inputs).logits
        return logits[:, 0].float().softmax(-1)
