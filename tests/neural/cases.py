"""What the tests of neural checks and metrics set up alike: pairs, scores, a fresh network."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from evalharness.neural.network import Network
from evalharness.protocols import Pair
from evalharness.records import Article, Score, Span, Summary
from neural import frozen, texts, tiny

PAIRS: list[Pair] = [(Article("", a), Summary("", s)) for a, s in texts.pairs()]
# Numbers of short pairs, where those are enough.
SHORT = [n for n, (a, s) in enumerate(PAIRS) if len(a.text) < 800 and len(s.text) < 400][::2]

Scorer = TypeVar("Scorer", bound=Any)


class AuthorsSentences:
    """Splits sentences as the authors' code did when its answers were frozen.

    Stands before a check among the bases of a class.
    """

    @staticmethod
    def split(words: str) -> list[Span]:
        return texts.split(words)


def scored(check: Any, pairs: Sequence[texts.Pair] | None = None) -> list[Score]:
    """Return the scores of pairs of texts, by default of all."""
    pairs = texts.pairs() if pairs is None else pairs
    return list(check.score([(Article("a", a), Summary("a", s)) for a, s in pairs]))


def values(scores: Sequence[Score], without: float = -1.0) -> list[float]:
    """Return the scores' values; `without` where there is none."""
    return [without if score.value is None else score.value for score in scores]


def fresh(check: Scorer, batch_tokens: int = 1024, **options: Any) -> Scorer:
    """Return a check with the same network that remembers nothing, in batches of another size."""
    changed = replace(check, **options)
    changed.__dict__["loaded_network"] = Network(check.loaded_network, batch_tokens)
    return changed


def expected_of(name: str, folder: Path) -> dict[str, Any]:
    """Return a fixture, which must be of this checkpoint and of our texts."""
    fixture = frozen.read(name)
    assert fixture["model"] == tiny.weights_digest(folder)
    assert fixture["texts"] == texts.digest()
    return fixture
