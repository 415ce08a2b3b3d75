"""Tables of text: figures in words, rows drawn for a terminal, as Markdown or CSV; and of runs.

A table is its rows, the first of them the headings. `align` has a letter for each column, `l` for
words and `r` for figures; columns beyond it hold figures.
"""

import csv
import io
import os
import re
import shutil
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any

from evalharness.config.registry import scaled_figure, scorer_row
from evalharness.files.untrusted import one_line, visible
from evalharness.store.runs import (
    LikelyErrors,
    Run,
    ScorerFigures,
    length_note,
    unequal_lengths,
)

TextRow = Sequence[str]
# What stands for a figure that there is none of.
NONE = "–"
_GAP = "  "


def number_text(value: float | None, digits: int = 3, sign: str = "") -> str:
    """Return a number with so many digits behind the point.

    >>> number_text(0.5), number_text(0.25, 1, "+"), number_text(None)
    ('0.500', '+0.2', '–')
    """
    return NONE if value is None else f"{value:{sign}.{digits}f}"


def percent_text(share: float | None) -> str:
    """Return a share as a whole number of percent.

    >>> percent_text(0.314), percent_text(None)
    ('31%', '–')
    """
    return NONE if share is None else f"{share:.0%}"


def interval_text(
    low: float | None, high: float | None, write: Callable[[float], str] = number_text
) -> str:
    """Return both ends of an interval, with a word between them where one has a sign.

    >>> interval_text(0.1, 0.25), interval_text(-0.1, 0.25), interval_text(0.1, 0.25, percent_text)
    ('0.100–0.250', '-0.100 to 0.250', '10%–25%')
    """
    if low is None or high is None:
        return NONE
    ends = write(low), write(high)
    return (" to " if ends[0][0] in "+-" or ends[1][0] in "+-" else "–").join(ends)


def p_value(p: float) -> str:
    """Return a p-value to three digits.

    >>> p_value(0.04), p_value(0.0001)
    ('0.040', '<0.001')
    """
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def amount_text(n: int, noun: str) -> str:
    """Return how many there are of something.

    >>> amount_text(1, "summary"), amount_text(2000, "summary"), amount_text(2, "score")
    ('1 summary', '2,000 summaries', '2 scores')
    """
    plural = f"{noun.removesuffix('y')}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{n:,} {noun if n == 1 else plural}"


def join_names(names: Sequence[str], most: int | None = None) -> str:
    """Return names as a sentence has them.

    >>> join_names(["a", "b", "c"]), join_names(["a", "b", "c", "d"], 2)
    ('a, b and c', 'a, b and 2 more')
    """
    if most is not None and len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


# Drawn as text.


# Of what is no terminal and says no width (COLUMNS): a file, a CI log, a mail.
PIPED_WIDTH = 80
# The table of a run, whose figures stand side by side in docs/quickstart.md.
RUN_WIDTH = 100


def rate_text(articles: float, tokens: int, seconds: float) -> str:
    """Say how fast it goes, in articles or in the tokens that a model writes.

    >>> rate_text(40, 0, 8.0), rate_text(4, 0, 8.0), rate_text(4, 480, 8.0)
    ('5.0 articles/s', '30 articles/min', '60 tokens/s')
    """
    if seconds <= 0:
        return ""
    if tokens:
        return f"{tokens / seconds:.0f} tokens/s"
    per_second = articles / seconds
    return (
        f"{per_second:.1f} articles/s" if per_second >= 1 else f"{60 * per_second:.0f} articles/min"
    )


def left_text(seconds: float | None) -> str:
    """Say how long it will take yet.

    >>> left_text(59.6), left_text(90.0), left_text(9000.0), left_text(None)
    ('60 s left', '1:30 min left', '2:30 h left', '')
    """
    return "" if seconds is None else f"{time_text(seconds)} left"


