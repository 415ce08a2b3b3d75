"""ROUGE on words: the numbers of rouge_score, bit for bit, many times faster.

C.-Y. Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004, as rouge_score 0.1.2
reads it. Every function takes the reference first. Precision, recall and F are 0.0 where one side
has no words (or no n-gram). The speed comes from bit-parallel common subsequences (Hyyrö,
"Bit-parallel LCS-length computation revisited", 2004): one integer holds a whole column of the
table, one bit a word of the reference.

Where rouge-score-rs is installed it counts, if it counts as we do. The package is young, so nobody
has to trust it: before its first use it counts a set of texts that trip scorers (ties, odd cases,
other scripts, halves of surrogate pairs), and if one figure differs from ours in one bit, ours is
used.
"""

import hashlib
import random
import re
import struct
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from itertools import chain
from math import isqrt
from operator import itemgetter
from typing import Any, NamedTuple


class PRF(NamedTuple):
    """Precision, recall and their harmonic mean, 0 to 1."""

    precision: float
    recall: float
    fmeasure: float


ZERO_PRF = PRF(0.0, 0.0, 0.0)


def prf(hits: int, in_reference: int, in_summary: int) -> PRF:
    """Return what `hits` are of the words or n-grams on both sides; both sides have some.

    >>> prf(hits=3, in_reference=4, in_summary=6)
    PRF(precision=0.5, recall=0.75, fmeasure=0.6)
    """
    precision = hits / in_summary
    recall = hits / in_reference
    if precision + recall > 0:
        # In this order, or the last bit differs from rouge_score's.
        return PRF(precision, recall, 2 * precision * recall / (precision + recall))
    return PRF(precision, recall, 0.0)


def rouge_n(reference: Sequence[str], summary: Sequence[str], n: int) -> PRF:
    """Return how many n-grams the two share, each counted as often as both have it.

    >>> rouge_n(["the", "cat", "sat"], ["the", "cat"], n=2)
    PRF(precision=1.0, recall=0.5, fmeasure=0.6666666666666666)
    """
    in_reference, in_summary = len(reference) - n + 1, len(summary) - n + 1
    if in_reference <= 0 or in_summary <= 0:
        return ZERO_PRF
    left = Counter(_ngrams(reference, n))
    hits = 0
    for ngram in _ngrams(summary, n):
        if left.get(ngram):
            left[ngram] -= 1
            hits += 1
    return prf(hits, in_reference, in_summary)


def rouge_l(reference: Sequence[str], summary: Sequence[str]) -> PRF:
    """Return the length of the longest common subsequence, as shares of both sides.

    >>> rouge_l(["the", "cat", "sat", "down"], ["the", "dog", "sat"])
    PRF(precision=0.6666666666666666, recall=0.5, fmeasure=0.5714285714285715)
    """
    if not reference or not summary:
        return ZERO_PRF
    rows, every_row = _rows(reference, set(summary))
    return prf(_lcs_length(rows, every_row, summary), len(reference), len(summary))


def rouge_lsum(reference: Sequence[Sequence[str]], summary: Sequence[Sequence[str]]) -> PRF:
    """Return how much of the reference's sentences the summary's sentences cover together.

    For each reference sentence: the union of its common subsequences with every sentence of the
    summary. A word counts at most as often as the summary has it.

    >>> rouge_lsum([["a", "b", "c"]], [["c"], ["a", "b"]])
    PRF(precision=1.0, recall=1.0, fmeasure=1.0)
    """
    if len(reference) == len(summary) == 1:
        return rouge_l(reference[0], summary[0])
    in_reference, in_summary = sum(map(len, reference)), sum(map(len, summary))
    if not in_reference or not in_summary:
        return ZERO_PRF
    left = Counter(chain.from_iterable(summary))
    hits = 0
    for sentence in reference:
        rows, every_row = _rows(sentence, left)
        union = 0
        for other in summary:
            union |= _lcs_rows(rows, every_row, other)
        hits += _use(rows, union, left)
    return prf(hits, in_reference, in_summary)


def _ngrams(words: Sequence[str], n: int) -> Iterable[object]:
    return words if n == 1 else zip(*(words[start:] for start in range(n)), strict=False)


def _rows(reference: Sequence[str], known: Container[str]) -> tuple[dict[str, int], int]:
    """Return the rows in which each word stands, as the bits of an integer, and all rows' bits.

    Words of the reference that the other side lacks get no row: they match nothing, so neither the
    length of a common subsequence nor the way back through the table depends on them.
    """
    rows: dict[str, int] = {}
    row = 1
    for word in reference:
        if word in known:
            rows[word] = rows[word] | row if word in rows else row
            row <<= 1
    return rows, row - 1


