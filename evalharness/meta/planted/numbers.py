"""Wrong numbers, wrong units, and wrong dates: weekdays, months, days, years, `last week`."""

import re
from collections.abc import Iterator
from decimal import Decimal
from random import Random

from evalharness import text
from evalharness.meta.planted.facts import Facts, PlannedChange, SummaryClaims, pattern_matches
from evalharness.records import Span

DATES = frozenset(["year", "decade", "day"])


# --- Numbers

_DIGITS = re.compile(r"\d[\d,]*(?:\.\d+)?")
_SUFFIX = re.compile(r"(?:st|nd|rd|th)\b")
_WORD = re.compile(r"[A-Za-z]+")
# One word of each row can stand where another does; one, two at the ends change a noun's number.
_ROWS = (
    "two three four five six seven eight nine ten eleven twelve",
    "thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    "twenty thirty forty fifty sixty seventy eighty ninety",
    "second third fourth fifth sixth seventh eighth ninth tenth",
    "dozens hundreds thousands millions",
    "third quarter fifth",
    "thirds quarters fifths",
)
_ROW_OF = {word: tuple(row.split()) for row in reversed(_ROWS) for word in row.split()}
# How much greater or smaller a wrong number is: no rounding, and still to be believed.
_FACTORS = tuple(map(Decimal, ("0.4", "0.5", "0.6", "0.7", "1.4", "1.5", "1.7", "2", "2.5", "3")))
_SMALL = 12
# The most that a share can be, and that a person's age is likely to be.
_GREATEST = {"percent": Decimal(100), "year": Decimal(95)}
_FIXED_AFTER = re.compile(
    r"^[\s-]*(?:minister|lady|secretary|half|degree|world|person|generation|class|hand|"
    r"place|division|-|:|/|\d)",
    re.IGNORECASE,
)
_OF_A_NAME = re.compile(r"(?:\b[A-Z][\w.]*[ -]|\bno\. ?|\bcloud |#|[-–/:])$")
# Of one of these there are only so many: no eleven days a week, no 45 hours a day.
_BOUNDED_AFTER = re.compile(r"^[\s-]*\w+ (?:a|an|per|each|every) (?:day|week|month|year|hour)\b")


