"""Measures of the house, by parsing `evalharness/`: names, sizes, imports, and what a run enters.

    python tests/house.py                    a table of all measures (seconds: it runs a config)
    python tests/house.py names              what stands at the top of `evalharness/`
    python tests/house.py duplicate-names    public names with more than one meaning, and where
    python tests/house.py participles        functions named by a bare participle
    python tests/house.py cycles             modules that import each other in a circle
    python tests/house.py run-keys           string subscripts of what `run.json` holds
    python tests/house.py exit-codes         exit codes that are written as numbers

Only the standard library, and no import of ours: the last measures start a process of their own.
"""

import ast
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = "evalharness"

Function = ast.FunctionDef | ast.AsyncFunctionDef
Import = tuple[str, str, int]  # module, imported module, line


@dataclass(frozen=True)
class Module:
    """A module of the package: its dotted name without the package's, its tree and its lines."""

    name: str
    path: Path
    lines: int
    tree: ast.Module

    @property
    def dotted(self) -> str:
        """The name that Python imports it by."""
        return f"{PACKAGE}.{self.name}" if self.name else PACKAGE

    def at(self, line: int) -> str:
        """Return file and line, as an editor opens them."""
        return f"{self.path.relative_to(ROOT)}:{line}"

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the tree."""
        return [*ast.walk(self.tree)]

    @cached_property
    def functions(self) -> list[Function]:
        """All functions and methods, those within others too."""
        return [node for node in self.nodes if isinstance(node, Function)]


@cache
def modules() -> tuple[Module, ...]:
    """Return all modules of the package, in order of their paths."""
    found = []
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        found.append(Module(name, path, text.count("\n"), ast.parse(text)))
    return tuple(found)


# Names at the top.


def top_names() -> list[str]:
    """Return the modules and packages at the top, `__init__` and `__main__` among them."""
    top = (ROOT / PACKAGE).iterdir()
    packages = {path.name for path in top if path.is_dir() and any(path.rglob("*.py"))}
    return sorted(packages | {path.stem for path in (ROOT / PACKAGE).glob("*.py")})


# Public names with more than one meaning.

# A method whose check holds the summary against the article and whose metric against references.
_TWINS = ({"metrics", "checks"},)
# By the contract of its module, not by its meaning: a command-line app, and where a program starts.
_CONTRACT = frozenset(["app", "main"])


@dataclass(frozen=True)
class Definition:
    """A public name where it is defined, and its definition without docstrings and positions."""

    module: Module
    name: str
    node: ast.stmt

    @property
    def where(self) -> str:
        """File and line."""
        return self.module.at(self.node.lineno)

    @property
    def kind(self) -> str:
        """What is defined."""
        if isinstance(self.node, ast.ClassDef):
            return "class"
        return "function" if isinstance(self.node, Function) else "constant"

    @cached_property
    def meaning(self) -> str:
        """The definition as text: two that are alike mean the same."""
        if isinstance(self.node, ast.Assign):
            return ast.dump(_value_of(self.name, self.node))
        if not isinstance(self.node, ast.ClassDef | Function):
            return ast.dump(self.node)
        alone = copy(self.node)
        if ast.get_docstring(alone) is not None:
            alone.body = alone.body[1:]
        return ast.dump(alone)


def _value_of(name: str, node: ast.Assign) -> ast.expr:
    """Return what a name is assigned; of `A, B = 1, 2` its own part."""
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for part, own in zip(target.elts, value.elts, strict=False):
            if isinstance(part, ast.Name) and part.id == name:
                return own
    return value


def definitions(module: Module) -> Iterator[Definition]:
    """Yield the public classes, functions and constants of a module; no import is one."""
    for node in _top_statements(module.tree.body):
        for name in dict.fromkeys(_defined(node)):
            if not name.startswith("_"):
                yield Definition(module, name, node)


def _top_statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements, those in `if` and `try` too, but what stands there for types alone."""
    for node in body:
        if isinstance(node, ast.If):
            if ast.unparse(node.test) != "TYPE_CHECKING":
                yield from _top_statements(node.body)
            yield from _top_statements(node.orelse)
        elif isinstance(node, ast.Try):
            yield from _top_statements([*node.body, *node.orelse, *node.finalbody])
            for handler in node.handlers:
                yield from _top_statements(handler.body)
        else:
            yield node


