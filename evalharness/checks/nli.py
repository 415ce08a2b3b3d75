"""SummaC (Laban et al. 2022): does some sentence of the article entail each of the summary's?"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from evalharness.checks.claims import ClaimScoring, ClaimsOfPair, CutArticle, Passage, Question
from evalharness.errors import ModelError
from evalharness.neural.reading import PairScoring, Splitter
from evalharness.protocols import Checkpoint, Need
from evalharness.records import Score, SentenceScore, Span

if TYPE_CHECKING:
    from evalharness.neural.batches import Encoded
    from evalharness.neural.network import Network


Granularity = Literal["sentence", "paragraph", "document"]

# Pieces of no more characters are left out.
SHORTEST = 10


_ENTAILMENT = ("entailment", "entailed", "entail", "supports", "supported", "support")
_CONTRADICTION = ("contradiction", "contradictory", "contradicts", "refutes", "refuted", "refute")


class _Labels(NamedTuple):
    entailment: int
    contradiction: int


# Of the presets, whose configs do not all name their labels: as SummaC's authors have them.
_PRESET_LABELS = {
    "vitc": _Labels(0, 1),
    "vitc-base": _Labels(0, 1),
    "anli": _Labels(0, 2),
    "mnli": _Labels(2, 0),
    "mnli-base": _Labels(2, 0),
    "snli-base": _Labels(0, 2),
    "snli-large": _Labels(0, 2),
}


class _Answer(NamedTuple):
    """What a piece of the article says of a claim, and how much of the piece was cut."""

    entailment: float
    contradiction: float
    lost: int
    cut: bool


@dataclass(frozen=True)
class Nli(ClaimScoring[_Answer]):
    """How far the article entails the summary's sentences: SummaC-ZS, or SummaC-Conv with a `head`.

    A sentence has its highest entailment by a sentence of the article less its highest
    contradiction by one (-1 to 1); the score is the mean. With a head it has a probability (0 to
    1), learnt from how many sentences entail it how strongly; the score is that of their mean.
    Its authors set no thresholds: until `calibrate` has learnt some, all but copies is unsure.
    Sentences of ten characters and less are left out, on both sides, as the authors do.

    model: vitc, anli, mnli (roberta-large-mnli), deberta, or another of `presets`; or any NLI
        checkpoint.
    granularity: of the pieces of article and summary: sentence, paragraph, document.
    head: file with the 32 numbers of SummaC-Conv, which were trained for vitc and sentences.
    entailment: which label means that, from 0; None is by its name.
    contradiction: likewise.
    max_pieces: pieces of the article that are read, from its start.
    max_tokens: of a piece and a sentence together; what is longer is cut.
    cascade: take sentences that stand in the article as they are for entailed, and do not ask the
        network about them.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    version: ClassVar[int] = 2
    by_sentences: ClassVar[bool] = True
    least_values: ClassVar[Mapping[str, int]] = {"max_pieces": 1, "max_tokens": 1}
    thresholds: ClassVar[Mapping[str, float]] = {"flagged": -1.0, "supported": 1.0}
    presets: ClassVar[Mapping[str, str]] = {
        "vitc": "tals/albert-xlarge-vitaminc-mnli",
        "vitc-base": "tals/albert-base-vitaminc-mnli",
        "anli": "ynie/roberta-large-snli_mnli_fever_anli_R1_R2_R3-nli",
        "mnli": "roberta-large-mnli",
        "mnli-base": "microsoft/deberta-base-mnli",
        "snli-base": "boychaboy/SNLI_roberta-base",
        "snli-large": "boychaboy/SNLI_roberta-large",
        "deberta": "MoritzLaurer/DeBERTa-v3-large-mnli-fever-anli-ling-wanli",
    }

    model: Checkpoint = "vitc"
    _: KW_ONLY
    granularity: Granularity = "sentence"
    head: Path | None = None
    entailment: int | None = None
    contradiction: int | None = None
    max_pieces: int = 100
    max_tokens: int = 500
    cascade: bool = False

    def __post_init__(self) -> None:
        """Check the options alone and against each other. Raises: ValueError."""
        super().__post_init__()
        if (self.entailment is None) != (self.contradiction is None):
            raise ValueError("entailment: give contradiction too, or neither")
        if self.entailment is not None and self.entailment == self.contradiction:
            raise ValueError(f"entailment: {self.entailment} is contradiction as well")
        if self.head is not None and self.cascade:
            raise ValueError("cascade: not with a head, which counts all sentences of the article")

    @cached_property
    def loaded_network(self) -> "Network":
        """The network, loaded when it is first asked."""
        return self.network("AutoModelForSequenceClassification")

    @cached_property
    def labels(self) -> _Labels:
        """Which label means what. Raises: ModelError where the checkpoint does not say."""
        named = {n: str(name) for n, name in self.loaded_network.model.config.id2label.items()}
        if self.entailment is not None and self.contradiction is not None:
            found: _Labels | None = _Labels(self.entailment, self.contradiction)
        else:
            found = _PRESET_LABELS.get(self.model) or _labels_by_name(named)
        if found is None or max(found) >= len(named) or min(found) < 0:
            given = ", ".join(f"{n} {name}" for n, name in sorted(named.items()))
            raise ModelError(
                f"{self.checkpoint}: which labels mean entailment and contradiction? It has "
                f"{given}; set entailment and contradiction"
            )
        return found

    @cached_property
    def _head(self) -> "Head":

        assert self.head is not None
        return read_head(self.head)

    def passages(self, article: str) -> list[Passage]:
        """Return the pieces of an article."""
        spans = pieces(article, self.granularity, self.split)
        return [Passage(span.of(article), span) for span in spans]

    def claims_of_pair(self, article: str, summary: str, cut: CutArticle) -> ClaimsOfPair:
        """Return the pieces of article and summary that are long enough."""
        spans = pieces(summary, self.granularity, self.split)
        premises = cut(article) if spans else ()
        if not premises:
            lacks = "article" if spans else "summary"
            note = f"the {lacks} has no sentence of more than {SHORTEST} characters"
            return ClaimsOfPair(article, note)
        claims = [(span, span.of(summary)) for span in spans]
        copies = self.find_copies(article, summary, spans) if self.cascade else None
        lost = sum(len(premise.text) for premise in premises[self.max_pieces :])
        return ClaimsOfPair(article, "", premises[: self.max_pieces], claims, copies, lost)

    def answer(self, questions: Sequence[Question]) -> list[_Answer]:
        """Return how likely each premise entails its claim, and contradicts it."""
        premises, claims = [p for p, _ in questions], [c for _, c in questions]
        items = self.loaded_network.encode(premises, claims, max_tokens=self.max_tokens)
        probabilities = self.loaded_network.classify(items)
        entailed = probabilities[:, self.labels.entailment].tolist()
        contradicted = probabilities[:, self.labels.contradiction].tolist()
        return [
            _Answer(e, c, *_cut(item, *question))
            for question, e, c, item in zip(questions, entailed, contradicted, items, strict=True)
        ]

    def combine(
        self, pair: ClaimsOfPair, columns: Sequence[Sequence[_Answer]], reading: PairScoring
    ) -> Score:
        """Return the mean of the claims, or what the head makes of them."""
        if self.head is not None:
            return self._conv(pair, columns, reading)
        sentences = pair.score_claims(columns, _zero_shot, lambda c: _evidence(c, pair))
        values = [sentence.value for sentence in sentences]
        return reading.score(sum(values) / len(values), sentences)

    def _conv(
        self, pair: ClaimsOfPair, columns: Sequence[Sequence[_Answer]], reading: PairScoring
    ) -> Score:
        columns = columns[:MOST_SENTENCES]
        entailed = np.array([[a.entailment for a in column] for column in columns], np.float32).T
        strengths = self._head.strengths(entailed)
        sentences = [
            SentenceScore(span, self._head.probability(strength), _evidence(column, pair))
            for (span, _), strength, column in zip(pair.claims, strengths, columns, strict=False)
        ]
        n_left_out = len(pair.claims) - len(sentences)
        if n_left_out:
            reading.notes.append(f"{n_left_out} sentences of the summary after the tenth left out")
        return reading.score(mean_probability(self._head, strengths), sentences)


