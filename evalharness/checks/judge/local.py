"""A judge that is a checkpoint: prompts in, first tokens or greedy answers out.

Imported when the work starts, since torch is.
"""

import contextlib
import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from evalharness.checks.judge.protocols import JudgeQuestion, KeepReply, QuestionForm, Reply
from evalharness.errors import ModelError
from evalharness.hf import weights
from evalharness.hf.prompts import (
    PromptTokenizer,
    at_date,
    decode_with_thoughts,
    fill_template,
    longest_fit,
    places_to_cut,
    render_chat,
    thought_marks,
    why_nothing_fits,
    window,
    without_thought,
)
from evalharness.neural.batches import Encoded, pack_ids
from evalharness.neural.network import Inputs, Network, without_surrogates
from evalharness.records import digest

# What a prompt ends in where there is no chat template to open the answer.
_PLAIN_END = "\n\nAnswer:"


class LocalJudge:
    """A checkpoint at work; settles once what is the same for all questions."""

    def __init__(
        self,
        network: Network,
        name: str,
        *,
        chat: bool | None,
        template_options: Mapping[str, Any],
        today: datetime.date,
        max_input_tokens: int | None,
    ) -> None:
        self.network = network
        self.name = name
        self.template_options = template_options
        self.tokenizer = network.tokenizer
        self.chat_template = self._chat_template(chat, today)
        self.prompts = PromptTokenizer(self.tokenizer, begins=self.chat_template is None)
        self.thoughts = thought_marks(self.tokenizer)
        self.context = window(network.model, self.tokenizer, None)
        self.max_input_tokens = max_input_tokens
        self._answers: dict[tuple[str, ...], dict[str, list[int]]] = {}

    def limit(self, form: QuestionForm) -> int | None:
        """Return the most tokens of a prompt of this form; None where nothing limits it."""
        room = self.context and self.context - form.most_tokens
        known = [n for n in (room, self.max_input_tokens) if n]
        return min(known) if known else None

    def answers(self, form: QuestionForm) -> Mapping[str, Sequence[int]]:
        """Return the tokens of each answer that may be given. Raises: ModelError."""
        if form.answers not in self._answers:
            n_tokens = int(self.network.model.config.get_text_config().vocab_size)
            self._answers[form.answers] = answer_tokens(self.tokenizer, form.answers, n_tokens)
        return self._answers[form.answers]

    def _chat_template(self, chat: bool | None, today: datetime.date) -> str | None:
        has_template = bool(self.tokenizer.chat_template)
        if chat and not has_template:
            raise ModelError(f"chat: the tokenizer of {self.name} has no chat template")
        if not has_template or chat is False:
            return None
        return at_date(self.tokenizer.get_chat_template(), today)

    def ask(self, questions: Sequence[JudgeQuestion], keep: KeepReply | None = None) -> list[Reply]:
        """Return what came of each question, in order; those of one form are computed together."""
        kinds = [(question.form, question.sample) for question in questions]
        replies: list[Reply] = [Reply()] * len(questions)
        for form, sample in dict.fromkeys(kinds):
            places = [n for n, kind in enumerate(kinds) if kind == (form, sample)]
            some = self._ask([questions[n] for n in places], form, sample)
            for n, reply in zip(places, some, strict=True):
                replies[n] = reply
                if keep is not None:
                    keep(questions[n], reply)
        return replies

    def _ask(
        self, questions: Sequence[JudgeQuestion], form: QuestionForm, sample: int
    ) -> list[Reply]:
        with weights.quiet():  # which warns of what is too long before it is cut
            prompts = [self._prompt(question) for question in questions]
        asked = [prompt for prompt in prompts if isinstance(prompt, Encoded)]
        if form.answers:
            replies = iter(self._probabilities(asked, form))
        else:
            replies = iter(self._texts(asked, form, sample))
        return [
            next(replies)._replace(read=_read(prompt, question), n_in=len(prompt))
            if isinstance(prompt, Encoded)
            else Reply(failed=prompt)
            for prompt, question in zip(prompts, questions, strict=True)
        ]

    def _probabilities(self, asked: Sequence[Encoded], form: QuestionForm) -> list[Reply]:
        answers = self.answers(form)

        def first_token(inputs: Inputs) -> torch.Tensor:
            """Return the log-probability of each answer as the first token, (items, answers)."""
            made = self._generate(inputs, 1, output_logits=True, use_cache=False)
            logs = made.logits[0].float().log_softmax(-1)
            return torch.stack([logs[:, ids].logsumexp(-1) for ids in answers.values()], dim=-1)

        rows = self.network.run(asked, first_token, f"first token of {form.answers}")
        return [Reply(dict(zip(answers, row.tolist(), strict=True)), n_out=1) for row in rows]

    def _texts(self, asked: Sequence[Encoded], form: QuestionForm, sample: int) -> list[Reply]:
        def new_tokens(inputs: Inputs) -> torch.Tensor:
            return self._generate_tokens(inputs, form, sample)

        replies: list[Reply] = []
        name = f"{form.most_tokens} tokens at {form.temperature}, sample {sample}"
        for row in self.network.run(asked, new_tokens, name):
            ids = [int(token) for token in row if token >= 0]
            end = next((n for n, token in enumerate(ids) if token in self._ends), None)
            text = decode_with_thoughts(self.tokenizer, ids[:end], self.thoughts)
            text = without_thought(text, self.thoughts)
            n_out = len(ids) if end is None else end + 1
            replies.append(Reply(text=text, finished=end is not None, n_out=n_out))
        return replies

    def _generate_tokens(self, inputs: Inputs, form: QuestionForm, sample: int) -> torch.Tensor:
        """Return the new tokens of each item, -1 where there are no more; exact as floats."""
        more: dict[str, Any] = {}
        if form.temperature:
            draws = SeededDraws(inputs, form.temperature, sample)
            more["logits_processor"] = LogitsProcessorList([draws])
        made = self._generate(inputs, form.most_tokens, **more)
        new = made.sequences[:, inputs["input_ids"].shape[1] :]
        rows = torch.full((new.shape[0], form.most_tokens), -1, dtype=torch.float32)
        rows[:, : new.shape[1]] = new.float()
        return rows

    def _generate(
        self, inputs: Inputs, most_tokens: int, logits_processor: Any = None, **more: Any
    ) -> Any:
        """Run greedy search, which also gives padded rows their right positions."""
        ids, mask = left_padded(inputs["input_ids"], inputs["attention_mask"])
        made: Any = GenerationConfig
        config = made(
            max_new_tokens=most_tokens,
            do_sample=False,
            num_beams=1,
            eos_token_id=sorted(self._ends) or None,
            pad_token_id=int(self.tokenizer.pad_token_id or 0),
            return_dict_in_generate=True,
            **more,
        )
        with _settings(self.network.model, config):
            return self.network.model.generate(
                input_ids=ids, attention_mask=mask, logits_processor=logits_processor
            )

    @property
    def _ends(self) -> frozenset[int]:
        ends = self.network.model.generation_config.eos_token_id
        ends = self.tokenizer.eos_token_id if ends is None else ends
        return frozenset([] if ends is None else [ends] if isinstance(ends, int) else ends)

    def _prompt(self, question: JudgeQuestion) -> Encoded | str:
        """Return the prompt with as much of the article as fits; or why there is none."""
        limit, article = self.limit(question.form), without_surrogates(question.article)

        def ids(words: str) -> list[int]:
            return self._ids(question, words)

        whole = ids(article)
        if limit is None or len(whole) <= limit:
            return Encoded(pack_ids(whole))
        ends = places_to_cut(self.tokenizer, article)
        read, tokens = longest_fit(ids, article, ends, limit, whole)
        if not read:
            return why_nothing_fits(ids, limit, "question")
        return Encoded(pack_ids(tokens), kept=(read, 0))

    def _ids(self, question: JudgeQuestion, article: str) -> list[int]:
        """Return the tokens of a whole prompt; a chat template brings its own begin mark."""
        values = {k: without_surrogates(value) for k, value in question.values(article).items()}
        form = question.form
        return self.prompts.ids(lambda filled: self._text(form, filled), values)

    def _text(self, form: QuestionForm, values: Mapping[str, str]) -> str:
        user, system = fill_template(form.user, values), form.system
        if self.chat_template is None:
            start = f"{system}\n\n" if system else ""
            return f"{start}{user}{_PLAIN_END}"
        return render_chat(
            self.tokenizer, self.chat_template, user, system, self.template_options, self.name
        )


