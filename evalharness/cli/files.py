"""Files of summaries where a command takes runs: what is not scored yet is scored, and goes on."""

import inspect
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from evalharness.cli.options import Results, print_headline, split_names, tell
from evalharness.config.registry import scorer_kind, whole_name
from evalharness.errors import DataError
from evalharness.files import STDIN, split_name
from evalharness.loaders.logs.formats import FORMAT_NAMES
from evalharness.store import samples
from evalharness.store.ledger import with_addresses
from evalharness.store.runs import Run, run_folders

if TYPE_CHECKING:  # what scores is imported where there are files to score
    from evalharness.runner.systems import FileOptions

RunOrFile = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN_OR_FILE...",
        help="Folders of runs (a folder of runs stands for all), or files of summaries, each a "
        "system (NAME=FILE names it; hub:NAME is a data set of the hub; - is stdin): they are "
        "scored first.",
    ),
]
Page = Annotated[
    bool,
    typer.Option("--report/--no-report", help="For files: write the page of what is compared."),
]
_BESIDE_RUNS = (samples.SWEEP_FILE, samples.CONFIG, samples.REJECTED)
_HELP = "For files: "
_OPTIONS: dict[str, tuple[Any, Any]] = {
    "metrics": (
        Annotated[
            str | None,
            typer.Option(
                metavar="A,B", help=f"{_HELP}metrics against the references. Default: rouge."
            ),
        ],
        None,
    ),
    "checks": (
        Annotated[
            str | None,
            typer.Option(
                metavar="A,B", help=f"{_HELP}checks against the article. Default: lexical."
            ),
        ],
        None,
    ),
    "articles": (
        Annotated[
            str,
            typer.Option(metavar="FILE", help=f"{_HELP}a file that has the articles, or hub:NAME."),
        ],
        "",
    ),
    "references": (
        Annotated[
            list[str] | None,
            typer.Option(
                metavar="FILE",
                help=f"{_HELP}a file that has the references, or hub:NAME; repeatable.",
            ),
        ],
        None,
    ),
    "columns": (
        Annotated[
            list[str] | None,
            typer.Option(
                metavar="USE=COLUMN,...",
                help=f"{_HELP}which column holds what, as in article=body: id, article, summary, "
                "reference, system, title, source.",
            ),
        ],
        None,
    ),
    "summaries": (
        Annotated[
            str, typer.Option(metavar="A,B", help=f"{_HELP}columns that hold a system each.")
        ],
        "",
    ),
    "join_on": (
        Annotated[
            Literal["auto", "id", "article", "line"],
            typer.Option(help=f"{_HELP}how rows are joined; auto: by what they share."),
        ],
        "auto",
    ),
    "system": (
        Annotated[
            list[str] | None,
            typer.Option(metavar="NAME", help=f"{_HELP}score only this system; repeatable."),
        ],
        None,
    ),
    "input_format": (
        Annotated[
            str,
            typer.Option(
                "--input-format",
                metavar="NAME",
                help=f"{_HELP}{', '.join(FORMAT_NAMES[1:])}; {FORMAT_NAMES[0]} finds out.",
            ),
        ],
        "auto",
    ),
    "allow_rejected": (
        Annotated[
            float,
            typer.Option(
                min=0,
                max=1,
                metavar="SHARE",
                help=f"{_HELP}the share of rows that may be left out; each is listed.",
            ),
        ],
        0.0,
    ),
    "results": (Results, "results"),
}


