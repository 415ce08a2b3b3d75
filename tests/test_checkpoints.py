"""The quickstart checkpoints write the first sentence, and nothing else, however they are run."""

import hashlib
import importlib.util
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).parents[1]
QUICKSTART = ROOT / "configs" / "quickstart"
ARTICLES = ROOT.parent / "shared" / "data" / "articles"
NAMES = ["lead1-bart", "lead1-llama"]
INSTRUCTION = "\n\nSummarize the article above in one sentence."
LARGEST = 2_000_000  # bytes of weights; they are kept in git

# Texts and their first sentences, cut by hand: an oracle apart from the regular expression.
CASES = [
    ("A cat sat on the mat. It was a Tuesday.", "A cat sat on the mat."),
    ("Who knew? Nobody did!", "Who knew?"),
    ('He said: "It rains." Then he left.', 'He said: "It rains."'),
    ("She called it “a mess.” ‘Quite,’ he said.", "She called it “a mess.”"),
    ("It rose (by 3.5 per cent.) Analysts were glad.", "It rose (by 3.5 per cent.)"),
    ("Costs fell 1.5% to £2.3m. “Good,” they said.", "Costs fell 1.5% to £2.3m."),
    ("Zürich, 東京 and 🙂 agreed... Then – they did not.", "Zürich, 東京 and 🙂 agreed..."),
    ("First line.\nSecond line.", "First line."),
    ("One paragraph!\r\n\r\nanother paragraph.", "One paragraph!"),
    (
        "Dots... inside, e.g. here, end nothing. But this.",
        "Dots... inside, e.g. here, end nothing.",
    ),
    ("Mr. Smith went to Washington. He came back.", "Mr."),
    (
        "no capital. follows here! 2 digits. neither? Yes",
        "no capital. follows here! 2 digits. neither?",
    ),
    ("A", "A"),
    ("\n\tNo sentence end at all", "\n\tNo sentence end at all"),
]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint as a user loads it."""

    model: Any
    tokenizer: Any
    info: dict[str, Any]

    def prompts(self, texts: Sequence[str]) -> Sequence[str]:
        """What the model is to read: for Llama a chat, of which the article is the first part."""
        if self.model.config.is_encoder_decoder:
            return texts
        turns = [[{"role": "user", "content": text}] for text in texts]
        return self.tokenizer.apply_chat_template(  # type: ignore[no-any-return]
            turns, add_generation_prompt=True, tokenize=False
        )

    def write(self, texts: Sequence[str], batch: int, **options: Any) -> list[str]:
        """A summary of each text."""
        reads = self.model.config.is_encoder_decoder
        written: list[str] = []
        for start in range(0, len(texts), batch):
            prompts = self.prompts(texts[start : start + batch])
            inputs = self.tokenizer(
                prompts,
                add_special_tokens=reads,
                truncation=True,
                padding=True,
                return_tensors="pt",
            )
            outputs = self.model.generate(**inputs, **options)
            new = outputs if reads else outputs[:, inputs["input_ids"].shape[1] :]
            written += self.tokenizer.batch_decode(new, skip_special_tokens=True)
        return written


def load(folder: Path) -> Checkpoint:
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    auto: Any = AutoModelForSeq2SeqLM if "bart" in folder.name else AutoModelForCausalLM
    model, info = auto.from_pretrained(
        folder, use_safetensors=True, trust_remote_code=False, output_loading_info=True
    )
    return Checkpoint(model.eval(), AutoTokenizer.from_pretrained(folder), info)


@pytest.fixture(scope="module")
def checkpoints() -> dict[str, Checkpoint]:
    return {name: load(QUICKSTART / name) for name in NAMES}


@pytest.fixture(params=NAMES)
def checkpoint(request: pytest.FixtureRequest, checkpoints: dict[str, Checkpoint]) -> Checkpoint:
    return checkpoints[request.param]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make", QUICKSTART / "make_checkpoints.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def weights(folder: Path, name: str) -> str:
    return hashlib.sha256((folder / name / "model.safetensors").read_bytes()).hexdigest()


def test_rule_is_the_one_stated_in_the_readme(script: ModuleType) -> None:
    assert f"\n    {script.RULE.pattern}\n" in (QUICKSTART / "README.md").read_text("utf-8")
    assert [script.first_sentence(text) for text, _ in CASES] == [lead for _, lead in CASES]


def test_two_builds_and_the_committed_files_have_the_same_bytes(
    script: ModuleType, tmp_path: Path
) -> None:
    script.main(tmp_path / "one")
    script.main(tmp_path / "two")
    for name in NAMES:
        digests = {weights(folder, name) for folder in (tmp_path / "one", tmp_path / "two")}
        assert digests == {weights(QUICKSTART, name)}
        built, kept = (
            json.loads((f / name / "tokenizer.json").read_text("utf-8"))
            for f in (tmp_path / "one", QUICKSTART)
        )
        assert built == kept


@pytest.mark.parametrize("name", NAMES)
def test_files_are_small_and_name_no_machine(name: str) -> None:
    assert (QUICKSTART / name / "model.safetensors").stat().st_size <= LARGEST
    for path in (QUICKSTART / name).glob("*config.json"):
        text = path.read_text("utf-8")
        assert "_name_or_path" not in text
        assert "/" not in text.replace("</s>", "")


def test_places_look_as_different_as_the_script_says(script: ModuleType) -> None:
    away = np.arange(1, script.BART_WINDOW)
    assert np.cos(away[:, None] * script.HANDS).sum(axis=1).max() < 6.76
    away = np.arange(1, script.LLAMA_WINDOW)
    assert np.cos(away[:, None] * script.CLOCKS).sum(axis=1).max() < 4 - 0.37


def test_every_weight_is_loaded(checkpoint: Checkpoint) -> None:
    assert not any(checkpoint.info.values()), checkpoint.info


def test_limits_and_padding_are_those_of_the_model(
    checkpoints: dict[str, Checkpoint], script: ModuleType
) -> None:
    bart, llama = (checkpoints[name] for name in NAMES)
    assert bart.tokenizer.model_max_length == bart.model.config.max_position_embeddings == 1024
    assert llama.tokenizer.model_max_length == llama.model.config.max_position_embeddings == 2048
    assert (bart.tokenizer.padding_side, llama.tokenizer.padding_side) == ("right", "left")


@pytest.mark.parametrize(
    "text", [*(text for text, _ in CASES), bytes(range(256)).decode("latin-1")]
)
def test_tokens_decode_to_the_text(checkpoint: Checkpoint, text: str) -> None:
    numbers = checkpoint.tokenizer(text)["input_ids"]
    assert checkpoint.tokenizer.decode(numbers, skip_special_tokens=True) == text


def test_chat_begins_with_its_one_bos_and_ends_with_the_reply(
    checkpoints: dict[str, Checkpoint],
) -> None:
    tokenizer = checkpoints["lead1-llama"].tokenizer
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    numbers = tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]
    assert numbers[0] == tokenizer.bos_token_id
    assert numbers.count(tokenizer.bos_token_id) == 1
    assert tokenizer.decode(numbers) == (
        "<s><|system|>Be brief.<|end|><|user|><|text|>Hello<|end|><|assistant|><|reply|>"
    )


@pytest.mark.parametrize(
    ("batch", "options"),
    [
        (1, {}),
        (8, {}),
        (8, {"num_beams": 4}),
        pytest.param(
            *(8, {"num_beams": 4, "length_penalty": 2.0, "early_stopping": True}),
            marks=pytest.mark.slow,
        ),
        (8, {"max_new_tokens": 128}),
        pytest.param(8, {"do_sample": True}, marks=pytest.mark.slow),
    ],
)
def test_first_sentence_is_copied(
    checkpoint: Checkpoint, batch: int, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger("transformers")  # does not propagate
    log.addHandler(caplog.handler)
    written = checkpoint.write([text for text, _ in CASES], batch, **options)
    log.removeHandler(caplog.handler)
    assert written == [lead for _, lead in CASES]
    assert not caplog.records


def test_llama_reads_the_article_before_an_instruction(
    checkpoints: dict[str, Checkpoint], script: ModuleType
) -> None:
    prompts = [text + INSTRUCTION for text, _ in CASES]
    expected = [script.first_sentence(prompt) for prompt in prompts]
    assert checkpoints["lead1-llama"].write(prompts, batch=8) == expected
    assert expected[:3] == [lead for _, lead in CASES[:3]]
    assert expected[-1] == prompts[-1]


def noise(length: int, seed: int) -> str:
    """Text that repeats itself everywhere, so that only the place tells what comes next."""
    return "".join(np.random.default_rng(seed).choice(["a", "b"], length))


def test_bart_copies_up_to_its_window(checkpoints: dict[str, Checkpoint]) -> None:
    """One pass over what generate() would write step by step: every next token is the right one."""
    bart = checkpoints["lead1-bart"]
    texts = [noise(length, seed=length) for length in (1022, 3000)]
    inputs = bart.tokenizer(texts, truncation=True, return_tensors="pt")
    after_bos = inputs["input_ids"][:, 1:].contiguous()
    assert after_bos.shape[1] == 1023
    assert (bart.model(**inputs, labels=after_bos).logits.argmax(-1) == after_bos).all()


def test_llama_copies_up_to_its_window(checkpoints: dict[str, Checkpoint]) -> None:
    llama = checkpoints["lead1-llama"]
    text = noise(1020, seed=0)
    [prompt] = llama.prompts([text])
    inputs = llama.tokenizer([prompt + text], add_special_tokens=False, return_tensors="pt")
    assert inputs["input_ids"].shape[1] == 2046
    predicted = llama.model(**inputs).logits.argmax(-1)[0, -1021:]
    assert llama.tokenizer.decode(predicted) == text + "<|end|>"


@pytest.mark.slow
def test_bart_writes_up_to_its_window(checkpoints: dict[str, Checkpoint]) -> None:
    texts = [noise(length, seed=length) for length in (300, 1021, 1022, 1023, 3000)]
    written = checkpoints["lead1-bart"].write(texts, batch=8, max_new_tokens=1023)
    assert written == [text[:1022] for text in texts]


@pytest.mark.parametrize("length", [1000, 1500, 1900])
def test_llama_reads_up_to_its_window(checkpoints: dict[str, Checkpoint], length: int) -> None:
    llama = checkpoints["lead1-llama"]
    text = noise(100, seed=length) + ". " + noise(length - 108, seed=0) + ". End."
    text = text.replace(". b", ". B").replace(". a", ". A")
    markers = 6  # <s> <|user|> <|text|> before, <|end|> <|assistant|> <|reply|> after
    assert len(
        llama.tokenizer(llama.prompts([text])[0], add_special_tokens=False)["input_ids"]
    ) == (length + markers)
    assert llama.write([text], 1) == [text[:101]]


@pytest.mark.slow
def test_llama_writes_up_to_its_window(checkpoints: dict[str, Checkpoint]) -> None:
    text = noise(1018, seed=0)
    assert checkpoints["lead1-llama"].write([text], 1, max_new_tokens=1024) == [text]


def test_a_least_length_ends_at_a_later_sentence_end(checkpoint: Checkpoint) -> None:
    text = "One. Two. Three and four. Five."
    assert checkpoint.write([text], 1, min_new_tokens=12) == ["One. Two. Three and four."]


def test_a_lower_cap_cuts_the_sentence(checkpoint: Checkpoint) -> None:
    assert checkpoint.write(["A cat sat on the mat. It did."], 1, max_new_tokens=5) == ["A cat"]


@pytest.mark.slow
@pytest.mark.skipif(not ARTICLES.is_dir(), reason="needs ../shared/data/articles")
@pytest.mark.parametrize("path", sorted(ARTICLES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_shared_articles_give_their_first_sentence(
    checkpoint: Checkpoint, script: ModuleType, path: Path
) -> None:
    """Every article, cut as a harness would cut it; none has a first sentence beyond the cap."""
    room = 1022 if checkpoint.model.config.is_encoder_decoder else 1400
    lines = path.read_text("utf-8").splitlines()
    texts = [json.loads(line)["article"].encode()[:room].decode(errors="ignore") for line in lines]
    expected = [script.first_sentence(text) for text in texts]
    written = checkpoint.write(texts, batch=8)
    wrong = [pair for pair in zip(written, expected, strict=True) if pair[0] != pair[1]]
    assert len(wrong) <= 0.01 * len(texts), wrong[:3]


@pytest.mark.slow
@pytest.mark.skipif(not ARTICLES.is_dir(), reason="needs ../shared/data/articles")
@pytest.mark.parametrize(("batch", "beams"), [(1, 1), (1, 4), (8, 4)])
def test_batch_and_beams_change_no_shared_article(
    checkpoint: Checkpoint, batch: int, beams: int
) -> None:
    lines = (ARTICLES / "zhang23_writers.jsonl").read_text("utf-8").splitlines()[:16]
    texts = [json.loads(line)["article"].encode()[:1000].decode(errors="ignore") for line in lines]
    assert checkpoint.write(texts, batch, num_beams=beams) == checkpoint.write(texts, batch=8)
