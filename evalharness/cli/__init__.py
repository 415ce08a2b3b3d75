"""The command line: which commands there are, each in the file of its name, and how one ends.

A command ends with one of `errors.Exit`. What it makes goes to stdout, progress and errors to
stderr.
"""

import atexit
import errno
import gc
import inspect
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Annotated, Any, Literal, NoReturn, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from evalharness.errors import Exit

# In the order of --help. A line is the first one of its command's docstring, and stands here, too,
# so that --help imports no command.
COMMANDS = {
    "run": "Run a config: load articles, summarize, score, and show a table.",
    "plan": "Show what a config would run, what is stored, and what difference it could detect.",
    "score": (
        "Score summaries that exist: rows with article, summary and, for metrics, reference; "
        "or logs."
    ),
    "copy": (
        "Copy a folder of results to or from a URL: of a run, an experiment, or all with the store."
    ),
    "compact": (
        "Put one part in place of the many that runs put at a URL; the runs there stay as they are."
    ),
    "export": (
        "Write runs for other tools (rows, model card, LLM Comparator, …), or pack their folders."
    ),
    "demo": "Show what evalharness does: a small model's summaries, scored, with their errors.",
    "init": "Write commented files to start from: for a study, a CI job, saved pages, a metric.",
    "examples": "Write the configs, articles and the run that the README works with into a folder.",
    "list": "List components, or the options of one.",
    "schema": "Print the JSON Schema of a config file, for editors.",
    "meta": "Measure how checks agree with people: AUC, correlations, spans, with intervals.",
    "calibrate": (
        "Learn thresholds and probabilities of a check from human labels, and write them as JSON."
    ),
    "selftest": (
        "Test the installation offline, against known answers; with --checks, test the checks."
    ),
    "check": (
        "Check a summary against its article: 0 good, 1 flagged, 2 not read, 3 no clear summary."
    ),
    "compare": (
        "Compare runs on the articles they share; the first is the baseline of the differences."
    ),
    "gate": (
        "Fail a CI job if summaries got worse: 0 pass, 1 regression, 3 too few articles, 4 not run."
    ),
    "report": (
        "Write one HTML page: what is better, how sure that is, and where each summary goes wrong."
    ),
    "view": "Show all runs of a results folder in the browser, on this machine only, until Ctrl-C.",
    "annotate": ("Write a page on which people judge summaries; with --read, read their answers."),
    "show": (
        "Show one article with its summaries, evidence and flags; without ID, the worst articles."
    ),
    "leaderboard": "List all runs in a folder, best first, a table for each set of articles.",
    "verify": (
        "Check runs on disk: digests, figures, ledgers, a sample scored again. 0 good, 1 differs."
    ),
    "rerun": (
        "Run a run's config again from scratch. 0 same bytes, 1 other bytes, 3 other versions, too."
    ),
    "reproduce": (
        "List published figures, or make one of them again. 0 made, 1 not, 3 only part was run."
    ),
}

# What --help of each command ends with: commands that run where `evalharness examples` and
# `evalharness demo` wrote their files, with rows and labels of one's own.
EXAMPLES = {
    "run": ["evalharness run configs/pages.yaml"],
    "plan": ["evalharness plan configs/sweep.yaml"],
    "score": ["evalharness score ours.jsonl --metrics rouge,chrf --checks lexical"],
    "copy": ["evalharness copy results/demo backup"],
    "compact": ["evalharness compact s3://bucket/results"],
    "export": ["evalharness export results/demo/lead-3 --to jsonl -o rows.jsonl"],
    "demo": ["evalharness demo"],
    "init": ["evalharness init study my-study"],
    "examples": ["evalharness examples"],
    "list": ["evalharness list checks", "evalharness list models seq2seq"],
    "schema": ["evalharness schema > config.schema.json"],
    "meta": ["evalharness meta labels.jsonl --checks lexical"],
    "calibrate": ["evalharness calibrate labels.jsonl --check lexical -o lexical.json"],
    "selftest": ["evalharness selftest", "evalharness selftest --checks --check numbers"],
    "check": [
        "evalharness check configs/pages/harvest.txt",
        "evalharness check --article article.txt --summary summary.txt",
    ],
    "compare": [
        "evalharness compare ours.jsonl theirs.jsonl",
        "evalharness compare results/demo/lead-3 results/demo/textrank",
    ],
    "gate": ["evalharness gate baseline.jsonl candidate.jsonl --markdown comment.md"],
    "report": ["evalharness report results/demo -o report.html"],
    "view": ["evalharness view results"],
    "annotate": [
        "evalharness annotate ours.jsonl theirs.jsonl --protocol pairs -n 16 -o study.html",
        "evalharness annotate --read labels-ann.jsonl labels-ben.jsonl -o labels.jsonl",
    ],
    "show": ["evalharness show results/demo", "evalharness show results/demo harbour-ferry"],
    "leaderboard": ["evalharness leaderboard results"],
    "verify": ["evalharness verify results/demo"],
    "rerun": ["evalharness rerun results/demo/lead-3"],
    "reproduce": ["evalharness reproduce"],
}


