"""Names to classes: the components that are built in, each with a row of what others know of it.

A plug-in is a package with an entry point in one of the groups `evalharness.loaders`, `.models`,
`.metrics`, `.checks`, `.trackers`, `.executors`: `name = "module:Class"`. It is imported when a
config names it.
"""

import dataclasses
import importlib
import inspect
import typing
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from evalharness.config.yaml import nearest
from evalharness.errors import ConfigError, MissingExtra, UnknownComponent

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Kind = Literal["loaders", "models", "metrics", "checks", "trackers", "executors"]

SCORERS: tuple[Kind, Kind] = ("metrics", "checks")
Role = Literal["baseline", "upper bound", "given", ""]


@dataclasses.dataclass(frozen=True)
class ComponentRow:
    """What others know of a component without importing it.

    target: its class, as `module:Class`.
    shown: of a scorer with many parts, those that tables have in place of its value.
    figures: what there is of a shown part beside its value, as in `rouge1.recall`.
    beside: further parts, which tables have where summaries differ in length.
    unscaled: parts that are no shares: tables have them as they are, and not times 100.
    descriptive: a scorer that tells how a summary is made, and not how good it is.
    verdict: of a check, whether its scores tell if a summary is true to its article; where they
        tell what it says, or how, no verdict is made of them.
    truth: of a check that is asked several things, the values of its options by which it is asked
        about truth; no verdict is made where an option has another value.
    rewards_copying: of a check, whether each new word lowers its score, so that what is copied has
        the highest.
    profile: parts that say which shares of a summary's content come from the article's first part,
        its next one, and so on to its end; a plot has a line a system of them.
    role: of a model; a baseline tells how little could be had and an upper bound how much, so that
        neither competes; one that is `given` writes nothing.
    packages: those whose versions can move its results; a run's provenance names them.
    extra: what of evalharness's extras it cannot do without.
    """

    target: str
    shown: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    unscaled: tuple[str, ...] = ()
    descriptive: bool = False
    verdict: bool = True
    truth: Mapping[str, frozenset[str]] = dataclasses.field(
        default_factory=dict[str, frozenset[str]]
    )
    rewards_copying: bool = False
    profile: tuple[str, ...] = ()
    role: Role = ""
    packages: tuple[str, ...] = ()
    extra: str = ""


NETWORKS = ("accelerate", "safetensors", "sentencepiece", "tokenizers", "torch", "transformers")

