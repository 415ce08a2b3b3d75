"""The run config: the YAML of an experiment, its shape checked, and the variants of its sweep.

The options of each component are checked when it is built (`config.build`), from its own fields.
"""

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    WithJsonSchema,
)

from evalharness.config import yaml
from evalharness.config.registry import SCORERS, Kind, known_components, scorer_of_part
from evalharness.config.sweep import Axes, Combination, lay, read_axes
from evalharness.config.yaml import Document, Key, clip_text, explain
from evalharness.errors import ConfigError
from evalharness.files.credentials import without_credentials
from evalharness.files.untrusted import read_whole
from evalharness.protocols import is_url
from evalharness.records import canonical
from evalharness.stats.intervals import Interval


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("should be one line of letters that can be seen")
    return value


Label = Annotated[str, AfterValidator(_printable)]


class Component(BaseModel):
    """A loader, model, metric or check by name; every other key is one of its options."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    name: str = Field(min_length=1, description="which one; `evalharness list` shows them")
    label: Label = Field("", description="what tables and folders call it, if not its name")

    @property
    def options(self) -> dict[str, Any]:
        """The keys that are neither name nor label."""
        return dict(self.model_extra or {})

    @property
    def shown_name(self) -> str:
        """Its label, or else its name: what tells it from others of a run."""
        return self.label or self.name


class Scorer(Component):
    """A metric or check, perhaps with a calibration of its scores."""

    calibration: str = Field(
        "", description="a file that `evalharness calibrate` wrote: gives probability and band"
    )


class ComparingJudge(Component):
    """A judge that compares systems, pair by pair."""

    pairs: int | None = Field(
        None,
        ge=1,
        description="how many pairs of summaries it is asked about at the most: those that say "
        "most about which system is better; without it, all",
    )


def _as_component_mapping(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Named = Annotated[
    Component, BeforeValidator(_as_component_mapping, json_schema_input_type=str | Component)
]
NamedScorer = Annotated[
    Scorer, BeforeValidator(_as_component_mapping, json_schema_input_type=str | Scorer)
]

NamedJudge = Annotated[
    ComparingJudge,
    BeforeValidator(_as_component_mapping, json_schema_input_type=str | ComparingJudge),
]


class Budget(BaseModel):
    """The most that one call of `evalharness run` may spend on servers; what is over is not sent.

    What is answered is stored, and the same command goes on with the rest.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    tokens: int | None = Field(None, gt=0, description="of prompts and answers together")
    usd: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="at the `price_in` and `price_out` of servers"
    )
    seconds: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="of the clock, from the first request on"
    )


_RANGE_SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "number"} for name in ("from", "to", "step")},
    "required": ["from", "to", "step"],
    "additionalProperties": False,
}
_COLUMNS_SCHEMA = {
    "type": "object",
    "additionalProperties": {"anyOf": [{"type": "array", "minItems": 1}, _RANGE_SCHEMA]},
}
# What the lists hold is for evalharness.config.sweep to check, which knows the place of each value.
SweptValues = Annotated[dict[str, Any], WithJsonSchema(_COLUMNS_SCHEMA)]


