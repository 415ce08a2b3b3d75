"""Limits of a gate: figures of these very articles, held against bounds; without statistics."""

from collections.abc import Iterator, Mapping

import numpy as np

from evalharness.comparison.outcomes import GateResult, Outcome
from evalharness.comparison.pairing import BASELINE, CANDIDATE, DEFECTS, CouldNotRun, Mask, Pairing
from evalharness.comparison.rules import LimitRule, Rules
from evalharness.config.yaml import nearest
from evalharness.errors import ConfigError
from evalharness.stats import intervals
from evalharness.stats.intervals import Values

_COUNTED = ("answered", "words", "truncated", *DEFECTS)


def limit_outcomes(pairing: Pairing, rules: Rules) -> Iterator[Outcome]:
    """Yield what each limit says, of all articles and then of their parts."""
    everything = np.ones(pairing.shared.n, dtype=bool)
    wanted: list[tuple[str, Mask, Mapping[str, LimitRule]]] = [("", everything, rules.limits)]
    for each in rules.slices:
        wanted += [(part, inside, each.limits) for part, inside in pairing.slices(each).items()]
    for part, inside, limits in wanted:
        for name, limit in limits.items():
            _check_limit(pairing, name)
            sides = [pairing.per_article(side, name)[inside] for side in (BASELINE, CANDIDATE)]
            yield _limit_outcome(pairing, name, limit, part, *sides)


def _check_limit(pairing: Pairing, name: str) -> None:
    metrics = pairing.metrics
    metric, _, what = name.rpartition(".")
    if what in ("flagged", "scored") and metric in metrics:
        for run in pairing.runs:
            if metric not in run.figures:
                raise CouldNotRun(f"{run.folder}: no metric {metric!r}, which a limit is for")
        return
    if name not in _COUNTED:
        known = [*_COUNTED, *(f"{m}.{w}" for m in sorted(metrics) for w in ("flagged", "scored"))]
        raise ConfigError(f"rules: limits: no figure {name!r}{nearest(name, known)}")


def _limit_outcome(
    pairing: Pairing, name: str, limit: LimitRule, part: str, baseline: Values, candidate: Values
) -> Outcome:
    before, now = intervals.mean(baseline.tolist()), intervals.mean(candidate.tolist())
    broken = list(_broken_bounds(limit, before, now))
    verdict: GateResult = "regression" if broken else "inconclusive" if now is None else "pass"
    figure = "–" if now is None else f"{now:.4g}"
    was = "" if before is None else f" (baseline {before:.4g})"
    return Outcome(
        rule=name,
        kind="limit",
        verdict=verdict,
        message=f"{figure}{was}{'; ' if broken else ''}{', '.join(broken)}",
        part=part,
        system=pairing.system,
        n=len(candidate),
        baseline=before,
        candidate=now,
    )


# Shares are sums of ones over n; what is this near to a bound is at it.
_ROUNDING = 1e-12


def _broken_bounds(limit: LimitRule, before: float | None, now: float | None) -> Iterator[str]:
    """Yield each bound that a figure breaks, in words."""
    if now is None:
        return
    if limit.at_least is not None and now < limit.at_least - _ROUNDING:
        yield f"should be at least {limit.at_least:g}"
    if limit.at_most is not None and now > limit.at_most + _ROUNDING:
        yield f"should be at most {limit.at_most:g}"
    if before is None:
        return
    if limit.drop is not None and now < before - limit.drop - _ROUNDING:
        yield f"may drop by {limit.drop:g}"
    if limit.rise is not None and now > before + limit.rise + _ROUNDING:
        yield f"may rise by {limit.rise:g}"
