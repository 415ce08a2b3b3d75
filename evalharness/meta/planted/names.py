"""Names in the wrong place, and names that the article does not have."""

import re
from collections.abc import Iterator, Sequence
from random import Random

from evalharness import text
from evalharness.meta.planted import lexicon
from evalharness.meta.planted.facts import (
    Facts,
    PlannedChange,
    Sort,
    SummaryClaims,
    WordTuple,
    sort_by_words,
)
from evalharness.records import Span
from evalharness.text.words import word_set

# What sort of thing a name's last word says it is; an invented one is of the same sort.
HEADS = (lexicon.ORGANISATION_WORDS | lexicon.PLACE_WORDS) - {"city", "police"}
# Organisations that only one of the same word can stand for.
_OWN_SORTS = word_set(
    "league university college school hospital church museum theatre festival court army navy "
    "board parliament senate congress office campaign forum bureau police"
)
_CAPITAL_BEFORE = re.compile(r"(?:[A-Z][\w'’]*[ -]|[-–])$")
# A summary has fewer; this bounds the work on odd texts.
MOST_NAMES = 60
_DOUBLE_NAME = re.compile(r"\b[A-Z]\w+-\w+ $")
_GOES_ON = re.compile(r"[-–]\w| [A-Z\d](?!\w)")  # Anglo-French, Serie A, Europe 1


def sort_of(claims: SummaryClaims, facts: Facts, name: text.Name) -> Sort | None:
    """Return the sort of a summary's name, as its article or its own words tell."""
    written = name.span.of(claims.text)
    return facts.sorts[name.words] or sort_by_words(name.words, written)


