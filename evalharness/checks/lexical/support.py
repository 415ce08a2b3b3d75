"""Does the article have what each sentence of the summary says, and which words does it lack?

A sentence is aligned with the article; what the alignment lacks makes its odds. Words of content
that the article does not have are novel. They are flagged in runs, with the few words between them
that hang together with nothing else; or, in a sentence that is novel for the most part, with all
words but those of copied fragments, since what the article shares with such a sentence is chance. A
run whose only novel words say little by themselves (`launched`) is left out.

For the alignment, words are compared as stems, countries under any of their words. Nothing is
learned; all takes linear time, as the places that are looked at for one word are limited.
"""

import bisect
import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from operator import attrgetter, itemgetter
from typing import Any, ClassVar, NamedTuple

from evalharness import text
from evalharness.checks.lexical.passages import Passages, passages_of_summary
from evalharness.checks.lexical.scoring import ArticleIndex, LexicalCheck, in_order
from evalharness.checks.lexical.words import (
    AFTERTHOUGHTS,
    APART,
    CIRCUMSTANCES,
    CLAUSE_WORDS,
    GENERAL_STEMS,
    NAMING_STEMS,
    NUMBER_FORMS,
    OMISSIBLE,
    PASSIVE,
    PHRASE_OF,
    PHRASES,
    SAYING,
    SHORT_FOR,
    frame_length,
)
from evalharness.records import Flag, Score, SentenceScore, Span
from evalharness.text import Token
from evalharness.text.english_words import synonyms
from evalharness.text.name_words import COUNTRY_OF
from evalharness.text.number_words import ONES, ORDINALS, TENS
from evalharness.text.stems import VERB_OF
from evalharness.text.words import FUNCTION_WORDS, OfWords

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
# Places of its rarest word at which a copy of a sentence is looked for.
MOST_COPIES = 1000

# Spellings (0-100) that are less alike say nothing; so do those of short words.
LEAST_SIMILAR = 60.0
SHORTEST_SIMILAR, LONGEST_SIMILAR = 4, 40
# Past these, looking for a spelling would not be linear: distinct words here, distinct words there.
MOST_SPELLINGS = 20_000
MOST_LOOKED_UP = 400

# Words of content so far apart in a sentence make a pair, so far apart in the article keep it.
PAIRED = 3
CLOSE = 10
MOST_PAIRED_PLACES = 60
# Words of a sentence that are compared with its best passage.
LONGEST_COMPARED = 400
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
_DIGITS = re.compile(r"(\d[\d,]*(?:\.\d+)?)(st|nd|rd|th|m|bn)?")


@OfWords
def _keys(word: str) -> str:
    """Return how a folded word is compared: as its country, its value or its stem."""
    if word[0].isdigit() and (match := _DIGITS.fullmatch(word)):
        is_ordinal = match[2] in ("st", "nd", "rd", "th")
        return match[1].replace(",", "") + ("th" if is_ordinal else "")
    if "'" in word:
        return "not" if word.endswith("n't") else word.partition("'")[0] or word
    return text.country(word) or _VALUES.get(word) or SHORT_FOR.get(word) or text.stem_of(word)


# The first and the last of some words of a sentence.
WordRun = tuple[int, int]
# The places of a path's words, the last one first: (place, (place, …)).
_Path = tuple[int | None, Any] | None


# A state of its fields, without the call of Python code that `_State(...)` makes.
_state = tuple.__new__


class _State(NamedTuple):
    """The cheapest path to a place of the article."""

    cost: float
    place: int  # of the last word that the article has; -1 before the first
    sentence: int
    path: _Path


@dataclass(frozen=True, slots=True)
class Aligned:
    """A sentence of a summary and where its cheapest path finds the words in the article.

    tokens: its words; keys: as they are compared, with the article's word for one that means the
    same; own: their own keys.
    places: for each word, which word of the article it is; None where the path does without.
    cost: of the path; 0 for a copy.
    """

    tokens: Sequence[Token]
    keys: Sequence[str]
    places: Sequence[int | None]
    cost: float
    own: Sequence[str]


