"""Templates, styles and scripts put into one file, under a policy that lets nothing else in."""

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

_HERE = Path(__file__).parent / "assets"
_EXPLORER = (
    "dom", "blocks", "marks", "diff", "table", "list", "pane", "card", "reading", "explorer",
)  # fmt: skip
_SCRIPTS = (*(f"explorer/{name}.js" for name in _EXPLORER), "page.js")
_STYLES = ("style.css", "plots.css", "explorer.css")
# Characters of one text of the page itself; those of the articles are data.
_LONGEST_TEXT = 20_000
# What of a page's own folder may run.
_NEIGHBOURS = "'self'"


def render(*, index: str, chunks: Sequence[str], neighbours: bool, **shown: Any) -> str:
    """Return the page.

    index, chunks: its data, packed. neighbours: whether files beside it may run, with the texts
    that it loads as they are needed.
    """
    import markupsafe

    script, style = _join_files(_SCRIPTS), _join_files(_STYLES)
    policy = _policy(script, style, _NEIGHBOURS if neighbours else "")
    template = _environment().get_template("page.html.j2")
    data = {"index": markupsafe.Markup(index), "chunks": [*map(markupsafe.Markup, chunks)]}  # noqa: S704  base64
    return template.render(script=script, style=style, policy=policy, **data, **shown)


@cache
def _environment() -> "jinja2.Environment":
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=text_for_page,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["clipped"] = clip_with_count
    return environment


# Control characters that HTML has no use for, and halves of UTF-16 pairs, which UTF-8 cannot hold.
_UNSHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def text_for_page(value: Any) -> Any:
    r"""Return text that a page can hold: what it cannot is a replacement mark, and none is endless.

    >>> text_for_page("a\x00b")
    'a�b'
    """
    import markupsafe

    if not isinstance(value, str) or isinstance(value, markupsafe.Markup):
        return value
    return _UNSHOWN.sub("\ufffd", clip_with_count(value, _LONGEST_TEXT))


def clip_with_count(text: str, most: int = 300) -> str:
    """Return text up to a length, and how much more there is."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} characters more)"


def _join_files(names: Sequence[str]) -> Any:
    """Return files of ours as they stand in the page. They may not end its element."""
    import markupsafe

    text = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)
    if re.search(r"</(script|style)|<!--", text, re.IGNORECASE):
        raise ValueError(f"{', '.join(names)}: ends its own element")
    return markupsafe.Markup(text)  # noqa: S704  our own files


def _policy(script: str, style: str, neighbours: str) -> str:
    """Return the Content-Security-Policy: nothing is loaded, and only this script and style run.

    neighbours: what else may run, where texts lie in files beside the page.
    """
    scripts = f"{_hash(script)} {neighbours}".strip()
    return (
        f"default-src 'none'; script-src {scripts}; style-src {_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
