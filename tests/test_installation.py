"""The self-test passes on a good installation, and names what is broken in a bad one."""

import json
import os
import re
import resource
import shlex
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import test_readme as readme

from evalharness.errors import MissingExtra, StoreError
from evalharness.files import shipped_path
from evalharness.models.extractive import Oracle
from evalharness.records import Article, Begun, PartAnswers, Summary
from evalharness.runner import run as runner_run
from evalharness.store.runs import Run
from evalharness.trust import installation
from evalharness.trust.installation import Proof, Step, prove

ROOT = Path(__file__).parents[1]
NAMES = ["machine", *installation.FIGURES, *installation.PLANTED]
BASELINES = [
    "smollm2-greedy",
    "smollm2-drawn",
    "lead-3",
    "random-3",
    "textrank",
    "lexrank",
    "oracle",
]


def failed(proof: Proof) -> dict[str, Step]:
    return {step.name: step for step in proof.steps if not step.passed}


@pytest.fixture
def baselines_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave both networks out, for speed."""
    honest = runner_run.run

    def run(config: Path, overrides: Sequence[str], **options: Any) -> list[Run]:
        models = [f"lead1-{name}" for name in ("bart", "llama")]
        assert all(name in config.read_text() for name in models)
        lines = config.read_text().splitlines(keepends=True)
        few = "".join(line for line in lines if not any(name in line for name in models))
        few = few.replace("path: quickstart/", f"path: {config.parent / 'quickstart'}/")
        path = Path(options["results"]) / "few.yaml"
        path.write_text(few)
        return honest(path, **options)

    monkeypatch.setattr(runner_run, "run", run)


def test_every_step_passes_in_under_a_minute(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))

    began = time.thread_time()  # processor time, which a busy machine does not take
    done = command("selftest", "--json", "--results", tmp_path / "results")
    took = time.thread_time() - began

    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout)
    assert found["passed"] is True
    assert [step["name"] for step in found["steps"]] == NAMES
    assert found["machine"]["packages"]["torch"]
    assert found["machine"]["devices"]["cpu_threads"] >= 1
    assert all(free > 0 for free in found["machine"]["free_bytes"].values())
    assert took < 60
    assert list((tmp_path / "temporary").glob("evalharness*")) == []
    assert list(tmp_path.iterdir()) == [tmp_path / "temporary"]  # nothing where results will lie


@pytest.mark.usefixtures("baselines_alone")
def test_a_line_a_step_and_what_the_machine_has(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    done = command("selftest", "--results", tmp_path)

    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout
    names = ["machine", *BASELINES, "numbers", "entities"]
    assert [line.split()[2] for line in lines[:10]] == names
    assert [line.split()[3] for line in lines[:10]] == ["ok:"] * 10
    assert "10 of 10 steps passed" in lines[-1]
    assert any(line.startswith("computes on: ") for line in lines)
    assert any(line.startswith("free: ") for line in lines)


def broken_rouge(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalharness.metrics import rouge, rouge_engine

    monkeypatch.setattr(rouge.Rouge, "_compiled_scorer", lambda self: None)
    monkeypatch.setattr(rouge, "rouge_l", lambda theirs, ours: rouge_engine.PRF(0.5, 0.5, 0.5))


def broken_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    def summarize(self: Oracle, articles: Sequence[Article]) -> list[Summary]:
        return [Summary(a.id, a.text[:20]) for a in articles]

    monkeypatch.setattr(Oracle, "summarize", summarize)


def buggy_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    def summarize(self: Oracle, articles: Sequence[Article]) -> list[Summary]:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(Oracle, "summarize", summarize)


def broken_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalharness.checks.lexical.numbers import Numbers
    from evalharness.records import Score

    monkeypatch.setattr(Numbers, "score", lambda self, pairs: [Score(1.0) for _ in pairs])


def broken_data(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalharness.loaders.files import Files

    honest = Files.load
    monkeypatch.setattr(Files, "load", lambda self: list(honest(self))[1:])


@pytest.mark.usefixtures("baselines_alone")
@pytest.mark.parametrize(
    ("how", "names", "why"),
    [
        (broken_rouge, BASELINES, "rougeL is 0.5, should be 0."),
        (broken_oracle, ["oracle"], "rouge1 is 0."),
        (buggy_oracle, ["oracle"], "ZeroDivisionError: oops"),
        (broken_numbers, ["numbers"], "planted errors (number) that are found is 0, should be 91"),
        (broken_data, [*BASELINES, "numbers", "entities"], "the fingerprint of the articles is '"),
    ],
)
def test_what_is_broken_is_named_with_what_to_do(
    how: Callable[[pytest.MonkeyPatch], None],
    names: list[str],
    why: str,
    tmp_path: Path,
    command: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    how(monkeypatch)

    done = command("selftest", "--results", tmp_path)

    assert done.returncode == 4
    lines = done.stdout.splitlines()
    assert [line.split()[2] for line in lines if "  FAILED: " in line] == names
    assert why in done.stdout
    assert done.stdout.count(f"what to do: {installation.CURE}\n") == len(names)
    assert done.stderr == "evalharness: this installation should not be trusted: see above\n"


def test_wrong_padding_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A network that sees other texts' padding copies something else than the first sentence."""
    from evalharness.models.seq2seq import Seq2Seq

    honest = Seq2Seq.summarize_some

    def summarize_some(self: Seq2Seq, begun: Sequence[Begun]) -> list[Summary | PartAnswers]:
        made = honest(self, begun)
        if sum(isinstance(each, Summary) for each in made) == 1:
            return made
        return [
            replace(each, text=f"{each.text} x") if isinstance(each, Summary) else each
            for each in made
        ]

    monkeypatch.setattr(Seq2Seq, "summarize_some", summarize_some)

    found = failed(prove(tmp_path))

    assert list(found) == ["lead1-bart"]
    assert found["lead1-bart"].why.startswith("rouge1 is 0.2")
    assert "use no encoder-decoder model here" in found["lead1-bart"].cure


