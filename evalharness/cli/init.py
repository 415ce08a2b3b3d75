"""`evalharness init`: a start for one's own study, CI job, pages or metric, put into a folder."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from evalharness.cli.examples import write_file
from evalharness.files import shipped_path

# Files of ours, and their names there; what to do next.
STARTS = {
    "study": (
        {"study.yaml": "study.yaml"},
        ("evalharness plan study.yaml", "evalharness run study.yaml"),
    ),
    "ci": (
        {"gate.yaml": "gate.yaml", "summaries.yml": ".github/workflows/summaries.yml"},
        (
            "evalharness gate baseline.jsonl candidate.jsonl --articles articles.jsonl "
            "--rules gate.yaml",
        ),
    ),
    "page": (
        {"pages.yaml": "pages.yaml", "site.toml": "site.toml"},
        ("evalharness check pages/harvest.txt", "evalharness run pages.yaml"),
    ),
    "metric": (
        {
            "metric.toml": "my_metric/pyproject.toml",
            "metric.py.txt": "my_metric/my_metric.py",  # no module of this package
        },
        (
            "pip install -e my_metric",
            "evalharness score articles.jsonl --metrics rouge,my_metric",
        ),
    ),
}
_OWN = Path(__file__).parent / "start"


def init_command(
    what: Annotated[Literal["study", "ci", "page", "metric"], typer.Argument(help="What for.")],
    folder: Annotated[
        str, typer.Argument(metavar="[FOLDER]", help="Target folder. Default: this one.")
    ] = ".",
) -> None:
    """Write commented files to start from: for a study, a CI job, saved pages, a metric.

    The articles and summaries are invented, to be replaced by your own. No file is replaced.
    """
    _, commands = STARTS[what]
    for name, content in _files(what):
        outcome = write_file(content, Path(folder, name))
        done = "written" if outcome == "written" else "kept, as it was there already"
        typer.echo(f"{Path(folder, name)}: {done}")
    typer.echo("\nTry next:")
    for line in commands:
        typer.echo(f"  {line}")


def _files(what: str) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file."""
    files, _ = STARTS[what]
    for name, target in files.items():
        yield target, (_OWN / name).read_bytes()
    if what == "page":
        yield "pages/harvest.txt", shipped_path("pages/harvest.txt").read_bytes()
        return
    yield "articles.jsonl", shipped_path("quickstart/articles.jsonl").read_bytes()
    if what == "ci":
        yield "baseline.jsonl", _outputs("after-greedy")
        yield "candidate.jsonl", _outputs("after-drawn")


def _outputs(system: str) -> bytes:
    """Return what a system of the quickstart wrote: a JSON line a summary, with its id."""
    lines = shipped_path("quickstart/smollm2.jsonl").read_bytes().splitlines()
    rows = [row for row in map(json.loads, lines) if row["system"] == system]
    kept = ({"id": row["id"], "summary": row["text"]} for row in rows)
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in kept).encode()