BUILT_IN: Mapping[Kind, Mapping[str, ComponentRow]] = {
    "loaders": {
        "files": ComponentRow("evalharness.loaders.files:Files"),
        "hub": ComponentRow("evalharness.loaders.hub:Hub", packages=("datasets",), extra="hf"),
        "logs": ComponentRow("evalharness.loaders.logs.loader:Logs"),
        "outputs": ComponentRow("evalharness.loaders.outputs:Outputs"),
        "pages": ComponentRow("evalharness.loaders.pages.loader:Pages", packages=("lxml",)),
    },
    "models": {
        "article": ComponentRow("evalharness.models.extractive:WholeArticle", role="baseline"),
        "causal": ComponentRow("evalharness.models.causal:Causal", packages=NETWORKS, extra="hf"),
        "endpoint": ComponentRow("evalharness.models.endpoint:Endpoint"),
        "given": ComponentRow("evalharness.models.given:Given", role="given"),
        "lead": ComponentRow("evalharness.models.extractive:Lead", role="baseline"),
        "lexrank": ComponentRow("evalharness.models.extractive:LexRank", role="baseline"),
        "oracle": ComponentRow("evalharness.models.extractive:Oracle", role="upper bound"),
        "outputs": ComponentRow("evalharness.models.given:FileOutputs", role="given"),
        "random": ComponentRow("evalharness.models.extractive:RandomSentences", role="baseline"),
        "seq2seq": ComponentRow(
            "evalharness.models.seq2seq:Seq2Seq", packages=NETWORKS, extra="hf"
        ),
        "textrank": ComponentRow("evalharness.models.extractive:TextRank", role="baseline"),
        "title": ComponentRow("evalharness.models.extractive:Title", role="baseline"),
    },
    "metrics": {
        "bartscore": ComponentRow(
            "evalharness.metrics.bartscore:BartScore", packages=NETWORKS, extra="hf"
        ),
        "bertscore": ComponentRow(
            "evalharness.metrics.bertscore:BertScore", packages=NETWORKS, extra="hf"
        ),
        "bleu": ComponentRow("evalharness.metrics.bleu:Bleu", packages=("sacrebleu",)),
        "chrf": ComponentRow("evalharness.metrics.bleu:Chrf", packages=("sacrebleu",)),
        "extractiveness": ComponentRow(
            "evalharness.metrics.extractiveness:Extractiveness",
            shown=("copied", "density", "novel_2"),
            unscaled=("density",),
            descriptive=True,
        ),
        "rouge": ComponentRow(
            "evalharness.metrics.rouge:Rouge",
            shown=("rouge1", "rouge2", "rougeL", "rougeLsum"),
            beside=("rouge1.recall", "rouge1.precision"),
            figures=("precision", "recall"),
            packages=("rapidfuzz", "rouge-score-rs"),
        ),
        "ter": ComponentRow("evalharness.metrics.bleu:Ter", packages=("sacrebleu",)),
        "unieval": ComponentRow(
            "evalharness.metrics.unieval:UniEval", packages=NETWORKS, extra="hf"
        ),
    },
    "checks": {
        "alignscore": ComponentRow(
            "evalharness.checks.alignscore:AlignScore", packages=NETWORKS, extra="hf"
        ),
        "bartscore": ComponentRow(
            "evalharness.checks.bartscore:BartScore", packages=NETWORKS, extra="hf"
        ),
        "bertscore": ComponentRow(
            "evalharness.checks.bertscore:BertScore", packages=NETWORKS, extra="hf"
        ),
        "coverage": ComponentRow(
            "evalharness.checks.coverage:Coverage",
            unscaled=("words",),
            verdict=False,
            profile=("from_1", "from_2", "from_3", "from_4", "from_5"),
        ),
        "dates": ComponentRow("evalharness.checks.lexical.dates:Dates"),
        "entities": ComponentRow("evalharness.checks.lexical.entities:Entities"),
        "factcg": ComponentRow("evalharness.checks.factcg:FactCG", packages=NETWORKS, extra="hf"),
        "fluency": ComponentRow("evalharness.checks.fluency:Fluency", verdict=False),
        "judge": ComponentRow(
            "evalharness.checks.judge.judge:Judge",
            truth={
                "criteria": frozenset({"consistency", "omissions"}),
                "preset": frozenset(
                    {
                        *("geval-consistency", "finesure-faithfulness", "prometheus"),
                        *("selene-mini", "minicheck-7b", "summedits"),
                    }
                ),
            },
            packages=NETWORKS,
        ),
        "hhem": ComponentRow("evalharness.checks.hhem:Hhem", packages=NETWORKS, extra="hf"),
        "lettucedetect": ComponentRow(
            "evalharness.checks.lettucedetect:LettuceDetect", packages=NETWORKS, extra="hf"
        ),
        "lexical": ComponentRow("evalharness.checks.lexical.lexical:Lexical", rewards_copying=True),
        "minicheck": ComponentRow(
            "evalharness.checks.minicheck:MiniCheck", packages=NETWORKS, extra="hf"
        ),
        "nli": ComponentRow("evalharness.checks.nli:Nli", packages=NETWORKS, extra="hf"),
        "numbers": ComponentRow("evalharness.checks.lexical.numbers:Numbers"),
        "polarity": ComponentRow("evalharness.checks.lexical.polarity:Polarity"),
        "quotes": ComponentRow("evalharness.checks.lexical.quotes:Quotes"),
        "redundancy": ComponentRow("evalharness.checks.redundancy:Redundancy", verdict=False),
        "roles": ComponentRow("evalharness.checks.lexical.roles:Roles"),
        "support": ComponentRow("evalharness.checks.lexical.support:Support", rewards_copying=True),
        "unieval": ComponentRow(
            "evalharness.checks.unieval:UniEval", packages=NETWORKS, extra="hf"
        ),
    },
    "trackers": {
        "mlflow": ComponentRow("evalharness.trackers.mlflow:MLflow"),
        "tensorboard": ComponentRow("evalharness.trackers.tensorboard:TensorBoard"),
        "trackio": ComponentRow("evalharness.trackers.trackio:Trackio"),
        "wandb": ComponentRow("evalharness.trackers.wandb:WandB"),
    },
    "executors": {
        "auto": ComponentRow("evalharness.executors.auto:Auto"),
        "local": ComponentRow("evalharness.executors.local:Local"),
        "processes": ComponentRow("evalharness.executors.processes:Processes"),
        "ray": ComponentRow("evalharness.executors.ray:Ray"),
    },
}

