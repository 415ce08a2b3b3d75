"""The JSON Schema of a config file, for editors, with the options of every known component."""

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

from evalharness.config import registry
from evalharness.config.build import options_model
from evalharness.config.registry import Kind
from evalharness.config.run_config import RunConfig
from evalharness.errors import ConfigError

# Which keys of the run config name components of which kind; True where they are lists.
_PLACES: Mapping[str, tuple[Kind, bool]] = {
    "data": ("loaders", False),
    "model": ("models", False),
    "models": ("models", True),
    "metrics": ("metrics", True),
    "checks": ("checks", True),
    "judges": ("checks", True),
    "trackers": ("trackers", True),
    "executor": ("executors", False),
}


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a config file; plug-ins that are installed included."""
    whole = RunConfig.model_json_schema()
    whole |= {"title": "Run config", "description": "The top of a config file."}
    definitions = whole.setdefault("$defs", {})
    definitions.pop("Component", None)
    calibration = definitions.pop("Scorer")["properties"]["calibration"]
    whole.pop("required")
    # What a file below, or a sweep, may bring.
    whole["anyOf"] = [{"required": [key]} for key in ("data", "extends", "sweep")]
    files = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    whole["properties"]["extends"] = files | {"description": "files below this one"}
    for place, (kind, many) in _PLACES.items():
        definitions.setdefault(kind, _kind_schema(kind, definitions))
        if kind in ("metrics", "checks"):
            for shape in definitions[kind]["anyOf"][1:]:
                shape["properties"]["calibration"] = calibration
        one = {"$ref": f"#/$defs/{kind}"}
        meaning = {"description": whole["properties"][place]["description"]}
        listed = {"type": "array", "items": one} if many else one
        whole["properties"][place] = meaning | listed
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole}


def _kind_schema(kind: Kind, definitions: dict[str, Any]) -> dict[str, Any]:
    names = [name for name in registry.known_components(kind) if _loads(kind, name)]
    parts = [part for name in names if kind in registry.SCORERS
             for part in registry.scorer_row(name).shown]  # fmt: skip
    return {
        "anyOf": [
            {"enum": [*names, *parts]},
            *(_component(kind, name, definitions) for name in names),
        ]
    }


def _loads(kind: Kind, name: str) -> bool:
    """Tell whether a component loads: a plug-in that does not must not take the schema away."""
    try:
        registry.load_class(kind, name)
    except ConfigError:
        return False
    return True


def _component(kind: Kind, name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    cls = registry.load_class(kind, name)
    prefix = f"{kind}.{name}."
    shape = options_model(cls).model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}")
    definitions |= {prefix + inner: body for inner, body in shape.pop("$defs", {}).items()}
    named = {"name": {"const": name}, "label": {"type": "string"}}
    shape["properties"] = named | shape.get("properties", {})
    shape["required"] = ["name", *shape.get("required", [])]
    for option, meaning in option_descriptions(cls).items():
        shape["properties"][option].setdefault("description", meaning)
    return shape


def option_descriptions(component: type[Any]) -> dict[str, str]:
    """Return what the docstrings of a component and its bases say of each option.

    An option has a line `option: meaning`; lines that are indented below it go on with it.
    """
    names = {field.name for field in dataclasses.fields(component)}
    meanings: dict[str, str] = {}
    for cls in reversed(component.__mro__):
        meanings |= _read(cls, names)[1]
    return meanings


def prose(component: type[Any]) -> str:
    """Return what a component's docstring says beside its options, as it is written."""
    names = {field.name for field in dataclasses.fields(component)}
    return "\n".join(_read(component, names)[0]).strip()


def _read(cls: type[Any], names: set[str]) -> tuple[list[str], dict[str, str]]:
    """Return the lines of a docstring that are about no option, and the meanings of options."""
    prose: list[str] = []
    meanings: dict[str, str] = {}
    latest = ""
    for line in inspect.cleandoc(cls.__dict__.get("__doc__") or "").splitlines():
        name, colon, meaning = line.strip().partition(":")
        if colon and name.strip("`*- ") in names:
            latest = name.strip("`*- ")
            meanings[latest] = meaning.strip()
        elif latest and line.startswith((" ", "\t")):
            meanings[latest] += " " + line.strip()
        else:
            latest = latest if line.strip() else ""
            prose.append(line)
    return prose, meanings
