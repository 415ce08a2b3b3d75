"""Numbers in words: `two hundred and five`, `twenty-first`, `two-thirds`, `half a million`.

First the words, letters and signs that make up numbers in English news, by hand and in lower case;
then how a number in words is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from re import Match


def _words_to_values(words: str, first: int = 0, step: int = 1) -> dict[str, Decimal]:
    return {word: Decimal(value * step) for value, word in enumerate(words.split(), first)}


def _meanings(table: dict[str, str]) -> dict[str, str]:
    """Turn `meaning: its spellings` into `spelling: meaning`; `_` stands for a space."""
    return {
        spelling.replace("_", " "): meaning
        for meaning, spellings in table.items()
        for spelling in spellings.split()
    }


ONES = _words_to_values(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
TENS = _words_to_values("twenty thirty forty fifty sixty seventy eighty ninety", 2, 10)
ORDINALS = _words_to_values(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
    "thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth",
    1,
) | _words_to_values(
    "twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth", 2, 10
)
DOZEN = Decimal(12)

# Powers of ten.
SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
SCALES |= {"lakh": 5, "crore": 7}
# Attached to digits (£5m, 3bn), or after an amount of money (£ 5 m).
SCALE_LETTERS = {"k": 3, "m": 6, "mn": 6, "mln": 6, "bn": 9, "b": 9, "tn": 12, "trn": 12}
# `hundreds of people`: the least power of ten that the word stands for.
VAGUE = {
    "tens": 1,
    "dozens": 1,
    "hundreds": 2,
    "thousands": 3,
    "millions": 6,
    "billions": 9,
    "trillions": 12,
}

DENOMINATORS = _words_to_values("half third quarter fifth sixth seventh eighth ninth tenth", 2)
DENOMINATORS |= {"halves": Decimal(2)}
DENOMINATORS |= {f"{word}s": value for word, value in DENOMINATORS.items() if value > 2}
NUMBER_WORDS = {*ONES, *TENS, *ORDINALS, *SCALES, *VAGUE, *DENOMINATORS, "dozen"}

PERCENT = frozenset(["%", "٪", "％", "percent", "pc", "pct", "percentage"])

# ISO 4217 codes. A bare `$` or `dollars` is written USD and may be any of DOLLARS.
CURRENCY_SIGNS = _meanings(
    {
        "USD": "$ us$ usd",
        "AUD": "a$ au$ aud",
        "CAD": "c$ ca$ cad",
        "NZD": "nz$ nzd",
        "HKD": "hk$ hkd",
        "SGD": "s$ sgd",
        "BRL": "r$",
        "GBP": "£ # gbp",
        "EUR": "€ eur",
        "JPY": "¥ ￥ jpy",
        "CNY": "cny rmb",
        "INR": "₹ rs rs. inr",
        "RUB": "₽",
        "KRW": "₩",
        "ILS": "₪",
        "TRY": "₺",
        "NGN": "₦",
        "PHP": "₱ php",
        "CHF": "chf sfr",
    }
)
# Letters that stand for a currency where they touch the digits: P460-million, RM5m.
CURRENCY_LETTERS = _meanings(
    {"PHP": "p", "ZAR": "r", "NGN": "n", "MYR": "rm", "BDT": "tk", "IDR": "rp"}
)
CURRENCY_WORDS = _meanings(
    {
        "USD": "dollar dollars bucks usd",
        "GBP": "pound pounds sterling quid gbp",
        "EUR": "euro euros eur €",
        "JPY": "yen",
        "CNY": "yuan renminbi",
        "INR": "rupee rupees",
        "RUB": "rouble roubles ruble rubles",
        "CHF": "francs",
        "SEK": "kronor",
        "NOK": "kroner",
        "TRY": "lira",
        "MXN": "pesos",
        "ZAR": "rand",
        "MYR": "ringgit",
        "BDT": "taka",
        "IDR": "rupiah",
        "NGN": "naira",
        "ILS": "shekels",
    }
)
DOLLARS = frozenset(["money:USD", "money:AUD", "money:CAD", "money:NZD", "money:HKD", "money:SGD"])

UNITS = _meanings(
    {
        "second": "second seconds sec secs",
        "minute": "minute minutes min mins",
        "hour": "hour hours hr hrs",
        "day": "day days",
        "week": "week weeks",
        "month": "month months",
        "year": "year years yr yrs yo",
        "km": "km kms kilometre kilometres kilometer kilometers",
        "metre": "metre metres meter meters",
        "cm": "cm centimetre centimetres centimeter centimeters",
        "mm": "mm millimetre millimetres millimeter millimeters",
        "mile": "mile miles mi",
        "yard": "yard yards yd yds",
        "foot": "ft foot feet",
        "inch": "inch inches",
        "acre": "acre acres",
        "hectare": "hectare hectares ha",
        "mph": "mph",
        "kph": "kph kmh kmph",
        "kg": "kg kgs kilo kilos kilogram kilograms kilogramme kilogrammes",
        "gram": "g gram grams gramme grammes",
        "mg": "mg milligram milligrams",
        "lb": "lb lbs",
        "stone": "stone",
        "tonne": "ton tons tonne tonnes",
        "litre": "litre litres liter liters",
        "gallon": "gallon gallons",
        "degree": "° °c °f degree degrees c f",
        "kW": "kw kilowatt kilowatts",
        "MW": "mw megawatt megawatts",
        "GW": "gw gigawatt gigawatts",
        "MB": "mb",
        "GB": "gb",
        "TB": "tb",
    }
)
# `Two decades` are 20 years.
YEARS = {"decade": 10, "decades": 10, "century": 100, "centuries": 100}
# These are units only where they touch the digits.
ATTACHED_UNITS = frozenset(["g", "c", "f", "yo", "ha", "mi", "sec", "min"])

MONTHS = frozenset(
    [
        *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
        *("october", "november", "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug"),
        *("sep", "sept", "oct", "nov", "dec"),
    ]
)

# What says that a number is not exact, and on which side of it the truth lies.
HEDGES = _meanings(
    {
        "about": "about around approximately approx roughly some circa estimated close_to ~",
        "under": "nearly almost under below less_than fewer_than up_to as_many_as as_much_as",
        "over": "more_than over above at_least upwards_of",
    }
)

# Our own, so that no setting of the caller's can change a value, and nothing raises.
EXACT = Context(prec=50, traps=[])
HALF = Decimal("0.5")


@dataclass(slots=True)
class Phrase:
    """A number in words, taken word by word for as long as they make one number.

    kind: empty, `ordinal`, `fraction` or `vague`; a phrase that has one is complete.
    """

    end: int = 0
    total: Decimal = Decimal(0)
    group: Decimal | None = None  # what the next scale multiplies
    last: str = ""
    kind: str = ""

    @property
    def value(self) -> Decimal:
        """Return what the words taken so far come to."""
        return EXACT.add(self.total, self.group) if self.group else self.total

    def take(self, word: str, link: str = "") -> bool:
        """Take one more word, if it goes on with the number; `link` is what stands before it."""
        if link == " - " and self.last == "tens":  # `twenty - five` of split texts
            link = "-"
        link = " and a " if link == "-and-a-" else link  # a three-and-a-half-year deal
        if self.kind or link not in ("", " ", "-", " and ", " and a "):
            return False
        if link == " and a ":
            return word == "half" and self.last == "ones" and self._add(HALF, "half")
        if link == " and " and self.last not in ("hundred", "scale"):
            return False
        if word in ONES:
            return self._fits(ONES[word]) and self._add(ONES[word], "ones")
        if word in TENS:
            return self._fits(TENS[word]) and self._add(TENS[word], "tens")
        if word in SCALES:
            return self._scale(SCALES[word])
        if word == "dozen":
            return self.last in ("", "ones") and self._dozens()
        return self._finish(word)

    def _fits(self, value: Decimal) -> bool:
        opens = self.last in ("", "hundred", "scale")
        return opens or (self.last == "tens" and 0 < value < 10)

    def _add(self, value: Decimal, last: str) -> bool:
        self.group, self.last = EXACT.add(self.group or Decimal(0), value), last
        return True

    def _scale(self, exponent: int) -> bool:
        if not self.group or (exponent == 2 and not 0 < self.group < 100):
            return False
        scaled = self.group.scaleb(exponent, EXACT)
        if exponent == 2:
            self.group, self.last = scaled, "hundred"
        else:
            # Adding to nothing would spell out the zeros of 2.5E+6, its written precision.
            self.total = EXACT.add(self.total, scaled) if self.total else scaled
            self.group, self.last = None, "scale"
        return True

    def _dozens(self) -> bool:
        self.total, self.group, self.last = EXACT.multiply(self.group or 1, DOZEN), None, "dozen"
        return True

    def _finish(self, word: str) -> bool:
        """Take the word that makes an ordinal or a fraction of the number."""
        if self.last == "ones" and word in DENOMINATORS and self.group:
            self.kind, self.group = "fraction", EXACT.divide(self.group, DENOMINATORS[word])
            return True
        if word in ORDINALS and self._fits(ORDINALS[word]):
            self.kind = "ordinal"
            return self._add(ORDINALS[word], "ordinal")
        return False


def read_phrase(sentence: str, atoms: Sequence[Match[str]], first: int) -> Phrase | None:
    """Return the number in words that begins with the given atom; None if it is none.

    An atom is a number word, in the group `word`, or what leads to a scale, in the group `lead`
    (`half a` million, `several` hundred).
    """
    atom = atoms[first]
    phrase = Phrase(end=atom.end())
    if atom["part"]:
        return _part(sentence, atom, phrase)
    if not atom["lead"] and atom["word"].lower() in VAGUE:
        return _vague(sentence, atoms, first, phrase)
    if atom["lead"]:
        phrase.group = HALF if atom["lead"].lower().startswith("half") else Decimal(1)
        phrase.last, first = "ones", first + 1
    end = atoms[first].start()
    for following in atoms[first : first + 20]:
        link = sentence[end : following.start()][:8].lower()
        if not following["word"] or not phrase.take(following["word"].lower(), link):
            break
        end = phrase.end = following.end()
    if atom["lead"] and atom["lead"].lower().endswith(("few ", "few-", "several ", "several-")):
        phrase.kind = "vague"
    return phrase if phrase.last else None


def _part(sentence: str, atom: Match[str], phrase: Phrase) -> Phrase | None:
    """Read `half of`, `a third of`; the first half of a match is no number."""
    before = sentence[max(0, atom.start() - 8) : atom.start()].lower().split()
    if before and before[-1] in ("first", "second", "other", "latter", "final", "next", "last"):
        return None
    denominator = DENOMINATORS[atom["part"].lower().replace("-", " ").split()[-1]]
    phrase.group, phrase.kind = EXACT.divide(Decimal(1), denominator), "fraction"
    return phrase


def _vague(sentence: str, atoms: Sequence[Match[str]], first: int, phrase: Phrase) -> Phrase | None:
    """Read `hundreds`, `tens of thousands`; the value is the least that is meant."""
    word = atoms[first]["word"].lower()
    exponent = VAGUE[word]
    following = atoms[first + 1] if first + 1 < len(atoms) else None
    more = (following["word"] or "").lower() if following else ""
    if following and more in VAGUE and sentence[phrase.end : following.start()].lower() == " of ":
        exponent += VAGUE[more]
        phrase.end = following.end()
    elif word == "tens":
        return None
    phrase.group, phrase.last, phrase.kind = Decimal(10**exponent), "vague", "vague"
    return phrase
