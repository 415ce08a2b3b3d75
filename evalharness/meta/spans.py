"""Do flags point at what people marked as wrong? In characters, beside three baselines."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np

from evalharness import text
from evalharness.meta.labels import Labelled
from evalharness.meta.resampling import estimate, flat
from evalharness.records import Flag, Score, Span
from evalharness.stats import agreement
from evalharness.stats.agreement import Counts, Values
from evalharness.text.stems import stem

NAMES = ("precision", "recall", "f1")
SpanFigures = dict[str, float | None]


@dataclass(frozen=True)
class Marked:
    """The rows of a source whose wrong characters are known, and where they are.

    places: their places among the source's rows. A row takes part if its spans are given or, in a
    source that gives spans at all, if its label says that nothing is wrong. Rows without a marked
    character count: flags there are false alarms.
    """

    places: tuple[int, ...]
    rows: tuple[Labelled, ...]
    wrong: tuple[tuple[Span, ...], ...]


def rows_with_spans(rows: Sequence[Labelled], ignored: frozenset[str]) -> Marked | None:
    """Return the rows with known wrong characters; None where a source marks none.

    ignored: types of spans that are not wrong (`Benign`).
    """
    places = [place for place, row in enumerate(rows) if row.spans is not None or row.label]
    wrong = [
        tuple(typed.span for typed in rows[place].spans or () if typed.type not in ignored)
        for place in places
    ]
    if not any(wrong):
        return None
    return Marked(tuple(places), tuple(rows[place] for place in places), tuple(wrong))


def flag_figures(
    known: Marked, scores: Sequence[Score], kinds: frozenset[str], counts: Counts
) -> dict[str, object]:
    """Return precision, recall and F1 of a check's flags with intervals, and of each kind's.

    kinds: the kinds of flags that count; empty for all.
    """
    flags = [scores[place].flags for place in known.places]
    counted = [[flag for flag in each if not kinds or flag.kind in kinds] for each in flags]
    present = sorted({flag.kind for each in flags for flag in each})
    return {
        "n": len(known.rows),
        **_figures(known, [_spans(each) for each in counted], counts),
        "by_kind": {
            kind: _plain(
                known, [_spans(flag for flag in each if flag.kind == kind) for each in flags]
            )
            for kind in present
        },
    }


def baseline_figures(known: Marked, counts: Counts) -> dict[str, SpanFigures]:
    """Return the figures of marking everything, every novel word, and every novel bigram."""
    stems_of = cache(_stems)
    marks: Mapping[str, Callable[[Labelled], list[Span]]] = {
        "everything": lambda row: [Span(0, len(row.summary))],
        "novel_words": lambda row: _novel_words(row.summary, stems_of(row.article)),
        "novel_bigrams": lambda row: _novel_bigrams(row.summary, stems_of(row.article)),
    }
    return {
        name: _figures(known, [mark(row) for row in known.rows], counts)
        for name, mark in marks.items()
    }


def _spans(flags: Iterable[Flag]) -> list[Span]:
    return [flag.span for flag in flags]


def _figures(known: Marked, found: Sequence[Sequence[Span]], counts: Counts) -> SpanFigures:
    characters = _characters(known, found)
    estimates = {}
    for column, name in enumerate(NAMES):
        estimates[name] = estimate(_one_of(characters, column), counts)
    return flat(estimates)


def _one_of(characters: Values, column: int) -> Callable[[Values], Values]:
    return lambda weights: agreement.precision_recall_f1(characters, weights)[..., column]


def _plain(known: Marked, found: Sequence[Sequence[Span]]) -> SpanFigures:
    figures = agreement.precision_recall_f1(_characters(known, found))
    return {
        name: None if np.isnan(figure) else float(figure)
        for name, figure in zip(NAMES, figures, strict=True)
    }


def _characters(known: Marked, found: Sequence[Sequence[Span]]) -> Values:
    pairs = zip(found, known.wrong, strict=True)
    counted = [agreement.character_counts(ours, theirs) for ours, theirs in pairs]
    return np.array(counted, dtype=np.float64)


Stems = tuple[frozenset[str], frozenset[tuple[str, str]]]


def _stems(article: str) -> Stems:
    """Return the stems of an article, and the pairs of them that stand beside each other."""
    stems = [_stem(word.of(article)) for word in text.words(article)]
    return frozenset(stems), frozenset(pairwise(stems))


@lru_cache(1 << 17)
def _stem(word: str) -> str:
    return stem(text.fold(word))


def _novel_words(summary: str, article: Stems) -> list[Span]:
    return [word for word in text.words(summary) if _stem(word.of(summary)) not in article[0]]


def _novel_bigrams(summary: str, article: Stems) -> list[Span]:
    words = text.words(summary)
    return [
        Span(first.start, second.end)
        for first, second in pairwise(words)
        if (_stem(first.of(summary)), _stem(second.of(summary))) not in article[1]
    ]
