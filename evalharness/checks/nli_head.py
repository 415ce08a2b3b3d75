"""The head of SummaC-Conv: from how many pieces entail a sentence to a score, in 32 numbers."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evalharness.errors import ModelError

Values = npt.NDArray[np.float64]

# Probabilities of entailment are counted in these bins, as the authors set them.
EDGES = (
    *(0.0, 0.01, 0.02, 0.03, 0.04, 0.07, 0.13, 0.37, 0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.955),
    *(0.96, 0.965, 0.97, 0.975, 0.98, 0.985, 0.99, 0.995, 1.0),
)
# Sentences of a summary that are looked at.
MOST_SENTENCES = 10

_SHAPES = {
    "mlp.weight": (1, len(EDGES) - 1),
    "mlp.bias": (1,),
    "layer_final.weight": (2, 3),
    "layer_final.bias": (2,),
}


@dataclass(frozen=True)
class Head:
    """The trained numbers; `probability` of a mean of `strengths` is SummaC-Conv's score."""

    bins: Values
    bias: float
    slope: float
    offset: float

    def strengths(self, entailed: npt.NDArray[np.float32]) -> Values:
        """Return one number for each sentence.

        entailed: probability that a piece entails a sentence, shape (pieces, sentences).
        """
        histograms = [np.histogram(column, bins=EDGES)[0] for column in entailed.T]
        found: Values = np.array(histograms) @ self.bins + self.bias
        return found

    def probability(self, strength: float) -> float:
        """Return the probability of consistency; over two labels a softmax is a logistic curve."""
        x = self.slope * strength + self.offset
        return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def read_head(path: Path) -> Head:
    """Read a head: the authors' `.bin` (without running code), `.safetensors`, or `.json`.

    JSON has the same four names, with nested lists. Raises: ModelError.
    """
    try:
        tensors = _read(path)
        arrays = {name: np.asarray(tensors[name], np.float64) for name in _SHAPES}
    except KeyError as error:
        raise ModelError(f"{path}: no head of SummaC-Conv: it lacks {error}") from error
    except ModelError:
        raise
    except Exception as error:  # what is no such file, in the words of three readers
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path}: cannot be read as a head of SummaC-Conv: {first}") from error
    for name, shape in _SHAPES.items():
        if arrays[name].shape != shape:
            raise ModelError(f"{path}: {name} has the shape {arrays[name].shape}, not {shape}")
    # All three inputs of the last layer are the mean, so its rows only count as sums.
    last = arrays["layer_final.weight"].sum(axis=1)
    bias = arrays["layer_final.bias"]
    return Head(
        arrays["mlp.weight"][0],
        float(arrays["mlp.bias"][0]),
        float(last[1] - last[0]),
        float(bias[1] - bias[0]),
    )


def _read(path: Path) -> Mapping[str, Any]:
    if path.suffix == ".json":
        found = json.loads(path.read_text())
        if not isinstance(found, dict):
            raise ModelError(f"{path}: not an object with the names {', '.join(_SHAPES)}")
        return found
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return load_file(path)
    import torch

    tensors = torch.load(path, map_location="cpu", weights_only=True)
    return {name: tensors[name].float().numpy() for name in _SHAPES}


def mean_probability(head: Head, strengths: Sequence[float] | Values) -> float:
    """Return the score of a summary from its sentences' strengths."""
    return head.probability(float(np.mean(strengths)))
