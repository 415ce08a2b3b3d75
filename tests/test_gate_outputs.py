"""What a gate prints and writes: exit codes, JUnit XML, GitHub, Markdown, the Action, pytest."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import yaml

from evalharness import gate
from evalharness.records import Summary
from evalharness.report.gate import annotations, gate_junit, gate_markdown, word_diff

MakeRun = Callable[..., Path]
Command = Callable[..., Any]
ROOT = Path(__file__).parents[1]
SAME = np.random.default_rng(1).beta(5, 5, 40).tolist()
WORSE = [value - 0.2 for value in SAME]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the variables away that a CI server may have set."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def runs(make_run: MakeRun) -> dict[str, Path]:
    """Return a baseline and candidates for each verdict."""
    same = [Summary(f"a{i}", f"Summary of {i}.") for i in range(40)]
    return {
        "baseline": make_run("base", {"m": SAME}, summaries=same),
        "pass": make_run("same", {"m": SAME}, summaries=same),
        "regression": make_run("worse", {"m": WORSE}),
        "inconclusive": make_run("noisy", {"m": [v + (-1) ** i * 0.2 for i, v in enumerate(SAME)]}),
        "could-not-run": make_run("other", {"m": SAME}, texts=["Another."] * 40),
    }


CODES = {"pass": 0, "regression": 1, "inconclusive": 3, "could-not-run": 4}


# the command line


@pytest.mark.parametrize("verdict", CODES)
def test_command_ends_with_the_code_of_the_verdict(
    verdict: str, runs: dict[str, Path], command: Command, tmp_path: Path
) -> None:
    done = command("gate", runs["baseline"], runs[verdict], "--junit", tmp_path / "j.xml",
                   "--markdown", tmp_path / "c.md")  # fmt: skip
    assert done.returncode == CODES[verdict]
    assert done.stdout.splitlines()[0].lower().replace(" ", "-").startswith(verdict)
    assert done.stderr == ""
    assert verdict.upper().replace("-", " ") in (tmp_path / "c.md").read_text()
    assert f'value="{verdict}"' in (tmp_path / "j.xml").read_text()
    as_json = command("gate", runs["baseline"], runs[verdict], "--json")
    assert json.loads(as_json.stdout)["verdict"] == verdict
    assert as_json.returncode == CODES[verdict]


def test_wrong_rules_end_with_2(runs: dict[str, Path], command: Command, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("metrics: {nope: 0.1}\n")
    done = command("gate", runs["baseline"], runs["pass"], "--rules", tmp_path / "rules.yaml")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no metric 'nope'" in done.stderr


@pytest.mark.parametrize("option", ["--junit", "--markdown"])
def test_file_that_cannot_be_written_ends_with_4(
    option: str, runs: dict[str, Path], command: Command, tmp_path: Path
) -> None:
    for path in (tmp_path, tmp_path / "none" / "file"):
        done = command("gate", runs["baseline"], runs["pass"], option, path)
        assert done.returncode == 4
        assert done.stderr.count("\n") == 1
        assert str(path) in done.stderr


def test_summary_that_cannot_be_written_ends_with_4(
    runs: dict[str, Path], command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert command("gate", runs["baseline"], runs["pass"]).returncode == 4


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("nowhere", "nowhere: there is no such folder"),
        ("no.jsonl", "no.jsonl: there is no such file"),
    ],
)
def test_missing_run_ends_with_4_whatever_stands_beside_it(
    missing: str, said: str, command: Command, tmp_path: Path, runs: dict[str, Path]
) -> None:
    rows = tmp_path / "alpha.jsonl"
    rows.write_text('{"id": "1", "article": "It rained.", "summary": "It rained."}\n')
    for other in (rows, runs["baseline"], "nowhere2"):
        done = command("gate", missing, other)
        assert (done.returncode, done.stdout) == (4, f"COULD NOT RUN: {said}\n")
    for other in (rows, runs["baseline"]):
        done = command("gate", other, missing, "--json")
        assert done.returncode == 4
        assert json.loads(done.stdout)["reason"] == said


def test_missing_argument_ends_with_2(command: Command) -> None:
    assert command("gate", "only-one").returncode == 2


# JUnit


# What the schema of Jenkins' xUnit plug-in (junit-10.xsd) allows of what is written here: children,
# attributes that must be there, and those that may.
SCHEMA: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"testsuite"}, set(), {"name", "tests", "failures", "errors", "time"}),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors"},
        {
            "skipped",
            "time",
            "timestamp",
            "hostname",
            "id",
            "package",
            "group",
            "file",
            "log",
            "url",
        },
    ),
    "properties": ({"property"}, set(), set()),
    "property": (set(), {"name", "value"}, set()),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"},
        {"name"},
        {"time", "classname", "group"},
    ),
    "skipped": (set(), set(), {"type", "message"}),
    "failure": (set(), set(), {"type", "message"}),
    "error": (set(), set(), {"type", "message"}),
    "system-out": (set(), set(), set()),
}


def _assert_valid(text: str) -> ET.Element:
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    for element in root.iter():
        children, required, optional = SCHEMA[element.tag]
        assert {child.tag for child in element} <= children
        assert required <= set(element.attrib) <= required | optional
    if schema := os.environ.get("JUNIT_XSD"):  # the real one, where it is at hand
        etree = pytest.importorskip("lxml.etree")
        etree.XMLSchema(etree.parse(schema)).assertValid(etree.fromstring(text.encode()))
    return root


@pytest.mark.parametrize("verdict", CODES)
def test_junit_is_what_ci_servers_read(verdict: str, runs: dict[str, Path]) -> None:
    root = _assert_valid(gate_junit(gate(runs["baseline"], runs[verdict])))
    failures, errors = list(root.iter("failure")), list(root.iter("error"))
    assert root.get("failures") == str(len(failures))
    assert root.get("errors") == str(len(errors))
    assert bool(failures) == (verdict in ("regression", "inconclusive"))
    assert bool(errors) == (verdict == "could-not-run")
    assert {failure.get("type") for failure in failures} <= {verdict}


def test_metric_without_a_value_is_skipped_not_failed(make_run: MakeRun) -> None:
    run = make_run("a", {"m": SAME, "none": [None] * 40})
    found = gate(run, run)
    root = _assert_valid(gate_junit(found))
    assert [len(list(root.iter(tag))) for tag in ("testcase", "skipped", "failure")] == [3, 1, 0]
    assert "| – | none |" in gate_markdown(found)
    assert [line.partition(" ")[0] for line in annotations(found)] == ["::notice"]


def test_junit_holds_ids_of_any_letters(make_run: MakeRun) -> None:
    ids = ["<&\"'>", "\x00\x1b\x0b", "\ud800", "]]>", "ক", *(f"a{i}" for i in range(35))]
    base = make_run("a", {"m": SAME}, ids=ids)
    found = gate(base, make_run("b", {"m": WORSE}, ids=ids))
    _assert_valid(gate_junit(found))
    assert gate_junit(found).encode()
    gate_markdown(found).encode(errors="backslashreplace")


# Markdown and GitHub


def test_comment_shows_the_words_that_changed_of_the_worst_five(make_run: MakeRun) -> None:
    ours = [Summary(f"a{i}", f"The *12* boats of {i} sank.") for i in range(40)]
    theirs = [Summary(f"a{i}", f"The *12* ships | of {i} sank.") for i in range(40)]
    worse = [value - i / 100 for i, value in enumerate(SAME)]
    text = gate_markdown(
        gate(
            make_run("a", {"m": SAME}, summaries=ours),
            make_run("b", {"m": worse}, summaries=theirs),
        )
    )
    assert "> The \\*12\\* ~~boats~~ **ships \\|** of 39 sank." in text
    assert text.count("> The") == 5
    assert "| ✗ | m |" in text


def test_comment_does_without_texts(runs: dict[str, Path]) -> None:
    (runs["baseline"] / "samples.jsonl").unlink()
    assert "no text at hand" in gate_markdown(gate(runs["baseline"], runs["regression"]))


def test_word_diff_gives_both_texts_back() -> None:
    before, after = "a b c d e f", "a x c e f g h"
    changes = list(word_diff(before, after))
    assert " ".join(words for kind, words in changes if kind != "added") == before
    assert " ".join(words for kind, words in changes if kind != "removed") == after


def test_annotations_are_lines_that_github_reads(runs: dict[str, Path]) -> None:
    for verdict, level in (("regression", "error"), ("inconclusive", "warning"),
                           ("could-not-run", "error"), ("pass", "notice")):  # fmt: skip
        lines = list(annotations(gate(runs["baseline"], runs[verdict])))
        assert len(lines) == 1
        assert re.fullmatch(rf"::{level} title=[^:,\n]*::[^\n]+", lines[0])


def test_on_github_the_job_has_annotations_and_a_summary(
    runs: dict[str, Path], command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "summary.md").write_text("Before.\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    done = command("gate", runs["baseline"], runs["regression"])
    assert "::error title=" in done.stdout
    written = (tmp_path / "summary.md").read_text()
    assert written.startswith("Before.\n### evalharness")
    plain = command("gate", runs["baseline"], runs["regression"], "--json")
    assert json.loads(plain.stdout)["verdict"] == "regression"


# the Action


def _action(
    tmp_path: Path, baseline: Path, candidate: Path, **inputs: str
) -> tuple[int, dict[str, str], str]:
    """Run the Action's step as GitHub does: inputs and files by the environment."""
    action = ROOT / ".github" / "actions" / "gate"
    step = yaml.safe_load((action / "action.yml").read_text())["runs"]["steps"][0]
    given = {"baseline": str(baseline), "candidate": str(candidate), "rules": "",
             "inconclusive": "fail", **inputs}  # fmt: skip
    environment = {
        name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: given[found[1]], value)
        for name, value in step["env"].items()
    }
    files = {"GITHUB_OUTPUT": tmp_path / "output", "GITHUB_STEP_SUMMARY": tmp_path / "summary"}
    done = subprocess.run(
        ["bash", "-c", step["run"]],
        env={
            **os.environ, **environment, **{name: str(path) for name, path in files.items()},
            "GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": str(action),
            "RUNNER_TEMP": str(tmp_path),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    return done.returncode, outputs, done.stdout


@pytest.mark.parametrize(
    "verdict", ["regression", pytest.param("could-not-run", marks=pytest.mark.slow)]
)
def test_action_ends_as_the_gate_does_and_names_its_outputs(
    verdict: str, runs: dict[str, Path], tmp_path: Path
) -> None:
    code, outputs, said = _action(tmp_path, runs["baseline"], runs[verdict])
    assert code == CODES[verdict]
    assert outputs["verdict"] == verdict
    assert verdict.upper().replace("-", " ") in Path(outputs["comment"]).read_text()
    _assert_valid(Path(outputs["junit"]).read_text())
    assert "::error" in said
    assert (tmp_path / "summary").read_text().startswith("### evalharness")


@pytest.mark.slow
def test_action_may_let_the_inconclusive_pass(runs: dict[str, Path], tmp_path: Path) -> None:
    code, outputs, said = _action(
        tmp_path, runs["baseline"], runs["inconclusive"], inconclusive="pass"
    )
    assert (code, outputs["verdict"]) == (0, "inconclusive")
    assert "::warning" in said


def test_action_declares_the_outputs_that_its_script_writes() -> None:
    folder = ROOT / ".github" / "actions" / "gate"
    declared = yaml.safe_load((folder / "action.yml").read_text())["outputs"]
    written = re.findall(r'echo "(\w+)=', (folder / "gate.sh").read_text())
    assert set(declared) == set(written)


def test_documents_show_yaml_that_names_what_there_is() -> None:
    text = (ROOT / "docs" / "ci.md").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    github, gitlab = map(yaml.safe_load, blocks)
    step = next(s for s in github["jobs"]["summaries"]["steps"] if s.get("id") == "gate")
    inputs = yaml.safe_load((ROOT / step["uses"] / "action.yml").read_text())["inputs"]
    assert set(step["with"]) <= set(inputs)
    assert {name for name, each in inputs.items() if each.get("required")} <= set(step["with"])
    assert any(
        "evalharness gate results/baseline/" in line for line in gitlab["summaries"]["script"]
    )


# pytest


TESTS = """
from evalharness.pytest_plugin import assert_supported

ARTICLE = "The bridge over the Tarn opened in 1932. It closed on Monday after cracks were found."

def test_gate(evalharness_gate):
    assert evalharness_gate({baseline!r}, {candidate!r}).verdict == "pass"

def test_supported():
    assert assert_supported(ARTICLE, "The bridge over the Tarn closed on Monday.").verdict

def test_wrong():
    assert_supported(ARTICLE, "The bridge over the Tarn opened in 1952.")

def test_empty():
    assert_supported(ARTICLE, " ")
"""


def test_plug_in_has_the_fixture_and_the_assertion(runs: dict[str, Path], tmp_path: Path) -> None:
    for verdict in ("pass", "regression"):
        file = tmp_path / f"test_{verdict}.py"
        names = {"baseline": str(runs["baseline"]), "candidate": str(runs[verdict])}
        file.write_text(TESTS.format(**names))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p",
         "evalharness.pytest_plugin", "--rootdir", tmp_path, *sorted(tmp_path.glob("test_*.py"))],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    assert "5 failed, 3 passed" in done.stdout
    assert "regression: m: mean" in done.stdout
    assert "'1952'" in done.stdout
    assert "there is no summary" in done.stdout


def test_plug_in_is_declared_and_imports_nothing() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"evalharness": "evalharness.pytest_plugin"}
    code = (
        "import sys, pytest; before = set(sys.modules); import evalharness.pytest_plugin; "
        "print(sorted(m.partition('.')[0] for m in set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout.replace("'", '"'))) <= {"evalharness"}
