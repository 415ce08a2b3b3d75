"""Decoder-only summarizers: instruction-tuned chat models, and plain language models."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from evalharness.errors import ModelError
from evalharness.hf import weights
from evalharness.hf.prompts import (
    PromptTokenizer,
    at_date,
    check_template,
    fill_template,
    longest_fit,
    parts,
    places_to_cut,
    render_chat,
    thought_marks,
    why_nothing_fits,
    window,
    without_thought,
)
from evalharness.models.options import CheckpointReader, Generating
from evalharness.models.prompt import NoPrompt, Prompt
from evalharness.protocols import Need
from evalharness.records import Article

if TYPE_CHECKING:
    from evalharness.models.engine import GeneratedText

INSTRUCTION = (
    "{article}\n\nSummarize the article above in at most three sentences. Say only what the "
    "article says, and write nothing but the summary."
)


@dataclass(frozen=True)
class Causal(Generating):
    """Prompt a decoder-only checkpoint; the article is shortened to fit, the instruction never.

    system: system message; empty for none.
    user: user message, with `{article}` and, if wanted, `{title}` in it; braces are doubled.
    template: the whole prompt, likewise, for a checkpoint without a chat template.
    chat: use the chat template; None does if the tokenizer has one and `template` is not given.
    template_options: passed on to the chat template (`enable_thinking: false`).
    today: the date that a chat template is told when it asks for today's, so that runs repeat.
    max_input_tokens: the most tokens of the whole prompt.
    stop: strings that end a summary; they are cut off, as are those of the checkpoint's own.
    thinking: remove or keep what the model thinks before it answers: between <think> and </think>,
        [THINK] and [/THINK] and their like, or before the channel `final`.
    thinking_budget: the most tokens of such thoughts; then the mark that ends them is written for
        the model, and it goes on. `max_new_tokens` counts them, too.
    batching: continuous: `generate_batch` of transformers, in which a row that ends makes room for
        the next prompt at once. Greedy only; for GPUs.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article", "title"})
    version: ClassVar[int] = 2

    system: str = ""
    user: str = INSTRUCTION
    template: str | None = None
    chat: bool | None = None
    template_options: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    today: str = "2024-07-26"
    max_input_tokens: int | None = None
    stop: tuple[str, ...] = ()
    thinking: Literal["keep", "remove"] = "remove"
    thinking_budget: int | None = None
    batching: Literal["continuous"] | None = None

    def __post_init__(self) -> None:
        """Check the options alone and against each other. Raises: ValueError."""
        super().__post_init__()
        check_template("user", self.user, ["article"], ["title"])
        if self.template is not None:
            check_template("template", self.template, ["article"], ["title"])
            if self.chat:
                raise ValueError("template: is for prompts without a chat template; chat is true")
        if self.batching == "continuous":
            if self.stop or self.do_sample or (self.num_beams or 1) > 1 or self.cache:
                raise ValueError(
                    "batching: continuous is for plain greedy decoding, without num_beams, "
                    "do_sample, stop and cache"
                )
            if self.thinking_budget is not None:
                raise ValueError("thinking_budget: not with batching: continuous")
            if self.batch_size != "auto":
                raise ValueError("batch_size: with batching: continuous there are no batches")
        if (self.thinking_budget or 0) < 0:
            raise ValueError(f"thinking_budget: {self.thinking_budget} is below 0")
        if "" in self.stop:
            raise ValueError("stop: an empty string would end every summary before it begins")
        try:
            datetime.date.fromisoformat(self.today)
        except ValueError:
            raise ValueError(f"today: {self.today!r} is no date (2024-07-26)") from None

    def instructions(self) -> tuple[str, ...]:
        """Return the fixed texts of the prompt."""
        prompt = self.user if self.template is None else self.template
        merge = self.long.merge if self.long and self.long.merges else ""
        texts = [self.system, *(fixed for said in (prompt, merge) for fixed, _ in parts(said))]
        return tuple(text.strip() for text in texts if text.strip())

    @cached_property
    def reader(self) -> "_Reader":
        """The checkpoint at work, loaded when it is first asked."""
        return _Reader(self, self.load("AutoModelForCausalLM"))