class Sweep(BaseModel):
    """What varies between the runs of an experiment: dotted keys and their values."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    grid: SweptValues = Field(
        default_factory=dict, description="keys and values, every value with every other"
    )
    zip: SweptValues = Field(
        default_factory=dict, description="keys and lists of one length, first with first"
    )
    cases: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="settings that go together, under a name"
    )
    exclude: tuple[dict[str, Any], ...] = Field(
        (), description="combinations to leave out; also by `case` and `model`"
    )


class RunConfig(BaseModel):
    """The checked YAML of an experiment, with the places that its errors point at.

    Where it has a sweep, this is the first combination; `variants` yields each of them.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: str = Field("", description="the experiment; names its folder. Default: the file's name")
    data: Named = Field(description="where articles come from")
    model: Named | None = Field(None, description="the summarizer")
    models: tuple[Named, ...] | None = Field((), description="several summarizers, a run each")
    metrics: tuple[NamedScorer, ...] = Field(
        (Scorer(name="rouge"),), description="scores against the references"
    )
    checks: tuple[NamedScorer, ...] = Field(
        (Scorer(name="lexical"),), description="scores against the article"
    )
    judges: tuple[NamedJudge, ...] = Field(
        (), description="which of two systems' summaries is better: `judge`, pairwise"
    )
    trackers: tuple[Named, ...] = Field((), description="outside tools that are told of each run")
    executor: Named = Field(
        Component(name="local"), description="where it is computed; changes no result"
    )
    generation: dict[str, Any] = Field(
        default_factory=dict, description="options for every model that generates"
    )
    seed: int = Field(0, ge=0, description="for everything that draws at random")
    limit: int | None = Field(None, ge=1, description="articles at the most, from the first")
    interval: Interval = Field(Interval(), description="the interval beside each mean")
    budget: Budget | None = Field(None, description="the most that may be spent on servers")
    samples: Literal["lines", "columns"] | None = Field(
        None, description="how texts are written: `samples.jsonl`, or Parquet from 10,000 articles"
    )
    sweep: Sweep | None = Field(None, description="what varies: a run for each combination")

    _document: Document = PrivateAttr()
    _axes: Axes = PrivateAttr(default=Axes())
    _combination: Combination = PrivateAttr(default=())

    def _read_from(
        self, document: Document, name: str, axes: Axes, combination: Combination = ()
    ) -> "RunConfig":
        read = self.model_copy(update={"name": name})
        read._document, read._axes, read._combination = document, axes, combination
        return read

    @property
    def document(self) -> Document:
        """The keys as they were written, with the places that errors point at."""
        return self._document

    @property
    def axes(self) -> Axes:
        """What the sweep varies."""
        return self._axes

    @property
    def combination(self) -> Combination:
        """What the sweep has set here."""
        return self._combination

    def variants(self) -> Iterator["RunConfig"]:
        """Yield the run config of each combination of a sweep. Raises: ConfigError."""
        for combination in self.axes.combinations():
            laid = _lay_combination(combination, self.document)
            yield _validate(laid)._read_from(laid, self.name, self.axes, combination)

    def summarizers(self) -> Iterable[tuple[Key, Component]]:
        """The models, each with the path of its place."""
        if self.model is not None:
            return [(("model",), self.model)]
        return [(("models", n), model) for n, model in enumerate(self.models or ())]

    def scorers(self) -> Iterator[tuple[Kind, Key, Scorer]]:
        """Yield the metrics and then the checks, each with the path of its place."""
        yield from (("metrics", ("metrics", n), scorer) for n, scorer in enumerate(self.metrics))
        yield from (("checks", ("checks", n), scorer) for n, scorer in enumerate(self.checks))


def read_run_config(
    config: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    limit: int | None = None,
    executor: str | None = None,
    workers: int | None = None,
    called: str = "config",
) -> RunConfig:
    """Read a config file (or a mapping of the same shape), lay `key=value` overrides over it.

    executor, workers: over the config's `executor`, but for `auto`, which is below it; workers of
        none that is named are processes.
    called: what errors call a mapping.

    Raises: ConfigError, one line with file, line, column, dotted path, and what was expected.
    """
    document = _read_document(config, called)
    for kind in ("metrics", "checks"):  # so that an override or a sweep can name one of them
        usual = RunConfig.model_fields[kind].default
        document.tree.setdefault(kind, [component.name for component in usual])
    _put_scorers_of_parts(document)
    for override in [overrides] if isinstance(overrides, str) else overrides:
        _override(document, override)
    _put_scorers_of_parts(document)
    if limit is not None:
        document.put(("limit",), limit, yaml.Location("--limit", Path.cwd()))
    if executor is not None or workers is not None:
        _put_executor(document, executor, workers)
    document.refuse_credentials()  # before anything may say a value again
    axes = _take_axes(document)
    first = _validate(_lay_combination(next(axes.combinations()), document))
    name = first.name or (Path(config).stem if isinstance(config, str | Path) else "experiment")
    return first._read_from(document, name, axes)


