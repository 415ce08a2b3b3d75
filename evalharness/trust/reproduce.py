"""Published figures with the configs that make them again, and the verdict on what was made.

The figures, their limits and sources are in `configs/reproduce/published.yaml`, beside the configs.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from evalharness.config import yaml
from evalharness.config.run_config import read_run_config
from evalharness.config.yaml import nearest
from evalharness.errors import ConfigError
from evalharness.files import shipped_path
from evalharness.runner.run import Progress
from evalharness.runner.run import run as run_config
from evalharness.store.runs import Run

FOLDER = "reproduce"
_PUBLISHED_FILE = "published.yaml"

# Published figures are printed times 100.
SCALE = 100

ReproductionOutcome = Literal["reproduced", "not reproduced", "indicative"]
OfFigure = Literal["within", "outside", "in the interval", "not in the interval", "not judged"]


class _Figure(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    value: float
    within: float | None = Field(gt=0)


class _Row(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    articles: int = Field(gt=0)
    source: str
    figures: dict[str, _Figure] = Field(min_length=1)
    note: str = ""


@dataclass(frozen=True)
class PublishedFigure:
    """A published mean, times 100. within: how far off it may be; None where it is not judged."""

    metric: str
    value: float
    within: float | None

    @property
    def short(self) -> str:
        """The part alone: `rouge1`."""
        return self.metric.rpartition(".")[2]


@dataclass(frozen=True)
class PublishedResult:
    """A published result: figures, where they are from, and the config that makes them again."""

    name: str
    config: Path
    model: str
    data: str
    articles: int
    source: str
    figures: tuple[PublishedFigure, ...]
    note: str = ""

    def record(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {**asdict(self), "config": str(self.config)}


@dataclass(frozen=True)
class ReproducedFigure:
    """A figure as it was made here, times 100, with its interval, beside the published one."""

    figure: PublishedFigure
    value: float | None
    low: float | None
    high: float | None
    verdict: OfFigure


@dataclass(frozen=True)
class Reproduction:
    """What came of making a row again. reason: why it is no more than indicative, or failed."""

    row: PublishedResult
    folder: Path
    articles: int
    figures: tuple[ReproducedFigure, ...]
    verdict: ReproductionOutcome
    reason: str = ""

    def record(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "name": self.row.name,
            "folder": str(self.folder),
            "articles": self.articles,
            "verdict": self.verdict,
            "reason": self.reason,
            "source": self.row.source,
            "figures": [asdict(judged) for judged in self.figures],
        }


def published_results() -> dict[str, PublishedResult]:
    """Return the published rows by name."""
    table = shipped_path(f"{FOLDER}/{_PUBLISHED_FILE}")
    read = yaml.read_yaml(table)
    try:
        told = TypeAdapter(dict[str, _Row]).validate_python(read.tree)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise read.error(tuple(first["loc"][:1]), f"{first['loc']}: {first['msg']}") from None
    return {name: _row(name, table.parent / f"{name}.yaml", row) for name, row in told.items()}


def _row(name: str, config: Path, row: _Row) -> PublishedResult:
    run_config = read_run_config(config)
    model = run_config.model.options.get("model", run_config.model.name) if run_config.model else ""
    figures = tuple(PublishedFigure(metric, f.value, f.within) for metric, f in row.figures.items())
    data = str(run_config.data.options.get("dataset", run_config.data.name))
    return PublishedResult(
        name, config, str(model), data, row.articles, row.source, figures, row.note
    )


def published_result(name: str) -> PublishedResult:
    """Return a published row. Raises: ConfigError with the nearest name."""
    known = published_results()
    if name not in known:
        raise ConfigError(f"no published row {name!r}{nearest(name, list(known))}")
    return known[name]


def reproduce(
    row: PublishedResult,
    overrides: Sequence[str] = (),
    *,
    results: str | Path = "results",
    limit: int | None = None,
    progress: Progress | None = None,
) -> Reproduction:
    """Run a row's config, and hold its figures against the published ones.

    Raises: HarnessError, as a run does: without network and cache, what is missing and the command
        that fetches it.
    """
    (made,) = run_config(row.config, overrides, results=results, limit=limit, progress=progress)
    return judge(row, made)


def judge(row: PublishedResult, run: Run) -> Reproduction:
    """Return the verdict on a run of a row's config.

    All articles must have been summarized for a figure to be within its limit or outside. With
    fewer, it is only told whether the interval of what was made holds the published figure.
    """
    reason = ""
    if run.counts.failed:
        reason = f"{run.counts.failed} articles have no summary"
    elif run.n != row.articles:
        reason = f"{run.n} articles, and the figures are of {row.articles}"
    figures = tuple(_compare_figure(figure, run, whole=not reason) for figure in row.figures)
    verdict: ReproductionOutcome = "indicative"
    if run.counts.failed:
        verdict = "not reproduced"
    elif not reason:
        outside = any(judged.verdict == "outside" for judged in figures)
        verdict = "not reproduced" if outside else "reproduced"
    return Reproduction(row, run.folder, run.n, figures, verdict, reason)


def _compare_figure(figure: PublishedFigure, run: Run, whole: bool) -> ReproducedFigure:
    label, _, part = figure.metric.partition(".")
    figures = run.figures.get(label)
    made = figures and figures.part(part)
    ends = (made.mean, made.low, made.high) if made else (None, None, None)
    value, low, high = map(_scale_value, ends)
    return ReproducedFigure(figure, value, low, high, _verdict(figure, value, low, high, whole))


def _scale_value(value: float | None) -> float | None:
    return None if value is None else value * SCALE


def _verdict(
    figure: PublishedFigure, value: float | None, low: float | None, high: float | None, whole: bool
) -> OfFigure:
    if figure.within is None:
        return "not judged"
    if whole:
        # To the two digits that were printed: .10 is within ± .10.
        near = value is not None and abs(round(value - figure.value, 6)) <= figure.within
        return "within" if near else "outside"
    inside = low is not None and high is not None and low <= figure.value <= high
    return "in the interval" if inside else "not in the interval"
