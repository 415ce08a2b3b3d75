"""The words of a text with character offsets, for every script, and what is known of each."""

import bisect
import itertools
import operator
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import NamedTuple, TypeVar

from evalharness.records import Span
from evalharness.text.stems import VERB_OF, stem


def _class_of_marks() -> str:
    """Return the combining marks as the inside of a character class; `re` has no \\p{M}.

    Only the blocks that hold marks are looked at, to keep the import quick.
    """
    blocks = [(0x300, 0x1E00), (0x20D0, 0x2100), (0x2CEF, 0x2E00), (0x302A, 0x309B)]
    blocks += [(0xA66F, 0xAC00), (0xFB1E, 0xFB1F), (0xFE00, 0xFE30), (0x10A00, 0x12000)]
    ranges: list[list[int]] = []
    for code in (code for first, end in blocks for code in range(first, end)):
        if not unicodedata.category(chr(code)).startswith("M"):
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


MARKS = _class_of_marks()

# Scripts that put no spaces between words: Chinese and Japanese characters, Thai, Lao, Burmese,
# Khmer, Tibetan. Each letter counts as a word, as in Unicode's default word boundaries (UAX #29).
UNSPACED = (
    "\u0e01-\u0e30\u0e32-\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0eb2-\u0eb3\u0ebd-\u0ec6\u0edc-\u0edf"
    "\u0f40-\u0f6c\u1000-\u102a\u103f\u1050-\u1055\u1780-\u17b3"
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)

# Atomic groups, since Python 3.11.0 to 3.11.4 match a possessive group wrongly.
_LETTERS = rf"(?>(?:(?![{UNSPACED}])[^\W_][{MARKS}\u200c\u200d\u00ad]*+)+)"
# A word of ASCII letters and digits, and something that surely ends it: most words of news by far.
# The branches below say the same of it, and take longer.
PLAIN = r"[A-Za-z0-9]++(?=[ \n;:!?\"()-]|[.,](?:[ \n]|\Z)|\Z)|"
WORD = re.compile(
    # What no word begins with is passed over at once, and a blank still sooner.
    rf"(?! )(?=[\w{UNSPACED}])(?:{PLAIN}[{UNSPACED}][{MARKS}]*+"
    # U.S, a.m: single letters with points between; the last point is left out.
    r"|(?<![^\W_])(?<![^\W_]\.)[^\W\d_](?>(?:\.[^\W\d_])+)(?![^\W_])"
    # 1,200 and 3.5 are one word each; so is don't.
    rf"|{_LETTERS}(?>(?:(?:(?<=\d)[.,](?=\d)|(?<=[^\W\d_])['’ʼ](?=[^\W\d_])){_LETTERS})*))"
)


def words(text: str) -> list[Span]:
    """Return the words of a text in order: runs of letters, marks and digits.

    An apostrophe between letters stays inside its word, and so do points and commas between
    digits and the points of `U.S`; a hyphen separates. Scripts without spaces give a word for
    each letter.

    >>> text = "Don't re-elect the U.S. mayor: 1,200 said 不."
    >>> [word.of(text) for word in words(text)]
    ["Don't", 're', 'elect', 'the', 'U.S', 'mayor', '1,200', 'said', '不']
    """
    return [Span(match.start(), match.end()) for match in WORD.finditer(text)]


# Letters that Unicode does not take apart into a plain letter and a mark.
_PLAIN_LETTERS = str.maketrans("łøđıħŧŋĸæœ’ʼ", "lodihtnqao''")


def fold(word: str) -> str:
    """Return a word as it is compared: no capitals, no accents, no possessive, no soft hyphens.

    >>> [fold(word) for word in ("Łódź", "Mayor’s", "U.S", "ＡＢＣ", "James'")]
    ['lodz', 'mayor', 'u.s', 'abc', 'james']
    """
    if word.isascii() and word.isalnum():
        return word.lower()
    folded = word.lower() if word.isascii() else _without_marks(word)
    if folded.endswith("'s"):
        return folded[:-2]
    return folded.removesuffix("'")


