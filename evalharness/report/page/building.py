"""The page itself: data, sections and styles put into one file that needs no other."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalharness.document import nearest
from evalharness.errors import ConfigError, StoreError
from evalharness.gating import Gate, gate
from evalharness.report.page import carried, payload
from evalharness.report.page.gathered import Gathered, gather
from evalharness.report.page.overview import overview
from evalharness.report.page.pair import pair
from evalharness.report.page.provenance import provenance
from evalharness.report.page.ranking import standings
from evalharness.report.page.texts import packed
from evalharness.report.page.trust import trust
from evalharness.report.terminal import NOTICE
from evalharness.runner import Run
from evalharness.store import RunFolder

if TYPE_CHECKING:
    import jinja2

REPORT = "report.html"
_HERE = Path(__file__).parent
_EXPLORER = (
    "dom",
    "blocks",
    "marks",
    "diff",
    "table",
    "list",
    "pane",
    "card",
    "reading",
    "explorer",
)
_SCRIPTS = (*(f"explorer/{name}.js" for name in _EXPLORER), "page.js")
_STYLES = ("style.css", "explorer.css")


@dataclass(frozen=True)
class Options:
    """What a page may have beside what the runs hold.

    baseline: the system to compare with, by its name in the page. rules: of the gate. cards: a file
    of trust cards.
    """

    baseline: str = ""
    rules: str | Path | None = None
    cards: str | Path | None = None


def write_report(
    *runs: str | Path | Run,
    to: str | Path = REPORT,
    baseline: str = "",
    rules: str | Path | None = None,
    cards: str | Path | None = None,
) -> Path:
    """Write one HTML page on finished runs, given by their folders, and return its path.

    The folder of an experiment stands for all of its runs. The page needs no network and no other
    file, and is the same, byte for byte, for the same runs.

    baseline: the system that the others are compared with, by its name; of two runs, the first.
    rules: of a gate (a YAML file), for two runs. cards: what `evalharness meta --card` wrote.

    Raises: DataError for what is no finished run; ConfigError for an option that is wrong;
        StoreError where the page cannot be written.
    """
    path = Path(to)
    page = html(gather(runs), Options(baseline, rules, cards))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path.parent}: {error.strerror or error}") from error
    RunFolder(path.parent).write(path.name, page)
    return path


def html(gathered: Gathered, options: Options = Options()) -> str:
    """Return the page."""
    baseline = _baseline(gathered, options)
    found = standings(gathered, baseline or 0)
    articles = carried.articles_of(gathered)
    choice = carried.choose(articles)
    index = payload.Index(gathered, choice)
    blocks = [packed(chunk) for chunk in payload.chunks(gathered, articles, choice, index)]
    script, style = _joined(_SCRIPTS), _joined(_STYLES)
    changes = None
    if baseline is not None:
        changes = pair(gathered, articles, found, baseline, _gate(gathered, baseline, options))
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=_title(gathered),
            gathered=gathered,
            overview=overview(gathered, articles, found),
            trust=trust(gathered, options.cards),
            pair=changes,
            provenance=provenance(gathered),
            index=packed(index.record()),
            chunks=blocks,
            choice=choice,
            figures=(),
            notice=NOTICE,
            script=script,
            style=style,
            policy=_policy(script, style),
        )
    )


def _baseline(gathered: Gathered, options: Options) -> int | None:
    """Return the number of the system that others are compared with; None where there is none."""
    if options.baseline:
        if options.baseline not in gathered.names:
            known = nearest(options.baseline, gathered.names)
            raise ConfigError(f"baseline: no system {options.baseline!r}{known}")
        return gathered.names.index(options.baseline)
    return 0 if len(gathered.runs) == 2 else None


def _gate(gathered: Gathered, baseline: int, options: Options) -> Gate | None:
    if options.rules is None:
        return None
    others = [run.folder for n, run in enumerate(gathered.runs) if n != baseline]
    return gate(gathered.runs[baseline].folder, others[0], options.rules)


def _title(gathered: Gathered) -> str:
    names = list(dict.fromkeys(str(record["experiment"]) for record in gathered.records))
    return ", ".join(names)


@cache
def _environment() -> "jinja2.Environment":
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


# Control characters that HTML has no use for, and halves of UTF-16 pairs, which UTF-8 cannot hold.
_UNSHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def shown(value: Any) -> Any:
    r"""Return text without what a page cannot hold, each such character as a replacement mark.

    >>> shown("a\x00b")
    'a�b'
    """
    import markupsafe

    if isinstance(value, str) and not isinstance(value, markupsafe.Markup):
        return _UNSHOWN.sub("\ufffd", value)
    return value


def _joined(names: Sequence[str]) -> Any:
    """Return files of ours as they stand in the page. They may not end its element."""
    import markupsafe

    text = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)
    if re.search(r"</(script|style)|<!--", text, re.IGNORECASE):
        raise ValueError(f"{', '.join(names)}: ends its own element")
    return markupsafe.Markup(text)  # noqa: S704  our own files


def _policy(script: str, style: str) -> str:
    """Return the Content-Security-Policy: nothing is loaded, and only this script and style run."""
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
