"""AlignScore's network: a RoBERTa with three heads, read from its authors' checkpoint or ours.

The authors publish a checkpoint of PyTorch Lightning, which is a pickle: the one exception to
"weights only as safetensors". It is read by torch's `weights_only` unpickler, which runs no code of
the file; classes of other packages that it names are read as empty shells. `save` writes the same
network as a folder with safetensors, config and tokenizer, which needs neither.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import RobertaModel

from evalharness.errors import ModelError
from evalharness.hf import weights as hf_weights
from evalharness.neural.network import Architecture

WEIGHTS = "model.safetensors"
# In the order of the columns that `answers` returns, with what each mode reads.
HEAD_COLUMNS = {"bin": 1, "nli": 2, "reg": 5}

_HEADS = {"bin_layer": 2, "tri_layer": 3, "reg_layer": 1}
# Of training, or filled by transformers itself: nothing reads them.
_UNUSED = (
    "mlm_head.",
    "base_model.embeddings.position_ids",
    "base_model.embeddings.token_type_ids",
)


class AlignNetwork(nn.Module):
    """RoBERTa with its pooler, and heads for alignment as two classes, three, and a number."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.base_model: Any = RobertaModel(config)
        for name, size in _HEADS.items():
            self.add_module(name, nn.Linear(config.hidden_size, size))

    def get_input_embeddings(self) -> Any:
        """Return the embeddings of the tokens."""
        return self.base_model.get_input_embeddings()

    def answers(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return what all heads say, shape (pairs, 6): 2 and 3 probabilities, and a number."""
        pooled = self.base_model(**inputs).pooler_output
        two, three, number = (self.get_submodule(name)(pooled).float() for name in _HEADS)
        return torch.cat([two.softmax(-1), three.softmax(-1), number], dim=-1)


_ALIGNSCORE = Architecture(
    "AlignScore", "roberta", "RoBERTa", "roberta-base, roberta-large", AlignNetwork
)


def load_alignscore(
    weights: Path, backbone: str, dtype: hf_weights.Dtype, attention: str | None
) -> tuple[Any, Any]:
    """Return the network and its tokenizer; config and tokenizer are the backbone's.

    Raises: ModelError where the weights are not those of AlignScore on this backbone.
    """
    tensors = load_file(weights) if weights.suffix == ".safetensors" else read_lightning(weights)
    used = {name: tensor for name, tensor in tensors.items() if not name.startswith(_UNUSED)}
    return _ALIGNSCORE.load(used, weights, backbone, dtype, attention)


class _Shell:
    """Stands for a class of another package in a checkpoint; takes whatever comes, does nothing."""

    def __init__(self, *given: object, **named: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def read_lightning(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Return the weights in a checkpoint of Lightning; none of its code is run.

    Raises: ModelError for a file that is none.
    """
    if not zipfile.is_zipfile(checkpoint):
        raise ModelError(f"{checkpoint}: no checkpoint of PyTorch (a zip archive)")
    try:
        foreign = torch.serialization.get_unsafe_globals_in_checkpoint(str(checkpoint))
        with torch.serialization.safe_globals([(_Shell, name) for name in foreign]):
            whole = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
        weights = whole["state_dict"]
    except Exception as error:  # whatever a damaged or malicious pickle makes of it
        raise ModelError(
            f"{checkpoint}: cannot be read as a checkpoint of Lightning: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from error
    return {name: values for name, values in weights.items() if isinstance(values, torch.Tensor)}


def save(network: AlignNetwork, tokenizer: Any, folder: Path) -> None:
    """Write the network as a folder: safetensors, config and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: values.contiguous() for name, values in network.state_dict().items()}
    save_file(weights, folder / WEIGHTS, {"format": "pt"})
    with hf_weights.quiet():
        network.config.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
