"""evalharness: how good are these summaries, and where are they wrong?"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalharness.comparison.comparison import Comparison as Comparison
    from evalharness.comparison.comparison import compare as compare
    from evalharness.comparison.gate import Gate as Gate
    from evalharness.comparison.gate import gate as gate
    from evalharness.comparison.scores import FlaggedWords as FlaggedWords
    from evalharness.comparison.scores import Scores as Scores
    from evalharness.comparison.scores import Systems as Systems
    from evalharness.comparison.scores import compute_metrics as compute_metrics
    from evalharness.comparison.scores import rouge as rouge
    from evalharness.comparison.scores import score as score
    from evalharness.errors import HarnessError as HarnessError
    from evalharness.records import Article as Article
    from evalharness.records import Flag as Flag
    from evalharness.records import Score as Score
    from evalharness.records import SentenceScore as SentenceScore
    from evalharness.records import Span as Span
    from evalharness.records import Summary as Summary
    from evalharness.report.page import write_report as write_report
    from evalharness.runner.check import Verdict as Verdict
    from evalharness.runner.check import check as check
    from evalharness.runner.existing import score_files as score_files
    from evalharness.runner.run import run as run
    from evalharness.store.runs import Run as Run
    from evalharness.trust.rerun import rerun as rerun
    from evalharness.trust.verify import verify as verify

__version__ = "0.1.0"

_HOME = {
    "Article": "records",
    "Comparison": "comparison.comparison",
    "Flag": "records",
    "FlaggedWords": "comparison.scores",
    "Gate": "comparison.gate",
    "HarnessError": "errors",
    "Run": "store.runs",
    "Score": "records",
    "Scores": "comparison.scores",
    "SentenceScore": "records",
    "Span": "records",
    "Summary": "records",
    "Systems": "comparison.scores",
    "Verdict": "runner.check",
    "check": "runner.check",
    "compare": "comparison.comparison",
    "compute_metrics": "comparison.scores",
    "gate": "comparison.gate",
    "rerun": "trust.rerun",
    "rouge": "comparison.scores",
    "run": "runner.run",
    "score": "comparison.scores",
    "score_files": "runner.existing",
    "verify": "trust.verify",
    "write_report": "report.page",
}
_WITHOUT_NUMPY = ("errors", "records")
__all__ = [*sorted(_HOME)]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import evalharness` costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'evalharness' has no attribute {name!r}")
    if _HOME[name] not in _WITHOUT_NUMPY:
        import_module("evalharness.stats").import_numpy()
    value = getattr(import_module(f"evalharness.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
