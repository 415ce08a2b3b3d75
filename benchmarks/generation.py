"""What a run costs over a plain `generate` loop, and what the automatic batches gain.

    python benchmarks/generation.py [--shapes t5 llama bart] [--beams 1 4] [--articles 256]
                                    [--rounds 5] [--device cuda --dtype bfloat16] [--json FILE]
                                    [--real FOLDER] [--only-overhead]

Random weights of the shapes of T5, Llama and BART (`--width 256`: about 10 million parameters),
made here, with a tokenizer trained on the quickstart's articles; texts are pieces of these articles
of lognormal length. Every row is the ratio of two ways that take turns: median, least and greatest
over the rounds, of processor time on a CPU (one thread; other programs disturb it less) and of the
clock on a GPU.

* overhead: a whole `run`, with its store and files and no metrics, to a loop over the same batches.
  The two take turns batch by batch, so that what disturbs one disturbs the other; told with the
  95 % interval of the mean over the rounds, and where the rest of the run goes;
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: TID253  a script that needs it from the start
from transformers.utils.logging import disable_progress_bar  # noqa: TID253

from evalharness import run
from evalharness.hf import weights
from evalharness.models.causal import INSTRUCTION, Causal
from evalharness.models.engine import Engine
from evalharness.models.options import CheckpointReader, Generating
from evalharness.models.pace import usual
from evalharness.models.seq2seq import Seq2Seq
from evalharness.records import Article
from evalharness.runner import write
from evalharness.store.ledger import Ledger

ARTICLES = Path(__file__).parents[1] / "configs" / "quickstart" / "articles.jsonl"
TEMPLATE = "{article}\n\nSummary:"
Batches = list[list[int]]


@dataclass(frozen=True)
class Case:
    """A checkpoint, and how it is to decode. chat: whether it is asked in its chat template."""

    shape: str
    beams: int
    model: Generating
    device: str
    chat: bool = False

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
    encodes = bool(loaded.model.config.is_encoder_decoder)
    options: dict[str, Any] = {"add_special_tokens": False} if case.chat else {}
    written: dict[int, str] = {}
    for batch in batches:
        said = [_said(case, texts[i].text) for i in batch]
        side = "right" if encodes else "left"
        inputs = loaded.tokenizer(
            said, padding=True, padding_side=side, truncation=True, return_tensors="pt", **options
        )
        inputs.pop("token_type_ids", None)
        inputs = inputs.to(loaded.device)
        with torch.inference_mode(), weights.quiet():
            rows = loaded.model.generate(**inputs, generation_config=settings.config)
        start = 1 if encodes else inputs["input_ids"].shape[1]
        decoded = loaded.tokenizer.batch_decode(rows[:, start:], skip_special_tokens=True)
        written.update(zip(batch, (text.strip() for text in decoded), strict=True))
    return written


def _said(case: Case, text: str) -> str:
    """Return what the model is given to read."""
    if case.chat:
        asked = [{"role": "user", "content": INSTRUCTION.replace("{article}", text)}]
        template = case.model.engine.loaded.tokenizer.apply_chat_template
        return str(template(asked, add_generation_prompt=True, tokenize=False))
    return TEMPLATE.format(article=text) if isinstance(case.model, Causal) else text


def batches_of(case: Case, texts: Sequence[Article]) -> Batches:
    """Return the batches that a run makes of the articles."""
    found: Batches = []
    for unit in case.model.batches(texts):
        prompts = [case.model.prompt(texts[i]) for i in unit]
        found += [[unit[i] for i in batch] for batch in case.model.engine.plan(prompts)]
    return found


def whole_run(case: Case, texts: Sequence[Article], batch_size: Any) -> dict[int, str]:
    """Summarize with a run of its own, from a file to the files of the run."""
    kind = "causal" if isinstance(case.model, Causal) else "seq2seq"
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


class Turns:
    """The same batches with transformers alone, each beside that of a run; and their seconds."""

    def __init__(self, case: Case, texts: Sequence[Article], batches: Batches) -> None:
        self.case, self.texts = case, texts
        self.waiting = list(reversed(batches))
        self.seconds = 0.0
        self.written: dict[int, str] = {}

    def bare(self, batch: list[int]) -> None:
        """Write a batch."""
        begin = self.case.clock()
        self.written |= bare(self.case, self.texts, [batch])
        self.seconds += self.case.clock() - begin

    @contextmanager
    def beside_runs(self) -> Iterator[None]:
        """Write each batch before or after a run writes it, in turns."""
        theirs = Engine._generate

        def both(engine: Engine, prompts: Any, rows: Any) -> Any:
            batch = self.waiting.pop()
            if len(batch) != len(rows):
                raise SystemExit(f"a batch of {len(rows)} in the run, of {len(batch)} beside it")
            before = len(self.waiting) % 2 == 0
            if before:
                self.bare(batch)
            found = theirs(engine, prompts, rows)
            if not before:
                self.bare(batch)
            return found

        Engine._generate = both  # type: ignore[method-assign]
        try:
            yield
        finally:
            Engine._generate = theirs  # type: ignore[method-assign]


def overhead_of(case: Case, texts: Sequence[Article], rounds: int) -> dict[str, Any]:
    """Return the row of a run beside a loop over the same batches, and print it."""
    batches = batches_of(case, texts)
    ours: list[float] = []
    plain: list[float] = []
    differ = 0
    for _ in range(rounds):
        turns = Turns(case, texts, batches)
        begin = case.clock()
        with turns.beside_runs():
            written = whole_run(case, texts, "auto")
        ours.append(case.clock() - begin - turns.seconds)
        plain.append(turns.seconds)
        differ = sum(written[n] != text for n, text in turns.written.items())
    row = row_of(case, "overhead", len(texts), ours, plain, differ)
    row |= {"mean": interval([one / other for one, other in zip(ours, plain, strict=True)])}
    row |= {"goes to": where_it_goes(case, texts)}
    low, middle, high = row["mean"]
    print(f"  mean {middle:.3f} ({low:.3f} to {high:.3f}); {row['goes to']}", flush=True)
    return row


# Student's t for a 95 % interval of the mean of 2 to 10 figures.
STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)


def interval(ratios: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean of some ratios between the ends of its 95 % interval."""
    mean, n = statistics.fmean(ratios), len(ratios)
    if n == 1:
        return mean, mean, mean
    half = STUDENT[min(n, 10) - 2] * statistics.stdev(ratios) / n**0.5
    return mean - half, mean, mean + half


