"""Write two tiny checkpoints that copy the first sentence of their input, without any training.

    python configs/quickstart/make_checkpoints.py [FOLDER]

`lead1-bart` is an ordinary `BartForConditionalGeneration`, `lead1-llama` an ordinary
`LlamaForCausalLM` with a chat template. Every weight is computed here, so a harness has real models
whose right answer is known: `first_sentence` below, byte for byte.

How a transformer copies a sentence:

* **Tokens are features.** A token's embedding is the bits of its number and four flags: is it white
  space, an end mark, a closing mark, can it open a sentence? Each is +1 or -1. (A control token has
  a column of its own instead of bits.) So all tokens have the same norm, and what the layers add is
  +1 or -1 too: a LayerNorm or RMSNorm divides by a number known in advance, and its weight
  multiplies by that number again. The two cancel.
* **Places are clock hands.** Place p has the code (cos wp, sin wp) for several frequencies w. To
  get the code of p + n, turn each hand by wn: a fixed matrix. Two codes have their largest dot
  product where the places agree, so a head with this matrix in its query looks at the token n
  further on and nowhere else. BART has the code in its position embeddings. Llama knows only
  distances (RoPE): its layer 1 works out how far a token is from the marker that opened its turn.
* **Copy heads.** A decoder that has written n tokens looks at token n of the article and copies it.
* **Stop flag.** The sentence ends before token i if i is white space, i + 1 can open a sentence,
  and i - 1 is an end mark, or i - 1 a closing mark and i - 2 an end mark. Heads fetch these flags,
  a hidden unit fires where all of them are +1, and that raises the column of the end token.
"""

import itertools
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save as to_safetensors
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (  # noqa: TID253 (a script: nothing imports it to be quick)
    BartConfig,
    GenerationConfig,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
)

Array = npt.NDArray[np.float64]
Weights = dict[str, Array]

# ---------------------------------------------------------------------------------------------
# The rule: [.!?]["'”’)\]]?(?=[ \n\t\r][A-Z"'“‘(\[ \n\t\r])
# Only ASCII capitals open a sentence, and there is no list of abbreviations: "Mr. Smith" ends at
# "Mr.". Anything more would need a model that knows words.

SPACE = r"[ \n\t\r]"
MARK = r"[.!?]"
CLOSER = r"""["'”’)\]]"""
OPENER = r"""[A-Z"'“‘(\[ \n\t\r]"""
RULE = re.compile(f"{MARK}{CLOSER}?(?={SPACE}{OPENER})")
FLAGS = {"space": SPACE, "mark": MARK, "closer": CLOSER, "opener": OPENER}


def first_sentence(text: str) -> str:
    """The text up to its first sentence end, or all of it: what both checkpoints write.

    >>> first_sentence('He said "no." Then he left.')
    'He said "no."'
    >>> first_sentence("No end")
    'No end'
    """
    end = RULE.search(text)
    return text[: end.end()] if end else text


# ---------------------------------------------------------------------------------------------
# Tokens: control tokens, then the 256 bytes, then the curly quotes (3 bytes in UTF-8, but one
# character for the rule) and their common first two bytes, which a byte-pair merge needs.

BART_CONTROL = ("<s>", "<pad>", "</s>", "<unk>")
LLAMA_CONTROL = (
    *("<s>", "<pad>", "<|end|>", "<|system|>"),
    *("<|user|>", "<|text|>", "<|assistant|>", "<|reply|>"),
)
BOS, PAD, EOS = 0, 1, 2
QUOTES = [quote.encode() for quote in "‘’“”"]
TEXT_TOKENS = [*(bytes([byte]) for byte in range(256)), QUOTES[0][:2], *QUOTES]

# A turn opens with two markers; Llama tells distances by how it divides its attention between them.
CHAT_TEMPLATE = """\
{{ bos_token }}\
{% for message in messages %}\
{% if message['role'] == 'user' %}<|user|><|text|>\
{% elif message['role'] == 'assistant' %}<|assistant|><|reply|>\
{% else %}<|system|>{% endif %}\
{{ message['content'] }}<|end|>\
{% endfor %}\
{% if add_generation_prompt %}<|assistant|><|reply|>{% endif %}"""

