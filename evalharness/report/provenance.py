"""The last section: what made the numbers, and how to make them again."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalharness.report.gathered import CONFIG, Gathered
from evalharness.report.table import signatures

# Configs that the page shows; those of a larger sweep are alike.
CONFIGS = 60


@dataclass(frozen=True)
class RunSource:
    """One run: its signature, its data, and its config as it stands in its folder."""

    name: str
    model: str
    fingerprint: str
    command: str
    config: str


@dataclass(frozen=True)
class Provenance:
    """All that the section shows. versions: by what they are of, one for all runs or one each."""

    sources: tuple[RunSource, ...]
    signatures: tuple[str, ...]
    versions: tuple[tuple[str, tuple[str, ...]], ...]
    again: str


def provenance_section(gathered: Gathered) -> Provenance:
    """Return where the runs are from."""
    sources = tuple(
        RunSource(
            name=name,
            model=str(record["signatures"]["model"]),
            fingerprint=str(record["data"]["fingerprint"]),
            command=_command(record),
            config=_text(gathered, n) if n < CONFIGS else "",
        )
        for n, (name, record) in enumerate(zip(gathered.names, gathered.records, strict=True))
    )
    return Provenance(
        sources=sources,
        signatures=tuple(signatures(gathered.records)),
        versions=tuple(_versions(gathered)),
        again="\n".join(source.command for source in sources),
    )


def _command(record: Mapping[str, Any]) -> str:
    """Return the command that makes a run again, from the folder that holds `results`."""
    path = f"results/{record['experiment']}/{record['cell']}/{CONFIG}"
    return f"evalharness run {shlex.quote(path)}"


def _text(gathered: Gathered, n: int) -> str:
    try:
        return (gathered.runs[n].folder / CONFIG).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _versions(gathered: Gathered) -> list[tuple[str, tuple[str, ...]]]:
    """Return package, and its versions in the order of the runs, each once."""
    found: dict[str, dict[str, None]] = {}
    for record in gathered.records:
        for name, version in _flat(record.get("provenance", {})):
            found.setdefault(name, {})[version] = None
    return [(name, tuple(versions)) for name, versions in found.items()]


def _flat(provenance: Any) -> list[tuple[str, str]]:
    if not isinstance(provenance, dict):
        return []
    pairs = []
    for name, value in provenance.items():
        if isinstance(value, dict):
            pairs += _flat(value)
        elif isinstance(value, list):
            pairs.append((str(name), ", ".join(map(str, value)) or "none"))
        elif value is not None:
            pairs.append((str(name), str(value)))
    return pairs
