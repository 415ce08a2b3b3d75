"""Are the summary's quotations the article's, and its speakers'?"""

import bisect
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from evalharness import text
from evalharness.checks.lexical import scoring
from evalharness.checks.lexical.passages import (
    MOST_PLACES,
    Passages,
    on_demand,
    passages_of_summary,
    rapidfuzz,
)
from evalharness.records import Flag, Score, Span
from evalharness.text import stem_of

# A quotation of fewer words may be a title or a word set apart: only foreign words are wrong in it.
_LEAST_QUOTE_WORDS = 3
# How alike, 0-100, the article's nearest words must be to be offered for a wrong quotation.
NEARLY_QUOTED = 75.0
# A longer article is not searched for them.
LONGEST_SEARCHED = 200_000
MOST_QUOTES = 200
MOST_TITLE_WORDS = 8
# A verb of saying so many words from a name makes it the speaker, in the quotation's sentence.
REACH_OF_VERB = 4
# The speaker may be named so many sentences before, and `he said` follow.
SENTENCES_BEFORE = 3
_OMISSION = re.compile(r"\s*(?:\.\s?\.\s?\.+|…|\[[^\]]*\]|\([^)]*\))\s*")
_LETTERS = re.compile(r"[^\W_]+")
_SAYING = frozenset(
    map(
        stem_of,
        (
            *("say", "tell", "add", "insist", "warn", "call", "describe", "tweet", "write"),
            *("claim", "argue", "explain", "admit", "joke", "declare", "according"),
            *("state", "ask", "reply", "comment", "recall", "note"),
        ),
    )
)

# What follows these hears it.
_TO_LISTENERS = frozenset(map(stem_of, ("tell", "ask", "warn")))


# What follows a name of which something is said, and what parts a name from another's verb.
_SPOKEN_OF = frozenset(["is", "are", "was", "were", "will", "would", "has", "have", "had", "can"])
_APART = frozenset(["despite", "although", "while", "after", "before"])


# A single word is said of something behind one of these, if a verb of saying is so near before it.
_BEFORE_SAID = frozenset(["is", "are", "was", "were", "be", "been", "as", "a", "an", "very"])
_BEFORE_SAID |= {
    "extremely",
    "absolutely",
    "totally",
    "deeply",
    "the",
    "its",
    "their",
    "his",
    "her",
}
REACH_TO_SAID = 14


REACH_OF_DENIAL = 2
_DENYING = frozenset(["not", "no", "never", "none", "nobody", "nothing", "cannot", "without"])


