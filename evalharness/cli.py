"""The command line: parse, call, print, exit code.

Exit codes: 0 good; 1 `check` flagged a summary, or `gate` found a regression; 2 something the user
can mend (config, data); 3 `gate` had too few articles to tell; 4 the run could not be completed,
some articles have no summary or no score for now, or runs could not be compared; 130 interrupted.
What a command makes goes to stdout, progress and errors to stderr.
"""

import io
import json
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NoReturn

import typer

from evalharness.records import NO_ANSWER

COULD_NOT_COMPLETE = 4
INTERRUPTED = 130

app = typer.Typer(
    name="evalharness",
    help="How good are these summaries, and where are they wrong?",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
)

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Lay a value over the config's; repeatable."),
]
Results = Annotated[
    str, typer.Option(metavar="FOLDER", help="Where runs and the store of all summaries lie.")
]
Limit = Annotated[int | None, typer.Option(min=1, help="Articles at the most, from the first.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")]


@app.callback(invoke_without_command=True)
def _top(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        import evalharness

        typer.echo(f"evalharness {evalharness.__version__}")
        raise typer.Exit


@app.command()
def run(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file.")],
    overrides: Overrides = None,
    limit: Limit = None,
    results: Results = "results",
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Compute part I of N; without it, all, and the runs."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a config: load articles, summarize, score, and show a table."""
    from evalharness.runner import run as run_config

    if shard is not None:
        _run_shard(config, shard, overrides or [], limit, results, as_json)
        return
    _run(run_config, (config, overrides or []), {}, limit, results, as_json)


@app.command()
def plan(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="A YAML file.")],
    overrides: Overrides = None,
    limit: Limit = None,
    results: Results = "results",
    as_json: AsJson = False,
) -> None:
    """Show what a run would do: cells, what is stored, what is left, what could be told apart."""
    from evalharness.plan import plan as planned
    from evalharness.report.planned import text

    found = planned(config, overrides or [], results=results, limit=limit)
    typer.echo(json.dumps(found.record(), indent=1) if as_json else text(found))


@app.command()
def score(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="JSONL, CSV or Parquet, also gzipped; logs of other harnesses."
        ),
    ],
    metrics: Annotated[
        str, typer.Option(metavar="A,B", help="Metrics against the references.")
    ] = "rouge",
    checks: Annotated[
        str, typer.Option(metavar="A,B", help="Checks against the article.")
    ] = "numbers,entities",
    format: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What the files are: rows, lm-eval, inspect, lighteval, sacrerouge, summeval, "
            "promptfoo, helm; auto finds out.",
        ),
    ] = "auto",
    system: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A system of a log, if not all; repeatable."),
    ] = None,
    overrides: Overrides = None,
    limit: Limit = None,
    results: Results = "results",
    as_json: AsJson = False,
) -> None:
    """Score summaries that exist: rows with article, summary and, for metrics, reference; or logs.

    A log is read for each system in it; which fields are taken goes to stderr.
    """
    from evalharness.scoring import score as score_files

    given = (_names(metrics), _names(checks), overrides or [])
    which: dict[str, Any] = {"format": format, "systems": system or []}
    which["tell"] = lambda line: typer.echo(f"evalharness: {line}", err=True)
    _run(score_files, (files, *given), which, limit, results, as_json)


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


def _run(
    make: Callable[..., Any],
    given: Sequence[Any],
    named: Mapping[str, Any],
    limit: int | None,
    results: str,
    as_json: bool,
) -> None:
    from evalharness.report.progress import reporting
    from evalharness.runner import Unfinished

    try:
        with reporting(sys.stderr) as progress:
            runs = make(*given, **named, results=results, limit=limit, progress=progress)
    except KeyboardInterrupt:
        _fail("interrupted; what was computed is kept, and the same command goes on", INTERRUPTED)
    except Unfinished as error:
        _show_runs(error.runs, as_json)
        _tell_of_trackers(error.runs)
        raise
    _show_runs(runs, as_json)
    _tell_of_trackers(runs)
    if any(finished.record["counts"]["failed"] for finished in runs):
        _fail("some articles have no summary: see the lines 'not summarized'", COULD_NOT_COMPLETE)
    notes = [note for run in runs for metric in run.metrics.values() for note in metric["notes"]]
    if any(note.startswith(NO_ANSWER) for note in notes):
        why = f"some scores are lacking for now ('{NO_ANSWER}'); the same command asks again"
        _fail(why, COULD_NOT_COMPLETE)