# What a run does beside `generate`, by the functions that do it.
STEPS: Mapping[str, tuple[tuple[Any, str], ...]] = {
    "prompts": ((CheckpointReader, "prompt"), (Engine, "_pad_prompts")),
    "reading tokens": ((Engine, "_read_tokens"),),
    "store": ((Ledger, "_append"),),
    "files": ((write, "_write_groups"),),
}


def where_it_goes(case: Case, texts: Sequence[Article]) -> str:
    """Return which share of a run goes where, from a run of its own."""
    spent = dict.fromkeys([*STEPS, "generate"], 0.0)
    open_steps: list[float] = []

    def timed(name: str, function: Any) -> Any:
        def run_timed(*values: Any, **options: Any) -> Any:
            begin = case.clock()
            open_steps.append(0.0)
            try:
                return function(*values, **options)
            finally:
                taken = case.clock() - begin
                spent[name] += taken - open_steps.pop()
                if open_steps:
                    open_steps[-1] += taken

        return run_timed

    steps = [(name, *each) for name, of_step in STEPS.items() for each in of_step]
    steps.append(("generate", type(case.model.engine.loaded.model), "generate"))
    with ExitStack() as stack:
        for name, owner, function in steps:
            owner = type(case.model.reader) if owner is CheckpointReader else owner
            made = timed(name, getattr(owner, function))
            stack.enter_context(patch.object(owner, function, made))
        begin = case.clock()
        whole_run(case, texts, "auto")
        total = case.clock() - begin
    rest = total - sum(spent.values())
    shares = {**spent, "all else": rest}
    return ", ".join(f"{name} {100 * taken / total:.1f} %" for name, taken in shares.items())


def rows_of(
    case: Case, texts: Sequence[Article], rounds: int, few: int, only_overhead: bool
) -> list[dict[str, Any]]:
    """Return what is measured of a checkpoint, and print it."""
    some = list(texts[:few])
    whole_run(case, some[:2], "auto")  # what is done once in a process
    rows = [overhead_of(case, some, rounds)]
    if only_overhead:
        return rows
    fixed = usual(case.device.partition(":")[0], 1).articles
    order = [list(range(len(texts)))[at : at + fixed] for at in range(0, len(texts), fixed)]
    single = [[n] for n in range(len(texts))]
    (one, by_order, auto), unlike_auto = times_of(
        case,
        min(rounds, 3),
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
    row |= {"ratios": ratios, "seconds": times, "seconds of the other": others, "differ": differ}
    print(
        f"{case.shape:6} {case.beams:5} {n:8}  {name:14} {row['median']:6.2f}"
        f"  {row['least']:5.2f}-{row['most']:.2f} {differ:7}",
        flush=True,
    )
    return row


def cases(asked: argparse.Namespace, texts: Sequence[str], folder: Path) -> Iterator[Case]:
    """Yield random checkpoints of each shape with each number of beams."""
    for shape in asked.shapes:
        path = checkpoint(shape, asked.width, texts, folder / shape)
        for beams in asked.beams:
            options: dict[str, Any] = {
                "model": str(path), "device": asked.device, "dtype": asked.dtype,
                "num_beams": beams, "max_new_tokens": asked.new_tokens,
                "min_new_tokens": asked.new_tokens,
            }  # fmt: skip
            model: Generating = (
                Causal(template=TEMPLATE, **options) if shape == "llama" else Seq2Seq(**options)
            )
            yield Case(shape, beams, model, asked.device)


def real_case(asked: argparse.Namespace) -> Case:
    """Return a chat model as it is used, greedy, with few new tokens."""
    model = Causal(
        str(asked.real), device=asked.device, dtype=asked.dtype, num_beams=1,
        max_new_tokens=max(1, asked.new_tokens // 2),
    )  # fmt: skip
    return Case(asked.real.name, 1, model, asked.device, chat=True)


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
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16", "float16"))
    parser.add_argument("--real", type=Path, help="a chat model's folder, measured at the end")
    parser.add_argument("--only-overhead", action="store_true")
    parser.add_argument("--json", type=Path, help="write the rows here, too")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    disable_progress_bar()
    texts = [json.loads(line)["article"] for line in ARTICLES.read_text().splitlines()]
    made = articles(texts, asked.articles, asked.words)
    rows: list[dict[str, Any]] = []
    print(f"{asked.device}, {asked.dtype}, width {asked.width}, {asked.new_tokens} new tokens")
    print("shape  beams articles  ratio of       median  spread   differ")
    few = min(asked.few, asked.articles)
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(asked, texts, Path(folder)):
            rows += rows_of(case, made, asked.rounds, few, asked.only_overhead)
    if asked.real:
        short = articles(texts, few, asked.words // 3)
        rows += rows_of(real_case(asked), short, asked.rounds, few, only_overhead=True)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
