"""How one check agrees with people on one source: every figure, with its interval.

By labels, grades, pairs and sentences; and by spans, whether flags point at what is marked wrong.
Intervals come from resampled articles; a threshold is tried on articles held apart.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from evalharness import text
from evalharness.meta.labels import Labelled
from evalharness.records import Flag, Score, Span, flag_kind
from evalharness.stats import agreement
from evalharness.stats.agreement import BoolValues, Counts
from evalharness.stats.intervals import Values, none_for_nan
from evalharness.text.stems import stem

CONFIDENCE = 0.95
FOLDS = 5
# Resamples without a figure (one class only) are left out; with more of them, no interval is given.
MOST_LOST = 0.1
# Numbers that the weights of one block of resamples hold: what bounds the memory.
_BLOCK = 2**21


@dataclass(frozen=True)
class ResampledFigure:
    """A figure and what each resample of the articles makes of it, shape (resamples,)."""

    value: float
    resampled: Values

    def flat(self, name: str) -> dict[str, float | None]:
        """Return the figure and the ends of its interval under three names; None for NaN.

        >>> ResampledFigure(0.5, np.array([0.4, 0.5, 0.6])).flat("auc")
        {'auc': 0.5, 'auc_low': 0.405, 'auc_high': 0.595}
        """
        low, high = self._interval()
        figures = {name: self.value, f"{name}_low": low, f"{name}_high": high}
        return {key: none_for_nan(value) for key, value in figures.items()}

    def _interval(self) -> tuple[float, float]:
        known = self.resampled[~np.isnan(self.resampled)]
        if not len(known) or len(known) < (1 - MOST_LOST) * len(self.resampled):
            return float("nan"), float("nan")
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(known, [tail, 1 - tail])
        return round(float(low), 12), round(float(high), 12)

    def minus(self, other: "ResampledFigure") -> "ResampledFigure":
        """Return the difference, paired by resample."""
        return ResampledFigure(self.value - other.value, self.resampled - other.resampled)


def mean_of(estimates: Sequence[ResampledFigure]) -> ResampledFigure:
    """Return the mean of figures, paired by resample: the macro average over sources."""
    resampled = np.mean([each.resampled for each in estimates], axis=0)
    return ResampledFigure(float(np.mean([each.value for each in estimates])), resampled)


@dataclass(frozen=True)
class Resampling:
    """Resamples of articles: an article is drawn alike in every source and for every check."""

    seed: int = 0
    resamples: int = 1000
    _drawn: dict[str, Counts] = field(default_factory=dict[str, Counts], repr=False)

    def counts(self, article_ids: Sequence[str]) -> Counts:
        """Return how often each row counts in each resample, shape (resamples, rows)."""
        new = sorted(set(article_ids) - self._drawn.keys())
        drawn = agreement.draw_counts(new, self.seed, self.resamples)
        self._drawn.update(zip(new, drawn.T, strict=True))
        if not article_ids:
            return np.zeros((self.resamples, 0), dtype=np.uint8)
        return np.stack([self._drawn[each] for each in article_ids], axis=1)


def estimate(statistic: Callable[[Values], Values], counts: Counts) -> ResampledFigure:
    """Return what a statistic of weights, (..., rows) -> (...), says of all rows and resamples."""
    value = float(statistic(np.ones(counts.shape[1])))
    resampled = [statistic(block) for block in _blocks(counts)]
    return ResampledFigure(value, np.concatenate([np.atleast_1d(block) for block in resampled]))


def _blocks(counts: Counts) -> Iterator[Values]:
    resamples, rows = counts.shape
    size = max(1, _BLOCK // max(1, rows))
    for start in range(0, resamples, size):
        yield counts[start : start + size].astype(np.float64)


def folds(article_ids: Sequence[str], n: int = FOLDS) -> npt.NDArray[np.intp]:
    """Return the fold of each row, 0 to n - 1: whole articles, dealt out in an order of their own.

    The order is that of the hashes of the articles' ids: the same wherever the rows stand.
    """
    distinct = sorted(set(article_ids), key=lambda each: (_article_hash(each), each))
    fold_of = {article: place % n for place, article in enumerate(distinct)}
    return np.array([fold_of[each] for each in article_ids], dtype=np.intp)


def _article_hash(article_id: str) -> str:
    return hashlib.sha256(article_id.encode(errors="surrogatepass")).hexdigest()


def held_apart(scores: Values, labels: BoolValues, article_ids: Sequence[str]) -> BoolValues | None:
    """Return which rows are taken for consistent by the best threshold of the other folds.

    None where the rows outside a fold are all of one class.
    """
    fold = folds(article_ids)
    predicted = np.zeros(len(scores), dtype=bool)
    for number in np.unique(fold):
        inside = fold == number
        threshold, _ = agreement.best_threshold(scores[~inside], labels[~inside])
        if np.isnan(threshold):
            return None
        predicted[inside] = scores[inside] >= threshold
    return predicted


def flat(estimates: Mapping[str, ResampledFigure]) -> dict[str, float | None]:
    """Return all figures with the ends of their intervals, by name."""
    found: dict[str, float | None] = {}
    for name, each in estimates.items():
        found |= each.flat(name)
    return found


# Notes of checks that are listed with their counts; the rest is summed up.
MOST_NOTES = 10
# Kendall's tau takes time in the square of the rows, for each resample; beyond so many it is not
# given.
MOST_FOR_KENDALL = 5000
Statistic = Callable[[Values], Values]
Estimates = dict[str, ResampledFigure]
SpanFigures = dict[str, float | None]
_SPAN_FIGURE_NAMES = ("precision", "recall", "f1")


# --- Rows that have a value and something that people said


@dataclass(frozen=True)
class LabelledValues:
    """Rows of a source with a check's value and something that people said; arrays by row.

    places: where the rows stand among all of the source.
    """

    places: Sequence[int]
    values: Values
    labels: BoolValues
    grades: Values
    article_ids: Sequence[str]
    systems: Sequence[str]
    pair_ids: Sequence[str | None]

    @property
    def classes(self) -> int:
        """How many of the two labels occur."""
        return len(np.unique(self.labels))


def labelled_values(
    rows: Sequence[Labelled],
    values: Sequence[float | None],
    wanted: Callable[[Labelled], bool | float | None],
) -> LabelledValues:
    """Return the rows that have a value and of which something is wanted that people did say."""
    pairs = zip(rows, values, strict=True)
    places = [n for n, (row, v) in enumerate(pairs) if v is not None and wanted(row) is not None]
    chosen = [rows[place] for place in places]
    return LabelledValues(
        places,
        np.array([values[place] for place in places], dtype=np.float64),
        np.array([bool(row.label) for row in chosen], dtype=bool),
        np.array([np.nan if row.score is None else row.score for row in chosen], dtype=np.float64),
        [row.article_id for row in chosen],
        [row.system for row in chosen],
        [row.pair_id for row in chosen],
    )


def by_label(rows: Sequence[Labelled], values: Sequence[float | None]) -> LabelledValues:
    """Return the rows that have a value and a label."""
    return labelled_values(rows, values, lambda row: row.label)


def count_rows(
    rows: Sequence[Labelled], scores: Sequence[Score], seconds: float | None
) -> dict[str, Any]:
    """Return how many rows there are, how many the check has no value for and why, and its time.

    `n` rows have a label and a value: those that all figures of labels are made from.
    """
    labelled = [row.label is not None for row in rows]
    known = by_label(rows, [score.value for score in scores])
    nulls = Counter(score.note or "no value" for score in scores if score.value is None)
    listed = dict(nulls.most_common(MOST_NOTES))
    rest = nulls.total() - sum(listed.values())
    return {
        "n": len(known.places),
        "positive": int(known.labels.sum()),
        "positive_rate": float(known.labels.mean()) if len(known.places) else None,
        "articles": len(set(known.article_ids)),
        "rows": len(rows),
        "labelled": sum(labelled),
        "null_rate": nulls.total() / len(rows) if rows else None,
        "notes": listed | ({"other notes": rest} if rest else {}),
        "ms_per_pair": None if seconds is None or not rows else 1000 * seconds / len(rows),
    }


def no_classes(known: LabelledValues, labelled: int) -> str:
    """Return why there is no AUC: the rows are of one class, or there are none; "" if there is."""
    if known.classes == 2:
        return ""
    if not labelled:
        return "no row has a label"
    if not len(known.labels):
        return f"none of the {labelled} labelled rows has a value"
    label = int(known.labels[0])
    return f"all {len(known.labels)} labelled rows with a value have the label {label}: no AUC"


# --- Labels, grades, pairs, sentences


def label_figures(known: LabelledValues, resampling: Resampling) -> tuple[Estimates, float | None]:
    """Return AUC, average precision and balanced accuracy, and the best threshold of all rows.

    Balanced accuracy is that of held-apart articles: each fold's rows are judged by the threshold
    of the others. Its interval resamples the judged rows, with the thresholds as they are.
    """
    if known.classes < 2:
        return {}, None
    scores, labels = known.values, known.labels
    statistics: dict[str, Statistic] = {
        "auc": lambda weights: agreement.roc_auc(scores, labels, weights),
        "ap_inconsistent": lambda weights: agreement.average_precision(-scores, ~labels, weights),
    }
    predicted = held_apart(scores, labels, known.article_ids)
    if predicted is not None:
        statistics["balanced_accuracy"] = lambda weights: agreement.balanced_accuracy(
            predicted, labels, weights
        )
    threshold, _ = agreement.best_threshold(scores, labels)
    return _estimates(statistics, resampling.counts(known.article_ids)), none_for_nan(threshold)


def auc(known: LabelledValues, resampling: Resampling) -> ResampledFigure | None:
    """Return the AUC of rows with a value and a label; None where they are of one class."""
    if known.classes < 2:
        return None
    return estimate(
        lambda weights: agreement.roc_auc(known.values, known.labels, weights),
        resampling.counts(known.article_ids),
    )


def auc_of_all(
    rows: Sequence[Labelled], scores: Sequence[Score], top: float, resampling: Resampling
) -> ResampledFigure | None:
    """Return the AUC where a row without a value counts as one with nothing wrong in it."""
    filled = [top if score.value is None else score.value for score in scores]
    return auc(by_label(rows, filled), resampling)


def grade_figures(
    rows: Sequence[Labelled], values: Sequence[float | None], resampling: Resampling
) -> dict[str, Any]:
    """Return the correlations with the grades; those with the systems' means removed where known.

    Nothing where fewer than three rows are graded or all have the same grade.
    """
    known = labelled_values(rows, values, lambda row: row.score)
    if len(known.places) < 3 or len(np.unique(known.grades)) < 2:
        return {}
    x, y, systems = known.values, known.grades, known.systems
    statistics: dict[str, Statistic] = {
        "pearson": lambda weights: agreement.pearson(x, y, weights),
        "spearman": lambda weights: agreement.spearman(x, y, weights),
    }
    if len(x) <= MOST_FOR_KENDALL:
        statistics["kendall"] = lambda weights: agreement.kendall(x, y, weights)
    articles = len(set(known.article_ids))
    found: dict[str, Any] = {"graded": len(known.places), "graded_articles": articles}
    if len(set(systems)) > 1 and all(systems):
        statistics["partial_pearson"] = lambda weights: agreement.partial_pearson(
            x, y, systems, weights
        )
        spearman = float(agreement.partial_spearman(x, y, systems))
        found["partial_spearman"] = none_for_nan(spearman)
        statistics["system_kendall"] = lambda weights: agreement.kendall_of_means(
            x, y, systems, weights
        )
    lengths = np.array([len(text.words(rows[place].summary)) for place in known.places], float)
    found |= _within_article_figures(known, lengths, resampling)
    return found | flat(_estimates(statistics, resampling.counts(known.article_ids)))


def _within_article_figures(
    known: LabelledValues, lengths: Values, resampling: Resampling
) -> dict[str, Any]:
    """Return how well the summaries of one article are put in order, as the mean over articles.

    within_spearman, and within_partial, the same with the summaries' length in words taken out.
    """
    x, y, articles = known.values, known.grades, known.article_ids
    figures = {
        "within_spearman": agreement.within_groups(x, y, articles),
        "within_partial": agreement.within_groups(x, y, articles, lengths),
    }
    found: dict[str, Any] = {}
    for name, by_article in figures.items():
        if len(by_article) > 1:
            counts = resampling.counts([*by_article])
            found |= estimate(_mean_of(np.array([*by_article.values()])), counts).flat(name)
    return found


def _mean_of(values: Values) -> Statistic:
    return lambda weights: agreement.weighted_mean(values, weights)


def pair_figures(known: LabelledValues, resampling: Resampling) -> dict[str, Any]:
    """Return the share of pairs whose right summary scores higher than its wrong one."""
    rows, wins = agreement.pair_wins(known.values, known.labels, known.pair_ids)
    if not len(rows):
        return {}
    statistics: dict[str, Statistic] = {
        "pairwise_accuracy": lambda weights: agreement.weighted_mean(wins, weights)
    }
    counts = resampling.counts([known.article_ids[row] for row in rows])
    return {"pairs": len(rows), **flat(_estimates(statistics, counts))}


def sentence_figures(
    rows: Sequence[Labelled], scores: Sequence[Score], resampling: Resampling
) -> dict[str, Any]:
    """Return the AUC of sentence scores, aligned with the sentences that people labelled."""
    found = [
        (value, label, row.article_id)
        for row, score in zip(rows, scores, strict=True)
        for value, label in aligned_sentences(row, score)
    ]
    known = [(value, label, article) for value, label, article in found if value is not None]
    if not known:
        return {}
    values = np.array([value for value, _, _ in known], dtype=np.float64)
    labels = np.array([label for _, label, _ in known], dtype=bool)
    figures: dict[str, Any] = {
        "sentence_n": len(known),
        "sentence_null_rate": 1 - len(known) / len(found),
    }
    if len(np.unique(labels)) < 2:
        return figures
    statistics: dict[str, Statistic] = {
        "sentence_auc": lambda weights: agreement.roc_auc(values, labels, weights)
    }
    counts = resampling.counts([article for _, _, article in known])
    return figures | flat(_estimates(statistics, counts))


def aligned_sentences(row: Labelled, score: Score) -> Iterator[tuple[float | None, bool]]:
    """Yield for each labelled sentence its score and label.

    The score is the mean of those of the check's own sentences that lie over it, by the characters
    that they share; None where none does, or where the summary does not have the sentence.
    """
    end = 0
    for sentence, label in zip(row.sentences, row.sentence_labels, strict=True):
        start = row.summary.find(sentence.strip(), end)
        if start < 0:
            if label is not None:
                yield None, label
            continue
        end = start + len(sentence.strip())
        if label is not None:
            yield _mean_of_overlap(Span(start, end), score), label


def _mean_of_overlap(span: Span, score: Score) -> float | None:
    shared = [
        (min(span.end, each.span.end) - max(span.start, each.span.start), each.value)
        for each in score.sentences
    ]
    shared = [(characters, value) for characters, value in shared if characters > 0]
    if not shared:
        return None
    total = sum(characters for characters, _ in shared)
    return sum(characters * value for characters, value in shared) / total


def _estimates(statistics: dict[str, Statistic], counts: agreement.Counts) -> Estimates:
    return {name: estimate(statistic, counts) for name, statistic in statistics.items()}


# --- Spans: do flags point at what people marked as wrong? In characters, beside three baselines


@dataclass(frozen=True)
class MarkedRows:
    """The rows of a source whose wrong characters are known, and where they are.

    places: their places among the source's rows. A row takes part if its spans are given or, in a
    source that gives spans at all, if its label says that nothing is wrong. Rows without a marked
    character count: flags there are false alarms.
    """

    places: tuple[int, ...]
    rows: tuple[Labelled, ...]
    wrong: tuple[tuple[Span, ...], ...]


def rows_with_spans(rows: Sequence[Labelled], ignored: frozenset[str]) -> MarkedRows | None:
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
    return MarkedRows(tuple(places), tuple(rows[place] for place in places), tuple(wrong))


def flag_figures(
    known: MarkedRows, scores: Sequence[Score], kinds: frozenset[str], counts: Counts
) -> dict[str, object]:
    """Return precision, recall and F1 of a check's flags with intervals, and of each kind's.

    kinds: the kinds of flags that count; empty for all.
    """
    flags = [scores[place].flags for place in known.places]
    counted = [[flag for flag in each if not kinds or flag.kind in kinds] for each in flags]
    present = sorted({flag.kind for each in flags for flag in each})
    return {
        "n": len(known.rows),
        **_span_figures(known, [_spans_of(each) for each in counted], counts),
        "by_kind": {
            kind: _plain_span_figures(
                known, [_spans_of(flag for flag in each if flag.kind == kind) for each in flags]
            )
            for kind in present
        },
    }


# The kind that stands for all that name a likely error, in `kind_figures`.
LIKELY_ERROR = "likely error"


def kind_figures(
    rows: Sequence[Labelled], scores: Sequence[Score], known: MarkedRows | None
) -> dict[str, dict[str, int]]:
    """Count for each kind of flag, and for all that name a likely error, where its flags stand.

    consistent, inconsistent: summaries with that label and such a flag. touching: flags that touch
    what is marked wrong, of so many (`flags`) in summaries that have something marked.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row, score in zip(rows, scores, strict=True):
        kinds = {kind for flag in score.flags for kind in _kinds_of(flag)}
        for kind in kinds if row.label is not None else ():
            found[kind]["consistent" if row.label else "inconsistent"] += 1
    for place, wrong in zip(known.places, known.wrong, strict=True) if known else ():
        for flag in scores[place].flags if wrong else ():
            touches = any(flag.span.start < w.end and w.start < flag.span.end for w in wrong)
            for kind in _kinds_of(flag):
                found[kind] += Counter(flags=1, touching=int(touches))
    return {kind: dict(sorted(counted.items())) for kind, counted in sorted(found.items())}


