"""Prompts hold as much of a text as fits, whatever its script and whatever the tokenizer."""

import functools
import os
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalharness.checks.judge.judge import Judge
from evalharness.checks.judge.protocols import JudgeQuestion, QuestionForm
from evalharness.hf.prompts import longest_fit, places_to_cut
from evalharness.models.causal import Causal
from evalharness.models.prompt import NoPrompt, Prompt
from evalharness.records import Article

pytestmark = pytest.mark.usefixtures("one_thread")

ENGLISH = "The council voted on the budget, she said; schools were closed on Monday. "
SCRIPTS = (
    ENGLISH,
    "市长周一表示，由于预算短缺，十二所学校将关闭。",
    "東京で大きな会議が開かれた。",
    "Совет проголосовал по бюджету города. ",
    "صوت المجلس على الميزانية اليوم. ",
    "परिषद ने बजट पर मतदान किया। ",
    "“No” — it’s the city’s vote… ",
    "😀🎉👩‍👩‍👧🏳️‍🌈",
    "naïve café ﷺ ½ ﬁ ",
    "  \n\n",
    "aaaaaaaaaaaaaaaaaaaa",
    "\u200b\u0301\u0301\u0301",
)


def mixed(rng: random.Random) -> str:
    """Return a text of several scripts, some cut in the middle."""
    chosen = rng.sample(SCRIPTS, rng.randint(1, 4))
    some = [rng.choice(chosen)[: rng.randint(1, 60)] for _ in range(rng.randint(3, 12))]
    return "".join(some)


def byte_level(regex: bool) -> Any:
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator([ENGLISH] * 3, trainer)
    wrapper: Any = transformers.PreTrainedTokenizerFast
    return wrapper(tokenizer_object=core, bos_token="<s>", eos_token="</s>")


