"""What others install, copy and build from: wheels, workflows, hooks; and code for every system."""

import ast
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import evalharness

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = sorted((ROOT / "evalharness").rglob("*.py"))


# Every system


POSIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
POSIX_CALLS = {
    f"os.{name}"
    for name in (
        *("chown", "fork", "geteuid", "getgid", "getloadavg", "getpgid", "getuid", "killpg"),
        *("mkfifo", "setsid", "statvfs", "sysconf", "uname"),
    )
}


# Workers of `auto` are copies of the command's process on Linux, where /proc tells its threads; on
# every other system they are new processes, as they are of `processes`.
# A name of the machine is asked for without a socket where there is os.uname.
GUARDED = {
    ("executors/processes.py", "os.fork"),
    ("executors/processes.py", "os.setsid"),
    ("store/ledger.py", "os.uname"),
}


def test_no_module_imports_what_only_posix_has() -> None:
    for path in MODULES:
        module = path.relative_to(ROOT / "evalharness").as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not POSIX_ONLY & {name.partition(".")[0] for name in names}, path
            if isinstance(node, ast.Attribute) and (module, ast.unparse(node)) not in GUARDED:
                assert ast.unparse(node) not in POSIX_CALLS, f"{path}:{node.lineno}"


def text_calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    """Yield the calls that open or move text, each with its mode: r, w or a."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            name = "open"
        named = {word.arg: word.value for word in node.keywords}
        if name in ("read_text", "write_text"):
            yield node, "r" if name == "read_text" else "w"
        elif name in ("open", "fdopen", "NamedTemporaryFile"):
            modes = [
                each for each in [*node.args, named.get("mode")] if isinstance(each, ast.Constant)
            ]
            mode = next((str(each.value) for each in modes if _MODE.fullmatch(str(each.value))), "")
            if not node.args and named.keys() <= {"encoding", "errors", "newline"}:
                mode = "r"  # Path.open, which reads
            if mode and "b" not in mode:
                yield node, mode


_MODE = re.compile(r"[rwax]\+?[bt]?\+?")


def test_text_is_utf_8_with_one_end_of_line_on_every_system() -> None:
    bare = []
    for path in MODULES:
        for call, mode in text_calls(path):
            named = {word.arg for word in call.keywords}
            wants = {"encoding"} if mode == "r" else {"encoding", "newline"}
            if not wants <= named:
                bare.append(f"{path.relative_to(ROOT)}:{call.lineno}: {ast.unparse(call)[:80]}")
    assert not bare, "\n".join(bare)


# Wheel and sdist


@pytest.mark.slow
def test_wheel_and_sdist_have_the_same_bytes_twice(tmp_path: Path) -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs a clone")
    sums = []
    for name in ("one", "two"):
        source = tmp_path / name / "source"
        subprocess.run(["git", "clone", "-q", ROOT, source], check=True)
        build = f"from hatchling import build as b; b.build_wheel({str(tmp_path / name)!r}); "
        build += f"b.build_sdist({str(tmp_path / name)!r})"
        epoch = subprocess.run(
            ["git", "log", "-1", "--format=%ct"],
            cwd=source, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        subprocess.run(
            [sys.executable, "-c", build],
            cwd=source, env={**os.environ, "SOURCE_DATE_EPOCH": epoch}, check=True,
        )  # fmt: skip
        built = sorted(path for path in (tmp_path / name).iterdir() if path.is_file())
        sums.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in built})
    assert len(sums[0]) == 2
    assert sums[0] == sums[1]


# Files that name versions, packages and commands


def read_yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_citation_and_recipe_have_the_version_and_the_licence() -> None:
    citation, recipe = read_yaml("CITATION.cff"), read_yaml("packaging/recipe.yaml")
    assert citation["version"] == recipe["context"]["version"] == evalharness.__version__
    assert citation["license"] == recipe["about"]["license"] == PROJECT["license"]
    assert recipe["about"]["license_file"] == PROJECT["license-files"]


def test_recipe_needs_what_the_project_needs() -> None:
    run = read_yaml("packaging/recipe.yaml")["requirements"]["run"]
    stated = {re.sub(r"\s", "", line).lower() for line in run}
    needed = {line.lower() for line in PROJECT["dependencies"]}
    assert stated == needed | {f"python{PROJECT['requires-python']}"}


def needs_of(package: str) -> list[Requirement]:
    """Return what an installed package needs; of one that is not here, nothing."""
    with contextlib.suppress(PackageNotFoundError):
        needs = map(Requirement, requires(package) or ())
        return [each for each in needs if each.marker is None or each.marker.evaluate()]
    return []


def test_no_package_that_an_extra_brings_refuses_a_version_of_the_constraints() -> None:
    """Else that extra cannot be installed with `-c constraints.txt`, as the docs say."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pinned = {canonicalize_name(name): version for name, version in pins.items()}
    extras = PROJECT["optional-dependencies"].values()
    waiting = {Requirement(each).name for each in chain(PROJECT["dependencies"], *extras)}
    seen = {"evalharness"}
    while waiting := waiting - seen:
        package = waiting.pop()
        seen.add(package)
        for need in needs_of(package):
            version = pinned.get(canonicalize_name(need.name))
            assert version is None or need.specifier.contains(version), f"{package}: {need}"
            waiting.add(need.name)
    assert len(seen) > len(PROJECT["dependencies"])


