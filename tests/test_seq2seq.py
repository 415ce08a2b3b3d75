"""Seq2Seq does what the model card does: tiny seeded checkpoints of every family stand in."""

import functools
import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalharness.errors import ModelError
from evalharness.models.long import Long
from evalharness.models.prompt import Prompt
from evalharness.models.seq2seq import Seq2Seq
from evalharness.records import Article, Summary

pytestmark = pytest.mark.usefixtures("one_thread")

WORDS = re.findall(
    r"\S+",
    "The mayor said no to the new bridge on Monday. It would cost 12 million dollars, she said; "
    "rain fell in the north and schools were closed. A dog barked at the old station.",
)
FAMILIES = ("bart", "t5", "pegasus", "led", "mbart")
RARE = ("longt5", "pegasus_x", "bigbird_pegasus", "m2m")


def article(seed: int, n_words: int) -> Article:
    words = random.Random(seed).choices(WORDS, k=n_words)
    return Article(str(seed), " ".join(words))


ARTICLES = [article(seed, n) for seed, n in enumerate((40, 3, 25, 9, 90, 14, 61, 5, 33, 18))]


def wild(model: Any, end: int, loudness: float) -> Any:
    """Draw weights so wide that every input token matters, and the end mark comes now and then."""
    import torch

    generator = torch.Generator().manual_seed(7)
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        if "norm" in name and weight.dim() == 1:
            weight.data = 1 + 0.2 * noise if name.endswith("weight") else 0.2 * noise
        elif weight.dim() == 1:
            weight.data = 0.2 * noise
        elif "embed" in name or "shared" in name or "lm_head" in name:
            weight.data = noise
        else:
            weight.data = 1.6 * noise / weight.shape[-1] ** 0.5
    model.lm_head.weight.data[end] *= loudness
    return model.eval()


def byte_level(length: int) -> Any:
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=130, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False
    )
    core.train_from_iterator([" ".join(WORDS)] * 3, trainer)
    core.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    wrapper: Any = transformers.PreTrainedTokenizerFast
    return wrapper(tokenizer_object=core, model_max_length=length, **names)


def pieces() -> list[tuple[str, float]]:
    """Return a vocabulary for a unigram model: some words, all pairs that occur, all letters."""
    text = "▁" + "▁".join(WORDS)
    words = {"▁" + word: -2.0 for word in WORDS[::3]}
    pairs = {text[i : i + 2]: -4.0 for i in range(0, len(text) - 1, 3)}
    letters = dict.fromkeys(text + ":", -6.0)
    return sorted((letters | pairs | words).items())


def unigram(length: int) -> Any:
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    specials = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    core = Tokenizer(models.Unigram(specials + pieces(), unk_id=2))
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.decoder = decoders.Metaspace()
    core.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    names = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    wrapper: Any = transformers.PreTrainedTokenizerFast
    tokenizer = wrapper(tokenizer_object=core, model_max_length=length, **names)
    tokenizer.add_tokens(["<n>"])
    return tokenizer


def mbart_tokenizer() -> Any:
    from transformers import MBartTokenizer

    specials = [(token, 0.0) for token in ("<s>", "<pad>", "</s>", "<unk>")]
    codes = [("en_XX", 0.0), ("ro_RO", 0.0), ("<mask>", 0.0)]
    return MBartTokenizer(vocab=specials + pieces() + codes, model_max_length=64)


BART_LIKE = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "tie_word_embeddings": False,
}
# How much louder than other tokens the end mark must be to come now and then, but not at once.
LOUDNESS = {"bart": 5, "t5": 5, "pegasus": 4, "led": 2, "mbart": 2, "bigbird_pegasus": 1.5}
T5_LIKE = {
    "d_model": 32,
    "d_kv": 16,
    "d_ff": 48,
    "num_layers": 2,
    "num_heads": 2,
    "decoder_start_token_id": 0,
    "tie_word_embeddings": False,
}


