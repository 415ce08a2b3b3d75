"""Does the article have the summary's names?"""

import bisect
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from evalharness import text
from evalharness.checks.lexical import scoring
from evalharness.checks.lexical.passages import (
    MOST_CANDIDATES,
    MOST_EVIDENCE,
    MOST_FLAGS_EXPLAINED,
    Passages,
    on_demand,
    passages_of_summary,
    rapidfuzz,
)
from evalharness.checks.lexical.words import NAMING_STEMS
from evalharness.records import Flag, Score, Span
from evalharness.text import foreign_names
from evalharness.text.english_words import is_english_word
from evalharness.text.languages import ENGLISH
from evalharness.text.name_words import (
    CAPITAL_OF,
    COUNTRY_OF,
    FIRST_NAMES,
    KNOWN_NAMES,
    NICKNAMES,
    PERSON_TITLES,
    PLACES,
    SURNAMES,
)
from evalharness.text.names import LEAST_ENGLISH
from evalharness.text.words import FUNCTION_WORDS, WORD

# Shorter words that are spelled nearly alike are other words.
LEAST_SPELLED = 4
# Who holds an office may be named by it.
OFFICES = frozenset(
    ["prime", "minister", "president", "premier", "chancellor", "governor", "senator", "mayor"]
)
# Of clubs and parties: Man Utd, Lib Dem.
SHORT_NAMES = {"man": "manchester", "utd": "united", "lib": "liberal", "dem": "democrat"}
# A name that is written out may be short in the article; `man` is a common word, too.
LONG_NAMES = {long: short for short, long in SHORT_NAMES.items() if short != "man"}
# What else says that somebody wrote there, and other forms of a name.
OTHER_FORMS = {
    "twitter": ("tweet", "tweets", "tweeted", "tweeting"),
    "twenty20": ("t20", "t20s"),
    "t20": ("twenty20",),
    "barcelona": ("barca", "barça"),
    "barca": ("barcelona",),
}
# `O'Donnell` is written as two words, too.
BEFORE_APOSTROPHE = ("o", "d", "l")
# So many characters stand between the parts of a name: ` and `, ` of the `.
LONGEST_LINK = 8
# Whose surname is left out: `his son Andy`.
_RELATIVE = re.compile(
    r"\b(?:husband|wife|partner|fianc[eé]e?|boyfriend|girlfriend|father|mother|dad|mum|son|daughter"
    r"|brother|sister|twin|cousin|nephew|niece|uncle|aunt"
    r"|grand(?:son|daughter|father|mother))s?,? $"
)
LONGEST_RELATIVE = 16
# What is right before the first name of a sentence.
_OPENING = re.compile(r"(?:\A|[.!?]\s|\n|[;:] |\b(?:and|but|that|while|as|if) )(?:[Tt]he )?\Z")
LONGEST_OPENING = 12
# Further names of a list: `, Anna and Tom Baird`.
_LISTED = re.compile(r"(?:(?: and|,| &|, and) [A-Z][\w'’-]+)+(?: [A-Z][\w'’-]+)+")
# Of a shorter text nobody can tell that it is not English.
SHORTEST_FOREIGN = 20
# Shorter words have no plural here: those of two letters are initials.
SHORTEST_PLURAL = 3
# How alike two spellings must be, 0-100, for the one to be offered in place of the other.
NEARLY_SPELLED = 75.0