# Names that other tools have for what a command does.
OTHER_NAMES = {
    "diff": "compare",
    "doctor": "selftest",
    "eval": "score",
    "evaluate": "score",
    "explain": "show",
    "rank": "leaderboard",
    "serve": "view",
    "sweep": "run",
}

_RESUMES = "resumes"
# What is said of a command that was interrupted, where there is more to say.
WHEN_INTERRUPTED = {
    "run": _RESUMES,
    "score": _RESUMES,
    "reproduce": _RESUMES,
    "rerun": "; the run itself is untouched",
}


# What reads and writes runs multiplies small matrices only: more threads would wait longer than
# they compute, and a process of one thread can make workers that are copies of it.
ONE_THREAD = ("compare", "gate", "leaderboard", "report", "run", "score", "show", "verify", "view")

# What ends by a page with plots, but for some options. The engine that draws takes as long to start
# as the rest to be imported; then it waits in a process of its own, which holds little.
DRAWS = ("report", "run", "score")
DRAWS_NOT = ("--help", "--no-report", "--shard", "-h")

# What only reads leaves nothing open that the end of the process would have to close.
READERS = ("compare", "gate", "leaderboard", "show", "verify")

CONTEXT = {"help_option_names": ["-h", "--help"]}


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM, as batch systems and containers do."""


# `list` is a module of this package as soon as that is imported.
_TEXTS = list[str]


class _ValueAsGiven:
    """What converts the values of a parameter: one that is what it should be stays as it is.

    typer has pydantic validate it, which takes longer to import than numpy.
    """

    def __init__(self, converter: Callable[[], Any]) -> None:
        self._converter = converter

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value of a parameter of typer's."""
        is_several = param.multiple or param.nargs == -1
        if value is None:
            return () if is_several else None
        kind = param.type_descriptor.annotation
        if kind == _TEXTS and isinstance(value, Sequence) and not isinstance(value, str):
            if all(_is_plain(each, str) for each in value):
                return [*value]
        elif not is_several and _is_plain(value, kind):
            return value
        return self._converter().coerce(value, param=param, ctx=ctx)


def _is_plain(value: Any, kind: Any) -> bool:
    """Tell whether a value, or a default, is of a type or one of its choices; text is ASCII."""
    if isinstance(value, str) and not value.isascii():
        return False
    return value in get_args(kind) if get_origin(kind) is Literal else type(value) is kind


def _without_pydantic(parameters: Any) -> Any:
    """Return a command's parameters, each of which converts only what has to be converted."""
    for parameter in parameters:
        converter = getattr(parameter, "get_runtime_param", None)
        if inspect.ismethod(converter):  # versions of typer before 0.27 convert without pydantic
            parameter.get_runtime_param = partial(_ValueAsGiven, converter)
    return parameters


def _without_page(args: Sequence[str]) -> bool:
    """Tell whether the arguments of a command say that it writes no page.

    >>> _without_page(["config.yaml", "--shard=1/2"])
    True
    """
    return any(word.partition("=")[0] in DRAWS_NOT for word in args)


