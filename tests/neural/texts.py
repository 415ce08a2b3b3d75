"""Pairs of article and summary, invented here: short, long, tokenised, in other scripts."""

import hashlib
import json
import random
import re
from collections.abc import Callable

from evalharness.records import Span

_SUBJECTS = [
    "The mayor",
    "The city council",
    "A ferry from the harbour",
    "Police in Port Ellery",
    "The school board",
    "Dr. Anna Weiss",
    "The old bridge",
    "A storm from the west",
    "The bank",
    "The visiting team",
    "A judge at the county court",
    "The train company",
]
_VERBS = [
    "voted against",
    "opened",
    "closed",
    "paid for",
    "reported on",
    "refused to rebuild",
    "lost",
    "will replace",
    "found no fault with",
    "asked the people about",
    "argued for three hours over",
    "had not expected",
]
_OBJECTS = [
    "the new budget",
    "the station road",
    "a plan for 40 schools",
    "the fire of 1987",
    "its first match",
    "a report of £2.5 million",
    "the river crossing",
    "two ferries and a train",
    "the price of bread",
    "the last vote of the year",
    "ten percent of the harbour",
    "a letter from the ministry",
]
_ENDS = [
    " on Monday",
    " in the first week of May",
    " after heavy rain",
    ", officials said",
    " without a word",
    ", according to the minutes",
    " for the third time",
    " despite the cost",
    "",
]

Pair = tuple[str, str]
_SENTENCE = re.compile(r"\S(?:.*?[.!?…。]+(?=\s|\Z)|.*\S|)", re.DOTALL)


def sentence(rng: random.Random) -> str:
    """Return an invented sentence."""
    parts = [rng.choice(of) for of in (_SUBJECTS, _VERBS, _OBJECTS, _ENDS)]
    return f"{parts[0]} {parts[1]} {parts[2]}{parts[3]}."


def article(rng: random.Random, n: int, per_paragraph: int = 4, gap: str = "\n") -> str:
    """Return an invented article of n sentences in paragraphs."""
    sentences = [sentence(rng) for _ in range(n)]
    starts = range(0, n, per_paragraph)
    return gap.join(" ".join(sentences[start : start + per_paragraph]) for start in starts)


def summary(rng: random.Random, text: str, n: int) -> str:
    """Return n sentences: some of the article, some with a word changed, some foreign."""
    written: list[str] = []
    for _ in range(n):
        copied = rng.choice(re.split(r"(?<=\.)\s+", text.strip()))
        kind = rng.randrange(3)
        if kind == 1:
            words = copied.split()
            words[rng.randrange(len(words))] = rng.choice(["never", "three", "Weiss", "closed"])
            copied = " ".join(words)
        written.append(sentence(rng) if kind == 2 else copied)
    return " ".join(written)


def _tokenised(text: str) -> str:
    return re.sub(r"([.,;:!?()])", r" \1 ", text).replace("  ", " ").strip().lower()


_ODD: list[Pair] = [
    ("Rain fell.\n\nThe river rose, and the bridge was closed.", "The bridge closed after rain."),
    (
        "“We did not vote,” said Zoë Núñez – the mayor of Æbeltoft – at 7 a.m. on Tuesday.",
        "Zoë Núñez, the mayor of Æbeltoft, said they did not vote.",
    ),
    ("市议会周一投票反对新预算。市长说道路将关闭。", "市议会投票反对预算。"),
    (
        "Мэр города закрыл старый мост. Дождь шёл всю неделю.",
        "Мост закрыт из-за дождя, сказал мэр.",
    ),
    ("The team won 🏆 3–1! Nobody had expected it… The\u00a0fans sang.", "The team lost 3–1 🏆."),
    (
        "Costs rose.\r\nThe bank paid £2.5 million.\r\n",
        "The bank paid £2.5 million.\r\nCosts rose.",
    ),
    ("A ferry sank near the harbour and no one was hurt at all", "ferry"),
    ("one two three four five", "five four three two one, and then ten more of them"),
    (
        "The council met. It voted. It lost. No. Yes. The vote was on the budget of the school.",
        "It lost the vote on the budget. It voted for the school and against the road.",
    ),
    (
        "First line of a list\n- the bridge is closed to traffic\n- the ferry is free this week\n",
        "- the bridge is open\n- the ferry is not free this week",
    ),
]


def pairs() -> list[Pair]:
    """Return the pairs on which the authors' code and ours are compared.

    Every one of them is something that the authors' code can score: nothing empty.
    """
    rng = random.Random(20261125)
    made: list[Pair] = list(_ODD)
    for n, n_summary in [(1, 1), (2, 1), (3, 2), (5, 2), (6, 3), (8, 3), (9, 1), (12, 4), (16, 3)]:
        text = article(rng, n, gap=rng.choice(["\n", "\n\n", " "]))
        made.append((text, summary(rng, text, n_summary)))
    for n in (4, 7, 11):  # as FRANK and SummEval have them
        text = article(rng, n, gap=" ")
        made.append((_tokenised(text), _tokenised(summary(rng, text, 2))))
    shared = article(rng, 10)
    made += [(shared, summary(rng, shared, n)) for n in (1, 2, 3)]
    for n, n_summary in [(45, 2), (70, 3), (110, 2), (160, 1)]:  # of several chunks
        text = article(rng, n)
        made.append((text, summary(rng, text, n_summary)))
    unbroken = " and ".join(sentence(rng)[:-1] for _ in range(60))  # one sentence above all limits
    made.append((unbroken + ".", summary(rng, article(rng, 5), 1)))
    text = article(rng, 3)
    made.append((text, " and ".join(sentence(rng)[:-1] for _ in range(45)) + "."))
    made.append((text, summary(rng, text, 13)))
    return made


def split(text: str) -> list[Span]:
    """Split into sentences by a rule so plain that it can be put into any package.

    >>> [span.of("Yes. No!  Dr. X") for span in split("Yes. No!  Dr. X")]
    ['Yes.', 'No!', 'Dr.', 'X']
    """
    return [Span(*match.span()) for match in _SENTENCE.finditer(text)]


def split_texts(text: str) -> list[str]:
    """Return the sentences as nltk's function does: their text."""
    return [span.of(text) for span in split(text)]


def digest(of: Callable[[], list[Pair]] = pairs) -> str:
    """Return a hash of the pairs, which fixtures carry."""
    return hashlib.sha256(json.dumps(of()).encode()).hexdigest()[:16]
