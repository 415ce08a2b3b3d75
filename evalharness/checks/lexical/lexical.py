"""Is the summary consistent with the article? All checks without weights, as one."""

import bisect
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Self

from evalharness.checks.lexical.dates import Dates
from evalharness.checks.lexical.entities import Entities
from evalharness.checks.lexical.foreign_dates import foreign_months
from evalharness.checks.lexical.foreign_denials import denials
from evalharness.checks.lexical.measures import misread_measures
from evalharness.checks.lexical.miscopies import foreign_circumstances, miscopied
from evalharness.checks.lexical.numbers import Numbers
from evalharness.checks.lexical.passages import on_demand, passages_of_summary
from evalharness.checks.lexical.polarity import Polarity
from evalharness.checks.lexical.quotes import Quotes
from evalharness.checks.lexical.roles import Roles
from evalharness.checks.lexical.scoring import ArticleIndex, BySentences, LexicalCheck
from evalharness.checks.lexical.sides import wrong_sides
from evalharness.checks.lexical.support import SupportIndex, odds_added
from evalharness.protocols import Need
from evalharness.records import Flag, Score, SentenceScore, Span, flag_kind
from evalharness.text.languages import ENGLISH
from evalharness.text.names import LEAST_ENGLISH

# In the order in which their flags win over each other where they overlap.
PARTS: Mapping[str, type[LexicalCheck]] = {
    "dates": Dates,
    "numbers": Numbers,
    "entities": Entities,
    "polarity": Polarity,
    "quotes": Quotes,
    "roles": Roles,
}
# What a flag adds to the odds against its sentence, by its kind: set by hand, after how often such
# a flag is right on labelled summaries. `unsupported` is in the value of `support` already.
ODDS = {
    "number": 8.0,
    "count": 0.3,
    "entity": 6.0,
    "date": 8.0,
    "spelling": 0.3,
    "background": 2.0,
    "negation": 4.0,
    "antonym": 4.0,
    "contrast": 0.3,
    "hedge": 0.3,
    "quote": 1.0,
    "quoted_word": 1.0,
    "attribution": 0.3,
    "roles": 0.3,
    "swap": 0.1,
    "doubled": 2.0,
    "spliced": 1.0,
    "circumstance": 2.0,
    "unsupported": 0.0,
}
OTHER_ODDS = 1.0
# What a note calls a part that did not read an article that is not English; some was read instead.
IN_WORDS = {"dates": "most dates", "polarity": "most negations"}
FOREIGN = frozenset(["number", "count", "entity", "background", "spelling", "date"])
# What belongs to a wrong number, date or name as people mark it: "more than 30", "the age of 20",
# "the last three", "the Rovers"; and after it "year - old", "months ago".
PHRASE_KINDS = frozenset(["number", "date", "entity"])
THE_BEFORE = re.compile(r"(?<!\w)the $", re.IGNORECASE)
BOUNDS = (
    *(f"{word} than" for word in ("more", "less", "fewer", "greater", "higher", "lower")),
    *("at least", "at most", "up to", "as many as", "as much as", "as few as", "an estimated"),
    *("just over", "just under", "nearly", "almost", "about", "around", "over", "under", "below"),
    *("above", "some", "roughly", "approximately", "just", "only"),
)
IN_A_ROW = ("first", "last", "next", "past", "previous", "final")
PHRASE_BEFORE = re.compile(
    rf"(?<!\w)(?:(?:an? |the )?age of |the |(?:the )?(?:{'|'.join(IN_A_ROW + BOUNDS)}) )$",
    re.IGNORECASE,
)
LONGEST_BEFORE = 24
# What each of them ends with; most words do not.
ENDS_BEFORE = tuple({f"{phrase.split()[-1]} " for phrase in ("age of", "the", *IN_A_ROW, *BOUNDS)})
PHRASE_AFTER = re.compile(
    r" ?- ?year ?- ?old|[ -]year[ -]old| ?per ?cent| ?%"
    r"| (?:years?|months?|weeks?|days?|hours?|minutes?)(?: ago| old)?\b| ago\b"
    r"|(?<=day) (?:morning|afternoon|evening|night)\b|(?<=\dth) (?:century|Century)\b"
)


