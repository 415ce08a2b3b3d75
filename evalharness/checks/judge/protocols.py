"""What a judge is asked, protocol by protocol, and what its answers come to.

A question is a form (words with fields, and how it may be answered) and the texts that fill it. Any
engine, a checkpoint or a server, takes questions of any forms together and gives a reply to each.

Each prompt follows what its paper asks for and how it reads the answer; none repeats the paper's
text, so that figures of the papers do not carry over to them unmeasured.
"""

import ast
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from evalharness import text
from evalharness.hf.prompts import without_thought
from evalharness.records import Flag, SentenceScore, Span

Answers = Literal["yes-no", "1-5", "spans", "A-B"]
Scale = tuple[int, int]
ClaimUnit = Literal["sentences", "summary"]
Aggregate = Literal["min", "mean"]
ProtocolName = Literal["minicheck", "summedits", "geval", "spans", "pairwise"]

# What the span prompt asks for where there is nothing to quote.
NO_SPANS = "NONE"


class JudgeProtocol(NamedTuple):
    """A prompt, how its answers are read, what is asked about at a time, and what is made of it.

    ending: the last words of the prompt, which say how to answer.
    """

    prompt: str
    answers: Answers
    claims: ClaimUnit
    aggregate: Aggregate
    ending: str = ""


# What is answered to "which is better?", and what that is worth to the summary shown first.
BETTER: Mapping[str, float] = {"A": 1.0, "B": 0.0, "C": 0.5}
# What counts where no criterion is named; it stands in the prompt, and another may in its place.
OVERALL = (
    "The better summary says what matters most in the article, states nothing that the article "
    "does not, and is easy to read. Which of them stands first does not matter, nor which is "
    "longer."
)
_ONE_LETTER = "Answer with one letter: A or B; or C, if they are equally good."

_ONE_WORD = "Answer with one word, Yes or No."
_RATED = "Consistency, 1 to 5 (answer with the number alone):"

