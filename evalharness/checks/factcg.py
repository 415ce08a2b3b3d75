"""FactCG (Lei et al. 2025): can one conclude the claim from some chunk of the article?"""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from evalharness.checks.claims import Passage
from evalharness.checks.grounding import ChunkPrompt, Grounding, packed_sentences
from evalharness.protocols import Checkpoint

if TYPE_CHECKING:
    from evalharness.neural.batches import Encoded, FloatValues
    from evalharness.neural.network import Network

_BETWEEN = "\n\nChoose your answer: based on the paragraph above can we conclude that "
_AFTER = "?\n\nOPTIONS:\n- Yes\n- No\nI think the answer is "
_WORDS = 550
_TOKENS = 2048


@dataclass(frozen=True)
class FactCG(Grounding):
    """How likely it is that one can conclude the summary from the article's best chunk.

    model: deberta-v3-large of the authors; or a checkpoint of that kind.
    claims: as the authors do, the whole summary is one claim; or each sentence is.
    chunk_size: words of a chunk, 550 by default.
    max_tokens: 2,048 by default.
    """

    version: ClassVar[int] = 2
    presets: ClassVar[Mapping[str, str]] = {"deberta-v3-large": "yaxili96/FactCG-DeBERTa-v3-Large"}

    model: Checkpoint = "deberta-v3-large"
    _: KW_ONLY
    claims: Literal["sentences", "summary"] = "summary"

    @cached_property
    def loaded_network(self) -> "Network":
        """The network, a classifier of two labels."""
        name = "AutoModelForSequenceClassification"
        return self.network_of_two_labels(name, "FactCG's has")

    @property
    def most_tokens(self) -> int:
        """The most tokens that the network reads at once."""
        return self.max_tokens or _TOKENS

    def passages(self, article: str) -> list[Passage]:
        """Return the article in chunks of whole sentences."""
        return packed_sentences(article, self.split, _n_words, self.chunk_size or _WORDS)

    def prompt(self, chunk: str, claim: str) -> ChunkPrompt:
        """Return the question that the authors trained with."""
        asked = f'{chunk}{_BETWEEN}"{claim}"'
        return ChunkPrompt(asked + _AFTER, len(chunk), len(asked))

    def support_probabilities(self, items: Sequence["Encoded"]) -> "FloatValues":
        """Return the probability of Yes."""
        return self.loaded_network.classify(items)[:, 1]


def _n_words(sentence: str) -> int:
    """Return how many tokens a sentence has after the Penn Treebank's fashion, as nltk splits it.

    >>> _n_words("They can't, he said.")
    7
    """
    from nltk.tokenize.destructive import NLTKWordTokenizer  # type: ignore[import-untyped]

    return len(NLTKWordTokenizer().tokenize(sentence))
