"""A comparison as a table: for the terminal, Markdown, LaTeX, CSV."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Literal

from evalharness.comparison.comparison import Comparison, Difference
from evalharness.files.untrusted import visible
from evalharness.report.table import NO_SHARES

TextRow = list[str]
# Wide enough for any table where the output is no terminal.
_FILE_WIDTH = 400


def show_comparison(found: Comparison, out: IO[str]) -> None:
    """Print the systems' means with letters, the differences to the first, and what to know."""
    print_table(_means(found), 1, [], out)
    print_table(_differences(found), 2, list(comparison_notes(found)), out)


def print_table(
    rows: Sequence[TextRow], text_columns: int, lines: Sequence[str], out: IO[str]
) -> None:
    """Print a table, the first row its headings, and lines of notes below."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=out, highlight=False)
    if not console.is_terminal:
        console = Console(file=out, highlight=False, width=_FILE_WIDTH, no_color=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for n, heading in enumerate(rows[0]):
        justify: Literal["left", "right"] = "left" if n < text_columns else "right"
        table.add_column(Text(heading), justify=justify, no_wrap=True)
    for row in rows[1:]:
        table.add_row(*map(Text, row))
    console.print(table)
    for line in lines:
        console.print(visible(line), markup=False, soft_wrap=True)


_HEADINGS = (
    "metric", "system", "n", "difference", "interval", "p", "Holm", "BH", "effect",
    "win/tie/loss", "detectable",
)  # fmt: skip


def _means(found: Comparison) -> list[TextRow]:
    rows = [["system", *found.metrics]]
    for system in found.systems:
        standings = [found.standing(metric, system) for metric in found.metrics]
        rows.append(
            [system, *(f"{scaled_figure(s.mean, s.metric)} {s.letters}" for s in standings)]
        )
    return rows


def _differences(found: Comparison) -> list[TextRow]:
    return [list(_HEADINGS), *(_row(each) for each in found.differences)]


def _row(each: Difference) -> TextRow:
    low, high = (scaled_figure(end, each.metric, "+") for end in (each.low, each.high))
    return [
        each.metric,
        each.system,
        str(each.n),
        scaled_figure(each.difference, each.metric, "+"),
        f"{low} … {high}",
        p_value(each.p),
        p_value(each.p_holm),
        p_value(each.p_bh),
        "–" if each.effect is None else f"{each.effect:+.2f}",
        f"{each.wins}/{each.ties}/{each.losses}",
        scaled_figure(each.detectable, each.metric),
    ]


def p_value(p: float) -> str:
    """Return a p-value to three digits.

    >>> p_value(0.04), p_value(0.0001)
    ('0.040', '<0.001')
    """
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def scaled_figure(value: float | None, metric: str, sign: str = "") -> str:
    """Return a figure as tables have it: shares times 100."""
    if value is None:
        return "–"
    scale = 1 if metric.rpartition(".")[2] in NO_SHARES else 100
    return f"{value * scale:{sign}.2f}"


def comparison_notes(found: Comparison) -> Iterator[str]:
    """Yield what the tables do not say of themselves."""
    tail = f"{1 - found.level:.0%}"
    yield (
        f"Means times 100 over the {found.articles} articles that all have; of each metric, those "
        f"that all systems have a score for (n). Systems that share a letter are not told apart "
        f"(Holm over the pairs of a metric, {found.level:g})."
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


def markdown(found: Comparison) -> str:
    """Return both tables and the notes in Markdown."""
    tables = [markdown_table(_means(found), 1), markdown_table(_differences(found), 2)]
    return (
        "\n".join([*tables, *(f"- {escape_markdown(line)}" for line in comparison_notes(found))])
        + "\n"
    )


def markdown_table(rows: Sequence[TextRow], text_columns: int) -> str:
    """Return a table in Markdown, the first row its headings."""
    rule = [":--" if n < text_columns else "--:" for n in range(len(rows[0]))]
    lines = [rows[0], rule, *rows[1:]]
    cells = [[cell if line is rule else escape_markdown(cell) for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"


def escape_markdown(text: str) -> str:
    r"""Return text that stands for itself in Markdown.

    >>> print(escape_markdown("a|b_c"))
    a\|b\_c
    """
    special = "\\`*_{}[]<>|#"
    return "".join(f"\\{c}" if c in special else c for c in " ".join(text.split()))


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


def as_csv(found: Comparison) -> str:
    """Return one row a system and metric, numbers in full; the baseline's differences are empty."""
    out = io.StringIO()
    names = ("n", "difference", "low", "high", "p", "p_holm", "p_bh", "effect", "wins", "ties",
             "losses", "detectable")  # fmt: skip
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["system", "metric", "mean", "rank", "letters", "not_scored", *names])
    differences = {(d.metric, d.system): d for d in found.differences}
    for s in found.standings:
        difference = differences.get((s.metric, s.system))
        row = [s.n, *[""] * (len(names) - 1)]
        if difference is not None:
            row = ["" if v is None else v for v in (getattr(difference, each) for each in names)]
        shown = [
            safe_cell(s.system),
            safe_cell(s.metric),
            s.mean,
            s.rank,
            s.letters,
            s.not_scored,
            *row,
        ]
        writer.writerow(["" if value is None else value for value in shown])
    return out.getvalue()


def safe_cell(text: str) -> str:
    """Return a name that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


FORMATS: Mapping[str, Callable[[Comparison], str]] = {
    "markdown": markdown,
    "latex": latex,
    "csv": as_csv,
}
