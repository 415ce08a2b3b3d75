"""Which language a text is in, told by its small words, and the words that carry its content.

Fourteen languages are known by the words that only hold sentences together; Chinese and Japanese by
their letters. Who asks for the content of a text in another language gets its words as they are.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import zip_longest
from typing import Final

from evalharness.text.words import FUNCTION_WORDS, UNSPACED, Token, fold

ENGLISH: Final = "en"
# Of the words of a text so many must be small words of a language; people's prose has twice that.
LEAST_SMALL_WORDS = 0.15
# So many more of one language than of the next, which may share words with it (de, la, a).
LEAST_LEAD = 1.25
SHORTEST_KNOWN = 6
# Words of languages that we have no stemmer for are alike where their beginnings are.
PREFIX = 7

# The commonest words that hold sentences together, by hand, from each language's grammar.
_SMALL_WORDS = {
    "de": (
        "der die das den dem des ein eine einen einem einer eines und oder aber nicht auch nur "
        "noch schon ist sind war waren wird werden wurde wurden hat haben hatte hatten sein seine "
        "seiner seinem seinen ihr ihre ihrer ihren sich er sie es wir ich man mit von zu zum zur "
        "im in an am auf aus bei nach vor für über unter durch gegen um bis als wie wenn dass "
        "weil so kann können soll sollen muss müssen will nun dann dort hier diese dieser dieses "
        "diesem diesen mehr sehr"
    ),
    "fr": (
        "le la les l un une des de du d et ou mais ne pas plus n est sont était ont a à au aux en "
        "dans sur sous par pour avec sans chez entre que qu qui dont où ce cet cette ces c il "
        "elle ils elles on nous vous je se s son sa ses leur leurs été être avoir avait fait "
        "comme si aussi très après avant depuis selon lors y tout tous toute toutes même bien "
        "deux"
    ),
    "es": (
        "el la los las un una unos unas de del al a y e o u pero no que en con por para sin sobre "
        "entre hasta desde se su sus lo le les es son era fue fueron ha han había ser está están "
        "como más muy ya también si cuando donde quien este esta estos estas ese esa esto eso "
        "tras según durante contra porque me te nos mi hay todo todos"
    ),
    "it": (
        "il lo la i gli le l un uno una di del dello della dei degli delle a al allo alla ai agli "
        "alle da dal dalla in nel nella nei nelle con su sul sulla per tra fra e ed o ma non che "
        "chi cui è sono era stato stata stati ha hanno aveva si se come più anche ancora già dopo "
        "prima suo sua suoi loro questo questa questi queste quello molto essere c d dell all "
        "nell"
    ),
    "pt": (
        "o a os as um uma uns umas de do da dos das em no na nos nas por pelo pela para com sem "
        "sobre entre até desde e ou mas não que se seu sua seus suas é são era foi foram há ser "
        "está estão como mais muito já também quando onde quem este esta isso ao aos à às após "
        "segundo durante contra porque ele ela eles nem"
    ),
    "nl": (
        "de het een en of maar niet ook nog al is zijn was waren wordt worden werd werden heeft "
        "hebben had hadden van in op aan met voor door bij naar uit over onder tegen tot om te "
        "als dan dat die dit deze er hij zij ze we ik je hun haar zich kan kunnen moet moeten zal "
        "zou wel meer omdat toen nu geen"
    ),
    "sv": (
        "och att det en ett den de som är var har hade i på av för med till från om inte men "
        "eller sig sin sina sitt han hon vi jag man så när kan ska skulle blir blev vid efter "
        "under över också bara mer än hans hennes deras detta denna dessa där här då nu mot ut "
        "upp har inom"
    ),
    "id": (
        "yang dan di ke dari untuk dengan pada adalah ini itu tidak akan telah sudah juga oleh "
        "dalam sebagai karena atau tetapi bahwa saat bisa dapat lebih mereka kami dia ia kita ada "
        "para seperti setelah hingga tersebut secara masih hanya sebuah menjadi antara agar namun"
    ),
    "tl": (
        "ang ng sa na mga at ay si ni kay sina nina para hindi ito iyon siya sila ako kami tayo "
        "niya nila namin natin kung dahil pero o may mayroon wala lang din rin pa ba po isang "
        "kanyang kanilang mula bilang upang noong nang naman"
    ),
    "ru": (
        "и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только "
        "ее мне было вот от меня еще нет о из ему теперь когда даже ну ли если уже или ни быть "
        "был была были до нас их чем для это этот эта эти того том при об после также который "
        "которая которые которого под над между через"
    ),
    "pl": (
        "i w we z ze na do od po o u za przez dla przy nie się że to jest są był była było były "
        "ma mają jak ale a lub oraz czy który która które których tego tym ten ta te jego jej ich "
        "co już także tylko przed pod nad między być został została może bardzo gdy jako"
    ),
    "tr": (
        "ve bir bu da de ile için olarak ne çok daha en gibi kadar olan oldu olduğu değil ama "
        "veya ya ki o şu her sonra önce göre karşı ise mi mı var yok tarafından üzerine içinde "
        "etti eden olduğunu dedi ancak hem"
    ),
    "el": (
        "ο η το οι τα του της των τον την τους τις και να με σε από για που δεν θα είναι ήταν στο "
        "στη στην στον στα στις στους ως αλλά ή αν ότι μια ένα ένας έχει έχουν αυτό αυτή αυτός "
        "κατά μετά πριν προς όπως πιο πολύ"
    ),
}

_HIRAGANA = re.compile("[\u3041-\u309f]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_UNSPACED_LETTER = re.compile(f"[{UNSPACED}]")
# Letters that only hold Chinese sentences together; a word of content seldom has one.
_SMALL_LETTERS = frozenset("的了是在和与與及着們们这這那他她它我你")


@cache
def small_words(language: str) -> frozenset[str]:
    """Return the folded words that only hold a language's sentences together; none of others."""
    if language == ENGLISH:
        return FUNCTION_WORDS
    return frozenset(map(fold, _SMALL_WORDS.get(language, "").split()))


