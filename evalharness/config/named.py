"""From a name to a check or metric, with the options that a config and `--set` give it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalharness.config import yaml
from evalharness.config.build import build_component
from evalharness.config.registry import Kind, load_class, scorer_kind
from evalharness.config.run_config import Component, read_run_config
from evalharness.config.yaml import Document, Key, Location, nearest
from evalharness.errors import ConfigError, UnknownComponent
from evalharness.protocols import Metric


@dataclass(frozen=True)
class _Named:
    """A check or metric, and where a document names it."""

    kind: Kind
    key: Key
    component: Component
    document: Document

    @classmethod
    def bare(cls, kind: Kind, name: str, source: str) -> "_Named":
        """Return one without options; errors point at `source`, such as `--check`."""
        document = Document({kind: [{"name": name}]}, {(): Location(source, Path.cwd())})
        return cls(kind, (kind, 0), Component(name=name), document)

    def build(self, options: Mapping[str, tuple[Any, Location]] | None = None) -> Metric:
        """Return the component; options, with the places that set them, lie over its own."""
        document, key, given = self.document, self.key, dict(self.component.options)
        for option, (value, place) in (options or {}).items():
            try:
                document.put((*key, option), value, place)
            except KeyError:  # a check that the config has by default
                document = Document({self.kind: [self.component.name]}, {(): place})
                key = (self.kind, 0)
                document.put((*key, option), value, place)
            given[option] = value
        name, label = self.component.name, self.component.label
        whole = Component.model_validate({"name": name, "label": label, **given})
        built: Metric = build_component(self.kind, key, whole, document)
        return built


def named_check(name: str, source: str = "--check") -> Metric:
    """Return the check of a name, without options.

    source: what named it, for errors. Raises: ConfigError, UnknownComponent.
    """
    return _Named.bare("checks", name, source).build()


def named_scorer(name: str, source: str = "--checks") -> Metric:
    """Return the check of a name, or the metric if it needs no references, without options.

    source: what named it, for errors. Raises: ConfigError, UnknownComponent.
    """
    kind = scorer_kind(name)
    if kind == "metrics" and "references" in load_class(kind, name).needs:
        raise UnknownComponent(f"{source}: the metric {name!r} needs references, not labels")
    return _Named.bare(kind, name, source).build()


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
    options = _options_by_label(settings)
    named = dict(_scorers_of_config(config)) if config is not None else {}
    wanted = [name if name in named else name.partition(".")[0] for name in names] or list(named)
    for label in options:
        if label not in wanted and (names or config is not None):
            raise ConfigError(f"--set {label}.…: no such check{nearest(label, wanted)}")
        named.setdefault(label, _Named.bare(scorer_kind(label), label, "--set"))
    wanted += [label for label in options if label not in wanted]
    return {
        label: named[label].build(options.get(label))
        for label in dict.fromkeys(wanted)
        if label in named
    }


def _options_by_label(settings: Sequence[str]) -> dict[str, dict[str, tuple[Any, Location]]]:
    options: dict[str, dict[str, tuple[Any, Location]]] = {}
    for setting in settings:
        path, equals, value = setting.partition("=")
        label, dot, option = path.strip().rpartition(".")
        place = Location(f"--set {setting}", Path.cwd())
        if not (equals and dot and label and option):
            raise ConfigError(f"{place}: should be CHECK.OPTION=VALUE: nli.model=some/folder")
        options.setdefault(label, {})[option] = (yaml.parse_value(value, str(place)), place)
    return options


def _scorers_of_config(config: str | Path | Mapping[str, Any]) -> Iterator[tuple[str, _Named]]:
    run_config = read_run_config(config)
    for kind, key, component in run_config.scorers():
        yield component.shown_name, _Named(kind, key, component, run_config.document)