def _run_shard(
    config: str,
    shard: str,
    overrides: Sequence[str],
    limit: int | None,
    results: str,
    as_json: bool,
) -> None:
    from evalharness import shards
    from evalharness.report.progress import reporting

    which = shards.shard_of(shard)
    try:
        with reporting(sys.stderr) as progress:
            part = shards.run_shard(
                config, which, overrides, results=results, limit=limit, progress=progress
            )
    except KeyboardInterrupt:
        _fail("interrupted; what was computed is kept, and the same command goes on", INTERRUPTED)
    typer.echo(json.dumps(part.record(), indent=1) if as_json else shards.text(part))
    if part.failures or part.failed:
        _fail("the shard could not be completed: see above", COULD_NOT_COMPLETE)


def _tell_of_trackers(runs: Sequence[Any]) -> None:
    from evalharness.tracking import failures

    for finished in runs:
        for line in failures(finished.record, required=False):
            typer.echo(f"evalharness: {finished.name}: {line}", err=True)


def _show_runs(runs: Sequence[Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([finished.record for finished in runs], indent=1))
        return
    if not runs:
        return
    from evalharness.report.terminal import show_runs

    show_runs([finished.record for finished in runs], sys.stdout)
    folder = runs[0].folder
    where = str(folder) if len(runs) == 1 else f"{folder.parent}, a folder for each system"
    typer.echo(f"Results: {where}")


@app.command("list")
def list_components(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="[KIND]",
            help="loaders, models, metrics, checks, trackers or formats (of logs).",
        ),
    ] = "",
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Show the options of one.")] = "",
    as_json: AsJson = False,
) -> None:
    """List components, or the options of one."""
    from evalharness.report import listing

    found = listing.components(kind, name)
    typer.echo(json.dumps(found, indent=1) if as_json else listing.text(found))


@app.command()
def schema() -> None:
    """Print the JSON Schema of a config file, for editors."""
    from evalharness.schema import schema as config_schema

    typer.echo(json.dumps(config_schema(), indent=1))


