"""What a run costs over a plain `generate` loop, and what the automatic batches gain.

    python benchmarks/generation.py [--shapes t5 llama bart] [--beams 1 4] [--articles 256]
                                    [--rounds 3] [--device cuda --dtype bfloat16] [--json FILE]

Random weights of the shapes of T5, Llama and BART (`--width 256`: about 10 million parameters),
made here, with a tokenizer trained on the quickstart's articles; texts are pieces of these articles
of lognormal length. Every row is the ratio of two ways that take turns: median, least and greatest
over the rounds, of processor time on a CPU (one thread; other programs disturb it less) and of the
clock on a GPU.

* overhead: a whole `run`, with its store and files and no metrics, to a loop over the same batches;
* batch 1: a loop of single articles to the automatic run; above 1 is a gain;
* data order: a loop of batches of 8 (64 on a GPU) in the order of the data to the automatic run.
"""

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: TID253  a script that needs it from the start
from transformers.utils.logging import disable_progress_bar  # noqa: TID253

from evalharness import run
from evalharness.hf import weights
from evalharness.models.causal import Causal
from evalharness.models.options import Generating
from evalharness.models.pace import usual
from evalharness.models.seq2seq import Seq2Seq
from evalharness.records import Article

ARTICLES = Path(__file__).parents[1] / "configs" / "quickstart" / "articles.jsonl"
TEMPLATE = "{article}\n\nSummary:"
Batches = list[list[int]]


@dataclass(frozen=True)
class Case:
    """A checkpoint, and how it is to decode."""

    shape: str
    beams: int
    model: Generating
    device: str

    def clock(self) -> float:
        """Return the processor's time; on a GPU the clock's, when its work is done."""
        if self.device == "cpu":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()


def tokenizer(texts: Sequence[str], side: str) -> Any:
    """Return a byte-level tokenizer that was trained on the texts."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    specials = ["<pad>", "</s>"]
    trainer = trainers.BpeTrainer(
        vocab_size=8000, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    core.train_from_iterator(texts, trainer)
    if side == "right":
        core.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    fast: Any = transformers.PreTrainedTokenizerFast
    names = {"pad_token": "<pad>", "eos_token": "</s>"}
    return fast(tokenizer_object=core, model_max_length=1024, padding_side=side, **names)


def checkpoint(
    shape: str, width: int, texts: Sequence[str], folder: Path, layers: int | None = None
) -> Path:
    """Write a checkpoint of a shape with random weights; layers: of each side."""
    import transformers

    head = 32 if width < 512 else 64
    heads, vocabulary = width // head, 8192
    torch.manual_seed(0)
    if shape == "llama":
        config: Any = transformers.LlamaConfig(
            vocab_size=vocabulary, hidden_size=width, intermediate_size=width * 11 // 4,
            num_hidden_layers=layers or 6, num_attention_heads=heads, max_position_embeddings=2048,
        )  # fmt: skip
        model: Any = transformers.LlamaForCausalLM(config)
    elif shape == "t5":
        config = transformers.T5Config(
            vocab_size=vocabulary, d_model=width, d_kv=head, d_ff=4 * width, num_layers=layers or 4,
            num_heads=heads, decoder_start_token_id=0, n_positions=1024,
        )  # fmt: skip
        model = transformers.T5ForConditionalGeneration(config)
    else:
        sides = ("encoder", "decoder")
        config = transformers.BartConfig(
            vocab_size=vocabulary, d_model=width, max_position_embeddings=1024, pad_token_id=0,
            eos_token_id=1, bos_token_id=1, decoder_start_token_id=1, forced_eos_token_id=None,
            encoder_layers=layers or 6, decoder_layers=layers or 4,
            **{f"{side}_attention_heads": heads for side in sides},
            **{f"{side}_ffn_dim": 4 * width for side in sides},
        )  # fmt: skip
        model = transformers.BartForConditionalGeneration(config)
    model.save_pretrained(folder)
    tokenizer(texts, "left" if shape == "llama" else "right").save_pretrained(folder)
    return folder


def articles(texts: Sequence[str], n: int, words: int) -> list[Article]:
    """Return pieces of the texts of lognormal length, in no order."""
    rng = random.Random(0)  # noqa: S311  no secret
    pool = " ".join(texts).split()
    made = []
    for i in range(n):
        length = max(20, min(3 * words, int(words * rng.lognormvariate(0, 0.4))))
        start = rng.randrange(len(pool) - length)
        made.append(Article(str(i), " ".join([f"{i}.", *pool[start : start + length]])))
    return made


def bare(case: Case, texts: Sequence[Article], batches: Batches) -> dict[int, str]:
    """Summarize with transformers alone, in these batches."""
    loaded, settings = case.model.engine.loaded, case.model.engine.settings
    written: dict[int, str] = {}
    for batch in batches:
        said = [texts[i].text for i in batch]
        if case.shape == "llama":
            said = [TEMPLATE.format(article=text) for text in said]
        inputs = loaded.tokenizer(said, padding=True, truncation=True, return_tensors="pt")
        inputs.pop("token_type_ids", None)
        inputs = inputs.to(loaded.device)
        with torch.inference_mode(), weights.quiet():
            rows = loaded.model.generate(**inputs, generation_config=settings.config)
        start = inputs["input_ids"].shape[1] if case.shape == "llama" else 1
        decoded = loaded.tokenizer.batch_decode(rows[:, start:], skip_special_tokens=True)
        written.update(zip(batch, (text.strip() for text in decoded), strict=True))
    return written


def batches_of(case: Case, texts: Sequence[Article]) -> Batches:
    """Return the batches that a run makes of the articles."""
    found: Batches = []
    for unit in case.model.batches(texts):
        prompts = [case.model.prompt(texts[i]) for i in unit]
        found += [[unit[i] for i in batch] for batch in case.model.engine.plan(prompts)]
    return found


def whole_run(case: Case, texts: Sequence[Article], batch_size: Any) -> dict[int, str]:
    """Summarize with a run of its own, from a file to the files of the run."""
    kind = "causal" if case.shape == "llama" else "seq2seq"
    options = _given(case.model)
    with tempfile.TemporaryDirectory() as folder:
        rows = [json.dumps({"id": a.id, "article": a.text}) + "\n" for a in texts]
        (Path(folder) / "a.jsonl").write_text("".join(rows))
        sheet = {
            "data": {"name": "files", "path": f"{folder}/a.jsonl"},
            "model": {"name": kind, **options, "batch_size": batch_size},
            "metrics": [],
            "checks": [],
        }
        (done,) = run(sheet, results=folder)
        return {n: sample["summary"]["text"] for n, sample in enumerate(done.samples())}


def _given(model: Generating) -> dict[str, Any]:
    """Return the options of a model that are not what they are when nothing is said."""
    options = [field for field in fields(model) if field.init]
    set_ones = {field.name: getattr(model, field.name) for field in options}
    return {f.name: value for f in options if (value := set_ones[f.name]) != f.default}


def times_of(
    case: Case, rounds: int, ways: Sequence[Callable[[], dict[int, str]]]
) -> tuple[list[list[float]], list[int]]:
    """Return for each way its times by round, and how many of its texts are not the last way's."""
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        texts = []
        for way, taken in zip(ways, times, strict=True):
            begin = case.clock()
            texts.append(way())
            taken.append(case.clock() - begin)
    return times, [sum(each[n] != text for n, text in texts[-1].items()) for each in texts]


