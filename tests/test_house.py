"""The house keeps its limits: names, sizes, imports, layers. `python tests/house.py` shows all."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path

import house
import pytest

# The most that each measure may be; lowered as the work goes on, and never raised. The house had
# 223 modules and 43,419 lines when it had moved in; what is built since may add to those two.
LIMITS: Mapping[str, int] = {
    "names at the top": 28,
    "duplicate public names": 25,
    "public names defined alike": 15,
    "participles": 80,
    "import cycles": 0,
    "function length, median": 6,
    "function length, p90": 16,
    "function length, p99": 31,
    "function length, longest": 48,
    "subscripts of run.json": 0,
    "exit codes as numbers": 0,
    "modules imported by gate": 30,
    "modules imported by --help": 5,
    "modules entered by a run": 40,
    "frames to a score": 10,
}

# Public names that may mean two things, each with the reason why none of them has a better name.
# A name stands here when it was argued; the limit above counts those here, too.
ARGUED: Mapping[str, str] = {
    "GROUP": "each module of plots says under which heading its plots stand, as the section asks",
    "FORMATS": "a table of the formats that a module writes or reads, by name, for its own command",
}

# What `from evalharness import gate, compare` must not import.
UNWANTED = (
    *("evalharness.executors", "evalharness.endpoint", "evalharness.neural"),
    *("httpx", "httpx2", "torch"),
)


@pytest.mark.parametrize("name", LIMITS)
def test_no_measure_exceeds_its_limit(name: str) -> None:
    limit = LIMITS[name]
    assert house.MEASURES[name]() <= limit, f"{name}: `python tests/house.py` lists or shows it"


def test_every_argued_name_is_still_defined_twice() -> None:
    assert set(ARGUED) - set(house.duplicate_names()) == set()


def test_keys_of_run_json_are_those_that_a_run_writes() -> None:
    assert set(house.RUN_KEYS) == set(house.profile_of_run().record)


def test_a_score_is_computed_below_the_command_line() -> None:
    stack = house.profile_of_run().stack
    assert (stack[0], stack[-1]) == ("evalharness.cli:main", "evalharness.metrics.rouge:score")


def unwanted_modules() -> list[str]:
    return [
        name
        for name in house.imported_by_gate()
        if any(name == top or name.startswith(f"{top}.") for top in UNWANTED)
    ]


def test_gate_and_compare_import_no_executor_endpoint_or_network() -> None:
    assert unwanted_modules() == []


# What `from evalharness import gate, compare` needs beside Python's own modules; and the two
# commands, which read tables and have options.
_FOR_ARRAYS = {"numpy"}
_FOR_COMMANDS = _FOR_ARRAYS | {"annotated_doc", "pyarrow", "shellingham", "typer"}
_FOR_COMMANDS |= {"cloudpickle", "rich"}  # pyarrow takes the one; the other counts wide letters


def third_party(names: Iterable[str]) -> set[str]:
    """Return the packages of modules that are neither Python's nor ours; `_x` are of Cython."""
    tops = {name.partition(".")[0] for name in names}
    known = {*sys.stdlib_module_names, "evalharness", "cython_runtime", "__mp_main__"}
    return {top for top in tops - known if not top.startswith("_")}


def test_gate_and_compare_import_numpy_alone() -> None:
    assert third_party(house.imported_by_gate()) <= _FOR_ARRAYS


_COMMAND = """
import sys
from evalharness.cli import main
sys.argv = ["evalharness", *{arguments}]
try:
    main()
except SystemExit:
    pass
print()
print(*sys.modules)
"""


def test_gate_of_runs_imports_no_scorer_and_reads_tables_with_pyarrow_alone() -> None:
    run = str(house.ROOT / "results" / "baseline" / "lead1-bart")
    program = _COMMAND.format(arguments=["gate", run, run])
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=house.ROOT, capture_output=True, text=True, check=True
    )
    modules = done.stdout.splitlines()[-1].split()
    assert third_party(modules) <= _FOR_COMMANDS
    heavy: tuple[str, ...] = ("pyarrow.compute", "pyarrow.dataset", "rich.console", "numpy.ma.")
    heavy += tuple(f"evalharness.{top}" for top in ("runner", "checks", "metrics"))
    assert [name for name in modules if name.startswith(heavy)] == []