class StatedNames(scoring.ArticleIndex):
    """The names of an article, found once for all its summaries."""

    @on_demand
    def countries(self) -> frozenset[str]:
        """The countries that the article names, under whatever word."""
        whole = {text.country(" ".join(name.words)) for name in self.names}
        words = COUNTRY_OF.keys() & self.casing.words()
        return frozenset(whole.union([COUNTRY_OF[word] for word in words])) - {""}

    @on_demand
    def initials(self) -> frozenset[str]:
        """The initials of the article's names, and of all runs of words inside them."""
        return frozenset(each for name in self.names for each in _initials(name, self.text))

    @on_demand
    def spellings(self) -> dict[str, text.Name]:
        """The names by how their words are spelled, each once, the first of them."""
        found: dict[str, text.Name] = {}
        for name in self.names:
            found.setdefault(" ".join(name.words), name)
        return found

    @on_demand
    def names_with(self) -> dict[str, list[text.Name]]:
        """The names by their words."""
        found: dict[str, list[text.Name]] = {}
        for name in self.names:
            for word in name.words:
                found.setdefault(word, []).append(name)
        return found

    def missing_parts(self, name: text.Name, summary: str) -> list[Span]:
        """Return the parts of a summary's name that the article does not have, or not together."""
        known = self._known_as_country(name.words)
        missing = [
            part
            for at, (word, part) in enumerate(zip(name.words, name.parts, strict=True))
            if len(word) > 1 and at not in known and word not in OFFICES and not self.has_word(word)
        ]
        if not missing:
            return list(name.parts) if self._is_crossed(name.words) else []
        country = text.country(" ".join(name.words))
        if country and country in self.countries:
            return []
        if len(name.words) == 1 and name.words[0] in self.initials:
            return []
        if self._is_government(name, summary):
            return []
        if self._is_spelled_out(name, summary):
            return []
        return [] if any(map(self._is_acronym, _initials(name, summary))) else missing

    def _is_government(self, name: text.Name, summary: str) -> bool:
        """Tell whether a capital stands for the government of a country that the article names.

        Only where a clause begins with it: `in Seoul` is where something is said to be.
        """
        country = CAPITAL_OF.get(" ".join(name.words).removeprefix("the "), "")
        if not country or country not in self.countries:
            return False
        before = summary[max(0, name.span.start - LONGEST_OPENING) : name.span.start]
        return bool(_OPENING.search(before if name.span.start else ""))

    def _is_spelled_out(self, name: text.Name, summary: str) -> bool:
        """Tell whether the article has the words of an acronym, in any case: of AI."""
        written = name.span.of(summary)
        is_acronym = written.isupper() and written.isalpha() and len(written) > 1
        return is_acronym and written.lower() in self._initials_in_rows

    @on_demand
    def _initials_in_rows(self) -> str:
        """The initials of the words of content, with a blank where other words are or a mark is."""
        found: list[str] = []
        columns = self.passages.columns
        rows = zip(columns.words, columns.content, columns.after_mark, columns.opens, strict=True)
        for word, has_content, after_mark, opens in rows:
            found.append(" " if after_mark or opens else "")
            if word not in ("of", "and"):
                found.append(word[0] if has_content else " ")
        return "".join(found)

    @on_demand
    def language(self) -> str:
        """The language of the article; English where that is not clear."""
        language, columns = self.passages.language, self.passages.columns
        if language or len(columns.content) < SHORTEST_FOREIGN:
            return language or ENGLISH
        n_small = len(columns.content) - sum(columns.content)
        return ENGLISH if n_small >= LEAST_ENGLISH * len(columns.content) else ""

    @on_demand
    def _by_beginning(self) -> dict[str, list[str]]:
        """The words of an article that is not English, bare, by how they begin."""
        found: dict[str, list[str]] = {}
        for word in sorted(
            {foreign_names.bare(word, self.language) for word in self.casing.words()}
        ):
            found.setdefault(word[: foreign_names.LEAST_BEGINNING], []).append(word)
        return found

    @on_demand
    def _first_names(self) -> frozenset[str]:
        return foreign_names.first_names_in(name.words for name in self.names)

    def has_form_of(self, word: str) -> bool:
        """Tell whether an article that is not English has a word in some form of it."""
        word = foreign_names.bare(word, self.language)
        alike = self._by_beginning.get(word[: foreign_names.LEAST_BEGINNING], ())
        is_short = len(word) in foreign_names.SHORT_LENGTHS
        if is_short and self.language in foreign_names.INFLECTED:
            stated = self.casing.capitals
            return any(foreign_names.is_short_form_of(word, other) for other in stated) or any(
                foreign_names.is_form_of(word, other, self.language) for other in alike
            )
        return any(foreign_names.is_form_of(word, other, self.language) for other in alike)

    def foreign_claims(self, name: text.Name, own: Passages) -> text.Name | None:
        """Return what of a name in a summary that is not English is surely a name; None if nothing.

        What the article has is kept; of the rest the small words of the language, what opens a
        sentence before a name, and German nouns are no names.
        """
        first, end = foreign_names.without_small_words(name.words, self.language)
        kept = [at for at in range(first, end) if self._is_foreign_claim(name, at, own)]
        if not kept:
            return None
        parts = tuple([name.parts[at] for at in kept])
        span = Span(parts[0].start, parts[-1].end)
        return text.Name(span, tuple([name.words[at] for at in kept]), parts)

    def _is_foreign_claim(self, name: text.Name, at: int, own: Passages) -> bool:
        if self.has_word(name.words[at]):
            return True
        place = bisect.bisect_left(own.columns.starts, name.parts[at].start)
        if self.language in foreign_names.CAPITAL_NOUNS:
            low, high = own.bounds(place)
            written = own.columns.written[low:high]
            return foreign_names.is_german_name(written, place - low, self._first_names)
        if not own.columns.written[place][0].isupper():
            return False
        opens = own.columns.opens[place] and name.words[at] not in KNOWN_NAMES
        return not (opens and len(name.words) > 1)

    def _known_as_country(self, words: Sequence[str]) -> set[int]:
        """Return which words of a name are a country of the article: `United States Congress`."""
        known: set[int] = set()
        for start in range(len(words) - 1):
            country = text.country(" ".join(words[start : start + 2]))
            if country and country in self.countries:
                known |= {start, start + 1}
        return known

    def other_spelling(self, word: str) -> str:
        """Return how the article spells a word, with one letter more, less or other.

        A country, an English word or a known name is no spelling of another; empty if none is.
        """
        if len(word) < LEAST_SPELLED or _has_own_meaning(word):
            return ""
        distance, best_of = rapidfuzz().distance.OSA.distance, rapidfuzz().process.extractOne
        alike = self._by_initial.get(word[0], ())
        found = best_of(word, alike, scorer=distance, score_cutoff=1)
        return found[0] if found else ""

    @on_demand
    def _by_initial(self) -> dict[str, list[str]]:
        """The words of the article in order, by their first letter."""
        words = sorted(self.casing.words())
        return {letter: [*some] for letter, some in itertools.groupby(words, lambda w: w[:1])}

    def kind_of(self, name: text.Name, missing: Sequence[Span]) -> str:
        """Return the kind of a name that lacks in part: `spelling`, `background` or `entity`.

        Background is what a reader may know from elsewhere: a country, and a common word that
        completes a name of which the article has no other form (`Stoke City` for `Stoke`).
        """
        words = [word for word, part in zip(name.words, name.parts, strict=True) if part in missing]
        known = name.words[: len(name.words) - len(words)]
        alike = [
            n for word in name.words if word not in words for n in self.names_with.get(word, ())
        ]
        if all(any(_is_near(word, stated.words) for stated in alike) for word in words):
            return "spelling"
        if text.country(" ".join(words)) or all(map(text.country, words)):
            return "background"
        is_last = bool(known) and name.words[len(known) :] == tuple(words)
        completes = is_last and all(map(_is_common, words)) and self._is_alone(known)
        return "background" if completes else "entity"

    def _is_alone(self, words: tuple[str, ...]) -> bool:
        """Tell whether the article has some words as a name, and in no longer one."""
        stated = self.names_with.get(words[-1], [])
        return bool(stated) and all(name.words == words for name in stated)

    def _is_acronym(self, initials: str) -> bool:
        """Tell whether the article has some letters as a word that can be short for a name."""
        if initials in FUNCTION_WORDS:  # `as`, of Alan Simpson
            return initials in self.casing.capitals
        return initials not in PERSON_TITLES and initials in self.casing

    def _is_crossed(self, words: tuple[str, ...]) -> bool:
        """Tell whether two known words make a name that is none: `Jane Roe` of `Jane Doe`.

        The article has the one as the first word of a name and the other as the last word of
        another, or by itself as a surname; and nowhere both in one name or side by side.
        """
        if len(words) != 2:
            return False
        if words not in self._crossings:
            self._crossings[words] = self._cross(*words)
        return self._crossings[words]

    @on_demand
    def _crossings(self) -> dict[tuple[str, ...], bool]:
        return {}

    def _cross(self, first: str, last: str) -> bool:
        if not any(first == stated.words[0] for stated in self._of_several(first)):
            return False  # as most: nobody has it for a given name
        if not foreign_names.may_be_crossed(first, self.language):
            return False
        if not NAMING_STEMS.isdisjoint(map(text.stem_of, (first, last))):  # a Birmingham school
            return False
        if any(first in stated.words for stated in self.names_with.get(last, ())):
            return False
        if self._are_neighbours(first, last) or self._shares_surname(first, last):
            return False
        ends_another = any(last == stated.words[-1] for stated in self._of_several(last))
        return ends_another or self._is_surname_of_another(first, last)

    def _of_several(self, word: str) -> list[text.Name]:
        return [name for name in self.names_with.get(word, ()) if len(name.words) > 1]

    def _alone(self, word: str) -> list[text.Name]:
        return [name for name in self.names_with.get(word, ()) if len(name.words) == 1]

    def _are_neighbours(self, one: str, other: str) -> bool:
        """Tell whether the article has one word right before another."""
        words = self.passages.columns.words
        places = self.passages.places.get(text.stem_of(one), ())
        return any(words[at : at + 2] == [one, other] for at in places)

    def _shares_surname(self, first: str, last: str) -> bool:
        """Tell whether a given name may stand for both: `Rory and Anna Baird`, `his son Andy`."""
        for stated in self._alone(first):
            start, end = stated.span
            if _RELATIVE.search(self.text, max(0, start - LONGEST_RELATIVE), start):
                return True
            listed = _LISTED.match(self.text, end)
            if listed is not None and last in map(text.fold, WORD.findall(listed[0])):
                return True
        return False

    def _is_surname_of_another(self, first: str, surname: str) -> bool:
        """Tell whether who is called by a surname has another given name than this one.

        The article gives that to others only, always with their surname. Who is called by an office
        (`President Putin`) is known by the full name, too.
        """
        if self._alone(first) or not (_may_be_given(first) and _may_be_surname(surname)):
            return False
        if all(stated.words[1] in self.casing.smalls for stated in self._of_several(first)):
            return False  # Johnny Football
        words = self.passages.columns.words
        before = (words[at - 1] for at in self.passages.places.get(text.stem_of(surname), ()) if at)
        return bool(self._alone(surname)) and OFFICES.isdisjoint(before)

    def has_word(self, word: str) -> bool:
        """Tell whether the article has a word of a name, in any spelling."""
        if word in self.casing or any(spelling in self.casing for spelling in _numbers_of(word)):
            return True
        if self.language != ENGLISH and self.has_form_of(word):
            return True
        return bool(text.country(word)) and text.country(word) in self.countries

    def fullest(self, word: str) -> text.Name:
        """Return the first name with a word, of several words if there is one."""
        names = self.names_with[word]
        return next((name for name in names if len(name.words) > 1), names[0])

    def evidence(self, name: text.Name) -> list[Span]:
        """Return the first names of the article that have a word in common with this one."""
        found = (stated for word in name.words for stated in self.names_with.get(word, ()))
        return [stated.span for stated in itertools.islice(found, MOST_EVIDENCE)]

    def instead(self, name: text.Name, wanted: frozenset[str]) -> text.Name | None:
        """Return the name that the article has in place of a wrong one, if that can be told.

        It has a word in common with it or, if none has, is spelled nearly alike. Of several, the
        one counts whose sentence has most of the wanted words, those of the summary's sentence.
        """
        shared = [
            stated
            for word in name.words
            for stated in self.names_with.get(word, [])[:MOST_CANDIDATES]
        ]
        return max(
            shared or self._spelled_nearly(" ".join(name.words)),
            key=lambda stated: len(wanted & self._content_around(stated)),
            default=None,
        )

    def _content_around(self, stated: text.Name) -> frozenset[str]:
        return self.passages.content[self.passages.sentence_at(stated.span.start)]

    def _spelled_nearly(self, spelling: str) -> list[text.Name]:
        found = rapidfuzz().process.extract(
            spelling,
            self.spellings.keys(),
            scorer=rapidfuzz().fuzz.ratio,
            score_cutoff=NEARLY_SPELLED,
            limit=MOST_CANDIDATES,
        )
        return [self.spellings[near] for near, _, _ in found]

    def compare(self, summary: str) -> Score:
        """Return the share of the summary's names that the article has, with flags."""
        return self.share_of_claims(_judge_sentences(self, summary), "names")


