"""Negations put in or left out, opposites, hedges dropped; and whole sentences put in."""

import re
from collections.abc import Iterator, Sequence
from random import Random

from evalharness import text
from evalharness.meta.planted import lexicon
from evalharness.meta.planted.facts import Facts, PlannedChange, SummaryClaims, pattern_matches
from evalharness.meta.planted.names import first_name, is_known
from evalharness.text.words import word_set

# --- Negations

_BE = re.compile(r"\b(?:is|are|was|were|will|would|can|could|should)\b(?= [a-z])")
_HAVE = re.compile(r"\b(?:has|have|had)\b(?= ([a-z]+))")
# `not` between these would be no denial, or no English.
_NO_NOT_BEFORE = re.compile(
    r" (?:not|never|no|none|neither|nothing|nobody|also|only|just|still|already|yet|even|both|"
    r"either|all|some|any|hardly|rarely|to|that|what|how|why|it|he|she|they|we|you|i|there|more|"
    r"less|increasingly|and|or|but|among|one|due|in|on|at)\b"
)
_DENIES = re.compile(
    r"\b(?:not|never|no|none|nobody|neither|nor|nothing|without|unless|hardly|cannot|few|any|"
    r"whether|if|despite|although|but|than)\b|n[’']t\b",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(?P<aux>is|are|was|were|will|would|can|could|should|has|have|had|may|might|must) "
    r"?not (?=[a-z])(?!only|yet|just)(?P<next>\w+)"
)
_CANNOT = re.compile(r"\bcannot (?P<next>\w+)")
_CONTRACTED = re.compile(
    r"\b(?P<aux>is|are|was|were|would|could|should|has|have|had) ?n[’']t (?P<next>\w+)"
)
_DID_NOT = re.compile(r"\bdid ?(?:not|n[’']t) (?P<base>[a-z]+)\b")
_TURNED = {"failed to": "managed to", "refused to": "agreed to", "never": "always"}
_TURNED |= {"no longer": "still", "unable to": "able to", "refuses to": "agrees to"}
_TURN = re.compile(rf"\b(?:{'|'.join(_TURNED)})\b(?= [a-z])")
_FINITE = re.compile(
    r"(?P<subject>\b(?:he|she|it|they|who|which)|\b[Tt]he [a-z]+) (?P<past>[a-z]+)"
    r"(?= (?:a|an|the|his|her|its|their|that|to|more|£|\$|\d))"
)
_AFTER_NAME = re.compile(r" (?P<past>[a-z]+)(?= (?:a|an|the|his|her|its|their|to|more|[A-Z£$\d]))")


