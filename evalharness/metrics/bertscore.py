"""BERTScore against the references: how near in meaning are the words (Zhang et al., 2020)?"""

import csv
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from evalharness.errors import DataError
from evalharness.neural.weights import NetworkOptions
from evalharness.protocols import Checkpoint, Need, Pair
from evalharness.records import Score

if TYPE_CHECKING:
    from evalharness.neural.embedding import Embedder, Match


T = TypeVar("T")

# What the configs of transformers call the number of layers.
_LAYER_NAMES = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers")

# The layer whose output correlated best with people on WMT16, by the table of bert-score 0.3.13;
# tests/neural/official_bertscore.py compares it with that of an installed bert-score.
LAYERS: Mapping[str, int] = {
    "albert-xxlarge-v2": 8,
    "allenai/longformer-base-4096": 7,
    "allenai/longformer-large-4096": 14,
    "bert-base-chinese": 8,
    "bert-base-multilingual-cased": 9,
    "bert-base-uncased": 9,
    "bert-large-uncased": 18,
    "distilbert-base-uncased": 5,
    "distilroberta-base": 5,
    "facebook/bart-base": 6,
    "facebook/bart-large": 10,
    "facebook/bart-large-mnli": 11,
    "google/mt5-base": 11,
    "microsoft/deberta-base-mnli": 9,
    "microsoft/deberta-large-mnli": 18,
    "microsoft/deberta-v3-base": 9,
    "microsoft/deberta-v3-large": 12,
    "microsoft/deberta-xlarge-mnli": 40,
    "microsoft/mdeberta-v3-base": 10,
    "roberta-base": 10,
    "roberta-large": 17,
    "roberta-large-mnli": 19,
    "t5-base": 11,
    "t5-large": 23,
    "xlm-roberta-base": 9,
    "xlm-roberta-large": 17,
}
# The same checkpoints under the names of their owners.
_OWNERS = {
    "albert": ("albert/",),
    "bert": ("google-bert/",),
    "distilbert": ("distilbert/",),
    "distilroberta": ("distilbert/",),
    "roberta": ("FacebookAI/",),
    "t5": ("google-t5/",),
    "xlm-roberta": ("FacebookAI/",),
}


@dataclass(frozen=True)
class BertScoring(NetworkOptions):
    """Which embeddings are compared, and how their likeness becomes a score.

    layers: how many layers of the model to use; None takes it from bert-score's table.
    long: a text above what the model reads at once: `cut`, as bert-score does; `windows`, read all
        of it in windows that overlap by a quarter (ours).
    idf: a file with one document a line, whose rare words shall weigh more; None weighs all alike.
        Unlike bert-score we never count the texts at hand: scores would depend on the batch.
    baseline: a file of bert-score's form (LAYER,P,R,F) to rescale with; None leaves cosines.
    prefix_space: put a space before a text; None does so where bert-score under transformers 4
        did, which is for models of RoBERTa's and GPT-2's kind.
    """

    least_values: ClassVar[Mapping[str, int]] = {"layers": 1}

    _: KW_ONLY
    layers: int | None = None
    long: Literal["cut", "windows"] = "cut"
    idf: Path | None = None
    baseline: Path | None = None
    prefix_space: bool | None = None

    def __post_init__(self) -> None:
        """Check the options. Raises: ValueError."""
        super().__post_init__()
        if self.layers is None and layers_of(self.model) is None:
            raise ValueError(
                f"layers: bert-score's table has no {self.model!r}{_layers_there(self.model)}; say "
                "how many layers to use"
            )

    @property
    def n_layers(self) -> int:
        """Return how many layers are used."""
        return self.layers or layers_of(self.model) or 0

    def identity(self) -> Mapping[str, str]:
        """Return what names the weights, and the layer."""
        return {**super().identity(), "layers": str(self.n_layers)}

    @cached_property
    def embedder(self) -> "Embedder":
        """The model as far as it is used."""
        from evalharness.neural.embedding import Embedder

        network = self.network("AutoModel", lacks=("pooler.",))
        embedder = Embedder(network, self.n_layers, self.long == "windows", self.prefix_space)
        if self.idf is not None:
            embedder.idf = _idf(embedder, self.idf)
        return embedder

    @cached_property
    def _baseline(self) -> tuple[float, float, float]:
        return (0.0, 0.0, 0.0) if self.baseline is None else _row(self.baseline, self.n_layers)

    def compare_pairs(
        self, pairs: Sequence[tuple[str, str]], made: Callable[[str, str, "Match"], T]
    ) -> dict[tuple[str, str], T]:
        """Return what `made` makes of reference, hypothesis and their match; each pair once."""
        by_reference: dict[str, list[str]] = {}
        for reference, hypothesis in dict.fromkeys(pairs):
            by_reference.setdefault(reference, []).append(hypothesis)
        text = self.embedder.text
        groups = ((text(r), [text(h) for h in rest]) for r, rest in by_reference.items())
        found: dict[tuple[str, str], T] = {}
        matches = self.embedder.matches(groups) if by_reference else ()
        for (reference, rest), some in zip(by_reference.items(), matches, strict=True):
            for hypothesis, match in zip(rest, some, strict=True):
                found[reference, hypothesis] = made(reference, hypothesis, match)
        return found

    def figures(self, match: "Match") -> tuple[float, float, float]:
        """Return precision, recall and F1, rescaled where there is a baseline."""
        p, r, f = self._baseline
        return (
            rescale_cosine(match.precision, p),
            rescale_cosine(match.recall, r),
            rescale_cosine(match.f1, f),
        )

    def precision_of(self, match: "Match", which: npt.NDArray[np.bool_]) -> float:
        """Return the precision of some tokens of a summary."""
        return rescale_cosine(match.precision_of(which), self._baseline[0])


