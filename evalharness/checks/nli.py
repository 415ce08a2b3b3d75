"""SummaC (Laban et al. 2022): does some sentence of the article entail each of the summary's?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from evalharness.errors import ModelError
from evalharness.neural.reading import CopiedSentences, PairScoring, Splitter, unscorable
from evalharness.neural.weights import NetworkOptions
from evalharness.protocols import Checkpoint, Need, Pair
from evalharness.records import Score, SentenceScore, Span
from evalharness.text import SENTENCES_VERSION

if TYPE_CHECKING:
    from evalharness.checks.nli_head import Head
    from evalharness.neural.batches import Encoded
    from evalharness.neural.network import Network


Granularity = Literal["sentence", "paragraph", "document"]

# Pieces of no more characters are left out.
SHORTEST = 10


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


_TOGETHER = 64
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
class _Asked:
    """One pair: the pieces of its article, the claims of its summary, those settled by a copy."""

    article: str
    summary: str
    note: str
    premises: Sequence[Span] = ()
    claims: Sequence[Span] = ()
    copies: Mapping[Span, Span] = field(default_factory=dict[Span, Span])
    lost: int = 0

    @property
    def open(self) -> list[tuple[str, str]]:
        """Return what the network is asked, premise and hypothesis."""
        claims = [span.of(self.summary) for span in self.claims if span not in self.copies]
        return [(p.of(self.article), claim) for claim in claims for p in self.premises]


@dataclass(frozen=True)
class Nli(NetworkOptions):
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
    version: ClassVar[int] = 1
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
        for name in ("max_pieces", "max_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)} is below 1")
        if (self.entailment is None) != (self.contradiction is None):
            raise ValueError("entailment: give contradiction too, or neither")
        if self.entailment is not None and self.entailment == self.contradiction:
            raise ValueError(f"entailment: {self.entailment} is contradiction as well")
        if self.head is not None and self.cascade:
            raise ValueError("cascade: not with a head, which counts all sentences of the article")

    def identity(self) -> Mapping[str, str]:
        """Return what names the weights, and which sentence splitter."""
        return {**super().identity(), "sentences": str(SENTENCES_VERSION)}

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each sentence; its evidence is what entails it most, and what contradicts it."""
        scores: list[Score] = []
        for start in range(0, len(pairs), _TOGETHER):
            some = [self._asked(a.text, s.text) for a, s in pairs[start:][:_TOGETHER]]
            answers = self._answers([question for asked in some for question in asked.open])
            scores += [self._score(asked, answers) for asked in some]
        return scores

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
        from evalharness.checks.nli_head import read_head

        assert self.head is not None
        return read_head(self.head)

    def _asked(self, article: str, summary: str) -> _Asked:
        note = unscorable(article, summary)
        if note:
            return _Asked(article, summary, note)
        claims = pieces(summary, self.granularity, self.split)
        if not claims:
            what = f"the summary has no sentence of more than {SHORTEST} characters"
            return _Asked(article, summary, what)
        premises = pieces(article, self.granularity, self.split)
        if not premises:
            what = f"the article has no sentence of more than {SHORTEST} characters"
            return _Asked(article, summary, what)
        kept, left_out = premises[: self.max_pieces], premises[self.max_pieces :]
        lost = sum(span.end - span.start for span in left_out)
        return _Asked(
            article, summary, "", kept, claims, self._copies(article, summary, claims), lost
        )

    def _copies(self, article: str, summary: str, claims: Sequence[Span]) -> dict[Span, Span]:
        if not self.cascade:
            return {}
        copied = CopiedSentences(article, self.split(article))
        found = {span: copied.place(span.of(summary)) for span in claims}
        return {span: place for span, place in found.items() if place is not None}

    def _answers(self, questions: Sequence[tuple[str, str]]) -> dict[tuple[str, str], _Answer]:
        once = list(dict.fromkeys(questions))
        if not once:
            return {}
        premises, claims = [p for p, _ in once], [c for _, c in once]
        items = self.loaded_network.encode(premises, claims, max_tokens=self.max_tokens)
        probabilities = self.loaded_network.classify(items)
        entailed = probabilities[:, self.labels.entailment].tolist()
        contradicted = probabilities[:, self.labels.contradiction].tolist()
        return {
            question: _Answer(e, c, *_cut(item, *question))
            for question, e, c, item in zip(once, entailed, contradicted, items, strict=True)
        }

    def _score(self, asked: _Asked, answers: Mapping[tuple[str, str], _Answer]) -> Score:
        if asked.note:
            return Score(None, note=asked.note)
        reading = PairScoring(asked.article, copied=len(asked.copies) if self.cascade else None)
        lost = [0] * len(asked.premises)
        columns: list[list[_Answer]] = []
        for span in asked.claims:
            if span in asked.copies:
                columns.append([])
                continue
            claim = span.of(asked.summary)
            column = [answers[premise.of(asked.article), claim] for premise in asked.premises]
            lost = [max(one, answer.lost) for one, answer in zip(lost, column, strict=True)]
            reading.cut += any(answer.cut for answer in column)
            columns.append(column)
        reading.lost = asked.lost + sum(lost)
        if self.head is not None:
            return self._conv(asked, columns, reading)
        sentences = [
            _zero_shot(span, column, asked)
            for span, column in zip(asked.claims, columns, strict=True)
        ]
        values = [sentence.value for sentence in sentences]
        return reading.score(sum(values) / len(values), sentences)

    def _conv(self, asked: _Asked, columns: list[list[_Answer]], reading: PairScoring) -> Score:
        import numpy as np

        from evalharness.checks.nli_head import MOST_SENTENCES, mean_probability

        columns = columns[:MOST_SENTENCES]
        entailed = np.array([[a.entailment for a in column] for column in columns], np.float32).T
        strengths = self._head.strengths(entailed)
        sentences = [
            SentenceScore(span, self._head.probability(strength), _evidence(column, asked))
            for span, strength, column in zip(asked.claims, strengths, columns, strict=False)
        ]
        n_left_out = len(asked.claims) - len(sentences)
        if n_left_out:
            reading.notes.append(f"{n_left_out} sentences of the summary after the tenth left out")
        return reading.score(mean_probability(self._head, strengths), sentences)


def _zero_shot(span: Span, column: Sequence[_Answer], asked: _Asked) -> SentenceScore:
    if span in asked.copies:
        return SentenceScore(span, 1.0, (asked.copies[span],))
    entailed = max(answer.entailment for answer in column)
    contradicted = max(answer.contradiction for answer in column)
    return SentenceScore(span, entailed - contradicted, _evidence(column, asked))


def _evidence(column: Sequence[_Answer], asked: _Asked) -> tuple[Span, ...]:
    """Return the piece that entails most and, if it weighs more, the one that contradicts most."""
    places = range(len(column))
    for_it = max(places, key=lambda place: column[place].entailment)
    against = max(places, key=lambda place: column[place].contradiction)
    found = {for_it}
    if column[against].contradiction > column[for_it].entailment:
        found.add(against)
    return tuple(asked.premises[place] for place in sorted(found))


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