class StatedQuotes(scoring.ArticleIndex):
    """The letters and names of an article, found once for all its summaries."""

    @on_demand
    def _letters(self) -> str:
        """The letters and digits of the article in one run."""
        return _letters(self.text)

    @on_demand
    def _run_starts(self) -> list[int]:
        """Where in `_letters` each run of letters and digits of the article starts."""
        runs = [run.lower() for run in _LETTERS.findall(self.text)]
        return [*itertools.accumulate(map(len, runs), initial=0)]

    def find(self, words: str) -> Span | None:
        """Return where the article has some words, whatever is between them; None: nowhere."""
        wanted = _letters(words)
        found = self._letters.find(wanted) if wanted else -1
        if found < 0:
            return self._find_inflected(words)
        first = bisect.bisect_right(self._run_starts, found) - 1
        end = bisect.bisect_left(self._run_starts, found + len(wanted), first)
        runs = [*itertools.islice(_LETTERS.finditer(self.text), first, end)]
        return Span(runs[0].start(), runs[-1].end())

    def _find_inflected(self, words: str) -> Span | None:
        """Return where the article has the same words in other forms: acts for act."""
        stems = [stem_of(text.fold(word.of(words))) for word in text.words(words)]
        for at in self.passages.places.get(stems[0], ())[:MOST_PLACES] if stems else ():
            if self.passages.stems[at : at + len(stems)] == stems:
                return self.passages.span(at, at + len(stems) - 1)
        return None

    def rearranges(self, words: str) -> bool:
        """Tell whether a quotation of the article has these words of content alone, denied alike.

        `You cannot put aside the people's demands`, for `demands that cannot be put aside`.
        """
        own = Passages(words, [Span(0, len(words))])
        content = [*itertools.compress(own.stems, own.columns.content)]
        wanted, reach = frozenset(content), len(own.stems)
        if len(wanted) < max(2, len(content)):
            return False
        rarest = min((self.passages.places.get(stem, []) for stem in content), key=len)
        for at in filter(self._is_quoted, rarest[:MOST_PLACES]):
            low, high = self.passages.bounds(at)
            near = range(max(low, at - reach), min(high, at + reach + 1))
            found = [place for place in near if self.passages.stems[place] in wanted]
            columns, said = self.passages.columns, slice(found[0], found[-1] + 1)
            if (
                wanted == {*itertools.compress(columns.stems[said], columns.content[said])}
                and len(found) == len(wanted)
                and _n_denials(columns.words[max(low, said.start - REACH_OF_DENIAL) : said.stop])
                == _n_denials(own.columns.words)
            ):
                return True
        return False

    def _is_quoted(self, at: int) -> bool:
        """Tell whether a word of the article stands in a quotation."""
        start = self.passages.columns.starts[at]
        before = bisect.bisect_right(self.quotations, start, key=lambda each: each.start) - 1
        return before >= 0 and start < self.quotations[before].end

    def nearest(self, words: str) -> Span | None:
        """Return the article's words that are most like some others; None if none are."""
        if len(self.text) > LONGEST_SEARCHED or len(words) > len(self.text):
            return None
        found = rapidfuzz().fuzz.partial_ratio_alignment(
            words, self.text, score_cutoff=NEARLY_QUOTED
        )
        if found is None or found.dest_start >= found.dest_end:
            return None
        return self._whole_words(found.dest_start, found.dest_end)

    def _whole_words(self, start: int, end: int) -> Span:
        while start < end - 1 and not self.text[start].isalnum():
            start += 1
        while start < end - 1 and self.text[end - 1].isspace():
            end -= 1
        while start > 0 and self.text[start - 1].isalnum() and self.text[start].isalnum():
            start -= 1
        while end < len(self.text) and self.text[end - 1].isalnum() and self.text[end].isalnum():
            end += 1
        return Span(start, end)

    @on_demand
    def quotations(self) -> list[Span]:
        """The quotations of the article."""
        return quotations(self.text)

    def names_in(self, first: int, last: int) -> list[text.Name]:
        """Return the names from one sentence to another."""
        start = self.passages.sentences[max(0, first)].start
        end = self.passages.sentences[min(last, len(self.passages.sentences) - 1)].end
        low = bisect.bisect_left(self.names, start, key=lambda name: name.span.start)
        high = bisect.bisect_left(self.names, end, key=lambda name: name.span.start)
        return self.names[low:high]

    def quotations_in(self, number: int) -> list[Span]:
        """Return the quotations that begin in a sentence."""
        sentence = self.passages.sentences[number]
        low = bisect.bisect_left(self.quotations, sentence.start, key=lambda each: each.start)
        high = bisect.bisect_left(self.quotations, sentence.end, key=lambda each: each.start)
        return self.quotations[low:high]

    def has_word(self, word: str) -> bool:
        """Tell whether the article has a word in any form."""
        return stem_of(word) in self.passages.places

    def has_close(self, words: Sequence[str]) -> bool:
        """Tell whether the article has two words close to each other, in any form."""
        first, second = stem_of(words[0]), stem_of(words[-1])
        places = self.passages.places.get(first, ())[:MOST_PLACES]
        return any(self.passages.near(at, frozenset([second])) for at in places)

    def compare(self, summary: str) -> Score:
        """Return the share of the summary's quotations that are right, with flags."""
        return self.share_of_claims(_judge_sentences(self, summary), "quotations")