def layers_of(model: str) -> int | None:
    """Return the layer of a checkpoint by bert-score's table; None if it has none.

    >>> layers_of("roberta-large"), layers_of("FacebookAI/roberta-large"), layers_of("x/y")
    (17, 17, None)
    """
    if model in LAYERS:
        return LAYERS[model]
    owner, slash, name = model.partition("/")
    for start, owners in _OWNERS.items():
        if name in LAYERS and name.startswith(f"{start}-") and owner + slash in owners:
            return LAYERS[name]
    return None


def _layers_there(model: str) -> str:
    """Say how many layers a folder's config has; nothing where there is none to read."""
    try:
        config = json.loads((Path(model).expanduser() / "config.json").read_bytes())
        n = next(config[name] for name in _LAYER_NAMES if name in config)
    except (OSError, ValueError, TypeError, StopIteration):
        return ""
    return f", which has {n}"


def rescale_cosine(value: float, baseline: float) -> float:
    """Return a cosine on a scale on which the baseline is 0."""
    return (value - baseline) / (1 - baseline)


def _row(path: Path, layer: int) -> tuple[float, float, float]:
    """Return the baseline of a layer. Raises: DataError where the file has none."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                if int(row["LAYER"]) == layer:
                    found = tuple(float(row[name]) for name in "PRF")
                    if all(math.isfinite(value) and value < 1 for value in found):
                        return found[0], found[1], found[2]
                    raise DataError(f"{path}: layer {layer}: a baseline must be below 1")
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: no table with the columns LAYER,P,R,F: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    raise DataError(f"{path}: no baseline for layer {layer}")


def _idf(embedder: "Embedder", path: Path) -> dict[int, float]:
    """Return how much each token weighs, and under -1 one that no document has."""
    counts: Counter[int] = Counter()
    n = 0
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            for line in stream:
                if line.strip():
                    n += 1
                    counts.update(set(embedder.token_ids(line)))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    if n == 0:
        raise DataError(f"{path}: no document; one a line is wanted")
    return {-1: math.log(n + 1), **{t: math.log((n + 1) / (c + 1)) for t, c in counts.items()}}


class _Figures(NamedTuple):
    values: tuple[float, float, float]
    note: str


@dataclass(frozen=True)
class BertScore(BertScoring):
    """Precision, recall and F1 of the cosines of each token with its nearest in the reference.

    The numbers are bert-score's under transformers 4; its own package is silently wrong for
    RoBERTa under transformers 5. Of several references each figure is the best, as there.
    """

    model: Checkpoint = "roberta-large"

    needs: ClassVar[frozenset[Need]] = frozenset({"references"})
    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    version: ClassVar[int] = 2

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary; `value` is F1."""
        wanted = [
            [(reference, summary.text) for reference in article.references if reference.strip()]
            if summary.text.strip()
            else []
            for article, summary in pairs
        ]
        found = self.compare_pairs([pair for some in wanted for pair in some], self._figures)
        scores: list[Score] = []
        for (article, summary), some in zip(pairs, wanted, strict=True):
            if not summary.text.strip():
                scores.append(Score(None, note="the summary is empty"))
            elif not any(reference.strip() for reference in article.references):
                scores.append(Score(None, note="the article has no reference"))
            else:
                scores.append(_best([found[pair] for pair in some]))
        return scores

    def _figures(self, reference: str, summary: str, match: "Match") -> _Figures | None:
        """Return the figures of one reference, and whether a text was cut; None: no tokens."""
        if not match.comparable:
            return None
        cut = [
            name
            for name, text, read in (
                ("the reference", reference.rstrip(), match.reference.read),
                ("the summary", summary.rstrip(), match.hypothesis.read),
            )
            if read < len(text)
        ]
        return _Figures(self.figures(match), f"{' and '.join(cut)} cut" if cut else "")


def _best(found: Sequence[_Figures | None]) -> Score:
    known = [figures for figures in found if figures is not None]
    if not known:
        return Score(None, note="nothing to compare: no token that weighs something")
    names = ("precision", "recall", "f1")
    columns = zip(*(figures.values for figures in known), strict=True)
    parts = {name: max(column) for name, column in zip(names, columns, strict=True)}
    notes = dict.fromkeys(figures.note for figures in known if figures.note)
    return Score(parts["f1"], parts, note="; ".join(notes))
