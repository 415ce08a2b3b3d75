"""What GitHub shows of a gate beside the code: annotations, made by lines on stdout."""

from collections.abc import Iterator, Mapping

from evalharness.comparison.gate import Gate
from evalharness.comparison.rules import GateResult
from evalharness.report.gate import GATE_WORDS

_LEVELS: Mapping[GateResult, str] = {
    "regression": "error",
    "inconclusive": "warning",
    "could-not-run": "error",
}
# GitHub shows ten annotations of a step and level; the rest is in the summary.
MOST_ANNOTATIONS = 10


def annotations(found: Gate) -> Iterator[str]:
    """Yield a workflow command for each rule that did not pass."""
    if found.verdict == "could-not-run" and found.reason:
        yield _command("error", "evalharness: the gate could not run", found.reason)
    failed = [each for each in found.outcomes if each.verdict != "pass"]
    for each in failed[:MOST_ANNOTATIONS]:
        title = f"evalharness: {each.verdict} of {each.name}"
        yield _command(_LEVELS[each.verdict], title, each.message)
    if not failed and not found.reason:
        yield _command("notice", "evalharness", GATE_WORDS[found.verdict])


def _command(level: str, title: str, message: str) -> str:
    """Return a line that the runner reads.

    >>> _command("error", "a: b", "50% of c")
    '::error title=a%3A b::50%25 of c'
    """
    kept = _data(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={kept}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
