"""What a judge can be asked to rate: criteria of ours, or in the user's own words.

The prompts are ours. In each the article stands first, so that a server that keeps what it read of
a prompt reads an article once for all criteria and, after it, the summary once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from evalharness.checks.judge.protocols import (
    OVERALL,
    PROTOCOLS,
    Aggregate,
    ClaimUnit,
    JudgeProtocol,
    Scale,
)
from evalharness.hf.prompts import check_template, parts
from evalharness.records import canonical

CriterionName = Literal[
    "consistency", "coverage", "omissions", "coherence", "fluency", "relevance", "conciseness"
]
# How an answer is read: one of two words, a number, quotes, or what an object of JSON says.
AnswerKind = Literal["yes-no", "rating", "spans", "omissions", "facts", "categories", "better"]


@dataclass(frozen=True)
class Criterion:
    """A criterion in the user's own words.

    name: what its figure is called.
    text: what is rated, in the language of the judge; or a whole prompt, with {article} and
        {summary} in it and, if wanted, {reference}.
    scale: the lowest and the highest rating; whole numbers.
    """

    name: str
    text: str
    scale: Scale = (1, 5)

    def __post_init__(self) -> None:
        """Check name, text and scale. Raises: ValueError."""
        if not self.name.isidentifier():
            raise ValueError(f"criteria: {self.name!r} is no name (letters, digits, _)")
        if self.name in get_args(CriterionName):
            raise ValueError(f"criteria: {self.name} is one of ours; give yours another name")
        check_scale("criteria", self.scale)
        if self.is_prompt:
            check_prompt("criteria", self.text)
        elif not self.text.strip():
            raise ValueError(f"criteria: {self.name} says nothing in its text")

    @property
    def is_prompt(self) -> bool:
        """Whether the text has fields, and so is a whole prompt."""
        try:
            return any(name is not None for _, name in parts(self.text))
        except ValueError:  # a brace alone: a prompt that is wrong
            return True


def check_scale(option: str, scale: Scale) -> None:
    """Check that a scale can be rated on. Raises: ValueError that begins with the option."""
    low, high = scale
    if not 0 <= low < high <= 100:
        raise ValueError(f"{option}: a scale goes up, from 0 at the least to 100 at the most")


def check_prompt(option: str, prompt: str) -> None:
    """Check the fields of a whole prompt. Raises: ValueError that begins with the option."""
    if any(name == "other" for _, name in _parts(option, prompt)):
        raise ValueError(f"{option}: {{other}} is the other summary of `protocol: pairwise`")
    check_template(option, prompt, ["article", "summary"], ["reference", "examples"])


def _parts(option: str, prompt: str) -> list[tuple[str, str | None]]:
    try:
        return parts(prompt)
    except ValueError as error:
        raise ValueError(f"{option}: {error}; a brace that is text is doubled") from None


class Aspect(NamedTuple):
    """One thing that a judge is asked of a summary.

    name: of the criterion; empty where a protocol is all that is asked.
    prompt: with fields; ending: its last words, which say how to answer.
    reading, scale: how the answer is read. claims: what of the summary is asked about at a time.
    aggregate: what is made of several claims. pattern: finds the answer in a text, as its group;
    empty where the text begins with it. is_published: whether the prompt is a paper's, and so says
    itself how to answer.
    """

    name: str
    prompt: str
    ending: str
    reading: AnswerKind
    scale: Scale
    claims: ClaimUnit
    aggregate: Aggregate
    pattern: str = ""
    is_published: bool = False

    @property
    def needs_reference(self) -> bool:
        """Whether the prompt has the reference in it."""
        return any(name == "reference" for _, name in parts(self.prompt))


# What is rated, after the definitions of Fabbri et al. 2021 (SummEval), in words of ours.
RATED: Mapping[CriterionName, str] = {
    "consistency": "Consistency: the summary states nothing but what the article says or what "
    "follows from it. A wrong name, number, date or link between facts counts, and so does what "
    "the article does not mention. Style and what is left out do not count.",
    "coherence": "Coherence: the sentences of the summary build on each other and make one text "
    "that can be followed from its first sentence to its last; it is no heap of separate facts.",
    "fluency": "Fluency: each sentence of the summary is grammatical, whole and easy to read: no "
    "broken sentences, wrong forms, stray characters or formatting.",
    "relevance": "Relevance: the summary picks what is most important in the article, and leaves "
    "out what is not.",
    "conciseness": "Conciseness: the summary says what it says in as few words as it takes: no "
    "repetition, no asides, no detail that somebody who wants the main points can do without.",
}

_TEXTS = "Article:\n{article}\n\nSummary:\n{summary}\n\n"
_RATE = (
    "Below are an article and a summary of it.\n\n" + _TEXTS + "Rate the summary on one criterion, "
    "from {low} (not at all) to {high} (entirely).\n\n{criterion}\n\n"
)
_NUMBER = "Answer with the number alone."

# As omissions are asked for end to end in arXiv 2510.07926: one question, no list of facts before.
_OMISSIONS = (
    "Below are an article and a summary of it.\n\n" + _TEXTS + "Which important information of the "
    "article does the summary leave out? Information is important if somebody who reads the "
    "summary in place of the article would miss it. List at most five omissions, the gravest "
    "first; an empty list if there is none. Then rate how complete the summary is, from 1 (what "
    "matters is missing) to 5 (nothing that matters is missing).\n\n"
)
_OMISSIONS_END = (
    'Answer with a JSON object: {{"omitted": [{{"quote": a sentence of the article, letter by '
    'letter, that says what is left out, "reason": why it matters}}], "answer": the rating}}'
)

MOST_FACTS = 16
# Key facts, then which sentence of the summary says each: Song et al. 2024 (FineSurE).
FACTS_PROMPT = (
    "Article:\n{article}\n\n"
    f"List the key facts of this article: at most {MOST_FACTS}, the most important first. A key "
    "fact is a short sentence with one piece of information, which can be understood by itself "
    "and names who and what is meant.\n\n"
    'Answer with a JSON object: {{"facts": [{{"fact": the key fact, "quote": the sentence of the '
    "article that says it, letter by letter}}]}}"
)
MATCH_PROMPT = (
    "Key facts:\n{facts}\n\nSummary, sentence by sentence:\n{summary}\n\n"
    "For each key fact, say which sentences of the summary state it. A fact is stated if somebody "
    "who reads only these sentences knows it, in whatever words.\n\n"
    'Answer with a JSON object: {{"facts": [{{"fact": the number of the key fact, "sentences": '
    "the numbers of the sentences that state it, empty if none does}}]}}"
)


def aspect_of(criterion: str | Criterion) -> Aspect:
    """Return what a criterion asks. Raises: ValueError for a name that is none."""
    if isinstance(criterion, Criterion):
        return _own_aspect(criterion)
    if criterion == "coverage":
        return Aspect(criterion, MATCH_PROMPT, "", "facts", (1, 5), "summary", "mean")
    if criterion == "omissions":
        return Aspect(
            criterion, _OMISSIONS + _OMISSIONS_END, _OMISSIONS_END, "omissions", (1, 5), "summary",
            "mean",
        )  # fmt: skip
    for name, words in RATED.items():
        if name == criterion:
            return _rating_aspect(name, words, (1, 5))
    known = ", ".join(get_args(CriterionName))
    raise ValueError(f"criteria: no criterion {criterion!r}; there are {known}, or your own text")


def _rating_aspect(name: str, words: str, scale: Scale) -> Aspect:
    said = words.strip().replace("{", "{{").replace("}", "}}")
    filled = _RATE.replace("{low}", str(scale[0])).replace("{high}", str(scale[1]))
    prompt = filled.replace("{criterion}", said) + _NUMBER
    return Aspect(name, prompt, _NUMBER, "rating", scale, "summary", "mean")


def _own_aspect(criterion: Criterion) -> Aspect:
    if not criterion.is_prompt:
        return _rating_aspect(criterion.name, criterion.text, criterion.scale)
    return Aspect(criterion.name, criterion.text, "", "rating", criterion.scale, "summary", "mean")


def aspect_of_protocol(protocol: JudgeProtocol, prompt: str | None, scale: Scale | None) -> Aspect:
    """Return what a protocol asks. prompt: the user's, in place of the protocol's own."""
    kinds: dict[str, AnswerKind] = {"1-5": "rating", "A-B": "better", "yes-no": "yes-no"}
    reading = kinds.get(protocol.answers, "spans")
    return Aspect(
        "",
        protocol.prompt if prompt is None else prompt,
        protocol.ending if prompt is None else "",
        reading,
        scale or (1, 5),
        protocol.claims,
        protocol.aggregate,
    )


def pairwise_aspect(criterion: str | Criterion | None, prompt: str | None) -> Aspect:
    """Return what is asked of two summaries: which is better by a criterion, or by a prompt."""
    asked = aspect_of_protocol(PROTOCOLS["pairwise"], prompt, None)
    if criterion is None:
        return asked
    if isinstance(criterion, Criterion):
        name, words = criterion.name, "" if criterion.is_prompt else criterion.text
    else:
        name, words = criterion, next((w for n, w in RATED.items() if n == criterion), "")
    if not words:
        known = ", ".join(RATED)
        raise ValueError(f"criteria: pairwise takes one of {known}, or your own name and text")
    said = words.strip().replace("{", "{{").replace("}", "}}")
    return asked._replace(name=name, prompt=asked.prompt.replace(OVERALL, said))


# JSON: the schema of each kind of answer, as strict as servers ask for: all fields required.


def _object(**properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}
_INTEGER = {"type": "integer"}


def _list_of(inner: object) -> dict[str, object]:
    return {"type": "array", "items": inner}


def answer_schema(answers: Sequence[str | int]) -> str:
    """Return the schema of a reason and one of some answers."""
    kind = "integer" if isinstance(answers[0], int) else "string"
    return canonical(_object(reason=_TEXT, answer={"type": kind, "enum": list(answers)}))


OMISSIONS_SCHEMA = canonical(
    _object(
        omitted=_list_of(_object(quote=_TEXT, reason=_TEXT)),
        answer={"type": "integer", "enum": [1, 2, 3, 4, 5]},
    )
)
FACTS_SCHEMA = canonical(_object(facts=_list_of(_object(fact=_TEXT, quote=_TEXT))))
MATCH_SCHEMA = canonical(
    _object(facts=_list_of(_object(fact=_INTEGER, sentences=_list_of(_INTEGER))))
)


def json_ending(answers: Sequence[str | int]) -> str:
    """Return the words that ask for a reason and an answer as JSON; braces are doubled.

    >>> json_ending(["Yes", "No"])
    'Answer with a JSON object: {{"reason": why, in a sentence, "answer": "Yes" or "No"}}'
    """
    said = f"a number from {answers[0]} to {answers[-1]}"
    if isinstance(answers[0], str):
        said = " or ".join(f'"{answer}"' for answer in answers)
    return f'Answer with a JSON object: {{{{"reason": why, in a sentence, "answer": {said}}}}}'