def change_numbers(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    """Yield changes of a number to one that the article does not state, in the same form."""
    changeable = [number for number in claims.numbers if _is_changeable(claims, number)]
    for number in rng.sample(changeable, len(changeable)):
        written = number.span.of(claims.text)
        for new in number_variants(written, number, rng):
            draft = PlannedChange(number.span.start, number.span.end, new)
            if is_foreign(claims, facts, number, draft) and not facts.says(new):
                yield draft


def _is_changeable(claims: SummaryClaims, number: text.Number) -> bool:
    if number.kind in DATES or claims.is_named(number.span.start, number.span.end):
        return False
    if claims.is_quoted(number.span.start, number.span.end):
        return False
    before = claims.text[max(0, number.span.start - 20) : number.span.start]
    in_sentence = claims.sentence_at(number.span.start).start < number.span.start
    if in_sentence and _OF_A_NAME.search(before):
        return False
    after = claims.text[number.span.end : number.span.end + 20]
    if _BOUNDED_AFTER.match(after):
        return False
    if number.kind == "ordinal":
        determined = re.search(r"\b(?:the|a|his|her|its|their|for|in)\s$", before, re.IGNORECASE)
        return bool(determined and re.match(r"\s[a-z]", after) and not _FIXED_AFTER.match(after))
    return not re.match(r"[-–:/]\d", after)


def number_variants(written: str, number: text.Number, rng: Random) -> Iterator[str]:
    """Yield other numbers in the form of a written one: digits for digits, words for words."""
    digits = list(_DIGITS.finditer(written))
    if len(digits) == 1 or (digits and number.kind.startswith("time")):
        first = digits[0]
        for new in _other_digits(first[0], number, rng):
            rest = written[first.end() :]
            if suffix := _SUFFIX.match(rest):
                rest = _ordinal_suffix(int(new)) + rest[suffix.end() :]
            yield written[: first.start()] + new + rest
    elif not digits:
        yield from _other_words(written, rng)


def _other_digits(digits: str, number: text.Number, rng: Random) -> Iterator[str]:
    value = Decimal(digits.replace(",", "").rstrip("."))
    places = len(digits.partition(".")[2])
    if value < 2 or (digits.startswith("0") and len(digits) > 1):
        return
    if number.kind.startswith("time"):
        candidates = [Decimal(hour) for hour in range(2, 12)]
        digits = digits.partition(".")[0]
        rest = "" if not places else f"{value:f}"[len(digits) :]
        places = 0
    else:
        candidates, rest = _candidates(value, places), ""
    limit = _GREATEST.get(number.kind, _GREATEST.get(number.unit, Decimal("Infinity")))
    candidates = [each for each in candidates if each != value and 2 <= each < max(limit, value)]
    if number.hedge in ("over", "under"):  # `more than 100` is no error where it was 120
        higher = number.hedge == "over"
        candidates = [each for each in candidates if (each > value) == higher]
    for each in rng.sample(candidates, len(candidates)):
        yield f"{each:,.{places}f}{rest}" if "," in digits else f"{each:.{places}f}{rest}"


def _candidates(value: Decimal, places: int) -> list[Decimal]:
    if value <= _SMALL and not places:
        return [value + step for step in (-4, -3, -2, 2, 3, 4, 5) if value + step >= 2]
    significant = len(str(value).replace(".", "").strip("0")) or 1
    step = Decimal(1).scaleb(max(-places, value.adjusted() + 1 - significant))
    return [(value * factor / step).to_integral_value() * step for factor in _FACTORS]


def _other_words(written: str, rng: Random) -> Iterator[str]:
    words = [word for word in _WORD.finditer(written) if word[0].lower() in _ROW_OF]
    for word in words[-1:]:
        row = [each for each in _ROW_OF[word[0].lower()] if each != word[0].lower()]
        for new in rng.sample(row, len(row)):
            yield written[: word.start()] + new + written[word.end() :]


def _ordinal_suffix(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def is_foreign(
    claims: SummaryClaims, facts: Facts, number: text.Number, draft: PlannedChange
) -> bool:
    """Tell whether a draft reads as a number in the old one's place that the article lacks."""
    changed = claims.with_draft(draft)
    sentence = claims.sentence_at(draft.start)
    longer = len(draft.new) - (draft.end - draft.start)
    within = [Span(sentence.start, max(sentence.end, draft.end) + longer)]
    here = Span(draft.start, draft.start + len(draft.new))
    found = [
        each
        for each in text.numbers(changed, within)
        if each.span.start < here.end and here.start < each.span.end
    ]
    if len(found) != 1 or text.agree(found[0], number) or text.agree(number, found[0]):
        return False
    return not facts.has_number(found[0])


# --- Units

# What weighs pounds is seldom as heavy, and what costs pounds is seldom as cheap.
_LEAST_MONEY = 500
# What stands directly behind a number, and what it can become; plurals likewise.
_UNIT_ROWS = (
    *("second minute", "minute hour", "hour minute", "day week", "week day month"),
    *("month week year", "year month", "mile kilometre", "kilometre mile", "metre foot"),
    *("foot metre", "kilogram tonne", "tonne kilogram", "litre gallon", "gallon litre"),
    *("acre hectare", "hectare acre", "mph kph", "kph mph", "km miles", "miles km", "kg tonnes"),
    *("thousand million", "million billion", "billion million", "trillion billion"),
    *("pence cent", "cent pence", "pound euro", "dollar euro", "euro dollar"),
)
_PLURALS = {"foot": "feet", "pence": "pence", "mph": "mph", "kph": "kph", "km": "km", "kg": "kg"}
_PLURALS |= {word: word for word in ("thousand", "million", "billion", "trillion", "miles")}
_SIGNS = {"£": "€", "$": "£", "€": "$"}
_MAGNITUDES = {"m": "bn", "bn": "m", "k": "m"}
_UNIT_WORD = re.compile(r"[\s-]?([A-Za-z]+)\b(?![\s-]?old\b)")
_PERCENT = re.compile(r"\s?(%|per ?cent\b|pc\b)", re.IGNORECASE)
_MAGNITUDE = re.compile(r"(?<=\d)(m|bn|k)\b")


def _unit_words() -> dict[str, tuple[str, ...]]:
    others: dict[str, tuple[str, ...]] = {}
    for word, *rest in map(str.split, _UNIT_ROWS):
        others[word] = tuple(rest)
        others[_PLURALS.get(word, f"{word}s")] = tuple(_PLURALS.get(e, f"{e}s") for e in rest)
    return others


_OTHER_UNITS = _unit_words()


def units(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    """Yield changes of a unit, a currency, a magnitude, or of percent to percentage points."""
    measured = [
        number
        for number in claims.numbers
        if number.kind not in DATES
        and not claims.is_quoted(number.span.start, number.span.end)
        and not _BOUNDED_AFTER.match(claims.text[number.span.end :][:20])
        and not re.search(r" [A-Z][a-z]", number.span.of(claims.text))  # A Million Love Songs
    ]
    for number in rng.sample(measured, len(measured)):
        drafts = [*_unit_drafts(claims, number)]
        for draft in rng.sample(drafts, len(drafts)):
            around = Span(min(draft.start, number.span.start), max(draft.end, number.span.end))
            new = (
                claims.text[around.start : draft.start]
                + draft.new
                + claims.text[draft.end : around.end]
            )
            whole = PlannedChange(around.start, around.end, new)
            if not facts.says(new) and _is_other_measure(claims, facts, number, whole):
                yield whole


def _is_other_measure(
    claims: SummaryClaims, facts: Facts, number: text.Number, draft: PlannedChange
) -> bool:
    if draft.new.endswith(("points", "point")):
        return not facts.says("percentage point") and not facts.says("percentage points")
    return is_foreign(claims, facts, number, draft)


def _unit_drafts(claims: SummaryClaims, number: text.Number) -> Iterator[PlannedChange]:
    written, start = number.span.of(claims.text), number.span.start
    if written[:1] in _SIGNS:
        yield PlannedChange(start, start + 1, _SIGNS[written[0]])
    if found := _MAGNITUDE.search(written):
        yield PlannedChange(start + found.start(), start + found.end(), _MAGNITUDES[found[1]])
    if number.kind == "percent" and (found := _PERCENT.search(written)):
        yield from _points(claims, number, start + found.start(1))
        return
    if number.kind == "money:GBP" and not written.startswith("£") and number.value < _LEAST_MONEY:
        return
    places = [Span(start + word.start(), start + word.end()) for word in _WORD.finditer(written)]
    if match := _UNIT_WORD.match(claims.text, number.span.end):
        places.append(Span(match.start(1), match.end(1)))
    for place in places[-2:]:
        for new in _OTHER_UNITS.get(place.of(claims.text).lower(), ()):
            yield PlannedChange(place.start, place.end, new)


def _points(claims: SummaryClaims, number: text.Number, start: int) -> Iterator[PlannedChange]:
    """Yield percentage points for percent where a change is told, and not a share of something."""
    after = claims.text[number.span.end : number.span.end + 20].lower()
    before = claims.text[max(0, number.span.start - 12) : number.span.start].lower()
    space = "" if claims.text[start - 1].isspace() else " "
    if re.match(r" (?:rise|increase|fall|drop|cut|decline|gain|jump|lead)\b", after):
        yield PlannedChange(start, number.span.end, f"{space}percentage point")
    elif re.search(r"\b(?:by|up|down)(?: to| about| nearly)? $", before) and after[:3] != " of":
        yield PlannedChange(start, number.span.end, f"{space}percentage points")


# --- Dates

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LONG_MONTHS = ("January", "March", "May", "July", "August", "October", "December")
_MONTHS = (*_LONG_MONTHS, "February", "April", "June", "September", "November")
_WEEKDAY = re.compile(rf"\b(?:{'|'.join(_WEEKDAYS)})\b", re.IGNORECASE)
_MONTH = re.compile(rf"\b(?:{'|'.join(_MONTHS)}|Jan|Feb|Aug|Sept|Oct|Nov|Dec)\b", re.IGNORECASE)
_SHORT = {"Jan": "January", "Feb": "February", "Aug": "August", "Sept": "September"}
_SHORT |= {"Oct": "October", "Nov": "November", "Dec": "December"}
_BEFORE_MONTH = re.compile(
    r"(?:\d(?:st|nd|rd|th)?|\b(?:in|by|since|until|till|from|of|late|early|mid|last|next|this|"
    r"during|between|to))[ -]$",
    re.IGNORECASE,
)
_RELATIVE = re.compile(
    r"\b(last|next) (week|month|year|weekend|spring|summer|autumn|winter)\b", re.IGNORECASE
)
_SPANS = ("week", "month", "year")
_SEASONS = ("spring", "summer", "autumn", "winter")
_SHORT_MONTH_DAYS = 28
# A news article seldom speaks of a later year than its own.
_YEARS_OFF = (-9, -8, -7, -6, -5, -4, -3, -2, -1)


def change_dates(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    """Yield changes of a weekday, month, day, year or season to one the article does not name."""
    drafts = [
        *_weekdays(claims, facts),
        *_months(claims, facts),
        *_relative(claims, facts),
        *_days_and_years(claims, facts, rng),
    ]
    places = sorted({draft.start for draft in drafts})
    for place in rng.sample(places, len(places)):
        here = [draft for draft in drafts if draft.start == place]
        yield from rng.sample(here, len(here))


def _weekdays(claims: SummaryClaims, facts: Facts) -> Iterator[PlannedChange]:
    for match in pattern_matches(_WEEKDAY, claims):
        for new in _WEEKDAYS:
            if not (facts.says(new) or facts.says(new[:3])) and not _has(claims, new):
                yield PlannedChange(match.start(), match.end(), new)


def _months(claims: SummaryClaims, facts: Facts) -> Iterator[PlannedChange]:
    for match in pattern_matches(_MONTH, claims):
        before = claims.text[max(0, match.start() - 10) : match.start()]
        followed = re.match(r"\.? \d", claims.text[match.end() : match.end() + 4])
        if not (followed or _BEFORE_MONTH.search(before)):
            continue
        around = claims.text[max(0, match.start() - 6) : match.end() + 5]
        late = any(int(day) > _SHORT_MONTH_DAYS for day in re.findall(r"(?<!\d)\d\d(?!\d)", around))
        is_short = match[0].capitalize() in _SHORT
        for new in _LONG_MONTHS if late else _MONTHS:
            short = next((s for s, whole in _SHORT.items() if whole == new), new[:3])
            if facts.says(new) or facts.says(short) or _has(claims, new):
                continue
            if is_short and new not in _SHORT.values():
                continue
            yield PlannedChange(match.start(), match.end(), short if is_short else new)


def _relative(claims: SummaryClaims, facts: Facts) -> Iterator[PlannedChange]:
    for match in pattern_matches(_RELATIVE, claims):
        row = _SEASONS if match[2].lower() in _SEASONS else _SPANS
        for new in row:
            phrase = f"{match[1]} {new}"
            if new != match[2].lower() and not facts.says(phrase):
                yield PlannedChange(match.start(2), match.end(2), new)


def _days_and_years(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    for number in claims.numbers:
        span = number.span
        loose = not re.match(r"[-–/]\d", claims.text[span.end : span.end + 2])
        attached = re.search(r"[-–/]$", claims.text[: span.start][-1:])
        if number.kind not in DATES or attached or not loose:
            continue
        if claims.is_named(span.start, span.end) or claims.is_quoted(span.start, span.end):
            continue
        for new in _other_dates(number, span.of(claims.text), rng):
            draft = PlannedChange(span.start, span.end, new)
            if not facts.says(new) and is_foreign(claims, facts, number, draft):
                yield draft


def _other_dates(number: text.Number, written: str, rng: Random) -> Iterator[str]:
    value = int(number.value)
    if number.kind == "year" and written.isdigit():
        yield from (str(value + step) for step in _YEARS_OFF)
    elif number.kind == "decade" and written[:-1].isdigit():
        yield from (f"{value + step}s" for step in (-30, -20, -10))
    elif number.kind == "day":
        days = [
            new for new in number_variants(written, number, rng) if _day(new) <= _SHORT_MONTH_DAYS
        ]
        yield from days


def _day(written: str) -> int:
    digits = "".join(each for each in written if each.isdecimal())
    return int(digits) if digits else 1


def _has(claims: SummaryClaims, word: str) -> bool:
    return re.search(rf"\b{word}\b", claims.text, re.IGNORECASE) is not None
