"""The gate: every rule of a candidate against its baseline, and the verdict of all."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from evalharness.comparison import margins as margin_tests
from evalharness.comparison.new_errors import KnownFlags, flags_are_checked, new_errors_outcome
from evalharness.comparison.pairing import (
    BASELINE,
    CANDIDATE,
    DEFECTS,
    FLAG_COLUMNS,
    CouldNotRun,
    Mask,
    Pairing,
    is_of_wins,
    pair_runs,
)
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
    WorstArticle,
    limit_change,
    limit_figure,
    read_rules,
    worst_of,
)
from evalharness.comparison.shared import Incomparable, Measure, choose_measures
from evalharness.config.registry import (
    is_built_in,
    is_share,
    scaled_figure,
)
from evalharness.config.yaml import nearest
from evalharness.display import data_frame, html_block, html_table, html_text
from evalharness.errors import ConfigError, Exit, HarnessError
from evalharness.stats import blockwise, intervals, multiplicity, paired
from evalharness.stats.intervals import Values
from evalharness.store.runs import Run, left_behind, runs_in

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
    except ConfigError as error:
        named = isinstance(rules, str | Path)  # whose place is not known here
        raise ConfigError(str(error).replace("rules:", f"{rules}:", named)) from None
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
        _Rule(measure, _possible(rule, measure, pairing.runs[0]), part, inside)
        for part, inside, metrics in wanted
        for name, rule in metrics.items()
        for measure in _measures(pairing, name)
    ]


def _possible(rule: MetricRule, measure: Measure, run: Run) -> MetricRule:
    """Return a rule. Raises: ConfigError where the margin lets a share of ours fall to nothing."""
    figures = run.figures.get(measure.metric)
    is_ours = figures is not None and is_built_in(run.kind(measure.metric))
    if not (is_ours and is_share(measure.part) and rule.margin is not None and rule.margin >= 1):
        return rule
    share = rule.margin / 100
    raise ConfigError(
        f"rules: metrics: {measure.name}: a margin of {rule.margin:g} lets everything pass, as "
        f"scores go from 0 to 1; tables show them times 100: for {rule.margin:g} points there, "
        f"write {share:g}"
    )


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
    if is_of_wins(name):
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
    message = _margin_message(name, verdict, tested, rules, scored if thin else None)
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
) -> str:
    if not tested.n:
        return "no article has both scores"
    least = scaled_figure(max(0.0, -tested.low), name)
    mean, margin = _mean_text(name, tested), scaled_figure(tested.margin, name)
    if verdict == "regression":
        return f"{mean}: a significant loss, not shown to be within the margin of {margin}"
    if verdict == "pass":
        return f"{mean}; the loss is at most {least} (margin {margin})"
    if scored is not None:
        return f"{mean}, but only {tested.n} of {scored} articles with a baseline score have one"
    needed = _articles_needed(tested, rules)
    more = "" if needed is None else f"; about {needed:,} articles like these would pass"
    if tested.n < rules.minimum_n:
        few = f"{tested.n} articles; to pass takes {rules.minimum_n} or more (minimum_n)"
        return f"{mean}, on {few}{more}"
    bound = f"only that the loss is at most {least}" if np.isfinite(tested.low) else "no bound"
    return f"{mean}; {tested.n} articles show {bound}, and the margin is {margin}{more}"


def _mean_text(name: str, tested: margin_tests.Tested) -> str:
    """Return a candidate's mean, and how far it is above or below the baseline's."""
    mean, by = scaled_figure(tested.candidate, name), tested.difference or 0.0
    apart = scaled_figure(abs(by), name)
    if apart == scaled_figure(0.0, name):
        return f"mean {mean}, like the baseline's"
    return f"mean {mean}, {apart} {'below' if by < 0 else 'above'} the baseline's"


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
    if what in (*FLAG_COLUMNS, "scored") and metric in metrics:
        for run in pairing.runs:
            if metric not in run.figures:
                raise CouldNotRun(f"{run.folder}: no metric {metric!r}, which a limit is for")
        return
    if name not in _COUNTED:
        checks = [m for m in sorted(metrics) if _finds_errors(pairing, m)]
        of_checks = (f"{check}.{what}" for check in checks for what in FLAG_COLUMNS)
        known = [*_COUNTED, *of_checks, *(f"{metric}.scored" for metric in sorted(metrics))]
        raise ConfigError(f"rules: limits: no figure {name!r}{nearest(name, known)}")


def _finds_errors(pairing: Pairing, metric: str) -> bool:
    figures = [run.figures[metric] for run in pairing.runs if metric in run.figures]
    return any(each.likely_errors for each in figures)


def _limit_outcome(
    pairing: Pairing, name: str, limit: LimitRule, part: str, baseline: Values, candidate: Values
) -> Outcome:
    before, now = (intervals.mean(map(float, values)) for values in (baseline, candidate))
    broken = list(_broken_bounds(limit, before, now, name))
    verdict: GateResult = "regression" if broken else "inconclusive" if now is None else "pass"
    figure = limit_figure(now, name)
    has_error = name.endswith(FLAG_COLUMNS["likely_errors"])
    of = " of the summaries have a likely error" if has_error else ""
    more = " (--no-new-errors names those that are new)" if has_error and broken else ""
    was = "" if before is None else f" (baseline {limit_figure(before, name)})"
    return Outcome(
        rule=name,
        kind="limit",
        verdict=verdict,
        message=f"{figure}{of}{was}{'; ' if broken else ''}{', '.join(broken)}{more}",
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
        yield f"the rules allow a drop of {limit_change(limit.drop, name)}"
    if limit.rise is not None and now > before + limit.rise + _ROUNDING:
        yield f"the rules allow a rise of {limit_change(limit.rise, name)}"
