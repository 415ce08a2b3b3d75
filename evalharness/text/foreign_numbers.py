"""Numbers of other languages, put into English word for word, so that one reader reads them all.

`mehr als 1,2 Millionen` is read as `more than 1.2 million`. Only what a number needs is put into
English: digits as English points them, words for numbers, millions, per cent, months behind a day,
and what makes a number inexact. The other words stay, and each keeps its place in the text.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import NamedTuple

from evalharness.text.number_reader import NumberDraft, read_numbers

# 18.000 and 18 000 with tenths, 6,85 without thousands.
_DIGITS = re.compile(
    r"(?<![\d.,])(?:\d{1,3}(?:(?:\.\d{3})+|(?:[ \u00a0\u2009\u202f]\d{3})+)(?:,\d+)?|\d+,\d+)"
    r"(?![.,]?\d)"
)
# 200mila, 200 mil
_THOUSANDS = re.compile(r"(?<=\d)(?: ?mila| mil)(?![^\W_])(?! millones| milhões)")
# `Die 1970er`, `les années 70` are no number of anything.
_DECADE = re.compile(
    r"(?<!\d)(?:\d0|\d{3}0)er(?:n|-?Jahren?)?\b|\b(?:années|años|anni|anos|jaren) (?:\d{4}|\d0)\b"
)
_CLOCK = re.compile(r"(?<![\d.,:])([01]?\d|2[0-4])(?:[.:]([0-5]\d))? Uhr\b")
_FRENCH_CLOCK = re.compile(r"(?<![\d.,:])([01]?\d|2[0-4]) ?h ?([0-5]\d)\b")


class Vocabulary(NamedTuple):
    """What a language writes its numbers with.

    values: words for numbers, or parts of them (`zwei`, `hundert`), with their values; a hundred
    and a thousand multiply what stands before. linked: what stands between two of them, as a
    pattern. not_alone: words that mean something else where they stand alone. phrases: words for
    words in English, those of several words too.
    """

    values: Mapping[str, int]
    linked: str
    not_alone: frozenset[str]
    phrases: Mapping[str, str]
    months: str


_ENGLISH_MONTHS = (
    "January February March April May June July August September October November December"
)


def _values(words: str, start: int = 1, step: int = 1) -> dict[str, int]:
    """Return values of words in order: `2|two` has several of one value."""
    return {
        word: value
        for value, some in zip(itertools.count(start, step), words.split(), strict=False)
        for word in some.split("|")
    }


def _phrases(**words: str) -> dict[str, str]:
    """Return English words by those of a language, which are parted by bars."""
    return {
        word: english.replace("_", " ")
        for english, some in words.items()
        for word in some.split("|")
    }


_GERMAN = Vocabulary(
    _values("ein|eins|eine zwei|zwo drei vier fünf sechs sieben acht neun zehn elf zwölf")
    | {"sech": 6, "sieb": 7, "siebzig": 70, "siebzehn": 17, "sechzehn": 16, "sechzig": 60}
    | _values("zwanzig dreißig|dreissig vierzig fünfzig", 20, 10)
    | {"achtzig": 80, "neunzig": 90, "hundert": 100, "tausend": 1000},
    "(?:und)?",
    frozenset(),
    _phrases(
        more_than="mehr als|gut|mehr wie",
        over="über",
        less_than="weniger als",
        under="unter",
        about="rund|etwa|ca.|ca|circa|zirka|ungefähr|annähernd|schätzungsweise|an die|um die",
        nearly="knapp|fast|beinahe|nahezu",
        at_least="mindestens|wenigstens|zumindest",
        up_to="höchstens|maximal|bis zu",
        million="Million|Millionen|Mio.|Mio",
        billion="Milliarde|Milliarden|Mrd.|Mrd",
        trillion="Billion|Billionen",
        percent="Prozent",
        francs="Franken",
        hundreds="Hunderte|Hunderten|hunderte",
        thousands="Tausende|Tausenden|tausende",
        dozens="Dutzende|Dutzenden",
        dozen="Dutzend",
    )
    | {"anderthalb": "1.5", "eineinhalb": "1.5", "zweieinhalb": "2.5", "dreieinhalb": "3.5"}
    | {"eine Million": "1 million", "eine Milliarde": "1 billion", "einer Million": "1 million"}
    | {"einer Milliarde": "1 billion", "ein Dutzend": "a dozen"},
    "Januar|Jänner Februar|Feber März April Mai Juni Juli August September Oktober "
    "November Dezember",
)
_FRENCH = Vocabulary(
    _values("un|une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze")
    | _values("quinze seize", 15)
    | _values("vingt|vingts trente quarante cinquante soixante", 20, 10)
    | {"septante": 70, "nonante": 90, "cent": 100, "cents": 100, "mille": 1000},
    "(?:-et-| et |[ -])",
    frozenset(["neuf", "un", "une"]),
    _phrases(
        more_than="plus de|plus d'|plus d’",
        less_than="moins de|moins d'|moins d’",
        about="environ|autour de|quelque|quelques|à peu près|près de|aux alentours de",
        nearly="presque|pas loin de",
        at_least="au moins",
        up_to="au plus|jusqu'à|jusqu’à",
        million="million de|millions de|million d'|millions d'|million|millions",
        billion="milliard de|milliards de|milliard d'|milliards d'|milliard|milliards",
        percent="pour cent",
        hundreds="des centaines",
        thousands="des milliers",
        dozens="des dizaines",
    )
    | {"une douzaine": "about 12", "une dizaine": "about 10", "une vingtaine": "about 20"}
    | {"une trentaine": "about 30", "une quinzaine": "about 15", "une centaine": "about 100"}
    | {"une quarantaine": "about 40", "une cinquantaine": "about 50", "un million": "1 million"}
    | {"un milliard": "1 billion", "un millier": "about 1000"},
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
)
_SPANISH = Vocabulary(
    _values("un|uno|una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce")
    | _values("quince dieciséis diecisiete dieciocho diecinueve veinte veintiuno|veintiún", 15)
    | _values("veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete", 22)
    | _values("veintiocho veintinueve treinta", 28)
    | _values("treinta cuarenta cincuenta sesenta setenta ochenta noventa", 30, 10)
    | _values("cien|ciento doscientos|doscientas trescientos|trescientas", 100, 100)
    | _values("cuatrocientos|cuatrocientas quinientos|quinientas seiscientos|seiscientas", 400, 100)
    | _values("setecientos|setecientas ochocientos|ochocientas novecientos|novecientas", 700, 100)
    | {"mil": 1000},
    "(?: y | )",
    frozenset(["un", "uno", "una"]),
    _phrases(
        more_than="más de",
        less_than="menos de",
        about="unos|unas|cerca de|alrededor de|aproximadamente|en torno a|aproximadamente unos",
        nearly="casi",
        at_least="al menos|por lo menos|como mínimo",
        up_to="hasta|como máximo",
        billion="mil millones de|mil millones",
        million="millón de|millones de|millón|millones",
        percent="por ciento",
        hundreds="cientos|centenares",
        thousands="miles",
        dozens="decenas|docenas",
    )
    | {"un millón": "1 million", "una docena": "12", "una decena": "about 10"}
    | {"un centenar": "about 100", "una veintena": "about 20"},
    "enero febrero marzo abril mayo junio julio agosto septiembre|setiembre octubre "
    "noviembre diciembre",
)
_ITALIAN = Vocabulary(
    _values("un|uno|una due tre|tré quattro cinque sei sette otto nove dieci undici dodici tredici")
    | _values("quattordici quindici sedici diciassette diciotto diciannove", 14)
    | _values("venti|vent trenta|trent quaranta|quarant cinquanta|cinquant", 20, 10)
    | _values("sessanta|sessant settanta|settant ottanta|ottant novanta|novant", 60, 10)
    | {"cento": 100, "cent": 100, "mille": 1000, "mila": 1000},
    "",
    frozenset(["un", "uno", "una", "sei", "cent", "vent", "mila"]),
    _phrases(
        more_than="più di|oltre",
        less_than="meno di",
        about="circa|intorno a|attorno a|all'incirca",
        nearly="quasi",
        at_least="almeno",
        up_to="fino a|al massimo",
        million="milione di|milioni di|milione|milioni",
        billion="miliardo di|miliardi di|miliardo|miliardi",
        percent="per cento|percento",
        hundreds="centinaia",
        thousands="migliaia",
        dozens="decine|dozzine",
    )
    | {"un milione": "1 million", "un miliardo": "1 billion", "una dozzina": "12"}
    | {"una decina": "about 10", "un centinaio": "about 100", "una ventina": "about 20"},
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
)
_PORTUGUESE = Vocabulary(
    _values("um|uma dois|duas três quatro cinco seis sete oito nove dez onze doze treze")
    | _values("catorze|quatorze quinze dezesseis|dezasseis dezessete|dezassete dezoito", 14)
    | {"dezenove": 19, "dezanove": 19}
    | _values("vinte trinta quarenta cinquenta sessenta setenta oitenta noventa cem|cento", 20, 10)
    | _values("duzentos|duzentas trezentos|trezentas quatrocentos|quatrocentas", 200, 100)
    | {"quinhentos": 500, "quinhentas": 500, "mil": 1000},
    "(?: e | )",
    frozenset(["um", "uma"]),
    _phrases(
        more_than="mais de",
        less_than="menos de",
        about="cerca de|aproximadamente|em torno de|por volta de|uns|umas",
        nearly="quase",
        at_least="pelo menos|ao menos|no mínimo",
        up_to="até|no máximo",
        million="milhão de|milhões de|milhão|milhões",
        billion="bilhão de|bilhões de|bilhão|bilhões|mil milhões",
        percent="por cento",
        hundreds="centenas",
        thousands="milhares",
        dozens="dezenas|dúzias",
    )
    | {"um milhão": "1 million", "um bilhão": "1 billion", "uma dúzia": "12"},
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
)
_DUTCH = Vocabulary(
    _values("een|één twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien")
    | _values("vijftien zestien zeventien achttien negentien", 15)
    | _values("twintig dertig veertig vijftig zestig zeventig tachtig negentig honderd", 20, 10)
    | {"duizend": 1000},
    "(?:en|ën)?",
    frozenset(["een", "één"]),
    _phrases(
        more_than="meer dan|ruim",
        over="boven de|over de",
        less_than="minder dan",
        about="ongeveer|circa|zo'n|zo’n|rond de|rond|omstreeks|een kleine",
        nearly="bijna|haast",
        at_least="minstens|ten minste|minimaal",
        up_to="hooguit|hoogstens|maximaal|tot wel",
        million="miljoen",
        billion="miljard",
        percent="procent",
        hundreds="honderden",
        thousands="duizenden",
        dozens="tientallen|dozijnen",
    )
    | {"een miljoen": "1 million", "een miljard": "1 billion", "een dozijn": "12"}
    | {"anderhalf": "1.5"},
    "januari februari maart april mei juni juli augustus september oktober november december",
)
_SWEDISH = Vocabulary(
    _values("en|ett två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton")
    | _values("sexton sjutton arton nitton tjugo trettio", 16)
    | _values("trettio fyrtio femtio sextio sjuttio åttio nittio hundra", 30, 10)
    | {"tusen": 1000},
    "",
    frozenset(["en", "ett"]),
    _phrases(
        more_than="mer än|fler än|över|drygt",
        less_than="mindre än|färre än|under",
        about="omkring|ungefär|cirka|runt|kring|ca",
        nearly="nästan|knappt|närmare",
        at_least="minst|åtminstone",
        up_to="högst|upp till|som mest",
        million="miljon|miljoner",
        billion="miljard|miljarder",
        percent="procent",
        hundreds="hundratals",
        thousands="tusentals",
        dozens="tiotals|dussintals",
    )
    | {"en miljon": "1 million", "en miljard": "1 billion", "ett dussin": "12"},
    "januari februari mars april maj juni juli augusti september oktober november december",
)
_RUSSIAN = Vocabulary(
    _values("один|одна|одного два|две|двух|двум три|трех|трёх|трем четыре|четырех|четырёх")
    | _values("пять|пяти шесть|шести семь|семи восемь|восьми девять|девяти десять|десяти", 5)
    | _values("одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать", 11)
    | _values("семнадцать восемнадцать девятнадцать двадцать|двадцати тридцать", 17)
    | _values("тридцать|тридцати сорок|сорока пятьдесят|пятидесяти шестьдесят", 30, 10)
    | _values("семьдесят восемьдесят девяносто сто|ста", 70, 10)
    | _values(
        "двести|двухсот триста|трехсот|трёхсот четыреста|четырехсот пятьсот|пятисот", 200, 100
    )
    | _values("шестьсот семьсот восемьсот девятьсот", 600, 100)
    | {"тысяча": 1000, "тысячи": 1000, "тысяч": 1000, "тысячу": 1000},
    " ",
    frozenset(["один", "одна", "одного", "тысячи", "тысяч"]),
    _phrases(
        more_than="более чем|более чем в|более чем на|более|больше|свыше",
        less_than="менее чем|менее|меньше",
        about="около|примерно|порядка|приблизительно",
        nearly="почти",
        at_least="не менее|как минимум|по меньшей мере|минимум",
        up_to="не более|максимум",
        thousand="тысяч|тысячи|тысяча|тысячу|тыс.|тыс",
        million="миллион|миллиона|миллионов|миллионам|млн.|млн",
        billion="миллиард|миллиарда|миллиардов|млрд.|млрд",
        percent="процент|процента|процентов",
        euros="евро",
        roubles="рублей|рубля|рубль",
        dollars="долларов|доллара|доллар",
        hundreds="сотни",
        dozens="десятки|дюжины",
    ),
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
)
_OTHER = Vocabulary({}, "", frozenset(), {}, "")
# Languages that write a comma before the tenths, and a point or a blank before the thousands.
VOCABULARIES: Mapping[str, Vocabulary] = {
    "de": _GERMAN,
    "fr": _FRENCH,
    "es": _SPANISH,
    "it": _ITALIAN,
    "pt": _PORTUGUESE,
    "nl": _DUTCH,
    "sv": _SWEDISH,
    "ru": _RUSSIAN,
    **dict.fromkeys(("id", "pl", "tr", "el"), _OTHER),
}


def read_foreign_numbers(sentence: str, language: str) -> list[NumberDraft]:
    """Return the numbers of a sentence of a language that has a vocabulary, in order.

    >>> sentence = "Gut 1,2 Millionen kamen, mehr als zweihundertfünfzig blieben."
    >>> for draft in read_foreign_numbers(sentence, "de"):
    ...     print(sentence[draft.start : draft.end], int(draft.value), draft.hedge)
    1,2 Millionen 1200000 over
    zweihundertfünfzig 250 over
    """
    english, starts, ends = _in_english(sentence, language)
    drafts = read_numbers(english)
    for draft in drafts:
        draft.start, draft.end = starts[draft.start], ends[draft.end - 1]
    return drafts


class _Rewriting:
    """A text of which parts are replaced, and where in the first text each character stood."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [*range(len(text))]
        self.ends = [*range(1, len(text) + 1)]

    def replace(self, pattern: re.Pattern[str], by: Callable[[re.Match[str]], str]) -> None:
        """Put other words in the place of each match."""
        pieces, starts, ends, done = list[str](), list[int](), list[int](), 0
        for match in pattern.finditer(self.text):
            first, end = match.span()
            instead = by(match)
            pieces += (self.text[done:first], instead)
            starts += self.starts[done:first] + [self.starts[first]] * len(instead)
            ends += self.ends[done:first] + [self.ends[end - 1]] * len(instead)
            done = end
        self.text = "".join([*pieces, self.text[done:]])
        self.starts = starts + self.starts[done:]
        self.ends = ends + self.ends[done:]


