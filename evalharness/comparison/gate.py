"""The gate: every rule of a candidate against its baseline, and the verdict of all."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from evalharness.comparison import margins as margin_tests
from evalharness.comparison.new_errors import KnownFlags, flags_are_checked, new_errors_outcome
from evalharness.comparison.rules import (
    DEFAULT_MARGIN,
    EXIT_CODES,
    GateResult,
    LimitRule,
    MetricRule,
    MetricRules,
    Outcome,
    RuleResult,
    Rules,
    SliceRule,
    WorstArticle,
    limit_change,
    limit_figure,
    read_rules,
    worst_of,
)
from evalharness.comparison.shared import Incomparable, Measure, Shared, choose_measures, share
from evalharness.config.registry import detectable_figure, scaled_figure
from evalharness.config.yaml import nearest
from evalharness.display import data_frame, html_block, html_table, html_text
from evalharness.errors import ConfigError, Exit, HarnessError
from evalharness.records import Defect, digest
from evalharness.stats import blockwise, intervals, multiplicity, paired
from evalharness.stats.intervals import Blocks, Values
from evalharness.store.runs import AGAIN, Run, left_behind, preference_ledgers, runs_in
from evalharness.store.table import LIKELY_ERRORS

Mask = npt.NDArray[np.bool_]
BASELINE, CANDIDATE = 0, 1
# What summaries of one text have alike, and can be read without the texts.
_ALIKE = ("finish", "words")
# Summaries with one of these are no answer.
_NO_ANSWER = {"empty", "refusal"}
DEFECTS: tuple[str, ...] = get_args(Defect)
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
_OF_FLAGS = {"flagged": ".flags", "likely_errors": LIKELY_ERRORS}


class CouldNotRun(HarnessError):
    """The gate can say nothing of this baseline and this candidate."""

    exit_code = Exit.INCOMPLETE


# What the rule is called that is about a judge's preferences; of several judges, `wins.JUDGE`.
WINS = "wins"


def _is_of_wins(name: str) -> bool:
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
            return {f"source={source}": inside for source, inside in present if inside.any()}
        values = self.figures(BASELINE, [rule.by], lambda words: words)
        parts = {}
        for low, high in zip((None, *rule.bounds), (*rule.bounds, None), strict=True):
            inside = np.ones(len(values), dtype=bool)
            inside &= values >= low if low is not None else inside
            inside &= values < high if high is not None else inside
            begin = f"{low}≤" if low is not None else ""
            parts[f"{begin}article words{'' if high is None else f'<{high}'}"] = inside
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
        scored = [measure for measure in measures if not _is_of_wins(measure.name)]
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
        if what in _OF_FLAGS:
            return (self._flags(side, metric, _OF_FLAGS[what]) > 0).astype(np.float64)
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
            f"{candidate.folder}: has {shared.n} of the baseline's {baseline.n} articles; "
            f"the rules may lower `shared: {at_least:g}`"
        )
    return Pairing(shared, system)


WORST_ARTICLES = 5


@dataclass(frozen=True)
class Gate:
    """What the rules say of a candidate, and the verdict of all; `reason` if it could not run.

    not_swept: runs in a sweep's folder that the newest sweep has not, and so left out.
    """

    verdict: GateResult
    outcomes: tuple[Outcome, ...] = ()
    reason: str = ""
    baseline: str = ""
    candidate: str = ""
    articles: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    not_swept: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules, repr=False)
    folders: Mapping[str, tuple[Path, Path]] = field(default_factory=dict, repr=False)

    @property
    def exit_code(self) -> Exit:
        """0 pass, 1 regression, 3 inconclusive, 4 could not run."""
        return EXIT_CODES[self.verdict]

    @property
    def tests(self) -> int:
        """How many tests share the level."""
        return sum(each.p_worse is not None for each in self.outcomes)

    def __repr__(self) -> str:
        if self.reason:
            return f"Gate({self.verdict}: {self.reason})"
        counted = Counter(outcome.verdict for outcome in self.outcomes)
        rules = ", ".join(f"{n} {verdict}" for verdict, n in counted.items())
        return f"Gate({self.verdict}: {self.articles} articles; rules: {rules})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the verdict, and a row a rule."""
        rows = [
            [each.name, each.verdict, each.text(each.baseline), each.text(each.candidate),
             each.message]
            for each in self.outcomes
        ]  # fmt: skip
        head = ["rule", "verdict", "baseline", "candidate", "what it says"]
        return html_block(
            html_text(self.verdict, style=f"verdict {self.verdict}"),
            html_text(self.reason) if self.reason else "",
            html_table(head, rows, words=len(head)) if rows else "",
        )

    def to_pandas(self) -> Any:
        """Return a pandas frame: a row a rule, with its figures (`Outcome`)."""
        return data_frame([each.record() for each in self.outcomes])

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return self.record()

    def record(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "reason": self.reason,
            "baseline": self.baseline,
            "candidate": self.candidate,
            "articles": self.articles,
            "left_out": dict(self.left_out),
            "not_swept": list(self.not_swept),
            "outcomes": [each.record() for each in self.outcomes],
            "rules": asdict(self.rules),
        }