class Commands(TyperGroup):
    """The commands, each imported when it is called; until then a name and a line."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {
            name: TyperCommand(name, help=line, short_help=line) for name, line in COMMANDS.items()
        }

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters."""
        return _without_pydantic(super().get_params(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the name, the command, now with its options, and the arguments left for it."""
        called, *_ = args
        if here := OTHER_NAMES.get(called):
            ctx.fail(f"No such command: {called!r} is called {here!r} here.")
        name, _, rest = super().resolve_command(ctx, args)
        is_called = not ctx.resilient_parsing  # which only completes a word
        if is_called and name in DRAWS and not _without_page(rest):
            import_module("evalharness.report.drawer").DRAWER.start()
        return name, name and command(name), rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; end by exit codes of ours where typer has 1, which is a regression."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt as error:
            more = WHEN_INTERRUPTED.get(ctx.invoked_subcommand, "")
            if more == _RESUMES:
                kept = getattr(error, "__notes__", ["what is stored is kept"])
                more = "".join(f"; {note}" for note in [*kept, "the same command goes on"])
            by_system = isinstance(error, Terminated)
            fail(f"interrupted{more}", Exit.TERMINATED if by_system else Exit.INTERRUPTED)
        except BrokenPipeError:  # whoever read the output has gone: no more of it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(Exit.INCOMPLETE) from None
        return result

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write what each exit code means, below the commands."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code.value), code.meaning) for code in Exit])


# Parameters that name what a command writes to this machine only; others may name a URL.
_WRITTEN_HERE = {
    "calibrate": ("output",),
    "check": ("save_profile",),
    "examples": ("folder",),
    "gate": ("junit", "markdown"),
    "init": ("folder",),
    "meta": ("card",),
    "rerun": ("into",),
    "selftest": ("results", "card"),
}


class Command(TyperCommand):
    """A command whose usage names its arguments as they are declared, without more brackets."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; refuse a URL for what is written to this machine only."""
        rest = super().parse_args(ctx, args)
        for name in _WRITTEN_HERE.get(str(self.name), ()):
            if "://" in str(ctx.params.get(name)):
                from evalharness.errors import ConfigError

                raise ConfigError(
                    f"{ctx.params[name]}: `{self.name}` writes this to this machine only; name a "
                    "file or folder here, and copy it there afterwards"
                )
        return rest

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters."""
        return _without_pydantic(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what stands behind the command's name in its usage."""
        names = []
        for argument in self.params:
            if argument.param_type_name == "argument":
                name = argument.metavar or str(argument.name).upper()
                optional = not argument.required and not name.startswith("[")
                names.append(f"[{name}]" if optional else name)
        return ["[OPTIONS]", *names]

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write commands to copy, each on a line of its own however narrow the terminal is."""
        with formatter.section("Examples"):
            for line in EXAMPLES[str(self.name)]:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def fail(message: str, code: Exit) -> NoReturn:
    """Say why on stderr, and end with the exit code."""
    from evalharness.files.untrusted import visible
    from evalharness.store.ledger import with_addresses

    typer.echo(f"evalharness: {visible(with_addresses(message))}", err=True)
    raise typer.Exit(code) from None


def command(name: str) -> Any:
    """Return the command as the file of its name declares it, with arguments and options."""
    if name in READERS:
        atexit.register(gc.freeze)  # to look for cycles at the end takes a tenth of a small gate
    if name in ONE_THREAD:
        import_module("evalharness.stats").import_numpy(one_thread=True)
    function = getattr(import_module(f"evalharness.cli.{name}"), f"{name}_command")
    whole = typer.Typer(rich_markup_mode=None)
    whole.command(name, cls=Command, context_settings=CONTEXT)(function)
    return get_group(whole).commands[name]


app = typer.Typer(
    cls=Commands,
    name="evalharness",
    help="How good are these summaries, and where are they wrong?\n\nStart with: evalharness demo",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=CONTEXT,
    no_args_is_help=True,
)


@app.callback(invoke_without_command=True)
def _top(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        import evalharness

        typer.echo(f"evalharness {evalharness.__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; a HarnessError is one line on stderr and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # a terminal that cannot show a letter gets its code
            stream.reconfigure(errors="backslashreplace")
    if "_EVALHARNESS_COMPLETE" in os.environ:  # else typer folds what it says of a word, and a
        os.environ["COLUMNS"] = "1000"  # shell takes each line for a word to choose
    try:
        with heeding_sigterm():
            app()
    except Exception as error:
        from evalharness.errors import DataError, HarnessError
        from evalharness.files.credentials import without_credentials
        from evalharness.files.untrusted import one_line
        from evalharness.store.ledger import with_addresses

        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:  # a text, not a file
            name = f"{str(error.filename)[:60]}…"
            error = DataError(f"{name}: no file has so long a name; texts: check --article-text")
        if not isinstance(error, HarnessError):  # a bug: 1 would tell a CI job of a regression
            traceback.print_exception(error)
            sys.exit(Exit.INCOMPLETE)
        for line in with_addresses(str(error)).split("\n"):
            typer.echo(f"evalharness: {one_line(without_credentials(line))}", err=True)
        sys.exit(error.exit_code)


@contextmanager
def heeding_sigterm() -> Iterator[None]:
    """Let SIGTERM end the process as Ctrl-C does, so that what is open is closed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    process, before = os.getpid(), signal.getsignal(signal.SIGTERM)

    def end(number: int, _: object) -> None:
        if os.getpid() == process:
            raise Terminated
        signal.signal(number, signal.SIG_DFL)  # a forked worker ends at once
        os.kill(os.getpid(), number)

    if before == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
