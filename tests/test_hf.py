"""Checkpoints are named by their content, and refused where they are not whole."""

import json
import os
import shutil
import struct
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalharness.errors import MissingExtra, ModelError
from evalharness.hf import hub as hub_files
from evalharness.hf import weights as hf_weights


@pytest.fixture(scope="session")
def bart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny BART with tied embeddings, as BART has them."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BartConfig, BartForConditionalGeneration, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("bart")
    words = {word: i for i, word in enumerate(("<s>", "<pad>", "</s>", "<unk>", "no", "bridge"))}
    core = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    wrapper: Any = PreTrainedTokenizerFast
    wrapper(tokenizer_object=core, pad_token="<pad>", eos_token="</s>").save_pretrained(folder)
    shape: dict[str, Any] = {"d_model": 8, "encoder_layers": 1, "decoder_layers": 1}
    shape |= {"encoder_ffn_dim": 8, "decoder_ffn_dim": 8, "max_position_embeddings": 16}
    shape |= {"encoder_attention_heads": 1, "decoder_attention_heads": 1}
    model: Any = BartForConditionalGeneration(BartConfig(vocab_size=len(words), **shape))
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def copy(bart: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bart, tmp_path / "copy"))


def load(folder: Path | str, **more: Any) -> hf_weights.Loaded:
    return hf_weights.load_checkpoint(
        hf_weights.Request("AutoModelForSeq2SeqLM", str(folder), **more)
    )


