"""What a judge is asked, protocol by protocol, and what its answers come to.

Each prompt follows what its paper asks for and how it reads the answer; none repeats the paper's
text, so that figures of the papers do not carry over to them unmeasured.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from evalharness import text
from evalharness.hf.prompts import without_thought
from evalharness.records import Flag, SentenceScore, Span

Answers = Literal["yes-no", "1-5", "spans"]
ClaimUnit = Literal["sentences", "summary"]
Aggregate = Literal["min", "mean"]
ProtocolName = Literal["minicheck", "summedits", "geval", "spans"]

# What the span prompt asks for where there is nothing to quote.
NO_SPANS = "NONE"


class JudgeProtocol(NamedTuple):
    """A prompt, how its answers are read, what is asked about at a time, and what is made of it."""

    prompt: str
    answers: Answers
    claims: ClaimUnit
    aggregate: Aggregate


# The article stands before what is asked about, so that servers can keep what they read of it.
PROTOCOLS: dict[ProtocolName, JudgeProtocol] = {
    # Tang, Laban and Durrett 2024: one claim at a time; the probability of Yes as the first token.
    "minicheck": JudgeProtocol(
        "Below are a document and a claim. Decide whether the document bears the claim out: "
        "everything the claim says must be stated in the document, or follow from it.\n\n"
        "Document:\n{article}\n\nClaim:\n{summary}\n\n"
        "Does the document bear the claim out? Answer with one word, Yes or No.",
        "yes-no",
        "sentences",
        "min",
    ),
    # Laban et al. 2023: the whole summary; a single wrong detail makes it inconsistent.
    "summedits": JudgeProtocol(
        "Read the article, then the summary of it. The summary is consistent if each of its facts "
        "is backed by the article; one changed detail (a name, a number, who did what, a "
        "negation) makes it inconsistent.\n\n"
        "Article:\n{article}\n\nSummary:\n{summary}\n\n"
        "Is the summary consistent with the article? Answer with one word, Yes or No.",
        "yes-no",
        "summary",
        "min",
    ),
    # Liu et al. 2023: a criterion, steps, and a rating whose expected value is the score.
    "geval": JudgeProtocol(
        "Rate one summary of a news article on one criterion.\n\n"
        "Criterion: consistency, 1 to 5. A 5 states nothing but facts that the article supports; "
        "each fact that the article does not support costs points; a 1 is mostly made up. Style, "
        "length and what is left out do not count.\n\n"
        "Steps: note the main facts of the article; hold each statement of the summary against "
        "them; then choose the number.\n\n"
        "Article:\n{article}\n\nSummary:\n{summary}\n\n"
        "Consistency, 1 to 5 (answer with the number alone):",
        "1-5",
        "summary",
        "mean",
    ),
    # As span annotation is asked for in LettuceDetect's and FaithBench's guidelines.
    "spans": JudgeProtocol(
        "Find the parts of a summary that its article does not support: what contradicts the "
        "article, and what it does not say.\n\n"
        "Article:\n{article}\n\nSummary:\n{summary}\n\n"
        "Copy each unsupported part of the summary, as short as possible and letter by letter as "
        "it stands there, on a line of its own between double quotes. Write no other words. If "
        f"all is supported, write {NO_SPANS}.",
        "spans",
        "summary",
        "mean",
    ),
}

RATINGS = ("1", "2", "3", "4", "5")

_RATING = re.compile(r"\A\W*([1-5])(?![\d]|[.,/]\d)")
_WORD = re.compile(r"\W*(\w+)")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_QUOTATION = re.compile(r"""\A["“”„«]+(.*?)["“”«»]+[,.;]?\Z""", re.DOTALL)


class JudgeQuestion(NamedTuple):
    """What the judge is asked about."""

    article: str
    claim: str


class Reply(NamedTuple):
    """What came of a question.

    logs: the log-probability of each answer that may be given, as the first token.
    text: what was written, where that was asked for. finished: it ended by itself.
    read: characters of the article, from its start, that the judge was given.
    failed: why there is no answer; passing: asked again another day, there may be one.
    """

    logs: Mapping[str, float] | None = None
    text: str = ""
    finished: bool = True
    read: int = 0
    failed: str = ""
    passing: bool = False


class QuestionForm(NamedTuple):
    """How every question is put, and how it may be answered.

    user: user message, with {article} and {summary}. system: system message; empty for none.
    answers: those that may be given, read from the probabilities of the first token; () where the
    answer is read from its text. most_tokens: the most new tokens of an answer.
    """

    user: str
    system: str
    answers: tuple[str, ...]
    most_tokens: int


class JudgeEngine(Protocol):
    """Whoever answers: a checkpoint, or a server."""

    def ask(self, questions: Sequence[JudgeQuestion]) -> list[Reply]:
        """Return what came of each question, in order."""
        ...


class Judgement(NamedTuple):
    """What a reply says of a claim; value: None where the answer is out of form.

    in_form: the probability that the answer is one of those that may be given.
    """

    value: float | None
    in_form: float = 1.0


def yes_or_no(reply: Reply, yes: str, no: str, least: float) -> Judgement:
    """Return the probability of yes among the two answers; of a text, 1 or 0.

    >>> yes_or_no(Reply({"Yes": math.log(0.5), "No": math.log(0.25)}), "Yes", "No", 0.1)
    Judgement(value=0.6666666666666666, in_form=0.75)
    >>> yes_or_no(Reply(text="No, because"), "Yes", "No", 0.1).value
    0.0
    """
    if reply.logs is not None:
        shares, in_form = _among_themselves(reply.logs)
        return Judgement(shares[yes] if shares and in_form >= least else None, in_form)
    found = _WORD.match(without_thought(reply.text))
    word = found[1].casefold() if found else ""
    return Judgement({yes.casefold(): 1.0, no.casefold(): 0.0}.get(word))


def rating(reply: Reply, least: float) -> Judgement:
    """Return the expected rating, 1 to 5, mapped to 0 to 1; of a text, the rating it begins with.

    >>> never = -math.inf
    >>> rating(Reply({"1": never, "2": never, "3": -1.0, "4": never, "5": -1.0}), 0.1)
    Judgement(value=0.75, in_form=0.7357588823428847)
    >>> [rating(Reply(text=said), 0.1).value for said in ("5", "Score: 4", "45", "2.", "4.5")]
    [1.0, None, None, 0.25, None]
    """
    if reply.logs is not None:
        shares, in_form = _among_themselves(reply.logs)
        if not shares or in_form < least:
            return Judgement(None, in_form)
        expected = sum(int(digit) * share for digit, share in shares.items())
        return Judgement(min(1.0, max(0.0, (expected - 1) / 4)), in_form)
    found = _RATING.match(without_thought(reply.text))
    return Judgement((int(found[1]) - 1) / 4 if found else None)


def _among_themselves(logs: Mapping[str, float]) -> tuple[dict[str, float], float]:
    """Return the probability of each answer if it is one of these, and that it is.

    Of answers that are all impossible, or no numbers (an overflow), there are no shares.
    """
    most = max(logs.values())
    if most == -math.inf or any(math.isnan(log) for log in logs.values()):
        return {}, 0.0
    relative = {answer: math.exp(log - most) for answer, log in logs.items()}
    whole = sum(relative.values())
    shares = {answer: value / whole for answer, value in relative.items()}
    return shares, min(1.0, math.exp(most) * whole)


def quoted_lines(written: str) -> list[str] | None:
    """Return what an answer quotes, line by line; None where it has other lines as well.

    >>> quoted_lines('- "in May"\\n"40 people".'), quoted_lines("NONE"), quoted_lines("I think")
    (['in May', '40 people'], [], None)
    """
    lines = [line.strip() for line in without_thought(written).splitlines() if line.strip()]
    if [line.strip(".\"'*` ").upper() for line in lines] == [NO_SPANS]:
        return []
    quotes = [_QUOTATION.match(_BULLET.sub("", line)) for line in lines]
    if not lines or not all(quotes):
        return None
    return [quote[1] for quote in quotes if quote and quote[1].strip()]


def why_not_quotes(written: str) -> str:
    """Say why an answer that should quote line by line does not.

    >>> why_not_quotes(""), why_not_quotes("The summary is fine.")
    ('the answer is empty', "a line is no quotation: 'The summary is fine.'")
    """
    lines = [line.strip() for line in without_thought(written).splitlines() if line.strip()]
    wrong = [line for line in lines if not _QUOTATION.match(_BULLET.sub("", line))]
    if not wrong:
        return "the answer is empty"
    shown = wrong[0] if len(wrong[0]) <= 60 else f"{wrong[0][:59]}…"
    return f"a line is no quotation: {shown!r}"


def places(quotes: Sequence[str], summary: str) -> tuple[list[Span], int]:
    """Return where a summary has the quotes, in order, and how many it does not have.

    White space may differ, nothing else. A quote that comes again means its next place.
    """
    found: list[Span] = []
    n_refused = 0
    for quote in quotes:
        pattern = re.compile(r"\s+".join(re.escape(word) for word in quote.split()))
        spans = (Span(*match.span()) for match in pattern.finditer(summary))
        fresh = next((span for span in spans if span not in found), None)
        if fresh is not None:
            found.append(fresh)
        elif not pattern.search(summary):
            n_refused += 1
    return sorted(found), n_refused


def flags_of(spans: Sequence[Span]) -> tuple[Flag, ...]:
    """Return a flag for each span that the judge quoted."""
    return tuple(Flag(span, "judge", "the judge finds no support for this") for span in spans)


def sentence_shares(
    summary: str, sentences: Sequence[Span], wrong: Sequence[Span]
) -> tuple[SentenceScore, ...]:
    """Return for each sentence that has words the share of them that are not quoted as wrong."""
    words = text.words(summary)
    scores: list[SentenceScore] = []
    for sentence in sentences:
        own = [word for word in words if sentence.start <= word.start < sentence.end]
        n_wrong = sum(any(w.start < word.end and word.start < w.end for w in wrong) for word in own)
        if own:
            scores.append(SentenceScore(sentence, 1 - n_wrong / len(own)))
    return tuple(scores)
