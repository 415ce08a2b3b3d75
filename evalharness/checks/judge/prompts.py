"""What a judge is asked: a prompt for each protocol, in our own words.

Each follows what its paper asks for and how it reads the answer; none repeats the paper's text, so
that figures of the papers do not carry over to them unmeasured.
"""

from typing import Literal, NamedTuple

Answers = Literal["yes-no", "1-5", "spans"]
ClaimUnit = Literal["sentences", "summary"]
Aggregate = Literal["min", "mean"]
ProtocolName = Literal["minicheck", "summedits", "geval", "spans"]

# What the span prompt asks for where there is nothing to quote.
NO_SPANS = "NONE"


class Protocol(NamedTuple):
    """A prompt, how its answers are read, what is asked about at a time, and what is made of it."""

    prompt: str
    answers: Answers
    claims: ClaimUnit
    aggregate: Aggregate


# The article stands before what is asked about, so that servers can keep what they read of it.
PROTOCOLS: dict[ProtocolName, Protocol] = {
    # Tang, Laban and Durrett 2024: one claim at a time; the probability of Yes as the first token.
    "minicheck": Protocol(
        "Below are a document and a claim. Decide whether the document bears the claim out: "
        "everything the claim says must be stated in the document, or follow from it.\n\n"
        "Document:\n{article}\n\nClaim:\n{summary}\n\n"
        "Does the document bear the claim out? Answer with one word, Yes or No.",
        "yes-no",
        "sentences",
        "min",
    ),
    # Laban et al. 2023: the whole summary; a single wrong detail makes it inconsistent.
    "summedits": Protocol(
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
    "geval": Protocol(
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
    "spans": Protocol(
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