BITS = 9  # enough for 4 + 261 and for 8 + 261 tokens
CONTROL = 3.0  # a control token's one column; 3 squared = 9 bits, so all norms are equal
TOKEN_NORM = BITS + 4  # squared: the bits (or the control column) and four flags


def byte_letters() -> list[str]:
    """The printable stand-in of every byte in a byte-level vocabulary (GPT-2's table)."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = itertools.count(256)
    return [chr(byte if byte in printable else next(spare)) for byte in range(256)]


def make_tokenizer(control: Sequence[str], ends: str, **options: object) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer: one token a byte, or a curly quote. `ends` frames a text."""
    letters = byte_letters()
    names = ["".join(letters[byte] for byte in token) for token in TEXT_TOKENS]
    stem = names[256]
    merges = [(stem[0], stem[1]), *((stem, name[2:]) for name in names[257:])]
    vocabulary = {name: number for number, name in enumerate([*control, *names])}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in control])
    framing = [(name, vocabulary[name]) for name in (control[BOS], control[EOS])]
    tokenizer.post_processor = processors.TemplateProcessing(ends, None, framing)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=control[BOS],
        pad_token=control[PAD],
        eos_token=control[EOS],
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
        **options,
    )


# ---------------------------------------------------------------------------------------------
# Parts of both models. Matrices are (out, in), as torch stores them.


class Columns(dict[str, slice]):
    """Names for columns, or ranges of them, one after the other, and their total `width`.

    >>> Columns("bits:9 space mark")
    {'bits': slice(0, 9, None), 'space': slice(9, 10, None), 'mark': slice(10, 11, None)}
    """

    def __init__(self, names: str) -> None:
        self.width = 0
        for entry in names.split():
            name, _, width = entry.partition(":")
            self[name] = slice(self.width, self.width + int(width or 1))
            self.width = self[name].stop


def connect(matrix: Array, out: slice, source: slice, factor: float = 1.0) -> None:
    """Let the outputs `out` be `factor` times the inputs `source`."""
    matrix[out, source] = factor * np.eye(source.stop - source.start)


def column(columns: slice, index: int) -> slice:
    """One column of a range."""
    return slice(columns.start + index, columns.start + index + 1)


def token_features(columns: Columns, control: Sequence[str]) -> Array:
    """Embeddings, shape (tokens, columns): `bits`, `control` and the four flags are filled in."""
    table = np.zeros((len(control) + len(TEXT_TOKENS), columns.width))
    connect(table, slice(0, len(control)), columns["control"], CONTROL)
    numbers = np.arange(len(control), len(table))
    table[len(control) :, columns["bits"]] = 2 * (numbers[:, None] >> np.arange(BITS) & 1) - 1
    for name, pattern in FLAGS.items():
        flags = [bool(re.fullmatch(pattern, t.decode(errors="ignore"))) for t in TEXT_TOKENS]
        table[:, columns[name]] = -1
        table[len(control) :, columns[name]] += 2 * np.array(flags)[:, None]
    return table


def linear(name: str, weight: Array, bias: Array | None = None) -> Weights:
    """One linear layer."""
    bias = np.zeros(len(weight)) if bias is None else bias
    return {f"{name}.weight": weight, f"{name}.bias": bias}


def turn(frequencies: Array, shift: int) -> Array:
    """The matrix that makes the code of p + shift from that of p (cosines first, then sines)."""
    cos, sin = np.diag(np.cos(frequencies * shift)), np.diag(np.sin(frequencies * shift))
    return np.block([[cos, -sin], [sin, cos]])


# ---------------------------------------------------------------------------------------------
# BART: one encoder and one decoder layer. LayerNorm also subtracts the mean, so every column x has
# a twin -x and the mean is 0; the code below writes the first half only (`HALF`), and `read` and
# `write` add the twins.