@pytest.mark.usefixtures("baselines_alone")
def test_installation_on_which_nothing_runs_is_one_step_and_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(installation, "shipped_path", lambda name: tmp_path / name)

    proof = prove(tmp_path)

    assert list(failed(proof)) == ["quickstart"]
    assert [step.name for step in proof.steps] == ["machine", "quickstart", "numbers", "entities"]
    assert "quickstart.yaml" in failed(proof)["quickstart"].why


def test_results_that_cannot_be_written_fail_the_first_step(tmp_path: Path) -> None:
    with pytest.raises((OSError, StoreError), match=r"/proc|denied|directory|No such"):
        installation.look_at_machine(Path("/proc/1/nothing"), {})
    (tmp_path / "file").write_text("")
    facts: dict[str, Any] = {}
    installation.look_at_machine(tmp_path / "file", facts)  # the folder above a file can be written
    assert str(tmp_path) in facts["free_bytes"]


def test_a_card_that_torch_does_not_use_is_a_warning() -> None:
    facts = {
        "hardware": {"gpus": ["NVIDIA H100"]},
        "devices": {"cuda": [], "cuda_version": None},
        "free_bytes": {"/": 10**9},
        "packages": {"torch": "2"},
    }

    assert installation.machine_warnings(facts) == [
        "there are 1 NVIDIA cards, and torch uses none of them: it is built without CUDA",
        "only 1.0 GB are free in /",
    ]


def test_options_of_the_checks_need_checks(command: Callable[..., Any]) -> None:
    done = command("selftest", "--check", "numbers")

    assert done.returncode == 2
    assert "is for --checks" in done.stderr


@pytest.mark.slow
def test_a_wheel_brings_all_that_selftest_and_reproduce_read(tmp_path: Path) -> None:
    build = f"from hatchling.build import build_wheel; print(build_wheel({str(tmp_path)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=ROOT, capture_output=True, text=True, check=True
    )
    wheel = tmp_path / done.stdout.split()[-1]
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    assert wheel.stat().st_size < 3_000_000
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    for arguments in (["selftest"], ["reproduce"], ["selftest", "--checks", "--kinds", "number"]):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "evalharness", *arguments],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    where = "from evalharness.files import shipped_path as p; print(p('quickstart/articles.jsonl'))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", where],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip().startswith(str(tmp_path / "site"))