def gate(
    baseline: str | Path | Run,
    candidate: str | Path | Run,
    rules: str | Path | Mapping[str, Any] | Rules | None = None,
    *,
    known_flags: KnownFlags | None = None,
) -> Gate:
    """Tell whether a candidate keeps to the rules, compared with a baseline on the same articles.

    baseline, candidate: folders of runs; folders of several runs are paired by name. rules: a YAML
    file, or a mapping of its shape; by default every metric that tables show may fall by 0.01.
    known_flags: if given, a likely error that is neither the baseline's nor among them is a
    regression.

    What cannot be compared gives the verdict `could-not-run` and a reason. Raises: ConfigError for
    rules that are wrong.
    """
    checked = read_rules(rules)
    nothing = Gate(
        "could-not-run",
        reason="the rules ask for nothing",
        baseline=_folder(baseline),
        candidate=_folder(candidate),
        rules=checked,
    )
    try:
        pairings = pair_runs(runs_in(baseline), runs_in(candidate), checked.shared)
        outcomes = tuple(_outcomes(pairings, checked))
        if known_flags is not None:
            outcomes += tuple(_new_errors(pairing, known_flags) for pairing in pairings)
    except ConfigError:
        raise
    except HarnessError as error:
        return replace(nothing, reason=str(error))
    if not outcomes:
        return nothing
    return replace(
        nothing,
        verdict=worst_of(outcomes),
        outcomes=outcomes,
        reason="",
        articles=sum(pairing.shared.n for pairing in pairings),
        left_out={f"{p.system} {k}".strip(): n for p in pairings for k, n in _left_out(p).items()},
        not_swept=tuple(
            f"{_folder(run)}/{name}" for run in (baseline, candidate) for name in left_behind(run)
        ),
        folders={p.system: (p.runs[BASELINE].folder, p.runs[CANDIDATE].folder) for p in pairings},
    )


def _new_errors(pairing: Pairing, known: KnownFlags) -> Outcome:
    for run in pairing.runs:
        if not flags_are_checked(run):
            raise CouldNotRun(f"{run.folder}: no check was run, so that no error can be new")
    return new_errors_outcome(pairing.shared, known, pairing.system)


def _folder(run: str | Path | Run) -> str:
    if isinstance(run, Run):
        return str(run.folder)
    return str(run) if "://" in str(run) else str(Path(run))


def _left_out(pairing: Pairing) -> dict[str, int]:
    sides = zip(("baseline", "candidate"), pairing.runs, strict=True)
    return {side: run.n - pairing.shared.n for side, run in sides if run.n > pairing.shared.n}


@dataclass(frozen=True)
class _Rule:
    """One metric's rule for one part of the articles: those inside."""

    measure: Measure
    rule: MetricRule
    part: str
    inside: Mask


@dataclass(frozen=True)
class _Test(_Rule):
    """A rule with what one reading of the scores tells.

    column: among those of the rules that were read together. scored: articles of either side with a
    score, and means of these. is_same: whether both sides have the same scores. worst: number,
    baseline and candidate of the articles on which the metric fell the most.
    """

    column: int
    scored: tuple[int, int]
    means: tuple[float | None, float | None]
    is_same: bool
    worst: tuple[tuple[int, float, float], ...]

    @property
    def is_measured(self) -> bool:
        """Whether either side has any value."""
        return any(self.scored)