def edit_weights(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def edit_config(folder: Path, **values: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_identity_of_a_folder_is_its_content_not_its_place(bart: Path, copy: Path) -> None:
    before = hf_weights.checkpoint_identity(str(bart))
    assert list(before) == ["sha256"]
    assert hf_weights.checkpoint_identity(str(copy)) == before
    (copy / "README.md").write_text("Read me.")
    (copy / "optimizer.pt").write_bytes(b"0")
    assert hf_weights.checkpoint_identity(str(copy)) == before


@pytest.mark.parametrize(
    "file",
    ["config.json", "generation_config.json", "tokenizer.json", "chat_template.jinja", "own.py"],
)
def test_identity_of_a_folder_changes_with_what_matters(bart: Path, copy: Path, file: str) -> None:
    with (copy / file).open("a") as stream:
        stream.write(" ")
    assert hf_weights.checkpoint_identity(str(copy)) != hf_weights.checkpoint_identity(str(bart))


# What tokenizers and adapters of all kinds are read from, and code in subfolders.
READ = [
    "source.spm",
    "target.spm",
    "vocab-src.json",
    "vocab-tgt.json",
    "bpe.codes",
    "dict.txt",
    "prophetnet.tokenizer",
    "sentencepiece.bpe.model",
    "adapter_config.json",
    "adapter_model.safetensors",
    "tokenizer.bin",
    "code/deep/own.py",
    "additional_chat_templates/rag.jinja",
    "1_Pooling/config.json",
]
UNREAD = [
    "README.md",
    "optimizer.pt",
    "rng_state_0.pth",
    "training_args.bin",
    "pytorch_model-00001-of-2.bin",
    "model.onnx",
    "tf_model.h5",
    "flax_model.msgpack",
    ".gitattributes",
    ".cache/huggingface/x.lock",
    "__pycache__/own.pyc",
    "checkpoint-500/model.safetensors",
    "onnx/model_quantized.onnx",
    "results/name/run.json",
]


@pytest.mark.parametrize("file", READ)
def test_identity_of_a_folder_changes_with_all_that_loading_may_read(
    bart: Path, copy: Path, file: str
) -> None:
    before = hf_weights.checkpoint_identity(str(copy))
    (copy / file).parent.mkdir(parents=True, exist_ok=True)
    (copy / file).write_text("one")
    one = hf_weights.checkpoint_identity(str(copy))
    (copy / file).write_text("two!")
    assert len({i["sha256"] for i in (before, one, hf_weights.checkpoint_identity(str(copy)))}) == 3


@pytest.mark.parametrize("file", UNREAD)
def test_identity_of_a_folder_stays_where_nothing_that_is_read_changes(
    copy: Path, file: str
) -> None:
    before = hf_weights.checkpoint_identity(str(copy))
    (copy / file).parent.mkdir(parents=True, exist_ok=True)
    (copy / file).write_text("one")
    assert hf_weights.checkpoint_identity(str(copy)) == before


def test_identity_follows_links_but_in_no_circle(bart: Path, copy: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    for file in bart.iterdir():
        (linked / file.name).symlink_to(file)
    assert hf_weights.checkpoint_identity(str(linked)) == hf_weights.checkpoint_identity(str(bart))
    (copy / "again").symlink_to(copy)
    assert hf_weights.checkpoint_identity(str(copy)) == hf_weights.checkpoint_identity(str(bart))


def test_identity_of_a_folder_changes_with_its_weights(bart: Path, copy: Path) -> None:
    edit_weights(copy, lambda weights: weights["final_logits_bias"].add_(1))
    assert hf_weights.checkpoint_identity(str(copy)) != hf_weights.checkpoint_identity(str(bart))


def test_identity_of_a_commit_is_itself() -> None:
    assert hf_weights.checkpoint_identity("org/name", "a" * 40) == {"revision": "a" * 40}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of a hub cache that knows one commit; the hub itself is not reached."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refs = tmp_path / "models--org--name" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text("b" * 40)
    hub_files.commit_of.cache_clear()
    yield tmp_path
    hub_files.commit_of.cache_clear()


def test_identity_offline_is_the_cached_commit(hub: Path) -> None:
    assert hf_weights.checkpoint_identity("org/name") == {"revision": "b" * 40}
    with pytest.raises(ModelError, match="not in the cache, and HF_HUB_OFFLINE is set: run `hf do"):
        hf_weights.checkpoint_identity("org/name", "v2")
    with pytest.raises(ModelError, match=r"no folder 'org/other'; .* `hf download org/other`"):
        hf_weights.checkpoint_identity("org/other")


def test_identity_online_is_the_hubs_commit_else_the_cached_one(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import types

    from huggingface_hub import HfApi, constants

    def answers(self: HfApi, name: str, **_: Any) -> Any:
        return types.SimpleNamespace(sha="c" * 40)

    def unreachable(self: HfApi, name: str, **_: Any) -> Any:
        raise ConnectionError("no route")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(HfApi, "model_info", answers)
    assert hf_weights.checkpoint_identity("org/name") == {"revision": "c" * 40}
    monkeypatch.setattr(HfApi, "model_info", unreachable)
    assert hf_weights.checkpoint_identity("org/name") == {
        "revision": "c" * 40
    }  # a process has one answer
    hub_files.commit_of.cache_clear()
    assert hf_weights.checkpoint_identity("org/name") == {"revision": "b" * 40}
    with pytest.raises(ModelError, match="the hub cannot be reached"):
        hf_weights.checkpoint_identity("org/other")


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "~/nowhere", "../nowhere"])
def test_folder_that_does_not_exist_is_no_name_on_the_hub(name: str) -> None:
    with pytest.raises(ModelError, match="no folder"):
        hf_weights.checkpoint_identity(name)


def test_revision_of_a_folder_is_refused(bart: Path) -> None:
    with pytest.raises(ModelError, match=r"revision 'main': .* is a folder"):
        hf_weights.checkpoint_identity(str(bart), "main")


def test_identity_needs_no_torch(bart: Path) -> None:
    code = "import sys; from evalharness.hf import weights; "
    code += "weights.checkpoint_identity(sys.argv[1]); weights.check_device('cpu')"
    code += "; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(bart)], check=False).returncode == 0


def test_load_is_silent_whole_and_ready(bart: Path, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    made = load(bart)
    assert capfd.readouterr() == ("", "")
    assert not made.model.training
    assert made.device == hf_weights.place("auto")
    assert made.tokenizer("no bridge")["input_ids"] == [4, 5]


def test_load_keeps_the_latest_and_sees_a_change(copy: Path) -> None:
    first = load(copy)
    assert load(copy) is first
    first.model.itself = [first]  # as a model and its tokenizers refer to each other
    gone = weakref.ref(first.model)
    del first
    edit_weights(copy, lambda weights: weights["final_logits_bias"].add_(1))
    second = load(copy)
    assert gone() is None
    assert list(hf_weights._latest.values()) == [second]  # only one is kept in memory
    assert second.model.final_logits_bias.mean() == 1


def test_load_takes_dtype_and_attention(bart: Path) -> None:
    import torch

    made = load(bart, dtype="bfloat16", attention="eager")
    assert made.model.dtype == torch.bfloat16
    assert made.model.config._attn_implementation == "eager"


def test_missing_weight_is_refused(copy: Path) -> None:
    edit_weights(copy, lambda weights: weights.pop("model.decoder.layers.0.fc1.weight"))
    with pytest.raises(ModelError, match=r"lack model\.decoder\.layers\.0\.fc1\.weight$"):
        load(copy)


def test_many_missing_weights_are_counted(copy: Path) -> None:
    def drop(weights: dict[str, Any]) -> None:
        for name in [name for name in weights if ".encoder." in name]:
            del weights[name]

    edit_weights(copy, drop)
    with pytest.raises(ModelError, match=r"the weights lack model\.encoder\..* and \d+ more"):
        load(copy)


def test_weights_that_an_architecture_computes_may_be_absent(copy: Path) -> None:
    edit_weights(copy, lambda weights: weights.pop("final_logits_bias"))
    assert load(copy).model.final_logits_bias.abs().sum() == 0


def test_weights_of_another_shape_are_refused(copy: Path) -> None:
    edit_config(copy, encoder_ffn_dim=12)
    with pytest.raises(ModelError, match=r"other shapes than config\.json says: .*fc1"):
        load(copy)


def test_pickled_weights_are_refused(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    (copy / "pytorch_model.bin").write_bytes(b"\x80")
    with pytest.raises(ModelError, match=r"only pickle weights \(pytorch_model\.bin\).*convert"):
        load(copy)


def gguf_header(*fields: tuple[str, int, bytes], n: int | None = None) -> bytes:
    """Return the head of a GGUF: name, number of its type and bytes of each field."""
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(fields) if n is None else n)
    for name, kind, value in fields:
        head += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind) + value
    return head


TEXT = struct.pack("<Q", 5) + b"llama"
WORDS = struct.pack("<IQ", 8, 2) + TEXT + TEXT
NUMBERS = struct.pack("<IQ", 5, 3) + bytes(12)


def test_gguf_is_named_by_content_and_quantization(tmp_path: Path) -> None:
    path = tmp_path / "tiny.Q4_1.gguf"
    fields = [("general.architecture", 8, TEXT), ("words", 9, WORDS), ("numbers", 9, NUMBERS)]
    names = []
    for number in (3, 15, 999):
        told = ("general.file_type", 4, struct.pack("<I", number))
        path.write_bytes(gguf_header(*fields, told))
        names.append(hf_weights.checkpoint_identity(str(path)))
    assert [name["quantization"] for name in names] == ["Q4_1", "Q4_K_M", "type 999"]
    assert len({name["sha256"] for name in names}) == 3
    path.write_bytes(gguf_header(*fields))
    assert hf_weights.checkpoint_identity(str(path))["quantization"] == "unknown"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 and more",
        gguf_header(("a", 8, b"")),
        gguf_header(("a", 77, b"1234")),
        gguf_header(("a", 9, struct.pack("<IQ", 8, 1 << 60))),
        gguf_header(n=1 << 40),
    ],
)
def test_file_that_is_no_whole_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.gguf").write_bytes(content)
    with pytest.raises(ModelError, match="no whole GGUF file; download it again"):
        hf_weights.checkpoint_identity(str(tmp_path / "a.gguf"))


