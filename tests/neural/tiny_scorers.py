"""Tiny checkpoints of the scorers that are no plain classifiers; see `tiny`."""

import json
from pathlib import Path
from typing import Any

from neural import tiny

SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
}


def roberta_encoder(folder: Path, layers: int, seed: int, **more: Any) -> Path:
    """A RoBERTa without a head; slow tokenizers of transformers 4 can read it too."""
    from transformers import RobertaConfig, RobertaModel

    tokenizer = tiny.roberta_tokenizer()
    shape = {**SHAPE, "vocab_size": len(tokenizer), "num_hidden_layers": layers, **more}
    config = RobertaConfig(**shape)
    tiny.save(folder, RobertaModel(config), tokenizer, seed)
    return _for_slow_tokenizers(folder)


def _for_slow_tokenizers(folder: Path) -> Path:
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    (folder / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False))
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    return folder


def alignscore(folder: Path, seed: int = 221) -> Path:
    """A RoBERTa encoder, and beside it `align.ckpt`: the same with AlignScore's three heads."""
    import torch
    from transformers import AutoModel

    folder = roberta_encoder(folder / "roberta", layers=2, seed=seed)
    whole = torch.nn.Module()
    whole.base_model = AutoModel.from_pretrained(folder)
    heads = (("bin_layer", 2, 0.6), ("tri_layer", 3, 0.6), ("reg_layer", 1, 0.1))
    for name, size, scale in heads:  # the last one's number is trained to lie in 0 to 1
        layer = torch.nn.Linear(32, size)
        tiny.weights(layer, seed + size, scale)
        whole.add_module(name, layer)
    checkpoint = {
        "state_dict": whole.state_dict(),
        "hyper_parameters": {"model": "roberta-tiny"},
        "pytorch-lightning_version": "1.9.0",
        "epoch": 0,
        "global_step": 0,
    }
    torch.save(checkpoint, folder / "align.ckpt")
    return folder


def bertscore_roberta(folder: Path) -> Path:
    """A RoBERTa of four layers, of which BERTScore uses three."""
    return roberta_encoder(folder, layers=4, seed=231)


def bertscore_bert(folder: Path) -> Path:
    """A lower-casing BERT that reads 128 tokens; slow tokenizers of transformers 4 can read it."""
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()] + list("é’“”–£…ж市")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += [*letters, *(f"##{letter}" for letter in letters), *tiny.WORDS]
    pieces = list(dict.fromkeys(pieces))
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n")
    make: Any = BertTokenizer
    tokenizer = make(str(folder / "vocab.txt"), do_lower_case=True, model_max_length=128)
    shape: dict[str, Any] = {**SHAPE, "vocab_size": len(pieces), "num_hidden_layers": 4}
    shape |= {"max_position_embeddings": 128, "pad_token_id": 0, "type_vocab_size": 2}
    return tiny.save(folder, BertModel(BertConfig(**shape)), tokenizer, seed=232)


def bart(folder: Path, seed: int = 241) -> Path:
    """A BART that writes; it reads 1,024 tokens."""
    from transformers import BartConfig, BartForConditionalGeneration

    tokenizer = tiny.roberta_tokenizer(1024)
    config = BartConfig(
        vocab_size=len(tokenizer),
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=1024,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=2,
    )
    return tiny.save(folder, BartForConditionalGeneration(config), tokenizer, seed)


def unieval(folder: Path, seed: int = 251) -> Path:
    """A T5 whose tokenizer knows Yes and No."""
    from transformers import AutoConfig, T5ForConditionalGeneration

    tokenizer = tiny.t5_tokenizer(1024)
    tokenizer.add_tokens(["Yes", "No"])
    config: Any = AutoConfig.for_model(
        "t5",
        vocab_size=512,
        d_model=32,
        d_kv=16,
        d_ff=64,
        num_layers=2,
        num_heads=2,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
    )
    return tiny.save(folder, T5ForConditionalGeneration(config), tokenizer, seed, scale=0.2)


def lettucedetect(folder: Path, seed: int = 261) -> Path:
    """A ModernBERT that sorts tokens into two labels."""
    from transformers import AutoConfig, ModernBertForTokenClassification

    tokenizer = tiny.bert_tokenizer(4096)
    config: Any = AutoConfig.for_model(
        "modernbert",
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=2,
        max_position_embeddings=4096,
        local_attention=64,
        num_labels=2,
        pad_token_id=0,
        cls_token_id=1,
        sep_token_id=2,
        bos_token_id=1,
        eos_token_id=2,
    )
    return tiny.save(folder, ModernBertForTokenClassification(config), tokenizer, seed)