# The article stands before what is asked about, so that servers can keep what they read of it.
PROTOCOLS: dict[ProtocolName, JudgeProtocol] = {
    # Tang, Laban and Durrett 2024: one claim at a time; the probability of Yes as the first token.
    "minicheck": JudgeProtocol(
        "Below are a document and a claim. Decide whether the document bears the claim out: "
        "everything the claim says must be stated in the document, or follow from it.\n\n"
        "Document:\n{article}\n\nClaim:\n{summary}\n\n"
        f"Does the document bear the claim out? {_ONE_WORD}",
        "yes-no",
        "sentences",
        "min",
        _ONE_WORD,
    ),
    # Laban et al. 2023: the whole summary; a single wrong detail makes it inconsistent.
    "summedits": JudgeProtocol(
        "Read the article, then the summary of it. The summary is consistent if each of its facts "
        "is backed by the article; one changed detail (a name, a number, who did what, a "
        "negation) makes it inconsistent.\n\n"
        "Article:\n{article}\n\nSummary:\n{summary}\n\n"
        f"Is the summary consistent with the article? {_ONE_WORD}",
        "yes-no",
        "summary",
        "min",
        _ONE_WORD,
    ),
    # Liu et al. 2023: a criterion, steps, and a rating whose expected value is the score.
    "geval": JudgeProtocol(
        "Rate one summary of a news article on one criterion.\n\n"
        "Criterion: consistency, 1 to 5. A 5 states nothing but facts that the article supports; "
        "each fact that the article does not support costs points; a 1 is mostly made up. Style, "
        "length and what is left out do not count.\n\n"
        "Steps: note the main facts of the article; hold each statement of the summary against "
        "them; then choose the number.\n\n"
        "Article:\n{article}\n\nSummary:\n{summary}\n\n" + _RATED,
        "1-5",
        "summary",
        "mean",
        _RATED,
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
# As Zheng et al. 2023 (MT-Bench) ask which of two answers is better, with a letter for a tie.
PROTOCOLS["pairwise"] = JudgeProtocol(
    "Below are an article and two summaries of it.\n\n"
    "Article:\n{article}\n\nSummary A:\n{summary}\n\nSummary B:\n{other}\n\n"
    f"Which summary is better? {OVERALL}\n\n{_ONE_LETTER}",
    "A-B",
    "summary",
    "mean",
    _ONE_LETTER,
)

RATINGS = ("1", "2", "3", "4", "5")

_RATING = re.compile(r"\A\W*(\d{1,3})(?![\d]|[.,/]\d)")
_WORD = re.compile(r"\W*(\w+)")
_LETTER = re.compile(r"\A\W*(?:[Ss]ummary\s+)?([ABC])(?=\s*(?:[^\w\s]|\n|\Z))")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_QUOTATION = re.compile(r"""\A["“”„«]+(.*?)["“”«»]+[,.;]?\Z""", re.DOTALL)


class QuestionForm(NamedTuple):
    """How a question is put, and how it may be answered.

    user: user message, with fields: {article}, {summary}, {reference}, {other}, {examples},
        {facts}; {n_sentences} and {n_facts} are numbers of lines.
    system: system message; empty for none.
    answers: those that may be given, read from the probabilities of the first token; () where the
        answer is read from its text.
    most_tokens: the most new tokens of an answer.
    schema: the JSON schema of an answer, as text; empty where it is no JSON.
    temperature: 0 takes the likeliest tokens; above it, samples are drawn.
    """

    user: str
    system: str = ""
    answers: tuple[str, ...] = ()
    most_tokens: int = 16
    schema: str = ""
    temperature: float = 0.0


class JudgeQuestion(NamedTuple):
    """What the judge is asked about: the texts of a form's fields.

    sample: which of several answers to the same question, where they are drawn.
    """

    form: QuestionForm
    article: str
    claim: str = ""
    reference: str = ""
    other: str = ""
    examples: str = ""
    facts: str = ""
    sample: int = 0

    def values(self, article: str) -> dict[str, str]:
        """Return the text of each field; article: as much of it as can be given."""
        return {
            "article": article,
            "summary": self.claim,
            "reference": self.reference,
            "other": self.other,
            "examples": self.examples,
            "facts": self.facts,
            "n_sentences": str(self.claim.count("\n") + 1),
            "n_facts": str(self.facts.count("\n") + 1),
        }


class Reply(NamedTuple):
    """What came of a question.

    logs: the log-probability of each answer that may be given, as the first token.
    text: what was written, where that was asked for. finished: it ended by itself.
    read: characters of the article, from its start, that the judge was given.
    failed: why there is no answer; passing: asked again another day, there may be one.
    n_in, n_out: tokens of the prompt and of the answer; None where nobody counted them.
    """

    logs: Mapping[str, float] | None = None
    text: str = ""
    finished: bool = True
    read: int = 0
    failed: str = ""
    passing: bool = False
    n_in: int | None = None
    n_out: int | None = None


KeepReply = Callable[[JudgeQuestion, Reply], object]


class JudgeEngine(Protocol):
    """Whoever answers: a checkpoint, or a server."""

    def ask(self, questions: Sequence[JudgeQuestion], keep: KeepReply | None = None) -> list[Reply]:
        """Return what came of each question, in order; equal questions have one answer.

        keep: is told each question and its reply as it comes, whatever ends the work.
        """
        ...


class Judgement(NamedTuple):
    """What a reply says of a claim; value: None where the answer is out of form.

    in_form: the probability that the answer is one of those that may be given.
    reason: what the judge gives as its reason; empty where it was not asked for one.
    """

    value: float | None
    in_form: float = 1.0
    reason: str = ""


def yes_or_no(reply: Reply, yes: str, no: str, least: float) -> Judgement:
    """Return the probability of yes among the two answers; of a text, 1 or 0.

    >>> yes_or_no(Reply({"Yes": math.log(0.5), "No": math.log(0.25)}), "Yes", "No", 0.1)
    Judgement(value=0.6666666666666666, in_form=0.75, reason='')
    >>> yes_or_no(Reply(text="No, because"), "Yes", "No", 0.1).value
    0.0
    """
    if reply.logs is not None:
        shares, in_form = _among_themselves(reply.logs)
        return Judgement(shares[yes] if shares and in_form >= least else None, in_form)
    found = _WORD.match(without_thought(reply.text))
    word = found[1].casefold() if found else ""
    return Judgement({yes.casefold(): 1.0, no.casefold(): 0.0}.get(word))


def rating(reply: Reply, least: float, scale: Scale = (1, 5)) -> Judgement:
    """Return the expected rating, mapped to 0 to 1; of a text, the rating it begins with.

    >>> never = -math.inf
    >>> rating(Reply({"1": never, "2": never, "3": -1.0, "4": never, "5": -1.0}), 0.1)
    Judgement(value=0.75, in_form=0.7357588823428847, reason='')
    >>> [rating(Reply(text=said), 0.1).value for said in ("5", "Score: 4", "45", "2.", "4.5")]
    [1.0, None, None, 0.25, None]
    >>> rating(Reply(text="70, as it"), 0.1, (0, 100)).value
    0.7
    """
    low, high = scale
    if reply.logs is not None:
        shares, in_form = _among_themselves(reply.logs)
        if not shares or in_form < least:
            return Judgement(None, in_form)
        expected = sum(int(digit) * share for digit, share in shares.items())
        return Judgement(min(1.0, max(0.0, (expected - low) / (high - low))), in_form)
    found = _RATING.match(without_thought(reply.text))
    return Judgement(on_scale(int(found[1]), scale) if found else None)


def better_of_two(reply: Reply, least: float) -> Judgement:
    """Return 1 where the answer is for the first of two, 0 for the second, one half for neither.

    Of probabilities the likeliest answer counts.

    >>> better_of_two(Reply({"A": -0.1, "B": -3.0, "C": -4.0}), 0.1).value
    1.0
    >>> [better_of_two(Reply(text=said), 0.1).value for said in ("B", "Summary A.", "A fine one")]
    [0.0, 1.0, None]
    """
    if reply.logs is None:
        found = _LETTER.match(without_thought(reply.text))
        return Judgement(BETTER[found[1]] if found else None)
    shares, in_form = _among_themselves(reply.logs)
    if not shares or in_form < least:
        return Judgement(None, in_form)
    most = max(shares.values())
    likeliest = {BETTER[answer] for answer, share in shares.items() if share == most}
    return Judgement(likeliest.pop() if len(likeliest) == 1 else BETTER["C"], in_form)


def chance_of_first(reply: Reply) -> float | None:
    """Return how likely the answer is for the first of two, a half of neither's; None of a text.

    >>> chance_of_first(Reply({"A": math.log(0.25), "B": math.log(0.5), "C": math.log(0.25)}))
    0.375
    """
    shares = {} if reply.logs is None else _among_themselves(reply.logs)[0]
    return sum(BETTER[answer] * share for answer, share in shares.items()) if shares else None


def on_scale(rated: int, scale: Scale) -> float | None:
    """Return a rating mapped to 0 to 1; None where it is not on the scale.

    >>> on_scale(4, (1, 5)), on_scale(0, (1, 5))
    (0.75, None)
    """
    low, high = scale
    return (rated - low) / (high - low) if low <= rated <= high else None


def object_of(written: str) -> dict[str, Any] | None:
    """Return the JSON object that an answer has, with or without words or a fence around it.

    >>> object_of('Here it is: ```json {"score": 4} ```'), object_of("4"), object_of("{4}")
    ({'score': 4}, None, None)
    """
    text_of_answer = without_thought(written)
    start, end = text_of_answer.find("{"), text_of_answer.rfind("}")
    try:
        found = json.loads(text_of_answer[start : end + 1]) if 0 <= start < end else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def list_of(written: str) -> list[Any] | None:
    """Return the list that an answer has, as JSON or as Python writes it, or in an object.

    >>> list_of("So: [{'a': 1},]"), list_of("none")
    ([{'a': 1}], None)
    """
    said = without_thought(written)
    start, end = said.find("["), said.rfind("]")
    try:
        found = ast.literal_eval(said[start : end + 1]) if 0 <= start < end else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = parse_list(said[start : end + 1])
    return found if isinstance(found, list) else None


def parse_list(said: str) -> Any:
    """Return a text as JSON; None where it is none."""
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return None


def judgement_by_pattern(reply: Reply, pattern: str, values: Mapping[str, float]) -> Judgement:
    """Return the answer that a pattern finds, and what stands before it as the reason.

    >>> judgement_by_pattern(Reply(text="Fine. Result: 4"), "Result: (.)", {"4": 0.75})
    Judgement(value=0.75, in_form=1.0, reason='Fine.')
    """
    said = without_thought(reply.text)
    found = re.search(pattern, said, re.IGNORECASE)
    if found is None:
        return Judgement(None)
    return Judgement(values.get(found[1].casefold()), reason=said[: found.start()].strip())


def judgement_in_json(reply: Reply, values: Mapping[str, float]) -> Judgement:
    """Return what the object in an answer says under `answer`, and its `reason`.

    values: what each answer that may be given is worth, by the answer in small letters.

    >>> judgement_in_json(Reply(text='{"reason": "No date.", "answer": "No"}'), {"no": 0.0})
    Judgement(value=0.0, in_form=1.0, reason='No date.')
    """
    found = object_of(reply.text) if reply.finished else None
    if found is None:
        return Judgement(None)
    answer, reason = found.get("answer"), found.get("reason")
    said = str(answer).strip().casefold() if isinstance(answer, str | int) else ""
    return Judgement(values.get(said), reason=reason.strip() if isinstance(reason, str) else "")


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


def place_of(quote: str, article: str) -> Span | None:
    """Return where a text has a quote, white space aside; None where it does not.

    >>> place_of("It  rained", "Yes. It rained.")
    Span(start=5, end=14)
    """
    found = _pattern_of(quote).search(article) if quote.strip() else None
    return Span(*found.span()) if found else None


def _pattern_of(quote: str) -> re.Pattern[str]:
    return re.compile(r"\s+".join(re.escape(word) for word in quote.split()))


def places(quotes: Sequence[str], summary: str) -> tuple[list[Span], int]:
    """Return where a summary has the quotes, in order, and how many it does not have.

    White space may differ, nothing else. A quote that comes again means its next place.
    """
    found: list[Span] = []
    n_refused = 0
    for quote in quotes:
        pattern = _pattern_of(quote)
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
