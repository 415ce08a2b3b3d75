"""The command line, as a user types it."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import pytest
from conftest import Done

from evalharness import cli
from evalharness.cli.list import list_components
from evalharness.errors import Exit

Command = Callable[..., Done]
ROOT = Path(__file__).parents[1]
ARTICLES = ROOT / "configs" / "quickstart" / "articles.jsonl"


def evalharness(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evalharness", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(
        f"data: {{name: files, path: {json.dumps(str(ARTICLES))}}}\nmodel: lead\nlimit: 4\n"
    )
    return path


def test_run_prints_a_table_and_where_the_results_are(small: Path, tmp_path: Path) -> None:
    done = evalharness("run", str(small), "--results", str(tmp_path / "r"))

    assert done.returncode == 0, done.stderr
    assert "rougeLsum" in done.stdout
    assert "lead" in done.stdout
    assert "rouge|types:rouge1" in done.stdout
    assert f"Results: {tmp_path / 'r' / 'small' / 'lead'}" in done.stdout
    assert done.stderr == ""


def test_json_holds_what_run_json_holds(small: Path, tmp_path: Path) -> None:
    done = evalharness("run", str(small), "--results", str(tmp_path / "r"), "--json")

    (record,) = json.loads(done.stdout)
    assert record == json.loads((tmp_path / "r" / "small" / "lead" / "run.json").read_text())


def test_set_and_limit_lie_over_the_config(small: Path, tmp_path: Path) -> None:
    done = evalharness(
        "run", str(small), "--set", "model.sentences=1", "--limit", "2",
        "--results", str(tmp_path / "r"), "--json",
    )  # fmt: skip

    (record,) = json.loads(done.stdout)
    assert record["counts"]["articles"] == 2
    assert "sentences:1" in record["signatures"]["model"]


def test_score_takes_summaries_that_exist(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    rows = [
        {"article": "The mayor of Ardle resigned on 4 May.", "summary": "The mayor left on 5 May.",
         "reference": "The mayor of Ardle resigned."},
        {"article": "It rained.", "summary": "", "reference": "It rained."},
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    done = evalharness("score", str(path), "--results", str(tmp_path / "r"), "--json")

    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)
    assert record["cell"] == "mine"
    assert record["outputs"]["answer_rate"] == 0.5
    assert record["metrics"]["lexical"]["flags"] == {"date": 1, "unsupported": 1}
    assert record["metrics"]["rouge"]["n"] == 1
    assert record["metrics"]["rouge"]["not_scored"] == 1


def test_row_without_a_summary_ends_with_4_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"article": "One.", "summary": "One."}\n{"article": "Two."}\n')

    done = evalharness("score", str(path), "--results", str(tmp_path / "r"))

    assert done.returncode == 4
    assert "1 not summarized: the row has no summary" in done.stdout
    *columns, last = done.stderr.splitlines()
    assert columns == [
        "evalharness: no references: not scored by rouge (--references FILE)",
        "evalharness: mine.jsonl: article ← article, summary ← summary",
    ]
    assert last == "evalharness: some articles have no summary: see the lines 'not summarized'"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["run", "."], ".: is a folder; a config is a YAML file"),
        (["score", "nowhere.jsonl"], "nowhere.jsonl: no such file or folder"),
        (["score", "README.md", "--metrics", "rogue"], "no metric 'rogue'; did you mean rouge?"),
        (["score", "A text and no file. " * 30], "A text and no file. A text and no file."),
        (["verify", "A text and no file. " * 30], "no file has so long a name"),
        (["check", "A text and no file. " * 30], "texts: check --article-text"),
        (["report", "configs/sweep.yaml"], "sweep.yaml: a config, not summaries; `evalharness run"),
        (
            ["meta", "results/baseline"],
            "results/baseline: holds runs; here rows are read that",
        ),
        (["compact", "results"], "results: a folder needs no compact"),
        (["list", "rouge"], "no kind 'rouge'; evalharness list metrics rouge shows its options"),
        (["explain", "results"], "'explain' is called 'show' here"),
        (["list", "modles"], "no kind 'modles'; did you mean models?"),
        (["list", "models", "leed"], "no model 'leed'; did you mean lead?"),
        (["rnu", "x"], "No such command 'rnu'"),
        (["run", "x.yaml", "--limt", "3"], "--limit"),
        (["run", "x.yaml", "--limit", "0"], "greater than or equal to 1"),
    ],
)
def test_mistake_ends_with_2_and_one_clear_line(arguments: list[str], message: str) -> None:
    done = evalharness(*arguments)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["", *cli.COMMANDS])
def test_short_help_is_the_help_of_every_command(name: str, command: Command) -> None:
    words = [name] if name else []
    short, long = command(*words, "-h"), command(*words, "--help")

    assert short == long
    assert (short.returncode, short.stderr) == (0, "")
    assert "-h, --help" in short.stdout
    assert f"Usage: evalharness {name}".rstrip() in short.stdout
    line = cli.COMMANDS.get(name, "How good are these summaries, and where are they wrong?")
    assert line in " ".join(short.stdout.split())


def test_usage_names_arguments_plainly_and_help_says_where_to_start(command: Command) -> None:
    assert "Usage: evalharness show [OPTIONS] RUN_OR_FILE... [ID]\n" in command("show", "-h").stdout
    assert "[OPTIONS] BASELINE [CANDIDATE]\n" in command("gate", "-h").stdout
    assert "[OPTIONS] WHAT [FOLDER]\n" in command("init", "-h").stdout
    assert "\n  Start with: evalharness demo\n" in command("-h").stdout


def test_init_keeps_what_is_there_and_says_so(tmp_path: Path, command: Command) -> None:
    rules = tmp_path / "gate.yaml"
    rules.write_text("metrics: {}\n")
    said = command("init", "ci", str(tmp_path)).stdout

    assert f"{rules}: kept, as it was there already\n" in said
    assert f"{tmp_path / 'baseline.jsonl'}: written\n" in said
    assert rules.read_text() == "metrics: {}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "rows.jsonl"), "rows.jsonl: this looks like data"),
        (("plan", "rows.jsonl"), "evalharness init study"),
        (("score", "empty.jsonl"), "the file is empty; write it again, or leave it out\n"),
        (("check", "empty.jsonl"), "empty.jsonl: the file is empty"),
        (("compare", "results/smal"), "did you mean results/small?"),
        (("verify", "resluts"), "did you mean results?"),
        (("leaderboard", "resluts"), "did you mean results?"),
    ],
)
def test_what_is_given_by_mistake_is_named(
    words: Sequence[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Command,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "rows.jsonl").write_text('{"id": "a", "article": "x"}\n{"id": "b"}\n')
    (tmp_path / "results" / "small").mkdir(parents=True)
    done = command(*words)
    assert done.returncode == 2
    assert said in done.stderr


# What a shell asks for, and what of it is a word to choose.
SHELLS: dict[str, tuple[Callable[[str], dict[str, str]], str]] = {
    "bash": (lambda line: {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}, r"^(.+)$"),
    "zsh": (lambda line: {"_TYPER_COMPLETE_ARGS": line}, r'(?:\(\(|^)"([^"]+)"'),
    "fish": (
        lambda line: {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        r"^([^\t\n]+)",
    ),
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("evalharness sco", {"score"}),
        ("evalharness ", set(cli.COMMANDS)),
        ("evalharness score --ref", {"--references"}),
        ("evalharness compare a.jsonl --join", {"--join", "--join-on"}),
        ("evalharness compare --join-on ", {"auto", "id", "article", "line"}),
        ("evalharness check --summary", {"--summary", "--summary-text"}),
    ],
)
def test_shells_complete_commands_options_and_their_values(
    shell: str, line: str, words: set[str], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, pattern = SHELLS[shell]
    for name, value in {"_EVALHARNESS_COMPLETE": f"complete_{shell}", **settings(line)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "40")
    done = command()

    assert {*re.findall(pattern, done.stdout, re.MULTILINE)} == words, done


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_is_installed_for_a_shell(
    shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    code = "import sys; sys.argv[0] = 'evalharness'; from evalharness.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--install-completion", shell],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("_EVALHARNESS_COMPLETE" in path.read_text() for path in files)


def test_list_names_every_component_with_its_first_line() -> None:
    done = evalharness("list", "--json")

    found = json.loads(done.stdout)
    assert set(found) == {
        *("loaders", "models", "metrics", "checks", "trackers", "executors", "formats")
    }
    assert {"seq2seq", "causal", "lead", "oracle", "given"} <= set(found["models"])
    assert all(line for kind in found.values() for line in kind.values())
    del found["formats"]
    assert [line for kind in found.values() for line in kind.values() if line[-1] != "."] == []


def test_every_option_of_every_component_says_what_it_means() -> None:
    for kind, names in list_components().items():
        for name in names:
            for option, meaning in list_components(kind, name)[f"{kind} {name}"].items():
                assert not meaning.startswith("("), f"{kind} {name} {option}: undocumented"


COUNTED = """
import json, sys
calls = 0
def count(frame, event, argument):
    global calls
    calls += event == "call"
