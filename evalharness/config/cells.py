"""The runs that a config asks for: components built and checked, before any work begins."""

import dataclasses
import json
import os
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from evalharness.config import build, registry, yaml
from evalharness.config.registry import Kind
from evalharness.config.run_config import Component, RunConfig, Scorer
from evalharness.config.signature import signature_parts, signature_text
from evalharness.config.yaml import Key
from evalharness.errors import ConfigError
from evalharness.protocols import (
    Executor,
    Identified,
    Loader,
    Metric,
    PairJudge,
    Summarizer,
    Tracker,
    Url,
    is_checkpoint,
)
from evalharness.records import digest

if TYPE_CHECKING:
    from evalharness.config.calibration import Calibration

# In bytes; file systems stop at 255, and names of files come to it.
_LONGEST_NAME = 120
# Ours beside the experiments, and what Windows keeps for devices.
_RESERVED = {"store", "trackers", "con", "prn", "aux", "nul"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)
}


@dataclass(frozen=True)
class Cell:
    """One run to be: its components, built and checked, and the run config that they are from.

    settings: what the sweep set in it, by dotted key; `case` is the name of its case.
    """

    experiment: str
    name: str
    run_config: RunConfig
    loader: Loader
    model: Summarizer
    model_kind: str
    metrics: Mapping[str, Metric]
    metric_kinds: Mapping[str, str]
    calibrations: Mapping[str, "NamedCalibration"] = field(
        default_factory=dict[str, "NamedCalibration"]
    )
    settings: Mapping[str, Any] = field(default_factory=dict)
    trackers: Mapping[str, Tracker] = field(default_factory=dict)

    def folder(self, results: Path) -> Path:
        """Return the folder of its run, in the folder of all results."""
        return results / self.experiment / self.name

    def config(self, folder: Path | None) -> str:
        """Return the YAML that makes this cell again, with every option, to stand in `folder`.

        Paths are as seen from there; of None, absolute.
        """
        scorers = {"metrics": self.run_config.metrics, "checks": self.run_config.checks}
        tree = {
            "name": self.experiment,
            "data": _component_as_yaml(self.run_config.data.name, "", self.loader, folder),
            "model": _component_as_yaml(self.model_kind, self.name, self.model, folder),
            **{
                place: [
                    _component_as_yaml(c.name, c.label, self.metrics[c.shown_name], folder)
                    | self._calibration_entry(c.shown_name, folder)
                    for c in components
                ]
                for place, components in scorers.items()
            },
            "seed": self.run_config.seed,
            "limit": self.run_config.limit,
            "interval": dataclasses.asdict(self.run_config.interval),
            "samples": self.run_config.samples,
        }
        return yaml.dump({key: value for key, value in tree.items() if value is not None})

    def changes_since(self, earlier: str, folder: Path | None) -> list[str]:
        """Return which settings differ from an earlier config of this cell, as `limit: 10 → all`.

        earlier: the YAML in `folder`. What can change no result is left out, and so are scorers
        that are new: no earlier figure is lost by them. Raises: ConfigError for what is no YAML.
        """
        then, now = map(_settings_by_key, (earlier, self.config(folder)))
        ignored = {"samples", *(label for label in self.metrics if label not in then)}
        for key, component in {"data": self.loader, "model": self.model, **self.metrics}.items():
            ignored.update(_keys_without_effect(component, key, then))
        keys = _keys_that_differ(then, now, ignored)
        return [f"{key}: {_value_text(key, then)} → {_value_text(key, now)}" for key in keys]

    @property
    def weights(self) -> tuple[Any, ...]:
        """What names the weights that the model loads; empty if it loads none that we know of.

        Decoding, prompts and limits are no part of it.
        """
        if not isinstance(getattr(self.model, "model", None), str):
            return ()
        from evalharness.hf.weights import Request

        own = [f.name for f in dataclasses.fields(Request) if f.name != "adapter"]  # share a base
        names = ["model", *own]
        return (self.model_kind, *(getattr(self.model, name, None) for name in names))

    @property
    def data_identity(self) -> dict[str, Any]:
        """The commit of data that has one; of any data the fingerprint says what was read."""
        return dict(self.loader.identity()) if isinstance(self.loader, Identified) else {}

    def has_articles_of(self, other: "Cell") -> bool:
        """Tell whether another cell reads the same articles."""
        same_limit = self.run_config.limit == other.run_config.limit
        return same_limit and bool(self.loader == other.loader)

    def has_summaries_of(self, other: "Cell") -> bool:
        """Tell whether another has the same model and articles, and differs in what scores them."""
        same_model = self.model_kind == other.model_kind and bool(self.model == other.model)
        return same_model and self.has_articles_of(other)

    def _calibration_entry(self, label: str, folder: Path | None) -> dict[str, Any]:
        named = self.calibrations.get(label)
        return {} if named is None else {"calibration": _relative(named.path, folder)}