def _in_english(sentence: str, language: str) -> tuple[str, list[int], list[int]]:
    """Return a sentence with its numbers in English, and where each character starts and ends."""
    told = _Rewriting(sentence)
    if language == "de":
        told.replace(_CLOCK, lambda match: f"{match[1]}:{match[2] or '00'}")
    if language == "fr":
        told.replace(_FRENCH_CLOCK, lambda match: f"{match[1]}:{match[2]}")
    told.replace(_DECADE, lambda _: "then")
    told.replace(_DIGITS, _digits_in_english)
    if language in ("it", "es", "pt"):
        told.replace(_THOUSANDS, lambda _: " thousand")
    patterns = _patterns(language)
    words = VOCABULARIES[language]
    if words.months:
        told.replace(patterns.months, lambda match: f" {_month_of(words, match[1])}")
    if words.phrases:
        told.replace(patterns.phrases, lambda match: _english_phrase(words, match[0]))
        told.replace(patterns.values, lambda match: _value_of(words, patterns, match))
    return told.text, told.starts, told.ends


def _english_phrase(words: Vocabulary, phrase: str) -> str:
    return words.phrases.get(phrase) or words.phrases[phrase[:1].lower() + phrase[1:]]


def _digits_in_english(match: re.Match[str]) -> str:
    whole, comma, tenths = match[0].partition(",")
    groups = re.split(r"\D", whole)
    return ",".join(groups) + ("." + tenths if comma else "")