# A name in the first column of a text that need not be YAML otherwise.
_NAME_LINE = re.compile(r"""^name:[ \t]+(["']?)([^\s"'#{}\[\]]+)\1[ \t]*(?:#.*)?$""", re.MULTILINE)


def experiment_named(
    config: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()
) -> str | None:
    """Return the name of the experiment of a config that cannot be read; None where none says it.

    It is that of an override, or stands in a line of the text, or else the file's. What is no file
    (a folder of results, a path mistyped) says none.
    """
    pairs = [override.partition("=") for override in overrides]
    if given := [value.strip() for key, _, value in pairs if key.strip() == "name"]:
        return given[-1]
    if isinstance(config, Mapping):
        name = config.get("name", "experiment")
        return name if isinstance(name, str) else None
    try:
        text = read_whole(Path(config)).decode("utf-8", "replace")
    except (IsADirectoryError, FileNotFoundError):
        return None
    except (OSError, ValueError):
        text = ""
    if line := _NAME_LINE.search(text):
        return line[2]
    return None if re.search(r"^(?:name|extends):", text, re.MULTILINE) else Path(config).stem


def _take_axes(document: Document) -> Axes:
    block = document.tree.pop("sweep", None)
    if block is None:
        return Axes()
    try:
        Sweep.model_validate_json(canonical(block))
    except ValidationError as error:
        document.tree["sweep"] = block  # for the place of the error
        raise explain(error, document, ("sweep",), Sweep) from None
    return read_axes(block, document)  # as written: its order is that of the runs


def _lay_combination(combination: Combination, base: Document) -> Document:
    laid = Document(copy.deepcopy(base.tree), dict(base.places))
    lay(combination, laid)
    _put_scorers_of_parts(laid)
    return laid


def _put_scorers_of_parts(document: Document) -> None:
    """Put metrics and checks where a config names parts of them, `rouge1`: each of them once."""
    for kind in SCORERS:
        held = document.tree.get(kind)
        listed: list[Any] = held if isinstance(held, list) else []
        for n in reversed(range(len(listed))):
            entry = listed[n]
            scorer = _scorer_meant(kind, entry)
            others = [_label_meant(kind, other) for other in (*listed[:n], *listed[n + 1 :])]
            if scorer and isinstance(entry, str) and scorer in others:
                document.drop((kind,), n)
            elif scorer:
                listed[n] = scorer if isinstance(entry, str) else {**entry, "name": scorer}


def _scorer_meant(kind: Kind, entry: Any) -> str:
    """Return the metric or check that an entry names by a part; nothing where it does not."""
    name = entry.get("name") if isinstance(entry, dict) else entry
    scorer = scorer_of_part(name) if isinstance(name, str) else name
    if scorer == name or name in (known := known_components(kind)) or scorer not in known:
        return ""
    return str(scorer)


def _label_meant(kind: Kind, entry: Any) -> Any:
    """Return what tells an entry from others of its list: its label, or what it names."""
    label = entry.get("label") if isinstance(entry, dict) else ""
    name = entry.get("name") if isinstance(entry, dict) else entry
    return label or _scorer_meant(kind, entry) or name


# Endings of files of rows.
_ROWS = (".jsonl", ".csv", ".tsv", ".parquet")


def _refuse_data(path: Path) -> None:
    """Raise ConfigError for a file of rows in place of a config: as YAML it makes no sense."""
    if path.name.lower().removesuffix(".gz").endswith(_ROWS):
        raise ConfigError(
            f"{path}: this looks like data, and here a config is read, as evalharness init study "
            "writes one; to score summaries that exist: evalharness score"
        )