def _kinds_of(flag: Flag) -> list[str]:
    return [flag.kind, LIKELY_ERROR] if flag_kind(flag.kind).hard else [flag.kind]


def baseline_figures(known: MarkedRows, counts: Counts) -> dict[str, SpanFigures]:
    """Return the figures of marking everything, every novel word, and every novel bigram."""
    stems_of = cache(_stems)
    marks: Mapping[str, Callable[[Labelled], list[Span]]] = {
        "everything": lambda row: [Span(0, len(row.summary))],
        "novel_words": lambda row: _novel_words(row.summary, stems_of(row.article)),
        "novel_bigrams": lambda row: _novel_bigrams(row.summary, stems_of(row.article)),
    }
    return {
        name: _span_figures(known, [mark(row) for row in known.rows], counts)
        for name, mark in marks.items()
    }


def _spans_of(flags: Iterable[Flag]) -> list[Span]:
    return [flag.span for flag in flags]


def _span_figures(
    known: MarkedRows, found: Sequence[Sequence[Span]], counts: Counts
) -> SpanFigures:
    characters = _characters(known, found)
    estimates = {}
    for column, name in enumerate(_SPAN_FIGURE_NAMES):
        estimates[name] = estimate(_one_of(characters, column), counts)
    return flat(estimates)