class _Patterns(NamedTuple):
    months: re.Pattern[str]
    phrases: re.Pattern[str]
    values: re.Pattern[str]
    part: re.Pattern[str]


def _longest_first(words: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


@cache
def _patterns(language: str) -> _Patterns:
    words = VOCABULARIES[language]
    part = _longest_first(words.values)
    # a sentence may open with a capital: `Mehr als 200`
    phrases = {*words.phrases, *(phrase[:1].upper() + phrase[1:] for phrase in words.phrases)}
    months = _longest_first(words.months.replace("|", " ").split())
    return _Patterns(
        # `3. Juni`, `1er juin`, `3 de junio`
        re.compile(rf"(?<=\d)(?:\.|er|º|°)?[ \u00a0](?:de |di )?({months})\b"),
        # of several words that begin alike, the longest
        re.compile(rf"(?<![^\W_])(?:{_longest_first(phrases)})(?![^\W_])"),
        re.compile(rf"(?<![^\W_])(?:{part})(?:{words.linked}(?:{part}))*(?![^\W_])", re.IGNORECASE),
        re.compile(part, re.IGNORECASE),
    )


def _month_of(words: Vocabulary, name: str) -> str:
    at = next(at for at, some in enumerate(words.months.split()) if name in some.split("|"))
    return _ENGLISH_MONTHS.split()[at]


def _value_of(words: Vocabulary, patterns: _Patterns, match: re.Match[str]) -> str:
    """Return the digits of a number in words; the words where they may be none."""
    parts = [part[0].lower() for part in patterns.part.finditer(match[0])]
    is_name = match[0][0].isupper() and match.start() > 0  # `die Elf` is a team
    if is_name or (len(parts) == 1 and parts[0] in words.not_alone):
        return match[0]
    total = group = 0
    for before, part in itertools.pairwise(["", *parts]):
        value = words.values[part]
        if value == 1000:
            total, group = total + (group or 1) * 1000, 0
        elif value == 100:
            group = max(group, 1) * 100
        elif value == 20 and before == "quatre":
            group += 76
        else:
            group += value
    return str(total + group) if total + group > 1 else match[0]
