"""`evalharness examples`: what the documentation works with, written into a folder."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from evalharness.errors import StoreError
from evalharness.files import shipped_path
from evalharness.report.table import amount_text


def examples_command(
    folder: Annotated[
        str, typer.Argument(metavar="[FOLDER]", help="Where; by default this folder.")
    ] = ".",
) -> None:
    """Write the configs, articles and the run that the README works with into a folder.

    A file that is there is not replaced; one that is another than ours is named on stderr.
    """
    done = Counter(_write(source, Path(folder, name)) for source, name in _example_files())
    held = f", {done['there']} there already" if done["there"] else ""
    places = f"{Path(folder, 'configs')}, {Path(folder, 'results')}"
    typer.echo(f"{amount_text(done['written'], 'file')} written{held}: {places}")


def _write(source: Path, target: Path) -> str:
    """Write a file where there is none, and return what came of it."""
    try:
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            return "written"
        if target.read_bytes() == source.read_bytes():
            return "there"
    except OSError as error:
        raise StoreError(f"{target}: {error.strerror or error}") from error
    typer.echo(f"evalharness: {target}: is another file, and stays", err=True)
    return "another"


def _example_files() -> Iterator[tuple[Path, Path]]:
    """Yield the files that come with the package, and where they lie in a checkout."""
    for top, name in (("configs", "."), ("results", "baseline")):
        root = shipped_path(name, top)
        for path in sorted(root.rglob("*")):
            below = path.relative_to(root)
            if path.is_file() and not any(part.startswith((".", "__")) for part in below.parts):
                yield path, Path(top, name, below)
