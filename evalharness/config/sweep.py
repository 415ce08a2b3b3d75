"""`sweep:` in a config: what varies, the combinations, and what each is called.

    sweep:
      grid:                                        # every value with every other
        generation.num_beams: [1, 4]
        generation.length_penalty: {from: 0.8, to: 1.2, step: 0.2}
      zip: {data.path: [a.jsonl, b.jsonl], limit: [100, 50]}      # first with first, and so on
      cases: {short: {generation.max_new_tokens: 40}, as-is: {}}  # settings under a name
      exclude: [{generation.num_beams: 1, case: short}]

Here keys and values are paired and named; whether they are right is for the config that they are
laid over to say, with their place in the file.
"""

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from evalharness.config.yaml import Document, Key, Location, dotted_key, key_of, nearest
from evalharness.errors import ConfigError
from evalharness.records import canonical, digest

# Beyond this a sweep is a slip: each combination and model is a run with a folder of its own.
MAX_COMBINATIONS = 1000
# Keys that a sweep may not set: what names the experiment, and what it is made of.
_FIXED = {
    "name": "it names the experiment; each run's folder is named by what varies",
    "sweep": "a sweep cannot vary itself",
    "extends": "files are read before the sweep is",
    "models": "they are in each combination anyway; name one option: models.0.num_beams",
}
_RANGE = ("from", "to", "step")
_LONGEST_VALUE = 32
# Last parts of a key that say less than what stands before them: `data.path` is the data.
_UNTELLING = ("path", "model", "name")


@dataclass(frozen=True)
class Setting:
    """One value for one key; `name` stands for it in names of runs: `num_beams=4`."""

    written: str
    key: Key
    value: Any
    place: Location
    name: str = ""


@dataclass(frozen=True)
class SettingChoice:
    """Settings that go together; a case has a name of its own."""

    settings: tuple[Setting, ...]
    case: str = ""


Axis = tuple[SettingChoice, ...]
Combination = tuple[SettingChoice, ...]


@dataclass(frozen=True)
class Rule:
    """What an entry of `exclude` asks for: any of some values, for each of its keys."""

    wanted: Mapping[str, tuple[Any, ...]]
    place: Key


@dataclass(frozen=True)
class Axes:
    """All that varies, in the order in which names say it: cases, zip, grid."""

    axes: tuple[Axis, ...] = ()
    rules: tuple[Rule, ...] = ()

    def combinations(self) -> Iterator[Combination]:
        """Yield one choice of each axis, the last axis changing first."""
        yield from itertools.product(*self.axes)

    def names(self, combination: Combination, reaches: Callable[[Key], bool]) -> tuple[str, ...]:
        """Return what tells a combination from others, of what reaches a model."""
        names: list[str] = []
        for axis, choice in zip(self.axes, combination, strict=True):
            if not choice.case:
                names += [s.name for s in choice.settings if reaches(s.key)]
            elif any(reaches(s.key) for other in axis for s in other.settings):
                names.append(choice.case)
        return tuple(names)

    def excluding_rules(self, combination: Combination, model: str) -> list[Rule]:
        """Return the rules that leave out a combination with a model."""
        values = {s.written: s.value for choice in combination for s in choice.settings}
        values.update([("case", choice.case) for choice in combination if choice.case])
        values.setdefault("model", model)
        return [
            rule
            for rule in self.rules
            if all(
                name in values and any(_same(values[name], value) for value in wanted)
                for name, wanted in rule.wanted.items()
            )
        ]


def read_axes(block: Mapping[str, Any], document: Document) -> Axes:
    """Return what a checked `sweep` block varies.

    Raises: ConfigError with the place of a key that cannot be swept, or of no list of values.
    """
    cases = _cases(block.get("cases") or {}, document)
    zipped = _columns(block.get("zip") or {}, ("sweep", "zip"), document)
    grid = _columns(block.get("grid") or {}, ("sweep", "grid"), document)
    _each_key_once([*cases, *zipped.values(), *grid.values()], document)
    short = _short_names([*zipped, *grid])
    named = {key: _name_values(column, short[key]) for key, column in (zipped | grid).items()}
    axes: list[Axis] = []
    if cases:
        axes.append(tuple(cases))
    if zipped:
        axes.append(_zip_columns([named[key] for key in zipped], document))
    axes += [tuple(SettingChoice((setting,)) for setting in named[key]) for key in grid]
    if (n := math.prod(map(len, axes))) > MAX_COMBINATIONS:
        raise document.error(("sweep",), f"{n} combinations; {MAX_COMBINATIONS} at the most")
    return Axes(tuple(axes), _rules(block.get("exclude") or (), axes, document))


