"""A sentence of a summary, aligned with the article: the cheapest path through its words.

Words are compared as stems, countries under any of their words. Nothing is learned; all takes
linear time, as the places that are looked at for one word are limited.
"""

import bisect
import itertools
import math
import operator
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from evalharness import text
from evalharness.checks.lexical.passages import (
    LONGEST_IN_COMPANY,
    MOST_TOGETHER,
    Passages,
    on_demand,
    passages_of_summary,
    rapidfuzz,
)
from evalharness.checks.lexical.scoring import ArticleIndex
from evalharness.checks.lexical.words import (
    APART,
    BEHIND_THE,
    NUMBER_FORMS,
    OMISSIBLE,
    OPEN_FRAMES,
    PASSIVE,
    PHRASE_OF,
    PHRASES,
    SHORT_FOR,
    frame_length,
)
from evalharness.records import Span
from evalharness.text import Token
from evalharness.text.english_words import relatives, same_grade, synonyms
from evalharness.text.name_words import COUNTRY_OF
from evalharness.text.number_words import ONES, ORDINALS, TENS
from evalharness.text.stems import VERB_OF
from evalharness.text.words import FUNCTION_WORDS

# What a path through the article pays for the next word of the summary. Eleven other settings
# moved the agreement with human labels by .002 at most, so these were not tuned.
SKIP = 0.5  # leaves out up to MOST_SKIPPED words of the article
SKIPPED_WORD = 0.12
MOST_SKIPPED = 5
SAME_SENTENCE = 1.4
BACKWARD = 1.0  # on top, inside a sentence
NEXT_SENTENCE = 1.9
ELSEWHERE = 2.2
_NOVEL_WEIGHT = 4.0  # a word of content that the article does not have
NOVEL_FUNCTION_WORD = 0.7
OTHER_WORD = 0.25  # on top, for a word that means the same as the article's
SYNONYM = 0.95  # how far such a word is known
# Paths that are followed, and places of one word at which they may go on.
BEAM = 8
_MOST_PLACES = 24
# Words that one may stand for: `in spite of`, the names behind initials.
_PHRASE_WORDS = 4
# Behind the one word there may be these, as in `because of`, `want to`.
_AFTER_PHRASES = frozenset(["of", "to"])
# Places of its rarest word at which a copy of a sentence is looked for.
MOST_COPIES = 1000

# Spellings (0-100) that are less alike say nothing; so do those of short words.
LEAST_SIMILAR = 60.0
SHORTEST_SIMILAR, LONGEST_SIMILAR = 4, 40
# Past these, looking for a spelling would not be linear: distinct words here, distinct words there.
MOST_SPELLINGS = 20_000
MOST_LOOKED_UP = 400
# A word that is spelled so nearly like one of the article's is not novel: `organise`.
KNOWN_SPELLING = 0.6

# Words of content so far apart in a sentence make a pair, so far apart in the article keep it.
PAIRED = 3
CLOSE = 10
MOST_PAIRED_PLACES = 60

# A statement that is joined to another has so many words.
LEAST_CLAUSE = 4
JOINING = frozenset(["and", "but", "while"])
# Evidence: the best sentences of the article, of which each has so much of the best one's share.
_MOST_EVIDENCE = 3
LEAST_EVIDENCE = 0.3
CONTENT_VOTE = 4


_VALUES = {word: str(value) for word, value in (ONES | TENS).items() if word != "one"} | {
    word: f"{value}th" for word, value in ORDINALS.items()
}
# Words that are not compared as their stems; a country goes before a value.
_KEY_OF = SHORT_FOR | _VALUES | COUNTRY_OF
_DIGITS = re.compile(r"(\d[\d,]*(?:\.\d+)?)(st|nd|rd|th|m|bn)?")


def _key_of(word: str, stem: str) -> str:
    """Return how a folded word is compared: as its country, its value or its stem."""
    if not word.isalpha():
        if word[0].isdigit() and (match := _DIGITS.fullmatch(word)):
            is_ordinal = match[2] in ("st", "nd", "rd", "th")
            return match[1].replace(",", "") + ("th" if is_ordinal else "")
        if "'" in word:
            return "not" if word.endswith("n't") else word.partition("'")[0] or word
    return _KEY_OF.get(word) or stem