def build(family: str, folder: Path) -> None:
    """Save a tiny checkpoint with the habits of its family."""
    import transformers

    tokenizers: dict[str, Callable[[], Any]] = {
        "bart": functools.partial(byte_level, 64),
        "led": functools.partial(byte_level, 10**30),
        "mbart": mbart_tokenizer,
    }
    tokenizer = tokenizers.get(family, functools.partial(unigram, 64))()
    shape: dict[str, Any] = {"vocab_size": len(tokenizer)}
    own: dict[str, Any] = {}
    match family:
        case "bart":
            name = "Bart"
            shape |= BART_LIKE | {"max_position_embeddings": 64}
            own = {"forced_bos_token_id": 0, "forced_eos_token_id": 2, "no_repeat_ngram_size": 3}
        case "led":
            name = "LED"
            shape |= BART_LIKE | {"attention_window": 8, "max_decoder_position_embeddings": 64}
            shape |= {"max_encoder_position_embeddings": 80}
        case "mbart":
            name = "MBart"
            shape |= BART_LIKE | {"max_position_embeddings": 64}
        case "m2m":
            name = "M2M100"
            shape |= BART_LIKE | {"max_position_embeddings": 64}
        case "pegasus" | "pegasus_x" | "bigbird_pegasus":
            name = {"pegasus": "Pegasus", "pegasus_x": "PegasusX"}.get(family, "BigBirdPegasus")
            shape |= BART_LIKE | {"max_position_embeddings": 96, "eos_token_id": 1}
            shape |= {"pad_token_id": 0, "decoder_start_token_id": 0, "forced_eos_token_id": None}
            shape |= {"block_size": 4, "num_global_tokens": 4, "num_random_blocks": 1}
            shape = {k: v for k, v in shape.items() if family != "pegasus" or "block" not in k}
        case _:
            name = {"longt5": "LongT5"}.get(family, "T5")
            shape |= T5_LIKE | {"n_positions": 64}
            if family == "longt5":
                shape |= {"encoder_attention_type": "transient-global", "local_radius": 7}
                shape |= {"global_block_size": 4}
            task = {"summarization": {"prefix": "The dog said: ", "num_beams": 2, "max_length": 20}}
            if family != "plain_t5":
                shape["task_specific_params"] = task
    config = getattr(transformers, f"{name}Config")(**shape)
    model = getattr(transformers, f"{name}ForConditionalGeneration")(config)
    wild(model, tokenizer.eos_token_id, LOUDNESS.get(family, 2.5))
    for option, value in own.items():
        setattr(model.generation_config, option, value)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    @functools.cache
    def made(family: str) -> str:
        folder = tmp_path_factory.mktemp(family)
        build(family, folder)
        return str(folder)

    return made


def options(family: str, **more: Any) -> dict[str, Any]:
    chosen: dict[str, Any] = {"max_new_tokens": 14, "no_repeat_ngram_size": 2}
    if family in ("mbart", "m2m"):
        chosen |= {"source_language": "en_XX", "target_language": "ro_RO"}
    if family == "m2m":
        chosen = {name: value for name, value in chosen.items() if "language" not in name}
    return chosen | more


def texts(summaries: list[Summary]) -> list[str]:
    return [summary.text for summary in summaries]


@pytest.mark.parametrize("family", ["bart", "t5"])
@pytest.mark.parametrize("strategy", ["head_tail", "hierarchical"])
def test_long_articles_do_not_depend_on_batch_size_or_order(
    family: str, strategy: Any, checkpoint: Callable[[str], str]
) -> None:
    made = checkpoint(family)
    chosen = options(family, long=Long(strategy))
    plain = Seq2Seq(made, batch_size=1, **options(family)).summarize(ARTICLES)
    alone = Seq2Seq(made, batch_size=1, **chosen).summarize(ARTICLES)
    assert Seq2Seq(made, **chosen).summarize(ARTICLES[::-1]) == alone[::-1]
    whole = [s.read == len(a.text) for s, a in zip(plain, ARTICLES, strict=True)]
    assert 0 < sum(whole) < len(whole)
    for fits, with_strategy, without in zip(whole, alone, plain, strict=True):
        assert (with_strategy == without) is fits
    read_all = [s.read == len(a.text) for s, a in zip(alone, ARTICLES, strict=True)]
    assert all(read_all) is (strategy != "head_tail")