class Indexed(ArticleIndex):
    """An article as each part needs it, for all its summaries."""

    def __init__(self, article: str, published: date | None = None) -> None:
        super().__init__(article, published)
        self.wording = SupportIndex(article)
        self.parts: dict[str, Any] = {
            name: part.index(article, published) for name, part in PARTS.items()
        }
        for part in self.parts.values():
            part.wants_evidence = False

    @on_demand
    def is_english(self) -> bool:
        """Whether the article has as many function words as English has; short texts count so.

        A text is not English where it has more of another language's.
        """
        content = self.passages.columns.content
        if self.passages.language and len(content) >= 20:
            return self.passages.language == ENGLISH
        n_enough = math.ceil(LEAST_ENGLISH * len(content))
        return len(content) < 20 or len(content) - sum(content) >= n_enough

    @on_demand
    def applied(self) -> list[str]:
        """The parts that read the article's language."""
        return [name for name, part in PARTS.items() if self.is_english or not part.english]

    @classmethod
    def compare_pairs(cls, pairs: Sequence[tuple[Self, str]]) -> list[Score]:
        """Return the combined score of each summary with the flags of all parts.

        Each part reads all summaries before the next part reads one: what a part is made of then
        stays near the processor.
        """
        results: list[dict[str, Score]] = [{} for _ in pairs]
        dated = [one.parts["dates"].confirmed_by_publication(summary) for one, summary in pairs]
        for name in PARTS:
            for (article, summary), scores, spans in zip(pairs, results, dated, strict=True):
                if name in article.applied:
                    asked = (spans,) if name == "numbers" else ()
                    scores[name] = article.parts[name].compare(summary, *asked)
        found = [[*map(_flags_of, scores.values())] for scores in results]
        for find in (cls._find_miscopied, cls._find_other_measures, cls._find_circumstances):
            for (article, summary), flags in zip(pairs, found, strict=True):
                flags.append(find(article, summary))
        telling = [
            merge_flags(summary, _likely_first(flags))
            for (_, summary), flags in zip(pairs, found, strict=True)
        ]
        supports = [
            article.wording.compare(summary, _foreign(flags))
            for (article, summary), flags in zip(pairs, telling, strict=True)
        ]
        return [
            article._combine(summary, scores, flags, support)
            for (article, summary), scores, flags, support in zip(
                pairs, results, telling, supports, strict=True
            )
        ]

    def compare(self, summary: str) -> Score:
        """Return the combined score of one summary."""
        return self.compare_pairs([(self, summary)])[0]

    def _find_miscopied(self, summary: str) -> list[Flag]:
        return [*miscopied(self.wording, summary)]

    def _find_other_measures(self, summary: str) -> list[Flag]:
        """Return what is measured or decided otherwise; of another language, what is denied."""
        if not self.is_english:
            return [*denials(self.passages, summary)]
        own = passages_of_summary(summary)
        return [*misread_measures(self.passages, own), *wrong_sides(self.passages, own)]

    def _find_circumstances(self, summary: str) -> list[Flag]:
        """Return reasons and the like that are made up; of another language, months."""
        if not self.is_english:
            return [*foreign_months(self.passages, passages_of_summary(summary))]
        return [*foreign_circumstances(self.wording, summary)]

    def _combine(
        self, summary: str, results: Mapping[str, Score], telling: Sequence[Flag], support: Score
    ) -> Score:
        """Return the score of a summary whose support is known, and the flags of all parts."""
        if support.value is None:
            return support
        sentences = _sentences(support.sentences, telling)
        values = [sentence.value for sentence in sentences]
        known = {name: score.value for name, score in results.items() if score.value is not None}
        of_all = {"support": support.value, "mean": sum(values) / len(values), "min": min(values)}
        skipped = ", ".join([IN_WORDS.get(name, name) for name in PARTS if name not in results])
        return Score(
            odds_added(values),
            known | of_all,
            sentences,
            merge_flags(summary, [_whole_phrases(summary, telling), support.flags]),
            f"the article is not English, so these were not checked: {skipped}" if skipped else "",
        )


