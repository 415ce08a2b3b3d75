"""Drives the authors' UniEval."""

import sys
import types
from pathlib import Path
from typing import Any

from neural import texts, tiny, tiny_scorers
from neural.official_bertscore import references

REPOSITORY = "maszhongming/UniEval"
DIMENSIONS = ("consistency", "coherence", "fluency", "relevance")


def fixtures(folder: Path, repository: Path) -> dict[str, tuple[dict[str, Any], str, str]]:
    """Return what the authors' code says in each dimension, and of all together."""
    tables: Any = types.ModuleType("prettytable")  # for printing, which nobody asks for
    tables.PrettyTable = None
    sys.modules["prettytable"] = tables
    sys.path.insert(0, str(repository))
    from metric import evaluator  # type: ignore[import-not-found]
    from metric.scorer import UniEvaluator  # type: ignore[import-not-found]

    model = tiny_scorers.unieval(folder / "unieval")
    evaluator.sent_tokenize = texts.split_texts
    evaluator.UniEvaluator = lambda **_: UniEvaluator(str(model), max_length=1024, device="cpu")
    first, _ = references()
    rows = [
        {"source": article, "system_output": summary, "reference": reference}
        for (article, summary), reference in zip(texts.pairs(), first, strict=True)
    ]
    found = evaluator.SumEvaluator(device="cpu").evaluate(rows)
    values = {name: [float(row[name]) for row in found] for name in (*DIMENSIONS, "overall")}
    return {"unieval": (values, tiny.weights_digest(model), texts.digest())}
