"""AlignScore: does some passage of the article say what each sentence of the summary says?"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np

from evalharness.hf import weights as hf_weights
from evalharness.neural.batches import Encoded
from evalharness.neural.reading import CopiedSentences, PairScoring, score_comparable
from evalharness.neural.weights import NetworkOptions
from evalharness.protocols import Checkpoint, Need, Pair
from evalharness.records import Score, SentenceScore, Span
from evalharness.text import SENTENCES_VERSION

if TYPE_CHECKING:
    from evalharness.neural.network import Network

Mode = Literal["nli_sp", "nli", "bin_sp", "bin", "reg_sp", "reg"]

CHUNK_WORDS = 350  # of the authors: words of the article for each chunk
CELLS_TOGETHER = 4096  # pairs of passage and claim that are tokens at a time


class _Piece(NamedTuple):
    """A passage of the article or a claim: where it stands, and what the network is given."""

    span: Span
    text: str


@dataclass(frozen=True)
class AlignScore(NetworkOptions):
    """How far an alignment model finds the summary in the article (Zha et al., ACL 2023).

    Modes with `_sp`, of which nli_sp is the authors' choice: the article in chunks of about 350
    words, the summary in sentences; a sentence has the best of all chunks, the score is their mean.
    Modes without: article and summary whole, cut to what the network reads. `reg` modes are the
    regression head's number as it is, which may lie outside of 0 to 1.

    model: a folder or a name on the hub: in the form that `save` writes, or with a checkpoint.
    file: the checkpoint of PyTorch Lightning in it (a pickle; read without running its code).
    backbone: for a checkpoint, whose config and tokenizer to use: roberta-base or roberta-large.
    mode: which head, and whether in chunks and sentences.
    cascade: give 1 to sentences that stand in the article as they are, and do not ask the network.
    """

    file: str | None = None
    backbone: Checkpoint | None = None
    mode: Mode = "nli_sp"
    cascade: bool = False

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Check the options. Raises: ValueError."""
        super().__post_init__()
        if (self.file is None) != (self.backbone is None):
            raise ValueError("backbone: goes with file, a checkpoint of PyTorch Lightning")
        if self.cascade and not self.mode.endswith("_sp"):
            raise ValueError(f"cascade: the mode {self.mode} does not look at single sentences")

    def identity(self) -> Mapping[str, str]:
        """Return what names the weights, the backbone's files and the sentence splitter."""
        named = dict(hf_weights.checkpoint_identity(self.checkpoint, self.revision))
        if self.file is not None and "sha256" in named:
            named["sha256"] = hf_weights.content_hash(hf_weights.file(self.checkpoint, self.file))
        if self.backbone is not None:
            named["backbone_content"] = "".join(
                hf_weights.checkpoint_identity(self.backbone).values()
            )
        if self.mode.endswith("_sp"):
            named["sentences"] = str(SENTENCES_VERSION)
        return named

    @cached_property
    def loaded_network(self) -> "Network":
        """The network, loaded when it is first asked."""
        from evalharness.checks.alignscore_network import WEIGHTS, load_alignscore

        backbone = self.backbone or self.checkpoint
        return self.network_on_backbone(load_alignscore, self.file or WEIGHTS, backbone)

    def save(self, folder: Path) -> None:
        """Write the network as a folder that loads without pickle and backbone."""
        from evalharness.checks import alignscore_network

        alignscore_network.save(self.loaded_network.model, self.loaded_network.tokenizer, folder)

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each sentence of each summary; its evidence is the chunk that fits it best."""
        return score_comparable(pairs, self._score_texts)

    def _score_texts(self, texts: Sequence[tuple[str, str]]) -> list[Score]:
        given = [self._pieces_of_pair(*pair) for pair in texts]
        self._answer(given)
        return [
            self._as_score(each, article) for each, (article, _) in zip(given, texts, strict=True)
        ]

    def _pieces_of_pair(self, article: str, summary: str) -> "_Given":
        """Return the passages of the article and the claims of the summary."""
        if not self.mode.endswith("_sp"):
            return _Given([_whole(article)], [_whole(summary)])
        claims = [_Piece(span, span.of(summary)) for span in self.split(summary)]
        sentences = self.split(article)
        copies: dict[int, Span] | None = None
        if self.cascade:
            copied = CopiedSentences(article, sentences)
            found = {j: copied.place(claim.text) for j, claim in enumerate(claims)}
            copies = {j: span for j, span in found.items() if span is not None}
        return _Given(word_chunks(article, sentences), claims, copies)

    def _answer(self, given: Sequence["_Given"]) -> None:
        """Fill in what the network says of every passage with every claim."""
        if not given:
            return
        from evalharness.checks.alignscore_network import HEAD_COLUMNS

        column = HEAD_COLUMNS[self.mode.removesuffix("_sp")]
        cells = ((each, *cell) for each in given for cell in each.cells())
        while some := list(itertools.islice(cells, CELLS_TOGETHER)):
            items = self._encode(
                [each.passages[i].text for each, i, _ in some],
                [each.claims[j].text for each, _, j in some],
            )
            rows = self.loaded_network.run(items, self.loaded_network.model.answers, "alignscore")
            for (each, i, j), item, row in zip(some, items, rows, strict=True):
                each.add(i, j, float(row[column]), item.kept)

    def _encode(self, passages: Sequence[str], claims: Sequence[str]) -> list[Encoded]:
        """Return pairs as tokens: the passage is cut, or both where the claim is too long alone."""
        from evalharness.neural.tokens import most_tokens

        limit = most_tokens(self.loaded_network)
        special = self.loaded_network.tokenizer.num_special_tokens_to_add(pair=True)
        alone = list(dict.fromkeys(claims))
        lengths = map(len, self.loaded_network.encode(alone, special_tokens=False))
        fits = {
            claim: limit is None or n + special < limit
            for claim, n in zip(alone, lengths, strict=True)
        }
        encoded: dict[int, Encoded] = {}
        for whole in (True, False):
            places = [place for place, claim in enumerate(claims) if fits[claim] == whole]
            found = self.loaded_network.encode(
                [passages[place] for place in places],
                [claims[place] for place in places],
                max_tokens=limit,
                truncation="only_first" if whole else "longest_first",
            )
            encoded.update(zip(places, found, strict=True))
        return [encoded[place] for place in range(len(claims))]

    def _as_score(self, given: "_Given", article: str) -> Score:
        if not given.claims or not given.passages:
            return Score(None, note="no sentence to compare")
        scores = [given.sentence(j) for j in range(len(given.claims))]
        copied = None if given.copies is None else len(given.copies)
        reading = PairScoring(article, int(given.lost.sum()), int(given.cut.sum()), copied)
        return reading.score(fmean(each.value for each in scores), scores)


class _Given:
    """The passages and claims of one pair, and what the network says of each with each."""

    def __init__(
        self,
        passages: Sequence[_Piece],
        claims: Sequence[_Piece],
        copies: Mapping[int, Span] | None = None,
    ) -> None:
        self.passages = passages
        self.claims = claims
        self.copies = copies  # where the article has claims as they are; None: not looked for
        self.values = np.zeros((len(passages), len(claims)), np.float32)
        unread = all(j in (copies or {}) for j in range(len(claims)))
        self.lost = np.array([0 if unread else len(passage.text) for passage in passages])
        self.cut = np.zeros(len(claims), bool)

    def cells(self) -> Iterator[tuple[int, int]]:
        """Yield every passage with every claim that is to be asked about, by number."""
        asked = [j for j in range(len(self.claims)) if j not in (self.copies or {})]
        return itertools.product(range(len(self.passages)), asked)

    def add(self, i: int, j: int, value: float, kept: tuple[int, int] | None) -> None:
        """Take note of what the network says, and of what it was given."""
        passage, claim = self.passages[i].text, self.claims[j].text
        read, read_of_claim = kept or (len(passage), len(claim))
        self.values[i, j] = value
        self.lost[i] = min(self.lost[i], len(passage.rstrip()) - read)
        self.cut[j] |= read_of_claim < len(claim.rstrip())

    def sentence(self, j: int) -> SentenceScore:
        """Return the score of a claim: the best of all passages, which is its evidence."""
        span = self.claims[j].span
        if self.copies and j in self.copies:
            return SentenceScore(span, 1.0, (self.copies[j],))
        best = int(self.values[:, j].argmax())
        return SentenceScore(span, float(self.values[best, j]), (self.passages[best].span,))


def word_chunks(article: str, sentences: Sequence[Span]) -> list[_Piece]:
    """Return the article in runs of sentences of about 350 words, as the authors cut it."""
    n_wanted = len(article.split()) // CHUNK_WORDS + 1
    n_each = max(len(sentences) // n_wanted, 1)
    runs = [sentences[at : at + n_each] for at in range(0, len(sentences), n_each)]
    return [
        _Piece(Span(run[0].start, run[-1].end), " ".join(span.of(article) for span in run))
        for run in runs
    ]


def _whole(text: str) -> _Piece:
    start = len(text) - len(text.lstrip())
    return _Piece(Span(start, len(text.rstrip())), text)
