"""What README.md shows is what happens."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
SETUP = "python3 -m venv"
QUICKSTART = "evalharness run configs/quickstart.yaml"
# What a run says of itself each half minute, where a machine is so slow.
PROGRESS = re.compile(r" of \d+ articles, [\d.]+ (articles|tokens)/(s|min)")


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with the configs of the repository, to run commands in."""
    (tmp_path / "configs").mkdir()
    for path in (ROOT / "configs").iterdir():
        if path.name == "config.schema.json":
            (tmp_path / "configs" / path.name).write_text("")
        else:
            (tmp_path / "configs" / path.name).symlink_to(path)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "baseline").symlink_to(ROOT / "results" / "baseline")
    return tmp_path


def test_readme_has_the_two_commands_that_ci_runs() -> None:
    setups = [block.strip() for block in blocks("bash") if block.startswith(SETUP)]

    assert len(setups) == 2
    assert all("\n" not in command for command in setups)
    assert QUICKSTART in setups[0]
    assert setups[1].endswith("pytest")


def commands() -> list[str]:
    """Return what the page says to type: the first setup's last step, the blocks, the table's."""
    lines = [
        line
        for block in blocks("bash")
        for line in block.rpartition(".venv/bin/")[2].splitlines()  # of the setup, its last step
        if line != "pytest"
    ]
    rows = re.findall(r"^\|.*\| `(evalharness [^`]*)` \|$", README, re.MULTILINE)
    return sorted(
        {*lines, *rows}, key=lambda line: (line != QUICKSTART, [*lines, *rows].index(line))
    )


def test_readme_commands_run(
    clone: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first, and what needs a shell, in a process of its own; the others in this one."""
    monkeypatch.chdir(clone)
    lines = commands()

    assert lines[0] == QUICKSTART
    assert len(lines) >= 10
    for line in lines:
        name, *words = shlex.split(line)
        assert name == "evalharness"
        if line == QUICKSTART or "||" in words:
            typed = line.replace("evalharness", f"{shlex.quote(sys.executable)} -m evalharness", 1)
            done = subprocess.run(
                ["bash", "-c", typed], capture_output=True, text=True, check=False
            )
        else:
            done = command(*words)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        said = [each for each in done.stderr.splitlines() if not PROGRESS.search(each)]
        assert not said, f"{line}: {done.stderr}"


def test_readme_python_runs(clone: Path) -> None:
    for block, shown in zip(blocks("python"), ["the article says Two"], strict=True):
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=clone, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert shown in done.stdout


def test_readme_lists_every_page() -> None:
    listed = re.findall(r"^\| \[`(docs/[\w-]+\.md)`\]\(\1\) \|", README, re.MULTILINE)

    assert sorted(listed) == sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))


def test_readme_is_short_and_its_links_lead_somewhere() -> None:
    assert len(README.splitlines()) <= 150
    targets = re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", README)
    assert len(targets) > 30
    for target in targets:
        if not target.startswith(("https:", "../../actions/")):
            assert (ROOT / target).exists(), target
