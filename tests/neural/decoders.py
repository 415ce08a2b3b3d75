"""Tiny decoders, with and without a chat template, whose answers differ from text to text."""

from pathlib import Path
from typing import Any

from neural import tiny

LENGTH = 400

# Bring their own begin mark, as Llama's do; the second opens no answer of its own.
CHAT = (
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# No two of these begin with the same letter: a vocabulary without the words must tell them too.
ANSWERS = ("Yes", " Yes", "yes", "No", " No", "NO")


def tokenizer_of(family: str, answers: bool = True) -> Any:
    """Return a byte-level tokenizer; `gpt2` has no padding, no begin mark and no chat template."""
    import transformers
    from tokenizers import processors

    core = tiny._byte_level(["<s>", "</s>", "<pad>", "<|im_start|>", "<|im_end|>"])
    names = {"eos_token": "</s>"}
    if family != "gpt2":
        names |= {"bos_token": "<s>", "pad_token": "<pad>"}
        core.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 0)])
    fast: Any = transformers.PreTrainedTokenizerFast
    tokenizer = fast(tokenizer_object=core, model_max_length=10**30, **names)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    if answers:
        tokenizer.add_tokens(list(ANSWERS))
    if family != "gpt2":
        tokenizer.chat_template = CHAT
    return tokenizer


def decoder(folder: Path, family: str, answers: bool = True, length: int = LENGTH) -> Path:
    """Save a tiny `gpt2` (learned positions), `llama` or `qwen2` (rotated ones)."""
    import transformers

    tokenizer = tokenizer_of(family, answers)
    shape: dict[str, Any] = {"vocab_size": len(tokenizer), "tie_word_embeddings": False}
    shape |= {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    shape |= {"pad_token_id": tokenizer.pad_token_id}
    if family == "gpt2":
        shape |= {"n_positions": length, "n_embd": 32, "n_layer": 2, "n_head": 2}
    else:
        shape |= {"max_position_embeddings": length, "hidden_size": 32, "intermediate_size": 48}
        shape |= {"num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1}
    name = {"gpt2": "GPT2", "llama": "Llama", "qwen2": "Qwen2"}[family]
    config = getattr(transformers, f"{name}Config")(**shape)
    model = getattr(transformers, f"{name}{'LMHeadModel' if family == 'gpt2' else 'ForCausalLM'}")
    return tiny.save(folder, model(config), tokenizer, seed=3)