def _outcomes(pairings: Sequence[Pairing], rules: Rules) -> Iterator[Outcome]:
    prepared: list[tuple[Pairing, list[_Test]]] = []
    asked: list[tuple[Pairing, _Test, margin_tests.Tested]] = []
    for pairing in pairings:
        pairs, tests = _read_tests(pairing, rules)
        prepared.append((pairing, tests))
        with_margin = [test for test in tests if _has_margin(test.rule) and test.is_measured]
        clusters = pairing.shared.clusters(rules.cluster)
        results = _run_tests(pairs, with_margin, rules, clusters, pairing.is_at_once)
        asked += [(pairing, *each) for each in results]
    adjusted = multiplicity.holm([tested.p_worse for _, _, tested in asked])
    for (pairing, test, tested), p_worse_holm in zip(asked, adjusted, strict=True):
        yield _margin_outcome(pairing, test, tested, p_worse_holm, rules, len(asked))
    for pairing, tests in prepared:
        for test in tests:
            if not test.is_measured:
                yield _not_measured(pairing, test)
            elif test.rule.floor is not None:
                yield _floor_outcome(pairing, test, test.rule.floor)
        yield from _limit_outcomes(pairing, rules)


def _has_margin(rule: MetricRule) -> bool:
    return rule.margin is not None or rule.relative is not None


def _rules_of(pairing: Pairing, rules: Rules) -> list[_Rule]:
    everything = np.ones(pairing.shared.n, dtype=bool)
    wanted: list[tuple[str, Mask, MetricRules]] = [("", everything, _metrics(pairing, rules))]
    for each in rules.slices:
        wanted += [(part, inside, each.metrics) for part, inside in pairing.slices(each).items()]
    return [
        _Rule(measure, rule, part, inside)
        for part, inside, metrics in wanted
        for name, rule in metrics.items()
        for measure in _measures(pairing, name)
    ]


def _read_tests(pairing: Pairing, rules: Rules) -> tuple[margin_tests.Pairs, list[_Test]]:
    """Return what gives the scores of all rules, a column each, and the rules, read once."""
    asked = _rules_of(pairing, rules)
    measures = list(dict.fromkeys(each.measure for each in asked))
    columns = [measures.index(each.measure) for each in asked]
    blocks = pairing.blocks(measures, at_once=pairing.is_at_once)

    def pairs() -> Iterator[tuple[Values, Values]]:
        start = 0
        for block in blocks():
            end = start + len(block)
            inside = np.stack([each.inside[start:end] for each in asked], axis=1)
            baseline, candidate = (
                np.where(inside, block[:, columns, side], np.nan) for side in (BASELINE, CANDIDATE)
            )
            yield baseline, candidate
            start = end

    return pairs, list(_read(pairs, asked)) if asked else []


def _read(pairs: margin_tests.Pairs, asked: Sequence[_Rule]) -> Iterator[_Test]:
    k, start = len(asked), 0
    sums = [blockwise.BlockSums(k) for _ in (BASELINE, CANDIDATE)]
    same = np.ones(k, dtype=bool)
    worst: list[list[tuple[float, int, float, float]]] = [[] for _ in asked]
    for baseline, candidate in pairs():
        for known, scores in zip(sums, (baseline, candidate), strict=True):
            known.add(scores)
        missing = np.isnan(baseline) & np.isnan(candidate)
        same &= ((baseline == candidate) | missing).all(axis=0)
        for i, seen in enumerate(worst):
            seen += _greatest_falls(baseline[:, i], candidate[:, i], start)
            worst[i] = sorted(seen)[:WORST_ARTICLES]
        start += len(baseline)
    for i, each in enumerate(asked):
        scored = int(sums[BASELINE].n[i]), int(sums[CANDIDATE].n[i])
        means = _finite(sums[BASELINE].mean[i]), _finite(sums[CANDIDATE].mean[i])
        rows = tuple((row, ours, theirs) for _, row, ours, theirs in worst[i])
        yield _Test(
            each.measure, each.rule, each.part, each.inside,
            i, scored, means, bool(same[i]), rows,
        )  # fmt: skip


def _greatest_falls(
    baseline: Values, candidate: Values, start: int
) -> Iterator[tuple[float, int, float, float]]:
    """Yield the articles of a block on which a metric fell the most: by how much, and which."""
    fallen = np.nan_to_num(candidate - baseline, nan=0.0)
    for row in np.argsort(fallen, kind="stable")[:WORST_ARTICLES].tolist():
        if fallen[row] < 0:
            yield float(fallen[row]), start + row, float(baseline[row]), float(candidate[row])


def _metrics(pairing: Pairing, rules: Rules) -> MetricRules:
    if rules.metrics is not None:
        return rules.metrics
    found = choose_measures(pairing.runs).measures
    return {measure.name: MetricRule(margin=DEFAULT_MARGIN) for measure in found}


