"""From the options that a run config, or a name with `--set`, gives to a component: built."""

import dataclasses
import os
import typing
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from evalharness.config import yaml
from evalharness.config.registry import (
    BUILT_IN,
    Kind,
    check_installed,
    load_class,
    scorer_kind,
    scorer_of_part,
    whole_name,
)
from evalharness.config.run_config import (
    ComparingJudge,
    Component,
    NamedJudge,
    RunConfig,
    read_run_config,
)
from evalharness.config.yaml import Document, Key, Location
from evalharness.errors import ConfigError, UnknownComponent
from evalharness.files.credentials import without_credentials
from evalharness.hf.gguf import is_gguf
from evalharness.protocols import Metric, PairJudge, Url, is_checkpoint, is_url
from evalharness.records import canonical

# A model with this option generates, and takes the run config's `generation` block.
GENERATES = "max_new_tokens"


def options_model(component: type[Any]) -> type[BaseModel]:
    """Return the pydantic model of a component's options, made from its dataclass fields."""
    hints = get_type_hints(component, include_extras=True)
    members: dict[str, Any] = {}
    for field in dataclasses.fields(component):
        _forbid_extra(hints[field.name])
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        members[field.name] = (
            hints[field.name],
            ... if default is dataclasses.MISSING else default,
        )
    # `protected_namespaces`: a field may be called `model`, and so on.
    shape = ConfigDict(strict=True, extra="forbid", protected_namespaces=())
    return create_model(component.__name__, __config__=shape, **members)


def _forbid_extra(hint: Any) -> None:
    for inner in yaml.types_within(hint):
        if dataclasses.is_dataclass(inner) and not hasattr(inner, "__pydantic_config__"):
            inner.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[union-attr]


def _class_of_component(
    kind: Kind, key: Key, component: Component, document: Document
) -> type[Any]:
    """Return the class that a config names. Raises: ConfigError with the place of the name."""
    try:
        return load_class(kind, component.name)
    except ConfigError as error:
        place = document.place((*key, "name"))
        raise type(error)(f"{place}: {yaml.dotted_key(key)}: {error}") from error


def build_component(kind: Kind, key: Key, component: Component, document: Document) -> Any:
    """Return the component that a config names, its options checked.

    Raises: ConfigError with the place of what is wrong; MissingExtra where packages are.
    """
    cls = _class_of_component(kind, key, component, document)
    check_installed(kind, component.name)
    shape = options_model(cls)
    given = _resolved_paths(cls, component.options, key, document)
    try:
        checked = shape.model_validate_json(canonical(given))
    except ValidationError as error:
        raise yaml.explain(error, document, key, shape) from None
    values = {field: getattr(checked, field) for field in shape.model_fields}
    try:
        return cls(**values)
    except ValueError as error:
        field, colon, rest = str(error).partition(": ")
        if colon and field in values:
            raise document.error((*key, field), rest) from None
        raise document.error(key, str(error)) from None


def _resolved_paths(
    cls: type[Any], given: Mapping[str, Any], key: Key, document: Document
) -> dict[str, Any]:
    hints = get_type_hints(cls, include_extras=True)
    resolved = dict(given)
    for name, value in given.items():
        folder = document.place((*key, name)).folder
        if is_checkpoint(hints.get(name)) and isinstance(value, str):
            resolved[name] = _checkpoint(value, folder, (*key, name), document)
        elif _holds(Path, hints.get(name)):
            values = value if isinstance(value, list) else [value]
            remote = _holds(Url, hints.get(name))
            paths = [
                v
                if remote and isinstance(v, str) and is_url(v)
                else existing_path(v, folder, (*key, name), document)
                for v in values
            ]
            resolved[name] = paths if isinstance(value, list) else paths[0]
        elif isinstance(value, list):
            places = [(*key, name, n) for n in range(len(value))]
            resolved[name] = [
                _resolved_member(hints.get(name), member, place, document)
                for member, place in zip(value, places, strict=True)
            ]
    return resolved


def _resolved_member(hint: Any, given: Any, key: Key, document: Document) -> Any:
    """Return one of a list of components with its paths resolved, where it can be one of them."""
    if not isinstance(given, Mapping):
        return given
    for cls in yaml.types_within(hint):
        known = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
        needed = {f.name for f in known if not _has_default(f)}
        if known and needed <= given.keys() <= {f.name for f in known}:
            return _resolved_paths(cls, given, key, document)
    return given


