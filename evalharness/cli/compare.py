"""`evalharness compare`: runs side by side, as tables for the terminal, Markdown, LaTeX or CSV."""

import shlex
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import IO, Annotated, Any, Literal

import typer

from evalharness.cli import options
from evalharness.cli.files import (
    Files,
    Page,
    RunOrFile,
    RunsOfArguments,
    runs_of,
    takes_files,
    write_page,
)
from evalharness.cli.progress import show_progress
from evalharness.comparison.comparison import Comparison, Difference
from evalharness.comparison.comparison import compare as compare_runs
from evalharness.comparison.preferences import preference_sentence, read_votes
from evalharness.config.build import read_judges
from evalharness.config.registry import detectable_figure, scaled_figure
from evalharness.records import Vote
from evalharness.report import table
from evalharness.report.preferences import (
    agreement_notes,
    beside_people,
    preference_notes,
    preferred_pairs,
    preferred_systems,
)
from evalharness.store.runs import NOT_SWEPT, Run

# Of the tests of a page, too.
USUAL_LEVEL = 0.05

Metrics = Annotated[
    str, typer.Option(metavar="A,B", help="Metrics or parts (rouge1). Default: those shown.")
]
Cluster = Annotated[
    str,
    typer.Option(
        metavar="FIELD", help="Draw articles that share this field (source, day) together."
    ),
]
JudgeFile = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="Ask a language model which of two summaries is better. A YAML file with options "
        "of the check `judge`, or a config with `judges`.",
    ),
]
Join = Annotated[
    str,
    typer.Option(
        metavar="A,B",
        help="Settings of a sweep, such as seed. Runs that differ only in these count as one "
        "system; its intervals cover their spread.",
    ),
]


@takes_files("metrics")
def compare_command(
    runs: RunOrFile,
    metrics: Metrics = "",
    resamples: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Resamples of the articles.")
    ] = 10_000,
    seed: options.Seed = 0,
    level: Annotated[float, typer.Option(min=0, max=1, help="Level of the tests.")] = USUAL_LEVEL,
    join: Join = "",
    cluster: Cluster = "",
    incomplete: Annotated[
        bool,
        typer.Option("--incomplete", help="Also rank runs that did not answer every article."),
    ] = False,
    judge: JudgeFile = "",
    votes: options.Votes = None,
    output: Annotated[
        Literal["table", "markdown", "latex", "csv", "json"], typer.Option("--format")
    ] = "table",
    page: Page = True,
    as_json: options.AsJson = False,
    *,
    files: Files,
) -> None:
    """Compare runs on the articles they share; the first is the baseline of the differences.

    Files of summaries are scored first; then there is a page, too.
    """
    names = options.split_names(metrics)
    if judge:
        read_judges(judge)  # what is wrong in it is said before anything is scored
    of_people = read_votes(votes or ())
    given = runs_of(runs, files.scored_by(names))
    if names and given.of_files:
        names += options.split_names(files.checks or "")
    with show_progress(sys.stderr) as progress:
        found = compare_runs(
            *given.runs,
            metrics=names,
            resamples=resamples,
            seed=seed,
            level=level,
            join=options.split_names(join),
            incomplete=incomplete,
            cluster=cluster,
            judge=judge or None,
            votes=of_people,
            progress=progress,
        )
    options.print_as(output, found, show_comparison, FORMATS, as_json)
    shown = output == "table" and not as_json
    _conclude(given, found, of_people, page=page, shown=shown, some=bool(names), every=incomplete)


def _conclude(
    given: RunsOfArguments,
    found: Comparison,
    votes: Sequence[Vote],
    *,
    page: bool,
    shown: bool,
    some: bool,
    every: bool,
) -> None:
    """Write the page of files, and print its headline; of runs, the one that it would have.

    some: whether only some scores are compared. A page tests in the usual way, so that its headline
    is no word on a comparison that does not. every: whether incomplete runs are ranked, too.
    """
    unusual = found.joined or found.cluster or every or found.level != USUAL_LEVEL
    if page and given.of_files:
        write_page(given, quiet=not shown, headed=not unusual, votes=votes)
    elif shown and not some and not unusual:
        _show_headline(given.runs, votes)


def _show_headline(runs: Sequence[str | Run], votes: Sequence[Vote]) -> None:
    """Print what the page on the same runs would say first, and how it is written."""
    from evalharness.report.gathered import gather
    from evalharness.report.headline import headline
    from evalharness.report.ranking import standings

    gathered = replace(gather(runs), votes=tuple(votes))
    if sentence := headline(gathered, standings(gathered)).sentence:
        options.print_headline(sentence)
    folders = shlex.join(str(run.folder if isinstance(run, Run) else run) for run in runs)
    typer.echo(f"To see where each goes wrong: evalharness report {folders}")


def show_comparison(found: Comparison, out: IO[str]) -> None:
    """Print the systems' means with letters, the differences to the first, and what to know."""
    table.show_table(_means(found), out)
    differences, left_out = _differences_with_room(_differences(found), out)
    table.show_table(differences, out, "ll", [*left_out, *comparison_notes(found)])
    if rows := beside_people(found):
        print(file=out)
        table.show_table(rows, out, notes=agreement_notes(found))
    for preferences in found.preferences:
        print(file=out)
        table.show_table(preferred_systems(preferences), out)
        table.show_table(preferred_pairs(preferences), out, "ll", preference_notes(preferences))