BART_WINDOW = 1024
# 16 frequencies from U(0.02, pi): of 4,000 draws the one whose codes are the most unlike one
# another over 1,024 places. Equal places have a dot product of 16, different ones at most 6.75.
# fmt: off
HANDS = np.array([
    0.41, 0.498, 0.866, 1.037, 1.291, 1.309, 1.485, 1.708,
    2.363, 2.43, 2.459, 2.481, 2.497, 2.62, 2.808, 3.139,
])
# fmt: on
BART_SHARPNESS = 4.5  # times 16 - 6.75: the scores of other places are lower by 41 or more
BART_HEADS = 3
# From embeddings to the stop flag; "mark_1" is the flag "mark" of token i - 1, and so on.
HALF = Columns(
    f"code:{2 * len(HANDS)} bits:{BITS} control:{len(BART_CONTROL)} {' '.join(FLAGS)} "
    "mark_1 closer_1 mark_2 opener_next stop"
)
BART_HEAD_DIM = 2 * HALF.width // BART_HEADS
CODE_NORM = len(HANDS)  # squared
COPY = 0.5  # less than a token itself: a decoder that fails to forget its own token is found out
BART_LOGIT_SCALE = 20.0  # one wrong bit costs 2 (of +-1) x 0.5 x 2 (twins) x 20 = 40 in a logit

Move = tuple[str, str, float]  # from these columns there, to those columns here, times this


def read(matrix: Array) -> Array:
    """A matrix that reads the half, made to read it with its twins."""
    return np.hstack([matrix, -matrix]) / 2


def write(matrix: Array) -> Array:
    """A matrix (or bias) that writes the half, made to write the twins too."""
    return np.concatenate([matrix, -matrix])


def bart_norm(name: str, squared_norm: float) -> Weights:
    """A LayerNorm that changes nothing, for halves of this squared norm."""
    weight = np.full(2 * HALF.width, np.sqrt(squared_norm / HALF.width + 1e-5))
    return {f"{name}.weight": weight, f"{name}.bias": np.zeros(2 * HALF.width)}


def bart_attention(name: str, heads: Sequence[tuple[int, Sequence[Move]]]) -> Weights:
    """Attention of which head h looks `shift` tokens further on and makes the given moves."""
    query, key, value = np.zeros((3, BART_HEADS * BART_HEAD_DIM, HALF.width))
    out = np.zeros((HALF.width, BART_HEADS * BART_HEAD_DIM))
    for head, (shift, moves) in enumerate(heads):
        start = head * BART_HEAD_DIM
        code = slice(start, start + 2 * len(HANDS))
        # Torch divides scores by the root of the head's width: undone here.
        query[code, HALF["code"]] = turn(HANDS, shift) * BART_SHARPNESS * np.sqrt(BART_HEAD_DIM)
        connect(key, code, HALF["code"])
        for source, target, factor in moves:
            columns = slice(start, start + HALF[source].stop - HALF[source].start)
            connect(value, columns, HALF[source])
            connect(out, HALF[target], columns, factor)
            start = columns.stop
    return {
        **linear(f"{name}.q_proj", read(query)),
        **linear(f"{name}.k_proj", read(key)),
        **linear(f"{name}.v_proj", read(value)),
        **linear(f"{name}.out_proj", write(out)),
    }