def _defined(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement defines; `RUN = results.RUN` passes on another's."""
    if isinstance(node, ast.ClassDef | Function):
        yield node.name
        return
    if isinstance(node, ast.AnnAssign):
        targets: list[ast.expr] = [node.target]
    elif isinstance(node, ast.Assign):
        targets = node.targets
    else:
        return
    value = node.value
    for target in targets:
        for part in ast.walk(target):
            if isinstance(part, ast.Name) and not (
                isinstance(value, ast.Attribute) and value.attr == part.id
            ):
                yield part.id


def defined_more_than_once() -> dict[str, list[Definition]]:
    """Return the public names that more than one module defines, but what a contract asks for.

    By contract the same are: `main`; a metric's class and its check's, which are one method.
    """
    by_name: dict[str, list[Definition]] = defaultdict(list)
    for module in modules():
        for found in definitions(module):
            if found.name not in _CONTRACT:
                others = by_name[found.name]
                if all(other.module != module for other in others):
                    others.append(found)
    return {
        name: found
        for name, found in sorted(by_name.items())
        if len(found) > 1 and not _are_twins(found)
    }


def duplicate_names() -> dict[str, list[Definition]]:
    """Return the public names that are defined in several modules with different meanings.

    Definitions that are the same but for their docstring mean the same: see `copied_names`.
    """
    every = defined_more_than_once()
    return {name: found for name, found in every.items() if len({d.meaning for d in found}) > 1}


def copied_names() -> dict[str, list[Definition]]:
    """Return the public names that several modules define alike."""
    every = defined_more_than_once()
    return {name: found for name, found in every.items() if len({d.meaning for d in found}) == 1}


def _are_twins(found: Sequence[Definition]) -> bool:
    tops = [each.module.name.partition(".")[0] for each in found]
    return set(tops) in _TWINS and len(tops) == 2 and all(d.kind == "class" for d in found)


# Functions named by a bare participle.


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_IRREGULAR = _words(
    """
    beaten begun bent blown born bound bought broken brought built chosen done drawn driven eaten
    fallen felt found frozen given gone got grown held hidden kept known laid led left lent lost
    made meant met paid proven rewritten said seen sent shown sold sought spent spoken stood stuck
    swept taken taught thought told torn understood undone unread unsound unwritten worn woven
    written
    """
)
# Nouns in -ing that name what is returned, and verbs in -ed and -ing.
_NOUNS = _words(
    """
    beginning casing ending everything heading nothing opening padding pairing ranking rating
    reading setting something standing string timing warning
    """
)
_VERBS = _words("bring embed exceed feed need proceed seed speed spring succeed")


def is_participle(name: str) -> bool:
    """Tell whether a function's name is one word, past or present participle, and nothing else.

    A leading `_` aside; a name of two words (`with_band`, `found_path`) is none, nor one that is
    also the verb itself (`read`, `cut`, `split`).

    >>> is_participle("told"), is_participle("_lacking")
    (True, True)
    >>> is_participle("read"), is_participle("found_path"), is_participle("_timing")
    (False, False, False)
    """
    word = name.strip("_")
    if name.startswith("__") or "_" in word or word in _NOUNS | _VERBS:
        return False
    return word in _IRREGULAR or word.endswith(("ed", "ing"))


def participles() -> list[tuple[Module, Function]]:
    """Return the functions and methods that are named by a bare participle."""
    return [(m, f) for m in modules() for f in m.functions if is_participle(f.name)]


# Sizes.


def function_lengths() -> list[int]:
    """Return the lines of each function, from its `def` to its end without its docstring."""
    return sorted(_length(function) for module in modules() for function in module.functions)


def _length(function: Function) -> int:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None and len(function.body) > 1:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def quantile(values: Sequence[int], share: float) -> int:
    """Return the value that a share of the sorted values does not exceed."""
    return values[min(len(values) - 1, int(share * len(values)))]


# Imports.


def imports() -> list[Import]:
    """Return all imports of ours: in functions and under `TYPE_CHECKING` too.

    `from evalharness.config import run_config` imports that module, `from evalharness import run`
    the package itself. That a module's import runs the `__init__` of its packages does not count.
    """
    known = {module.dotted for module in modules()}
    return [
        (module.dotted, target, node.lineno)
        for module in modules()
        for node in module.nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for target in _targets(module, node, known)
        if target != module.dotted
    ]


def _targets(module: Module, node: ast.Import | ast.ImportFrom, known: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
        return
    home = node.module or ""
    if node.level:
        parts = module.dotted.split(".")
        is_package = module.path.name == "__init__.py"
        base = parts[: len(parts) - node.level + is_package]
        home = ".".join([*base, *([node.module] if node.module else [])])
    if home.partition(".")[0] == PACKAGE:  # a folder without `__init__` is no module, but a home
        for alias in node.names:
            inner = f"{home}.{alias.name}"
            if inner in known or home in known:
                yield inner if inner in known else home


def cycles() -> list[list[str]]:
    """Return the groups of modules that import each other in a circle, in functions or for types.

    The package's own `__init__` is left out: it names its public functions by strings, and again
    for type checkers, and others ask it for its version.
    """
    edges: dict[str, set[str]] = {module.dotted: set() for module in modules()}
    for source, target, _ in imports():
        if PACKAGE not in (source, target):
            edges[source].add(target)
    return sorted(sorted(group) for group in components(edges) if len(group) > 1)


def components(edges: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Yield the strongly connected components of a graph (Kosaraju)."""
    order: list[str] = []
    seen: set[str] = set()
    for start in edges:
        order += _reached(start, edges, seen)
    back: dict[str, set[str]] = {node: set() for node in edges}
    for node, targets in edges.items():
        for target in targets:
            back[target].add(node)
    seen = set()
    for start in reversed(order):
        if group := _reached(start, back, seen):
            yield group


def _reached(start: str, edges: Mapping[str, set[str]], seen: set[str]) -> list[str]:
    """Return what is reached for the first time, each after all that it leads to."""
    if start in seen:
        return []
    seen.add(start)
    order, stack = [], [(start, iter(sorted(edges[start])))]
    while stack:
        node, rest = stack[-1]
        following = next((other for other in rest if other not in seen), None)
        if following is None:
            order.append(node)
            stack.pop()
        else:
            seen.add(following)
            stack.append((following, iter(sorted(edges[following]))))
    return order


# Keys of run.json, and exit codes.

# All that a `run.json` has at its top: test_house.py holds this against one that was written.
RUN_KEYS = (
    *("format", "experiment", "cell", "seed", "interval", "data", "counts", "outputs"),
    *("metrics", "signatures", "provenance", "timing"),
)


def run_keys() -> list[tuple[Module, int, str]]:
    """Return module, line and key of each string subscript of a top key of `run.json`.

    Those in `store/`, which alone may, are left out. Whatever has such a key counts: a config's
    `["data"]` too. `.get("metrics")` is no subscript, and does not.
    """
    return [
        (module, node.lineno, node.slice.value)
        for module in modules()
        if module.name.partition(".")[0] != "store" or module.path.name == "store.py"
        for node in module.nodes
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value in RUN_KEYS
        and isinstance(node.slice.value, str)
    ]


_ENDS = frozenset(["Exit", "exit", "fail", "SystemExit"])
_CODE = re.compile(r"exit_?codes?", re.IGNORECASE)


def exit_codes() -> list[tuple[Module, int]]:
    """Return module and line of each exit code that is written as a number, but in `errors`.

    Numbers in what `Exit`, `sys.exit` or `fail` is given; in what is assigned to `exit_code` or the
    like; in what a function returns whose name or docstring speaks of an exit code; the constants
    of the module that any of these name; and those at the top of a module `exits`.
    """
    lines = {
        (module.name, line): module
        for module in modules()
        if module.name != "errors"
        for part in _places_of_codes(module)
        for line in _numbers(part, module)
    }
    return [(module, line) for (_, line), module in sorted(lines.items(), key=lambda kv: kv[0])]


def _numbers(part: ast.expr, module: Module) -> Iterator[int]:
    """Yield the lines of the numbers in an expression, and of the constants it names."""
    named = {node.id for node in ast.walk(part) if isinstance(node, ast.Name)}
    values = [
        node.value
        for node in module.tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id in named for target in node.targets)
    ]
    for value in (part, *values):
        for node in ast.walk(value):
            if isinstance(node, ast.Constant) and type(node.value) is int:
                yield node.lineno


def _places_of_codes(module: Module) -> Iterator[ast.expr]:
    for node in module.nodes:
        if isinstance(node, ast.Call):
            called = node.func
            name = getattr(called, "attr", getattr(called, "id", ""))
            if name in _ENDS:
                yield from [*node.args, *(keyword.value for keyword in node.keywords)]
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(_CODE.fullmatch(getattr(t, "id", getattr(t, "attr", ""))) for t in targets):
                yield node.value
        elif isinstance(node, Function) and _speaks_of_codes(node):
            yield from (
                inner.value
                for inner in ast.walk(node)
                if isinstance(inner, ast.Return) and inner.value
            )
    if module.name.endswith("exits"):
        for top in module.tree.body:
            if isinstance(top, ast.Assign):
                yield top.value


def _speaks_of_codes(function: Function) -> bool:
    first_line = (ast.get_docstring(function) or "").partition("\n\n")[0]
    return bool(_CODE.search(function.name)) or "exit code" in first_line


# What is imported, and what a run enters: each in a process of its own.

_IMPORTED = """
import json, sys
before = set(sys.modules)
{statement}
print("\\n" + json.dumps(sorted(set(sys.modules) - before)))
"""
_HELP = """
import contextlib, io
from evalharness.cli import main
sys.argv = ["evalharness", "--help"]
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main()
"""
_PROFILED = """
import json, sys, threading
entered, deepest = set(), []

def profile(frame, event, _):
    if event != "call":
        return
    name = frame.f_globals.get("__name__", "")
    if name.partition(".")[0] != "evalharness":
        return
    code = frame.f_code.co_name
    if code != "<module>":
        entered.add(name)
    if code == "score" and name.startswith("evalharness.metrics."):
        stack = []
        while frame is not None:
            name, code = frame.f_globals.get("__name__", ""), frame.f_code.co_name
            is_ours = name.startswith("evalharness.") and name != "evalharness.__main__"
            if is_ours and not code.startswith("<"):
                stack.append(f"{name}:{code}")
            frame = frame.f_back
        if len(stack) > len(deepest):
            deepest[:] = reversed(stack)

sys.argv = ["evalharness", *sys.argv[1:]]
from evalharness.__main__ import main
sys.setprofile(profile)
threading.setprofile(profile)
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
finally:
    sys.setprofile(None)
print("\\n" + json.dumps({"entered": sorted(entered), "stack": deepest}))
"""


def _answer(program: str, *arguments: str) -> Any:
    """Return the JSON on the last line of what a program prints in a process of its own."""
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == PACKAGE


@cache
def imported_by_gate() -> list[str]:
    """Return all modules, of others too, that `from evalharness import gate, compare` imports."""
    program = _IMPORTED.format(statement="from evalharness import gate, compare")
    names: list[str] = _answer(program)
    return names


@cache
def imported_by_help() -> list[str]:
    """Return our modules that `evalharness --help` imports."""
    return [name for name in _answer(_IMPORTED.format(statement=_HELP)) if _is_ours(name)]


def help_seconds(tries: int = 5) -> float:
    """Return the processor time of `evalharness --help`, the least of some tries, in seconds."""
    costs = []
    for _ in range(tries):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", PACKAGE, "--help"]
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(costs)


@dataclass(frozen=True)
class Profile:
    """What a run of lead, ROUGE and numbers over five articles came through.

    entered: our modules with a function or method that was called, from `__main__` on; a module
        that was only imported does not count.
    stack: our functions from `cli:main` to the `score` of ROUGE, both included; what a lambda or
        a comprehension adds does not count.
    record: what the run's `run.json` holds.
    """

    entered: Sequence[str]
    stack: Sequence[str]
    record: Mapping[str, Any]

    @property
    def outside(self) -> list[str]:
        """Modules entered but `text`, `metrics` and `checks`."""
        inner = tuple(f"{PACKAGE}.{name}" for name in ("text", "metrics", "checks"))
        return [
            name
            for name in self.entered
            if not any(name == top or name.startswith(f"{top}.") for top in inner)
        ]


@cache
def profile_of_run() -> Profile:
    """Run lead, ROUGE and numbers over five articles under a profiler."""
    articles = ROOT / "configs" / "quickstart" / "articles.jsonl"
    config = {
        "data": {"name": "files", "path": str(articles)},
        "models": [{"name": "lead"}],
        "metrics": ["rouge"],
        "checks": ["numbers"],
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "house.yaml")
        path.write_text(json.dumps(config))
        options = ("run", str(path), "--limit", "5", "--results", folder, "--no-report")
        found = _answer(_PROFILED, *options)
        (record,) = Path(folder).rglob("run.json")
        return Profile(found["entered"], found["stack"], json.loads(record.read_text()))


# All of them.


def _at_quantile(share: float) -> Callable[[], float]:
    return lambda: quantile(function_lengths(), share)


MEASURES: Mapping[str, Callable[[], float]] = {
    "names at the top": lambda: len(top_names()),
    "duplicate public names": lambda: len(duplicate_names()),
    "public names defined alike": lambda: len(copied_names()),
    "participles": lambda: len(participles()),
    "modules": lambda: len(modules()),
    "lines": lambda: sum(module.lines for module in modules()),
    "import cycles": lambda: len(cycles()),
    "functions": lambda: len(function_lengths()),
    "function length, median": lambda: statistics.median_low(function_lengths()),
    "function length, p90": _at_quantile(0.90),
    "function length, p99": _at_quantile(0.99),
    "function length, longest": lambda: function_lengths()[-1],
    "subscripts of run.json": lambda: len(run_keys()),
    "modules that subscript run.json": lambda: len({module.name for module, *_ in run_keys()}),
    "exit codes as numbers": lambda: len(exit_codes()),
    "modules imported by gate": lambda: sum(map(_is_ours, imported_by_gate())),
    "modules imported by --help": lambda: len(imported_by_help()),
    "modules entered by a run": lambda: len(profile_of_run().outside),
    "frames to a score": lambda: len(profile_of_run().stack),
}


def _list_names() -> Iterator[str]:
    yield from top_names()


def _list_duplicates() -> Iterator[str]:
    for title, names in (("different", duplicate_names()), ("alike", copied_names())):
        for name, found in names.items():
            yield f"{name} ({title})"
            for each in found:
                yield f"    {each.where} {each.kind}"


def _list_participles() -> Iterator[str]:
    for module, function in participles():
        yield f"{module.at(function.lineno)} {function.name}"


def _list_cycles() -> Iterator[str]:
    for group in cycles():
        yield " <-> ".join(group)
        for source, target, line in imports():
            if source in group and target in group:
                (module,) = [each for each in modules() if each.dotted == source]
                yield f"    {module.at(line)} imports {target}"


def _list_run_keys() -> Iterator[str]:
    for module, line, key in run_keys():
        yield f"{module.at(line)} {key}"


def _list_exit_codes() -> Iterator[str]:
    for module, line in exit_codes():
        yield module.at(line)


LISTS: Mapping[str, Callable[[], Iterator[str]]] = {
    "names": _list_names,
    "duplicate-names": _list_duplicates,
    "participles": _list_participles,
    "cycles": _list_cycles,
    "run-keys": _list_run_keys,
    "exit-codes": _list_exit_codes,
}


def main(arguments: Sequence[str]) -> None:
    """Print a list, or all measures."""
    if arguments:
        print("\n".join(LISTS[arguments[0]]()))
        return
    for name, measure in MEASURES.items():
        print(f"{name:34}{measure():>8}")
    print(f"{'--help, processor seconds':34}{help_seconds():>8.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
