"""The rules of a gate, a YAML file, checked; and what a rule can come to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from evalharness.config import yaml
from evalharness.config.registry import scaled_figure
from evalharness.config.yaml import Document, explain
from evalharness.errors import Exit
from evalharness.files.untrusted import Bounds
from evalharness.stats import paired

# So much worse, in a metric's own unit, is let pass where no rules say more.
DEFAULT_MARGIN = 0.01


_Amount = Annotated[float, Bounds(ge=0)]


class _Strict:
    """What pydantic is to refuse; it is imported where there are rules to read, and only there."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {
        "strict": True,
        "extra": "forbid",
        "allow_inf_nan": False,
    }


@dataclass(frozen=True, kw_only=True)
class MetricRule(_Strict):
    """How much lower a metric's mean may be than the baseline's, and how low at all.

    margin: so much lower is tolerated. relative: the same, as a share of the baseline's mean.
    floor: the candidate's mean may not be lower than this.
    """

    margin: _Amount | None = None
    relative: Annotated[float, Bounds(ge=0, lt=1)] | None = None
    floor: float | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself, or says nothing."""
        if self.margin is not None and self.relative is not None:
            raise ValueError("give a margin or a relative margin, not both")
        if self.margin is None and self.relative is None and self.floor is None:
            raise ValueError("give a margin, a relative margin or a floor")


@dataclass(frozen=True, kw_only=True)
class LimitRule(_Strict):
    """Bounds of a figure of these very articles; without statistics.

    at_least, at_most: what it may be. drop, rise: how far below or above the baseline's it may be.
    """

    at_least: float | None = None
    at_most: float | None = None
    drop: _Amount | None = None
    rise: _Amount | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that bound nothing."""
        if (self.at_least, self.at_most, self.drop, self.rise) == (None,) * 4:
            raise ValueError("give at_least, at_most, drop or rise")


class _Margin:
    """A rule that may also be the margin alone, a number."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(_rule_of, handler(source))


def _rule_of(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, int | float):
        raise ValueError("should be a number such as 0.02, or a mapping such as {relative: 0.02}")
    return {"margin": value}


MetricRules = dict[str, Annotated[MetricRule, _Margin()]]


@dataclass(frozen=True, kw_only=True)
class SliceRule(_Strict):
    """Rules for each part of the articles by itself; metrics and limits as for all articles.

    by: the articles' source, or their length in words; then bounds are where one bucket ends and
    the next begins.
    """

    by: Literal["source", "article_words"]
    bounds: tuple[int, ...] = ()
    metrics: MetricRules = field(default_factory=dict)
    limits: dict[str, LimitRule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse bounds that make no buckets, and buckets without rules."""
        if self.by == "source" and self.bounds:
            raise ValueError("bounds are for article_words")
        if self.by == "article_words" and not self.bounds:
            raise ValueError("article_words needs bounds, such as [300, 600]")
        if list(self.bounds) != sorted(set(self.bounds)):
            raise ValueError("bounds must rise")
        if not self.metrics and not self.limits:
            raise ValueError("give metrics or limits")


def _usual_limits() -> dict[str, LimitRule]:
    return {"answered": LimitRule(drop=0.01)}


@dataclass(frozen=True, kw_only=True)
class Rules(_Strict):
    """What a candidate must keep to.

    level: the chance of a false alarm, over all rules. minimum_n: articles with both scores that it
    takes to let a metric pass. coverage: share of the articles with a baseline score that must have
    a candidate's. cluster: a column (`source`) or an extra field of the articles: those that are
    alike in it are drawn together. shared: share of the baseline's articles that must be there.
    metrics: by name; if not given, a margin of DEFAULT_MARGIN for those shown; `wins` is how often
    a judge prefers the candidate, 0.5 being as good as the baseline. limits: of answered, words,
    truncated, tokens, seconds, a defect, METRIC.likely_errors (share of summaries with one),
    METRIC.flagged (with a flag of any kind), METRIC.scored. slices: rules for parts of the
    articles. resamples: of the articles; seed: for these.
    """

    level: Annotated[float, Bounds(gt=0, lt=0.5)] = paired.ALPHA
    minimum_n: Annotated[int, Bounds(ge=1)] = 30
    coverage: Annotated[float, Bounds(ge=0, le=1)] = 0.9
    cluster: str = ""
    shared: Annotated[float, Bounds(gt=0, le=1)] = 1.0
    metrics: MetricRules | None = None
    limits: dict[str, LimitRule] = field(default_factory=_usual_limits)
    slices: tuple[SliceRule, ...] = ()
    resamples: Annotated[int, Bounds(ge=1000, le=1_000_000)] = paired.RESAMPLES
    seed: Annotated[int, Bounds(ge=0)] = 0


