"""`evalharness copy`: results taken elsewhere."""

import dataclasses
import sys
from typing import Annotated

import typer

from evalharness.cli.options import AsJson, print_json
from evalharness.store.copy import copy as copy_results


def copy_command(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A folder of results, or a URL.")],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="The target: a folder, or a URL such as s3://bucket/runs."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Copy a folder of results to or from a URL: of a run, an experiment, or all with the store."""

    def tell(name: str) -> None:
        if sys.stderr.isatty():
            typer.echo(name, err=True)

    copied = copy_results(source, target, tell)
    if as_json:
        print_json(dataclasses.asdict(copied))
        return
    there = f", {copied.there} there already" if copied.there else ""
    typer.echo(f"copied {copied.files} files, {copied.bytes} bytes{there}: {target}")
