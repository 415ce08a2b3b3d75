"""Edits that a check should not mind: nine kinds that leave what a summary says as it was.

And three that game a check: what is put in to raise a score, and tells a reader nothing. By rules,
for English; a rule that is not sure of its ground makes no edit.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Literal, get_args

from evalharness import text
from evalharness.meta.planted.facts import (
    Facts,
    PlannedChange,
    SummaryClaims,
    claims_of,
    facts_of,
    pattern_matches,
)
from evalharness.meta.planted.numbers import DATES
from evalharness.meta.planted.roles import voice_changes
from evalharness.records import Span, digest
from evalharness.text.words import word_set

BenignKind = Literal[
    "frame",
    "synonym",
    "reordering",
    "voice",
    "number_format",
    "abbreviation",
    "joined",
    "split",
    "coreference",
]
GamingKind = Literal["appended_sentence", "copied_lead", "vague_text"]
BENIGN_KINDS: tuple[BenignKind, ...] = get_args(BenignKind)
GAMING_KINDS: tuple[GamingKind, ...] = get_args(GamingKind)
EditFunction = Callable[[SummaryClaims, Facts, Random], Iterator[str]]


def edit(article: str, summary: str, kind: BenignKind | GamingKind, seed: int = 0) -> str | None:
    """Return the summary with one edit of a kind; None where the kind does not apply.

    The same arguments give the same edit.

    >>> edit("Leeds approved 14 homes on Monday.", "Leeds approved 14 homes.", "frame")
    'The article says that Leeds approved 14 homes.'
    """
    claims, facts = claims_of(article, summary), facts_of(article)
    rng = Random(f"{seed} {kind} {digest(summary)}")  # noqa: S311  no secret
    edited = (new for new in _EDITORS[kind](claims, facts, rng) if new.split() != summary.split())
    return next(edited, None)


# --- What several kinds need: the begin of a sentence

_ANAPHORA = (
    r"\b(?:he|she|it|they|him|her|them|his|hers|its|their|theirs|this|these|those|that|such|there|"
    r"here|then|so|both|latter|former|another|other|others|same|do|did|does|one|ones|who|pair|duo|"
    r"couple|trio|we|our|you|i|too|instead|again|later|further)\b"
)
_REFERS_BACK = re.compile(_ANAPHORA, re.IGNORECASE)
_LINKS = re.compile(
    r"(?:and|but|or|so|yet|however|meanwhile|also|then|nor|for|if|because|while|although|though|"
    r"what|why|how|when|where|who|is|are|do|does|did|can|instead|still|now|here|there|not|even)\b",
    re.IGNORECASE,
)


def _is_statement(claims: SummaryClaims, sentence: Span) -> bool:
    """Tell whether a sentence is whole and none but a statement: no question, quotation, link."""
    words = sentence.of(claims.text)
    return (
        words.rstrip().endswith(".")
        and len(words.split()) >= 4
        and not _LINKS.match(words)
        and words[0].isalpha()
        and not any(mark in words for mark in '"“”`?!;:')
        and words.count("'") == len(re.findall(r"\w ?'(?:s|t|re|ve|ll|d)\b", words))
    )


def _lowered(claims: SummaryClaims, sentence: Span) -> str:
    """Return a sentence as it stands within another: its first letter small, if it was no name."""
    words = sentence.of(claims.text)
    first = re.match(r"[\w’'-]+", words)
    is_kept = claims.is_named(sentence.start, sentence.start + 1) or words.startswith("I ")
    plain = first is not None and first[0].lower() in _SMALL_AT_HEAD
    return words if is_kept or not plain else words[:1].lower() + words[1:]


# A sentence's first word is made small only where it surely is no name.
_SMALL_AT_HEAD = word_set(
    "the a an two three four five six seven eight nine ten he she it they his her its their this "
    "these those all some many most more about around nearly almost at in on after before during "
    "since police people officials researchers scientists residents fans there both each every "
    "one another several hundreds thousands dozens we our you as with for from by under over "
    "former new local no not"
)


def _raised(words: str) -> str:
    return words[:1].upper() + words[1:]


# --- Frames

_FRAMES = (
    "According to the article, ",
    "The article says that ",
    "The report says that ",
    "As the article explains, ",
    "The author reports that ",
    "In summary, ",
    "The text notes that ",
    "In this story, we learn that ",
    "The news is that ",
)


def _frames(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[str]:
    if claims.sentences and _is_statement(claims, claims.sentences[0]):
        first = claims.sentences[0]
        frame = claims.match_casing(PlannedChange(first.start, first.start, rng.choice(_FRAMES)))
        rest = claims.text[first.end :]
        yield claims.text[: first.start] + frame.new + _lowered(claims, first) + rest


# --- Words for others that mean the same

# What stands left is replaced by what stands right. Words with one sense in news, or with what
# shows their sense beside them.
_SYNONYMS = """
began=started; begin=start; begins=starts; bought=purchased; buying=purchasing; bigger=larger;
biggest=largest; almost=nearly; nearly=almost; attempted to=tried to; tried to=attempted to;
allowed to=permitted to; permitted to=allowed to; film=movie; films=movies; mum=mother;
mums=mothers; dad=father; doctors=physicians; huge=enormous; enormous=huge; quickly=rapidly;
rapidly=quickly; often=frequently; frequently=often; revealed that=disclosed that;
said that=stated that; says that=states that; numerous=many; following a=after a;
following the=after the; despite=in spite of; in spite of=despite; however=nevertheless;
requires=needs; the entire=the whole; the whole=the entire; mistake=error; mistakes=errors;
the chance to=the opportunity to; worried=concerned; wealthy=rich; clever=smart; assistance=help;
responded=replied; replied=responded; residents=inhabitants; lawyer=attorney; lawyers=attorneys;
attorney=lawyer; attorneys=lawyers; was sacked=was fired; vital=crucial; crucial=vital;
important=significant; halted=stopped; formerly=previously; prior to=before; until=till;
famous=well-known; well-known=famous; talks=discussions; chosen=selected; selected=chosen;
wants to=wishes to; want to=wish to; immediately=at once; annual=yearly; each year=every year;
every year=each year; every day=each day; each day=every day; in order to=to;
investigating=looking into; investigate=look into; an increase in=a rise in; died=passed away;
a rise in=an increase in; a drop in=a fall in; increased by=rose by; rose by=increased by;
fell by=dropped by; jailed for=imprisoned for; pupils=students; shop=store; shops=stores;
teenager=teen; teenagers=teens; photos=pictures; photographs=photos; firms=companies;
companies=firms; the firm=the company; the company=the firm; kids=children; employees=workers;
intends to=plans to; fans=supporters; due to=because of;
because of=due to; a number of=several; several=a number of; injured=hurt; injuring=hurting;
thinks=believes; believe that=think that; took place=happened; set up=established;
carried out=performed; throughout=all through; amongst=among; whilst=while
"""
_NEW_WORDS = dict(row.strip().split("=") for row in _SYNONYMS.replace("\n", " ").split(";"))
_OLD_WORDS = re.compile(rf"\b(?:{'|'.join(sorted(_NEW_WORDS, key=len, reverse=True))})(?![\w-])")
# `Is due to play`, `a lawyer` where `an attorney` had to stand, `a set up`.
_NO_SYNONYM_AFTER = re.compile(r"(?:\b(?:is|are|was|were|be|been|an?|very|how|too|so|as)|-) ?$")


def _synonyms(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[str]:
    """Yield the summary with all its words of the table replaced, but those of names, quotes."""
    yield _with_changes(
        claims.text,
        [
            PlannedChange(match.start(), match.end(), _NEW_WORDS[match[0]])
            for match in pattern_matches(_OLD_WORDS, claims)
            if not _NO_SYNONYM_AFTER.search(claims.text[: match.start()][-6:])
        ],
    )


def _with_changes(summary: str, changes: list[PlannedChange]) -> str:
    """Return a summary with changes that are in order and apart."""
    for change in reversed(changes):
        summary = summary[: change.start] + change.new + summary[change.end :]
    return summary


# --- Order

_DAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_WHEN = re.compile(
    rf" (on (?:{_DAYS})|last (?:week|month|year|night)|this (?:week|month|year)|"
    r"in (?:19|20)\d\d|earlier this (?:week|month|year)) ?\.$",
    re.IGNORECASE,
)


_FINITE = (
    r"(?:is|are|was|were|has|have|had|will|would|can|could|may|might|did|does|do|said|says|"
    r"won|lost|made|took|came|went|told|became|began|left|gave|got|found|died|saw|held|led|set|"
    r"\w{3,}ed)\b"
)
_VERB = re.compile(rf"\b(?:(?:has|have|had|was|were|is|are) )?{_FINITE}")
_MORE_CLAUSES = re.compile(
    r",|\b(?:and|but|who|that|which|to|as|after|when|before|because|while|by|\w+ing)\b",
    re.IGNORECASE,
)


def _reorderings(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[str]:
    """Yield the last sentence first, if it refers to none before; or `on Monday` first."""
    spans = claims.sentences
    last = spans[-1] if spans else Span(0, 0)
    if len(spans) > 1 and _is_statement(claims, last) and _is_statement(claims, spans[0]):
        words = last.of(claims.text)
        if not _REFERS_BACK.search(words) and not re.match(r"the\b", words, re.IGNORECASE):
            before = claims.text[spans[0].start : last.start].rstrip()
            yield f"{words} {before}"
    for span in spans:
        match = _WHEN.search(span.of(claims.text))
        if match and _is_statement(claims, span) and _is_one_clause(match.string[: match.start()]):
            yield _fronted(claims, span, match)


def _is_one_clause(words: str) -> bool:
    """Tell whether words have one verb and no more, so that what stands behind is said of it."""
    return len(_VERB.findall(words)) == 1 and not _MORE_CLAUSES.search(words)


def _fronted(claims: SummaryClaims, sentence: Span, when: re.Match[str]) -> str:
    """Return the summary with what ends a sentence in front of it."""
    front = when[1] if claims.text[sentence.start].islower() else _raised(when[1])
    rest = _lowered(claims, Span(sentence.start, sentence.start + when.start()))
    comma = " , " if claims.is_tokenised else ", "
    stop = when.string[when.end(1) :]
    return claims.text[: sentence.start] + front + comma + rest + stop + claims.text[sentence.end :]


# --- Formats of numbers

_WORDS_OF_NUMBERS = (
    "2=two 3=three 4=four 5=five 6=six 7=seven 8=eight 9=nine 10=ten 11=eleven 12=twelve "
    "13=thirteen 14=fourteen 15=fifteen 16=sixteen 17=seventeen 18=eighteen 19=nineteen 20=twenty "
    "1st=first 2nd=second 3rd=third 4th=fourth 5th=fifth 6th=sixth 7th=seventh 8th=eighth"
)
_FORM_OF = dict(pair.split("=") for pair in _WORDS_OF_NUMBERS.split())
_FORM_OF |= {word: digits for digits, word in _FORM_OF.items()}
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DAY_MONTH = re.compile(rf"\b(\d{{1,2}}) ({_MONTHS})\b(?! ?\d)")
_MONTH_DAY = re.compile(rf"\b({_MONTHS}) (\d{{1,2}})\b(?!,? ?\d)")
_FORMATS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<=\d)(,)(?=\d{3}\b)"), ""),
    (re.compile(r"(?<=\d)( ?%)"), " percent"),
    (re.compile(r"(?<=\d)( per ?cent)\b"), "%"),
    (re.compile(r"(?<=[£$€]\d)(m)\b|(?<=[£$€]\d\d)(m)\b|(?<=[£$€]\d\.\d)(m)\b"), " million"),
    (re.compile(r"(?<=[£$€]\d)(bn)\b|(?<=[£$€]\d\d)(bn)\b|(?<=[£$€]\d\.\d)(bn)\b"), " billion"),
    (re.compile(r"(?<=\d)( million)\b"), "m"),
    (re.compile(r"(?<=\d)( billion)\b"), "bn"),
)


def _number_formats(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[str]:
    """Yield the summary with its numbers in other forms: `12` for `twelve`, `5m`, `per cent`."""
    changes = [
        PlannedChange(number.span.start, number.span.end, new)
        for number in claims.numbers
        if (new := _other_form(claims, number))
    ]
    if changes:
        yield _with_changes(claims.text, changes)
    for pattern, new in _FORMATS:
        matches = [*pattern_matches(pattern, claims)]
        yield _with_changes(
            claims.text, [PlannedChange(each.start(), each.end(), new) for each in matches]
        )
    yield _DAY_MONTH.sub(r"\2 \1", claims.text)
    yield _MONTH_DAY.sub(r"\2 \1", claims.text)


# Scores, prices, ages, dates, items of a list: what has its own way to be written.
_NO_FORM_BEFORE = re.compile(
    rf"[-–/:£$€#.(]\s*$|\b(?:no|aged?|{_MONTHS}) $|\d (?:and|or|to) $", re.IGNORECASE
)
_NO_FORM_AFTER = re.compile(
    rf"\s*[-–/:%.,)]\d|\s*[-–/:%)]|\s*(?:am|pm|{_MONTHS})\b|\.\s", re.IGNORECASE
)


def _other_form(claims: SummaryClaims, number: text.Number) -> str:
    """Return a small number in words for digits, in digits for words; empty where that is odd."""
    span, written = number.span, number.span.of(claims.text).lower()
    touched = claims.is_quoted(span.start, span.end) or claims.is_named(span.start, span.end)
    before, after = claims.text[: span.start][-12:], claims.text[span.end :][:12]
    if touched or _NO_FORM_BEFORE.search(before) or _NO_FORM_AFTER.match(after):
        return ""
    new = "" if number.kind in DATES else _FORM_OF.get(written, "")
    opens = span.start in {sentence.start for sentence in claims.sentences}
    return _raised(new) if opens else new


# --- Abbreviations

_LONG_FORMS = """
United States=US; United Kingdom=UK; European Union=EU; United Nations=UN;
National Health Service=NHS; prime minister=PM; Prime Minister=PM; chief executive=CEO;
World Health Organization=WHO; International Monetary Fund=IMF; gross domestic product=GDP;
United Arab Emirates=UAE; Manchester United=Man Utd; Manchester City=Man City; Professor=Prof;
Doctor=Dr; kilometres=km; kilograms=kg; kilometers=km; miles per hour=mph; television=TV;
advertisements=ads; photograph=photo; laboratory=lab; influenza=flu; New York City=NYC;
Los Angeles=LA; do not=don't; does not=doesn't; did not=didn't; is not=isn't; are not=aren't;
was not=wasn't; were not=weren't; has not=hasn't; have not=haven't; had not=hadn't; will not=won't;
would not=wouldn't; could not=couldn't; should not=shouldn't; cannot=can't; he is=he's;
she is=she's; it is=it's; they are=they're; September=Sept; January=Jan; February=Feb; December=Dec;
November=Nov; October=Oct; August=Aug
"""
_SHORT_OF = dict((row.strip().split("=")) for row in _LONG_FORMS.replace("\n", " ").split(";"))
_LONG_OF = {short: long for long, short in reversed(_SHORT_OF.items()) if short != "PM"}
_LONG = re.compile(rf"\b(?:{'|'.join(_SHORT_OF)})\b(?![’'-])")
_SHORT = re.compile(rf"(?<![\w-])(?:{'|'.join(_LONG_OF)})\b(?!-|[’']s| ?\$)")
_IN_BRACKETS = re.compile(r"((?:[A-Z][\w’'-]* (?:of |for |and |the )*){2,6})\(([A-Z]{2,6})\)")


def _abbreviations(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[str]:
    """Yield long forms made short, and short ones made long: those of a table, or the article's."""
    for long, short in _acronyms(facts.text):
        if long in claims.text and short not in claims.text:
            yield claims.text.replace(long, short)
        elif re.search(rf"\b{short}\b(?!-)", claims.text) and long not in claims.text:
            yield re.sub(rf"\b{short}\b(?!-)", long, claims.text, count=1)
    for pattern, table in ((_LONG, _SHORT_OF), (_SHORT, _LONG_OF)):
        matches = [m for m in pattern.finditer(claims.text) if not claims.is_quoted(*m.span())]
        changes = [PlannedChange(m.start(), m.end(), table[m[0]]) for m in matches]
        yield _with_changes(claims.text, changes)