Labels = Annotated[
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
Seed = Annotated[int, typer.Option(min=0, help="For the resamples.")]


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
Card = Annotated[
    str | None, typer.Option(metavar="FILE", help="Write trust cards: JSON, or Markdown for .md.")
]


@app.command()
def meta(
    labels: Labels,
    checks: Checks = None,
    published: Published = None,
    label: LabelField = None,
    kinds: Kinds = "",
    ignore_spans: IgnoreSpans = None,
    without: Without = None,
    limit_per_source: LimitPerSource = None,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    card: Card = None,
    config: ChecksOf = None,
    settings: CheckSet = None,
    as_json: AsJson = False,
) -> None:
    """Measure how checks agree with people: AUC, correlations, spans, with intervals."""
    from evalharness import meta as agreement
    from evalharness.chosen import choose
    from evalharness.report.agreement import rejected_lines, show_agreement

    names = [name.strip() for name in (checks or "").split(",") if name.strip()]
    given = choose(names, config, settings or ())
    if checks is None:
        names = list(given) or ([] if published else _usual_checks())
    found = agreement.evaluate(
        labels,
        names,
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
    from evalharness.config import Sheet

    return [component.name for component in Sheet.model_fields["checks"].default]


@app.command()
def calibrate(
    labels: Labels,
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
    from evalharness.chosen import choose
    from evalharness.report.agreement import show_calibration

    if method not in ("platt", "isotonic"):
        raise typer.BadParameter(f"{method!r} is neither platt nor isotonic", param_hint="--method")
    found = agreement.calibrate(
        labels,
        check,
        given=choose([check], config, settings or ()),
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
    """Test checks on errors planted in supported summaries, and on those summaries untouched."""
    from evalharness import selftest
    from evalharness.chosen import choose

    if not checks:
        raise typer.BadParameter("say what to test: --checks", param_hint="selftest")
    given = choose(check or (), config, settings or ())
    named = check or list(given) or selftest.DEFAULT_CHECKS
    figures = selftest.selftest(named, data or (), label, seed, selftest.kinds_of(kinds), given)
    typer.echo(json.dumps(figures, indent=1) if as_json else selftest.table(figures))


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
    from evalharness.chosen import choose
    from evalharness.report.checked import check_pages, check_pair

    if (article is None) != (summary is None) or bool(pages) == (article is not None):
        raise typer.BadParameter("give pages, or --article and --summary together")
    limits = None
    if thresholds is not None:
        from evalharness.checking import load_thresholds

        limits = load_thresholds(thresholds)
    checker = choose([name], config, settings or ()).get(name)
    how: dict[str, Any] = {"checker": checker, "as_json": as_json, "color": color}
    if article is not None and summary is not None:
        code = check_pair(article, summary, name, limits, **how)
    else:
        code = check_pages(pages or [], name, limits, **how)
    raise typer.Exit(code)


Runs = Annotated[
    list[str],
    typer.Argument(metavar="RUN...", help="Folders of runs; a folder of runs stands for all."),
]
MetricNames = Annotated[
    str, typer.Option(metavar="A,B", help="Metrics or parts (rouge.rouge1). Default: those shown.")
]
PairedResamples = Annotated[
    int, typer.Option(min=100, max=1_000_000, help="Resamples of the articles.")
]


@app.command()
def compare(
    runs: Runs,
    metrics: MetricNames = "",
    resamples: PairedResamples = 10_000,
    seed: Seed = 0,
    level: Annotated[float, typer.Option(min=0, max=1, help="Of the tests.")] = 0.05,
    output: Annotated[
        str, typer.Option("--format", metavar="F", help="table, markdown, latex, csv or json.")
    ] = "table",
    as_json: AsJson = False,
) -> None:
    """Compare runs on the articles they share; the first is the baseline of the differences."""
    from evalharness.report import comparison as tables

    formats = ["table", "json", *tables.FORMATS]
    if output not in formats:
        raise typer.BadParameter(f"{output!r}: should be one of {', '.join(formats)}")
    from evalharness.comparison import compare as compare_runs

    found = compare_runs(
        *runs, metrics=_names(metrics), resamples=resamples, seed=seed, level=level
    )
    if as_json or output == "json":
        typer.echo(json.dumps(found.record(), indent=1))
    elif output == "table":
        tables.show_comparison(found, sys.stdout)
    else:
        typer.echo(tables.FORMATS[output](found), nl=False)


@app.command()
def gate(
    baseline: Annotated[str, typer.Argument(metavar="BASELINE", help="Folder of a run, or runs.")],
    candidate: Annotated[str, typer.Argument(metavar="CANDIDATE", help="Likewise.")],
    rules: Annotated[
        str | None, typer.Option(metavar="FILE", help="YAML; without it no metric may fall by 0.01")
    ] = None,
    junit: Annotated[str, typer.Option(metavar="FILE", help="Write JUnit XML.")] = "",
    markdown: Annotated[
        str, typer.Option(metavar="FILE", help="Write a comment with the worst articles.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Is a candidate worse than it may be? 0 no, 1 yes, 3 too few articles to tell, 4 not run."""
    from evalharness.gating import gate as judge
    from evalharness.report.gate_outputs import report_gate

    found = judge(baseline, candidate, rules)
    report_gate(found, sys.stdout, junit=junit, markdown=markdown, as_json=as_json)
    raise typer.Exit(found.exit_code)


@app.command()
def leaderboard(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Of results.")] = "results",
    by: Annotated[str, typer.Option(metavar="METRIC", help="Sort by it; default: the first.")] = "",
    output: Annotated[
        str, typer.Option("--format", metavar="F", help="table, markdown, csv or json.")
    ] = "table",
    as_json: AsJson = False,
) -> None:
    """List all runs in a folder, best first, a table for each set of articles."""
    from evalharness.comparison.board import leaderboard as list_runs
    from evalharness.report import leaderboard as tables

    if output not in ("table", "json", *tables.FORMATS):
        choices = ", ".join(["table", *tables.FORMATS, "json"])
        raise typer.BadParameter(f"{output!r}: should be one of {choices}")
    found = list_runs(folder, by)
    if as_json or output == "json":
        typer.echo(json.dumps(found.record(), indent=1))
    elif output == "table":
        tables.show_leaderboard(found, sys.stdout)
    else:
        typer.echo(tables.FORMATS[output](found), nl=False)
    if found.unreadable:
        _fail("\n".join(found.unreadable), 2)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"evalharness: {message}", err=True)
    raise typer.Exit(code)


def main() -> None:
    """Run the command line; a HarnessError is one line on stderr and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # a terminal that cannot show a letter gets its code
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except Exception as error:
        from evalharness.errors import HarnessError

        if not isinstance(error, HarnessError):  # a bug: 1 would tell a CI job of a regression
            traceback.print_exception(error)
            sys.exit(COULD_NOT_COMPLETE)
        for line in str(error).splitlines():
            typer.echo(f"evalharness: {line}", err=True)
        sys.exit(error.exit_code)
