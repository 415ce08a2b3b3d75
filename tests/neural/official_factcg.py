"""FactCG's own code on a tiny DeBERTa."""

import importlib
import sys
import types
from pathlib import Path
from typing import Any

from neural import shims, texts, tiny

REPOSITORY = "derenlei/FactCG"

Fixture = tuple[dict[str, Any], str, str]


def model(folder: Path) -> Path:
    """Make the model."""
    return tiny.deberta_classifier(folder / "factcg", ("LABEL_0", "LABEL_1"), seed=7)


def fixtures(folder: Path, path: Path) -> dict[str, Fixture]:
    """Return the probability of each summary as one claim, and the number of the best chunk."""
    shims.plain_sentences()
    checkpoint = model(folder)
    # The way in for their training; it needs Lightning, which inference does without.
    package = types.ModuleType("factcg")
    package.__path__ = [str(path / "factcg")]
    sys.modules["factcg"] = package
    grounding: Any = types.ModuleType("factcg.grounding_model")
    grounding.GroundingModel = None
    sys.modules["factcg.grounding_model"] = grounding
    inference = importlib.import_module("factcg.inference")
    shims.stand_ins(inference, {"FactCG": checkpoint})
    reader = inference.Inferencer(verbose=False)
    pairs = texts.pairs()
    scores, best = reader.batch_inference(
        [article for article, _ in pairs], [summary for _, summary in pairs]
    )
    values = {"scores": scores, "best": best}
    return {"factcg": (values, tiny.weights_digest(checkpoint), texts.digest())}
