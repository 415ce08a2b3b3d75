"""Quantized weights: those that a checkpoint stores, and those that are quantized as they load."""

import importlib.util
import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from evalharness.errors import ModelError

Quantization = Literal["bnb-4bit", "bnb-8bit", "fp8", "gptq", "awq"]

# The classes of transformers that quantize while loading, their arguments, and what they need.
_WHILE_LOADING: Mapping[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "bnb-4bit": (
        "BitsAndBytesConfig",
        {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
        ("bitsandbytes", "accelerate"),
    ),
    "bnb-8bit": ("BitsAndBytesConfig", {"load_in_8bit": True}, ("bitsandbytes", "accelerate")),
    "fp8": ("FineGrainedFP8Config", {}, ("accelerate",)),
}
# Methods whose weights are never all stored as floating-point numbers of 16 bits or more.
_NEVER_FLOAT = frozenset(
    ["bnb-4bit", "bnb-8bit", "gptq", "awq", "fp8", "fbgemm_fp8", "mxfp4", "mxfp8", "eetq", "hqq"]
)
_FLOAT = frozenset(["F64", "F32", "F16", "BF16"])
_LONGEST_HEADER = 1 << 27


def stored_method(config: Any) -> str | None:
    """Return how a checkpoint's config says that its weights are quantized; None if it does not."""
    told = getattr(config, "quantization_config", None)
    if not told:
        return None
    told = told if isinstance(told, Mapping) else told.to_dict()
    if told.get("load_in_4bit"):
        return "bnb-4bit"
    if told.get("load_in_8bit"):
        return "bnb-8bit"
    return str(told.get("quant_method") or "no method")


def loading_options(
    quantization: Quantization | None, config: Any, checkpoint: str, dtype: str
) -> dict[str, Any]:
    """Return what transformers is to be told, so that the weights are as asked; often nothing.

    Raises: ModelError where they cannot be: they are stored in another way, a package is missing,
    or they are made from sample texts.
    """
    stored = stored_method(config)
    if stored is not None and stored not in _known_methods():
        raise ModelError(
            f"{checkpoint}: config.json says that its weights are quantized ({stored}), which this "
            "transformers does not know and would pass over; update transformers"
        )
    if quantization is None or quantization == stored:
        return {}
    if stored is not None:
        raise ModelError(
            f"quantization: {quantization} was asked for, and {checkpoint} is stored as {stored}: "
            "name a checkpoint of full numbers, or leave the option out"
        )
    if quantization not in _WHILE_LOADING:
        raise ModelError(
            f"quantization: {quantization} is made beforehand, from sample texts, and {checkpoint} "
            f"is not quantized: name a checkpoint that was, or ask for {', '.join(_WHILE_LOADING)}"
        )
    return _options(quantization, dtype)


def _options(quantization: Quantization, dtype: str) -> dict[str, Any]:
    name, arguments, packages = _WHILE_LOADING[quantization]
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise ModelError(f"quantization: {quantization} needs: pip install {' '.join(missing)}")
    import torch
    import transformers

    if quantization == "bnb-4bit":
        known = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
        arguments = arguments | {"bnb_4bit_compute_dtype": known.get(dtype, torch.float32)}
    return {"quantization_config": getattr(transformers, name)(**arguments)}


def _known_methods() -> frozenset[str]:
    from transformers.quantizers.auto import AUTO_QUANTIZATION_CONFIG_MAPPING

    return frozenset(AUTO_QUANTIZATION_CONFIG_MAPPING) | {"bnb-4bit", "bnb-8bit"}


def check_stored(config: Any, folder: Path, checkpoint: str) -> None:
    """Refuse weights that are not quantized though the config says so: they load without a word.

    Raises: ModelError.
    """
    stored = stored_method(config)
    if stored not in _NEVER_FLOAT:
        return
    kinds = {kind for file in folder.glob("*.safetensors") for kind in _kinds_of_numbers(file)}
    if kinds and kinds <= _FLOAT:
        raise ModelError(
            f"{checkpoint}: config.json says that the weights are quantized ({stored}), and all of "
            f"them are {', '.join(sorted(kinds))}: take quantization_config out of config.json, or "
            "name the checkpoint that was quantized"
        )


def _kinds_of_numbers(file: Path) -> Iterator[str]:
    """Yield in which kind of numbers each tensor is stored; nothing where the file is not whole."""
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(length)) if length <= _LONGEST_HEADER else {}
            yield from [str(value["dtype"]) for name, value in header.items() if name[0] != "_"]
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError):
        return  # what loads it says what is wrong


def computed_as(model: Any, config: Any, quantization: Quantization | None) -> str:
    """Return how the weights of a loaded model are quantized; empty where they are not."""
    method = stored_method(config) or quantization
    if method is None:
        return ""
    full = not getattr(model, "is_quantized", False)  # FP8 without a GPU, for one
    return f"{method}, computed with as full numbers" if full else method