@dataclass(frozen=True)
class Quotes(scoring.LexicalCheck):
    """Share of the summary's quotations that are the article's, and of the same speaker.

    Quoted words must stand in the article in the same order, whatever the marks, capitals and
    spaces; what `...` or brackets stand for may be left out. Of one or two quoted words it is
    enough that the article has them; where somebody says them of something (`said it was "grim"`),
    it must. A title (`The Lives of Others`), a quotation that differs
    by words such as `the`, and one whose words stand in one sentence in another order are
    `quoted_word`: no likely error. The name beside a verb of saying must
    be the article's speaker, or be named near the quotation. A sentence with quotations has the
    share of its own; weighted with their count, these make up the score. A summary without
    quotations has none.
    """

    version: ClassVar[int] = 8
    index: ClassVar[type[scoring.ArticleIndex]] = StatedQuotes


def _judge_sentences(article: StatedQuotes, summary: str) -> Iterator[scoring.SentenceClaims]:
    claims = _Claims(article, passages_of_summary(summary))
    quoted = itertools.islice(quotations(summary), MOST_QUOTES)
    for number, spans in itertools.groupby(quoted, lambda q: claims.own.sentence_at(q.start)):
        sentence = claims.own.sentences[number]
        verdicts = [claims.judge(span, number) for span in spans]
        if article.passages.sentence_of(sentence.of(summary)) is not None:
            verdicts = [verdict._replace(flags=()) for verdict in verdicts]  # copied whole
        wrong = [verdict for verdict in verdicts if verdict.flags]
        by_span = {flag.span: flag for v in reversed(wrong) for flag in reversed(v.flags)}
        flags = [by_span[span] for span in sorted(by_span)]  # of two with one span, the first
        evidence = [span for verdict in verdicts for span in verdict.evidence]
        share = 1 - len(wrong) / len(verdicts)
        yield scoring.SentenceClaims(sentence, share, len(verdicts), len(wrong), flags, evidence)


class _Verdict(NamedTuple):
    """What is wrong with a quotation, and where the article has it."""

    flags: tuple[Flag, ...] = ()
    evidence: tuple[Span, ...] = ()


