"""`evalharness check`: pages one after the other, what each of them shows, and the exit code.

0: nothing is flagged. That covers `unsure`, which is no finding, and is said. 1: a summary is
flagged. 2: a page could not be read, or has no article. 3: a page has no summary, or it is not
clear which of its lines are the summary. Of several pages 1 goes before 2, and 2 before 3.
"""

import os
import re
import shlex
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import Annotated, Any

import typer

from evalharness.cli import options
from evalharness.cli.options import print_json
from evalharness.config.build import named_check, named_scorers
from evalharness.config.calibration import load_thresholds
from evalharness.config.registry import is_network
from evalharness.config.run_config import read_run_config
from evalharness.errors import DataError, Exit
from evalharness.files.untrusted import binary_kind, read_whole
from evalharness.loaders.pages.loader import found_pages, parse_page
from evalharness.loaders.pages.parts import YOU, Page
from evalharness.loaders.pages.reading import ROLES, Role
from evalharness.loaders.pages.sites import (
    Guide,
    Profile,
    Said,
    learn,
    load_profile,
    profile_text,
)
from evalharness.records import Article
from evalharness.report.verdict import count_text, show_blocks, show_reminder, show_verdict
from evalharness.runner.check import Verdict, check, read_page

STDIN = "-"
_SUMMARY_TEXT = "--summary-text"
USUAL_CHECK = "lexical"

Explain = Annotated[
    bool, typer.Option("--explain", help="Show each line of a page with its role, and why.")
]
Profiles = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE", help="A site's profile (TOML), as --save-profile writes it; repeatable."
    ),
]
Roles = Annotated[
    list[str] | None,
    typer.Option(metavar="N=ROLE", help="Correct the role of line N of --explain; repeatable."),
]
SaveProfile = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Write the corrections of --role as a site's profile."),
]


# Files of rows, which are no pages.
_ROWS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
_TEXTS = ("", ".txt", ".text", ".md")
_FOR_ROWS = "for rows of summaries: evalharness score"
# So much of a file is looked at for columns; and what a key of JSON looks like.
_START = 65_536
_KEY = re.compile(r'"([^"\\]{1,40})"\s*:')

ArticleFile = Annotated[
    str | None,
    typer.Option(
        "--article", metavar="FILE", help="A file with the article; needs a summary, too."
    ),
]
ArticleText = Annotated[
    str | None, typer.Option("--article-text", metavar="TEXT", help="The article as text.")
]
SummaryFile = Annotated[
    str | None, typer.Option("--summary", metavar="FILE", help="A file with the summary.")
]
Beside = Annotated[
    list[str] | None,
    typer.Option(
        "--with", metavar="CHECK", help="Another check whose verdict also counts; repeatable."
    ),
]
SummaryText = Annotated[
    str | None, typer.Option(_SUMMARY_TEXT, metavar="TEXT", help="The summary as text.")
]


def check_command(
    pages: Annotated[
        list[str] | None,
        typer.Argument(metavar="PAGE...", help="Saved pages (text, HTML, MHTML), folders, or -."),
    ] = None,
    article: ArticleFile = None,
    article_text: ArticleText = None,
    summary: SummaryFile = None,
    summary_text: SummaryText = None,
    name: Annotated[
        str | None,
        typer.Option("--check", metavar="NAME", help="The check that decides. Default: lexical."),
    ] = None,
    beside: Beside = None,
    thresholds: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Thresholds (JSON, for example of calibrate)."),
    ] = None,
    config: options.ChecksOf = None,
    settings: options.CheckSet = None,
    as_json: options.AsJson = False,
    color: options.Color = True,
    explain: Explain = False,
    profile: Profiles = None,
    role: Roles = None,
    save_profile: SaveProfile = None,
) -> None:
    """Check a summary against its article: 0 good, 1 flagged, 2 not read, 3 no clear summary."""
    pair = _pair(article, article_text, summary, summary_text)
    if bool(pages) == (pair is not None):
        raise typer.BadParameter("give saved pages, or --article FILE and --summary FILE")
    limits = None if thresholds is None else load_thresholds(thresholds)
    first, *others = _checks(name, beside or (), config)
    built = named_scorers([first, *others], config, settings or ())
    besides = {other: built.get(other) or named_check(other, "--with") for other in others}
    judge = partial(check, check=first, thresholds=limits, checker=built.get(first), beside=besides)
    if pair is not None:
        raise typer.Exit(_check_pair(*pair, judge, as_json=as_json, color=color))
    guide = Guide(tuple(load_profile(Path(file)) for file in profile or ()), _roles(role or ()))
    if (guide.roles or save_profile) and (
        len(pages or ()) != 1 or Path((pages or [""])[0]).is_dir()
    ):
        raise typer.BadParameter("--role and --save-profile are for one page, and its lines")
    show = Shown(as_json, color, explain, None if save_profile is None else Path(save_profile))
    raise typer.Exit(_check_pages(pages or [], judge, guide, show))


