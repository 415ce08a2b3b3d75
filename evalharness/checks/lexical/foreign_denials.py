"""What the article denies and a summary says, or the other way, where a language is not English.

Only near-copies are told: all words of content of a summary's sentence stand in one clause of the
article, which has few others, and a word such as `nicht` stands in one of the two alone.
"""

import itertools
from collections.abc import Iterator, Sequence

from evalharness.checks.lexical.passages import Passages, passages_of_summary
from evalharness.records import Flag, Span
from evalharness.text.languages import small_words
from evalharness.text.words import fold


def _fold_all(words: str) -> frozenset[str]:
    return frozenset(map(fold, words.split()))


# Words that deny; `plus` of French, `personne` and their kin mean other things, too.
_DENYING = {
    "de": _fold_all("nicht kein keine keinen keinem keiner keines nie niemals niemand nichts"),
    "fr": _fold_all("pas jamais aucun aucune rien"),
    "es": _fold_all("no nunca jamás nadie ninguno ninguna ningún"),
    "it": _fold_all("non mai nessuno nessuna nessun"),
    "pt": _fold_all("não nunca ninguém nenhum nenhuma"),
    "nl": _fold_all("niet geen nooit niemand"),
    "sv": _fold_all("inte ingen inga inget aldrig"),
    "ru": _fold_all("не нет никогда никто"),
}
# What makes of a denial something else behind it: `nicht nur`.
_NO_DENIAL = _fold_all("nur seulement solo sólo solamente soltanto só apenas alleen bara только")
# Of so many words of content a sentence must be to be told by them, and such a share of a clause.
LEAST_TOLD = 3
LEAST_OF_CLAUSE = 0.75


def denials(article: Passages, summary: str) -> Iterator[Flag]:
    """Yield the sentences of a summary that the article has nearly word for word, but denied.

    Or that are denied, where the article says it.
    """
    denying = _DENYING.get(article.language)
    if denying is None:
        return
    own = passages_of_summary(summary)
    clauses = [*_clauses(article)]
    for first, end in itertools.pairwise(own.first):
        words = own.columns.words[first:end]
        content = frozenset(words) - small_words(article.language) - denying
        if len(content) < LEAST_TOLD:
            continue
        for start, stop in clauses:
            theirs = article.columns.words[start:stop]
            told = frozenset(theirs) - small_words(article.language) - denying
            if not _is_near_copy(content, told):
                continue
            if _denies(words, denying) != _denies(theirs, denying):
                yield _flag(own, article, (first, end), (start, stop), denying)
            break


def _clauses(text: Passages) -> Iterator[tuple[int, int]]:
    """Yield the first word of each clause and the one behind its last."""
    marks = text.columns.after_mark
    for first, end in itertools.pairwise(text.first):
        starts = [first, *(at for at in range(first + 1, end) if marks[at]), end]
        yield from itertools.pairwise(starts)


def _is_near_copy(content: frozenset[str], theirs: frozenset[str]) -> bool:
    return content <= theirs and len(content) >= LEAST_OF_CLAUSE * len(theirs)


def _denies(words: Sequence[str], denying: frozenset[str]) -> bool:
    pairs = itertools.pairwise([*words, ""])
    return any(word in denying and after not in _NO_DENIAL for word, after in pairs)


def _flag(
    own: Passages,
    article: Passages,
    sentence: tuple[int, int],
    clause: tuple[int, int],
    denying: frozenset[str],
) -> Flag:
    first, end = sentence
    words = own.columns.words
    span = next(
        (own.span(at, at) for at in range(first, end) if words[at] in denying),
        own.span(first, end - 1),
    )
    evidence = article.span(clause[0], clause[1] - 1)
    number = article.sentence_at(evidence.start) + 1
    said = "denies it" if span == own.span(first, end - 1) else "says it without"
    return Flag(Span(*span), "negation", f"the article {said}, in sentence {number}", (evidence,))