def pythons() -> list[str]:
    return re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))


@pytest.mark.parametrize(("workflow", "job"), [("test", "quick"), ("release", "wheel")])
def test_workflow_tries_each_python_on_three_systems(workflow: str, job: str) -> None:
    jobs = read_yaml(f".github/workflows/{workflow}.yml")["jobs"]
    matrix = jobs[job]["strategy"]["matrix"]
    assert matrix["python"] == pythons()
    assert [system.partition("-")[0] for system in matrix["os"]] == ["ubuntu", "macos", "windows"]


def test_release_stores_no_token_and_publishes_what_was_tested() -> None:
    text = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    assert "secrets." not in text
    assert jobs["publish"]["needs"] == "wheel"
    assert jobs["publish"]["permissions"] == {"id-token": "write", "attestations": "write"}
    built = [step["run"] for step in jobs["build"]["steps"] if "packaging/" in step.get("run", "")]
    assert all((ROOT / line.split()[0]).is_file() for line in built)


def test_hooks_start_commands_that_there_are() -> None:
    from evalharness.cli import COMMANDS

    for hook in read_yaml(".pre-commit-hooks.yaml"):
        program, command, *_ = hook["entry"].split()
        assert program == "evalharness"
        assert command in COMMANDS


# The Action that checks pages


SOUND = """The Harbor Ledger

Bridge closes

AI summary
The bridge over the Tarn closed on Monday.
This is AI generated summarization, which may have errors. Always refer to the full article.

The bridge over the Tarn, which opened in 1932, closed on Monday. Engineers found cracks in it.
Traffic goes by the ferry until the end of May, the town council said in a note to residents.
"""
WRONG = SOUND.replace("closed on Monday.\nThis", "opened in 1972.\nThis")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *arguments],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


def act(folder: Path, **inputs: str) -> tuple[int, dict[str, str]]:
    """Run the Action's step in a clone, as GitHub does; return its exit code and outputs."""
    action = ROOT / ".github" / "actions" / "check"
    declared = yaml.safe_load((action / "action.yml").read_text(encoding="utf-8"))
    given = {name: str(each.get("default", "")) for name, each in declared["inputs"].items()}
    given |= inputs
    step = declared["runs"]["steps"][0]
    environment = {
        name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: given[found[1]], value)
        for name, value in step["env"].items()
    }
    runner = folder.parent / "runner"
    runner.mkdir(exist_ok=True)
    program = runner / "evalharness"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m evalharness "$@"\n')
    program.chmod(0o755)
    output = runner / "output"
    output.write_text("")
    done = subprocess.run(
        ["bash", "-c", step["run"]],
        cwd=folder, check=False, capture_output=True, text=True,
        env={**os.environ, **environment, "GITHUB_ACTION_PATH": str(action),
             "GITHUB_OUTPUT": str(output), "RUNNER_TEMP": str(runner),
             "PATH": f"{runner}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    return done.returncode, dict(line.split("=", 1) for line in output.read_text().splitlines())


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a clone whose first commit has a sound page, and a second that adds a wrong one."""
    folder = tmp_path / "site"
    (folder / "pages").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "pages" / "sound.txt").write_text(SOUND, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    git(folder, "tag", "before")
    (folder / "pages" / "wrong one.txt").write_text(WRONG, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "two")
    return folder


def test_action_checks_the_pages_that_a_change_touches(site: Path) -> None:
    code, outputs = act(site, pages="pages/*.txt", base="before")
    assert (code, outputs["verdict"]) == (1, "flagged")
    assert "wrong one" in Path(outputs["results"]).read_text(encoding="utf-8")
    assert "sound" not in Path(outputs["results"]).read_text(encoding="utf-8")


def test_action_passes_a_change_that_touches_no_page(site: Path) -> None:
    assert act(site, pages="articles/*.html\n", base="before") == (
        0,
        {"verdict": "none", "results": str(site.parent / "runner" / "evalharness-check.json")},
    )
    code, _ = act(site, pages="pages/sound.txt")
    assert code == 0


def test_action_without_a_pattern_or_with_a_wrong_base_fails(site: Path) -> None:
    assert act(site, pages=" ")[0] == 2
    assert act(site, pages="pages/*", base="no-such-commit")[0] == 2