@dataclass(frozen=True)
class Entities(scoring.BySentences, scoring.LexicalCheck):
    """Share of the summary's names that the article has.

    A name is known if each of its words is in the article, in any case and spelling, singular or
    plural, or as another word for the same country (`Britain`, `British`), or if one is the
    initials of the other (`IMF`); but not if it is crossed from the given name of one person and
    the surname of another. A country that the article does not name, and a word that completes a
    name (`Stoke City` for `Stoke`), are `background`: no likely error. A sentence with names has
    the share of its own; weighted with their count of names, these make up the score. A summary
    without names has none.
    """

    version: ClassVar[int] = 13
    index: ClassVar[type[scoring.ArticleIndex]] = StatedNames


def _judge_sentences(article: StatedNames, summary: str) -> Iterator[scoring.SentenceClaims]:
    n_flags = 0
    for sentence, names in _by_sentence(summary, article):
        pairs = [(name, article.missing_parts(name, summary)) for name in names]
        wrong = [(name, parts) for name, parts in pairs if parts]
        wanted = frozenset(text.content_words(sentence.of(summary)) if wrong else ())
        flags: list[Flag] = []
        for name, parts in wrong:
            explained = n_flags + len(flags) < MOST_FLAGS_EXPLAINED
            stated = article.instead(name, wanted) if explained else None
            flags.append(_flag(article, name, parts, stated, summary))
        n_flags += len(flags)
        right = [name for name, parts in pairs if not parts] if article.wants_evidence else []
        known = [span for name in right for span in article.evidence(name)]
        share = 1 - len(wrong) / len(names)
        yield scoring.SentenceClaims(sentence, share, len(names), len(wrong), flags, known)


