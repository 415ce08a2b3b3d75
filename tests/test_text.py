"""Sentences, words, numbers and names of texts, with their offsets."""

import decimal
import gzip
import itertools
import json
import random
import re
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import clock
import pytest

from evalharness import text
from evalharness.records import Span
from evalharness.text.sentences import is_one_sentence
from evalharness.text.words import _ASCII_SPLIT, _SPLIT

SHARED = Path(__file__).parents[2] / "shared" / "data" / "consistency"

# One list a text: its sentences, which are joined with a space (or end with their own line break).
SENTENCES = {
    "two plain sentences": ["The mayor resigned.", "The council met."],
    "no final stop": ["The mayor resigned.", "The council met"],
    "question and exclamation": ["Who pays?", "We do!", "Nobody else will."],
    "titles": ["Mr. Nobody met Dr. Doe and Gen. Roe.", "St. Albans was calm."],
    "initials": ["J. K. Nobody met George W. Nobody and J.R.R. Noone.", "They spoke."],
    "initial before an opener": ["It was all down to Plan B.", "The mayor knew."],
    "country and state": ["The U.S. envoy flew to Washington, D.C. on Monday.", "He slept."],
    "country at the end": ["He flew to the U.S.", "The envoy stayed."],
    "company": ["Widget Inc. and Gadget Corp. merged.", "Shares of Widget Inc. Nobody fell."],
    "company at the end": ["She runs Widget Inc.", "The firm is small."],
    "name with a mark": ["Yahoo! Inc. paid.", "He reads Yahoo! News daily."],
    "time of day": ["They met at 5 p.m. on Monday and at 6 a.m. London time.", "It rained."],
    "time at the end": ["They met at 5 p.m.", "The rain stopped."],
    "numbered thing": ["He lives at No. 10 and reads p. 5 and Vol. 2.", "No. 11 is empty."],
    "the word no": ["He said no.", "The others said yes."],
    "month": ["It opens on Jan. 5 and shuts on Dec. 24.", "It reopens in Jan.", "Staff hope."],
    "versus and latin": [
        "Widget v. Gadget, i.e. Roe vs. Doe et al. was heard, e.g. here.",
        "It ends.",
    ],
    "decimals and money": ["It rose 3.5% to $1.2bn at 10.30.", "It fell 0.5 points."],
    "year at the end": ["It closed in 2019.", "14 people lost work."],
    "torn decimals": ["His level was 0. 114 and later 99. 94 points.", "The limit is low."],
    "ellipsis inside": ["He was... well, late…but smiling.", "Then...", "Nothing came."],
    "ellipsis at the end": ["He waited...", "Nobody came…", "She left."],
    "quotation": ["“Why now?” asked the mayor.", "“We are late.”", "“Go!” she said."],
    "straight quotes": ['"I am fine."', '"Go home," he said.', '"I will."'],
    "stop before a quote": ['He said: "I am fine."', '"So am I," she said.'],
    "brackets": ["He left (he was tired.)", "(She stayed.)", "They met [see p. 5]."],
    "dateline": ["TOKYO, Japan – The port reopened.", "Ships came."],
    "dateline with agency": ["LONDON, Jan. 5 (XY) -- Rain fell.", "It stopped."],
    "run on": ["The mayor resigned.", "The council met."],
    "web address": ["See www.example.com or example.Com for more.", "It is free."],
    "list numbers": ["1. Whisk the eggs.\n", "2. Add salt.\n", "10. Serve."],
    "bullets": ["• The mayor resigned\n", "• the council met\n", "- Rain fell\n", "* It stopped"],
    "blank line": ["Mayor resigns\n\n", "the council met\r\n\r\n", "Rain fell."],
    "heading": ["Mayor resigns over harbour\n", "The mayor resigned on Monday.\n", "Rain fell."],
    "line goes on": ["The mayor, who had been in office\nsince May, resigned.", "Rain fell."],
    "line ends with a small word": ["The mayor of\nSpringfield met Mr.\nNobody.", "Rain fell."],
    "dateline line": ["TOKYO, Japan –\nThe port reopened."],
    "final stop ends the line": ["The mayor resigned.\n", "he was tired."],
    "tokenised": ["The mayor resigned .", "He said `` I am fine . ''", "So am I ."],
    "tokenised quotes": ["the mayor left .", '" i am fine .', 'so am i . "', "he said no ."],
    "tokenised brackets": ["the fund ( imf ) paid .", "( it paid late . )", "mr . nobody left ."],
    "tokenised -rrb-": ["the fund -lrb- imf . -rrb-", "it paid late ."],
    "lower case": [
        "the mayor resigned.",
        "he was tired.",
        "who pays?",
        "the u.s. does at 5 p.m. daily.",
    ],
    "capitals only at sentence starts": ["He left the port.", '"we stay," said another.', "No."],
    "chinese": ["市长说：“好。”", "他走了！", "真的吗？"],
    "japanese": ["市長は「行く。」と言った。", "彼は去った。"],
    "hindi": ["महापौर ने कहा।", "बारिश हुई॥", "कौन?"],
    "arabic": ["من دفع؟", "دفع العمدة.", "ثم رحل."],
    "urdu": ["میئر چلے گئے۔", "بارش ہوئی۔"],
    "german days": [
        "Ab dem 12. Juni ist zu.",
        "Am 3. April ist auf.",
        "Sie kam 1964.",
        "Juni war.",
    ],
    "german ordinals": ["Im 19. Jahrhundert stieg der 1. FC auf.", "Es waren 12.", "Jeder kam."],
    "english after a small number": ["He is 45.", "April was wet.", "He paid 12.", "August won."],
    "late smiley": ["We won! 😀", "Great 🎉!"],
}
GLUED = {"run on", "chinese", "japanese"}