def bart_encoder() -> Weights:
    """Fetch the neighbours' flags; set `stop` to +1 where a sentence ends, -1 elsewhere."""
    name = "model.encoder.layers.0"
    fetch = [
        (-1, [("mark", "mark_1", 1.0), ("closer", "closer_1", 1.0)]),
        (-2, [("mark", "mark_2", 1.0)]),
        (+1, [("opener", "opener_next", 1.0)]),
    ]
    # A unit for each way to end. Its sum of flags is 1 above its bias if all of them are +1, and at
    # least 1 below if not.
    fc1 = np.zeros((2, HALF.width))
    for unit, flags in enumerate([("mark_1",), ("closer_1", "mark_2")]):
        for flag in ("space", "opener_next", *flags):
            fc1[unit, HALF[flag]] = 1
    fc2, base = np.zeros((HALF.width, 2)), np.zeros(HALF.width)
    fc2[HALF["stop"]] = 2
    base[HALF["stop"]] = -1
    return {
        **bart_norm("model.encoder.layernorm_embedding", CODE_NORM + TOKEN_NORM),
        **bart_attention(f"{name}.self_attn", fetch),
        **bart_norm(f"{name}.self_attn_layer_norm", CODE_NORM + TOKEN_NORM + 4),
        **linear(f"{name}.fc1", read(fc1), np.array([-2.0, -3.0])),
        **linear(f"{name}.fc2", write(fc2), write(base)),
        **bart_norm(f"{name}.final_layer_norm", CODE_NORM + TOKEN_NORM + 5),
    }


def bart_decoder() -> Weights:
    """Forget the token just written, copy the one after it from the article, end it at a stop."""
    name = "model.decoder.layers.0"
    token = ["bits", "control", *FLAGS]
    forget = [(0, [(feature, feature, -1.0) for feature in token])]
    # The decoder's first token is the start token, the encoder's is <s>: +1 is the first to copy.
    copy = [(+1, [("bits", "bits", COPY), ("control", "control", COPY), ("stop", "stop", 1.0)])]
    copied = CODE_NORM + BITS * COPY**2 + 1
    fc1, fc2 = np.zeros((1, HALF.width)), np.zeros((HALF.width, 1))
    fc1[0, HALF["stop"]] = 1
    fc2[column(HALF["control"], EOS)] = CONTROL  # twice what a copied token has
    # The tied output layer compares with the embeddings: only what names a token is left to it.
    final = bart_norm(f"{name}.final_layer_norm", copied)
    named = np.zeros(HALF.width)
    named[HALF["bits"]] = named[HALF["control"]] = BART_LOGIT_SCALE
    final[f"{name}.final_layer_norm.weight"] *= np.concatenate([named, named])
    return {
        **bart_norm("model.decoder.layernorm_embedding", CODE_NORM + TOKEN_NORM),
        **bart_attention(f"{name}.self_attn", forget),
        **bart_norm(f"{name}.self_attn_layer_norm", CODE_NORM),
        **bart_attention(f"{name}.encoder_attn", copy),
        **bart_norm(f"{name}.encoder_attn_layer_norm", copied),
        **linear(f"{name}.fc1", read(fc1)),
        **linear(f"{name}.fc2", write(fc2)),
        **final,
    }


def bart_weights() -> Weights:
    """All tensors of the BART checkpoint."""
    tokens = token_features(HALF, BART_CONTROL)
    angles = np.arange(BART_WINDOW)[:, None] * HANDS
    places = np.zeros((BART_WINDOW + 2, HALF.width))  # BART leaves the first two rows unused
    places[2:, HALF["code"]] = np.hstack([np.cos(angles), np.sin(angles)])
    return {
        "model.shared.weight": write(tokens.T).T,
        "model.encoder.embed_positions.weight": write(places.T).T,
        "model.decoder.embed_positions.weight": write(places.T).T,
        **bart_encoder(),
        **bart_decoder(),
        "final_logits_bias": np.zeros((1, len(tokens))),
    }


def make_bart(folder: Path) -> None:
    """Write lead1-bart."""
    config = BartConfig(
        architectures=["BartForConditionalGeneration"],
        dtype="float32",
        vocab_size=len(BART_CONTROL) + len(TEXT_TOKENS),
        max_position_embeddings=BART_WINDOW,
        d_model=2 * HALF.width,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=BART_HEADS,
        decoder_attention_heads=BART_HEADS,
        encoder_ffn_dim=2,
        decoder_ffn_dim=1,
        activation_function="relu",
        dropout=0.0,
        scale_embedding=False,
        bos_token_id=BOS,
        pad_token_id=PAD,
        eos_token_id=EOS,
        decoder_start_token_id=EOS,
        forced_eos_token_id=None,
    )
    tokenizer = make_tokenizer(
        BART_CONTROL,
        "<s> $A </s>",
        unk_token=BART_CONTROL[3],
        model_max_length=BART_WINDOW,
        padding_side="right",
    )
    save(folder, config, bart_weights(), tokenizer)


