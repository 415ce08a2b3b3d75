"""Mistakes that a fixture must notice; each is put into our code by monkeypatch."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pytest

from evalharness.neural import batches, network

Mutation = Callable[[pytest.MonkeyPatch], None]


def labels_swapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take each label for its neighbour."""
    original = network.Network.classify

    def classify(self: Any, *given: Any) -> Any:
        return np.roll(original(self, *given), 1, axis=1)

    monkeypatch.setattr(network.Network, "classify", classify)


def pair_swapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the claim for the article's text."""
    original = network.Network.encode

    def encode(self: Any, texts: Any, pairs: Any = None, **options: Any) -> Any:
        if pairs is None:
            return original(self, texts, **options)
        return original(self, pairs, texts, **(options | {"truncation": "longest_first"}))

    monkeypatch.setattr(network.Network, "encode", encode)


def separator_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Join text and pair with a space."""
    original = network.Network.encode

    def encode(self: Any, texts: Any, pairs: Any = None, **options: Any) -> Any:
        if pairs is None:
            return original(self, texts, **options)
        joined = [f"{text} {pair}" for text, pair in zip(texts, pairs, strict=True)]
        return original(self, joined, **(options | {"truncation": "longest_first"}))

    monkeypatch.setattr(network.Network, "encode", encode)


def padded_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the padding before the tokens."""
    original = batches.pad_rows

    def padded(rows: Any, pad: int) -> Any:
        ids, mask = original(rows, pad)
        for number, row in enumerate(rows):
            ids[number] = np.roll(ids[number], ids.shape[1] - len(row) // 4)
            mask[number] = np.roll(mask[number], ids.shape[1] - len(row) // 4)
        return ids, mask

    monkeypatch.setattr("evalharness.neural.network.pad_rows", padded)


def rows_turned(monkeypatch: pytest.MonkeyPatch, names: Collection[str] = ()) -> None:
    """Put the padding before the tokens of these inputs, or of all, as the network gets them."""
    original = network.Network._inputs

    def turned(self: Any, items: Any) -> Any:
        import torch

        inputs = dict(original(self, items))
        lengths = inputs["attention_mask"].sum(1).tolist()
        for name in names or list(inputs):
            rows = zip(inputs[name], lengths, strict=True)
            inputs[name] = torch.stack([torch.roll(row, len(row) - n) for row, n in rows])
        return inputs

    monkeypatch.setattr(network.Network, "_inputs", turned)


def padding_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take padding for text."""
    original = batches.pad_rows

    def padded(rows: Any, pad: int) -> Any:
        ids, mask = original(rows, pad)
        return ids, np.ones_like(mask)

    monkeypatch.setattr("evalharness.neural.network.pad_rows", padded)


def cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a dozen tokens less than may be read."""
    original = network.Network.encode

    def encode(self: Any, *given: Any, max_tokens: int, **options: Any) -> Any:
        return original(self, *given, max_tokens=max_tokens - 12, **options)

    monkeypatch.setattr(network.Network, "encode", encode)
