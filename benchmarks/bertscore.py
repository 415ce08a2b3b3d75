"""BERTScore's speed beside bert-score's way of batching, and that the figures are the same.

    python benchmarks/bertscore.py [--articles 128] [--rounds 3]

On random weights of MiniLM's shape (6 layers of 384), float32, on the CPU. bert-score's way is made
again here with torch and transformers: texts sorted by words in batches of 64, padded to the
longest; embeddings kept for one call; pairs matched in batches of 64, padded. It stands in for the
package, whose tokenization is wrong under transformers 5. Articles of 100 to 700 words, summaries
of 20 to 60. Prints the ratios of times taken in turns, and their median: of the time on the clock,
and of the processor's time, which other programs on the machine disturb less.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch  # noqa: TID253  a script that needs it from the start

from evalharness.checks.bertscore import BertScore
from evalharness.neural.embedding import Embedder, shortened
from evalharness.neural.network import Network
from evalharness.records import Article, Summary

BATCH = 64
LAYERS = 5
WORDS = [f"w{number}" for number in range(5000)]
Figures = list[tuple[float, float, float]]
Way = Callable[[Sequence[str], Sequence[Sequence[str]]], Figures]


def checkpoint(folder: Path) -> Path:
    """Write a RoBERTa of MiniLM's shape with random weights and a tokenizer of whole words."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import RobertaConfig, RobertaModel

    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    ids = {token: number for number, token in enumerate([*specials, *WORDS])}
    core = Tokenizer(models.WordLevel(ids, unk_token=specials[3]))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    core.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = {"bos": 0, "pad": 1, "eos": 2, "unk": 3, "mask": 4, "cls": 0, "sep": 2}
    given = {f"{name}_token": specials[number] for name, number in names.items()}
    fast: Any = transformers.PreTrainedTokenizerFast
    fast(tokenizer_object=core, model_max_length=512, **given).save_pretrained(folder)
    torch.manual_seed(0)
    shape: dict[str, Any] = {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}
    shape |= {"vocab_size": len(ids), "max_position_embeddings": 514, "pad_token_id": 1}
    model: Any = RobertaModel(RobertaConfig(**shape, num_attention_heads=12))
    model.save_pretrained(folder)
    return folder


def invented(n: int, systems: int) -> tuple[list[str], list[list[str]]]:
    """Return n articles, and for each system a summary of each."""
    rng = random.Random(1)  # noqa: S311  invented words

    def text(low: int, high: int) -> str:
        return " ".join(rng.choices(WORDS, k=rng.randint(low, high)))

    articles = [text(100, 700) for _ in range(n)]
    return articles, [[text(20, 60) for _ in range(n)] for _ in range(systems)]


class TheirWay:
    """bert-score's batching, one call a system."""

    def __init__(self, check: BertScore) -> None:
        self.tokenizer = check.embedder.network.tokenizer
        self.model = shortened(check.embedder.network.model, LAYERS)

    def __call__(self, articles: Sequence[str], systems: Sequence[Sequence[str]]) -> Figures:
        """Return precision, recall and F1 of each summary, system after system."""
        return [row for summaries in systems for row in self._score(articles, summaries)]

    @torch.no_grad()
    def _score(self, articles: Sequence[str], summaries: Sequence[str]) -> Figures:
        texts = sorted({*articles, *summaries}, key=lambda text: -len(text.split(" ")))
        embedded: dict[str, torch.Tensor] = {}
        for start in range(0, len(texts), BATCH):
            some = texts[start : start + BATCH]
            rows = [
                self.tokenizer(f" {t}", truncation=True, max_length=512).input_ids for t in some
            ]
            ids, mask = _padded([torch.tensor(row) for row in rows], 1)
            hidden = self.model(ids, attention_mask=mask.long()).last_hidden_state
            embedded |= {t: hidden[n, : len(rows[n])] for n, t in enumerate(some)}
        found: Figures = []
        for start in range(0, len(articles), BATCH):
            some_of = slice(start, start + BATCH)
            theirs, their_mask = _padded([embedded[t] for t in articles[some_of]], 2)
            ours, our_mask = _padded([embedded[t] for t in summaries[some_of]], 2)
            found += _matched(ours, our_mask.float(), theirs, their_mask.float())
        return found


