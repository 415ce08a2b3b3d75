"""Which names are people, places, organisations, countries and adjectives of countries."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from evalharness import text
from evalharness.meta.planted.name_lists import (
    EVENT_WORDS,
    FIRST_NAMES_FEMALE,
    FIRST_NAMES_MALE,
    NO_BODIES,
    NO_SURNAMES,
    ORGANISATION_WORDS,
    PLACE_NAMES,
    PLACE_WORDS,
    SHORT_COUNTRIES,
    TEAM_WORDS,
)

Sort = Literal["person", "place", "organisation", "team", "country", "nationality"]
Gender = Literal["male", "female"]
WordTuple = tuple[str, ...]

_FIRST_NAMES = FIRST_NAMES_MALE | FIRST_NAMES_FEMALE
_CONTINENTS = frozenset(["europe", "africa", "asia"])
_PERSONAL_BEFORE = re.compile(
    r"\b(?:mr|mrs|ms|miss|dr|prof|professor|sir|dame|lord|lady|president|chancellor|senator|judge|"
    r"sen|rep|capt|captain|sgt|det|insp|manager|coach|striker|goalkeeper|midfielder|defender|"
    r"winger|actor|actress|singer|secretary|minister|spokesman|spokeswoman|chairman|director|"
    r"executive|councillor|cllr|boss|author|father|mother|brother|sister|son|daughter|husband|"
    r"wife)\.?\s$",
    re.IGNORECASE,
)
_PERSONAL_AFTER = re.compile(r"^(?: \(\d\d\)|, (?:aged )?\d\d\b|,? who\b|,? (?:has )?told\b)")
_SAYING = re.compile(r"^ (?:said|says|added|tweeted|wrote|insisted|believes|thinks)\b")
_MALE = re.compile(r"\b(?:mr|sir|lord)\.?\s$", re.IGNORECASE)
_FEMALE = re.compile(r"\b(?:mrs|ms|miss|dame|lady)\.?\s$", re.IGNORECASE)
_LOCAL = re.compile(
    r"(?<!shares )(?<!stake )(?<!confidence )"
    r"\b(?:in|near|outside|across|visit(?:ed|ing)?|town of)\s$"
)
_CHARACTERS_BEFORE = 20


class Sorts:
    """The sorts of an article's names, by lists and by what stands around them.

    A name of which neither tells anything has no sort, and nothing is planted on it.
    """

    def __init__(self, article: str, names: Sequence[text.Name]) -> None:
        self._by_words: dict[WordTuple, Sort] = {}
        self._genders: dict[str, Gender] = {}
        self.spellings: dict[WordTuple, str] = {}
        votes: dict[WordTuple, list[Sort]] = {}
        for name in names:
            written = name.span.of(article)
            told = sort_by_words(name.words, written)
            if told is None and (
                text.country(" ".join(name.words)) or name.words[-1] in EVENT_WORDS
            ):
                continue  # Europe, Americans, the World Cup
            self.spellings.setdefault(name.words, written)
            before = article[max(0, name.span.start - _CHARACTERS_BEFORE) : name.span.start]
            after = article[name.span.end : name.span.end + _CHARACTERS_BEFORE]
            sort = told or _sort_by_company(name, before, after)
            if sort:
                votes.setdefault(name.words, []).append(sort)
            self._note_gender(name, before)
        for words, given in votes.items():
            self._by_words[words] = max(sorted(set(given)), key=given.count)
        self._share_surnames()

    def _note_gender(self, name: text.Name, before: str) -> None:
        if _MALE.search(before) or name.words[0] in FIRST_NAMES_MALE:
            self._genders.setdefault(name.words[-1], "male")
        elif _FEMALE.search(before) or name.words[0] in FIRST_NAMES_FEMALE:
            self._genders.setdefault(name.words[-1], "female")

    def _share_surnames(self) -> None:
        people = [words for words, sort in self._by_words.items() if sort == "person"]
        shared = {words[-1:] for words in people}
        shared |= {words[:1] for words in people if words[0] in _FIRST_NAMES}
        for words, written in self.spellings.items():
            if words in shared and sort_by_words(words, written) is None:
                self._by_words[words] = "person"

    def __getitem__(self, words: WordTuple) -> Sort | None:
        return self._by_words.get(words)

    def gender(self, words: WordTuple) -> Gender | None:
        """Return whether a person is called Mr or Mrs, or has a first name that tells."""
        if words[0] in _FIRST_NAMES:
            return "male" if words[0] in FIRST_NAMES_MALE else "female"
        return self._genders.get(words[-1])

    def of_sort(self, sort: Sort) -> Mapping[WordTuple, str]:
        """Return the names of a sort as the article writes them first."""
        return {
            words: self.spellings[words] for words, one in self._by_words.items() if one == sort
        }


def sort_by_words(words: WordTuple, written: str) -> Sort | None:
    """Return the sort that a name's own words tell."""
    whole = " ".join(words)
    if text.country(whole) in _CONTINENTS:
        return None
    if text.country(whole):
        if whole == text.country(whole) or whole in SHORT_COUNTRIES or len(words) > 1:
            return "country"
        return "nationality" if not whole.endswith("s") or whole == "swiss" else None
    if words[-1] in EVENT_WORDS:
        return None
    if TEAM_WORDS & set(words) and len(words) < 4:
        return "team"
    if ORGANISATION_WORDS & set(words) and (len(words) > 1 or written.isupper()):
        return "organisation"
    if words[-1] in ("city", "town") and len(words) == 2:
        return "team"
    if words[-1] in PLACE_WORDS and len(words) > 1:
        return "place"
    if 2 <= len(words) <= 3 and words[0] in _FIRST_NAMES and words[-1] not in NO_SURNAMES:
        return "person"
    if whole in PLACE_NAMES or (len(words) == 1 and whole.endswith("shire") and len(whole) > 6):
        return "place"
    if len(words) == 1 and re.search("[a-z][A-Z]", re.sub("^(?:Ma?c|De|Fitz)", "", written)):
        return "organisation"
    is_acronym = len(words) == 1 and written.isupper() and written.isalpha()
    is_body = is_acronym and 3 <= len(written) <= 5 and whole not in NO_BODIES
    return "organisation" if is_body else None


def _sort_by_company(name: text.Name, before: str, after: str) -> Sort | None:
    if _PERSONAL_BEFORE.search(before) or _PERSONAL_AFTER.search(after):
        return "person" if len(name.words) <= 3 else None
    if _SAYING.search(after) and not before.lower().endswith("the "):
        return "person" if len(name.words) == 2 else None
    return "place" if _LOCAL.search(before) and len(name.words) == 1 else None
