"""Commands that show what there is to write into a config: `list` and `schema`."""

import json
from typing import Annotated

import typer

from evalharness.commands.options import AsJson

app = typer.Typer(rich_markup_mode=None)


@app.command("list")
def list_components(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="[KIND]",
            help="loaders, models, metrics, checks, trackers, executors or formats (of logs).",
        ),
    ] = "",
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Show the options of one.")] = "",
    as_json: AsJson = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the reference of all components.")
    ] = False,
) -> None:
    """List components, or the options of one."""
    if markdown:
        from evalharness.report import reference

        typer.echo(reference.markdown(), nl=False)
        return
    from evalharness.report import listing

    found = listing.components(kind, name)
    typer.echo(json.dumps(found, indent=1) if as_json else listing.text(found))


@app.command()
def schema() -> None:
    """Print the JSON Schema of a config file, for editors."""
    from evalharness.schema import schema as config_schema

    typer.echo(json.dumps(config_schema(), indent=1))