@dataclass(frozen=True)
class Lexical(BySentences, LexicalCheck):
    """How consistent the summary is with the article, by its words: no weights, milliseconds.

    What speaks against a sentence adds up as odds, `1 / value - 1`: those of its `support`, and
    some for each flag of the other parts, by its kind. Over the sentences they add up again, so
    each further sentence can only lower the score; the mean and the minimum of the sentences are in
    the parts. A part that does not apply counts as nothing wrong. A summary or sentence is flagged
    by a likely error in it (a number, date, name, quotation, negation or role; a word doubled or
    halves of two sentences as one, where it copies; a reason or circumstance of which the article
    has no word, where it has the rest of the sentence), never by new wording alone: without one it
    is supported from the threshold `supported` on, and else unsure.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article", "published"})
    version: ClassVar[int] = 26
    thresholds: ClassVar[Mapping[str, float]] = {
        "flagged": 0.0,
        "supported": 0.2,
        "sentence": 0.35,
    }
    index: ClassVar[type[ArticleIndex]] = Indexed


def _flags_of(score: Score) -> Sequence[Flag]:
    return score.flags


def _likely_first(found: Sequence[Sequence[Flag]]) -> list[Sequence[Flag]]:
    """Return the flags of each part that name a likely error, then those that may not be one."""
    some = [flags for flags in found if flags]
    likely = [[flag for flag in flags if flag_kind(flag.kind).hard] for flags in some]
    perhaps = [[flag for flag in flags if not flag_kind(flag.kind).hard] for flags in some]
    return [flags for flags in (*likely, *perhaps) if flags]


def _foreign(flags: Sequence[Flag]) -> list[Span]:
    """Return what the article does not have at all, of what is flagged."""
    return [flag.span for flag in flags if flag.kind in FOREIGN]


def _whole_phrases(summary: str, flags: Sequence[Flag]) -> list[Flag]:
    """Return the flags in order, likely errors with the words that belong to them."""
    ends = [0, *(flag.span.end for flag in flags)]
    starts = [*(flag.span.start for flag in flags[1:]), len(summary)]
    return [
        Flag(_phrase(summary, flag, end, start), flag.kind, flag.message, flag.evidence)
        if flag.kind in PHRASE_KINDS and flag_kind(flag.kind).hard
        else flag
        for flag, end, start in zip(flags, ends, starts, strict=False)
    ]


def _phrase(summary: str, flag: Flag, least: int, most: int) -> Span:
    """Return the span of a number, date or name with what belongs to it, inside these bounds."""
    start, end = flag.span
    words = THE_BEFORE if flag.kind == "entity" else PHRASE_BEFORE
    first = max(least, start - LONGEST_BEFORE)
    may_match = summary[first:start].casefold().endswith(ENDS_BEFORE)
    if may_match and (before := words.search(summary, first, start)):
        start -= len(before[0])
    if flag.kind != "entity" and (after := PHRASE_AFTER.match(summary, end, most)):
        end = after.end()
    return Span(start, end)


def _sentences(
    supported: Sequence[SentenceScore], flags: Sequence[Flag]
) -> tuple[SentenceScore, ...]:
    """Add to the odds against each sentence what its flags add."""
    odds = [1 / sentence.value - 1 for sentence in supported]
    ends = [sentence.span.end for sentence in supported]
    for flag in flags:
        at = bisect.bisect_right(ends, flag.span.start)
        odds[min(at, len(odds) - 1)] += ODDS.get(flag.kind, OTHER_ODDS)
    return tuple(
        SentenceScore(sentence.span, 1 / (1 + against), sentence.evidence)
        for sentence, against in zip(supported, odds, strict=True)
    )


def merge_flags(summary: str, flags: Sequence[Sequence[Flag]]) -> tuple[Flag, ...]:
    """Return the flags of several checks in order, without overlaps.

    Those of an earlier check win. Of a flag `unsupported` what they leave free is kept where it has
    a letter or digit, up to the very flag that wins: what belongs together is marked without gaps.
    Of others nothing is kept.
    """
    kept: list[Flag] = []
    for some in flags:
        before = sorted([flag.span for flag in kept])
        if not before:  # as most
            kept += [flag for flag in some if flag.span.start < flag.span.end]
            continue
        for flag in some:
            free = _free(flag.span, before)
            if free == [flag.span]:
                kept.append(flag)
            elif flag.kind == "unsupported":
                named = flag.kind, flag.message, flag.evidence
                pieces = (span for span in free if any(map(str.isalnum, span.of(summary))))
                kept += [Flag(piece, *named) for piece in pieces]
    return tuple(sorted(kept, key=lambda flag: flag.span))


def _free(span: Span, taken: Sequence[Span]) -> list[Span]:
    """Return the pieces of a span that no taken span covers; those are in order and apart."""
    free: list[Span] = []
    start = span.start
    at = bisect.bisect_right(taken, span.start, key=lambda other: other.end)
    while at < len(taken) and taken[at].start < span.end:
        free.append(Span(start, max(start, taken[at].start)))
        start = taken[at].end
        at += 1
    free.append(Span(start, span.end))
    return [piece for piece in free if piece.start < piece.end]