@pytest.mark.parametrize("name", SENTENCES)
def test_sentences_end_where_a_reader_would_end_them(name: str) -> None:
    parts = SENTENCES[name]
    between = "" if name in GLUED else " "
    whole = "".join(part if part.endswith("\n") else part + between for part in parts)
    expected = [part.strip() for part in parts]
    assert [span.of(whole) for span in text.sentences(whole)] == expected


def test_a_hard_wrapped_paragraph_is_read_as_running_text() -> None:
    letter = (
        "The harbour was closed on Monday after the storm had\n"
        "damaged both of its walls. Ships were sent to\n"
        "Springfield and to Shelbyville, where the mayor and\n"
        "Doe were waiting. Nobody was hurt."
    )
    assert [span.of(letter).split()[0] for span in text.sentences(letter)] == [
        "The",
        "Ships",
        "Nobody",
    ]


@pytest.mark.parametrize("blank", ["", " ", "\n\r\n\t\u2028 \u3000"])
def test_a_blank_text_has_no_sentences_words_numbers_or_names(blank: str) -> None:
    assert text.sentences(blank) == text.words(blank) == []
    assert not text.numbers(blank)
    assert not text.names(blank)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        " ",
        ". ",
        "! ( ",
        "mr. ",
        "\n",
        '" . ',
        "1,000",
        "a. b ",
        "A.",
        "'a",
        " .\n",
        "A one 5 ",
        "9",
    ],
)
def test_a_quarter_of_a_megabyte_on_one_line_is_read_in_a_second(piece: str) -> None:
    long = piece * (250_000 // len(piece))
    assert clock.seconds(lambda: (text.sentences(long), text.words(long)), 2) < 2
    sentences, words = text.sentences(long), text.words(long)
    assert all(span.of(long) for span in (*sentences[:9], *words[:9]))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("The mayor's aide doesn't re-elect O’Neil.", "The|mayor's|aide|doesn't|re|elect|O’Neil"),
        ("the mayor 's aide", "the|mayor|s|aide"),
        ("U.S. and U.K.-based at 5 p.m.", "U.S|and|U.K|based|at|5|p.m"),
        ("$1,200.50 or 3.5% at 10:30, 25-year-old", "1,200.50|or|3.5|at|10|30|25|year|old"),
        ("resigned.The snake_case MH370", "resigned|The|snake|case|MH370"),
        ("naïve cafe\u0301 Łódź", "naïve|cafe\u0301|Łódź"),
        ("市长said不", "市|长|said|不"),
        ("मैं ठीक हूँ।", "मैं|ठीक|हूँ"),
        ("한국어 단어", "한국어|단어"),
        ("😀 — … “”", ""),
    ],
)
def test_words_are_letters_marks_and_digits(written: str, expected: str) -> None:
    assert "|".join(span.of(written) for span in text.words(written)) == expected


