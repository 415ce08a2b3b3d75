"""What the fuzzer found stays found: `tests/cases/fuzz/<target>--<what>`; and a few cases more."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz.__main__ import Found, Hang, fuzz, trial
from fuzz.targets import TARGETS, Target

FOUND = sorted((Path(__file__).parent / "cases" / "fuzz").iterdir())
BY_NAME = {target.name: target for target in TARGETS}


@pytest.fixture(autouse=True)
def _ringing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise Hang

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    before = signal.signal(signal.SIGVTALRM, ring)
    yield
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("path", FOUND, ids=[path.name for path in FOUND])
def test_what_once_failed_is_taken_or_refused_in_one_line(path: Path, tmp_path: Path) -> None:
    target = BY_NAME[path.name.partition("--")[0]]

    assert trial(target, path.read_bytes(), tmp_path, Found()) == ""


def test_at_least_24_are_kept() -> None:
    assert len(FOUND) >= 24


@pytest.mark.parametrize("target", TARGETS, ids=BY_NAME)
def test_a_few_cases_of_each_target(target: Target, tmp_path: Path) -> None:
    found = fuzz(target, 15, 1, tmp_path)

    assert (found.cases, found.failures) == (15, {})
