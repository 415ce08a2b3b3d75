"""MiniCheck's own code on tiny models of its three kinds."""

import contextlib
import importlib
import io
from pathlib import Path
from typing import Any

from neural import shims, texts, tiny

REPOSITORY = "Liyan06/MiniCheck"
KINDS = ("flan-t5-large", "roberta-large", "deberta-v3-large")

Fixture = tuple[dict[str, Any], str, str]


def models(folder: Path) -> dict[str, Path]:
    """Make the models, by the authors' names for their kinds."""
    labels = ("LABEL_0", "LABEL_1")
    return {
        "flan-t5-large": tiny.t5(folder / "t5"),
        "roberta-large": tiny.roberta_classifier(folder / "roberta", labels),
        "deberta-v3-large": tiny.deberta_classifier(folder / "deberta", labels),
    }


def fixtures(folder: Path, path: Path) -> dict[str, Fixture]:
    """Return the probability of support of each summary as one claim, and that of each chunk."""
    shims.plain_sentences()
    made = models(folder)
    found: dict[str, Fixture] = {}
    with shims.importable(path):
        inference = importlib.import_module("minicheck.inference")
        minicheck = importlib.import_module("minicheck.minicheck")
        names = {"Flan-T5": "flan-t5-large", "RoBERTa": "roberta-large"}
        names["DeBERTa"] = "deberta-v3-large"
        shims.stand_ins(inference, {part: made[kind] for part, kind in names.items()})
        for kind, checkpoint in made.items():
            model = minicheck.MiniCheck(model_name=kind)
            pairs = texts.pairs()
            with contextlib.redirect_stderr(io.StringIO()):
                _, best, _, chunks = model.score(
                    docs=[article for article, _ in pairs], claims=[claim for _, claim in pairs]
                )
            values = {"scores": best, "chunks": [row.tolist() for row in chunks]}
            name = f"minicheck_{kind.partition('-large')[0]}"
            found[name] = (values, tiny.weights_digest(checkpoint), texts.digest())
    return found
