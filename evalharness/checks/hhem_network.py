"""HHEM's network without its own code: T5's encoder with a head, which transformers has."""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from transformers import T5ForTokenClassification

from evalharness.hf import weights as hf_weights
from evalharness.neural.network import Architecture

WEIGHTS_FILE = "model.safetensors"
# The authors' class holds the network under this name.
_PREFIX = "t5."
_HHEM = Architecture(
    "HHEM", "t5", "T5", "google/flan-t5-base", T5ForTokenClassification, {"num_labels": 2}
)


def load_hhem(
    weights: Path, backbone: str, dtype: hf_weights.Dtype, attention: str | None
) -> tuple[Any, Any]:
    """Return the network and its tokenizer; config and tokenizer are the backbone's.

    Raises: ModelError where the weights are not those of HHEM on this backbone.
    """
    tensors = {name.removeprefix(_PREFIX): tensor for name, tensor in load_file(weights).items()}
    shared = tensors.get("transformer.shared.weight")
    if shared is not None:  # one matrix by two names
        tensors.setdefault("transformer.encoder.embed_tokens.weight", shared)
    return _HHEM.load(tensors, weights, backbone, dtype, attention)