# ---------------------------------------------------------------------------------------------
# Llama: two layers, one key-value head. Layer 1 finds the distance d from the marker that opened
# the turn: each of its heads looks only at the turn's two markers and divides its attention between
# them as sigmoid(0.4 cos wd); values +1 and -1 make tanh(0.2 cos wd) of it, near enough 0.2 cos wd.
# RoPE turns the queries and keys by w times the place, so it supplies wd; w are RoPE's frequencies.
# Layer 2 is BART's decoder and encoder in one: with the distance as code, four heads fetch the next
# token of the article and the flags around it, and the hidden units find the sentence end.

LLAMA_WINDOW = 2048
LLAMA_HEADS = 8
LLAMA_HEAD_DIM = 32
RATIO = 7.0  # RoPE's frequencies are 1, 1/7, 1/49 ... ; theta follows
PAIRS = LLAMA_HEAD_DIM // 2  # RoPE turns column i together with column i + 16
CLOCKS: Array = RATIO ** -np.arange(4.0)  # the four fastest; the slowest takes 2,155 places a turn
STILL = slice(8, 16)  # columns that RoPE turns by less than 0.001 over the whole window
PLAIN = slice(24, 25)  # likewise; holds scores that do not depend on the place
CONTRAST = 0.2
GAIN = 1 / (CONTRAST - CONTRAST**3 / 4)  # 1 / the first harmonic of tanh(0.2 cos x)
PREFERENCE = 15.0  # score of a marker over other tokens, and of the reply's over the user's
LLAMA_SHARPNESS = 120.0  # codes of other places are lower by at least 0.37 of 4: a score gap of 44
BARRED = 4000.0  # taken off the score of keys that are never to be copied
RMS_EPSILON = 1e-6
LLAMA_LOGIT_SCALE = 20.0  # one wrong bit costs 2 x 20 = 40

# The columns of: an embedding; layer 1 (side is +1 in a reply, -1 in what the user said); layer 2
# (the token to write, and the flags around it). The width must be a multiple of the heads.
STREAM = Columns(
    f"bits:{BITS} control:{len(LLAMA_CONTROL)} {' '.join(FLAGS)} "
    f"code:{2 * len(CLOCKS)} side "
    f"next_bits:{BITS} next_end next_space mark_1 closer_1 mark_2 opener_next unused:3"
)
VALUES = Columns(f"bits:{BITS} end {' '.join(FLAGS)}")  # what the heads of layer 2 fetch


def marker(name: str) -> slice:
    """The column of one control token."""
    return column(STREAM["control"], LLAMA_CONTROL.index(f"<|{name}|>"))


def llama_norm(name: str, squared_norm: float) -> Weights:
    """An RMSNorm that changes nothing, for vectors of this squared norm."""
    scale = np.sqrt(squared_norm / STREAM.width + RMS_EPSILON)
    return {f"{name}.weight": np.full(STREAM.width, scale)}


