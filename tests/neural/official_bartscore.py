"""Drives the authors' BARTScore, which needs no shim."""

import sys
from pathlib import Path
from typing import Any

from neural import texts, tiny, tiny_scorers
from neural.official_bertscore import references

REPOSITORY = "neulab/BARTScore"


def fixtures(folder: Path, repository: Path) -> dict[str, tuple[dict[str, Any], str, str]]:
    """Return what the authors' code says in each direction, and of several references."""
    sys.path.insert(0, str(repository))
    from bart_score import BARTScorer  # type: ignore[import-not-found]

    model = tiny_scorers.bart(folder / "bart")
    scorer = BARTScorer("cpu", checkpoint=str(model))
    articles, summaries = map(list, zip(*texts.pairs(), strict=True))
    first, second = references()
    several = [list(both) for both in zip(first, second, strict=True)]
    values = {
        "faithfulness": scorer.score(articles, summaries, 4),
        "precision": scorer.score(first, summaries, 4),
        "recall": scorer.score(summaries, first, 4),
        "several_mean": scorer.multi_ref_score(summaries, several, "mean", 4),
        "several_max": scorer.multi_ref_score(summaries, several, "max", 4),
    }
    plain = {name: [float(value) for value in found] for name, found in values.items()}
    return {"bartscore": (plain, tiny.weights_digest(model), texts.digest())}
