"""YAML whose every value knows where it stands: file, line and column.

The safe subset of YAML, composed to nodes by PyYAML and read by rules of our own: `yes`, `no`,
`12:30` and dates stay text, `1e-4` is a number, a key that stands twice is an error, tags are
refused, and aliases may not blow a small file up. `explain` says where a value stands that is no
valid one.
"""

import dataclasses
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from evalharness.errors import ConfigError
from evalharness.files.untrusted import one_line, read_whole

if TYPE_CHECKING:  # what only reads runs has no YAML before it
    import yaml
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

Key = tuple[str | int, ...]

# A config is written by hand; beyond this many values it is an attack or an accident.
MAX_VALUES = 20_000
MAX_DEPTH = 40

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?")
_CONSTANTS = {"null": None, "~": None, "": None, "true": True, "false": False}
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("null", "bool", "int", "float", "str", "timestamp", "value", "seq", "map", "merge")
)


@dataclass(frozen=True, slots=True)
class Location:
    """Where a value was written; `folder` is what its relative paths are relative to."""

    name: str
    folder: Path
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.name}:{self.line}:{self.column}" if self.line else self.name


@dataclass
class Document:
    """A tree of plain values, and for each dotted path the place that wrote it."""

    tree: dict[str, Any]
    places: dict[Key, Location] = field(default_factory=dict)

    def place(self, key: Key) -> Location:
        """Return where the value at `key` was written, or the nearest value around it."""
        for end in range(len(key), -1, -1):
            if key[:end] in self.places:
                return self.places[key[:end]]
        return Location("config", Path())

    def error(self, key: Key, message: str) -> ConfigError:
        """Return an error in one line: place, dotted path, and what is wrong."""
        path = one_line(dotted_key(key))
        return ConfigError(f"{self.place(key)}: {path + ': ' if path else ''}{message}")

    def refuse_credentials(self) -> None:
        """Refuse keys and passwords: what stands in a config is stored with the results.

        Raises: ConfigError with the place of the first, which is not said again.
        """
        from evalharness.files.credentials import find_credential

        for key, name, value in _named_values(self.tree, ()):
            if owner := find_credential(value, name):
                raise self.error(key, f"holds what looks like {owner}{_CREDENTIALS_PLACE}")

    def put(self, key: Key, value: Any, place: Location) -> None:
        """Set the value at `key`, making the mappings on the way; a list is entered by number."""
        _put(self.tree, key, value)
        for end in range(1, len(key)):
            self.places.setdefault(key[:end], place)
        for known in [known for known in self.places if known[: len(key)] == key]:
            del self.places[known]
        self.places[key] = place

    def drop(self, key: Key, number: int) -> None:
        """Take an entry out of the list at `key`; those behind it move up with their places."""
        del _value_at(self.tree, key)[number]
        places: dict[Key, Location] = {}
        for known, place in self.places.items():
            n = known[len(key)] if len(known) > len(key) and known[: len(key)] == key else -1
            if isinstance(n, int) and n > number:
                places[(*key, n - 1, *known[len(key) + 1 :])] = place
            elif n != number:
                places[known] = place
        self.places = places

    def overlay(self, other: "Document") -> None:
        """Lay another document over this one: mappings merge, all else is replaced.

        A component that names another kind replaces the one below whole: options of a model do not
        leak into another model.
        """
        self._overlay((), self.tree, other.tree, other)

    def _overlay(
        self, key: Key, below: dict[str, Any], above: Mapping[str, Any], other: "Document"
    ) -> None:
        self.places |= {known: place for known, place in other.places.items() if known == key}
        for name, value in above.items():
            here = (*key, name)
            if _mergeable(below.get(name), value):
                self._overlay(here, below[name], value, other)
            else:
                self.put(here, value, other.place(here))
                self.places |= {k: p for k, p in other.places.items() if k[: len(here)] == here}
                below[name] = value


# A hub, a cloud or a tracker has variables of its own; a server's is named in the config.
_CREDENTIALS_PLACE = (
    ", and a config is stored with its results; put it into an environment variable and name that: "
    "key: NAME_OF_VARIABLE (models and judges on a server; others read HF_TOKEN and their like)"
)


def _named_values(value: Any, key: Key) -> Iterator[tuple[Key, str, Any]]:
    """Yield the plain values of a tree and its keys: path, the nearest name, and what is there."""
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield key, "", name
            yield from _named_values(child, (*key, name))
    elif isinstance(value, list | tuple):
        for number, child in enumerate(value):
            yield from _named_values(child, (*key, number))
    else:
        names = [part for part in key if isinstance(part, str)]
        yield key, names[-1].rpartition(".")[2] if names else "", value  # a sweep has dotted names


