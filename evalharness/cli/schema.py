"""`evalharness schema`: the JSON Schema of a config file."""

from evalharness.cli.options import print_json
from evalharness.config.schema import schema as config_schema


def schema_command() -> None:
    """Print the JSON Schema of a config file, for editors."""
    print_json(config_schema())
