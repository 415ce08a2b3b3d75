"""ROUGE: the words, pairs and sequences that a summary shares with its references."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from math import fsum
from typing import ClassVar, Literal, NamedTuple

from evalharness.metrics.rouge_engine import NOTHING, PRF, rouge_l, rouge_lsum, rouge_n
from evalharness.metrics.tokens import KEPT_CHARACTERS, KEPT_TEXTS, Tokenizer, Tokens, tokenize
from evalharness.protocols import Need, Pair
from evalharness.records import Score
from evalharness.text import SENTENCES_VERSION, sentences

Split = Literal["sentences", "newline"]

_WORDLESS: dict[Tokenizer, str] = {
    "default": "the default tokenizer finds no word in the reference; try `tokenizer: unicode`",
    "unicode": "the reference has no words",
}
_TYPE = re.compile(r"rouge(?:[1-9]|L|Lsum)")


class Reading(NamedTuple):
    """The words of a text, all of them and by sentence."""

    words: Tokens
    sentences: tuple[Tokens, ...]


@dataclass(frozen=True)
class Rouge:
    """Precision, recall and F-measure of what summary and reference share (Lin, 2004).

    With `split: newline` the numbers are those of rouge_score, to the last bit.
    `value` is the F-measure of rougeL where that is among the types, else of the first type.
    `parts` has for every type its F-measure (`rouge1`), `rouge1.precision` and `rouge1.recall`.
    References without a word are left out; an article without any has no score.

    types: which of rouge1 to rouge9, rougeL and rougeLsum.
    stemmer: compare English words by their Porter stems, as most papers do.
    tokenizer: `default`, runs of a-z and 0-9; `unicode`, words of every script.
    split: what rougeLsum takes for a sentence: `newline`, a line, as rouge_score does;
        `sentences`, a sentence of the text, for summaries that come in one line.
    references: of several, `max`, the one with the best F-measure for each type; `mean`, all.
    empty: an empty summary: `skip`, no score, with a note; `zero`, 0.0, as the literature has it.
    """

    types: tuple[str, ...] = ("rouge1", "rouge2", "rougeL", "rougeLsum")
    stemmer: bool = True
    tokenizer: Tokenizer = "default"
    split: Split = "sentences"
    references: Literal["max", "mean"] = "max"
    empty: Literal["skip", "zero"] = "skip"

    needs: ClassVar[frozenset[Need]] = frozenset({"references"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Raise ValueError for types that are none."""
        for name in self.types:
            if not _TYPE.fullmatch(name):
                raise ValueError(
                    f"types: {name!r} is not one of rouge1 to rouge9, rougeL, rougeLsum"
                )
        if not self.types or len(set(self.types)) < len(self.types):
            raise ValueError("types: name at least one type, and each once")

    def identity(self) -> Mapping[str, str]:
        """Return the version of the sentence splitter, where it bears on the figures."""
        splits = self.split == "sentences" and "rougeLsum" in self.types
        return {"sentences": str(SENTENCES_VERSION)} if splits else {}

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary against its article's references."""
        return [self._score(article.references, summary.text) for article, summary in pairs]

    def _score(self, references: Sequence[str], summary: str) -> Score:
        given = [reference for reference in references if reference.strip()]
        if not given:
            return Score(None, note="the article has no reference")
        known = [reading for reading in map(self._reading, given) if reading.words]
        if not known:
            return Score(None, note=_WORDLESS[self.tokenizer])
        if summary.strip():
            ours = _read(summary, self.stemmer, self.tokenizer, self.split)
            combine = _best if self.references == "max" else _mean
            return self._as_score(
                [combine([_figures(name, theirs, ours) for theirs in known]) for name in self.types]
            )
        if self.empty == "zero":
            return self._as_score([NOTHING] * len(self.types))
        return Score(None, note="the summary is empty")

    def _reading(self, reference: str) -> Reading:
        """Return the words of a reference, kept for other summaries of the same article."""
        read = _read_once if len(reference) <= KEPT_CHARACTERS else _read
        return read(reference, self.stemmer, self.tokenizer, self.split)

    def _as_score(self, figures: Sequence[PRF]) -> Score:
        parts: dict[str, float] = {}
        for name, (precision, recall, fmeasure) in zip(self.types, figures, strict=True):
            parts[name] = fmeasure
            parts[f"{name}.precision"] = precision
            parts[f"{name}.recall"] = recall
        return Score(parts["rougeL" if "rougeL" in parts else self.types[0]], parts)


def _read(text: str, stemmer: bool, tokenizer: Tokenizer, split: Split) -> Reading:
    lines = [line for line in text.split("\n") if line]
    in_lines = [tokenize(line, stemmer, tokenizer) for line in lines]
    words = tuple(chain.from_iterable(in_lines))
    if split == "newline":
        return Reading(words, tuple(in_lines))
    in_sentences: list[Tokens] = []
    for line, in_line in zip(lines, in_lines, strict=True):
        spans = sentences(line)
        several = len(spans) > 1
        in_sentences += (
            [tokenize(span.of(line), stemmer, tokenizer) for span in spans]
            if several
            else [in_line]
        )
    return Reading(words, tuple(in_sentences))


_read_once = lru_cache(KEPT_TEXTS)(_read)


def _figures(name: str, theirs: Reading, ours: Reading) -> PRF:
    if name == "rougeL":
        return rouge_l(theirs.words, ours.words)
    if name == "rougeLsum":
        return rouge_lsum(theirs.sentences, ours.sentences)
    return rouge_n(theirs.words, ours.words, int(name.removeprefix("rouge")))


def _best(figures: Sequence[PRF]) -> PRF:
    """Return the figures with the best F-measure, the first of equals."""
    return max(figures, key=lambda figure: figure.fmeasure)


def _mean(figures: Sequence[PRF]) -> PRF:
    n = len(figures)
    return PRF(*(fsum(column) / n for column in zip(*figures, strict=True)))
