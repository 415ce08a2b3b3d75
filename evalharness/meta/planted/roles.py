"""The two parties of a verb exchanged; quotations reworded or given to another speaker."""

import itertools
import re
from collections.abc import Iterator
from random import Random

from evalharness import text
from evalharness.meta.planted import lexicon
from evalharness.meta.planted.facts import Facts, PlannedChange, SummaryClaims
from evalharness.meta.planted.names import others, sort_of
from evalharness.records import Span
from evalharness.text.words import word_set

_VERB = (
    rf"(?:(?P<past>(?:has |have |had )?(?:{'|'.join(sorted(lexicon.DIRECTED_PAST))}))|"
    rf"(?P<passive>(?:was|were|is|are|has been|have been|had been|will be) "
    rf"(?:{'|'.join(sorted(lexicon.DIRECTED_PARTICIPLES))}) by)|"
    r"(?P<other>(?:has |have |had )?(?:lost to|voted against|sold \w+ to|paid tribute to|"
    r"complained to|apologised to|campaigned against|reported to|appealed to|protested against|"
    r"wrote to|lied to|succeeded|testified against))|"
    r"(?P<future>(?:will|must|would|could|should) (?:replace|succeed|sue|support|"
    r"question|interview|visit|oppose|join)|"
    r"(?:is|was|are|were) (?:accusing|suing|backing|attacking|investigating|blaming)|"
    r"(?:criticises|praises|accuses|beats|defeats|urges|warns|sues|backs|attacks|rejects|joins)))"
)
_OVER = re.compile(
    r" ?['’]s (?:[\w-]+ ){0,3}(?:win|victory|triumph|defeat|attack|assault|lawsuit|revenge) "
    r"(?:over|of|against) "
)
# What goes from one place or club to another, and not from Alps to Andes.
_MOVING_FROM = re.compile(
    r"\b(?:fle[ed]\w*|mov\w+|travel\w*|fl(?:y|ew|own|ying|ight|ights)|migrants|carry\w*|transfer\w*|"
    r"sail\w*|dr(?:ive|ove|iving)|return\w*|journey|boats?|went|going|ship\w*|extradit\w*|export\w*|"
    r"trips?|route|trains?|cross\w*|switch\w*|s[eo]nt|sending|smuggl\w*|walk\w*|rail|line)\b"
    r"[^.;]*\bfrom $",
    re.IGNORECASE,
)
_LONGEST_WAY = 60
_CLAUSE = re.compile(rf" {_VERB} (?=\w)")
# A few words from an article or a capital on, up to what goes on with the sentence.
_BREAK = (
    r"(?:of|in|on|at|for|to|from|with|by|over|after|before|as|that|who|which|whose|and|but|or|"
    r"when|while|because|during|against|about|into|following|near|since|until|through|despite|"
    r"amid|under|is|was|were|are|has|have|had|will|not|more|where|if|than|out|up|off|down)"
)
_OBJECT = re.compile(
    rf"(?:(?:the|a|an|two|three|four|five) (?:(?!{_BREAK}\b)[\w’'-]+ ?){{1,3}}"
    rf"|[A-Z][\w’'-]*(?: [A-Z][\w’'-]*){{0,3}})(?=\s+(?!of\b){_BREAK}\b|\s*[,.;:]|\s*$| \d+ ?[-–])"
)
_SUBJECT = re.compile(
    rf"(?:^|(?<=[,;] )|(?<=\bthat )|(?<=\band )|(?<=\bbut )|(?<=\bafter )|(?<=\bbecause )"
    rf"|(?<=\bwhen )|(?<=\bas ))"
    rf"(?:(?:[Tt]he|[Aa]n?|[Ii]ts|[Tt]wo|[Tt]hree) (?:(?!{_BREAK}\b)[\w’'-]+ ?){{1,4}}"
    rf"|(?:[A-Z][\w’'-]* ?){{1,4}}|(?:[\w’'-]+ ?){{1,2}})$"
)
# Who can do something to somebody: the last word of a few that are no name.
_AGENT = re.compile(
    r"(?:\b(?:council|government|police|company|firm|club|team|party|union|bank|court|boss|president|"
    r"king|queen|prince|princess|mp|mps|ministers?|champions?|man|men|woman|women|boy|girl|mother|"
    r"father|husband|wife|son|daughter|brother|sister|family|judge|chief|star|students?|patients?|"
    r"army|troops|side|agency|regulator|watchdog|charity|couple|child|children|neighbours?|student|"
    r"rebels?|residents|tenants?|victims?|guests?|crowd|captain|chief executive|veteran|leagues?|"
    r"rivals?|authority|parliament|clinic|hospital|school|university|commission|committee|board)"
    r"|\w{3,}(?:er|ers|or|ors|ist|ists|man|men|woman|women|ian|ians|eer|eers))$",
    re.IGNORECASE,
)
_LONGEST_SUBJECT = 60
_NO_PARTIES = word_set(
    "he she it they who which that this these those there you we i us him her them what all day "
    "time way place part role seat lead ball court door life hand head week year month season "
    "game money public house bill fire call offer half goal it's man's himself herself itself "
    "themselves people"
)


