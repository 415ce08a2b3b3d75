"""The reference of all components as Markdown, from their own fields and docstrings."""

from collections.abc import Iterator
from typing import Any, cast, get_args

from evalharness.cli import listing
from evalharness.config import registry, schema
from evalharness.config.registry import Kind

_ABOUT: dict[Kind, str] = {
    "loaders": "Where articles come from: `data:` in a config.",
    "models": "What writes summaries, or has them: `model:` or `models:`.",
    "metrics": "Scores against the references: `metrics:`.",
    "checks": "Scores against the article, with flags and evidence: `checks:`.",
    "trackers": "Who is told of a run: `trackers:`.",
    "executors": "Where it is computed, which changes no result: `executor:`.",
}


def markdown() -> str:
    """Return a section for each kind, and in it one for each component with its options."""
    lines = [
        "# Reference",
        "",
        "Written by `evalharness list --markdown` from the components themselves; plug-ins that",
        "are installed are listed, too. Higher is better, always.",
    ]
    for kind in get_args(Kind):
        lines += ["", f"## {kind.capitalize()}", "", _ABOUT[cast(Kind, kind)]]
        for name in registry.known_components(kind):
            lines += ["", *_component(cast(Kind, kind), name)]
    return "\n".join(lines) + "\n"


def _component(kind: Kind, name: str) -> Iterator[str]:
    component = registry.load_class(kind, name)
    yield f"### {name}"
    yield ""
    yield from _escape_tags(schema.prose(component)).splitlines()
    if told := ", ".join(_facts(component)):
        yield ""
        yield f"_{told}_"
    options = listing.list_components(kind, name)[f"{kind} {name}"]
    if options:
        yield ""
        yield "| option | meaning |"
        yield "|---|---|"
    for option, meaning in options.items():
        yield f"| `{option}` | {_escape_tags(meaning).replace('|', chr(92) + '|')} |"


def _facts(component: type[Any]) -> Iterator[str]:
    """Yield what a component says of itself in fields of the class."""
    if needs := getattr(component, "needs", ()):
        yield f"needs the {' and the '.join(sorted(needs))}"
    if bounds := getattr(component, "range", None):
        low, high = bounds
        yield f"from {low:g} to {high:g}"
    if version := getattr(component, "version", None):
        yield f"version {version}"


def _escape_tags(text: str) -> str:
    """Return a text in which Markdown takes no `<name>` for a tag."""
    return text.replace("<", "&lt;")
