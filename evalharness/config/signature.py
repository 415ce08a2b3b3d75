"""Signatures: all that makes a component's results, which also names them in the store."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from evalharness.files import content_hash
from evalharness.protocols import Identified, is_checkpoint
from evalharness.records import digest

if TYPE_CHECKING:
    from evalharness.hf.hub import Wanted


def signature_parts(name: str, component: Any) -> dict[str, Any]:
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
        if is_checkpoint(hints[field.name]):
            if not isinstance(component, Identified):
                from evalharness.hf.weights import checkpoint_identity

                parts |= checkpoint_identity(value)
            value = Path(value).name if Path(value).is_absolute() else value
        parts[field.name] = _plain(value)
    if isinstance(component, Identified):
        parts |= component.identity()
    return parts | {"version": type(component).version}


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return f"{value.name}:{content_hash(value)[:16]}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple | list) else value


def wanted_checkpoints(component: Any) -> "list[Wanted]":
    """Return what a component reads of each checkpoint that its options name.

    A `backbone` lends its config and tokenizer, and the model's own file of weights is all that is
    read of it then.
    """
    hints = get_type_hints(type(component), include_extras=True)
    presets: Mapping[str, str] = getattr(component, "presets", {})
    fields = [f.name for f in dataclasses.fields(component) if is_checkpoint(hints[f.name])]
    named = {field: name for field in fields if (name := getattr(component, field))}
    within = [member for f in dataclasses.fields(component) for member in _members(component, f)]
    if not named:
        return [each for member in within for each in wanted_checkpoints(member)]
    from evalharness.hf import hub

    weights = getattr(component, "file", None) or "model.safetensors"
    wanted: list[hub.Wanted] = []
    for field, name in named.items():
        only: tuple[str, ...] = (weights,) if "backbone" in named else ()
        only = hub.BESIDE_WEIGHTS if field == "backbone" else only
        only = ("adapter_model.safetensors", "adapter_config.json") if field == "adapter" else only
        lent = field in ("backbone", "adapter")
        revision = None if lent else getattr(component, "revision", None)
        wanted.append(hub.Wanted(presets.get(name, name), revision, only))
    return wanted + [each for member in within for each in wanted_checkpoints(member)]


def _members(component: Any, field: "dataclasses.Field[Any]") -> list[Any]:
    """Return the components of a tuple of them, such as the judges of a panel."""
    value = getattr(component, field.name)
    values = value if isinstance(value, tuple) else ()
    return [member for member in values if dataclasses.is_dataclass(member)]


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
