"""A network at work: texts to tokens, tokens to results, in batches that fit.

Imported when the work starts, since torch is.
"""

import gc
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoConfig, AutoTokenizer

from evalharness.errors import ModelError
from evalharness.hf import weights
from evalharness.hf.prompts import first_sign_of_marks, parts_of_text
from evalharness.neural.batches import (
    Encoded,
    FloatValues,
    Memory,
    pack_ids,
    pad_rows,
    plan_batches,
)

Inputs = Mapping[str, torch.Tensor]
Forward = Callable[[Inputs], torch.Tensor]
Truncation = Literal["longest_first", "only_first", "only_second"]

# `auto` by device: the most tokens of a batch. On a CPU small batches are quickest: on a model like
# MiniLM, 1,024 tokens did 1.16 times as many pairs a second as 4,096.
_BUDGET = {"cpu": 1_024, "mps": 8_192, "cuda": 65_536}
# Texts that are tokenized at a time: the tokenizer's own records of a token take some 100 bytes.
_ENCODED_TOGETHER = 256
_SURROGATES = re.compile("[\ud800-\udfff]")


class TokenOffsets(NamedTuple):
    """The tokens of a text without special ones: ids, shape (tokens,); offsets, (tokens, 2)."""

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]


class _Frame(NamedTuple):
    """The special tokens before, between and after texts, and the types of all tokens."""

    special: Sequence[Sequence[int]]
    special_types: Sequence[Sequence[int]]
    side_types: Sequence[int]