def lay(combination: Combination, document: Document) -> None:
    """Lay the settings of a combination over a document; options after the whole that has them."""
    settings = [setting for choice in combination for setting in choice.settings]
    for setting in sorted(settings, key=lambda s: len(s.key)):
        try:
            document.put(setting.key, setting.value, setting.place)
        except KeyError as error:
            message = f"there is no {error.args[0]!r} to set a value in"
            raise ConfigError(f"{setting.place}: {setting.written}: {message}") from None


def _cases(cases: Mapping[str, Mapping[str, Any]], document: Document) -> list[SettingChoice]:
    choices: list[SettingChoice] = []
    taken: dict[str, str] = {}
    for name, values in cases.items():
        at: Key = ("sweep", "cases", name)
        if _slug(name).lower() in taken:
            raise document.error(at, f"too much like the case {taken[_slug(name).lower()]!r}")
        taken[_slug(name).lower()] = name
        settings = [_setting(key, value, (*at, key), document) for key, value in values.items()]
        choices.append(SettingChoice(tuple(settings), _slug(name)))
    return choices


def _columns(
    block: Mapping[str, Any], at: Key, document: Document
) -> dict[str, tuple[Setting, ...]]:
    """Return for each key its settings, one a value."""
    columns: dict[str, tuple[Setting, ...]] = {}
    for written, given in block.items():
        here = (*at, written)
        values = _values(given, here, document)
        column = [
            _setting(written, value, (*here, n) if isinstance(given, list) else here, document)
            for n, value in enumerate(values)
        ]
        for n, value in enumerate(values):
            if any(_same(value, earlier) for earlier in values[:n]):
                raise document.error((*here, n), f"{_value_text(value)} stands twice")
        columns[written] = tuple(column)
    return columns


def _values(given: Any, at: Key, document: Document) -> list[Any]:
    if isinstance(given, Mapping):
        return _range(given, at, document)
    if not isinstance(given, list):
        raise document.error(at, "should be a list of values, or {from, to, step}")
    if not given:
        raise document.error(at, "an empty list: give at least one value")
    return list(given)