def _checks(name: str | None, beside: Sequence[str], config: str | None) -> list[str]:
    """Return the check that decides, and those that are joined with it.

    Without either option a config's checks by networks are joined with its `lexical`, or the first.
    """
    if name or beside or not config:
        return list(dict.fromkeys([name or USUAL_CHECK, *beside]))
    checks = read_run_config(config).checks
    names = [each.shown_name for each in checks]
    first = USUAL_CHECK if USUAL_CHECK in names or not names else names[0]
    networks = [each.shown_name for each in checks if is_network("checks", each.name)]
    return [first, *(network for network in networks if network != first)]


@dataclass(frozen=True)
class Shown:
    """How verdicts are shown: as JSON, in colour, with every line; and where corrections go."""

    as_json: bool
    color: bool
    explain: bool
    save: Path | None = None


# Which exit code stands for several pages: the first of these that one of them has.
_PRECEDENCE = (Exit.FINDING, Exit.MENDABLE, Exit.INCOMPLETE, Exit.INCONCLUSIVE)


def exit_of(verdict: Verdict) -> Exit:
    """Return the exit code that says what a check found."""
    if verdict.verdict == "flagged":
        return Exit.FINDING
    inconclusive = verdict.verdict in ("no_summary", "uncertain")
    return Exit.INCONCLUSIVE if inconclusive else Exit.GOOD


def exit_of_pages(codes: Collection[Exit]) -> Exit:
    """Return the exit code of several pages: a finding counts before what could not be checked."""
    return next((code for code in _PRECEDENCE if code in codes), Exit.GOOD)


def _check_pages(
    names: Sequence[str], judge: Callable[[Page], Verdict], guide: Guide, show: Shown
) -> Exit:
    single = _is_one_page(names)
    records: list[dict[str, Any]] = []
    codes: list[Exit] = []
    verdicts: list[Verdict] = []
    for name in _files(names):
        try:
            page = _page(name, guide)
            verdict = judge(page)
        except DataError as error:
            codes.append(Exit.MENDABLE)
            hint = _hint(name)
            sys.stderr.write(f"evalharness: {name}: {error}{hint}\n")
            records.append({"file": name, "error": str(error)})
            continue
        codes.append(exit_of(verdict))
        verdicts.append(verdict)
        if show.as_json:
            records.append({"file": name, **verdict.record()})
        else:
            title = "the page on stdin" if name == STDIN else name
            show_verdict(verdict, sys.stdout, title, color=show.color)
            if show.explain:
                show_blocks(page, sys.stdout)
        if _holds_rows(name):
            sys.stderr.write(f"evalharness: {name}: rows, and no page; {_FOR_ROWS} {name}\n")
        if show.save is not None:
            _save_profile(page, show.save, name)
    if len(names) == 2 and not any(each.verdict != "no_summary" for each in verdicts):
        _hint_at_pair(names)
    if show.as_json:
        print_json(records[0] if single else records)
    elif codes != [Exit.MENDABLE]:
        if len(codes) > 1:
            found = [each.verdict for each in verdicts]
            typer.echo(f"{count_text(found, len(codes) - len(found))}\n")
        show_reminder(sys.stdout, verdicts)
    return exit_of_pages(codes)


def _hint(name: str) -> str:
    """Return what to do where a name is that of no page, but an address, a text, or of rows."""
    if name.startswith(("http://", "https://")):
        return "; check downloads nothing: save the page, and give the file"
    if _is_text(name):
        return "; texts: --article-text, --summary-text"
    if (Path(name).suffix.lower() in _ROWS and Path(name).exists()) or _holds_rows(name):
        return f"; {_FOR_ROWS} {name}"
    return ""


def _hint_at_pair(names: Sequence[str]) -> None:
    """Say how an article and its summary, the shorter of two files of plain text, are checked."""
    files = [Path(name) for name in names]
    if not all(file.suffix.lower() in _TEXTS and file.is_file() for file in files):
        return
    summary, article = sorted(files, key=lambda file: file.stat().st_size)
    pair = shlex.join(["--article", str(article), "--summary", str(summary)])
    sys.stderr.write(
        "evalharness: each file was read as a page of its own; if they are an article and its "
        f"summary: evalharness check {pair}\n"
    )


def _holds_rows(name: str) -> bool:
    """Tell whether a file is no page, but rows of a data set: JSON or CSV with columns of texts."""
    from evalharness.loaders import columns

    if name == STDIN or not Path(name).is_file():
        return False
    with Path(name).open(encoding="utf-8-sig", errors="replace") as file:
        start = file.read(_START).lstrip()
    if start[:1] in ("{", "["):
        named = {columns.plain_name(key) for key in _KEY.findall(start)}
    else:
        named = {columns.plain_name(cell) for cell in re.split(r"[,;\t]", start.partition("\n")[0])}
    rest = {*columns.SUMMARIES, *columns.GENERATED, *columns.REFERENCES, *columns.IDS}
    return not named.isdisjoint(columns.ARTICLES) and not named.isdisjoint(rest)


