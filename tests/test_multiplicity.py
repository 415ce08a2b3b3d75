"""Adjusted p-values agree with scipy and statistics' laws; letters say what tests say."""

import functools
import itertools
import random
import re

import clock
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.stats.multiplicity import benjamini_hochberg, holm, letters

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@settings(deadline=None)
@given(P_VALUES)
def test_benjamini_hochberg_is_that_of_scipy(p_values: list[float]) -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    theirs = scipy_stats.false_discovery_control(p_values)
    assert benjamini_hochberg(p_values) == pytest.approx(theirs.tolist(), rel=1e-12)


@settings(deadline=None)
@given(P_VALUES, st.floats(0.001, 0.5))
def test_holm_rejects_what_stepping_down_by_hand_rejects(
    p_values: list[float], level: float
) -> None:
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    rejected = set()
    for rank, i in enumerate(order):
        if (len(p_values) - rank) * p_values[i] > level:
            break
        rejected.add(i)
    assert {i for i, p in enumerate(holm(p_values)) if p <= level} == rejected


@settings(deadline=None)
@given(P_VALUES)
def test_adjusted_p_values_lie_between_raw_and_bonferroni(p_values: list[float]) -> None:
    n = len(p_values)
    for p, h, bh in zip(p_values, holm(p_values), benjamini_hochberg(p_values), strict=True):
        assert p <= bh * (1 + 1e-12)
        assert bh <= h * (1 + 1e-12)
        assert h <= min(1.0, n * p) * (1 + 1e-12)


@settings(deadline=None)
@given(st.integers(1, 7), st.data())
def test_systems_share_a_letter_unless_they_are_told_apart(n: int, data: st.DataObject) -> None:
    pairs = list(itertools.combinations(range(n), 2))
    different = data.draw(st.sets(st.sampled_from(pairs))) if pairs else set()
    found = letters(n, different)
    for one, other in pairs:
        assert bool(set(found[one]) & set(found[other])) == ((one, other) not in different)
    assert all(found)


def test_letters_of_60_systems_take_less_than_a_second() -> None:
    rng, n = random.Random(0), 60
    pairs = list(itertools.combinations(range(n), 2))
    for share in (0.1, 0.3, 0.5, 0.7):
        different = {pair for pair in pairs if rng.random() < share}
        assert clock.seconds(functools.partial(letters, n, different), 1) < 1
        found = letters(n, different)
        sets = [set(re.findall("[a-z]′*", each)) for each in found]
        assert all(sets)
        assert len(set().union(*sets)) < len(pairs) - len(different)
        for one, other in pairs:
            assert bool(sets[one] & sets[other]) == ((one, other) not in different)


def test_no_letter_says_what_another_says() -> None:
    assert letters(4, {(0, 3), (0, 2), (1, 3)}) == ["a", "ab", "bc", "c"]
    assert letters(3, set()) == ["a", "a", "a"]
    assert letters(3, {(0, 1), (0, 2), (1, 2)}) == ["a", "b", "c"]