# The first and the last of some words of a sentence.
WordRun = tuple[int, int]
# The words of a path that the article has, the last one first: (word, its place, (word, …)).
_Path = tuple[int, int, Any] | None


# The cheapest path to a place of the article: its cost, the place of the last word that the article
# has (-1 before the first), the sentence of that place, and the path. A bare tuple, since they are
# made by the hundred.
_State = tuple[float, int, int, _Path]


class Aligned(NamedTuple):
    """A sentence of a summary and where its cheapest path finds the words in the article.

    tokens: its words; keys: as they are compared, with the article's word for one that means the
    same; own: their own keys.
    places: for each word, which word of the article it is; None where the path does without.
    cost: of the path; 0 for a copy. known: the share of its words of content that the article has,
    as `known_words` counts it.
    """

    tokens: Sequence[Token]
    keys: Sequence[str]
    places: Sequence[int | None]
    cost: float
    own: Sequence[str]
    known: float


class Wording(ArticleIndex):
    """The words of an article, indexed once for all its summaries.

    keys: each word as it is compared. places: where each key stands, in order. sentences: which
    sentence each word stands in, from 0.
    """

    def __init__(self, article: str, published: date | None = None) -> None:
        super().__init__(article, published)
        self.keys = self.passages.stems.copy()
        self.places = self._places_of_keys()
        self.sentences: Sequence[int] = self.passages.columns.sentences
        self._first_places = frozenset(self.passages.first)
        self._ends = frozenset([place - 1 for place in self.passages.first])
        self._similar: dict[str, tuple[float, str]] = {}
        self._most: dict[str, int] = {}
        self._aligned: dict[str, list[tuple[Span, Aligned]]] = {}

    def _places_of_keys(self) -> dict[str, list[int]]:
        """Set the keys that are no stems, and return where each stands, in order."""
        stems, places, words = (
            self.passages.stems,
            self.passages.places,
            self.passages.columns.words,
        )
        moved: list[int] = []
        for at in sorted([*self.passages.with_marks, *self.passages.at_words(_KEY_OF)]):
            self.keys[at] = _key_of(words[at], stems[at])
            if self.keys[at] != stems[at]:
                moved.append(at)
        if not moved:
            return places
        places = places.copy()
        for stem in dict.fromkeys([stems[at] for at in moved]):
            if left := [at for at in places.pop(stem) if self.keys[at] == stem]:
                places[stem] = left
        for key, more in itertools.groupby(
            sorted(moved, key=self.keys.__getitem__), self.keys.__getitem__
        ):
            places[key] = sorted([*places.get(key, ()), *more])
        return places

    def __contains__(self, key: str) -> bool:
        return key in self.places

    def sentence_of(self, place: int) -> int:
        """Return which sentence a word of the article stands in, from 0."""
        return self.sentences[place]

    def drops_nothing(self, before: int, place: int) -> bool:
        """Tell whether a path from one word to another leaves out no more than `the` or so."""
        words = self.passages.columns.words[before + 1 : place]
        if self.keys[before] in PHRASE_OF and words[0] in _AFTER_PHRASES:
            words = words[1:]
        return OMISSIBLE.issuperset(words)

    def most_in_sentence(self, key: str) -> int:
        """Return how often the sentence that has a word most often has it."""
        if key not in self._most:
            counted = Counter(map(self.sentences.__getitem__, self.places.get(key, ())))
            self._most[key] = max(counted.values(), default=0)
        return self._most[key]

    def copied_from(self, keys: list[str]) -> int | None:
        """Return the place from which the article has exactly these words; None: nowhere.

        The first at which a sentence ends with them, else the first: what is a whole sentence of
        the article is not held to be broken off from where its words stand, too.
        """
        known = list(map(self.places.get, keys))
        if None in known:
            return None
        n_places = [len(places) for places in known if places]
        offset = n_places.index(min(n_places))
        copies = [
            place - offset
            for place in self.places[keys[offset]][:MOST_COPIES]
            if place >= offset and self.keys[place - offset : place - offset + len(keys)] == keys
        ]
        ends = (start for start in copies if start + len(keys) in self._first_places)
        return next(ends, copies[0] if copies else None)

    def read(
        self, tokens: Sequence[Token], keys: Sequence[str]
    ) -> tuple[Sequence[Token], list[str]]:
        """Return the words of a sentence and their keys, a phrase as the word that it stands for.

        Only where the article has that word, and not the phrase. What only belongs to the form of
        a number (`per cent`), and the article does without, is left out.
        """
        words = [token.word for token in tokens]
        if NUMBER_FORMS.isdisjoint(words) and not _may_have_phrase(tokens, words):
            return tokens, [*keys]
        read = [*self._read(tokens, keys)]
        return (
            ([token for token, _ in read], [key for _, key in read]) if read else (tokens, [*keys])
        )

    def _read(self, tokens: Sequence[Token], keys: Sequence[str]) -> Iterator[tuple[Token, str]]:
        """Yield the words that are kept, with their keys."""
        at, before = 0, ""
        while at < len(tokens):
            length, key = self._phrase_at(tokens, keys, at)
            is_form = before[:1].isdigit() and tokens[at].word in NUMBER_FORMS
            if not is_form or key in self.places:
                before = key
                yield tokens[at], key
            at += length

    def _phrase_at(self, tokens: Sequence[Token], keys: Sequence[str], at: int) -> tuple[int, str]:
        if not _may_open_phrase(tokens, at):
            return 1, keys[at]
        for length in range(min(_PHRASE_WORDS, len(tokens) - at), 1, -1):
            run = tokens[at : at + length]
            word = (
                text.country(" ".join(token.word for token in run))
                or PHRASES.get(tuple(token.stem for token in run))
                or _initials(run)
            )
            if len(word) > 1 and word in self.places and self._prefers(word, keys, at, length):
                return length, word
        return 1, keys[at]

    def _prefers(self, word: str, keys: Sequence[str], at: int, length: int) -> bool:
        """Tell whether the article has a word in place of some, at least behind the one before."""
        if not self._has_run(keys[at : at + length]):
            return True
        before = keys[max(0, at - 1) : at]
        is_behind = bool(before) and self._has_run([*before, word])
        return is_behind and not self._has_run([*before, *keys[at : at + length]])

    def _has_run(self, keys: Sequence[str]) -> bool:
        places = self.places.get(keys[0], ())[:MOST_COPIES]
        return any(self.keys[place : place + len(keys)] == list(keys) for place in places)

    @on_demand
    def _short_forms(self) -> dict[str, str]:
        """The initials of the article's names, with the first word of each."""
        names = [name for name in reversed(self.names) if len(name.words) > 1]
        found = {text.stem_of("".join([w[0] for w in name.words])): name for name in names}
        starts, forms = self.passages.columns.starts, dict[str, str]()
        for initials, name in found.items():
            start = name.parts[0].start
            at = bisect.bisect_left(starts, start)
            if len(initials) > 1 and at < len(starts) and starts[at] == start:
                forms[initials] = self.keys[at]
        return forms

    def known_as(self, own: Sequence[str], at: int) -> str:
        """Return the article's word for one of a sentence; the word itself if it has none.

        `Film` for `movie`: of the words that may mean the same, one that the article has amid the
        same words, also where it has the sentence's own elsewhere; else the first that it has.
        Amid the same words, a word may also stand for a more general one (`staff`, `workers`).
        """
        key, places = own[at], self.places
        before = own[at - 1] if at else None
        after = own[at + 1] if at + 1 < len(own) else None
        if key in places:
            if key in FUNCTION_WORDS or self._is_amid(key, before, after, 1):
                return key
            others = filter(places.__contains__, synonyms(key))
            return next((other for other in others if self._is_amid(other, before, after, 2)), key)
        for short in (self._short_forms.get(key), PHRASE_OF.get(key)):
            if short in places:
                return short
        same = [*filter(places.__contains__, synonyms(key))]
        for other in (*same, *filter(places.__contains__, relatives(key))):
            if self._is_amid(other, before, after, 1):
                return other
        if key in FUNCTION_WORDS:
            return key
        return same[0] if same else next(filter(places.__contains__, same_grade(key)), key)

    @on_demand
    def _keys_amid(self) -> list[str]:
        """The keys with one before the first and one behind the last: a word's neighbours."""
        return ["", *self.keys, ""]

    def _is_amid(self, other: str, before: str | None, after: str | None, n_sides: int) -> bool:
        """Tell whether a word stands in the article beside so many neighbours of another."""
        keys = self._keys_amid
        for place in self.places[other][:_MOST_PLACES]:
            n_same = (keys[place] == before) + (keys[place + 2] == after)
            if n_same >= n_sides:
                return True
        return False

    def similar(self, key: str) -> tuple[float, str]:
        """Return how nearly the article has a word that it does not have, 0-1, and what it has."""
        if key not in self._similar:
            self._similar[key] = self._looked_up(key)
        return self._similar[key]

    def _looked_up(self, key: str) -> tuple[float, str]:
        if not SHORTEST_SIMILAR <= len(key) <= LONGEST_SIMILAR:
            return 0.0, ""
        if len(self._similar) >= MOST_LOOKED_UP or len(self.places) > MOST_SPELLINGS:
            return 0.0, ""
        ratio, best_of = rapidfuzz().fuzz.ratio, rapidfuzz().process.extractOne
        found = best_of(key, self.places.keys(), scorer=ratio, score_cutoff=LEAST_SIMILAR)
        if found is None:
            return 0.0, ""
        return (found[1] - LEAST_SIMILAR) / (100 - LEAST_SIMILAR), found[0]

    def aligned(self, summary: str) -> list[tuple[Span, Aligned]]:
        """Return the clauses of a summary, aligned, each with its sentence; some are kept."""
        found = self._aligned.get(summary)
        if found is None:
            if len(self._aligned) >= MOST_TOGETHER or len(summary) > LONGEST_IN_COMPANY:
                self._aligned.clear()
            found = self._aligned[summary] = [
                (span, aligned)
                for span, words in by_sentence(passages_of_summary(summary))
                for aligned in self._align_clauses(without_frame(words))
            ]
        return found

    def _align_clauses(self, tokens: Sequence[Token]) -> Iterator[Aligned]:
        """Yield the statements that a sentence joins, so that it matters little where one ends.

        A sentence of the article at its head or end is one of them, so that a copy without its
        stop does not thin out what is beside it; and a copied sentence is not parted.
        """
        keys = [_key_of(token.word, token.stem) for token in tokens]
        if (place := self.copied_from(keys)) is not None:
            yield _copy(tokens, keys, place)
            return
        start, end = self._between_copies(keys)
        yield from (align(self, copy) for copy in (tokens[:start], tokens[end:]) if copy)
        start += 0 < start < end and tokens[start].word in JOINING
        end -= start < end < len(tokens) and tokens[end - 1].word in JOINING
        for at in range(start + LEAST_CLAUSE, end - LEAST_CLAUSE):
            if (
                tokens[at].word in JOINING
                and at - start >= LEAST_CLAUSE
                and _begins_clause(tokens, at)
            ):
                yield align(self, tokens[start:at])
                start = at + 1
        if start == 0 and end == len(tokens):
            yield _align_novel(self, tokens, keys)
        elif start < end:
            yield align(self, tokens[start:end])

    def _between_copies(self, keys: list[str]) -> tuple[int, int]:
        """Return what is left of a sentence between whole sentences of the article at its ends."""
        bounds, n_keys = self.passages.first, len(keys)
        start, n_rest = 0, 0
        for place in self._first_places.intersection(self.places.get(keys[0], ())[:MOST_COPIES]):
            length = bounds[bisect.bisect_right(bounds, place)] - place
            if start < length < n_keys and self._stands_at(place, keys[:length]):
                start = length
        for end in self._ends.intersection(self.places.get(keys[-1], ())[:MOST_COPIES]):
            place = bounds[bisect.bisect_right(bounds, end) - 1]
            length = end + 1 - place
            if n_rest < length < n_keys - start and self._stands_at(place, keys[-length:]):
                n_rest = length
        return start, n_keys - n_rest

    def _stands_at(self, place: int, keys: list[str]) -> bool:
        """Tell whether the article has these words, no fewer than a statement has, at a place."""
        n_keys = len(keys)
        return n_keys >= LEAST_CLAUSE and self.keys[place : place + n_keys] == keys