def negations(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    """Yield a `not` that was not there, or a denial turned into a claim."""
    put_in = [*_auxiliaries(claims), *_past_tenses(claims)]
    left_out = [*_denials(claims)]
    # Denials are rare and the harder ones to notice: they come first half of the time.
    drafts = [rng.sample(drafts, len(drafts)) for drafts in (put_in, left_out)]
    first, second = drafts if rng.random() < 0.5 else reversed(drafts)
    for draft in (*first, *second):
        if not facts.says(draft.new):
            yield draft


def _affirms(claims: SummaryClaims, place: int) -> bool:
    sentence = claims.sentence_at(place).of(claims.text)
    return not _DENIES.search(sentence) and "?" not in sentence


def _auxiliaries(claims: SummaryClaims) -> Iterator[PlannedChange]:
    for pattern in (_BE, _HAVE):
        for match in pattern_matches(pattern, claims):
            following = claims.text[match.end() : match.end() + 30]
            if _NO_NOT_BEFORE.match(following) or not _affirms(claims, match.start()):
                continue
            if pattern is _HAVE and not (
                match[1] in lexicon.PARTICIPLES or match[1].endswith("ed")
            ):
                continue
            if claims.sentence_at(match.start()).start == match.start():
                continue
            word = re.match(r" [\w-]+", following)
            if word:
                end = match.end() + word.end()
                yield PlannedChange(match.start(), end, f"{match[0]} not{word[0]}")


def _past_tenses(claims: SummaryClaims) -> Iterator[PlannedChange]:
    found = [(match.start("past"), match["past"]) for match in pattern_matches(_FINITE, claims)]
    for name in claims.names:
        quoted = claims.is_quoted(name.span.start, name.span.end)
        if not quoted and (match := _AFTER_NAME.match(claims.text, name.span.end)):
            found.append((match.start("past"), match["past"]))
    for start, past in found:
        if past in lexicon.BASE_OF_PAST and _affirms(claims, start):
            yield PlannedChange(start, start + len(past), f"did not {lexicon.BASE_OF_PAST[past]}")


def _denials(claims: SummaryClaims) -> Iterator[PlannedChange]:
    for pattern in (_NOT, _CONTRACTED):
        for match in pattern_matches(pattern, claims):
            yield PlannedChange(match.start(), match.end(), f"{match['aux']} {match['next']}")
    for match in pattern_matches(_CANNOT, claims):
        yield PlannedChange(match.start(), match.end(), f"can {match['next']}")
    for match in pattern_matches(_DID_NOT, claims):
        past = lexicon.PAST_OF_BASE.get(match["base"])
        yield PlannedChange(match.start(), match.end(), past or f"did {match['base']}")
    for match in pattern_matches(_TURN, claims):
        yield PlannedChange(match.start(), match.end(), _TURNED[match[0]])


# --- Opposites

_WORD = re.compile(r"\b[a-z]+(?:-[a-z]+)?\b", re.IGNORECASE)
# These are opposites where something goes up or down by itself: not `grew plants`, `fell ill`.
_MOVING = word_set(
    "rose fell risen fallen rise rises rising fall falls falling grew shrank growing shrinking"
)
_MOVES = re.compile(
    r" (?:by|to|from|in|after|sharply|slightly|again|more|less|£|\$|\d)|[.,;]| and "
)


_ONLY_PAST = frozenset(["began", "grew", "shrank", "fell", "rose"])
_HELPED = re.compile(r"\b(?:be|been|being|is|are|was|were|has|have|had)\b")


def antonyms(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    """Yield changes of a word to its opposite."""
    places = [
        match
        for match in pattern_matches(_WORD, claims)
        if match[0].lower() in lexicon.OPPOSITE_WORDS
    ]
    for match in rng.sample(places, len(places)):
        if _is_fixed(claims, match) or _in_comparison(claims, match):
            continue
        opposites = _in_form(claims, match)
        for new in rng.sample(opposites, len(opposites)):
            draft = PlannedChange(
                match.start(), match.end(), _right_article(claims, match.start(), new)
            )
            if new in claims.words_near(match.start()):  # support or oppose
                continue
            if draft.new and not facts.may_state(claims.claim_with(draft), new):
                yield draft


def _in_form(claims: SummaryClaims, match: re.Match[str]) -> Sequence[str]:
    """Return the opposites of a word; no past tense where it may be a participle."""
    before = claims.text[max(0, match.start() - 30) : match.start()]
    helped = _HELPED.search(before) is not None
    return [
        new
        for new in lexicon.OPPOSITE_WORDS[match[0].lower()]
        if not (helped and new in _ONLY_PAST)
    ]


def _in_comparison(claims: SummaryClaims, match: re.Match[str]) -> bool:
    """Tell whether a word stands with a hyphen: high-speed, well-known."""
    around = claims.text[max(0, match.start() - 1) : match.start()], claims.text[match.end() :][:1]
    return "-" in around or "–" in around


def _is_fixed(claims: SummaryClaims, match: re.Match[str]) -> bool:
    before = claims.text[max(0, match.start() - 14) : match.start()]
    after = claims.text[match.end() : match.end() + 24]
    if match[0][0].isupper() and claims.sentence_at(match.start()).start != match.start():
        return True
    if match[0].lower() in _MOVING and not _MOVES.match(after):
        return True
    return lexicon.is_fixed(match[0].lower(), before, after)


def _right_article(claims: SummaryClaims, start: int, new: str) -> str:
    """Return the word if `a` or `an` before it stays right, else nothing."""
    before = claims.text[max(0, start - 4) : start].lower()
    vowel = new[0] in "aeiou"
    wrong = (before.endswith(" an ") and not vowel) or (before.endswith(" a ") and vowel)
    return "" if wrong else new


# --- Hedges

_MODAL = re.compile(r"\b(?:may|might|could)(?: well)? (?P<next>have been|have|be|[a-z]+)\b(?! not)")
_EXPECTED = re.compile(
    r"\b(?:(?:is|are|was|were) (?P<passive>(?:widely )?expected|likely|believed|thought|set|due|"
    r"understood|reported|hoping|hoped|planning)|"
    r"(?P<active>plans?|hopes?|intends?|aims?|wants?|expects?)) to "
    r"(?P<next>have been|have|be|[a-z]+)\b"
)
_DROPPED = re.compile(
    r"\b(?:allegedly|alleged|suspected|reportedly|apparently|supposedly|possibly|probably|"
    r"potentially|potential|possible|proposed) (?P<next>[a-z]+)\b"
)
_CRIMES = (
    "(?:kill|murder|steal|rap|assault|plott|defraud|abus|attack|smuggl|launder|shoot|stabb|robb|"
    "bomb|conspir|attempt|possess|spy|supply|stalk|threaten|brib|kidnapp|forg)ing|"
    "murder|theft|fraud|rape"
)
_ACCUSED = re.compile(
    rf"\b(?P<be>is|are|was|were|been) (?:accused|suspected) of (?P<next>{_CRIMES})\b"
)
_ACCUSED_APART = re.compile(
    rf"\b(?P<noun>man|woman|teenager|father|mother) (?P<hedge>accused|suspected) of (?={_CRIMES})"
)
# After these, `could` is a guess and not an ability.
_FUTURE_AFTER_COULD = word_set(
    "be have face become lead cost lose follow reach grow rise fall cause mean decide end "
    "result increase save put affect threaten damage take"
)
_BEFORE_A_VERB = re.compile(r"(?:\b(?:he|she|it|they|we|who|which|now|also|still)|[^\W\d_]{3,}s) $")
# `due to play`, but not `due to rain`.
_DUE_TO = frozenset(lexicon.PAST_OF_BASE) | word_set(
    "be have appear become come fly go play report run speak stand take travel expire"
)
_NOT_BASES = word_set(
    "and or the of in day not also only still a an his her its their him them both at"
)
# What is denied or doubted is no claim yet.
_IN_DOUBT = re.compile(r"\b(?:den(?:y|ied|ies)|whether|if|rumou?rs?|speculation|not|no)\b|n[’']t\b")


def hedges(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    """Yield what was possible, planned or alleged stated as a fact."""
    drafts = [*_modals(claims), *_expectations(claims), *_left_out(claims), *_convictions(claims)]
    for draft in rng.sample(drafts, len(drafts)):
        before = claims.text[claims.sentence_at(draft.start).start : draft.start]
        if _IN_DOUBT.search(before):
            continue
        if not facts.says(draft.new) and not facts.may_state(claims.claim_with(draft), draft.new):
            yield draft


def _modals(claims: SummaryClaims) -> Iterator[PlannedChange]:
    for match in pattern_matches(_MODAL, claims):
        if match["next"] in _NOT_BASES or match["next"].endswith(("ed", "ly")):
            continue
        if match[0].startswith("could") and match["next"].split()[0] not in _FUTURE_AFTER_COULD:
            continue
        yield PlannedChange(
            match.start(), match.end(), _as_fact(claims, match.start(), match["next"])
        )


def _expectations(claims: SummaryClaims) -> Iterator[PlannedChange]:
    for match in pattern_matches(_EXPECTED, claims):
        is_past = match[0].startswith(("was", "were"))
        if match["next"] in _NOT_BASES:
            continue
        if match["passive"] == "due" and match["next"] not in _DUE_TO:
            continue
        if match["active"] and not _is_verb(claims, match):
            continue
        if match["next"].startswith("have"):
            plural = match[0].startswith(("are", "were"))
            new = match["next"] if plural else match["next"].replace("have", "has", 1)
        elif match["passive"] in ("believed", "thought", "understood", "reported"):
            if match["next"] != "be":
                continue
            new = match[0].partition(" ")[0]
        else:
            new = f"{'would' if is_past else 'will'} {match['next']}"
        yield PlannedChange(match.start(), match.end(), new)


def _is_verb(claims: SummaryClaims, match: re.Match[str]) -> bool:
    """Tell whether `plans to` is what somebody does: a name or pronoun stands before it."""
    if any(name.span.end == match.start() - 1 for name in claims.names):
        return True
    before = claims.text[max(0, match.start() - 20) : match.start()]
    found = _BEFORE_A_VERB.search(before)
    if found is None:
        return False
    both_plural = match["active"].endswith("s") and found[0].endswith("s ")  # `police plans to`
    return not both_plural or found[0] == "it "


_TOLD = re.compile(
    r"\b(?:told|said|indicated|warned|claimed|admitted|revealed|suggested|believed|thought|feared)\b"
)


def _as_fact(claims: SummaryClaims, start: int, following: str) -> str:
    if not following.startswith("have"):
        sentence = claims.text[claims.sentence_at(start).start : start]
        return f"{'would' if _TOLD.search(sentence) else 'will'} {following}"
    before: Sequence[str] = claims.text[:start].lower().split()[-1:]
    plural = before and (
        before[0] in ("they", "we", "you", "i", "people", "police", "men", "women", "children")
        or (before[0].endswith("s") and not before[0].endswith(("ss", "us", "is", "'s", "’s")))
    )
    return following if plural else following.replace("have", "has", 1)


def _left_out(claims: SummaryClaims) -> Iterator[PlannedChange]:
    for match in pattern_matches(_DROPPED, claims):
        following = match["next"]
        before = claims.text[max(0, match.start() - 3) : match.start()].lower()
        if following in ("by", "of", "to", "in", "on", "at", "and", "or", "as", "because"):
            continue
        if re.search(r"(?:^|\W)an? $|\bas $", before):
            continue
        yield PlannedChange(match.start(), match.end(), following)


def _convictions(claims: SummaryClaims) -> Iterator[PlannedChange]:
    for match in pattern_matches(_ACCUSED, claims):
        yield PlannedChange(
            match.start(), match.end(), f"{match['be']} convicted of {match['next']}"
        )
    for match in pattern_matches(_ACCUSED_APART, claims):
        yield PlannedChange(match.start("hedge"), match.end("hedge"), "convicted")


# --- Whole sentences of invented facts

_TEMPLATES = (
    "A separate inquiry led by {person} is due to report within {small} weeks.",
    "{person}, speaking for {organisation}, described the news as a turning point.",
    "{organisation} has offered {money} to help those affected.",
    "The announcement came {small} days after a similar case in {place}.",
    "About {large} people have since signed an online petition started by {person}.",
    "A survey by {organisation} found that {percent} of residents of {place} disagreed.",
    "Police in {place} later questioned {small} witnesses.",
    "The final cost is now put at {money}.",
    "{person}, who was also present, needed hospital treatment.",
    "A public meeting will be held in {place} next spring.",
    "Lawyers for {organisation} have threatened to take the matter to court.",
    "The family later moved to {place} to escape the publicity.",
    "It later emerged that {person} had been warned {small} times.",
    "A television drama about the events is to be filmed in {place}.",
    "{organisation} has since cut {large} jobs.",
    "Prices rose by {percent} in the week that followed.",
)
_BLANK = re.compile(r"\{(\w+)\}")
_QUOTE = re.compile(r"[\"“‘`«„]|(?<!\w)'")
_ATTEMPTS = 24
_SMALL = ("three", "four", "five", "six", "seven", "eight", "nine", "eleven", "twelve")


def invent_sentences(claims: SummaryClaims, facts: Facts, rng: Random) -> Iterator[PlannedChange]:
    """Yield a sentence of invented facts, behind any of the summary's sentences."""
    if not claims.sentences:
        return
    for _ in range(_ATTEMPTS):
        template = rng.choice(_TEMPLATES)
        filled = {blank: _fill_blank(blank, rng) for blank in _BLANK.findall(template)}
        if any(_is_stated(facts, blank, filling) for blank, filling in filled.items()):
            continue
        place = rng.choice(claims.sentences)
        if _QUOTE.search(place.of(claims.text)) or "\n" in claims.text[place.end :][:1]:
            place = claims.sentences[-1]  # a quotation may go on behind its sentence
        sentence = _BLANK.sub(lambda blank, known=filled: known[blank[1]], template)  # type: ignore[misc]
        yield PlannedChange(place.end, place.end, _fit_sentence(claims, place.end, sentence))


def _fit_sentence(claims: SummaryClaims, place: int, sentence: str) -> str:
    """Return the sentence with a space before it, and a point where what is before has none."""
    before = claims.text[:place].rstrip("\"'”’) ")
    return f" {sentence}" if before[-1:] in ".!?…。" else f". {sentence}"


def _is_stated(facts: Facts, blank: str, filling: str) -> bool:
    if blank in ("person", "place", "organisation"):
        return is_known(facts, filling)
    return facts.says(filling) or any(facts.has_number(number) for number in text.numbers(filling))


def _fill_blank(blank: str, rng: Random) -> str:
    if blank == "person":
        return f"{first_name(None, rng)} {rng.choice(lexicon.INVENTED_SURNAMES)}"
    if blank == "place":
        return rng.choice(lexicon.INVENTED_PLACES)
    if blank == "organisation":
        return rng.choice(lexicon.INVENTED_ORGANISATIONS)
    if blank == "money":
        return f"£{rng.randint(11, 98) / 10} million"
    if blank == "percent":
        return f"{rng.randint(6, 94)}%"
    return rng.choice(_SMALL) if blank == "small" else f"{rng.randint(12, 98) * 100:,}"