class Wording(ArticleIndex):
    """The words of an article, indexed once for all its summaries."""

    def __init__(self, article: str, published: date | None = None) -> None:
        super().__init__(article, published)
        self.keys = [_keys[token.word] for token in self.passages.tokens]
        places = defaultdict[str, list[int]](list)
        for place, key in enumerate(self.keys):
            places[key].append(place)
        self.places = dict(places)
        self._first_places = frozenset(self.passages.first)
        self._similar: dict[str, tuple[float, str]] = {}
        self._aligned: tuple[str, list[tuple[Span, Aligned]]] = "", []

    def __contains__(self, key: str) -> bool:
        return key in self.places

    def sentence_of(self, place: int) -> int:
        """Return which sentence a word of the article stands in, from 0."""
        return self.passages.tokens[place].sentence

    def drops_nothing(self, before: int, place: int) -> bool:
        """Tell whether a path from one word to another leaves out no more than `the` or so."""
        words = [token.word for token in self.passages.tokens[before + 1 : place]]
        return OMISSIBLE.issuperset(words)

    def most_in_sentence(self, key: str) -> int:
        """Return how often the sentence that has a word most often has it."""
        counted = Counter(map(self.sentence_of, self.places.get(key, ())))
        return max(counted.values(), default=0)

    def copied_from(self, keys: list[str]) -> int | None:
        """Return the place from which the article has exactly these words; None: nowhere.

        The first at which a sentence ends with them, else the first: what is a whole sentence of
        the article is not held to be broken off from where its words stand, too.
        """
        n_places, offset = min(
            (len(self.places.get(key, ())), offset) for offset, key in enumerate(keys)
        )
        copies = [
            place - offset
            for place in (self.places[keys[offset]][:MOST_COPIES] if n_places else ())
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
        kept: list[Token] = []
        known: list[str] = []
        at = 0
        while at < len(tokens):
            length, key = self._phrase_at(tokens, keys, at)
            after_number = bool(known) and known[-1][0].isdigit()
            if not (after_number and tokens[at].word in NUMBER_FORMS and key not in self.places):
                kept.append(tokens[at])
                known.append(key)
            at += length
        return (kept, known) if kept else (tokens, [*keys])

    def _phrase_at(self, tokens: Sequence[Token], keys: Sequence[str], at: int) -> tuple[int, str]:
        if not _may_open_phrase(tokens[at]):
            return 1, keys[at]
        for length in range(min(_PHRASE_WORDS, len(tokens) - at), 1, -1):
            run = tokens[at : at + length]
            word = (
                text.country(" ".join(token.word for token in run))
                or PHRASES.get(tuple(token.stem for token in run))
                or _initials(run)
            )
            if len(word) > 1 and word in self.places and not self._has_run(keys[at : at + length]):
                return length, word
        return 1, keys[at]

    def _has_run(self, keys: Sequence[str]) -> bool:
        places = self.places.get(keys[0], ())[:MOST_COPIES]
        return any(self.keys[place : place + len(keys)] == list(keys) for place in places)

    @cached_property
    def _short_forms(self) -> dict[str, str]:
        """The initials of the article's names, with the first word of each."""
        names = [name for name in reversed(self.names) if len(name.words) > 1]
        found = {text.stem_of("".join([w[0] for w in name.words])): name for name in names}
        tokens, forms = self.passages.tokens, dict[str, str]()
        for initials, name in found.items():
            start = name.parts[0].start
            at = bisect.bisect_left(tokens, start, key=_start)
            if len(initials) > 1 and at < len(tokens) and tokens[at].start == start:
                forms[initials] = self.keys[at]
        return forms

    def known_as(self, key: str) -> str:
        """Return the article's word for one that it does not have; the word itself if it has none.

        `Film` for `movie`: of the words that may mean the same, the first that the article has.
        """
        if key in self.places or key in FUNCTION_WORDS:
            return key
        for other in (self._short_forms.get(key), PHRASE_OF.get(key)):
            if other in self.places:
                return other
        return next((other for other in synonyms(key) if other in self.places), key)

    def similar(self, key: str) -> tuple[float, str]:
        """Return how nearly the article has a word that it does not have, 0-1, and what it has."""
        if key not in self._similar:
            self._similar[key] = self._looked_up(key)
        return self._similar[key]

    def _looked_up(self, key: str) -> tuple[float, str]:
        from rapidfuzz import fuzz, process

        if not SHORTEST_SIMILAR <= len(key) <= LONGEST_SIMILAR:
            return 0.0, ""
        if len(self._similar) >= MOST_LOOKED_UP or len(self.places) > MOST_SPELLINGS:
            return 0.0, ""
        spellings = self.places.keys()
        found = process.extractOne(key, spellings, scorer=fuzz.ratio, score_cutoff=LEAST_SIMILAR)
        if found is None:
            return 0.0, ""
        return (found[1] - LEAST_SIMILAR) / (100 - LEAST_SIMILAR), found[0]

    def aligned(self, summary: str) -> list[tuple[Span, Aligned]]:
        """Return the clauses of a summary, aligned, each with its sentence; the last's are kept."""
        if self._aligned[0] != summary:
            found = [
                (span, align(self, clause))
                for span, words in by_sentence(passages_of_summary(summary))
                for clause in self._clauses(without_frame(words))
            ]
            self._aligned = summary, found
        return self._aligned[1]

    def _clauses(self, tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
        """Yield the statements that a sentence joins, so that it matters little where one ends.

        A sentence of the article at its head is one of them, and a copied sentence is not parted.
        """
        if self.copied_from([_keys[token.word] for token in tokens]) is not None:
            yield tokens
            return
        start = 0
        for at in range(LEAST_CLAUSE, len(tokens) - LEAST_CLAUSE):
            if at - start >= LEAST_CLAUSE and _begins_clause(tokens, at):
                yield tokens[start:at]
                start = at + 1
        yield tokens[start:]

    def miscopied(self, summary: str) -> Iterator[Flag]:
        """Yield what a summary that copies put together wrongly: doubled words, spliced halves."""
        found = [aligned for _, aligned in self.aligned(summary)]
        known = [known_words(self, aligned) >= COPIED_WORDS for aligned in found]
        if not any(known):
            return
        pieces = [[*_pieces(self, aligned)] for aligned in found]
        n_words = sum(len(aligned.tokens) for aligned in found)
        in_long_pieces = all(known) and n_words >= LONG_COPIED * sum(map(len, pieces))
        for aligned, is_known, parts in zip(found, known, pieces, strict=True):
            if is_known and aligned.cost and len(aligned.tokens) >= LEAST_COPIED * len(parts):
                for at in doubled_words(self, aligned):
                    yield _doubled_flag(self, aligned, at)
            if in_long_pieces and len(parts) > 1 and (seam := spliced_at(self, aligned, parts)):
                yield _spliced_flag(self, aligned, *seam)

    def foreign_circumstances(self, summary: str) -> Iterator[Flag]:
        """Yield reasons and the like that the article has no word of, where it has the rest."""
        for _, aligned in self.aligned(summary):
            past = -1
            for first, last in _circumstances(aligned) if aligned.cost else ():
                if first > past and _only_is_foreign(self, aligned, first, last):
                    yield _circumstance_flag(self, aligned, first, last)
                    past = last

    def compare(self, summary: str, wrong: Sequence[Span] = ()) -> Score:
        """Return how far the article supports each sentence of a summary, with evidence and flags.

        wrong: what is known to be wrong in the summary, in order; flags go over it.
        """
        scores: list[SentenceScore] = []
        flags: list[Flag] = []
        for span, clauses in itertools.groupby(self.aligned(summary), key=itemgetter(0)):
            against, places = 0.0, list[Span]()
            for _, aligned in clauses:
                tokens, found = aligned.tokens, evidence(self, aligned)
                against += min(
                    odds_against(self, each)
                    for each in (aligned, *map(partial(align, self), active_forms(aligned)))
                )
                places += found
                for first, last in unsupported_runs(self, aligned, wrong):
                    flagged = Span(tokens[first].start, tokens[last].end)
                    flags.append(_flag(self, flagged, summary, found))
            scores.append(SentenceScore(span, 1 / (1 + against), in_order(places)))
        if not scores:
            return Score(None, note="the summary has no words")
        values = [score.value for score in scores]
        parts = {"mean": sum(values) / len(values), "min": min(values)}
        return Score(odds_added(values), parts, tuple(scores), tuple(flags))


_start = attrgetter("start")
# The first words of what may stand for one word of an article.
_OPEN_COUNTRIES = frozenset(words.split(" ")[0] for words in COUNTRY_OF if " " in words)
_OPEN_PHRASES = frozenset(phrase[0] for phrase in PHRASES)


def _may_open_phrase(token: Token) -> bool:
    """Tell whether a word may be the first of a country, a phrase or initials; most may not."""
    return (
        token.written[0].isupper() or token.word in _OPEN_COUNTRIES or token.stem in _OPEN_PHRASES
    )


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


def without_frame(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return the words of a sentence without those that only say that the article says it.

    `According to the report, …`, `In summary, …`: they are neither supported nor new. A sentence
    that has nothing else is left as it is.
    """
    n_framing = frame_length([t.word for t in tokens], [t.after_mark for t in tokens])
    rest = tokens[n_framing:]
    return rest if any(token.content for token in rest) else tokens


def _begins_clause(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a word joins a statement to another: `…, and he`, not `…, and left`."""
    token, following = tokens[at], tokens[at + 1].word
    if not token.after_mark or token.word not in JOINING:
        return False
    return not (following in VERB_OF or following.endswith("ed"))


def align(article: Wording, tokens: Sequence[Token]) -> Aligned:
    """Return a sentence with its cheapest path through the article (Viterbi, with a beam)."""
    own = [_keys[token.word] for token in tokens]
    start = article.copied_from(own)
    if start is not None:
        return Aligned(tokens, own, range(start, start + len(own)), 0.0, own)
    tokens, own = article.read(tokens, own)
    keys = [article.known_as(key) for key in own]
    beam = [_State(0.0, -1, -1, None)]
    for token, key in zip(tokens, keys, strict=True):
        beam = _step(article, beam, key, token.content)
    best = beam[0]
    n_other = sum(one != other for one, other in zip(own, keys, strict=True))
    return Aligned(tokens, keys, _places(best.path), best.cost + OTHER_WORD * n_other, own)


def active_forms(aligned: Aligned) -> Iterator[Sequence[Token]]:
    """Yield the words of a passive that is no copy, as the active has them.

    `A deal was signed by Roe in May`: `Roe signed a deal in May`.
    """
    tokens = aligned.tokens
    for at in range(2, len(tokens) - 1) if aligned.cost > 0 else ():
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


def _places(path: _Path) -> list[int | None]:
    places: list[int | None] = []
    while path is not None:
        place, path = path
        places.append(place)
    return places[::-1]


def _step(article: Wording, beam: list[_State], key: str, content: bool) -> list[_State]:
    """Return the cheapest paths one word further on."""
    novel = _novel_cost(article, key, content)
    after = {
        place: _state(_State, (cost + novel, place, sentence, (None, path)))
        for cost, place, sentence, path in beam
    }
    for place in _next_places(article, beam, key, content):
        sentence = article.sentence_of(place)
        cost, path = _cheapest(article, beam, place, sentence)
        if place not in after or cost < after[place].cost:
            after[place] = _state(_State, (cost, place, sentence, (place, path)))
    return sorted(after.values())[:BEAM]  # by cost and place, of which each is there once


def _cheapest(
    article: Wording, beam: list[_State], place: int, sentence: int
) -> tuple[float, _Path]:
    """Return the least cost of coming to a place of the article, and the path that it takes."""
    least, path = math.inf, beam[0].path
    for cost, before, its_sentence, its_path in beam:
        if cost >= least:  # the beam is in order, and a step never lowers the cost
            break
        gap = place - before
        if gap == 1 or before < 0:
            pass
        elif 1 < gap <= MOST_SKIPPED + 1:
            if not article.drops_nothing(before, place):
                cost += SKIP + SKIPPED_WORD * (gap - 1)
        elif sentence == its_sentence:
            cost += SAME_SENTENCE if gap > 0 else SAME_SENTENCE + BACKWARD
        else:
            cost += NEXT_SENTENCE if sentence == its_sentence + 1 else ELSEWHERE
        if cost < least:
            least, path = cost, its_path
    return least, path


def _novel_cost(article: Wording, key: str, content: bool) -> float:
    if not content:
        return NOVEL_FUNCTION_WORD
    if key in article:
        return _NOVEL_WEIGHT
    return _NOVEL_WEIGHT * (1 - 0.5 * article.similar(key)[0])


def _next_places(article: Wording, beam: list[_State], key: str, content: bool) -> set[int]:
    """Return where a path may go on: the places nearest to the beam, and the first of all.

    A word such as `of` only goes on from where the path is; it is no reason to go elsewhere.
    """
    places = article.places.get(key, [])
    found: set[int] = set()
    if not places:
        return found
    for state in beam:
        at = bisect.bisect_right(places, state.place)
        found.update(places[at - (at > 0) if content else at : at + 2])
    if content or beam[0].place < 0:
        found.update(places[:_MOST_PLACES])
    return found


def votes(article: Wording, aligned: Aligned) -> Counter[int]:
    """Return how much of a sentence its path finds in each sentence of the article."""
    found: Counter[int] = Counter()
    for token, place in zip(aligned.tokens, aligned.places, strict=True):
        if place is not None:
            found[article.sentence_of(place)] += CONTENT_VOTE if token.content else 1
    return found


def common_subsequence(article: Wording, aligned: Aligned) -> float:
    """Return the longest common subsequence with the best two sentences, as a share of words."""
    from rapidfuzz.distance import LCSseq

    found = votes(article, aligned)
    if not found:
        return 0.0
    best = min(found, key=lambda number: (-found[number], number))
    keys = aligned.keys[:LONGEST_COMPARED]
    first = article.passages.first
    windows = {(max(best - 1, 0), best + 1), (best, min(best + 2, len(first) - 1))}
    longest = max(
        LCSseq.similarity(keys, article.keys[first[start] : first[end]]) for start, end in windows
    )
    return longest / len(keys)


def close_pairs(article: Wording, aligned: Aligned) -> float:
    """Return the share of neighbouring words of content that stand close in the article too."""
    content = [
        article.places.get(key, [])
        for token, key in zip(aligned.tokens, aligned.keys, strict=True)
        if token.content
    ]
    if len(content) < 2:
        return float(all(content))
    pairs = [
        are_close(one, other)
        for number, one in enumerate(content)
        for other in content[number + 1 : number + 1 + PAIRED]
    ]
    return sum(pairs) / len(pairs)


def are_close(one: Sequence[int], other: Sequence[int]) -> bool:
    """Tell whether one of the places of a word is close to one of another's."""
    few, many = sorted((one, other), key=len)
    for place in few[:MOST_PAIRED_PLACES]:
        at = bisect.bisect_left(many, place - CLOSE)
        if at < len(many) and many[at] <= place + CLOSE:
            return True
    return False


def known_words(article: Wording, aligned: Aligned) -> float:
    """Return the share of the words of content that the article has; 1 if there are none.

    A word that means the same as one of the article's, or is spelled nearly like one, counts in
    part.
    """
    words = zip(aligned.tokens, aligned.own, aligned.keys, strict=True)
    known = [_known(article, own, key) for token, own, key in words if token.content]
    return sum(known) / len(known) if known else 1.0


def _known(article: Wording, own: str, key: str) -> float:
    if own in article:
        return 1.0
    return SYNONYM if key in article else article.similar(key)[0]


def is_repeated(article: Wording, aligned: Aligned) -> bool:
    """Tell whether a sentence has a word of content more often than any of the article has it.

    Summarizers that lose the thread say things twice (`a sheep, a sheep and a sheep`).
    """
    counted = Counter(
        key
        for token, key in zip(aligned.tokens, aligned.keys, strict=True)
        if token.content and not key[:1].isdigit()
    )
    return any(n > 1 and n > article.most_in_sentence(key) for key, n in counted.items())


def doubled_words(article: Wording, aligned: Aligned) -> Iterator[int]:
    """Yield which words stand in a sentence again, soon, and in no sentence of the article.

    `Anderlecht want to sign Anderlecht's teenager`: the second is in the place of another word.
    """
    counted = Counter(aligned.own)
    last: dict[str, int] = {}
    for at, (token, key) in enumerate(zip(aligned.tokens, aligned.own, strict=True)):
        if token.after_mark:
            last.clear()
        if not token.content or key[:1].isdigit() or token.stem in GENERAL_STEMS:
            continue
        before = last.get(token.word, -REACH_OF_DOUBLE)
        is_near = at - before < REACH_OF_DOUBLE
        if is_near and at - before <= REACH_OF_PAIR:  # Leicester City and Birmingham City
            is_near = all(each.word not in ("and", "or") for each in aligned.tokens[before:at])
        if is_near and key in article and counted[key] > article.most_in_sentence(key):
            yield at
        last[token.word] = at


def spliced_at(
    article: Wording, aligned: Aligned, pieces: Sequence[WordRun]
) -> tuple[WordRun, WordRun] | None:
    """Return two pieces of a sentence, side by side, that the article has in two places.

    Only where its neighbouring words stand far apart in the article on the whole, and none of
    the two words at the seam links (`and`) or says (`believes`): then people may join, too.
    """
    n_content = sum(token.content for token in aligned.tokens)
    if n_content < LEAST_JUDGED or close_pairs(article, aligned) >= CLOSE_ENOUGH:
        return None
    for one, other in itertools.pairwise(pieces):
        seam = aligned.tokens[one[1]], aligned.tokens[other[0]]
        marked = any(token.after_mark for token in aligned.tokens[one[1] + 1 : other[0] + 1])
        if not marked and not any(t.word in CLAUSE_WORDS or t.stem in SAYING for t in seam):
            return one, other
    return None


_OPEN_CIRCUMSTANCES = frozenset(opening[0] for opening in CIRCUMSTANCES)


def _circumstances(aligned: Aligned) -> Iterator[WordRun]:
    """Yield `because parents complained`, `in a small town`: each up to the next mark."""
    words = [token.word for token in aligned.tokens]
    for at, word in enumerate(words):
        if word not in _OPEN_CIRCUMSTANCES:
            continue
        marks = (n for n in range(at + 1, len(words)) if aligned.tokens[n].after_mark)
        end = next(marks, len(words))
        n_content = sum(token.content for token in aligned.tokens[at:end])
        if any(
            n_content >= least and tuple(words[at : at + len(opening)]) == opening
            for opening, least in CIRCUMSTANCES.items()
        ):
            yield at, end - 1


def _only_is_foreign(article: Wording, aligned: Aligned, first: int, last: int) -> bool:
    """Tell whether the article has no word of content of some words, and most of the others."""
    inside, outside = list[bool](), list[bool]()
    words = zip(aligned.tokens, aligned.keys, aligned.own, strict=True)
    for at, (token, key, own) in enumerate(words):
        if token.content:
            side = inside if first <= at <= last else outside
            side.append(_is_novel(article, own) and _is_novel(article, key))
    is_rest_known = sum(outside) <= MOSTLY_NOVEL * len(outside)
    return all(inside) and len(outside) >= LEAST_OUTSIDE and is_rest_known


def _circumstance_flag(article: Wording, aligned: Aligned, first: int, last: int) -> Flag:
    """Return what a reader is told of a circumstance, with the sentences that have the rest."""
    span = Span(aligned.tokens[first].start, aligned.tokens[last].end)
    where = evidence(article, aligned)
    words = " ".join(token.written for token in aligned.tokens[first : last + 1])
    said = f"nothing in the article says '{words[:MOST_QUOTED]}'"
    return Flag(span, "circumstance", said, where)


def _pieces(article: Wording, aligned: Aligned) -> Iterator[WordRun]:
    """Yield the first and last words that stand in the article as near and in the same order.

    A few words may be left out in each, and words that the article lacks may stand in one.
    """
    known = [at for at, place in enumerate(aligned.places) if place is not None]
    first = 0
    for at in range(1, len(known) + 1):
        if at == len(known) or not _go_on(article, aligned, known[at - 1], known[at]):
            yield known[first], known[at - 1]
            first = at


def _go_on(article: Wording, aligned: Aligned, one: int, other: int) -> bool:
    place, following = aligned.places[one], aligned.places[other]
    if place is None or following is None or not 0 < following - place <= MOST_SKIPPED + 1:
        return False
    return article.sentence_of(place) == article.sentence_of(following)


def _spliced_flag(article: Wording, aligned: Aligned, one: WordRun, other: WordRun) -> Flag:
    """Return what a reader is told of two pieces, with the sentences that have them."""
    said: list[str] = []
    where: list[Span] = []
    for first, last in (one, other):
        place, end = aligned.places[first], aligned.places[last]
        if place is not None and end is not None:
            number = article.sentence_of(place)
            words = " ".join(article.passages.words(place, end).split())
            said.append(f"'{words[-MOST_QUOTED:]}' in sentence {number + 1}")
            where.append(article.passages.sentences[number])
    span = Span(aligned.tokens[one[1]].start, aligned.tokens[other[0]].end)
    return Flag(span, "spliced", f"the article has {' and '.join(said)}, apart", in_order(where))


def _doubled_flag(article: Wording, aligned: Aligned, at: int) -> Flag:
    token = aligned.tokens[at]
    found = votes(article, aligned)
    numbers = {article.sentence_of(place) for place in article.places[aligned.own[at]]}
    number = max(sorted(numbers), key=lambda each: found[each])
    said = f"'{token.written}' is said twice here, and once in sentence {number + 1} of the article"
    span = Span(token.start, token.end)
    return Flag(span, "doubled", said, (article.passages.sentences[number],))


def evidence(article: Wording, aligned: Aligned) -> tuple[Span, ...]:
    """Return the sentences of the article, at most three, that have most of a sentence's words."""
    found = votes(article, aligned)
    if not found:
        return ()
    best = sorted(found, key=lambda number: (-found[number], number))[:_MOST_EVIDENCE]
    enough = LEAST_EVIDENCE * found[best[0]]
    numbers = [number for number in best if found[number] >= enough]
    return tuple(article.passages.sentences[number] for number in sorted(numbers))


# What speaks against a sentence, as odds. By hand: halving or doubling one of them moves the
# agreement with human labels by .002 at most.
# For each unit of the path's cost by the root of its words; a novel word costs 4.
PATH = 4 / 30
CUT = 0.1  # where the sentence breaks off before a noun that its last words belong to
LACKING = 0.5  # for all that one of the three shares lacks
NAMING = 0.7  # for each novel word that names things: `county`, `championship`
REPEATED = 0.7  # for a word of content that no sentence of the article has so often
MOST_QUOTED = 60
# A sentence that copies: such a share of its words of content is the article's. In one, a word that
# stands again so soon is a likely error if no sentence of the article has it so often.
COPIED_WORDS = 0.99
LONG_COPIED = 6
CLOSE_ENOUGH = 0.6
REACH_OF_DOUBLE, REACH_OF_PAIR = 14, 4

# The rest of a sentence whose reason is invented has so many words of content.
LEAST_OUTSIDE = 2

# A word that is spelled so nearly like one of the article's is not novel: `organise`.
KNOWN_SPELLING = 0.6
# Words between two novel ones are flagged with them, unless there are more or the article has two
# neighbouring ones of them as neighbours.
MOST_BRIDGED = 3
# A sentence with a greater share of novel words among its words of content, of which it must have
# some, is novel for the most part. On labelled news most of its other words are marked wrong, too.
MOSTLY_NOVEL = 0.48
LEAST_JUDGED = 3
STOPS = frozenset(".?!")
# So many words in a row, one of them of content, are a copied fragment.
LEAST_COPIED = 3


@dataclass(frozen=True)
class Support(LexicalCheck):
    """How far the article's own words make up each sentence of the summary.

    A sentence that is copied has 1, also without `the` and its kin. The score sinks with the cost
    of finding its words in the article one after the other, with the words that are not in the two
    sentences that fit best, or not in their order, with neighbouring words that the article does
    not have close together, with words that it does not have at all, where it breaks off before the
    noun that its last words belong to (`of fake crowd` for `of fake crowd noise`), and with a word
    that is said more often than in any of the article's sentences. Over the sentences the odds
    against support add up; so each further sentence can only lower the score. Their mean and
    minimum are in the parts.
    """

    version: ClassVar[int] = 7
    thresholds: ClassVar[Mapping[str, float]] = {
        "flagged": 0.0,
        "supported": 0.2,
        "sentence": 0.35,
    }
    finds_errors: ClassVar[bool] = False
    index: ClassVar[type[ArticleIndex]] = Wording


def odds_added(values: Iterable[float]) -> float:
    """Return the value whose odds against, `1 / value - 1`, are the sum of those of the values.

    >>> odds_added([0.5, 1.0]), odds_added([0.5, 0.5]), odds_added([0.5, 0.0])
    (0.5, 0.3333333333333333, 0.0)
    """
    against = 0.0
    for value in values:
        if value <= 0:
            return 0.0
        against += 1 / value - 1
    return 1 / (1 + against)


def odds_against(article: Wording, aligned: Aligned) -> float:
    """Return what speaks against a sentence: 0 for a copy, and more the less the article has."""
    cut = CUT * (cut_before(article, aligned) is not None)
    if aligned.cost == 0:
        return cut
    lacking = (
        (1 - common_subsequence(article, aligned))
        + (1 - close_pairs(article, aligned))
        + (1 - known_words(article, aligned))
    )
    n_naming = sum(key in NAMING_STEMS and key not in article for key in aligned.keys)
    repeated = REPEATED * is_repeated(article, aligned)
    path = PATH * aligned.cost / math.sqrt(len(aligned.tokens))
    return path + LACKING * lacking + NAMING * n_naming + repeated + cut


def cut_before(article: Wording, aligned: Aligned) -> int | None:
    """Return which word of the article a sentence breaks off before, although it belongs to it.

    `Of fake crowd` for `of fake crowd noise`: a noun behind the last copied words, or `of`.
    """
    last = aligned.places[-1]
    n_last = LEAST_COPIED
    run = aligned.places[-n_last:]
    if last is None or list(run) != list(range(last - n_last + 1, last + 1)):
        return None
    if last + 1 >= article.passages.bounds(last)[1]:
        return None
    following = article.passages.tokens[last + 1]
    between = article.text[article.passages.tokens[last].end : following.start]
    if following.after_mark or following.written[0].isupper() or not STOPS.isdisjoint(between):
        return None
    return last + 1 if following.word == "of" or _is_head(following) else None


def _is_head(token: Token) -> bool:
    """Tell whether a word may be the noun that the words before it belong to."""
    if not token.content or token.word in AFTERTHOUGHTS or token.word in VERB_OF:
        return False
    return not token.word.endswith(("ed", "ing", "ly"))


def _flag(article: Wording, span: Span, summary: str, found: tuple[Span, ...]) -> Flag:
    return Flag(span, "unsupported", _message(article, span.of(summary), found), found)


def _message(article: Wording, words: str, found: tuple[Span, ...]) -> str:
    quoted = words if len(words) <= MOST_QUOTED else f"{words[:MOST_QUOTED].rstrip()}…"
    if not found:
        return f"nothing in the article says '{quoted}'"
    place = article.passages.sentence_at(found[0].start) + 1
    return f"'{quoted}' is not in the article; the nearest is sentence {place}"


def unsupported_runs(article: Wording, aligned: Aligned, wrong: Sequence[Span]) -> list[WordRun]:
    """Return the first and the last word of each run that nothing supports, in order.

    wrong: what is known to be wrong in the summary, in order; its words count as novel.
    """
    words = list(zip(aligned.tokens, aligned.own, strict=True))
    known_wrong = [_overlaps(wrong, token) for token in aligned.tokens]
    unknown = [token.content and _is_novel(article, key) for token, key in words]
    novel = [one or other for one, other in zip(unknown, known_wrong, strict=True)]
    if _is_mostly_novel(aligned, novel):
        return [run for run in _between_copies(aligned) if any(novel[run[0] : run[1] + 1])]
    telling = [
        is_wrong or (is_unknown and token.stem not in GENERAL_STEMS)
        for token, is_unknown, is_wrong in zip(aligned.tokens, unknown, known_wrong, strict=True)
    ]
    return [run for run in _bridge_gaps(aligned, novel) if any(telling[run[0] : run[1] + 1])]


def _is_novel(article: Wording, key: str) -> bool:
    """Tell whether the article lacks a word; numbers, which have many forms, are not judged."""
    if key in article or key[:1].isdigit():
        return False
    return article.similar(key)[0] < KNOWN_SPELLING


def _overlaps(wrong: Sequence[Span], token: Token) -> bool:
    at = bisect.bisect_right(wrong, token.start, key=lambda span: span.end)
    return at < len(wrong) and wrong[at].start < token.end


def _is_mostly_novel(aligned: Aligned, novel: Sequence[bool]) -> bool:
    judged = [one for one, token in zip(novel, aligned.tokens, strict=True) if token.content]
    return len(judged) >= LEAST_JUDGED and sum(judged) > MOSTLY_NOVEL * len(judged)


def _between_copies(aligned: Aligned) -> Iterator[WordRun]:
    """Yield the stretches of a sentence that are no part of a copied fragment."""
    start = 0
    for first, last in _fragments(aligned):
        is_copy = last - first + 1 >= LEAST_COPIED
        if is_copy and any(token.content for token in aligned.tokens[first : last + 1]):
            if start < first:
                yield start, first - 1
            start = last + 1
    if start < len(aligned.tokens):
        yield start, len(aligned.tokens) - 1


def _fragments(aligned: Aligned) -> Iterator[WordRun]:
    """Yield the runs of words, also of one, that stand in the article one after the other."""
    first = 0
    for number, (place, following) in enumerate(itertools.pairwise([*aligned.places, None])):
        if place is None or following != place + 1:
            yield first, number
            first = number + 1


def _bridge_gaps(aligned: Aligned, novel: Sequence[bool]) -> Iterator[WordRun]:
    first = last = -1
    for number in itertools.compress(itertools.count(), novel):
        if first >= 0 and not _is_gap(aligned, last + 1, number):
            yield first, last
            first = number
        first = number if first < 0 else first
        last = number
    if first >= 0:
        yield first, last


def _is_gap(aligned: Aligned, start: int, end: int) -> bool:
    """Tell whether the words between two novel ones are few, and hardly copied."""
    if end - start > MOST_BRIDGED:
        return False
    return not any(
        one is not None and other == one + 1
        for one, other in itertools.pairwise(aligned.places[start:end])
    )