class _Claims:
    """The quotations of a summary, held against an article."""

    def __init__(self, article: StatedQuotes, own: Passages) -> None:
        self.article = article
        self.own = own

    @on_demand
    def names(self) -> list[text.Name]:
        """The names of the summary."""
        return self.own.named_as(self.article.passages)

    def judge(self, quoted: Span, number: int) -> _Verdict:
        """Return what is wrong with a quotation in a sentence."""
        words = quoted.of(self.own.text)
        pieces = [piece for piece in _OMISSION.split(words) if _letters(piece)]
        if len(text.words(words)) < _LEAST_QUOTE_WORDS:
            return self._judge_short(quoted)
        places = [self.article.find(piece) for piece in pieces]
        known = [place for place in places if place is not None]
        if len(known) < len(places):
            return _Verdict(() if self._is_whole(quoted) else (self._misquote_flag(quoted),))
        flag = self._misattribution_flag(quoted, number, known[0]) if known else None
        return _Verdict((flag,) if flag else (), tuple(known[:1]))

    def _is_whole(self, quoted: Span) -> bool:
        """Tell whether a summary is one quotation: its marks are no part of what it says."""
        return 2 * _n_letters(quoted.of(self.own.text)) > 1.9 * _n_letters(self.own.text)

    def _judge_short(self, quoted: Span) -> _Verdict:
        """Flag one or two words that the article does not have, or not close to each other."""
        words = quoted.of(self.own.text)
        if self.article.find(words) is not None or not _letters(words):
            return _Verdict()
        inside = text.words(words)
        foreign = [word for word in inside if not self.article.has_word(text.fold(word.of(words)))]
        if not foreign and self.article.has_close([text.fold(word.of(words)) for word in inside]):
            return _Verdict()
        first, last = (foreign or inside)[0], (foreign or inside)[-1]
        span = Span(quoted.start + first.start, quoted.start + last.end)
        message = f"'{span.of(self.own.text)}' is quoted, and the article does not have it"
        is_said = span == Span(quoted.start + inside[0].start, quoted.start + inside[-1].end)
        kind = "quote" if foreign and is_said and self._is_said(quoted) else "quoted_word"
        return _Verdict((Flag(span, kind, message),))

    def _is_said(self, quoted: Span) -> bool:
        """Tell whether somebody says a word of something: `said it was "appalled"`."""
        sentence = self.own.sentences[self.own.sentence_at(quoted.start)]
        first = bisect.bisect_left(self.own.tokens, sentence.start, key=lambda t: t.start)
        end = bisect.bisect_left(self.own.tokens, quoted.start, key=lambda t: t.start)
        before = self.own.tokens[max(first, end - REACH_TO_SAID) : end]
        is_said = any(token.stem in _SAYING for token in before)
        return is_said and bool(before) and before[-1].word in _BEFORE_SAID

    def _misquote_flag(self, quoted: Span) -> Flag:
        """Return what a reader is told of words that the article does not have in this order."""
        words = quoted.of(self.own.text)
        stated = self.article.nearest(words)
        kind = "quoted_word" if _is_title(words) or self.article.rearranges(words) else "quote"
        if stated is None:
            return Flag(quoted, kind, "the article does not have these words in a row")
        said = stated.of(self.article.text)
        known = {text.fold(word.of(said)) for word in text.words(said)}
        other = [w for w in text.words(words) if text.fold(w.of(words)) not in known]
        span = quoted
        if other:
            span = Span(quoted.start + other[0].start, quoted.start + other[-1].end)
        if not any(text.content_words(word.of(words)) for word in other):
            kind = "quoted_word"  # `of things` for `of the things`
        place = self.article.passages.sentence_at(stated.start) + 1
        said = " ".join(said.split())
        return Flag(span, kind, f"the article says '{said}', in sentence {place}", (stated,))

    def _misattribution_flag(self, quoted: Span, number: int, evidence: Span) -> Flag | None:
        """Return a flag where the summary's speaker is not named where the article quotes."""
        speaker = self._speaker(quoted, number)
        if speaker is None:
            return None
        at = self.article.passages.sentence_at(evidence.start)
        near = self.article.names_in(at, at)
        if any(_same(speaker, name) for name in near):
            return None
        stated = self._stated_speaker(at)
        around = self.article.names_in(at - SENTENCES_BEFORE, at + 1)
        if stated is None and any(_same(speaker, name) for name in around):
            return None
        said = f"the article does not name them by this quotation, in sentence {at + 1}"
        if stated is not None:
            other = stated.span.of(self.article.text)
            said = f"the article has this from '{other}', in sentence {at + 1}"
        where = (stated.span,) if stated is not None else (evidence,)
        return Flag(speaker.span, "attribution", said, where)

    def _speaker(self, quoted: Span, number: int) -> text.Name | None:
        """Return the name beside a verb of saying that is nearest to a quotation."""
        sentence = self.own.sentences[number]
        names = [
            name
            for name in self.names
            if sentence.start <= name.span.start < sentence.end
            and not quoted.start <= name.span.start < quoted.end
            and _says(self.own, name)
            and not text.country(" ".join(name.words))
        ]
        return min(names, key=lambda name: _distance(name.span, quoted), default=None)

    def _stated_speaker(self, at: int) -> text.Name | None:
        """Return the name beside a verb of saying in a sentence of the article."""
        names = self.article.names_in(at, at)
        outside = [
            name
            for name in names
            if not any(q.start <= name.span.start < q.end for q in self.article.quotations_in(at))
        ]
        return next((name for name in outside if _says(self.article.passages, name)), None)


def _n_denials(words: Sequence[str]) -> int:
    return sum(word in _DENYING or word.endswith("n't") for word in words)


