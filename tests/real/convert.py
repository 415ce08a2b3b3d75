"""GGUF to a folder of safetensors and tokenizer: `python -m real.convert FILE.gguf FOLDER`."""

import sys
from pathlib import Path
from typing import Any


def convert(path: Path, folder: Path) -> None:
    """Write what a GGUF holds, dequantized, as a checkpoint in float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loader: Any = AutoModelForCausalLM
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    read = loader.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    config = read.config
    del config.quantization_config  # a model that says that it is quantized is not saved
    config._name_or_path = ""
    model = loader.from_config(config, dtype=torch.float32)
    model.load_state_dict(read.state_dict())
    model.generation_config = read.generation_config
    tokenizer.model_max_length = config.max_position_embeddings
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
