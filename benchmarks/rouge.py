"""ROUGE: one cold pass of ours beside rouge_score and other peers, each in a process of its own."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evalharness.text import sentences

from . import table
from .table import Row

WORKER = str(Path(__file__).parent / "peers" / "rouge.py")
GROUP = "ROUGE"
THREE = ("rouge1", "rouge2", "rougeL")
# Sentences of summary and of reference, and pairs by default.
KINDS = {"short": (3, 3_000), "long": (18, 160)}


def pairs(articles: Sequence[str], n_sentences: int, n: int, seed: int) -> Iterator[list[str]]:
    """Yield reference, summary and article: sentences of the article, some of them in both.

    A sentence stands on a line of its own, as the summaries of CNN/DailyMail's systems do.
    """
    rng = random.Random(seed)  # noqa: S311  which sentences go together
    split = [[" ".join(span.of(text).split()) for span in sentences(text)] for text in articles]
    number = 0
    while number < n:
        own = rng.choice(split)
        while len(own) < n_sentences + 2:  # of an article that is too short, and the next
            own = own + rng.choice(split)
        reference = rng.sample(own, n_sentences)
        summary = [_changed(line, rng) for line in rng.sample(own, n_sentences)]
        yield ["\n".join(reference), "\n".join(summary), " ".join(own)]
        number += 1


def _changed(line: str, rng: random.Random) -> str:
    """Leave out a word in eight."""
    return " ".join(word for word in line.split() if rng.random() > 0.125)


def rows(articles: Sequence[str], peers: str, folder: Path, rounds: int, share: float) -> list[Row]:
    """Measure all scorers on short and long pairs, with and without stems."""
    found: list[Row] = []
    for kind, (n_sentences, n) in KINDS.items():
        path = folder / f"{kind}.jsonl"
        wanted = max(20, round(n * share))
        made = list(pairs(articles, n_sentences, wanted, seed=len(kind)))
        path.write_text("".join(json.dumps(pair) + "\n" for pair in made), encoding="utf-8")
        words = sum(len(text.split()) for pair in made for text in pair[:2]) / (2 * len(made))
        for stems in ((), ("--stemmer",)):
            told = (
                f"{kind}, {'' if stems else 'no '}stems ({len(made):,} pairs of {words:.0f} words)"
            )
            found += _rows(told, path, stems, peers, rounds)
    return found


def _rows(told: str, path: Path, stems: Sequence[str], peers: str, rounds: int) -> list[Row]:
    def command(python: str, scorer: str, types: Sequence[str] = ()) -> list[str]:
        asked = ["--types", *types] if types else []
        return [python, WORKER, scorer, str(path), *stems, *asked]

    def row(what: str, ours: str, scorer: str, types: Sequence[str] = ()) -> Row:
        mine, theirs = command(table.OURS, ours, types), command(peers, scorer, types)
        return table.beside(GROUP, f"{what}, {told}", mine, theirs, scorer, rounds, _equal)

    return [
        row("four types", "evalharness", "rouge-score"),
        row("four types, our sentences for rougeLsum", "sentences", "rouge-score"),
        row("four types", "evalharness", "evaluate"),
        row("three types", "evalharness", "torchmetrics", THREE),
        row("four types", "evalharness", "rouge-score-rs"),
        _compiled(told, command(peers, "rouge-score-rs"), command(peers, "rouge-score"), rounds),
    ]


def _compiled(told: str, quick: list[str], slow: list[str], rounds: int) -> Row:
    """Measure the compiled scorer itself beside rouge_score: what an engine could give."""
    what = f"rouge-score-rs itself, four types, {told}"
    return table.beside(GROUP, what, quick, slow, "rouge-score", rounds, _equal)


def _equal(mine: dict[str, Any], other: dict[str, Any]) -> str:
    if mine["sum"] is None or other["sum"] is None:
        return ""
    return "same sum of scores" if mine["sum"] == other["sum"] else "other scores"
