"""Tables of text are aligned, lose nothing on a narrow terminal, and are safe to print and open."""

import csv
import io
from typing import IO, Any

import pytest

from evalharness.report.table import (
    csv_table,
    interval_text,
    markdown_table,
    percent_text,
    show_table,
    table_lines,
    text_width,
)

ROWS = [
    ["metric", "system", "n", "difference", "p"],
    ["rouge", "lead-3", "24", "+1.25", "0.040"],
    ["bleu", "oracle", "9", "–", "<0.001"],
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(out: IO[str]) -> list[str]:
    out.seek(0)
    return out.read().split("\n")


def test_words_stand_left_and_figures_right() -> None:
    assert table_lines(ROWS, "ll") == [
        "metric  system   n  difference       p",
        "──────────────────────────────────────",
        "rouge   lead-3  24       +1.25   0.040",
        "bleu    oracle   9           –  <0.001",
    ]


@pytest.mark.parametrize("width", range(20, 60))
def test_every_cell_is_shown_however_narrow_the_terminal(width: int) -> None:
    lines = table_lines(ROWS, "ll", width)

    words = " ".join(lines).split()
    assert all(cell in words for row in ROWS for cell in row)
    assert max(map(text_width, lines)) <= max(width, len("metric  system  difference"))


def test_each_part_of_a_wide_table_begins_with_its_words() -> None:
    lines = table_lines(ROWS, "ll", 28)

    heads = [line.split() for line in lines if line.startswith("metric")]
    assert heads == [
        ["metric", "system", "n"],
        ["metric", "system", "difference"],
        ["metric", "system", "p"],
    ]


def test_width_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "28")
    terminal, file = Terminal(), io.StringIO()

    show_table(ROWS, terminal, "ll")
    show_table(ROWS, file, "ll", ["A note."])

    assert sum(line.startswith("metric") for line in shown(terminal)) == 3
    assert sum(line.startswith("metric") for line in shown(file)) == 3
    monkeypatch.delenv("COLUMNS")
    file = io.StringIO()
    show_table(ROWS, file, "ll", ["A note."])
    assert shown(file) == [*table_lines(ROWS, "ll"), "", "A note.", ""]


def test_letters_that_fill_two_columns_are_counted_as_two() -> None:
    lines = table_lines([["system", "n"], ["要約", "1"], ["e\u0301", "2"]])

    assert {text_width(line) for line in lines} == {9}


def test_cells_and_notes_do_not_command_a_terminal() -> None:
    out = io.StringIO()

    show_table([["system"], ["\x1b[2Ja\nb"]], out, notes=["\x1b[31mred"])

    assert "\x1b" not in out.getvalue()
    assert len(shown(out)) == len(["head", "rule", "row", "", "note", ""])


def test_rule_is_of_hyphens_where_the_output_has_no_lines() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")

    show_table([["system", "n"], ["a", "1"]], out)

    assert shown(out)[1] == "---------"


def test_markdown_escapes_cells_and_aligns_columns() -> None:
    assert (
        markdown_table([["a", "n"], ["x|_y", "1"]])
        == "| a | n |\n| :-- | --: |\n| x\\|\\_y | 1 |\n"
    )


def test_csv_is_read_back_and_no_cell_is_a_formula() -> None:
    rows: list[list[Any]] = [["a", "n"], ['="x"', -1.5], ["@b,\n", None]]

    assert list(csv.reader(io.StringIO(csv_table(rows)))) == [
        ["a", "n"],
        ['\'="x"', "-1.5"],
        ["'@b,\n", ""],
    ]


def test_interval_of_nothing_is_a_dash() -> None:
    assert interval_text(None, None, percent_text) == "–"