def _zero_shot(column: Sequence[_Answer]) -> float:
    """Return the highest entailment less the highest contradiction."""
    return max(a.entailment for a in column) - max(a.contradiction for a in column)


def _evidence(column: Sequence[_Answer], pair: ClaimsOfPair) -> tuple[Span, ...]:
    """Return the piece that entails most and, if it weighs more, the one that contradicts most."""
    numbers = range(len(column))
    for_it = max(numbers, key=lambda number: column[number].entailment)
    against = max(numbers, key=lambda number: column[number].contradiction)
    chosen = {for_it}
    if column[against].contradiction > column[for_it].entailment:
        chosen.add(against)
    spans = (pair.passages[number].span for number in sorted(chosen))
    return tuple(span for span in spans if span is not None)


def _cut(item: "Encoded", premise: str, claim: str) -> tuple[int, bool]:
    """Return how many characters of a premise were cut, and whether the claim was."""
    if item.kept is None:
        return 0, False
    return len(premise.rstrip()) - item.kept[0], item.kept[1] < len(claim.rstrip())


def _labels_by_name(named: Mapping[int, str]) -> _Labels | None:
    """Return the labels by their names, whatever case; None where they do not say.

    >>> _labels_by_name({0: "SUPPORTS", 1: "REFUTES", 2: "NOT ENOUGH INFO"})
    _Labels(entailment=0, contradiction=1)
    """
    lowered = {n: name.strip().lower() for n, name in named.items()}
    entailment = [n for n, name in lowered.items() if name in _ENTAILMENT]
    contradiction = [n for n, name in lowered.items() if name in _CONTRADICTION]
    if len(entailment) != 1 or len(contradiction) != 1:
        return None
    return _Labels(entailment[0], contradiction[0])


