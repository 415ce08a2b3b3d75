"""GGUF, llama.cpp's files of weights: what the header says, read by itself and without a package.

transformers reads the weights (extra `gguf`) and computes with them as if they had never been
quantized; how they were is part of a model's signature, and stands in the header.
"""

import struct
from pathlib import Path
from typing import BinaryIO

from evalharness.errors import ModelError

ENDING = ".gguf"
_MAGIC = b"GGUF"
_FILE_TYPE = b"general.file_type"
_STRING, _ARRAY = 8, 9
# Sizes of the values of a header, by the number of their type.
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_LONGEST = 1 << 24  # of a text or a list in a header
# `general.file_type`, which says how most tensors are quantized.
_QUANTIZATIONS = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    32: "BF16",
}


def is_gguf(checkpoint: str) -> bool:
    """Tell whether a checkpoint's name is that of a file of this form.

    >>> is_gguf("models/smollm2.Q4_1.gguf"), is_gguf("models/smollm2")
    (True, False)
    """
    return checkpoint.lower().endswith(ENDING)


def quantization(path: Path) -> str:
    """Return how most weights are quantized (`Q4_1`), by the header.

    Raises: ModelError where the file is no whole GGUF, or says nothing of it.
    """
    try:
        with path.open("rb") as file:
            number = _file_type(file)
    except (struct.error, ValueError, KeyError, RecursionError) as error:
        raise ModelError(f"{path}: no whole GGUF file; download it again") from error
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error
    return "unknown" if number is None else _QUANTIZATIONS.get(number, f"type {number}")


def _file_type(file: BinaryIO) -> int | None:
    if file.read(4) != _MAGIC:
        raise ValueError
    version, _, n_fields = _unpack(file, "<IQQ")
    if version not in (2, 3):
        raise ValueError
    for _ in range(n_fields):
        name = _text(file)
        (kind,) = _unpack(file, "<I")
        if name == _FILE_TYPE and _SIZES.get(kind) == 4:
            return int(_unpack(file, "<I")[0])
        _skip(file, kind)
    return None


def _skip(file: BinaryIO, kind: int) -> None:
    if kind == _STRING:
        _text(file)
    elif kind == _ARRAY:
        inner, n = _unpack(file, "<IQ")
        if n > _LONGEST:
            raise ValueError
        if inner in _SIZES:
            file.seek(n * _SIZES[inner], 1)
            return
        for _ in range(n):
            _skip(file, inner)
    else:
        file.seek(_SIZES[kind], 1)


def _text(file: BinaryIO) -> bytes:
    (n,) = _unpack(file, "<Q")
    if n > _LONGEST:
        raise ValueError
    text = file.read(n)
    if len(text) < n:
        raise ValueError
    return text


def _unpack(file: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))