_THREADS = """
import os
from evalharness.cli import command
command("gate")
import numpy
print(os.environ.get("OPENBLAS_NUM_THREADS"), os.environ.get("OPENBLAS_THREAD_TIMEOUT"))
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
@pytest.mark.parametrize(("wanted", "left"), [({}, "None"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")])
def test_gate_multiplies_on_one_thread_unless_the_user_says_otherwise(
    wanted: Mapping[str, str], left: str
) -> None:
    unset = {name: value for name, value in os.environ.items() if "_NUM_THREADS" not in name}
    done = subprocess.run(
        [sys.executable, "-c", _THREADS],
        cwd=house.ROOT,
        env={**unset, **wanted},
        capture_output=True,
        text=True,
        check=True,
    )
    variables, threads = done.stdout.splitlines()[-2:]
    assert variables == f"{left} None"
    assert int(threads) <= int(wanted.get("OPENBLAS_NUM_THREADS", "1"))


# Layers.

_LAYERS = next(
    contract["layers"]
    for contract in tomllib.loads((house.ROOT / "pyproject.toml").read_text())["tool"][
        "importlinter"
    ]["contracts"]
    if contract["type"] == "layers" and contract["containers"] == ["evalharness"]
)
# A line of the ten in CONTRIBUTING: its number, its names, two spaces and what they are for.
_LINE = re.compile(r"^ *(\d+)  ?((?:\w+)(?: *[|:>] *\w+)*)(?:  .*)?$", re.MULTILINE)


def names_in(layer: str) -> set[str]:
    """Return the names of a layer; `|`, `:` and `>` part them. `__main__` is in every house."""
    return set(re.findall(r"\w+", layer)) - {"__main__"}


def test_contract_names_what_stands_at_the_top_and_nothing_else() -> None:
    stated = [name for layer in _LAYERS for name in names_in(layer)]
    assert sorted(stated) == sorted({*house.top_names()} - {"__init__", "__main__"})


def test_layers_of_contributing_are_those_of_the_contract() -> None:
    text = (house.ROOT / "CONTRIBUTING.md").read_text()
    written = {int(number): names_in(names) for number, names in _LINE.findall(text)}
    contract = [names_in(layer) for layer in _LAYERS if names_in(layer)]
    assert written == dict(enumerate(contract, 1))


# docs/how-a-run-works.md, which shows both.

_HOW = (house.ROOT / "docs" / "how-a-run-works.md").read_text()


def test_layers_of_the_picture_are_those_of_the_contract() -> None:
    drawn = {
        int(number): names_in(names) for number, names in re.findall(r'L(\d+)\["(.*?)"\]', _HOW)
    }
    arrows = re.findall(r"L(\d+)(?:\[.*?\])? --> L(\d+)", _HOW)
    contract = [names_in(layer) for layer in _LAYERS if names_in(layer)]
    assert drawn == dict(enumerate(contract, 1))
    assert [(int(above), int(below)) for above, below in arrows] == [
        (n, n + 1) for n in range(1, len(contract))
    ]


def test_steps_of_the_picture_are_functions_and_classes() -> None:
    named = re.findall(
        r"\b((?:[a-z_]+\.)+\w+)\b", re.sub(r"\S*\.(?:ya?ml|md|json|parquet|jsonl|toml)\b", "", _HOW)
    )
    steps = [name for name in named if name.partition(".")[0] in house.top_names()]
    assert len(steps) > 20
    for step in steps:
        module, _, name = step.rpartition(".")
        try:
            import_module(f"evalharness.{step}")
        except ModuleNotFoundError:
            assert hasattr(import_module(f"evalharness.{module}"), name), step


# Commands and exit codes.

_CLI = house.ROOT / "evalharness" / "cli"


def commands() -> list[str]:
    """Return the names in `COMMANDS`, a mapping or a list, of the command line."""
    tree = ast.parse((_CLI / "__init__.py").read_text())
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        if any(isinstance(target, ast.Name) and target.id == "COMMANDS" for target in targets):
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            return list(ast.literal_eval(node.value)) if node.value is not None else []
    return []


def test_every_command_has_a_file_of_its_name() -> None:
    names = {name.replace("-", "_") for name in commands()}
    assert names, "cli/__init__.py has no COMMANDS"
    assert names - {path.stem for path in _CLI.glob("*.py")} == set()


def test_exit_codes_are_named_nowhere_but_in_the_enum() -> None:
    assert [module.at(line) for module, line in house.exit_codes()] == []


# What the measures count.


@pytest.mark.parametrize("name", ["told", "_asked", "lacking", "loaded", "unwritten", "_got"])
def test_bare_participle_is_counted(name: str) -> None:
    assert house.is_participle(name)


@pytest.mark.parametrize(
    "name", ["read", "cut", "found_path", "_with_band", "timing", "seed", "__getitem__", "needs"]
)
def test_verb_noun_or_name_of_two_words_is_not_counted(name: str) -> None:
    assert not house.is_participle(name)


def test_cycle_is_found_through_a_third_module() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}
    groups = [sorted(group) for group in house.components(edges)]
    assert sorted(groups) == [["a", "b", "c"], ["d"], ["e"]]


def test_name_is_a_duplicate_only_where_its_definitions_differ() -> None:
    alike, different = house.copied_names(), house.duplicate_names()
    assert not set(alike) & set(different)
    assert all(len({each.module.name for each in found}) > 1 for found in different.values())
