"""Gates and checks inside a project's own tests: a fixture and an assertion.

Loaded by pytest wherever evalharness is installed, so it imports nothing until it is used.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from evalharness.comparison.gate import Gate
    from evalharness.runner.check import Verdict


@pytest.fixture(scope="session")
def evalharness_gate() -> "Callable[..., Gate]":
    """Gate a candidate run against a baseline: the test fails with what is worse.

    `evalharness_gate("results/baseline/x", "results/mine/x", rules="gate.yaml")` returns what the
    rules say where the verdict is `pass`, and fails the test otherwise: inconclusive is no pass.
    """

    def gate(
        baseline: str | Path,
        candidate: str | Path,
        rules: str | Path | Mapping[str, Any] | None = None,
    ) -> "Gate":
        from evalharness.comparison.gate import gate as judge

        __tracebackhide__ = True
        result = judge(baseline, candidate, rules)
        if result.verdict != "pass":
            failed = [
                f"{outcome.verdict}: {outcome.name}: {outcome.message}"
                for outcome in result.outcomes
                if outcome.verdict not in ("pass", "not-measured")
            ]
            pytest.fail("\n".join([result.reason or result.verdict, *failed]), pytrace=False)
        return result

    return gate


def assert_supported(article: str, summary: str, check: str = "lexical") -> "Verdict":
    """Fail where a check flags a summary, with each flagged span and what the article says.

    An empty summary fails too: it says nothing that could be supported. Returns the verdict.
    """
    from evalharness.runner.check import check as judge

    __tracebackhide__ = True
    verdict = judge(article, summary, check=check)
    if verdict.verdict == "no_verdict":
        pytest.fail(f"{check} does not say whether a summary is true to its article", pytrace=False)
    if verdict.verdict == "no_summary":
        raise AssertionError("there is no summary")
    if verdict.verdict == "flagged":
        flags = [f"{flag.span.of(summary)!r}: {flag.message}" for flag in verdict.flags]
        low = [f"flagged: {one.text!r}" for one in verdict.sentences if one.band == "flagged"]
        raise AssertionError("\n".join(["the summary is flagged", *(flags or low)]))
    return verdict