def byte_fallback() -> Any:
    """Return a tokenizer as Llama's and Gemma's: no bytes but for what it has no piece for."""
    import json

    import transformers
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    trainer = trainers.BpeTrainer(
        vocab_size=120, special_tokens=["<s>", "</s>", "<unk>"], show_progress=False
    )
    learner = Tokenizer(models.BPE(unk_token="<unk>"))
    learner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    learner.train_from_iterator([ENGLISH] * 3, trainer)
    model = json.loads(learner.to_str())["model"]
    vocab = dict(model["vocab"])
    for byte in range(256):
        vocab[f"<0x{byte:02X}>"] = len(vocab)
    merges = [tuple(pair) for pair in model["merges"]]
    bpe: Any = models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    core = Tokenizer(bpe)
    core.add_special_tokens([AddedToken(t, special=True) for t in ("<s>", "</s>", "<unk>")])
    core.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    core.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    wrapper: Any = transformers.PreTrainedTokenizerFast
    return wrapper(tokenizer_object=core, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def unigram() -> Any:
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    text = "▁" + ENGLISH.replace(" ", "▁")
    letters = dict.fromkeys("".join(SCRIPTS[:4]) + text, -6.0)
    pairs = {text[i : i + 2]: -4.0 for i in range(0, len(text) - 1, 3)}
    words = {"▁" + word: -2.0 for word in ENGLISH.split()[::2]}
    core = Tokenizer(
        models.Unigram([("<unk>", 0.0), *sorted((letters | pairs | words).items())], 0)
    )
    core.normalizer = normalizers.NFKC()
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    wrapper: Any = transformers.PreTrainedTokenizerFast
    return wrapper(tokenizer_object=core, unk_token="<unk>")


def real() -> Any:
    """Return the tokenizer in the folder that the environment names."""
    from transformers import AutoTokenizer

    folder = os.environ.get("EVALHARNESS_REAL_TOKENIZER")
    if not folder:
        pytest.skip("EVALHARNESS_REAL_TOKENIZER names no folder with a real tokenizer")
    return AutoTokenizer.from_pretrained(folder)


class Slow:
    """A tokenizer that does not say where its tokens stand."""

    is_fast = False

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        return {"input_ids": [n for char in text for n in char.encode()]}


MAKERS: dict[str, Callable[[], Any]] = {
    "bytes": functools.partial(byte_level, True),
    "bytes without words": functools.partial(byte_level, False),
    "byte fallback": byte_fallback,
    "unigram": unigram,
    "slow": Slow,
    "real": real,
}
FRAMES = ("Say: {} END", "{}", "{}\n\nSummarize it.", "Of it:\n{}END")


@pytest.fixture(scope="module")
def tokenizer_named() -> Callable[[str], Any]:
    return functools.cache(lambda name: MAKERS[name]())


@pytest.mark.parametrize("name", MAKERS)
def test_longest_fit_reads_the_most_that_fits_in_any_script(
    name: str, tokenizer_named: Callable[[str], Any]
) -> None:
    tokenizer = tokenizer_named(name)
    rng = random.Random(14)
    n_cut = 0
    for _ in range(200):
        text, frame, limit = mixed(rng), rng.choice(FRAMES), rng.randint(12, 60)

        @functools.cache
        def ids(part: str, frame: str = frame) -> list[int]:
            return list(tokenizer(frame.format(part))["input_ids"])

        whole = ids(text)
        if len(whole) <= limit:
            continue
        n_cut += 1
        ends = places_to_cut(tokenizer, text)
        best = max((cut for cut in {*ends} if len(ids(text[:cut])) <= limit), default=0)
        read, tokens = longest_fit(ids, text, ends, limit, whole)
        assert (read, tokens) == (best, ids(text[:best]) if best else []), (text, frame, limit)
    assert n_cut > 120


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a folder with a language model whose tokenizer knows bytes."""
    import transformers

    tokenizer = byte_level(True)
    shape: Any = {"n_positions": 400, "n_embd": 8, "n_layer": 1, "n_head": 1}
    config = transformers.GPT2Config(vocab_size=len(tokenizer), eos_token_id=1, **shape)
    folder = str(tmp_path_factory.mktemp("gpt2"))
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


EMOJI = "\N{GRINNING FACE}"


@pytest.mark.parametrize("tail", [EMOJI * 9, EMOJI * 60], ids=["some", "many"])
def test_emoji_at_the_far_end_take_nothing_from_what_is_read(checkpoint: str, tail: str) -> None:
    model = Causal(checkpoint, user="Say: {article} END", max_new_tokens=16, max_input_tokens=60)
    plain, prompt = (model.reader.prompt(Article("a", ENGLISH * 5 + end)) for end in ("", tail))
    assert isinstance(plain, Prompt)
    assert plain.read is not None
    assert 100 < plain.read < 300
    assert prompt == replace(plain, key=prompt.key if isinstance(prompt, Prompt) else b"")


@pytest.mark.parametrize("tail", [EMOJI * 9, EMOJI * 60], ids=["some", "many"])
def test_emoji_at_the_far_end_take_nothing_from_what_the_judge_reads(
    checkpoint: str, tail: str
) -> None:
    judge: Any = Judge(checkpoint, prompt="{article} {summary}?", by="text", max_input_tokens=60)
    form = QuestionForm("{article} {summary}?")
    plain, prompt = (
        judge._engines[0]._prompt(JudgeQuestion(form, ENGLISH * 5 + end, "It rained."))
        for end in ("", tail)
    )
    assert 100 < plain.kept[0] < 300
    assert prompt == plain


def test_instruction_is_said_not_to_fit_only_where_it_does_not(checkpoint: str) -> None:
    said = []
    for most in range(2, 12):
        model = Causal(checkpoint, user="Say: {article}", max_new_tokens=9, max_input_tokens=most)
        prompt = model.reader.prompt(Article("a", "東京" * 40))
        said.append(prompt.reason if isinstance(prompt, NoPrompt) else str(prompt.read))
    assert said == [
        *(f"the instruction alone does not fit in {n} tokens" for n in (2, 3)),
        *(f"beside the instruction, nothing of the article fits in {n} tokens" for n in (4, 5, 6)),
        *("1", "1", "1", "2", "2"),
    ]
