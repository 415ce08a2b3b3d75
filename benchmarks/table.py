"""What was measured of us and of a peer, as ratios with their spread, and the table of them all."""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True)
class Row:
    """One comparison. ratios: of the peer's time to ours, a round each; above 1 we are quicker.

    not_measured: why there is none. note: what to know of the figures.
    """

    group: str
    what: str
    peer: str
    ratios: tuple[float, ...] = ()
    note: str = ""
    not_measured: str = ""

    def shown(self) -> str:
        """Return the ratio's median, and the least and the greatest."""
        if not self.ratios:
            return f"not measured: {self.not_measured}"
        middle, least, most = statistics.median(self.ratios), min(self.ratios), max(self.ratios)
        spread = f" ({_short(least)} to {_short(most)})" if len(self.ratios) > 1 else ""
        return f"**{_short(middle)}×**{spread}"


class Failed(Exception):
    """A process ended without a figure; the message is the last line it said."""


def _short(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 20 else f"{ratio:.1f}" if ratio >= 10 else f"{ratio:.2f}"


def process(command: Sequence[str], timeout: float = 1800) -> dict[str, Any]:
    """Run a command and return what its last line says, in JSON. Raises: Failed."""
    environment = os.environ | {
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


def beside(
    group: str,
    what: str,
    ours: Sequence[str],
    theirs: Sequence[str],
    peer: str,
    rounds: int,
    note: Callable[[dict[str, Any], dict[str, Any]], str] = lambda mine, other: "",
) -> Row:
    """Run two commands in turns, and return the ratios of the seconds that they tell.

    Which of the two is first changes from round to round. The name of the peer gets its version.
    """
    ratios: list[float] = []
    mine: dict[str, Any] = {}
    other: dict[str, Any] = {}
    try:
        for number in range(rounds):
            if number % 2:
                mine = process(ours)
                other = process(theirs)
            else:
                other = process(theirs)
                mine = process(ours)
            ratios.append(other["seconds"] / mine["seconds"])
    except Failed as error:
        return Row(group, what, peer, not_measured=str(error))
    named = f"{peer} {other['version']}" if other.get("version") else peer
    row = Row(group, what, named, tuple(ratios), note(mine, other))
    print(f"{what}, beside {named}: {row.shown()} {row.note}", flush=True)
    return row


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Keep what was measured, so that a part can be measured again alone."""
    text = json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_rows(path: Path) -> list[Row]:
    """Return what was measured before."""
    return [Row(**row | {"ratios": tuple(row["ratios"])}) for row in json.loads(path.read_text())]


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
        lines += [
            "",
            f"## {group}",
            "",
            "| what | beside | times as quick | |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {row.what} | {row.peer} | {row.shown()} | {row.note} |"
            for row in rows
            if row.group == group
        ]
    return "\n".join(lines)


OURS = sys.executable