# Joined runs from which on Student's quantile is less than 1.5 times the normal one.
_FEW_RUNS = 5
# Two joined runs leave one degree of freedom: Student's quantile is 12.7, and an interval of scores
# from 0 to 100 easily one from -56 to 86. The files have it; people are told what to do.
_TOO_FEW_RUNS = 2
# Rows of differences, with their headings, that may be repeated below for columns without room.
_MOST_ROWS_TWICE = 25
_HEADINGS = (
    "metric", "system", "n", "difference", "interval", "p", "Holm", "BH", "effect",
    "win/tie/loss", "detectable",
)  # fmt: skip


def _means(found: Comparison) -> list[list[str]]:
    checks = found.likely_errors
    errors = [f"{check}: likely errors" if len(checks) > 1 else "likely errors" for check in checks]
    rows = [["system", *errors, *found.metrics]]
    for system in sorted(found.systems, key=lambda system: system in found.incomplete):
        standings = [found.standing(metric, system) for metric in found.metrics]
        counts = [of_check.get(system) for of_check in checks.values()]
        rows.append(
            [
                system,
                *(f"{count[0]} of {count[1]}" if count else table.NONE for count in counts),
                *(f"{scaled_figure(s.mean, s.metric)} {s.letters}" for s in standings),
            ]
        )
    return rows


def _differences(found: Comparison) -> list[list[str]]:
    return [
        list(_HEADINGS),
        *(_row(each, _systems_of_few_runs(found)) for each in found.differences),
    ]


def _systems_of_few_runs(found: Comparison) -> set[str]:
    """Return the systems that are joined of so few runs that an interval says nothing."""
    return {name for name, runs in found.joined.items() if len(runs) <= _TOO_FEW_RUNS}


def _differences_with_room(
    rows: list[list[str]], out: IO[str]
) -> tuple[list[list[str]], list[str]]:
    """Return the rows of many differences without the last columns that have no room beside them.

    And a note that names these. Of a few differences, or where p has no room, all columns are kept.
    """
    fits = table.count_with_room(rows, "ll", table.terminal_width(out) or table.PIPED_WIDTH)
    if len(rows) <= _MOST_ROWS_TWICE or not _HEADINGS.index("Holm") < fits < len(_HEADINGS):
        return rows, []
    names = table.join_names(_HEADINGS[fits:])
    note = f"No room beside these columns for {names}: --format csv, or a wider window, has them."
    return [row[:fits] for row in rows], [note]


def _row(each: Difference, too_few: Collection[str]) -> list[str]:
    scaled = partial(scaled_figure, metric=each.metric, sign="+")
    few = not {each.system, each.baseline}.isdisjoint(too_few)
    return [
        each.metric,
        each.system,
        str(each.n),
        scaled(each.difference),
        table.NONE if few else table.interval_text(each.low, each.high, scaled),
        table.p_value(each.p),
        table.p_value(each.p_holm),
        table.p_value(each.p_bh),
        table.number_text(each.effect, 2, "+"),
        f"{each.wins}/{each.ties}/{each.losses}",
        table.NONE if few else detectable_figure(each.detectable, each.metric),
    ]


def comparison_notes(found: Comparison) -> Iterator[str]:
    """Yield what the tables do not say of themselves."""
    if note := found.equal_note():
        yield note
    tail = f"{1 - found.level:.0%}"
    for name, share in found.incomplete.items():
        how = "its means are" if name in found.systems else "left out, as its means would be"
        yield f"{name}: not ranked: answered {share}; {how} over fewer (--incomplete ranks it)"
    yield from (f"{name}: {NOT_SWEPT}" for name in found.not_swept)
    yield (
        f"Means over the {table.amount_text(found.articles, 'article')} that all systems have, "
        "times 100; n: those with a score for all of them. Systems that share a letter do not "
        f"differ significantly (level {found.level:g}; Holm over all pairs of systems by that "
        "metric, as letters compare every pair; p in the table of differences is adjusted over the "
        "rows that it has)."
    )
    if found.likely_errors:
        yield "Likely errors: how many of a system's summaries that were checked have one."
    yield from _joined_notes(found)
    yield (
        f"Differences to {found.systems[0]}: {tail} paired bootstrap interval; p by paired "
        f"randomization, two-sided; Holm and BH over all {len(found.differences)} rows "
        f"({found.resamples} resamples, seed {found.seed}). effect: the mean difference in "
        "standard deviations. detectable: the smallest true difference that 80 of 100 such samples "
        "would show, after Holm."
    )
    if found.cluster:
        yield f"Articles of one {found.cluster} are resampled and exchanged together."
    if found.level * (found.resamples + 1) < len(found.differences):
        yield (
            f"Holm cannot reach {found.level:g} for {len(found.differences)} rows with so few "
            f"resamples: the smallest p is {1 / (found.resamples + 1):.2g}"
        )
    yield from (f"{name}: {signature}" for name, signature in found.signatures.items())
    yield from (
        f"{name}: {n} articles left out, as they are not in all"
        for name, n in found.left_out.items()
    )
    for standing in found.standings:
        if standing.not_scored:
            where = f"{standing.system}: {standing.metric}"
            yield f"{where}: {standing.not_scored} of {found.articles} articles have no score"
    yield from (f"{name}: not compared: {why}" for name, why in found.metrics_left_out.items())