class LlamaLayer:
    """The matrices of one layer, all zero: as it is, the layer adds nothing."""

    def __init__(self) -> None:
        width, heads = STREAM.width, LLAMA_HEADS * LLAMA_HEAD_DIM
        self.query, self.query_bias = np.zeros((heads, width)), np.zeros(heads)
        self.key, self.key_bias = np.zeros((LLAMA_HEAD_DIM, width)), np.zeros(LLAMA_HEAD_DIM)
        self.value = np.zeros((LLAMA_HEAD_DIM, width))
        self.out = np.zeros((width, heads))
        self.gate, self.gate_bias = np.zeros((2, width)), np.zeros(2)
        self.down = np.zeros((width, 2))

    def weights(self, name: str, norm_before: float, norm_between: float) -> Weights:
        """The layer's tensors; the squared norms are those of what attention and MLP read."""
        return {
            **llama_norm(f"{name}.input_layernorm", norm_before),
            **linear(f"{name}.self_attn.q_proj", self.query, self.query_bias),
            **linear(f"{name}.self_attn.k_proj", self.key, self.key_bias),
            **linear(f"{name}.self_attn.v_proj", self.value),
            **linear(f"{name}.self_attn.o_proj", self.out),
            **llama_norm(f"{name}.post_attention_layernorm", norm_between),
            **linear(f"{name}.mlp.gate_proj", self.gate, self.gate_bias),
            **linear(f"{name}.mlp.up_proj", np.zeros_like(self.gate), np.ones(2)),
            **linear(f"{name}.mlp.down_proj", self.down),
        }


def head_rows(head: int, columns: slice) -> slice:
    """These columns of one head, among the columns of all heads."""
    start = head * LLAMA_HEAD_DIM
    return slice(start + columns.start, start + columns.stop)


def llama_distances() -> LlamaLayer:
    """Layer 1: write the distance code and the side."""
    layer = LlamaLayer()
    n = len(CLOCKS)
    for head in range(2 * n):
        # RoPE sees two paired columns as one complex number. For a key of 1 a query of 1 scores
        # cos wd, and a query of -i scores sin wd.
        hand, sine = divmod(head, 2)
        pair = column(head_rows(head, slice(0, LLAMA_HEAD_DIM)), hand + PAIRS * sine)
        layer.query_bias[pair] = (-1 if sine else 1) * CONTRAST * np.sqrt(LLAMA_HEAD_DIM)
        layer.query_bias[head_rows(head, PLAIN)] = np.sqrt(LLAMA_HEAD_DIM)
        layer.out[column(STREAM["code"], hand + n * sine), head * LLAMA_HEAD_DIM] = GAIN
    layer.out[STREAM["side"], 1] = 1
    for side, far, near in [(-1, "user", "text"), (+1, "assistant", "reply")]:
        # `far` is one step further away: its key is turned by that step, to score -cos wd exactly.
        layer.key[:n, marker(near)] = 1
        layer.key[:n, marker(far)] = -np.cos(CLOCKS)[:, None]
        layer.key[PAIRS : PAIRS + n, marker(far)] = -np.sin(CLOCKS)[:, None]
        for sign, role in [(-1, far), (+1, near)]:
            layer.key[PLAIN, marker(role)] = PREFERENCE * (1 if side < 0 else 2)
            layer.value[:2, marker(role)] = [[sign], [side]]
    layer.key /= CONTROL
    layer.value /= CONTROL
    return layer


def llama_copy() -> LlamaLayer:
    """Layer 2: fetch the article's next token and the flags around it; raise the end at a stop."""
    layer = LlamaLayer()
    fetch = [
        (+1, [("bits", "next_bits"), ("end", "next_end"), ("space", "next_space")]),
        (0, [("mark", "mark_1"), ("closer", "closer_1")]),
        (-1, [("mark", "mark_2")]),
        (+2, [("opener", "opener_next")]),
    ]
    for head, (shift, moves) in enumerate(fetch):
        look = turn(CLOCKS, shift) * LLAMA_SHARPNESS * np.sqrt(LLAMA_HEAD_DIM)
        layer.query[head_rows(head, STILL), STREAM["code"]] = look
        layer.query_bias[head_rows(head, PLAIN)] = np.sqrt(LLAMA_HEAD_DIM)
        for source, target in moves:
            connect(layer.out, STREAM[target], head_rows(head, VALUES[source]))
    connect(layer.key, STILL, STREAM["code"])
    # Bar the reply itself (side +1), and the first marker of a turn, which can attend to itself
    # only and so has a code far too large.
    layer.key[PLAIN, STREAM["side"]] = layer.key_bias[PLAIN] = -BARRED / 2
    layer.key[PLAIN, marker("user")] = layer.key[PLAIN, marker("assistant")] = -BARRED / CONTROL
    for feature in ("bits", *FLAGS):
        connect(layer.value, VALUES[feature], STREAM[feature])
    connect(layer.value, VALUES["end"], marker("end"))
    # As in BART; SiLU(20) is 20 and SiLU(-20) is 0.
    for unit, flags in enumerate([("mark_1",), ("closer_1", "mark_2")]):
        for flag in ("next_space", "opener_next", *flags):
            layer.gate[unit, STREAM[flag]] = 20
    layer.gate_bias[:] = -40, -60
    layer.down[STREAM["next_end"]] = 3 * CONTROL / 20  # logit 27 against 9 for the copied token
    return layer


