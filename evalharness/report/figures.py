"""Figures, counts and names as tables and sentences show them; a dash for what is missing."""

from collections.abc import Sequence

DASH = "–"


def number_text(value: float | None, digits: int = 0, sign: str = "") -> str:
    """Return a number with so many digits. sign: `+` to show it in front of what is not negative.

    >>> number_text(54.6), number_text(0.25, 3, "+"), number_text(None)
    ('55', '+0.250', '–')
    """
    return DASH if value is None else f"{value:{sign}.{digits}f}"


def percent_text(share: float | None) -> str:
    """Return a share, 0 to 1, in whole percent.

    >>> percent_text(0.955), percent_text(None)
    ('96%', '–')
    """
    return DASH if share is None else f"{share:.0%}"


def ratio_text(n: int, of: int) -> str:
    """Return how many of all in percent: 0% is said of none, and 100% of all, only.

    >>> ratio_text(0, 24), ratio_text(1, 1000), ratio_text(999, 1000), ratio_text(24, 24)
    ('0%', '1%', '99%', '100%')
    """
    if not of or n in (0, of):
        return f"{100 if of and n else 0}%"
    return percent_text(min(max(n / of, 0.01), 0.99))


def count_text(n: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count_text(1, "article"), count_text(11490, "article")
    ('1 article', '11,490 articles')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def join_names(names: Sequence[str], most: int | None = None) -> str:
    """Return names as a sentence has them.

    >>> join_names(["a", "b", "c"]), join_names(["a", "b", "c", "d"], 2)
    ('a, b and c', 'a, b and 2 more')
    """
    if most is not None and len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