sys.argv = ["evalharness", "--help"]
sys.setprofile(count)
try:
    from evalharness.__main__ import main
    main()
except SystemExit as end:
    sys.setprofile(None)
    print(json.dumps([end.code, calls, list(sys.modules)]), file=sys.stderr)
"""


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    """In calls of functions, of imports too, which are the same however busy the machine is."""
    done = subprocess.run(
        [sys.executable, "-c", COUNTED], capture_output=True, text=True, check=True
    )

    code, calls, modules = json.loads(done.stderr)
    assert code == 0
    assert "Usage" in done.stdout
    assert calls < 40_000  # 32,624 with Python 3.11 and the versions of constraints.txt
    assert len(modules) < 200  # 149
    assert len([name for name in modules if name.startswith("evalharness")]) <= 6
    heavy = {"torch", "transformers", "datasets", "nltk", "pandas", "numpy", "pydantic"}
    assert not heavy & set(modules)


def test_help_says_of_each_command_what_the_command_says() -> None:
    for name, line in cli.COMMANDS.items():
        assert (cli.command(name).help or "").splitlines()[0] == line


# The examples that --help ends with.


@pytest.fixture(scope="module")
def examples_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the examples work with: shipped files, the demo, rows, labels."""
    folder = tmp_path_factory.mktemp("examples")
    for name in ("examples", "demo"):
        done = evalharness(name, cwd=folder)
        assert done.returncode == 0, done.stderr
    article = "It rained in Rome on Monday. Two people died, and a bridge closed until May."
    rows = [
        {"id": str(n), "source": "a", "article": article.replace("Rome", city), "label": label,
         "reference": f"Two people died in {city}.", "summary": f"{many} people died in {city}."}
        for n, city in enumerate(["Rome", "Oslo", "Lima", "Turin", "Quito", "Porto"] * 4)
        for many, label in (("Two", 1), ("Three", 0))
    ]  # fmt: skip
    right, wrong = rows[::2], rows[1::2]
    for name, some in {
        "ours": right, "theirs": wrong, "baseline": right, "candidate": right, "labels": rows
    }.items():  # fmt: skip
        text = "".join(json.dumps(row) + "\n" for row in some)
        (folder / f"{name}.jsonl").write_text(text)
    for name in ("ann", "ben"):
        labels = ROOT / "docs" / "study" / f"labels-{name}.jsonl"
        (folder / labels.name).write_bytes(labels.read_bytes())
    (folder / "article.txt").write_text(article)
    (folder / "summary.txt").write_text("Three people died.")
    return folder


