"""What is plainly wrong with how a summary reads, found without a model: by rules one can judge."""

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from evalharness import text
from evalharness.protocols import Need, Pair
from evalharness.records import Article, Flag, Score, SentenceScore, Span, Summary
from evalharness.text.defects import ends, find_defects
from evalharness.text.languages import language_of
from evalharness.text.words import word_set

MOST_OF_A_KIND = 100  # flags of a summary, of which the rest says no more
FEWEST_LETTERS = 20  # of a text whose script is compared

# Pronouns that stand for somebody named before, by language; `it`, `this` and their like may not.
_PRONOUNS = {
    "en": word_set("he she they him her them his hers their theirs"),
    "de": word_set("er ihm ihn seine seiner seinem seinen ihre ihrer ihrem ihren"),
    "fr": word_set("ils elles lui leur leurs"),
    "es": word_set("ellos ellas ella"),
    "nl": word_set("hij zij haar hun"),
}
# Words after which no sentence of English ends, whatever mark follows.
_OPEN_ENDS = word_set(
    "the a an of and or but to with from for by at into than that which who whose"
)

_MARKUP = re.compile(
    r"</?[A-Za-z][A-Za-z0-9]{0,15}(?:\s[^<>]{0,200})?/?>"  # <p>, <br/>, <unk>
    r"|&(?:amp|lt|gt|quot|nbsp|apos|#\d{1,6}|#x[0-9A-Fa-f]{1,5});"
    r"|<\|[^|<>]{1,40}\|>|\[/?(?:INST|UNK|unk|SEP|CLS|PAD|MASK)\]|<</?SYS>>"
    r"|\*\*|__|```|^\s{0,3}#{1,6}\s|!?\[[^\[\]\n]{1,200}\]\([^()\s]{1,200}\)"
    r"|-(?:[LR][RSC]B)-|-(?:[lr][rsc]b)-",
    re.MULTILINE,
)
_PAIRS = {"“": "”", "«": "»", "(": ")", "[": "]", "「": "」", "『": "』", "（": "）", "``": "''"}
_MARK = re.compile("``|''|[“”«»()\\[\\]「」『』（）\"]")


