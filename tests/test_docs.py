"""The pages in docs/ say what happens: their commands, configs and programs are run."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalharness.config import cells
from evalharness.config.run_config import read_run_config

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
NAMES = [page.stem for page in PAGES]
# What only a shell understands, and what tries out a whole process.
_SHELL = re.compile(r"[|>&;$]|^(?!evalharness )|^evalharness (selftest|rerun|reproduce)\b")


def blocks(page: Path, *languages: str) -> list[tuple[str, str]]:
    """Return the blocks in some languages, in the page's order, each with its language."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [(name, text) for name, text in found if name in languages]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder: it has what the repository has, and results of its own."""
    (tmp_path / "results").mkdir()
    for path in [*ROOT.glob("*"), ROOT / "results" / "baseline"]:
        if path.name != "results":
            (tmp_path / path.relative_to(ROOT)).symlink_to(path)
    schema = ROOT / "configs" / "config.schema.json"
    (tmp_path / "configs").unlink()
    (tmp_path / "configs").mkdir()
    for path in schema.parent.iterdir():
        if path != schema:
            (tmp_path / "configs" / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
@pytest.mark.usefixtures("clone")
def test_commands_and_programs_run(page: Path, command: Callable[..., Any]) -> None:
    for language, block in blocks(page, "bash", "python"):
        if language == "python":
            exec(compile(block, str(page), "exec"), {})
        else:
            for line in block.splitlines():
                _run(line, command)


def _run(line: str, command: Callable[..., Any]) -> None:
    """Run a command in this process, which is quicker, but for what needs one of its own."""
    if "--plots" in line:
        pytest.importorskip("vl_convert")
    plain, may_fail = line.removesuffix(" || true"), line.endswith(" || true")
    if _SHELL.search(plain):
        done = subprocess.run(
            ["bash", "-c", _through_python(plain)], capture_output=True, text=True, check=False
        )
    else:
        done = command(*shlex.split(plain)[1:])
    assert done.returncode == 0 or (may_fail and done.returncode in (1, 2, 3)), (
        f"{line}: {done.stderr}"
    )


def _through_python(line: str) -> str:
    return re.sub(r"\bevalharness(?= )", f"{shlex.quote(sys.executable)} -m evalharness", line)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_configs_are_configs(page: Path, tmp_path: Path) -> None:
    (tmp_path / "articles.jsonl").write_text('{"article": "It rained."}\n')
    for n, (_, block) in enumerate(blocks(page, "yaml")):
        if block.startswith("data:"):
            path = tmp_path / f"{n}.yaml"
            path.write_text(block)
            assert cells.prepare(read_run_config(path))


def test_files_that_are_named_exist() -> None:
    for page in PAGES:
        prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        for name in re.findall(r"`((?:configs|tests|evalharness|docs)/[\w./-]*)`", prose):
            assert (ROOT / name).exists(), f"{page.name}: {name}"