class Network:
    """A loaded checkpoint that scores items; what it computed once it remembers.

    A special token that a text spells out (`</s>`, `[SEP]`) is text: it ends nothing.
    """

    def __init__(
        self, loaded: weights.Loaded, batch_tokens: int | Literal["auto"] = "auto"
    ) -> None:
        self.model = loaded.model
        self.tokenizer = loaded.tokenizer
        self.device = loaded.device
        kind = loaded.device.type
        self.budget = _BUDGET.get(kind, 1_024) if batch_tokens == "auto" else batch_tokens
        self.memory = Memory()
        self.computed = 0  # items that went through the network
        self._first_sign = first_sign_of_marks(self.tokenizer)

    def encode(
        self,
        texts: Sequence[str],
        pairs: Sequence[str] | None = None,
        *,
        max_tokens: int | None = None,
        truncation: Truncation = "longest_first",
        special_tokens: bool = True,
        meant: Sequence[Container[int]] | None = None,
    ) -> list[Encoded]:
        """Return each text, or text and pair, as tokens; cut to `max_tokens` where it is longer.

        meant: of each text, where special tokens stand that are meant as such, as prompts have.
        """
        options: dict[str, Any] = {
            "return_attention_mask": False,
            "add_special_tokens": special_tokens,
        }
        if max_tokens is not None:
            options |= {"truncation": truncation, "max_length": max_tokens}
        sides = [texts] if pairs is None else [texts, pairs]
        encoded: list[Encoded] = []
        for start in range(0, len(texts), _ENCODED_TOGETHER):
            some = slice(start, start + _ENCODED_TOGETHER)
            asked = [()] * len(texts[some]) if meant is None else meant[some]
            encoded += self._encode([side[some] for side in sides], max_tokens, options, asked)
        return encoded

    def _encode(
        self,
        given: Sequence[Sequence[str]],
        max_tokens: int | None,
        options: Mapping[str, Any],
        meant: Sequence[Container[int]],
    ) -> list[Encoded]:
        sides = [[without_surrogates(text) for text in side] for side in given]
        with weights.quiet():
            rows = self.tokenizer(*sides, **options)
        types = rows.get("token_type_ids")
        encoded: list[Encoded] = []
        for place, ids in enumerate(rows["input_ids"]):
            kept, texts = None, [side[place] for side in sides]
            if any(len(parts) > 1 for parts in self._parts(texts, meant[place])):
                encoded.append(self._encode_parts(texts, meant[place], max_tokens, options))
                continue
            if max_tokens is not None and len(ids) >= max_tokens:
                kept = self._characters_kept(texts, options)
            encoded.append(
                Encoded(pack_ids(ids), pack_ids(types[place]) if types else b"", kept=kept)
            )
        return encoded

    def _parts(self, texts: Sequence[str], meant: Container[int]) -> list[list[str]]:
        """Return texts in parts without special tokens, but for those meant in the first text."""
        where = [meant, ()]
        return [
            parts_of_text(text, self._first_sign, own)
            for text, own in zip(texts, where, strict=False)
        ]

    def _encode_parts(
        self,
        texts: Sequence[str],
        meant: Container[int],
        max_tokens: int | None,
        options: Mapping[str, Any],
    ) -> Encoded:
        """Return a text, or a pair, as tokens, where one spells out special tokens."""
        frame = self._frame(len(texts))
        special = frame.special if options["add_special_tokens"] else [()] * (len(texts) + 1)
        sides = [self.tokens_of_parts(parts) for parts in self._parts(texts, meant)]
        most = [len(side.ids) for side in sides]
        if max_tokens is not None:
            room = max(0, max_tokens - sum(map(len, special)))
            most = room_of_sides(most, room, options["truncation"])
        ids, types = [*special[0]], [*frame.special_types[0][: len(special[0])]]
        for n, (side, kept) in enumerate(zip(sides, most, strict=True)):
            ids += [*side.ids[:kept].tolist(), *special[n + 1]]
            types += [frame.side_types[n]] * kept
            types += frame.special_types[n + 1][: len(special[n + 1])]
        cut = any(kept < len(side.ids) for side, kept in zip(sides, most, strict=True))
        ends = [int(s.offsets[:k, 1].max(initial=0)) for s, k in zip(sides, most, strict=True)]
        whole = (ends[0], ends[1] if len(ends) > 1 else 0)
        return Encoded(
            pack_ids(ids),
            pack_ids(types) if "token_type_ids" in self.tokenizer.model_input_names else b"",
            kept=whole if cut and self.tokenizer.is_fast else None,
        )

    def tokens_of_text(self, text: str) -> TokenOffsets:
        """Return the tokens of a text alone, without special ones."""
        return self.tokens_of_parts(parts_of_text(without_surrogates(text), self._first_sign))

    def tokens_of_parts(self, parts: Sequence[str]) -> TokenOffsets:
        """Return the tokens of a text, each of its parts for itself; no offsets are all 0."""
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        start, fast = 0, self.tokenizer.is_fast
        for part in parts:
            with weights.quiet():
                row = self.tokenizer(part, add_special_tokens=False, return_offsets_mapping=fast)
            ids += row["input_ids"]
            ends = row["offset_mapping"] if fast else [(-start, -start)] * len(row["input_ids"])
            offsets += [(start + first, start + last) for first, last in ends]
            start += len(part)
        return TokenOffsets(np.asarray(ids, np.int32), np.asarray(offsets, np.int64).reshape(-1, 2))

    def _frame(self, sides: int) -> _Frame:
        """Return what the tokenizer puts around so many texts. Raises: ModelError."""
        with weights.quiet():
            bare = self.tokenizer("a", add_special_tokens=False)["input_ids"]
            whole = self.tokenizer(*["a"] * sides)
        ids, types = whole["input_ids"], whole.get("token_type_ids")
        types = types or [0] * len(ids)
        starts = [n for n in range(len(ids)) if bare and ids[n : n + len(bare)] == bare]
        if len(starts) != sides:
            raise ModelError("the checkpoint's tokenizer changes a text as it adds special tokens")
        bounds = [0, *(n for at in starts for n in (at, at + len(bare))), len(ids)]
        gaps = [slice(*bounds[n : n + 2]) for n in range(0, len(bounds), 2)]
        return _Frame([ids[g] for g in gaps], [types[g] for g in gaps], [types[n] for n in starts])

    def _characters_kept(
        self, sides: Sequence[str], options: Mapping[str, Any]
    ) -> tuple[int, int] | None:
        """Return how many characters of each side are left after the cut; None if all are."""
        if not self.tokenizer.is_fast:
            return None
        with weights.quiet():
            row = self.tokenizer(*sides, **options, return_offsets_mapping=True)
        ends = [0, 0]
        for side, (_, end) in zip(row.sequence_ids(), row["offset_mapping"], strict=True):
            if side is not None:
                ends[side] = max(ends[side], end)
        whole = [len(side.rstrip()) for side in sides]
        cut = any(end < length for end, length in zip(ends, whole, strict=False))
        return (ends[0], ends[1]) if cut else None

    def classify(self, items: Sequence[Encoded], name: str = "classify") -> FloatValues:
        """Return the probability of each label, shape (items, labels)."""
        rows = self.run(items, lambda inputs: self.model(**inputs).logits.float().softmax(-1), name)
        return np.stack(rows) if rows else np.zeros((0, self.model.config.num_labels), np.float32)

    def run(
        self, items: Sequence[Encoded], forward: Forward, name: str, *, per_token: bool = False
    ) -> list[FloatValues]:
        """Return what `forward` makes of each item, in order: a row of what it returns.

        name: of the computation, under which results are remembered. per_token: rows are as long
        as their batch is padded, and shall be cut to their item's length.
        Raises: ModelError where a single item is too large for the memory.
        """
        keys = [Memory.key(name, item) for item in items]
        found = {key: kept for key in keys if (kept := self.memory.get(key)) is not None}
        fresh = {key: item for key, item in zip(keys, items, strict=True) if key not in found}
        fresh_keys, fresh_items = list(fresh), list(fresh.values())
        with weights.quiet():
            for places, rows in self._batches(fresh_items, forward):
                for place, row in zip(places, rows, strict=True):
                    key = fresh_keys[place]
                    result = row[: len(fresh_items[place])] if per_token else row
                    found[key] = np.array(result)  # a copy, so that the batch can be let go
                    self.memory.put(key, found[key])
        return [found[key] for key in keys]

    def _batches(
        self, items: Sequence[Encoded], forward: Forward
    ) -> Iterator[tuple[list[int], FloatValues]]:
        """Yield positions of items and their results, by batches; halve one that does not fit."""
        self._refuse_unknown_tokens(items)
        lengths = [item.n_all for item in items]
        waiting = plan_batches(lengths, self.budget)[::-1]
        while waiting:
            batch = waiting.pop()
            rows = self._attempt([items[place] for place in batch], forward)
            if rows is not None:
                self.computed += len(batch)
                yield batch, rows
                continue
            _free()
            if len(batch) == 1:
                raise ModelError(f"out of memory for a single text of {lengths[batch[0]]} tokens")
            self.budget = max(1, lengths[batch[0]] * len(batch) // 2)
            left = [*batch, *(place for later in reversed(waiting) for place in later)]
            again = plan_batches([lengths[place] for place in left], self.budget)
            waiting = [[left[place] for place in places] for places in again][::-1]

    def _attempt(self, items: Sequence[Encoded], forward: Forward) -> FloatValues | None:
        """Return the results of a batch; None where the memory does not suffice."""
        try:
            with torch.inference_mode():
                found = forward(self._inputs(items))
            return found.float().cpu().numpy()
        except Exception as error:
            if not weights.out_of_memory(error):
                raise
            return None

    def _inputs(self, items: Sequence[Encoded]) -> Inputs:
        pad = self._padding
        ids, mask = pad_rows([item.ids for item in items], pad)
        inputs = {"input_ids": ids, "attention_mask": mask}
        if items[0].types:
            inputs["token_type_ids"] = pad_rows([item.types for item in items], 0)[0]
        if items[0].target:
            targets = pad_rows([item.target for item in items], pad)
            inputs["target_ids"], inputs["target_mask"] = targets
        return {name: torch.from_numpy(rows).to(self.device) for name, rows in inputs.items()}

    @property
    def _padding(self) -> int:
        token = self.model.config.get_text_config().pad_token_id
        token = self.tokenizer.pad_token_id if token is None else token
        return int(token or 0)  # many decoders have none; what stands there is masked

    def _refuse_unknown_tokens(self, items: Sequence[Encoded]) -> None:
        """Refuse what would end a GPU's whole process."""
        embedding = self.model.get_input_embeddings()
        for item in items:
            most = int(item.tokens.max(initial=0))
            if most >= embedding.weight.shape[0]:
                raise ModelError(
                    f"token {most} of the tokenizer is beyond the model's vocabulary of "
                    f"{embedding.weight.shape[0]}"
                )


class Architecture(NamedTuple):
    """A network whose config and tokenizer are those of its backbone, another checkpoint.

    name: of the method, for messages. model_type, kind: of the backbone, by its config and in
    words. trained_on: names of backbones. build: makes the network of a config with `options`.
    """

    name: str
    model_type: str
    kind: str
    trained_on: str
    build: Callable[[Any], Any]
    options: Mapping[str, Any] = {}

    def load(
        self,
        tensors: Mapping[str, torch.Tensor],
        source: Path,
        backbone: str,
        dtype: weights.Dtype,
        attention: str | None,
    ) -> tuple[Any, Any]:
        """Return the network with these weights, and its tokenizer.

        source: the weights' file. backbone: a folder, or a name on the hub; of its weights nothing
        is read. Raises: ModelError where the weights are not this network's on this backbone.
        """
        named = weights.checkpoint_identity(backbone)
        where = {"revision": named["revision"]} if "revision" in named else {}
        try:
            with weights.quiet():
                config = AutoConfig.from_pretrained(
                    backbone, trust_remote_code=False, **where, **self.options
                )
                tokenizer = AutoTokenizer.from_pretrained(
                    backbone, trust_remote_code=False, **where
                )
        except (OSError, ValueError) as error:
            raise ModelError(f"{backbone}: {str(error).splitlines()[0]}") from error
        if config.model_type != self.model_type:
            raise ModelError(
                f"{backbone} is a {config.model_type}; {self.name}'s backbone is a {self.kind}"
            )
        if attention is not None:
            config._attn_implementation = attention
        network = self.build(config)
        self._fill(network, tensors, source)
        network.to(torch.float32 if dtype == "auto" else getattr(torch, dtype))
        return network.eval(), tokenizer

    def _fill(self, network: Any, tensors: Mapping[str, torch.Tensor], source: Path) -> None:
        wanted = network.state_dict()
        lacking = sorted(wanted.keys() - tensors.keys())
        if lacking:
            raise ModelError(f"{source}: no weights of {self.name}: {lacking[0]} is not among them")
        for name, values in wanted.items():
            if tensors[name].shape != values.shape:
                raise ModelError(
                    f"{source}: {name} is {list(tensors[name].shape)}, and {list(values.shape)} by "
                    f"the backbone's config: name the backbone it was trained on "
                    f"({self.trained_on})"
                )
        network.load_state_dict({name: tensors[name] for name in wanted})


def room_of_sides(sizes: Sequence[int], room: int, truncation: Truncation) -> list[int]:
    """Return how many tokens of each text stay where so many fit, as tokenizers cut them.

    >>> room_of_sides([9, 2], 6, "longest_first"), room_of_sides([9, 4], 7, "only_first")
    ([4, 2], [3, 4])
    """
    if sum(sizes) <= room:
        return list(sizes)
    if len(sizes) == 1:
        return [room]
    first, second = sizes
    if truncation == "only_first":
        return [max(0, room - second), second]
    if truncation == "only_second":
        return [first, max(0, room - first)]
    shorter = min(first, second)
    longer = room - shorter
    if longer < shorter:
        shorter, longer = room // 2, room - room // 2
    return [shorter, longer] if first <= second else [longer, shorter]


def without_surrogates(text: str) -> str:
    """Return a text that tokenizers accept, of the same length: lone surrogates replaced."""
    return _SURROGATES.sub("\ufffd", text)


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