def pieces(text: str, granularity: Granularity, split: Splitter) -> list[Span]:
    """Return the pieces of a text that are long enough; a document is one piece, however short.

    >>> from evalharness.text import sentences
    >>> [span.of("Yes. He said so again.") for span in pieces("Yes. He said so again.",
    ...     "sentence", sentences)]
    ['He said so again.']
    """
    if granularity == "document":
        return [Span(0, len(text))]
    found: Sequence[Span] = split(text) if granularity == "sentence" else list(_paragraphs(text))
    return [span for span in found if span.end - span.start > SHORTEST]


def _paragraphs(text: str) -> Iterator[Span]:
    """Yield what stands between empty lines, or between lines where there are no empty ones."""
    gap = "\n\n" if "\n\n" in text else "\n"
    at = 0
    for block in text.split(gap):
        bare = block.strip()
        start = at + len(block) - len(block.lstrip())
        yield Span(start, start + len(bare))
        at += len(block) + len(gap)


_Floats = npt.NDArray[np.float64]

# The head of SummaC-Conv: from how many pieces entail a sentence to a score, in 32 numbers.

# Probabilities of entailment are counted in these bins, as the authors set them.
EDGES = (
    *(0.0, 0.01, 0.02, 0.03, 0.04, 0.07, 0.13, 0.37, 0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.955),
    *(0.96, 0.965, 0.97, 0.975, 0.98, 0.985, 0.99, 0.995, 1.0),
)
# Sentences of a summary that are looked at.
MOST_SENTENCES = 10

_SHAPES = {
    "mlp.weight": (1, len(EDGES) - 1),
    "mlp.bias": (1,),
    "layer_final.weight": (2, 3),
    "layer_final.bias": (2,),
}


@dataclass(frozen=True)
class Head:
    """The trained numbers; `probability` of a mean of `strengths` is SummaC-Conv's score."""

    bins: _Floats
    bias: float
    slope: float
    offset: float

    def strengths(self, entailed: npt.NDArray[np.float32]) -> _Floats:
        """Return one number for each sentence.

        entailed: probability that a piece entails a sentence, shape (pieces, sentences).
        """
        histograms = [np.histogram(column, bins=EDGES)[0] for column in entailed.T]
        found: _Floats = np.array(histograms) @ self.bins + self.bias
        return found

    def probability(self, strength: float) -> float:
        """Return the probability of consistency; over two labels a softmax is a logistic curve."""
        x = self.slope * strength + self.offset
        return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def read_head(path: Path) -> Head:
    """Read a head: the authors' `.bin` (without running code), `.safetensors`, or `.json`.

    JSON has the same four names, with nested lists. Raises: ModelError.
    """
    try:
        tensors = _read(path)
        arrays = {name: np.asarray(tensors[name], np.float64) for name in _SHAPES}
    except KeyError as error:
        raise ModelError(f"{path}: no head of SummaC-Conv: it lacks {error}") from error
    except ModelError:
        raise
    except Exception as error:  # what is no such file, in the words of three readers
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path}: cannot be read as a head of SummaC-Conv: {first}") from error
    for name, shape in _SHAPES.items():
        if arrays[name].shape != shape:
            raise ModelError(f"{path}: {name} has the shape {arrays[name].shape}, not {shape}")
    # All three inputs of the last layer are the mean, so its rows only count as sums.
    last = arrays["layer_final.weight"].sum(axis=1)
    bias = arrays["layer_final.bias"]
    return Head(
        arrays["mlp.weight"][0],
        float(arrays["mlp.bias"][0]),
        float(last[1] - last[0]),
        float(bias[1] - bias[0]),
    )


def _read(path: Path) -> Mapping[str, Any]:
    if path.suffix == ".json":
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ModelError(f"{path}: not an object with the names {', '.join(_SHAPES)}")
        return found
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return load_file(path)
    import torch

    tensors = torch.load(path, map_location="cpu", weights_only=True)
    return {name: tensors[name].float().numpy() for name in _SHAPES}


def mean_probability(head: Head, strengths: Sequence[float] | _Floats) -> float:
    """Return the score of a summary from its sentences' strengths."""
    return head.probability(float(np.mean(strengths)))
