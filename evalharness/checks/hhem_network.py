"""HHEM's network without its own code: T5's encoder with a head, which transformers has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoTokenizer, T5ForTokenClassification

from evalharness.errors import ModelError
from evalharness.hf import weights as hf_weights

WEIGHTS_FILE = "model.safetensors"
# The authors' class holds the network under this name.
_PREFIX = "t5."


def load_hhem(
    weights: Path, backbone: str, dtype: hf_weights.Dtype, attention: str | None
) -> tuple[Any, Any]:
    """Return the network and its tokenizer; config and tokenizer are the backbone's.

    Raises: ModelError where the weights are not those of HHEM on this backbone.
    """
    named = hf_weights.checkpoint_identity(backbone)
    where = {"revision": named["revision"]} if "revision" in named else {}
    try:
        with hf_weights.quiet():
            config = AutoConfig.from_pretrained(
                backbone, num_labels=2, trust_remote_code=False, **where
            )
            tokenizer = AutoTokenizer.from_pretrained(backbone, trust_remote_code=False, **where)
    except (OSError, ValueError) as error:
        raise ModelError(f"{backbone}: {str(error).splitlines()[0]}") from error
    if config.model_type != "t5":
        raise ModelError(f"{backbone} is a {config.model_type}; HHEM's backbone is a T5")
    if attention is not None:
        config._attn_implementation = attention
    model: Any = T5ForTokenClassification(config)
    _fill(model, load_file(weights), weights)
    model.to(torch.float32 if dtype == "auto" else getattr(torch, dtype))
    return model.eval(), tokenizer


def _fill(model: Any, found: Mapping[str, torch.Tensor], weights: Path) -> None:
    bare = {name.removeprefix(_PREFIX): values for name, values in found.items()}
    shared = bare.get("transformer.shared.weight")
    if shared is not None:  # one matrix by two names
        bare.setdefault("transformer.encoder.embed_tokens.weight", shared)
    wanted = model.state_dict()
    lacking = sorted(wanted.keys() - bare.keys())
    if lacking:
        raise ModelError(f"{weights}: no weights of HHEM: {lacking[0]} is not among them")
    for name, values in wanted.items():
        if bare[name].shape != values.shape:
            raise ModelError(
                f"{weights}: {name} is {list(bare[name].shape)}, and {list(values.shape)} by the "
                "backbone's config: name the backbone it was trained on (google/flan-t5-base)"
            )
    model.load_state_dict({name: bare[name] for name in wanted})
