"""What the authors' code says, frozen: read, compare, and (by `rederive.py`) write."""

import json
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).parents[1] / "golden" / "neural"
# The networks run in float64 on both sides (`double`), where kernels and batches differ by some
# 1e-12. What is kept in float32 between them and a score is at most 1 or so, and rounded by at most
# 2**-24, or 6e-8: AlignScore's table, the best cosines of BERTScore. BERTScore's means are float32
# sums, too (measured against references: off by 8e-8; 3e-8 with sums in float64), and rescaling
# divides by 1 less the baseline, 0.75 here (1.1e-7); against whole articles they are off by 2.5e-7.
TOLERANCE = 1e-6
# What a planted mistake must exceed: the tolerance a thousandfold.
MISTAKE = 1000 * TOLERANCE
_PACKAGES = ("torch", "transformers", "tokenizers", "numpy")


def read(name: str) -> dict[str, Any]:
    """Return a fixture: `origin` (whose code, which versions), `model`, `texts`, and the values."""
    return dict(json.loads((GOLDEN / f"{name}.json").read_text()))


def write(name: str, values: Mapping[str, Any], repository: str, model: str, texts: str) -> None:
    """Write a fixture.

    repository: `owner/name@commit`. model, texts: digests of the tiny checkpoint and the pairs.
    """
    versions = {package: metadata.version(package) for package in _PACKAGES}
    origin = {"repository": repository, "versions": versions}
    record = {"origin": origin, "model": model, "texts": texts, **rounded(values)}
    GOLDEN.mkdir(parents=True, exist_ok=True)
    (GOLDEN / f"{name}.json").write_text(json.dumps(record, indent=None) + "\n")


def rounded(value: Any) -> Any:
    """Return plain values, floats to 12 digits."""
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [rounded(inner) for inner in value]
    return float(f"{value:.12g}") if isinstance(value, float | np.floating) else value


def farthest(found: Sequence[float], expected: Sequence[float]) -> float:
    """Return the greatest difference."""
    assert len(found) == len(expected)
    return float(np.max(np.abs(np.asarray(found, float) - np.asarray(expected, float))))