@dataclass(frozen=True)
class Files:
    """What a command was told of files of summaries: how they are read and scored."""

    metrics: str | None = None
    checks: str | None = None
    articles: str = ""
    references: list[str] | None = None
    columns: list[str] | None = None
    summaries: str = ""
    join_on: Literal["auto", "id", "article", "line"] = "auto"
    system: list[str] | None = None
    input_format: str = "auto"
    allow_rejected: float = 0.0
    results: str = "results"

    def options(self) -> "FileOptions":
        """Return how the files are read."""
        from evalharness.runner.systems import FileOptions

        return FileOptions(
            columns=tuple(pair for pairs in self.columns or () for pair in split_names(pairs)),
            summaries=tuple(split_names(self.summaries)),
            articles=self.articles,
            references=tuple(self.references or ()),
            join=self.join_on,
            format=self.input_format,
            systems=tuple(self.system or ()),
        )

    def scored_by(self, names: Sequence[str]) -> "Files":
        """Return the same, scored by what a comparison asks for: metrics and checks, or parts."""
        if not names:
            return self
        scorers = dict.fromkeys(whole_name(name).partition(".")[0] for name in names)
        checks = [name for name in scorers if scorer_kind(name, "metrics") == "checks"]
        metrics = [name for name in scorers if name not in checks]
        return replace(
            self,
            metrics=",".join(metrics),
            checks=self.checks if self.checks is not None else ",".join(checks),
        )


def takes_files(
    *own: str,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of files of summaries, all as its one argument `files`.

    own: those that the command has itself, and means otherwise.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(function, eval_str=True)
        kept = [p for p in signature.parameters.values() if p.name != "files"]
        added = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
            )
            for name, (annotation, default) in _OPTIONS.items()
            if name not in own
        ]

        @wraps(function)
        def command(**values: Any) -> None:
            files = Files(**{p.name: values.pop(p.name) for p in added})
            function(**values, files=files)

        whole = signature.replace(
            parameters=[p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*kept, *added)]
        )
        command.__signature__ = whole  # type: ignore[attr-defined]  # typer reads it
        command.__annotations__ = {p.name: p.annotation for p in whole.parameters.values()}
        return command

    return decorate


@dataclass(frozen=True)
class RunsOfArguments:
    """Runs, or folders of them, in the order of the arguments; and those that were files."""

    runs: tuple[str | Run, ...]
    of_files: tuple[Run, ...] = ()


def runs_of(arguments: Sequence[str], files: Files) -> RunsOfArguments:
    """Return the runs that arguments name, files of summaries scored.

    What evalharness wrote beside runs (`results/NAME/*` has `sweep.json`) is passed over, with a
    line on stderr.

    Raises: HarnessError where a file cannot be scored; DataError where more of its rows were left
        out than may be, or where nothing but what was written beside runs is given.
    """
    beside = {argument: folder for argument in arguments if (folder := runs_beside(argument))}
    if arguments and len(beside) == len(set(arguments)):
        argument, folder = next(iter(beside.items()))
        raise DataError(f"{argument}: belongs to the runs in {folder}; give that folder instead")
    for argument in beside:
        tell(f"{argument}: passed over, as it is neither a run nor a file of summaries")
    arguments = [argument for argument in arguments if argument not in beside]
    names = [argument for argument in arguments if not is_run(argument)]
    folders = [argument for argument in arguments if argument not in names]
    places = [Path(folder).resolve() for folder in folders]
    for n, again in enumerate(folders):
        if places[n] in places[:n]:
            tell(f"{again}: the same run is given twice; it is compared with itself")
    if not names:
        return RunsOfArguments(tuple(arguments))
    scored = tuple(_score(names, files, folders))
    check_rejected(scored, files.allow_rejected)
    first = arguments.index(names[0])
    return RunsOfArguments((*folders[:first], *scored, *folders[first:]), scored)


def _score(names: Sequence[str], files: Files, folders: Sequence[str] = ()) -> list[Run]:
    """Score files of summaries beside runs in folders, with a bar and the columns on stderr."""
    from evalharness.cli.progress import show_progress
    from evalharness.runner.existing import score_files
    from evalharness.store.runs import runs_in

    with show_progress(sys.stderr) as progress:
        return score_files(
            names,
            None if files.metrics is None else split_names(files.metrics),
            None if files.checks is None else split_names(files.checks),
            options=files.options(),
            beside=[run for folder in folders[:1] for run in runs_in(folder)],
            results=files.results,
            progress=progress,
            tell=tell,
        )


