"""Scores articles and summaries with BERTScore, ours or the package bert-score, on a checkpoint.

    python benchmarks/peers/bertscore.py WHO CHECKPOINT TEXTS

TEXTS is JSON: `articles`, and `systems`, a list of summaries for each. Prints the processor's
seconds and all F1 as JSON; importing and loading are not counted.
"""

import argparse
import json
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

LAYERS = 5
Scoring = Callable[[list[str], list[str]], list[float]]


def ours(folder: str) -> Scoring:
    """Score as a run does, system after system, with what was embedded kept."""
    from evalharness.checks.bertscore import BertScore
    from evalharness.records import Article, Summary

    check = BertScore(folder, layers=LAYERS, device="cpu")
    _ = check.embedder.network.model

    def score(articles: list[str], summaries: list[str]) -> list[float]:
        pairs = [(Article("", a), Summary("", s)) for a, s in zip(articles, summaries, strict=True)]
        return [found.parts["f1"] for found in check.score(pairs)]

    return score


def bert_score(folder: str) -> Scoring:
    """Score with bert-score, batches of 64 as is its default."""
    from bert_score import BERTScorer

    scorer = BERTScorer(model_type=folder, num_layers=LAYERS, device="cpu", batch_size=64)

    def score(articles: list[str], summaries: list[str]) -> list[float]:
        found: Any = scorer.score(summaries, articles)
        return [float(f1) for f1 in found[2]]

    return score


def main() -> None:
    """Score, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("who", choices=["evalharness", "bert-score"])
    parser.add_argument("checkpoint")
    parser.add_argument("texts", type=Path)
    asked = parser.parse_args()
    score = (ours if asked.who == "evalharness" else bert_score)(asked.checkpoint)
    texts = json.loads(asked.texts.read_text(encoding="utf-8"))
    began = time.process_time()
    found = [f1 for summaries in texts["systems"] for f1 in score(texts["articles"], summaries)]
    seconds = time.process_time() - began
    named = "" if asked.who == "evalharness" else version("bert-score")
    print(json.dumps({"seconds": seconds, "version": named, "f1": found}))


if __name__ == "__main__":
    main()