def _by_sentence(summary: str, article: StatedNames) -> Iterator[tuple[Span, list[text.Name]]]:
    own = passages_of_summary(summary)
    names = own.named_as(article.passages)
    if article.language != ENGLISH:
        claims = (article.foreign_claims(name, own) for name in names)
        names = [name for name in claims if name is not None]
    sentences = own.sentences
    starts = [sentence.start for sentence in sentences]
    by_number = itertools.groupby(names, lambda name: bisect.bisect_right(starts, name.span.start))
    for number, here in by_number:
        yield sentences[number - 1], list(here)


def _flag(
    article: StatedNames,
    name: text.Name,
    missing: list[Span],
    stated: text.Name | None,
    summary: str,
) -> Flag:
    span = Span(missing[0].start, missing[-1].end)
    if all(map(article.has_word, name.words)):
        return _flag_crossed(article, name, summary)
    spelled = [article.other_spelling(text.fold(part.of(summary))) for part in missing]
    kind = "spelling" if all(spelled) else article.kind_of(name, missing)
    if kind == "entity" and _is_epithet(name, summary):
        kind = "background"
    if kind == "entity":
        span = _with_common_parts(article, name, span)
    if stated is None:
        said = f"the article spells it '{' '.join(spelled)}'" if all(spelled) else ""
        return Flag(span, kind, said or f"'{name.span.of(summary)}' is not in the article")
    number = article.passages.sentence_at(stated.span.start) + 1
    message = f"the article has '{stated.span.of(article.text)}', in sentence {number}"
    return Flag(span, kind, message, (stated.span,))