def time_text(seconds: float) -> str:
    """Return a span of time in the units that suit it.

    >>> time_text(59.6), time_text(90.0), time_text(9000.0)
    ('60 s', '1:30 min', '2:30 h')
    """
    n = round(seconds)
    if n < 61:
        return f"{n} s"
    small, large, unit = (n % 60, n // 60, "min") if n < 3600 else (n // 60 % 60, n // 3600, "h")
    return f"{large}:{small:02d} {unit}"


def show_table(
    rows: Sequence[TextRow],
    out: IO[str],
    align: str = "l",
    notes: Iterable[str] = (),
    piped: int = PIPED_WIDTH,
) -> None:
    """Print a table and an empty line, and notes below it.

    Columns that have no room stand in a table of their own below the others, and names that have
    none go on in the next line; no figure is cut. piped: the width of what is no terminal.
    """
    is_unicode = "utf" in (getattr(out, "encoding", None) or "utf-8").lower()
    width = terminal_width(out) or piped
    for line in table_lines(rows, align, width, "─" if is_unicode else "-"):
        print(line, file=out)
    print(file=out)
    for note in notes:
        print(*folded_text(visible(note), width), sep="\n", file=out)


def terminal_width(out: IO[str]) -> int | None:
    """Return how many columns a terminal has, or COLUMNS says; None where nothing says it."""
    told = os.environ.get("COLUMNS", "")
    if not out.isatty():
        return int(told) if told.isdecimal() and int(told) else None
    return shutil.get_terminal_size().columns


def folded_text(text: str, width: int | None, indent: str = "  ") -> list[str]:
    """Return a text in lines of a width, those below the first indented; a long word stays whole.

    >>> folded_text("three short words", 12), folded_text("three short words", None)
    (['three short', '  words'], ['three short words'])
    """
    if width is None or text_width(text) <= width:
        return [text]
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def table_lines(
    rows: Sequence[TextRow], align: str = "l", width: int | None = None, rule: str = "─"
) -> list[str]:
    """Return a table as lines, with a rule below the headings.

    width: columns of a terminal. What is wider is parted, and the first columns, of words, are
    repeated in each part; words that leave no room for figures are folded.

    >>> print(*table_lines([["system", "n"], ["lead-3", "24"], ["x", "6"]]), sep="\\n")
    system   n
    ──────────
    lead-3  24
    x        6
    """
    head, *body = _folded_rows(rows, align, width)
    widths = _widths([line for lines in (head, *body) for line in lines])
    lines: list[str] = []
    for columns in _parts(widths, align, width):
        inner = "".join(_justify(align, n) for n in columns)
        parts = [[[row[n] for n in columns] for row in lines] for lines in (head, *body)]
        aligned = align_columns([row for rows in parts for row in rows], inner)
        across = sum(widths[n] for n in columns) + len(_GAP) * (len(columns) - 1)
        headings = [line for line in aligned[: len(head)] if line]
        lines += [*([""] if lines else []), *headings, rule * across]
        lines += aligned[len(head) :]
    return lines


def count_with_room(rows: Sequence[TextRow], align: str, width: int) -> int:
    """Return how many columns stand beside each other in the first part of a table."""
    widths = _widths([line for lines in _folded_rows(rows, align, width) for line in lines])
    return len(next(_parts(widths, align, width)))


def _folded_rows(
    rows: Sequence[TextRow], align: str, width: int | None
) -> Iterator[list[list[str]]]:
    """Yield the lines of each row: of the headings, then of the others."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    limits = _column_limits(cells, align, width)
    for n, row in enumerate(cells):
        yield fold_row(row, limits, below=not n)


# A heading is folded to no less than this, or the column's widest figure.
_NARROWEST_HEADING = 10
# The share of a width that columns of words may take from figures.
_WORDS_SHARE = 0.6


def _column_limits(rows: Sequence[TextRow], align: str, width: int | None) -> list[int]:
    """Return how wide each column may be: figures as they are, words and headings as there is room.

    Where all has room, or nothing says how much there is, all are as wide as they are.
    """
    widths = _widths(rows)
    if width is None or sum(widths) + len(_GAP) * (len(widths) - 1) <= width:
        return widths
    words = _count_words(align)
    bodies = _widths(rows[1:]) if rows[1:] else widths
    for n in range(words, len(widths)):
        widths[n] = min(widths[n], max(bodies[n], _NARROWEST_HEADING))
    widest = max(widths[words:], default=0)
    left = min(int(width * _WORDS_SHARE), width - widest - len(_GAP) * words)
    for rest, n in enumerate(sorted(range(words), key=lambda n: widths[n])):
        widths[n] = min(widths[n], max(left // (words - rest), _NARROWEST_HEADING))
        left -= widths[n]
    return widths


def fold_row(row: TextRow, limits: Sequence[int], *, below: bool = False) -> list[list[str]]:
    """Return the lines of a row whose cells have some width each. below: blanks stand above."""
    folded = [fold_name(cell, limit) for cell, limit in zip(row, limits, strict=True)]
    most = max(map(len, folded))
    padded = [
        [""] * (most - len(cell)) + cell if below else cell + [""] * (most - len(cell))
        for cell in folded
    ]
    return [list(line) for line in zip(*padded, strict=True)]


def fold_name(name: str, limit: int) -> list[str]:
    """Return a name in pieces of a width, parted behind blanks and marks where there are some.

    >>> fold_name("pegasus-large_beam8", 12)
    ['pegasus-', 'large_beam8']
    """
    lines = [""]
    for piece in re.findall(r"[^-_./, ]*[-_./, ]|[^-_./, ]+", name):
        if text_width(lines[-1] + piece.rstrip()) <= limit:
            lines[-1] += piece
            continue
        lines += [""] if lines[-1] else []
        for character in piece:
            if text_width(lines[-1] + character) > limit:
                lines.append("")
            lines[-1] += character
    return [line.rstrip() for line in lines]


def align_columns(rows: Sequence[TextRow], align: str = "l") -> list[str]:
    """Return rows as lines, the cells of a column below each other."""
    widths = _widths(rows)
    return [_GAP.join(_cells(row, widths, align)).rstrip() for row in rows]


def _cells(row: TextRow, widths: Sequence[int], align: str) -> Iterator[str]:
    """Yield cells with blanks beside them; in cells that letters fill two columns each, fewer."""
    for n, (cell, width) in enumerate(zip(map(one_line, row), widths, strict=True)):
        blanks = " " * (width - text_width(cell))
        yield cell + blanks if _justify(align, n) == "l" else blanks + cell


def text_width(text: str) -> int:
    """Return how many columns of a terminal a text fills: some letters fill two, some none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _widths(rows: Sequence[TextRow]) -> list[int]:
    columns = zip(*rows, strict=True)
    return [max(text_width(one_line(cell)) for cell in column) for column in columns]


def _justify(align: str, column: int) -> str:
    return align[column] if column < len(align) else "r"


def _count_words(align: str) -> int:
    """Return how many columns of words a table begins with."""
    return len(align) - len(align.lstrip("l"))


def _parts(widths: Sequence[int], align: str, width: int | None) -> Iterator[list[int]]:
    """Yield the columns of each part: the first ones, of words, and those that have room."""
    words = _count_words(align)
    part = list(range(words))
    for n in range(words, len(widths)):
        across = sum(widths[k] + len(_GAP) for k in part) + widths[n]
        if width is not None and across > width and len(part) > words:
            yield part
            part = list(range(words))
        part.append(n)
    yield part


# As Markdown and CSV.


def markdown_table(rows: Sequence[TextRow], align: str = "l") -> str:
    """Return a table in Markdown."""
    rule = [":--" if _justify(align, n) == "l" else "--:" for n in range(len(rows[0]))]
    head, *body = [[escape_markdown(cell) for cell in row] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, rule, *body])