def swaps(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    """Yield changes of a name to another of the same sort that is in the article."""
    named = [name for name in claims.names if _is_replaceable(claims, name)]
    for name in rng.sample(named, min(len(named), MOST_NAMES)):
        for new in others(claims, facts, name, rng):
            draft = PlannedChange(name.span.start, name.span.end, new)
            claim = claims.claim_with(draft)
            if not facts.may_state(claim, new):
                yield draft


def _is_replaceable(claims: SummaryClaims, name: text.Name) -> bool:
    quoted = claims.is_quoted(name.span.start, name.span.end)
    after = claims.text[name.span.end : name.span.end + 3]
    if claims.text[max(0, name.span.start - 1) : name.span.start] in ("$", "£", "€", "@", "#"):
        return False
    before = claims.text[max(0, name.span.start - 20) : name.span.start]
    if _DOUBLE_NAME.search(before):
        return False
    return not quoted and not _GOES_ON.match(after) and len(name.words[0]) > 1


def others(claims: SummaryClaims, facts: Facts, name: text.Name, rng: Random) -> Iterator[str]:
    """Yield the article's other names of a name's sort, in its form, in random order."""
    sort = sort_of(claims, facts, name)
    if sort is None:
        return
    near = claims.words_near(name.span.start)
    of_sort = facts.sorts.of_sort(sort)
    if sort == "place" and claims.text[: name.span.start].lower().endswith("the "):
        of_sort = {words: of for words, of in of_sort.items() if words[-1] == name.words[-1]}
    for words in rng.sample(sorted(of_sort), len(of_sort)):
        if set(words) & (near | set(name.words)) or not _fits(facts, sort, name.words, words):
            continue
        if sort in ("country", "nationality") and _same_country(name.words, words, near):
            continue
        spelling = of_sort[words]
        is_surname = sort == "person" and len(name.words) == 1 < len(words)
        yield spelling.split()[-1] if is_surname else spelling


def _same_country(one: WordTuple, other: WordTuple, near: frozenset[str]) -> bool:
    countries = {text.country(" ".join(words)) for words in (one, other)}
    present = {text.country(word) for word in near}
    if text.country(" ".join(other)) in present or len(countries) == 1:
        return True
    return len(countries & lexicon.NESTED_COUNTRIES) == 2


def _fits(facts: Facts, sort: Sort, old: WordTuple, new: WordTuple) -> bool:
    """Tell whether a name can take another's place: people by gender, places not one in another."""
    if sort == "person":
        genders = {facts.sorts.gender(old), facts.sorts.gender(new)} - {None}
        full = len(new) > 1 or len(old) == 1
        return len(genders) < 2 and full
    if sort == "organisation":
        heads = {words[-1] for words in (old, new)}
        return (len(old) == 1) == (len(new) == 1) and (len(heads) == 1 or not heads & _OWN_SORTS)
    if sort == "country":
        return bool(lexicon.WITH_THE & set(old)) == bool(lexicon.WITH_THE & set(new))
    if sort == "place":
        first, second = " ".join(old), " ".join(new)
        if _is_territory(first) != _is_territory(second) or first[:4] == second[:4]:
            return False
        joined = (" ", " in ", " of ", " near ", " from ")
        return not any(
            facts.says(f"{one}{between}{other}")
            for one, other in ((first, second), (second, first))
            for between in joined
        )
    return True


def _is_territory(place: str) -> bool:
    return place in lexicon.TERRITORIES or place.endswith("shire")


def novel(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    """Yield changes of a name to an invented one of the same sort."""
    named = [name for name in claims.names if _is_replaceable(claims, name)]
    for name in rng.sample(named, min(len(named), MOST_NAMES)):
        before = claims.text[max(0, name.span.start - 20) : name.span.start]
        if _CAPITAL_BEFORE.search(before) and sort_of(claims, facts, name) != "person":
            continue
        end = _own_part(claims, name)
        for new in _invent_names(claims, facts, name, rng):
            if not is_known(facts, new):
                yield PlannedChange(name.span.start, end, new)


def _own_part(claims: SummaryClaims, name: text.Name) -> int:
    """Return where the part of a name that is its own ends: `Gaddon` of `Gaddon Bridge`."""
    has_head = len(name.words) > 1 and name.words[-1] in HEADS
    is_plain = name.span.of(claims.text).count(" ") == len(name.words) - 1
    return name.parts[-2].end if has_head and is_plain else name.span.end


def _invent_names(
    claims: SummaryClaims, facts: Facts, name: text.Name, rng: Random
) -> Iterator[str]:
    sort = sort_of(claims, facts, name)
    if sort == "person":
        gender = facts.sorts.gender(name.words)
        for _ in lexicon.INVENTED_SURNAMES:
            surname = rng.choice(lexicon.INVENTED_SURNAMES)
            yield surname if len(name.words) == 1 else f"{first_name(gender, rng)} {surname}"
        return
    written = name.span.of(claims.text)
    if _own_part(claims, name) < name.span.end:
        sort = "place"
    elif sort == "country" and lexicon.WITH_THE & set(name.words):
        return
    choices: Sequence[str] = {
        "place": lexicon.INVENTED_PLACES,
        "organisation": lexicon.INVENTED_ACRONYMS
        if written.isupper()
        else lexicon.INVENTED_ORGANISATIONS,
        "team": lexicon.INVENTED_TEAMS,
        "country": lexicon.OTHER_COUNTRIES,
        "nationality": _like(claims, name.span, lexicon.OTHER_NATIONALITIES),
        None: (),
    }[sort]
    yield from rng.sample(choices, len(choices))


def first_name(gender: str | None, rng: Random) -> str:
    """Return an invented first name, of either gender if None."""
    men, women = lexicon.INVENTED_FIRST_NAMES_MALE, lexicon.INVENTED_FIRST_NAMES_FEMALE
    return rng.choice({"male": men, "female": women, None: (*men, *women)}[gender])


def _like(claims: SummaryClaims, span: Span, choices: Sequence[str]) -> Sequence[str]:
    """Return those that `a` or `an` before a word leaves right."""
    before = claims.text[max(0, span.start - 4) : span.start].lower()
    if before.endswith(" an "):
        return [word for word in choices if word[0] in "AEIOU"]
    return [word for word in choices if word[0] not in "AEIOU"]


def is_known(facts: Facts, name: str) -> bool:
    """Tell whether the article has a word of a name, or names its country."""
    if any(facts.says(word.of(name)) for word in text.words(name)):
        return True
    country = text.country(name.lower())
    return bool(country) and any(text.country(word) == country for word in facts.casing.words())
