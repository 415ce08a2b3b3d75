"""Batches, failures and draws, apart from any one kind of model."""

import dataclasses
import functools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from evalharness.errors import MissingExtra, ModelError
from evalharness.records import Article

pytestmark = pytest.mark.usefixtures("one_thread")


@functools.cache
def loaded() -> Any:
    """Return a tiny GPT-2 over 40 letters, as if it had been loaded."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    from evalharness.hf.weights import Loaded

    letters = {letter: i for i, letter in enumerate("$abcdefghijklmnopqrstuvwxyz .,0123456789")}
    core = Tokenizer(models.BPE(letters, []))
    core.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    wrapper: Any = PreTrainedTokenizerFast
    tokenizer = wrapper(tokenizer_object=core, eos_token="$")
    shape: dict[str, Any] = {"n_positions": 64, "n_embd": 16, "n_layer": 1, "n_head": 2}
    config: Any = GPT2Config(vocab_size=len(letters), **shape, eos_token_id=0, bos_token_id=0)
    model: Any = GPT2LMHeadModel(config)
    generator = torch.Generator().manual_seed(2)
    for weight in model.parameters():
        weight.data = 0.5 * torch.randn(weight.shape, generator=generator)
    return Loaded(model.eval(), tokenizer, torch.device("cpu"))


def engine(batch_size: Any = "auto", **options: Any) -> Any:
    from evalharness.models.engine import Engine
    from evalharness.models.settings import resolve

    chosen = {"max_new_tokens": 5} | options
    made = loaded()
    return Engine(made, resolve(made.model, made.tokenizer, {}, chosen), batch_size)


def prompts(*lengths: int) -> list[Any]:
    from evalharness.models.engine import Prompt

    return [Prompt([1 + (n + i) % 30 for i in range(n)], n, str(n).encode()) for n in lengths]


def test_plan_takes_the_longest_prompts_first_and_each_once() -> None:
    made = prompts(3, 9, 1, 9, 5, 2, 7)
    assert engine(3).plan(made) == [[1, 3, 6], [4, 0, 5], [2]]
    assert engine(1).plan(made) == [[1], [3], [6], [4], [0], [5], [2]]
    assert engine(3).plan([]) == []


def test_plan_of_auto_counts_beams_and_tokens() -> None:
    many = prompts(*[10] * 20)
    assert [len(batch) for batch in engine().plan(many)] == [8, 8, 4]
    assert [len(batch) for batch in engine(num_beams=4).plan(many)] == [2] * 10
    assert [len(batch) for batch in engine(num_beams=9).plan(many)] == [1] * 20
    long = prompts(3000, 3000, 3000, 10, 10)
    assert engine().plan(long) == [[0, 1], [2], [3, 4]]


def test_plan_of_drawn_beams_has_batches_of_one() -> None:
    made = engine(8, num_beams=2, do_sample=True)
    assert made.plan(prompts(3, 4, 5)) == [[2], [1], [0]]


OUT_OF_MEMORY = (
    "CUDA out of memory. Tried to allocate 2.00 GiB.",
    "[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried",
    "DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes.",
)


@pytest.mark.parametrize("message", OUT_OF_MEMORY)
def test_too_large_batch_is_halved_until_it_fits(message: str) -> None:
    from evalharness.models.engine import careful

    tried: list[int] = []

    def run(rows: Sequence[int]) -> list[int]:
        tried.append(len(rows))
        if len(rows) > 2:
            raise RuntimeError(message)
        return [row * 10 for row in rows]

    assert careful(run, [1, 2, 3, 4, 5, 6, 7]) == [10, 20, 30, 40, 50, 60, 70]
    assert tried == [7, 4, 2, 2, 3, 2, 1]


def test_article_that_does_not_fit_alone_is_named_with_its_reason() -> None:
    import torch

    from evalharness.models.engine import careful
    from evalharness.models.prompt import NoPrompt

    def run(rows: Sequence[int]) -> list[int]:
        if 3 in rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nMore.")
        return list(rows)

    reason = "out of memory at batch size 1: OutOfMemoryError: CUDA out of memory. Tried to"
    results = careful(run, [1, 2, 3, 4])
    assert results[:2] + results[3:] == [1, 2, 4]
    assert isinstance(results[2], NoPrompt)
    assert results[2].reason == f"{reason} allocate 2 GiB."


@pytest.mark.parametrize("options", [{}, {"num_beams": 4}, {"num_beams": 2, "do_sample": True}])
def test_one_batch_after_the_other_is_what_all_at_once_gives(options: dict[str, Any]) -> None:
    made = prompts(3, 9, 1, 9, 5, 2, 7, 20, 19, 4, 11, 8, 6, 30)
    right = engine(**options).write(made)
    batches = engine(**options).plan(made)
    gradual = engine(**options)
    left, steps = list(range(len(made))), []
    results: dict[int, Any] = {}

    while left:
        some = gradual.write_some([made[i] for i in left])
        steps.append([i for i, one in zip(left, some, strict=True) if one is not None])
        results |= {i: one for i, one in zip(left, some, strict=True) if one is not None}
        left = [i for i in left if i not in results]

    assert steps == [sorted(batch) for batch in batches]
    assert len(steps) > 2
    assert [results[i] for i in range(len(made))] == right


def test_batches_that_fail_alike_are_the_models_fault_unless_it_has_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from evalharness.models.engine import Engine
    from evalharness.models.prompt import NoPrompt as Failed

    generate = Engine._generate

    def fails(self: Any, made: Sequence[Any], rows: Sequence[int]) -> Any:
        if any(len(made[i].ids) < 4 for i in rows):
            raise ValueError("too short")
        return generate(self, made, rows)

    monkeypatch.setattr(Engine, "_generate", fails)
    gradual = engine(2)
    first = gradual.write_some(prompts(9, 3, 2, 8))
    rest = gradual.write_some(prompts(3, 2))

    assert [one is None for one in first] == [False, True, True, False]
    assert rest == [Failed("ValueError: too short")] * 2
    with pytest.raises(ModelError, match="every article failed: ValueError: too short"):
        engine(2).write_some(prompts(3, 2))
    # What fails as a whole is no step: nothing of it would be stored.
    assert [type(one) for one in engine(2).write_some(prompts(3, 2, 9, 8, 3))].count(Failed) == 0


def test_empty_text_says_which_stop_string_came_first() -> None:
    from evalharness.models.options import CheckpointReader

    class Reader(CheckpointReader):
        def clean_text(self, written: Any, prompt: Any) -> str:
            return str(written.text).strip()

    reader = Reader()
    (first,) = engine().write(prompts(9))
    start = first.text[0]
    made = engine()
    reader.engine = dataclasses.replace(made, stop=("no such", start))
    said: Any = reader.write(prompts(9))[0]
    assert (said.text, said.note) == ("", f"the stop string {start!r} came first")
    reader.engine = dataclasses.replace(made, stop=(first.text[2:4],))
    cut: Any = reader.write(prompts(9))[0]
    assert cut.text == first.text[: first.text.index(first.text[2:4])].strip()


def test_failing_article_does_not_harm_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalharness.models.engine import Engine
    from evalharness.models.prompt import NoPrompt

    made = prompts(3, 4, 5, 6)
    right = engine(4).write(made)
    run = Engine._generate

    def fails(self: Engine, all_prompts: Any, rows: Sequence[int]) -> Any:
        if 2 in rows:
            raise IndexError("index out of range in self")
        return run(self, all_prompts, rows)

    monkeypatch.setattr(Engine, "_generate", fails)
    results = engine(4).write(made)
    assert results[2] == NoPrompt("IndexError: index out of range in self")
    assert results[:2] + results[3:] == right[:2] + right[3:]


def test_failure_of_every_article_is_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalharness.models.engine import Engine
    from evalharness.models.prompt import NoPrompt

    def fails(self: Engine, all_prompts: Any, rows: Sequence[int]) -> Any:
        raise ValueError("`decoder_start_token_id` has to be defined")

    monkeypatch.setattr(Engine, "_generate", fails)
    with pytest.raises(ModelError, match="every article failed: ValueError: `decoder_start"):
        engine(2).write(prompts(3, 4, 5))
    (alone,) = engine(2).write(prompts(3))
    assert isinstance(alone, NoPrompt)


def test_memory_that_suffices_for_no_article_of_a_batch_may_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from evalharness.models.engine import Engine
    from evalharness.models.prompt import NoPrompt

    def fails(self: Engine, all_prompts: Any, rows: Sequence[int]) -> Any:
        raise MemoryError

    monkeypatch.setattr(Engine, "_generate", fails)
    results = engine(2).write(prompts(3, 4, 5))
    assert results == [NoPrompt("out of memory at batch size 1: MemoryError")] * 3


def test_errors_a_user_can_mend_are_not_an_articles() -> None:
    from evalharness.models.engine import careful

    def run(rows: Sequence[int]) -> list[int]:
        raise MissingExtra("device_map", "accelerate")

    with pytest.raises(MissingExtra):
        careful(run, [1, 2])


def test_article_without_text_never_reaches_the_model() -> None:
    from evalharness.models.long import summarize_all
    from evalharness.models.options import CheckpointReader
    from evalharness.models.prompt import NoPrompt

    class Refusing(CheckpointReader):
        def prompt(self, article: Article) -> NoPrompt:
            assert article.text == "x"
            return NoPrompt("too long")

    made = summarize_all([Article("a", " \n"), Article("b", "x")], Refusing(), None)
    assert [(summary.finish, summary.note) for summary in made] == [
        ("error", "the article has no text"),
        ("error", "too long"),
    ]


def test_token_that_the_model_does_not_know_is_an_error_of_the_article() -> None:
    from evalharness.models.prompt import NoPrompt, Prompt

    results = engine(4).write([*prompts(3, 4), Prompt([1, 40], 2)])
    assert results[:2] == engine(4).write(prompts(3, 4))
    assert results[2] == NoPrompt("token 40 is beyond the model's vocabulary of 40")


def test_uniform_numbers_are_spread_evenly_and_fixed() -> None:
    from evalharness.models.sampling import article_seed, uniform

    key = article_seed(0, "text")
    numbers = [uniform(key, step) for step in range(4000)]
    assert len(set(numbers)) == 4000
    counts = Counter(int(10 * number) for number in numbers)
    assert all(340 < counts[tenth] < 460 for tenth in range(10))
    assert numbers[0] == 0.6194288047838653  # stored samples were drawn with it
    assert uniform(article_seed(1, "text"), 0) != numbers[0]
    assert uniform(article_seed(0, "Text"), 0) != numbers[0]


def chi_square(counts: Any, probabilities: Any, n: int) -> float:
    """Return the statistic over the tokens that are possible; others must not occur."""
    possible = probabilities > 0
    assert counts[~possible].sum() == 0
    expected = n * probabilities[possible]
    return float(((counts[possible] - expected) ** 2 / expected).sum())


SHAPES: list[dict[str, Any]] = [
    {},  # transformers takes the 50 likeliest unless told otherwise
    {"top_k": 0},
    {"temperature": 0.7, "top_k": 0},
    {"top_k": 5},
    {"top_k": 0, "top_p": 0.8},
    {"top_k": 0, "min_p": 0.1},
    {"top_k": 0, "typical_p": 0.7},
    {"temperature": 1.5, "top_k": 12, "top_p": 0.9},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_draws_have_the_distribution_that_transformers_draws_from(shape: dict[str, Any]) -> None:
    import numpy as np
    import torch
    from transformers import GenerationConfig

    from evalharness.models.sampling import article_seed, sampling_processors

    model = loaded().model
    scores = torch.randn(1, 80, generator=torch.Generator().manual_seed(5))
    untyped: Any = GenerationConfig
    config = untyped(do_sample=True, **shape)
    config, _ = model._prepare_generation_config(config)
    theirs = model._get_logits_processor(config, input_ids_seq_length=3)
    ids = torch.ones(1, 3, dtype=torch.long)
    probabilities = theirs(ids, scores.clone()).double().softmax(-1)[0].numpy()
    n = 6000
    keys = [article_seed(0, str(i)) for i in range(n)]
    ours: Any = sampling_processors(shape, keys, start=3)
    left = ours(ids.expand(n, 3), scores.repeat(n, 1))
    assert set((left > -torch.inf).sum(-1).tolist()) == {1}
    counts = np.bincount(left.argmax(-1).numpy(), minlength=80)
    # 79 degrees of freedom at most: the statistic exceeds 124.8 once in a thousand.
    assert chi_square(counts, probabilities, n) < 124.8


def test_wrong_distribution_would_be_noticed() -> None:
    import numpy as np
    import torch

    from evalharness.models.sampling import article_seed, sampling_processors

    scores = torch.randn(1, 80, generator=torch.Generator().manual_seed(5))
    n = 6000
    keys = [article_seed(0, str(i)) for i in range(n)]
    ids = torch.ones(n, 3, dtype=torch.long)
    ours: Any = sampling_processors({"top_k": 0, "temperature": 1.3}, keys, 3)
    left = ours(ids, scores.repeat(n, 1))
    counts = np.bincount(left.argmax(-1).numpy(), minlength=80)
    assert chi_square(counts, scores.double().softmax(-1)[0].numpy(), n) > 124.8


def test_first_tokens_of_a_model_have_its_distribution() -> None:
    import numpy as np
    import torch

    from evalharness.models.engine import Prompt
    from evalharness.models.sampling import article_seed

    n = 3000
    made = engine(500, do_sample=True, max_new_tokens=1, top_k=0)
    rows = [Prompt([3, 9, 4], 3, article_seed(1, str(i))) for i in range(n)]
    tokens = [written.ids[0] if written.ids else 0 for written in made.write(rows)]
    with torch.inference_mode():
        logits = loaded().model(torch.tensor([[3, 9, 4]])).logits[0, -1]
    counts = np.bincount(tokens, minlength=40)
    # 39 degrees of freedom: above 72.1 once in a thousand.
    assert chi_square(counts, logits.double().softmax(-1).numpy(), n) < 72.1


def test_draw_of_the_greatest_number_is_a_possible_token(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from evalharness.models import sampling

    scores = torch.tensor([[1.0, 2.0, -torch.inf, 1.0, -torch.inf]])
    ids = torch.ones(1, 3, dtype=torch.long)
    for number, token in ((1.0, 3), (0.0, 0)):  # 1.0 is what rounding can make of it
        monkeypatch.setattr(sampling, "uniform", lambda key, step, number=number: number)
        assert sampling.Draw([b""], 3)(ids, scores).argmax(-1).tolist() == [token]
