"""The articles of a report: which there are over all runs, and which the page carries."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from evalharness import results
from evalharness.comparison import ScoredRun
from evalharness.errors import DataError
from evalharness.report.page.gathered import Gathered

AGAIN = "run the config again, which computes nothing twice"


@dataclass(frozen=True)
class Articles:
    """All articles of some runs: those with the same id, text and references are one.

    ids: in the order of the first run, then of the others. rows: shape (articles, systems), the row
    in each run, -1 in one without it.
    """

    ids: list[str]
    rows: "np.ndarray[Any, np.dtype[np.intp]]" = field(repr=False)

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.ids)

    @cached_property
    def shared(self) -> int:
        """How many all systems have."""
        return int((self.rows >= 0).all(axis=1).sum())


def articles_of(gathered: Gathered) -> Articles:
    """Return the articles of all runs."""
    runs = gathered.runs
    if len({run.fingerprint for run in runs}) == 1:
        ids = runs[0].table(["id"]).column(0).to_pylist()
        return Articles(ids, np.repeat(np.arange(runs[0].n)[:, None], len(runs), axis=1))
    places: dict[tuple[str, str, str, int], list[int]] = {}
    for at, run in enumerate(runs):
        for row, key in enumerate(_keys(run)):
            places.setdefault(key, [-1] * len(runs))[at] = row
    return Articles([key[0] for key in places], np.array(list(places.values()), dtype=np.intp))


def _keys(run: ScoredRun) -> Iterator[tuple[str, str, str, int]]:
    """Yield id and content of each article, and how often it stood before."""
    table = run.table(["id", "article", "references"])
    seen: dict[tuple[str, str, str], int] = {}
    for key in zip(*(table.column(n).to_pylist() for n in range(3)), strict=True):
        again = seen.get(key, 0)
        seen[key] = again + 1
        yield (*key, again)


class Samples:
    """The lines of a run's `samples.jsonl`, read one at a time from where they stand."""

    def __init__(self, run: ScoredRun) -> None:
        """Find where each line begins. Raises: DataError where there are not enough."""
        self.path = run.folder / results.SAMPLES
        try:
            self._file = self.path.open("rb")
            starts = [0, *accumulate(map(len, self._file))]
        except OSError as error:
            raise DataError(
                f"{self.path}: cannot be read: {error.strerror or error}; {AGAIN}"
            ) from None
        if len(starts) != run.n + 1:
            lines = f"{len(starts) - 1} lines, and run.json tells of {run.n} articles"
            raise DataError(f"{self.path}: {lines}; {AGAIN}")
        self._starts = starts

    def __enter__(self) -> "Samples":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getitem__(self, row: int) -> dict[str, Any]:
        """Return one sample. Raises: DataError where the line is none."""
        self._file.seek(self._starts[row])
        try:
            sample: dict[str, Any] = json.loads(self._file.readline())
            _ = sample["id"], sample["article"], sample["summary"]["text"], sample["scores"]
        except (ValueError, KeyError, TypeError):
            raise DataError(
                f"{self.path}:{row + 1}: not a sample as evalharness writes it; {AGAIN}"
            ) from None
        return sample


@dataclass(frozen=True)
class Choice:
    """Which articles the page carries, by their number, and the rule in words."""

    chosen: Sequence[int]
    of: int
    rule: str

    def record(self) -> Mapping[str, Any]:
        """Return what the page says of it."""
        return {"shown": len(self.chosen), "of": self.of, "rule": self.rule}


def choose(articles: Articles) -> Choice:
    """Return which articles the page carries."""
    return Choice(range(articles.n), articles.n, "all articles")
