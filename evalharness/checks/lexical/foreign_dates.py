"""Months that an article in another language than English does not name, where it names others.

`Le 1er juillet`, where the pool closes on `1er juin`; `w marcu 2020`, where it was `marcu 2021`.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from evalharness.checks.lexical.passages import Passages
from evalharness.records import Flag, Span

# The twelve months of each language; words of one month have a bar between them.
_MONTHS = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre|setiembre octubre "
    "noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre "
    "dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro "
    "dezembro",
    "de": "januar|jänner februar märz april mai juni juli august september oktober november "
    "dezember",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "pl": "stycznia|styczeń|styczniu lutego|luty|lutym marca|marzec|marcu "
    "kwietnia|kwiecień|kwietniu maja|maj|maju czerwca|czerwiec|czerwcu "
    "lipca|lipiec|lipcu sierpnia|sierpień|sierpniu "
    "września|wrzesień|wrześniu października|październik|październiku "
    "listopada|listopad|listopadzie grudnia|grudzień|grudniu",
    "ru": "января|январь|январе февраля|февраль|феврале марта|март|марте апреля|апрель|апреле "
    "мая|май|мае июня|июнь|июне июля|июль|июле августа|август|августе сентября|сентябрь|сентябре "
    "октября|октябрь|октябре ноября|ноябрь|ноябре декабря|декабрь|декабре",
}
# 12.05.2024 names a month, too.
_IN_DIGITS = re.compile(r"\b\d{1,2}[./-]\d{1,2}[./-](?:\d\d)?\d\d\b|\b\d{4}-\d\d-\d\d\b")


class _Month(NamedTuple):
    """A month in a text, with the day before it and the year behind it, empty where none is."""

    span: Span
    number: int
    day: str
    year: str


@lru_cache(maxsize=len(_MONTHS))
def _reader(language: str) -> tuple[re.Pattern[str], dict[str, int]]:
    months = _MONTHS[language].split()
    number_of = {
        word: number for number, words in enumerate(months, 1) for word in words.split("|")
    }
    pattern = (
        r"(?:\b(?P<day>\d{1,2})(?:er|\.|[ºª°])? (?:de )?)?"
        rf"\b(?P<month>{'|'.join(months)})\b(?: (?:del? )?(?P<year>\d{{4}})\b)?"
    )
    return re.compile(pattern, re.IGNORECASE), number_of


def _months_in(whole: str, language: str) -> Iterator[_Month]:
    pattern, number_of = _reader(language)
    for found in pattern.finditer(whole):
        number = number_of[found["month"].lower()]
        yield _Month(Span(*found.span()), number, found["day"] or "", found["year"] or "")


def foreign_months(article: Passages, own: Passages) -> Iterator[Flag]:
    """Yield the dates of a summary whose month, or its year, the article has otherwise.

    Only beside a day or a year is a word surely a month (`mars`), and only an article that names
    months in words tells that one is wrong.
    """
    if article.language not in _MONTHS or _IN_DIGITS.search(article.text):
        return
    claims = [each for each in _months_in(own.text, article.language) if each.day or each.year]
    stated = [*_months_in(article.text, article.language)] if claims else []
    for claimed in claims:
        same = [each for each in stated if each.number == claimed.number]
        is_same_year = any(each.year in ("", claimed.year) for each in same)
        if stated and not (same and (is_same_year or not claimed.year)):
            yield _flag(article, own, claimed, same[0] if same else _with_day(claimed, stated))


def _with_day(claimed: _Month, stated: list[_Month]) -> _Month:
    """Return the month that the article has with the same day, or else its first."""
    return next((each for each in stated if claimed.day and claimed.day == each.day), stated[0])


def _flag(article: Passages, own: Passages, claimed: _Month, instead: _Month) -> Flag:
    number = article.sentence_at(instead.span.start) + 1
    said = f"the article says '{instead.span.of(article.text)}', in sentence {number}"
    return Flag(claimed.span, "date", said, (instead.span,))
