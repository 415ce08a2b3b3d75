"""The components that made a run, built again from its config; and what is not as it was then."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from evalharness.config import cells, registry
from evalharness.config.build import build_component
from evalharness.config.calibration import Calibration
from evalharness.config.run_config import RunConfig, read_run_config
from evalharness.config.signature import signature_parts, signature_text, wanted_checkpoints
from evalharness.errors import ConfigError, HarnessError
from evalharness.hf import hub
from evalharness.protocols import Costly, Need
from evalharness.runner.plan import weights_of
from evalharness.runner.provenance import provenance
from evalharness.store import samples
from evalharness.store.runs import Run
from evalharness.trust.findings import Findings

CALIBRATED = "|calibration:"


@dataclass
class Components:
    """What made a run, as far as it can be had: by label, and only where it is the same today.

    metrics: with the signature that the run tells.
    needs: what of an article each looks at, and `model_needs` the model, also of those that cannot
        be had.
    """

    metrics: dict[str, Any] = field(default_factory=dict)
    needs: dict[str, frozenset[Need]] = field(default_factory=dict)
    calibrations: dict[str, Calibration] = field(default_factory=dict)
    model: Any = None
    model_kind: str = ""
    model_needs: frozenset[Need] | None = None

    def scorable(self) -> dict[str, Any]:
        """Return the metrics that can score again as things are."""
        return {k: metric for k, metric in self.metrics.items() if not not_again(metric)}


def run_components(run: Run, findings: Findings) -> Components:
    """Return what made a run. What is not to be had, or is another version now, is noted."""
    path = run.folder / samples.CONFIG
    if not path.is_file():
        return Components()  # named already, or never told
    try:
        run_config = read_run_config(path)
    except ConfigError as error:
        findings.differs(path, 0, "", str(error).removeprefix(f"{path}: "))
        return Components()
    for field_name, here, there in _told_twice(run_config, run):
        if here != there:
            findings.differs(path, 0, field_name, f"{here!r} here, {there!r} in {samples.RUN_FILE}")
    built = Components()
    _scorers(run_config, run, built, findings)
    _model(run_config, run, built, findings)
    for label, metric in built.metrics.items():
        if why := not_again(metric):
            findings.note(f"{path}: {label}: not scored again: {why}")
    return built


def not_again(metric: Any) -> str:
    """Say why a metric is not asked again; empty where it is.

    A folder of results may be anybody's: it makes us run no code, fetch nothing, and pay nothing.
    """
    if isinstance(metric, Costly):
        return "asking it is costly"
    if getattr(metric, "remote_code", False):
        return "it runs code that comes with a checkpoint"
    absent = [each.name for each in wanted_checkpoints(metric) if not _is_here(each)]
    return f"{', '.join(absent)} is not on this machine" if absent else ""


@cache
def _is_here(wanted: hub.Wanted) -> bool:
    return weights_of(wanted).where in ("folder", "cache")


def _told_twice(run_config: RunConfig, run: Run) -> Iterator[tuple[str, Any, Any]]:
    """Yield what both the config and `run.json` say: a name, and what each says."""
    model = run_config.model
    yield "name", run_config.name, run.experiment
    yield "model.label", model.label if model else "", run.name
    yield "seed", run_config.seed, run.seed
    yield "interval", dataclasses.asdict(run_config.interval), dataclasses.asdict(run.interval)
    labels = [scorer.shown_name for _, _, scorer in run_config.scorers()]
    yield "metrics and checks", labels, list(run.figures)


def _scorers(run_config: RunConfig, run: Run, built: Components, findings: Findings) -> None:
    place = run_config.document.place(())
    for kind, key, component in run_config.scorers():
        label = component.shown_name
        told = run.signatures.metrics.get(label, "")
        if (needs := _needs(kind, component.name)) is not None:
            built.needs[label] = needs
        try:
            metric = build_component(kind, key, component, run_config.document)
            now = signature_text(signature_parts(component.name, metric))
        except HarnessError as error:
            findings.note(f"{place}: {label}: not scored again: {error}")
            continue
        then, _, calibration = told.partition(CALIBRATED)
        if now != then:
            findings.note(f"{place}: {label}: not scored again: was {then}, is {now}")
            continue
        built.metrics[label] = metric
        if not component.calibration:
            continue
        try:
            named = cells.read_calibration(run_config, key, component, metric)
        except HarnessError as error:
            findings.note(f"{place}: {label}: probabilities and bands not checked: {error}")
            continue
        if named.quote() == calibration:
            built.calibrations[label] = named.calibration
        else:
            findings.note(
                f"{place}: {label}: probabilities and bands not checked: the calibration was "
                f"{calibration}, is {named.quote()}"
            )


def _model(run_config: RunConfig, run: Run, built: Components, findings: Findings) -> None:
    place, told = run_config.document.place(()), run.signatures.model
    for key, component in run_config.summarizers():
        built.model_needs = _needs("models", component.name)
        try:
            model = build_component("models", key, component, run_config.document)
            now = signature_text(signature_parts(component.name, model))
        except HarnessError as error:
            findings.note(f"{place}: the model is not checked: {error}")
            return
        if now != told:
            findings.note(f"{place}: the model was {told}, is {now}")
            return
        built.model, built.model_kind = model, component.name


def note_environment(run: Run, path: Path, findings: Findings) -> list[str]:
    """Note what a run was made with that is another version here, and return it."""
    now = provenance()
    changed: dict[str, None] = {}  # each once, in order
    for then in (run.provenance, *(run.provenance.get("also") or ())):
        for name, was, there in _versions(then, now):
            if was != there:
                changed[f"{name} {was or 'none'} then, {there or 'none'} now"] = None
    if run.provenance.get("unrecorded"):
        changed["versions that nobody recorded then (an older store)"] = None
    if changed:
        findings.note(f"{path}: made with other versions: {'; '.join(changed)}")
    return list(changed)


def _versions(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in ("evalharness", "git", "python"):
        yield name, then.get(name), now.get(name)
    packages = then.get("packages") or {}
    for name in dict.fromkeys([*packages, *now["packages"]]):
        yield name, packages.get(name), now["packages"].get(name)
    hardware = then.get("hardware") or {}
    for name in ("system", "processor", "gpus"):
        yield name, hardware.get(name) or None, now["hardware"].get(name) or None


def _needs(kind: registry.Kind, name: str) -> frozenset[Need] | None:
    """Return what of an article a component looks at; None where there is no such any more."""
    try:
        return frozenset(registry.load_class(kind, name).needs)
    except (HarnessError, AttributeError, TypeError):
        return None


def neural(component: Any) -> bool:
    """Tell whether a component reads a checkpoint: its numbers depend a little on the batch."""
    return bool(dataclasses.is_dataclass(component) and wanted_checkpoints(component))
