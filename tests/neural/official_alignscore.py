"""Drives the authors' AlignScore: needs pytorch-lightning and spacy besides."""

import sys
from pathlib import Path
from typing import Any

from neural import texts, tiny, tiny_scorers

REPOSITORY = "yuh-zha/AlignScore"
MODES = ("nli_sp", "nli", "bin_sp", "bin", "reg_sp", "reg")


def fixtures(folder: Path, repository: Path) -> dict[str, tuple[dict[str, Any], str, str]]:
    """Return what the authors' code says in each mode."""
    _adapt(repository)
    from alignscore import AlignScore, inference  # type: ignore[import-not-found]
    from alignscore.model import BERTAlignModel  # type: ignore[import-not-found]

    model = tiny_scorers.alignscore(folder)
    inference.sent_tokenize = texts.split_texts
    inference.BERTAlignModel = _loader(BERTAlignModel, str(model))
    articles, summaries = zip(*texts.pairs(), strict=True)
    values: dict[str, Any] = {}
    for mode in MODES:
        scorer = AlignScore(
            model=str(model),
            batch_size=8,
            device="cpu",
            ckpt_path=str(model / "align.ckpt"),
            evaluation_mode=mode,
            verbose=False,
        )
        found = scorer.score(contexts=list(articles), claims=list(summaries))
        values[mode] = [float(value) for value in found]
    return {"alignscore": (values, tiny.weights_digest(model), texts.digest())}


def _adapt(repository: Path) -> None:
    """Make what the code imports available: an optimizer's old name, a pipeline it never uses."""
    import nltk.tokenize  # type: ignore[import-untyped]
    import spacy  # type: ignore[import-not-found]
    import torch
    import transformers

    nltk.sent_tokenize = nltk.tokenize.sent_tokenize = texts.split_texts
    spacy.load = lambda name: spacy.blank("en")
    transformers.AdamW = torch.optim.AdamW  # type: ignore[attr-defined]
    sys.path.insert(0, str(repository / "src"))


def _loader(model_class: Any, model: str) -> Any:
    """Return what Lightning 2 wants: the loading called on the class, and not on an instance."""

    class Loader:
        def __init__(self, model: str) -> None:
            pass

        def load_from_checkpoint(self, checkpoint_path: str, strict: bool) -> Any:
            loaded = model_class.load_from_checkpoint(
                checkpoint_path=checkpoint_path, strict=strict, map_location="cpu", model=model
            )
            return loaded.double()

    return Loader
