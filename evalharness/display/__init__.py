"""One look for all that shows results as HTML: styles, tables, marked words; and data frames.

`style.css` beside this file holds colours, components and the frame of a page. The report, the
page of a study and `evalharness view` take it whole; in a notebook its colours and components hold
within a block of ours alone. No script; all text is escaped.
"""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from evalharness.errors import MissingExtra
from evalharness.records import Flag, FlagLook, Span, flag_kind

# The class of a block: what the styles hold within.
_BLOCK = "evalharness"
# What pages share, and what of it stands between these two lines holds in a block, too.
STYLE_SHEET = Path(__file__).parent / "style.css"
_COMPONENTS, _PAGE = "/* Components: ", "/* The page. */"
# What stands before a verdict, in a terminal and in a comment; the sheet has the same for pages.
VERDICT_MARKS: Mapping[str, str] = {
    "better": "▲",
    "worse": "▼",
    "pass": "✓",
    "regression": "✗",
    "inconclusive": "?",
    "could-not-run": "!",
}
# How a terminal shows flagged words, by the look that the sheet has for them: colours as near as
# sixteen of them come, and no line but one.
TERMINAL_LOOKS: Mapping[FlagLook, str] = {
    "number": "underline red",
    "date": "underline yellow",
    "name": "underline magenta",
    "negation": "underline blue",
    "quote": "underline cyan",
    "role": "underline bright_magenta",
    "unsupported": "underline bright_yellow",
    "other": "underline bright_red",
}
# Themes of notebooks say which they are on the body; the system's choice holds elsewhere.
_DARK = '[data-jp-theme-light="false"], .vscode-dark, .theme-dark'
_LIGHT = '[data-jp-theme-light="true"], .vscode-light, .theme-light'
# Control characters that HTML has no use for, and halves of UTF-16 pairs, which UTF-8 cannot hold.
UNSHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# Of a block itself, and of what is in it.
_OWN = (
    "color: var(--fg); background: var(--bg); padding: .5rem .75rem; "
    "font: .9375rem/1.5 system-ui, sans-serif;"
)
_OWN_WITHIN = (
    ".summary-text { margin: .4rem 0; } h4 { margin: .6rem 0 0; font-size: .875rem; } "
    "table { margin: 0; } tbody tr { background: none; }"
)
LONGEST_TEXT = 4_000  # characters of one text


Cell = tuple[str, str, str]
"""A cell of a table: a figure, its interval in small below it, and a mark beside it."""


def figure_cell(text: str, interval: str = "", mark: str = "") -> Cell:
    """Return the cell of a figure."""
    return text, interval, mark


def data_frame(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return rows as a pandas frame. Raises: MissingExtra without pandas."""
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingExtra("to_pandas()", "pandas") from error
    return pd.DataFrame(rows)


def html_block(*parts: str) -> str:
    """Return pieces of HTML as one block with its styles."""
    return f'<div class="{_BLOCK}"><style>{styles()}</style>{"".join(parts)}</div>'


def html_table(head: Sequence[str], rows: Iterable[Sequence[Cell | str]], words: int = 1) -> str:
    """Return a table; its first columns hold words, the others figures."""
    titles = "".join(
        f'<th scope="col"{"" if n < words else _NUMBER}>{escape(title)}</th>'
        for n, title in enumerate(head)
    )
    body = "".join(
        "<tr>" + "".join(_html_cell(n, cell, words) for n, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<table class="scores"><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>'


_NUMBER = ' class="number"'


def _html_cell(column: int, cell: Cell | str, words: int) -> str:
    figure, interval, mark = (cell, "", "") if isinstance(cell, str) else cell
    text = escape(figure)
    text += f' <span class="mark">{escape(mark)}</span>' if mark else ""
    text += f'<span class="interval">{escape(interval)}</span>' if interval else ""
    if column == 0:
        return f'<th scope="row">{text}</th>'
    return f"<td{'' if column < words else _NUMBER}>{text}</td>"


def html_text(text: str, element: str = "p", style: str = "") -> str:
    """Return a paragraph, or another element, of a text."""
    named = f' class="{style}"' if style else ""
    return f"<{element}{named}>{escape(text)}</{element}>"


def marked_text(text: str, flags: Sequence[Flag], article: str = "") -> str:
    """Return a text with its flagged words underlined; hovering shows the message and evidence."""
    cuts = {0, len(text)} | {end for flag in flags for end in (flag.span.start, flag.span.end)}
    ends = sorted(cut for cut in cuts if 0 <= cut <= len(text))
    pieces = []
    for start, end in pairwise(ends):
        over = [flag for flag in flags if flag.span.start <= start and end <= flag.span.end]
        piece = escape(text[start:end])
        if over:
            title = escape("\n".join(_reason(flag, text, article) for flag in over))
            look = flag_kind(over[0].kind).look
            piece = f'<span class="flag k-{look}" title="{title}">{piece}</span>'
        pieces.append(piece)
    return f'<p class="summary-text">{"".join(pieces)}</p>'


def _reason(flag: Flag, summary: str, article: str) -> str:
    """Return what is wrong at a flag, and the lines of the article that show it."""
    evidence = [f"article: “{_around(span, article)}”" for span in flag.evidence[:2]]
    said = " ".join(flag.span.of(summary).split())
    return "\n".join([f"{flag.kind}: “{said}”: {flag.message}", *evidence])


def _around(span: Span, article: str, most: int = 120) -> str:
    """Return the words of a span with what stands before and after them."""
    start, end = max(0, span.start - most // 2), span.end + most // 2
    words = " ".join(article[start:end].split())
    return f"{'… ' if start else ''}{words}{' …' if end < len(article) else ''}"


def escape(text: str) -> str:
    r"""Return text as HTML holds it: what it cannot is a replacement mark, and none is endless.

    >>> escape("<b>\x00")
    '&lt;b&gt;�'
    """
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}… ({len(text) - LONGEST_TEXT:,} characters more)"
    return html.escape(UNSHOWN.sub("\ufffd", text))


@cache
def styles() -> str:
    """Return the styles of a block: the colours of all pages, and their components."""
    sheet = STYLE_SHEET.read_text(encoding="utf-8")
    light, dark = (_variables(sheet, start) for start in (":root {", ":root:not("))
    shared = sheet[sheet.index(_COMPONENTS) : sheet.index(_PAGE)].splitlines()[1:]
    block, rules = f".{_BLOCK}", " ".join(line for line in shared if line)
    return (
        f"{block} {{ {light} {_OWN} {rules} {_OWN_WITHIN} }}\n"
        f"@media (prefers-color-scheme: dark) {{ {block} {{ {dark} }} }}\n"
        f":is({_DARK}) {block} {{ {dark} }}\n:is({_LIGHT}) {block} {{ {light} }}"
    )


def _variables(sheet: str, start: str) -> str:
    """Return the colours that a rule of the sheet sets."""
    rule = sheet[sheet.index(start) :]
    found = re.findall(r"(?:--[\w-]+|color-scheme): [^;{}]+;", rule[: rule.index("}")])
    return " ".join(found)