@cache
def _languages_of_words() -> dict[str, tuple[str, ...]]:
    """Return for each small word the languages that have it."""
    found: dict[str, tuple[str, ...]] = {}
    for language in (ENGLISH, *_SMALL_WORDS):
        for word in small_words(language):
            found[word] = (*found.get(word, ()), language)
    return found


def language_of(words: Sequence[str]) -> str:
    """Return the language of some folded words, as ISO 639-1 has it; empty where it is not clear.

    >>> language_of("the mayor said that he would not close the bridge".split())
    'en'
    >>> language_of("le maire a dit que le pont ne serait pas fermé".split())
    'fr'
    >>> language_of(["mayor", "bridge"])
    ''
    """
    letters = [word for word in words if len(word) == 1 and _UNSPACED_LETTER.match(word)]
    if 2 * len(letters) > len(words):
        return _language_of_letters(letters)
    if len(words) < SHORTEST_KNOWN:
        return ""
    shared: Counter[str] = Counter()
    for word in words:
        shared.update(_languages_of_words().get(word, ()))
    [(best, most), (_, next_most)] = [*shared.most_common(2), ("", 0), ("", 0)][:2]
    clear = most >= LEAST_SMALL_WORDS * len(words) and most >= LEAST_LEAD * next_most
    return best if clear else ""


# Letters that of several languages one alone has.
_RUSSIAN, _NOT_RUSSIAN = re.compile("[ыэё]", re.IGNORECASE), re.compile("[іїєјђћўґ]", re.IGNORECASE)
_CYRILLIC, _GREEK = re.compile("[а-я]"), re.compile("[α-ω]")
LEAST_TELLING = 20


def language_of_alphabet(text: str) -> str:
    """Return the language that the alphabet of a text tells, which may have few small words.

    >>> language_of_alphabet("Мэр объявил во вторник о строительстве моста.")
    'ru'
    """
    if len(_CYRILLIC.findall(text)) >= LEAST_TELLING:
        return "ru" if _RUSSIAN.search(text) and not _NOT_RUSSIAN.search(text) else ""
    return "el" if len(_GREEK.findall(text)) >= LEAST_TELLING else ""


def _language_of_letters(letters: Iterable[str]) -> str:
    kana = han = other = 0
    for letter in letters:
        if _HIRAGANA.match(letter):
            kana += 1
        elif _HAN.match(letter):
            han += 1
        else:
            other += 1
    if kana * 10 > han + kana and kana + han > other:
        return "ja"
    return "zh" if han > other else ""


@lru_cache(1 << 15)
def _unit(word: str, stem: str, language: str) -> str:
    if word in small_words(language):
        return ""
    return stem if language == ENGLISH else word[:PREFIX]


def content_units(tokens: Sequence[Token], language: str) -> list[str]:
    """Return for each word of a text what it counts as, where contents are compared; "" if nothing.

    English words count by their stems, those of other languages by how they begin. Of scripts
    without spaces, where a letter is a word, a letter counts with the one after it. A language that
    is not known is read as English, whose small words are told by their form.
    """
    known = language or ENGLISH
    return [
        _pair_of_letters(token, following)
        if len(token.word) == 1 and _UNSPACED_LETTER.match(token.word)
        else _unit(token.word, token.stem, known)
        for token, following in zip_longest(tokens, tokens[1:])
    ]


def _pair_of_letters(token: Token, following: Token | None) -> str:
    if token.word in _SMALL_LETTERS:
        return ""
    joined = following is not None and following.start == token.end
    if following is None or not joined or not _UNSPACED_LETTER.match(following.word):
        return "" if _HIRAGANA.match(token.word) else token.word
    if following.word in _SMALL_LETTERS:
        return token.word
    both_small = _HIRAGANA.match(token.word) and _HIRAGANA.match(following.word)
    return "" if both_small else token.word + following.word