class SeededDraws(LogitsProcessor):
    """Makes greedy search draw: with Gumbel noise the likeliest token is one that is drawn.

    Each row's noise comes from its own prompt and the number of the sample, so that what is drawn
    depends neither on the batch nor on the order of questions.
    """

    def __init__(self, inputs: Inputs, temperature: float, sample: int) -> None:
        self.temperature = temperature
        rows = zip(inputs["input_ids"], inputs["attention_mask"], strict=True)
        seeds = [digest(ids[mask.bool()].tolist(), sample) for ids, mask in rows]
        self.generators = [torch.Generator().manual_seed(int(seed[:15], 16)) for seed in seeds]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the logits of each row, divided by the temperature, with noise."""
        n = scores.shape[-1]
        uniform = torch.stack([torch.rand(n, generator=each) for each in self.generators])
        noise = -torch.log(-torch.log(uniform.clamp(1e-20, 1 - 1e-7)))
        return scores.float() / self.temperature + noise.to(scores.device)


def _read(prompt: Encoded, question: JudgeQuestion) -> int:
    return len(question.article) if prompt.kept is None else prompt.kept[0]


def left_padded(ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return rows that are padded on the right padded on the left, as decoders are trained.

    >>> left_padded(torch.tensor([[5, 6, 0]]), torch.tensor([[1, 1, 0]]))
    (tensor([[0, 5, 6]]), tensor([[0, 1, 1]]))
    """
    width = ids.shape[1]
    shift = width - mask.sum(-1, keepdim=True)
    order = (torch.arange(width, device=ids.device) - shift) % width
    return ids.gather(1, order), mask.gather(1, order)


