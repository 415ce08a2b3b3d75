"""What each term means that page, terminal and docs use: one list for all of them.

The page shows a meaning on hover and on focus, `show` prints those of the terms that it used, and
`docs/glossary.md` is this list and the kinds of flags (`glossary_markdown`).
"""

import re
from collections.abc import Iterator, Mapping

from evalharness.records import FLAG_KINDS

GLOSSARY: Mapping[str, str] = {
    "likely error": (
        "A place in a summary that a check flags for a reason that people confirmed more often "
        "than not: a number, name or date that the article does not give, a negation, a swap of "
        "roles. It is likely, not certain: compare it with the article."
    ),
    "flag": (
        "A mark that a check puts on words of a summary: of what kind, why, and where the article "
        "says otherwise. Flags of new wording are not likely errors."
    ),
    "evidence": "The words of the article that bear on a sentence or flag of a summary.",
    "baseline": (
        "A simple system to beat: the first sentences of the article, random ones, or the most "
        "central ones. It copies the article, so checks find nothing wrong in it."
    ),
    "upper bound": (
        "The article's sentences chosen with the references in hand: about as far as copying "
        "sentences can get against references. It does not compete."
    ),
    "copies the article": (
        "Nearly all of its words stand in the article in the same order. A check finds nothing "
        "wrong in what is copied, so that copying makes no system the best by a check."
    ),
    "not ranked": "It did not answer every article, so that its means are over fewer.",
    "interval": (
        "Where the true mean lies in 95 of 100 such samples of articles: the bootstrap's, and "
        "Wilson's of shares."
    ),
    "significant": (
        "A difference that chance alone would hardly give: by paired randomization over the "
        "articles that all systems share, at the level .05, adjusted after Holm for how many "
        "pairs are tested. Without one, two systems need not be equally good."
    ),
    "p (Holm)": (
        "How often chance alone gives such a difference or a larger one, adjusted for the number "
        "of tests; below .05 it is called significant."
    ),
    "detectable": (
        "The smallest true difference that so many articles show in 80 of 100 such samples. "
        "Smaller ones stay unseen."
    ),
    "AUC": (
        "How often a check scores a summary that people found right above one that they found "
        "wrong: 1 always, .5 by chance."
    ),
    "band": "The meaning of a calibrated score: supported, unsure or flagged.",
    "trust card": "How well a check agrees with what people found, by source of labels.",
    "reference": "A summary that a person wrote, which metrics compare with.",
    "defect": "A fault of an output as a text: empty, looping, cut off, a refusal.",
    "rouge": (
        "Words, pairs of words and longest common sequences shared with a reference: 100 is the "
        "same text. It says what is covered, and nothing of whether it is true."
    ),
    "rouge1": "Single words shared with the reference, as F-measure times 100.",
    "rouge2": "Pairs of words shared with the reference, as F-measure times 100.",
    "rougeL": "The longest common sequence of words with the reference, times 100.",
    "rougeLsum": "rougeL sentence by sentence, as papers on summaries give it, times 100.",
    "rouge1 recall": "How much of the reference's words the summary has: longer ones have more.",
    "rouge1 precision": "How much of a summary's words the reference has: short ones have more.",
    "bleu": "Runs of one to four words shared with the references, over the whole set.",
    "chrf": "Runs of characters shared with the references, as F-measure.",
    "bertscore": "How similar the words of summary and reference are, by a network.",
    "lexical": (
        "How well each sentence of a summary is covered by words of the article, its numbers, "
        "names, dates and quotes; no network. 100: nothing was found that speaks against it."
    ),
    "numbers": "The share of a summary's numbers that the article has.",
    "entities": "The share of a summary's names that the article has.",
    "dates": "The share of a summary's dates that the article has.",
    "quotes": "The share of a summary's quotations that the article has, said by the same.",
    "nli": "How far each sentence follows from the article, by an inference network.",
    "coverage": "How much of the important content of the article is in the summary.",
    "redundancy": "How little of a summary repeats itself.",
    "fluency": "Whether a summary reads as whole sentences of its own.",
    "extractiveness": "How much of a summary is copied from the article; it ranks nobody.",
    "judge": "A language model that is asked about a summary; its answers are scored.",
    "wins": "How often, in 100 comparisons, a system's summary is preferred; a tie is half.",
}

_HEAD_OF_FLAG_KINDS = """
## Kinds of flags

`show`, the report and `samples.jsonl` give each flag a kind. A kind that is a likely error makes a
summary flagged; the others are notes, and what they mark may well be true. "It" is the article.

| kind | likely error | what is marked |
|---|---|---|
"""


def term_id(term: str) -> str:
    """Return the anchor of a term.

    >>> term_id("likely error"), term_id("p (Holm)")
    ('term-likely-error', 'term-p-holm')
    """
    return f"term-{re.sub(r'[^a-z0-9]+', '-', term.lower()).strip('-')}"


def glossary_markdown() -> str:
    """Return the glossary as the docs have it."""
    return "".join(["# Glossary\n", *_entries(), *_flag_kinds()])


def _entries() -> Iterator[str]:
    for term, meaning in sorted(GLOSSARY.items(), key=lambda entry: entry[0].lower()):
        yield f"\n**{term}**: {meaning}\n"


def _flag_kinds() -> Iterator[str]:
    """Yield a table of the names that `show`, the page and `samples.jsonl` have for flags."""
    yield _HEAD_OF_FLAG_KINDS
    for name, kind in sorted(FLAG_KINDS.items(), key=lambda entry: not entry[1].hard):
        yield f"| `{name}` | {'yes' if kind.hard else 'no'} | {kind.meaning} |\n"
