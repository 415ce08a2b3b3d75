"""Many tests at once: adjusted p-values, and letters for systems that cannot be told apart."""

from collections.abc import Collection, Sequence


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
    """Return a compact letter display: systems share a letter unless they are told apart.

    n: systems, best first. different: pairs of places that a test tells apart. By insertion and
    absorption (Piepho 2004, An algorithm for a letter-based representation).

    >>> letters(3, {(0, 2)})
    ['a', 'ab', 'b']
    """
    groups = [frozenset(range(n))]
    for one, other in sorted(different):
        split = [
            part
            for group in groups
            for part in ([group - {one}, group - {other}] if {one, other} <= group else [group])
        ]
        unlike = list(dict.fromkeys(split))
        groups = [group for group in unlike if not any(group < larger for larger in unlike)]
    groups.sort(key=sorted)
    return ["".join(_letter(k) for k, group in enumerate(groups) if i in group) for i in range(n)]


def _letter(number: int) -> str:
    """Return a to z, then aʹ to zʹ, and so on."""
    return chr(ord("a") + number % 26) + "′" * (number // 26)