def _flag_crossed(article: StatedNames, name: text.Name, summary: str) -> Flag:
    """Return what is told of a name that is put together from two: both of them."""
    span = _with_hyphens(name, summary)
    stated = [_with_hyphens(article.fullest(word), article.text) for word in name.words]
    both = " and ".join(f"'{each.of(article.text)}'" for each in stated)
    message = f"the article has {both}, but no '{span.of(summary)}'"
    return Flag(span, "entity", message, scoring.in_order(stated))


def _with_hyphens(name: text.Name, where: str) -> Span:
    """Return the span of a name with what its casing does not show as part of it: Lee Min-ho."""
    rest = _HYPHENED.match(where, name.span.end)
    return Span(name.span.start, rest.end() if rest else name.span.end)


_HYPHENED = re.compile(r"(?:[-‐]\w+)+")


def _with_common_parts(article: StatedNames, name: text.Name, span: Span) -> Span:
    """Return the missing parts of a name with the common words of names beside them.

    The airport of `Heathrow Airport` is no other's, and `Manchester United` is no other United.
    Where the article has such a word as a name, only one behind the missing parts counts, and none
    behind a given name: Sarah West may be named wrong in part.
    """
    parts = [*zip(name.words, name.parts, strict=True)]
    is_person = any(part.end == span.end and word in FIRST_NAMES for word, part in parts)
    common = [(word, part) for word, part in parts if _is_naming(word)]
    for word, part in common:
        is_behind = span.end <= part.start <= span.end + LONGEST_LINK
        if is_behind and not (is_person and article.casing.is_name(word)):
            span = Span(span.start, part.end)
    for word, part in reversed(common):
        is_before = 1 < span.start - part.end <= LONGEST_LINK  # the University of
        if is_before and not article.casing.is_name(word):
            span = Span(part.start, span.end)
    return span