def _measures(pairing: Pairing, name: str) -> tuple[Measure, ...]:
    """Return what a rule's name stands for; in neither run it is a slip of the rules."""
    if _is_of_wins(name):
        return (Measure(name),)
    try:
        return choose_measures(pairing.runs, [name]).measures
    except Incomparable as error:
        known = [run for run in pairing.runs if _stands_alone(run, name)]
        if known:
            raise CouldNotRun(str(error)) from None
        everything = [column.removesuffix(".value") for column in pairing.runs[0].columns]
        metrics = [each for each in everything if each.partition(".")[0] in pairing.metrics]
        raise ConfigError(f"rules: no metric {name!r}{nearest(name, metrics)}") from None


def _stands_alone(run: Run, name: str) -> bool:
    try:
        return bool(choose_measures([run, run], [name]).measures)
    except Incomparable:
        return False


def _not_measured(pairing: Pairing, test: _Test) -> Outcome:
    """Say that a metric has no value: a check of numbers, where no summary has any."""
    return Outcome(
        rule=test.measure.name,
        kind="margin" if _has_margin(test.rule) else "floor",
        verdict="not-measured",
        message="no summary of either run has a value",
        part=test.part,
        system=pairing.system,
    )


def _run_tests(
    pairs: margin_tests.Pairs,
    tests: Sequence[_Test],
    rules: Rules,
    clusters: paired.Clusters | None,
    at_once: bool,
) -> Iterator[tuple[_Test, margin_tests.Tested]]:
    if not tests:
        return
    columns = [test.column for test in tests]

    def of_tests() -> Iterator[tuple[Values, Values]]:
        for baseline, candidate in pairs():
            yield baseline[:, columns], candidate[:, columns]

    margins = [
        margin_tests.Margin(rule.relative, relative=True)
        if rule.relative is not None
        else margin_tests.Margin(rule.margin or 0.0)
        for rule in (test.rule for test in tests)
    ]
    how = (margins, rules.level, rules.resamples, rules.seed)
    if at_once:
        [(baseline, candidate)] = of_tests()
        found = margin_tests.paired_tests(baseline, candidate, *how, clusters)
    elif clusters is not None:
        found = margin_tests.paired_tests_of_clusters(of_tests, *how, clusters)
    else:
        found = margin_tests.paired_tests_of_blocks(of_tests, *how)
    yield from zip(tests, found, strict=True)


