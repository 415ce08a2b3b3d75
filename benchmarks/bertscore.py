"""BERTScore's speed beside the package bert-score, and that the figures are the same.

    python -m benchmarks.bertscore [--peers PYTHON] [--articles 128] [--rounds 3]

On random weights of MiniLM's shape (6 layers of 384), float32, one thread of the CPU. Articles of
100 to 700 words, summaries of 20 to 60.
"""

import argparse
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import torch  # noqa: TID253  a script that needs it from the start

from . import table
from .table import Row

GROUP = "Neural checks"
WORKER = str(Path(__file__).parent / "peers" / "bertscore.py")
WORDS = [f"w{number}" for number in range(5000)]


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


def rows(peers: str, folder: Path, n_articles: int, rounds: int) -> list[Row]:
    """Score one system and three with both, each time in a process that knows no text yet."""
    model = str(checkpoint(folder / "minilm"))
    return [_row(model, peers, folder, n_articles, n, rounds) for n in (1, 3)]


def _row(model: str, peers: str, folder: Path, n_articles: int, n: int, rounds: int) -> Row:
    articles, systems = invented(n_articles, n)
    texts = folder / f"bertscore-{n}.json"
    texts.write_text(json.dumps({"articles": articles, "systems": systems}), encoding="utf-8")
    what = f"`bertscore` of {'one system' if n == 1 else f'{n} systems'}, {n_articles} articles"
    mine = {"evalharness": [table.OURS, WORKER, "evalharness", model, str(texts)]}
    theirs = [peers, WORKER, "bert-score", model, str(texts)]
    (row,) = table.beside(GROUP, what, mine, ("bert-score", theirs), rounds, _farthest)
    return row


def _farthest(mine: dict[str, Any], other: dict[str, Any]) -> str:
    pairs = zip(mine["f1"], other["f1"], strict=True)
    return f"farthest F1 {max(abs(a - b) for a, b in pairs):.0e}"


def main() -> None:
    """Measure both and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=table.OURS, help="the Python that has bert-score")
    parser.add_argument("--articles", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows(asked.peers, Path(folder), asked.articles, asked.rounds)


if __name__ == "__main__":
    main()
