"""Likely errors of a candidate that are new, as linters have them: nobody has judged them yet.

An error is known by its article, its kind and the words that are flagged: where else in the summary
these stand does not matter. Known are those of the baseline's own summaries, and those in a file of
flags that people judged, right or wrong (`annotate --read` writes it).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalharness.config.registry import scorer_kind
from evalharness.errors import DataError
from evalharness.files.untrusted import read_whole
from evalharness.records import flag_kind
from evalharness.store.runs import Run

if TYPE_CHECKING:
    from evalharness.comparison.rules import Outcome
    from evalharness.comparison.shared import RowIndices, Shared

RULE = "new_errors"
ErrorName = tuple[str, str, str]  # article, kind, words
_MOST_SHOWN = 5


@dataclass(frozen=True)
class KnownFlags:
    """Flags that people judged, by article, kind and words."""

    names: frozenset[ErrorName] = frozenset()


def read_known_flags(path: str | Path) -> KnownFlags:
    """Read a file of judged flags, JSON Lines with `article_id`, `kind` and `words`.

    Raises: DataError, with the line, for what is none.
    """
    names = set()
    try:
        lines = read_whole(Path(path)).decode().split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"--known-flags {path}: cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            names.add(_name(line, f"{path}:{number}"))
    return KnownFlags(frozenset(names))


def _name(line: str, where: str) -> ErrorName:
    try:
        row: Any = json.loads(line)
        article, kind, words = (row[key] for key in ("article_id", "kind", "words"))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{where}: a judged flag has article_id, kind and words; annotate --read writes them"
        ) from error
    return str(article), str(kind), str(words)


def flags_are_checked(run: Run) -> bool:
    """Tell whether a run has a check, so that errors would have been flagged."""
    return any(
        f"{label}.flags" in run.columns or scorer_kind(run.kind(label), "metrics") == "checks"
        for label in run.figures
    )


def new_errors_outcome(shared: "Shared", known: KnownFlags, system: str) -> "Outcome":
    """Return what the rule says: a likely error that is new is a regression.

    shared: the baseline's run and the candidate's, with the articles that both have.
    """
    from evalharness.comparison.rules import Outcome

    baseline, candidate = (
        _likely_errors(run, rows) for run, rows in zip(shared.runs, shared.rows, strict=True)
    )
    of_baseline, of_candidate = set(baseline), list(dict.fromkeys(candidate))
    new = [each for each in of_candidate if each not in of_baseline and each not in known.names]
    judged = sum(each in known.names for each in of_candidate)
    return Outcome(
        rule=RULE,
        kind="limit",
        verdict="regression" if new else "pass",
        message=_message(new, len(of_candidate), judged),
        system=system,
        n=shared.n,
    )


def _likely_errors(run: Run, rows: "RowIndices") -> Iterator[ErrorName]:
    inside = np.zeros(run.n, bool)
    inside[rows] = True
    for sample, is_inside in zip(run.samples(), inside.tolist(), strict=False):
        if is_inside:
            yield from ((sample["id"], kind, words) for kind, words in _errors_of(sample))


def error_names(sample: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return kind and words of the likely errors of a stored sample."""
    return set(_errors_of(sample))


def _errors_of(sample: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    text = sample["summary"]["text"]
    for score in sample["scores"].values():
        for flag in score.get("flags", ()):
            if flag_kind(flag["kind"]).hard:
                yield flag["kind"], text[flag["start"] : flag["end"]]


def _message(new: Sequence[ErrorName], n: int, judged: int) -> str:
    if not n:
        return "no likely error"
    if not new:
        return f"none of {n} likely errors is new ({judged} judged by people)"
    shown = "; ".join(
        f"{article}: {words!r} ({kind})" for article, kind, words in new[:_MOST_SHOWN]
    )
    more = f"; and {len(new) - _MOST_SHOWN} more" if len(new) > _MOST_SHOWN else ""
    return (
        f"{len(new)} of {n} likely errors are new (not in the baseline's summaries, and nobody has "
        f"judged them): {shown}{more}"
    )
