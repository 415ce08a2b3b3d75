"""Figures with intervals from resampled articles, and articles held apart from each other."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evalharness.stats import agreement
from evalharness.stats.agreement import BoolValues, Counts
from evalharness.stats.intervals import Values

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


def none_for_nan(value: float) -> float | None:
    """Return a figure as JSON can hold it."""
    return None if np.isnan(value) else float(value)


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
