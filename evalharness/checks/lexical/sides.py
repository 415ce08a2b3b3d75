"""Does somebody speak for what the article has somebody speak against?

`Voted for the closure`, where it is `voted against the closure`; `for` alone says too little to be
held against anything, as `up` and `down` are.
"""

from collections.abc import Iterator

from evalharness.checks.lexical.passages import MOST_CANDIDATES, Passages
from evalharness.records import Flag, Span
from evalharness.text.words import stem_of, word_set

# Who does so with one of these behind it takes a side, as stems.
_TAKING_SIDES = word_set(
    "vote ballot argu argument campaign lobbi speak spoke rule testifi ralli protest demonstr "
    "decid appeal petition agit plead"
)
_FOR, _AGAINST = "for", "against"
_OTHER = {_FOR: _AGAINST, _AGAINST: _FOR}


def wrong_sides(article: Passages, own: Passages) -> Iterator[Flag]:
    """Yield where a summary takes a side on a thing on which the article takes the other only."""
    if _AGAINST not in article.places and _AGAINST not in own.columns.words:
        return
    for at, side in enumerate(own.columns.words):
        if side not in _OTHER:
            continue
        verb, thing = _verb(own, at), _topic(own, at)
        if not (verb and thing):
            continue
        places = article.places.get(verb, ())[:MOST_CANDIDATES]
        sides = {
            article.columns.words[place + 1]: place
            for place in places
            if article.columns.words[place + 1 : place + 2] in ([_FOR], [_AGAINST])
            and _topic(article, place + 1) == thing
        }
        if sides.keys() == {_OTHER[side]}:
            place = sides[_OTHER[side]]
            found = article.span(place, place + 1)
            number = article.sentence_at(found.start) + 1
            message = f"the article says {found.of(article.text)!r}, in sentence {number}"
            yield Flag(own.span(at - 1, at), "antonym", message, (found,))


def _verb(where: Passages, at: int) -> str:
    """Return the stem of who takes a side right before a word, if anything does."""
    stem = where.stems[at - 1] if at > where.bounds(at)[0] else ""
    return stem if stem in _TAKING_SIDES else ""


def _topic(where: Passages, at: int) -> str:
    """Return the stem of the word of content behind a side: the closure."""
    token = where.token(at)
    return stem_of(where.word_behind(Span(token.start, token.end)))
