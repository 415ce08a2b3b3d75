"""How prompts become summaries: batches, `generate`, and what to do when one fails.

What `seq2seq` and `causal` share once they start to work; imported late, since torch is.
"""

import contextlib
import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar

import torch
from transformers import (
    ContinuousBatchingConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)

from evalharness.errors import HarnessError, ModelError
from evalharness.hf import weights
from evalharness.hf.prompts import decode_with_thoughts
from evalharness.models import sampling
from evalharness.models.long import error_line
from evalharness.models.pace import Pace, usual
from evalharness.models.prompt import NoPrompt as Failed
from evalharness.models.prompt import Prompt as Prompt
from evalharness.models.settings import DecodingSettings, end_tokens
from evalharness.records import Finish

_NO_MEMORY = "out of memory at batch size 1"

Row = TypeVar("Row")
Result = TypeVar("Result")


@dataclass(frozen=True)
class GeneratedText:
    """New tokens without start, padding and end mark; their text; and why they end.

    stop: the string that ended the text, if one did.
    """

    ids: list[int]
    text: str
    finish: Finish
    stop: str = ""


class StopStrings(StoppingCriteria):
    """Ends a row once its new text holds one of some strings."""

    def __init__(self, tokenizer: Any, strings: Sequence[str], start: int) -> None:
        """Take the strings, and the length of the sequences before the first new token."""
        self.tokenizer = tokenizer
        self.strings = strings
        self.start = start
        # A token stands for a byte at least; the rest makes up for those that stand for nothing.
        self.tail = max(len(s.encode()) for s in strings) + 8

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        """Return which rows are done, shape (rows,)."""
        tails = input_ids[:, max(self.start, input_ids.shape[1] - self.tail) :].tolist()
        texts = [self.tokenizer.decode(tail, skip_special_tokens=True) for tail in tails]
        done = [any(string in text for string in self.strings) for text in texts]
        return torch.tensor(done, dtype=torch.bool, device=input_ids.device)


# A chat template may open the thought at the end of the prompt, with a line end or so after it.
TAIL = 8


