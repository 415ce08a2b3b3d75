"""Options and arguments that several commands share, and how their values are read."""

from typing import Annotated

import typer

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Lay a value over the config's; repeatable."),
]
Results = Annotated[
    str, typer.Option(metavar="FOLDER", help="Where runs and the store of all summaries lie.")
]
Limit = Annotated[int | None, typer.Option(min=1, help="Articles at the most, from the first.")]
ExecutorName = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="NAME",
        help="Where it is computed: local, processes or ray; changes no result.",
    ),
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="How many workers; without an executor, processes.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")]
Seed = Annotated[int, typer.Option(min=0, help="For the resamples.")]


def split_names(listed: str) -> list[str]:
    """Return the names in an option of the form A,B.

    >>> split_names("rouge, bleu,")
    ['rouge', 'bleu']
    """
    return [name.strip() for name in listed.split(",") if name.strip()]
