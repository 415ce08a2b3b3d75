"""Where sentences end: one splitter for news, used by every check and by ROUGE-Lsum.

The rules, in the order in which they apply:

1. A blank line ends a sentence. So does the end of a line, unless the sentence visibly goes on:
   the next line begins with a small letter, this line ends with a comma, a dash or a word such as
   `of`, or the paragraph is hard-wrapped (three or more lines, each as full as its next word
   allows, one of them at least going on with a small letter). Lines with a bullet begin a sentence.
2. Inside a line, `.` `?` `!` `…` end a sentence where white space follows, together with closing
   quotes and brackets, when what follows begins with a capital, a digit, a quote or a letter of a
   script without capitals. What has neither letter nor digit ends what is before it.
3. A small letter after the stop means that the sentence goes on, unless the stop stands apart
   (`said . the mayor`) or the sentence has no capital at all (lower-cased text).
4. Abbreviations do not end a sentence (`Mr.`, `vs.`), or only before another sort of word
   (`No. 5`, `Jan. 5`), or only before a word that often opens a sentence (`U.S. The`, `George W.
   He`); initials likewise.
   The point of a German date or ordinal is no end either (`am 12. Juni`, `im 19. Jahrhundert`).
5. A stop between a small letter and a capitalised word ends a sentence where a space was lost
   (`resigned.The mayor`), but not in `example.Com`.
6. `。` `！` `？` `।` `۔` `؟` and their kin end a sentence with or without a space.

Whether a place is a boundary depends on nothing before the sentence and on one word after the
place, so that a sentence split alone stays whole. The one exception is a hard-wrapped paragraph,
which its single sentences do not show: alone, they may break before a line with a capital.
"""

import itertools
import re
from re import Match
from typing import NamedTuple

from evalharness.records import Span
from evalharness.text.words import word_set

SENTENCES_VERSION = 2
"""Rises with every change that can move a boundary; part of the signature of what depends on it."""


# Words that decide, for English news and by hand; in lower case, without their last point.

# Before a name: never the end of a sentence.
_TITLES = word_set(
    "mr mrs ms messrs mme mlle dr drs prof rev revd fr hon st ste sts gen lt col maj capt cpt "
    "cmdr cdr adm sgt cpl pvt insp supt det sen sens rep reps gov govs pres amb atty sec dep "
    "asst mt ft vs v viz cf approx ca eg ie e.g i.e est incl pls tel ext"
)
# Before a number: the end of a sentence only if something else follows.
_BEFORE_NUMBERS = word_set("no nos p pp vol vols fig figs ch chap sect para paras ver")
_CAPITALISED_BEFORE_NUMBERS = word_set("art op jan feb mar apr jun jul aug sep sept oct nov dec")
# These end a sentence only before a word that often opens one: companies, suffixes, times, units.
# So do all that have a point inside (U.S., a.m., Ph.D.).
_EITHER_WAY = word_set(
    "inc corp co cos ltd plc llc bros intl assn dept univ jr sr esq phd md etc al ave blvd rd "
    "hwy pm yr yrs hr hrs min mins lb lbs oz sq mph kph km cm mm kg avg"
)
# States of the USA as news wires shorten them, and weekdays; words in lower case are not meant.
_PLACES = word_set(
    "ala ariz ark calif colo conn del fla ga ill ind kan ky la mass md mich minn miss mo mont "
    "neb nev okla ore pa penn tenn tex vt va wash wis wyo ont que mon tue tues wed thu thur "
    "thurs fri sat sun"
)
# German puts a point after the day. Months that English writes alike count only after a word that
# stands before a date in German.
_GERMAN_MONTHS = word_set("januar jänner februar feber märz mai juni juli oktober dezember")
_SHARED_MONTHS = word_set("april august september november")
_BEFORE_GERMAN_DATES = word_set("am vom zum bis dem den der ab seit beim und")
# Words of German alone, behind which a number with a point is an ordinal.
_BEFORE_GERMAN_ORDINALS = word_set("beim dem der im vom zum zur")
# Names that bring their own mark, and what may follow one in the name of a company.
_EXCLAIMING = frozenset(["yahoo", "jeopardy", "wham", "panic", "joomla"])
_COMPANY_FORMS = frozenset(["inc", "corp", "co", "ltd", "plc"])
_DOMAINS = frozenset(["Com", "Net", "Org", "Co", "Tv"])
_ABBREVIATIONS = _TITLES | _BEFORE_NUMBERS | _CAPITALISED_BEFORE_NUMBERS | _EITHER_WAY | _PLACES
# Words that open sentences far more often than they follow an abbreviation inside one.
_OPENERS = word_set(
    "the a an he she it they we i you this that these those there here his her its their our my "
    "but and so yet or however meanwhile although though while when if as after before since "
    "because until in on at for from with by to of what who why how where which not no some many "
    "most all both several another other others according police officials now then also last "
    "next earlier later today yesterday once even still only just one two three"
)
# A line that ends with one of these goes on in the next.
_DANGLING = word_set(
    "a an the of to in on at by for from with and or but nor as than that which who whose is are "
    "was were be been has have had will would its his her their our my your into onto over under "
    "between against about after before during mr mrs ms dr"
)