class ThoughtBudget(LogitsProcessor):
    """Ends what a row thinks, once its thoughts have so many tokens, with the mark that ends it."""

    def __init__(self, marks: Mapping[int, int], budget: int, start: int) -> None:
        """Take the tokens that begin a thought, each with the one that ends it.

        start: the length of the sequences before the first new token.
        """
        self.marks = marks
        self.budget = budget
        self.start = start

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return scores in which rows that have thought enough have one token left."""
        before = min(TAIL, self.start)
        ids = input_ids[:, self.start - before :]
        begins = torch.isin(ids, torch.tensor([*self.marks], device=ids.device))
        ends = torch.isin(ids, torch.tensor([*self.marks.values()], device=ids.device))
        at = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        begun = torch.where(begins, at, -1).cummax(dim=1).values
        thinks = begun > torch.where(ends, at, -1).cummax(dim=1).values
        n = (thinks & ~begins)[:, before:].sum(dim=1)
        scores = scores.clone()
        for row in (thinks[:, -1] & (n >= self.budget)).nonzero().flatten().tolist():
            end = self.marks[int(ids[row, begun[row, -1]])]
            scores[row] = -torch.inf
            scores[row, end] = 0
        return scores


@dataclass(frozen=True)
class Engine:
    """Writes summaries for prompts, in batches that fit.

    stop: strings that end a text, beside the checkpoint's own. thoughts: marks of thoughts, which
    stay in the text also where they are special tokens. budget: the most tokens of thoughts, with
    the tokens that begin and end them.
    """

    loaded: weights.Loaded
    settings: DecodingSettings
    batch_size: int | Literal["auto"] = "auto"
    stop: tuple[str, ...] = ()
    thoughts: Mapping[str, str] = field(default_factory=dict)
    alone: bool = False
    continuous: bool = False
    budget: tuple[int, Mapping[int, int]] | None = None
    extra_inputs: Callable[[torch.Tensor], Mapping[str, torch.Tensor]] = field(
        default=lambda ids: {}, repr=False
    )
    before: Callable[[], None] = field(default=lambda: None, repr=False)

    def write(self, prompts: Sequence[Prompt]) -> list[GeneratedText | Failed]:
        """Return what became of each prompt, in order. Raises: ModelError if all fail alike."""
        results: dict[int, GeneratedText | Failed] = {}
        for batch in self._written(prompts):
            results |= batch
        _check_not_all_failed(results)
        return [results[i] for i in range(len(prompts))]

    def write_some(self, prompts: Sequence[Prompt]) -> list[GeneratedText | Failed | None]:
        """Return what became of the prompts of the next batch, None for the others.

        The next batch of the others is what it would have been without a stop. Where a batch
        fails as a whole, the next is written, too. Raises: ModelError if all fail alike, unless
        something was written before.
        """
        results: dict[int, GeneratedText | Failed] = {}
        for batch in self._written(prompts):
            results |= batch
            if any(isinstance(result, GeneratedText) for result in batch.values()):
                self.pace.has_written = True
                break
        if not self.pace.has_written:
            _check_not_all_failed(results)
        return [results.get(i) for i in range(len(prompts))]

    def _written(self, prompts: Sequence[Prompt]) -> Iterator[dict[int, GeneratedText | Failed]]:
        """Yield what became of the prompts of one batch after the other, by position."""
        with weights.quiet():
            refused = self._unknown_tokens(prompts)
        yield refused
        for rows in self._batches(prompts, [i for i in range(len(prompts)) if i not in refused]):
            with weights.quiet():
                written = careful(
                    lambda some: self._generate(prompts, some),
                    rows,
                    lambda some: self._remember([prompts[i] for i in some]),
                )
            yield dict(zip(rows, written, strict=True))

    def _unknown_tokens(self, prompts: Sequence[Prompt]) -> dict[int, GeneratedText | Failed]:
        """Return what would end a GPU's whole process, and not just one article."""
        n = self.loaded.model.get_input_embeddings().weight.shape[0]
        highest = {i: max(prompt.ids, default=0) for i, prompt in enumerate(prompts)}
        return {
            i: Failed(f"token {token} is beyond the model's vocabulary of {n}")
            for i, token in highest.items()
            if token >= n
        }

    def plan(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """Return positions of prompts in batches, the longest prompts first."""
        return list(self._batches(prompts, range(len(prompts))))

    def _batches(self, prompts: Sequence[Prompt], rows: Sequence[int]) -> Iterator[list[int]]:
        """Yield batches; one that did not fit into memory makes those that follow smaller."""
        order = sorted(rows, key=lambda i: (-len(prompts[i].ids), i))
        while order:
            n = len(order) if self.continuous else self._size([len(prompts[i].ids) for i in order])
            yield order[:n]
            order = order[n:]

    def _size(self, lengths: Sequence[int]) -> int:
        """Return how many prompts go together, by their lengths in falling order."""
        if self.alone or self.settings.samples_beams:
            return 1
        return self.pace.prompts_that_fit(lengths, self.settings.beams, self.settings.cap)

    @cached_property
    def pace(self) -> Pace:
        """How large batches may be: as the device has it, later less where memory ended."""
        if self.batch_size != "auto":
            return Pace(self.batch_size)
        return usual(self.loaded.device.type, self.settings.beams)

    def _remember(self, prompts: Sequence[Prompt]) -> None:
        """Keep to half of what a batch needed that did not fit."""
        longest = max(len(prompt.ids) for prompt in prompts)
        rows = len(prompts) * self.settings.beams
        self.pace.keep_within(rows * (longest + self.settings.cap) // 2)

    @property
    def place(self) -> str:
        """Return the name of the device, as pace and rounding depend on it."""
        device = self.loaded.device
        return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type

    def generation_record(self) -> dict[str, Any]:
        """Return on what, in which numbers and in what batches summaries are written."""
        model = self.loaded.model
        quantization = self.loaded.quantization
        return {
            "device": self.place,
            "dtype": str(model.dtype).removeprefix("torch."),
            **({"quantization": quantization} if quantization else {}),
            "attention": model.config._attn_implementation,
            "batch": "continuous" if self.continuous else self.pace.limits(),
        }

    def _generate(self, prompts: Sequence[Prompt], rows: Sequence[int]) -> list[GeneratedText]:
        """Run the model on some prompts at once."""
        chosen = [prompts[i] for i in rows]
        if self.continuous:
            ids = [prompt.ids for prompt in chosen]
            return [
                self._read_tokens(row)
                for row in generate_continuously(self.loaded, self.settings, ids)
            ]
        self.loaded.activate()
        model, tokenizer = self.loaded.model, self.loaded.tokenizer
        inputs = self._pad_prompts(chosen)
        start = 1 if self._encodes else inputs["input_ids"].shape[1]
        processors = self._processors(chosen, start)
        criteria = StoppingCriteriaList()
        if self._stop:
            criteria.append(StopStrings(tokenizer, self._stop, start))
        self.before()
        with torch.inference_mode(), self._with_our_settings(chosen[0].key):
            sequences = model.generate(
                **inputs, logits_processor=processors, stopping_criteria=criteria
            )
        return [self._read_tokens(row[start:]) for row in sequences.tolist()]

    def _processors(self, prompts: Sequence[Prompt], start: int) -> LogitsProcessorList:
        """Return what chooses tokens beside the checkpoint's settings; a draw comes last."""
        chosen = LogitsProcessorList()
        if self.budget is not None:
            budget, marks = self.budget
            chosen.append(ThoughtBudget(marks, budget, start))
        if self.settings.draw is not None:
            keys = [prompt.key for prompt in prompts]
            chosen += sampling.sampling_processors(self.settings.draw, keys, start)
        return chosen

    @cached_property
    def _stop(self) -> tuple[str, ...]:
        return (*self.stop, *self.settings.stop)

    @cached_property
    def _encodes(self) -> bool:
        return bool(self.loaded.model.config.is_encoder_decoder)

    def _pad_prompts(self, prompts: Sequence[Prompt]) -> dict[str, torch.Tensor]:
        """Return ids and mask: encoders padded right, decoders left, as each was trained."""
        longest = max(len(p.ids) for p in prompts)
        pad = self.settings.config.pad_token_id or 0
        ids, mask = [], []
        for prompt in prompts:
            n = longest - len(prompt.ids)
            ids.append(prompt.ids + [pad] * n if self._encodes else [pad] * n + prompt.ids)
            ones = [1] * len(prompt.ids)
            mask.append(ones + [0] * n if self._encodes else [0] * n + ones)
        tensors = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
        tensors |= self.extra_inputs(tensors["input_ids"])
        return {name: tensor.to(self.loaded.device) for name, tensor in tensors.items()}

    @contextlib.contextmanager
    def _with_our_settings(self, key: bytes) -> Iterator[None]:
        """Give the model our settings, and drawn beams their seed; both as they were afterwards."""
        model = self.loaded.model
        own = model.generation_config
        model.generation_config = self.settings.config
        try:
            device = self.loaded.device
            gpus = [device] if device.type == "cuda" else []
            with torch.random.fork_rng(gpus, enabled=self.settings.samples_beams):
                if self.settings.samples_beams:
                    torch.manual_seed(int.from_bytes(key[:8], "big") >> 1)
                yield
        finally:
            model.generation_config = own

    def _read_tokens(self, ids: list[int]) -> GeneratedText:
        """Return the new tokens of a row up to its end, and why it ends there."""
        config = self.settings.config
        end = next((i for i, token in enumerate(ids) if token in end_tokens(config)), None)
        # At the cap some checkpoints (BART) force an end mark: that is the cap's doing.
        forced = config.forced_eos_token_id is not None and end == self.settings.cap - 1
        finish: Finish = "length" if end is None or forced else "stop"
        new = ids[:end]
        while self._stop and end is None and new and new[-1] == config.pad_token_id:
            new.pop()  # a stop string ended the row before the batch did
        text = decode_with_thoughts(self.loaded.tokenizer, new, self.thoughts)
        ends = [(at, string) for string in self._stop if (at := text.find(string)) >= 0]
        if not ends:
            return GeneratedText(new, text, finish)
        at, string = min(ends)
        return GeneratedText(new, text[:at], "stop", string)


def _check_not_all_failed(results: Mapping[int, GeneratedText | Failed]) -> None:
    """Raise ModelError where several prompts failed, and all for the same reason."""
    reasons = {r.reason if isinstance(r, Failed) else "" for r in results.values()}
    if len(results) > 1 and len(reasons) == 1:
        (reason,) = reasons
        if reason and not reason.startswith(_NO_MEMORY):  # shorter articles may still fit
            raise ModelError(f"every article failed: {reason}")


def careful(
    run: Callable[[Sequence[Row]], list[Result]],
    rows: Sequence[Row],
    too_large: Callable[[Sequence[Row]], object] = lambda rows: None,
) -> list[Result | Failed]:
    """Run a batch; where it fails, by halves for want of memory, or else one by one.

    A row that fails alone becomes Failed with the reason. A HarnessError is no single article's
    fault and goes up. too_large: is told of several rows for which memory did not suffice.
    """
    try:
        return list(run(rows))
    except HarnessError:
        raise
    except Exception as error:  # whatever one article provokes must not end the run
        memory, reason = weights.out_of_memory(error), error_line(error)
    # Outside of `except`, whose traceback would keep the failed batch's tensors alive.
    _free()
    if len(rows) == 1:
        return [Failed(f"{_NO_MEMORY}: {reason}" if memory else reason)]
    if memory:
        too_large(rows)
        half = (len(rows) + 1) // 2
        return careful(run, rows[:half], too_large) + careful(run, rows[half:], too_large)
    return [result for row in rows for result in careful(run, [row], too_large)]


def _free() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


# Continuous batching, in which a row that ends makes room for the next prompt at once: that is
# `generate_batch` of transformers 5, with its paged cache; greedy only.

_LOG = "ContinuousBatchingLogger"
# On a CPU nobody tells how much memory the cache may take: pages for so many prompts at once.
_PAGE = 64
_AT_ONCE = 32


def check_continuous(
    loaded: weights.Loaded, settings: DecodingSettings, stop: Sequence[str]
) -> None:
    """Raise ModelError where `generate_batch` would decode otherwise than `generate`."""
    what = ""
    if settings.beams > 1:
        what = f"num_beams: {settings.beams}"
    elif settings.draw is not None or settings.samples_beams:
        what = "do_sample: true, whose draws must not depend on the batch"
    elif stop or settings.stop:
        what = "stop" if stop else "the stop strings of the checkpoint's own generation config"
    elif settings.config.cache_implementation is not None:
        what = "cache"
    else:
        processors = loaded.model._get_logits_processor(settings.config, input_ids_seq_length=1)
        what = ", ".join(type(processor).__name__ for processor in processors)
    if what:
        raise ModelError(f"batching: continuous is for plain greedy decoding, without {what}")


def generate_continuously(
    loaded: weights.Loaded, settings: DecodingSettings, prompts: Sequence[list[int]]
) -> list[list[int]]:
    """Return the new tokens of each prompt, in order. Raises: RuntimeError where some are lost."""
    longest = max(map(len, prompts)) + settings.cap
    options: dict[str, Any] = {}
    if loaded.device.type == "cpu":
        pages = -(-longest // _PAGE) * min(len(prompts), _AT_ONCE) + 1
        options = {"page_size": _PAGE, "num_blocks": pages, "max_batch_tokens": max(512, longest)}
    loaded.activate()
    with _silent():
        found = loaded.model.generate_batch(
            list(prompts),
            generation_config=settings.config,
            continuous_batching_config=ContinuousBatchingConfig(**options),
        )
    errors = [output.error for output in found.values() if output.error]
    if errors or len(found) != len(prompts):
        raise RuntimeError(errors[0] if errors else "generate_batch lost some prompts")
    return [list(output.generated_tokens) for output in found.values()]


@contextlib.contextmanager
def _silent() -> Any:
    """Keep what it logs and prints from the output; what goes wrong is in what it returns."""
    log = logging.getLogger(_LOG)
    was, log.disabled = log.disabled, True
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        log.disabled = was
