"""What lies in temporary files: the same as in memory, and no more of it in memory."""

import os
import random
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from evalharness.errors import StoreError
from evalharness.files import temporary
from evalharness.files.temporary import OffsetIndex, Spool


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


@pytest.mark.parametrize("held", [1, 7, 10_000])
def test_places_are_those_given_first_however_many_are_on_disk(
    held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary, "HELD", held)
    rng = random.Random(0)
    places, wanted = OffsetIndex(), dict[bytes, int]()
    for number in range(3_000):
        each = key(rng.randrange(700))
        assert places.setdefault(each, number) == wanted.setdefault(each, number)
        assert len(places) == len(wanted)
    for number in range(800):
        assert places.get(key(number)) == wanted.get(key(number))
        assert (key(number) in places) == (key(number) in wanted)
    assert dict(places.items()) == wanted


def test_a_place_may_be_0_and_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary, "HELD", 1)
    places = OffsetIndex()
    for number in (0, 2**62):
        places.setdefault(key(number), number)
        assert key(number) in places
        assert places.get(key(number)) == number


def test_forgotten_places_may_be_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary, "HELD", 2)
    places = OffsetIndex()
    for number in range(5):
        places.setdefault(key(number), number)
    places.clear()
    assert len(places) == 0
    assert key(1) not in places
    assert places.setdefault(key(1), 7) == 7


def test_full_disk_is_an_error_that_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> sqlite3.Connection:
        table = sqlite3.connect("")
        table.execute("CREATE TABLE places (key BLOB PRIMARY KEY, number INTEGER)")
        table.execute("PRAGMA max_page_count = 3")
        return table

    monkeypatch.setattr(temporary, "_new_table", full)
    monkeypatch.setattr(temporary, "HELD", 1_000)
    places = OffsetIndex()
    for number in range(999):
        places.setdefault(key(number), number)
    with pytest.raises(StoreError, match=r"database or disk is full.*TMPDIR"):
        places.setdefault(key(999), 999)


def test_places_on_disk_are_refused_after_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary, "HELD", 1)
    places = OffsetIndex()
    places.setdefault(key(1), 1)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(RuntimeError, match="process"):
        places.get(key(1))


def test_many_places_take_little_memory() -> None:
    code = (
        "import os, resource; from evalharness.files.temporary import HELD, OffsetIndex\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "places = OffsetIndex()\n"
        "for n in range(2 * HELD): places.setdefault(os.urandom(16), n)\n"
        "before = peak()\n"
        "for n in range(150_000): places.setdefault(os.urandom(16), n)\n"
        "print(peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 6  # in a dict: 25 MB


@pytest.mark.parametrize("spooled", [1, 100, 10**6])
def test_spool_gives_back_what_was_written_in_any_order(
    spooled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary, "SPOOLED", spooled)
    rng = np.random.default_rng(0)
    spool = Spool()
    arrays = [rng.random((n % 4 + 1, 5)) for n in range(20)]
    places = [spool.write(array) for array in arrays]
    late = rng.random((2, 2))
    for n in rng.permutation(20):
        assert np.array_equal(spool.read(places[n], arrays[n].shape), arrays[n])
        at = spool.write(late)
        assert np.array_equal(spool.read(at, late.shape), late)
    spool.close()


def test_spool_of_a_transposed_array_keeps_its_order() -> None:
    spool = Spool()
    array = np.arange(6.0).reshape(2, 3).T
    assert np.array_equal(spool.read(spool.write(array), array.shape), array)
    spool.close()


def test_spool_that_nobody_has_any_more_closes_its_file() -> None:
    spool = Spool()
    file = spool._file
    del spool
    assert file.closed
