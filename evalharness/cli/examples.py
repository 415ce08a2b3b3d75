"""`evalharness examples`: what the documentation works with, written into a folder."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from evalharness.errors import StoreError
from evalharness.files import shipped_path
from evalharness.report.table import amount_text


def examples_command(
    folder: Annotated[
        str, typer.Argument(metavar="[FOLDER]", help="Target folder. Default: this one.")
    ] = ".",
) -> None:
    """Write the configs, articles and the run that the README works with into a folder.

    A file that is there is not replaced; one that is another than ours is named on stderr.
    """
    done = Counter(
        write_file(source.read_bytes(), Path(folder, name)) for source, name in _example_files()
    )
    held = f", {done['there']} there already" if done["there"] else ""
    places = f"{Path(folder, 'configs')}, {Path(folder, 'results')}"
    typer.echo(f"{amount_text(done['written'], 'file')} written{held}: {places}")


def write_file(content: bytes, target: Path) -> Literal["written", "there", "another"]:
    """Write a file where there is none, and return what came of it.

    One that is another than ours stays, and is named on stderr. Raises: StoreError.
    """
    try:
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            return "written"
        if target.read_bytes() == content:
            return "there"
    except OSError as error:
        raise StoreError(f"{target}: {error.strerror or error}") from error
    typer.echo(
        f"evalharness: {target}: holds something else; left as it is",
        err=True,
    )
    return "another"


def _example_files() -> Iterator[tuple[Path, Path]]:
    """Yield the files that come with the package, and where they lie in a checkout."""
    for top, name in (("configs", "."), ("results", "baseline")):
        root = shipped_path(name, top)
        for path in sorted(root.rglob("*")):
            below = path.relative_to(root)
            if path.is_file() and not any(part.startswith((".", "__")) for part in below.parts):
                yield path, Path(top, name, below)
