"""Quantized checkpoints: loaded as they are stored, quantized as they load, or refused and why."""

import importlib.util
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evalharness.config.signature import signature_parts
from evalharness.errors import ModelError
from evalharness.models.causal import Causal
from evalharness.records import Article

LLAMA = Path(__file__).parents[1] / "configs" / "quickstart" / "lead1-llama"
ARTICLES = [
    Article("a", "The council will close the old bridge. Shops fear for trade."),
    Article("b", "It rained on Monday. Nobody was hurt, the mayor said."),
]
TEMPLATE = "{article}\n\nSummarize this article."


@pytest.fixture
def llama(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LLAMA, tmp_path / "llama"))


def says(folder: Path, **quantization: Any) -> None:
    """Have a config say how its weights are quantized."""
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = quantization
    (folder / "config.json").write_text(json.dumps(config))


def written(folder: Path, **options: Any) -> list[str]:
    model = Causal(str(folder), template=TEMPLATE, max_new_tokens=60, **options)
    return [summary.text for summary in model.summarize(ARTICLES)]


def store_as_fp8(folder: Path) -> None:
    """Store what the attention multiplies with in 8 bits, a scale for each matrix."""
    import torch
    from safetensors.torch import load_file, save_file

    stored = {}
    for name, tensor in load_file(folder / "model.safetensors").items():
        if not name.endswith("proj.weight"):
            stored[name] = tensor
            continue
        scale = tensor.abs().max().clamp(min=1e-6) / 448
        stored[name] = (tensor / scale).to(torch.float8_e4m3fn)
        stored[f"{name}_scale_inv"] = scale.reshape(1, 1).float()
    save_file(stored, folder / "model.safetensors", {"format": "pt"})


def test_fp8_is_computed_with_as_full_numbers_on_a_cpu_and_the_record_says_so(llama: Path) -> None:
    pytest.importorskip("accelerate")
    store_as_fp8(llama)
    says(llama, quant_method="fp8", weight_block_size=[128, 128])
    model = Causal(str(llama), template=TEMPLATE, max_new_tokens=60, quantization="fp8")
    summaries = model.summarize(ARTICLES)

    assert summaries[0].text
    assert model.generation_record()["quantization"] == "fp8, computed with as full numbers"
    assert "quantization" not in Causal(str(LLAMA)).generation_record()


@pytest.mark.parametrize(
    ("told", "method"),
    [
        ({"quant_method": "fp8"}, "fp8"),
        ({"quant_method": "gptq", "bits": 4}, "gptq"),
        ({"quant_method": "awq", "bits": 4}, "awq"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "bnb-4bit"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "bnb-8bit"),
    ],
)
def test_float_weights_whose_config_says_quantized_are_refused(
    llama: Path, told: Mapping[str, Any], method: str
) -> None:
    says(llama, **told)
    wanted = rf"weights are quantized \({method}\), and all of them are F32: take quantization_con"
    with pytest.raises(ModelError, match=wanted):
        written(llama)


def test_method_that_transformers_does_not_know_is_refused(llama: Path) -> None:
    says(llama, quant_method="eighth-note")
    with pytest.raises(ModelError, match=r"\(eighth-note\), which this transformers does not know"):
        written(llama)
    says(llama, bits=4)
    with pytest.raises(ModelError, match=r"\(no method\), which this transformers does not know"):
        written(llama)


@pytest.mark.parametrize(
    ("quantization", "message"),
    [
        ("gptq", "gptq is made beforehand, from sample texts, and .* is not quantized: name a"),
        ("awq", "awq is made beforehand, from sample texts"),
    ],
)
def test_what_is_not_made_while_loading_is_refused(quantization: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        written(LLAMA, quantization=quantization)


def test_another_quantization_than_the_stored_one_is_refused(llama: Path) -> None:
    says(llama, quant_method="gptq", bits=4)
    with pytest.raises(ModelError, match=r"bnb-4bit was asked for, and .* is stored as gptq: name"):
        written(llama, quantization="bnb-4bit")


def test_missing_packages_and_hardware_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    pytest.importorskip("accelerate")
    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match="A GPU or XPU is needed for FP8 quantization"):
            written(LLAMA, quantization="fp8")
    find = importlib.util.find_spec

    def without(name: str, *more: Any) -> Any:
        return None if name == "bitsandbytes" else find(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(ModelError, match="bnb-8bit needs: pip install bitsandbytes"):
        written(LLAMA, quantization="bnb-8bit")


@pytest.fixture(scope="module")
def random_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of random weights and a width that bitsandbytes can divide."""
    import torch
    import transformers

    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(LLAMA)
    shape = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2}
    config_of: Any = transformers.LlamaConfig
    config = config_of(vocab_size=len(tokenizer), **shape, **heads)
    config.eos_token_id, config.pad_token_id = tokenizer.eos_token_id, tokenizer.pad_token_id
    wrapper: Any = transformers.LlamaForCausalLM
    folder = tmp_path_factory.mktemp("random") / "llama"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        wrapper(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


BITS: Mapping[str, Mapping[str, Any]] = {
    "bnb-4bit": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    "bnb-8bit": {"load_in_8bit": True},
}


@pytest.mark.parametrize("quantization", BITS)
def test_bitsandbytes_writes_what_transformers_writes(
    quantization: Any, random_llama: Path, tmp_path: Path
) -> None:
    """Quantized as it loads, and once more of what was saved so."""
    pytest.importorskip("bitsandbytes")
    import torch
    import transformers

    wrapper: Any = transformers.AutoModelForCausalLM
    config_of: Any = transformers.BitsAndBytesConfig
    config = config_of(**BITS[quantization], bnb_4bit_compute_dtype=torch.float32)
    plain = wrapper.from_pretrained(random_llama, quantization_config=config, dtype=torch.float32)
    options: dict[str, Any] = {"template": TEMPLATE, "max_new_tokens": 9}
    ours = Causal(str(random_llama), **options, quantization=quantization)
    texts = [summary.text for summary in ours.summarize(ARTICLES)]
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(random_llama)
    plain.save_pretrained(tmp_path / "saved")
    tokenizer.save_pretrained(tmp_path / "saved")
    again = Causal(str(tmp_path / "saved"), **options)

    for article, text in zip(ARTICLES, texts, strict=True):
        ids = torch.tensor([ours.prompt(article).ids])  # type: ignore[union-attr]
        ones = torch.ones_like(ids)
        (out,) = plain.generate(input_ids=ids, attention_mask=ones, max_new_tokens=9)
        new = out[ids.shape[1] :]
        assert text == tokenizer.decode(new, skip_special_tokens=True).strip()
    assert ours.generation_record()["quantization"] == quantization
    assert [summary.text for summary in again.summarize(ARTICLES)] == texts
    assert again.generation_record()["quantization"] == quantization


def test_quantization_is_part_of_the_signature_where_it_is_set() -> None:
    plain = signature_parts("causal", Causal(str(LLAMA)))
    four = signature_parts("causal", Causal(str(LLAMA), quantization="bnb-4bit"))
    assert four.keys() - plain.keys() == {"quantization"}


def test_gguf_has_its_own() -> None:
    with pytest.raises(ValueError, match="quantization: a GGUF has its own"):
        Causal("m.Q4_1.gguf", quantization="bnb-4bit")
