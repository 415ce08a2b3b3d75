"""The runs that a config asks for: components built and checked, before any work begins."""

import dataclasses
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalharness import document, registry
from evalharness.calibration import Calibration, load_calibration
from evalharness.config import Component, Experiment, Scorer, Sheet
from evalharness.document import Key
from evalharness.errors import ConfigError
from evalharness.protocols import Loader, Metric, Summarizer
from evalharness.records import digest

# In bytes; file systems stop at 255, and names of files come to it.
_LONGEST_NAME = 120
# Ours beside the experiments, and what Windows keeps for devices.
_RESERVED = {"store", "con", "prn", "aux", "nul"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)
}


@dataclass(frozen=True)
class Cell:
    """One run to be: its components, built and checked, and the sheet that they are from."""

    experiment: str
    name: str
    sheet: Sheet
    loader: Loader
    model: Summarizer
    model_kind: str
    metrics: Mapping[str, Metric]
    metric_kinds: Mapping[str, str]
    calibrations: Mapping[str, "Calibrating"] = field(default_factory=dict[str, "Calibrating"])

    def config(self, folder: Path) -> str:
        """Return the YAML that makes this cell again, with every option, to stand in `folder`."""
        scorers = {"metrics": self.sheet.metrics, "checks": self.sheet.checks}
        tree = {
            "name": self.experiment,
            "data": _written(self.sheet.data.name, "", self.loader, folder),
            "model": _written(self.model_kind, self.name, self.model, folder),
            **{
                place: [
                    _written(c.name, c.label, self.metrics[c.label or c.name], folder)
                    | self._calibrated(c.label or c.name, folder)
                    for c in components
                ]
                for place, components in scorers.items()
            },
            "seed": self.sheet.seed,
            "limit": self.sheet.limit,
            "interval": self.sheet.interval.model_dump(),
        }
        return document.dump({key: value for key, value in tree.items() if value is not None})

    def _calibrated(self, label: str, folder: Path) -> dict[str, Any]:
        named = self.calibrations.get(label)
        return {} if named is None else {"calibration": _relative(named.path, folder)}


@dataclass(frozen=True)
class Calibrating:
    """A calibration that a config names, and where it is from."""

    path: Path
    calibration: Calibration

    def quoted(self) -> str:
        """Return the file's name and a hash of its content, to stand in a signature."""
        return f"{self.path.name}:{digest(self.calibration.json())[:16]}"


def prepare(experiment: Experiment) -> list[Cell]:
    """Build every component of every cell, so that a mistake ends the run before any work.

    Raises: ConfigError with the place of what is wrong.
    """
    sheet = experiment.sheet
    loader = registry.build("loaders", ("data",), sheet.data, experiment.document)
    models = [(model, _model(experiment, key, model)) for key, model in experiment.models()]
    registry.check_generation(experiment)
    metrics = _scorers(experiment)
    calibrations = _calibrations(experiment, metrics)
    cells: list[Cell] = []
    for model, built in models:
        name = _folder_name(model.label or _own_name(model.name, built))
        cells.append(
            Cell(
                experiment=_folder_name(experiment.name),
                name=_unused(name, [cell.name for cell in cells]),
                sheet=sheet,
                loader=loader,
                model=built,
                model_kind=model.name,
                metrics={label: metric for label, (_, metric) in metrics.items()},
                metric_kinds={label: kind for label, (kind, _) in metrics.items()},
                calibrations=calibrations,
            )
        )
    return cells


def _model(experiment: Experiment, key: Key, model: Component) -> Summarizer:
    whole = registry.with_defaults(experiment, key, model)
    built: Summarizer = registry.build("models", key, whole, experiment.document)
    return built


def _scorers(experiment: Experiment) -> dict[str, tuple[str, Metric]]:
    """Return component name and component by label, metrics before checks."""
    built: dict[str, tuple[str, Metric]] = {}
    for key, component in experiment.scorers():
        label = component.label or component.name
        if label in built:
            message = f"{label!r} stands twice; give one of them a label"
            raise experiment.document.error(key, message)
        kind: registry.Kind = "metrics" if key[0] == "metrics" else "checks"
        metric = registry.build(kind, key, component, experiment.document)
        built[label] = (component.name, metric)
    return built


def _calibrations(
    experiment: Experiment, metrics: Mapping[str, tuple[str, Metric]]
) -> dict[str, Calibrating]:
    """Return the calibrations by label. Raises: ConfigError for one of another check's scores."""
    found: dict[str, Calibrating] = {}
    for key, component in experiment.scorers():
        if component.calibration:
            label = component.label or component.name
            found[label] = _calibrating(experiment, key, component, metrics[label][1])
    return found


def _calibrating(
    experiment: Experiment, key: Key, component: Scorer, metric: Metric
) -> Calibrating:
    place = (*key, "calibration")
    sheet_document = experiment.document
    folder = sheet_document.place(place).folder
    path = Path(registry.found_path(component.calibration, folder, place, sheet_document))
    try:
        calibration = load_calibration(path)
    except ConfigError as error:
        raise sheet_document.error(place, str(error)) from error
    _, _, part = calibration.check.partition(".")
    own = registry.signature_text(registry.signature(component.name, metric))
    own += f"|part:{part}" if part else ""
    if calibration.signature != own:
        message = f"is of scores by {calibration.signature}, not {own}; run calibrate again"
        raise sheet_document.error(place, message)
    return Calibrating(path, calibration)


def _own_name(kind: str, model: Any) -> str:
    """Name a model that the config gives no label: by its checkpoint, or by its kind."""
    checkpoint = getattr(model, "model", None)
    return Path(checkpoint).name if isinstance(checkpoint, str) else kind


def _folder_name(name: str) -> str:
    """Return a name that is a folder's on every system and leads nowhere else.

    >>> _folder_name("../a b:c"), _folder_name("数据"), _folder_name("CON")
    ('a-b-c', '数据', 'CON-')
    """
    safe = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", name)).strip(".-")
    while len(safe.encode()) > _LONGEST_NAME:
        safe = safe[:-1]
    if not safe:
        return f"unnamed-{digest(name)[:8]}"
    return f"{safe}-" if safe.partition(".")[0].lower() in _RESERVED else safe


def _unused(name: str, taken: Sequence[str]) -> str:
    lowered = {other.lower() for other in taken}
    n = 2
    found = name
    while found.lower() in lowered:
        found, n = f"{name}-{n}", n + 1
    return found


def _written(kind: str, label: str, component: Any, folder: Path) -> dict[str, Any]:
    """Return a component as the config would say it, with every option that is set."""
    options = {
        field.name: _plain(getattr(component, field.name), folder)
        for field in dataclasses.fields(component)
        if getattr(component, field.name) is not None
    }
    checkpoint = getattr(component, "model", None)
    if isinstance(checkpoint, str) and Path(checkpoint).is_absolute():
        options["model"] = _relative(Path(checkpoint), folder)
    return {"name": kind} | ({"label": label} if label else {}) | options


def _plain(value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return _relative(value, folder)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        inner = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {key: _plain(v, folder) for key, v in inner.items() if v is not None}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, folder) for key, inner in value.items()}
    return [_plain(v, folder) for v in value] if isinstance(value, tuple | list) else value


def _relative(path: Path, folder: Path) -> str:
    """Return a path as seen from `folder`, so that a results tree can move with its data."""
    try:
        relative = os.path.relpath(path, folder.absolute())
    except ValueError:  # another drive
        return str(path)
    return relative if relative.startswith(".") else f"./{relative}"
