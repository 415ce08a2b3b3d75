"""Generation and neural checks on a GPU, beside plain loops: one command, no network, ten minutes.

    python -m benchmarks.gpu [--minutes 9] [--json FILE]
    python -m benchmarks.gpu --small --device cpu        # a minute, to see that it works

Random weights of the shapes of Llama, T5 and BART (0.3 to 0.5 billion parameters) and of
BERT-large, made here; articles of some 400 words made of the quickstart's, 64 new tokens. Every
row takes the clock `--rounds` times, with tokenizing and detokenizing, after a few articles to
warm up; what torch.compile takes is in its first round. Rows that the minutes do not suffice for
are listed as not measured.

* loop: `generate` of transformers for one article after the other;
* data order: `generate` for batches of 64 in the order of the data, padded to the longest;
* ours: the model as a run uses it, with batches by length; then in bfloat16, in larger batches,
  with continuous batching, with a static cache and with torch.compile;
* memory: batches that the GPU's memory, but for 4 GiB taken away first, cannot hold. All summaries
  must come, and come as they do with all of the memory;
* checks: `nli` beside SummaC's batching and one pair at a time, `bertscore` one text at a time.
"""

import argparse
import gc
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch  # noqa: TID253  a script that needs it from the start
import transformers  # noqa: TID253
from transformers.utils.logging import disable_progress_bar  # noqa: TID253

from evalharness.checks.bertscore import BertScore
from evalharness.models.causal import Causal
from evalharness.models.options import Generating
from evalharness.models.seq2seq import Seq2Seq
from evalharness.neural.batches import forget
from evalharness.protocols import Pair
from evalharness.records import Article, Score, Summary

from . import generation, nli
from .generation import ARTICLES, TEMPLATE, Case

Texts = dict[int, str]


@dataclass(frozen=True)
class Size:
    """How large everything is."""

    width: int = 1024
    layers: int = 24
    articles: int = 192
    one_by_one: int = 4
    words: int = 400
    new_tokens: int = 64
    batch: int = 64
    larger: tuple[int, ...] = (96, 192)
    pairs: int = 24
    free_bytes: int = 4 * 2**30


SMALL = Size(64, 2, 6, 2, 60, 8, 4, (6,), 2)


@dataclass(frozen=True)
class Row:
    """One way of doing it.

    seconds: of an article or pair, by round. times: as quick as the way it is beside. differ: how
    many texts are not those of the way beside it; None where scores were compared instead.
    """

    of: str
    way: str
    n: int = 0
    seconds: tuple[float, ...] = ()
    times: float | None = None
    beside: str = ""
    differ: int | None = None
    note: str = ""

    def line(self) -> str:
        """Return the row as it is printed."""
        if not self.seconds:
            return f"{self.of:10} {self.way:34} not measured: {self.note}"
        each = statistics.median(self.seconds)
        spread = f"{min(self.seconds) * 1e3:.2f}-{max(self.seconds) * 1e3:.2f}"
        times = "" if self.times is None else f"{self.times:.2f}x {self.beside}"
        differ = "" if self.differ is None else f"{self.differ} of {self.n} differ"
        said = "; ".join(text for text in (differ, self.note) if text)
        return f"{self.of:10} {self.way:34} {each * 1e3:9.2f} ms ({spread})  {times:22} {said}"


@dataclass
class Bench:
    """What is measured, until the time is up."""

    device: str
    size: Size
    rounds: int
    until: float = 0.0
    rows: list[Row] = field(default_factory=list)
    automatic: dict[tuple[str, str], tuple[Row | None, Texts]] = field(default_factory=dict)

    def add(self, row: Row) -> Row:
        """Keep a row and print it."""
        self.rows.append(row)
        print(row.line(), flush=True)
        return row

    def clock(self) -> float:
        """Return the time, when the device has done its work."""
        if self.device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter()

    def timed(self, of: str, way: str, n: int, do: Callable[[], Any]) -> tuple[Row | None, Any]:
        """Return a row of its times and the last result; add a row without times where it fails."""
        result: Any = None
        taken: list[float] = []
        try:
            while len(taken) < self.rounds and time.monotonic() < self.until:
                begin = self.clock()
                result = do()
                taken.append((self.clock() - begin) / n)
        except Exception as error:  # the other rows are worth having without it
            said = (str(error).strip() or type(error).__name__).splitlines()[0]
            self.add(Row(of, way, note=said[:120]))
            return None, None
        if not taken:
            self.add(Row(of, way, note="the time was up"))
            return None, None
        return Row(of, way, n, tuple(taken)), result


