"""Outside tools are told of a run when all its files are on disk; one that fails loses nothing."""

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalharness.protocols import Tracked, Tracker
from evalharness.store.runs import Figure, Run, add_trackers

LONGEST_ERROR = 300


def tell_trackers(
    trackers: Mapping[str, Tracker], run: Run, results: Path, settings: Mapping[str, Any]
) -> Run:
    """Tell each tracker of a run, and return the run with what came of it in its `run.json`.

    results: the folder of all runs. settings: what a sweep set in this one. This is the one case
    in which `run.json` is written again: a tracker uploads it with the other files, so that it must
    be there before anything can have come of that.
    """
    told = to_be_tracked(run, results, settings)
    return add_trackers(run, {key: _track_run(tracker, told) for key, tracker in trackers.items()})


def to_be_tracked(run: Run, results: Path, settings: Mapping[str, Any]) -> Tracked:
    """Return a run as trackers are told of it."""
    return Tracked(
        experiment=run.experiment,
        name=run.name,
        results=results,
        folder=run.folder,
        settings=settings,
        record=run.record,
        started=run.timing.started,
        scorers=tuple(run.figures),
        parameters=_parameters(run, settings),
        figures=_figures(run),
    )


def _parameters(run: Run, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return what made the run: signatures, data, seed, settings of the sweep, versions."""
    parameters = {
        "experiment": run.experiment,
        "cell": run.name,
        "seed": run.seed,
        **{f"data.{key}": value for key, value in run.data.items()},
        **{f"sweep.{key}": value for key, value in settings.items()},
        "signature.model": run.signatures.model,
        **{f"signature.{label}": made for label, made in run.signatures.metrics.items()},
        "evalharness": run.provenance.get("evalharness"),
        "git": run.provenance.get("git"),
    }
    return {key: _as_text(value) for key, value in parameters.items() if value is not None}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _figures(run: Run) -> dict[str, float]:
    """Return means with their intervals by name, and counts; what has no value is left out.

    `rouge.rouge1` is a mean, `rouge.rouge1.low` and `.high` the ends of its interval.
    """
    outputs = run.outputs
    figures: dict[str, float | None] = {
        **{f"articles.{key}": n for key, n in run.counts.model_dump().items()},
        "outputs.answer_rate": outputs.answer_rate,
        "outputs.mean_words": outputs.mean_words,
        "outputs.truncated": outputs.truncated,
    }
    for label, scorer in run.figures.items():
        figures |= _ends(label, scorer) | {f"{label}.not_scored": scorer.not_scored}
        figures |= {f"{label}.corpus": scorer.corpus}
        figures |= {f"{label}.flags.{kind}": n for kind, n in scorer.flags.items()}
        for part, figure in scorer.parts.items():
            figures |= _ends(f"{label}.{part}", figure)
    return {name: float(value) for name, value in figures.items() if value is not None}


def _ends(name: str, figure: Figure) -> dict[str, float | None]:
    ends = {f"{name}.low": figure.low, f"{name}.high": figure.high, f"{name}.n": figure.n}
    return {name: figure.mean, **ends}


def _track_run(tracker: Tracker, tracked: Tracked) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        came: dict[str, Any] = {"where": tracker.track(tracked)}
    except Exception as error:  # of a tool that is not ours, which may raise what it likes
        came = {"error": _one_line(error), "required": tracker.required}
    return {**came, "seconds": round(time.perf_counter() - began, 3)}


def _one_line(error: Exception) -> str:
    """Return what an error says in one line, with its kind, and without passwords in addresses."""
    line = " ".join(f"{type(error).__name__}: {error}".split())
    line = re.sub(r"(?<=://)[^/@\s]*@", "", line)
    return line if len(line) <= LONGEST_ERROR else f"{line[: LONGEST_ERROR - 1]}…"
