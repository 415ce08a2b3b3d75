"""`evalharness calibrate`: thresholds and probabilities of a check, learned from human labels."""

import sys
from typing import IO, Annotated, Literal

import typer

from evalharness import meta as agreement
from evalharness.cli import options
from evalharness.config.build import named_scorers
from evalharness.config.calibration import Calibrated, Calibration
from evalharness.files.untrusted import visible
from evalharness.report.table import number_text, percent_text, show_table


def calibrate_command(
    labels: options.LabelArguments,
    check: Annotated[str, typer.Option(metavar="NAME", help="The check, or a part of one.")],
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="What to write.")],
    label: options.LabelField = None,
    method: Annotated[
        Literal["platt", "isotonic"], typer.Option(help="How scores become probabilities.")
    ] = "platt",
    precision: Annotated[
        float, typer.Option(min=0.01, max=1, help="Share of the flagged that shall be wrong.")
    ] = 0.9,
    recall: Annotated[
        float, typer.Option(min=0.01, max=1, help="Share of the right that shall be supported.")
    ] = 0.95,
    limit_per_source: options.LimitPerSource = None,
    resamples: options.Resamples = 1000,
    seed: options.Seed = 0,
    config: options.ChecksOf = None,
    settings: options.CheckSet = None,
    format: options.LabelFormatName = None,
    articles: options.LabelArticles = None,
) -> None:
    """Learn thresholds and probabilities of a check from human labels, and write them as JSON."""
    found = agreement.calibrate(
        labels,
        check,
        given=named_scorers([check], config, settings or ()),
        labels=label or (),
        method=method,
        precision=precision,
        recall=recall,
        limit_per_source=limit_per_source,
        resamples=resamples,
        seed=seed,
        format=format,
        articles=articles,
    )
    found.write(output)
    show_calibration(found, sys.stdout)
    typer.echo(f"Calibration: {output}")


def show_calibration(found: Calibration, out: IO[str]) -> None:
    """Print the thresholds of a calibration, a row a source."""
    headings = [
        "source", "n", "consistent", "AUC", "bal. acc.", "threshold", "flag below", "flagged",
        "precision", "support from", "supported", "recall", "Brier",
    ]  # fmt: skip
    entries = {**found.sources, "pooled": found.pooled}
    rows = [[name, *_calibration_row(entry)] for name, entry in entries.items()]
    reasons = [f"{name}: {entry.reason}" for name, entry in found.sources.items() if entry.reason]
    out.write(visible(f"{found.check}  ({found.signature})\n\n"))
    show_table([headings, *rows], out, notes=reasons)


def _calibration_row(entry: Calibrated) -> list[str]:
    rate = entry.positive / entry.n if entry.n else None
    return [
        str(entry.n),
        percent_text(rate),
        number_text(entry.auc),
        number_text(entry.balanced_accuracy),
        number_text(entry.threshold),
        number_text(entry.flag_below),
        percent_text(entry.flagged),
        percent_text(entry.flagged_precision),
        number_text(entry.support_from),
        percent_text(entry.supported),
        percent_text(entry.supported_recall),
        number_text(entry.brier),
    ]
