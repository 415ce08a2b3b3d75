"""What stands behind the numbers: how well each check agrees with people, and what made the runs.

The first section shows the trust cards of checks; the last one signatures, versions, configs, and
the commands that make the runs again.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalharness.meta import known_cards
from evalharness.meta.cards import (
    GRADE_HEADINGS,
    HERE_HEADINGS,
    LABEL_HEADINGS,
    graded_row,
    known_questions,
    question_row_among,
    source_row,
    with_interval,
)
from evalharness.report.gathered import CONFIG, Gathered
from evalharness.report.table import signatures
from evalharness.store.runs import Run, kind_of

# What a run adds to a check's signature, which does not change its scores.
_ADDED = "|calibration:"


@dataclass(frozen=True)
class TrustCard:
    """A check's card as the page shows it. short: a few words to stand beside the score."""

    number: int
    short: str
    sentence: str
    sources: tuple[list[str], ...] = ()
    meaning: str = ""
    headings: tuple[str, ...] = LABEL_HEADINGS


def trust_cards(gathered: Gathered, cards: str | Path | None = None) -> dict[str, TrustCard]:
    """Return a card for each check, by its label.

    cards: a file that `evalharness meta --card` wrote, over what comes with the package.
    Raises: ConfigError where that file is none.
    """
    known = known_cards(cards)
    labels = dict.fromkeys(c.measure.metric for c in gathered.columns if c.kind == "check")
    found = {
        label: _trust_card(n, label, gathered.signatures(label), known)
        for n, label in enumerate(labels)
    }
    questions = _question_card(len(found), gathered, cards)
    return found | ({"Which score for which question": questions} if questions else {})


def _question_card(number: int, gathered: Gathered, cards: str | Path | None) -> TrustCard | None:
    """Return which score to trust for which question, where any on the page was measured."""
    card, names = known_questions(cards), {column.key for column in gathered.columns}
    rows = [
        question_row_among(question, names)
        for question in card["questions"]
        if names & question["scores"].keys()
    ]
    if not rows:
        return None
    sources = sorted({question["source"] for question in card["questions"]})
    measured = {name for question in card["questions"] for name in question["scores"]}
    said = (
        f"Of {len(measured)} scores, which agrees best with the grades that people gave "
        f"the summaries of {' and '.join(sources)}, and how the best of those on this page does."
    )
    return TrustCard(number, "", said, tuple(rows), card["meaning"], HERE_HEADINGS)


def flag_precision(cards: str | Path | None = None) -> dict[tuple[str, str], float]:
    """Return by check and kind of flag how often it touches what people marked as wrong.

    Kinds with fewer than `LEAST_FLAGS` flags on labelled summaries are left out. cards: as above.
    """
    return {
        (kind_of(card["signature"]), kind): found["touching"]
        for card in known_cards(cards).values()
        for kind, found in card.get("kinds", {}).items()
        if found["flags"] >= LEAST_FLAGS and found["touching"] is not None
    }


LEAST_FLAGS = 20


def _trust_card(
    number: int, label: str, signatures: list[str], known: Mapping[str, Any]
) -> TrustCard:
    made = {signature.partition(_ADDED)[0] for signature in signatures}
    card = _card(label, made, known)
    if card is None:
        said = (
            f"How {label} agrees with people was not measured. On summaries that people labelled, "
            "`evalharness meta LABELS --checks … --card FILE` measures it, and "
            "`evalharness report --cards FILE` shows it here."
        )
        return TrustCard(number, "trust not measured", said)
    other = ""
    if made != {card["signature"]}:
        other = f" Measured as {card['signature']}; these runs have {', '.join(sorted(made))}."
    if card.get("graded"):
        return _graded_card(number, card, other)
    said = (
        f"Against what people found, in {len(card['macro_sources'])} sources of labels: mean AUC "
        f"{with_interval(card, 'macro_auc')}, where 0.5 is chance and 1 is perfect.{other}"
    )
    auc = card["macro_auc"]
    return TrustCard(
        number,
        "trust not measured" if auc is None else f"AUC {auc:.2f} (chance 0.5)",
        said,
        tuple(source_row(each) for each in card["measured_on"]),
        card["meaning"],
    )


