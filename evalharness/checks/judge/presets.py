"""Prompts of papers, letter by letter as their authors published them: `presets.json`.

Each has its source, its licence, which allows for a copy, and the SHA-256 of the published text.
What the authors leave to whoever asks (an instruction, a rubric) is in `fields`, and said there.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from evalharness.checks.judge.criteria import Aspect


@cache
def presets() -> Mapping[str, Mapping[str, Any]]:
    """Return all presets by name, as the file has them."""
    found: Mapping[str, Mapping[str, Any]] = json.loads(
        files(__package__).joinpath("presets.json").read_text(encoding="utf-8")
    )
    return found


def published(preset: Mapping[str, Any], name: str = "text") -> str:
    """Return a text of a preset as it was published; empty where it has none of that name."""
    return "\n".join(preset.get(name, ()))


def template_of(preset: Mapping[str, Any]) -> str:
    """Return the published text with our fields in place of the authors'; other braces doubled."""
    waiting = [(theirs, ours) for theirs, ours in preset["fields"]]
    text, pieces, at = published(preset), [], 0
    for found in re.finditer("|".join(re.escape(theirs) for theirs, _ in waiting), text):
        place = next((n for n, (theirs, _) in enumerate(waiting) if theirs == found[0]), None)
        if place is None:
            continue
        pieces += [_escape_braces(text[at : found.start()]), waiting.pop(place)[1]]
        at = found.end()
    return "".join([*pieces, _escape_braces(text[at:])])


def _escape_braces(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def aspect_of_preset(name: str) -> Aspect:
    """Return what a preset asks. Raises: ValueError for a name that is none."""
    if name not in presets():
        raise ValueError(f"preset: no preset {name!r}; there are {', '.join(presets())}")
    preset = presets()[name]
    return Aspect(
        "",
        template_of(preset),
        "",
        preset["answers"],
        tuple(preset.get("scale", (1, 5))),
        preset["claims"],
        preset["aggregate"],
        preset.get("pattern", ""),
        is_published=True,
    )
