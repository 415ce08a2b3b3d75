"""BLEU, chrF and TER through sacrebleu, for one summary and for the whole corpus.

The figure for the corpus is made from the summed `Score.counts`: sacrebleu's `corpus_score` on the
same summaries and references, to the last bit and on sacrebleu's own scale of 0 to 100. Blank
references are left out, and articles may have different numbers of references. sacrebleu is
imported with the first score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar, Literal

from evalharness.protocols import Need, Pair
from evalharness.records import Score

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric as Sacrebleu


class _Counting:
    """What the three share: sacrebleu counts, and makes figures of counts."""

    needs: ClassVar[frozenset[Need]] = frozenset({"references"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    metric: ClassVar[str]  # as sacrebleu calls it
    sign: ClassVar[int] = 1
    empty: str

    def identity(self) -> Mapping[str, str]:
        """Return the version of sacrebleu."""
        return {"sacrebleu": version("sacrebleu")}

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary against its article's references."""
        scorer, skip = self._scorer(of_one=True), self.empty == "skip"
        return [_score(scorer, summary.text, a.references, skip, self.sign) for a, summary in pairs]

    def corpus(self, counts: Sequence[float]) -> float:
        """Return the corpus figure, 0 to 100 (of TER with a minus sign), from summed counts."""
        return _figure(self._scorer(), counts, self.sign)

    def _scorer(self, *, of_one: bool = False) -> "Sacrebleu":
        """Return what counts, for single summaries or for a corpus."""
        return self._of_sacrebleu()

    def _of_sacrebleu(self, **more: bool) -> "Sacrebleu":
        """Return sacrebleu's metric with the options, which have the same names there."""
        import sacrebleu

        options = {name: value for name, value in vars(self).items() if name != "empty"}
        found: Sacrebleu = getattr(sacrebleu, self.metric)(**options, **more)
        return found


@dataclass(frozen=True)
class Bleu(_Counting):
    """BLEU (Papineni et al., 2002): n-grams of the summary that are in a reference, 0 to 1.

    Of one summary, orders longer than the summary are left out of the mean (`effective_order`).
    The corpus figure, 0 to 100, pools the n-grams of all summaries that have a score.

    tokenize: sacrebleu's tokenizer: `13a` is its default, `intl` splits off all punctuation.
    lowercase: compare in lower case.
    smooth_method: what stands for an order without a match: `exp`, `floor`, `add-k` or `none`.
    smooth_value: the value of `floor` (0.1 if not given) or `add-k` (1).
    max_ngram_order: the longest n-gram.
    empty: an empty summary: `skip`, no score, with a note, and out of the corpus; `zero`, 0.0.
    """

    tokenize: Literal["13a", "intl", "zh", "char", "none"] = "13a"
    lowercase: bool = False
    smooth_method: Literal["exp", "floor", "add-k", "none"] = "exp"
    smooth_value: float | None = None
    max_ngram_order: int = 4
    empty: Literal["skip", "zero"] = "skip"

    metric: ClassVar[str] = "BLEU"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Raise ValueError for options that cannot go together."""
        if self.smooth_value is not None and self.smooth_method not in ("floor", "add-k"):
            raise ValueError("smooth_value: only smooth_method `floor` and `add-k` have a value")
        if self.smooth_value is not None and not self.smooth_value > 0:
            raise ValueError("smooth_value: must be greater than 0")
        if self.max_ngram_order < 1:
            raise ValueError("max_ngram_order: must be at least 1")

    def _scorer(self, *, of_one: bool = False) -> "Sacrebleu":
        # Forced, it gives no warning about texts that are tokenized already.
        return self._of_sacrebleu(effective_order=of_one, force=True)


@dataclass(frozen=True)
class Chrf(_Counting):
    """chrF (Popović, 2015): character n-grams shared with a reference, 0 to 1.

    The reference with the best F counts. The corpus figure, 0 to 100, pools the n-grams of all
    summaries that have a score.

    char_order: the longest n-gram of characters.
    word_order: the longest n-gram of words: 0, none, for chrF; 2 for chrF++.
    beta: how many times recall counts as much as precision.
    lowercase: compare in lower case.
    whitespace: count spaces as characters.
    eps_smoothing: smooth as chrF++.py, NLTK and Moses do, where no n-gram of an order is shared.
    empty: an empty summary: `skip`, no score, with a note, and out of the corpus; `zero`, 0.0.
    """

    char_order: int = 6
    word_order: int = 0
    beta: int = 2
    lowercase: bool = False
    whitespace: bool = False
    eps_smoothing: bool = False
    empty: Literal["skip", "zero"] = "skip"

    metric: ClassVar[str] = "CHRF"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Raise ValueError for orders without an n-gram."""
        if self.char_order < 1 or self.word_order < 0:
            raise ValueError("char_order: must be at least 1, and word_order at least 0")
        if self.beta < 1:
            raise ValueError("beta: must be at least 1")


@dataclass(frozen=True)
class Ter(_Counting):
    """TER (Snover et al., 2006) with a minus sign, so that higher is better: 0 for equal texts.

    TER is the number of edits (insert, delete, replace, move a phrase) that turn the summary into
    the nearest reference, for each word of a reference. The value is -TER as a share: -0.5 is one
    edit for every two words, and a summary much longer than its reference goes below -1. The corpus
    figure is -TER in percent, all edits for all words.

    normalized: separate punctuation first, as Tercom does.
    no_punct: remove punctuation.
    asian_support: split East Asian text (normalized) and remove its punctuation (no_punct).
    case_sensitive: compare with case.
    empty: an empty summary: `skip`, no score, with a note, and out of the corpus; `score`, -1.
    """

    normalized: bool = False
    no_punct: bool = False
    asian_support: bool = False
    case_sensitive: bool = False
    empty: Literal["skip", "score"] = "skip"

    range: ClassVar[tuple[float, float]] = (float("-inf"), 0.0)
    sign: ClassVar[int] = -1
    metric: ClassVar[str] = "TER"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Raise ValueError for an option without effect."""
        if self.asian_support and not (self.normalized or self.no_punct):
            raise ValueError("asian_support: has no effect without normalized or no_punct")


def _score(
    scorer: "Sacrebleu", summary: str, references: Sequence[str], skip: bool, sign: int
) -> Score:
    known = [reference for reference in references if reference.strip()]
    if not known:
        return Score(None, note="the article has no reference")
    if skip and not summary.strip():
        return Score(None, note="the summary is empty")
    counts = scorer._extract_corpus_statistics([summary], [[reference] for reference in known])[0]
    # BLEU of equal texts comes out as 100.00000000000004.
    value = min(_figure(scorer, counts, sign) / 100, 1.0)
    return Score(value, counts=tuple(map(float, counts)))


def _figure(scorer: "Sacrebleu", counts: Sequence[float], sign: int = 1) -> float:
    """Return sacrebleu's score of one segment's counts, or of their sum over segments."""
    figure: float = scorer._aggregate_and_compute([list(counts)]).score
    return sign * figure + 0.0  # no minus before 0.0
