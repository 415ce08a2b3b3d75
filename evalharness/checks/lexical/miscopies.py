"""What a summary that copies puts together wrongly, and what it makes up beside what it has.

A word that stands twice, halves of two sentences as one, a reason of which the article has no word.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

from evalharness import text
from evalharness.checks.lexical.alignment import (
    MOST_SKIPPED,
    Aligned,
    Wording,
    WordRun,
    close_pairs,
    evidence,
    is_novel,
    votes,
)
from evalharness.checks.lexical.scoring import in_order
from evalharness.checks.lexical.support import (
    LEAST_COPIED,
    LEAST_JUDGED,
    MOST_QUOTED,
    MOSTLY_NOVEL,
)
from evalharness.checks.lexical.words import (
    BEFORE_DURATION,
    CIRCUMSTANCES,
    CLAUSE_WORDS,
    DURATIONS,
    GENERAL_STEMS,
    SAYING,
    TIME_CLAIMS,
)
from evalharness.records import Flag, Span

# A sentence that copies: such a share of its words of content is the article's. In one, a word that
# stands again so soon is a likely error if no sentence of the article has it so often.
COPIED_WORDS = 0.99
LONG_COPIED = 6
# A sentence of which the article has no more words is of another matter, and is not asked.
FOREIGN_WORDS = 0.8
CLOSE_ENOUGH = 0.6
REACH_OF_DOUBLE, REACH_OF_PAIR = 14, 4

# The rest of a sentence whose reason is invented has so many words of content.
LEAST_OUTSIDE = 2


def miscopied(article: Wording, summary: str) -> Iterator[Flag]:
    """Yield what a summary that copies put together wrongly: doubled words, spliced halves."""
    found = [aligned for _, aligned in article.aligned(summary)]
    shares = [aligned.known for aligned in found]
    known = [share >= COPIED_WORDS for share in shares]
    if not any(known):
        return
    pieces = [[*_pieces(article, aligned)] for aligned in found]
    of_article = [share > FOREIGN_WORDS for share in shares]
    n_words = sum(len(aligned.tokens) for aligned in itertools.compress(found, of_article))
    n_pieces = sum(map(len, itertools.compress(pieces, of_article)))
    in_long_pieces = known == of_article and n_words >= LONG_COPIED * n_pieces
    for aligned, is_known, parts in zip(found, known, pieces, strict=True):
        if is_known and aligned.cost and len(aligned.tokens) >= LEAST_COPIED * len(parts):
            for at in doubled_words(article, aligned):
                yield _doubled_flag(article, aligned, at)
        may_splice = is_known and in_long_pieces and len(parts) > 1
        if may_splice and (seam := spliced_at(article, aligned, parts)):
            yield _spliced_flag(article, aligned, *seam)


def foreign_circumstances(article: Wording, summary: str) -> Iterator[Flag]:
    """Yield reasons and the like that the article has no word of, where it has the rest."""
    for _, aligned in article.aligned(summary):
        if not aligned.cost:
            continue
        words = [token.word for token in aligned.tokens]
        past = -1
        for first, last in _circumstances(aligned, words):
            is_foreign = first > past and _only_is_foreign(article, aligned, first, last)
            if is_foreign and not _has_its_numbers(article, aligned, first, last, summary):
                yield _circumstance_flag(article, aligned, first, last)
                past = last
        if not _LAST_OF_TIMES.isdisjoint(words):
            for first, last in _foreign_times(article, words):
                yield _circumstance_flag(article, aligned, first, last)


def doubled_words(article: Wording, aligned: Aligned) -> Iterator[int]:
    """Yield which words stand in a sentence again, soon, and in no sentence of the article.

    `Anderlecht want to sign Anderlecht's teenager`: the second is in the place of another word.
    """
    counted = Counter(aligned.own)
    last: dict[str, int] = {}
    for at, (token, key) in enumerate(zip(aligned.tokens, aligned.own, strict=True)):
        if token.after_mark:
            last.clear()
        if not token.content or key[:1].isdigit() or token.stem in GENERAL_STEMS:
            continue
        before = last.get(token.word, -REACH_OF_DOUBLE)
        is_near = at - before < REACH_OF_DOUBLE
        if is_near and at - before <= REACH_OF_PAIR:  # Leicester City and Birmingham City
            is_near = all(each.word not in ("and", "or") for each in aligned.tokens[before:at])
        if is_near and key in article and counted[key] > article.most_in_sentence(key):
            yield at
        last[token.word] = at


def spliced_at(
    article: Wording, aligned: Aligned, pieces: Sequence[WordRun]
) -> tuple[WordRun, WordRun] | None:
    """Return two pieces of a sentence, side by side, that the article has in two places.

    Only where its neighbouring words stand far apart in the article on the whole, and none of
    the two words at the seam links (`and`) or says (`believes`): then people may join, too.
    """
    n_content = sum(token.content for token in aligned.tokens)
    if n_content < LEAST_JUDGED or close_pairs(article, aligned) >= CLOSE_ENOUGH:
        return None
    for one, other in itertools.pairwise(pieces):
        seam = aligned.tokens[one[1]], aligned.tokens[other[0]]
        marked = any(token.after_mark for token in aligned.tokens[one[1] + 1 : other[0] + 1])
        if not marked and not any(t.word in CLAUSE_WORDS or t.stem in SAYING for t in seam):
            return one, other
    return None


_CIRCUMSTANCES_BY_WORD = {
    word: [each for each in CIRCUMSTANCES.items() if each[0][0] == word]
    for word, *_ in CIRCUMSTANCES
}


def _circumstances(aligned: Aligned, words: Sequence[str]) -> Iterator[WordRun]:
    """Yield `because parents complained`, `in a small town`: each up to the next mark."""
    for at in itertools.compress(itertools.count(), map(_CIRCUMSTANCES_BY_WORD.get, words)):
        marks = (n for n in range(at + 1, len(words)) if aligned.tokens[n].after_mark)
        end = next(marks, len(words))
        n_content = sum([token.content for token in aligned.tokens[at:end]])
        if any(
            n_content >= least and tuple(words[at : at + len(opening)]) == opening
            for opening, least in _CIRCUMSTANCES_BY_WORD[words[at]]
        ):
            yield at, end - 1


def _has_dates(article: Wording, with_months: bool) -> bool:
    """Tell whether the article names a year, or perhaps a month, between which time may pass."""
    dates = itertools.chain.from_iterable(article.passages.dates)
    return any(date.years or (with_months and date.months) for date in dates)


_LAST_OF_TIMES = frozenset(words[-1] for words in TIME_CLAIMS)


def _foreign_times(article: Wording, words: Sequence[str]) -> Iterator[WordRun]:
    """Yield `for the first time`, `more than a decade`, where nothing in the article tells it."""
    for last, word in enumerate(words):
        if word not in _LAST_OF_TIMES:
            continue
        for claim, stems in TIME_CLAIMS.items():
            first = last + 1 - len(claim)
            if first < 0 or tuple(words[first : last + 1]) != claim:
                continue
            if not stems.isdisjoint(article.passages.places):
                continue
            if word not in DURATIONS:
                yield first, last
            elif not _has_dates(article, with_months=word in ("month", "week")):
                while first and words[first - 1] in BEFORE_DURATION:
                    first -= 1
                yield first, last


def _only_is_foreign(article: Wording, aligned: Aligned, first: int, last: int) -> bool:
    """Tell whether the article has no word of content of some words, and most of the others."""
    places, outside = article.places, list[bool]()
    words = zip(aligned.tokens, aligned.keys, aligned.own, strict=True)
    for at, (token, key, own) in enumerate(words):
        if token.content:
            is_known = own in places or key in places
            is_foreign = not is_known and is_novel(article, own) and is_novel(article, key)
            if not first <= at <= last:
                outside.append(is_foreign)
            elif not is_foreign:
                return False
    return len(outside) >= LEAST_OUTSIDE and sum(outside) <= MOSTLY_NOVEL * len(outside)


def _has_its_numbers(
    article: Wording, aligned: Aligned, first: int, last: int, summary: str
) -> bool:
    """Tell whether some words have a number that the article has, too: half an hour, 30 minutes."""
    span = Span(aligned.tokens[first].start, aligned.tokens[last].end)
    claimed = text.numbers(summary, [span])
    stated = text.NumberIndex([*itertools.chain.from_iterable(article.passages.numbers)])
    return any(next(iter(stated.agreeing_numbers(each)), None) is not None for each in claimed)


def _circumstance_flag(article: Wording, aligned: Aligned, first: int, last: int) -> Flag:
    """Return what a reader is told of a circumstance, with the sentences that have the rest."""
    span = Span(aligned.tokens[first].start, aligned.tokens[last].end)
    where = evidence(article, aligned)
    words = " ".join(token.written for token in aligned.tokens[first : last + 1])
    said = f"nothing in the article says '{words[:MOST_QUOTED]}'"
    return Flag(span, "circumstance", said, where)


def _pieces(article: Wording, aligned: Aligned) -> Iterator[WordRun]:
    """Yield the first and last words that stand in the article as near and in the same order.

    A few words may be left out in each, and words that the article lacks may stand in one.
    """
    if not aligned.cost and _is_in_one_sentence(article, aligned.places):  # as most copies
        yield 0, len(aligned.places) - 1
        return
    known = [at for at, place in enumerate(aligned.places) if place is not None]
    first = 0
    for at in range(1, len(known) + 1):
        if at == len(known) or not _go_on(article, aligned, known[at - 1], known[at]):
            yield known[first], known[at - 1]
            first = at


def _is_in_one_sentence(article: Wording, places: Sequence[int | None]) -> bool:
    """Tell whether places in a row are of one sentence of the article."""
    if not isinstance(places, range):
        return False
    return article.sentences[places[0]] == article.sentences[places[-1]]


def _go_on(article: Wording, aligned: Aligned, one: int, other: int) -> bool:
    place, following = aligned.places[one], aligned.places[other]
    if place is None or following is None or not 0 < following - place <= MOST_SKIPPED + 1:
        return False
    return article.sentences[place] == article.sentences[following]


def _spliced_flag(article: Wording, aligned: Aligned, one: WordRun, other: WordRun) -> Flag:
    """Return what a reader is told of two pieces, with the sentences that have them."""
    said: list[str] = []
    where: list[Span] = []
    for first, last in (one, other):
        place, end = aligned.places[first], aligned.places[last]
        if place is not None and end is not None:
            number = article.sentence_of(place)
            words = " ".join(article.passages.words(place, end).split())
            said.append(f"'{words[-MOST_QUOTED:]}' in sentence {number + 1}")
            where.append(article.passages.sentences[number])
    span = Span(aligned.tokens[one[1]].start, aligned.tokens[other[0]].end)
    return Flag(span, "spliced", f"the article has {' and '.join(said)}, apart", in_order(where))


def _doubled_flag(article: Wording, aligned: Aligned, at: int) -> Flag:
    token = aligned.tokens[at]
    found = votes(article, aligned)
    numbers = {article.sentence_of(place) for place in article.places[aligned.own[at]]}
    number = max(sorted(numbers), key=lambda each: found.get(each, 0))
    said = f"'{token.written}' is said twice here, and once in sentence {number + 1} of the article"
    span = Span(token.start, token.end)
    return Flag(span, "doubled", said, (article.passages.sentences[number],))
