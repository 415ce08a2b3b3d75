"""What docs/trust.md shows is what happens."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "trust.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
# What a run says of itself each half minute, where a machine is so slow.
PROGRESS = re.compile(r" articles, [\d.]+/s")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    (folder / "configs").symlink_to(ROOT / "configs")
    return folder


def test_commands_run_one_after_the_other(clone: Path) -> None:
    lines = [line for kind, block in BLOCKS if kind == "bash" for line in block.splitlines()]

    assert len(lines) >= 5
    lines.remove("evalharness selftest")  # tests/test_proving.py runs it
    for line in lines:
        command = line.replace("evalharness", f"{shlex.quote(sys.executable)} -m evalharness", 1)
        if "quickstart.yaml" in command:  # without the two models, whose steps the self-test has
            command += " --set 'models=[{name: lead, label: lead-3, sentences: 3}, random]'"
        done = subprocess.run(
            ["bash", "-c", command], cwd=clone, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        assert [each for each in done.stderr.splitlines() if not PROGRESS.search(each)] == []
    for kind, block in BLOCKS:
        if kind == "python":
            done = subprocess.run(
                [sys.executable, "-c", block],
                cwd=clone,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout.splitlines() == ["True []", "same"]


def test_files_that_are_named_exist() -> None:
    named = re.findall(
        r"`(configs/[\w./-]*)`", re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    )

    assert named
    for name in named:
        assert (ROOT / name).exists(), name