_BREAK = "\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
_LINE = re.compile(rf"[^{_BREAK}]++")
_NEWLINE = re.compile(rf"\r\n|[{_BREAK}]")
_VISIBLE = re.compile(r"\S")
_UP_TO_SPACE = re.compile(r"\S++")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_CAPITALS = "".join(chr(c) for c in (*range(0x590), *range(0x1E00, 0x2000)) if chr(c).isupper())
_CAPITAL = re.compile(f"[{_CAPITALS}]")

_FIRM = "。！？｡．।॥۔؟؛።፧។៕᠃᱿"
_MARK = re.compile(rf"[.?!…‽{_FIRM}]")
_ASCII_MARK = re.compile(r"[.?!]")
# A run of stops; `. . .` of tokenised text is one run.
_STOP = re.compile(rf"[.?!…‽{_FIRM}]++(?>(?:[ \t]++[.?!…‽]++)*)")
_CLOSERS = re.compile(r"[\"'”’»›)\]}」』】）》〉］｝*]++")
# Marks that end what is before them even where they stand apart; so do smileys.
_DETACHED_CLOSERS = re.compile(
    r"[ \t]++(?:''|[”’»›)\]}」』】）]|-r[rsc]b-|[\u2600-\u27bf\U0001f300-\U0001faff\ufe0f]++)"
    r"(?!\S)",
    re.IGNORECASE,
)
# What follows a point of news as a rule, where a sentence ends: quotes, a space and a capital.
_NEW_SENTENCE = re.compile(r"[\"'”’)]? [\"“‘'(]?(?=[A-Z0-9])")
_SMALL_OR_DIGIT = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_CAPITAL_OR_DIGIT = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
# No abbreviation is longer: what a longer word ends with tells that it is none.
_LONGEST = 12
# What follows most stops: no mark that closes.
_WORD_FOLLOWS = re.compile(r"[ \t]?[A-Za-z0-9]")
_DETACHED_QUOTE = re.compile(r"[ \t]++\"(?!\S)")
_NEXT = re.compile(
    r"(?P<space>\s*+)(?P<opening>[\"'`“‘„‚«‹(\[{「『【（《〈［｛¿¡*_]*+)\s*+(?P<word>[^\W_]{0,30})"
)
_LAST_WORD = re.compile(r"(?:[^\W_]+\.)*[^\W_]+$")
_BULLET = re.compile(r"[•‣▪▫◦●○■□►·∙*][ \t]*+[^\s*]")
_DASH_OR_NUMBER = re.compile(r"(?:[-–—+]|[(]?\d{1,2}[.)]|[(]?[a-z][)])[ \t]++\S")
_QUOTES = frozenset("\"'`“‘„‚«‹「『")


class _Line(NamedTuple):
    """A line without its outer white space, and how it stands to the next one."""

    start: int
    end: int
    ends_paragraph: bool = True
    wrapped: bool = False


# A named tuple of its fields, without the call of Python code that `Span(...)` makes.
_new = tuple.__new__


class _Scan:
    """A text and where its current sentence starts; looks forward once, so that time is linear.

    most: how many sentences are wanted; None: all.
    """

    def __init__(self, text: str, most: int | None = None) -> None:
        self.text = text
        self.most = most
        self.start = 0
        self._capital = -1
        self._word = -1

    def has_capital(self, end: int) -> bool:
        """Tell whether the sentence has a capital letter before `end`."""
        if self._capital < self.start:
            found = _CAPITAL.search(self.text, self.start)
            self._capital = found.start() if found else len(self.text)
        return self._capital < end

    def has_word(self, end: int) -> bool:
        """Tell whether the sentence has a letter or digit before `end`."""
        if self._word < self.start:
            found = _LETTER_OR_DIGIT.search(self.text, self.start)
            self._word = found.start() if found else len(self.text)
        return self._word < end


