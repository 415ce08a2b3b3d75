"""Commands that show what there is: `list` and `schema` for a config, `show` of a run."""

import json
import sys
from typing import Annotated

import typer

from evalharness.cli.options import AsJson

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
        from evalharness.cli import reference

        typer.echo(reference.markdown(), nl=False)
        return
    from evalharness.cli import listing

    found = listing.list_components(kind, name)
    typer.echo(json.dumps(found, indent=1) if as_json else listing.listing_text(found))


@app.command()
def schema() -> None:
    """Print the JSON Schema of a config file, for editors."""
    from evalharness.config.schema import schema as config_schema

    typer.echo(json.dumps(config_schema(), indent=1))


@app.command()
def show(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Folder of a run, or of an experiment.")
    ],
    article: Annotated[
        str, typer.Argument(metavar="[ID]", help="An article's id, or how only one begins.")
    ] = "",
    n: Annotated[
        int, typer.Option("-n", min=1, max=1000, help="Articles listed, without an ID.")
    ] = 10,
    full: Annotated[bool, typer.Option("--full", help="All of a long article.")] = False,
    as_json: AsJson = False,
    color: Annotated[
        bool, typer.Option("--color/--no-color", help="Colours and underlines on a terminal.")
    ] = True,
) -> None:
    """Show one article with its summaries, evidence and flags; without ID, the worst articles."""
    from evalharness.cli.show import show_article, show_worst
    from evalharness.report.gathered import gather

    gathered = gather([run])
    if article:
        show_article(gathered, article, sys.stdout, color=color, full=full, as_json=as_json)
    else:
        show_worst(gathered, n, sys.stdout, run, color=color, as_json=as_json)
