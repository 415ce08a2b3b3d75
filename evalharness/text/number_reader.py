"""How a number is read: digits or words, then what stands after and before it.

`read_numbers` works on one sentence; `numbers` holds the public names.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from re import Match

from evalharness.text import number_words
from evalharness.text.words import OfWords

# Longer runs of digits are identifiers, no quantities.
MOST_DIGITS = 30


def _any_of(words: Iterable[str]) -> str:
    """Return a pattern for any of the words, in ASCII capitals too, but not with `ſ` for `s`."""
    return f"(?a:{_tree(words)})"


def _tree(words: Iterable[str]) -> str:
    """Return the words as a tree of letters, which is quicker to match than a row of words."""
    by_letter: dict[str, list[str]] = {}
    for word in words:
        by_letter.setdefault(word[:1], []).append(word[1:])
    optional = by_letter.pop("", None) is not None
    branches = [re.escape(letter) + _tree(rest) for letter, rest in sorted(by_letter.items())]
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)}){'?' if optional else ''}"


_VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
_NUMBER_WORDS = _any_of(number_words.NUMBER_WORDS)
_PARTS = _any_of(word for word in number_words.DENOMINATORS if not word.endswith("s"))
# Not `half a century`: whoever sums up says so of any fifty years or so that he counts himself.
_HALVED = _any_of(["second", "minute", "hour", "day", "year", "mile"])
_LED = _any_of({*number_words.SCALES, "dozen"})
_ATOM = re.compile(
    # Letters may touch digits if they are a currency: P460-million, Rs500.
    r"(?:(?<![^\W_])|(?=\d)(?:(?<=\b[prn])|(?<=\b(?:rs|rm|tk|rp))"
    r"|(?<=\b(?:usd|gbp|eur|inr|cny|rmb|php|chf|sfr))))"
    rf"(?:(?=[\d.{_VULGAR}])(?<!\d\.)(?:"
    r"(?P<ratio>(?<!/)[1-9]/(?:[23458]|10)(?![\d/]))"
    # 1.200.000,50 as on the continent, where nothing else can be meant
    r"|(?P<pointed>\d{1,3}(?>(?:\.\d{3}){2,})(?!\d)(?:,\d{1,2}(?!\d))?"
    r"|\d{1,3}\.\d{3},\d{1,2}(?!\d))"
    # 1 200 with a space that does not break; 1 200 000 with any
    r"|(?P<spaced>\d{1,3}(?>(?:[\u00a0\u2009\u202f]\d{3})+)(?!\d)|\d{1,3}(?>(?: \d{3}){2,})(?!\d))"
    r"|(?P<grouped>\d{1,3}(?>(?:,\d{3})+)(?!\d)(?:\.\d++)?|\d{1,2}(?:,\d{2}){1,4},\d{3}(?!\d))"
    r"|(?P<arabic>\d{1,3}(?>(?:٬\d{3})+)(?!\d)(?:٫\d++)?|\d++٫\d++)"
    # `2, 000` and `1. 8` of texts that were tokenised and glued together again
    r"|(?P<torn>\d{1,3}(?>(?:, 000)+)(?!\d)"
    r"|(?<=[$£€#] )\d{1,3}(?>(?:, \d{3})+)(?!\d)|\d{1,3}\. \d{1,3}(?![\d,.]))"
    r"|(?P<plain>\d++(?:\.\d++)?|\.\d++)"
    rf"|(?P<vulgar>[{_VULGAR}])"
    r")|(?=[abd-fhlmnoqstz])(?:"
    rf"(?P<part>half(?= of | the )|(?:an?|one)[ -](?:{_PARTS})(?= of ))"
    r"|(?P<halved>half(?<!and[ -]a[ -]half)(?<!and half)(?:[ -]an?)?)"
    rf"(?=[ -](?:{_HALVED})(?![^\W_]))"
    rf"|(?P<lead>(?:(?:half[ -])?an?|(?:a )?few|several)[ -](?=(?:{_LED})(?![^\W_])))"
    rf"|(?P<word>{_NUMBER_WORDS})(?![^\W_])"
    r"))",
    re.IGNORECASE,
)
# What stands before the first word of a number that tells it: `several` hundred.
_LONGEST_LEAD = len("several ")
_DIGIT = re.compile(rf"[\d{_VULGAR}]")
_RUN = re.compile(r"[^\W_]+")
_LIST_MARK = re.compile(r"\W*\d{1,3}[.)]\s+\S")
_VULGAR_AFTER = re.compile(rf" ?([{_VULGAR}])")
_CLOCK = re.compile(
    r"(?P<hour>[01]?\d|2[0-4])(?>(?:(?: : |:)(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"
    r"|\.(?P<point>[0-5]\d)(?=\s?[ap]\.?\s?m))?)(?!\d)"
    r"(?:\s?(?P<half>[ap])(?:m(?![^\W_])|\.\s?m(?![^\W_])\.?))?",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?P<gap>[ \u00a0-]?)(?P<word>[%٪％€]|°\s?[cf]?(?![^\W_])|['’]s\b|[^\W\d_]+)", re.IGNORECASE
)
_SIGN = re.compile(
    # Stanford's tokeniser writes `# 64` for £64.
    r"(?P<sign>(?a:us|au|nz|hk|ca|[acsr])?\$|[£€¥￥₹₽₩₪₺₦₱]|#(?= )"
    r"|(?<![^\W_])(?a:rs\.?|usd|gbp|eur|inr|cny|rmb|php|chf))\s?$"
    r"|(?<![^\W_])(?P<letters>(?a:[prn]|rm|tk|rp))$",
    re.IGNORECASE,
)
# With what a sign of a currency may end; most words before a number do not.
_ENDS_SIGN = frozenset("$£€¥￥₹₽₩₪₺₦₱#.sdpryfnbmkSDPRYFNBMK")
_MONTH = rf"(?<![^\W_])(?:{_any_of(number_words.MONTHS)})"
_MONTH_BEFORE = re.compile(rf"{_MONTH}\.? $", re.IGNORECASE)
_MONTH_AFTER = re.compile(rf"(?: of)? {_MONTH}(?![^\W_])", re.IGNORECASE)
_HEDGE = re.compile(
    rf"(?<![^\W_])(?P<words>{_any_of(number_words.HEDGES)})(?: an?| the)?\s*$|~$", re.IGNORECASE
)
# How the words before a number end where they make it inexact.
_ENDS_HEDGE = (*sorted(number_words.HEDGES), " a", " an", " the", "~")
_LETTERS_BEFORE = re.compile(r"([^\W\d_]+)[-–]$")
_NEAR_NUMBERS = frozenset(["mid", "under", "over", "pre", "post", "early", "late", "aged", "sub"])
_NEAR_NUMBERS |= number_words.ONES.keys() | number_words.TENS.keys()
_RANGE = re.compile(
    r"\s?(?P<dash>[-–—])\s?| (?:to|or|and) |(?P<comma>,) (?:and |or )?", re.IGNORECASE
)
_SHARED = ("percent", "money", "time", "day")
_DAY, _HOUR, _HOURS = Decimal(31), Decimal(3600), 12


# `Half past four`, `a quarter to six`; not `ten to twelve`, which may be a range.
_SPOKEN_MINUTES = {"five": 5, "ten": 10, "quarter": 15, "twenty": 20, "twenty-five": 25, "half": 30}
_SPOKEN_CLOCK = re.compile(
    rf"\b(?:a )?(?:(?P<past>{'|'.join(_SPOKEN_MINUTES)}) past|quarter to) "
    r"(?P<hour>\d{1,2}|[a-z]+)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class NumberDraft:
    """A number that is being read; offsets are those of its sentence."""

    start: int
    end: int
    value: Decimal
    kind: str = ""
    unit: str = ""
    hedge: str = ""
    sure: bool = True
    in_digits: bool = False
    in_name: bool = False  # letters touch the digits: N95 perhaps, or P460-million
    scale: int = 0


def has_number_word(words: str) -> bool:
    """Tell whether a digit or a word for a number is among some words; most sentences have none."""
    return _DIGIT.search(words) is not None or not number_words.NUMBER_WORDS.isdisjoint(
        _RUN.findall(words.lower())
    )


@OfWords
def may_be_number(written: str) -> bool:
    """Tell whether a word of a text may be, or be part of, a number; kept for each word."""
    if written.isascii() and written.isalpha():  # as most
        return written.lower() in number_words.NUMBER_WORDS
    return has_number_word(written)


def read_numbers(
    sentence: str, words: Iterable[tuple[int, int]] | None = None
) -> list[NumberDraft]:
    """Return the numbers of a sentence in order. words: where those stand that may be of one."""
    drafts: list[NumberDraft] = []
    atoms = _atoms(sentence, _may_be_numbers(sentence) if words is None else words)
    position = 0
    for index, atom in enumerate(atoms):
        if atom.start() < position or _is_time_unit(sentence, atom, drafts):
            continue
        is_in_words = atom["halved"] or atom["word"] or atom["lead"] or atom["part"]
        draft = _in_words(sentence, atoms, index) if is_in_words else _in_digits(sentence, atom)
        if draft is None:
            continue
        is_number = _read_after(sentence, draft)
        position = draft.end
        if is_number:
            is_bound = bool(draft.unit) and sentence.startswith(("-", "‑"), draft.end)
            draft.sure = draft.sure or is_bound
            _read_before(sentence, draft)
            drafts.append(draft)
    if " past " in sentence or "quarter to " in sentence:
        drafts = _with_spoken_times(sentence, drafts)
    _share_units(sentence, drafts)
    if drafts and drafts[0].in_digits and (mark := _LIST_MARK.match(sentence)):
        drafts[0].sure = drafts[0].start > mark.end()
    return drafts


def _may_be_numbers(sentence: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _RUN.finditer(sentence) if may_be_number[match[0]])


def _atoms(sentence: str, words: Iterable[tuple[int, int]]) -> list[Match[str]]:
    """Return where numbers begin, which is looked for around some words alone."""
    atoms: list[Match[str]] = []
    position = 0
    for start, end in words:
        while position < end:
            atom = _ATOM.search(sentence, max(position, start - _LONGEST_LEAD))
            if atom is None:
                return atoms
            atoms.append(atom)
            position = atom.end()
    return atoms


def _is_time_unit(sentence: str, atom: Match[str], drafts: list[NumberDraft]) -> bool:
    """Tell whether `second` is a unit: `a 30-second clip`, `ten metres per second`."""
    if atom[0].lower() != "second":
        return False
    if drafts and drafts[-1].unit == "second" and drafts[-1].end == atom.start() - 1:
        return True
    return sentence[max(0, atom.start() - 6) : atom.start()].lower().endswith(("per ", "split "))


def _in_words(sentence: str, atoms: list[Match[str]], index: int) -> NumberDraft | None:
    if atoms[index]["halved"]:
        return NumberDraft(*atoms[index].span(), number_words.HALF)
    phrase = number_words.read_phrase(sentence, atoms, index)
    if phrase is None:
        return None
    draft = NumberDraft(atoms[index].start(), phrase.end, phrase.value, phrase.kind)
    # A bare `one` is a pronoun more often than not; a one-year deal is none.
    draft.sure = sentence[draft.start : draft.end].lower() != "one"
    return draft


def _in_digits(sentence: str, atom: Match[str]) -> NumberDraft | None:
    written = atom[0]
    if len(written) > MOST_DIGITS:
        return None
    draft = NumberDraft(atom.start(), atom.end(), Decimal(0), in_digits=True)
    if atom["vulgar"] or atom["ratio"]:
        draft.value, draft.kind = _fraction(written), "fraction"
        return draft if draft.value < 1 else None
    if atom["plain"] and _read_clock(sentence, draft):
        return draft
    draft.value = Decimal(_plain_digits(atom))
    if part := _VULGAR_AFTER.match(sentence, draft.end):
        draft.end = part.end()
        draft.value = number_words.EXACT.add(draft.value, _fraction(part[1]))
    return draft


def _plain_digits(atom: Match[str]) -> str:
    written = atom[0]
    if atom["pointed"]:
        return written.replace(".", "").replace(",", ".")
    if atom["arabic"]:
        return written.replace("٬", "").replace("٫", ".")
    return "".join(written.replace(",", "").split())


def _fraction(written: str) -> Decimal:
    numerator, denominator = unicodedata.normalize("NFKD", written).replace("⁄", "/").split("/")
    return number_words.EXACT.divide(Decimal(numerator), Decimal(denominator))


def _read_clock(sentence: str, draft: NumberDraft) -> bool:
    """Make the draft a time of day if it is one: `10:30`, `7pm`, `10.30am`, `7 : 00 p. m.`"""
    found = _CLOCK.match(sentence, draft.start)
    if not found or not (found["minute"] or found["half"]):
        return False
    hour, half = int(found["hour"]), (found["half"] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    minute, second = int(found["minute"] or found["point"] or 0), int(found["second"] or 0)
    draft.value = Decimal(hour * 3600 + minute * 60 + second)
    draft.kind = "time" if half or not 1 <= hour <= 12 else "time:12"
    draft.end = found.end()
    return True


def _with_spoken_times(sentence: str, drafts: list[NumberDraft]) -> list[NumberDraft]:
    """Return the numbers of a sentence, those of `ten past four` as one time of day."""
    by_start = {draft.start: draft for draft in drafts}
    times: list[NumberDraft] = []
    for found in _SPOKEN_CLOCK.finditer(sentence):
        hour = by_start.get(found.start("hour"))
        if hour is None or hour.kind or hour.unit or not 1 <= hour.value <= _HOURS:
            continue
        minutes = _SPOKEN_MINUTES[found["past"].lower()] if found["past"] else -15
        value = number_words.EXACT.multiply(hour.value * 60 + minutes, Decimal(60))
        times.append(NumberDraft(found.start(), hour.end, value, "time:12"))
        for start in range(found.start(), hour.end):
            by_start.pop(start, None)
    return sorted([*by_start.values(), *times], key=lambda draft: draft.start)


def _read_after(sentence: str, draft: NumberDraft) -> bool:
    """Take in what stands around a number: currency, magnitude, percent, unit, month.

    False if letters touch the digits that are none of these: `3D`, `N95` are no numbers.
    """
    if draft.kind.startswith("time") or draft.kind == "vague":
        return True
    _read_sign(sentence, draft)
    for _ in range(3):  # 5 | million | dollars
        found = _AFTER.match(sentence, draft.end)
        if found is None or not _take(sentence, draft, found):
            break
    if draft.in_digits and sentence[draft.end : draft.end + 1].isalpha():
        draft.end += 1
        return False
    if draft.in_name and not draft.scale:
        return False
    _read_day_or_year(sentence, draft)
    return True


def _read_sign(sentence: str, draft: NumberDraft) -> None:
    if not draft.in_digits:
        return
    before = sentence[max(0, draft.start - 5) : draft.start]
    if before.rstrip()[-1:] not in _ENDS_SIGN:
        return
    if not (found := _SIGN.search(before)):
        return
    draft.start -= len(found[0])
    if found["sign"]:
        draft.kind = f"money:{number_words.CURRENCY_SIGNS[found['sign'].lower()]}"
    else:
        draft.kind = f"money:{number_words.CURRENCY_LETTERS[found['letters'].lower()]}"
        draft.in_name = "," not in sentence[draft.start : draft.end]


def _take(sentence: str, draft: NumberDraft, found: Match[str]) -> bool:
    """Take one word after a number into account; True if another may follow."""
    word, gap = found["word"].lower(), found["gap"]
    touches = draft.in_digits and not gap
    if touches and (_take_ending(draft, word) or _is_times(sentence, word, found.end())):
        draft.end = found.end()
        return False
    if _take_scale(draft, word, gap, touches):
        draft.end = found.end()
        return True
    if draft.kind in ("", "fraction") and (
        word in number_words.PERCENT or _says_per_cent(sentence, found)
    ):
        draft.kind, draft.end = "percent", found.end() + (5 if word == "per" else 0)
        return False
    if not draft.kind and word in ("wt", "vol") and sentence.startswith("%", found.end()):
        draft.kind, draft.end = "percent", found.end() + 1  # by weight, by volume
        return False
    if word in ("us", "american", "australian", "canadian") and gap == " ":
        dollars = _AFTER.match(sentence, found.end())
        word, found = (dollars["word"].lower(), dollars) if dollars else (word, found)
    money = draft.kind.startswith("money")
    if word in number_words.CURRENCY_WORDS and (money or not draft.kind):
        draft.kind = draft.kind or f"money:{number_words.CURRENCY_WORDS[word]}"
        draft.unit, draft.end = "", found.end()
        return False
    if word in number_words.YEARS and not draft.kind and gap:
        draft.value = number_words.EXACT.multiply(draft.value, Decimal(number_words.YEARS[word]))
        draft.unit, draft.end = "year", found.end()
        return False
    if (
        word in number_words.UNITS
        and not draft.kind
        and (touches or word not in number_words.ATTACHED_UNITS)
    ):
        draft.unit = number_words.UNITS[word]
        draft.end = found.end() if touches else draft.end
    return False


def _take_ending(draft: NumberDraft, word: str) -> bool:
    """Read the ending of `5th`, `1990s`, `1990's`."""
    if word in ("st", "nd", "rd", "th"):
        draft.kind = "ordinal"
        return True
    tens = draft.value < 2100 and draft.value % 10 == 0
    if word == "s" or (word in ("'s", "’s") and draft.value >= 1000):
        draft.kind = "decade" if tens else draft.kind
        return tens
    return False


def _is_times(sentence: str, word: str, end: int) -> bool:
    """Tell whether a letter says how many times: `1.4x faster`, but not `4x4`."""
    return word in ("x", "×") and not sentence[end : end + 1].isalnum()


def _take_scale(draft: NumberDraft, word: str, gap: str, touches: bool) -> bool:
    """Read the magnitude of `5 million`, `£5m`, `£ 5 m`; `5m` alone may also be metres."""
    money = draft.kind.startswith("money")
    if draft.scale or (draft.kind and not money) or not draft.in_digits:
        return False
    if word in number_words.SCALES:
        draft.scale = number_words.SCALES[word]
    elif word in number_words.SCALE_LETTERS and (touches or (money and gap == " ")):
        draft.scale = number_words.SCALE_LETTERS[word]
        draft.unit = "million|metre" if word == "m" and not money else ""
    else:
        return False
    draft.value = draft.value.scaleb(draft.scale, number_words.EXACT)
    return True


def _says_per_cent(sentence: str, found: Match[str]) -> bool:
    after = sentence[found.end() : found.end() + 5]
    return found["word"].lower() == "per" and after.lower() == " cent"


def _read_day_or_year(sentence: str, draft: NumberDraft) -> None:
    if draft.kind not in ("", "ordinal") or draft.unit or draft.scale:
        return
    written = sentence[draft.start : draft.end]
    if draft.in_digits and len(written) == 4 and written.isdigit():
        draft.kind = "year" if 1000 <= draft.value <= 2100 else draft.kind
    elif 1 <= draft.value <= _DAY and (
        _MONTH_AFTER.match(sentence, draft.end)
        or _MONTH_BEFORE.search(sentence[max(0, draft.start - 11) : draft.start])
    ):
        draft.kind = "day"


def _read_before(sentence: str, draft: NumberDraft) -> None:
    """Look for words that make a number inexact, and for letters that make it part of a name."""
    before = sentence[max(0, draft.start - 16) : draft.start]
    is_hedged = before.rstrip().lower().endswith(_ENDS_HEDGE)
    if found := _HEDGE.search(before) if is_hedged else None:
        draft.hedge = number_words.HEDGES[found["words"].lower()] if found["words"] else "about"
    elif sentence.startswith(("+", " or so"), draft.end):
        draft.hedge = "over" if sentence[draft.end] == "+" else "about"
    is_named = draft.in_digits and before.rstrip()[-1:] in ("-", "–")
    named = _LETTERS_BEFORE.search(before) if is_named else None
    if named and named[1].lower() not in _NEAR_NUMBERS:
        draft.sure = False


def _share_units(sentence: str, drafts: list[NumberDraft]) -> None:
    """Let both ends of a range have its unit: `5-10%`, `£5-10m`, `two or three years`."""
    for low, high in reversed(list(itertools.pairwise(drafts))):
        link = _RANGE.fullmatch(sentence, low.end, max(low.end, high.start))
        if link is None or (link["comma"] and high.kind.startswith("money")):
            continue
        if link["comma"] and high.kind.startswith("time") and high.value % _HOUR:
            continue  # Friday 12, 6:50
        _share_scale(low, high)
        if not low.kind and not low.unit:
            low.kind = high.kind if high.kind.startswith(_SHARED) else ""
            low.unit = high.unit
            if low.kind.startswith("time"):
                low.value, low.kind = number_words.EXACT.multiply(low.value, _HOUR), "time:12"
        elif link["dash"] and low.kind.startswith("money") and not high.kind:
            high.kind, high.unit = low.kind, ""


def _share_scale(low: NumberDraft, high: NumberDraft) -> None:
    compatible = low.kind in ("", high.kind) or not high.kind
    if low.scale or low.unit or not high.scale or not compatible:
        return
    if low.value < high.value.scaleb(-high.scale, number_words.EXACT):
        low.value, low.scale = low.value.scaleb(high.scale, number_words.EXACT), high.scale