def is_run(argument: str) -> bool:
    """Tell whether an argument is a folder of runs, and no file of summaries."""
    if argument == STDIN or split_name(argument)[0]:
        return False
    if _is_elsewhere(argument):  # a run may be called gpt-4.1
        from evalharness.protocols import HUB

        is_file = re.search(r"[*?]|\.(jsonl?|csv|tsv|parquet|txt|gz|bz2|xz|zst)$", argument)
        is_own = argument.endswith((f"/{samples.RUN_FILE}", f"/{samples.TABLE_FILE}"))
        return is_own or not (argument.startswith(HUB) or is_file)
    path = Path(argument)
    own = (samples.RUN_FILE, samples.TABLE_FILE, *samples.TEXT_FILES)
    if path.is_dir():
        if run_folders(path, "", "*/", "*/*/", "*/*/*/"):
            return True
        is_damaged = any((path / name).exists() for name in own[:2])
        return is_damaged or not any(file.is_file() for file in path.iterdir())
    if path.is_file():
        return path.name in own and (path.parent / samples.RUN_FILE).exists()
    return not (path.suffix or any(character in argument for character in "*?[:"))


def _is_elsewhere(argument: str) -> bool:
    """Tell whether an argument is a URL; what has no colon is none, and needs no pydantic."""
    if ":" not in argument:
        return False
    from evalharness.protocols import is_url

    return is_url(argument)


def runs_beside(argument: str) -> Path | None:
    """Return the folder whose runs something belongs to that is no run: their `sweep.json`, page,
    config or store, which `results/NAME/*` names too. None where it is no such thing.
    """
    path = Path(argument)
    if argument == STDIN or split_name(argument)[0] or not path.exists():
        return None
    if path.is_dir():
        is_own = path.name == samples.STORE and not run_folders(path, "", "*/", "*/*/")
        depths = ("*/", "*/*/")
    else:
        is_own = path.name in _BESIDE_RUNS or path.suffix == ".html"
        depths = ("", "*/")
    return path.parent if is_own and run_folders(path.parent, *depths) else None


def check_rejected(runs: Sequence[Run], allowed: float) -> None:
    """Raise DataError where more rows of a run were left out than may be."""
    from evalharness.runner.existing import reasons_of_rejected

    for run in runs:
        reasons = reasons_of_rejected(run)
        n = len(reasons)
        rows = run.counts.rows
        if n and n > allowed * rows:
            raise DataError(
                f"{run.name}: {n} of {rows} rows were left out; each is in "
                f"{run.folder / samples.REJECTED} with the reason; {_cure(reasons)}, or allow that "
                f"many: --allow-rejected {_share_above(n, rows)}"
            )


def _cure(reasons: Sequence[str]) -> str:
    """Return what to do about rows that were left out."""
    from evalharness.loaders.formats import HOW_TO_SAVE_AS_UTF_8, NOT_UTF_8

    if any(reason.startswith(NOT_UTF_8) for reason in reasons):
        return f"save the file as UTF-8 ({HOW_TO_SAVE_AS_UTF_8})"
    return "fix them"


def _share_above(n: int, rows: int) -> str:
    """Return a share of few digits that is not less than n of the rows."""
    share = -(-n * 100 // rows) / 100
    return f"{share:g}"


def write_page(runs: RunsOfArguments, *, quiet: bool, headed: bool = False, **how: Any) -> None:
    """Write the page of runs that were files, beside them, named by the systems; and say where.

    headed: whether to print its first sentence, too.
    """
    if not runs.of_files:
        return
    from evalharness.report.page import write_headed_report, write_report
    from evalharness.store.runs import runs_in, unique_names

    whole = [inner for run in runs.runs for inner in runs_in(run)]
    names = [name.replace("/", "-") for name in unique_names(whole)]
    named = "-vs-".join(names) if len(names) < 3 else f"{names[0]}-vs-{len(names) - 1}-others"
    folder = runs.of_files[0].folder.parent
    to = folder / f"{named[:120]}.html"
    if headed and not quiet:
        path, sentence = write_headed_report(*whole, to=to, **how)
        print_headline(sentence)
    else:
        path = write_report(*whole, to=to, **how)
    typer.echo(with_addresses(f"Report: {path}"), err=quiet)
