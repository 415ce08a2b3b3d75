"""Names to classes: the components that are built in, and those that plug-ins bring.

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
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from evalharness.config.yaml import nearest
from evalharness.errors import ConfigError, UnknownComponent

Kind = Literal["loaders", "models", "metrics", "checks", "trackers", "executors"]

BUILT_IN: Mapping[Kind, Mapping[str, str]] = {
    "loaders": {
        "files": "evalharness.loaders.files:Files",
        "hub": "evalharness.loaders.hub:Hub",
        "logs": "evalharness.loaders.logs.loader:Logs",
        "pages": "evalharness.loaders.pages.loader:Pages",
    },
    "models": {
        "article": "evalharness.models.extractive:WholeArticle",
        "causal": "evalharness.models.causal:Causal",
        "endpoint": "evalharness.models.endpoint:Endpoint",
        "given": "evalharness.models.given:Given",
        "lead": "evalharness.models.extractive:Lead",
        "lexrank": "evalharness.models.extractive:LexRank",
        "oracle": "evalharness.models.extractive:Oracle",
        "random": "evalharness.models.extractive:RandomSentences",
        "seq2seq": "evalharness.models.seq2seq:Seq2Seq",
        "textrank": "evalharness.models.extractive:TextRank",
        "title": "evalharness.models.extractive:Title",
    },
    "metrics": {
        "bartscore": "evalharness.metrics.bartscore:BartScore",
        "bertscore": "evalharness.metrics.bertscore:BertScore",
        "bleu": "evalharness.metrics.bleu:Bleu",
        "chrf": "evalharness.metrics.bleu:Chrf",
        "extractiveness": "evalharness.metrics.extractiveness:Extractiveness",
        "rouge": "evalharness.metrics.rouge:Rouge",
        "ter": "evalharness.metrics.bleu:Ter",
        "unieval": "evalharness.metrics.unieval:UniEval",
    },
    "checks": {
        "alignscore": "evalharness.checks.alignscore:AlignScore",
        "bartscore": "evalharness.checks.bartscore:BartScore",
        "bertscore": "evalharness.checks.bertscore:BertScore",
        "dates": "evalharness.checks.lexical.dates:Dates",
        "entities": "evalharness.checks.lexical.entities:Entities",
        "factcg": "evalharness.checks.factcg:FactCG",
        "judge": "evalharness.checks.judge.judge:Judge",
        "hhem": "evalharness.checks.hhem:Hhem",
        "lettucedetect": "evalharness.checks.lettucedetect:LettuceDetect",
        "lexical": "evalharness.checks.lexical.lexical:Lexical",
        "minicheck": "evalharness.checks.minicheck:MiniCheck",
        "nli": "evalharness.checks.nli:Nli",
        "numbers": "evalharness.checks.lexical.numbers:Numbers",
        "polarity": "evalharness.checks.lexical.polarity:Polarity",
        "quotes": "evalharness.checks.lexical.quotes:Quotes",
        "roles": "evalharness.checks.lexical.roles:Roles",
        "support": "evalharness.checks.lexical.support:Support",
        "unieval": "evalharness.checks.unieval:UniEval",
    },
    "trackers": {
        "mlflow": "evalharness.trackers.mlflow:MLflow",
        "tensorboard": "evalharness.trackers.tensorboard:TensorBoard",
        "trackio": "evalharness.trackers.trackio:Trackio",
        "wandb": "evalharness.trackers.wandb:WandB",
    },
    "executors": {
        "local": "evalharness.executors.local:Local",
        "processes": "evalharness.executors.processes:Processes",
        "ray": "evalharness.executors.ray:Ray",
    },
}

# What the classes of each kind must have; evalharness.protocols says what it is.
_CONTRACT: Mapping[Kind, tuple[str, ...]] = {
    "loaders": ("version", "load"),
    "models": ("version", "needs", "summarize"),
    "metrics": ("version", "needs", "range", "score"),
    "checks": ("version", "needs", "range", "score"),
    "trackers": ("version", "required", "ready", "track"),
    "executors": ("version", "crew", "refuses"),
}


@cache
def known_components(kind: Kind) -> Mapping[str, str | EntryPoint]:
    """Return every component of a kind by name. Raises ConfigError where two claim one name."""
    found: dict[str, str | EntryPoint] = dict(BUILT_IN[kind])
    for point in entry_points(group=f"evalharness.{kind}"):
        if point.name in found:
            holder = found[point.name]
            taken_by = holder if isinstance(holder, str) else holder.value
            raise ConfigError(
                f"plug-in {point.value}: the name {point.name!r} of {kind} is taken by {taken_by}"
            )
        found[point.name] = point
    return dict(sorted(found.items()))


def load_class(kind: Kind, name: str) -> type[Any]:
    """Return the class of a component.

    Raises: UnknownComponent with the nearest name; ConfigError where a plug-in does not load.
    """
    where = known_components(kind)
    if name not in where:
        singular = kind.removesuffix("s")
        raise UnknownComponent(f"no {singular} {name!r}{nearest(name, list(where))}")
    target = where[name]
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