def _read_document(config: str | Path | Mapping[str, Any], called: str) -> Document:
    if isinstance(config, str) and is_url(config):
        raise ConfigError(
            f"{config}: a config is a file of this machine, as its paths are; copy it here. What "
            "it names under `data` may be at a URL"
        )
    if isinstance(config, str | Path):
        _refuse_data(Path(config))
        return yaml.read_yaml(Path(config))
    if "extends" in config:
        raise ConfigError(f"{called}: extends: is for files; merge the mappings")
    return Document(_copy_value(config), {(): yaml.Location(called, Path.cwd())})


def _copy_value(value: Any) -> Any:
    """Return a copy that is ours to change, as YAML would have given it."""
    if isinstance(value, Mapping):
        return {str(key): _copy_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_copy_value(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value


def _override(document: Document, override: str) -> None:
    path, equals, value = override.partition("=")
    # The value is not said again: it may be a secret, and errors stand in logs.
    place = yaml.Location(f"--set {without_credentials(clip_text(path))}", Path.cwd())
    if not equals or not path.strip():
        raise ConfigError(f"{place}: should be key=value, with dots in the key: model.num_beams=8")
    if path.count(".") > yaml.MAX_DEPTH:
        raise ConfigError(f"{place}: has more than {yaml.MAX_DEPTH} dots in its key")
    key = _sweep_key(path) or _key_in(document, path)
    try:
        document.put(key, yaml.parse_value(value, str(place)), place)
    except KeyError as error:
        raise ConfigError(f"{place}: there is no {error.args[0]!r} to set a value in") from None


def _key_in(document: Document, path: str) -> Key:
    """Return the key of a dotted path, which may name a metric or check by a part: `rouge1`."""
    key = yaml.key_of(path, document.tree)
    if key[0] in SCORERS and len(key) > 1 and isinstance(key[1], str):  # none is called so
        kind, _, rest = path.strip().partition(".")
        name, dot, option = rest.partition(".")
        key = yaml.key_of(f"{kind}.{scorer_of_part(name)}{dot}{option}", document.tree)
    return key


def _put_executor(document: Document, name: str | None, workers: int | None) -> None:
    if name == "auto":
        if workers is None and "executor" in document.tree:
            return
        name = name if workers is None else None
    below = _as_component_mapping(document.tree.get("executor", "local"))
    if not isinstance(below, dict):
        return  # no executor at all, which is told when the config is checked
    chosen = name or below.get("name", "local")
    if workers is not None and name is None and chosen == "local":
        chosen = "processes"
    same = chosen == below.get("name", chosen)  # what `--set` laid over has no name yet
    whole = {**below, "name": chosen} if same and name != "local" else {"name": chosen}
    if workers is not None:
        whole["workers"] = workers
    option = "--executor" if name is not None else "--workers"
    document.put(("executor",), whole, yaml.Location(option, Path.cwd()))


def _sweep_key(path: str) -> Key:
    """Return the key of a list in a sweep, whose own key has dots in it; else nothing.

    >>> _sweep_key("sweep.grid.model.num_beams"), _sweep_key("model.num_beams")
    (('sweep', 'grid', 'model.num_beams'), ())
    """
    parts = path.strip().split(".")
    depth = {"grid": 2, "zip": 2, "cases": 3}.get(parts[1] if len(parts) > 1 else "", 0)
    if parts[0] != "sweep" or not 0 < depth < len(parts):
        return ()
    return (*parts[:depth], ".".join(parts[depth:]))


def _validate(document: Document) -> RunConfig:
    try:
        run_config = RunConfig.model_validate_json(canonical(document.tree))
    except ValidationError as error:
        raise explain(error, document, (), RunConfig) from None
    except TypeError as error:
        raise document.error((), f"holds what YAML could not: {error}") from None
    if run_config.model is not None and run_config.models:
        message = "give `model` or `models`, not both; set the one below to null"
        raise document.error(("models",), message)
    if run_config.model is None and not run_config.models:
        raise document.error((), "no `model`: name a summarizer, such as `model: lead`")
    return run_config