def escape_markdown(text: str) -> str:
    r"""Return text that stands for itself in Markdown.

    >>> print(escape_markdown("a|b_c"))
    a\|b\_c
    """
    special = "\\`*_{}[]<>|#"
    return "".join(f"\\{c}" if c in special else c for c in " ".join(text.split()))


def csv_table(rows: Iterable[Sequence[Any]]) -> str:
    r"""Return a table as CSV: numbers in full, nothing for None, text that is no formula.

    >>> csv_table([["system", "mean"], ["=1+1", None]])
    "system,mean\n'=1+1,\n"
    """
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[_csv_cell(c) for c in row] for row in rows])
    return out.getvalue()


def _csv_cell(cell: Any) -> Any:
    """Return a cell; text that a spreadsheet would take for a formula, quoted."""
    if cell is None:
        return ""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" else cell


# The table at the end of a run.

NOTICE = "AI generated summaries may have errors. For context, always refer to the full article."


def show_runs(runs: Sequence[Run], out: IO[str], *, headed: bool = False) -> None:
    """Print a table of runs, and what to know of it; headed: the page's headline follows."""
    rows, width = _run_rows(runs, spread=True), terminal_width(out)
    needed = text_width(table_lines(rows)[-len(runs) - 1])
    spread = not width or needed <= width
    if not spread:
        rows = _run_rows(runs, spread=False)  # the means matter more
    notes = _notes(runs, spread, headed=headed)
    if not spread:
        notes[0] += f" The intervals (±) have no room: a window of {needed} columns shows them."
    show_table(rows, out, notes=notes, piped=RUN_WIDTH)