def _is_text(name: str) -> bool:
    """Tell whether what should be a file's name is a text: there is no such file, but words."""
    return len(name.split()) > 2 and not Path(name).exists()


def _is_one_page(names: Sequence[str]) -> bool:
    return len(names) == 1 and not Path(names[0]).is_dir()


def _page(name: str, guide: Guide) -> Page:
    if name == STDIN:
        page = parse_page(sys.stdin.buffer.read(), guide=guide)
    else:
        page = read_page(Path(name), guide)
    if guide.profiles and page.profile not in [each.name for each in guide.profiles]:
        names = ", ".join(each.name for each in guide.profiles)
        sys.stderr.write(f"evalharness: {name}: nothing on it is what {names} matches\n")
    return page


def _roles(said: Sequence[str]) -> dict[int, Role]:
    """Return the roles of lines by number, from `12=summary`."""
    roles: dict[int, Role] = {}
    for each in said:
        number, _, name = each.partition("=")
        role = next((role for role in ROLES if role == name.strip()), None)
        if role is None or not number.strip().isdecimal():
            raise typer.BadParameter(
                f"--role {each}: give a line's number and its role, as in 12=summary; roles are "
                f"{', '.join(ROLES)}"
            )
        roles[int(number)] = role
    return roles


def _save_profile(page: Page, file: Path, name: str) -> None:
    """Write what was corrected on a page into a profile, beside what the file has already."""
    if file.exists():
        profile = load_profile(file)
    else:
        site = page.names[0] if page.names else Path(name).stem
        profile = Profile(name=site, matches=page.names)
    lines = [Said(b.text, b.role, b.around, b.source == YOU) for b in page.blocks]
    profile, unknown = learn(profile, lines)
    try:
        file.write_text(profile_text(profile), encoding="utf-8", newline="\n")
    except OSError as error:
        raise DataError(f"{file}: cannot be written: {error.strerror or error}") from error
    for line in unknown:
        sys.stderr.write(
            f"evalharness: {file}: not saved: {shorten(line.text, 60, placeholder='…')} is the "
            f"{line.role} of this page alone, and no element is only for it\n"
        )


@dataclass(frozen=True)
class _NamedText:
    """A text, and what messages call it."""

    name: str
    text: str


def _pair(
    article: str | None, article_text: str | None, summary: str | None, summary_text: str | None
) -> tuple[_NamedText, _NamedText] | None:
    """Return an article and its summary, each from a file or as it was written; None for neither.

    What names a file is never taken for a text, and a text never for a file.
    Raises: typer.BadParameter for one without the other, for one that is given twice, and for what
        looks like a file's name where a text should be.
    """
    for what, file, text in (
        ("article", article, article_text),
        ("summary", summary, summary_text),
    ):
        if file is not None and text is not None:
            raise typer.BadParameter(f"give --{what} FILE or --{what}-text, not both")
        if text is not None and _is_path(text):
            raise typer.BadParameter(f"--{what}-text {text}: a file's name; give --{what} {text}")
    given = [article if article_text is None else "--article-text"]
    given.append(summary if summary_text is None else _SUMMARY_TEXT)
    if given == [None, None]:
        return None
    if None in given:
        raise typer.BadParameter("give an article and its summary together, each a file or a text")
    texts = [
        _NamedText(name, _text(name) if text is None else text)
        for name, text in zip(map(str, given), (article_text, summary_text), strict=True)
    ]
    return texts[0], texts[1]


# One word with an ending, or with folders before it.
_PATH = re.compile(r"\s*(?:[^\s/]*/\S*|\S+\.[A-Za-z][A-Za-z0-9]{0,5})\s*")


def _is_path(text: str) -> bool:
    """Tell whether a text is a file's name and nothing else, whether there is such a file or not.

    >>> _is_path("out/article.txt"), _is_path("article.txt"), _is_path("It rained.")
    (True, True, False)
    """
    return _PATH.fullmatch(text) is not None or os.path.isfile(text)  # noqa: PTH113  as it raises not


def _check_pair(
    article: _NamedText,
    summary: _NamedText,
    judge: Callable[[Article, str], Verdict],
    *,
    as_json: bool,
    color: bool,
) -> Exit:
    if not article.text.strip():
        raise DataError(f"{article.name}: the article is empty")
    verdict = judge(Article(article.name, article.text), summary.text)
    if as_json:
        print_json({"file": summary.name, **verdict.record()})
    else:
        title = "summary given" if summary.name == _SUMMARY_TEXT else summary.name
        show_verdict(verdict, sys.stdout, title, color=color)
        show_reminder(sys.stdout, [verdict])
    return exit_of(verdict)


def _files(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if name != STDIN and Path(name).is_dir():
            yield from map(str, found_pages(Path(name)))
        else:
            yield name


def _text(name: str) -> str:
    try:
        content = sys.stdin.buffer.read() if name == STDIN else read_whole(Path(name))
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror or error}") from error
    if kind := binary_kind(content):
        raise DataError(f"{name}: this is {kind}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: not UTF-8: byte {error.start}") from error