def _mergeable(below: Any, above: Any) -> bool:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return False
    return "name" not in above or above["name"] == below.get("name")


def dotted_key(key: Iterable[str | int]) -> str:
    """Return a path as people write it.

    >>> dotted_key(("models", 0, "num_beams"))
    'models.0.num_beams'
    """
    return ".".join(str(part) for part in key)


def key_of(written: str, tree: Any) -> Key:
    """Return the path that a dotted text means; an entry of a list goes by number, name or label.

    >>> key_of("metrics.rouge.stemmer", {"metrics": ["chrf", {"name": "rouge"}]})
    ('metrics', 1, 'stemmer')
    >>> key_of("models.0.num_beams", {})
    ('models', 0, 'num_beams')
    """
    key: list[str | int] = []
    for part in written.strip().split("."):
        number = part.isascii() and part.isdecimal()
        found: str | int = int(part) if number else part
        if isinstance(tree, list):
            found = found if number else _index_by_name(tree, part)
            inside = isinstance(found, int) and found < len(tree)
            tree = tree[found] if isinstance(found, int) and inside else None
        else:
            tree = tree.get(found) if isinstance(tree, dict) else None
        key.append(found)
    return tuple(key)


def _index_by_name(entries: Sequence[Any], name: str) -> str | int:
    """Return the place of the first component with a label or a name; or the name, if none has."""
    for field_name in ("label", "name"):
        for n, entry in enumerate(entries):
            called = entry.get(field_name) if isinstance(entry, dict) else entry
            if called == name:
                return n
    return name


def nearest(wrong: str, known: Sequence[str]) -> str:
    """Return a clause that helps with a name that is not known.

    >>> nearest("num_baems", ["num_beams", "seed"])
    '; did you mean num_beams?'
    >>> nearest("x", ["num_beams", "seed"])
    '; known: num_beams, seed'
    >>> nearest("rougel", ["rouge", "rouge.rougeL"])
    '; did you mean rouge.rougeL?'
    """
    import difflib

    ends = [name for name in known if name.rpartition(".")[2].casefold() == wrong.casefold()]
    close = ends or difflib.get_close_matches(wrong, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known: {', '.join(sorted(known))}" if known else "; it has no options"


def read_yaml(path: Path) -> Document:
    """Read a YAML file, and below it the files that it `extends`."""
    return _read_with_bases(path, ())


def _read_with_bases(path: Path, above: tuple[Path, ...]) -> Document:
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a link to itself, a NUL
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"{one_line(str(path))[:80]}: {why}") from error
    if resolved in above:
        chain = " -> ".join(p.name for p in (*above, resolved))
        raise ConfigError(f"{path}: extends itself: {chain}")
    document = parse_yaml(_text_of(path), str(path), path.parent)
    bases = document.tree.pop("extends", None)
    if bases is None:
        return document
    names = [bases] if isinstance(bases, str) else bases
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise document.error(("extends",), "should be a file, or a list of files")
    merged = Document({})
    for name in names:
        base = path.parent / name
        if not _is_file(base):
            raise document.error(("extends",), f"no file {name!r} beside {path.name}")
        merged.overlay(_read_with_bases(base, (*above, resolved)))
    merged.overlay(document)
    return merged


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False


def _text_of(path: Path) -> str:
    try:
        return read_whole(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: not UTF-8 text: {error.reason} at byte {error.start}"
        ) from error
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise ConfigError(
            f"{path}: is a folder; a config is a YAML file, such as config.yaml in a run's folder"
        ) from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error


def parse_yaml(text: str, name: str, folder: Path) -> Document:
    """Read YAML text whose top is a mapping.

    >>> parse_yaml("seed: 3\\nmodel: {name: lead}", "a.yaml", Path()).tree
    {'seed': 3, 'model': {'name': 'lead'}}
    """
    node = _compose(text, name)
    if node is None:
        raise ConfigError(f"{name}: empty; its lines should be settings, key: value")
    reader = _Reader(name, folder)
    tree = reader.value(node, ())
    if not isinstance(tree, dict):
        raise ConfigError(f"{reader.at(node)}: the top of a config is a mapping, key: value")
    return Document(tree, reader.places)


def parse_value(text: str, name: str) -> Any:
    """Read one value as the command line has it: `8`, `true`, `[1, 2]`, or plain text.

    >>> [parse_value(text, "--set") for text in ("8", "no", "[1, 2.5]", "a: b", "")]
    [8, 'no', [1, 2.5], 'a: b', None]
    """
    if not text.lstrip().startswith(("[", "{", '"', "'")):
        return scalar(text.strip())
    try:
        node = _compose(text, "value")
        return None if node is None else _Reader("value", Path()).value(node, ())
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from error


