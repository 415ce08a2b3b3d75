"""Numbers of a text with their values, however they are written."""

import bisect
import heapq
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from evalharness.records import Span
from evalharness.text.foreign_numbers import VOCABULARIES, read_foreign_numbers
from evalharness.text.languages import ENGLISH
from evalharness.text.number_reader import read_numbers
from evalharness.text.number_words import DOLLARS, EXACT
from evalharness.text.sentences import sentences

# How far the truth may lie from a hedged number, as parts of it: `nearly 200` is 160 to 200.
HEDGED = {
    "about": (Decimal("0.9"), Decimal("1.1")),
    "under": (Decimal("0.8"), Decimal(1)),
    "over": (Decimal(1), Decimal("1.3")),
}
_Said = tuple[str, str, Decimal]  # kind, unit, value
# A whole number from here on that ends in zeros may be rounded: 11,000 for 11,072.
LEAST_ROUNDED = 10_000
OF_CENTS = -2
HALF_A_DAY = 12 * 60 * 60


class Number(NamedTuple):
    """A number in a text.

    value: exact, in units of one (`£1.2bn` is 1.2E+9: the exponent keeps the written precision).
    kind: `` a count, `percent`, `money:GBP`, `ordinal`, `fraction`, `year`, `decade`, `day` of a
        month, `time` (seconds since midnight; `time:12` where am or pm is not said), `vague`
        (`hundreds`; value is the least it stands for).
    unit: `year`, `mile`, …; empty where none follows that is known.
    hedge: `about`, `under` (the truth is said to be below: `nearly 200`), `over`, or empty.
    sure: False for what may be no quantity at all: a bare `one`, the 16 in `F-16`.
    """

    span: Span
    value: Decimal
    kind: str = ""
    unit: str = ""
    hedge: str = ""
    sure: bool = True


def numbers(
    text: str,
    within: Sequence[Span] | None = None,
    words: Iterable[tuple[int, int]] | None = None,
    language: str = ENGLISH,
) -> list[Number]:
    """Return the numbers of a text in order.

    within: the sentences of the text, where they are known already. No number goes over the end of
    a sentence, so a copied sentence has the same numbers. words: where those words start and end
    that may be of a number, if known; asked in English only. language: of the text.

    >>> text = "About 1.2 million of the twenty-five-year-old's £3bn, or 5 per cent."
    >>> for number in numbers(text):
    ...     print(number.span.of(text), number.value, number.kind, number.unit, number.hedge)
    1.2 million 1.2E+6   about
    twenty-five 25  year
    £3bn 3E+9 money:GBP
    5 per cent 5 percent
    """
    return [
        Number(
            Span(sentence.start + draft.start, sentence.start + draft.end),
            draft.value,
            draft.kind,
            draft.unit,
            draft.hedge,
            draft.sure,
        )
        for sentence in (sentences(text) if within is None else within)
        for draft in (
            read_foreign_numbers(sentence.of(text), language)
            if language in VOCABULARIES
            else read_numbers(sentence.of(text), words and _inside(sentence, words))
        )
    ]


