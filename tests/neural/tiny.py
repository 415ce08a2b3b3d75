"""Tiny checkpoints, made by rule: the same on every machine, whatever version of torch.

Their weights are large (standard deviation 0.3 and not 0.02), so that answers differ from text to
text and a wrong label, a swapped pair or a lost separator shows.
"""

import hashlib
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

WORDS = """
    the a an and or but of in on at to for from with by is was were are be been has had have not
    no it he she they we his her their its this that who which said says will would could one
    two three four five ten first last new old bridge river city mayor council vote voted budget
    plan school rain storm train station report police fire court team match won lost people
    year week day million percent road harbour ferry bank price opened closed found built paid
    against
""".split()  # noqa: SIM905
SUBWORDS = ["ing", "ed", "er", "ly", "tion", "s", "es", "re", "un", "th", "ch", "ou", "ea", "in"]


def weights(model: Any, seed: int, scale: float = 0.3) -> None:
    """Set every weight by rule: matrices wide, norms near one, biases small, heads peaked."""
    import torch

    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
            drawn = rng.standard_normal(tuple(parameter.shape)) * scale
            if "classifier" in name:
                drawn *= 1.5 if parameter.ndim > 1 else 0.0
            elif parameter.ndim == 1:
                is_norm = "norm" in name.lower() and name.endswith("weight")
                drawn = drawn * 0.3 + (1.0 if is_norm else 0.0)
            parameter.copy_(torch.from_numpy(drawn.astype(np.float32)))


def _byte_level(specials: Sequence[str]) -> Any:
    """A byte-level BPE tokenizer (as RoBERTa's and BART's) that knows `WORDS`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*specials, *alphabet])}
    merges: list[tuple[str, str]] = []
    for word in [*(f"Ġ{word}" for word in WORDS), *SUBWORDS]:
        left = word[0]
        for letter in word[1:]:
            if left + letter not in vocabulary:
                vocabulary[left + letter] = len(vocabulary)
                merges.append((left, letter))
            left += letter
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def roberta_tokenizer(max_length: int = 512) -> Any:
    """RoBERTa's kind: `<s> a </s></s> b </s>`, no token types."""
    from tokenizers import processors
    from transformers import RobertaTokenizerFast

    tokenizer = _byte_level(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False
    )
    return RobertaTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=max_length, add_prefix_space=False
    )


def _pieces(specials: Sequence[str]) -> Any:
    """A Unigram tokenizer (as T5's and DeBERTa-v3's) that knows `WORDS` and ASCII."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = [chr(code) for code in range(33, 127)] + ["é", "ü", "’", "“", "”", "–", "£"]
    longer = [f"▁{word}" for word in WORDS] + SUBWORDS
    known = [(special, 0.0) for special in specials] + [("▁", -6.0)]
    known += [(letter, -7.0) for letter in letters]
    known += [(piece, -4.0 - 0.01 * number) for number, piece in enumerate(longer)]
    tokenizer = Tokenizer(models.Unigram(known, unk_id=specials.index(_unknown(specials))))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def _unknown(specials: Sequence[str]) -> str:
    return next(special for special in specials if "unk" in special.lower())


def t5_tokenizer(max_length: int = 2048) -> Any:
    """T5's kind: one end mark, no token types."""
    import transformers
    from tokenizers import processors

    tokenizer = _pieces(["<pad>", "</s>", "<unk>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    fast: Any = transformers.PreTrainedTokenizerFast
    return fast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
    )


def bert_tokenizer(max_length: int = 512) -> Any:
    """BERT's kind, over pieces: `[CLS] a [SEP] b [SEP]`, with token types."""
    import transformers
    from tokenizers import processors

    tokenizer = _pieces(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    fast: Any = transformers.PreTrainedTokenizerFast
    return fast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        eos_token="[SEP]",
        bos_token="[CLS]",
        unk_token="[UNK]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def save(folder: Path, model: Any, tokenizer: Any, seed: int, scale: float = 0.3) -> Path:
    """Set the weights by rule and write a checkpoint; return its folder."""
    weights(model, seed, scale)
    model.eval()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _config(kind: str, **options: Any) -> Any:
    from transformers import AutoConfig

    return AutoConfig.for_model(kind, **options)


def roberta_classifier(folder: Path, labels: Sequence[str], seed: int = 119) -> Path:
    """A RoBERTa that sorts a text or pair into labels."""
    from transformers import RobertaConfig, RobertaForSequenceClassification

    tokenizer = roberta_tokenizer()
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=514,
        type_vocab_size=1,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )
    return save(folder, RobertaForSequenceClassification(config), tokenizer, seed)


def deberta_classifier(folder: Path, labels: Sequence[str], seed: int = 2) -> Path:
    """A DeBERTa-v3 (relative positions only, so of any length) that sorts texts or pairs."""
    from transformers import DebertaV2ForSequenceClassification

    tokenizer = bert_tokenizer(2048)
    config = _config(
        "deberta-v2",
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=512,
        position_biased_input=False,
        relative_attention=True,
        position_buckets=16,
        pos_att_type=["p2c", "c2p"],
        share_att_key=True,
        norm_rel_ebd="layer_norm",
        type_vocab_size=0,
        pad_token_id=0,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )
    return save(folder, DebertaV2ForSequenceClassification(config), tokenizer, seed)


def t5(folder: Path, seed: int = 3) -> Path:
    """A Flan-T5 (gated, untied head) that writes; its vocabulary is above its tokenizer's."""
    from transformers import T5ForConditionalGeneration

    config = _config(
        "t5",
        vocab_size=512,
        d_model=32,
        d_kv=16,
        d_ff=64,
        num_layers=2,
        num_decoder_layers=2,
        num_heads=2,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
    )
    return save(folder, T5ForConditionalGeneration(config), t5_tokenizer(), seed)


def hhem(folder: Path, seed: int = 5) -> tuple[Path, Path]:
    """HHEM as its authors publish it (a prefix to names, a config of their own), and a backbone."""
    from safetensors.torch import load_file, save_file
    from transformers import AutoConfig, T5ForTokenClassification

    backbone = t5(folder / "backbone")
    config = AutoConfig.from_pretrained(backbone, num_labels=2)
    published = save(folder / "hhem", T5ForTokenClassification(config), t5_tokenizer(), seed)
    tensors = load_file(published / "model.safetensors")
    save_file({f"t5.{name}": t for name, t in tensors.items()}, published / "model.safetensors")
    for file in published.glob("*.json"):
        file.unlink()
    (published / "config.json").write_text('{"model_type": "HHEMv2"}')
    return published, backbone


def weights_digest(folder: Path) -> str:
    """Return a hash of a checkpoint's weights and its tokenizer's vocabulary."""
    from safetensors.numpy import load_file

    whole = hashlib.sha256()
    for name, tensor in sorted(load_file(folder / "model.safetensors").items()):
        whole.update(name.encode() + tensor.astype(np.float32).tobytes())
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    whole.update(json.dumps(vocabulary, sort_keys=True).encode())
    return whole.hexdigest()[:16]


NLI_LABELS = ("entailment", "neutral", "contradiction")
