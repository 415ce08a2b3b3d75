"""What can be seen to be wrong with a summary before it is scored: named, counted, never dropped.

Each defect has rules that can be judged by reading them. They are made to leave what people write
alone: what also stands in the article is a quotation, not a refusal or a preamble. The word lists
of refusals and preambles are English; the other defects know no language.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from operator import eq
from typing import NamedTuple

from evalharness.records import Defect, Summary
from evalharness.text.words import UNSPACED

# A phrase that comes so many times in a row is a loop. Three do for a phrase as long as a clause;
# people write "no, no, no" and score 6-4 6-4 6-4.
SHORT_TIMES = 4
LONG_TIMES = 3
LONG_PHRASE = 5
# Loops of longer phrases than this show in the next two rules.
LONGEST_PHRASE = 40
# A sentence of at least as many words that comes so often, side by side or not.
SENTENCE_TIMES = 3
SENTENCE_WORDS = 4
# Of a loop with small changes, less than half of the runs of four words are new. The least that
# was seen in 1,228 summaries by people (of 20 words or more) is 0.75. In longer texts less than
# four fifths means that whole clauses are said twice.
WORDS_PER_RUN = 4
LEAST_NEW = 0.5
LEAST_WORDS = 20
LEAST_NEW_LONG = 0.8
WORDS_OF_LONG = 40
# A phrase that comes three times, side by side or not, and makes up a tenth of the text. So 36 of
# those 5,241, and none by people.
PHRASE_TIMES = 3
PHRASE_SHARE = 0.1

# So many words in a row of an instruction are no chance.
ECHO = 5

# Refusals and preambles stand at the start: this many characters are looked at.
HEAD = 600

_SENTENCE_END = re.compile(r"[.!?…]+(?:\s|$)|\n|[。！？｡।]")
_FINAL = tuple(".!?…‽。！？｡．।॥۔؟։።᠃။។")
_CLOSERS = "\"'”’»›)]}」』】）》〉*_`~ \t\r\n\u00a0"


def find_defects(
    article: str, summary: Summary, instructions: Sequence[str] = (), title: str = ""
) -> tuple[Defect, ...]:
    """Return the defects of a summary, in the order of `Defect`; an empty tuple where it has none.

    empty: nothing but white space; then nothing else is looked for.
    looping: a phrase or sentence comes over and over, with or without small changes, or much of it
        is said twice.
    cut: the cap on new tokens ended it (finish `length`) before a stop, `?` or `!` did.
    echo: it holds five or more words in a row of one of the `instructions`, the fixed texts of the
        prompt, or begins with a whole instruction that is shorter; and the article does not.
    refusal: the model says that it cannot, will not, or was given no article.
    preamble: it opens with talk about the summary ("Here is a concise summary:", "**Summary**",
        "Sure!").
    about_article: it speaks of the article ("The article discusses ..."), not of what that says.
    list: it has bullets or numbers, for which no instruction asks.
    title: it begins with the article's title, where there are instructions: `title` has no other.

    A summary with finish `error` has none of these: it was not written at all.
    """
    if summary.finish == "error":
        return ()
    if not summary.text.strip():
        return ("empty",)
    written = _words(summary.text)
    head = _fold_text(summary.text.strip()[:HEAD])
    found: dict[Defect, bool] = {
        "looping": _loops(summary.text, written, article),
        "cut": summary.finish == "length" and not ends(summary.text),
        "echo": any(_echoes(head, written, article, one) for one in instructions),
        "refusal": _says(_REFUSALS, head, article),
        "preamble": _says(_PREAMBLES, head, article),
    }
    talks = found["refusal"] or found["preamble"]
    found |= {
        "about_article": not talks and _speaks_of_article(summary.text, article),
        "list": _is_list(summary.text, article, instructions),
        "title": bool(instructions) and _repeats_title(summary.text, title),
    }
    return tuple(defect for defect, there in found.items() if there)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


# Coarser than `text.words`, and ten times as quick; nothing here needs to know where a word stands.
_WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+(?:[.,]\d+)*")


# looping


def _loops(text: str, written: Sequence[str], article: str) -> bool:
    if len(word_runs(written, 3)) == len(written) - 2:
        return False  # nothing is said twice: whatever loops has three words of it again
    return (
        _repeats_in_a_row(written)
        or _is_stale(written)
        or _repeats_a_sentence(text, article)
        or _repeats_a_phrase(written, article)
    )


def _repeats_in_a_row(written: Sequence[str]) -> bool:
    """Tell whether a phrase is said again at once, and again.

    A phrase of p words comes t times in a row where (t - 1) * p words equal the one p before. Then
    at least (t - 1) * p - 2 runs of three words are repeated: few of these rule out long phrases.
    """
    repeated_runs = len(written) - 2 - len(word_runs(written, 3))
    longest = min((repeated_runs + 2) // (LONG_TIMES - 1), LONGEST_PHRASE)
    for length in range(1, longest + 1):
        times = SHORT_TIMES if length < LONG_PHRASE else LONG_TIMES
        same = bytes(map(eq, written[length:], written))
        if b"\1" * (length * (times - 1)) in same:
            return True
    return False


def _repeats_a_sentence(text: str, article: str) -> bool:
    """Tell whether a sentence comes often that the article does not repeat as often itself."""
    repeated = _repeated_sentences(text)
    return bool(repeated) and not repeated <= _repeated_sentences(article)


def _repeated_sentences(text: str) -> set[str]:
    sentences = _SENTENCE_END.split(text)
    if len(sentences) < SENTENCE_TIMES:
        return set()
    times = Counter(" ".join(sentence.lower().split()) for sentence in sentences)
    often = (sentence for sentence, n in times.items() if n >= SENTENCE_TIMES)
    return {sentence for sentence in often if len(_words(sentence)) >= SENTENCE_WORDS}


def _repeats_a_phrase(written: Sequence[str], article: str) -> bool:
    """Tell whether a phrase comes often, for how long the text is, and not in the article."""
    often = _frequent_runs(written, max(PHRASE_TIMES, PHRASE_SHARE * len(written) / LONG_PHRASE))
    return bool(often) and not often <= _frequent_runs(_words(article), PHRASE_TIMES)


def _frequent_runs(written: Sequence[str], times: float) -> set[tuple[str, ...]]:
    """Return the runs of words, as long as a clause, that come so often."""
    counted = Counter(zip(*(written[n:] for n in range(LONG_PHRASE)), strict=False))
    return {run for run, n in counted.items() if n >= times}


def _is_stale(written: Sequence[str]) -> bool:
    runs = len(written) - WORDS_PER_RUN + 1
    if len(written) < LEAST_WORDS:
        return False
    least = LEAST_NEW if len(written) < WORDS_OF_LONG else LEAST_NEW_LONG
    return len(word_runs(written, WORDS_PER_RUN)) < least * runs


def word_runs(written: Sequence[str], n: int) -> frozenset[tuple[str, ...]]:
    """Return the runs of n words of a text, each once."""
    return frozenset(zip(*(written[start:] for start in range(n)), strict=False))


# cut


def ends(text: str) -> bool:
    """Tell whether a text ends as a sentence does, marks of quotations and lists aside."""
    return text.rstrip(_CLOSERS).endswith(_FINAL)


# What a number may stand before, so that without it the number is another.
_SCALES = ("hundred", "thousand", "million", "billion", "trillion", "percent", "percentage")
_AFTER_A_WORD = ',;:!?)]}"”»。、，；：'
_BETWEEN_WORDS = re.compile(rf"[\s{UNSPACED}]")


def without_cut_word(summary: Summary) -> str:
    """Return the text of a summary, without its last word where the cap may have ended it amid it.

    What is left of such a word is no name or number that the summary states: `$4` of $4.40. A
    number goes with the word that it may need: 2.4 of "2.4 milli". A text of one word stays.

    >>> without_cut_word(Summary("a", "It raised its forecast to $4", finish="length"))
    'It raised its forecast to'
    """
    text = summary.text
    if summary.finish != "length" or not text or text[-1].isspace():
        return text
    amid_number = text[-1] in ".," and text[-2:-1].isdigit()
    if not amid_number and (text[-1] in _AFTER_A_WORD or ends(text)):
        return text
    at = _last_word(text)
    left, word = text[:at].rstrip(), text[at:].lower()
    if word and left[-1:].isdigit() and any(scale.startswith(word) for scale in _SCALES):
        left = left[: _last_word(left)].rstrip()
    return left if any(map(str.isalnum, left)) else text


def _last_word(text: str) -> int:
    """Return where the last word starts: after white space; a letter of Chinese is a word."""
    at = len(text)
    while at and not _BETWEEN_WORDS.match(text, at - 1):
        at -= 1
    return at - 1 if at == len(text) else at


# echo


def _echoes(head: str, written: Sequence[str], article: str, instruction: str) -> bool:
    asked = _instruction_runs(instruction)
    if not asked:
        return _opens_with(head, _fold_text(instruction.strip()), article)
    shared = asked & word_runs(written, ECHO)
    return bool(shared) and not shared <= word_runs(_words(article), ECHO)


@lru_cache(maxsize=64)
def _instruction_runs(instruction: str) -> frozenset[tuple[str, ...]]:
    return word_runs(_words(instruction), ECHO)


def _opens_with(head: str, instruction: str, article: str) -> bool:
    """Tell whether a summary begins with a short instruction, such as `summarize:`.

    A bare word (`article`) is too little to tell; with its colon it will do.
    """
    if not instruction or instruction.isalnum() or not head.startswith(instruction):
        return False
    goes_on = instruction[-1].isalnum() and head[len(instruction) :][:1].isalnum()
    return not goes_on and instruction not in _fold_text(article)


# refusal, preamble


def _fold_text(text: str) -> str:
    """Return the text in small letters, with plain apostrophes and spaces and no Markdown."""
    lowered = text.lower()
    plain = _MARKDOWN.sub("", lowered if text.isascii() else _APOSTROPHE.sub("'", lowered))
    return _SPACES.sub(" ", plain).strip(" ")


_APOSTROPHE = re.compile("[’‘ʼ´]")
_MARKDOWN = re.compile("[*_#>`\u200b\ufeff]+")
_SPACES = re.compile(r"[^\S\n ]+ *| {2,}")


def _says(phrases: "_Phrases", head: str, article: str) -> bool:
    openings = (opening.match(head) for opening in phrases.openings)
    others = (
        phrase.search(head)
        for phrase, words in phrases.anywhere
        if any(word in head for word in words)
    )
    said = [match.group() for match in (*openings, *others) if match]
    return bool(said) and any(phrase not in _fold_text(article) for phrase in said)


class _Phrases(NamedTuple):
    """Patterns of folded text: those that open a summary, and those that may stand anywhere.

    Each of the latter comes with words of which it has at least one: to look for these first is
    ten times as quick.
    """

    openings: Sequence[re.Pattern[str]]
    anywhere: Sequence[tuple[re.Pattern[str], Sequence[str]]] = ()


_ARTICLE = r"(?:article|passage|text|document|content|story|report)"
_SUMMARY = r"(?:summar(?:y|ies|i[sz]ation)|synopsis|tl;?dr)"
_THE_ARTICLE = rf"(?:the|this|your)(?: \w+)? {_ARTICLE}"
_POINTS = r"(?:(?:key|main) (?:points|takeaways|facts)|takeaways|highlights|bullet points|overview)"
_MACHINE = r"(?:ai|artificial intelligence|(?:large )?language model)"
_REST = r"[^.!?:\n]{0,120}"

_REFUSALS = _Phrases(
    openings=[
        # "I'm sorry, but I can't ..."; "I apologize, but there appears to be some confusion"
        re.compile(
            r"(?:i(?:'m| am)(?: \w+)? sorry|sorry|(?:my )?apologies|i apologi[sz]e)"
            rf"(?: for {_REST}?)?[,.;:! ]+(?:but |however,? )?"
            rf"(?:i\b|as an?\b|no {_ARTICLE}|there (?:is|was|are|appears|seems)|the {_ARTICLE}"
            r"|your?\b|it (?:looks|seems|appears))"
        ),
        # "I cannot summarize ..."; "Unfortunately, I'm not able to provide a ..."; but people write
        # "I can't help thinking ..."
        re.compile(
            r"(?:(?:unfortunately|regrettably),? )?i(?:'m| am| was)? (?:can ?not|can't|could not"
            r"|couldn't|unable to|not able to|will not|won't)(?: \w+){0,3}? (?:summari[sz]e"
            r"|generate|access|browse|assist|fulfil+|comply|help (?:you|with)"
            r"|provide (?:an?|the|any|you)\b"
            r"|(?:create|write|produce|give) (?:an?|the|any|you)(?: \w+){0,2} summary"
            rf"|(?:see|find|read|open|view|process) (?:an?|any|the|your) {_ARTICLE})"
        ),
        # "I don't have access to ..."; "I do not see an article ..."
        re.compile(
            r"(?:(?:unfortunately|regrettably),? )?i (?:do not|don't) (?:actually |currently )?"
            rf"(?:have (?:access|the ability|(?:the|an?|any|enough) (?:information|{_ARTICLE}))"
            rf"|see (?:an?|any|the) {_ARTICLE})"
        ),
    ],
    anywhere=[
        # "As an AI language model, I ..."; "I'm just a language model"; not "sold as an AI tool"
        (
            re.compile(
                rf"\bas an? {_MACHINE}\b{_REST}?, i\b"
                rf"|\bi(?:'m| am) (?:just |only )?an? {_MACHINE}\b"
            ),
            (" ai", "artificial intelligence", "language model"),
        ),
        # "The article was not provided."; "The text appears to be missing."
        (
            re.compile(
                r"\b(?:article|passage|text)(?: text| content| body)?(?: you \w+)? "
                r"(?:(?:was|is|were|has|have)(?:n't| not)(?: been)?(?: \w+ly)? "
                r"(?:provided|included|supplied|attached|pasted)\b"
                r"|(?:appears|seems) to be (?:missing|empty|blank|incomplete|cut off)\b)"
            ),
            (
                "provided",
                "included",
                "supplied",
                "attached",
                "pasted",
                "missing",
                "empty",
                "blank",
                "incomplete",
                "cut off",
            ),
        ),
        # "No text was included."; "There is no article to summarize."
        (
            re.compile(
                r"\bno (?:article|passage|text)(?: text| content)?(?: (?:was|is|has been))? "
                r"(?:provided|included|supplied|given|attached|shared|to summari[sz]e)\b"
            ),
            ("no article", "no passage", "no text"),
        ),
        # "Please provide the full article ..."
        (
            re.compile(
                r"\b(?:please|(?:could|can|would) you) (?:please )?"
                r"(?:provide|share|paste|send|supply|upload|attach)(?: me)?(?: with)? "
                rf"(?:the|an?|your|any|more|some)\b{_REST}\b(?:article|passage|text|content)\b"
            ),
            ("please ", " you "),
        ),
        # "You haven't included the text"
        (
            re.compile(
                r"\byou (?:haven't|have not|did not|didn't)(?: yet| actually)? "
                rf"(?:provide|include|share|attach|paste)d?\b{_REST}\b{_ARTICLE}\b"
            ),
            ("you haven't", "you have not", "you did not", "you didn't"),
        ),
        # "It is not possible to write a summary"
        (
            re.compile(
                r"\b(?:unable|not possible|impossible|not able) to (?:summari[sz]e\b"
                r"|(?:provide|generate|create|write|produce|give) (?:\w+ ){1,3}summary\b)"
            ),
            ("unable to ", "possible to ", "not able to "),
        ),
        # "The text does not contain enough information to summarize"
        (
            re.compile(
                r"\b(?:enough|(?:in)?sufficient) (?:information|context|content|details?|text)\b"
                rf"{_REST}\bsummar"
            ),
            ("enough ", "sufficient "),
        ),
    ],
)

_I_WILL = (
    r"i(?:'ve|'ll|'d|'m|(?: have| will| would| can| am))(?: now| be)* (?:summari[sz]ed?|condensed?"
    r"|(?:happy|glad) to (?:help|assist|provide|summari)|help you|provided? (?:you|a|the) )"
)

_PREAMBLES = _Phrases(
    openings=[
        # "Here is a concise summary of the passage:"; "Based on the text, here's a summary."
        re.compile(
            rf"(?:{_REST}[,!.:] ?)?"
            rf"(?:here(?:'s| is| are)|(?:below|this|what follows|the following) is) {_REST}?"
            rf"\b{_SUMMARY}\b(?:[.!]|{_REST}[:\n]|(?: (?:of|for))? {_THE_ARTICLE}{_REST}[.!])"
        ),
        # "Here are the key points:"; "Here is an overview of this article."
        re.compile(
            rf"(?:{_REST}[,!.:] ?)?here(?:'s| is| are) {_REST}?\b{_POINTS}"
            rf"(?: (?:of|from|in) {_THE_ARTICLE}{_REST})?[:.!\n]"
        ),
        # "Summary:"; "Brief summary of the article:"; "TL;DR - "; a line "Key points"
        re.compile(
            r"(?:(?:an?|the|my|your|article|news|text|brief|short|concise|quick|final|executive|draft"
            rf"|revised|one[- ]sentence) ){{0,4}}(?:{_SUMMARY}|key (?:points|takeaways))"
            r"(?: (?:of|for) [^.!?:\n]{1,100})? ?(?:[:\n]|[-–—] )"
        ),
        # "Sure! ..."; "Certainly, I can ..."
        re.compile(
            r"(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|alright|gladly|understood)"
            rf"(?:!|[,.:]? (?:here|below|let me)\b|[,.:]? {_I_WILL})"
        ),
        # "I have summarized the article below."; "I'd be happy to help"
        re.compile(_I_WILL),
        # The thoughts of a reasoning model, which its template should have taken out: between
        # "<think>", "<|START_THINKING|>", "[THINK]" and the like, or in a channel for analysis
        re.compile(
            r"(?:<\|?|◁)(?:\w{1,12}:?){0,2}(?:think|thought)|\[(?:think(?:ing)?|thoughts?)\]"
            r"|<unused94|<\|channel\|+(?:analysis|commentary)|analysis(?=[a-z])"
        ),
    ]
)


# about_article, list, title

_VERBS = (
    r"(?:discuss|describ|highlight|mention|explain|explor|outlin|stat|report|not|say|emphasi[sz]|focus"
    r"|conclud|detail|cover|examin|summari[sz]|present|provid|argu|tell|suggest)e?s\b"
)
_NOUNS = ("article", "passage", "text", "story", "report", "document")
# "The article" is said of little else; "the report" may be what the article is about.
_OF_ARTICLE = re.compile(
    rf"\b(?:the|this|an?)(?: [\w-]+){{0,2}}? (?:(article)\b|(passage|text|story|report|document)"
    rf"(?: also| further| then)? {_VERBS})",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^[^\S\n]*(?:[-*•‣▪–]|\d{1,2}[.)])\s+\S", re.MULTILINE)
_ASKS_FOR_LIST = re.compile(r"\b(?:bullet|list|points?|numbered|items?)\b", re.IGNORECASE)
ITEMS = 2
WORDS_OF_TITLE = 3


def _speaks_of_article(text: str, article: str) -> bool:
    if text.isascii() and not any(map(text.lower().__contains__, _NOUNS)):
        return False
    nouns = {(match[1] or match[2]).lower() for match in _OF_ARTICLE.finditer(text)}
    return any(re.search(rf"\b{noun}s?\b", article, re.IGNORECASE) is None for noun in nouns)


def _is_list(text: str, article: str, instructions: Sequence[str]) -> bool:
    if any(_ASKS_FOR_LIST.search(instruction) for instruction in instructions):
        return False
    return len(_ITEM.findall(text)) >= ITEMS and len(_ITEM.findall(article)) < ITEMS


def _repeats_title(text: str, title: str) -> bool:
    """Tell whether a text begins with a title that is no more than a word or two."""
    wanted, said = _words(title), _words(text[: 2 * len(title) + HEAD])
    return len(wanted) >= WORDS_OF_TITLE and said[: len(wanted)] == wanted


def unscorable(article: str, summary: str) -> str:
    """Return why a summary cannot be compared with an article at all; empty if it can."""
    if not summary.strip():
        return "the summary is empty"
    return "" if article.strip() else "the article is empty"
