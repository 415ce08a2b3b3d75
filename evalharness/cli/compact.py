"""`evalharness compact`: few files at a URL in place of many."""

import dataclasses
from typing import Annotated

import typer

from evalharness.cli.options import AsJson, print_result
from evalharness.errors import ConfigError
from evalharness.protocols import is_url
from evalharness.report.table import amount_text
from evalharness.store.parts import CompactCounts
from evalharness.store.parts import compact as compact_parts


def compact_command(
    results: Annotated[
        str, typer.Argument(metavar="URL", help="Of results: s3://bucket/results, gs://.")
    ],
    as_json: AsJson = False,
) -> None:
    """Put one part in place of the many that runs put at a URL; the runs there stay as they are."""
    if not is_url(results):
        raise ConfigError(
            f"{results}: a folder needs no compact; it is for results at a URL, such as s3://…"
        )
    counts = compact_parts(results)
    print_result(dataclasses.asdict(counts), compact_text(counts), as_json)


def compact_text(counts: CompactCounts) -> str:
    """Return what was done, in words."""
    lines = [
        f"{amount_text(counts.before, 'part')} of {amount_text(counts.ledgers, 'ledger')}: now "
        f"{counts.after}, with {amount_text(counts.records, 'record')}, {counts.bytes:,} bytes"
    ]
    if counts.torn:
        lines.append(
            f"{amount_text(counts.torn, 'part')} not whole and left out: the next run of the same "
            "config computes what no other part has"
        )
    return "\n".join(lines)