def _is_title(words: str) -> bool:
    """Tell whether quoted words are a title: each word of content has a capital."""
    written = [word.of(words) for word in text.words(words)]
    content = [word for word in written if text.content_words(word)]
    return len(written) <= MOST_TITLE_WORDS and all(word[0].isupper() for word in content)


def _n_letters(words: str) -> int:
    return sum(map(len, _LETTERS.findall(words)))


def _letters(words: str) -> str:
    if words.isascii():
        return "".join(_LETTERS.findall(words.lower()))
    return "".join([run.lower() for run in _LETTERS.findall(words)])  # a last sigma is another


def _same(one: text.Name, other: text.Name) -> bool:
    return not frozenset(one.words).isdisjoint(other.words)


def _distance(one: Span, other: Span) -> int:
    return min(abs(one.start - other.end), abs(other.start - one.end))


def _says(where: Passages, name: text.Name) -> bool:
    """Tell whether a verb of saying stands beside a name in its sentence."""
    first = bisect.bisect_left(where.columns.starts, name.span.start)
    last = bisect.bisect_left(where.columns.starts, name.span.end)
    if first >= len(where.columns.starts):
        return False
    low, high = where.bounds(first)
    before = [*map(where.token, range(max(low, first - 2), first))]
    after = [*map(where.token, range(last, min(high, last + REACH_OF_VERB)))]
    if before and before[-1].stem in _TO_LISTENERS:
        return False
    if after and after[0].word in _SPOKEN_OF:  # he said the league is no good
        before = []
    near = itertools.takewhile(lambda token: token.word not in _APART, after)
    return any(token.stem in _SAYING for token in (*before, *near))


# What follows an apostrophe in tokenised text: the player 's, they 're.
_CLITIC = r"(?:s|re|ll|ve|d|m|t)\b"
# Double marks of every dress, and single ones that cannot be apostrophes.
_QUOTED = re.compile(
    r"“(?P<curly>[^“”\n]{2,600})”|\"(?P<straight>[^\"\n]{2,600})\"|«(?P<angled>[^«»\n]{2,600})»"
    r"|„(?P<low>[^„“”\n]{2,600})[“”]|``(?P<ticks>[^`\n]{2,600}?)(?:''|\\'\\'|``|\")"
    r"|(?<!\w)‘(?P<single>[^‘’\n]{3,300}(?:’\w[^‘’\n]{1,300}){0,5})’(?!\w)"
    rf"|`(?P<tick>[^`'\n]{{2,300}}(?:'\w[^`'\n]{{1,300}}){{0,5}})'(?!\w)"
    rf"|(?<!\w)'(?!\s?{_CLITIC})(?P<plain>(?=\w)[^'\n]{{3,300}}"
    rf"(?:(?:(?<=\w)'\w|\s'{_CLITIC})[^'\n]{{1,300}}){{0,5}})(?<=[\w.,!?\s])'(?!\w)"
)

# With one of these each quotation begins.
_MARK = re.compile("[\"'“‘`«„]")


def quotations(text: str) -> list[Span]:
    """Return the quoted words of a text in order, without their marks.

    Single marks count where they cannot be apostrophes: `'never again' she said`, not `the '90s`.

    >>> text = 'He said: “Why me?” The \\'worst of all\\' days, she said, was "grim".'
    >>> [quoted.of(text) for quoted in quotations(text)]
    ['Why me?', 'worst of all', 'grim']
    """
    found: list[Span] = []
    end = 0
    for mark in _MARK.finditer(text):
        match = _QUOTED.match(text, mark.start()) if mark.start() >= end else None
        if match is None:
            continue
        end = match.end()
        inside = match[match.lastgroup or 0]
        start = match.start(match.lastgroup or 0)
        leading = len(inside) - len(inside.lstrip())
        if inside.strip():
            found.append(Span(start + leading, start + leading + len(inside.strip())))
    return found