# The first two words of what may stand for one word of an article.
_OPEN_COUNTRIES = frozenset(tuple(words.split(" ")[:2]) for words in COUNTRY_OF if " " in words)
_OPEN_PHRASES = frozenset(phrase[:2] for phrase in PHRASES)


def _may_open_phrase(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a word may be the first of a country, a phrase or initials; most may not."""
    run = tokens[at : at + 3]
    if len(run) > 1:
        one, other = run[:2]
        if (one.word, other.word) in _OPEN_COUNTRIES or (one.stem, other.stem) in _OPEN_PHRASES:
            return True
    return len(run) == 3 and all(token.written[0].isupper() for token in run)


def _may_have_phrase(tokens: Sequence[Token], words: Sequence[str]) -> bool:
    """Tell whether one of some words may open a phrase; of most sentences none may."""
    if not _OPEN_COUNTRIES.isdisjoint(itertools.pairwise(words)):
        return True
    if not _OPEN_PHRASES.isdisjoint(itertools.pairwise([token.stem for token in tokens])):
        return True
    return "AAA" in "".join(["A" if token.written[0].isupper() else "a" for token in tokens])


def _initials(run: Sequence[Token]) -> str:
    """Return the initials of three words or more that all have a capital; empty if not."""
    are_names = len(run) > 2 and all(token.written[0].isupper() for token in run)
    return text.stem_of("".join(token.word[0] for token in run)) if are_names else ""


def by_sentence(summary: Passages) -> Iterator[tuple[Span, list[Token]]]:
    """Yield the sentences of a summary that have words, with them."""
    for number, span in enumerate(summary.sentences):
        tokens = summary.tokens[summary.first[number] : summary.first[number + 1]]
        if tokens:
            yield span, tokens


# With one of these, the next word tells whether they open a frame.
_DETERMINERS = frozenset(["the", "this", "a", "an"])


def without_frame(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return the words of a sentence without those that only say that the article says it.

    `According to the report, …`, `In summary, …`: they are neither supported nor new. A sentence
    that has nothing else is left as it is.
    """
    if not tokens or tokens[0].word not in OPEN_FRAMES:
        return tokens
    if tokens[0].word in _DETERMINERS and (len(tokens) < 2 or tokens[1].word not in BEHIND_THE):
        return tokens
    n_framing = frame_length([t.word for t in tokens], [t.after_mark for t in tokens])
    rest = tokens[n_framing:]
    return rest if any(token.content for token in rest) else tokens


def _begins_clause(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a word joins a statement to another: `…, and he`, not `…, and left`."""
    token = tokens[at]
    if not token.after_mark or token.word not in JOINING:
        return False
    following = tokens[at + 1].word
    return not (following in VERB_OF or following.endswith("ed"))


def align(article: Wording, tokens: Sequence[Token]) -> Aligned:
    """Return a sentence with its cheapest path through the article (Viterbi, with a beam)."""
    own = [_key_of(token.word, token.stem) for token in tokens]
    start = article.copied_from(own)
    return _align_novel(article, tokens, own) if start is None else _copy(tokens, own, start)


def _copy(tokens: Sequence[Token], own: Sequence[str], start: int) -> Aligned:
    """Return the words of a sentence that the article has, from a place on."""
    return Aligned(tokens, own, range(start, start + len(own)), 0.0, own, 1.0)


def _align_novel(article: Wording, tokens: Sequence[Token], own: Sequence[str]) -> Aligned:
    """Return the cheapest path of a sentence that is no copy."""
    tokens, own = article.read(tokens, own)
    places = article.places
    keys = [
        key if key in FUNCTION_WORDS and key in places else article.known_as(own, at)
        for at, key in enumerate(own)
    ]
    beam: list[_State] = [(0.0, -1, -1, None)]
    for at, key in enumerate(keys):
        beam = _step(article, beam, at, key, tokens[at].content)
    cost, _, _, path = beam[0]
    n_other = sum(map(operator.ne, own, keys))
    known = known_words(article, tokens, own, keys)
    path_places = _places(path, len(keys))
    return Aligned(tokens, keys, path_places, cost + OTHER_WORD * n_other, own, known)


def active_forms(aligned: Aligned) -> Iterator[Sequence[Token]]:
    """Yield the words of a passive that is no copy, as the active has them.

    `A deal was signed by Roe in May`: `Roe signed a deal in May`.
    """
    tokens = aligned.tokens
    for at in range(2, len(tokens) - 1) if aligned.cost > 0 and "by" in aligned.own else ():
        verb = tokens[at - 1]
        if tokens[at].word != "by" or not (verb.word in VERB_OF or verb.word.endswith("ed")):
            continue
        helping = [n for n in range(max(at - 4, 1), at - 1) if tokens[n].word in PASSIVE]
        if helping:
            apart = (
                n
                for n in range(at + 2, len(tokens))
                if tokens[n].after_mark or tokens[n].word in APART
            )
            end = next(apart, len(tokens))
            yield [*tokens[at + 1 : end], verb, *tokens[: helping[0]], *tokens[end:]]


def _places(path: _Path, n_words: int) -> list[int | None]:
    """Return where the article has each word of a path."""
    places: list[int | None] = [None] * n_words
    while path is not None:
        at, place, path = path
        places[at] = place
    return places


def _step(article: Wording, beam: list[_State], at: int, key: str, content: bool) -> list[_State]:
    """Return the cheapest paths one word further on; no two of them are at one place."""
    found = article.places.get(key)
    if found is None:
        novel = NOVEL_FUNCTION_WORD
        if content:
            novel = _NOVEL_WEIGHT * (1 - 0.5 * article.similar(key)[0])
        return sorted(_without_word(beam, novel))
    places: Collection[int] = found  # all are looked at, if they are few
    if len(found) > _MOST_PLACES or not (content or beam[0][1] < 0):
        places = _next_places(found, beam, content)
    after = _cheapest(article, beam, at, places)
    if content:  # to go anywhere costs less than to do without it
        after.sort()
        rest = [state for state in beam if state[1] not in places] if len(after) < BEAM else []
        return (after + sorted(_without_word(rest, _NOVEL_WEIGHT)))[:BEAM]
    cheapest = {state[1]: state for state in _without_word(beam, NOVEL_FUNCTION_WORD)}
    for state in after:
        other = cheapest.get(state[1])
        if other is None or state[0] < other[0]:
            cheapest[state[1]] = state
    return sorted(cheapest.values())[:BEAM]


def _without_word(beam: list[_State], cost: float) -> list[_State]:
    """Return some paths one word further on, which they do without."""
    return [(paid + cost, place, sentence, path) for paid, place, sentence, path in beam]


def _cheapest(
    article: Wording, beam: list[_State], at: int, places: Collection[int]
) -> list[_State]:
    """Return the least cost of coming to each place of the article, and the path that it takes."""
    found: list[_State] = []
    sentences = article.sentences
    for place in places:
        sentence = sentences[place]
        least, path = math.inf, beam[0][3]
        for cost, before, its_sentence, its_path in beam:
            if cost >= least:  # the beam is in order, and a step never lowers the cost
                break
            n_sentences = sentence - its_sentence
            gap = place - before
            if n_sentences < 0:
                cost += ELSEWHERE
            elif gap == 1 or before < 0:  # costs nothing, and those before it cost more
                least, path = cost, its_path
                break
            elif 1 < gap <= MOST_SKIPPED + 1:
                if not article.drops_nothing(before, place):
                    cost += SKIP + SKIPPED_WORD * (gap - 1)
            elif not n_sentences:
                cost += SAME_SENTENCE if gap > 0 else SAME_SENTENCE + BACKWARD
            else:
                cost += NEXT_SENTENCE if n_sentences == 1 else ELSEWHERE
            if cost < least:
                least, path = cost, its_path
        found.append((least, place, sentence, (at, place, path)))
    return found


def _next_places(places: list[int], beam: list[_State], content: bool) -> Collection[int]:
    """Return where a path may go on: the places nearest to the beam, and the first of all.

    A word such as `of` only goes on from where the path is; it is no reason to go elsewhere.
    """
    found: set[int] = set()
    right = bisect.bisect_right
    for at in {right(places, before) for _, before, _, _ in beam}:
        found.update(places[at - (at > 0) if content else at : at + 2])
    if content or beam[0][1] < 0:
        found.update(places[:_MOST_PLACES])
    return found


def votes(article: Wording, aligned: Aligned) -> dict[int, int]:
    """Return how much of a sentence its path finds in each sentence of the article."""
    found: dict[int, int] = {}
    sentences = article.sentences
    for token, place in zip(aligned.tokens, aligned.places, strict=True):
        if place is not None:
            number = sentences[place]
            found[number] = found.get(number, 0) + (CONTENT_VOTE if token.content else 1)
    return found


def evidence(
    article: Wording, aligned: Aligned, found: Mapping[int, int] | None = None
) -> tuple[Span, ...]:
    """Return the sentences of the article, at most three, that have most of a sentence's words.

    found: its `votes`, where they are known already.
    """
    found = votes(article, aligned) if found is None else found
    if not found:
        return ()
    best = sorted(found, key=lambda number: (-found[number], number))[:_MOST_EVIDENCE]
    enough = LEAST_EVIDENCE * found[best[0]]
    numbers = [number for number in best if found[number] >= enough]
    return tuple(article.passages.sentences[number] for number in sorted(numbers))


def close_pairs(article: Wording, aligned: Aligned) -> float:
    """Return the share of neighbouring words of content that stand close in the article too."""
    content = [
        article.places.get(key, ())
        for token, key in zip(aligned.tokens, aligned.keys, strict=True)
        if token.content
    ]
    if len(content) < 2:
        return float(all(content))
    n_pairs = n_close = 0
    for following in [content[distance:] for distance in range(1, PAIRED + 1)]:
        n_pairs += len(following)
        both = zip(content, following, strict=False)
        n_close += sum([are_close(one, other) for one, other in both if one and other])
    return n_close / n_pairs


def are_close(one: Sequence[int], other: Sequence[int]) -> bool:
    """Tell whether one of the places of a word is close to one of another's."""
    few, many = (one, other) if len(one) <= len(other) else (other, one)
    for place in few[:MOST_PAIRED_PLACES]:
        at = bisect.bisect_left(many, place - CLOSE)
        if at < len(many) and many[at] <= place + CLOSE:
            return True
    return False


def known_words(
    article: Wording, tokens: Sequence[Token], own: Sequence[str], keys: Sequence[str]
) -> float:
    """Return the share of the words of content that the article has; 1 if there are none.

    A word that means the same as one of the article's, or is spelled nearly like one, counts in
    part.
    """
    places = article.places
    known = [
        1.0 if one in places else SYNONYM if key in places else article.similar(key)[0]
        for token, one, key in zip(tokens, own, keys, strict=True)
        if token.content
    ]
    return sum(known) / len(known) if known else 1.0


def is_novel(article: Wording, key: str) -> bool:
    """Tell whether the article lacks a word; numbers, which have many forms, are not judged."""
    if key in article.places or key[:1].isdigit():
        return False
    return article.similar(key)[0] < KNOWN_SPELLING
