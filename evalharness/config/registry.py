"""Names to components: what is built in, what plug-ins bring, and the options of each.

A plug-in is a package with an entry point in one of the groups `evalharness.loaders`, `.models`,
`.metrics`, `.checks`, `.trackers`, `.executors`: `name = "module:Class"`. It is imported when a
config names it.
"""

import dataclasses
import hashlib
import importlib
import inspect
import os
import typing
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from evalharness.config import run_config as configs
from evalharness.config.run_config import Component, Experiment
from evalharness.config.yaml import Document, Key, dotted_key
from evalharness.errors import ConfigError, UnknownComponent
from evalharness.hf import hub
from evalharness.hf import weights as hf_weights
from evalharness.protocols import CHECKPOINT, Identified, Url, is_url
from evalharness.records import canonical, digest

Kind = Literal["loaders", "models", "metrics", "checks", "trackers", "executors"]

BUILT_IN: Mapping[Kind, Mapping[str, str]] = {
    "loaders": {
        "files": "evalharness.loaders.files:Files",
        "hub": "evalharness.loaders.hub:Hub",
        "logs": "evalharness.loaders.logs.loader:Logs",
        "pages": "evalharness.loaders.pages.loader:Pages",
    },
    "models": {
        "article": "evalharness.models.extractive:WholeArticle",
        "causal": "evalharness.models.causal:Causal",
        "endpoint": "evalharness.models.endpoint:Endpoint",
        "given": "evalharness.models.given:Given",
        "lead": "evalharness.models.extractive:Lead",
        "lexrank": "evalharness.models.extractive:LexRank",
        "oracle": "evalharness.models.extractive:Oracle",
        "random": "evalharness.models.extractive:RandomSentences",
        "seq2seq": "evalharness.models.seq2seq:Seq2Seq",
        "textrank": "evalharness.models.extractive:TextRank",
        "title": "evalharness.models.extractive:Title",
    },
    "metrics": {
        "bartscore": "evalharness.metrics.bartscore:BartScore",
        "bertscore": "evalharness.metrics.bertscore:BertScore",
        "bleu": "evalharness.metrics.bleu:Bleu",
        "chrf": "evalharness.metrics.bleu:Chrf",
        "extractiveness": "evalharness.metrics.extractiveness:Extractiveness",
        "rouge": "evalharness.metrics.rouge:Rouge",
        "ter": "evalharness.metrics.bleu:Ter",
        "unieval": "evalharness.metrics.unieval:UniEval",
    },
    "checks": {
        "alignscore": "evalharness.checks.alignscore:AlignScore",
        "bartscore": "evalharness.checks.bartscore:BartScore",
        "bertscore": "evalharness.checks.bertscore:BertScore",
        "dates": "evalharness.checks.lexical.dates:Dates",
        "entities": "evalharness.checks.lexical.entities:Entities",
        "factcg": "evalharness.checks.factcg:FactCG",
        "judge": "evalharness.checks.judge.judge:Judge",
        "hhem": "evalharness.checks.hhem:Hhem",
        "lettucedetect": "evalharness.checks.lettucedetect:LettuceDetect",
        "lexical": "evalharness.checks.lexical.lexical:Lexical",
        "minicheck": "evalharness.checks.minicheck:MiniCheck",
        "nli": "evalharness.checks.nli:Nli",
        "numbers": "evalharness.checks.lexical.numbers:Numbers",
        "polarity": "evalharness.checks.lexical.polarity:Polarity",
        "quotes": "evalharness.checks.lexical.quotes:Quotes",
        "roles": "evalharness.checks.lexical.roles:Roles",
        "support": "evalharness.checks.lexical.support:Support",
        "unieval": "evalharness.checks.unieval:UniEval",
    },
    "trackers": {
        "mlflow": "evalharness.trackers.mlflow:MLflow",
        "tensorboard": "evalharness.trackers.tensorboard:TensorBoard",
        "trackio": "evalharness.trackers.trackio:Trackio",
        "wandb": "evalharness.trackers.wandb:WandB",
    },
    "executors": {
        "local": "evalharness.executors.local:Local",
        "processes": "evalharness.executors.processes:Processes",
        "ray": "evalharness.executors.ray:Ray",
    },
}

# What the classes of each kind must have; evalharness.protocols says what it is.
_CONTRACT: Mapping[Kind, tuple[str, ...]] = {
    "loaders": ("version", "load"),
    "models": ("version", "needs", "summarize"),
    "metrics": ("version", "needs", "range", "score"),
    "checks": ("version", "needs", "range", "score"),
    "trackers": ("version", "required", "ready", "track"),
    "executors": ("version", "pool", "refuses"),
}

# A model with this option takes the sheet's `generation` block.
GENERATES = "max_new_tokens"


