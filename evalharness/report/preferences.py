"""Which of two summaries judges prefer: tables for the terminal, and the section of the page."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from evalharness.comparison.comparison import Comparison
from evalharness.comparison.preferences import (
    Preferences,
    PreferredPair,
    PreferredSystem,
    preference_sentence,
)
from evalharness.report.table import (
    TextRow,
    amount_text,
    interval_text,
    number_text,
    p_value,
)
from evalharness.stats.preferences import Effect, ShareFigure

_SYSTEMS = ("system", "wins", "interval", "strength", "interval", "words", "at equal length")
_PAIRS = ("preferred", "to", "n", "wins/ties/losses", "wins", "interval", "p", "Holm")


def hundredths(share: float | None) -> str:
    """Return a share times 100, with one digit.

    >>> hundredths(0.4567), hundredths(None)
    ('45.7', '–')
    """
    return number_text(None if share is None else 100 * share, 1)


def best_first(found: Preferences) -> list[PreferredSystem]:
    """Return the systems by their rate of wins, the highest first."""
    return sorted(found.standings, key=lambda each: -math.inf if each.rate is None else -each.rate)


def preferred_systems(found: Preferences) -> list[TextRow]:
    """Return the table of the systems, best first."""
    return [_SYSTEMS, *(_system_row(standing) for standing in best_first(found))]


def _system_row(standing: PreferredSystem) -> list[str]:
    return [
        standing.system,
        f"{hundredths(standing.rate)} {standing.letters}",
        interval_text(standing.low, standing.high, hundredths),
        number_text(standing.strength, 2, "+"),
        interval_text(standing.strength_low, standing.strength_high, _signed),
        number_text(standing.length, 0),
        hundredths(standing.at_equal_length),
    ]


def _signed(value: float) -> str:
    return number_text(value, 2, "+")


def preferred_pairs(found: Preferences) -> list[TextRow]:
    """Return the table of the pairs, the better system of each first."""
    return [_PAIRS, *(_pair_row(turned(pair)) for pair in found.pairs)]


def turned(pair: PreferredPair) -> PreferredPair:
    """Return a pair with the system first that wins more often."""
    if pair.rate is None or pair.low is None or pair.high is None or pair.rate >= 0.5:
        return pair
    return replace(
        pair,
        one=pair.other,
        other=pair.one,
        wins=pair.losses,
        losses=pair.wins,
        rate=1 - pair.rate,
        low=1 - pair.high,
        high=1 - pair.low,
    )


def _pair_row(pair: PreferredPair) -> list[str]:
    return [
        pair.one,
        pair.other,
        str(pair.n),
        f"{pair.wins}/{pair.ties}/{pair.losses}",
        hundredths(pair.rate),
        interval_text(pair.low, pair.high, hundredths),
        p_value(pair.p),
        p_value(pair.p_holm),
    ]


def beside_people(found: Comparison) -> list[TextRow]:
    """Return how often people and each judge prefer each system; empty where not both were asked.

    Best first, as people have it.
    """
    people = [each for each in found.preferences if each.people]
    judges = [each for each in found.preferences if not each.people]
    if not people or not judges:
        return []
    columns = [*people, *judges]
    head = [cell for each in columns for cell in (each.judge, "interval")]
    rows: list[TextRow] = [["wins of", *head]]
    for standing in best_first(people[0]):
        places = [each.standing(standing.system) for each in columns]
        rows.append([standing.system, *(cell for place in places for cell in _wins(place))])
    return rows


def _wins(standing: PreferredSystem) -> tuple[str, str]:
    wins = f"{hundredths(standing.rate)} {standing.letters}"
    return wins, interval_text(standing.low, standing.high, hundredths)


def agreement_notes(found: Comparison) -> Iterator[str]:
    """Yield how well each judge agrees with people."""
    for each in found.agreement:
        if not each.n:
            yield f"{each.judge} and people: no pair of summaries that both judged"
            continue
        kappa = interval_text(each.kappa_low, each.kappa_high, _two_digits)
        decided = "" if each.decided.share is None else (
            f"; {_share(each.decided)} of the {each.decided.n} on which neither has a tie"
        )  # fmt: skip
        yield (
            f"{each.judge} says what people say of {_share(each.same)} of {each.n} pairs of "
            f"summaries{decided}; Cohen's κ {number_text(each.kappa, 2)} ({kappa}). "
            "Intervals are over articles."
        )


def _two_digits(value: float) -> str:
    return number_text(value, 2)


def preference_notes(found: Preferences) -> Iterator[str]:
    """Yield what the tables do not say of themselves, the sentence for a paper first."""
    yield preference_sentence(found)
    yield _how_counted(found)
    yield from _people_notes(found) if found.people else _position_notes(found)
    yield from _length_notes(found)
    if found.no_strengths:
        yield found.no_strengths
    if found.out_of_form:
        yield f"{found.out_of_form} of {found.answers} answers name neither summary: no preference"
    if same := sum(pair.same for pair in found.pairs):
        yield f"{amount_text(same, 'pair')} of the same words: ties, not asked about"
    yield f"{found.judge}: {found.signature}"


def _how_counted(found: Preferences) -> str:
    return (
        f"{_asked(found)} wins: in 100 comparisons, a tie as half; "
        f"{1 - found.level:.0%} bootstrap interval over articles, p by paired randomization, "
        f"two-sided, Holm over the pairs ({found.resamples} resamples, seed {found.seed}). "
        "Between systems that share a letter there is no significant difference. strength: of "
        "Bradley and Terry, log-odds, mean 0, a tie as half a win for each."
    )


def _asked(found: Preferences) -> str:
    if not found.people:
        return (
            f"{found.judge} was asked {amount_text(found.answers, 'question')}: each pair of "
            "summaries in both orders, a tie where they disagree."
        )
    voters = "one person" if len(found.people) == 1 else f"{len(found.people)} people"
    return (
        f"{amount_text(found.answers, 'vote')} of {voters}: of several on a pair the majority "
        "counts, a tie where both have as many."
    )


def _people_notes(found: Preferences) -> Iterator[str]:
    if found.disagree.share is not None:
        yield f"People disagree on {_share(found.disagree)} of the pairs with several votes."
    if found.first_shown.share is not None:
        yield (
            "Position bias: the summary shown first is preferred in "
            f"{_share(found.first_shown)} of the votes (50% without a bias)"
            f"{_odds(found.position, 'to stand first')}."
        )


def _position_notes(found: Preferences) -> Iterator[str]:
    if found.disagree.share is None:
        return
    yield (
        f"Position bias: the orders disagree in {_share(found.disagree)} of the pairs; the summary "
        f"shown first is preferred in {_share(found.first_shown)} of the answers (50% without a "
        f"bias){_odds(found.position, 'to stand first')}."
    )


def _length_notes(found: Preferences) -> Iterator[str]:
    if found.longer.share is None:
        return
    yield (
        f"Length bias: the longer summary is preferred in {_share(found.longer)} of the pairs"
        f"{_odds(found.length, 'to be twice as long')}, the systems being as good as they are."
    )


def _share(figure: ShareFigure) -> str:
    ends = interval_text(figure.low, figure.high, hundredths)
    return f"{hundredths(figure.share)}% ({ends})"


def _odds(effect: Effect | None, trait: str) -> str:
    """Return by what a trait multiplies the odds of being preferred."""
    if effect is None:
        return ""
    found, low, high = map(math.exp, (effect.estimate, effect.low, effect.high))
    return f"; {trait} multiplies the odds by {found:.2f} ({low:.2f}–{high:.2f})"


# The section of the page.


@dataclass(frozen=True)
class JudgeSection:
    """What one judge prefers: tables as the terminal has them, and a matrix of the pairs.

    matrix: a row a system, best first; in each cell the row's wins against the column's in 100,
    and whether the difference is significant; empty on the diagonal. beside: of people, the wins by
    judges beside theirs; agreement: how well judges agree with them.
    """

    judge: str
    sentence: str
    systems: Sequence[TextRow]
    pairs: Sequence[TextRow]
    matrix: Sequence[tuple[str, Sequence[tuple[str, bool]]]]
    notes: Sequence[str]
    beside: Sequence[TextRow] = ()
    agreement: Sequence[str] = ()


def preferences_section(comparison: Comparison | None) -> list[JudgeSection] | None:
    """Return what each judge prefers; None where none was asked."""
    if comparison is None or not comparison.preferences:
        return None
    first, *others = [_judge_section(each) for each in comparison.preferences]
    beside, agreement = beside_people(comparison), tuple(agreement_notes(comparison))
    return [replace(first, beside=beside, agreement=agreement), *others]


def _judge_section(found: Preferences) -> JudgeSection:
    sentence, *notes = preference_notes(found)
    return JudgeSection(
        judge=found.judge,
        sentence=sentence,
        systems=preferred_systems(found),
        pairs=preferred_pairs(found),
        matrix=win_table(found),
        notes=notes,
    )


def win_table(found: Preferences) -> list[tuple[str, list[tuple[str, bool]]]]:
    """Return how often each system wins against each other, best first, and what is significant."""
    names = [standing.system for standing in best_first(found)]
    known = {(pair.one, pair.other): pair for pair in found.pairs}
    return [(one, [_win_cell(known, one, other) for other in names]) for one in names]


def _win_cell(
    known: Mapping[tuple[str, str], PreferredPair], one: str, other: str
) -> tuple[str, bool]:
    if one == other:
        return "", False
    pair = known.get((one, other)) or known[other, one]
    rate = pair.rate if pair.rate is None or pair.one == one else 1 - pair.rate
    return hundredths(rate), pair.different
