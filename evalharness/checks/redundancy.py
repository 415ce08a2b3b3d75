"""How much of a summary says what it has said already: pairs of words, phrases, whole facts."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import shorten
from typing import ClassVar

from evalharness import text
from evalharness.protocols import Need, Pair
from evalharness.records import Flag, Score, SentenceScore, Span
from evalharness.text.defects import word_runs
from evalharness.text.languages import content_units, language_of

ORDERS = (1, 2, 3)  # of the runs of words whose repetition is counted; the second is the value
PHRASE = 5  # words in a row that are no chance when they come again
SAME_FACT = 0.6  # of a sentence's words of content, in one earlier sentence: the fact is repeated
LEAST_FACT = 3  # words of content in a sentence that may repeat a fact
_QUOTED = 200  # characters of the earlier sentence
_MOST_EARLIER = 60  # sentences with a word, among which the earlier one is looked for


@dataclass(frozen=True)
class Redundancy:
    """How little a summary repeats itself: 1 where it says nothing twice.

    `value` is the share of its pairs of words in a row that it does not repeat. `parts` has the
    same of words, pairs and runs of three (`distinct_1` to `distinct_3`), and `new_sentences`, the
    share of its sentences that say more than one before them: of their words of content, less than
    60 % stand in one earlier sentence. The others are flagged as `repeated`, and so are phrases of
    five words that come again. It looks at the summary alone, and says nothing of truth: no verdict
    comes of it.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 1

    def identity(self) -> Mapping[str, str]:
        """Return the version of the sentence splitter."""
        return {"sentences": str(text.SENTENCES_VERSION)}

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Score each summary by itself."""
        return [_score(summary.text) for _, summary in pairs]


def _score(summary: str) -> Score:
    spans = text.sentences(summary)
    tokens = text.sentence_tokens(summary, spans)
    if not tokens:
        return Score(None, note="the summary has no words")
    words = [token.word for token in tokens]
    earlier = _repeated_sentences(tokens)
    shares = {f"distinct_{n}": _distinct(words, n) for n in ORDERS if n <= len(words)}
    numbers = list(dict.fromkeys(token.sentence for token in tokens))
    facts = [_fact_flag(summary, spans, *pair) for pair in earlier.items()]
    phrases = _repeated_phrases(tokens, earlier.keys())
    return Score(
        shares.get("distinct_2", 1.0),
        parts={**shares, "new_sentences": 1 - len(earlier) / len(numbers)},
        sentences=tuple(SentenceScore(spans[n], float(n not in earlier)) for n in numbers),
        flags=tuple(sorted([*facts, *phrases], key=lambda flag: flag.span)),
    )


def _distinct(words: Sequence[str], n: int) -> float:
    return len(word_runs(words, n)) / (len(words) - n + 1)


def _repeated_sentences(tokens: Sequence[text.Token]) -> dict[int, int]:
    """Return the sentences that say again what an earlier one says, with that one; by number."""
    language = language_of([token.word for token in tokens])
    units = zip(tokens, content_units(tokens, language), strict=True)
    known = ((token.sentence, unit) for token, unit in units if unit)
    found: dict[int, int] = {}
    having: dict[str, list[int]] = {}
    for number, group in groupby(known, lambda each: each[0]):
        said = {unit for _, unit in group}
        shared: Counter[int] = Counter()
        for unit in said:
            shared.update(having.get(unit, ())[:_MOST_EARLIER])
            having.setdefault(unit, []).append(number)
        most = max(shared.values(), default=0)
        if len(said) >= LEAST_FACT and most >= SAME_FACT * len(said):
            found[number] = min(n for n, times in shared.items() if times == most)
    return found


def _fact_flag(summary: str, spans: Sequence[Span], number: int, earlier: int) -> Flag:
    before = shorten(spans[earlier].of(summary), _QUOTED, placeholder=" …")
    return Flag(spans[number], "repeated", f"sentence {earlier + 1} says it already: {before}")


def _repeated_phrases(tokens: Sequence[text.Token], repeated: Collection[int]) -> Iterator[Flag]:
    """Yield the phrases that come again in sentences which are not repeated as a whole."""
    seen: set[tuple[str, ...]] = set()
    again = [False] * len(tokens)
    words = [token.word for token in tokens]
    for start in range(len(words) - PHRASE + 1):
        run = tuple(words[start : start + PHRASE])
        if run in seen:
            again[start : start + PHRASE] = [True] * PHRASE
        seen.add(run)
    marked = zip(tokens, again, strict=True)
    for (is_again, number), group in groupby(marked, lambda each: (each[1], each[0].sentence)):
        stretch = [token for token, _ in group]
        if is_again and number not in repeated:
            span = Span(stretch[0].start, stretch[-1].end)
            yield Flag(span, "repeated", "these words stand in the summary already")