@cache
def known_components(kind: Kind) -> Mapping[str, str | EntryPoint]:
    """Return every component of a kind by name. Raises ConfigError where two claim one name."""
    found: dict[str, str | EntryPoint] = dict(BUILT_IN[kind])
    for point in entry_points(group=f"evalharness.{kind}"):
        if point.name in found:
            holder = found[point.name]
            taken_by = holder if isinstance(holder, str) else holder.value
            raise ConfigError(
                f"plug-in {point.value}: the name {point.name!r} of {kind} is taken by {taken_by}"
            )
        found[point.name] = point
    return dict(sorted(found.items()))


def load_class(kind: Kind, name: str) -> type[Any]:
    """Return the class of a component.

    Raises: UnknownComponent with the nearest name; ConfigError where a plug-in does not load.
    """
    where = known_components(kind)
    if name not in where:
        singular = kind.removesuffix("s")
        raise UnknownComponent(f"no {singular} {name!r}{configs.nearest(name, list(where))}")
    target = where[name]
    if isinstance(target, str):
        module, _, attribute = target.partition(":")
        return typing.cast(type[Any], getattr(importlib.import_module(module), attribute))
    try:
        component = target.load()
    except Exception as error:
        raise ConfigError(f"plug-in {target.value} does not load: {error}") from error
    if not (inspect.isclass(component) and dataclasses.is_dataclass(component)):
        raise ConfigError(f"plug-in {target.value} is no dataclass; see evalharness.protocols")
    lacking = [name for name in _CONTRACT[kind] if not hasattr(component, name)]
    if lacking:
        raise ConfigError(f"plug-in {target.value} lacks {', '.join(lacking)}")
    return component


def options(component: type[Any]) -> type[BaseModel]:
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
    for inner in configs.types_within(hint):
        if dataclasses.is_dataclass(inner) and not hasattr(inner, "__pydantic_config__"):
            inner.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[union-attr]


def _class_of_component(
    kind: Kind, key: Key, component: Component, sheet_document: Document
) -> type[Any]:
    """Return the class that a config names. Raises: ConfigError with the place of the name."""
    try:
        return load_class(kind, component.name)
    except ConfigError as error:
        place = sheet_document.place((*key, "name"))
        raise type(error)(f"{place}: {dotted_key(key)}: {error}") from error


def build(kind: Kind, key: Key, component: Component, sheet_document: Document) -> Any:
    """Return the component that a config names, its options checked.

    Raises: ConfigError with the place of what is wrong.
    """
    cls = _class_of_component(kind, key, component, sheet_document)
    shape = options(cls)
    given = _resolved_paths(cls, component.options, key, sheet_document)
    try:
        checked = shape.model_validate_json(canonical(given))
    except ValidationError as error:
        raise configs.explain(error, sheet_document, key, shape) from None
    values = {field: getattr(checked, field) for field in shape.model_fields}
    try:
        return cls(**values)
    except ValueError as error:
        field, colon, rest = str(error).partition(": ")
        if colon and field in values:
            raise sheet_document.error((*key, field), rest) from None
        raise sheet_document.error(key, str(error)) from None


def _resolved_paths(
    cls: type[Any], given: Mapping[str, Any], key: Key, sheet_document: Document
) -> dict[str, Any]:
    hints = get_type_hints(cls, include_extras=True)
    resolved = dict(given)
    for name, value in given.items():
        folder = sheet_document.place((*key, name)).folder
        if _is_checkpoint(hints.get(name)) and isinstance(value, str):
            resolved[name] = _checkpoint(value, folder, (*key, name), sheet_document)
        elif _holds(Path, hints.get(name)):
            values = value if isinstance(value, list) else [value]
            remote = _holds(Url, hints.get(name))
            paths = [
                v
                if remote and isinstance(v, str) and is_url(v)
                else found_path(v, folder, (*key, name), sheet_document)
                for v in values
            ]
            resolved[name] = paths if isinstance(value, list) else paths[0]
    return resolved


def _is_checkpoint(hint: Any) -> bool:
    if get_origin(hint) in (UnionType, typing.Union):
        return any(_is_checkpoint(inner) for inner in get_args(hint))
    return get_origin(hint) is Annotated and CHECKPOINT in get_args(hint)[1:]


def _holds(kind: type[Any], hint: Any) -> bool:
    if get_origin(hint) in (tuple, UnionType, typing.Union, Annotated):
        return any(_holds(kind, inner) for inner in get_args(hint))
    return hint is kind


def found_path(value: Any, folder: Path, key: Key, sheet_document: Document) -> Any:
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
        raise sheet_document.error(key, f"no path {value[:60]!r}: {_why(error)}") from None
    if missing:
        raise sheet_document.error(key, f"no file or folder {value!r}{_looked_in(folder)}")
    return os.path.abspath(path)  # noqa: PTH100  which folds `..`, and follows no link


def _checkpoint(value: str, folder: Path, key: Key, sheet_document: Document) -> str:
    try:
        path = folder / Path(value).expanduser()
        found = path.is_dir()
    except (OSError, RuntimeError) as error:
        raise sheet_document.error(key, f"no folder {value[:60]!r}: {_why(error)}") from None
    if found:
        return os.path.abspath(path)  # noqa: PTH100  which folds `..`, and follows no link
    if value.startswith((".", "~", "/")):
        raise sheet_document.error(key, f"no folder {value!r}{_looked_in(folder)}")
    return value


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _looked_in(folder: Path) -> str:
    return f"; relative paths start at {folder}" if str(folder) not in ("", ".") else ""


