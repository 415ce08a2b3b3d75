"""What a gate says: an outcome for each rule, and the verdict of all."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from evalharness.errors import Exit

GateResult = Literal["pass", "regression", "inconclusive", "could-not-run"]
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


@dataclass(frozen=True)
class Outcome:
    """What one rule says.

    rule: `rouge.rouge1`, `answered`; part: the slice, empty for all articles; system: the cell,
        empty where there is one of each.
    kind: `margin`, a statistical test; `floor` or `limit`, figures as they are.
    message: one sentence for a reader, with the figures.
    difference, low, high: the mean difference, and a two-sided bootstrap interval of level 1 - 2 x
        the rules' level, whose ends are one-sided bounds at that level.
    p_worse: chance of such a loss where nothing got worse; p_worse_holm: over all tests.
    p_tolerable: chance of such a mean where the loss is as large as the margin or larger.
    detectable: the smallest true loss that is called a regression in 80 of 100 such samples.
    """

    rule: str
    kind: Literal["margin", "floor", "limit"]
    verdict: GateResult
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
    worst: tuple[WorstArticle, ...] = ()

    @property
    def name(self) -> str:
        """The rule with system and slice."""
        where = ", ".join(part for part in (self.system, self.part) if part)
        return f"{self.rule} ({where})" if where else self.rule

    def record(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def worst_of(verdicts: list[GateResult]) -> GateResult:
    """Return the verdict of all rules: the worst of any.

    >>> worst_of(["pass", "inconclusive", "pass"])
    'inconclusive'
    """
    return min(verdicts, key=SEVERITY.index, default="could-not-run")
