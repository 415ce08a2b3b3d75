"""Many tests at once: p-values adjusted for their number, and letters for what does not differ."""

import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Sequence, Set


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted so that the chance of one false finding stays below the level.

    Step-down after Holm (1979): valid however the tests depend on each other.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    n, adjusted, greatest = len(p_values), [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(n), key=lambda each: p_values[each])):
        greatest = max(greatest, min(1.0, (n - rank) * p_values[place]))
        adjusted[place] = greatest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted so that the expected share of false findings stays below the level.

    Step-up after Benjamini & Hochberg (1995), for tests that are independent or rise together.

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    [0.03, 0.04, 0.04]
    """
    n, adjusted, least = len(p_values), [0.0] * len(p_values), 1.0
    order = sorted(range(n), key=lambda each: p_values[each], reverse=True)
    for behind, place in enumerate(order):
        least = min(least, p_values[place] * n / (n - behind))
        adjusted[place] = least
    return adjusted


def letters(n: int, different: Collection[tuple[int, int]]) -> list[str]:
    """Return a compact letter display: systems that differ share no letter.

    n: systems, best first. different: pairs of places that a test tells apart. Each letter goes to
    as many systems as it can, and some pair shares no other. (Piepho 2004, An algorithm for a
    letter-based representation. The fewest letters of all may take exponential time: Gramm et al.
    2007, Algorithms for compact letter displays.)

    >>> letters(3, {(0, 2)})
    ['a', 'ab', 'b']
    """
    alike = [set(range(n)) - {i} for i in range(n)]
    for one, other in different:
        alike[one].discard(other)
        alike[other].discard(one)
    groups = sorted(_needed_groups(_groups(alike)), key=sorted)
    return ["".join(_letter(k) for k, group in enumerate(groups) if i in group) for i in range(n)]


def _groups(alike: Sequence[Set[int]]) -> list[frozenset[int]]:
    """Return groups of systems that are all alike: every pair, and every system, is in one."""
    groups: list[frozenset[int]] = []
    # What each system shares no letter with as yet.
    missing = [set(others) for others in alike]
    for one, others in enumerate(alike):
        if not others:
            groups.append(frozenset({one}))
        while missing[one]:
            group, fitting = {one}, set(others)
            while fitting:
                best = max(fitting, key=lambda i: (len(missing[i] & group), -i))
                group.add(best)
                fitting &= alike[best]
            for member in group:
                missing[member] -= group
            groups.append(frozenset(group))
    return groups


def _needed_groups(groups: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    """Return the groups without those whose pairs all stand together in others."""
    shared = Counter(pair for group in groups for pair in _pairs_within(group))
    needed = []
    for group in groups:
        pairs = list(_pairs_within(group))
        if all(shared[pair] > 1 for pair in pairs):
            shared.subtract(pairs)
        else:
            needed.append(group)
    return needed


def _pairs_within(group: Collection[int]) -> Iterator[tuple[int, int]]:
    """Yield every pair of a group, and each member with itself."""
    return itertools.combinations_with_replacement(sorted(group), 2)


def _letter(number: int) -> str:
    """Return a to z, then aʹ to zʹ, and so on."""
    return chr(ord("a") + number % 26) + "′" * (number // 26)
