"""Words, letters and signs that make up numbers in English news, by hand; all in lower case."""

from decimal import Decimal


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
    "thirteenth"
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
        "CHF": "chf",
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
