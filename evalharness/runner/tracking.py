"""Outside tools are told of a run when all its files are on disk; one that fails loses nothing."""

import re
import time
from collections.abc import Mapping
from typing import Any

from evalharness.protocols import Tracked, Tracker
from evalharness.store.ledger import RunFolder
from evalharness.store.samples import RUN_FILE
from evalharness.store.seal import seal_again, text_of

LONGEST_ERROR = 300


def tell(trackers: Mapping[str, Tracker], tracked: Tracked) -> dict[str, Any]:
    """Tell each tracker of a run, and return its record with what came of it under `timing`."""
    came = {label: _track_run(tracker, tracked) for label, tracker in trackers.items()}
    record = dict(tracked.record)
    record["timing"] = {**record["timing"], "trackers": came}
    record = seal_again(record)
    RunFolder(tracked.folder).write(RUN_FILE, text_of(record))
    return record


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