def sentences(text: str, most: int | None = None) -> list[Span]:
    """Return the sentences of a text in order, without their outer white space.

    Every character that is not white space is in exactly one of them. most: return the first so
    many (at least one), and do not read on.

    >>> text = "Mr. Smith paid $3.5m. “Why?” asked the U.S. envoy"
    >>> [sentence.of(text) for sentence in sentences(text)]
    ['Mr. Smith paid $3.5m.', '“Why?” asked the U.S. envoy']
    """
    scan = _Scan(text, most)
    spans: list[Span] = []
    if text.isprintable():  # one line, and no white space but spaces
        end = len(text.rstrip())
        if end:
            scan.start = len(text) - len(text.lstrip())
            _split(scan, end, spans)
            if len(spans) != most:
                spans.append(Span(scan.start, end))
        return spans
    lines = _lines(text)
    goes_on = False
    for number, line in enumerate(lines):
        if not goes_on:
            scan.start = line.start
        final = _split(scan, line.end, spans, line.start, not line.ends_paragraph)
        if len(spans) == most:
            break
        goes_on = not line.ends_paragraph and _goes_on(scan, line, lines[number + 1], final)
        if not goes_on:
            spans.append(_new(Span, (scan.start, line.end)))
            if len(spans) == most:
                break
    return spans


def _split(
    scan: _Scan, limit: int, spans: list[Span], start: int = -1, to_its_end: bool = False
) -> Match[str] | None:
    """Add the sentences that end within a line, from `start` up to `limit`, or as many as wanted.

    to_its_end: return the last stop of the line, if it is the line's end.
    What has neither letter nor digit (a late quote, a smiley) belongs to what is before it.
    """
    text, most = scan.text, scan.most
    start = scan.start if start < 0 else start
    last = limit - 1
    while last >= start and not text[last].isalnum():
        last -= 1
    final: Match[str] | None = None
    seen = counted = start
    quotes = 0
    marks = _ASCII_MARK if text.isascii() else _MARK
    for mark in marks.finditer(text, start, last):
        at = mark.start()
        if at < seen or (text[at + 1] in _SMALL_OR_DIGIT and text[at] not in _FIRM):
            continue
        if end := _end_after_word(scan, at, limit):
            spans.append(_new(Span, (scan.start, end)))
            scan.start = end + 1
            if len(spans) == most:
                return None
            continue
        stop = _STOP.match(text, at, limit)
        if stop is None:  # never: a mark is a stop
            continue
        seen = stop.end()
        quotes += text.count('"', counted, at)
        counted = at
        end = _end_of_closers(text, stop, limit, open_quote=quotes % 2 == 1)
        if end > last:
            final = stop
        elif scan.has_word(at) and _is_boundary(scan, stop, end):
            spans.append(Span(scan.start, end))
            scan.start = _next_character(text, end)
            if len(spans) == most:
                return None
    if to_its_end:
        stop = _STOP.match(text, last + 1, limit)
        if stop is None or stop.end() < limit:  # no line that ends with a stop, as most do
            stop = next(iter([*_STOP.finditer(text, last + 1, limit)][-1:]), final)
        final = stop
    return final


def _end_after_word(scan: _Scan, stop: int, limit: int) -> int:
    """Return where a sentence ends at a point that an ordinary word is before; 0: look closer.

    That is what `_end_of_closers` and `_is_boundary` say of most points of news, and much sooner.
    """
    text = scan.text
    if text[stop] != ".":
        return 0
    end = stop + 1
    follows = text[end] == " " and text[end + 1]
    apart = text[stop - 1 : stop] == " "
    if apart:
        if follows not in _CAPITAL_OR_DIGIT and follows not in _SMALL_OR_DIGIT:
            return 0
    elif follows not in _CAPITAL_OR_DIGIT:
        if not _NEW_SENTENCE.match(text, end, limit):
            return 0
        end += text[end] != " "
    first = stop - _LONGEST
    if first < scan.start:
        first = scan.start
    space = text.rfind(" ", first, stop - apart)
    word = text[space + 1 if space >= 0 else first : stop - apart]
    if not word.isalpha():
        if word.isdigit() and len(word) < 3:  # perhaps a day
            return 0
        if space < 0 or not text[end + 1].isalpha() or not word.isalnum():
            return 0
    return end if len(word) > 1 and word.lower() not in _ABBREVIATIONS else 0


