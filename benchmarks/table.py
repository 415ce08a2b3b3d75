"""What was measured of us and of a peer, as ratios with their spread, and the table of them all."""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True)
class Row:
    """One comparison. ratios: of the time of the peer to that of `who`, for each round.

    less: the ratios are the other way round, a share or a cost, and less is better.
    unlike: both do different work, so that neither wins; `note` says what.
    not_measured: why there is none. note: what to know of the figures.
    """

    group: str
    what: str
    peer: str
    who: str = "evalharness"
    ratios: tuple[float, ...] = ()
    note: str = ""
    not_measured: str = ""
    less: bool = False
    unlike: bool = False

    def shown(self) -> str:
        """Return the ratio's median, and the least and the greatest."""
        if not self.ratios:
            return f"not measured: {self.not_measured}"
        middle, least, most = statistics.median(self.ratios), min(self.ratios), max(self.ratios)
        spread = f" ({_short(least)} to {_short(most)})" if len(self.ratios) > 1 else ""
        bold = "" if self.unlike else "**"
        return f"{bold}{_short(middle)}{'' if self.less else '×'}{bold}{spread}"

    def falls_short_of(self, other: "Row") -> bool:
        """Tell whether the median is worse than another's by over a fifth of it."""
        if not self.ratios or not other.ratios:
            return False
        here, there = (statistics.median(row.ratios) for row in (self, other))
        return here > 1.2 * there if self.less else here < 0.8 * there


class Failed(Exception):
    """A process ended without a figure; the message is the last line it said."""


def _short(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 20 else f"{ratio:.1f}" if ratio >= 10 else f"{ratio:.2f}"


def process(command: Sequence[str], timeout: float = 1800) -> dict[str, Any]:
    """Run a command and return what its last line says, in JSON. Raises: Failed."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment = kept | {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]),
    }
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            env=environment,
            cwd=REPOSITORY,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{type(error).__name__}") from error
    lines = [line for line in done.stdout.splitlines() if line.startswith(("{", "["))]
    if done.returncode or not lines:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise Failed(said[-1].strip()[:120] if said else f"ended with {done.returncode}")
    found: dict[str, Any] = json.loads(lines[-1])
    return found


Command = Sequence[str]
changed = replace
"""A row with some of its fields changed."""


def taken_in_turns(commands: Mapping[str, Command], number: int) -> dict[str, dict[str, Any]]:
    """Run commands once, each round beginning with another; return what each tells.

    Raises: Failed.
    """
    order = [*commands.items()]
    at = number % len(order)
    return {who: process(command) for who, command in order[at:] + order[:at]}


Noting = Callable[[dict[str, Any], dict[str, Any]], str]


def beside(
    group: str,
    what: str,
    commands: Mapping[str, Command],
    peer: tuple[str, Command],
    rounds: int,
    note: Noting = lambda mine, other: "",
) -> list[Row]:
    """Run commands and a peer's in turns; return the ratios of the seconds that they tell.

    Each round begins with another of them. A name gets the version that its command tells. What
    cannot be run is left out of later rounds.
    """
    name, theirs = peer
    told: dict[str, list[dict[str, Any]]] = {who: [] for who in (name, *commands)}
    failed: dict[str, str] = {}
    for number in range(rounds):
        order = [*(commands | {name: theirs}).items()]
        for who, command in order[number % len(order) :] + order[: number % len(order)]:
            if who not in failed:
                try:
                    told[who].append(process(command))
                except Failed as error:
                    failed[who] = str(error)
    rows = []
    for who in commands:
        if why := failed.get(name) or failed.get(who):
            row = Row(group, what, name, who, not_measured=why)
        else:
            pairs = list(zip(told[who], told[name], strict=True))
            ratios = tuple(other["seconds"] / mine["seconds"] for mine, other in pairs)
            names = [_named(each, told[each][0]) for each in (name, who)]
            row = Row(group, what, *names, ratios, note(*pairs[0]))
        print(f"{what}: {row.who} beside {row.peer}: {row.shown()} {row.note}", flush=True)
        rows.append(row)
    return rows


def _named(who: str, told: dict[str, Any]) -> str:
    return f"{who} {told['version']}" if told.get("version") else who


def records(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return rows as they are kept."""
    return [asdict(row) for row in rows]


def rows_of(records: Iterable[dict[str, Any]]) -> list[Row]:
    """Return rows that were kept."""
    return [Row(**record | {"ratios": tuple(record["ratios"])}) for record in records]


def for_transformers_4(checkpoint: Path, copy: Path) -> Path:
    """Write a copy of a checkpoint that transformers 4 can read, too, and return it."""
    shutil.copytree(checkpoint, copy)
    named = copy / "tokenizer_config.json"
    tokenizer = json.loads(named.read_text(encoding="utf-8"))
    tokenizer["tokenizer_class"] = "PreTrainedTokenizerFast"
    template = copy / "chat_template.jinja"
    if template.is_file():
        tokenizer["chat_template"] = template.read_text(encoding="utf-8")
    named.write_text(json.dumps(tokenizer), encoding="utf-8")
    config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    config |= {"rope_theta": config.get("rope_parameters", {}).get("rope_theta")}
    known = {key: value for key, value in config.items() if value is not None}
    (copy / "config.json").write_text(json.dumps(known), encoding="utf-8")
    generating = copy / "generation_config.json"
    if generating.is_file():  # a number of new tokens there goes before the one asked for
        told = json.loads(generating.read_text(encoding="utf-8"))
        told.pop("max_new_tokens", None)
        generating.write_text(json.dumps(told), encoding="utf-8")
    return copy


def machine() -> str:
    """Return the kind of machine and the versions that matter, and no name of it."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    packages = ("numpy", "torch", "transformers", "pyarrow")
    found = [f"{name} {known}" for name in packages if (known := _version(name))]
    return (
        f"{os.cpu_count()} cores ({cpu}), no GPU; {platform.system()}, "
        f"Python {platform.python_version()}, {', '.join(found)}"
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def markdown(rows: Sequence[Row]) -> str:
    """Return a table for each group."""
    lines: list[str] = []
    for group in dict.fromkeys(row.group for row in rows):
        lines += ["", f"## {group}", "", "| what | who | beside | times as quick | |"]
        lines.append("|---|---|---|---|---|")
        lines += [
            f"| {row.what} | {row.who} | {row.peer} | {row.shown()} | {row.note} |"
            for row in rows
            if row.group == group
        ]
    return "\n".join(lines)


OURS = sys.executable
