"""Numbers in another form: a share as two numbers, the hour of a day as one."""

import bisect
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from evalharness import text
from evalharness.records import Span
from evalharness.text.number_words import EXACT

# Between two numbers that are one share: `7 out of 10`, `one post in eight`.
_OF_AS_MANY = re.compile(r" (?:[a-z]+ )?(?:out of|in|in every|of every) ", re.IGNORECASE)
_ENDS_OF_AS_MANY = (" of ", " in ", " every ")
_SHARES = frozenset(["percent", "fraction"])
MOST_SHARES = 200
# How nearly two shares are the same, as a part of one and as one of their parts: an eighth is 12%.
NEARLY_SHARE, NEARLY_OF_SHARE = Decimal("0.0051"), Decimal("0.06")
# What stands before an hour of the day: `from five until the children get up`.
_AT = re.compile(r"\b(?:at|from|by|till|until|since|before|after) $", re.IGNORECASE)
LONGEST_AT = 8
HOUR, HOURS_ON_CLOCK = 3_600, 12


def shares(numbers: Iterable[text.Number], where: str) -> Iterator[text.Number]:
    """Yield the shares that two numbers in a row are, as parts of one, over both.

    >>> written = "Seven out of 10 agree; one post in eight is vacant."
    >>> found = shares(text.numbers(written), written)
    >>> [(share.span.of(written), str(share.value)) for share in found]
    [('Seven out of 10', '0.7'), ('one post in eight', '0.125')]
    """
    for some, all_ in itertools.pairwise(numbers):
        is_less = not (some.kind or all_.kind or all_.unit) and 0 < some.value < all_.value
        if is_less and _OF_AS_MANY.fullmatch(where, some.span.end, all_.span.start):
            span = Span(some.span.start, all_.span.end)
            value = EXACT.divide(some.value, all_.value)
            yield all_._replace(span=span, value=value, kind="fraction")


def are_one_share(one: text.Number, other: text.Number) -> bool:
    """Tell whether two shares are the same, perhaps rounded: one in eight, and 12%."""
    part, its = (
        each.value.scaleb(-2, EXACT) if each.kind == "percent" else each.value
        for each in (one, other)
    )
    nearly = min(NEARLY_SHARE, EXACT.multiply(NEARLY_OF_SHARE, its))
    return abs(EXACT.subtract(part, its)) <= nearly


def hour_of(number: text.Number, where: str) -> int | None:
    """Return the hour on a clock that a number is: 5, of `5 pm` and `from five`; else None."""
    if number.kind[:4] == "time":
        return None if number.value % HOUR else int(number.value) // HOUR % HOURS_ON_CLOCK
    is_bare = not (number.kind or number.unit) and number.value in range(1, HOURS_ON_CLOCK + 1)
    start = number.span.start
    is_hour = is_bare and _AT.search(where, max(0, start - LONGEST_AT), start)
    return int(number.value) % HOURS_ON_CLOCK if is_hour else None


class OtherForms:
    """The numbers of an article, as a summary may write them otherwise."""

    def __init__(self, numbers: Sequence[text.Number], where: str) -> None:
        said = (number for number in numbers if number.kind in _SHARES)
        self._of_two = [*itertools.islice(shares(numbers, where), MOST_SHARES)]
        self._shares = [*itertools.islice(said, MOST_SHARES)]
        self._hours: dict[tuple[int, bool], Span] = {}
        for number in numbers:
            if (hour := hour_of(number, where)) is not None:
                self._hours.setdefault((hour, number.kind[:4] == "time"), number.span)

    def places(
        self, claimed: text.Number, beside: Sequence[text.Number], summary: str
    ) -> list[Span]:
        """Return where the article has a number of a summary in another form; empty if nowhere.

        That is a share, or an hour with `am` or `pm` on one side only. beside: the numbers of the
        summary's sentence, of which two may be one share.
        """
        if (hour := hour_of(claimed, summary)) is not None:
            stated = self._hours.get((hour, claimed.kind[:4] != "time"))
            return [stated] if stated else []
        if claimed.kind in _SHARES:
            alike = (each.span for each in self._of_two if are_one_share(claimed, each))
            return [*itertools.islice(alike, 1)]
        start, end = claimed.span
        is_of_two = summary.endswith(_ENDS_OF_AS_MANY, 0, start) or _OF_AS_MANY.match(summary, end)
        if not self._shares or not is_of_two:
            return []
        at = bisect.bisect_left(beside, start, key=lambda number: number.span.start)
        own = shares(beside[max(0, at - 1) : at + 2], summary)
        alike = (
            each.span
            for share in itertools.islice(own, 1)
            for each in self._shares
            if are_one_share(share, each)
        )
        return [*itertools.islice(alike, 1)]
