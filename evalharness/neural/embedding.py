"""Texts as token embeddings, and the best match of every token in another text.

Imported when the work starts, since torch is.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from evalharness.errors import ModelError
from evalharness.neural.batches import Encoded, FloatValues, pack_ids
from evalharness.neural.network import Inputs, Network
from evalharness.neural.reading import numbers_of
from evalharness.neural.tokens import frame, most_tokens, tokenize_text
from evalharness.records import Span

# Models whose slow tokenizer in transformers 4 was RoBERTa's or GPT-2's: to these bert-score gave
# texts with a space in front. In transformers 5 the classes no longer tell (BART's and Longformer's
# are RoBERTa's), and bert-score's own wish for the space is ignored.
PREFIXED = frozenset(
    {
        *("data2vec-text", "gpt2", "gpt_bigcode", "gpt_neo", "gptj", "ibert", "mega", "mra", "opt"),
        *("roberta", "roberta-prelayernorm", "starcoder2"),
    }
)
# Tokens whose embeddings are in memory at a time, beside what is remembered.
TOKENS_TOGETHER = 32_768
_LIKENESSES = 2**23  # that are computed at a time
# Bytes of embeddings that are kept for the next systems' summaries of the same articles: with
# roberta-large, which needs more than that itself, some 500 articles.
KEPT_BYTES = 2**30


class _Window(NamedTuple):
    """Tokens that go through the model together, and which of their rows are kept."""

    item: Encoded
    keep: slice


@dataclass(frozen=True, eq=False)
class Text:
    """A text as tokens, special ones included.

    ends: the characters at which tokens end. content: which of them are no special ones around the
    text. read: characters that the tokens hold.
    """

    windows: tuple[_Window, ...]
    ids: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int64]
    content: npt.NDArray[np.bool_]
    read: int

    def numbers(self, spans: Sequence[Span]) -> npt.NDArray[np.int64]:
        """Return in which span each token stands; -1 for special tokens."""
        return np.where(self.content, numbers_of(self.ends, spans), -1)


@dataclass(frozen=True, eq=False)
class Match:
    """The best match of every token of a hypothesis in a reference, and the other way round.

    best: cosines, shape (tokens of the hypothesis,); place: which token of the reference it is;
    weights: of the hypothesis's tokens; recalled, recall_weights: likewise of the reference.
    """

    hypothesis: Text
    reference: Text
    best: FloatValues
    place: npt.NDArray[np.int64]
    weights: FloatValues
    recalled: FloatValues
    recall_weights: FloatValues

    @property
    def comparable(self) -> bool:
        """Tell whether both have tokens that weigh something."""
        return bool(self.weights.sum() > 0 and self.recall_weights.sum() > 0)

    @property
    def precision(self) -> float:
        """Return how far the hypothesis's tokens are in the reference."""
        return _weighted_mean(self.best, self.weights)

    @property
    def recall(self) -> float:
        """Return how far the reference's tokens are in the hypothesis."""
        return _weighted_mean(self.recalled, self.recall_weights)

    @property
    def f1(self) -> float:
        """Return the harmonic mean of both; 0 where that is none."""
        precision, recall = self.precision, self.recall
        both = precision + recall
        return 2 * precision * recall / both if both else 0.0

    def precision_of(self, which: npt.NDArray[np.bool_]) -> float:
        """Return how far some of the hypothesis's tokens are in the reference."""
        return _weighted_mean(self.best[which], self.weights[which])


Group = tuple[Text, Sequence[Text]]


def _weighted_mean(values: FloatValues, weights: FloatValues) -> float:
    return float(np.dot(values, weights / weights.sum()))


