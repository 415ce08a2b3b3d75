"""The options that every model of our own shares: how it decodes, and where it runs."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from evalharness.hf import gguf, quantized, weights
from evalharness.models.long import Long, Tasks, summarize_all, summarize_some
from evalharness.models.prompt import CUT_IN_THOUGHT, NoPrompt, Prompt, Said
from evalharness.protocols import Checkpoint
from evalharness.records import Article, Begun, PartAnswers, Summary

if TYPE_CHECKING:
    from evalharness.models.engine import Engine, GeneratedText

# Options that are handed to generation as they are; None leaves the checkpoint's own value.
DECODING = (
    "max_new_tokens",
    "min_new_tokens",
    "num_beams",
    "length_penalty",
    "early_stopping",
    "no_repeat_ngram_size",
    "repetition_penalty",
    "do_sample",
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
)
Cache = Literal["static", "compiled"]
_SAMPLING = ("temperature", "top_k", "top_p", "min_p", "typical_p")
_BEAMS = ("length_penalty", "early_stopping")

# Articles that are stored together, and run again together after a crash. How many of them go
# through the model at once is settled when they do: that depends on the machine, this must not.
_TOGETHER = 64
# Of articles that are read in parts, so many characters are enough.
_CHARACTERS_TOGETHER = 400_000


@dataclass(frozen=True)
class Generating:
    """What `seq2seq` and `causal` have in common. None means the checkpoint's own value.

    model: a local folder, a GGUF file (extra `gguf`), or a name on the hub.
    revision: branch, tag or commit on the hub.
    adapter: weights of PEFT for the model (extra `peft`): a local folder, or a name on the hub.
    max_new_tokens: the most tokens a summary may have; 128 where the checkpoint states nothing.
    min_new_tokens: the least.
    num_beams: beams of beam search; 1 is greedy search, or plain sampling.
    length_penalty: exponent on a beam's length; above 0 favours long summaries.
    early_stopping: end when there are as many finished beams as `num_beams`.
    no_repeat_ngram_size: n-grams of this size occur once; 0 switches it off.
    repetition_penalty: 1 means no penalty.
    do_sample: draw tokens instead of taking the likeliest.
    temperature: divides the logits before drawing.
    top_k: draw among this many likeliest tokens; 0 means all.
    top_p: draw among the fewest tokens that hold this much probability.
    min_p: draw among tokens at least this likely, relative to the likeliest.
    typical_p: locally typical sampling, Meister et al. 2022.
    long: what to do with an article that does not fit; None cuts off its end, as the head does.
    seed: of the draws; each article draws from its own stream, whatever batch it is in.
    dtype: numbers to compute in; auto is what the checkpoint was saved in.
    quantization: bnb-4bit, bnb-8bit (packages bitsandbytes, accelerate) or fp8 (GPU) quantize the
        weights as they load; a checkpoint that is stored as one of these, gptq or awq may say so.
    attention: sdpa, eager or flash_attention_2; None leaves it to transformers.
    cache: static keeps keys and values in tensors of fixed size; compiled runs torch.compile, too,
        which takes its time for each new length, and is for GPUs. None: they grow.
    remote_code: run Python code that comes with the checkpoint.
    device: auto, cpu, cuda, cuda:N or mps.
    device_map: spread one model over the GPUs that are seen: auto, balanced, balanced_low_0 or
        sequential, as accelerate has them; needs the extra `accelerate`.
    batch_size: articles a batch; auto: by device, beams and length.
    """

    model: Checkpoint
    revision: str | None = None
    _: KW_ONLY
    adapter: Checkpoint | None = None
    max_new_tokens: int | None = None
    min_new_tokens: int | None = None
    num_beams: int | None = None
    length_penalty: float | None = None
    early_stopping: bool | Literal["never"] | None = None
    no_repeat_ngram_size: int | None = None
    repetition_penalty: float | None = None
    do_sample: bool | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    long: Long | None = None
    seed: int = 0
    dtype: weights.Dtype = "auto"
    quantization: quantized.Quantization | None = None
    attention: weights.Attention | None = None
    cache: Cache | None = None
    remote_code: bool = False
    device: str = field(default="auto", compare=False)
    device_map: str | None = field(default=None, compare=False)
    batch_size: int | Literal["auto"] = field(default="auto", compare=False)

    def __post_init__(self) -> None:
        """Check the options alone and against each other. Raises: ValueError."""
        weights.check_device(self.device)
        weights.check_device_map(self.device_map, self.device)
        if self.quantization and gguf.is_gguf(self.model):
            raise ValueError("quantization: a GGUF has its own, and is computed with as float32")
        if self.long and self.long.strategy == "head":  # what is done without: the same results
            object.__setattr__(self, "long", None)
        self._check_ranges()
        if self.do_sample is not True:
            self._refuse(_SAMPLING, "is for sampling: add do_sample: true")
        if self.num_beams == 1:
            self._refuse(_BEAMS, "is for beam search: num_beams must be above 1")
        if (self.min_new_tokens or 0) > (self.max_new_tokens or float("inf")):
            raise ValueError(
                f"min_new_tokens: {self.min_new_tokens} is above max_new_tokens: "
                f"{self.max_new_tokens}"
            )

    def _check_ranges(self) -> None:
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if isinstance(value, int | float) and not least <= value <= most:
                limits = f"at least {least}" if most == float("inf") else f"{least} to {most}"
                raise ValueError(f"{name}: {value} is out of range ({limits})")
        for name in ("temperature", "repetition_penalty", "top_p", "typical_p"):
            if getattr(self, name) == 0:
                greedy = "; greedy decoding is without it" if name == "temperature" else ""
                raise ValueError(f"{name}: must be above 0{greedy}")

    def _refuse(self, names: tuple[str, ...], why: str) -> None:
        for name in names:
            if getattr(self, name) is not None:
                raise ValueError(f"{name}: {why}")

    def identity(self) -> Mapping[str, str]:
        """Return the commit on the hub, or the hash of the folder; of an adapter, too."""
        named = weights.checkpoint_identity(self.model, self.revision)
        if self.adapter is None:
            return named
        adapter = weights.checkpoint_identity(self.adapter)
        return named | {f"adapter_{name}": value for name, value in adapter.items()}

    def batches(self, articles: Sequence[Article]) -> list[list[int]]:
        """Return positions of articles of like length together, the longest first."""
        n = _TOGETHER if self.batch_size == "auto" else self.batch_size
        most = _CHARACTERS_TOGETHER if self.long and self.long.merges else None
        order = sorted(range(len(articles)), key=lambda i: (-len(articles[i].text), i))
        batches: list[list[int]] = []
        left = 0
        for at in order:
            length = len(articles[at].text)
            if not batches or len(batches[-1]) == n or (most is not None and length > left):
                batches.append([])
                left = most or 0
            batches[-1].append(at)
            left -= length
        return batches

    @cached_property
    def reader(self) -> "CheckpointReader":
        """The checkpoint at work, loaded when it is first asked."""
        raise NotImplementedError

    @property
    def engine(self) -> "Engine":
        """The model at work, which writes summaries for prompts."""
        return self.reader.engine

    def prompt(self, article: Article) -> Prompt | NoPrompt:
        """Return the prompt of an article, cut to fit."""
        return self.reader.prompt(article)

    def summarize(self, articles: Sequence[Article]) -> list[Summary]:
        """Return a summary for each article, in order.

        Raises: ModelError where the checkpoint cannot be used as asked.
        """
        with weights.quiet():
            return summarize_all(articles, self.reader, self.long)

    def summarize_some(self, begun: Sequence[Begun]) -> list[Summary | PartAnswers]:
        """Return the summaries that the next batch completes, and else what it answers.

        Raises: ModelError where the checkpoint cannot be used as asked.
        """
        with weights.quiet():
            return summarize_some(begun, self.reader, self.long, self.reader.begun)

    def keep_within(self, limits: Mapping[str, int]) -> None:
        """Keep to what memory was too small for on this device; load nothing where it never was."""
        if limits and (cells := limits.get(self.engine.place)) is not None:
            self.engine.pace.keep_within(cells)

    def device_and_limit(self) -> tuple[str, int | None]:
        """Return the device, and the most cells of a batch there; None while all have fitted."""
        return self.engine.place, self.engine.pace.memory

    def generation_record(self) -> Mapping[str, Any]:
        """Return on what, in which numbers and in what batches summaries are written."""
        return self.engine.generation_record()

    def decoding_options(self) -> dict[str, Any]:
        """Return the decoding options that were set."""
        values = {name: getattr(self, name) for name in DECODING}
        return {name: value for name, value in values.items() if value is not None}

    def load(self, auto_class: str) -> weights.Loaded:
        """Return the model and tokenizer. Raises: ModelError."""
        request = weights.Request(
            auto_class,
            self.model,
            self.revision,
            dtype=self.dtype,
            attention=self.attention,
            device=self.device,
            device_map=self.device_map,
            remote_code=self.remote_code,
            quantization=self.quantization,
            adapter=self.adapter,
        )
        return weights.load_checkpoint(request)


_UNBOUNDED = float("inf")
_RANGES: dict[str, tuple[float, float]] = {
    "max_new_tokens": (1, _UNBOUNDED),
    "min_new_tokens": (0, _UNBOUNDED),
    "num_beams": (1, _UNBOUNDED),
    "no_repeat_ngram_size": (0, _UNBOUNDED),
    "repetition_penalty": (0, _UNBOUNDED),
    "temperature": (0, _UNBOUNDED),
    "top_k": (0, _UNBOUNDED),
    "top_p": (0, 1),
    "min_p": (0, 1),
    "typical_p": (0, 1),
    "batch_size": (1, _UNBOUNDED),
    "seed": (0, _UNBOUNDED),
}


class CheckpointReader:
    """A checkpoint at work; settles once what is the same for all articles."""

    engine: "Engine"

    @cached_property
    def begun(self) -> Tasks:
        """Articles whose prompts are made, and wait for their batch."""
        return {}

    def prompt(self, article: Article) -> Prompt | NoPrompt:
        """Return the prompt with as much of the article, from its start, as fits."""
        raise NotImplementedError

    def merge_prompt(self, summaries: Article) -> Prompt | NoPrompt:
        """Return the prompt that merges summaries, which stand where the article's text does."""
        return self.prompt(summaries)

    def clean_text(self, written: "GeneratedText", prompt: Prompt) -> str:
        """Return what was written as people are to read it."""
        raise NotImplementedError

    def write(self, prompts: Sequence[Prompt]) -> list[Said | NoPrompt]:
        """Return what became of each prompt, in order. Raises: ModelError if all fail alike."""
        results = self.engine.write(prompts)
        return [self._said(p, result) for p, result in zip(prompts, results, strict=True)]

    def write_some(self, prompts: Sequence[Prompt]) -> list[Said | NoPrompt | None]:
        """Return what became of the prompts of the next batch, None for the others.

        Raises: ModelError if all fail alike, and none ever did not.
        """
        results = self.engine.write_some(prompts)
        return [
            None if result is None else self._said(prompt, result)
            for prompt, result in zip(prompts, results, strict=True)
        ]

    def _said(self, prompt: Prompt, result: "GeneratedText | NoPrompt") -> Said | NoPrompt:
        if isinstance(result, NoPrompt):
            return result
        text = self.clean_text(result, prompt)
        note = f"the stop string {result.stop!r} came first" if result.stop else ""
        if result.finish == "length" and not text and result.text.strip():
            note = CUT_IN_THOUGHT
        return Said(text, result.finish, len(result.ids), len(prompt.ids), note)
