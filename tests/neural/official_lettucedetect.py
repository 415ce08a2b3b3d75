"""Drives the authors' LettuceDetect: its detector alone, without the clients of its package."""

import sys
import types
from pathlib import Path
from typing import Any

from neural import texts, tiny, tiny_scorers

REPOSITORY = "KRLabsOrg/LettuceDetect"
CUT_TO = 768
CUT = (25, 26, 27, 28)  # articles of which no more than a part fits


def fixtures(folder: Path, repository: Path) -> dict[str, tuple[dict[str, Any], str, str]]:
    """Return tokens' probabilities and spans, for the article as one passage."""
    for name in ("lettucedetect", "lettucedetect.detectors", "lettucedetect.datasets"):
        package = types.ModuleType(name)
        package.__path__ = [str(repository / name.replace(".", "/"))]
        sys.modules[name] = package
    from lettucedetect.detectors.transformer import (  # type: ignore[import-not-found]
        TransformerDetector,
    )

    model = tiny_scorers.lettucedetect(folder / "lettucedetect")
    values: dict[str, Any] = {}
    for name, limit, places in (("whole", 4096, range(len(texts.pairs()))), ("cut", CUT_TO, CUT)):
        detector = TransformerDetector(str(model), max_length=limit, device="cpu")
        tokens: list[list[float]] = []
        spans: list[list[list[float]]] = []
        for article, summary in (texts.pairs()[place] for place in places):
            found = detector.predict([article], summary, output_format="tokens")
            tokens.append([token["prob"] for token in found[:-1]])  # the last is the end mark
            found = detector.predict([article], summary, output_format="spans")
            spans.append([[span["start"], span["end"]] for span in found])
        values |= {f"{name}_tokens": tokens, f"{name}_spans": spans}
    return {"lettucedetect": (values, tiny.weights_digest(model), texts.digest())}