@pytest.mark.parametrize("family", ["bart", "t5"])
def test_kind_of_cache_changes_no_summary(family: str, checkpoint: Callable[[str], str]) -> None:
    made = checkpoint(family)
    for beams in (1, 2):
        chosen = options(family, num_beams=beams)
        plain = Seq2Seq(made, **chosen).summarize(ARTICLES)
        assert Seq2Seq(made, cache="static", **chosen).summarize(ARTICLES) == plain


def by_the_card(folder: str, family: str, text: str, **generation: Any) -> str:
    """Summarize one text as a model card does: no batch, no padding, nothing of ours."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder)
    prefix = "The dog said: " if "t5" in family else ""
    if family == "mbart":
        tokenizer.src_lang = "en_XX"
        generation["decoder_start_token_id"] = tokenizer.convert_tokens_to_ids("ro_RO")
    most = 80 if family == "led" else 64
    inputs = tokenizer(prefix + text, truncation=True, max_length=most, return_tensors="pt")
    inputs.pop("token_type_ids", None)
    if family == "led":
        inputs["global_attention_mask"] = torch.zeros_like(inputs["input_ids"])
        inputs["global_attention_mask"][:, 0] = 1
    ids = model.generate(**inputs, max_new_tokens=14, no_repeat_ngram_size=2, **generation)
    summary = str(tokenizer.decode(ids[0], skip_special_tokens=True))
    return re.sub(" ?<n> ?", "\n", summary).strip() if "pegasus" in family else summary.strip()


every_family = pytest.mark.parametrize(
    "family", [*FAMILIES, *(pytest.param(family, marks=pytest.mark.slow) for family in RARE)]
)


@every_family
def test_summaries_do_not_depend_on_batch_size_or_order(
    family: str, checkpoint: Callable[[str], str]
) -> None:
    made = checkpoint(family)
    alone = Seq2Seq(made, batch_size=1, **options(family)).summarize(ARTICLES)
    assert len(set(texts(alone))) > 4
    assert len({s.finish for s in alone}) > 1
    for size in (2, 8):
        assert Seq2Seq(made, batch_size=size, **options(family)).summarize(ARTICLES) == alone
    order = random.Random(0).sample(range(len(ARTICLES)), len(ARTICLES))
    shuffled = Seq2Seq(made, **options(family)).summarize([ARTICLES[i] for i in order])
    assert shuffled == [alone[i] for i in order]


@every_family
@pytest.mark.parametrize("beams", [1, 3])
def test_summaries_equal_those_of_the_model_card(
    family: str, beams: int, checkpoint: Callable[[str], str]
) -> None:
    made = checkpoint(family)
    ours = Seq2Seq(made, **options(family, num_beams=beams)).summarize(ARTICLES[:6])
    theirs = [by_the_card(made, family, a.text, num_beams=beams) for a in ARTICLES[:6]]
    assert texts(ours) == theirs


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("cap", [1, 7, 16])
def test_summaries_never_exceed_the_cap(
    family: str, cap: int, checkpoint: Callable[[str], str]
) -> None:
    summaries = Seq2Seq(checkpoint(family), **options(family, max_new_tokens=cap)).summarize(
        ARTICLES
    )
    assert cap - 1 <= max(s.tokens or 0 for s in summaries) <= cap
    assert all((s.tokens or 0) >= cap - 1 for s in summaries if s.finish == "length")


def left_padded(engine: Any, prompts: Any) -> Any:
    return _pad_prompts(engine, prompts, left=True)


def unmasked(engine: Any, prompts: Any) -> Any:
    inputs = _pad_prompts(engine, prompts, left=False)
    return inputs | {"attention_mask": inputs["attention_mask"] * 0 + 1}


def _pad_prompts(engine: Any, prompts: Any, left: bool) -> Any:
    import torch

    longest = max(len(p.ids) for p in prompts)
    pad = engine.settings.config.pad_token_id
    rows = [[pad] * (longest - len(p.ids)) for p in prompts]
    ids = [gap + p.ids if left else p.ids + gap for gap, p in zip(rows, prompts, strict=True)]
    mask = [
        [0] * len(gap) + [1] * len(p.ids) if left else [1] * len(p.ids) + [0] * len(gap)
        for gap, p in zip(rows, prompts, strict=True)
    ]
    inputs = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
    return inputs | engine.extra_inputs(inputs["input_ids"])


@pytest.mark.parametrize(
    ("family", "mistake"),
    [
        *((family, unmasked) for family in FAMILIES),
        # T5 has relative positions: to it, left padding is as good.
        *((family, left_padded) for family in FAMILIES if family != "t5"),
    ],
)
def test_summaries_of_these_checkpoints_show_a_padding_mistake(
    family: str,
    mistake: Callable[[Any, Any], Any],
    checkpoint: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from evalharness.models.engine import Engine

    made = checkpoint(family)
    right = Seq2Seq(made, batch_size=8, **options(family)).summarize(ARTICLES)
    monkeypatch.setattr(Engine, "_pad_prompts", mistake)
    assert texts(Seq2Seq(made, batch_size=8, **options(family)).summarize(ARTICLES)) != texts(right)


@pytest.mark.parametrize("family", FAMILIES)
def test_summaries_of_these_checkpoints_show_a_cut_on_the_left(
    family: str, checkpoint: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = checkpoint(family)
    model = Seq2Seq(made, **options(family, max_input_tokens=24))
    right = model.summarize(ARTICLES)
    monkeypatch.setattr(model.reader.tokenizer, "truncation_side", "left")
    assert texts(model.summarize(ARTICLES)) != texts(right)


def test_summaries_of_bart_begin_with_its_forced_token(checkpoint: Callable[[str], str]) -> None:
    made = checkpoint("bart")
    model = Seq2Seq(made, **options("bart"))
    settings = model.reader.engine.settings.config
    assert settings.forced_bos_token_id == 0
    assert settings.decoder_start_token_id == 2
    forced = model.summarize(ARTICLES)
    settings.forced_bos_token_id = 9
    assert texts(model.summarize(ARTICLES)) != texts(forced)


def test_summaries_of_led_look_from_the_first_token_at_all(
    checkpoint: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from evalharness.models.seq2seq import _Reader

    made = checkpoint("led")
    right = Seq2Seq(made, **options("led")).summarize(ARTICLES)
    monkeypatch.setattr(_Reader, "_extra_inputs", lambda self, ids: {})
    assert texts(Seq2Seq(made, **options("led")).summarize(ARTICLES)) != texts(right)


@pytest.mark.parametrize("option", ["source_language", "target_language"])
def test_summaries_of_mbart_depend_on_its_languages(
    option: str, checkpoint: Callable[[str], str]
) -> None:
    made = checkpoint("mbart")
    right = Seq2Seq(made, **options("mbart"))
    other = {"source_language": "ro_RO", "target_language": "en_XX"}[option]
    wrong = Seq2Seq(made, **options("mbart", **{option: other}))
    before = texts(right.summarize(ARTICLES))
    assert texts(wrong.summarize(ARTICLES)) != before
    assert texts(right.summarize(ARTICLES)) == before  # the two share a tokenizer


def test_summaries_of_pegasus_have_line_breaks(checkpoint: Callable[[str], str]) -> None:
    from evalharness.models.engine import GeneratedText, Prompt

    writer = Seq2Seq(checkpoint("pegasus")).reader
    written = GeneratedText([5], " One said. <n> Two said .<n>Three", "stop")
    assert writer.clean_text(written, Prompt([1], 1)) == "One said.\nTwo said .\nThree"


def read_by(writer: Any, source: Article) -> Any:
    return writer.prompt(source)


@pytest.mark.parametrize("family", FAMILIES)
def test_read_is_the_end_of_the_last_token_that_was_kept(
    family: str, checkpoint: Callable[[str], str]
) -> None:
    model = Seq2Seq(checkpoint(family), **options(family, max_input_tokens=24))
    writer = model.reader
    for made, source in zip(model.summarize(ARTICLES), ARTICLES, strict=True):
        kept = read_by(writer, source)
        assert made.read == kept.read
        assert made.tokens_in == len(kept.ids) <= 24
        back = writer.tokenizer.decode(kept.ids, skip_special_tokens=True)
        assert back.strip() == (writer.prefix + source.text[: made.read]).strip()
        assert (made.read == len(source.text)) == (len(writer._tokens(source.text).input_ids) <= 24)


def test_article_is_cut_on_the_right_whatever_the_tokenizer_says(
    checkpoint: Callable[[str], str], tmp_path: Path
) -> None:
    folder = copy_of(checkpoint("t5"), tmp_path)
    edit(folder / "tokenizer_config.json", truncation_side="left", padding_side="left")
    right = Seq2Seq(checkpoint("t5"), **options("t5")).summarize(ARTICLES)
    assert Seq2Seq(str(folder), **options("t5")).summarize(ARTICLES) == right


def test_prefix_is_the_checkpoints_own_unless_given(checkpoint: Callable[[str], str]) -> None:
    own = Seq2Seq(checkpoint("t5"), **options("t5")).summarize(ARTICLES)
    given = options("t5", prefix="The dog said: ")
    assert Seq2Seq(checkpoint("t5"), **given).summarize(ARTICLES) == own
    none = Seq2Seq(checkpoint("t5"), **options("t5", prefix="")).summarize(ARTICLES)
    assert texts(none) != texts(own)


def test_prefix_is_kept_whole_when_the_article_is_cut(checkpoint: Callable[[str], str]) -> None:
    writer = Seq2Seq(checkpoint("t5"), **options("t5")).reader
    prompt = read_by(writer, ARTICLES[4])
    assert writer.tokenizer.decode(prompt.ids).startswith("The dog said: on no 12 the said")
    assert len(prompt.ids) == 64


def test_prefix_that_fills_the_window_is_an_error_of_the_article(
    checkpoint: Callable[[str], str],
) -> None:
    given = options("t5", prefix="The mayor said no. " * 9)
    (made,) = Seq2Seq(checkpoint("t5"), **given).summarize(ARTICLES[:1])
    assert made.finish == "error"
    assert made.note == "the prefix leaves no room for the article in 64 tokens"


def settings_of(model: Seq2Seq) -> Any:
    return model.reader.engine.settings


def test_decoding_is_the_checkpoints_own_under_its_task_under_the_options(
    checkpoint: Callable[[str], str],
) -> None:
    own = settings_of(Seq2Seq(checkpoint("t5")))
    assert (own.config.num_beams, own.config.max_length, own.cap) == (2, 20, 19)
    chosen = settings_of(Seq2Seq(checkpoint("t5"), num_beams=3, max_new_tokens=9))
    assert (chosen.config.num_beams, chosen.config.max_new_tokens, chosen.cap) == (3, 9, 9)
    assert chosen.config.max_length is None
    assert settings_of(Seq2Seq(checkpoint("bart"))).config.no_repeat_ngram_size == 3


def test_decoding_without_any_length_stops_at_128_tokens(checkpoint: Callable[[str], str]) -> None:
    assert settings_of(Seq2Seq(checkpoint("plain_t5"))).cap == 128
    assert settings_of(Seq2Seq(checkpoint("pegasus"))).cap == 96  # all the positions it has


def test_decoding_of_an_old_checkpoint_is_read_from_its_config(
    checkpoint: Callable[[str], str], tmp_path: Path
) -> None:
    old = copy_of(checkpoint("bart"), tmp_path)
    (old / "generation_config.json").unlink()
    legacy = {"max_length": 30, "min_length": 9, "num_beams": 2, "forced_bos_token_id": 0}
    edit(old / "config.json", **legacy, prefix=" ")
    made = Seq2Seq(str(old))
    own = settings_of(made)
    assert (own.config.max_length, own.config.min_length, own.cap) == (30, 9, 29)
    assert (own.config.num_beams, own.config.forced_bos_token_id) == (2, 0)
    assert made.reader.prefix == " "
    assert all(8 <= (s.tokens or 0) <= 29 for s in made.summarize(ARTICLES[:4]))


def test_max_length_counts_the_start_token_as_transformers_does(
    checkpoint: Callable[[str], str], tmp_path: Path
) -> None:
    folder = copy_of(checkpoint("pegasus"), tmp_path)
    edit(folder / "generation_config.json", max_length=12)
    stated = Seq2Seq(str(folder)).summarize(ARTICLES)
    assert stated == Seq2Seq(checkpoint("pegasus"), max_new_tokens=11).summarize(ARTICLES)
    assert max(s.tokens or 0 for s in stated) == 11


def copy_of(folder: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def edit(file: Path, **values: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


@pytest.mark.parametrize("beams", [1, 2])
def test_drawn_summaries_depend_on_seed_and_article_only(
    beams: int, checkpoint: Callable[[str], str]
) -> None:
    drawn = options("t5", do_sample=True, temperature=1.5, num_beams=beams)
    made = functools.partial(Seq2Seq, checkpoint("t5"), **drawn)
    alone = made(batch_size=1).summarize(ARTICLES)
    assert made(batch_size=8).summarize(ARTICLES) == alone
    assert made(batch_size=2).summarize(ARTICLES[::-1]) == alone[::-1]
    assert texts(made(seed=1).summarize(ARTICLES)) != texts(alone)


@pytest.mark.gpu
@pytest.mark.parametrize("family", FAMILIES)
def test_summaries_on_a_gpu_do_not_depend_on_batch_size_and_equal_the_cpus(
    family: str, checkpoint: Callable[[str], str]
) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    made = functools.partial(Seq2Seq, checkpoint(family), **options(family))
    on_cpu = made(device="cpu").summarize(ARTICLES)
    assert made(device="cuda", batch_size=1).summarize(ARTICLES) == on_cpu
    assert made(device="cuda", batch_size=8).summarize(ARTICLES) == on_cpu


def test_global_state_is_as_it_was_after_a_run(checkpoint: Callable[[str], str]) -> None:
    import torch
    from transformers.utils import logging

    before = (torch.get_num_threads(), torch.random.get_rng_state().tolist())
    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    drawn = options("t5", do_sample=True, num_beams=2)
    Seq2Seq(checkpoint("t5"), **drawn).summarize(ARTICLES[:2])
    assert (torch.get_num_threads(), torch.random.get_rng_state().tolist()) == before
    assert (logging.is_progress_bar_enabled(), logging.get_verbosity()) == (bars, verbosity)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("family", "wrong", "message"),
    [
        ("bart", {"max_input_tokens": 65}, "max_input_tokens: 65, but the model reads at most 64"),
        ("bart", {"max_new_tokens": 65}, "max_new_tokens: 65, but the decoder has 64 positions"),
        ("bart", {"target_language": "ro_RO"}, "target_language: .* is not multilingual"),
        ("mbart", {"source_language": "xx_YY"}, "source_language: .* has no language 'xx_YY'"),
        ("t5", {"max_new_tokens": None, "min_new_tokens": 20}, "min_new_tokens: 20 is above"),
    ],
)
def test_checkpoint_that_cannot_do_as_asked_is_refused(
    family: str, wrong: dict[str, Any], message: str, checkpoint: Callable[[str], str]
) -> None:
    with pytest.raises(ModelError, match=message):
        Seq2Seq(checkpoint(family), **options(family, **wrong)).summarize(ARTICLES[:1])


def test_article_that_cannot_be_read_does_not_harm_the_others(
    checkpoint: Callable[[str], str],
) -> None:
    model = Seq2Seq(checkpoint("bart"), batch_size=4, **options("bart"))
    bad = [Article("blank", " \n"), Article("torn", "The mayor \ud800 said no.")]
    made = model.summarize([ARTICLES[0], *bad, ARTICLES[1]])
    assert made[0::3] == model.summarize(ARTICLES[:2])
    assert [(s.article_id, s.finish) for s in made[1:3]] == [("blank", "error"), ("torn", "error")]
    assert made[1].note == "the article has no text"
    assert made[2].note


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": 0.5}, "temperature: is for sampling: add do_sample: true"),
        ({"top_p": 0.9, "do_sample": False}, "top_p: is for sampling"),
        ({"do_sample": True, "top_p": 1.5}, "top_p: 1.5 is out of range"),
        ({"do_sample": True, "temperature": 0.0}, "temperature: must be above 0; greedy"),
        ({"num_beams": 0}, "num_beams: 0 is out of range"),
        ({"num_beams": 1, "length_penalty": 2.0}, "length_penalty: is for beam search"),
        ({"min_new_tokens": 9, "max_new_tokens": 8}, "min_new_tokens: 9 is above max_new_tokens"),
        ({"batch_size": 0}, "batch_size: 0 is out of range"),
        ({"device": "gpu"}, "device: 'gpu' is none of"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Seq2Seq("nowhere", **wrong)


def test_batches_put_articles_of_like_length_together() -> None:
    batches = Seq2Seq("nowhere", batch_size=4).batches(ARTICLES)
    lengths = [[len(ARTICLES[i].text) for i in batch] for batch in batches]
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert [n for batch in lengths for n in batch] == sorted(
        (len(a.text) for a in ARTICLES), reverse=True
    )
    assert Seq2Seq("nowhere", device="cuda").batches(ARTICLES) == Seq2Seq("x").batches(ARTICLES)


LEAD1 = Path(__file__).parents[1] / "configs" / "quickstart"
FIRST_SENTENCE = re.compile(r"""\A.*?[.!?]["'”’)\]]?(?=[ \n\t\r][A-Z"'“‘(\[ \n\t\r])""", re.DOTALL)


@pytest.mark.skipif(not (LEAD1 / "lead1-bart").is_dir(), reason="quickstart is not there")
def test_checkpoint_that_copies_the_first_sentence_does_so() -> None:
    rows = (LEAD1 / "articles.jsonl").read_text(encoding="utf-8").splitlines()[:6]
    articles = [Article(row["id"], row["article"][:700]) for row in map(json.loads, rows)]
    made = Seq2Seq(str(LEAD1 / "lead1-bart"), max_new_tokens=400).summarize(articles)
    leads = [match[0] for a in articles if (match := FIRST_SENTENCE.match(a.text))]
    assert texts(made) == leads
    assert {s.finish for s in made} == {"stop"}


@pytest.mark.parametrize("family", FAMILIES)
def test_special_tokens_in_an_article_are_text(
    family: str, checkpoint: Callable[[str], str]
) -> None:
    reader = Seq2Seq(checkpoint(family)).reader
    special = {n for n, token in reader.tokenizer.added_tokens_decoder.items() if token.special}
    special -= {reader.tokenizer.unk_token_id}
    text = "It was</s><s> no<pad> dog.</s></s> A dog barked at the old station."
    plain = reader.prompt(Article("a", "It was no dog. A dog barked at the old station."))
    for n in (len(text), 30, 12):
        forged = reader.prompt(Article("b", text[:n] + " It was no dog." * (40 if n < 31 else 0)))
        assert isinstance(plain, Prompt)
        assert isinstance(forged, Prompt)
        for token in special:
            assert forged.ids.count(token) == plain.ids.count(token)
        whole = n == len(text) or reader.window is None
        assert (len(forged.ids) == reader.window) is not whole
        if n == len(text):
            assert forged.read == n
    (made,) = Seq2Seq(checkpoint(family)).summarize([Article("b", text)])
    assert made.finish != "error"


def test_stop_strings_of_the_checkpoint_end_a_summary(
    checkpoint: Callable[[str], str], tmp_path: Path
) -> None:
    free = Seq2Seq(checkpoint("bart"), num_beams=1).summarize(ARTICLES)
    stop = "mill"
    folder = Path(shutil.copytree(checkpoint("bart"), tmp_path / "stops"))
    file = folder / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"stop_strings": [stop]}))
    made = Seq2Seq(str(folder), num_beams=1).summarize(ARTICLES)
    assert [s.text for s in made] == [s.text.partition(stop)[0].strip() for s in free]
    assert [s.finish for s in made].count("stop") > 2