def is_one_sentence(text: str) -> bool:
    """Tell whether no sentence can end inside a text, as is seen without looking closer."""
    last = len(text) - 1
    while last >= 0 and not text[last].isalnum():
        last -= 1
    marks = _ASCII_MARK if text.isascii() else _MARK
    return not marks.search(text, 0, max(last, 0)) and text.isprintable()


def _next_character(text: str, start: int) -> int:
    found = _VISIBLE.search(text, start)
    return found.start() if found else len(text)


def _lines(text: str) -> list[_Line]:
    """Return the lines that are not blank, each told whether its paragraph is hard-wrapped."""
    lines: list[_Line] = []
    paragraph: list[Span] = []
    end = 0
    for match in _LINE.finditer(text):
        line = match[0].lstrip()
        if not line:
            continue
        start = match.end() - len(line)
        gap = start - end if paragraph else 0
        if gap > 1 and len(_NEWLINE.findall(text, start - gap, start)) > 1:
            lines += _paragraph(text, paragraph)
            paragraph = []
        end = start + len(line.rstrip())
        paragraph.append(_new(Span, (start, end)))
    return lines + _paragraph(text, paragraph)


def _paragraph(text: str, lines: list[Span]) -> list[_Line]:
    wrapped = _is_hard_wrapped(text, lines)
    last = len(lines) - 1
    return [
        _new(_Line, (start, end, number == last, wrapped))
        for number, (start, end) in enumerate(lines)
    ]


def _is_hard_wrapped(text: str, lines: list[Span]) -> bool:
    """Tell whether the lines look filled up to a margin, as in e-mails and old news wires."""
    width = max([end - start for start, end in lines], default=0)
    if len(lines) < 3 or not 30 <= width <= 100:
        return False
    pairs = list(itertools.pairwise(lines))
    full = all(
        line.end - line.start + 1 + len(_first_word(text, following)) > width
        for line, following in pairs
    )
    return full and any(text[following.start].islower() for _, following in pairs)


def _first_word(text: str, line: Span) -> str:
    found = _UP_TO_SPACE.match(text, line.start, line.end)
    return found[0] if found else ""


def _end_of_closers(text: str, stop: Match[str], limit: int, open_quote: bool) -> int:
    end = stop.end()
    if end >= limit or _WORD_FOLLOWS.match(text, end):
        return end
    found = _CLOSERS.match(text, end, limit)
    end = found.end() if found else end
    apart = text[stop.start() - 1 : stop.start()].isspace()
    while found := _DETACHED_CLOSERS.match(text, end, limit):
        end = found.end()
    if apart and open_quote and (found := _DETACHED_QUOTE.match(text, end, limit)):
        end = found.end()
    return end


def _is_boundary(scan: _Scan, stop: Match[str], end: int) -> bool:
    text, run = scan.text, stop[0]
    if any(mark in _FIRM for mark in run):
        # Japanese goes on with と after what was said; ．may be a decimal point.
        return not text.startswith("と", end) and not (run == "．" and text[end].isdigit())
    if not text[end].isspace():
        return _is_run_on(scan, stop, end)
    following = _NEXT.match(text, end)
    if following is None or text[following.end("space")] in ",;:)]}%":
        return False
    if not following["word"] and text[following.end() : following.end() + 1] in (",", ";", ":"):
        return False
    apart = stop.start() > scan.start and text[stop.start() - 1].isspace()
    if run == "." and (verdict := _after_abbreviation(scan, stop, following, apart)) is not None:
        return verdict
    word = following["word"]
    if not _is_small(word):
        return not (run in "!?" and _is_name_with_mark(scan, stop, word))
    if len(run) > 1 or run == "…":
        return False
    asked = run in "!?" and end > stop.end()  # “Why?” he asked
    small_quote = bool(_QUOTES.intersection(following["opening"]))  # … left. "we stay", …
    return apart or small_quote or not (asked or scan.has_capital(stop.start()))


def _is_small(word: str) -> bool:
    """Tell whether a word begins with a small letter; iPhone counts as capitalised."""
    return word[:1].islower() and not word[1:2].isupper()


