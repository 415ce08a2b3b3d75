"""`evalharness list`: components and their options, from their own fields and docstrings."""

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, cast, get_args

import typer

from evalharness.cli.options import AsJson, print_json
from evalharness.config import registry, schema
from evalharness.config.registry import Kind
from evalharness.config.yaml import nearest
from evalharness.errors import ConfigError, Exit, UnknownComponent
from evalharness.loaders.logs.formats import HARNESS_FORMATS
from evalharness.report.table import align_columns

LOG_FORMATS = "formats"

Listing = Mapping[str, Mapping[str, str]]


def list_command(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="[KIND]", help=f"{', '.join(get_args(Kind))} or {LOG_FORMATS} (of logs)."
        ),
    ] = "",
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Show the options of one.")] = "",
    as_json: AsJson = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the reference of all components.")
    ] = False,
) -> None:
    """List components, or the options of one."""
    if markdown:
        typer.echo(reference(), nl=False)
        return
    listing = list_components(kind, name)
    if as_json:
        print_json(listing)
        return
    for heading, entries in listing.items():
        typer.echo(f"{heading}:")
        for line in align_columns([*entries.items()], "ll"):
            typer.echo(f"  {line}")


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
        hint = _kind_of(kind) or nearest(kind, [*kinds, LOG_FORMATS])
        raise UnknownComponent(f"no kind {kind!r}{hint}")
    known = cast(Kind, kind)
    name = registry.scorer_of_part(name) if known in registry.SCORERS else name
    return {f"{kind} {name}": _options(known, name)} if name else {kind: _names(known)}


def _kind_of(name: str) -> str:
    """Return how the options of a component are listed, where a name is that of one."""
    kinds = [kind for kind in get_args(Kind) if name in registry.known_components(kind)]
    return f"; evalharness list {kinds[0]} {name} shows its options" if kinds else ""


def _formats() -> dict[str, str]:
    """Return the logs of other harnesses that `score` and the loader `logs` read."""
    return {each.name: f"{each.title}: {each.files}" for each in HARNESS_FORMATS.values()}


def _paths(name: str) -> dict[str, str]:
    """Return the dotted paths that are tried in a log for each use, in their order."""
    if name not in HARNESS_FORMATS:
        raise UnknownComponent(f"no format {name!r}{nearest(name, list(HARNESS_FORMATS))}")
    return {use: ", ".join(paths) for use, paths in HARNESS_FORMATS[name].fields.items()}


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
    options = {}
    for field in dataclasses.fields(component):
        required = field.default is dataclasses.MISSING
        required = required and field.default_factory is dataclasses.MISSING
        default = "required" if required else f"default {_default(field)}"
        options[field.name] = f"{meanings.get(field.name, '')} ({default})".strip()
    return options


def _default(field: "dataclasses.Field[Any]") -> str:
    made = field.default_factory
    value = field.default if made is dataclasses.MISSING else made()
    if not value and not isinstance(value, bool | int | float | str):
        return "none"  # an empty list or mapping
    if dataclasses.is_dataclass(value):
        return "the usual"
    words = {None: "none", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value) or "''"


# As Markdown.

_ABOUT: dict[Kind, str] = {
    "loaders": "Where articles come from: `data:` in a config.",
    "models": "What writes summaries, or has them: `model:` or `models:`.",
    "metrics": "Scores against the references: `metrics:`.",
    "checks": "Scores against the article, with flags and evidence: `checks:`.",
    "trackers": "Tools that record a run: `trackers:`.",
    "executors": "Where to compute; results are the same: `executor:`.",
}


def reference() -> str:
    """Return the reference as Markdown: a section for each kind, in it one for each component."""
    lines = [
        "# Reference",
        "",
        "Written by `evalharness list --markdown` from the components themselves; plug-ins that",
        "are installed are listed, too. A higher score is better, unless it only describes a",
        "summary.",
    ]
    for kind in get_args(Kind):
        lines += ["", f"## {kind.capitalize()}", "", _ABOUT[cast(Kind, kind)]]
        for name in registry.known_components(kind):
            lines += ["", *_component(cast(Kind, kind), name)]
    lines += ["", "## Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += [f"| {code.value} | {code.meaning} |" for code in Exit]
    return "\n".join(lines) + "\n"


def _component(kind: Kind, name: str) -> Iterator[str]:
    component = registry.load_class(kind, name)
    yield f"### {name}"
    yield ""
    yield from _escape_tags(schema.prose(component)).splitlines()
    if facts := ", ".join(_facts(kind, name)):
        yield ""
        yield f"_{facts}_"
    options = list_components(kind, name)[f"{kind} {name}"]
    if options:
        yield ""
        yield "| option | meaning |"
        yield "|---|---|"
    for option, meaning in options.items():
        yield f"| `{option}` | {_escape_tags(meaning).replace('|', chr(92) + '|')} |"


def _facts(kind: Kind, name: str) -> Iterator[str]:
    """Yield what a component says of itself in fields of the class, and its row of its scores."""
    component = registry.load_class(kind, name)
    if needs := getattr(component, "needs", ()):
        yield f"needs the {' and the '.join(sorted(needs))}"
    if bounds := getattr(component, "range", None):
        low, high = bounds
        yield f"from {low:g} to {high:g}"
    if version := getattr(component, "version", None):
        yield f"version {version}"
    if kind in registry.SCORERS and registry.scorer_row(name).descriptive:
        yield "describes a summary: a higher score is no better"


def _escape_tags(text: str) -> str:
    """Return a text in which Markdown takes no `<name>` for a tag."""
    return text.replace("<", "&lt;")