# What to do about a file, class or function in the place of a name.
OWN_COMPONENT = (
    "; to use code of your own, install it as a plug-in: `evalharness init metric` writes one"
)

# What the classes of each kind must have; evalharness.protocols says what it is.
_CONTRACT: Mapping[Kind, tuple[str, ...]] = {
    "loaders": ("version", "load"),
    "models": ("version", "needs", "summarize"),
    "metrics": ("version", "needs", "range", "score"),
    "checks": ("version", "needs", "range", "score"),
    "trackers": ("version", "required", "ready", "track"),
    "executors": ("version", "pool", "refuses"),
}


_PLUG_IN = ComponentRow("")


def scorer_row(name: str) -> ComponentRow:
    """Return what is known of a metric or check; of a plug-in's only what holds for most."""
    return next((BUILT_IN[kind][name] for kind in SCORERS if name in BUILT_IN[kind]), _PLUG_IN)


def gives_verdict(check: Any) -> bool:
    """Tell whether a verdict can be made of a check's scores; check: a component, or its class."""
    made = check if inspect.isclass(check) else type(check)
    target = f"{made.__module__}:{made.__qualname__}"
    options = {} if made is check else getattr(check, "__dict__", {})
    return all(
        _is_about_truth(row, options) for row in BUILT_IN["checks"].values() if row.target == target
    )


def tells_truth(signature: str) -> bool:
    """Tell whether a verdict can be made of the scores with a signature; a name is one, too.

    >>> tells_truth("judge|criteria:consistency|version:2"), tells_truth("judge|criteria:fluency")
    (True, False)
    """
    name, *options = signature.split("|")
    values = {option: value.split(",") for option, _, value in (o.partition(":") for o in options)}
    return _is_about_truth(scorer_row(name), values)


def _is_about_truth(row: ComponentRow, options: Mapping[str, Any]) -> bool:
    """Tell whether a check with these options is asked about truth; values: one, some, or None."""
    if not row.verdict:
        return False
    for option, known in row.truth.items():
        value = options.get(option)
        values = [value] if isinstance(value, str) else value or ()
        if not all(isinstance(each, str) and each in known for each in values):
            return False
    return True


def scorer_of_part(name: str) -> str:
    """Return the metric or check that a name means: its own, or the one with such a part.

    >>> scorer_of_part("rouge1"), scorer_of_part("rouge.rougeL"), scorer_of_part("rouge2.recall")
    ('rouge', 'rouge', 'rouge')
    >>> scorer_of_part("numbers"), scorer_of_part("rouge2.recal")
    ('numbers', 'rouge2.recal')
    """
    rows = {scorer: row for kind in SCORERS for scorer, row in BUILT_IN[kind].items()}
    first, _, rest = name.partition(".")
    part, _, figure = rest.partition(".") if first in rows else (first, ".", rest)
    for scorer, row in rows.items():
        if first in (scorer, part) and part in row.shown and figure in ("", *row.figures):
            return scorer
    return name


def whole_name(name: str) -> str:
    """Return a name with the metric or check before the part, where the part alone names it.

    >>> whole_name("rouge1"), whole_name("rouge.rouge1"), whole_name("nli.min")
    ('rouge.rouge1', 'rouge.rouge1', 'nli.min')
    """
    scorer = scorer_of_part(name)
    return name if f"{name}.".startswith(f"{scorer}.") else f"{scorer}.{name}"


