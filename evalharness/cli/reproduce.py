"""`evalharness reproduce`: published figures, and the same ones made again."""

import sys
import textwrap
from collections.abc import Mapping
from typing import Annotated

import typer

from evalharness.cli import options
from evalharness.cli.options import print_result
from evalharness.cli.progress import show_progress
from evalharness.errors import Exit
from evalharness.report.table import terminal_width
from evalharness.trust.reproduce import (
    PublishedResult,
    Reproduction,
    published_result,
    published_results,
)
from evalharness.trust.reproduce import reproduce as make_again

_CODES = {"reproduced": Exit.GOOD, "not reproduced": Exit.FINDING, "indicative": Exit.INCONCLUSIVE}


def reproduce_command(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Name of a published row. Default: list all.")
    ] = "",
    overrides: options.Overrides = None,
    limit: options.Limit = None,
    results: options.Results = "results",
    as_json: options.AsJson = False,
) -> None:
    """List published figures, or make one of them again. 0 made, 1 not, 3 only part was run."""
    if not name:
        rows = published_results()
        print_result([row.record() for row in rows.values()], published_text(rows), as_json)
        return
    row = published_result(name)
    with show_progress(sys.stderr) as progress:
        made = make_again(row, overrides or [], results=results, limit=limit, progress=progress)
    print_result(made.record(), reproduction_text(made), as_json)
    raise typer.Exit(_CODES[made.verdict])


def published_text(rows: Mapping[str, PublishedResult]) -> str:
    """Return the published figures with their limits and sources, as lines to read."""
    width = terminal_width(sys.stdout) or 96
    lines: list[str] = []
    for row in rows.values():
        lines.append(f"{row.name}: {row.model} on {row.data}, {row.articles} articles")
        figures = ", ".join(
            f"{figure.short} {figure.value:.2f}"
            + (" (not judged)" if figure.within is None else f" ± {figure.within:.2f}")
            for figure in row.figures
        )
        lines += [f"  {figures}", f"  source: {row.source}"]
        lines += textwrap.wrap(row.note, width, initial_indent="  ", subsequent_indent="  ")
        lines.append("")
    config = next(iter(rows.values())).config
    lines.append(f"evalharness reproduce NAME runs one; the configs: {config.parent}")
    return "\n".join(lines)


def reproduction_text(made: Reproduction) -> str:
    """Return each figure beside the published one, and the verdict."""
    width = max(len(judged.figure.short) for judged in made.figures)
    lines = [f"{made.row.name}, {made.articles} of {made.row.articles} articles: {made.folder}"]
    for judged in made.figures:
        figure = judged.figure
        here = "none" if judged.value is None else f"{judged.value:.2f}"
        spread = "" if judged.low is None else f" [{judged.low:.2f}, {judged.high:.2f}]"
        limit = "" if figure.within is None else f" ± {figure.within:.2f}"
        lines.append(
            f"  {figure.short:<{width}}  {here}{spread}, published {figure.value:.2f}{limit}: "
            f"{judged.verdict}"
        )
    reason = f" ({made.reason})" if made.reason else ""
    return "\n".join([*lines, f"source: {made.row.source}", f"{made.verdict}{reason}"])
