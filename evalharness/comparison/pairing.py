"""A baseline's run and a candidate's, side by side on the articles that both have."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from evalharness.comparison.rules import SliceRule
from evalharness.comparison.shared import Measure, Shared, share
from evalharness.errors import Exit, HarnessError
from evalharness.records import Defect, digest
from evalharness.stats import blockwise
from evalharness.stats.intervals import Blocks, Values
from evalharness.store.runs import AGAIN, Run, preference_ledgers
from evalharness.store.table import LIKELY_ERRORS

Mask = npt.NDArray[np.bool_]
BASELINE, CANDIDATE = 0, 1
# What summaries of one text have alike, and can be read without the texts.
_ALIKE = ("finish", "words")
# Summaries with one of these are no answer.
_NO_ANSWER = {"empty", "refusal"}
DEFECTS: tuple[str, ...] = get_args(Defect)
NO_SOURCE = "(none)"  # the slice of articles that name no source
# What limits bound of each article, and the columns that it is made of.
_FIGURES: Mapping[str, tuple[tuple[str, ...], Callable[..., float | None]]] = {
    "words": (("words", "finish"), lambda words, end: None if end == "error" else words),
    "truncated": (("truncated",), float),
    "answered": (
        ("finish", "defects"),
        lambda end, defects: end != "error" and not _NO_ANSWER & set(defects),
    ),
}
# Shares of summaries with a flag of any kind, and with one that names a likely error, by column.
FLAG_COLUMNS = {"flagged": ".flags", "likely_errors": LIKELY_ERRORS}


class CouldNotRun(HarnessError):
    """The gate can say nothing of this baseline and this candidate."""

    exit_code = Exit.INCOMPLETE


# What the rule is called that is about a judge's preferences; of several judges, `wins.JUDGE`.
WINS = "wins"


def is_of_wins(name: str) -> bool:
    """Tell whether a rule is about what judges prefer."""
    return name == WINS or name.startswith(f"{WINS}.")


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

    def figures(
        self, side: int, names: Sequence[str], figure: Callable[..., float | None]
    ) -> Values:
        """Return a number of each shared article, NaN for None, made of some columns of one side.

        The columns are read block by block, so that no more than a block of them is at hand.
        """
        found, start = np.empty(self.runs[side].n), 0
        for columns in self._column_blocks(side, names):
            numbers = [figure(*row) for row in zip(*columns, strict=True)]
            found[start : start + len(numbers)] = np.array(numbers, np.float64)
            start += len(numbers)
        return found[self.shared.rows[side]]

    def _column_blocks(self, side: int, names: Sequence[str]) -> Iterator[list[list[Any]]]:
        for block in self.runs[side].blocks(list(dict.fromkeys(names)), blockwise.BLOCK_ARTICLES):
            yield [block.column(name).to_pylist() for name in names]

    @cached_property
    def ids(self) -> list[str]:
        """The ids of the shared articles."""
        every = [each for (ids,) in self._column_blocks(BASELINE, ["id"]) for each in ids]
        return [every[row] for row in self.shared.rows[BASELINE].tolist()]

    def ids_of(self, articles: Sequence[int]) -> list[str]:
        """Return the ids of some of the shared articles, by their number, from 0."""
        if self.shared.n <= blockwise.AT_ONCE:
            return [self.ids[article] for article in articles]
        rows = self.shared.rows[BASELINE][list(articles)].tolist()
        found: dict[int, str] = {}
        start = 0
        for (ids,) in self._column_blocks(BASELINE, ["id"]):
            found |= {row: ids[row - start] for row in rows if start <= row < start + len(ids)}
            start += len(ids)
            if len(found) == len(set(rows)):
                break
        return [found[row] for row in rows]

    @property
    def is_at_once(self) -> bool:
        """Whether all scores are at hand: of not too many articles."""
        return self.shared.n <= blockwise.AT_ONCE

    @cached_property
    def is_same_text(self) -> bool:
        """Whether every summary of the one run is, letter by letter, that of the other."""
        if not all(self._is_same_column(name) for name in _ALIKE):
            return False
        try:
            ours, theirs = (self._text_digests(side) for side in (BASELINE, CANDIDATE))
        except (OSError, ValueError, KeyError, TypeError):  # without texts nothing is shown
            return False
        return np.array_equal(ours, theirs)

    def _is_same_column(self, name: str) -> bool:
        known: dict[Any, int] = {None: -1}
        ours, theirs = (
            self.figures(side, [name], lambda value: known.setdefault(value, len(known)))
            for side in (BASELINE, CANDIDATE)
        )
        return np.array_equal(ours, theirs)

    def _text_digests(self, side: int) -> npt.NDArray[np.uint64]:
        """Return two numbers of each summary: a digest of its text, of a fixed width."""
        digests = (
            bytes.fromhex(digest(sample["summary"]["text"])) for sample in self.runs[side].samples()
        )
        every = np.frombuffer(bytearray().join(digests), np.uint64).reshape(-1, 2)
        return every[self.shared.rows[side]]

    def slices(self, rule: SliceRule) -> dict[str, Mask]:
        """Return which articles belong to each part that a rule makes, by the part's name."""
        if rule.by == "source":
            sources: dict[str, int] = {}
            numbers = self.figures(
                BASELINE, [rule.by], lambda source: sources.setdefault(source, len(sources))
            )
            present = ((source, numbers == sources[source]) for source in sorted(sources))
            return {
                f"source={source or NO_SOURCE}": inside
                for source, inside in present
                if inside.any()
            }
        values = self.figures(BASELINE, [rule.by], lambda words: words)
        parts = {}
        for low, high in zip((None, *rule.bounds), (*rule.bounds, None), strict=True):
            inside = np.ones(len(values), dtype=bool)
            inside &= values >= low if low is not None else inside
            inside &= values < high if high is not None else inside
            begin = f"{low}<=" if low is not None else ""
            parts[f"{begin}{rule.by}{'' if high is None else f'<{high}'}"] = inside
        return {name: inside for name, inside in parts.items() if inside.any()}

    def blocks(self, measures: Sequence[Measure], *, at_once: bool) -> Blocks:
        """Return what gives the scores of both sides, NaN for a missing one, block by block.

        Each block has the shape (articles, measures, 2). at_once: in one block, read once.
        """
        if at_once:
            nothing = np.empty((0, len(measures), 2))
            whole = next(self._blocks(measures, self.shared.n), nothing)
            return lambda: iter([whole])
        return lambda: self._blocks(measures, blockwise.BLOCK_ARTICLES)

    def _blocks(self, measures: Sequence[Measure], rows: int) -> Iterator[Values]:
        scored = [measure for measure in measures if not is_of_wins(measure.name)]
        wins = {m.name: self.wins(m.name) for m in measures if m not in scored}
        start = 0
        for found in self.shared.value_blocks(scored, rows) if scored else self._no_scores(rows):
            columns, end = iter(np.moveaxis(found, 1, 0)), start + len(found)
            both = [wins[m.name][start:end] if m.name in wins else next(columns) for m in measures]
            yield np.stack(both, axis=1) if both else found
            start = end

    def _no_scores(self, rows: int) -> Iterator[Values]:
        for start in range(0, self.shared.n, rows):
            yield np.empty((min(rows, self.shared.n - start), 0, 2))

    def wins(self, name: str) -> Values:
        """Return one half and what the candidate has of each win, shape (articles, 2).

        name: `wins`, or `wins.JUDGE`. Raises: CouldNotRun where no such judge compared the runs.
        """
        if not self.judged and self.is_same_text:  # nobody need be asked
            return np.full((self.shared.n, 2), 0.5)
        judge = name.partition(".")[2]
        known = [each for each in self.judged if judge in ("", each)]
        if len(known) != 1:
            asked = ", ".join(f"{WINS}.{each}" for each in self.judged)
            hint = "evalharness compare BASELINE CANDIDATE --judge FILE asks one"
            hint = f"there are {asked}" if asked else hint
            raise CouldNotRun(f"{self.runs[1].folder}: {name}: no such preferences; {hint}")
        won = self.judged[known[0]]
        return np.stack([np.where(np.isnan(won), np.nan, 0.5), won], axis=1)

    @cached_property
    def judged(self) -> Mapping[str, Values]:
        """The candidate's wins against the baseline by judge, NaN where none was asked."""
        if not preference_ledgers(self.runs):
            return {}
        from evalharness.comparison.preferences import candidate_wins

        return candidate_wins(self.shared)

    def per_article(self, side: int, name: str) -> Values:
        """Return a figure of each shared article: what limits bound the mean of."""
        metric, _, what = name.rpartition(".")
        if what in FLAG_COLUMNS:
            return (self._flags(side, metric, FLAG_COLUMNS[what]) > 0).astype(np.float64)
        if what == "scored":
            return (~np.isnan(self._numbers(side, f"{metric}.value"))).astype(np.float64)
        if name == "tokens":
            return self._tokens(side)
        if name == "seconds":
            return np.full(self.shared.n, self.runs[side].seconds_per_article)
        columns, figure = _FIGURES.get(name, (("defects",), lambda defects: name in defects))
        return self.figures(side, columns, figure)

    def _tokens(self, side: int) -> Values:
        """Return the tokens of prompts and answers of each article: its summary's, and judges'.

        NaN where nothing was counted. Raises: CouldNotRun where the table has them in part only.
        """
        run = self.runs[side]
        if run.has_articles_in_parts:
            raise CouldNotRun(
                f"{run.folder}: articles were read in parts, whose tokens are in its run.json "
                "only (usage); leave out the limit `tokens`"
            )
        judges = [f"{m}.{part}" for m in run.figures for part in ("tokens_in", "tokens_out")]
        names = [name for name in ("tokens_in", "tokens", *judges) if name in run.columns]
        counted = np.stack([self._numbers(side, name) for name in names])
        known = ~np.isnan(counted).all(axis=0)
        return np.where(known, np.nansum(counted, axis=0), np.nan)

    def _flags(self, side: int, metric: str, ending: str) -> Values:
        """Return the flags of each summary; a run without such a column has flagged nothing.

        Raises: CouldNotRun where an older version flagged, and did not count likely errors.
        """
        run = self.runs[side]
        if f"{metric}{ending}" in run.columns:
            return self._numbers(side, f"{metric}{ending}")
        if f"{metric}.flags" in run.columns:
            raise CouldNotRun(f"{run.folder}: likely errors are not counted there; {AGAIN}")
        return np.zeros(self.shared.n)

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
            f"{candidate.folder}: has {shared.n} of the baseline's {baseline.n} articles, and "
            f"{at_least:.0%} are needed; summarize the others, too, or let fewer do: "
            f"shared: {math.floor(100 * shared.n / baseline.n) / 100:g} in the rules"
        )
    return Pairing(shared, system)