def test_words_of_ascii_are_those_of_any_text() -> None:
    rng = random.Random(2)
    signs = "ab1Z.'.,'1 \n-\"()!:;_a.b.$%/\t"
    for _ in range(40_000):
        line = "".join(rng.choices(signs, k=rng.randint(1, 14)))
        assert _ASCII_SPLIT.split(line) == _SPLIT.split(line), line
    every = "".join(map(chr, range(128)))
    assert _ASCII_SPLIT.split(f"a{every}b") == _SPLIT.split(f"a{every}b")


def test_fold_lets_spellings_of_a_word_meet() -> None:
    assert text.fold("Sørensen’s") == text.fold("SORENSEN")
    assert text.fold("Cafe\u0301") == text.fold("CAFÉ") == "cafe"
    assert text.fold("मैं") == "मैं"


# The sure numbers of a text: `as written = value kind`, one after the other.
NUMBERS = {
    "1,200 or 12,345.6 of 7": "1,200 = 1200 | 12,345.6 = 12345.6 | 7 = 7",
    "1\u00a0200 or 1 200 000": "1\u00a0200 = 1200 | 1 200 000 = 1200000",
    "rooms 1 200": "1 = 1 | 200 = 200",
    "1.200,50 or 1.200.000": "1.200,50 = 1200.50 | 1.200.000 = 1200000",
    "12,50,000 voters": "12,50,000 = 1250000",
    "2, 000 or 1. 8": "2, 000 = 2000 | 1. 8 = 1.8",
    "twenty-five of two hundred and five": "twenty-five = 25 | two hundred and five = 205",
    "two and a half million": "two and a half million = 2500000",
    "three hundred thousand and one": "three hundred thousand and one = 300001",
    "a hundred, a dozen, two dozen": "a hundred = 100 | a dozen = 12 | two dozen = 24",
    "a hundred and five, half a million": "a hundred and five = 105 | half a million = 500000",
    "two three twenty twelve": "two = 2 | three = 3 | twenty = 20 | twelve = 12",
    "1st and twenty-first": "1st = 1 ordinal | twenty-first = 21 ordinal",
    "two-thirds and ½": "two-thirds = 2/3 fraction | ½ = 1/2 fraction",
    "3/4 and 2½": "3/4 = 3/4 fraction | 2½ = 2.5",
    "a quarter of it, half of us": "a quarter = 1/4 fraction | half = 1/2 fraction",
    "in the second half of May": "second = 2 ordinal",
    "a third man, a third of men": "third = 3 ordinal | a third = 1/3 fraction",
    "5%, 5 per cent, five percent": "5% = 5 percent | 5 per cent = 5 percent "
    "| five percent = 5 percent",
    "£5m, £ 5 bn": "£5m = 5000000 money:GBP | £ 5 bn = 5000000000 money:GBP",
    "$1.2bn or A$5": "$1.2bn = 1200000000 money:USD | A$5 = 5 money:AUD",
    "3 million US dollars, €7": "3 million US dollars = 3000000 money:USD | €7 = 7 money:EUR",
    "Rs 5 crore or 20 euros": "Rs 5 crore = 50000000 money:INR | 20 euros = 20 money:EUR",
    "P460-million, RM1,200, Rs500": "P460-million = 460000000 money:PHP "
    "| RM1,200 = 1200 money:MYR | Rs500 = 500 money:INR",
    "an N95 mask, P5, R2D2 and U2": "",
    "# 64 for #1": "# 64 = 64 money:GBP | 1 = 1",
    "10k people, 1.2 million votes": "10k = 10000 | 1.2 million = 1200000",
    "10-15 and 3-1": "10 = 10 | 15 = 15 | 3 = 3 | 1 = 1",
    "5-10%": "5 = 5 percent | 10% = 10 percent",
    "£5-10m": "£5 = 5000000 money:GBP | 10m = 10000000 money:GBP",
    "from £500 to £1m": "£500 = 500 money:GBP | £1m = 1000000 money:GBP",
    "10:30, 7pm, 7.30 a.m.": "10:30 = 37800 time:12 | 7pm = 68400 time | 7.30 a.m. = 27000 time",
    "in 2015, the 1990s, mid-20s": "2015 = 2015 year | 1990s = 1990 decade | 20s = 20 decade",
    "5 May, June 6th, the 7th of July": "5 = 5 day | 6th = 6 day | 7th = 7 day",
    "hundreds, tens of thousands": "hundreds = 100 vague | tens of thousands = 10000 vague",
    "a 30-second clip per second": "30 = 30",
    "1. Whisk 3 eggs.": "3 = 3",
    "٣٤٥ १२३ １２ ٣٫٥": "٣٤٥ = 345 | १२३ = 123 | １２ = 12 | ٣٫٥ = 3.5",
    "one of us, no one, F-16, MH370, 3D, 4x4": "",
    "May said the mayor may go": "",
    "1" * 31: "",
}


