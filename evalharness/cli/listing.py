"""What components there are, and what options each has: from their own fields and docstrings."""

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any, cast, get_args

from evalharness.config import registry, schema
from evalharness.config.registry import Kind
from evalharness.config.yaml import nearest
from evalharness.errors import ConfigError, UnknownComponent
from evalharness.loaders.logs.formats import FORMATS

LOG_FORMATS = "formats"

Listing = Mapping[str, Mapping[str, Any]]


def list_components(kind: str = "", name: str = "") -> Listing:
    """Return the components of a kind (or all), or the options of one.

    Raises: UnknownComponent for a kind or name that is none, with the nearest.
    """
    kinds = get_args(Kind)
    if not kind:
        return {each: _names(each) for each in kinds} | {LOG_FORMATS: _formats()}
    if kind == LOG_FORMATS:
        return {f"{kind} {name}": _paths(name)} if name else {kind: _formats()}
    if kind not in kinds:
        raise UnknownComponent(f"no kind {kind!r}{nearest(kind, [*kinds, LOG_FORMATS])}")
    known = cast(Kind, kind)
    return {f"{kind} {name}": _options(known, name)} if name else {kind: _names(known)}


def _formats() -> dict[str, str]:
    """Return the logs of other harnesses that `score` and the loader `logs` read."""
    return {each.name: f"{each.title}: {each.files}" for each in FORMATS.values()}


def _paths(name: str) -> dict[str, str]:
    """Return the dotted paths that are tried in a log for each use, in their order."""
    if name not in FORMATS:
        raise UnknownComponent(f"no format {name!r}{nearest(name, list(FORMATS))}")
    return {use: ", ".join(paths) for use, paths in FORMATS[name].fields.items()}


def _names(kind: Kind) -> dict[str, str]:
    return {name: _first_doc_line(kind, name) for name in registry.known_components(kind)}


def _first_doc_line(kind: Kind, name: str) -> str:
    """Return the first line about a component; a broken plug-in must not hide the others."""
    try:
        return _first_line(registry.load_class(kind, name))
    except ConfigError as error:
        return f"({error})"


def _first_line(component: type[Any]) -> str:
    return inspect.cleandoc(component.__doc__ or "").partition("\n")[0]


def _options(kind: Kind, name: str) -> dict[str, str]:
    component = registry.load_class(kind, name)
    meanings = schema.option_descriptions(component)
    found = {}
    for field in dataclasses.fields(component):
        required = field.default is dataclasses.MISSING
        required = required and field.default_factory is dataclasses.MISSING
        default = "required" if required else f"default {_default(field)}"
        found[field.name] = f"{meanings.get(field.name, '')} ({default})".strip()
    return found


def _default(field: "dataclasses.Field[Any]") -> str:
    made = field.default_factory
    value = field.default if made is dataclasses.MISSING else made()
    if not value and not isinstance(value, bool | int | float | str):
        return "none"  # an empty list or mapping
    if dataclasses.is_dataclass(value):
        return "the usual"
    words = {None: "none", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value) or "''"


def listing_text(found: Listing) -> str:
    """Return a listing as lines for a terminal."""
    lines = []
    for heading, entries in found.items():
        lines.append(f"{heading}:")
        width = max((len(name) for name in entries), default=0)
        lines += [f"  {name:<{width}}  {meaning}" for name, meaning in entries.items()]
    return "\n".join(lines)
