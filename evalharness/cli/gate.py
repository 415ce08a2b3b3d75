"""Where a gate's verdict goes: the terminal, files, and GitHub, where it runs there."""

import json
import os
from pathlib import Path
from typing import IO

from evalharness.comparison.gate import Gate
from evalharness.errors import StoreError
from evalharness.report import gate as texts
from evalharness.report import github
from evalharness.report.junit import junit as junit_xml


def report_gate(
    found: Gate, out: IO[str], *, junit: str = "", markdown: str = "", as_json: bool = False
) -> None:
    """Print the verdict, and write what is asked for.

    On GitHub (its variables say so), annotations are printed too, and the job's summary grows.

    Raises: StoreError for a file that cannot be written.
    """
    if as_json:
        print(json.dumps(found.record(), indent=1), file=out)
    else:
        texts.show_gate(found, out)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            out.writelines(f"{line}\n" for line in github.annotations(found))
    if junit:
        _write(junit, junit_xml(found))
    if markdown:
        _write(markdown, texts.markdown(found))
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        _write(summary, texts.markdown(found) + "\n", mode="a")


def _write(path: str, text: str, mode: str = "w") -> None:
    try:
        with Path(path).open(mode, encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error