def _without_marks(word: str) -> str:
    taken_apart = unicodedata.normalize("NFKD", word.casefold()).translate(_PLAIN_LETTERS)
    latin = "".join(c for c in taken_apart if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", latin.replace("\u00ad", ""))


def word_set(words: str) -> frozenset[str]:
    """Return the words of a line as a set."""
    return frozenset(words.split())


# Words that only hold sentences together, by hand; folded.
FUNCTION_WORDS = word_set(
    "a an the this that these those such same other another each every either neither both all "
    "any some no none few many much more most several enough own i me my mine myself we us our "
    "ours ourselves you your yours yourself he him his himself she her hers herself it its "
    "itself they them their theirs themselves one ones who whom whose which what someone anyone "
    "everyone nobody something anything everything nothing be am is are was were been being "
    "have has had having do does did doing done will would shall should can could may might "
    "must ought need i'm i've i'll i'd you're you've we're we've they're they've he's she's "
    "it's that's there's don't doesn't didn't isn't aren't wasn't weren't won't wouldn't can't "
    "couldn't cannot of in on at by for from to with without within into onto upon over under "
    "above below between among against across through during before after since until till "
    "towards toward about around near off out up down along behind beyond besides despite "
    "except per via as than like and or but nor so yet if because although though while whereas "
    "unless whether when where why how then there here now also too very just only even still "
    "again already ever never not quite rather almost perhaps however therefore thus meanwhile "
    "instead otherwise s t d ll m re ve o"
)


def content_words(text: str, most: int | None = None) -> list[str]:
    """Return the words of a text, folded, without those that only hold sentences together.

    most: how many of them are wanted, the first ones; all if None.

    >>> content_words("The mayor’s office was in São Paulo")
    ['mayor', 'office', 'sao', 'paulo']
    """
    folded = (fold(match[0]) for match in WORD.finditer(text))
    content = (word for word in folded if word not in FUNCTION_WORDS)
    return [*itertools.islice(content, most)]


# A longer word has no endings.
LONGEST_STEMMED = 30
# So many words are remembered with what is known of them, and gaps up to this length.
MOST_KEPT = 32_768
LONGEST_GAP_KEPT = 4

# A Token of its fields, without the call of Python code that `Token(...)` makes: a quarter quicker.
_token = tuple.__new__
# Words and the gaps between them in turn, a gap first and last.
_SPLIT = re.compile(f"({WORD.pattern})")
# The same in a text of ASCII, a third sooner: what it begins with lets `re` pass over the gaps.
_ASCII_SPLIT = re.compile(
    r"([A-Za-z0-9](?:"
    r"[A-Za-z0-9]*+(?=[ \n;:!?\"()-]|[.,](?:[ \n]|\Z)|\Z)"
    r"|(?<=[A-Za-z])(?<![A-Za-z0-9].)(?<![A-Za-z0-9]\..)(?>(?:\.[A-Za-z])+)(?![A-Za-z0-9])"
    r"|[A-Za-z0-9]*+(?>(?:(?:(?<=\d)[.,](?=\d)|(?<=[A-Za-z])'(?=[A-Za-z]))[A-Za-z0-9]++)*)"
    r"))"
)
_CLAUSE_END = re.compile(r"[,;:()\[\]\"“”–—]|--| - |``|''")
_OPENING = frozenset('"“‘«„:`•|')


class Token(NamedTuple):
    """A word: where it stands, how it is written and compared, and what is known of it.

    sentence: which sentence it stands in, from 0. content: False for a word such as `of`.
    after_mark: True where a comma or another mark that ends a clause stands before it.
    opens: True where it is the first of a sentence or a quotation.
    """

    start: int
    end: int
    written: str
    word: str
    stem: str
    sentence: int
    content: bool
    after_mark: bool
    opens: bool


@lru_cache(maxsize=MOST_KEPT)
def stem_of(word: str) -> str:
    """Return a folded word without its ending; `won` is `win`, and `before` stays whole."""
    if word in FUNCTION_WORDS:
        return word
    return stem(VERB_OF.get(word, word)) if len(word) <= LONGEST_STEMMED else word


Known = TypeVar("Known")


class OfWords(dict[str, Known]):
    """What a function tells of each word, kept; `[word]` is twice as quick as a call that is kept.

    >>> lengths = OfWords(len)
    >>> lengths["mayor"], lengths["mayor"], len(lengths)
    (5, 5, 1)
    """

    def __init__(self, tell: Callable[[str], Known]) -> None:
        super().__init__()
        self._tell = tell

    def __missing__(self, word: str) -> Known:
        if len(self) >= MOST_KEPT:
            self.clear()
        self[word] = known = self._tell(word)
        return known


@OfWords
def _word_forms(written: str) -> tuple[str, str, bool]:
    """Return a word folded, the same without its ending, and whether it has content."""
    word = written.lower() if written.isascii() and written.isalnum() else fold(written)
    return (word, word, False) if word in FUNCTION_WORDS else (word, stem_of(word), True)


# What stands between two words: it ends a clause, it opens a quotation.
_ENDS_CLAUSE, _OPENS_QUOTATION = 1, 2


class _Gaps(dict[str, int]):
    """What the marks between two words do; kept."""

    def __missing__(self, gap: str) -> int:
        ends = _ENDS_CLAUSE if _CLAUSE_END.search(gap) else 0
        marks = ends if _OPENING.isdisjoint(gap) else ends | _OPENS_QUOTATION
        if len(gap) <= LONGEST_GAP_KEPT and len(self) < MOST_KEPT:
            self[gap] = marks
        return marks


_gaps = _Gaps()


class WordColumns(NamedTuple):
    """The words of a text in order: a row for each field of a Token, which are quicker to read."""

    starts: list[int]
    ends: list[int]
    written: list[str]
    words: list[str]
    stems: list[str]
    sentences: list[int]
    content: list[bool]
    after_mark: list[bool]
    opens: list[bool]

    def tokens(self) -> list[Token]:
        """Return each word with all its fields."""
        return [*map(partial(_token, Token), zip(*self, strict=True))]


def _stretches(text: str, within: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """Yield the first and last characters of sentences that only white space stands between.

    Their words are the same, whether they are looked for in each or in all of them.
    """
    start = end = 0
    for number, span in enumerate(within):
        if not number or not text[end : span.start].isspace():
            if number:
                yield start, end
            start = span.start
        end = span.end
    if within:
        yield start, end


def word_columns(text: str, within: Sequence[Span]) -> tuple[WordColumns, list[int]]:
    """Return the words of the sentences of a text, and the first of each sentence and the end.

    >>> columns, first = word_columns("The dogs barked. It rained.", [Span(0, 16), Span(17, 27)])
    >>> columns.stems, first
    (['the', 'dog', 'bark', 'it', 'rain'], [0, 3, 5])
    """
    starts, ends, written, marks = list[int](), list[int](), list[str](), list[int]()
    for start, end in _stretches(text, within):
        stretch = text[start:end]
        split = _ASCII_SPLIT if stretch.isascii() else _SPLIT
        parts = split.split(stretch)  # a gap, a word, a gap, …, a gap
        bounds = [*itertools.accumulate(map(len, parts), initial=start)]
        starts += bounds[1:-1:2]
        ends += bounds[2:-1:2]
        written += parts[1::2]
        marks += map(_gaps.__getitem__, parts[:-1:2])
    first = [bisect.bisect_left(starts, span.start) for span in within]
    for span, at in zip(within, first, strict=True):
        if at < len(starts) and starts[at] < span.end:  # what ends the sentence before is no mark
            marks[at] = _gaps[text[span.start : starts[at]]] | _OPENS_QUOTATION
    first.append(len(starts))
    n_words = map(operator.sub, first[1:], first)
    numbers = [*itertools.chain.from_iterable(map(itertools.repeat, itertools.count(), n_words))]
    forms = zip(*map(_word_forms.__getitem__, written), strict=True) if written else ((), (), ())
    words, stems, content = map(list, forms)
    ending, opening = [False] * len(marks), [False] * len(marks)
    for at in itertools.compress(itertools.count(), marks):
        ending[at], opening[at] = bool(marks[at] & _ENDS_CLAUSE), marks[at] >= _OPENS_QUOTATION
    return WordColumns(
        starts, ends, written, words, stems, numbers, content, ending, opening
    ), first


def sentence_tokens(text: str, within: Sequence[Span]) -> list[Token]:
    """Return the words of the sentences of a text in order.

    >>> [token.stem for token in sentence_tokens("The dogs barked.", [Span(0, 16)])]
    ['the', 'dog', 'bark']
    """
    return word_columns(text, within)[0].tokens()
