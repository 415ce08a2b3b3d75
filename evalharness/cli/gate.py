"""`evalharness gate`: the verdict on a candidate, in the terminal, files, and on GitHub.

Where variables say that it runs on GitHub, annotations are printed, too, and the job's summary
grows.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from evalharness.cli.files import (
    Files,
    Page,
    RunsOfArguments,
    runs_of,
    takes_files,
    write_page,
)
from evalharness.cli.options import AsJson, print_json
from evalharness.comparison.gate import Gate
from evalharness.comparison.gate import gate as gate_runs
from evalharness.comparison.new_errors import KnownFlags, read_known_flags
from evalharness.comparison.rules import read_rules
from evalharness.errors import DataError, StoreError
from evalharness.files import STDIN, nearest_path, split_name
from evalharness.report.gate import annotations, gate_junit, gate_markdown, show_gate

_Comment = Annotated[
    str, typer.Option(metavar="FILE", help="Write the verdict and the worst articles as a comment.")
]
_NoNewErrors = Annotated[
    bool,
    typer.Option(
        "--no-new-errors", help="Fail on any likely error that the baseline does not have."
    ),
]
_KnownFlags = Annotated[
    str,
    typer.Option(metavar="FILE", help="Flags that people have judged; they do not count as new."),
]


@takes_files()
def gate_command(
    baseline: Annotated[
        str,
        typer.Argument(
            metavar="BASELINE", help="A run's folder, a folder of runs, or a file of summaries."
        ),
    ],
    candidate: Annotated[
        str,
        typer.Argument(
            metavar="[CANDIDATE]", help="The same; leave it out where one file has both systems."
        ),
    ] = "",
    rules: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Rules (YAML). Default: a margin of 0.01, shown on 30 articles or more.",
        ),
    ] = None,
    junit: Annotated[str, typer.Option(metavar="FILE", help="Write JUnit XML.")] = "",
    markdown: _Comment = "",
    no_new_errors: _NoNewErrors = False,
    known_flags: _KnownFlags = "",
    page: Page = True,
    as_json: AsJson = False,
    *,
    files: Files,
) -> None:
    """Fail a CI job if summaries got worse: 0 pass, 1 regression, 3 too few articles, 4 not run."""
    known = _known(known_flags, no_new_errors)
    checked = read_rules(rules)  # what is wrong in them is said before anything is scored
    names = [name for name in (baseline, candidate) if name]
    given = RunsOfArguments(())
    if reason := _missing(names) if candidate else "":
        found = Gate("could-not-run", (), reason, baseline, candidate, rules=checked)
    else:
        given = _two_runs(names, files)
        first, second = given.runs
        found = gate_runs(first, second, rules, known_flags=known)
    _show(found, as_json)
    if page:
        write_page(given, quiet=as_json, rules=rules)
    _write_files(found, junit, markdown)
    raise typer.Exit(found.exit_code)


def _missing(names: Sequence[str]) -> str:
    """Return which run is missing on this machine; nothing where all are there, or elsewhere."""
    for name in names:
        path = split_name(name)[1]
        is_elsewhere = path == STDIN or any(character in path for character in "*?[:")
        if not is_elsewhere and not Path(path).exists():
            what = "file" if Path(path).suffix else "folder"
            return f"{path}: there is no such {what}{nearest_path(Path(path))}"
    return ""


def _two_runs(names: Sequence[str], files: Files) -> RunsOfArguments:
    given = runs_of(names, files)
    if len(given.runs) != 2:
        held = ", ".join(run.name for run in given.of_files) or "one run"
        raise DataError(f"a gate has two systems, a baseline and a candidate; here: {held}")
    return given


def _known(path: str, no_new_errors: bool) -> KnownFlags | None:
    """Return the flags that are known; None where new errors are of no concern."""
    if path:
        return read_known_flags(path)
    return KnownFlags() if no_new_errors else None


def _show(found: Gate, as_json: bool) -> None:
    if as_json:
        print_json(found.record())
        return
    show_gate(found, sys.stdout)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        sys.stdout.writelines(f"{line}\n" for line in annotations(found))


def _write_files(found: Gate, junit: str, markdown: str) -> None:
    """Write the files that were asked for, and the summary of a job on GitHub."""
    if junit:
        _write(junit, gate_junit(found))
    if markdown:
        _write(markdown, gate_markdown(found))
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        _write(summary, gate_markdown(found) + "\n", mode="a")


def _write(path: str, text: str, mode: str = "w") -> None:
    try:
        with Path(path).open(mode, encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error
