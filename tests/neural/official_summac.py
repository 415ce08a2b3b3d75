"""SummaC's own code on tiny NLI models: ZS in three granularities, Conv with a head by rule."""

import contextlib
import importlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from neural import shims, texts, tiny

REPOSITORY = "tingofurro/summac"
GRANULARITIES = ("sentence", "paragraph", "document")

Fixture = tuple[dict[str, Any], str, str]


def models(folder: Path) -> dict[str, Path]:
    """Make the models: BERT's kind with token types, RoBERTa's without; labels in other orders."""
    return {
        "vitc": tiny.deberta_classifier(
            folder / "vitc", ("SUPPORTS", "REFUTES", "NOT ENOUGH INFO")
        ),
        "mnli": tiny.roberta_classifier(
            folder / "mnli", ("CONTRADICTION", "NEUTRAL", "ENTAILMENT")
        ),
    }


def head_numbers() -> dict[str, Any]:
    """Return 32 numbers by rule, by the authors' names for them."""
    rng = np.random.default_rng(32)
    shapes = {"mlp.weight": (1, 23), "mlp.bias": (1,)}
    shapes |= {"layer_final.weight": (2, 3), "layer_final.bias": (2,)}
    drawn = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    drawn["mlp.weight"] *= 0.3
    return drawn


def head(path: Path) -> Path:
    """Write the head as the authors do; return its path."""
    import torch

    torch.save({name: torch.from_numpy(drawn) for name, drawn in head_numbers().items()}, path)
    return path


def fixtures(folder: Path, path: Path) -> dict[str, Fixture]:
    """Return what the authors' code says."""
    _shims()
    found: dict[str, Fixture] = {}
    with shims.importable(path):
        summac = importlib.import_module("summac.model_summac")
        for name, checkpoint in models(folder).items():
            summac.model_map[name]["model_card"] = str(checkpoint)
            values: dict[str, Any] = {g: _zero_shot(summac, name, g) for g in GRANULARITIES}
            values["conv"] = _conv(summac, name, head(folder / "head.bin"))
            found[f"summac_{name}"] = (values, tiny.weights_digest(checkpoint), texts.digest())
    return found


def _shims() -> None:
    from transformers import PreTrainedTokenizerBase

    shims.plain_sentences()
    shims.absent("requests")

    def batch_encode_plus(
        self: Any, rows: Any, truncation_strategy: str = "", **options: Any
    ) -> Any:
        return self(rows, **options)  # the strategy had no effect: `truncation=True` won

    untyped: Any = PreTrainedTokenizerBase
    untyped.batch_encode_plus = batch_encode_plus


def _zero_shot(summac: Any, name: str, granularity: str) -> dict[str, Any]:
    """Return the scores, and of each sentence how far it is entailed less how far contradicted."""
    model = summac.SummaCZS(
        granularity=granularity, model_name=name, device="cpu", imager_load_cache=False
    )
    pairs = texts.pairs()
    found = model.score([article for article, _ in pairs], [summary for _, summary in pairs])
    sentences = [
        (image[0].max(axis=0) - image[1].max(axis=0)).tolist() if image.any() else []
        for image in found["images"]
    ]
    return {"scores": found["scores"], "sentences": sentences}


def _conv(summac: Any, name: str, head: Path) -> list[float]:
    """Return the scores of Conv."""
    summac.torch.FloatTensor = summac.torch.DoubleTensor  # of histograms, which are counts
    with contextlib.redirect_stdout(io.StringIO()):
        model = summac.SummaCConv(
            models=[name],
            bins="percentile",
            granularity="sentence",
            nli_labels="e",
            device="cpu",
            start_file=str(head),
            imager_load_cache=False,
        ).double()
    pairs = texts.pairs()
    found = model.score([article for article, _ in pairs], [summary for _, summary in pairs])
    return list(found["scores"])
