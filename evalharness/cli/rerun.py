"""`evalharness rerun`: what differs between a run and the same run made again."""

import sys
from typing import Annotated

import typer

from evalharness.cli.options import AsJson, print_result
from evalharness.cli.progress import show_progress
from evalharness.errors import Exit
from evalharness.store import samples
from evalharness.trust.rerun import Rerun
from evalharness.trust.rerun import rerun as run_again

_CODES = {"same": Exit.GOOD, "differs": Exit.FINDING, "other versions": Exit.INCONCLUSIVE}


def rerun_command(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    into: Annotated[
        str | None,
        typer.Option(
            "--results",
            metavar="FOLDER",
            help="Keep the new results in this folder. Default: they are removed.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a run's config again from scratch. 0 same bytes, 1 other bytes, 3 other versions, too."""
    with show_progress(sys.stderr) as progress:
        found = run_again(run, into=into, progress=progress)
    print_result(found.record(), rerun_text(found), as_json)
    raise typer.Exit(_CODES[found.verdict])


def rerun_text(found: Rerun) -> str:
    """Return what differs between a run and the same run made again, as lines to read."""
    if found.same:
        changed = [f"although other now: {each}" for each in found.changed]
        head = f"{found.run}: {found.articles} articles: same bytes, but for provenance and timing"
        return "\n".join([head, *changed])
    lines = [f"{found.run}/{name}: other bytes" for name in found.files]
    texts = samples.RECORDS if samples.in_columns(found.run) else samples.SAMPLES
    for name, apart in found.fields.items():
        then, now = apart.example
        far = "" if apart.furthest is None else f", at most {apart.furthest:.3g} apart"
        lines.append(
            f"{found.run}/{texts}:{apart.line}: {name}: {then!r} then, {now!r} now; "
            f"{apart.n} of {found.articles} articles{far}"
        )
    figures = found.figures.items()
    lines += [f"{found.run}/run.json: {k}: {then} then, {now} now" for k, (then, now) in figures]
    if found.changed:
        return "\n".join([*lines, *(f"may be why: {each}" for each in found.changed)])
    return "\n".join([*lines, "the versions are the same, so this should not be"])