def test_wrong_path_to_a_gguf_and_a_folder_with_one_say_what_to_name(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "tiny.gguf")
    with pytest.raises(ModelError, match=r"weights as GGUF only; name the file: tiny\.gguf"):
        load(copy)
    with pytest.raises(ModelError, match=r"no file '.*other\.gguf'; a GGUF on the hub is download"):
        hf_weights.checkpoint_identity(str(copy / "other.gguf"))
    with pytest.raises(ModelError, match=r"no file 'owner/other\.gguf'"):
        hf_weights.checkpoint_identity("owner/other.gguf")


def test_gguf_without_its_reader_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf_header(("general.file_type", 4, struct.pack("<I", 3))))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"tiny\.gguf, a GGUF, needs: pip install"):
        load(path)


def test_damaged_weights_are_refused(copy: Path) -> None:
    (copy / "model.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(ModelError, match="copy: "):
        load(copy)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("model.safetensors", "no weights"),
        ("config.json", r"no config\.json"),
    ],
)
def test_folder_that_lacks_a_file_is_refused(copy: Path, file: str, message: str) -> None:
    (copy / file).unlink()
    with pytest.raises(ModelError, match=message):
        load(copy)


def test_folder_without_a_tokenizer_is_refused(copy: Path) -> None:
    for file in copy.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ModelError, match="no tokenizer files"):
        load(copy)


