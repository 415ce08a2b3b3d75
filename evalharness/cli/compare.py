"""`evalharness compare`: runs side by side, as tables for the terminal, Markdown, LaTeX or CSV."""

from collections.abc import Iterator
from typing import IO, Annotated, Any, Literal

import typer

from evalharness.cli import options
from evalharness.comparison.comparison import Comparison, Difference
from evalharness.comparison.comparison import compare as compare_runs
from evalharness.comparison.shared import detectable_figure, scaled_figure
from evalharness.report import table


def compare_command(
    runs: options.RunArguments,
    metrics: Annotated[
        str,
        typer.Option(metavar="A,B", help="Metrics or parts (rouge.rouge1). Default: those shown."),
    ] = "",
    resamples: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Resamples of the articles.")
    ] = 10_000,
    seed: options.Seed = 0,
    level: Annotated[float, typer.Option(min=0, max=1, help="Of the tests.")] = 0.05,
    output: Annotated[
        Literal["table", "markdown", "latex", "csv", "json"], typer.Option("--format")
    ] = "table",
    as_json: options.AsJson = False,
) -> None:
    """Compare runs on the articles they share; the first is the baseline of the differences."""
    found = compare_runs(
        *runs, metrics=options.split_names(metrics), resamples=resamples, seed=seed, level=level
    )
    options.print_as(output, found, show_comparison, FORMATS, as_json)


def show_comparison(found: Comparison, out: IO[str]) -> None:
    """Print the systems' means with letters, the differences to the first, and what to know."""
    table.show_table(_means(found), out)
    table.show_table(_differences(found), out, "ll", comparison_notes(found))


_HEADINGS = (
    "metric", "system", "n", "difference", "interval", "p", "Holm", "BH", "effect",
    "win/tie/loss", "detectable",
)  # fmt: skip


def _means(found: Comparison) -> list[list[str]]:
    rows = [["system", *found.metrics]]
    for system in found.systems:
        standings = [found.standing(metric, system) for metric in found.metrics]
        rows.append(
            [system, *(f"{scaled_figure(s.mean, s.metric)} {s.letters}" for s in standings)]
        )
    return rows


def _differences(found: Comparison) -> list[list[str]]:
    return [list(_HEADINGS), *(_row(each) for each in found.differences)]


def _row(each: Difference) -> list[str]:
    def scaled(value: float | None, sign: str = "+") -> str:
        return scaled_figure(value, each.metric, sign)

    return [
        each.metric,
        each.system,
        str(each.n),
        scaled(each.difference),
        table.interval_text(each.low, each.high, scaled),
        table.p_value(each.p),
        table.p_value(each.p_holm),
        table.p_value(each.p_bh),
        table.number_text(each.effect, 2, "+"),
        f"{each.wins}/{each.ties}/{each.losses}",
        detectable_figure(each.detectable, each.metric),
    ]


def comparison_notes(found: Comparison) -> Iterator[str]:
    """Yield what the tables do not say of themselves."""
    tail = f"{1 - found.level:.0%}"
    yield (
        f"Means times 100 over the {found.articles} articles that all have; of each metric, those "
        f"that all systems have a score for (n). Between systems that share a letter there is no "
        f"significant difference (Holm over the pairs of a metric, {found.level:g})."
    )
    yield (
        f"Differences to {found.systems[0]}: {tail} paired bootstrap interval; p by paired "
        f"randomization, two-sided; Holm and BH over all {len(found.differences)} rows "
        f"({found.resamples} resamples, seed {found.seed}). effect: the mean in standard "
        "deviations. detectable: the smallest true difference that 80 of 100 such samples show, "
        "after Holm."
    )
    if found.level * (found.resamples + 1) < len(found.differences):
        yield (
            f"Holm cannot reach {found.level:g} for {len(found.differences)} rows with so few "
            f"resamples: the smallest p is {1 / (found.resamples + 1):.2g}"
        )
    yield from (f"{name}: {signature}" for name, signature in found.signatures.items())
    yield from (f"{name}: {n} articles left out: not in all" for name, n in found.left_out.items())
    for standing in found.standings:
        if standing.not_scored:
            where = f"{standing.system}: {standing.metric}"
            yield f"{where}: {standing.not_scored} of {found.articles} articles have no score"
    yield from (f"{name}: not compared: {why}" for name, why in found.metrics_left_out.items())


def comparison_markdown(found: Comparison) -> str:
    """Return both tables and the notes in Markdown."""
    tables = [table.markdown_table(_means(found)), table.markdown_table(_differences(found), "ll")]
    return (
        "\n".join(
            [*tables, *(f"- {table.escape_markdown(line)}" for line in comparison_notes(found))]
        )
        + "\n"
    )


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
    lines += [f"% {line}" for line in comparison_notes(found)]
    return "\n".join(lines) + "\n"


def _latex_cell(found: Comparison, metric: str, system: str) -> str:
    standing = found.standing(metric, system)
    means = [found.standing(metric, each).mean for each in found.systems]
    mean = _tex(scaled_figure(standing.mean, metric))
    if standing.mean is not None and standing.mean == max(m for m in means if m is not None):
        mean = rf"\textbf{{{mean}}}"
    return rf"{mean}\textsuperscript{{{_tex(standing.letters)}}}"


def _tex(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in " ".join(text.split()))


def comparison_csv(found: Comparison) -> str:
    """Return one row a system and metric, numbers in full; the baseline's differences are empty."""
    names = ("n", "difference", "low", "high", "p", "p_holm", "p_bh", "effect", "wins", "ties",
             "losses", "detectable")  # fmt: skip
    rows: list[list[Any]] = [["system", "metric", "mean", "rank", "letters", "not_scored", *names]]
    differences = {(d.metric, d.system): d for d in found.differences}
    for s in found.standings:
        difference = differences.get((s.metric, s.system))
        row = [s.n, *[None] * (len(names) - 1)]
        if difference is not None:
            row = [getattr(difference, name) for name in names]
        rows.append([s.system, s.metric, s.mean, s.rank, s.letters, s.not_scored, *row])
    return table.csv_table(rows)


FORMATS: options.Texts = {"markdown": comparison_markdown, "latex": latex, "csv": comparison_csv}