def _range(given: Mapping[str, Any], at: Key, document: Document) -> list[Any]:
    """Return the numbers of a range, its end included, as exactly as they were written."""
    for name, value in given.items():
        if name not in _RANGE:
            raise document.error((*at, name), f"unknown key{nearest(name, _RANGE)}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise document.error((*at, name), f"should be a number, not {_value_text(value)}")
        if not math.isfinite(value):
            raise document.error((*at, name), f"should be a number, not {value}")
    for name in _RANGE:
        if name not in given:
            raise document.error(at, f"{name!r} is missing: a range is {{from, to, step}}")
    start, end, step = (Decimal(str(given[name])) for name in _RANGE)
    if step == 0 or (end - start) / step < 0:
        raise document.error((*at, "step"), f"steps of {step} do not lead from {start} to {end}")
    n = int((end - start) / step) + 1
    if n > MAX_COMBINATIONS:
        raise document.error(at, f"{n} values; {MAX_COMBINATIONS} at the most")
    whole = all(isinstance(given[name], int) for name in _RANGE)
    return [int(start + i * step) if whole else float(start + i * step) for i in range(n)]


def _setting(written: str, value: Any, at: Key, document: Document) -> Setting:
    first = written.partition(".")[0]
    if not written.strip(".") or (first in _FIXED and (first != "models" or first == written)):
        why = _FIXED.get(first, "name what varies: generation.num_beams")
        raise document.error(at, f"cannot be swept: {why}")
    if written.startswith("model.") and document.tree.get("models"):
        rest = written.removeprefix("model.")
        message = f"there are several models: write generation.{rest}, or models.0.{rest} for one"
        raise document.error(at, message)
    return Setting(written, key_of(written, document.tree), value, document.place(at))


def _each_key_once(
    groups: Sequence[SettingChoice | tuple[Setting, ...]], document: Document
) -> None:
    """Refuse a key that two axes set: one of them would do nothing."""
    axes: list[set[Key]] = []
    in_cases: set[Key] = set()
    for group in groups:
        if isinstance(group, SettingChoice):
            keys = [setting.key for setting in group.settings]
            twice = [key for key, n in Counter(keys).items() if n > 1]
            in_cases |= set(keys)
        else:
            twice = [group[0].key] if any(group[0].key in axis for axis in axes) else []
            axes.append({group[0].key})
        if twice:
            raise document.error(("sweep",), f"{dotted_key(twice[0])} stands twice")
    for key in in_cases & set().union(*axes):
        raise document.error(("sweep",), f"{dotted_key(key)} stands in cases and elsewhere, too")


def _zip_columns(columns: Sequence[tuple[Setting, ...]], document: Document) -> Axis:
    lengths = {column[0].written: len(column) for column in columns}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{key} has {n}" for key, n in lengths.items())
        raise document.error(("sweep", "zip"), f"lists of one length go together: {listed}")
    return tuple(SettingChoice(settings) for settings in zip(*columns, strict=True))


def _short_names(written: Sequence[str]) -> dict[str, str]:
    """Return for each key its last parts, as many as tell it from the others.

    >>> _short_names(["model.num_beams", "data.path", "metrics.rouge.stemmer", "checks.a.stemmer"])
    {'model.num_beams': 'num_beams', 'data.path': 'data',
     'metrics.rouge.stemmer': 'rouge.stemmer', 'checks.a.stemmer': 'a.stemmer'}
    """
    parts = {key: key.split(".") for key in written}
    for key, split in parts.items():
        if len(split) > 1 and split[-1] in _UNTELLING and not split[-2].isdecimal():
            parts[key] = split[:-1]
    length = dict.fromkeys(written, 1)
    while True:
        names = {key: ".".join(parts[key][-n:]) for key, n in length.items()}
        count = Counter(names.values())
        alike = [key for key, n in length.items() if count[names[key]] > 1 and n < len(parts[key])]
        if not alike:
            break
        for key in alike:
            length[key] += 1
    count = Counter(names.values())
    return {key: name if count[name] == 1 else key for key, name in names.items()}


def _name_values(column: tuple[Setting, ...], short: str) -> tuple[Setting, ...]:
    """Name each value of a key, no two alike even where capitals do not count."""
    texts = [_text(setting.value) for setting in column]
    count = Counter(text.lower() for text in texts)
    return tuple(
        Setting(
            setting.written,
            setting.key,
            setting.value,
            setting.place,
            f"{_slug(short)}="
            + (text if count[text.lower()] == 1 else f"{text}-{digest(setting.value)[:6]}"),
        )
        for setting, text in zip(column, texts, strict=True)
    )


def _text(value: Any) -> str:
    """Return a value as names have it.

    >>> [_text(v) for v in (4, 0.5, True, None, "data/news.jsonl", "A b?", ["x", 2])]
    ['4', '0.5', 'true', 'none', 'news', 'A-b', 'x+2']
    """
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return _slug(str(value.get("label") or value.get("name") or digest(value)[:8]))
    if isinstance(value, list):
        return _slug("+".join(_text(inner) for inner in value))
    if isinstance(value, str) and re.fullmatch(r"[^\s]*[/\\][^\s]*|\S+\.\w+", value):
        value = re.split(r"[/\\]", value.rstrip("/\\"))[-1]
        value = re.sub(r"(\.(jsonl|ndjson|csv|tsv|parquet|gz))+$", "", value)
    return _slug(str(value))


def _slug(text: str) -> str:
    slug = re.sub(r"[^\w.+-]+", "-", text)[:_LONGEST_VALUE].strip(".")
    slug = slug if slug[:1] == "-" and slug[1:2].isdecimal() else slug.lstrip("-")
    return slug.rstrip("-") or digest(text)[:8]


def _rules(
    entries: Sequence[Mapping[str, Any]], axes: Sequence[Axis], document: Document
) -> tuple[Rule, ...]:
    known: dict[str, list[Any]] = {}
    for axis in axes:
        for choice in axis:
            for setting in choice.settings:
                known.setdefault(setting.written, []).append(setting.value)
            if choice.case:
                known.setdefault("case", []).append(choice.case)
    known.setdefault("model", [])  # what models there are is not known here
    return tuple(_rule(entry, n, known, document) for n, entry in enumerate(entries))


def _rule(
    entry: Mapping[str, Any], n: int, known: Mapping[str, Sequence[Any]], document: Document
) -> Rule:
    at: Key = ("sweep", "exclude", n)
    if not entry:
        raise document.error(at, "empty: it would leave out everything")
    wanted: dict[str, tuple[Any, ...]] = {}
    for name, given in entry.items():
        if name not in known:
            raise document.error((*at, name), f"is not swept{nearest(name, list(known))}")
        values = given if isinstance(given, list) else [given]
        wanted[name] = tuple(_slug(str(v)) if name == "case" else v for v in values)
        for value in wanted[name]:
            if known[name] and not any(_same(value, other) for other in known[name]):
                told = ", ".join(dict.fromkeys(_value_text(other) for other in known[name]))
                raise document.error(
                    (*at, name), f"{_value_text(value)} is none of its values: {told}"
                )
    return Rule(wanted, at)


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are one: 1 and 1.0 are, 1 and true are not.

    >>> _same(1, 1.0), _same(1, True), _same([1], [1])
    (True, False, True)
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    return canonical(one) == canonical(other)


def _value_text(value: Any) -> str:
    text = canonical(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