def test_remote_code_is_refused_unless_named(copy: Path) -> None:
    edit_config(copy, model_type="own", auto_map={"AutoConfig": "own.OwnConfig"})
    (copy / "own.py").write_text(f"open({str(copy / 'ran')!r}, 'w')\n")
    with pytest.raises(ModelError, match=r"brings Python code of its own; .* remote_code: true"):
        load(copy)
    assert not (copy / "ran").exists()


def test_unknown_kind_of_model_is_refused(copy: Path) -> None:
    edit_config(copy, model_type="unheard-of")
    with pytest.raises(ModelError, match="unheard-of"):
        load(copy)


def test_model_of_another_kind_is_refused(copy: Path) -> None:
    edit_config(copy, model_type="bert", architectures=["BertModel"])
    with pytest.raises(ModelError, match="no model of this kind \\(Seq2SeqLM\\)"):
        load(copy)


def test_device_that_is_not_there_is_refused_before_loading(bart: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one here")
    with pytest.raises(ModelError, match="device: cuda was asked for, and torch sees 0 CUDA"):
        load(bart, device="cuda")
    with pytest.raises(ModelError, match="device: cuda:3"):
        load(bart, device="cuda:3")


def test_device_map_names_the_package_it_needs(bart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"device_map needs: pip install .*accelerate"):
        load(bart, device_map="auto")


def test_unknown_device_is_refused() -> None:
    for device in ("auto", "cpu", "cuda", "cuda:1", "mps"):
        hf_weights.check_device(device)
    with pytest.raises(ValueError, match="device: 'gpu' is none of"):
        hf_weights.check_device("gpu")


def test_quiet_restores_what_it_silenced() -> None:
    import warnings

    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with hf_weights.quiet():
        warnings.warn("not heard", UserWarning, stacklevel=1)
        assert not logging.is_progress_bar_enabled()
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (verbosity, bars)
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", UserWarning, stacklevel=1)


@pytest.mark.gpu
def test_device_auto_is_the_gpu(bart: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    assert load(bart).device.type == "cuda"
    assert load(bart, device="cpu").device.type == "cpu"


@pytest.mark.slow
def test_name_on_the_hub_is_loaded_from_the_cache_offline(bart: Path, tmp_path: Path) -> None:
    home = tmp_path / "hub" / "models--org--name"
    shutil.copytree(bart, home / "snapshots" / ("d" * 40))
    (home / "refs").mkdir()
    (home / "refs" / "v1").write_text("d" * 40)
    (home / "refs" / "main").write_text("e" * 40)  # of which nothing was downloaded
    code = (
        "from evalharness.hf.weights import Request, checkpoint_identity, load_checkpoint\n"
        "made = load_checkpoint(Request('AutoModelForSeq2SeqLM', 'org/name', 'v1'))\n"
        "print(made.tokenizer('no bridge')['input_ids'], checkpoint_identity('org/name', 'v1'))\n"
        "load_checkpoint(Request('AutoModelForSeq2SeqLM', 'org/other'))\n"
    )
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.stdout == f"[4, 5] {{'revision': '{'d' * 40}'}}\n"
    assert "ModelError: no folder 'org/other'" in ran.stderr.splitlines()[-1]