def has_votes(runs: Sequence[Run]) -> bool:
    """Return whether a score of these runs is made of several votes, as a panel's is."""
    parts = (part for run in runs for scorer in run.figures.values() for part in scorer.parts)
    return any(part.endswith("vote_2") for part in parts)


def _run_rows(runs: Sequence[Run], spread: bool) -> list[TextRow]:
    columns = columns_of(runs)
    finders = error_finders(runs) if len(runs) > 1 else []
    errors = [f"{label}: likely errors" if finders[1:] else "likely errors" for label in finders]
    rows: list[TextRow] = [
        ["system", "n", "answered", "words", *errors, *headings(columns, spread)]
    ]
    for run in runs:
        figures = (_figure(run, label, part, spread) for label, part in columns)
        rows.append(
            [
                run.name,
                str(run.counts.summarized),
                percent_text(run.outputs.answer_rate),
                number_text(run.outputs.mean_words, 0),
                *(_errors_cell(run, label, spread) for label in finders),
                *figures,
            ]
        )
    return rows


def error_finders(runs: Sequence[Run]) -> list[str]:
    """Return the checks that say of a run how many summaries have a likely error."""
    found = (
        (label, figures.likely_errors) for run in runs for label, figures in run.figures.items()
    )
    return list(dict.fromkeys(label for label, errors in found if errors and errors.of))


def _errors_cell(run: Run, label: str, spread: bool) -> str:
    """Return how many summaries have a likely error, and the interval of their share."""
    errors = run.figures[label].likely_errors if label in run.figures else None
    if errors is None or not errors.of:
        return NONE
    counted = f"{errors.summaries} of {errors.of}"
    return f"{counted}, {100 * errors.low:.0f}–{errors.high:.0%}" if spread else counted


