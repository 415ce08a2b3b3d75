"""`evalharness schema`: the JSON Schema of a config file."""

import typer

from evalharness.cli.options import print_json
from evalharness.config.schema import schema as config_schema

app = typer.Typer(rich_markup_mode=None)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a config file, for editors."""
    print_json(config_schema())