def model_row(name: str) -> ComponentRow:
    """Return what is known of a model; of a plug-in's only what holds for most."""
    return BUILT_IN["models"].get(name, _PLUG_IN)


def is_built_in(name: str) -> bool:
    """Tell whether a metric or check is one of ours, and no plug-in's."""
    return any(name in BUILT_IN[kind] for kind in SCORERS)


def is_share(part: str) -> bool:
    """Tell whether a part of a score, or its value (""), is shown times 100."""
    return not any(part in row.unscaled for kind in SCORERS for row in BUILT_IN[kind].values())


def scaled_figure(value: float | None, metric: str, sign: str = "", digits: int = 2) -> str:
    """Return a figure as people read it anywhere: shares times 100, from the value as it is stored.

    metric: its name, or its part's.

    >>> scaled_figure(0.1805, "rouge.rouge1"), scaled_figure(-0.01, "numbers", "+", 1)
    ('18.05', '-1.0')
    """
    scale = 100 if is_share(metric.rpartition(".")[2]) else 1
    return "–" if value is None else f"{value * scale:{sign}.{digits}f}"


def detectable_figure(value: float | None, metric: str) -> str:
    """Return a difference that so many articles show; none where a share cannot differ so much."""
    beyond = value is not None and value > 1 and is_share(metric.rpartition(".")[2])
    return scaled_figure(None if beyond else value, metric)


# What tells that an extra is installed, as modules.
_MODULES = {"hf": ("torch", "transformers", "datasets")}


def check_installed(kind: Kind, name: str) -> None:
    """Raise MissingExtra where a component needs packages that are not here; imports none."""
    row = BUILT_IN[kind].get(name, _PLUG_IN)
    check_extra(f"the {kind.removesuffix('s')} {name}", row.extra)


def is_network(kind: Kind, name: str) -> bool:
    """Tell whether a component of ours reads with a network; imports none."""
    return "torch" in BUILT_IN[kind].get(name, _PLUG_IN).packages


def check_extra(wanted_by: str, extra: str) -> None:
    """Raise MissingExtra where an extra's packages are not here; imports none."""
    if not is_installed(extra):
        raise MissingExtra(wanted_by, extra)


def is_installed(extra: str) -> bool:
    """Tell whether the packages of an extra that components name are here; imports none."""
    return all(find_spec(module) is not None for module in _MODULES.get(extra, ()))


def packages_of_components() -> set[str]:
    """Return every package that a component of ours counts, reads or writes with."""
    return {name for rows in BUILT_IN.values() for row in rows.values() for name in row.packages}


def scorer_kind(name: str, otherwise: Kind = "checks") -> Kind:
    """Return whether a name is a metric's or a check's; `otherwise` for that of both or none."""
    is_metric, is_check = (name in known_components(kind) for kind in SCORERS)
    if is_metric == is_check:
        return otherwise
    return "metrics" if is_metric else "checks"


@cache
def known_components(kind: Kind) -> "Mapping[str, str | EntryPoint]":
    """Return every component of a kind by name. Raises ConfigError where two claim one name."""
    from importlib.metadata import EntryPoint, entry_points

    components: dict[str, str | EntryPoint] = {name: r.target for name, r in BUILT_IN[kind].items()}
    for point in entry_points(group=f"evalharness.{kind}"):
        if point.name in components:
            holder = components[point.name]
            taken_by = holder if isinstance(holder, str) else holder.value
            raise ConfigError(
                f"plug-in {point.value}: the name {point.name!r} of {kind} is taken by {taken_by}"
            )
        components[point.name] = point
    return dict(sorted(components.items()))


def load_class(kind: Kind, name: str) -> type[Any]:
    """Return the class of a component.

    Raises: UnknownComponent with the nearest name; ConfigError where a plug-in does not load.
    """
    known = known_components(kind)
    if name not in known:
        is_code = name.endswith(".py") or ":" in name
        hint = OWN_COMPONENT if is_code else nearest(name, list(known))
        raise UnknownComponent(f"no {kind.removesuffix('s')} {name!r}{hint}")
    target = known[name]
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