def columns_of(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """Return metric and part of each column: a metric's known parts, else its value.

    Where lengths differ, those that lengths move one way or the other stand beside.
    """
    columns = []
    unequal = unequal_lengths(runs) is not None
    for label in dict.fromkeys(label for run in runs for label in run.figures):
        having = [run for run in runs if label in run.figures]
        parts = {part for run in having for part in run.figures[label].parts}
        row = scorer_row(having[0].kind(label))
        wanted = (*row.shown, *row.beside) if unequal else row.shown
        shown = [part for part in wanted if part in parts]
        columns += [(label, part) for part in shown or [""]]
    return columns


def headings(columns: Sequence[tuple[str, str]], spread: bool) -> list[str]:
    """Name columns by their part, and by their metric too where that alone would not tell."""
    parts = [part or label for label, part in columns]
    found = [
        f"{label} {part}" if part and parts.count(part) > 1 else part or label
        for label, part in columns
    ]
    return found if spread else [heading.replace("rouge", "R") for heading in found]


def _figure(run: Run, label: str, part: str, spread: bool) -> str:
    """Return a mean, times 100 where it is a share, and how far its interval goes from it."""
    figure = run.figure(label, part)
    if figure is None or figure.mean is None:
        return NONE
    if isinstance(figure, ScorerFigures) and figure.is_corpus:
        return number_text(figure.corpus, 1)
    mean = scaled_figure(figure.mean, part, digits=1)
    if not spread or figure.n < 2:
        return mean
    return f"{mean} ±{scaled_figure(figure.half_width, part, digits=1)}"


def _notes(runs: Sequence[Run], spread: bool, *, headed: bool) -> list[str]:
    interval = runs[0].interval
    resampled = f"({interval.resamples} bootstrap resamples, seed {runs[0].seed})"
    ends = f"; ± is the longer half of the {interval.level:.0%} interval {resampled}"
    lines = [f"Means over the articles, times 100{ends if spread else ''}."]
    lines += [note for note in [length_note(runs)] if note]
    if len(runs) == 1:
        lines += [] if headed else likely_error_lines(runs[0])
    elif error_finders(runs):
        share = ", and the 95% interval of their share" if spread else ""
        lines.append(f"Likely errors: how many of the summaries scored have one{share}.")
    lines += signatures(runs)
    return [*lines, *_remarks_of_all(runs), NOTICE]


def _remarks_of_all(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the remarks on runs; what is the same of several is said once."""
    names: dict[str, list[str]] = {}
    for run in runs:
        for line in _remarks(run):
            names.setdefault(line, []).append(run.name)
    yield from (f"{join_names(same)}: {line}" for line, same in names.items())


def signatures(runs: Sequence[Run]) -> list[str]:
    """Return what made each column; where systems differ in it, the first of each kind is named."""
    systems: dict[str, dict[str, list[str]]] = {}
    whole = set()
    for run in runs:
        for label, signature in run.signatures.metrics.items():
            systems.setdefault(label, {}).setdefault(signature, []).append(run.name)
            whole |= {label} if run.figures[label].is_corpus else set()
    lines = []
    for label, found in systems.items():
        for signature, cells in found.items():
            more = f" and {len(cells) - 1} more" if len(cells) > 1 else ""
            of = f" of {cells[0]}{more}" if len(found) > 1 else ""
            corpus = "of the whole corpus; " if label in whole else ""
            lines.append(f"{label}{of}: {corpus}{signature}")
    return lines


def likely_error_lines(run: Run) -> list[str]:
    """Return for each check how many summaries of a system have a likely error."""
    found = ((label, figures.likely_errors) for label, figures in run.figures.items())
    return [f"By {label}, {likely_errors_text(e)}." for label, e in found if e and e.of]


def likely_errors_text(found: LikelyErrors) -> str:
    """Return how many summaries have a likely error, as a sentence has it.

    >>> likely_errors_text(LikelyErrors(summaries=7, of=24, share=7 / 24, low=0.149, high=0.492))
    '7 of 24 summaries have a likely error (29%; 95% interval 15% to 49%)'
    """
    have = "has" if 1 in (found.summaries, found.of) else "have"
    return (
        f"{found.summaries} of {amount_text(found.of, 'summary')} {have} a likely error "
        f"({percent_text(found.share)}; 95% interval {found.low:.0%} to {found.high:.0%})"
    )


def _remarks(run: Run) -> list[str]:
    """Return what is not in the table and should not be missed."""
    remarks = []
    rejected, outputs = run.counts.rejected, run.outputs
    if rejected:
        rows = "1 row is" if rejected == 1 else f"{rejected} rows are"
        remarks.append(f"{rows} no article; see rejected.jsonl in its folder")
    remarks += [f"store: damaged and left out: {where}" for where in run.timing.damaged]
    remarks += [run.usage_text] if run.usage_text else []
    remarks += [f"{n} not summarized: {why}" for why, n in outputs.errors.items()]
    if outputs.truncated:
        were = f"{amount_text(outputs.truncated, 'article')} not read in full"
        remarks.append(
            f"{were}: too long for the model's input (docs/generation.md: Long articles)"
        )
    found = ", ".join(f"{n} {defect}" for defect, n in outputs.defects.items())
    if found:
        remarks.append(f"summaries with a defect: {found}")
    for label, figures in run.figures.items():
        if figures.bands:
            counted = ", ".join(f"{n} {band}" for band, n in figures.bands.items())
            remarks.append(f"{label}: {counted}, by its calibration")
        notes = {why: n for why, n in figures.notes.items() if not why.startswith("no summary")}
        remarks += [f"{label}: {n} not scored: {why}" for why, n in notes.items()]
    return remarks