@contextlib.contextmanager
def _settings(model: Any, config: GenerationConfig) -> Iterator[None]:
    """Give a model our settings and none of its own: penalties would change what it quotes."""
    own = model.generation_config
    model.generation_config = config
    try:
        yield
    finally:
        model.generation_config = own


def answer_tokens(tokenizer: Any, words: Sequence[str], n_tokens: int) -> dict[str, list[int]]:
    """Return for each answer the tokens that are it: in any case, with or without a space.

    Where the vocabulary has an answer in no single token, it is the token that it begins with.
    Raises: ModelError where two answers begin with the same token.
    """
    n = min(n_tokens, len(tokenizer))
    texts = tokenizer.batch_decode([[token] for token in range(n)], skip_special_tokens=True)
    tokens: dict[str, list[int]] = {}
    for token, text in enumerate(texts):
        tokens.setdefault(text.strip().casefold(), []).append(token)
    found = {word: tokens.get(word.casefold(), []) for word in words}
    if all(found.values()):
        return found
    beginnings = {word: _beginnings(tokenizer, word) for word in words}
    for word in words:
        others = set().union(*(beginnings[other] for other in words if other != word))
        found[word] = sorted(beginnings[word] - others)
        if not found[word]:
            raise ModelError(f"the vocabulary cannot tell {' from '.join(words)} by one token")
    return found


def _beginnings(tokenizer: Any, word: str) -> set[int]:
    spellings = {word, f" {word}", word.lower(), f" {word.lower()}"}
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in spellings]
    return {row[0] for row in ids if row}
