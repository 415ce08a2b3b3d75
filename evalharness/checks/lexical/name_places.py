"""The names of an article where they stand, with the words around them, for all its summaries."""

import bisect
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date

from evalharness import text
from evalharness.checks.lexical.passages import MOST_CANDIDATES, MOST_PLACES, Passages, on_demand
from evalharness.checks.lexical.scoring import ArticleIndex
from evalharness.checks.lexical.words import PRONOUNS

# So far from a name, in words, stands what is its company.
REACH_OF_COMPANY = 14


class NamePlaces(ArticleIndex):
    """The names of an article: where each stands, and amid which words."""

    def __init__(self, article: str, published: date | None = None) -> None:
        super().__init__(article, published)
        self._beside: dict[tuple[str, int], frozenset[tuple[int, int]]] = {}
        self._companions: dict[str, frozenset[int]] = {}
        self._alike: dict[tuple[str, ...], frozenset[int]] = {}
        self._neighbours: dict[int, tuple[set[str], set[str]]] = {}
        self._company: dict[tuple[str, ...], frozenset[str]] = {}
        self._words_of: dict[int, frozenset[str]] = {}

    @on_demand
    def name_at(self) -> dict[int, text.Name]:
        """The name that a token is part of."""
        return names_by_token(self.passages, self.names)

    def names_beside(self, stem: str, side: int) -> frozenset[tuple[int, int]]:
        """Return the first and last token of the names right behind (1) or before (-1) a stem."""
        if (stem, side) not in self._beside:
            self._beside[stem, side] = frozenset(self._names_beside(stem, side))
        return self._beside[stem, side]

    def names_between(self, before: str, behind: str) -> frozenset[tuple[int, int]]:
        """Return the first and last token of the names between two stems.

        Of stems that are there too often, those beside one of them: not all places are looked at.
        """
        ones, others = self.names_beside(before, 1), self.names_beside(behind, -1)
        places = self.passages.places
        if max(len(places.get(before, ())), len(places.get(behind, ()))) > MOST_PLACES:
            return ones | others
        return ones & others

    def _names_beside(self, stem: str, side: int) -> Iterator[tuple[int, int]]:
        sentences = self.passages.columns.sentences
        for at in self.passages.places.get(stem, ())[:MOST_PLACES]:
            name = self.name_at.get(at + side)
            if name is not None and sentences[at] == sentences[at + side]:
                first = last = at + side
                while self.name_at.get(first - 1) is name:
                    first -= 1
                while self.name_at.get(last + 1) is name:
                    last += 1
                yield first, last

    @on_demand
    def by_words(self) -> dict[tuple[str, ...], list[int]]:
        """Where each name stands: its first token, by its words."""
        found: dict[tuple[str, ...], list[int]] = {}
        for at, name in self.name_at.items():
            if self.name_at.get(at - 1) is not name:
                found.setdefault(name.words, []).append(at)
        return found

    @on_demand
    def forms(self) -> dict[tuple[str, ...], frozenset[str]]:
        """The words of each name with their beginnings."""
        return {words: short_forms(words) for words in self.by_words}

    def places_of(self, stems: Iterable[str]) -> list[int]:
        """Return where the article has one of some stems, in order."""
        return sorted(at for stem in stems for at in self.passages.places.get(stem, ()))

    def company_of(self, words: tuple[str, ...]) -> frozenset[str]:
        """Return the stems of the words of content around a name, wherever it stands."""
        if words not in self._company:
            near: set[str] = set()
            for at in self.by_words.get(words, ())[:MOST_CANDIDATES]:
                near |= self.passages.around(at, REACH_OF_COMPANY)
            self._company[words] = frozenset(near)
        return self._company[words]

    @on_demand
    def _first_places(self) -> dict[int, list[tuple[int, int]]]:
        """Where each name stands first of all, by sentences, with its place among all."""
        found: dict[int, list[tuple[int, int]]] = {}
        sentences = self.passages.columns.sentences
        for number, places in enumerate(self.by_words.values()):
            for at in places[:MOST_CANDIDATES]:
                found.setdefault(sentences[at], []).append((at, number))
        return found

    def companions(self, stem: str) -> frozenset[int]:
        """Return the names that have a word of content with this stem in their company.

        A name is told by its place among all, `distinct`.
        """
        if stem not in self._companions:
            columns, firsts = self.passages.columns, self._first_places
            self._companions[stem] = frozenset(
                number
                for place in self.passages.places.get(stem, ())
                if columns.content[place]
                for at, number in firsts.get(columns.sentences[place], ())
                if abs(at - place) <= REACH_OF_COMPANY and columns.stems[at] != stem
            )
        return self._companions[stem]

    def alike(self, words: tuple[str, ...]) -> frozenset[int]:
        """Return the names with a word of another, or its beginning, by their places among all."""
        if words not in self._alike:
            with_form = map(self._with_form.get, short_forms(words), itertools.repeat(()))
            self._alike[words] = frozenset(itertools.chain.from_iterable(with_form))
        return self._alike[words]

    @on_demand
    def _with_form(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number, words in enumerate(self.distinct):
            for form in self.forms[words]:
                found.setdefault(form, []).append(number)
        return found

    def neighbours_of(self, at: int) -> tuple[set[str], set[str]]:
        """Return the words right before and right after the name that a token is of."""
        if at not in self._neighbours:
            whole = tokens_of_name(self.name_at, at)
            self._neighbours[at] = stems_beside(self.passages, whole[0], whole[-1])
        return self._neighbours[at]

    @on_demand
    def distinct(self) -> list[tuple[str, ...]]:
        """The words of each name, in the order in which they come in the article."""
        return [*self.by_words]

    def words_of(self, number: int) -> frozenset[str]:
        """Return all words of a sentence, folded."""
        if number not in self._words_of:
            first, end = self.passages.first[number], self.passages.first[number + 1]
            self._words_of[number] = frozenset(self.passages.columns.words[first:end])
        return self._words_of[number]

    def may_mean(self, name: text.Name, sentence: int, by_pronoun: bool) -> bool:
        """Tell whether a sentence names something, perhaps by a pronoun or in other words."""
        pronoun = by_pronoun and self.words_of(sentence) & PRONOUNS
        first = sentence - 1 if pronoun else sentence
        country, forms = text.country(" ".join(name.words)), short_forms(name.words)
        for words in map(self.words_of, range(max(0, first), sentence + 1)):
            if not forms.isdisjoint(words) or not short_forms(words).isdisjoint(forms):
                return True
            if country and any(text.country(known) == country for known in words):
                return True
        return False


def short_forms(words: Collection[str]) -> frozenset[str]:
    """Return words with their beginnings, which another may be short for: Hibs, Hibernian."""
    return frozenset(words) | {f"{word[:3]}…" for word in words if len(word) > 2}


def tokens_of_name(name_at: Mapping[int, text.Name], at: int) -> list[int]:
    """Return the tokens of the name that a token is of."""
    name = name_at[at]
    return [each for each in range(at - 8, at + 9) if name_at.get(each) is name]


def names_by_token(where: Passages, names: Sequence[text.Name]) -> dict[int, text.Name]:
    """Return the name of each token that is part of one, in order."""
    found: dict[int, text.Name] = {}
    starts, at = where.columns.starts, 0
    for name in names:
        for part in name.parts:
            at = bisect.bisect_left(starts, part.start, at)
            found[at] = name
    return found


def stems_beside(where: Passages, first: int, last: int) -> tuple[set[str], set[str]]:
    """Return the words right before and right after some in their sentence.

    Behind a sentence's first words, also the first word of content, which tells most.
    """
    low, high = where.bounds(first)
    after, stems = range(last + 1, min(high, last + 5)), where.stems
    right = {stems[at] for at in after[:1]}
    if first > low:
        return {stems[first - 1]}, right
    words, content = where.columns.words, where.columns.content
    telling = (stems[at] for at in after if content[at] and not words[at].isdecimal())
    return set(), right | {next(telling, "")} - {""}
