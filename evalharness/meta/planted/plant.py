"""One error of a kind, planted into a supported summary."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Literal, get_args

from evalharness.meta.planted.facts import Facts, PlannedChange, SummaryClaims
from evalharness.meta.planted.names import novel, swaps
from evalharness.meta.planted.numbers import change_dates, change_numbers, units
from evalharness.meta.planted.roles import misquotes, role_swaps
from evalharness.meta.planted.wording import antonyms, hedges, invent_sentences, negations
from evalharness.records import Span, digest

ErrorKind = Literal[
    "number",
    "unit",
    "date",
    "entity_swap",
    "novel_entity",
    "negation",
    "antonym",
    "role_swap",
    "misattributed_quote",
    "hedge_dropped",
    "invented_sentence",
]
KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)

_PLANTERS: dict[ErrorKind, Callable[[SummaryClaims, Facts, Random], Iterator[PlannedChange]]] = {
    "number": change_numbers,
    "unit": units,
    "date": change_dates,
    "entity_swap": swaps,
    "novel_entity": novel,
    "negation": negations,
    "antonym": antonyms,
    "role_swap": role_swaps,
    "misattributed_quote": misquotes,
    "hedge_dropped": hedges,
    "invented_sentence": invent_sentences,
}
# In characters. What is longer is no summary, and not read.
LONGEST_SUMMARY = 20_000
# Errors of one article come one after the other.
_ARTICLES_KEPT = 8


@dataclass(frozen=True, slots=True)
class Planted:
    """A summary with one error.

    span: what is wrong now, in `summary`. stood: what stood there before; empty where something
    was put in. The summary before and behind `span` is as it was.
    """

    kind: ErrorKind
    summary: str
    span: Span
    stood: str


def plant(article: str, summary: str, kind: ErrorKind, seed: int = 0) -> Planted | None:
    """Plant one error of a kind into a summary that the article supports.

    The same arguments give the same error. None where the kind does not apply: no number, no name
    whose sort is known, no quotation, or nothing that the article would surely contradict or lack.
    English. Summaries in lower case and with split tokens are changed in their own manner.

    >>> article = "The council in Leeds, which met on Monday, approved 14 new homes."
    >>> planted = plant(article, "Leeds approved 14 new homes.", "number")
    >>> planted.summary, planted.span.of(planted.summary), planted.stood
    ('Leeds approved 10 new homes.', '10', '14')
    """
    if len(summary) > LONGEST_SUMMARY:
        return None
    facts = _facts(article)
    claims = _claims(article, summary)
    rng = Random(f"{seed} {kind} {digest(summary)}")  # noqa: S311  no secret
    for draft in _PLANTERS[kind](claims, facts, rng):
        draft = claims.match_casing(draft)
        if _is_error(claims, facts, draft):
            return _planted_error(kind, claims, draft)
    return None


@lru_cache(maxsize=_ARTICLES_KEPT)
def _facts(article: str) -> Facts:
    return Facts(article)


@lru_cache(maxsize=_ARTICLES_KEPT)
def _claims(article: str, summary: str) -> SummaryClaims:
    return SummaryClaims(summary, _facts(article))


def _is_error(claims: SummaryClaims, facts: Facts, draft: PlannedChange) -> bool:
    """Tell whether the changed sentence says something else, and the article does not say it."""
    old = claims.text[draft.start : draft.end]
    changed = claims.claim_with(draft)
    return draft.new.split() != old.split() and not facts.says(changed)


def _planted_error(kind: ErrorKind, claims: SummaryClaims, draft: PlannedChange) -> Planted:
    before = re.match(r"[\s.]*", draft.new)
    skipped = before.end() if before and draft.start == draft.end else 0
    leading = skipped or len(draft.new) - len(draft.new.lstrip())
    span = Span(draft.start + leading, draft.start + len(draft.new))
    stood = claims.text[draft.start : draft.end].strip()
    return Planted(kind, claims.with_draft(draft), span, stood)