def role_swaps(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    """Yield clauses of a subject, a verb and an object with the two exchanged."""
    found = [*_CLAUSE.finditer(claims.text)]
    pairs = [*_pairs_of_names(claims)]
    for draft in rng.sample(pairs, len(pairs)):
        if not facts.says(draft.new):
            yield draft
    for verb in rng.sample(found, len(found)):
        if claims.is_quoted(verb.start(), verb.end()):
            continue
        subject, target = _subject(claims, verb.start()), _object(claims, verb.end())
        if subject is None or target is None:
            continue
        exchanged = _swap_roles(claims, facts, subject, target)
        if exchanged and not facts.says(exchanged.new):
            yield exchanged


def _pairs_of_names(claims: SummaryClaims) -> Iterator[PlannedChange]:
    """Yield `from B to A` for `from A to B`, and `B's win over A` for `A's win over B`."""
    for one, other in itertools.pairwise(claims.names):
        between = claims.text[one.span.end : other.span.start]
        before = claims.text[max(0, one.span.start - _LONGEST_WAY) : one.span.start]
        moved = between == " to " and _MOVING_FROM.search(before)
        if not moved and not _OVER.fullmatch(between):
            continue
        if set(one.words) & set(other.words) or not _ends_here(claims, other.span.end):
            continue
        first, second = one.span.of(claims.text), other.span.of(claims.text)
        yield PlannedChange(one.span.start, other.span.end, f"{second}{between}{first}")


def _ends_here(claims: SummaryClaims, end: int) -> bool:
    """Tell whether what stands before a place is whole: no noun goes on with it."""
    return (
        re.match(rf"\s+(?!of\b){_BREAK}\b|\s*[,.;:]|\s*$| \d+ ?[-–]", claims.text[end : end + 12])
        is not None
    )


def _subject(claims: SummaryClaims, end: int) -> Span | None:
    """Return the name, or the few words from a clause's begin, that end before a verb."""
    for name in claims.names:
        if name.span.end == end:
            return _with_title(claims, name.span)
    start = max(claims.sentence_at(end).start, end - _LONGEST_SUBJECT)
    match = _SUBJECT.search(claims.text[start:end])
    whole_clause = match and (match.start() > 0 or start == claims.sentence_at(end).start)
    if not match or not whole_clause or not _is_agent(match[0]):
        return None
    return Span(start + match.start(), end)


def _is_agent(words: str) -> bool:
    return bool(_AGENT.search(words.strip()))


def _object(claims: SummaryClaims, start: int) -> Span | None:
    for name in claims.names:
        possessive = re.match(r"['’ ]?['’]?s\b|-", claims.text[name.span.end :][:3])
        if name.span.start == start and not possessive:
            return name.span if _ends_here(claims, name.span.end) else None
    if claims.is_lower and not claims.text.startswith(("the ", "a ", "an "), start):
        return None
    match = _OBJECT.match(claims.text, start)
    if match is None or not _is_agent(match[0]):
        return None
    end = match.start() + len(match[0].rstrip())
    return Span(match.start(), end)


def _with_title(claims: SummaryClaims, span: Span) -> Span | None:
    """Return a name with what belongs to it before it; None where that cannot be told."""
    before = claims.text[claims.sentence_at(span.start).start : span.start]
    match = re.search(r"(?:^|[,;] |\b(?:that|and|but|after|because|when|as|the|The) )$", before)
    if match is None:
        match = re.search(r"(?:^|[,;] |\bthat )((?:[A-Z]?[\w’'-]+ ){1,4})$", before)
        if match is None or re.search(rf"\b{_BREAK}\b", match[1]):
            return None
        return Span(span.start - len(match[1]), span.end)
    if before.lower().endswith("the "):
        return Span(span.start - 4, span.end)
    return span


def _swap_roles(
    claims: SummaryClaims, facts: Facts, subject: Span, target: Span
) -> PlannedChange | None:
    one, other = subject.of(claims.text), target.of(claims.text)
    between = claims.text[subject.end : target.start]
    words = {word.lower() for word in (*one.split(), *other.split())}
    parties = [{text.fold(word) for word in each.split()} for each in (one, other)]
    if parties[0] & parties[1] - {"the", "a", "an"} or words & _NO_PARTIES:
        return None
    if re.match(r"(?:But|And|Yet|So|Or|However|Then|Now|Later|Meanwhile|When|If|As)\b", one):
        return None
    if re.search(r"[\"“”‘`]|(?<!\w)'", one + other):
        return None
    if re.search(r"[A-Z]s$", one) or re.search(r"[A-Z]s$", other):  # MSPs
        return None
    if not re.search(r"\w{2}", one) or one.endswith(("'s", "’s")):
        return None
    is_name = any(subject.start <= n.span.start < subject.end for n in claims.names)
    one = (
        one if is_name and not one.startswith(("The ", "A ", "An ")) else one[:1].lower() + one[1:]
    )
    opens = claims.sentence_at(subject.start).start == subject.start
    other = other[:1].upper() + other[1:] if opens else other
    is_person = any(
        name.span.start >= target.start
        and name.span.end <= target.end
        and sort_of(claims, facts, name) == "person"
        for name in claims.names
    )
    between = _singular(between) if is_person else _verb_in_agreement(between, one, other)
    return PlannedChange(subject.start, target.end, f"{other}{between}{one}") if between else None


def _singular(between: str) -> str:
    return re.sub(
        r"^ (were|are|have)\b",
        lambda found: " " + {"were": "was", "are": "is", "have": "has"}[found[1]],
        between,
    )


def _verb_in_agreement(between: str, one: str, other: str) -> str:
    """Return the verb, made to agree with its new subject; empty where that cannot be told."""
    plural = {
        who: who.lower().endswith("s") and not who.lower().endswith("ss") for who in (one, other)
    }
    if plural[one] == plural[other] or not re.match(r" (?:was|were|is|are|has|have)\b", between):
        return between
    if one[0].isupper() or other[0].isupper():
        return between
    forms = {"was": "were", "is": "are", "has": "have"}
    forms = forms if plural[other] else {new: old for old, new in forms.items()}
    first, _, rest = between.lstrip().partition(" ")
    return f" {forms.get(first, first)} {rest}"


# What somebody does to something, in the past, and can be told as well from the other side.
_DONE = {
    past: participle
    for base, (past, participle) in lexicon.PAST_AND_PARTICIPLE.items()
    if base in lexicon.VOICED
}
_PAST_OF_DONE = {participle: past for past, participle in _DONE.items()}
_BASES = {
    base: participle
    for base, (_, participle) in lexicon.PAST_AND_PARTICIPLE.items()
    if base in lexicon.VOICED
}
_ACTIVE = re.compile(
    rf" (?:(?P<past>{'|'.join(sorted(_DONE))})"
    rf"|(?P<perfect>has|have|had) (?P<done>{'|'.join(sorted(_PAST_OF_DONE))})"
    rf"|(?P<modal>will|could|would|may|might|should|must) (?P<base>{'|'.join(sorted(_BASES))}))"
    r" (?=[\w£$])"
)
_PASSIVE = re.compile(
    r" (?:(?P<was>was|were|had been)|(?P<been>has|have) been|(?P<be>will|could|would|must) be) "
    rf"(?P<participle>{'|'.join(sorted(_PAST_OF_DONE))}) by (?=\w)"
)
_GROUPS = (
    "police|officers|detectives|firefighters|scientists|researchers|doctors|experts|officials|"
    "fans|prosecutors|campaigners|critics|lawmakers|lawyers|residents|voters|soldiers|rebels"
)
_THING = re.compile(
    r"(?:(?:the|a|an|two|three|four|five|his|her|its|their|\d+) "
    rf"(?:(?!{_BREAK}\b)[\w’'-]+ ?){{1,4}}(?:of (?:the |a )?[\w’'-]+(?: [A-Z][\w’'-]+)*)?"
    rf"|(?:{_GROUPS})|[A-Z][\w’'-]*(?: [A-Z][\w’'-]*){{0,3}})"
    rf"(?=\s+(?!(?:of|to|out|up|is|are|was|were|has|had|have|and|will|that|which|who)\b){_BREAK}\b"
    r"|\s*[.;]|\s*$)"
)
_CLAUSE_BEGINS = re.compile(
    r"(?:, (?:and|but|while) |\b(?:as|after|because|when|while|although|before|that) (?:the )?)$"
)
_NO_PARTY = re.compile(
    r"\b(?:he|she|it|they|we|i|you|who|which|this|that|these|those|there|also|claims?|says|thinks|"
    r"believes|reveals|hopes|insists|describes|includes|named|all|none|both|not)\b",
    re.IGNORECASE,
)


def voice_changes(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[str]:
    """Yield the summary with a clause in the passive for the active, or the other way."""
    found = [*_ACTIVE.finditer(claims.text), *_PASSIVE.finditer(claims.text)]
    for verb in rng.sample(found, len(found)):
        subject = _whole_party(claims, verb.start())
        thing = _THING.match(claims.text, verb.end())
        if thing is None or subject is None:
            continue
        target = Span(verb.end(), verb.end() + len(thing[0].rstrip()))
        if not claims.is_quoted(subject.start, target.end):
            new = _other_voice(claims, subject, verb, target)
            yield claims.text[: subject.start] + new + claims.text[target.end :]


def _whole_party(claims: SummaryClaims, end: int) -> Span | None:
    """Return the name, or the few words of one noun, from a clause's begin up to its verb."""
    start = claims.sentence_at(end).start
    words = claims.text[start:end]
    named = next((name.span for name in claims.names if name.span.end == end), None)
    if named is not None and (begin := _CLAUSE_BEGINS.search(claims.text[start : named.start])):
        the = begin[0].endswith("the ")
        return Span(named.start - 4 * the, end)
    shape = rf"(?:[Tt]he|[Aa]n?|[Tt]wo|[Tt]hree) (?:(?!{_BREAK}\b)[\w’'-]+ ?){{1,5}}|(?i:{_GROUPS})"
    if named is not None:
        shape = rf"(?:(?!{_BREAK}\b)[\w’'-]+ ?){{1,6}}"
    whole = re.fullmatch(shape, words) and not words.endswith("ly") and not _NO_PARTY.search(words)
    return Span(start, end) if whole else None


def _other_voice(claims: SummaryClaims, subject: Span, verb: re.Match[str], target: Span) -> str:
    """Return subject, verb and object with the verb in its other voice, the two exchanged."""
    one, other = subject.of(claims.text), target.of(claims.text)
    opens_with_name = claims.is_named(subject.start, subject.start + 1)
    if not opens_with_name or re.match(r"(?:The|An?|Two|Three) ", one):
        one = one[:1].lower() + one[1:]
    if claims.text[subject.start].isupper():
        other = other[:1].upper() + other[1:]
    groups = verb.groupdict()
    if groups.get("participle"):
        return f"{other} {_active(groups, other)} {one}"
    return f"{other} {_passive(groups, other)} by {one}"


def _is_plural(subject: str) -> bool:
    words = subject.lower().split()
    counted = words[0] in ("two", "three", "four", "five") or words[0].isdecimal()
    many = words[0] in ("the", "his", "her", "its", "their") and words[-1].endswith("s")
    return counted or (many and not words[-1].endswith("ss"))


def _active(verb: dict[str, str | None], subject: str) -> str:
    """Return a passive verb in the active, as its new subject asks."""
    participle = verb["participle"] or ""
    if verb["was"]:
        return f"had {participle}" if verb["was"] == "had been" else _PAST_OF_DONE[participle]
    if verb["been"]:
        return f"{'have' if _is_plural(subject) else 'has'} {participle}"
    base = next(base for base, done in _BASES.items() if done == participle)
    return f"{verb['be']} {base}"


def _passive(verb: dict[str, str | None], subject: str) -> str:
    """Return an active verb in the passive, as its new subject asks."""
    plural = _is_plural(subject)
    if verb["past"]:
        return f"{'were' if plural else 'was'} {_DONE[verb['past']]}"
    if verb["perfect"]:
        perfect = verb["perfect"] if verb["perfect"] == "had" else "have" if plural else "has"
        return f"{perfect} been {verb['done']}"
    return f"{verb['modal']} be {_BASES[verb['base'] or '']}"


_SAYING = re.compile(
    r"\b(?:said|says|saying|told|added|adding|insisted|warned|called|described|tweeted|wrote|"
    r"claimed|claims|argued|explained|branded|admitted|joked|declared|according)\b"
)
_LONGEST_REACH = 80


def misquotes(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    """Yield quotations of another person, or with another word in them."""
    by_speaker = [*_other_speakers(claims, facts, rng)]
    by_words = [*_other_words(claims, facts, rng)]
    yield from (*by_speaker, *by_words) if rng.random() < 0.5 else (*by_words, *by_speaker)


def _other_speakers(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    for quote in claims.quotes:
        sentence = claims.sentence_at(quote.start)
        for name in claims.names:
            if not sentence.start <= name.span.start < sentence.end:
                continue
            if claims.is_quoted(name.span.start, name.span.end):
                continue
            if sort_of(claims, facts, name) != "person" or not _speaks(claims, name.span, quote):
                continue
            for new in others(claims, facts, name, rng):
                yield PlannedChange(name.span.start, name.span.end, new)


def _speaks(claims: SummaryClaims, name: Span, quote: Span) -> bool:
    """Tell whether a verb of saying stands next to a name, and the quotation not far."""
    near = min(abs(name.start - quote.end), abs(quote.start - name.end)) <= _LONGEST_REACH
    before = claims.text[max(0, name.start - 15) : name.start]
    after = claims.text[name.end : name.end + 15]
    after = re.split(r"[.;]", after)[0]
    return near and bool(_SAYING.search(before) or _SAYING.search(after))


def _other_words(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    for quote in rng.sample(claims.quotes, len(claims.quotes)):
        quoted = quote.of(claims.text)
        words = text.words(quoted)
        for word in rng.sample(words, len(words)):
            written = word.of(quoted)
            if word.start and written[:1].isupper():  # of a title
                continue
            for new in _instead(written.lower(), words, rng):
                start = quote.start + word.start
                draft = PlannedChange(start, quote.start + word.end, _match_case(new, written))
                changed = quoted[: word.start] + new + quoted[word.end :]
                if _right_article(claims, start, new) and not facts.says(changed):
                    yield draft


def _instead(word: str, words: list[Span], rng: Random) -> Iterator[str]:
    if word in lexicon.REWORDINGS:
        yield lexicon.REWORDINGS[word]
    elif word in lexicon.OPPOSITE_WORDS and len(words) > 1:
        yield rng.choice(lexicon.OPPOSITE_WORDS[word])
    elif len(words) == 1 and word.endswith(lexicon.ADJECTIVE_ENDINGS) and len(word) > 6:
        yield from (
            new for new in (*lexicon.JUDGEMENTS, *lexicon.JUDGEMENTS_AFTER_AN) if new != word
        )


def _right_article(claims: SummaryClaims, start: int, new: str) -> bool:
    before = re.sub(r"[\"“‘'`]", "", claims.text[max(0, start - 6) : start].lower())
    vowel = new[0] in "aeiou"
    return not ((before.endswith(" an ") and not vowel) or (before.endswith(" a ") and vowel))


def _match_case(new: str, written: str) -> str:
    return new.capitalize() if written[:1].isupper() and written.lower() != "i" else new