def _use(rows: Mapping[str, int], union: int, left: dict[str, int]) -> int:
    """Take the words of some rows out of what is left of the summary; return how many it had."""
    used = 0
    for word, places in rows.items():
        if wanted := places & union:
            had = min(wanted.bit_count(), left[word])
            left[word] -= had
            used += had
    return used


def _lcs_length(rows: Mapping[str, int], every_row: int, summary: Sequence[str]) -> int:
    """Return the length of the longest common subsequence.

    A zero bit in `level` marks a row whose entry in the table is one more than the row above it.
    Bits beyond the rows are carries, without meaning.
    """
    level = _level_after(map(rows.get, summary), every_row)
    return (every_row & ~level).bit_count()


def _lcs_rows(rows: Mapping[str, int], every_row: int, summary: Sequence[str]) -> int:
    """Return the rows of the one common subsequence that rouge_score finds, as bits.

    It goes back from the table's last corner: along the diagonal at a match, else to the left if
    that entry is greater than the one above, else up. Left is greater than up exactly where the
    entry itself is greater than the one above it, which the columns' bits tell. Of a long text the
    columns are kept for a block at a time, and made again from its first: memory grows with the
    root of its length.
    """
    if len(summary) <= _BLOCK:
        return _way_back(_columns(map(rows.get, summary), every_row, every_row, False), every_row)[
            0
        ]
    matching = [*map(rows.get, summary)]
    size = max(_BLOCK, isqrt(len(matching)))
    starts = range(0, max(len(matching), 1), size)
    levels = [every_row]
    for start in starts[:-1]:
        levels.append(_level_after(matching[start : start + size], levels[-1]))
    taken, above = 0, every_row
    for start, level in zip(reversed(starts), reversed(levels), strict=True):
        after_match = start > 0 and bool(matching[start - 1])
        columns = _columns(matching[start : start + size], level, every_row, after_match)
        of_block, above = _way_back(columns, above)
        taken |= of_block
    return taken


def _level_after(matching: Iterable[int | None], level: int) -> int:
    """Return the level after some words: a zero bit where an entry is greater than that above."""
    for matches in matching:
        if matches:
            met = level & matches
            level = (level + met) | (level - met)
    return level


def _columns(
    matching: Iterable[int | None], level: int, every_row: int, after_match: bool
) -> list[tuple[int, int]]:
    """Return the rows that match each word, and those whose entry is greater than that above."""
    columns: list[tuple[int, int]] = []
    for matches in matching:
        if matches:
            met = level & matches
            level = (level + met) | (level - met)
            columns.append((matches, level ^ every_row))
            after_match = True
        elif after_match:
            # A column without a match equals the one before it, yet the way up stops in it.
            columns.append((0, level ^ every_row))
            after_match = False
    return columns


def _way_back(columns: list[tuple[int, int]], above: int) -> tuple[int, int]:
    """Return the rows matched on the way back, and the rows that are left to go.

    above: a bit for each row not yet passed.
    """
    taken = 0
    for matches, greater in reversed(columns):
        stops = (matches | greater) & above
        if not stops:
            return taken, 0
        row = 1 << (stops.bit_length() - 1)
        if matches & row:
            taken |= row
            above = row - 1
        else:
            above = 2 * row - 1
    return taken, above


# The compiled scorer.

PACKAGE = "rouge-score-rs"
Figures = Sequence[PRF]
"""One of each type, in their order."""

_PROBE = (
    "a", "A b", "b a", "a\n\nb", "a\r\nb\va", "the the the", "the\nthe\nthe the", "don't U.S.A.",
    "1,200.50 _a_b_", "été élevé São", "İstanbul I ı i \u212a", "東京 2019 ไทย", "\ud800 a\udfffb",
    "a\x00b a\u2028b", "running skies die easily\nties tied news",
    "run sky dying easy\ntie tied new", "generalizations agreed\nrelational",
    "general agreement\nrelate", "a b c d e f g h i j k l", "c d e f g h i j k l\na b",
    "k l c d e f g h i j k",
)  # fmt: skip
OURS: Mapping[str, tuple[str, str]] = {
    "rouge1": ("928b741f0afd46e8", "d51774670cde6c81"),
    "rouge2": ("fd7cc37e077ef962", "2789e5f826828a96"),
    "rouge3": ("8866870960d2d56e", "988246c66381e4f4"),
    "rouge4": ("5b1843b3a3739c90", "5b1843b3a3739c90"),
    "rouge5": ("5478245e10bf99ed", "5478245e10bf99ed"),
    "rouge6": ("f179e8f405272390", "f179e8f405272390"),
    "rouge7": ("185b0b167cedcf2c", "185b0b167cedcf2c"),
    "rouge8": ("69c74b64190732a9", "69c74b64190732a9"),
    "rouge9": ("1eeb5aa5d45f48ee", "1eeb5aa5d45f48ee"),
    "rougeL": ("ff3d39bfca23c8f9", "453d507881ddd689"),
    "rougeLsum": ("1e12ba7a4739a308", "a7ef6f4c77cebc65"),
}
"""Digests of our own figures of these texts, without and with stems; `tests/test_rouge.py` counts
them again."""
_WORD = re.compile(r"[a-zA-Z0-9]")
_CELLS = 2**26
# Words of a summary whose columns are kept at once; of a longer text, the root of its length.
_BLOCK = 512


