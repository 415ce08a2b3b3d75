"""ROUGE: the words, pairs and sequences that a summary shares with its references."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import chain, islice
from math import fsum
from operator import itemgetter
from typing import ClassVar, Literal, NamedTuple

from evalharness.config.registry import scorer_row
from evalharness.errors import HarnessError, MissingExtra
from evalharness.metrics.rouge_engine import (
    PACKAGE,
    PRF,
    ZERO_PRF,
    Compiled,
    Figures,
    compiled_scorer,
    counted_by,
    has_words,
    rouge_l,
    rouge_lsum,
    rouge_n,
    too_long,
)
from evalharness.metrics.tokens import KEPT_CHARACTERS, KEPT_TEXTS, Tokenizer, TokenTexts, tokenize
from evalharness.protocols import Need, Pair
from evalharness.records import Score
from evalharness.text import SENTENCES_VERSION, sentences
from evalharness.text.sentences import is_one_sentence

SentenceSplit = Literal["sentences", "newline"]

_WORDLESS: dict[Tokenizer, str] = {
    "default": "the default tokenizer finds no word in the reference; try `tokenizer: unicode`",
    "unicode": "the reference has no words",
}
_TYPE = re.compile(r"rouge(?:[1-9]|L|Lsum)")


_InOrder = Callable[[Sequence[float]], tuple[float, ...]]


class Words(NamedTuple):
    """The words of a text, all of them and by sentence."""

    words: TokenTexts
    sentences: tuple[TokenTexts, ...]


@dataclass(frozen=True)
class Rouge:
    """Precision, recall and F-measure of what summary and reference share (Lin, 2004).

    With `split: newline` the numbers are those of rouge_score, to the last bit.
    `rouge` alone, and the stored `value`, is the F-measure of the first of rouge1, rouge2, rougeL
    and rougeLsum that is among the types, else of the first type.
    `parts` has for every type its F-measure (`rouge1`), `rouge1.precision` and `rouge1.recall`.
    References without a word are left out; an article without any has no score.

    types: which of rouge1 to rouge9, rougeL and rougeLsum.
    stemmer: compare English words by their Porter stems, as most papers do.
    tokenizer: `default`, runs of a-z and 0-9; `unicode`, words of every script.
    split: what rougeLsum takes for a sentence: `newline`, a line, as rouge_score does;
        `sentences`, a sentence of the text, for summaries that come in one line.
    references: of several, `max`, the one with the best F-measure for each type; `mean`, all.
    empty: an empty summary: `skip`, no score, with a note; `zero`, 0.0, as the literature has it.
    engine: what counts; the figures are the same. `compiled`, rouge-score-rs, for the default
        tokenizer; `python`, our own; `auto`, the compiled one where it is installed and counts a
        set of texts as ours does.
    """

    types: tuple[str, ...] = ("rouge1", "rouge2", "rougeL", "rougeLsum")
    stemmer: bool = True
    tokenizer: Tokenizer = "default"
    split: SentenceSplit = "sentences"
    references: Literal["max", "mean"] = "max"
    empty: Literal["skip", "zero"] = "skip"
    engine: Literal["auto", "python", "compiled"] = field(default="auto", compare=False)

    needs: ClassVar[frozenset[Need]] = frozenset({"references"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Raise ValueError for types that are none."""
        for name in self.types:
            if not _TYPE.fullmatch(name):
                raise ValueError(
                    f"types: {name!r} is not one of rouge1 to rouge9, rougeL, rougeLsum"
                )
        if not self.types or len(set(self.types)) < len(self.types):
            raise ValueError("types: name at least one type, and each once")
        if self.engine == "compiled" and self.tokenizer != "default":
            raise ValueError("engine: the compiled one has the default tokenizer only")

    def identity(self) -> Mapping[str, str]:
        """Return the version of the sentence splitter, where it bears on the figures."""
        splits = self.split == "sentences" and "rougeLsum" in self.types
        return {"sentences": str(SENTENCES_VERSION)} if splits else {}

    def counted_by(self) -> str:
        """Return what counts: the compiled engine with its version, or nothing if it is ours."""
        return counted_by() if self._compiled_scorer() else ""

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary against its article's references.

        Raises: MissingExtra or HarnessError where the engine asked for cannot be had.
        """
        scorer = self._compiled_scorer()
        asked = [
            self._references_to_score(article.references, summary.text)
            for article, summary in pairs
        ]
        if scorer is None:
            return [
                each if isinstance(each, Score) else self._score(each, summary.text)
                for each, (_, summary) in zip(asked, pairs, strict=True)
            ]
        return self._score_all(scorer, asked, [summary.text for _, summary in pairs])

    def _compiled_scorer(self) -> Compiled | None:
        if self.engine == "python" or self.tokenizer != "default":
            return None
        scorer = compiled_scorer(self.types, self.stemmer)
        if scorer is None and self.engine == "compiled":
            if find_spec("rouge_score_rs") is None:
                raise MissingExtra("rouge with the engine `compiled`", "fast")
            raise HarnessError(f"rouge: {PACKAGE} does not count as ours does; use `engine: auto`")
        return scorer

    def _references_to_score(self, references: Sequence[str], summary: str) -> Score | list[str]:
        """Return the references to score against, or the score where there is nothing to count."""
        given = [reference for reference in references if reference.strip()]
        if not given:
            return Score(None, note="the article has no reference")
        if self.tokenizer == "default":
            known = [reference for reference in given if has_words(reference)]
        else:
            known = [reference for reference in given if self._reading(reference).words]
        if not known:
            return Score(None, note=_WORDLESS[self.tokenizer])
        if summary.strip():
            return known
        if self.empty == "zero":
            return self._as_score([ZERO_PRF] * len(self.types))
        return Score(None, note="the summary is empty")

    def _score(self, references: Sequence[str], summary: str) -> Score:
        ours = _read(summary, self.stemmer, self.tokenizer, self.split)
        return self._combine_references(
            [
                [_figures(name, theirs, ours) for name in self.types]
                for theirs in map(self._reading, references)
            ]
        )

    def _score_all(
        self, scorer: Compiled, asked: Sequence[Score | list[str]], summaries: Sequence[str]
    ) -> list[Score]:
        """Count all pairs at once; what is too long by ourselves."""
        found: list[Score | None] = []
        left: list[str] = []
        right: list[str] = []
        waiting: list[tuple[int, int]] = []
        split = self.split == "sentences" and "rougeLsum" in self.types
        for known, summary in zip(asked, summaries, strict=True):
            if isinstance(known, Score):
                found.append(known)
            elif any(too_long(each, summary) for each in known):
                found.append(self._score(known, summary))
            else:
                left += map(_reference_in_lines, known) if split else known
                right += [_in_lines(summary) if split else summary] * len(known)
                waiting.append((len(found), len(known)))
                found.append(None)
        figures = iter(scorer.count(left, right) if left else ())
        for at, n in waiting:
            found[at] = self._combine_references([*islice(figures, n)])
        return [each for each in found if each is not None]

    def _combine_references(self, figures: Sequence[Figures]) -> Score:
        """Return the score from the figures against each reference."""
        if len(figures) == 1:
            return self._as_score(figures[0])
        combine = _best if self.references == "max" else _mean
        return self._as_score([combine(of_type) for of_type in zip(*figures, strict=True)])

    def _reading(self, reference: str) -> Words:
        """Return the words of a reference, kept for other summaries of the same article."""
        read = _read_once if len(reference) <= KEPT_CHARACTERS else _read
        return read(reference, self.stemmer, self.tokenizer, self.split)

    def _as_score(self, figures: Figures) -> Score:
        names, in_order, value = _names(self.types)
        numbers = in_order([*chain.from_iterable(figures)])
        parts = dict(zip(names, numbers, strict=True))
        return Score(parts[value], parts)


@cache
def _names(types: tuple[str, ...]) -> tuple[tuple[str, ...], _InOrder, str]:
    """Return what the parts are called, what puts figures in their order, and the value's name."""
    names = [name for of in types for name in (of, f"{of}.precision", f"{of}.recall")]
    order = [3 * n + at for n in range(len(types)) for at in (2, 0, 1)]
    value = next((name for name in scorer_row("rouge").shown if name in types), types[0])
    return tuple(names), itemgetter(*order), value


