"""Options and arguments that several commands share, and how their values are read."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import IO, Annotated, Any

import typer

from evalharness.config.registry import BUILT_IN
from evalharness.report.table import PIPED_WIDTH, folded_text, terminal_width
from evalharness.store.ledger import with_addresses
from evalharness.store.samples import PAGE_FILE

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a value of the config; repeatable."),
]
Results = Annotated[str, typer.Option(metavar="FOLDER", help="Folder for the runs and the store.")]
ResultsOfRun = Annotated[
    str,
    typer.Option(
        "--results",
        metavar="FOLDER|URL",
        help="Folder for the runs and the store, or a URL of one, as s3://bucket/results.",
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Use only the first N articles.")]
ExecutorName = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="NAME",
        help=f"Where to compute: {', '.join(BUILT_IN['executors'])}. Results are the same. "
        "Default: the config's, or auto.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(min=1, help="Number of workers; the executor is then processes, if not named."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the resamples.")]
Color = Annotated[
    bool, typer.Option("--color/--no-color", help="Use colours and underlines on a terminal.")
]
Votes = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE", help="People's votes (labels.pairs.jsonl of `annotate --read`); repeatable."
    ),
]
RunArguments = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN...", help="Folders of runs; a folder that holds runs means all of them."
    ),
]
NoSpaceCheck = Annotated[
    bool, typer.Option("--no-space-check", help="Start even if the disk seems too small.")
]
ReportOption = Annotated[
    bool,
    typer.Option("--report/--no-report", help=f"Write {PAGE_FILE} into the folder of the runs."),
]

# Of checks.

LabelArguments = Annotated[
    list[str],
    typer.Argument(
        metavar="LABELS...",
        help="Human labels: files of ours or of a known data set, a folder, hub:NAME.",
    ),
]
LabelFormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="Which data set the labels are of, as in docs/labels.md. Default: its fields tell.",
    ),
]
LabelArticles = Annotated[
    str | None,
    typer.Option(
        "--articles",
        metavar="FILE",
        help="A file or folder with the articles, where the labels come without them.",
    ),
]
LabelField = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="[SOURCE=]NAME",
        help="The field that holds the label, for all sources or for one; repeatable.",
    ),
]
LimitPerSource = Annotated[
    int | None, typer.Option(min=1, help="Rows of each source at the most, from the first.")
]
Resamples = Annotated[
    int, typer.Option(min=10, max=100_000, help="Resamples of the articles, for the intervals.")
]
ChecksOf = Annotated[
    str | None,
    typer.Option(
        "--config", metavar="FILE", help="Take checks and their options from this config."
    ),
]
CheckSet = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="CHECK.OPTION=VALUE",
        help="Set an option of a check, also one that the config sets.",
    ),
]

# What writes a result as Markdown or the like, by the name of the format.
Texts = Mapping[str, Callable[[Any], str]]


def split_names(listed: str) -> list[str]:
    """Return the names in an option of the form A,B.

    >>> split_names("rouge, bleu,")
    ['rouge', 'bleu']
    """
    return [name.strip() for name in listed.split(",") if name.strip()]


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    typer.echo(with_addresses(json.dumps(value, indent=1)))


def print_as(
    format: str, found: Any, show: Callable[[Any, IO[str]], None], texts: Texts, as_json: bool
) -> None:
    """Print what has a `record`: as a table, as JSON, or as one of the texts by their names."""
    if as_json or format == "json":
        print_json(found.record())
    elif format == "table":
        show(found, sys.stdout)
    else:
        typer.echo(texts[format](found), nl=False)


def print_result(record: Any, text: str, as_json: bool) -> None:
    """Print what a command makes: as JSON, or as text to read."""
    if as_json:
        print_json(record)
        return
    width = terminal_width(sys.stdout)
    for line in with_addresses(text).split("\n"):
        typer.echo("\n".join(folded_text(line, width)))


def print_headline(sentence: str) -> None:
    """Print the first sentence of a page, in lines as wide as the terminal."""
    from evalharness.files.untrusted import visible

    width = terminal_width(sys.stdout) or PIPED_WIDTH
    typer.echo("\n".join(folded_text(visible(sentence), width)))


def tell(line: str) -> None:
    """Say on stderr what is read from where, left out, or replaced."""
    from evalharness.files.untrusted import visible

    typer.echo(f"evalharness: {visible(with_addresses(line))}", err=True)