class Compiled:
    """The compiled scorer for some types, with or without stems.

    Of two texts of one line each rougeLsum is rougeL, and not counted again.
    """

    def __init__(self, types: Sequence[str], stemmer: bool) -> None:
        """Make it ready. Raises: ImportError where the package is not there."""
        from rouge_score_rs import rouge_scorer

        self.types = tuple(types)
        scorer: Any = rouge_scorer.RougeScorer
        self._scorer = scorer(list(types), use_stemmer=stemmer)
        self._of_lines: Any = None
        if {"rougeL", "rougeLsum"} <= set(types):
            fewer = [name for name in types if name != "rougeLsum"]
            self._of_lines = scorer(fewer, use_stemmer=stemmer)
            self._with_lsum = itemgetter(*(name.replace("Lsum", "L") for name in types))

    def count(self, references: Sequence[str], summaries: Sequence[str]) -> list[Figures]:
        """Return the figures of each summary against its reference; lines are sentences."""
        pairs = [*zip(references, summaries, strict=True)]
        if self._of_lines is None:
            return [*map(tuple, map(dict.values, _batch(self._scorer, pairs)))]
        single = ["\n" not in one and "\n" not in other for one, other in pairs]
        lines = [pair for pair, of_lines in zip(pairs, single, strict=True) if of_lines]
        others = [pair for pair, of_lines in zip(pairs, single, strict=True) if not of_lines]
        counted = (
            map(tuple, map(dict.values, _batch(self._scorer, others))),
            map(self._with_lsum, _batch(self._of_lines, lines)),
        )
        return [next(counted[of_lines]) for of_lines in single]


def _batch(scorer: Any, pairs: Sequence[tuple[str, str]]) -> Any:
    # Its scores are PRF in all but name, in the order of the types.
    return scorer.score_batch(*map(list, zip(*pairs, strict=True))) if pairs else []


def too_long(reference: str, summary: str) -> bool:
    """Tell whether the compiled scorer might need over 512 MB for its table of two texts.

    It has a cell of 8 bytes for each pair of words, and ends the whole program where there is no
    memory for that. Ours has a bit.
    """
    return (len(reference) // 2) * (len(summary) // 2) > _CELLS


@cache
def compiled_scorer(types: tuple[str, ...], stemmer: bool) -> Compiled | None:
    """Return the compiled scorer; None where it is not installed, or does not count as ours."""
    try:
        scorer = Compiled(types, stemmer)
    except ImportError:
        return None
    found = digests(scorer.count(*map(list, zip(*probe(), strict=True))))
    return scorer if found == [OURS[name][stemmer] for name in types] else None


def digests(counted: Sequence[Figures]) -> list[str]:
    """Return of each type a digest of its figures, every bit of them."""
    columns = (chain.from_iterable(of_type) for of_type in zip(*counted, strict=True))
    packed = (struct.pack(f"<{3 * len(counted)}d", *column) for column in columns)
    return [hashlib.blake2b(each, digest_size=8).hexdigest() for each in packed]


def probe() -> list[tuple[str, str]]:
    """Return pairs of texts that trip scorers; with many subsequences of equal length, too."""
    rng = random.Random(0)  # noqa: S311
    drawn = [(rng.choices("abcd", k=12), rng.choices("  \n", k=12)) for _ in range(120)]
    tied = ["".join(chain.from_iterable(zip(*each, strict=True))) for each in drawn]
    beside = [_PROBE[n:] + _PROBE[:n] for n in (0, 1, 5, -1)]
    odd = [pair for texts in beside for pair in zip(_PROBE, texts, strict=True)]
    return [*odd, *zip(tied[:60], tied[60:], strict=True)]


def counted_by() -> str:
    """Return the package's name with its version."""
    return f"{PACKAGE} {version(PACKAGE)}"


def has_words(text: str) -> bool:
    """Tell whether the default tokenizer finds a word."""
    return bool(_WORD.search(text) or _WORD.search(text.lower()))
