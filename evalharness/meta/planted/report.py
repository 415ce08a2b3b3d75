"""The figures of planted errors: by kind of error and by group of untouched pairs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evalharness.meta.planted.plant import KINDS, ErrorKind

# Of the standard normal distribution: 95 % lie within as many deviations.
Z = 1.959963984540054

Rate = dict[str, float | int | None]


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, by Wilson's score method (1927); 0 to 1 without cases.

    >>> low, high = wilson(9, 10)
    >>> round(low, 3), round(high, 3)
    (0.596, 0.982)
    """
    if not n:
        return 0.0, 1.0
    share, width = hits / n, Z * Z / n
    middle = (share + width / 2) / (1 + width)
    half = Z * math.sqrt(share * (1 - share) / n + width / (4 * n)) / (1 + width)
    return max(0.0, middle - half), min(1.0, middle + half)


def rate(hits: int, n: int) -> Rate:
    """Return a share with its count of cases and its interval; None where there are no cases."""
    low, high = wilson(hits, n)
    known = n > 0
    return {
        "n": n,
        "rate": hits / n if known else None,
        "low": low if known else None,
        "high": high if known else None,
    }


@dataclass(frozen=True, slots=True)
class PlantedOutcome:
    """What a check made of one planted error.

    detected: a flag of any kind overlaps it; already: one did so before it was planted;
    right_kind: one that overlaps names the kind of error; pointed: one lies at least half in it
    and covers at least half of it. n_wrong, n_flagged, n_both: characters.
    """

    kind: ErrorKind
    group: str
    copied: bool
    detected: bool
    already: bool
    right_kind: bool
    pointed: bool
    score_dropped: bool
    n_wrong: int
    n_flagged: int
    n_both: int


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """How many flags an untouched summary has."""

    group: str
    copied: bool
    n_flags: int


@dataclass
class CheckReport:
    """All outcomes of a check, and its figures."""

    outcomes: list[PlantedOutcome] = field(default_factory=list[PlantedOutcome])
    alarms: list[FalseAlarms] = field(default_factory=list[FalseAlarms])
    not_applicable: dict[ErrorKind, int] = field(default_factory=dict[ErrorKind, int])

    def kinds(self, copied: bool | None = None) -> dict[ErrorKind, dict[str, Any]]:
        """Return the figures by kind of error; of copied or of written summaries only if told."""
        chosen = [one for one in self.outcomes if copied is None or one.copied == copied]
        asked = {one.kind for one in self.outcomes} | self.not_applicable.keys()
        known: dict[ErrorKind, list[PlantedOutcome]] = {kind: [] for kind in KINDS if kind in asked}
        for one in chosen:
            known[one.kind].append(one)
        return {
            kind: figures_of_kind(outcomes)
            | ({"not_applicable": self.not_applicable.get(kind, 0)} if copied is None else {})
            for kind, outcomes in known.items()
        }

    def groups(self) -> dict[str, Rate]:
        """Return the share of untouched summaries with a flag, by group, and of the two sorts."""
        found: dict[str, list[bool]] = {}
        for alarm in self.alarms:
            sort = "all copied" if alarm.copied else "all written"
            for group in (alarm.group, sort):
                found.setdefault(group, []).append(alarm.n_flags > 0)
        return {group: rate(sum(flagged), len(flagged)) for group, flagged in sorted(found.items())}

    def record(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        return {
            "pairs": len(self.alarms),
            "planted": self.kinds(),
            "planted_in_written": self.kinds(copied=False),
            "planted_in_copied": self.kinds(copied=True),
            "false_alarms": self.groups(),
        }


def figures_of_kind(outcomes: Sequence[PlantedOutcome]) -> dict[str, Any]:
    """Return the figures of the planted errors of one kind.

    precision, recall: characters, of all flagged ones and of all wrong ones; None without any.
    """
    n = len(outcomes)
    flagged, wrong = (sum(o.n_flagged for o in outcomes), sum(o.n_wrong for o in outcomes))
    both = sum(o.n_both for o in outcomes)
    return {
        "n": n,
        "detected": rate(sum(o.detected for o in outcomes), n),
        "already_flagged": rate(sum(o.already for o in outcomes), n),
        "right_kind": rate(sum(o.right_kind for o in outcomes), n),
        "pointed": rate(sum(o.pointed for o in outcomes), n),
        "score_dropped": rate(sum(o.score_dropped for o in outcomes), n),
        "precision": both / flagged if flagged else None,
        "recall": both / wrong if wrong else None,
    }