def _padded(rows: Sequence[torch.Tensor], value: float) -> tuple[torch.Tensor, torch.Tensor]:
    pad = torch.nn.utils.rnn.pad_sequence
    mask = pad([torch.ones(len(row)) for row in rows], batch_first=True)
    return pad(list(rows), batch_first=True, padding_value=value), mask


def _matched(
    ours: torch.Tensor, our_mask: torch.Tensor, theirs: torch.Tensor, their_mask: torch.Tensor
) -> Figures:
    ours = ours / ours.norm(dim=-1, keepdim=True)
    theirs = theirs / theirs.norm(dim=-1, keepdim=True)
    likeness = torch.bmm(ours, theirs.transpose(1, 2))
    likeness = likeness * torch.bmm(our_mask.unsqueeze(2), their_mask.unsqueeze(1))
    figures = []
    for best, mask in ((likeness.amax(2), our_mask), (likeness.amax(1), their_mask)):
        weights = mask.clone()
        weights[:, 0] = 0  # <s>, and </s> at each text's end
        weights[torch.arange(len(mask)), mask.sum(1).long() - 1] = 0
        figures.append((best * weights).sum(1) / weights.sum(1))
    precision, recall = figures
    f1 = 2 * precision * recall / (precision + recall)
    return list(zip(precision.tolist(), recall.tolist(), f1.tolist(), strict=True))


def our_way(check: BertScore) -> Way:
    """Return what scores system after system, as a run does, and remembers nothing at the start."""

    def score(articles: Sequence[str], systems: Sequence[Sequence[str]]) -> Figures:
        network: Any = check.embedder.network
        fresh = Embedder(Network(network), LAYERS, windows=False, prefix_space=None)
        check.__dict__["embedder"] = fresh
        found: Figures = []
        for summaries in systems:
            pairs = [
                (Article("", a), Summary("", s)) for a, s in zip(articles, summaries, strict=True)
            ]
            parts = [score.parts for score in check.score(pairs)]
            found += [(p["precision"], p["recall"], p["f1"]) for p in parts]
        return found

    return score


def main() -> None:
    """Time both in turns and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        check = BertScore(str(checkpoint(Path(folder))), layers=LAYERS, device="cpu")
        theirs, ours = TheirWay(check), our_way(check)
        for n_systems in (1, 3):
            articles, systems = invented(asked.articles, n_systems)
            compared(theirs, ours, articles, systems, asked.rounds)


def compared(
    theirs: Way, ours: Way, articles: Sequence[str], systems: Sequence[Sequence[str]], rounds: int
) -> None:
    """Time both ways in turns, print the ratios and how far the figures differ."""
    ratios: dict[str, list[float]] = {"on the clock": [], "processor": []}
    farthest = 0.0
    for _ in range(rounds):
        taken, found = [], []
        for way in (theirs, ours):
            started = time.perf_counter(), time.process_time()
            found.append(way(articles, systems))
            taken.append((time.perf_counter() - started[0], time.process_time() - started[1]))
        for name, before, after in zip(ratios, *taken, strict=True):
            ratios[name].append(before / after)
        differences = torch.tensor(found[0]) - torch.tensor(found[1])
        farthest = max(farthest, float(differences.abs().max()))
    print(f"{len(systems)} system(s), {len(articles)} articles:")
    for name, some in ratios.items():
        each = ", ".join(f"{ratio:.2f}" for ratio in some)
        print(f"  {name}: {statistics.median(some):.2f} times as fast ({each})")
    print(f"  figures differ by {farthest:.1e} at most")


if __name__ == "__main__":
    main()
