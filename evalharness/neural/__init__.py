"""What the neural checks and metrics share: weights, batches, what was read, the score made of it.

A component that scores with a network is written in five steps:

1. Its options extend `weights.NetworkOptions` (model, revision, dtype, attention, device,
   batch_tokens), which brings their checks and `identity()`. Its module imports no torch.
2. `self.network("AutoModelForSequenceClassification")` loads, once: safetensors only, weights that
   are missing or do not fit refused. `lacks=("pooler.",)` names heads that may be absent, by the
   start of their weights' names. Keep the network in a `cached_property`.
3. `network.encode(texts, pairs, max_tokens=…, truncation=…)` returns an `Encoded` for each text or
   pair: what the tokenizer says, and `kept`, the characters of each text that it holds, where it
   was cut.
4. `network.classify(items)` returns probabilities, shape (items, labels);
   `network.run(items, forward, name)` the rows of whatever `forward(inputs)` returns. Both take
   items in any order, any number and with repeats: equal ones are computed once (and remembered,
   also over calls: pass the name of what is computed), like lengths are batched together under a
   budget of padded tokens, a batch that does not fit in memory is halved, and results come in the
   order of the items. `per_token=True` cuts each result to its item's length; an `Encoded` with
   `target` gives `forward` the keys `target_ids` and `target_mask` besides.
5. `reading` has the rest: `CopiedSentences` (the cascade: sentences that stand in the article as
   they are), `PairScoring.score` (value, parts, note); `text.defects.unscorable` tells why there is
   nothing to score.

Sentences are split by `self.split`, a static method of `NetworkOptions`: by default our own; a
parity test overrides it in a subclass.
"""
