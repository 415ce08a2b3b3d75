"""Commands about checks: `check` uses one, `meta`, `calibrate` and `selftest` judge them."""

import json
import sys
from typing import Annotated, Any

import typer

from evalharness.cli.options import AsJson, Seed, split_names

app = typer.Typer(rich_markup_mode=None)

LabelArguments = Annotated[
    list[str],
    typer.Argument(metavar="LABELS...", help="JSONL with human labels, also gzipped, or a folder."),
]
LabelField = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="[SOURCE=]NAME",
        help="The field that holds the label, for all sources or for one; repeatable.",
    ),
]
LimitPerSource = Annotated[
    int | None, typer.Option(min=1, help="Rows of each source at the most, from the first.")
]
Resamples = Annotated[
    int, typer.Option(min=10, max=100_000, help="Resamples of the articles, for the intervals.")
]
Checks = Annotated[
    str | None,
    typer.Option(
        metavar="A,B", help="Checks, or parts of one (lexical.numbers). Default: those of a config."
    ),
]
Published = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A metric value that the rows bring; repeatable."),
]
Kinds = Annotated[
    str, typer.Option(metavar="A,B", help="Kinds of flags that count in spans; else all.")
]
IgnoreSpans = Annotated[
    list[str] | None,
    typer.Option(metavar="TYPE", help="Marked spans that are nothing wrong; repeatable."),
]
Without = Annotated[
    list[str] | None,
    typer.Option(metavar="SOURCE", help="Give the mean without it, too; repeatable."),
]
ChecksOf = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="A config whose checks have their options here."),
]
CheckSet = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="CHECK.OPTION=VALUE", help="An option of a check, over the config's."
    ),
]
CardOption = Annotated[
    str | None, typer.Option(metavar="FILE", help="Write trust cards: JSON, or Markdown for .md.")
]


@app.command()
def meta(
    labels: LabelArguments,
    checks: Checks = None,
    published: Published = None,
    label: LabelField = None,
    kinds: Kinds = "",
    ignore_spans: IgnoreSpans = None,
    without: Without = None,
    limit_per_source: LimitPerSource = None,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    card: CardOption = None,
    config: ChecksOf = None,
    settings: CheckSet = None,
    as_json: AsJson = False,
) -> None:
    """Measure how checks agree with people: AUC, correlations, spans, with intervals."""
    from evalharness import meta as agreement
    from evalharness.cli.agreement import rejected_lines, show_agreement
    from evalharness.config.named import named_scorers

    named = split_names(checks or "")
    given = named_scorers(named, config, settings or ())
    if checks is None:
        named = list(given) or ([] if published else _usual_checks())
    found = agreement.evaluate(
        labels,
        named,
        given=given,
        published=published or (),
        labels=label or (),
        kinds=[kind for kind in kinds.split(",") if kind],
        ignored_spans=ignore_spans or (),
        without=without or (),
        limit_per_source=limit_per_source,
        resamples=resamples,
        seed=seed,
    )
    for line in rejected_lines(found.rejected):
        typer.echo(f"evalharness: {line}", err=True)
    if card:
        agreement.write_cards(found, card)
    if as_json:
        typer.echo(json.dumps(found.record(), indent=1))
    else:
        show_agreement(found.record(), sys.stdout)


def _usual_checks() -> list[str]:
    from evalharness.config.run_config import RunConfig

    return [component.name for component in RunConfig.model_fields["checks"].default]


@app.command()
def calibrate(
    labels: LabelArguments,
    check: Annotated[str, typer.Option(metavar="NAME", help="The check, or a part of one.")],
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="What to write.")],
    label: LabelField = None,
    method: Annotated[
        str, typer.Option(metavar="platt|isotonic", help="How scores become probabilities.")
    ] = "platt",
    precision: Annotated[
        float, typer.Option(min=0.01, max=1, help="Share of the flagged that shall be wrong.")
    ] = 0.9,
    recall: Annotated[
        float, typer.Option(min=0.01, max=1, help="Share of the right that shall be supported.")
    ] = 0.95,
    limit_per_source: LimitPerSource = None,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    config: ChecksOf = None,
    settings: CheckSet = None,
) -> None:
    """Learn thresholds and probabilities of a check from human labels, and write them as JSON."""
    from evalharness import meta as agreement
    from evalharness.cli.agreement import show_calibration
    from evalharness.config.named import named_scorers

    if method not in ("platt", "isotonic"):
        raise typer.BadParameter(f"{method!r} is neither platt nor isotonic", param_hint="--method")
    found = agreement.calibrate(
        labels,
        check,
        given=named_scorers([check], config, settings or ()),
        labels=label or (),
        method="platt" if method == "platt" else "isotonic",
        precision=precision,
        recall=recall,
        limit_per_source=limit_per_source,
        resamples=resamples,
        seed=seed,
    )
    found.write(output)
    show_calibration(found, sys.stdout)
    typer.echo(f"Calibration: {output}")


