"""Thresholds and probabilities of a check, learnt from labelled summaries."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from evalharness.config.calibration import SCHEMA, Calibrated, Calibration, Method, Probability
from evalharness.errors import DataError
from evalharness.meta import figures
from evalharness.meta.evaluation import score_checks
from evalharness.meta.figures import LabelledValues, Resampling, folds
from evalharness.meta.labels import Labelled, read_labels
from evalharness.protocols import Metric
from evalharness.records import Score
from evalharness.stats import agreement
from evalharness.stats.agreement import BoolValues
from evalharness.stats.intervals import Values

# A share of fewer flagged rows says nothing.
FEWEST_FLAGGED = 5
_NEWTON_STEPS = 50
_STILL = 1e-12


def calibrate(
    paths: Sequence[str | Path],
    check: str | Mapping[str, Metric],
    *,
    given: Mapping[str, Metric] | None = None,
    labels: Sequence[str] = (),
    method: Method = "platt",
    precision: float = 0.9,
    recall: float = 0.95,
    limit_per_source: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
    format: str | None = None,
    articles: str | Path | None = None,
) -> Calibration:
    """Learn thresholds and probabilities of a check, for each source and for all together.

    check: its name, or one component by the name it shall have.
    given: components with options of their own, by the names that `check` may use.
    precision: of the summaries flagged, at least this share shall be inconsistent.
    recall: at least this share of the consistent summaries shall come out as supported.
    format, articles: as `read_labels` takes them.
    Raises: DataError where no row can be used; ValueError for a target outside 0 to 1.
    """
    if not (0 < precision <= 1 and 0 < recall <= 1):
        raise ValueError("precision and recall are shares: above 0, and 1 at the most")
    label_set = read_labels(paths, labels, limit_per_source, format=format, articles=articles)
    wanted = [check] if isinstance(check, str) else check
    (scored,) = score_checks(wanted, label_set.rows, given)
    learning = _Learning(method, precision, recall, Resampling(seed, resamples))
    sources = {
        source: learning.learn(rows, scored.scores[source])
        for source, rows in label_set.rows.items()
    }
    all_rows = [row for rows in label_set.rows.values() for row in rows]
    all_scores = [score for source in label_set.rows for score in scored.scores[source]]
    pooled = learning.learn(all_rows, all_scores)
    if pooled.reason:
        raise DataError(f"{', '.join(map(str, paths))}: {pooled.reason}")
    targets = {"precision": precision, "recall": recall}
    return Calibration(
        SCHEMA, scored.name, scored.signature, method, targets, label_set.fields, pooled, sources
    )


@dataclass(frozen=True)
class _Learning:
    """How thresholds and probabilities are learnt from rows."""

    method: Method
    precision: float
    recall: float
    resampling: Resampling

    def learn(self, rows: Sequence[Labelled], scores: Sequence[Score]) -> Calibrated:
        known = figures.by_label(rows, [score.value for score in scores])
        found = figures.count_rows(rows, scores, None)
        counts = {name: found[name] for name in ("n", "positive", "articles", "null_rate")}
        reason = figures.no_classes(known, found["labelled"])
        if reason:
            return Calibrated(**counts, reason=reason)
        estimates, threshold = figures.label_figures(known, self.resampling)
        auc: dict[str, Any] = estimates["auc"].flat("auc")
        accuracy = estimates.get("balanced_accuracy")
        brier, of_rate = brier_scores(known, self.method)
        return Calibrated(
            **counts,
            **auc,
            threshold=threshold,
            balanced_accuracy=accuracy.value if accuracy else None,
            **bands(known.values, known.labels, self.precision, self.recall),
            probability=fit(known.values, known.labels, self.method),
            brier=brier,
            brier_of_rate=of_rate,
        )


def bands(scores: Values, labels: BoolValues, precision: float, recall: float) -> dict[str, Any]:
    """Return the two thresholds around the unsure band, and what they reach on these rows.

    `support_from` is set first, by the recall of the consistent; `flag_below` is the greatest at or
    below it that reaches the precision, or None.
    """
    gaps = _gaps(scores)
    recalls = [float((scores[labels] >= gap).mean()) for gap in gaps]
    support_from = max(gap for gap, reached in zip(gaps, recalls, strict=True) if reached >= recall)
    upper = scores >= support_from
    found: dict[str, Any] = {
        "support_from": support_from,
        "supported_recall": float(upper[labels].mean()),
        "supported": float(upper.mean()),
    }
    for gap in reversed([gap for gap in gaps if gap <= support_from]):
        flagged = scores < gap
        if flagged.sum() < FEWEST_FLAGGED:
            break
        reached = float((~labels[flagged]).mean())
        if reached >= precision:
            share = float(flagged.mean())
            return found | {"flag_below": gap, "flagged_precision": reached, "flagged": share}
    return found


def _gaps(scores: Values) -> list[float]:
    """Return the least score, and what lies midway between the scores that occur, ascending."""
    values = np.unique(scores).tolist()
    return [values[0], *(agreement.midpoint_threshold(low, high) for low, high in pairwise(values))]


def brier_scores(known: LabelledValues, method: Method) -> tuple[float | None, float | None]:
    """Return the mean squared error of probabilities of held-apart articles, and of the base rate.

    Both come from the other folds; None where those hold one class only.
    """
    fold = folds(known.article_ids)
    predicted, rates = np.zeros(len(fold)), np.zeros(len(fold))
    for number in np.unique(fold):
        inside = fold == number
        others = known.labels[~inside]
        if len(np.unique(others)) < 2:
            return None, None
        fitted = fit(known.values[~inside], others, method)
        predicted[inside] = [fitted.of(score) for score in known.values[inside].tolist()]
        rates[inside] = others.mean()
    errors = [((each - known.labels) ** 2).mean() for each in (predicted, rates)]
    return float(errors[0]), float(errors[1])


def fit(scores: Values, labels: BoolValues, method: Method) -> Probability:
    """Return the probability of the label 1 as it follows from the score; both labels occur."""
    return platt(scores, labels) if method == "platt" else isotonic(scores, labels)


def isotonic(scores: Values, labels: BoolValues) -> Probability:
    """Fit a curve that never falls, by pooling neighbours that do (Zadrozny & Elkan 2002)."""
    values, place = np.unique(scores, return_inverse=True)
    weights = np.bincount(place).astype(float)
    means = np.bincount(place, weights=labels) / weights
    pooled: list[tuple[float, float, int]] = []  # mean, weight, scores in the pool
    for mean, weight in zip(means.tolist(), weights.tolist(), strict=True):
        pool = (mean, weight, 1)
        while pooled and pooled[-1][0] >= pool[0]:
            before = pooled.pop()
            total = before[1] + pool[1]
            joint = (before[0] * before[1] + pool[0] * pool[1]) / total
            pool = (joint, total, before[2] + pool[2])
        pooled.append(pool)
    return _knots(values.tolist(), pooled)


def _knots(values: Sequence[float], pooled: Sequence[tuple[float, float, int]]) -> Probability:
    """Return the curve through both ends of each pool."""
    knots: dict[float, float] = {}
    start = 0
    for mean, _, length in pooled:
        knots |= {values[start]: mean, values[start + length - 1]: mean}
        start += length
    return Probability(
        "isotonic", scores=tuple(knots), probabilities=tuple(min(p, 1.0) for p in knots.values())
    )


def platt(scores: Values, labels: BoolValues) -> Probability:
    """Fit a logistic curve to targets drawn in from 0 and 1 (Platt 1999), by Newton's method.

    A score that would lower the probability as it rises has none to tell: the curve is level.
    """
    n_positive, n_negative = int(labels.sum()), int((~labels).sum())
    targets = np.where(labels, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    slope, intercept = _logistic((scores - centre) / spread, targets)
    if slope <= 0 or not math.isfinite(slope):
        rate = float(targets.mean())
        return Probability("platt", slope=0.0, intercept=math.log(rate / (1 - rate)))
    return Probability("platt", slope=slope / spread, intercept=intercept - slope * centre / spread)


def _logistic(x: Values, targets: Values) -> tuple[float, float]:
    """Return slope and intercept of the greatest likelihood: Newton's steps, halved if too long."""
    design = np.stack([x, np.ones(len(x))], axis=1)
    weights = np.zeros(2)
    loss = _log_loss(design @ weights, targets)
    for _ in range(_NEWTON_STEPS):
        chances = 1 / (1 + np.exp(-np.clip(design @ weights, -500, 500)))
        gradient = design.T @ (targets - chances)
        curvature = (design * (chances * (1 - chances))[:, np.newaxis]).T @ design
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        while (after := _log_loss(design @ (weights + step), targets)) > loss:
            step = step / 2
            if np.abs(step).max() < _STILL:
                return float(weights[0]), float(weights[1])
        weights, loss = weights + step, after
        if np.abs(step).max() < _STILL:
            break
    return float(weights[0]), float(weights[1])


def _log_loss(logits: Values, targets: Values) -> float:
    return float((np.logaddexp(0, logits) - targets * logits).sum())