def read_rules(rules: str | Path | Mapping[str, Any] | Rules | None) -> Rules:
    """Return the rules in a YAML file or a mapping of its shape; None for those by default.

    Raises: ConfigError, one line with file, line and column, and what was expected.
    """
    if isinstance(rules, Rules):
        return rules
    if rules is None:
        return Rules()
    return _validate_rules(_document(rules))


def _document(rules: str | Path | Mapping[str, Any]) -> Document:
    if isinstance(rules, Mapping):
        return Document(dict(rules), {(): yaml.Location("rules", Path.cwd())})
    return yaml.read_yaml(Path(rules))


_NO_JOIN = (
    "the gate joins no runs: its bound holds for articles drawn at random, and a handful of seeds "
    "does not show what one that was not run would do; it tests each seed beside its own, by name, "
    "and `compare --join` joins them"
)


def _validate_rules(document: Document) -> Rules:
    from pydantic import TypeAdapter, ValidationError

    document.refuse_credentials()
    if "join" in document.tree:
        raise document.error(("join",), _NO_JOIN)
    try:
        return TypeAdapter(Rules).validate_json(json.dumps(document.tree))
    except ValidationError as error:
        raise explain(error, document, (), Rules) from None
    except TypeError as error:
        raise document.error((), f"holds what YAML could not: {error}") from None


GateResult = Literal["pass", "regression", "inconclusive", "could-not-run"]
# What one rule can say: of a metric that has no value on either side there is nothing to say.
RuleResult = GateResult | Literal["not-measured"]
EXIT_CODES: dict[GateResult, Exit] = {
    "pass": Exit.GOOD,
    "regression": Exit.FINDING,
    "inconclusive": Exit.INCONCLUSIVE,
    "could-not-run": Exit.INCOMPLETE,
}
# From the worst that a rule can say to the best.
SEVERITY: tuple[GateResult, ...] = ("could-not-run", "regression", "inconclusive", "pass")


@dataclass(frozen=True)
class WorstArticle:
    """An article on which a metric fell the most."""

    id: str
    baseline: float
    candidate: float


def limit_figure(value: float | None, name: str) -> str:
    """Return a figure that a limit is for: a number of words or tokens, or a share in percent.

    >>> limit_figure(61.25, "words"), limit_figure(0.95, "answered")
    ('61.25', '95%')
    """
    if value is None:
        return "–"
    return f"{value:.4g}" if name in _NO_SHARES else f"{value * 100:.4g}%"


def limit_change(value: float, name: str) -> str:
    """Return by how much a figure may change; that of a share is in points, which are no shares.

    >>> limit_change(15, "words"), limit_change(0.05, "answered")
    ('15', '5 points')
    """
    return limit_figure(value, name).replace("%", " points")


# Limits of what is no share: an article's mean.
_NO_SHARES = ("words", "tokens", "seconds")


@dataclass(frozen=True)
class Outcome:
    """What one rule says.

    rule: `rouge.rouge1`, `answered`; part: the slice, empty for all articles; system: the cell,
        empty where there is one of each.
    kind: `margin`, a statistical test; `floor` or `limit`, figures as they are.
    message: one sentence for a reader, with the figures.
    difference, low, high: the mean difference, and one-sided bounds at the rules' level: the lower
        one by the test of the margin, the upper one by the bootstrap.
    p_worse: chance of such a loss where nothing got worse; p_worse_holm: over all tests.
    p_tolerable: chance of such a mean where the loss is as large as the margin or larger.
    detectable: the smallest true loss that is called a regression in 80 of 100 such samples.
    needed: about how many articles like these would pass; None where no number would.
    """

    rule: str
    kind: Literal["margin", "floor", "limit"]
    verdict: RuleResult
    message: str
    part: str = ""
    system: str = ""
    n: int = 0
    baseline: float | None = None
    candidate: float | None = None
    margin: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_worse: float | None = None
    p_worse_holm: float | None = None
    p_tolerable: float | None = None
    detectable: float | None = None
    needed: int | None = None
    worst: tuple[WorstArticle, ...] = ()

    @property
    def name(self) -> str:
        """The rule with system and slice."""
        where = ", ".join(part for part in (self.system, self.part) if part)
        return f"{self.rule} ({where})" if where else self.rule

    def text(self, value: float | None, sign: str = "") -> str:
        """Return a figure of this rule as people read it."""
        if self.kind == "limit":
            return limit_figure(value, self.rule)
        return scaled_figure(value, self.rule, sign)

    def record(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def worst_of(outcomes: Sequence[Outcome]) -> GateResult:
    """Return the verdict of all rules: the worst of any.

    What has no value on either side is left out; where that holds of every metric that rules name,
    nothing was measured, and the verdict is inconclusive.
    """
    said = [each.verdict for each in outcomes if each.verdict != "not-measured"]
    metrics = [each for each in outcomes if each.kind != "limit"]
    if metrics and all(each.verdict == "not-measured" for each in metrics):
        said.append("inconclusive")
    return min(said, key=SEVERITY.index, default="could-not-run")
