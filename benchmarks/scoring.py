"""Scoring beside rouge_score alone and beside an old tree of ours, BLEU beside sacrebleu, intervals
beside BootstrapAggregator.
"""

import io
import json
import random
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from evalharness.text import sentences

from . import table
from .table import Row

WORKER = str(Path(__file__).parent / "peers" / "figures.py")
GROUP = "Scoring"
# Sentences of summary and reference: as in XSum and as in CNN/DailyMail.
SENTENCES = (1, 3)
PAIRS = 400
SUMMARIES = 5
# The tree that `lexical` is measured beside: before all cores were used.
BASE = "9e964b4"
WHOLE = "ROUGE and `lexical`, which reads the whole article, beside ROUGE alone"
NOT_LIKE = "not the same work: what the check of the whole article costs on top of ROUGE"


def triples(articles: Sequence[str], n_sentences: int, n: int) -> list[list[str]]:
    """Return reference, summary and article; no article twice while there are others."""
    rng = random.Random(n_sentences)  # noqa: S311  which sentences are taken
    found: list[list[str]] = []
    order = [text for text in articles if len(sentences(text)) > n_sentences]
    while order and len(found) < n:
        rng.shuffle(order)
        for text in order[: n - len(found)]:
            lines = [" ".join(span.of(text).split()) for span in sentences(text)]
            sides = [rng.sample(lines, n_sentences) for _ in range(2)]
            found.append(["\n".join(sides[0]), "\n".join(with_gaps(sides[1], rng)), text])
    return found


def with_gaps(lines: Sequence[str], rng: random.Random) -> list[str]:
    """Leave out a word in eight of each sentence."""
    return [" ".join(word for word in line.split() if rng.random() > 0.125) for line in lines]


def rows(articles: Sequence[str], peers: str, folder: Path, rounds: int, share: float) -> list[Row]:
    """Measure all of it."""
    found: list[Row] = []
    path = folder / "none.jsonl"
    base = _tree(folder / "base")
    for n_sentences in SENTENCES:
        made = triples(articles, n_sentences, max(10, round(PAIRS * share)))
        path = folder / f"{n_sentences}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
        words = [sum(len(row[at].split()) for row in made) / len(made) for at in (2, 0)]
        told = f"{len(made)} articles of {words[0]:.0f} words, references of {words[1]:.0f}"
        asked = [
            (f"{WHOLE}, {told}", "rouge-and-lexical", "rouge-score", "rouge-score"),
            (f"BLEU, {told}", "bleu", "bleu-sacrebleu", "sacrebleu"),
        ]
        both, bleu = (_row(*each, path, peers, rounds) for each in asked)
        found += [table.changed(both, note=NOT_LIKE, unlike=True), bleu]
        found.append(_before(f"`lexical`, {told}", path, base, rounds))
        if n_sentences == min(SENTENCES):
            several = _several(made, folder / "several.jsonl")
            told = f"`lexical`, {SUMMARIES} summaries of each of {len(made) // SUMMARIES} articles"
            found.append(_before(told, several, base, rounds))
    what = "means and intervals of 11,490 × 12 scores, 1,000 resamples"
    names = ("intervals", "intervals-rouge-score", "BootstrapAggregator of rouge-score")
    return [*found, _row(what, *names, path, peers, rounds)]


def _several(made: Sequence[Sequence[str]], path: Path) -> Path:
    """Write some articles with several summaries each: their own, and those of other articles."""
    few = made[: len(made) // SUMMARIES]
    rows = [
        [one, made[(n + turn * len(few)) % len(made)][1] if turn else other, text]
        for n, (one, other, text) in enumerate(few)
        for turn in range(SUMMARIES)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _tree(folder: Path) -> Path | None:
    """Return the package as it was at BASE; None where the history is not here."""
    done = subprocess.run(  # noqa: S603
        ["git", "archive", BASE, "evalharness"],  # noqa: S607
        cwd=table.REPOSITORY,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        return None
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _before(what: str, path: Path, base: Path | None, rounds: int) -> Row:
    """Compare a scoring with that of the old tree."""
    peer = f"evalharness {BASE}"
    if base is None:
        return Row(GROUP, what, peer, not_measured=f"commit {BASE} is not here")
    asked = [table.OURS, WORKER, "lexical", str(path)]
    theirs = ["env", f"PYTHONPATH={base}", *asked]
    (row,) = table.beside(GROUP, what, {"evalharness": asked}, (peer, theirs), rounds)
    return row


def _row(what: str, ours: str, theirs: str, peer: str, path: Path, peers: str, rounds: int) -> Row:
    mine = {"evalharness": [table.OURS, WORKER, ours, str(path)]}
    (row,) = table.beside(GROUP, what, mine, (peer, [peers, WORKER, theirs, str(path)]), rounds)
    return row
