"""How much quicker `nli` scores than SummaC's way of batching, with the same probabilities.

    python -m benchmarks.nli [--articles 12] [--rounds 3]

On random weights of MiniLM's shape (6 layers of 384), float32, on the CPU; a BPE tokenizer is
trained on the articles. SummaC's way is made again here with transformers alone: for each article
and summary all pairs of sentences, 20 at a time in their order, padded to the longest. Articles are
the quickstart's. One system: the summaries that come with them. Three systems: lead-3, TextRank and
LexRank, which choose some of the same sentences. Prints the ratios of the processor's times, taken
in turns, and what share of the pairs the cascade spares for each system.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch  # noqa: TID253  a script that needs it from the start

from evalharness.checks.nli import Nli, pieces
from evalharness.models.extractive import Lead, LexRank, TextRank
from evalharness.protocols import Pair
from evalharness.records import Article, Summary
from evalharness.text import sentences

from .table import Row

GROUP = "Neural checks"
ARTICLES = Path(__file__).parents[1] / "configs" / "quickstart" / "articles.jsonl"
LABELS = ("entailment", "neutral", "contradiction")
Values = list[float]
Way = Callable[[Sequence[Sequence[Pair]]], Values]


def checkpoint(folder: Path, texts: Sequence[str], width: int = 384, layers: int = 6) -> Path:
    """Write a BERT with random weights, of MiniLM's shape, and a tokenizer trained on texts."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    specials = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    core = Tokenizer(models.BPE(unk_token=specials[3]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=8000, special_tokens=specials))
    core.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    names = {"pad": 0, "cls": 1, "sep": 2, "unk": 3}
    given = {f"{name}_token": specials[number] for name, number in names.items()}
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    fast: Any = transformers.PreTrainedTokenizerFast
    tokenizer = fast(tokenizer_object=core, model_max_length=512, model_input_names=inputs, **given)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(
        "bert",
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // (32 if width < 512 else 64)),
        intermediate_size=4 * width,
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )
    classes: Any = transformers.AutoModelForSequenceClassification
    model = classes.from_config(config)
    model.save_pretrained(folder)
    return folder


def by_document(folder: Path, systems: Sequence[Sequence[Pair]], device: str = "cpu") -> Values:
    """Score with transformers alone, 20 pairs of an article and a summary at a time."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForSequenceClassification.from_pretrained(folder)
    model.eval().to(device)
    found: Values = []
    for article, summary in (pair for system in systems for pair in system):
        premises = [s.of(article.text) for s in pieces(article.text, "sentence", sentences)[:100]]
        claims = [s.of(summary.text) for s in pieces(summary.text, "sentence", sentences)]
        pairs = [(premise, claim) for premise in premises for claim in claims]
        rows: list[list[float]] = []
        for start in range(0, len(pairs), 20):
            inputs = tokenizer(
                pairs[start : start + 20],
                padding=True,
                truncation=True,
                max_length=500,
                return_tensors="pt",
            ).to(device)
            with torch.no_grad():
                rows += model(**inputs).logits.softmax(-1).tolist()
        table = torch.tensor(rows).view(len(premises), len(claims), 3).max(dim=0).values
        found.append(float((table[:, 0] - table[:, 2]).mean()))
    return found


def ours(folder: Path, systems: Sequence[Sequence[Pair]], **options: Any) -> Values:
    """Score with `nli`, one system after the other, as a run does."""
    check = Nli(str(folder), **({"device": "cpu"} | options))
    return [score.value or 0.0 for system in systems for score in check.score(system)]


def compared(name: str, rounds: int, systems: Sequence[Sequence[Pair]], folder: Path) -> Row:
    """Time both ways in turns and return the ratios."""
    ratios, farthest = [], 0.0
    for _ in range(rounds):
        theirs, time_theirs = _timed(lambda s: by_document(folder, s), systems)
        mine, time_mine = _timed(lambda s: ours(folder, s), systems)
        ratios.append(time_theirs / time_mine)
        farthest = max(farthest, *(abs(a - b) for a, b in zip(theirs, mine, strict=True)))
    what = f"`nli` of {name}, {len(systems[0])} articles"
    note = f"farthest score {farthest:.0e}"
    row = Row(GROUP, what, "SummaC's batching, made again here", ratios=tuple(ratios), note=note)
    print(f"{what}: {row.shown()}, {note}", flush=True)
    return row


def _timed(way: Way, systems: Sequence[Sequence[Pair]]) -> tuple[Values, float]:
    began = time.process_time()
    found = way(systems)
    return found, time.process_time() - began


def spared(name: str, system: Sequence[Pair], folder: Path) -> None:
    """Print what share of its pairs the cascade does not ask the network about."""
    plain, cascade = (Nli(str(folder), device="cpu", cascade=on) for on in (False, True))
    whole = sum(_n_questions(plain, a.text, s.text) for a, s in system)
    left = sum(_n_questions(cascade, a.text, s.text) for a, s in system)
    print(f"cascade, {name}: {1 - left / whole:.0%} of {whole} pairs spared")


def _n_questions(check: Nli, article: str, summary: str) -> int:
    return len([*check.claims_of_pair(article, summary, check.passages).questions])


def rows(n_articles: int, rounds: int, cascade: bool = False) -> list[Row]:
    """Compare on the quickstart's articles, for one system and for three."""
    texts = [json.loads(line) for line in ARTICLES.read_text().splitlines()][:n_articles]
    articles = [Article(row["id"], row["article"]) for row in texts]
    given = [(a, Summary(a.id, row["summary"])) for a, row in zip(articles, texts, strict=True)]
    extractive = {
        "lead-3": Lead().summarize(articles),
        "textrank": TextRank().summarize(articles),
        "lexrank": LexRank().summarize(articles),
    }
    systems = {
        name: list(zip(articles, written, strict=True)) for name, written in extractive.items()
    }
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as path:
        folder = checkpoint(Path(path), [article.text for article in articles])
        found = [
            compared("one system", rounds, [given], folder),
            compared("three systems", rounds, list(systems.values()), folder),
        ]
        for name, system in {"given summaries": given, **systems}.items() if cascade else ():
            spared(name, system, folder)
    return found


def main() -> None:
    """Compare, and print what the cascade spares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    rows(asked.articles, asked.rounds, cascade=True)


if __name__ == "__main__":
    main()