def scalar(text: str) -> Any:
    """Return what a plain word means: null, true, false, a number, or itself.

    >>> [scalar(text) for text in ("1e-4", "010", "12:30", "1_000", "True", "NO", "-.5")]
    [0.0001, '010', '12:30', 1000, True, 'NO', -0.5]
    """
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    if len(text) < 40 and _INTEGER.fullmatch(text):
        return int(text.replace("_", ""))
    if len(text) < 40 and _FLOAT.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text):
        return float(text.replace("_", ""))
    return text


def dump(tree: Mapping[str, Any]) -> str:
    """Write a tree as YAML that `parse_yaml` reads back as it was.

    >>> print(dump({"model": {"name": "lead", "label": "12"}}), end="")
    model:
      name: lead
      label: "12"
    """
    import yaml

    options: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 100}
    text: str = yaml.dump(dict(tree), Dumper=_dumper(), **options)
    return text


@cache
def _dumper() -> "type[yaml.SafeDumper]":
    """Return what quotes every text that `scalar` would read as something else."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = None if scalar(text) == text else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, represent_text)
    return Dumper


def _compose(text: str, name: str) -> "yaml.Node | None":
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_depth(text, name, loader)
        return yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        problem = error.problem or error.context
        line = "".join(text.split("\n")[mark.line : mark.line + 1]) if mark else ""
        if mark and line[mark.column : mark.column + 1] == "\t":
            problem = "a tab; YAML wants spaces"
        raise ConfigError(f"{where}: not YAML: {problem}") from error
    except (yaml.YAMLError, RecursionError, UnicodeError) as error:
        raise ConfigError(f"{name}: not YAML: {str(error).splitlines()[0]}") from error


def _check_depth(text: str, name: str, loader: Any) -> None:
    """Refuse what is nested too deeply before it is composed: libyaml would end the process."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            where = f"{name}:{event.start_mark.line + 1}" if event.start_mark else name
            raise ConfigError(f"{where}: nested more than {MAX_DEPTH} deep")


class _Reader:
    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.places: dict[Key, Location] = {}
        self.values = 0

    def at(self, node: "yaml.Node") -> Location:
        mark = node.start_mark
        return Location(self.name, self.folder, mark.line + 1, mark.column + 1)

    def value(self, node: "yaml.Node", key: Key) -> Any:
        import yaml

        self.values += 1
        if self.values > MAX_VALUES or len(key) > MAX_DEPTH:
            raise ConfigError(f"{self.at(node)}: too large or too deep; do its aliases multiply?")
        if node.tag not in _PLAIN_TAGS:
            raise ConfigError(f"{self.at(node)}: the tag {node.tag!r} is not allowed in a config")
        self.places.setdefault(key, self.at(node))
        if isinstance(node, yaml.MappingNode):
            return {name: self.value(child, (*key, name)) for name, child in self._pairs(node, key)}
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*key, n)) for n, child in enumerate(node.value)]
        quoted = getattr(node, "style", None)
        return node.value if quoted else scalar(node.value)

    def _pairs(self, node: "yaml.MappingNode", key: Key) -> "Iterator[tuple[str, yaml.Node]]":
        import yaml

        seen: dict[str, Location] = {}
        for name_node, child in node.value:
            place = self.at(name_node)
            if not isinstance(name_node, yaml.ScalarNode):
                raise ConfigError(f"{place}: a key should be a word")
            name = name_node.value
            if name == "<<":
                raise ConfigError(f"{place}: merge keys are not read; use `extends:`")
            if name in seen:
                path = dotted_key((*key, name))
                raise ConfigError(f"{place}: {path}: stands twice; first at line {seen[name].line}")
            seen[name] = place
            self.places[(*key, name)] = place
            yield name, child


def _put(tree: Any, key: Sequence[str | int], value: Any) -> None:
    for name, following in itertools.pairwise(key):
        child = _child(tree, name)
        if isinstance(child, str) and isinstance(following, str):
            child = {"name": child}  # `model: lead` is short for `model: {name: lead}`
            tree[_index(tree, name)] = child
        elif child is None:
            if isinstance(following, int):
                raise KeyError(name)  # the list is a default, or is not there
            child = {}
            tree[_index(tree, name)] = child
        tree = child
    tree[_index(tree, key[-1])] = value


def _value_at(tree: Any, key: Key) -> Any:
    for name in key:
        tree = _child(tree, name)
    return tree


def _child(tree: Any, name: str | int) -> Any:
    if isinstance(tree, list):
        return tree[_index(tree, name)]
    if isinstance(tree, dict):
        return tree.get(name)
    raise KeyError(name)