def _in_lines(text: str) -> str:
    """Return a text with a line for each sentence; none ends inside a word."""
    lines: list[str] = []
    for line in text.split("\n"):
        if is_one_sentence(line):
            lines.append(line)
        else:
            lines += [line[span.start : span.end] for span in sentences(line)]
    return "\n".join(lines)


_in_lines_once = lru_cache(KEPT_TEXTS)(_in_lines)


def _reference_in_lines(text: str) -> str:
    """Return a reference with a line for each sentence, kept for other summaries."""
    return _in_lines_once(text) if len(text) <= KEPT_CHARACTERS else _in_lines(text)


def _read(text: str, stemmer: bool, tokenizer: Tokenizer, split: SentenceSplit) -> Words:
    lines = [line for line in text.split("\n") if line]
    in_lines = [tokenize(line, stemmer, tokenizer) for line in lines]
    words = tuple(chain.from_iterable(in_lines))
    if split == "newline":
        return Words(words, tuple(in_lines))
    in_sentences: list[TokenTexts] = []
    for line, in_line in zip(lines, in_lines, strict=True):
        spans = sentences(line)
        several = len(spans) > 1
        in_sentences += (
            [tokenize(span.of(line), stemmer, tokenizer) for span in spans]
            if several
            else [in_line]
        )
    return Words(words, tuple(in_sentences))


_read_once = lru_cache(KEPT_TEXTS)(_read)


def _figures(name: str, theirs: Words, ours: Words) -> PRF:
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
