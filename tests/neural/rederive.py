"""Run the authors' own code on the tiny checkpoints again, in float64; compare with what is frozen.

    python tests/neural/rederive.py METHOD PATH [--write]

METHOD is the end of a module's name here (`official_METHOD.py`), PATH a copy of the repository
that the module names. Nothing of it comes with this project, and CI does not need it.
"""

import argparse
import importlib
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from neural import double, frozen

HERE = Path(__file__).parent


def methods() -> list[str]:
    """Return the methods whose authors' code can be driven."""
    return sorted(path.stem.removeprefix("official_") for path in HERE.glob("official_*.py"))


def commit_of(repository: Path) -> str:
    """Return the commit that a copy of a repository stands at; `unknown` for a bare folder."""
    found = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"


def numbers(value: Any) -> Iterator[float]:
    """Yield the numbers of nested values, in order."""
    if isinstance(value, Mapping):
        value = [value[key] for key in sorted(value)]
    if isinstance(value, list | tuple):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, int | float):
        yield float(value)


def main() -> int:
    """Rederive the fixtures of a method; return 1 where one has changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method", choices=methods())
    parser.add_argument("path", type=Path)
    parser.add_argument("--write", action="store_true", help="rewrite the fixtures")
    parser.add_argument("--commit", help="of the copy, where it is no clone")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    driver = importlib.import_module(f"neural.official_{asked.method}")
    changed = False
    with double.arithmetic(), tempfile.TemporaryDirectory() as folder:
        found = driver.fixtures(Path(folder), asked.path.resolve())
        for name, (values, model, texts) in found.items():
            plain = frozen.rounded(values)
            if asked.write:
                repository = f"{driver.REPOSITORY}@{asked.commit or commit_of(asked.path)}"
                frozen.write(name, plain, repository, model, texts)
                print(f"{name}: written")
                continue
            kept = frozen.read(name)
            same_inputs = (kept["model"], kept["texts"]) == (model, texts)
            before = {key: kept[key] for key in plain}
            difference = frozen.farthest(list(numbers(plain)), list(numbers(before)))
            changed |= not same_inputs or difference > frozen.TOLERANCE
            print(f"{name}: same inputs: {same_inputs}, farthest: {difference:.1e}")
    return int(changed)


if __name__ == "__main__":
    sys.exit(main())
