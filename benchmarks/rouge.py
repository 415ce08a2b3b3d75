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
FOUR = ("rouge1", "rouge2", "rougeL", "rougeLsum")
# Sentences of summary and of reference, and how many pairs; fewer for peers that are no quicker.
KINDS = {"one sentence": (1, 3_000, 300), "short": (3, 3_000, 300), "long": (18, 160, 20)}


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
    for kind, (n_sentences, many, few) in KINDS.items():
        made = list(pairs(articles, n_sentences, max(20, round(many * share)), seed=len(kind)))
        for stems in ((), ("--stemmer",)):
            told = f"{kind}, {'' if stems else 'no '}stems"
            found += _exact(told, _written(folder / f"{kind}.jsonl", made), stems, peers, rounds)
        some = _written(folder / f"{kind}-few.jsonl", made[: max(20, round(few * share))])
        found += _others(f"{kind}, stems", some, peers, rounds)
    return found


def _written(path: Path, made: Sequence[Sequence[str]]) -> Path:
    path.write_text("".join(json.dumps(pair) + "\n" for pair in made), encoding="utf-8")
    return path


def _exact(told: str, path: Path, stems: Sequence[str], peers: str, rounds: int) -> list[Row]:
    """Measure those that give the very figures of rouge_score, and ours with our own sentences."""
    commands = {
        "evalharness": [table.OURS, WORKER, "evalharness", str(path), *stems],
        "evalharness, own sentences": [table.OURS, WORKER, "sentences", str(path), *stems],
        "evalharness, compiled engine": [table.OURS, WORKER, "compiled", str(path), *stems],
        "evalharness, compiled engine, own sentences (as `auto` runs it)": [
            *(table.OURS, WORKER, "auto", str(path), *stems)
        ],
        "rouge-score-rs": [peers, WORKER, "rouge-score-rs", str(path), *stems],
    }
    base = [peers, WORKER, "rouge-score", str(path), *stems]
    what = f"four types, {told}, {_told(path)}"
    return table.beside(GROUP, what, commands, ("rouge-score", base), rounds, _equal)


def _others(told: str, path: Path, peers: str, rounds: int) -> list[Row]:
    """Measure evaluate, and torchmetrics, which has no rougeLsum without a download."""
    options = [str(path), "--stemmer"]
    found: list[Row] = []
    for peer, types in (("evaluate", FOUR), ("torchmetrics", FOUR[:3])):
        asked = [*options, "--types", *types]
        commands = {
            "evalharness": [table.OURS, WORKER, "evalharness", *asked],
            peer: [peers, WORKER, peer, *asked],
        }
        base = [peers, WORKER, "rouge-score", *asked]
        number = {3: "three", 4: "four"}[len(types)]
        what = f"{number} types, {told}, {_told(path)}"
        found += table.beside(GROUP, what, commands, ("rouge-score", base), rounds, _equal)
    return found


def _told(path: Path) -> str:
    made = [json.loads(line)[:2] for line in path.read_text(encoding="utf-8").splitlines()]
    words = sum(len(text.split()) for pair in made for text in pair) / (2 * len(made))
    return f"{len(made):,} pairs of {words:.0f} words"


def _equal(mine: dict[str, Any], other: dict[str, Any]) -> str:
    if mine["sum"] is None or other["sum"] is None:
        return ""
    return "same sum of scores" if mine["sum"] == other["sum"] else "other scores"