def beside(row: Row, other: Row | None, name: str, **more: Any) -> Row:
    """Return a row with how many times as quick as another it is."""
    times = None
    if other is not None and other.seconds:
        times = statistics.median(other.seconds) / statistics.median(row.seconds)
    return Row(row.of, row.way, row.n, row.seconds, times, name if times else "", **more)


def unlike(texts: Texts, others: Texts) -> int:
    """Return how many texts are not the others'."""
    return sum(text != others[n] for n, text in texts.items())


def generating(bench: Bench, shape: str, texts: Sequence[str], folder: Path) -> None:
    """Measure the ways of writing summaries with a model of a shape."""
    size = bench.size
    layers = size.layers if shape == "llama" else max(1, size.layers // 2)
    path = generation.checkpoint(shape, size.width, texts, folder / shape, layers)
    made = generation.articles(texts, size.articles, size.words)
    in_full = plain_ways(bench, shape, path, made, "float32")
    plain_ways(bench, shape, path, made, "bfloat16")
    if in_full is None:
        return
    ways: dict[str, dict[str, Any]] = {
        f"batches of {n}": {"batch_size": n} for n in size.larger if n <= len(made)
    }
    ways["static cache"] = {"cache": "static"}
    if shape == "llama":
        ways |= {"continuous": {"batching": "continuous"}, "compiled": {"cache": "compiled"}}
    for way, options in ways.items():
        model_way(bench, shape, path, made, f"ours, bfloat16, {way}", **options)


def plain_ways(
    bench: Bench, shape: str, path: Path, made: Sequence[Article], dtype: str
) -> Row | None:
    """Measure the loops beside the model as it is; return the model's own row."""
    model = model_of(shape, path, bench, dtype)
    case = Case(shape, 1, model, bench.device)
    few = made[: bench.size.one_by_one]
    order, at_once = list(range(len(made))), bench.size.batch
    in_order = [order[at : at + at_once] for at in range(0, len(made), at_once)]
    if dtype == "float32":
        weights = model.engine.loaded.model.parameters()
        print(f"{shape}: {sum(p.numel() for p in weights) / 1e6:,.0f} million parameters")
    summaries(model, few)
    auto, texts = bench.timed(shape, f"ours, {dtype}", len(made), lambda: summaries(model, made))
    loop, alone = bench.timed(
        shape, f"loop, {dtype}", len(few),
        lambda: generation.bare(case, few, [[n] for n in range(len(few))]),
    )  # fmt: skip
    if loop is not None:
        bench.add(beside(loop, None, "", differ=unlike(alone, texts) if texts else None))
    plain, _ = bench.timed(
        shape, f"data order by {at_once}, {dtype}", len(made),
        lambda: generation.bare(case, made, in_order),
    )  # fmt: skip
    for row in (plain, auto):
        if row is not None:
            bench.add(beside(row, loop, "loop"))
    bench.automatic[shape, dtype] = (auto, texts)
    return auto


def model_way(
    bench: Bench, shape: str, path: Path, made: Sequence[Article], way: str, **options: Any
) -> None:
    """Measure the model with some options, beside the same in its automatic batches."""
    auto, texts = bench.automatic[shape, "bfloat16"]
    model = model_of(shape, path, bench, "bfloat16", **options)
    row, written = bench.timed(shape, way, len(made), lambda: summaries(model, made))
    if row is not None:
        differ = unlike(written, texts) if texts else None
        bench.add(beside(row, auto, "ours, bfloat16", differ=differ))
    _free()


def summaries(model: Generating, made: Sequence[Article]) -> Texts:
    """Return the model's texts by position."""
    return {n: summary.text for n, summary in enumerate(model.summarize(made))}


def model_of(shape: str, path: Path, bench: Bench, dtype: str, **options: Any) -> Generating:
    """Return the model as a run has it."""
    options = {
        "model": str(path), "device": bench.device, "dtype": dtype, "num_beams": 1,
        "max_new_tokens": bench.size.new_tokens, **options,
    }  # fmt: skip
    return Causal(template=TEMPLATE, **options) if shape == "llama" else Seq2Seq(**options)


def memory(bench: Bench, of: str, texts: Sequence[str], folder: Path) -> None:
    """Let batches meet the end of the memory; the summaries must be the same."""
    way = "llama, float32, one batch of all"
    if bench.device == "cpu":
        bench.add(Row(of, way, note="no GPU"))
        return
    size = bench.size
    made = generation.articles(texts, size.articles, size.words)
    path = generation.checkpoint("llama", size.width, texts, folder / of, size.layers)
    roomy = model_of("llama", path, bench, "float32", batch_size=8)
    row, expected = bench.timed(
        of, "llama, float32, batches of 8", len(made), lambda: summaries(roomy, made)
    )
    if row is not None:
        bench.add(row)
    tight = model_of("llama", path, bench, "float32", batch_size=size.articles)
    summaries(tight, made[:2])  # its weights have their room before the rest is taken away
    _free()
    available, _ = torch.cuda.mem_get_info()
    taken = torch.empty(max(0, available - size.free_bytes), dtype=torch.uint8, device="cuda")
    print(f"taken away: {taken.nbytes / 2**30:.1f} GiB of {available / 2**30:.1f}")
    row, written = bench.timed(of, way, len(made), lambda: tight.summarize(made))
    if row is not None:
        limit = tight.engine.pace.memory
        lost = sum(summary.finish == "error" for summary in written)
        note = f"{lost} lost; then at most {limit:,} cells a batch" if limit else "memory sufficed"
        said = {n: summary.text for n, summary in enumerate(written)}
        differ = unlike(said, expected) if expected else None
        bench.add(beside(row, None, "", differ=differ, note=note))


def checks(bench: Bench, of: str, texts: Sequence[str], folder: Path) -> None:
    """Measure neural checks beside other ways of batching."""
    size = bench.size
    path = nli.checkpoint(folder / of, texts, size.width, size.layers)
    made = generation.articles(texts, size.pairs, size.words)
    pairs: list[Pair] = [
        (a, Summary(a.id, " ".join(a.text.split()[size.words // 8 : size.words // 4])))
        for a in made
    ]
    options = {"device": bench.device, "dtype": "float32"}
    theirs, expected = bench.timed(
        "nli", "SummaC's batching, float32", len(pairs),
        lambda: nli.by_document(path, [pairs], bench.device),
    )  # fmt: skip
    if theirs is not None:
        bench.add(theirs)
    for way, more in OURS.items():
        row, scores = bench.timed(
            "nli", way, len(pairs), partial(nli.ours, path, [pairs], **(options | more))
        )
        if row is not None:
            farthest = max(abs(a - b) for a, b in zip(scores, expected or scores, strict=True))
            bench.add(beside(row, theirs, "SummaC's", note=f"farthest score {farthest:.0e}"))
    own: Row | None = None
    for way, more in OURS.items():
        check = BertScore(str(path), layers=size.layers, **(options | more))
        row, _ = bench.timed("bertscore", way, len(pairs), partial(anew, check, pairs))
        own = own or row
        if row is not None:
            bench.add(beside(row, own, "ours, float32"))


# The last is slow, and goes without where the time is up.
OURS: dict[str, dict[str, Any]] = {
    "ours, float32": {},
    "ours, bfloat16": {"dtype": "bfloat16"},
    "one at a time, float32": {"batch_tokens": 1},
}
PARTS = {"generation": generating, "checks": checks, "memory": memory}
# Of the minutes.
SHARES = {"generation": 0.6, "checks": 0.25, "memory": 0.15}


def anew(check: BertScore, pairs: Sequence[Pair]) -> list[Score]:
    """Score the pairs as if none had been scored before."""
    forget()
    return check.score(pairs)


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def machine(device: str) -> str:
    """Return what it runs on."""
    name = platform.processor() or platform.machine()
    if device != "cpu":
        total = torch.cuda.get_device_properties(0).total_memory
        name = f"{torch.cuda.get_device_name(0)}, {total / 2**30:.0f} GiB"
    return f"{name}; torch {torch.__version__}, transformers {transformers.__version__}"


def main(arguments: Sequence[str] | None = None) -> list[Row]:
    """Measure all of it and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="a tiny one, to see that it works")
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--parts", nargs="+", default=list(SHARES), choices=list(SHARES))
    parser.add_argument("--shapes", nargs="+", default=["llama", "t5", "bart"])
    parser.add_argument("--json", type=Path, help="write the rows here, too")
    asked = parser.parse_args(arguments)
    if asked.device != "cpu" and not torch.cuda.is_available():
        parser.error("no GPU is seen; --device cpu --small tries the script without one")
    disable_progress_bar()
    size = SMALL if asked.small else Size()
    bench = Bench(asked.device, size, asked.rounds)
    print(machine(asked.device))
    print(f"{size.articles} articles of {size.words} words, {size.new_tokens} new tokens, greedy")
    print("of         way                                 an article or pair (least-most)")
    texts = [json.loads(line)["article"] for line in ARTICLES.read_text().splitlines()]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in asked.parts:
            for shape in asked.shapes if name == "generation" else (name,):
                shares = SHARES[name] / (len(asked.shapes) if shape != name else 1)
                bench.until = time.monotonic() + 60 * asked.minutes * shares
                PARTS[name](bench, shape, texts, folder)
    if asked.json:
        told = {"machine": machine(asked.device), "rows": [asdict(row) for row in bench.rows]}
        asked.json.write_text(json.dumps(told, indent=1) + "\n")
    return bench.rows


if __name__ == "__main__":
    main()
