"""How much of what matters in its article a summary says, which sentences it leaves out, and where
in the article its content comes from.

Nothing is learned and no reference is needed. A word of content matters by how many sentences of
the article have it, by its length, since short words say less, and twice if it is a number. The
summary covers a word that it has in any form. The idea is that of Gigant et al., 2024
(arXiv:2410.10867), who weigh by a corpus; here the article is all that counts, so that a score
depends on the pair alone.

A sentence of which the summary has less than half, by weight, is left out, unless one of the
summary's sentences was made of it: a long sentence cut to its main clause is told, not left out.

Which of those matter most is another question than the score, and the answer is by rule: the
weight of a sentence's words by its place, as news begins with what matters; more where it shares
words with the article's first sentences, less where it begins with a quotation. The first sentence
that is left out is named first unless another one matters twice as much: it is hard to beat, but
often a stray line, a question or a half of a quotation. The rule's numbers were chosen on some
2,000 articles of CNN, the Daily Mail, the BBC and Indian papers with their references; what it
gains is in docs/checks.md.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from math import fsum
from typing import ClassVar, NamedTuple

from evalharness import text
from evalharness.protocols import Need, Pair
from evalharness.records import Score, SentenceScore, Span
from evalharness.text.defects import unscorable, word_runs
from evalharness.text.languages import content_units, language_of

NUMBER_WEIGHT = 2.0
SPREAD_POWER = 1.25  # the power of the number of sentences that have a word
LEFT_OUT = 0.5  # of a sentence's weight that the summary has: below, the sentence is left out
SOURCE = 0.6  # of the weight of a summary's sentence that one of the article has: it was made of it
MOST_LEFT_OUT = 3
SAME = 0.8  # of the weight of either that two sentences share: they say the same
FEWEST_NAMED = 4  # words of content in a sentence that is named, or that is made of another
USUAL_WORDS = 5  # as many words of content make a sentence matter half of its weight
OPENING = 3  # sentences at the article's head
OF_OPENING = 5.0  # how much more a sentence matters all of whose words one of the opening has
QUOTED = 0.7  # how much a sentence matters that begins with a quotation mark
CLEARLY = 2.0  # times as much as the first one left out matters a sentence that is named before it
LEAST_ORIGIN = 0.2  # of the weight of a summary's sentence that one of the article must have
MOST_ORIGINS = 2
RUN = 3  # words in a row that are a repetition when they come again
FIFTHS = 5
PROFILE = tuple(f"from_{n}" for n in range(1, FIFTHS + 1))
_QUOTES = tuple("\"'`“”‘„‚«‹「『")
_MOST_PLACES = 60  # of one word, at which a sentence's evidence is looked for
_KEPT_ARTICLES = 256


@dataclass(frozen=True)
class Coverage:
    """How much of what matters in the article is in the summary, and what is left out.

    `value`, and `coverage` in `parts`, is `recall` times the share of the summary's runs of three
    words that it does not repeat. `recall` is the share, by weight, of the article's words of
    content that the summary has; a word weighs by how many sentences have it, by the root of its
    length, and twice if it is a number. A longer summary covers more, so its length stands beside
    it: `words`. `covered` is the share of the article's sentences of which it has half the weight.
    `from_1` to `from_5` say where in the article, by fifths, its content comes from; their sum
    is 1, and a system that reads evenly has 0.2 in each.

    `sentences` has for each sentence of the summary the share of the article's weight that it
    covers, and the sentences of the article that it comes from; `left_out` the three sentences of
    the article that matter most among those that the summary neither covers nor was made of: by the
    weight of their words and their place, the first of them before all unless another one matters
    twice as much. Small words of fourteen languages do not count; Chinese, Japanese and Thai are
    compared by pairs of letters.

    Content, not truth: a summary can cover the article and be wrong, so no verdict comes of it.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 3

    def identity(self) -> Mapping[str, str]:
        """Return the version of the sentence splitter."""
        return {"sentences": str(text.SENTENCES_VERSION)}

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary against its article."""
        return [_score(article.text, summary.text) for article, summary in pairs]


class _Sentence(NamedTuple):
    """A sentence: where it stands, and its words of content, each once."""

    span: Span
    units: frozenset[str]


class _Reading(NamedTuple):
    """A text: its words, folded, and its sentences that have a word of content."""

    words: tuple[str, ...]
    sentences: tuple[_Sentence, ...]
    language: str


@dataclass(frozen=True)
class _Weighed:
    """An article's sentences, and what each of its words of content weighs.

    quoted: whether each sentence begins with a quotation mark.
    """

    language: str
    sentences: tuple[_Sentence, ...]
    weights: Mapping[str, float]
    quoted: tuple[bool, ...]

    def weight(self, units: Iterable[str]) -> float:
        """Return the weight of some words together; the sum is exact, whatever their order."""
        return fsum(self.weights.get(unit, 0.0) for unit in units)

    @cached_property
    def whole(self) -> float:
        """The weight of all words."""
        return self.weight(self.weights)

    @cached_property
    def importance(self) -> Sequence[float]:
        """How much each sentence matters, whatever the summary says."""
        heads = [sentence.units for sentence in self.sentences[:OPENING]]
        found = []
        for n, (_, units) in enumerate(self.sentences):
            others = frozenset[str]().union(*(head for k, head in enumerate(heads) if k != n))
            weight = self.weight(units) * len(units) / (len(units) + USUAL_WORDS)
            shared = len(units & others) / (len(units) + 2)
            quoted = QUOTED if self.quoted[n] else 1.0
            found.append(weight * (1 + OF_OPENING * shared) * quoted / (1 + n))
        return found

    @cached_property
    def places(self) -> Mapping[str, list[int]]:
        """The sentences that have a word, by their numbers."""
        places: dict[str, list[int]] = {}
        for n, sentence in enumerate(self.sentences):
            for unit in sentence.units:
                places.setdefault(unit, []).append(n)
        return places


def _read(written: str, language: str | None = None) -> _Reading:
    spans = text.sentences(written)
    tokens = text.sentence_tokens(written, spans)
    words = tuple(token.word for token in tokens)
    language = language_of(words) if language is None else language
    units = zip(tokens, content_units(tokens, language), strict=True)
    known = ((token.sentence, unit) for token, unit in units if unit)
    sentences = tuple(
        _Sentence(spans[number], frozenset(unit for _, unit in group))
        for number, group in groupby(known, lambda each: each[0])
    )
    return _Reading(words, sentences, language)


@lru_cache(_KEPT_ARTICLES)
def _weigh(article: str) -> _Weighed:
    _, sentences, language = _read(article)
    frequency = Counter(unit for sentence in sentences for unit in sentence.units)
    weights = {unit: _word_weight(unit, times) for unit, times in frequency.items()}
    quoted = tuple(article.startswith(_QUOTES, sentence.span.start) for sentence in sentences)
    return _Weighed(language, sentences, weights, quoted)


def _word_weight(unit: str, times: int) -> float:
    number = NUMBER_WEIGHT if unit[0].isdigit() else 1.0
    return float(times**SPREAD_POWER * max(1, len(unit) - 1) ** 0.5 * number)


def _score(article: str, summary: str) -> Score:
    if why := unscorable(article, summary):
        return Score(None, note=why)
    theirs = _weigh(article)
    ours = _read(summary, theirs.language)
    if not theirs.sentences:
        return Score(None, note="the article has no words of content")
    said = frozenset[str]().union(*(sentence.units for sentence in ours.sentences))
    missing = [n for n, each in enumerate(theirs.sentences) if not _covers(theirs, said, each)]
    recall = theirs.weight(said) / theirs.whole
    coverage = recall * _distinct(ours.words)
    origins = [_origins(theirs, sentence.units) for sentence in ours.sentences]
    sources = _sources(theirs, ours, origins)
    return Score(
        coverage,
        parts={
            "coverage": coverage,
            "recall": recall,
            "covered": 1 - len(missing) / len(theirs.sentences),
            "words": float(len(ours.words)),
            **_profile(theirs, origins),
        },
        sentences=_sentence_scores(theirs, ours, origins),
        left_out=_weightiest(theirs, [n for n in missing if n not in sources], said),
    )


def _distinct(words: Sequence[str]) -> float:
    """Return the share of the runs of three words that are no repetition; 1 where there is none."""
    runs = len(words) - RUN + 1
    return len(word_runs(words, RUN)) / runs if runs > 0 else 1.0


def _covers(article: _Weighed, said: frozenset[str], sentence: _Sentence) -> bool:
    return article.weight(sentence.units & said) >= LEFT_OUT * article.weight(sentence.units)


def _weightiest(
    article: _Weighed, missing: Sequence[int], said: frozenset[str]
) -> tuple[Span, ...]:
    """Return the sentences that matter most, the weightiest first; none that another one covers.

    The first of those that are missing comes first, unless another one matters clearly more.
    """
    named = [n for n in missing if len(article.sentences[n].units) >= FEWEST_NAMED]
    matters = article.importance
    ranked = sorted(named, key=lambda n: (-matters[n], n))
    if ranked and matters[ranked[0]] <= CLEARLY * matters[named[0]]:
        ranked = [named[0], *(n for n in ranked if n != named[0])]
    chosen: list[_Sentence] = []
    for n in ranked:
        if len(chosen) == MOST_LEFT_OUT:
            break
        if not _covers(article, said, article.sentences[n]):
            sentence = _first_alike(article, named, article.sentences[n])
            chosen.append(sentence)
            said |= sentence.units | article.sentences[n].units
    return tuple(sentence.span for sentence in chosen)


def _first_alike(article: _Weighed, named: Sequence[int], sentence: _Sentence) -> _Sentence:
    """Return the first of some sentences that says the same as one of them."""
    others = (article.sentences[n] for n in named)
    return next(other for other in others if _says_same(article, other, sentence))


def _says_same(article: _Weighed, one: _Sentence, other: _Sentence) -> bool:
    whole = max(article.weight(one.units), article.weight(other.units))
    return article.weight(one.units & other.units) >= SAME * whole


def _origins(article: _Weighed, units: frozenset[str]) -> dict[int, float]:
    """Return the sentences of the article that one of the summary comes from, with their weight."""
    shared: Counter[int] = Counter()
    for unit in sorted(units & article.weights.keys()):
        for n in article.places[unit][:_MOST_PLACES]:
            shared[n] += article.weights[unit]  # type: ignore[assignment]
    least = LEAST_ORIGIN * article.weight(units)
    best = sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:MOST_ORIGINS]
    return {n: weight for n, weight in best if weight >= least}


def _sources(
    article: _Weighed, ours: _Reading, origins: Sequence[Mapping[int, float]]
) -> frozenset[int]:
    """Return the sentences of the article of which a sentence of the summary was made."""
    return frozenset(
        n
        for sentence, weights in zip(ours.sentences, origins, strict=True)
        for n, weight in weights.items()
        if len(sentence.units) >= FEWEST_NAMED and weight >= SOURCE * article.weight(sentence.units)
    )


def _sentence_scores(
    article: _Weighed, ours: _Reading, origins: Sequence[Mapping[int, float]]
) -> tuple[SentenceScore, ...]:
    return tuple(
        SentenceScore(
            sentence.span,
            article.weight(sentence.units) / article.whole,
            tuple(article.sentences[n].span for n in numbers),
        )
        for sentence, numbers in zip(ours.sentences, origins, strict=True)
    )


def _profile(article: _Weighed, origins: Sequence[Mapping[int, float]]) -> dict[str, float]:
    """Return which share of the summary's content comes from each fifth of the article.

    A sentence that lies in two fifths counts for both, by its characters there. Empty where
    nothing comes from the article.
    """
    start, end = article.sentences[0].span.start, article.sentences[-1].span.end
    fifths = [0.0] * FIFTHS
    for n, weight in (pair for each in origins for pair in each.items()):
        span = article.sentences[n].span
        for fifth in range(FIFTHS):
            low = start + (end - start) * fifth / FIFTHS
            high = start + (end - start) * (fifth + 1) / FIFTHS
            inside = max(0.0, min(span.end, high) - max(span.start, low))
            fifths[fifth] += weight * inside / (span.end - span.start)
    whole = fsum(fifths)
    return dict(zip(PROFILE, (each / whole for each in fifths), strict=True)) if whole else {}