def by_weights(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Return the cells in groups that use the same weights, else in order."""
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.weights, []).append(cell)
    return list(groups.values())


def by_articles(cells: Iterable[Cell]) -> list[list[Cell]]:
    """Return the cells in groups that read the same articles."""
    groups: list[list[Cell]] = []
    for cell in cells:
        group = next((group for group in groups if cell.has_articles_of(group[0])), None)
        if group is None:
            groups.append([cell])
        else:
            group.append(cell)
    return groups


@dataclass(frozen=True)
class NamedCalibration:
    """A calibration that a config names, and where it is from."""

    path: Path
    calibration: "Calibration"

    def quote(self) -> str:
        """Return the file's name and a hash of its content, to stand in a signature."""
        return f"{self.path.name}:{digest(self.calibration.json())[:16]}"


def prepare(run_config: RunConfig) -> list[Cell]:
    """Build every component of every cell, so that a mistake ends the run before any work.

    Each model has a cell for every combination of the sweep that makes a difference to it: numbers
    of beams make none to `lead`. Models come in the config's order, and so do a model's cells.
    Raises: ConfigError with the place of what is wrong.
    """
    kept: dict[tuple[int, tuple[str, ...]], _Planned] = {}
    for planned in sorted(_plan_cells(run_config), key=lambda planned: planned.model_number):
        kept.setdefault((planned.model_number, planned.identity), planned)
    bases: dict[int, str] = {}
    names: list[str] = []
    for planned in kept.values():
        base = planned.cell.name
        if not planned.own_name_varies:
            taken = list(bases.values())
            base = bases.setdefault(planned.model_number, _unused_name(base, taken))
        names.append(_unused_name(_folder_name(",".join((base, *planned.shown))), names))
    return [
        dataclasses.replace(planned.cell, name=name)
        for planned, name in zip(kept.values(), names, strict=True)
    ]


def scorers_of(
    run_config: RunConfig,
) -> tuple[dict[str, tuple[str, Metric]], dict[str, NamedCalibration]]:
    """Return each scorer by label, after its kind; and the calibrations. No model is built."""
    metrics = _build_by_label(run_config, run_config.scorers())
    return metrics, _calibrations(run_config, metrics)


def folders_at_stake(run_config: RunConfig, results: Path) -> list[Path]:
    """Return the folders there that a config's runs may have, before its components are built.

    Of a sweep, all of the experiment's: what it varies is in the names.
    """
    named = {_folder_name(_name_in_exclude(model)) for _, model in run_config.summarizers()}
    return [
        folder
        for folder in folders_of_experiment(run_config.name, results)
        if run_config.axes.axes or named & {folder.name, re.sub(r"-[0-9]+$", "", folder.name)}
    ]


def folders_of_experiment(name: str, results: Path) -> list[Path]:
    """Return the folders of an experiment's runs, finished or not, by what a config calls it."""
    return sorted(experiment_folder(name, results).glob("*/"))


def experiment_folder(name: str, results: Path) -> Path:
    """Return the folder of an experiment, by what a config calls it, if there is one."""
    return results / _folder_name(name)


@dataclass(frozen=True)
class _Planned:
    """A cell of one combination and model, before those are left out that are the same.

    identity: names of the settings that reach the model. shown: those of them that its name lacks.
    """

    model_number: int
    identity: tuple[str, ...]
    shown: tuple[str, ...]
    own_name_varies: bool
    cell: Cell


def _plan_cells(run_config: RunConfig) -> Iterator[_Planned]:
    """Yield what each combination makes of each model, but for what `exclude` leaves out.

    What is left out is not built: it may be what cannot be.
    """
    used: set[Key] = set()
    n = 0
    for variant in run_config.variants():
        models = []
        for number, (key, model) in enumerate(variant.summarizers()):
            rules = variant.axes.excluding_rules(variant.combination, _name_in_exclude(model))
            used |= {rule.place for rule in rules}
            models += [] if rules else [(number, key, model)]
        n += len(models)
        yield from _of_variant(variant, models)
    for rule in run_config.axes.rules:
        if rule.place not in used:
            raise run_config.document.error(rule.place, "leaves out nothing")
    if not n:
        raise run_config.document.error(("sweep", "exclude"), "leaves out every run")


def _of_variant(
    variant: RunConfig, models: Sequence[tuple[int, Key, Component]]
) -> Iterator[_Planned]:
    if not models:
        return
    loader = build.build_component("loaders", ("data",), variant.data, variant.document)
    built = [(number, model, _model(variant, key, model)) for number, key, model in models]
    build.check_generation(variant)
    metrics = _build_by_label(variant, variant.scorers())
    calibrations = _calibrations(variant, metrics)
    trackers = _build_by_label(
        variant, (("trackers", ("trackers", n), c) for n, c in enumerate(variant.trackers))
    )
    swept = {setting.key for choice in variant.combination for setting in choice.settings}
    if any(key[0] == "executor" for key in swept):
        message = "changes no result, so that there is nothing to sweep"
        raise variant.document.error(("executor",), message)
    for number, model, component in built:
        reached = _make_reach_test(number, model)
        renames = {key for key in swept if _names_the_model(key) and not model.label}
        yield _Planned(
            model_number=number,
            identity=variant.axes.names(variant.combination, reached),
            shown=variant.axes.names(variant.combination, _other_than(renames, reached)),
            own_name_varies=bool(renames),
            cell=Cell(
                experiment=_folder_name(variant.name),
                name=_folder_name(model.label or _own_name(model.name, component)),
                run_config=variant,
                loader=loader,
                model=component,
                model_kind=model.name,
                metrics={label: metric for label, (_, metric) in metrics.items()},
                metric_kinds={label: kind for label, (kind, _) in metrics.items()},
                calibrations=calibrations,
                settings=_settings(variant, reached),
                trackers={label: tracker for label, (_, tracker) in trackers.items()},
            ),
        )


def _name_in_exclude(model: Component) -> str:
    """Return what `exclude` calls a model: its label, its checkpoint's last name, or its kind."""
    checkpoint = model.options.get("model")
    return model.label or (Path(checkpoint).name if isinstance(checkpoint, str) else model.name)


def _make_reach_test(number: int, model: Component) -> Callable[[Key], bool]:
    """Return what tells whether a key of a sweep makes a difference to a model's cells."""
    fields = build.options_model(registry.load_class("models", model.name)).model_fields

    def reaches(key: Key) -> bool:
        if key[0] == "models":
            return key[1] == number
        if key[0] != "generation" or len(key) == 1:
            return key[0] != "generation" or build.GENERATES in fields
        return build.GENERATES in fields and key[1] not in model.options

    return reaches


def _other_than(keys: Collection[Key], reaches: Callable[[Key], bool]) -> Callable[[Key], bool]:
    return lambda key: key not in keys and reaches(key)


def _names_the_model(key: Key) -> bool:
    """Tell whether a key sets what a model without a label is called by."""
    return key == ("model",) or (key[0] in ("model", "models") and key[-1] in ("model", "name"))


def _settings(variant: RunConfig, reaches: Callable[[Key], bool]) -> Mapping[str, Any]:
    """Return what the sweep sets in a cell, by dotted key, and the name of its case."""
    chosen = variant.combination
    named = variant.axes.names(chosen, reaches)
    cases = [("case", choice.case) for choice in chosen if choice.case and choice.case in named]
    settings = [(s.written, s.value) for c in chosen for s in c.settings if reaches(s.key)]
    return dict(cases + settings)


def _model(run_config: RunConfig, key: Key, model: Component) -> Summarizer:
    whole = build.with_generation(run_config, key, model)
    built: Summarizer = build.build_component("models", key, whole, run_config.document)
    return built


def _build_by_label(
    run_config: RunConfig, named: Iterable[tuple[Kind, Key, Component]]
) -> dict[str, tuple[str, Any]]:
    """Return component name and component by label. Raises: ConfigError for a label of two."""
    built: dict[str, tuple[str, Any]] = {}
    for kind, key, component in named:
        label = component.shown_name
        if label in built:
            message = f"{label!r} stands twice; give one of them a label"
            raise run_config.document.error(key, message)
        made = build.build_component(kind, key, component, run_config.document)
        if isinstance(made, PairJudge) and made.compares:
            message = "compares systems, and scores no summary alone: name it under `judges`"
            raise run_config.document.error(key, message)
        built[label] = (component.name, made)
    return built


def _calibrations(
    run_config: RunConfig, metrics: Mapping[str, tuple[str, Metric]]
) -> dict[str, NamedCalibration]:
    """Return the calibrations by label. Raises: ConfigError for one of another check's scores."""
    return {
        scorer.shown_name: read_calibration(run_config, key, scorer, metrics[scorer.shown_name][1])
        for _, key, scorer in run_config.scorers()
        if scorer.calibration
    }


def read_calibration(
    run_config: RunConfig, key: Key, component: Scorer, metric: Metric
) -> NamedCalibration:
    """Return the calibration that a scorer names. Raises: ConfigError for another check's."""
    from evalharness.config.calibration import load_calibration

    place = (*key, "calibration")
    document = run_config.document
    folder = document.place(place).folder
    path = Path(build.existing_path(component.calibration, folder, place, document))
    try:
        calibration = load_calibration(path)
    except ConfigError as error:
        raise document.error(place, str(error)) from error
    _, _, part = calibration.check.partition(".")
    own = signature_text(signature_parts(component.name, metric))
    own += f"|part:{part}" if part else ""
    if calibration.signature != own:
        message = f"is of scores by {calibration.signature}, not {own}; run calibrate again"
        raise document.error(place, message)
    return NamedCalibration(path, calibration)


def executor_of(run_config: RunConfig, cells: Sequence[Cell] = ()) -> Executor:
    """Return where cells of an experiment are computed.

    Raises: ConfigError, also for a model or metric that cannot work there.
    """
    named = run_config.executor
    built: Executor = build.build_component("executors", ("executor",), named, run_config.document)
    for cell in cells:
        for called, component in ((cell.name, cell.model), *cell.metrics.items()):
            if why := built.refuses(component):
                raise run_config.document.error(("executor",), f"{named.name}: {called}: {why}")
    return built


def _own_name(kind: str, model: Any) -> str:
    """Name a model that the config gives no label: by its checkpoint, or by its kind."""
    checkpoint = getattr(model, "model", None)
    return Path(checkpoint).name if isinstance(checkpoint, str) else kind


def _folder_name(name: str) -> str:
    """Return a name that is a folder's on every system and leads nowhere else.

    >>> _folder_name("../a b:c"), _folder_name("数据"), _folder_name("CON")
    ('a-b-c', '数据', 'CON-')
    """
    safe = re.sub(r"[^\w.=,+-]+", "-", unicodedata.normalize("NFC", name)).strip(".-")
    if len(safe.encode()) > _LONGEST_NAME:  # what is cut may be what tells it from others
        safe = f"{safe.encode()[:_LONGEST_NAME].decode(errors='ignore')}-{digest(name)[:8]}"
    if not safe:
        return f"unnamed-{digest(name)[:8]}"
    return f"{safe}-" if safe.partition(".")[0].lower() in _RESERVED else safe


def _unused_name(name: str, taken: Sequence[str]) -> str:
    lowered = {other.lower() for other in taken}
    n = 2
    unused = name
    while unused.lower() in lowered:
        unused, n = f"{name}-{n}", n + 1
    return unused


def _component_as_yaml(
    kind: str, label: str, component: Any, folder: Path | None
) -> dict[str, Any]:
    options = {
        field.name: _plain(getattr(component, field.name), folder)
        for field in dataclasses.fields(component)
        if getattr(component, field.name) is not None
    }
    checkpoint = getattr(component, "model", None)
    if isinstance(checkpoint, str) and Path(checkpoint).is_absolute():
        options["model"] = _relative(Path(checkpoint), folder)
    return {"name": kind} | ({"label": label} if label else {}) | options


def _settings_by_key(config: str) -> dict[str, Any]:
    """Return what the YAML of one cell sets, by dotted key: scorers by label, after their kind.

    >>> _settings_by_key("{model: {name: lead, sentences: 3}, checks: [{name: lexical}]}")
    {'model': 'lead', 'model.sentences': 3, 'lexical': 'lexical'}
    """
    settings: dict[str, Any] = {}
    for key, value in yaml.parse_yaml(config, "config.yaml", Path()).tree.items():
        if key not in ("metrics", "checks"):
            settings |= _by_dotted_key(key, value)
            continue
        for entry in filter(lambda each: isinstance(each, Mapping), value or ()):
            settings |= _by_dotted_key(entry.get("label") or entry.get("name"), entry)
    return settings


def _by_dotted_key(key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {key: value}
    settings: dict[str, Any] = {}
    for inner, each in value.items():
        settings |= _by_dotted_key(key if inner == "name" else f"{key}.{inner}", each)
    return settings


def _keys_that_differ(
    then: Mapping[str, Any], now: Mapping[str, Any], ignored: Collection[str]
) -> list[str]:
    """Return which settings differ; of a component that is another one, its own key alone."""
    different: list[str] = []
    for key in dict.fromkeys([*then, *now]):  # a component stands before its options
        is_said = any(f"{key}.".startswith(f"{each}.") for each in (*different, *ignored))
        if then.get(key) != now.get(key) and not is_said:
            different.append(key)
    return different


def _keys_without_effect(component: Any, key: str, known: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of options that change no result, and of defaults that `known` lacks.

    An older version, which did not have the option, did what is the default now.
    """
    for option in dataclasses.fields(component):
        place, value = f"{key}.{option.name}", getattr(component, option.name)
        if not option.compare or (place not in known and value == option.default):
            yield place
        elif dataclasses.is_dataclass(value):
            yield from _keys_without_effect(value, place, known)


def _value_text(key: str, settings: Mapping[str, Any]) -> str:
    value = settings.get(key, "all" if key == "limit" else "none")
    return yaml.clip_text(value if isinstance(value, str) else json.dumps(value, default=str))


def _plain(value: Any, folder: Path | None) -> Any:
    if isinstance(value, Path):
        return _relative(value, folder)
    if isinstance(value, Url):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        inner = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        hints = get_type_hints(type(value), include_extras=True)
        for name in filter(lambda name: is_checkpoint(hints[name]), inner):
            if isinstance(inner[name], str) and Path(inner[name]).is_absolute():
                inner[name] = Path(inner[name])
        return {key: _plain(v, folder) for key, v in inner.items() if v is not None}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, folder) for key, inner in value.items()}
    return [_plain(v, folder) for v in value] if isinstance(value, tuple | list) else value


def _relative(path: Path, folder: Path | None) -> str:
    """Return a path as seen from `folder`, so that a results tree can move with its data."""
    if folder is None:
        return str(path.absolute())
    try:
        relative = os.path.relpath(path, folder.absolute())
    except ValueError:  # another drive
        return str(path)
    return relative if relative.startswith(".") else f"./{relative}"