def _joined_notes(found: Comparison) -> Iterator[str]:
    """Yield which runs are one system, and the intervals of means that say so."""
    if not found.joined:
        return
    keys = " and ".join(found.join)
    yield (
        f"Runs that differ in {keys} alone are one system. Its mean is over articles and runs; "
        f"intervals and tests say how other articles and another {keys} would move it. A system "
        "of one run covers the variation of articles only."
    )
    for system, runs in found.joined.items():
        yield f"{system}: {len(runs)} runs: {'; '.join(runs)}"
    too_few = _systems_of_few_runs(found)
    if too_few:
        yield (
            f"{_TOO_FEW_RUNS} runs cannot tell how {keys} moves a mean, so no interval is shown "
            f"for {table.join_names(sorted(too_few))}: run {_FEW_RUNS} or more (--json has them)"
        )
    elif min(map(len, found.joined.values())) < _FEW_RUNS:
        yield (
            f"fewer than {_FEW_RUNS} runs hardly tell how {keys} moves a mean: intervals are wide"
        )
    for s in found.standings:
        if s.system in too_few:
            continue
        ends = table.interval_text(s.low, s.high, partial(scaled_figure, metric=s.metric))
        yield f"{s.system}: {s.metric} {scaled_figure(s.mean, s.metric)}, {ends}"


def comparison_markdown(found: Comparison) -> str:
    """Return both tables and the notes in Markdown."""
    tables = [table.markdown_table(_means(found)), table.markdown_table(_differences(found), "ll")]
    lines = [*tables, *_markdown_list(comparison_notes(found))]
    if rows := beside_people(found):
        lines += ["", table.markdown_table(rows), *_markdown_list(agreement_notes(found))]
    for preferences in found.preferences:
        lines += ["", table.markdown_table(preferred_systems(preferences))]
        lines += [table.markdown_table(preferred_pairs(preferences), "ll")]
        lines += _markdown_list(preference_notes(preferences))
    return "\n".join(lines) + "\n"


def _markdown_list(lines: Iterable[str]) -> list[str]:
    return [f"- {table.escape_markdown(line)}" for line in lines]


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "–": "--", "…": r"\ldots{}", "′": r"$'$", "<": r"$<$", ">": r"$>$",
}  # fmt: skip


def latex(found: Comparison) -> str:
    """Return one table for the package booktabs: means, letters as superscripts, notes below."""
    columns = "l" + "r" * len(found.metrics)
    lines = [
        r"% \usepackage{booktabs}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & ".join(["System", *map(_tex, found.metrics)]) + r" \\",
        r"\midrule",
    ]
    for system in found.systems:
        cells = [_latex_cell(found, metric, system) for metric in found.metrics]
        lines.append(" & ".join([_tex(system), *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    apart = " (baselines and upper bounds aside)" if found.baselines else ""
    lines += [
        f"% In bold: the highest{apart}, and what does not differ significantly from it; nothing "
        "where that is every system."
    ]
    lines += [f"% {line}" for line in comparison_notes(found)]
    lines += [f"% {preference_sentence(each)}" for each in found.preferences]
    return "\n".join(lines) + "\n"


def _latex_cell(found: Comparison, metric: str, system: str) -> str:
    standing = found.standing(metric, system)
    mean = _tex(scaled_figure(standing.mean, metric))
    if system in found.bold_systems(metric):
        mean = rf"\textbf{{{mean}}}"
    return rf"{mean}\textsuperscript{{{_tex(standing.letters)}}}" if standing.letters else mean


def _tex(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in " ".join(text.split()))


def comparison_csv(found: Comparison) -> str:
    """Return one row a system and metric, numbers in full; the baseline's differences are empty."""
    names = ("n", "difference", "low", "high", "p", "p_holm", "p_bh", "effect", "wins", "ties",
             "losses", "detectable")  # fmt: skip
    heading = ["system", "metric", "mean", "rank", "letters", "not_scored", *names]
    rows: list[list[Any]] = [[*heading, "mean_low", "mean_high"]]
    differences = {(d.metric, d.system): d for d in found.differences}
    for s in found.standings:
        difference = differences.get((s.metric, s.system))
        row = [s.n, *[None] * (len(names) - 1)]
        if difference is not None:
            row = [getattr(difference, name) for name in names]
        own = [s.system, s.metric, s.mean, s.rank, s.letters, s.not_scored]
        rows.append([*own, *row, s.low, s.high])
    return table.csv_table(rows)


FORMATS: options.Texts = {"markdown": comparison_markdown, "latex": latex, "csv": comparison_csv}