def _acronyms(article: str) -> Iterator[tuple[str, str]]:
    """Yield `World Health Organization`, `WHO` of an article that writes one in brackets."""
    for match in _IN_BRACKETS.finditer(article):
        words = match[1].split()
        heads = [n for n, word in enumerate(words) if word[0] == match[2][0]]
        for n in heads:
            initials = "".join(word[0] for word in words[n:] if word[0].isupper())
            if initials == match[2]:
                yield " ".join(words[n:]), match[2]
                break


# --- Sentences joined and split

_SUBJECT_HEAD = r"(?:(?:he|she|it|they|we|there) |the (?:[\w-]+ ){1,3}|(?:[A-Z][\w’'-]+ ){1,3})"
_TWO_CLAUSES = re.compile(
    rf"(?: ?, (?P<link>and|but|while) |(?: ?,)? (?P<plain>and|but) (?=(?:he|she|it|they) ))"
    rf"(?P<rest>{_SUBJECT_HEAD}{_FINITE})"
)
_NOT_PAST = r"(?!(?:can|will|may|is|are|has|have|do|does|says)\b)"
_REASONS = re.compile(
    rf" (?:, )?(?P<link>because|after|when) (?P<rest>{_SUBJECT_HEAD}{_NOT_PAST}{_FINITE})"
)
_SPLIT_LINKS = {
    "and": "",
    "but": "But ",
    "while": "Meanwhile, ",
    "because": "This is because ",
    "after": "This came after ",
    "when": "This happened when ",
}


