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
        found = judge(baseline, candidate, rules)
        if found.verdict != "pass":
            lines = [f"{each.verdict}: {each.name}: {each.message}" for each in found.outcomes]
            failed = [line for line in lines if not line.startswith("pass:")]
            pytest.fail("\n".join([found.reason or found.verdict, *failed]), pytrace=False)
        return found

    return gate


def assert_supported(article: str, summary: str, check: str = "lexical") -> "Verdict":
    """Fail where a check flags a summary, with each flagged span and what the article says.

    An empty summary fails too: it says nothing that could be supported. Returns the verdict.
    """
    from evalharness.runner.check import check as judge

    __tracebackhide__ = True
    found = judge(article, summary, check=check)
    if found.verdict == "no_summary":
        raise AssertionError("there is no summary")
    if found.verdict == "flagged":
        flags = [f"{each.span.of(summary)!r}: {each.message}" for each in found.flags]
        low = [f"flagged: {each.text!r}" for each in found.sentences if each.band == "flagged"]
        raise AssertionError("\n".join(["the summary is flagged", *(flags or low)]))
    return found