def llama_weights() -> Weights:
    """All tensors of the Llama checkpoint."""
    tokens = token_features(STREAM, LLAMA_CONTROL)
    output = np.zeros_like(tokens)
    output[:, STREAM["next_bits"]] = tokens[:, STREAM["bits"]]
    output[:, STREAM["next_end"]] = tokens[:, marker("end")]
    with_code = TOKEN_NORM + len(CLOCKS) + 1
    copied = with_code + BITS + 5
    final = llama_norm("model.norm", copied)
    final["model.norm.weight"] *= LLAMA_LOGIT_SCALE
    return {
        "model.embed_tokens.weight": tokens,
        **llama_distances().weights("model.layers.0", TOKEN_NORM, with_code),
        **llama_copy().weights("model.layers.1", with_code, copied),
        **final,
        "lm_head.weight": output,
    }


def make_llama(folder: Path) -> None:
    """Write lead1-llama."""
    config = LlamaConfig(
        architectures=["LlamaForCausalLM"],
        dtype="float32",
        vocab_size=len(LLAMA_CONTROL) + len(TEXT_TOKENS),
        max_position_embeddings=LLAMA_WINDOW,
        hidden_size=STREAM.width,
        intermediate_size=2,
        num_hidden_layers=2,
        num_attention_heads=LLAMA_HEADS,
        num_key_value_heads=1,
        head_dim=LLAMA_HEAD_DIM,
        attention_bias=True,
        mlp_bias=True,
        rms_norm_eps=RMS_EPSILON,
        rope_parameters={"rope_type": "default", "rope_theta": RATIO**PAIRS},
        tie_word_embeddings=False,
        bos_token_id=BOS,
        pad_token_id=PAD,
        eos_token_id=EOS,
    )
    tokenizer = make_tokenizer(
        LLAMA_CONTROL,
        "<s> $A",
        model_max_length=LLAMA_WINDOW,
        padding_side="left",
        chat_template=CHAT_TEMPLATE,
    )
    save(folder, config, llama_weights(), tokenizer)


# ---------------------------------------------------------------------------------------------

MAX_NEW_TOKENS = 512  # bytes, not words: the longest first sentence seen in 510 articles has 365


def save(
    folder: Path, config: PreTrainedConfig, weights: Weights, tokenizer: PreTrainedTokenizerFast
) -> None:
    """Write one checkpoint; the same input gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(folder)
    generation = GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=MAX_NEW_TOKENS,
        bos_token_id=BOS,
        pad_token_id=PAD,
        eos_token_id=EOS,
        decoder_start_token_id=EOS if config.is_encoder_decoder else None,
    )
    generation.save_pretrained(folder)
    tensors = {name: np.ascontiguousarray(w, dtype=np.float32) for name, w in weights.items()}
    (folder / "model.safetensors").write_bytes(to_safetensors(tensors, {"format": "pt"}))
    tokenizer.save_pretrained(folder)


def main(folder: Path) -> None:
    """Write both checkpoints into the folder."""
    make_bart(folder / "lead1-bart")
    make_llama(folder / "lead1-llama")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
