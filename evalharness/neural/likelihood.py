"""The probability of each token of a text, given another one, by an encoder-decoder.

Imported when the work starts, since torch is.
"""

from collections.abc import Sequence

import numpy as np
import torch

from evalharness.neural.batches import Encoded, pack_ids
from evalharness.neural.network import Inputs, Network
from evalharness.neural.reading import TokenLikelihoods
from evalharness.neural.tokens import frame, most_tokens, tokenize_text


class Likelihood:
    """An encoder-decoder that reads a source and is asked about a target."""

    def __init__(self, network: Network, max_tokens: int) -> None:
        self.network = network
        limit = most_tokens(network)
        self.limit = max_tokens if limit is None else min(max_tokens, limit)
        self.before, self.after = frame(network)

    def of(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLikelihoods]:
        """Return how likely the target of each pair is, given its source."""
        sources = list(dict.fromkeys(source for source, _ in pairs))
        encoded = self.network.encode(sources, max_tokens=self.limit)
        by_source = dict(zip(sources, encoded, strict=True))
        targets = {target: tokenize_text(self.network, target) for _, target in pairs}
        room = self.limit - len(self.before) - len(self.after)
        items = [
            Encoded(
                by_source[source].ids,
                target=pack_ids([*self.before, *targets[target].ids[:room].tolist(), *self.after]),
            )
            for source, target in pairs
        ]
        around = (len(self.before), len(self.after))
        found: list[TokenLikelihoods] = []
        rows = self.network.run(items, self._logs, "likelihood")
        for (source, target), item, row in zip(pairs, items, rows, strict=True):
            every = targets[target].offsets[:, 1]
            ends, kept = every[:room], by_source[source].kept
            found.append(
                TokenLikelihoods(
                    row[: len(item.target) // 4],
                    np.pad(ends, around),
                    np.pad(np.ones(len(ends), np.bool_), around),
                    len(source) if kept is None else kept[0],
                    len(target) if len(every) <= room else int(ends[-1]),
                    kept is not None or len(every) > room,
                )
            )
        return found

    def _logs(self, inputs: Inputs) -> torch.Tensor:
        """Return the log-probability of each token of the targets, shape (pairs, tokens)."""
        targets = inputs["target_ids"]
        before = targets.roll(1, dims=1)
        before[:, 0] = self.network.model.config.decoder_start_token_id
        output = self.network.model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            decoder_input_ids=before,
        )
        every = output.logits.float().log_softmax(-1)
        logs: torch.Tensor = every.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        # As with the authors, a padding token that a text spells out counts, but not against it.
        return logs.masked_fill(targets == self.network.model.config.pad_token_id, 0.0)