class Embedder:
    """The first layers of a model, as what turns texts into embeddings."""

    def __init__(
        self, network: Network, layers: int, windows: bool, prefix_space: bool | None
    ) -> None:
        self.network = network
        network.memory.most_bytes = KEPT_BYTES
        self.layers = layers
        self.windows = windows
        self.idf: Mapping[int, float] | None = None
        kind = str(network.model.config.model_type)
        self.prefix = " " if (kind in PREFIXED if prefix_space is None else prefix_space) else ""
        self.model = first_layers(network.model, layers)
        self.before, self.after = frame(network)
        limit = most_tokens(network)
        self.room = None if limit is None else limit - len(self.before) - len(self.after)
        if self.room is not None and self.room < 1:
            raise ModelError(f"a model that reads {limit} tokens has no room for a text")

    def token_ids(self, text: str) -> list[int]:
        """Return the ids of a text's tokens, special ones included, as many as fit at once."""
        found = tokenize_text(self.network, self.prefix + text.strip())
        return [*self.before, *found.ids[: self.room].tolist(), *self.after]

    def text(self, text: str) -> Text:
        """Return a text as tokens, cut or in windows where it is too long."""
        visible = text.strip()
        found = tokenize_text(self.network, self.prefix + visible)
        n = len(found.ids) if self.windows or self.room is None else self.room
        ids, around = found.ids[:n], (len(self.before), len(self.after))
        ends = found.offsets[:n, 1] - len(self.prefix) + len(text) - len(text.lstrip())
        return Text(
            tuple(self._windows(ids)),
            np.concatenate([self.before, ids, self.after]).astype(np.int32),
            np.pad(ends, around),
            np.pad(np.ones(len(ids), np.bool_), around),
            len(text) if n >= len(found.ids) else int(ends[-1]),
        )

    def _windows(self, ids: npt.NDArray[np.int32]) -> Iterator[_Window]:
        """Yield the windows of a text; of each, those rows that no other has nearer its middle."""
        room = self.room or max(1, len(ids))
        step = max(1, room - room // 4)
        starts = [*range(0, max(0, len(ids) - room), step), max(0, len(ids) - room)]
        first = 0
        for number, start in enumerate(starts):
            end = min(start + room, len(ids))
            item = Encoded(pack_ids([*self.before, *ids[start:end].tolist(), *self.after]))
            if number + 1 == len(starts):
                yield _Window(item, slice(first, len(item)))
                return
            last = (starts[number + 1] + end) // 2 - start + len(self.before)
            yield _Window(item, slice(first, last))
            first = last + start - starts[number + 1]

    def weights(self, text: Text) -> FloatValues:
        """Return how much each token weighs: special ones nothing, others by idf or alike."""
        if self.idf is not None:
            unknown = self.idf[-1]
            return np.array([self.idf.get(t, unknown) for t in text.ids.tolist()], np.float32)
        tokenizer = self.network.tokenizer
        special = [t for t in (tokenizer.cls_token_id, tokenizer.sep_token_id) if t is not None]
        return np.where(np.isin(text.ids, special), 0, 1).astype(np.float32)

    def matches(self, groups: Iterable[Group]) -> Iterator[list[Match]]:
        """Yield for each reference its matches with its hypotheses, in order."""
        for some in _together(groups):
            texts = {id(t): t for reference, rest in some for t in (reference, *rest)}
            small = [t for t in texts.values() if len(t.ids) <= TOKENS_TOGETHER]
            ready = dict(zip(map(id, small), self._embed_texts(small), strict=True))
            for reference, hypotheses in some:
                yield self._matches(reference, hypotheses, ready)

    def _matches(
        self, reference: Text, hypotheses: Sequence[Text], ready: Mapping[int, FloatValues]
    ) -> list[Match]:
        embedded = [
            ready[id(t)] if id(t) in ready else np.concatenate([*self._rows(t)]) for t in hypotheses
        ]
        best = [np.full(len(t.ids), -np.inf, np.float32) for t in hypotheses]
        place = [np.zeros(len(t.ids), np.int64) for t in hypotheses]
        recalled: list[list[FloatValues]] = [[] for _ in hypotheses]
        start = 0
        for rows in [ready[id(reference)]] if id(reference) in ready else self._rows(reference):
            for n, ours in enumerate(embedded):
                recalled[n].append(_update(ours, rows, start, best[n], place[n]))
            start += len(rows)
        weights = self.weights(reference)
        return [
            Match(t, reference, best[n], place[n], self.weights(t), np.concatenate(r), weights)
            for n, (t, r) in enumerate(zip(hypotheses, recalled, strict=True))
        ]

    def _embed_texts(self, texts: Sequence[Text]) -> list[FloatValues]:
        """Return the embeddings of texts, each of shape (tokens, size)."""
        rows = iter(self._run([window.item for text in texts for window in text.windows]))
        return [
            kept[0] if len(kept) == 1 else np.concatenate(kept)
            for kept in ([next(rows)[w.keep] for w in text.windows] for text in texts)
        ]

    def _rows(self, text: Text) -> Iterator[FloatValues]:
        """Yield the embeddings of a long text, some windows at a time."""
        some = max(1, TOKENS_TOGETHER // max(1, len(text.windows[0].item)))
        for start in range(0, len(text.windows), some):
            windows = text.windows[start : start + some]
            rows = self._run([window.item for window in windows])
            yield np.concatenate([r[w.keep] for r, w in zip(rows, windows, strict=True)])

    def _run(self, items: Sequence[Encoded]) -> list[FloatValues]:
        return self.network.run(items, self._forward, f"layer {self.layers}", per_token=True)

    def _forward(self, inputs: Inputs) -> torch.Tensor:
        """Return the embeddings of tokens, each of length one."""
        hidden: torch.Tensor = self.model(**inputs).last_hidden_state.float()
        length: torch.Tensor = torch.linalg.vector_norm(hidden, dim=-1, keepdim=True)
        return hidden / length


def _together(groups: Iterable[Group]) -> Iterator[list[Group]]:
    """Yield groups in order, as many as have no more than so many tokens."""
    some: list[Group] = []
    total = 0
    for reference, hypotheses in groups:
        n = len(reference.ids) + sum(len(each.ids) for each in hypotheses)
        if some and total + n > TOKENS_TOGETHER:
            yield some
            some, total = [], 0
        some.append((reference, hypotheses))
        total += n
    if some:
        yield some


def _update(
    ours: FloatValues,
    rows: FloatValues,
    start: int,
    best: FloatValues,
    place: npt.NDArray[np.int64],
) -> FloatValues:
    """Take better matches into `best` and `place`; return the best match of each row."""
    recalled = np.full(len(rows), -np.inf, np.float32)
    step = max(1, _LIKENESSES // max(1, len(rows)))
    for first in range(0, len(ours), step):
        some = slice(first, first + step)
        likeness = ours[some] @ rows.T
        np.maximum(recalled, likeness.max(axis=0), out=recalled)
        nearest = likeness.argmax(axis=1)
        found = likeness[np.arange(len(nearest)), nearest]
        better = found > best[some]
        best[some] = np.where(better, found, best[some])
        place[some] = np.where(better, nearest + start, place[some])
    return recalled


def first_layers(model: Any, layers: int) -> Any:
    """Return a model of the first layers only, which shares its weights with the whole one.

    Raises: ModelError where it has fewer layers, or none that we find.
    """
    if hasattr(model, "encoder") and hasattr(model, "decoder"):
        model = model.encoder
    for path in (("encoder", "layer"), ("encoder", "block"), ("transformer", "layer"), ("layer",),
                 ("block",), ("layers",), ("h",)):  # fmt: skip
        holder = _child(model, path)
        if isinstance(holder, torch.nn.ModuleList):
            if layers > len(holder):
                raise ModelError(f"layers: {layers}, and the model has {len(holder)}")
            return _replace_module(model, path, torch.nn.ModuleList(list(holder)[:layers]))
    if _child(model, ("encoder", "albert_layer_groups")) is not None:
        short = _replace_module(model, ("encoder",), _copy_module(model.encoder))
        short.encoder.config = copy.copy(model.encoder.config)
        short.encoder.config.num_hidden_layers = layers
        return short
    raise ModelError(f"BERTScore finds no layers in a {type(model).__name__}")


def _child(model: Any, path: Sequence[str]) -> Any:
    for name in path:
        model = getattr(model, name, None)
    return model


def _copy_module(module: Any) -> Any:
    other = copy.copy(module)
    other._modules = dict(module._modules)
    return other


def _replace_module(model: Any, path: Sequence[str], new: Any) -> Any:
    """Return a copy of a module with another one at a place within; all else is shared."""
    other = _copy_module(model)
    inner = new if len(path) == 1 else _replace_module(getattr(model, path[0]), path[1:], new)
    other._modules[path[0]] = inner
    return other