@pytest.mark.parametrize("written", NUMBERS)
def test_numbers_have_the_value_and_kind_that_a_reader_gives_them(written: str) -> None:
    found = [number for number in text.numbers(written) if number.sure]
    expected = [entry.rsplit(" = ", 1) for entry in NUMBERS[written].split(" | ") if entry]
    assert [number.span.of(written) for number in found] == [spelled for spelled, _ in expected]
    meant = [meaning.partition(" ") for _, meaning in expected]
    assert [number.kind for number in found] == [kind for _, _, kind in meant]
    for number, (value, _, _) in zip(found, meant, strict=True):
        assert Fraction(number.value).limit_denominator(1000) == Fraction(value)


def test_numbers_keep_their_unit_and_what_makes_them_inexact() -> None:
    written = "nearly 200 miles, a 25-year-old, more than 1,000 or some 5 km, two or three weeks"
    assert [(n.unit, n.hedge) for n in text.numbers(written)] == [
        ("mile", "under"),
        ("year", ""),
        ("", "over"),
        ("km", "about"),
        ("week", ""),
        ("week", ""),
    ]


def test_numbers_do_not_depend_on_the_callers_decimal_context() -> None:
    expected = text.numbers("two-thirds of 1,187,000 or £1.2bn")
    with decimal.localcontext(decimal.Context(prec=2, traps=[decimal.Inexact])):
        assert text.numbers("two-thirds of 1,187,000 or £1.2bn") == expected
        assert _agrees("about 1.2 million", "1,187,000")


def _agrees(claimed: str, stated: str) -> bool:
    return text.agree(text.numbers(claimed)[0], text.numbers(stated)[0])


