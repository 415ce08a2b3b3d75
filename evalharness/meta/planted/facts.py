"""What planting knows of an article and of a summary: sentences, names, numbers, quotations."""

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from evalharness import text
from evalharness.meta.planted.sorts import Sorts
from evalharness.records import Span

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
            article, text.sentence_tokens(article, self.sentences)
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
            summary, facts.casing, text.sentence_tokens(summary, self.sentences)
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

    def dressed(self, draft: PlannedChange) -> PlannedChange:
        """Return the draft in the summary's own way with capitals and points."""
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