def _is_naming(word: str) -> bool:
    return word not in OFFICES and text.stem_of(word) in NAMING_STEMS


_EPITHET = re.compile(r"\b[Tt]he (?P<of>[A-Z]\w+)['’]s (?P<head>[A-Z]\w+)")


def _is_epithet(name: text.Name, summary: str) -> bool:
    """Tell whether a name is part of what somebody is called by: the People's Champ."""
    start = summary.rfind("he ", 0, name.span.start) - 1
    match = _EPITHET.match(summary, start) if start >= 0 else None
    if match is None or match.end() < name.span.end:
        return False
    return all(map(_is_common, map(text.fold, (match["of"], match["head"]))))


def _is_common(word: str) -> bool:
    return text.stem_of(word) in NAMING_STEMS or is_english_word(word)


def _is_near(word: str, others: Sequence[str]) -> bool:
    """Tell whether one of some words is nearly another, or short for it: `Rick`, `Ricky`, `Bob`."""
    distance = rapidfuzz().distance.OSA.distance
    forms = NICKNAMES.get(word, frozenset())
    if any(word in NICKNAMES.get(other, ()) or other in forms for other in others):
        return True
    return len(word) >= LEAST_SPELLED and any(
        word[0] == other[0]
        and (distance(word, other) <= 1 or word.startswith(other) or other.startswith(word))
        for other in others
        if len(other) >= LEAST_SPELLED
    )


def _may_be_given(word: str) -> bool:
    return word in FIRST_NAMES or not (word in KNOWN_NAMES or _is_common(word))


def _may_be_surname(word: str) -> bool:
    return word in SURNAMES or not (word in PLACES or text.country(word) or _is_common(word))


def _has_own_meaning(word: str) -> bool:
    return word in KNOWN_NAMES or bool(text.country(word)) or is_english_word(word)


# British and American endings and middles.
_TWO_SPELLINGS = (("our", "or"), ("tre", "ter"), ("nce", "nse"), ("yse", "yze"), ("is", "iz"))


def _numbers_of(word: str) -> Iterator[str]:
    """Yield a word as it is, then as it is spelled elsewhere, in the singular and the plural."""
    yield word
    yield from (f"{letter}'{word}" for letter in BEFORE_APOSTROPHE)
    one = word.removesuffix("s")
    yield from OTHER_FORMS.get(word, ())
    for names in (SHORT_NAMES, LONG_NAMES):
        if one in names:
            yield names[one]
            yield f"{names[one]}s"
            yield f"{one}s"
    if len(word) == SHORTEST_PLURAL and not is_english_word(word):
        yield f"{word}s"  # CPUs; news is no plural of New
    if len(word) > 3:
        yield f"{word}s"
        for one, other in _TWO_SPELLINGS:
            yield word.replace(one, other)
            yield word.replace(other, one)
        yield word.removesuffix("s")
        yield word.removesuffix("es")


def _initials(name: text.Name, where: str) -> Iterator[str]:
    """Yield the initials of a name: of all its words with and without `of`, and of runs inside."""
    words = name.words
    if len(words) < 2:
        return
    of_all = "".join([word[0] for word in words])
    yield of_all
    yield "".join([word[0][0] for word in WORD.finditer(name.span.of(where))]).lower()
    for length in range(3, len(words)):
        for start in range(len(words) - length + 1):
            yield of_all[start : start + length]