def rows_of(case: Case, texts: Sequence[Article], rounds: int, few: int) -> list[dict[str, Any]]:
    """Return what is measured of a checkpoint, and print it."""
    some = list(texts[:few])
    whole_run(case, some[:2], "auto")  # what is done once in a process
    fixed = usual(case.device.partition(":")[0], 1).articles
    order = [list(range(len(texts)))[at : at + fixed] for at in range(0, len(texts), fixed)]
    single = [[n] for n in range(len(texts))]
    same = batches_of(case, some)
    (ours, plain), (_, unlike) = times_of(
        case, rounds, (lambda: whole_run(case, some, "auto"), lambda: bare(case, some, same))
    )
    rows = [row_of(case, "overhead", few, ours, plain, unlike)]
    (one, by_order, auto), unlike_auto = times_of(
        case,
        rounds,
        (
            lambda: bare(case, texts, single),
            lambda: bare(case, texts, order),
            lambda: whole_run(case, texts, "auto"),
        ),
    )
    rows.append(row_of(case, "batch 1", len(texts), one, auto, unlike_auto[0]))
    rows.append(row_of(case, f"data order, {fixed}", len(texts), by_order, auto, unlike_auto[1]))
    return rows


def row_of(
    case: Case, name: str, n: int, times: list[float], others: list[float], differ: int
) -> dict[str, Any]:
    """Return a row of the table, and print it."""
    ratios = [time / other for time, other in zip(times, others, strict=True)]
    row = {"shape": case.shape, "beams": case.beams, "articles": n, "ratio of": name}
    row |= {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}
    row |= {"seconds": times, "seconds of the other": others, "differ": differ}
    print(
        f"{case.shape:6} {case.beams:5} {n:8}  {name:14} {row['median']:6.2f}"
        f"  {row['least']:5.2f}-{row['most']:.2f} {differ:7}",
        flush=True,
    )
    return row


def main() -> None:
    """Measure each shape with each number of beams."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shapes", nargs="+", default=["t5", "llama", "bart"])
    parser.add_argument("--beams", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--articles", type=int, default=256)
    parser.add_argument("--few", type=int, default=64, help="articles that overhead is taken on")
    parser.add_argument("--words", type=int, default=200)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16", "float16"))
    parser.add_argument("--json", type=Path, help="write the rows here, too")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    disable_progress_bar()
    texts = [json.loads(line)["article"] for line in ARTICLES.read_text().splitlines()]
    made = articles(texts, asked.articles, asked.words)
    rows: list[dict[str, Any]] = []
    print(f"{asked.device}, {asked.dtype}, width {asked.width}, {asked.new_tokens} new tokens")
    print("shape  beams articles  ratio of       median  spread   differ")
    with tempfile.TemporaryDirectory() as folder:
        for shape in asked.shapes:
            path = checkpoint(shape, asked.width, texts, Path(folder) / shape)
            for beams in asked.beams:
                options: dict[str, Any] = {
                    "model": str(path), "device": asked.device, "dtype": asked.dtype,
                    "num_beams": beams, "max_new_tokens": asked.new_tokens,
                    "min_new_tokens": asked.new_tokens,
                }  # fmt: skip
                model: Generating = (
                    Causal(template=TEMPLATE, **options) if shape == "llama" else Seq2Seq(**options)
                )
                case = Case(shape, beams, model, asked.device)
                rows += rows_of(case, made, asked.rounds, min(asked.few, asked.articles))
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
