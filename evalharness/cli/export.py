"""`evalharness export`: runs as other tools read them, or packed for another place."""

from typing import Annotated

import typer

from evalharness.cli.files import Files, RunOrFile, runs_of, takes_files
from evalharness.cli.options import AsJson, Votes, print_json
from evalharness.comparison.preferences import read_votes
from evalharness.store.export import DEFAULT_OUTPUT, ExportFormat, ExportPlan, export_runs
from evalharness.store.ledger import address_of
from evalharness.store.runs import runs_in

_OUTPUTS = ", ".join(DEFAULT_OUTPUT.values())


@takes_files()
def export_command(
    runs: RunOrFile,
    to: Annotated[
        ExportFormat,
        typer.Option(
            help="jsonl: a row a summary; archive: the runs' folders, packed to be opened "
            "elsewhere; every-eval-ever: a file a run; model-card: one run's results as the hub "
            "reads them; llm-comparator: two runs side by side."
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER",
            help=f"File or folder to write [default: {_OUTPUTS}]",
        ),
    ] = "",
    model: Annotated[
        str, typer.Option(metavar="OWNER/NAME", help="Which model of the hub wrote the summaries.")
    ] = "",
    organization: Annotated[
        str, typer.Option(metavar="NAME", help="Who ran this, for every-eval-ever.")
    ] = ExportPlan.organization,
    by: Annotated[
        str,
        typer.Option(
            metavar="SCORE",
            help="Of llm-comparator: the score whose difference is shown, if nobody was asked.",
        ),
    ] = "",
    votes: Votes = None,
    as_json: AsJson = False,
    *,
    files: Files,
) -> None:
    """Write runs for other tools (rows, model card, LLM Comparator, …), or pack their folders."""
    plan = ExportPlan(model, organization, by, read_votes(votes or ()))
    every = [run for given in runs_of(runs, files).runs for run in runs_in(given)]
    written = export_runs(every, to, output or DEFAULT_OUTPUT[to], plan)
    if as_json:
        print_json({"format": to, "runs": len(every), "files": [str(path) for path in written]})
        return
    for path in written:
        typer.echo(f"{to}: {address_of(path)}")
