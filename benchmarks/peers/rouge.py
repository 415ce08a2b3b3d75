"""Scores a file of pairs with one ROUGE scorer and tells the processor's seconds, as JSON.

    python benchmarks/peers/rouge.py SCORER PAIRS [--stemmer] [--types rouge1 rouge2 …]

One cold pass: nothing was scored before. Importing and reading are not counted. It runs in the
environment that has the scorer, ours or that of the peers.
"""

import argparse
import dataclasses
import json
import math
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOUR = ("rouge1", "rouge2", "rougeL", "rougeLsum")
Pairs = list[tuple[str, str]]
"""Reference and summary."""
Scoring = Callable[[Pairs], list[float] | None]


def evalharness(
    types: Sequence[str], stemmer: bool, split: str = "newline", engine: str = "python"
) -> Scoring:
    """Score as a run does, with the sentences of rouge_score or with our own."""
    from evalharness.metrics.rouge import Rouge
    from evalharness.records import Article, Summary

    options: dict[str, Any] = {"stemmer": stemmer, "split": split, "empty": "zero"}
    if "engine" in {field.name for field in dataclasses.fields(Rouge)}:
        options["engine"] = engine
    elif engine != "python":
        raise SystemExit("there is no compiled engine")
    metric = Rouge(types=tuple(types), **options)
    if engine != "python" and find_spec("rouge_score_rs"):
        import_module("rouge_score_rs")

    def score(pairs: Pairs) -> list[float]:
        asked = [(Article("", "", (one,)), Summary("", other)) for one, other in pairs]
        return [s.parts.get(name, 0.0) for s in metric.score(asked) for name in types]

    return score


def rouge_score(types: Sequence[str], stemmer: bool) -> Scoring:
    """Score with rouge_score, one pair after the other."""
    from rouge_score import rouge_scorer

    scorer = rouge_scorer.RougeScorer(list(types), use_stemmer=stemmer)
    return lambda pairs: [
        found[name].fmeasure
        for one, other in pairs
        for found in [scorer.score(one, other)]
        for name in types
    ]


def rouge_score_rs(types: Sequence[str], stemmer: bool) -> Scoring:
    """Score with the compiled scorer."""
    from rouge_score_rs import rouge_scorer

    scorer = rouge_scorer.RougeScorer(list(types), use_stemmer=stemmer)
    return lambda pairs: [
        found[name].fmeasure
        for one, other in pairs
        for found in [scorer.score(one, other)]
        for name in types
    ]


def evaluate(types: Sequence[str], stemmer: bool) -> Scoring:
    """Score with a metric of evaluate that asks rouge_score, as the hub's own script does."""
    import datasets
    from evaluate import Metric, MetricInfo
    from rouge_score import rouge_scorer

    class Rouge(Metric):
        def _info(self) -> Any:
            text = datasets.Value("string")
            features = datasets.Features({"predictions": text, "references": text})
            return MetricInfo(description="", citation="", features=features)

        def _compute(self, predictions: Any, references: Any) -> Any:
            scorer = rouge_scorer.RougeScorer(list(types), use_stemmer=stemmer)
            pairs = zip(references, predictions, strict=True)
            found = [scorer.score(one, other) for one, other in pairs]
            return {name: [each[name].fmeasure for each in found] for name in types}

    metric = Rouge()

    def score(pairs: Pairs) -> list[float]:
        found = metric.compute(
            references=[one for one, _ in pairs], predictions=[other for _, other in pairs]
        )
        return [found[name][n] for n in range(len(pairs)) for name in types]

    return score


def torchmetrics(types: Sequence[str], stemmer: bool) -> Scoring:
    """Score with torchmetrics, which gives means alone; equality is not asked of it."""
    from torchmetrics.functional.text.rouge import rouge_score as score

    def means(pairs: Pairs) -> None:
        score(
            [other for _, other in pairs],
            [one for one, _ in pairs],
            use_stemmer=stemmer,
            rouge_keys=tuple(types),
        )

    return means


SCORERS = {
    "evalharness": (evalharness, ""),
    "sentences": (lambda types, stemmer: evalharness(types, stemmer, "sentences"), ""),
    "auto": (lambda types, stemmer: evalharness(types, stemmer, "sentences", "auto"), ""),
    "compiled": (lambda types, stemmer: evalharness(types, stemmer, engine="compiled"), ""),
    "rouge-score": (rouge_score, "rouge-score"),
    "rouge-score-rs": (rouge_score_rs, "rouge-score-rs"),
    "evaluate": (evaluate, "evaluate"),
    "torchmetrics": (torchmetrics, "torchmetrics"),
}


def main() -> None:
    """Score, and print seconds, version and a sum of all scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scorer", choices=SCORERS)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--stemmer", action="store_true")
    parser.add_argument("--types", nargs="+", default=FOUR)
    asked = parser.parse_args()
    make, package = SCORERS[asked.scorer]
    scorer = make(asked.types, asked.stemmer)
    lines = asked.pairs.read_text(encoding="utf-8").splitlines()
    pairs: Pairs = [(one, other) for one, other, _ in map(json.loads, lines)]
    began = time.process_time()
    found = scorer(pairs)
    seconds = time.process_time() - began
    told = {
        "seconds": seconds,
        "pairs": len(pairs),
        "version": version(package) if package else "",
        "sum": None if found is None else math.fsum(found).hex(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
