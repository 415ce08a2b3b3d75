"""Whole sentences that the article does not support."""

import re
from collections.abc import Iterator
from random import Random

from evalharness import text
from evalharness.meta.planted.facts import Facts, PlannedChange, SummaryClaims
from evalharness.meta.planted.name_lists import (
    INVENTED_ORGANISATIONS,
    INVENTED_PLACES,
    INVENTED_SURNAMES,
)
from evalharness.meta.planted.names import first_name, is_known

_TEMPLATES = (
    "A separate inquiry led by {person} is due to report within {small} weeks.",
    "{person}, speaking for {organisation}, described the news as a turning point.",
    "{organisation} has offered {money} to help those affected.",
    "The announcement came {small} days after a similar case in {place}.",
    "About {large} people have since signed an online petition started by {person}.",
    "A survey by {organisation} found that {percent} of residents of {place} disagreed.",
    "Police in {place} later questioned {small} witnesses.",
    "The final cost is now put at {money}.",
    "{person}, who was also present, needed hospital treatment.",
    "A public meeting will be held in {place} next spring.",
    "Lawyers for {organisation} have threatened to take the matter to court.",
    "The family later moved to {place} to escape the publicity.",
    "It later emerged that {person} had been warned {small} times.",
    "A television drama about the events is to be filmed in {place}.",
    "{organisation} has since cut {large} jobs.",
    "Prices rose by {percent} in the week that followed.",
)
_BLANK = re.compile(r"\{(\w+)\}")
_QUOTE = re.compile(r"[\"“‘`«„]|(?<!\w)'")
_ATTEMPTS = 24
_SMALL = ("three", "four", "five", "six", "seven", "eight", "nine", "eleven", "twelve")


def invent_sentences(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    """Yield a sentence of invented facts, behind any of the summary's sentences."""
    if not claims.sentences:
        return
    for _ in range(_ATTEMPTS):
        template = rng.choice(_TEMPLATES)
        filled = {blank: _fill_blank(blank, rng) for blank in _BLANK.findall(template)}
        if any(_is_stated(facts, blank, filling) for blank, filling in filled.items()):
            continue
        place = rng.choice(claims.sentences)
        if _QUOTE.search(place.of(claims.text)) or "\n" in claims.text[place.end :][:1]:
            place = claims.sentences[-1]  # a quotation may go on behind its sentence
        sentence = _BLANK.sub(lambda blank, known=filled: known[blank[1]], template)  # type: ignore[misc]
        yield PlannedChange(place.end, place.end, _fit_sentence(claims, place.end, sentence))


def _fit_sentence(claims: SummaryClaims, place: int, sentence: str) -> str:
    """Return the sentence with a space before it, and a point where what is before has none."""
    before = claims.text[:place].rstrip("\"'”’) ")
    return f" {sentence}" if before[-1:] in ".!?…。" else f". {sentence}"


def _is_stated(facts: Facts, blank: str, filling: str) -> bool:
    if blank in ("person", "place", "organisation"):
        return is_known(facts, filling)
    return facts.says(filling) or any(facts.has_number(number) for number in text.numbers(filling))


def _fill_blank(blank: str, rng: Random) -> str:
    if blank == "person":
        return f"{first_name(None, rng)} {rng.choice(INVENTED_SURNAMES)}"
    if blank == "place":
        return rng.choice(INVENTED_PLACES)
    if blank == "organisation":
        return rng.choice(INVENTED_ORGANISATIONS)
    if blank == "money":
        return f"£{rng.randint(11, 98) / 10} million"
    if blank == "percent":
        return f"{rng.randint(6, 94)}%"
    return rng.choice(_SMALL) if blank == "small" else f"{rng.randint(12, 98) * 100:,}"
