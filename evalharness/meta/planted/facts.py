"""What can be read of an article and of a summary: sentences, names, numbers, quotations.

Also what sort each name is of: a person, a place, an organisation, a team, a country.
"""

import bisect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

from evalharness import text
from evalharness.meta.planted import lexicon
from evalharness.records import Span

# --- Which names are people, places, organisations, countries and adjectives of countries

Sort = Literal["person", "place", "organisation", "team", "country", "nationality"]
Gender = Literal["male", "female"]
WordTuple = tuple[str, ...]
_FIRST_NAMES = lexicon.FIRST_NAMES_MALE | lexicon.FIRST_NAMES_FEMALE
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
                text.country(" ".join(name.words)) or name.words[-1] in lexicon.EVENT_WORDS
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
        if _MALE.search(before) or name.words[0] in lexicon.FIRST_NAMES_MALE:
            self._genders.setdefault(name.words[-1], "male")
        elif _FEMALE.search(before) or name.words[0] in lexicon.FIRST_NAMES_FEMALE:
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
            return "male" if words[0] in lexicon.FIRST_NAMES_MALE else "female"
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
        if whole == text.country(whole) or whole in lexicon.SHORT_COUNTRIES or len(words) > 1:
            return "country"
        return "nationality" if not whole.endswith("s") or whole == "swiss" else None
    if words[-1] in lexicon.EVENT_WORDS:
        return None
    if lexicon.TEAM_WORDS & set(words) and len(words) < 4:
        return "team"
    if lexicon.ORGANISATION_WORDS & set(words) and (len(words) > 1 or written.isupper()):
        return "organisation"
    if words[-1] in ("city", "town") and len(words) == 2:
        return "team"
    if words[-1] in lexicon.PLACE_WORDS and len(words) > 1:
        return "place"
    if 2 <= len(words) <= 3 and words[0] in _FIRST_NAMES and words[-1] not in lexicon.NO_SURNAMES:
        return "person"
    if whole in lexicon.PLACE_NAMES or (
        len(words) == 1 and whole.endswith("shire") and len(whole) > 6
    ):
        return "place"
    if len(words) == 1 and re.search("[a-z][A-Z]", re.sub("^(?:Ma?c|De|Fitz)", "", written)):
        return "organisation"
    is_acronym = len(words) == 1 and written.isupper() and written.isalpha()
    is_body = is_acronym and 3 <= len(written) <= 5 and whole not in lexicon.NO_BODIES
    return "organisation" if is_body else None


def _sort_by_company(name: text.Name, before: str, after: str) -> Sort | None:
    if _PERSONAL_BEFORE.search(before) or _PERSONAL_AFTER.search(after):
        return "person" if len(name.words) <= 3 else None
    if _SAYING.search(after) and not before.lower().endswith("the "):
        return "person" if len(name.words) == 2 else None
    return "place" if _LOCAL.search(before) and len(name.words) == 1 else None


# --- What the article states, and what the summary claims

# An article sentence with this share of a claim's words may state it.
STATED_SHARE = 0.5
# Double quotes of every dress, and single ones that cannot be apostrophes.
_QUOTED = re.compile(
    r"“[^“”\n]{2,400}”|\"[^\"\n]{2,400}\"|``[^`\n]{2,400}?''|`[^`'\n]{2,400} '(?!\w)"
    r"|(?<![^\s(])[‘'](?=\w)(?!(?:s|re|ll|ve|d|m|t)\b)[^‘’'\n]{2,400}?"
    r"(?:(?<=\w)['’](?=\w)[^‘’'\n]{1,400}?){0,5}(?<=[\w.,!?])['’](?!\w)"
)
_TOKENISED = re.compile(r"\w [.,](?: |$)")


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """A change to a summary: the characters from `start` to `end` become `new`."""

    start: int
    end: int
    new: str


class Facts:
    """What an article states, read once for all that is planted against it."""

    def __init__(self, article: str) -> None:
        self.text = article
        self.sentences = text.sentences(article)
        self.names, self.casing = text.names_and_casing(
            article, text.word_columns(article, self.sentences)[0]
        )

    @cached_property
    def sorts(self) -> Sorts:
        """What sort each name is of."""
        return Sorts(self.text, self.names)

    @cached_property
    def numbers(self) -> list[text.Number]:
        """Every number, also those that may be no quantity."""
        return text.numbers(self.text, self.sentences)

    @cached_property
    def _index(self) -> text.NumberIndex:
        return text.NumberIndex(self.numbers)

    @cached_property
    def _folded_text(self) -> str:
        return f" {_fold_phrase(self.text)} "

    @cached_property
    def _words(self) -> list[frozenset[str]]:
        return [frozenset(text.content_words(span.of(self.text))) for span in self.sentences]

    def says(self, phrase: str) -> bool:
        """Tell whether the article has the words of a phrase one after the other, in any case."""
        folded = _fold_phrase(phrase)
        return bool(folded) and f" {folded} " in self._folded_text

    def has_number(self, claimed: text.Number) -> bool:
        """Tell whether a number can be one of the article's, more or less exactly stated."""
        if next(iter(self._index.agreeing_numbers(claimed)), None) is not None:
            return True
        return any(text.agree(stated, claimed) for stated in self.numbers)

    def may_state(self, claim: str, new: str) -> bool:
        """Tell whether a sentence has the new words and about half of the claim's other words."""
        needed = {text.fold(span.of(new)) for span in text.words(new)}
        wanted = frozenset(text.content_words(claim)) - needed
        return any(
            len(wanted & words) >= STATED_SHARE * len(wanted)
            and needed <= {text.fold(each.of(sentence)) for each in text.words(sentence)}
            for words, span in zip(self._words, self.sentences, strict=True)
            if (sentence := span.of(self.text))
        )