def _margin_outcome(
    pairing: Pairing,
    test: _Test,
    tested: margin_tests.Tested,
    p_worse_holm: float,
    rules: Rules,
    tests: int,
) -> Outcome:
    verdict: RuleResult = margin_tests.test_outcome(
        tested, p_worse_holm, rules.level, rules.minimum_n
    )
    detectable = margin_tests.detectable(tested, rules.level, tests)
    scored = test.scored[BASELINE]
    thin = tested.n < rules.coverage * scored
    if thin and verdict == "pass":
        verdict = "inconclusive"
    name = test.measure.name
    message = _margin_message(name, verdict, tested, rules, scored if thin else None, detectable)
    if test.is_same and pairing.is_same_text:
        verdict = "pass"
        mean = scaled_figure(tested.candidate, name)
        message = f"mean {mean}; both runs have the same summaries, word for word"
    return Outcome(
        rule=name,
        kind="margin",
        verdict=verdict,
        message=message,
        part=test.part,
        system=pairing.system,
        n=tested.n,
        baseline=_finite(tested.baseline),
        candidate=_finite(tested.candidate),
        margin=tested.margin,
        difference=_finite(tested.difference),
        low=_finite(tested.low),
        high=_finite(tested.high),
        p_worse=tested.p_worse,
        p_worse_holm=p_worse_holm,
        p_tolerable=tested.p_tolerable,
        detectable=detectable,
        needed=None if verdict == "pass" else _articles_needed(tested, rules),
        worst=_worst(pairing, test),
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _articles_needed(tested: margin_tests.Tested, rules: Rules) -> int | None:
    return None if tested.needed is None else max(tested.needed, rules.minimum_n)


def _margin_message(
    name: str,
    verdict: RuleResult,
    tested: margin_tests.Tested,
    rules: Rules,
    scored: int | None,
    detectable: float | None,
) -> str:
    if not tested.n:
        return "no article has both scores"
    least = scaled_figure(max(0.0, -tested.low), name)
    low = f"; the loss is at most {least}" if np.isfinite(tested.low) else ""
    mean, margin = scaled_figure(tested.candidate, name), scaled_figure(tested.margin, name)
    mean = f"mean {mean}, {scaled_figure(tested.difference, name, '+')} from the baseline's"
    if verdict == "regression":
        return f"{mean}: a significant loss, not shown to be within the margin of {margin}"
    if verdict == "pass":
        return f"{mean}{low} (margin {margin})"
    if scored is not None:
        return f"{mean}, but only {tested.n} of {scored} articles with a baseline score have one"
    needed = _articles_needed(tested, rules)
    more = "" if needed is None else f"; about {needed} articles like these would pass"
    if tested.n < rules.minimum_n:
        few = f"{tested.n} articles, and the rules need {rules.minimum_n} (minimum_n)"
        return f"{mean}, on {few}{more}"
    shown = detectable_figure(detectable, name)
    power = (
        "" if shown == "–" else f"; {tested.n} articles could only reveal a loss of {shown} or more"
    )
    return f"{mean}{low}, and the margin is {margin}{more}{power}"


def _worst(pairing: Pairing, test: _Test) -> tuple[WorstArticle, ...]:
    """Return the articles on which the metric fell the most, if it fell at all."""
    ids = pairing.ids_of([article for article, *_ in test.worst])
    return tuple(
        WorstArticle(id_, baseline, candidate)
        for id_, (_, baseline, candidate) in zip(ids, test.worst, strict=True)
    )


def _floor_outcome(pairing: Pairing, test: _Test, floor: float) -> Outcome:
    """Hold the candidate's mean, over all its articles with a score, against a floor."""
    mean, n = test.means[CANDIDATE], test.scored[CANDIDATE]
    verdict: GateResult = (
        "inconclusive" if mean is None else "pass" if mean >= floor - _ROUNDING else "regression"
    )
    shown, least = (scaled_figure(value, test.measure.name) for value in (mean, floor))
    said = "no article has a score" if mean is None else f"mean {shown}"
    return Outcome(
        rule=test.measure.name,
        kind="floor",
        verdict=verdict,
        message=f"{said}; at least {least} is required",
        part=test.part,
        system=pairing.system,
        n=n,
        candidate=mean,
        baseline=test.means[BASELINE],
    )


# Limits: figures of these very articles, held against bounds; without statistics.

_COUNTED = ("answered", "words", "truncated", "tokens", "seconds", *DEFECTS)
# Shares are sums of ones over n; what is this near to a bound is at it.
_ROUNDING = 1e-12


def _limit_outcomes(pairing: Pairing, rules: Rules) -> Iterator[Outcome]:
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
    if what in (*_OF_FLAGS, "scored") and metric in metrics:
        for run in pairing.runs:
            if metric not in run.figures:
                raise CouldNotRun(f"{run.folder}: no metric {metric!r}, which a limit is for")
        return
    if name not in _COUNTED:
        of_metrics = (f"{m}.{w}" for m in sorted(metrics) for w in (*_OF_FLAGS, "scored"))
        known = [*_COUNTED, *of_metrics]
        raise ConfigError(f"rules: limits: no figure {name!r}{nearest(name, known)}")


def _limit_outcome(
    pairing: Pairing, name: str, limit: LimitRule, part: str, baseline: Values, candidate: Values
) -> Outcome:
    before, now = (intervals.mean(map(float, values)) for values in (baseline, candidate))
    broken = list(_broken_bounds(limit, before, now, name))
    verdict: GateResult = "regression" if broken else "inconclusive" if now is None else "pass"
    figure = limit_figure(now, name)
    was = "" if before is None else f" (baseline {limit_figure(before, name)})"
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


def _broken_bounds(
    limit: LimitRule, before: float | None, now: float | None, name: str
) -> Iterator[str]:
    if now is None:
        return
    if limit.at_least is not None and now < limit.at_least - _ROUNDING:
        yield f"at least {limit_figure(limit.at_least, name)} is required"
    if limit.at_most is not None and now > limit.at_most + _ROUNDING:
        yield f"at most {limit_figure(limit.at_most, name)} is allowed"
    if before is None:
        return
    if limit.drop is not None and now < before - limit.drop - _ROUNDING:
        yield f"may drop by {limit_change(limit.drop, name)}"
    if limit.rise is not None and now > before + limit.rise + _ROUNDING:
        yield f"may rise by {limit_change(limit.rise, name)}"
