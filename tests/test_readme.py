"""What README.md shows is what happens."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from evalharness.errors import Exit

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
SETUP = "python3 -m venv"
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
    assert "evalharness run configs/quickstart.yaml" in setups[0]
    assert setups[1].endswith("pytest")


def test_readme_commands_run(clone: Path) -> None:
    lines = [
        line
        for block in blocks("bash")
        for line in block.rpartition(".venv/bin/")[2].splitlines()  # of the setup, its last step
        if line != "pytest"
    ]

    assert lines[0] == "evalharness run configs/quickstart.yaml"
    for line in lines:
        line = line.replace("evalharness", f"{shlex.quote(sys.executable)} -m evalharness", 1)
        done = subprocess.run(
            ["bash", "-c", line], cwd=clone, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
        said = [each for each in done.stderr.splitlines() if not PROGRESS.search(each)]
        told = " -m evalharness score " in line  # which columns were taken stands on stderr
        assert bool(said) is told, done.stderr


def test_readme_python_runs(clone: Path) -> None:
    for block, shown in zip(blocks("python"), ("the article says Two", "oracle"), strict=True):
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=clone, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert shown in done.stdout


def test_readme_yaml_is_a_config(tmp_path: Path) -> None:
    from evalharness.config import cells
    from evalharness.config.run_config import read_run_config

    (tmp_path / "articles.jsonl").write_text('{"article": "It rained."}\n')
    for n, block in enumerate(blocks("yaml")):
        path = tmp_path / f"{n}.yaml"
        path.write_text(block)
        assert cells.prepare(read_run_config(path))


def test_readme_lists_every_page() -> None:
    listed = re.findall(r"^\| `(docs/[\w-]+\.md)` \|", README, re.MULTILINE)

    assert sorted(listed) == sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))


def test_readme_has_the_exit_codes_of_the_command_line() -> None:
    rows = re.findall(r"^\| \d.*\|$", README, re.MULTILINE)

    assert rows == [f"| {code.value} | {code.meaning} |" for code in Exit]


def test_readme_names_files_that_exist() -> None:
    text = re.sub(r"^```.*?^```", "", README, flags=re.MULTILINE | re.DOTALL)
    named = re.findall(r"`((?:configs|tests|results|evalharness)/[\w./-]*)`", text)

    assert named
    for name in named:
        assert (ROOT / name).exists(), name
