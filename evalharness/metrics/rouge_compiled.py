"""ROUGE counted by rouge-score-rs, where it is installed and counts as we do.

The package is young, so nobody has to trust it: before its first use it counts a set of texts that
trip scorers (ties, odd cases, other scripts, halves of surrogate pairs), and if one figure differs
from ours in one bit, ours is used.
"""

import random
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.metadata import version
from itertools import product
from typing import Any

from evalharness.metrics.rouge_engine import PRF

PACKAGE = "rouge-score-rs"
Figures = Sequence[PRF]
"""One of each type, in their order."""
CountFunction = Callable[[str, str], Figures]

_PROBE = (
    "a", "A b", "b a", "a\n\nb", "a\r\nb\va", "the the the", "the\nthe\nthe the", "don't U.S.A.",
    "1,200.50 _a_b_", "été élevé São", "İstanbul I ı i \u212a", "東京 2019 ไทย", "\ud800 a\udfffb",
    "a\x00b a\u2028b", "running runs ran runner", "dying news\nskies ties tied agreed",
)  # fmt: skip
_WORD = re.compile(r"[a-zA-Z0-9]")


class Compiled:
    """The compiled scorer for some types, with or without stems."""

    def __init__(self, types: Sequence[str], stemmer: bool) -> None:
        """Make it ready. Raises: ImportError where the package is not there."""
        from rouge_score_rs import rouge_scorer

        self.types = tuple(types)
        scorer: Any = rouge_scorer.RougeScorer
        self._scorer = scorer(list(types), use_stemmer=stemmer)

    def count(self, references: Sequence[str], summaries: Sequence[str]) -> list[Figures]:
        """Return the figures of each summary against its reference; lines are sentences."""
        found = self._scorer.score_batch(references, summaries)
        # Its scores are PRF in all but name, in the order of the types.
        return [[*each.values()] for each in found]


@cache
def compiled_scorer(types: tuple[str, ...], stemmer: bool, ours: CountFunction) -> Compiled | None:
    """Return the compiled scorer; None where it is not installed, or differs from `ours`."""
    try:
        scorer = Compiled(types, stemmer)
    except ImportError:
        return None
    probe = [*product(_PROBE, _PROBE), *_ties(60)]
    counted = scorer.count(*map(list, zip(*probe, strict=True)))
    same = all(found == ours(*pair) for found, pair in zip(counted, probe, strict=True))
    return scorer if same else None


def _ties(n: int) -> Iterable[tuple[str, str]]:
    """Yield texts of few words, in which many common subsequences are equally long."""
    rng = random.Random(0)  # noqa: S311
    for _ in range(n):
        one, other = (
            "".join(rng.choice("abcd") + rng.choice("  \n") for _ in range(12)) for _ in "12"
        )
        yield one, other


def counted_by() -> str:
    """Return the package's name with its version."""
    return f"{PACKAGE} {version(PACKAGE)}"


def has_words(text: str) -> bool:
    """Tell whether the default tokenizer finds a word."""
    return bool(_WORD.search(text) or _WORD.search(text.lower()))