def _is_run_on(scan: _Scan, stop: Match[str], end: int) -> bool:
    """Tell whether a sentence ends although no space follows: `resigned.The mayor`, `吗?我`."""
    text = scan.text
    before = text[max(scan.start, stop.start() - 2) : stop.start()]
    following = _NEXT.match(text, end)
    after = following["word"] if following else ""
    if after[:1].isalpha() and after[:1].lower() == after[:1].upper():  # a script without capitals
        return stop[0] in "!?"
    small = len(before) == 2 and before.isalpha() and before.islower()
    capital = text[end].isupper() and after[1:2].islower()
    return len(stop[0]) == 1 and small and capital and after not in _DOMAINS


def _is_name_with_mark(scan: _Scan, stop: Match[str], word: str) -> bool:
    """Tell whether the mark belongs to a name: `Yahoo! Inc`."""
    if word.lower() in _COMPANY_FORMS:
        return True
    before = _word_before(scan, stop).lower()
    return before in _EXCLAIMING and word.lower() not in _OPENERS


def _word_before(scan: _Scan, stop: Match[str]) -> str:
    """Return the letters, digits and inner points right before a stop, at most 12 of them."""
    tail = scan.text[max(scan.start, stop.start() - 12) : stop.start()].rstrip()
    last = tail.rsplit(None, 1)[-1:]
    if last and last[0].isalnum():  # as nearly always; the pattern would find the same
        return last[0]
    found = _LAST_WORD.search(tail)
    return found[0] if found else ""


def _after_abbreviation(
    scan: _Scan, stop: Match[str], following: Match[str], apart: bool
) -> bool | None:
    """Tell whether a sentence ends after what looks like an abbreviation; None: it is none."""
    before = _word_before(scan, stop)
    folded, word, opening = before.lower(), following["word"], following["opening"]
    if folded in _TITLES:
        return False
    if before.isdigit() and len(before) != 4 and word[:1].isdigit():
        return False  # a decimal torn apart, `99. 94`; only after a year is a new sentence likelier
    if apart:
        return None
    if before.isdigit() and len(before) < 3 and _is_german_ordinal(scan, stop, word):
        return False
    if stop.start() - scan.start == len(before) <= 3 and not before.isalpha():
        return False  # the number of a list: `1. Whisk the eggs.`
    opens = word.lower() in _OPENERS and word[:1].isupper()
    opens = opens and not (len(word) == 1 and scan.text.startswith(".", following.end()))
    if len(before) == 1 and before.isalpha():
        return opens
    if folded in _BEFORE_NUMBERS or (folded in _CAPITALISED_BEFORE_NUMBERS and before[0].isupper()):
        return False if word[:1].isdigit() else None
    if (
        ("." in before and before[0].isalpha())
        or folded in _EITHER_WAY
        or (folded in _PLACES and before[0].isupper())
    ):
        return opens or (bool(_QUOTES.intersection(opening)) and word[:1].isupper())
    return None


def _is_german_ordinal(scan: _Scan, stop: Match[str], word: str) -> bool:
    """Tell whether a number and the word behind are German: `12. Juni`, `im 19. Jahrhundert`."""
    if not word[:1].isupper():
        return False
    if word.lower() in _GERMAN_MONTHS:
        return True
    words = scan.text[max(scan.start, stop.start() - 12) : stop.start()].split()
    before = words[-2].lower() if len(words) > 1 else ""
    return before in (
        _BEFORE_GERMAN_DATES if word.lower() in _SHARED_MONTHS else _BEFORE_GERMAN_ORDINALS
    )


def _goes_on(scan: _Scan, line: _Line, following: _Line, final: Match[str] | None) -> bool:
    text = scan.text
    if _BULLET.match(text, following.start):
        return False
    if final and line.wrapped:
        return not _is_boundary(scan, final, line.end)
    if final:
        return _word_before(scan, final).lower() in _TITLES and final[0] == "."
    if line.wrapped:
        return True
    if _DASH_OR_NUMBER.match(text, following.start):
        return False
    if text[line.end - 1] in ",-–—([{&/":
        return True
    tail = text[max(scan.start, line.end - 12) : line.end]
    last = _LAST_WORD.search(tail)
    if last and last[0].lower() in _DANGLING:
        return True
    begin = _NEXT.match(text, following.start, following.end)
    return begin is not None and _is_small(begin["word"]) and scan.has_capital(line.end)
