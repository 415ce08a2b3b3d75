"""The checks that a command line names, with the options that a config and `--set` give them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalharness.config import registry, yaml
from evalharness.config.build import build_component
from evalharness.config.run_config import Component, read_run_config
from evalharness.config.yaml import Document, Key, Location, nearest
from evalharness.errors import ConfigError
from evalharness.protocols import Metric

_Chosen = tuple[registry.Kind, Key, Component, Document]


def named_scorers(
    names: Sequence[str] = (),
    config: str | Path | Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
) -> dict[str, Metric]:
    """Return, by label, the components that a config or a setting gives options to.

    names: labels or names, also with a part (`nli.min`); empty for all that the config has. Those
        that neither config nor setting speaks of are left out: they have no options.
    config: whose metrics and checks are to be found by their labels.
    settings: `LABEL.OPTION=VALUE`, over the config's.
    Raises: ConfigError, UnknownComponent.
    """
    options = _by_label(settings)
    named = dict(_of_config(config)) if config is not None else {}
    wanted = [name if name in named else name.partition(".")[0] for name in names] or list(named)
    for label in options:
        if label not in wanted and (names or config is not None):
            raise ConfigError(f"--set {label}.…: no such check{nearest(label, wanted)}")
        named.setdefault(label, _bare(label))
    wanted += [label for label in options if label not in wanted]
    return {
        label: _build_scorer(named[label], options.get(label, {}))
        for label in dict.fromkeys(wanted)
        if label in named
    }


def _by_label(settings: Sequence[str]) -> dict[str, dict[str, tuple[Any, Location]]]:
    found: dict[str, dict[str, tuple[Any, Location]]] = {}
    for setting in settings:
        path, equals, value = setting.partition("=")
        label, dot, option = path.strip().rpartition(".")
        place = Location(f"--set {setting}", Path.cwd())
        if not (equals and dot and label and option):
            raise ConfigError(f"{place}: should be CHECK.OPTION=VALUE: nli.model=some/folder")
        parsed = yaml.parse_value(value, str(place))
        found.setdefault(label, {})[option] = (parsed, place)
    return found


def _of_config(config: str | Path | Mapping[str, Any]) -> Iterator[tuple[str, _Chosen]]:
    experiment = read_run_config(config)
    for key, component in experiment.scorers():
        kind: registry.Kind = "metrics" if key[0] == "metrics" else "checks"
        label = component.label or component.name
        yield label, (kind, key, component, experiment.document)


def _bare(name: str) -> _Chosen:
    kind: registry.Kind = "checks"
    if name not in registry.known_components(kind) and name in registry.known_components("metrics"):
        kind = "metrics"
    sheet = Document({kind: [{"name": name}]}, {(): Location("--set", Path.cwd())})
    return kind, (kind, 0), Component(name=name), sheet


def _build_scorer(chosen: _Chosen, options: Mapping[str, tuple[Any, Location]]) -> Metric:
    kind, key, component, sheet = chosen
    given = dict(component.options)
    for option, (value, place) in options.items():
        try:
            sheet.put((*key, option), value, place)
        except KeyError:  # a check that the config has by default
            sheet = Document({kind: [component.name]}, {(): place})
            key = (kind, 0)
            sheet.put((*key, option), value, place)
        given[option] = value
    whole = Component.model_validate({"name": component.name, "label": component.label, **given})
    built: Metric = build_component(kind, key, whole, sheet)
    return built