LINES = [line for lines in cli.EXAMPLES.values() for line in lines]
# What finds something, as it should: an error on the page; a wrong number.
FINDING = {line for line in LINES if line.startswith("evalharness check ")}
LONG = {line for line in LINES if line.startswith(("evalharness selftest", "evalharness view"))}
# What asks a bucket, which tests have not; `test_parts.py` compacts one in memory.
ELSEWHERE = {line for line in LINES if "s3://" in line}


def test_every_command_has_examples_that_fit_on_a_line(command: Command) -> None:
    assert list(cli.EXAMPLES) == list(cli.COMMANDS)
    for name, lines in cli.EXAMPLES.items():
        shown = command(name, "--help").stdout.partition("Examples:\n")[2]
        assert shown.splitlines() == [f"  {line}" for line in lines]
        assert all(line.startswith(f"evalharness {name}") and len(line) <= 88 for line in lines)


@pytest.mark.parametrize("line", [line for line in LINES if line not in LONG | ELSEWHERE])
def test_example_of_help_runs(
    line: str, examples_folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(examples_folder)
    done = command(*line.partition(" > ")[0].split()[1:])
    assert done.returncode == (1 if line in FINDING else 0), done.stderr
    assert done.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("line", sorted(LONG - {"evalharness view results"}))
def test_long_example_of_help_runs(line: str, examples_folder: Path) -> None:
    done = evalharness(*line.split()[1:], cwd=examples_folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_with_a_command_is_listed_and_has_the_one_of_its_name() -> None:
    files = [
        path.stem
        for path in Path(cli.__file__).parent.glob("*.py")
        if "\ndef " + path.stem + "_command(" in path.read_text()
    ]

    assert sorted(files) == sorted(cli.COMMANDS)
    for name in files:
        commands = [
            each
            for each in vars(import_module(f"evalharness.cli.{name}"))
            if each.endswith("_command")
        ]
        assert commands == [f"{name}_command"]
        assert cli.command(name).name == name


def test_help_lists_every_exit_code_with_its_meaning() -> None:
    said = " ".join(evalharness("--help").stdout.partition("Exit codes:")[2].split())

    assert said == " ".join(f"{code.value} {code.meaning}" for code in Exit)


@pytest.mark.parametrize(
    ("arguments", "homes"), [(["--help"], []), (["schema", "--help"], ["options", "schema"])]
)
def test_only_the_command_that_is_asked_for_is_imported(
    arguments: list[str], homes: list[str]
) -> None:
    code = (
        "import sys; from evalharness.cli import app; app(sys.argv[1:], standalone_mode=False); "
        "print(*sorted(m for m in sys.modules if m.startswith('evalharness.cli.')))"
    )
    command = [sys.executable, "-c", code, *arguments]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1].split() == [f"evalharness.cli.{h}" for h in homes]


def test_importing_evalharness_imports_nothing_heavy() -> None:
    code = (
        "import sys, evalharness; "
        "print([m for m in ('torch', 'transformers', 'datasets', 'nltk', 'pandas') "
        "if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_version_is_printed() -> None:
    import evalharness as package

    assert evalharness("--version").stdout == f"evalharness {package.__version__}\n"