def _one_of(characters: Values, column: int) -> Callable[[Values], Values]:
    return lambda weights: agreement.precision_recall_f1(characters, weights)[..., column]


def _plain_span_figures(known: MarkedRows, found: Sequence[Sequence[Span]]) -> SpanFigures:
    figures = agreement.precision_recall_f1(_characters(known, found))
    pairs = zip(_SPAN_FIGURE_NAMES, figures, strict=True)
    return {name: none_for_nan(figure) for name, figure in pairs}


def _characters(known: MarkedRows, found: Sequence[Sequence[Span]]) -> Values:
    pairs = zip(found, known.wrong, strict=True)
    counted = [agreement.character_counts(ours, theirs) for ours, theirs in pairs]
    return np.array(counted, dtype=np.float64)


_StemSets = tuple[frozenset[str], frozenset[tuple[str, str]]]


def _stems(article: str) -> _StemSets:
    """Return the stems of an article, and the pairs of them that stand beside each other."""
    stems = [_stem(word.of(article)) for word in text.words(article)]
    return frozenset(stems), frozenset(pairwise(stems))


@lru_cache(1 << 17)
def _stem(word: str) -> str:
    return stem(text.fold(word))


def _novel_words(summary: str, article: _StemSets) -> list[Span]:
    return [word for word in text.words(summary) if _stem(word.of(summary)) not in article[0]]


def _novel_bigrams(summary: str, article: _StemSets) -> list[Span]:
    words = text.words(summary)
    return [
        Span(first.start, second.end)
        for first, second in pairwise(words)
        if (_stem(first.of(summary)), _stem(second.of(summary))) not in article[1]
    ]
