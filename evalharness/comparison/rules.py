"""The rules of a gate, a YAML file, checked; and what a rule can come to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from evalharness.config import yaml
from evalharness.config.registry import scaled_figure
from evalharness.config.yaml import Document, explain
from evalharness.errors import Exit
from evalharness.stats import paired

# So much worse, in a metric's own unit, is let pass where no rules say more.
DEFAULT_MARGIN = 0.01


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)


class MetricRule(_Strict):
    """How much lower a metric's mean may be than the baseline's, and how low at all."""

    margin: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="so much lower is tolerated"
    )
    relative: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="so much lower is tolerated, as a share of the baseline's mean",
    )
    floor: float | None = Field(
        None, allow_inf_nan=False, description="the candidate's mean may not be lower than this"
    )

    @model_validator(mode="after")
    def _one_margin(self) -> Self:
        if self.margin is not None and self.relative is not None:
            raise ValueError("give a margin or a relative margin, not both")
        if self.margin is None and self.relative is None and self.floor is None:
            raise ValueError("give a margin, a relative margin or a floor")
        return self


class LimitRule(_Strict):
    """Bounds of a figure of these very articles; without statistics."""

    at_least: float | None = Field(None, allow_inf_nan=False, description="the least it may be")
    at_most: float | None = Field(None, allow_inf_nan=False, description="the most it may be")
    drop: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="how far below the baseline's it may be"
    )
    rise: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="how far above the baseline's it may be"
    )

    @model_validator(mode="after")
    def _some_bound(self) -> Self:
        if (self.at_least, self.at_most, self.drop, self.rise) == (None,) * 4:
            raise ValueError("give at_least, at_most, drop or rise")
        return self


def _margin(value: Any) -> Any:
    if isinstance(value, Mapping | MetricRule):
        return value
    if not isinstance(value, int | float):
        raise ValueError("should be a number such as 0.02, or a mapping such as {relative: 0.02}")
    return {"margin": value}


MetricRules = dict[
    str, Annotated[MetricRule, BeforeValidator(_margin, json_schema_input_type=float | MetricRule)]
]


class SliceRule(_Strict):
    """Rules for each part of the articles by itself."""

    by: Literal["source", "article_words"] = Field(
        description="the articles' source, or their length in words"
    )
    bounds: tuple[int, ...] = Field(
        (), description="article_words: where one bucket ends and the next begins"
    )
    metrics: MetricRules = Field(default_factory=dict, description="as for all articles")
    limits: dict[str, LimitRule] = Field(default_factory=dict, description="as for all articles")

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.by == "source" and self.bounds:
            raise ValueError("bounds are for article_words")
        if self.by == "article_words" and not self.bounds:
            raise ValueError("article_words needs bounds, such as [300, 600]")
        if list(self.bounds) != sorted(set(self.bounds)):
            raise ValueError("bounds must rise")
        if not self.metrics and not self.limits:
            raise ValueError("give metrics or limits")
        return self


class Rules(_Strict):
    """What a candidate must keep to."""

    level: float = Field(
        paired.ALPHA, gt=0, lt=0.5, description="the chance of a false alarm, over all rules"
    )
    minimum_n: int = Field(
        30, ge=1, description="articles with both scores that it takes to let a metric pass"
    )
    coverage: float = Field(
        0.9, ge=0, le=1,
        description="share of the articles with a baseline score that must have a candidate's",
    )  # fmt: skip
    cluster: str = Field(
        "",
        description="a column (`source`) or an extra field of the articles: those that are alike "
        "in it are drawn together",
    )
    shared: float = Field(
        1.0, gt=0, le=1, description="share of the baseline's articles that must be there"
    )
    metrics: MetricRules | None = Field(
        None,
        description=f"by name; if not given, a margin of {DEFAULT_MARGIN} for those shown. wins: "
        "how often a judge prefers the candidate, 0.5 being as good as the baseline",
    )
    limits: dict[str, LimitRule] = Field(
        default_factory=lambda: {"answered": LimitRule.model_construct(drop=0.01)},
        description="answered, words, truncated, tokens, seconds, a defect, METRIC.likely_errors "
        "(share of summaries with one), METRIC.flagged (with a flag of any kind), METRIC.scored",
    )
    slices: tuple[SliceRule, ...] = Field((), description="rules for parts of the articles")
    resamples: int = Field(paired.RESAMPLES, ge=1000, le=1_000_000, description="of the articles")
    seed: int = Field(0, ge=0, description="for the resamples")


def read_rules(rules: str | Path | Mapping[str, Any] | Rules | None) -> Rules:
    """Return the rules in a YAML file or a mapping of its shape; None for those by default.

    Raises: ConfigError, one line with file, line and column, and what was expected.
    """
    if isinstance(rules, Rules):
        return rules
    if rules is None:
        return Rules.model_construct()  # validates nothing, which takes as long as a small gate
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
    document.refuse_credentials()
    if "join" in document.tree:
        raise document.error(("join",), _NO_JOIN)
    try:
        return Rules.model_validate_json(json.dumps(document.tree))
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
