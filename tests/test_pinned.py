"""What is committed and cannot be read in a review is pinned: weights, tables, archives, words.

After a change that is meant: `pytest tests/test_pinned.py --update-golden`, and say why in the
commit.
"""

import hashlib
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MANIFEST = Path(__file__).parent / "pinned.sha256"
PINNED = (
    "configs/quickstart/lead1-*/*",
    "docs/pictures/*",
    "results/baseline/*/*",
    "evalharness/text/*.gz",
    "tests/cases/logs/**/*.eval",
    "tests/cases/logs/**/*.parquet",
    "tests/frozen/data/**/*",
    "tests/frozen/written_by_9e964b4/**/*",
)


def hashes() -> dict[str, str]:
    files = {file for pattern in PINNED for file in ROOT.glob(pattern) if file.is_file()}
    return {
        file.relative_to(ROOT).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(files)
    }


def test_pinned_files_are_what_they_were(request: pytest.FixtureRequest) -> None:
    found = hashes()
    if request.config.getoption("--update-golden"):
        MANIFEST.write_text("".join(f"{sha}  {name}\n" for name, sha in found.items()))
    lines = (line.split(maxsplit=1) for line in MANIFEST.read_text().splitlines())

    assert found == {name: sha for sha, name in lines}


def test_every_binary_file_that_is_committed_is_pinned() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("no checkout of git")
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    binary = [name for name in names if b"\0" in (ROOT / name).read_bytes()[:8000]]

    assert set(binary) <= hashes().keys()