# A light install: no torch, transformers or datasets.

LIGHT = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "datasets", "tokenizers", "pandas"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
from evalharness.__main__ import main
sys.argv[0] = "evalharness"
sys.exit(main())
"""
SIX = (
    ("check --article article.txt --summary summary.txt", 1),
    ("score a.jsonl", 0),
    ("score b.jsonl", 0),
    ("compare results/score/a results/score/b", 0),
    ("gate results/score/a results/score/b", 3),
    ("report results/score", 0),
    ("show results/score/a 1", 0),
)


def files_of_two_systems(folder: Path) -> None:
    (folder / "article.txt").write_text("The bridge opened in 1932. It closed on Monday.")
    (folder / "summary.txt").write_text("The bridge opened in 1923.")
    for name, summary in (("a", "People spoke."), ("b", "It rained, and people spoke.")):
        rows = [
            {"id": str(n), "article": f"{n} people spoke. It rained.", "summary": summary,
             "reference": f"{n} people spoke."}
            for n in range(6)
        ]  # fmt: skip
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text)


def run_six(start: Sequence[str], folder: Path) -> None:
    files_of_two_systems(folder)
    for words, code in SIX:
        done = subprocess.run(
            [*start, *words.split()], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, f"{words}: {done.stdout}{done.stderr}"


def test_six_commands_import_nothing_of_the_extra_for_networks(tmp_path: Path) -> None:
    run_six([sys.executable, "-c", LIGHT], tmp_path)


def test_demo_runs_in_an_empty_folder_without_networks(tmp_path: Path) -> None:
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, "demo"], cwd=tmp_path, capture_output=True, text=True
    )
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert done.returncode == 0, done.stderr
    assert spent.ru_utime - began.ru_utime < 60
    assert "smollm2-greedy" in done.stdout
    page = (tmp_path / "results" / "demo" / "report.html").read_text()
    headline = re.findall(r'class="headline"><bdi>(.*?)</bdi>', page)[0]
    said = done.stdout.partition("a folder for each system")[2].partition("Report: ")[0]
    assert " ".join(said.split()) == headline
    assert "summaries by smollm2-greedy" in headline
    commands = done.stdout.partition("Try next:\n")[2].splitlines()
    assert len(commands) == 3
    for line in commands:
        named = line.replace("evalharness ", f"{shlex.quote(sys.executable)} -m evalharness ")
        next_done = subprocess.run(
            ["bash", "-c", named], cwd=tmp_path, capture_output=True, text=True
        )
        assert next_done.returncode in (0, 1), next_done.stderr  # 1: the page's summary is flagged


@pytest.mark.parametrize(("what", "codes"), [("study", [0, 0]), ("ci", [1]), ("page", [1, 0])])
def test_start_runs_as_it_is_written_and_replaces_nothing(
    what: str,
    codes: list[int],
    tmp_path: Path,
    command: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)

    done = command("init", what)

    assert done.returncode == 0
    written = [line for line in done.stdout.splitlines() if line.endswith(": written")]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(line.partition(":")[0] for line in written) == sorted(
        path.relative_to(tmp_path).as_posix() for path in files
    )
    told = done.stdout.partition("Try next:\n")[2].split("\n")
    ended = [command(*line.split()[1:]).returncode for line in told if line]
    assert ended == codes

    files[0].write_text("mine")
    again = command("init", what)
    assert files[0].read_text() == "mine"
    assert f"{files[0].relative_to(tmp_path)}: holds something else; left as it is" in again.stderr
    assert again.stdout.count(": kept, as it was there already") == len(files)


def test_start_of_a_metric_is_a_plugin_that_scores(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = command("init", "metric").stdout.partition("Try next:\n")[2].split("\n")
    install, score = (line.split() for line in told if line)
    assert install == ["pip", "install", "-e", "my_metric"]
    target = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", "plugins"]
    subprocess.run([sys.executable, "-m", "pip", "install", *target, "./my_metric"], check=True)

    done = subprocess.run(
        [sys.executable, "-m", *score, "--json"],
        env={**os.environ, "PYTHONPATH": "plugins"},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)
    assert record["signatures"]["metrics"]["my_metric"] == "my_metric|shortest:2|version:1"
    assert 0 < record["metrics"]["my_metric"]["mean"] < 1


def test_what_the_start_of_a_study_has_commented_out_is_a_config(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line that is a setting in a comment is taken out of it; nothing is loaded by `plan`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    command("init", "study")
    written = (tmp_path / "study.yaml").read_text()
    setting = re.compile(r"^( *)# (- \{.*|sweep:|  grid:|    models\..*|limit: .*)$", re.MULTILINE)
    assert len(setting.findall(written)) == 7
    (tmp_path / "study.yaml").write_text(setting.sub(r"\1\2", written))

    planned = command("plan", "study.yaml")

    assert planned.returncode == 0, planned.stderr
    cells = ["lead-1", "lead-3,sentences=2", "lead-3,sentences=3", "bart"]
    assert all(f"\n{cell} " in planned.stdout for cell in cells)


@pytest.fixture
def nothing_of_hf(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ("torch", "transformers", "datasets")
    monkeypatch.setattr(
        "evalharness.config.registry.find_spec",
        lambda name: None if name in missing else find_spec(name),
    )


@pytest.mark.usefixtures("nothing_of_hf")
@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ('run run.yaml --set model={"name":"seq2seq","model":"a/b"}', "the model seq2seq"),
        ('run run.yaml --set data={"name":"hub","dataset":"a/b"}', "the loader hub"),
        (
            'run run.yaml --set checks=[{"name":"judge","model":"a/b"}]',
            "a judge without an endpoint",
        ),
        ('plan run.yaml --set model={"name":"seq2seq","model":"a/b"}', "the model seq2seq"),
        ("score a.jsonl --metrics bertscore", "the metric bertscore"),
        ("score hub:owner/set", "hub:owner/set"),
        ("score a.jsonl --checks minicheck", "the check minicheck"),
        ("check --article article.txt --summary summary.txt --check nli", "the check nli"),
    ],
)
def test_what_needs_the_extra_for_networks_says_so_in_a_line(
    words: str,
    wanted: str,
    tmp_path: Path,
    command: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    files_of_two_systems(tmp_path)
    (tmp_path / "run.yaml").write_text("data: {name: files, path: a.jsonl}\nmodel: lead\n")
    done = command(*words.split())

    assert (done.returncode, done.stdout) == (2, "")
    said = done.stderr.strip().splitlines()
    assert len(said) == 1
    assert f"{wanted} needs: pip install " in said[0]
    assert "torch" in said[0] or "[hf]" in said[0]  # as it was installed
    assert list((tmp_path / "results").glob("*")) == []


@pytest.mark.usefixtures("nothing_of_hf")
def test_selftest_without_networks_tests_the_rest_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "provenance", lambda: {"packages": {}, "hardware": {}})
    monkeypatch.setattr(installation, "machine_warnings", lambda facts: [])
    proof = prove(tmp_path)

    assert proof.passed
    assert [step.name for step in proof.steps] == ["machine", *BASELINES, *installation.PLANTED]


def test_machine_without_torch_is_told_what_to_install() -> None:
    facts: dict[str, Any] = {"hardware": {"gpus": []}, "devices": {"cuda": []}}
    facts |= {"free_bytes": {}, "packages": {}}
    (line,) = installation.machine_warnings(facts)

    assert line.startswith("models and neural checks are not installed: pip install ")


def install_wheel(folder: Path, extras: str = "") -> Path:
    """Build the wheel, install it in a bare environment in a folder, and return that environment.

    Skips the test where pip reaches no index.
    """
    build = f"from hatchling.build import build_wheel; print(build_wheel({str(folder)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=ROOT, capture_output=True, text=True, check=True
    )
    wheel = folder / done.stdout.split()[-1]
    bare = folder / "bare"
    subprocess.run([sys.executable, "-m", "venv", str(bare)], check=True)
    constraints = str(ROOT / "constraints.txt")
    pip = subprocess.run(
        [str(bare / "bin" / "pip"), "install", "--quiet", "-c", constraints, f"{wheel}{extras}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if pip.returncode and "No matching distribution" in pip.stderr:
        pytest.skip("pip reaches no index")
    assert pip.returncode == 0, pip.stderr
    return bare


@pytest.mark.slow
def test_wheel_in_a_bare_environment_runs_the_six_commands(tmp_path: Path) -> None:
    """No torch, and at most 350 MB more than an empty environment."""
    bare = install_wheel(tmp_path)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "none")], check=True)
    assert size_of(bare) - size_of(tmp_path / "none") < 350 * 2**20
    assert not [*bare.glob("lib/*/site-packages/torch")]
    folder = tmp_path / "empty"
    folder.mkdir()
    run_six([str(bare / "bin" / "evalharness")], folder)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_wheel_in_a_bare_environment_does_all_that_the_readme_shows(tmp_path: Path) -> None:
    """In an empty folder, after `evalharness examples`; with the extras of its first command."""
    bare = install_wheel(tmp_path, "[hf,plots]")
    folder = tmp_path / "empty"
    folder.mkdir()
    path = f"{bare / 'bin'}{os.pathsep}{os.environ['PATH']}"
    settings = {**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1"}
    commands = [["bash", "-c", line] for line in ("evalharness examples", *readme.commands())]
    commands += [[str(bare / "bin" / "python"), "-c", block] for block in readme.blocks("python")]
    assert len(commands) > 10
    for words in commands:
        done = subprocess.run(
            words, cwd=folder, env=settings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words[-1]}: {done.stdout[-500:]}{done.stderr[-1500:]}"


def size_of(folder: Path) -> int:
    """Return the bytes of the files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def test_examples_are_written_and_nothing_is_replaced(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    folder = tmp_path / "mine"
    done = command("examples", folder)
    assert (done.returncode, done.stderr) == (0, "")
    for name in readme_names():
        assert (folder / name).exists(), name
    gate = folder / "configs" / "gate.yaml"
    gate.write_text("level: 0.1\n")
    (folder / "configs" / "pages.yaml").unlink()

    again = command("examples", folder)
    assert again.stdout.startswith("1 file written, ")
    assert again.stderr == f"evalharness: {gate}: holds something else; left as it is\n"
    assert gate.read_text() == "level: 0.1\n"


def readme_names() -> list[str]:
    """Return the files of configs and results that the commands of the README name."""
    text = "\n".join(readme.commands())
    return re.findall(r"(?:configs|results/baseline)/[\w./-]+", text)


def test_shipped_files_are_there() -> None:
    for name in ("quickstart/lead1-bart/model.safetensors", "reproduce/published.yaml"):
        assert shipped_path(name).is_file()


# Extras: what a message says to install, for who has a clone or a wheel and no index has us.

EXTRAS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]


# Those that name others (`trackers`, `dev`) are in no message.
OWN = [name for name, packages in EXTRAS.items() if not packages[0].startswith("evalharness[")]


@pytest.mark.parametrize("extra", OWN)
@pytest.mark.parametrize("quote", ["'", '"'])
def test_message_names_the_packages_of_an_extra_not_evalharness_on_an_index(
    monkeypatch: pytest.MonkeyPatch, extra: str, quote: str
) -> None:
    declared = [
        f"{package}; extra == {quote}{name}{quote}"
        for name, packages in EXTRAS.items()
        for package in packages
    ]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["numpy>=2", *declared])
    command = str(MissingExtra("it", extra)).removeprefix("it needs: ")
    assert shlex.split(command) == ["pip", "install", *EXTRAS[extra]]


def test_message_of_a_clone_that_is_not_installed_names_its_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.requires", none)
    assert str(MissingExtra("it", "ray")) == (
        "it needs: pip install '.[ray]' in the folder of evalharness's pyproject.toml"
    )