def _graded_card(number: int, card: Mapping[str, Any], other: str) -> TrustCard:
    """Return the card of a check of content or form, which says nothing of truth."""
    found = [
        f"{with_interval(each, 'within_spearman')} in {each['source']}, "
        f"{with_interval(each, 'within_partial')} with the length taken out"
        for each in card["graded"]
    ]
    said = (
        "It says nothing of truth. Against the grades that people gave the summaries of an "
        f"article, mean correlation over articles: {'; '.join(found)}.{other}"
    )
    least = min(each["within_spearman"] for each in card["graded"])
    return TrustCard(
        number,
        f"correlation {least:.2f} (chance 0)",
        said,
        tuple(graded_row(each) for each in card["graded"]),
        card["meaning"],
        GRADE_HEADINGS,
    )


def _card(label: str, made: set[str], known: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the card of just these settings, or else that of the same check."""
    exact = [card for card in known.values() if card["signature"] in made]
    kinds = {kind_of(signature) for signature in made}
    alike = [
        card
        for name, card in known.items()
        if kind_of(card["signature"]) in kinds and name in (label, *kinds)
    ]
    return next(iter([*exact, *alike]), None)


# Configs that the page shows; those of a larger sweep are alike.
CONFIGS = 60


@dataclass(frozen=True)
class RunSource:
    """One run: its signature, its data, and its config as it stands in its folder."""

    name: str
    model: str
    fingerprint: str
    command: str
    config: str


@dataclass(frozen=True)
class Provenance:
    """All that the section shows. versions: by what they are of, one for all runs or one each."""

    sources: tuple[RunSource, ...]
    signatures: tuple[str, ...]
    versions: tuple[tuple[str, tuple[str, ...]], ...]
    again: str


def provenance_section(gathered: Gathered) -> Provenance:
    """Return where the runs are from."""
    sources = tuple(
        RunSource(
            name=name,
            model=run.signatures.model,
            fingerprint=run.fingerprint,
            command=_command(run),
            config=_text(gathered, n) if n < CONFIGS else "",
        )
        for n, (name, run) in enumerate(zip(gathered.names, gathered.runs, strict=True))
    )
    return Provenance(
        sources=sources,
        signatures=tuple(signatures(gathered.runs)),
        versions=tuple(_versions(gathered)),
        again="\n".join(source.command for source in sources),
    )


def _command(run: Run) -> str:
    """Return the command that makes a run again, from the folder that holds `results`."""
    path = f"results/{run.experiment}/{run.name}/{CONFIG}"
    return f"evalharness run {shlex.quote(path)}"


def _text(gathered: Gathered, n: int) -> str:
    try:
        return (gathered.runs[n].folder / CONFIG).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _versions(gathered: Gathered) -> list[tuple[str, tuple[str, ...]]]:
    """Return package, and its versions in the order of the runs, each once."""
    versions_of: dict[str, dict[str, None]] = {}
    for run in gathered.runs:
        for name, version in _flat(run.provenance):
            versions_of.setdefault(name, {})[version] = None
    return [(name, tuple(versions)) for name, versions in versions_of.items()]


def _flat(provenance: Any) -> list[tuple[str, str]]:
    if not isinstance(provenance, dict):
        return []
    pairs = []
    for name, value in provenance.items():
        if isinstance(value, dict):
            pairs += _flat(value)
        elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
            pairs += [pair for each in value for pair in _flat(each)]
        elif isinstance(value, list):
            pairs.append((str(name), ", ".join(map(str, value)) or "none"))
        elif value is not None:
            pairs.append((str(name), str(value)))
    return pairs
