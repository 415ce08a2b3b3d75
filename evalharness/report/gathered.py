"""The runs of a report: found by their folders, named, and with the scores that it shows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from evalharness.comparison.shared import Measure
from evalharness.config import registry, yaml
from evalharness.config.registry import scaled_figure
from evalharness.errors import DataError, HarnessError
from evalharness.records import Vote
from evalharness.report.table import columns_of, headings
from evalharness.store import samples
from evalharness.store.runs import (
    NOT_SWEPT,
    Figure,
    Run,
    folder_of,
    is_finished,
    kind_of,
    left_behind,
    read_run,
    runs_in,
    swept_cells,
    unique_names,
)

CONFIG = samples.CONFIG
ScorerKind = Literal["metric", "check"]
SystemRole = Literal["baseline", "upper bound", ""]

# Systems that do not compete.
_ROLES: Mapping[registry.Role, SystemRole] = {
    "baseline": "baseline",
    "upper bound": "upper bound",
}


@dataclass(frozen=True)
class ScoreColumn:
    """A score that the report shows: a metric's value, or one of its parts.

    label: its heading. kind: whether it looks at references or at the article. percent: whether it
    is a share, shown times 100. judged: whether higher is better, and not merely other. verdict:
    whether it is a check that tells if a summary is true to its article. profile: further parts
    that say where in the article a summary's content comes from. beside: whether it stands beside
    others because lengths differ, and ranks nobody.
    """

    measure: Measure
    label: str
    kind: ScorerKind
    percent: bool
    judged: bool = True
    verdict: bool = True
    profile: tuple[str, ...] = ()
    beside: bool = False

    @property
    def key(self) -> str:
        """Its name in `compare` and in the page's data: `rouge.rouge1`, `numbers`."""
        return self.measure.name

    def of(self, run: Run) -> Figure | None:
        """Return mean, interval and n in a run; None in one without it."""
        return run.figure(self.measure.metric, self.measure.part)

    def text(self, value: float | None) -> str:
        """Return a value or mean as the page and `show` have it, with one digit."""
        return scaled_figure(value, self.measure.part, digits=1)

    def value_in(self, scores: Mapping[str, Any]) -> float | None:
        """Return the value among the scores of a sample; None where there is none."""
        score, part = scores.get(self.measure.metric), self.measure.part
        if score is None:
            return None
        value: float | None
        value = score.get("value") if part == "value" else score.get("parts", {}).get(part)
        return value


@dataclass(frozen=True)
class Gathered:
    """Finished runs, each with a name of its own, and the scores to show of them.

    missing: what should be there and is not, a line each. unfinished: cells whose newest run did
    not come to its end. votes: of people, between the systems.
    """

    runs: tuple[Run, ...]
    missing: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    votes: tuple[Vote, ...] = ()
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(unique_names(self.runs)))

    @cached_property
    def configs(self) -> list[Mapping[str, Any]]:
        """The resolved configs; empty where there is none that can be read."""
        return [config_of(run) for run in self.runs]

    @cached_property
    def columns(self) -> list[ScoreColumn]:
        """The scores that tables show, those of checks last."""
        pairs = columns_of(self.runs)
        headed = zip(pairs, headings(pairs, spread=True), strict=True)
        columns = [self._column(metric, part, heading) for (metric, part), heading in headed]
        return sorted(columns, key=lambda column: column.kind == "check")

    def _column(self, metric: str, part: str, heading: str) -> ScoreColumn:
        row = registry.scorer_row(self.made_by(metric))
        return ScoreColumn(
            Measure(metric, part or "value"),
            heading,
            self._kind(metric),
            registry.is_share(part),
            not (row.descriptive or part in row.beside),
            all(map(registry.tells_truth, self.signatures(metric) or [metric])),
            row.profile if part in ("", *row.shown[:1]) else (),
            part in row.beside,
        )

    @cached_property
    def roles(self) -> list[SystemRole]:
        """Which systems are baselines, and which are an upper bound."""
        return [_ROLES.get(registry.model_row(run.model_kind).role, "") for run in self.runs]

    def _kind(self, metric: str) -> ScorerKind:
        """Return the kind that a config lists it under; without a config, by its built-in name."""
        for config in self.configs:
            for section, kind in (("checks", "check"), ("metrics", "metric")):
                for component in entries_of(config.get(section)):
                    if metric in (component.get("label"), component.get("name")):
                        return "check" if kind == "check" else "metric"
        known = registry.scorer_kind(self.made_by(metric), otherwise="metrics")
        return "check" if known == "checks" else "metric"

    def signatures(self, metric: str) -> list[str]:
        """Return what made a metric's scores, each of them once."""
        signatures = (run.signatures.metrics.get(metric) for run in self.runs)
        return list(dict.fromkeys(signature for signature in signatures if signature))

    def made_by(self, metric: str) -> str:
        """Return the kind of component that made a metric's scores."""
        return kind_of(next(iter(self.signatures(metric)), metric))


def entries_of(components: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the components of a section of a config that are written with options."""
    if isinstance(components, list):
        for component in components:
            if isinstance(component, dict):
                yield component


def config_of(run: Run) -> Mapping[str, Any]:
    """Return a run's resolved config; empty where there is none that can be read."""
    path = run.folder / CONFIG
    try:
        tree = yaml.parse_yaml(path.read_text(encoding="utf-8"), str(path), path.parent).tree
    except (OSError, ValueError, HarnessError):  # the page says that there is none
        return {}
    return tree if isinstance(tree, dict) else {}


def gather(runs: Sequence[str | Path | Run]) -> Gathered:
    """Return the runs in folders; an experiment's stands for all of its cells, in their order.

    Raises: DataError, one line, for what is no finished run, or cannot be read.
    """
    if not runs:
        raise DataError("give at least one run to report on")
    by_folder: dict[Path, Run] = {}
    others: list[str] = []
    unfinished: list[str] = []
    for given in runs:
        if isinstance(given, Run):  # which is at hand, whoever is at work on the next
            by_folder.setdefault(given.folder.resolve(), given)
            continue
        folder = folder_of(given)
        cells = swept_cells(folder)
        finished = [cell for cell in cells if is_finished(folder / cell)]
        if finished:
            inner = [read_run(folder / cell) for cell in finished]
            unfinished += [cell for cell in cells if cell not in finished]
            others += left_behind(folder)
        else:
            inner = runs_in(folder)
        for run in inner:
            by_folder.setdefault(run.folder.resolve(), run)
    missing = [f"{cell}: not finished" for cell in unfinished]
    if others:
        missing.append(f"{', '.join(others)}: {NOT_SWEPT}")
    return Gathered(tuple(by_folder.values()), tuple(missing), tuple(unfinished))


def article_link(id: str, system: str = "") -> str:
    """Return the address within the page at which an article, and a system's summary, is shown."""
    quoted = {"article": id, **({"system": system} if system else {})}
    return "#" + "&".join(f"{k}={quote(v, safe='', errors='replace')}" for k, v in quoted.items())
