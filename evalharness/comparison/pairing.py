"""The runs of a baseline beside those of a candidate, and what is needed of each article."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from evalharness.comparison.rules import SliceRule
from evalharness.comparison.shared import Shared, share
from evalharness.errors import Exit, HarnessError
from evalharness.records import Defect
from evalharness.stats.intervals import Values
from evalharness.store.runs import Run

Mask = npt.NDArray[np.bool_]
BASELINE, CANDIDATE = 0, 1
# Summaries with one of these are no answer.
_NO_ANSWER = {"empty", "refusal"}
DEFECTS: tuple[str, ...] = get_args(Defect)


class CouldNotRun(HarnessError):
    """The gate can say nothing of this baseline and this candidate."""

    exit_code = Exit.INCOMPLETE


@dataclass(frozen=True)
class Pairing:
    """A baseline's run and a candidate's on the articles that both have."""

    shared: Shared
    system: str = ""

    @property
    def runs(self) -> tuple[Run, ...]:
        """The baseline's run and the candidate's."""
        return self.shared.runs

    @property
    def metrics(self) -> set[str]:
        """The metrics that either run has."""
        return {metric for run in self.runs for metric in run.figures}

    def column(self, side: int, name: str) -> list[Any]:
        """Return a column of one side, in the order of the shared articles."""
        table = self.runs[side].table([name]).column(0).to_pylist()
        return [table[row] for row in self.shared.rows[side].tolist()]

    @cached_property
    def ids(self) -> list[str]:
        """The ids of the shared articles."""
        return self.column(BASELINE, "id")

    def slices(self, rule: SliceRule) -> dict[str, Mask]:
        """Return which articles belong to each part that a rule makes, by the part's name."""
        values = np.array(self.column(BASELINE, rule.by))
        if rule.by == "source":
            return {f"source={each}": values == each for each in sorted(set(values.tolist()))}
        parts = {}
        for low, high in zip((None, *rule.bounds), (*rule.bounds, None), strict=True):
            inside = np.ones(len(values), dtype=bool)
            inside &= values >= low if low is not None else inside
            inside &= values < high if high is not None else inside
            begin = f"{low}≤" if low is not None else ""
            parts[f"{begin}words{'' if high is None else f'<{high}'}"] = inside
        return {name: inside for name, inside in parts.items() if inside.any()}

    def per_article(self, side: int, name: str) -> Values:
        """Return a figure of each shared article: what limits bound the mean of."""
        metric, _, what = name.rpartition(".")
        if what == "flagged":
            return (self._flags(side, metric) > 0).astype(np.float64)
        if what == "scored":
            return (~np.isnan(self._numbers(side, f"{metric}.value"))).astype(np.float64)
        if name == "words":
            words = np.array(self.column(side, "words"), dtype=float)
            failed = np.array(self.column(side, "finish")) == "error"
            return np.where(failed, np.nan, words)
        if name == "truncated":
            return np.array(self.column(side, "truncated"), dtype=float)
        defects = self.column(side, "defects")
        if name == "answered":
            finish = self.column(side, "finish")
            return np.array(
                [
                    float(end != "error" and not _NO_ANSWER & set(found))
                    for end, found in zip(finish, defects, strict=True)
                ]
            )
        return np.array([float(name in found) for found in defects])

    def _flags(self, side: int, metric: str) -> Values:
        """Return the flags of each summary; a run without such a column has flagged nothing."""
        column = f"{metric}.flags"
        if column not in self.runs[side].columns:
            return np.zeros(self.shared.n)
        return self._numbers(side, column)

    def _numbers(self, side: int, column: str) -> Values:
        numbers: Values = self.runs[side].values([column])[self.shared.rows[side], 0]
        return numbers


def pair_runs(baseline: Sequence[Run], candidate: Sequence[Run], at_least: float) -> list[Pairing]:
    """Return the runs side by side: one of each, or by the names of their cells.

    Raises: CouldNotRun where a system or too many articles are missing; Incomparable.
    """
    if len(baseline) == len(candidate) == 1:
        pairs = [(baseline[0], candidate[0], "")]
    else:
        named = {run.name: run for run in candidate}
        missing = [run.name for run in baseline if run.name not in named]
        if missing:
            folder = candidate[0].folder.parent if len(candidate) > 1 else candidate[0].folder
            raise CouldNotRun(f"{folder}: the baseline's {missing[0]!r} is not among its runs")
        pairs = [(run, named[run.name], run.name) for run in baseline]
    return [_pair_up(ours, theirs, system, at_least) for ours, theirs, system in pairs]


def _pair_up(baseline: Run, candidate: Run, system: str, at_least: float) -> Pairing:
    shared = share([baseline, candidate])
    if shared.n < at_least * baseline.n:
        raise CouldNotRun(
            f"{candidate.folder}: has {shared.n} of the baseline's {baseline.n} articles; "
            f"the rules may lower `shared: {at_least:g}`"
        )
    return Pairing(shared, system)
