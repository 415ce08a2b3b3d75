"""A candidate against a baseline: is it worse than it may be?"""

from evalharness.gating.judging import Gate, gate
from evalharness.gating.outcomes import Outcome, Verdict, WorstArticle
from evalharness.gating.rules import Rules, read_rules

__all__ = ["Gate", "Outcome", "Rules", "Verdict", "WorstArticle", "gate", "read_rules"]