def _joined(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[str]:
    """Yield two sentences as one, with `and` between them."""
    places = [*range(len(claims.sentences) - 1)]
    for place in rng.sample(places, len(places)):
        one, other = claims.sentences[place : place + 2]
        if not (_is_statement(claims, one) and _is_statement(claims, other)):
            continue
        head = claims.text[: one.end].rstrip()[:-1].rstrip()
        comma = " , and " if claims.is_tokenised else ", and "
        yield head + comma + _lowered(claims, other) + claims.text[other.end :]


def _splits(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[str]:
    """Yield a sentence of two clauses as two sentences."""
    found = [*_TWO_CLAUSES.finditer(claims.text), *_REASONS.finditer(claims.text)]
    for match in rng.sample(found, len(found)):
        sentence = claims.sentence_at(match.start())
        before = claims.text[sentence.start : match.start()]
        if not _is_statement(claims, sentence) or not _is_clause(before):
            continue
        link = _SPLIT_LINKS[match["link"] or match["plain"]]
        rest = link + (match["rest"] if link else _raised(match["rest"]))
        rest = rest.lower() if claims.text[sentence.start].islower() else rest
        stop = " . " if claims.is_tokenised else ". "
        yield claims.text[: match.start()].rstrip(" ,") + stop + rest + claims.text[match.end() :]


_HAS_VERB = re.compile(rf"\b{_FINITE}")
# What governs the clause, so that what follows is said by somebody, or of another.
_GOVERNS = re.compile(
    r"\b(?:that|if|whether|said|says|told|claims?|claimed|believes?|both|either|not|never|unless|"
    r"asked|warned|reveals?|revealed|which|who|how|what|when|after|because)\b|n't",
    re.IGNORECASE,
)


_GOES_ON = re.compile(
    r"\b(?:comes?|came|happened|is|was|were|are|be|soon|shortly|days?|hours?|years?|months?|weeks?|"
    r"minutes?|long|right|even|only|just|immediately|especially|moments?)$",
    re.IGNORECASE,
)


def _is_clause(words: str) -> bool:
    """Tell whether words are a clause by themselves, and nothing in them governs what follows."""
    whole = len(words.split()) >= 4 and not _GOES_ON.search(words.rstrip(" ,"))
    return whole and bool(_HAS_VERB.search(words)) and not _GOVERNS.search(words)


# --- Names for pronouns, shorter names and longer ones

_PRONOUN = re.compile(r"(?:He|She)\b(?= \w)")


def _coreferences(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[str]:
    """Yield a person's name in another of the article's forms, or in place of a pronoun."""
    yield from _names_for_pronouns(claims, facts)
    for name in claims.names:
        start, end = name.span.start, name.span.end
        if not claims.is_quoted(start, end) and (new := _other_name(claims, facts, name)):
            yield claims.with_draft(claims.match_casing(PlannedChange(start, end, new)))


def _other_name(claims: SummaryClaims, facts: Facts, name: text.Name) -> str:
    """Return a person's surname for the full name, or the full name; empty if that is not sure."""
    people = facts.sorts.of_sort("person")
    full = [words for words in people if words[-1:] == name.words[-1:] and len(words) > 1]
    before = claims.text[: name.span.start][-15:]
    if len(full) != 1 or not facts.sorts.gender(full[0]) or re.search(r"\b[A-Z][\w.]* $", before):
        return ""
    if len(name.words) == 1:
        return people[full[0]]
    return name.span.of(claims.text).split()[-1] if name.words == full[0] else ""


def _names_for_pronouns(claims: SummaryClaims, facts: Facts) -> Iterator[str]:
    people = {n.words[-1]: n for n in claims.names if facts.sorts[n.words] == "person"}
    if len(people) != 1:
        return
    [name] = people.values()
    gender = facts.sorts.gender(name.words)
    for sentence in claims.sentences[1:]:
        match = _PRONOUN.match(claims.text, sentence.start)
        known = gender == ("male" if match and match[0] == "He" else "female")
        if match and known and name.span.end <= sentence.start:
            surname = name.span.of(claims.text).split()[-1]
            yield claims.text[: match.start()] + surname + claims.text[match.end() :]


# --- What games a check

_INNOCUOUS = (
    "The article gives more details.",
    "More information can be found in the article.",
    "This is the latest news on the matter.",
    "It is an important story.",
)
_VAGUE = (
    "Several people were involved, and there were different reactions to what happened.",
    "Something happened, some people spoke about it, and more may become known.",
    "There were developments, which may matter to many people.",
)


def _appended(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[str]:
    yield f"{claims.text.rstrip()} {_in_casing_of(claims, rng.choice(_INNOCUOUS))}"


def _copied_lead(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[str]:
    if facts.sentences:
        lead = " ".join(facts.sentences[0].of(facts.text).split())
        yield f"{_in_casing_of(claims, lead)} {claims.text.lstrip()}"


def _vague(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[str]:
    yield f"{claims.text.rstrip()} {_in_casing_of(claims, rng.choice(_VAGUE))}"


def _in_casing_of(claims: SummaryClaims, sentence: str) -> str:
    """Return a sentence as the summary writes: in lower case, with its points apart."""
    return claims.match_casing(PlannedChange(0, 0, sentence)).new


_EDITORS: Mapping[BenignKind | GamingKind, EditFunction] = {
    "frame": _frames,
    "synonym": _synonyms,
    "reordering": _reorderings,
    "voice": voice_changes,
    "number_format": _number_formats,
    "abbreviation": _abbreviations,
    "joined": _joined,
    "split": _splits,
    "coreference": _coreferences,
    "appended_sentence": _appended,
    "copied_lead": _copied_lead,
    "vague_text": _vague,
}