class SummaryClaims:
    """A summary, read with the capitals of its article."""

    def __init__(self, summary: str, facts: Facts) -> None:
        self.text = summary
        self.sentences = text.sentences(summary)
        self.names = text.names(
            summary, facts.casing, text.word_columns(summary, self.sentences)[0]
        )
        self._words: dict[Span, frozenset[str]] = {}
        self.is_tokenised = len(_TOKENISED.findall(summary)) > 0

    @cached_property
    def numbers(self) -> list[text.Number]:
        """The numbers that are quantities for sure."""
        found = text.numbers(self.text, self.sentences)
        return [number for number in found if number.sure]

    @cached_property
    def quotes(self) -> list[Span]:
        """What stands between quotation marks, without them."""
        found: list[Span] = []
        paired = self.text.count('"') % 2 == 0
        for match in _QUOTED.finditer(self.text):
            if match[0].startswith('"') and not paired:
                continue
            width = 2 if match[0].startswith("``") else 1
            found.append(Span(match.start() + width, match.end() - width))
        return found

    @cached_property
    def is_lower(self) -> bool:
        """Tell whether names are written without their capitals."""
        inside = [name for name in self.names if name.span.start not in self._starts]
        shown = any(self.text[name.span.start].isupper() for name in inside)
        opens_small = self.text.lstrip()[:1].islower()
        return not shown and (
            opens_small or len(inside) > 1 or (self.is_tokenised and bool(inside))
        )

    @cached_property
    def _starts(self) -> frozenset[int]:
        return frozenset(sentence.start for sentence in self.sentences)

    def sentence_at(self, place: int) -> Span:
        """Return the sentence around a character; the last one that begins before it."""
        found = bisect.bisect_right(self.sentences, place, key=lambda span: span.start)
        return self.sentences[found - 1] if found else Span(0, len(self.text))

    def is_quoted(self, start: int, end: int) -> bool:
        """Tell whether characters touch a quotation."""
        return _touches(self.quotes, start, end)

    def is_named(self, start: int, end: int) -> bool:
        """Tell whether characters touch a name."""
        return _touches(self._name_spans, start, end)

    @cached_property
    def _name_spans(self) -> list[Span]:
        return [name.span for name in self.names]

    def words_near(self, place: int) -> frozenset[str]:
        """Return the words, folded, of the sentence around a character."""
        sentence = self.sentence_at(place)
        if sentence not in self._words:
            written = sentence.of(self.text)
            folded = (text.fold(word.of(written)) for word in text.words(written))
            self._words[sentence] = frozenset(folded)
        return self._words[sentence]

    def match_casing(self, draft: PlannedChange) -> PlannedChange:
        """Return the draft written as the summary is: its capitals, its spaces before points."""
        new = draft.new
        if self.is_lower:
            new = new.lower()
        if self.is_tokenised:
            new = re.sub(r"(?<=\w)([,;:!?]|\.(?!\w))(?=\s|$)", r" \1", new)
        opens = draft.start in self._starts and self.text[draft.start : draft.start + 1].isupper()
        if (opens or draft.start == draft.end) and new:
            first = len(new) - len(new.lstrip())
            new = new[:first] + new[first : first + 1].upper() + new[first + 1 :]
        return PlannedChange(draft.start, draft.end, new)

    def with_draft(self, draft: PlannedChange) -> str:
        """Return the summary with the change made."""
        return self.text[: draft.start] + draft.new + self.text[draft.end :]

    def claim_with(self, draft: PlannedChange) -> str:
        """Return the sentence that the change makes of the one in which it stands."""
        sentence = self.sentence_at(draft.start)
        end = max(sentence.end, draft.end)
        return self.text[sentence.start : draft.start] + draft.new + self.text[draft.end : end]


# Errors and edits of one article come one after the other.
_ARTICLES_KEPT = 8


@lru_cache(maxsize=_ARTICLES_KEPT)
def facts_of(article: str) -> Facts:
    """Return what an article states, read once."""
    return Facts(article)


@lru_cache(maxsize=_ARTICLES_KEPT)
def claims_of(article: str, summary: str) -> SummaryClaims:
    """Return what a summary of an article claims, read once."""
    return SummaryClaims(summary, facts_of(article))


def pattern_matches(pattern: re.Pattern[str], claims: SummaryClaims) -> Iterator[re.Match[str]]:
    """Yield the matches of a pattern outside names and quotations."""
    for match in pattern.finditer(claims.text):
        quoted = claims.is_quoted(match.start(), match.end())
        if not quoted and not claims.is_named(match.start(), match.end()):
            yield match


def _touches(spans: Sequence[Span], start: int, end: int) -> bool:
    """Tell whether characters touch one of some spans that are in order and apart."""
    place = bisect.bisect_left(spans, end, key=lambda span: span.start)
    return place > 0 and spans[place - 1].end > start


def _fold_phrase(phrase: str) -> str:
    return " ".join(text.fold(span.of(phrase)) for span in text.words(phrase))