@pytest.mark.parametrize(
    ("claimed", "stated"),
    [
        ("25", "twenty-five"),
        ("£1.2bn", "1,200 million pounds"),
        ("half of it", "50%"),
        ("a quarter of it", "25 per cent"),
        ("0.5", "1/2"),
        ("the 3rd", "third"),
        ("5 May", "May 5th"),
        ("7pm", "19:00"),
        ("7 o'clock", "seven"),
        ("$5m", "A$5m"),
        ("£5m", "5m"),
        ("a 100m race", "100 metres"),
        ("1.2 million", "1,187,000"),
        ("nearly 200", "187"),
        ("about 1.2 million", "1,187,000"),
        ("more than 1,000", "1,143"),
        ("hundreds", "450"),
        ("hundreds", "hundreds"),
        ("2000 people", "2,000"),
        ("14%", "14.3%"),
    ],
)
def test_numbers_agree_in_any_dress(claimed: str, stated: str) -> None:
    assert _agrees(claimed, stated)


@pytest.mark.parametrize(
    ("claimed", "stated"),
    [
        ("14", "40"),
        ("5%", "five people"),
        ("$20", "20 people"),
        ("$3m", "£3m"),
        ("the third", "three"),
        ("the 1990s", "1990"),
        ("14 years", "14 months"),
        ("7pm", "7am"),
        ("1,400", "1,431"),
        ("5 million", "5.3 million"),
        ("nearly 200", "204"),
        ("more than 1,000", "990"),
        ("thousands", "450"),
        ("450", "hundreds"),
        ("a hundred", "a thousand"),
    ],
)
def test_different_numbers_do_not_agree(claimed: str, stated: str) -> None:
    assert not _agrees(claimed, stated)


def _names(written: str, casing_of: str | None = None) -> list[str]:
    return [name.span.of(written) for name in text.names(written, casing_of)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Police met Jane Doe in New York on Monday.", ["Jane Doe", "New York"]),
        ("Jane Doe of Springfield met Mr Roe.", ["Jane Doe", "Springfield", "Roe"]),
        ("The Bank of England left the Isle of Man.", ["Bank of England", "Isle of Man"]),
        ("He saw Ludwig van Doe and Osama bin Noone.", ["Ludwig van Doe", "Osama bin Noone"]),
        ("Britain's David Roe met J. K. Doe.", ["Britain", "David Roe", "J. K. Doe"]),
        ("The P460-million wall in Roe is done.", ["Roe"]),
        ("The IMF and the U.S. told us.", ["IMF", "U.S"]),
        ("However, Parliament met in May.", ["Parliament"]),
        ("He joined Marks & Spencer and Jean-Claude Doe.", ["Marks & Spencer", "Jean-Claude Doe"]),
        ("Officials in London said. London was calm.", ["London", "London"]),
        ("Storm Hits Coast As Ships Wait", []),
        ("I said I'm late, he said OK on TV.", []),
    ],
)
def test_names_are_runs_of_capitals_inside_sentences(written: str, expected: list[str]) -> None:
    assert _names(written) == expected


def test_names_of_a_summary_in_lower_case_take_the_capitals_of_the_article() -> None:
    article = "In May the mayor, Jane Doe, met Apple in Springfield. The apple was red."
    summary = "the mayor jane doe met apple in springfield, not in glasgow"
    assert _names(summary, article) == ["jane doe", "springfield", "glasgow"]


def test_names_at_the_start_of_a_sentence_need_a_reason() -> None:
    article = "Residents of Springfield left. The port of Camden and its residents were calm."
    assert _names("Residents left. Springfield is empty. Camden too.", article) == [
        "Springfield",
        "Camden",
    ]


def test_names_know_words_for_the_same_country() -> None:
    assert text.country("dutch") == text.country("netherlands") == text.country("dutchman")
    assert text.country("united states") == text.country("u.s") == text.country("american")
    assert text.country("england") != text.country("britain")


