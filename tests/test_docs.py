"""The pages in docs/ say what happens: their commands, configs and programs are run."""

import dataclasses
import json
import re
import shlex
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalharness.cli import COMMANDS
from evalharness.config import cells, registry
from evalharness.config.registry import BUILT_IN, ComponentRow, known_components, load_class
from evalharness.config.run_config import read_run_config
from evalharness.config.schema import option_descriptions
from evalharness.records import FLAG_KINDS

ROOT = Path(__file__).parents[1]
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
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
    """The self-test, which reads nothing of a page's folder, is run for the first page with it."""
    for language, block in blocks(page, "bash", "python"):
        if language == "python":
            exec(compile(block, str(page), "exec"), {})
        else:
            for line in block.splitlines():
                if not line.startswith("evalharness selftest") or page == _first_page_with(line):
                    _run(line, command)


def _first_page_with(line: str) -> Path:
    return next(
        page for page in PAGES if any(line in text.splitlines() for _, text in blocks(page, "bash"))
    )


def _run(line: str, command: Callable[..., Any]) -> None:
    """Run a command in this process, which is quicker, but for what needs one of its own."""
    if "--plots" in line:
        pytest.importorskip("vl_convert")
    line = line.replace("$PWD", str(Path.cwd()))
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


def test_metric_of_contributing_passes_its_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The walk is done as it is written, but for the files' places: nothing is left behind."""
    (_, component), (_, test) = blocks(CONTRIBUTING, "python")
    (row,) = re.findall(r'"(\w+)": ComponentRow\("([\w.]+):(\w+)"\)', CONTRIBUTING.read_text())
    name, module, kind = row
    written = types.ModuleType(module)
    monkeypatch.setitem(sys.modules, module, written)
    exec(compile(component, module, "exec"), written.__dict__)
    tests: dict[str, Any] = {}
    (tmp_path / "test_walk.py").write_text(test)
    exec(compile(test, str(tmp_path / "test_walk.py"), "exec"), tests)
    passed = 0
    for each, function in tests.items():
        if each.startswith("test_"):
            cases = [
                dict(zip(mark.args[0], case, strict=True))
                for mark in getattr(function, "pytestmark", ())
                for case in mark.args[1]
            ]
            for case in cases or [{}]:
                function(**case)
                passed += 1
    assert passed >= 6

    monkeypatch.setitem(BUILT_IN["metrics"], name, ComponentRow(f"{module}:{kind}"))
    monkeypatch.setattr(registry, "known_components", known_components.__wrapped__)  # uncached
    assert load_class("metrics", name) is getattr(written, kind)
    options = option_descriptions(load_class("metrics", name))
    assert options.keys() == {
        field.name for field in dataclasses.fields(load_class("metrics", name))
    }


# What pages for people call each kind of likely error.
_LIKELY_ERRORS = {
    "number": "a number",
    "date": "a date",
    "entity": "a name",
    "quote": "a quotation",
    "circumstance": "a reason or circumstance",
    "attribution": "words said by another",
    "roles": "who did what to whom, the wrong way round",
    "negation": "a denial on one side only",
    "antonym": "a word with the opposite meaning",
    "hedge": "something certain that the article calls possible",
    "spliced": "halves of two sentences put together as one",
    "doubled": "a word said twice, in the place of another",
    "judge": "what a judge found no support for",
}


@pytest.mark.parametrize("name", ["one-page", "questions"])
def test_page_names_every_kind_of_likely_error(name: str) -> None:
    page = " ".join((ROOT / "docs" / f"{name}.md").read_text().split())

    assert _LIKELY_ERRORS.keys() == {kind for kind, meant in FLAG_KINDS.items() if meant.hard}
    assert [words for words in _LIKELY_ERRORS.values() if words not in page] == []


def test_numbers_name_every_kind_of_likely_error() -> None:
    page = " ".join((ROOT / "docs" / "numbers.md").read_text().split())
    (kinds,) = re.findall(r"a flag of a hard kind \(([\w, ]+)\)", page)

    assert set(kinds.split(", ")) == {kind for kind, meant in FLAG_KINDS.items() if meant.hard}


def test_sentence_on_truth_has_the_figures_of_the_card() -> None:
    card = json.loads((ROOT / "evalharness/meta/questions.json").read_text(encoding="utf-8"))
    (scores,) = [
        question["scores"]
        for question in card["questions"]
        if (question["dimension"], question["level"]) == ("consistency", "within")
    ]
    values = {name: score["value"] for name, score in scores.items()}
    overlap = max(value for name, value in values.items() if name.startswith(("rouge", "chrf")))
    said = f"({values['lexical']:.2f} for `lexical`, {overlap:.2f} and less for overlap)"
    assert said in (ROOT / "docs/trust.md").read_text(encoding="utf-8")


def test_command_of_contributing_writes_the_glossary(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = re.findall(
        r'`python -c "(.+)" > docs/glossary.md`', CONTRIBUTING.read_text(encoding="utf-8")
    )
    exec(program, {})
    assert capsys.readouterr().out == (ROOT / "docs/glossary.md").read_text(encoding="utf-8")


def test_commands_of_contributing_are_commands() -> None:
    for language, block in blocks(CONTRIBUTING, "bash"):
        for line in block.splitlines():
            if line.startswith("evalharness "):
                assert line.split()[1] in COMMANDS, (language, line)
