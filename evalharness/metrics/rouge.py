"""ROUGE: the words, pairs and sequences that a summary shares with its references."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import chain
from math import fsum
from typing import ClassVar, Literal, NamedTuple

from evalharness.config.registry import scorer_row
from evalharness.errors import HarnessError, MissingExtra
from evalharness.metrics.rouge_engine import (
    PACKAGE,
    PRF,
    ZERO_PRF,
    Compiled,
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

SentenceSplit = Literal["sentences", "newline"]

_WORDLESS: dict[Tokenizer, str] = {
    "default": "the default tokenizer finds no word in the reference; try `tokenizer: unicode`",
    "unicode": "the reference has no words",
}
_TYPE = re.compile(r"rouge(?:[1-9]|L|Lsum)")


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
        scorer = compiled_scorer(self.types, self.stemmer, _Ours(self.types, self.stemmer))
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
        """Count all pairs at once; by ourselves, what is too long or no line break could part."""
        found: list[Score | None] = []
        left: list[str] = []
        right: list[str] = []
        waiting: list[tuple[int, int]] = []
        for known, summary in zip(asked, summaries, strict=True):
            if isinstance(known, Score):
                found.append(known)
                continue
            ours, theirs = self._lines(summary), [self._lines(each) for each in known]
            if ours is None or any(each is None or too_long(each, ours) for each in theirs):
                found.append(self._score(known, summary))
                continue
            waiting.append((len(found), len(theirs)))
            found.append(None)
            left += [each for each in theirs if each is not None]
            right += [ours] * len(theirs)
        figures = iter(scorer.count(left, right) if left else ())
        for at, n in waiting:
            found[at] = self._combine_references([next(figures) for _ in range(n)])
        return [each for each in found if each is not None]

    def _lines(self, text: str) -> str | None:
        """Return a text with its sentences on lines of their own, if it can be had so."""
        if self.split == "newline" or "rougeLsum" not in self.types:
            return text
        return _in_lines_once(text) if len(text) <= KEPT_CHARACTERS else _in_lines(text)

    def _combine_references(self, figures: Sequence[Sequence[PRF]]) -> Score:
        """Return the score from the figures against each reference."""
        if len(figures) == 1:
            return self._as_score(figures[0])
        combine = _best if self.references == "max" else _mean
        return self._as_score([combine(of_type) for of_type in zip(*figures, strict=True)])

    def _reading(self, reference: str) -> Words:
        """Return the words of a reference, kept for other summaries of the same article."""
        read = _read_once if len(reference) <= KEPT_CHARACTERS else _read
        return read(reference, self.stemmer, self.tokenizer, self.split)

    def _as_score(self, figures: Sequence[PRF]) -> Score:
        names, value = _names(self.types)
        numbers = [
            n for precision, recall, fmeasure in figures for n in (fmeasure, precision, recall)
        ]
        parts = dict(zip(names, numbers, strict=True))
        return Score(parts[value], parts)


@cache
def _names(types: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Return what the parts are called, in order, and which of them is the value."""
    names = [name for of in types for name in (of, f"{of}.precision", f"{of}.recall")]
    return tuple(names), next(
        (name for name in scorer_row("rouge").shown if name in types), types[0]
    )


@dataclass(frozen=True)
class _Ours:
    """Our own count of two texts by lines, for the comparison of engines."""

    types: tuple[str, ...]
    stemmer: bool

    def __call__(self, reference: str, summary: str) -> list[PRF]:
        theirs, ours = (
            _read(text, self.stemmer, "default", "newline") for text in (reference, summary)
        )
        return [_figures(name, theirs, ours) for name in self.types]


def _in_lines(text: str) -> str | None:
    """Return a text with a line for each sentence: None where that would cut a word in two."""
    lines = []
    for line in text.split("\n"):
        at = 0
        for span in sentences(line):
            joined = span.start == at and at > 0 and line[at - 1].isalnum() and line[at].isalnum()
            if joined or line[at : span.start].strip():
                return None
            lines.append(span.of(line))
            at = span.end
        if line[at:].strip():
            return None
    return "\n".join(lines)


_in_lines_once = lru_cache(KEPT_TEXTS)(_in_lines)


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