@dataclass(frozen=True)
class Fluency:
    """Defects of how a summary reads that can be told without a model: 1 where there is none.

    `value` is the share of its sentences without a defect. The kinds, each a flag with its span and
    a number in `parts`: `cut`, its last sentence has no end, or ends with a word that none ends
    with; `dangling`, it begins with a pronoun for nobody who was named; `unbalanced`, a quotation
    mark or bracket without its other one; `language`, another language or script than the
    article's; `markup`, tags, entities, Markdown or special tokens; `looping`, the same over and
    over. What the article writes so, too, is no markup. None of it is an error of fact, so no
    verdict comes of it. The `defects` of a run, which know how a summary ended, stand beside it.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"article"})
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    version: ClassVar[int] = 2

    def identity(self) -> Mapping[str, str]:
        """Return the version of the sentence splitter."""
        return {"sentences": str(text.SENTENCES_VERSION)}

    def score(self, pairs: Sequence[Pair]) -> list[Score]:
        """Look for defects of each summary."""
        return [_score(article, summary.text) for article, summary in pairs]


DEFECT_KINDS = ("cut", "dangling", "unbalanced", "language", "markup", "looping")


def _score(article: Article, summary: str) -> Score:
    spans = text.sentences(summary)
    if not spans:
        return Score(None, note="the summary is empty")
    flags = sorted(_flags(article, summary, spans), key=lambda flag: (flag.span, flag.kind))
    values = _values(spans, flags)
    counts = Counter(flag.kind for flag in flags)
    return Score(
        sum(values) / len(values),
        parts={kind: float(counts[kind]) for kind in DEFECT_KINDS},
        sentences=tuple(map(SentenceScore, spans, values)),
        flags=tuple(flags),
    )


def _values(spans: Sequence[Span], flags: Sequence[Flag]) -> list[float]:
    """Return for each sentence 0 where a flag touches it, else 1."""
    values = [1.0] * len(spans)
    ends_of = [span.end for span in spans]
    for flag in flags:
        number = bisect_right(ends_of, flag.span.start)
        while number < len(spans) and spans[number].start < flag.span.end:
            values[number] = 0.0
            number += 1
    return values


def _flags(article: Article, summary: str, spans: Sequence[Span]) -> Iterator[Flag]:
    tokens = text.sentence_tokens(summary, spans)
    language = language_of([token.word for token in tokens])
    whole = Span(spans[0].start, spans[-1].end)
    yield from _cut_end(summary, spans, tokens, language)
    yield from _dangling_head(tokens, language)
    yield from islice(_unbalanced(summary), MOST_OF_A_KIND)
    yield from islice(_leftover_markup(article.text, summary), MOST_OF_A_KIND)
    if why := _other_language(article.text, summary, language):
        yield Flag(whole, "language", why)
    if "looping" in find_defects(article.text, Summary(article.id, summary)):
        yield Flag(whole, "looping", "it says the same over and over")


def _cut_end(
    summary: str, spans: Sequence[Span], tokens: Sequence[text.Token], language: str
) -> Iterator[Flag]:
    """Yield a flag where the last sentence breaks off.

    Headlines and lists have no stops: a missing one tells only where the sentences before have it.
    """
    open_end = bool(tokens) and language in ("", "en") and tokens[-1].word in _OPEN_ENDS
    stops = [ends(span.of(summary)) for span in spans]
    missing = len(spans) > 1 and all(stops[:-1]) and not stops[-1]
    if (open_end and not stops[-1]) or missing:
        yield Flag(spans[-1], "cut", "this sentence has no end")


def _dangling_head(tokens: Sequence[text.Token], language: str) -> Iterator[Flag]:
    if tokens and tokens[0].word in _PRONOUNS.get(language or "en", ()):
        said = tokens[0].written
        yield Flag(Span(tokens[0].start, tokens[0].end), "dangling", f"{said!r} is nobody named")


def _unbalanced(summary: str) -> Iterator[Flag]:
    """Yield what opens and does not close, and what closes and was not open."""
    opened: dict[str, list[Span]] = {}
    closing = {close: start for start, close in _PAIRS.items()}
    for match in _MARK.finditer(summary):
        mark, span = match[0], Span(*match.span())
        if mark == '"':
            stack = opened.setdefault(mark, [])
            stack.pop() if stack else stack.append(span)
        elif mark in _PAIRS:
            opened.setdefault(mark, []).append(span)
        elif opened.get(closing[mark]):
            opened[closing[mark]].pop()
        elif mark != "''" and not _numbers_a_list(summary, span):
            yield Flag(span, "unbalanced", f"{mark} closes what was not open")
    for mark, spans in opened.items():
        yield from (Flag(span, "unbalanced", f"{mark} is not closed") for span in spans)


def _numbers_a_list(summary: str, span: Span) -> bool:
    """Tell whether a bracket belongs to `1)` or a face, `:)`."""
    before = summary[max(0, span.start - 4) : span.start]
    return summary[span.start] == ")" and _BEFORE_BRACKET.search(before) is not None


_BEFORE_BRACKET = re.compile(r"(?:^|\s)\w{1,3}$|[:;-]$")


def _leftover_markup(article: str, summary: str) -> Iterator[Flag]:
    for match in _MARKUP.finditer(summary):
        if match[0] not in article:
            span = Span(*match.span())
            yield Flag(span, "markup", f"{match[0].strip()!r} is no part of the text")


def _other_language(article: str, summary: str, language: str) -> str:
    """Say that a summary is in another language or script than its article; empty if it is not."""
    theirs = language_of([text.fold(word.of(article)) for word in text.words(article[:_MOST_READ])])
    if language and theirs and language != theirs:
        return f"the summary reads as {language!r}, the article as {theirs!r}"
    scripts = [_script(each[:_MOST_READ]) for each in (article, summary)]
    if all(scripts) and scripts[0] != scripts[1]:
        return f"the summary is in {scripts[1]} letters, the article in {scripts[0]} ones"
    return ""


_MOST_READ = 20_000  # characters of a text whose language is told


def _script(written: str) -> str:
    """Return the script of most letters of a text; empty where there are few, or no clear one."""
    names: Counter[str] = Counter(
        unicodedata.name(letter, "").partition(" ")[0] for letter in written if letter.isalpha()
    )
    if names.total() < FEWEST_LETTERS:
        return ""
    for part in ("HIRAGANA", "KATAKANA"):  # Japanese has three scripts, one of them the Chinese
        names["CJK"] += names.pop(part, 0)
    [(name, times)] = names.most_common(1)
    return name.capitalize() if times > 0.8 * names.total() else ""