class _Reader(CheckpointReader):
    """A checkpoint at work; settles once what is the same for all articles."""

    def __init__(self, options: Causal, loaded: weights.Loaded) -> None:
        from evalharness.models import engine, settings

        self.options = options
        self.tokenizer = loaded.tokenizer
        self.chat = self._chooses_chat()
        self.prompts = PromptTokenizer(self.tokenizer, begins=not self.chat)
        self.thoughts = thought_marks(self.tokenizer) if options.thinking == "remove" else {}
        if self.chat:
            today = datetime.date.fromisoformat(options.today)
            self.chat_template = at_date(self.tokenizer.get_chat_template(), today)
        decoding = settings.resolve(
            loaded.model, self.tokenizer, {}, options.decoding_options(), options.cache
        )
        # The only side of a decoder is what it reads and writes together.
        context = window(loaded.model, self.tokenizer, None)
        self.limit = _room(context, decoding.cap, options.max_input_tokens)
        if options.batching == "continuous":
            engine.check_continuous(loaded, decoding, options.stop)
        self.engine = engine.Engine(
            loaded,
            decoding,
            options.batch_size,
            stop=options.stop,
            thoughts=self.thoughts,
            # Padding comes first here, and would count as tokens that were written before.
            alone=decoding.config.no_repeat_ngram_size == 1,
            continuous=options.batching == "continuous",
            budget=self._thinks_up_to(decoding.cap),
        )

    def _thinks_up_to(self, cap: int) -> tuple[int, Mapping[int, int]] | None:
        """Return the most tokens of thoughts and the tokens that bound them, if they are bounded.

        Raises: ModelError where the tokenizer has no such tokens, or nothing is left to answer.
        """
        budget = self.options.thinking_budget
        if budget is None:
            return None
        if budget + 2 > cap:
            raise ModelError(
                f"thinking_budget: {budget}, which leaves nothing of max_new_tokens: {cap} for the "
                "summary; raise max_new_tokens"
            )
        known = self.tokenizer.get_vocab()
        marks = thought_marks(self.tokenizer).items()
        tokens = {known[a]: known[z] for a, z in marks if a in known and z in known}
        if not tokens:
            raise ModelError(
                f"thinking_budget: the tokenizer of {self.options.model} has no token that ends a "
                "thought, as </think> does; leave it out"
            )
        return budget, tokens

    def _chooses_chat(self) -> bool:
        has_template = bool(self.tokenizer.chat_template)
        if self.options.chat and not has_template:
            raise ModelError(f"chat: the tokenizer of {self.options.model} has no chat template")
        if self.options.chat is None:
            return has_template and self.options.template is None
        return self.options.chat

    def prompt(self, article: Article) -> Prompt | NoPrompt:
        """Return the prompt with as much of the article, from its start, as fits."""
        source = self.options.user if self.chat else self.options.template or self.options.user
        return self._longest(source, "article", article)

    def merge_prompt(self, summaries: Article) -> Prompt | NoPrompt:
        """Return the prompt that merges summaries, which stand where the article's text does."""
        merge = self.options.long.merge if self.options.long else ""
        return self._longest(merge, "summaries", summaries)

    def _longest(self, source: str, place: str, article: Article) -> Prompt | NoPrompt:
        """Return a prompt with as much of a text, from its start, as fits into its place."""
        from evalharness.models.sampling import article_seed

        title = str(article.extra.get("title") or "")
        if not title and any(name == "title" for _, name in parts(source)):
            return NoPrompt("the article has no title, and the prompt asks for one")
        key = article_seed(self.options.seed, article.text)

        def ids(text: str) -> list[int]:
            return self._ids(source, {place: text, "title": title})

        whole = ids(article.text)
        if self.limit is None or len(whole) <= self.limit:
            return Prompt(whole, len(article.text), key)
        ends = places_to_cut(self.tokenizer, article.text)
        read, tokens = longest_fit(ids, article.text, ends, self.limit, whole)
        if not read:
            return NoPrompt(why_nothing_fits(ids, self.limit, "instruction"))
        return Prompt(tokens, read, key)

    def _ids(self, source: str, values: Mapping[str, str]) -> list[int]:
        """Return the tokens of a whole prompt; a chat template brings its own begin mark."""
        return self.prompts.ids(lambda said: self._text(source, said), values)

    def _text(self, source: str, values: Mapping[str, str]) -> str:
        text, options = fill_template(source, values), self.options
        if self.chat:
            return render_chat(
                self.tokenizer,
                self.chat_template,
                text,
                options.system,
                options.template_options,
                options.model,
            )
        start = options.system if options.template is None else ""
        return f"{start}\n\n{text}" if start else text

    def clean_text(self, written: "GeneratedText", prompt: Prompt) -> str:
        """Return what was written as people are to read it."""
        if self.options.thinking == "keep":
            return written.text.strip()
        # Some templates open the thought themselves, at the end of the prompt.
        tail = self.tokenizer.decode(prompt.ids[-8:]) if self.chat else ""
        opened = tail.rstrip().endswith(tuple(self.thoughts))
        return without_thought(written.text, self.thoughts, opened=opened).strip()


def _room(context: int | None, cap: int, wanted: int | None) -> int | None:
    """Return the most tokens a prompt may have, beside what is to be written."""
    if context is not None and cap >= context:
        raise ModelError(f"max_new_tokens: {cap}, but the model has {context} positions in all")
    known = [n for n in (None if context is None else context - cap, wanted) if n is not None]
    return min(known) if known else None
