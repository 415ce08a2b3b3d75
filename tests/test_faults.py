"""Faults strike whole runs: nothing is lost, doubled or wrong, and the same command ends them.

The figures of a page are drawn by a process of its own, which touches no file of the results and
which no fault strikes: only the long test has it draw, for each of its runs.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent


def struck(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "faults", *arguments]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == bool(found["wrong"])
    return found


def test_a_few_faults_lose_nothing() -> None:
    found = struck("--cases", "8", "--seed", "5", "--no-plots")

    assert found["wrong"] == []
    assert found["struck"] >= 8


def test_a_few_faults_lose_nothing_of_texts_in_columns() -> None:
    found = struck("--cases", "8", "--seed", "6", "--columns", "--no-plots")

    assert found["wrong"] == []
    assert found["struck"] >= 6


@pytest.mark.slow
def test_200_faults_lose_nothing() -> None:
    found = struck("--cases", "220", "--neural", "20", "--seed", "2026")

    assert found["wrong"] == []
    assert found["struck"] >= 200
    assert sum(n > 0 for n in found["by_kind"].values()) >= 20