def signature(name: str, component: Any) -> dict[str, Any]:
    """Return all that makes a component's results: options, version, weights, files.

    Options that are None (not set) or `compare=False` (cannot change a result) are left out. A
    local folder counts by its name and content, not by where it lies.
    """
    parts: dict[str, Any] = {"name": name}
    hints = get_type_hints(type(component), include_extras=True)
    for field in dataclasses.fields(component):
        value = getattr(component, field.name)
        if not field.compare or value is None:
            continue
        if _is_checkpoint(hints[field.name]):
            if not isinstance(component, Identified):
                parts |= hf_weights.checkpoint_identity(value)
            value = Path(value).name if Path(value).is_absolute() else value
        parts[field.name] = _plain(value)
    if isinstance(component, Identified):
        parts |= component.identity()
    return parts | {"version": type(component).version}


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return f"{value.name}:{_content(value)}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple | list) else value


def _content(path: Path) -> str:
    """Return a hash of a file, or of all files in a folder; of nothing, where nothing is there."""
    whole = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            whole.update(f"{file.relative_to(path).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()[:16]


def wanted_checkpoints(component: Any) -> list[hub.Wanted]:
    """Return what a component reads of each checkpoint that its options name.

    A `backbone` lends its config and tokenizer, and the model's own file of weights is all that is
    read of it then.
    """
    hints = get_type_hints(type(component), include_extras=True)
    presets: Mapping[str, str] = getattr(component, "presets", {})
    fields = [f.name for f in dataclasses.fields(component) if _is_checkpoint(hints[f.name])]
    named = {field: name for field in fields if (name := getattr(component, field))}
    weights = getattr(component, "file", None) or "model.safetensors"
    found: list[hub.Wanted] = []
    for field, name in named.items():
        only: tuple[str, ...] = (weights,) if "backbone" in named else ()
        only = hub.BESIDE_WEIGHTS if field == "backbone" else only
        revision = None if field == "backbone" else getattr(component, "revision", None)
        found.append(hub.Wanted(presets.get(name, name), revision, only))
    return found


def signature_text(parts: Mapping[str, Any]) -> str:
    """Return a signature as one line to quote beside a number, after sacrebleu's fashion.

    >>> parts = {"name": "rouge", "types": ["rouge1", "rougeL"], "stemmer": True, "version": 1}
    >>> signature_text(parts)
    'rouge|types:rouge1,rougeL|stemmer:yes|version:1'
    """
    rest = (f"{key}:{_brief(value)}" for key, value in parts.items() if key != "name")
    return "|".join([str(parts["name"]), *rest])


def _brief(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ",".join(_brief(inner) for inner in value)
    if isinstance(value, Mapping) and len(str(value)) > 80:
        return ",".join(f"{key}={_brief(inner)}" for key, inner in value.items())
    if isinstance(value, str) and (len(value) > 80 or "|" in value or "\n" in value):
        return f"sha256-{digest(value)[:12]}"
    return str(value)


def check_generation(experiment: Experiment) -> None:
    """Check the keys of the `generation` block, also where no model of the config generates.

    Raises: ConfigError for one that is an option of no model that generates.
    """
    if not experiment.sheet.generation:
        return
    generating = set(_generation_options())
    named = (
        options(load_class("models", model.name)).model_fields for _, model in experiment.models()
    )
    generating |= set().union(*(shape for shape in named if GENERATES in shape))
    for name in experiment.sheet.generation.keys() - generating:
        message = f"unknown key{configs.nearest(name, sorted(generating))}"
        raise experiment.document.error(("generation", name), message)


@cache
def _generation_options() -> frozenset[str]:
    """Return the options of all models of our own that generate."""
    shapes = [options(load_class("models", name)).model_fields for name in BUILT_IN["models"]]
    return frozenset().union(*(shape for shape in shapes if GENERATES in shape))


def with_defaults(experiment: Experiment, key: Key, model: Component) -> Component:
    """Return a model with the sheet's `generation` block and seed below its own options."""
    sheet_document = experiment.document
    fields = options(_class_of_component("models", key, model, sheet_document)).model_fields
    below = dict(experiment.sheet.generation) if GENERATES in fields else {}
    draws = "do_sample" not in fields or {**below, **model.options}.get("do_sample")
    if "seed" in fields and draws:  # else the seed would part stored summaries that are the same
        below.setdefault("seed", experiment.sheet.seed)
    for name in below.keys() - model.options.keys():
        if name not in fields:
            message = f"{model.name} has no such option{configs.nearest(name, sorted(fields))}"
            raise sheet_document.error(("generation", name), message)
        written = ("generation", name) if name in experiment.sheet.generation else (name,)
        sheet_document.put((*key, name), below[name], sheet_document.place(written))
    return Component.model_validate(
        {"name": model.name, "label": model.label, **below, **model.options}
    )