def _inside(sentence: Span, words: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the words of a sentence, counted from its start."""
    start, end = sentence
    return [(one - start, other - start) for one, other in words if start <= one < end]


def agree(claimed: Number, stated: Number) -> bool:
    """Tell whether a claimed number says what a stated one says, perhaps less exactly.

    Equal values agree in any dress, if their kinds and units can be the same. A stated number may
    be rounded to the precision in which the claimed one is written (two digits at least: `1.2
    million` for 1,187,000), or further where the claim is hedged (`nearly 200` for 187).

    >>> def same(claimed, stated):
    ...     return agree(numbers(claimed)[0], numbers(stated)[0])
    >>> same("half of it", "50%"), same("5 per cent", "five people"), same("$3m", "£3m")
    (True, False, False)
    """
    if not _same_kind(claimed, stated) or not _same_unit(claimed, stated):
        return False
    if claimed.kind.startswith("time"):
        return _same_time(claimed, stated)
    if claimed.kind == "vague":
        low, high = EXACT.add(claimed.value, claimed.value), EXACT.scaleb(claimed.value, 2)
        return (
            stated.value == claimed.value if stated.kind == "vague" else low <= stated.value < high
        )
    return any(
        _covers(claimed.hedge, one, other)
        for one in _readings(claimed)
        for other in _readings(stated)
    )


class NumberIndex:
    """Stated numbers, ordered by value, so that a claim is compared with its neighbours only.

    Numbers that say the same make one group, which is compared once however often they stand.
    """

    def __init__(self, stated: Iterable[Number]) -> None:
        self._groups: dict[Decimal, dict[_Said, list[tuple[int, Number]]]] = {}
        for place, number in enumerate(stated):
            said = (number.kind, number.unit, number.value)
            for value in _keys(number):
                alike = self._groups.setdefault(value, {}).setdefault(said, [])
                alike.append((place, number))
        self._values = sorted(self._groups)

    def agreeing_numbers(self, claimed: Number) -> Iterator[Number]:
        """Yield the stated numbers that agree with a claimed one, the nearest below first."""
        for value in _keys(claimed):
            low, high = _reach(claimed, value)
            first = bisect.bisect_left(self._values, low)
            last = bisect.bisect_right(self._values, high)
            for near in self._values[first:last]:
                groups = self._groups[near].values()
                alike = [group for group in groups if agree(claimed, group[0][1])]
                yield from (stated for _, stated in heapq.merge(*alike))


def _keys(number: Number) -> tuple[Decimal, ...]:
    if number.kind.startswith("time"):
        return (number.value % HALF_A_DAY,)
    return _readings(number)


def _reach(claimed: Number, value: Decimal) -> tuple[Decimal, Decimal]:
    """Return between which values a stated number can agree with a claimed one."""
    if claimed.kind == "vague":
        return value, EXACT.scaleb(value, 2)
    if claimed.hedge:
        low, high = HEDGED[claimed.hedge]
        return EXACT.multiply(value, low), EXACT.multiply(value, high)
    step = _precision(value) or Decimal(0)
    return EXACT.subtract(value, step), EXACT.add(value, step)


# Kinds that may be the same thing, beside equal kinds.
_KIN = frozenset(
    [
        frozenset(["", "year"]),
        frozenset(["", "day"]),
        frozenset(["ordinal", "day"]),
        frozenset(["", "fraction"]),
        frozenset(["fraction", "percent"]),
        frozenset(["time", "time:12"]),
    ]
)


def _same_kind(claimed: Number, stated: Number) -> bool:
    kinds = frozenset([claimed.kind, stated.kind])
    if len(kinds) == 1 or kinds in _KIN:
        return True
    if kinds <= DOLLARS:
        return "money:USD" in kinds
    if claimed.kind == "vague":
        return stated.kind == ""
    # 5m is an amount if the other says so, and 3.60 is; 20 people are no $20.
    is_amount = claimed.value >= 1000 or claimed.value.as_tuple().exponent == OF_CENTS
    return is_amount and "" in kinds and any(kind[:5] == "money" for kind in kinds)


def _same_unit(claimed: Number, stated: Number) -> bool:
    units = {claimed.unit, stated.unit} - {"", "million|metre"}
    return len(units) < 2


def _same_time(claimed: Number, stated: Number) -> bool:
    if claimed.kind == stated.kind:
        return claimed.value == stated.value
    return claimed.value % HALF_A_DAY == stated.value % HALF_A_DAY


def _readings(number: Number) -> tuple[Decimal, ...]:
    """Return the values that a number may have: shares as parts of one, `5m` also as metres."""
    if number.kind == "percent":
        return (number.value.scaleb(-2, EXACT),)
    if number.unit == "million|metre":
        return (number.value, number.value.scaleb(-6, EXACT))
    return (number.value,)


def _precision(claimed: Decimal) -> Decimal | None:
    """Return the unit that a number is written to; None where it has one digit, and is exact."""
    digits, exponent = claimed.as_tuple()[1:]
    if len(digits) < 2 or not isinstance(exponent, int):
        return None
    if exponent == 0 and claimed >= LEAST_ROUNDED:
        n_zeros = len(digits) - len(str(int(claimed)).rstrip("0"))
        return Decimal(1).scaleb(min(n_zeros, len(digits) - 2), EXACT)  # two digits are exact
    return Decimal(1).scaleb(exponent, EXACT)


def _covers(hedge: str, claimed: Decimal, stated: Decimal) -> bool:
    if claimed == stated:
        return True
    if hedge:
        low, high = HEDGED[hedge]
        return EXACT.multiply(claimed, low) <= stated <= EXACT.multiply(claimed, high)
    step = _precision(claimed)
    if step is None:
        return False
    return stated.quantize(step, ROUND_HALF_UP, EXACT) == claimed
