"""How far each check of a report can be trusted, as far as that was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalharness.meta import known_cards
from evalharness.meta.cards import source_row, with_interval
from evalharness.report.gathered import Gathered

# What a run adds to a check's signature, which does not change its scores.
_ADDED = "|calibration:"


@dataclass(frozen=True)
class Trust:
    """A check's card as the page shows it. short: a few words to stand beside the score."""

    number: int
    short: str
    sentence: str
    sources: tuple[list[str], ...] = ()
    meaning: str = ""


def trust(gathered: Gathered, cards: str | Path | None = None) -> dict[str, Trust]:
    """Return a card for each check, by its label.

    cards: a file that `evalharness meta --card` wrote, over what comes with the package.
    Raises: ConfigError where that file is none.
    """
    known = known_cards(cards)
    labels = dict.fromkeys(c.measure.metric for c in gathered.columns if c.kind == "check")
    return {
        label: _trust(n, label, gathered.signatures(label), known) for n, label in enumerate(labels)
    }


def _trust(number: int, label: str, signatures: list[str], known: Mapping[str, Any]) -> Trust:
    made = {signature.partition(_ADDED)[0] for signature in signatures}
    card = _card(label, made, known)
    if card is None:
        said = (
            f"How {label} agrees with people was not measured. On summaries that people labelled, "
            "`evalharness meta LABELS --checks … --card FILE` measures it, and "
            "`evalharness report --cards FILE` shows it here."
        )
        return Trust(number, "trust not measured", said)
    said = (
        f"Against what people found, in {len(card['macro_sources'])} sources of labels: mean AUC "
        f"{with_interval(card, 'macro_auc')}, where 0.5 is chance and 1 is perfect."
    )
    if made != {card["signature"]}:
        said += f" Measured as {card['signature']}; these runs have {', '.join(sorted(made))}."
    auc = card["macro_auc"]
    return Trust(
        number,
        "trust not measured" if auc is None else f"AUC {auc:.2f} (chance 0.5)",
        said,
        tuple(source_row(each) for each in card["measured_on"]),
        card["meaning"],
    )


def _card(label: str, made: set[str], known: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the card of just these settings, or else that of the same check."""
    exact = [card for card in known.values() if card["signature"] in made]
    kinds = {signature.partition("|")[0] for signature in made}
    alike = [
        card
        for name, card in known.items()
        if card["signature"].partition("|")[0] in kinds and name in (label, *kinds)
    ]
    return next(iter([*exact, *alike]), None)