@app.command("selftest")
def selftest_command(
    checks: Annotated[
        bool, typer.Option("--checks", help="Plant errors and count which ones checks find.")
    ] = False,
    results: Annotated[
        str, typer.Option(metavar="FOLDER", help="Where results are to lie: can it be written?")
    ] = "results",
    check: Annotated[
        list[str] | None,
        typer.Option("--check", metavar="NAME", help="A check to test; repeatable."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data", metavar="FILE", help="Articles with references or labels; repeatable."
        ),
    ] = None,
    label: Annotated[
        str, typer.Option(metavar="FIELD", help="Which field of a row says 1 for supported.")
    ] = "label",
    kinds: Annotated[str, typer.Option(metavar="A,B", help="Kinds of error; all if empty.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="Draws which errors are planted.")] = 0,
    config: ChecksOf = None,
    settings: CheckSet = None,
    as_json: AsJson = False,
) -> None:
    """Try the whole installation, offline, with known answers; or, with --checks, the checks.

    0 all steps gave their answer, 4 one did not. The other options are for --checks: it plants
    errors in supported summaries, and counts which ones are found and what is flagged untouched.
    """
    if not checks:
        if check or data or kinds or config or settings:
            raise typer.BadParameter("is for --checks", param_hint="one of the options")
        _prove(results, as_json)
        return
    from evalharness.config.named import named_scorers
    from evalharness.meta.planted import pairs

    given = named_scorers(check or (), config, settings or ())
    named = check or list(given) or pairs.DEFAULT_CHECKS
    figures = pairs.selftest(named, data or (), label, seed, pairs.kinds_of(kinds), given)
    typer.echo(json.dumps(figures, indent=1) if as_json else pairs.planted_table(figures))


def _prove(results: str, as_json: bool) -> None:
    from evalharness.cli import fail
    from evalharness.cli.trust import proof_text, step_line
    from evalharness.errors import Exit
    from evalharness.trust.installation import prove

    found = prove(results, lambda step: None if as_json else typer.echo(step_line(step)))
    typer.echo(json.dumps(found.record(), indent=1) if as_json else proof_text(found))
    if not found.passed:
        fail("this installation should not be trusted: see above", Exit.INCOMPLETE)


@app.command()
def check(
    pages: Annotated[
        list[str] | None,
        typer.Argument(metavar="PAGE...", help="Text or HTML files, folders, or - for stdin."),
    ] = None,
    article: Annotated[
        str | None, typer.Option(metavar="FILE", help="An article, with --summary.")
    ] = None,
    summary: Annotated[
        str | None, typer.Option(metavar="FILE", help="The summary of the article.")
    ] = None,
    name: Annotated[
        str, typer.Option("--check", metavar="NAME", help="The check that decides.")
    ] = "lexical",
    thresholds: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Where the bands part; JSON, also from calibrate."),
    ] = None,
    config: ChecksOf = None,
    settings: CheckSet = None,
    as_json: AsJson = False,
    color: Annotated[
        bool, typer.Option("--color/--no-color", help="Colours and underlines on a terminal.")
    ] = True,
) -> None:
    """Check the summary on saved pages, or one summary: 0 not flagged, 1 flagged, 2 unreadable."""
    from evalharness.cli.check import check_pages, check_pair
    from evalharness.config.named import named_scorers

    if (article is None) != (summary is None) or bool(pages) == (article is not None):
        raise typer.BadParameter("give pages, or --article and --summary together")
    limits = None
    if thresholds is not None:
        from evalharness.runner.check import load_thresholds

        limits = load_thresholds(thresholds)
    checker = named_scorers([name], config, settings or ()).get(name)
    how: dict[str, Any] = {"checker": checker, "as_json": as_json, "color": color}
    if article is not None and summary is not None:
        code = check_pair(article, summary, name, limits, **how)
    else:
        code = check_pages(pages or [], name, limits, **how)
    raise typer.Exit(code)