def _has_default(field: "dataclasses.Field[Any]") -> bool:
    return (field.default, field.default_factory) != (dataclasses.MISSING, dataclasses.MISSING)


def _holds(kind: type[Any], hint: Any) -> bool:
    if get_origin(hint) in (tuple, UnionType, typing.Union, Annotated):
        return any(_holds(kind, inner) for inner in get_args(hint))
    return hint is kind


def existing_path(value: Any, folder: Path, key: Key, document: Document) -> Any:
    """Return a path as seen from a folder, made absolute; what is no text comes back as it is.

    Raises: ConfigError with the place of a path that leads to nothing.
    """
    if not isinstance(value, str):
        return value
    pattern = any(character in value for character in "*?[")
    try:
        path = folder / Path(value).expanduser()
        missing = not pattern and not path.exists()
    except (OSError, RuntimeError) as error:  # too long a name, no such user
        raise document.error(key, f"no path {value[:60]!r}: {_why(error)}") from None
    if missing:
        raise document.error(key, f"no file or folder {value!r}{_looked_in(folder)}")
    return os.path.abspath(path)  # noqa: PTH100  which folds `..`, and follows no link


def _checkpoint(value: str, folder: Path, key: Key, document: Document) -> str:
    try:
        path = folder / Path(value).expanduser()
        is_here = value != "" and (path.is_dir() or (is_gguf(value) and path.is_file()))
    except (OSError, RuntimeError) as error:
        raise document.error(key, f"no folder {value[:60]!r}: {_why(error)}") from None
    if is_here:
        return os.path.abspath(path)  # noqa: PTH100  which folds `..`, and follows no link
    if is_gguf(value):
        raise document.error(key, f"no file {value!r}{_looked_in(folder)}")
    if value.startswith((".", "~", "/")):
        raise document.error(key, f"no folder {value!r}{_looked_in(folder)}")
    return value


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _looked_in(folder: Path) -> str:
    return f"; relative paths start at {folder}" if str(folder) not in ("", ".") else ""


def check_generation(run_config: RunConfig) -> None:
    """Check the keys of the `generation` block, also where no model of the config generates.

    Raises: ConfigError for one that is an option of no model that generates.
    """
    if not run_config.generation:
        return
    generating = set(_generation_options())
    named = (
        options_model(load_class("models", model.name)).model_fields
        for _, model in run_config.summarizers()
    )
    generating |= set().union(*(shape for shape in named if GENERATES in shape))
    for name in run_config.generation.keys() - generating:
        message = f"unknown key{yaml.nearest(name, sorted(generating))}"
        raise run_config.document.error(("generation", name), message)


@cache
def _generation_options() -> frozenset[str]:
    """Return the options of all models of our own that generate."""
    shapes = [options_model(load_class("models", name)).model_fields for name in BUILT_IN["models"]]
    return frozenset().union(*(shape for shape in shapes if GENERATES in shape))


def with_generation(run_config: RunConfig, key: Key, model: Component) -> Component:
    """Return a model with the run config's `generation` block and seed below its own options."""
    document = run_config.document
    fields = options_model(_class_of_component("models", key, model, document)).model_fields
    below = dict(run_config.generation) if GENERATES in fields else {}
    draws = "do_sample" not in fields or {**below, **model.options}.get("do_sample")
    if "seed" in fields and draws:  # else the seed would part stored summaries that are the same
        below.setdefault("seed", run_config.seed)
    for name in below.keys() - model.options.keys():
        if name not in fields:
            message = f"{model.name} has no such option{yaml.nearest(name, sorted(fields))}"
            raise document.error(("generation", name), message)
        written = ("generation", name) if name in run_config.generation else (name,)
        document.put((*key, name), below[name], document.place(written))
    return Component.model_validate(
        {"name": model.name, "label": model.label, **below, **model.options}
    )


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
        document.refuse_credentials()
        name, label = self.component.name, self.component.label
        whole = Component.model_validate({"name": name, "label": label, **given})
        built: Metric = build_component(self.kind, key, whole, document)
        return built


def named_check(name: str, source: str = "--check") -> Metric:
    """Return the check of a name, without options.

    source: what named it, for errors. Raises: ConfigError, UnknownComponent.
    """
    return _Named.bare("checks", name, source).build()