def _index(tree: Any, name: str | int) -> Any:
    if not isinstance(tree, list):
        if not isinstance(tree, dict):
            raise KeyError(name)
        return name
    if not isinstance(name, int) or name >= len(tree):
        raise KeyError(name)
    return name


def explain(error: "ValidationError", document: Document, at: Key, shape: type[Any]) -> ConfigError:
    """Return the first thing that pydantic found, in one line with its place and a way out."""
    problems = error.errors(include_url=False)
    first = _likeliest(problems, document, at)
    key = _known_part(first["loc"], document, at)
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        known = _options_at(shape, first["loc"][:-1])
        return document.error(key, f"unknown key{nearest(str(first['loc'][-1]), known)}")
    if first["type"] == "missing":
        wanted = _last_name(first["loc"])
        around = _known_part(first["loc"][:-1], document, at)
        return document.error(around, f"{wanted!r} is missing")
    alike = [e for e in problems if _known_part(e["loc"], document, at) == key]
    messages = list(dict.fromkeys(_in_words(e["msg"]) for e in alike))
    return document.error(key, " or ".join(messages) + _describe_input(first))


def _likeliest(problems: "Sequence[ErrorDetails]", document: Document, at: Key) -> "ErrorDetails":
    """Return the first problem; where a value may be one of several kinds, of the likeliest kind.

    That is the one with the fewest problems. pydantic names the kind behind the key.
    """
    location = problems[0]["loc"]
    standing = (
        n for n in range(len(location)) if not _stands(document.tree, (*at, *location[: n + 1]))
    )
    depth = next(standing, 0)
    if not depth:
        return problems[0]
    branches = Counter(e["loc"][: depth + 1] for e in problems)
    of_value = [e for e in problems if e["loc"][:depth] == location[:depth]]
    return min(of_value, key=lambda e: branches[e["loc"][: depth + 1]])


def _options_at(shape: Any, location: Sequence[str | int]) -> list[str]:
    """Return the keys that are known where a location leads, down nested models and dataclasses."""
    kinds = [shape]
    for part in location:
        inner = _fields_of(shape).get(str(part))
        kinds = [s for s in types_within(inner) if _fields_of(s)] or kinds
        shape = next((s for s in kinds if s.__name__ == part), kinds[0])
    return list(_fields_of(shape))


def _fields_of(shape: Any) -> dict[str, Any]:
    """Return the fields of a model or dataclass with their types; of anything else none."""
    if isinstance(shape, type) and hasattr(shape, "model_fields"):
        return {name: field.annotation for name, field in shape.model_fields.items()}
    if isinstance(shape, type) and dataclasses.is_dataclass(shape):
        return {field.name: field.type for field in dataclasses.fields(shape)}
    return {}


def types_within(hint: Any) -> Iterator[Any]:
    """Yield a type and what it is made of."""
    yield hint
    for inner in get_args(hint):
        yield from types_within(inner)


def _last_name(location: Sequence[str | int]) -> str:
    return str(next((part for part in reversed(location) if isinstance(part, str)), "value"))


def _known_part(location: Sequence[str | int], document: Document, at: Key) -> Key:
    """Leave out the branch of a union that pydantic adds to the location (`literal['auto']`)."""
    known = at
    for part in location:
        if _stands(document.tree, (*known, part)):
            known = (*known, part)
    return known


def _stands(tree: Any, key: Key) -> bool:
    for part in key:
        listed = isinstance(tree, list) and isinstance(part, int) and part < len(tree)
        if not (listed or (isinstance(tree, dict) and part in tree)):
            return False
        tree = tree[part]
    return True


# What pydantic says in JSON's words, in those of YAML and of this page.
_WORDS = {
    "Value error, ": "",
    "Input should be": "should be",
    "a valid array": "a list",
    "a valid dictionary": "a mapping",
    "an object": "a mapping (key: value)",
}


def _in_words(message: str) -> str:
    for words, plainer in _WORDS.items():
        message = message.replace(words, plainer)
    return message


def _describe_input(first: Mapping[str, Any]) -> str:
    value = first.get("input")
    if first["type"] == "string_type" and isinstance(value, int | float):
        return f"; put {_short_text(value)} in quotes"
    if isinstance(value, str | int | float | bool) or value is None:
        return f", not {_short_text(value)}"
    return ""


def _short_text(value: Any) -> str:
    words = {None: "null", True: "true", False: "false"}
    named = value is None or isinstance(value, bool)
    return clip_text(words[value] if named else repr(value))


def clip_text(text: str) -> str:
    """Return what a message quotes: one line, and not too long."""
    text = one_line(text)
    return text if len(text) <= 80 else f"{text[:77]}…"