def _articles() -> list[str]:
    if not SHARED.is_dir():
        pytest.skip("the shared data is not here")
    articles: list[str] = []
    for path in sorted(SHARED.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            articles += {
                json.loads(line)["article"]: None for line, _ in zip(lines, range(60), strict=False)
            }
    return articles


def test_sentences_of_real_articles_lose_no_character_and_stay_whole_alone() -> None:
    n_sentences = n_split = 0
    for article in _articles():
        spans = text.sentences(article)
        position = 0
        for span in spans:
            assert not article[position : span.start].strip()
            position = span.end
            n_split += len(text.sentences(span.of(article))) != 1
        assert not article[position:].strip()
        n_sentences += len(spans)
    assert n_sentences > 3000
    assert n_split == 0


STOPPED = (
    "Mr", "The", "a", "No", "5", "1999", "2nd", "left", "Inc", "Yahoo", "U.S", "professionals",
    "co-op", "a.m", "thurs", "he", "Nóra", "東京", ".", ".", "?", "…", "。", " ", " ", " ", '"',
    "'", "”", "“", ")", "(", "\n", "\u2028", "\xa0", ",", "-rrb-", "''", "``", "❶", "\ud800", "ª",
)  # fmt: skip


def _stopped(n: int = 3_000) -> list[str]:
    """Return texts of words and stops in any order, and texts that differ from news in one way."""
    rng = random.Random(0)
    drawn = ["".join(rng.choices(STOPPED, k=rng.randint(1, 25))) for _ in range(n)]
    spaced = [" ".join(rng.choices(STOPPED, k=rng.randint(2, 20))) for _ in range(n)]
    news = [each for sentences in SENTENCES.values() for each in [" ".join(sentences)]]
    ways = ((". ", " . "), (". ", '." '), (". ", ". “"), (". ", ".) "), (". ", ".  "), (".", "?"))
    return [*drawn, *spaced, *(each.replace(*way) for each in news for way in ways)]


@pytest.mark.parametrize("texts", [_stopped, _articles])
def test_sentences_that_are_seen_at_a_glance_end_where_a_closer_look_ends_them(
    texts: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = [text.sentences(each) for each in texts()]
    module = sys.modules["evalharness.text.sentences"]
    monkeypatch.setattr(module, "_SMALL_OR_DIGIT", frozenset())
    monkeypatch.setattr(module, "_end_after_word", lambda *_: 0)

    assert [text.sentences(each) for each in texts()] == quick


@pytest.mark.parametrize("texts", [_stopped, _articles])
def test_first_sentences_are_those_of_the_whole_text(texts: Callable[[], list[str]]) -> None:
    for each in texts():
        assert text.sentences(each, 2) == text.sentences(each)[:2]


@pytest.mark.parametrize("texts", [_stopped, _articles])
def test_no_sentence_ends_inside_a_word_and_what_looks_like_one_is_one(
    texts: Callable[[], list[str]],
) -> None:
    for whole in texts():
        spans = text.sentences(whole)
        for one, other in itertools.pairwise(spans):
            inside = whole[one.end - 1].isalnum() and whole[one.end].isalnum()
            assert not (one.end == other.start and inside)
        assert len(spans) < 2 or not is_one_sentence(whole)


def test_spans_of_names_and_numbers_in_real_articles_are_inside_one_sentence() -> None:
    for article in _articles()[:100]:
        within = text.sentences(article)
        spans = [number.span for number in text.numbers(article)]
        spans += [name.span for name in text.names(article)]
        for span in spans:
            assert any(one.start <= span.start < span.end <= one.end for one in within)
            assert span.of(article).strip() == span.of(article) != ""
    assert Span(0, 1) not in spans


def test_no_group_is_possessive() -> None:
    """Pythons 3.11.0 to 3.11.4, Debian's 3.11.2 too, match `(…)*+` wrongly, `(?>(…)*)` rightly."""
    package = Path(text.__file__).parents[1]
    possessive = re.compile(r"[)}](?:[?*+]|\{[\d,]+\})\+")

    assert possessive.search(r"(?:\.\d{3}){2,}+")
    found = [path.name for path in package.rglob("*.py") if possessive.search(path.read_text())]
    assert found == []
