"""What can go wrong, as a tree.

HarnessError                 something the user can mend; one line on stderr, exit code 2
├── ConfigError              the YAML or an override: file, line, column, dotted path
│   └── UnknownComponent     a name that is nothing here, with the nearest that is
├── DataError                articles: file and line, or dataset and split
├── MissingExtra             an optional package, with the pip line that brings it
├── ModelError               a checkpoint that cannot be used as it is
├── EndpointError            a server that cannot be asked: nobody there, a wrong key
│   └── BudgetSpent          what the config lets a run spend on servers
├── ExecutorError            workers that cannot be had: no such GPU, no cluster
│   └── WorkerDied           work that no worker survives
├── NoMemory                 this machine's memory is too small for what was asked
└── StoreError               a results folder or ledger that cannot be read or written

Anything else is a bug of ours and keeps its traceback.

`Exit` has every exit code of the command line: whatever ends a process, or says how one ends, names
it. The end of `evalharness --help` and a table of the reference are made from it.
"""

import traceback
from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """How a command ends, with what that means in words."""

    meaning: str

    GOOD = 0, "good"
    FINDING = (
        1,
        "`check` flagged a summary, `gate` found a regression, or `verify`, `rerun` or `reproduce` "
        "found a difference",
    )
    MENDABLE = 2, "something you can fix: config, data, a wrong option"
    INCONCLUSIVE = (
        3,
        "inconclusive: `gate` had too few articles to tell, `check` found no summary or cannot "
        "say which lines are it, `rerun` had other versions, `reproduce` ran only part",
    )
    INCOMPLETE = (
        4,
        "the run could not be completed, some articles have no summary or no score for now, the "
        "budget is spent, a tracker failed, the newest run of a folder did not finish, runs "
        "could not be compared, or a step of `selftest` failed",
    )
    INTERRUPTED = 130, "interrupted by Ctrl-C; the same command goes on"
    TERMINATED = 143, "interrupted by SIGTERM; the same command goes on"

    def __new__(cls, code: int, meaning: str) -> Self:
        """Make a member that is the code, and has its meaning beside it."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


class HarnessError(Exception):
    """Something the user can mend: the message says what is wrong, where, and what to do."""

    exit_code: Exit = Exit.MENDABLE


class ConfigError(HarnessError):
    """The configuration does not say something that can be run."""


class UnknownComponent(ConfigError):
    """No loader, model, metric or check has this name."""


class DataError(HarnessError):
    """The articles cannot be read; says which file and line."""


class MissingExtra(HarnessError):
    """An optional package is needed and not installed."""

    def __init__(self, wanted_by: str, extra: str) -> None:
        super().__init__(f"{wanted_by} needs: {install_command(extra)}")


def install_command(extra: str) -> str:
    """Return the command that installs an extra's packages, however evalharness was installed.

    `pip install 'evalharness[html]'` would ask an index for a package that was had as a clone or a
    wheel; the packages themselves are on the index.
    """
    from importlib.metadata import PackageNotFoundError, requires

    try:
        declared = requires(__package__) or []
    except PackageNotFoundError:  # a clone on the path, not installed
        declared = []
    pairs = (requirement.partition(";") for requirement in declared)
    packages = [name.strip() for name, _, marker in pairs if _names_extra(marker, extra)]
    if packages:
        return f"pip install {' '.join(map(repr, packages))}"
    return f"pip install '.[{extra}]' in the folder of evalharness's pyproject.toml"


def _names_extra(marker: str, extra: str) -> bool:
    """Tell whether a requirement is of an extra: `extra == 'ray'`, in either kind of quotes."""
    return marker.replace('"', "'").replace(" ", "").endswith(f"extra=='{extra}'")


class ModelError(HarnessError):
    """A checkpoint cannot be loaded or used as the config asks."""


class EndpointError(HarnessError):
    """A server cannot be asked at all: nobody answers, or the key or the model is not known."""


class BudgetSpent(EndpointError):
    """What a run may spend on servers is spent; what was answered is stored."""

    exit_code = Exit.INCOMPLETE


class ExecutorError(HarnessError):
    """Workers cannot be had as the config asks: no cluster, no GPU, another version there."""


class WorkerDied(ExecutorError):
    """Work that no worker came through alive."""

    exit_code = Exit.INCOMPLETE


class NoMemory(HarnessError):
    """There is too little memory for a model, a metric or their data."""

    exit_code = Exit.INCOMPLETE

    def __init__(self) -> None:
        super().__init__(
            "the memory of this machine ran out; what was computed is kept: make room, or ask for "
            "less at once (fewer systems, shorter articles), and the same command goes on"
        )


class StoreError(HarnessError):
    """A results folder or ledger cannot be read or written."""

    exit_code = Exit.INCOMPLETE


def reason(error: BaseException) -> str:
    """Return one line for what the user can mend, and the whole traceback for what is a bug."""
    if isinstance(error, HarnessError):
        return str(error)
    return "".join(traceback.format_exception(error)).rstrip()