def named_scorer(name: str, source: str = "--checks", *, with_references: bool = False) -> Metric:
    """Return the check of a name, or the metric if it needs no references, without options.

    source: what named it, for errors. with_references: whether there are some.
    Raises: ConfigError, UnknownComponent.
    """
    kind = scorer_kind(name)
    needed = not with_references and kind == "metrics"
    if needed and "references" in load_class(kind, name).needs:
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
    named = dict(_scorers_of_config(config)) if config is not None else {}
    options = _options_by_label(settings, named)
    wanted = [name if name in named else whole_name(name).partition(".")[0] for name in names]
    wanted = wanted or list(named)
    for label in options:
        if label not in wanted and (names or config is not None):
            raise ConfigError(f"--set {label}.…: no such check{yaml.nearest(label, wanted)}")
        named.setdefault(label, _Named.bare(scorer_kind(label), label, "--set"))
    wanted += [label for label in options if label not in wanted]
    return {
        label: named[label].build(options.get(label))
        for label in dict.fromkeys(wanted)
        if label in named
    }


def _options_by_label(
    settings: Sequence[str], known: Container[str]
) -> dict[str, dict[str, tuple[Any, Location]]]:
    """Return the options that settings give, by label: one that is known, or a scorer's name."""
    options: dict[str, dict[str, tuple[Any, Location]]] = {}
    for setting in settings:
        path, equals, value = setting.partition("=")
        label, dot, option = path.strip().rpartition(".")
        # The value is not said again: it may be a secret.
        place = Location(f"--set {without_credentials(path.strip())}", Path.cwd())
        if not (equals and dot and label and option):
            raise ConfigError(f"{place}: should be CHECK.OPTION=VALUE: nli.model=some/folder")
        label = label if label in known else scorer_of_part(label)
        options.setdefault(label, {})[option] = (yaml.parse_value(value, str(place)), place)
    return options


def _scorers_of_config(config: str | Path | Mapping[str, Any]) -> Iterator[tuple[str, _Named]]:
    run_config = read_run_config(config)
    for kind, key, component in run_config.scorers():
        yield component.shown_name, _Named(kind, key, component, run_config.document)


# Judges that compare systems.

COMPARES = "pairwise"


@dataclass(frozen=True)
class BuiltJudge:
    """A judge that compares summaries: its kind, and how many pairs it is asked about."""

    kind: str
    judge: PairJudge
    pairs: int | None = None


def judges_of(run_config: RunConfig) -> dict[str, BuiltJudge]:
    """Return the judges of a config by label. Raises: ConfigError for one that compares nothing."""
    named = enumerate(run_config.judges)
    built = [(each, _judge(("judges", n), each, run_config.document)) for n, each in named]
    return {each.shown_name: judge for each, judge in built}


def read_judges(source: str | Path | Mapping[str, Any]) -> dict[str, BuiltJudge]:
    """Return the judges of a YAML file, or of a mapping of its shape, by label.

    Its key `judges` lists them; without it, the file has the options of one judge.
    Raises: ConfigError.
    """
    if isinstance(source, Mapping):
        document = Document(dict(source), {(): Location("judge", Path.cwd())})
    else:
        document = yaml.read_yaml(Path(source))
    listed = "judges" in document.tree
    document.refuse_credentials()
    entries = enumerate(document.tree["judges"]) if listed else [(0, document.tree)]
    named = [_named_judge(("judges", n) if listed else (), entry, document) for n, entry in entries]
    return {each.shown_name: _judge(key, each, document) for key, each in named}


def _named_judge(key: Key, entry: Any, document: Document) -> tuple[Key, ComparingJudge]:
    try:
        return key, TypeAdapter(NamedJudge).validate_python(_with_name(entry))
    except ValidationError as error:
        raise yaml.explain(error, document, key, ComparingJudge) from None


def _with_name(entry: Any) -> Any:
    return {"name": "judge", **entry} if isinstance(entry, Mapping) else entry


def _judge(key: Key, named: ComparingJudge, document: Document) -> BuiltJudge:
    """Return a judge; one whose protocol is not said is to compare, as it stands here."""
    how = {"protocol": COMPARES} if named.name == "judge" else {}
    whole = Component.model_validate({"name": named.name, **how, **named.options})
    judge = build_component("checks", key, whole, document)
    if not (isinstance(judge, PairJudge) and judge.compares):
        raise document.error(key, f"compares no summaries; protocol: {COMPARES} does")
    return BuiltJudge(named.name, judge, named.pairs)
